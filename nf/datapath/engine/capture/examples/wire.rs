//! Both ends of the bench of live capture (`python -m bench.live`): sends packets as fast as the system
//! takes them, and receives them as bare as can be, by a ring (TPACKET_V3) whose packets are only
//! walked over.
//!
//! `wire send INTERFACE OCTETS SECONDS SESSIONS` prints packets sent, and the
//! seconds taken, of the clock and of the processor;
//! `wire receive INTERFACE BUFFER` counts until its standard input ends, and then prints packets
//! received, octets, and packets dropped.

use std::error::Error;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

type Outcome = Result<(), Box<dyn Error>>;

/// Packets in one call of the system.
const AT_ONCE: usize = 64;
/// Packets of a session until another one takes its place.
const PACKETS: u64 = 100;
const HEADERS: usize = 14 + 20 + 8;
const BLOCK: usize = 1 << 18;
const QDISC_BYPASS: libc::c_int = 20;

fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["send", interface, octets, seconds, sessions] => {
            send(interface, octets.parse()?, seconds.parse()?, sessions.parse()?)
        }
        ["receive", interface, buffer] => receive(interface, buffer.parse()?),
        _ => Err("wire send INTERFACE OCTETS SECONDS SESSIONS, or receive INTERFACE BUFFER".into()),
    }
}

fn done(answer: libc::c_int) -> io::Result<libc::c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// A packet socket that is bound to an interface and gets `protocol`.
fn socket(protocol: u16) -> io::Result<OwnedFd> {
    // SAFETY: takes three numbers; the descriptor is new and owned by nobody else.
    unsafe {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        let number = done(libc::socket(libc::AF_PACKET, kind, protocol.to_be().into()))?;
        Ok(OwnedFd::from_raw_fd(number))
    }
}

fn bind(socket: &OwnedFd, interface: &str, protocol: u16) -> Outcome {
    let name = std::ffi::CString::new(interface)?;
    // SAFETY: an address of zeros is one; the name ends with a zero; the address has this size.
    unsafe {
        let mut address: libc::sockaddr_ll = mem::zeroed();
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = protocol.to_be();
        address.sll_ifindex = done(libc::if_nametoindex(name.as_ptr()).cast_signed())?;
        if address.sll_ifindex == 0 {
            return Err(io::Error::last_os_error().into());
        }
        let size = mem::size_of_val(&address) as libc::socklen_t;
        done(libc::bind(socket.as_raw_fd(), ptr::from_ref(&address).cast(), size))?;
    }
    Ok(())
}

fn set<T>(socket: &OwnedFd, name: libc::c_int, value: &T) -> io::Result<()> {
    let size = mem::size_of::<T>() as libc::socklen_t;
    let value = ptr::from_ref(value).cast();
    // SAFETY: the pointer is to a live value of this size.
    done(unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, name, value, size) })?;
    Ok(())
}

/// A datagram of session number `session` in an Ethernet frame, whose checksum of IP is right.
fn write(frame: &mut [u8], session: u64) {
    let [.., a, b, c] = (session as u32).to_be_bytes();
    let length = (frame.len() - 14) as u16;
    frame[..14].copy_from_slice(b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0");
    let ip = &mut frame[14..];
    ip[..20].fill(0);
    ip[0] = 0x45;
    ip[2..4].copy_from_slice(&length.to_be_bytes());
    (ip[8], ip[9]) = (64, 17);
    ip[12..16].copy_from_slice(&[10, a, b, c]);
    ip[16..20].copy_from_slice(&[192, 0, 2, 1]);
    let words = ip[..20].chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1]));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip[20..22].copy_from_slice(&(1024 + (session % 60_000) as u16).to_be_bytes());
    ip[22..24].copy_from_slice(&4000_u16.to_be_bytes());
    ip[24..26].copy_from_slice(&(length - 20).to_be_bytes());
    ip[26..28].fill(0);
}

fn send(interface: &str, octets: usize, seconds: f64, sessions: u64) -> Outcome {
    if octets < HEADERS || sessions == 0 {
        return Err(format!("a packet has {HEADERS} octets or more, of one session or more").into());
    }
    let socket = socket(0)?;
    bind(&socket, interface, 0)?;
    set(&socket, QDISC_BYPASS, &1_i32)?;
    let mut frames = vec![vec![b'z'; octets]; AT_ONCE];
    let mut parts: Vec<libc::iovec> = frames
        .iter_mut()
        .map(|frame| libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: octets })
        .collect();
    let mut messages: Vec<libc::mmsghdr> = parts
        .iter_mut()
        .map(|part| {
            // SAFETY: a message of zeros has no address and no parts.
            let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message
        })
        .collect();
    let (began, length) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut sent = 0_u64;
    while began.elapsed() < length {
        for (n, frame) in (sent..).zip(&mut frames) {
            // So many sessions at a time, which take turns.
            write(frame, n / (sessions * PACKETS) * sessions + n % sessions);
        }
        // SAFETY: so many messages, whose parts are live; the kernel writes lengths into them.
        let went = unsafe {
            let count = messages.len() as libc::c_uint;
            libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, 0)
        };
        match done(went) {
            Ok(went) => sent += went.cast_unsigned() as u64,
            // The queue of the other end is full.
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    println!("{sent} {} {}", began.elapsed().as_secs_f64(), processor_seconds()?);
    Ok(())
}

/// Seconds that the processor has spent on this program, the kernel's work for it included.
fn processor_seconds() -> io::Result<f64> {
    // SAFETY: numbers of zero are such an account, which the system then fills in.
    let used = unsafe {
        let mut used: libc::rusage = mem::zeroed();
        done(libc::getrusage(libc::RUSAGE_SELF, &mut used))?;
        used
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(seconds(used.ru_utime) + seconds(used.ru_stime))
}

fn word(bytes: &[u8], at: usize) -> usize {
    let four = bytes[at..at + 4].try_into().unwrap_or_default();
    u32::from_ne_bytes(four) as usize
}

fn receive(interface: &str, buffer: usize) -> Outcome {
    static OVER: AtomicBool = AtomicBool::new(false);
    let socket = socket(0)?;
    set(&socket, libc::PACKET_VERSION, &2_i32)?;
    let blocks = (buffer / BLOCK).max(2);
    let request = libc::tpacket_req3 {
        tp_block_size: BLOCK as u32,
        tp_block_nr: blocks as u32,
        tp_frame_size: 2048,
        tp_frame_nr: (BLOCK / 2048 * blocks) as u32,
        tp_retire_blk_tov: 50,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    set(&socket, libc::PACKET_RX_RING, &request)?;
    // SAFETY: a new mapping at a place of the system's choice touches no memory of ours.
    let ring = unsafe {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let size = BLOCK * blocks;
        libc::mmap(ptr::null_mut(), size, rights, libc::MAP_SHARED, socket.as_raw_fd(), 0)
    };
    if ring == libc::MAP_FAILED {
        return Err(io::Error::last_os_error().into());
    }
    let all = libc::ETH_P_ALL as u16;
    bind(&socket, interface, all)?;
    println!("ready");
    std::thread::spawn(|| {
        // Whatever comes, it is over.
        let _told = io::stdin().read(&mut [0]);
        OVER.store(true, Ordering::Relaxed);
    });
    let (mut packets, mut octets, mut at) = (0_usize, 0_usize, 0);
    loop {
        // SAFETY: the block lies in the mapping, which stays; its status is aligned.
        let (block, status) = unsafe {
            let begin = ring.cast::<u8>().add(at * BLOCK);
            (std::slice::from_raw_parts(begin, BLOCK), AtomicU32::from_ptr(begin.add(8).cast()))
        };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            if OVER.load(Ordering::Relaxed) {
                break;
            }
            let mut waited =
                libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: the pointer is to one live structure.
            unsafe { libc::poll(&mut waited, 1, 20) };
            continue;
        }
        let (count, mut place) = (word(block, 12), word(block, 16));
        for _ in 0..count {
            octets += word(block, place + 16);
            place += word(block, place);
        }
        packets += count;
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        at = (at + 1) % blocks;
    }
    let mut stats = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
    let mut size = mem::size_of_val(&stats) as libc::socklen_t;
    // SAFETY: the pointers are to live values of these sizes.
    done(unsafe {
        let (place, size) = (ptr::from_mut(&mut stats).cast(), &mut size);
        let name = libc::PACKET_STATISTICS;
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_PACKET, name, place, size)
    })?;
    println!("{packets} {octets} {}", stats.tp_drops);
    Ok(())
}

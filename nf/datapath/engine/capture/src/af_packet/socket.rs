//! The system calls of a packet socket (packet(7)), each once.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{c_int, c_void, socklen_t};

use super::ring::Cut;
use crate::bpf::Instruction;

/// Every protocol, in both directions.
const ALL: u16 = libc::ETH_P_ALL as u16;
/// Frames of the ring's older versions; version 3 only asks that blocks hold whole ones.
const FRAME: usize = 2048;

/// A new group gets a number that nobody has (`PACKET_FANOUT_FLAG_UNIQUEID`).
const UNIQUE_NUMBER: u32 = 0x2000;

/// A packet socket; closed when dropped.
pub(super) struct Socket(OwnedFd);

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn done(answer: c_int) -> io::Result<c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

impl Socket {
    /// A socket that gets nothing until it is bound; `cooked`: without link headers.
    pub fn open(cooked: bool) -> io::Result<Self> {
        let kind = if cooked { libc::SOCK_DGRAM } else { libc::SOCK_RAW };
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: takes three numbers; the descriptor is new and owned by nobody else.
        unsafe {
            let descriptor = done(libc::socket(libc::AF_PACKET, kind | flags, 0))?;
            Ok(Self(OwnedFd::from_raw_fd(descriptor)))
        }
    }

    fn raw(&self) -> c_int {
        self.0.as_raw_fd()
    }

    fn set<T>(&self, level: c_int, name: c_int, value: &T) -> io::Result<()> {
        let size = mem::size_of::<T>() as socklen_t;
        let value: *const T = value;
        // SAFETY: the pointer is to a live value of this size, which is only read.
        done(unsafe { libc::setsockopt(self.raw(), level, name, value.cast(), size) }).map(drop)
    }

    /// Reads an option. `T` must be made of numbers only.
    fn get<T: Copy>(&self, level: c_int, name: c_int, mut value: T) -> io::Result<T> {
        let mut size = mem::size_of::<T>() as socklen_t;
        let room: *mut T = &mut value;
        // SAFETY: the pointer is to a live value of this size; any octets make a `T`.
        done(unsafe {
            libc::getsockopt(self.raw(), level, name, room.cast::<c_void>(), &mut size)
        })?;
        Ok(value)
    }

    /// Gives the socket a ring whose blocks are handed over when full or after so long.
    pub fn ring(&self, cut: Cut, timeout_ms: u32) -> io::Result<()> {
        let version: c_int = 2; // TPACKET_V3
        self.set(libc::SOL_PACKET, libc::PACKET_VERSION, &version)?;
        let request = libc::tpacket_req3 {
            tp_block_size: cut.block as u32,
            tp_block_nr: cut.blocks as u32,
            tp_frame_size: FRAME as u32,
            tp_frame_nr: (cut.bytes() / FRAME) as u32,
            tp_retire_blk_tov: timeout_ms.max(1),
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        self.set(libc::SOL_PACKET, libc::PACKET_RX_RING, &request)
    }

    /// Has every packet stamped once, before any socket gets it: then all sockets of an interface
    /// tell the same time of it.
    pub fn stamp(&self) -> io::Result<()> {
        let on: c_int = 1;
        self.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &on)?;
        let software = libc::SOF_TIMESTAMPING_SOFTWARE.cast_signed();
        self.set(libc::SOL_PACKET, libc::PACKET_TIMESTAMP, &software)
    }

    /// Leaves out what this host sends.
    pub fn ignore_outgoing(&self) -> io::Result<()> {
        let on: c_int = 1;
        self.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &on)
    }

    /// Has the interface take up frames for other hosts, too, while the socket is open.
    pub fn promiscuous(&self, interface: i32) -> io::Result<()> {
        let request = libc::packet_mreq {
            mr_ifindex: interface,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
    }

    /// From here on packets come; `interface` 0 is every one.
    pub fn bind(&self, interface: i32) -> io::Result<()> {
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: ALL.to_be(),
            sll_ifindex: interface,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        let (pointer, size): (*const libc::sockaddr_ll, _) =
            (&address, mem::size_of_val(&address) as socklen_t);
        // SAFETY: the pointer is to a live address of this size.
        done(unsafe { libc::bind(self.raw(), pointer.cast(), size) }).map(drop)
    }

    /// Has the kernel run a program on every packet; what it returns is how much is kept.
    pub fn filter(&self, program: &[Instruction]) -> io::Result<()> {
        self.set_program(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, program)
    }

    /// Makes the socket, which must be bound, the first of a group that shares the packets of its
    /// interface; the number of the group.
    pub fn found_group(&self) -> io::Result<u16> {
        // The kernel chooses a number that nobody has.
        let kind = libc::PACKET_FANOUT_CBPF | UNIQUE_NUMBER;
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &(kind << 16))?;
        let made: c_int = self.get(libc::SOL_PACKET, libc::PACKET_FANOUT, 0)?;
        Ok(made as u16)
    }

    /// Makes the socket, which must be bound, one more of a group.
    pub fn join_group(&self, group: u16) -> io::Result<()> {
        let joined = u32::from(group) | libc::PACKET_FANOUT_CBPF << 16;
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &joined)
    }

    /// Has a program choose the socket of the group for every packet.
    pub fn choose_by(&self, program: &[Instruction]) -> io::Result<()> {
        self.set_program(libc::SOL_PACKET, libc::PACKET_FANOUT_DATA, program)
    }

    fn set_program(&self, level: c_int, name: c_int, program: &[Instruction]) -> io::Result<()> {
        let mut program: Vec<libc::sock_filter> = program
            .iter()
            .map(|one| libc::sock_filter {
                code: one.code,
                jt: one.jump_true,
                jf: one.jump_false,
                k: one.operand,
            })
            .collect();
        let length =
            u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        let request = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
        // The kernel copies the program.
        self.set(level, name, &request)
    }

    /// Packets the kernel had for the socket, and how many of them it dropped, since last asked.
    pub fn statistics(&self) -> io::Result<(u64, u64)> {
        let none = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
        let stats = self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS, none)?;
        Ok((stats.tp_packets.into(), stats.tp_drops.into()))
    }

    /// The error that is waiting to be told, which is then forgotten.
    pub fn error(&self) -> Option<io::Error> {
        let number: c_int = self.get(libc::SOL_SOCKET, libc::SO_ERROR, 0).unwrap_or(0);
        (number != 0).then(|| io::Error::from_raw_os_error(number))
    }
}

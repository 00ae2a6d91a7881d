//! Packets from libpcap (pcap(3PCAP)), which also knows interfaces that the kernel does not.
//!
//! libpcap filters by itself, in the kernel where it can; what it refuses nobody has seen.

use std::ffi::{CString, c_int};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::names::Shape;
use super::spec::Interface;
use super::tap::Tap;
use crate::af_packet::{Failure, Taken, Term, Why, wall_clock};
use crate::bpf::Filter;
use crate::error::CaptureError;
use crate::libpcap::{ERROR_ROOM, Handle, Libpcap, RawHeader, RawStats, link_type};

/// `PCAP_D_IN`, `PCAP_TSTAMP_PRECISION_NANO` and answers of `pcap_activate`.
const INCOMING: c_int = 1;
const NANO: c_int = 1;
const NO_SUCH_DEVICE: c_int = -5;
const NO_PERMISSION: c_int = -8;
const NOT_UP: c_int = -9;
const NO_PERMISSION_FOR_ALL_FRAMES: c_int = -11;

/// A handle of libpcap, closed when dropped.
struct Open {
    libpcap: &'static Libpcap,
    raw: Handle,
}

// SAFETY: a handle belongs to whoever has it, on whatever thread; libpcap keeps nothing by thread.
unsafe impl Send for Open {}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by this library and is closed once.
        unsafe { (self.libpcap.close)(self.raw) };
    }
}

impl Open {
    fn message(&self) -> String {
        // SAFETY: the handle is open.
        unsafe { self.libpcap.message(self.raw) }
    }

    /// Fails with libpcap's words where an answer says so.
    fn done(&self, doing: &'static str, answer: c_int) -> Result<(), Failure> {
        match answer {
            0.. => Ok(()),
            _ => Err(Failure::System(doing, io::Error::other(self.message()))),
        }
    }
}

/// A packet that libpcap has given, which stays where it is until it is asked for the next one.
struct Pending {
    timestamp: u64,
    bytes: *const u8,
    captured: usize,
    length: u32,
}

// SAFETY: the octets belong to the handle, which goes with it from thread to thread.
unsafe impl Send for Pending {}

/// See the module.
pub(super) struct Pcap {
    open: Open,
    shape: Shape,
    interface: i32,
    buffer: usize,
    timeout_ns: u64,
    /// Nanoseconds of a packet's fraction of a second.
    unit: u64,
    pending: Option<Pending>,
    walked: u64,
    latest: u64,
    /// When libpcap last had nothing.
    empty: u64,
    /// As libpcap counts: it starts again at 2^32.
    counted: u32,
    drops: u64,
    trouble: Option<String>,
}

impl Pcap {
    /// Opens an interface (0 for all); packets come from now on.
    pub fn open(
        name: &str,
        interface: i32,
        settings: &Interface,
        filter: Option<Filter>,
    ) -> Result<Self, Failure> {
        let libpcap = Libpcap::get(
            "captures from this interface",
            &format!("interface {name}"),
            "capture through af-packet",
        )
        .map_err(Failure::Known)?;
        let device = CString::new(name)
            .map_err(|_| Failure::System("name it", io::Error::from_raw_os_error(libc::ENODEV)))?;
        let mut room = [0; ERROR_ROOM];
        // SAFETY: the name ends with a zero, and there is the room for a message that is asked for.
        let raw = unsafe { (libpcap.create)(device.as_ptr(), room.as_mut_ptr()) };
        if raw.is_null() {
            let error = io::Error::from_raw_os_error(libc::ENOMEM);
            return Err(Failure::System("make a handle of libpcap", error));
        }
        let open = Open { libpcap, raw };
        let buffer = c_int::try_from(settings.buffer_bytes).unwrap_or(c_int::MAX);
        let timeout = settings.read_timeout_ms.cast_signed();
        // SAFETY: the handle is open and not active, as all of these ask.
        unsafe {
            let set = |doing, answer| open.done(doing, answer);
            set(
                "set the snap length",
                (libpcap.set_snap_length)(raw, settings.snap_length.cast_signed()),
            )?;
            set(
                "set the promiscuous mode",
                (libpcap.set_promiscuous)(raw, c_int::from(settings.promiscuous)),
            )?;
            set("set the read timeout", (libpcap.set_timeout)(raw, timeout))?;
            set("set the size of the buffer", (libpcap.set_buffer_size)(raw, buffer))?;
            // Where it cannot be had, time stamps have microseconds: `get_precision` tells.
            (libpcap.set_precision)(raw, NANO);
        }
        activate(&open)?;
        let mut made = Self::of(open, name, interface, settings)?;
        made.prefer_early_stamps();
        made.set_filter(filter)?;
        Ok(made)
    }

    fn of(open: Open, name: &str, interface: i32, settings: &Interface) -> Result<Self, Failure> {
        let (libpcap, raw) = (open.libpcap, open.raw);
        let mut room = [0; ERROR_ROOM];
        // SAFETY: the handle is active, and there is the room for a message that is asked for.
        let (link, nano) = unsafe {
            open.done("not wait", (libpcap.set_non_blocking)(raw, 1, room.as_mut_ptr()))?;
            if !settings.outgoing {
                open.done("leave out what is sent", (libpcap.set_direction)(raw, INCOMING))?;
            }
            ((libpcap.link_layer)(raw), (libpcap.get_precision)(raw) == NANO)
        };
        let Some(link) = link_type(link) else {
            let what = format!("libpcap's link layer {link} of {name} has no number in files");
            return Err(Failure::System("name the link type", io::Error::other(what)));
        };
        Ok(Self {
            open,
            shape: Shape { link, cooked: link == Shape::COOKED.link },
            interface,
            buffer: settings.buffer_bytes,
            timeout_ns: u64::from(settings.read_timeout_ms) * 1_000_000,
            unit: if nano { 1 } else { 1000 },
            pending: None,
            walked: 0,
            latest: 0,
            empty: 0,
            counted: 0,
            drops: 0,
            trouble: None,
        })
    }

    /// Has packets stamped before any socket gets them, as our own sockets do: then all sockets of
    /// an interface tell the same time of a packet, and none is lost or seen twice when one takes
    /// the place of another.
    fn prefer_early_stamps(&self) {
        let on: c_int = 1;
        for fd in self.descriptors() {
            // Where it cannot be had, a packet at the very moment of a change may be told wrong.
            // SAFETY: the descriptor is open, and the option is a number of this size.
            unsafe {
                libc::setsockopt(
                    fd.as_raw_fd(),
                    libc::SOL_SOCKET,
                    libc::SO_TIMESTAMPNS,
                    ptr::from_ref(&on).cast(),
                    size_of::<c_int>() as libc::socklen_t,
                )
            };
        }
    }

    fn fetch(&mut self) {
        let (mut header, mut bytes) = (ptr::null_mut::<RawHeader>(), ptr::null());
        // SAFETY: the handle is active; the places for the answers are ours.
        match unsafe { (self.open.libpcap.next)(self.open.raw, &mut header, &mut bytes) } {
            1 if !header.is_null() && !bytes.is_null() => {
                // SAFETY: libpcap gave a header, which stays until it is asked again.
                let header = unsafe { &*header };
                let (seconds, fraction) = (header.seconds.max(0), header.fraction.max(0));
                self.pending = Some(Pending {
                    timestamp: seconds
                        .cast_unsigned()
                        .saturating_mul(1_000_000_000)
                        .saturating_add(fraction.cast_unsigned().saturating_mul(self.unit)),
                    bytes,
                    captured: header.captured as usize,
                    length: header.length.max(header.captured),
                });
            }
            0 | 1 => self.empty = wall_clock(),
            _ => self.trouble = Some(self.open.message()),
        }
    }
}

/// Has libpcap begin.
fn activate(open: &Open) -> Result<(), Failure> {
    // SAFETY: the handle is open and not active.
    let answer = unsafe { (open.libpcap.activate)(open.raw) };
    let error = match answer {
        // Warnings: what cannot be had (a promiscuous mode of all interfaces) is left out.
        0.. => return Ok(()),
        NO_SUCH_DEVICE => io::Error::from_raw_os_error(libc::ENODEV),
        NO_PERMISSION | NO_PERMISSION_FOR_ALL_FRAMES => io::Error::from_raw_os_error(libc::EPERM),
        NOT_UP => io::Error::from_raw_os_error(libc::ENETDOWN),
        _ => io::Error::other(open.message()),
    };
    Err(Failure::System("open it by libpcap", error))
}

impl Tap for Pcap {
    fn interface(&self) -> i32 {
        self.interface
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn set_filter(&mut self, filter: Option<Filter>) -> Result<(), Failure> {
        let filter = filter.unwrap_or_else(|| Filter::new(""));
        // Compiled for the handle: libpcap knows there how the kernel sees tags.
        let compiled = filter.for_handle(self.open.libpcap, self.open.raw, self.shape.link);
        let mut program = compiled.map_err(Failure::Known)?;
        // SAFETY: the handle is active, and the program is libpcap's own, which it copies.
        let answer = unsafe { (self.open.libpcap.set_filter)(self.open.raw, program.as_mut_ptr()) };
        self.open.done("set the filter", answer)
    }

    fn head(&mut self) -> Option<u64> {
        if self.pending.is_none() && self.trouble.is_none() {
            self.fetch();
        }
        self.pending.as_ref().map(|pending| pending.timestamp)
    }

    fn take(&mut self, room: &mut [u8], term: Term) -> Result<Option<Taken>, CaptureError> {
        if self.head().is_none() {
            return Ok(None);
        }
        let Some(Pending { timestamp, bytes, captured, length }) = self.pending.take() else {
            return Ok(None);
        };
        self.walked += 1;
        self.latest = timestamp;
        if timestamp <= term.after || timestamp > term.until {
            return Ok(Some(Taken::Left(Why::Other)));
        }
        let captured = captured.min(room.len());
        // SAFETY: libpcap gave so many octets there at least, and was not asked again since.
        let octets = unsafe { std::slice::from_raw_parts(bytes, captured) };
        if let Some(room) = room.get_mut(..captured) {
            room.copy_from_slice(octets);
        }
        Ok(Some(Taken::Packet { timestamp, captured, length }))
    }

    fn count(&mut self) {
        let mut stats = RawStats::default();
        // SAFETY: the handle is active; the place for the answer is ours.
        let answer = unsafe { (self.open.libpcap.stats)(self.open.raw, &mut stats) };
        // Fails where an interface has no counters, which are none then.
        if answer == 0 {
            self.drops += u64::from(stats.dropped.wrapping_sub(self.counted));
            self.counted = stats.dropped;
        }
    }

    fn drops(&self) -> u64 {
        self.drops
    }

    fn has_passed(&self, time: u64, _now: u64) -> bool {
        // The kernel's timers may be late by as much again.
        let handed_over = time.saturating_add(self.timeout_ns.saturating_mul(2));
        let none = self.pending.is_none();
        self.latest > time || none && (self.empty > handed_over || self.trouble.is_some())
    }

    fn malformed(&self) -> u64 {
        0
    }

    fn ring_bytes(&self) -> usize {
        self.buffer
    }

    fn shares(&self) -> Vec<u64> {
        vec![self.walked]
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        // SAFETY: the handle is active.
        let descriptor = unsafe { (self.open.libpcap.descriptor)(self.open.raw) };
        if descriptor < 0 {
            // There are interfaces of which libpcap has none: waiting takes its time then.
            return Vec::new();
        }
        // SAFETY: the descriptor is open as long as the handle, which `self` has.
        vec![unsafe { BorrowedFd::borrow_raw(descriptor) }]
    }

    fn hear_errors(&mut self) {
        // libpcap hears of them itself when it is asked for the next packet.
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

//! Packets from Linux' packet sockets, version 3: the kernel fills blocks of a ring that it shares
//! with us (packet(7), Documentation/networking/packet_mmap.rst).
//!
//! A packet is copied once, from the ring into the batch's memory. Batches that point into the ring
//! would spare that, but whoever keeps a packet (a fragment that waits for the first of its
//! datagram) would keep a block of the ring from the kernel: a thousand such packets, which anybody
//! can send, would stop the capture. The copy also makes room for what the kernel took out of the
//! packet, its VLAN tag.
//!
//! The filter runs in the kernel, except where that would change its meaning: of a tagged packet the
//! kernel's programs do not see the tag, so that those packets are let through and looked at here,
//! as they were on the wire.

mod fanout;
pub(crate) mod frame;
mod group;
mod restored;
mod ring;
mod socket;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::bpf::assembler::{GO_IF_EQUAL, LOAD_BYTE, RETURN};
use crate::bpf::{Filter, Instruction};
use crate::error::CaptureError;
use crate::live::names::Shape;
use crate::live::spec::Interface;
use frame::OUTGOING;
pub(crate) use group::Group;
pub(crate) use restored::ADDED;
use restored::restored;
use ring::{Cut, Ring};
use socket::Socket;

/// Where the tag's presence is asked for (`SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT`).
const TAG_PRESENT: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_VLAN_TAG_PRESENT).cast_unsigned();

/// Packets that passed an old filter may come with a time stamp a little after the change.
const FILTER_GRACE_NS: u64 = 10_000_000;

/// An open socket with its ring.
struct AfPacket {
    socket: Socket,
    ring: Ring,
    shape: Shape,
    /// Number of the interface; 0 for all.
    interface: i32,
    snap: u32,
    filter: Option<Filter>,
    /// Whether the kernel runs the filter.
    kernel_filters: bool,
    /// Whether the program of the socket leaves out what this host sends. A group of sockets hears
    /// that, whatever they have been told one by one.
    drops_outgoing: bool,
    /// Packets stamped until then may have passed another filter.
    recheck_until: u64,
    /// Leaves out loopback packets on their way out: they come in again.
    loopback: Option<i32>,
    walked: u64,
    /// When the packet walked over last was stamped.
    latest: u64,
    kernel_packets: u64,
    kernel_drops: u64,
}

/// What became of a packet that was walked over.
pub(crate) enum Taken {
    /// It is in the room given: time, octets captured, octets on the wire.
    Packet { timestamp: u64, captured: usize, length: u32 },
    /// The filter, or the time, left it out.
    Left(Why),
}

/// Why a packet was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// By the filter.
    Filter,
    /// Another socket gives it.
    Other,
}

/// From when until when a socket's packets count: beyond, another one has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    /// Those stamped later count.
    pub after: u64,
    /// And not later than this.
    pub until: u64,
}

impl Term {
    /// For ever.
    pub const ALL: Self = Self { after: 0, until: u64::MAX };
}

/// Nanoseconds since the epoch, by the clock that packets are stamped by.
pub(crate) fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl AfPacket {
    /// Opens a socket on an interface (0 for all); packets come from now on.
    fn open(
        interface: i32,
        shape: Shape,
        loopback: Option<i32>,
        settings: &Interface,
        filter: Option<Filter>,
    ) -> Result<Self, Failure> {
        let mut open = Self::prepare(interface, shape, loopback, settings)?;
        if leaves_outgoing(interface, loopback, settings) {
            open.socket.ignore_outgoing().map_err(system("leave out what is sent"))?;
        }
        open.listen(filter)?;
        open.bind(settings)?;
        Ok(open)
    }

    /// Opens a socket that is bound to an interface and gets nothing until it is to `listen`.
    fn open_silent(
        interface: i32,
        shape: Shape,
        loopback: Option<i32>,
        settings: &Interface,
    ) -> Result<Self, Failure> {
        let mut open = Self::prepare(interface, shape, loopback, settings)?;
        open.drops_outgoing = leaves_outgoing(interface, loopback, settings);
        open.socket.filter(&[returning(0)]).map_err(system("stay silent"))?;
        open.bind(settings)?;
        Ok(open)
    }

    fn prepare(
        interface: i32,
        shape: Shape,
        loopback: Option<i32>,
        settings: &Interface,
    ) -> Result<Self, Failure> {
        let socket = Socket::open(shape.cooked).map_err(system("open a packet socket"))?;
        let cut = Cut::of(settings.buffer_bytes);
        socket.ring(cut, settings.read_timeout_ms).map_err(system("make the ring"))?;
        let ring = Ring::map(socket.as_fd(), cut).map_err(system("map the ring"))?;
        socket.stamp().map_err(system("ask for time stamps"))?;
        Ok(Self {
            socket,
            ring,
            shape,
            interface,
            snap: settings.snap_length,
            filter: None,
            kernel_filters: false,
            drops_outgoing: false,
            recheck_until: 0,
            loopback: loopback.filter(|_| interface == 0),
            walked: 0,
            latest: 0,
            kernel_packets: 0,
            kernel_drops: 0,
        })
    }

    fn bind(&self, settings: &Interface) -> Result<(), Failure> {
        if settings.promiscuous && self.interface != 0 {
            let set = self.socket.promiscuous(self.interface);
            set.map_err(system("set the promiscuous mode"))?;
        }
        self.socket.bind(self.interface).map_err(system("listen"))
    }

    /// Filters by the first program: no packet has passed another one.
    fn listen(&mut self, filter: Option<Filter>) -> Result<(), Failure> {
        self.set_filter(filter)?;
        self.recheck_until = 0;
        Ok(())
    }

    /// Filters by another program from now on.
    fn set_filter(&mut self, mut filter: Option<Filter>) -> Result<(), Failure> {
        let program = match &mut filter {
            Some(filter) if !self.shape.cooked => {
                let program = filter.program(self.shape.link).map_err(Failure::Known)?;
                Some(in_kernel(program.instructions(), self.shape, self.snap))
            }
            // Compiled for the header that we put in place of the one that is missing.
            Some(filter) => {
                filter.program(self.shape.link).map_err(Failure::Known)?;
                None
            }
            None => None,
        };
        // Programs that jump back, or are too long for the kernel, are run here.
        self.kernel_filters = program.is_some_and(|program| self.attach(program).is_ok());
        if !self.kernel_filters {
            self.attach(vec![returning(self.snap)]).map_err(system("set the snap length"))?;
        }
        self.filter = filter;
        self.recheck_until = wall_clock().saturating_add(FILTER_GRACE_NS);
        Ok(())
    }

    /// Has the kernel run a program, after what leaves out what this host sends.
    fn attach(&self, mut program: Vec<Instruction>) -> io::Result<()> {
        if self.drops_outgoing {
            let outgoing = u32::from(OUTGOING);
            let make =
                |code, jump_false, operand| Instruction { code, jump_true: 0, jump_false, operand };
            let head =
                [make(LOAD_BYTE, 0, fanout::WAY), make(GO_IF_EQUAL, 1, outgoing), returning(0)];
            program.splice(..0, head);
        }
        self.socket.filter(&program)
    }

    /// When the next packet was stamped, if there is one.
    fn head(&mut self) -> Option<u64> {
        while self.ring.ready() {
            match self.ring.frame() {
                Some(frame) => return Some(frame.timestamp),
                None => self.ring.give_up(),
            }
        }
        None
    }

    /// Puts the next packet into `room`, which has space for the snap length and [`ADDED`].
    fn take(&mut self, room: &mut [u8], term: Term) -> Result<Option<Taken>, CaptureError> {
        if self.head().is_none() {
            return Ok(None);
        }
        let Some(frame) = self.ring.frame() else { return Ok(None) };
        self.walked += 1;
        let next = frame.next();
        let timestamp = frame.timestamp;
        self.latest = timestamp;
        let ours = timestamp > term.after && timestamp <= term.until;
        let twice = frame.way == OUTGOING && Some(frame.interface) == self.loopback;
        if !ours || twice {
            self.ring.step(next);
            return Ok(Some(Taken::Left(if ours { Why::Filter } else { Why::Other })));
        }
        let tagged = frame.vlan.is_some();
        let (captured, more) = restored(&frame, self.shape, room);
        let length = frame.length.saturating_add(more as u32);
        self.ring.step(next);
        let recheck = !self.kernel_filters || tagged || timestamp <= self.recheck_until;
        if recheck && let Some(filter) = &mut self.filter {
            let packet = room.get(..captured).unwrap_or_default();
            if !filter.accepts(self.shape.link, packet, length)? {
                return Ok(Some(Taken::Left(Why::Filter)));
            }
        }
        Ok(Some(Taken::Packet { timestamp, captured, length }))
    }

    /// Asks the kernel for its counters.
    fn count(&mut self) {
        // Fails only on what is no packet socket.
        if let Ok((packets, drops)) = self.socket.statistics() {
            self.kernel_packets += packets;
            self.kernel_drops += drops;
        }
    }

    /// Packets that the kernel had no room for, as of the last `count`.
    fn drops(&self) -> u64 {
        self.kernel_drops
    }

    /// Packets that the kernel has put into the ring and that were not walked over, as of then.
    fn waiting(&self) -> u64 {
        self.kernel_packets.saturating_sub(self.kernel_drops).saturating_sub(self.walked)
    }

    /// When the packet walked over last was stamped.
    fn latest(&self) -> u64 {
        self.latest
    }

    /// Packets walked over.
    fn walked(&self) -> u64 {
        self.walked
    }

    /// Blocks of the ring that contradicted themselves.
    fn malformed(&self) -> u64 {
        self.ring.malformed
    }

    /// Octets of the ring.
    fn ring_bytes(&self) -> usize {
        self.ring.bytes()
    }

    /// The error that is waiting to be told, which is then forgotten.
    fn error(&self) -> Option<io::Error> {
        self.socket.error()
    }
}

impl AsFd for AfPacket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Why a socket could not be opened or changed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The system refused to do this.
    System(&'static str, io::Error),
    /// Told already: the filter cannot be used, or a library is missing.
    Known(CaptureError),
}

fn system(doing: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::System(doing, error)
}

/// On the loopback interface what goes out comes in again.
fn leaves_outgoing(interface: i32, loopback: Option<i32>, settings: &Interface) -> bool {
    !settings.outgoing || loopback == Some(interface)
}

/// The instruction that keeps so much of a packet.
fn returning(snap: u32) -> Instruction {
    Instruction { code: RETURN, jump_true: 0, jump_false: 0, operand: snap }
}

/// A program as the kernel is to run it: tagged frames are left to us, and what is accepted is cut
/// to the snap length.
fn in_kernel(program: &[Instruction], shape: Shape, snap: u32) -> Vec<Instruction> {
    let make = |code, jump_true, operand| Instruction { code, jump_true, jump_false: 0, operand };
    let mut kernels = Vec::with_capacity(program.len() + 3);
    if shape.link == 1 {
        kernels.push(make(LOAD_BYTE, 0, TAG_PRESENT));
        kernels.push(make(GO_IF_EQUAL, 1, 0));
        kernels.push(returning(snap));
    }
    kernels.extend(program.iter().map(|one| match one.code {
        RETURN if one.operand != 0 => Instruction { operand: snap, ..*one },
        _ => *one,
    }));
    kernels
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETHERNET: Shape = Shape { link: 1, cooked: false };

    #[test]
    fn the_kernels_program_lets_tagged_frames_through_and_cuts_the_others() {
        let make = |code, operand| Instruction { code, jump_true: 0, jump_false: 0, operand };
        let program = [make(RETURN, 262_144), make(RETURN, 0)];

        let kernels = in_kernel(&program, ETHERNET, 96);

        assert_eq!(kernels.len(), 5);
        assert_eq!(kernels[0].operand, 0xffff_f030);
        assert_eq!(kernels[2..], [make(RETURN, 96), make(RETURN, 96), make(RETURN, 0)]);
        assert_eq!(in_kernel(&program, Shape { link: 101, cooked: false }, 96).len(), 2);
    }
}

//! The contract between the engine and a protocol.

use std::net::IpAddr;

use nf_fields::{Mac, ProtoId};
use nf_wire::Transport;

use crate::{Earlier, Info, Sink};

/// Which way octets go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// From the initiator of the session.
    #[default]
    Up,
    /// From the responder.
    Down,
}

impl Direction {
    /// 0 for up, 1 for down.
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The other way.
    #[inline]
    pub fn reverse(self) -> Self {
        match self {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        }
    }
}

/// Whose octets they are: what a parser may know of its session.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The initiator.
    pub initiator: IpAddr,
    /// The responder.
    pub responder: IpAddr,
    /// Initiator's port.
    pub initiator_port: u16,
    /// Responder's port.
    pub responder_port: u16,
    /// What carries the session.
    pub transport: Transport,
    /// The header that these octets begin with, where a parser reads it ([`Info::reads_header`]):
    /// a session that begins with one needs no classification.
    pub header: Option<ProtoId>,
    /// Hardware addresses of both, where octets belong to no IP session.
    pub link: Option<[Mac; 2]>,
    /// Its number in the IP header.
    pub protocol: u8,
}

/// Octets for a probe or a parser.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// TCP: in order, from the first octet the parser has not consumed yet (a probe sees the
    /// stream from its start, bounded). UDP, SCTP: one datagram or message.
    pub data: &'a [u8],
    /// Which way.
    pub dir: Direction,
    /// Packet time, nanoseconds since the epoch.
    pub time: u64,
    /// The capture cut this datagram or segment short: its end is missing.
    pub cut: bool,
    /// SCTP: what the sender says the message is (IANA's payload protocol identifiers); else 0.
    pub ppid: u32,
    /// The session.
    pub flow: &'a Flow,
}

impl Segment<'_> {
    /// Whether the sender's or the receiver's port is `port`.
    #[inline]
    pub fn on_port(&self, port: u16) -> bool {
        self.flow.initiator_port == port || self.flow.responder_port == port
    }

    /// Hardware address of the sender, where the octets belong to no IP session.
    pub fn sender(&self) -> Option<Mac> {
        let [initiator, responder] = self.flow.link?;
        Some(if self.dir == Direction::Up { initiator } else { responder })
    }
}

/// A probe's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is this protocol: the parser is created and gets all octets from the start.
    Certain,
    /// Could be; more octets, of either direction, will tell.
    Unsure,
    /// It is not; never asked again for this session.
    No,
}

/// What is to become of the packet (MMT's target actions; the strongest of all verdicts counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Go on.
    #[default]
    Continue,
    /// This protocol, but nothing above it.
    Skip,
    /// No extraction and no handlers; the packet is still counted.
    Drop,
}

/// Who gets the octets that follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// This parser.
    #[default]
    Same,
    /// Nobody: nothing further is of interest (an encrypted remainder, a broken stream).
    Nobody,
    /// Another protocol: the named one, or whichever the probes recognise. It becomes the next
    /// element of the path, and gets both directions from here on.
    Handover(Option<ProtoId>),
    /// It was not this protocol after all: classification goes on without it.
    NotMine,
}

/// What a parser did with a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Octets taken off the front of `Segment::data`. The rest comes again, with more behind it.
    /// Datagrams are never offered twice; the value is ignored for them.
    pub consumed: usize,
    /// Octets that must be there (from the first unconsumed one) before it is worth calling
    /// again; 0 or 1: as soon as there is more.
    pub need: usize,
    /// Who is next.
    pub next: Next,
    /// What becomes of the packet.
    pub action: Action,
}

impl Step {
    /// Took `consumed` octets; call again when there is more.
    #[inline]
    pub fn used(consumed: usize) -> Self {
        Self { consumed, ..Self::default() }
    }

    /// Took `consumed` octets; the message behind them needs `need` octets in all.
    #[inline]
    pub fn need(consumed: usize, need: usize) -> Self {
        Self { consumed, need, ..Self::default() }
    }

    /// Took everything.
    #[inline]
    pub fn all(segment: &Segment<'_>) -> Self {
        Self::used(segment.data.len())
    }

    /// Wants no more of this session.
    #[inline]
    pub fn done() -> Self {
        Self { next: Next::Nobody, ..Self::default() }
    }

    /// Was not this protocol.
    #[inline]
    pub fn not_mine() -> Self {
        Self { next: Next::NotMine, ..Self::default() }
    }

    /// Hands what follows `consumed` octets to `proto`, or to whichever recognises it.
    #[inline]
    pub fn handover(consumed: usize, proto: Option<ProtoId>) -> Self {
        Self { consumed, next: Next::Handover(proto), ..Self::default() }
    }
}

/// What a parser makes of lost octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gap {
    /// It can go on: the loss fell where it does not matter, or it will find its place again.
    Resume,
    /// It cannot; parsing of this session ends.
    #[default]
    GiveUp,
}

/// A protocol: what it is, how it is recognised, and its state for one session.
pub trait Protocol: Send + 'static {
    /// The descriptor.
    const INFO: Info;

    /// A parser for a session of this flow, created once the protocol is certain.
    fn new(flow: &Flow) -> Self
    where
        Self: Sized;

    /// Whether the octets are this protocol's: pure, bounded, quick. When certainty differs by
    /// port, `seg.on_port` tells.
    fn probe(seg: &Segment<'_>) -> Probe
    where
        Self: Sized;

    /// As `probe`, for protocols of which one datagram says too little: `earlier` holds those of
    /// the session that were kept while a probe was unsure. Streams need no such thing, their
    /// probes see all from the start.
    fn probe_again(seg: &Segment<'_>, _earlier: &Earlier<'_>) -> Probe
    where
        Self: Sized,
    {
        Self::probe(seg)
    }

    /// Takes messages off the front of `seg.data` and reports them to `out`.
    ///
    /// Must make progress or say what it needs: a step with nothing consumed and nothing needed
    /// waits for more octets. Must consume at least once in `INFO.max_pending` octets.
    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step;

    /// `lost` octets of one direction will never come (they were not captured, or exceeded a
    /// bound). Unconsumed octets before the gap have been discarded.
    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        Gap::GiveUp
    }

    /// The session has ended: report what is still pending.
    fn end(&mut self, _out: &mut Sink<'_>) {}
}

/// [`Protocol`] behind a pointer.
pub trait Parser: Send {
    /// See [`Protocol::parse`].
    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step;
    /// See [`Protocol::gap`].
    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap;
    /// See [`Protocol::end`].
    fn end(&mut self, out: &mut Sink<'_>);
}

impl<P: Protocol> Parser for P {
    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        Protocol::parse(self, seg, out)
    }
    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap {
        Protocol::gap(self, dir, lost, out)
    }
    fn end(&mut self, out: &mut Sink<'_>) {
        Protocol::end(self, out);
    }
}

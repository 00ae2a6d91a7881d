//! AMQP 0-9-1 and 1.0 over TCP. One transaction per login, per call with its answer, and per message
//! with its content; of 1.0 per login, opening, link, transfer and close. Passwords are never
//! kept. Other versions (0-8, 0-9, 0-10) are named and not read.
//!
//! Bounds: 16 KiB of a frame are read (of what exceeds that the octets are counted), 64 calls wait
//! for their answers, 64 channels have a message under way, 64 links are remembered.

mod link;
mod message;
mod newer;
mod record;
mod session;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use link::Links;
use message::{Front, HEADER, PREFACE, frame};
pub use record::{AmqpMessage, AmqpTransaction};
use session::Calls;

const OVER: &[Over] = &[tcp(&[5672]), within("tls"), within("websocket")];
/// Most octets of a frame's payload that are read.
const MAX_BODY: usize = 16 * 1024;

anomalies! {
    /// What can be wrong with it.
    pub enum AmqpAnomaly {
        /// Octets that are no frame; the direction is searched for the next one.
        Malformed = "malformed",
        /// A frame without the octet that ends it.
        EndMissing = "end_missing",
        /// A method or performative whose arguments exceed it.
        MalformedMethod = "malformed_method",
        /// A method that is not known.
        UnknownMethod = "unknown_method",
        /// An answer to a call nobody made, or content of no message.
        Unasked = "unasked",
        /// More calls without answer than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
        /// The server speaks another version than the client asks for.
        VersionRefused = "version_refused",
    }
}

/// Which protocol of the family is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// 0-9-1.
    #[default]
    Older,
    /// 1.0.
    Newer,
    /// One that is not read.
    Other,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    /// Whether a preface may come: at the beginning, and behind SASL's.
    begun: bool,
    /// Octets of a frame that are not read.
    skip: usize,
    /// Out of step: looking for a frame at the beginning of segments.
    lost: bool,
}

/// The state of one session.
#[derive(Default)]
pub struct Amqp {
    lanes: [Lane; 2],
    kind: Kind,
    /// Who sent the first preface.
    client: Option<Direction>,
    calls: Calls,
    links: Links,
}

impl Protocol for Amqp {
    const INFO: Info = Info {
        name: "amqp",
        id: ProtoId(1245),
        title: "Advanced Message Queuing Protocol",
        spec: "AMQP 0-9-1; OASIS AMQP 1.0",
        over: OVER,
        patterns: &[
            Pattern::start(b"AMQP"),
            Pattern::start(b"\x01\x00"),
            Pattern::start(b"\x08\0\0\0\0\0\0\xce"),
        ],
        weight: 30,
        timeout: TimeoutClass::Long,
        max_pending: MAX_BODY + 16,
        message: AmqpMessage::fields,
        transaction: AmqpTransaction::fields,
        anomalies: AmqpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let data = seg.data;
        if let Some(begin) = data.get(..4.min(data.len()))
            && b"AMQP".starts_with(begin)
        {
            return match message::preface(data) {
                Some(_) => Probe::Certain,
                None if data.len() < PREFACE => Probe::Unsure,
                None => Probe::No,
            };
        }
        middle(data)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // What the session is was clear from its first octets.
        out.settled();
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let taken = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(taken);
            return Step::used(taken);
        }
        if seg.data.first() == Some(&b'A') && (!lane.begun || self.kind == Kind::Newer) {
            return self.preface(seg, out);
        }
        self.lane(seg.dir).begun = true;
        match self.kind {
            Kind::Older => self.older(seg, out),
            Kind::Newer => self.newer(seg, out),
            Kind::Other => Step::done(),
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        match usize::try_from(lost).ok().and_then(|lost| lane.skip.checked_sub(lost)) {
            Some(left) if lane.skip > 0 => lane.skip = left,
            _ => {
                lane.skip = 0;
                lane.lost = true;
                self.calls.torn = true;
                self.links.torn = true;
            }
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.calls.give_up_all(out);
        self.links.give_up_all(out);
    }
}

/// The first frame of a session that began earlier: whole, of a method that is known.
fn middle(data: &[u8]) -> Probe {
    if data.starts_with(b"\x08\0\0\0\0\0\0\xce") {
        return Probe::Certain;
    }
    if data.first() != Some(&frame::METHOD) {
        let heartbeat = b"\x08\0\0\0\0\0\0\xce".starts_with(data);
        return if heartbeat { Probe::Unsure } else { Probe::No };
    }
    let header = match message::front(data) {
        Front::Header(header) if header.kind == frame::METHOD && header.length >= 4 => header,
        Front::Partial => return Probe::Unsure,
        _ => return Probe::No,
    };
    let Some([class_high, class, number_high, number, ..]) = data.get(HEADER..) else {
        return Probe::Unsure;
    };
    let class = u16::from_be_bytes([*class_high, *class]);
    let number = u16::from_be_bytes([*number_high, *number]);
    if message::method(class, number).is_none() || header.length > MAX_BODY {
        return Probe::No;
    }
    match data.get(HEADER.saturating_add(header.length)) {
        Some(&octet) if message::is_end(octet) => Probe::Certain,
        Some(_) => Probe::No,
        None => Probe::Unsure,
    }
}

impl Amqp {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    fn preface(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.data.len() < PREFACE {
            return Step::need(0, PREFACE);
        }
        let kind = match message::preface(seg.data) {
            Some(found) if found.version == (0, 9, 1) => Kind::Older,
            Some(found) if found.version == (1, 0, 0) => Kind::Newer,
            Some(_) => Kind::Other,
            None => {
                out.anomaly(AmqpAnomaly::Malformed);
                return Step::done();
            }
        };
        let lane = self.lane(seg.dir);
        lane.begun = true;
        lane.lost = false;
        let client = *self.client.get_or_insert(seg.dir);
        // A server that answers an old client with its own version closes the connection.
        if seg.dir != client && kind != self.kind {
            out.anomaly(AmqpAnomaly::VersionRefused);
        }
        self.kind = kind;
        Step::used(PREFACE)
    }

    /// A frame of 0-9-1.
    fn older(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let lost = self.lane(seg.dir).lost;
        if lost && middle(seg.data) != Probe::Certain {
            return Step::all(seg);
        }
        let header = match message::front(seg.data) {
            Front::Header(header) => header,
            Front::Partial => return Step::used(0),
            Front::Malformed => {
                out.anomaly(AmqpAnomaly::Malformed);
                self.lane(seg.dir).lost = true;
                self.calls.torn = true;
                return Step::all(seg);
            }
        };
        self.lane(seg.dir).lost = false;
        let whole = HEADER.saturating_add(header.length).saturating_add(1);
        let read = header.length.min(MAX_BODY);
        let long = read < header.length;
        let end = if long { HEADER.saturating_add(read) } else { whole };
        let Some(data) = seg.data.get(..end) else {
            return Step::need(0, end);
        };
        if !long && !data.last().is_some_and(|&octet| message::is_end(octet)) {
            out.anomaly(AmqpAnomaly::EndMissing);
        }
        let body = data.get(HEADER..HEADER.saturating_add(read)).unwrap_or_default();
        self.lane(seg.dir).skip = whole.saturating_sub(end);
        self.calls.take(&header, body, seg, out);
        Step::used(end)
    }

    /// A frame of 1.0.
    fn newer(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let lost = self.lane(seg.dir).lost;
        if lost && !newer::begins(seg.data) {
            return Step::all(seg);
        }
        let header = match newer::front(seg.data) {
            Some(Ok(header)) => header,
            None => return Step::used(0),
            Some(Err(())) => {
                out.anomaly(AmqpAnomaly::Malformed);
                self.lane(seg.dir).lost = true;
                self.links.torn = true;
                return Step::all(seg);
            }
        };
        self.lane(seg.dir).lost = false;
        let end = header.length.min(header.offset.saturating_add(MAX_BODY));
        let Some(data) = seg.data.get(..end) else {
            return Step::need(0, end);
        };
        self.lane(seg.dir).skip = header.length.saturating_sub(end);
        let body = data.get(header.offset..).unwrap_or_default();
        self.links.take(&header, body, seg, out);
        Step::used(end)
    }
}

//! CoAP over UDP (RFC 7252) and TCP (RFC 8323), with block-wise transfer (RFC 7959) and
//! observation (RFC 7641). One transaction per request with its response, per notification, per
//! ping, and per signal over TCP; each block is an exchange of its own.
//!
//! Bounds: 32 KiB of a message over TCP are read (what exceeds that is passed over), 64 options of
//! a message, 64 requests wait for their responses, 32 observations.

mod exchange;
mod message;
mod probe;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, udp, within,
};
use exchange::Exchange;
use message::{Front, Message};
pub use record::{Block, CoapMessage, CoapTransaction};

const PORT: u16 = 5683;
const OVER: &[Over] =
    &[udp(&[PORT]), tcp(&[PORT]), within("dtls"), within("tls"), within("websocket")];
/// Most octets of a message over TCP that are read.
const MAX_BODY: usize = 32 * 1024;

/// First octets of datagrams: version 1, a type, and the length of a token.
macro_rules! first_octets {
    ($( $octet:literal ),*) => {
        &[ $( Pattern::start(&[$octet]), )* Pattern::at(1, b"\xe1"), Pattern::at(2, b"\xe1") ]
    };
}

anomalies! {
    /// What can be wrong with it.
    pub enum CoapAnomaly {
        /// A message without a sound header.
        Malformed = "malformed",
        /// Options that exceed their message, or a marker with nothing behind it.
        MalformedOptions = "malformed_options",
        /// A code that is not registered.
        UnknownCode = "unknown_code",
        /// A response or acknowledgement of nothing that was asked.
        Unasked = "unasked",
        /// More requests without response than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Lane {
    /// Octets of a message that are not read.
    skip: usize,
    /// Out of step: looking for a message at the beginning of segments.
    lost: bool,
}

/// The state of one session.
#[derive(Default)]
pub struct Coap {
    lanes: [Lane; 2],
    exchange: Exchange,
}

impl Protocol for Coap {
    const INFO: Info = Info {
        name: "coap",
        id: ProtoId(1241),
        title: "Constrained Application Protocol",
        spec: "RFC 7252, RFC 7641, RFC 7959, RFC 8323",
        over: OVER,
        patterns: first_octets![
            0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x50, 0x51, 0x52, 0x53, 0x54,
            0x55, 0x56, 0x57, 0x58, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x70
        ],
        weight: 45,
        timeout: TimeoutClass::Default,
        max_pending: MAX_BODY + 32,
        message: CoapMessage::fields,
        transaction: CoapTransaction::fields,
        anomalies: CoapAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if seg.flow.transport == Transport::Tcp {
            return self.stream(seg, out);
        }
        match message::datagram(seg.data) {
            Some(message) => self.message(&message, seg, out),
            None if seg.cut => {}
            None => out.anomaly(CoapAnomaly::Malformed),
        }
        Step::all(seg)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        match usize::try_from(lost).ok().and_then(|lost| lane.skip.checked_sub(lost)) {
            Some(left) if lane.skip > 0 => lane.skip = left,
            _ => *lane = Lane { skip: 0, lost: true },
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while self.exchange.give_up(out) {}
    }
}

impl Coap {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// A message of a stream.
    fn stream(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let taken = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(taken);
            return Step::used(taken);
        }
        if lane.lost {
            if !probe::follows(seg.data) {
                return Step::all(seg);
            }
            lane.lost = false;
        }
        let (size, length, code, token) = match message::front(seg.data) {
            Front::Header { size, length, code, token } => (size, length, code, token),
            Front::Partial => return Step::used(0),
            Front::Malformed => {
                out.anomaly(CoapAnomaly::Malformed);
                lane.lost = true;
                return Step::all(seg);
            }
        };
        let read = length.min(MAX_BODY);
        let end = size.saturating_add(read);
        let (Some(head), Some(body)) = (seg.data.get(..size), seg.data.get(size..end)) else {
            return Step::need(0, end);
        };
        lane.skip = length.saturating_sub(read);
        let token = head.get(size.saturating_sub(token)..).unwrap_or_default();
        self.message(&Message { datagram: None, code, token, body }, seg, out);
        Step::used(end)
    }

    fn message(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !message::is_known(message.code) {
            out.anomaly(CoapAnomaly::UnknownCode);
        }
        let Some(said) = record::read(message) else {
            if !seg.cut {
                out.anomaly(CoapAnomaly::MalformedOptions);
            }
            return;
        };
        if out.wants_messages() {
            out.message(&record::message(message, &said));
        }
        self.exchange.take(message, &said, seg, out);
    }
}

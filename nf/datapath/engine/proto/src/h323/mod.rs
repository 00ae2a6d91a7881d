//! H.323: call signalling over TCP (ITU-T H.225.0 and Q.931 in frames of RFC 1006), and requests to
//! gatekeepers over UDP (RAS, H.225.0 §7.7). Where both sides agree on a connection for H.245, that
//! one is announced.
//!
//! One transaction per call, and per request to a gatekeeper with its answer. What H.225.0 encodes is
//! read as far as its first version goes, with the call's identifier behind it; numbers, display and
//! cause are Q.931's.
//!
//! Bounds: frames of 16 KiB, 64 elements of a message, 64 names of a party, 64 calls of a connection
//! and requests of a session at a time, 128 octets of a text.

mod call;
mod per;
mod q931;
mod ras;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, TextRef};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, udp,
};
use call::{Calls, Requests};
use q931::Message;
use ras::{Ras, Role};
pub use record::{H323Message, H323Transaction};

/// Longest text kept.
const MAX_TEXT: usize = 128;
/// Longest frame.
const MAX_FRAME: usize = 16 * 1024;
const SIGNALLING: u16 = 1720;
/// Gatekeepers are found by one and asked at the other.
const RAS_PORTS: &[u16] = &[1719, 1718];
const OVER: &[Over] = &[tcp(&[SIGNALLING]), udp(RAS_PORTS)];

anomalies! {
    /// What can be wrong with it.
    pub enum Anomaly {
        /// Octets that are no frame; the next one is looked for.
        InvalidHeader = "invalid_header",
        /// A message whose elements do not fill it, or that lacks what it must have.
        MalformedMessage = "malformed_message",
        /// A gatekeeper's answer that nobody asked for.
        UnaskedAnswer = "unasked_answer",
        /// More calls or requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// The state of one session.
#[derive(Default)]
pub struct H323 {
    calls: Calls,
    requests: Requests,
    lost: [bool; 2],
}

impl Protocol for H323 {
    const INFO: Info = Info {
        name: "h323",
        id: ProtoId(1552),
        aliases: &["h225"],
        title: "H.323 call signalling and gatekeepers",
        spec: "ITU-T H.225.0, Q.931, RFC 1006",
        over: OVER,
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_FRAME,
        message: H323Message::fields,
        transaction: H323Transaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if seg.flow.transport == Transport::Tcp { probe_frame(seg) } else { probe_ras(seg) }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport == Transport::Tcp {
            self.frames(seg, out)
        } else {
            out.settled();
            self.datagram(seg, out);
            Step::all(seg)
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.set_lost(dir, true);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.calls.end(out);
        self.requests.end(out);
    }
}

/// A frame with a message that is whole; without H.225.0 in it, the port has to bear it out.
fn probe_frame(seg: &Segment<'_>) -> Probe {
    const BEGIN: &[u8] = &[3, 0];
    /// A frame of Q.931 with a number of two octets.
    const INSIDE: &[u8] = &[8, 2];
    let inside = seg.data.get(q931::HEADER..).unwrap_or_default();
    let starts = |data: &[u8], with: &[u8]| data.starts_with(with) || with.starts_with(data);
    if !starts(seg.data, BEGIN) || !starts(inside, INSIDE) {
        return Probe::No;
    }
    if seg.data.len() < q931::HEADER {
        return Probe::Unsure;
    }
    let Some(length) = q931::frame_length(seg.data).filter(|&length| length <= MAX_FRAME) else {
        return Probe::No;
    };
    let Some(octets) = seg.data.get(q931::HEADER..length) else { return Probe::Unsure };
    match q931::parse(octets) {
        Some(message) if message.user.is_known || seg.on_port(SIGNALLING) => Probe::Certain,
        _ => Probe::No,
    }
}

/// A message that is whole; where it does not say that it is H.225.0, the port has to bear it out.
fn probe_ras(seg: &Segment<'_>) -> Probe {
    let on_port = RAS_PORTS.iter().any(|&port| seg.on_port(port));
    match ras::parse(seg.data) {
        Some(ras) if ras.is_known || on_port => Probe::Certain,
        _ => Probe::No,
    }
}

/// The place of the first octets that can be a frame of call signalling.
fn next_frame(data: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(data, &[3, 0]).find(|&at| {
        let rest = data.get(at..).unwrap_or_default();
        let inside = rest.get(q931::HEADER..).unwrap_or_default();
        q931::frame_length(rest).is_some_and(|length| length <= MAX_FRAME)
            && inside.starts_with(&[8, 2])
    })
}

impl H323 {
    fn is_lost(&self, dir: Direction) -> bool {
        self.lost.get(dir.index()).copied().unwrap_or(false)
    }

    fn set_lost(&mut self, dir: Direction, lost: bool) {
        if let Some(flag) = self.lost.get_mut(dir.index()) {
            *flag = lost;
        }
    }

    fn frames(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let rest = seg.data.get(used..).unwrap_or_default();
            if self.is_lost(seg.dir) {
                let Some(at) = next_frame(rest) else { return Step::used(seg.data.len()) };
                self.set_lost(seg.dir, false);
                used = used.saturating_add(at);
                continue;
            }
            if rest.len() < q931::HEADER {
                return Step::need(used, q931::HEADER);
            }
            let length = q931::frame_length(rest).filter(|&length| length <= MAX_FRAME);
            let Some(length) = length else {
                out.anomaly(Anomaly::InvalidHeader);
                self.set_lost(seg.dir, true);
                used = used.saturating_add(1);
                continue;
            };
            let Some(octets) = rest.get(q931::HEADER..length) else {
                return Step::need(used, length);
            };
            used = used.saturating_add(length);
            // A frame without a message keeps the connection alive.
            if octets.is_empty() {
                continue;
            }
            match q931::parse(octets) {
                Some(message) => self.message(&message, seg, out),
                None => out.anomaly(Anomaly::MalformedMessage),
            }
        }
    }

    fn message(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if out.wants_messages() {
            out.message(&H323Message {
                kind: message.kind,
                reference: message.reference,
                from_callee: message.from_callee,
                calling_number: message.calling.map(TextRef),
                called_number: message.called.map(TextRef),
                display: message.display.map(TextRef),
                cause: message.cause,
                reason: message.user.reason,
                product: message.user.product.map(TextRef),
                ..H323Message::default()
            });
        }
        self.calls.take(message, seg, out);
    }

    fn datagram(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(ras) = ras::parse(seg.data) else {
            if !seg.cut {
                out.anomaly(Anomaly::MalformedMessage);
            }
            return;
        };
        if out.wants_messages() {
            out.message(&message_of(&ras));
        }
        self.requests.take(&ras, seg, out);
    }
}

fn message_of<'a>(ras: &'a Ras<'a>) -> H323Message<'a> {
    let text = |text: &'a Option<String>| text.as_deref().map(|text| TextRef(text.as_bytes()));
    H323Message {
        kind: ras.service,
        role: Some(match ras.role {
            Role::Request => "request",
            Role::Confirm => "confirm",
            Role::Reject => "reject",
            Role::Notice => "notice",
        }),
        reference: ras.sequence,
        calling_number: text(&ras.source.number),
        called_number: text(&ras.destination.number),
        reason: ras.reason,
        product: ras.product.map(TextRef),
        ..H323Message::default()
    }
}

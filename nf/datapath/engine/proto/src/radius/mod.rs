//! Remote Authentication Dial-In User Service (RFC 2865, 2866, 2869, 3162, 5176, 5997; over TCP RFC
//! 6613; 3GPP TS 29.061). One transaction per request with its response.
//!
//! Bounds: packets of 4,096 octets, 256 requests without response (then the oldest is reported as
//! it is), 253 octets of any text, as the attributes have. Passwords, which only the shared secret
//! hides, are in no record.

mod attribute;
mod message;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, udp,
};
pub use attribute::RadiusMessage;
use message::{Front, MAX_PACKET, Packet, answers, code, fits, number, packet};
pub use record::RadiusTransaction;

/// Authentication, accounting, changes of both, and what the first two had before.
const PORTS: &[u16] = &[1812, 1813, 3799, 1645, 1646];
/// Most requests without response.
const MAX_PENDING: usize = 256;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 253;

anomalies! {
    /// What can be wrong with RADIUS.
    pub enum Anomaly {
        /// Octets that are no packet.
        MalformedPacket = "malformed_packet",
        /// A packet whose attributes do not fill it.
        MalformedAttributes = "malformed_attributes",
        /// An attribute of a length that its type does not have.
        AttributeLength = "attribute_length",
        /// A response to no request that was seen.
        UnaskedResponse = "unasked_response",
        /// Too many requests without response: the oldest was given up.
        TooManyPending = "too_many_pending",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// A request that waits for its response.
#[derive(Debug)]
struct Request {
    time: u64,
    code: u8,
    authenticator: [u8; 16],
    dir: Direction,
    record: RadiusTransaction,
}

/// A session.
pub struct Radius {
    pending: VecDeque<Request>,
    /// A packet went by: what answers none may have been asked before the capture.
    begun: bool,
}

impl Protocol for Radius {
    const INFO: Info = Info {
        name: "radius",
        id: ProtoId(288),
        title: "Remote Authentication Dial-In User Service",
        spec: "RFC 2865, RFC 2866, RFC 2869, RFC 3162, RFC 5176, RFC 6613, 3GPP TS 29.061",
        over: &[udp(PORTS), tcp(PORTS)],
        patterns: &[
            Pattern::start(b"\x01"),
            Pattern::start(b"\x02"),
            Pattern::start(b"\x03"),
            Pattern::start(b"\x04"),
            Pattern::start(b"\x05"),
            Pattern::start(b"\x0b"),
            Pattern::start(b"\x0c"),
            Pattern::start(b"\x0d"),
            Pattern::start(b"\x28"),
            Pattern::start(b"\x29"),
            Pattern::start(b"\x2a"),
            Pattern::start(b"\x2b"),
            Pattern::start(b"\x2c"),
            Pattern::start(b"\x2d"),
        ],
        weight: 40,
        timeout: TimeoutClass::Short,
        max_pending: MAX_PACKET,
        message: RadiusMessage::fields,
        transaction: RadiusTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: VecDeque::new(), begun: false }
    }

    /// A datagram must be exactly one packet whose attributes fill it and have the lengths of their
    /// types; elsewhere than on its ports, a request must hold what the standard demands of it.
    fn probe(seg: &Segment<'_>) -> Probe {
        let stream = seg.flow.transport == Transport::Tcp;
        let on_port = PORTS.iter().any(|&port| seg.on_port(port));
        let found = match packet(seg.data) {
            Front::Packet(found) => found,
            Front::Partial(_) if stream => return Probe::Unsure,
            _ => return Probe::No,
        };
        let exact = usize::from(found.length) == seg.data.len();
        let sound = found.is_whole() && found.attributes().all(|(k, v)| fits(k, v.len()));
        if !sound || !(exact || stream) {
            return Probe::No;
        }
        if holds_enough(&found) {
            return Probe::Certain;
        }
        // A response says little of itself: it needs the port, and something in it.
        let says = found.attributes().next().is_some() || found.code == 5;
        match on_port {
            true if says && !stream => Probe::Certain,
            true => Probe::Unsure,
            false => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let stream = seg.flow.transport == Transport::Tcp;
        out.settled();
        match packet(seg.data) {
            Front::Packet(found) => {
                self.packet(seg, &found, out);
                Step::used(usize::from(found.length))
            }
            Front::Partial(whole) if stream => Step::need(0, whole),
            Front::Partial(_) if seg.cut => Step::all(seg),
            _ => {
                out.anomaly(Anomaly::MalformedPacket);
                if stream { Step::done() } else { Step::all(seg) }
            }
        }
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        // Packets have no mark by which one could be found again.
        Gap::GiveUp
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop_front() {
            out.transaction(request.time, request.record);
        }
    }
}

/// Whether a request has the attributes that the standard demands, and something that tells its
/// kind.
fn holds_enough(found: &Packet<'_>) -> bool {
    let has = |kinds: &[u8]| kinds.iter().any(|&kind| found.find(kind).is_some());
    let server = has(&[4, 32, 95]);
    match found.code {
        code::ACCESS_REQUEST => {
            has(&[1, 2, 3, 79, 80]) && (server || has(&[5, 31])) && count(found) >= 2
        }
        code::ACCOUNTING_REQUEST => {
            let status = found.find(40).and_then(number);
            status.is_some_and(|status| (1..=15).contains(&status)) && (has(&[44]) || server)
        }
        12 => has(&[80]) && found.find(80).is_some_and(|v| v.len() == 16),
        40 | 43 => has(&[1, 4, 8, 31, 32, 44, 95]) && count(found) >= 2,
        _ => false,
    }
}

fn count(found: &Packet<'_>) -> usize {
    found.attributes().count()
}

impl Radius {
    fn packet(&mut self, seg: &Segment<'_>, found: &Packet<'_>, out: &mut Sink<'_>) {
        if !found.is_whole() {
            out.anomaly(Anomaly::MalformedAttributes);
        }
        if !found.attributes().all(|(kind, value)| fits(kind, value.len())) {
            out.anomaly(Anomaly::AttributeLength);
        }
        if out.wants_messages() {
            out.message(&RadiusMessage::new(found));
        }
        if found.is_request() {
            self.request(seg, found, out);
        } else {
            self.response(seg, found, out);
        }
        self.begun = true;
    }

    fn request(&mut self, seg: &Segment<'_>, found: &Packet<'_>, out: &mut Sink<'_>) {
        let authenticator = found.authenticator.try_into().unwrap_or_default();
        let again = self.pending.iter_mut().find(|request| {
            request.record.id == found.id
                && request.dir == seg.dir
                && request.authenticator == authenticator
        });
        if let Some(request) = again {
            request.record.retransmissions = request.record.retransmissions.saturating_add(1);
            return;
        }
        let mut record = RadiusTransaction::default();
        record.asked(found);
        self.pending.push_back(Request {
            time: seg.time,
            code: found.code,
            authenticator,
            dir: seg.dir,
            record,
        });
        if self.pending.len() > MAX_PENDING {
            out.anomaly(Anomaly::TooManyPending);
            if let Some(oldest) = self.pending.pop_front() {
                out.transaction(oldest.time, oldest.record);
            }
        }
    }

    fn response(&mut self, seg: &Segment<'_>, found: &Packet<'_>, out: &mut Sink<'_>) {
        if found.code == code::ACCESS_REJECT {
            out.anomaly(Anomaly::LoginFailed);
        }
        let position = self.pending.iter().position(|request| {
            request.record.id == found.id
                && request.dir != seg.dir
                && answers(found.code, request.code)
        });
        let Some(mut request) = position.and_then(|at| self.pending.remove(at)) else {
            if self.begun {
                out.anomaly(Anomaly::UnaskedResponse);
            }
            let mut record = RadiusTransaction::default();
            record.answered(found);
            out.transaction(seg.time, record);
            return;
        };
        request.record.answered(found);
        request.record.response_us = Some(seg.time.saturating_sub(request.time) / 1000);
        out.transaction(request.time, request.record);
    }
}

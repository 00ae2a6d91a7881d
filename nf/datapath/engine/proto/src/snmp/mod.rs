//! SNMP over UDP and TCP (RFC 1157, 1901, 3416, 3412, 3414, 3430): versions 1, 2c and 3.
//!
//! One transaction per request with its response (a report counts as one), per notification, and
//! per response whose request was not seen. Requests are told by their number, in version 3 by
//! that of the message. Communities are passwords: that one goes in clear is said, not which.
//!
//! Bounds: 32 unanswered requests per session, 16 names of variables per message (all are
//! counted), 128 arcs per name, 255 octets of other texts.

mod ber;
mod message;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, udp,
};
use message::{Message, REPORT, RESPONSE};
pub use record::{SnmpMessage, SnmpTransaction};

/// Most requests kept while they wait for their responses.
const MAX_PENDING: usize = 32;
const PORTS: &[u16] = &[161, 162];
const OVER: &[Over] = &[udp(PORTS), tcp(PORTS)];

anomalies! {
    /// What can be wrong with it.
    pub enum SnmpAnomaly {
        /// Octets that are no message.
        MalformedMessage = "malformed_message",
        /// A variable that is not a name and a value.
        MalformedVariable = "malformed_variable",
        /// Octets behind the message of a datagram.
        TrailingOctets = "trailing_octets",
        /// A response to a request nobody made.
        UnaskedResponse = "unasked_response",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

struct Pending {
    key: i64,
    dir: Direction,
    time: u64,
    record: SnmpTransaction,
}

/// The state of one session.
pub struct Snmp {
    /// Unanswered requests, oldest first.
    pending: VecDeque<Pending>,
    /// Per direction: octets of a stream were lost, and the next message must be found.
    lost: [bool; 2],
}

impl Protocol for Snmp {
    const INFO: Info = Info {
        name: "snmp",
        id: ProtoId(325),
        title: "Simple Network Management Protocol",
        spec: "RFC 1157, RFC 3416, RFC 3412, RFC 3414",
        over: OVER,
        patterns: &[Pattern::start(&[ber::SEQUENCE])],
        weight: 40,
        timeout: TimeoutClass::Short,
        max_pending: 128 * 1024,
        message: SnmpMessage::fields,
        transaction: SnmpTransaction::fields,
        anomalies: SnmpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: VecDeque::new(), lost: [false; 2] }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let own_port = PORTS.iter().any(|&port| seg.on_port(port));
        let stream = seg.flow.transport == Transport::Tcp;
        if let Some(m) = message::parse(seg.data) {
            // A name and a value, and nothing that does not belong, are hard to come by.
            let names = m.pdu.as_ref().is_none_or(|p| p.names.iter().all(|n| is_name(n)));
            let filled = m.security.is_some() || m.pdu.as_ref().is_some_and(|p| p.variables > 0);
            let exact = stream || m.length == seg.data.len();
            let sound = m.pdu.as_ref().is_none_or(|p| !p.flawed);
            return match own_port || (filled && exact && sound) {
                true if names => Probe::Certain,
                _ => Probe::No,
            };
        }
        match message::length(seg.data) {
            Ok(None) if stream => Probe::Unsure,
            Ok(Some(length)) if stream && length > seg.data.len() && may_begin(seg.data) => {
                Probe::Unsure
            }
            Ok(Some(_)) if seg.cut && own_port && begins(seg.data) => Probe::Certain,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if seg.flow.transport == Transport::Tcp {
            return self.stream(seg, out);
        }
        if out.wants_messages() || out.wants_transactions() {
            match message::parse(seg.data) {
                Some(message) => {
                    if message.length < seg.data.len() {
                        out.anomaly(SnmpAnomaly::TrailingOctets);
                    }
                    self.message(&message, seg, out);
                }
                None if seg.cut => {}
                None => out.anomaly(SnmpAnomaly::MalformedMessage),
            }
        }
        Step::all(seg)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        if let Some(lost) = self.lost.get_mut(dir.index()) {
            *lost = true;
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop_front() {
            out.transaction(pending.time, pending.record);
        }
    }
}

/// Whether octets name an object below iso or joint standards, as every managed object is.
fn is_name(octets: &[u8]) -> bool {
    octets.is_empty() || octets == [0] || ber::dotted(octets).is_some()
}

/// Whether `data`, which is not whole, begins as a message does.
fn begins(data: &[u8]) -> bool {
    let Ok(Some(header)) = ber::header(data) else {
        return false;
    };
    matches!(data.get(header.length..), Some([2, 1, 0 | 1, 4, ..] | [2, 1, 3, 0x30, ..]))
}

/// Whether `data` can still become a message.
fn may_begin(data: &[u8]) -> bool {
    let Ok(Some(header)) = ber::header(data) else {
        return true;
    };
    match data.get(header.length..).unwrap_or_default() {
        [] | [2] | [2, 1] | [2, 1, 0 | 1 | 3] => true,
        _ => begins(data),
    }
}

impl Snmp {
    fn stream(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if let Some(lost) = self.lost.get_mut(seg.dir.index())
            && *lost
        {
            // Only a message that begins with this segment is found again.
            if !begins(seg.data) {
                return Step::all(seg);
            }
            *lost = false;
        }
        match message::length(seg.data) {
            Ok(None) => Step::used(0),
            Ok(Some(length)) => {
                let Some(whole) = seg.data.get(..length) else {
                    return Step::need(0, length);
                };
                match message::parse(whole) {
                    Some(message) => self.message(&message, seg, out),
                    None => out.anomaly(SnmpAnomaly::MalformedMessage),
                }
                Step::used(length)
            }
            Err(()) => {
                out.anomaly(SnmpAnomaly::MalformedMessage);
                Step::done()
            }
        }
    }

    fn message(&mut self, m: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if m.pdu.as_ref().is_some_and(|p| p.flawed) {
            out.anomaly(SnmpAnomaly::MalformedVariable);
        }
        if out.wants_messages() {
            out.message(&SnmpMessage::of(m));
        }
        if !out.wants_transactions() {
            return;
        }
        let key = match (&m.security, &m.pdu) {
            (Some(security), _) => security.id,
            (None, Some(pdu)) => pdu.request,
            (None, None) => return,
        };
        let waiting = self.pending.iter().position(|p| p.key == key && p.dir != seg.dir);
        let answers = match &m.pdu {
            Some(pdu) => matches!(pdu.tag, RESPONSE | REPORT),
            // Encrypted: what answers the number of a request is its response.
            None => waiting.is_some(),
        };
        if answers {
            match waiting.and_then(|at| self.pending.remove(at)) {
                Some(mut pending) => {
                    pending.record.response_us = Some(seg.time.saturating_sub(pending.time) / 1000);
                    pending.record.answered(m);
                    out.transaction(pending.time, pending.record);
                }
                None => {
                    out.anomaly(SnmpAnomaly::UnaskedResponse);
                    out.transaction(seg.time, SnmpTransaction::unasked(m));
                }
            }
            return;
        }
        let record = SnmpTransaction::asked(m);
        let confirmed = match (&m.pdu, &m.security) {
            (Some(pdu), _) => !matches!(pdu.tag, message::TRAP_V1 | 0xa7),
            (None, Some(security)) => security.reportable(),
            (None, None) => false,
        };
        if !confirmed {
            out.transaction(seg.time, record);
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(SnmpAnomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(Pending { key, dir: seg.dir, time: seg.time, record });
    }
}

//! Point-to-Point Tunnelling Protocol: its control connection over TCP (RFC 2637). The frames
//! themselves go in GRE.
//!
//! One transaction per request and its answer, and per notice of an end; echoes are none.
//!
//! Bounds: 16 unanswered requests, 64 octets of a name.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text};

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp,
};
use message::{HEADER, MAGIC};

/// Most unanswered requests.
const MAX_PENDING: usize = 16;
/// Most octets of a message: none of the standard has more than 220.
const MAX_MESSAGE: usize = 1024;
const OVER: &[Over] = &[tcp(&[1723])];

anomalies! {
    /// What can be wrong with it.
    pub enum PptpAnomaly {
        /// Octets that begin no message; nothing further is read.
        MalformedHeader = "malformed_header",
        /// A message that is shorter than its type asks for.
        MalformedMessage = "malformed_message",
        /// A request is refused.
        Refused = "refused",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// A request and its answer.
#[derive(Debug, Default, Fields)]
pub struct PptpTransaction {
    /// What is asked or told: start, stop, outgoing_call, incoming_call, clear_call, disconnected.
    pub request: &'static str,
    /// Whether it was answered.
    pub answered: bool,
    /// Version of the asker, the major part in the upper octet.
    pub version: Option<u16>,
    /// Start: name of the asker.
    pub host_name: Option<Text>,
    /// Start: maker of the asker.
    pub vendor: Option<Text>,
    /// Start: name of who answers.
    pub peer_host_name: Option<Text>,
    /// Start: maker of who answers.
    pub peer_vendor: Option<Text>,
    /// Call, as the asker numbers it: the key of GRE towards it.
    pub call_id: Option<u16>,
    /// Call, as who answers numbers it.
    pub peer_call_id: Option<u16>,
    /// Call: number that is called.
    pub called_number: Option<Text>,
    /// Incoming call: number that calls.
    pub calling_number: Option<Text>,
    /// Call: speed, bits per second.
    pub connect_speed_bps: Option<u32>,
    /// Answer: 1 is success; of an end, why.
    pub result_code: Option<u8>,
    /// Error below that.
    pub error_code: Option<u8>,
    /// Microseconds until the answer.
    pub response_us: Option<u64>,
}

struct Pending {
    time: u64,
    record: PptpTransaction,
}

/// The state of one session.
pub struct Pptp {
    /// By who asked, what, and the call.
    pending: Waiting<(Direction, &'static str, u16), Pending>,
}

impl Protocol for Pptp {
    const INFO: Info = Info {
        name: "pptp",
        id: ProtoId(281),
        title: "Point-to-Point Tunnelling Protocol",
        spec: "RFC 2637",
        over: OVER,
        patterns: &[Pattern::at(4, &MAGIC)],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: MAX_MESSAGE,
        transaction: PptpTransaction::fields,
        anomalies: PptpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: Waiting::new(MAX_PENDING) }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match message::header(seg.data) {
            Ok(Some(_)) => Probe::Certain,
            Ok(None) => Probe::Unsure,
            Err(()) => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        match message::header(seg.data) {
            Ok(None) => Step::need(0, HEADER),
            Ok(Some((kind, length))) => {
                let Some(body) = seg.data.get(HEADER..length) else {
                    return Step::need(0, length);
                };
                if out.wants_transactions() && self.message(kind, body, seg, out).is_none() {
                    out.anomaly(PptpAnomaly::MalformedMessage);
                }
                Step::used(length)
            }
            Err(()) => {
                out.anomaly(PptpAnomaly::MalformedHeader);
                Step::done()
            }
        }
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop() {
            out.transaction(pending.time, pending.record);
        }
    }
}

impl Pptp {
    fn message(
        &mut self,
        kind: u16,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        let mut record = PptpTransaction::default();
        let Some(role) = message::read(kind, body, &mut record)? else {
            return Some(());
        };
        match role {
            message::Role::Request(call) => {
                let key = (seg.dir, record.request, call);
                if let Some(oldest) = self.pending.put(key, Pending { time: seg.time, record }) {
                    out.anomaly(PptpAnomaly::TooManyPending);
                    out.transaction(oldest.time, oldest.record);
                }
            }
            message::Role::Answer(call) => {
                if record.result_code.is_some_and(|code| code != 1) {
                    out.anomaly(PptpAnomaly::Refused);
                }
                let key = (seg.dir.reverse(), record.request, call);
                let known = self.pending.take(&key);
                let start = known.as_ref().map_or(seg.time, |pending| pending.time);
                record.response_us = known.as_ref().map(|_| seg.time.saturating_sub(start) / 1000);
                record.answered = true;
                if let Some(asked) = known.map(|pending| pending.record) {
                    record.asked(asked);
                }
                out.transaction(start, record);
            }
            message::Role::Notice => out.transaction(seg.time, record),
        }
        Some(())
    }
}

impl PptpTransaction {
    /// Adds what the request said to the answer.
    fn asked(&mut self, request: PptpTransaction) {
        self.version = request.version;
        self.host_name = request.host_name;
        self.vendor = request.vendor;
        self.call_id = request.call_id;
        self.called_number = request.called_number;
        self.calling_number = request.calling_number;
        self.connect_speed_bps = self.connect_speed_bps.or(request.connect_speed_bps);
    }
}

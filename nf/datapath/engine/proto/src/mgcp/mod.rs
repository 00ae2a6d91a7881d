//! MGCP over UDP (RFC 3435) with session descriptions (RFC 8866), whose media are announced to the
//! engine.
//!
//! One transaction per command with its final response; a closed connection's with what its ends
//! counted.
//!
//! Bounds: 64 unanswered commands, 64 answered ones remembered, 32 messages per datagram, 256
//! parameters each, 512 octets of any text kept.

mod message;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::sdp::Description;
use crate::{
    Direction, Flow, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, udp,
};
use message::{Message, Parameters, Start, Statistics, VERBS, messages};
pub use record::{MgcpMessage, MgcpTransaction};

/// MGCP's number.
pub const ID: ProtoId = ProtoId(221);
/// Gateways and call agents.
const PORTS: &[u16] = &[2427, 2727];
/// Most commands kept while they wait for their responses.
const MAX_PENDING: usize = 64;
/// Most answered commands remembered: responses come repeatedly.
const MAX_DONE: usize = 64;
/// Most messages of a datagram.
const MAX_MESSAGES: usize = 32;
/// Longest text kept.
const MAX_TEXT: usize = 512;

crate::anomalies! {
    /// What can be wrong with MGCP.
    pub enum Anomaly {
        /// A first line that is neither command nor response.
        MalformedStart = "malformed_start",
        /// A line that is no parameter.
        MalformedParameter = "malformed_parameter",
        /// A session description that cannot be read.
        MalformedDescription = "malformed_description",
        /// A response to no command that was seen.
        UnaskedAnswer = "unasked_answer",
        /// More unanswered commands than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

struct Pending {
    dir: Direction,
    time: u64,
    record: MgcpTransaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Mgcp {
    pending: VecDeque<Pending>,
    done: VecDeque<(Direction, u32)>,
}

impl Protocol for Mgcp {
    const INFO: Info = Info {
        name: "mgcp",
        id: ID,
        title: "Media Gateway Control Protocol",
        spec: "RFC 3435, RFC 8866",
        over: &[udp(PORTS)],
        patterns: &[
            Pattern::start(b"AUCX "),
            Pattern::start(b"AUEP "),
            Pattern::start(b"CRCX "),
            Pattern::start(b"DLCX "),
            Pattern::start(b"EPCF "),
            Pattern::start(b"MDCX "),
            Pattern::start(b"NTFY "),
            Pattern::start(b"RQNT "),
            Pattern::start(b"RSIP "),
            Pattern::start(b"100 "),
            Pattern::start(b"200 "),
            Pattern::start(b"250 "),
            Pattern::start(b"40"),
            Pattern::start(b"5"),
        ],
        weight: 45,
        timeout: TimeoutClass::Long,
        message: MgcpMessage::fields,
        transaction: MgcpTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match first(seg.data) {
            Some(Start::Command { verb, .. }) if VERBS.contains(&verb) => Probe::Certain,
            Some(Start::Response { .. }) if PORTS.iter().any(|&port| seg.on_port(port)) => {
                Probe::Certain
            }
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        for message in messages(seg.data).take(MAX_MESSAGES) {
            self.message(&message, seg, out);
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop_front() {
            out.transaction(pending.time, pending.record);
        }
    }
}

fn first(data: &[u8]) -> Option<Start<'_>> {
    messages(data).next().and_then(|message| Start::parse(message.first))
}

fn text(bytes: &[u8]) -> Text {
    Text::bounded(bytes, MAX_TEXT)
}

impl Mgcp {
    fn message(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(start) = Start::parse(message.first) else {
            if !seg.cut {
                out.anomaly(Anomaly::MalformedStart);
            }
            return;
        };
        let parameters = Parameters::read(message);
        if parameters.malformed && !seg.cut {
            out.anomaly(Anomaly::MalformedParameter);
        }
        let media = describe(message.body, seg, out);
        if out.wants_messages() {
            out.message(&message_of(&start, &parameters, media.clone()));
        }
        if !out.wants_transactions() {
            return;
        }
        match start {
            Start::Command { verb, id, endpoint, version } => {
                let mut record = MgcpTransaction {
                    verb: Some(text(verb)),
                    transaction_id: id,
                    endpoint: Some(text(endpoint)),
                    version: Some(text(version)),
                    media,
                    ..MgcpTransaction::default()
                };
                record.add(&parameters);
                self.ask(record, seg, out);
            }
            Start::Response { code, id, comment } => {
                self.answer(code, id, comment, &parameters, media, seg, out);
            }
        }
    }

    fn ask(&mut self, record: MgcpTransaction, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let id = record.transaction_id;
        let same = |p: &&mut Pending| p.dir == seg.dir && p.record.transaction_id == id;
        if let Some(pending) = self.pending.iter_mut().find(same) {
            pending.record.retransmissions = pending.record.retransmissions.saturating_add(1);
            return;
        }
        if self.done.contains(&(seg.dir, id)) {
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(Pending { dir: seg.dir, time: seg.time, record });
    }

    #[expect(clippy::too_many_arguments, reason = "what a response says, once")]
    fn answer(
        &mut self,
        code: u16,
        id: u32,
        comment: &[u8],
        parameters: &Parameters<'_>,
        media: Vec<Text>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        // 0: the response was received; 1xx: the final one is still to come.
        if code < 200 {
            return;
        }
        let asker = seg.dir.reverse();
        let asked = |p: &Pending| p.dir == asker && p.record.transaction_id == id;
        let pending = self.pending.iter().position(asked).and_then(|at| self.pending.remove(at));
        let (time, mut record) = match pending {
            Some(mut pending) => {
                let since = seg.time.saturating_sub(pending.time) / 1000;
                pending.record.response_us = Some(since);
                (pending.time, pending.record)
            }
            None if self.done.contains(&(asker, id)) => return,
            None => {
                out.anomaly(Anomaly::UnaskedAnswer);
                (seg.time, MgcpTransaction { transaction_id: id, ..MgcpTransaction::default() })
            }
        };
        record.code = Some(code);
        record.reason = Some(text(comment)).filter(|comment| !comment.is_empty());
        record.add(parameters);
        if !media.is_empty() {
            record.media = media;
        }
        out.transaction(time, record);
        if self.done.len() >= MAX_DONE {
            self.done.pop_front();
        }
        self.done.push_back((asker, id));
    }
}

impl MgcpTransaction {
    /// Adds what parameters say; a response adds to what its command said.
    fn add(&mut self, parameters: &Parameters<'_>) {
        let put = |slot: &mut Option<Text>, value: Option<&[u8]>| {
            if let Some(value) = value {
                *slot = Some(text(value));
            }
        };
        put(&mut self.call_id, parameters.call);
        put(&mut self.connection_id, parameters.connection);
        put(&mut self.mode, parameters.mode);
        put(&mut self.local_options, parameters.options);
        put(&mut self.notified_entity, parameters.notified);
        put(&mut self.requested_events, parameters.requested);
        put(&mut self.signals, parameters.signals);
        put(&mut self.observed_events, parameters.observed);
        put(&mut self.restart_method, parameters.restart);
        let Statistics {
            packets_sent,
            octets_sent,
            packets_received,
            octets_received,
            lost,
            jitter_ms,
            latency_ms,
        } = parameters.statistics;
        self.packets_sent = packets_sent.or(self.packets_sent);
        self.octets_sent = octets_sent.or(self.octets_sent);
        self.packets_received = packets_received.or(self.packets_received);
        self.octets_received = octets_received.or(self.octets_received);
        self.lost = lost.or(self.lost);
        self.jitter_ms = jitter_ms.or(self.jitter_ms);
        self.latency_ms = latency_ms.or(self.latency_ms);
    }
}

fn describe(body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) -> Vec<Text> {
    if body.trim_ascii().is_empty() {
        return Vec::new();
    }
    match Description::parse(body) {
        Some(described) if !described.malformed || seg.cut => {
            described.announce(out);
            described.summary()
        }
        _ => {
            out.anomaly(Anomaly::MalformedDescription);
            Vec::new()
        }
    }
}

fn message_of<'a>(
    start: &Start<'a>,
    parameters: &Parameters<'a>,
    media: Vec<Text>,
) -> MgcpMessage<'a> {
    let message = MgcpMessage {
        call_id: parameters.call.map(TextRef),
        connection_id: parameters.connection.map(TextRef),
        mode: parameters.mode.map(TextRef),
        requested_events: parameters.requested.map(TextRef),
        signals: parameters.signals.map(TextRef),
        observed_events: parameters.observed.map(TextRef),
        media,
        ..MgcpMessage::default()
    };
    match *start {
        Start::Command { verb, id, endpoint, version } => MgcpMessage {
            request: true,
            verb: Some(TextRef(verb)),
            transaction_id: id,
            endpoint: Some(TextRef(endpoint)),
            version: Some(TextRef(version)),
            ..message
        },
        Start::Response { code, id, comment } => MgcpMessage {
            transaction_id: id,
            code: Some(code),
            reason: Some(TextRef(comment)),
            ..message
        },
    }
}

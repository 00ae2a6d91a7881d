//! Kafka's protocol over TCP. One transaction per request with its response: what the request is,
//! who asks, and what it is about where that is simply found. Passwords are never kept.
//!
//! Bounds: 8 KiB of a message are read (what exceeds that is passed over), 16 topics of a request,
//! 64 requests wait for their responses.

mod api;
mod message;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, TextRef};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use api::key;
use message::MAX_MESSAGE;
pub use record::{KafkaMessage, KafkaTransaction};

const PORT: u16 = 9092;
const OVER: &[Over] = &[tcp(&[PORT]), within("tls")];
/// Most octets of a message that are read, its length aside.
const MAX_BODY: usize = 8 * 1024;
/// Most requests that wait for their responses.
const MAX_PENDING: usize = 64;
/// Octets of a length.
const LENGTH: usize = 4;

anomalies! {
    /// What can be wrong with it.
    pub enum KafkaAnomaly {
        /// A length that no message has; the direction is searched for the next one.
        MalformedLength = "malformed_length",
        /// A request without a sound header.
        MalformedRequest = "malformed_request",
        /// A request of a key that is not known.
        UnknownRequest = "unknown_request",
        /// A response to no request.
        UnaskedResponse = "unasked_response",
        /// More requests without response than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    /// Octets of a message that are not read.
    skip: usize,
    /// Out of step: looking for a message at the beginning of segments.
    lost: bool,
}

struct Request {
    start: u64,
    record: KafkaTransaction,
}

/// The state of one session.
pub struct Kafka {
    lanes: [Lane; 2],
    client: Direction,
    pending: VecDeque<Request>,
    /// Something was lost: responses may belong to requests that were not seen.
    torn: bool,
    /// A user logs in by this mechanism; whether the proofs come without headers.
    login: Option<(bool, bool)>,
}

impl Protocol for Kafka {
    const INFO: Info = Info {
        name: "kafka",
        id: ProtoId(1244),
        title: "Apache Kafka",
        spec: "Apache Kafka protocol",
        over: OVER,
        patterns: &[
            Pattern::at(4, b"\0\x00\0"),
            Pattern::at(4, b"\0\x01\0"),
            Pattern::at(4, b"\0\x02\0"),
            Pattern::at(4, b"\0\x03\0"),
            Pattern::at(4, b"\0\x09\0"),
            Pattern::at(4, b"\0\x0a\0"),
            Pattern::at(4, b"\0\x0b\0"),
            Pattern::at(4, b"\0\x0c\0"),
            Pattern::at(4, b"\0\x11\0"),
            Pattern::at(4, b"\0\x12\0"),
        ],
        weight: 55,
        timeout: TimeoutClass::Long,
        max_pending: MAX_BODY + 8,
        message: KafkaMessage::fields,
        transaction: KafkaTransaction::fields,
        anomalies: KafkaAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let reversed = flow.initiator_port == PORT && flow.responder_port != PORT;
        Self {
            lanes: Default::default(),
            client: if reversed { Direction::Down } else { Direction::Up },
            pending: VecDeque::new(),
            torn: false,
            login: None,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some((length, data)) = framed(seg.data) else {
            return if seg.data.len() < LENGTH { Probe::Unsure } else { Probe::No };
        };
        if data.len() < 10 {
            return if begins(data) { Probe::Unsure } else { Probe::No };
        }
        let whole = data.get(..length);
        let Some(request) = message::request(whole.unwrap_or(data)) else {
            return if whole.is_none() && begins(data) { Probe::Unsure } else { Probe::No };
        };
        let printed = |name: &[u8]| name.iter().all(|b| (b'!'..=b'~').contains(b) || *b == b' ');
        let named = request.client.is_some_and(|name| name.len() >= 3 && printed(name));
        let known = begins(data) && request.client.is_none_or(printed);
        // The segment ends where the message does, or the next one begins in the same way.
        let behind = data.get(length..).unwrap_or_default();
        let ends = whole.is_some() && (behind.is_empty() || framed(behind).is_some());
        match known {
            false => Probe::No,
            true if ends && (named || seg.on_port(PORT)) => Probe::Certain,
            true if named && seg.on_port(PORT) => Probe::Certain,
            true if whole.is_none() => Probe::Unsure,
            true => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // What the session is was clear from its first octets.
        out.settled();
        let asks = seg.dir == self.client;
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let taken = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(taken);
            return Step::used(taken);
        }
        let Some((length, data)) = framed(seg.data) else {
            if seg.data.len() < LENGTH {
                return Step::used(0);
            }
            if !std::mem::replace(&mut lane.lost, true) {
                out.anomaly(KafkaAnomaly::MalformedLength);
                self.torn = true;
            }
            return Step::all(seg);
        };
        if lane.lost {
            if length != data.len() || (asks && !begins(data)) {
                return Step::all(seg);
            }
            lane.lost = false;
        }
        let read = length.min(MAX_BODY);
        let end = LENGTH.saturating_add(read);
        let Some(body) = data.get(..read) else {
            return Step::need(0, end);
        };
        lane.skip = length.saturating_sub(read);
        if asks {
            self.request(body, length, seg, out);
        } else {
            self.response(body, length, seg, out);
        }
        Step::used(end)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        match usize::try_from(lost).ok().and_then(|lost| lane.skip.checked_sub(lost)) {
            Some(left) if lane.skip > 0 => lane.skip = left,
            _ => {
                *lane = Lane { skip: 0, lost: true };
                self.torn = true;
            }
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while self.give_up(out) {}
    }
}

/// A message's length, and what is there behind it.
fn framed(data: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = data.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    (4..=MAX_MESSAGE).contains(&length).then_some((length, rest))
}

/// Whether key and version of a request stand at the front, as far as they are there.
fn begins(data: &[u8]) -> bool {
    match data {
        [a, b, c, d, ..] => {
            let (key, version) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            api::name(key).is_some() && version <= api::MAX_VERSION
        }
        _ => data.iter().step_by(2).all(|&octet| octet == 0),
    }
}

impl Kafka {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Reports the oldest request as it is; false when there is none.
    fn give_up(&mut self, out: &mut Sink<'_>) -> bool {
        match self.pending.pop_front() {
            Some(request) => {
                out.transaction(request.start, request.record);
                true
            }
            None => false,
        }
    }

    fn request(&mut self, body: &[u8], length: usize, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let bare = self.login.is_some_and(|(_, bare)| bare);
        let Some(found) = message::request(body).filter(|_| !bare || begins(body)) else {
            // Proofs of an old login have no header.
            let clear = self.is_clear();
            match (bare, self.pending.back_mut()) {
                (true, Some(login)) => login.record.password_seen |= clear,
                (true, None) => {}
                _ => out.anomaly(KafkaAnomaly::MalformedRequest),
            }
            return;
        };
        if api::name(found.key).is_none() {
            out.anomaly(KafkaAnomaly::UnknownRequest);
        }
        let octets = u32::try_from(length).unwrap_or(u32::MAX);
        if out.wants_messages() {
            out.message(&KafkaMessage {
                kind: "request",
                length: octets,
                correlation_id: found.correlation,
                api_key: Some(found.key),
                api: api::name(found.key),
                api_version: Some(found.version),
                client_id: found.client.map(TextRef),
            });
        }
        let about = message::about(&found);
        if found.key == key::SASL_HANDSHAKE {
            self.login = Some((about.mechanism == Some(b"PLAIN"), found.version == 0));
        }
        if !out.wants_transactions() {
            return;
        }
        let mut record = KafkaTransaction::of(&found, &about, octets);
        record.password_seen = found.key == key::SASL_AUTHENTICATE && self.is_clear();
        if about.acks == Some(0) {
            out.transaction(seg.time, record);
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            out.anomaly(KafkaAnomaly::TooManyPending);
            self.give_up(out);
        }
        self.pending.push_back(Request { start: seg.time, record });
    }

    /// Whether the user logs in by a password in clear.
    fn is_clear(&self) -> bool {
        self.login.is_some_and(|(clear, _)| clear)
    }

    fn response(&mut self, body: &[u8], length: usize, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some((correlation, body)) = body.split_first_chunk() else {
            return;
        };
        let correlation = u32::from_be_bytes(*correlation);
        let octets = u32::try_from(length).unwrap_or(u32::MAX);
        if out.wants_messages() {
            out.message(&KafkaMessage {
                kind: "response",
                length: octets,
                correlation_id: correlation,
                ..KafkaMessage::default()
            });
        }
        let of = |r: &Request| r.record.correlation_id == correlation;
        let found = self.pending.iter().position(of);
        let Some(mut request) = found.and_then(|at| self.pending.remove(at)) else {
            let bare = self.login.is_some_and(|(_, bare)| bare);
            if !self.torn && !bare && out.wants_transactions() {
                out.anomaly(KafkaAnomaly::UnaskedResponse);
            }
            return;
        };
        let record = &mut request.record;
        let error = message::error(record.api_key, record.api_version, body);
        record.answer(error, octets);
        record.response_us = Some(seg.time.saturating_sub(request.start) / 1000);
        out.transaction(request.start, request.record);
    }
}

//! Kerberos version 5 (RFC 4120, RFC 6113) over UDP and TCP. One transaction per request with its
//! reply or error: who asks, for which service, with which encryption. Keys, checksums and
//! encrypted parts are never kept.
//!
//! Bounds: messages of 64 KiB, 16 requests without answer, 256 octets of a name, 32 entries of a
//! list.

mod der;
mod message;
mod record;
#[cfg(test)]
mod tests;
mod words;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text, TextRef};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
    udp, within,
};
use message::Message;
pub(crate) use message::ticket;
pub use record::{KerberosMessage, KerberosTransaction};

/// The registered port.
const PORT: u16 = 88;
/// Longest message read.
const MAX_MESSAGE: usize = 64 * 1024;
/// Octets before a message of a stream: its length.
const PREFIX: usize = 4;
/// Most requests kept while they wait for their answers.
const MAX_PENDING: usize = 16;
/// The ticket may be forwarded.
const FORWARDABLE: u32 = 0x4000_0000;
/// The ticket may be renewed.
const RENEWABLE: u32 = 0x0080_0000;

crate::anomalies! {
    /// What can be wrong with Kerberos.
    pub enum Anomaly {
        /// Octets that are no message where one should be.
        MessageInvalid = "message_invalid",
        /// A message longer than 64 KiB; it is skipped.
        MessageTooLong = "message_too_long",
        /// An answer to no request that was seen.
        UnaskedAnswer = "unasked_answer",
        /// Too many requests without answer: the oldest was given up.
        TooManyPending = "too_many_pending",
        /// The password or key was wrong.
        PreauthFailed = "preauth_failed",
    }
}

struct Request {
    time: u64,
    kind: u8,
    record: KerberosTransaction,
}

#[derive(Clone, Copy, Default)]
struct Lane {
    skip: u64,
    lost: bool,
}

/// The state of one session.
#[derive(Default)]
pub struct Kerberos {
    pending: VecDeque<Request>,
    lanes: [Lane; 2],
    /// Answers to requests that were not seen are to be expected.
    unasked: bool,
    asked: bool,
}

impl Protocol for Kerberos {
    const INFO: Info = Info {
        name: "kerberos",
        id: ProtoId(191),
        aliases: &["krb5"],
        title: "Kerberos version 5",
        spec: "RFC 4120, RFC 6113",
        over: &[udp(&[PORT]), tcp(&[PORT]), within("smb")],
        patterns: &[
            Pattern::start(b"\x6a"),
            Pattern::start(b"\x6b"),
            Pattern::start(b"\x6c"),
            Pattern::start(b"\x6d"),
            Pattern::start(b"\x6e"),
            Pattern::start(b"\x7e"),
            Pattern::start(b"\x00\x00"),
        ],
        weight: 40,
        timeout: TimeoutClass::Default,
        max_pending: 2 * MAX_MESSAGE,
        message: KerberosMessage::fields,
        transaction: KerberosTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if seg.flow.transport != Transport::Tcp {
            let fits = message::announced(seg.data)
                .is_some_and(|(_, n)| n == seg.data.len() || (seg.cut && n > seg.data.len()));
            return if fits && message::is_message(seg.data) { Probe::Certain } else { Probe::No };
        }
        begins(seg.data)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport != Transport::Tcp {
            self.message(seg.data, seg, out);
            out.settled();
            return Step::all(seg);
        }
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let now = lane.skip.min(seg.data.len() as u64);
            lane.skip = lane.skip.saturating_sub(now);
            return Step::used(usize::try_from(now).unwrap_or(usize::MAX));
        }
        if lane.lost {
            // Only a segment's start is taken for the start of a message.
            match begins(seg.data) {
                Probe::Certain => lane.lost = false,
                _ => return Step::all(seg),
            }
        }
        let Some((&prefix, rest)) = seg.data.split_first_chunk::<PREFIX>() else {
            return Step::need(0, PREFIX);
        };
        let length = u32::from_be_bytes(prefix) as usize;
        if length > MAX_MESSAGE {
            out.anomaly(Anomaly::MessageTooLong);
            lane.skip = length as u64;
            return Step::used(PREFIX);
        }
        let Some(octets) = rest.get(..length) else {
            return Step::need(0, length.saturating_add(PREFIX));
        };
        self.message(octets, seg, out);
        out.settled();
        Step::used(length.saturating_add(PREFIX))
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.unasked = true;
        let lane = self.lane(dir);
        if lane.skip >= lost {
            lane.skip = lane.skip.saturating_sub(lost);
        } else {
            *lane = Lane { skip: 0, lost: true };
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop_front() {
            out.transaction(request.time, request.record);
        }
    }
}

/// Whether a stream begins with the length of a message and the message.
fn begins(data: &[u8]) -> Probe {
    let Some((&prefix, rest)) = data.split_first_chunk::<PREFIX>() else {
        return if data.iter().take(2).all(|&o| o == 0) { Probe::Unsure } else { Probe::No };
    };
    let length = u32::from_be_bytes(prefix) as usize;
    if !(16..=MAX_MESSAGE).contains(&length) {
        return Probe::No;
    }
    match message::announced(rest) {
        Some((_, n)) if n == length && message::is_message(rest) => Probe::Certain,
        Some((_, n)) if n == length && rest.len() < 32 => Probe::Unsure,
        None if rest.len() < 6 => Probe::Unsure,
        _ => Probe::No,
    }
}

fn cipher(number: i64) -> Text {
    words::cipher(number).map_or_else(|| Text::from(number.to_string()), Text::from)
}

impl Kerberos {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    fn message(&mut self, octets: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(message) = message::parse(octets, seg.cut) else {
            out.anomaly(Anomaly::MessageInvalid);
            return;
        };
        if out.wants_messages() {
            out.message(&KerberosMessage {
                msg_type: words::kind(message.kind),
                msg_type_id: message.kind,
                cname: message.client.as_ref().map(|t| TextRef(t.as_bytes())),
                realm: message.realm.as_ref().map(|t| TextRef(t.as_bytes())),
                sname: message.service.as_ref().map(|t| TextRef(t.as_bytes())),
                error_code: message.error.and_then(|n| u32::try_from(n).ok()),
                encryption: message.cipher.and_then(words::cipher),
            });
        }
        if message.error == Some(24) {
            out.anomaly(Anomaly::PreauthFailed);
        }
        match message.kind {
            message::AS_REQ | message::TGS_REQ | message::AP_REQ => self.ask(message, seg, out),
            message::AS_REP | message::TGS_REP | message::AP_REP | message::ERROR => {
                self.answer(&message, seg, out);
            }
            _ => {}
        }
    }

    fn ask(&mut self, message: Message, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        self.asked = true;
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        let asks = message.kind != message::AP_REQ;
        let list = |numbers: &[i64]| numbers.iter().map(|&n| cipher(n)).collect::<Vec<_>>();
        let kinds: Vec<u32> =
            message.preauth.iter().filter_map(|&n| u32::try_from(n).ok()).collect();
        let record = KerberosTransaction {
            request_type: Some(match message.kind {
                message::AS_REQ => "AS",
                message::TGS_REQ => "TGS",
                _ => "AP",
            }),
            client: whole(message.client.as_ref(), message.realm.as_ref()),
            ciphers: (!message.ciphers.is_empty()).then(|| list(&message.ciphers)),
            preauth: (!kinds.is_empty()).then_some(kinds),
            forwardable: asks.then_some(message.options & FORWARDABLE != 0),
            renewable: asks.then_some(message.options & RENEWABLE != 0),
            encryption: message.cipher.map(cipher),
            ticket_encryption: message.ticket_cipher.map(cipher),
            cname: message.client,
            realm: message.realm,
            service: message.service,
            from: message.from,
            till: message.till,
            ..KerberosTransaction::default()
        };
        self.pending.push_back(Request { time: seg.time, kind: message.kind, record });
    }

    fn answer(&mut self, message: &Message, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        let at = self.pending.iter().position(|request| match message.kind {
            message::ERROR => true,
            kind => kind == request.kind.saturating_add(1),
        });
        let (start, mut record) = match at.and_then(|at| self.pending.remove(at)) {
            Some(request) => (request.time, request.record),
            None => {
                if self.asked && !self.unasked {
                    out.anomaly(Anomaly::UnaskedAnswer);
                }
                (seg.time, KerberosTransaction::default())
            }
        };
        record.msg_type = words::kind(message.kind);
        record.success = Some(message.kind != message::ERROR);
        record.error_code = message.error.and_then(|n| u32::try_from(n).ok());
        record.error_msg = message.error.and_then(words::error).map(Text::from);
        record.error_text = message.error_text.clone().filter(|t| !t.is_empty());
        let realm = message.client_realm.as_ref().or(message.realm.as_ref());
        if record.client.is_none() {
            record.client = whole(message.client.as_ref(), realm);
        }
        if record.cname.is_none() {
            record.cname = message.client.clone();
        }
        if record.realm.is_none() {
            record.realm = message.realm.clone();
        }
        if record.service.is_none() || message.kind == message::TGS_REP {
            record.service = message.service.clone().or(record.service.take());
        }
        record.encryption = message.cipher.map(cipher).or(record.encryption.take());
        record.ticket_encryption =
            message.ticket_cipher.map(cipher).or(record.ticket_encryption.take());
        let used = [message.cipher, message.ticket_cipher];
        if used.iter().any(Option::is_some) {
            record.weak_encryption = Some(used.iter().flatten().any(|&n| words::is_weak(n)));
        }
        if at.is_some() {
            record.response_us = Some(seg.time.saturating_sub(start) / 1000);
        }
        out.transaction(start, record);
    }
}

fn whole(client: Option<&Text>, realm: Option<&Text>) -> Option<Text> {
    let (client, realm) = (client?, realm?);
    Some(Text::from([client.as_bytes(), b"/", realm.as_bytes()].concat()))
}

//! NTP over UDP (RFC 5905, 1305, 4330, 7822, 8573, 9327; versions 1 to 4, all modes).
//!
//! One transaction per request and its response: of client and server, between peers, and of
//! monitors (modes 6 and 7, of which a response may be many messages). A response must return the
//! time at which the request left. Broadcasts are a transaction each.
//!
//! Bounds: 16 unanswered requests per session, 16 extension fields per message, 1024 octets of a
//! monitor's data.

mod message;
mod record;
#[cfg(test)]
mod tests;
mod time;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, TimeoutClass, anomalies, udp,
};
use message::{BROADCAST, CLIENT, Message, PRIVATE, SERVER, TIME, Time};
pub use record::{NtpMessage, NtpTransaction};
use time::NtpTime;

/// Most requests kept while they wait for their responses.
const MAX_PENDING: usize = 16;
const PORT: u16 = 123;
const OVER: &[Over] = &[udp(&[PORT])];
/// A day: how far the times of a message on another port may be from the capture's.
const NEAR: u64 = 86_400_000_000_000;

anomalies! {
    /// What can be wrong with it.
    pub enum NtpAnomaly {
        /// Shorter than its mode asks for, or than it counts.
        MalformedMessage = "malformed_message",
        /// What follows the time is neither an extension nor an authenticator.
        MalformedTail = "malformed_tail",
        /// A response that does not return the time its request left at.
        BogusOrigin = "bogus_origin",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// What a response must repeat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Time(NtpTime),
    Control(u16, u8),
    Private(u8, u8),
}

struct Pending {
    key: Key,
    dir: Direction,
    time: u64,
    record: NtpTransaction,
}

/// The state of one session.
pub struct Ntp {
    /// Unanswered requests, oldest first.
    pending: VecDeque<Pending>,
}

impl Protocol for Ntp {
    const INFO: Info = Info {
        name: "ntp",
        id: ProtoId(251),
        aliases: &["sntp"],
        title: "Network Time Protocol",
        spec: "RFC 5905, RFC 1305, RFC 9327",
        over: OVER,
        weight: 60,
        timeout: TimeoutClass::Short,
        message: NtpMessage::fields,
        transaction: NtpTransaction::fields,
        anomalies: NtpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: VecDeque::new() }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(&first) = seg.data.first() else {
            return Probe::No;
        };
        let own_port = seg.on_port(PORT);
        if !matches!(first >> 3 & 7, 1..=4) {
            return Probe::No;
        }
        if own_port && seg.cut && seg.data.len() < TIME {
            // A kept beginning tells no more than this.
            return if matches!(first & 7, 1..=5) { Probe::Certain } else { Probe::No };
        }
        let certain = match message::parse(seg.data) {
            Some(Message::Time(m)) if is_time(&m, seg, own_port) => true,
            // Clients may write what they like; the answer will tell.
            Some(Message::Time(m)) if own_port && matches!(m.mode, 1..=5) => return Probe::Unsure,
            Some(Message::Time(_)) => false,
            Some(Message::Control(m)) => own_port && is_control(&m, seg),
            Some(Message::Private(m)) => own_port && is_private(&m, seg),
            None => false,
        };
        if certain { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if out.wants_messages() || out.wants_transactions() {
            match message::parse(seg.data) {
                Some(message) => self.message(&message, seg, out),
                None if seg.cut => {}
                None => out.anomaly(NtpAnomaly::MalformedMessage),
            }
        }
        // What the session is was clear from its first octets.
        out.settled();
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(p) = self.pending.pop_front() {
            out.transaction(p.time, p.record);
        }
    }
}

/// Whether the numbers of a time message can be what they say.
fn is_time(m: &Time<'_>, seg: &Segment<'_>, own_port: bool) -> bool {
    // Some clients hide their precision behind 32.
    let precision = if m.mode == CLIENT { -32..=32 } else { -32..=6 };
    let numbers = m.stratum <= 16
        && (-6..=17).contains(&m.poll)
        && precision.contains(&m.precision)
        && m.root_delay < 1 << 24
        && m.root_dispersion < 1 << 24;
    // Version 1 had no modes.
    let mode = matches!(m.mode, 1..=5) || (m.mode == 0 && m.version == 1);
    if own_port {
        return mode && numbers;
    }
    // Elsewhere the clock of the capture is asked.
    let near = |time: NtpTime| time.after(seg.time).is_some_and(|ns| ns.unsigned_abs() < NEAR);
    mode && numbers
        && !m.odd_tail
        && m.version >= 3
        && match m.mode {
            CLIENT => m.stratum == 0 && near(m.transmit),
            SERVER => near(m.receive) && near(m.transmit) && !m.origin.is_zero(),
            _ => false,
        }
}

/// Whether the parts of a monitor's message can stand together.
fn is_control(m: &message::Control<'_>, seg: &Segment<'_>) -> bool {
    let filled = m.tail.len() <= 3 && m.tail.iter().all(|&b| b == 0);
    let signed = (20..=39).contains(&m.tail.len());
    let whole = !m.short && (filled || signed);
    let only_in_responses = !m.response && (m.error || m.more || m.status != 0);
    // The states of associations are numbers; all else is text.
    let text = |b: &u8| matches!(b, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0);
    let readable = matches!(m.opcode, 1 | 6 | 7 | 31) || m.data.iter().all(text);
    m.reserved == 0
        && message::opcode_word(m.opcode).is_some()
        && m.data.len() <= 468
        && (whole || (seg.cut && m.short))
        && !only_in_responses
        && readable
}

/// Whether the parts of a private message can stand together.
fn is_private(m: &message::Private, seg: &Segment<'_>) -> bool {
    let data = usize::from(m.items).saturating_mul(m.item_size.into());
    let behind = seg.data.len().saturating_sub(PRIVATE);
    let known = message::request_word(m.implementation, m.request_code).is_some();
    let only_in_responses = !m.response && (m.error != 0 || m.more);
    known && data <= 500 && (data <= behind || seg.cut) && !only_in_responses
}

impl Ntp {
    fn message(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        match message {
            Message::Time(m) if m.odd_tail && !seg.cut => out.anomaly(NtpAnomaly::MalformedTail),
            Message::Control(m) if m.short && !seg.cut => {
                out.anomaly(NtpAnomaly::MalformedMessage);
            }
            _ => {}
        }
        if out.wants_messages() {
            out.message(&record::message(message, seg.time));
        }
        if !out.wants_transactions() {
            return;
        }
        match message {
            Message::Time(m) => self.time(m, message, seg, out),
            Message::Control(m) if !m.response => {
                self.ask(Key::Control(m.sequence, m.opcode), message, seg, out);
            }
            Message::Control(m) => {
                let add = |record: &mut NtpTransaction| record.controlled(m);
                let key = Key::Control(m.sequence, m.opcode);
                self.answer(key, m.more, add, message, seg, out);
            }
            Message::Private(m) if !m.response => {
                self.ask(Key::Private(m.implementation, m.request_code), message, seg, out);
            }
            Message::Private(m) => {
                let add = |record: &mut NtpTransaction| record.answered_privately(m);
                let key = Key::Private(m.implementation, m.request_code);
                self.answer(key, m.more, add, message, seg, out);
            }
        }
    }

    fn time(&mut self, m: &Time<'_>, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        match m.mode {
            BROADCAST => {
                let mut record = NtpTransaction::told(message);
                record.served(m, None, seg.time);
                out.transaction(seg.time, record);
            }
            SERVER => {
                if !self.serve(m, seg, out) {
                    let asked = self.pending.iter().any(|p| p.dir != seg.dir);
                    if asked {
                        out.anomaly(NtpAnomaly::BogusOrigin);
                    }
                    let mut record = NtpTransaction::told(message);
                    record.served(m, None, seg.time);
                    record.response_length = u64::try_from(seg.data.len()).ok();
                    out.transaction(seg.time, record);
                }
            }
            // Peers answer and ask at once.
            message::SYMMETRIC_ACTIVE | message::SYMMETRIC_PASSIVE => {
                self.serve(m, seg, out);
                self.ask(Key::Time(m.transmit), message, seg, out);
            }
            _ => self.ask(Key::Time(m.transmit), message, seg, out),
        }
    }

    /// Answers the request that left at the origin time of `m`; false when there is none.
    fn serve(&mut self, m: &Time<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        let key = Key::Time(m.origin);
        let position = self.pending.iter().position(|p| p.key == key && p.dir != seg.dir);
        let Some(mut p) = position.and_then(|at| self.pending.remove(at)) else {
            return false;
        };
        p.record.served(m, Some(p.time), seg.time);
        p.record.response_length = u64::try_from(seg.data.len()).ok();
        out.transaction(p.time, p.record);
        true
    }

    fn ask(&mut self, key: Key, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(NtpAnomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        let record = NtpTransaction::asked(message, seg.data.len());
        self.pending.push_back(Pending { key, dir: seg.dir, time: seg.time, record });
    }

    /// Adds a message of a monitor's answer to its request; reports it unless `more` follows.
    fn answer(
        &mut self,
        key: Key,
        more: bool,
        add: impl FnOnce(&mut NtpTransaction),
        message: &Message<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let position = self.pending.iter().position(|p| p.key == key && p.dir != seg.dir);
        let mut p = match position.and_then(|at| self.pending.remove(at)) {
            Some(pending) => pending,
            None => Pending {
                key,
                dir: seg.dir.reverse(),
                time: seg.time,
                record: NtpTransaction::told(message),
            },
        };
        add(&mut p.record);
        let length = u64::try_from(seg.data.len()).unwrap_or(u64::MAX);
        let earlier = p.record.response_length.unwrap_or(0);
        p.record.response_length = Some(earlier.saturating_add(length));
        if p.record.request_length.is_some() && p.record.response_us.is_none() {
            p.record.response_us = Some(seg.time.saturating_sub(p.time) / 1000);
        }
        if !more {
            out.transaction(p.time, p.record);
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(NtpAnomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(p);
    }
}

//! Redis (RESP2, RESP3 and commands as lines of words) over TCP. One transaction per command with
//! its reply, and per message that the server pushes to a subscriber. Passwords are never kept.
//!
//! Bounds: lines of 64 KiB, values nested 32 deep, the first 8 texts of a value and 256 octets of
//! each, 256 commands without reply (then the oldest is reported as it is). Strings are passed
//! over as they come and never held.

mod message;
mod probe;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use message::{MAX_LINE, Piece, Reader, Value};
pub use record::{RedisMessage, RedisTransaction};

const PORT: u16 = 6379;
const OVER: &[Over] = &[tcp(&[PORT]), within("tls")];
/// Most commands that wait for their replies.
const MAX_PENDING: usize = 256;

anomalies! {
    /// What can be wrong with it.
    pub enum RedisAnomaly {
        /// Octets that are no value; the direction is searched for the next one.
        Malformed = "malformed",
        /// A command that is no array of strings.
        MalformedCommand = "malformed_command",
        /// A reply to a command nobody gave.
        UnaskedReply = "unasked_reply",
        /// More commands without reply than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// Whether the server answers (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Replies {
    #[default]
    On,
    Off,
    /// The next command is not answered.
    Skip,
}

struct Command {
    start: u64,
    name: Vec<u8>,
    record: RedisTransaction,
}

/// One direction.
#[derive(Default)]
struct Lane {
    reader: Reader,
    /// When the value that is being read began.
    start: u64,
    /// Out of step: looking for a value at the beginning of segments.
    lost: bool,
}

/// The state of one session.
pub struct Redis {
    lanes: [Lane; 2],
    client: Direction,
    pending: VecDeque<Command>,
    replies: Replies,
    /// A subscription was asked for: arrays may be messages.
    subscribed: bool,
    /// Commands of others are shown as they come.
    monitored: bool,
    /// Something was lost: replies may belong to commands that were not seen.
    torn: bool,
}

impl Protocol for Redis {
    const INFO: Info = Info {
        name: "redis",
        id: ProtoId(629),
        aliases: &["resp"],
        title: "Redis",
        spec: "Redis serialization protocol, versions 2 and 3",
        over: OVER,
        patterns: &[
            Pattern::start(b"*"),
            Pattern::start(b"+"),
            Pattern::start(b"-"),
            Pattern::start(b"$"),
            Pattern::start(b":"),
            Pattern::start(b"PING"),
            Pattern::start(b"INFO"),
            Pattern::start(b"AUTH "),
            Pattern::start(b"QUIT"),
            Pattern::start(b"ping"),
            Pattern::start(b"info"),
            Pattern::start(b"auth "),
        ],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: MAX_LINE + 16,
        message: RedisMessage::fields,
        transaction: RedisTransaction::fields,
        speaks: &[],
        anomalies: RedisAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let reversed = flow.initiator_port == PORT && flow.responder_port != PORT;
        Self {
            lanes: Default::default(),
            client: if reversed { Direction::Down } else { Direction::Up },
            pending: VecDeque::new(),
            replies: Replies::On,
            subscribed: false,
            monitored: false,
            torn: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // What the session is was clear from its first octets.
        out.settled();
        let asks = seg.dir == self.client;
        let lane = self.lane(seg.dir);
        if lane.lost {
            if !probe::begins(seg.data, asks) {
                return Step::all(seg);
            }
            lane.lost = false;
        }
        if !lane.reader.is_within() {
            lane.start = seg.time;
        }
        match lane.reader.next(seg.data, asks) {
            Piece::Took(length) => Step::used(length),
            Piece::Wait => Step::used(0),
            Piece::Whole(length, value) => {
                let start = lane.start;
                if asks {
                    self.command(&value, start, out);
                } else if self.reply(&value, seg.time, out) {
                    // What follows is a copy of the data, and commands of the server.
                    return Step { consumed: length, ..Step::done() };
                }
                Step::used(length)
            }
            Piece::Malformed => {
                lane.lost = true;
                lane.reader = Reader::default();
                self.tear(out);
                out.anomaly(RedisAnomaly::Malformed);
                Step::all(seg)
            }
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        if lane.lost || !lane.reader.lose(lost) {
            lane.lost = true;
            self.tear(out);
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while self.give_up(out) {}
    }
}

impl Redis {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Replies cannot be told apart any more from those to what waits.
    fn tear(&mut self, out: &mut Sink<'_>) {
        self.torn = true;
        while self.give_up(out) {}
    }

    /// Reports the oldest command as it is; false when there is none.
    fn give_up(&mut self, out: &mut Sink<'_>) -> bool {
        match self.pending.pop_front() {
            Some(command) => {
                out.transaction(command.start, command.record);
                true
            }
            None => false,
        }
    }

    fn command(&mut self, value: &Value, start: u64, out: &mut Sink<'_>) {
        let name = value.text(0).to_ascii_uppercase();
        if name.is_empty() || !matches!(value.kind, 0 | b'*') {
            // An empty command is not answered.
            if value.items > 0 || value.kind != b'*' {
                out.anomaly(RedisAnomaly::MalformedCommand);
            }
            return;
        }
        if out.wants_messages() {
            out.message(&RedisMessage {
                kind: "command",
                command: Some(TextRef(&name)),
                key: record::key(&name, value).map(TextRef),
                items: value.items,
                length: value.octets,
                ..RedisMessage::default()
            });
        }
        self.subscribed |= matches!(&*name, b"SUBSCRIBE" | b"PSUBSCRIBE" | b"SSUBSCRIBE");
        self.monitored |= name == b"MONITOR";
        let record = RedisTransaction::ask(&name, value);
        if !self.is_answered(&name, value) {
            out.transaction(start, record);
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            out.anomaly(RedisAnomaly::TooManyPending);
            self.give_up(out);
        }
        self.pending.push_back(Command { start, name, record });
    }

    /// Whether the server answers a command, as the client has asked it to.
    fn is_answered(&mut self, name: &[u8], value: &Value) -> bool {
        let reply = name == b"CLIENT" && value.text(1).eq_ignore_ascii_case(b"REPLY");
        if !reply {
            let answered = self.replies == Replies::On;
            if self.replies == Replies::Skip {
                self.replies = Replies::On;
            }
            return answered;
        }
        match value.text(2).to_ascii_uppercase().as_slice() {
            b"OFF" => self.replies = Replies::Off,
            b"SKIP" if self.replies == Replies::On => self.replies = Replies::Skip,
            b"SKIP" => {}
            _ => self.replies = Replies::On,
        }
        self.replies == Replies::On
    }

    /// A reply, or what the server says unasked; true when the session turns to replication.
    fn reply(&mut self, value: &Value, time: u64, out: &mut Sink<'_>) -> bool {
        let pushed = self.is_push(value);
        if out.wants_messages() {
            out.message(&RedisMessage {
                kind: if pushed { "push" } else { "reply" },
                value_type: Some(record::type_word(value)),
                items: value.items,
                length: value.octets,
                error: record::is_error(value).then(|| TextRef(value.text(0))),
                ..RedisMessage::default()
            });
        }
        if pushed {
            self.push(value, time, out);
            return false;
        }
        let Some(mut command) = self.pending.pop_front() else {
            if !self.torn {
                out.anomaly(RedisAnomaly::UnaskedReply);
            }
            return false;
        };
        self.torn = false;
        command.record.answer(value);
        command.record.response_us = Some(time.saturating_sub(command.start) / 1000);
        let copies = matches!(&*command.name, b"SYNC" | b"PSYNC") && !record::is_error(value);
        out.transaction(command.start, command.record);
        copies
    }

    /// Whether a value answers nothing: a push, or the message of a subscription.
    fn is_push(&self, value: &Value) -> bool {
        if self.monitored && self.pending.is_empty() && value.kind == b'+' {
            return true;
        }
        let word = value.text(0);
        let waits = self.pending.front().is_some_and(|c| c.name.eq_ignore_ascii_case(word));
        let changes = [
            &b"subscribe"[..],
            b"psubscribe",
            b"ssubscribe",
            b"unsubscribe",
            b"punsubscribe",
            b"sunsubscribe",
        ];
        let changes = changes.contains(&word);
        match value.kind {
            // The answer to a subscription comes as a push, too.
            b'>' => !(changes && waits),
            b'*' if self.subscribed => {
                let message = matches!(word, b"message" | b"pmessage" | b"smessage");
                message || (changes && !waits)
            }
            _ => false,
        }
    }

    fn push(&mut self, value: &Value, time: u64, out: &mut Sink<'_>) {
        let shown = value.is_aggregate();
        let of = |at: usize| value.texts.get(at).map(|text| Text::from(text.as_slice()));
        let record = RedisTransaction {
            key: of(1).filter(|_| shown),
            reply_type: Some("push"),
            // Of the commands that MONITOR shows nothing is kept.
            reply: of(0).filter(|_| shown),
            reply_items: shown.then_some(value.items),
            response_length: Some(value.octets),
            ..RedisTransaction::default()
        };
        out.transaction(time, record);
    }
}

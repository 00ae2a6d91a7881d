//! Queries and responses of one session, whichever of DNS, mDNS and LLMNR it speaks.

use std::collections::VecDeque;

use nf_fields::FieldSet;

use crate::{Direction, Flow, NameSource, Segment, Sink, anomalies};

use super::build::{self, Walked};
use super::harvest;
use super::message::{self, Header, Question, Reader};
use super::name::{Name, NameFlaw};
use super::record::DnsTransaction;
use super::transfer::Transfer;
use super::words;

/// Most queries of a session kept while they wait for their responses.
const MAX_PENDING: usize = 64;

/// Fields that need every question and record in words.
const LISTS: FieldSet = FieldSet::NONE
    .with(DnsTransaction::QUERIES)
    .with(DnsTransaction::ANSWERS)
    .with(DnsTransaction::AUTHORITIES)
    .with(DnsTransaction::ADDITIONALS);

anomalies! {
    /// What can be wrong with messages.
    pub enum DnsAnomaly {
        /// Shorter than a header, or than the counts in it allow.
        MalformedMessage = "malformed_message",
        /// A name with a label of a reserved kind or of more than 255 octets.
        BadName = "bad_name",
        /// A compression pointer that does not point back, or too many of them.
        BadPointer = "bad_pointer",
        /// Data that does not fit the type of its record.
        MalformedData = "malformed_data",
        /// Octets behind the last record.
        TrailingOctets = "trailing_octets",
        /// The header's reserved bit is set.
        ReservedBit = "reserved_bit",
        /// An operation that no standard defines.
        UnknownOpcode = "unknown_opcode",
        /// A response whose question is not the one asked with its identifier.
        MismatchedResponse = "mismatched_response",
        /// More unanswered queries than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

impl From<NameFlaw> for DnsAnomaly {
    fn from(flaw: NameFlaw) -> Self {
        match flaw {
            NameFlaw::Truncated => DnsAnomaly::MalformedMessage,
            NameFlaw::Pointer => DnsAnomaly::BadPointer,
            NameFlaw::Label => DnsAnomaly::BadName,
        }
    }
}

/// Which of the three is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 1035.
    Dns,
    /// RFC 6762.
    Mdns,
    /// RFC 4795.
    Llmnr,
}

struct Pending {
    record: DnsTransaction,
    name: Name,
    question: Option<(u16, u16)>,
    dir: Direction,
    time: u64,
    transfer: Option<Transfer>,
}

/// The state of one session.
pub struct Exchange {
    dialect: Dialect,
    /// Nobody answers in this session: what goes to a group is answered from elsewhere.
    one_way: bool,
    /// Unanswered queries, oldest first.
    pending: VecDeque<Pending>,
    /// Text of the name in hand, kept to save allocations.
    text: Vec<u8>,
}

/// A message with what the first look at it tells.
struct Letter<'m> {
    message: &'m [u8],
    header: Header,
    question: Option<Question>,
    name: Name,
}

impl Exchange {
    /// Nothing asked yet.
    pub fn new(dialect: Dialect, flow: &Flow) -> Self {
        let one_way = flow.responder.is_multicast();
        Self { dialect, one_way, pending: VecDeque::new(), text: Vec::new() }
    }

    /// Takes one message.
    pub fn message(&mut self, message: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(header) = Header::read(message) else {
            if !seg.cut {
                out.anomaly(DnsAnomaly::MalformedMessage);
            }
            return;
        };
        let first = (header.qdcount > 0).then(|| Reader::new(message).question().ok()).flatten();
        let name = first.and_then(|q| message::asked(message, &q).ok());
        let letter = Letter {
            message,
            header,
            question: first.filter(|_| name.is_some()),
            name: name.unwrap_or_default(),
        };
        self.text.clear();
        letter.name.write(&mut self.text);
        if letter.question.is_some() {
            out.server_name(NameSource::Query, &self.text);
        }
        let wanted = out.wants_messages() || out.wants_transactions();
        let walked = build::walk(message, &header, wanted);
        self.judge(&letter, &walked, seg.cut, out);
        if header.is_response() {
            let asked = letter.question.map(|q| (&letter.name, &self.text[..], q));
            harvest::answers(message, &header, asked, out);
        }
        if wanted {
            self.report(&letter, walked, seg, out);
        }
    }

    /// Counts what is wrong with a message, each thing once.
    fn judge(&self, letter: &Letter<'_>, walked: &Walked, cut: bool, out: &mut Sink<'_>) {
        let header = &letter.header;
        let excused = cut || header.is_truncated();
        if let Some(flaw) = walked.flaw
            && !(excused && flaw == NameFlaw::Truncated)
        {
            out.anomaly(DnsAnomaly::from(flaw));
        }
        if walked.flaw.is_none() && walked.trailing {
            out.anomaly(DnsAnomaly::TrailingOctets);
        }
        if words::known_opcode(header.opcode()).is_none() {
            out.anomaly(DnsAnomaly::UnknownOpcode);
        }
        if header.bit(6) && self.dialect == Dialect::Dns {
            out.anomaly(DnsAnomaly::ReservedBit);
        }
    }

    fn report(
        &mut self,
        letter: &Letter<'_>,
        walked: Walked,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let keep = out.wants_messages() || out.wanted_fields().has_any(LISTS);
        let lists = build::lists(letter.message, walked, self.dialect, keep);
        if let Some(flaw) = lists.flaw {
            out.anomaly(DnsAnomaly::from(flaw));
        }
        if lists.malformed_data && !seg.cut {
            out.anomaly(DnsAnomaly::MalformedData);
        }
        if out.wants_messages() {
            let message = build::message(&letter.header, &lists);
            out.message(&message);
        }
        if !out.wants_transactions() {
            return;
        }
        if letter.header.is_response() {
            self.response(letter, lists, seg, out);
        } else {
            self.query(letter, lists, seg, out);
        }
    }

    fn query(
        &mut self,
        letter: &Letter<'_>,
        lists: build::Lists,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let header = &letter.header;
        let question = letter.question.map(|q| (q.kind, q.class));
        let earlier = self
            .pending
            .iter()
            .position(|p| p.dir == seg.dir && p.record.id == header.id && !self.one_way);
        if let Some(position) = earlier {
            match self.pending.get_mut(position) {
                Some(p) if p.question == question && p.name == letter.name => {
                    let count = p.record.retransmissions.unwrap_or(0).saturating_add(1);
                    p.record.retransmissions = Some(count);
                    return;
                }
                // The identifier is used anew: the earlier query will not be answered.
                _ => self.give_up(position, out),
            }
        }
        let transfer = question.and_then(|(kind, _)| Transfer::begin(kind, seg.flow.transport));
        let mut record = build::query(header, letter.question, &self.text, lists, self.dialect);
        record.query_length = u32::try_from(letter.message.len()).ok();
        let asked =
            Pending { record, name: letter.name, question, dir: seg.dir, time: seg.time, transfer };
        if self.one_way {
            out.transaction(asked.time, asked.record);
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            out.anomaly(DnsAnomaly::TooManyPending);
            self.give_up(0, out);
        }
        // Mostly one waits at a time, and a query takes more than a thousand octets.
        self.pending.reserve_exact(1);
        self.pending.push_back(asked);
    }

    fn give_up(&mut self, position: usize, out: &mut Sink<'_>) {
        if let Some(p) = self.pending.remove(position) {
            out.transaction(p.time, p.record);
        }
    }

    fn response(
        &mut self,
        letter: &Letter<'_>,
        mut lists: build::Lists,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let header = &letter.header;
        let question = letter.question.map(|q| (q.kind, q.class));
        let mut by_id = false;
        let position = self.pending.iter().position(|p| {
            let same = p.record.id == header.id && p.dir != seg.dir;
            by_id |= same;
            let of_another =
                question.is_some() && (p.question != question || p.name != letter.name);
            same && !of_another
        });
        let length = u32::try_from(letter.message.len()).unwrap_or(u32::MAX);
        let Some(position) = position else {
            if by_id {
                out.anomaly(DnsAnomaly::MismatchedResponse);
            }
            let mut record = build::query(
                header,
                letter.question,
                &self.text,
                build::Lists::default(),
                self.dialect,
            );
            record.queries = lists.several_questions();
            build::answer(&mut record, header, lists, self.dialect);
            record.response_length = Some(length);
            out.transaction(seg.time, record);
            return;
        };
        let Some(p) = self.pending.get_mut(position) else {
            return;
        };
        let record = &mut p.record;
        let earlier = record.response_length.unwrap_or(0);
        record.response_length = Some(earlier.saturating_add(length));
        if record.response_us.is_none() {
            record.response_us = Some(seg.time.saturating_sub(p.time) / 1000);
        }
        if let Some(transfer) = &mut p.transfer {
            let complete = transfer.takes(letter.message, header);
            record.response_messages =
                Some(record.response_messages.unwrap_or(0).saturating_add(1));
            build::further_answer(record, header, lists, self.dialect);
            if !complete {
                return;
            }
        } else {
            build::answer(record, header, lists, self.dialect);
        }
        self.give_up(position, out);
    }

    /// The session is over: what was asked and not answered is reported.
    pub fn end(&mut self, out: &mut Sink<'_>) {
        while !self.pending.is_empty() {
            self.give_up(0, out);
        }
    }
}

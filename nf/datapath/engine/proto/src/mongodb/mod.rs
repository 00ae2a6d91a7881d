//! MongoDB's wire protocol over TCP: OP_MSG, and the operations that it replaced. One transaction
//! per operation with its answer. What is compressed is noted and not read.
//!
//! Bounds: 32 KiB of a message are read (what exceeds that is passed over), 256 elements of a
//! document, 64 operations wait for their answers.

mod bson;
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
use message::{HEADER, Header, MORE_TO_COME, Said, op, word};
pub use record::{MongodbMessage, MongodbTransaction};

const OVER: &[Over] = &[tcp(&[27017, 27018, 27019]), within("tls")];
/// Most octets of a message that are read, its header aside.
const MAX_BODY: usize = 32 * 1024;
/// Most operations that wait for their answers.
const MAX_PENDING: usize = 64;

anomalies! {
    /// What can be wrong with it.
    pub enum MongodbAnomaly {
        /// Octets that are no message; the direction is searched for the next one.
        Malformed = "malformed",
        /// A message that does not hold what its operation must.
        MalformedBody = "malformed_body",
        /// An answer to an operation nobody asked for.
        UnaskedAnswer = "unasked_answer",
        /// More operations without answer than are kept; the oldest is given up.
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
    dir: Direction,
    id: u32,
    start: u64,
    record: MongodbTransaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Mongodb {
    lanes: [Lane; 2],
    pending: VecDeque<Request>,
    /// Something was lost: answers may belong to operations that were not seen.
    torn: bool,
}

impl Protocol for Mongodb {
    const INFO: Info = Info {
        name: "mongodb",
        id: ProtoId(1242),
        aliases: &["mongo"],
        title: "MongoDB",
        spec: "MongoDB wire protocol; BSON 1.1",
        over: OVER,
        patterns: &[
            Pattern::at(12, b"\xdd\x07\0\0"),
            Pattern::at(12, b"\xdc\x07\0\0"),
            Pattern::at(12, b"\xd4\x07\0\0"),
            Pattern::at(12, b"\xd1\x07\0\0"),
            Pattern::at(12, b"\xd2\x07\0\0"),
            Pattern::at(12, b"\xd5\x07\0\0"),
            Pattern::at(12, b"\xd6\x07\0\0"),
            Pattern::at(12, b"\x01\0\0\0"),
        ],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: MAX_BODY + 32,
        message: MongodbMessage::fields,
        transaction: MongodbTransaction::fields,
        speaks: &[],
        anomalies: MongodbAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let header = match message::header(seg.data) {
            Ok(Some(header)) => header,
            Ok(None) => return Probe::Unsure,
            Err(()) => return Probe::No,
        };
        let end = header.length.min(HEADER.saturating_add(MAX_BODY));
        let whole = seg.data.len() >= end;
        let body = seg.data.get(HEADER..end).or(seg.data.get(HEADER..)).unwrap_or_default();
        // Who asks answers nothing, which some write as all ones.
        let asks = header.asks() || matches!(header.code, op::MSG | op::COMPRESSED);
        if header.code != op::REPLY && !asks {
            return Probe::No;
        }
        match (message::is_sound(&header, body), whole) {
            (true, _) => Probe::Certain,
            (false, true) => Probe::No,
            (false, false) => Probe::Unsure,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // What the session is was clear from its first octets.
        out.settled();
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let taken = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(taken);
            return Step::used(taken);
        }
        let header = match message::header(seg.data) {
            Ok(Some(header)) => header,
            Ok(None) => return Step::used(0),
            Err(()) if lane.lost => return Step::all(seg),
            Err(()) => {
                out.anomaly(MongodbAnomaly::Malformed);
                self.lose(seg.dir);
                return Step::all(seg);
            }
        };
        lane.lost = false;
        let end = header.length.min(HEADER.saturating_add(MAX_BODY));
        let Some(body) = seg.data.get(HEADER..end) else {
            return Step::need(0, end);
        };
        lane.skip = header.length.saturating_sub(end);
        match message::read(&header, body) {
            Some(said) => self.message(&header, &said, seg, out),
            None => out.anomaly(MongodbAnomaly::MalformedBody),
        }
        Step::used(end)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        match usize::try_from(lost).ok().and_then(|lost| lane.skip.checked_sub(lost)) {
            Some(left) if lane.skip > 0 => lane.skip = left,
            _ => self.lose(dir),
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while self.give_up(out) {}
    }
}

impl Mongodb {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    fn lose(&mut self, dir: Direction) {
        *self.lane(dir) = Lane { skip: 0, lost: true };
        self.torn = true;
    }

    /// Reports the oldest operation as it is; false when there is none.
    fn give_up(&mut self, out: &mut Sink<'_>) -> bool {
        match self.pending.pop_front() {
            Some(request) => {
                out.transaction(request.start, request.record);
                true
            }
            None => false,
        }
    }

    fn message(&mut self, header: &Header, said: &Said<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let length = u32::try_from(header.length).unwrap_or(u32::MAX);
        let operation = word(header.code).unwrap_or_default();
        if out.wants_messages() {
            let command = message::command(said.document).filter(|_| header.asks());
            out.message(&MongodbMessage {
                operation,
                length,
                request_id: header.id,
                response_to: header.response_to,
                command: command.map(|(name, _)| TextRef(name)),
                collection: said.collection.map(TextRef),
            });
        }
        if !out.wants_transactions() {
            return;
        }
        if header.code == op::REPLY || !header.asks() {
            return self.answer(header, said, seg, out);
        }
        let mut record = MongodbTransaction {
            operation,
            request_id: header.id,
            request_length: length,
            ..MongodbTransaction::default()
        };
        record.ask(said);
        let silent = match header.code {
            op::MSG => said.flags & MORE_TO_COME != 0,
            op::QUERY | op::GET_MORE | op::COMPRESSED => false,
            _ => true,
        };
        if silent {
            out.transaction(seg.time, record);
            return;
        }
        let request = Request { dir: seg.dir, id: header.id, start: seg.time, record };
        self.wait(request, out);
    }

    fn wait(&mut self, request: Request, out: &mut Sink<'_>) {
        if self.pending.len() >= MAX_PENDING {
            out.anomaly(MongodbAnomaly::TooManyPending);
            self.give_up(out);
        }
        self.pending.push_back(request);
    }

    fn answer(&mut self, header: &Header, said: &Said<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let of = |r: &Request| r.id == header.response_to && r.dir != seg.dir;
        let found = self.pending.iter().position(of);
        let Some(mut request) = found.and_then(|at| self.pending.remove(at)) else {
            if !self.torn {
                out.anomaly(MongodbAnomaly::UnaskedAnswer);
            }
            return;
        };
        // The next answer will come unasked, as an answer to this one.
        let next = (said.flags & MORE_TO_COME != 0).then(|| Request {
            dir: request.dir,
            id: header.id,
            start: seg.time,
            record: MongodbTransaction {
                operation: request.record.operation,
                request_id: header.id,
                command: request.record.command.clone(),
                database: request.record.database.clone(),
                collection: request.record.collection.clone(),
                ..MongodbTransaction::default()
            },
        });
        request.record.answer(said, header.length);
        request.record.response_us = Some(seg.time.saturating_sub(request.start) / 1000);
        out.transaction(request.start, request.record);
        if let Some(next) = next {
            self.wait(next, out);
        }
    }
}

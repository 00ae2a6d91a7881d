//! TDS, as Microsoft SQL Server and Sybase speak it (MS-TDS), over TCP. One transaction per prelude,
//! per login, and per batch, remote call, bulk load or other request with its answer. TLS that is
//! wrapped in preludes is noted; where the server encrypts all, what follows is not read.
//! Passwords, which a login merely disguises, are never kept.
//!
//! Bounds: 32 KiB of a packet, 16 KiB of a message of several packets, one request at a time
//! waits for its answer, and four more.

mod message;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use message::{Called, HEADER, Header, kind, word};
pub use record::{TdsMessage, TdsTransaction};

const OVER: &[Over] = &[tcp(&[1433]), within("tls")];
/// Longest packet.
const MAX_PACKET: usize = 32 * 1024;
/// Most octets of a message that are kept.
const MAX_BODY: usize = 16 * 1024;
/// Most requests that wait for their answers.
const MAX_PENDING: usize = 5;

anomalies! {
    /// What can be wrong with it.
    pub enum TdsAnomaly {
        /// Octets that are no packet; the direction is searched for the next one.
        Malformed = "malformed",
        /// A prelude whose options exceed it.
        MalformedPrelogin = "malformed_prelogin",
        /// A login whose texts exceed it.
        MalformedLogin = "malformed_login",
        /// An answer to nothing that was asked.
        UnaskedAnswer = "unasked_answer",
        /// More requests without answer than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// A message of one direction while its packets come.
#[derive(Debug, Default)]
struct Lane {
    body: Vec<u8>,
    octets: usize,
    start: Option<u64>,
    /// Out of step: looking for a packet at the beginning of segments.
    lost: bool,
}

struct Request {
    start: u64,
    record: TdsTransaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Tds {
    lanes: [Lane; 2],
    pending: VecDeque<Request>,
    /// Encryption that was agreed on.
    agreed: Option<u8>,
    /// TLS has begun inside.
    wrapped: bool,
    /// Something was lost: answers may belong to requests that were not seen.
    torn: bool,
}

impl Protocol for Tds {
    const INFO: Info = Info {
        name: "tds",
        id: ProtoId(355),
        aliases: &["mssql"],
        title: "Tabular Data Stream of SQL Server",
        spec: "MS-TDS",
        over: OVER,
        // Of requests, with the bits that ask for a fresh connection.
        patterns: &[
            Pattern::start(b"\x12\x01"),
            Pattern::start(b"\x12\x00"),
            Pattern::start(b"\x10\x01"),
            Pattern::start(b"\x10\x00"),
            Pattern::start(b"\x01\x00"),
            Pattern::start(b"\x01\x01"),
            Pattern::start(b"\x01\x08"),
            Pattern::start(b"\x01\x09"),
            Pattern::start(b"\x01\x11"),
            Pattern::start(b"\x03\x00"),
            Pattern::start(b"\x03\x01"),
            Pattern::start(b"\x03\x04"),
            Pattern::start(b"\x03\x08"),
            Pattern::start(b"\x03\x09"),
            Pattern::start(b"\x03\x11"),
        ],
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: MAX_PACKET + 16,
        message: TdsMessage::fields,
        transaction: TdsTransaction::fields,
        speaks: &[],
        anomalies: TdsAnomaly::INFOS,
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
        let there = header.length.min(seg.data.len());
        let whole = there == header.length;
        let body = seg.data.get(HEADER..there).unwrap_or_default();
        // A long request is known by its first packet's beginning.
        let alone = seg.data.len() <= header.length && (whole || !header.last);
        let sound = match header.kind {
            kind::PRELOGIN => message::prelude(body).is_some_and(|p| p.version.is_some()),
            kind::LOGIN => message::login(body).is_some_and(|l| l.host.len() < 256),
            kind::BATCH => alone && is_text(message::batch(body)),
            kind::RPC => match message::call(body) {
                Some((Called::Known(name), _)) => alone && name != "unknown",
                Some((Called::Name(name), _)) => alone && is_text(name),
                None => false,
            },
            _ => false,
        };
        match (sound, whole) {
            (true, _) => Probe::Certain,
            (false, false) if header.length <= 8192 => Probe::Unsure,
            (false, _) => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // What the session is was clear from its first octets.
        out.settled();
        let lane = self.lane(seg.dir);
        let header = match message::header(seg.data) {
            Ok(Some(header)) => header,
            Ok(None) => return Step::used(0),
            Err(()) => {
                // TLS goes on without packets once the login is done.
                if self.wrapped && seg.data.first().is_some_and(|b| (0x14..=0x18).contains(b)) {
                    return Step::done();
                }
                if !std::mem::replace(&mut self.lane(seg.dir).lost, true) {
                    out.anomaly(TdsAnomaly::Malformed);
                }
                self.torn = true;
                return Step::all(seg);
            }
        };
        lane.lost = false;
        let Some(body) = seg.data.get(HEADER..header.length) else {
            return Step::need(0, header.length);
        };
        if out.wants_messages() {
            out.message(&TdsMessage {
                kind: word(header.kind).unwrap_or("unknown"),
                from_client: header.kind != kind::ANSWER && seg.dir == Direction::Up,
                last: header.last,
                length: u32::try_from(header.length).unwrap_or(u32::MAX),
                number: header.number,
            });
        }
        let lane = self.lane(seg.dir);
        lane.start.get_or_insert(seg.time);
        lane.octets = lane.octets.saturating_add(header.length);
        let room = MAX_BODY.saturating_sub(lane.body.len());
        lane.body.extend_from_slice(body.get(..room).unwrap_or(body));
        if header.last {
            let whole = std::mem::take(self.lane(seg.dir));
            self.whole(&header, &whole, seg, out);
        }
        Step::used(header.length)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        *self.lane(dir) = Lane { lost: true, ..Lane::default() };
        self.torn = true;
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while self.give_up(out) {}
    }
}

/// Whether octets are text of two octets a letter: nothing but print, four letters at least.
fn is_text(octets: &[u8]) -> bool {
    let printed = |pair: &[u8]| match pair {
        [low, 0] => matches!(low, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0xa0..),
        _ => false,
    };
    octets.len() >= 8 && octets.len().is_multiple_of(2) && octets.chunks(2).all(printed)
}

impl Tds {
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

    /// A message whose last packet has come.
    fn whole(&mut self, header: &Header, lane: &Lane, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let (body, octets) = (lane.body.as_slice(), lane.octets);
        let start = lane.start.unwrap_or(seg.time);
        // Records of TLS, wrapped as preludes.
        if header.kind == kind::PRELOGIN && matches!(body, [0x14..=0x17, 3, ..]) {
            self.wrapped = true;
            return;
        }
        // Old servers and new ones answer a prelude by an answer's type.
        let answers = self.pending.front().is_some_and(|r| r.record.kind == "prelogin");
        match header.kind {
            kind::ANSWER if answers => self.answer_prelude(body, octets, seg.time, out),
            kind::ANSWER => self.answer(body, octets, seg.time, out),
            kind::PRELOGIN if answers => self.answer_prelude(body, octets, seg.time, out),
            _ => {
                let mut record = TdsTransaction {
                    kind: word(header.kind).unwrap_or("unknown"),
                    request_length: u32::try_from(octets).unwrap_or(u32::MAX),
                    encrypted: self.wrapped.then_some(true),
                    ..TdsTransaction::default()
                };
                fill(&mut record, header.kind, body, out);
                self.wait(Request { start, record }, out);
            }
        }
    }

    fn wait(&mut self, request: Request, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            out.anomaly(TdsAnomaly::TooManyPending);
            self.give_up(out);
        }
        self.pending.push_back(request);
    }

    fn answer_prelude(&mut self, body: &[u8], octets: usize, time: u64, out: &mut Sink<'_>) {
        let Some(mut request) = self.pending.pop_front() else {
            return;
        };
        match message::prelude(body) {
            Some(said) => {
                self.agreed = said.encryption;
                request.record.answered_prelude(&said);
            }
            None => out.anomaly(TdsAnomaly::MalformedPrelogin),
        }
        request.record.response_length = u32::try_from(octets).ok();
        request.record.response_us = Some(time.saturating_sub(request.start) / 1000);
        out.transaction(request.start, request.record);
    }

    fn answer(&mut self, body: &[u8], octets: usize, time: u64, out: &mut Sink<'_>) {
        let Some(mut request) = self.pending.pop_front() else {
            // Where the login was encrypted, only its answer is seen.
            let hidden = self.torn || self.wrapped || self.agreed.is_some();
            if !hidden && out.wants_transactions() {
                out.anomaly(TdsAnomaly::UnaskedAnswer);
            }
            return;
        };
        request.record.answer(&message::answer(body), octets);
        request.record.response_us = Some(time.saturating_sub(request.start) / 1000);
        out.transaction(request.start, request.record);
    }
}

/// Adds what a request says.
fn fill(record: &mut TdsTransaction, kind: u8, body: &[u8], out: &mut Sink<'_>) {
    match kind {
        kind::PRELOGIN => match message::prelude(body) {
            Some(said) => record.prelude(&said),
            None => out.anomaly(TdsAnomaly::MalformedPrelogin),
        },
        kind::LOGIN => match message::login(body) {
            Some(said) => record.login(&said),
            None => out.anomaly(TdsAnomaly::MalformedLogin),
        },
        kind::BATCH => record.statement(message::batch(body)),
        kind::RPC => {
            if let Some((called, first)) = message::call(body) {
                match called {
                    Called::Name(name) => record.procedure(name),
                    Called::Known(name) => record.procedure = Some(Text::from(name)),
                }
                if let Some(query) = first {
                    record.statement(query);
                }
            }
        }
        _ => {}
    }
}

//! PostgreSQL's frontend/backend protocol 3.0 and 3.2 over TCP. One transaction per start of a
//! session (to the server's first readiness), per simple query, per execution of a prepared
//! statement, per request for encryption or to cancel, and per step of preparation that failed.
//! An accepted request for TLS hands over to that. Passwords are never kept.
//!
//! Bounds: 16 KiB of a message are read (what exceeds that is passed over), 256 requests wait for
//! their answers, 64 prepared statements and portals of 1,024 octets.

mod exchange;
mod message;
mod probe;
mod record;
mod session;
pub(crate) mod statement;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use exchange::Exchange;
use message::Front;
pub use record::{PostgresMessage, PostgresTransaction};

const PORT: u16 = 5432;
const OVER: &[Over] = &[tcp(&[PORT]), within("tls")];
/// Most octets of a message that are read.
const MAX_BODY: usize = 16 * 1024;

anomalies! {
    /// What can be wrong with it.
    pub enum PostgresAnomaly {
        /// Octets that are no message; the direction is searched for the next one.
        Malformed = "malformed",
        /// Parameters of a start that do not fill it.
        MalformedStartup = "malformed_startup",
        /// A message of a type that its side does not send.
        UnknownMessage = "unknown_message",
        /// An answer to a request nobody made.
        UnaskedAnswer = "unasked_answer",
        /// More requests without answer than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
        /// Octets behind a request for encryption that came before its answer.
        EarlyData = "early_data",
    }
}

/// What a direction is in the middle of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The client's first message, which has no type.
    #[default]
    Startup,
    /// The server's octet that answers a request for encryption.
    Offer,
    /// Messages with a type.
    Messages,
    /// Out of step: looking for a message at the beginning of segments.
    Lost,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    stage: Stage,
    /// Octets of a long message that are not read.
    skip: usize,
}

/// The state of one session.
pub struct Postgres {
    lanes: [Lane; 2],
    client: Direction,
    /// Whether any octet was seen.
    begun: bool,
    exchange: Exchange,
}

impl Protocol for Postgres {
    const INFO: Info = Info {
        name: "postgres",
        id: ProtoId(276),
        aliases: &["postgresql", "pgsql"],
        title: "PostgreSQL",
        spec: "PostgreSQL frontend/backend protocol 3",
        over: OVER,
        patterns: &[
            Pattern::at(4, b"\x00\x03\x00"),
            Pattern::at(4, b"\x04\xd2\x16"),
            Pattern::start(b"Q\0\0"),
            Pattern::start(b"P\0\0"),
            Pattern::start(b"B\0\0"),
            Pattern::start(b"R\0\0"),
            Pattern::start(b"T\0\0"),
            Pattern::start(b"C\0\0"),
            Pattern::start(b"1\0\0"),
            Pattern::start(b"2\0\0"),
        ],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: MAX_BODY + 8,
        message: PostgresMessage::fields,
        transaction: PostgresTransaction::fields,
        speaks: &[],
        anomalies: PostgresAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let reversed = flow.initiator_port == PORT && flow.responder_port != PORT;
        Self {
            lanes: Default::default(),
            client: if reversed { Direction::Down } else { Direction::Up },
            begun: false,
            exchange: Exchange::default(),
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if !std::mem::replace(&mut self.begun, true) {
            self.begin(seg);
        }
        let from_client = seg.dir == self.client;
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let taken = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(taken);
            return Step::used(taken);
        }
        match lane.stage {
            Stage::Offer => return self.offer(seg, out),
            Stage::Lost if probe::follows(seg.data, from_client) => lane.stage = Stage::Messages,
            Stage::Lost => return Step::all(seg),
            Stage::Startup | Stage::Messages => {}
        }
        let typed = lane.stage == Stage::Messages;
        let header = match message::front(seg.data, typed) {
            Front::Header(header) => header,
            Front::Partial => return Step::used(0),
            Front::Malformed => {
                out.anomaly(PostgresAnomaly::Malformed);
                self.lose(seg.dir, out);
                return Step::all(seg);
            }
        };
        let read = header.length.min(MAX_BODY);
        let end = header.size.saturating_add(read);
        let Some(body) = seg.data.get(header.size..end) else {
            return Step::need(0, end);
        };
        lane.skip = header.length.saturating_sub(read);
        if typed {
            // What the session is was clear; only a start may hand over.
            out.settled();
            self.message(&header, body, seg, out);
            return Step::used(end);
        }
        self.start(&header, body, seg, out);
        if self.lane(self.client.reverse()).stage == Stage::Offer && seg.data.len() > end {
            out.anomaly(PostgresAnomaly::EarlyData);
        }
        Step::used(end)
    }

    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        match usize::try_from(lost).ok().and_then(|lost| lane.skip.checked_sub(lost)) {
            Some(left) if lane.skip > 0 => lane.skip = left,
            _ => {
                lane.skip = 0;
                self.lose(dir, out);
            }
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.exchange.give_up_all(out);
    }
}

impl Postgres {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Who asks, and whether the session is seen from its start.
    fn begin(&mut self, seg: &Segment<'_>) {
        let starts = probe::starts(seg.data);
        self.lane(Direction::Down).stage = Stage::Messages;
        self.lane(Direction::Up).stage = Stage::Messages;
        if starts {
            self.client = seg.dir;
            self.lane(seg.dir).stage = Stage::Startup;
        } else if let Some(from_client) = probe::sender(seg.data) {
            self.client = if from_client { seg.dir } else { seg.dir.reverse() };
        }
    }

    fn lose(&mut self, dir: Direction, out: &mut Sink<'_>) {
        self.lane(dir).stage = Stage::Lost;
        self.exchange.tear(out);
    }

    /// The octet by which a server answers a request for encryption.
    fn offer(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let answer = seg.data.first().copied().unwrap_or(0);
        // An old server answers with an error message.
        if answer == b'E' {
            self.lane(seg.dir).stage = Stage::Messages;
            return Step::used(0);
        }
        self.lane(seg.dir).stage = Stage::Messages;
        self.lane(self.client).stage = Stage::Startup;
        self.exchange.offered(matches!(answer, b'S' | b'G'), seg.time, out);
        match answer {
            b'S' => Step::handover(1, Some(crate::tls::Tls::INFO.id)),
            b'G' => Step { consumed: 1, ..Step::done() },
            b'N' => Step::used(1),
            _ => {
                out.anomaly(PostgresAnomaly::Malformed);
                self.lose(seg.dir, out);
                Step::all(seg)
            }
        }
    }
}

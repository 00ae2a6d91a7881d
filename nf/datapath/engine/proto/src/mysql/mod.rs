//! MySQL's and MariaDB's client/server protocol over TCP. One transaction per login and per command
//! with its answer. A request for TLS hands over to that; what is compressed is noted and not
//! read. Passwords are never kept.
//!
//! Bounds: 16 KiB of a packet are read (what exceeds that is passed over), 64 commands wait for
//! their answers, 64 prepared statements of 1,024 octets.

mod answer;
mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use answer::Commands;
use message::{FULL, HEADER};
pub use record::{MysqlMessage, MysqlTransaction};

const PORT: u16 = 3306;
const OVER: &[Over] = &[tcp(&[PORT]), within("tls")];
/// Most octets of a packet that are read.
const MAX_BODY: usize = 16 * 1024;

anomalies! {
    /// What can be wrong with it.
    pub enum MysqlAnomaly {
        /// A greeting that lacks a part.
        MalformedGreeting = "malformed_greeting",
        /// A login that lacks a part.
        MalformedLogin = "malformed_login",
        /// An answer that lacks a part, or that is none.
        MalformedAnswer = "malformed_answer",
        /// A command without meaning.
        UnknownCommand = "unknown_command",
        /// A packet whose number does not follow the one before it.
        SequenceMismatch = "sequence_mismatch",
        /// An answer to a command nobody gave.
        UnaskedAnswer = "unasked_answer",
        /// More commands without answer than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The server's first packet.
    #[default]
    Greeting,
    /// The client's answer to it.
    Login,
    /// Proofs, and whether the server believes them.
    Proof,
    /// Commands and answers.
    Commands,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    /// Octets of a packet that are not read.
    skip: usize,
    /// The packet goes on in the next one.
    continues: bool,
    /// Out of step: looking for a command at the beginning of segments.
    lost: bool,
}

/// The login while it goes on.
struct Login {
    start: u64,
    record: MysqlTransaction,
}

/// The state of one session.
pub struct Mysql {
    lanes: [Lane; 2],
    client: Direction,
    begun: bool,
    phase: Phase,
    login: Option<Box<Login>>,
    /// Capabilities of the client.
    capabilities: u32,
    /// Number of the packet before, in either direction.
    sequence: u8,
    commands: Commands,
}

impl Protocol for Mysql {
    const INFO: Info = Info {
        name: "mysql",
        id: ProtoId(237),
        aliases: &["mariadb"],
        title: "MySQL and MariaDB",
        spec: "MySQL client/server protocol 4.1, MariaDB's additions",
        over: OVER,
        patterns: &[
            Pattern::at(3, b"\x00\x0a"),
            Pattern::at(3, b"\x00\xff"),
            Pattern::at(3, b"\x00\x03"),
            Pattern::at(13, &[0; 19]),
        ],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: MAX_BODY + 8,
        message: MysqlMessage::fields,
        transaction: MysqlTransaction::fields,
        speaks: &[],
        anomalies: MysqlAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let reversed = flow.initiator_port == PORT && flow.responder_port != PORT;
        Self {
            lanes: Default::default(),
            client: if reversed { Direction::Down } else { Direction::Up },
            begun: false,
            phase: Phase::Greeting,
            login: None,
            capabilities: 0,
            sequence: 0,
            commands: Commands::default(),
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let from_client = seg.dir == self.client;
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let taken = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(taken);
            return Step::used(taken);
        }
        if lane.lost {
            if !(from_client && probe::is_command(seg.data)) {
                return Step::all(seg);
            }
            // A client waits for its answer: what the server says next is the answer.
            self.lanes.iter_mut().for_each(|lane| lane.lost = false);
        }
        let Some(header) = message::header(seg.data) else {
            return Step::used(0);
        };
        let read = header.length.min(MAX_BODY);
        let end = HEADER.saturating_add(read);
        let Some(body) = seg.data.get(HEADER..end) else {
            return Step::need(0, end);
        };
        if !std::mem::replace(&mut self.begun, true) {
            self.begin(seg);
        }
        let from_client = seg.dir == self.client;
        let lane = self.lane(seg.dir);
        lane.skip = header.length.saturating_sub(read);
        // The rest of a packet of 16 MiB and more is not read.
        if std::mem::replace(&mut lane.continues, header.length == FULL) {
            self.sequence = header.sequence;
            return Step::used(end);
        }
        self.judge_sequence(&header, from_client, out);
        let step = match from_client {
            true => self.of_client(&header, body, seg, out),
            false => self.of_server(&header, body, seg, out),
        };
        Step { consumed: end, ..step }
    }

    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        match usize::try_from(lost).ok().and_then(|lost| lane.skip.checked_sub(lost)) {
            Some(left) if lane.skip > 0 => lane.skip = left,
            _ => {
                *lane = Lane { lost: true, ..Lane::default() };
                self.lane(dir.reverse()).lost = true;
                self.report_login(None, out);
                self.phase = Phase::Commands;
                self.commands.give_up_all(out);
            }
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.report_login(None, out);
        self.commands.give_up_all(out);
    }
}

impl Mysql {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Who asks, and whether the session is seen from its start.
    fn begin(&mut self, seg: &Segment<'_>) {
        match probe::opening(seg.data) {
            probe::Opening::Greeting => self.client = seg.dir.reverse(),
            probe::Opening::Login => {
                self.client = seg.dir;
                self.phase = Phase::Login;
            }
            probe::Opening::Command => {
                self.client = seg.dir;
                self.phase = Phase::Commands;
            }
            probe::Opening::Other => {}
        }
    }

    /// Packets of a login and of a command with its answer are numbered from 0.
    fn judge_sequence(&mut self, header: &message::Header, from_client: bool, out: &mut Sink<'_>) {
        let begins = header.sequence == 0 && (from_client || self.phase == Phase::Greeting);
        let follows = header.sequence == self.sequence.wrapping_add(1);
        // What is pipelined is numbered anew while the answers go on.
        let known = self.phase != Phase::Commands && self.login.is_some();
        if known && !begins && !follows {
            out.anomaly(MysqlAnomaly::SequenceMismatch);
        }
        self.sequence = header.sequence;
    }

    /// Reports the login, and when the last of its answer came.
    fn report_login(&mut self, answered: Option<u64>, out: &mut Sink<'_>) {
        if let Some(login) = self.login.take() {
            let Login { start, mut record } = *login;
            record.response_us = answered.map(|time| time.saturating_sub(start) / 1000);
            out.transaction(start, record);
        }
    }
}

//! Commands that wait for their answers, in order, and the packets of an answer.

use std::collections::VecDeque;

use super::MysqlAnomaly;
use super::message::{self, Done, command, end, is_plain_end, ok};
use super::record::MysqlTransaction;
use crate::postgres::statement::MAX_STATEMENT;
use crate::{Cursor, Sink};

/// Most commands that wait.
const MAX_PENDING: usize = 64;
/// Most prepared statements that are remembered.
const MAX_PREPARED: usize = 64;
/// More results follow.
const MORE: u16 = 8;
/// The rows are fetched later.
const CURSOR: u16 = 0x40;
/// An error that tells how far the server has come.
const PROGRESS: u16 = 0xffff;

/// What of an answer comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wait {
    #[default]
    First,
    /// Descriptions of so many columns.
    Columns(u64),
    /// What may stand behind them.
    BehindColumns,
    Rows,
}

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) code: u8,
    pub(super) start: u64,
    pub(super) record: MysqlTransaction,
    wait: Wait,
}

impl Command {
    pub(super) fn new(code: u8, start: u64, record: MysqlTransaction) -> Self {
        // Rows that are fetched come without descriptions.
        let wait = if code == command::FETCH { Wait::Rows } else { Wait::First };
        Self { code, start, record, wait }
    }
}

/// What a packet of an answer means.
enum Outcome {
    More,
    Over,
    Malformed,
}

/// The commands of a session.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pending: VecDeque<Command>,
    prepared: VecDeque<(u32, Box<[u8]>)>,
    /// Descriptions that still come behind the answer to a preparation.
    trailing: u32,
    /// An end may stand behind them.
    may_end: bool,
}

impl Commands {
    /// A command that waits for its answer.
    pub(super) fn ask(&mut self, command: Command, out: &mut Sink<'_>) {
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(MysqlAnomaly::TooManyPending);
            report(oldest, None, out);
        }
        self.pending.push_back(command);
    }

    /// The text of a prepared statement.
    pub(super) fn prepared(&self, id: u32) -> Option<&[u8]> {
        self.prepared.iter().find(|(known, _)| *known == id).map(|(_, query)| &**query)
    }

    /// A prepared statement is needed no more.
    pub(super) fn forget(&mut self, id: u32) {
        self.prepared.retain(|(known, _)| *known != id);
    }

    /// Octets that a client sends while its command is carried out: a file.
    pub(super) fn upload(&mut self, octets: usize) {
        if let Some(command) = self.pending.front_mut() {
            let length = command.record.data_length.get_or_insert(0);
            *length = length.saturating_add(octets as u64);
        }
    }

    /// Takes a packet of the server; `length` octets, of which `body` is the front.
    pub(super) fn answer(&mut self, body: &[u8], length: usize, time: u64, out: &mut Sink<'_>) {
        if self.trailing > 0 {
            if !is_plain_end(body) {
                self.trailing = self.trailing.saturating_sub(1);
            }
            return;
        }
        if std::mem::take(&mut self.may_end) && is_plain_end(body) {
            return;
        }
        let Some(command) = self.pending.front_mut() else {
            if out.wants_transactions() {
                out.anomaly(MysqlAnomaly::UnaskedAnswer);
            }
            return;
        };
        let outcome = step(command, body, length);
        match outcome {
            Outcome::More => {}
            Outcome::Malformed => {
                out.anomaly(MysqlAnomaly::MalformedAnswer);
                if let Some(command) = self.pending.pop_front() {
                    report(command, None, out);
                }
            }
            Outcome::Over => {
                if let Some(command) = self.pending.pop_front() {
                    if command.code == command::PREPARE {
                        self.remember(&command.record);
                    }
                    report(command, Some(time), out);
                }
            }
        }
    }

    fn remember(&mut self, record: &MysqlTransaction) {
        let Some(id) = record.statement_id.filter(|_| record.success == Some(true)) else {
            return;
        };
        let columns = u32::try_from(record.columns.unwrap_or(0)).unwrap_or(0);
        self.trailing = columns.saturating_add(record.parameters.unwrap_or(0).into());
        self.may_end = self.trailing > 0;
        self.forget(id);
        if self.prepared.len() >= MAX_PREPARED {
            self.prepared.pop_front();
        }
        // What is kept of it has no passwords in it.
        let query = record.query.as_ref().map_or(&[][..], nf_fields::Text::as_bytes);
        let query = query.get(..MAX_STATEMENT).unwrap_or(query);
        self.prepared.push_back((id, query.into()));
    }

    /// Reports what waits as it is.
    pub(super) fn give_up_all(&mut self, out: &mut Sink<'_>) {
        self.trailing = 0;
        while let Some(command) = self.pending.pop_front() {
            report(command, None, out);
        }
    }
}

fn report(command: Command, answered: Option<u64>, out: &mut Sink<'_>) {
    let Command { start, mut record, .. } = command;
    record.response_us = answered.map(|time| time.saturating_sub(start) / 1000);
    out.transaction(start, record);
}

/// One packet of an answer.
fn step(command: &mut Command, body: &[u8], length: usize) -> Outcome {
    let record = &mut command.record;
    if body.first() == Some(&0xff) {
        return match message::error(body) {
            Some((PROGRESS, ..)) => Outcome::More,
            Some((code, state, words)) => {
                record.failed(code, state, words);
                Outcome::Over
            }
            None => Outcome::Malformed,
        };
    }
    match command.wait {
        Wait::First => first(command, body, length),
        Wait::Columns(left) => {
            command.wait = match left.saturating_sub(1) {
                0 => Wait::BehindColumns,
                left => Wait::Columns(left),
            };
            Outcome::More
        }
        Wait::BehindColumns | Wait::Rows => {
            let behind = std::mem::replace(&mut command.wait, Wait::Rows) == Wait::BehindColumns;
            if body.first() != Some(&0xfe) || length == message::FULL {
                record.row(length);
                return Outcome::More;
            }
            let Some(done) = end(body) else {
                return Outcome::Malformed;
            };
            if behind && is_plain_end(body) && done.status & CURSOR == 0 {
                return Outcome::More;
            }
            record.rows.get_or_insert(0);
            over(command, &done)
        }
    }
}

/// A result is whole; others may follow.
fn over(command: &mut Command, done: &Done) -> Outcome {
    command.record.done(done);
    command.wait = Wait::First;
    if done.status & MORE != 0 { Outcome::More } else { Outcome::Over }
}

/// The first packet of a result.
fn first(command: &mut Command, body: &[u8], length: usize) -> Outcome {
    let record = &mut command.record;
    match (command.code, body.first()) {
        (command::STATISTICS, _) => over(command, &Done::default()),
        (command::PREPARE, Some(0)) => {
            let mut c = Cursor::new(body);
            let _ = c.skip(1);
            record.statement_id = message::u32(&mut c);
            record.columns = message::u16(&mut c).map(u64::from);
            record.parameters = message::u16(&mut c);
            let _ = c.skip(1);
            record.warnings = message::u16(&mut c);
            record.success = Some(true);
            if record.parameters.is_some() { Outcome::Over } else { Outcome::Malformed }
        }
        (_, Some(0)) => match ok(body) {
            Some(done) => over(command, &done),
            None => Outcome::Malformed,
        },
        (_, Some(0xfe)) if length < 9 => match end(body) {
            Some(done) => over(command, &done),
            None => Outcome::Malformed,
        },
        // The client is to send a file.
        (command::QUERY, Some(0xfb)) => Outcome::More,
        (command::FIELD_LIST, _) => {
            let columns = record.columns.get_or_insert(0);
            *columns = columns.saturating_add(1);
            Outcome::More
        }
        _ => {
            let mut c = Cursor::new(body);
            let Some(columns) = message::number(&mut c).filter(|n| (1..=4096).contains(n)) else {
                return Outcome::Malformed;
            };
            record.columns = Some(columns);
            // MariaDB leaves out descriptions that the client has already.
            command.wait = match c.rest() {
                [0, ..] => Wait::BehindColumns,
                _ => Wait::Columns(columns),
            };
            Outcome::More
        }
    }
}

//! Internet Message Access Protocol (RFC 3501, RFC 9051; RFC 2177, 2595, 4959, 4978, 7888). One
//! transaction per command with its completion, and one for the greeting.
//!
//! Bounds: lines of 8 KiB (what exceeds that is skipped), commands of 8 KiB with their literals, 64
//! commands without completion (then the oldest is reported as it is), 1 KiB of any text that is
//! kept. Literals are skipped as they pass, save short ones of a command.
//!
//! After STARTTLS the rest of the connection is handed to TLS; after COMPRESS nothing is read.
//! Passwords are not kept.

mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text};

use crate::lines::Lines;
use crate::sasl::Login;
use crate::{Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp};
pub use record::{ImapMessage, ImapTransaction};

/// Longest line, and longest command with its literals.
const MAX_LINE: usize = 8 * 1024;
/// Longest literal that is kept as a part of its command.
const MAX_LITERAL: u64 = 512;
/// Most commands without completion.
const MAX_PENDING: usize = 64;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 1024;

crate::anomalies! {
    /// What can be wrong with IMAP.
    pub enum Anomaly {
        /// A line longer than 8 KiB.
        LineTooLong = "line_too_long",
        /// A client's line that is no command.
        CommandInvalid = "command_invalid",
        /// A server's line that is no response.
        ResponseInvalid = "response_invalid",
        /// The completion of a command that was not seen.
        UnaskedCompletion = "unasked_completion",
        /// Too many commands without completion: the oldest was given up.
        PipelineOverflow = "pipeline_overflow",
        /// Octets in clear behind STARTTLS, before TLS began.
        CommandAfterStartTls = "command_after_starttls",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    lines: Lines,
    /// Octets of a literal that are still to come.
    literal: u64,
    /// They are kept.
    keeps: bool,
    /// What stands before the literal.
    front: Vec<u8>,
    /// Octets of literals since the line began.
    literals: u64,
}

/// A command that waits for its completion.
#[derive(Debug, Default)]
struct Command {
    tag: Text,
    verb: String,
    argument: Text,
    mailbox: Option<Text>,
    time: u64,
    answered: Option<u64>,
    responses: u32,
    fetched: u32,
    literals_up: u64,
    literals_down: u64,
    login: Option<Login>,
}

/// A session.
pub struct Imap {
    lanes: [Lane; 2],
    client: Option<Direction>,
    pending: VecDeque<Command>,
    greeted: bool,
    /// A completion without command is to be expected: something was lost.
    lossy: bool,
    user: Option<Text>,
    mailbox: Option<Text>,
    exists: Option<u64>,
    /// STARTTLS waits for its completion.
    starting_tls: bool,
}

impl Protocol for Imap {
    const INFO: Info = Info {
        name: "imap",
        id: ProtoId(169),
        title: "Internet Message Access Protocol",
        spec: "RFC 9051, RFC 3501, RFC 2177, RFC 2595, RFC 4959, RFC 4978, RFC 7888",
        over: &[tcp(&[probe::PORT])],
        patterns: probe::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_LINE,
        message: ImapMessage::fields,
        transaction: ImapTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            client: None,
            pending: VecDeque::new(),
            greeted: false,
            lossy: false,
            user: None,
            mailbox: None,
            exists: None,
            starting_tls: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.take(seg, out)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lossy = true;
        let lane = self.lane(dir);
        if lost < lane.literal {
            lane.literal = lane.literal.saturating_sub(lost);
            lane.literals = lane.literals.saturating_add(lost);
        } else {
            *lane = Lane::default();
            lane.lines.lose();
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.finish(out);
    }
}

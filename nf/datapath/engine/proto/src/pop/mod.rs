//! Post Office Protocol, version 3 (RFC 1939; RFC 2449, 2595, 5034). One transaction per command
//! with its reply, and one for the greeting.
//!
//! Bounds: lines of 8 KiB (what exceeds that is skipped), 128 commands without reply (then the
//! oldest is reported as it is), 1 KiB of any text that is kept. Mails are read as they pass and
//! not kept.
//!
//! After STLS the rest of the connection is handed to TLS. Passwords are not kept.

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
use crate::smtp::content::Content;
use crate::{Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp};
pub use record::{PopMessage, PopTransaction};

/// Longest line that is read.
const MAX_LINE: usize = 8 * 1024;
/// Most commands without reply.
const MAX_PENDING: usize = 128;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 1024;

crate::anomalies! {
    /// What can be wrong with POP3.
    pub enum Anomaly {
        /// A line longer than 8 KiB.
        LineTooLong = "line_too_long",
        /// A client's line that is no command.
        CommandInvalid = "command_invalid",
        /// A server's line that is no reply.
        ReplyInvalid = "reply_invalid",
        /// A reply to no command that was seen.
        ReplyWithoutCommand = "reply_without_command",
        /// Too many commands without reply: the oldest was given up.
        PipelineOverflow = "pipeline_overflow",
        /// Octets in clear behind STLS, before TLS began.
        CommandAfterStartTls = "command_after_starttls",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// A command that waits for its reply.
#[derive(Debug, Default)]
struct Command {
    verb: String,
    argument: Text,
    time: u64,
    login: Option<Login>,
}

/// A good reply whose lines go by.
#[derive(Debug)]
struct Listing {
    command: Command,
    text: Text,
    answered: u64,
    content: Content,
}

/// A session.
pub struct Pop {
    lanes: [Lines; 2],
    client: Option<Direction>,
    pending: VecDeque<Command>,
    listing: Option<Box<Listing>>,
    /// The server's next octet of a listing begins a line.
    line_start: bool,
    /// A reply without command is to be expected: the greeting, or what follows a loss.
    unasked: bool,
    greeted: bool,
    user: Option<Text>,
    /// STLS waits for its reply.
    starting_tls: bool,
}

impl Protocol for Pop {
    const INFO: Info = Info {
        name: "pop",
        id: ProtoId(272),
        aliases: &["pop3"],
        title: "Post Office Protocol, version 3",
        spec: "RFC 1939, RFC 2449, RFC 2595, RFC 5034",
        over: &[tcp(&[probe::PORT])],
        patterns: probe::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_LINE,
        message: PopMessage::fields,
        transaction: PopTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            client: None,
            pending: VecDeque::new(),
            listing: None,
            line_start: true,
            unasked: true,
            greeted: false,
            user: None,
            starting_tls: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.take(seg, out)
    }

    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap {
        self.lose(dir, lost, out);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.finish(out);
    }
}

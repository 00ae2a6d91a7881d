//! File Transfer Protocol, control connection (RFC 959, 2228, 2389, 2428, 3659). One transaction
//! per command with its final reply; data connections are announced to the engine.
//!
//! Bounds: lines of 4 KiB (what exceeds that is skipped), 64 commands without reply (then the
//! oldest is reported as it is), 1 KiB of any text that is kept, 1,000 lines of a reply.
//!
//! Never settled: any later command may announce a data connection. After AUTH TLS the rest of
//! the connection is handed to TLS.

mod data;
mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;

use nf_fields::{Fields, ProtoId, Text};

use crate::{Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp};
pub use data::FtpData;
pub use record::{FtpMessage, FtpTransaction};

/// Longest line that is read.
const MAX_LINE: usize = 4096;
/// Most commands without a final reply.
const MAX_PENDING: usize = 64;
/// Most lines of a reply.
const MAX_REPLY_LINES: u32 = 1000;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 1024;

crate::anomalies! {
    /// What can be wrong with FTP.
    pub enum Anomaly {
        /// A line longer than 4 KiB.
        LineTooLong = "line_too_long",
        /// A client's line that is no command.
        CommandInvalid = "command_invalid",
        /// A server's line that is no reply.
        ReplyInvalid = "reply_invalid",
        /// A reply of more than 1,000 lines.
        ReplyTooLong = "reply_too_long",
        /// A reply to no command that was seen.
        ReplyWithoutCommand = "reply_without_command",
        /// Too many commands without reply: the oldest was given up.
        PipelineOverflow = "pipeline_overflow",
        /// An address for a data connection that cannot be read.
        DataAddressInvalid = "data_address_invalid",
        /// The client wants data sent to another address than its own.
        PortBounce = "port_bounce",
        /// The server waits for data on another address than its own.
        PassiveAddressForeign = "passive_address_foreign",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// One direction's lines.
#[derive(Debug, Default)]
struct Lane {
    /// Octets from the first unconsumed one that hold no line end.
    seen: usize,
    /// The rest of a line is being thrown away.
    skipping: bool,
}

/// A command that waits for its final reply.
#[derive(Debug, Default)]
struct Command {
    verb: String,
    argument: Text,
    time: u64,
    answered: Option<u64>,
    /// Where the data connection of a transfer is awaited.
    endpoint: Option<Endpoint>,
}

/// Where a data connection is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Endpoint {
    address: IpAddr,
    port: u16,
    passive: bool,
}

/// A reply of which more lines are expected.
#[derive(Debug)]
struct Reply {
    code: u16,
    text: Vec<u8>,
    lines: u32,
    octets: u32,
    start: u64,
}

/// How far a session is; see [`FtpMessage::status`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
    #[default]
    Connected = 1,
    UserNamed = 2,
    LoggedIn = 3,
    Transferring = 4,
    Leaving = 5,
}

/// What is known of a session.
#[derive(Debug, Default)]
struct Known {
    user: Option<Text>,
    password: Option<Text>,
    features: Option<Text>,
    system: Option<Text>,
    status: Status,
    last_command: Option<Text>,
    last_code: Option<u16>,
    directory: Option<Text>,
    endpoint: Option<Endpoint>,
    data_type: Option<u8>,
    transfer_type: Option<Text>,
    data_direction: Option<u8>,
    file_name: Option<Text>,
    file_size: Option<u64>,
    file_last_modified: Option<Text>,
}

/// A control connection.
pub struct Ftp {
    lanes: [Lane; 2],
    client: Option<Direction>,
    pending: VecDeque<Command>,
    reply: Option<Reply>,
    /// A reply without command is to be expected: the greeting, or what follows a loss.
    unasked: bool,
    known: Known,
}

impl Protocol for Ftp {
    const INFO: Info = Info {
        name: "ftp",
        id: ProtoId(117),
        title: "File Transfer Protocol, control connection",
        spec: "RFC 959, RFC 2228, RFC 2389, RFC 2428, RFC 3659",
        over: &[tcp(&[probe::PORT])],
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_LINE,
        message: FtpMessage::fields,
        transaction: FtpTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            client: None,
            pending: VecDeque::new(),
            reply: None,
            unasked: true,
            known: Known::default(),
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            let Some(length) = self.line(seg.dir, data, out) else {
                return Step::used(used);
            };
            let line = data.get(..length.kept).unwrap_or_default();
            used = used.saturating_add(length.taken);
            if length.kept > 0 && self.take_line(seg, line, out) {
                return Step::handover(used, Some(session::TLS));
            }
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        lane.seen = 0;
        // The next line may have lost its beginning.
        lane.skipping = true;
        if self.client != Some(dir) {
            // Which replies are missing is not known: no later one may be given to a command
            // that it does not answer.
            self.reply = None;
            self.unasked = true;
            while let Some(command) = self.pending.pop_front() {
                self.report(Some(command), None, 0, out);
            }
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(command) = self.pending.pop_front() {
            self.report(Some(command), None, 0, out);
        }
    }
}

/// A line at the front of the octets: what to take, and what of it to read.
struct Line {
    taken: usize,
    kept: usize,
}

impl Ftp {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Finds the first line; no octet is looked at twice for its end.
    fn line(&mut self, dir: Direction, data: &[u8], out: &mut Sink<'_>) -> Option<Line> {
        if data.is_empty() {
            return None;
        }
        let lane = self.lane(dir);
        let fresh = data.get(lane.seen..).unwrap_or_default();
        let end =
            memchr::memchr(b'\n', fresh).map(|at| lane.seen.saturating_add(at).saturating_add(1));
        lane.seen = 0;
        match end {
            _ if lane.skipping => {
                lane.skipping = end.is_none();
                Some(Line { taken: end.unwrap_or(data.len()), kept: 0 })
            }
            Some(end) if end <= MAX_LINE => Some(Line { taken: end, kept: end }),
            None if data.len() <= MAX_LINE => {
                lane.seen = data.len();
                None
            }
            _ => {
                lane.skipping = true;
                out.anomaly(Anomaly::LineTooLong);
                Some(Line { taken: MAX_LINE, kept: MAX_LINE })
            }
        }
    }
}

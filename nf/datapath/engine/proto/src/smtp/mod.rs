//! Simple Mail Transfer Protocol (RFC 5321; RFC 1870, 2920, 3030, 3207, 4954; LMTP of RFC 2033).
//! One transaction per mail: its envelope, header fields of its content, and what became of it;
//! and one for a session without mail, or for what preceded its TLS.
//!
//! Bounds: command and reply lines of 12 KiB (what exceeds that is skipped), 256 commands without
//! reply (then the oldest is given up), 64 recipients and 16 attachments by name, 1 KiB of any
//! text that is kept, 256 lines of a reply. Content is read as it passes and not kept.
//!
//! After STARTTLS the rest of the connection is handed to TLS. Passwords are not kept.

pub(crate) mod content;
mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text};

use crate::lines::Lines;
use crate::ntlm::Ntlm;
use crate::sasl::Login;
use crate::{Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp};
use content::Content;
pub use record::{SmtpMessage, SmtpTransaction};

/// Longest line that is read: a response of AUTH may have this many octets.
const MAX_LINE: usize = 12 * 1024;
/// Most commands without reply.
const MAX_PENDING: usize = 256;
/// Most lines of a reply.
const MAX_REPLY_LINES: u32 = 256;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 1024;
/// Most recipients kept by name.
const MAX_RECIPIENTS: usize = 64;
/// Most attachments kept by name.
const MAX_ATTACHMENTS: usize = 16;

crate::anomalies! {
    /// What can be wrong with SMTP.
    pub enum Anomaly {
        /// A line longer than 12 KiB.
        LineTooLong = "line_too_long",
        /// A client's line that is no command.
        CommandInvalid = "command_invalid",
        /// A server's line that is no reply.
        ReplyInvalid = "reply_invalid",
        /// A reply of more than 256 lines.
        ReplyTooLong = "reply_too_long",
        /// A reply to no command that was seen.
        ReplyWithoutCommand = "reply_without_command",
        /// Too many commands without reply: the oldest was given up.
        PipelineOverflow = "pipeline_overflow",
        /// A sender or recipient that is no path.
        PathInvalid = "path_invalid",
        /// A chunk whose size cannot be read.
        ChunkInvalid = "chunk_invalid",
        /// Content or chunks without a sender before them.
        ContentWithoutMail = "content_without_mail",
        /// Content that ends with a dot between bare line feeds: servers disagree about it.
        BareLineFeedEnd = "bare_line_feed_end",
        /// Octets in clear behind STARTTLS, before TLS began.
        CommandAfterStartTls = "command_after_starttls",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// What the client's octets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Command,
    /// Lines up to one with a dot.
    Data,
    /// Octets of a chunk.
    Chunk { left: u64, last: bool },
    /// Responses of a login.
    Auth,
}

/// A mail under way.
#[derive(Debug, Default)]
struct Mail {
    start: u64,
    from: Text,
    recipients: Vec<Text>,
    count: u32,
    rejected: u32,
    announced: Option<u64>,
    chunks: Option<u32>,
    pipelined: bool,
    content: Content,
    /// Content has begun.
    begun: bool,
    /// When the content ended.
    ended: Option<u64>,
    /// The last negative reply to one of its commands.
    refusal: Option<(u16, Text)>,
}

/// A command that waits for its reply.
#[derive(Debug)]
enum Pending {
    Helo(Text),
    Mail,
    Recipient,
    Data,
    Chunk,
    Content(Box<Mail>),
    Reset(Option<Box<Mail>>),
    StartTls,
    Auth,
    Other,
}

/// A reply of which more lines are expected.
#[derive(Debug)]
struct Reply {
    code: u16,
    text: Vec<u8>,
    lines: u32,
}

/// A session.
pub struct Smtp {
    lanes: [Lines; 2],
    client: Option<Direction>,
    mode: Mode,
    /// The client's next octet of content begins a line.
    line_start: bool,
    /// The line before ended without CR.
    bare: bool,
    pending: VecDeque<Pending>,
    reply: Option<Reply>,
    /// A reply without command is to be expected: the greeting, or what follows a loss.
    unasked: bool,
    /// STARTTLS was sent.
    starting_tls: bool,
    tls: bool,
    server: Option<Text>,
    helo: Option<Text>,
    login: Option<Login>,
    /// The login, where it is by NTLM.
    ntlm: Option<Ntlm>,
    authenticated: Option<bool>,
    mail: Option<Box<Mail>>,
    /// Mails reported.
    mails: u32,
    /// The last reply.
    last: Option<(u16, Text)>,
    /// When the session began.
    start: Option<u64>,
}

impl Protocol for Smtp {
    const INFO: Info = Info {
        name: "smtp",
        id: ProtoId(323),
        aliases: &["lmtp"],
        title: "Simple Mail Transfer Protocol",
        spec: "RFC 5321, RFC 1870, RFC 2033, RFC 2920, RFC 3030, RFC 3207, RFC 4954, RFC 5322",
        over: &[tcp(probe::PORTS)],
        patterns: probe::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_LINE,
        message: SmtpMessage::fields,
        transaction: SmtpTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            client: None,
            mode: Mode::Command,
            line_start: true,
            bare: false,
            pending: VecDeque::new(),
            reply: None,
            unasked: true,
            starting_tls: false,
            tls: false,
            server: None,
            helo: None,
            login: None,
            ntlm: None,
            authenticated: None,
            mail: None,
            mails: 0,
            last: None,
            start: None,
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

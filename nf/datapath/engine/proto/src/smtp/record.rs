//! What SMTP reports: messages as lines go by, and one record per mail.

use nf_fields::{Fields, Text, TextRef};

use crate::ntlm::Ntlm;

/// A command or a whole reply.
#[derive(Debug, Default, Fields)]
pub struct SmtpMessage<'a> {
    /// `command`, `reply` or `content`, the last when a mail's content is complete.
    pub kind: &'static str,
    /// Command, upper case.
    pub command: Option<TextRef<'a>>,
    /// Its argument; what follows the mechanism of AUTH is left out.
    pub argument: Option<TextRef<'a>>,
    /// Reply code.
    pub code: Option<u16>,
    /// Reply text; lines are joined by line feeds.
    pub reply: Option<TextRef<'a>>,
    /// Octets of the content.
    pub size: Option<u64>,
}

/// A mail with what became of it; of a session without mail, what was said.
#[derive(Debug, Default, Fields)]
pub struct SmtpTransaction {
    /// Number of the mail in its session, from 1; absent where there was none.
    pub trans_depth: Option<u32>,
    /// Name by which the server greeted.
    pub server: Option<Text>,
    /// Name by which the client greeted.
    pub helo: Option<Text>,
    /// Envelope: sender.
    pub mail_from: Option<Text>,
    /// Envelope: recipients, the first 64.
    pub rcpt_to: Vec<Text>,
    /// Envelope: number of recipients.
    pub recipients: u32,
    /// Recipients that the server refused.
    pub rejected: u32,
    /// Header: From.
    pub from: Option<Text>,
    /// Header: To.
    pub to: Option<Text>,
    /// Header: Cc.
    pub cc: Option<Text>,
    /// Header: Reply-To.
    pub reply_to: Option<Text>,
    /// Header: Subject, as sent.
    pub subject: Option<Text>,
    /// Header: Message-ID.
    pub message_id: Option<Text>,
    /// Header: In-Reply-To.
    pub in_reply_to: Option<Text>,
    /// Header: Date.
    pub date: Option<Text>,
    /// Header: User-Agent or X-Mailer.
    pub user_agent: Option<Text>,
    /// Header: Content-Type.
    pub content_type: Option<Text>,
    /// Names of attached files, the first 16.
    pub attachments: Vec<Text>,
    /// Octets of the content; of one that is not complete, as far as it came.
    pub size: Option<u64>,
    /// Octets of the content as the client announced them.
    pub announced_size: Option<u64>,
    /// Chunks (BDAT) that carried the content; absent when DATA did.
    pub chunks: Option<u32>,
    /// Whether commands were sent ahead of the replies to those before.
    pub pipelined: bool,
    /// Code of the last reply.
    pub code: Option<u16>,
    /// Its text.
    pub reply: Option<Text>,
    /// `accepted`, `rejected`, or `aborted` when it did not come to an answer.
    pub status: Option<&'static str>,
    /// Mechanism of the login.
    pub auth_mechanism: Option<Text>,
    /// User of the login, where the mechanism shows it.
    pub user: Option<Text>,
    /// A login by NTLM, as far as it went.
    pub ntlm: Option<Ntlm>,
    /// Whether the login was accepted.
    pub authenticated: Option<bool>,
    /// A password, or a token that can be used again, was sent without encryption.
    pub clear_text: bool,
    /// The session goes on in TLS.
    pub tls: bool,
    /// Microseconds from the end of the content to its reply.
    pub response_us: Option<u64>,
    /// Microseconds from MAIL to the last reply.
    pub duration_us: Option<u64>,
}

//! What POP3 reports: messages as lines go by, and one record per command.

use nf_fields::{Fields, Text, TextRef};

/// A command or the status line of a reply.
#[derive(Debug, Default, Fields)]
pub struct PopMessage<'a> {
    /// `command`, `reply` or `continuation`.
    pub kind: &'static str,
    /// Command, upper case.
    pub command: Option<TextRef<'a>>,
    /// Its argument; what is secret is left out.
    pub argument: Option<TextRef<'a>>,
    /// Whether the server did it.
    pub success: Option<bool>,
    /// Text of the reply.
    pub reply: Option<TextRef<'a>>,
}

/// A command with its reply; without a command, the greeting.
#[derive(Debug, Default, Fields)]
pub struct PopTransaction {
    /// Command, upper case.
    pub command: Option<Text>,
    /// Its argument; what is secret is left out.
    pub argument: Option<Text>,
    /// Whether the server did it; absent when it never answered.
    pub success: Option<bool>,
    /// Text of the reply.
    pub reply: Option<Text>,
    /// User who logged in, or tries to.
    pub user: Option<Text>,
    /// Mechanism of AUTH, or `APOP`.
    pub auth_mechanism: Option<Text>,
    /// A password, or a token that can be used again, was sent without encryption.
    pub clear_text: bool,
    /// Octets of the lines behind the reply.
    pub size: Option<u64>,
    /// Header of a mail that is fetched: From.
    pub from: Option<Text>,
    /// Header of a mail that is fetched: To.
    pub to: Option<Text>,
    /// Header of a mail that is fetched: Subject, as sent.
    pub subject: Option<Text>,
    /// Header of a mail that is fetched: Message-ID.
    pub message_id: Option<Text>,
    /// Header of a mail that is fetched: Date.
    pub date: Option<Text>,
    /// Names of files attached to a mail that is fetched, the first 16.
    pub attachments: Vec<Text>,
    /// Microseconds from the command to the status line.
    pub response_us: Option<u64>,
    /// Microseconds from the command to the end of its reply.
    pub duration_us: Option<u64>,
}

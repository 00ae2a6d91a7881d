//! What IMAP reports: messages as lines go by, and one record per command.

use nf_fields::{Fields, Text, TextRef};

/// A command, or a line of the server.
#[derive(Debug, Default, Fields)]
pub struct ImapMessage<'a> {
    /// `command`, `untagged`, `continuation` or `completion`.
    pub kind: &'static str,
    /// Tag that ties a completion to its command.
    pub tag: Option<TextRef<'a>>,
    /// Command, upper case.
    pub command: Option<TextRef<'a>>,
    /// Its argument; of LOGIN and AUTHENTICATE without what is secret.
    pub argument: Option<TextRef<'a>>,
    /// Word of an untagged response, as sent.
    pub response: Option<TextRef<'a>>,
    /// Number before that word.
    pub number: Option<u64>,
    /// `OK`, `NO`, `BAD`, `PREAUTH` or `BYE`.
    pub status: Option<&'static str>,
    /// Text of a response.
    pub text: Option<TextRef<'a>>,
}

/// A command with its completion; without a command, the greeting.
#[derive(Debug, Default, Fields)]
pub struct ImapTransaction {
    /// Tag of the command.
    pub tag: Option<Text>,
    /// Command, upper case.
    pub command: Option<Text>,
    /// Its argument; of LOGIN and AUTHENTICATE without what is secret.
    pub argument: Option<Text>,
    /// `OK`, `NO`, `BAD`, `PREAUTH` or `BYE`; absent when it never completed.
    pub status: Option<&'static str>,
    /// Text of the completion.
    pub text: Option<Text>,
    /// User who logged in, or tries to.
    pub user: Option<Text>,
    /// Mechanism of AUTHENTICATE.
    pub auth_mechanism: Option<Text>,
    /// A password, or a token that can be used again, was sent without encryption.
    pub clear_text: bool,
    /// Mailbox that the command names, or else the selected one.
    pub mailbox: Option<Text>,
    /// Messages in the mailbox, as the server counted last.
    pub exists: Option<u64>,
    /// Untagged responses before the completion.
    pub responses: u32,
    /// Messages fetched.
    pub fetched: u32,
    /// Octets of literals that the client sent.
    pub literal_bytes_up: u64,
    /// Octets of literals that the server sent.
    pub literal_bytes_down: u64,
    /// Microseconds from the command to the first response.
    pub response_us: Option<u64>,
    /// Microseconds from the command to its completion.
    pub duration_us: Option<u64>,
}

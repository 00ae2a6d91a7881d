//! What IRC reports: messages as they go by, and one record per command of the client.

use std::net::IpAddr;

use nf_fields::{Fields, Text, TextRef};

/// One message.
#[derive(Debug, Default, Fields)]
pub struct IrcMessage<'a> {
    /// Whether the client sent it.
    pub from_client: bool,
    /// Who sends it, as the server says.
    pub prefix: Option<TextRef<'a>>,
    /// Command, upper case.
    pub command: Option<TextRef<'a>>,
    /// Number of a reply.
    pub code: Option<u16>,
    /// Channel or nickname that it is for.
    pub target: Option<TextRef<'a>>,
    /// Its text, or its last parameter; left out where it may be a password.
    pub text: Option<TextRef<'a>>,
}

/// What a client does: its login, with the answer; any other command; a file or chat that somebody
/// offers.
#[derive(Debug, Default, Fields)]
pub struct IrcTransaction {
    /// `LOGIN`, or the command, upper case.
    pub command: Option<Text>,
    /// Nickname of the client.
    pub nick: Option<Text>,
    /// Name of the user.
    pub user: Option<Text>,
    /// Real name, as the login tells it.
    pub real_name: Option<Text>,
    /// Name of the server.
    pub server: Option<Text>,
    /// Who sends it: the client, or whoever offers a file.
    pub sender: Option<Text>,
    /// Channels or nicknames that it is for.
    pub target: Option<Text>,
    /// Its text, or its last parameter; left out where it may be a password.
    pub text: Option<Text>,
    /// Number of the answer to a login: 1 when it was accepted.
    pub code: Option<u16>,
    /// Text of that answer.
    pub reply: Option<Text>,
    /// Mechanism of a login by SASL.
    pub auth_mechanism: Option<Text>,
    /// A password, or a token that can be used again, was sent without encryption.
    pub clear_text: bool,
    /// Kind of what is offered: `SEND`, `CHAT`…
    pub dcc_type: Option<Text>,
    /// File that is offered.
    pub dcc_file_name: Option<Text>,
    /// Octets of that file.
    pub dcc_file_size: Option<u64>,
    /// Where it can be had.
    pub dcc_address: Option<IpAddr>,
    /// The port there.
    pub dcc_port: Option<u16>,
    /// Microseconds from the first message of a login to its answer.
    pub response_us: Option<u64>,
}

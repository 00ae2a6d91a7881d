//! What Telnet reports: commands as they go by, and one record per session.

use nf_fields::{Fields, Text, TextRef};

/// A command.
#[derive(Debug, Default, Fields)]
pub struct TelnetMessage<'a> {
    /// Whether the client sent it.
    pub from_client: bool,
    /// Command: `will`, `wont`, `do`, `dont`, `negotiation`, `interrupt`…
    pub command: &'static str,
    /// Number of the option that it is about.
    pub option: Option<u8>,
    /// Name of that option.
    pub option_name: Option<&'static str>,
    /// Value of a negotiation that is text.
    pub value: Option<TextRef<'a>>,
}

/// A session.
#[derive(Debug, Default, Fields)]
pub struct TelnetTransaction {
    /// First line of the server that says something.
    pub banner: Option<Text>,
    /// Options that the client performs.
    pub client_options: Vec<&'static str>,
    /// Options that the server performs.
    pub server_options: Vec<&'static str>,
    /// Terminal of the client.
    pub terminal_type: Option<Text>,
    /// Its speed.
    pub terminal_speed: Option<Text>,
    /// Width of its window, in characters.
    pub window_columns: Option<u16>,
    /// Height of its window, in lines.
    pub window_rows: Option<u16>,
    /// Display of X that the client has.
    pub x_display: Option<Text>,
    /// User who logged in, or tried to last.
    pub user: Option<Text>,
    /// A password was typed.
    pub password_seen: bool,
    /// Logins tried.
    pub login_attempts: u32,
    /// What became of the last one: `accepted` or `rejected`.
    pub login: Option<&'static str>,
    /// Both sides agreed on a login without typing.
    pub authentication: bool,
    /// A password was sent without encryption.
    pub clear_text: bool,
    /// The session goes on encrypted by its own means.
    pub encrypted: bool,
    /// The session goes on in TLS.
    pub tls: bool,
    /// Octets that the client typed.
    pub data_bytes_up: u64,
    /// Octets that the server showed.
    pub data_bytes_down: u64,
    /// Microseconds from the first octet to the last.
    pub duration_us: u64,
}

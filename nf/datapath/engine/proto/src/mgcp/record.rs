//! What MGCP reports: messages, and commands with their responses.

use nf_fields::{Fields, Text, TextRef};

/// A command or a response.
#[derive(Debug, Default, Fields)]
pub struct MgcpMessage<'a> {
    /// It is a command.
    pub request: bool,
    /// Verb of the command.
    pub verb: Option<TextRef<'a>>,
    /// Ties a response to its command.
    pub transaction_id: u32,
    /// End that the command is for.
    pub endpoint: Option<TextRef<'a>>,
    /// Version.
    pub version: Option<TextRef<'a>>,
    /// Code of the response.
    pub code: Option<u16>,
    /// The same in words.
    pub reason: Option<TextRef<'a>>,
    /// Call.
    pub call_id: Option<TextRef<'a>>,
    /// Connection.
    pub connection_id: Option<TextRef<'a>>,
    /// Whether media are sent or received.
    pub mode: Option<TextRef<'a>>,
    /// Events that are asked for.
    pub requested_events: Option<TextRef<'a>>,
    /// Signals that are to be given.
    pub signals: Option<TextRef<'a>>,
    /// Events that happened.
    pub observed_events: Option<TextRef<'a>>,
    /// Media of the session description.
    pub media: Vec<Text>,
}

/// A command with its response.
#[derive(Debug, Default, Fields)]
pub struct MgcpTransaction {
    /// Verb of the command.
    pub verb: Option<Text>,
    /// Ties the response to the command.
    pub transaction_id: u32,
    /// End that the command is for.
    pub endpoint: Option<Text>,
    /// Version.
    pub version: Option<Text>,
    /// Code of the response; absent when none came.
    pub code: Option<u16>,
    /// The same in words.
    pub reason: Option<Text>,
    /// Call.
    pub call_id: Option<Text>,
    /// Connection.
    pub connection_id: Option<Text>,
    /// Whether media are sent or received.
    pub mode: Option<Text>,
    /// How they are to be encoded.
    pub local_options: Option<Text>,
    /// Who is to be told of events.
    pub notified_entity: Option<Text>,
    /// Events that are asked for.
    pub requested_events: Option<Text>,
    /// Signals that are to be given.
    pub signals: Option<Text>,
    /// Events that happened.
    pub observed_events: Option<Text>,
    /// How the end restarts.
    pub restart_method: Option<Text>,
    /// Media that were asked for or agreed on.
    pub media: Vec<Text>,
    /// Packets sent on a connection that is closed.
    pub packets_sent: Option<u32>,
    /// Octets in them.
    pub octets_sent: Option<u32>,
    /// Packets received on it.
    pub packets_received: Option<u32>,
    /// Octets in them.
    pub octets_received: Option<u32>,
    /// Packets lost on it.
    pub lost: Option<u32>,
    /// Its jitter.
    pub jitter_ms: Option<u32>,
    /// Its delay.
    pub latency_ms: Option<u32>,
    /// Times the command was repeated.
    pub retransmissions: u16,
    /// Time from command to final response.
    pub response_us: Option<u64>,
}

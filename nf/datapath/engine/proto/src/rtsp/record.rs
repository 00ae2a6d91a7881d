//! What RTSP reports: messages, and requests with their answers.

use nf_fields::{Fields, Text, TextRef};

/// A request or a response.
#[derive(Debug, Default, Fields)]
pub struct RtspMessage<'a> {
    /// It is a request.
    pub request: bool,
    /// Method of the request.
    pub method: Option<TextRef<'a>>,
    /// What it is about.
    pub uri: Option<TextRef<'a>>,
    /// Version.
    pub version: Option<TextRef<'a>>,
    /// Status of the response.
    pub status: Option<u16>,
    /// The same in words.
    pub reason: Option<TextRef<'a>>,
    /// Ties a response to its request.
    pub seq: Option<u32>,
    /// Session of the server.
    pub session: Option<TextRef<'a>>,
    /// How the media go.
    pub transport: Option<TextRef<'a>>,
    /// The client's program.
    pub user_agent: Option<TextRef<'a>>,
    /// The server's program.
    pub server: Option<TextRef<'a>>,
    /// Type of the body.
    pub content_type: Option<TextRef<'a>>,
    /// Octets of the body.
    pub body_length: u32,
    /// Media of the body's session description.
    pub media: Vec<Text>,
}

/// A request with its response.
#[derive(Debug, Default, Fields)]
pub struct RtspTransaction {
    /// Method of the request.
    pub method: Option<Text>,
    /// What it is about.
    pub uri: Option<Text>,
    /// Version.
    pub version: Option<Text>,
    /// Ties the response to the request.
    pub seq: Option<u32>,
    /// Session of the server.
    pub session: Option<Text>,
    /// The client's program.
    pub user_agent: Option<Text>,
    /// The server's program.
    pub server: Option<Text>,
    /// Status of the response.
    pub status: Option<u16>,
    /// The same in words.
    pub reason: Option<Text>,
    /// The request has credentials.
    pub authenticated: bool,
    /// Whose.
    pub auth_user: Option<Text>,
    /// The credentials can be read by anybody on the way.
    pub clear_text: bool,
    /// How the media go, as agreed on.
    pub transport: Option<Text>,
    /// Port at which the client awaits media.
    pub client_port: Option<u16>,
    /// Port from which the server sends them.
    pub server_port: Option<u16>,
    /// Channel of this connection that the media go in.
    pub channel: Option<u8>,
    /// Part of the media that is played.
    pub range: Option<Text>,
    /// Type of the request's body.
    pub request_mime: Option<Text>,
    /// Type of the response's body.
    pub mime: Option<Text>,
    /// Octets of the request's body.
    pub request_length: u32,
    /// Octets of the response's body.
    pub response_length: u32,
    /// Media that a session description names.
    pub media: Vec<Text>,
    /// Time from request to response.
    pub response_us: Option<u64>,
}

//! What SIP reports: messages, requests with their answers, and calls.

use nf_fields::{Fields, Text, TextRef};

/// A request or a response.
#[derive(Debug, Default, Fields)]
pub struct SipMessage<'a> {
    /// It is a request.
    pub request: bool,
    /// Method of the request.
    pub method: Option<TextRef<'a>>,
    /// Whom it is for.
    pub uri: Option<TextRef<'a>>,
    /// Version.
    pub version: Option<TextRef<'a>>,
    /// Status of the response.
    pub status: Option<u16>,
    /// The same in words.
    pub reason: Option<TextRef<'a>>,
    /// Who began, as the header has it.
    pub from: Option<TextRef<'a>>,
    /// Whom it goes to, as the header has it.
    pub to: Option<TextRef<'a>>,
    /// Ties the messages of a call together.
    pub call_id: Option<TextRef<'a>>,
    /// Number of the request.
    pub seq: Option<u32>,
    /// Method that number belongs to.
    pub seq_method: Option<TextRef<'a>>,
    /// Ties a response to its request.
    pub branch: Option<TextRef<'a>>,
    /// Hops that the message has gone.
    pub hops: u8,
    /// Where further requests go.
    pub contact: Option<TextRef<'a>>,
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

/// A request with its final response, or a call from its invitation to its end.
#[derive(Clone, Debug, Default, Fields)]
pub struct SipTransaction {
    /// request or call.
    pub kind: &'static str,
    /// Method of the request.
    pub method: Option<Text>,
    /// Whom it is for.
    pub uri: Option<Text>,
    /// Address of who began: of a call, the caller.
    pub from: Option<Text>,
    /// Address of whom it goes to: of a call, the callee.
    pub to: Option<Text>,
    /// Ties the messages of a call together.
    pub call_id: Option<Text>,
    /// Number of the request.
    pub seq: Option<u32>,
    /// Where further requests go, as the request said.
    pub contact: Option<Text>,
    /// What it is about.
    pub subject: Option<Text>,
    /// The client's program.
    pub user_agent: Option<Text>,
    /// The server's program.
    pub server: Option<Text>,
    /// Status of the final response: of a call, of its last invitation's.
    pub status: Option<u16>,
    /// The same in words.
    pub reason: Option<Text>,
    /// Seconds a registration or subscription is asked for.
    pub expires_s: Option<u32>,
    /// The request has credentials.
    pub authenticated: bool,
    /// Whose.
    pub auth_user: Option<Text>,
    /// The credentials can be read by anybody on the way.
    pub clear_text: bool,
    /// Type of the request's body.
    pub request_mime: Option<Text>,
    /// Type of the response's body.
    pub mime: Option<Text>,
    /// Octets of the request's body.
    pub request_length: u32,
    /// Octets of the response's body.
    pub response_length: u32,
    /// Media that were asked for or agreed on: of a call, those of the last description.
    pub media: Vec<Text>,
    /// Keys of media went by in clear (RFC 4568).
    pub media_keys_seen: bool,
    /// Times the request was repeated.
    pub retransmissions: u16,
    /// Time from request to first response.
    pub response_us: Option<u64>,
    /// Time from request to final response.
    pub duration_us: Option<u64>,
    /// Call: time from invitation until the callee's end rang.
    pub ring_us: Option<u64>,
    /// Call: time from invitation until it was answered.
    pub setup_us: Option<u64>,
    /// Call: time from answer to end.
    pub talk_us: Option<u64>,
    /// Call: how it ended: caller_hung_up, callee_hung_up, cancelled, refused, open.
    pub ended: Option<&'static str>,
}

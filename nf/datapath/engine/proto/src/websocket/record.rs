//! What WebSocket reports: frames as they go by, and one record per message.

use nf_fields::{Binary, BinaryRef, Fields, Text, TextRef};

/// A frame with the first piece of its payload, or a further piece.
#[derive(Debug, Default, Fields)]
pub struct WebsocketMessage<'a> {
    /// What the frame is: continuation, text, binary, close, ping, pong or reserved.
    pub opcode: Option<&'static str>,
    /// It is the last of its message.
    pub fin: Option<bool>,
    /// Its payload is masked.
    pub mask: Option<bool>,
    /// Its message is compressed.
    pub compressed: Option<bool>,
    /// Octets of its payload.
    pub length: Option<u64>,
    /// A piece of its payload, without mask.
    pub payload: Option<BinaryRef<'a>>,
    /// Why the connection is closed.
    pub close_code: Option<u16>,
    /// The same in the closer's words.
    pub close_reason: Option<TextRef<'a>>,
}

/// A message, a ping with its pong, or a close with its answer.
#[derive(Debug, Default, Fields)]
pub struct WebsocketTransaction {
    /// What it is: text, binary, ping, pong (one that nobody asked for) or close.
    pub opcode: &'static str,
    /// The initiator of the session sent it.
    pub from_initiator: bool,
    /// Its first frame is masked, as a client's are.
    pub mask: bool,
    /// It is compressed (permessage-deflate); its octets are not shown then.
    pub compressed: bool,
    /// Frames it came in.
    pub frames: u32,
    /// Octets of its payload, as they were sent.
    pub length: u64,
    /// The first 1,024 octets of a text.
    pub text: Option<Text>,
    /// The first 64 octets of a binary message, or of a ping.
    pub payload: Option<Binary>,
    /// Why the connection is closed.
    pub close_code: Option<u16>,
    /// The same in the closer's words.
    pub close_reason: Option<Text>,
    /// Close code of the answer.
    pub answer_code: Option<u16>,
    /// Time from ping to pong, or from close to its answer.
    pub response_us: Option<u64>,
    /// All of it was seen.
    pub complete: bool,
}

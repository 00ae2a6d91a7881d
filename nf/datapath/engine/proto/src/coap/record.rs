//! What CoAP reports: messages as they go by, and one record per request with its response.

use nf_fields::{Binary, BinaryRef, Fields, Text};

use super::message::{Items, Message, Next, class, kind, number, option, word};

/// Most octets of a path, query or name that a record keeps.
const MAX_TEXT: usize = 512;

/// One message.
#[derive(Debug, Fields)]
pub struct CoapMessage<'a> {
    /// Type over UDP: con, non, ack or rst.
    #[field(name = "type")]
    pub kind: Option<&'static str>,
    /// Code: class and detail, such as 0.01 or 2.05.
    pub code: Text,
    /// Method, or signal over TCP.
    pub method: Option<&'static str>,
    /// Message identifier over UDP.
    pub message_id: Option<u16>,
    /// Token that ties a response to its request.
    pub token: BinaryRef<'a>,
    /// Path, its parts joined.
    pub uri_path: Option<Text>,
    /// Octets of the payload.
    pub payload_length: u32,
}

/// A part of a resource (RFC 7959).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Fields)]
pub struct Block {
    /// Its number.
    pub number: u32,
    /// More follow.
    pub more: bool,
    /// Octets of each.
    pub size: u16,
}

/// A request with its response, a notification, a ping or a signal.
#[derive(Debug, Default, Fields)]
pub struct CoapTransaction {
    /// What it is: request, notification, ping or signal.
    pub kind: &'static str,
    /// The initiator of the session sent the first message.
    pub from_initiator: bool,
    /// Type of the first message over UDP: con or non.
    #[field(name = "type")]
    pub message_type: Option<&'static str>,
    /// Method, or signal.
    pub method: Option<&'static str>,
    /// Message identifier of the first message.
    pub message_id: Option<u16>,
    /// Token.
    pub token: Option<Binary>,
    /// Host asked for.
    pub uri_host: Option<Text>,
    /// Port asked for.
    pub uri_port: Option<u16>,
    /// Path, its parts joined.
    pub uri_path: Option<Text>,
    /// Query, its parts joined.
    pub uri_query: Option<Text>,
    /// Where a proxy is to fetch it.
    pub proxy_uri: Option<Text>,
    /// Observation: 0 begins one in a request and 1 ends it; in a notification its number.
    pub observe: Option<u32>,
    /// Format that is asked for.
    pub accept: Option<u16>,
    /// Format of the request's payload.
    pub request_format: Option<u16>,
    /// Code of the response: class and detail, such as 2.05.
    pub code: Option<Text>,
    /// Format of the response's payload.
    pub content_format: Option<u16>,
    /// Where what was made is found.
    pub location_path: Option<Text>,
    /// Part of the request's payload.
    pub block1: Option<Block>,
    /// Part of the response's payload.
    pub block2: Option<Block>,
    /// Octets of the request's payload.
    pub request_length: Option<u32>,
    /// Octets of the response's payload.
    pub response_length: Option<u32>,
    /// Times that the request was sent again.
    pub retransmissions: u16,
    /// The response came in a message of its own, behind an acknowledgement or none.
    pub separate: Option<bool>,
    /// The other side did not know what to make of it.
    pub reset: Option<bool>,
    /// Time from request to response.
    pub response_us: Option<u64>,
    /// All the answers that it asks for were seen.
    pub complete: bool,
}

/// The options of a message that are of interest.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) host: Option<&'a [u8]>,
    port: Option<u16>,
    pub(super) path: Vec<u8>,
    query: Vec<u8>,
    location: Vec<u8>,
    proxy: Option<&'a [u8]>,
    pub(super) observe: Option<u32>,
    accept: Option<u16>,
    format: Option<u16>,
    block1: Option<Block>,
    block2: Option<Block>,
    pub(super) payload: usize,
}

fn join(text: &mut Vec<u8>, between: u8, part: &[u8]) {
    let room = MAX_TEXT.saturating_sub(text.len());
    if room > 0 {
        text.push(between);
        text.extend_from_slice(part.get(..room.saturating_sub(1)).unwrap_or(part));
    }
}

fn short(value: &[u8]) -> Option<u16> {
    u16::try_from(number(value)).ok()
}

fn block(value: &[u8]) -> Option<Block> {
    let said = number(value);
    // The exponent 7 has a meaning over TCP only: blocks of 1,024 octets and several of them.
    let exponent = (said & 7).min(6);
    (value.len() <= 3).then_some(Block {
        number: said >> 4,
        more: said & 8 != 0,
        size: 16u16.wrapping_shl(exponent),
    })
}

/// Reads the options of a message; `None` when they are malformed.
pub(super) fn read<'a>(message: &Message<'a>) -> Option<Said<'a>> {
    let mut items = Items::of(message.body);
    let mut said = Said::default();
    loop {
        let item = match items.next() {
            Next::Item(item) => item,
            Next::Payload(payload) => {
                said.payload = payload.len();
                return Some(said);
            }
            Next::Malformed => return None,
        };
        // Signals have options of their own.
        if class(message.code) == 7 {
            continue;
        }
        match item.number {
            option::URI_HOST => said.host = Some(item.value),
            option::URI_PORT => said.port = short(item.value),
            option::URI_PATH => join(&mut said.path, b'/', item.value),
            option::URI_QUERY => {
                let between = if said.query.is_empty() { b'?' } else { b'&' };
                join(&mut said.query, between, item.value);
            }
            option::LOCATION_PATH => join(&mut said.location, b'/', item.value),
            option::PROXY_URI => said.proxy = Some(item.value),
            option::OBSERVE => said.observe = Some(number(item.value)),
            option::ACCEPT => said.accept = short(item.value),
            option::CONTENT_FORMAT => said.format = short(item.value),
            option::BLOCK1 => said.block1 = block(item.value),
            option::BLOCK2 => said.block2 = block(item.value),
            _ => {}
        }
    }
}

fn text(octets: &[u8]) -> Option<Text> {
    (!octets.is_empty()).then(|| Text::bounded(octets, MAX_TEXT))
}

/// A code as people write it.
pub(super) fn code_text(code: u8) -> Text {
    Text::from(format!("{}.{:02}", class(code), code & 0x1f))
}

fn type_word(number: u8) -> &'static str {
    match number {
        kind::CONFIRMABLE => "con",
        kind::ACKNOWLEDGEMENT => "ack",
        kind::RESET => "rst",
        _ => "non",
    }
}

fn octets(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A message for who listens to messages.
pub(super) fn message<'a>(message: &Message<'a>, said: &Said<'_>) -> CoapMessage<'a> {
    CoapMessage {
        kind: message.datagram.map(|(kind, _)| type_word(kind)),
        code: code_text(message.code),
        method: word(message.code),
        message_id: message.datagram.map(|(_, id)| id),
        token: BinaryRef(message.token),
        uri_path: text(&said.path),
        payload_length: octets(said.payload),
    }
}

impl CoapTransaction {
    /// The record that a message begins.
    pub(super) fn of(kind: &'static str, message: &Message<'_>, from_initiator: bool) -> Self {
        Self {
            kind,
            from_initiator,
            message_type: message.datagram.map(|(kind, _)| type_word(kind)),
            method: word(message.code),
            message_id: message.datagram.map(|(_, id)| id),
            token: (!message.token.is_empty()).then(|| Binary::from(message.token)),
            ..Self::default()
        }
    }

    /// Adds what a request says.
    pub(super) fn ask(&mut self, said: &Said<'_>) {
        self.uri_host = said.host.and_then(text);
        self.uri_port = said.port;
        self.uri_path = text(&said.path);
        self.uri_query = text(said.query.get(1..).unwrap_or_default());
        self.proxy_uri = said.proxy.and_then(text);
        self.observe = said.observe;
        self.accept = said.accept;
        self.request_format = said.format;
        self.block1 = said.block1;
        self.block2 = said.block2;
        self.request_length = Some(octets(said.payload));
    }

    /// Adds what a response says.
    pub(super) fn answer(&mut self, code: u8, said: &Said<'_>) {
        self.code = Some(code_text(code));
        self.content_format = said.format;
        self.location_path = text(&said.location);
        self.observe = said.observe.or(self.observe);
        self.block1 = said.block1.or(self.block1);
        self.block2 = said.block2.or(self.block2);
        self.response_length = Some(octets(said.payload));
    }
}

//! What OPC UA reports.

use nf_fields::{Fields, Text, TextRef};

use super::message::{self, Service};

/// Most octets of a text kept.
const MAX_TEXT: usize = 256;

/// One chunk, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct OpcuaMessage<'a> {
    /// Kind: hello, acknowledge, error, reverse_hello, open, message or close.
    pub kind: &'static str,
    /// Octets of the chunk.
    pub size: u32,
    /// Whether it is the last one of its message.
    pub last: bool,
    /// Channel.
    pub channel_id: Option<u32>,
    /// Ties a response to its request.
    pub request_id: Option<u32>,
    /// Policy that an opening names.
    pub security_policy: Option<TextRef<'a>>,
    /// Service.
    pub service: Option<&'static str>,
    /// Status of a response.
    pub status: Option<u32>,
    /// Address that a hello asks for.
    pub endpoint_url: Option<TextRef<'a>>,
}

/// A greeting, or a service with its response.
#[derive(Debug, Default, Fields)]
pub struct OpcuaTransaction {
    /// Service; hello for the greeting, encrypted for a service that cannot be read.
    pub service: &'static str,
    /// Ties the response to its request.
    pub request_id: Option<u32>,
    /// Channel.
    pub channel_id: Option<u32>,
    /// Address the client asks for.
    pub endpoint_url: Option<Text>,
    /// Version of the protocol.
    pub protocol_version: Option<u32>,
    /// Longest chunk the server receives.
    pub receive_buffer: Option<u32>,
    /// Longest chunk the server sends.
    pub send_buffer: Option<u32>,
    /// Longest message the server takes, where it is bounded.
    pub max_message: Option<u32>,
    /// Chunks of a message the server takes, where they are bounded.
    pub max_chunks: Option<u32>,
    /// Policy of the channel.
    pub security_policy: Option<Text>,
    /// Whether the client shows a certificate.
    pub certificate: Option<bool>,
    /// Mode of the channel: none, sign or sign_and_encrypt.
    pub security_mode: Option<&'static str>,
    /// Name the client gives its session.
    pub session_name: Option<Text>,
    /// How the user identifies: anonymous, user_name, certificate or issued.
    pub identity: Option<&'static str>,
    /// Who the user is.
    pub user: Option<Text>,
    /// A password went by unencrypted.
    pub password_seen: Option<bool>,
    /// Nodes or methods the request is about.
    pub items: Option<u32>,
    /// The first of them.
    pub node: Option<Text>,
    /// What the response is, where it is a fault.
    pub fault: Option<bool>,
    /// Status of the response: 0 is good.
    pub status: Option<u32>,
    /// Words of an error.
    pub reason: Option<Text>,
    /// Chunks of the request.
    pub request_chunks: u32,
    /// Chunks of the response.
    pub response_chunks: Option<u32>,
    /// Octets of the request's chunks.
    pub request_length: u64,
    /// Octets of the response's chunks.
    pub response_length: Option<u64>,
    /// Time from request to the first chunk of the response.
    pub response_us: Option<u64>,
}

/// A text, unless it is empty.
pub fn text(octets: &[u8]) -> Option<Text> {
    (!octets.is_empty()).then(|| Text::bounded(octets, MAX_TEXT))
}

impl OpcuaTransaction {
    /// Begins with a request.
    pub fn of(chunk: &message::Chunk<'_>, service: &Service<'_>) -> Self {
        let mode = service.mode.map(|mode| match mode {
            1 => "none",
            2 => "sign",
            3 => "sign_and_encrypt",
            _ => "invalid",
        });
        Self {
            service: message::service_word(service.number).map_or("other", |(word, _)| word),
            request_id: Some(chunk.request),
            channel_id: Some(chunk.channel),
            security_policy: chunk.policy.and_then(text),
            certificate: chunk.policy.map(|_| chunk.has_certificate),
            security_mode: mode,
            session_name: service.session_name.and_then(text),
            identity: service.token.map(message::token_word),
            user: service.user.and_then(text),
            password_seen: service.has_clear_password.then_some(true),
            items: service.items,
            node: service.node.map(|node| Text::from(node.words())),
            ..Self::default()
        }
    }

    /// Adds the response.
    pub fn respond(&mut self, service: &Service<'_>) {
        self.status = service.status;
        self.channel_id = service.channel.or(self.channel_id);
        let is_fault =
            message::service_word(service.number).is_some_and(|(w, _)| w == "service_fault");
        self.fault = is_fault.then_some(true);
    }

    /// Adds a chunk of the response.
    pub fn told(&mut self, length: u64, after_ns: u64) {
        self.response_us.get_or_insert(after_ns / 1000);
        self.response_chunks = Some(self.response_chunks.unwrap_or(0).saturating_add(1));
        self.response_length = Some(self.response_length.unwrap_or(0).saturating_add(length));
    }
}

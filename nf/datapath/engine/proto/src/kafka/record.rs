//! What Kafka reports: messages as they go by, and one record per request with its response.

use nf_fields::{Fields, Text, TextRef};

use super::api;
use super::message::{About, Request};

/// Most octets of a text that a record keeps.
const MAX_TEXT: usize = 256;

/// One message.
#[derive(Debug, Default, Fields)]
pub struct KafkaMessage<'a> {
    /// What it is: request or response.
    pub kind: &'static str,
    /// Octets behind the length.
    pub length: u32,
    /// Number that ties a response to its request.
    pub correlation_id: u32,
    /// Key of a request.
    pub api_key: Option<u16>,
    /// Name of a request.
    pub api: Option<&'static str>,
    /// Version of a request.
    pub api_version: Option<u16>,
    /// What the client calls itself.
    pub client_id: Option<TextRef<'a>>,
}

/// A request and its response.
#[derive(Debug, Default, Fields)]
pub struct KafkaTransaction {
    /// Key of the request.
    pub api_key: u16,
    /// Its name: Produce, Fetch, Metadata and so on.
    pub api: &'static str,
    /// Its version.
    pub api_version: u16,
    /// Number that ties the response to it.
    pub correlation_id: u32,
    /// What the client calls itself.
    pub client_id: Option<Text>,
    /// Library of the client.
    pub client_software: Option<Text>,
    /// Version of it.
    pub client_version: Option<Text>,
    /// Topics it is about, where they are simply found; of what is produced or fetched the first.
    pub topics: Option<Vec<Text>>,
    /// Group it is about.
    pub group_id: Option<Text>,
    /// Replicas that must have what is produced: -1 for all; 0 asks for no answer.
    pub acks: Option<i64>,
    /// How a user logs in.
    pub auth_mechanism: Option<Text>,
    /// A password was sent in clear; it is not kept.
    pub password_seen: bool,
    /// Error that the response begins with, or of the first partition of what is produced.
    pub error_code: Option<i64>,
    /// Its name.
    pub error: Option<&'static str>,
    /// Octets of the request.
    pub request_length: u32,
    /// Octets of the response.
    pub response_length: Option<u32>,
    /// Time from request to response.
    pub response_us: Option<u64>,
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

impl KafkaTransaction {
    /// The record that a request of so many octets begins.
    pub(super) fn of(request: &Request<'_>, about: &About<'_>, length: u32) -> Self {
        let topics: Vec<_> = about.topics.iter().map(|name| text(name)).collect();
        Self {
            api_key: request.key,
            api: api::name(request.key).unwrap_or("unknown"),
            api_version: request.version,
            correlation_id: request.correlation,
            client_id: request.client.map(text),
            client_software: about.software.map(|(name, _)| text(name)),
            client_version: about.software.map(|(_, version)| text(version)),
            topics: (!topics.is_empty()).then_some(topics),
            group_id: about.group.map(text),
            acks: about.acks.map(i64::from),
            auth_mechanism: about.mechanism.map(text),
            request_length: length,
            ..Self::default()
        }
    }

    /// Adds what a response of so many octets says.
    pub(super) fn answer(&mut self, error: Option<i16>, length: u32) {
        self.error_code = error.map(i64::from);
        self.error = error.map(api::error);
        self.response_length = Some(length);
    }
}

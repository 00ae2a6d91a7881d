//! What MQTT reports: packets as they go by, and one record per request with its answer.

use nf_fields::{BinaryRef, Fields, Text, TextRef};

use super::message::{Connect, Header, Publish, word};
use super::property::Property;

/// Most octets of a name or topic that a record keeps.
pub(super) const MAX_TEXT: usize = 512;
/// Most octets of a message that a record keeps.
const MAX_MESSAGE: usize = 1024;
/// Most filters of a subscription that a record keeps.
pub(super) const MAX_TOPICS: usize = 64;

/// One control packet.
#[derive(Debug, Default, Fields)]
pub struct MqttMessage<'a> {
    /// What the packet is: connect, connack, publish, puback and so on.
    pub kind: &'static str,
    /// Packet type.
    pub message_type: u8,
    /// It was sent before.
    pub dup: bool,
    /// Quality of service.
    pub qos: u8,
    /// The broker keeps the message for later subscribers.
    pub retain: bool,
    /// Octets behind the fixed header.
    pub length: u32,
    /// Packet identifier.
    pub message_id: Option<u16>,
    /// Protocol version of a CONNECT: 3 for 3.1, 4 for 3.1.1, 5.
    pub protocol_version: Option<u8>,
    /// Client identifier of a CONNECT.
    pub client_id: Option<TextRef<'a>>,
    /// User name of a CONNECT.
    pub username: Option<TextRef<'a>>,
    /// Topic of a PUBLISH.
    pub topic: Option<TextRef<'a>>,
    /// Message of a PUBLISH, as far as it was in the first 32 KiB.
    pub message: Option<BinaryRef<'a>>,
    /// Return or reason code.
    pub reason_code: Option<u8>,
}

/// A connection, a publication, a subscription or its end, a disconnection.
#[derive(Debug, Default, Fields)]
pub struct MqttTransaction {
    /// What it is: connect, publish, subscribe, unsubscribe, disconnect or auth.
    pub kind: &'static str,
    /// The initiator of the session sent the first packet.
    pub from_initiator: bool,
    /// The packet was sent before.
    pub dup: bool,
    /// Quality of service.
    pub qos: u8,
    /// The broker keeps the message for later subscribers.
    pub retain: bool,
    /// Packet identifier.
    pub message_id: Option<u16>,
    /// Protocol name of a CONNECT.
    pub protocol_string: Option<Text>,
    /// Protocol version of a CONNECT: 3 for 3.1, 4 for 3.1.1, 5.
    pub protocol_version: Option<u8>,
    /// The client is the bridge of another broker.
    pub bridge: Option<bool>,
    /// Client identifier.
    pub client_id: Option<Text>,
    /// User name.
    pub username: Option<Text>,
    /// A password was sent in clear; it is not kept.
    pub password_seen: Option<bool>,
    /// The client begins without an earlier session.
    pub clean_session: Option<bool>,
    /// Longest silence the client promises.
    pub keep_alive_s: Option<u16>,
    /// Topic of the will.
    pub will_topic: Option<Text>,
    /// Message of the will.
    pub will_message: Option<Text>,
    /// Quality of service of the will.
    pub will_qos: Option<u8>,
    /// The will is to be kept for later subscribers.
    pub will_retain: Option<bool>,
    /// Properties of the will.
    pub will_properties: Option<Vec<Property>>,
    /// The broker kept an earlier session of the client.
    pub session_present: Option<bool>,
    /// Topic of a publication; where an alias stands for it, the topic that it stood for.
    pub topic: Option<Text>,
    /// Message of a publication, at most 1,024 octets.
    pub message: Option<Text>,
    /// Octets of the message.
    pub message_length: Option<u32>,
    /// Filters of a subscription or its end.
    pub topics: Option<Vec<Text>>,
    /// Quality of service asked for, one for each filter.
    pub topics_qos: Option<Vec<u8>>,
    /// Quality granted, or reason code, one for each filter.
    pub reason_codes: Option<Vec<u8>>,
    /// Return or reason code of the answer, or of the end.
    #[field(alias = "return_code")]
    pub reason_code: Option<u8>,
    /// That code in words.
    pub reason: Option<&'static str>,
    /// Properties of the request.
    pub properties: Option<Vec<Property>>,
    /// Properties of the answer.
    pub response_properties: Option<Vec<Property>>,
    /// Time from the first packet to the last answer.
    pub response_us: Option<u64>,
    /// All the answers that it asks for were seen.
    pub complete: bool,
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

/// A packet for who listens to messages.
pub(super) fn message(header: &Header) -> MqttMessage<'static> {
    MqttMessage {
        kind: word(header.kind),
        message_type: header.kind,
        dup: header.dup(),
        qos: header.qos(),
        retain: header.retain(),
        length: header.length,
        ..MqttMessage::default()
    }
}

impl MqttTransaction {
    /// The record that a packet begins.
    pub(super) fn of(header: &Header, from_initiator: bool) -> Self {
        Self {
            kind: word(header.kind),
            from_initiator,
            dup: header.dup(),
            qos: header.qos(),
            retain: header.retain(),
            ..Self::default()
        }
    }

    /// Adds a CONNECT.
    pub(super) fn connect(&mut self, packet: &Connect<'_>) {
        self.protocol_string = Some(text(packet.protocol));
        self.protocol_version = Some(packet.version);
        self.bridge = packet.bridge.then_some(true);
        self.client_id = Some(text(packet.client_id));
        self.username = packet.username.map(text);
        self.password_seen = Some(packet.password);
        self.clean_session = Some(packet.flags & 2 != 0);
        self.keep_alive_s = Some(packet.keep_alive);
        if let Some(will) = packet.will {
            self.will_topic = Some(text(will.topic));
            self.will_message = Some(Text::bounded(will.message, MAX_MESSAGE));
            self.will_qos = Some(will.qos);
            self.will_retain = Some(will.retain);
            self.will_properties = will.properties.keep();
        }
        self.properties = packet.properties.keep();
    }

    /// Adds a PUBLISH of which `length` octets stand behind the fixed header.
    /// Octets of text it keeps, as far as a client chooses how many.
    pub(super) fn text_octets(&self) -> usize {
        let single = [&self.topic, &self.message, &self.will_topic, &self.will_message];
        let topics = single.into_iter().flatten().chain(self.topics.iter().flatten());
        let lists = [&self.properties, &self.will_properties].into_iter().flatten().flatten();
        let properties = lists.flat_map(|property| [&property.name, &property.value]);
        topics.chain(properties).map(|text| text.as_bytes().len()).sum()
    }

    pub(super) fn publish(&mut self, packet: &Publish<'_>, topic: Option<&[u8]>, length: u32) {
        self.message_id = packet.message_id;
        self.topic = topic.map(text);
        self.message = Some(Text::bounded(packet.message, MAX_MESSAGE));
        let head = u32::try_from(packet.head).unwrap_or(u32::MAX);
        self.message_length = Some(length.saturating_sub(head));
        self.properties = packet.properties.keep();
    }

    /// Adds the code of an answer of that version.
    pub(super) fn code(&mut self, code: Option<u8>, version: u8) {
        self.reason_code = code;
        self.reason = code.map(|code| reason(code, version));
    }
}

/// A return code of CONNACK before version 5, or a reason code of that, in words.
fn reason(code: u8, version: u8) -> &'static str {
    match (code, version) {
        (0, _) => "success",
        (1, ..=4) => "unacceptable_protocol_version",
        (2, ..=4) => "identifier_rejected",
        (3, ..=4) => "server_unavailable",
        (4, ..=4) => "bad_user_name_or_password",
        (5, ..=4) => "not_authorized",
        (4, _) => "disconnect_with_will",
        (0x10, _) => "no_matching_subscribers",
        (0x11, _) => "no_subscription_existed",
        (0x18, _) => "continue_authentication",
        (0x19, _) => "re_authenticate",
        (0x80, _) => "unspecified_error",
        (0x81, _) => "malformed_packet",
        (0x82, _) => "protocol_error",
        (0x83, _) => "implementation_specific_error",
        (0x84, _) => "unsupported_protocol_version",
        (0x85, _) => "client_identifier_not_valid",
        (0x86, _) => "bad_user_name_or_password",
        (0x87, _) => "not_authorized",
        (0x88, _) => "server_unavailable",
        (0x89, _) => "server_busy",
        (0x8a, _) => "banned",
        (0x8b, _) => "server_shutting_down",
        (0x8c, _) => "bad_authentication_method",
        (0x8d, _) => "keep_alive_timeout",
        (0x8e, _) => "session_taken_over",
        (0x8f, _) => "topic_filter_invalid",
        (0x90, _) => "topic_name_invalid",
        (0x91, _) => "packet_identifier_in_use",
        (0x92, _) => "packet_identifier_not_found",
        (0x93, _) => "receive_maximum_exceeded",
        (0x94, _) => "topic_alias_invalid",
        (0x95, _) => "packet_too_large",
        (0x96, _) => "message_rate_too_high",
        (0x97, _) => "quota_exceeded",
        (0x98, _) => "administrative_action",
        (0x99, _) => "payload_format_invalid",
        (0x9a, _) => "retain_not_supported",
        (0x9b, _) => "qos_not_supported",
        (0x9c, _) => "use_another_server",
        (0x9d, _) => "server_moved",
        (0x9e, _) => "shared_subscriptions_not_supported",
        (0x9f, _) => "connection_rate_exceeded",
        (0xa0, _) => "maximum_connect_time",
        (0xa1, _) => "subscription_identifiers_not_supported",
        (0xa2, _) => "wildcard_subscriptions_not_supported",
        _ => "unknown",
    }
}

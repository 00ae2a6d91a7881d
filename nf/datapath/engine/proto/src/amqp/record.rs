//! What AMQP reports: frames as they go by, and one record per login, call or message.

use nf_fields::{Fields, Text, TextRef};

use super::message::Said;

/// Most octets of a text that a record keeps.
pub(super) const MAX_TEXT: usize = 256;

/// One frame that carries a method or performative.
#[derive(Debug, Default, Fields)]
pub struct AmqpMessage<'a> {
    /// Method of 0-9-1, or performative of 1.0.
    pub method: &'static str,
    /// Channel.
    pub channel: u16,
    /// Octets of the frame's payload.
    pub length: u32,
    /// Exchange.
    pub exchange: Option<TextRef<'a>>,
    /// Queue.
    pub queue: Option<TextRef<'a>>,
    /// Routing key.
    pub routing_key: Option<TextRef<'a>>,
}

/// A login, a call with its answer, or a message with its content.
#[derive(Debug, Default, Fields)]
pub struct AmqpTransaction {
    /// What it is: connection (its login), basic.publish, queue.declare and other methods of 0-9-1;
    /// sasl, open, attach, transfer, detach, close of 1.0.
    pub method: &'static str,
    /// The initiator of the session began it.
    pub from_initiator: bool,
    /// Version of the protocol.
    pub version: &'static str,
    /// Channel.
    pub channel: u16,
    /// Virtual host; of 1.0 the host that is asked for.
    pub vhost: Option<Text>,
    /// User that logs in.
    pub user: Option<Text>,
    /// How.
    pub auth_mechanism: Option<Text>,
    /// A password was sent in clear; it is not kept.
    pub password_seen: bool,
    /// Library of the client.
    pub client_product: Option<Text>,
    /// Version of it.
    pub client_version: Option<Text>,
    /// Broker.
    pub server_product: Option<Text>,
    /// Version of it.
    pub server_version: Option<Text>,
    /// Name of the one who began, in 1.0.
    pub container_id: Option<Text>,
    /// Name of the other, in 1.0.
    pub peer_container_id: Option<Text>,
    /// Exchange.
    pub exchange: Option<Text>,
    /// Queue.
    pub queue: Option<Text>,
    /// Routing key.
    pub routing_key: Option<Text>,
    /// Consumer.
    pub consumer_tag: Option<Text>,
    /// Link, in 1.0.
    pub link: Option<Text>,
    /// What the link leads to or from.
    pub address: Option<Text>,
    /// Which end of the link began: sender or receiver.
    pub role: Option<&'static str>,
    /// Type of the content.
    pub content_type: Option<Text>,
    /// Octets of the content.
    pub length: Option<u64>,
    /// Messages in the queue, or that were deleted.
    pub messages: Option<u32>,
    /// Code of a refusal or close.
    pub reply_code: Option<u16>,
    /// Words for it; of 1.0 the condition.
    pub error: Option<Text>,
    /// Time from the first frame to the last of the answer.
    pub response_us: Option<u64>,
    /// All that belongs to it was seen.
    pub complete: bool,
}

/// As much of a text as a record keeps.
pub(super) fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

fn some(octets: Option<&[u8]>) -> Option<Text> {
    octets.map(text)
}

impl AmqpTransaction {
    /// Adds the arguments of a method; what is there already stays.
    pub(super) fn add(&mut self, said: &Said<'_>) {
        self.vhost = self.vhost.take().or(some(said.vhost));
        self.exchange = self.exchange.take().or(some(said.exchange));
        self.routing_key = self.routing_key.take().or(some(said.routing_key));
        // A server names a queue, or a consumer, for whom it leaves that to.
        let named = |old: Option<Text>, new: Option<&[u8]>| {
            old.filter(|name| !name.is_empty()).or(some(new))
        };
        self.queue = named(self.queue.take(), said.queue);
        self.consumer_tag = named(self.consumer_tag.take(), said.consumer);
        self.messages = self.messages.or(said.messages);
        self.reply_code = said.code.or(self.reply_code);
        self.error = some(said.text).or(self.error.take());
    }

    /// Adds how a user logs in: the mechanism, and the name of PLAIN's user.
    pub(super) fn login(&mut self, mechanism: &[u8], proof: &[u8]) {
        self.auth_mechanism = Some(text(mechanism));
        self.password_seen |= matches!(mechanism, b"PLAIN" | b"AMQPLAIN") && !proof.is_empty();
        if mechanism == b"PLAIN" {
            self.user = proof.split(|&b| b == 0).nth(1).map(text);
        } else if mechanism == b"AMQPLAIN" {
            self.user = super::message::table_text(proof, b"LOGIN").map(text);
        }
    }
}

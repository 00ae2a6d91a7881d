//! What STUN and TURN report: messages, exchanges, and what was relayed.

use std::net::IpAddr;

use nf_fields::{Binary, BinaryRef, Fields, Text, TextRef};

use super::message::{Class, Message, method};

/// Longest text kept.
pub(super) const MAX_TEXT: usize = 255;

/// A message, or data in a channel.
#[derive(Debug, Default, Fields)]
pub struct StunMessage<'a> {
    /// What it is about: binding, allocate, refresh, send, data, channel_data…
    pub method: Text,
    /// request, indication, success or error.
    pub class: &'static str,
    /// Octets behind the header.
    pub length: u16,
    /// Ties an answer to its request.
    pub transaction_id: Option<BinaryRef<'a>>,
    /// Has the cookie of RFC 5389 (else it is RFC 3489's).
    pub cookie: bool,
    /// Who asks.
    pub username: Option<TextRef<'a>>,
    /// Where that name holds.
    pub realm: Option<TextRef<'a>>,
    /// The program.
    pub software: Option<TextRef<'a>>,
    /// Where the server saw the client.
    pub mapped_address: Option<IpAddr>,
    /// Its port.
    pub mapped_port: Option<u16>,
    /// Where the relay listens for the client.
    pub relayed_address: Option<IpAddr>,
    /// Its port.
    pub relayed_port: Option<u16>,
    /// Whom the relay talks to.
    pub peer_address: Option<IpAddr>,
    /// Its port.
    pub peer_port: Option<u16>,
    /// Error code.
    pub error_code: Option<u16>,
    /// Channel.
    pub channel: Option<u16>,
    /// The checksum is there, and right.
    pub fingerprint: Option<bool>,
    /// It came through a relay, within another message.
    pub relayed: bool,
}

/// A request and its answer.
#[derive(Debug, Default, Fields)]
pub struct StunTransaction {
    /// What is asked: binding, allocate, refresh, create_permission, channel_bind…
    pub method: Text,
    /// success or error; absent when no answer came.
    pub result: Option<Text>,
    /// Error code.
    pub error_code: Option<u16>,
    /// What the server says of the error.
    pub reason: Option<Text>,
    /// Ties the answer to the request.
    pub transaction_id: Binary,
    /// RFC 3489's form, without the cookie.
    pub classic: bool,
    /// Who asks.
    pub username: Option<Text>,
    /// Where that name holds.
    pub realm: Option<Text>,
    /// The client's program.
    pub client_software: Option<Text>,
    /// The server's program.
    pub server_software: Option<Text>,
    /// Where the server saw the client.
    pub mapped_address: Option<IpAddr>,
    /// Its port.
    pub mapped_port: Option<u16>,
    /// Where the relay listens for the client.
    pub relayed_address: Option<IpAddr>,
    /// Its port.
    pub relayed_port: Option<u16>,
    /// Whom the relay is to talk to.
    pub peer_address: Option<IpAddr>,
    /// Its port.
    pub peer_port: Option<u16>,
    /// Another server to ask.
    pub alternate_address: Option<IpAddr>,
    /// Channel asked for.
    pub channel: Option<u16>,
    /// Seconds the allocation is to last, as granted; as asked for where it was not.
    pub lifetime_s: Option<u32>,
    /// ICE: priority of the candidate.
    pub priority: Option<u32>,
    /// ICE: controlling or controlled.
    pub ice_role: Option<&'static str>,
    /// ICE: the pair is nominated.
    pub use_candidate: bool,
    /// The request is protected by a password.
    pub integrity: bool,
    /// A password went by in clear.
    pub password_seen: bool,
    /// It went through a relay, within messages of another exchange.
    pub relayed: bool,
    /// Times the request was repeated.
    pub retransmissions: u16,
    /// Time from request to answer.
    pub response_us: Option<u64>,
}

/// An allocation on a relay, and what went through it.
#[derive(Debug, Default, Fields)]
pub struct TurnTransaction {
    /// Where the relay listens for the client.
    pub relayed_address: Option<IpAddr>,
    /// Its port.
    pub relayed_port: Option<u16>,
    /// Where the server saw the client.
    pub mapped_address: Option<IpAddr>,
    /// Its port.
    pub mapped_port: Option<u16>,
    /// Who asked for it.
    pub username: Option<Text>,
    /// Where that name holds.
    pub realm: Option<Text>,
    /// Seconds it was granted last.
    pub lifetime_s: Option<u32>,
    /// Different channels bound.
    pub channels: u32,
    /// Different peers permitted, channels aside.
    pub permissions: u32,
    /// The first peer.
    pub peer_address: Option<IpAddr>,
    /// Its port.
    pub peer_port: Option<u16>,
    /// Datagrams for peers.
    pub packets_up: u64,
    /// Octets in them.
    pub octets_up: u64,
    /// Datagrams of peers.
    pub packets_down: u64,
    /// Octets in them.
    pub octets_down: u64,
    /// The client gave it back.
    pub released: bool,
    /// From the grant to the last that was seen of it.
    pub duration_us: u64,
}

/// A method's word, or its number.
pub(super) fn method_text(number: u16) -> Text {
    match method::word(number) {
        Some(word) => word.into(),
        None => format!("0x{number:03x}").into(),
    }
}

fn text(bytes: &[u8]) -> Text {
    Text::bounded(bytes, MAX_TEXT)
}

fn role(controlling: Option<bool>) -> Option<&'static str> {
    controlling.map(|controlling| if controlling { "controlling" } else { "controlled" })
}

impl<'a> StunMessage<'a> {
    pub(super) fn of(m: &'a Message<'a>, relayed: bool) -> Self {
        Self {
            method: method_text(m.method()),
            class: m.class().word(),
            length: u16::try_from(m.length).unwrap_or(u16::MAX),
            transaction_id: Some(BinaryRef(id(m))),
            cookie: m.has_cookie,
            username: m.username.map(TextRef),
            realm: m.realm.map(TextRef),
            software: m.software.map(TextRef),
            mapped_address: m.mapped.map(|p| p.0),
            mapped_port: m.mapped.map(|p| p.1),
            relayed_address: m.relayed.map(|p| p.0),
            relayed_port: m.relayed.map(|p| p.1),
            peer_address: m.peer.map(|p| p.0),
            peer_port: m.peer.map(|p| p.1),
            error_code: m.error.map(|(code, _)| code),
            channel: m.channel,
            fingerprint: m.fingerprint,
            relayed,
        }
    }
}

/// The transaction id proper: the cookie is no part of it.
fn id<'a>(m: &'a Message<'_>) -> &'a [u8] {
    let from = if m.has_cookie { 4 } else { 0 };
    m.transaction_id.get(from..).unwrap_or_default()
}

impl StunTransaction {
    pub(super) fn asked(m: &Message<'_>, relayed: bool) -> Self {
        Self {
            method: method_text(m.method()),
            transaction_id: Binary::bounded(id(m), 16),
            classic: !m.has_cookie,
            username: m.username.map(text),
            realm: m.realm.map(text),
            client_software: m.software.map(text),
            peer_address: m.peer.map(|p| p.0),
            peer_port: m.peer.map(|p| p.1),
            channel: m.channel,
            lifetime_s: m.lifetime,
            priority: m.priority,
            ice_role: role(m.controlling),
            use_candidate: m.use_candidate,
            integrity: m.has_integrity,
            relayed,
            ..Self::default()
        }
    }

    pub(super) fn answered(&mut self, m: &Message<'_>) {
        self.result = Some(m.class().word().into());
        self.error_code = m.error.map(|(code, _)| code);
        self.reason = m.error.map(|(_, reason)| text(reason)).filter(|reason| !reason.is_empty());
        self.realm = self.realm.take().or(m.realm.map(text));
        self.server_software = m.software.map(text);
        self.mapped_address = m.mapped.map(|p| p.0);
        self.mapped_port = m.mapped.map(|p| p.1);
        self.relayed_address = m.relayed.map(|p| p.0);
        self.relayed_port = m.relayed.map(|p| p.1);
        self.alternate_address = m.alternate.map(|p| p.0);
        self.password_seen |= m.has_password;
        if m.class() == Class::Success {
            self.lifetime_s = m.lifetime.or(self.lifetime_s);
        }
    }
}

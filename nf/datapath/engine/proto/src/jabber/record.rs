//! What XMPP reports: elements as they go by, and one record per stream.

use nf_fields::{Fields, Text, TextRef};

/// The head of a stream, or an element in it.
#[derive(Debug, Fields)]
pub struct JabberMessage<'a> {
    /// Name of the element: `stream`, `features`, `auth`, `iq`, `message`, `presence`…
    pub kind: TextRef<'a>,
    /// Whether the client sent it.
    pub from_client: bool,
    /// Who sends it, as it says.
    pub from: Option<TextRef<'a>>,
    /// Who is to get it.
    pub to: Option<TextRef<'a>>,
    /// Its type: `get`, `set`, `result`, `error`, `chat`…
    #[field(name = "type")]
    pub sort: Option<TextRef<'a>>,
    /// What ties an answer to a question.
    pub id: Option<TextRef<'a>>,
    /// Its namespace.
    pub namespace: Option<TextRef<'a>>,
}

/// A stream, from its head to its end or to its TLS.
#[derive(Debug, Default, Fields)]
pub struct JabberTransaction {
    /// Domain that the client wants.
    pub to: Option<Text>,
    /// Who the client says it is.
    pub from: Option<Text>,
    /// Name the server gave the stream.
    pub stream_id: Option<Text>,
    /// `jabber:client`, `jabber:server` or `jabber:component:accept`.
    pub namespace: Option<Text>,
    /// Version of the stream.
    pub version: Option<Text>,
    /// Language.
    pub lang: Option<Text>,
    /// Mechanisms of login that the server offers.
    pub mechanisms: Vec<Text>,
    /// TLS in the stream: `offered` or `required`.
    pub starttls: Option<&'static str>,
    /// The stream goes on in TLS.
    pub tls: bool,
    /// Mechanism of the login.
    pub auth_mechanism: Option<Text>,
    /// User of the login, where the mechanism shows it.
    pub user: Option<Text>,
    /// Whether the login was accepted.
    pub authenticated: Option<bool>,
    /// A password, or a token that can be used again, was sent without encryption.
    pub clear_text: bool,
    /// Address that the server bound to the stream.
    pub jid: Option<Text>,
    /// Messages of the client.
    pub messages_up: u32,
    /// Messages of the server.
    pub messages_down: u32,
    /// Presences of both.
    pub presences: u32,
    /// Questions and answers of both.
    pub iqs: u32,
    /// Error that ended the stream.
    pub stream_error: Option<Text>,
    /// Microseconds from the head to the last element.
    pub duration_us: u64,
}

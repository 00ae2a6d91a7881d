//! What HTTP reports: messages as they go by, and one record per exchange.

use nf_fields::{Fields, Text, TextRef};

use super::head::Head;
use crate::ntlm::Ntlm;

/// Something seen of one HTTP message. Which members are there tells what: `msg_start` when it
/// begins, `header` with each header line, `headers_end` with everything that start line and
/// header section said, `data` with each piece of the body, `msg_end` at the end.
#[derive(Debug, Default, Fields)]
pub struct HttpMessage<'a> {
    /// Ordinal of the message in its session, requests and responses counted together, from 1.
    pub message: u32,
    /// Whether the message is a request.
    pub request: bool,
    /// Request method.
    #[field(id = 1)]
    pub method: Option<TextRef<'a>>,
    /// Status code and reason phrase of a response.
    #[field(id = 2)]
    pub response: Option<TextRef<'a>>,
    /// Status code of a response.
    pub status: Option<u16>,
    /// Host header as sent.
    #[field(id = 3)]
    pub host: Option<TextRef<'a>>,
    /// Request target as sent.
    #[field(id = 4)]
    pub uri: Option<TextRef<'a>>,
    /// HTTP version of the start line.
    pub version: Option<&'static str>,
    /// Referer header.
    #[field(id = 5)]
    pub referer: Option<TextRef<'a>>,
    /// Content-Type header as sent.
    #[field(id = 6)]
    pub content_type: Option<TextRef<'a>>,
    /// User-Agent header.
    #[field(id = 7)]
    pub user_agent: Option<TextRef<'a>>,
    /// Upgrade header.
    #[field(id = 8)]
    pub upgrade: Option<TextRef<'a>>,
    /// Connection header.
    #[field(id = 9)]
    pub connection: Option<TextRef<'a>>,
    /// Accept header.
    #[field(id = 10)]
    pub accept: Option<TextRef<'a>>,
    /// Transfer-Encoding header.
    #[field(id = 11)]
    pub transfer_encoding: Option<TextRef<'a>>,
    /// Content-Encoding header.
    #[field(id = 12)]
    pub content_encoding: Option<TextRef<'a>>,
    /// Cookie header.
    #[field(id = 13)]
    pub cookie: Option<TextRef<'a>>,
    /// X-Session-Type header.
    #[field(id = 14)]
    pub x_session_type: Option<TextRef<'a>>,
    /// Content-Length header as sent.
    #[field(id = 15, alias = "content_length")]
    pub content_len: Option<TextRef<'a>>,
    /// Server header.
    #[field(id = 16)]
    pub server: Option<TextRef<'a>>,
    /// 1 when the message has an X-CDN header.
    #[field(id = 17)]
    pub xcdn_seen: Option<u8>,
    /// A message begins: its ordinal in the session.
    #[field(id = 18, scope = "event")]
    pub msg_start: Option<u32>,
    /// One header or trailer line, folds undone: `Name: value`.
    #[field(id = 19, scope = "event")]
    pub header: Option<TextRef<'a>>,
    /// Name of that line.
    #[field(scope = "event")]
    pub header_name: Option<TextRef<'a>>,
    /// Value of that line.
    #[field(scope = "event")]
    pub header_value: Option<TextRef<'a>>,
    /// The header section ends: number of its lines.
    #[field(id = 20, scope = "event")]
    pub headers_end: Option<u32>,
    /// A piece of the body, transfer coding removed.
    #[field(id = 21, scope = "event")]
    pub data: Option<TextRef<'a>>,
    /// The message ends: octets of its body that were seen.
    #[field(id = 22, scope = "event")]
    pub msg_end: Option<u32>,
}

fn lent(text: &Option<Text>) -> Option<TextRef<'_>> {
    text.as_ref().map(|text| TextRef(text.as_bytes()))
}

impl<'a> HttpMessage<'a> {
    /// Everything a header section said.
    pub(super) fn of(head: &'a Head) -> Self {
        Self {
            method: lent(&head.method),
            response: lent(&head.response),
            host: lent(&head.host),
            uri: lent(&head.uri),
            referer: lent(&head.referer),
            content_type: lent(&head.content_type),
            user_agent: lent(&head.user_agent),
            upgrade: lent(&head.upgrade),
            connection: lent(&head.connection),
            accept: lent(&head.accept),
            transfer_encoding: lent(&head.transfer_encoding),
            content_encoding: lent(&head.content_encoding),
            cookie: lent(&head.cookie),
            x_session_type: lent(&head.x_session_type),
            content_len: lent(&head.content_length),
            server: lent(&head.server),
            xcdn_seen: head.x_cdn.then_some(1),
            ..Self::default()
        }
    }
}

/// A request with its response.
#[derive(Debug, Default, Fields)]
pub struct HttpTransaction {
    /// Request method.
    pub method: Option<Text>,
    /// Host asked for, without port: of an absolute target, else of the Host header.
    pub host: Option<Text>,
    /// Port named with the host.
    pub host_port: Option<u16>,
    /// Request target as sent.
    pub uri: Option<Text>,
    /// HTTP version of the request, else of the response: `0.9`, `1.0`, `1.1`.
    pub version: Option<&'static str>,
    /// User-Agent header.
    pub user_agent: Option<Text>,
    /// Referer header.
    pub referer: Option<Text>,
    /// Status code of the final response.
    pub status: Option<u16>,
    /// Reason phrase.
    pub reason: Option<Text>,
    /// Media type of the response, lower case, without parameters.
    pub mime: Option<Text>,
    /// Media type of the request.
    pub request_mime: Option<Text>,
    /// What the first octets of the response's body are, as transferred: text, image, media, font,
    /// document, archive, script, executable, or else binary.
    pub response_content: Option<&'static str>,
    /// The same of the request's body.
    pub request_content: Option<&'static str>,
    /// Server header.
    pub server: Option<Text>,
    /// Location header of the response.
    pub location: Option<Text>,
    /// X-Forwarded-For header of the request.
    pub x_forwarded_for: Option<Text>,
    /// Cookie header.
    pub cookie: Option<Text>,
    /// Scheme of the Authorization header; credentials are not kept.
    pub auth: Option<Text>,
    /// Login by NTLM.
    pub ntlm: Option<Ntlm>,
    /// Transfer-Encoding of the response.
    pub transfer_encoding: Option<Text>,
    /// Content-Encoding of the response.
    pub content_encoding: Option<Text>,
    /// Content-Length the response declared.
    pub content_length: Option<u64>,
    /// Octets of the request's body that were seen.
    pub request_length: Option<u64>,
    /// Octets of the response's body that were seen.
    pub response_length: Option<u64>,
    /// Protocol switched to (Upgrade header of the response, else of the request).
    pub upgrade: Option<Text>,
    /// Microseconds from the request's last octet to the response's first.
    pub response_us: Option<u64>,
    /// Request and response were seen whole.
    pub complete: bool,
    /// Header lines of the request.
    pub request_headers: Option<u32>,
    /// Header lines of the response.
    pub response_headers: Option<u32>,
}

//! Whether a stream begins as XMPP does: pure.

use super::xml::{Token, attribute, local, token};
use crate::{Pattern, Probe, Segment};

/// Clients and servers.
pub(super) const PORTS: &[u16] = &[5222, 5269];
/// Octets looked at.
const WINDOW: usize = 2048;

/// What a stream begins with.
pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::start(b"<?xml "),
    Pattern::start(b"<stream:stream"),
    Pattern::start(b"<stream "),
    Pattern::start(b"<message"),
    Pattern::start(b"<presence"),
    Pattern::start(b"<iq "),
];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let data = seg.data.get(..WINDOW).unwrap_or(seg.data);
    let on_port = PORTS.iter().any(|&port| seg.on_port(port));
    let mut rest = data;
    while !rest.is_empty() {
        let Some((found, taken)) = token(rest) else {
            return if data.len() < WINDOW { Probe::Unsure } else { Probe::No };
        };
        match found {
            Token::Other => {}
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            Token::Open { name, attributes, .. } => return head(name, attributes, on_port),
            Token::Text(_) | Token::Close(_) => return Probe::No,
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    Probe::Unsure
}

fn head(name: &[u8], attributes: &[u8], on_port: bool) -> Probe {
    let streams = memchr::memmem::find(attributes, b"http://etherx.jabber.org/streams").is_some();
    let jabber = attribute(attributes, b"xmlns").is_some_and(|ns| ns.starts_with(b"jabber:"));
    let certain = match local(name) {
        b"stream" => streams || jabber,
        // A stream that begins in its middle.
        b"message" | b"presence" | b"iq" => {
            let named = [&b"from"[..], b"to", b"id", b"type"]
                .iter()
                .filter(|name| attribute(attributes, name).is_some())
                .count();
            jabber || (on_port && named >= 1)
        }
        _ => false,
    };
    if certain { Probe::Certain } else { Probe::No }
}

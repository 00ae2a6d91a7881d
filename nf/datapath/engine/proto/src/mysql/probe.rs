//! Whether a stream is MySQL: pure. A greeting or a login says it; a refusal, or a query of a
//! session that began earlier, only on the protocol's own port.

use super::PORT;
use super::message::{self, HEADER, capability, command, greeting, login};
use crate::{Probe, Segment};

/// Longest greeting or login that is believed.
const MAX_FIRST: usize = 8 * 1024;

/// What a packet begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Greeting,
    Login,
    Command,
    Other,
}

/// What the packet at the front of `data` begins, taken as MySQL's.
pub(super) fn opening(data: &[u8]) -> Opening {
    let Some(header) = message::header(data) else {
        return Opening::Other;
    };
    match (header.sequence, data.get(HEADER)) {
        (0, Some(9 | 10)) if printed(data) => Opening::Greeting,
        (0, Some(0xff)) => Opening::Greeting,
        (1, _) => Opening::Login,
        (0, Some(_)) => Opening::Command,
        _ => Opening::Other,
    }
}

/// Whether a version as servers have it follows the first octet.
fn printed(data: &[u8]) -> bool {
    let version = data.get(HEADER.saturating_add(1)..).unwrap_or_default();
    let version = version.split(|&b| b == 0).next().unwrap_or_default();
    version.first().is_some_and(u8::is_ascii_digit)
        && version.contains(&b'.')
        && version.len() < 100
        && version.iter().all(|b| (b' '..=b'~').contains(b))
}

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let Some(header) = message::header(seg.data) else {
        return Probe::Unsure;
    };
    if header.length > MAX_FIRST || header.sequence > 1 {
        return Probe::No;
    }
    let end = HEADER.saturating_add(header.length);
    let (body, whole) = match seg.data.get(HEADER..end) {
        Some(body) => (body, true),
        None => (seg.data.get(HEADER..).unwrap_or_default(), false),
    };
    // A server waits for the login, and a client for the answer.
    if seg.data.len() > end && header.sequence == 0 {
        return Probe::No;
    }
    let on_port = seg.on_port(PORT);
    let fits = match (header.sequence, body.first()) {
        (_, None) => return Probe::Unsure,
        (0, Some(10)) => whole && is_greeting(body, on_port),
        (0, Some(0xff)) if on_port => whole && is_refusal(body),
        (0, Some(&command::QUERY)) if on_port => whole && is_query(body),
        (1, _) => whole && is_login(body),
        _ => return Probe::No,
    };
    match (fits, whole) {
        (true, _) => Probe::Certain,
        (false, true) => Probe::No,
        (false, false) => Probe::Unsure,
    }
}

fn is_greeting(body: &[u8], on_port: bool) -> bool {
    let Some(found) = greeting(body) else {
        return false;
    };
    // Below the capabilities of 4.1 there is little that must be as it is.
    let modern = body.len() >= found.version.len().saturating_add(31);
    let version = found.version;
    let plain = version.first().is_some_and(u8::is_ascii_digit)
        && version.contains(&b'.')
        && version.iter().all(|b| (b' '..=b'~').contains(b));
    found.sound && plain && (modern || on_port)
}

fn is_refusal(body: &[u8]) -> bool {
    let text = |words: &[u8]| !words.is_empty() && words.iter().all(|b| (b' '..=b'~').contains(b));
    message::error(body).is_some_and(|(code, _, words)| (1000..4000).contains(&code) && text(words))
}

fn is_query(body: &[u8]) -> bool {
    let text = body.get(1..).unwrap_or_default();
    // Parameters of a query may come before it.
    let text = text.strip_prefix(b"\0\x01").unwrap_or(text);
    text.len() >= 8
        && text.iter().all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..))
        && std::str::from_utf8(text).is_ok()
}

fn is_login(body: &[u8]) -> bool {
    // Nineteen octets of zero stand behind the character set.
    let zeros = body.get(9..28).is_some_and(|filler| filler.iter().all(|&octet| octet == 0));
    zeros
        && login(body).is_some_and(|found| {
            let modern = found.capabilities & capability::PROTOCOL_41 != 0;
            modern && found.user.iter().all(|b| !b.is_ascii_control())
        })
}

/// Whether a segment is a command, after a loss.
pub(super) fn is_command(data: &[u8]) -> bool {
    let known = |code: &u8| message::word(*code).is_some();
    message::header(data).is_some_and(|header| {
        header.sequence == 0
            && data.len() == HEADER.saturating_add(header.length)
            && data.get(HEADER).is_some_and(known)
    })
}

//! Whether a stream begins as IRC does: pure.

use super::message::{Message, parse};
use crate::lines::{is_printable, without_end};
use crate::{Pattern, Probe, Segment};

/// Ports in wide use.
pub(super) const PORTS: &[u16] = &[6667, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6668, 6669, 194];
/// Octets looked at.
const WINDOW: usize = 2048;

/// What servers and clients begin with.
pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::start(b":"),
    Pattern::start(b"NICK "),
    Pattern::start(b"nick "),
    Pattern::start(b"USER "),
    Pattern::start(b"user "),
    Pattern::start(b"PASS "),
    Pattern::start(b"CAP "),
    Pattern::start(b"NOTICE "),
    Pattern::start(b"PING "),
    Pattern::start(b"PRIVMSG "),
    Pattern::start(b"JOIN "),
    Pattern::start(b"ERROR :"),
];

/// Commands that sessions begin with.
const KNOWN: &[&str] = &[
    "CAP", "ERROR", "JOIN", "MODE", "NICK", "NOTICE", "PART", "PASS", "PING", "PONG", "PRIVMSG",
    "PROTOCTL", "QUIT", "SERVER", "USER",
];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let on_port = PORTS.iter().any(|&port| seg.on_port(port));
    let data = seg.data.get(..WINDOW).unwrap_or(seg.data);
    for line in data.split_inclusive(|&b| b == b'\n') {
        let whole = line.ends_with(b"\n");
        let text = without_end(line);
        // Texts may have colours and other languages; what is before them may not.
        let head = text.get(..16).unwrap_or(text);
        if !is_printable(head) || text.len() > 1024 || text.contains(&0) {
            return Probe::No;
        }
        if !whole {
            return unfinished(text);
        }
        let Some(found) = parse(text) else { return Probe::No };
        let known = match found.code() {
            // Numbers are replies, and only servers send them, with their name.
            Some(_) => found.prefix.is_some(),
            None => KNOWN.contains(&found.command.as_str()),
        };
        if !known {
            return Probe::No;
        }
        if says_enough(&found) || (on_port && found.code().is_none()) {
            return Probe::Certain;
        }
    }
    Probe::Unsure
}

fn is_nick(word: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-[]\\`^{}_|".contains(b);
    (1..=32).contains(&word.len()) && word.iter().all(allowed)
}

fn is_channel(word: &[u8]) -> bool {
    matches!(word, [b'#' | b'&' | b'+' | b'!', _, ..])
}

/// Whether a message is one that no other protocol has.
fn says_enough(found: &Message<'_>) -> bool {
    let first = found.parameter(0).unwrap_or_default();
    let from_somebody = found
        .prefix
        .is_some_and(|prefix| prefix.contains(&b'!') || prefix.contains(&b'.') || is_nick(prefix));
    match found.command.as_str() {
        "USER" => found.parameters.len() >= 4 && found.trailing,
        "CAP" => {
            let word = if found.prefix.is_some() { found.parameter(1) } else { Some(first) };
            word.is_some_and(|word| [&b"LS"[..], b"REQ", b"END", b"LIST", b"ACK"].contains(&word))
        }
        "NOTICE" => found.trailing && (from_somebody || [&b"AUTH"[..], b"*"].contains(&first)),
        "PRIVMSG" => found.trailing && (is_channel(first) || is_nick(first)),
        "JOIN" => from_somebody && is_channel(first),
        "PING" => false,
        _ => {
            // A reply with its number, to a nickname.
            found.code().is_some()
                && from_somebody
                && found.parameters.len() >= 2
                && (is_nick(first) || first == b"*")
        }
    }
}

fn unfinished(text: &[u8]) -> Probe {
    if text.starts_with(b":") {
        return if text.len() <= 512 { Probe::Unsure } else { Probe::No };
    }
    let end = text.iter().position(|&b| b == b' ');
    let word = text.get(..end.unwrap_or(text.len())).unwrap_or(text).to_ascii_uppercase();
    let possible = KNOWN.iter().any(|known| match end {
        Some(_) => known.as_bytes() == word.as_slice(),
        None => known.as_bytes().starts_with(&word),
    });
    if possible { Probe::Unsure } else { Probe::No }
}

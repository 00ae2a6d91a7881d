//! Whether a stream begins as POP3 does: pure.
//!
//! Others greet with `+OK` too, and FTP names its users alike: it takes a word in the greeting, a
//! command that only POP3 has, or the port.

use super::message::{COMMANDS, Reply, command, has_stamp, reply};
use crate::lines::{has_word, is_printable, number, split_word, without_end};
use crate::{Pattern, Probe, Segment};

/// The registered port.
pub(super) const PORT: u16 = 110;
/// Octets looked at.
const WINDOW: usize = 2048;

/// Replies, and the commands that clients begin with.
pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::start(b"+OK"),
    Pattern::start(b"-ERR"),
    Pattern::start(b"USER "),
    Pattern::start(b"user "),
    Pattern::start(b"CAPA"),
    Pattern::start(b"capa"),
    Pattern::start(b"AUTH"),
    Pattern::start(b"auth"),
    Pattern::start(b"APOP "),
    Pattern::start(b"STLS"),
    Pattern::start(b"STAT"),
    Pattern::start(b"UIDL"),
    Pattern::start(b"LIST"),
    Pattern::start(b"RETR "),
    Pattern::start(b"PASS "),
];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let data = seg.data.get(..WINDOW).unwrap_or(seg.data);
    match data.first() {
        Some(b'+' | b'-') => replies(data, seg.on_port(PORT)),
        Some(b'a'..=b'z' | b'A'..=b'Z') => commands(data, seg.on_port(PORT)),
        _ => Probe::No,
    }
}

fn replies(data: &[u8], on_port: bool) -> Probe {
    let end = memchr::memchr(b'\n', data);
    let line = data.get(..end.unwrap_or(data.len())).unwrap_or(data);
    let text = without_end(line);
    if end.is_none() {
        let possible = [&b"+OK"[..], b"-ERR"]
            .iter()
            .any(|word| text.starts_with(word) || word.starts_with(text));
        return if possible && text.len() <= 512 { Probe::Unsure } else { Probe::No };
    }
    match reply(text) {
        Some(Reply::Status { good: true, text }) => {
            if on_port || has_word(text, b"POP") || has_stamp(text) {
                Probe::Certain
            } else if text.is_empty() || !text.is_ascii() {
                // The word alone is another protocol's reply.
                Probe::No
            } else {
                Probe::Unsure
            }
        }
        Some(Reply::Status { good: false, .. }) if on_port => Probe::Certain,
        _ => Probe::No,
    }
}

fn commands(data: &[u8], on_port: bool) -> Probe {
    for line in data.split_inclusive(|&b| b == b'\n') {
        let whole = line.ends_with(b"\n");
        let text = without_end(line);
        if !is_printable(text) || text.len() > 255 {
            return Probe::No;
        }
        if !whole {
            return unfinished(text);
        }
        let Some(said) = command(text) else { return Probe::No };
        if !COMMANDS.contains(&said.verb.as_str()) {
            return Probe::No;
        }
        if on_port || says_enough(&said.verb, said.argument) {
            return Probe::Certain;
        }
        // What follows the argument of these in FTP and IRC is not known here.
        if matches!(said.verb.as_str(), "USER" | "PASS") && said.argument.is_empty() {
            return Probe::No;
        }
    }
    Probe::Unsure
}

/// Whether a command is one that no protocol beside POP3 has.
fn says_enough(verb: &str, argument: &[u8]) -> bool {
    match verb {
        "CAPA" | "STLS" => argument.is_empty(),
        "UIDL" => argument.is_empty() || number(argument).is_some(),
        "TOP" => {
            let (message, lines) = split_word(argument);
            number(message).is_some() && number(lines).is_some()
        }
        "APOP" => {
            let digest = split_word(argument).1;
            digest.len() == 32 && digest.iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}

/// A command line without its end yet.
fn unfinished(text: &[u8]) -> Probe {
    let (word, rest) = split_word(text);
    let ended = !rest.is_empty() || text.ends_with(b" ");
    let word = word.to_ascii_uppercase();
    let possible = COMMANDS.iter().any(|verb| match ended {
        true => verb.as_bytes() == word.as_slice(),
        false => verb.as_bytes().starts_with(&word),
    });
    if possible { Probe::Unsure } else { Probe::No }
}

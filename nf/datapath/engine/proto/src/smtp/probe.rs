//! Whether a stream begins as SMTP does: pure.
//!
//! FTP greets with the same code, so that a greeting alone says nothing: it takes a word in it, a
//! command that only SMTP has, the reply to one, or the port.

use super::message::{command, is_host, path, reply};
use crate::lines::{has_word, is_printable, split_word, without_end};
use crate::{Pattern, Probe, Segment};

/// Relay, submission, and what providers use where those are blocked.
pub(super) const PORTS: &[u16] = &[25, 587, 465, 2525];
/// Octets looked at.
const WINDOW: usize = 4096;

/// Codes of greetings and of what is seen where a capture begins late; verbs that clients write in
/// upper, lower or title case.
pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::start(b"220"),
    Pattern::start(b"221"),
    Pattern::start(b"250"),
    Pattern::start(b"354"),
    Pattern::start(b"421"),
    Pattern::start(b"550"),
    Pattern::start(b"554"),
    Pattern::start(b"EHLO"),
    Pattern::start(b"ehlo"),
    Pattern::start(b"Ehlo"),
    Pattern::start(b"HELO"),
    Pattern::start(b"helo"),
    Pattern::start(b"Helo"),
    Pattern::start(b"LHLO"),
    Pattern::start(b"MAIL"),
    Pattern::start(b"mail"),
    Pattern::start(b"RCPT"),
    Pattern::start(b"rcpt"),
    Pattern::start(b"RSET"),
    Pattern::start(b"STARTTLS"),
];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let on_port = PORTS.iter().any(|&port| seg.on_port(port));
    let data = seg.data.get(..WINDOW).unwrap_or(seg.data);
    match data.first() {
        Some(b'2'..=b'5') => replies(data, on_port),
        Some(b'a'..=b'z' | b'A'..=b'Z') => commands(data, on_port),
        _ => Probe::No,
    }
}

fn replies(data: &[u8], on_port: bool) -> Probe {
    let mut greeted = false;
    for line in data.split_inclusive(|&b| b == b'\n') {
        let whole = line.ends_with(b"\n");
        let text = without_end(line);
        if !is_printable(text) && !text.is_ascii() {
            return Probe::No;
        }
        let Some(said) = reply(text) else {
            let begun = !whole && text.len() < 4 && text.iter().take(3).all(u8::is_ascii_digit);
            return if begun { Probe::Unsure } else { Probe::No };
        };
        let is_greeting = matches!(said.code, 220 | 421 | 554);
        if is_greeting && has_word(said.text, b"SMTP") {
            return Probe::Certain;
        }
        if has_word(said.text, b"FTP") || has_word(said.text, b"FileZilla") {
            return Probe::No;
        }
        if !whole {
            return Probe::Unsure;
        }
        let host = is_host(split_word(said.text).0);
        match (greeted, said.code) {
            (false, 220 | 421 | 554) if on_port && host => return Probe::Certain,
            (false, 220) => greeted = true,
            // A stream that begins in its middle.
            (false, 221 | 250 | 354 | 550) if on_port => return Probe::Certain,
            (true, 220) => {}
            (true, 250) if said.more || host || on_port => return Probe::Certain,
            (true, 502..=504 | 530 | 550 | 554) if on_port => return Probe::Certain,
            (true, 250 | 500 | 502..=504) => {}
            _ => return Probe::No,
        }
    }
    Probe::Unsure
}

fn commands(data: &[u8], on_port: bool) -> Probe {
    for line in data.split_inclusive(|&b| b == b'\n') {
        let whole = line.ends_with(b"\n");
        let text = without_end(line);
        if !is_printable(text) || text.len() > 1024 {
            return Probe::No;
        }
        if !whole {
            return unfinished(text);
        }
        let Some(said) = command(text) else { return Probe::No };
        match said.verb.as_str() {
            "EHLO" | "HELO" | "LHLO" if !said.argument.is_empty() || on_port => {
                return Probe::Certain;
            }
            "MAIL" if path(said.argument, b"FROM").is_some() => return Probe::Certain,
            "RCPT" if path(said.argument, b"TO").is_some() => return Probe::Certain,
            "STARTTLS" if on_port => return Probe::Certain,
            "RSET" | "STARTTLS" | "NOOP" => {}
            _ => return Probe::No,
        }
    }
    Probe::Unsure
}

/// A command line without its end yet.
fn unfinished(text: &[u8]) -> Probe {
    const VERBS: &[&[u8]] = &[b"EHLO", b"HELO", b"LHLO", b"MAIL", b"RCPT", b"RSET", b"STARTTLS"];
    let (word, rest) = split_word(text);
    let ended = !rest.is_empty() || text.ends_with(b" ");
    let word = word.to_ascii_uppercase();
    let possible = VERBS.iter().any(|verb| match ended {
        true => *verb == word.as_slice(),
        false => verb.starts_with(&word),
    });
    if possible { Probe::Unsure } else { Probe::No }
}

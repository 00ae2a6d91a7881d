//! Whether a stream begins as IMAP does: pure.

use super::message::{COMMANDS, Response, command, response, string};
use crate::lines::{has_word, is_printable, split_word, without_end};
use crate::{Pattern, Probe, Segment};

/// The registered port.
pub(super) const PORT: u16 = 143;
/// Octets looked at.
const WINDOW: usize = 2048;

/// The greeting, and commands that clients begin with, behind a tag.
pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::start(b"* "),
    Pattern::within(32, b" CAPABILITY"),
    Pattern::within(32, b" capability"),
    Pattern::within(32, b" LOGIN "),
    Pattern::within(32, b" login "),
    Pattern::within(32, b" AUTHENTICATE "),
    Pattern::within(32, b" STARTTLS"),
    Pattern::within(32, b" ID "),
    Pattern::within(32, b" NOOP"),
    Pattern::within(32, b" SELECT "),
    Pattern::within(32, b" UID "),
    Pattern::within(32, b" IDLE"),
];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let data = seg.data.get(..WINDOW).unwrap_or(seg.data);
    match data.first() {
        Some(b'*') => greeting(data, seg.on_port(PORT)),
        Some(b) if b.is_ascii_graphic() => commands(data, seg.on_port(PORT)),
        _ => Probe::No,
    }
}

fn greeting(data: &[u8], on_port: bool) -> Probe {
    for line in data.split_inclusive(|&b| b == b'\n') {
        let whole = line.ends_with(b"\n");
        let text = without_end(line);
        if !text.is_ascii() {
            return Probe::No;
        }
        if !whole {
            let front: &[u8] = b"* ";
            return if text.len() < 2 && !front.starts_with(text) {
                Probe::No
            } else {
                Probe::Unsure
            };
        }
        let Some(Response::Untagged { number, word, rest }) = response(text) else {
            return if response(text).is_some() && on_port { Probe::Certain } else { Probe::No };
        };
        let greets = [&b"OK"[..], b"PREAUTH", b"BYE"].iter().any(|w| word.eq_ignore_ascii_case(w));
        let says = has_word(rest, b"IMAP");
        let counts = [&b"EXISTS"[..], b"RECENT", b"EXPUNGE"].contains(&word) && rest.is_empty();
        match number {
            None if greets && (says || on_port) => return Probe::Certain,
            None if greets && rest.starts_with(b"[") && has_word(rest, b"CAPABILITY") => {
                return Probe::Certain;
            }
            // A stream that begins in its middle.
            None if word == b"CAPABILITY" && says => return Probe::Certain,
            Some(_) if counts && on_port => return Probe::Certain,
            Some(_) if word == b"FETCH" && rest.starts_with(b"(") => return Probe::Certain,
            None if greets => {}
            Some(_) if counts => {}
            _ => return Probe::No,
        }
    }
    Probe::Unsure
}

fn commands(data: &[u8], on_port: bool) -> Probe {
    for line in data.split_inclusive(|&b| b == b'\n') {
        let whole = line.ends_with(b"\n");
        let text = without_end(line);
        if !is_printable(text) || text.len() > 512 {
            return Probe::No;
        }
        if !whole {
            return unfinished(text);
        }
        let Some(said) = command(text) else { return Probe::No };
        let verb = split_word(said.verb.as_bytes()).0;
        if !COMMANDS.iter().any(|known| known.as_bytes() == verb) {
            return Probe::No;
        }
        let argument = said.argument;
        let certain = match said.verb.as_str() {
            "CAPABILITY" | "STARTTLS" | "NAMESPACE" => argument.is_empty(),
            "AUTHENTICATE" => split_word(argument).0.len() >= 4,
            "LOGIN" => {
                let (user, rest) = string(argument);
                !user.is_empty() && !rest.is_empty() && string(rest).1.is_empty()
            }
            "ID" => argument.starts_with(b"(") || argument.eq_ignore_ascii_case(b"NIL"),
            verb => verb.starts_with("UID ") && argument.len() > 2,
        };
        if certain || on_port {
            return Probe::Certain;
        }
    }
    Probe::Unsure
}

/// A command line without its end yet.
fn unfinished(text: &[u8]) -> Probe {
    let (tag, rest) = split_word(text);
    if tag.len() > 32 || tag.iter().any(|b| b"(){%\"\\+".contains(b)) {
        return Probe::No;
    }
    let (word, argument) = split_word(rest);
    let ended = !argument.is_empty() || rest.ends_with(b" ");
    let word = word.to_ascii_uppercase();
    let possible = COMMANDS.iter().any(|verb| match ended {
        true => verb.as_bytes() == word.as_slice(),
        false => verb.as_bytes().starts_with(&word),
    });
    if possible { Probe::Unsure } else { Probe::No }
}

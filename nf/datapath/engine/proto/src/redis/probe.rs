//! Whether a stream is Redis: pure. A command says it anywhere; replies, and commands as lines of
//! words, only on the protocol's own port.

use super::PORT;
use super::message::{Piece, Reader, line, number};
use crate::{Probe, Segment};

/// Most items of a command that is believed.
const MAX_ITEMS: i64 = 1 << 20;
/// Most octets of a command's name that is believed.
const MAX_NAME: i64 = 64;

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    if seg.data.first() == Some(&b'*') {
        return command(seg.data);
    }
    if !seg.on_port(PORT) {
        return Probe::No;
    }
    let (words, whole) = match line(seg.data) {
        Some((line, _)) => (line, true),
        None => (seg.data, false),
    };
    if words.first().is_some_and(u8::is_ascii_alphabetic) {
        return inline(words, whole);
    }
    reply(seg.data)
}

/// `*N CRLF $M CRLF NAME CRLF`, where the name has M letters.
fn command(data: &[u8]) -> Probe {
    let Some((first, length)) = line(data) else {
        let digits = data.get(1..).unwrap_or_default();
        return if data.len() < 10 && numeric(digits) { Probe::Unsure } else { Probe::No };
    };
    let items = first.get(1..).and_then(number);
    if !items.is_some_and(|n| (1..=MAX_ITEMS).contains(&n)) || !ends_well(data, length) {
        return Probe::No;
    }
    let rest = data.get(length..).unwrap_or_default();
    let Some((second, length)) = line(rest) else {
        let begins = match rest.split_first() {
            Some((b'$', digits)) => digits.len() < 5 && numeric(digits),
            Some(_) => false,
            None => true,
        };
        return if begins { Probe::Unsure } else { Probe::No };
    };
    let octets = second.strip_prefix(b"$").and_then(number);
    let Some(octets) = octets.filter(|n| (1..=MAX_NAME).contains(n)) else {
        return Probe::No;
    };
    if !ends_well(rest, length) {
        return Probe::No;
    }
    let name = rest.get(length..).unwrap_or_default();
    let octets = usize::try_from(octets).unwrap_or(0);
    let letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'|');
    if !name.iter().take(octets).all(letter) {
        return Probe::No;
    }
    match name.get(octets..) {
        Some([b'\r', b'\n', ..]) => Probe::Certain,
        Some([] | [b'\r']) | None => Probe::Unsure,
        Some(_) => Probe::No,
    }
}

fn numeric(digits: &[u8]) -> bool {
    let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
    digits.iter().all(u8::is_ascii_digit)
}

fn ends_well(data: &[u8], length: usize) -> bool {
    data.get(..length).is_some_and(|line| line.ends_with(b"\r\n"))
}

/// A command as a line of words that clients and people begin with.
fn inline(words: &[u8], whole: bool) -> Probe {
    let known: [&[u8]; 4] = [b"PING", b"INFO", b"AUTH", b"QUIT"];
    let name = words.split(|&b| b == b' ').next().unwrap_or_default();
    let is_known = known.iter().any(|k| k.eq_ignore_ascii_case(name));
    match (is_known, whole) {
        (true, true) => Probe::Certain,
        (_, false) if words.len() < 256 => Probe::Unsure,
        _ => Probe::No,
    }
}

/// Replies that fill the segment, with enough octets that had to be as they are.
fn reply(data: &[u8]) -> Probe {
    let known: [&[u8]; 6] =
        [b"+OK\r\n", b"+PONG\r\n", b"+QUEUED\r\n", b"-ERR ", b"-NOAUTH ", b"-WRONGTYPE "];
    if known.iter().any(|begin| data.starts_with(begin)) {
        return Probe::Certain;
    }
    let (mut reader, mut rest) = (Reader::default(), data);
    for _ in 0..64 {
        match reader.next(rest, false) {
            Piece::Took(length) => rest = rest.get(length..).unwrap_or_default(),
            Piece::Whole(length, value) => {
                let bulk = value.kind == b'$' && !value.null && value.octets > 6;
                let whole = rest.len() == length;
                return if bulk && whole { Probe::Certain } else { Probe::No };
            }
            Piece::Wait => return Probe::Unsure,
            Piece::Malformed => return Probe::No,
        }
    }
    Probe::No
}

/// Whether a value begins at the front of `data`, after a loss.
pub(super) fn begins(data: &[u8], asks: bool) -> bool {
    if asks {
        return command(data) == Probe::Certain;
    }
    let Some((first, length)) = line(data) else {
        return false;
    };
    let rest = first.get(1..).unwrap_or_default();
    ends_well(data, length)
        && match first.first() {
            Some(b'+' | b'-') => rest.iter().all(|b| (b' '..=b'~').contains(b)),
            Some(b':' | b'$' | b'*' | b'%' | b'~' | b'>') => number(rest).is_some(),
            Some(b'_') => rest.is_empty(),
            _ => false,
        }
}

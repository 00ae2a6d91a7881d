//! Whether a stream begins with HTTP/1: pure.

use super::line::{Version, is_method, is_usual_method, request_line, status_line, trim};
use crate::{Probe, Segment};

/// A request line of this length that has not ended is believed for its beginning.
const BELIEVED: usize = 1024;
/// Ports on which a line without version is taken for HTTP/0.9.
const PORTS: [u16; 4] = [80, 8000, 8008, 8080];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let mut data = seg.data;
    // RFC 9112 §2.2: empty lines before a request are to be ignored.
    while let [b'\r' | b'\n', rest @ ..] = data {
        data = rest;
    }
    match data.first() {
        None => return if seg.data.len() > 64 { Probe::No } else { Probe::Unsure },
        Some(first) if !first.is_ascii_alphabetic() => return Probe::No,
        Some(_) => {}
    }
    let window = data.get(..8192).unwrap_or(data);
    let Some(end) = memchr::memchr(b'\n', window) else {
        return unfinished(window);
    };
    let (line, rest) = data.split_at_checked(end).unwrap_or((data, &[]));
    if line.starts_with(b"HTTP/") {
        return match status_line(line) {
            Some(line) if is_http1(line.version) => Probe::Certain,
            _ => Probe::No,
        };
    }
    match request_line(line) {
        None => Probe::No,
        Some(line) => match line.version {
            Some(version) if is_http1(version) => Probe::Certain,
            Some(_) => Probe::No,
            None => without_version(seg, line.target, rest),
        },
    }
}

fn is_http1(version: Version) -> bool {
    version.major == 1 || (version.major, version.minor) == (0, 9)
}

/// `GET /x` and a line end: HTTP/0.9 where HTTP is usual, and a request that lost its version
/// where a Host field follows.
fn without_version(seg: &Segment<'_>, target: &[u8], rest: &[u8]) -> Probe {
    if !target.starts_with(b"/") {
        return Probe::No;
    }
    if PORTS.iter().any(|&port| seg.on_port(port)) {
        return Probe::Certain;
    }
    let mut lines = rest.split(|&b| b == b'\n').skip(1).take(32);
    if lines.any(|line| line.get(..5).is_some_and(|l| l.eq_ignore_ascii_case(b"host:"))) {
        Probe::Certain
    } else {
        Probe::Unsure
    }
}

/// The first line has no end yet.
fn unfinished(line: &[u8]) -> Probe {
    let Some(space) = line.iter().take(40).position(|&b| b == b' ' || b == b'\t') else {
        let begun = line.strip_suffix(b"\r").unwrap_or(line);
        let status = b"HTTP/1.".get(..line.len().min(7)) == line.get(..line.len().min(7));
        let possible = is_method(begun) || (status && line.len() < 9);
        return if possible { Probe::Unsure } else { Probe::No };
    };
    let (word, rest) = line.split_at_checked(space).unwrap_or((line, &[]));
    let rest = trim(rest);
    if word.starts_with(b"HTTP/") {
        let digits = rest.iter().take(3).all(u8::is_ascii_digit);
        return match word {
            b"HTTP/1.0" | b"HTTP/1.1" if digits && rest.len() > 3 => Probe::Certain,
            b"HTTP/1.0" | b"HTTP/1.1" if digits => Probe::Unsure,
            _ => Probe::No,
        };
    }
    let clean = line.iter().all(|&b| b >= b' ' && b != 0x7f || b == b'\t' || b == b'\r');
    if !is_method(word) || word == b"PRI" || !clean {
        return Probe::No;
    }
    let Some(&first) = rest.first() else {
        return Probe::Unsure;
    };
    let absolute = rest.starts_with(b"http://") || rest.starts_with(b"https://");
    if is_usual_method(word) && (first == b'/' || absolute) && line.len() >= BELIEVED {
        return Probe::Certain;
    }
    // Prose has more words than a request line; a target may hold a few spaces.
    let words = rest.split(|&b| b == b' ').filter(|w| !w.is_empty()).count();
    if words > 8 { Probe::No } else { Probe::Unsure }
}

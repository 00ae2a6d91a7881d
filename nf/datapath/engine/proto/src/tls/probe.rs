//! Recognising TLS in the first octets of a stream, from its start or from its middle.

use super::handshake::{self, kind};
use super::record::{self, Header, MAX_FRAGMENT, Ssl2ClientHello, content};
use crate::{Cursor, Probe, Segment};

/// Ports that carry TLS from the first octet.
pub const PORTS: &[u16] = &[
    443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 2376, 4433, 5061, 5223, 5228, 5349,
    5671, 6443, 6697, 8443, 8883, 9443,
];

/// Record headers in a row that make a stream TLS without a hello, off and on TLS's ports.
const HEADERS_ELSEWHERE: usize = 3;
const HEADERS_ON_PORT: usize = 2;

/// Most empty records in front of a hello.
const MAX_EMPTY: usize = 64;

/// See [`crate::Protocol::probe`].
pub fn probe(seg: &Segment<'_>) -> Probe {
    let seg = &without_empty_records(seg);
    let Some(header) = Header::read(seg.data) else {
        return short(seg.data);
    };
    if header.fault().is_some() {
        return ssl2(seg);
    }
    let fragment = seg.data.get(record::HEADER_LEN..).unwrap_or_default();
    match header.content {
        content::HANDSHAKE => match hello(&header, fragment, seg.cut) {
            Some(verdict) => verdict,
            None => middle(seg),
        },
        content::ALERT if header.length == 2 => alert(fragment),
        _ => middle(seg),
    }
}

/// Handshake records without content are forbidden and tell nothing, but they must not hide what
/// follows them.
fn without_empty_records<'a>(seg: &Segment<'a>) -> Segment<'a> {
    let mut data = seg.data;
    for _ in 0..MAX_EMPTY {
        match Header::read(data).filter(|h| h.content == content::HANDSHAKE && h.length == 0) {
            Some(header) if header.fault().is_none() => {
                data = data.get(record::HEADER_LEN..).unwrap_or_default();
            }
            _ => break,
        }
    }
    Segment { data, ..*seg }
}

/// Fewer octets than a record header: could the rest still come?
fn short(data: &[u8]) -> Probe {
    let tls = match data {
        [] => true,
        [content] => (20..=24).contains(content),
        [content, major, ..] => (20..=24).contains(content) && *major == 3,
    };
    let ssl2 = match data {
        [] => true,
        [first] | [first, _] => first & 0x80 != 0,
        [first, _, message, ..] => first & 0x80 != 0 && *message == 1,
    };
    if tls || ssl2 { Probe::Unsure } else { Probe::No }
}

fn ssl2(seg: &Segment<'_>) -> Probe {
    let &[first, _, 1, major, ..] = seg.data else {
        return Probe::No;
    };
    if first & 0x80 == 0 || !matches!(major, 0 | 3) {
        return Probe::No;
    }
    if seg.data.len() < Ssl2ClientHello::FIXED {
        return Probe::Unsure;
    }
    match Ssl2ClientHello::parse(seg.data) {
        Some(_) => Probe::Certain,
        None => Probe::No,
    }
}

/// A record that starts with a hello; `None` when it starts with something else, or when too
/// little of the hello is in it to tell.
fn hello(record: &Header, fragment: &[u8], cut: bool) -> Option<Probe> {
    let fragment = fragment.get(..record.length).unwrap_or(fragment);
    let ends_here = fragment.len() == record.length;
    let unsure = if ends_here { None } else { Some(Probe::Unsure) };
    let Some(message) = handshake::Header::read(fragment) else {
        let is_known = fragment.first().is_none_or(|&first| kind::is_known(first));
        return if is_known && !cut { unsure } else { Some(Probe::No) };
    };
    // Version, random, and the empty forms of what follows.
    let least = match message.kind {
        kind::CLIENT_HELLO => 41,
        kind::SERVER_HELLO => 36,
        _ => return None,
    };
    if message.length < least || message.length > MAX_FRAGMENT.saturating_mul(4) {
        return None;
    }
    let mut c = Cursor::new(fragment);
    let Some(version) = c.skip(handshake::HEADER_LEN).and_then(|()| c.u16()) else {
        return unsure;
    };
    if !matches!(version >> 8, 3 | 0x7f) || version & 0xff > 0x1f {
        return Some(Probe::No);
    }
    let Some(session_length) = c.skip(32).and_then(|()| c.u8()) else {
        return if cut { Some(Probe::Certain) } else { unsure };
    };
    if version >> 8 == 3 && session_length > 32 {
        return Some(Probe::No);
    }
    if message.kind == kind::CLIENT_HELLO
        && let Some(length) = c.skip(session_length.into()).and_then(|()| c.u16())
        && (length < 2 || length & 1 == 1 || usize::from(length) > message.length)
    {
        return Some(Probe::No);
    }
    Some(Probe::Certain)
}

/// A stream of which the first record is an alert in clear.
fn alert(fragment: &[u8]) -> Probe {
    match fragment {
        [] | [1 | 2] => Probe::Unsure,
        [1 | 2, description] if *description <= 121 => Probe::Certain,
        [1 | 2, description, rest @ ..] if *description <= 121 => match Header::read(rest) {
            Some(next) if next.fault().is_none() => Probe::Certain,
            Some(_) => Probe::No,
            None => Probe::Unsure,
        },
        _ => Probe::No,
    }
}

/// A stream that was joined after its hello: several consecutive headers must agree,
/// or one with the length of what has come.
fn middle(seg: &Segment<'_>) -> Probe {
    let on_port = PORTS.iter().any(|&port| seg.on_port(port));
    let wanted = if on_port { HEADERS_ON_PORT } else { HEADERS_ELSEWHERE };
    let mut rest = seg.data;
    let mut seen = 0usize;
    let mut version = None;
    while let Some(header) = Header::read(rest) {
        if header.fault().is_some() || header.length == 0 {
            return Probe::No;
        }
        if *version.get_or_insert(header.version) != header.version {
            return Probe::No;
        }
        seen = seen.saturating_add(1);
        if seen >= wanted {
            return Probe::Certain;
        }
        match rest.get(header.total()..) {
            // On a port of TLS's, one record that is just as long as what came will do.
            Some([]) if on_port => return Probe::Certain,
            Some(tail) => rest = tail,
            None => return Probe::Unsure,
        }
    }
    match short(rest) {
        Probe::No => Probe::No,
        _ => Probe::Unsure,
    }
}

//! Whether a stream is PostgreSQL: pure. A start says it; of a session that began earlier,
//! messages that fill a segment and hold what they must.

use super::message::{
    CANCEL_REQUEST, Front, GSS_REQUEST, Header, MAX_STARTUP, SSL_REQUEST, client_word, complaint,
    front, parameters, server_word,
};
use crate::{Cursor, Probe, Segment};

/// Most messages looked at.
const MAX_MESSAGES: usize = 32;
/// Bits of evidence that a session must show that began earlier.
const ENOUGH: u32 = 48;

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    if seg.data.first() == Some(&0) {
        return startup(seg.data);
    }
    match sender(seg.data).and_then(|from_client| evidence(seg.data, from_client)) {
        Some(bits) if bits >= ENOUGH => Probe::Certain,
        Some(_) if seg.data.len() < 4096 => Probe::Unsure,
        _ => Probe::No,
    }
}

/// Whether a session starts here.
pub(super) fn starts(data: &[u8]) -> bool {
    data.first() == Some(&0)
}

fn startup(data: &[u8]) -> Probe {
    let mut c = Cursor::new(data);
    let (Some(length), Some(code)) = (c.u32(), c.u32()) else {
        return Probe::Unsure;
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match (code, length) {
        (SSL_REQUEST | GSS_REQUEST, 8) | (CANCEL_REQUEST, 16..=268) => Probe::Certain,
        (0x0003_0000..=0x0003_0002, 9..=MAX_STARTUP) => {
            let Some(body) = data.get(8..length) else {
                return Probe::Unsure;
            };
            // A user is the one name that must be there.
            let named =
                parameters(body).is_some_and(|p| p.iter().any(|(name, _)| *name == b"user"));
            if named { Probe::Certain } else { Probe::No }
        }
        _ => Probe::No,
    }
}

/// Bits that messages at the front of `data` agree with the protocol in; `None` when they do not.
fn evidence(data: &[u8], from_client: bool) -> Option<u32> {
    let mut rest = data;
    let mut bits = 0u32;
    for _ in 0..MAX_MESSAGES {
        let header = match front(rest, true) {
            Front::Header(header) => header,
            Front::Partial => return Some(0),
            Front::Malformed => return None,
        };
        let body = rest.get(header.size..).unwrap_or_default();
        let Some((body, behind)) = body.split_at_checked(header.length) else {
            return Some(0);
        };
        bits = bits.saturating_add(bits_of(&header, body, from_client)?);
        if behind.is_empty() {
            // The lower half says where the segment ends.
            return Some(bits.saturating_add(16));
        }
        rest = behind;
    }
    Some(bits)
}

fn is_text(body: &[u8]) -> bool {
    let Some((0, text)) = body.split_last() else {
        return false;
    };
    let printed = |b: &u8| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..);
    !text.is_empty() && text.iter().all(printed) && std::str::from_utf8(text).is_ok()
}

/// What one message adds: its length is 24 bits where it is short, its content some more.
fn bits_of(header: &Header, body: &[u8], from_client: bool) -> Option<u32> {
    let known = if from_client { client_word(header.kind) } else { server_word(header.kind) };
    known?;
    let holds = match (from_client, header.kind) {
        (true, b'Q') => is_text(body).then_some(16),
        (true, b'S' | b'H' | b'X' | b'c')
        | (false, b'1' | b'2' | b'3' | b'I' | b'n' | b's' | b'c') => body.is_empty().then_some(24),
        (false, b'Z') => matches!(body, [b'I' | b'T' | b'E']).then_some(30),
        (false, b'R') => matches!(body, [0, 0, 0, 0..=12, ..]).then_some(28),
        (false, b'C') => is_text(body).then_some(16),
        (false, b'E') => (complaint(body).code.len() == 5).then_some(30),
        (false, b'S') => {
            let pair = body.iter().filter(|&&b| b == 0).count() == 2 && body.last() == Some(&0);
            pair.then_some(12)
        }
        (false, b'K') => (body.len() >= 8).then_some(8),
        (false, b'T' | b'D') => (body.len() >= 2).then_some(4),
        (true, b'P') => (body.iter().filter(|&&b| b == 0).count() >= 2).then_some(8),
        (true, b'B' | b'D' | b'E' | b'C') => (body.len() >= 2).then_some(8),
        _ => Some(0),
    };
    // The upper half of a length is zero.
    holds.map(|bits: u32| bits.saturating_add(16))
}

/// Whether the client or the server begins with such a message; some types both have.
pub(super) fn sender(data: &[u8]) -> Option<bool> {
    match data.first()? {
        b'Q' | b'P' | b'B' => Some(true),
        b'R' | b'T' | b'1' | b'2' | b'Z' | b'K' | b'N' => Some(false),
        // Close ends with NUL after a letter that says what; a tag has none such.
        b'C' => Some(matches!(data.get(5), Some(b'S' | b'P')) && data.get(6) == Some(&0)),
        _ => None,
    }
}

/// Whether messages go on at the front of `data`, after a loss.
pub(super) fn follows(data: &[u8], from_client: bool) -> bool {
    let short = matches!(front(data, true), Front::Header(header) if header.length < 1 << 16);
    let known = data.first().is_some_and(|&kind| match from_client {
        true => client_word(kind).is_some(),
        false => server_word(kind).is_some(),
    });
    short && known && evidence(data, from_client).is_some()
}

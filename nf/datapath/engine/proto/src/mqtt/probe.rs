//! Whether a stream is MQTT: pure. A CONNECT says it; of a session that began earlier, packets
//! that follow each other on the protocol's own port do.

use super::PORTS;
use super::message::{self, Front, Header, Varint, kind, varint};
use crate::{Cursor, Probe, Segment};

/// Bits of evidence that a session without CONNECT must show.
const ENOUGH: u32 = 24;
/// Most packets looked at.
const MAX_PACKETS: usize = 16;

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    if seg.data.first() == Some(&(kind::CONNECT << 4)) {
        return connect(seg.data);
    }
    if !PORTS.iter().any(|&port| seg.on_port(port)) {
        return Probe::No;
    }
    match evidence(seg.data) {
        Some(bits) if bits >= ENOUGH => Probe::Certain,
        Some(_) => Probe::Unsure,
        None => Probe::No,
    }
}

/// The beginning of a CONNECT: its length, the protocol's name and version, and flags.
fn connect(data: &[u8]) -> Probe {
    let mut c = Cursor::new(data);
    let _ = c.u8();
    match varint(&mut c) {
        Varint::Value(length) if length >= 12 => {}
        Varint::Partial => return Probe::Unsure,
        _ => return Probe::No,
    }
    let rest = c.rest();
    if let Some((_, version, _)) = message::introduction(&mut c) {
        return match c.u8() {
            // The lowest bit is reserved, and a password came with a user name before version 5.
            Some(flags) if flags & 1 == 0 && flags & 0x18 != 0x18 => {
                let alone = flags & 0xc0 == 0x40 && version != message::VERSION_5;
                if alone { Probe::No } else { Probe::Certain }
            }
            Some(_) => Probe::No,
            None => Probe::Unsure,
        };
    }
    let begins = |name: &[u8]| name.starts_with(rest) || rest == name;
    if begins(b"\0\x04MQTT") || begins(b"\0\x06MQIsdp") { Probe::Unsure } else { Probe::No }
}

/// Bits that the packets at the front of `data` agree with MQTT in; `None` when they do not.
fn evidence(data: &[u8]) -> Option<u32> {
    let mut rest = data;
    let mut bits = 0u32;
    for _ in 0..MAX_PACKETS {
        if rest.is_empty() {
            break;
        }
        let header = match message::header(rest) {
            Front::Header(header) => header,
            Front::Partial => break,
            Front::Malformed => return None,
        };
        let length = usize::try_from(header.length).ok()?;
        let behind = rest.get(header.size..).unwrap_or_default();
        let body = behind.get(..length).unwrap_or(behind);
        bits = bits.saturating_add(bits_of(&header, body)?);
        if body.len() < length {
            break;
        }
        rest = behind.get(length..).unwrap_or_default();
    }
    Some(bits)
}

/// What one packet adds.
fn bits_of(header: &Header, body: &[u8]) -> Option<u32> {
    if header.kind == kind::CONNECT || !header.has_valid_flags(4) {
        return None;
    }
    match (header.kind, header.length) {
        (kind::CONNACK, 2..=255) => match body {
            [] => Some(4),
            [0 | 1, ..=5 | 0x80..=0x9f, ..] => Some(if header.length == 2 { 24 } else { 16 }),
            _ => None,
        },
        (kind::PUBLISH, 4..) if header.qos() < 3 => {
            let mut c = Cursor::new(body);
            let Some(topic) = c.prefixed_u16() else {
                return Some(4);
            };
            let plain =
                topic.iter().all(|b| (b' '..=b'~').contains(b) && !matches!(b, b'#' | b'+'));
            let octets = u32::try_from(topic.len()).ok()?;
            // A letter of print is worth more than a bit; the length before it eight more.
            (plain && octets > 0).then(|| octets.min(20).saturating_add(4))
        }
        (kind::PUBACK..=kind::PUBCOMP | kind::UNSUBACK, 2) => Some(12),
        (kind::SUBACK, 3) => match body {
            [_, _, 0..=2 | 0x80] | [] | [_] | [_, _] => Some(12),
            _ => None,
        },
        (kind::PINGREQ | kind::PINGRESP, 0) => Some(12),
        (kind::SUBSCRIBE | kind::UNSUBSCRIBE, 5..=4096) => Some(4),
        (kind::PUBACK..=kind::PUBCOMP | kind::SUBACK | kind::UNSUBACK, 3..=1024) => Some(4),
        (kind::DISCONNECT, 0) => Some(8),
        _ => None,
    }
}

/// Whether packets go on at the front of `data`, after a loss.
pub(super) fn follows(data: &[u8]) -> bool {
    evidence(data).is_some_and(|bits| bits >= 12)
}

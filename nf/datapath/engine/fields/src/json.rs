//! Values as JSON (RFC 8259), written straight into a byte buffer.
//!
//! Text of the wire that is not UTF-8 keeps its readable part; each stray octet becomes `\xNN`
//! (the backslash itself escaped, as JSON asks). Octets become hexadecimal, times become seconds
//! since the epoch with nine decimals, addresses their usual text. Absent fields are left out.

use std::io::Write;
use std::net::IpAddr;

use crate::{Fields, Mac, Value};

/// Deepest nesting written; what lies deeper becomes `null`. Records of the engine stay far below.
const MAX_DEPTH: u8 = 8;

/// Appends `record` as a JSON object.
pub fn write_record(out: &mut Vec<u8>, record: &dyn Fields) {
    record_at(out, record, 0);
}

/// Appends `value`; [`Value::None`] becomes `null`. Where the compiler sees of which kind it is,
/// only that remains.
#[inline(always)]
pub fn write_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::None => out.extend_from_slice(b"null"),
        Value::Uint(v) => write_uint(out, v),
        Value::Text(v) => write_text(out, v),
        Value::Time(v) => write_time(out, v),
        value => value_at(out, value, 0),
    }
}

fn record_at(out: &mut Vec<u8>, record: &dyn Fields, depth: u8) {
    out.push(b'{');
    let mut first = true;
    for (position, field) in record.field_list().iter().enumerate() {
        let value = record.get(position);
        if value.is_none() {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        out.push(b'"');
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        value_at(out, value, depth.saturating_add(1));
    }
    out.push(b'}');
}

fn value_at(out: &mut Vec<u8>, value: Value<'_>, depth: u8) {
    if depth > MAX_DEPTH {
        out.extend_from_slice(b"null");
        return;
    }
    match value {
        Value::None => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Uint(v) => write_uint(out, v),
        Value::Int(v) => {
            if v < 0 {
                out.push(b'-');
            }
            write_uint(out, v.unsigned_abs());
        }
        // Writing to a Vec cannot fail; JSON has no infinities.
        Value::Float(v) if v.is_finite() => drop(write!(out, "{v}")),
        Value::Float(_) => out.extend_from_slice(b"null"),
        Value::Text(v) => write_text(out, v),
        Value::Binary(v) => {
            out.push(b'"');
            for byte in v {
                push_hex(out, *byte);
            }
            out.push(b'"');
        }
        Value::Mac(v) => drop(write!(out, "\"{}\"", Mac(v))),
        Value::Ip(v) => {
            out.push(b'"');
            write_ip(out, v);
            out.push(b'"');
        }
        Value::Time(v) => write_time(out, v),
        Value::List(list) => {
            out.push(b'[');
            for index in 0..list.len() {
                if index > 0 {
                    out.push(b',');
                }
                value_at(out, list.item(index), depth.saturating_add(1));
            }
            out.push(b']');
        }
        Value::Record(record) => record_at(out, record, depth),
    }
}

/// Appends an address in its usual text.
pub fn write_ip(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            let mut text = [b'.'; 20];
            let mut at = 0usize;
            for octet in v4.octets() {
                let [a, b, c, length] = OCTETS.get(usize::from(octet)).copied().unwrap_or_default();
                if let Some(room) = text.get_mut(at..).and_then(|t| t.first_chunk_mut::<4>()) {
                    *room = [a, b, c, b'.'];
                }
                // Shorter ones are padded with dots: the next octet comes right behind one.
                at = at.wrapping_add(usize::from(length)).wrapping_add(1);
            }
            push_short(out, &text, at.wrapping_sub(1));
        }
        // Writing to a Vec cannot fail.
        IpAddr::V6(v6) => drop(write!(out, "{v6}")),
    }
}

/// Appends nanoseconds since the epoch as seconds with nine decimals.
pub fn write_time(out: &mut Vec<u8>, nanoseconds: u64) {
    let (seconds, mut fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    write_uint(out, seconds);
    let mut digits = *b".000000000";
    for pair in digits.rchunks_exact_mut(2).take(4) {
        pair.copy_from_slice(PAIRS.get((fraction % 100) as usize).unwrap_or(&[b'0'; 2]));
        fraction /= 100;
    }
    let [_, first, ..] = &mut digits;
    *first = b'0' + fraction as u8;
    out.extend_from_slice(&digits);
}

/// Appends `value` in decimal.
#[inline]
pub fn write_uint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..10 => out.push(b'0' + value as u8),
        10..100 => out.extend_from_slice(PAIRS.get(value as usize).unwrap_or(&[b'0'; 2])),
        _ => write_long(out, value),
    }
}

fn write_long(out: &mut Vec<u8>, mut value: u64) {
    // Twice as long as any number: what follows the digits fills the copy of fixed length.
    let mut digits = [0u8; 2 * LONGEST];
    let mut start = LONGEST;
    while value >= 10 {
        start = start.wrapping_sub(2);
        if let Some(room) = digits.get_mut(start..).and_then(|d| d.first_chunk_mut::<2>()) {
            *room = PAIRS.get((value % 100) as usize).copied().unwrap_or_default();
        }
        value /= 100;
    }
    if value > 0 {
        start = start.wrapping_sub(1);
        if let Some(room) = digits.get_mut(start) {
            *room = b'0' + value as u8;
        }
    }
    if let Some(from) = digits.get(start..).and_then(|d| d.first_chunk::<LONGEST>()) {
        push_short(out, from, LONGEST.wrapping_sub(start));
    }
}

/// Digits of the greatest number.
const LONGEST: usize = 20;

/// Every number of two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

/// Every octet in decimal, and how many digits it has.
const OCTETS: [[u8; 4]; 256] = {
    let mut octets = [[b'.', b'.', b'.', 1]; 256];
    let mut n = 0;
    while n < 256 {
        let [a, b, c] = [b'0' + (n / 100) as u8, b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8];
        octets[n] = match n {
            0..10 => [c, b'.', b'.', 1],
            10..100 => [b, c, b'.', 2],
            _ => [a, b, c, 3],
        };
        n += 1;
    }
    octets
};

/// Appends the first `length` octets of `padded`: a copy of fixed length takes two instructions,
/// one of unknown length a call.
#[inline]
pub fn push_short<const N: usize>(out: &mut Vec<u8>, padded: &[u8; N], length: usize) {
    let end = out.len().saturating_add(length.min(N));
    out.extend_from_slice(padded);
    out.truncate(end);
}

/// Appends `text` as a JSON string.
pub fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    // Nearly all text is plain and goes as it is.
    // Without a way out of the loop it is done for many octets at once.
    let odd = |b: u8| !matches!(b, b' '..=b'~') | matches!(b, b'"' | b'\\');
    if !text.iter().fold(false, |some, &b| some | odd(b)) {
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
    for chunk in text.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..=0x1f => {
                    out.extend_from_slice(b"\\u00");
                    push_hex(out, byte);
                }
                _ => out.push(byte),
            }
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(b"\\\\x");
            push_hex(out, *byte);
        }
    }
    out.push(b'"');
}

fn push_hex(out: &mut Vec<u8>, byte: u8) {
    for nibble in [byte >> 4, byte & 0xf] {
        out.push(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: Value<'_>) -> String {
        let mut out = Vec::new();
        write_value(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(json(Value::Uint(0)), "0");
        assert_eq!(json(Value::Uint(u64::MAX)), "18446744073709551615");
        assert_eq!(json(Value::Int(i64::MIN)), "-9223372036854775808");
        let mut edge = 1u64;
        for _ in 0..20 {
            for number in [edge - 1, edge, edge + 1] {
                assert_eq!(json(Value::Uint(number)), number.to_string());
            }
            edge = edge.saturating_mul(10).min(u64::MAX - 1);
        }
        assert_eq!(json(Value::Time(3_000_000_000)), "3.000000000");
        assert_eq!(json(Value::Time(1_100_000_000)), "1.100000000");
        assert_eq!(json(Value::Time(1_700_000_000_000_000_042)), "1700000000.000000042");
    }

    #[test]
    fn text_that_is_not_utf8_stays_valid_json() {
        assert_eq!(
            json(Value::Text(b"a\"\\\n\x01\xff\xc3\xa9")),
            "\"a\\\"\\\\\\n\\u0001\\\\xffé\""
        );
    }

    #[test]
    fn addresses_read_as_usual() {
        assert_eq!(json(Value::Ip("192.0.2.10".parse().unwrap())), "\"192.0.2.10\"");
        assert_eq!(json(Value::Ip("2001:db8::1".parse().unwrap())), "\"2001:db8::1\"");
        for octet in 0..=255u8 {
            for octets in [[octet, 9, 99, 255], [255, octet, octet, octet]] {
                let address = std::net::Ipv4Addr::from(octets);
                assert_eq!(json(Value::Ip(address.into())), format!("\"{address}\""));
            }
        }
    }

    #[test]
    fn infinities_become_null() {
        assert_eq!(json(Value::Float(f64::INFINITY)), "null");
        assert_eq!(json(Value::Float(1.5)), "1.5");
    }
}

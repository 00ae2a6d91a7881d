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

/// Appends `value`; [`Value::None`] becomes `null`.
pub fn write_value(out: &mut Vec<u8>, value: Value<'_>) {
    value_at(out, value, 0);
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
            for (n, octet) in v4.octets().into_iter().enumerate() {
                if n > 0 {
                    out.push(b'.');
                }
                write_uint(out, octet.into());
            }
        }
        // Writing to a Vec cannot fail.
        IpAddr::V6(v6) => drop(write!(out, "{v6}")),
    }
}

/// Appends nanoseconds since the epoch as seconds with nine decimals.
pub fn write_time(out: &mut Vec<u8>, nanoseconds: u64) {
    write_uint(out, nanoseconds / 1_000_000_000);
    let mut fraction = nanoseconds % 1_000_000_000;
    let mut digits = *b".000000000";
    for digit in digits.iter_mut().skip(1).rev() {
        *digit = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
    out.extend_from_slice(&digits);
}

/// Appends `value` in decimal.
pub fn write_uint(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
        start -= 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Appends `text` as a JSON string.
pub fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    // Nearly all text is plain and goes as it is.
    if text.iter().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\')) {
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
    }

    #[test]
    fn infinities_become_null() {
        assert_eq!(json(Value::Float(f64::INFINITY)), "null");
        assert_eq!(json(Value::Float(1.5)), "1.5");
    }
}

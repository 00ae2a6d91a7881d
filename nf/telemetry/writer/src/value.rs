//! `TypedValue`s of PROTO (specification section 2.2.4).

use nf_libyang::Value;

use crate::wire;

/// The field of a `TypedValue` that a value is.
pub(crate) fn scalar(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Unsigned { number, .. } => {
            out.push(0x18);
            wire::varint(out, number);
        }
        Value::Signed { number, .. } => {
            out.push(0x10);
            wire::varint(out, number.cast_unsigned());
        }
        Value::Bool(truth) => out.extend_from_slice(&[0x20, u8::from(truth)]),
        Value::Empty => out.extend_from_slice(&[0x20, 1]),
        Value::Decimal(text) => match decimal(text) {
            Some(number) => {
                out.push(0x71);
                out.extend_from_slice(&number.to_le_bytes());
            }
            None => wire::sized(out, 0x0A, text),
        },
        Value::Binary(text) => {
            wire::wrapped(out, 0x2A, |out| from_base64(out, text));
        }
        Value::Text(text) => wire::sized(out, 0x0A, text),
    }
}

/// The field of a `TypedValue` that a leaf-list is.
pub(crate) fn scalars<'t>(out: &mut Vec<u8>, values: impl Iterator<Item = Value<'t>>) {
    wire::wrapped(out, 0x42, |out| {
        for value in values {
            wire::wrapped(out, 0x0A, |out| scalar(out, value));
        }
    });
}

fn decimal(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Octets of base64 (RFC 4648); libyang has seen to it that it is, and line ends do not count.
fn from_base64(out: &mut Vec<u8>, text: &[u8]) {
    let (mut bits, mut count) = (0u32, 0);
    for &letter in text {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, octets) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9vYmFy", b"foobar"),
            ("/+8A\nAQ==", &[0xFF, 0xEF, 0x00, 0x01]),
        ] {
            let mut out = Vec::new();
            from_base64(&mut out, text.as_bytes());
            assert_eq!(out, octets);
        }
    }

    #[test]
    fn scalars_have_the_field_of_their_type() {
        let written = |value| {
            let mut out = Vec::new();
            scalar(&mut out, value);
            out
        };
        assert_eq!(written(Value::Unsigned { number: 150, wide: true }), [0x18, 0x96, 1]);
        assert_eq!(written(Value::Signed { number: -1, wide: false }).len(), 11);
        assert_eq!(written(Value::Text(b"ab")), [0x0A, 2, b'a', b'b']);
        assert_eq!(written(Value::Decimal(b"0.5"))[1..], 0.5f64.to_le_bytes());
    }
}

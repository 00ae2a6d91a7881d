//! Search filters as people write them (RFC 4515), from their octets.

use super::ber::{element, expect, tag};
use crate::Cursor;

/// How deep filters may nest.
const MAX_DEPTH: u8 = 16;

/// Writes a filter of at most `most` octets; `None` when it is malformed. What exceeds the bound
/// is left out.
pub(super) fn write(kind: u8, octets: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    put(kind, octets, MAX_DEPTH, most, &mut out)?;
    out.truncate(most);
    Some(out)
}

fn put(kind: u8, octets: &[u8], depth: u8, most: usize, out: &mut Vec<u8>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    if out.len() > most {
        return Some(());
    }
    let mut cursor = Cursor::new(octets);
    out.push(b'(');
    match kind {
        0xa0..=0xa2 => {
            out.push(match kind {
                0xa0 => b'&',
                0xa1 => b'|',
                _ => b'!',
            });
            while !cursor.is_empty() && out.len() <= most {
                let (inner, octets) = element(&mut cursor)?;
                put(inner, octets, depth, most, out)?;
            }
        }
        0xa3 | 0xa5 | 0xa6 | 0xa8 => {
            out.extend_from_slice(expect(&mut cursor, tag::OCTETS)?);
            out.extend_from_slice(match kind {
                0xa3 => b"=",
                0xa5 => b">=",
                0xa6 => b"<=",
                _ => b"~=",
            });
            value(expect(&mut cursor, tag::OCTETS)?, most, out);
        }
        0xa4 => {
            out.extend_from_slice(expect(&mut cursor, tag::OCTETS)?);
            out.push(b'=');
            let mut parts = Cursor::new(expect(&mut cursor, tag::SEQUENCE)?);
            let mut open = false;
            while !parts.is_empty() && out.len() <= most {
                let (place, part) = element(&mut parts)?;
                if place != 0x80 {
                    out.push(b'*');
                }
                value(part, most, out);
                open = place != 0x82;
            }
            if open {
                out.push(b'*');
            }
        }
        0x87 => {
            out.extend_from_slice(octets.get(..most).unwrap_or(octets));
            out.extend_from_slice(b"=*");
        }
        0xa9 => extensible(&mut cursor, most, out)?,
        _ => return None,
    }
    out.push(b')');
    Some(())
}

/// `attribute:dn:rule:=value`.
fn extensible(cursor: &mut Cursor<'_>, most: usize, out: &mut Vec<u8>) -> Option<()> {
    let (mut rule, mut attribute, mut matched, mut by_name) = (None, None, None, false);
    while !cursor.is_empty() {
        match element(cursor)? {
            (0x81, octets) => rule = Some(octets),
            (0x82, octets) => attribute = Some(octets),
            (0x83, octets) => matched = Some(octets),
            (0x84, octets) => by_name = octets.iter().any(|&b| b != 0),
            _ => return None,
        }
    }
    out.extend_from_slice(attribute.unwrap_or_default());
    if by_name {
        out.extend_from_slice(b":dn");
    }
    if let Some(rule) = rule {
        out.push(b':');
        out.extend_from_slice(rule);
    }
    out.extend_from_slice(b":=");
    value(matched?, most, out);
    Some(())
}

/// A value, escaped where it must be.
fn value(octets: &[u8], most: usize, out: &mut Vec<u8>) {
    for &b in octets.get(..most).unwrap_or(octets) {
        if matches!(b, b'(' | b')' | b'*' | b'\\') || !(b' '..=b'~').contains(&b) {
            out.push(b'\\');
            for half in [b >> 4, b & 0xf] {
                out.push(char::from_digit(u32::from(half), 16).map_or(b'0', |c| c as u8));
            }
        } else {
            out.push(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let inner = parts.concat();
        [&[tag, inner.len() as u8][..], &inner].concat()
    }

    fn written(octets: &[u8]) -> Option<String> {
        let (kind, octets) = super::element(&mut Cursor::new(octets))?;
        write(kind, octets, 200).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn filters_are_written_as_people_do() {
        let s = |text: &[u8]| element(4, &[text]);
        let equal = element(0xa3, &[&s(b"uid"), &s(b"a(\xff")]);
        let some = element(
            0xa4,
            &[&s(b"cn"), &element(0x30, &[&element(0x80, &[b"a"]), &element(0x81, &[b"b"])])],
        );
        let end = element(0xa4, &[&s(b"cn"), &element(0x30, &[&element(0x82, &[b"z"])])]);
        let present = element(0x87, &[b"mail"]);
        let not = element(0xa2, &[&present]);
        let rule = element(
            0xa9,
            &[&element(0x81, &[b"1.2"]), &element(0x82, &[b"x"]), &element(0x83, &[b"3"])],
        );
        let all = element(0xa0, &[&equal, &some, &end, &not, &rule]);

        assert_eq!(
            written(&all).unwrap(),
            r"(&(uid=a\28\ff)(cn=a*b*)(cn=*z)(!(mail=*))(x:1.2:=3))"
        );
    }

    #[test]
    fn what_nests_too_deep_is_malformed() {
        let mut filter = element(0x87, &[b"x"]);
        for _ in 0..16 {
            filter = element(0xa2, &[&filter]);
        }
        assert_eq!(written(&filter), None);
        assert_eq!(written(&element(0xaf, &[b"x"])), None);
    }
}

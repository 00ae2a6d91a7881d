//! The part of the Basic Encoding Rules that management messages use (X.690): tags of one octet,
//! definite lengths.

use crate::Cursor;

/// Most arcs of an object identifier that are written.
const MAX_ARCS: usize = 128;

pub const INTEGER: u8 = 0x02;
pub const OCTETS: u8 = 0x04;
pub const OBJECT: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;

/// What stands in front of a value: its tag, and the octets of header and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub tag: u8,
    pub length: usize,
    pub body: usize,
}

/// The header at the front of `data`; `Ok(None)` while it is not whole, `Err` when it is none.
pub fn header(data: &[u8]) -> Result<Option<Header>, ()> {
    let mut c = Cursor::new(data);
    let (Some(tag), first) = (c.u8(), c.u8()) else {
        return Ok(None);
    };
    if tag & 0x1f == 0x1f {
        return Err(());
    }
    let Some(first) = first else {
        return Ok(None);
    };
    let body = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            let Some(octets) = c.take(usize::from(first & 0x7f)) else {
                return Ok(None);
            };
            octets.iter().fold(0usize, |sum, &b| (sum << 8) | usize::from(b))
        }
        _ => return Err(()),
    };
    Ok(Some(Header { tag, length: c.position(), body }))
}

/// The next value: its tag and its octets.
pub fn value<'a>(c: &mut Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let mut ahead = *c;
    let found = header(ahead.rest()).ok()??;
    ahead.skip(found.length)?;
    let body = ahead.take(found.body)?;
    *c = ahead;
    Some((found.tag, body))
}

/// The next value, which must have `tag`.
pub fn tagged<'a>(c: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    let mut ahead = *c;
    let (found, body) = value(&mut ahead)?;
    (found == tag).then(|| *c = ahead)?;
    Some(body)
}

/// The next value as an integer of at most eight octets.
pub fn integer(c: &mut Cursor<'_>) -> Option<i64> {
    let mut ahead = *c;
    let number = number(tagged(&mut ahead, INTEGER)?)?;
    *c = ahead;
    Some(number)
}

/// Octets of an integer as its value.
pub fn number(octets: &[u8]) -> Option<i64> {
    let (&first, rest) = octets.split_first()?;
    if rest.len() > 7 {
        return None;
    }
    let start = i64::from(i8::from_be_bytes([first]));
    Some(rest.iter().fold(start, |sum, &b| (sum << 8) | i64::from(b)))
}

/// An object identifier in dots; `None` when its octets are not one.
pub fn dotted(octets: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut arc = 0u32;
    let mut arcs = 0usize;
    for &octet in octets {
        arc = arc.checked_mul(128)?.checked_add(u32::from(octet & 0x7f))?;
        if octet & 0x80 != 0 {
            continue;
        }
        arcs = arcs.saturating_add(1);
        if arcs > MAX_ARCS {
            return None;
        }
        if arcs == 1 {
            // The first two arcs share a number.
            let root = (arc / 40).min(2);
            text = format!("{root}.{}", arc.saturating_sub(root.saturating_mul(40)));
        } else {
            text.push('.');
            text.push_str(&arc.to_string());
        }
        arc = 0;
    }
    let whole = octets.last().is_some_and(|last| last & 0x80 == 0);
    whole.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_or_long() {
        let of = |data: &[u8]| header(data).map(|h| h.map(|h| (h.length, h.body)));

        assert_eq!(of(b"\x30\x05"), Ok(Some((2, 5))));
        assert_eq!(of(b"\x30\x82\x01\x00"), Ok(Some((4, 256))));
        assert_eq!(of(b"\x30\x82\x01"), Ok(None));
        assert_eq!(of(b"\x30\x80"), Err(()));
        assert_eq!(of(b"\x1f\x01"), Err(()));
    }

    #[test]
    fn integers_have_a_sign() {
        assert_eq!(number(&[0xff]), Some(-1));
        assert_eq!(number(&[0, 0x80]), Some(128));
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[1; 9]), None);
    }

    #[test]
    fn object_identifiers_are_written_with_dots() {
        assert_eq!(dotted(&[0x2b, 6, 1, 2, 1]).as_deref(), Some("1.3.6.1.2.1"));
        assert_eq!(dotted(&[0x2b, 0x82, 0x37]).as_deref(), Some("1.3.311"));
        assert_eq!(dotted(&[0x88, 0x37]).as_deref(), Some("2.999"));
        assert_eq!(dotted(&[]), None);
        assert_eq!(dotted(&[0x2b, 0x82]), None);
        assert_eq!(dotted(&[0xff; 9]), None);
    }
}

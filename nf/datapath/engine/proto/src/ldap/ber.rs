//! The part of BER (X.690) that LDAP uses: definite lengths, tags of one octet. Pure.

use crate::Cursor;

/// Tags of the universal class.
pub(super) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const SEQUENCE: u8 = 0x30;
}

/// A tag and a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) tag: u8,
    pub(super) length: usize,
    /// Octets of tag and length.
    pub(super) size: usize,
}

/// What stands at the front of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Head(Head),
    /// More octets are needed.
    Partial,
    /// No tag and length that LDAP may have.
    Malformed,
}

/// Reads the tag and the length at the front of `data`.
pub(super) fn head(data: &[u8]) -> Front {
    let mut cursor = Cursor::new(data);
    let (Some(tag), Some(first)) = (cursor.u8(), cursor.u8()) else { return Front::Partial };
    // Tags of several octets are none of LDAP's.
    if tag & 0x1f == 0x1f {
        return Front::Malformed;
    }
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            let Some(octets) = cursor.take(usize::from(first & 0x7f)) else {
                return Front::Partial;
            };
            octets.iter().fold(0usize, |length, &b| length << 8 | usize::from(b))
        }
        _ => return Front::Malformed,
    };
    Front::Head(Head { tag, length, size: cursor.position() })
}

/// The next element: its tag and its octets.
pub(super) fn element<'a>(cursor: &mut Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let Front::Head(head) = head(cursor.rest()) else { return None };
    let mut ahead = *cursor;
    ahead.skip(head.size)?;
    let octets = ahead.take(head.length)?;
    *cursor = ahead;
    Some((head.tag, octets))
}

/// The octets of the next element when it has `tag`; else the cursor stays.
pub(super) fn expect<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    let mut ahead = *cursor;
    let (found, octets) = element(&mut ahead)?;
    if found != tag {
        return None;
    }
    *cursor = ahead;
    Some(octets)
}

/// A number that is not negative and fits.
pub(super) fn unsigned(octets: &[u8]) -> Option<u32> {
    let digits = octets.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(octets);
    if octets.is_empty() || digits.len() > 4 || octets.first().is_some_and(|b| b & 0x80 != 0) {
        return None;
    }
    Some(digits.iter().fold(0, |value, &b| value << 8 | u32::from(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_a_short_and_a_long_form() {
        let of = |tag, length, size| Front::Head(Head { tag, length, size });
        assert_eq!(head(&[0x30, 5]), of(0x30, 5, 2));
        assert_eq!(head(&[0x30, 0x82, 1, 0]), of(0x30, 256, 4));
        assert_eq!(head(&[0x30, 0x84, 0, 0, 0, 9]), of(0x30, 9, 6));
        assert_eq!(head(&[0x30, 0x82, 1]), Front::Partial);
        assert_eq!(head(&[0x30, 0x80]), Front::Malformed);
        assert_eq!(head(&[0x3f, 0x81]), Front::Malformed);
    }

    #[test]
    fn elements_are_taken_by_their_tag() {
        let mut cursor = Cursor::new(&[2, 1, 7, 4, 9, 0]);
        assert_eq!(expect(&mut cursor, tag::OCTETS), None);
        assert_eq!(expect(&mut cursor, tag::INTEGER), Some(&[7][..]));
        assert_eq!(element(&mut cursor), None);
    }

    #[test]
    fn numbers_are_not_negative() {
        assert_eq!(unsigned(&[0x7f, 0xff]), Some(0x7fff));
        assert_eq!(unsigned(&[0, 0xff, 0xff, 0xff, 0xff]), Some(u32::MAX));
        assert_eq!(unsigned(&[0x80]), None);
        assert_eq!(unsigned(&[]), None);
        assert_eq!(unsigned(&[0]), Some(0));
    }
}

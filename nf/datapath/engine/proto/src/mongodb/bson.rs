//! Reading BSON documents: elements one after another, their values as far as they are of use.

use crate::Cursor;

/// Most elements of a document that are looked at.
const MAX_ELEMENTS: usize = 256;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(f64),
    Text(&'a [u8]),
    /// A document or an array: its octets.
    Document(&'a [u8]),
    Other,
}

impl<'a> Value<'a> {
    pub(super) fn text(self) -> Option<&'a [u8]> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn document(self) -> Option<&'a [u8]> {
        match self {
            Value::Document(document) => Some(document),
            _ => None,
        }
    }

    /// A number without fraction or sign.
    pub(super) fn count(self) -> Option<u64> {
        match self {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
            Value::Number(number) if (0.0..1e15).contains(&number) => Some(number as u64),
            _ => None,
        }
    }
}

/// Four octets, the low one first.
pub(super) fn u32(c: &mut Cursor<'_>) -> Option<u32> {
    c.array().map(u32::from_le_bytes)
}

/// Octets up to NUL.
pub(super) fn string<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let end = memchr::memchr(0, c.rest())?;
    let text = c.take(end)?;
    c.skip(1)?;
    Some(text)
}

/// The elements of a document whose end may be cut off.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    c: Cursor<'a>,
    left: usize,
}

impl<'a> Elements<'a> {
    pub(super) fn of(document: &'a [u8]) -> Self {
        Self { c: Cursor::new(document.get(4..).unwrap_or_default()), left: MAX_ELEMENTS }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let kind = self.c.u8().filter(|&kind| kind != 0)?;
        let name = string(&mut self.c)?;
        Some((name, value(&mut self.c, kind)?))
    }
}

/// A document at the front, with as much of it as is there.
pub(super) fn document<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length =
        usize::try_from(u32(&mut c.clone())?).ok().filter(|&n| (5..1 << 26).contains(&n))?;
    c.take(length.min(c.remaining()))
}

fn value<'a>(c: &mut Cursor<'a>, kind: u8) -> Option<Value<'a>> {
    Some(match kind {
        1 => Value::Number(c.array().map(f64::from_le_bytes)?),
        2 | 13 | 14 => {
            let length = usize::try_from(u32(c)?).ok()?;
            Value::Text(c.take(length)?.strip_suffix(b"\0")?)
        }
        3 | 4 => Value::Document(document(c)?),
        5 => {
            let length = usize::try_from(u32(c)?).ok()?;
            c.skip(length.checked_add(1)?)?;
            Value::Other
        }
        6 | 10 | 0x7f | 0xff => Value::Other,
        7 => {
            c.skip(12)?;
            Value::Other
        }
        8 => Value::Number(f64::from(c.u8()?)),
        9 | 17 => {
            c.skip(8)?;
            Value::Other
        }
        11 => {
            string(c)?;
            string(c)?;
            Value::Other
        }
        12 => {
            let length = usize::try_from(u32(c)?).ok()?;
            c.skip(length.checked_add(12)?)?;
            Value::Other
        }
        15 => {
            document(c)?;
            Value::Other
        }
        16 => Value::Number(c.array().map(i32::from_le_bytes)?.into()),
        18 => {
            let number: i64 = c.array().map(i64::from_le_bytes)?;
            #[allow(clippy::cast_precision_loss, reason = "counts are small")]
            Value::Number(number as f64)
        }
        19 => {
            c.skip(16)?;
            Value::Other
        }
        _ => return None,
    })
}

/// How many elements a document or array has; `None` when they are not all there.
pub(super) fn count(document: &[u8]) -> Option<u64> {
    let length = usize::try_from(u32(&mut Cursor::new(document))?).ok()?;
    if length != document.len() {
        return None;
    }
    let mut c = Cursor::new(document.get(4..)?);
    let mut found = 0u64;
    while let Some(kind) = c.u8().filter(|&kind| kind != 0) {
        string(&mut c)?;
        value(&mut c, kind)?;
        found = found.saturating_add(1);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_by_their_types() {
        let octets = b"\x2b\0\0\0\x02find\0\x02\0\0\0t\0\x10n\0\x07\0\0\0\x01ok\0\0\0\0\0\0\0\xf0\x3f\x08b\0\x01\x0ax\0\0";
        let read: Vec<_> = Elements::of(octets).collect();

        assert_eq!(read[0], (&b"find"[..], Value::Text(b"t")));
        assert_eq!(read[1].1.count(), Some(7));
        assert_eq!(read[2].1, Value::Number(1.0));
        assert_eq!((read.len(), count(octets)), (5, Some(5)));
        assert_eq!(count(&octets[..20]), None);
    }
}

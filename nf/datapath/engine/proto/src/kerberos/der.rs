//! Distinguished encoding of ASN.1 (X.690): elements one after the other, without panics.

use crate::Cursor;

/// Elements at one level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a> {
    c: Cursor<'a>,
    /// What is missing at the end was cut off: an element may be shorter than it says.
    cut: bool,
}

/// An element: its tag (one octet), and its content.
pub(super) type Element<'a> = (u8, &'a [u8]);

impl<'a> Der<'a> {
    pub(super) fn new(octets: &'a [u8], cut: bool) -> Self {
        Self { c: Cursor::new(octets), cut }
    }

    /// The next element; `None` at the end, and where there is none.
    pub(super) fn next(&mut self) -> Option<Element<'a>> {
        let mut c = self.c;
        let (tag, length) = header(&mut c)?;
        let most = if self.cut { length.min(c.remaining()) } else { length };
        let content = c.take(most)?;
        self.c = c;
        Some((tag, content))
    }

    /// The elements inside the next one, when its tag is `tag`.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Der<'a>> {
        let mut ahead = *self;
        let (found, content) = ahead.next()?;
        if found != tag {
            return None;
        }
        *self = ahead;
        Some(Der::new(content, self.cut))
    }

    /// Whether all has been read.
    pub(super) fn is_empty(&self) -> bool {
        self.c.is_empty()
    }

    /// The integer that is the next element.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let (tag, content) = self.next()?;
        if !matches!(tag, 0x02 | 0x0a) || content.is_empty() || content.len() > 8 {
            return None;
        }
        let negative = content.first().is_some_and(|first| first & 0x80 != 0);
        let start = if negative { -1i64 } else { 0 };
        Some(content.iter().fold(start, |n, &octet| n << 8 | i64::from(octet)))
    }
}

/// Tag and length at the front; lengths of up to four octets.
pub(super) fn header(c: &mut Cursor<'_>) -> Option<(u8, usize)> {
    let tag = c.u8()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let length = match c.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => c.u8()?.into(),
        0x82 => c.u16()?.into(),
        0x83 => usize::try_from(c.u24()?).ok()?,
        0x84 => usize::try_from(c.u32()?).ok()?,
        _ => return None,
    };
    Some((tag, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_octet_or_more() {
        let mut der = Der::new(&[0x04, 1, 9, 0x04, 0x81, 2, 7, 8, 0x30, 0x80], false);

        assert_eq!(der.next(), Some((4, &[9][..])));
        assert_eq!(der.next(), Some((4, &[7, 8][..])));
        // A length without bound.
        assert_eq!(der.next(), None);
    }

    #[test]
    fn an_integer_has_a_sign() {
        assert_eq!(Der::new(&[2, 1, 0x80], false).integer(), Some(-128));
        assert_eq!(Der::new(&[2, 2, 0, 0x80], false).integer(), Some(128));
        assert_eq!(Der::new(&[2, 0], false).integer(), None);
    }

    #[test]
    fn only_what_was_cut_may_be_short() {
        assert_eq!(Der::new(&[4, 3, 1], false).next(), None);
        assert_eq!(Der::new(&[4, 3, 1], true).next(), Some((4, &[1][..])));
    }
}

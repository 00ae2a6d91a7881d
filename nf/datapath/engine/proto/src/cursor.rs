//! Reading fields off the front of a slice, in network byte order, without panics.

use std::net::IpAddr;

/// A position in octets. Every read returns `None` past the end and then leaves the cursor
/// where it was.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    start: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `data`.
    #[inline]
    pub fn new(data: &'a [u8]) -> Self {
        Self { rest: data, start: data.len() }
    }

    /// What has not been read.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Octets not read.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Octets read.
    #[inline]
    pub fn position(&self) -> usize {
        self.start.saturating_sub(self.rest.len())
    }

    /// Whether all has been read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `n` octets.
    #[inline]
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(n)?;
        self.rest = tail;
        Some(head)
    }

    /// The next `N` octets as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk::<N>()?;
        self.rest = tail;
        Some(*head)
    }

    /// Skips `n` octets.
    #[inline]
    pub fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(|_| ())
    }

    /// One octet.
    #[inline]
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[b]| b)
    }

    /// Two octets.
    #[inline]
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Three octets.
    #[inline]
    pub fn u24(&mut self) -> Option<u32> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four octets.
    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight octets.
    #[inline]
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Two octets, the low one first.
    #[inline]
    pub fn u16_le(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four octets, the low one first.
    #[inline]
    pub fn u32_le(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight octets, the low one first.
    #[inline]
    pub fn u64_le(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// An address of IPv4.
    #[inline]
    pub fn ipv4(&mut self) -> Option<IpAddr> {
        self.array::<4>().map(IpAddr::from)
    }

    /// An address of IPv6.
    #[inline]
    pub fn ipv6(&mut self) -> Option<IpAddr> {
        self.array::<16>().map(IpAddr::from)
    }

    /// Octets behind a one-octet length.
    #[inline]
    pub fn prefixed_u8(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let n = ahead.u8()?;
        let bytes = ahead.take(n.into())?;
        *self = ahead;
        Some(bytes)
    }

    /// Octets behind a two-octet length.
    #[inline]
    pub fn prefixed_u16(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let n = ahead.u16()?;
        let bytes = ahead.take(n.into())?;
        *self = ahead;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_leaves_the_cursor_in_place() {
        let mut c = Cursor::new(&[3, 1, 2]);

        assert_eq!(c.prefixed_u8(), None);
        assert_eq!(c.position(), 0);
        assert_eq!(c.u16(), Some(0x0301));
        assert_eq!(c.u16(), None);
        assert_eq!(c.rest(), &[2]);
    }
}

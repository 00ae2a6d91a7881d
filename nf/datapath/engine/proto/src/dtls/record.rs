//! The record layer of DTLS (RFC 6347 §4.1, RFC 9146 §4, RFC 9147 §4) and the fragments in it
//! (RFC 6347 §4.2.2): pure.

use crate::Cursor;
use crate::tls::handshake::kind;

/// Longest fragment of a record: 2^14 and what compression and encryption may add.
const MAX_LENGTH: usize = (1 << 14) + 2048;

/// What a record holds.
pub mod content {
    #![allow(missing_docs)]
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
    pub const CONNECTION_ID: u8 = 25;
    pub const ACK: u8 = 26;
}

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// See [`content`]; application data where the record does not say (DTLS 1.3, encrypted).
    pub content: u8,
    /// The record layer's version; of the short header of DTLS 1.3, that.
    pub version: u16,
    /// Counts changes of keys; of the short header, its two low bits.
    pub epoch: u16,
    /// Number within the epoch; encrypted in the short header.
    pub sequence: u64,
    /// Octets the header announces.
    pub length: usize,
    /// Those that are there.
    pub fragment: &'a [u8],
    /// Octets of header and fragment.
    pub total: usize,
    /// The short header of DTLS 1.3.
    pub short: bool,
}

/// Whether `version` is one of DTLS's, or what OpenSSL had before there was one.
pub fn is_version(version: u16) -> bool {
    matches!(version, 0xfeff | 0xfefd | 0xfefc | 0x0100)
}

impl<'a> Record<'a> {
    /// Reads the record at the front of `data`; `id` octets of connection id are in headers that
    /// have one. A record whose end is missing is read as far as it goes.
    pub fn parse(data: &'a [u8], id: usize) -> Option<Self> {
        let mut c = Cursor::new(data);
        let first = c.u8()?;
        if first >> 5 == 1 {
            return Self::short(first, c, id);
        }
        let version = c.u16()?;
        let epoch = c.u16()?;
        let (high, low) = (c.u16()?, c.u32()?);
        if first == content::CONNECTION_ID {
            c.skip(id)?;
        }
        let length = usize::from(c.u16()?);
        let known = (content::CHANGE_CIPHER_SPEC..=content::ACK).contains(&first);
        if !known || !is_version(version) || length > MAX_LENGTH {
            return None;
        }
        let rest = c.rest();
        Some(Self {
            content: first,
            version,
            epoch,
            sequence: u64::from(high) << 32 | u64::from(low),
            length,
            fragment: rest.get(..length).unwrap_or(rest),
            total: c.position().saturating_add(length),
            short: false,
        })
    }

    /// The header of encrypted records in DTLS 1.3: `001CSLEE`.
    fn short(first: u8, mut c: Cursor<'a>, id: usize) -> Option<Self> {
        if first & 0x10 != 0 {
            c.skip(id)?;
        }
        let sequence = if first & 8 != 0 { u64::from(c.u16()?) } else { u64::from(c.u8()?) };
        let length = if first & 4 != 0 { usize::from(c.u16()?) } else { c.remaining() };
        if length > MAX_LENGTH {
            return None;
        }
        let rest = c.rest();
        Some(Self {
            content: content::APPLICATION_DATA,
            version: 0xfefc,
            epoch: u16::from(first & 3),
            sequence,
            length,
            fragment: rest.get(..length).unwrap_or(rest),
            total: c.position().saturating_add(length),
            short: true,
        })
    }
}

/// A fragment of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The message's kind.
    pub kind: u8,
    /// Octets of the message's body.
    pub length: usize,
    /// Number of the message.
    pub sequence: u16,
    /// Where in the message the fragment begins.
    pub offset: usize,
    /// Its octets.
    pub data: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads the fragment at the front of `c`; of one that is not `whole`, what is there.
    pub fn parse(c: &mut Cursor<'a>, whole: bool) -> Option<Self> {
        let mut ahead = *c;
        let kind = ahead.u8()?;
        let length = ahead.u24()? as usize;
        let sequence = ahead.u16()?;
        let offset = ahead.u24()? as usize;
        let count = ahead.u24()? as usize;
        if !kind::is_known(kind) || offset.saturating_add(count) > length {
            return None;
        }
        let data = match ahead.take(count) {
            Some(data) => data,
            None if whole => return None,
            None => ahead.take(ahead.remaining())?,
        };
        *c = ahead;
        Some(Self { kind, length, sequence, offset, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_with_connection_ids_are_longer() {
        let data = b"\x19\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x05IDID\x00\x03abc";

        let record = Record::parse(data, 4).unwrap();

        assert_eq!((record.epoch, record.sequence, record.fragment), (1, 5, &b"abc"[..]));
        assert_eq!(record.total, data.len());
    }

    #[test]
    fn the_short_header_says_what_it_has() {
        let data = b"\x2f\x00\x01\x00\x04abcdrest";
        let record = Record::parse(data, 0).unwrap();
        assert_eq!((record.epoch, record.fragment, record.total), (3, &b"abcd"[..], 9));

        let record = Record::parse(b"\x32IDx1234", 2).unwrap();
        assert_eq!((record.epoch, record.fragment, record.total), (2, &b"1234"[..], 8));
    }

    #[test]
    fn a_fragment_must_lie_within_its_message() {
        let mut c = Cursor::new(b"\x01\0\0\x04\0\0\0\0\x02\0\0\x03abc");
        assert_eq!(Fragment::parse(&mut c, true), None);
        let mut c = Cursor::new(b"\x01\0\0\x04\0\0\0\0\x02\0\0\x02ab");
        assert_eq!(Fragment::parse(&mut c, true).unwrap().data, b"ab");
    }
}

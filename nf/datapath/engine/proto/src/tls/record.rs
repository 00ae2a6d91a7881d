//! The record layer (RFC 8446 §5.1, RFC 5246 §6.2) and SSLv2's two hellos (RFC 5246 §E.2).

use crate::Cursor;

/// Octets of a record header.
pub const HEADER_LEN: usize = 5;
/// Longest fragment: 2^14 and what compression and encryption may add (RFC 5246 §6.2.3).
pub const MAX_FRAGMENT: usize = (1 << 14) + 2048;

/// What a record holds.
pub mod content {
    #![allow(missing_docs)]
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
    pub const HEARTBEAT: u8 = 24;
}

/// A record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// See [`content`].
    pub content: u8,
    /// The record layer's version.
    pub version: u16,
    /// Octets of the fragment.
    pub length: usize,
}

impl Header {
    /// Reads the five octets at the front of `data`.
    #[inline]
    pub fn read(data: &[u8]) -> Option<Self> {
        let &[content, a, b, c, d] = data.first_chunk()?;
        Some(Self {
            content,
            version: u16::from_be_bytes([a, b]),
            length: usize::from(u16::from_be_bytes([c, d])),
        })
    }

    /// Octets of header and fragment.
    #[inline]
    pub fn total(self) -> usize {
        self.length.saturating_add(HEADER_LEN)
    }

    /// What forbids this to be a record header, if anything.
    #[inline]
    pub fn fault(self) -> Option<HeaderFault> {
        if !(content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT).contains(&self.content) {
            Some(HeaderFault::Content)
        } else if !(0x0300..=0x0304).contains(&self.version) {
            Some(HeaderFault::Version)
        } else if self.length > MAX_FRAGMENT {
            Some(HeaderFault::Length)
        } else {
            None
        }
    }
}

/// See [`Header::fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Content type out of range.
    Content,
    /// Version of no TLS.
    Version,
    /// Fragment too long.
    Length,
}

/// A hello in SSLv2's form that offers SSLv2 or something later.
#[derive(Clone, Copy, Debug)]
pub struct Ssl2ClientHello {
    /// The highest version offered.
    pub version: u16,
    /// Octets of the whole record.
    pub total: usize,
}

/// SSLv2's answer.
#[derive(Clone, Copy, Debug)]
pub struct Ssl2ServerHello<'a> {
    /// An earlier session goes on.
    pub session_hit: bool,
    /// The server's X.509 certificate.
    pub certificate: &'a [u8],
}

/// The two-octet record header with the high bit set: the record's body length.
fn ssl2_length(c: &mut Cursor<'_>) -> Option<usize> {
    let word = c.u16()?;
    (word & 0x8000 != 0).then(|| usize::from(word & 0x7fff))
}

impl Ssl2ClientHello {
    /// Octets before the variable part.
    pub const FIXED: usize = 11;

    /// Reads it at the front of `data`; every length must agree with every other.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        let length = ssl2_length(&mut c)?;
        if c.u8()? != 1 {
            return None;
        }
        let version = c.u16()?;
        let [ciphers, session, challenge] = [c.u16()?, c.u16()?, c.u16()?].map(usize::from);
        let adds_up =
            ciphers.saturating_add(session).saturating_add(challenge).saturating_add(9) == length;
        let plausible = (version == 2 || (0x0300..=0x0303).contains(&version))
            && ciphers > 0
            && ciphers.is_multiple_of(3)
            && matches!(session, 0 | 16)
            && (16..=32).contains(&challenge);
        if !adds_up || !plausible {
            return None;
        }
        Some(Self { version, total: length.saturating_add(2) })
    }
}

impl<'a> Ssl2ServerHello<'a> {
    /// Reads it at the front of `data`, which must hold all of it.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        let length = ssl2_length(&mut c)?;
        if c.u8()? != 4 {
            return None;
        }
        let session_hit = c.u8()? != 0;
        c.skip(1)?;
        if c.u16()? != 2 {
            return None;
        }
        let [certificate, ciphers, connection] = [c.u16()?, c.u16()?, c.u16()?].map(usize::from);
        let adds_up =
            certificate.saturating_add(ciphers).saturating_add(connection).saturating_add(11)
                == length;
        adds_up.then_some(())?;
        Some(Self { session_hit, certificate: c.take(certificate)? })
    }
}

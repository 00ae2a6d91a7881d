//! Packet headers as far as they are in clear (RFC 8999, RFC 9000 §17, RFC 9369 §3.2).

use super::version;
use crate::Cursor;

/// Longest connection id of the versions that can be read.
const MAX_ID: usize = 20;
/// Octets of packet number and tag at least, and what header protection samples.
const LEAST_PROTECTED: usize = 20;
/// The integrity tag that ends a Retry.
const RETRY_TAG: usize = 16;

/// What a long header says the packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// First flight; anyone on the path can read it.
    Initial,
    /// Early data.
    ZeroRtt,
    /// Second flight.
    Handshake,
    /// A server asks to start again, with a token.
    Retry,
    /// A server lists its versions.
    VersionNegotiation,
    /// A version whose packets are not known.
    Unknown,
}

impl Kind {
    /// The type bits, in version 1's order.
    pub fn number(self) -> Option<u8> {
        match self {
            Kind::Initial => Some(0),
            Kind::ZeroRtt => Some(1),
            Kind::Handshake => Some(2),
            Kind::Retry => Some(3),
            Kind::VersionNegotiation | Kind::Unknown => None,
        }
    }

    fn of(first: u8, version: u32) -> Self {
        let bits = first >> 4 & 3;
        if version == 0 {
            return Kind::VersionNegotiation;
        }
        if !version::is_known(version) {
            return Kind::Unknown;
        }
        // Version 2 counts the same kinds from 1.
        let bits = if version == version::V2 { bits.wrapping_sub(1) & 3 } else { bits };
        match bits {
            0 => Kind::Initial,
            1 => Kind::ZeroRtt,
            2 => Kind::Handshake,
            _ => Kind::Retry,
        }
    }
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug)]
pub struct Long<'a> {
    /// First octet; its low four bits are protected.
    pub first: u8,
    /// 0 in version negotiation.
    pub version: u32,
    /// See [`Kind`].
    pub kind: Kind,
    /// Destination connection id.
    pub dcid: &'a [u8],
    /// Source connection id.
    pub scid: &'a [u8],
    /// Token of an Initial or a Retry.
    pub token: &'a [u8],
    /// What the Length field says: packet number and payload.
    pub length: Option<u64>,
    /// Where the packet number starts, or what the kind has instead of one.
    pub number_at: usize,
    /// Octets of the whole packet.
    pub total: usize,
}

/// A variable-length integer (RFC 9000 §16).
pub fn varint(c: &mut Cursor<'_>) -> Option<u64> {
    let mut ahead = *c;
    let first = ahead.u8()?;
    let mut value = u64::from(first & 0x3f);
    let more = (1usize << (first >> 6)).wrapping_sub(1);
    for &octet in ahead.take(more)? {
        value = value << 8 | u64::from(octet);
    }
    *c = ahead;
    Some(value)
}

/// Octets behind a variable-length length.
pub fn prefixed<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut ahead = *c;
    let length = usize::try_from(varint(&mut ahead)?).ok()?;
    let bytes = ahead.take(length)?;
    *c = ahead;
    Some(bytes)
}

impl<'a> Long<'a> {
    /// Reads the header at the front of `data`; its packet may go on beyond it (`total`). That the
    /// fixed bit is set is not asked for: the two sides may agree to vary it (RFC 9287).
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let &[first, a, b, c, d, ..] = data else {
            return None;
        };
        Self::parse_as(Kind::of(first, u32::from_be_bytes([a, b, c, d])), data)
    }

    /// Reads a packet of an unknown version as if it were version 1's Initial.
    pub fn parse_as_initial(data: &'a [u8]) -> Option<Self> {
        let is_initial = data.first().is_some_and(|first| first & 0x30 == 0);
        is_initial.then(|| Self::parse_as(Kind::Initial, data))?
    }

    fn parse_as(kind: Kind, data: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        let first = c.u8().filter(|f| f & 0x80 != 0)?;
        let version = c.u32()?;
        let dcid = c.prefixed_u8()?;
        let scid = c.prefixed_u8()?;
        let is_free = matches!(kind, Kind::VersionNegotiation | Kind::Unknown);
        if !is_free && (dcid.len() > MAX_ID || scid.len() > MAX_ID) {
            return None;
        }
        let mut long = Self {
            first,
            version,
            kind,
            dcid,
            scid,
            token: &[],
            length: None,
            number_at: 0,
            total: data.len(),
        };
        match kind {
            Kind::VersionNegotiation | Kind::Unknown => {}
            Kind::Retry => {
                long.token = c.take(c.remaining().checked_sub(RETRY_TAG)?)?;
            }
            Kind::Initial | Kind::ZeroRtt | Kind::Handshake => {
                if kind == Kind::Initial {
                    long.token = prefixed(&mut c)?;
                }
                let length = varint(&mut c)?;
                long.length = Some(length);
                let length = usize::try_from(length).ok().filter(|&l| l >= LEAST_PROTECTED)?;
                long.total = c.position().checked_add(length)?;
            }
        }
        long.number_at = c.position();
        Some(long)
    }

    /// The versions that a version negotiation lists.
    pub fn versions<'d>(&self, data: &'d [u8]) -> impl Iterator<Item = u32> + 'd {
        let list = data.get(self.number_at..).unwrap_or_default();
        list.as_chunks::<4>().0.iter().map(|v| u32::from_be_bytes(*v))
    }
}

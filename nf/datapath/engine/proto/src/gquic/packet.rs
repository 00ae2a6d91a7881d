//! Packets of a client that still states its version: the public header of Q009 to Q043, and the
//! long header of Q046.

use super::message::{CHLO, Message};
use crate::Cursor;

/// Where a hello's tag may be, at most, behind the header: number, hash, frame header.
const MAX_HELLO_AT: usize = 64;
/// Flags of the public header.
const HAS_VERSION: u8 = 0x01;
const HAS_ID: u8 = 0x08;
const RESERVED: u8 = 0x80;
/// Octets of a connection id.
const ID_LEN: usize = 8;

/// What of a packet is in clear.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Four letters.
    pub version: [u8; 4],
    /// Eight octets.
    pub connection_id: &'a [u8],
    rest: &'a [u8],
}

/// Whether `version` is one of Google's before packet protection came.
fn is_version(version: &[u8; 4]) -> bool {
    match version {
        [b'Q', b'0', tens, ones] if tens.is_ascii_digit() && ones.is_ascii_digit() => {
            (b'0'..=b'4').contains(tens) && (*tens > b'0' || *ones == b'9')
        }
        _ => false,
    }
}

impl<'a> Packet<'a> {
    /// Reads the header at the front of a datagram.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        let first = c.u8()?;
        if first & 0xc0 == 0xc0 {
            let version = c.array::<4>().filter(|v| v == b"Q046")?;
            // Nibbles of the lengths, less three: the client's has a destination only.
            if c.u8()? != 0x50 {
                return None;
            }
            let connection_id = c.take(ID_LEN)?;
            let number = usize::from(first & 3).saturating_add(1);
            c.skip(number)?;
            return Some(Self { version, connection_id, rest: c.rest() });
        }
        if first & RESERVED != 0 || first & HAS_VERSION == 0 || first & HAS_ID == 0 {
            return None;
        }
        let connection_id = c.take(ID_LEN)?;
        let version = c.array::<4>().filter(is_version)?;
        let number = [1usize, 2, 4, 6].get(usize::from(first >> 4 & 3)).copied()?;
        c.skip(number)?;
        Some(Self { version, connection_id, rest: c.rest() })
    }

    fn hello_at(&self) -> Option<usize> {
        let window = self.rest.get(..MAX_HELLO_AT).unwrap_or(self.rest);
        window.windows(CHLO.len()).position(|w| w == CHLO)
    }

    /// Whether the tag of a client's hello is there.
    pub fn has_hello_tag(&self) -> bool {
        self.hello_at().is_some()
    }

    /// The client's hello, if all of it is there.
    pub fn hello(&self) -> Option<Message<'a>> {
        Message::parse(self.rest.get(self.hello_at()?..)?)
    }
}

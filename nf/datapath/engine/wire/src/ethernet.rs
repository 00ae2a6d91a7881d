//! Ethernet II and IEEE 802.3 MAC header (RFC 894, IEEE 802.3 §3.2), without preamble and FCS.

use nf_fields::{Mac, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{be16, octets};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 14;

/// Values of the last field from here up are ethertypes; up to [`MAX_LENGTH`] they are lengths.
pub const MIN_ETHERTYPE: u16 = 0x0600;

/// Largest IEEE 802.3 payload length.
pub const MAX_LENGTH: u16 = 1500;

mod field {
    use std::ops::Range;
    pub(super) const DST: Range<usize> = 0..6;
    pub(super) const SRC: Range<usize> = 6..12;
    pub(super) const TYPE: Range<usize> = 12..14;
}

/// A MAC header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
    }

    /// Destination address.
    #[inline]
    pub fn dst(&self) -> Mac {
        Mac(octets(self.head, field::DST))
    }

    /// Source address.
    #[inline]
    pub fn src(&self) -> Mac {
        Mac(octets(self.head, field::SRC))
    }

    /// Ethertype, or the payload's length in IEEE 802.3 frames.
    #[inline]
    pub fn ethertype(&self) -> u16 {
        be16(self.head, field::TYPE)
    }

    /// The payload's length, in IEEE 802.3 frames.
    #[inline]
    pub fn length(&self) -> Option<u16> {
        Some(self.ethertype()).filter(|&n| n <= MAX_LENGTH)
    }
}

fields! { Header {
    1 "proto" | "ethertype": u16 = |h| h.ethertype(), "Ethertype, or length below 1536.";
    2 "dst": Mac = |h| h.dst(), "Destination address.";
    3 "src": Mac = |h| h.src(), "Source address.";
    4 "length": Option<u16> = |h| h.length(), "Payload length of an IEEE 802.3 frame.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::ETHERNET, "ethernet" | "eth", "IEEE 802.3", "Ethernet MAC header.");

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: [u8; 14] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x06];

    #[test]
    fn reads_addresses_and_type() {
        let h = Header::new_checked(&FRAME).unwrap();
        assert_eq!(h.dst(), Mac([0xff; 6]));
        assert_eq!(h.src(), Mac([2, 0, 0, 0, 0, 1]));
        assert_eq!((h.ethertype(), h.length()), (0x0806, None));
    }

    #[test]
    fn small_types_are_lengths() {
        let mut frame = FRAME;
        frame[12..].copy_from_slice(&[0x05, 0xdc]);
        assert_eq!(Header::new_checked(&frame).unwrap().length(), Some(1500));
    }

    #[test]
    fn short_frames_are_truncated() {
        assert_eq!(Header::new_checked(&FRAME[..13]).err(), Some(Fault::Truncated));
    }
}

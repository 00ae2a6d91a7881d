//! GRE (RFC 2784, RFC 2890) and PPTP's enhanced GRE (RFC 2637 §4.1).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32};
use crate::{Fault, id};

/// Octets of a header without optional parts.
pub const HEADER_LEN: usize = 4;

mod flag {
    pub(super) const CHECKSUM: u16 = 0x8000;
    pub(super) const ROUTING: u16 = 0x4000;
    pub(super) const KEY: u16 = 0x2000;
    pub(super) const SEQUENCE: u16 = 0x1000;
    /// Version 1 only.
    pub(super) const ACKNOWLEDGEMENT: u16 = 0x0080;
    pub(super) const VERSION: u16 = 0x0007;
}

mod field {
    use std::ops::Range;
    pub(super) const FLAGS: Range<usize> = 0..2;
    pub(super) const PROTOCOL: Range<usize> = 2..4;
}

/// A GRE header, with where each optional part starts.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    bytes: &'a [u8],
    flags: u16,
}

impl<'a> Header<'a> {
    /// Checks that the optional parts are there. What [`Header::is_valid`] refuses passes, so that
    /// the version of a forged header can still be asked for.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() < HEADER_LEN {
            return Err(Fault::Truncated);
        }
        let header = Self { bytes, flags: be16(bytes, field::FLAGS) };
        if header.header_len() > bytes.len() { Err(Fault::Truncated) } else { Ok(header) }
    }

    /// Whether the payload can be found: a version that exists, version 1 with its key, and no
    /// source routing (RFC 1701), which RFC 2784 withdrew.
    pub fn is_valid(&self) -> bool {
        match self.version() {
            0 => !self.has(flag::ROUTING),
            1 => !self.has(flag::ROUTING | flag::CHECKSUM) && self.has(flag::KEY),
            _ => false,
        }
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        self.part_at(flag::ACKNOWLEDGEMENT).saturating_add(self.size(flag::ACKNOWLEDGEMENT))
    }

    /// Flags and version, as they stand.
    pub fn flags(&self) -> u16 {
        self.flags
    }

    /// 0, or 1 of PPTP.
    pub fn version(&self) -> u16 {
        self.flags & flag::VERSION
    }

    /// Ethertype of the payload.
    pub fn protocol(&self) -> u16 {
        be16(self.bytes, field::PROTOCOL)
    }

    /// Checksum of header and payload.
    pub fn checksum(&self) -> Option<u16> {
        Some((self.word(flag::CHECKSUM)? >> 16) as u16)
    }

    /// Key; in version 1, payload length and call identifier.
    pub fn key(&self) -> Option<u32> {
        self.word(flag::KEY)
    }

    /// Call identifier of version 1.
    pub fn call_id(&self) -> Option<u16> {
        self.key().filter(|_| self.version() == 1).map(|key| key as u16)
    }

    /// Payload octets of version 1.
    pub fn payload_len(&self) -> Option<u16> {
        self.key().filter(|_| self.version() == 1).map(|key| (key >> 16) as u16)
    }

    /// Sequence number.
    pub fn sequence(&self) -> Option<u32> {
        self.word(flag::SEQUENCE)
    }

    /// Acknowledgement number of version 1.
    pub fn acknowledgement(&self) -> Option<u32> {
        self.word(flag::ACKNOWLEDGEMENT)
    }

    fn has(&self, mask: u16) -> bool {
        self.flags & mask != 0
    }

    fn size(&self, part: u16) -> usize {
        let in_version = match self.version() {
            0 => part != flag::ACKNOWLEDGEMENT,
            version => version == 1,
        };
        if self.has(part) && in_version { 4 } else { 0 }
    }

    fn part_at(&self, part: u16) -> usize {
        [flag::CHECKSUM, flag::KEY, flag::SEQUENCE, flag::ACKNOWLEDGEMENT]
            .into_iter()
            .take_while(|&earlier| earlier != part)
            .fold(HEADER_LEN, |at, earlier| at.saturating_add(self.size(earlier)))
    }

    fn word(&self, part: u16) -> Option<u32> {
        let at = self.part_at(part);
        (self.size(part) > 0).then(|| be32(self.bytes, at..at.saturating_add(4)))
    }

    fn bit(&self, mask: u16) -> u16 {
        self.has(mask).into()
    }
}

fields! { Header {
    1 "proto" | "protocol": u16 = |h| h.protocol(), "Ethertype of the payload.";
    2 "flags": u16 = |h| h.flags(), "Flags and version.";
    3 "checksum": Option<u16> = |h| h.checksum(), "Checksum of header and payload.";
    4 "key": Option<u32> = |h| h.key(), "Key; in version 1, payload length and call identifier.";
    5 "seqnb" | "sequence": Option<u32> = |h| h.sequence(), "Sequence number.";
    6 "cflag": u16 = |h| h.bit(flag::CHECKSUM), "Whether there is a checksum.";
    7 "kflag": u16 = |h| h.bit(flag::KEY), "Whether there is a key.";
    8 "sflag": u16 = |h| h.bit(flag::SEQUENCE), "Whether there is a sequence number.";
    9 "version": u16 = |h| h.version(), "0, or 1 of PPTP.";
    0 "acknb" | "acknowledgement": Option<u32> = |h| h.acknowledgement(), "Acknowledgement number of version 1.";
    0 "call_id": Option<u16> = |h| h.call_id(), "Call identifier of version 1.";
    0 "payload_len": Option<u16> = |h| h.payload_len(), "Payload octets of version 1.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::GRE, "gre", "RFC 2784", "Generic routing encapsulation.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_parts_move_each_other() {
        let bare = Header::new_checked(&[0, 0, 0x08, 0]).unwrap();
        assert_eq!((bare.protocol(), bare.header_len(), bare.key()), (0x0800, 4, None));
        let all = [0xb0, 0, 0x65, 0x58, 0xab, 0xcd, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9];
        let h = Header::new_checked(&all).unwrap();
        assert_eq!((h.checksum(), h.key(), h.sequence()), (Some(0xabcd), Some(7), Some(9)));
        assert_eq!((h.header_len(), h.bit(flag::KEY)), (16, 1));
        let sequence = Header::new_checked(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 5]).unwrap();
        assert_eq!((sequence.sequence(), sequence.key()), (Some(5), None));
    }

    #[test]
    fn version_1_has_a_call_and_an_acknowledgement() {
        let bytes = [0x20, 0x81, 0x88, 0x0b, 0, 12, 0x12, 0x34, 0, 0, 0, 3];
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.version(), h.call_id(), h.payload_len()), (1, Some(0x1234), Some(12)));
        assert_eq!((h.sequence(), h.acknowledgement(), h.header_len()), (None, Some(3), 12));
    }

    #[test]
    fn forged_headers_have_a_version_and_no_payload() {
        let valid = |bytes: &[u8]| Header::new_checked(bytes).unwrap().is_valid();
        assert!(valid(&[0, 0, 8, 0]));
        assert!(!valid(&[0x40, 0, 8, 0]));
        assert!(!valid(&[0x00, 1, 0x88, 0x0b]));
        assert!(!valid(&[0xff, 0xfb, 8, 0]));
        let h = Header::new_checked(&[0xff, 0xfb, 8, 0]).unwrap();
        assert_eq!((h.version(), h.key(), h.header_len()), (3, None, 4));
    }

    #[test]
    fn cut_headers_are_truncated() {
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[0x20, 0, 8, 0, 0, 0, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[0, 0, 8]), Some(Fault::Truncated));
    }
}

//! ERSPAN types II and III: mirrored Ethernet frames in GRE (draft-foschiano-erspan-03).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32};
use crate::{Fault, id};

/// Octets of a type II header.
pub const HEADER_LEN: usize = 8;

/// Octets of a type III header without its optional subheader.
const TYPE_III_LEN: usize = 12;

/// Octets of the platform specific subheader.
const SUBHEADER_LEN: usize = 8;

mod field {
    use std::ops::Range;
    pub(super) const VERSION_VLAN: Range<usize> = 0..2;
    pub(super) const SESSION: Range<usize> = 2..4;
    pub(super) const SECOND_WORD: Range<usize> = 4..8;
    pub(super) const GROUP_TAG: Range<usize> = 8..10;
    pub(super) const LAST: Range<usize> = 10..12;
}

/// An ERSPAN header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks version and length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() < HEADER_LEN {
            return Err(Fault::Truncated);
        }
        let header = Self { bytes };
        if !matches!(header.version(), 1 | 2) {
            return Err(Fault::Malformed);
        }
        // The octets of type III must be there before its flags can say how long it is.
        if header.version() == 2 && bytes.len() < TYPE_III_LEN || bytes.len() < header.header_len()
        {
            return Err(Fault::Truncated);
        }
        Ok(header)
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        match (self.version(), be16(self.bytes, field::LAST) & 1) {
            (1, _) => HEADER_LEN,
            (_, 0) => TYPE_III_LEN,
            _ => TYPE_III_LEN.saturating_add(SUBHEADER_LEN),
        }
    }

    /// 1 of type II, 2 of type III.
    pub fn version(&self) -> u8 {
        (be16(self.bytes, field::VERSION_VLAN) >> 12) as u8
    }

    /// VLAN the frame was mirrored from.
    pub fn vlan(&self) -> u16 {
        be16(self.bytes, field::VERSION_VLAN) & 0x0fff
    }

    /// Class of service of the frame.
    pub fn cos(&self) -> u8 {
        (be16(self.bytes, field::SESSION) >> 13) as u8
    }

    /// Whether the mirrored frame was cut.
    pub fn truncated(&self) -> bool {
        be16(self.bytes, field::SESSION) & 0x0400 != 0
    }

    /// Mirroring session.
    pub fn session_id(&self) -> u16 {
        be16(self.bytes, field::SESSION) & 0x03ff
    }

    /// Port and direction, of type II.
    pub fn index(&self) -> Option<u32> {
        (self.version() == 1).then(|| be32(self.bytes, field::SECOND_WORD) & 0x000f_ffff)
    }

    /// Time the frame was mirrored, of type III.
    pub fn timestamp(&self) -> Option<u32> {
        (self.version() == 2).then(|| be32(self.bytes, field::SECOND_WORD))
    }

    /// Security group tag, of type III.
    pub fn group_tag(&self) -> Option<u16> {
        (self.version() == 2).then(|| be16(self.bytes, field::GROUP_TAG))
    }

    /// 1 if the frame was leaving, of type III.
    pub fn direction(&self) -> Option<u8> {
        (self.version() == 2).then(|| (be16(self.bytes, field::LAST) >> 3 & 1) as u8)
    }

    /// Whether an Ethernet frame follows; type III may carry IP (frame type 2) instead.
    pub fn carries_ethernet(&self) -> bool {
        self.version() == 1 || be16(self.bytes, field::LAST) >> 10 & 0x1f == 0
    }
}

fields! { Header {
    0 "version": u8 = |h| h.version(), "1 of type II, 2 of type III.";
    0 "vlan": u16 = |h| h.vlan(), "VLAN the frame was mirrored from.";
    0 "cos": u8 = |h| h.cos(), "Class of service of the frame.";
    0 "truncated": bool = |h| h.truncated(), "Whether the mirrored frame was cut.";
    0 "session_id": u16 = |h| h.session_id(), "Mirroring session.";
    0 "index": Option<u32> = |h| h.index(), "Port and direction, of type II.";
    0 "timestamp": Option<u32> = |h| h.timestamp(), "Time of mirroring, of type III.";
    0 "group_tag": Option<u16> = |h| h.group_tag(), "Security group tag, of type III.";
    0 "direction": Option<u8> = |h| h.direction(), "1 if the frame was leaving, of type III.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::ERSPAN, "erspan", "draft-foschiano-erspan", "Mirrored frames in GRE.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_ii_has_an_index() {
        let h = Header::new_checked(&[0x10, 0x64, 0x6c, 0x07, 0, 0x0a, 0xbc, 0xde]).unwrap();
        assert_eq!((h.version(), h.vlan(), h.cos(), h.session_id()), (1, 100, 3, 7));
        assert_eq!((h.truncated(), h.index(), h.timestamp()), (true, Some(0xabcde), None));
        assert_eq!((h.header_len(), h.carries_ethernet()), (8, true));
    }

    #[test]
    fn type_iii_may_have_a_subheader() {
        let mut bytes = [0; 20];
        bytes[..12].copy_from_slice(&[0x20, 1, 0, 2, 0, 0, 0, 9, 0, 5, 0, 0x08]);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.timestamp(), h.group_tag(), h.direction()), (Some(9), Some(5), Some(1)));
        assert_eq!((h.header_len(), h.carries_ethernet(), h.index()), (12, true, None));
        bytes[10..12].copy_from_slice(&[0x08, 0x01]);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.header_len(), h.carries_ethernet()), (20, false));
        assert_eq!(Header::new_checked(&bytes[..19]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&bytes[..11]).err(), Some(Fault::Truncated));
    }

    #[test]
    fn other_versions_are_malformed() {
        assert_eq!(Header::new_checked(&[0; 8]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0x10; 7]).err(), Some(Fault::Truncated));
    }
}

//! IEEE 802.1Q customer tag and IEEE 802.1ad service tag.
//!
//! The tag as this view sees it starts at its tag protocol identifier, which is the ethertype of
//! what carries it, and ends before the ethertype of what it carries; so tags of any depth follow
//! each other every four octets.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::be16;
use crate::{Fault, id};

/// Octets of a tag: protocol identifier and control information.
pub const TAG_LEN: usize = 4;

/// Octets a view needs: a tag and the ethertype behind it.
pub const HEADER_LEN: usize = 6;

/// Tag protocol identifiers in use: IEEE's two, then those that stacked tags had before 802.1ad.
pub const TPIDS: [u16; 5] = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];

mod field {
    use std::ops::Range;
    pub(super) const TPID: Range<usize> = 0..2;
    pub(super) const TCI: Range<usize> = 2..4;
    pub(super) const TYPE: Range<usize> = 4..6;
}

/// A VLAN tag and the ethertype behind it.
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

    /// Tag protocol identifier; absent when the tag's carrier does not end with it.
    #[inline]
    pub fn tpid(&self) -> Option<u16> {
        Some(be16(self.head, field::TPID)).filter(|tpid| TPIDS.contains(tpid))
    }

    /// Priority code point.
    #[inline]
    pub fn pcp(&self) -> u8 {
        (self.tci() >> 13) as u8
    }

    /// Drop eligible indicator.
    #[inline]
    pub fn dei(&self) -> u8 {
        (self.tci() >> 12 & 1) as u8
    }

    /// VLAN identifier.
    #[inline]
    pub fn vid(&self) -> u16 {
        self.tci() & 0x0fff
    }

    /// Ethertype of what the tag carries.
    #[inline]
    pub fn ethertype(&self) -> u16 {
        be16(self.head, field::TYPE)
    }

    #[inline]
    fn tci(&self) -> u16 {
        be16(self.head, field::TCI)
    }
}

fields! { Header {
    1 "tpid": Option<u16> = |h| h.tpid(), "Tag protocol identifier.";
    2 "pcp": u8 = |h| h.pcp(), "Priority code point.";
    3 "dei": u8 = |h| h.dei(), "Drop eligible indicator.";
    4 "vid" | "vlan_id": u16 = |h| h.vid(), "VLAN identifier.";
    0 "proto" | "ethertype": u16 = |h| h.ethertype(), "Ethertype of the payload.";
} }

/// Registry entry of customer tags.
pub const INFO_8021Q: HeaderInfo =
    header!(Header, id::DOT1Q, "8021q" | "vlan", "IEEE 802.1Q", "VLAN customer tag.");

/// Registry entry of service tags.
pub const INFO_8021AD: HeaderInfo =
    header!(Header, id::DOT1AD, "8021ad" | "qinq", "IEEE 802.1ad", "VLAN service tag.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_part_of_the_tag() {
        let h = Header::new_checked(&[0x81, 0x00, 0xb1, 0x23, 0x08, 0x00]).unwrap();
        assert_eq!((h.tpid(), h.pcp(), h.dei(), h.vid()), (Some(0x8100), 5, 1, 0x123));
        assert_eq!(h.ethertype(), 0x0800);
    }

    #[test]
    fn a_foreign_tag_identifier_is_absent() {
        assert_eq!(Header::new_checked(&[0x12, 0x34, 0, 1, 8, 0]).unwrap().tpid(), None);
    }

    #[test]
    fn a_cut_tag_is_truncated() {
        assert_eq!(Header::new_checked(&[0x81, 0, 0, 1, 8]).err(), Some(Fault::Truncated));
    }
}

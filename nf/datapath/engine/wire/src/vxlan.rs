//! VXLAN (RFC 7348), with the group policy extension (draft-smith-vxlan-group-policy).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be24, octet};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 8;

/// UDP port.
pub const PORT: u16 = 4789;

/// UDP port Linux used before one was assigned, and still uses unless told otherwise.
pub const PORT_LINUX: u16 = 8472;

mod flag {
    /// The network identifier counts; has to be set.
    pub(super) const NETWORK: u8 = 0x08;
    /// The group policy identifier counts.
    pub(super) const GROUP: u8 = 0x80;
}

mod field {
    use std::ops::Range;
    pub(super) const FLAGS: usize = 0;
    pub(super) const GROUP_FLAGS: usize = 1;
    pub(super) const GROUP: Range<usize> = 2..4;
    pub(super) const NETWORK: Range<usize> = 4..7;
    pub(super) const RESERVED: usize = 7;
}

/// A VXLAN header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length, and the flag that has to be set.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        if octet(head, field::FLAGS) & flag::NETWORK == 0 {
            return Err(Fault::Malformed);
        }
        Ok(Self { head })
    }

    /// Whether all that is reserved is 0. A receiver ignores it, so a forged header is a tunnel
    /// nonetheless; but then the port alone is weak evidence, and the payload has to bear it out.
    pub fn is_clean(&self) -> bool {
        octet(self.head, field::RESERVED) == 0
            && match octet(self.head, field::FLAGS) {
                flag::NETWORK => {
                    octet(self.head, field::GROUP_FLAGS) == 0 && self.group_word() == 0
                }
                flags => flags == flag::NETWORK | flag::GROUP,
            }
    }

    /// Virtual network identifier.
    pub fn vni(&self) -> u32 {
        be24(self.head, field::NETWORK)
    }

    /// Group policy identifier.
    pub fn group(&self) -> Option<u16> {
        (octet(self.head, field::FLAGS) & flag::GROUP != 0).then(|| self.group_word())
    }

    fn group_word(&self) -> u16 {
        be16(self.head, field::GROUP)
    }
}

fields! { Header {
    0 "flags": u8 = |h| octet(h.head, field::FLAGS), "Flags.";
    0 "vni": u32 = |h| h.vni(), "Virtual network identifier.";
    0 "group_policy": Option<u16> = |h| h.group(), "Group policy identifier.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::VXLAN, "vxlan", "RFC 7348", "Virtual extensible LAN.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_network_and_group() {
        let h = Header::new_checked(&[8, 0, 0, 0, 1, 2, 3, 0]).unwrap();
        assert_eq!((h.vni(), h.group()), (0x010203, None));
        let h = Header::new_checked(&[0x88, 0x40, 0, 9, 0, 0, 1, 0]).unwrap();
        assert_eq!((h.vni(), h.group()), (1, Some(9)));
    }

    #[test]
    fn reserved_bits_are_told_and_tolerated() {
        for bytes in
            [[8, 0, 0, 0, 0, 0, 1, 1], [8, 0, 0, 1, 0, 0, 1, 0], [0x0c, 0, 0, 0, 0, 0, 1, 0]]
        {
            assert!(!Header::new_checked(&bytes).unwrap().is_clean());
        }
        assert!(Header::new_checked(&[8, 0, 0, 0, 9, 9, 9, 0]).unwrap().is_clean());
        assert!(Header::new_checked(&[0x88, 8, 0, 1, 9, 9, 9, 0]).unwrap().is_clean());
    }

    #[test]
    fn the_network_flag_has_to_be_set() {
        assert_eq!(Header::new_checked(&[0xf7; 8]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[8; 7]).err(), Some(Fault::Truncated));
    }
}

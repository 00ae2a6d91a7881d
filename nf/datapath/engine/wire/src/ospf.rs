//! OSPF, versions 2 and 3: the header all packets share (RFC 2328 §A.3.1, RFC 5340 §A.3.1).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32, octet};
use crate::{Fault, id};

/// Octets both versions have.
pub const HEADER_LEN: usize = 16;

mod field {
    use std::ops::Range;
    pub(super) const VERSION: usize = 0;
    pub(super) const TYPE: usize = 1;
    pub(super) const LENGTH: Range<usize> = 2..4;
    pub(super) const ROUTER: Range<usize> = 4..8;
    pub(super) const AREA: Range<usize> = 8..12;
    pub(super) const CHECKSUM: Range<usize> = 12..14;
    /// Version 3; version 2 has the authentication type in both octets.
    pub(super) const INSTANCE: usize = 14;
    pub(super) const AUTHENTICATION: Range<usize> = 14..16;
}

/// An OSPF header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks length and version once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        match octet(head, field::VERSION) {
            2 | 3 => Ok(Self { head }),
            _ => Err(Fault::Malformed),
        }
    }

    /// Version, 2 or 3.
    pub fn version(&self) -> u8 {
        octet(self.head, field::VERSION)
    }

    /// 1 hello, 2 database description, 3 request, 4 update, 5 acknowledgement.
    pub fn kind(&self) -> u8 {
        octet(self.head, field::TYPE)
    }

    /// Octets of the packet.
    pub fn length(&self) -> u16 {
        be16(self.head, field::LENGTH)
    }

    /// Router identifier.
    pub fn router_id(&self) -> u32 {
        be32(self.head, field::ROUTER)
    }

    /// Area identifier.
    pub fn area_id(&self) -> u32 {
        be32(self.head, field::AREA)
    }

    /// Checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.head, field::CHECKSUM)
    }

    /// Instance identifier of version 3.
    pub fn instance_id(&self) -> Option<u8> {
        (self.version() == 3).then(|| octet(self.head, field::INSTANCE))
    }

    /// Authentication type of version 2.
    pub fn authentication(&self) -> Option<u16> {
        (self.version() == 2).then(|| be16(self.head, field::AUTHENTICATION))
    }
}

fields! { Header {
    1 "version": u8 = |h| h.version(), "Version.";
    2 "type": u8 = |h| h.kind(), "Type of the packet.";
    3 "len" | "length": u16 = |h| h.length(), "Octets of the packet.";
    4 "router_id": u32 = |h| h.router_id(), "Router identifier.";
    5 "area_id": u32 = |h| h.area_id(), "Area identifier.";
    6 "checksum": u16 = |h| h.checksum(), "Checksum.";
    7 "instance_id": Option<u8> = |h| h.instance_id(), "Instance identifier of version 3.";
    0 "auth_type": Option<u16> = |h| h.authentication(), "Authentication type of version 2.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::OSPF, "ospf", "RFC 2328", "Open shortest path first.");

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: [u8; 16] = [2, 1, 0, 44, 1, 1, 1, 1, 0, 0, 0, 5, 0x12, 0x34, 0, 1];

    #[test]
    fn versions_share_a_header() {
        let h = Header::new_checked(&HELLO).unwrap();
        assert_eq!((h.version(), h.kind(), h.length()), (2, 1, 44));
        assert_eq!((h.router_id(), h.area_id(), h.checksum()), (0x0101_0101, 5, 0x1234));
        assert_eq!((h.instance_id(), h.authentication()), (None, Some(1)));
        let mut v3 = HELLO;
        v3[0] = 3;
        v3[14] = 9;
        let h = Header::new_checked(&v3).unwrap();
        assert_eq!((h.instance_id(), h.authentication()), (Some(9), None));
    }

    #[test]
    fn unknown_versions_are_malformed() {
        let mut v4 = HELLO;
        v4[0] = 4;
        assert_eq!(Header::new_checked(&v4).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&HELLO[..15]).err(), Some(Fault::Truncated));
    }
}

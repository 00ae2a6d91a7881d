//! ICMP for IPv6 (RFC 4443), with the targets of neighbour discovery (RFC 4861).

use std::net::Ipv6Addr;

use nf_fields::{BinaryRef, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32, octet, octets};
use crate::{Fault, id};

/// Octets of the header every type has.
pub const HEADER_LEN: usize = 4;

mod field {
    use std::ops::Range;
    pub(super) const TYPE: usize = 0;
    pub(super) const CODE: usize = 1;
    pub(super) const CHECKSUM: Range<usize> = 2..4;
    /// These lie in the body.
    pub(super) const IDENTIFIER: Range<usize> = 0..2;
    pub(super) const SEQUENCE: Range<usize> = 2..4;
    pub(super) const MTU: Range<usize> = 0..4;
    pub(super) const TARGET: Range<usize> = 4..20;
}

/// Message types this view asks for.
mod kind {
    pub(super) const TOO_BIG: u8 = 2;
    pub(super) const ECHO_REQUEST: u8 = 128;
    pub(super) const ECHO_REPLY: u8 = 129;
    pub(super) const NEIGHBOUR_SOLICITATION: u8 = 135;
    pub(super) const REDIRECT: u8 = 137;
}

/// An ICMPv6 message.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    body: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, body) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        Ok(Self { head, body })
    }

    /// Type of the message.
    pub fn kind(&self) -> u8 {
        octet(self.head, field::TYPE)
    }

    /// Code within the type.
    pub fn code(&self) -> u8 {
        octet(self.head, field::CODE)
    }

    /// Checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.head, field::CHECKSUM)
    }

    /// What follows the checksum.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Identifier of an echo.
    pub fn identifier(&self) -> Option<u16> {
        self.is_echo().then(|| be16(self.body, field::IDENTIFIER))
    }

    /// Sequence number of an echo.
    pub fn sequence(&self) -> Option<u16> {
        self.is_echo().then(|| be16(self.body, field::SEQUENCE))
    }

    /// MTU of "packet too big".
    pub fn mtu(&self) -> Option<u32> {
        (self.kind() == kind::TOO_BIG && self.body.len() >= field::MTU.end)
            .then(|| be32(self.body, field::MTU))
    }

    /// Target of a neighbour solicitation, an advertisement or a redirect.
    pub fn target(&self) -> Option<Ipv6Addr> {
        ((kind::NEIGHBOUR_SOLICITATION..=kind::REDIRECT).contains(&self.kind())
            && self.body.len() >= field::TARGET.end)
            .then(|| Ipv6Addr::from(octets::<16>(self.body, field::TARGET)))
    }

    fn is_echo(&self) -> bool {
        matches!(self.kind(), kind::ECHO_REQUEST | kind::ECHO_REPLY)
            && self.body.len() >= field::SEQUENCE.end
    }
}

fields! { Header {
    1 "type": u8 = |h| h.kind(), "Type of the message.";
    2 "code": u8 = |h| h.code(), "Code within the type.";
    3 "checksum": u16 = |h| h.checksum(), "Checksum.";
    0 "identifier": Option<u16> = |h| h.identifier(), "Identifier of an echo.";
    0 "seq_nb" | "sequence": Option<u16> = |h| h.sequence(), "Sequence number of an echo.";
    0 "mtu": Option<u32> = |h| h.mtu(), "MTU of packet too big.";
    0 "target": Option<Ipv6Addr> = |h| h.target(), "Target of neighbour discovery.";
    0 "data": BinaryRef<'_> = |h| BinaryRef(h.body), "What follows the checksum.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::ICMPV6, "icmpv6" | "icmp6", "RFC 4443", "Control messages of IPv6.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_has_identifier_and_sequence() {
        let h = Header::new_checked(&[128, 0, 0x12, 0x34, 0, 1, 0, 2]).unwrap();
        assert_eq!((h.kind(), h.code(), h.checksum()), (128, 0, 0x1234));
        assert_eq!((h.identifier(), h.sequence(), h.target()), (Some(1), Some(2), None));
    }

    #[test]
    fn solicitation_has_a_target_when_it_is_whole() {
        let mut bytes = vec![135, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([0xfe; 16]);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!(h.target(), Some([0xfe; 16].into()));
        assert_eq!(Header::new_checked(&bytes[..23]).unwrap().target(), None);
    }

    #[test]
    fn too_big_has_an_mtu() {
        let h = Header::new_checked(&[2, 0, 0, 0, 0, 0, 0x05, 0x00]).unwrap();
        assert_eq!((h.mtu(), h.identifier()), (Some(1280), None));
        assert_eq!(Header::new_checked(&[2, 0, 0]).err(), Some(Fault::Truncated));
    }
}

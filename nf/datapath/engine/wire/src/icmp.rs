//! ICMP for IPv4 (RFC 792, RFC 950).

use std::net::Ipv4Addr;

use nf_fields::{BinaryRef, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32, octet};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 8;

mod field {
    use std::ops::Range;
    pub(super) const TYPE: usize = 0;
    pub(super) const CODE: usize = 1;
    pub(super) const CHECKSUM: Range<usize> = 2..4;
    pub(super) const IDENTIFIER: Range<usize> = 4..6;
    pub(super) const SEQUENCE: Range<usize> = 6..8;
    pub(super) const GATEWAY: Range<usize> = 4..8;
}

/// Message types this view asks for.
mod kind {
    pub(super) const UNREACHABLE: u8 = 3;
    pub(super) const REDIRECT: u8 = 5;
}

/// An ICMP message.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, data) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        Ok(Self { head, data })
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

    /// Whether the type has an identifier and a sequence number: echo, router discovery aside,
    /// timestamp, information, address mask, extended echo (RFC 8335).
    fn is_query(&self) -> bool {
        matches!(self.kind(), 0 | 8 | 13..=18 | 42 | 43)
    }

    /// Identifier of a query.
    pub fn identifier(&self) -> Option<u16> {
        self.is_query().then(|| be16(self.head, field::IDENTIFIER))
    }

    /// Sequence number of a query.
    pub fn sequence(&self) -> Option<u16> {
        self.is_query().then(|| be16(self.head, field::SEQUENCE))
    }

    /// Gateway of a redirect.
    pub fn gateway(&self) -> Option<u32> {
        (self.kind() == kind::REDIRECT).then(|| be32(self.head, field::GATEWAY))
    }

    /// Next-hop MTU of "fragmentation needed" (RFC 1191).
    pub fn mtu(&self) -> Option<u16> {
        (self.kind() == kind::UNREACHABLE && self.code() == 4)
            .then(|| be16(self.head, field::SEQUENCE))
    }

    /// What follows the first eight octets.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }
}

fields! { Header {
    1 "type": u8 = |h| h.kind(), "Type of the message.";
    2 "code": u8 = |h| h.code(), "Code within the type.";
    3 "checksum": u16 = |h| h.checksum(), "Checksum.";
    4 "identifier": Option<u16> = |h| h.identifier(), "Identifier of a query.";
    5 "seq_nb" | "sequence": Option<u16> = |h| h.sequence(), "Sequence number of a query.";
    6 "gateway": Option<u32> = |h| h.gateway(), "Gateway of a redirect, as a number.";
    7 "data": BinaryRef<'_> = |h| BinaryRef(h.data), "What follows the header.";
    0 "gateway_address": Option<Ipv4Addr> = |h| h.gateway().map(Ipv4Addr::from), "Gateway of a redirect.";
    0 "mtu": Option<u16> = |h| h.mtu(), "Next-hop MTU of fragmentation needed.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::ICMP, "icmp", "RFC 792", "Control messages of IPv4.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_has_identifier_and_sequence() {
        let h = Header::new_checked(&[8, 0, 0xf7, 0xfd, 0, 1, 0, 2, 0xaa]).unwrap();
        assert_eq!((h.kind(), h.code(), h.checksum()), (8, 0, 0xf7fd));
        assert_eq!((h.identifier(), h.sequence(), h.gateway()), (Some(1), Some(2), None));
        assert_eq!(h.data(), [0xaa]);
    }

    #[test]
    fn redirect_has_a_gateway_and_unreachable_an_mtu() {
        let h = Header::new_checked(&[5, 1, 0, 0, 10, 0, 0, 254]).unwrap();
        assert_eq!((h.gateway(), h.identifier()), (Some(0x0a00_00fe), None));
        let h = Header::new_checked(&[3, 4, 0, 0, 0, 0, 0x05, 0x78]).unwrap();
        assert_eq!((h.mtu(), h.sequence()), (Some(1400), None));
        assert_eq!(Header::new_checked(&[3, 4, 0, 0, 0, 0, 5]).err(), Some(Fault::Truncated));
    }
}

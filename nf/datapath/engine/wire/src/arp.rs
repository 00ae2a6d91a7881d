//! ARP and RARP (RFC 826, RFC 903).

use std::net::Ipv4Addr;

use nf_fields::{BinaryRef, Mac, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{after, be16, first, octet};
use crate::{Fault, id};

/// Octets before the addresses.
pub const HEADER_LEN: usize = 8;

mod field {
    use std::ops::Range;
    pub(super) const HARDWARE: Range<usize> = 0..2;
    pub(super) const PROTOCOL: Range<usize> = 2..4;
    pub(super) const HARDWARE_LEN: usize = 4;
    pub(super) const PROTOCOL_LEN: usize = 5;
    pub(super) const OPERATION: Range<usize> = 6..8;
}

/// An ARP packet.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    addresses: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks that the four addresses are there.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, addresses) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        let header = Self { head, addresses };
        let pair = usize::from(header.hardware_len()).saturating_add(header.protocol_len().into());
        if addresses.len() < pair.saturating_mul(2) { Err(Fault::Truncated) } else { Ok(header) }
    }

    /// Hardware address space (1 is Ethernet).
    pub fn hardware(&self) -> u16 {
        be16(self.head, field::HARDWARE)
    }

    /// Protocol address space, an ethertype.
    pub fn protocol(&self) -> u16 {
        be16(self.head, field::PROTOCOL)
    }

    /// Octets of a hardware address.
    pub fn hardware_len(&self) -> u8 {
        octet(self.head, field::HARDWARE_LEN)
    }

    /// Octets of a protocol address.
    pub fn protocol_len(&self) -> u8 {
        octet(self.head, field::PROTOCOL_LEN)
    }

    /// Operation: 1 request, 2 reply, 3 and 4 the same of RARP.
    pub fn operation(&self) -> u16 {
        be16(self.head, field::OPERATION)
    }

    /// Sender's hardware address.
    pub fn src_hardware(&self) -> &'a [u8] {
        first(self.addresses, self.hardware_len().into())
    }

    /// Sender's protocol address.
    pub fn src_protocol(&self) -> &'a [u8] {
        let rest = after(self.addresses, self.hardware_len().into());
        first(rest, self.protocol_len().into())
    }

    /// Target's hardware address.
    pub fn dst_hardware(&self) -> &'a [u8] {
        first(self.target(), self.hardware_len().into())
    }

    /// Target's protocol address.
    pub fn dst_protocol(&self) -> &'a [u8] {
        let rest = after(self.target(), self.hardware_len().into());
        first(rest, self.protocol_len().into())
    }

    fn target(&self) -> &'a [u8] {
        let rest = after(self.addresses, self.hardware_len().into());
        after(rest, self.protocol_len().into())
    }
}

fn mac(bytes: &[u8]) -> Option<Mac> {
    bytes.try_into().ok().map(Mac)
}

fn ip(bytes: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from)
}

fields! { Header {
    1 "ar_hrd": u16 = |h| h.hardware(), "Hardware address space.";
    2 "ar_pro": u16 = |h| h.protocol(), "Protocol address space.";
    3 "ar_hln": u8 = |h| h.hardware_len(), "Octets of a hardware address.";
    4 "ar_pln": u8 = |h| h.protocol_len(), "Octets of a protocol address.";
    5 "ar_op": u16 = |h| h.operation(), "1 request, 2 reply, 3 and 4 the same of RARP.";
    6 "ar_sha": Option<Mac> = |h| mac(h.src_hardware()), "Sender's MAC address.";
    7 "ar_sip": Option<Ipv4Addr> = |h| ip(h.src_protocol()), "Sender's IPv4 address.";
    8 "ar_tha": Option<Mac> = |h| mac(h.dst_hardware()), "Target's MAC address.";
    9 "ar_tip": Option<Ipv4Addr> = |h| ip(h.dst_protocol()), "Target's IPv4 address.";
    10 "src_hard": BinaryRef<'_> = |h| BinaryRef(h.src_hardware()), "Sender's hardware address.";
    11 "src_proto": BinaryRef<'_> = |h| BinaryRef(h.src_protocol()), "Sender's protocol address.";
    12 "dst_hard": BinaryRef<'_> = |h| BinaryRef(h.dst_hardware()), "Target's hardware address.";
    13 "dst_proto": BinaryRef<'_> = |h| BinaryRef(h.dst_protocol()), "Target's protocol address.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::ARP, "arp" | "rarp", "RFC 826", "Address resolution.");

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; 28] =
        [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];

    #[test]
    fn reads_an_ethernet_request() {
        let h = Header::new_checked(&REQUEST).unwrap();
        assert_eq!((h.hardware(), h.protocol(), h.operation()), (1, 0x0800, 1));
        assert_eq!(mac(h.src_hardware()), Some(Mac([2, 0, 0, 0, 0, 1])));
        assert_eq!(ip(h.src_protocol()), Some(Ipv4Addr::new(10, 0, 0, 1)));
        assert_eq!(h.dst_hardware(), [0; 6]);
        assert_eq!(ip(h.dst_protocol()), Some(Ipv4Addr::new(10, 0, 0, 2)));
    }

    #[test]
    fn odd_address_lengths_are_read_as_octets() {
        let h = Header::new_checked(&[0, 7, 8, 0, 1, 2, 0, 2, 9, 1, 2, 8, 3, 4]).unwrap();
        assert_eq!((h.src_hardware(), h.src_protocol()), (&[9][..], &[1, 2][..]));
        assert_eq!((h.dst_hardware(), h.dst_protocol()), (&[8][..], &[3, 4][..]));
        assert_eq!((mac(h.src_hardware()), ip(h.src_protocol())), (None, None));
    }

    #[test]
    fn missing_addresses_are_truncated() {
        for len in 0..REQUEST.len() {
            assert_eq!(Header::new_checked(&REQUEST[..len]).err(), Some(Fault::Truncated));
        }
    }
}

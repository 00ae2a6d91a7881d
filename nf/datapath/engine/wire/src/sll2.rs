//! Linux cooked capture, version 2 (LINKTYPE_LINUX_SLL2).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32, be64, octet};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 20;

mod field {
    use std::ops::Range;
    pub(super) const PROTOCOL: Range<usize> = 0..2;
    pub(super) const INTERFACE: Range<usize> = 4..8;
    pub(super) const HARDWARE_TYPE: Range<usize> = 8..10;
    pub(super) const PACKET_TYPE: usize = 10;
    pub(super) const ADDRESS_LEN: usize = 11;
    pub(super) const ADDRESS: Range<usize> = 12..20;
}

/// A cooked header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
    }

    /// Ethertype, or one of Linux's own numbers below 1536.
    pub fn protocol(&self) -> u16 {
        be16(self.head, field::PROTOCOL)
    }

    /// Index of the interface on the capturing machine.
    pub fn interface(&self) -> u32 {
        be32(self.head, field::INTERFACE)
    }

    /// ARPHRD number of the device.
    pub fn hardware_type(&self) -> u16 {
        be16(self.head, field::HARDWARE_TYPE)
    }

    /// To us, broadcast, multicast, to others, or sent by us (0 to 4).
    pub fn packet_type(&self) -> u8 {
        octet(self.head, field::PACKET_TYPE)
    }

    /// Octets of the sender's address.
    pub fn address_len(&self) -> u8 {
        octet(self.head, field::ADDRESS_LEN)
    }

    /// Sender's address in eight octets, padded.
    pub fn address(&self) -> u64 {
        be64(self.head, field::ADDRESS)
    }
}

fields! { Header {
    0 "pkttype": u8 = |h| h.packet_type(), "0 to us, 1 broadcast, 2 multicast, 3 to others, 4 sent.";
    0 "hatype": u16 = |h| h.hardware_type(), "ARPHRD number of the device.";
    0 "halen": u8 = |h| h.address_len(), "Octets of the sender's address.";
    0 "addr": u64 = |h| h.address(), "Sender's address, padded to eight octets.";
    0 "protocol": u16 = |h| h.protocol(), "Ethertype, or a number of Linux's own.";
    0 "interface": u32 = |h| h.interface(), "Index of the interface.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::SLL2, "sll2", "libpcap", "Linux cooked capture, version 2.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_fields() {
        let mut bytes = [0; 20];
        bytes[..2].copy_from_slice(&[0x08, 0x00]);
        bytes[7] = 3;
        bytes[9] = 1;
        bytes[10..13].copy_from_slice(&[4, 6, 2]);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.protocol(), h.interface(), h.hardware_type()), (0x0800, 3, 1));
        assert_eq!((h.packet_type(), h.address_len()), (4, 6));
        assert_eq!(h.address(), 0x0200_0000_0000_0000);
        assert_eq!(Header::new_checked(&bytes[..19]).err(), Some(Fault::Truncated));
    }
}

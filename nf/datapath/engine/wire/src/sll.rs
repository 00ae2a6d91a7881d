//! Linux cooked capture, version 1 (LINKTYPE_LINUX_SLL).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be64};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 16;

mod field {
    use std::ops::Range;
    pub(super) const PACKET_TYPE: Range<usize> = 0..2;
    pub(super) const HARDWARE_TYPE: Range<usize> = 2..4;
    pub(super) const ADDRESS_LEN: Range<usize> = 4..6;
    pub(super) const ADDRESS: Range<usize> = 6..14;
    pub(super) const PROTOCOL: Range<usize> = 14..16;
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

    /// To us, broadcast, multicast, to others, or sent by us (0 to 4).
    pub fn packet_type(&self) -> u16 {
        be16(self.head, field::PACKET_TYPE)
    }

    /// ARPHRD number of the device.
    pub fn hardware_type(&self) -> u16 {
        be16(self.head, field::HARDWARE_TYPE)
    }

    /// Octets of the sender's address.
    pub fn address_len(&self) -> u16 {
        be16(self.head, field::ADDRESS_LEN)
    }

    /// Sender's address in eight octets, padded.
    pub fn address(&self) -> u64 {
        be64(self.head, field::ADDRESS)
    }

    /// Ethertype, or one of Linux's own numbers below 1536.
    pub fn protocol(&self) -> u16 {
        be16(self.head, field::PROTOCOL)
    }
}

fields! { Header {
    1 "pkttype": u16 = |h| h.packet_type(), "0 to us, 1 broadcast, 2 multicast, 3 to others, 4 sent.";
    2 "hatype": u16 = |h| h.hardware_type(), "ARPHRD number of the device.";
    3 "halen": u16 = |h| h.address_len(), "Octets of the sender's address.";
    4 "addr": u64 = |h| h.address(), "Sender's address, padded to eight octets.";
    6 "protocol": u16 = |h| h.protocol(), "Ethertype, or a number of Linux's own.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::SLL, "sll", "libpcap", "Linux cooked capture, version 1.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_fields() {
        let bytes = [0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x86, 0xdd];
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.packet_type(), h.hardware_type(), h.address_len()), (4, 1, 6));
        assert_eq!((h.address(), h.protocol()), (0x0200_0000_0001_0000, 0x86dd));
        assert_eq!(Header::new_checked(&bytes[..15]).err(), Some(Fault::Truncated));
    }
}

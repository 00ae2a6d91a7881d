//! Cisco HDLC (RFC 1547 §4.3.1): address, control, ethertype.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, octet};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 4;

/// Address of unicast and of broadcast frames.
pub const ADDRESSES: [u8; 2] = [0x0f, 0x8f];

mod field {
    use std::ops::Range;
    pub(super) const ADDRESS: usize = 0;
    pub(super) const CONTROL: usize = 1;
    pub(super) const PROTOCOL: Range<usize> = 2..4;
}

/// A Cisco HDLC header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
    }

    /// Address: 0x0f unicast, 0x8f broadcast.
    pub fn address(&self) -> u8 {
        octet(self.head, field::ADDRESS)
    }

    /// Control, normally 0.
    pub fn control(&self) -> u8 {
        octet(self.head, field::CONTROL)
    }

    /// Ethertype, or a number of Cisco's own.
    pub fn protocol(&self) -> u16 {
        be16(self.head, field::PROTOCOL)
    }
}

fields! { Header {
    0 "address": u8 = |h| h.address(), "0x0f unicast, 0x8f broadcast.";
    0 "control": u8 = |h| h.control(), "Control octet.";
    0 "proto" | "protocol": u16 = |h| h.protocol(), "Ethertype, or a number of Cisco's own.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::HDLC, "hdlc" | "chdlc", "RFC 1547", "Cisco's framing of HDLC.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_three_fields() {
        let h = Header::new_checked(&[0x0f, 0, 0x08, 0x00]).unwrap();
        assert_eq!((h.address(), h.control(), h.protocol()), (0x0f, 0, 0x0800));
        assert_eq!(Header::new_checked(&[0x0f, 0, 8]).err(), Some(Fault::Truncated));
    }
}

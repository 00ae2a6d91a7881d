//! IEEE 802.1ah provider backbone bridging: the instance tag before a whole customer frame.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be24, octet};
use crate::{Fault, id};

/// Octets of the instance tag behind its ethertype 0x88e7; the customer's MAC header follows.
pub const HEADER_LEN: usize = 4;

mod field {
    use std::ops::Range;
    pub(super) const FLAGS: usize = 0;
    pub(super) const ISID: Range<usize> = 1..4;
}

/// An instance tag.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
    }

    /// Priority code point.
    pub fn pcp(&self) -> u8 {
        octet(self.head, field::FLAGS) >> 5
    }

    /// Drop eligible indicator.
    pub fn dei(&self) -> u8 {
        octet(self.head, field::FLAGS) >> 4 & 1
    }

    /// Service instance identifier.
    pub fn isid(&self) -> u32 {
        be24(self.head, field::ISID)
    }
}

fields! { Header {
    0 "pcp": u8 = |h| h.pcp(), "Priority code point.";
    0 "dei": u8 = |h| h.dei(), "Drop eligible indicator.";
    0 "isid": u32 = |h| h.isid(), "Service instance identifier.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(
    Header,
    id::DOT1AH,
    "8021ah" | "pbb",
    "IEEE 802.1ah",
    "Provider backbone instance tag."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_instance() {
        let h = Header::new_checked(&[0x70, 0x01, 0x02, 0x03]).unwrap();
        assert_eq!((h.pcp(), h.dei(), h.isid()), (3, 1, 0x010203));
        assert_eq!(Header::new_checked(&[0; 3]).err(), Some(Fault::Truncated));
    }
}

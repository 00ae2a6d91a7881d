//! Cisco FabricPath: a forwarding tag and a time to live before a whole Ethernet frame.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::be16;
use crate::{Fault, id};

/// Octets of the tag behind its ethertype 0x8903; the frame follows.
pub const HEADER_LEN: usize = 2;

/// A forwarding tag.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
    }

    /// Forwarding tag: which tree the frame takes.
    pub fn tree(&self) -> u16 {
        be16(self.head, 0..2) >> 6
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        (be16(self.head, 0..2) & 0x3f) as u8
    }
}

fields! { Header {
    0 "tree": u16 = |h| h.tree(), "Which tree the frame takes.";
    0 "ttl": u8 = |h| h.ttl(), "Time to live.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::FABRIC_PATH, "fabric_path", "Cisco FabricPath", "Fabric forwarding tag.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tree_and_ttl() {
        let h = Header::new_checked(&[0x00, 0x60]).unwrap();
        assert_eq!((h.tree(), h.ttl()), (1, 32));
        assert_eq!(Header::new_checked(&[0]).err(), Some(Fault::Truncated));
    }
}

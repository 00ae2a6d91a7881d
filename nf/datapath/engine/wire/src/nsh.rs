//! Network service header (RFC 8300).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be24, octet};
use crate::{Fault, id};

/// Octets of base and service path header.
pub const HEADER_LEN: usize = 8;

mod field {
    use std::ops::Range;
    pub(super) const FIRST: Range<usize> = 0..2;
    pub(super) const METADATA_TYPE: usize = 2;
    pub(super) const NEXT: usize = 3;
    pub(super) const PATH: Range<usize> = 4..7;
    pub(super) const INDEX: usize = 7;
}

/// A network service header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks version and that the context headers are whole.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        let header = Self { head };
        if header.version() != 0 || header.header_len() < HEADER_LEN {
            Err(Fault::Malformed)
        } else if header.header_len() > bytes.len() {
            Err(Fault::Truncated)
        } else {
            Ok(header)
        }
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        usize::from(be16(self.head, field::FIRST) & 0x3f) << 2
    }

    /// Version, 0.
    pub fn version(&self) -> u8 {
        (be16(self.head, field::FIRST) >> 14) as u8
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        (be16(self.head, field::FIRST) >> 6 & 0x3f) as u8
    }

    /// Metadata type.
    pub fn metadata_type(&self) -> u8 {
        octet(self.head, field::METADATA_TYPE) & 0x0f
    }

    /// What follows: 1 IPv4, 2 IPv6, 3 Ethernet, 4 another NSH, 5 MPLS.
    pub fn next(&self) -> u8 {
        octet(self.head, field::NEXT)
    }

    /// Service path identifier.
    pub fn path(&self) -> u32 {
        be24(self.head, field::PATH)
    }

    /// Service index.
    pub fn index(&self) -> u8 {
        octet(self.head, field::INDEX)
    }
}

fields! { Header {
    0 "version": u8 = |h| h.version(), "Version.";
    0 "ttl": u8 = |h| h.ttl(), "Time to live.";
    0 "metadata_type": u8 = |h| h.metadata_type(), "Metadata type.";
    0 "next_protocol": u8 = |h| h.next(), "1 IPv4, 2 IPv6, 3 Ethernet, 4 NSH, 5 MPLS.";
    0 "service_path": u32 = |h| h.path(), "Service path identifier.";
    0 "service_index": u8 = |h| h.index(), "Service index.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::NSH, "nsh", "RFC 8300", "Network service header.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_field() {
        let h = Header::new_checked(&[0x0f, 0xc2, 2, 3, 0, 1, 0, 254]).unwrap();
        assert_eq!((h.version(), h.ttl(), h.header_len(), h.metadata_type()), (0, 63, 8, 2));
        assert_eq!((h.next(), h.path(), h.index()), (3, 256, 254));
    }

    #[test]
    fn forged_lengths_fail() {
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[0, 1, 0, 0, 0, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0x40, 2, 0, 0, 0, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0, 3, 0, 0, 0, 0, 0, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[0, 2, 0]), Some(Fault::Truncated));
    }
}

//! Per-packet information (LINKTYPE_PPI): a length, a link type, and fields this engine skips.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{le16, le32, octet};
use crate::{Fault, id};

/// Octets of the fixed header.
pub const HEADER_LEN: usize = 8;

mod field {
    use std::ops::Range;
    pub(super) const VERSION: usize = 0;
    pub(super) const LENGTH: Range<usize> = 2..4;
    pub(super) const DLT: Range<usize> = 4..8;
}

/// A PPI header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks version and length once.
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

    /// Version, always 0.
    pub fn version(&self) -> u8 {
        octet(self.head, field::VERSION)
    }

    /// Octets of header and fields.
    pub fn header_len(&self) -> usize {
        usize::from(le16(self.head, field::LENGTH))
    }

    /// Link type of what follows.
    pub fn dlt(&self) -> u32 {
        le32(self.head, field::DLT)
    }
}

fields! { Header {
    0 "version": u8 = |h| h.version(), "Version.";
    0 "length": u16 = |h| le16(h.head, field::LENGTH), "Octets of header and fields.";
    0 "dlt": u32 = |h| h.dlt(), "Link type of what follows.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::PPI, "ppi", "CACE PPI", "Per-packet information.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_little_endian_and_bounded() {
        let h = Header::new_checked(&[0, 0, 9, 0, 1, 0, 0, 0, 0xee]).unwrap();
        assert_eq!((h.version(), h.header_len(), h.dlt()), (0, 9, 1));
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[0, 0, 10, 0, 1, 0, 0, 0, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[0, 0, 7, 0, 1, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[1, 0, 8, 0, 1, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0, 0, 8]), Some(Fault::Truncated));
    }
}

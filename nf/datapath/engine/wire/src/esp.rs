//! IP encapsulating security payload (RFC 4303): what stands before the cipher text.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::be32;
use crate::{Fault, id};

/// Octets before the cipher text.
pub const HEADER_LEN: usize = 8;

mod field {
    use std::ops::Range;
    pub(super) const SPI: Range<usize> = 0..4;
    pub(super) const SEQUENCE: Range<usize> = 4..8;
}

/// The clear part of an ESP packet.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
    }

    /// Security parameters index.
    pub fn spi(&self) -> u32 {
        be32(self.head, field::SPI)
    }

    /// Sequence number.
    pub fn sequence(&self) -> u32 {
        be32(self.head, field::SEQUENCE)
    }
}

fields! { Header {
    0 "spi": u32 = |h| h.spi(), "Security parameters index.";
    0 "seq_nb" | "sequence": u32 = |h| h.sequence(), "Sequence number.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::ESP, "esp", "RFC 4303", "Encrypted IP payload.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_index_and_sequence() {
        let h = Header::new_checked(&[0, 0, 1, 0, 0, 0, 0, 7, 0xff]).unwrap();
        assert_eq!((h.spi(), h.sequence()), (256, 7));
        assert_eq!(Header::new_checked(&[0; 7]).err(), Some(Fault::Truncated));
    }
}

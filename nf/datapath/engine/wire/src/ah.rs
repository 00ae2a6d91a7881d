//! IP authentication header (RFC 4302).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be32, octet};
use crate::{Fault, id};

/// Octets before the integrity check value.
pub const HEADER_LEN: usize = 12;

mod field {
    use std::ops::Range;
    pub(super) const NEXT: usize = 0;
    pub(super) const LENGTH: usize = 1;
    pub(super) const SPI: Range<usize> = 4..8;
    pub(super) const SEQUENCE: Range<usize> = 8..12;
}

/// An authentication header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks that the header is whole.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        let header = Self { head };
        match header.header_len() {
            ..HEADER_LEN => Err(Fault::Malformed),
            length if length > bytes.len() => Err(Fault::Truncated),
            _ => Ok(header),
        }
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        usize::from(octet(self.head, field::LENGTH)).saturating_add(2) << 2
    }

    /// Protocol number of what follows.
    pub fn next_header(&self) -> u8 {
        octet(self.head, field::NEXT)
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
    0 "next_hdr": u8 = |h| h.next_header(), "Protocol number of what follows.";
    0 "length": u8 = |h| octet(h.head, field::LENGTH), "Length in 32-bit words, minus 2.";
    0 "spi": u32 = |h| h.spi(), "Security parameters index.";
    0 "seq_nb" | "sequence": u32 = |h| h.sequence(), "Sequence number.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::AH, "ah", "RFC 4302", "IP authentication.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_header_of_24_octets() {
        let mut bytes = [0; 24];
        bytes[..12].copy_from_slice(&[6, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9]);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.next_header(), h.spi(), h.sequence(), h.header_len()), (6, 256, 9, 24));
        assert_eq!(Header::new_checked(&bytes[..23]).err(), Some(Fault::Truncated));
        bytes[1] = 0;
        assert_eq!(Header::new_checked(&bytes).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&bytes[..11]).err(), Some(Fault::Truncated));
    }
}

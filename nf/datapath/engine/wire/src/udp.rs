//! UDP (RFC 768).

use std::net::IpAddr;

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::be16;
use crate::{Fault, checksum, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 8;

mod field {
    use std::ops::Range;
    pub(super) const SRC_PORT: Range<usize> = 0..2;
    pub(super) const DST_PORT: Range<usize> = 2..4;
    pub(super) const LENGTH: Range<usize> = 4..6;
    pub(super) const CHECKSUM: Range<usize> = 6..8;
}

/// A UDP header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length, and that the length field covers the header; 0 passes, as it stands in
    /// jumbograms (RFC 2675 §4).
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        let header = Self { head };
        if matches!(header.length(), 1..=7) { Err(Fault::Malformed) } else { Ok(header) }
    }

    /// Source port.
    #[inline]
    pub fn src_port(&self) -> u16 {
        be16(self.head, field::SRC_PORT)
    }

    /// Destination port.
    #[inline]
    pub fn dst_port(&self) -> u16 {
        be16(self.head, field::DST_PORT)
    }

    /// Octets of header and payload.
    #[inline]
    pub fn length(&self) -> u16 {
        be16(self.head, field::LENGTH)
    }

    /// Checksum; 0 when not used.
    pub fn checksum(&self) -> u16 {
        be16(self.head, field::CHECKSUM)
    }

    /// Whether the checksum of `segment`, this header with its whole payload, is right or not
    /// used. The walk does not ask.
    pub fn verify_checksum(src: IpAddr, dst: IpAddr, segment: &[u8]) -> bool {
        be16(segment, field::CHECKSUM) == 0 && segment.len() >= HEADER_LEN
            || checksum::verify_transport(src, dst, 17, segment)
    }
}

fields! { Header {
    1 "src_port": u16 = |h| h.src_port(), "Source port.";
    2 "dest_port" | "dst_port": u16 = |h| h.dst_port(), "Destination port.";
    3 "len" | "length": u16 = |h| h.length(), "Octets of header and payload.";
    4 "checksum": u16 = |h| h.checksum(), "Checksum; 0 when not used.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::UDP, "udp", "RFC 768", "User datagram.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_field() {
        let h = Header::new_checked(&[0, 53, 0x30, 0x39, 0, 9, 0xab, 0xcd, 7]).unwrap();
        assert_eq!((h.src_port(), h.dst_port(), h.length()), (53, 12345, 9));
        assert_eq!(h.checksum(), 0xabcd);
    }

    #[test]
    fn lengths_below_the_header_are_malformed() {
        assert_eq!(Header::new_checked(&[0, 1, 0, 2, 0, 7, 0, 0]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0, 1, 0, 2, 0, 8, 0]).err(), Some(Fault::Truncated));
        assert!(Header::new_checked(&[0, 1, 0, 2, 0, 0, 0, 0]).is_ok());
    }

    #[test]
    fn checksum_is_optional() {
        let (src, dst) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!(Header::verify_checksum(src, dst, &[0, 1, 0, 2, 0, 8, 0, 0]));
        assert!(Header::verify_checksum(src, dst, &[0, 1, 0, 2, 0, 8, 0xeb, 0xd8]));
        assert!(!Header::verify_checksum(src, dst, &[0, 1, 0, 2, 0, 8, 0xeb, 0xd9]));
        assert!(!Header::verify_checksum(src, dst, &[]));
    }
}

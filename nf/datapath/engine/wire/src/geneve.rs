//! Geneve (RFC 8926).

use nf_fields::{BinaryRef, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be24, octet};
use crate::{Fault, id};

/// Octets of a header without options.
pub const HEADER_LEN: usize = 8;

/// UDP port.
pub const PORT: u16 = 6081;

mod field {
    use std::ops::Range;
    pub(super) const VERSION_LENGTH: usize = 0;
    pub(super) const FLAGS: usize = 1;
    pub(super) const PROTOCOL: Range<usize> = 2..4;
    pub(super) const NETWORK: Range<usize> = 4..7;
}

/// A Geneve header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    options: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks version, reserved bits and that the options are whole.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, rest) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        let first = octet(head, field::VERSION_LENGTH);
        if first >> 6 != 0 || octet(head, field::FLAGS) & 0x3f != 0 {
            return Err(Fault::Malformed);
        }
        let options = rest.get(..usize::from(first & 0x3f) << 2).ok_or(Fault::Truncated)?;
        Ok(Self { head, options })
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        self.options.len().saturating_add(HEADER_LEN)
    }

    /// Version, 0.
    pub fn version(&self) -> u8 {
        octet(self.head, field::VERSION_LENGTH) >> 6
    }

    /// Whether this is a control packet.
    pub fn is_control(&self) -> bool {
        octet(self.head, field::FLAGS) & 0x80 != 0
    }

    /// Whether an option is critical.
    pub fn is_critical(&self) -> bool {
        octet(self.head, field::FLAGS) & 0x40 != 0
    }

    /// Ethertype of the payload.
    pub fn protocol(&self) -> u16 {
        be16(self.head, field::PROTOCOL)
    }

    /// Virtual network identifier.
    pub fn vni(&self) -> u32 {
        be24(self.head, field::NETWORK)
    }
}

fields! { Header {
    0 "version": u8 = |h| h.version(), "Version.";
    0 "control": bool = |h| h.is_control(), "Whether this is a control packet.";
    0 "critical": bool = |h| h.is_critical(), "Whether an option is critical.";
    0 "protocol" | "proto": u16 = |h| h.protocol(), "Ethertype of the payload.";
    0 "vni": u32 = |h| h.vni(), "Virtual network identifier.";
    0 "options": BinaryRef<'_> = |h| BinaryRef(h.options), "Options as they stand.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::GENEVE, "geneve", "RFC 8926", "Network virtualisation encapsulation.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_lengthen_the_header() {
        let bytes = [1, 0x40, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4, 0xff];
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.protocol(), h.vni(), h.header_len()), (0x6558, 9, 12));
        assert_eq!((h.version(), h.is_control(), h.is_critical()), (0, false, true));
        assert_eq!(Header::new_checked(&bytes[..11]).err(), Some(Fault::Truncated));
    }

    #[test]
    fn other_versions_are_malformed() {
        let fault = |first, second| Header::new_checked(&[first, second, 0, 0, 0, 0, 0, 0]).err();
        assert_eq!(fault(0x40, 0), Some(Fault::Malformed));
        assert_eq!(fault(0, 1), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0; 7]).err(), Some(Fault::Truncated));
    }
}

//! PPP over Ethernet, discovery and session stage (RFC 2516).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, octet};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 6;

mod field {
    use std::ops::Range;
    pub(super) const VERSION_TYPE: usize = 0;
    pub(super) const CODE: usize = 1;
    pub(super) const SESSION_ID: Range<usize> = 2..4;
    pub(super) const LENGTH: Range<usize> = 4..6;
}

/// A PPPoE header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length, and version 1 type 1.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        if octet(head, field::VERSION_TYPE) == 0x11 {
            Ok(Self { head })
        } else {
            Err(Fault::Malformed)
        }
    }

    /// Version, always 1.
    pub fn version(&self) -> u8 {
        octet(self.head, field::VERSION_TYPE) >> 4
    }

    /// Type, always 1.
    pub fn kind(&self) -> u8 {
        octet(self.head, field::VERSION_TYPE) & 0x0f
    }

    /// Discovery code; 0 in the session stage.
    pub fn code(&self) -> u8 {
        octet(self.head, field::CODE)
    }

    /// Session identifier.
    pub fn session_id(&self) -> u16 {
        be16(self.head, field::SESSION_ID)
    }

    /// Octets behind the header.
    pub fn length(&self) -> u16 {
        be16(self.head, field::LENGTH)
    }
}

fields! { Header {
    0 "version": u8 = |h| h.version(), "Version.";
    0 "type": u8 = |h| h.kind(), "Type.";
    0 "code": u8 = |h| h.code(), "Discovery code; 0 in a session.";
    0 "session_id": u16 = |h| h.session_id(), "Session identifier.";
    0 "length": u16 = |h| h.length(), "Octets behind the header.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::PPPOE, "pppoe", "RFC 2516", "PPP over Ethernet.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_session_header() {
        let h = Header::new_checked(&[0x11, 0, 0x12, 0x34, 0, 20]).unwrap();
        assert_eq!((h.version(), h.kind(), h.code()), (1, 1, 0));
        assert_eq!((h.session_id(), h.length()), (0x1234, 20));
    }

    #[test]
    fn other_versions_are_malformed() {
        assert_eq!(Header::new_checked(&[0x21, 0, 0, 0, 0, 0]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0x11, 0, 0, 0, 0]).err(), Some(Fault::Truncated));
    }
}

//! EtherIP: Ethernet frames in IP (RFC 3378).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::octet;
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 2;

/// An EtherIP header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks length and version once. The reserved bits have to be 0; some senders have the
    /// nibbles the other way round, which is taken too.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        match head {
            [0x30 | 0x03, 0] => Ok(Self { head }),
            _ => Err(Fault::Malformed),
        }
    }

    /// Version, 3.
    pub fn version(&self) -> u8 {
        let first = octet(self.head, 0);
        if first & 0x0f == 0 { first >> 4 } else { first & 0x0f }
    }
}

fields! { Header {
    0 "version": u8 = |h| h.version(), "Version.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::ETHERIP, "etherip", "RFC 3378", "Ethernet in IP.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_3_is_taken() {
        assert_eq!(Header::new_checked(&[0x30, 0]).unwrap().version(), 3);
        assert_eq!(Header::new_checked(&[0x03, 0]).unwrap().version(), 3);
        assert_eq!(Header::new_checked(&[0x40, 0]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0x30]).err(), Some(Fault::Truncated));
    }
}

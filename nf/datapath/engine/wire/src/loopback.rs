//! BSD null and loopback encapsulation: an address family in four octets, in the order of the
//! machine that captured (LINKTYPE_NULL) or of the network (LINKTYPE_LOOP).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 4;

/// A null or loopback header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
    }

    /// Address family. Families are small, so the order that gives the smaller number is right.
    pub fn family(&self) -> u32 {
        u32::from_le_bytes(*self.head).min(u32::from_be_bytes(*self.head))
    }

    /// IP version of the family: 2 is IPv4 everywhere; IPv6 has a number per operating system
    /// (Linux 10, Windows 23, NetBSD and OpenBSD 24, FreeBSD 28, Darwin 30).
    pub fn ip_version(&self) -> Option<u8> {
        match self.family() {
            2 => Some(4),
            10 | 23 | 24 | 28 | 30 => Some(6),
            _ => None,
        }
    }
}

fields! { Header {
    0 "family": u32 = |h| h.family(), "Address family of the capturing system.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::LOOPBACK, "loopback" | "null", "libpcap", "BSD loopback encapsulation.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_name_the_same_family() {
        assert_eq!(Header::new_checked(&[2, 0, 0, 0]).unwrap().ip_version(), Some(4));
        assert_eq!(Header::new_checked(&[0, 0, 0, 2]).unwrap().ip_version(), Some(4));
        assert_eq!(Header::new_checked(&[0, 0, 0, 30]).unwrap().ip_version(), Some(6));
        assert_eq!(Header::new_checked(&[7, 0, 0, 0]).unwrap().ip_version(), None);
        assert_eq!(Header::new_checked(&[2, 0, 0]).err(), Some(Fault::Truncated));
    }
}

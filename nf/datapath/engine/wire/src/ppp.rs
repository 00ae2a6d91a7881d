//! PPP (RFC 1661), with the address and control octets of HDLC-like framing (RFC 1662) where
//! they are present, and the protocol field in one or two octets.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::after;
use crate::{Fault, id};

/// Address octet "all stations" and control octet "unnumbered information".
const ADDRESS_CONTROL: [u8; 2] = [0xff, 0x03];

/// A PPP header of one to four octets.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    protocol: u16,
    framing: &'a [u8],
    header_len: usize,
}

impl<'a> Header<'a> {
    /// Finds the protocol field once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let framing = match bytes.first_chunk() {
            Some(&ADDRESS_CONTROL) => bytes.get(..2).unwrap_or(&[]),
            _ => &[],
        };
        // A protocol's last octet is odd and its first one even, so an odd first is the last.
        let (protocol, octets) = match after(bytes, framing.len()) {
            [] => return Err(Fault::Truncated),
            [a, ..] if a & 1 == 1 => (u16::from(*a), 1),
            [a, b, ..] => (u16::from_be_bytes([*a, *b]), 2usize),
            [_] => return Err(Fault::Truncated),
        };
        if protocol & 1 == 0 {
            return Err(Fault::Malformed);
        }
        Ok(Self { protocol, framing, header_len: octets.saturating_add(framing.len()) })
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// What the frame carries (IANA PPP numbers).
    pub fn protocol(&self) -> u16 {
        self.protocol
    }

    /// Address octet of HDLC-like framing.
    pub fn address(&self) -> Option<u8> {
        self.framing.first().copied()
    }

    /// Control octet of HDLC-like framing.
    pub fn control(&self) -> Option<u8> {
        self.framing.get(1).copied()
    }
}

fields! { Header {
    0 "address": Option<u8> = |h| h.address(), "Address octet of HDLC-like framing.";
    0 "control": Option<u8> = |h| h.control(), "Control octet of HDLC-like framing.";
    0 "protocol" | "proto": u16 = |h| h.protocol(), "What the frame carries.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::PPP, "ppp", "RFC 1661", "Point-to-point.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_and_compression_are_optional() {
        for (bytes, protocol, len, address) in [
            (&[0xff, 0x03, 0x00, 0x21, 0x45][..], 0x0021, 4, Some(0xff)),
            (&[0xff, 0x03, 0x21], 0x0021, 3, Some(0xff)),
            (&[0x00, 0x57], 0x0057, 2, None),
            (&[0x21], 0x0021, 1, None),
            (&[0xc0, 0x21, 1], 0xc021, 2, None),
        ] {
            let h = Header::new_checked(bytes).unwrap();
            assert_eq!((h.protocol(), h.header_len(), h.address()), (protocol, len, address));
            assert_eq!(h.control().is_some(), address.is_some());
        }
    }

    #[test]
    fn cut_or_even_protocols_fail() {
        assert_eq!(Header::new_checked(&[]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0xff, 0x03]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0xff, 0x03, 0x00]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0x00, 0x20]).err(), Some(Fault::Malformed));
    }
}

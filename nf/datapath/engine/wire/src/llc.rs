//! Logical link control (IEEE 802.2) and the SNAP header some of its frames continue with.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{after, be16, be24, octet};
use crate::{Fault, id};

/// Octets of the shortest header.
pub const HEADER_LEN: usize = 3;

/// Octets of the SNAP header behind it.
pub const SNAP_LEN: usize = 5;

/// Service access point of SNAP.
const SAP_SNAP: u8 = 0xaa;

/// Control octet of unnumbered information.
const CONTROL_UI: u8 = 0x03;

mod field {
    use std::ops::Range;
    pub(super) const DSAP: usize = 0;
    pub(super) const SSAP: usize = 1;
    pub(super) const CONTROL: usize = 2;
    /// Within the SNAP header.
    pub(super) const OUI: Range<usize> = 0..3;
    /// Within the SNAP header.
    pub(super) const PID: Range<usize> = 3..5;
}

/// An LLC header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    snap: Option<&'a [u8; SNAP_LEN]>,
}

impl<'a> Header<'a> {
    /// Checks the lengths once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(Fault::Truncated)?;
        let snap = if *head == [SAP_SNAP, SAP_SNAP, CONTROL_UI] {
            Some(after(bytes, HEADER_LEN).first_chunk().ok_or(Fault::Truncated)?)
        } else {
            None
        };
        let header = Self { head, snap };
        if bytes.len() < header.header_len() { Err(Fault::Truncated) } else { Ok(header) }
    }

    /// Octets of the header: 3 unnumbered, 4 numbered, 8 with SNAP.
    pub fn header_len(&self) -> usize {
        if self.snap.is_some() {
            8
        } else if self.control_field() & 3 == 3 {
            3
        } else {
            4
        }
    }

    /// Destination service access point.
    pub fn dsap(&self) -> u8 {
        octet(self.head, field::DSAP)
    }

    /// Source service access point.
    pub fn ssap(&self) -> u8 {
        octet(self.head, field::SSAP)
    }

    /// First octet of the control field.
    pub fn control_field(&self) -> u8 {
        octet(self.head, field::CONTROL)
    }

    /// SNAP organisation, if this is SNAP.
    pub fn oui(&self) -> Option<u32> {
        self.snap.map(|snap| be24(snap, field::OUI))
    }

    /// SNAP protocol within the organisation.
    pub fn pid(&self) -> Option<u16> {
        self.snap.map(|snap| be16(snap, field::PID))
    }
}

fields! { Header {
    1 "dsap": u8 = |h| h.dsap(), "Destination service access point.";
    2 "ssap": u8 = |h| h.ssap(), "Source service access point.";
    3 "control_field": u8 = |h| h.control_field(), "First octet of the control field.";
    0 "oui": Option<u32> = |h| h.oui(), "SNAP organisation.";
    0 "pid": Option<u16> = |h| h.pid(), "SNAP protocol.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::LLC, "llc", "IEEE 802.2", "Logical link control, with SNAP.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snap_adds_organisation_and_protocol() {
        let h = Header::new_checked(&[0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0x00]).unwrap();
        assert_eq!((h.oui(), h.pid(), h.header_len()), (Some(0x0c), Some(0x2000), 8));
    }

    #[test]
    fn numbered_frames_have_one_octet_more() {
        let bpdu = Header::new_checked(&[0x42, 0x42, 3]).unwrap();
        assert_eq!((bpdu.dsap(), bpdu.ssap(), bpdu.control_field()), (0x42, 0x42, 3));
        assert_eq!((bpdu.header_len(), bpdu.oui()), (3, None));
        assert_eq!(Header::new_checked(&[0xf0, 0xf0, 0x01, 0]).unwrap().header_len(), 4);
    }

    #[test]
    fn cut_headers_are_truncated() {
        assert_eq!(Header::new_checked(&[0xaa, 0xaa]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0xf0, 0xf0, 0x01]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0xaa, 0xaa, 3, 0, 0, 0, 8]).err(), Some(Fault::Truncated));
    }
}

//! IEEE 802.11 MAC header (§9.2). Little-endian.

use nf_fields::{Mac, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{le16, octet, octets};
use crate::{Fault, id};

/// Octets of the shortest frames' header: control, duration, one address.
pub const HEADER_LEN: usize = 10;

/// Frame types.
mod kind {
    pub(super) const CONTROL: u8 = 1;
    pub(super) const DATA: u8 = 2;
}

mod flag {
    pub(super) const TO_DS: u8 = 0x01;
    pub(super) const FROM_DS: u8 = 0x02;
    pub(super) const RETRY: u8 = 0x08;
    pub(super) const PROTECTED: u8 = 0x40;
    pub(super) const ORDER: u8 = 0x80;
}

mod field {
    use std::ops::Range;
    pub(super) const CONTROL: usize = 0;
    pub(super) const FLAGS: usize = 1;
    pub(super) const ADDRESS_1: Range<usize> = 4..10;
    pub(super) const ADDRESS_2: Range<usize> = 10..16;
    pub(super) const ADDRESS_3: Range<usize> = 16..22;
    pub(super) const SEQUENCE: Range<usize> = 22..24;
    pub(super) const ADDRESS_4: Range<usize> = 24..30;
}

/// A MAC header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks version and that the header its type asks for is whole.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() < HEADER_LEN {
            return Err(Fault::Truncated);
        }
        let header = Self { bytes };
        if octet(bytes, field::CONTROL) & 3 != 0 || header.kind() > kind::DATA {
            Err(Fault::Malformed)
        } else if header.header_len() > bytes.len() {
            Err(Fault::Truncated)
        } else {
            Ok(header)
        }
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        let order = if self.has(flag::ORDER) { 4usize } else { 0 };
        match (self.kind(), self.subtype()) {
            // Clear to send and acknowledgement have the receiver only.
            (kind::CONTROL, 12 | 13) => 10,
            (kind::CONTROL, 8 | 9 | 10 | 11 | 14 | 15) => 16,
            (kind::CONTROL, _) => 10,
            (kind::DATA, _) => {
                let quality = if self.is_quality() { order.saturating_add(2) } else { 0 };
                let length = if self.is_relayed() { 30usize } else { 24 };
                length.saturating_add(quality)
            }
            _ => order.saturating_add(24),
        }
    }

    /// 0 management, 1 control, 2 data.
    pub fn kind(&self) -> u8 {
        octet(self.bytes, field::CONTROL) >> 2 & 3
    }

    /// Subtype within the type.
    pub fn subtype(&self) -> u8 {
        octet(self.bytes, field::CONTROL) >> 4
    }

    /// Flags octet.
    pub fn flags(&self) -> u8 {
        octet(self.bytes, field::FLAGS)
    }

    /// Whether the frame was sent before.
    pub fn is_retry(&self) -> bool {
        self.has(flag::RETRY)
    }

    /// Whether the body is encrypted.
    pub fn is_protected(&self) -> bool {
        self.has(flag::PROTECTED)
    }

    /// Receiver.
    pub fn receiver(&self) -> Mac {
        Mac(octets(self.bytes, field::ADDRESS_1))
    }

    /// Transmitter, in frames that have one.
    pub fn transmitter(&self) -> Option<Mac> {
        (self.header_len() >= 16).then(|| Mac(octets(self.bytes, field::ADDRESS_2)))
    }

    /// Basic service set, of frames that are not relayed.
    pub fn bssid(&self) -> Option<Mac> {
        if self.kind() == kind::CONTROL {
            return None;
        }
        let at = match self.flags() & (flag::TO_DS | flag::FROM_DS) {
            0 => field::ADDRESS_3,
            flag::TO_DS => field::ADDRESS_1,
            flag::FROM_DS => field::ADDRESS_2,
            _ => return None,
        };
        Some(Mac(octets(self.bytes, at)))
    }

    /// Final destination of a data frame.
    pub fn dst(&self) -> Option<Mac> {
        let at = if self.has(flag::TO_DS) { field::ADDRESS_3 } else { field::ADDRESS_1 };
        (self.kind() == kind::DATA).then(|| Mac(octets(self.bytes, at)))
    }

    /// First source of a data frame.
    pub fn src(&self) -> Option<Mac> {
        let at = match (self.has(flag::TO_DS), self.has(flag::FROM_DS)) {
            (true, true) => field::ADDRESS_4,
            (false, true) => field::ADDRESS_3,
            _ => field::ADDRESS_2,
        };
        (self.kind() == kind::DATA).then(|| Mac(octets(self.bytes, at)))
    }

    /// Sequence number.
    pub fn sequence(&self) -> Option<u16> {
        (self.kind() != kind::CONTROL).then(|| le16(self.bytes, field::SEQUENCE) >> 4)
    }

    /// Fragment number.
    pub fn fragment(&self) -> Option<u8> {
        (self.kind() != kind::CONTROL).then(|| (le16(self.bytes, field::SEQUENCE) & 0x0f) as u8)
    }

    /// Whether LLC follows in the clear, aggregated or not: data with a body, not encrypted, and
    /// not a later fragment.
    pub fn carries_llc(&self) -> bool {
        self.kind() == kind::DATA
            && self.subtype() & 0x4 == 0
            && !self.is_protected()
            && self.fragment() == Some(0)
    }

    /// Whether the body is a row of subframes, each with addresses and length before its LLC.
    pub fn is_aggregate(&self) -> bool {
        let control = if self.is_relayed() { 30 } else { 24 };
        self.kind() == kind::DATA && self.is_quality() && octet(self.bytes, control) & 0x80 != 0
    }

    fn is_quality(&self) -> bool {
        self.subtype() & 0x8 != 0
    }

    fn is_relayed(&self) -> bool {
        self.has(flag::TO_DS) && self.has(flag::FROM_DS)
    }

    fn has(&self, mask: u8) -> bool {
        self.flags() & mask != 0
    }
}

fields! { Header {
    0 "type": u8 = |h| h.kind(), "0 management, 1 control, 2 data.";
    0 "subtype": u8 = |h| h.subtype(), "Subtype within the type.";
    0 "flags": u8 = |h| h.flags(), "Flags.";
    0 "retry": bool = |h| h.is_retry(), "Whether the frame was sent before.";
    0 "protected": bool = |h| h.is_protected(), "Whether the body is encrypted.";
    0 "receiver": Mac = |h| h.receiver(), "Receiver.";
    0 "transmitter": Option<Mac> = |h| h.transmitter(), "Transmitter.";
    0 "bssid": Option<Mac> = |h| h.bssid(), "Basic service set.";
    0 "dst": Option<Mac> = |h| h.dst(), "Final destination of a data frame.";
    0 "src": Option<Mac> = |h| h.src(), "First source of a data frame.";
    0 "seq_nb" | "sequence": Option<u16> = |h| h.sequence(), "Sequence number.";
    0 "fragment": Option<u8> = |h| h.fragment(), "Fragment number.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::IEEE80211, "ieee80211" | "wlan", "IEEE 802.11", "Wireless LAN MAC header.");

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(control: u8, flags: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![control, flags, 0, 0];
        for address in 1..=3 {
            bytes.extend([address; 6]);
        }
        bytes.extend([0x50, 0x01]);
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn addresses_depend_on_the_direction() {
        let mac = |n| Some(Mac([n; 6]));
        let to = frame(0x08, 0x01, &[]);
        let h = Header::new_checked(&to).unwrap();
        assert_eq!((h.dst(), h.src(), h.bssid()), (mac(3), mac(2), mac(1)));
        let from = frame(0x08, 0x02, &[]);
        let h = Header::new_checked(&from).unwrap();
        assert_eq!((h.dst(), h.src(), h.bssid()), (mac(1), mac(3), mac(2)));
        let relayed = frame(0x08, 0x03, &[4; 6]);
        let h = Header::new_checked(&relayed).unwrap();
        assert_eq!((h.dst(), h.src(), h.bssid()), (mac(3), mac(4), None));
        assert_eq!((h.sequence(), h.fragment(), h.header_len()), (Some(0x15), Some(0), 30));
    }

    #[test]
    fn only_clear_first_data_carries_llc() {
        let carries = |bytes: &[u8]| Header::new_checked(bytes).unwrap().carries_llc();
        assert!(carries(&frame(0x08, 0x01, &[])));
        assert!(!carries(&frame(0x08, 0x41, &[])));
        assert!(!carries(&frame(0x48, 0x01, &[])));
        assert!(!carries(&frame(0x80, 0x00, &[])));
        let mut later = frame(0x08, 0x01, &[]);
        later[22] = 0x51;
        assert!(!carries(&later));
    }

    #[test]
    fn quality_control_tells_aggregates() {
        let plain = frame(0x88, 0x01, &[0, 0]);
        let h = Header::new_checked(&plain).unwrap();
        assert_eq!((h.header_len(), h.is_aggregate()), (26, false));
        let aggregate = frame(0x88, 0x81, &[0x80, 0, 0, 0, 0, 0]);
        let h = Header::new_checked(&aggregate).unwrap();
        assert_eq!((h.header_len(), h.is_aggregate()), (30, true));
    }

    #[test]
    fn control_frames_are_short() {
        let ack = Header::new_checked(&[0xd4, 0, 0, 0, 1, 1, 1, 1, 1, 1]).unwrap();
        assert_eq!((ack.header_len(), ack.transmitter(), ack.sequence()), (10, None, None));
        assert_eq!(Header::new_checked(&[0xb4; 15]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0x01; 30]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0x0c; 30]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0x08; 9]).err(), Some(Fault::Truncated));
    }
}

//! GTP: user plane (3GPP TS 29.281) and control plane version 1 (TS 29.060), GTP' (TS 32.295).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32, octet};
use crate::{Fault, id};

/// Octets of the mandatory header of version 1.
pub const HEADER_LEN: usize = 8;

/// UDP port of the user plane.
pub const PORT_USER: u16 = 2152;
/// UDP port of the control plane.
pub const PORT_CONTROL: u16 = 2123;
/// UDP port of charging (GTP') and of version 0.
pub const PORT_PRIME: u16 = 3386;

/// Message type of a tunnelled packet.
pub const T_PDU: u8 = 255;

/// More extension headers than this are malformed.
const MAX_EXTENSIONS: usize = 8;

mod flag {
    pub(super) const PROTOCOL_TYPE: u8 = 0x10;
    pub(super) const RESERVED: u8 = 0x08;
    pub(super) const EXTENSION: u8 = 0x04;
    pub(super) const SEQUENCE: u8 = 0x02;
    pub(super) const N_PDU: u8 = 0x01;
    /// Any of these and four octets more are there.
    pub(super) const OPTIONAL: u8 = EXTENSION | SEQUENCE | N_PDU;
}

mod field {
    use std::ops::Range;
    pub(super) const FLAGS: usize = 0;
    pub(super) const TYPE: usize = 1;
    pub(super) const LENGTH: Range<usize> = 2..4;
    pub(super) const TEID: Range<usize> = 4..8;
    pub(super) const SEQUENCE: Range<usize> = 8..10;
    pub(super) const NEXT_EXTENSION: usize = 11;
    /// GTP' has it where version 1 has the TEID.
    pub(super) const PRIME_SEQUENCE: Range<usize> = 4..6;
}

/// Octets of a header with optional fields.
const OPTIONAL_LEN: usize = 12;

/// Extension header type of the PDU session container (TS 38.415).
const PDU_SESSION: u8 = 0x85;

/// A GTP header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    bytes: &'a [u8],
    header_len: usize,
}

impl<'a> Header<'a> {
    /// Checks version, protocol type, and that optional fields and extension headers are whole.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut header = Self { bytes, header_len: 0 };
        let Some(&flags) = bytes.get(field::FLAGS) else { return Err(Fault::Truncated) };
        header.header_len = match (flags & flag::PROTOCOL_TYPE != 0, header.version()) {
            (true, 1) if flags & flag::OPTIONAL == 0 => HEADER_LEN,
            (true, 1) => OPTIONAL_LEN,
            // GTP': version 0 has 20 octets unless its last bit says that it has 6.
            (false, 0) if flags & 1 == 0 => 20,
            (false, 0..=2) => 6,
            _ => return Err(Fault::Malformed),
        };
        if bytes.len() < header.header_len {
            return Err(Fault::Truncated);
        }
        if header.is_version_1() && flags & flag::EXTENSION != 0 {
            header.header_len = header.extensions_end()?;
        }
        if header.is_version_1() && header.message_end() < header.header_len {
            return Err(Fault::Malformed);
        }
        Ok(header)
    }

    /// Octets of the header, extension headers included.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// Where the message ends, by its length field.
    pub fn message_end(&self) -> usize {
        let before = match (self.is_version_1(), self.version()) {
            (true, _) => HEADER_LEN,
            (false, 0) => self.header_len,
            _ => 6,
        };
        usize::from(self.length()).saturating_add(before)
    }

    /// Version.
    pub fn version(&self) -> u8 {
        self.flags() >> 5
    }

    /// 1 of GTP, 0 of GTP'.
    pub fn protocol_type(&self) -> u8 {
        self.bit(flag::PROTOCOL_TYPE)
    }

    /// The first octet: version and flags.
    pub fn flags(&self) -> u8 {
        octet(self.bytes, field::FLAGS)
    }

    /// Type of the message.
    pub fn message_type(&self) -> u8 {
        octet(self.bytes, field::TYPE)
    }

    /// Octets behind the mandatory header.
    pub fn length(&self) -> u16 {
        be16(self.bytes, field::LENGTH)
    }

    /// Tunnel endpoint identifier.
    pub fn teid(&self) -> Option<u32> {
        self.is_version_1().then(|| be32(self.bytes, field::TEID))
    }

    /// Sequence number.
    pub fn sequence(&self) -> Option<u16> {
        if !self.is_version_1() {
            return Some(be16(self.bytes, field::PRIME_SEQUENCE));
        }
        (self.flags() & flag::SEQUENCE != 0).then(|| be16(self.bytes, field::SEQUENCE))
    }

    /// Type of the first extension header; 0 when the field is there and there is none.
    pub fn next_extension(&self) -> Option<u8> {
        (self.is_version_1() && self.flags() & flag::OPTIONAL != 0)
            .then(|| octet(self.bytes, field::NEXT_EXTENSION))
    }

    /// The PDU session container of 5G.
    pub fn pdu_session(&self) -> Option<PduSession<'a>> {
        let mut kind = self.next_extension().filter(|_| self.flags() & flag::EXTENSION != 0)?;
        let mut at = OPTIONAL_LEN;
        while kind != 0 && at < self.header_len {
            let bytes = self.bytes.get(at..self.header_len)?;
            let units = octet(bytes, 0);
            let length = usize::from(units) << 2;
            if kind == PDU_SESSION {
                return Some(PduSession { bytes: bytes.get(..length)? });
            }
            kind = octet(bytes, length.saturating_sub(1));
            at = at.saturating_add(length.max(4));
        }
        None
    }

    /// Mobile country code and mobile network code of the IMSI, in control messages that have it.
    pub fn imsi_network(&self) -> Option<(u16, u16)> {
        if !self.is_version_1() || self.message_type() >= 240 {
            return None;
        }
        let end = self.message_end().min(self.bytes.len());
        let imsi = imsi(self.bytes.get(self.header_len..end)?)?;
        let digit = |index: usize| {
            let pair = octet(imsi, index >> 1);
            u16::from(if index & 1 == 0 { pair & 0x0f } else { pair >> 4 })
        };
        let number = |digits: std::ops::Range<usize>| {
            digits.map(digit).try_fold(0u16, |number, digit| {
                (digit < 10).then(|| number.saturating_mul(10).saturating_add(digit))
            })
        };
        let country = number(0..3)?;
        let network = number(3..if has_long_network_codes(country) { 6 } else { 5 })?;
        Some((country, network))
    }

    fn is_version_1(&self) -> bool {
        self.protocol_type() == 1
    }

    fn bit(&self, mask: u8) -> u8 {
        (self.flags() & mask != 0).into()
    }

    /// Walks the extension headers: length in words, content, type of the next.
    fn extensions_end(&self) -> Result<usize, Fault> {
        let mut at = OPTIONAL_LEN;
        let mut kind = octet(self.bytes, field::NEXT_EXTENSION);
        for _ in 0..MAX_EXTENSIONS {
            if kind == 0 {
                return Ok(at);
            }
            let length = match self.bytes.get(at) {
                None => return Err(Fault::Truncated),
                Some(0) => return Err(Fault::Malformed),
                Some(&units) => usize::from(units) << 2,
            };
            at = at.saturating_add(length);
            kind = *self.bytes.get(at.wrapping_sub(1)).ok_or(Fault::Truncated)?;
        }
        Err(Fault::Malformed)
    }
}

/// The content of the IMSI element. Elements below 128 have a length by their type alone
/// (TS 29.060 §7.7); the IMSI is among the first.
fn imsi(mut elements: &[u8]) -> Option<&[u8]> {
    const IMSI: u8 = 2;
    loop {
        let (&kind, rest) = elements.split_first()?;
        let length = match kind {
            1 | 8 | 11 | 13 | 14 | 15 | 19 | 20 | 21 | 23 | 24 | 26 | 28 | 29 => 1,
            IMSI => 8,
            3 => 6,
            4 | 5 | 16 | 17 => 4,
            9 => 28,
            12 => 3,
            18 => 5,
            22 | 25 | 27 => 2,
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        if kind == IMSI {
            return Some(content);
        }
        elements = rest;
    }
}

/// Whether network codes of this country have three digits (ITU-T E.212 assignments).
fn has_long_network_codes(country: u16) -> bool {
    matches!(country, 302 | 310..=316 | 334 | 338 | 342 | 344 | 346 | 348 | 352 | 356 | 358 | 360)
        || matches!(country, 365 | 366 | 376 | 405 | 708 | 722 | 732 | 750)
}

/// A PDU session container.
#[derive(Clone, Copy, Debug)]
pub struct PduSession<'a> {
    bytes: &'a [u8],
}

impl PduSession<'_> {
    /// Length in units of four octets.
    pub fn length(&self) -> u8 {
        octet(self.bytes, 0)
    }

    /// 0 downlink, 1 uplink.
    pub fn kind(&self) -> u8 {
        octet(self.bytes, 1) >> 4
    }

    /// QoS flow identifier.
    pub fn qfi(&self) -> u8 {
        octet(self.bytes, 2) & 0x3f
    }

    /// Type of the extension header behind it.
    pub fn next(&self) -> u8 {
        self.bytes.last().copied().unwrap_or(0)
    }
}

fields! { Header {
    1 "version": u8 = |h| h.version(), "Version.";
    2 "proto_type": u8 = |h| h.protocol_type(), "1 of GTP, 0 of GTP'.";
    3 "reserved": u8 = |h| h.bit(flag::RESERVED), "Reserved bit.";
    4 "flag_ext_hdr": u8 = |h| h.bit(flag::EXTENSION), "Whether there are extension headers.";
    5 "flag_seq_num": u8 = |h| h.bit(flag::SEQUENCE), "Whether there is a sequence number.";
    6 "flag_ndpu_num": u8 = |h| h.bit(flag::N_PDU), "Whether there is an N-PDU number.";
    7 "flags": u8 = |h| h.flags(), "Version and flags, as they stand.";
    8 "msg_type": u8 = |h| h.message_type(), "Type of the message; 255 is a tunnelled packet.";
    9 "length": u16 = |h| h.length(), "Octets behind the mandatory header.";
    10 "teid": Option<u32> = |h| h.teid(), "Tunnel endpoint identifier.";
    11 "seq_num": Option<u16> = |h| h.sequence(), "Sequence number.";
    12 "imsi_mmc" | "imsi_mcc": Option<u16> = |h| h.imsi_network().map(|n| n.0), "Mobile country code.";
    13 "imsi_mnc": Option<u16> = |h| h.imsi_network().map(|n| n.1), "Mobile network code.";
    14 "next_hdr_type": Option<u8> = |h| h.next_extension(), "Type of the first extension header.";
    15 "ext_pdu_length": Option<u16> = |h| h.pdu_session().map(|p| p.length().into()),
        "Length of the PDU session container, in units of four octets.";
    16 "ext_pdu_type": Option<u8> = |h| h.pdu_session().map(|p| p.kind()), "0 downlink, 1 uplink.";
    17 "ext_pdu_qfi": Option<u8> = |h| h.pdu_session().map(|p| p.qfi()), "QoS flow identifier.";
    18 "ext_pdu_next_hdr_type": Option<u8> = |h| h.pdu_session().map(|p| p.next()),
        "Type of the extension header behind the PDU session container.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::GTP, "gtp", "3GPP TS 29.281", "Mobile network tunnel.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_header_is_eight_octets() {
        let h = Header::new_checked(&[0x30, 255, 0, 2, 0, 0, 0, 7, 0x45, 0]);
        let h = h.unwrap();
        assert_eq!((h.version(), h.protocol_type(), h.message_type()), (1, 1, 255));
        assert_eq!((h.teid(), h.sequence(), h.header_len()), (Some(7), None, 8));
        assert_eq!((h.message_end(), h.next_extension()), (10, None));
    }

    #[test]
    fn a_pdu_session_container_is_found_behind_another_extension() {
        let bytes = [
            0x36, 255, 0, 13, 0, 0, 0, 7, 0, 5, 0, 0xc0, //
            1, 0, 0, 0x85, 1, 0x10, 0x49, 0, 0x45,
        ];
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.header_len(), h.sequence(), h.next_extension()), (20, Some(5), Some(0xc0)));
        let pdu = h.pdu_session().unwrap();
        assert_eq!((pdu.length(), pdu.kind(), pdu.qfi(), pdu.next()), (1, 1, 9, 0));
        assert_eq!(h.imsi_network(), None);
    }

    #[test]
    fn the_imsi_tells_country_and_network() {
        let message = |imsi: [u8; 8]| {
            let mut bytes = vec![0x32, 16, 0, 15, 0, 0, 0, 0, 0, 1, 0, 0, 14, 3, 2];
            bytes.extend(imsi);
            Header::new_checked(&bytes).unwrap().imsi_network()
        };
        assert_eq!(message([0x02, 0x98, 0x10, 0x32, 0x54, 0x76, 0x98, 0xf0]), Some((208, 90)));
        assert_eq!(message([0x13, 0x40, 0x71, 0x32, 0x54, 0x76, 0x98, 0xf0]), Some((310, 417)));
        assert_eq!(message([0xff; 8]), None);
    }

    #[test]
    fn prime_has_its_own_lengths() {
        let h = Header::new_checked(&[0x4e, 1, 0, 0, 0, 9]).unwrap();
        assert_eq!((h.version(), h.protocol_type(), h.sequence()), (2, 0, Some(9)));
        assert_eq!((h.header_len(), h.message_end(), h.teid()), (6, 6, None));
        assert_eq!(Header::new_checked(&[0x0e; 19]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0x0e; 20]).unwrap().header_len(), 20);
    }

    #[test]
    fn forged_headers_fail() {
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[]), Some(Fault::Truncated));
        assert_eq!(fault(&[0x50; 8]), Some(Fault::Malformed));
        assert_eq!(fault(&[0x30, 255, 0, 0, 0, 0, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[0x32, 255, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]), Some(Fault::Malformed));
        let mut looped = vec![0x34, 255, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1];
        looped.extend([1u8; 200]);
        assert_eq!(fault(&looped), Some(Fault::Malformed));
        assert_eq!(fault(&looped[..14]), Some(Fault::Truncated));
        looped[12] = 0;
        assert_eq!(fault(&looped), Some(Fault::Malformed));
    }
}

//! L2TP version 2 (RFC 2661), and version 3 over UDP or as control messages (RFC 3931).

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32};
use crate::{Fault, id};

/// Octets of the shortest header.
pub const HEADER_LEN: usize = 6;

mod flag {
    pub(super) const CONTROL: u16 = 0x8000;
    pub(super) const LENGTH: u16 = 0x4000;
    pub(super) const SEQUENCE: u16 = 0x0800;
    pub(super) const OFFSET: u16 = 0x0200;
    pub(super) const VERSION: u16 = 0x000f;
    /// Bits that have to be 0 in version 2.
    pub(super) const RESERVED: u16 = 0x34f0;
    /// What a control message must and must not have.
    pub(super) const CONTROL_ALL: u16 = CONTROL | LENGTH | SEQUENCE;
}

/// An L2TP header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    bytes: &'a [u8],
    flags: u16,
}

impl<'a> Header<'a> {
    /// Checks version, reserved bits and that every optional part is there.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() < HEADER_LEN {
            return Err(Fault::Truncated);
        }
        let header = Self { bytes, flags: be16(bytes, 0..2) };
        let bad_control = header.is_control()
            && header.flags & (flag::CONTROL_ALL | flag::OFFSET) != flag::CONTROL_ALL;
        let wrong = match header.version() {
            2 => header.flags & flag::RESERVED != 0 || bad_control,
            3 if header.is_control() => bad_control,
            3 => header.flags != 3,
            _ => true,
        };
        if wrong {
            Err(Fault::Malformed)
        } else if header.header_len().is_none_or(|length| length > bytes.len()) {
            Err(Fault::Truncated)
        } else if header.length().is_some_and(|n| Some(usize::from(n)) < header.header_len()) {
            Err(Fault::Malformed)
        } else {
            Ok(header)
        }
    }

    /// Octets of the header, offset padding included; `None` when its size field is cut off.
    fn header_len(&self) -> Option<usize> {
        if self.version() == 3 {
            return Some(if self.is_control() { 12 } else { 8 });
        }
        let at = self.ids_at().saturating_add(4).saturating_add(self.size(flag::SEQUENCE, 4));
        if !self.has(flag::OFFSET) {
            return Some(at);
        }
        let size = self.bytes.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)?;
        Some(at.saturating_add(2).saturating_add(size.into()))
    }

    /// What a data message of version 2 carries: PPP. Version 3's depends on its session.
    pub fn payload_at(&self) -> Option<usize> {
        self.header_len().filter(|_| self.version() == 2 && !self.is_control())
    }

    /// Flags and version, as they stand.
    pub fn flags(&self) -> u16 {
        self.flags
    }

    /// Version, 2 or 3.
    pub fn version(&self) -> u8 {
        (self.flags & flag::VERSION) as u8
    }

    /// Whether this is a control message.
    pub fn is_control(&self) -> bool {
        self.has(flag::CONTROL)
    }

    /// Octets of the message, where it says so.
    pub fn length(&self) -> Option<u16> {
        (self.has(flag::LENGTH)).then(|| be16(self.bytes, 2..4))
    }

    /// Tunnel of version 2.
    pub fn tunnel_id(&self) -> Option<u16> {
        let at = self.ids_at();
        (self.version() == 2).then(|| be16(self.bytes, at..at.saturating_add(2)))
    }

    /// Session; a control message of version 3 has the control connection's identifier.
    pub fn session_id(&self) -> u32 {
        if self.version() == 3 {
            return be32(self.bytes, 4..8);
        }
        let at = self.ids_at().saturating_add(2);
        be16(self.bytes, at..at.saturating_add(2)).into()
    }

    /// Sequence number of this message.
    pub fn sequence(&self) -> Option<u16> {
        self.sequences().map(|at| be16(self.bytes, at..at.saturating_add(2)))
    }

    /// Sequence number expected next.
    pub fn expected(&self) -> Option<u16> {
        self.sequences().map(|at| {
            let at = at.saturating_add(2);
            be16(self.bytes, at..at.saturating_add(2))
        })
    }

    fn has(&self, mask: u16) -> bool {
        self.flags & mask != 0
    }

    fn size(&self, mask: u16, octets: usize) -> usize {
        if self.has(mask) { octets } else { 0 }
    }

    /// Where version 2 has its tunnel and session.
    fn ids_at(&self) -> usize {
        self.size(flag::LENGTH, 2).saturating_add(2)
    }

    fn sequences(&self) -> Option<usize> {
        self.has(flag::SEQUENCE).then(|| self.ids_at().saturating_add(4))
    }
}

fields! { Header {
    0 "version": u8 = |h| h.version(), "Version.";
    0 "flags": u16 = |h| h.flags(), "Flags and version.";
    0 "control": bool = |h| h.is_control(), "Whether this is a control message.";
    0 "length": Option<u16> = |h| h.length(), "Octets of the message.";
    0 "tunnel_id": Option<u16> = |h| h.tunnel_id(), "Tunnel, of version 2.";
    0 "session_id": u32 = |h| h.session_id(), "Session, or control connection of version 3.";
    0 "ns": Option<u16> = |h| h.sequence(), "Sequence number of this message.";
    0 "nr": Option<u16> = |h| h.expected(), "Sequence number expected next.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::L2TP, "l2tp", "RFC 2661", "Layer 2 tunnelling.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_messages_carry_ppp_behind_optional_parts() {
        let h = Header::new_checked(&[0, 2, 0, 7, 0, 9, 0xff, 3]).unwrap();
        assert_eq!((h.tunnel_id(), h.session_id(), h.payload_at()), (Some(7), 9, Some(6)));
        let all = [0x4a, 2, 0, 16, 0, 7, 0, 9, 0, 1, 0, 2, 0, 2, 0, 0, 0xff, 3];
        let h = Header::new_checked(&all).unwrap();
        assert_eq!((h.length(), h.tunnel_id(), h.session_id()), (Some(16), Some(7), 9));
        assert_eq!((h.sequence(), h.expected(), h.payload_at()), (Some(1), Some(2), Some(16)));
    }

    #[test]
    fn control_messages_need_length_and_sequence() {
        let h = Header::new_checked(&[0xc8, 2, 0, 12, 0, 1, 0, 0, 0, 3, 0, 4]).unwrap();
        assert!(h.is_control() && h.payload_at().is_none());
        assert_eq!((h.sequence(), h.expected()), (Some(3), Some(4)));
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[0x80, 2, 0, 1, 0, 0, 0, 0]), Some(Fault::Malformed));
    }

    #[test]
    fn version_3_has_a_wide_session() {
        let h = Header::new_checked(&[0, 3, 0, 0, 0, 1, 0, 0, 1]).unwrap();
        assert_eq!((h.session_id(), h.tunnel_id(), h.payload_at()), (65536, None, None));
        let h = Header::new_checked(&[0xc8, 3, 0, 12, 0, 0, 0, 5, 0, 0, 0, 0]).unwrap();
        assert_eq!((h.session_id(), h.length(), h.sequence()), (5, Some(12), Some(0)));
    }

    #[test]
    fn forged_headers_fail() {
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[0, 1, 0, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0, 0x12, 0, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0x40, 2, 0, 3, 0, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0x02, 2, 0, 0, 0, 0, 0xff, 0xff]), Some(Fault::Truncated));
        assert_eq!(fault(&[0x02, 2, 0, 0, 0, 0, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[0, 2, 0, 0, 0]), Some(Fault::Truncated));
    }
}

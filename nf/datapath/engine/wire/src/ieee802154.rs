//! IEEE 802.15.4 MAC header: frame control and addressing (§7.2). Little-endian.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::after;
use crate::{Fault, id};

/// Octets of the frame control field.
pub const HEADER_LEN: usize = 2;

/// Octets of the check sequence some link types keep at the end.
pub const FCS_LEN: usize = 2;

mod flag {
    pub(super) const SECURITY: u16 = 0x0008;
    pub(super) const ACK_REQUEST: u16 = 0x0020;
    pub(super) const PAN_COMPRESSION: u16 = 0x0040;
    pub(super) const NO_SEQUENCE: u16 = 0x0100;
}

/// Addressing modes.
mod mode {
    pub(super) const NONE: u16 = 0;
    pub(super) const SHORT: u16 = 2;
    pub(super) const EXTENDED: u16 = 3;
}

/// One side's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    pan: Option<u16>,
    address: Option<u64>,
}

/// A MAC header, addresses read out at once.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    control: u16,
    sequence: Option<u8>,
    dst: Side,
    src: Side,
    /// What follows the addresses: security header, information elements, payload.
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks frame type, version and addressing modes, and that the addresses are whole.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let control =
            bytes.first_chunk().copied().map(u16::from_le_bytes).ok_or(Fault::Truncated)?;
        let (dst_mode, src_mode) = (control >> 10 & 3, control >> 14 & 3);
        let version = control >> 12 & 3;
        // Types 4 to 7 (multipurpose, fragment, extended) have other headers.
        if control & 7 > 3 || version == 3 || dst_mode == 1 || src_mode == 1 {
            return Err(Fault::Malformed);
        }
        let mut rest = Reader(after(bytes, HEADER_LEN));
        let sequence = if version == 2 && control & flag::NO_SEQUENCE != 0 {
            None
        } else {
            Some(rest.take::<1>()?).map(|[number]| number)
        };
        let (dst_pan, src_pan) =
            pans(version, dst_mode, src_mode, control & flag::PAN_COMPRESSION != 0);
        let dst = rest.side(dst_pan, dst_mode)?;
        let src = rest.side(src_pan, src_mode)?;
        Ok(Self { control, sequence, dst, src, rest: rest.0 })
    }

    /// 0 beacon, 1 data, 2 acknowledgement, 3 command.
    pub fn kind(&self) -> u8 {
        (self.control & 7) as u8
    }

    /// 0 of 2003, 1 of 2006, 2 of 2015 and later.
    pub fn version(&self) -> u8 {
        (self.control >> 12 & 3) as u8
    }

    /// Whether an auxiliary security header follows.
    pub fn is_secured(&self) -> bool {
        self.control & flag::SECURITY != 0
    }

    /// Whether an acknowledgement is asked for.
    pub fn wants_ack(&self) -> bool {
        self.control & flag::ACK_REQUEST != 0
    }

    /// Sequence number.
    pub fn sequence(&self) -> Option<u8> {
        self.sequence
    }

    /// What follows the addresses.
    pub fn payload(&self) -> &'a [u8] {
        self.rest
    }

    /// PAN of the source; the destination's when it was left out.
    fn src_pan(&self) -> Option<u16> {
        self.src.pan.or(self.src.address.and(self.dst.pan))
    }
}

/// Which sides have a PAN identifier (IEEE 802.15.4-2015 table 7-2, and §7.2.1.5 of 2006).
fn pans(version: u16, dst: u16, src: u16, compressed: bool) -> (bool, bool) {
    let (has_dst, has_src) = (dst != mode::NONE, src != mode::NONE);
    if version < 2 {
        return (has_dst, has_src && !(compressed && has_dst));
    }
    match (has_dst, has_src) {
        (false, false) => (compressed, false),
        (true, false) => (!compressed, false),
        (false, true) => (false, !compressed),
        (true, true) if dst == mode::EXTENDED && src == mode::EXTENDED => (!compressed, false),
        (true, true) => (true, !compressed),
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (value, rest) = self.0.split_first_chunk().ok_or(Fault::Truncated)?;
        self.0 = rest;
        Ok(*value)
    }

    fn side(&mut self, has_pan: bool, addressing: u16) -> Result<Side, Fault> {
        let pan = if has_pan { Some(u16::from_le_bytes(self.take()?)) } else { None };
        let address = match addressing {
            mode::SHORT => Some(u16::from_le_bytes(self.take()?).into()),
            mode::EXTENDED => Some(u64::from_le_bytes(self.take()?)),
            _ => None,
        };
        Ok(Side { pan, address })
    }
}

fields! { Header {
    0 "type": u8 = |h| h.kind(), "0 beacon, 1 data, 2 acknowledgement, 3 command.";
    0 "version": u8 = |h| h.version(), "0 of 2003, 1 of 2006, 2 of 2015.";
    0 "security": bool = |h| h.is_secured(), "Whether the payload is secured.";
    0 "ack_request": bool = |h| h.wants_ack(), "Whether an acknowledgement is asked for.";
    0 "seq_nb" | "sequence": Option<u8> = |h| h.sequence(), "Sequence number.";
    0 "dst_pan": Option<u16> = |h| h.dst.pan, "Destination PAN.";
    0 "dst": Option<u64> = |h| h.dst.address, "Destination address, 16 or 64 bits.";
    0 "src_pan": Option<u16> = |h| h.src_pan(), "Source PAN.";
    0 "src": Option<u64> = |h| h.src.address, "Source address, 16 or 64 bits.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(
    Header,
    id::IEEE802154,
    "ieee802154" | "wpan",
    "IEEE 802.15.4",
    "Low-rate wireless MAC header."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_addresses_share_a_pan() {
        let h = Header::new_checked(&[0x61, 0x88, 9, 0x34, 0x12, 1, 0, 2, 0, 0xaa]).unwrap();
        assert_eq!((h.kind(), h.version(), h.sequence(), h.wants_ack()), (1, 0, Some(9), true));
        assert_eq!(h.dst, Side { pan: Some(0x1234), address: Some(1) });
        assert_eq!((h.src.address, h.src_pan()), (Some(2), Some(0x1234)));
        assert_eq!((h.payload(), h.is_secured()), (&[0xaa][..], false));
    }

    #[test]
    fn an_acknowledgement_has_no_address() {
        let h = Header::new_checked(&[2, 0, 7]).unwrap();
        assert_eq!(
            (h.kind(), h.sequence(), h.dst, h.src),
            (2, Some(7), Side::default(), Side::default())
        );
    }

    #[test]
    fn version_2_leaves_out_sequence_and_pan() {
        // Both extended, compressed, no sequence number.
        let mut bytes = vec![0x41, 0xed];
        bytes.extend([1; 8]);
        bytes.extend([2; 8]);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.version(), h.sequence(), h.dst.pan, h.src_pan()), (2, None, None, None));
        assert_eq!(h.src.address, Some(0x0202_0202_0202_0202));
        assert_eq!(pans(2, 2, 3, false), (true, true));
        assert_eq!(pans(2, 0, 0, true), (true, false));
    }

    #[test]
    fn cut_and_reserved_headers_fail() {
        let whole = [0x61, 0x88, 9, 0x34, 0x12, 1, 0, 2, 0];
        for len in 0..whole.len() {
            assert_eq!(Header::new_checked(&whole[..len]).err(), Some(Fault::Truncated), "{len}");
        }
        assert_eq!(Header::new_checked(&[0x05, 0, 0]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0x01, 0x04, 0]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0x01, 0x30, 0]).err(), Some(Fault::Malformed));
    }
}

//! IPv4 (RFC 791), with options, differentiated services (RFC 2474) and ECN (RFC 3168).

use std::net::Ipv4Addr;

use nf_fields::{BinaryRef, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{be16, octet, octets};
use crate::{Fault, Fragment, checksum, id};

/// Octets of a header without options.
pub const HEADER_LEN: usize = 20;

mod field {
    use std::ops::Range;
    pub(super) const VERSION_IHL: usize = 0;
    pub(super) const TOS: usize = 1;
    pub(super) const TOTAL_LEN: Range<usize> = 2..4;
    pub(super) const ID: Range<usize> = 4..6;
    pub(super) const FLAGS_OFFSET: Range<usize> = 6..8;
    pub(super) const TTL: usize = 8;
    pub(super) const PROTOCOL: usize = 9;
    pub(super) const CHECKSUM: Range<usize> = 10..12;
    pub(super) const SRC: Range<usize> = 12..16;
    pub(super) const DST: Range<usize> = 16..20;
}

/// Option kinds that are one octet (RFC 791 §3.1).
mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
}

/// An IPv4 header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    options: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks version, header length and total length; a total length of 0, which offloading
    /// leaves in captures of the sender, passes.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, rest) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        let mut header = Self { head, options: &[] };
        let total = usize::from(header.total_len());
        let length = header.header_len();
        if header.version() != 4 || length < HEADER_LEN || (total != 0 && total < length) {
            return Err(Fault::Malformed);
        }
        header.options = rest.get(..length.wrapping_sub(HEADER_LEN)).ok_or(Fault::Truncated)?;
        Ok(header)
    }

    /// Version, 4.
    #[inline]
    pub fn version(&self) -> u8 {
        octet(self.head, field::VERSION_IHL) >> 4
    }

    /// Octets of the header, options included.
    #[inline]
    pub fn header_len(&self) -> usize {
        usize::from(octet(self.head, field::VERSION_IHL) & 0x0f) << 2
    }

    /// Type of service octet.
    #[inline]
    pub fn tos(&self) -> u8 {
        octet(self.head, field::TOS)
    }

    /// Differentiated services code point.
    pub fn dscp(&self) -> u8 {
        self.tos() >> 2
    }

    /// Explicit congestion notification.
    pub fn ecn(&self) -> u8 {
        self.tos() & 3
    }

    /// Octets of the datagram; 0 when left to segmentation offload.
    #[inline]
    pub fn total_len(&self) -> u16 {
        be16(self.head, field::TOTAL_LEN)
    }

    /// Identification.
    #[inline]
    pub fn identification(&self) -> u16 {
        be16(self.head, field::ID)
    }

    /// Reserved flag ("evil bit", RFC 3514).
    pub fn reserved_flag(&self) -> bool {
        self.flags_offset() & 0x8000 != 0
    }

    /// Do not fragment.
    pub fn dont_fragment(&self) -> bool {
        self.flags_offset() & 0x4000 != 0
    }

    /// More fragments follow.
    #[inline]
    pub fn more_fragments(&self) -> bool {
        self.flags_offset() & 0x2000 != 0
    }

    /// Octets of the datagram before this fragment.
    #[inline]
    pub fn fragment_offset(&self) -> u16 {
        self.flags_offset() << 3
    }

    /// The fragment's place, if this is one.
    #[inline]
    pub fn fragment(&self) -> Option<Fragment> {
        if self.flags_offset() & 0x3fff == 0 {
            return None;
        }
        Some(Fragment {
            id: self.identification().into(),
            offset: self.fragment_offset(),
            more: self.more_fragments(),
        })
    }

    /// Time to live.
    #[inline]
    pub fn ttl(&self) -> u8 {
        octet(self.head, field::TTL)
    }

    /// Protocol of the payload.
    #[inline]
    pub fn protocol(&self) -> u8 {
        octet(self.head, field::PROTOCOL)
    }

    /// Header checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.head, field::CHECKSUM)
    }

    /// Source address.
    #[inline]
    pub fn src(&self) -> Ipv4Addr {
        Ipv4Addr::from(octets::<4>(self.head, field::SRC))
    }

    /// Destination address.
    #[inline]
    pub fn dst(&self) -> Ipv4Addr {
        Ipv4Addr::from(octets::<4>(self.head, field::DST))
    }

    /// The options, padding included.
    pub fn options(&self) -> &'a [u8] {
        self.options
    }

    /// Type octet of the first option.
    pub fn option_type(&self) -> Option<u8> {
        self.options.first().copied()
    }

    /// Whether octets behind the end of the option list are not zero, as they have to be.
    pub fn has_nonzero_padding(&self) -> bool {
        let mut rest = self.options;
        while let [kind, tail @ ..] = rest {
            rest = match *kind {
                option::END => return tail.iter().any(|&octet| octet != 0),
                option::NO_OPERATION => tail,
                // Length counts kind and length octets; less than that ends the reading.
                _ => match tail.first() {
                    Some(&len) if len >= 2 => rest.get(usize::from(len)..).unwrap_or(&[]),
                    _ => return false,
                },
            };
        }
        false
    }

    /// Whether the header checksum is right. The walk does not ask.
    pub fn verify_checksum(&self) -> bool {
        // Two runs of whole words sum like one; options are a multiple of four octets.
        let mut whole = [0u8; 60];
        let (head, tail) = whole.split_at_mut(HEADER_LEN);
        head.copy_from_slice(self.head);
        for (to, from) in tail.iter_mut().zip(self.options) {
            *to = *from;
        }
        checksum::verify(&whole)
    }

    #[inline]
    fn flags_offset(&self) -> u16 {
        be16(self.head, field::FLAGS_OFFSET)
    }
}

fields! { Header {
    1 "version": u8 = |h| h.version(), "Version.";
    2 "header_len": u8 = |h| octet(h.head, field::VERSION_IHL) & 0x0f, "Header length in 32-bit words.";
    3 "proto_tos" | "tos": u8 = |h| h.tos(), "Type of service octet.";
    4 "tot_len" | "total_len": u16 = |h| h.total_len(), "Octets of the datagram.";
    5 "identification": u16 = |h| h.identification(), "Identification.";
    6 "rf_flag": u8 = |h| h.reserved_flag().into(), "Reserved flag.";
    7 "df_flag": u8 = |h| h.dont_fragment().into(), "Do not fragment.";
    8 "mf_flag": u8 = |h| h.more_fragments().into(), "More fragments follow.";
    9 "frag_offset": u16 = |h| h.fragment_offset(), "Octets of the datagram before this fragment.";
    10 "proto_ttl" | "ttl": u8 = |h| h.ttl(), "Time to live.";
    11 "proto_id" | "protocol": u8 = |h| h.protocol(), "Protocol of the payload.";
    12 "checksum": u16 = |h| h.checksum(), "Header checksum.";
    13 "src": Ipv4Addr = |h| h.src(), "Source address.";
    14 "dst": Ipv4Addr = |h| h.dst(), "Destination address.";
    15 "options": Option<BinaryRef<'_>> = |h| Some(BinaryRef(h.options)).filter(|o| !o.0.is_empty()),
        "Options, padding included.";
    16 "opts_type": Option<u8> = |h| h.option_type(), "Type octet of the first option.";
    17 "padding_check": u8 = |h| h.has_nonzero_padding().into(),
        "1 if the padding of the options is not zero.";
    30 "ecn": u8 = |h| h.ecn(), "Explicit congestion notification.";
    0 "dscp": u8 = |h| h.dscp(), "Differentiated services code point.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::IP, "ip" | "ipv4", "RFC 791", "Internet protocol 4.");

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [u8; 20] =
        [0x45, 0xb9, 0, 40, 0x12, 0x34, 0x40, 0, 64, 6, 0x13, 0xe1, 10, 0, 0, 1, 10, 0, 0, 2];

    #[test]
    fn reads_every_field() {
        let h = Header::new_checked(&PLAIN).unwrap();
        assert_eq!((h.version(), h.header_len(), h.tos()), (4, 20, 0xb9));
        assert_eq!((h.dscp(), h.ecn()), (46, 1));
        assert_eq!((h.total_len(), h.identification(), h.ttl()), (40, 0x1234, 64));
        assert_eq!((h.protocol(), h.dont_fragment(), h.fragment()), (6, true, None));
        assert_eq!(h.src(), Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(h.dst(), Ipv4Addr::new(10, 0, 0, 2));
        assert!(h.options().is_empty() && h.option_type().is_none());
        assert!(h.verify_checksum());
    }

    #[test]
    fn a_flipped_bit_breaks_the_checksum() {
        let mut bytes = PLAIN;
        bytes[15] ^= 1;
        assert!(!Header::new_checked(&bytes).unwrap().verify_checksum());
    }

    #[test]
    fn fragments_are_placed_in_octets() {
        let mut bytes = PLAIN;
        bytes[6..8].copy_from_slice(&[0x20, 0x05]);
        let fragment = Header::new_checked(&bytes).unwrap().fragment();
        assert_eq!(fragment, Some(Fragment { id: 0x1234, offset: 40, more: true }));
        bytes[6..8].copy_from_slice(&[0x80, 0]);
        let h = Header::new_checked(&bytes).unwrap();
        assert!(h.reserved_flag() && h.fragment().is_none());
    }

    #[test]
    fn options_are_cut_out_and_their_padding_checked() {
        let with = |options: [u8; 4]| {
            let mut bytes = [&PLAIN[..], &options, &[0xaa; 8]].concat();
            bytes[0] = 0x46;
            let h = Header::new_checked(&bytes).unwrap();
            assert_eq!(h.options(), options);
            (h.option_type(), h.has_nonzero_padding())
        };
        assert_eq!(with([0x94, 4, 0, 0]), (Some(0x94), false));
        assert_eq!(with([1, 0, 0, 7]), (Some(1), true));
        assert_eq!(with([1, 1, 0, 0]), (Some(1), false));
        assert_eq!(with([7, 0, 9, 9]), (Some(7), false));
        assert_eq!(with([7, 200, 9, 9]), (Some(7), false));
    }

    #[test]
    fn contradictions_are_malformed_and_cuts_truncated() {
        let fault = |at: usize, value: u8| {
            let mut bytes = PLAIN;
            bytes[at] = value;
            Header::new_checked(&bytes).err()
        };
        assert_eq!(fault(0, 0x44), Some(Fault::Malformed));
        assert_eq!(fault(0, 0x65), Some(Fault::Malformed));
        assert_eq!(fault(3, 19), Some(Fault::Malformed));
        assert_eq!(fault(3, 0), None);
        assert_eq!(fault(0, 0x46), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&PLAIN[..19]).err(), Some(Fault::Truncated));
    }
}

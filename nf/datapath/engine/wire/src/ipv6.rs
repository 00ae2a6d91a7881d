//! IPv6 (RFC 8200). Extension headers are in [`crate::ipv6_ext`]; they belong to this layer.

use std::net::Ipv6Addr;

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::ipv6_ext::{Chain, number};
use crate::read::{be16, be32, octet, octets};
use crate::{Fault, Fragment, id};

/// Octets of the fixed header.
pub const HEADER_LEN: usize = 40;

mod field {
    use std::ops::Range;
    pub(super) const FIRST_WORD: Range<usize> = 0..4;
    pub(super) const PAYLOAD_LEN: Range<usize> = 4..6;
    pub(super) const NEXT_HEADER: usize = 6;
    pub(super) const HOP_LIMIT: usize = 7;
    pub(super) const SRC: Range<usize> = 8..24;
    pub(super) const DST: Range<usize> = 24..40;
}

/// An IPv6 header and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks length and version once.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, rest) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        let header = Self { head, rest };
        if header.version() == 6 { Ok(header) } else { Err(Fault::Malformed) }
    }

    /// Version, 6.
    #[inline]
    pub fn version(&self) -> u8 {
        (self.first_word() >> 28) as u8
    }

    /// Traffic class.
    #[inline]
    pub fn traffic_class(&self) -> u8 {
        (self.first_word() >> 20) as u8
    }

    /// Flow label.
    #[inline]
    pub fn flow_label(&self) -> u32 {
        self.first_word() & 0x000f_ffff
    }

    /// Octets behind the fixed header; 0 in jumbograms and where left to segmentation offload.
    #[inline]
    pub fn payload_len(&self) -> u16 {
        be16(self.head, field::PAYLOAD_LEN)
    }

    /// Protocol number of the first header behind this one.
    #[inline]
    pub fn next_header(&self) -> u8 {
        octet(self.head, field::NEXT_HEADER)
    }

    /// Hop limit.
    #[inline]
    pub fn hop_limit(&self) -> u8 {
        octet(self.head, field::HOP_LIMIT)
    }

    /// Source address.
    #[inline]
    pub fn src(&self) -> Ipv6Addr {
        Ipv6Addr::from(octets::<16>(self.head, field::SRC))
    }

    /// Destination address.
    #[inline]
    pub fn dst(&self) -> Ipv6Addr {
        Ipv6Addr::from(octets::<16>(self.head, field::DST))
    }

    /// The extension headers.
    #[inline]
    pub fn extensions(&self) -> Chain<'a> {
        Chain::new(self.next_header(), self.rest)
    }

    /// Protocol behind the extension headers.
    pub fn protocol(&self) -> u8 {
        let mut chain = self.extensions();
        chain.by_ref().for_each(drop);
        chain.protocol()
    }

    /// Number of extension headers.
    pub fn extension_count(&self) -> u16 {
        self.extensions().fold(0, |count, _| count.saturating_add(1))
    }

    /// Extension headers that occur more often than RFC 8200 §4.1 allows: once each, destination
    /// options twice.
    pub fn redundant_extensions(&self) -> u16 {
        let (mut redundant, mut seen, mut destinations) = (0u16, [false; 256], 0u8);
        for extension in self.extensions() {
            let again = seen
                .get_mut(usize::from(extension.number))
                .is_some_and(|seen| std::mem::replace(seen, true));
            let allowed = if extension.number == number::DESTINATION {
                destinations = destinations.saturating_add(1);
                destinations <= 2
            } else {
                !again
            };
            redundant = redundant.saturating_add((!allowed).into());
        }
        redundant
    }

    /// The fragment header's content, if the datagram is a fragment.
    pub fn fragment(&self) -> Option<Fragment> {
        self.extensions().find_map(|extension| extension.fragment())
    }

    #[inline]
    fn first_word(&self) -> u32 {
        be32(self.head, field::FIRST_WORD)
    }
}

fields! { Header {
    1 "version": u8 = |h| h.version(), "Version.";
    2 "TC" | "traffic_class": u8 = |h| h.traffic_class(), "Traffic class.";
    3 "flow_label": u32 = |h| h.flow_label(), "Flow label.";
    4 "len" | "payload_len": u16 = |h| h.payload_len(), "Octets behind the fixed header.";
    5 "next_hdr": u8 = |h| h.next_header(), "Protocol number of the next header.";
    6 "next_proto": u8 = |h| h.protocol(), "Protocol number behind the extension headers.";
    7 "hop_limit": u8 = |h| h.hop_limit(), "Hop limit.";
    8 "src": Ipv6Addr = |h| h.src(), "Source address.";
    9 "dst": Ipv6Addr = |h| h.dst(), "Destination address.";
    16 "ip6_ext_headers_count": u16 = |h| h.extension_count(), "Number of extension headers.";
    17 "redundent_extension_header" | "redundant_extension_header": u16 = |h| h.redundant_extensions(),
        "Extension headers that occur too often.";
    0 "dscp": u8 = |h| h.traffic_class() >> 2, "Differentiated services code point.";
    0 "ecn": u8 = |h| h.traffic_class() & 3, "Explicit congestion notification.";
    0 "fragment_id": Option<u32> = |h| h.fragment().map(|f| f.id), "Identification of a fragment.";
    0 "fragment_offset": Option<u16> = |h| h.fragment().map(|f| f.offset), "Octets before a fragment.";
    0 "more_fragments": Option<u8> = |h| h.fragment().map(|f| f.more.into()), "1 if more fragments follow.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::IPV6, "ipv6" | "ip6", "RFC 8200", "Internet protocol 6.");

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x6a, 0xb1, 0x23, 0x45, 0, rest.len() as u8, next, 63];
        bytes.extend([0x20; 16]);
        bytes.extend([0x30; 16]);
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn reads_every_field() {
        let bytes = bytes(17, &[0; 8]);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.version(), h.traffic_class(), h.flow_label()), (6, 0xab, 0x12345));
        assert_eq!((h.payload_len(), h.next_header(), h.hop_limit()), (8, 17, 63));
        assert_eq!((h.src(), h.dst()), ([0x20; 16].into(), [0x30; 16].into()));
        assert_eq!((h.protocol(), h.extension_count(), h.fragment()), (17, 0, None));
    }

    #[test]
    fn extension_headers_are_counted_and_repeats_told() {
        let ext = |next: u8| [next, 0, 0, 0, 0, 0, 0, 0];
        let chain = [ext(60), ext(0), ext(60), ext(60), ext(6)].concat();
        let bytes = bytes(0, &chain);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.extension_count(), h.redundant_extensions(), h.protocol()), (5, 2, 6));
    }

    #[test]
    fn a_fragment_is_found_in_the_chain() {
        let bytes = bytes(44, &[17, 0, 0, 9, 0, 0, 0, 5, 1, 2]);
        let fragment = Header::new_checked(&bytes).unwrap().fragment();
        assert_eq!(fragment, Some(Fragment { id: 5, offset: 8, more: true }));
    }

    #[test]
    fn wrong_version_and_length_fail() {
        let mut bytes = bytes(6, &[]);
        assert_eq!(Header::new_checked(&bytes[..39]).err(), Some(Fault::Truncated));
        bytes[0] = 0x45;
        assert_eq!(Header::new_checked(&bytes).err(), Some(Fault::Malformed));
    }
}

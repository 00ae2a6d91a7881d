//! TCP (RFC 9293), with its options (RFC 7323, RFC 2018, RFC 7413, RFC 8684).

use std::net::IpAddr;

use nf_fields::{BinaryRef, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32, first, octet};
use crate::{Fault, checksum, id};

/// Octets of a header without options.
pub const HEADER_LEN: usize = 20;

mod field {
    use std::ops::Range;
    pub(super) const SRC_PORT: Range<usize> = 0..2;
    pub(super) const DST_PORT: Range<usize> = 2..4;
    pub(super) const SEQUENCE: Range<usize> = 4..8;
    pub(super) const ACKNOWLEDGEMENT: Range<usize> = 8..12;
    pub(super) const DATA_OFFSET: usize = 12;
    pub(super) const FLAGS: usize = 13;
    pub(super) const WINDOW: Range<usize> = 14..16;
    pub(super) const CHECKSUM: Range<usize> = 16..18;
    pub(super) const URGENT: Range<usize> = 18..20;
}

/// Bits of the flags octet.
pub mod flag {
    /// Sender is finished.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
    /// ECN echo.
    pub const ECE: u8 = 0x40;
    /// Congestion window reduced.
    pub const CWR: u8 = 0x80;
}

/// Option kinds.
mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const MPTCP: u8 = 30;
    pub(super) const FAST_OPEN: u8 = 34;
}

/// A TCP header. Its fixed part is whole; the options may be cut by the capture.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    options: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks the fixed part and the data offset.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, rest) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        let mut header = Self { head, options: &[] };
        let length = header.header_len();
        if length < HEADER_LEN {
            return Err(Fault::Malformed);
        }
        header.options = first(rest, length.wrapping_sub(HEADER_LEN));
        Ok(header)
    }

    /// Source port.
    #[inline]
    pub fn src_port(&self) -> u16 {
        be16(self.head, field::SRC_PORT)
    }

    /// Destination port.
    #[inline]
    pub fn dst_port(&self) -> u16 {
        be16(self.head, field::DST_PORT)
    }

    /// Sequence number.
    #[inline]
    pub fn sequence(&self) -> u32 {
        be32(self.head, field::SEQUENCE)
    }

    /// Acknowledgement number.
    #[inline]
    pub fn acknowledgement(&self) -> u32 {
        be32(self.head, field::ACKNOWLEDGEMENT)
    }

    /// Octets of the header, options included.
    #[inline]
    pub fn header_len(&self) -> usize {
        usize::from(octet(self.head, field::DATA_OFFSET) >> 4) << 2
    }

    /// The flags octet, see [`flag`].
    #[inline]
    pub fn flags(&self) -> u8 {
        octet(self.head, field::FLAGS)
    }

    /// Whether any of `mask`'s flags is set.
    #[inline]
    pub fn has(&self, mask: u8) -> bool {
        self.flags() & mask != 0
    }

    /// Receive window, not scaled.
    #[inline]
    pub fn window(&self) -> u16 {
        be16(self.head, field::WINDOW)
    }

    /// Checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.head, field::CHECKSUM)
    }

    /// Urgent pointer.
    pub fn urgent(&self) -> u16 {
        be16(self.head, field::URGENT)
    }

    /// The options, as far as captured.
    #[inline]
    pub fn options(&self) -> &'a [u8] {
        self.options
    }

    /// Content of the first option of this kind.
    pub fn option(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut rest = self.options;
        loop {
            rest = match rest {
                [] | [option::END, ..] => return None,
                [option::NO_OPERATION, tail @ ..] => tail,
                [kind, length, tail @ ..] => {
                    // The length counts itself and the kind.
                    let content = usize::from(*length).checked_sub(2)?;
                    let (content, tail) = tail.split_at_checked(content)?;
                    if *kind == wanted {
                        return Some(content);
                    }
                    tail
                }
                [_] => return None,
            };
        }
    }

    /// Maximum segment size.
    pub fn mss(&self) -> Option<u16> {
        Some(u16::from_be_bytes(self.option(option::MSS)?.try_into().ok()?))
    }

    /// Window scale: the shift, at most 14 (RFC 7323 §2.3).
    pub fn window_scale(&self) -> Option<u8> {
        self.option(option::WINDOW_SCALE)?.first().map(|&shift| shift.min(14))
    }

    /// Whether selective acknowledgements are permitted.
    pub fn sack_permitted(&self) -> bool {
        self.option(option::SACK_PERMITTED).is_some()
    }

    /// Selectively acknowledged blocks, left and right edge each, at most four.
    pub fn sack_blocks(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let blocks = self.option(option::SACK).unwrap_or(&[]);
        blocks.chunks_exact(8).map(|block| (be32(block, 0..4), be32(block, 4..8)))
    }

    /// Timestamp value and echo reply.
    #[inline]
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        // Nearly every stack lays this option out so, two paddings before it.
        let content = match self.options {
            [1, 1, option::TIMESTAMPS, 10, content @ ..] if content.len() == 8 => content,
            _ => self.option(option::TIMESTAMPS)?,
        };
        let content: &[u8; 8] = content.try_into().ok()?;
        Some((be32(content, 0..4), be32(content, 4..8)))
    }

    /// Whether the checksum of `segment`, this header with its whole payload, is right. The walk
    /// does not ask.
    pub fn verify_checksum(src: IpAddr, dst: IpAddr, segment: &[u8]) -> bool {
        checksum::verify_transport(src, dst, 6, segment)
    }
}

fields! { Header {
    1 "src_port": u16 = |h| h.src_port(), "Source port.";
    2 "dest_port" | "dst_port": u16 = |h| h.dst_port(), "Destination port.";
    3 "seq_nb" | "sequence": u32 = |h| h.sequence(), "Sequence number.";
    4 "ack_nb" | "acknowledgement": u32 = |h| h.acknowledgement(), "Acknowledgement number.";
    5 "data_offset": u8 = |h| octet(h.head, field::DATA_OFFSET) >> 4, "Header length in 32-bit words.";
    6 "flags": u8 = |h| h.flags(), "All flags.";
    7 "fin": u8 = |h| h.has(flag::FIN).into(), "Sender is finished.";
    8 "syn": u8 = |h| h.has(flag::SYN).into(), "Synchronise sequence numbers.";
    9 "rst": u8 = |h| h.has(flag::RST).into(), "Reset.";
    10 "psh": u8 = |h| h.has(flag::PSH).into(), "Push.";
    11 "ack": u8 = |h| h.has(flag::ACK).into(), "The acknowledgement number counts.";
    12 "urg": u8 = |h| h.has(flag::URG).into(), "The urgent pointer counts.";
    13 "ece": u8 = |h| h.has(flag::ECE).into(), "ECN echo.";
    14 "cwr": u8 = |h| h.has(flag::CWR).into(), "Congestion window reduced.";
    15 "window": u16 = |h| h.window(), "Receive window, not scaled.";
    16 "checksum": u16 = |h| h.checksum(), "Checksum.";
    17 "urg_pointer": u16 = |h| h.urgent(), "Urgent pointer.";
    30 "tsval": Option<u32> = |h| h.timestamps().map(|t| t.0), "Timestamp value.";
    31 "tsecr": Option<u32> = |h| h.timestamps().map(|t| t.1), "Timestamp echo reply.";
    0 "options": BinaryRef<'_> = |h| BinaryRef(h.options), "Options as they stand.";
    0 "mss": Option<u16> = |h| h.mss(), "Maximum segment size.";
    0 "window_scale": Option<u8> = |h| h.window_scale(), "Window scale shift.";
    0 "sack_permitted": bool = |h| h.sack_permitted(), "Selective acknowledgement permitted.";
    0 "sack_blocks": Option<BinaryRef<'_>> = |h| h.option(option::SACK).map(BinaryRef),
        "Selectively acknowledged edges, left and right, 32 bits each.";
    0 "mptcp": Option<BinaryRef<'_>> = |h| h.option(option::MPTCP).map(BinaryRef), "Multipath option.";
    0 "fast_open": Option<BinaryRef<'_>> = |h| h.option(option::FAST_OPEN).map(BinaryRef),
        "Fast open cookie; empty in a request.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::TCP, "tcp", "RFC 9293", "Transmission control.");

#[cfg(test)]
mod tests {
    use super::*;

    const SYN: [u8; 40] = [
        0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0xa0, 0xc2, 0xfa, 0xf0, 0x12, 0x34, 0, 9,
        2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 2, 0, 1, 3, 3, 7,
    ];

    #[test]
    fn reads_every_field() {
        let h = Header::new_checked(&SYN).unwrap();
        assert_eq!((h.src_port(), h.dst_port()), (40000, 443));
        assert_eq!((h.sequence(), h.acknowledgement(), h.header_len()), (1, 2, 40));
        assert_eq!((h.flags(), h.window(), h.checksum(), h.urgent()), (0xc2, 64240, 0x1234, 9));
        assert!(h.has(flag::SYN) && h.has(flag::ECE) && !h.has(flag::ACK | flag::RST));
    }

    #[test]
    fn reads_the_options_of_a_syn() {
        let h = Header::new_checked(&SYN).unwrap();
        assert_eq!((h.mss(), h.window_scale()), (Some(1460), Some(7)));
        assert_eq!((h.sack_permitted(), h.timestamps()), (true, Some((256, 512))));
        assert_eq!(h.option(option::FAST_OPEN), None);
    }

    #[test]
    fn reads_timestamps_and_blocks_of_an_acknowledgement() {
        let mut bytes = SYN;
        bytes[20..]
            .copy_from_slice(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0]);
        let cut = Header::new_checked(&bytes).unwrap();
        assert_eq!((cut.timestamps(), cut.sack_blocks().count()), (Some((1, 2)), 0));
        let whole = [&bytes[..], &[0, 4, 0, 0]].concat();
        let mut whole = whole;
        whole[12] = 0xb0;
        let h = Header::new_checked(&whole).unwrap();
        assert_eq!(h.sack_blocks().collect::<Vec<_>>(), [(3, 4)]);
        whole[12] = 0x80;
        assert_eq!(Header::new_checked(&whole).unwrap().timestamps(), Some((1, 2)));
    }

    #[test]
    fn forged_options_end_the_reading() {
        for options in [[2, 0, 0, 0], [2, 1, 2, 4], [2, 255, 1, 1], [0, 2, 4, 5], [1, 1, 1, 2]] {
            let mut bytes = [0; 24];
            bytes[12] = 0x60;
            bytes[20..].copy_from_slice(&options);
            let h = Header::new_checked(&bytes).unwrap();
            assert_eq!((h.mss(), h.window_scale(), h.timestamps()), (None, None, None));
        }
    }

    #[test]
    fn short_headers_fail_and_cut_options_do_not() {
        assert_eq!(Header::new_checked(&SYN[..19]).err(), Some(Fault::Truncated));
        let cut = Header::new_checked(&SYN[..30]).unwrap();
        assert_eq!((cut.header_len(), cut.options().len(), cut.mss()), (40, 10, Some(1460)));
        let mut bytes = SYN;
        bytes[12] = 0x40;
        assert_eq!(Header::new_checked(&bytes).err(), Some(Fault::Malformed));
    }

    #[test]
    fn checksum_covers_the_pseudo_header() {
        let (src, dst) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        // Sum of the words: 0a00+0001+0a00+0002+0006+0014+5000 = 641d -> 9be2.
        let mut segment = [0; 20];
        segment[12] = 0x50;
        segment[16..18].copy_from_slice(&[0x9b, 0xe2]);
        assert!(Header::verify_checksum(src, dst, &segment));
        segment[0] = 1;
        assert!(!Header::verify_checksum(src, dst, &segment));
    }
}

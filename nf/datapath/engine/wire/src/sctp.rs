//! SCTP common header (RFC 9260 §3.1) and the walk over the chunks behind it.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32};
use crate::sctp_chunk::{self, Header as Chunk};
use crate::{Fault, id};

/// Octets of the common header.
pub const HEADER_LEN: usize = 12;

mod field {
    use std::ops::Range;
    pub(super) const SRC_PORT: Range<usize> = 0..2;
    pub(super) const DST_PORT: Range<usize> = 2..4;
    pub(super) const TAG: Range<usize> = 4..8;
    pub(super) const CHECKSUM: Range<usize> = 8..12;
}

/// A common header and the chunks behind it.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    chunks: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, chunks) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        Ok(Self { head, chunks })
    }

    /// Source port.
    pub fn src_port(&self) -> u16 {
        be16(self.head, field::SRC_PORT)
    }

    /// Destination port.
    pub fn dst_port(&self) -> u16 {
        be16(self.head, field::DST_PORT)
    }

    /// Verification tag.
    pub fn tag(&self) -> u32 {
        be32(self.head, field::TAG)
    }

    /// CRC32c checksum.
    pub fn checksum(&self) -> u32 {
        be32(self.head, field::CHECKSUM)
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> Chunks<'a> {
        Chunks { rest: self.chunks, offset: 0 }
    }

    fn first_chunk(&self) -> Option<Chunk<'a>> {
        Chunk::new_checked(self.chunks).ok()
    }
}

/// Walks the chunks; ends where no whole chunk header is left or one contradicts itself.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Chunks<'a> {
    /// Where the chunk starts behind the common header, and its view.
    type Item = (usize, Chunk<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = Chunk::new_checked(self.rest).ok()?;
        let at = self.offset;
        let padded = sctp_chunk::padded(chunk.length());
        self.rest = self.rest.get(padded..).unwrap_or(&[]);
        self.offset = at.saturating_add(padded);
        Some((at, chunk))
    }
}

fields! { Header {
    1 "src_port": u16 = |h| h.src_port(), "Source port.";
    2 "dest_port" | "dst_port": u16 = |h| h.dst_port(), "Destination port.";
    3 "verif_tag": u32 = |h| h.tag(), "Verification tag.";
    4 "checksum": u32 = |h| h.checksum(), "CRC32c checksum.";
    5 "ch_type": Option<u8> = |h| h.first_chunk().map(|c| c.kind()), "Type of the first chunk.";
    6 "ch_flags": Option<u8> = |h| h.first_chunk().map(|c| c.flags()), "Flags of the first chunk.";
    7 "ch_length": Option<u16> = |h| h.first_chunk().map(|c| c.length()), "Length of the first chunk.";
    0 "chunk_count": u32 = |h| h.chunks().fold(0u32, |n, _| n.saturating_add(1)), "Number of chunks.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::SCTP, "sctp", "RFC 9260", "Stream control transmission.");

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 32] = [
        0x0b, 0x59, 0x0b, 0x5a, 1, 2, 3, 4, 5, 6, 7, 8, //
        11, 0, 0, 4, // COOKIE ACK
        14, 1, 0, 5, 9, 0, 0, 0, // SHUTDOWN COMPLETE, padded
        4, 0, 0, 8, 0, 1, 0, 4, // HEARTBEAT
    ];

    #[test]
    fn reads_the_common_header_and_the_first_chunk() {
        let h = Header::new_checked(&PACKET).unwrap();
        assert_eq!((h.src_port(), h.dst_port()), (2905, 2906));
        assert_eq!((h.tag(), h.checksum()), (0x0102_0304, 0x0506_0708));
        assert_eq!(h.first_chunk().map(|c| (c.kind(), c.length())), Some((11, 4)));
    }

    #[test]
    fn chunks_are_found_behind_their_padding() {
        let h = Header::new_checked(&PACKET).unwrap();
        let chunks: Vec<_> = h.chunks().map(|(at, c)| (at, c.kind(), c.flags())).collect();
        assert_eq!(chunks, [(0, 11, 0), (4, 14, 1), (12, 4, 0)]);
    }

    #[test]
    fn a_forged_length_ends_the_walk() {
        let mut packet = PACKET;
        packet[15] = 3;
        assert_eq!(Header::new_checked(&packet).unwrap().chunks().count(), 0);
        packet[14..16].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(Header::new_checked(&packet).unwrap().chunks().count(), 1);
        assert_eq!(Header::new_checked(&packet[..11]).err(), Some(Fault::Truncated));
    }
}

//! Radiotap: what the radio knew of an IEEE 802.11 frame (radiotap.org). Little-endian, each
//! field aligned to its own size from the start of the header.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{le16, le32, octet};
use crate::{Fault, id};

/// Octets of the header without fields.
pub const HEADER_LEN: usize = 8;

/// More words of presence bits than this are malformed.
const MAX_PRESENT_WORDS: usize = 16;

mod field {
    use std::ops::Range;
    pub(super) const VERSION: usize = 0;
    pub(super) const LENGTH: Range<usize> = 2..4;
    pub(super) const PRESENT: Range<usize> = 4..8;
}

/// Presence bits, which are positions in [`SIZES`] too.
mod bit {
    pub(super) const FLAGS: usize = 1;
    pub(super) const RATE: usize = 2;
    pub(super) const CHANNEL: usize = 3;
    pub(super) const SIGNAL: usize = 5;
    pub(super) const NOISE: usize = 6;
    pub(super) const ANOTHER_WORD: u32 = 1 << 31;
}

/// Size and alignment of the first fields: timestamp, flags, rate, channel, hopping, antenna
/// signal, antenna noise.
const SIZES: [(usize, usize); 7] = [(8, 8), (1, 1), (1, 1), (4, 2), (2, 2), (1, 1), (1, 1)];

/// A radiotap header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    bytes: &'a [u8],
    fields_at: usize,
}

impl<'a> Header<'a> {
    /// Checks version, length and the end of the presence bits.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(Fault::Truncated)?;
        let length = usize::from(le16(head, field::LENGTH));
        if octet(head, field::VERSION) != 0 || length < HEADER_LEN {
            return Err(Fault::Malformed);
        }
        let bytes = bytes.get(..length).ok_or(Fault::Truncated)?;
        let words = bytes.get(field::PRESENT.start..).unwrap_or(&[]).chunks_exact(4);
        let last = words
            .take(MAX_PRESENT_WORDS)
            .position(|word| le32(word, 0..4) & bit::ANOTHER_WORD == 0)
            .ok_or(Fault::Malformed)?;
        let fields_at = last.saturating_add(2).saturating_mul(4);
        Ok(Self { bytes, fields_at })
    }

    /// Octets of the header.
    pub fn header_len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the frame ends with its check sequence.
    pub fn has_fcs(&self) -> bool {
        self.flags().is_some_and(|flags| flags & 0x10 != 0)
    }

    /// Whether the MAC header is padded to four octets.
    pub fn is_padded(&self) -> bool {
        self.flags().is_some_and(|flags| flags & 0x20 != 0)
    }

    /// Whether the frame failed its check.
    pub fn bad_fcs(&self) -> bool {
        self.flags().is_some_and(|flags| flags & 0x40 != 0)
    }

    /// Properties of the frame.
    pub fn flags(&self) -> Option<u8> {
        self.octet_of(bit::FLAGS)
    }

    /// Data rate in units of 500 kb/s.
    pub fn rate(&self) -> Option<u8> {
        self.octet_of(bit::RATE)
    }

    /// Channel frequency in MHz.
    pub fn frequency(&self) -> Option<u16> {
        self.find(bit::CHANNEL).map(|bytes| le16(bytes, 0..2))
    }

    /// Signal at the antenna in dBm.
    pub fn signal(&self) -> Option<i64> {
        self.octet_of(bit::SIGNAL).map(|dbm| i64::from(dbm.cast_signed()))
    }

    /// Noise at the antenna in dBm.
    pub fn noise(&self) -> Option<i64> {
        self.octet_of(bit::NOISE).map(|dbm| i64::from(dbm.cast_signed()))
    }

    fn octet_of(&self, wanted: usize) -> Option<u8> {
        self.find(wanted)?.first().copied()
    }

    fn find(&self, wanted: usize) -> Option<&'a [u8]> {
        let present = le32(self.bytes, field::PRESENT);
        let mut at = self.fields_at;
        for (index, &(size, alignment)) in SIZES.iter().enumerate() {
            if present >> index & 1 == 0 {
                if index == wanted {
                    return None;
                }
                continue;
            }
            at = at.next_multiple_of(alignment);
            let end = at.saturating_add(size);
            if index == wanted {
                return self.bytes.get(at..end);
            }
            at = end;
        }
        None
    }
}

fields! { Header {
    0 "flags": Option<u8> = |h| h.flags(), "Properties of the frame.";
    0 "rate_500kbps": Option<u8> = |h| h.rate(), "Data rate in units of 500 kb/s.";
    0 "frequency_mhz": Option<u16> = |h| h.frequency(), "Channel frequency.";
    0 "signal_dbm": Option<i64> = |h| h.signal(), "Signal at the antenna.";
    0 "noise_dbm": Option<i64> = |h| h.noise(), "Noise at the antenna.";
    0 "bad_fcs": bool = |h| h.bad_fcs(), "Whether the frame failed its check.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::RADIOTAP, "radiotap", "radiotap.org", "Radio information of a frame.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_aligned_from_the_start() {
        // Flags, rate, channel, signal present.
        let bytes = [0, 0, 15, 0, 0x2e, 0, 0, 0, 0x10, 0x0c, 0x6c, 0x09, 0xa0, 0, 0xd8, 0xff];
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.flags(), h.rate(), h.frequency()), (Some(0x10), Some(12), Some(2412)));
        assert_eq!((h.signal(), h.noise(), h.header_len()), (Some(-40), None, 15));
        assert!(h.has_fcs() && !h.is_padded() && !h.bad_fcs());
    }

    #[test]
    fn further_presence_words_move_the_fields() {
        let mut bytes = vec![0, 0, 25, 0, 0x03, 0, 0, 0x80, 0, 0, 0, 0];
        bytes.extend([0; 4]); // padding to 16
        bytes.extend([1; 8]); // timestamp
        bytes.push(0x20);
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.flags(), h.is_padded()), (Some(0x20), true));
    }

    #[test]
    fn forged_lengths_fail() {
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[0; 7]), Some(Fault::Truncated));
        assert_eq!(fault(&[1, 0, 8, 0, 0, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0, 0, 7, 0, 0, 0, 0, 0]), Some(Fault::Malformed));
        assert_eq!(fault(&[0, 0, 9, 0, 0, 0, 0, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[0, 0, 8, 0, 0, 0, 0, 0x80]), Some(Fault::Malformed));
        let cut = Header::new_checked(&[0, 0, 8, 0, 0xff, 0, 0, 0]).unwrap();
        assert_eq!((cut.flags(), cut.signal()), (None, None));
    }
}

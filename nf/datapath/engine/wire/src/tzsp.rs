//! TaZmen sniffer protocol: captured frames sent to a collector over UDP.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, octet};
use crate::{Fault, id};

/// Octets before the tagged fields.
pub const HEADER_LEN: usize = 4;

/// UDP port.
pub const PORT: u16 = 37008;

/// More tagged fields than this are malformed.
const MAX_TAGS: usize = 64;

mod tag {
    pub(super) const PADDING: u8 = 0;
    pub(super) const END: u8 = 1;
}

mod field {
    use std::ops::Range;
    pub(super) const VERSION: usize = 0;
    pub(super) const TYPE: usize = 1;
    pub(super) const PROTOCOL: Range<usize> = 2..4;
}

/// A TZSP header with its tagged fields.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    header_len: usize,
}

impl<'a> Header<'a> {
    /// Checks version, type, and that the tagged fields come to an end. Types 0 and 1 carry a
    /// frame; the others (configuration, keep-alive, port opener) need no tags.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, mut rest) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        let mut header = Self { head, header_len: bytes.len() };
        if octet(head, field::VERSION) != 1 || header.kind() > 5 {
            return Err(Fault::Malformed);
        }
        if header.kind() > 1 {
            return Ok(header);
        }
        for _ in 0..MAX_TAGS {
            rest = match rest {
                [tag::END, frame @ ..] => {
                    header.header_len = bytes.len().wrapping_sub(frame.len());
                    return Ok(header);
                }
                [tag::PADDING, rest @ ..] => rest,
                [_, length, rest @ ..] => {
                    rest.get(usize::from(*length)..).ok_or(Fault::Truncated)?
                }
                _ => return Err(Fault::Truncated),
            };
        }
        Err(Fault::Malformed)
    }

    /// Octets of header and tagged fields.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// 0 received frame, 1 frame to send, 2 reserved, 3 configuration, 4 keep-alive, 5 opener.
    pub fn kind(&self) -> u8 {
        octet(self.head, field::TYPE)
    }

    /// What the frame is: 1 Ethernet, 18 IEEE 802.11, …
    pub fn protocol(&self) -> u16 {
        be16(self.head, field::PROTOCOL)
    }

    /// Whether a frame follows.
    pub fn carries_frame(&self) -> bool {
        self.kind() <= 1
    }
}

fields! { Header {
    0 "version": u8 = |h| octet(h.head, field::VERSION), "Version.";
    0 "type": u8 = |h| h.kind(), "0 received, 1 to send, 3 configuration, 4 keep-alive, 5 opener.";
    0 "protocol": u16 = |h| h.protocol(), "1 Ethernet, 18 IEEE 802.11.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::TZSP, "tzsp", "TaZmen sniffer", "Captured frames over UDP.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_follows_the_end_tag() {
        let bytes = [1, 0, 0, 1, 0, 10, 1, 0xc8, 1, 0xff, 0xff];
        let h = Header::new_checked(&bytes).unwrap();
        assert_eq!((h.kind(), h.protocol(), h.header_len()), (0, 1, 9));
        assert!(h.carries_frame());
        assert!(!Header::new_checked(&[1, 4, 0, 0]).unwrap().carries_frame());
    }

    #[test]
    fn endless_and_cut_tags_fail() {
        let fault = |bytes: &[u8]| Header::new_checked(bytes).err();
        assert_eq!(fault(&[0; 100]), Some(Fault::Malformed));
        assert_eq!(fault(&[1, 0, 0, 1, 0, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[1, 0, 0, 1, 10, 200, 0]), Some(Fault::Truncated));
        assert_eq!(fault(&[1, 0, 0]), Some(Fault::Truncated));
        let mut padding = vec![1, 0, 0, 1];
        padding.extend([0; 100]);
        assert_eq!(fault(&padding), Some(Fault::Malformed));
    }
}

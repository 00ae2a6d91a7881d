//! MPLS label stack (RFC 3032, RFC 5462). The whole stack is one layer.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be32, octet};
use crate::{Fault, id};

/// Octets of one label stack entry.
pub const ENTRY_LEN: usize = 4;

/// More entries than this are malformed; operational stacks have a handful.
pub const MAX_ENTRIES: usize = 16;

mod field {
    use std::ops::Range;
    pub(super) const ENTRY: Range<usize> = 0..4;
    /// Octet that holds the traffic class and the bottom-of-stack bit.
    pub(super) const BOTTOM: usize = 2;
}

/// A label stack, down to its bottom entry.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    top: &'a [u8; ENTRY_LEN],
    bottom: &'a [u8; ENTRY_LEN],
    depth: usize,
}

impl<'a> Header<'a> {
    /// Finds the bottom of the stack once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let top = bytes.first_chunk().ok_or(Fault::Truncated)?;
        for (index, entry) in bytes.chunks(ENTRY_LEN).take(MAX_ENTRIES).enumerate() {
            let bottom = entry.first_chunk().ok_or(Fault::Truncated)?;
            if octet(bottom, field::BOTTOM) & 1 == 1 {
                return Ok(Self { top, bottom, depth: index.saturating_add(1) });
            }
        }
        Err(if bytes.len() < MAX_ENTRIES.saturating_mul(ENTRY_LEN) {
            Fault::Truncated
        } else {
            Fault::Malformed
        })
    }

    /// Octets of the stack.
    pub fn header_len(&self) -> usize {
        self.depth.saturating_mul(ENTRY_LEN)
    }

    /// Number of entries.
    pub fn depth(&self) -> u8 {
        u8::try_from(self.depth).unwrap_or(u8::MAX)
    }

    /// Label of the top entry.
    pub fn label(&self) -> u32 {
        be32(self.top, field::ENTRY) >> 12
    }

    /// Label of the bottom entry.
    pub fn bottom_label(&self) -> u32 {
        be32(self.bottom, field::ENTRY) >> 12
    }

    /// Traffic class of the top entry.
    pub fn tc(&self) -> u8 {
        octet(self.top, field::BOTTOM) >> 1 & 7
    }

    /// Whether the top entry is the only one.
    pub fn bottom_of_stack(&self) -> u8 {
        octet(self.top, field::BOTTOM) & 1
    }

    /// Time to live of the top entry.
    pub fn ttl(&self) -> u8 {
        octet(self.top, 3)
    }
}

fields! { Header {
    0 "label": u32 = |h| h.label(), "Label of the top entry.";
    0 "tc" | "exp": u8 = |h| h.tc(), "Traffic class of the top entry.";
    0 "bottom_of_stack": u8 = |h| h.bottom_of_stack(), "1 if the top entry is the bottom one too.";
    0 "ttl": u8 = |h| h.ttl(), "Time to live of the top entry.";
    0 "depth": u8 = |h| h.depth(), "Number of entries.";
    0 "bottom_label": u32 = |h| h.bottom_label(), "Label of the bottom entry.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::MPLS, "mpls", "RFC 3032", "MPLS label stack.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stack_of_two() {
        let h = Header::new_checked(&[0, 1, 0x0a, 63, 0, 2, 0x01, 64, 0x45]).unwrap();
        assert_eq!((h.label(), h.tc(), h.bottom_of_stack(), h.ttl()), (0x10, 5, 0, 63));
        assert_eq!((h.bottom_label(), h.depth(), h.header_len()), (0x20, 2, 8));
    }

    #[test]
    fn a_stack_without_bottom_is_truncated_or_malformed() {
        assert_eq!(Header::new_checked(&[0; 7]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0; 63]).err(), Some(Fault::Truncated));
        assert_eq!(Header::new_checked(&[0; 200]).err(), Some(Fault::Malformed));
    }
}

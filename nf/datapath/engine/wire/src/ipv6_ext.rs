//! IPv6 extension headers (RFC 8200 §4, RFC 4302, RFC 6275, RFC 7401, RFC 5533) as a chain.
//!
//! The chain is walked in a loop bounded by [`MAX_EXTENSIONS`] and by the octets there are.

use crate::read::{be16, be32, octet};
use crate::{Fault, Fragment};

/// More headers than this are refused; RFC 8504 §5.3 lets a node limit them.
pub const MAX_EXTENSIONS: usize = 16;

/// Protocol numbers of extension headers.
pub mod number {
    /// Hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// Routing.
    pub const ROUTING: u8 = 43;
    /// Fragment.
    pub const FRAGMENT: u8 = 44;
    /// Authentication.
    pub const AH: u8 = 51;
    /// Nothing follows.
    pub const NO_NEXT: u8 = 59;
    /// Destination options.
    pub const DESTINATION: u8 = 60;
    /// Mobility.
    pub const MOBILITY: u8 = 135;
    /// Host identity.
    pub const HIP: u8 = 139;
    /// Site multihoming.
    pub const SHIM6: u8 = 140;
}

mod field {
    use std::ops::Range;
    pub(super) const NEXT: usize = 0;
    pub(super) const LENGTH: usize = 1;
    pub(super) const FRAGMENT_OFFSET: Range<usize> = 2..4;
    pub(super) const FRAGMENT_ID: Range<usize> = 4..8;
}

/// One extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its protocol number.
    pub number: u8,
    /// What it says follows.
    pub next: u8,
    /// Where it starts, from the octets the chain was given.
    pub offset: usize,
    /// All its octets.
    pub bytes: &'a [u8],
}

impl Extension<'_> {
    /// The datagram's fragment, of a fragment header; `None` too for an atomic one (RFC 6946).
    pub fn fragment(&self) -> Option<Fragment> {
        let word = be16(self.bytes, field::FRAGMENT_OFFSET);
        if self.number != number::FRAGMENT || word & 0xfff9 == 0 {
            return None;
        }
        Some(Fragment {
            id: be32(self.bytes, field::FRAGMENT_ID),
            offset: word & 0xfff8,
            more: word & 1 == 1,
        })
    }

    /// Payload length of a jumbogram (RFC 2675), of hop-by-hop options.
    pub fn jumbo_len(&self) -> Option<u32> {
        const JUMBO: u8 = 0xc2;
        if self.number != number::HOP_BY_HOP {
            return None;
        }
        let mut options = self.bytes.get(2..)?;
        loop {
            options = match options {
                [0, rest @ ..] => rest,
                [JUMBO, 4, a, b, c, d, ..] => return Some(u32::from_be_bytes([*a, *b, *c, *d])),
                [_, length, rest @ ..] => rest.get(usize::from(*length)..)?,
                _ => return None,
            };
        }
    }
}

/// Walks the chain; ends before the first header that is no extension, before the rest of a
/// later fragment, or where the chain is at fault.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    bytes: &'a [u8],
    offset: usize,
    next: u8,
    left: usize,
    fault: Fault,
    done: bool,
}

impl<'a> Chain<'a> {
    /// A chain whose first header has protocol number `next` and starts `bytes`.
    pub fn new(next: u8, bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, next, left: MAX_EXTENSIONS, fault: Fault::None, done: false }
    }

    /// Protocol number of what follows the headers walked so far. A mobility, HIP or shim6
    /// header that nothing follows is itself that protocol.
    pub fn protocol(&self) -> u8 {
        self.next
    }

    /// Octets walked so far.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Why the chain ended early.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    fn header_len(number: u8, units: u8) -> usize {
        match number {
            number::FRAGMENT => 8,
            number::AH => usize::from(units).saturating_add(2) << 2,
            _ => usize::from(units).saturating_add(1) << 3,
        }
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        use number::{AH, DESTINATION, FRAGMENT, HIP, HOP_BY_HOP, MOBILITY, ROUTING, SHIM6};
        let number = self.next;
        let signalling = matches!(number, MOBILITY | HIP | SHIM6);
        if self.done
            || !(signalling || matches!(number, HOP_BY_HOP | ROUTING | FRAGMENT | AH | DESTINATION))
        {
            return None;
        }
        let rest = self.bytes.get(self.offset..).unwrap_or(&[]);
        if signalling && octet(rest, field::NEXT) == number::NO_NEXT {
            return None;
        }
        if self.left == 0 {
            self.fault = Fault::TooDeep;
            self.done = true;
            return None;
        }
        let length = Self::header_len(number, octet(rest, field::LENGTH));
        let Some(bytes) = rest.get(..length).filter(|_| rest.len() >= 8) else {
            self.fault = Fault::Truncated;
            self.done = true;
            return None;
        };
        let extension =
            Extension { number, next: octet(bytes, field::NEXT), offset: self.offset, bytes };
        self.left = self.left.saturating_sub(1);
        self.offset = self.offset.saturating_add(length);
        self.next = extension.next;
        self.done = extension.fragment().is_some_and(|fragment| fragment.offset > 0);
        Some(extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_ends_at_the_transport() {
        let mut bytes = vec![43, 0, 5, 2, 0, 0, 0, 0];
        bytes.extend([60, 1]);
        bytes.extend([0; 14]);
        bytes.extend([6, 0, 1, 4, 0, 0, 0, 0]);
        let mut chain = Chain::new(0, &bytes);
        let seen: Vec<_> = chain.by_ref().map(|e| (e.number, e.offset, e.bytes.len())).collect();
        assert_eq!(seen, [(0, 0, 8), (43, 8, 16), (60, 24, 8)]);
        assert_eq!((chain.protocol(), chain.offset(), chain.fault()), (6, 32, Fault::None));
    }

    #[test]
    fn a_later_fragment_ends_the_chain() {
        let mut chain = Chain::new(44, &[60, 0, 0, 0x09, 0, 0, 0, 7, 0xff]);
        let fragment = chain.next().unwrap().fragment();
        assert_eq!(fragment, Some(Fragment { id: 7, offset: 8, more: true }));
        assert!(chain.next().is_none());
        assert_eq!((chain.protocol(), chain.fault()), (60, Fault::None));
    }

    #[test]
    fn an_atomic_fragment_is_none() {
        let mut chain = Chain::new(44, &[17, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(chain.next().unwrap().fragment(), None);
        assert_eq!(chain.protocol(), 17);
    }

    #[test]
    fn authentication_counts_in_words_of_four() {
        let mut bytes = [0; 24];
        bytes[..2].copy_from_slice(&[6, 4]);
        let mut chain = Chain::new(51, &bytes);
        assert_eq!(chain.next().unwrap().bytes.len(), 24);
        assert_eq!(chain.protocol(), 6);
    }

    #[test]
    fn signalling_headers_are_the_protocol_when_nothing_follows() {
        for number in [135, 139, 140] {
            assert_eq!(Chain::new(number, &[59, 0, 0, 0, 0, 0, 0, 0]).next(), None);
            let mut chain = Chain::new(number, &[6, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(chain.next().unwrap().next, 6);
        }
    }

    #[test]
    fn jumbo_payload_is_found_behind_padding() {
        let bytes = [6, 1, 0, 1, 1, 0, 0xc2, 4, 0, 1, 0x11, 0x70, 1, 2, 0, 0];
        let jumbo = Chain::new(0, &bytes).next().unwrap().jumbo_len();
        assert_eq!(jumbo, Some(70_000));
        let none = [6, 0, 1, 200, 0, 0, 0, 0];
        assert_eq!(Chain::new(0, &none).next().unwrap().jumbo_len(), None);
    }

    #[test]
    fn endless_and_cut_chains_stop() {
        let endless = [0; 8 * 40];
        let mut chain = Chain::new(0, &endless);
        assert_eq!(chain.by_ref().count(), MAX_EXTENSIONS);
        assert_eq!(chain.fault(), Fault::TooDeep);
        let mut cut = Chain::new(0, &[6, 1, 0, 0, 0, 0, 0, 0]);
        assert!(cut.next().is_none());
        assert_eq!(cut.fault(), Fault::Truncated);
        let mut empty = Chain::new(44, &[]);
        assert!(empty.next().is_none());
        assert_eq!(empty.fault(), Fault::Truncated);
    }
}

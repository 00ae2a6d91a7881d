//! Wireless frames, and what a radio puts before them.

use super::{LinkType, Next, Walk};
use crate::read::be16;
use crate::{Fault, id, ieee80211, ieee802154, ppi, radiotap};

impl Walk<'_, '_> {
    pub(super) fn ppi(&mut self) -> Next {
        let header = match ppi::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::PPI, header.header_len()) {
            return Next::Stop;
        }
        match LinkType::from_dlt(header.dlt()) {
            // It does not hold itself.
            LinkType::Ppi => self.fail(Fault::Malformed),
            link => self.start(link),
        }
    }

    pub(super) fn radiotap(&mut self) -> Next {
        match radiotap::Header::new_checked(self.rest()) {
            Ok(header) if self.enter(id::RADIOTAP, header.header_len()) => {
                Next::Ieee80211 { fcs: header.has_fcs(), padded: header.is_padded() }
            }
            Ok(_) => Next::Stop,
            Err(fault) => self.fail(fault),
        }
    }

    pub(super) fn ieee80211(&mut self, fcs: bool, padded: bool) -> Next {
        const AGGREGATE_LEN: usize = 14;
        let header = match ieee80211::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if fcs {
            self.drop_trailer(4);
        }
        let header_len = header.header_len();
        let length = if padded { header_len.next_multiple_of(4) } else { header_len };
        if !self.enter(id::IEEE80211, length) || !header.carries_llc() {
            return Next::Stop;
        }
        if header.is_aggregate() {
            // The first subframe: destination, source, length. The others are not followed.
            let Some(head) = self.rest().first_chunk::<AGGREGATE_LEN>() else {
                return self.fail(Fault::Truncated);
            };
            self.skip(AGGREGATE_LEN);
            self.bound(be16(head, 12..14).into());
        }
        Next::Llc
    }

    pub(super) fn ieee802154(&mut self, fcs: bool) -> Next {
        if fcs {
            self.drop_trailer(ieee802154::FCS_LEN);
        }
        match ieee802154::Header::new_checked(self.rest()) {
            Ok(_) => self.named(id::IEEE802154),
            Err(fault) => self.fail(fault),
        }
    }

    /// The frame ends with a check sequence, which the capture may have cut.
    fn drop_trailer(&mut self, octets: usize) {
        self.wire_end = self.wire_end.saturating_sub(octets).max(self.at);
        self.end = self.end.min(self.wire_end);
    }
}

//! IGMP, versions 1 to 3 (RFC 1112, RFC 2236, RFC 9776).

use std::net::Ipv4Addr;

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::{be16, octet, octets};
use crate::{Fault, id};

/// Octets every version has.
pub const HEADER_LEN: usize = 8;

/// Message types.
mod kind {
    pub(super) const QUERY: u8 = 0x11;
    pub(super) const REPORT_V1: u8 = 0x12;
    pub(super) const REPORT_V2: u8 = 0x16;
    pub(super) const LEAVE_V2: u8 = 0x17;
    pub(super) const REPORT_V3: u8 = 0x22;
}

mod field {
    use std::ops::Range;
    pub(super) const TYPE: usize = 0;
    pub(super) const MAX_RESPONSE: usize = 1;
    pub(super) const CHECKSUM: Range<usize> = 2..4;
    pub(super) const GROUP: Range<usize> = 4..8;
    pub(super) const RECORDS: Range<usize> = 6..8;
    /// Behind the fixed octets, in a version 3 query.
    pub(super) const QUERY_FLAGS: usize = 0;
    /// Behind the fixed octets, in a version 3 query.
    pub(super) const SOURCES: Range<usize> = 2..4;
}

/// An IGMP message.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// Checks the length once.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, rest) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
        Ok(Self { head, rest })
    }

    /// Type of the message.
    pub fn kind(&self) -> u8 {
        octet(self.head, field::TYPE)
    }

    /// Version of the message, where its type tells. A query is told apart by its response time
    /// (version 1 has none); see [`Header::source_count`] for version 3's, which is longer.
    pub fn version(&self) -> Option<u8> {
        match self.kind() {
            kind::QUERY if self.max_response() == 0 => Some(1),
            kind::QUERY if self.rest.len() >= field::SOURCES.end => Some(3),
            kind::QUERY | kind::REPORT_V2 | kind::LEAVE_V2 => Some(2),
            kind::REPORT_V1 => Some(1),
            kind::REPORT_V3 => Some(3),
            _ => None,
        }
    }

    /// Maximum response time or code, in tenths of a second below 128.
    pub fn max_response(&self) -> u8 {
        octet(self.head, field::MAX_RESPONSE)
    }

    /// Checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.head, field::CHECKSUM)
    }

    /// Group address; a version 3 report has its groups in records.
    pub fn group(&self) -> Option<Ipv4Addr> {
        (self.kind() != kind::REPORT_V3)
            .then(|| Ipv4Addr::from(octets::<4>(self.head, field::GROUP)))
    }

    /// Number of group records of a version 3 report.
    pub fn record_count(&self) -> Option<u16> {
        (self.kind() == kind::REPORT_V3).then(|| be16(self.head, field::RECORDS))
    }

    /// Number of sources of a version 3 query.
    pub fn source_count(&self) -> Option<u16> {
        self.is_query_v3().then(|| be16(self.rest, field::SOURCES))
    }

    /// Querier's robustness variable, of a version 3 query.
    pub fn robustness(&self) -> Option<u8> {
        self.is_query_v3().then(|| octet(self.rest, field::QUERY_FLAGS) & 7)
    }

    fn is_query_v3(&self) -> bool {
        self.kind() == kind::QUERY && self.version() == Some(3)
    }
}

fields! { Header {
    0 "type": u8 = |h| h.kind(), "Type of the message.";
    0 "version": Option<u8> = |h| h.version(), "Version, where the type tells.";
    0 "max_response": u8 = |h| h.max_response(), "Maximum response time or code.";
    0 "checksum": u16 = |h| h.checksum(), "Checksum.";
    0 "group": Option<Ipv4Addr> = |h| h.group(), "Group address.";
    0 "record_count": Option<u16> = |h| h.record_count(), "Group records of a version 3 report.";
    0 "source_count": Option<u16> = |h| h.source_count(), "Sources of a version 3 query.";
    0 "robustness": Option<u8> = |h| h.robustness(), "Robustness variable of a version 3 query.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(Header, id::IGMP, "igmp", "RFC 9776", "Group membership.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        let version = |bytes: &[u8]| Header::new_checked(bytes).unwrap().version();
        assert_eq!(version(&[0x11, 0, 0, 0, 0, 0, 0, 0]), Some(1));
        assert_eq!(version(&[0x12, 0, 0, 0, 224, 0, 0, 9]), Some(1));
        assert_eq!(version(&[0x11, 100, 0, 0, 0, 0, 0, 0]), Some(2));
        assert_eq!(version(&[0x17, 0, 0, 0, 224, 0, 0, 9]), Some(2));
        assert_eq!(version(&[0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0]), Some(3));
        assert_eq!(version(&[0x22, 0, 0, 0, 0, 0, 0, 1]), Some(3));
        assert_eq!(version(&[0x30, 0, 0, 0, 0, 0, 0, 1]), None);
    }

    #[test]
    fn version_3_has_counts_instead_of_a_group() {
        let h = Header::new_checked(&[0x22, 0, 0xab, 0xcd, 0, 0, 0, 3]).unwrap();
        assert_eq!((h.group(), h.record_count(), h.checksum()), (None, Some(3), 0xabcd));
        let h = Header::new_checked(&[0x11, 100, 0, 0, 224, 0, 0, 9, 2, 125, 0, 4]).unwrap();
        assert_eq!((h.source_count(), h.robustness()), (Some(4), Some(2)));
        assert_eq!(h.group(), Some(Ipv4Addr::new(224, 0, 0, 9)));
        assert_eq!(Header::new_checked(&[0x11; 7]).err(), Some(Fault::Truncated));
    }
}

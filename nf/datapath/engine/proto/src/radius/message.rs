//! Octets to RADIUS packets (RFC 2865 §3 and §5, RFC 2866, RFC 5176): pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Cursor;

/// Octets of the header.
pub(super) const HEADER: usize = 20;
/// Most octets of a packet.
pub(super) const MAX_PACKET: usize = 4096;
/// The attribute that holds those of vendors.
const VENDOR: u8 = 26;
/// 3GPP's number among vendors.
const OF_3GPP: u32 = 10_415;

/// Codes of packets.
pub(super) mod code {
    pub(crate) const ACCESS_REQUEST: u8 = 1;
    pub(crate) const ACCESS_REJECT: u8 = 3;
    pub(crate) const ACCOUNTING_REQUEST: u8 = 4;
}

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) code: u8,
    pub(super) id: u8,
    pub(super) length: u16,
    pub(super) authenticator: &'a [u8],
    octets: &'a [u8],
}

/// What the octets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front<'a> {
    Packet(Packet<'a>),
    /// A packet of so many octets is not whole.
    Partial(usize),
    Malformed,
}

/// The packet at the front.
pub(super) fn packet(data: &[u8]) -> Front<'_> {
    let mut cursor = Cursor::new(data);
    let (Some(code), Some(id), Some(length)) = (cursor.u8(), cursor.u8(), cursor.u16()) else {
        return Front::Partial(HEADER);
    };
    let size = usize::from(length);
    if word(code).is_none() || !(HEADER..=MAX_PACKET).contains(&size) {
        return Front::Malformed;
    }
    let Some(authenticator) = cursor.take(16) else { return Front::Partial(size) };
    let Some(octets) = cursor.take(size.saturating_sub(HEADER)) else {
        return Front::Partial(size);
    };
    Front::Packet(Packet { code, id, length, authenticator, octets })
}

impl<'a> Packet<'a> {
    /// Types and values of its attributes, up to one that is malformed.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        walk(self.octets)
    }

    /// Whether its attributes fill it exactly.
    pub(super) fn is_whole(&self) -> bool {
        let taken: usize = self.attributes().map(|(_, value)| value.len().saturating_add(2)).sum();
        taken == self.octets.len()
    }

    /// The first attribute of a type.
    pub(super) fn find(&self, kind: u8) -> Option<&'a [u8]> {
        self.attributes().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// 3GPP's attributes.
    pub(super) fn of_3gpp(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        self.attributes()
            .filter(|(kind, _)| *kind == VENDOR)
            .filter_map(|(_, value)| {
                let mut cursor = Cursor::new(value);
                (cursor.u32()? == OF_3GPP).then_some(cursor.rest())
            })
            .flat_map(walk)
    }

    /// Whether attributes of a vendor are there: Microsoft's, for its logins.
    pub(super) fn has_vendor(&self, vendor: u32, kinds: &[u8]) -> bool {
        self.attributes().filter(|(kind, _)| *kind == VENDOR).any(|(_, value)| {
            let mut cursor = Cursor::new(value);
            cursor.u32() == Some(vendor) && cursor.u8().is_some_and(|kind| kinds.contains(&kind))
        })
    }

    /// Whether it asks.
    pub(super) fn is_request(&self) -> bool {
        matches!(self.code, 1 | 4 | 12 | 13 | 40 | 43)
    }
}

fn walk(octets: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut cursor = Cursor::new(octets);
    std::iter::from_fn(move || {
        let kind = cursor.u8()?;
        let length = cursor.u8()?;
        Some((kind, cursor.take(usize::from(length.checked_sub(2)?))?))
    })
}

/// The word of a code.
pub(super) fn word(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "access_request",
        2 => "access_accept",
        3 => "access_reject",
        4 => "accounting_request",
        5 => "accounting_response",
        11 => "access_challenge",
        12 => "status_server",
        13 => "status_client",
        40 => "disconnect_request",
        41 => "disconnect_ack",
        42 => "disconnect_nak",
        43 => "coa_request",
        44 => "coa_ack",
        45 => "coa_nak",
        _ => return None,
    })
}

/// Whether a response of `code` answers a request of `to`.
pub(super) fn answers(code: u8, to: u8) -> bool {
    match to {
        1 => matches!(code, 2 | 3 | 11),
        4 => code == 5,
        12 => matches!(code, 2 | 5),
        13 => code == 2,
        40 => matches!(code, 41 | 42),
        43 => matches!(code, 44 | 45),
        _ => false,
    }
}

/// Whether the value of an attribute of `kind` may have that length: numbers and addresses have
/// four octets, their kin of IPv6 sixteen.
pub(super) fn fits(kind: u8, length: usize) -> bool {
    match kind {
        4..=10 | 12..=16 | 23 | 27..=29 | 37 | 38 | 40..=43 | 45..=49 | 51..=53 | 55 | 61 | 62 => {
            length == 4
        }
        80 => length == 16,
        95 => length == 16,
        96 => length == 8,
        3 => length == 17,
        2 => length >= 16 && length.is_multiple_of(16),
        _ => true,
    }
}

/// A number of four octets.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(value.try_into().ok()?))
}

/// An address of four or sixteen octets, the first of several.
pub(super) fn address(value: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(value) {
        return Some(IpAddr::V4(Ipv4Addr::from(octets)));
    }
    let (octets, _) = value.split_first_chunk::<16>()?;
    Some(IpAddr::V6(Ipv6Addr::from(*octets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_fill_a_packet() {
        let mut octets = vec![1, 7, 0, 29];
        octets.extend_from_slice(&[9; 16]);
        octets.extend_from_slice(&[1, 5, b'a', b'd', b'a', 60, 2, 61, 2]);
        let Front::Packet(found) = packet(&octets) else { panic!("no packet") };

        assert_eq!((found.code, found.id, found.length), (1, 7, 29));
        assert_eq!(found.find(1), Some(&b"ada"[..]));
        assert!(found.is_whole());
        assert_eq!(packet(&octets[..28]), Front::Partial(29));
        octets[3] = 28;
        let Front::Packet(found) = packet(&octets) else { panic!("no packet") };
        assert!(!found.is_whole());
        octets[0] = 99;
        assert_eq!(packet(&octets), Front::Malformed);
    }

    #[test]
    fn attributes_of_3gpp_are_inside_those_of_vendors() {
        let mut octets = vec![4, 7, 0, 31];
        octets.extend_from_slice(&[9; 16]);
        octets.extend_from_slice(&[26, 11, 0, 0, 0x28, 0xaf, 1, 5, b'0', b'0', b'1']);
        let Front::Packet(found) = packet(&octets) else { panic!("no packet") };

        assert_eq!(found.of_3gpp().collect::<Vec<_>>(), [(1, &b"001"[..])]);
    }
}

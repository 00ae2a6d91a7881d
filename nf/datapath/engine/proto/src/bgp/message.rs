//! Octets → messages of BGP: framing, OPEN, NOTIFICATION. Pure, bounded.

use std::net::Ipv4Addr;

use super::{MAX_FAMILIES, MAX_LISTED};
use crate::Cursor;

/// Octets of the header, whose first sixteen are all ones.
pub const HEADER: usize = 19;
pub const MARKER: [u8; 16] = [0xff; 16];

pub const OPEN: u8 = 1;
pub const UPDATE: u8 = 2;
pub const NOTIFICATION: u8 = 3;
pub const KEEPALIVE: u8 = 4;
pub const REFRESH: u8 = 5;

/// Kind and octets of the message at the front; `Ok(None)`: more must come; `Err`: none begins.
pub fn header(data: &[u8]) -> Result<Option<(u8, usize)>, ()> {
    let marked = data.get(..16).unwrap_or(data);
    if marked.iter().any(|&b| b != 0xff) {
        return Err(());
    }
    let mut c = Cursor::new(data.get(16..).unwrap_or_default());
    let (Some(length), Some(kind)) = (c.u16(), c.u8()) else {
        return Ok(None);
    };
    let length = usize::from(length);
    let least = match kind {
        OPEN => 29,
        UPDATE => 23,
        NOTIFICATION => 21,
        KEEPALIVE => HEADER,
        REFRESH => 23,
        _ => return Err(()),
    };
    let fits = length >= least && (kind != KEEPALIVE || length == HEADER);
    if fits { Ok(Some((kind, length))) } else { Err(()) }
}

/// Where the next marker begins: the last sixteen of however many ones.
pub fn marker(data: &[u8]) -> Option<usize> {
    let first = memchr::memmem::find(data, &MARKER)?;
    let behind = data.get(first.saturating_add(MARKER.len())..).unwrap_or_default();
    // No length begins with ones.
    let more = behind.iter().take_while(|&&b| b == 0xff).count();
    Some(first.saturating_add(more))
}

/// An address family with its sub-family, and whether paths are told apart (RFC 7911).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathMode {
    pub family: (u16, u8),
    pub receives: bool,
    pub sends: bool,
}

/// What a side says of itself.
#[derive(Debug)]
pub struct Open {
    pub version: u8,
    pub asn: u32,
    pub hold_time: u16,
    pub id: Ipv4Addr,
    pub capabilities: Vec<&'static str>,
    pub families: Vec<(u16, u8)>,
    pub modes: Vec<PathMode>,
    pub four_octets: bool,
    /// Some parameter is malformed.
    pub flawed: bool,
}

/// Takes an OPEN apart, behind the header (RFC 4271 §4.2, RFC 5492, RFC 9072).
pub fn open(body: &[u8]) -> Option<Open> {
    let mut c = Cursor::new(body);
    let mut open = Open {
        version: c.u8()?,
        asn: c.u16()?.into(),
        hold_time: c.u16()?,
        id: Ipv4Addr::from(c.array::<4>()?),
        capabilities: Vec::new(),
        families: Vec::new(),
        modes: Vec::new(),
        four_octets: false,
        flawed: false,
    };
    let short = c.u8()?;
    let long = c.rest().first() == Some(&255) && short == 255;
    let parameters = if long {
        c.skip(1)?;
        c.prefixed_u16()
    } else {
        c.take(short.into())
    };
    let Some(parameters) = parameters else {
        open.flawed = true;
        return Some(open);
    };
    open.flawed = !c.is_empty() || parameter_list(parameters, long, &mut open).is_none();
    Some(open)
}

fn parameter_list(octets: &[u8], long: bool, open: &mut Open) -> Option<()> {
    let mut c = Cursor::new(octets);
    while !c.is_empty() {
        let kind = c.u8()?;
        let value = if long { c.prefixed_u16()? } else { c.prefixed_u8()? };
        if kind == 2 {
            let mut inner = Cursor::new(value);
            while !inner.is_empty() {
                let code = inner.u8()?;
                capability(code, inner.prefixed_u8()?, open);
            }
        }
    }
    Some(())
}

fn capability(code: u8, value: &[u8], open: &mut Open) {
    let word = match code {
        1 => "multiprotocol",
        2 => "route_refresh",
        3 => "outbound_route_filtering",
        5 => "extended_next_hop",
        6 => "extended_message",
        9 => "role",
        64 => "graceful_restart",
        65 => "four_octet_as",
        67 => "dynamic_capability",
        69 => "add_path",
        70 => "enhanced_route_refresh",
        71 => "long_lived_graceful_restart",
        73 => "fqdn",
        75 => "software_version",
        128 => "route_refresh_cisco",
        _ => "other",
    };
    if open.capabilities.len() < MAX_LISTED && !open.capabilities.contains(&word) {
        open.capabilities.push(word);
    }
    let mut c = Cursor::new(value);
    match code {
        1 => {
            if let (Some(afi), Some(_), Some(safi)) = (c.u16(), c.u8(), c.u8())
                && open.families.len() < MAX_FAMILIES
            {
                open.families.push((afi, safi));
            }
        }
        65 => {
            if let Some(asn) = c.u32() {
                open.four_octets = true;
                open.asn = asn;
            }
        }
        69 => {
            while let (Some(afi), Some(safi), Some(mode)) = (c.u16(), c.u8(), c.u8()) {
                if open.modes.len() >= MAX_FAMILIES {
                    break;
                }
                let (receives, sends) = (mode & 1 != 0, mode & 2 != 0);
                open.modes.push(PathMode { family: (afi, safi), receives, sends });
            }
        }
        _ => {}
    }
}

/// The word for an address family.
pub fn family((afi, safi): (u16, u8)) -> &'static str {
    match (afi, safi) {
        (1, 1) => "ipv4_unicast",
        (1, 2) => "ipv4_multicast",
        (1, 4) => "ipv4_labeled",
        (1, 128) => "vpnv4",
        (1, 133) => "ipv4_flow",
        (2, 1) => "ipv6_unicast",
        (2, 2) => "ipv6_multicast",
        (2, 4) => "ipv6_labeled",
        (2, 128) => "vpnv6",
        (2, 133) => "ipv6_flow",
        (25, 65) => "vpls",
        (25, 70) => "evpn",
        (16388, 71) => "link_state",
        _ => "other",
    }
}

/// The word for why a side gives up (RFC 4271 §4.5, RFC 4486).
pub fn error(code: u8, subcode: u8) -> &'static str {
    match (code, subcode) {
        (1, _) => "header_error",
        (2, 1) => "unsupported_version",
        (2, 2) => "bad_peer_as",
        (2, 3) => "bad_identifier",
        (2, 6) => "unacceptable_hold_time",
        (2, 7) => "unsupported_capability",
        (2, _) => "open_error",
        (3, _) => "update_error",
        (4, _) => "hold_timer_expired",
        (5, _) => "state_machine_error",
        (6, 1) => "maximum_prefixes",
        (6, 2) => "administrative_shutdown",
        (6, 3) => "peer_deconfigured",
        (6, 4) => "administrative_reset",
        (6, 5) => "connection_rejected",
        (6, 6) => "configuration_change",
        (6, 7) => "collision",
        (6, 8) => "out_of_resources",
        (6, 9) => "hard_reset",
        (6, _) => "cease",
        (7, _) => "refresh_error",
        _ => "unknown",
    }
}

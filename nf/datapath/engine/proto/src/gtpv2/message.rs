//! Octets → GTP control messages of version 2: header and information elements. Pure, bounded.

use std::net::IpAddr;

use crate::Cursor;

/// Most elements of a message that are looked at, those within others included.
const MAX_ELEMENTS: u16 = 256;
/// Most bearers of a message that are kept.
const MAX_BEARERS: usize = 11;

/// The header (TS 29.274 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub flags: u8,
    pub kind: u8,
    pub length: u16,
    pub teid: Option<u32>,
    pub sequence: u32,
}

impl Header {
    /// Another message follows this one in the same datagram.
    pub fn piggybacks(&self) -> bool {
        self.flags & 0x10 != 0
    }

    /// Octets of the whole message.
    pub fn whole(&self) -> usize {
        usize::from(self.length).saturating_add(4)
    }
}

/// The header at the front and where its elements begin; `None` when it is none.
pub fn header(data: &[u8]) -> Option<(Header, usize)> {
    let mut c = Cursor::new(data);
    let (flags, kind, length) = (c.u8()?, c.u8()?, c.u16()?);
    // The last two bits are spare.
    if flags >> 5 != 2 || flags & 0x03 != 0 || kind == 0 {
        return None;
    }
    let teid = if flags & 0x08 != 0 { Some(c.u32()?) } else { None };
    let header = Header { flags, kind, length, teid, sequence: c.u24()? };
    c.skip(1)?;
    // Only echoes and what is not understood are sent outside of tunnels.
    let fits = header.whole() >= c.position() && (teid.is_some() || kind <= 3);
    fits.then_some((header, c.position()))
}

/// An end of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    pub interface: u8,
    pub teid: u32,
    pub address: Option<IpAddr>,
}

/// Elements that are reported.
#[derive(Debug, Default)]
pub struct Elements<'a> {
    pub imsi: Option<&'a [u8]>,
    pub msisdn: Option<&'a [u8]>,
    pub mei: Option<&'a [u8]>,
    pub apn: Option<&'a [u8]>,
    pub cause: Option<u8>,
    pub rat: Option<u8>,
    pub network: Option<[u8; 3]>,
    pub pdn_type: Option<u8>,
    pub address: Option<IpAddr>,
    /// The sender's end for control.
    pub control: Option<Tunnel>,
    pub bearers: Vec<u8>,
    pub count: u16,
    /// Some element does not fit; those before it are read.
    pub flawed: bool,
}

/// Reads the elements of a message.
pub fn elements(octets: &[u8]) -> Elements<'_> {
    let mut found = Elements::default();
    found.flawed = list(octets, false, &mut found).is_none();
    found
}

fn list<'a>(octets: &'a [u8], within: bool, found: &mut Elements<'a>) -> Option<()> {
    let mut c = Cursor::new(octets);
    while !c.is_empty() && found.count < MAX_ELEMENTS {
        let kind = c.u8()?;
        let length = c.u16()?;
        let instance = c.u8()? & 15;
        let value = c.take(length.into())?;
        found.count = found.count.saturating_add(1);
        element(kind, instance, value, within, found)?;
    }
    Some(())
}

fn element<'a>(
    kind: u8,
    instance: u8,
    value: &'a [u8],
    within: bool,
    found: &mut Elements<'a>,
) -> Option<()> {
    let mut c = Cursor::new(value);
    match kind {
        1 => found.imsi = Some(value),
        2 if !within => found.cause = Some(c.u8()?),
        71 => found.apn = Some(value),
        73 if within => {
            let bearer = c.u8()? & 15;
            if found.bearers.len() < MAX_BEARERS {
                found.bearers.push(bearer);
            }
        }
        75 => found.mei = Some(value),
        76 => found.msisdn = Some(value),
        79 => {
            let kind = c.u8()? & 7;
            found.pdn_type.get_or_insert(kind);
            let six = if matches!(kind, 2 | 3) {
                c.skip(1)?;
                Some(c.ipv6()?)
            } else {
                None
            };
            let four = if matches!(kind, 1 | 3) { Some(c.ipv4()?) } else { None };
            // A request has zeros there.
            found.address = four.or(six).filter(|a| !a.is_unspecified());
        }
        82 => found.rat = Some(c.u8()?),
        83 => found.network = Some(c.array()?),
        87 => {
            let flags = c.u8()?;
            let mut tunnel = Tunnel { interface: flags & 0x3f, teid: c.u32()?, address: None };
            if flags & 0x80 != 0 {
                tunnel.address = Some(c.ipv4()?);
            }
            if flags & 0x40 != 0 {
                let six = c.ipv6()?;
                tunnel.address.get_or_insert(six);
            }
            if !within && instance == 0 {
                found.control = Some(tunnel);
            }
        }
        93 if !within => list(value, true, found)?,
        99 => found.pdn_type = Some(c.u8()? & 7),
        _ => {}
    }
    Some(())
}

/// Digits that are packed two to an octet, lower half first (TS 29.002 TBCD).
pub fn digits(octets: &[u8]) -> String {
    let halves = octets.iter().flat_map(|&b| [b & 15, b >> 4]);
    halves.take_while(|&d| d < 10).map(|d| char::from(b'0'.saturating_add(d))).collect()
}

/// Country and network, as they are written: `001-01`.
pub fn network([a, b, c]: [u8; 3]) -> String {
    let country = digits(&[a, b & 15 | 0xf0]);
    let mut code = digits(&[c]);
    code.push_str(&digits(&[b >> 4 | 0xf0]));
    format!("{country}-{code}")
}

/// An access point as a name with dots; `None` when its labels do not fit.
pub fn name(octets: &[u8]) -> Option<Vec<u8>> {
    let mut c = Cursor::new(octets);
    let mut name = Vec::new();
    while !c.is_empty() {
        let label = c.prefixed_u8()?;
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(label);
    }
    Some(name)
}

/// Whether a message answers one of another kind; that one's kind.
pub fn answers(kind: u8) -> Option<u8> {
    match kind {
        // The answer has the number behind the request's.
        2 | 33 | 35 | 37 | 39 | 41 | 65 | 67 | 69 | 96 | 98 | 100 | 102 | 104 | 129 | 131 | 134
        | 136 | 150 | 161 | 163 | 165 | 167 | 169 | 171 | 177 | 180 | 201 | 212 | 232 | 234
        | 236 => Some(kind.wrapping_sub(1)),
        _ => None,
    }
}

/// The word for a kind of message.
pub fn kind(number: u8) -> &'static str {
    match number {
        1 | 2 => "echo",
        3 => "version_not_supported",
        32 | 33 => "create_session",
        34 | 35 => "modify_bearer",
        36 | 37 => "delete_session",
        38 | 39 => "change_notification",
        40 | 41 => "remote_ue_report",
        64 | 65 => "modify_bearer_command",
        66 | 67 => "delete_bearer_command",
        68 | 69 => "bearer_resource_command",
        70 => "downlink_data_failure",
        71 => "trace_session_activation",
        72 => "trace_session_deactivation",
        73 => "stop_paging",
        95 | 96 => "create_bearer",
        97 | 98 => "update_bearer",
        99 | 100 => "delete_bearer",
        101 | 102 => "delete_pdn_connection_set",
        103 | 104 => "pgw_downlink_triggering",
        128 | 129 => "identification",
        130 | 131 => "context",
        132 => "context_acknowledge",
        133 | 134 => "forward_relocation",
        135 | 136 => "forward_relocation_complete",
        149 | 150 => "detach",
        160 | 161 => "create_forwarding_tunnel",
        162 | 163 => "suspend",
        164 | 165 => "resume",
        166 | 167 => "create_indirect_tunnel",
        168 | 169 => "delete_indirect_tunnel",
        170 | 171 => "release_access_bearers",
        176 | 177 => "downlink_data",
        179 | 180 => "pgw_restart",
        200 | 201 => "update_pdn_connection_set",
        211 | 212 => "modify_access_bearers",
        231 | 232 => "mbms_session_start",
        233 | 234 => "mbms_session_update",
        235 | 236 => "mbms_session_stop",
        _ => "other",
    }
}

/// The word for a cause (TS 29.274 §8.4).
pub fn cause(number: u8) -> &'static str {
    match number {
        16 => "accepted",
        17 => "accepted_partially",
        18 => "new_pdn_type_by_network",
        19 => "new_pdn_type_single_address",
        64 => "context_not_found",
        65 => "invalid_message_format",
        66 => "version_not_supported_by_peer",
        67 => "invalid_length",
        68 => "service_not_supported",
        69 => "mandatory_element_incorrect",
        70 => "mandatory_element_missing",
        72 => "system_failure",
        73 => "no_resources",
        78 => "missing_or_unknown_apn",
        83 => "preferred_pdn_type_not_supported",
        84 => "all_addresses_occupied",
        87 => "ue_not_responding",
        88 => "ue_refuses",
        89 => "service_denied",
        91 => "no_memory",
        92 => "user_authentication_failed",
        93 => "apn_access_denied",
        94 => "request_rejected",
        96 => "imsi_not_known",
        103 => "conditional_element_missing",
        113 => "apn_congestion",
        0..=15 => "request_cause",
        _ => "other",
    }
}

/// The word for a radio access (TS 29.274 §8.17).
pub fn access(number: u8) -> &'static str {
    match number {
        1 => "utran",
        2 => "geran",
        3 => "wlan",
        4 => "gan",
        5 => "hspa",
        6 => "eutran",
        7 => "virtual",
        8 => "nb_iot",
        9 => "lte_m",
        10 => "nr",
        _ => "other",
    }
}

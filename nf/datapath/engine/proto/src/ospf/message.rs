//! Octets → packets of OSPF. Pure, bounded.

use std::net::Ipv4Addr;

use super::lsa::body;
use super::{MAX_LISTED, OspfLsa, OspfTransaction};
use crate::Cursor;

/// Octets of the header of a link state.
const LSA_HEADER: usize = 20;
const HEADER_V2: usize = 24;
const HEADER_V3: usize = 16;

/// Fills `record` in as far as the octets go; `None` where they do not fit.
pub fn parse(data: &[u8], record: &mut OspfTransaction) -> Option<()> {
    let mut c = Cursor::new(data);
    let (version, kind, length) = (c.u8()?, c.u8()?, usize::from(c.u16()?));
    let (router, area) = (address(&mut c)?, address(&mut c)?);
    c.skip(2)?;
    let (header, v3) = match version {
        2 => (HEADER_V2, false),
        3 => (HEADER_V3, true),
        _ => return None,
    };
    let [high, low] = c.array()?;
    let word = match kind {
        1 => "hello",
        2 => "database_description",
        3 => "link_state_request",
        4 => "link_state_update",
        5 => "link_state_ack",
        _ => return None,
    };
    record.version = version;
    record.kind = word;
    record.router_id = Some(router);
    record.area_id = Some(area);
    if v3 {
        record.instance_id = Some(high);
    } else {
        record.auth_type = Some(match u16::from_be_bytes([high, low]) {
            0 => "null",
            1 => "password",
            2 => "cryptographic",
            _ => "unknown",
        });
    }
    // A digest or a block for the link may follow (RFC 2328 §D.4.3, RFC 5613).
    let whole = data.get(header..length);
    let mut body = Cursor::new(whole.or_else(|| data.get(header..))?);
    let sound = match kind {
        1 => hello(&mut body, v3, record),
        2 => description(&mut body, v3, record),
        3 => list(&mut body, record, |c| request(c, v3)),
        4 => update(&mut body, v3, record),
        _ => list(&mut body, record, |c| Some(lsa(c, v3)?.0)),
    };
    whole.and(sound)
}

pub(super) fn address(c: &mut Cursor<'_>) -> Option<Ipv4Addr> {
    c.array::<4>().map(Ipv4Addr::from)
}

/// RFC 2328 §A.3.2, RFC 5340 §A.3.2.
fn hello(c: &mut Cursor<'_>, v3: bool, record: &mut OspfTransaction) -> Option<()> {
    if v3 {
        record.interface_id = Some(c.u32()?);
        record.priority = Some(c.u8()?);
        record.options = Some(c.u24()?);
        record.hello_interval_s = Some(c.u16()?);
        record.dead_interval_s = Some(c.u16()?.into());
    } else {
        record.network_mask = Some(address(c)?);
        record.hello_interval_s = Some(c.u16()?);
        record.options = Some(c.u8()?.into());
        record.priority = Some(c.u8()?);
        record.dead_interval_s = Some(c.u32()?);
    }
    record.dr = Some(address(c)?);
    record.bdr = Some(address(c)?);
    let mut count = 0_u32;
    let mut first = Vec::new();
    while !c.is_empty() {
        let neighbor = address(c)?;
        count = count.saturating_add(1);
        if first.len() < MAX_LISTED {
            first.push(neighbor);
        }
    }
    record.neighbor_count = Some(count);
    record.neighbors = Some(first);
    Some(())
}

/// RFC 2328 §A.3.3, RFC 5340 §A.3.3.
fn description(c: &mut Cursor<'_>, v3: bool, record: &mut OspfTransaction) -> Option<()> {
    if v3 {
        c.skip(1)?;
        record.options = Some(c.u24()?);
        record.mtu = Some(c.u16()?);
        c.skip(1)?;
    } else {
        record.mtu = Some(c.u16()?);
        record.options = Some(c.u8()?.into());
    }
    let flags = c.u8()?;
    let words = [(4, "init"), (2, "more"), (1, "master")];
    let set = words.iter().filter(|(bit, _)| flags & bit != 0).map(|&(_, word)| word);
    record.dd_flags = Some(set.collect());
    record.dd_sequence = Some(c.u32()?);
    list(c, record, |c| Some(lsa(c, v3)?.0))
}

/// RFC 2328 §A.3.5.
fn update(c: &mut Cursor<'_>, v3: bool, record: &mut OspfTransaction) -> Option<()> {
    let said = c.u32()?;
    let mut sound = true;
    list(c, record, |c| {
        let (mut lsa, length) = lsa(c, v3)?;
        let told = c.take(length.checked_sub(LSA_HEADER)?)?;
        sound &= body(told, v3, &mut lsa).is_some();
        Some(lsa)
    })?;
    (sound && record.lsa_count == Some(said)).then_some(())
}

/// Link states to the end.
fn list(
    c: &mut Cursor<'_>,
    record: &mut OspfTransaction,
    mut read: impl FnMut(&mut Cursor<'_>) -> Option<OspfLsa>,
) -> Option<()> {
    let mut count = 0_u32;
    let mut first = Vec::new();
    let mut sound = Some(());
    while !c.is_empty() {
        let Some(item) = read(c) else {
            sound = None;
            break;
        };
        count = count.saturating_add(1);
        if first.len() < MAX_LISTED {
            first.push(item);
        }
    }
    record.lsa_count = Some(count);
    record.lsas = Some(first);
    sound
}

/// RFC 2328 §A.3.4, RFC 5340 §A.3.4.
fn request(c: &mut Cursor<'_>, v3: bool) -> Option<OspfLsa> {
    let number = c.u32()?;
    Some(OspfLsa {
        kind: lsa_type(u16::try_from(number).unwrap_or(0), v3),
        id: Some(address(c)?),
        advertising_router: Some(address(c)?),
        ..OspfLsa::default()
    })
}

/// The header of a link state, and how long it is with what it tells (RFC 2328 §A.4.1, RFC 5340
/// §A.4.2).
fn lsa(c: &mut Cursor<'_>, v3: bool) -> Option<(OspfLsa, usize)> {
    let mut c_header = Cursor::new(c.take(LSA_HEADER)?);
    let h = &mut c_header;
    let age = h.u16()?;
    let number = if v3 {
        h.u16()?
    } else {
        h.skip(1)?;
        h.u8()?.into()
    };
    let (id, router, sequence) = (address(h)?, address(h)?, h.u32()?);
    h.skip(2)?;
    let length = h.u16()?;
    let lsa = OspfLsa {
        kind: lsa_type(number, v3),
        id: Some(id),
        advertising_router: Some(router),
        sequence: Some(sequence),
        age_s: Some(age & 0x7fff),
        length: Some(length),
        ..OspfLsa::default()
    };
    Some((lsa, length.into()))
}

/// RFC 2328 §A.4.1, RFC 3101, RFC 5250; RFC 5340 §A.4.2.1, where the top bits tell how far it
/// goes.
fn lsa_type(number: u16, v3: bool) -> &'static str {
    if v3 {
        return match number & 0x1fff {
            1 => "router",
            2 => "network",
            3 => "inter_area_prefix",
            4 => "inter_area_router",
            5 => "external",
            7 => "nssa",
            8 => "link",
            9 => "intra_area_prefix",
            _ => "unknown",
        };
    }
    match number {
        1 => "router",
        2 => "network",
        3 => "summary",
        4 => "asbr_summary",
        5 => "external",
        7 => "nssa",
        9 => "opaque_link",
        10 => "opaque_area",
        11 => "opaque_as",
        _ => "unknown",
    }
}

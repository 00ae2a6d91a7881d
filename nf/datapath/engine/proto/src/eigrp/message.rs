//! Octets → packets of EIGRP. Pure, bounded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nf_fields::Text;

use super::{EigrpMessage, EigrpRoute, MAX_LISTED};
use crate::Cursor;

/// Types of parts (RFC 7868 §6.6 to §6.8).
mod part {
    pub(super) const PARAMETERS: u16 = 0x0001;
    pub(super) const AUTHENTICATION: u16 = 0x0002;
    pub(super) const SOFTWARE: u16 = 0x0004;
    pub(super) const INTERNAL_IPV4: u16 = 0x0102;
    pub(super) const EXTERNAL_IPV4: u16 = 0x0103;
    pub(super) const INTERNAL_IPV6: u16 = 0x0402;
    pub(super) const EXTERNAL_IPV6: u16 = 0x0403;
}

/// Fills `record` in as far as the octets go; `None` where they do not fit.
pub fn parse(data: &[u8], record: &mut EigrpMessage) -> Option<()> {
    let mut c = Cursor::new(data);
    let (version, opcode) = (c.u8()?, c.u8()?);
    c.skip(2)?;
    let flags = c.u32()?;
    let (sequence, ack, router, asn) = (c.u32()?, c.u32()?, c.u16()?, c.u16()?);
    if version != 2 {
        return None;
    }
    let bare = c.is_empty();
    record.version = version;
    record.opcode = match opcode {
        1 => "update",
        2 => "request",
        3 => "query",
        4 => "reply",
        // A hello that says nothing acknowledges (§6.3.3).
        5 if bare && ack != 0 => "ack",
        5 => "hello",
        10 => "siaquery",
        11 => "siareply",
        _ => "unknown",
    };
    let words = [(1, "init"), (2, "conditional_receive"), (4, "restart"), (8, "end_of_table")];
    record.flags = words.iter().filter(|(bit, _)| flags & bit != 0).map(|&(_, w)| w).collect();
    (record.sequence, record.ack) = (sequence, ack);
    (record.virtual_router_id, record.asn) = (router, asn);
    while !c.is_empty() {
        let (kind, length) = (c.u16()?, c.u16()?);
        let value = c.take(usize::from(length).checked_sub(4)?)?;
        one_part(kind, value, record)?;
    }
    Some(())
}

fn one_part(kind: u16, value: &[u8], record: &mut EigrpMessage) -> Option<()> {
    let mut c = Cursor::new(value);
    match kind {
        part::PARAMETERS => {
            let weights = c.array::<6>()?.map(|k| k.to_string());
            record.k_values = Some(weights.join(" ").into());
            record.hold_time_s = Some(c.u16()?);
        }
        part::AUTHENTICATION => {
            record.auth_type = match c.u16()? {
                2 => Some("md5"),
                3 => Some("sha256"),
                _ => None,
            };
        }
        part::SOFTWARE => {
            let [a, b, x, y] = c.array()?;
            record.software_version = Some(Text::from(format!("{a}.{b} {x}.{y}")));
        }
        part::INTERNAL_IPV4 => routes(&mut c, false, false, record)?,
        part::EXTERNAL_IPV4 => routes(&mut c, false, true, record)?,
        part::INTERNAL_IPV6 => routes(&mut c, true, false, record)?,
        part::EXTERNAL_IPV6 => routes(&mut c, true, true, record)?,
        // Routes with wide metrics, and what is not known.
        _ => {}
    }
    Some(())
}

/// A next hop, where the route is from if it is external, a metric, and destinations (§6.7).
fn routes(c: &mut Cursor<'_>, ipv6: bool, external: bool, record: &mut EigrpMessage) -> Option<()> {
    let next_hop = if ipv6 {
        IpAddr::V6(Ipv6Addr::from(c.array::<16>()?))
    } else {
        IpAddr::V4(Ipv4Addr::from(c.array::<4>()?))
    };
    if external {
        c.skip(20)?;
    }
    let (delay, bandwidth, mtu) = (c.u32()?, c.u32()?, c.u24()?);
    let [hop_count, reliability, load, _, _] = c.array()?;
    while !c.is_empty() {
        let prefix = destination(c, ipv6)?;
        record.route_count = record.route_count.saturating_add(1);
        if record.routes.len() < MAX_LISTED {
            record.routes.push(EigrpRoute {
                prefix: prefix.into(),
                next_hop: (!next_hop.is_unspecified()).then_some(next_hop),
                external,
                delay,
                bandwidth,
                mtu,
                hop_count,
                reliability,
                load,
            });
        }
    }
    Some(())
}

/// The length of a prefix, then as many octets as it has.
fn destination(c: &mut Cursor<'_>, ipv6: bool) -> Option<String> {
    let length = c.u8()?;
    let most: u8 = if ipv6 { 128 } else { 32 };
    if length > most {
        return None;
    }
    let octets = c.take(usize::from(length.div_ceil(8)))?;
    let mut whole = [0; 16];
    whole.iter_mut().zip(octets).for_each(|(slot, &octet)| *slot = octet);
    let address = if ipv6 {
        IpAddr::V6(Ipv6Addr::from(whole))
    } else {
        IpAddr::V4(Ipv4Addr::from(*whole.first_chunk::<4>()?))
    };
    Some(format!("{address}/{length}"))
}

//! Octets → packets of EIGRP. Pure, bounded.

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::Text;

use super::{EigrpMessage, EigrpRoute, MAX_LISTED};
use crate::Cursor;
use crate::addresses::widened;

/// Types of parts (RFC 7868 §6.6 to §6.8).
mod part {
    pub(super) const PARAMETERS: u16 = 0x0001;
    pub(super) const AUTHENTICATION: u16 = 0x0002;
    pub(super) const SOFTWARE: u16 = 0x0004;
    pub(super) const INTERNAL_IPV4: u16 = 0x0102;
    pub(super) const EXTERNAL_IPV4: u16 = 0x0103;
    pub(super) const INTERNAL_IPV6: u16 = 0x0402;
    pub(super) const EXTERNAL_IPV6: u16 = 0x0403;
    pub(super) const INTERNAL_WIDE: u16 = 0x0602;
    pub(super) const EXTERNAL_WIDE: u16 = 0x0603;
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
        part::INTERNAL_WIDE => wide_routes(&mut c, false, record)?,
        part::EXTERNAL_WIDE => wide_routes(&mut c, true, record)?,
        _ => {}
    }
    Some(())
}

/// A next hop, where the route is from if it is external, a metric, and destinations (§6.7).
fn routes(c: &mut Cursor<'_>, ipv6: bool, external: bool, record: &mut EigrpMessage) -> Option<()> {
    let next_hop = if ipv6 { c.ipv6()? } else { c.ipv4()? };
    if external {
        c.skip(20)?;
    }
    let (delay, bandwidth, mtu) = (c.u32()?, c.u32()?, c.u24()?);
    let [hop_count, reliability, load, _, _] = c.array()?;
    let way = Way { ipv6, next_hop, external, wide: false, router_id: None };
    destinations(c, &way, record, |prefix| EigrpRoute {
        prefix: prefix.into(),
        delay: delay.into(),
        bandwidth: bandwidth.into(),
        mtu,
        hop_count,
        reliability,
        load,
        ..EigrpRoute::default()
    })
}

/// What a part says of all its routes beside their metric.
struct Way {
    ipv6: bool,
    next_hop: IpAddr,
    external: bool,
    wide: bool,
    router_id: Option<Ipv4Addr>,
}

/// Destinations to the end.
fn destinations(
    c: &mut Cursor<'_>,
    way: &Way,
    record: &mut EigrpMessage,
    route: impl Fn(String) -> EigrpRoute,
) -> Option<()> {
    while !c.is_empty() {
        let prefix = destination(c, way.ipv6)?;
        record.route_count = record.route_count.saturating_add(1);
        if record.routes.len() < MAX_LISTED {
            record.routes.push(EigrpRoute {
                next_hop: (!way.next_hop.is_unspecified()).then_some(way.next_hop),
                external: way.external,
                wide: way.wide,
                router_id: way.router_id,
                ..route(prefix)
            });
        }
    }
    Some(())
}

/// Families of addresses (IANA) that are read.
mod family {
    pub(super) const IPV4: u16 = 1;
    pub(super) const IPV6: u16 = 2;
}

/// Topology, family and router; the wide metric with attributes as many as its first octet says
/// words; then as with the narrow one (§6.8). Routes of other families are not read.
fn wide_routes(c: &mut Cursor<'_>, external: bool, record: &mut EigrpMessage) -> Option<()> {
    c.skip(2)?;
    let ipv6 = match c.u16()? {
        family::IPV4 => false,
        family::IPV6 => true,
        _ => return Some(()),
    };
    let router = Ipv4Addr::from(c.array::<4>()?);
    let [words, _priority, reliability, load] = c.array()?;
    let (mtu, hop_count) = (c.u24()?, c.u8()?);
    let (delay, bandwidth) = (u48(c)?, u48(c)?);
    c.skip(4)?;
    c.skip(usize::from(words).saturating_mul(2))?;
    let next_hop = if ipv6 { c.ipv6()? } else { c.ipv4()? };
    if external {
        c.skip(20)?;
    }
    let way = Way { ipv6, next_hop, external, wide: true, router_id: Some(router) };
    destinations(c, &way, record, |prefix| EigrpRoute {
        prefix: prefix.into(),
        delay,
        bandwidth,
        mtu,
        hop_count,
        reliability,
        load,
        ..EigrpRoute::default()
    })
}

fn u48(c: &mut Cursor<'_>) -> Option<u64> {
    let [a, b, x, y, z, w] = c.array()?;
    Some(u64::from_be_bytes([0, 0, a, b, x, y, z, w]))
}

/// The length of a prefix, then as many octets as it has.
fn destination(c: &mut Cursor<'_>, ipv6: bool) -> Option<String> {
    let length = c.u8()?;
    let most: u8 = if ipv6 { 128 } else { 32 };
    if length > most {
        return None;
    }
    let octets = c.take(usize::from(length.div_ceil(8)))?;
    Some(format!("{}/{length}", widened(octets, ipv6)))
}

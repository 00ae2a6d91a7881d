//! What link states tell (RFC 2328 §A.4, RFC 3101; RFC 5340 §A.4): octets behind the header of one
//! into its record. Opaque ones are not taken apart.

use std::net::Ipv4Addr;

use super::message::address;
use super::{MAX_LISTED, OspfLink, OspfLsa, OspfPrefix};
use crate::Cursor;
use crate::addresses::widened;

/// Fills `lsa` in as far as the octets go; `None` where they do not fit.
pub(super) fn body(octets: &[u8], v3: bool, lsa: &mut OspfLsa) -> Option<()> {
    let c = &mut Cursor::new(octets);
    match (lsa.kind, v3) {
        ("router", false) => router_v2(c, lsa),
        ("router", true) => router_v3(c, lsa),
        ("network", _) => network(c, v3, lsa),
        ("summary" | "asbr_summary", false) => summary(c, lsa),
        ("external" | "nssa", false) => external_v2(c, lsa),
        ("external" | "nssa", true) => external_v3(c, lsa),
        ("inter_area_prefix", true) => {
            c.skip(1)?;
            lsa.metric = Some(c.u24()?);
            let (prefix, _) = prefix(c, false)?;
            (lsa.prefix_count, lsa.prefixes) = (Some(1), Some(vec![prefix]));
            Some(())
        }
        ("inter_area_router", true) => {
            c.skip(5)?;
            lsa.metric = Some(c.u24()?);
            lsa.destination_router = Some(address(c)?);
            Some(())
        }
        ("link", true) => {
            lsa.priority = Some(c.u8()?);
            c.skip(3)?;
            lsa.link_local = Some(c.ipv6()?);
            let count = c.u32()?;
            prefixes(c, count, false, lsa)
        }
        ("intra_area_prefix", true) => {
            let count = c.u16()?;
            c.skip(10)?;
            prefixes(c, count.into(), true, lsa)
        }
        _ => Some(()),
    }
}

/// Bits of a router's link state, equal in both versions (RFC 2328 §A.4.2, RFC 3101 §3.1).
fn roles(bits: u8) -> Vec<&'static str> {
    let words = [(1, "area_border"), (2, "as_boundary"), (4, "virtual_link"), (0x10, "translator")];
    words.iter().filter(|(bit, _)| bits & bit != 0).map(|&(_, word)| word).collect()
}

fn link_word(kind: u8) -> &'static str {
    match kind {
        1 => "point_to_point",
        2 => "transit",
        3 => "stub",
        4 => "virtual",
        _ => "unknown",
    }
}

fn add_link(lsa: &mut OspfLsa, link: OspfLink) {
    lsa.link_count = Some(lsa.link_count.unwrap_or(0).saturating_add(1));
    let links = lsa.links.get_or_insert_default();
    if links.len() < MAX_LISTED {
        links.push(link);
    }
}

/// RFC 2328 §A.4.2: as many links as it says, each with metrics for other kinds of service behind.
fn router_v2(c: &mut Cursor<'_>, lsa: &mut OspfLsa) -> Option<()> {
    lsa.roles = Some(roles(c.u8()?));
    c.skip(1)?;
    let said = c.u16()?;
    for _ in 0..said {
        let (id, data, kind, others) = (address(c)?, address(c)?, c.u8()?, c.u8()?);
        let metric = c.u16()?;
        c.skip(usize::from(others).saturating_mul(4))?;
        let link = OspfLink {
            kind: link_word(kind),
            id: Some(id),
            data: Some(data),
            metric,
            ..OspfLink::default()
        };
        add_link(lsa, link);
    }
    c.is_empty().then_some(())
}

/// RFC 5340 §A.4.3: links to the end.
fn router_v3(c: &mut Cursor<'_>, lsa: &mut OspfLsa) -> Option<()> {
    lsa.roles = Some(roles(c.u8()?));
    c.skip(3)?;
    while !c.is_empty() {
        let kind = link_word(c.u8()?);
        c.skip(1)?;
        let (metric, own, others) = (c.u16()?, c.u32()?, c.u32()?);
        let link = OspfLink {
            kind,
            id: Some(address(c)?),
            interface_id: Some(own),
            neighbor_interface_id: Some(others),
            metric,
            ..OspfLink::default()
        };
        add_link(lsa, link);
    }
    Some(())
}

/// RFC 2328 §A.4.3, RFC 5340 §A.4.4.
fn network(c: &mut Cursor<'_>, v3: bool, lsa: &mut OspfLsa) -> Option<()> {
    if v3 {
        c.skip(4)?;
    } else {
        lsa.network_mask = Some(address(c)?);
    }
    let (mut count, mut first) = (0_u32, Vec::new());
    while !c.is_empty() {
        let router = address(c)?;
        count = count.saturating_add(1);
        if first.len() < MAX_LISTED {
            first.push(router);
        }
    }
    (lsa.router_count, lsa.attached_routers) = (Some(count), Some(first));
    Some(())
}

/// RFC 2328 §A.4.4; metrics of other kinds of service may follow.
fn summary(c: &mut Cursor<'_>, lsa: &mut OspfLsa) -> Option<()> {
    lsa.network_mask = Some(address(c)?);
    c.skip(1)?;
    lsa.metric = Some(c.u24()?);
    Some(())
}

/// RFC 2328 §A.4.5, RFC 3101 §2.4.
fn external_v2(c: &mut Cursor<'_>, lsa: &mut OspfLsa) -> Option<()> {
    lsa.network_mask = Some(address(c)?);
    let bits = c.u8()?;
    lsa.metric_type = Some(if bits & 0x80 == 0 { 1 } else { 2 });
    lsa.metric = Some(c.u24()?);
    let forwarding = address(c)?;
    lsa.forwarding_address = (forwarding != Ipv4Addr::UNSPECIFIED).then_some(forwarding.into());
    lsa.route_tag = Some(c.u32()?);
    Some(())
}

/// RFC 5340 §A.4.7.
fn external_v3(c: &mut Cursor<'_>, lsa: &mut OspfLsa) -> Option<()> {
    let bits = c.u8()?;
    lsa.metric_type = Some(if bits & 4 == 0 { 1 } else { 2 });
    lsa.metric = Some(c.u24()?);
    let (prefix, referenced) = prefix(c, false)?;
    (lsa.prefix_count, lsa.prefixes) = (Some(1), Some(vec![prefix]));
    if bits & 2 != 0 {
        lsa.forwarding_address = Some(c.ipv6()?);
    }
    if bits & 1 != 0 {
        lsa.route_tag = Some(c.u32()?);
    }
    if referenced != 0 {
        c.skip(4)?;
    }
    Some(())
}

fn prefixes(c: &mut Cursor<'_>, said: u32, metric: bool, lsa: &mut OspfLsa) -> Option<()> {
    let mut first = Vec::new();
    let mut count = 0_u32;
    while count < said {
        // Each takes four octets at least: what is there bounds the loop.
        let (prefix, _) = prefix(c, metric)?;
        count = count.saturating_add(1);
        if first.len() < MAX_LISTED {
            first.push(prefix);
        }
    }
    (lsa.prefix_count, lsa.prefixes) = (Some(count), Some(first));
    Some(())
}

/// A prefix in words of 32 bits, and the number before it: a metric, a type, or nothing (RFC 5340
/// §A.4.1).
fn prefix(c: &mut Cursor<'_>, has_metric: bool) -> Option<(OspfPrefix, u16)> {
    let (length, _options, number) = (c.u8()?, c.u8()?, c.u16()?);
    if length > 128 {
        return None;
    }
    let octets = c.take(usize::from(length.div_ceil(32)).saturating_mul(4))?;
    let prefix = format!("{}/{length}", widened(octets, true)).into();
    Some((OspfPrefix { prefix, metric: has_metric.then_some(number) }, number))
}

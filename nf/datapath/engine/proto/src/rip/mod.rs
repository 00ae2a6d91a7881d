//! Routing Information Protocol over UDP: version 1 (RFC 1058), version 2 (RFC 2453, RFC 4822)
//! and RIPng (RFC 2080).
//!
//! One transaction per request, and per response that differs from the sender's last one.
//!
//! Bounds: 16 routes of a message are listed, all are counted; 64 messages of an update are
//! compared.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nf_fields::{Fields, ProtoId, Text};

use crate::news::News;
use crate::{
    Cursor, Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, udp,
};

/// Most routes of a message that are listed.
const MAX_LISTED: usize = 16;
const HEADER: usize = 4;
const ENTRY: usize = 20;
const PORT: u16 = 520;
const PORT_NG: u16 = 521;
const OVER: &[Over] = &[udp(&[PORT, PORT_NG])];
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
/// Family of an entry that authenticates (RFC 2453 §4.1).
const AUTHENTICATION: u16 = 0xffff;
/// Metric of an entry that gives the next hop of those behind it (RFC 2080 §2.1.1).
const NEXT_HOP: u8 = 0xff;

anomalies! {
    /// What can be wrong with it.
    pub enum RipAnomaly {
        /// A message that is no row of whole entries, or of an unknown version or command.
        MalformedMessage = "malformed_message",
        /// An entry with a metric beyond 16, or a mask with holes.
        MalformedRoute = "malformed_route",
        /// The password of the routers is sent in clear.
        ClearPassword = "clear_password",
    }
}

/// A route of a message.
#[derive(Debug, Fields)]
pub struct RipRoute {
    /// Destination, with the length of its prefix where the version tells it.
    pub prefix: Text,
    /// Routers on the way; 16 is unreachable.
    pub metric: u32,
    /// Router that packets are to be sent to, where it is not the sender.
    pub next_hop: Option<IpAddr>,
    /// Mark of routes from elsewhere.
    pub tag: Option<u16>,
}

/// One message.
#[derive(Debug, Fields)]
pub struct RipMessage {
    /// Version: 1, 2 or ng.
    pub version: &'static str,
    /// Command: request or response.
    pub command: &'static str,
    /// How the sender proves itself: password or keyed_digest.
    pub auth_type: Option<&'static str>,
    /// Number of the key of a digest.
    pub key_id: Option<u8>,
    /// How many routes it tells or asks of.
    pub route_count: u32,
    /// The first of them.
    pub routes: Vec<RipRoute>,
    /// The request is for the whole table.
    pub whole_table: Option<bool>,
}

/// The state of one session.
#[derive(Default)]
pub struct Rip {
    /// By direction and first destination: an update may be many messages.
    told: News<(Direction, Option<Text>)>,
}

impl Protocol for Rip {
    const INFO: Info = Info {
        name: "rip",
        id: ProtoId(1340),
        aliases: &["ripng"],
        title: "Routing Information Protocol",
        spec: "RFC 2453, RFC 1058, RFC 2080",
        over: OVER,
        weight: 60,
        message: RipMessage::fields,
        transaction: RipMessage::fields,
        anomalies: RipAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let &[command, version, 0, 0, ..] = seg.data else {
            return Probe::No;
        };
        let whole = seg.data.len().checked_rem(ENTRY) == Some(HEADER) || seg.cut;
        let known = matches!(command, REQUEST | RESPONSE) && whole;
        let versions = if seg.on_port(PORT_NG) { 1..=1 } else { 1..=2 };
        let own = seg.on_port(PORT) || seg.on_port(PORT_NG);
        if own && known && versions.contains(&version) { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if !out.wants_messages() && !out.wants_transactions() {
            return Step::all(seg);
        }
        let ng = seg.on_port(PORT_NG);
        match message(seg.data, ng, out) {
            Some(record) => {
                out.message(&record);
                let first = record.routes.first().map(|route| route.prefix.clone());
                let asked = record.command == "request";
                if asked || self.told.is_new((seg.dir, first), &record) {
                    out.transaction(seg.time, record);
                }
            }
            None if seg.cut => {}
            None => out.anomaly(RipAnomaly::MalformedMessage),
        }
        Step::all(seg)
    }
}

fn message(data: &[u8], ng: bool, out: &mut Sink<'_>) -> Option<RipMessage> {
    let mut c = Cursor::new(data);
    let command = match c.u8()? {
        REQUEST => "request",
        RESPONSE => "response",
        _ => return None,
    };
    let version = match (c.u8()?, ng) {
        (1, true) => "ng",
        (1, false) => "1",
        (2, false) => "2",
        _ => return None,
    };
    c.skip(2)?;
    let mut record = RipMessage {
        version,
        command,
        auth_type: None,
        key_id: None,
        route_count: 0,
        routes: Vec::new(),
        whole_table: None,
    };
    let mut next_hop = None;
    while let Some(entry) = c.array::<ENTRY>() {
        let sound = if ng {
            entry_ng(&entry, &mut next_hop, &mut record)
        } else {
            entry_of_ipv4(&entry, &mut record, out)
        };
        if sound.is_none() {
            out.anomaly(RipAnomaly::MalformedRoute);
        }
        if record.auth_type == Some("keyed_digest") && c.remaining() < ENTRY {
            return Some(record);
        }
    }
    c.is_empty().then_some(record)
}

/// An entry of version 1 or 2 (RFC 2453 §4).
fn entry_of_ipv4(entry: &[u8], record: &mut RipMessage, out: &mut Sink<'_>) -> Option<()> {
    let mut c = Cursor::new(entry);
    let (family, tag) = (c.u16()?, c.u16()?);
    if family == AUTHENTICATION {
        match tag {
            2 => {
                out.anomaly(RipAnomaly::ClearPassword);
                record.auth_type = Some("password");
            }
            3 => {
                record.auth_type = Some("keyed_digest");
                c.skip(2)?;
                record.key_id = c.u8();
            }
            // The digest itself, behind the routes.
            _ => {}
        }
        return Some(());
    }
    let [address, mask, hop] = [c.array()?, c.array()?, c.array()?].map(Ipv4Addr::from);
    let metric = c.u32()?;
    if family == 0 && metric == 16 && record.command == "request" {
        record.whole_table = Some(true);
        return Some(());
    }
    let ones = u32::from(mask).leading_ones();
    let two = record.version == "2";
    let prefix = if two { format!("{address}/{ones}") } else { address.to_string() };
    let next_hop = (two && !hop.is_unspecified()).then_some(IpAddr::V4(hop));
    add(record, prefix, metric, next_hop, (two && tag != 0).then_some(tag));
    let whole = u32::from(mask).count_ones() == ones;
    (metric <= 16 && (whole || !two)).then_some(())
}

/// An entry of RIPng (RFC 2080 §2.1).
fn entry_ng(entry: &[u8], hop: &mut Option<IpAddr>, record: &mut RipMessage) -> Option<()> {
    let mut c = Cursor::new(entry);
    let address = Ipv6Addr::from(c.array::<16>()?);
    let (tag, length, metric) = (c.u16()?, c.u8()?, c.u8()?);
    if metric == NEXT_HOP {
        *hop = (!address.is_unspecified()).then_some(IpAddr::V6(address));
        return Some(());
    }
    if record.command == "request" && address.is_unspecified() && length == 0 && metric == 16 {
        record.whole_table = Some(true);
        return Some(());
    }
    let prefix = format!("{address}/{length}");
    add(record, prefix, metric.into(), *hop, (tag != 0).then_some(tag));
    (metric <= 16 && length <= 128).then_some(())
}

fn add(
    record: &mut RipMessage,
    prefix: String,
    metric: u32,
    next_hop: Option<IpAddr>,
    tag: Option<u16>,
) {
    record.route_count = record.route_count.saturating_add(1);
    if record.routes.len() < MAX_LISTED {
        record.routes.push(RipRoute { prefix: prefix.into(), metric, next_hop, tag });
    }
}

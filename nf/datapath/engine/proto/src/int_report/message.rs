//! Octets → telemetry reports. Pure, bounded.

use nf_fields::Binary;
use nf_wire::int::Header;
use nf_wire::int_stack::{Column, Hop, Item};
use nf_wire::{Fault, LinkType, Packet, decode, id};

use super::IntReportMessage;
use crate::Cursor;

/// Most reports of a datagram.
const MAX_REPORTS: usize = 256;
/// Words of version 1's header without what it adds by bits.
const WORDS_1: u32 = 4;
/// Most octets kept of data that has no fixed meaning.
const MAX_METADATA: usize = 64;

/// Reports of a datagram as far as they fit.
#[derive(Debug, Default)]
pub(super) struct Datagram {
    /// In order.
    pub(super) reports: Vec<IntReportMessage>,
    /// They fill the datagram to its last octet, and everything in them agrees.
    pub(super) is_sound: bool,
    /// Each holds the beginning of an IP packet: what no chance can bring about.
    pub(super) has_packets: bool,
}

/// The reports of a datagram; nothing where not even the header of one is there.
pub(super) fn parse(data: &[u8]) -> Option<Datagram> {
    match data.first()? >> 4 {
        1 => version_1(data),
        2 => version_2(data),
        _ => None,
    }
}

/// One report: a header whose length tells what it adds, and the packet.
fn version_1(data: &[u8]) -> Option<Datagram> {
    let mut c = Cursor::new(data);
    let first = c.u32()?;
    let bits = first >> 15 & 0x3f;
    let mut report = IntReportMessage {
        version: 1,
        hw_id: first & 0x3f,
        switch_id: c.u32()?,
        seq_num: c.u32()?,
        sink_time: Some(c.u32()?),
        metadata_bits: u16::try_from(bits).ok()?,
        dropped: first & 0x100 != 0,
        congested: first & 0x80 != 0,
        tracked: first & 0x40 != 0,
        ..IntReportMessage::default()
    };
    let words = first >> 24 & 0x0f;
    let added = words.checked_sub(WORDS_1)?;
    let metadata = c.take(usize::try_from(added).ok()?.saturating_mul(4))?;
    if !metadata.is_empty() {
        report.metadata = Some(Binary::bounded(metadata, MAX_METADATA));
    }
    let link = match first >> 21 & 7 {
        0 => LinkType::Ethernet,
        1 => LinkType::Ipv4,
        2 => LinkType::Ipv6,
        _ => return None,
    };
    let has_packets = report.packet(link, c.rest());
    let is_sound = added == bits.count_ones() && first >> 9 & 0x3f == 0;
    Some(Datagram { reports: vec![report], is_sound, has_packets })
}

/// Several reports of one node, each with its length.
fn version_2(data: &[u8]) -> Option<Datagram> {
    let mut c = Cursor::new(data);
    let first = c.u32()?;
    let node = IntReportMessage {
        version: 2,
        hw_id: first >> 22 & 0x3f,
        seq_num: first & 0x003f_ffff,
        switch_id: c.u32()?,
        ..IntReportMessage::default()
    };
    let mut found = Datagram { has_packets: true, ..Datagram::default() };
    while !c.is_empty() {
        if found.reports.len() >= MAX_REPORTS {
            return Some(found);
        }
        let Some((report, has_packet)) = individual(&mut c, &node) else { return Some(found) };
        found.reports.push(report);
        found.has_packets &= has_packet;
    }
    found.is_sound = !found.reports.is_empty();
    found.has_packets &= found.is_sound;
    Some(found)
}

/// What stands behind a report's own data.
mod inner {
    pub(super) const NOTHING: u32 = 0;
    pub(super) const TLV: u32 = 1;
    pub(super) const DOMAIN: u32 = 2;
    pub(super) const ETHERNET: u32 = 3;
    pub(super) const IPV4: u32 = 4;
    pub(super) const IPV6: u32 = 5;
}

fn individual(c: &mut Cursor<'_>, node: &IntReportMessage) -> Option<(IntReportMessage, bool)> {
    let first = c.u32()?;
    let mut body =
        Cursor::new(c.take(usize::try_from(first >> 16 & 0xff).ok()?.saturating_mul(4))?);
    let metadata_len = usize::try_from(first >> 8 & 0xff).ok()?.saturating_mul(4);
    let mut report = IntReportMessage {
        dropped: first & 0x80 != 0,
        congested: first & 0x40 != 0,
        tracked: first & 0x20 != 0,
        intermediate: first & 0x10 != 0,
        ..node.clone()
    };
    (first & 0x0f == 0).then_some(())?;
    match first >> 28 {
        0 => {}
        1 => {
            report.metadata_bits = body.u16()?;
            let domain = body.u16()?;
            body.skip(4)?;
            report.domain_id = Some(domain);
            let hop = Hop::new(body.take(metadata_len)?, report.metadata_bits, domain != 0)?;
            report.hop(&hop);
        }
        // IOAM, which this version leaves open, and what later versions may define.
        _ => return None,
    }
    let has_packet = match first >> 24 & 0x0f {
        inner::NOTHING if body.is_empty() => false,
        inner::TLV => report.tlvs(&mut body)?,
        inner::DOMAIN => false,
        inner::ETHERNET => report.packet(LinkType::Ethernet, body.rest()),
        inner::IPV4 => report.packet(LinkType::Ipv4, body.rest()),
        inner::IPV6 => report.packet(LinkType::Ipv6, body.rest()),
        _ => return None,
    };
    Some((report, has_packet))
}

impl IntReportMessage {
    /// Several things behind a report's own data; whether a packet is among them.
    fn tlvs(&mut self, c: &mut Cursor<'_>) -> Option<bool> {
        let mut has_packet = false;
        while !c.is_empty() {
            let first = c.u32()?;
            let value = c.take(usize::try_from(first >> 16 & 0xff).ok()?.saturating_mul(4))?;
            has_packet |= match first >> 28 {
                0 => false,
                1 => self.packet(LinkType::Ethernet, value),
                2 => self.packet(LinkType::Ipv4, value),
                3 => self.packet(LinkType::Ipv6, value),
                _ => return None,
            };
        }
        Some(has_packet)
    }

    /// What the reporting node saw itself.
    fn hop(&mut self, hop: &Hop<'_>) {
        self.ingress_port_id = hop.number(Item::IngressPort);
        self.egress_port_id = hop.number(Item::EgressPort);
        self.hop_latency = hop.number(Item::Latency);
        self.queue_id = hop.number(Item::Queue);
        self.queue_occupancy = hop.number(Item::QueueOccupancy);
        [self.ingress_time, self.egress_time] = hop.times();
        self.logical_ingress_port_id = hop.number(Item::LogicalIngressPort);
        self.logical_egress_port_id = hop.number(Item::LogicalEgressPort);
        self.tx_utilization = hop.number(Item::Utilization);
        self.buffer_id = hop.number(Item::Buffer);
        self.buffer_occupancy = hop.number(Item::BufferOccupancy);
        if let Some([queue, reason, ..]) = hop.last() {
            self.queue_id = self.queue_id.or(Some(queue.into()));
            self.drop_reason = Some(reason);
        }
    }

    /// The beginning of the packet that is reported, with the telemetry in it; whether it is one.
    fn packet(&mut self, link: LinkType, octets: &[u8]) -> bool {
        let mut packet = Packet::default();
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        decode(link, octets, length, &mut packet);
        let Some(ip) = packet.ips().first() else { return false };
        let address = |at: usize| -> Option<std::net::IpAddr> {
            let head = octets.get(usize::from(ip.offset)..)?;
            let at = if ip.version == 4 {
                at.saturating_mul(4).saturating_add(12)
            } else {
                at.saturating_mul(16).saturating_add(8)
            };
            let head = head.get(at..)?;
            Some(match ip.version {
                4 => (*head.first_chunk::<4>()?).into(),
                _ => (*head.first_chunk::<16>()?).into(),
            })
        };
        (self.ip_src, self.ip_dst) = (address(0), address(1));
        self.ip_protocol = Some(ip.protocol);
        if ip.src_port != 0 || ip.dst_port != 0 {
            (self.port_src, self.port_dst) = (Some(ip.src_port), Some(ip.dst_port));
        }
        let layer = packet.layers().iter().find(|layer| layer.proto == id::INT);
        let stacked = layer.and_then(|layer| octets.get(usize::from(layer.offset)..));
        if let Some(header) = stacked.and_then(|octets| Header::new_checked(octets).ok()) {
            self.stack(&header);
        }
        matches!(packet.fault, Fault::None | Fault::Truncated)
    }

    /// What the hops before the reporting node wrote into the packet.
    fn stack(&mut self, header: &Header<'_>) {
        let list = |item| -> Option<Vec<u32>> {
            let column: &Column<'_, 32> = header.column(item)?;
            Some(column.numbers().map(|n| u32::try_from(n).unwrap_or(u32::MAX)).collect())
        };
        self.num_hop = Some(header.hops());
        self.latency = header.latency();
        self.hop_switch_ids = list(Item::Switch);
        self.hop_latencies = list(Item::Latency);
        self.hop_queue_occups = list(Item::QueueOccupancy);
    }
}

//! Spanning tree: STP (IEEE 802.1D-1998 §9), RSTP (802.1D-2004 §9), MSTP (802.1Q §14) and Cisco's
//! per-VLAN frames. It has no session: see `Info::reads_header`.
//!
//! One transaction per BPDU that differs from the port's last one of its VLAN: who is root, at what
//! cost, and what state the port is in.
//!
//! Bounds: 64 instances of MSTP.

#[cfg(test)]
mod tests;

use nf_fields::{Fields, Mac, Text};
use nf_wire::id;

use crate::news::News;
use crate::{Cursor, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, within};

/// Most instances (IEEE 802.1Q §13.7).
const MAX_INSTANCES: usize = 64;
/// Octets of a configuration BPDU behind its type.
const INSTANCE: usize = 16;
const OVER: &[Over] = &[within("llc")];

anomalies! {
    /// What can be wrong with it.
    pub enum StpAnomaly {
        /// Shorter than its type asks for, or of an unknown type.
        MalformedMessage = "malformed_message",
        /// A port tells that the topology has changed.
        TopologyChange = "topology_change",
    }
}

/// An instance of MSTP.
#[derive(Debug, Fields)]
pub struct StpInstance {
    /// Its number.
    pub id: u16,
    /// Priority of the root of the region, the instance's number taken out.
    pub root_priority: u16,
    /// Hardware address of that root.
    pub root_mac: Mac,
    /// Cost of the way to it.
    pub root_cost: u32,
    /// Priority of the sender.
    pub bridge_priority: u16,
    /// Priority of the port.
    pub port_priority: u8,
    /// Bridges that it may still go through.
    pub remaining_hops: u8,
}

/// One BPDU.
#[derive(Debug, Default, Fields)]
pub struct StpMessage {
    /// Hardware address it was sent from.
    pub src_mac: Option<Mac>,
    /// Protocol: stp, rstp or mstp.
    pub version: &'static str,
    /// Type: config, tcn (the topology changed) or rst.
    #[field(name = "type")]
    pub kind: &'static str,
    /// Cisco: VLAN of the tree.
    pub vlan: Option<u16>,
    /// Role of the port: master, alternate_backup, root or designated.
    pub port_role: Option<&'static str>,
    /// topology_change, proposal, learning, forwarding, agreement, topology_change_ack.
    pub flags: Option<Vec<&'static str>>,
    /// Priority of the root.
    pub root_priority: Option<u16>,
    /// Extension of the root's priority: its VLAN or instance.
    pub root_extension: Option<u16>,
    /// Hardware address of the root.
    pub root_mac: Option<Mac>,
    /// Cost of the way to the root.
    pub root_cost: Option<u32>,
    /// Priority of the sender; of MSTP, of the root of its region.
    pub bridge_priority: Option<u16>,
    /// Extension of that priority.
    pub bridge_extension: Option<u16>,
    /// Hardware address that goes with that priority.
    pub bridge_mac: Option<Mac>,
    /// Port of the sender, its priority in the upper octet.
    pub port_id: Option<u16>,
    /// Milliseconds since the root spoke.
    pub message_age_ms: Option<u32>,
    /// Milliseconds after which this is forgotten.
    pub max_age_ms: Option<u32>,
    /// Milliseconds between BPDUs.
    pub hello_time_ms: Option<u32>,
    /// Milliseconds in each state on the way to forwarding.
    pub forward_delay_ms: Option<u32>,
    /// MSTP: name of the region.
    pub mst_name: Option<Text>,
    /// MSTP: revision of the region.
    pub mst_revision: Option<u16>,
    /// MSTP: cost of the way to the root of the region.
    pub mst_internal_cost: Option<u32>,
    /// MSTP: bridges that it may still go through.
    pub mst_remaining_hops: Option<u8>,
    /// MSTP: instances.
    pub mst_instances: Option<Vec<StpInstance>>,
}

/// What one port says.
#[derive(Default)]
pub struct Stp {
    told: News<(Option<Mac>, Option<u16>)>,
}

impl Protocol for Stp {
    const INFO: Info = Info {
        name: "stp",
        id: id::STP,
        title: "Spanning Tree Protocol",
        spec: "IEEE 802.1D, IEEE 802.1Q",
        over: OVER,
        reads_header: true,
        message: StpMessage::fields,
        transaction: StpMessage::fields,
        anomalies: StpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if out.wants_messages() || out.wants_transactions() {
            match message(seg.data) {
                Some(record) => self.report(record, seg, out),
                None if seg.cut => {}
                None => out.anomaly(StpAnomaly::MalformedMessage),
            }
        }
        out.settled();
        Step::all(seg)
    }
}

impl Stp {
    fn report(&mut self, mut record: StpMessage, seg: &Segment<'_>, out: &mut Sink<'_>) {
        record.src_mac = seg.sender();
        let changed = record.flags.as_ref().is_some_and(|f| f.contains(&"topology_change"));
        if record.kind == "tcn" || changed {
            out.anomaly(StpAnomaly::TopologyChange);
        }
        out.message(&record);
        if self.told.is_new((record.src_mac, record.vlan), &record) {
            out.transaction(seg.time, record);
        }
    }
}

fn message(data: &[u8]) -> Option<StpMessage> {
    let mut c = Cursor::new(data);
    // IP's protocol 118 has MMT's number for this, too, and nothing else of it.
    if c.u16()? != 0 {
        return None;
    }
    let version = c.u8()?;
    let mut record = StpMessage {
        version: match version {
            0 => "stp",
            2 => "rstp",
            3.. => "mstp",
            _ => return None,
        },
        kind: match c.u8()? {
            0 => "config",
            0x80 => "tcn",
            2 => "rst",
            _ => return None,
        },
        ..StpMessage::default()
    };
    if record.kind == "tcn" {
        return Some(record);
    }
    configuration(&mut c, &mut record)?;
    if version >= 2 {
        c.skip(1)?;
    }
    if version >= 3 {
        let length = c.u16()?;
        region(&mut Cursor::new(c.take(length.into())?), &mut record)?;
    }
    record.vlan = vlan(c.rest());
    Some(record)
}

fn configuration(c: &mut Cursor<'_>, record: &mut StpMessage) -> Option<()> {
    let flags = c.u8()?;
    let words = [
        (0x01, "topology_change"),
        (0x02, "proposal"),
        (0x10, "learning"),
        (0x20, "forwarding"),
        (0x40, "agreement"),
        (0x80, "topology_change_ack"),
    ];
    let set = words.iter().filter(|(bit, _)| flags & bit != 0).map(|&(_, word)| word);
    record.flags = Some(set.collect());
    if record.kind == "rst" {
        record.port_role = Some(match flags >> 2 & 3 {
            0 => "master",
            1 => "alternate_backup",
            2 => "root",
            _ => "designated",
        });
    }
    let root = bridge(c)?;
    record.root_cost = Some(c.u32()?);
    let sender = bridge(c)?;
    record.root_priority = Some(root.0 & 0xf000);
    record.root_extension = Some(root.0 & 0x0fff);
    record.root_mac = Some(root.1);
    record.bridge_priority = Some(sender.0 & 0xf000);
    record.bridge_extension = Some(sender.0 & 0x0fff);
    record.bridge_mac = Some(sender.1);
    record.port_id = Some(c.u16()?);
    for slot in [
        &mut record.message_age_ms,
        &mut record.max_age_ms,
        &mut record.hello_time_ms,
        &mut record.forward_delay_ms,
    ] {
        // In 256ths of a second.
        *slot = Some(u32::from(c.u16()?).saturating_mul(1000) >> 8);
    }
    Some(())
}

fn bridge(c: &mut Cursor<'_>) -> Option<(u16, Mac)> {
    Some((c.u16()?, Mac(c.array()?)))
}

/// The part that MSTP adds (IEEE 802.1Q §14.2.5).
fn region(c: &mut Cursor<'_>, record: &mut StpMessage) -> Option<()> {
    c.skip(1)?;
    let name = c.take(32)?;
    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    record.mst_name = Some(Text::bounded(name, end));
    record.mst_revision = Some(c.u16()?);
    c.skip(16)?;
    record.mst_internal_cost = Some(c.u32()?);
    // The sender itself stands here; what was read before is the root of its region.
    c.skip(8)?;
    record.mst_remaining_hops = Some(c.u8()?);
    let mut instances = Vec::new();
    while c.remaining() >= INSTANCE && instances.len() < MAX_INSTANCES {
        c.skip(1)?;
        let (priority, root_mac) = bridge(c)?;
        instances.push(StpInstance {
            id: priority & 0x0fff,
            root_priority: priority & 0xf000,
            root_mac,
            root_cost: c.u32()?,
            bridge_priority: u16::from(c.u8()?) << 8,
            port_priority: c.u8()?,
            remaining_hops: c.u8()?,
        });
    }
    record.mst_instances = Some(instances);
    Some(())
}

/// What Cisco adds behind a BPDU, or behind an octet that fills it: type 0, two octets, the VLAN.
fn vlan(rest: &[u8]) -> Option<u16> {
    const HEAD: [u8; 4] = [0, 0, 0, 2];
    let behind = rest.strip_prefix(&HEAD).or_else(|| rest.strip_prefix(&[0])?.strip_prefix(&HEAD));
    behind?.first_chunk().map(|&octets| u16::from_be_bytes(octets))
}

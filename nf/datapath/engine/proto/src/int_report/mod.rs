//! Reports of in-band network telemetry over UDP (P4.org, "Telemetry Report Format Specification",
//! 1.0 and 2.0): what a switch says of a packet that it forwarded, queued or dropped, with the
//! beginning of that packet, and in it what the switches before wrote.
//!
//! One transaction per report. What version 1 adds by bits is handed out as octets.
//!
//! Bounds: 256 reports of a datagram, 255 words of a stack, 32 switches whose numbers are followed.

mod message;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use nf_fields::{Binary, Fields, ProtoId};
use nf_wire::id;

use crate::numbering::{Numbering, Standing};
use crate::{Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, anomalies, udp};

/// Nobody assigned a port: MMT's, and the one that ONOS takes.
const PORTS: &[u16] = &[6000, 32766];
const OVER: &[Over] = &[udp(PORTS)];

anomalies! {
    /// What can be wrong with it.
    pub enum IntReportAnomaly {
        /// Reports that do not fill their datagram, or whose lengths contradict their bits.
        MalformedMessage = "malformed_message",
        /// Numbers were left out: reports of the switch are missing.
        SequenceGap = "sequence_gap",
        /// A number behind the expected one: it came late, or the switch began anew.
        SequenceBehind = "sequence_behind",
    }
}

/// One report.
#[derive(Clone, Debug, Default, Fields)]
pub struct IntReportMessage {
    /// The switch that reports.
    #[field(id = 1, alias = "node_id")]
    pub switch_id: u32,
    /// Part of the switch.
    #[field(id = 2)]
    pub hw_id: u32,
    /// Number of the report, or of the datagram that it shares with others.
    #[field(id = 3)]
    pub seq_num: u32,
    /// Source of the packet that is reported.
    #[field(id = 4)]
    pub ip_src: Option<IpAddr>,
    /// Its destination.
    #[field(id = 5)]
    pub ip_dst: Option<IpAddr>,
    /// Its source port.
    #[field(id = 6)]
    pub port_src: Option<u16>,
    /// Its destination port.
    #[field(id = 7)]
    pub port_dst: Option<u16>,
    /// When it came to the switch that reports, by that one's clock and unit (version 1).
    #[field(id = 9)]
    pub sink_time: Option<u32>,
    /// Version.
    pub version: u8,
    /// Reports left out before it.
    pub lost: Option<u32>,
    /// Protocol of IP in the packet.
    pub ip_protocol: Option<u8>,
    /// It was dropped.
    pub dropped: bool,
    /// It met a congested queue.
    pub congested: bool,
    /// Its flow is one that is watched.
    pub tracked: bool,
    /// A switch on its way reports, not the last one.
    pub intermediate: bool,
    /// Which data of its own the switch adds, by bit.
    pub metadata_bits: u16,
    /// These data, where the version leaves their meaning to the maker.
    pub metadata: Option<Binary>,
    /// Domain whose own data may follow.
    pub domain_id: Option<u16>,
    /// Port by which the packet came.
    pub ingress_port_id: Option<u32>,
    /// Port by which it left.
    pub egress_port_id: Option<u32>,
    /// How long the switch had it, in its unit.
    pub hop_latency: Option<u32>,
    /// Queue it waited in, or was dropped from.
    pub queue_id: Option<u32>,
    /// How full that was, in the switch's unit.
    pub queue_occupancy: Option<u32>,
    /// When it came, by the switch's clock and unit.
    pub ingress_time: Option<u64>,
    /// When it left.
    pub egress_time: Option<u64>,
    /// Logical port by which it came.
    pub logical_ingress_port_id: Option<u32>,
    /// Logical port by which it left.
    pub logical_egress_port_id: Option<u32>,
    /// How busy the egress port was, in the switch's unit.
    pub tx_utilization: Option<u32>,
    /// Buffer it lay in.
    pub buffer_id: Option<u32>,
    /// How full that was, in the switch's unit.
    pub buffer_occupancy: Option<u32>,
    /// Why it was dropped, as the switch's maker numbers reasons.
    pub drop_reason: Option<u8>,
    /// Switches before this one that wrote into the packet.
    pub num_hop: Option<u8>,
    /// Their latencies together.
    pub latency: Option<u32>,
    /// These switches, the latest first.
    pub hop_switch_ids: Option<Vec<u32>>,
    /// Their latencies.
    pub hop_latencies: Option<Vec<u32>>,
    /// How full their queues were.
    pub hop_queue_occups: Option<Vec<u32>>,
}

/// The state of one session.
#[derive(Default)]
pub struct IntReport {
    numbers: Numbering<(u32, u32)>,
}

impl Protocol for IntReport {
    const INFO: Info = Info {
        name: "int_report",
        id: ProtoId(659),
        title: "Reports of in-band network telemetry",
        spec: "P4.org Telemetry Report 1.0, 2.0",
        over: OVER,
        patterns: &FIRST_OCTETS,
        weight: 70,
        message: IntReportMessage::fields,
        transaction: IntReportMessage::fields,
        anomalies: IntReportAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    /// Lengths that agree, and the beginning of an IP packet in each report; then no port is needed.
    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(found) = message::parse(seg.data) else { return Probe::No };
        let on_port = PORTS.iter().any(|&port| seg.on_port(port));
        let is_one = found.is_sound && (found.has_packets || on_port);
        let was_one = on_port && seg.cut && !found.reports.is_empty();
        if is_one || was_one { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let found = message::parse(seg.data).unwrap_or_default();
        if found.reports.iter().any(|report| report.num_hop.is_some()) {
            out.inside(id::INT);
        }
        out.settled();
        if !found.is_sound && !seg.cut {
            out.anomaly(IntReportAnomaly::MalformedMessage);
        }
        let mut lost = found.reports.first().and_then(|first| self.follow(first, out));
        for mut report in found.reports {
            report.lost = lost.take();
            out.message(&report);
            out.transaction(seg.time, report);
        }
        Step::all(seg)
    }
}

impl IntReport {
    /// Follows the switch's numbers; how many are missing before this one.
    fn follow(&mut self, report: &IntReportMessage, out: &mut Sink<'_>) -> Option<u32> {
        // Version 2 has 22 bits of a number: as the upper ones of 32, they end where those do.
        let spare = if report.version == 1 { 0 } else { 10 };
        let (number, step) = (report.seq_num << spare, 1 << spare);
        match self.numbers.follow((report.switch_id, report.hw_id), number, step) {
            Standing::First | Standing::Next => None,
            Standing::Ahead(lost) => {
                out.anomaly(IntReportAnomaly::SequenceGap);
                Some(lost >> spare)
            }
            Standing::Behind => {
                out.anomaly(IntReportAnomaly::SequenceBehind);
                None
            }
        }
    }
}

/// Version 1 with a header of four to ten words, version 2 with any part of a switch.
const FIRST_OCTETS: [Pattern; 23] = [
    Pattern::start(b"\x14"),
    Pattern::start(b"\x15"),
    Pattern::start(b"\x16"),
    Pattern::start(b"\x17"),
    Pattern::start(b"\x18"),
    Pattern::start(b"\x19"),
    Pattern::start(b"\x1a"),
    Pattern::start(b"\x20"),
    Pattern::start(b"\x21"),
    Pattern::start(b"\x22"),
    Pattern::start(b"\x23"),
    Pattern::start(b"\x24"),
    Pattern::start(b"\x25"),
    Pattern::start(b"\x26"),
    Pattern::start(b"\x27"),
    Pattern::start(b"\x28"),
    Pattern::start(b"\x29"),
    Pattern::start(b"\x2a"),
    Pattern::start(b"\x2b"),
    Pattern::start(b"\x2c"),
    Pattern::start(b"\x2d"),
    Pattern::start(b"\x2e"),
    Pattern::start(b"\x2f"),
];

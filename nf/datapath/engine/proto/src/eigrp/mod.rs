//! Enhanced Interior Gateway Routing Protocol, on IP itself (RFC 7868).
//!
//! One transaction per packet; hellos only where they differ from the sender's last one, bare
//! acknowledgements none.
//!
//! Bounds: 16 routes of a packet are listed, all are counted.

mod message;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Fields, Text};
use nf_wire::id;

use crate::news::News;
use crate::{Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, within};

/// Most routes that are listed.
const MAX_LISTED: usize = 16;
const OVER: &[Over] = &[within("ip"), within("ipv6")];

anomalies! {
    /// What can be wrong with it.
    pub enum EigrpAnomaly {
        /// Parts that do not fit, or an unknown version.
        MalformedPacket = "malformed_packet",
        /// A router says good-bye.
        Goodbye = "goodbye",
    }
}

/// A route.
#[derive(Debug, Default, Fields)]
pub struct EigrpRoute {
    /// Destination with the length of its prefix.
    pub prefix: Text,
    /// Where packets are to be sent, where it is not the sender.
    pub next_hop: Option<IpAddr>,
    /// It came from another protocol.
    pub external: bool,
    /// Whether its metric is wide: delay and bandwidth in units of their own.
    pub wide: bool,
    /// Router that it comes from, where the metric is wide.
    pub router_id: Option<Ipv4Addr>,
    /// Delay of the way: picoseconds where wide, else 256 for 10 microseconds; all ones cannot be
    /// reached.
    pub delay: u64,
    /// Bandwidth of the way: kilobits per second where wide, else 256 times 10 gigabits divided by
    /// it.
    pub bandwidth: u64,
    /// Largest packet of the way.
    pub mtu: u32,
    /// Routers on the way.
    pub hop_count: u8,
    /// Reliability of the way, 255 is all.
    pub reliability: u8,
    /// Load of the way, 255 is all.
    pub load: u8,
}

/// One packet.
#[derive(Debug, Default, Fields)]
pub struct EigrpMessage {
    /// Version.
    pub version: u8,
    /// Operation: update, request, query, reply, hello, ack, siaquery or siareply.
    pub opcode: &'static str,
    /// Autonomous system.
    pub asn: u16,
    /// Virtual router.
    pub virtual_router_id: u16,
    /// init, conditional_receive, restart, end_of_table.
    pub flags: Vec<&'static str>,
    /// Number to be acknowledged.
    pub sequence: u32,
    /// Number that is acknowledged.
    pub ack: u32,
    /// Hello: weights of the metric, K1 to K6.
    pub k_values: Option<Text>,
    /// Hello: seconds for which it is good.
    pub hold_time_s: Option<u16>,
    /// Hello: versions of system and protocol.
    pub software_version: Option<Text>,
    /// How the sender proves itself: md5 or sha256.
    pub auth_type: Option<&'static str>,
    /// How many routes it tells or asks of.
    pub route_count: u32,
    /// The first of them.
    pub routes: Vec<EigrpRoute>,
}

/// The state of one session.
#[derive(Default)]
pub struct Eigrp {
    /// By direction and system.
    greeted: News<(Direction, u16)>,
}

impl Protocol for Eigrp {
    const INFO: Info = Info {
        name: "eigrp",
        id: id::EIGRP,
        title: "Enhanced Interior Gateway Routing Protocol",
        spec: "RFC 7868",
        over: OVER,
        reads_header: true,
        message: EigrpMessage::fields,
        transaction: EigrpMessage::fields,
        anomalies: EigrpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if !out.wants_messages() && !out.wants_transactions() {
            return Step::all(seg);
        }
        let mut record = EigrpMessage::default();
        if message::parse(seg.data, &mut record).is_none() && !seg.cut {
            out.anomaly(EigrpAnomaly::MalformedPacket);
        }
        if record.opcode.is_empty() {
            return Step::all(seg);
        }
        if record.k_values.as_ref().is_some_and(|k| k.as_bytes().starts_with(b"255 255 255 255")) {
            out.anomaly(EigrpAnomaly::Goodbye);
        }
        out.message(&record);
        let told = match record.opcode {
            "ack" => false,
            "hello" => self.greeted.is_new((seg.dir, record.asn), &record),
            _ => true,
        };
        if told {
            out.transaction(seg.time, record);
        }
        Step::all(seg)
    }
}

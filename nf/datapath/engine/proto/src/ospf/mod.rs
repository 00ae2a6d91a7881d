//! Open Shortest Path First, on IP itself: version 2 (RFC 2328) and 3 (RFC 5340).
//!
//! One transaction per packet, hellos only where they differ from the sender's last one: who is
//! neighbour of whom, and which parts of the map are told, asked for and acknowledged.
//!
//! Link states that are told are read: links of routers, who is on a network, ways to other areas
//! and to the outside.
//!
//! Bounds: 16 neighbours and 16 link states of a packet, and 16 links, routers or prefixes of each,
//! are listed; all are counted.

mod lsa;
mod message;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Fields, Text};
use nf_wire::id;

use crate::news::News;
use crate::{Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, within};

/// Most items of a packet that are listed.
const MAX_LISTED: usize = 16;
const OVER: &[Over] = &[within("ip"), within("ipv6")];

anomalies! {
    /// What can be wrong with it.
    pub enum OspfAnomaly {
        /// A packet whose parts do not fit into it, or of an unknown type.
        MalformedPacket = "malformed_packet",
        /// The password of the routers is sent in clear (version 2).
        ClearPassword = "clear_password",
    }
}

/// A link of a router.
#[derive(Debug, Default, Fields)]
pub struct OspfLink {
    /// Type: point_to_point, transit, stub or virtual.
    #[field(name = "type")]
    pub kind: &'static str,
    /// What it leads to: a router, or (version 2) a network.
    pub id: Option<Ipv4Addr>,
    /// Version 2: address of the interface; of a stub, the network's mask.
    pub data: Option<Ipv4Addr>,
    /// Version 3: number of the interface.
    pub interface_id: Option<u32>,
    /// Version 3: number of the interface at the other end.
    pub neighbor_interface_id: Option<u32>,
    /// What it costs.
    pub metric: u16,
}

/// A prefix of version 3.
#[derive(Debug, Default, Fields)]
pub struct OspfPrefix {
    /// Address and length.
    pub prefix: Text,
    /// What it costs, where each has a metric of its own.
    pub metric: Option<u16>,
}

/// A link state; what it tells, where it is told and not only named.
#[derive(Debug, Default, Fields)]
pub struct OspfLsa {
    /// Type: router, network, summary, asbr_summary, external, nssa, link…
    #[field(name = "type")]
    pub kind: &'static str,
    /// Identifier; what it means depends on the type.
    pub id: Option<Ipv4Addr>,
    /// Router that speaks.
    pub advertising_router: Option<Ipv4Addr>,
    /// Number that tells later from earlier.
    pub sequence: Option<u32>,
    /// Seconds since it was said; 3600 takes it back.
    pub age_s: Option<u16>,
    /// Octets, its header included.
    pub length: Option<u16>,
    /// Router: area_border, as_boundary, virtual_link, translator.
    pub roles: Option<Vec<&'static str>>,
    /// Router: how many links it has.
    pub link_count: Option<u32>,
    /// Router: the first of them.
    pub links: Option<Vec<OspfLink>>,
    /// Network, summary, external of version 2: mask of the network.
    pub network_mask: Option<Ipv4Addr>,
    /// Network: how many routers are on it.
    pub router_count: Option<u32>,
    /// Network: the first of them.
    pub attached_routers: Option<Vec<Ipv4Addr>>,
    /// Summary, external: what the way costs.
    pub metric: Option<u32>,
    /// External: 1 is comparable with metrics inside, 2 is more than any of them.
    pub metric_type: Option<u8>,
    /// External: where packets are to be sent, where it is not the router that speaks.
    pub forwarding_address: Option<IpAddr>,
    /// External: a number that routers at the border agree on.
    pub route_tag: Option<u32>,
    /// Version 3: how many prefixes it tells.
    pub prefix_count: Option<u32>,
    /// Version 3: the first of them.
    pub prefixes: Option<Vec<OspfPrefix>>,
    /// Version 3, way to another area's router: which.
    pub destination_router: Option<Ipv4Addr>,
    /// Version 3, link: priority for becoming the designated router.
    pub priority: Option<u8>,
    /// Version 3, link: address of the interface there.
    pub link_local: Option<IpAddr>,
}

/// One packet.
#[derive(Debug, Default, Fields)]
pub struct OspfTransaction {
    /// Version, 2 or 3.
    pub version: u8,
    /// Type: hello, database_description, link_state_request, link_state_update or
    /// link_state_ack.
    #[field(name = "type")]
    pub kind: &'static str,
    /// Router that sends.
    pub router_id: Option<Ipv4Addr>,
    /// Area that the link is in.
    pub area_id: Option<Ipv4Addr>,
    /// Version 2: how the sender proves itself: null, password or cryptographic.
    pub auth_type: Option<&'static str>,
    /// Version 3: instance on the link.
    pub instance_id: Option<u8>,
    /// Hello, description: what the sender can, as bits.
    pub options: Option<u32>,
    /// Hello of version 2: mask of the link.
    pub network_mask: Option<Ipv4Addr>,
    /// Hello of version 3: number of the interface.
    pub interface_id: Option<u32>,
    /// Hello: seconds between hellos.
    pub hello_interval_s: Option<u16>,
    /// Hello: seconds of silence after which a neighbour is gone.
    pub dead_interval_s: Option<u32>,
    /// Hello: priority for becoming the designated router.
    pub priority: Option<u8>,
    /// Hello: designated router.
    pub dr: Option<Ipv4Addr>,
    /// Hello: backup of the designated router.
    pub bdr: Option<Ipv4Addr>,
    /// Hello: how many neighbours the sender has heard.
    pub neighbor_count: Option<u32>,
    /// Hello: the first of them.
    pub neighbors: Option<Vec<Ipv4Addr>>,
    /// Description: largest packet of the interface.
    pub mtu: Option<u16>,
    /// Description: init, more, master.
    pub dd_flags: Option<Vec<&'static str>>,
    /// Description: its number.
    pub dd_sequence: Option<u32>,
    /// How many link states it describes, asks for, tells or acknowledges.
    pub lsa_count: Option<u32>,
    /// The first of them.
    pub lsas: Option<Vec<OspfLsa>>,
}

/// The state of one session.
#[derive(Default)]
pub struct Ospf {
    /// By router, area and instance.
    greeted: News<(Option<Ipv4Addr>, Option<Ipv4Addr>, Option<u8>)>,
}

impl Protocol for Ospf {
    const INFO: Info = Info {
        name: "ospf",
        id: id::OSPF,
        title: "Open Shortest Path First",
        spec: "RFC 2328, RFC 3101, RFC 5340",
        over: OVER,
        reads_header: true,
        transaction: OspfTransaction::fields,
        anomalies: OspfAnomaly::INFOS,
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
        if !out.wants_transactions() {
            return Step::all(seg);
        }
        let mut record = OspfTransaction::default();
        let sound = message::parse(seg.data, &mut record);
        if sound.is_none() && !seg.cut {
            out.anomaly(OspfAnomaly::MalformedPacket);
        }
        if record.auth_type == Some("password") {
            out.anomaly(OspfAnomaly::ClearPassword);
        }
        let sender = (record.router_id, record.area_id, record.instance_id);
        let told = match record.kind {
            // Nothing was read.
            "" => false,
            "hello" => self.greeted.is_new(sender, &record),
            _ => true,
        };
        if told {
            out.transaction(seg.time, record);
        }
        Step::all(seg)
    }
}

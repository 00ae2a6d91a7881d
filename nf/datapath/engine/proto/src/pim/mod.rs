//! Protocol Independent Multicast, version 2, on IP itself (RFC 7761, RFC 5059 for bootstrap,
//! RFC 3973 for grafts).
//!
//! One transaction per message; hellos, joins and what rendezvous points announce only where they
//! differ from the sender's last one.
//!
//! Bounds: 16 joins and 16 prunes of a message are listed, all are counted.

mod message;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use nf_fields::{Fields, Text};
use nf_wire::id;

use crate::news::News;
use crate::{Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, within};

/// Most items of a message that are listed.
const MAX_LISTED: usize = 16;
const OVER: &[Over] = &[within("ip"), within("ipv6")];

anomalies! {
    /// What can be wrong with it.
    pub enum PimAnomaly {
        /// Parts that do not fit, or an unknown version.
        MalformedMessage = "malformed_message",
    }
}

/// One message.
#[derive(Debug, Default, Fields)]
pub struct PimMessage {
    /// Version.
    pub version: u8,
    /// Type: hello, register, register_stop, join_prune, bootstrap, assert, graft, graft_ack,
    /// candidate_rp or state_refresh.
    #[field(name = "type")]
    pub kind: &'static str,
    /// Hello, join: seconds for which it is good.
    pub hold_time_s: Option<u16>,
    /// Hello: priority for becoming the designated router.
    pub dr_priority: Option<u32>,
    /// Hello: number that changes when the sender begins anew.
    pub generation_id: Option<u32>,
    /// Hello: milliseconds of delay on the link.
    pub propagation_delay_ms: Option<u16>,
    /// Hello: milliseconds in which others may object to a prune.
    pub override_interval_ms: Option<u16>,
    /// Hello: further addresses of the sender.
    pub addresses: Option<Vec<IpAddr>>,
    /// Join: router that it is meant for.
    pub upstream: Option<IpAddr>,
    /// Join: how many trees are joined.
    pub join_count: Option<u32>,
    /// The first of them, as source and group; a star is any source.
    pub joins: Option<Vec<Text>>,
    /// Join: how many trees are left.
    pub prune_count: Option<u32>,
    /// The first of them.
    pub prunes: Option<Vec<Text>>,
    /// Register, its stop, assert: group.
    pub group: Option<Text>,
    /// Register, its stop, assert: source.
    pub source: Option<IpAddr>,
    /// Register: it carries no packet and only keeps the path alive.
    pub null_register: Option<bool>,
    /// Assert: preference of the sender's route.
    pub metric_preference: Option<u32>,
    /// Assert: metric of the sender's route.
    pub metric: Option<u32>,
    /// Bootstrap: router that collects the rendezvous points.
    pub bsr: Option<IpAddr>,
    /// Bootstrap: its priority.
    pub bsr_priority: Option<u8>,
    /// Candidate: rendezvous point.
    pub rp: Option<IpAddr>,
}

/// The state of one session.
#[derive(Default)]
pub struct Pim {
    told: News<(Direction, &'static str, Option<IpAddr>)>,
}

impl Protocol for Pim {
    const INFO: Info = Info {
        name: "pim",
        id: id::PIM,
        title: "Protocol Independent Multicast",
        spec: "RFC 7761, RFC 5059, RFC 3973",
        over: OVER,
        reads_header: true,
        message: PimMessage::fields,
        transaction: PimMessage::fields,
        anomalies: PimAnomaly::INFOS,
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
        let mut record = PimMessage::default();
        if message::parse(seg.data, &mut record).is_none() && !seg.cut {
            out.anomaly(PimAnomaly::MalformedMessage);
        }
        if record.kind.is_empty() {
            return Step::all(seg);
        }
        out.message(&record);
        let repeated = matches!(record.kind, "hello" | "join_prune" | "bootstrap" | "candidate_rp");
        let sender = (seg.dir, record.kind, record.upstream.or(record.rp));
        if !repeated || self.told.is_new(sender, &record) {
            out.transaction(seg.time, record);
        }
        Step::all(seg)
    }
}

//! sFlow version 5 over UDP (sflow.org, "sFlow Version 5", 2004; discarded packets 2020): what agents
//! say of sampled packets and of counters, by header and number; the samples are not taken apart.
//!
//! One transaction per datagram.
//!
//! Bounds: 1,024 samples of a datagram, 256 records of a sample, 32 agents whose numbers are followed.

mod message;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use nf_fields::{Fields, ProtoId};

use crate::numbering::{Numbering, Standing};
use crate::{Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, anomalies, udp};

const PORT: u16 = 6343;
const OVER: &[Over] = &[udp(&[PORT])];

anomalies! {
    /// What can be wrong with it.
    pub enum SflowAnomaly {
        /// Samples that do not fit, or an unknown version.
        MalformedMessage = "malformed_message",
        /// Numbers were left out: datagrams of the agent are missing.
        SequenceGap = "sequence_gap",
        /// A number behind the expected one: it came late, or the agent began anew.
        SequenceBehind = "sequence_behind",
    }
}

/// One datagram.
#[derive(Debug, Fields)]
pub struct SflowMessage {
    /// Version.
    pub version: u32,
    /// Address of the agent.
    pub agent_address: IpAddr,
    /// Part of the agent that speaks.
    pub sub_agent_id: u32,
    /// Number of the datagram.
    pub sequence: u32,
    /// Datagrams left out before it.
    pub lost: Option<u32>,
    /// Milliseconds since the agent began.
    pub uptime_ms: u32,
    /// Samples that the header counts.
    pub sample_count: u32,
    /// Of these, sampled packets.
    pub flow_samples: u32,
    /// Of these, counters.
    pub counter_samples: u32,
    /// Of these, packets that the agent threw away.
    pub discarded_samples: u32,
    /// Of these, samples of makers' own.
    pub other_samples: u32,
    /// Beginnings of packets in the samples.
    pub header_count: u32,
    /// Octets that these packets had on the wire.
    pub frame_bytes: u64,
    /// Records of counters.
    pub counter_count: u32,
    /// One packet of so many is sampled, as the last sample says.
    pub sampling_rate: Option<u32>,
    /// Samples that the agent could not take, as the last sample says.
    pub dropped_samples: Option<u32>,
}

/// The state of one session.
#[derive(Default)]
pub struct Sflow {
    numbers: Numbering<(IpAddr, u32)>,
}

impl Protocol for Sflow {
    const INFO: Info = Info {
        name: "sflow",
        id: ProtoId(310),
        title: "sFlow",
        spec: "sFlow Version 5 (sflow.org)",
        over: OVER,
        patterns: &[Pattern::start(b"\x00\x00\x00\x05")],
        weight: 60,
        message: SflowMessage::fields,
        transaction: SflowMessage::fields,
        anomalies: SflowAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    /// Samples and their records must fill the datagram to its last octet; then no port is needed.
    fn probe(seg: &Segment<'_>) -> Probe {
        let Some((record, sound)) = message::parse(seg.data) else {
            return Probe::No;
        };
        let filled = sound && record.sample_count > 0;
        let on_port = seg.on_port(PORT);
        if filled || (on_port && (sound || seg.cut)) { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if !out.wants_messages() && !out.wants_transactions() {
            return Step::all(seg);
        }
        let found = message::parse(seg.data);
        if !found.as_ref().is_some_and(|(_, sound)| *sound) && !seg.cut {
            out.anomaly(SflowAnomaly::MalformedMessage);
        }
        if let Some((mut record, _)) = found {
            let agent = (record.agent_address, record.sub_agent_id);
            match self.numbers.follow(agent, record.sequence, 1) {
                Standing::First | Standing::Next => {}
                Standing::Ahead(lost) => {
                    record.lost = Some(lost);
                    out.anomaly(SflowAnomaly::SequenceGap);
                }
                Standing::Behind => out.anomaly(SflowAnomaly::SequenceBehind),
            }
            out.message(&record);
            out.transaction(seg.time, record);
        }
        Step::all(seg)
    }
}

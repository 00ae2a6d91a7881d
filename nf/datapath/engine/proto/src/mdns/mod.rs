//! Multicast DNS (RFC 6762): names on the local link, without a server.
//!
//! Questions go to a group and answers mostly come back to it, each in a session of its own, so
//! that what is said to a group makes a transaction per message. Questions sent to one host pair
//! with its answer as DNS's do. Addresses in any section are told to the engine.
//!
//! Bounds: those of [`crate::dns`], whose messages these are.

#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::dns::exchange::Dialect;
use crate::dns::{self, DnsAnomaly, DnsMessage, DnsTransaction, Messages, Rigour};
use crate::{
    Direction, Flow, Gap, Info, Over, Probe, Protocol, Segment, Sink, Step, TimeoutClass, udp,
};

const PORT: u16 = 5353;
const OVER: &[Over] = &[udp(&[PORT])];

/// The state of one session.
pub struct Mdns {
    messages: Messages,
}

impl Protocol for Mdns {
    const INFO: Info = Info {
        name: "mdns",
        id: ProtoId(218),
        title: "Multicast DNS",
        spec: "RFC 6762",
        over: OVER,
        patterns: dns::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Short,
        message: DnsMessage::fields,
        transaction: DnsTransaction::fields,
        anomalies: DnsAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        Self { messages: Messages::new(Dialect::Mdns, flow) }
    }

    /// Nothing in a message tells it from DNS: the port does.
    fn probe(seg: &Segment<'_>) -> Probe {
        if seg.on_port(PORT) { dns::probe_messages(seg, Rigour::OwnPort) } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.messages.parse(seg, out)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.messages.gap(dir)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.messages.end(out);
    }
}

//! Link-Local Multicast Name Resolution (RFC 4795): names of neighbours, without a server.
//!
//! A query goes to a group and its answer comes from a neighbour in a session of its own, so that
//! what is said to a group makes a transaction per message. Over TCP, and in queries sent to one
//! host, query and answer pair as DNS's do. The header has a conflict bit and a tentative bit
//! where DNS has others.
//!
//! Bounds: those of [`crate::dns`], whose messages these are.

#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::dns::exchange::Dialect;
use crate::dns::{self, DnsAnomaly, DnsMessage, DnsTransaction, Messages, Rigour};
use crate::{
    Direction, Flow, Gap, Info, Over, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp, udp,
};

const PORT: u16 = 5355;
const OVER: &[Over] = &[udp(&[PORT]), tcp(&[PORT])];

/// The state of one session.
pub struct Llmnr {
    messages: Messages,
}

impl Protocol for Llmnr {
    const INFO: Info = Info {
        name: "llmnr",
        id: ProtoId(634),
        title: "Link-Local Multicast Name Resolution",
        spec: "RFC 4795",
        over: OVER,
        patterns: dns::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Short,
        max_pending: dns::MAX_STREAM_MESSAGE,
        message: DnsMessage::fields,
        transaction: DnsTransaction::fields,
        anomalies: DnsAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        Self { messages: Messages::new(Dialect::Llmnr, flow) }
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

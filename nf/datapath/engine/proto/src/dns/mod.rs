//! DNS over UDP and TCP (RFC 1035, 2136, 5936, 6891, 7766, 9460; terms of RFC 9499).
//!
//! One transaction per query and its response, also for queries without response, responses
//! whose query was not seen, and zone transfers. A response must repeat the question of the query
//! with its identifier. Whatever A, AAAA and service binding records in the answers say is told
//! to the engine under the name that was asked, so this parser is never settled: each response
//! counts. mDNS and LLMNR ([`crate::mdns`], [`crate::llmnr`]) are spoken by the same parts.
//!
//! Bounds: 255 octets per name and 32 pointers in it, 64 unanswered queries per session, 64
//! records per list, 1024 octets of text per record. Names and data of records are read only
//! where somebody listens, and so are the anomalies in them counted.

mod build;
mod edns;
pub(crate) mod exchange;
mod harvest;
mod message;
pub(crate) mod name;
pub(crate) mod over_http;
mod probe;
mod rdata;
mod record;
mod service;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod transfer;
mod words;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    tcp, udp,
};
pub use exchange::DnsAnomaly;
use exchange::{Dialect, Exchange};
pub use probe::Rigour;
pub use record::{DnsMessage, DnsTransaction, QuestionRecord, ResourceRecord};

/// Octets of the length before each message of a stream.
const PREFIX: usize = 2;
/// The longest message of a stream with its length.
pub(crate) const MAX_STREAM_MESSAGE: usize = PREFIX + 65_535;

/// Fewer than 256 questions, in a datagram or behind the length of a stream.
pub(crate) const PATTERNS: &[Pattern] = &[Pattern::at(4, b"\0"), Pattern::at(6, b"\0")];

const PORT: u16 = 53;
/// Ports of protocols with messages of the same shape.
const SIMILAR: [u16; 3] = [137, 5353, 5355];

/// The state of one session.
pub struct Dns {
    streams: Messages,
}

/// Messages of datagrams or streams, in whichever dialect.
pub(crate) struct Messages {
    exchange: Exchange,
    /// Per direction: octets were lost, and the next message must be found.
    lost: [bool; 2],
}

impl Protocol for Dns {
    const INFO: Info = Info {
        name: "dns",
        id: ProtoId(85),
        title: "Domain Name System",
        spec: "RFC 1035, RFC 7766",
        over: OVER,
        patterns: PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Short,
        max_pending: MAX_STREAM_MESSAGE,
        message: DnsMessage::fields,
        transaction: DnsTransaction::fields,
        anomalies: DnsAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        Self { streams: Messages::new(Dialect::Dns, flow) }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if SIMILAR.iter().any(|&port| seg.on_port(port)) {
            return Probe::No;
        }
        let rigour = if seg.on_port(PORT) { Rigour::OwnPort } else { Rigour::Elsewhere };
        probe_messages(seg, rigour)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.streams.parse(seg, out)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.streams.gap(dir)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.streams.end(out);
    }
}

const OVER: &[Over] = &[udp(&[PORT]), tcp(&[PORT])];

/// Judges a datagram or the start of a stream.
pub(crate) fn probe_messages(seg: &Segment<'_>, rigour: Rigour) -> Probe {
    match seg.flow.transport {
        Transport::Tcp => probe::stream(seg, rigour),
        _ => probe::datagram(seg, rigour),
    }
}

impl Messages {
    /// Nothing seen yet.
    pub(crate) fn new(dialect: Dialect, flow: &Flow) -> Self {
        Self { exchange: Exchange::new(dialect, flow), lost: [false; 2] }
    }

    /// See [`Protocol::parse`].
    pub(crate) fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport != Transport::Tcp {
            self.exchange.message(seg.data, seg, out);
            return Step::all(seg);
        }
        if let Some(lost) = self.lost.get_mut(seg.dir.index())
            && *lost
        {
            // Only a message that begins with this segment is found again.
            match probe::stream(seg, Rigour::Elsewhere) {
                Probe::Certain => *lost = false,
                _ => return Step::all(seg),
            }
        }
        let Some((prefix, rest)) = seg.data.split_first_chunk::<PREFIX>() else {
            return Step::need(0, PREFIX);
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        let whole = length.saturating_add(PREFIX);
        let Some(message) = rest.get(..length) else {
            return Step::need(0, whole);
        };
        self.exchange.message(message, seg, out);
        Step::used(whole)
    }

    /// See [`Protocol::gap`].
    pub(crate) fn gap(&mut self, dir: Direction) -> Gap {
        if let Some(lost) = self.lost.get_mut(dir.index()) {
            *lost = true;
        }
        Gap::Resume
    }

    /// See [`Protocol::end`].
    pub(crate) fn end(&mut self, out: &mut Sink<'_>) {
        self.exchange.end(out);
    }
}

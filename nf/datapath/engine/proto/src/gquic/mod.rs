//! Google QUIC before it took over the IETF's packet protection: versions Q009 to Q046 over UDP
//! ("QUIC Wire Layout Specification", revisions for Chromium).
//!
//! The client's hello is authenticated by a hash only and can be read: one transaction per
//! connection with name and program. All else is encrypted. Versions Q050, T050 and T051 are
//! [`crate::quic`]'s.
//!
//! Bounds: hellos that fit one datagram, with at most 128 values, are read.

pub mod message;
mod packet;
#[cfg(test)]
mod tests;

use nf_fields::{Binary, Fields, ProtoId, Text};

use crate::{
    Flow, Info, NameSource, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, udp,
};
use message::CHLO;
use packet::Packet;

/// Google QUIC's number (MMT's `quic`).
pub const ID: ProtoId = ProtoId(627);

/// Longest text kept.
const MAX_TEXT: usize = 255;
/// Packets after which no hello is waited for.
const MAX_PACKETS: u8 = 16;
const PORTS: &[u16] = &[443, 80];

crate::anomalies! {
    /// What can be wrong with Google QUIC.
    pub enum Anomaly {
        /// A packet with a version whose handshake data cannot be read.
        MalformedHello = "malformed_hello",
    }
}

/// A connection.
#[derive(Debug, Default, Fields)]
pub struct GquicTransaction {
    /// Version: "Q043", ….
    pub version: Option<Text>,
    /// Name the client asked for.
    pub server_name: Option<Text>,
    /// The program that asked.
    pub user_agent: Option<Text>,
    /// Connection id.
    pub connection_id: Option<Binary>,
}

/// State of one connection.
pub struct Gquic {
    packets: u8,
    is_reported: bool,
    start: u64,
    record: Option<Box<GquicTransaction>>,
}

impl Protocol for Gquic {
    const INFO: Info = Info {
        name: "gquic",
        id: ID,
        aliases: &[],
        title: "Google QUIC",
        spec: "QUIC Wire Layout Specification (Chromium)",
        over: &[udp(PORTS)],
        patterns: &[Pattern::at(9, b"Q0"), Pattern::at(1, b"Q0")],
        weight: 31,
        timeout: TimeoutClass::Default,
        transaction: GquicTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { packets: 0, is_reported: false, start: 0, record: None }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match Packet::parse(seg.data) {
            None => Probe::No,
            // A hello in it is beyond doubt; else two digits of a version and the port must do.
            Some(packet) if packet.hello().is_some() => Probe::Certain,
            Some(_) if PORTS.iter().any(|&p| seg.on_port(p)) => Probe::Certain,
            Some(_) => Probe::Unsure,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.packets = self.packets.saturating_add(1);
        let packet = Packet::parse(seg.data);
        if let Some(packet) = &packet
            && !self.is_reported
        {
            self.read(packet, seg, out);
        }
        if self.is_reported || self.packets >= MAX_PACKETS {
            self.end(out);
            return Step::done();
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        if let Some(record) = self.record.take() {
            out.transaction(self.start, *record);
        }
    }
}

impl Gquic {
    fn read(&mut self, packet: &Packet<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if out.wants_transactions() && self.record.is_none() {
            self.start = seg.time;
            self.record = Some(Box::new(GquicTransaction {
                version: Some(packet.version.as_slice().into()),
                connection_id: Some(packet.connection_id.into()),
                ..GquicTransaction::default()
            }));
        }
        let Some(hello) = packet.hello() else {
            if packet.has_hello_tag() {
                out.anomaly(Anomaly::MalformedHello);
            }
            return;
        };
        if hello.tag != CHLO {
            return;
        }
        if let Some(name) = hello.server_name() {
            out.server_name(NameSource::Sni, name);
        }
        if let Some(record) = &mut self.record {
            record.server_name = hello.server_name().map(|n| Text::bounded(n, MAX_TEXT));
            record.user_agent = hello.user_agent().map(|a| Text::bounded(a, MAX_TEXT));
        }
        self.is_reported = true;
        out.settled();
    }
}

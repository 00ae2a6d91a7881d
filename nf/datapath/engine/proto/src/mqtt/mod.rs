//! MQTT 3.1, 3.1.1 and 5.0 over TCP (OASIS). One transaction per CONNECT with its CONNACK, per
//! PUBLISH with its acknowledgements, per SUBSCRIBE and UNSUBSCRIBE with theirs, per DISCONNECT
//! and per AUTH; pings are messages only.
//!
//! Bounds: 32 KiB of a packet are read (what exceeds that is counted and skipped), 64 requests
//! wait for their answers with 64 KiB of text, 64 topic aliases of 512 octets per direction.

mod exchange;
mod message;
mod probe;
mod property;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use exchange::{Aliases, Pending};
use message::{Front, Header, VERSION_5, kind};
pub use property::Property;
pub use record::{MqttMessage, MqttTransaction};

const PORTS: &[u16] = &[1883];
const OVER: &[Over] = &[tcp(PORTS), within("tls"), within("websocket")];
/// Most octets of a packet that are read, its fixed header aside.
const MAX_BODY: usize = 32 * 1024;
/// Version assumed of a session whose CONNECT was not seen.
const USUAL_VERSION: u8 = 4;

/// First octets of packets by which a session is known that began earlier.
macro_rules! first_octets {
    ($( $octet:literal ),*) => { &[ $( Pattern::start(&[$octet]) ),* ] };
}

anomalies! {
    /// What can be wrong with it.
    pub enum MqttAnomaly {
        /// A length of more than four octets; the direction is searched for the next packet.
        MalformedLength = "malformed_length",
        /// A packet whose parts do not fill it, or exceed it.
        MalformedPacket = "malformed_packet",
        /// A packet type that the version does not have.
        ReservedType = "reserved_type",
        /// Flags that the packet's type may not have.
        InvalidFlags = "invalid_flags",
        /// A quality of service of 3.
        InvalidQos = "invalid_qos",
        /// A topic with a wildcard, or text that is not UTF-8 or has NUL.
        InvalidText = "invalid_text",
        /// A subscription without a filter.
        NoTopics = "no_topics",
        /// The first packet of the session is no CONNECT.
        Unintroduced = "unintroduced",
        /// A second CONNECT.
        RepeatedConnect = "repeated_connect",
        /// An answer to a request nobody made.
        UnaskedAnswer = "unasked_answer",
        /// A topic alias that stands for nothing.
        UnknownAlias = "unknown_alias",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    /// Octets of a long packet that are not read.
    skip: u64,
    /// Out of step: looking for a packet at the beginning of segments.
    lost: bool,
    aliases: Aliases,
}

/// The state of one session.
pub struct Mqtt {
    lanes: [Lane; 2],
    version: u8,
    connected: bool,
    /// Whether any packet was seen.
    begun: bool,
    pending: Pending,
}

impl Protocol for Mqtt {
    const INFO: Info = Info {
        name: "mqtt",
        id: ProtoId(657),
        title: "Message Queuing Telemetry Transport",
        spec: "OASIS MQTT 3.1.1, 5.0; IBM MQTT 3.1",
        over: OVER,
        patterns: first_octets![
            0x10, 0x20, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x3a, 0x3b, 0x3c, 0x3d, 0x40, 0x50,
            0x62, 0x70, 0x82, 0x90, 0xa2, 0xb0, 0xc0, 0xd0
        ],
        weight: 30,
        timeout: TimeoutClass::Long,
        max_pending: MAX_BODY + 8,
        message: MqttMessage::fields,
        transaction: MqttTransaction::fields,
        anomalies: MqttAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            version: USUAL_VERSION,
            connected: false,
            begun: false,
            pending: Pending::default(),
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // What the session is was clear from its first octets.
        out.settled();
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let taken = usize::try_from(lane.skip).unwrap_or(usize::MAX).min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(taken as u64);
            return Step::used(taken);
        }
        if lane.lost {
            if !probe::follows(seg.data) {
                return Step::all(seg);
            }
            lane.lost = false;
        }
        let header = match message::header(seg.data) {
            Front::Header(header) => header,
            Front::Partial => return Step::used(0),
            Front::Malformed => {
                out.anomaly(MqttAnomaly::MalformedLength);
                lane.lost = true;
                return Step::all(seg);
            }
        };
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let end = header.size.saturating_add(length.min(MAX_BODY));
        let Some(body) = seg.data.get(header.size..end) else {
            return Step::need(0, end);
        };
        lane.skip = length.saturating_sub(MAX_BODY) as u64;
        self.packet(&header, body, seg, out);
        Step::used(end)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        lane.lost = lost > lane.skip || lane.skip == 0;
        lane.skip = lane.skip.saturating_sub(lost);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while self.pending.give_up(out) {}
    }
}

impl Mqtt {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Judges the fixed header of a packet, and reads it.
    fn packet(&mut self, header: &Header, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !self.begun && header.kind != kind::CONNECT {
            out.anomaly(MqttAnomaly::Unintroduced);
        }
        self.begun = true;
        let auth = header.kind == kind::AUTH && self.version != VERSION_5 && self.connected;
        if header.kind == 0 || auth {
            out.anomaly(MqttAnomaly::ReservedType);
            if out.wants_messages() {
                out.message(&record::message(header));
            }
            return;
        }
        if header.qos() == 3 && header.kind == kind::PUBLISH {
            out.anomaly(MqttAnomaly::InvalidQos);
        } else if !header.has_valid_flags(self.version) {
            out.anomaly(MqttAnomaly::InvalidFlags);
        }
        if self.read(header, body, seg, out).is_none() {
            out.anomaly(MqttAnomaly::MalformedPacket);
            if out.wants_messages() {
                out.message(&record::message(header));
            }
        }
    }
}

//! Rows: what workers hand to the finishing side.

use std::net::IpAddr;
use std::sync::Arc;

use nf_apps::AppRef;
use nf_fields::{ProtoId, Value};
use nf_flow::SessionKey;
use nf_proto::{Expectation, NameSource, Record};
use nf_wire::id;

use crate::path::Path;
use crate::plan::Event;
use crate::risk::Risks;

/// A place in the one order of all rows: the packet that caused the row and how, then the
/// session, then the row's number within the session. Equal for any number of threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// See [`Moment`].
    pub moment: u64,
    /// The session's id.
    pub session: u64,
    /// Counts rows of one session at one moment.
    pub minor: u32,
}

/// What a packet caused, in the order in which it is done.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// The time it brought ended sessions.
    Tick,
    /// It found its session's place at an IP layer taken by one that is over.
    Before(usize),
    /// It was processed at an IP layer.
    Packet(usize),
    /// The capture ended.
    End,
}

impl Moment {
    /// The number that orders it among the moments of all packets.
    pub fn of(self, sequence: u64) -> u64 {
        let phase = match self {
            Moment::Tick => 0,
            Moment::Before(layer) => 1 + 2 * layer as u64,
            Moment::Packet(layer) => 2 + 2 * layer as u64,
            Moment::End => 15,
        };
        sequence << 4 | phase
    }
}

/// How a session came to its protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Not at all.
    #[default]
    None,
    /// By the address of the server.
    Address,
    /// By a port number.
    Port,
    /// By a pattern of octets.
    Pattern,
    /// A parser or probe was certain.
    Dpi,
    /// A function of the user's said so.
    User,
}

impl Confidence {
    /// The word in records.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::None => "none",
            Confidence::Address => "address",
            Confidence::Port => "port",
            Confidence::Pattern => "pattern",
            Confidence::Dpi => "dpi",
            Confidence::User => "user",
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndReason {
    /// It has not.
    #[default]
    Active,
    /// Both sides closed.
    Fin,
    /// Reset.
    Rst,
    /// Silent for its timeout.
    Idle,
    /// Its place was needed.
    Evicted,
    /// Somebody asked for it.
    Terminated,
    /// The capture ended.
    EndOfCapture,
}

impl EndReason {
    /// The word in records.
    pub fn name(self) -> &'static str {
        match self {
            EndReason::Active => "active",
            EndReason::Fin => "fin",
            EndReason::Rst => "rst",
            EndReason::Idle => "idle",
            EndReason::Evicted => "evicted",
            EndReason::Terminated => "terminated",
            EndReason::EndOfCapture => "end_of_capture",
        }
    }
}

/// A server's name and where it was read.
#[derive(Clone, Debug)]
pub struct ServerName {
    /// Lower case.
    pub name: Arc<[u8]>,
    /// The strongest source so far.
    pub source: NameSource,
}

/// What a protocol said of the application besides a server's name.
#[derive(Clone, Copy, Debug)]
pub struct AppClue {
    /// Its id, which outlives a configuration.
    pub app: ProtoId,
    /// It tells no other.
    pub certain: bool,
}

/// How a session came to its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AppConfidence {
    /// By the address of the server, or a name that led to it.
    Address,
    /// By a port, and that the traffic towards it is encrypted.
    Port,
    /// By a name that others share, or a part of one.
    Partial,
    /// By its own protocol, a name, a certificate.
    Dpi,
}

impl AppConfidence {
    /// The word in records.
    pub fn name(self) -> &'static str {
        match self {
            AppConfidence::Address => "address",
            AppConfidence::Port => "port",
            AppConfidence::Partial => "partial",
            AppConfidence::Dpi => "dpi",
        }
    }

    /// Of something that tells an application, `certain` or not.
    pub fn of(certain: bool) -> Self {
        if certain { AppConfidence::Dpi } else { AppConfidence::Partial }
    }
}

/// A session's facts at one moment.
#[derive(Clone, Debug, Default)]
pub struct SessionFacts {
    /// Number of its first packet; the IP layer (0 outermost) above bit 48.
    pub id: u64,
    /// First packet, nanoseconds since the epoch.
    pub start: u64,
    /// Last packet.
    pub end: u64,
    /// Dispatch number of the first packet.
    pub first: u64,
    /// Both ends.
    pub key: SessionKey,
    /// Whether the initiator is the higher end of the key.
    pub initiator_is_high: bool,
    /// VLAN identifier + 1 of the first packet; 0 when untagged.
    pub vlan: u16,
    /// ICMP type and code of the first packet.
    pub icmp: Option<[u8; 2]>,
    /// Path seen from the initiator.
    pub path: Path,
    /// Path seen from the responder; empty while it has not spoken.
    pub path_down: Path,
    /// How the protocol was found.
    pub confidence: Confidence,
    /// Why it ended.
    pub end_reason: EndReason,
    /// Name of the server.
    pub server_name: Option<ServerName>,
    /// What else tells the application.
    pub clue: Option<AppClue>,
    /// Packets, initiator's first.
    pub packets: [u64; 2],
    /// Octets from the IP header up.
    pub bytes: [u64; 2],
    /// Octets of transport payload.
    pub payload: [u64; 2],
    /// Packets of sessions within this one (it is their tunnel).
    pub nested_packets: [u64; 2],
    /// Octets of those, from this session's IP header up.
    pub nested_bytes: [u64; 2],
    /// TCP segments sent again.
    pub retransmissions: [u32; 2],
    /// Smallest round trip between probe and responder, microseconds.
    pub rtt_us: Option<u32>,
    /// From SYN to the acknowledgement that completes the handshake.
    pub handshake_us: Option<u32>,
    /// From the initiator's first request to the responder's first octet of payload.
    pub app_response_us: Option<u32>,
    /// Anomalies counted on it.
    pub anomalies: u32,
    /// Risks found so far, where somebody asks for them.
    pub risks: Risks,
    /// Bits of the filter's conditions that some transaction met, and the number of the snapshot
    /// whose filter is meant.
    pub met: (u32, u64),
}

/// A value of an attribute that outlives its packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Owned {
    /// Absent.
    None,
    /// Truth.
    Bool(bool),
    /// Unsigned.
    Uint(u64),
    /// Signed.
    Int(i64),
    /// Real.
    Float(f64),
    /// Text.
    Text(Box<[u8]>),
    /// Octets.
    Binary(Box<[u8]>),
    /// EUI-48.
    Mac([u8; 6]),
    /// Address.
    Ip(IpAddr),
    /// Nanoseconds.
    Time(u64),
    /// Lists and records, as JSON.
    Json(Box<[u8]>),
    /// How many sessions there are at that moment: the finishing side puts the number here.
    Count(Count),
}

/// What is counted of the sessions of an IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Sessions begun so far.
    Begun(u8),
    /// Those that have not ended.
    Active(u8),
    /// Those ended by silence.
    Idle(u8),
}

/// Most octets of text kept for one attribute of an event.
const MAX_TEXT: usize = 4096;

impl Owned {
    /// A copy of `value`, bounded.
    pub fn of(value: Value<'_>) -> Self {
        let bounded = |b: &[u8]| b.get(..MAX_TEXT).unwrap_or(b).into();
        match value {
            Value::None => Owned::None,
            Value::Bool(v) => Owned::Bool(v),
            Value::Uint(v) => Owned::Uint(v),
            Value::Int(v) => Owned::Int(v),
            Value::Float(v) => Owned::Float(v),
            Value::Text(v) => Owned::Text(bounded(v)),
            Value::Binary(v) => Owned::Binary(bounded(v)),
            Value::Mac(v) => Owned::Mac(v),
            Value::Ip(v) => Owned::Ip(v),
            Value::Time(v) => Owned::Time(v),
            Value::List(_) | Value::Record(_) => {
                let mut json = Vec::new();
                nf_fields::json::write_value(&mut json, value);
                Owned::Json(json.into())
            }
        }
    }

    /// The value, borrowed; JSON comes as text.
    pub fn value(&self) -> Value<'_> {
        match self {
            Owned::None | Owned::Count(_) => Value::None,
            Owned::Bool(v) => Value::Bool(*v),
            Owned::Uint(v) => Value::Uint(*v),
            Owned::Int(v) => Value::Int(*v),
            Owned::Float(v) => Value::Float(*v),
            Owned::Text(v) | Owned::Json(v) => Value::Text(v),
            Owned::Binary(v) => Value::Binary(v),
            Owned::Mac(v) => Value::Mac(*v),
            Owned::Ip(v) => Value::Ip(*v),
            Owned::Time(v) => Value::Time(*v),
        }
    }
}

/// What a row reports besides its session.
pub enum What {
    /// The session itself: it ended, or its turn for an interim report came.
    Session,
    /// A transaction of `proto`.
    Transaction {
        /// Whose.
        proto: ProtoId,
        /// When it began.
        ts: u64,
        /// Its fields.
        record: Box<dyn Record>,
    },
    /// An event of the plan.
    Event {
        /// Which.
        event: Arc<Event>,
        /// When.
        ts: u64,
        /// Values, in the order of the event's attributes.
        values: Box<[Owned]>,
    },
}

/// A row. It stays where it was made until it is written: it is large, and a copy at each door
/// costs more than what is done there.
pub struct Row {
    /// Its place.
    pub order: Order,
    /// The session at that moment; `id` 0 for packets outside any.
    pub session: SessionFacts,
    /// What happened.
    pub what: What,
    /// What the finishing side adds.
    pub names: Names,
}

impl Row {
    /// Takes another protocol for the one that was found above the transport: a user's verdict.
    pub fn reclassify(&mut self, proto: ProtoId) {
        for (path, text) in [
            (&mut self.session.path, &mut self.names.path),
            (&mut self.session.path_down, &mut self.names.path_down),
        ] {
            if path.is_empty() {
                continue;
            }
            let transport = [id::TCP, id::UDP, id::SCTP, id::IP, id::IPV6, id::INT];
            let at = path.ids().iter().rposition(|id| transport.contains(id));
            let mut kept: Path =
                path.ids().iter().take(at.map_or(0, |at| at + 1)).copied().collect();
            kept.push(proto);
            *text = Some(kept.to_string().into());
            *path = kept;
        }
        self.session.confidence = Confidence::User;
    }
}

/// What only order can tell of a row.
#[derive(Default)]
pub struct Names {
    /// Text of the path.
    pub path: Option<Arc<str>>,
    /// Text of the path down; absent while the responder has not spoken.
    pub path_down: Option<Arc<str>>,
    /// The application, and how it was found.
    pub app: Option<(AppRef, AppConfidence)>,
}

/// What workers learn that concerns other sessions; the finishing side applies it in order.
pub enum Hint {
    /// A name's address.
    Answer {
        /// Lower case.
        name: Arc<[u8]>,
        /// Where it leads.
        address: IpAddr,
        /// Until when, nanoseconds of packet time.
        until: u64,
    },
    /// A session of this IP version has begun.
    Begun {
        /// 4 or 6.
        version: u8,
    },
    /// A session announced.
    Expect {
        /// Which.
        expectation: Expectation,
        /// Until when.
        until: u64,
    },
}

/// Packets outside sessions, by path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loose {
    /// Packets.
    pub packets: u64,
    /// Octets on the wire.
    pub bytes: u64,
    /// First packet.
    pub first: u64,
    /// Last packet.
    pub last: u64,
}

//! What a protocol says of itself: the descriptor that dispatch, documentation, filters and fuzz
//! targets are derived from.

use nf_fields::{Field, ProtoId};

/// A protocol's descriptor. Write it with `..Info::DEFAULT` for what does not differ.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Folder, path word, filter word and YANG identity.
    pub name: &'static str,
    /// MMT-DPI's id, or ours from 1000 up.
    pub id: ProtoId,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// One line for people.
    pub title: &'static str,
    /// Where it is defined.
    pub spec: &'static str,
    /// What carries it, with the ports that hint at it.
    pub over: &'static [Over],
    /// SCTP's payload protocol identifiers: messages that have one are asked of this protocol only.
    pub ppids: &'static [u32],
    /// Anchors of which one must match before `probe` runs; none: `probe` always runs.
    pub patterns: &'static [Pattern],
    /// Lower is asked first (MMT: 10 to 90).
    pub weight: u8,
    /// How long its sessions may be silent.
    pub timeout: TimeoutClass,
    /// Most octets of an unfinished message kept per direction; what exceeds it ends the parser.
    pub max_pending: usize,
    /// Fields of the message it reports while parsing (empty: none).
    pub message: fn() -> &'static [Field],
    /// Fields of its transaction record (empty: none).
    pub transaction: fn() -> &'static [Field],
    /// What can be wrong with it, in the order of its anomaly enum.
    pub anomalies: &'static [AnomalyInfo],
    /// Protocols that its parser reads inside its own and reports in their names.
    pub speaks: &'static [ProtoId],
    /// The headers' walk finds it: its parser gets every packet with a header of this id, from
    /// that header on, within an IP session or outside any; the probe is not asked.
    pub reads_header: bool,
}

fn no_fields() -> &'static [Field] {
    &[]
}

impl Info {
    /// The usual.
    pub const DEFAULT: Info = Info {
        name: "",
        id: ProtoId::UNKNOWN,
        aliases: &[],
        title: "",
        spec: "",
        over: &[],
        ppids: &[],
        patterns: &[],
        weight: 50,
        timeout: TimeoutClass::Default,
        max_pending: 64 * 1024,
        message: no_fields,
        transaction: no_fields,
        anomalies: &[],
        speaks: &[],
        reads_header: false,
    };

    /// Whether `name` is this protocol's name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// An anomaly's name and explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomalyInfo {
    /// snake_case; counted as `protocol.name`.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
}

/// How long a session may be silent before it ends (MMT's four classes; seconds are settings).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeoutClass {
    /// 60 s unless configured.
    #[default]
    Default,
    /// 15 s: question and answer.
    Short,
    /// 600 s: connections that idle.
    Long,
    /// 1500 s: live media.
    Live,
}

/// What can carry a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// An ordered TCP stream.
    Tcp,
    /// UDP datagrams.
    Udp,
    /// SCTP user messages.
    Sctp,
    /// Another protocol that hands over its octets or names this one inside (by name).
    Within(&'static str),
}

/// A carrier and the responder's ports that hint at the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// The carrier.
    pub carrier: Carrier,
    /// Ports of the registry or of wide use; they raise priority and serve as last guess.
    pub ports: &'static [u16],
}

/// Over TCP, usually on `ports`.
pub const fn tcp(ports: &'static [u16]) -> Over {
    Over { carrier: Carrier::Tcp, ports }
}

/// Over UDP, usually on `ports`.
pub const fn udp(ports: &'static [u16]) -> Over {
    Over { carrier: Carrier::Udp, ports }
}

/// Over SCTP, usually on `ports`.
pub const fn sctp(ports: &'static [u16]) -> Over {
    Over { carrier: Carrier::Sctp, ports }
}

/// Inside another protocol.
pub const fn within(name: &'static str) -> Over {
    Over { carrier: Carrier::Within(name), ports: &[] }
}

/// Octets that must be seen before a probe is worth its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The octets.
    pub bytes: &'static [u8],
    /// First offset at which they may start.
    pub from: u16,
    /// Last offset at which they may start.
    pub to: u16,
}

impl Pattern {
    /// Exactly at `offset`.
    pub const fn at(offset: u16, bytes: &'static [u8]) -> Self {
        Self { bytes, from: offset, to: offset }
    }

    /// At the start of the payload.
    pub const fn start(bytes: &'static [u8]) -> Self {
        Self::at(0, bytes)
    }

    /// Anywhere up to `to`.
    pub const fn within(to: u16, bytes: &'static [u8]) -> Self {
        Self { bytes, from: 0, to }
    }
}

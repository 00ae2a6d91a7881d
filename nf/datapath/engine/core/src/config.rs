//! The engine's configuration as it arrives: plain data, checked and compiled by
//! [`crate::snapshot`].

use nf_proto::user::Description;
use serde::Deserialize;

/// Everything the engine can be told. Names and meanings are those of the Python `EngineConfig`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Worker threads; 0 runs everything in the thread that polls.
    pub threads: usize,
    /// Capture files; `-` is standard input.
    pub files: Vec<String>,
    /// Goes on reading as files grow.
    pub follow: bool,
    /// How many times faster than they were captured packets of files come; 0: at once.
    pub pace: f64,
    /// Captures from `interfaces`, of which there may be none yet. Any interface means so, too.
    pub live: bool,
    /// Network interfaces to capture from, in place of files.
    pub interfaces: Vec<Interface>,
    /// Seconds of packet time after which an active session is reported again; 0: at its end only.
    pub report_interval: f64,
    /// Packet filter (libpcap's language); empty for none.
    pub bpf: String,
    /// Treats every packet as this protocol's, from `root_offset` on; empty: by link type.
    pub root: String,
    /// See `root`.
    pub root_offset: u32,
    /// Rows wanted: `session`, `transaction`, `event`, `protocol`, `app`, `host`, `summary`.
    pub reports: Vec<String>,
    /// Events wanted.
    pub events: Vec<EventConfig>,
    /// Condition that rows must meet, in the filter language; empty for all.
    pub filter: String,
    /// Sessions are judged: rows have their risks.
    pub risks: bool,
    /// Files of risks that extend the built-in ones: name and text.
    pub risk_files: Vec<(String, String)>,
    /// Applications files that extend the built-in table: name and text.
    pub applications: Vec<(String, String)>,
    /// Protocols whose parsers and probes are off.
    pub disabled_protocols: Vec<String>,
    /// Protocols of the user's, in the order of loading.
    pub plugins: Vec<Description>,
    /// Session timeouts.
    pub timeouts: Timeouts,
    /// What tells sessions apart besides addresses, ports and protocol.
    pub key_vlan: bool,
    /// See `key_vlan`.
    pub key_tunnel: bool,
    /// Most sessions at a time, over all workers.
    pub max_sessions: usize,
    /// What happens to a new session when there is no room.
    pub table_full: TableFull,
    /// Octets held for unfinished messages and early segments, over all workers.
    pub max_held_bytes: usize,
    /// Payload packets of a session after which classification gives up; half as many where only
    /// one side has spoken.
    pub classify_packets: u8,
    /// Octets kept of a session while classification is unsure.
    pub classify_bytes: usize,
    /// Seed of the session hash; 0 takes a random one.
    pub seed: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            threads: 1,
            files: Vec::new(),
            follow: false,
            pace: 0.0,
            live: false,
            interfaces: Vec::new(),
            report_interval: 0.0,
            bpf: String::new(),
            root: String::new(),
            root_offset: 0,
            reports: vec!["session".into()],
            events: Vec::new(),
            filter: String::new(),
            risks: false,
            risk_files: Vec::new(),
            applications: Vec::new(),
            disabled_protocols: Vec::new(),
            plugins: Vec::new(),
            timeouts: Timeouts::default(),
            key_vlan: true,
            key_tunnel: false,
            max_sessions: 4_000_000,
            table_full: TableFull::EvictOldest,
            max_held_bytes: 512 << 20,
            classify_packets: 16,
            classify_bytes: 8192,
            seed: 0,
        }
    }
}

impl EngineConfig {
    /// Whether packets come from interfaces.
    pub fn is_live(&self) -> bool {
        self.live || !self.interfaces.is_empty()
    }
}

/// A network interface, or all whose names match a pattern. Those that mean the same one: the
/// first counts.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Interface {
    /// Name, pattern (`eth*`), or `any`.
    pub name: String,
    /// How packets are taken.
    pub source: CaptureSource,
    /// Sockets that share its packets by session, 1 to 64, each with a buffer.
    pub sockets: u16,
    /// Takes up frames for other hosts, too.
    pub promiscuous: bool,
    /// Octets kept of a packet, 1 to 262144.
    pub snap_length: u32,
    /// Octets of the buffer that the kernel fills.
    pub buffer_bytes: usize,
    /// Milliseconds that the kernel may wait until it hands over what it has.
    pub read_timeout_ms: u32,
    /// Takes what this host sends, too.
    pub outgoing: bool,
    /// Is waited for where it is not there yet; else that is an error.
    pub wait: bool,
    /// Packet filter beside the one for all; empty for none.
    pub bpf: String,
}

impl Default for Interface {
    fn default() -> Self {
        Self {
            name: String::new(),
            source: CaptureSource::AfPacket,
            sockets: 1,
            promiscuous: true,
            snap_length: 262_144,
            buffer_bytes: 32 << 20,
            read_timeout_ms: 50,
            outgoing: true,
            wait: false,
            bpf: String::new(),
        }
    }
}

/// How packets are taken from an interface.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureSource {
    /// Linux' packet sockets.
    #[default]
    AfPacket,
    /// libpcap.
    Libpcap,
}

/// An event and what to report when it happens.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct EventConfig {
    /// `protocol.attribute`.
    pub event: String,
    /// `protocol.attribute` each.
    pub attributes: Vec<String>,
}

/// Seconds of silence after which a session ends (MMT's classes), and after it has closed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Unless the protocol says otherwise.
    pub default: f64,
    /// Question and answer.
    pub short: f64,
    /// Connections that idle.
    pub long: f64,
    /// Live media.
    pub live: f64,
    /// A TCP connection that was closed or reset: for what is still under way.
    pub closed: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { default: 60.0, short: 15.0, long: 600.0, live: 1500.0, closed: 5.0 }
    }
}

/// Policy of a full session table.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum TableFull {
    /// The session that has been silent longest, of a sample, makes room.
    #[default]
    EvictOldest,
    /// The packet is counted outside sessions.
    Refuse,
}

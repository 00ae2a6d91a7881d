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
            bpf: String::new(),
            root: String::new(),
            root_offset: 0,
            reports: vec!["session".into()],
            events: Vec::new(),
            filter: String::new(),
            risks: false,
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

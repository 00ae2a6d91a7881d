//! An engine's controls, for any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use nf_capture::CaptureError;
use nf_capture::live::{Control, Interface, LiveSpec, SourceView, Through};

use super::reader::Gauge;
use crate::config::{CaptureSource, EngineConfig};
use crate::plan::ConfigError;
use crate::snapshot::Snapshot;

/// An engine's controls, for any thread.
#[derive(Clone)]
pub struct Handle {
    pub(super) current: Arc<ArcSwap<Snapshot>>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) live: Option<Control>,
}

impl Handle {
    /// Compiles `config` and has everything that follows run on it, from the next batch on.
    ///
    /// Files, threads and table sizes stay as they are. What is captured live follows: new sockets
    /// are open before old ones close, and no packet is lost or seen twice.
    ///
    /// # Errors
    /// Names the wrong setting, or the one that takes a new engine; this one then runs on as before.
    pub fn swap(&self, config: &EngineConfig) -> Result<(), ConfigError> {
        let Some(control) = &self.live else {
            if config.is_live() {
                return Err(takes_a_new_engine("interfaces", "this engine reads files"));
            }
            self.current.store(Arc::new(Snapshot::compile(config)?));
            return Ok(());
        };
        fixed(&self.current.load().config, config)?;
        let snapshot = Snapshot::compile(config)?;
        let prepared = control.prepare(&live_spec(config)).map_err(refused)?;
        self.current.store(Arc::new(snapshot));
        control.apply(prepared);
        Ok(())
    }

    /// Has reading end at the next batch; sessions end as at the end of a capture.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Octets read, octets to read (0 unknown) and packets taken so far.
    pub fn progress(&self) -> (u64, u64, u64) {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        (of(&self.gauge.done), of(&self.gauge.total), of(&self.gauge.packets))
    }

    /// Every interface that was captured from, as it was at most some 100 ms ago.
    pub fn sources(&self) -> Vec<SourceView> {
        self.live.as_ref().map(Control::sources).unwrap_or_default()
    }
}

/// What is to be captured.
pub(super) fn live_spec(config: &EngineConfig) -> LiveSpec {
    let interface = |one: &crate::config::Interface| Interface {
        name: one.name.clone(),
        through: match one.source {
            CaptureSource::AfPacket => Through::AfPacket,
            CaptureSource::Libpcap => Through::Libpcap,
        },
        sockets: one.sockets,
        promiscuous: one.promiscuous,
        snap_length: one.snap_length,
        buffer_bytes: one.buffer_bytes,
        read_timeout_ms: one.read_timeout_ms,
        outgoing: one.outgoing,
        wait: one.wait,
        bpf: one.bpf.clone(),
    };
    LiveSpec {
        interfaces: config.interfaces.iter().map(interface).collect(),
        bpf: config.bpf.clone(),
    }
}

/// Refuses a change of what an engine is built on.
fn fixed(old: &EngineConfig, new: &EngineConfig) -> Result<(), ConfigError> {
    let changed = [
        ("files", !new.files.is_empty()),
        ("threads", old.threads != new.threads),
        ("pace", old.pace != new.pace),
        ("seed", old.seed != new.seed),
        ("max_sessions", old.max_sessions != new.max_sessions),
        ("max_held_bytes", old.max_held_bytes != new.max_held_bytes),
        ("key_vlan", old.key_vlan != new.key_vlan),
        ("key_tunnel", old.key_tunnel != new.key_tunnel),
    ];
    match changed.iter().find(|(_, changed)| *changed) {
        Some((setting, _)) => Err(takes_a_new_engine(setting, "it cannot change while it runs")),
        None => Ok(()),
    }
}

fn takes_a_new_engine(setting: &str, why: &str) -> ConfigError {
    ConfigError {
        what: format!("{setting} takes a new engine: {why}"),
        place: setting.into(),
        hint: "stop this engine, which ends its sessions, and start another one".into(),
    }
}

fn refused(error: CaptureError) -> ConfigError {
    ConfigError { what: error.what, place: error.place, hint: error.hint }
}

//! The configuration is exchanged while packets flow, and none is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nf_capture::{
    Batch, Block, CaptureError, Fill, PacketRef, Progress, Source, SourceStats, Status,
};
use nf_core::config::{EngineConfig, Timeouts};
use nf_core::engine::Engine;
use nf_core::path::Path;
use nf_core::snapshot::Snapshot;
use nf_proto::user::{Attribute, Description, Parent};

/// Makes packets until it is told to stop: UDP between ever new ends, on many VLANs.
struct Endless {
    block: Arc<Block>,
    made: u64,
    told: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

const PACKET: usize = 64;
const ENDS: usize = 512;

impl Endless {
    fn new(told: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> Self {
        let mut bytes = Vec::new();
        for n in 0..ENDS {
            let mut frame = vec![0u8; PACKET];
            frame[12..18].copy_from_slice(&[0x81, 0x00, 0, n as u8, 0x08, 0x00]);
            frame[18..22].copy_from_slice(&[0x45, 0, 0, 46]);
            frame[26] = 64;
            frame[27] = 17;
            frame[30..34].copy_from_slice(&[10, 0, (n >> 8) as u8, n as u8]);
            frame[34..38].copy_from_slice(&[192, 0, 2, 1]);
            frame[38..42].copy_from_slice(&[0x9c, 0x40, 0x27, 0x0f]);
            frame[42..44].copy_from_slice(&[0, 26]);
            bytes.extend(frame);
        }
        Self { block: Arc::new(Block::owned(bytes)), made: 0, told, stop }
    }
}

impl Source for Endless {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(Fill::End);
        }
        let Some(block) = batch.add_block(&self.block) else { return Ok(Fill::Packets) };
        while batch.space() > 0 {
            let at = self.made as usize % ENDS;
            batch.push(PacketRef {
                timestamp: 1_700_000_000_000_000_000 + self.made * 10_000,
                offset: (at * PACKET) as u64,
                captured: PACKET as u32,
                length: PACKET as u32,
                block,
                link: 1,
                source: 0,
                interface: 0,
            });
            self.made += 1;
        }
        self.told.store(self.made, Ordering::Relaxed);
        Ok(Fill::Packets)
    }

    fn stats(&self) -> SourceStats {
        SourceStats { seen: self.made, packets: self.made, ..SourceStats::default() }
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn status(&self) -> &Status {
        &Status::Complete
    }
}

/// Exchanges the configuration for each that `make` gives; rows whose path has the word `named`.
fn swap_under_load(
    threads: usize,
    times: u64,
    named: &str,
    make: fn(u64) -> EngineConfig,
) -> usize {
    let (told, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
    let config = EngineConfig { threads, ..EngineConfig::default() };
    let source = Box::new(Endless::new(Arc::clone(&told), Arc::clone(&stop)));
    let mut engine = Engine::with(source, Snapshot::compile(&config).unwrap());
    let handle = engine.handle();
    engine.start().unwrap();

    let swapper = std::thread::spawn(move || {
        for n in 0..times {
            // Each swap under traffic: at least one batch since the last one.
            let before = told.load(Ordering::Relaxed);
            while told.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
            let config = EngineConfig { threads, ..make(n) };
            handle.swap(&config).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let (mut in_rows, mut with_name) = (0, 0);
    loop {
        let polled = engine.poll(4096, Duration::from_millis(100)).unwrap();
        in_rows += polled.rows.iter().map(|r| r.session.packets.iter().sum::<u64>()).sum::<u64>();
        let is_named = |path: &Path| path.to_string().ends_with(named);
        with_name += polled.rows.iter().filter(|row| is_named(&row.session.path)).count();
        if polled.over {
            break;
        }
    }
    swapper.join().unwrap();

    let stats = engine.stats();
    assert!(stats.complete);
    assert_eq!(stats.account.check(), Ok(()));
    assert!(stats.account.seen > times * 100, "{:?}", stats.account);
    // The filters used let everything pass: every packet is in some row.
    assert_eq!(in_rows + stats.account.non_session, stats.account.seen);
    with_name
}

fn settings(n: u64) -> EngineConfig {
    let timeouts = Timeouts { default: 1.0 + (n % 7) as f64, ..Timeouts::default() };
    let filter = ["", "packets > 0", "bytes > 1"][n as usize % 3].to_string();
    // With the VLAN in the key or without, a packet may be another worker's.
    let key_vlan = n.is_multiple_of(2);
    EngineConfig { timeouts, filter, key_vlan, ..EngineConfig::default() }
}

/// Loads a plugin, changes it, unloads it; somebody listens while it is there.
fn plugins(n: u64) -> EngineConfig {
    let described = || Description {
        name: "gauge".into(),
        id: 951,
        header: if n % 3 == 1 { 4 } else { 18 },
        parents: vec![Parent { carrier: "udp".into(), numbers: vec![9999], weight: 50 }],
        attributes: vec![Attribute {
            name: "kind".into(),
            id: 1,
            kind: "uint".into(),
            offset: 1,
            length: 1,
            ..Attribute::default()
        }],
        ..Description::default()
    };
    // Sessions must end and others begin, or none would meet another configuration.
    let timeouts = Timeouts { default: 0.1, ..Timeouts::default() };
    let key_vlan = n.is_multiple_of(2);
    let plain = EngineConfig { timeouts, key_vlan, ..EngineConfig::default() };
    match n % 3 {
        0 => plain,
        _ => EngineConfig {
            plugins: vec![described()],
            filter: "gauge.kind >= 0 or packets > 0".into(),
            ..plain
        },
    }
}

#[test]
fn a_thousand_swaps_under_load_lose_nothing_with_one_thread() {
    swap_under_load(1, 1000, "udp", settings);
}

#[test]
fn a_thousand_swaps_under_load_lose_nothing_with_three_threads() {
    swap_under_load(3, 1000, "udp", settings);
}

#[test]
fn plugins_come_and_go_under_load_and_nothing_is_lost() {
    for threads in [1, 3] {
        assert!(swap_under_load(threads, 300, "udp.gauge", plugins) > 0);
    }
}

#[test]
fn a_wrong_configuration_is_refused_and_the_engine_runs_on() {
    let (told, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
    let config = EngineConfig::default();
    let source = Box::new(Endless::new(told, Arc::clone(&stop)));
    let mut engine = Engine::with(source, Snapshot::compile(&config).unwrap());
    engine.start().unwrap();

    let wrong = EngineConfig { filter: "bytes >".into(), ..config };
    let error = engine.swap(&wrong).unwrap_err();

    assert_eq!(error.place, "filter");
    stop.store(true, Ordering::Relaxed);
    while !engine.poll(4096, Duration::from_millis(100)).unwrap().over {}
    assert_eq!(engine.stats().account.check(), Ok(()));
}

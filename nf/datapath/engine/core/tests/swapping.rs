//! The configuration is exchanged while packets flow, and none is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nf_capture::{
    Batch, Block, CaptureError, Fill, PacketRef, Progress, Source, SourceStats, Status,
};
use nf_core::config::{EngineConfig, Timeouts};
use nf_core::engine::Engine;
use nf_core::snapshot::Snapshot;

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

fn swap_a_thousand_times(threads: usize) {
    let (told, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
    let config = EngineConfig { threads, ..EngineConfig::default() };
    let source = Box::new(Endless::new(Arc::clone(&told), Arc::clone(&stop)));
    let mut engine = Engine::with(source, Snapshot::compile(&config).unwrap());
    let handle = engine.handle();
    engine.start().unwrap();

    let swapper = std::thread::spawn(move || {
        for n in 0..1000u64 {
            // Each swap under traffic: at least one batch since the last one.
            let before = told.load(Ordering::Relaxed);
            while told.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
            let timeouts = Timeouts { default: 1.0 + (n % 7) as f64, ..Timeouts::default() };
            let filter = ["", "packets > 0", "bytes > 1"][n as usize % 3].to_string();
            // With the VLAN in the key or without, a packet may be another worker's.
            let key_vlan = n % 2 == 0;
            let config =
                EngineConfig { threads, timeouts, filter, key_vlan, ..EngineConfig::default() };
            handle.swap(&config).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let mut in_rows = 0;
    loop {
        let polled = engine.poll(4096, Duration::from_millis(100)).unwrap();
        in_rows += polled.rows.iter().map(|r| r.session.packets.iter().sum::<u64>()).sum::<u64>();
        if polled.over {
            break;
        }
    }
    swapper.join().unwrap();

    let stats = engine.stats();
    assert!(stats.complete);
    assert_eq!(stats.account.check(), Ok(()));
    assert!(stats.account.seen > 100_000, "{:?}", stats.account);
    // The filters used let everything pass: every packet is in some row.
    assert_eq!(in_rows + stats.account.non_session, stats.account.seen);
}

#[test]
fn a_thousand_swaps_under_load_lose_nothing_with_one_thread() {
    swap_a_thousand_times(1);
}

#[test]
fn a_thousand_swaps_under_load_lose_nothing_with_three_threads() {
    swap_a_thousand_times(3);
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

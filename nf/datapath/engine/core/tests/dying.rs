//! A thread that dies takes nobody with it: the run ends, and says so.

mod traffic;

use std::time::Duration;

use nf_capture::{Batch, CaptureError, Fill, Progress, Source, SourceStats, Status};
use nf_core::config::EngineConfig;
use nf_core::engine::{Engine, EngineError};
use nf_core::snapshot::Snapshot;
use traffic::{Packets, Played, udp};

/// Gives some packets and then panics.
struct Doomed {
    packets: Played,
    left: u32,
}

impl Source for Doomed {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        assert!(self.left > 0, "a defect, for the test");
        self.left -= 1;
        self.packets.fill(batch)
    }

    fn stats(&self) -> SourceStats {
        SourceStats::default()
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn status(&self) -> &Status {
        &Status::Reading
    }
}

#[test]
fn a_source_that_panics_ends_the_run_with_an_error() {
    std::panic::set_hook(Box::new(|_| {}));
    for threads in [1, 2, 5] {
        let mut packets = Packets::default();
        for n in 0..100_000u32 {
            packets.add(1_700_000_000_000_000_000 + u64::from(n), &udp(n, 1000, 9, b"fine"));
        }
        let config = EngineConfig { threads, ..EngineConfig::default() };
        let source = Box::new(Doomed { packets: packets.played(), left: 50 });
        let mut engine = Engine::with(source, Snapshot::compile(&config).unwrap());

        let error = loop {
            match engine.poll(1000, Duration::from_secs(60)) {
                Ok(polled) => assert!(!polled.over),
                Err(error) => break error,
            }
        };

        assert!(matches!(error, EngineError::Thread(_)), "{error}");
        assert!(!engine.stats().complete);
    }
}

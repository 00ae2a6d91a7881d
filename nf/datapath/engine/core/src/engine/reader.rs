//! The reading side: batches from the source, each with the configuration it is processed under.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use nf_capture::dump::Branch;
use nf_capture::{Batch, CaptureError, Fill, Source, SourceStats, Status};

use crate::snapshot::Snapshot;

/// A batch, read once and processed by every worker.
pub(super) struct Load {
    pub batch: Batch,
    /// Fixed when the batch is read, so that all workers agree whose each packet is.
    pub snapshot: Arc<Snapshot>,
    /// The source had no more at hand: what has come of it so far should not wait.
    pub pause: bool,
    /// Nothing was read: the source is waiting for more.
    pub idle: bool,
    /// The source has ended with this batch.
    pub end: Option<Box<SourceReport>>,
}

/// What is known of the source at its end.
#[derive(Clone, Debug)]
pub(super) struct SourceReport {
    pub stats: SourceStats,
    /// Why it ended early, if it did.
    pub early: Option<String>,
    pub error: Option<CaptureError>,
}

/// Progress of reading, shared with whoever shows it.
#[derive(Default)]
pub(super) struct Gauge {
    pub done: AtomicU64,
    pub total: AtomicU64,
    pub packets: AtomicU64,
    /// What the source has counted, before anybody gets the packets.
    pub source: Mutex<SourceStats>,
}

/// Source, and what is current when a batch is read.
pub(super) struct Reader {
    source: Box<dyn Source>,
    current: Arc<ArcSwap<Snapshot>>,
    gauge: Arc<Gauge>,
    stop: Arc<AtomicBool>,
    /// Whether the source was told to stop, and then: whether it has something left.
    stopping: Option<bool>,
    /// Where packets can be written to a file.
    pub dump: Option<Branch>,
}

impl Reader {
    pub fn new(
        source: Box<dyn Source>,
        current: Arc<ArcSwap<Snapshot>>,
        gauge: Arc<Gauge>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self { source, current, gauge, stop, stopping: None, dump: None }
    }

    /// The next load, in the room of `batch`.
    pub fn read(&mut self, mut batch: Batch) -> Load {
        batch.clear();
        if self.stopping.is_none() && self.stop.load(Ordering::Relaxed) {
            self.stopping = Some(self.source.stop());
        }
        let filled = match self.stopping {
            Some(false) => Ok(Fill::End),
            Some(true) | None => self.source.fill(&mut batch),
        };
        if let Some(dump) = &mut self.dump {
            dump.offer(&batch);
        }
        self.show(batch.len());
        let idle = matches!(filled, Ok(Fill::Idle));
        let end = match filled {
            Ok(Fill::Packets | Fill::Idle) => None,
            Ok(Fill::End) => Some(self.report(None)),
            Err(error) => Some(self.report(Some(error))),
        };
        let pause = batch.space() > 0;
        Load { batch, snapshot: self.current.load_full(), pause, idle, end }
    }

    fn show(&self, more: usize) {
        let progress = self.source.progress();
        self.gauge.done.store(progress.done, Ordering::Relaxed);
        self.gauge.total.store(progress.total.unwrap_or(0), Ordering::Relaxed);
        self.gauge.packets.fetch_add(more as u64, Ordering::Relaxed);
        *self.gauge.source.lock().unwrap_or_else(PoisonError::into_inner) = self.source.stats();
    }

    fn report(&self, error: Option<CaptureError>) -> Box<SourceReport> {
        let early = match self.source.status() {
            Status::EndedEarly(files) => {
                Some(files.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            _ => None,
        };
        Box::new(SourceReport { stats: self.source.stats(), early, error })
    }
}

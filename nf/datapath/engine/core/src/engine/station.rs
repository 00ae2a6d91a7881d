//! A worker at its place: it picks its packets out of every load, and passes on what comes of them.

use std::sync::Arc;

use nf_flow::{ClockFaults, KeyHasher};

use super::reader::{Load, SourceReport};
use crate::account::Tally;
use crate::dispatch::{DecodeErrors, Dispatcher, Share};
use crate::parcel::Parcel;
use crate::path::Path;
use crate::row::Loose;
use crate::snapshot::Snapshot;
use crate::worker::{Produce, Worker, WorkerStats};

/// Loads after which rows are passed on, if there are not so many earlier.
const ROUND: usize = 16;
/// Rows that are worth passing on.
const ENOUGH: usize = 1024;

/// What reaches the poller.
pub(super) enum Chunk {
    /// Rows; all that the worker will still send is at moment `reached` or later.
    Rows { worker: usize, produce: Produce, reached: u64 },
    /// The worker's last.
    Worker { worker: usize, report: Box<WorkerReport> },
    /// The source has ended.
    Source(Box<SourceReport>),
}

/// What a worker and its dispatcher know at their end.
pub(super) struct WorkerReport {
    pub stats: WorkerStats,
    pub tally: Tally,
    pub loose: Vec<(Path, Loose)>,
    /// Of all packets, not only of the worker's.
    pub errors: DecodeErrors,
    pub clock: ClockFaults,
    pub orphans: u64,
}

/// See the module.
pub(super) struct Station {
    number: usize,
    dispatcher: Dispatcher,
    parcel: Parcel,
    worker: Worker,
    /// Loads since rows were passed on.
    loads: usize,
}

impl Station {
    pub fn new(share: Share, hasher: KeyHasher, snapshot: Arc<Snapshot>) -> Self {
        Self {
            number: share.number,
            dispatcher: Dispatcher::new(share, hasher),
            parcel: Parcel::default(),
            worker: Worker::new(snapshot),
            loads: 0,
        }
    }

    /// Processes what is the worker's of a load; what to pass on, if it is time to.
    pub fn process(&mut self, load: &Load) -> Vec<Chunk> {
        self.parcel.clear();
        self.dispatcher.dispatch(&load.batch, &load.snapshot, &mut self.parcel);
        if load.end.is_some() {
            self.dispatcher.finish(&mut self.parcel);
        }
        self.worker.process(&self.parcel, &load.snapshot);
        self.loads += 1;
        if !load.pause && self.loads < ROUND && self.worker.waiting() < ENOUGH {
            return Vec::new();
        }
        self.loads = 0;
        let mut chunks = vec![self.rows((self.parcel.upto + 1) << 4)];
        if let Some(report) = &load.end
            && self.number == 0
        {
            chunks.push(Chunk::Source(report.clone()));
        }
        chunks
    }

    /// After the last load: ends some of the sessions that are left. Whether there are more; the
    /// last of them are followed by the report.
    pub fn finish(&mut self) -> (bool, Vec<Chunk>) {
        let sequence = self.dispatcher.last_sequence();
        let more = self.worker.finish(sequence);
        let mut chunks = vec![self.rows(if more { sequence << 4 } else { u64::MAX })];
        if !more {
            chunks.push(Chunk::Worker { worker: self.number, report: self.report() });
        }
        (more, chunks)
    }

    fn rows(&mut self, reached: u64) -> Chunk {
        Chunk::Rows { worker: self.number, produce: self.worker.take(), reached }
    }

    fn report(&self) -> Box<WorkerReport> {
        let mut tally = Tally::new();
        self.worker.tally(&mut tally);
        Box::new(WorkerReport {
            stats: self.worker.stats(),
            tally,
            loose: self.worker.loose().iter().map(|(path, loose)| (*path, *loose)).collect(),
            errors: self.dispatcher.errors(),
            clock: self.dispatcher.clock_faults(),
            orphans: self.dispatcher.orphans(),
        })
    }
}

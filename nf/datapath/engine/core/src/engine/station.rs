//! A worker at its place: it picks its packets out of every load, and passes on what comes of them.

use std::sync::Arc;
use std::time::Instant;

use nf_flow::{ClockFaults, KeyHasher};

use super::backlog::Dropped;
use super::desk::{Answer, Desk, Question};
use super::reader::{Load, SourceReport};
use super::stats::Busy;
use crate::account::Tally;
use crate::dispatch::{DecodeErrors, Dispatcher, Share};
use crate::parcel::Parcel;
use crate::path::Path;
use crate::row::Loose;
use crate::snapshot::Snapshot;
use crate::worker::{Produce, Scan, Worker, WorkerStats};

/// Loads after which rows are passed on, if there are not so many earlier.
const ROUND: usize = 16;
/// Rows that are worth passing on.
const ENOUGH: usize = 1024;

/// What reaches the poller.
pub(super) enum Chunk {
    /// Rows; all that the worker will still send is at moment `reached` or later.
    Rows { worker: usize, produce: Produce, reached: u64 },
    /// To the question of that number.
    Answer { worker: usize, number: u64, answer: Answer },
    /// The worker's last.
    Worker { worker: usize, report: Box<WorkerReport> },
    /// The source has ended.
    Source(Box<SourceReport>),
}

/// What a worker and its dispatcher know: at their end, or when asked.
#[derive(Clone)]
pub(super) struct WorkerReport {
    pub stats: WorkerStats,
    pub tally: Tally,
    pub loose: Vec<(Path, Loose)>,
    /// Of all packets, not only of the worker's.
    pub errors: DecodeErrors,
    pub clock: ClockFaults,
    pub orphans: u64,
    pub busy: Busy,
    /// Of its rows that were for the poller.
    pub dropped: Dropped,
}

/// See the module.
pub(super) struct Station {
    number: usize,
    dispatcher: Dispatcher,
    parcel: Parcel,
    worker: Worker,
    /// Loads since rows were passed on.
    loads: usize,
    desk: Arc<Desk>,
    /// The latest question that was heard.
    heard: u64,
    /// Sessions that are being looked through for an answer.
    scan: Option<(u64, Scan)>,
    busy: Busy,
    /// What became of rows after they were passed on.
    pub dropped: Dropped,
    /// There is a way for an answer to who asked.
    pub may_answer: bool,
}

impl Station {
    pub fn new(share: Share, hasher: KeyHasher, snapshot: Arc<Snapshot>, desk: Arc<Desk>) -> Self {
        Self {
            number: share.number,
            dispatcher: Dispatcher::new(share, hasher),
            parcel: Parcel::default(),
            worker: Worker::new(snapshot),
            loads: 0,
            desk,
            heard: 0,
            scan: None,
            busy: Busy::default(),
            dropped: Dropped::default(),
            may_answer: true,
        }
    }

    /// Processes what is the worker's of a load; what to pass on, if it is time to.
    pub fn process(&mut self, load: &Load) -> Vec<Chunk> {
        let begun = Instant::now();
        self.parcel.clear();
        self.dispatcher.dispatch(&load.batch, &load.snapshot, &mut self.parcel);
        if load.end.is_some() {
            self.dispatcher.finish(&mut self.parcel);
        }
        self.worker.process(&self.parcel, &load.snapshot);
        self.loads += 1;
        self.busy.add(begun, load.batch.is_empty());
        let asked = self.may_answer && (self.desk.number() != self.heard || self.scan.is_some());
        if !asked && !load.pause && self.loads < ROUND && self.worker.waiting() < ENOUGH {
            return Vec::new();
        }
        self.loads = 0;
        let mut chunks = vec![self.rows((self.parcel.upto + 1) << 4)];
        if let Some(report) = &load.end
            && self.number == 0
        {
            chunks.push(Chunk::Source(report.clone()));
        }
        if asked {
            chunks.extend(self.answer_chunk());
        }
        chunks
    }

    /// Answers between two loads: rows until now, and the answer or the next piece of it.
    pub fn respond(&mut self) -> [Option<Chunk>; 2] {
        let sequence = self.dispatcher.last_sequence();
        let answer = self.answer_chunk();
        [Some(self.rows(sequence << 4)), answer]
    }

    fn answer_chunk(&mut self) -> Option<Chunk> {
        let (number, answer) = self.answer()?;
        Some(Chunk::Answer { worker: self.number, number, answer })
    }

    /// Answers the question on the desk; of a long answer, the next piece.
    fn answer(&mut self) -> Option<(u64, Answer)> {
        if self.desk.number() != self.heard
            && let Some((number, question)) = self.desk.question()
        {
            self.heard = number;
            self.scan = None;
            match question {
                Question::Counters => return Some((number, Answer::Counters(self.report()))),
                Question::End(id) => {
                    let sequence = self.dispatcher.last_sequence();
                    let ended = self.worker.end_by_id(id, sequence);
                    return Some((number, Answer::Ended(ended)));
                }
                Question::Sessions(selection) => {
                    self.scan = Some((number, self.worker.scan(selection)));
                }
            }
        }
        let (number, scan) = self.scan.as_mut()?;
        let number = *number;
        let (rows, over) = self.worker.scan_on(scan);
        if over {
            self.scan = None;
        }
        Some((number, Answer::Sessions(rows, over)))
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
            busy: self.busy,
            dropped: self.dropped,
        })
    }
}

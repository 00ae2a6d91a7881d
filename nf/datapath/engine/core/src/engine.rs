//! The engine on its threads: reader, workers, and the finishing side that is polled.
//!
//! With no threads, a poll reads and processes as much as it takes to have rows. With one, that
//! happens beside the poller. With more, a reader hands parcels to workers over a channel each.
//! Full channels block the reader: nothing is dropped when reading files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use nf_capture::{Batch, CaptureError, Fill, OpenSpec, Progress, Source, SourceStats, Status};
use nf_flow::{ClockFaults, KeyHasher};

use crate::account::{Account, Tally};
use crate::config::EngineConfig;
use crate::dispatch::{DecodeErrors, Dispatcher, Parcel};
use crate::finish::{Finished, Finisher};
use crate::merge::{self, Merge};
use crate::path::Path;
use crate::plan::ConfigError;
use crate::row::Loose;
use crate::snapshot::Snapshot;
use crate::worker::{Produce, Worker, WorkerStats};

/// Packets read at a time.
const BATCH: usize = 256;
/// Parcels on their way to one worker.
const PARCELS: usize = 8;
/// Chunks of rows on their way to the poller.
const CHUNKS: usize = 64;
/// Batches processed in one go before rows are passed on.
const ROUND: usize = 16;

/// Why the engine could not start or go on.
#[derive(Debug)]
pub enum EngineError {
    /// A setting is wrong.
    Config(ConfigError),
    /// A source cannot be opened or read.
    Capture(CaptureError),
    /// A thread could not be started, or has died.
    Thread(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::Config(e) => e.fmt(f),
            EngineError::Capture(e) => e.fmt(f),
            EngineError::Thread(e) => f.write_str(e),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<ConfigError> for EngineError {
    fn from(e: ConfigError) -> Self {
        EngineError::Config(e)
    }
}

impl From<CaptureError> for EngineError {
    fn from(e: CaptureError) -> Self {
        EngineError::Capture(e)
    }
}

/// What the reading side knows at its end.
#[derive(Clone, Debug, Default)]
struct ReaderReport {
    source: SourceStats,
    status: Option<String>,
    errors: DecodeErrors,
    clock: ClockFaults,
    orphans: u64,
    error: Option<CaptureError>,
}

/// What a worker knows at its end.
struct WorkerReport {
    stats: WorkerStats,
    tally: Tally,
    loose: Vec<(Path, Loose)>,
}

/// What reaches the poller.
enum Chunk {
    Rows { worker: usize, produce: Produce, reached: u64 },
    Worker { worker: usize, report: Box<WorkerReport> },
    Reader(Box<ReaderReport>),
}

/// Progress of reading, shared with whoever shows it.
#[derive(Default)]
struct Gauge {
    done: AtomicU64,
    total: AtomicU64,
    packets: AtomicU64,
}

impl Gauge {
    fn set(&self, progress: &Progress, packets: u64) {
        self.done.store(progress.done, Ordering::Relaxed);
        self.total.store(progress.total.unwrap_or(0), Ordering::Relaxed);
        self.packets.store(packets, Ordering::Relaxed);
    }
}

/// Source and dispatcher: everything that happens in capture order.
struct Reader {
    source: Box<dyn Source>,
    batch: Batch,
    dispatcher: Dispatcher,
    current: Arc<ArcSwap<Snapshot>>,
    gauge: Arc<Gauge>,
    stop: Arc<AtomicBool>,
}

/// How a reading went.
enum Read {
    Some,
    Idle,
    End(Option<CaptureError>),
}

impl Reader {
    fn read(&mut self, parcels: &mut [Parcel]) -> Read {
        self.batch.clear();
        let filled = match self.stop.load(Ordering::Relaxed) {
            true => Ok(Fill::End),
            false => self.source.fill(&mut self.batch),
        };
        let snapshot = self.current.load();
        self.dispatcher.dispatch(&self.batch, &snapshot, parcels);
        let outcome = match filled {
            Ok(Fill::Packets) => Read::Some,
            Ok(Fill::Idle) => Read::Idle,
            Ok(Fill::End) => Read::End(None),
            Err(error) => Read::End(Some(error)),
        };
        if matches!(outcome, Read::End(_)) {
            self.dispatcher.finish(parcels);
        }
        self.dispatcher.mark(parcels);
        self.gauge.set(&self.source.progress(), self.dispatcher.taken());
        outcome
    }

    fn report(&self, error: Option<CaptureError>) -> Box<ReaderReport> {
        let status = match self.source.status() {
            Status::EndedEarly(files) => {
                Some(files.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            _ => None,
        };
        Box::new(ReaderReport {
            source: self.source.stats(),
            status,
            errors: self.dispatcher.errors(),
            clock: self.dispatcher.clock_faults(),
            orphans: self.dispatcher.orphans(),
            error,
        })
    }
}

fn worker_report(worker: &Worker) -> Box<WorkerReport> {
    let mut tally = Tally::new();
    worker.tally(&mut tally);
    let loose = worker.loose().iter().map(|(path, loose)| (*path, *loose)).collect();
    Box::new(WorkerReport { stats: worker.stats(), tally, loose })
}

/// Reader and one worker in one thread.
struct Inline {
    reader: Reader,
    worker: Worker,
    parcels: [Parcel; 1],
    /// The source has ended, perhaps by an error.
    ended: Option<Option<CaptureError>>,
}

impl Inline {
    /// Reads and processes until rows wait or a round is over; what to pass on.
    fn round(&mut self) -> (Read, Vec<Chunk>) {
        if let Some(error) = &mut self.ended {
            let error = error.take();
            return self.finish(error);
        }
        let mut outcome = Read::Some;
        for _ in 0..ROUND {
            self.parcels[0].clear();
            outcome = self.reader.read(&mut self.parcels);
            self.worker.process(&self.parcels[0]);
            if !matches!(outcome, Read::Some) || self.worker.waiting() >= 4096 {
                break;
            }
        }
        let mut chunks = Vec::new();
        if self.worker.waiting() > 0 {
            let reached = (self.parcels[0].upto + 1) << 4;
            chunks.push(Chunk::Rows { worker: 0, produce: self.worker.take(), reached });
        }
        if let Read::End(error) = outcome {
            self.ended = Some(error);
            outcome = Read::Some;
        }
        (outcome, chunks)
    }

    /// Ends some of the sessions that are left; with the last of them come the reports.
    fn finish(&mut self, error: Option<CaptureError>) -> (Read, Vec<Chunk>) {
        let sequence = self.reader.dispatcher.last_sequence();
        let more = self.worker.finish(sequence);
        let reached = if more { sequence << 4 } else { u64::MAX };
        let mut chunks = vec![Chunk::Rows { worker: 0, produce: self.worker.take(), reached }];
        if more {
            self.ended = Some(error);
            return (Read::Some, chunks);
        }
        chunks.push(Chunk::Worker { worker: 0, report: worker_report(&self.worker) });
        chunks.push(Chunk::Reader(self.reader.report(error)));
        (Read::End(None), chunks)
    }
}

enum Side {
    /// Not started.
    Ready(Box<Reader>),
    /// The poller does it all.
    Inline(Box<Inline>),
    /// Threads send chunks.
    Threads(Receiver<Chunk>, Vec<JoinHandle<()>>),
    /// Everything has arrived.
    Over,
}

/// What a poll brings.
pub struct Polled {
    /// Rows, in order.
    pub rows: Vec<Finished>,
    /// The snapshot they were finished under.
    pub snapshot: Arc<Snapshot>,
    /// Nothing more will come.
    pub over: bool,
}

/// Counters of a run.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Where packets went.
    pub account: Account,
    /// Packets that could not be taken apart.
    pub decode_errors: DecodeErrors,
    /// What the source counted.
    pub source: SourceStats,
    /// Of all workers.
    pub workers: Vec<WorkerStats>,
    /// Anomalies and faults by name.
    pub tally: Tally,
    /// Time stamps the clock did not follow.
    pub clock: ClockFaults,
    /// Fragments whose datagram's first one never came.
    pub orphan_fragments: u64,
    /// Sessions that have ended.
    pub sessions: u64,
    /// Rows waiting on the finishing side for a slower worker.
    pub merge_waiting: u64,
    /// Why the capture ended early, if it did.
    pub ended_early: Option<String>,
    /// Everything has been read, processed and finished.
    pub complete: bool,
}

impl Stats {
    /// What the source and the clock noticed, for output.
    pub fn source_terms(&self) -> [(&'static str, u64); 12] {
        let s = &self.source;
        [
            ("captured_bytes", s.captured_bytes),
            ("truncated", s.truncated),
            ("short_lengths", s.short_lengths),
            ("over_snaplen", s.over_snaplen),
            ("absurd_lengths", s.absurd_lengths),
            ("malformed_records", s.malformed),
            ("skipped_blocks", s.skipped_blocks),
            ("clock_backward", s.clock_backward),
            ("clock_leaps_followed", self.clock.leaps),
            ("clock_suspects", self.clock.suspects),
            ("recorded_drops", s.recorded_drops),
            ("orphan_fragments", self.orphan_fragments),
        ]
    }
}

/// See the module.
pub struct Engine {
    current: Arc<ArcSwap<Snapshot>>,
    side: Side,
    merge: Merge,
    finisher: Finisher,
    stats: Stats,
    gauge: Arc<Gauge>,
    stop: Arc<AtomicBool>,
    workers: usize,
    reports_missing: usize,
    error: Option<EngineError>,
}

impl Engine {
    /// Opens the sources of `config` and compiles it.
    ///
    /// # Errors
    /// A wrong setting or a source that cannot be read.
    pub fn open(config: &EngineConfig) -> Result<Self, EngineError> {
        let snapshot = Snapshot::compile(config)?;
        let source = nf_capture::open(&OpenSpec {
            paths: config.files.iter().map(Into::into).collect(),
            follow: config.follow,
            bpf: (!config.bpf.is_empty()).then(|| config.bpf.clone()),
            ..OpenSpec::default()
        })?;
        Ok(Self::with(source, snapshot))
    }

    /// An engine on a source and a snapshot of the caller's (tests, live capture).
    pub fn with(source: Box<dyn Source>, snapshot: Snapshot) -> Self {
        let config = &snapshot.config;
        let workers = config.threads.max(1);
        let hasher = match config.seed {
            0 => KeyHasher::random(),
            seed => KeyHasher::with_seed(seed, seed.rotate_left(32)),
        };
        let snapshot = Arc::new(snapshot);
        let current = Arc::new(ArcSwap::new(Arc::clone(&snapshot)));
        let gauge = Arc::<Gauge>::default();
        let stop = Arc::<AtomicBool>::default();
        let reader = Reader {
            source,
            batch: Batch::with_capacity(BATCH),
            dispatcher: Dispatcher::new(workers, hasher),
            current: Arc::clone(&current),
            gauge: Arc::clone(&gauge),
            stop: Arc::clone(&stop),
        };
        Self {
            side: Side::Ready(Box::new(reader)),
            merge: Merge::new(workers),
            finisher: Finisher::new(snapshot),
            stats: Stats { workers: vec![WorkerStats::default(); workers], ..Stats::default() },
            gauge,
            stop,
            workers,
            reports_missing: workers + 1,
            error: None,
            current,
        }
    }

    /// Starts the threads. Does nothing when started.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(&mut self) -> Result<(), EngineError> {
        let Side::Ready(_) = &self.side else { return Ok(()) };
        let Side::Ready(reader) = std::mem::replace(&mut self.side, Side::Over) else {
            return Ok(());
        };
        let threads = self.finisher.snapshot().config.threads;
        self.side = match threads {
            0 => Side::Inline(Box::new(self.inline(*reader))),
            1 => {
                let inline = self.inline(*reader);
                let (to_poller, chunks) = bounded(CHUNKS);
                let handle = spawn("nf-engine".into(), move || run_inline(inline, &to_poller))?;
                Side::Threads(chunks, vec![handle])
            }
            _ => self.spawn_workers(*reader)?,
        };
        Ok(())
    }

    fn inline(&self, reader: Reader) -> Inline {
        Inline {
            reader,
            worker: Worker::new(Arc::clone(&self.current)),
            parcels: Default::default(),
            ended: None,
        }
    }

    fn spawn_workers(&self, reader: Reader) -> Result<Side, EngineError> {
        let (to_poller, chunks) = bounded(CHUNKS);
        let (recycle, recycled) = bounded(self.workers * (PARCELS + 2));
        let mut lanes = Vec::new();
        let mut handles = Vec::new();
        for number in 0..self.workers {
            let (lane, parcels) = bounded::<Parcel>(PARCELS);
            lanes.push(lane);
            let worker = Worker::new(Arc::clone(&self.current));
            let to_poller = to_poller.clone();
            let recycle = recycle.clone();
            handles.push(spawn(format!("nf-worker-{number}"), move || {
                run_worker(number, worker, &parcels, &recycle, &to_poller);
            })?);
        }
        handles.push(spawn("nf-reader".into(), move || {
            run_reader(reader, &lanes, &recycled, &to_poller);
        })?);
        Ok(Side::Threads(chunks, handles))
    }

    /// Waits at most `timeout` for rows; returns at the latest when `max` are ready.
    ///
    /// # Errors
    /// When the source failed or a thread died; rows until there have been returned before.
    pub fn poll(&mut self, max: usize, timeout: Duration) -> Result<Polled, EngineError> {
        self.start()?;
        let deadline = Instant::now() + timeout;
        while self.finisher.ready() < max && !matches!(self.side, Side::Over) {
            if !self.advance(deadline)? {
                break;
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        let (snapshot, rows) = self.finisher.take_ready();
        let over = matches!(self.side, Side::Over) && self.finisher.ready() == 0;
        if over
            && rows.is_empty()
            && let Some(error) = self.error.take()
        {
            return Err(error);
        }
        Ok(Polled { rows, snapshot, over })
    }

    /// Takes the next chunks; false when the time is up.
    fn advance(&mut self, deadline: Instant) -> Result<bool, EngineError> {
        match &mut self.side {
            Side::Inline(inline) => {
                let (read, chunks) = inline.round();
                for chunk in chunks {
                    self.take(chunk);
                }
                match read {
                    Read::Some => Ok(true),
                    Read::Idle => Ok(Instant::now() < deadline),
                    Read::End(_) => {
                        self.finish();
                        Ok(true)
                    }
                }
            }
            Side::Threads(chunks, _) => match chunks.recv_deadline(deadline) {
                Ok(chunk) => {
                    self.take(chunk);
                    Ok(true)
                }
                Err(RecvTimeoutError::Timeout) => Ok(false),
                Err(RecvTimeoutError::Disconnected) => {
                    self.finish();
                    Ok(true)
                }
            },
            Side::Ready(_) | Side::Over => Ok(false),
        }
    }

    fn take(&mut self, chunk: Chunk) {
        match chunk {
            Chunk::Rows { worker, produce, reached } => {
                let current = self.current.load();
                if !Arc::ptr_eq(&current, self.finisher.snapshot()) {
                    self.finisher.follow(Arc::clone(&current));
                }
                if self.workers == 1 {
                    // One worker's rows are in order: no need to wait for anybody.
                    return merge::interleave(produce, &mut |next| self.finisher.take(next));
                }
                self.merge.add(worker, produce, reached);
                while let Some(next) = self.merge.pop() {
                    self.finisher.take(next);
                }
            }
            Chunk::Worker { worker, report } => {
                self.reports_missing -= 1;
                self.stats.account.processed += report.stats.processed;
                self.stats.account.non_session += report.stats.non_session;
                if let Some(stats) = self.stats.workers.get_mut(worker) {
                    *stats = report.stats;
                }
                for (name, count) in report.tally {
                    *self.stats.tally.entry(name).or_default() += count;
                }
                for (path, loose) in &report.loose {
                    self.finisher.loose(path, loose);
                }
            }
            Chunk::Reader(report) => {
                self.reports_missing -= 1;
                let account = &mut self.stats.account;
                account.seen += report.source.seen + report.source.kernel_drops;
                account.bytes += report.source.bytes;
                account.kernel_drops += report.source.kernel_drops;
                account.filtered += report.source.filtered;
                account.truncated += report.source.truncated;
                account.decode_errors += report.errors.total();
                self.stats.source = report.source;
                self.stats.decode_errors = report.errors;
                self.stats.clock = report.clock;
                self.stats.orphan_fragments = report.orphans;
                self.stats.ended_early = report.status;
                self.error = report.error.map(EngineError::Capture);
            }
        }
    }

    fn finish(&mut self) {
        if let Side::Threads(_, handles) = std::mem::replace(&mut self.side, Side::Over) {
            for handle in handles {
                if handle.join().is_err() && self.error.is_none() {
                    let what = "an engine thread died of a defect; its rows are lost";
                    self.error = Some(EngineError::Thread(what.into()));
                }
            }
        }
        self.stats.complete = self.reports_missing == 0;
        if !self.stats.complete && self.error.is_none() {
            let what = "an engine thread ended without its report";
            self.error = Some(EngineError::Thread(what.into()));
        }
    }

    /// What may be used while another thread polls.
    pub fn handle(&self) -> Handle {
        Handle {
            current: Arc::clone(&self.current),
            gauge: Arc::clone(&self.gauge),
            stop: Arc::clone(&self.stop),
        }
    }

    /// As [`Handle::swap`].
    ///
    /// # Errors
    /// As [`Handle::swap`].
    pub fn swap(&self, config: &EngineConfig) -> Result<(), ConfigError> {
        self.handle().swap(config)
    }

    /// As [`Handle::stop`].
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Counters; final once a poll has said that nothing more will come.
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats.clone();
        stats.account.in_sessions = self.finisher.in_sessions;
        stats.sessions = self.finisher.sessions;
        stats.merge_waiting = self.merge.waiting() as u64;
        stats
    }

    /// The finishing side: aggregates and the snapshot rows are read under.
    pub fn finisher(&self) -> &Finisher {
        &self.finisher
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
        if let Side::Threads(chunks, handles) = std::mem::replace(&mut self.side, Side::Over) {
            // Threads blocked on the channel see it close.
            drop(chunks);
            for handle in handles {
                // A panic was reported when it happened; there is nobody left to tell.
                drop(handle.join());
            }
        }
    }
}

/// An engine's controls, for any thread.
#[derive(Clone)]
pub struct Handle {
    current: Arc<ArcSwap<Snapshot>>,
    gauge: Arc<Gauge>,
    stop: Arc<AtomicBool>,
}

impl Handle {
    /// Compiles `config` and has everything that follows run on it, from the next batch on.
    /// Sources, threads and table sizes stay as they are.
    ///
    /// # Errors
    /// Names the wrong setting; the engine then runs on as before.
    pub fn swap(&self, config: &EngineConfig) -> Result<(), ConfigError> {
        self.current.store(Arc::new(Snapshot::compile(config)?));
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
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, EngineError> {
    std::thread::Builder::new()
        .name(name.clone())
        .spawn(run)
        .map_err(|e| EngineError::Thread(format!("thread {name}: {e}")))
}

fn run_inline(mut inline: Inline, to_poller: &Sender<Chunk>) {
    loop {
        let (read, chunks) = inline.round();
        for chunk in chunks {
            if to_poller.send(chunk).is_err() {
                return;
            }
        }
        if matches!(read, Read::End(_)) {
            return;
        }
    }
}

fn run_worker(
    number: usize,
    mut worker: Worker,
    parcels: &Receiver<Parcel>,
    recycle: &Sender<Parcel>,
    to_poller: &Sender<Chunk>,
) {
    let mut upto = 0;
    for mut parcel in parcels {
        worker.process(&parcel);
        upto = parcel.upto;
        parcel.clear();
        // Full or closed: the parcel is simply freed.
        drop(recycle.try_send(parcel));
        let produce = worker.take();
        let reached = (upto + 1) << 4;
        if to_poller.send(Chunk::Rows { worker: number, produce, reached }).is_err() {
            return;
        }
    }
    loop {
        let more = worker.finish(upto + 1);
        let reached = if more { (upto + 1) << 4 } else { u64::MAX };
        let produce = worker.take();
        if to_poller.send(Chunk::Rows { worker: number, produce, reached }).is_err() {
            return;
        }
        if !more {
            break;
        }
    }
    // A poller that is gone does not want the report either.
    drop(to_poller.send(Chunk::Worker { worker: number, report: worker_report(&worker) }));
}

fn run_reader(
    mut reader: Reader,
    lanes: &[Sender<Parcel>],
    recycled: &Receiver<Parcel>,
    to_poller: &Sender<Chunk>,
) {
    let mut parcels: Vec<Parcel> = lanes.iter().map(|_| Parcel::default()).collect();
    loop {
        let read = reader.read(&mut parcels);
        for (lane, parcel) in lanes.iter().zip(&mut parcels) {
            let fresh = recycled.try_recv().unwrap_or_default();
            if lane.send(std::mem::replace(parcel, fresh)).is_err() {
                return;
            }
        }
        if let Read::End(error) = read {
            drop(to_poller.send(Chunk::Reader(reader.report(error))));
            return;
        }
    }
}

//! The engine on its threads: workers that read and process, and the finishing side that is polled.
//!
//! With no threads, a poll reads and processes as much as it takes to have rows. With any, each
//! worker takes every load from the [`supply`] and picks out its own packets ([`station`]); the
//! poller only finishes rows. Full channels block: nothing is dropped when reading files.

mod error;
mod inline;
mod reader;
mod station;
mod stats;
mod supply;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use nf_capture::{OpenSpec, Source};
use nf_flow::KeyHasher;

use crate::config::EngineConfig;
use crate::dispatch::Share;
use crate::finish::Finisher;
use crate::merge::Merge;
use crate::plan::ConfigError;
use crate::row::Row;
use crate::snapshot::Snapshot;
use crate::worker::WorkerStats;

pub use error::EngineError;
use inline::{Inline, Went};
use reader::{Gauge, Reader};
use station::{Chunk, Station};
pub use stats::Stats;
use supply::{Seat, Supply};

/// Chunks of rows on their way to the poller.
const CHUNKS: usize = 64;

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
    pub rows: Vec<Row>,
    /// The snapshot they were finished under.
    pub snapshot: Arc<Snapshot>,
    /// Nothing more will come.
    pub over: bool,
}

/// See the module.
pub struct Engine {
    current: Arc<ArcSwap<Snapshot>>,
    side: Side,
    hasher: KeyHasher,
    merge: Merge,
    finisher: Finisher,
    stats: Stats,
    gauge: Arc<Gauge>,
    stop: Arc<AtomicBool>,
    workers: usize,
    /// Of workers and of the source.
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
        let reader =
            Reader::new(source, Arc::clone(&current), Arc::clone(&gauge), Arc::clone(&stop));
        Self {
            side: Side::Ready(Box::new(reader)),
            hasher,
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
        self.side = match self.finisher.snapshot().config.threads {
            0 => Side::Inline(Box::new(Inline::new(*reader, self.station(Share::ALL)))),
            _ => self.spawn_workers(*reader)?,
        };
        Ok(())
    }

    fn station(&self, share: Share) -> Station {
        Station::new(share, self.hasher, Arc::clone(self.finisher.snapshot()))
    }

    fn spawn_workers(&self, reader: Reader) -> Result<Side, EngineError> {
        let (to_poller, chunks) = bounded(CHUNKS);
        let mut handles = Vec::new();
        for (number, seat) in Supply::seats(reader, self.workers).into_iter().enumerate() {
            let station = self.station(Share { number, of: self.workers });
            let to_poller = to_poller.clone();
            let name = format!("nf-worker-{number}");
            handles.push(spawn(name, move || run_worker(station, seat, &to_poller))?);
        }
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
                let (went, chunks) = inline.round();
                for chunk in chunks {
                    self.take(chunk);
                }
                match went {
                    Went::On => Ok(true),
                    Went::Idle => Ok(Instant::now() < deadline),
                    Went::Over => {
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
                    return self.finisher.take_all(produce);
                }
                self.merge.add(worker, produce, reached);
                while let Some(next) = self.merge.pop() {
                    self.finisher.take(next);
                }
            }
            Chunk::Worker { worker, report } => {
                self.reports_missing -= 1;
                self.stats.add_worker(worker, &report);
                for (path, loose) in &report.loose {
                    self.finisher.loose(path, loose);
                }
            }
            Chunk::Source(report) => {
                self.reports_missing -= 1;
                self.stats.add_source(&report);
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

fn run_worker(mut station: Station, mut seat: Seat, to_poller: &Sender<Chunk>) {
    // A poller that is gone wants nothing: the thread ends, and its seat with it.
    let mut done = None;
    while let Some(load) = seat.next(done.take()) {
        for chunk in station.process(&load) {
            if to_poller.send(chunk).is_err() {
                return;
            }
        }
        done = Some(load);
    }
    loop {
        let (more, chunks) = station.finish();
        for chunk in chunks {
            if to_poller.send(chunk).is_err() {
                return;
            }
        }
        if !more {
            return;
        }
    }
}

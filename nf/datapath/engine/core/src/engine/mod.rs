//! The engine on its threads: workers that read and process, and the finishing side that is polled.
//!
//! With no threads, a poll reads and processes as much as it takes to have rows. With any, each
//! worker takes every load from the [`supply`] and picks out its own packets ([`station`]); the
//! poller only finishes rows. Full channels block: nothing is dropped when reading files. A live
//! source cannot wait: there what the poller does not take in time is dropped and counted
//! ([`backlog`]). Questions about what goes on reach the stations by the [`desk`].

mod backlog;
mod desk;
mod error;
mod handle;
mod inline;
mod inquiry;
mod reader;
mod station;
mod stats;
mod supply;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use nf_capture::dump::Tap;
use nf_capture::live::{self, Control};
use nf_capture::{OpenSpec, Paced, Source};
use nf_flow::KeyHasher;

use crate::config::EngineConfig;
use crate::dispatch::Share;
use crate::finish::Finisher;
use crate::merge::Merge;
use crate::plan::ConfigError;
use crate::row::Row;
use crate::snapshot::Snapshot;

pub use backlog::Dropped;
use backlog::{Backlog, Gone};
use desk::{Answer, Desk};
pub use error::EngineError;
pub use handle::Handle;
use inline::{Inline, Went};
use reader::{Gauge, Reader, SourceReport};
use station::{Chunk, Station, WorkerReport};
pub use stats::{Busy, Limits, Stats};
use supply::{Seat, Supply};

/// Rows that wait for a poll of live capture at most, where others ask and nobody polls.
const MOST_READY: usize = 262_144;

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
    gauge: Arc<Gauge>,
    stop: Arc<AtomicBool>,
    workers: usize,
    desk: Arc<Desk>,
    /// Where workers get their packets, as long as there are any.
    supply: Weak<Supply>,
    /// Changes what is captured.
    live: Option<Control>,
    /// What each worker said last, and whether it was its last word.
    reports: Vec<Option<(Box<WorkerReport>, bool)>>,
    source: Option<Box<SourceReport>>,
    /// Answers that have come: of which worker, to which question.
    inbox: Vec<(usize, u64, Answer)>,
    /// Everything has been read, processed and finished.
    complete: bool,
    /// Rows that were finished, and that nobody polled for.
    shed: Dropped,
    /// What counters are counted from.
    base: Option<Stats>,
    error: Option<EngineError>,
}

impl Engine {
    /// Opens the sources of `config` and compiles it.
    ///
    /// # Errors
    /// A wrong setting or a source that cannot be read.
    pub fn open(config: &EngineConfig) -> Result<Self, EngineError> {
        let snapshot = Snapshot::compile(config)?;
        if config.is_live() {
            if !config.files.is_empty() {
                return Err(EngineError::Config(ConfigError {
                    what: "files and interfaces at once".into(),
                    place: "interfaces".into(),
                    hint: "read files and capture in two engines".into(),
                }));
            }
            let (source, control) = live::open(handle::live_spec(config))?;
            let mut engine = Self::with(Box::new(source), snapshot);
            engine.live = Some(control);
            return Ok(engine);
        }
        let source = nf_capture::open(&OpenSpec {
            paths: config.files.iter().map(Into::into).collect(),
            follow: config.follow,
            bpf: (!config.bpf.is_empty()).then(|| config.bpf.clone()),
            ..OpenSpec::default()
        })?;
        let source = match config.pace {
            0.0 => source,
            pace @ 1e-6..=1e9 => Box::new(Paced::new(source, pace)),
            pace => {
                return Err(EngineError::Config(ConfigError {
                    what: format!("{pace} is no pace"),
                    place: "pace".into(),
                    hint: "1 for a capture's own pace, 10 for ten times that, 0 for at once".into(),
                }));
            }
        };
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
            gauge,
            stop,
            workers,
            desk: Arc::default(),
            supply: Weak::new(),
            live: None,
            reports: (0..workers).map(|_| None).collect(),
            source: None,
            inbox: Vec::new(),
            complete: false,
            shed: Dropped::default(),
            base: None,
            error: None,
            current,
        }
    }

    /// Has packets be offered to the dumps of `tap`, from the start on; a live engine takes over
    /// from the one that did so before.
    ///
    /// # Errors
    /// When started.
    pub fn dump_to(&mut self, tap: &Arc<Tap>) -> Result<(), EngineError> {
        let Side::Ready(reader) = &mut self.side else {
            return Err(EngineError::Thread("a dump joins an engine before its start only".into()));
        };
        let live = self.live.clone();
        let is_live = live.is_some();
        let name = move |id| {
            let sources = live.as_ref().map(Control::sources).unwrap_or_default();
            sources.into_iter().find(|source| source.id == id).map(|source| source.name)
        };
        reader.dump = Some(tap.branch(is_live, Box::new(name)));
        Ok(())
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
        let snapshot = Arc::clone(self.finisher.snapshot());
        Station::new(share, self.hasher, snapshot, Arc::clone(&self.desk))
    }

    fn spawn_workers(&mut self, reader: Reader) -> Result<Side, EngineError> {
        let (to_poller, chunks) = bounded(CHUNKS);
        let mut handles = Vec::new();
        let live = self.finisher.snapshot().config.is_live();
        let (supply, seats) = Supply::seats(reader, self.workers);
        self.supply = supply;
        for (number, seat) in seats.into_iter().enumerate() {
            let station = self.station(Share { number, of: self.workers });
            let backlog = Backlog::new(to_poller.clone(), live);
            let name = format!("nf-worker-{number}");
            let run = move || {
                // A poller that is gone wants nothing: the thread ends, and its seat with it.
                let (Ok(()) | Err(Gone)) = run_worker(station, seat, backlog);
            };
            handles.push(spawn(name, run)?);
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
            Chunk::Answer { worker, number, answer } => self.inbox.push((worker, number, answer)),
            Chunk::Worker { worker, report } => {
                for (path, loose) in &report.loose {
                    self.finisher.loose(path, loose);
                }
                if let Some(last) = self.reports.get_mut(worker) {
                    *last = Some((report, true));
                }
            }
            Chunk::Source(mut report) => {
                self.error = report.error.take().map(EngineError::Capture);
                self.source = Some(report);
            }
        }
    }

    /// Bounds what waits for a poll, when capture is live.
    fn shed(&mut self) {
        if self.live.is_some() && self.finisher.ready() > MOST_READY {
            let (_, rows) = self.finisher.take_ready();
            rows.iter().for_each(|row| self.shed.row_only(row));
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
        let all = self.reports.iter().all(|report| matches!(report, Some((_, true))));
        self.complete = all && self.source.is_some();
        if !self.complete && self.error.is_none() {
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
            live: self.live.clone(),
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

    /// From now on polled rows are not filtered and summed up yet, see [`Engine::conclude`].
    pub fn await_verdicts(&mut self) {
        self.finisher.await_verdicts();
    }

    /// Filters and sums up rows that were polled under `snapshot`, and that somebody may have
    /// overruled since; those that are to be written remain.
    pub fn conclude(&mut self, rows: &mut Vec<Row>, snapshot: &Snapshot) {
        rows.retain_mut(|row| self.finisher.conclude(row, snapshot));
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

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, EngineError> {
    std::thread::Builder::new()
        .name(name.clone())
        .spawn(run)
        .map_err(|e| EngineError::Thread(format!("thread {name}: {e}")))
}

fn run_worker(mut station: Station, mut seat: Seat, mut backlog: Backlog) -> Result<(), Gone> {
    let mut done = None;
    while let Some(load) = seat.next(done.take()) {
        station.may_answer = backlog.is_clear()?;
        for chunk in station.process(&load) {
            backlog.pass(chunk)?;
        }
        station.dropped = backlog.dropped;
        done = Some(load);
    }
    drop(done);
    backlog.flush()?;
    loop {
        let (more, chunks) = station.finish();
        for chunk in chunks {
            backlog.pass_last(chunk)?;
        }
        if !more {
            return Ok(());
        }
    }
}

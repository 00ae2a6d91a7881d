//! Packets of a running capture, written to a file on demand.
//!
//! Engines offer every batch to a [`Tap`], which costs them one look at a number while there is no
//! dump. While there is one, batches go to the thread `nf-dump` on a way that has bounds
//! ([`tap`]): what finds no room is missing in the dump, and counted; capture never waits. The
//! thread filters, and writes pcapng ([`blocks`]) to a file that ends with a whole block whatever
//! happens ([`file`]). A dump belongs to the process, so it goes on when engines are exchanged.

mod blocks;
mod file;
mod run;
mod tap;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::af_packet::wall_clock;
use crate::bpf::Filter;
use crate::error::{CaptureError, ErrorKind, system_text};

use file::Output;
pub use file::{LONGEST_NAME, fault};
use run::Writer;
pub use tap::{Branch, Names, Tap};

/// Longest time of a dump.
pub const LONGEST: Duration = Duration::from_secs(86_400);
/// Fewest octets that a file may be limited to: what is said of interfaces has room in them.
pub const FEWEST_OCTETS: u64 = 4096;
/// Most octets that a file may be limited to.
pub const MOST_OCTETS: u64 = 1 << 36;
/// Longest text of a filter.
const LONGEST_FILTER: usize = 4096;

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Name of the file, without a folder.
    pub file: String,
    /// Packets that are written, in libpcap's language; empty for all.
    pub filter: String,
    /// Ends the dump.
    pub duration: Duration,
    /// Packets after which it ends; 0 for any number.
    pub packets: u64,
    /// Octets that the file has at most.
    pub octets: u64,
    /// Octets that are kept of a packet; 0 for all that were captured.
    pub snap_length: u32,
}

/// Why a dump has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its time was over.
    Duration,
    /// It has all the packets that it was to have.
    Packets,
    /// The file is as large as it may be.
    Octets,
    /// Somebody has stopped it.
    Stopped,
    /// There is no room on the disk.
    DiskFull,
    /// It could not go on.
    Failed,
}

impl Reason {
    /// The word in output.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Duration => "duration",
            Reason::Packets => "count",
            Reason::Octets => "size",
            Reason::Stopped => "stopped",
            Reason::DiskFull => "disk-full",
            Reason::Failed => "failed",
        }
    }
}

/// How a dump has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: Reason,
    /// More of it, for people; empty where the reason says all.
    pub text: String,
    /// When, nanoseconds since the epoch.
    pub time: u64,
}

/// How a dump is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Name of its file.
    pub file: String,
    /// Its filter.
    pub filter: String,
    /// When it began, nanoseconds since the epoch.
    pub begun: u64,
    /// Packets that came to it.
    pub seen: u64,
    /// Packets in the file.
    pub packets: u64,
    /// Octets of the file.
    pub octets: u64,
    /// Packets that came too fast, and are not in the file whatever the filter says.
    pub dropped: u64,
    /// How it has ended, if it has.
    pub end: Option<End>,
}

/// What the thread of a dump shows.
struct Shown {
    spec: Spec,
    begun: u64,
    stop: AtomicBool,
    seen: AtomicU64,
    packets: AtomicU64,
    octets: AtomicU64,
    dropped: AtomicU64,
    end: Mutex<Option<End>>,
    ended: Condvar,
}

impl Shown {
    fn end(&self) -> MutexGuard<'_, Option<End>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        // First, so that counters are those of the end where there is one.
        let end = self.end().clone();
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        View {
            file: self.spec.file.clone(),
            filter: self.spec.filter.clone(),
            begun: self.begun,
            seen: of(&self.seen),
            packets: of(&self.packets),
            octets: of(&self.octets),
            dropped: of(&self.dropped),
            end,
        }
    }

    /// Says how it has ended; the first word counts.
    fn finish(&self, reason: Reason, text: String) {
        self.end().get_or_insert(End { reason, text, time: wall_clock() });
        self.ended.notify_all();
    }
}

/// The dumps of a process: one at a time, into files of one folder.
pub struct Dumper {
    folder: PathBuf,
    tap: Arc<Tap>,
    latest: Mutex<Option<Arc<Shown>>>,
}

impl Dumper {
    /// Dumps into this folder, which is made when there is something to write.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), tap: Arc::default(), latest: Mutex::default() }
    }

    /// What engines are to offer their packets to.
    pub fn tap(&self) -> &Arc<Tap> {
        &self.tap
    }

    fn latest(&self) -> MutexGuard<'_, Option<Arc<Shown>>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to write; packets that are captured from now on are in the file. `links` are the
    /// link types at hand, for which the filter has to make sense.
    ///
    /// # Errors
    /// Something else is being written, what is asked for is wrong (its place is a field of
    /// [`Spec`]), or the file cannot be made.
    pub fn begin(&self, spec: Spec, links: &[u16]) -> Result<PathBuf, CaptureError> {
        let mut latest = self.latest();
        if let Some(other) = latest.as_ref().filter(|one| one.end().is_none()) {
            return Err(CaptureError::new(
                ErrorKind::Options,
                format!("packets are being written to {:?}", other.spec.file),
                "file",
                "wait for its end, or stop it",
            ));
        }
        check(&spec)?;
        let filter = compiled(&spec.filter, links)?;
        let output = Output::begun(&self.folder, &spec.file)?;
        let path = self.folder.join(&spec.file);
        let shown = Arc::new(Shown {
            spec,
            begun: wall_clock(),
            stop: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            packets: AtomicU64::new(0),
            octets: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            end: Mutex::default(),
            ended: Condvar::new(),
        });
        let (intake, pieces) = self.tap.open();
        let writer = Writer::new(Arc::clone(&shown), output, filter, intake, Arc::clone(&self.tap));
        let thread = std::thread::Builder::new().name("nf-dump".into());
        if let Err(error) = thread.spawn(move || writer.run(&pieces)) {
            self.tap.close();
            remove(&path);
            return Err(CaptureError::new(
                ErrorKind::Io,
                format!("no thread can be started: {}", system_text(&error)),
                "file",
                "see how many threads this user may have",
            ));
        }
        *latest = Some(shown);
        Ok(path)
    }

    /// Has the dump end that goes on; whether there is one. What was captured before is written.
    pub fn stop(&self) -> bool {
        let latest = self.latest();
        let active = latest.as_ref().filter(|one| one.end().is_none());
        active.inspect(|one| one.stop.store(true, Ordering::Relaxed)).is_some()
    }

    /// Waits for the end of the latest dump; whether it came in time, or there was none.
    pub fn wait(&self, patience: Duration) -> bool {
        let Some(latest) = self.latest().clone() else { return true };
        let deadline = Instant::now() + patience;
        let mut end = latest.end();
        while end.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = latest.ended.wait_timeout(end, left);
            end = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// How the latest dump is.
    pub fn view(&self) -> Option<View> {
        self.latest().as_ref().map(|shown| shown.view())
    }
}

impl Drop for Dumper {
    fn drop(&mut self) {
        self.stop();
    }
}

fn remove(path: &Path) {
    // It is empty; what else could be said is said by the error that follows.
    drop(std::fs::remove_file(path));
}

fn check(spec: &Spec) -> Result<(), CaptureError> {
    let wrong = |place: &str, what: String, hint: String| {
        Err(CaptureError::new(ErrorKind::Options, what, place, hint))
    };
    if spec.duration.is_zero() || spec.duration > LONGEST {
        let hint = format!("up to {} seconds", LONGEST.as_secs());
        return wrong("duration", format!("{:?} is no time of a dump", spec.duration), hint);
    }
    if !(FEWEST_OCTETS..=MOST_OCTETS).contains(&spec.octets) {
        let hint = format!("from {FEWEST_OCTETS} to {MOST_OCTETS} octets");
        return wrong("size", format!("{} octets are no size of a dump", spec.octets), hint);
    }
    if spec.filter.len() > LONGEST_FILTER || spec.filter.contains('\0') {
        let hint = format!("up to {LONGEST_FILTER} octets of text");
        return wrong("filter", "the filter is too long, or has a zero in it".into(), hint);
    }
    Ok(())
}

/// The filter, compiled for Ethernet or the link types that there are.
fn compiled(expression: &str, links: &[u16]) -> Result<Option<Filter>, CaptureError> {
    const ETHERNET: u16 = 1;
    if expression.trim().is_empty() {
        return Ok(None);
    }
    let mut filter = Filter::new(expression);
    let links = if links.is_empty() { &[ETHERNET] } else { links };
    for link in links {
        filter.program(*link).map_err(|error| CaptureError { place: "filter".into(), ..error })?;
    }
    Ok(Some(filter))
}

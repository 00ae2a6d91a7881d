//! Changing a live source, and looking at it, from any thread.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::link::{self, State};
use super::names::{self, ANY, Shape};
use super::spec::{LiveSpec, Through};
use super::tap::Tap;
use crate::bpf::Filter;
use crate::error::{CaptureError, ErrorKind};
use crate::source::SourceStats;

/// Changes that may wait for the source to take them up.
const MOST_WAITING: usize = 8;

/// An interface of a live source, as it was a moment ago.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceView {
    /// Its name.
    pub name: String,
    /// The number that its packets carry.
    pub id: u16,
    /// The name, or pattern, of the setting that it is captured by.
    pub configured_by: String,
    /// How packets come from it.
    pub through: Through,
    /// How it is.
    pub state: State,
    /// Why it cannot be opened.
    pub trouble: Option<String>,
    /// Link type of its packets (`LINKTYPE_…`), once it was opened.
    pub link: Option<u16>,
    /// How often it was opened.
    pub opened: u64,
    /// Octets of its rings.
    pub ring_bytes: u64,
    /// Packets that each of its open sockets has given.
    pub shares: Vec<u64>,
    /// Its counters.
    pub stats: SourceStats,
}

/// What a source and its controls share.
#[derive(Default)]
pub(super) struct Shared {
    /// Whether `changes` has any: asked without a lock.
    pub has_changes: AtomicBool,
    changes: Mutex<Vec<Change>>,
    /// What the latest change asks for.
    wanted: Mutex<LiveSpec>,
    views: Mutex<Vec<SourceView>>,
}

/// What a source is to do.
pub(super) struct Change {
    pub spec: LiveSpec,
    /// Sockets that are open, for interfaces by name.
    pub fresh: Vec<(String, Box<dyn Tap>)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole between any two lines that change it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn changes(&self) -> Vec<Change> {
        mem::take(&mut *lock(&self.changes))
    }

    pub fn show(&self, views: Vec<SourceView>) {
        *lock(&self.views) = views;
    }
}

/// Changes a live source and tells how it is; for any thread.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

/// A change that is sure to succeed. Dropped, it changes nothing.
pub struct Prepared(Change);

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Checks `spec` and opens what it asks for beyond what is open.
    ///
    /// # Errors
    /// A setting is wrong, an interface is not there (unless it is to be waited for), or the system
    /// refuses. Nothing has changed then.
    pub fn prepare(&self, spec: &LiveSpec) -> Result<Prepared, CaptureError> {
        spec.check()?;
        // Also where nothing is there yet: what does not compile must not wait for packets.
        if !spec.bpf.trim().is_empty() {
            compile(&spec.bpf, "bpf")?;
        }
        for (n, one) in spec.interfaces.iter().enumerate() {
            if !one.bpf.trim().is_empty() {
                compile(&one.bpf, &format!("interfaces[{n}].bpf"))?;
            }
        }
        let there = names::list().map_err(|error| CaptureError::from_io(&error, "interfaces"))?;
        let before = lock(&self.shared.wanted).clone();
        if lock(&self.shared.changes).len() >= MOST_WAITING {
            return Err(CaptureError::new(
                ErrorKind::Options,
                "the changes before have not been taken up yet",
                "interfaces",
                "wait until the engine is polled",
            ));
        }
        let mut fresh = Vec::new();
        for one in spec.interfaces.iter().filter(|one| !one.is_pattern() && !one.wait) {
            if one.name != ANY && !there.iter().any(|(_, name)| *name == one.name) {
                return Err(absent(&one.name, &there));
            }
        }
        for (number, name) in there.iter().chain([&(0, ANY.to_string())]) {
            let Some(settings) = spec.settings(name) else { continue };
            let filter = settings.filter(&spec.bpf);
            let known = before.settings(name);
            if known.is_some_and(|known| is_same_socket(known, settings)) {
                if let Some(filter) = filter {
                    // Compiled for the link at hand, so that the change cannot fail.
                    let kind = names::nature(name).map_or(1, |nature| nature.kind);
                    Filter::new(filter).program(Shape::of(kind).link)?;
                }
                continue;
            }
            match link::open(name, *number, settings, filter.as_deref()) {
                Ok(tap) => fresh.push((name.clone(), tap)),
                // A pattern takes what it can get; what left just now may come again.
                Err(failure)
                    if link::is_absence(&failure) && (settings.is_pattern() || settings.wait) => {}
                Err(failure) => return Err(link::complaint(name, failure)),
            }
        }
        Ok(Prepared(Change { spec: spec.clone(), fresh }))
    }

    /// Has the source go on as prepared, from its next packets on.
    pub fn apply(&self, prepared: Prepared) {
        let Prepared(change) = prepared;
        *lock(&self.shared.wanted) = change.spec.clone();
        lock(&self.shared.changes).push(change);
        self.shared.has_changes.store(true, Ordering::Release);
    }

    /// Every interface that was captured from, as it was at most some 100 ms ago.
    pub fn sources(&self) -> Vec<SourceView> {
        lock(&self.shared.views).clone()
    }
}

/// Whether a socket can stay open: only its filter differs, which can be changed.
fn is_same_socket(a: &super::Interface, b: &super::Interface) -> bool {
    let bare = |one: &super::Interface| super::Interface {
        name: String::new(),
        bpf: String::new(),
        wait: false,
        ..one.clone()
    };
    bare(a) == bare(b)
}

/// Refuses a filter that is wrong, with the setting that it stands in.
fn compile(filter: &str, setting: &str) -> Result<(), CaptureError> {
    let compiled = Filter::new(filter).program(Shape::of(1).link).map(drop);
    compiled.map_err(|error| CaptureError { place: setting.into(), ..error })
}

fn absent(name: &str, there: &[(i32, String)]) -> CaptureError {
    let names: Vec<&str> = there.iter().map(|(_, name)| name.as_str()).take(12).collect();
    CaptureError::new(
        ErrorKind::NotFound,
        format!("there is no interface {name:?}"),
        format!("interface {name}"),
        format!("one of {}; or any, for all of them", names.join(", ")),
    )
}

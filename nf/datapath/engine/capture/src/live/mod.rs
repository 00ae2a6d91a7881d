//! Live capture: one source of all interfaces that are asked for.
//!
//! Interfaces may come and go. One that is not there is waited for, and taken up when it is back;
//! a pattern takes up what matches it, whenever it appears. What is captured can be changed while
//! it runs: new sockets are opened before old ones close, and a moment is agreed on, so that every
//! packet comes from exactly one of them.

mod arena;
mod control;
mod link;
pub(crate) mod names;
mod pcap;
pub(crate) mod spec;
pub(crate) mod tap;

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::af_packet::wall_clock;
use crate::block::Batch;
use crate::error::CaptureError;
use crate::source::{Fill, Progress, Source, SourceStats, Status};
use arena::Arena;
use control::{Change, Shared};
pub use control::{Control, Prepared, SourceView};
use link::Link;
pub use link::State;
use names::ANY;
pub use spec::{Interface, LiveSpec, Through};

/// Longest wait for packets: what is asked of an engine that hears nothing is answered after it.
const WAIT: Duration = Duration::from_millis(20);
/// How often counters are read and shown.
const COUNT_EVERY: Duration = Duration::from_millis(100);
/// How often the interfaces that there are are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often an interface that cannot be opened is tried again.
const TRY_EVERY: Duration = Duration::from_secs(2);
/// Packets walked over in one call at most, for each there is room for.
const MOST_WALKED: usize = 16;
/// Links remembered at most; older ones that are closed are summed up.
const MOST_LINKS: usize = 4096;

/// Opens what `spec` asks for, which may be nothing yet. The source gives packets until it is
/// stopped.
///
/// # Errors
/// A setting is wrong, an interface is not there (unless it is to be waited for), or the system
/// refuses.
pub fn open(spec: LiveSpec) -> Result<(LiveSource, Control), CaptureError> {
    let shared = Arc::new(Shared::default());
    let control = Control::new(Arc::clone(&shared));
    let prepared = control.prepare(&spec)?;
    control.apply(prepared);
    let now = Instant::now();
    let mut source = LiveSource {
        spec: LiveSpec::default(),
        links: Vec::new(),
        arena: Arena::default(),
        shared,
        count_due: now,
        look_due: now,
        try_due: now,
        retired: SourceStats::default(),
        next_id: 0,
        status: Status::Reading,
        lag: 0,
    };
    source.upkeep(now)?;
    Ok((source, control))
}

/// See the module.
pub struct LiveSource {
    spec: LiveSpec,
    links: Vec<Link>,
    arena: Arena,
    shared: Arc<Shared>,
    count_due: Instant,
    look_due: Instant,
    try_due: Instant,
    /// Of links no longer remembered.
    retired: SourceStats,
    next_id: u16,
    status: Status,
    /// Nanoseconds that a packet may take from its stamp to us.
    lag: u64,
}

impl LiveSource {
    /// Everything that is due besides packets.
    fn upkeep(&mut self, now: Instant) -> Result<(), CaptureError> {
        let changed = self.shared.has_changes.swap(false, Ordering::Acquire);
        if changed {
            for change in self.shared.changes() {
                self.change(change)?;
            }
            self.look_due = now;
        }
        let closing = self.links.iter().any(Link::is_closing);
        if now >= self.look_due {
            self.look_due = now + LOOK_EVERY;
            self.look(now);
        }
        if now >= self.count_due || changed || closing {
            self.count_due = now + COUNT_EVERY;
            self.links.iter_mut().for_each(|link| link.count(now));
            self.show();
        }
        Ok(())
    }

    fn change(&mut self, change: Change) -> Result<(), CaptureError> {
        let Change { spec, fresh } = change;
        self.spec = spec;
        let longest = self.spec.interfaces.iter().map(|one| one.read_timeout_ms).max();
        // The kernel's timers may be late by as much again.
        self.lag = u64::from(longest.unwrap_or(0)).saturating_mul(2_000_000) + 100_000_000;
        for (name, tap) in fresh {
            if let Some(at) = self.link(&name)
                && let Some(link) = self.links.get_mut(at)
            {
                link.take_over(tap);
            }
        }
        let now = wall_clock();
        for link in &mut self.links {
            let Some(settings) = self.spec.settings(&link.name) else {
                link.close(now);
                link.state = State::Closed;
                continue;
            };
            let filter = settings.filter(&self.spec.bpf);
            link.settings = settings.clone();
            // It was compiled when the change was prepared: only memory can be lacking.
            link.set_filter(filter).map_err(|failure| link::complaint(&link.name, failure))?;
        }
        Ok(())
    }

    /// The place of the link of that name, made if there is none; `None` when it is not asked for.
    fn link(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.links.iter().position(|link| link.name == name) {
            let settings = self.spec.settings(name)?.clone();
            let link = self.links.get_mut(at)?;
            if link.filter != settings.filter(&self.spec.bpf) && !link.is_open() {
                link.filter = settings.filter(&self.spec.bpf);
            }
            link.settings = settings;
            return Some(at);
        }
        let settings = self.spec.settings(name)?.clone();
        if self.links.len() >= MOST_LINKS
            && let Some(at) = self.links.iter().position(|link| link.is_drained())
        {
            self.retired.add(&self.links.remove(at).stats);
        }
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        let filter = settings.filter(&self.spec.bpf);
        self.links.push(Link::new(name.into(), id, settings, filter));
        Some(self.links.len() - 1)
    }

    /// Looks which interfaces there are: takes up what has come, lets go of what has left.
    fn look(&mut self, now: Instant) {
        let Ok(mut there) = names::list() else { return };
        there.push((0, ANY.into()));
        let retry = now >= self.try_due;
        if retry {
            self.try_due = now + TRY_EVERY;
        }
        let wanted: Vec<String> = self
            .spec
            .interfaces
            .iter()
            .filter(|one| !one.is_pattern())
            .map(|one| one.name.clone())
            .chain(there.iter().map(|(_, name)| name.clone()))
            .collect();
        for name in wanted {
            let number = there.iter().find(|(_, other)| *other == name).map(|(number, _)| *number);
            let Some(at) = self.link(&name) else { continue };
            let Some(link) = self.links.get_mut(at) else { continue };
            match (number, link.interface()) {
                (Some(number), Some(open)) if number == open && link.broken().is_none() => {
                    let up = name == ANY || names::nature(&name).is_ok_and(|nature| nature.up);
                    link.state = if up { State::Capturing } else { State::Down };
                }
                (Some(number), _) if link.state != State::Failed || retry => {
                    link.close(wall_clock());
                    let filter = link.filter.clone();
                    match link::open(&name, number, &link.settings, filter.as_deref()) {
                        Ok(tap) => link.take_over(tap),
                        Err(failure) if link::is_absence(&failure) => link.state = State::Waiting,
                        Err(failure) => {
                            link.state = State::Failed;
                            link.trouble = Some(link::complaint(&name, failure).to_string());
                        }
                    }
                }
                (Some(_), _) => {}
                (None, _) => link.state = State::Waiting,
            }
        }
        for link in &mut self.links {
            let number = there.iter().find(|(_, name)| *name == link.name).map(|(n, _)| *n);
            if link.is_open() && link.interface() != number {
                // What it was is gone: nothing more comes of it.
                link.close(wall_clock());
                if link.state != State::Closed {
                    link.state = State::Waiting;
                }
            }
        }
    }

    /// Moves packets into the batch, the oldest of those at hand first. Whether there were any.
    fn collect(&mut self, batch: &mut Batch) -> Result<bool, CaptureError> {
        let sockets: usize = self.links.iter().map(Link::sockets).sum();
        let only = self.links.iter().position(|link| link.sockets() > 0).filter(|_| sockets == 1);
        let Self { links, arena, .. } = self;
        let mut walked = 0;
        let most = batch.space().saturating_mul(MOST_WALKED);
        while batch.space() > 0 && walked < most {
            let (socket, n) = match only {
                // With one socket there is nothing to choose.
                Some(n) => (0, n),
                None => {
                    let heads = links.iter_mut().enumerate();
                    let oldest = heads.filter_map(|(n, link)| Some((link.head()?, n))).min();
                    let Some(((_, socket), n)) = oldest else { break };
                    (socket, n)
                }
            };
            let Some(link) = links.get_mut(n) else { break };
            let taken = link.take(socket, arena, batch);
            if taken.is_err() {
                arena.seal(batch);
            }
            if !taken? {
                break;
            }
            walked += 1;
        }
        arena.seal(batch);
        Ok(walked > 0)
    }

    /// Waits until there are packets, or it has taken long.
    fn wait(&mut self) {
        let closing = self.links.iter().any(Link::is_closing);
        let wait = if closing { Duration::from_millis(5) } else { WAIT };
        let mut waited: Vec<libc::pollfd> = self
            .links
            .iter()
            .flat_map(Link::descriptors)
            .map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 })
            .collect();
        let timeout = wait.as_millis() as libc::c_int;
        // SAFETY: the pointer is to so many live structures; the descriptors are open, as their
        // owners are not touched meanwhile.
        let heard =
            unsafe { libc::poll(waited.as_mut_ptr(), waited.len() as libc::nfds_t, timeout) };
        let troubled = |one: &libc::pollfd| one.revents & (libc::POLLERR | libc::POLLHUP) != 0;
        if heard > 0 && waited.iter().any(troubled) {
            self.links.iter_mut().for_each(Link::hear_errors);
            self.look_due = Instant::now();
        }
    }

    /// Shows how each interface is.
    fn show(&self) {
        let view = |link: &Link| SourceView {
            name: link.name.clone(),
            id: link.id,
            configured_by: link.settings.name.clone(),
            through: link.settings.through,
            state: link.state,
            trouble: link.trouble.clone(),
            link: link.shape().map(|shape| shape.link),
            opened: link.opened,
            ring_bytes: link.ring_bytes() as u64,
            shares: link.shares(),
            stats: link.stats,
        };
        self.shared.show(self.links.iter().map(view).collect());
    }
}

impl Source for LiveSource {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        self.upkeep(Instant::now())?;
        if self.collect(batch)? {
            return Ok(Fill::Packets);
        }
        if self.status == Status::Complete && self.links.iter().all(Link::is_drained) {
            return Ok(Fill::End);
        }
        self.wait();
        if self.collect(batch)? {
            return Ok(Fill::Packets);
        }
        batch.set_time(wall_clock().saturating_sub(self.lag));
        Ok(Fill::Idle)
    }

    fn stop(&mut self) -> bool {
        if self.status != Status::Complete {
            self.status = Status::Complete;
            self.spec = LiveSpec::default();
            // A change that nobody has taken up closes its sockets with it.
            drop(self.shared.changes());
            let now = wall_clock();
            for link in &mut self.links {
                link.close(now);
                link.state = State::Closed;
            }
        }
        true
    }

    fn stats(&self) -> SourceStats {
        let mut sum = self.retired;
        self.links.iter().for_each(|link| sum.add(&link.stats));
        sum
    }

    fn progress(&self) -> Progress {
        let stats = self.stats();
        Progress { done: stats.captured_bytes, total: None }
    }

    fn status(&self) -> &Status {
        &self.status
    }
}

//! What a run counts.

use std::time::{Duration, Instant};

use nf_capture::SourceStats;
use nf_flow::ClockFaults;

use super::backlog::Dropped;
use super::station::WorkerReport;
use crate::account::{Account, Tally};
use crate::dispatch::DecodeErrors;
use crate::worker::WorkerStats;

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
    /// How busy each worker was.
    pub busy: Vec<Busy>,
    /// Loads that wait for each worker.
    pub waiting: Vec<u64>,
    /// What there is room for.
    pub limits: Limits,
    /// Rows that nobody took in time (live only).
    pub dropped: Dropped,
    /// Packets that the source has counted and no worker yet; none at the end.
    pub in_flight: u64,
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
    pub fn source_terms(&self) -> [(&'static str, u64); 13] {
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
            ("clock_jumps", s.clock_jumps),
            ("clock_leaps_followed", self.clock.leaps),
            ("clock_suspects", self.clock.suspects),
            ("recorded_drops", s.recorded_drops),
            ("orphan_fragments", self.orphan_fragments),
        ]
    }

    /// Adds what a worker said.
    pub(super) fn add_worker(&mut self, worker: usize, report: &WorkerReport) {
        self.account.processed += report.stats.processed;
        self.account.non_session += report.stats.non_session;
        if let Some(stats) = self.workers.get_mut(worker) {
            *stats = report.stats;
        }
        if let Some(busy) = self.busy.get_mut(worker) {
            *busy = report.busy;
        }
        self.dropped.add(&report.dropped);
        for (name, count) in &report.tally {
            *self.tally.entry(name.clone()).or_default() += count;
        }
        if worker == 0 {
            // Every dispatcher counts these for all.
            self.account.decode_errors = report.errors.total();
            self.decode_errors = report.errors;
            self.clock = report.clock;
            self.orphan_fragments = report.orphans;
        }
    }

    /// Adds what the source has counted.
    pub(super) fn add_source(&mut self, source: &SourceStats) {
        let account = &mut self.account;
        account.seen = source.seen + source.kernel_drops;
        account.bytes = source.bytes;
        account.kernel_drops = source.kernel_drops;
        account.filtered = source.filtered;
        account.truncated = source.truncated;
        self.source = *source;
    }

    /// What was counted after `earlier`. What only says how things are now stays.
    pub(super) fn since(mut self, earlier: &Stats) -> Stats {
        self.account = self.account.since(&earlier.account);
        self.source = self.source.since(&earlier.source);
        let (errors, before) = (&mut self.decode_errors, &earlier.decode_errors);
        errors.truncated -= before.truncated;
        errors.malformed -= before.malformed;
        errors.too_deep -= before.too_deep;
        errors.unknown_link -= before.unknown_link;
        for (worker, before) in self.workers.iter_mut().zip(&earlier.workers) {
            *worker = worker.since(before);
        }
        for (name, count) in &mut self.tally {
            *count -= earlier.tally.get(name).copied().unwrap_or(0);
        }
        self.tally.retain(|_, count| *count > 0);
        self.clock.backwards -= earlier.clock.backwards;
        self.clock.leaps -= earlier.clock.leaps;
        self.clock.suspects -= earlier.clock.suspects;
        self.orphan_fragments -= earlier.orphan_fragments;
        self.sessions -= earlier.sessions;
        self.dropped.interim -= earlier.dropped.interim;
        self.dropped.moments -= earlier.dropped.moments;
        self.dropped.sessions -= earlier.dropped.sessions;
        self.dropped.packets -= earlier.dropped.packets;
        self
    }

    /// The account, or which of its equations does not hold. While the engine runs, packets in
    /// flight count as seen and as nothing else.
    ///
    /// # Errors
    /// The equation with its numbers.
    pub fn check(&self) -> Result<(), String> {
        let mut account = self.account;
        account.seen = account.seen.saturating_sub(self.in_flight);
        account.check()
    }
}

/// What each worker has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Sessions at a time.
    pub sessions: u64,
    /// Octets held for unfinished messages and early segments.
    pub held_bytes: u64,
}

/// Time over which the load of a worker is measured.
const WINDOW: Duration = Duration::from_secs(1);

/// How busy a worker was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Busy {
    /// Since its first batch.
    pub elapsed: Duration,
    /// Of that, the time it took to process batches. Reading them is not in it.
    pub busy: Duration,
    /// Batches with packets.
    pub batches: u64,
    begun: Option<Instant>,
    /// When the window that is being measured began, and how busy it had been until then.
    window: Option<(Instant, Duration)>,
    /// Share of the last whole window.
    share: f64,
}

impl Busy {
    /// A batch was processed from `begun` until now.
    pub(super) fn add(&mut self, begun: Instant, empty: bool) {
        let now = Instant::now();
        self.busy += now - begun;
        self.elapsed = now - *self.begun.get_or_insert(begun);
        self.batches += u64::from(!empty);
        let (since, before) = *self.window.get_or_insert((begun, self.busy - (now - begun)));
        if now - since >= WINDOW {
            self.share = share(self.busy - before, now - since);
            self.window = Some((now, self.busy));
        }
    }

    /// Share of the time that it processed, from 0 to 1, of the last second or what is known of it.
    pub fn load(&self, now: Instant) -> f64 {
        match self.window {
            // It has not been heard of for so long, or it has just begun.
            Some((since, before)) if self.share == 0.0 || now - since >= WINDOW => {
                share(self.busy - before, now.saturating_duration_since(since))
            }
            Some(_) => self.share,
            None => 0.0,
        }
    }
}

fn share(busy: Duration, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { (busy.as_secs_f64() / elapsed.as_secs_f64()).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_that_of_the_last_second_and_not_of_all_time() {
        let start = Instant::now();
        let mut busy = Busy { window: Some((start, Duration::ZERO)), ..Busy::default() };
        busy.busy = Duration::from_millis(500);
        assert_eq!(busy.load(start + Duration::from_secs(1)), 0.5);

        // An hour of rest: what it did before does not count any more.
        busy.window = Some((start + Duration::from_secs(3600), busy.busy));
        assert_eq!(busy.load(start + Duration::from_secs(3602)), 0.0);
        assert_eq!(Busy::default().load(start), 0.0);
    }

    #[test]
    fn a_batch_counts_in_the_window_in_which_it_was_processed() {
        let mut busy = Busy::default();
        busy.add(Instant::now(), false);
        busy.add(Instant::now(), true);

        assert_eq!(busy.batches, 1);
        assert!(busy.load(Instant::now() + Duration::from_secs(60)) < 0.01);
    }
}

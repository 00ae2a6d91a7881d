//! What a run counts.

use nf_capture::SourceStats;
use nf_flow::ClockFaults;

use super::reader::SourceReport;
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

    pub(super) fn add_worker(&mut self, worker: usize, report: &WorkerReport) {
        self.account.processed += report.stats.processed;
        self.account.non_session += report.stats.non_session;
        if let Some(stats) = self.workers.get_mut(worker) {
            *stats = report.stats;
        }
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

    pub(super) fn add_source(&mut self, report: &SourceReport) {
        let (account, source) = (&mut self.account, &report.stats);
        account.seen = source.seen + source.kernel_drops;
        account.bytes = source.bytes;
        account.kernel_drops = source.kernel_drops;
        account.filtered = source.filtered;
        account.truncated = source.truncated;
        self.source = *source;
        self.ended_early.clone_from(&report.early);
    }
}

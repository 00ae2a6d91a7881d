//! What may be asked of an engine while it runs: counters, sums, sessions.
//!
//! Whoever asks takes what workers send meanwhile, so that none of them waits for a poller that is
//! not there. A worker that is stuck does not answer: what it said before stands for it.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use nf_filter::Filter;

use super::desk::{Answer, Question};
use super::stats::{Limits, Stats};
use super::{Engine, Side};
use crate::aggregate::Aggregates;
use crate::finish::Finisher;
use crate::finish::names::{self, RowNames, transaction_leaves};
use crate::plan::ConfigError;
use crate::row::{Row, SessionFacts};
use crate::snapshot::Snapshot;
use crate::worker::{Measure, Selection};

/// Longest wait for answers.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most sessions given at once.
pub const MOST_SESSIONS: usize = 100_000;

impl Engine {
    /// Counters as of now; final once a poll has said that nothing more will come.
    pub fn stats(&mut self) -> Stats {
        self.inquire(Question::Counters, &mut |_, _| {});
        let stats = self.totals();
        match &self.base {
            Some(base) => stats.since(base),
            None => stats,
        }
    }

    /// Has counters count from now on. What is there now (sessions alive, memory) stays.
    pub fn clear_counters(&mut self) {
        self.inquire(Question::Counters, &mut |_, _| {});
        let mut base = self.totals();
        // Packets in flight belong to what comes.
        base.account.seen -= base.in_flight;
        self.base = Some(base);
    }

    /// Sums of a report (`protocol`, `app` or `host`), with the sessions that go on.
    pub fn aggregates(&mut self, report: &str) -> Aggregates {
        if matches!(self.side, Side::Over) {
            return self.finisher.aggregates.only(report);
        }
        self.inquire(Question::Counters, &mut |_, _| {});
        self.finisher.begin_inquiry(report);
        self.inquire(Question::Sessions(Selection::ALL), &mut |finisher, rows| {
            rows.into_iter().for_each(|row| finisher.inquired(row));
        });
        // The last word of a worker has reached the sums already.
        let running = self.reports.iter().flatten().filter(|(_, last)| !last);
        self.finisher.end_inquiry(running.flat_map(|(report, _)| &report.loose))
    }

    /// Sessions that go on, the greatest by a measure first, and of those only what meets a filter;
    /// with the snapshot to read them under.
    ///
    /// # Errors
    /// The filter is none, or asks for transactions, which are gone.
    pub fn sessions(
        &mut self,
        most: usize,
        by: Measure,
        filter: &str,
    ) -> Result<(Arc<Snapshot>, Vec<Row>), ConfigError> {
        let most = most.min(MOST_SESSIONS);
        let snapshot = Arc::clone(self.finisher.snapshot());
        let filter = session_filter(filter, &snapshot)?;
        let selection = match filter {
            Some(_) => Selection::ALL,
            None => Selection { most, by },
        };
        let mut found: Vec<Row> = Vec::new();
        let order = |a: &Row, b: &Row| {
            let key = |row: &Row| (measured(by, &row.session), row.session.id);
            key(b).cmp(&key(a))
        };
        self.inquire(Question::Sessions(selection), &mut |finisher, rows| {
            for mut row in rows {
                finisher.describe(&mut row);
                if filter.as_ref().is_none_or(|f| names::passes(f, &snapshot, &row)) {
                    found.push(row);
                }
            }
            if found.len() > most.saturating_mul(2).max(4096) {
                found.sort_by(order);
                found.truncate(most);
            }
        });
        found.sort_by(order);
        found.truncate(most);
        Ok((snapshot, found))
    }

    /// Ends the session of this id now. Whether there was one.
    pub fn terminate(&mut self, session: u64) -> bool {
        self.inquire(Question::End(session), &mut |_, _| {})
    }

    /// Asks all workers and waits for their answers. Whether any said yes.
    fn inquire(
        &mut self,
        question: Question,
        hear: &mut dyn FnMut(&mut Finisher, Vec<Row>),
    ) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let number = self.desk.ask(question);
        self.inbox.clear();
        let mut waited: Vec<bool> = vec![true; self.workers];
        let mut yes = false;
        while waited.contains(&true) {
            match &mut self.side {
                Side::Ready(_) | Side::Over => break,
                Side::Inline(inline) => {
                    for chunk in inline.respond().into_iter().flatten() {
                        self.take(chunk);
                    }
                }
                Side::Threads(..) => match self.advance(deadline) {
                    Ok(true) if Instant::now() < deadline => self.shed(),
                    Ok(_) | Err(_) => break,
                },
            }
            for (worker, of, answer) in std::mem::take(&mut self.inbox) {
                if of != number {
                    continue;
                }
                let done = match answer {
                    Answer::Counters(report) => {
                        if let Some(last) = self.reports.get_mut(worker) {
                            *last = Some((report, false));
                        }
                        true
                    }
                    Answer::Sessions(rows, over) => {
                        hear(&mut self.finisher, rows);
                        over
                    }
                    Answer::Ended(ended) => {
                        yes |= ended;
                        true
                    }
                };
                if let Some(waits) = waited.get_mut(worker) {
                    *waits &= !done;
                }
            }
            // Whoever has said his last word has no session left.
            for (waits, report) in waited.iter_mut().zip(&self.reports) {
                *waits &= !matches!(report, Some((_, true)));
            }
        }
        yes
    }

    /// All that is known, counted from the start.
    fn totals(&self) -> Stats {
        let mut stats = Stats {
            workers: vec![Default::default(); self.workers],
            busy: vec![Default::default(); self.workers],
            ..Stats::default()
        };
        for (worker, report) in self.reports.iter().enumerate() {
            if let Some((report, _)) = report {
                stats.add_worker(worker, report);
            }
        }
        match &self.source {
            Some(report) => {
                stats.add_source(&report.stats);
                stats.ended_early.clone_from(&report.early);
            }
            // After the workers: what they have counted, it has.
            None => {
                let source = *self.gauge.source.lock().unwrap_or_else(PoisonError::into_inner);
                stats.add_source(&source);
            }
        }
        let over = matches!(self.side, Side::Over);
        let account = &mut stats.account;
        account.in_sessions = match over {
            // What rows say, against what workers counted.
            true => self.finisher.in_sessions + stats.dropped.packets,
            false => account.processed - account.non_session,
        };
        if !over {
            stats.in_flight = account.seen.saturating_sub(account.accounted());
        }
        stats.sessions = self.finisher.sessions + stats.dropped.sessions;
        stats.dropped.add(&self.shed);
        stats.merge_waiting = self.merge.waiting() as u64;
        stats.complete = self.complete;
        stats.waiting = match self.supply.upgrade() {
            Some(supply) => supply.waiting(),
            None => vec![0; self.workers],
        };
        let snapshot = self.finisher.snapshot();
        stats.limits = Limits {
            sessions: snapshot.sessions_per_worker as u64,
            held_bytes: snapshot.held_per_worker as u64,
        };
        stats
    }
}

fn measured(by: Measure, facts: &SessionFacts) -> u64 {
    match by {
        Measure::Bytes => facts.bytes.iter().sum(),
        Measure::Packets => facts.packets.iter().sum(),
        Measure::Payload => facts.payload.iter().sum(),
        Measure::Start => facts.start,
        Measure::End => facts.end,
    }
}

/// A filter on sessions alone; none of an empty text.
fn session_filter(text: &str, snapshot: &Snapshot) -> Result<Option<Filter>, ConfigError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let refuse =
        |what: String, hint: &str| ConfigError { what, place: "filter".into(), hint: hint.into() };
    let known = RowNames::of(&snapshot.catalog);
    let filter = Filter::parse(text, &known).map_err(|e| refuse(e.to_string(), &e.hint))?;
    if transaction_leaves(&filter).next().is_some() {
        let what = "transactions of sessions that go on are not kept".into();
        return Err(refuse(what, "ask for fields of sessions only; nf fields lists them"));
    }
    Ok(Some(filter))
}

//! The life of a session: found or begun, watched, ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use nf_flow::{Handle, Wheel};
use nf_proto::Action;

use super::Worker;
use crate::config::TableFull;
use crate::feed::Hands;
use crate::links::Key;
use crate::observe::Heard;
use crate::parcel::{Item, Owner};
use crate::row::{EndReason, Hint, Moment, Order, Owned, What};
use crate::session::Session;
use crate::snapshot::Snapshot;
use crate::transport::TcpHeader;

/// Sessions looked at to find one that has been silent long.
const SAMPLES: usize = 16;
/// Sessions ended at a time once the capture is over.
const FINISH: usize = 4096;

impl Worker {
    /// The session of `item` at `layer`, begun if there is none: its handle, and whether it is
    /// new. `None` when the table is full and refuses.
    pub(super) fn find(
        &mut self,
        item: &Item,
        layer: usize,
        header: Option<&TcpHeader>,
        snapshot: &Snapshot,
    ) -> Option<(Handle, bool)> {
        let owner = &item.owners[layer];
        if let Some(handle) = self.table.find(owner.hash, |s| s.key == owner.key) {
            let session = self.table.get(handle)?;
            let over = self.over(session, item, owner, header, snapshot);
            match over {
                None => return Some((handle, false)),
                Some(reason) => {
                    let moment = Moment::Before(layer).of(item.sequence);
                    self.end(handle, reason, moment, snapshot);
                }
            }
        }
        if self.table.is_full() && !self.make_room(item, layer, snapshot) {
            return None;
        }
        let id = (layer as u64) << 48 | item.index;
        let begun = Session::new(owner.key, id, item.sequence, item.at.timestamp, item.clock);
        let handle = self.table.insert(owner.hash, begun).ok()?;
        self.stats.sessions += 1;
        if snapshot.plan.counts_sessions {
            let moment = Moment::Packet(layer).of(item.sequence);
            let order = Order { moment, session: id, minor: self.minor };
            self.minor += 1;
            let version = item.packet.ips()[layer].version;
            self.produce.hints.push((order, Hint::Begun { version }));
        }
        Some((handle, true))
    }

    /// Why a session found under a packet's key is not the packet's, if so.
    #[inline]
    fn over(
        &self,
        session: &Session,
        item: &Item,
        owner: &Owner,
        header: Option<&TcpHeader>,
        snapshot: &Snapshot,
    ) -> Option<EndReason> {
        let patience = session.patience(snapshot);
        let waited = item.at.timestamp.saturating_sub(session.end) >= patience;
        // Seen while a leap of time was in doubt, a session looks older than it is.
        let aged = item.clock.saturating_sub(session.seen) >= patience
            && item.at.timestamp.abs_diff(session.end) >= patience;
        if waited || aged {
            return Some(session.closed.unwrap_or(EndReason::Idle));
        }
        let header = header?;
        let dir = session.direction(owner.swapped);
        if header.is_opening() && (session.closed.is_some() || session.tcp.is_another(header, dir))
        {
            return Some(session.closed.unwrap_or(EndReason::Evicted));
        }
        None
    }

    fn make_room(&mut self, item: &Item, layer: usize, snapshot: &Snapshot) -> bool {
        if snapshot.table_full == TableFull::Refuse {
            return false;
        }
        let mut oldest: Option<(u64, Handle)> = None;
        for _ in 0..SAMPLES {
            self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if let Some(handle) = self.table.sample(self.dice >> 16)
                && let Some(session) = self.table.get(handle)
                && oldest.is_none_or(|(seen, _)| session.seen < seen)
            {
                oldest = Some((session.seen, handle));
            }
        }
        let Some((_, handle)) = oldest else { return false };
        self.stats.evicted += 1;
        self.end(handle, EndReason::Evicted, Moment::Before(layer).of(item.sequence), snapshot);
        true
    }

    /// Has the wheel look at a session when it may be over.
    pub(super) fn watch(&mut self, handle: Handle, snapshot: &Snapshot) {
        let Some(session) = self.table.get_mut(handle) else { return };
        let deadline = session.seen.saturating_add(session.patience(snapshot));
        // Its first report; from then on the wheel has it.
        let deadline = match session.wake {
            0 => deadline.min(session.seen.saturating_add(snapshot.report_every)),
            _ => deadline,
        };
        // Later is fine: when woken, it asks to be woken again.
        if session.wake == 0 || deadline < session.wake {
            session.wake = deadline;
            let seen = session.seen;
            self.wheel.get_or_insert_with(|| Wheel::new(seen)).insert(deadline, handle);
        }
    }

    pub(super) fn tick(&mut self, item: &Item, snapshot: &Snapshot) {
        while let Some(key) = self.links.silent(item.clock, snapshot) {
            self.end_link(key, Moment::Tick.of(item.sequence), snapshot);
        }
        let Some(wheel) = &mut self.wheel else { return };
        let mut due = std::mem::take(&mut self.due);
        wheel.advance(item.clock, &mut due);
        // By id: the order in which the wheel wakes them depends on when they were put there.
        due.retain(|&handle| self.table.get(handle).is_some_and(|s| s.wake <= item.clock));
        due.sort_by_key(|&handle| self.table.get(handle).map(|s| s.id));
        due.dedup();
        let moment = Moment::Tick.of(item.sequence);
        for handle in due.drain(..) {
            let Some(session) = self.table.get_mut(handle) else { continue };
            let patience = session.patience(snapshot);
            let quiet = item.at.timestamp.abs_diff(session.end);
            if quiet < patience {
                // Seen while a leap of time was in doubt: that was on this side of it.
                session.seen = session.seen.max(item.clock.saturating_sub(quiet));
            }
            let deadline = session.seen.saturating_add(patience);
            if deadline <= item.clock {
                let reason = session.closed.unwrap_or(EndReason::Idle);
                self.end(handle, reason, moment, snapshot);
            } else {
                let since = session.reported();
                let next = since.saturating_add(snapshot.report_every);
                let due = snapshot.report_every != u64::MAX && next <= item.clock;
                if due {
                    session.report(item.clock);
                }
                let silent = session.seen <= since;
                let next = session.reported().saturating_add(snapshot.report_every);
                session.wake = deadline.min(next);
                if let Some(wheel) = &mut self.wheel {
                    wheel.insert(session.wake, handle);
                }
                // Nothing new of one that was silent meanwhile.
                if due && !silent {
                    self.report_active(handle, moment);
                }
            }
        }
        self.due = due;
    }

    /// Ends a conversation of packets outside sessions.
    pub(super) fn end_link(&mut self, key: Key, moment: u64, snapshot: &Snapshot) {
        let mut ended = Default::default();
        self.with_links(snapshot, |links, room| ended = links.end(key, room));
        self.report_outside(ended.0, moment, ended.1, None);
    }

    /// Ends a session: its pending transactions and then itself become rows.
    pub(super) fn end(
        &mut self,
        handle: Handle,
        reason: EndReason,
        moment: u64,
        snapshot: &Snapshot,
    ) {
        let Some(session) = self.table.get_mut(handle) else { return };
        self.minor = 0;
        let mut hands = Hands {
            action: Action::Continue,
            snapshot,
            pool: &mut self.pool,
            heard: &mut self.heard,
            anomalies: &mut self.anomalies,
            blamed: &self.blamed,
            timestamp: session.end,
            given_up: 0,
            header: None,
        };
        // A defect of a parser must not take the session's row, or the thread, with it.
        let panicked = catch_unwind(AssertUnwindSafe(|| hands.settle(session))).is_err();
        let culprit = session.dissection.path().last().copied().filter(|_| panicked);
        if panicked {
            self.heard = Heard::default();
            session.release(&mut self.pool);
        }
        let facts = session.facts(&self.paths, snapshot, reason);
        match self.rest {
            None => self.table.remove(handle),
            // The end of the capture: nobody will look for a session again.
            Some(_) => self.table.clear(handle),
        }
        if panicked {
            self.stats.panics += 1;
            self.blame(culprit);
        }
        // There is no packet that could take it along.
        self.heard.said.clear();
        if !self.heard.is_empty() {
            for (proto, transaction) in std::mem::take(&mut self.heard.transactions) {
                let (ts, record) = (transaction.start, transaction.record);
                let what = What::Transaction { proto, ts, record };
                self.emit(moment, facts.id, facts.clone(), what);
            }
            for fired in std::mem::take(&mut self.heard.fired) {
                let values = fired.values.into_iter().map(|v| v.unwrap_or(Owned::None)).collect();
                let what = What::Event { event: fired.event, ts: facts.end, values };
                self.emit(moment, facts.id, facts.clone(), what);
            }
            self.pass_hints(moment, facts.id);
        }
        self.emit(moment, facts.id, facts, What::Session);
    }

    /// The capture is over: ends some of the sessions that are left, in the order of their ids.
    /// False once there are none.
    pub fn finish(&mut self, last_sequence: u64) -> bool {
        let snapshot = Arc::clone(&self.snapshot);
        let rest = self.rest.get_or_insert_with(|| {
            let table = &self.table;
            let mut rest: Vec<(u64, Handle)> =
                table.handles().filter_map(|h| Some((table.get(h)?.id, h))).collect();
            rest.sort_unstable_by(|a, b| b.cmp(a));
            rest
        });
        let some = rest.split_off(rest.len().saturating_sub(FINISH));
        let moment = Moment::End.of(last_sequence);
        while let Some(key) = self.links.any() {
            self.end_link(key, moment, &snapshot);
        }
        for (_, handle) in some.into_iter().rev() {
            let closed = self.table.get(handle).and_then(|s| s.closed);
            self.end(handle, closed.unwrap_or(EndReason::EndOfCapture), moment, &snapshot);
        }
        self.rest.as_ref().is_some_and(|rest| !rest.is_empty())
    }
}

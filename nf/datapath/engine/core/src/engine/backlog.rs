//! Rows that the poller has no room for. Files wait for it; live capture does not: what is too much
//! is dropped, reports of sessions that go on first, and counted.

use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, Sender, TrySendError};

use super::station::Chunk;
use crate::row::{EndReason, Row, What};
use crate::worker::Produce;

/// Rows that may wait with a worker.
const MOST_ROWS: usize = 65_536;

/// How long the way of an answer may be taken by others' rows.
const FOR_AN_ANSWER: Duration = Duration::from_millis(20);

/// Rows that were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Reports of sessions that went on.
    pub interim: u64,
    /// Transactions and events.
    pub moments: u64,
    /// Sessions that ended.
    pub sessions: u64,
    /// Packets of these sessions.
    pub packets: u64,
}

impl Dropped {
    /// Counts a row that went after its session was summed up.
    pub(super) fn row_only(&mut self, row: &Row) {
        let packets = self.packets;
        self.row(row);
        self.packets = packets;
    }

    /// Counts a row.
    fn row(&mut self, row: &Row) {
        match row.what {
            What::Session if row.session.end_reason == EndReason::Active => self.interim += 1,
            What::Session => {
                self.sessions += 1;
                self.packets += row.session.packets.iter().sum::<u64>();
            }
            What::Transaction { .. } | What::Event { .. } => self.moments += 1,
        }
    }

    /// Adds those of another worker.
    pub(super) fn add(&mut self, other: &Dropped) {
        self.interim += other.interim;
        self.moments += other.moments;
        self.sessions += other.sessions;
        self.packets += other.packets;
    }

    /// By name.
    pub fn by_name(&self) -> [(&'static str, u64); 4] {
        [
            ("interim", self.interim),
            ("moments", self.moments),
            ("sessions", self.sessions),
            ("packets_of_sessions", self.packets),
        ]
    }
}

/// The way of a worker's chunks to the poller, in order.
pub(super) struct Backlog {
    to_poller: Sender<Chunk>,
    /// Whether capture must not wait.
    live: bool,
    /// Rows that wait, as one chunk.
    waiting: Option<(usize, Produce, u64)>,
    pub dropped: Dropped,
}

/// The poller is gone.
pub(super) struct Gone;

impl Backlog {
    pub fn new(to_poller: Sender<Chunk>, live: bool) -> Self {
        Self { to_poller, live, waiting: None, dropped: Dropped::default() }
    }

    /// Passes a chunk on, or keeps it for later.
    pub fn pass(&mut self, chunk: Chunk) -> Result<(), Gone> {
        if !self.live {
            return self.to_poller.send(chunk).map_err(|_| Gone);
        }
        self.try_waiting()?;
        match chunk {
            Chunk::Rows { worker, produce, reached } => {
                if self.waiting.is_none() {
                    let chunk = Chunk::Rows { worker, produce, reached };
                    return match self.to_poller.try_send(chunk) {
                        Ok(()) => Ok(()),
                        Err(TrySendError::Full(Chunk::Rows { worker, produce, reached })) => {
                            self.waiting = Some((worker, produce, reached));
                            self.bound();
                            Ok(())
                        }
                        Err(TrySendError::Full(_)) => Ok(()),
                        Err(TrySendError::Disconnected(_)) => Err(Gone),
                    };
                }
                if let Some((_, kept, until)) = &mut self.waiting {
                    kept.rows.extend(produce.rows);
                    kept.hints.extend(produce.hints);
                    *until = reached;
                }
                self.bound();
                Ok(())
            }
            // Whoever asked is listening; if he has gone, he does not miss it.
            Chunk::Answer { .. } => {
                if self.waiting.is_some() {
                    return Ok(());
                }
                match self.to_poller.send_timeout(chunk, FOR_AN_ANSWER) {
                    Err(SendTimeoutError::Disconnected(_)) => Err(Gone),
                    Ok(()) | Err(SendTimeoutError::Timeout(_)) => Ok(()),
                }
            }
            // With the last load: capture is over.
            Chunk::Worker { .. } | Chunk::Source(_) => {
                self.flush()?;
                self.pass_last(chunk)
            }
        }
    }

    /// Passes on a chunk of the end, when capture is over and can wait.
    pub fn pass_last(&mut self, chunk: Chunk) -> Result<(), Gone> {
        self.to_poller.send(chunk).map_err(|_| Gone)
    }

    /// Whether an answer could be passed on now.
    pub fn is_clear(&mut self) -> Result<bool, Gone> {
        self.try_waiting()?;
        Ok(self.waiting.is_none() && !self.to_poller.is_full())
    }

    /// Passes on what waits, however long it takes.
    pub fn flush(&mut self) -> Result<(), Gone> {
        match self.waiting.take() {
            Some((worker, produce, reached)) => {
                self.to_poller.send(Chunk::Rows { worker, produce, reached }).map_err(|_| Gone)
            }
            None => Ok(()),
        }
    }

    fn try_waiting(&mut self) -> Result<(), Gone> {
        let Some((worker, produce, reached)) = self.waiting.take() else { return Ok(()) };
        match self.to_poller.try_send(Chunk::Rows { worker, produce, reached }) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(Chunk::Rows { worker, produce, reached })) => {
                self.waiting = Some((worker, produce, reached));
                Ok(())
            }
            Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(Gone),
        }
    }

    /// Drops what is too much.
    fn bound(&mut self) {
        let Self { waiting: Some((_, produce, _)), dropped, .. } = self else { return };
        let is_interim = |row: &Row| {
            matches!(row.what, What::Session) && row.session.end_reason == EndReason::Active
        };
        let is_moment = |row: &Row| !matches!(row.what, What::Session);
        let kinds: [&dyn Fn(&Row) -> bool; 3] = [&is_interim, &is_moment, &|_| true];
        for droppable in kinds {
            if produce.rows.len() <= MOST_ROWS {
                return;
            }
            // A quarter of the room at once, so that not every row looks through all of them.
            let mut left = produce.rows.len() - MOST_ROWS * 3 / 4;
            produce.rows.retain(|row| {
                if left == 0 || !droppable(row) {
                    return true;
                }
                left -= 1;
                dropped.row(row);
                false
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Names, Order, SessionFacts};
    use crossbeam_channel::bounded;

    fn rows(count: usize, end_reason: EndReason) -> Vec<Row> {
        let facts = || SessionFacts { end_reason, packets: [2, 1], ..SessionFacts::default() };
        let row = || Row {
            order: Order::default(),
            session: facts(),
            what: What::Session,
            names: Names::default(),
        };
        std::iter::repeat_with(row).take(count).collect()
    }

    fn chunk(rows: Vec<Row>, reached: u64) -> Chunk {
        Chunk::Rows { worker: 0, produce: Produce { rows, hints: Vec::new() }, reached }
    }

    #[test]
    fn live_rows_wait_for_the_poller_and_arrive_as_one_chunk() {
        let (sender, receiver) = bounded(1);
        let mut backlog = Backlog::new(sender, true);
        for reached in 1..=3 {
            assert!(backlog.pass(chunk(rows(1, EndReason::Fin), reached)).is_ok());
        }

        assert!(matches!(receiver.recv(), Ok(Chunk::Rows { reached: 1, .. })));
        assert!(backlog.is_clear().is_ok_and(|clear| !clear));

        let Ok(Chunk::Rows { produce, reached, .. }) = receiver.recv() else { panic!() };
        assert_eq!((produce.rows.len(), reached), (2, 3));
        assert_eq!(backlog.dropped, Dropped::default());
    }

    #[test]
    fn what_is_too_much_is_dropped_interim_reports_first_and_counted() {
        let (sender, _receiver) = bounded(1);
        let mut backlog = Backlog::new(sender, true);
        let pass = |backlog: &mut Backlog, count, reason| {
            assert!(backlog.pass(chunk(rows(count, reason), 1)).is_ok());
        };
        pass(&mut backlog, 1, EndReason::Fin);
        pass(&mut backlog, 20_000, EndReason::Active);
        pass(&mut backlog, MOST_ROWS - 20_000, EndReason::Idle);
        assert_eq!(backlog.dropped, Dropped::default());

        pass(&mut backlog, 1, EndReason::Idle);
        assert_eq!(backlog.dropped.interim, (MOST_ROWS / 4 + 1) as u64);
        assert_eq!(backlog.dropped.sessions, 0);

        pass(&mut backlog, MOST_ROWS, EndReason::Idle);
        let dropped = backlog.dropped;
        assert_eq!((dropped.interim, dropped.packets), (20_000, 3 * dropped.sessions));
        assert!(dropped.sessions > 0);
    }

    #[test]
    fn a_poller_that_is_gone_ends_the_worker() {
        let (sender, receiver) = bounded(1);
        let mut backlog = Backlog::new(sender, true);
        drop(receiver);
        assert!(backlog.pass(chunk(Vec::new(), 0)).is_err());
    }
}

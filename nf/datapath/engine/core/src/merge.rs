//! Rows of several workers in the one order they would have had with one.

use std::collections::VecDeque;

use crate::row::{Hint, Order, Row};
use crate::worker::Produce;

/// What comes out, in order.
#[expect(clippy::large_enum_variant, reason = "rows are the rule, and a box each would cost more")]
pub enum Merged {
    /// A row.
    Row(Row),
    /// A hint; it precedes the rows that it concerns.
    Hint(Order, Hint),
}

#[derive(Default)]
struct Lane {
    rows: VecDeque<Row>,
    hints: VecDeque<(Order, Hint)>,
    /// Everything this worker will still send is at this moment or later.
    reached: u64,
}

impl Lane {
    fn next(&self) -> Option<Order> {
        let row = self.rows.front().map(|r| r.order);
        let hint = self.hints.front().map(|(order, _)| *order);
        match (row, hint) {
            (Some(row), Some(hint)) => Some(row.min(hint)),
            (row, hint) => row.or(hint),
        }
    }

    fn pop(&mut self) -> Option<Merged> {
        let row = self.rows.front().map(|r| r.order);
        match (row, self.hints.front()) {
            (Some(row), Some((hint, _))) if *hint < row => self.pop_hint(),
            (None, Some(_)) => self.pop_hint(),
            _ => self.rows.pop_front().map(Merged::Row),
        }
    }

    fn pop_hint(&mut self) -> Option<Merged> {
        self.hints.pop_front().map(|(order, hint)| Merged::Hint(order, hint))
    }
}

/// A merge of as many lanes as there are workers.
pub struct Merge {
    lanes: Vec<Lane>,
}

impl Merge {
    /// A merge for `workers` workers.
    pub fn new(workers: usize) -> Self {
        Self { lanes: (0..workers.max(1)).map(|_| Lane::default()).collect() }
    }

    /// Takes what a worker produced; all it will still send is at moment `reached` or later.
    pub fn add(&mut self, worker: usize, produce: Produce, reached: u64) {
        if let Some(lane) = self.lanes.get_mut(worker) {
            lane.rows.extend(produce.rows);
            lane.hints.extend(produce.hints);
            lane.reached = lane.reached.max(reached);
        }
    }

    /// The next in order, if no worker can still send an earlier one.
    pub fn pop(&mut self) -> Option<Merged> {
        let mut first: Option<(Order, usize)> = None;
        let mut reached = u64::MAX;
        for (n, lane) in self.lanes.iter().enumerate() {
            match lane.next() {
                Some(order) if first.is_none_or(|(least, _)| order < least) => {
                    first = Some((order, n));
                }
                Some(_) => {}
                None => reached = reached.min(lane.reached),
            }
        }
        let (order, lane) = first?;
        if order.moment >= reached {
            return None;
        }
        self.lanes.get_mut(lane)?.pop()
    }

    /// Rows and hints that wait for a slower worker.
    pub fn waiting(&self) -> usize {
        self.lanes.iter().map(|l| l.rows.len() + l.hints.len()).sum()
    }
}

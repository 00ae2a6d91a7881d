//! What is known of sessions that have not ended: for whoever asks, and as reports from time to time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use nf_flow::Handle;

use super::Worker;
use crate::row::{EndReason, Moment, Names, Order, Row, What};
use crate::session::Session;

/// Sessions looked at between two loads, when the first ones by a measure are looked for.
const LOOKED_AT: usize = 16_384;
/// Sessions told of between two loads, when all are.
const TOLD: usize = 2048;

/// Which sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// At most so many of a worker.
    pub most: usize,
    /// The greatest by this come first.
    pub by: Measure,
}

impl Selection {
    /// All, in no order.
    pub const ALL: Self = Self { most: usize::MAX, by: Measure::Bytes };
}

/// What sessions are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Octets of both directions.
    #[default]
    Bytes,
    /// Packets of both directions.
    Packets,
    /// Octets of payload of both directions.
    Payload,
    /// When it began, the latest first.
    Start,
    /// When it was last seen, the latest first.
    End,
}

impl Measure {
    /// All, by name.
    pub const ALL: [(&'static str, Measure); 5] = [
        ("bytes", Measure::Bytes),
        ("packets", Measure::Packets),
        ("payload", Measure::Payload),
        ("start", Measure::Start),
        ("end", Measure::End),
    ];

    /// By name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, measure)| *measure)
    }
}

/// The search through a worker's sessions for an answer, a piece at a time.
pub(crate) struct Scan {
    selection: Selection,
    /// Those to look at yet, from the end.
    left: Vec<Handle>,
    best: BinaryHeap<Reverse<(u64, u64, u32)>>,
    chosen: Vec<Handle>,
}

impl Measure {
    fn of(self, session: &Session) -> u64 {
        match self {
            Measure::Bytes => session.bytes.iter().sum(),
            Measure::Packets => session.packets.iter().sum(),
            Measure::Payload => session.payload.iter().sum(),
            Measure::Start => session.start,
            Measure::End => session.end,
        }
    }
}

impl Worker {
    /// Begins a search.
    pub(crate) fn scan(&self, selection: Selection) -> Scan {
        let left = match selection.most {
            0 => Vec::new(),
            _ => self.table.handles().collect(),
        };
        Scan { selection, left, best: BinaryHeap::new(), chosen: Vec::new() }
    }

    /// Goes on with a search: rows found, and whether it is over.
    pub(crate) fn scan_on(&self, scan: &mut Scan) -> (Vec<Row>, bool) {
        if scan.selection.most == usize::MAX {
            let piece = scan.left.split_off(scan.left.len().saturating_sub(TOLD));
            let rows = piece.into_iter().filter_map(|handle| self.row_of(handle)).collect();
            return (rows, scan.left.is_empty());
        }
        let piece = scan.left.split_off(scan.left.len().saturating_sub(LOOKED_AT));
        for handle in piece {
            let Some(session) = self.table.get(handle) else { continue };
            let key = (scan.selection.by.of(session), session.id);
            let full = scan.best.len() >= scan.selection.most;
            let least = scan.best.peek().map(|Reverse((value, id, _))| (*value, *id));
            if full && least.is_some_and(|least| least >= key) {
                continue;
            }
            let place = if full {
                // The least of them makes room.
                scan.best.pop().map_or(0, |Reverse((_, _, place))| place)
            } else {
                scan.chosen.push(handle);
                scan.chosen.len() as u32 - 1
            };
            if let Some(chosen) = scan.chosen.get_mut(place as usize) {
                *chosen = handle;
            }
            scan.best.push(Reverse((key.0, key.1, place)));
        }
        if !scan.left.is_empty() {
            return (Vec::new(), false);
        }
        let rows = scan.chosen.drain(..).filter_map(|handle| self.row_of(handle)).collect();
        (rows, true)
    }

    fn row_of(&self, handle: Handle) -> Option<Row> {
        let session = self.table.get(handle)?;
        Some(Row {
            order: Order { session: session.id, ..Order::default() },
            session: session.facts(&self.paths, &self.snapshot, EndReason::Active),
            what: What::Session,
            names: Names::default(),
        })
    }

    /// Ends a session by its id, at the place `sequence` in the order. Whether there was one.
    pub(crate) fn end_by_id(&mut self, id: u64, sequence: u64) -> bool {
        let found = self.table.handles().find(|&h| self.table.get(h).is_some_and(|s| s.id == id));
        let Some(handle) = found else { return false };
        let snapshot = Arc::clone(&self.snapshot);
        let moment = Moment::Tick.of(sequence);
        self.end(handle, EndReason::Terminated, moment, &snapshot);
        true
    }

    /// Reports a session that goes on.
    pub(super) fn report_active(&mut self, handle: Handle, moment: u64) {
        self.minor = 0;
        if let Some(row) = self.row_of(handle) {
            self.emit(moment, row.session.id, row.session, What::Session);
        }
    }
}

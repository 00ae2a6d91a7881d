//! Questions to running stations. A station looks at the desk between two loads, which costs it one
//! read of a number that seldom changes; its answer takes the way of its rows, behind them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::station::WorkerReport;
use crate::row::Row;
use crate::worker::Selection;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The counters.
    Counters,
    /// Active sessions: the first ones by a measure, or all of them.
    Sessions(Selection),
    /// Ends the session of this id.
    End(u64),
}

/// What a station says.
pub(super) enum Answer {
    /// Its counters.
    Counters(Box<WorkerReport>),
    /// Some of its sessions, and whether these were the last.
    Sessions(Vec<Row>, bool),
    /// Whether it had the session.
    Ended(bool),
}

/// See the module.
#[derive(Default)]
pub(super) struct Desk {
    /// Number of the question that lies there; 0: none yet.
    number: AtomicU64,
    question: Mutex<Option<Question>>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Option<Question>> {
        self.question.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a question there, in place of the one before; its number.
    pub fn ask(self: &Arc<Self>, question: Question) -> u64 {
        let mut lies = self.lock();
        *lies = Some(question);
        self.number.fetch_add(1, Ordering::Release) + 1
    }

    /// The number of the question that lies there.
    #[inline]
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// The question, with its number.
    pub fn question(&self) -> Option<(u64, Question)> {
        let lies = self.lock();
        (*lies).map(|question| (self.number.load(Ordering::Acquire), question))
    }
}

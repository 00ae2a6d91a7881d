//! Loads on their way from the source to all workers.
//!
//! Every worker gets every load. Whoever has none left reads the next one for all, so that no
//! thread only reads and reading falls to whoever has least to do. A slow worker holds the others
//! up after a few loads: nothing is dropped when reading files.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use nf_capture::Batch;

use super::reader::{Load, Reader};

/// Packets read at a time.
const BATCH: usize = 256;
/// Loads that the fastest worker may be ahead of the slowest.
const AHEAD: usize = 16;

struct State {
    /// Away while somebody reads.
    reader: Option<Box<Reader>>,
    /// Loads that some worker has not taken yet.
    loads: VecDeque<Arc<Load>>,
    /// Number of the first of them.
    first: u64,
    /// Number of the next load of each worker; `u64::MAX` once it has left.
    next: Vec<u64>,
    /// Nothing will be read any more.
    over: bool,
    /// Room for batches.
    spare: Vec<Batch>,
}

/// See the module.
pub(super) struct Supply {
    state: Mutex<State>,
    changed: Condvar,
}

impl Supply {
    /// A place for each of so many workers.
    pub fn seats(reader: Reader, workers: usize) -> (Weak<Self>, Vec<Seat>) {
        let supply = Arc::new(Self {
            state: Mutex::new(State {
                reader: Some(Box::new(reader)),
                loads: VecDeque::with_capacity(AHEAD),
                first: 0,
                next: vec![0; workers],
                over: false,
                spare: Vec::new(),
            }),
            changed: Condvar::new(),
        });
        let seat = |number| Seat { supply: Arc::clone(&supply), number };
        (Arc::downgrade(&supply), (0..workers).map(seat).collect())
    }

    /// Loads that wait for each worker.
    pub fn waiting(&self) -> Vec<u64> {
        let state = self.lock();
        let read = state.first + state.loads.len() as u64;
        state.next.iter().map(|next| read.saturating_sub(*next)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panics holds no lock: state is whole between any two of its lines.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets the loads that everybody has taken.
    fn tidy(&mut self) -> bool {
        let least = self.next.iter().copied().min().unwrap_or(u64::MAX);
        let mut gone = false;
        while self.first < least && self.loads.pop_front().is_some() {
            self.first += 1;
            gone = true;
        }
        gone
    }
}

/// A worker's place at the supply. Leaving it early ends reading for all.
pub(super) struct Seat {
    supply: Arc<Supply>,
    number: usize,
}

impl Seat {
    /// The next load; `None` once the last one has been had. `done` is the load before.
    pub fn next(&mut self, done: Option<Arc<Load>>) -> Option<Arc<Load>> {
        let mut state = self.supply.lock();
        if let Some(load) = done.and_then(Arc::into_inner)
            && state.spare.len() < AHEAD
        {
            state.spare.push(load.batch);
        }
        loop {
            let mine = state.next[self.number];
            let at = mine.saturating_sub(state.first) as usize;
            if let Some(load) = state.loads.get(at).map(Arc::clone) {
                state.next[self.number] = mine + 1;
                if state.tidy() && state.loads.len() + 1 >= AHEAD {
                    self.supply.changed.notify_all();
                }
                return Some(load);
            }
            if state.over {
                return None;
            }
            let room = state.loads.len() < AHEAD;
            state = match state.reader.take_if(|_| room) {
                Some(mut reader) => {
                    let spare = state.spare.pop();
                    drop(state);
                    let load = reader.read(spare.unwrap_or_else(|| Batch::with_capacity(BATCH)));
                    state = self.supply.lock();
                    state.over |= load.end.is_some();
                    state.reader = Some(reader);
                    state.loads.push_back(Arc::new(load));
                    self.supply.changed.notify_all();
                    state
                }
                None => self.supply.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.supply.lock();
        state.next[self.number] = u64::MAX;
        state.over = true;
        state.tidy();
        self.supply.changed.notify_all();
    }
}

//! What a worker counts.

/// Counters of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerStats {
    /// Packets whose innermost session (or none) was the worker's.
    pub processed: u64,
    /// Of those, packets outside sessions.
    pub non_session: u64,
    /// Of those, refused by the full table.
    pub refused: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Sessions that made room for others.
    pub evicted: u64,
    /// Packets that made something panic.
    pub panics: u64,
    /// Segments outside any window.
    pub outside_window: u64,
    /// Chunks of SCTP messages dropped: no room for the rest of their message, or so late that they
    /// cannot be told from repeated ones.
    pub chunks_given_up: u64,
    /// Sessions alive now.
    pub alive: u64,
    /// Octets of table memory.
    pub table_bytes: u64,
    /// Octets held for later.
    pub held_bytes: u64,
}

impl WorkerStats {
    /// What was counted after `earlier`. What only says how things are now stays.
    pub fn since(&self, earlier: &WorkerStats) -> WorkerStats {
        WorkerStats {
            processed: self.processed.saturating_sub(earlier.processed),
            non_session: self.non_session.saturating_sub(earlier.non_session),
            refused: self.refused.saturating_sub(earlier.refused),
            sessions: self.sessions.saturating_sub(earlier.sessions),
            evicted: self.evicted.saturating_sub(earlier.evicted),
            panics: self.panics.saturating_sub(earlier.panics),
            outside_window: self.outside_window.saturating_sub(earlier.outside_window),
            chunks_given_up: self.chunks_given_up.saturating_sub(earlier.chunks_given_up),
            alive: self.alive,
            table_bytes: self.table_bytes,
            held_bytes: self.held_bytes,
        }
    }

    /// Names and values, for output.
    pub fn terms(&self) -> [(&'static str, u64); 11] {
        [
            ("processed", self.processed),
            ("non_session", self.non_session),
            ("refused", self.refused),
            ("sessions", self.sessions),
            ("evicted", self.evicted),
            ("panics", self.panics),
            ("outside_window", self.outside_window),
            ("chunks_given_up", self.chunks_given_up),
            ("alive", self.alive),
            ("table_bytes", self.table_bytes),
            ("held_bytes", self.held_bytes),
        ]
    }
}

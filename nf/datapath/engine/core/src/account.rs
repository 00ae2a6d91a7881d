//! The accounting identity: every packet seen is counted once more, by what became of it.

use std::collections::BTreeMap;

/// Packets by fate. Sums of the parts of a run; all counters only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Packets the source has seen, dropped ones included.
    pub seen: u64,
    /// Octets of them, on the wire.
    pub bytes: u64,
    /// Dropped by the kernel or the network interface.
    pub kernel_drops: u64,
    /// Dropped between reader and workers because a worker was behind (live only).
    pub dispatch_drops: u64,
    /// Left out by the packet filter.
    pub filtered: u64,
    /// Counted by light inspection only.
    pub light_only: u64,
    /// Not understood: see [`DecodeErrors`].
    pub decode_errors: u64,
    /// Handled by a worker.
    pub processed: u64,
    /// Of those, packets outside any session (ARP, …) or refused by a full table.
    pub non_session: u64,
    /// Of those, packets of sessions.
    pub in_sessions: u64,
    /// Records that were shorter than the packet was (snap length).
    pub truncated: u64,
}

impl Account {
    /// The two equations, or which one does not hold.
    ///
    /// # Errors
    /// The equation with its numbers.
    pub fn check(&self) -> Result<(), String> {
        let parts = [
            self.kernel_drops,
            self.dispatch_drops,
            self.filtered,
            self.light_only,
            self.decode_errors,
            self.processed,
        ];
        let sum: u64 = parts.iter().sum();
        if sum != self.seen {
            return Err(format!("seen {} != {sum} = {parts:?}", self.seen));
        }
        if self.in_sessions + self.non_session != self.processed {
            return Err(format!(
                "processed {} != in sessions {} + non-session {}",
                self.processed, self.in_sessions, self.non_session
            ));
        }
        Ok(())
    }

    /// Packets whose fate is known.
    pub fn accounted(&self) -> u64 {
        self.kernel_drops
            + self.dispatch_drops
            + self.filtered
            + self.light_only
            + self.decode_errors
            + self.processed
    }

    /// What was counted after `earlier`.
    pub fn since(&self, earlier: &Account) -> Account {
        Account {
            seen: self.seen.saturating_sub(earlier.seen),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            kernel_drops: self.kernel_drops.saturating_sub(earlier.kernel_drops),
            dispatch_drops: self.dispatch_drops.saturating_sub(earlier.dispatch_drops),
            filtered: self.filtered.saturating_sub(earlier.filtered),
            light_only: self.light_only.saturating_sub(earlier.light_only),
            decode_errors: self.decode_errors.saturating_sub(earlier.decode_errors),
            processed: self.processed.saturating_sub(earlier.processed),
            non_session: self.non_session.saturating_sub(earlier.non_session),
            in_sessions: self.in_sessions.saturating_sub(earlier.in_sessions),
            truncated: self.truncated.saturating_sub(earlier.truncated),
        }
    }

    /// Adds another part's counters.
    pub fn add(&mut self, other: &Account) {
        self.seen += other.seen;
        self.bytes += other.bytes;
        self.kernel_drops += other.kernel_drops;
        self.dispatch_drops += other.dispatch_drops;
        self.filtered += other.filtered;
        self.light_only += other.light_only;
        self.decode_errors += other.decode_errors;
        self.processed += other.processed;
        self.non_session += other.non_session;
        self.in_sessions += other.in_sessions;
        self.truncated += other.truncated;
    }

    /// Names and values, for output.
    pub fn terms(&self) -> [(&'static str, u64); 11] {
        [
            ("packets", self.seen),
            ("bytes", self.bytes),
            ("kernel_drops", self.kernel_drops),
            ("dispatch_drops", self.dispatch_drops),
            ("filtered", self.filtered),
            ("light_only", self.light_only),
            ("decode_errors", self.decode_errors),
            ("processed", self.processed),
            ("non_session", self.non_session),
            ("in_sessions", self.in_sessions),
            ("truncated", self.truncated),
        ]
    }
}

/// Everything counted that is not a packet's fate, by name (`tcp.retransmission`, `dns.…`).
pub type Tally = BTreeMap<String, u64>;

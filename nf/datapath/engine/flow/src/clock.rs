//! Packet time as one clock that never goes back and cannot be forged forward.
//!
//! Time stamps come from the capture and may be wrong: reordered by merging, set back by hours,
//! or, in a forged file, centuries ahead. The clock that ends idle sessions follows them, but
//! believes a great leap only when several packets in a row agree; until then it stands still.
//! Sessions keep their packets' own time stamps. What was seen while a leap was in doubt has a
//! reading from before it: whether that is long ago, `reference` tells in packets' own time.

/// A leap greater than this (one hour) must be confirmed.
const LEAP_NS: u64 = 3_600_000_000_000;
/// Packets in a row that confirm a leap.
const CONFIRMATIONS: u8 = 8;

/// Time stamps that the clock did not follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockFaults {
    /// Earlier than a packet before.
    pub backwards: u64,
    /// Leaps of over an hour, either way, that were followed after confirmation.
    pub leaps: u64,
    /// Packets whose leap was not (yet) confirmed.
    pub suspects: u64,
}

/// See the module. Its reading starts at the first time stamp and counts on from there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    started: bool,
    /// Reading of the clock.
    now: u64,
    /// Last time stamp that was believed.
    reference: u64,
    suspect: u64,
    agreeing: u8,
    faults: ClockFaults,
}

impl Clock {
    /// Takes a packet's time stamp (nanoseconds) and returns the reading.
    #[inline]
    pub fn observe(&mut self, timestamp: u64) -> u64 {
        let ahead = timestamp.wrapping_sub(self.reference);
        if ahead < LEAP_NS && self.started {
            self.reference = timestamp;
            self.now = self.now.saturating_add(ahead);
            self.agreeing = 0;
            return self.now;
        }
        self.observe_unusual(timestamp)
    }

    #[cold]
    fn observe_unusual(&mut self, timestamp: u64) -> u64 {
        if !self.started {
            self.started = true;
            self.now = timestamp;
            self.reference = timestamp;
            return self.now;
        }
        let behind = self.reference.saturating_sub(timestamp);
        if timestamp < self.reference {
            self.faults.backwards = self.faults.backwards.saturating_add(1);
            if behind < LEAP_NS {
                return self.now;
            }
        }
        self.faults.suspects = self.faults.suspects.saturating_add(1);
        let near = timestamp.abs_diff(self.suspect) < LEAP_NS;
        self.agreeing = if near && self.agreeing > 0 { self.agreeing.saturating_add(1) } else { 1 };
        self.suspect = timestamp;
        if self.agreeing >= CONFIRMATIONS {
            // Forward, the clock follows; back, it goes on from where it stands.
            if timestamp > self.reference {
                let ahead = timestamp.saturating_sub(self.reference);
                self.now = self.now.saturating_add(ahead);
            }
            self.reference = timestamp;
            self.agreeing = 0;
            self.faults.leaps = self.faults.leaps.saturating_add(1);
        }
        self.now
    }

    /// The reading.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The last time stamp that was believed: where the capture is, in its own time.
    pub fn reference(&self) -> u64 {
        self.reference
    }

    /// What was not followed.
    pub fn faults(&self) -> ClockFaults {
        self.faults
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may overflow and fail")]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const START: u64 = 1_700_000_000 * SECOND;

    #[test]
    fn one_forged_time_stamp_moves_nothing() {
        let mut clock = Clock::default();
        clock.observe(START);

        clock.observe(u64::MAX);
        clock.observe(0);

        assert_eq!(clock.observe(START + SECOND), START + SECOND);
        assert_eq!(clock.faults().suspects, 2);
    }

    #[test]
    fn a_leap_that_packets_agree_on_is_followed() {
        let mut clock = Clock::default();
        clock.observe(START);
        let later = START + 10 * 3600 * SECOND;

        let readings: Vec<u64> = (0..8).map(|n| clock.observe(later + n)).collect();

        assert_eq!(readings[6], START);
        assert_eq!(readings[7], later + 7);
        assert_eq!(clock.reference(), later + 7);
        assert_eq!(clock.faults().leaps, 1);
    }

    #[test]
    fn time_set_back_for_good_lets_the_clock_run_on() {
        let mut clock = Clock::default();
        clock.observe(START);
        for n in 0..8 {
            clock.observe(1000 + n);
        }

        assert_eq!(clock.observe(1007 + SECOND), START + SECOND);
    }

    #[test]
    fn small_disorder_holds_the_clock() {
        let mut clock = Clock::default();
        clock.observe(START + SECOND);

        assert_eq!(clock.observe(START), START + SECOND);
        assert_eq!(clock.faults().backwards, 1);
    }
}

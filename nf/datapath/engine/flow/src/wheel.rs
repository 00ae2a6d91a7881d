//! A hierarchical timer wheel in packet time.
//!
//! Three rings of 256 slots; a tick is 100 ms, so that the rings span 25.6 s, 1.8 h and 19 days.
//! Entries are never taken out early: whoever is woken looks whether its time has really come,
//! and asks to be woken again if not. An advance over any distance visits every slot at most once.

/// Length of a tick in nanoseconds.
pub const TICK_NS: u64 = 100_000_000;

const SLOTS: usize = 256;
const RINGS: usize = 3;

/// Timers of things of type `T`.
pub struct Wheel<T> {
    rings: [Vec<Vec<(u64, T)>>; RINGS],
    /// The tick up to which all timers have been woken.
    now: u64,
    len: usize,
}

fn slot_of(tick: u64, ring: usize) -> usize {
    let shift = ring.wrapping_mul(8) as u32;
    (tick.checked_shr(shift).unwrap_or(0) & 0xff) as usize
}

impl<T> Wheel<T> {
    /// A wheel that begins at `now` (nanoseconds).
    pub fn new(now: u64) -> Self {
        let ring = || (0..SLOTS).map(|_| Vec::new()).collect();
        Self { rings: [ring(), ring(), ring()], now: now / TICK_NS, len: 0 }
    }

    /// Timers waiting.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Wakes `item` at the first advance to `deadline` (nanoseconds) or beyond; at the next one
    /// when that has passed.
    #[inline]
    pub fn insert(&mut self, deadline: u64, item: T) {
        // Rounded up: never woken before its time.
        let tick = deadline.div_ceil(TICK_NS).max(self.now.saturating_add(1));
        self.place(tick, item);
        self.len = self.len.saturating_add(1);
    }

    #[inline]
    fn place(&mut self, tick: u64, item: T) {
        let distance = tick.saturating_sub(self.now);
        let ring = match distance {
            0..256 => 0,
            256..65_536 => 1,
            _ => 2,
        };
        // Beyond the last ring: as far as it reaches; woken early, asked again.
        let reach = tick.min(self.now.saturating_add(0xfe_ffff));
        let slot = slot_of(reach, ring);
        if let Some(entries) = self.rings.get_mut(ring).and_then(|r| r.get_mut(slot)) {
            entries.push((tick, item));
        }
    }

    /// Advances to `now` (nanoseconds), moving everything due into `due`.
    pub fn advance(&mut self, now: u64, due: &mut Vec<T>) {
        let target = now / TICK_NS;
        if target <= self.now {
            return;
        }
        let mut moved = Vec::new();
        for ring in 0..RINGS {
            let shift = ring.wrapping_mul(8) as u32;
            let from = self.now >> shift;
            let to = target >> shift;
            let steps = to.saturating_sub(from).min(SLOTS as u64);
            for step in 1..=steps {
                let slot = (from.wrapping_add(step) & 0xff) as usize;
                if let Some(entries) = self.rings.get_mut(ring).and_then(|r| r.get_mut(slot)) {
                    moved.append(entries);
                }
            }
        }
        self.now = target;
        for (tick, item) in moved {
            if tick <= target {
                self.len = self.len.saturating_sub(1);
                due.push(item);
            } else {
                self.place(tick, item);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may overflow and fail")]
mod tests {
    use super::*;

    #[test]
    fn everything_is_woken_once_and_not_early() {
        let start = 1_700_000_000_000_000_000;
        let mut wheel = Wheel::new(start);
        let delays: Vec<u64> = (0..4000)
            .map(|n: u64| n.wrapping_mul(n).wrapping_mul(97_000_003) % 3_000_000_000_000_000)
            .collect();
        for &delay in &delays {
            wheel.insert(start + delay, start + delay);
        }

        let mut now = start;
        let mut woken = 0;
        let mut due = Vec::new();
        let mut step = 50_000_000;
        while !wheel.is_empty() {
            now += step;
            step = (step * 21 / 20).min(400_000_000_000_000);
            wheel.advance(now, &mut due);
            for deadline in due.drain(..) {
                assert!(deadline <= now, "woken {} ns early", deadline - now);
                assert!(now - deadline <= step + 2 * TICK_NS, "late by {}", now - deadline);
                woken += 1;
            }
        }
        assert_eq!(woken, delays.len());
    }

    #[test]
    fn a_jump_of_centuries_wakes_all_in_bounded_steps() {
        let mut wheel = Wheel::new(0);
        for n in 0..1000u64 {
            wheel.insert(n * 7_000_000_000, n);
        }
        let mut due = Vec::new();

        wheel.advance(u64::MAX, &mut due);

        assert_eq!(due.len(), 1000);
    }
}

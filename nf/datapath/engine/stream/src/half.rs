//! One direction of a TCP connection (RFC 9293 §3.4: sequence numbers).

use crate::Pool;

/// Segments held per direction at most.
const MAX_HELD: usize = 32;
/// Octets held per direction at most.
const MAX_HELD_OCTETS: usize = 128 * 1024;
/// A segment further ahead than this is no part of the stream: the greatest window (RFC 7323) is
/// 1 GiB, but what we hold is far less; a real jump shows in the segments after it.
const MAX_AHEAD: u32 = 16 * 1024 * 1024;
/// So many segments in a row far ahead mean that the stream itself has moved.
const MOVED: u8 = 8;
/// So many acknowledgements past a hole mean that its octets will not come. Fewer say little: a
/// capture of both directions, from two queues or two taps, has them out of step with each other.
const PATIENCE: u8 = 8;
/// Holes remembered per direction after moving past them.
const MAX_PASSED: usize = 4;

/// Where a segment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Next in order, after leaving out the first `skip` octets (already seen).
    Next {
        /// Octets of the segment that were seen before.
        skip: usize,
    },
    /// Nothing new in it.
    Old,
    /// Octets before it are missing.
    Ahead {
        /// How many.
        missing: u32,
    },
    /// Not within any plausible window.
    Outside,
}

/// Octets that have become ready after a hole closed or was given up.
#[derive(Debug, PartialEq, Eq)]
pub enum Ready {
    /// In-order octets.
    Data(Box<[u8]>),
    /// So many octets will not come.
    Gap(u64),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Half {
    next: u32,
    started: bool,
    outside: u8,
    held: Option<Box<Held>>,
    /// Holes moved past, latest first: from the first number missing up to the first not missing.
    passed: Option<Box<[(u32, u32); MAX_PASSED]>>,
}

#[derive(Debug, Default)]
struct Held {
    /// By sequence number, ascending from `next`; may overlap.
    segments: Vec<(u32, Box<[u8]>)>,
    octets: usize,
    /// Acknowledgements past the first hole.
    acknowledged: u8,
}

/// `a - b` on the circle of sequence numbers.
fn distance(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b) as i32
}

impl Half {
    /// Whether any segment was seen.
    pub fn started(&self) -> bool {
        self.started
    }

    /// The next sequence number expected.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Whether anything waits for a hole to close.
    #[inline]
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// A SYN: its sequence number comes before the first octet.
    pub fn syn(&mut self, sequence: u32) {
        if !self.started {
            self.started = true;
            self.next = sequence.wrapping_add(1);
        }
    }

    /// Says where `length` octets at `sequence` lie, without taking them.
    #[inline]
    pub fn place(&mut self, sequence: u32, length: usize) -> Place {
        if !self.started {
            // The capture began in the middle of the connection.
            self.started = true;
            self.next = sequence;
        }
        if sequence == self.next {
            return Place::Next { skip: 0 };
        }
        let ahead = distance(sequence, self.next);
        if ahead > 0 {
            let missing = ahead.unsigned_abs();
            return if missing > MAX_AHEAD { Place::Outside } else { Place::Ahead { missing } };
        }
        let seen = ahead.unsigned_abs() as usize;
        if seen < length { Place::Next { skip: seen } } else { Place::Old }
    }

    /// Takes `length` octets as delivered.
    #[inline]
    pub fn advance(&mut self, length: usize) {
        self.outside = 0;
        self.next = self.next.wrapping_add(length as u32);
    }

    /// Moves to `sequence + length` whatever lies between: nobody reads this stream.
    #[inline]
    pub fn follow(&mut self, sequence: u32, length: usize) {
        let end = sequence.wrapping_add(length as u32);
        if distance(end, self.next) > 0 {
            if distance(sequence, self.next) > 0 {
                self.pass(sequence);
            }
            self.advance(end.wrapping_sub(self.next) as usize);
        }
    }

    /// Remembers the hole from the next octet up to `until`, which is moved past.
    fn pass(&mut self, until: u32) {
        let hole = (self.next, until);
        let passed = self.passed.get_or_insert_default();
        passed.rotate_right(1);
        if let Some(latest) = passed.first_mut() {
            *latest = hole;
        }
    }

    /// Whether old octets fill a hole that was moved past, so that they come late but for the
    /// first time. What they fill is no hole any more.
    pub fn fills(&mut self, sequence: u32, length: usize) -> bool {
        let Some(passed) = &mut self.passed else { return false };
        let end = sequence.wrapping_add(length as u32);
        let mut fills = false;
        for (from, to) in passed.iter_mut().filter(|(from, to)| from != to) {
            if distance(end, *from) <= 0 || distance(*to, sequence) <= 0 {
                continue;
            }
            fills = true;
            if distance(sequence, *from) > 0 {
                // Of a hole filled in its middle the part before is kept.
                *to = sequence;
            } else {
                *from = if distance(end, *to) < 0 { end } else { *to };
            }
        }
        fills
    }

    /// Counts a segment outside any window; true once the stream must be taken to have moved
    /// (the caller then tells a gap and calls [`Half::restart`]).
    pub fn is_moved(&mut self) -> bool {
        self.outside = self.outside.saturating_add(1);
        self.outside >= MOVED
    }

    /// Begins anew at `sequence`; what was held is dropped.
    pub fn restart(&mut self, sequence: u32, pool: &mut Pool) {
        self.release(pool);
        self.outside = 0;
        self.passed = None;
        self.next = sequence;
    }

    /// Holds an early segment. False when a bound forbids it: the caller then gives up the hole
    /// with [`Half::skip_hole`].
    pub fn hold(&mut self, sequence: u32, data: &[u8], pool: &mut Pool) -> bool {
        let held = self.held.get_or_insert_default();
        let octets = held.octets.saturating_add(data.len());
        if held.segments.len() >= MAX_HELD || octets > MAX_HELD_OCTETS || !pool.take(data.len()) {
            if held.segments.is_empty() {
                self.held = None;
            }
            return false;
        }
        let next = self.next;
        let order = |s: u32| s.wrapping_sub(next);
        let at = held.segments.partition_point(|(s, _)| order(*s) <= order(sequence));
        held.segments.insert(at, (sequence, data.into()));
        held.octets = octets;
        true
    }

    /// The next held octets, once in order. Call until `None`; deliver each.
    pub fn ready(&mut self, pool: &mut Pool) -> Option<Box<[u8]>> {
        loop {
            let next = self.next;
            let held = self.held.as_mut()?;
            let (sequence, data) = held.segments.first()?;
            let ahead = distance(*sequence, next);
            if ahead > 0 {
                return None;
            }
            let skip = ahead.unsigned_abs() as usize;
            let length = data.len();
            let (_, data) = held.segments.remove(0);
            held.octets = held.octets.saturating_sub(length);
            held.acknowledged = 0;
            pool.give_back(length);
            if held.segments.is_empty() {
                self.held = None;
            }
            if skip < length {
                let fresh: Box<[u8]> =
                    if skip == 0 { data } else { data.get(skip..).unwrap_or_default().into() };
                self.advance(fresh.len());
                return Some(fresh);
            }
        }
    }

    /// Gives up the hole before the first held segment: returns its length and moves past it.
    pub fn skip_hole(&mut self) -> Option<u32> {
        let held = self.held.as_mut()?;
        let &(sequence, _) = held.segments.first()?;
        let lost = distance(sequence, self.next);
        if lost <= 0 {
            return None;
        }
        held.acknowledged = 0;
        self.pass(sequence);
        self.next = sequence;
        Some(lost.unsigned_abs())
    }

    /// The receiver acknowledged `number`: whether it has said often enough that it has octets
    /// which we still wait for, so that waiting is in vain.
    #[inline]
    pub fn is_hole_acknowledged(&mut self, number: u32) -> bool {
        let Some(held) = &mut self.held else { return false };
        let beyond = held.segments.first().is_some_and(|(first, _)| distance(number, *first) >= 0);
        held.acknowledged = held.acknowledged.saturating_add(beyond.into());
        beyond && held.acknowledged >= PATIENCE
    }

    /// Drops what is held.
    pub fn release(&mut self, pool: &mut Pool) {
        if let Some(held) = self.held.take() {
            pool.give_back(held.octets);
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may overflow and fail")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a worker does with a segment, reduced to its essence.
    fn take(half: &mut Half, sequence: u32, data: &[u8], pool: &mut Pool, out: &mut Vec<Ready>) {
        match half.place(sequence, data.len()) {
            Place::Next { skip } => {
                out.push(Ready::Data(data[skip..].into()));
                half.advance(data.len() - skip);
            }
            Place::Ahead { .. } => {
                while !half.hold(sequence, data, pool) {
                    match half.skip_hole() {
                        Some(lost) => out.push(Ready::Gap(lost.into())),
                        None => return,
                    }
                    while let Some(d) = half.ready(pool) {
                        out.push(Ready::Data(d));
                    }
                }
            }
            Place::Old | Place::Outside => {}
        }
        while let Some(d) = half.ready(pool) {
            out.push(Ready::Data(d));
        }
    }

    fn octets(ready: &[Ready]) -> Vec<u8> {
        ready
            .iter()
            .flat_map(|r| match r {
                Ready::Data(d) => d.to_vec(),
                Ready::Gap(_) => Vec::new(),
            })
            .collect()
    }

    proptest! {
        /// Any order of overlapping segments within the bounds gives the stream back.
        #[test]
        fn disorder_and_overlap_give_the_stream_back(
            start in any::<u32>(),
            cuts in proptest::collection::vec((0usize..900, 1usize..120), 1..24),
            seed in any::<u64>(),
        ) {
            let stream: Vec<u8> = (0..1000u32).map(|n| (n % 251) as u8).collect();
            let mut segments: Vec<(usize, usize)> =
                (0..1000).step_by(100).map(|at| (at, 100)).chain(cuts).collect();
            let mut state = seed;
            for i in (1..segments.len()).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                segments.swap(i, (state >> 33) as usize % (i + 1));
            }
            let mut pool = Pool::new(1 << 20);
            let mut half = Half::default();
            half.syn(start);
            let mut out = Vec::new();

            for (at, length) in segments {
                let data = &stream[at..(at + length).min(1000)];
                let sequence = start.wrapping_add(1).wrapping_add(at as u32);
                take(&mut half, sequence, data, &mut pool, &mut out);
            }

            prop_assert!(out.iter().all(|r| matches!(r, Ready::Data(_))) || out.len() > MAX_HELD);
            if out.iter().all(|r| matches!(r, Ready::Data(_))) {
                prop_assert_eq!(octets(&out), stream);
            }
            prop_assert_eq!(pool.used(), 0);
        }
    }

    #[test]
    fn a_full_store_gives_up_the_hole_and_says_how_much_is_lost() {
        let mut pool = Pool::new(1 << 20);
        let mut half = Half::default();
        half.syn(0);
        let mut out = Vec::new();

        for n in 0..=MAX_HELD as u32 {
            take(&mut half, 11 + n * 4, b"abcd", &mut pool, &mut out);
        }

        assert_eq!(out[0], Ready::Gap(10));
        assert_eq!(octets(&out).len(), 4 * (MAX_HELD + 1));
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn an_acknowledgement_past_a_hole_is_noticed() {
        let mut pool = Pool::new(1 << 20);
        let mut half = Half::default();
        half.syn(99);
        assert!(half.hold(200, b"late", &mut pool));

        assert!(!half.is_hole_acknowledged(150));
        for _ in 1..PATIENCE {
            assert!(!half.is_hole_acknowledged(204));
        }
        assert!(half.is_hole_acknowledged(204));
        assert_eq!(half.skip_hole(), Some(100));
        assert_eq!(half.ready(&mut pool).as_deref(), Some(&b"late"[..]));
        assert!(!half.holds());
    }

    #[test]
    fn octets_that_come_late_fill_the_hole_once() {
        let mut half = Half::default();
        half.syn(99);
        half.follow(130, 10);

        assert_eq!(half.place(120, 10), Place::Old);
        assert!(half.fills(120, 10));
        assert!(half.fills(95, 15));
        assert!(!half.fills(100, 10));
        assert!(half.fills(110, 10));
        assert!(!half.fills(100, 40));
    }

    #[test]
    fn only_the_latest_holes_are_remembered() {
        let mut half = Half::default();
        half.syn(u32::MAX);
        for n in 1..=6 {
            half.follow(n * 20, 10);
        }

        assert!(!half.fills(10, 10));
        assert!(half.fills(110, 10));
    }

    #[test]
    fn an_exhausted_pool_holds_nothing() {
        let mut pool = Pool::new(3);
        let mut half = Half::default();
        half.syn(0);

        assert!(!half.hold(50, b"abcd", &mut pool));
        assert_eq!(pool.used(), 0);
    }
}

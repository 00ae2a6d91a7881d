//! One direction of an SCTP association: its user messages, each once and whole.
//!
//! A message that does not fit into a packet is sent in DATA chunks with consecutive transmission
//! sequence numbers, the first and the last of them marked (RFC 9260 §6.9). Chunks arrive again
//! when their acknowledgement was lost, and in any order.

use crate::Pool;

/// Parts held per direction at most.
const MAX_PARTS: usize = 64;
/// Octets held per direction at most.
const MAX_OCTETS: usize = 128 * 1024;
/// Numbers below the highest one that are remembered, so that a chunk seen again is known.
const WINDOW: u32 = 128;
/// A number further away than this is of another association.
const FAR: u32 = 1 << 20;

/// A DATA chunk.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Transmission sequence number.
    pub number: u32,
    /// The message begins here.
    pub first: bool,
    /// The message ends here.
    pub last: bool,
    /// Its octets.
    pub data: &'a [u8],
}

/// What a chunk came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The chunk is a message.
    Whole(&'a [u8]),
    /// The chunk completes a message.
    Joined(Vec<u8>),
    /// The message has other parts still to come.
    Partial,
    /// The chunk was seen before.
    Again,
    /// The chunk is so far behind that nobody can tell whether it was seen before.
    Late,
}

/// What a chunk's number says of it.
enum Standing {
    New,
    Again,
    Late,
}

#[derive(Debug)]
struct Part {
    number: u32,
    first: bool,
    last: bool,
    data: Box<[u8]>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Messages {
    /// The highest number so far.
    highest: Option<u32>,
    /// Which of the numbers below were seen; bit 0 is the highest.
    seen: u128,
    /// Parts of unfinished messages, ascending.
    parts: Vec<Part>,
    octets: usize,
    /// Parts given up because others needed their room.
    lost: u64,
}

impl Messages {
    /// Takes a chunk.
    pub fn take<'a>(&mut self, chunk: Chunk<'a>, pool: &mut Pool) -> Message<'a> {
        match self.standing(chunk.number, pool) {
            Standing::New => {}
            Standing::Again => return Message::Again,
            Standing::Late => return Message::Late,
        }
        if chunk.first && chunk.last {
            return Message::Whole(chunk.data);
        }
        self.hold(chunk, pool);
        match self.complete(chunk.number) {
            Some(range) => Message::Joined(self.join(range, pool)),
            None => Message::Partial,
        }
    }

    /// A new association begins: its numbers have nothing to do with those before.
    pub fn restart(&mut self, pool: &mut Pool) {
        self.release(pool);
        *self = Self { lost: self.lost, ..Self::default() };
    }

    /// Drops what is held.
    pub fn release(&mut self, pool: &mut Pool) {
        pool.give_back(self.octets);
        self.octets = 0;
        self.parts.clear();
    }

    /// Parts given up for want of room.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn standing(&mut self, number: u32, pool: &mut Pool) -> Standing {
        let Some(highest) = self.highest else {
            self.highest = Some(number);
            self.seen = 1;
            return Standing::New;
        };
        let ahead = number.wrapping_sub(highest);
        let behind = highest.wrapping_sub(number);
        if ahead.min(behind) > FAR {
            self.restart(pool);
            self.highest = Some(number);
            self.seen = 1;
            return Standing::New;
        }
        if ahead <= FAR && ahead > 0 {
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = Some(number);
            return Standing::New;
        }
        if behind >= WINDOW {
            return Standing::Late;
        }
        let bit = 1u128 << behind;
        let again = self.seen & bit != 0;
        self.seen |= bit;
        if again { Standing::Again } else { Standing::New }
    }

    /// Where a number stands among the parts: older ones first, across the wrap of numbers.
    fn place(&self, number: u32) -> usize {
        self.parts.partition_point(|p| (p.number.wrapping_sub(number) as i32) < 0)
    }

    fn hold(&mut self, chunk: Chunk<'_>, pool: &mut Pool) {
        while self.parts.len() >= MAX_PARTS
            || self.octets.saturating_add(chunk.data.len()) > MAX_OCTETS
            || !pool.take(chunk.data.len())
        {
            if self.parts.is_empty() {
                self.lost = self.lost.saturating_add(1);
                return;
            }
            let oldest = self.parts.remove(0);
            self.forget(oldest.data.len(), pool);
            self.lost = self.lost.saturating_add(1);
        }
        self.octets = self.octets.saturating_add(chunk.data.len());
        let Chunk { number, first, last, data } = chunk;
        self.parts.insert(self.place(number), Part { number, first, last, data: data.into() });
    }

    fn forget(&mut self, octets: usize, pool: &mut Pool) {
        self.octets = self.octets.saturating_sub(octets);
        pool.give_back(octets);
    }

    /// The parts of the message that `number` belongs to, once all are there.
    fn complete(&self, number: u32) -> Option<std::ops::Range<usize>> {
        let at = self.place(number);
        let follows =
            |a: &Part, b: &Part| b.number == a.number.wrapping_add(1) && !a.last && !b.first;
        let mut start = at;
        while !self.parts.get(start)?.first {
            let before = start.checked_sub(1)?;
            if !follows(self.parts.get(before)?, self.parts.get(start)?) {
                return None;
            }
            start = before;
        }
        let mut end = at;
        while !self.parts.get(end)?.last {
            let after = end.saturating_add(1);
            if !follows(self.parts.get(end)?, self.parts.get(after)?) {
                return None;
            }
            end = after;
        }
        Some(start..end.saturating_add(1))
    }

    fn join(&mut self, range: std::ops::Range<usize>, pool: &mut Pool) -> Vec<u8> {
        let mut whole = Vec::new();
        for part in self.parts.drain(range) {
            whole.extend_from_slice(&part.data);
        }
        self.forget(whole.len(), pool);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(number: u32, marks: &str, data: &'static [u8]) -> Chunk<'static> {
        Chunk { number, first: marks.contains('B'), last: marks.contains('E'), data }
    }

    fn all(chunks: &[Chunk<'static>]) -> (Vec<Vec<u8>>, Messages, Pool) {
        let (mut messages, mut pool) = (Messages::default(), Pool::new(1 << 20));
        let mut out = Vec::new();
        for chunk in chunks {
            match messages.take(*chunk, &mut pool) {
                Message::Whole(data) => out.push(data.to_vec()),
                Message::Joined(data) => out.push(data),
                Message::Partial | Message::Again | Message::Late => {}
            }
        }
        (out, messages, pool)
    }

    #[test]
    fn a_message_in_parts_is_put_together_in_any_order() {
        let parts = [chunk(u32::MAX, "B", b"one "), chunk(0, "", b"two "), chunk(1, "E", b"three")];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let (out, messages, pool) = all(&order.map(|n| parts[n]));

            assert_eq!(out, [b"one two three"], "{order:?}");
            assert_eq!((messages.octets, pool.used()), (0, 0));
        }
    }

    #[test]
    fn a_chunk_seen_again_gives_nothing() {
        let (out, ..) = all(&[
            chunk(7, "BE", b"a"),
            chunk(7, "BE", b"a"),
            chunk(9, "BE", b"c"),
            chunk(8, "BE", b"b"),
            chunk(9, "BE", b"c"),
            chunk(8, "BE", b"b"),
        ]);

        assert_eq!(out, [b"a", b"c", b"b"]);
    }

    #[test]
    fn a_chunk_far_behind_is_late() {
        let (mut messages, mut pool) = (Messages::default(), Pool::new(1 << 20));
        messages.take(chunk(WINDOW, "BE", b"a"), &mut pool);

        assert_eq!(messages.take(chunk(0, "BE", b"b"), &mut pool), Message::Late);
        assert_eq!(messages.take(chunk(1, "BE", b"c"), &mut pool), Message::Whole(b"c"));
    }

    #[test]
    fn messages_that_interleave_with_whole_ones_keep_apart() {
        let (out, ..) = all(&[
            chunk(1, "B", b"a"),
            chunk(3, "BE", b"whole"),
            chunk(4, "B", b"x"),
            chunk(2, "E", b"b"),
            chunk(5, "E", b"y"),
        ]);

        assert_eq!(out, [&b"whole"[..], b"ab", b"xy"]);
    }

    #[test]
    fn parts_whose_beginning_was_lost_never_join_another_message() {
        let (out, messages, pool) = all(&[
            chunk(2, "", b"b"),
            chunk(3, "E", b"c"),
            chunk(4, "B", b"d"),
            chunk(5, "E", b"e"),
        ]);

        assert_eq!(out, [b"de"]);
        assert_eq!((messages.parts.len(), pool.used()), (2, 2));
    }

    #[test]
    fn what_is_held_is_bounded_and_what_is_given_up_counted() {
        let (mut messages, mut pool) = (Messages::default(), Pool::new(1 << 20));
        let data = vec![0u8; 4000];
        for number in 0..10_000 {
            let part = Chunk { number: number * 2, first: true, last: false, data: &data };
            messages.take(part, &mut pool);
        }

        assert!(messages.octets <= MAX_OCTETS && messages.parts.len() <= MAX_PARTS);
        assert_eq!(pool.used(), messages.octets);
        assert_eq!(messages.lost() as usize, 10_000 - messages.parts.len());
        messages.release(&mut pool);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn an_exhausted_pool_costs_the_message_and_nothing_else() {
        let (mut messages, mut pool) = (Messages::default(), Pool::new(3));

        assert_eq!(messages.take(chunk(1, "B", b"long"), &mut pool), Message::Partial);
        assert_eq!(messages.take(chunk(2, "E", b"er"), &mut pool), Message::Partial);
        assert_eq!(messages.take(chunk(3, "BE", b"ok"), &mut pool), Message::Whole(b"ok"));
        assert_eq!(messages.lost(), 1);
    }

    #[test]
    fn a_new_association_starts_anew() {
        let (mut messages, mut pool) = (Messages::default(), Pool::new(1 << 20));
        messages.take(chunk(1000, "B", b"old"), &mut pool);
        messages.restart(&mut pool);

        assert_eq!(messages.take(chunk(1000, "BE", b"new"), &mut pool), Message::Whole(b"new"));
        // Numbers far away tell it too, where the handshake was not captured.
        assert_eq!(messages.take(chunk(9 << 20, "BE", b"a"), &mut pool), Message::Whole(b"a"));
        assert_eq!(messages.take(chunk(1000, "BE", b"b"), &mut pool), Message::Whole(b"b"));
        assert_eq!(pool.used(), 0);
    }
}

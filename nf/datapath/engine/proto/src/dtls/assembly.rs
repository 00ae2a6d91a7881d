//! Handshake messages from their fragments, which come in any order and repeatedly.

use super::record::Fragment;

/// Longest message that is put together.
pub(super) const MAX_MESSAGE: usize = 16 * 1024;
/// Most pieces of a message with gaps between them.
const MAX_PIECES: usize = 16;
/// Most messages of a direction in the making.
const MAX_MESSAGES: usize = 2;

/// A message in the making.
struct Message {
    sequence: u16,
    kind: u8,
    length: usize,
    data: Vec<u8>,
    /// Begin and end of what has come, sorted, without touching each other.
    pieces: Vec<(usize, usize)>,
}

/// The messages of one direction that are in the making.
#[derive(Default)]
pub(super) struct Assembly(Vec<Message>);

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With it the message is whole.
    Whole(Vec<u8>),
    /// More is to come.
    Waiting,
    /// It contradicts what came before, or the message is in too many pieces.
    Refused,
}

impl Assembly {
    /// Adds a fragment of a message of at most [`MAX_MESSAGE`] octets.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) -> Outcome {
        let position = self.0.iter().position(|m| m.sequence == fragment.sequence);
        let at = match position {
            Some(at) => at,
            None => {
                if self.0.len() >= MAX_MESSAGES {
                    self.0.remove(0);
                }
                self.0.push(Message {
                    sequence: fragment.sequence,
                    kind: fragment.kind,
                    length: fragment.length,
                    data: Vec::new(),
                    pieces: Vec::new(),
                });
                self.0.len().saturating_sub(1)
            }
        };
        let Some(message) = self.0.get_mut(at) else {
            return Outcome::Refused;
        };
        if message.kind != fragment.kind
            || message.length != fragment.length
            || !message.add(fragment.offset, fragment.data)
        {
            self.0.remove(at);
            return Outcome::Refused;
        }
        if message.pieces.as_slice() != [(0, message.length)] {
            return Outcome::Waiting;
        }
        Outcome::Whole(self.0.remove(at).data)
    }

    /// Forgets all that is unfinished.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Message {
    fn add(&mut self, offset: usize, data: &[u8]) -> bool {
        let end = offset.saturating_add(data.len());
        if end > self.length || self.length > MAX_MESSAGE {
            return false;
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        if let Some(place) = self.data.get_mut(offset..end) {
            place.copy_from_slice(data);
        }
        let (mut from, mut to) = (offset, end);
        self.pieces.retain(|&(begin, stop)| {
            let apart = stop < from || begin > to;
            if !apart {
                from = from.min(begin);
                to = to.max(stop);
            }
            apart
        });
        let place = self.pieces.partition_point(|&(begin, _)| begin < from);
        self.pieces.insert(place, (from, to));
        self.pieces.len() <= MAX_PIECES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(offset: usize, data: &'static [u8]) -> Fragment<'static> {
        Fragment { kind: 1, length: 8, sequence: 0, offset, data }
    }

    #[test]
    fn fragments_in_any_order_make_a_message() {
        let mut assembly = Assembly::default();

        assert_eq!(assembly.add(&fragment(5, b"fgh")), Outcome::Waiting);
        assert_eq!(assembly.add(&fragment(0, b"ab")), Outcome::Waiting);
        assert_eq!(assembly.add(&fragment(0, b"ab")), Outcome::Waiting);
        assert_eq!(assembly.add(&fragment(1, b"bcdef")), Outcome::Whole(b"abcdefgh".to_vec()));
        assert!(assembly.0.is_empty());
    }

    #[test]
    fn a_message_that_changes_its_length_is_refused() {
        let mut assembly = Assembly::default();
        assembly.add(&fragment(0, b"ab"));

        let other = Fragment { length: 9, ..fragment(2, b"c") };

        assert_eq!(assembly.add(&other), Outcome::Refused);
    }

    #[test]
    fn pieces_are_bounded() {
        let mut assembly = Assembly::default();
        let piece = |n: usize| Fragment { length: 1000, ..fragment(n * 2, b"x") };

        let refused = (0..40).any(|n| assembly.add(&piece(n)) == Outcome::Refused);

        assert!(refused);
    }
}

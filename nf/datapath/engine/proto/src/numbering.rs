//! Senders that number what they send: what is missing of it.

use std::collections::VecDeque;

/// Most senders of one session whose numbers are followed.
const MAX_SENDERS: usize = 32;
/// How far behind a number may be to have come late only; further behind, the sender began anew.
const LATE: u32 = 1024;

/// How a number stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The first of its sender.
    First,
    /// The one expected.
    Next,
    /// So many are missing before it.
    Ahead(u32),
    /// One that came before, or late, or the sender began anew.
    Behind,
}

/// What a sender numbered last.
#[derive(Debug)]
struct Last<K> {
    sender: K,
    number: u32,
    step: u32,
    /// It numbers by what it has sent with this, not before it, as some exporters do.
    inclusive: bool,
}

/// The last number of each sender.
#[derive(Debug)]
pub(crate) struct Numbering<K> {
    last: VecDeque<Last<K>>,
}

impl<K> Default for Numbering<K> {
    fn default() -> Self {
        Self { last: VecDeque::new() }
    }
}

impl<K: PartialEq> Numbering<K> {
    /// `sender` gives `number` to something that counts as `step`.
    pub fn follow(&mut self, sender: K, number: u32, step: u32) -> Standing {
        let Some(last) = self.last.iter_mut().find(|last| last.sender == sender) else {
            if self.last.len() >= MAX_SENDERS {
                self.last.pop_front();
            }
            self.last.push_back(Last { sender, number, step, inclusive: false });
            return Standing::First;
        };
        let after = last.number.wrapping_add(last.step);
        let with = last.number.wrapping_add(step);
        if number == after {
            last.inclusive = false;
        } else if number == with {
            last.inclusive = true;
        }
        let expected = if last.inclusive { with } else { after };
        let ahead = number.wrapping_sub(expected);
        if ahead > u32::MAX / 2 && expected.wrapping_sub(number) <= LATE {
            return Standing::Behind;
        }
        (last.number, last.step) = (number, step);
        match ahead {
            0 => Standing::Next,
            1..=0x7fff_ffff => Standing::Ahead(ahead),
            _ => Standing::Behind,
        }
    }

    /// What `sender` sends cannot be counted for now: its next number is a first one.
    pub fn lose_track(&mut self, sender: &K) {
        self.last.retain(|last| last.sender != *sender);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted_across_the_end_of_the_numbers() {
        let mut numbers = Numbering::default();

        assert_eq!(numbers.follow(1, u32::MAX, 1), Standing::First);
        assert_eq!(numbers.follow(1, 0, 1), Standing::Next);
        assert_eq!(numbers.follow(1, 4, 2), Standing::Ahead(3));
        assert_eq!(numbers.follow(1, 6, 2), Standing::Next);
        assert_eq!(numbers.follow(2, 6, 2), Standing::First);
    }

    #[test]
    fn a_late_number_changes_nothing_and_a_new_beginning_does() {
        let mut numbers = Numbering::default();
        numbers.follow(1, 5000, 1);

        assert_eq!(numbers.follow(1, 4999, 1), Standing::Behind);
        assert_eq!(numbers.follow(1, 5001, 1), Standing::Next);
        assert_eq!(numbers.follow(1, 1, 1), Standing::Behind);
        assert_eq!(numbers.follow(1, 2, 1), Standing::Next);
    }

    #[test]
    fn some_count_what_they_number_along() {
        let mut numbers = Numbering::default();

        assert_eq!(numbers.follow(1, 17, 17), Standing::First);
        assert_eq!(numbers.follow(1, 42, 25), Standing::Next);
        assert_eq!(numbers.follow(1, 47, 3), Standing::Ahead(2));
        assert_eq!(numbers.follow(1, 50, 3), Standing::Next);
    }

    #[test]
    fn senders_are_forgotten_in_their_order() {
        let mut numbers = Numbering::default();
        for sender in 0..=MAX_SENDERS {
            numbers.follow(sender, 1, 1);
        }

        assert_eq!(numbers.follow(1, 2, 1), Standing::Next);
        numbers.lose_track(&1);
        assert_eq!(numbers.follow(1, 3, 1), Standing::First);
        assert_eq!(numbers.follow(0, 2, 1), Standing::First);
    }
}

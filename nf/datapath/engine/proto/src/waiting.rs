//! Requests that wait for their answers: a bounded queue with keys.

use std::collections::VecDeque;

/// At most so many items, oldest first.
#[derive(Debug)]
pub struct Waiting<K, T> {
    items: VecDeque<(K, T)>,
    most: usize,
}

impl<K: PartialEq, T> Waiting<K, T> {
    /// None yet, and never more than `most`.
    pub fn new(most: usize) -> Self {
        Self { items: VecDeque::new(), most }
    }

    /// Adds an item; gives the oldest back when there is no room for both.
    pub fn put(&mut self, key: K, item: T) -> Option<T> {
        let oldest = if self.items.len() >= self.most { self.pop() } else { None };
        self.items.push_back((key, item));
        oldest
    }

    /// Takes the oldest item with this key.
    pub fn take(&mut self, key: &K) -> Option<T> {
        let at = self.items.iter().position(|(k, _)| k == key)?;
        self.items.remove(at).map(|(_, item)| item)
    }

    /// Takes the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front().map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut waiting = Waiting::new(2);

        assert_eq!(waiting.put(1, "a"), None);
        assert_eq!(waiting.put(2, "b"), None);
        assert_eq!(waiting.put(1, "c"), Some("a"));
        assert_eq!(waiting.take(&1), Some("c"));
        assert_eq!(waiting.take(&1), None);
        assert_eq!(waiting.pop(), Some("b"));
        assert_eq!(waiting.pop(), None);
    }
}

//! Announcements that are said again every few seconds: only what is new of them is reported.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use nf_fields::{Fields, json};

/// Most announcers of one session that are remembered.
const MAX_KNOWN: usize = 64;

/// What each announcer said last, as a digest.
#[derive(Debug)]
pub(crate) struct News<K> {
    known: VecDeque<(K, u64)>,
}

impl<K> Default for News<K> {
    fn default() -> Self {
        Self { known: VecDeque::new() }
    }
}

impl<K: PartialEq> News<K> {
    /// Whether `key` said something else before, or nothing.
    pub fn is_new(&mut self, key: K, record: &dyn Fields) -> bool {
        let mut text = Vec::new();
        json::write_record(&mut text, record);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let digest = hasher.finish();
        if let Some((_, last)) = self.known.iter_mut().find(|(k, _)| *k == key) {
            return std::mem::replace(last, digest) != digest;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((key, digest));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(nf_fields::Fields)]
    struct Said {
        /// A number.
        number: u32,
    }

    #[test]
    fn only_what_differs_from_the_last_time_is_new() {
        let mut news = News::default();
        let mut said = |key: u32, number| news.is_new(key, &Said { number });

        assert!(said(1, 7));
        assert!(!said(1, 7));
        assert!(said(2, 7));
        assert!(said(1, 8));
        assert!(said(1, 7));
    }

    #[test]
    fn announcers_are_forgotten_in_their_order() {
        let mut news = News::default();
        for key in 0..=MAX_KNOWN {
            assert!(news.is_new(key, &Said { number: 1 }));
        }

        assert!(!news.is_new(1, &Said { number: 1 }));
        assert!(news.is_new(0, &Said { number: 1 }));
    }
}

//! Lines of text off the front of a stream, for protocols that speak in lines.

/// One direction's lines: where the search for the next end goes on, and whether the rest of a
/// line is to be thrown away.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Octets from the first unconsumed one that hold no line end.
    seen: usize,
    skipping: bool,
}

/// How much of a line there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// Its first octets; it is longer than allowed, and the rest is skipped.
    Start,
    /// What was skipped of it; nothing to read.
    Rest,
}

/// A line at the front of the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// What it says, without its end.
    pub(crate) text: &'a [u8],
    /// Octets it takes, its end included.
    pub(crate) taken: usize,
    /// How much of it this is.
    pub(crate) part: Part,
}

impl Lines {
    /// The line at the front of `data`, of at most `most` octets; `None` when its end is not there
    /// yet. No octet is looked at twice for an end.
    pub(crate) fn next<'a>(&mut self, data: &'a [u8], most: usize) -> Option<Line<'a>> {
        if data.is_empty() {
            return None;
        }
        let fresh = data.get(self.seen..).unwrap_or_default();
        let end =
            memchr::memchr(b'\n', fresh).map(|at| self.seen.saturating_add(at).saturating_add(1));
        self.seen = 0;
        match end {
            _ if self.skipping => {
                self.skipping = end.is_none();
                Some(Line { text: &[], taken: end.unwrap_or(data.len()), part: Part::Rest })
            }
            Some(end) if end <= most => {
                let text = data.get(..end).unwrap_or_default();
                Some(Line { text: without_end(text), taken: end, part: Part::Whole })
            }
            None if data.len() < most => {
                self.seen = data.len();
                None
            }
            _ => {
                self.skipping = true;
                let text = data.get(..most).unwrap_or(data);
                Some(Line { text, taken: text.len(), part: Part::Start })
            }
        }
    }

    /// Octets were lost: the next line may lack its beginning.
    pub(crate) fn lose(&mut self) {
        self.seen = 0;
        self.skipping = true;
    }

    /// Another reading of the octets set in: what was seen of them does not count.
    pub(crate) fn restart(&mut self) {
        self.seen = 0;
        self.skipping = false;
    }
}

/// A line without CR LF or LF.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The first word of a text, and what stands behind the spaces after it.
pub(crate) fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&b| b == b' ').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (word, rest.trim_ascii_start())
}

/// Whether `text` contains `word`, in any case.
pub(crate) fn has_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len().max(1)).any(|part| part.eq_ignore_ascii_case(word))
}

/// A decimal number of nothing but digits.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b & 0xf))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Whether all octets are printable ASCII (tabs too): what a probe asks of text.
pub(crate) fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|&b| b == b'\t' || (b' '..=b'~').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_lf_and_perhaps_cr() {
        let mut lines = Lines::default();

        let first = lines.next(b"ab\r\ncd\n", 80).unwrap();
        assert_eq!((first.text, first.taken, first.part), (&b"ab"[..], 4, Part::Whole));
        let second = lines.next(b"cd\n", 80).unwrap();
        assert_eq!((second.text, second.taken), (&b"cd"[..], 3));
        assert_eq!(lines.next(b"e", 80), None);
        assert_eq!(lines.next(b"ef\r\n", 80).unwrap().text, b"ef");
    }

    #[test]
    fn the_rest_of_a_long_line_is_skipped() {
        let mut lines = Lines::default();

        let start = lines.next(b"abcdef", 4).unwrap();
        assert_eq!((start.text, start.part), (&b"abcd"[..], Part::Start));
        assert_eq!(lines.next(b"ef", 4).unwrap().part, Part::Rest);
        assert_eq!(lines.next(b"gh\nij\n", 4).unwrap().taken, 3);
        assert_eq!(lines.next(b"ij\n", 4).unwrap().text, b"ij");
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(number(b"042"), Some(42));
        assert_eq!(number(b""), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b"99999999999999999999"), None);
    }
}

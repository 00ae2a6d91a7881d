//! Octets → values of RESP2 and RESP3, as they come: nothing is held but a line and what is kept.

/// Most octets of a line.
pub(super) const MAX_LINE: usize = 64 * 1024;
/// Most texts of a value that are kept.
pub(super) const MAX_TEXTS: usize = 8;
/// Most octets of each.
pub(super) const MAX_TEXT: usize = 256;
/// Deepest nesting of values.
const MAX_DEPTH: usize = 32;

/// A value, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    /// The octet that says what it is; 0 for a command without types.
    pub(super) kind: u8,
    /// Items of an aggregate, or words of a command without types.
    pub(super) items: u64,
    /// It is null.
    pub(super) null: bool,
    /// The first simple values in it.
    pub(super) texts: Vec<Vec<u8>>,
    /// Octets of it on the wire.
    pub(super) octets: u64,
}

impl Value {
    /// The text at `index`, empty when it was not kept.
    pub(super) fn text(&self, index: usize) -> &[u8] {
        self.texts.get(index).map_or(&[], Vec::as_slice)
    }

    /// Whether it is an aggregate.
    pub(super) fn is_aggregate(&self) -> bool {
        matches!(self.kind, b'*' | b'%' | b'~' | b'>')
    }

    /// Keeps a text, if there is room.
    fn keep(&mut self, text: &[u8]) -> bool {
        let room = self.texts.len() < MAX_TEXTS;
        if room {
            self.texts.push(text.get(..MAX_TEXT).unwrap_or(text).to_vec());
        }
        room
    }
}

/// What the front of a stream gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// So many octets were taken.
    Took(usize),
    /// So many octets were taken, and a value is whole.
    Whole(usize, Value),
    /// More octets are needed.
    Wait,
    /// No value.
    Malformed,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// Items still to come; `None` until a mark ends them.
    left: Option<u64>,
    /// Items that say something of the value behind them.
    attribute: bool,
}

/// What is being read of a bulk string.
#[derive(Clone, Copy, Debug)]
struct Bulk {
    /// Octets to come, the line's end included.
    left: u64,
    /// Its first octets are kept.
    kept: bool,
    /// It is one of several chunks.
    chunk: bool,
}

/// Reads one direction's values.
#[derive(Debug, Default)]
pub(super) struct Reader {
    levels: Vec<Level>,
    bulk: Option<Bulk>,
    /// Chunks of a string follow; whether its first octets are kept.
    chunks: Option<bool>,
    begun: bool,
    value: Value,
}

/// The first line of `data`, without and with its end.
pub(super) fn line(data: &[u8]) -> Option<(&[u8], usize)> {
    let window = data.get(..MAX_LINE).unwrap_or(data);
    let end = memchr::memchr(b'\n', window)?;
    let line = window.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), end.saturating_add(1)))
}

/// A decimal number, -1 for null.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.parse().ok().filter(|&n| plain && (-1..=1 << 40).contains(&n))
}

impl Reader {
    /// Whether a value has begun.
    pub(super) fn is_within(&self) -> bool {
        self.begun
    }

    /// Octets of a bulk string were lost; false when more than that was.
    pub(super) fn lose(&mut self, lost: u64) -> bool {
        match &mut self.bulk {
            // The line's end must be there.
            Some(bulk) if lost.saturating_add(2) <= bulk.left => {
                bulk.left = bulk.left.saturating_sub(lost);
                self.value.octets = self.value.octets.saturating_add(lost);
                true
            }
            _ => {
                *self = Self::default();
                false
            }
        }
    }

    /// Takes the next piece; `inline`: words without types may be a value.
    pub(super) fn next(&mut self, data: &[u8], inline: bool) -> Piece {
        if let Some(bulk) = self.bulk {
            return self.content(data, bulk);
        }
        let Some((line, length)) = line(data) else {
            return if data.len() < MAX_LINE { Piece::Wait } else { Piece::Malformed };
        };
        let Some((&kind, rest)) = line.split_first() else {
            // An empty line between commands is no command.
            return if inline && !self.begun { Piece::Took(length) } else { Piece::Malformed };
        };
        if !self.begun {
            if inline && kind.is_ascii_alphabetic() {
                return words(line, length);
            }
            self.value = Value { kind, ..Value::default() };
        }
        self.begun = true;
        self.value.octets = self.value.octets.saturating_add(length as u64);
        match self.header(kind, rest) {
            Some(true) => Piece::Whole(length, self.finish()),
            Some(false) => Piece::Took(length),
            None => {
                *self = Self::default();
                Piece::Malformed
            }
        }
    }

    fn finish(&mut self) -> Value {
        std::mem::take(self).value
    }

    /// Takes a line of a type; true when the value is whole.
    fn header(&mut self, kind: u8, rest: &[u8]) -> Option<bool> {
        if self.chunks.is_some() && kind != b';' {
            return None;
        }
        let top = self.levels.is_empty();
        match kind {
            b'+' | b'-' | b':' | b',' | b'(' => {
                self.value.keep(rest);
                Some(self.item_done())
            }
            b'#' => {
                self.value.keep(rest);
                matches!(rest, b"t" | b"f").then(|| self.item_done())
            }
            b'_' => {
                self.value.null |= top;
                rest.is_empty().then(|| self.item_done())
            }
            b'$' | b'!' | b'=' if rest == b"?" => {
                self.chunks = Some(self.value.keep(&[]));
                Some(false)
            }
            b'$' | b'!' | b'=' => match u64::try_from(number(rest)?) {
                Ok(length) => {
                    let left = length.saturating_add(2);
                    let kept = self.value.keep(&[]);
                    self.bulk = Some(Bulk { left, kept, chunk: false });
                    Some(false)
                }
                Err(_) => {
                    self.value.null |= top;
                    Some(self.item_done())
                }
            },
            b';' => match (number(rest)?, self.chunks?) {
                (0, _) => {
                    self.chunks = None;
                    Some(self.item_done())
                }
                (length, kept) => {
                    let left = u64::try_from(length).ok()?.saturating_add(2);
                    self.bulk = Some(Bulk { left, kept, chunk: true });
                    Some(false)
                }
            },
            b'*' | b'~' | b'>' | b'%' | b'|' => self.aggregate(kind, rest, top),
            b'.' if rest.is_empty() => {
                let level = self.levels.pop().filter(|level| level.left.is_none())?;
                Some(!level.attribute && self.item_done())
            }
            _ => None,
        }
    }

    fn aggregate(&mut self, kind: u8, rest: &[u8], top: bool) -> Option<bool> {
        let attribute = kind == b'|';
        if attribute && top {
            // The value itself is still to come.
            self.begun = false;
        }
        let left = match rest {
            b"?" => None,
            _ => match u64::try_from(number(rest)?) {
                Ok(items) if matches!(kind, b'%' | b'|') => Some(items.saturating_mul(2)),
                Ok(items) => Some(items),
                Err(_) => {
                    self.value.null |= top;
                    return Some(self.item_done());
                }
            },
        };
        if top && !attribute {
            self.value.items = left.unwrap_or(0);
        }
        if left == Some(0) {
            return Some(!attribute && self.item_done());
        }
        if self.levels.len() >= MAX_DEPTH {
            return None;
        }
        self.begun = true;
        self.levels.push(Level { left, attribute });
        Some(false)
    }

    /// An item is whole, and perhaps what it is in; true when that is the value itself.
    fn item_done(&mut self) -> bool {
        loop {
            let Some(level) = self.levels.last_mut() else {
                return true;
            };
            let Some(left) = &mut level.left else {
                return false;
            };
            *left = left.saturating_sub(1);
            if *left > 0 {
                return false;
            }
            let attribute = level.attribute;
            self.levels.pop();
            if attribute {
                if self.levels.is_empty() {
                    self.begun = false;
                    self.value.texts.clear();
                }
                return false;
            }
        }
    }

    /// Octets of a bulk string.
    fn content(&mut self, data: &[u8], bulk: Bulk) -> Piece {
        let there = usize::try_from(bulk.left).unwrap_or(usize::MAX);
        // The last octets are taken together, so that the line's end is seen whole.
        if data.len() < there && there.saturating_sub(data.len()) < 2 {
            return match data.len() {
                0..=2 => Piece::Wait,
                more => self.take(data, more.saturating_sub(2), bulk),
            };
        }
        if data.len() < there {
            return self.take(data, data.len(), bulk);
        }
        let body = there.saturating_sub(2);
        if data.get(body..there) != Some(b"\r\n") {
            *self = Self::default();
            return Piece::Malformed;
        }
        self.keep_content(data.get(..body).unwrap_or_default(), bulk);
        self.value.octets = self.value.octets.saturating_add(there as u64);
        self.bulk = None;
        if !bulk.chunk && self.item_done() {
            return Piece::Whole(there, self.finish());
        }
        Piece::Took(there)
    }

    fn take(&mut self, data: &[u8], length: usize, mut bulk: Bulk) -> Piece {
        self.keep_content(data.get(..length).unwrap_or_default(), bulk);
        bulk.left = bulk.left.saturating_sub(length as u64);
        self.value.octets = self.value.octets.saturating_add(length as u64);
        self.bulk = Some(bulk);
        Piece::Took(length)
    }

    fn keep_content(&mut self, octets: &[u8], bulk: Bulk) {
        if bulk.kept
            && let Some(text) = self.value.texts.last_mut()
        {
            let room = MAX_TEXT.saturating_sub(text.len());
            text.extend_from_slice(octets.get(..room).unwrap_or(octets));
        }
    }
}

/// Words of a command without types, between blanks; quotes hold blanks together.
fn words(line: &[u8], length: usize) -> Piece {
    let mut value = Value { octets: length as u64, ..Value::default() };
    let mut rest = line.trim_ascii();
    while let Some((&first, behind)) = rest.split_first() {
        let (word, after) = match first {
            b'"' | b'\'' => {
                let end = memchr::memchr(first, behind).unwrap_or(behind.len());
                let after = behind.get(end.saturating_add(1)..).unwrap_or_default();
                (behind.get(..end).unwrap_or(behind), after)
            }
            _ => {
                let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                rest.split_at_checked(end).unwrap_or((rest, &[]))
            }
        };
        value.items = value.items.saturating_add(1);
        value.keep(word);
        rest = after.trim_ascii_start();
    }
    Piece::Whole(length, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first value of `data`, with the octets behind it.
    fn read(data: &[u8]) -> Option<(Value, &[u8])> {
        let (mut reader, mut rest) = (Reader::default(), data);
        loop {
            match reader.next(rest, false) {
                Piece::Took(n) => rest = &rest[n..],
                Piece::Whole(n, value) => return Some((value, &rest[n..])),
                Piece::Wait | Piece::Malformed => return None,
            }
        }
    }

    fn texts(data: &[u8]) -> Vec<Vec<u8>> {
        read(data).unwrap().0.texts
    }

    #[test]
    fn values_of_both_versions_are_read() {
        for (data, kind, items) in [
            (&b"+OK\r\n"[..], b'+', 0),
            (b"-ERR no\r\n", b'-', 0),
            (b":-7\r\n", b':', 0),
            (b"$2\r\nhi\r\n", b'$', 0),
            (b"*2\r\n$1\r\na\r\n:1\r\n", b'*', 2),
            (b"%1\r\n+k\r\n*1\r\n_\r\n", b'%', 2),
            (b"#t\r\n", b'#', 0),
            (b"=7\r\ntxt:abc\r\n", b'=', 0),
            (b"*0\r\n", b'*', 0),
            (b"*?\r\n:1\r\n.\r\n", b'*', 0),
        ] {
            let (value, rest) = read(data).unwrap();
            assert_eq!((value.kind, value.items, rest), (kind, items, &b""[..]), "{data:?}");
            assert_eq!(value.octets, data.len() as u64);
        }
        assert!(read(b"$-1\r\n").unwrap().0.null && read(b"_\r\n").unwrap().0.null);
    }

    #[test]
    fn an_attribute_belongs_to_the_value_behind_it() {
        assert_eq!(texts(b"|1\r\n+ttl\r\n:9\r\n$1\r\nx\r\n"), [b"x"]);
        assert_eq!(texts(b"*1\r\n|1\r\n+a\r\n+b\r\n+c\r\n"), [b"a", b"b", b"c"]);
    }

    #[test]
    fn a_string_may_come_in_chunks() {
        assert_eq!(texts(b"$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n"), [b"Hello"]);
    }

    #[test]
    fn only_the_first_texts_are_kept_and_only_their_beginning() {
        let long =
            [&b"*9\r\n$300\r\n"[..], &[b'x'; 300], b"\r\n", &b"$1\r\ny\r\n".repeat(8)].concat();
        let (value, rest) = read(&long).unwrap();

        assert_eq!((value.texts.len(), value.texts[0].len(), rest.len()), (8, 256, 0));
        assert_eq!(value.texts[7], b"y");
    }

    #[test]
    fn what_is_no_value_is_malformed() {
        for wrong in [
            &b"?\r\n"[..],
            b"$x\r\n",
            b"$-2\r\n",
            b"$1\r\nabc",
            b"#x\r\n",
            b";1\r\n",
            b".\r\n",
            b"*99999999999999\r\n",
            &b"*1\r\n".repeat(40),
        ] {
            let (mut reader, mut rest) = (Reader::default(), wrong);
            let last = loop {
                match reader.next(rest, false) {
                    Piece::Took(n) => rest = &rest[n..],
                    other => break other,
                }
            };
            assert_eq!(last, Piece::Malformed, "{wrong:?}");
        }
    }

    #[test]
    fn quotes_hold_words_together() {
        let Piece::Whole(17, value) = Reader::default().next(b"SET \"a b\" 'c' d\r\n", true) else {
            panic!();
        };
        assert_eq!((value.items, value.text(1)), (4, &b"a b"[..]));
    }
}

//! Bencoding (BEP 3): integers, strings, lists, dictionaries. Pure, bounded, without recursion.

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 16;
/// Most values of one document.
const MAX_VALUES: usize = 2048;

/// A value at the front of octets, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Integer(i64),
    Text(&'a [u8]),
    /// A list, with its octets.
    List(&'a [u8]),
    /// A dictionary, with its octets.
    Dictionary(&'a [u8]),
}

/// One step: a value that is whole by itself, the start of a container, or its end.
enum Token<'a> {
    Integer(i64),
    Text(&'a [u8]),
    Open,
    Close,
}

fn token(data: &[u8]) -> Option<(Token<'_>, usize)> {
    match *data.first()? {
        b'd' | b'l' => Some((Token::Open, 1)),
        b'e' => Some((Token::Close, 1)),
        b'i' => {
            let window = data.get(1..).map(|r| r.get(..24).unwrap_or(r))?;
            let end = memchr::memchr(b'e', window)?;
            let number = std::str::from_utf8(window.get(..end)?).ok()?.parse().ok()?;
            Some((Token::Integer(number), end.saturating_add(2)))
        }
        b'0'..=b'9' => {
            let window = data.get(..8).unwrap_or(data);
            let colon = memchr::memchr(b':', window)?;
            let length: usize = std::str::from_utf8(window.get(..colon)?).ok()?.parse().ok()?;
            let begin = colon.saturating_add(1);
            let end = begin.checked_add(length)?;
            Some((Token::Text(data.get(begin..end)?), end))
        }
        _ => None,
    }
}

/// The value at the front of `data`, and its octets; `None` when it is not whole, or too deep.
pub fn value(data: &[u8]) -> Option<(Value<'_>, usize)> {
    let mut at = 0usize;
    let mut depth = 0usize;
    for _ in 0..MAX_VALUES {
        let (token, length) = token(data.get(at..)?)?;
        at = at.saturating_add(length);
        match token {
            Token::Integer(number) if depth == 0 => return Some((Value::Integer(number), at)),
            Token::Text(text) if depth == 0 => return Some((Value::Text(text), at)),
            Token::Integer(_) | Token::Text(_) => {}
            Token::Open => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return None;
                }
            }
            Token::Close => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    let whole = data.get(..at)?;
                    let made = match data.first()? {
                        b'd' => Value::Dictionary(whole),
                        _ => Value::List(whole),
                    };
                    return Some((made, at));
                }
            }
        }
    }
    None
}

/// Calls `each` for the entries of a dictionary; `None` when it is malformed.
pub fn entries<'a>(dictionary: &'a [u8], mut each: impl FnMut(&'a [u8], Value<'a>)) -> Option<()> {
    let mut rest = dictionary.strip_prefix(b"d")?;
    for _ in 0..MAX_VALUES {
        if rest == b"e" {
            return Some(());
        }
        let (Value::Text(key), length) = value(rest)? else {
            return None;
        };
        rest = rest.get(length..)?;
        let (found, length) = value(rest)?;
        rest = rest.get(length..)?;
        each(key, found);
    }
    None
}

/// How many items a list has.
pub fn count(list: &[u8]) -> usize {
    let mut rest = list.get(1..).unwrap_or_default();
    let mut items = 0usize;
    while let Some((_, length)) = value(rest) {
        items = items.saturating_add(1);
        rest = rest.get(length..).unwrap_or_default();
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_lengths() {
        assert_eq!(value(b"i-42ex"), Some((Value::Integer(-42), 5)));
        assert_eq!(value(b"4:spamx"), Some((Value::Text(b"spam"), 6)));
        assert_eq!(value(b"li1e2:abee"), Some((Value::List(b"li1e2:abe"), 9)));
        assert_eq!(value(b"d1:ai1ee"), Some((Value::Dictionary(b"d1:ai1ee"), 8)));
        for malformed in [&b""[..], b"i12", b"5:spam", b"l", b"e", b"x", b"99999999:a"] {
            assert_eq!(value(malformed), None);
        }
        assert_eq!(value(&[b'l'; 64]), None);
    }

    #[test]
    fn entries_have_texts_as_keys() {
        let mut keys = Vec::new();
        assert_eq!(entries(b"d1:ai1e1:bl1:xee", |key, _| keys.push(key)), Some(()));
        assert_eq!(keys, [b"a", b"b"]);
        assert_eq!(entries(b"di1ei2ee", |_, _| {}), None);
        assert_eq!(count(b"li1ei2e1:xe"), 3);
    }
}

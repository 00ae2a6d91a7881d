//! Octets → lines: pure, no state, no panic.

use nf_fields::TextRef;

use super::TemplateMessage;

/// The word every line begins with.
const WORD: &[u8] = b"TALLY ";

/// A line taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Number that ties an answer to its request.
    pub tag: u32,
    /// The rest.
    pub said: Said<'a>,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// Raise counter `name` by `count`.
    Add { name: &'a [u8], count: u64 },
    /// Done; the counter stands at `total`.
    Ok { total: u64 },
    /// Refused.
    No { reason: &'a [u8] },
}

impl<'a> Line<'a> {
    /// The line as filters and events see it.
    pub fn message(&self) -> TemplateMessage<'a> {
        let mut message = TemplateMessage {
            tag: self.tag,
            kind: "add",
            name: None,
            count: None,
            total: None,
            reason: None,
        };
        match self.said {
            Said::Add { name, count } => {
                message.name = Some(TextRef(name));
                message.count = Some(count);
            }
            Said::Ok { total } => {
                message.kind = "ok";
                message.total = Some(total);
            }
            Said::No { reason } => {
                message.kind = "no";
                message.reason = Some(TextRef(reason));
            }
        }
        message
    }
}

/// The first line without its end, and its length with it; `None` while it has none.
pub fn first_line(data: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', data)?;
    let line = data.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), end.wrapping_add(1)))
}

/// Whether `data` can be the beginning of a line.
pub fn may_be(data: &[u8]) -> bool {
    WORD.starts_with(data) || data.starts_with(WORD)
}

/// Takes a line apart; `None` when it is malformed.
pub fn parse(line: &[u8]) -> Option<Line<'_>> {
    let rest = line.strip_prefix(WORD)?;
    let (tag, rest) = split_word(rest);
    let (verb, rest) = split_word(rest);
    let said = match verb {
        b"ADD" => {
            let (name, count) = split_word(rest);
            let count = number(count)?;
            (!name.is_empty()).then_some(Said::Add { name, count })?
        }
        b"OK" => Said::Ok { total: number(rest)? },
        b"NO" => Said::No { reason: rest },
        _ => return None,
    };
    let tag = u32::try_from(number(tag)?).ok()?;
    Some(Line { tag, said })
}

fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text).and_then(|at| text.split_at_checked(at)) {
        Some((word, rest)) => (word, rest.strip_prefix(b" ").unwrap_or(rest)),
        None => (text, &[]),
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_lf_and_perhaps_cr() {
        assert_eq!(first_line(b"a\r\nb"), Some((&b"a"[..], 3)));
        assert_eq!(first_line(b"a\nb"), Some((&b"a"[..], 2)));
        assert_eq!(first_line(b"a\r"), None);
    }

    #[test]
    fn a_request_is_taken_apart() {
        let said = Said::Add { name: b"apples", count: 3 };
        assert_eq!(parse(b"TALLY 7 ADD apples 3"), Some(Line { tag: 7, said }));
    }

    #[test]
    fn what_lacks_a_part_is_malformed() {
        for line in [
            &b"TALLY"[..],
            b"TALLY ",
            b"TALLY x ADD apples 3",
            b"TALLY 7 ADD apples",
            b"TALLY 7 ADD  3",
            b"TALLY 7 ADD apples -3",
            b"TALLY 7 ADD apples 99999999999999999999",
            b"TALLY 4294967296 OK 1",
            b"TALLY 7 EAT apples 3",
        ] {
            assert_eq!(parse(line), None, "{}", String::from_utf8_lossy(line));
        }
    }
}

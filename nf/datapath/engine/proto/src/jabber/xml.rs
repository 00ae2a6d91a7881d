//! The part of XML that a stream of XMPP is made of (RFC 6120 §11): tags and text, one after the
//! other. Pure.

/// What stands at the front of the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text up to the next tag.
    Text(&'a [u8]),
    /// `<name …>`, or `<name …/>` where nothing is inside.
    Open { name: &'a [u8], attributes: &'a [u8], empty: bool },
    /// `</name>`.
    Close(&'a [u8]),
    /// A declaration, a comment, or the like.
    Other,
}

/// The token at the front with its octets; `None` when it is not whole.
pub(super) fn token(data: &[u8]) -> Option<(Token<'_>, usize)> {
    if data.first()? != &b'<' {
        let end = memchr::memchr(b'<', data).unwrap_or(data.len());
        return Some((Token::Text(data.get(..end)?), end));
    }
    for (front, back) in [(&b"<![CDATA["[..], &b"]]>"[..]), (b"<!--", b"-->"), (b"<?", b"?>")] {
        if data.starts_with(front) {
            let inside = data.get(front.len()..)?;
            let at = memchr::memmem::find(inside, back)?;
            let taken = front.len().checked_add(at)?.checked_add(back.len())?;
            let text = inside.get(..at)?;
            return Some(match front {
                b"<![CDATA[" => (Token::Text(text), taken),
                _ => (Token::Other, taken),
            });
        }
        if front.starts_with(data) {
            return None;
        }
    }
    let end = tag_end(data)?;
    let inside = data.get(1..end)?;
    let taken = end.checked_add(1)?;
    if let Some(name) = inside.strip_prefix(b"/") {
        return Some((Token::Close(name.trim_ascii()), taken));
    }
    let (inside, empty) = match inside.strip_suffix(b"/") {
        Some(inside) => (inside, true),
        None => (inside, false),
    };
    let end = inside.iter().position(u8::is_ascii_whitespace).unwrap_or(inside.len());
    let (name, attributes) = inside.split_at_checked(end)?;
    Some((Token::Open { name, attributes, empty }, taken))
}

/// Where the `>` is that ends a tag; one between quotes does not.
fn tag_end(data: &[u8]) -> Option<usize> {
    let mut quote = None;
    data.iter().position(|&b| {
        match quote {
            Some(open) if b == open => quote = None,
            Some(_) => {}
            None if matches!(b, b'"' | b'\'') => quote = Some(b),
            None => return b == b'>',
        }
        false
    })
}

/// The value of attribute `name`.
pub(super) fn attribute<'a>(attributes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = attributes.trim_ascii();
    while !rest.is_empty() {
        let equals = memchr::memchr(b'=', rest)?;
        let (key, tail) = rest.split_at_checked(equals)?;
        let tail = tail.get(1..)?.trim_ascii_start();
        let (&quote, tail) = tail.split_first().filter(|(q, _)| matches!(q, b'"' | b'\''))?;
        let end = memchr::memchr(quote, tail)?;
        let (value, tail) = tail.split_at_checked(end)?;
        if key.trim_ascii() == name {
            return Some(value);
        }
        rest = tail.get(1..)?.trim_ascii();
    }
    None
}

/// The name of an element without its prefix.
pub(super) fn local(name: &[u8]) -> &[u8] {
    name.iter()
        .rposition(|&b| b == b':')
        .and_then(|at| name.get(at.saturating_add(1)..))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_text_follow_each_other() {
        let (found, taken) = token(b"<a b='>' c=\"x\"/>text").unwrap();
        let Token::Open { name, attributes, empty } = found else { panic!("{found:?}") };
        assert_eq!((name, empty, taken), (&b"a"[..], true, 16));
        assert_eq!(attribute(attributes, b"b"), Some(&b">"[..]));
        assert_eq!(attribute(attributes, b"c"), Some(&b"x"[..]));
        assert_eq!(attribute(attributes, b"d"), None);
        assert_eq!(token(b"text<a>"), Some((Token::Text(b"text"), 4)));
        assert_eq!(token(b"</s:s >"), Some((Token::Close(b"s:s"), 7)));
        assert_eq!(token(b"<?xml version='1.0'?><"), Some((Token::Other, 21)));
        assert_eq!(token(b"<![CDATA[<x>]]>"), Some((Token::Text(b"<x>"), 15)));
        assert_eq!(local(b"stream:features"), b"features");
    }

    #[test]
    fn what_is_not_whole_waits() {
        for part in [&b"<"[..], b"<a", b"<a b='>", b"<!", b"<![CDATA[x]]", b"<?xml ", b""] {
            assert_eq!(token(part), None, "{}", String::from_utf8_lossy(part));
        }
    }
}

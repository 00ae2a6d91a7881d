//! Octets to lines, and lines to their parts (RFC 9112 §2.2 to §5): pure.

use memchr::memchr;

/// Longest method taken for one; the longest registered has 17 octets.
const MAX_METHOD: usize = 32;

/// `HTTP/major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u8,
    pub(crate) minor: u8,
}

impl Version {
    /// The word of the records.
    pub(crate) fn word(self) -> &'static str {
        match (self.major, self.minor) {
            (0, 9) => "0.9",
            (1, 0) => "1.0",
            (1, 1) => "1.1",
            (2, _) => "2",
            (3, _) => "3",
            _ => "other",
        }
    }

    /// Whether RFC 9112 knows it.
    pub(crate) fn is_known(self) -> bool {
        matches!((self.major, self.minor), (1, 0 | 1))
    }

    fn parse(word: &[u8]) -> Option<Self> {
        let rest = word.strip_prefix(b"HTTP/")?;
        match *rest {
            [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => {
                Some(Self { major: major.wrapping_sub(b'0'), minor: minor.wrapping_sub(b'0') })
            }
            _ => None,
        }
    }
}

/// A request's first line. No version: as HTTP/0.9 had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) version: Option<Version>,
    /// Not exactly one space between the parts, or white space within the target.
    pub(crate) untidy: bool,
}

/// A response's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusLine<'a> {
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) reason: &'a [u8],
    /// What follows the version.
    pub(crate) tail: &'a [u8],
}

/// A header line's parts; folds are still in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeaderLine<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// White space between name and colon.
    pub(crate) spaced: bool,
    /// The name is a token.
    pub(crate) token: bool,
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Without blanks, carriage returns and line feeds at either end.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    trim_end(bytes)
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

/// A line without its end, and whether that end was a line feed alone.
pub(crate) fn chomp(line: &[u8]) -> (&[u8], bool) {
    match line {
        [text @ .., b'\r', b'\n'] => (text, false),
        [text @ .., b'\n'] => (text, true),
        _ => (line, false),
    }
}

/// Finds line ends without looking at an octet twice, however the stream is cut.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineFinder {
    /// Octets from the first unconsumed one that hold no line end of interest.
    seen: usize,
}

impl LineFinder {
    /// Length of the first line with its end.
    pub(crate) fn line(&mut self, data: &[u8]) -> Option<usize> {
        let fresh = data.get(self.seen..).unwrap_or_default();
        match memchr(b'\n', fresh) {
            Some(at) => {
                let length = self.seen.saturating_add(at).saturating_add(1);
                self.seen = 0;
                Some(length)
            }
            None => {
                self.seen = data.len();
                None
            }
        }
    }

    /// Length of the first line with its continuation lines (RFC 9112 §5.2): the octet behind
    /// must be there to tell, unless the line is empty.
    pub(crate) fn folded(&mut self, data: &[u8]) -> Option<usize> {
        loop {
            let fresh = data.get(self.seen..).unwrap_or_default();
            let Some(at) = memchr(b'\n', fresh) else {
                self.seen = data.len();
                return None;
            };
            let length = self.seen.saturating_add(at).saturating_add(1);
            if data.starts_with(b"\n") || data.starts_with(b"\r\n") {
                self.seen = 0;
                return Some(length);
            }
            match data.get(length) {
                Some(&next) if is_blank(next) => self.seen = length,
                Some(_) => {
                    self.seen = 0;
                    return Some(length);
                }
                None => {
                    self.seen = length.saturating_sub(1);
                    return None;
                }
            }
        }
    }

    /// Forgets what was seen: the octets have been taken some other way.
    pub(crate) fn reset(&mut self) {
        self.seen = 0;
    }
}

/// Whether `method` can be one: a token that begins with a letter.
pub(crate) fn is_method(method: &[u8]) -> bool {
    method.first().is_some_and(u8::is_ascii_alphabetic)
        && method.len() <= MAX_METHOD
        && method.iter().all(|&b| is_tchar(b))
}

/// Methods of the registry and of wide use, for lines that say nothing else of HTTP.
pub(crate) fn is_usual_method(method: &[u8]) -> bool {
    matches!(
        method,
        b"GET"
            | b"POST"
            | b"HEAD"
            | b"PUT"
            | b"DELETE"
            | b"OPTIONS"
            | b"CONNECT"
            | b"TRACE"
            | b"PATCH"
            | b"PROPFIND"
            | b"PROPPATCH"
            | b"MKCOL"
            | b"COPY"
            | b"MOVE"
            | b"LOCK"
            | b"UNLOCK"
            | b"REPORT"
            | b"SEARCH"
    )
}

/// Takes a request line apart; `None` when it is none.
pub(crate) fn request_line(line: &[u8]) -> Option<RequestLine<'_>> {
    let line = trim_end(line);
    let method_end = line.iter().position(|&b| is_blank(b))?;
    let (method, rest) = line.split_at_checked(method_end)?;
    if !is_method(method) || method == b"PRI" {
        return None;
    }
    let mut target = trim(rest);
    let mut untidy = rest.len() != target.len().saturating_add(1);
    let last = target.iter().rposition(|&b| is_blank(b));
    let version = match last.and_then(|at| target.split_at_checked(at)) {
        Some((before, word)) => {
            let version = Version::parse(trim(word));
            if version.is_some() {
                target = trim_end(before);
                untidy |= before.len() != target.len();
            }
            version
        }
        None => None,
    };
    if version.is_none() && !is_usual_method(method) {
        return None;
    }
    untidy |= target.iter().any(|&b| is_blank(b));
    (!target.is_empty() && Version::parse(target).is_none()).then_some(RequestLine {
        method,
        target,
        version,
        untidy,
    })
}

/// Takes a status line apart; `None` when it is none.
pub(crate) fn status_line(line: &[u8]) -> Option<StatusLine<'_>> {
    let (word, rest) = line.split_at_checked(8)?;
    let version = Version::parse(word)?;
    let tail = trim(rest);
    let (digits, reason) = tail.split_at_checked(3)?;
    let status = digits.iter().try_fold(0u16, |value, &b| {
        b.is_ascii_digit().then(|| value.wrapping_mul(10).wrapping_add(u16::from(b & 0xf)))
    })?;
    let separated =
        rest.first().is_some_and(|&b| is_blank(b)) && reason.first().is_none_or(|&b| is_blank(b));
    (separated && (100..=999).contains(&status)).then_some(StatusLine {
        version,
        status,
        reason: trim(reason),
        tail,
    })
}

/// Takes a header line apart; `None` when it has no colon or no name.
pub(crate) fn header_line(line: &[u8]) -> Option<HeaderLine<'_>> {
    let colon = memchr(b':', line)?;
    let (name, rest) = line.split_at_checked(colon)?;
    let (_, value) = rest.split_first()?;
    let bare = trim(name);
    (!bare.is_empty()).then_some(HeaderLine {
        name: bare,
        value: trim(value),
        spaced: bare.len() != name.len(),
        token: bare.iter().all(|&b| is_tchar(b)),
    })
}

/// A value without its folds: each becomes one space.
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for piece in value.split(|&b| b == b'\n') {
        let piece = trim(piece);
        if !out.is_empty() && !piece.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_has_three_parts() {
        let line = request_line(b"GET /where?q=now HTTP/1.1").unwrap();

        assert_eq!(line.method, b"GET");
        assert_eq!(line.target, b"/where?q=now");
        assert_eq!(line.version, Some(Version { major: 1, minor: 1 }));
        assert!(!line.untidy);
    }

    #[test]
    fn spaces_too_many_are_forgiven_and_noted() {
        let line = request_line(b"GET   /a b\t HTTP/1.0  ").unwrap();

        assert_eq!(line.target, b"/a b");
        assert!(line.untidy);
    }

    #[test]
    fn unknown_methods_need_a_version() {
        assert!(request_line(b"FROB-NICATE /x HTTP/1.1").is_some());
        assert_eq!(request_line(b"FROB /x"), None);
        assert_eq!(request_line(b"PRI * HTTP/2.0"), None);
        assert_eq!(request_line(b"1GET / HTTP/1.1"), None);
        assert_eq!(request_line(b"GET HTTP/1.1"), None);
        assert_eq!(request_line(b"GET /").unwrap().version, None);
    }

    #[test]
    fn a_status_line_may_lack_its_reason() {
        assert_eq!(status_line(b"HTTP/1.1 404").unwrap().status, 404);
        let line = status_line(b"HTTP/1.0 200 All right").unwrap();
        assert_eq!(line.reason, b"All right");
        assert_eq!(line.tail, b"200 All right");
        assert_eq!(status_line(b"HTTP/1.1 20x"), None);
        assert_eq!(status_line(b"HTTP/1.1 2000"), None);
        assert_eq!(status_line(b"HTTP/1.1"), None);
        assert_eq!(status_line(b"HTTP/1.1200 OK"), None);
    }

    #[test]
    fn header_lines_tell_name_and_value() {
        let line = header_line(b"Host:\texample.org ").unwrap();
        assert_eq!((line.name, line.value), (&b"Host"[..], &b"example.org"[..]));
        assert!(header_line(b"Host : x").unwrap().spaced);
        assert!(!header_line(b"Ho st: x").unwrap().token);
        assert_eq!(header_line(b": x"), None);
        assert_eq!(header_line(b"no colon"), None);
    }

    #[test]
    fn a_folded_line_needs_the_octet_behind_it() {
        let whole = b"A: 1\r\n\t2\r\n 3\r\nB: 4\r\n";
        for cut in 0..15 {
            assert_eq!(LineFinder::default().folded(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(LineFinder::default().folded(&whole[..15]), Some(14));

        let mut finder = LineFinder::default();
        let found: Vec<_> = (0..=whole.len())
            .map(|cut| finder.folded(&whole[..cut]))
            .take_while(Option::is_none)
            .collect();
        assert_eq!(found.len(), 15);
        assert_eq!(unfold(b"1\r\n\t2\r\n 3"), b"1 2 3");
        assert_eq!(LineFinder::default().folded(b"\r\n"), Some(2));
    }
}

//! Heads of SIP and RTSP: a start line, header lines, an empty line (RFC 3261 §7, RFC 2326 §4):
//! pure.

use crate::sdp::{number, split};

/// Most header lines read.
const MAX_HEADERS: usize = 256;
/// Longest method.
const MAX_METHOD: usize = 32;

/// A head at the front of the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// The start line, without its end.
    pub(crate) first: &'a [u8],
    /// The header lines.
    pub(crate) headers: &'a [u8],
    /// Octets of all, the empty line included.
    pub(crate) total: usize,
}

/// Finds a head's end without looking at an octet twice, however the stream is cut.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finder {
    /// Octets from the first unconsumed one in which no end begins.
    seen: usize,
}

impl Finder {
    /// The head at the front of `data`, once it is whole.
    pub(crate) fn head<'a>(&mut self, data: &'a [u8]) -> Option<Head<'a>> {
        let fresh = data.get(self.seen..).unwrap_or_default();
        let end = end_of_head(fresh).map(|end| end.saturating_add(self.seen));
        // An end may be split across segments.
        self.seen = if end.is_some() { 0 } else { data.len().saturating_sub(3) };
        take(data, end?)
    }

    /// Begins anew with the next octets.
    pub(crate) fn reset(&mut self) {
        self.seen = 0;
    }
}

/// The head of a datagram, which may end without an empty line.
pub(crate) fn of_datagram(data: &[u8]) -> Option<Head<'_>> {
    take(data, end_of_head(data).unwrap_or(data.len()))
}

/// Where the first empty line ends.
fn end_of_head(data: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', data).find_map(|at| {
        let next = at.saturating_add(1);
        match data.get(next..) {
            Some([b'\n', ..]) => Some(next.saturating_add(1)),
            Some([b'\r', b'\n', ..]) => Some(next.saturating_add(2)),
            _ => None,
        }
    })
}

fn take(data: &[u8], total: usize) -> Option<Head<'_>> {
    let (first, headers) = split(data.get(..total)?, b'\n');
    Some(Head { first: first.trim_ascii_end(), headers, total })
}

impl<'a> Head<'a> {
    /// Names and values; folded lines belong to the value before them.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Result<(&'a [u8], &'a [u8]), ()>> + use<'a> {
        let mut rest = self.headers;
        std::iter::from_fn(move || {
            let length = header_length(rest);
            let (line, tail) = rest.split_at_checked(length)?;
            rest = tail;
            let line = line.trim_ascii_end();
            if line.is_empty() {
                return None;
            }
            let colon = memchr::memchr(b':', line);
            let parts = colon.map(|_| split(line, b':'));
            let named = parts.map(|(name, value)| (name.trim_ascii(), value.trim_ascii()));
            Some(named.filter(|(name, _)| is_token(name)).ok_or(()))
        })
        .take(MAX_HEADERS)
    }
}

/// Octets up to the end of a header line and those that continue it.
fn header_length(data: &[u8]) -> usize {
    let end = memchr::memchr_iter(b'\n', data).find(|at| {
        let next = data.get(at.saturating_add(1));
        !matches!(next, Some(b' ' | b'\t'))
    });
    end.map_or(data.len(), |at| at.saturating_add(1))
}

/// RFC 3261 §25.1.
fn is_token(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(b))
}

/// A start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start<'a> {
    /// `INVITE sip:ann@example.com SIP/2.0`.
    Request { method: &'a [u8], uri: &'a [u8], version: &'a [u8] },
    /// `SIP/2.0 200 OK`.
    Response { version: &'a [u8], status: u16, reason: &'a [u8] },
}

impl<'a> Start<'a> {
    /// Reads a line of the protocol called `name` (`SIP`, `RTSP`).
    pub(crate) fn parse(line: &'a [u8], name: &[u8]) -> Option<Self> {
        let (first, rest) = split(line, b' ');
        if let Some(version) = version(first, name) {
            let (status, reason) = split(rest.trim_ascii_start(), b' ');
            let status = number(status).filter(|status| (100..=699).contains(status))?;
            return Some(Start::Response { version, status, reason });
        }
        let at = memchr::memrchr(b' ', rest)?;
        let (uri, last) = rest.split_at_checked(at)?;
        let version = version(last.trim_ascii(), name)?;
        let uri = uri.trim_ascii();
        let fits = is_token(first) && first.len() <= MAX_METHOD && !uri.is_empty();
        fits.then_some(Start::Request { method: first, uri, version })
    }
}

/// `SIP/2.0`: the version in it.
fn version<'a>(word: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = word.strip_prefix(name)?.strip_prefix(b"/")?;
    matches!(rest, [b'0'..=b'9', b'.', b'0'..=b'9']).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines_are_read() {
        assert_eq!(
            Start::parse(b"INVITE sip:a@b SIP/2.0", b"SIP"),
            Some(Start::Request { method: b"INVITE", uri: b"sip:a@b", version: b"2.0" })
        );
        assert_eq!(
            Start::parse(b"RTSP/1.0 404 Stream Not Found", b"RTSP"),
            Some(Start::Response { version: b"1.0", status: 404, reason: b"Stream Not Found" })
        );
        for line in
            [&b"GET / HTTP/1.1"[..], b"SIP/2.0", b"SIP/2.0 99 x", b"A SIP/2.0", b"(a) b SIP/2.0"]
        {
            assert_eq!(Start::parse(line, b"SIP"), None);
        }
    }

    #[test]
    fn folded_lines_belong_to_their_header() {
        let head = of_datagram(b"X\r\nA: 1,\r\n 2\r\nodd line\r\nB : 3\r\n\r\nbody").unwrap();

        let lines: Vec<_> = head.lines().collect();
        let named = |name, value| Ok::<_, ()>((name, value));
        assert_eq!(lines[0], named(&b"A"[..], &b"1,\r\n 2"[..]));
        assert_eq!(lines[1], Err(()));
        assert_eq!(lines[2], named(&b"B"[..], &b"3"[..]));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn an_end_is_found_wherever_the_stream_is_cut() {
        let whole = b"X\r\nA: 1\r\n\r\nbody";
        for cut in 0..11 {
            let mut finder = Finder::default();
            assert_eq!(finder.head(&whole[..cut]), None, "{cut}");
            assert_eq!(finder.head(whole).map(|h| h.total), Some(11), "{cut}");
        }
    }
}

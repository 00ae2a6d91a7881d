//! Lines of MGCP (RFC 3435 §3): pure.

use crate::sdp::{number, split};

/// Most parameter lines read of a message.
const MAX_LINES: usize = 256;

/// Verbs of the standard.
pub(super) const VERBS: [&[u8]; 9] =
    [b"AUCX", b"AUEP", b"CRCX", b"DLCX", b"EPCF", b"MDCX", b"NTFY", b"RQNT", b"RSIP"];

/// A first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    /// `CRCX 1204 aaln/1@rgw.example.net MGCP 1.0`.
    Command { verb: &'a [u8], id: u32, endpoint: &'a [u8], version: &'a [u8] },
    /// `200 1204 OK`.
    Response { code: u16, id: u32, comment: &'a [u8] },
}

impl<'a> Start<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let (first, rest) = split(line, b' ');
        let (id, rest) = split(rest.trim_ascii_start(), b' ');
        let id: u32 = number(id).filter(|id| (1..=999_999_999).contains(id))?;
        let rest = rest.trim_ascii();
        if let [a @ b'0'..=b'9', _, _] = first {
            let code = number(first).filter(|_| matches!(a, b'0'..=b'2' | b'4'..=b'5' | b'8'))?;
            return Some(Start::Response { code, id, comment: rest });
        }
        let is_verb = first.len() == 4 && first.iter().all(u8::is_ascii_alphanumeric);
        let (endpoint, protocol) = split(rest, b' ');
        let (word, version) = split(protocol.trim_ascii_start(), b' ');
        let version = version.trim_ascii_start();
        let fits = is_verb && !endpoint.is_empty() && word.eq_ignore_ascii_case(b"MGCP");
        let version = split(version, b' ').0;
        let known = matches!(version, [b'0'..=b'9', b'.', b'0'..=b'9']);
        (fits && known).then_some(Start::Command { verb: first, id, endpoint, version })
    }
}

/// A message: its first line, its parameters, and the session description behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) first: &'a [u8],
    parameters: &'a [u8],
    pub(super) body: &'a [u8],
}

/// The first line with its end: a line feed, with a carriage return before it or not; some
/// programs end theirs by the latter alone.
fn line(data: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr2(b'\r', b'\n', data).unwrap_or(data.len());
    let length = match data.get(end..) {
        Some([b'\r', b'\n', ..]) => end.saturating_add(2),
        Some([_, ..]) => end.saturating_add(1),
        _ => end,
    };
    data.get(..length).filter(|line| !line.is_empty())
}

/// The lines of `data`, each with its end.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let line = line(rest)?;
        rest = rest.get(line.len()..).unwrap_or_default();
        Some(line)
    })
}

/// The messages of a datagram, of which a line with a dot alone stands between two (§3.5.5).
pub(super) fn messages(data: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let mut end = 0usize;
        let mut next = rest.len();
        for line in lines(rest) {
            if line.trim_ascii() == b"." {
                next = end.saturating_add(line.len());
                break;
            }
            end = end.saturating_add(line.len());
        }
        let (message, tail) = (rest.get(..end)?, rest.get(next..)?);
        rest = tail;
        Some(take_apart(message))
    })
}

fn take_apart(message: &[u8]) -> Message<'_> {
    let first = line(message).unwrap_or_default();
    let rest = message.get(first.len()..).unwrap_or_default();
    let mut at = 0usize;
    for line in lines(rest) {
        let next = at.saturating_add(line.len());
        if line.trim_ascii().is_empty() {
            let (parameters, body) = (rest.get(..at), rest.get(next..));
            return Message {
                first: first.trim_ascii_end(),
                parameters: parameters.unwrap_or_default(),
                body: body.unwrap_or_default(),
            };
        }
        at = next;
    }
    Message { first: first.trim_ascii_end(), parameters: rest, body: &[] }
}

/// The parameters that are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters<'a> {
    pub(super) call: Option<&'a [u8]>,
    pub(super) connection: Option<&'a [u8]>,
    pub(super) mode: Option<&'a [u8]>,
    pub(super) options: Option<&'a [u8]>,
    pub(super) requested: Option<&'a [u8]>,
    pub(super) signals: Option<&'a [u8]>,
    pub(super) observed: Option<&'a [u8]>,
    pub(super) notified: Option<&'a [u8]>,
    pub(super) restart: Option<&'a [u8]>,
    pub(super) statistics: Statistics,
    pub(super) malformed: bool,
}

/// What an end says of a connection it closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    pub(super) packets_sent: Option<u32>,
    pub(super) octets_sent: Option<u32>,
    pub(super) packets_received: Option<u32>,
    pub(super) octets_received: Option<u32>,
    pub(super) lost: Option<u32>,
    pub(super) jitter_ms: Option<u32>,
    pub(super) latency_ms: Option<u32>,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(message: &Message<'a>) -> Self {
        let mut read = Self::default();
        for line in lines(message.parameters).take(MAX_LINES) {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let (name, value) = split(line, b':');
            let value = value.trim_ascii();
            if name.len() == line.len() {
                read.malformed = true;
                continue;
            }
            match name.trim_ascii().to_ascii_uppercase().as_slice() {
                b"C" => read.call = Some(value),
                b"I" => read.connection = Some(value),
                b"M" => read.mode = Some(value),
                b"L" => read.options = Some(value),
                b"R" => read.requested = Some(value),
                b"S" => read.signals = Some(value),
                b"O" => read.observed = Some(value),
                b"N" => read.notified = Some(value),
                b"RM" => read.restart = Some(value),
                b"P" => read.statistics.read(value),
                _ => {}
            }
        }
        read
    }
}

impl Statistics {
    fn read(&mut self, value: &[u8]) {
        for part in value.split(|&b| b == b',') {
            let (name, digits) = split(part.trim_ascii(), b'=');
            let value = number(digits.trim_ascii());
            match name {
                b"PS" => self.packets_sent = value,
                b"OS" => self.octets_sent = value,
                b"PR" => self.packets_received = value,
                b"OR" => self.octets_received = value,
                b"PL" => self.lost = value,
                b"JI" => self.jitter_ms = value,
                b"LA" => self.latency_ms = value,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_read() {
        assert_eq!(
            Start::parse(b"CRCX 1204 aaln/1@rgw.example.net MGCP 1.0 NCS 1.0"),
            Some(Start::Command {
                verb: b"CRCX",
                id: 1204,
                endpoint: b"aaln/1@rgw.example.net",
                version: b"1.0"
            })
        );
        assert_eq!(
            Start::parse(b"200 1204 OK"),
            Some(Start::Response { code: 200, id: 1204, comment: b"OK" })
        );
        for line in [&b"CRCX x a MGCP 1.0"[..], b"CRCX 1 a HTTP 1.0", b"300 1 x", b"200 OK", b""] {
            assert_eq!(Start::parse(line), None);
        }
    }

    #[test]
    fn lines_may_end_by_a_carriage_return_alone() {
        let all: Vec<_> = messages(b"RQNT 1 *@gw MGCP 0.1\rR: l/hd(n)\rX: 1\r").collect();

        assert_eq!((all.len(), all[0].first), (1, &b"RQNT 1 *@gw MGCP 0.1"[..]));
        assert_eq!(Parameters::read(&all[0]).requested, Some(&b"l/hd(n)"[..]));
    }

    #[test]
    fn a_dot_stands_between_messages_and_an_empty_line_before_the_description() {
        let data = b"200 1 OK\r\nI: 7\r\n\r\nv=0\r\n.\r\nRQNT 2 a@b MGCP 1.0\r\nX: 1\r\n";

        let all: Vec<_> = messages(data).collect();

        assert_eq!(all.len(), 2);
        assert_eq!((all[0].first, all[0].body), (&b"200 1 OK"[..], &b"v=0\r\n"[..]));
        assert_eq!(Parameters::read(&all[0]).connection, Some(&b"7"[..]));
        assert_eq!(all[1].first, b"RQNT 2 a@b MGCP 1.0");
    }
}

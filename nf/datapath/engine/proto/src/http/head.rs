//! What a header section says: the fields somebody asks for, and how the body is framed
//! (RFC 9112 §6).

use nf_fields::Text;

use super::line::{HeaderLine, StatusLine, trim};
use super::value::decimal;

const MAX_URI: usize = 4096;
const MAX_VALUE: usize = 1024;

/// Header fields that are read or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Accept,
    Authorization,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentType,
    Cookie,
    Host,
    Location,
    Referer,
    Server,
    TransferEncoding,
    Upgrade,
    UserAgent,
    WwwAuthenticate,
    XCdn,
    XForwardedFor,
    XSessionType,
    Other,
}

impl Name {
    /// The field called `name`, compared without case.
    pub(crate) fn of(name: &[u8]) -> Self {
        let (word, known): (&[u8], Name) = match name.len() {
            4 => (b"host", Name::Host),
            5 => (b"x-cdn", Name::XCdn),
            6 => match name.first() {
                Some(b'a' | b'A') => (b"accept", Name::Accept),
                Some(b'c' | b'C') => (b"cookie", Name::Cookie),
                _ => (b"server", Name::Server),
            },
            7 => match name.first() {
                Some(b'r' | b'R') => (b"referer", Name::Referer),
                _ => (b"upgrade", Name::Upgrade),
            },
            8 => (b"location", Name::Location),
            10 => match name.first() {
                Some(b'u' | b'U') => (b"user-agent", Name::UserAgent),
                _ => (b"connection", Name::Connection),
            },
            12 => (b"content-type", Name::ContentType),
            13 => (b"authorization", Name::Authorization),
            14 => match name.first() {
                Some(b'c' | b'C') => (b"content-length", Name::ContentLength),
                _ => (b"x-session-type", Name::XSessionType),
            },
            15 => (b"x-forwarded-for", Name::XForwardedFor),
            16 => match name.first() {
                Some(b'w' | b'W') => (b"www-authenticate", Name::WwwAuthenticate),
                _ => (b"content-encoding", Name::ContentEncoding),
            },
            17 => (b"transfer-encoding", Name::TransferEncoding),
            _ => return Name::Other,
        };
        if name.eq_ignore_ascii_case(word) { known } else { Name::Other }
    }
}

/// The texts of a header section that records and messages show. The first of several fields
/// of one name is kept.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) method: Option<Text>,
    pub(crate) uri: Option<Text>,
    /// Status code and reason.
    pub(crate) response: Option<Text>,
    pub(crate) reason: Option<Text>,
    pub(crate) accept: Option<Text>,
    pub(crate) authorization: Option<Text>,
    pub(crate) connection: Option<Text>,
    pub(crate) content_encoding: Option<Text>,
    pub(crate) content_length: Option<Text>,
    pub(crate) content_type: Option<Text>,
    pub(crate) cookie: Option<Text>,
    pub(crate) host: Option<Text>,
    pub(crate) location: Option<Text>,
    pub(crate) referer: Option<Text>,
    pub(crate) server: Option<Text>,
    pub(crate) transfer_encoding: Option<Text>,
    pub(crate) upgrade: Option<Text>,
    pub(crate) user_agent: Option<Text>,
    pub(crate) www_authenticate: Option<Text>,
    pub(crate) x_forwarded_for: Option<Text>,
    pub(crate) x_session_type: Option<Text>,
    pub(crate) x_cdn: bool,
    octets: usize,
}

impl Head {
    /// Of a request with this method and target.
    pub(crate) fn request(method: &[u8], target: &[u8]) -> Box<Self> {
        let method = Text::bounded(method, MAX_VALUE);
        let uri = Text::bounded(target, MAX_URI);
        Box::new(Self {
            octets: method.as_bytes().len().saturating_add(uri.as_bytes().len()),
            method: Some(method),
            uri: Some(uri),
            ..Self::default()
        })
    }

    /// Of a response with this status line.
    pub(crate) fn response(line: &StatusLine<'_>) -> Box<Self> {
        let reason = (!line.reason.is_empty()).then(|| Text::bounded(line.reason, MAX_VALUE));
        let response = Text::bounded(line.tail, MAX_VALUE);
        Box::new(Self {
            octets: response.as_bytes().len().saturating_mul(2),
            reason,
            response: Some(response),
            ..Self::default()
        })
    }

    /// Octets of text held.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    /// Keeps a field's value if it is one of those that are shown.
    pub(crate) fn keep(&mut self, name: Name, value: &[u8]) {
        let slot = match name {
            Name::Accept => &mut self.accept,
            Name::Authorization => &mut self.authorization,
            Name::Connection => &mut self.connection,
            Name::ContentEncoding => &mut self.content_encoding,
            Name::ContentLength => &mut self.content_length,
            Name::ContentType => &mut self.content_type,
            Name::Cookie => &mut self.cookie,
            Name::Host => &mut self.host,
            Name::Location => &mut self.location,
            Name::Referer => &mut self.referer,
            Name::Server => &mut self.server,
            Name::TransferEncoding => &mut self.transfer_encoding,
            Name::Upgrade => &mut self.upgrade,
            Name::UserAgent => &mut self.user_agent,
            Name::WwwAuthenticate => &mut self.www_authenticate,
            Name::XForwardedFor => &mut self.x_forwarded_for,
            Name::XSessionType => &mut self.x_session_type,
            Name::XCdn => {
                self.x_cdn = true;
                return;
            }
            Name::Other => return,
        };
        if slot.is_none() {
            let text = Text::bounded(value, MAX_VALUE);
            self.octets = self.octets.saturating_add(text.as_bytes().len());
            *slot = Some(text);
        }
    }
}

/// What the framing fields of a message say, gathered line by line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framing {
    pub(crate) length: Option<u64>,
    lengths: u8,
    pub(crate) length_conflict: bool,
    pub(crate) length_invalid: bool,
    /// Some transfer coding other than `identity` was named.
    pub(crate) coded: bool,
    /// The last one named is `chunked`.
    pub(crate) chunked: bool,
}

/// How the octets behind a header section are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    /// Reads a field if it concerns framing.
    pub(crate) fn read(&mut self, name: Name, line: &HeaderLine<'_>) {
        match name {
            Name::ContentLength => {
                for item in line.value.split(|&b| b == b',') {
                    self.read_length(trim(item));
                }
            }
            Name::TransferEncoding => {
                for item in line.value.split(|&b| b == b',') {
                    let coding = item.split(|&b| b == b';').next().map_or(item, trim);
                    if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
                        continue;
                    }
                    self.coded = true;
                    self.chunked = coding.eq_ignore_ascii_case(b"chunked");
                }
            }
            _ => {}
        }
    }

    fn read_length(&mut self, item: &[u8]) {
        self.lengths = self.lengths.saturating_add(1);
        match (decimal(item), self.length) {
            (None, _) => self.length_invalid = true,
            (Some(length), None) => self.length = Some(length),
            (Some(length), Some(earlier)) => self.length_conflict |= length != earlier,
        }
    }

    /// Content-Length was there more than once.
    pub(crate) fn length_repeated(&self) -> bool {
        self.lengths > 1
    }

    /// The extent of a request's body.
    pub(crate) fn of_request(&self) -> Extent {
        match (self.chunked, self.length) {
            (true, _) => Extent::Chunked,
            // A server must refuse these; what follows is most likely the next request.
            (false, _) if self.coded => Extent::Length(0),
            (false, length) => Extent::Length(length.unwrap_or(0)),
        }
    }

    /// The extent of the body of a response that may have one.
    pub(crate) fn of_response(&self) -> Extent {
        match (self.chunked, self.coded, self.length) {
            (true, _, _) => Extent::Chunked,
            (false, true, _) | (false, false, None) => Extent::UntilClose,
            (false, false, Some(length)) => Extent::Length(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::line::header_line;

    fn framing(lines: &[&[u8]]) -> Framing {
        let mut framing = Framing::default();
        for line in lines {
            let line = header_line(line).unwrap();
            framing.read(Name::of(line.name), &line);
        }
        framing
    }

    #[test]
    fn names_are_compared_without_case() {
        assert_eq!(Name::of(b"HOST"), Name::Host);
        assert_eq!(Name::of(b"x-Forwarded-For"), Name::XForwardedFor);
        assert_eq!(Name::of(b"Hosts"), Name::Other);
        assert_eq!(Name::of(b"Age!"), Name::Other);
    }

    #[test]
    fn chunked_counts_only_as_the_last_coding() {
        assert_eq!(framing(&[b"Transfer-Encoding: gzip, Chunked"]).of_response(), Extent::Chunked);
        let odd = framing(&[b"Transfer-Encoding: chunked, gzip"]);
        assert_eq!(odd.of_response(), Extent::UntilClose);
        assert_eq!(odd.of_request(), Extent::Length(0));
        let none = framing(&[b"Transfer-Encoding: identity", b"Content-Length: 4"]);
        assert_eq!(none.of_response(), Extent::Length(4));
    }

    #[test]
    fn lengths_that_disagree_are_seen() {
        assert!(framing(&[b"Content-Length: 4", b"Content-Length: 5"]).length_conflict);
        let same = framing(&[b"Content-Length: 4, 4"]);
        assert!(!same.length_conflict && same.length_repeated());
        assert!(framing(&[b"Content-Length: -4"]).length_invalid);
        assert!(framing(&[b"Content-Length: 99999999999999999999"]).length_invalid);
    }
}

//! What a SIP head says (RFC 3261 §20, compact forms §7.3.3): pure.

use super::head::{Head, Start};
use crate::sdp::{number, split};

/// The headers that are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers<'a> {
    pub(super) from: Option<&'a [u8]>,
    pub(super) to: Option<&'a [u8]>,
    pub(super) call_id: Option<&'a [u8]>,
    pub(super) seq: Option<(u32, &'a [u8])>,
    /// Of the topmost Via.
    pub(super) branch: Option<&'a [u8]>,
    pub(super) via: Option<&'a [u8]>,
    pub(super) hops: u8,
    pub(super) contact: Option<&'a [u8]>,
    pub(super) user_agent: Option<&'a [u8]>,
    pub(super) server: Option<&'a [u8]>,
    pub(super) subject: Option<&'a [u8]>,
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) content_length: Option<usize>,
    pub(super) expires: Option<u32>,
    /// Who the credentials are of; empty where they do not say.
    pub(super) auth_user: Option<&'a [u8]>,
    /// The credentials are a password that only looks encrypted.
    pub(super) basic: bool,
    pub(super) malformed: bool,
}

impl<'a> Headers<'a> {
    pub(super) fn read(head: &Head<'a>) -> Self {
        let mut read = Self::default();
        for line in head.lines() {
            match line {
                Ok((name, value)) => read.header(name, value),
                Err(()) => read.malformed = true,
            }
        }
        read
    }

    fn header(&mut self, name: &[u8], value: &'a [u8]) {
        match name.to_ascii_lowercase().as_slice() {
            b"from" | b"f" => self.from = Some(value),
            b"to" | b"t" => self.to = Some(value),
            b"call-id" | b"i" => self.call_id = Some(value),
            b"cseq" => {
                let (digits, method) = split(value, b' ');
                self.seq = number(digits).map(|n| (n, method.trim_ascii()));
                self.malformed |= self.seq.is_none();
            }
            b"via" | b"v" => {
                self.hops = self.hops.saturating_add(1);
                if self.via.is_none() {
                    self.via = Some(value);
                    self.branch = parameter(value, b"branch");
                }
            }
            b"contact" | b"m" => self.contact = self.contact.or(Some(value)),
            b"user-agent" => self.user_agent = Some(value),
            b"server" => self.server = Some(value),
            b"subject" | b"s" => self.subject = Some(value),
            b"content-type" | b"c" => self.content_type = Some(value),
            b"content-length" | b"l" => {
                self.content_length = number(value);
                self.malformed |= self.content_length.is_none();
            }
            b"expires" => self.expires = number(value),
            b"authorization" | b"proxy-authorization" => {
                let (scheme, rest) = split(value, b' ');
                self.basic |= scheme.eq_ignore_ascii_case(b"basic");
                let user = quoted(rest, b"username").unwrap_or_default();
                self.auth_user = Some(user);
            }
            _ => {}
        }
    }

    /// Whether what RFC 3261 §8.1.1 asks of every message is there.
    pub(super) fn is_complete(&self) -> bool {
        let who = self.from.is_some() && self.to.is_some();
        who && self.call_id.is_some() && self.seq.is_some() && self.via.is_some()
    }

    /// Whether the request is within a dialog: the other end has given it a tag.
    pub(super) fn is_within_dialog(&self) -> bool {
        self.to.and_then(|to| parameter(to, b"tag")).is_some()
    }
}

/// `;name=value` behind the address of a header.
fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    // What is between angle brackets has parameters of its own.
    let tail = memchr::memrchr(b'>', value).and_then(|at| value.get(at..)).unwrap_or(value);
    let end = memchr::memchr(b',', tail).unwrap_or(tail.len());
    let parts = tail.get(..end).unwrap_or(tail).split(|&b| b == b';').skip(1);
    let mut named = parts.map(|part| split(part, b'='));
    let (_, value) = named.find(|(found, _)| found.trim_ascii().eq_ignore_ascii_case(name))?;
    Some(value.trim_ascii())
}

/// `name="value"` among credentials.
pub(crate) fn quoted<'a>(credentials: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    credentials.split(|&b| b == b',').find_map(|part| {
        let (found, value) = split(part, b'=');
        let is_it = found.trim_ascii().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim_ascii().strip_prefix(b"\"")?.strip_suffix(b"\"")).flatten()
    })
}

/// The address in a From, To or Contact: without display name and parameters.
pub(super) fn address(value: &[u8]) -> &[u8] {
    let inner = memchr::memchr(b'<', value).and_then(|at| value.get(at.saturating_add(1)..));
    match inner {
        Some(inner) => split(inner, b'>').0,
        None => split(value, b';').0.trim_ascii(),
    }
}

/// Methods of the registry: what a probe takes for SIP.
pub(super) const METHODS: [&[u8]; 14] = [
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"INFO",
    b"INVITE",
    b"MESSAGE",
    b"NOTIFY",
    b"OPTIONS",
    b"PRACK",
    b"PUBLISH",
    b"REFER",
    b"REGISTER",
    b"SUBSCRIBE",
    b"UPDATE",
];

/// Whether a first line is SIP's beyond doubt: the version and a known method, or a status.
pub(super) fn is_certain(line: &[u8]) -> bool {
    match Start::parse(line, b"SIP") {
        Some(Start::Response { version, .. }) => version == b"2.0",
        Some(Start::Request { method, uri, version }) => {
            let scheme = memchr::memchr(b':', uri).is_some();
            version == b"2.0" && (METHODS.contains(&method) || scheme)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::head;
    use super::*;

    #[test]
    fn compact_and_long_names_mean_the_same() {
        let long =
            b"X\r\nFrom: <sip:a@b>;tag=1\r\nTo: c\r\nCall-ID: i\r\nContent-Length: 4\r\n\r\n";
        let short = b"X\r\nf: <sip:a@b>;tag=1\r\nt: c\r\ni: i\r\nl: 4\r\n\r\n";
        let read = |data| Headers::read(&head::of_datagram(data).unwrap());

        assert_eq!(read(long), read(short));
        assert_eq!(read(long).content_length, Some(4));
    }

    #[test]
    fn parameters_are_those_behind_the_address() {
        let value = b"\"Ann\" <sip:ann@example.com;tag=no>;tag=yes";
        assert_eq!(parameter(value, b"tag"), Some(&b"yes"[..]));
        assert_eq!(address(value), b"sip:ann@example.com;tag=no");
        assert_eq!(address(b"sip:bob@example.com;tag=x"), b"sip:bob@example.com");
        let via = b"SIP/2.0/UDP a:5060;branch=z9hG4bK1;rport, SIP/2.0/TCP b;branch=2";
        assert_eq!(parameter(via, b"branch"), Some(&b"z9hG4bK1"[..]));
    }

    #[test]
    fn credentials_name_their_user() {
        let data =
            b"X\r\nAuthorization: Digest realm=\"r\", username=\"ann\", response=\"1\"\r\n\r\n";
        let read = Headers::read(&head::of_datagram(data).unwrap());

        assert_eq!((read.auth_user, read.basic), (Some(&b"ann"[..]), false));
    }
}

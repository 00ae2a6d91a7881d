//! What an RTSP head says (RFC 2326 §12, RFC 7826 §18): pure.

use std::net::IpAddr;

use crate::sdp::{number, split, starts_without_case};
use crate::sip::head::{Head, Start};

/// The headers that are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers<'a> {
    pub(super) seq: Option<u32>,
    pub(super) session: Option<&'a [u8]>,
    pub(super) transport: Option<&'a [u8]>,
    pub(super) user_agent: Option<&'a [u8]>,
    pub(super) server: Option<&'a [u8]>,
    pub(super) range: Option<&'a [u8]>,
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) content_length: Option<usize>,
    pub(super) auth_user: Option<&'a [u8]>,
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
            b"cseq" => {
                self.seq = number(value);
                self.malformed |= self.seq.is_none();
            }
            b"session" => self.session = Some(split(value, b';').0),
            b"transport" => self.transport = Some(value),
            b"user-agent" => self.user_agent = Some(value),
            b"server" => self.server = Some(value),
            b"range" => self.range = Some(value),
            b"content-type" => self.content_type = Some(value),
            b"content-length" => {
                self.content_length = number(value);
                self.malformed |= self.content_length.is_none();
            }
            b"authorization" => {
                let (scheme, rest) = split(value, b' ');
                self.basic |= scheme.eq_ignore_ascii_case(b"basic");
                self.auth_user = Some(crate::sip::quoted(rest, b"username").unwrap_or_default());
            }
            _ => {}
        }
    }
}

/// How media go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) client_port: Option<u16>,
    pub(super) client_control: Option<u16>,
    pub(super) server_port: Option<u16>,
    pub(super) server_control: Option<u16>,
    pub(super) channel: Option<u8>,
    pub(super) destination: Option<IpAddr>,
    pub(super) source: Option<IpAddr>,
    /// RTP over datagrams.
    pub(super) is_rtp: bool,
}

impl Way {
    /// `RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257`; of several, the first.
    pub(super) fn parse(transport: &[u8]) -> Self {
        let mut parts = split(transport, b',').0.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        let protocol = parts.next().unwrap_or_default();
        let over_tcp = protocol.to_ascii_uppercase().ends_with(b"/TCP");
        let mut way =
            Self { is_rtp: starts_without_case(protocol, b"RTP/") && !over_tcp, ..Self::default() };
        for part in parts {
            let (name, value) = split(part, b'=');
            match name.to_ascii_lowercase().as_slice() {
                b"client_port" => (way.client_port, way.client_control) = range(value),
                b"server_port" => (way.server_port, way.server_control) = range(value),
                b"interleaved" => way.channel = number(split(value, b'-').0),
                b"destination" => way.destination = address(value),
                b"source" => way.source = address(value),
                _ => {}
            }
        }
        way
    }
}

fn range(value: &[u8]) -> (Option<u16>, Option<u16>) {
    let (first, second) = split(value, b'-');
    (number(first).filter(|&port| port > 0), number(second).filter(|&port| port > 0))
}

fn address(value: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Methods of the standard.
pub(super) const METHODS: [&[u8]; 12] = [
    b"ANNOUNCE",
    b"DESCRIBE",
    b"GET_PARAMETER",
    b"OPTIONS",
    b"PAUSE",
    b"PLAY",
    b"PLAY_NOTIFY",
    b"RECORD",
    b"REDIRECT",
    b"SETUP",
    b"SET_PARAMETER",
    b"TEARDOWN",
];

/// Whether a first line is RTSP's beyond doubt.
pub(super) fn is_certain(line: &[u8]) -> bool {
    match Start::parse(line, b"RTSP") {
        Some(Start::Response { version, .. }) => matches!(version, b"1.0" | b"2.0"),
        Some(Start::Request { method, version, .. }) => {
            matches!(version, b"1.0" | b"2.0") && METHODS.contains(&method)
        }
        None => false,
    }
}

/// A frame among the messages: its channel and its data, once it is whole (RFC 2326 §10.12).
pub(super) fn frame(data: &[u8]) -> Option<(u8, usize)> {
    match *data {
        [b'$', channel, a, b, ..] => Some((channel, usize::from(u16::from_be_bytes([a, b])))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_media_is_read() {
        let way = Way::parse(
            b"RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;source=192.0.2.2",
        );
        assert_eq!((way.client_port, way.client_control), (Some(4588), Some(4589)));
        assert_eq!((way.server_port, way.server_control), (Some(6256), Some(6257)));
        assert_eq!(way.source, "192.0.2.2".parse().ok());
        assert!(way.is_rtp);

        let way = Way::parse(b"RTP/AVP/TCP;interleaved=2-3");
        assert_eq!((way.channel, way.is_rtp), (Some(2), false));
    }
}

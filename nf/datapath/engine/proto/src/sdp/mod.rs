//! Session descriptions (SDP, RFC 8866; RTCP's port RFC 3605, one port for both RFC 5761): what
//! SIP, RTSP and MGCP agree media by. Not a protocol of its own on the wire: those three read
//! bodies with it and announce the media to the engine.
//!
//! Bounds: 16 media, 32 encodings each, 1,024 lines. Keys (`a=crypto`) are seen, never kept.

use std::net::IpAddr;

use nf_fields::Text;

use crate::{Expectation, Sink};

/// Most media of a description.
const MAX_MEDIA: usize = 16;
/// Most encodings of a medium.
const MAX_CODECS: usize = 32;
/// Most lines read.
const MAX_LINES: usize = 1024;
/// Longest word kept.
const MAX_WORD: usize = 64;

/// A payload type's meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// Payload type.
    pub payload_type: u8,
    /// Encoding name.
    pub name: Text,
    /// Timestamp units per second.
    pub clock: u32,
}

/// One medium.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// audio, video, application…
    pub kind: Text,
    /// Port; 0: the medium is refused.
    pub port: u16,
    /// RTP/AVP and the like.
    pub transport: Text,
    /// Where it is awaited.
    pub address: Option<IpAddr>,
    /// Port of RTCP, where it is not the next one.
    pub rtcp_port: Option<u16>,
    /// RTP and RTCP share the port.
    pub mux: bool,
    /// Encodings, those of fixed payload types included.
    pub codecs: Vec<Codec>,
    /// Keys go by in clear (RFC 4568).
    pub has_keys: bool,
}

/// A session description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Name of the session.
    pub name: Option<Text>,
    /// Its media.
    pub media: Vec<Media>,
    /// Lines that are none of SDP's.
    pub malformed: bool,
}

impl Description {
    /// Reads a body; `None` when it does not begin as a description does.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut lines = body.split(|&b| b == b'\n').map(trim).take(MAX_LINES);
        if lines.next()? != b"v=0" {
            return None;
        }
        let mut made = Self::default();
        let mut common: Option<IpAddr> = None;
        for line in lines.filter(|line| !line.is_empty()) {
            let [letter, b'=', value @ ..] = line else {
                made.malformed = true;
                continue;
            };
            match letter {
                b's' => made.name = Some(word(value)).filter(|name| !name.is_empty()),
                b'm' if made.media.len() < MAX_MEDIA => match media(value, common) {
                    Some(media) => made.media.push(media),
                    None => made.malformed = true,
                },
                b'm' => break,
                b'c' => match made.media.last_mut() {
                    Some(media) => media.address = connection(value),
                    None => common = connection(value),
                },
                b'a' => {
                    if let Some(media) = made.media.last_mut() {
                        media.attribute(value);
                    }
                }
                b'a'..=b'z' => {}
                _ => made.malformed = true,
            }
        }
        Some(made)
    }

    /// Reads the description in a body of a content type, also where it is one part of several.
    pub fn find(body: &[u8], content_type: &[u8]) -> Option<Self> {
        if starts_without_case(content_type, b"application/sdp") {
            return Self::parse(body);
        }
        if !starts_without_case(content_type, b"multipart/") {
            return None;
        }
        let begin = memchr::memmem::find(body, b"\nv=0")?.saturating_add(1);
        let part = body.get(begin..)?;
        let end = memchr::memmem::find(part, b"\n--").unwrap_or(part.len());
        Self::parse(part.get(..end)?)
    }

    /// Announces the media to the engine.
    pub fn announce(&self, out: &mut Sink<'_>) {
        for media in self.media.iter().filter(|media| media.port != 0) {
            let Some(address) = media.address.filter(|a| !a.is_unspecified() && !a.is_multicast())
            else {
                continue;
            };
            let transport = media.transport.as_bytes();
            if starts_without_case(transport, b"UDP/TLS")
                || starts_without_case(transport, b"UDP/D")
            {
                out.expect(Expectation { address, port: media.port, proto: crate::dtls::ID });
            } else if starts_without_case(transport, b"RTP/") {
                out.expect(Expectation { address, port: media.port, proto: crate::rtp::ID });
                let next = media.port.checked_add(1);
                if let Some(port) = media.rtcp_port.or(next).filter(|_| !media.mux) {
                    out.expect(Expectation { address, port, proto: crate::rtcp::ID });
                }
            }
        }
    }

    /// Each medium in one line: `audio 192.0.2.1:4000 RTP/AVP PCMU,PCMA`.
    pub fn summary(&self) -> Vec<Text> {
        self.media.iter().map(Media::summary).collect()
    }
}

impl Media {
    fn attribute(&mut self, value: &[u8]) {
        let (name, rest) = split(value, b':');
        match name {
            b"rtcp-mux" => self.mux = true,
            b"rtcp" => self.rtcp_port = number(split(rest, b' ').0),
            b"crypto" => self.has_keys = true,
            b"rtpmap" => {
                let (payload_type, encoding) = split(rest, b' ');
                let (name, rest) = split(encoding, b'/');
                let Some(payload_type) = number(payload_type) else { return };
                let Some(clock) = number(split(rest, b'/').0) else { return };
                let codec = Codec { payload_type, name: word(name), clock };
                let room = self.codecs.len() < MAX_CODECS;
                match self.codecs.iter_mut().find(|c| c.payload_type == payload_type) {
                    Some(known) => *known = codec,
                    None if room => self.codecs.push(codec),
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn summary(&self) -> Text {
        let mut line = self.kind.as_bytes().to_vec();
        let place = match self.address {
            Some(IpAddr::V6(address)) => format!(" [{address}]:{} ", self.port),
            Some(address) => format!(" {address}:{} ", self.port),
            None => format!(" :{} ", self.port),
        };
        line.extend_from_slice(place.as_bytes());
        line.extend_from_slice(self.transport.as_bytes());
        for (index, codec) in self.codecs.iter().enumerate() {
            line.push(if index == 0 { b' ' } else { b',' });
            line.extend_from_slice(codec.name.as_bytes());
        }
        line.into()
    }
}

/// `audio 49170/2 RTP/AVP 0 8`.
fn media(value: &[u8], common: Option<IpAddr>) -> Option<Media> {
    let mut words = value.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let kind = words.next()?;
    let port = number(split(words.next()?, b'/').0)?;
    let transport = words.next()?;
    let fixed = words.filter_map(number::<u8>).filter_map(|payload_type| {
        let codec = crate::rtp::packet::static_codec(payload_type)?;
        Some(Codec { payload_type, name: codec.name.into(), clock: codec.clock })
    });
    Some(Media {
        kind: word(kind),
        port,
        transport: word(transport),
        address: common,
        codecs: fixed.take(MAX_CODECS).collect(),
        ..Media::default()
    })
}

/// `IN IP4 192.0.2.1/127`.
fn connection(value: &[u8]) -> Option<IpAddr> {
    let address = value.split(|&b| b == b' ').filter(|word| !word.is_empty()).nth(2)?;
    std::str::from_utf8(split(address, b'/').0).ok()?.parse().ok()
}

fn word(bytes: &[u8]) -> Text {
    Text::bounded(bytes, MAX_WORD)
}

fn trim(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// What is before the first `mark`, and what behind it.
pub(crate) fn split(bytes: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(mark, bytes).and_then(|at| bytes.split_at_checked(at)) {
        Some((head, tail)) => (head, tail.get(1..).unwrap_or_default()),
        None => (bytes, &[]),
    }
}

/// A decimal number.
pub(crate) fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether `bytes` begins with `word`, whatever the case.
pub(crate) fn starts_without_case(bytes: &[u8], word: &[u8]) -> bool {
    bytes.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wants;
    use crate::testing::Heard;
    use nf_fields::ProtoId;

    const OFFER: &[u8] =
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 opus/48000/2\r\na=crypto:1 x inline:abc\r\n\
        m=video 4002 RTP/AVP 97\r\nc=IN IP6 2001:db8::2\r\na=rtpmap:97 H264/90000\r\na=rtcp-mux\r\n\
        m=audio 0 RTP/AVP 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

    #[test]
    fn media_are_read_with_their_encodings() {
        let made = Description::parse(OFFER).unwrap();

        assert_eq!(
            made.summary(),
            [
                "audio 192.0.2.1:4000 RTP/AVP PCMU,opus".into(),
                "video [2001:db8::2]:4002 RTP/AVP H264".into(),
                "audio 192.0.2.1:0 RTP/AVP PCMU".into(),
                Text::from("application 192.0.2.1:9 UDP/DTLS/SCTP"),
            ]
        );
        assert!(made.media[0].has_keys && !made.malformed);
    }

    #[test]
    fn media_are_announced_with_their_control() {
        let mut heard = Heard::default();
        let mut sink = Sink::new(&mut heard, ProtoId(1), Wants::default());

        Description::parse(OFFER).unwrap().announce(&mut sink);

        let said: Vec<_> = heard.expectations.iter().map(|e| (e.port, e.proto.0)).collect();
        assert_eq!(said, [(4000, 298), (4001, 1220), (4002, 298), (9, 660)]);
    }

    #[test]
    fn a_part_of_several_is_found() {
        let body = [b"--x\r\nContent-Type: application/sdp\r\n\r\n", OFFER, b"--x--\r\n"].concat();

        let made = Description::find(&body, b"multipart/mixed;boundary=x").unwrap();

        assert_eq!(made.media.len(), 4);
        assert_eq!(Description::find(&body, b"text/plain"), None);
    }

    #[test]
    fn odd_lines_are_noticed() {
        assert_eq!(Description::parse(b"hello"), None);
        assert!(Description::parse(b"v=0\r\nm=audio x RTP/AVP 0").unwrap().malformed);
        assert!(Description::parse(b"v=0\r\nwhat").unwrap().malformed);
        let many = [b"v=0\n".to_vec(), b"m=audio 1 RTP/AVP 0\n".repeat(40)].concat();
        assert_eq!(Description::parse(&many).unwrap().media.len(), MAX_MEDIA);
    }
}

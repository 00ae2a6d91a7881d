//! DNS over HTTP (RFC 8484): messages in the bodies of requests and responses, or in the target of
//! a request. Whichever version of HTTP carries them reports them as transactions of DNS.

use nf_fields::ProtoId;

use super::exchange::{Dialect, Exchange};
use super::message::Header;
use crate::{Segment, Sink};

/// DNS, as those that carry it name it.
pub(crate) const ID: ProtoId = ProtoId(85);
/// Octets of the shortest query: a header and a question for the root.
const SHORTEST: usize = 17;

/// The messages of one connection; nothing is held before the first.
#[derive(Default)]
pub(crate) struct OverHttp(Option<Box<Exchange>>);

impl OverHttp {
    /// Takes a message that a body carried.
    pub(crate) fn message(&mut self, message: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        out.inside(ID);
        let exchange =
            self.0.get_or_insert_with(|| Box::new(Exchange::new(Dialect::Dns, seg.flow)));
        let whole = Segment { cut: false, ..*seg };
        exchange.message(message, &whole, &mut out.of(ID));
    }

    /// Takes the message in the target of a request, if there is one.
    pub(crate) fn target(&mut self, target: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        if let Some(message) = asked(target) {
            self.message(&message, seg, out);
        }
    }

    /// The connection has ended.
    pub(crate) fn end(&mut self, out: &mut Sink<'_>) {
        if let Some(exchange) = &mut self.0 {
            exchange.end(&mut out.of(ID));
        }
    }
}

/// The query in the variable `dns` of a target, in base 64 for URLs and without padding.
fn asked(target: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memchr(b'?', target)?.checked_add(1)?;
    let variables = target.get(start..)?.split(|&octet| octet == b'&');
    let value = variables.filter_map(|v| v.strip_prefix(b"dns=")).next()?;
    let message = base64url(value.strip_suffix(b"==").unwrap_or(value))?;
    let header = Header::read(&message)?;
    let is_query = !header.is_response() && header.qdcount == 1 && header.opcode() == 0;
    (is_query && message.len() >= SHORTEST).then_some(message)
}

/// RFC 4648 §5.
fn base64url(text: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut held, mut bits) = (Vec::new(), 0u32, 0u32);
    for &letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter.wrapping_sub(b'A'),
            b'a'..=b'z' => letter.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => letter.wrapping_sub(b'0').wrapping_add(52),
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits = bits.wrapping_add(6);
        if let Some(left) = bits.checked_sub(8) {
            bits = left;
            let [low, ..] = held.wrapping_shr(left).to_le_bytes();
            out.push(low);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first example of RFC 8484 §4.1.1: a query for www.example.com.
    const QUERY: &[u8] = b"AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB";

    #[test]
    fn the_query_in_a_target_is_found() {
        let target = [b"/dns-query?ct&dns=", QUERY].concat();
        let message = asked(&target).unwrap();

        assert_eq!(message.len(), 33);
        assert!(message.ends_with(b"\x03www\x07example\x03com\0\0\x01\0\x01"));
    }

    #[test]
    fn what_is_no_query_is_not_found() {
        for target in
            [&b"/dns-query"[..], b"/?dns=", b"/?dns=heron", b"/?dns=AAAB*", b"/?adns=AAAA"]
        {
            assert_eq!(asked(target), None);
        }
    }
}

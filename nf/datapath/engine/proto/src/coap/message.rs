//! Octets → messages of CoAP over UDP (RFC 7252 §3) and over TCP (RFC 8323 §3).

use crate::Cursor;

/// Most options of a message that are looked at.
pub(super) const MAX_OPTIONS: usize = 64;
/// Longest token.
const MAX_TOKEN: usize = 8;

/// Types of messages over UDP.
pub(super) mod kind {
    pub(crate) const CONFIRMABLE: u8 = 0;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 2;
    pub(crate) const RESET: u8 = 3;
}

/// The code of a message that neither asks nor answers.
pub(super) const EMPTY: u8 = 0;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Type and identifier: over UDP only.
    pub(super) datagram: Option<(u8, u16)>,
    pub(super) code: u8,
    pub(super) token: &'a [u8],
    /// Options, and the payload behind them.
    pub(super) body: &'a [u8],
}

/// Class of a code: 0 asks, 2 to 5 answer, 7 is about the connection.
pub(super) fn class(code: u8) -> u8 {
    code >> 5
}

/// Whether a code is a method.
pub(super) fn is_request(code: u8) -> bool {
    class(code) == 0 && code != EMPTY
}

/// Whether a code answers.
pub(super) fn is_response(code: u8) -> bool {
    matches!(class(code), 2..=5)
}

/// The word for a method or signal; `None` for what has none.
pub(super) fn word(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "GET",
        2 => "POST",
        3 => "PUT",
        4 => "DELETE",
        5 => "FETCH",
        6 => "PATCH",
        7 => "iPATCH",
        0xe1 => "CSM",
        0xe2 => "Ping",
        0xe3 => "Pong",
        0xe4 => "Release",
        0xe5 => "Abort",
        _ => return None,
    })
}

/// Whether a code is registered.
pub(super) fn is_known(code: u8) -> bool {
    let detail = code & 0x1f;
    match class(code) {
        0 => detail <= 7,
        2 => matches!(detail, 1..=5 | 31),
        4 => matches!(detail, 0..=6 | 8 | 9 | 12 | 13 | 15 | 22 | 29),
        5 => detail <= 5 || detail == 8,
        7 => (1..=5).contains(&detail),
        _ => false,
    }
}

/// Takes a datagram apart as far as its token.
pub(super) fn datagram(data: &[u8]) -> Option<Message<'_>> {
    let mut c = Cursor::new(data);
    let first = c.u8().filter(|first| first >> 6 == 1)?;
    let code = c.u8()?;
    let id = c.u16()?;
    let length = usize::from(first & 15);
    let token = c.take(length).filter(|_| length <= MAX_TOKEN)?;
    let datagram = Some((first >> 4 & 3, id));
    // An empty message is its header alone.
    let sound = code != EMPTY || (token.is_empty() && c.is_empty());
    sound.then_some(Message { datagram, code, token, body: c.rest() })
}

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// A header: octets up to the token's end, and those behind it; code and octets of the token.
    Header {
        size: usize,
        length: usize,
        code: u8,
        token: usize,
    },
    Partial,
    Malformed,
}

/// The header at the front of a stream.
pub(super) fn front(data: &[u8]) -> Front {
    let mut c = Cursor::new(data);
    let Some(first) = c.u8() else {
        return Front::Partial;
    };
    let (length, token) = (first >> 4, usize::from(first & 15));
    if token > MAX_TOKEN {
        return Front::Malformed;
    }
    let length = match length {
        13 => c.u8().map(|n| u64::from(n).saturating_add(13)),
        14 => c.u16().map(|n| u64::from(n).saturating_add(269)),
        15 => c.u32().map(|n| u64::from(n).saturating_add(65_805)),
        short => Some(short.into()),
    };
    match (length, c.u8()) {
        (Some(length), Some(code)) => Front::Header {
            size: c.position().saturating_add(token),
            length: usize::try_from(length).unwrap_or(usize::MAX),
            code,
            token,
        },
        _ => Front::Partial,
    }
}

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) number: u32,
    pub(super) value: &'a [u8],
}

/// What is next in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    Item(Item<'a>),
    /// The options have ended; this is the payload.
    Payload(&'a [u8]),
    Malformed,
}

/// Walks the options of a body.
#[derive(Clone, Debug)]
pub(super) struct Items<'a> {
    c: Cursor<'a>,
    number: u32,
    left: usize,
}

impl<'a> Items<'a> {
    pub(super) fn of(body: &'a [u8]) -> Self {
        Self { c: Cursor::new(body), number: 0, left: MAX_OPTIONS }
    }

    fn extended(&mut self, nibble: u8) -> Option<u32> {
        match nibble {
            13 => self.c.u8().map(|n| u32::from(n).saturating_add(13)),
            14 => self.c.u16().map(|n| u32::from(n).saturating_add(269)),
            15 => None,
            small => Some(small.into()),
        }
    }

    fn item(&mut self, first: u8) -> Option<Item<'a>> {
        let delta = self.extended(first >> 4)?;
        let length = usize::try_from(self.extended(first & 15)?).ok()?;
        self.number = self.number.saturating_add(delta);
        Some(Item { number: self.number, value: self.c.take(length)? })
    }

    /// The next option, or what is behind them.
    pub(super) fn next(&mut self) -> Next<'a> {
        match self.c.u8() {
            None => Next::Payload(&[]),
            // A marker must have something behind it.
            Some(0xff) if self.c.is_empty() => Next::Malformed,
            Some(0xff) => Next::Payload(self.c.rest()),
            Some(first) => {
                self.left = self.left.saturating_sub(1);
                match self.item(first) {
                    Some(item) if self.left > 0 => Next::Item(item),
                    _ => Next::Malformed,
                }
            }
        }
    }
}

/// A number of up to four octets, as options have it.
pub(super) fn number(value: &[u8]) -> u32 {
    value.iter().take(4).fold(0, |sum, &octet| sum << 8 | u32::from(octet))
}

/// Option numbers.
pub(super) mod option {
    pub(crate) const URI_HOST: u32 = 3;
    pub(crate) const OBSERVE: u32 = 6;
    pub(crate) const URI_PORT: u32 = 7;
    pub(crate) const LOCATION_PATH: u32 = 8;
    pub(crate) const URI_PATH: u32 = 11;
    pub(crate) const CONTENT_FORMAT: u32 = 12;
    pub(crate) const URI_QUERY: u32 = 15;
    pub(crate) const ACCEPT: u32 = 17;
    pub(crate) const BLOCK2: u32 = 23;
    pub(crate) const BLOCK1: u32 = 27;
    pub(crate) const PROXY_URI: u32 = 35;
}

/// Whether an option is registered, and may have a value of that length.
pub(super) fn is_registered(item: &Item<'_>) -> bool {
    let most = match item.number {
        1 | 252 | 292 => 40,
        option::URI_HOST | 39 => 255,
        4 | 2049 => 8,
        5 | 21 | 258 => 1,
        option::OBSERVE | option::BLOCK1 | option::BLOCK2 | 19 | 31 => 3,
        option::URI_PORT | option::CONTENT_FORMAT | option::ACCEPT | 16 => 2,
        option::LOCATION_PATH | option::URI_PATH | option::URI_QUERY | 20 | 9 => 255,
        14 | 28 | 60 => 4,
        option::PROXY_URI => 1034,
        2053 => 255,
        _ => return false,
    };
    item.value.len() <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_is_taken_apart() {
        let read = datagram(b"\x42\x01\x12\x34ab\xb1x\xffpay").unwrap();

        assert_eq!((read.datagram, read.code, read.token), (Some((0, 0x1234)), 1, &b"ab"[..]));
        let mut items = Items::of(read.body);
        assert_eq!(items.next(), Next::Item(Item { number: 11, value: b"x" }));
        assert_eq!(items.next(), Next::Payload(b"pay"));
        for wrong in
            [&b"\x82\x01\0\0ab"[..], b"\x49\x01\0\0abcdefghi", b"\x40\0\0\0x", b"\x42\x01\0\0a"]
        {
            assert_eq!(datagram(wrong), None);
        }
    }

    #[test]
    fn lengths_of_a_stream_have_four_widths() {
        let read = |data: &[u8]| match front(data) {
            Front::Header { size, length, code, .. } => Some((size, length, code)),
            _ => None,
        };
        assert_eq!(read(b"\x01\x43\x7f"), Some((3, 0, 0x43)));
        assert_eq!(read(b"\xd0\x01\x01"), Some((3, 14, 1)));
        assert_eq!(read(b"\xe0\x01\x00\x01"), Some((4, 525, 1)));
        assert_eq!(read(b"\xf0\0\0\0\x01\x01"), Some((6, 65_806, 1)));
        assert_eq!((front(b"\xe0\x01"), front(b"\x09\x01")), (Front::Partial, Front::Malformed));
    }

    #[test]
    fn options_have_extended_numbers_and_lengths() {
        let mut items = Items::of(b"\xd1\x0a\x05\xe0\x00\x01\x0d\x00abcdefghijklm");
        assert_eq!(items.next(), Next::Item(Item { number: 23, value: &[5] }));
        assert_eq!(items.next(), Next::Item(Item { number: 293, value: b"" }));
        assert_eq!(items.next(), Next::Item(Item { number: 293, value: b"abcdefghijklm" }));
        for wrong in [&b"\xf0"[..], b"\x0f", b"\x12a", b"\xff"] {
            assert_eq!(Items::of(wrong).next(), Next::Malformed);
        }
    }
}

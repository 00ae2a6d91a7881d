//! Octets → frames and performatives of AMQP 1.0 (OASIS, part 1 and §2.3).

use crate::Cursor;

/// Octets of a frame's header.
const HEADER: usize = 8;
/// Longest frame that is believed.
const MAX_FRAME: u32 = 1 << 27;
/// Most items of a list that are looked at.
const MAX_ITEMS: usize = 16;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Octets of the whole frame.
    pub(super) length: usize,
    /// Where its body begins.
    pub(super) offset: usize,
    /// It belongs to the login.
    pub(super) sasl: bool,
    pub(super) channel: u16,
}

/// The header at the front of `data`: `None` when more octets are needed.
pub(super) fn front(data: &[u8]) -> Option<Result<Header, ()>> {
    let mut c = Cursor::new(data);
    let (length, offset, kind, channel) = (c.u32()?, c.u8()?, c.u8()?, c.u16()?);
    let offset = usize::from(offset).saturating_mul(4);
    let long = usize::try_from(length).unwrap_or(usize::MAX);
    let sound = offset >= HEADER && offset <= long && length <= MAX_FRAME && kind <= 1;
    Some(if sound {
        Ok(Header { length: long, offset, sasl: kind == 1, channel })
    } else {
        Err(())
    })
}

/// Performatives.
pub(super) mod code {
    pub(crate) const OPEN: u64 = 0x10;
    pub(crate) const ATTACH: u64 = 0x12;
    pub(crate) const TRANSFER: u64 = 0x14;
    pub(crate) const DETACH: u64 = 0x16;
    pub(crate) const END: u64 = 0x17;
    pub(crate) const CLOSE: u64 = 0x18;
    pub(crate) const SASL_INIT: u64 = 0x41;
    pub(crate) const SASL_OUTCOME: u64 = 0x44;
}

/// The word for a performative.
pub(super) fn word(number: u64) -> Option<&'static str> {
    Some(match number {
        code::OPEN => "open",
        0x11 => "begin",
        code::ATTACH => "attach",
        0x13 => "flow",
        code::TRANSFER => "transfer",
        0x15 => "disposition",
        code::DETACH => "detach",
        code::END => "end",
        code::CLOSE => "close",
        0x40 => "sasl-mechanisms",
        code::SASL_INIT => "sasl-init",
        0x42 => "sasl-challenge",
        0x43 => "sasl-response",
        code::SASL_OUTCOME => "sasl-outcome",
        _ => return None,
    })
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Number(u64),
    /// Text, symbol or octets.
    Text(&'a [u8]),
    /// A list behind what describes it: the octets of its items.
    Items(&'a [u8]),
    Other,
}

impl<'a> Value<'a> {
    pub(super) fn text(self) -> Option<&'a [u8]> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(self) -> Option<u64> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The items of a list.
    pub(super) fn items(self) -> Vec<Value<'a>> {
        match self {
            Value::Items(octets) => items(octets),
            _ => Vec::new(),
        }
    }
}

fn fixed(octets: &[u8]) -> u64 {
    octets.iter().take(8).fold(0, |sum, &octet| sum << 8 | u64::from(octet))
}

/// Reads a value; what describes it is passed over, once.
pub(super) fn value<'a>(c: &mut Cursor<'a>) -> Option<Value<'a>> {
    match c.u8()? {
        0 => {
            let kind = c.u8()?;
            plain(c, kind)?;
            let kind = c.u8().filter(|&kind| kind != 0)?;
            plain(c, kind)
        }
        kind => plain(c, kind),
    }
}

fn plain<'a>(c: &mut Cursor<'a>, kind: u8) -> Option<Value<'a>> {
    Some(match kind {
        0x40 => Value::Null,
        0x41 => Value::Bool(true),
        0x42 => Value::Bool(false),
        0x43 | 0x44 => Value::Number(0),
        0x45 => Value::Items(&[]),
        0x56 => Value::Bool(c.u8()? != 0),
        0x50..=0x5f => Value::Number(c.u8()?.into()),
        0x60..=0x6f => Value::Number(fixed(c.take(2)?)),
        0x70..=0x7f => Value::Number(fixed(c.take(4)?)),
        0x80..=0x8f => Value::Number(fixed(c.take(8)?)),
        0x90..=0x9f => {
            c.skip(16)?;
            Value::Other
        }
        0xa0..=0xaf => Value::Text(c.prefixed_u8()?),
        0xb0..=0xbf => {
            let length = usize::try_from(c.u32()?).ok()?;
            Value::Text(c.take(length)?)
        }
        0xc0..=0xcf | 0xe0..=0xef => {
            let octets = c.prefixed_u8()?;
            // The count of items stands before them.
            let list = kind == 0xc0;
            if list { Value::Items(octets.get(1..)?) } else { Value::Other }
        }
        0xd0..=0xdf | 0xf0..=0xff => {
            let length = usize::try_from(c.u32()?).ok()?;
            let octets = c.take(length)?;
            let list = kind == 0xd0;
            if list { Value::Items(octets.get(4..)?) } else { Value::Other }
        }
        _ => return None,
    })
}

fn items(octets: &[u8]) -> Vec<Value<'_>> {
    let mut c = Cursor::new(octets);
    let mut found = Vec::new();
    while found.len() < MAX_ITEMS
        && !c.is_empty()
        && let Some(item) = value(&mut c)
    {
        found.push(item);
    }
    found
}

/// A performative: its code, its items, and what follows it.
pub(super) fn performative(body: &[u8]) -> Option<(u64, Vec<Value<'_>>, &[u8])> {
    let mut c = Cursor::new(body);
    if c.u8()? != 0 {
        return None;
    }
    let number = value(&mut c)?.number()?;
    let list = value(&mut c)?;
    matches!(list, Value::Items(_)).then(|| (number, list.items(), c.rest()))
}

/// Whether a frame begins at the front of `data`, after a loss.
pub(super) fn begins(data: &[u8]) -> bool {
    match front(data) {
        Some(Ok(header)) => {
            let body = data.get(header.offset..).unwrap_or_default();
            header.offset == HEADER && matches!(body, [0, 0x53 | 0x80, ..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_performative_is_a_described_list() {
        let (number, items, rest) =
            performative(b"\0\x53\x10\xc0\x08\x02\xa1\x02me\xa1\x01hX").unwrap();
        assert_eq!((number, rest), (0x10, &b"X"[..]));
        assert_eq!(items, [Value::Text(b"me"), Value::Text(b"h")]);
        let (number, items, _) = performative(b"\0\x80\0\0\0\0\0\0\0\x18\x45").unwrap();
        assert_eq!((number, items.len()), (0x18, 0));
        assert!(performative(b"\0\x53\x10\xa1\x01x").is_none() && performative(b"\x53").is_none());
    }

    #[test]
    fn frames_say_where_their_body_begins() {
        let header = front(b"\0\0\0\x10\x02\x01\0\0").unwrap().unwrap();
        assert_eq!((header.length, header.offset, header.sasl), (16, 8, true));
        assert_eq!(front(b"\0\0\0\x04\x02\0\0\0"), Some(Err(())));
        assert_eq!(front(b"\0\0\0\x10"), None);
    }
}

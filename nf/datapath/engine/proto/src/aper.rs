//! The frame that NGAP and S1AP share in the aligned packed encoding (ITU-T X.691): a kind, a
//! procedure, and a list of information elements.

use crate::Cursor;

/// Most elements of a message.
const MAX_ELEMENTS: u16 = 128;

/// Which of the three kinds of messages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A procedure begins.
    Initiating,
    /// It went well.
    Successful,
    /// It did not.
    Unsuccessful,
}

/// An information element.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// Number.
    pub id: u16,
    /// Value, still encoded.
    pub value: &'a [u8],
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Which kind.
    pub outcome: Outcome,
    /// Procedure.
    pub procedure: u8,
    /// Elements.
    pub elements: Vec<Element<'a>>,
}

impl<'a> Message<'a> {
    /// The value of the first element with a number.
    pub fn element(&self, id: u16) -> Option<&'a [u8]> {
        self.elements.iter().find(|e| e.id == id).map(|e| e.value)
    }
}

/// A length in one or two octets; longer values come in pieces, which these protocols do not need.
pub fn length(c: &mut Cursor<'_>) -> Option<usize> {
    let first = c.u8()?;
    match first >> 6 {
        0 | 1 => Some(first.into()),
        2 => Some(usize::from(first & 0x3f) << 8 | usize::from(c.u8()?)),
        _ => None,
    }
}

/// Octets behind their length.
pub fn octets<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = length(c)?;
    c.take(length)
}

/// Takes a message apart; `None` unless its elements fill it to the last octet.
pub fn parse(data: &[u8]) -> Option<Message<'_>> {
    let mut c = Cursor::new(data);
    let outcome = match c.u8()? {
        0x00 => Outcome::Initiating,
        0x20 => Outcome::Successful,
        0x40 => Outcome::Unsuccessful,
        _ => return None,
    };
    let procedure = c.u8()?;
    criticality(c.u8()?)?;
    let mut inner = Cursor::new(octets(&mut c)?);
    c.is_empty().then_some(())?;
    // No extension.
    (inner.u8()? == 0).then_some(())?;
    let count = inner.u16()?;
    (1..=MAX_ELEMENTS).contains(&count).then_some(())?;
    let mut elements = Vec::new();
    for _ in 0..count {
        let id = inner.u16()?;
        criticality(inner.u8()?)?;
        elements.push(Element { id, value: octets(&mut inner)? });
    }
    inner.is_empty().then_some(Message { outcome, procedure, elements })
}

fn criticality(octet: u8) -> Option<()> {
    matches!(octet, 0x00 | 0x40 | 0x80).then_some(())
}

/// A whole number whose count of octets, less one, stands in the first `bits` bits.
pub fn number(value: &[u8], bits: u32) -> Option<u64> {
    let mut c = Cursor::new(value);
    let length = usize::from(c.u8()?.checked_shr(8u32.checked_sub(bits)?)?).saturating_add(1);
    let octets = c.take(length)?;
    (c.is_empty() && length <= 8).then(|| octets.iter().fold(0u64, |n, &b| n << 8 | u64::from(b)))
}

/// Both numbers of a phone in one element: the core's, whose count of octets, less one, stands in
/// `bits` bits of which `behind` follow in the first octet, and the base station's.
pub fn pair(value: &[u8], bits: u32, behind: u32) -> Option<(u64, Option<u64>)> {
    let mut c = Cursor::new(value);
    let mask = 1u8.checked_shl(bits)?.checked_sub(1)?;
    let length = usize::from(c.u8()?.checked_shr(behind)? & mask).saturating_add(1);
    let octets = c.take(length)?;
    let core = octets.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
    Some((core, number(c.rest(), 2)))
}

/// A printable text of up to 150 letters that may be extended: a bit, a length of eight bits, then
/// the letters.
pub fn name(value: &[u8]) -> Option<&[u8]> {
    let (&[first, second], letters) = value.split_first_chunk::<2>()?;
    (first & 0x80 == 0).then_some(())?;
    let length = usize::from(first << 1 | second >> 7).saturating_add(1);
    letters.get(..length)
}

/// Country and network of a mobile network, as people write them.
pub fn plmn(octets: [u8; 3]) -> String {
    let [a, b, c] = octets;
    let digit = |n: u8| char::from(b'0'.saturating_add(n & 0x0f).min(b'?'));
    let mut words: String = [a, a >> 4, b].into_iter().map(digit).collect();
    words.push('-');
    words.extend([c, c >> 4].into_iter().map(digit));
    if b >> 4 != 15 {
        words.push(digit(b >> 4));
    }
    words
}

//! A user's protocol compiled: reads of fixed places, and a table of what comes next.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use nf_fields::{Field, Fields, ProtoId, Value};

use super::description;

/// Octets of a message that a record keeps at most.
pub(super) const MOST_KEPT: usize = 4096;

/// A number in a header, ready to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    offset: usize,
    length: usize,
    mask: u64,
    shift: u32,
    little: bool,
}

impl Number {
    pub(super) fn new(number: &description::Number) -> Self {
        let mask = if number.mask == 0 { u64::MAX } else { number.mask };
        Self {
            offset: number.offset,
            length: number.length,
            mask,
            shift: mask.trailing_zeros(),
            little: number.little,
        }
    }

    /// Its value, if the octets are there.
    #[inline]
    pub(super) fn read(&self, data: &[u8]) -> Option<u64> {
        let octets = data.get(self.offset..)?.get(..self.length)?;
        let join = |sum: u64, octet: &u8| sum << 8 | u64::from(*octet);
        let whole = match self.little {
            false => octets.iter().fold(0, join),
            true => octets.iter().rev().fold(0, join),
        };
        Some((whole & self.mask).checked_shr(self.shift).unwrap_or(0))
    }
}

/// How the value of an attribute is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Read {
    Uint(Number),
    Float {
        offset: usize,
        wide: bool,
        little: bool,
    },
    /// Octets, as text or not; without a length to the end of the message.
    Octets {
        offset: usize,
        length: Option<usize>,
        text: bool,
    },
    Mac(usize),
    Ip {
        offset: usize,
        wide: bool,
    },
}

impl Read {
    fn value<'a>(&self, data: &'a [u8]) -> Option<Value<'a>> {
        Some(match *self {
            Read::Uint(number) => Value::Uint(number.read(data)?),
            Read::Float { offset, wide, little } => {
                let length = if wide { 8 } else { 4 };
                let bits =
                    Number { offset, length, mask: u64::MAX, shift: 0, little }.read(data)?;
                Value::Float(match wide {
                    true => f64::from_bits(bits),
                    false => f32::from_bits(u32::try_from(bits).ok()?).into(),
                })
            }
            Read::Octets { offset, length, text } => {
                let rest = data.get(offset..)?;
                let octets = match length {
                    Some(length) => rest.get(..length)?,
                    None => rest,
                };
                match text {
                    // A text in a field of fixed size ends at its first zero.
                    true => Value::Text(octets.split(|b| *b == 0).next().unwrap_or_default()),
                    false => Value::Binary(octets),
                }
            }
            Read::Mac(offset) => Value::Mac(*data.get(offset..)?.first_chunk()?),
            Read::Ip { offset, wide: false } => {
                let octets: [u8; 4] = *data.get(offset..)?.first_chunk()?;
                Value::Ip(IpAddr::V4(Ipv4Addr::from(octets)))
            }
            Read::Ip { offset, wide: true } => {
                let octets: [u8; 16] = *data.get(offset..)?.first_chunk()?;
                Value::Ip(IpAddr::V6(Ipv6Addr::from(octets)))
            }
        })
    }
}

/// What follows a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leap {
    pub target: Target,
    pub offset: usize,
}

/// Who reads what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Another protocol of the user's.
    User(ProtoId),
    /// A built-in one with a parser: its place in the registry.
    Entry(u16, ProtoId),
    /// A header with a packet behind it, which has a session of its own ([`super::tunnel`]).
    Header(ProtoId),
    /// Nobody: it is only named.
    Name(ProtoId),
}

/// The table of what comes next.
#[derive(Debug)]
pub(super) struct Next {
    pub number: Number,
    /// By value, ascending.
    pub cases: Vec<(u64, Leap)>,
    pub otherwise: Option<Leap>,
}

impl Next {
    /// What follows, if the table says so.
    #[inline]
    pub(super) fn leap(&self, data: &[u8]) -> Option<Leap> {
        let value = self.number.read(data)?;
        let found = self.cases.binary_search_by_key(&value, |(value, _)| *value).ok();
        found.and_then(|at| self.cases.get(at)).map(|(_, leap)| *leap).or(self.otherwise)
    }
}

/// A stream's messages: a number tells how long each is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub number: Number,
    pub add: i64,
}

impl Frame {
    /// Octets of the message at the front of `data`, once they can be told.
    #[inline]
    pub(super) fn length(&self, data: &[u8]) -> Option<i64> {
        let number = i64::try_from(self.number.read(data)?).unwrap_or(i64::MAX);
        Some(number.saturating_add(self.add))
    }
}

/// A protocol, compiled.
#[derive(Debug)]
pub struct Program {
    /// Its number in paths, see [`super::public`].
    pub number: ProtoId,
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// Its attributes.
    pub fields: &'static [Field],
    pub(super) reads: Vec<Read>,
    /// Octets a message has at least.
    pub(super) header: usize,
    /// Octets that the attributes reach to.
    pub(super) extent: usize,
    pub(super) frame: Option<Frame>,
    pub(super) next: Option<Next>,
}

impl Program {
    /// Whether packets may lie within its messages.
    pub(super) fn leads_to_headers(&self) -> bool {
        let next = self.next.as_ref();
        let leaps = next.iter().flat_map(|n| n.cases.iter().map(|(_, leap)| leap));
        let otherwise = next.and_then(|n| n.otherwise.as_ref());
        leaps.chain(otherwise).any(|leap| matches!(leap.target, Target::Header(_)))
    }
}

/// A message where it lies.
pub(super) struct Message<'a> {
    pub program: &'a Program,
    pub data: &'a [u8],
}

impl Fields for Message<'_> {
    fn fields() -> &'static [Field] {
        // Differs from protocol to protocol: only the list of a value is of use.
        &[]
    }

    fn field_list(&self) -> &'static [Field] {
        self.program.fields
    }

    fn get(&self, position: usize) -> Value<'_> {
        let read = self.program.reads.get(position);
        read.and_then(|read| read.value(self.data)).unwrap_or(Value::None)
    }
}

/// A message that outlives its packet.
pub(super) struct Kept {
    program: Arc<Program>,
    data: Box<[u8]>,
}

impl Kept {
    pub(super) fn of(program: &Arc<Program>, data: &[u8]) -> Self {
        let data = data.get(..program.extent).unwrap_or(data).into();
        Self { program: Arc::clone(program), data }
    }
}

impl Fields for Kept {
    fn fields() -> &'static [Field] {
        &[]
    }

    fn field_list(&self) -> &'static [Field] {
        self.program.fields
    }

    fn get(&self, position: usize) -> Value<'_> {
        let read = self.program.reads.get(position);
        read.and_then(|read| read.value(&self.data)).unwrap_or(Value::None)
    }
}

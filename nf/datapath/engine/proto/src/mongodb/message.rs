//! Octets → messages of MongoDB's wire protocol.

use super::bson::{self, Elements, document, string, u32};
use crate::Cursor;

/// Octets of a header.
pub(super) const HEADER: usize = 16;
/// Longest message a server takes.
const MAX_MESSAGE: usize = 48_000_000;

/// What a message is.
pub(super) mod op {
    pub(crate) const REPLY: u32 = 1;
    pub(crate) const UPDATE: u32 = 2001;
    pub(crate) const INSERT: u32 = 2002;
    pub(crate) const QUERY: u32 = 2004;
    pub(crate) const GET_MORE: u32 = 2005;
    pub(crate) const DELETE: u32 = 2006;
    pub(crate) const KILL_CURSORS: u32 = 2007;
    pub(crate) const COMPRESSED: u32 = 2012;
    pub(crate) const MSG: u32 = 2013;
}

/// No answer is wanted; or, in an answer, another follows unasked.
pub(super) const MORE_TO_COME: u32 = 2;

/// The word for an operation.
pub(super) fn word(code: u32) -> Option<&'static str> {
    Some(match code {
        op::REPLY => "reply",
        op::UPDATE => "update",
        op::INSERT => "insert",
        op::QUERY => "query",
        op::GET_MORE => "get_more",
        op::DELETE => "delete",
        op::KILL_CURSORS => "kill_cursors",
        op::COMPRESSED => "compressed",
        op::MSG => "msg",
        _ => return None,
    })
}

/// A message's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// Octets of the whole message.
    pub(super) length: usize,
    pub(super) id: u32,
    pub(super) response_to: u32,
    pub(super) code: u32,
}

impl Header {
    /// Whether it answers nothing.
    pub(super) fn asks(&self) -> bool {
        matches!(self.response_to, 0 | u32::MAX)
    }
}

/// The header at the front of `data`; `Err` when it is none.
pub(super) fn header(data: &[u8]) -> Result<Option<Header>, ()> {
    let mut c = Cursor::new(data);
    let mut field = || u32(&mut c);
    let (Some(length), Some(id), Some(response_to), Some(code)) =
        (field(), field(), field(), field())
    else {
        return Ok(None);
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let sound = (HEADER..=MAX_MESSAGE).contains(&length) && word(code).is_some();
    if sound { Ok(Some(Header { length, id, response_to, code })) } else { Err(()) }
}

/// What a message says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Said<'a> {
    pub(super) flags: u32,
    /// Its document: of a command, or the first of a reply.
    pub(super) document: &'a [u8],
    /// Database and collection, as old operations have them.
    pub(super) collection: Option<&'a [u8]>,
    /// Documents that go with it.
    pub(super) documents: u64,
    /// How it is compressed.
    pub(super) compressor: Option<u8>,
    /// The operation that is compressed.
    pub(super) inner: Option<u32>,
}

/// Reads a body of which the end may be missing.
pub(super) fn read<'a>(header: &Header, body: &'a [u8]) -> Option<Said<'a>> {
    let mut c = Cursor::new(body);
    let mut said = Said::default();
    match header.code {
        op::MSG => {
            said.flags = u32(&mut c)?;
            sections(&mut c, &mut said)?;
        }
        op::QUERY => {
            said.flags = 0;
            c.skip(4)?;
            said.collection = Some(string(&mut c)?);
            c.skip(8)?;
            said.document = document(&mut c)?;
        }
        op::REPLY => {
            c.skip(16)?;
            said.documents = u32(&mut c)?.into();
            said.document = document(&mut c).unwrap_or_default();
        }
        op::INSERT => {
            c.skip(4)?;
            said.collection = Some(string(&mut c)?);
        }
        op::UPDATE | op::GET_MORE | op::DELETE => {
            c.skip(4)?;
            said.collection = Some(string(&mut c)?);
        }
        op::COMPRESSED => {
            said.inner = Some(u32(&mut c)?);
            c.skip(4)?;
            said.compressor = Some(c.u8()?);
        }
        _ => {}
    }
    Some(said)
}

/// The sections of an OP_MSG: a document, and rows of documents.
fn sections<'a>(c: &mut Cursor<'a>, said: &mut Said<'a>) -> Option<()> {
    let checksum = if said.flags & 1 != 0 { 4 } else { 0 };
    while c.remaining() > checksum {
        match c.u8()? {
            0 => said.document = document(c)?,
            1 => {
                let length = usize::try_from(u32(&mut c.clone())?).ok()?;
                let section = c.take(length.min(c.remaining()))?;
                let mut inside = Cursor::new(section);
                inside.skip(4)?;
                string(&mut inside)?;
                while !inside.is_empty() && document(&mut inside).is_some() {
                    said.documents = said.documents.saturating_add(1);
                }
            }
            _ => return None,
        }
    }
    Some(())
}

/// The first name of a document, and its value: a command and what it is about.
pub(super) fn command(document: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (mut name, mut value) = Elements::of(document).next()?;
    // Old clients wrap a command that has options.
    if matches!(name, b"$query" | b"query")
        && let Some(inner) = value.document()
    {
        (name, value) = Elements::of(inner).next()?;
    }
    let plain = name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'));
    (plain && !name.is_empty()).then_some((name, value.text()))
}

/// Whether a body holds what its operation must, as far as it is there.
pub(super) fn is_sound(header: &Header, body: &[u8]) -> bool {
    let Some(said) = read(header, body) else {
        return false;
    };
    let first = |document: &[u8]| {
        let name = bson::Elements::of(document).next().map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic))
    };
    match header.code {
        op::MSG => said.flags & 0xfffc == 0 && first(said.document),
        op::QUERY | op::INSERT | op::UPDATE | op::GET_MORE | op::DELETE => {
            let named = |name: &[u8]| name.contains(&b'.') && name.iter().all(u8::is_ascii_graphic);
            said.collection.is_some_and(named)
                && (header.code != op::QUERY || said.document.len() >= 5)
        }
        op::REPLY => said.documents < 1 << 20 && first(said.document),
        op::COMPRESSED => {
            said.compressor.is_some_and(|c| c <= 3)
                && said.inner.is_some_and(|op| word(op).is_some())
        }
        _ => false,
    }
}

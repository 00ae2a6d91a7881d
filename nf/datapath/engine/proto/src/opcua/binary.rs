//! Values of the binary encoding (OPC 10000-6 §5.2): pure, no state, no panic.

use crate::Cursor;

/// Most octets of a node's name that are written out.
const MAX_NAME: usize = 128;

/// A text or octets behind their length; empty for a null one.
pub fn string<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    match c.u32_le()? {
        u32::MAX => Some(&[]),
        length => c.take(usize::try_from(length).ok()?),
    }
}

/// Items of an array; none for a null one.
pub fn count(c: &mut Cursor<'_>) -> Option<u32> {
    let count = c.u32_le()?;
    Some(if count == u32::MAX { 0 } else { count })
}

/// A node's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId<'a> {
    /// Namespace.
    pub namespace: u16,
    /// Identifier in it.
    pub id: Id<'a>,
}

/// The kinds of identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id<'a> {
    /// A number.
    Number(u32),
    /// A name.
    Name(&'a [u8]),
    /// A GUID or other octets.
    Octets(&'a [u8]),
}

impl NodeId<'_> {
    /// As the specification writes it.
    pub fn words(&self) -> String {
        let cut = |octets: &[u8]| octets.get(..MAX_NAME).unwrap_or(octets).to_vec();
        let id = match self.id {
            Id::Number(number) => format!("i={number}"),
            Id::Name(name) => format!("s={}", String::from_utf8_lossy(&cut(name))),
            Id::Octets(octets) => {
                let hex: String = cut(octets).iter().map(|b| format!("{b:02x}")).collect();
                format!("b={hex}")
            }
        };
        match self.namespace {
            0 => id,
            namespace => format!("ns={namespace};{id}"),
        }
    }
}

/// Reads a node's identifier.
pub fn node<'a>(c: &mut Cursor<'a>) -> Option<NodeId<'a>> {
    let form = c.u8()?;
    // Two bits tell of a namespace's name and a server behind it.
    let node = match form & 0x3f {
        0 => NodeId { namespace: 0, id: Id::Number(c.u8()?.into()) },
        1 => NodeId { namespace: c.u8()?.into(), id: Id::Number(c.u16_le()?.into()) },
        2 => NodeId { namespace: c.u16_le()?, id: Id::Number(c.u32_le()?) },
        3 => NodeId { namespace: c.u16_le()?, id: Id::Name(string(c)?) },
        4 => NodeId { namespace: c.u16_le()?, id: Id::Octets(c.take(16)?) },
        5 => NodeId { namespace: c.u16_le()?, id: Id::Octets(string(c)?) },
        _ => return None,
    };
    if form & 0x80 != 0 {
        string(c)?;
    }
    if form & 0x40 != 0 {
        c.skip(4)?;
    }
    Some(node)
}

/// Reads an object of any type: which type, and its octets.
pub fn object<'a>(c: &mut Cursor<'a>) -> Option<(NodeId<'a>, &'a [u8])> {
    let kind = node(c)?;
    Some(match c.u8()? {
        0 => (kind, &[]),
        1 | 2 => (kind, string(c)?),
        _ => return None,
    })
}

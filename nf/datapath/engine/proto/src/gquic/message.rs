//! Google's handshake messages: a tag, and a table of tagged values behind one another
//! (QUIC Crypto, "Handshake message format").

use crate::Cursor;

/// Most values of a message.
const MAX_VALUES: u16 = 128;

/// The client's hello.
pub const CHLO: [u8; 4] = *b"CHLO";

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What it is: `CHLO`, `REJ\0`, `SHLO`, ….
    pub tag: [u8; 4],
    index: &'a [u8],
    values: &'a [u8],
    /// Octets of the whole message.
    pub total: usize,
}

impl<'a> Message<'a> {
    /// Reads the message at the front of `data`, all of which must be there.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        let tag: [u8; 4] = c.array()?;
        let count = u16::from_le_bytes(c.array()?);
        if !matches!(&tag, b"CHLO" | b"SHLO" | b"REJ\0" | b"SREJ") || count > MAX_VALUES {
            return None;
        }
        c.skip(2)?;
        let index = c.take(usize::from(count).checked_mul(8)?)?;
        let mut end = 0usize;
        for (_, next) in entries(index) {
            // Ends ascend, or the table is none.
            end = Some(next).filter(|&n| n >= end)?;
        }
        let values = c.take(end)?;
        Some(Self { tag, index, values, total: c.position() })
    }

    /// The value of `tag`.
    pub fn value(&self, tag: &[u8; 4]) -> Option<&'a [u8]> {
        let mut start = 0usize;
        for (name, end) in entries(self.index) {
            if name == tag {
                return self.values.get(start..end);
            }
            start = end;
        }
        None
    }

    /// Name the client asks for.
    pub fn server_name(&self) -> Option<&'a [u8]> {
        self.value(b"SNI\0").filter(|n| !n.is_empty())
    }

    /// The program.
    pub fn user_agent(&self) -> Option<&'a [u8]> {
        self.value(b"UAID").filter(|n| !n.is_empty())
    }
}

/// Tags and ends.
fn entries(index: &[u8]) -> impl Iterator<Item = (&[u8; 4], usize)> {
    index.as_chunks::<8>().0.iter().filter_map(|entry| {
        let (tag, end) = entry.split_first_chunk::<4>()?;
        let end: [u8; 4] = end.try_into().ok()?;
        Some((tag, u32::from_le_bytes(end) as usize))
    })
}

//! Octets → messages of WireGuard: sizes and reserved octets decide.

use crate::Cursor;

pub const INITIATION: usize = 148;
pub const RESPONSE: usize = 92;
pub const COOKIE: usize = 64;
/// Header of a data message.
const HEADER: usize = 16;
/// Code behind every encrypted part.
const TAG: usize = 16;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    Initiation { sender: u32, cookie: bool },
    Response { sender: u32, receiver: u32, cookie: bool },
    Cookie { receiver: u32 },
    Data { receiver: u32, counter: u64, length: usize },
}

/// Numbers are in little-endian order.
fn le32(c: &mut Cursor<'_>) -> Option<u32> {
    c.array().map(u32::from_le_bytes)
}

/// Takes a datagram apart; `None` when it is no message.
pub fn parse(data: &[u8]) -> Option<Message> {
    let mut c = Cursor::new(data);
    let [kind, reserved @ ..] = c.array::<4>()?;
    (reserved == [0; 3]).then_some(())?;
    match (kind, data.len()) {
        (1, INITIATION) => {
            Some(Message::Initiation { sender: le32(&mut c)?, cookie: has_cookie(data) })
        }
        (2, RESPONSE) => Some(Message::Response {
            sender: le32(&mut c)?,
            receiver: le32(&mut c)?,
            cookie: has_cookie(data),
        }),
        (3, COOKIE) => Some(Message::Cookie { receiver: le32(&mut c)? }),
        // What is inside is padded to sixteen octets.
        (4, length) if length >= HEADER.saturating_add(TAG) && length % 16 == 0 => {
            let receiver = le32(&mut c)?;
            let counter = u64::from_le_bytes(c.array()?);
            Some(Message::Data {
                receiver,
                counter,
                length: length.saturating_sub(HEADER).saturating_sub(TAG),
            })
        }
        _ => None,
    }
}

/// Whether the second code at the end is set, which proves the address.
fn has_cookie(data: &[u8]) -> bool {
    data.last_chunk::<16>().is_some_and(|mac| mac != &[0; 16])
}

impl Message {
    /// The word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Message::Initiation { .. } => "initiation",
            Message::Response { .. } => "response",
            Message::Cookie { .. } => "cookie",
            Message::Data { .. } => "data",
        }
    }
}

//! Octets → packets: pure, no state, no panic.

use crate::Cursor;

/// Most options read from a packet.
const MAX_OPTIONS: usize = 16;

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// A file is asked for, or to be sent.
    Request { write: bool, file: &'a [u8], mode: &'a [u8], options: Options },
    /// A block of the file.
    Data { block: u16, length: usize },
    /// A block arrived.
    Acknowledge { block: u16 },
    /// It ends.
    Error { code: u16, text: &'a [u8] },
    /// Options the server takes.
    Accept { options: Options },
}

/// What both ends agree upon (RFC 2347 to 2349, 7440).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) block_size: Option<u32>,
    pub(super) transfer_size: Option<u64>,
    pub(super) timeout_s: Option<u32>,
    pub(super) window_size: Option<u32>,
}

/// Takes a packet apart; `None` when it is none.
pub(super) fn parse(data: &[u8]) -> Option<Packet<'_>> {
    let mut c = Cursor::new(data);
    Some(match c.u16()? {
        code @ (1 | 2) => {
            let file = string(&mut c)?;
            let mode = string(&mut c)?;
            let known = [&b"netascii"[..], b"octet", b"mail"];
            if file.is_empty() || !known.iter().any(|m| mode.eq_ignore_ascii_case(m)) {
                return None;
            }
            Packet::Request { write: code == 2, file, mode, options: options(&mut c)? }
        }
        3 => Packet::Data { block: c.u16()?, length: c.remaining() },
        4 => Packet::Acknowledge { block: c.u16()? },
        5 => Packet::Error { code: c.u16()?, text: string(&mut c).unwrap_or(c.rest()) },
        6 => Packet::Accept { options: options(&mut c)? },
        _ => return None,
    })
}

fn string<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let end = memchr::memchr(0, c.rest())?;
    let text = c.take(end)?;
    c.skip(1)?;
    Some(text)
}

fn options(c: &mut Cursor<'_>) -> Option<Options> {
    let mut found = Options::default();
    for _ in 0..MAX_OPTIONS {
        // Some clients fill the packet up.
        if c.rest().iter().all(|&o| o == 0) {
            break;
        }
        let name = string(c)?.to_ascii_lowercase();
        let value = std::str::from_utf8(string(c)?).ok().and_then(|v| v.parse::<u64>().ok());
        let small = value.and_then(|v| u32::try_from(v).ok());
        match name.as_slice() {
            b"blksize" => found.block_size = small,
            b"tsize" => found.transfer_size = value,
            b"timeout" => found.timeout_s = small,
            b"windowsize" => found.window_size = small,
            _ => {}
        }
    }
    Some(found)
}

/// What an error is called (RFC 1350, RFC 2347).
pub(super) fn error_name(code: u16) -> Option<&'static str> {
    [
        "undefined",
        "file not found",
        "access violation",
        "disk full",
        "illegal operation",
        "unknown transfer",
        "file exists",
        "no such user",
        "options refused",
    ]
    .get(usize::from(code))
    .copied()
}

//! Octets → identification lines (RFC 4253 §4.2), packets (§6) and key exchange offers (§7.1).

use crate::Cursor;

/// Most octets of an identification line, its end included (RFC 4253 §4.2).
pub const MAX_LINE: usize = 255;
/// Most octets of a packet in clear; the standard asks for 35,000 to be taken.
pub const MAX_PACKET: usize = 40_000;

/// Offers its algorithms.
pub const KEXINIT: u8 = 20;
/// What follows is encrypted.
pub const NEWKEYS: u8 = 21;
/// Replies of the key exchanges: plain and elliptic, and with groups exchanged first.
pub const KEX_REPLY: u8 = 31;
/// The same where a group was exchanged first (RFC 4419 §5).
pub const KEX_GROUP_REPLY: u8 = 33;

/// An identification line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banner<'a> {
    /// Protocol version, such as 2.0.
    pub version: &'a [u8],
    /// Software and its version.
    pub software: &'a [u8],
    /// What follows the first space.
    pub comments: Option<&'a [u8]>,
}

/// Reads `SSH-VERSION-SOFTWARE [COMMENTS]`, without the line's end.
pub fn banner(line: &[u8]) -> Option<Banner<'_>> {
    let rest = line.strip_prefix(b"SSH-")?;
    let dash = memchr::memchr(b'-', rest)?;
    let (version, software) = (rest.get(..dash)?, rest.get(dash.wrapping_add(1)..)?);
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let dot = memchr::memchr(b'.', version)?;
    if !digits(version.get(..dot)?) || !digits(version.get(dot.wrapping_add(1)..)?) {
        return None;
    }
    let (software, comments) = match memchr::memchr(b' ', software) {
        Some(space) => (software.get(..space)?, software.get(space.wrapping_add(1)..)),
        None => (software, None),
    };
    Some(Banner { version, software, comments })
}

/// Whether `data` is, or may become, the start of an identification line.
pub fn may_be_banner(data: &[u8]) -> Option<bool> {
    let known = b"SSH-";
    let Some(rest) = data.strip_prefix(known) else {
        return known.starts_with(data).then_some(false);
    };
    // One or two digits, a dot, one or two digits, a dash.
    let mut wanted = [true, true, false, false];
    let mut state = 0usize;
    for &octet in rest.iter().take(6) {
        state = match (state, octet) {
            (0 | 2, b'0'..=b'9') => state.wrapping_add(1),
            (1 | 3, b'0'..=b'9') if std::mem::take(wanted.get_mut(state / 2)?) => state,
            (1, b'.') => 2,
            (3, b'-') => return Some(true),
            _ => return None,
        };
    }
    (rest.len() < 6).then_some(false)
}

/// What follows lines of text of at most `most` octets, if it begins as an identification does.
pub fn behind_preamble(data: &[u8], most: usize) -> Option<&[u8]> {
    let window = data.get(..most.wrapping_add(5)).unwrap_or(data);
    let at = window.windows(5).position(|w| w == b"\nSSH-")?;
    let (before, behind) = data.split_at_checked(at.wrapping_add(1))?;
    let text = |b: &u8| !b.is_ascii_control() || matches!(b, b'\r' | b'\n' | b'\t');
    // A body of the web may hold anything.
    (before.iter().all(text) && !before.starts_with(b"HTTP/")).then_some(behind)
}

/// A packet in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Message number and what follows it.
    pub payload: &'a [u8],
    /// Octets of the whole.
    pub length: usize,
}

/// What the front of a stream of packets holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// The start of one of that many octets (a guess until its length is there).
    Partial(usize),
    /// No packet.
    Malformed,
}

/// The first packet of `data`.
pub fn packet(data: &[u8]) -> Front<'_> {
    let mut c = Cursor::new(data);
    let Some(length) = c.u32() else {
        return Front::Partial(5);
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    // Padding of four octets at least, its length, and a message number.
    if !(6..=MAX_PACKET).contains(&length) {
        return Front::Malformed;
    }
    let Some(packet) = c.take(length) else {
        return Front::Partial(length.wrapping_add(4));
    };
    let Some((&padding, rest)) = packet.split_first() else {
        return Front::Malformed;
    };
    match rest.len().checked_sub(padding.into()).and_then(|end| rest.get(..end)) {
        Some(payload) if !payload.is_empty() => {
            Front::Packet(Packet { payload, length: length.wrapping_add(4) })
        }
        _ => Front::Malformed,
    }
}

/// The first line of `data` if it is text where a packet should be.
pub fn words(data: &[u8]) -> Option<&[u8]> {
    let end = data.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(data.len());
    let line = data.get(..end)?;
    (line.len() >= 4 && line.iter().all(|b| (b' '..=b'~').contains(b))).then_some(line)
}

/// A key exchange offer: lists of names between commas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer<'a> {
    /// Key exchange.
    pub kex: &'a [u8],
    /// Host keys.
    pub host_key: &'a [u8],
    /// Ciphers, client to server and back.
    pub ciphers: [&'a [u8]; 2],
    /// Authentication codes, client to server and back.
    pub macs: [&'a [u8]; 2],
    /// Compression, client to server and back.
    pub compressions: [&'a [u8]; 2],
    /// A guessed packet follows.
    pub guess_follows: bool,
}

/// Reads a key exchange offer behind its message number.
pub fn offer(body: &[u8]) -> Option<Offer<'_>> {
    let mut c = Cursor::new(body);
    c.skip(16)?;
    let mut list = || string(&mut c);
    let (kex, host_key) = (list()?, list()?);
    let ciphers = [list()?, list()?];
    let macs = [list()?, list()?];
    let compressions = [list()?, list()?];
    let _languages = [list()?, list()?];
    let guess_follows = c.u8()? != 0;
    Some(Offer { kex, host_key, ciphers, macs, compressions, guess_follows })
}

/// Octets behind a length of four.
pub fn string<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut ahead = *c;
    let length = usize::try_from(ahead.u32()?).ok()?;
    let octets = ahead.take(length)?;
    *c = ahead;
    Some(octets)
}

/// Names of a list.
pub fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&b| b == b',').filter(|name| !name.is_empty())
}

/// Most names of a list that are compared.
const MAX_NAMES: usize = 128;

/// The first of the client's names that the server has too (RFC 4253 §7.1).
pub fn agreed<'a>(client: &'a [u8], server: &[u8]) -> Option<&'a [u8]> {
    names(client).take(MAX_NAMES).find(|name| names(server).take(MAX_NAMES).any(|s| s == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identification_lines_are_taken_apart() {
        let made = banner(b"SSH-2.0-Example_9.2p1 Debian-2+deb12").unwrap();
        assert_eq!((made.version, made.software), (&b"2.0"[..], &b"Example_9.2p1"[..]));
        assert_eq!(made.comments, Some(&b"Debian-2+deb12"[..]));
        assert_eq!(banner(b"SSH-1.99-a-b").unwrap().software, b"a-b");
        for wrong in [&b"SSH-2.0"[..], b"SSH-2-x", b"SSH-a.0-x", b"SSH-.0-x", b"ssh-2.0-x", b""] {
            assert_eq!(banner(wrong), None);
        }
    }

    #[test]
    fn a_beginning_tells_whether_it_may_be_one() {
        for (data, said) in [
            (&b"S"[..], Some(false)),
            (b"SSH-", Some(false)),
            (b"SSH-2.0", Some(false)),
            (b"SSH-2.0-", Some(true)),
            (b"SSH-1.99-x", Some(true)),
            (b"SSH-2.0x", None),
            (b"SSH-2.", Some(false)),
            (b"SSH-123.", None),
            (b"SSH-2..0-", None),
            (b"SSX", None),
            (b"GET /", None),
        ] {
            assert_eq!(may_be_banner(data), said, "{}", String::from_utf8_lossy(data));
        }
    }

    #[test]
    fn packets_are_taken_off_the_front() {
        let data = b"\0\0\0\x0c\x0a\x15\0\0\0\0\0\0\0\0\0\0rest";
        assert_eq!(packet(data), Front::Packet(Packet { payload: b"\x15", length: 16 }));
        assert_eq!(packet(&data[..9]), Front::Partial(16));
        assert_eq!(packet(&data[..3]), Front::Partial(5));
        assert_eq!(packet(b"\0\0\0\x0c\x0b\x15\0\0\0\0\0\0\0\0\0\0"), Front::Malformed);
        assert_eq!(packet(b"\0\0\0\x05\x04\0\0\0\0\0"), Front::Malformed);
        assert_eq!(packet(b"\x7f\0\0\0\0"), Front::Malformed);
    }

    #[test]
    fn the_clients_order_decides() {
        assert_eq!(agreed(b"a,b,c", b"c,b"), Some(&b"b"[..]));
        assert_eq!(agreed(b"a", b"b"), None);
        assert_eq!(agreed(b"", b""), None);
        assert_eq!(offer(&[0; 20]), None);
    }
}

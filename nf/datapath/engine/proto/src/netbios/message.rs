//! Octets → names, datagrams and sessions: pure, no state, no panic.

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::Text;

use crate::Cursor;

/// Most records of a message that are read.
const MAX_RECORDS: u16 = 16;
/// Most names of a status, and addresses of a name, kept.
const MAX_LIST: usize = 64;

/// A name, and what it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) name: Text,
    pub(super) suffix: u8,
}

/// What the last octet of a name says it stands for.
pub(super) fn service(suffix: u8, group: bool) -> &'static str {
    match (suffix, group) {
        (0x00, false) => "workstation",
        (0x00, true) => "domain",
        (0x01, _) => "master_browser_group",
        (0x03, _) => "messenger",
        (0x06, _) => "ras_server",
        (0x1b, _) => "domain_master_browser",
        (0x1c, _) => "domain_controllers",
        (0x1d, _) => "master_browser",
        (0x1e, _) => "browser_elections",
        (0x1f, _) => "netdde",
        (0x20, _) => "file_server",
        (0x21, _) => "ras_client",
        _ => "other",
    }
}

/// 32 letters from A to P are 15 octets of a name and one that says what it is (RFC 1001 §14.1).
fn decoded(letters: &[u8]) -> Option<Name> {
    let mut octets = Vec::with_capacity(16);
    for pair in letters.chunks_exact(2) {
        let &[high, low] = pair.first_chunk::<2>()?;
        let high = high.checked_sub(b'A').filter(|&n| n < 16)?;
        let low = low.checked_sub(b'A').filter(|&n| n < 16)?;
        octets.push(high << 4 | low);
    }
    let (&suffix, name) = octets.split_last()?;
    let end = name.iter().rposition(|&o| o != b' ' && o != 0).map_or(0, |at| at.saturating_add(1));
    let name = name.get(..end).unwrap_or_default();
    Some(Name { name: Text::from(name), suffix })
}

/// A name and where it ends; labels behind it are a scope. A pointer leads back to one.
pub(super) fn name(message: &[u8], at: usize) -> Option<(Name, usize)> {
    let first = *message.get(at)?;
    if first & 0xc0 == 0xc0 {
        let low = *message.get(at.checked_add(1)?)?;
        let target = usize::from(u16::from_be_bytes([first & 0x3f, low]));
        // A pointer leads to a name in place, never to another pointer.
        if target >= at || message.get(target)? & 0xc0 != 0 {
            return None;
        }
        return Some((name(message, target)?.0, at.checked_add(2)?));
    }
    if first != 32 {
        return None;
    }
    let mut c = Cursor::new(message.get(at..)?);
    c.skip(1)?;
    let found = decoded(c.take(32)?)?;
    // The scope: labels as in the domain name system, of 255 octets at most.
    loop {
        match c.u8()? {
            0 => break,
            length @ 1..=63 if c.position() < 255 => c.skip(length.into())?,
            _ => return None,
        }
    }
    Some((found, at.checked_add(c.position())?))
}

/// A name in a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: Name,
    pub(super) group: bool,
}

/// A message of the name service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NameMessage {
    pub(super) id: u16,
    pub(super) response: bool,
    pub(super) opcode: u8,
    pub(super) broadcast: bool,
    pub(super) code: u8,
    pub(super) name: Name,
    pub(super) kind: u16,
    pub(super) lifetime: Option<u32>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) group: bool,
    pub(super) status: Vec<Listed>,
    pub(super) mac: Option<[u8; 6]>,
}

/// Reads a message of the name service (RFC 1002 §4.2).
pub(super) fn name_message(data: &[u8]) -> Option<NameMessage> {
    let mut c = Cursor::new(data);
    let (id, flags) = (c.u16()?, c.u16()?);
    let (questions, answers, authorities, additional) = (c.u16()?, c.u16()?, c.u16()?, c.u16()?);
    let opcode = u8::try_from(flags >> 11 & 0x0f).ok()?;
    let few = questions <= 1 && answers <= MAX_RECORDS && authorities <= 4 && additional <= 4;
    if !few || flags & 0x0060 != 0 || !matches!(opcode, 0 | 5..=9 | 15) {
        return None;
    }
    let mut message = NameMessage {
        id,
        response: flags & 0x8000 != 0,
        opcode,
        broadcast: flags & 0x0010 != 0,
        code: u8::try_from(flags & 0x0f).ok()?,
        ..NameMessage::default()
    };
    let mut at = 12;
    for _ in 0..questions {
        let (asked, end) = name(data, at)?;
        let mut rest = Cursor::new(data.get(end..)?);
        (message.kind, at) = (rest.u16()?, end.checked_add(4)?);
        if rest.u16()? != 1 || !matches!(message.kind, 0x20 | 0x21) {
            return None;
        }
        message.name = asked;
    }
    for number in 0..answers.saturating_add(authorities).saturating_add(additional) {
        let (owner, end) = name(data, at)?;
        let mut rest = Cursor::new(data.get(end..)?);
        let (kind, class, lifetime) = (rest.u16()?, rest.u16()?, rest.u32()?);
        let content = rest.prefixed_u16()?;
        if class != 1 || !matches!(kind, 0x01 | 0x02 | 0x0a | 0x20 | 0x21) {
            return None;
        }
        at = end.checked_add(rest.position())?;
        if questions == 0 && number == 0 {
            (message.name, message.kind) = (owner, kind);
        }
        message.lifetime = Some(lifetime);
        match kind {
            0x20 => addresses(content, &mut message),
            0x21 => status(content, &mut message)?,
            _ => {}
        }
    }
    (questions > 0 || answers > 0).then_some(message)
}

fn addresses(content: &[u8], message: &mut NameMessage) {
    for entry in content.chunks_exact(6) {
        if let Some(&[high, _, a, b, c, d]) = entry.first_chunk::<6>()
            && message.addresses.len() < MAX_LIST
        {
            message.group |= high & 0x80 != 0;
            message.addresses.push(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
        }
    }
}

fn status(content: &[u8], message: &mut NameMessage) -> Option<()> {
    let mut c = Cursor::new(content);
    let count = c.u8()?;
    for _ in 0..count {
        let octets = c.take(15)?;
        let (suffix, flags) = (c.u8()?, c.u16()?);
        let end =
            octets.iter().rposition(|&o| o != b' ' && o != 0).map_or(0, |at| at.saturating_add(1));
        let name = Text::from(octets.get(..end).unwrap_or_default());
        if message.status.len() < MAX_LIST {
            message.status.push(Listed { name: Name { name, suffix }, group: flags & 0x8000 != 0 });
        }
    }
    message.mac = c.array();
    Some(())
}

/// A datagram (RFC 1002 §4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Datagram<'a> {
    pub(super) kind: u8,
    pub(super) id: u16,
    pub(super) source: Option<Name>,
    pub(super) target: Option<Name>,
    pub(super) content: &'a [u8],
    /// Number of an error.
    pub(super) error: Option<u8>,
}

/// Reads a datagram.
pub(super) fn datagram(data: &[u8], cut: bool) -> Option<Datagram<'_>> {
    let mut c = Cursor::new(data);
    let (kind, flags, id) = (c.u8()?, c.u8()?, c.u16()?);
    // The address of who sent it.
    c.skip(4)?;
    let port = c.u16()?;
    if flags & 0xf0 != 0 || port == 0 {
        return None;
    }
    match kind {
        0x10..=0x12 => {
            let length = usize::from(c.u16()?);
            let offset = c.u16()?;
            let fits = length == c.remaining() || (cut && length > c.remaining());
            if !fits || offset != 0 {
                // Later pieces have no names, and nothing in them tells what they are.
                return None;
            }
            let (source, end) = name(data, c.position())?;
            let (target, end) = name(data, end)?;
            let content = data.get(end..)?;
            Some(Datagram {
                kind,
                id,
                source: Some(source),
                target: Some(target),
                content,
                error: None,
            })
        }
        0x13 => {
            let error = c.u8()?;
            (c.is_empty() && (0x82..=0x84).contains(&error)).then_some(Datagram {
                kind,
                id,
                error: Some(error),
                ..Datagram::default()
            })
        }
        0x14..=0x16 => {
            let (target, end) = name(data, c.position())?;
            (end == data.len()).then_some(Datagram {
                kind,
                id,
                target: Some(target),
                ..Datagram::default()
            })
        }
        _ => None,
    }
}

/// The mailslot a datagram is for and what is put there (MS-BRWS over MS-MAIL).
pub(super) fn mailslot(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut c = Cursor::new(content);
    if c.take(5)? != b"\xffSMB\x25" {
        return None;
    }
    c.skip(27)?;
    let words = usize::from(c.u8()?);
    let words = c.take(words.saturating_mul(2))?;
    c.skip(2)?;
    let rest = c.rest();
    let name = rest.get(..memchr::memchr(0, rest)?)?;
    let (length, offset) = (words.get(22..24)?, words.get(24..26)?);
    let number =
        |octets: &[u8]| octets.first_chunk::<2>().map(|n| usize::from(u16::from_le_bytes(*n)));
    let (length, offset) = (number(length)?, number(offset)?);
    let data = content.get(offset..)?;
    Some((name, data.get(..length).unwrap_or(data)))
}

/// Who announces itself to the browser service, and its remark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) command: &'static str,
    pub(super) server: Option<Text>,
    pub(super) version: Option<Text>,
    pub(super) roles: Option<u32>,
    pub(super) remark: Option<Text>,
}

/// Reads what is put into the browser's mailslot.
pub(super) fn browser(data: &[u8]) -> Option<Announced> {
    let mut c = Cursor::new(data);
    let command = c.u8()?;
    let word = match command {
        1 => "host_announcement",
        2 => "announcement_request",
        8 => "election",
        9 => "get_backup_list_request",
        10 => "get_backup_list_response",
        11 => "become_backup",
        12 => "domain_announcement",
        13 => "master_announcement",
        14 => "reset_state",
        15 => "local_master_announcement",
        _ => return None,
    };
    let mut announced = Announced { command: word, ..Announced::default() };
    let until_zero = |octets: &[u8]| {
        let end = memchr::memchr(0, octets).unwrap_or(octets.len());
        Text::bounded(octets.get(..end).unwrap_or(octets), 256)
    };
    if matches!(command, 1 | 12 | 15) {
        c.skip(5)?;
        announced.server = Some(until_zero(c.take(16)?));
        let (major, minor) = (c.u8()?, c.u8()?);
        announced.version = Some(Text::from(format!("{major}.{minor}")));
        announced.roles = Some(c.u32_le()?);
        c.skip(4)?;
        announced.remark = Some(until_zero(c.rest()));
    }
    Some(announced)
}

/// Called and calling name of a session request's content.
pub(super) fn session_request(content: &[u8]) -> Option<(Name, Name)> {
    let (called, end) = name(content, 0)?;
    let (calling, end) = name(content, end)?;
    (end == content.len()).then_some((called, calling))
}

/// A hardware address as text.
pub(super) fn mac(octets: [u8; 6]) -> Option<nf_fields::Mac> {
    (octets != [0; 6]).then_some(nf_fields::Mac(octets))
}

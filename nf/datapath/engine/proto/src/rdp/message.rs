//! Octets → units of the connection: pure, no state, no panic.

use nf_fields::Text;

use crate::Cursor;
use crate::windows::utf16;

/// Octets of a unit's header (RFC 1006).
pub(super) const HEADER: usize = 4;
/// Longest unit of the connection's beginning.
pub(super) const MAX_UNIT: usize = 8 * 1024;
/// Most channels read.
const MAX_CHANNELS: u32 = 31;
/// Longest text kept.
const MAX_TEXT: usize = 256;
/// Octets in which the users' data of a conference are looked for.
const WINDOW: usize = 512;

/// The name of the conference's standard, T.124, as an object identifier.
const CONFERENCE: &[u8] = b"\x00\x05\x00\x14\x7c\x00\x01";

/// What a client asks of X.224.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) cookie: Option<Text>,
    pub(super) token: Option<Text>,
    pub(super) protocols: Option<u32>,
}

impl Request {
    /// Whether anything in it is this protocol's own.
    pub(super) fn is_telling(&self) -> bool {
        self.cookie.is_some() || self.token.is_some() || self.protocols.is_some()
    }
}

/// A server's answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirm {
    /// Nothing is said of protocols: the standard one it is.
    Plain,
    /// This protocol it is.
    Selected(u32),
    /// None of them: why.
    Failure(u32),
}

/// Length of the unit at the front, header included.
pub(super) fn unit(data: &[u8]) -> Option<usize> {
    match *data {
        [3, 0, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            (length >= 7).then_some(length)
        }
        _ => None,
    }
}

/// The parameters behind an X.224 header of the wanted kind, whose length must fill the unit.
fn parameters(unit: &[u8], kind: u8) -> Option<&[u8]> {
    let mut c = Cursor::new(unit.get(HEADER..)?);
    let length = usize::from(c.u8()?);
    let code = c.u8()?;
    c.skip(5)?;
    (length.checked_add(1)? == unit.len().checked_sub(HEADER)? && code & 0xf0 == kind)
        .then_some(c.rest())
}

/// Reads a connection request; `None` when it is none, or one with parameters of another protocol.
pub(super) fn request(unit: &[u8]) -> Option<Request> {
    let mut rest = parameters(unit, 0xe0)?;
    let mut found = Request::default();
    if rest.starts_with(b"Cookie: ") {
        let end = memchr::memmem::find(rest, b"\r\n")?;
        let (line, after) = rest.split_at_checked(end)?;
        match (line.strip_prefix(b"Cookie: mstshash="), line.strip_prefix(b"Cookie: msts=")) {
            (Some(user), _) => found.cookie = Some(Text::bounded(user, MAX_TEXT)),
            (_, Some(token)) => found.token = Some(Text::bounded(token, MAX_TEXT)),
            _ => return None,
        }
        rest = after.get(2..)?;
    }
    let mut c = Cursor::new(rest);
    match (c.u8(), c.u8(), c.u16_le(), c.u32_le()) {
        (Some(1), Some(flags), Some(8), Some(protocols)) => {
            if flags & !0x0b != 0 || protocols & !0x1f != 0 {
                return None;
            }
            // What ties several connections to one may follow.
            let more = c.rest();
            if !(more.is_empty() || (flags & 8 != 0 && more.starts_with(&[6, 0, 36, 0]))) {
                return None;
            }
            found.protocols = Some(protocols);
        }
        (None, ..) => {}
        _ => return None,
    }
    Some(found)
}

/// Reads a connection confirm.
pub(super) fn confirm(unit: &[u8]) -> Option<Confirm> {
    let mut c = Cursor::new(parameters(unit, 0xd0)?);
    let Some(kind) = c.u8() else {
        return Some(Confirm::Plain);
    };
    c.skip(1)?;
    let length = c.u16_le()?;
    let value = c.u32_le()?;
    match (kind, length) {
        (2, 8) => Some(Confirm::Selected(value)),
        (3, 8) => Some(Confirm::Failure(value)),
        _ => None,
    }
}

/// Names of the protocols in a mask.
pub(super) fn protocols(mask: u32) -> Vec<&'static str> {
    let names = [(1, "tls"), (2, "credssp"), (4, "rdstls"), (8, "credssp_ex"), (16, "aad")];
    let named = names.into_iter().filter(|(bit, _)| mask & bit != 0).map(|(_, name)| name);
    if mask == 0 { vec!["rdp"] } else { named.collect() }
}

/// The name of the protocol a server selected.
pub(super) fn protocol(number: u32) -> &'static str {
    match number {
        0 => "rdp",
        1 => "tls",
        2 => "credssp",
        4 => "rdstls",
        8 => "credssp_ex",
        16 => "aad",
        _ => "other",
    }
}

/// Why a server selects none.
pub(super) fn failure(number: u32) -> &'static str {
    match number {
        1 => "ssl_required_by_server",
        2 => "ssl_not_allowed_by_server",
        3 => "ssl_cert_not_on_server",
        4 => "inconsistent_flags",
        5 => "hybrid_required_by_server",
        6 => "ssl_with_user_auth_required_by_server",
        _ => "other",
    }
}

/// What a client says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) version: u32,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) color_depth: u16,
    pub(super) keyboard_layout: u32,
    pub(super) build: u32,
    pub(super) name: Text,
    pub(super) keyboard_type: u32,
    pub(super) product_id: Option<Text>,
    pub(super) encryption_methods: Option<u32>,
    pub(super) channels: Vec<Text>,
}

/// The data a user of the conference sends behind `key`, when the unit begins one with `tag`.
fn conference<'a>(unit: &'a [u8], tag: u8, key: &[u8]) -> Option<&'a [u8]> {
    let body = unit.get(HEADER..)?.strip_prefix(b"\x02\xf0\x80\x7f")?;
    if body.first() != Some(&tag) {
        return None;
    }
    let window = body.get(..WINDOW).unwrap_or(body);
    let at = memchr::memmem::find(window, CONFERENCE)?;
    let rest = window.get(at..)?;
    let at = at.checked_add(memchr::memmem::find(rest, key)?)?.checked_add(key.len())?;
    let mut c = Cursor::new(body.get(at..)?);
    // A length of one octet, or of two whose first bit says so.
    if c.u8()? & 0x80 != 0 {
        c.skip(1)?;
    }
    Some(c.rest())
}

/// Blocks of the users' data: kind and content.
fn blocks(data: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut c = Cursor::new(data);
    std::iter::from_fn(move || {
        let (kind, length) = (c.u16_le()?, c.u16_le()?);
        Some((kind, c.take(usize::from(length).checked_sub(4)?)?))
    })
}

/// Whether the unit begins a conference of a client.
pub(super) fn is_connect(unit: &[u8]) -> bool {
    conference(unit, 0x65, b"Duca").is_some()
}

/// Reads what a client says of itself.
pub(super) fn client(unit: &[u8]) -> Option<Client> {
    let data = conference(unit, 0x65, b"Duca")?;
    let mut client = Client::default();
    let mut core = false;
    for (kind, content) in blocks(data).take(16) {
        let mut c = Cursor::new(content);
        match kind {
            0xc001 => {
                read_core(&mut c, &mut client)?;
                core = true;
            }
            0xc002 => client.encryption_methods = c.u32_le(),
            0xc003 => {
                for _ in 0..c.u32_le()?.min(MAX_CHANNELS) {
                    let name: [u8; 8] = c.array()?;
                    c.skip(4)?;
                    let end = memchr::memchr(0, &name).unwrap_or(8);
                    client.channels.push(Text::bounded(&name, end));
                }
            }
            _ => {}
        }
    }
    core.then_some(client)
}

fn read_core(c: &mut Cursor<'_>, client: &mut Client) -> Option<()> {
    client.version = c.u32_le()?;
    (client.width, client.height) = (c.u16_le()?, c.u16_le()?);
    client.color_depth = match c.u16_le()? {
        0xca00 => 4,
        0xca01 => 8,
        0xca02 => 15,
        0xca03 => 16,
        0xca04 => 24,
        other => other,
    };
    c.skip(2)?;
    client.keyboard_layout = c.u32_le()?;
    client.build = c.u32_le()?;
    client.name = utf16(c.take(32)?, MAX_TEXT);
    client.keyboard_type = c.u32_le()?;
    // Function keys, and the file of an input method.
    c.skip(72)?;
    // Old clients end here.
    let mut more = || {
        // Depth and product as version 5 puts it.
        c.skip(8)?;
        let depth = c.u16_le()?;
        c.skip(4)?;
        Some((depth, utf16(c.take(64)?, MAX_TEXT)))
    };
    if let Some((depth, product)) = more() {
        if matches!(depth, 4 | 8 | 15 | 16 | 24) {
            client.color_depth = depth;
        }
        client.product_id = Some(product).filter(|p| !p.is_empty());
    }
    Some(())
}

/// Encryption method and level a server takes.
pub(super) fn server(unit: &[u8]) -> Option<(u32, u32)> {
    let data = conference(unit, 0x66, b"McDn")?;
    let (_, content) = blocks(data).take(16).find(|(kind, _)| *kind == 0x0c02)?;
    let mut c = Cursor::new(content);
    Some((c.u32_le()?, c.u32_le()?))
}

/// The version a client names.
pub(super) fn version(number: u32) -> Option<&'static str> {
    Some(match number {
        0x0008_0001 => "v4",
        0x0008_0004 => "v5",
        0x0008_0005 => "v10.0",
        0x0008_0006 => "v10.1",
        0x0008_0007 => "v10.2",
        0x0008_0008 => "v10.3",
        0x0008_0009 => "v10.4",
        0x0008_000a => "v10.5",
        0x0008_000b => "v10.6",
        0x0008_000c => "v10.7",
        0x0008_000d => "v10.8",
        0x0008_000e => "v10.9",
        0x0008_000f => "v10.10",
        _ => return None,
    })
}

//! Octets → packets, greetings, logins, commands and answers of MySQL's client/server protocol.

use crate::Cursor;

/// Octets of a packet's header.
pub(super) const HEADER: usize = 4;
/// A packet of this length goes on in the next one.
pub(super) const FULL: usize = 0xff_ffff;

/// Capabilities.
pub(super) mod capability {
    pub(crate) const MYSQL: u32 = 1;
    pub(crate) const WITH_DATABASE: u32 = 8;
    pub(crate) const COMPRESS: u32 = 0x20;
    pub(crate) const PROTOCOL_41: u32 = 0x200;
    pub(crate) const TLS: u32 = 0x800;
    pub(crate) const SECURE: u32 = 0x8000;
    pub(crate) const PLUGIN: u32 = 0x8_0000;
    pub(crate) const ATTRIBUTES: u32 = 0x10_0000;
    pub(crate) const LENGTH_ENCODED: u32 = 0x20_0000;
    pub(crate) const ZSTD: u32 = 0x400_0000;
    pub(crate) const QUERY_ATTRIBUTES: u32 = 0x800_0000;
}

/// Commands.
pub(super) mod command {
    pub(crate) const QUIT: u8 = 1;
    pub(crate) const INIT_DB: u8 = 2;
    pub(crate) const QUERY: u8 = 3;
    pub(crate) const FIELD_LIST: u8 = 4;
    pub(crate) const STATISTICS: u8 = 9;
    pub(crate) const CHANGE_USER: u8 = 17;
    pub(crate) const BINLOG_DUMP: u8 = 18;
    pub(crate) const PREPARE: u8 = 22;
    pub(crate) const EXECUTE: u8 = 23;
    pub(crate) const LONG_DATA: u8 = 24;
    pub(crate) const CLOSE: u8 = 25;
    pub(crate) const RESET: u8 = 26;
    pub(crate) const FETCH: u8 = 28;
    pub(crate) const BINLOG_DUMP_GTID: u8 = 30;
    pub(crate) const BULK_EXECUTE: u8 = 0xfa;
}

/// The word for a command.
pub(super) fn word(code: u8) -> Option<&'static str> {
    Some(match code {
        command::QUIT => "quit",
        command::INIT_DB => "init_db",
        command::QUERY => "query",
        command::FIELD_LIST => "field_list",
        5 => "create_db",
        6 => "drop_db",
        7 => "refresh",
        8 => "shutdown",
        command::STATISTICS => "statistics",
        10 => "process_info",
        12 => "process_kill",
        13 => "debug",
        14 => "ping",
        command::CHANGE_USER => "change_user",
        command::BINLOG_DUMP => "binlog_dump",
        19 => "table_dump",
        21 => "register_replica",
        command::PREPARE => "prepare",
        command::EXECUTE => "execute",
        command::LONG_DATA => "send_long_data",
        command::CLOSE => "close",
        command::RESET => "reset",
        27 => "set_option",
        command::FETCH => "fetch",
        command::BINLOG_DUMP_GTID => "binlog_dump_gtid",
        31 => "reset_connection",
        32 => "clone",
        command::BULK_EXECUTE => "bulk_execute",
        _ => return None,
    })
}

/// A packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) sequence: u8,
}

/// The header at the front of `data`.
pub(super) fn header(data: &[u8]) -> Option<Header> {
    let &[a, b, c, sequence] = data.first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?;
    Some(Header { length, sequence })
}

/// Two octets, the low one first.
pub(super) fn u16(c: &mut Cursor<'_>) -> Option<u16> {
    c.array().map(u16::from_le_bytes)
}

/// Four octets, the low one first.
pub(super) fn u32(c: &mut Cursor<'_>) -> Option<u32> {
    c.array().map(u32::from_le_bytes)
}

/// A number of a length that its first octet says.
pub(super) fn number(c: &mut Cursor<'_>) -> Option<u64> {
    match c.u8()? {
        small @ 0..=0xfa => Some(small.into()),
        0xfc => u16(c).map(u64::from),
        0xfd => c.array().map(|[a, b, d]: [u8; 3]| u32::from_le_bytes([a, b, d, 0]).into()),
        0xfe => c.array().map(u64::from_le_bytes),
        _ => None,
    }
}

/// Octets up to NUL.
pub(super) fn string<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let end = memchr::memchr(0, c.rest())?;
    let text = c.take(end)?;
    c.skip(1)?;
    Some(text)
}

/// Octets up to NUL or the end.
pub(super) fn last_string<'a>(c: &mut Cursor<'a>) -> &'a [u8] {
    string(c).unwrap_or_else(|| c.take(c.remaining()).unwrap_or_default())
}

/// Octets behind their length.
pub(super) fn counted<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(number(c)?).ok()?;
    c.take(length)
}

/// A server's first packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Greeting<'a> {
    pub(super) protocol: u8,
    pub(super) version: &'a [u8],
    pub(super) connection: u32,
    pub(super) capabilities: u32,
    pub(super) plugin: Option<&'a [u8]>,
    /// The octets that are reserved are zero, as far as they are there.
    pub(super) sound: bool,
}

/// Reads a server's first packet.
pub(super) fn greeting(body: &[u8]) -> Option<Greeting<'_>> {
    let mut c = Cursor::new(body);
    let protocol = c.u8().filter(|protocol| matches!(protocol, 9 | 10))?;
    let version = string(&mut c)?;
    let connection = u32(&mut c)?;
    let mut found = Greeting { protocol, version, connection, ..Greeting::default() };
    if protocol == 9 {
        string(&mut c)?;
        return Some(found);
    }
    c.skip(8)?;
    found.sound = c.u8()? == 0;
    found.capabilities = u16(&mut c)?.into();
    // Very old servers end here.
    if c.is_empty() {
        return Some(found);
    }
    c.skip(3)?;
    found.capabilities |= u32::from(u16(&mut c)?) << 16;
    let challenge = c.u8()?;
    let reserved: [u8; 10] = c.array()?;
    found.sound &= reserved.iter().take(6).all(|&octet| octet == 0);
    // The second part of the challenge; its end is a NUL that counts.
    c.skip(usize::from(challenge).saturating_sub(8).max(13).min(c.remaining()))?;
    if found.capabilities & capability::PLUGIN != 0 {
        found.plugin = Some(last_string(&mut c));
    }
    Some(found)
}

/// What a client answers to the greeting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Login<'a> {
    pub(super) capabilities: u32,
    /// It asks for TLS, and says no more.
    pub(super) asks_tls: bool,
    pub(super) user: &'a [u8],
    pub(super) database: Option<&'a [u8]>,
    pub(super) plugin: Option<&'a [u8]>,
    /// What the client says of itself: names with their values.
    pub(super) attributes: Vec<(&'a [u8], &'a [u8])>,
}

/// Most attributes of a client that are looked at.
const MAX_ATTRIBUTES: usize = 32;

/// Reads a client's answer to the greeting; of the proof only the length is looked at.
pub(super) fn login(body: &[u8]) -> Option<Login<'_>> {
    let mut c = Cursor::new(body);
    let low = u16(&mut c)?;
    let mut found = Login { capabilities: low.into(), ..Login::default() };
    if found.capabilities & capability::PROTOCOL_41 == 0 {
        // Before 4.1: three octets of a length, then the user.
        c.skip(3)?;
        found.asks_tls = found.capabilities & capability::TLS != 0 && c.is_empty();
        if !found.asks_tls {
            found.user = last_string(&mut c);
            let proof = last_string(&mut c);
            let named = found.capabilities & capability::WITH_DATABASE != 0 && !proof.is_empty();
            found.database = named.then(|| last_string(&mut c));
        }
        return Some(found);
    }
    found.capabilities |= u32::from(u16(&mut c)?) << 16;
    c.skip(5)?;
    c.skip(23)?;
    if c.is_empty() {
        found.asks_tls = found.capabilities & capability::TLS != 0;
        return found.asks_tls.then_some(found);
    }
    let has = |bit: u32| found.capabilities & bit != 0;
    found.user = string(&mut c)?;
    if has(capability::LENGTH_ENCODED) {
        counted(&mut c)?;
    } else if has(capability::SECURE) {
        c.prefixed_u8()?;
    } else {
        last_string(&mut c);
    }
    let (database, plugin) = (has(capability::WITH_DATABASE), has(capability::PLUGIN));
    let attributes = has(capability::ATTRIBUTES);
    // Clients leave out what would be empty at the end.
    if database && !c.is_empty() {
        found.database = Some(last_string(&mut c)).filter(|name| !name.is_empty());
    }
    if plugin && !c.is_empty() {
        found.plugin = Some(last_string(&mut c));
    }
    if attributes && !c.is_empty() {
        let mut pairs = Cursor::new(counted(&mut c).unwrap_or_default());
        while found.attributes.len() < MAX_ATTRIBUTES
            && let (Some(name), Some(value)) = (counted(&mut pairs), counted(&mut pairs))
        {
            found.attributes.push((name, value));
        }
    }
    Some(found)
}

/// What ends an answer well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) affected: Option<u64>,
    pub(super) insert_id: Option<u64>,
    pub(super) status: u16,
    pub(super) warnings: u16,
}

/// Reads an OK packet.
pub(super) fn ok(body: &[u8]) -> Option<Done> {
    let mut c = Cursor::new(body);
    c.skip(1)?;
    let (affected, insert_id) = (Some(number(&mut c)?), Some(number(&mut c)?));
    let (status, warnings) = (u16(&mut c).unwrap_or(0), u16(&mut c).unwrap_or(0));
    Some(Done { affected, insert_id, status, warnings })
}

/// Reads what stands behind the last row, or behind the columns: EOF, or OK in its place.
pub(super) fn end(body: &[u8]) -> Option<Done> {
    if body.len() >= 7 {
        return ok(body).map(|done| Done { affected: None, insert_id: None, ..done });
    }
    let mut c = Cursor::new(body);
    c.skip(1)?;
    let (warnings, status) = (u16(&mut c).unwrap_or(0), u16(&mut c).unwrap_or(0));
    Some(Done { status, warnings, ..Done::default() })
}

/// Whether a packet is the EOF that stands behind columns.
pub(super) fn is_plain_end(body: &[u8]) -> bool {
    matches!(body, [0xfe] | [0xfe, _, _, _, _])
}

/// Number, state and words.
type Complaint<'a> = (u16, Option<&'a [u8]>, &'a [u8]);

/// An error.
pub(super) fn error(body: &[u8]) -> Option<Complaint<'_>> {
    let mut c = Cursor::new(body);
    c.skip(1)?;
    let code = u16(&mut c)?;
    let rest = c.rest();
    match rest.strip_prefix(b"#").and_then(|rest| rest.split_at_checked(5)) {
        Some((state, words)) => Some((code, Some(state), words)),
        None => Some((code, None, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_lengths() {
        let read = |octets: &[u8]| number(&mut Cursor::new(octets));
        assert_eq!(read(&[0xfa]), Some(250));
        assert_eq!(read(&[0xfc, 1, 2]), Some(0x201));
        assert_eq!(read(&[0xfd, 1, 2, 3]), Some(0x3_0201));
        assert_eq!(read(&[0xfe, 1, 0, 0, 0, 0, 0, 0, 0]), Some(1));
        assert_eq!((read(&[0xfb]), read(&[0xfc, 1])), (None, None));
    }

    #[test]
    fn errors_have_a_state_or_none() {
        assert_eq!(error(b"\xff\x15\x04#28000no"), Some((1045, Some(&b"28000"[..]), &b"no"[..])));
        assert_eq!(error(b"\xff\x10\x04Too many"), Some((1040, None, &b"Too many"[..])));
        assert_eq!(error(b"\xff\x10"), None);
    }

    #[test]
    fn an_answer_ends_in_two_ways() {
        assert_eq!(end(b"\xfe\x01\0\x0a\0").map(|d| (d.warnings, d.status)), Some((1, 10)));
        assert_eq!(end(b"\xfe\0\0\x0a\0\x01\0").map(|d| (d.warnings, d.status)), Some((1, 10)));
        assert!(is_plain_end(b"\xfe\0\0\x02\0") && !is_plain_end(b"\xfe\0\0\x02\0\0\0"));
    }
}

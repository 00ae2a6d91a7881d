//! Octets → packets, preludes, logins and tokens of TDS (MS-TDS §2.2).

use crate::Cursor;

/// Octets of a packet's header.
pub(super) const HEADER: usize = 8;

/// Types of packets.
pub(super) mod kind {
    pub(crate) const BATCH: u8 = 1;
    pub(crate) const RPC: u8 = 3;
    pub(crate) const ANSWER: u8 = 4;
    pub(crate) const ATTENTION: u8 = 6;
    pub(crate) const BULK: u8 = 7;
    pub(crate) const TRANSACTION: u8 = 14;
    pub(crate) const LOGIN: u8 = 16;
    pub(crate) const SSPI: u8 = 17;
    pub(crate) const PRELOGIN: u8 = 18;
}

/// The word for a type.
pub(super) fn word(kind: u8) -> Option<&'static str> {
    Some(match kind {
        kind::BATCH => "sql_batch",
        2 => "login_old",
        kind::RPC => "rpc",
        kind::ANSWER => "response",
        kind::ATTENTION => "attention",
        kind::BULK => "bulk_load",
        8 => "federated_token",
        kind::TRANSACTION => "transaction",
        kind::LOGIN => "login",
        kind::SSPI => "sspi",
        kind::PRELOGIN => "prelogin",
        _ => return None,
    })
}

/// A packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    /// It is the last of its message.
    pub(super) last: bool,
    /// Octets of the whole packet.
    pub(super) length: usize,
    pub(super) number: u8,
}

/// The header at the front of `data`; `Err` when it is none.
pub(super) fn header(data: &[u8]) -> Result<Option<Header>, ()> {
    let mut c = Cursor::new(data);
    let Some(kind) = c.u8() else {
        return Ok(None);
    };
    if word(kind).is_none() {
        return Err(());
    }
    let (Some(status), Some(length)) = (c.u8(), c.u16()) else {
        return Ok(None);
    };
    let length = usize::from(length);
    if status & 0xe0 != 0 || !(HEADER..=32_768).contains(&length) {
        return Err(());
    }
    let (Some(_process), Some(number), Some(window)) = (c.u16(), c.u8(), c.u8()) else {
        return Ok(None);
    };
    if window != 0 {
        return Err(());
    }
    Ok(Some(Header { kind, last: status & 1 != 0, length, number }))
}

fn u16(c: &mut Cursor<'_>) -> Option<u16> {
    c.array().map(u16::from_le_bytes)
}

fn u32(c: &mut Cursor<'_>) -> Option<u32> {
    c.array().map(u32::from_le_bytes)
}

/// What a prelude says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prelude {
    pub(super) version: Option<(u8, u8, u16)>,
    pub(super) encryption: Option<u8>,
    /// Several result sets at a time.
    pub(super) mars: Option<bool>,
}

/// Reads the options of a prelude (§2.2.6.5).
pub(super) fn prelude(body: &[u8]) -> Option<Prelude> {
    let mut c = Cursor::new(body);
    let mut found = Prelude::default();
    for _ in 0..16 {
        let token = c.u8()?;
        if token == 0xff {
            return Some(found);
        }
        let (offset, length) = (usize::from(c.u16()?), usize::from(c.u16()?));
        let value = body.get(offset..offset.saturating_add(length))?;
        match (token, value) {
            (0, [major, minor, build @ ..]) => {
                let build = build.first_chunk().map_or(0, |b| u16::from_be_bytes(*b));
                found.version = Some((*major, *minor, build));
            }
            (1, [first, ..]) => found.encryption = Some(*first),
            (4, [first, ..]) => found.mars = Some(*first != 0),
            (0..=7, _) => {}
            _ => return None,
        }
    }
    None
}

/// What an answer to a prelude says of encryption.
pub(super) fn encryption(number: u8) -> &'static str {
    match number & 0x7f {
        0 => "login",
        1 => "all",
        2 => "unsupported",
        3 => "required",
        _ => "unknown",
    }
}

/// Text of two octets a letter, the low one first, as UTF-8.
pub(super) fn wide(octets: &[u8], most: usize) -> Vec<u8> {
    let units = octets.chunks_exact(2).filter_map(|pair| pair.first_chunk());
    let letters = char::decode_utf16(units.map(|pair| u16::from_le_bytes(*pair)));
    let text: String =
        letters.take(most).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.into_bytes()
}

/// A login of version 7 (§2.2.6.4): texts of two octets a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Login<'a> {
    pub(super) version: u32,
    pub(super) host: &'a [u8],
    pub(super) user: &'a [u8],
    /// There is one; its octets are not looked at.
    pub(super) password: bool,
    pub(super) application: &'a [u8],
    pub(super) server: &'a [u8],
    pub(super) library: &'a [u8],
    pub(super) database: &'a [u8],
    /// The user is known to the system already.
    pub(super) integrated: bool,
}

/// Reads a login.
pub(super) fn login(body: &[u8]) -> Option<Login<'_>> {
    let mut c = Cursor::new(body);
    let length = usize::try_from(u32(&mut c)?).ok()?;
    let mut found = Login { version: u32(&mut c)?, ..Login::default() };
    let known = matches!(found.version >> 24, 0x70..=0x74 | 0x08);
    if !known || length < 86 {
        return None;
    }
    c.skip(16)?;
    let _first = c.u8()?;
    found.integrated = c.u8()? & 0x80 != 0;
    c.skip(10)?;
    let mut place = || -> Option<(usize, usize)> {
        let (offset, letters) = (u16(&mut c)?, u16(&mut c)?);
        Some((offset.into(), usize::from(letters).saturating_mul(2)))
    };
    let at = |place: (usize, usize)| body.get(place.0..place.0.saturating_add(place.1));
    found.host = at(place()?)?;
    found.user = at(place()?)?;
    found.password = place()?.1 > 0;
    found.application = at(place()?)?;
    found.server = at(place()?)?;
    place()?;
    found.library = at(place()?)?;
    place()?;
    found.database = at(place()?)?;
    Some(found)
}

/// The text of a batch, behind the headers that versions from 7.2 on have (§2.2.5.3).
pub(super) fn batch(body: &[u8]) -> &[u8] {
    behind_headers(body).unwrap_or(body)
}

fn behind_headers(body: &[u8]) -> Option<&[u8]> {
    let mut c = Cursor::new(body);
    let total = usize::try_from(u32(&mut c)?).ok()?;
    let first = usize::try_from(u32(&mut c)?).ok()?;
    let kind = u16(&mut c)?;
    let sound = (4..=4096).contains(&total)
        && first >= 6
        && first <= total.saturating_sub(4)
        && (1..=3).contains(&kind);
    if sound { body.get(total..) } else { None }
}

/// What is called remotely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called<'a> {
    /// By name: two octets a letter.
    Name(&'a [u8]),
    /// One of those that have numbers.
    Known(&'static str),
}

/// Procedures that have numbers (§2.2.6.6).
const PROCEDURES: [&str; 16] = [
    "unknown",
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];

/// What a remote call calls, and the first text among what follows.
pub(super) fn call(body: &[u8]) -> Option<(Called<'_>, Option<&[u8]>)> {
    let mut c = Cursor::new(behind_headers(body).unwrap_or(body));
    match u16(&mut c)? {
        0xffff => {
            let number = usize::from(u16(&mut c)?);
            let name = PROCEDURES.get(number).copied().unwrap_or("unknown");
            c.skip(2)?;
            Some((Called::Known(name), first_text(&mut c)))
        }
        letters => c.take(usize::from(letters).saturating_mul(2)).map(|n| (Called::Name(n), None)),
    }
}

/// The value of a parameter that is text: NVARCHAR of up to 8,000 octets.
fn first_text<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let letters = usize::from(c.u8()?);
    c.skip(letters.saturating_mul(2))?;
    c.skip(1)?;
    // Type, longest value, collation.
    if c.u8()? != 0xe7 {
        return None;
    }
    let most = u16(c)?;
    c.skip(5)?;
    if most == 0xffff {
        // In pieces: of them the first.
        c.skip(8)?;
        let length = usize::try_from(u32(c)?).ok()?;
        return c.take(length.min(c.remaining()));
    }
    let length = usize::from(u16(c)?);
    c.take(length.min(c.remaining()))
}

/// What is of use among the tokens of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    /// Number, state, severity, and words of two octets a letter.
    pub(super) error: Option<(u32, u8, u8, &'a [u8])>,
    /// The server lets the user in: its name, of two octets a letter, and version.
    pub(super) accepted: Option<(&'a [u8], [u8; 4])>,
    /// Database that is used now.
    pub(super) database: Option<&'a [u8]>,
}

/// Walks the tokens at the front of an answer, up to the first whose length is not plain (§2.2.7).
pub(super) fn answer(body: &[u8]) -> Answer<'_> {
    let mut c = Cursor::new(body);
    let mut found = Answer::default();
    for _ in 0..64 {
        if token(&mut c, &mut found).is_none() {
            break;
        }
    }
    found
}

fn wide_counted<'a>(c: &mut Cursor<'a>, letters: usize) -> Option<&'a [u8]> {
    c.take(letters.saturating_mul(2))
}

fn token<'a>(c: &mut Cursor<'a>, found: &mut Answer<'a>) -> Option<()> {
    let kind = c.u8()?;
    match kind {
        // Error, information, environment, accepted login, order, names and more.
        0xaa | 0xab | 0xe3 | 0xad | 0xa9 | 0xa4 | 0xa5 | 0xed => {
            let length = usize::from(u16(c)?);
            let mut inside = Cursor::new(c.take(length)?);
            let _ = match kind {
                0xaa => error(&mut inside, found),
                0xe3 => environment(&mut inside, found),
                0xad => accepted(&mut inside, found),
                _ => None,
            };
        }
        0x79 => c.skip(4)?,
        // What is done, and how many rows.
        0xfd..=0xff => {
            c.skip(12)?;
        }
        _ => return None,
    }
    Some(())
}

fn error<'a>(c: &mut Cursor<'a>, found: &mut Answer<'a>) -> Option<()> {
    let (number, state, severity) = (u32(c)?, c.u8()?, c.u8()?);
    let letters = usize::from(u16(c)?);
    let words = wide_counted(c, letters)?;
    found.error.get_or_insert((number, state, severity, words));
    Some(())
}

fn environment<'a>(c: &mut Cursor<'a>, found: &mut Answer<'a>) -> Option<()> {
    if c.u8()? == 1 {
        let letters = usize::from(c.u8()?);
        found.database = Some(wide_counted(c, letters)?);
    }
    Some(())
}

fn accepted<'a>(c: &mut Cursor<'a>, found: &mut Answer<'a>) -> Option<()> {
    c.skip(5)?;
    let letters = usize::from(c.u8()?);
    let name = wide_counted(c, letters)?;
    found.accepted = Some((name, c.array()?));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_strict() {
        let read = header(b"\x12\x01\0\x2f\0\0\x01\0").unwrap().unwrap();
        assert_eq!((read.kind, read.last, read.length, read.number), (kind::PRELOGIN, true, 47, 1));
        for wrong in [
            &b"\x05\x01\0\x2f\0\0\x01\0"[..],
            b"\x12\x01\0\x07\0\0\x01\0",
            b"\x12\x01\0\x2f\0\0\x01\x01",
        ] {
            assert_eq!(header(wrong), Err(()));
        }
        assert_eq!(header(b"\x12\x01\0"), Ok(None));
    }

    #[test]
    fn a_prelude_has_options_by_place() {
        let body = b"\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x10\0\x03\xe8\0\0\x01";
        let read = prelude(body).unwrap();
        assert_eq!((read.version, read.encryption), (Some((16, 0, 1000)), Some(1)));
        assert_eq!((prelude(&body[..12]), prelude(b"\x09\0\x06\0\0\xff")), (None, None));
    }

    #[test]
    fn batches_may_have_headers() {
        let headed = b"\x16\0\0\0\x12\0\0\0\x02\0\0\0\0\0\0\0\0\0\x01\0\0\0s\0";
        assert_eq!((batch(headed), batch(b"s\0e\0")), (&b"s\0"[..], &b"s\0e\0"[..]));
        assert_eq!(wide(b"s\0\xe9\0", 9), "sé".as_bytes());
    }
}

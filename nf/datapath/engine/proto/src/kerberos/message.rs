//! Octets → messages: pure, no state, no panic.

use nf_fields::{Text, Timestamp};

use super::der::{Der, header};
use super::words;
use crate::Cursor;

/// Longest name or realm kept.
const MAX_NAME: usize = 256;
/// Most parts of a name read.
const MAX_PARTS: usize = 8;
/// Most encryption types, and kinds of pre-authentication, kept.
const MAX_LIST: usize = 32;
/// Octets of a token in which a ticket is looked for.
const WINDOW: usize = 256;

pub(super) const AS_REQ: u8 = 10;
pub(super) const AS_REP: u8 = 11;
pub(super) const TGS_REQ: u8 = 12;
pub(super) const TGS_REP: u8 = 13;
pub(super) const AP_REQ: u8 = 14;
pub(super) const AP_REP: u8 = 15;
pub(super) const ERROR: u8 = 30;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) client: Option<Text>,
    pub(super) realm: Option<Text>,
    pub(super) client_realm: Option<Text>,
    pub(super) service: Option<Text>,
    pub(super) options: u32,
    pub(super) from: Option<Timestamp>,
    pub(super) till: Option<Timestamp>,
    pub(super) renew_till: Option<Timestamp>,
    pub(super) ciphers: Vec<i64>,
    pub(super) preauth: Vec<i64>,
    /// Encryption of the part for the client.
    pub(super) cipher: Option<i64>,
    pub(super) ticket_cipher: Option<i64>,
    pub(super) error: Option<i64>,
    pub(super) error_text: Option<Text>,
}

/// The tag at the front of a message is that of its kind: an application's, constructed.
fn kind_of(tag: u8) -> Option<u8> {
    let kind = tag & 0x1f;
    (tag & 0xe0 == 0x60 && words::kind(kind).is_some()).then_some(kind)
}

/// Kind and length, header included, of the message that begins here.
pub(super) fn announced(data: &[u8]) -> Option<(u8, usize)> {
    let mut c = Cursor::new(data);
    let (tag, length) = header(&mut c)?;
    Some((kind_of(tag)?, length.saturating_add(c.position())))
}

/// Whether the octets begin a message: tag, sequence, version 5 and the kind once more.
pub(super) fn is_message(data: &[u8]) -> bool {
    let read = || {
        let (kind, _) = announced(data)?;
        let mut top = Der::new(data, true);
        let mut fields = enter(&mut top)?;
        let mut version = (fields.next()?, fields.next()?);
        if kind == AS_REQ || kind == TGS_REQ {
            version = (shifted(version.0)?, shifted(version.1)?);
        }
        let ((0xa0, version), (0xa1, number)) = version else {
            return None;
        };
        let version = Der::new(version, false).integer()?;
        let number = Der::new(number, false).integer()?;
        Some(version == 5 && number == i64::from(kind))
    };
    read().unwrap_or(false)
}

/// Requests count their fields from 1.
fn shifted((tag, content): (u8, &[u8])) -> Option<(u8, &[u8])> {
    Some((tag.checked_sub(1)?, content))
}

/// Goes into an application's element and the sequence in it.
fn enter<'a>(der: &mut Der<'a>) -> Option<Der<'a>> {
    let (tag, content) = der.next()?;
    kind_of(tag)?;
    Der::new(content, true).enter(0x30)
}

/// Reads a message whose end may be cut off.
pub(super) fn parse(data: &[u8], cut: bool) -> Option<Message> {
    let mut top = Der::new(data, cut);
    let (tag, content) = top.next()?;
    let kind = kind_of(tag)?;
    let mut fields = Der::new(content, cut).enter(0x30)?;
    let mut message = Message { kind, ..Message::default() };
    while let Some((tag, content)) = fields.next() {
        let mut inside = Der::new(content, cut);
        match (kind, tag) {
            (AS_REQ | TGS_REQ, 0xa3) => preauth(&mut inside, &mut message),
            (AS_REQ | TGS_REQ, 0xa4) => body(&mut inside, cut, &mut message)?,
            (AS_REP | TGS_REP, 0xa2) => preauth(&mut inside, &mut message),
            (AS_REP | TGS_REP, 0xa3) => message.client_realm = text(&mut inside),
            (AS_REP | TGS_REP, 0xa4) => message.client = name(&mut inside),
            (AS_REP | TGS_REP, 0xa5) | (AP_REQ, 0xa3) => ticket_in(&mut inside, cut, &mut message),
            (AS_REP | TGS_REP, 0xa6) | (AP_REQ, 0xa4) => message.cipher = cipher(&mut inside),
            (AP_REP, 0xa2) => message.cipher = cipher(&mut inside),
            (ERROR, 0xa6) => message.error = inside.integer(),
            (ERROR, 0xa7) => message.client_realm = text(&mut inside),
            (ERROR, 0xa8) => message.client = name(&mut inside),
            (ERROR, 0xa9) => message.realm = text(&mut inside),
            (ERROR, 0xaa) => message.service = name(&mut inside),
            (ERROR, 0xab) => message.error_text = text(&mut inside),
            _ => {}
        }
    }
    (cut || fields.is_empty()).then_some(message)
}

fn body(inside: &mut Der<'_>, cut: bool, message: &mut Message) -> Option<()> {
    let mut fields = inside.enter(0x30)?;
    while let Some((tag, content)) = fields.next() {
        let mut inside = Der::new(content, cut);
        match tag {
            0xa0 => {
                let (_, bits) = inside.next()?;
                if let &[_, a, b, c, d, ..] = bits {
                    message.options = u32::from_be_bytes([a, b, c, d]);
                }
            }
            0xa1 => message.client = name(&mut inside),
            0xa2 => message.realm = text(&mut inside),
            0xa3 => message.service = name(&mut inside),
            0xa4 => message.from = time(&mut inside),
            0xa5 => message.till = time(&mut inside),
            0xa6 => message.renew_till = time(&mut inside),
            0xa8 => {
                let mut list = inside.enter(0x30)?;
                while let Some(number) = list.integer() {
                    if message.ciphers.len() < MAX_LIST {
                        message.ciphers.push(number);
                    }
                }
            }
            _ => {}
        }
    }
    (cut || fields.is_empty()).then_some(())
}

fn preauth(inside: &mut Der<'_>, message: &mut Message) {
    let Some(mut list) = inside.enter(0x30) else {
        return;
    };
    while let Some(mut data) = list.enter(0x30) {
        if let Some(number) = data.enter(0xa1).and_then(|mut kind| kind.integer())
            && message.preauth.len() < MAX_LIST
        {
            message.preauth.push(number);
        }
    }
}

fn ticket_in(inside: &mut Der<'_>, cut: bool, message: &mut Message) {
    let Some(mut fields) = inside.enter(0x61).and_then(|mut t| t.enter(0x30)) else {
        return;
    };
    while let Some((tag, content)) = fields.next() {
        let mut inside = Der::new(content, cut);
        match tag {
            0xa1 => message.realm = text(&mut inside),
            0xa2 => message.service = name(&mut inside),
            0xa3 => message.ticket_cipher = cipher(&mut inside),
            _ => {}
        }
    }
}

/// The encryption type of encrypted data.
fn cipher(inside: &mut Der<'_>) -> Option<i64> {
    inside.enter(0x30)?.enter(0xa0)?.integer()
}

/// The parts of a name, joined by slashes.
fn name(inside: &mut Der<'_>) -> Option<Text> {
    let mut fields = inside.enter(0x30)?;
    fields.enter(0xa0)?;
    let mut parts = fields.enter(0xa1)?.enter(0x30)?;
    let mut whole = Vec::new();
    for number in 0..MAX_PARTS {
        let Some((_, part)) = parts.next() else {
            break;
        };
        if number > 0 {
            whole.push(b'/');
        }
        whole.extend_from_slice(part.get(..MAX_NAME).unwrap_or(part));
    }
    Some(Text::bounded(&whole, MAX_NAME))
}

fn text(inside: &mut Der<'_>) -> Option<Text> {
    let (_, content) = inside.next()?;
    Some(Text::bounded(content, MAX_NAME))
}

/// A time as 14 digits and a Z.
fn time(inside: &mut Der<'_>) -> Option<Timestamp> {
    let (_, content) = inside.next()?;
    let digits = std::str::from_utf8(content.get(..14)?).ok()?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let days = days_since_1970(year, month, day)?;
    let seconds = days
        .checked_mul(86_400)?
        .checked_add(hour.checked_mul(3600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?;
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000).map(Timestamp)
}

/// Days of the Gregorian calendar, counted in years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month < 3 {
        (year.checked_sub(1)?, month.checked_add(9)?)
    } else {
        (year, month.checked_sub(3)?)
    };
    let leap =
        year.div_euclid(4).checked_sub(year.div_euclid(100))?.checked_add(year.div_euclid(400))?;
    let months = month.checked_mul(153)?.checked_add(2)?.div_euclid(5);
    year.checked_mul(365)?
        .checked_add(leap)?
        .checked_add(months)?
        .checked_add(day)?
        .checked_sub(719_469)
}

/// Whom a ticket inside another protocol's token is for.
pub(crate) struct Ticket {
    /// The realm of the service.
    pub(crate) realm: Text,
    /// The service.
    pub(crate) service: Text,
}

/// The ticket of the request that a GSS-API token carries (RFC 4121 §4.1), wrapped or not.
pub(crate) fn ticket(token: &[u8]) -> Option<Ticket> {
    let window = token.get(..WINDOW).unwrap_or(token);
    memchr::memchr_iter(0x60 | AP_REQ, window).find_map(|at| {
        let request = token.get(at..)?;
        if !is_message(request) {
            return None;
        }
        let message = parse(request, true)?;
        Some(Ticket { realm: message.realm?, service: message.service? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_calendar_has_them() {
        let read = |text: &[u8]| {
            let element = [&[0x18, 15][..], text].concat();
            time(&mut Der::new(&element, false)).map(|t| t.0 / 1_000_000_000)
        };
        assert_eq!(read(b"19700101000000Z"), Some(0));
        assert_eq!(read(b"20240229235959Z"), Some(1_709_251_199));
        assert_eq!(read(b"20370913024805Z"), Some(2_136_422_885));
        assert_eq!(read(b"20240001000000Z"), None);
        assert_eq!(read(b"2024x101000000Z"), None);
    }
}

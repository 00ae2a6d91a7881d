//! Octets → requests and responses of Kafka's protocol, as far as they say what they are about.

use super::api::{self, key};
use crate::Cursor;

/// Longest message that is believed.
pub(super) const MAX_MESSAGE: usize = 104_857_600;
/// Most topics of a request that are looked at.
const MAX_TOPICS: usize = 16;

/// A request, behind its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) key: u16,
    pub(super) version: u16,
    pub(super) correlation: u32,
    pub(super) client: Option<&'a [u8]>,
    /// What follows the header.
    pub(super) body: &'a [u8],
}

/// Reads a request's header.
pub(super) fn request(data: &[u8]) -> Option<Request<'_>> {
    let mut c = Cursor::new(data);
    let (key, version, correlation) = (c.u16()?, c.u16()?, c.u32()?);
    let client = text(&mut c)?;
    if api::is_flexible(key, version) {
        tags(&mut c)?;
    }
    Some(Request { key, version, correlation, client, body: c.rest() })
}

/// Text behind a length of two octets; the inner `None` is null.
fn text<'a>(c: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    match c.u16()? {
        0xffff => Some(None),
        length => c.take(length.into()).map(Some),
    }
}

/// A number of seven bits an octet, the lowest first.
fn varint(c: &mut Cursor<'_>) -> Option<u32> {
    let mut value = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let octet = c.u8()?;
        value |= u32::from(octet & 0x7f).checked_shl(shift)?;
        if octet & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Text behind a compact length, which is one more.
fn compact<'a>(c: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    match varint(c)?.checked_sub(1) {
        None => Some(None),
        Some(length) => c.take(usize::try_from(length).ok()?).map(Some),
    }
}

/// Fields that older readers pass over.
fn tags(c: &mut Cursor<'_>) -> Option<()> {
    for _ in 0..varint(c)?.min(64) {
        varint(c)?;
        let length = varint(c)?;
        c.skip(usize::try_from(length).ok()?)?;
    }
    Some(())
}

/// Reads fields of one version of a request or response.
struct Reader<'a> {
    c: Cursor<'a>,
    flexible: bool,
}

impl<'a> Reader<'a> {
    fn text(&mut self) -> Option<Option<&'a [u8]>> {
        if self.flexible { compact(&mut self.c) } else { text(&mut self.c) }
    }

    /// How many items an array has.
    fn array(&mut self) -> Option<usize> {
        let count = match self.flexible {
            true => varint(&mut self.c)?.saturating_sub(1),
            false => match self.c.u32()? {
                u32::MAX => 0,
                count => count,
            },
        };
        usize::try_from(count).ok().filter(|&count| count < 1 << 20)
    }

    fn tags(&mut self) -> Option<()> {
        if self.flexible { tags(&mut self.c) } else { Some(()) }
    }
}

/// What a request is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About<'a> {
    pub(super) topics: Vec<&'a [u8]>,
    pub(super) group: Option<&'a [u8]>,
    /// How many replicas must have what is produced; 0 asks for no answer.
    pub(super) acks: Option<i16>,
    pub(super) mechanism: Option<&'a [u8]>,
    pub(super) software: Option<(&'a [u8], &'a [u8])>,
}

/// Reads what a request is about; what is not there stays out.
pub(super) fn about<'a>(request: &Request<'a>) -> About<'a> {
    let flexible = api::is_flexible(request.key, request.version);
    let mut reader = Reader { c: Cursor::new(request.body), flexible };
    let mut found = About::default();
    let _ = fill(&mut found, &mut reader, request.key, request.version);
    found
}

fn fill<'a>(found: &mut About<'a>, r: &mut Reader<'a>, key: u16, version: u16) -> Option<()> {
    match key {
        key::PRODUCE => {
            if version >= 3 {
                r.text()?;
            }
            #[allow(clippy::cast_possible_wrap, reason = "the field is signed")]
            let acks = r.c.u16()? as i16;
            found.acks = Some(acks);
            r.c.skip(4)?;
            if version < 13 {
                first_topic(found, r)?;
            }
        }
        key::FETCH if version < 13 => {
            r.c.skip(12)?;
            r.c.skip(if version >= 3 { 4 } else { 0 })?;
            r.c.skip(usize::from(version >= 4))?;
            r.c.skip(if version >= 7 { 8 } else { 0 })?;
            first_topic(found, r)?;
        }
        key::LIST_OFFSETS => {
            r.c.skip(4)?;
            r.c.skip(usize::from(version >= 2))?;
            first_topic(found, r)?;
        }
        key::METADATA => {
            for _ in 0..r.array()?.min(MAX_TOPICS) {
                if version >= 10 {
                    r.c.skip(16)?;
                }
                found.topics.extend(r.text()?);
                r.tags()?;
            }
        }
        key::DELETE_TOPICS if version < 6 => {
            for _ in 0..r.array()?.min(MAX_TOPICS) {
                found.topics.extend(r.text()?);
            }
        }
        key::CREATE_TOPICS => first_topic(found, r)?,
        key::OFFSET_COMMIT
        | key::JOIN_GROUP
        | key::HEARTBEAT
        | key::LEAVE_GROUP
        | key::SYNC_GROUP => found.group = r.text()?,
        key::OFFSET_FETCH if version < 8 => found.group = r.text()?,
        key::FIND_COORDINATOR if version < 4 => found.group = r.text()?,
        key::SASL_HANDSHAKE => found.mechanism = r.text()?,
        key::API_VERSIONS if version >= 3 => found.software = r.text()?.zip(r.text()?),
        _ => {}
    }
    Some(())
}

/// The name of the first topic of an array.
fn first_topic<'a>(found: &mut About<'a>, r: &mut Reader<'a>) -> Option<()> {
    if r.array()? > 0 {
        found.topics.extend(r.text()?);
    }
    Some(())
}

/// The error that a response begins with, where it begins with one.
pub(super) fn error(key: u16, version: u16, body: &[u8]) -> Option<i16> {
    let flexible = api::is_flexible(key, version);
    let mut r = Reader { c: Cursor::new(body), flexible };
    if flexible && key != key::API_VERSIONS {
        r.tags()?;
    }
    let throttled = match key {
        key::API_VERSIONS | key::SASL_HANDSHAKE | key::SASL_AUTHENTICATE => false,
        key::HEARTBEAT | key::LEAVE_GROUP | key::SYNC_GROUP => version >= 1,
        key::FIND_COORDINATOR if version < 4 => version >= 1,
        key::JOIN_GROUP => version >= 2,
        key::FETCH if version >= 7 => true,
        key::INIT_PRODUCER_ID | key::END_TXN => true,
        key::PRODUCE if version < 13 => {
            // The first partition of the first topic.
            if r.array()? == 0 {
                return None;
            }
            r.text()?;
            if r.array()? == 0 {
                return None;
            }
            r.c.skip(4)?;
            false
        }
        _ => return None,
    };
    r.c.skip(if throttled { 4 } else { 0 })?;
    #[allow(clippy::cast_possible_wrap, reason = "the field is signed")]
    r.c.u16().map(|code| code as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_tags_from_some_version_on() {
        let old = request(b"\0\x12\0\0\0\0\0\x07\0\x02meX").unwrap();
        assert_eq!(
            (old.key, old.correlation, old.client, old.body),
            (18, 7, Some(&b"me"[..]), &b"X"[..])
        );
        let new = request(b"\0\x12\0\x03\0\0\0\x07\xff\xff\0X").unwrap();
        assert_eq!((new.client, new.body), (None, &b"X"[..]));
        assert_eq!(request(b"\0\x12\0\0\0\0\0\x07\0\x09me"), None);
    }

    #[test]
    fn requests_say_what_they_are_about() {
        let about_of = |key, version, body: &'static [u8]| {
            about(&Request { key, version, correlation: 0, client: None, body })
        };
        let produce = about_of(0, 3, b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\x01\0\x04tide\0");
        assert_eq!((produce.acks, produce.topics), (Some(-1), vec![&b"tide"[..]]));
        let fetch = about_of(
            1,
            11,
            b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x01\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x04tide",
        );
        assert_eq!(fetch.topics, [b"tide"]);
        let metadata = about_of(3, 9, b"\x03\x05tide\0\x05boat\0\x01\0\0\0");
        assert_eq!(metadata.topics, [b"tide", b"boat"]);
        assert_eq!(about_of(11, 2, b"\0\x05crews\0\0\0\x01").group, Some(&b"crews"[..]));
        let software = about_of(18, 3, b"\x04lib\x041.0\0").software;
        assert_eq!(software, Some((&b"lib"[..], &b"1.0"[..])));
    }

    #[test]
    fn errors_are_found_where_a_response_begins_with_one() {
        assert_eq!(error(18, 3, b"\0\x23\x01"), Some(35));
        assert_eq!(error(12, 4, b"\0\0\0\0\0\0\x1b\0"), Some(27));
        assert_eq!(error(0, 3, b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0\0\x06"), Some(6));
        assert_eq!(error(3, 1, b"\0\0\0\0"), None);
    }
}

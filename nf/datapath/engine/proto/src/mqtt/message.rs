//! Octets → control packets (MQTT 3.1 §2, MQTT 3.1.1 and 5.0 §2 and §3).

use super::property::{self, Properties};
use crate::Cursor;

/// Control packet types.
pub(super) mod kind {
    pub(crate) const CONNECT: u8 = 1;
    pub(crate) const CONNACK: u8 = 2;
    pub(crate) const PUBLISH: u8 = 3;
    pub(crate) const PUBACK: u8 = 4;
    pub(crate) const PUBREC: u8 = 5;
    pub(crate) const PUBREL: u8 = 6;
    pub(crate) const PUBCOMP: u8 = 7;
    pub(crate) const SUBSCRIBE: u8 = 8;
    pub(crate) const SUBACK: u8 = 9;
    pub(crate) const UNSUBSCRIBE: u8 = 10;
    pub(crate) const UNSUBACK: u8 = 11;
    pub(crate) const PINGREQ: u8 = 12;
    pub(crate) const PINGRESP: u8 = 13;
    pub(crate) const DISCONNECT: u8 = 14;
    pub(crate) const AUTH: u8 = 15;
}

/// The version that brought properties and reason codes everywhere.
pub(super) const VERSION_5: u8 = 5;
/// Bridges of some brokers mark themselves with this bit of the version.
const BRIDGE: u8 = 0x80;

/// The word for a packet type.
pub(super) fn word(kind: u8) -> &'static str {
    match kind {
        kind::CONNECT => "connect",
        kind::CONNACK => "connack",
        kind::PUBLISH => "publish",
        kind::PUBACK => "puback",
        kind::PUBREC => "pubrec",
        kind::PUBREL => "pubrel",
        kind::PUBCOMP => "pubcomp",
        kind::SUBSCRIBE => "subscribe",
        kind::SUBACK => "suback",
        kind::UNSUBSCRIBE => "unsubscribe",
        kind::UNSUBACK => "unsuback",
        kind::PINGREQ => "pingreq",
        kind::PINGRESP => "pingresp",
        kind::DISCONNECT => "disconnect",
        kind::AUTH => "auth",
        _ => "reserved",
    }
}

/// The fixed header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Octets behind the header.
    pub(super) length: u32,
    /// Octets of the header.
    pub(super) size: usize,
}

impl Header {
    pub(super) fn dup(self) -> bool {
        self.flags & 8 != 0
    }
    pub(super) fn qos(self) -> u8 {
        self.flags >> 1 & 3
    }
    pub(super) fn retain(self) -> bool {
        self.flags & 1 != 0
    }
    /// Flags that the type may have; before 3.1.1 the duplicate bit was free.
    pub(super) fn has_valid_flags(self, version: u8) -> bool {
        let flags = if version == 3 { self.flags & 7 } else { self.flags };
        match self.kind {
            kind::PUBLISH => true,
            kind::PUBREL | kind::SUBSCRIBE | kind::UNSUBSCRIBE => flags == 2,
            _ => flags == 0,
        }
    }
}

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Header(Header),
    /// More octets are needed.
    Partial,
    /// A length of more than four octets.
    Malformed,
}

/// The fixed header at the front of `data`.
pub(super) fn header(data: &[u8]) -> Front {
    let mut c = Cursor::new(data);
    let Some(first) = c.u8() else {
        return Front::Partial;
    };
    match varint(&mut c) {
        Varint::Value(length) => Front::Header(Header {
            kind: first >> 4,
            flags: first & 15,
            length,
            size: c.position(),
        }),
        Varint::Partial => Front::Partial,
        Varint::Malformed => Front::Malformed,
    }
}

/// A variable byte integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Varint {
    Value(u32),
    Partial,
    Malformed,
}

/// Reads seven bits an octet, the lowest first, four octets at most.
pub(super) fn varint(c: &mut Cursor<'_>) -> Varint {
    let mut value = 0u32;
    for shift in [0, 7, 14, 21] {
        let Some(octet) = c.u8() else {
            return Varint::Partial;
        };
        value |= u32::from(octet & 0x7f).wrapping_shl(shift);
        if octet & 0x80 == 0 {
            return Varint::Value(value);
        }
    }
    Varint::Malformed
}

/// CONNECT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Connect<'a> {
    pub(super) protocol: &'a [u8],
    pub(super) version: u8,
    pub(super) bridge: bool,
    pub(super) flags: u8,
    pub(super) keep_alive: u16,
    pub(super) properties: Properties<'a>,
    pub(super) client_id: &'a [u8],
    pub(super) will: Option<Will<'a>>,
    pub(super) username: Option<&'a [u8]>,
    /// There is one; its octets are not looked at.
    pub(super) password: bool,
}

/// What the broker publishes when the client is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Will<'a> {
    pub(super) topic: &'a [u8],
    pub(super) message: &'a [u8],
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) properties: Properties<'a>,
}

/// The protocol's name and its version, as a CONNECT begins; the version without the bridge's bit.
pub(super) fn introduction<'a>(c: &mut Cursor<'a>) -> Option<(&'a [u8], u8, bool)> {
    let name = c.prefixed_u16()?;
    let version = c.u8()?;
    let plain = version & !BRIDGE;
    let known = match name {
        b"MQIsdp" => plain == 3,
        b"MQTT" => plain == 4 || version == VERSION_5,
        _ => false,
    };
    known.then_some((name, plain, version & BRIDGE != 0))
}

/// Reads the body of a CONNECT.
pub(super) fn connect(body: &[u8]) -> Option<Connect<'_>> {
    let mut c = Cursor::new(body);
    let (protocol, version, bridge) = introduction(&mut c)?;
    let flags = c.u8()?;
    let keep_alive = c.u16()?;
    let properties = if version == VERSION_5 { property::read(&mut c)? } else { Properties::EMPTY };
    let client_id = c.prefixed_u16()?;
    let will = if flags & 4 != 0 {
        let properties =
            if version == VERSION_5 { property::read(&mut c)? } else { Properties::EMPTY };
        let (topic, message) = (c.prefixed_u16()?, c.prefixed_u16()?);
        let (qos, retain) = (flags >> 3 & 3, flags & 0x20 != 0);
        Some(Will { topic, message, qos, retain, properties })
    } else {
        None
    };
    let username = if flags & 0x80 != 0 { Some(c.prefixed_u16()?) } else { None };
    let password = flags & 0x40 != 0;
    if password {
        c.prefixed_u16()?;
    }
    c.is_empty().then_some(Connect {
        protocol,
        version,
        bridge,
        flags,
        keep_alive,
        properties,
        client_id,
        will,
        username,
        password,
    })
}

/// CONNACK: session present, return or reason code, properties.
pub(super) fn connack(body: &[u8], version: u8) -> Option<(bool, u8, Properties<'_>)> {
    let mut c = Cursor::new(body);
    let flags = c.u8()?;
    let code = c.u8()?;
    let properties = if version == VERSION_5 && !c.is_empty() {
        property::read(&mut c)?
    } else {
        Properties::EMPTY
    };
    (c.is_empty() && flags & 0xfe == 0).then_some((flags & 1 != 0, code, properties))
}

/// PUBLISH, up to its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publish<'a> {
    pub(super) topic: &'a [u8],
    pub(super) message_id: Option<u16>,
    pub(super) properties: Properties<'a>,
    /// As much of it as is there.
    pub(super) message: &'a [u8],
    /// Octets before the message.
    pub(super) head: usize,
}

/// Reads the front of the body of a PUBLISH.
pub(super) fn publish(body: &[u8], qos: u8, version: u8) -> Option<Publish<'_>> {
    let mut c = Cursor::new(body);
    let topic = c.prefixed_u16()?;
    let message_id = if qos > 0 { Some(c.u16()?) } else { None };
    let properties = if version == VERSION_5 { property::read(&mut c)? } else { Properties::EMPTY };
    Some(Publish { topic, message_id, properties, message: c.rest(), head: c.position() })
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP: packet identifier, reason code, properties.
pub(super) fn acknowledgement(
    body: &[u8],
    version: u8,
) -> Option<(u16, Option<u8>, Properties<'_>)> {
    let mut c = Cursor::new(body);
    let id = c.u16()?;
    if version != VERSION_5 {
        return c.is_empty().then_some((id, None, Properties::EMPTY));
    }
    let code = c.u8().unwrap_or(0);
    let properties = if c.is_empty() { Properties::EMPTY } else { property::read(&mut c)? };
    c.is_empty().then_some((id, Some(code), properties))
}

/// SUBSCRIBE and UNSUBSCRIBE: packet identifier, properties, and the filters to be walked.
pub(super) fn filters(body: &[u8], version: u8) -> Option<(u16, Properties<'_>, Cursor<'_>)> {
    let mut c = Cursor::new(body);
    let id = c.u16()?;
    let properties = if version == VERSION_5 { property::read(&mut c)? } else { Properties::EMPTY };
    Some((id, properties, c))
}

/// SUBACK and UNSUBACK: packet identifier, properties, a code for each filter.
pub(super) fn granted(body: &[u8], version: u8) -> Option<(u16, Properties<'_>, &[u8])> {
    let (id, properties, codes) = filters(body, version)?;
    Some((id, properties, codes.rest()))
}

/// DISCONNECT and AUTH: reason code and properties; both may be left out.
pub(super) fn reason(body: &[u8], version: u8) -> Option<(Option<u8>, Properties<'_>)> {
    let mut c = Cursor::new(body);
    if version != VERSION_5 {
        return c.is_empty().then_some((None, Properties::EMPTY));
    }
    let code = c.u8().unwrap_or(0);
    let properties = if c.is_empty() { Properties::EMPTY } else { property::read(&mut c)? };
    c.is_empty().then_some((Some(code), properties))
}

/// Text as MQTT has it: UTF-8 without NUL.
pub(super) fn is_text(octets: &[u8]) -> bool {
    !octets.contains(&0) && std::str::from_utf8(octets).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_four_octets_at_most() {
        let read = |octets: &[u8]| varint(&mut Cursor::new(octets));
        assert_eq!(read(&[0x7f]), Varint::Value(127));
        assert_eq!(read(&[0x80, 1]), Varint::Value(128));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0x7f]), Varint::Value(268_435_455));
        assert_eq!(read(&[0xff, 0xff]), Varint::Partial);
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff]), Varint::Malformed);
    }

    #[test]
    fn a_connect_is_taken_apart() {
        let body = b"\0\x04MQTT\x04\xc6\0\x3c\0\x02id\0\x01w\0\x02by\0\x01u\0\x06secret";
        let read = connect(body).unwrap();

        assert_eq!((read.version, read.keep_alive, read.client_id), (4, 60, &b"id"[..]));
        let properties = Properties::EMPTY;
        let will = Will { topic: b"w", message: b"by", qos: 0, retain: false, properties };
        assert_eq!(read.will, Some(will));
        assert_eq!((read.username, read.password), (Some(&b"u"[..]), true));
        assert_eq!(connect(body.split_last().unwrap().1), None);
    }

    #[test]
    fn names_and_versions_belong_together() {
        let read = |octets: &'static [u8]| introduction(&mut Cursor::new(octets));
        assert_eq!(read(b"\0\x06MQIsdp\x03"), Some((&b"MQIsdp"[..], 3, false)));
        assert_eq!(read(b"\0\x04MQTT\x84"), Some((&b"MQTT"[..], 4, true)));
        for wrong in [&b"\0\x04MQTT\x03"[..], b"\0\x06MQIsdp\x04", b"\0\x04MQTU\x04", b"\0\x04MQTT"]
        {
            assert_eq!(read(wrong), None);
        }
    }
}

//! Octets → frames and methods of AMQP 0-9-1 (§2.3, §4.2).

use crate::Cursor;

/// The octet behind each frame.
const END: u8 = 0xce;

/// Kinds of frames.
pub(super) mod frame {
    pub(crate) const METHOD: u8 = 1;
    pub(crate) const HEADER: u8 = 2;
    pub(crate) const BODY: u8 = 3;
    pub(crate) const HEARTBEAT: u8 = 8;
}

/// Octets of a frame's header.
pub(super) const HEADER: usize = 7;
/// Longest frame that is believed.
pub(super) const MAX_FRAME: u32 = 1 << 27;

/// What a connection begins with: which protocol of the family, and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preface {
    pub(super) protocol: u8,
    pub(super) version: (u8, u8, u8),
}

/// Octets of it.
pub(super) const PREFACE: usize = 8;

/// Reads `AMQP` and what follows.
pub(super) fn preface(data: &[u8]) -> Option<Preface> {
    let [protocol, a, b, c] = *data.strip_prefix(b"AMQP")?.first_chunk()?;
    let known = match (protocol, a, b, c) {
        // 0-9-1; 0-9, 0-8 and 0-10 wrote it in another order.
        (0, 0, 9, 1) | (1, 1, 0, 9 | 10) | (1, 1, 8 | 9, 0) => true,
        // 1.0, and its layers for TLS and SASL.
        (0 | 2 | 3, 1, 0, 0) => true,
        _ => false,
    };
    known.then_some(Preface { protocol, version: (a, b, c) })
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) channel: u16,
    pub(super) length: usize,
}

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Header(Header),
    Partial,
    Malformed,
}

/// The frame header at the front of `data`.
pub(super) fn front(data: &[u8]) -> Front {
    let mut c = Cursor::new(data);
    let (Some(kind), Some(channel), Some(length)) = (c.u8(), c.u16(), c.u32()) else {
        return Front::Partial;
    };
    let known = matches!(kind, frame::METHOD | frame::HEADER | frame::BODY | frame::HEARTBEAT);
    match usize::try_from(length) {
        Ok(length) if known && length <= MAX_FRAME as usize => {
            Front::Header(Header { kind, channel, length })
        }
        _ => Front::Malformed,
    }
}

/// Whether the octet behind a frame is what it must be.
pub(super) fn is_end(octet: u8) -> bool {
    octet == END
}

/// Text behind a length of one octet.
pub(super) fn short<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    c.prefixed_u8()
}

/// Octets behind a length of four.
pub(super) fn long<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(c.u32()?).ok()?;
    c.take(length)
}

/// The text that a table has under a name, if it has.
pub(super) fn table_text<'a>(table: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut c = Cursor::new(table);
    for _ in 0..64 {
        let name = short(&mut c)?;
        let kind = c.u8()?;
        let value = match kind {
            b'S' | b'x' | b'F' | b'A' => long(&mut c)?,
            b't' | b'b' | b'B' => c.take(1)?,
            b's' | b'U' | b'u' => c.take(2)?,
            b'I' | b'i' | b'f' => c.take(4)?,
            b'l' | b'L' | b'd' | b'T' => c.take(8)?,
            b'D' => c.take(5)?,
            b'V' => &[],
            _ => return None,
        };
        if name == wanted && kind == b'S' {
            return Some(value);
        }
    }
    None
}

/// Methods, by class and number.
const METHODS: &[(u16, u16, &str)] = &[
    (10, 10, "connection.start"),
    (10, 11, "connection.start-ok"),
    (10, 20, "connection.secure"),
    (10, 21, "connection.secure-ok"),
    (10, 30, "connection.tune"),
    (10, 31, "connection.tune-ok"),
    (10, 40, "connection.open"),
    (10, 41, "connection.open-ok"),
    (10, 50, "connection.close"),
    (10, 51, "connection.close-ok"),
    (10, 60, "connection.blocked"),
    (10, 61, "connection.unblocked"),
    (10, 70, "connection.update-secret"),
    (10, 71, "connection.update-secret-ok"),
    (20, 10, "channel.open"),
    (20, 11, "channel.open-ok"),
    (20, 20, "channel.flow"),
    (20, 21, "channel.flow-ok"),
    (20, 40, "channel.close"),
    (20, 41, "channel.close-ok"),
    (40, 10, "exchange.declare"),
    (40, 11, "exchange.declare-ok"),
    (40, 20, "exchange.delete"),
    (40, 21, "exchange.delete-ok"),
    (40, 30, "exchange.bind"),
    (40, 31, "exchange.bind-ok"),
    (40, 40, "exchange.unbind"),
    (40, 51, "exchange.unbind-ok"),
    (50, 10, "queue.declare"),
    (50, 11, "queue.declare-ok"),
    (50, 20, "queue.bind"),
    (50, 21, "queue.bind-ok"),
    (50, 30, "queue.purge"),
    (50, 31, "queue.purge-ok"),
    (50, 40, "queue.delete"),
    (50, 41, "queue.delete-ok"),
    (50, 50, "queue.unbind"),
    (50, 51, "queue.unbind-ok"),
    (60, 10, "basic.qos"),
    (60, 11, "basic.qos-ok"),
    (60, 20, "basic.consume"),
    (60, 21, "basic.consume-ok"),
    (60, 30, "basic.cancel"),
    (60, 31, "basic.cancel-ok"),
    (60, 40, "basic.publish"),
    (60, 50, "basic.return"),
    (60, 60, "basic.deliver"),
    (60, 70, "basic.get"),
    (60, 71, "basic.get-ok"),
    (60, 72, "basic.get-empty"),
    (60, 80, "basic.ack"),
    (60, 90, "basic.reject"),
    (60, 100, "basic.recover-async"),
    (60, 110, "basic.recover"),
    (60, 111, "basic.recover-ok"),
    (60, 120, "basic.nack"),
    (85, 10, "confirm.select"),
    (85, 11, "confirm.select-ok"),
    (90, 10, "tx.select"),
    (90, 11, "tx.select-ok"),
    (90, 20, "tx.commit"),
    (90, 21, "tx.commit-ok"),
    (90, 30, "tx.rollback"),
    (90, 31, "tx.rollback-ok"),
];

/// The name of a method.
pub(super) fn method(class: u16, number: u16) -> Option<&'static str> {
    let known = METHODS.iter().find(|(c, n, _)| (*c, *n) == (class, number));
    known.map(|(_, _, name)| *name)
}

/// What a method says, as far as a record has a place for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said<'a> {
    pub(super) exchange: Option<&'a [u8]>,
    pub(super) queue: Option<&'a [u8]>,
    pub(super) routing_key: Option<&'a [u8]>,
    pub(super) consumer: Option<&'a [u8]>,
    pub(super) vhost: Option<&'a [u8]>,
    pub(super) messages: Option<u32>,
    pub(super) code: Option<u16>,
    pub(super) text: Option<&'a [u8]>,
    /// No answer is wanted.
    pub(super) no_wait: bool,
}

/// Reads the arguments of a method.
pub(super) fn arguments<'a>(name: &str, body: &'a [u8]) -> Option<Said<'a>> {
    let mut c = Cursor::new(body);
    let mut said = Said::default();
    match name {
        "connection.open" => said.vhost = Some(short(&mut c)?),
        "connection.close" | "channel.close" => {
            said.code = Some(c.u16()?);
            said.text = Some(short(&mut c)?);
        }
        "connection.blocked" => said.text = Some(short(&mut c)?),
        "exchange.declare" => {
            c.skip(2)?;
            said.exchange = Some(short(&mut c)?);
            short(&mut c)?;
            said.no_wait = c.u8()? & 0x10 != 0;
        }
        "exchange.delete" => {
            c.skip(2)?;
            said.exchange = Some(short(&mut c)?);
            said.no_wait = c.u8()? & 2 != 0;
        }
        "exchange.bind" | "exchange.unbind" => {
            c.skip(2)?;
            said.exchange = Some(short(&mut c)?);
            short(&mut c)?;
            said.routing_key = Some(short(&mut c)?);
            said.no_wait = c.u8()? & 1 != 0;
        }
        "queue.declare" => {
            c.skip(2)?;
            said.queue = Some(short(&mut c)?);
            said.no_wait = c.u8()? & 0x10 != 0;
        }
        "queue.declare-ok" => {
            said.queue = Some(short(&mut c)?);
            said.messages = Some(c.u32()?);
        }
        "queue.bind" | "queue.unbind" => {
            c.skip(2)?;
            said.queue = Some(short(&mut c)?);
            said.exchange = Some(short(&mut c)?);
            said.routing_key = Some(short(&mut c)?);
            said.no_wait = name == "queue.bind" && c.u8()? & 1 != 0;
        }
        "queue.purge" => {
            c.skip(2)?;
            said.queue = Some(short(&mut c)?);
            said.no_wait = c.u8()? & 1 != 0;
        }
        "queue.delete" => {
            c.skip(2)?;
            said.queue = Some(short(&mut c)?);
            said.no_wait = c.u8()? & 4 != 0;
        }
        "queue.purge-ok" | "queue.delete-ok" => said.messages = Some(c.u32()?),
        "basic.consume" => {
            c.skip(2)?;
            said.queue = Some(short(&mut c)?);
            said.consumer = Some(short(&mut c)?);
            said.no_wait = c.u8()? & 8 != 0;
        }
        "basic.consume-ok" => said.consumer = Some(short(&mut c)?),
        "basic.cancel" => {
            said.consumer = Some(short(&mut c)?);
            said.no_wait = c.u8()? & 1 != 0;
        }
        "basic.publish" => {
            c.skip(2)?;
            said.exchange = Some(short(&mut c)?);
            said.routing_key = Some(short(&mut c)?);
        }
        "basic.return" => {
            said.code = Some(c.u16()?);
            said.text = Some(short(&mut c)?);
            said.exchange = Some(short(&mut c)?);
            said.routing_key = Some(short(&mut c)?);
        }
        "basic.deliver" => {
            said.consumer = Some(short(&mut c)?);
            c.skip(9)?;
            said.exchange = Some(short(&mut c)?);
            said.routing_key = Some(short(&mut c)?);
        }
        "basic.get" => {
            c.skip(2)?;
            said.queue = Some(short(&mut c)?);
        }
        "basic.get-ok" => {
            c.skip(9)?;
            said.exchange = Some(short(&mut c)?);
            said.routing_key = Some(short(&mut c)?);
        }
        "confirm.select" => said.no_wait = c.u8()? & 1 != 0,
        _ => {}
    }
    Some(said)
}

/// A content header: octets of the content, and its type.
pub(super) fn content(body: &[u8]) -> Option<(u64, Option<&[u8]>)> {
    let mut c = Cursor::new(body);
    c.skip(4)?;
    let length = c.u64()?;
    let flags = c.u16()?;
    let kind = if flags & 0x8000 != 0 { Some(short(&mut c)?) } else { None };
    Some((length, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_family_are_told_apart() {
        let read = |data: &[u8]| preface(data).map(|p| (p.protocol, p.version));
        assert_eq!(read(b"AMQP\0\0\x09\x01"), Some((0, (0, 9, 1))));
        assert_eq!(read(b"AMQP\x03\x01\0\0"), Some((3, (1, 0, 0))));
        assert_eq!(read(b"AMQP\x01\x01\0\x0a"), Some((1, (1, 0, 10))));
        assert_eq!((read(b"AMQP\0\x07\0\0"), read(b"AMQP\0\0\x09")), (None, None));
    }

    #[test]
    fn tables_are_searched_for_text() {
        let table = b"\x01nI\0\0\0\x01\x07productS\0\0\0\x03lib\x01tt\x01";
        assert_eq!(table_text(table, b"product"), Some(&b"lib"[..]));
        assert_eq!((table_text(table, b"n"), table_text(table, b"x")), (None, None));
    }

    #[test]
    fn arguments_are_read_by_their_method() {
        let said = arguments("basic.publish", b"\0\0\x03log\x04tide\0").unwrap();
        assert_eq!((said.exchange, said.routing_key), (Some(&b"log"[..]), Some(&b"tide"[..])));
        assert!(arguments("queue.declare", b"\0\0\x01q\x10").unwrap().no_wait);
        assert_eq!(arguments("queue.declare", b"\0\0\x09q"), None);
        assert_eq!(
            content(b"\0\x3c\0\0\0\0\0\0\0\0\0\x05\x80\0\x04text"),
            Some((5, Some(&b"text"[..])))
        );
    }
}

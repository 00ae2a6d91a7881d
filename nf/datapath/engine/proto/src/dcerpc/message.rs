//! Octets → PDUs: pure, no state, no panic.

use nf_fields::Text;

use crate::Cursor;
use crate::windows;

/// Octets of the header of a connection's PDU.
pub(crate) const HEADER: usize = 16;
/// Octets of the header of a datagram.
pub(super) const DATAGRAM_HEADER: usize = 80;
/// Most presentation contexts read from one bind.
pub(super) const MAX_CONTEXTS: usize = 32;

/// The first fragment of a call.
pub(super) const FIRST: u8 = 0x01;
/// The last fragment of a call.
pub(super) const LAST: u8 = 0x02;
/// A request that names an object.
const OBJECT: u8 = 0x80;

pub(super) const REQUEST: u8 = 0;
pub(super) const RESPONSE: u8 = 2;
pub(super) const FAULT: u8 = 3;
pub(super) const BIND: u8 = 11;
pub(super) const BIND_ACK: u8 = 12;
pub(super) const BIND_NAK: u8 = 13;
pub(super) const ALTER: u8 = 14;
pub(super) const ALTER_ACK: u8 = 15;

/// What kinds of PDU are called; empty where there is none.
const KINDS: [&str; 20] = [
    "request",
    "ping",
    "response",
    "fault",
    "working",
    "nocall",
    "reject",
    "ack",
    "cl_cancel",
    "fack",
    "cancel_ack",
    "bind",
    "bind_ack",
    "bind_nak",
    "alter_context",
    "alter_context_resp",
    "auth3",
    "shutdown",
    "co_cancel",
    "orphaned",
];

/// The name of a kind of PDU.
pub(super) fn kind_name(kind: u8) -> Option<&'static str> {
    KINDS.get(usize::from(kind)).copied()
}

/// The header of a connection's PDU (C706 §12.6.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(super) minor: u8,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) little: bool,
    /// Octets of the fragment, header included.
    pub(crate) length: u16,
    pub(super) auth: u16,
    pub(super) call: u32,
}

/// Reads integers in the sender's order.
pub(super) struct Reader<'a> {
    pub(super) c: Cursor<'a>,
    pub(super) little: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8], little: bool) -> Self {
        Self { c: Cursor::new(octets), little }
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        if self.little { self.c.u16_le() } else { self.c.u16() }
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        if self.little { self.c.u32_le() } else { self.c.u32() }
    }

    pub(super) fn uuid(&mut self) -> Option<Text> {
        let mut octets: [u8; 16] = self.c.array()?;
        if !self.little {
            let [a, b, c, d, e, f, g, h, rest @ ..] = octets;
            let [i, j, k, l, m, n, o, p] = rest;
            octets = [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p];
        }
        Some(windows::guid(octets))
    }
}

/// Whether the octets may be the label that says how numbers are written.
fn data_representation(label: [u8; 4]) -> Option<bool> {
    match label {
        [0x10, 0, 0, 0] => Some(true),
        [0, 0, 0, 0] => Some(false),
        _ => None,
    }
}

/// The header at the front; `None` when there is none, or too few octets to tell.
pub(crate) fn head(data: &[u8]) -> Option<Head> {
    let mut c = Cursor::new(data);
    let (version, minor, kind, flags) = (c.u8()?, c.u8()?, c.u8()?, c.u8()?);
    let little = data_representation(c.array()?)?;
    let mut r = Reader { c, little };
    let (length, auth, call) = (r.u16()?, r.u16()?, r.u32()?);
    let known = matches!(kind, REQUEST | RESPONSE | FAULT | BIND..=19);
    let fits = usize::from(length) >= HEADER
        && (auth == 0
            || usize::from(auth).saturating_add(8).saturating_add(HEADER) <= usize::from(length));
    (version == 5 && minor <= 1 && known && fits).then_some(Head {
        minor,
        kind,
        flags,
        little,
        length,
        auth,
        call,
    })
}

/// An interface and the number it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) id: u16,
    pub(super) uuid: Text,
    pub(super) version: (u16, u16),
    /// A transfer syntax that everybody has is among those offered.
    pub(super) known_syntax: bool,
}

/// NDR, NDR64 and the negotiation of features at bind time.
const SYNTAXES: [&str; 3] = [
    "8a885d04-1ceb-11c9-9fe8-08002b104860",
    "71710533-beba-4937-8319-b5dbef9ccc36",
    "6cb71c2c-9812-4540-",
];

/// The contexts a bind or alter-context offers.
pub(super) fn contexts(head: &Head, body: &[u8]) -> Option<Vec<Context>> {
    let mut r = Reader::new(body, head.little);
    // Sizes of fragments, and the group of associations.
    r.c.skip(8)?;
    let count = r.c.u8()?;
    r.c.skip(3)?;
    let mut found = Vec::new();
    for _ in 0..usize::from(count).min(MAX_CONTEXTS) {
        let id = r.u16()?;
        let syntaxes = r.c.u8()?;
        r.c.skip(1)?;
        let uuid = r.uuid()?;
        let version = (r.u16()?, r.u16()?);
        let mut known_syntax = false;
        for _ in 0..syntaxes {
            let syntax = r.uuid()?;
            r.c.skip(4)?;
            known_syntax |= SYNTAXES.iter().any(|s| syntax.as_bytes().starts_with(s.as_bytes()));
        }
        found.push(Context { id, uuid, version, known_syntax });
    }
    (!found.is_empty()).then_some(found)
}

/// The answer to a bind: the endpoint it names, and the result of each context.
pub(super) fn bind_results(head: &Head, body: &[u8]) -> Option<(Text, Vec<u16>)> {
    let mut r = Reader::new(body, head.little);
    r.c.skip(8)?;
    let length = r.u16()?;
    let address = r.c.take(length.into())?;
    let odd = r.c.position().wrapping_neg() & 3;
    r.c.skip(odd)?;
    let count = r.c.u8()?;
    r.c.skip(3)?;
    let mut results = Vec::new();
    for _ in 0..usize::from(count).min(MAX_CONTEXTS) {
        results.push(r.u16()?);
        // The reason, and the syntax taken.
        r.c.skip(22)?;
    }
    let address = address.strip_suffix(&[0]).unwrap_or(address);
    Some((Text::bounded(address, 128), results))
}

/// A request's context, operation and stub.
pub(super) fn request<'a>(head: &Head, body: &'a [u8]) -> Option<(u16, u16, &'a [u8])> {
    let mut r = Reader::new(body, head.little);
    r.u32()?;
    let (context, operation) = (r.u16()?, r.u16()?);
    if head.flags & OBJECT != 0 {
        r.c.skip(16)?;
    }
    Some((context, operation, r.c.rest()))
}

/// A response's context and stub.
pub(super) fn response<'a>(head: &Head, body: &'a [u8]) -> Option<(u16, &'a [u8])> {
    let mut r = Reader::new(body, head.little);
    r.u32()?;
    let context = r.u16()?;
    r.u16()?;
    Some((context, r.c.rest()))
}

/// The status of a fault.
pub(super) fn fault(head: &Head, body: &[u8]) -> Option<u32> {
    let mut r = Reader::new(body, head.little);
    r.c.skip(8)?;
    r.u32()
}

/// Kind of authentication, its level, its token.
pub(super) type Auth<'a> = (u8, u8, &'a [u8]);

/// Body and authentication of a whole PDU.
pub(super) fn split<'a>(head: &Head, pdu: &'a [u8]) -> (&'a [u8], Option<Auth<'a>>) {
    let body = pdu.get(HEADER..).unwrap_or_default();
    let whole = pdu.len() >= usize::from(head.length);
    if head.auth == 0 || !whole {
        return (body, None);
    }
    let trailer = usize::from(head.auth).saturating_add(8);
    let (body, trailer) =
        body.split_at_checked(body.len().saturating_sub(trailer)).unwrap_or((body, &[]));
    let mut c = Cursor::new(trailer);
    match (c.u8(), c.u8(), c.u8(), c.skip(5)) {
        (Some(kind), Some(level), Some(padding), Some(())) => {
            let end = body.len().saturating_sub(padding.into());
            (body.get(..end).unwrap_or(body), Some((kind, level, c.rest())))
        }
        _ => (body, None),
    }
}

/// The header of a datagram (C706 §12.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datagram {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) little: bool,
    pub(super) interface: Text,
    pub(super) version: (u16, u16),
    pub(super) activity: [u8; 16],
    pub(super) sequence: u32,
    pub(super) operation: u16,
    pub(super) length: u16,
}

/// The header at the front of a datagram.
pub(super) fn datagram(data: &[u8]) -> Option<Datagram> {
    let mut c = Cursor::new(data);
    let (version, kind, flags, _) = (c.u8()?, c.u8()?, c.u8()?, c.u8()?);
    let [a, b, d] = c.array::<3>()?;
    let little = data_representation([a, b, d, 0])?;
    // The high half of the serial number, then the object.
    c.skip(17)?;
    let mut r = Reader { c, little };
    let interface = r.uuid()?;
    let activity = r.c.array()?;
    // When the server started.
    r.c.skip(4)?;
    let number = r.u32()?;
    let sequence = r.u32()?;
    let operation = r.u16()?;
    // Hints.
    r.c.skip(4)?;
    let length = r.u16()?;
    // Number of the fragment, kind of authentication, low half of the serial number.
    r.c.skip(4)?;
    let (low, high) = (number & 0xffff, number >> 16);
    let version_of = |n: u32| u16::try_from(n).unwrap_or(0);
    (version & 0x0f == 4 && version & 0xf0 == 0 && kind <= 10).then_some(Datagram {
        kind,
        flags,
        little,
        interface,
        version: (version_of(low), version_of(high)),
        activity,
        sequence,
        operation,
        length,
    })
}

/// TCP endpoints that the endpoint mapper's answer names: address and port.
pub(super) fn endpoints(stub: &[u8], little: bool) -> Vec<([u8; 4], u16)> {
    let mut r = Reader::new(stub, little);
    read_endpoints(&mut r).unwrap_or_default()
}

fn read_endpoints(r: &mut Reader<'_>) -> Option<Vec<([u8; 4], u16)>> {
    // A handle, the number of towers, then a conformant varying array of pointers.
    r.c.skip(20)?;
    r.u32()?;
    r.u32()?;
    r.u32()?;
    let towers = r.u32()?.min(8);
    r.c.skip(usize::try_from(towers).ok()?.saturating_mul(4))?;
    let mut found = Vec::new();
    for _ in 0..towers {
        // The length of a tower stands before it twice.
        r.u32()?;
        let length = usize::try_from(r.u32()?).ok()?;
        let tower = r.c.take(length)?;
        let padding = length.wrapping_neg() & 3;
        found.extend(endpoint(tower));
        if r.c.skip(padding).is_none() {
            break;
        }
    }
    Some(found)
}

fn endpoint(tower: &[u8]) -> Option<([u8; 4], u16)> {
    let mut c = Cursor::new(tower);
    let floors = c.u16_le()?;
    let (mut port, mut address) = (None, None);
    for _ in 0..floors.min(8) {
        let left = c.u16_le()?;
        let left = c.take(left.into())?;
        let right = c.u16_le()?;
        let right = c.take(right.into())?;
        match (left.first(), right) {
            (Some(0x07), &[high, low]) => port = Some(u16::from_be_bytes([high, low])),
            (Some(0x09), &[a, b, c, d]) => address = Some([a, b, c, d]),
            _ => {}
        }
    }
    Some((address?, port?))
}

//! Octets → handshakes of peers, queries of the hash table, requests of trackers, uTP headers.

use super::bencode::{self, Value};
use crate::Cursor;

/// What a connection begins with (BEP 3).
pub const START: &[u8] = b"\x13BitTorrent protocol";
/// Octets of a handshake.
pub const HANDSHAKE: usize = 68;
/// Number every conversation with a tracker begins with (BEP 15).
const TRACKER: u64 = 0x0417_2710_1980;
/// Octets of a uTP header (BEP 29).
const UTP: usize = 20;

/// A handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake<'a> {
    pub reserved: [u8; 8],
    pub info_hash: &'a [u8],
    pub peer_id: &'a [u8],
}

/// The handshake at the front of `data`; `None` while it is not whole.
pub fn handshake(data: &[u8]) -> Option<Handshake<'_>> {
    let mut c = Cursor::new(data.strip_prefix(START)?);
    Some(Handshake { reserved: c.array()?, info_hash: c.take(20)?, peer_id: c.take(20)? })
}

/// Client and version by the first octets of a peer's identifier (BEP 20), such as `TR3000`.
pub fn client(peer_id: &[u8]) -> Option<&[u8]> {
    let word = peer_id.strip_prefix(b"-")?;
    let word = word.get(..6).filter(|_| word.get(6) == Some(&b'-'))?;
    word.iter().all(u8::is_ascii_alphanumeric).then_some(word)
}

/// A message of the distributed hash table (BEP 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dht<'a> {
    /// q, r or e.
    pub kind: u8,
    pub transaction: &'a [u8],
    pub query: Option<&'a [u8]>,
    pub node: Option<&'a [u8]>,
    pub info_hash: Option<&'a [u8]>,
    pub target: Option<&'a [u8]>,
    pub nodes: Option<u32>,
    pub peers: Option<u32>,
    pub error: Option<i64>,
    pub version: Option<&'a [u8]>,
}

/// Takes a datagram apart; `None` when it is no message.
pub fn dht(data: &[u8]) -> Option<Dht<'_>> {
    let (Value::Dictionary(whole), length) = bencode::value(data)? else {
        return None;
    };
    (length == data.len()).then_some(())?;
    let mut found = Dht::default();
    let mut sound = Some(());
    bencode::entries(whole, |key, value| match (key, value) {
        (b"y", Value::Text(&[kind])) => found.kind = kind,
        (b"t", Value::Text(text)) => found.transaction = text,
        (b"q", Value::Text(text)) => found.query = Some(text),
        (b"v", Value::Text(text)) => found.version = Some(text),
        (b"a" | b"r", Value::Dictionary(inner)) => {
            sound = sound.and(bencode::entries(inner, |key, value| found.inner(key, value)));
        }
        (b"e", Value::List(list)) => {
            if let Some((Value::Integer(code), _)) = bencode::value(list.get(1..).unwrap_or(&[])) {
                found.error = Some(code);
            }
        }
        _ => {}
    })?;
    sound?;
    let complete = match found.kind {
        b'q' => found.query.is_some() && found.node.is_some(),
        b'r' => found.node.is_some(),
        b'e' => found.error.is_some(),
        _ => false,
    };
    (complete && (1..=20).contains(&found.transaction.len())).then_some(found)
}

impl<'a> Dht<'a> {
    fn inner(&mut self, key: &[u8], value: Value<'a>) {
        match (key, value) {
            (b"id", Value::Text(id)) if id.len() == 20 => self.node = Some(id),
            (b"info_hash", Value::Text(hash)) if hash.len() == 20 => self.info_hash = Some(hash),
            (b"target", Value::Text(target)) if target.len() == 20 => self.target = Some(target),
            // Twenty octets of identifier, then address and port.
            (b"nodes", Value::Text(nodes)) => self.nodes = u32::try_from(nodes.len() / 26).ok(),
            (b"nodes6", Value::Text(nodes)) => {
                let more = u32::try_from(nodes.len() / 38).unwrap_or(0);
                self.nodes = Some(self.nodes.unwrap_or(0).saturating_add(more));
            }
            (b"values", Value::List(list)) => {
                self.peers = u32::try_from(bencode::count(list)).ok();
            }
            _ => {}
        }
    }
}

/// A message between a client and a tracker over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracker<'a> {
    pub request: bool,
    pub action: u32,
    pub transaction: u32,
    pub info_hash: Option<&'a [u8]>,
    pub peer_id: Option<&'a [u8]>,
    pub event: Option<u32>,
    pub left: Option<u64>,
    pub port: Option<u16>,
    pub seeders: Option<u32>,
    pub leechers: Option<u32>,
}

impl Tracker<'_> {
    fn of(request: bool, action: u32, transaction: u32) -> Self {
        Self {
            request,
            action,
            transaction,
            info_hash: None,
            peer_id: None,
            event: None,
            left: None,
            port: None,
            seeders: None,
            leechers: None,
        }
    }
}

/// A request for a connection, which nothing else looks like.
pub fn tracker_connect(data: &[u8]) -> Option<Tracker<'static>> {
    let mut c = Cursor::new(data);
    let (magic, action, transaction) = (c.u64()?, c.u32()?, c.u32()?);
    let sound = magic == TRACKER && action == 0 && c.is_empty();
    sound.then(|| Tracker::of(true, 0, transaction))
}

/// Any later request.
pub fn tracker_request(data: &[u8]) -> Option<Tracker<'_>> {
    if let Some(connect) = tracker_connect(data) {
        return Some(connect);
    }
    let mut c = Cursor::new(data);
    c.skip(8)?;
    let (action, transaction) = (c.u32()?, c.u32()?);
    let mut found = Tracker { ..Tracker::of(true, action, transaction) };
    match action {
        1 => {
            found.info_hash = Some(c.take(20)?);
            found.peer_id = Some(c.take(20)?);
            c.skip(8)?;
            found.left = Some(c.u64()?);
            c.skip(8)?;
            found.event = Some(c.u32()?);
            c.skip(12)?;
            found.port = Some(c.u16()?);
        }
        2 => found.info_hash = Some(c.take(20)?),
        _ => return None,
    }
    Some(found)
}

/// Any answer.
pub fn tracker_response(data: &[u8]) -> Option<Tracker<'static>> {
    let mut c = Cursor::new(data);
    let (action, transaction) = (c.u32()?, c.u32()?);
    let mut found = Tracker::of(false, action, transaction);
    match action {
        0 => (c.remaining() == 8).then_some(())?,
        1 => {
            c.skip(4)?;
            found.leechers = Some(c.u32()?);
            found.seeders = Some(c.u32()?);
        }
        2 => {
            found.seeders = Some(c.u32()?);
            c.skip(4)?;
            found.leechers = Some(c.u32()?);
        }
        3 => {}
        _ => return None,
    }
    Some(found)
}

/// A packet of the transport over UDP, with what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utp<'a> {
    pub kind: u8,
    pub sequence: u16,
    pub acknowledged: u16,
    pub payload: &'a [u8],
}

/// Takes a datagram apart; `None` when it is no packet.
pub fn utp(data: &[u8]) -> Option<Utp<'_>> {
    let mut c = Cursor::new(data);
    let [first, mut extension] = c.array()?;
    let kind = first >> 4;
    (first & 15 == 1 && kind <= 4 && extension <= 2).then_some(())?;
    c.skip(UTP.saturating_sub(6))?;
    let (sequence, acknowledged) = (c.u16()?, c.u16()?);
    for _ in 0..4 {
        if extension == 0 {
            break;
        }
        extension = c.u8()?;
        c.prefixed_u8()?;
    }
    Some(Utp { kind, sequence, acknowledged, payload: c.rest() })
}

/// Whether a uTP packet begins a connection: the first number, and nothing acknowledged.
pub fn begins(packet: &Utp<'_>) -> bool {
    let fresh = packet.kind == 4 && packet.sequence == 1 && packet.acknowledged == 0;
    fresh && packet.payload.is_empty()
}

/// The word for a tracker's action.
pub fn action(number: u32) -> &'static str {
    match number {
        0 => "connect",
        1 => "announce",
        2 => "scrape",
        _ => "error",
    }
}

/// The word for an event a client announces.
pub fn event(number: u32) -> &'static str {
    match number {
        1 => "completed",
        2 => "started",
        3 => "stopped",
        _ => "none",
    }
}

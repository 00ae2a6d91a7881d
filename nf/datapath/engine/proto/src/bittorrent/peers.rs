//! A connection of peers over TCP: handshakes, then messages with their lengths before them.

use nf_fields::BinaryRef;

use super::bencode::{self, Value};
use super::message::{self, HANDSHAKE, Handshake};
use super::{BittorrentAnomaly, BittorrentMessage, BittorrentTransaction, MAX_READ, kept, text};
use crate::{Direction, Gap, Segment, Sink, Step};

/// Longest message any implementation sends: a list of all pieces of a large torrent.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// Content of a torrent: number of the piece and offset, then octets.
const PIECE: u8 = 7;
/// Extensions (BEP 10); the first of them is their own handshake.
const EXTENDED: u8 = 20;
/// Octets of a message's length, kind, and a piece's place.
const HEAD: usize = 5;
const PLACE: usize = 8;

/// What is known of one side.
#[derive(Default)]
struct Side {
    greeted: bool,
    /// Octets of the present message that are not looked at.
    skip: u64,
    /// Nothing that follows can be read.
    lost: bool,
    messages: u64,
    content: u64,
    dht: bool,
}

/// The connection.
pub struct Peers {
    start: u64,
    client: Direction,
    sides: [Side; 2],
    record: BittorrentTransaction,
}

/// Adds a handshake to a record.
pub fn introduce(record: &mut BittorrentTransaction, h: &Handshake<'_>, first: bool) {
    record.info_hash = kept(Some(h.info_hash));
    let (id, client) = if first {
        (&mut record.peer_id, &mut record.client)
    } else {
        (&mut record.other_peer_id, &mut record.other_client)
    };
    *id = kept(Some(h.peer_id));
    *client = message::client(h.peer_id).map(text);
}

impl Peers {
    /// A connection that begins with `seg`.
    pub fn new(seg: &Segment<'_>) -> Self {
        let record = BittorrentTransaction { kind: "peers", ..BittorrentTransaction::default() };
        Self { start: seg.time, client: seg.dir, sides: Default::default(), record }
    }

    fn side(&mut self, dir: Direction) -> &mut Side {
        let [up, down] = &mut self.sides;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    pub fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let first = self.client == seg.dir;
        let side = self.side(seg.dir);
        if side.lost {
            return Step::all(seg);
        }
        if side.skip > 0 {
            let here = u64::try_from(seg.data.len()).unwrap_or(u64::MAX).min(side.skip);
            side.skip = side.skip.saturating_sub(here);
            return Step::used(usize::try_from(here).unwrap_or(seg.data.len()));
        }
        if !side.greeted {
            let begins = seg.data.starts_with(message::START);
            if !begins && !message::START.starts_with(seg.data) {
                return self.give_up(seg, out);
            }
            let Some(handshake) = message::handshake(seg.data) else {
                return Step::need(0, HANDSHAKE);
            };
            side.greeted = true;
            side.dht = handshake.reserved.last().is_some_and(|b| b & 1 != 0);
            introduce(&mut self.record, &handshake, first);
            out.message(&BittorrentMessage {
                kind: "handshake",
                info_hash: Some(BinaryRef(handshake.info_hash)),
                peer_id: Some(BinaryRef(handshake.peer_id)),
                ..BittorrentMessage::default()
            });
            return Step::used(HANDSHAKE);
        }
        self.message(seg, out)
    }

    /// One message, or the head of a long one.
    fn message(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let Some((prefix, rest)) = seg.data.split_first_chunk::<4>() else {
            return Step::need(0, 4);
        };
        let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        if length == 0 {
            // It keeps the connection alive.
            return Step::used(4);
        }
        if length > MAX_MESSAGE {
            return self.give_up(seg, out);
        }
        let Some(&kind) = rest.first() else {
            return Step::need(0, HEAD);
        };
        let whole = length.saturating_add(4);
        let first = self.client == seg.dir;
        if kind == EXTENDED && whole <= MAX_READ {
            let Some(body) = rest.get(1..length) else {
                return Step::need(0, whole);
            };
            if let Some(version) = body.strip_prefix(&[0]).and_then(version) {
                let place = if first {
                    &mut self.record.client_version
                } else {
                    &mut self.record.other_client_version
                };
                *place = Some(text(version));
            }
        }
        let side = self.side(seg.dir);
        side.messages = side.messages.saturating_add(1);
        if kind == PIECE {
            let content = length.saturating_sub(1).saturating_sub(PLACE);
            side.content = side.content.saturating_add(u64::try_from(content).unwrap_or(0));
        }
        let here = whole.min(seg.data.len());
        side.skip = u64::try_from(whole.saturating_sub(here)).unwrap_or(u64::MAX);
        Step::used(here)
    }

    fn give_up(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.anomaly(BittorrentAnomaly::MalformedMessage);
        self.side(seg.dir).lost = true;
        Step::all(seg)
    }

    /// What is lost of content does no harm; anything else hides where the next message begins.
    pub fn gap(&mut self, dir: Direction, lost: u64) -> Gap {
        let side = self.side(dir);
        match side.skip.checked_sub(lost) {
            Some(left) => side.skip = left,
            None => side.lost = true,
        }
        Gap::Resume
    }

    pub fn end(mut self, out: &mut Sink<'_>) {
        let [up, down] = &self.sides;
        let (own, other) = if self.client == Direction::Up { (up, down) } else { (down, up) };
        self.record.dht = Some(own.dht && other.dht);
        self.record.messages_up = Some(own.messages);
        self.record.messages_down = Some(other.messages);
        self.record.content_up = Some(own.content);
        self.record.content_down = Some(other.content);
        out.transaction(self.start, self.record);
    }
}

/// What a client calls itself in the handshake of extensions.
fn version(dictionary: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    bencode::entries(dictionary, |key, value| {
        if let (b"v", Value::Text(text)) = (key, value) {
            found = Some(text);
        }
    })?;
    found
}

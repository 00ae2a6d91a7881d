//! BitTorrent: peers over TCP and uTP, the distributed hash table and trackers over UDP (BEP 3, 5,
//! 10, 15, 20, 29, 32). Peers that encrypt their connection cannot be recognised.
//!
//! One transaction per connection of peers, and per question with its answer. Of content only
//! octets are counted. What is carried by uTP is looked at for a handshake only.
//!
//! Bounds: 32 unanswered questions per session, 4 KiB of a message that is read (of longer ones
//! the head), 128 octets of a text, bencoding 16 deep with 2,048 values.

mod bencode;
mod message;
mod peers;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Binary, BinaryRef, Fields, ProtoId, Text, TextRef};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, udp,
};
use message::{Dht, Tracker, Utp};
use peers::Peers;
pub use record::{BittorrentMessage, BittorrentTransaction};

/// Most questions kept while they wait for their answers.
const MAX_PENDING: usize = 32;
/// Most octets of one message of peers that are read; of longer ones the rest is skipped.
const MAX_READ: usize = 4096;
/// Most octets kept of a text.
const MAX_TEXT: usize = 128;
const OVER: &[Over] = &[tcp(&[6881]), udp(&[6881])];

anomalies! {
    /// What can be wrong with it.
    pub enum BittorrentAnomaly {
        /// Octets that no message of peers begins with; the rest of that side is not read.
        MalformedMessage = "malformed_message",
        /// A datagram that is none of the known kinds.
        MalformedDatagram = "malformed_datagram",
        /// An answer to a question nobody asked.
        UnaskedResponse = "unasked_response",
        /// More unanswered questions than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// What an answer must repeat.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Dht(Box<[u8]>),
    Tracker(u32),
}

struct Pending {
    key: Key,
    dir: Direction,
    time: u64,
    record: BittorrentTransaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Bittorrent {
    peers: Option<Peers>,
    /// Unanswered questions, oldest first.
    pending: VecDeque<Pending>,
    /// A connection by uTP.
    utp: Option<(u64, BittorrentTransaction)>,
}

impl Protocol for Bittorrent {
    const INFO: Info = Info {
        name: "bittorrent",
        id: ProtoId(52),
        title: "BitTorrent",
        spec: "BEP 3, BEP 5, BEP 15, BEP 29",
        over: OVER,
        patterns: &[
            Pattern::start(message::START),
            Pattern::start(b"d1:a"),
            Pattern::start(b"d1:r"),
            Pattern::start(b"d1:e"),
            Pattern::start(b"d2:ip"),
            Pattern::start(&[0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80]),
            Pattern::start(b"\x41"),
            Pattern::start(b"\x01"),
        ],
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_READ,
        message: BittorrentMessage::fields,
        transaction: BittorrentTransaction::fields,
        anomalies: BittorrentAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let start = message::START;
        if seg.flow.transport == Transport::Tcp {
            return match seg.data {
                data if data.starts_with(start) => Probe::Certain,
                data if start.starts_with(data) => Probe::Unsure,
                _ => Probe::No,
            };
        }
        let certain = match seg.data.first() {
            Some(b'd') => message::dht(seg.data).is_some(),
            Some(0) => message::tracker_connect(seg.data).is_some(),
            _ => message::utp(seg.data)
                .is_some_and(|p| message::begins(&p) || p.payload.starts_with(start)),
        };
        if certain { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if seg.flow.transport == Transport::Tcp {
            let peers = self.peers.get_or_insert_with(|| Peers::new(seg));
            return peers.parse(seg, out);
        }
        if out.wants_messages() || out.wants_transactions() {
            self.datagram(seg, out);
        }
        Step::all(seg)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        match &mut self.peers {
            Some(peers) => peers.gap(dir, lost),
            None => Gap::Resume,
        }
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        if let Some(peers) = self.peers.take() {
            peers.end(out);
        }
        while let Some(pending) = self.pending.pop_front() {
            out.transaction(pending.time, pending.record);
        }
        if let Some((start, record)) = self.utp.take() {
            out.transaction(start, record);
        }
    }
}

fn kept(octets: Option<&[u8]>) -> Option<Binary> {
    octets.map(|o| Binary::bounded(o, MAX_TEXT))
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

impl Bittorrent {
    fn datagram(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if let Some(found) = message::dht(seg.data) {
            return self.dht(&found, seg, out);
        }
        // A client asks before anything else, and a tracker answers what was asked.
        let asked = |p: &Pending| matches!(p.key, Key::Tracker(_)) && p.dir != seg.dir;
        let response = self.pending.iter().any(asked);
        let response = response.then(|| message::tracker_response(seg.data)).flatten();
        let request = || message::tracker_request(seg.data);
        if let Some(found) = response.or_else(request).filter(|_| self.utp.is_none()) {
            return self.tracker(&found, seg, out);
        }
        match message::utp(seg.data) {
            Some(packet) => self.utp(&packet, seg, out),
            None if seg.cut => {}
            None => out.anomaly(BittorrentAnomaly::MalformedDatagram),
        }
    }

    fn dht(&mut self, found: &Dht<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        out.message(&BittorrentMessage {
            kind: match found.kind {
                b'q' => "dht_query",
                b'r' => "dht_response",
                _ => "dht_error",
            },
            info_hash: found.info_hash.map(BinaryRef),
            query: found.query.map(TextRef),
            node_id: found.node.map(BinaryRef),
            ..BittorrentMessage::default()
        });
        let key = Key::Dht(found.transaction.into());
        if found.kind == b'q' {
            let record = BittorrentTransaction {
                kind: "dht",
                info_hash: kept(found.info_hash),
                query: found.query.map(text),
                node_id: kept(found.node),
                target: kept(found.target),
                client_version: found.version.and_then(printable),
                ..BittorrentTransaction::default()
            };
            return self.ask(key, record, seg, out);
        }
        let empty = BittorrentTransaction { kind: "dht", ..BittorrentTransaction::default() };
        let (time, mut record) = self.asked(&key, empty, seg, out);
        record.other_node_id = kept(found.node);
        record.nodes = found.nodes;
        record.peers = found.peers;
        record.error = found.error;
        record.other_client_version = found.version.and_then(printable);
        out.transaction(time, record);
    }

    fn tracker(&mut self, found: &Tracker<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        out.message(&BittorrentMessage {
            kind: if found.request { "tracker_request" } else { "tracker_response" },
            info_hash: found.info_hash.map(BinaryRef),
            peer_id: found.peer_id.map(BinaryRef),
            action: Some(message::action(found.action)),
            ..BittorrentMessage::default()
        });
        let key = Key::Tracker(found.transaction);
        let record = BittorrentTransaction {
            kind: "tracker",
            query: Some(Text::from(message::action(found.action))),
            ..BittorrentTransaction::default()
        };
        if found.request {
            let record = BittorrentTransaction {
                info_hash: kept(found.info_hash),
                peer_id: kept(found.peer_id),
                client: found.peer_id.and_then(message::client).map(text),
                event: found.event.map(message::event),
                left: found.left,
                port: found.port,
                ..record
            };
            return self.ask(key, record, seg, out);
        }
        let (time, mut record) = self.asked(&key, record, seg, out);
        record.seeders = found.seeders;
        record.leechers = found.leechers;
        record.error = (found.action == 3).then_some(i64::from(found.action));
        out.transaction(time, record);
    }

    fn utp(&mut self, packet: &Utp<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let handshake = message::handshake(packet.payload);
        out.message(&BittorrentMessage {
            kind: "utp",
            info_hash: handshake.map(|h| BinaryRef(h.info_hash)),
            peer_id: handshake.map(|h| BinaryRef(h.peer_id)),
            utp_type: Some(packet.kind),
            utp_sequence: Some(packet.sequence),
            ..BittorrentMessage::default()
        });
        let (_, record) = self.utp.get_or_insert_with(|| {
            let empty = BittorrentTransaction { kind: "utp", ..BittorrentTransaction::default() };
            (seg.time, empty)
        });
        if let Some(handshake) = handshake {
            peers::introduce(record, &handshake, record.peer_id.is_none());
        }
        // A handshake is no content; what follows it in the same packet is.
        let head = if handshake.is_some() { message::HANDSHAKE } else { 0 };
        let sent = u64::try_from(packet.payload.len().saturating_sub(head)).unwrap_or(0);
        let content = match seg.dir {
            Direction::Up => &mut record.content_up,
            Direction::Down => &mut record.content_down,
        };
        *content = Some(content.unwrap_or(0).saturating_add(sent));
    }

    fn ask(
        &mut self,
        key: Key,
        record: BittorrentTransaction,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if !out.wants_transactions() {
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(BittorrentAnomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(Pending { key, dir: seg.dir, time: seg.time, record });
    }

    /// The question an answer is for, or `otherwise` where nobody asked.
    fn asked(
        &mut self,
        key: &Key,
        otherwise: BittorrentTransaction,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> (u64, BittorrentTransaction) {
        let waiting = self.pending.iter().position(|p| &p.key == key && p.dir != seg.dir);
        match waiting.and_then(|at| self.pending.remove(at)) {
            Some(mut pending) => {
                pending.record.response_us = Some(seg.time.saturating_sub(pending.time) / 1000);
                (pending.time, pending.record)
            }
            None => {
                // Without a listener no question is remembered, so that none can be missed.
                if out.wants_transactions() {
                    out.anomaly(BittorrentAnomaly::UnaskedResponse);
                }
                (seg.time, otherwise)
            }
        }
    }
}

/// A client's two letters, behind which are the numbers of its version.
fn printable(version: &[u8]) -> Option<Text> {
    let word = version.get(..2)?;
    word.iter().all(u8::is_ascii_graphic).then(|| text(word))
}

//! What protocols below IP say: LLDP, spanning tree, PPPoE… Packets of no session have no row of
//! their own; where a parser reads one of their headers, its state is kept per pair of hardware
//! addresses. All such packets are one worker's, so any number of workers says the same.

use std::collections::BTreeMap;

use nf_fields::{Mac, ProtoId};
use nf_proto::{Context, Direction, Dissection, Flow, Segment, TimeoutClass};
use nf_stream::Pool;
use nf_wire::{Layer, Transport, ethernet, id, sll};

use crate::observe::{Anomalies, Heard};
use crate::parcel::Item;
use crate::path::Path;
use crate::session::Notes;
use crate::snapshot::Snapshot;

/// Most conversations of one engine; the one silent for longest makes room.
const MAX_CONVERSATIONS: usize = 1024;

/// Protocol, VLAN identifier + 1, and both hardware addresses in order.
pub(crate) type Key = (ProtoId, u16, [[u8; 6]; 2]);

#[derive(Default)]
struct Conversation {
    dissection: Dissection,
    notes: Option<Box<Notes>>,
    /// The sender of the first packet has the higher address.
    initiator_is_high: bool,
    /// Clock at the last packet.
    seen: u64,
    /// Time of that packet.
    last: u64,
    /// Of the first packet.
    path: Path,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Links {
    conversations: BTreeMap<Key, Conversation>,
}

/// What reading a packet takes besides the packet.
pub(crate) struct Room<'a> {
    pub snapshot: &'a Snapshot,
    pub pool: &'a mut Pool,
    pub heard: &'a mut Heard,
    pub anomalies: &'a mut Anomalies,
}

impl Room<'_> {
    fn with(
        &mut self,
        notes: &mut Option<Box<Notes>>,
        now: u64,
        act: impl FnOnce(&mut Context<'_>),
    ) {
        let mut ear = self.heard.ear(notes, self.anomalies, self.snapshot, now);
        let shared = &self.snapshot.dissector;
        act(&mut Context { shared, pool: self.pool, observer: &mut ear });
    }
}

impl Links {
    /// Has the parser of `layer` read a packet.
    pub fn read(&mut self, item: &Item, frame: &[u8], layer: Layer, room: &mut Room<'_>) {
        let Some(data) = frame.get(usize::from(layer.offset)..).filter(|d| !d.is_empty()) else {
            return;
        };
        let (key, swapped) = key(item, frame, layer);
        let ends = key.2;
        // Taken out meanwhile: what makes its parser panic is gone with it.
        let mut talk = self.conversations.remove(&key).unwrap_or_else(|| {
            let path = item.packet.layers().iter().map(|l| l.proto).collect();
            Conversation { initiator_is_high: swapped, path, ..Conversation::default() }
        });
        talk.seen = item.clock;
        talk.last = item.at.timestamp;
        let first = if talk.initiator_is_high { [ends[1], ends[0]] } else { ends };
        let flow = Flow {
            initiator: std::net::Ipv4Addr::UNSPECIFIED.into(),
            responder: std::net::Ipv4Addr::UNSPECIFIED.into(),
            initiator_port: 0,
            responder_port: 0,
            transport: Transport::Other,
            protocol: 0,
            header: Some(layer.proto),
            link: Some(first.map(Mac)),
        };
        let up = swapped == talk.initiator_is_high;
        let dir = if up { Direction::Up } else { Direction::Down };
        let cut = frame.len() < item.at.length as usize;
        let seg = Segment { data, dir, time: item.at.timestamp, cut, ppid: 0, flow: &flow };
        let Conversation { dissection, notes, .. } = &mut talk;
        room.with(notes, seg.time, |cx| {
            dissection.feed(cx, &seg);
        });
        self.conversations.insert(key, talk);
    }

    /// The conversation that must make room for the packet's, if one must.
    pub fn crowded(&self, item: &Item, frame: &[u8], layer: Layer) -> Option<Key> {
        let full = self.conversations.len() >= MAX_CONVERSATIONS
            && !self.conversations.contains_key(&key(item, frame, layer).0);
        let oldest = || self.conversations.iter().min_by_key(|(_, talk)| talk.seen);
        full.then(oldest).flatten().map(|(&key, _)| key)
    }

    /// A conversation that has been silent for as long as a session may be.
    pub fn silent(&self, clock: u64, snapshot: &Snapshot) -> Option<Key> {
        let patience = snapshot.timeouts.of(TimeoutClass::Long);
        let over = |talk: &Conversation| clock.saturating_sub(talk.seen) >= patience;
        self.conversations.iter().find(|(_, talk)| over(talk)).map(|(&key, _)| key)
    }

    /// Any conversation.
    pub fn any(&self) -> Option<Key> {
        self.conversations.keys().next().copied()
    }

    /// Has a conversation say what it still has to say; its path and the time of its last packet.
    pub fn end(&mut self, key: Key, room: &mut Room<'_>) -> (Path, u64) {
        let Some(mut talk) = self.conversations.remove(&key) else { return Default::default() };
        room.with(&mut talk.notes, talk.last, |cx| talk.dissection.end(cx));
        (talk.path, talk.last)
    }
}

/// The conversation of a packet, and whether its sender is the second end of the key.
fn key(item: &Item, frame: &[u8], layer: Layer) -> (Key, bool) {
    let [source, target] = addresses(item, frame);
    let swapped = source > target;
    let ends = if swapped { [target, source] } else { [source, target] };
    ((layer.proto, item.packet.vlan, ends), swapped)
}

/// Hardware addresses of sender and receiver; zeros where the link has none.
fn addresses(item: &Item, frame: &[u8]) -> [[u8; 6]; 2] {
    let layers = item.packet.layers();
    let Some(outer) = layers.iter().rev().find(|l| matches!(l.proto, id::ETHERNET | id::SLL))
    else {
        return Default::default();
    };
    let octets = frame.get(usize::from(outer.offset)..).unwrap_or_default();
    if outer.proto == id::ETHERNET {
        let header = ethernet::Header::new_checked(octets);
        return header.map_or_else(|_| Default::default(), |h| [h.src().0, h.dst().0]);
    }
    let header = sll::Header::new_checked(octets);
    let [_, _, source @ ..] = header.map_or(0, |h| h.address() >> 16).to_be_bytes();
    [source, [0; 6]]
}

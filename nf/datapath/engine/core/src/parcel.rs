//! What a worker is given: packets taken apart, with the memory they point into.

use std::sync::Arc;

use nf_capture::{Block, PacketRef};
use nf_flow::{Clock, SessionKey};
use nf_wire::{MAX_IP_LAYERS, Packet};

use crate::overview::Overview;

/// A session key with what lookup needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owner {
    /// The key.
    pub key: SessionKey,
    /// Its hash.
    pub hash: u64,
    /// Whether the packet's source is the key's higher end.
    pub swapped: bool,
}

/// Why a worker gets an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// To process it: its innermost session (or none) is the worker's.
    #[default]
    Packet,
    /// To count it on the outer sessions in `layers` only.
    Carried,
    /// No packet: time has come to `clock`.
    Tick,
}

/// A packet taken apart, or a tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Item {
    /// Why.
    pub kind: Kind,
    /// The IP layers that are the worker's, one bit each.
    pub layers: u8,
    /// Place in the order of dispatch, from 1.
    pub sequence: u64,
    /// Place in the capture, from 1.
    pub index: u64,
    /// The clock when it was dispatched.
    pub clock: u64,
    /// Octets and time stamp; `block` counts the parcel's blocks. Of a tick only the time stamp
    /// counts: where the capture is, in its own time.
    pub at: PacketRef,
    /// The headers.
    pub packet: Packet,
    /// How things stand over all packets; only where somebody asks.
    pub overview: Overview,
    /// Session keys of the IP layers.
    pub owners: [Owner; MAX_IP_LAYERS],
}

/// Items for one worker, with the memory they point into.
#[derive(Default)]
pub struct Parcel {
    blocks: Vec<Arc<Block>>,
    items: Vec<Item>,
    len: usize,
    /// All items up to this place in the order of dispatch have been handed out.
    pub upto: u64,
}

impl Parcel {
    /// Forgets the items; their room is kept.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.len = 0;
    }

    /// The items.
    #[inline]
    pub fn items(&self) -> &[Item] {
        &self.items[..self.len]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The octets of an item.
    #[inline]
    pub fn bytes(&self, item: &Item) -> &[u8] {
        let start = item.at.offset as usize;
        let end = start.saturating_add(item.at.captured as usize);
        self.blocks
            .get(usize::from(item.at.block))
            .and_then(|block| block.bytes().get(start..end))
            .unwrap_or_default()
    }

    /// Room for one more item; what stood there before has to be overwritten.
    #[inline]
    pub(crate) fn room(&mut self) -> &mut Item {
        if self.len == self.items.len() {
            self.items.push(Item::default());
        }
        self.len += 1;
        &mut self.items[self.len - 1]
    }

    /// Takes back the room given last.
    #[inline]
    pub(crate) fn take_back(&mut self) {
        self.len -= 1;
    }

    /// The parcel's number for a block.
    #[inline]
    pub(crate) fn block(&mut self, block: &Arc<Block>) -> u16 {
        // The last one is nearly always the one.
        let known = self.blocks.iter().rposition(|b| Arc::ptr_eq(b, block));
        let at = known.unwrap_or_else(|| {
            self.blocks.push(block.clone());
            self.blocks.len() - 1
        });
        at as u16
    }

    pub(crate) fn push(&mut self, item: &Item, block: &Arc<Block>) {
        let number = self.block(block);
        let room = self.room();
        *room = *item;
        room.at.block = number;
    }

    pub(crate) fn tick(&mut self, sequence: u64, clock: &Clock) {
        let room = self.room();
        room.kind = Kind::Tick;
        room.sequence = sequence;
        room.clock = clock.now();
        room.at.timestamp = clock.reference();
    }
}

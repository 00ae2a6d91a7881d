//! Takes packets apart and gives each to the worker that owns its session.
//!
//! One dispatcher sees all packets in capture order, so everything that depends on order is
//! decided here: the packet's number, the clock, and which datagram a fragment belongs to. A
//! session's owner follows from its key, so that every session is handled by one worker and
//! nothing a worker does depends on how many there are. The sessions around a tunnelled packet
//! may belong to other workers than the inner one: those get the packet too, for their layers.

use std::sync::Arc;

use nf_capture::{Batch, Block, PacketRef};
use nf_flow::{Clock, ClockFaults, KeyHasher, SessionKey, TICK_NS};
use nf_wire::{Fault, LinkType, MAX_IP_LAYERS, Packet};

use crate::fragments::{Fragments, Verdict};
use crate::snapshot::Snapshot;

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
    /// Session keys of the IP layers.
    pub owners: [Owner; MAX_IP_LAYERS],
}

/// Items on their way to one worker, with the memory they point into.
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

    fn room(&mut self) -> &mut Item {
        if self.len == self.items.len() {
            self.items.push(Item::default());
        }
        self.len += 1;
        &mut self.items[self.len - 1]
    }

    fn block(&mut self, block: &Arc<Block>) -> u16 {
        // The last one is nearly always the one.
        let known = self.blocks.iter().rposition(|b| Arc::ptr_eq(b, block));
        let at = known.unwrap_or_else(|| {
            self.blocks.push(block.clone());
            self.blocks.len() - 1
        });
        at as u16
    }

    fn push(&mut self, item: &Item, block: &Arc<Block>) {
        let number = self.block(block);
        let room = self.room();
        *room = *item;
        room.at.block = number;
    }

    fn tick(&mut self, sequence: u64, clock: &Clock) {
        let room = self.room();
        room.kind = Kind::Tick;
        room.sequence = sequence;
        room.clock = clock.now();
        room.at.timestamp = clock.reference();
    }
}

/// Packets that could not be taken apart, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeErrors {
    /// Captured octets end inside a header.
    pub truncated: u64,
    /// A header contradicts itself.
    pub malformed: u64,
    /// Too many layers.
    pub too_deep: u64,
    /// Unknown link type.
    pub unknown_link: u64,
}

impl DecodeErrors {
    /// All reasons together.
    pub fn total(&self) -> u64 {
        self.truncated + self.malformed + self.too_deep + self.unknown_link
    }

    /// By name.
    pub fn by_name(&self) -> [(&'static str, u64); 4] {
        [
            ("truncated", self.truncated),
            ("malformed", self.malformed),
            ("too_deep", self.too_deep),
            ("unknown_link", self.unknown_link),
        ]
    }
}

/// See the module.
pub struct Dispatcher {
    hasher: KeyHasher,
    workers: u64,
    clock: Clock,
    ticked: u64,
    sequence: u64,
    index: u64,
    fragments: Fragments,
    errors: DecodeErrors,
    released: Vec<(Item, Arc<Block>)>,
}

impl Dispatcher {
    /// A dispatcher for `workers` workers.
    pub fn new(workers: usize, hasher: KeyHasher) -> Self {
        Self {
            hasher,
            workers: workers.max(1) as u64,
            clock: Clock::default(),
            ticked: 0,
            sequence: 0,
            index: 0,
            fragments: Fragments::default(),
            errors: DecodeErrors::default(),
            released: Vec::new(),
        }
    }

    /// Dispatches a batch; `parcels` has one per worker.
    pub fn dispatch(&mut self, batch: &Batch, snapshot: &Snapshot, parcels: &mut [Parcel]) {
        for packet in batch.packets() {
            let Some(block) = batch.blocks().get(usize::from(packet.block)) else { continue };
            self.one(packet, batch.bytes(packet), block, snapshot, parcels);
        }
    }

    #[inline]
    fn one(
        &mut self,
        at: &PacketRef,
        frame: &[u8],
        block: &Arc<Block>,
        snapshot: &Snapshot,
        parcels: &mut [Parcel],
    ) {
        self.index += 1;
        let clock = self.clock.observe(at.timestamp);
        if clock / TICK_NS > self.ticked {
            self.ticked = clock / TICK_NS;
            self.tick(clock, snapshot, parcels);
        }
        if let [parcel] = parcels {
            // One worker: taken apart in place.
            let number = parcel.block(block);
            let item = parcel.room();
            item.at = PacketRef { block: number, ..*at };
            item.index = self.index;
            item.clock = clock;
            let keep = self.take_apart(item, frame, snapshot)
                && self.place_fragment(item, block)
                && self.finish_item(item);
            if !keep {
                parcel.len -= 1;
            }
        } else {
            let mut item = Item { at: *at, index: self.index, clock, ..Item::default() };
            if self.take_apart(&mut item, frame, snapshot) && self.place_fragment(&mut item, block)
            {
                self.hand_out(&mut item, block, parcels);
            }
        }
        self.hand_out_released(parcels);
    }

    fn hand_out_released(&mut self, parcels: &mut [Parcel]) {
        if !self.released.is_empty() {
            let mut released = std::mem::take(&mut self.released);
            for (mut item, block) in released.drain(..) {
                self.hand_out(&mut item, &block, parcels);
            }
            self.released = released;
        }
    }

    /// Fills in headers and keys. False when the packet ends here, as a decode error.
    #[inline]
    fn take_apart(&mut self, item: &mut Item, frame: &[u8], snapshot: &Snapshot) -> bool {
        let link = snapshot.root.unwrap_or_else(|| LinkType::from_dlt(item.at.link.into()));
        nf_wire::decode(link, frame, item.at.length, &mut item.packet);
        if item.packet.fault != Fault::None && item.packet.ips().is_empty() {
            match item.packet.fault {
                Fault::Truncated => self.errors.truncated += 1,
                Fault::Malformed | Fault::None => self.errors.malformed += 1,
                Fault::TooDeep => self.errors.too_deep += 1,
                Fault::UnknownLink => self.errors.unknown_link += 1,
            }
            return false;
        }
        self.address(item, frame, snapshot);
        true
    }

    #[inline]
    fn address(&mut self, item: &mut Item, frame: &[u8], snapshot: &Snapshot) {
        let vlan = item.packet.vlan;
        for (ip, owner) in item.packet.ips().iter().zip(&mut item.owners) {
            if let Some((key, swapped)) = SessionKey::new(frame, ip, vlan, snapshot.key) {
                *owner = Owner { key, swapped, hash: self.hasher.hash(&key) };
            } else {
                *owner = Owner::default();
            }
        }
    }

    /// Gives fragments the ports of their datagram. False when the item waits for them.
    #[inline]
    fn place_fragment(&mut self, item: &mut Item, block: &Arc<Block>) -> bool {
        match item.packet.ips().last() {
            Some(ip) if ip.fragment.is_some() => {}
            _ => return true,
        }
        let verdict = self.fragments.place(item, block, &self.hasher, &mut self.released);
        verdict == Verdict::Placed
    }

    /// The last of what every item gets: its place in the order.
    #[inline]
    fn finish_item(&mut self, item: &mut Item) -> bool {
        self.sequence += 1;
        item.sequence = self.sequence;
        item.kind = Kind::Packet;
        item.layers = u8::MAX;
        true
    }

    fn hand_out(&mut self, item: &mut Item, block: &Arc<Block>, parcels: &mut [Parcel]) {
        self.finish_item(item);
        let count = item.packet.ips().len();
        let worker_of = |hash: u64| ((u128::from(hash) * u128::from(self.workers)) >> 64) as usize;
        let owner = match count {
            0 => 0,
            n => worker_of(item.owners[n - 1].hash),
        };
        let mut masks = [0u8; MAX_IP_LAYERS];
        let mut owners = [owner; MAX_IP_LAYERS];
        for layer in 0..count {
            owners[layer] = worker_of(item.owners[layer].hash);
            // Collect per worker under the first layer it owns.
            let first = (0..layer).find(|&l| owners[l] == owners[layer]).unwrap_or(layer);
            masks[first] |= 1 << layer;
        }
        for layer in 0..count {
            if masks[layer] != 0 && owners[layer] != owner {
                item.kind = Kind::Carried;
                item.layers = masks[layer];
                if let Some(parcel) = parcels.get_mut(owners[layer]) {
                    parcel.push(item, block);
                }
            }
        }
        item.kind = Kind::Packet;
        item.layers = (0..count).filter(|&l| owners[l] == owner).fold(0, |mask, l| mask | 1 << l);
        if let Some(parcel) = parcels.get_mut(owner) {
            parcel.push(item, block);
        }
    }

    fn tick(&mut self, clock: u64, _snapshot: &Snapshot, parcels: &mut [Parcel]) {
        self.fragments.expire(clock, &mut self.released);
        self.hand_out_released(parcels);
        // A number of its own: rows of a tick come before the packet that brought the time.
        self.sequence += 1;
        for parcel in parcels {
            parcel.tick(self.sequence, &self.clock);
        }
    }

    /// The capture is over: fragments still waiting go out as they are.
    pub fn finish(&mut self, parcels: &mut [Parcel]) {
        self.fragments.expire(u64::MAX, &mut self.released);
        self.hand_out_released(parcels);
    }

    /// Marks how far the parcels reach; call before they are given to their workers.
    pub fn mark(&self, parcels: &mut [Parcel]) {
        parcels.iter_mut().for_each(|parcel| parcel.upto = self.sequence);
    }

    /// Packets taken so far.
    pub fn taken(&self) -> u64 {
        self.index
    }

    /// Place in the order that the end of the capture has.
    pub fn last_sequence(&self) -> u64 {
        self.sequence + 1
    }

    /// Packets that could not be taken apart.
    pub fn errors(&self) -> DecodeErrors {
        self.errors
    }

    /// The clock's reading.
    pub fn clock(&self) -> u64 {
        self.clock.now()
    }

    /// Time stamps not followed.
    pub fn clock_faults(&self) -> ClockFaults {
        self.clock.faults()
    }

    /// Fragments given up: sent on without their datagram's ports.
    pub fn orphans(&self) -> u64 {
        self.fragments.orphans()
    }
}

//! Takes packets apart and picks out those of one worker.
//!
//! Every worker has a dispatcher, and every dispatcher sees all packets in capture order, so that
//! all of them decide alike what depends on order: the packet's number, the clock, and which
//! datagram a fragment belongs to. A session's owner follows from its key, so that every session
//! is handled by one worker and nothing a worker does depends on how many there are. Reading a
//! header twice is cheaper than handing over what was read (docs/decisions/0005). The sessions
//! around a tunnelled packet may belong to other workers than the inner one: those take the
//! packet too, for their layers.

use std::sync::Arc;

use nf_capture::{Batch, Block, PacketRef};
use nf_flow::{Clock, ClockFaults, KeyHasher, SessionKey, TICK_NS};
use nf_wire::{Fault, LinkType};

use crate::fragments::{Fragments, Verdict};
use crate::overview::Overseer;
use crate::parcel::{Item, Kind, Owner, Parcel};
use crate::snapshot::Snapshot;

/// Packets whose headers are fetched ahead of the walk.
const AHEAD: usize = 6;

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

/// Which of how many workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Counted from 0.
    pub number: usize,
    /// At least 1.
    pub of: usize,
}

impl Share {
    /// Everything.
    pub const ALL: Share = Share { number: 0, of: 1 };

    /// Whether what has this hash is the worker's.
    #[inline]
    fn has(self, hash: u64) -> bool {
        self.of <= 1 || (u128::from(hash) * self.of as u128) >> 64 == self.number as u128
    }
}

/// See the module.
pub struct Dispatcher {
    hasher: KeyHasher,
    share: Share,
    clock: Clock,
    ticked: u64,
    sequence: u64,
    index: u64,
    fragments: Fragments,
    overseer: Overseer,
    errors: DecodeErrors,
    released: Vec<(Item, Arc<Block>)>,
}

impl Dispatcher {
    /// The dispatcher of a worker. All of an engine have equal hashers.
    pub fn new(share: Share, hasher: KeyHasher) -> Self {
        Self {
            hasher,
            share,
            clock: Clock::default(),
            ticked: 0,
            sequence: 0,
            index: 0,
            fragments: Fragments::default(),
            overseer: Overseer::default(),
            errors: DecodeErrors::default(),
            released: Vec::new(),
        }
    }

    /// Adds to `parcel` what the worker gets of a batch.
    pub fn dispatch(&mut self, batch: &Batch, snapshot: &Snapshot, parcel: &mut Parcel) {
        let packets = batch.packets();
        packets.iter().take(AHEAD).for_each(|packet| batch.prefetch(packet));
        for (n, packet) in packets.iter().enumerate() {
            if let Some(later) = packets.get(n + AHEAD) {
                batch.prefetch(later);
            }
            if let Some(block) = batch.blocks().get(usize::from(packet.block)) {
                self.one(packet, batch.bytes(packet), block, snapshot, parcel);
            }
        }
        if let Some(time) = batch.time() {
            self.pass(time, parcel);
        }
        parcel.upto = self.sequence;
    }

    #[inline]
    fn one(
        &mut self,
        at: &PacketRef,
        frame: &[u8],
        block: &Arc<Block>,
        snapshot: &Snapshot,
        parcel: &mut Parcel,
    ) {
        self.index += 1;
        let clock = self.clock.observe(at.timestamp);
        if clock / TICK_NS > self.ticked {
            self.ticked = clock / TICK_NS;
            self.tick(clock, parcel);
        }
        // Taken apart where it will stay, if it is the worker's.
        let number = parcel.block(block);
        let item = parcel.room();
        item.at = PacketRef { block: number, ..*at };
        item.index = self.index;
        item.clock = clock;
        let mine = self.take_apart(item, frame, snapshot)
            && self.place_fragment(item, block)
            && self.claim(item);
        if !mine {
            parcel.take_back();
        }
        self.hand_out_released(parcel);
    }

    /// Time went on without packets.
    fn pass(&mut self, time: u64, parcel: &mut Parcel) {
        // Before the first packet there is nothing that could end.
        if self.index > 0 && time > self.clock.reference() {
            let clock = self.clock.observe(time);
            if clock / TICK_NS > self.ticked {
                self.ticked = clock / TICK_NS;
                self.tick(clock, parcel);
            }
        }
    }

    fn hand_out_released(&mut self, parcel: &mut Parcel) {
        if !self.released.is_empty() {
            let mut released = std::mem::take(&mut self.released);
            for (mut item, block) in released.drain(..) {
                if self.claim(&mut item) {
                    parcel.push(&item, &block);
                }
            }
            self.released = released;
        }
    }

    /// Fills in headers and keys. False when the packet ends here, as a decode error.
    #[inline]
    fn take_apart(&mut self, item: &mut Item, frame: &[u8], snapshot: &Snapshot) -> bool {
        let link = snapshot.root.unwrap_or_else(|| LinkType::from_dlt(item.at.link.into()));
        nf_wire::decode(link, frame, item.at.length, &mut item.packet);
        if let Some(users) = snapshot.dissector.users_of_tunnels()
            && item.packet.fault == Fault::None
        {
            users.enter(frame, &mut item.packet);
        }
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
        if snapshot.plan.oversees {
            self.overseer.note(item, frame);
        }
        true
    }

    #[inline]
    fn address(&mut self, item: &mut Item, frame: &[u8], snapshot: &Snapshot) {
        for (ip, owner) in item.packet.ips().iter().zip(&mut item.owners) {
            let vlan = item.packet.vlan_of(ip);
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

    /// Gives the item its place in the order, which it has whosever it is. Whether any of it is
    /// the worker's, and as what.
    #[inline]
    fn claim(&mut self, item: &mut Item) -> bool {
        self.sequence += 1;
        item.sequence = self.sequence;
        item.kind = Kind::Packet;
        item.layers = u8::MAX;
        if self.share.of <= 1 {
            return true;
        }
        let count = item.packet.ips().len();
        if count == 0 {
            // Of no session. All are one worker's, so that the first of a kind is the first.
            return self.share.number == 0;
        }
        let layers = item.owners.iter().take(count).enumerate();
        item.layers = layers
            .filter(|(_, owner)| self.share.has(owner.hash))
            .fold(0, |layers, (layer, _)| layers | 1 << layer);
        if item.layers >> (count - 1) & 1 == 0 {
            item.kind = Kind::Carried;
        }
        item.layers != 0
    }

    fn tick(&mut self, clock: u64, parcel: &mut Parcel) {
        self.fragments.expire(clock, &mut self.released);
        self.hand_out_released(parcel);
        // A number of its own: rows of a tick come before the packet that brought the time.
        self.sequence += 1;
        parcel.tick(self.sequence, &self.clock);
    }

    /// The capture is over: fragments still waiting go out as they are.
    pub fn finish(&mut self, parcel: &mut Parcel) {
        self.fragments.expire(u64::MAX, &mut self.released);
        self.hand_out_released(parcel);
        parcel.upto = self.sequence;
    }

    /// Place in the order that the end of the capture has.
    pub fn last_sequence(&self) -> u64 {
        self.sequence + 1
    }

    /// Packets that could not be taken apart, whosever they would have been.
    pub fn errors(&self) -> DecodeErrors {
        self.errors
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

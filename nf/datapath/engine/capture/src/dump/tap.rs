//! The way of packets from engines to a dump: engines offer every batch, and never wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::af_packet::wall_clock;
use crate::block::{Batch, Block, PacketRef};

/// Pieces that may be on their way.
const MOST_PIECES: usize = 4096;
/// Octets that they may keep, and with them the memory of blocks: less than live sources have
/// blocks to use again.
const MOST_HELD: usize = 24 << 20;
/// What is no larger is copied, and its block is free at once.
const LARGEST_COPY: usize = 64 << 10;

/// Says what an interface is called, by the number that its packets carry.
pub type Names = Box<dyn Fn(u16) -> Option<String> + Send + Sync>;

/// Where a packet comes from, as far as a file tells interfaces apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    /// Which engine.
    pub branch: u32,
    pub source: u16,
    pub interface: u16,
    pub link: u16,
}

/// An engine, as a dump knows it.
pub(super) struct Sender {
    pub number: u32,
    /// Only packets that were captured from this time on, and before the other: where an engine
    /// takes over from another, both capture for a while.
    from: AtomicU64,
    until: AtomicU64,
    live: bool,
    names: Names,
}

impl Sender {
    /// Whether its packets of this time count.
    pub fn has(&self, time: u64) -> bool {
        !self.live
            || (time >= self.from.load(Ordering::Acquire)
                && time < self.until.load(Ordering::Acquire))
    }

    pub fn origin(&self, packet: &PacketRef) -> Origin {
        let PacketRef { source, interface, link, .. } = *packet;
        Origin { branch: self.number, source, interface, link }
    }

    pub fn name(&self, source: u16) -> Option<String> {
        (self.names)(source)
    }

    /// Whether its interfaces have names, although one may not be known yet.
    pub fn is_live(&self) -> bool {
        self.live
    }
}

/// Packets on their way.
pub(super) struct Piece {
    pub sender: Arc<Sender>,
    pub packets: Batch,
    weight: usize,
}

/// A dump that takes packets.
pub(super) struct Intake {
    to_writer: SyncSender<Piece>,
    held: AtomicUsize,
    /// Packets for which there was no room.
    dropped: AtomicU64,
    /// Where they came from. Only who has no room for packets takes this lock.
    missed: Mutex<HashMap<Origin, u64>>,
}

impl Intake {
    fn take(&self, batch: &Batch, sender: &Arc<Sender>) {
        let octets: usize = batch.iter().map(|(_, bytes)| bytes.len()).sum();
        let kept = batch.blocks().iter().map(|block| block.capacity()).sum::<usize>().max(octets);
        let copies = octets <= LARGEST_COPY;
        let weight = size_of::<PacketRef>() * batch.len() + if copies { octets } else { kept };
        if self.held.fetch_add(weight, Ordering::Relaxed).saturating_add(weight) > MOST_HELD {
            self.held.fetch_sub(weight, Ordering::Relaxed);
            return self.miss(batch, sender);
        }
        let packets = if copies { copied(batch, octets) } else { batch.shared() };
        let piece = Piece { sender: Arc::clone(sender), packets, weight };
        if self.to_writer.try_send(piece).is_err() {
            self.held.fetch_sub(weight, Ordering::Relaxed);
            self.miss(batch, sender);
        }
    }

    fn miss(&self, batch: &Batch, sender: &Sender) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        for (packet, _) in batch.iter().filter(|(packet, _)| sender.has(packet.timestamp)) {
            *missed.entry(sender.origin(packet)).or_default() += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A piece has been written.
    pub fn release(&self, piece: &Piece) {
        self.held.fetch_sub(piece.weight, Ordering::Relaxed);
    }

    /// Packets for which there was no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Where they came from.
    pub fn missed(&self) -> HashMap<Origin, u64> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The packets of a batch in a block of their own.
fn copied(batch: &Batch, octets: usize) -> Batch {
    let mut memory = Vec::with_capacity(octets);
    let mut packets = Batch::with_capacity(batch.len());
    for (packet, bytes) in batch.iter() {
        packets.push(PacketRef { block: 0, offset: memory.len() as u64, ..*packet });
        memory.extend_from_slice(bytes);
    }
    packets.add_block(&Arc::new(Block::owned(memory)));
    packets
}

struct Current {
    intake: Option<Arc<Intake>>,
    /// Grows with every dump.
    dumps: u64,
    branches: u32,
    /// Who captures.
    latest: Weak<Sender>,
}

/// What engines offer their packets to; one for a process, whatever engines come and go.
pub struct Tap {
    /// The number of the dump that takes packets; 0 for none.
    taking: AtomicU64,
    current: Mutex<Current>,
}

impl Default for Tap {
    fn default() -> Self {
        let current = Current { intake: None, dumps: 0, branches: 0, latest: Weak::new() };
        Self { taking: AtomicU64::new(0), current: Mutex::new(current) }
    }
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, Current> {
        // What is inside is whole between any two lines that change it.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A way for an engine that begins now. A live one takes over from the one before: what is
    /// captured from now on counts of the new one only.
    pub fn branch(self: &Arc<Self>, live: bool, names: Names) -> Branch {
        let mut current = self.lock();
        let now = wall_clock();
        let before = current.latest.upgrade().filter(|before| before.live && live);
        if let Some(before) = &before {
            before.until.fetch_min(now, Ordering::AcqRel);
        }
        let sender = Arc::new(Sender {
            number: current.branches,
            from: AtomicU64::new(if before.is_some() { now } else { 0 }),
            until: AtomicU64::new(u64::MAX),
            live,
            names,
        });
        current.branches = current.branches.wrapping_add(1);
        current.latest = Arc::downgrade(&sender);
        Branch { tap: Arc::clone(self), sender, known: 0, intake: None }
    }

    /// Has a dump take packets: its end of the way, and what they share.
    pub(super) fn open(&self) -> (Arc<Intake>, Receiver<Piece>) {
        let (to_writer, pieces) = sync_channel(MOST_PIECES);
        let intake = Arc::new(Intake {
            to_writer,
            held: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            missed: Mutex::default(),
        });
        let mut current = self.lock();
        current.dumps += 1;
        current.intake = Some(Arc::clone(&intake));
        self.taking.store(current.dumps, Ordering::Release);
        (intake, pieces)
    }

    /// Has nobody offer packets any more.
    pub(super) fn close(&self) {
        self.taking.store(0, Ordering::Release);
        self.lock().intake = None;
    }
}

/// An engine's way to whatever dump there is.
pub struct Branch {
    tap: Arc<Tap>,
    sender: Arc<Sender>,
    /// The dump that it knows.
    known: u64,
    intake: Option<Arc<Intake>>,
}

impl Branch {
    /// Offers packets to a dump, if there is one. Never waits.
    #[inline]
    pub fn offer(&mut self, batch: &Batch) {
        let taking = self.tap.taking.load(Ordering::Relaxed);
        if taking != self.known {
            self.look(taking);
        }
        if let Some(intake) = &self.intake
            && !batch.is_empty()
        {
            intake.take(batch, &self.sender);
        }
    }

    #[cold]
    fn look(&mut self, taking: u64) {
        self.intake = if taking == 0 { None } else { self.tap.lock().intake.clone() };
        self.known = taking;
    }
}

//! Packets by reference: blocks of memory, and batches of packets that point into them.

use std::sync::Arc;

use crate::format::CACHE_LINE;
use crate::mapping::Mapping;

/// Packets a batch holds unless it is made with another capacity.
pub const DEFAULT_CAPACITY: usize = 256;

/// Cache lines that hold a packet's headers.
const PREFETCHED_LINES: usize = 2;

/// Memory that packets point into. Shared; freed when the last batch that uses it goes.
#[derive(Debug)]
pub struct Block {
    memory: Memory,
}

#[derive(Debug)]
enum Memory {
    /// The first `used` bytes of the buffer hold data.
    Owned { buffer: Box<[u8]>, used: usize },
    /// A window of a file.
    Mapped(Mapping),
}

impl Block {
    /// A block that owns `bytes`.
    pub fn owned(bytes: impl Into<Box<[u8]>>) -> Self {
        let buffer = bytes.into();
        let used = buffer.len();
        Self { memory: Memory::Owned { buffer, used } }
    }

    /// An empty block with room for `capacity` bytes.
    pub(crate) fn with_room(capacity: usize) -> Self {
        Self { memory: Memory::Owned { buffer: vec![0; capacity].into_boxed_slice(), used: 0 } }
    }

    /// A window of a file.
    pub(crate) fn mapped(mapping: Mapping) -> Self {
        Self { memory: Memory::Mapped(mapping) }
    }

    /// The bytes of the block.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.memory {
            Memory::Owned { buffer, used } => buffer.get(..*used).unwrap_or_default(),
            Memory::Mapped(mapping) => mapping.bytes(),
        }
    }

    /// Whether the file went away under a mapped block, so that some of it reads as zeros.
    pub(crate) fn is_torn(&self) -> bool {
        match &self.memory {
            Memory::Owned { .. } => false,
            Memory::Mapped(mapping) => mapping.is_torn(),
        }
    }

    /// Bytes an owned block can hold; 0 for a mapped one, which cannot be written.
    pub fn capacity(&self) -> usize {
        match &self.memory {
            Memory::Owned { buffer, .. } => buffer.len(),
            Memory::Mapped(_) => 0,
        }
    }

    /// Forgets the content of an owned block; its room stays.
    pub(crate) fn reset(&mut self) {
        if let Memory::Owned { used, .. } = &mut self.memory {
            *used = 0;
        }
    }

    /// The room after the content of an owned block.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Owned { buffer, used } => buffer.get_mut(*used..).unwrap_or_default(),
            Memory::Mapped(_) => &mut [],
        }
    }

    /// Makes `count` bytes written into [`room`](Self::room) part of the content.
    pub(crate) fn grow(&mut self, count: usize) {
        if let Memory::Owned { buffer, used } = &mut self.memory {
            *used = used.saturating_add(count).min(buffer.len());
        }
    }
}

/// One packet of a [`Batch`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketRef {
    /// Nanoseconds since the UNIX epoch, saturating at both ends.
    pub timestamp: u64,
    /// Where the packet's bytes begin in its block.
    pub offset: u64,
    /// Bytes captured.
    pub captured: u32,
    /// Bytes on the wire; never less than `captured`.
    pub length: u32,
    /// Which of the batch's blocks holds the bytes.
    pub block: u16,
    /// Link type, as in the file (`LINKTYPE_…`).
    pub link: u16,
    /// Which of the opened files or devices the packet is from.
    pub source: u16,
    /// Which interface of that source; 65535 stands for all from there on.
    pub interface: u16,
}

/// Packets and the memory they point into. Reusable: [`clear`](Self::clear) keeps the room.
#[derive(Debug)]
pub struct Batch {
    blocks: Vec<Arc<Block>>,
    packets: Vec<PacketRef>,
    capacity: usize,
    time: Option<u64>,
}

impl Default for Batch {
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }
}

impl Batch {
    /// An empty batch for up to `capacity` packets (at least one).
    pub fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            blocks: Vec::with_capacity(4),
            packets: Vec::with_capacity(capacity),
            capacity,
            time: None,
        }
    }

    /// Lets go of packets and blocks, and keeps the room for the next.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.blocks.clear();
        self.time = None;
    }

    /// The same packets once more, in the same memory.
    pub(crate) fn shared(&self) -> Self {
        Self {
            blocks: self.blocks.clone(),
            packets: self.packets.clone(),
            capacity: self.capacity,
            time: self.time,
        }
    }

    /// How far time has come without packets, nanoseconds since the epoch: what comes later has
    /// been captured later. Only live sources say so.
    #[inline]
    pub fn time(&self) -> Option<u64> {
        self.time
    }

    /// See [`time`](Self::time).
    pub fn set_time(&mut self, time: u64) {
        self.time = Some(time);
    }

    /// Packets held.
    #[inline]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether no packet is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Packets that can be held.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Packets that can still be added.
    #[inline]
    pub fn space(&self) -> usize {
        self.capacity.saturating_sub(self.packets.len())
    }

    /// The packets, in the order they came.
    #[inline]
    pub fn packets(&self) -> &[PacketRef] {
        &self.packets
    }

    /// The blocks the packets point into.
    #[inline]
    pub fn blocks(&self) -> &[Arc<Block>] {
        &self.blocks
    }

    /// The bytes of a packet of this batch; empty if it points outside of the batch's memory.
    #[inline]
    pub fn bytes(&self, packet: &PacketRef) -> &[u8] {
        let Some(block) = self.blocks.get(usize::from(packet.block)) else { return &[] };
        let Ok(start) = usize::try_from(packet.offset) else { return &[] };
        let end = start.saturating_add(packet.captured as usize);
        block.bytes().get(start..end).unwrap_or_default()
    }

    /// Asks for the first bytes of a packet, which are about to be read.
    #[inline]
    pub fn prefetch(&self, packet: &PacketRef) {
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            for line in self.bytes(packet).chunks(CACHE_LINE).take(PREFETCHED_LINES) {
                // SAFETY: the address lies in the packet, and a prefetch changes nothing to be seen.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = packet;
    }

    /// Every packet with its bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&PacketRef, &[u8])> {
        self.packets.iter().map(|packet| (packet, self.bytes(packet)))
    }

    /// Adds a block and returns its number, or the number it already has if it was added last.
    /// `None`: the batch has no number left for another block.
    pub fn add_block(&mut self, block: &Arc<Block>) -> Option<u16> {
        let last_is_same = self.blocks.last().is_some_and(|last| Arc::ptr_eq(last, block));
        if !last_is_same {
            self.blocks.push(Arc::clone(block));
        }
        let number = u16::try_from(self.blocks.len().saturating_sub(1)).ok();
        if number.is_none() {
            self.blocks.pop();
        }
        number
    }

    /// Takes back the blocks added after the first `count`, which no packet may point into.
    pub(crate) fn forget_blocks(&mut self, count: usize) {
        self.blocks.truncate(count);
    }

    /// Adds a packet. `false`: the batch is full, nothing was added.
    #[inline]
    pub fn push(&mut self, packet: PacketRef) -> bool {
        if self.packets.len() >= self.capacity {
            return false;
        }
        self.packets.push(packet);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_reference_stays_small() {
        assert_eq!(size_of::<PacketRef>(), 32);
    }

    #[test]
    fn a_packet_outside_of_the_memory_of_its_batch_has_no_bytes() {
        let mut batch = Batch::with_capacity(4);
        let block = batch.add_block(&Arc::new(Block::owned(vec![1, 2, 3]))).unwrap();

        let inside = PacketRef { block, offset: 1, captured: 2, ..PacketRef::default() };
        let beyond = PacketRef { block, offset: 2, captured: 2, ..PacketRef::default() };
        let far = PacketRef { block, offset: u64::MAX, captured: u32::MAX, ..inside };
        let elsewhere = PacketRef { block: 9, ..inside };

        assert_eq!(batch.bytes(&inside), [2, 3]);
        assert_eq!(batch.bytes(&beyond), []);
        assert_eq!(batch.bytes(&far), []);
        assert_eq!(batch.bytes(&elsewhere), []);
    }

    #[test]
    fn a_full_batch_takes_no_more_and_a_cleared_one_lets_its_blocks_go() {
        let block = Arc::new(Block::owned(vec![0; 8]));
        let mut batch = Batch::with_capacity(1);
        batch.add_block(&block);

        assert!(batch.push(PacketRef::default()));
        assert!(!batch.push(PacketRef::default()));
        assert_eq!(Arc::strong_count(&block), 2);
        batch.clear();
        assert_eq!((batch.len(), batch.space(), Arc::strong_count(&block)), (0, 1, 1));
    }

    #[test]
    fn a_batch_says_when_it_has_no_number_left_for_a_block() {
        let mut batch = Batch::with_capacity(1);
        for _ in 0..=u16::MAX {
            assert!(batch.add_block(&Arc::new(Block::owned(Vec::new()))).is_some());
        }

        assert_eq!(batch.add_block(&Arc::new(Block::owned(Vec::new()))), None);
        assert_eq!(batch.blocks().len(), 65536);
    }
}

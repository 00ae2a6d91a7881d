//! Memory for the packets of batches: blocks that are used again once no batch needs them.

use std::sync::Arc;

use crate::block::{Batch, Block};

/// Octets of a block: more than one packet can have.
const ROOM: usize = 512 * 1024;
/// Blocks kept for later; more are made where batches are kept longer, and then let go.
const KEPT: usize = 64;

/// See the module.
#[derive(Default)]
pub(crate) struct Arena {
    /// The block that is being filled, which nobody else has.
    current: Option<Block>,
    /// Blocks that batches had, and may still have.
    given: Vec<Arc<Block>>,
}

impl Arena {
    /// Room for a packet of at most `size` octets; its block comes after those that `batch` has.
    /// `None`: the batch has no number left for another block.
    pub fn room(&mut self, size: usize, batch: &mut Batch) -> Option<&mut [u8]> {
        if let Some(block) = &mut self.current
            && block.room().len() < size
        {
            self.seal(batch)?;
        }
        if self.current.is_none() {
            self.current = Some(self.unused(size));
        }
        self.current.as_mut().map(Block::room)
    }

    /// Makes so many octets of the room part of the block: where they begin.
    pub fn keep(&mut self, count: usize) -> u64 {
        let Some(block) = &mut self.current else { return 0 };
        let begin = block.bytes().len();
        block.grow(count);
        begin as u64
    }

    /// Gives the block at hand to the batch whose packets lie in it.
    pub fn seal(&mut self, batch: &mut Batch) -> Option<u16> {
        let block = self.current.take()?;
        if block.bytes().is_empty() {
            self.current = Some(block);
            return None;
        }
        let block = Arc::new(block);
        let number = batch.add_block(&block);
        if self.given.len() < KEPT {
            self.given.push(block);
        }
        number
    }

    fn unused(&mut self, size: usize) -> Block {
        let free = self.given.iter().position(|block| Arc::strong_count(block) == 1);
        let block = free.map(|n| self.given.swap_remove(n)).and_then(Arc::into_inner);
        match block {
            Some(mut block) if block.capacity() >= size => {
                block.reset();
                block
            }
            _ => Block::with_room(ROOM.max(size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_once_its_batch_is_gone() {
        let (mut arena, mut batch) = (Arena::default(), Batch::with_capacity(4));
        arena.room(100, &mut batch).unwrap()[..3].copy_from_slice(b"one");
        assert_eq!(arena.keep(3), 0);
        assert_eq!(arena.seal(&mut batch), Some(0));
        let first = batch.blocks()[0].bytes().as_ptr();

        let second = arena.room(100, &mut batch).unwrap().as_ptr();
        assert_ne!(first, second);
        batch.clear();
        arena.current = None;

        assert_eq!(arena.room(100, &mut batch).unwrap().as_ptr(), first);
    }

    #[test]
    fn a_full_block_goes_to_the_batch_and_another_takes_its_place() {
        let (mut arena, mut batch) = (Arena::default(), Batch::with_capacity(4));
        arena.room(ROOM, &mut batch).unwrap();
        arena.keep(ROOM - 10);

        assert!(arena.room(100, &mut batch).unwrap().len() >= 100);

        assert_eq!(batch.blocks().len(), 1);
        assert_eq!(arena.keep(5), 0);
    }

    #[test]
    fn a_block_in_which_nothing_lies_is_not_given_away() {
        let (mut arena, mut batch) = (Arena::default(), Batch::with_capacity(4));
        arena.room(10, &mut batch).unwrap();

        assert_eq!(arena.seal(&mut batch), None);
        assert_eq!(batch.blocks().len(), 0);
    }
}

//! A ring of blocks shared with the kernel, walked packet by packet.
//!
//! A block belongs to whoever its status word says. While it is ours the kernel writes nothing
//! there; we give it back once its last packet has been walked over.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use super::frame::{Astray, Cursor, Frame};

/// Where a block's status stands.
const STATUS: usize = 8;
const OURS: u32 = libc::TP_STATUS_USER;

/// How a ring is cut: all blocks together have the size asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub block: usize,
    pub blocks: usize,
}

/// Largest block. On a quiet link a block is handed over with the few packets that came in one
/// timeout: the more blocks there are, the longer nobody needs to look.
const LARGEST_BLOCK: usize = 1 << 18;
/// Blocks that there should be.
const ENOUGH_BLOCKS: usize = 64;
/// Smallest block, and the unit of all.
const SMALLEST_BLOCK: usize = 1 << 16;

impl Cut {
    /// Blocks for a buffer of about so many bytes, and at least two.
    pub fn of(bytes: usize) -> Self {
        let mut block = LARGEST_BLOCK;
        while block > SMALLEST_BLOCK && bytes / block < ENOUGH_BLOCKS {
            block /= 2;
        }
        Self { block, blocks: (bytes / block).max(2) }
    }

    pub fn bytes(self) -> usize {
        self.block * self.blocks
    }
}

/// See the module.
pub(super) struct Ring {
    memory: NonNull<u8>,
    cut: Cut,
    /// The block that is walked, or comes next.
    at: usize,
    /// Where in it, while it is ours.
    cursor: Option<Cursor>,
    /// Blocks that contradicted themselves.
    pub malformed: u64,
}

// SAFETY: the memory belongs to the ring alone, on whatever thread it is, and is unmapped when it
// is dropped.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring that `socket` was given.
    pub fn map(socket: BorrowedFd<'_>, cut: Cut) -> io::Result<Self> {
        // SAFETY: a new mapping at a place of the system's choice touches no memory of ours.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                cut.bytes(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { memory, cut, at: 0, cursor: None, malformed: 0 })
    }

    fn status(&self) -> &AtomicU32 {
        let place = self.at * self.cut.block + STATUS;
        // SAFETY: `at` is below the number of blocks, so that the word lies in the mapping, which
        // lives as long as `self`; blocks are multiples of pages, so that it is aligned; kernel and
        // we change it as a whole.
        unsafe { AtomicU32::from_ptr(self.memory.as_ptr().add(place).cast()) }
    }

    /// The block at hand, which must be ours.
    fn block(&self) -> &[u8] {
        // SAFETY: the block lies in the mapping, see `status`; `cursor` is only set while the
        // status says that it is ours, and until then the kernel does not write there.
        unsafe {
            let start = self.memory.as_ptr().add(self.at * self.cut.block);
            std::slice::from_raw_parts(start, self.cut.block)
        }
    }

    /// Whether there is a packet; then `frame` gives it.
    pub fn ready(&mut self) -> bool {
        // Blocks without packets are possible: they only say that time passed.
        for _ in 0..=self.cut.blocks {
            if let Some(cursor) = self.cursor
                && cursor.left > 0
            {
                return true;
            }
            if self.cursor.is_some() {
                self.give_back();
            }
            if self.status().load(Ordering::Acquire) & OURS == 0 {
                return false;
            }
            self.cursor = Some(Cursor::default());
            match Cursor::start(self.block()) {
                Ok(cursor) => self.cursor = Some(cursor),
                Err(Astray) => self.malformed += 1,
            }
        }
        false
    }

    /// The packet that `ready` found; `None` when its block contradicts itself.
    pub fn frame(&self) -> Option<Frame<'_>> {
        self.cursor?.frame(self.block()).ok()
    }

    /// Passes over the rest of a block that contradicts itself.
    pub fn give_up(&mut self) {
        self.malformed += 1;
        self.give_back();
    }

    /// Steps over the packet that `frame` gave, `next` being its distance to the one after it.
    pub fn step(&mut self, next: usize) {
        if let Some(cursor) = &mut self.cursor {
            cursor.step(next);
            if cursor.left == 0 {
                self.give_back();
            }
        }
    }

    fn give_back(&mut self) {
        self.cursor = None;
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.at = (self.at + 1) % self.cut.blocks;
    }

    /// Octets of all blocks.
    pub fn bytes(&self) -> usize {
        self.cut.bytes()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` with this length, unmapped once. A failure would leave it mapped,
        // and there is nobody to tell.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.cut.bytes()) };
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::{block, put};
    use super::*;
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::{AsFd, FromRawFd};

    /// A ring over a file in memory instead of a socket: we are the kernel.
    fn ring(blocks: &[Vec<u8>]) -> Ring {
        let cut = Cut { block: SMALLEST_BLOCK, blocks: blocks.len() };
        // SAFETY: takes a name and flags; the descriptor is owned by the file from here on.
        let mut file = unsafe {
            let descriptor = libc::memfd_create(c"ring".as_ptr(), 0);
            assert!(descriptor >= 0);
            File::from_raw_fd(descriptor)
        };
        for bytes in blocks {
            let mut whole = bytes.clone();
            whole.resize(cut.block, 0);
            file.write_all(&whole).unwrap();
        }
        Ring::map(file.as_fd(), cut).unwrap()
    }

    fn drained(ring: &mut Ring) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        while ring.ready() {
            let Some(frame) = ring.frame() else {
                ring.give_up();
                continue;
            };
            packets.push(frame.bytes.to_vec());
            let next = frame.next();
            ring.step(next);
        }
        packets
    }

    #[test]
    fn blocks_are_walked_in_turn_and_given_back() {
        let mut kernels = block(&[b"not yet"]);
        put(&mut kernels, STATUS, 0);
        let mut ring = ring(&[block(&[b"one", b"two"]), block(&[b"three"]), kernels]);

        assert_eq!(drained(&mut ring), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);

        assert_eq!(ring.at, 2);
        ring.at = 0;
        assert_eq!(ring.status().load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_forged_block_is_counted_and_passed_over() {
        let mut forged = block(&[b"good", b"bad"]);
        put(&mut forged, 48, 3);
        let mut ring = ring(&[forged, block(&[]), block(&[b"after"])]);

        // What stands before the mistake could be of the same mistake, and is not used either.
        let packets = drained(&mut ring);

        assert_eq!((packets, ring.malformed), (vec![b"after".to_vec()], 1));
    }

    #[test]
    fn a_ring_of_empty_blocks_gives_nothing_and_does_not_turn_for_ever() {
        let mut ring = ring(&[block(&[]), block(&[])]);

        assert_eq!(drained(&mut ring), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_buffer_is_cut_into_at_least_two_blocks_and_a_large_one_into_many() {
        assert_eq!(Cut::of(0), Cut { block: 65_536, blocks: 2 });
        assert_eq!(Cut::of(8 << 20), Cut { block: 1 << 17, blocks: 64 });
        assert_eq!(Cut::of(64 << 20), Cut { block: 1 << 18, blocks: 256 });
    }
}

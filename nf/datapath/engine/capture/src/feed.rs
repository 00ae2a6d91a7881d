//! A moving view over the content of a file: always some contiguous bytes of one block.
//!
//! Uncompressed files are mapped window by window; everything else is read into blocks that are
//! reused once no batch holds them. A record that crosses the end of a block or window is found
//! whole in the next one.

use std::io;
use std::sync::Arc;

use crate::block::Block;
use crate::input::{Compression, Input, Reader, reason};
use crate::mapping::{self, Mapping};
use crate::source::Why;

/// Blocks kept for reuse.
const POOL: usize = 16;

/// What [`Feed::ensure`] came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Supply {
    /// The bytes asked for are there.
    Ready,
    /// They are not there yet.
    Pending,
    /// They will never be; what is left of the content is there. With a reason, the content
    /// does not end as it should.
    End(Option<Why>),
}

/// The view.
pub(crate) struct Feed {
    block: Arc<Block>,
    /// Where in the block the view begins.
    at: usize,
    /// Where in the content the block begins.
    base: u64,
    origin: Origin,
}

enum Origin {
    Mapped(Windows),
    Read(Stream),
}

/// Sizes of the memory a feed works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Bytes mapped at a time.
    pub(crate) window: usize,
    /// Bytes read at a time.
    pub(crate) block: usize,
}

impl Feed {
    /// A view over a whole uncompressed file.
    pub(crate) fn mapped(input: &Input, sizes: Sizes) -> Self {
        mapping::expect_sequential(input.file());
        Self::over(Origin::Mapped(Windows { input: input.clone(), sizes }))
    }

    /// A view over what a reader gives.
    pub(crate) fn read(
        input: &Input,
        reader: Reader,
        compression: Compression,
        sizes: Sizes,
    ) -> Self {
        Self::over(Origin::Read(Stream::new(input, reader, compression, sizes.block)))
    }

    fn over(origin: Origin) -> Self {
        Self { block: Arc::new(Block::owned(Vec::new())), at: 0, base: 0, origin }
    }

    /// The block the view lies in.
    pub(crate) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// Where in the block the view begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Where in the content the view begins.
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(self.at as u64)
    }

    /// The bytes in view.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.block.bytes().get(self.at..).unwrap_or_default()
    }

    /// Moves the start of the view to this place in the block.
    pub(crate) fn move_to(&mut self, at: usize) {
        self.at = at.min(self.block.bytes().len());
    }

    /// Whether the content is mapped, so that the offset tells what was read of the file.
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.origin, Origin::Mapped(_))
    }

    /// Brings at least `wanted` bytes into view.
    pub(crate) fn ensure(&mut self, wanted: usize) -> Supply {
        if self.bytes().len() >= wanted {
            return Supply::Ready;
        }
        if let Origin::Mapped(windows) = &self.origin {
            match windows.map(self.offset(), wanted, self.base + self.block.bytes().len() as u64) {
                Ok(Window::Unchanged(supply)) => return supply,
                Ok(Window::Moved { block, base, at, supply }) => {
                    self.block = Arc::new(block);
                    self.base = base;
                    self.at = at;
                    return supply;
                }
                Err(Refused) => match windows.stream_from(self.offset()) {
                    Ok(stream) => {
                        self.base = self.offset();
                        self.at = 0;
                        self.block = Arc::new(Block::owned(Vec::new()));
                        self.origin = Origin::Read(stream);
                    }
                    Err(error) => {
                        return Supply::End(Some(reason(&error, Compression::None)));
                    }
                },
            }
        }
        let Origin::Read(stream) = &mut self.origin else {
            return Supply::End(None); // not reached: a refused mapping became a stream above
        };
        if !stream.ended() {
            let room = |block: &mut Block| block.capacity().saturating_sub(self.at) >= wanted;
            if !Arc::get_mut(&mut self.block).is_some_and(room) {
                let rest = self.block.bytes().get(self.at..).unwrap_or_default();
                let fresh = stream.block_with(rest, wanted);
                stream.keep(std::mem::replace(&mut self.block, fresh));
                self.base = self.base.saturating_add(self.at as u64);
                self.at = 0;
            }
            stream.fill(&mut self.block);
        }
        let have = self.block.bytes().len().saturating_sub(self.at);
        if have >= wanted {
            stream.fit(&mut self.block);
            return Supply::Ready;
        }
        match &stream.end {
            Some(why) => Supply::End(why.clone()),
            None => Supply::Pending,
        }
    }
}

/// The system will not map the file.
struct Refused;

/// What became of the window.
enum Window {
    /// The old one stays.
    Unchanged(Supply),
    /// A new one, with the view beginning `at` bytes into it.
    Moved { block: Block, base: u64, at: usize, supply: Supply },
}

/// A file mapped window by window.
struct Windows {
    input: Input,
    sizes: Sizes,
}

impl Windows {
    /// Maps the window with `wanted` bytes from `offset`; `covered` is where the present one ends.
    fn map(&self, offset: u64, wanted: usize, covered: u64) -> Result<Window, Refused> {
        // The length is asked for anew each time: the file may have changed.
        let length = match self.input.file().metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => {
                let why = reason(&error, Compression::None);
                return Ok(Window::Unchanged(Supply::End(Some(why))));
            }
        };
        let Some(left) = length.checked_sub(offset).filter(|_| length >= covered) else {
            return Ok(Window::Unchanged(Supply::End(Some(Why::Shrank))));
        };
        let supply = if left >= wanted as u64 { Supply::Ready } else { Supply::End(None) };
        if covered == length {
            return Ok(Window::Unchanged(supply));
        }
        let page = mapping::page_size() as u64;
        let base = offset - offset % page;
        let at = (offset - base) as usize;
        let size = self.sizes.window.max(wanted.saturating_add(at)) as u64;
        let size = size.min(length - base) as usize;
        let mapping = Mapping::window(self.input.file(), base, size).map_err(|_| Refused)?;
        let end = base + size as u64;
        if end < length {
            mapping::read_ahead(self.input.file(), end, self.sizes.window);
        }
        Ok(Window::Moved { block: Block::mapped(mapping), base, at, supply })
    }

    /// The same content from `offset`, read instead of mapped.
    fn stream_from(&self, offset: u64) -> io::Result<Stream> {
        self.input.seek(offset)?;
        let reader = self.input.content(Vec::new(), Compression::None)?;
        Ok(Stream::new(&self.input, reader, Compression::None, self.sizes.block))
    }
}

/// Content read into blocks.
struct Stream {
    input: Input,
    reader: Reader,
    compression: Compression,
    block_size: usize,
    /// The reader has no more, and why, if that is not how it should be.
    end: Option<Option<Why>>,
    /// Blocks that batches may still hold, oldest first.
    pool: Vec<Arc<Block>>,
}

impl Stream {
    fn new(input: &Input, reader: Reader, compression: Compression, block_size: usize) -> Self {
        let input = input.clone();
        Self { input, reader, compression, block_size, end: None, pool: Vec::new() }
    }

    fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// An unshared block that begins with `rest` and has room for `wanted` bytes.
    fn block_with(&mut self, rest: &[u8], wanted: usize) -> Arc<Block> {
        let size = self.block_size.max(wanted);
        let unused = self
            .pool
            .iter_mut()
            .position(|block| Arc::get_mut(block).is_some_and(|block| block.capacity() >= size));
        let mut block = match unused {
            Some(index) => self.pool.remove(index),
            None => Arc::new(Block::with_room(size)),
        };
        if let Some(fresh) = Arc::get_mut(&mut block) {
            fresh.reset();
            if let Some(room) = fresh.room().get_mut(..rest.len()) {
                room.copy_from_slice(rest);
            }
            fresh.grow(rest.len());
        }
        block
    }

    /// Keeps a block to be used again once no batch holds it.
    fn keep(&mut self, block: Arc<Block>) {
        if block.capacity() == self.block_size && self.pool.len() < POOL {
            self.pool.push(block);
        }
    }

    /// Reads until the block is full or nothing is at hand.
    fn fill(&mut self, block: &mut Arc<Block>) {
        let Some(block) = Arc::get_mut(block) else { return };
        self.input.allow();
        while !block.room().is_empty() {
            match self.reader.read(block.room()) {
                Ok(0) => self.end = Some(None),
                Ok(count) => {
                    block.grow(count);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => self.end = Some(Some(reason(&error, self.compression))),
            }
            return;
        }
    }

    /// Replaces a mostly empty block by one of just the right size, so that a trickle of packets
    /// does not hold on to a whole block each.
    fn fit(&mut self, block: &mut Arc<Block>) {
        let used = block.bytes().len();
        if used < block.capacity() / 4 {
            let fitting = Arc::new(Block::owned(block.bytes()));
            self.keep(std::mem::replace(block, fitting));
        }
    }
}

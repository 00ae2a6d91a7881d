//! Bytes of a file, a pipe or standard input, decompressed where needed, never blocking.
//!
//! A reader here answers `WouldBlock` when nothing is at hand right now, or when it has read a
//! lot, and 0 only at the true end: a followed file has none.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{CaptureError, ErrorKind, system_text};
use crate::source::Why;

/// Bytes that tell compressions and formats apart.
pub(crate) const MAGIC_LENGTH: usize = 4;

/// How long to sleep before a followed file is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Bytes read at most in one go. Compressed data can go on for ever without giving a byte.
const ALLOWANCE: u64 = 64 * 1024 * 1024;

/// Compressed bytes read at a time.
const COMPRESSED_CHUNK: usize = 256 * 1024;

/// Largest zstd window accepted, as a power of two: what `zstd -d` takes unasked.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// What the first bytes of a file say.
    pub(crate) fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A frame to be skipped, which some compressors write first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// An open file, pipe or device.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    file: Arc<File>,
    /// A regular file; everything else is asked whether it has bytes before it is read.
    regular: bool,
    /// The end of the file is not the end: it grows.
    follow: bool,
    /// Standard input, given to us with its beginning already read by another.
    begun: bool,
    /// Bytes read through readers of this input.
    done: Arc<AtomicU64>,
    /// Where `done` may get to before the caller must have its turn.
    allowed: Arc<AtomicU64>,
}

impl Input {
    /// Opens the file at `path`; `-` is standard input.
    pub(crate) fn open(path: &Path, follow: bool) -> Result<Self, CaptureError> {
        let name = path.display().to_string();
        let fail = |error: io::Error| CaptureError::from_io(&error, &name);
        let mut file = if is_stdin(path) {
            use std::os::fd::AsFd;
            File::from(io::stdin().as_fd().try_clone_to_owned().map_err(fail)?)
        } else {
            // Not to wait for a writer where the path is that of a pipe.
            let mut options = File::options();
            options.read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(fail)?
        };
        let kind = file.metadata().map_err(fail)?.file_type();
        if kind.is_dir() {
            return Err(CaptureError::from_io(&io::ErrorKind::IsADirectory.into(), &name));
        }
        if kind.is_block_device() {
            return Err(CaptureError::new(
                ErrorKind::NotACapture,
                "a disk is not a capture",
                name,
                "name a capture file",
            ));
        }
        let regular = kind.is_file();
        let begun = regular && file.stream_position().map_err(fail)? != 0;
        let follow = follow && regular;
        Ok(Self {
            file: Arc::new(file),
            regular,
            follow,
            begun,
            done: Arc::default(),
            allowed: Arc::new(AtomicU64::new(ALLOWANCE)),
        })
    }

    /// Whether the bytes can be mapped or read at any place, and end where the file ends.
    pub(crate) fn is_whole_file(&self) -> bool {
        self.regular && !self.follow && !self.begun
    }

    /// The file itself.
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Length of the file, if it is one that has a length.
    pub(crate) fn length(&self) -> Option<u64> {
        self.is_whole_file().then(|| self.file.metadata().ok().map(|m| m.len())).flatten()
    }

    /// Bytes read so far.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether this file has no end.
    pub(crate) fn is_followed(&self) -> bool {
        self.follow
    }

    /// Goes to this place of a file, and counts what was passed over as read.
    pub(crate) fn seek(&self, offset: u64) -> io::Result<()> {
        (&*self.file).seek(io::SeekFrom::Start(offset))?;
        self.done.store(offset, Ordering::Relaxed);
        Ok(())
    }

    /// Lets readers go on for another while.
    pub(crate) fn allow(&self) {
        self.allowed.store(self.done().saturating_add(ALLOWANCE), Ordering::Relaxed);
    }

    /// The first bytes of a whole file; fewer if it is shorter.
    pub(crate) fn magic(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; MAGIC_LENGTH];
        let mut have = 0;
        while let Some(room) = bytes.get_mut(have..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, have as u64) {
                Ok(0) => break,
                Ok(count) => have += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(have);
        Ok(bytes)
    }

    /// Waits until there may be more, or until `limit` has gone by.
    pub(crate) fn wait(&self, limit: Duration) {
        if self.regular {
            std::thread::sleep(limit.min(LOOK_AGAIN));
        } else {
            self.poll(limit);
        }
    }

    /// Whether a read would not block, waiting up to `limit` for that.
    fn poll(&self, limit: Duration) -> bool {
        let mut entry =
            libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one entry is passed and one is counted; the descriptor is open.
        let ready = unsafe { libc::poll(&mut entry, 1, limit) };
        ready > 0
    }

    /// A reader of the raw bytes.
    pub(crate) fn raw(&self) -> RawReader {
        RawReader { input: self.clone() }
    }

    /// A reader of the content: `prefix`, bytes already read, and what follows them, decompressed.
    pub(crate) fn content(&self, prefix: Vec<u8>, compression: Compression) -> io::Result<Reader> {
        let raw = io::Cursor::new(prefix).chain(self.raw());
        let buffered = |raw| BufReader::with_capacity(COMPRESSED_CHUNK, raw);
        Ok(match compression {
            Compression::None => Box::new(raw),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(raw))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered(raw))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(ZstdReader { decoder, may_hold_output: false })
            }
        })
    }
}

/// Zstandard's decoder over a source that may have nothing yet.
///
/// The decoder starts each read with no input, and takes too many of these in a row for damage: so
/// it is asked only when there is input, or when it may hold output.
struct ZstdReader<R: BufRead> {
    decoder: zstd::stream::read::Decoder<'static, R>,
    /// The last read filled all the room it had.
    may_hold_output: bool,
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if !self.may_hold_output {
            self.decoder.get_mut().fill_buf()?;
        }
        self.may_hold_output = false;
        let count = self.decoder.read(room)?;
        self.may_hold_output = count == room.len();
        Ok(count)
    }
}

/// A reader of content.
pub(crate) type Reader = Box<dyn Read + Send>;

/// Whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads the bytes of an [`Input`] as they are.
#[derive(Debug)]
pub(crate) struct RawReader {
    input: Input,
}

impl Read for RawReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let input = &self.input;
        let spent = input.done() >= input.allowed.load(Ordering::Relaxed);
        if spent || (!input.regular && !input.poll(Duration::ZERO)) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = (&*input.file).read(room)?;
        let before = input.done.fetch_add(count as u64, Ordering::Relaxed);
        if count == 0 && input.follow && !room.is_empty() {
            let length = input.file.metadata()?.len();
            return Err(if length < before {
                io::Error::other(Shrunk)
            } else {
                io::ErrorKind::WouldBlock.into()
            });
        }
        Ok(count)
    }
}

/// The followed file is shorter than what was already read.
#[derive(Debug)]
struct Shrunk;

impl std::fmt::Display for Shrunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the file shrank")
    }
}

impl std::error::Error for Shrunk {}

/// What an error while reading content means for the file.
pub(crate) fn reason(error: &io::Error, compression: Compression) -> Why {
    if error.get_ref().is_some_and(|inner| inner.is::<Shrunk>()) {
        Why::Shrank
    } else if error.raw_os_error().is_some() || compression == Compression::None {
        Why::Io(system_text(error))
    } else {
        Why::Compression(error.to_string())
    }
}

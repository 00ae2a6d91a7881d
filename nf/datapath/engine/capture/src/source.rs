//! What every source of packets does, live or from files.

use std::fmt;

use crate::block::Batch;
use crate::error::CaptureError;

/// Gives packets in batches.
pub trait Source: Send {
    /// Appends packets to `batch` until it is full, nothing more is at hand, or some time has
    /// gone into records that gave no packet; the caller clears the batch.
    ///
    /// Waits at most the time given when the source was opened. An error comes only after every
    /// packet before it in the same file has been handed over; the next call returns
    /// [`Fill::End`].
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError>;

    /// Has the source take nothing new. Whether it may have something left, which [`Source::fill`]
    /// then gives until [`Fill::End`]; if not, it need not be asked again.
    fn stop(&mut self) -> bool {
        false
    }

    /// Counters since the source was opened.
    fn stats(&self) -> SourceStats;

    /// How far a file source has come.
    fn progress(&self) -> Progress;

    /// Whether the source goes on, and if not, how it ended.
    fn status(&self) -> &Status;
}

/// What a call of [`Source::fill`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The source goes on. The batch may have gained no packet, when all were filtered.
    Packets,
    /// Nothing right now, and the batch gained nothing; ask again. A live source says by
    /// [`Batch::time`] what time it is.
    Idle,
    /// There is no more, and the batch gained nothing. [`Source::status`] says why.
    End,
}

/// Counters of a source. `seen = packets + filtered`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Packets read, handed over or filtered.
    pub seen: u64,
    /// Packets handed over.
    pub packets: u64,
    /// Packets the filter did not accept.
    pub filtered: u64,
    /// Bytes on the wire of the packets handed over.
    pub bytes: u64,
    /// Bytes captured of the packets handed over.
    pub captured_bytes: u64,
    /// Packets seen of which less was captured than was on the wire.
    pub truncated: u64,
    /// Packets seen that claim fewer bytes on the wire than were captured.
    pub short_lengths: u64,
    /// Packets seen with more bytes captured than the snap length allows.
    pub over_snaplen: u64,
    /// Lengths so large that no record can follow them.
    pub absurd_lengths: u64,
    /// Records passed over because they contradict themselves.
    pub malformed: u64,
    /// Blocks passed over because they hold no packets.
    pub skipped_blocks: u64,
    /// Packets seen that are older than the one before.
    pub clock_backward: u64,
    /// Packets seen a day or more away from the one before, on either side.
    pub clock_jumps: u64,
    /// Packets the kernel dropped before a live source could see them.
    pub kernel_drops: u64,
    /// Packets that a file says were lost when it was recorded. A claim of the file, and no
    /// part of any sum.
    pub recorded_drops: u64,
}

impl SourceStats {
    /// Names and values of what a live source counts, for output.
    pub fn terms(&self) -> [(&'static str, u64); 9] {
        [
            ("seen", self.seen + self.kernel_drops),
            ("packets", self.packets),
            ("bytes", self.bytes),
            ("captured_bytes", self.captured_bytes),
            ("filtered", self.filtered),
            ("kernel_drops", self.kernel_drops),
            ("truncated", self.truncated),
            ("clock_backward", self.clock_backward),
            ("malformed", self.malformed),
        ]
    }

    /// What was counted after `earlier`.
    pub fn since(&self, earlier: &SourceStats) -> SourceStats {
        SourceStats {
            seen: self.seen.saturating_sub(earlier.seen),
            packets: self.packets.saturating_sub(earlier.packets),
            filtered: self.filtered.saturating_sub(earlier.filtered),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            captured_bytes: self.captured_bytes.saturating_sub(earlier.captured_bytes),
            truncated: self.truncated.saturating_sub(earlier.truncated),
            short_lengths: self.short_lengths.saturating_sub(earlier.short_lengths),
            over_snaplen: self.over_snaplen.saturating_sub(earlier.over_snaplen),
            absurd_lengths: self.absurd_lengths.saturating_sub(earlier.absurd_lengths),
            malformed: self.malformed.saturating_sub(earlier.malformed),
            skipped_blocks: self.skipped_blocks.saturating_sub(earlier.skipped_blocks),
            clock_backward: self.clock_backward.saturating_sub(earlier.clock_backward),
            clock_jumps: self.clock_jumps.saturating_sub(earlier.clock_jumps),
            kernel_drops: self.kernel_drops.saturating_sub(earlier.kernel_drops),
            recorded_drops: self.recorded_drops.saturating_sub(earlier.recorded_drops),
        }
    }

    /// Adds the counters of another source.
    pub fn add(&mut self, other: &SourceStats) {
        // Named one by one, so that a new counter cannot be forgotten here.
        let SourceStats {
            seen,
            packets,
            filtered,
            bytes,
            captured_bytes,
            truncated,
            short_lengths,
            over_snaplen,
            absurd_lengths,
            malformed,
            skipped_blocks,
            clock_backward,
            clock_jumps,
            kernel_drops,
            recorded_drops,
        } = other;
        self.seen += seen;
        self.packets += packets;
        self.filtered += filtered;
        self.bytes += bytes;
        self.captured_bytes += captured_bytes;
        self.truncated += truncated;
        self.short_lengths += short_lengths;
        self.over_snaplen += over_snaplen;
        self.absurd_lengths += absurd_lengths;
        self.malformed += malformed;
        self.skipped_blocks += skipped_blocks;
        self.clock_backward += clock_backward;
        self.clock_jumps += clock_jumps;
        self.kernel_drops += kernel_drops;
        self.recorded_drops = self.recorded_drops.saturating_add(*recorded_drops);
    }
}

/// How far a source has come, in bytes of the files as they lie on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub done: u64,
    /// Bytes in all, where that is known.
    pub total: Option<u64>,
}

/// Whether a source goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// There may be more.
    #[default]
    Reading,
    /// Everything was read.
    Complete,
    /// These files were not read to their end; everything before it was handed over.
    EndedEarly(Vec<EarlyEnd>),
}

/// Where and why the reading of one file ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyEnd {
    /// The file.
    pub path: String,
    /// Why nothing after it can be read.
    pub why: Why,
    /// Where the first record begins that was not handed over; in a compressed file, counted in
    /// the decompressed data.
    pub offset: u64,
}

impl fmt::Display for EarlyEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ends early at byte {}: {}", self.path, self.offset, self.why)
    }
}

/// Why the reading of a file ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The file ends inside a record.
    Truncated,
    /// A record claims this length, beyond any packet's.
    AbsurdLength(u32),
    /// From here on the file holds zeros, as a file does that was allocated but never written.
    ZeroFilled,
    /// A block contradicts the format, so that the next cannot be found.
    Malformed(&'static str),
    /// The compressed data is damaged or cut.
    Compression(String),
    /// The file became shorter, or could not be read, while it was being read.
    Shrank,
    /// The system could not read on.
    Io(String),
    /// Reading was stopped by an error that was returned.
    Error,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Truncated => f.write_str("the file ends inside a record"),
            Why::AbsurdLength(length) => write!(f, "a record claims {length} bytes"),
            Why::ZeroFilled => f.write_str("the rest of the file is filled with zeros"),
            Why::Malformed(what) => f.write_str(what),
            Why::Compression(what) => write!(f, "the compressed data is damaged: {what}"),
            Why::Shrank => f.write_str("the file shrank while it was read"),
            Why::Io(what) => f.write_str(what),
            Why::Error => f.write_str("reading was stopped by an error"),
        }
    }
}

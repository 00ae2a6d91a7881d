//! Capture formats: from the bytes in view to packets.

pub(crate) mod pcap;
pub(crate) mod pcapng;

use crate::block::{Batch, PacketRef};
use crate::bpf::Filter;
use crate::error::{CaptureError, ErrorKind};
use crate::source::{SourceStats, Why};

/// Longest packet accepted whatever the snap length says: what libpcap takes at most.
pub(crate) const LONGEST_PACKET: u32 = 256 * 1024;

/// Longest packet accepted when the snap length asks for more than [`LONGEST_PACKET`].
pub(crate) const LONGEST_SNAPLEN: u32 = 16 * 1024 * 1024;

/// Empty records in a row, all zero, after which the rest of a file counts as never written.
pub(crate) const ZERO_RECORDS: usize = 1024;

/// A day: a larger step between two packets is counted as a jump of the clock.
const JUMP_NS: u64 = 86_400_000_000_000;

/// How far ahead of a record memory is asked for.
const PREFETCH_AHEAD: usize = 4096;

/// Bytes of a record that count as one in the budget of a call.
const RECORD_OF_ONE: usize = 4096;

/// Bytes that come into the cache at once.
#[cfg(target_arch = "x86_64")]
pub(crate) const CACHE_LINE: usize = 64;

/// Why a walk over records came to a halt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The sink takes no more for now.
    Full,
    /// The record at hand needs this many bytes in view.
    Need(usize),
    /// Nothing after this can be read.
    Stop(Why),
}

/// A format being read.
#[derive(Debug)]
pub(crate) enum Format {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

/// What the beginning of some content tells.
pub(crate) enum Detected {
    /// The format, and the bytes of its header, to be passed over.
    Format(Format, usize),
    /// This many bytes must be in view to tell.
    Need(usize),
}

impl Format {
    /// Tells the format from the beginning of the content of the file called `place`.
    pub(crate) fn detect(bytes: &[u8], place: &str) -> Result<Detected, CaptureError> {
        let Some(magic) = bytes.first_chunk::<4>() else { return Ok(Detected::Need(4)) };
        if *magic == pcapng::SECTION_MAGIC {
            return pcapng::Pcapng::detect(bytes, place);
        }
        match pcap::Pcap::detect(bytes, place) {
            Some(outcome) => outcome,
            None => Err(CaptureError::new(
                ErrorKind::NotACapture,
                format!("not a capture: it begins with {}", hexadecimal(magic)),
                place,
                "name a pcap or pcapng file, plain or compressed with gzip or zstd",
            )),
        }
    }

    /// The only link type the content can have, where the format allows only one.
    pub(crate) fn link(&self) -> Option<u16> {
        match self {
            Format::Pcap(pcap) => Some(pcap.link()),
            Format::Pcapng(_) => None,
        }
    }

    /// Hands the records in `bytes` from `at` on to the sink, and moves `at` behind them.
    /// `last` says that the content ends with these bytes.
    pub(crate) fn walk(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        last: bool,
        sink: &mut Sink<'_>,
    ) -> Step {
        match self {
            Format::Pcap(pcap) => pcap.walk(bytes, at, last, sink),
            Format::Pcapng(pcapng) => pcapng.walk(bytes, at, sink),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Numbers at places of a header, in one byte order.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) big_endian: bool,
}

impl Fields<'_> {
    fn chunk<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk::<N>().copied()
    }

    pub(crate) fn u16(self, at: usize) -> Option<u16> {
        let read = if self.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        self.chunk(at).map(read)
    }

    #[inline]
    pub(crate) fn u32(self, at: usize) -> Option<u32> {
        let read = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        self.chunk(at).map(read)
    }

    pub(crate) fn u64(self, at: usize) -> Option<u64> {
        let read = if self.big_endian { u64::from_be_bytes } else { u64::from_le_bytes };
        self.chunk(at).map(read)
    }
}

/// A packet as a format finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// Nanoseconds since the UNIX epoch; `None`: the record has no time of its own.
    pub(crate) timestamp: Option<u64>,
    /// Where in the block its bytes begin.
    pub(crate) start: usize,
    /// Bytes captured.
    pub(crate) captured: u32,
    /// Bytes on the wire, as claimed.
    pub(crate) length: u32,
    /// Snap length that applies; 0 is none.
    pub(crate) snaplen: u32,
    pub(crate) link: u16,
    pub(crate) interface: u16,
}

/// Takes packets into a batch: counts, filters, watches the clock.
pub(crate) struct Sink<'a> {
    pub(crate) batch: &'a mut Batch,
    pub(crate) stats: &'a mut SourceStats,
    pub(crate) filter: Option<&'a mut Filter>,
    /// Time of the last packet seen.
    pub(crate) clock: &'a mut Option<u64>,
    /// Set when the filter cannot be used on a packet, which is then not taken.
    pub(crate) failure: &'a mut Option<CaptureError>,
    /// Work that may still be done in this call.
    pub(crate) budget: &'a mut usize,
    /// Number of the block in the batch.
    pub(crate) block: u16,
    /// Number of the file.
    pub(crate) source: u16,
}

impl Sink<'_> {
    /// Whether another record may be looked at.
    #[inline]
    pub(crate) fn wants_more(&self) -> bool {
        self.batch.space() > 0 && *self.budget > 0
    }

    /// Takes the work of a record of `size` bytes from the budget.
    #[inline]
    pub(crate) fn spend(&mut self, size: usize) {
        *self.budget = self.budget.saturating_sub(1 + size / RECORD_OF_ONE);
    }

    /// Takes a packet whose bytes are `packet`. `false`: it was not taken, see `failure`.
    #[inline]
    pub(crate) fn take(&mut self, record: Record, packet: &[u8]) -> bool {
        let accepted = match &mut self.filter {
            None => true,
            Some(filter) => match filter.accepts(record.link, packet, record.length) {
                Ok(accepted) => accepted,
                Err(error) => {
                    *self.failure = Some(error);
                    return false;
                }
            },
        };
        let timestamp = self.timestamp(record.timestamp);
        let stats = &mut *self.stats;
        stats.seen += 1;
        stats.truncated += u64::from(record.captured < record.length);
        stats.short_lengths += u64::from(record.captured > record.length);
        stats.over_snaplen += u64::from(record.snaplen != 0 && record.captured > record.snaplen);
        if !accepted {
            stats.filtered += 1;
            return true;
        }
        let length = record.length.max(record.captured);
        stats.packets += 1;
        stats.bytes += u64::from(length);
        stats.captured_bytes += u64::from(record.captured);
        self.batch.push(PacketRef {
            timestamp,
            offset: record.start as u64,
            captured: record.captured,
            length,
            block: self.block,
            link: record.link,
            source: self.source,
            interface: record.interface,
        })
    }

    /// The time of a packet: its own, or that of the packet before.
    #[inline]
    fn timestamp(&mut self, own: Option<u64>) -> u64 {
        let before = *self.clock;
        let Some(now) = own else { return before.unwrap_or(0) };
        if let Some(before) = before {
            self.stats.clock_backward += u64::from(now < before);
            self.stats.clock_jumps += u64::from(now.abs_diff(before) >= JUMP_NS);
        }
        *self.clock = Some(now);
        now
    }
}

/// Asks for memory that a walk from record to record gets to soon: as many bytes as the record
/// at `at` has, some way ahead. Over several records that is every line of the content once,
/// in order, which the packets' readers profit from as well.
#[inline]
pub(crate) fn prefetch(bytes: &[u8], at: usize, size: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = at.saturating_add(PREFETCH_AHEAD);
        let end = start.saturating_add(size.min(PREFETCH_AHEAD));
        for line in bytes.get(start..end).unwrap_or_default().chunks(CACHE_LINE) {
            // SAFETY: the address lies in `bytes`, and a prefetch changes nothing to be seen.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, at, size);
}

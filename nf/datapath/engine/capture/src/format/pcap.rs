//! The classic format: one header of 24 bytes, then records of a header and a packet each.
//!
//! Read are both byte orders, microseconds and nanoseconds, the records of 24 bytes that patched
//! kernels once wrote, and the swapped lengths of versions before 2.4.

use crate::error::{CaptureError, ErrorKind};
use crate::format::{
    Detected, Fields, Format, LONGEST_PACKET, LONGEST_SNAPLEN, Record, Sink, Step, ZERO_RECORDS,
    prefetch,
};
use crate::source::Why;

/// Bytes of the file header.
const FILE_HEADER: usize = 24;

/// Bytes of a record header.
const RECORD_HEADER: usize = 16;

/// Bytes of a record header that also carries an interface, a protocol and a packet type.
const PATCHED_RECORD_HEADER: usize = 24;

const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const MAGIC_PATCHED: u32 = 0xa1b2_cd34;

/// What the two lengths of a record header mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Captured, then on the wire.
    CapturedFirst,
    /// On the wire, then captured.
    WireFirst,
    /// The smaller one is the captured one.
    SmallerIsCaptured,
}

/// A classic capture being read.
#[derive(Debug)]
pub(crate) struct Pcap {
    big_endian: bool,
    /// Nanoseconds in a unit of the fraction.
    unit: u32,
    record_header: usize,
    lengths: Lengths,
    snaplen: u32,
    /// Longest packet accepted.
    longest: u32,
    link: u16,
    /// All-zero records ahead that were found to be too few to mean an unwritten file.
    zeros_known: usize,
}

impl Pcap {
    /// Tells from its header; `None`: this is not the format.
    pub(crate) fn detect(bytes: &[u8], place: &str) -> Option<Result<Detected, CaptureError>> {
        let magic = *bytes.first_chunk::<4>()?;
        let known = |m| matches!(m, MAGIC_MICROSECONDS | MAGIC_NANOSECONDS | MAGIC_PATCHED);
        let big_endian = known(u32::from_be_bytes(magic));
        if !big_endian && !known(u32::from_le_bytes(magic)) {
            return None;
        }
        let Some(header) = bytes.first_chunk::<FILE_HEADER>() else {
            return Some(Ok(Detected::Need(FILE_HEADER)));
        };
        let fields = Fields { bytes: header, big_endian };
        let (magic, snaplen, link) = (fields.u32(0)?, fields.u32(16)?, fields.u32(20)?);
        let (major, minor) = (fields.u16(4)?, fields.u16(6)?);
        if major != 2 {
            return Some(Err(CaptureError::new(
                ErrorKind::Unsupported,
                format!("a pcap file of version {major}.{minor}"),
                place,
                "convert it to version 2.4 with 'editcap -F pcap'",
            )));
        }
        let pcap = Self {
            big_endian,
            unit: if magic == MAGIC_NANOSECONDS { 1 } else { 1000 },
            record_header: if magic == MAGIC_PATCHED {
                PATCHED_RECORD_HEADER
            } else {
                RECORD_HEADER
            },
            lengths: match minor {
                0..=2 => Lengths::WireFirst,
                3 => Lengths::SmallerIsCaptured,
                _ => Lengths::CapturedFirst,
            },
            snaplen,
            longest: snaplen.clamp(LONGEST_PACKET, LONGEST_SNAPLEN),
            // The upper half tells of a frame check sequence, which no layer above needs.
            link: (link & 0xffff) as u16,
            zeros_known: 0,
        };
        Some(Ok(Detected::Format(Format::Pcap(pcap), FILE_HEADER)))
    }

    pub(crate) fn link(&self) -> u16 {
        self.link
    }

    /// See [`Format::walk`].
    pub(crate) fn walk(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        last: bool,
        sink: &mut Sink<'_>,
    ) -> Step {
        if self.big_endian {
            self.walk_ordered::<true>(bytes, at, last, sink)
        } else {
            self.walk_ordered::<false>(bytes, at, last, sink)
        }
    }

    #[inline]
    fn walk_ordered<const BIG: bool>(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        last: bool,
        sink: &mut Sink<'_>,
    ) -> Step {
        let u32_of = if BIG { u32::from_be_bytes } else { u32::from_le_bytes };
        while sink.wants_more() {
            let rest = bytes.get(*at..).unwrap_or_default();
            let Some((header, _)) = rest.split_first_chunk::<RECORD_HEADER>() else {
                return Step::Need(self.record_header);
            };
            let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = *header;
            let seconds = u32_of([s0, s1, s2, s3]);
            let fraction = u32_of([f0, f1, f2, f3]);
            let mut captured = u32_of([c0, c1, c2, c3]);
            let mut length = u32_of([w0, w1, w2, w3]);
            if self.lengths != Lengths::CapturedFirst {
                self.order(&mut captured, &mut length);
            }
            if captured > self.longest {
                sink.stats.absurd_lengths += 1;
                return Step::Stop(Why::AbsurdLength(captured));
            }
            if captured == 0
                && *header == [0; RECORD_HEADER]
                && let Some(step) = self.look_at_zeros(rest, last)
            {
                return step;
            }
            let whole = self.record_header + captured as usize;
            let Some(packet) = rest.get(self.record_header..whole) else {
                return Step::Need(whole);
            };
            let nanoseconds = u64::from(seconds) * 1_000_000_000;
            let record = Record {
                timestamp: Some(nanoseconds + u64::from(fraction) * u64::from(self.unit)),
                start: *at + self.record_header,
                captured,
                length,
                snaplen: self.snaplen,
                link: self.link,
                interface: 0,
            };
            if !sink.take(record, packet) {
                return Step::Full;
            }
            prefetch(bytes, *at, whole);
            sink.spend(whole);
            *at += whole;
        }
        Step::Full
    }

    #[cold]
    fn order(&self, captured: &mut u32, length: &mut u32) {
        if self.lengths == Lengths::WireFirst || *captured > *length {
            std::mem::swap(captured, length);
        }
    }

    /// Tells an empty packet at time 0, which is a legal record, from a part of the file that was
    /// never written. `None`: the record at the start of `rest` is a packet.
    #[cold]
    fn look_at_zeros(&mut self, rest: &[u8], last: bool) -> Option<Step> {
        if let Some(left) = self.zeros_known.checked_sub(1) {
            self.zeros_known = left;
            return None;
        }
        let far = self.record_header * ZERO_RECORDS;
        let near = rest.get(..far).unwrap_or(rest);
        let zeros = near.iter().take_while(|&&byte| byte == 0).count();
        if zeros == far {
            return Some(Step::Stop(Why::ZeroFilled));
        }
        if zeros == rest.len() && !last {
            return Some(Step::Need(far));
        }
        self.zeros_known = (zeros / self.record_header).saturating_sub(1);
        None
    }
}

//! The block format: sections with any number of interfaces, each with its own link type, snap
//! length, resolution and offset of time.

use crate::error::{CaptureError, ErrorKind};
use crate::format::{Detected, Fields, Format, LONGEST_SNAPLEN, Record, Sink, Step, prefetch};
use crate::source::Why;

/// Type of a section header block, the same in both byte orders.
pub(crate) const SECTION_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Tells the byte order of a section.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Bytes of a block's type and first length.
const BLOCK_HEADER: usize = 8;

/// Bytes of a block's last length.
const BLOCK_TRAILER: usize = 4;

/// Longest block accepted: the longest packet with room for its options.
const LONGEST_BLOCK: u32 = LONGEST_SNAPLEN + 64 * 1024;

/// Interfaces kept of a section; packets of further ones are malformed.
const MOST_INTERFACES: usize = 65_536;

const OPTION_END: u16 = 0;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;
const OPTION_INTERFACE_DROPS: u16 = 5;
const OPTION_SYSTEM_DROPS: u16 = 7;

/// A block capture being read.
#[derive(Debug, Default)]
pub(crate) struct Pcapng {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

#[derive(Debug)]
struct Interface {
    link: u16,
    snaplen: u32,
    resolution: Resolution,
    /// Seconds to add to every time.
    offset: i64,
    /// Packets lost, as last told.
    dropped: u64,
}

/// How ticks become nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// Ticks are multiples of a nanosecond.
    Multiply(u64),
    /// Ticks are parts of a nanosecond.
    Divide(u128),
    /// Ticks are this power of two of a second.
    Shift(u32),
}

impl Resolution {
    const MICROSECONDS: Self = Self::Multiply(1000);

    fn from_option(value: u8) -> Self {
        let exponent = u32::from(value & 0x7f);
        if value & 0x80 != 0 {
            return Self::Shift(exponent);
        }
        match exponent.checked_sub(9) {
            None | Some(0) => Self::Multiply(10_u64.pow(9 - exponent)),
            // No number of ticks makes a nanosecond of more than 10^38 parts.
            Some(finer) => Self::Divide(10_u128.checked_pow(finer).unwrap_or(u128::MAX)),
        }
    }

    fn nanoseconds(self, ticks: u64) -> u128 {
        let ticks = u128::from(ticks);
        match self {
            Self::Multiply(unit) => ticks * u128::from(unit),
            Self::Divide(parts) => ticks / parts,
            Self::Shift(bits) => (ticks * 1_000_000_000) >> bits,
        }
    }
}

impl Interface {
    fn timestamp(&self, high: u32, low: u32) -> u64 {
        let ticks = u64::from(high) << 32 | u64::from(low);
        let nanoseconds = self.resolution.nanoseconds(ticks);
        if self.offset == 0 {
            return u64::try_from(nanoseconds).unwrap_or(u64::MAX);
        }
        // 64 bits of seconds cannot bring 94 bits of nanoseconds out of range.
        let shifted = nanoseconds as i128 + i128::from(self.offset) * 1_000_000_000;
        u64::try_from(shifted.max(0)).unwrap_or(u64::MAX)
    }
}

/// The options of a block from `at` on; ends where they contradict themselves.
fn options(block: Fields<'_>, at: usize) -> impl Iterator<Item = (u16, Fields<'_>)> {
    let mut at = at;
    std::iter::from_fn(move || {
        let code = block.u16(at).filter(|&code| code != OPTION_END)?;
        let length = usize::from(block.u16(at + 2)?);
        let value = block.bytes.get(at + 4..)?.get(..length)?;
        at += 4 + length.next_multiple_of(4);
        Some((code, Fields { bytes: value, ..block }))
    })
}

/// What a block turned out to be.
enum Block {
    /// A packet, with the place of its bytes inside the block.
    Packet(Record),
    /// Something else that was understood.
    Other,
    /// Something to pass over.
    Unknown,
    /// Something that contradicts itself, but ends where it should.
    Malformed,
}

impl Pcapng {
    /// Tells from the first section header, of which nothing is passed over.
    pub(crate) fn detect(bytes: &[u8], place: &str) -> Result<Detected, CaptureError> {
        const NEEDED: usize = 16;
        let Some(header) = bytes.first_chunk::<NEEDED>() else {
            return Ok(Detected::Need(NEEDED));
        };
        let Some(big_endian) = byte_order(header) else {
            return Err(CaptureError::new(
                ErrorKind::NotACapture,
                "not a capture: it begins like pcapng but has no byte order",
                place,
                "name a pcap or pcapng file, plain or compressed with gzip or zstd",
            ));
        };
        let fields = Fields { bytes: header, big_endian };
        let major = fields.u16(12).unwrap_or_default();
        if major != 1 {
            return Err(CaptureError::new(
                ErrorKind::Unsupported,
                format!("a pcapng file of version {major}"),
                place,
                "convert it to version 1 with 'editcap -F pcapng'",
            ));
        }
        Ok(Detected::Format(Format::Pcapng(Self { big_endian, interfaces: Vec::new() }), 0))
    }

    /// See [`Format::walk`].
    pub(crate) fn walk(&mut self, bytes: &[u8], at: &mut usize, sink: &mut Sink<'_>) -> Step {
        while sink.wants_more() {
            let rest = bytes.get(*at..).unwrap_or_default();
            let size = match self.measure(rest) {
                Ok(size) => size,
                Err(step) => {
                    let absurd = matches!(step, Step::Stop(Why::AbsurdLength(_)));
                    sink.stats.absurd_lengths += u64::from(absurd);
                    return step;
                }
            };
            let Some(block) = rest.get(..size) else { return Step::Need(size) };
            let fields = Fields { bytes: block, big_endian: self.big_endian };
            if fields.u32(4) != fields.u32(size - BLOCK_TRAILER) {
                return Step::Stop(Why::Malformed("the two lengths of a block differ"));
            }
            match self.read(fields, sink) {
                Ok(Block::Packet(record)) => {
                    let end = record.start + record.captured as usize;
                    let packet = block.get(record.start..end).unwrap_or_default();
                    let record = Record { start: *at + record.start, ..record };
                    if !sink.take(record, packet) {
                        return Step::Full;
                    }
                }
                Ok(Block::Other) => {}
                Ok(Block::Unknown) => sink.stats.skipped_blocks += 1,
                Ok(Block::Malformed) => sink.stats.malformed += 1,
                Err(why) => return Step::Stop(why),
            }
            prefetch(bytes, *at, size);
            sink.spend(size);
            *at += size;
        }
        Step::Full
    }

    /// Bytes that the block at the start of `rest` takes up. A new section sets the byte order.
    fn measure(&mut self, rest: &[u8]) -> Result<usize, Step> {
        let Some(header) = rest.first_chunk::<BLOCK_HEADER>() else {
            return Err(Step::Need(BLOCK_HEADER));
        };
        let mut smallest = (BLOCK_HEADER + BLOCK_TRAILER) as u32;
        if header.first_chunk() == Some(&SECTION_MAGIC) {
            smallest = 28;
            let Some(start) = rest.first_chunk::<12>() else { return Err(Step::Need(12)) };
            let Some(big_endian) = byte_order(start) else {
                return Err(Step::Stop(Why::Malformed("a section has no byte order")));
            };
            self.big_endian = big_endian;
        }
        let fields = Fields { bytes: header, big_endian: self.big_endian };
        let length = fields.u32(4).unwrap_or_default();
        if *header == [0; BLOCK_HEADER] {
            return Err(Step::Stop(Why::ZeroFilled));
        }
        if length < smallest {
            return Err(Step::Stop(Why::Malformed("a block is shorter than its own header")));
        }
        if length > LONGEST_BLOCK {
            return Err(Step::Stop(Why::AbsurdLength(length)));
        }
        // Some writers leave the padding of the packet out of the length, though not out of the
        // file.
        Ok(length.next_multiple_of(4) as usize)
    }

    /// Reads a whole block.
    fn read(&mut self, block: Fields<'_>, sink: &mut Sink<'_>) -> Result<Block, Why> {
        let body_end = block.bytes.len() - BLOCK_TRAILER;
        let body = Fields { bytes: block.bytes.get(..body_end).unwrap_or_default(), ..block };
        let read = match body.u32(0).unwrap_or_default() {
            SECTION => {
                if body.u16(12) != Some(1) {
                    return Err(Why::Malformed("a section has an unknown version"));
                }
                self.interfaces.clear();
                Some(Block::Other)
            }
            INTERFACE => self.add_interface(body),
            ENHANCED_PACKET => self.packet(body, body.u32(8)),
            OLD_PACKET => self.packet(body, body.u16(8).map(u32::from)),
            SIMPLE_PACKET => self.simple_packet(body),
            STATISTICS => self.statistics(body, sink),
            _ => Some(Block::Unknown),
        };
        Ok(read.unwrap_or(Block::Malformed))
    }

    fn add_interface(&mut self, body: Fields<'_>) -> Option<Block> {
        let mut interface = Interface {
            link: body.u16(8)?,
            snaplen: body.u32(12)?,
            resolution: Resolution::MICROSECONDS,
            offset: 0,
            dropped: 0,
        };
        for (code, value) in options(body, 16) {
            match (code, value.bytes) {
                (OPTION_RESOLUTION, [resolution, ..]) => {
                    interface.resolution = Resolution::from_option(*resolution);
                }
                (OPTION_OFFSET, _) => {
                    interface.offset = value.u64(0).unwrap_or_default().cast_signed();
                }
                _ => {}
            }
        }
        if self.interfaces.len() >= MOST_INTERFACES {
            return None;
        }
        self.interfaces.push(interface);
        Some(Block::Other)
    }

    /// A packet block, whose two kinds differ only in how they number the interface.
    fn packet(&self, body: Fields<'_>, number: Option<u32>) -> Option<Block> {
        const DATA: usize = 28;
        let number = number?;
        let interface = self.interfaces.get(usize::try_from(number).ok()?)?;
        let captured = body.u32(20)?;
        let room = body.bytes.len().checked_sub(DATA)?;
        if captured as usize > room {
            return None;
        }
        Some(Block::Packet(Record {
            timestamp: Some(interface.timestamp(body.u32(12)?, body.u32(16)?)),
            start: DATA,
            captured,
            length: body.u32(24)?,
            snaplen: interface.snaplen,
            link: interface.link,
            interface: u16::try_from(number).unwrap_or(u16::MAX),
        }))
    }

    /// A packet of the first interface, without a time and cut to the snap length.
    fn simple_packet(&self, body: Fields<'_>) -> Option<Block> {
        const DATA: usize = 12;
        let interface = self.interfaces.first()?;
        let length = body.u32(8)?;
        let captured = match interface.snaplen {
            0 => length,
            snaplen => length.min(snaplen),
        };
        let room = body.bytes.len().checked_sub(DATA)?;
        if captured as usize > room {
            return None;
        }
        Some(Block::Packet(Record {
            timestamp: None,
            start: DATA,
            captured,
            length,
            snaplen: interface.snaplen,
            link: interface.link,
            interface: 0,
        }))
    }

    /// Takes note of the packets that were lost while recording.
    fn statistics(&mut self, body: Fields<'_>, sink: &mut Sink<'_>) -> Option<Block> {
        let number = usize::try_from(body.u32(8)?).ok()?;
        let interface = self.interfaces.get_mut(number)?;
        let dropped = options(body, 20)
            .filter(|(code, _)| matches!(*code, OPTION_INTERFACE_DROPS | OPTION_SYSTEM_DROPS))
            .filter_map(|(_, value)| value.u64(0))
            .fold(0, u64::saturating_add);
        // The block tells the sum so far; it may come more than once.
        let more = dropped.saturating_sub(interface.dropped);
        interface.dropped = interface.dropped.max(dropped);
        sink.stats.recorded_drops = sink.stats.recorded_drops.saturating_add(more);
        Some(Block::Other)
    }
}

/// Whether a section that begins with these bytes is big-endian; `None`: it says neither.
fn byte_order(section: &[u8]) -> Option<bool> {
    let magic = *section.get(8..)?.first_chunk::<4>()?;
    if u32::from_be_bytes(magic) == BYTE_ORDER {
        Some(true)
    } else if u32::from_le_bytes(magic) == BYTE_ORDER {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_becomes_nanoseconds() {
        let nanoseconds = |option, ticks| Resolution::from_option(option).nanoseconds(ticks);

        assert_eq!(nanoseconds(0, 3), 3_000_000_000);
        assert_eq!(nanoseconds(6, 1_500_000), 1_500_000_000);
        assert_eq!(nanoseconds(9, 1_500_000_001), 1_500_000_001);
        assert_eq!(nanoseconds(12, 1_999), 1);
        assert_eq!(nanoseconds(127, u64::MAX), 0);
        assert_eq!(nanoseconds(0x80, 2), 2_000_000_000);
        assert_eq!(nanoseconds(0x81, 3), 1_500_000_000);
        assert_eq!(nanoseconds(0x80 | 32, 1 << 31), 500_000_000);
        assert_eq!(nanoseconds(0xff, u64::MAX), 0);
    }

    #[test]
    fn no_resolution_and_no_offset_overflows() {
        for option in 0..=u8::MAX {
            for offset in [i64::MIN, -1, 0, 1, i64::MAX] {
                let interface = Interface {
                    link: 1,
                    snaplen: 0,
                    resolution: Resolution::from_option(option),
                    offset,
                    dropped: 0,
                };
                for (high, low) in [(0, 0), (0, 1), (u32::MAX, u32::MAX)] {
                    let time = interface.timestamp(high, low);
                    if offset == i64::MAX {
                        assert_eq!(time, u64::MAX);
                    } else if offset == i64::MIN {
                        assert!(time == 0 || matches!(option, 0 | 0x80));
                    }
                }
            }
        }
    }

    #[test]
    fn options_that_run_past_their_block_end_there() {
        let bytes = [1, 0, 2, 0, 7, 7, 0, 0, 9, 0, 200, 0, 1];
        let block = Fields { bytes: &bytes, big_endian: false };

        let seen: Vec<_> = options(block, 0).map(|(code, v)| (code, v.bytes.to_vec())).collect();

        assert_eq!(seen, [(1, vec![7, 7])]);
    }
}

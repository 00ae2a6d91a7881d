//! Blocks of pcapng (draft-ietf-opsawg-pcapng), written in this machine's byte order.

use crate::format::LONGEST_SNAPLEN;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;
/// The length of a section is not told: readers find its end.
const LENGTH_UNKNOWN: u64 = u64::MAX;

/// Time stamps count nanoseconds: 10 to the power of minus this.
const RESOLUTION: u8 = 9;
/// A filter in libpcap's language, before its text.
const LIBPCAP_TEXT: u8 = 0;
/// Longest text of an option; more is cut.
const LONGEST_TEXT: usize = 4096;

mod option {
    pub const END: u16 = 0;
    pub const APPLICATION: u16 = 4;
    pub const NAME: u16 = 2;
    pub const RESOLUTION: u16 = 9;
    pub const FILTER: u16 = 11;
    pub const BEGIN: u16 = 2;
    pub const END_TIME: u16 = 3;
    pub const RECEIVED: u16 = 4;
    pub const DROPPED: u16 = 5;
    pub const ACCEPTED: u16 = 6;
    pub const DELIVERED: u16 = 8;
}

/// Octets that a packet's block has beside the packet, at most.
pub(super) const PACKET_FRAME: usize = 32 + 3;

/// What is said of an interface at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    /// Packets that came, written or not.
    pub seen: u64,
    /// Packets for which there was no room on the way to the writer.
    pub dropped: u64,
    /// Packets that the filter accepted.
    pub accepted: u64,
    /// Packets written.
    pub written: u64,
}

/// A packet's place and time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    /// Number of its interface in the file.
    pub interface: u32,
    /// Nanoseconds since the epoch.
    pub time: u64,
    /// Octets on the wire.
    pub length: u32,
}

/// The beginning of a file.
pub(super) fn section(out: &mut Vec<u8>, application: &str) {
    block(out, SECTION, |out| {
        out.extend(BYTE_ORDER.to_ne_bytes());
        out.extend(1u16.to_ne_bytes());
        out.extend(0u16.to_ne_bytes());
        out.extend(LENGTH_UNKNOWN.to_ne_bytes());
        text(out, option::APPLICATION, application);
        end_of_options(out);
    });
}

/// An interface; the first one in a file has the number 0. `snap_length` 0 stands for no limit.
pub(super) fn interface(
    out: &mut Vec<u8>,
    link: u16,
    snap_length: u32,
    name: Option<&str>,
    filter: &str,
) {
    // Readers take a snap length for granted that a packet of theirs may have.
    let snap_length = if snap_length > LONGEST_SNAPLEN { 0 } else { snap_length };
    block(out, INTERFACE, |out| {
        out.extend(link.to_ne_bytes());
        out.extend(0u16.to_ne_bytes());
        out.extend(snap_length.to_ne_bytes());
        if let Some(name) = name {
            text(out, option::NAME, name);
        }
        octets(out, option::RESOLUTION, &[&[RESOLUTION]]);
        if !filter.is_empty() {
            octets(out, option::FILTER, &[&[LIBPCAP_TEXT], shortened(filter).as_bytes()]);
        }
        end_of_options(out);
    });
}

/// A packet, of which `bytes` are kept.
pub(super) fn packet(out: &mut Vec<u8>, stamp: Stamp, bytes: &[u8]) {
    block(out, PACKET, |out| {
        out.extend(stamp.interface.to_ne_bytes());
        time(out, stamp.time);
        out.extend((bytes.len() as u32).to_ne_bytes());
        out.extend(stamp.length.max(bytes.len() as u32).to_ne_bytes());
        padded(out, &[bytes]);
    });
}

/// What was counted at an interface between two times, nanoseconds since the epoch.
pub(super) fn statistics(
    out: &mut Vec<u8>,
    interface: u32,
    (begin, end): (u64, u64),
    counted: &Statistics,
) {
    block(out, STATISTICS, |out| {
        out.extend(interface.to_ne_bytes());
        time(out, end);
        for (code, at) in [(option::BEGIN, begin), (option::END_TIME, end)] {
            let [high, low] = halves(at);
            octets(out, code, &[&high, &low]);
        }
        for (code, count) in [
            (option::RECEIVED, counted.seen),
            (option::DROPPED, counted.dropped),
            (option::ACCEPTED, counted.accepted),
            (option::DELIVERED, counted.written),
        ] {
            octets(out, code, &[&count.to_ne_bytes()]);
        }
        end_of_options(out);
    });
}

/// Of octets that begin with a block: how many belong to whole blocks, and how many of these are
/// packets'.
pub(super) fn whole(bytes: &[u8]) -> (usize, u64) {
    let (mut at, mut packets) = (0, 0);
    while let Some(rest) = bytes.get(at..)
        && let (Some(kind), Some(length)) = (number(rest, 0), number(rest, 4))
        && length >= 12
        && rest.len() >= length as usize
    {
        at += length as usize;
        packets += u64::from(kind == PACKET);
    }
    (at, packets)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|octets| u32::from_ne_bytes(*octets))
}

/// A block of this kind around what `body` writes, in whole words of 32 bits.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend(kind.to_ne_bytes());
    out.extend([0; 4]);
    body(out);
    let length = ((out.len() - begin + 4) as u32).to_ne_bytes();
    out.extend(length);
    if let Some(place) = out.get_mut(begin + 4..begin + 8) {
        place.copy_from_slice(&length);
    }
}

fn text(out: &mut Vec<u8>, code: u16, value: &str) {
    octets(out, code, &[shortened(value).as_bytes()]);
}

fn octets(out: &mut Vec<u8>, code: u16, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.extend(code.to_ne_bytes());
    out.extend((length as u16).to_ne_bytes());
    padded(out, parts);
}

fn end_of_options(out: &mut Vec<u8>) {
    octets(out, option::END, &[]);
}

fn padded(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.extend_from_slice(&[0; 3][..length.next_multiple_of(4) - length]);
}

/// A time in units of [`RESOLUTION`], as two halves, the upper one first.
fn halves(time: u64) -> [[u8; 4]; 2] {
    [((time >> 32) as u32).to_ne_bytes(), (time as u32).to_ne_bytes()]
}

fn time(out: &mut Vec<u8>, at: u64) {
    halves(at).iter().for_each(|half| out.extend_from_slice(half));
}

fn shortened(text: &str) -> &str {
    let end = (0..=text.len().min(LONGEST_TEXT)).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

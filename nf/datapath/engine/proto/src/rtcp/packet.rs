//! Control packets of a compound (RFC 3550 §6, RFC 4585 §6, RFC 3611): pure.

use crate::Cursor;

/// Packet types.
pub mod kind {
    #![allow(missing_docs)]
    pub const SENDER_REPORT: u8 = 200;
    pub const RECEIVER_REPORT: u8 = 201;
    pub const SOURCE_DESCRIPTION: u8 = 202;
    pub const BYE: u8 = 203;
    pub const APPLICATION: u8 = 204;
    pub const EXTENDED_REPORT: u8 = 207;

    /// The word for a packet type.
    pub fn word(kind: u8) -> &'static str {
        match kind {
            SENDER_REPORT => "sender_report",
            RECEIVER_REPORT => "receiver_report",
            SOURCE_DESCRIPTION => "source_description",
            BYE => "bye",
            APPLICATION => "application",
            205 => "transport_feedback",
            206 => "payload_feedback",
            EXTENDED_REPORT => "extended_report",
            208 => "avb",
            209 => "receiver_summary",
            210 => "port_mapping",
            211 => "token",
            192 => "full_intra_request",
            193 => "negative_acknowledgement",
            195 => "extended_jitter",
            _ => "other",
        }
    }
}

/// Octets of a packet's common header.
const HEADER_LEN: usize = 4;

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Number of reports, sources or chunks; a subtype or format in others.
    pub count: u8,
    /// See [`kind`].
    pub kind: u8,
    /// What follows the common header, without padding.
    pub body: &'a [u8],
    /// Octets of the whole packet.
    pub total: usize,
}

impl<'a> Packet<'a> {
    /// Reads the packet at the front of `data`.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        let (first, kind) = (c.u8()?, c.u8()?);
        let words = usize::from(c.u16()?);
        if first >> 6 != 2 || !(192..=223).contains(&kind) {
            return None;
        }
        let mut body = c.take(words.saturating_mul(4))?;
        if first & 0x20 != 0 {
            let padding = usize::from(*body.last()?);
            body = body.get(..body.len().checked_sub(padding)?)?;
        }
        let total = words.saturating_mul(4).saturating_add(HEADER_LEN);
        Some(Self { count: first & 0x1f, kind, body, total })
    }

    /// The stream of whoever sends it.
    pub fn ssrc(&self) -> Option<u32> {
        Cursor::new(self.body).u32()
    }

    /// Whether count and length agree, where the standard ties them.
    pub fn adds_up(&self) -> bool {
        let count = usize::from(self.count);
        let needed = match self.kind {
            kind::SENDER_REPORT => count.saturating_mul(24).saturating_add(24),
            kind::RECEIVER_REPORT => count.saturating_mul(24).saturating_add(4),
            kind::SOURCE_DESCRIPTION => count.saturating_mul(8),
            kind::BYE => count.saturating_mul(4),
            kind::APPLICATION | 205 | 206 => 8,
            kind::EXTENDED_REPORT => 4,
            _ => 0,
        };
        self.body.len() >= needed
    }
}

/// What a sender says of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The middle 32 bits of the sender's NTP time: reports refer to it.
    pub ntp_middle: u32,
    /// The same moment in the stream's clock.
    pub rtp_time: u32,
    /// Packets sent.
    pub packets: u32,
    /// Octets of payload sent.
    pub octets: u32,
}

/// What a receiver says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The stream.
    pub source: u32,
    /// Loss since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; repeated packets make it negative.
    pub lost: i32,
    /// Highest sequence number, with the count of cycles.
    pub highest: u32,
    /// Interarrival jitter, timestamp units.
    pub jitter: u32,
    /// Middle of the NTP time of the last sender report; 0: none came.
    pub last_report: u32,
    /// Time since that came, in 65536ths of a second.
    pub delay: u32,
}

/// A sender report's own part.
pub fn sender_info(c: &mut Cursor<'_>) -> Option<SenderInfo> {
    let (seconds, fraction) = (c.u32()?, c.u32()?);
    Some(SenderInfo {
        ntp_middle: seconds << 16 | fraction >> 16,
        rtp_time: c.u32()?,
        packets: c.u32()?,
        octets: c.u32()?,
    })
}

/// A report block.
pub fn block(c: &mut Cursor<'_>) -> Option<Block> {
    let source = c.u32()?;
    let word = c.u32()?;
    let [fraction_lost, ..] = word.to_be_bytes();
    // Sign of a 24-bit number.
    let lost = (word << 8).cast_signed() >> 8;
    let (highest, jitter, last_report, delay) = (c.u32()?, c.u32()?, c.u32()?, c.u32()?);
    Some(Block { source, fraction_lost, lost, highest, jitter, last_report, delay })
}

/// The canonical name in a source description's chunk; `None` when items overrun the chunk.
pub fn canonical_name(body: &[u8]) -> Option<(u32, Option<&[u8]>)> {
    let mut c = Cursor::new(body);
    let ssrc = c.u32()?;
    loop {
        match c.u8() {
            None | Some(0) => return Some((ssrc, None)),
            Some(1) => return Some((ssrc, Some(c.prefixed_u8()?))),
            Some(_) => c.prefixed_u8().map(|_| ())?,
        }
    }
}

/// Why a source leaves, where a BYE of `count` sources says so.
pub fn reason(body: &[u8], count: u8) -> Option<&[u8]> {
    let mut c = Cursor::new(body);
    c.skip(usize::from(count).saturating_mul(4))?;
    c.prefixed_u8().filter(|text| !text.is_empty())
}

/// VoIP metrics of an extended report (RFC 3611 §4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// The stream.
    pub source: u32,
    /// Packets lost, in 256ths.
    pub loss_rate: u8,
    /// Packets thrown away by the receiver's buffer, in 256ths.
    pub discard_rate: u8,
    /// Round trip in milliseconds.
    pub round_trip_ms: u16,
    /// Delay inside the end system in milliseconds.
    pub end_system_ms: u16,
    /// Rating R; 127: not known.
    pub r_factor: u8,
    /// Listening quality in tenths; 127: not known.
    pub mos_lq: u8,
    /// Conversational quality in tenths; 127: not known.
    pub mos_cq: u8,
}

/// The first VoIP metrics block among an extended report's blocks; `None` when a block overruns.
pub fn voice(body: &[u8]) -> Option<Option<Voice>> {
    let mut c = Cursor::new(body);
    c.skip(4)?;
    while !c.is_empty() {
        let (kind, _) = (c.u8()?, c.u8()?);
        let words = usize::from(c.u16()?);
        let block = c.take(words.saturating_mul(4))?;
        if kind == 7 {
            return Some(voice_block(block));
        }
    }
    Some(None)
}

fn voice_block(block: &[u8]) -> Option<Voice> {
    let mut c = Cursor::new(block);
    let source = c.u32()?;
    let (loss_rate, discard_rate) = (c.u8()?, c.u8()?);
    // Densities and durations of bursts and gaps.
    c.skip(6)?;
    let (round_trip_ms, end_system_ms) = (c.u16()?, c.u16()?);
    // Levels of signal and noise, echo, and Gmin.
    c.skip(4)?;
    let r_factor = c.u8()?;
    c.skip(1)?;
    let (mos_lq, mos_cq) = (c.u8()?, c.u8()?);
    Some(Voice {
        source,
        loss_rate,
        discard_rate,
        round_trip_ms,
        end_system_ms,
        r_factor,
        mos_lq,
        mos_cq,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_must_hold_what_it_counts() {
        let report = [0x81, 201, 0, 7, 0, 0, 0, 1];
        let data = [&report[..], &[0; 24]].concat();

        assert!(Packet::parse(&data).unwrap().adds_up());
        assert_eq!(Packet::parse(&data[..31]), None);
        let short = [0x82, 201, 0, 1, 0, 0, 0, 1];
        assert!(!Packet::parse(&short).unwrap().adds_up());
    }

    #[test]
    fn loss_may_be_negative() {
        let data = [&[0, 0, 0, 9, 0, 0xff, 0xff, 0xfe][..], &[0; 16]].concat();

        assert_eq!(block(&mut Cursor::new(&data)).unwrap().lost, -2);
    }

    #[test]
    fn names_are_found_behind_other_items() {
        let chunk = b"\0\0\0\x05\x02\x03Ann\x01\x05a@b.c\0\0";

        assert_eq!(canonical_name(chunk), Some((5, Some(&b"a@b.c"[..]))));
        assert_eq!(canonical_name(b"\0\0\0\x05\x01\x09a@b"), None);
    }
}

//! An RTP packet's fields (RFC 3550 §5.1, RFC 3551 §6): pure.

use crate::Cursor;

/// Octets of the part that every packet has.
pub const HEADER_LEN: usize = 12;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Octets follow the payload that are no payload.
    pub padding: bool,
    /// A header extension is there.
    pub extension: bool,
    /// Number of contributing sources.
    pub csrc_count: u8,
    /// Meaning depends on the payload: begin of speech, end of a picture.
    pub marker: bool,
    /// What the payload is.
    pub payload_type: u8,
    /// Number of the packet in its stream.
    pub sequence: u16,
    /// When the payload's first octet was sampled.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: u32,
    /// The contributing sources.
    pub csrc: &'a [u8],
    /// What follows the header, without padding where that can be told.
    pub payload: &'a [u8],
    /// The padding's length contradicts the packet's.
    pub bad_padding: bool,
}

impl<'a> Packet<'a> {
    /// Reads a datagram; `whole` is false when its end was not captured.
    pub fn parse(data: &'a [u8], whole: bool) -> Option<Self> {
        let mut c = Cursor::new(data);
        let (first, second) = (c.u8()?, c.u8()?);
        if first >> 6 != 2 {
            return None;
        }
        let csrc_count = first & 0xf;
        let mut packet = Self {
            padding: first & 0x20 != 0,
            extension: first & 0x10 != 0,
            csrc_count,
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: c.u16()?,
            timestamp: c.u32()?,
            ssrc: c.u32()?,
            csrc: c.take(usize::from(csrc_count).saturating_mul(4))?,
            payload: &[],
            bad_padding: false,
        };
        if packet.extension {
            c.skip(2)?;
            let words = c.u16()?;
            c.skip(usize::from(words).saturating_mul(4))?;
        }
        packet.payload = c.rest();
        if packet.padding && whole {
            let length = packet.payload.last().map_or(0, |&n| usize::from(n));
            let end = packet.payload.len().checked_sub(length).filter(|_| length > 0);
            match end.and_then(|end| packet.payload.get(..end)) {
                Some(payload) => packet.payload = payload,
                None => packet.bad_padding = true,
            }
        }
        Some(packet)
    }
}

/// Whether the second octet makes it RTCP where the two share a port (RFC 5761 §4).
pub fn is_rtcp(data: &[u8]) -> bool {
    matches!(data, [0x80..=0xbf, 192..=223, ..])
}

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    /// Encoding name as SDP has it.
    pub name: &'static str,
    /// Timestamp units per second.
    pub clock: u32,
}

/// The encoding of a payload type with a fixed meaning.
pub fn static_codec(payload_type: u8) -> Option<Codec> {
    let (name, clock) = match payload_type {
        0 => ("PCMU", 8_000),
        3 => ("GSM", 8_000),
        4 => ("G723", 8_000),
        5 => ("DVI4", 8_000),
        6 => ("DVI4", 16_000),
        7 => ("LPC", 8_000),
        8 => ("PCMA", 8_000),
        9 => ("G722", 8_000),
        10 | 11 => ("L16", 44_100),
        12 => ("QCELP", 8_000),
        13 => ("CN", 8_000),
        14 => ("MPA", 90_000),
        15 => ("G728", 8_000),
        16 => ("DVI4", 11_025),
        17 => ("DVI4", 22_050),
        18 => ("G729", 8_000),
        25 => ("CelB", 90_000),
        26 => ("JPEG", 90_000),
        28 => ("nv", 90_000),
        31 => ("H261", 90_000),
        32 => ("MPV", 90_000),
        33 => ("MP2T", 90_000),
        34 => ("H263", 90_000),
        _ => return None,
    };
    Some(Codec { name, clock })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_taken_apart() {
        let data = [
            &[0xb1, 0xe0, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef][..],
            &[0, 0, 0, 7],
            &[0xbe, 0xde, 0, 1, 1, 2, 3, 4],
            b"voice",
            &[0, 0, 3],
        ]
        .concat();

        let packet = Packet::parse(&data, true).unwrap();

        assert_eq!((packet.payload_type, packet.marker), (96, true));
        assert_eq!((packet.sequence, packet.timestamp), (0x1234, 160));
        assert_eq!((packet.ssrc, packet.csrc), (0xdead_beef, &[0, 0, 0, 7][..]));
        assert_eq!(packet.payload, b"voice");
        for end in 0..24 {
            assert_eq!(Packet::parse(&data[..end], true), None, "{end}");
        }
    }

    #[test]
    fn padding_longer_than_the_packet_is_noticed() {
        let mut data = [0u8; 20];
        data[0] = 0xa0;
        for last in [0, 9, 255] {
            data[19] = last;
            let packet = Packet::parse(&data, true).unwrap();
            assert!(packet.bad_padding && packet.payload.len() == 8);
        }
    }
}

//! Octets → frame headers (RFC 6455 §5.2), unmasking, and whether a stream looks like frames.

use crate::Cursor;

/// Opcodes.
pub(super) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;
}

/// Most octets of a control frame's payload (§5.5).
pub(super) const MAX_CONTROL: u64 = 125;

/// The word for an opcode.
pub(super) fn word(code: u8) -> &'static str {
    match code {
        opcode::CONTINUATION => "continuation",
        opcode::TEXT => "text",
        opcode::BINARY => "binary",
        opcode::CLOSE => "close",
        opcode::PING => "ping",
        opcode::PONG => "pong",
        _ => "reserved",
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    /// The three reserved bits, the first the highest.
    pub(super) reserved: u8,
    pub(super) opcode: u8,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) length: u64,
    /// The length could have been written in fewer octets.
    pub(super) wide: bool,
    /// Octets of the header.
    pub(super) size: usize,
}

impl Header {
    /// Reads the header at the front of `data`.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        let [first, second] = c.array()?;
        let (length, least) = match second & 0x7f {
            126 => (u64::from(c.u16()?), 126),
            127 => (c.u64()?, 0x1_0000),
            short => (u64::from(short), 0),
        };
        let mask = if second & 0x80 != 0 { Some(c.array()?) } else { None };
        Some(Self {
            fin: first & 0x80 != 0,
            reserved: first >> 4 & 7,
            opcode: first & 15,
            mask,
            length,
            wide: length < least,
            size: c.position(),
        })
    }

    pub(super) fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self.opcode, 0..=2 | 8..=10)
    }

    /// The bit by which permessage-deflate marks the first frame of a message (RFC 7692 §6).
    pub(super) fn is_compressed(&self) -> bool {
        self.reserved & 4 != 0 && matches!(self.opcode, opcode::TEXT | opcode::BINARY)
    }

    /// Whether nothing in it speaks against a frame.
    fn is_plausible(&self) -> bool {
        let control = !self.is_control() || (self.fin && self.length <= MAX_CONTROL);
        let reserved = self.reserved == 0 || self.is_compressed();
        self.is_known() && control && reserved && !self.wide && self.length < 1 << 31
    }
}

/// `octets` without the mask, of which they are `offset` octets from the start.
pub(super) fn unmask(octets: &[u8], mask: Option<[u8; 4]>, offset: u64) -> Vec<u8> {
    let Some(mask) = mask else {
        return octets.to_vec();
    };
    let begin = usize::try_from(offset & 3).unwrap_or(0);
    let key = mask.iter().cycle().skip(begin);
    octets.iter().zip(key).map(|(octet, key)| octet ^ key).collect()
}

/// Whether a close code may be sent (§7.4).
pub(super) fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// How much the front of a stream looks like frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Whole frames, with so many letters of text in them.
    Frames {
        letters: usize,
    },
    /// The beginning of a frame.
    Perhaps,
    Nothing,
}

/// Most frames looked at.
const MAX_FRAMES: usize = 16;

/// Judges octets of a connection whose beginning may not have been seen.
pub(super) fn likeness(data: &[u8]) -> Likeness {
    let mut rest = data;
    let mut letters = 0usize;
    // Whether a message goes on, where that is known.
    let mut open = None;
    let masked = Header::read(data).map(|header| header.mask.is_some());
    for _ in 0..MAX_FRAMES {
        if rest.is_empty() {
            break;
        }
        let Some(header) = Header::read(rest) else {
            return Likeness::Perhaps;
        };
        if !header.is_plausible() || Some(header.mask.is_some()) != masked {
            return Likeness::Nothing;
        }
        if !header.is_control() {
            let continues = header.opcode == opcode::CONTINUATION;
            if open.is_some_and(|open| open != continues) {
                return Likeness::Nothing;
            }
            open = Some(!header.fin);
        }
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let (_, payload) = rest.split_at_checked(header.size).unwrap_or_default();
        let Some((payload, behind)) = payload.split_at_checked(length) else {
            return Likeness::Perhaps;
        };
        if header.opcode == opcode::TEXT && header.reserved == 0 {
            let text = unmask(payload, header.mask, 0);
            let printed = |b: &u8| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n');
            if header.fin && std::str::from_utf8(&text).is_err() {
                return Likeness::Nothing;
            }
            letters = letters.saturating_add(text.iter().filter(|b| printed(b)).count());
        }
        rest = behind;
    }
    Likeness::Frames { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_three_widths() {
        let read = |octets: &[u8]| Header::read(octets).map(|h| (h.length, h.size, h.wide));
        assert_eq!(read(&[0x81, 5]), Some((5, 2, false)));
        assert_eq!(read(&[0x81, 126, 1, 0]), Some((256, 4, false)));
        assert_eq!(read(&[0x81, 126, 0, 5]), Some((5, 4, true)));
        assert_eq!(read(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]), Some((0x1_0000, 10, false)));
        assert_eq!(read(&[0x81, 0x85, 1, 2, 3]), None);
    }

    #[test]
    fn a_mask_is_taken_off_from_any_offset() {
        let mask = Some([1, 2, 3, 4]);
        assert_eq!(unmask(&[1, 2, 3, 4, 1], mask, 0), [0; 5]);
        assert_eq!(unmask(&[3, 4, 1], mask, 6), [0; 3]);
        assert_eq!(unmask(b"ab", None, 0), b"ab");
    }

    #[test]
    fn whole_frames_with_text_look_like_frames() {
        assert_eq!(likeness(b"\x81\x05hello\x89\0"), Likeness::Frames { letters: 5 });
        assert_eq!(likeness(b"\x81\x05hell"), Likeness::Perhaps);
        assert_eq!(likeness(b"\x81\x02\xff\xfe"), Likeness::Nothing);
        assert_eq!(likeness(b"\x81\x05hello\x81\x81\0\0\0\0x"), Likeness::Nothing);
        assert_eq!(likeness(b"\x83\x01x"), Likeness::Nothing);
    }
}

//! Frames (RFC 9113 §4, §6): octets to headers and payloads, and what makes them plausible. Pure.

use crate::Cursor;

/// What a client sends first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Octets of a frame header.
pub(super) const HEADER: usize = 9;
/// Largest payload unless SETTINGS say otherwise.
const USUAL_LENGTH: u32 = 16_384;

/// Frame types.
pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PUSH_PROMISE: u8 = 5;
    pub(in super::super) const PING: u8 = 6;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const WINDOW_UPDATE: u8 = 8;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

/// Frame flags.
pub(super) mod flag {
    /// On DATA and HEADERS; ACK on SETTINGS and PING.
    pub(in super::super) const END_STREAM: u8 = 0x1;
    pub(in super::super) const ACK: u8 = 0x1;
    pub(in super::super) const END_HEADERS: u8 = 0x4;
    pub(in super::super) const PADDED: u8 = 0x8;
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// A frame's first nine octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    reserved: bool,
}

impl Header {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let mut octets = Cursor::new(data);
        let length = octets.u24()?;
        let (kind, flags) = (octets.u8()?, octets.u8()?);
        let stream = octets.u32()?;
        Some(Self {
            length,
            kind,
            flags,
            stream: stream & 0x7fff_ffff,
            reserved: stream & 0x8000_0000 != 0,
        })
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the payload is a header block or part of one.
    pub(super) fn carries_fields(&self) -> bool {
        matches!(self.kind, kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION)
    }

    /// Whether the length is one that this type can have.
    pub(super) fn is_sized(&self) -> bool {
        match self.kind {
            kind::DATA | kind::HEADERS => self.length >= u32::from(self.has(flag::PADDED)),
            kind::PRIORITY => self.length == 5,
            kind::RST_STREAM | kind::WINDOW_UPDATE => self.length == 4,
            kind::SETTINGS if self.has(flag::ACK) => self.length == 0,
            kind::SETTINGS => self.length.is_multiple_of(6),
            kind::PUSH_PROMISE => self.length >= 4,
            kind::PING => self.length == 8,
            kind::GOAWAY => self.length >= 8,
            _ => true,
        }
    }

    /// Whether this type may be on this stream.
    pub(super) fn is_placed(&self) -> bool {
        match self.kind {
            kind::SETTINGS | kind::PING | kind::GOAWAY => self.stream == 0,
            kind::WINDOW_UPDATE => true,
            kind::DATA..=kind::CONTINUATION => self.stream != 0,
            _ => true,
        }
    }

    /// Whether nine octets from anywhere are likely to be a frame header.
    pub(super) fn is_plausible(&self) -> bool {
        let allowed = match self.kind {
            kind::DATA => 0x9,
            kind::HEADERS => 0x2d,
            kind::SETTINGS | kind::PING => 0x1,
            kind::PUSH_PROMISE => 0xc,
            kind::CONTINUATION => 0x4,
            _ => 0,
        };
        self.kind <= kind::CONTINUATION
            && self.flags & !allowed == 0
            && !self.reserved
            && self.length <= USUAL_LENGTH
            && self.stream < 1 << 24
            && self.is_sized()
            && self.is_placed()
    }
}

/// A payload without its padding; `None` when the padding exceeds it.
pub(super) fn unpad<'a>(header: &Header, payload: &'a [u8]) -> Option<&'a [u8]> {
    if !header.has(flag::PADDED) {
        return Some(payload);
    }
    let (&padding, rest) = payload.split_first()?;
    let length = rest.len().checked_sub(padding.into())?;
    rest.get(..length)
}

/// The settings of a SETTINGS payload.
pub(super) fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> + '_ {
    payload.chunks_exact(6).filter_map(|item| {
        let mut octets = Cursor::new(item);
        Some((octets.u16()?, octets.u32()?))
    })
}

/// Whether a setting has a value that RFC 9113 §6.5.2 allows.
pub(super) fn is_setting_valid(id: u16, value: u32) -> bool {
    match id {
        2 | 8 => value <= 1,
        4 => value <= 0x7fff_ffff,
        5 => (16_384..=16_777_215).contains(&value),
        _ => true,
    }
}

/// The name of an error code (RFC 9113 §7).
pub(super) fn error_name(code: u32) -> &'static str {
    match code {
        0 => "NO_ERROR",
        1 => "PROTOCOL_ERROR",
        2 => "INTERNAL_ERROR",
        3 => "FLOW_CONTROL_ERROR",
        4 => "SETTINGS_TIMEOUT",
        5 => "STREAM_CLOSED",
        6 => "FRAME_SIZE_ERROR",
        7 => "REFUSED_STREAM",
        8 => "CANCEL",
        9 => "COMPRESSION_ERROR",
        10 => "CONNECT_ERROR",
        11 => "ENHANCE_YOUR_CALM",
        12 => "INADEQUATE_SECURITY",
        13 => "HTTP_1_1_REQUIRED",
        _ => "UNKNOWN",
    }
}

/// How much the front of `data` looks like a row of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Two or more frames, or one that says enough.
    Frames,
    /// One frame, perhaps.
    Perhaps,
    /// Something else.
    Nothing,
}

/// Judges octets of a connection whose beginning may not have been seen.
pub(super) fn likeness(data: &[u8]) -> Likeness {
    let mut rest = data;
    for seen in 0..3 {
        let Some(header) = Header::read(rest) else {
            return match seen {
                _ if rest.first().is_some_and(|&b| b != 0) => Likeness::Nothing,
                0 | 1 => Likeness::Perhaps,
                _ => Likeness::Frames,
            };
        };
        if !header.is_plausible() {
            return Likeness::Nothing;
        }
        let (_, payload) = rest.split_at_checked(HEADER).unwrap_or_default();
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let Some((payload, behind)) = payload.split_at_checked(length) else {
            return if seen >= 2 { Likeness::Frames } else { Likeness::Perhaps };
        };
        if header.kind == kind::SETTINGS {
            let valid = settings(payload)
                .all(|(id, value)| (1..=64).contains(&id) && is_setting_valid(id, value));
            if !valid {
                return Likeness::Nothing;
            }
            // A connection begins with it.
            if seen == 0 && length > 0 {
                return Likeness::Frames;
            }
        }
        rest = behind;
    }
    Likeness::Frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_five_parts() {
        let header = Header::read(&[0, 1, 2, 1, 0x25, 0x80, 0, 0, 7]).unwrap();

        assert_eq!((header.length, header.kind, header.stream), (0x102, kind::HEADERS, 7));
        assert!(header.has(flag::END_STREAM) && header.has(flag::PRIORITY));
        assert!(header.reserved);
        assert_eq!(Header::read(&[0; 8]), None);
    }

    #[test]
    fn padding_may_not_exceed_the_payload() {
        let header = Header { flags: flag::PADDED, ..Header::default() };
        assert_eq!(unpad(&header, &[2, b'a', 0, 0]), Some(&b"a"[..]));
        assert_eq!(unpad(&header, &[3, 0, 0]), None);
        assert_eq!(unpad(&header, &[]), None);
    }

    #[test]
    fn settings_first_or_three_frames_look_like_http2() {
        let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
        assert_eq!(likeness(&settings), Likeness::Frames);
        let acknowledged = [0, 0, 0, 4, 1, 0, 0, 0, 0];
        assert_eq!(likeness(&acknowledged), Likeness::Perhaps);
        assert_eq!(likeness(&acknowledged.repeat(3)), Likeness::Frames);
        assert_eq!(likeness(&[0; 40]), Likeness::Nothing);
        let mut wrong = settings;
        wrong[9] = 9;
        assert_eq!(likeness(&wrong), Likeness::Nothing);
    }
}

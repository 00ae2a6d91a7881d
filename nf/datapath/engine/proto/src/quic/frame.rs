//! Frames that Initial packets may hold (RFC 9000 §12.4, §19), and Google's.

use super::packet::{prefixed, varint};
use crate::Cursor;

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Padding, ping or acknowledgement: nothing to be learnt.
    Idle,
    /// Octets of the handshake.
    Crypto {
        /// Where they belong.
        offset: u64,
        /// The octets.
        data: &'a [u8],
    },
    /// The connection is closed.
    Close {
        /// Error code.
        code: u64,
    },
    /// A frame that must not be in an Initial packet.
    Misplaced,
}

/// Walks the frames of a payload; `None` in an item means that one does not fit.
pub struct Frames<'a> {
    cursor: Cursor<'a>,
    is_google: bool,
}

impl<'a> Frames<'a> {
    /// Of `payload`, with the frame types of the IETF or Google.
    pub fn new(payload: &'a [u8], is_google: bool) -> Self {
        Self { cursor: Cursor::new(payload), is_google }
    }

    fn ietf(&mut self) -> Option<Frame<'a>> {
        let c = &mut self.cursor;
        let kind = varint(c)?;
        match kind {
            0 | 1 => {}
            2 | 3 => {
                varint(c)?;
                varint(c)?;
                let ranges = varint(c)?;
                varint(c)?;
                for _ in 0..ranges {
                    varint(c)?;
                    varint(c)?;
                }
                if kind == 3 {
                    varint(c)?;
                    varint(c)?;
                    varint(c)?;
                }
            }
            6 => {
                let offset = varint(c)?;
                return Some(Frame::Crypto { offset, data: prefixed(c)? });
            }
            0x1c => {
                let code = varint(c)?;
                varint(c)?;
                prefixed(c)?;
                return Some(Frame::Close { code });
            }
            _ => return Some(Frame::Misplaced),
        }
        Some(Frame::Idle)
    }

    fn google(&mut self) -> Option<Frame<'a>> {
        let c = &mut self.cursor;
        let kind = c.u8()?;
        match kind {
            0 | 7 => Some(Frame::Idle),
            8 => {
                let offset = varint(c)?;
                Some(Frame::Crypto { offset, data: prefixed(c)? })
            }
            2 => {
                let code = c.u32()?.into();
                let reason = c.u16()?;
                c.skip(reason.into())?;
                Some(Frame::Close { code })
            }
            0x40..=0x7f => {
                let size = |bits: u8| [1usize, 2, 4, 6].get(usize::from(bits & 3)).copied();
                let block = size(kind)?;
                c.skip(size(kind >> 2)?)?;
                c.skip(2)?;
                let blocks = if kind & 0x20 != 0 { c.u8()? } else { 0 };
                c.skip(block)?;
                c.skip(usize::from(blocks).saturating_mul(block.saturating_add(1)))?;
                let stamps = usize::from(c.u8()?);
                if stamps > 0 {
                    c.skip(stamps.saturating_mul(3).saturating_add(2))?;
                }
                Some(Frame::Idle)
            }
            _ => Some(Frame::Misplaced),
        }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Option<Frame<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        // Padding comes by the hundred.
        let rest = self.cursor.rest();
        let padding = rest.iter().take_while(|&&b| b == 0).count();
        self.cursor.skip(padding)?;
        if self.cursor.is_empty() {
            return None;
        }
        let frame = if self.is_google { self.google() } else { self.ietf() };
        if frame.is_none_or(|f| f == Frame::Misplaced) {
            // Where the next frame begins is not known.
            self.cursor = Cursor::new(&[]);
        }
        Some(frame)
    }
}

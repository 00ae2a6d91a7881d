//! Where a body ends: a small machine over its octets (RFC 9112 §6, §7).

use super::head::Extent;
use super::line::{LineFinder, chomp, trim};

/// What is expected next of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many octets.
    Length(u64),
    /// Everything until the connection closes.
    UntilClose,
    /// A chunk's size line.
    ChunkSize,
    /// So many octets of a chunk.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// Trailer fields and the empty line behind them.
    Trailers,
}

/// What the front of the octets is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// So many octets of content.
    Content(usize),
    /// So many octets that frame it.
    Framing(usize),
    /// So many octets that frame it, with a chunk extension among them.
    Extended(usize),
    /// A trailer line of so many octets.
    Trailer(usize),
    /// So many octets, and the body ends.
    End(usize),
    /// More octets are needed.
    Short,
    /// Not what the framing asks for.
    Wrong,
}

/// Longest chunk size line or trailer line.
const MAX_LINE: usize = 16 * 1024;

impl Body {
    /// The beginning of a body of this extent; `None` when it is empty.
    pub(super) fn start(extent: Extent) -> Option<Self> {
        match extent {
            Extent::Length(0) => None,
            Extent::Length(n) => Some(Body::Length(n)),
            Extent::Chunked => Some(Body::ChunkSize),
            Extent::UntilClose => Some(Body::UntilClose),
        }
    }

    /// Looks at the front of `data`, which is not empty, and moves on.
    pub(super) fn advance(&mut self, data: &[u8], finder: &mut LineFinder) -> Piece {
        match self {
            Body::UntilClose => Piece::Content(data.len()),
            Body::Length(left) => {
                let taken = smaller(*left, data.len());
                *left = left.saturating_sub(taken as u64);
                Piece::Content(taken)
            }
            Body::Chunk(left) => {
                let taken = smaller(*left, data.len());
                *left = left.saturating_sub(taken as u64);
                if *left == 0 {
                    *self = Body::ChunkEnd;
                }
                Piece::Content(taken)
            }
            Body::ChunkEnd => match data {
                [b'\r', b'\n', ..] => self.then(Body::ChunkSize, Piece::Framing(2)),
                [b'\n', ..] => self.then(Body::ChunkSize, Piece::Framing(1)),
                [b'\r'] => Piece::Short,
                _ => Piece::Wrong,
            },
            Body::ChunkSize => match finder.line(data) {
                Some(length) => self.chunk_line(data.get(..length).unwrap_or(data)),
                None if data.len() > MAX_LINE => Piece::Wrong,
                None => Piece::Short,
            },
            Body::Trailers => match finder.folded(data) {
                Some(length) => {
                    let line = data.get(..length).unwrap_or(data);
                    match chomp(line).0 {
                        [] => Piece::End(length),
                        _ => Piece::Trailer(length),
                    }
                }
                None if data.len() > MAX_LINE => Piece::Wrong,
                None => Piece::Short,
            },
        }
    }

    /// Whether nothing more is expected: a body by length that has come whole.
    pub(super) fn is_whole(self) -> bool {
        self == Body::Length(0)
    }

    /// Steps over `lost` octets; false when they held more than content.
    pub(super) fn skip(&mut self, lost: u64) -> bool {
        match self {
            Body::UntilClose => true,
            Body::Length(left) | Body::Chunk(left) if lost <= *left => {
                *left = left.saturating_sub(lost);
                if *self == Body::Chunk(0) {
                    *self = Body::ChunkEnd;
                }
                true
            }
            _ => false,
        }
    }

    fn then(&mut self, next: Body, piece: Piece) -> Piece {
        *self = next;
        piece
    }

    fn chunk_line(&mut self, line: &[u8]) -> Piece {
        let (text, _) = chomp(line);
        let end = text.iter().position(|&b| b == b';');
        let size = text.get(..end.unwrap_or(text.len())).map(trim);
        let Some(size) = size.and_then(hexadecimal) else {
            return Piece::Wrong;
        };
        *self = if size == 0 { Body::Trailers } else { Body::Chunk(size) };
        match end {
            Some(_) => Piece::Extended(line.len()),
            None => Piece::Framing(line.len()),
        }
    }
}

fn smaller(left: u64, there: usize) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &b| {
        let digit = char::from(b).to_digit(16)?;
        value.checked_mul(16)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    /// Content and the octets behind the body.
    fn read(data: &[u8], step: usize) -> Result<(Vec<u8>, usize), usize> {
        let (mut body, mut finder) = (Body::ChunkSize, LineFinder::default());
        let (mut content, mut used, mut there) = (Vec::new(), 0, 0);
        while there < data.len() {
            there = data.len().min(there + step);
            while used < there {
                match body.advance(&data[used..there], &mut finder) {
                    Piece::Content(n) => {
                        content.extend_from_slice(&data[used..used + n]);
                        used += n;
                    }
                    Piece::Framing(n) | Piece::Extended(n) | Piece::Trailer(n) => used += n,
                    Piece::End(n) => return Ok((content, data.len() - used - n)),
                    Piece::Short => break,
                    Piece::Wrong => return Err(used),
                }
            }
        }
        Err(usize::MAX)
    }

    #[test]
    fn chunks_join_however_they_are_cut() {
        let wire = b"4\r\nabcd\r\n3 ; note=\"1\"\r\nefg\n0\r\nX: y\r\n z\r\n\r\nHTTP";
        for step in 1..wire.len() {
            assert_eq!(read(wire, step), Ok((b"abcdefg".to_vec(), 4)), "{step}");
        }
    }

    #[test]
    fn sizes_that_are_none_are_wrong() {
        assert_eq!(read(b"zz\r\n", 99), Err(0));
        assert_eq!(read(b"fffffffffffffffff\r\n", 99), Err(0));
        assert_eq!(read(b"1\r\nab\r\n", 99), Err(4));
    }

    #[test]
    fn lost_octets_may_fall_into_content_only() {
        let mut body = Body::Length(10);
        assert!(body.skip(10) && body.is_whole());
        let mut chunk = Body::Chunk(3);
        assert!(chunk.skip(3));
        assert_eq!(chunk, Body::ChunkEnd);
        assert!(!Body::Length(3).skip(4));
        assert!(!Body::ChunkSize.skip(1));
    }
}

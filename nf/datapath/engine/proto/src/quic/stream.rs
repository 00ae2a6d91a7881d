//! Putting the handshake's octets in order: CRYPTO frames come in any order, overlap and repeat.

/// Most octets of a handshake that are kept.
pub const MAX_STREAM: usize = 16 * 1024;
/// Most separate pieces.
const MAX_PIECES: usize = 64;

/// What could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The octets lie beyond [`MAX_STREAM`].
    TooFar,
    /// There are too many holes.
    TooManyPieces,
}

/// The octets of one direction's handshake. What came first stays.
#[derive(Debug, Default)]
pub struct CryptoStream {
    octets: Vec<u8>,
    /// Filled ranges: ascending, apart from each other.
    filled: Vec<(usize, usize)>,
}

impl CryptoStream {
    /// Adds `data` at `offset`.
    pub fn add(&mut self, offset: u64, data: &[u8]) -> Result<(), Refused> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(data.len());
        if end > MAX_STREAM {
            return Err(Refused::TooFar);
        }
        if data.is_empty() {
            return Ok(());
        }
        let touches = |&&(a, b): &&(usize, usize)| a <= end && start <= b;
        let merged = self
            .filled
            .iter()
            .filter(touches)
            .fold((start, end), |(low, high), &(a, b)| (low.min(a), high.max(b)));
        let touched = self.filled.iter().filter(touches).count();
        if touched == 0 && self.filled.len() >= MAX_PIECES {
            return Err(Refused::TooManyPieces);
        }
        if self.octets.len() < end {
            self.octets.resize(end, 0);
        }
        let mut at = start;
        for &(a, b) in self.filled.iter().filter(touches) {
            copy(&mut self.octets, data, start, at, a.min(end));
            at = at.max(b);
        }
        copy(&mut self.octets, data, start, at, end);
        let first = self.filled.partition_point(|&(_, b)| b < start);
        let last = first.saturating_add(touched).min(self.filled.len());
        self.filled.splice(first..last, [merged]);
        Ok(())
    }

    /// The octets from the start up to the first hole.
    pub fn contiguous(&self) -> &[u8] {
        match self.filled.first() {
            Some(&(0, end)) => self.octets.get(..end).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Copies what of `data` (which lies at `start`) falls into `from..to`.
fn copy(octets: &mut [u8], data: &[u8], start: usize, from: usize, to: usize) {
    let source = data.get(from.saturating_sub(start)..to.saturating_sub(start));
    if let (Some(source), Some(target)) = (source, octets.get_mut(from..to)) {
        target.copy_from_slice(source);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_came_first_stays() {
        let mut stream = CryptoStream::default();
        stream.add(2, b"cd").unwrap();
        assert_eq!(stream.contiguous(), b"");
        stream.add(0, b"ABXYEF").unwrap();
        assert_eq!(stream.contiguous(), b"ABcdEF");
    }

    #[test]
    fn bounds_are_kept() {
        let mut stream = CryptoStream::default();
        assert_eq!(stream.add(u64::MAX, b"x"), Err(Refused::TooFar));
        assert_eq!(stream.add(MAX_STREAM as u64 - 1, b"xy"), Err(Refused::TooFar));
        for n in 0..MAX_PIECES as u64 {
            stream.add(n * 2, b"x").unwrap();
        }
        assert_eq!(stream.add(1000, b"x"), Err(Refused::TooManyPieces));
        stream.add(1, b"y").unwrap();
        assert_eq!(stream.contiguous(), b"xyx");
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_octets(
            pieces in prop::collection::vec((0usize..200, 1usize..60), 1..40),
        ) {
            let all: Vec<u8> = (0..=255).collect();
            let (mut stream, mut have) = (CryptoStream::default(), vec![false; 300]);
            for (start, length) in pieces {
                let end = (start + length).min(all.len());
                if stream.add(start as u64, &all[start..end]).is_ok() {
                    have[start..end].fill(true);
                }
                let expected = have.iter().take_while(|&&h| h).count();
                prop_assert_eq!(stream.contiguous(), &all[..expected]);
            }
        }
    }
}

//! What is kept of a session while a probe is unsure of it.

use nf_stream::Pool;

use super::release;
use crate::{Direction, Segment};

#[derive(Default)]
pub(super) struct Trial {
    /// Streams from their start, while a probe is unsure.
    pub(super) kept: [Vec<u8>; 2],
    /// What is kept, piece by piece in the order of arrival.
    pub(super) order: Vec<Piece>,
}

/// A segment whose octets a [`Trial`] keeps.
pub(super) struct Piece {
    pub(super) dir: Direction,
    pub(super) length: u32,
    pub(super) time: u64,
    pub(super) cut: bool,
    pub(super) ppid: u32,
}

/// Datagrams of a session that were kept while a probe was unsure of it.
#[derive(Clone, Copy, Default)]
pub struct Earlier<'a>(pub(super) Option<&'a Trial>);

impl<'a> Earlier<'a> {
    /// Those of one direction, oldest first.
    pub fn datagrams(&self, dir: Direction) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.0.map_or(&[][..], |trial| trial.kept(dir));
        let pieces = self.0.map_or(&[][..], |trial| trial.order.as_slice());
        pieces.iter().filter(move |piece| piece.dir == dir).map_while(move |piece| {
            let (data, tail) = rest.split_at_checked(piece.length as usize)?;
            rest = tail;
            Some(data)
        })
    }
}

impl Trial {
    fn kept_mut(&mut self, dir: Direction) -> &mut Vec<u8> {
        let [up, down] = &mut self.kept;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    pub(super) fn kept(&self, dir: Direction) -> &[u8] {
        self.kept.get(dir.index()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn holds(&self, dir: Direction) -> bool {
        !self.kept(dir).is_empty()
    }

    /// Keeps a segment for later; false when a bound forbids it.
    pub(super) fn keep(&mut self, seg: &Segment<'_>, limit: usize, pool: &mut Pool) -> bool {
        let [up, down] = &self.kept;
        let held = up.len().saturating_add(down.len());
        if held.saturating_add(seg.data.len()) > limit.max(seg.data.len()) {
            return false;
        }
        if !pool.take(seg.data.len()) {
            return false;
        }
        let length = u32::try_from(seg.data.len()).unwrap_or(u32::MAX);
        let Segment { dir, time, cut, ppid, .. } = *seg;
        self.order.push(Piece { dir, length, time, cut, ppid });
        self.kept_mut(seg.dir).extend_from_slice(seg.data);
        true
    }

    pub(super) fn drop_kept(&mut self, pool: &mut Pool) {
        release(&mut self.kept, Direction::Up, pool);
        release(&mut self.kept, Direction::Down, pool);
        self.order.clear();
    }
}

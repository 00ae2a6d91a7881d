//! Records of a stream and datagrams in order: calls find their replies.

use std::collections::BTreeMap;

use nf_wire::Transport;

use super::message;
use crate::{Direction, Segment, Step};

/// Octets of a message that are read.
pub(crate) const WINDOW: usize = 8 * 1024;
/// Longest fragment of a record believed.
const MAX_FRAGMENT: usize = 0x0200_0000;
/// Octets before a fragment: its length.
const MARK: usize = 4;
/// Most calls kept while they wait for their replies.
const MAX_PENDING: usize = 256;

#[derive(Default)]
struct Lane {
    /// Octets of the fragment yet to come, of which nothing is read.
    skip: u64,
    /// The record goes on with another fragment; what of it was read so far.
    record: Option<Vec<u8>>,
    lost: bool,
}

/// What is wrong with the framing.
pub(crate) enum Flaw {
    /// Where a record should begin there is none.
    Record,
}

/// The framing of both directions.
#[derive(Default)]
pub(crate) struct Framing {
    lanes: [Lane; 2],
}

impl Framing {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes one message off the front and gives its first octets, and whether they are all.
    pub(crate) fn take(
        &mut self,
        seg: &Segment<'_>,
        hear: &mut dyn FnMut(&[u8], bool),
    ) -> (Step, Option<Flaw>) {
        if seg.flow.transport != Transport::Tcp {
            hear(seg.data, !seg.cut);
            return (Step::all(seg), None);
        }
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let now = lane.skip.min(seg.data.len() as u64);
            lane.skip = lane.skip.saturating_sub(now);
            return (Step::used(usize::try_from(now).unwrap_or(usize::MAX)), None);
        }
        if lane.lost {
            if !begins(seg.data) {
                return (Step::all(seg), None);
            }
            lane.lost = false;
        }
        let Some((&mark, rest)) = seg.data.split_first_chunk::<MARK>() else {
            return (Step::need(0, MARK), None);
        };
        let mark = u32::from_be_bytes(mark);
        let (last, length) = (mark & 0x8000_0000 != 0, (mark & 0x7fff_ffff) as usize);
        if length > MAX_FRAGMENT {
            lane.lost = true;
            lane.record = None;
            return (Step::all(seg), Some(Flaw::Record));
        }
        let window = length.min(WINDOW);
        let Some(octets) = rest.get(..window) else {
            return (Step::need(0, window.saturating_add(MARK)), None);
        };
        lane.skip = length.saturating_sub(window) as u64;
        match (lane.record.take(), last) {
            (None, true) => hear(octets, window == length),
            (held, _) => {
                let mut held = held.unwrap_or_default();
                let room = WINDOW.saturating_sub(held.len());
                held.extend_from_slice(octets.get(..room).unwrap_or(octets));
                if last {
                    hear(&held, window == length && held.len() < WINDOW);
                } else {
                    lane.record = Some(held);
                }
            }
        }
        (Step::used(window.saturating_add(MARK)), None)
    }

    /// Octets were lost.
    pub(crate) fn gap(&mut self, dir: Direction, lost: u64) {
        let lane = self.lane(dir);
        if lane.skip >= lost {
            lane.skip = lane.skip.saturating_sub(lost);
        } else {
            *lane = Lane { lost: true, ..Lane::default() };
        }
    }
}

/// Whether a record begins here: only a segment's start is taken for one after a loss.
fn begins(data: &[u8]) -> bool {
    let Some((&mark, rest)) = data.split_first_chunk::<MARK>() else {
        return false;
    };
    let length = (u32::from_be_bytes(mark) & 0x7fff_ffff) as usize;
    length <= MAX_FRAGMENT && message::message(rest.get(..length).unwrap_or(rest)).is_some()
}

/// A call that waits for its reply.
pub(crate) struct Waiting<T> {
    pub(crate) time: u64,
    pub(crate) record: T,
}

/// Calls by their number.
pub(crate) struct Calls<T> {
    waiting: BTreeMap<u32, Waiting<T>>,
    /// Some call was seen, and nothing was lost since.
    pub(crate) whole: bool,
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), whole: false }
    }
}

impl<T> Calls<T> {
    /// Keeps a call; gives back an earlier one that is given up for it.
    pub(crate) fn keep(&mut self, id: u32, time: u64, record: T) -> Option<(bool, Waiting<T>)> {
        self.whole = true;
        if let Some(earlier) = self.waiting.insert(id, Waiting { time, record }) {
            return Some((false, earlier));
        }
        if self.waiting.len() <= MAX_PENDING {
            return None;
        }
        let oldest = self.waiting.iter().min_by_key(|(_, w)| w.time).map(|(id, _)| *id)?;
        self.waiting.remove(&oldest).map(|w| (true, w))
    }

    pub(crate) fn answer(&mut self, id: u32) -> Option<Waiting<T>> {
        self.waiting.remove(&id)
    }

    pub(crate) fn next(&mut self) -> Option<Waiting<T>> {
        self.waiting.pop_first().map(|(_, waiting)| waiting)
    }
}

/// The program of a session that begins with these octets: a call, framed as its carrier asks.
pub(crate) fn program(seg: &Segment<'_>) -> Begin {
    if seg.flow.transport != Transport::Tcp {
        return message::is_call(seg.data, seg.cut).map_or(Begin::No, Begin::Program);
    }
    let Some((&mark, rest)) = seg.data.split_first_chunk::<MARK>() else {
        return Begin::Unsure;
    };
    let mark = u32::from_be_bytes(mark);
    let length = (mark & 0x7fff_ffff) as usize;
    // A call has forty octets at least.
    if !(40..=MAX_FRAGMENT).contains(&length) {
        return Begin::No;
    }
    let head = rest.get(4..12).unwrap_or(rest.get(4..).unwrap_or_default());
    if !b"\0\0\0\0\0\0\0\x02".starts_with(head) {
        return Begin::No;
    }
    match message::is_call(rest.get(..length).unwrap_or(rest), true) {
        Some(program) => Begin::Program(program),
        None if rest.len() < length.min(512) => Begin::Unsure,
        None => Begin::No,
    }
}

/// What the first octets of a session say.
pub(crate) enum Begin {
    Program(u32),
    Unsure,
    No,
}

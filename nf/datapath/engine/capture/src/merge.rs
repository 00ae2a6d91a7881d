//! Several files in the order of their packets' times.
//!
//! The packet given next is the oldest of those at the heads of the files; of equals, that of
//! the file named first. Inside a file the order of the file stays. A pipe is waited for; a
//! followed file that has nothing new is not. Of many files only those are open whose time has
//! come.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::block::{Batch, PacketRef};
use crate::error::CaptureError;
use crate::feed::Sizes;
use crate::file::{FileSource, Reading};
use crate::source::{EarlyEnd, Fill, Progress, Source, SourceStats, Status, Why};

/// Files that are all kept open; of more, each is opened when its first packet is due.
const MOST_OPEN: usize = 32;

/// Packets taken from a file at a time.
const PACKETS_AHEAD: usize = 256;

/// Bytes of a file brought in only to learn when its first packet was captured.
const FIRST_LOOK: usize = 64 * 1024;

/// How long to sleep before files that wait are looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Several files being read as one.
pub(crate) struct Merge {
    files: Vec<Member>,
    /// When the next packet of a file was captured, and which file that is, oldest first.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    /// Files whose next packet is still to be found.
    seeking: Vec<usize>,
    reading: Reading,
    /// Counters and ends of the files that were closed.
    stats: SourceStats,
    early: Vec<EarlyEnd>,
    done: u64,
    total: Option<u64>,
    status: Status,
    failure: Option<CaptureError>,
    /// Number of the batch being filled, to know which blocks it holds.
    round: u64,
}

struct Member {
    path: PathBuf,
    source: Option<FileSource>,
    /// Packets read ahead, of which those before `next` were given.
    ahead: Batch,
    next: usize,
    /// For each block of `ahead`, its number in the batch of this round.
    blocks: Vec<Option<u16>>,
    round: u64,
}

impl Member {
    fn head(&self) -> Option<&PacketRef> {
        self.ahead.packets().get(self.next)
    }

    /// Moves packets to `batch` while they come before `limit`. `false`: the batch takes no more.
    fn give(&mut self, own: usize, limit: Option<(u64, usize)>, batch: &mut Batch) -> bool {
        while let Some(&packet) = self.ahead.packets().get(self.next) {
            if limit.is_some_and(|limit| (packet.timestamp, own) > limit) {
                return true;
            }
            if batch.space() == 0 {
                return false;
            }
            let place = usize::from(packet.block);
            let number = match self.blocks.get(place).copied().flatten() {
                Some(number) => number,
                None => {
                    let Some(block) = self.ahead.blocks().get(place) else { return false };
                    let Some(number) = batch.add_block(block) else { return false };
                    self.blocks.resize(self.ahead.blocks().len(), None);
                    if let Some(known) = self.blocks.get_mut(place) {
                        *known = Some(number);
                    }
                    number
                }
            };
            batch.push(PacketRef { block: number, ..packet });
            self.next += 1;
        }
        true
    }
}

/// What looking for the next packet of a file came to.
enum Sought {
    Head(u64),
    /// Nothing to be had right now.
    Idle,
    /// Records were read, but none gave a packet yet.
    NotYet,
    End,
}

impl Merge {
    /// Opens all files and finds their first packets.
    pub(crate) fn open(paths: Vec<PathBuf>, reading: Reading) -> Result<Self, CaptureError> {
        let keep_open = paths.len() <= MOST_OPEN;
        let mut merge = Self {
            files: Vec::with_capacity(paths.len()),
            heads: BinaryHeap::new(),
            seeking: Vec::new(),
            reading,
            stats: SourceStats::default(),
            early: Vec::new(),
            done: 0,
            total: Some(0),
            status: Status::Reading,
            failure: None,
            round: 0,
        };
        for (index, path) in paths.into_iter().enumerate() {
            merge.add(index, path, keep_open)?;
        }
        Ok(merge)
    }

    fn add(&mut self, index: usize, path: PathBuf, keep_open: bool) -> Result<(), CaptureError> {
        let mut reading = self.reading.clone();
        if !keep_open {
            reading.sizes = Sizes { window: FIRST_LOOK, block: FIRST_LOOK };
        }
        let mut source = FileSource::open(&path, number(index), reading)?;
        self.total = self.total.zip(source.progress().total).map(|(sum, more)| sum + more);
        let mut first = None;
        if !keep_open && source.can_be_reopened(&path) {
            let mut batch = Batch::with_capacity(1);
            source.fill_now(&mut batch)?;
            first = batch.packets().first().map(|packet| packet.timestamp);
        }
        let source = match first {
            Some(time) => {
                self.heads.push(Reverse((time, index)));
                None
            }
            // Not found at once, or not to be read twice: it stays open.
            None if source.status() == &Status::Reading => {
                self.seeking.push(index);
                Some(source)
            }
            None => {
                self.account(&source);
                None
            }
        };
        let ahead = Batch::with_capacity(PACKETS_AHEAD);
        self.files.push(Member { path, source, ahead, next: 0, blocks: Vec::new(), round: 0 });
        Ok(())
    }

    /// Like [`Source::fill`], but never waits.
    fn fill_now(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.status != Status::Reading {
            return Ok(Fill::End);
        }
        self.round += 1;
        let before = batch.len();
        match self.fill_in_order(batch) {
            Err(error) if batch.len() > before => {
                self.failure = Some(error);
                Ok(Fill::Packets)
            }
            Ok(Fill::Idle | Fill::End) if batch.len() > before => Ok(Fill::Packets),
            outcome => outcome,
        }
    }

    fn fill_in_order(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        let mut wait = None;
        for index in std::mem::take(&mut self.seeking) {
            wait = self.queue(index)?.or(wait);
        }
        if let Some(fill) = wait {
            return Ok(fill);
        }
        while batch.space() > 0
            && let Some(Reverse((_, index))) = self.heads.pop()
        {
            let limit = self.heads.peek().map(|Reverse(head)| *head);
            let Some(member) = self.files.get_mut(index) else { continue };
            if member.round != self.round {
                member.round = self.round;
                member.blocks.clear();
            }
            let took_all = member.give(index, limit, batch);
            if let Some(head) = member.head() {
                self.heads.push(Reverse((head.timestamp, index)));
                if !took_all {
                    return Ok(Fill::Packets);
                }
            } else if let Some(fill) = self.queue(index)? {
                return Ok(fill);
            }
        }
        if !self.heads.is_empty() {
            Ok(Fill::Packets)
        } else if !self.seeking.is_empty() {
            Ok(Fill::Idle)
        } else {
            self.finish();
            Ok(Fill::End)
        }
    }

    /// Finds the next packet of a file and queues the file by its time. With an answer, which is
    /// that of the call, the packet is not known yet, and no other may be given before it.
    fn queue(&mut self, index: usize) -> Result<Option<Fill>, CaptureError> {
        match self.seek(index) {
            Ok(Sought::Head(time)) => self.heads.push(Reverse((time, index))),
            Ok(Sought::Idle) => {
                self.seeking.push(index);
                // A followed file may stay silent for ever; the others go on without it.
                let source = self.files.get(index).and_then(|member| member.source.as_ref());
                if !source.is_some_and(FileSource::is_followed) {
                    return Ok(Some(Fill::Idle));
                }
            }
            Ok(Sought::NotYet) => {
                self.seeking.push(index);
                return Ok(Some(Fill::Packets));
            }
            Ok(Sought::End) => self.close(index),
            Err(error) => {
                self.close(index);
                self.finish();
                return Err(error);
            }
        }
        Ok(None)
    }

    fn seek(&mut self, index: usize) -> Result<Sought, CaptureError> {
        let Some(member) = self.files.get_mut(index) else { return Ok(Sought::End) };
        if member.source.is_none() {
            match FileSource::open(&member.path, number(index), self.reading.clone()) {
                Ok(source) => member.source = Some(source),
                Err(error) => {
                    // It could be read when it was first looked at; the others still can be.
                    let path = member.path.display().to_string();
                    self.early.push(EarlyEnd { path, why: Why::Io(error.what), offset: 0 });
                    return Ok(Sought::End);
                }
            }
        }
        let Some(source) = &mut member.source else { return Ok(Sought::End) };
        member.ahead.clear();
        member.blocks.clear();
        member.next = 0;
        let fill = source.fill_now(&mut member.ahead)?;
        Ok(match (fill, member.head()) {
            (_, Some(head)) => Sought::Head(head.timestamp),
            (Fill::Packets, None) => Sought::NotYet,
            (Fill::Idle, None) => Sought::Idle,
            (Fill::End, None) => Sought::End,
        })
    }

    fn close(&mut self, index: usize) {
        if let Some(source) = self.files.get_mut(index).and_then(|member| member.source.take()) {
            self.account(&source);
        }
    }

    /// Keeps what is to be known of a file when it is closed.
    fn account(&mut self, source: &FileSource) {
        self.stats.add(&source.stats());
        self.done += source.progress().done;
        if let Status::EndedEarly(early) = source.status() {
            self.early.extend_from_slice(early);
        }
    }

    fn finish(&mut self) {
        self.status = match std::mem::take(&mut self.early) {
            early if early.is_empty() => Status::Complete,
            early => Status::EndedEarly(early),
        };
    }
}

fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

impl Source for Merge {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        let began = Instant::now();
        loop {
            let fill = self.fill_now(batch)?;
            let left = self.reading.wait.saturating_sub(began.elapsed());
            if fill != Fill::Idle || left.is_zero() {
                return Ok(fill);
            }
            std::thread::sleep(left.min(LOOK_AGAIN));
        }
    }

    fn stats(&self) -> SourceStats {
        let mut stats = self.stats;
        for member in &self.files {
            if let Some(source) = &member.source {
                stats.add(&source.stats());
            }
            // What was read ahead was not handed over yet.
            for packet in member.ahead.packets().iter().skip(member.next) {
                stats.seen -= 1;
                stats.packets -= 1;
                stats.bytes -= u64::from(packet.length);
                stats.captured_bytes -= u64::from(packet.captured);
                stats.truncated -= u64::from(packet.captured < packet.length);
            }
        }
        stats
    }

    fn progress(&self) -> Progress {
        let open = self.files.iter().filter_map(|member| member.source.as_ref());
        let done = open.fold(self.done, |sum, source| sum + source.progress().done);
        Progress { done, total: self.total }
    }

    fn status(&self) -> &Status {
        &self.status
    }
}

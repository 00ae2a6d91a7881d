//! A source whose packets come when they came: as far apart as when they were captured, or that
//! many times faster.

use std::time::{Duration, Instant};

use crate::block::{Batch, PacketRef};
use crate::error::CaptureError;
use crate::source::{Fill, Progress, Source, SourceStats, Status};

/// Longest wait in one call.
const WAIT: Duration = Duration::from_millis(100);
/// Packets read ahead.
const AHEAD: usize = 256;
/// A gap longer than this (a day) is no pause but another capture: it is passed over.
const LONGEST_GAP_NS: u64 = 86_400_000_000_000;

/// See the module.
pub struct Paced {
    inner: Box<dyn Source>,
    /// How many times faster than it was captured.
    pace: f64,
    ahead: Batch,
    next: usize,
    /// When, by the clock on the wall, a packet of this time is due.
    anchor: Option<(Instant, u64)>,
    stats: SourceStats,
    stopped: bool,
}

impl Paced {
    /// Gives the packets of `inner` at `pace` times their own pace; `pace` is positive and finite.
    pub fn new(inner: Box<dyn Source>, pace: f64) -> Self {
        Self {
            inner,
            pace,
            ahead: Batch::with_capacity(AHEAD),
            next: 0,
            anchor: None,
            stats: SourceStats::default(),
            stopped: false,
        }
    }

    /// How long until a packet of this time is due.
    fn due_in(&mut self, timestamp: u64, now: Instant) -> Duration {
        let (then, first) = *self.anchor.get_or_insert((now, timestamp));
        let ahead = timestamp.saturating_sub(first);
        let since = Duration::try_from_secs_f64(ahead as f64 / 1e9 / self.pace);
        let due = since.ok().and_then(|since| then.checked_add(since));
        let wait = due.map_or(Duration::MAX, |due| due.saturating_duration_since(now));
        if timestamp < first || wait.as_nanos() as f64 * self.pace > LONGEST_GAP_NS as f64 {
            self.anchor = Some((now, timestamp));
            return Duration::ZERO;
        }
        wait
    }

    /// The time of packets that are due now.
    fn time(&self, now: Instant) -> Option<u64> {
        let (then, first) = self.anchor?;
        let passed = now.saturating_duration_since(then).as_secs_f64() * self.pace * 1e9;
        Some(first.saturating_add(passed as u64))
    }

    /// Moves what is due into the batch; how long to wait for what comes then.
    fn give(&mut self, batch: &mut Batch) -> Duration {
        let now = Instant::now();
        let mut last: Option<(u16, u16)> = None;
        while let Some(&packet) = self.ahead.packets().get(self.next) {
            let wait = self.due_in(packet.timestamp, now);
            if !wait.is_zero() {
                return wait;
            }
            let number = match last {
                Some((of, number)) if of == packet.block => number,
                _ => {
                    let Some(block) = self.ahead.blocks().get(usize::from(packet.block)) else {
                        self.next += 1;
                        continue;
                    };
                    let Some(number) = batch.add_block(block) else { break };
                    last = Some((packet.block, number));
                    number
                }
            };
            if !batch.push(PacketRef { block: number, ..packet }) {
                break;
            }
            self.next += 1;
            let stats = &mut self.stats;
            stats.seen += 1;
            stats.packets += 1;
            stats.bytes += u64::from(packet.length);
            stats.captured_bytes += u64::from(packet.captured);
            stats.truncated += u64::from(packet.captured < packet.length);
        }
        Duration::ZERO
    }
}

impl Source for Paced {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        if self.stopped {
            return Ok(Fill::End);
        }
        if self.next >= self.ahead.len() {
            self.ahead.clear();
            self.next = 0;
            match self.inner.fill(&mut self.ahead)? {
                Fill::Packets => {}
                other => return Ok(other),
            }
        }
        let before = batch.len();
        let mut wait = self.give(batch);
        if batch.len() == before && !wait.is_zero() {
            std::thread::sleep(wait.min(WAIT));
            wait = self.give(batch);
        }
        if batch.len() == before && !wait.is_zero() {
            if let Some(time) = self.time(Instant::now()) {
                batch.set_time(time);
            }
            return Ok(Fill::Idle);
        }
        Ok(Fill::Packets)
    }

    fn stop(&mut self) -> bool {
        self.stopped = true;
        false
    }

    fn stats(&self) -> SourceStats {
        // What was read ahead has not been seen yet.
        let inner = self.inner.stats();
        SourceStats {
            seen: self.stats.seen + inner.filtered,
            packets: self.stats.packets,
            bytes: self.stats.bytes,
            captured_bytes: self.stats.captured_bytes,
            truncated: self.stats.truncated,
            ..inner
        }
    }

    fn progress(&self) -> Progress {
        self.inner.progress()
    }

    fn status(&self) -> &Status {
        self.inner.status()
    }
}

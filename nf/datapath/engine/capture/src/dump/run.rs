//! The thread of a dump.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::blocks::{self, Stamp, Statistics};
use super::file::Output;
use super::tap::{Intake, Origin, Piece, Sender, Tap};
use super::{Reason, Shown};
use crate::af_packet::wall_clock;
use crate::bpf::Filter;
use crate::error::system_text;

/// Octets that are written at a time, when packets come fast.
const AT_A_TIME: usize = 256 << 10;
/// When they come slowly, the file has them after so long; and so long it takes to hear of a stop.
const TICK: Duration = Duration::from_millis(50);
/// After the end packets are taken for so long that were captured before: they are on their way
/// through the kernel's blocks.
const LINGER: Duration = Duration::from_millis(400);
/// A source shows a new interface after so long at the latest.
const NAME_PATIENCE: Duration = Duration::from_millis(300);
/// Interfaces that a file tells apart; a forged capture may claim any number.
const MOST_INTERFACES: usize = 4096;
/// Octets of an interface's statistics.
const STATISTICS: u64 = 100;

/// Why a dump ends, with a word more.
type Ending = (Reason, String);

/// An interface in the file.
struct Known {
    number: u32,
    counted: Statistics,
}

/// See the module.
pub(super) struct Writer {
    shown: Arc<Shown>,
    output: Output,
    filter: Option<Filter>,
    intake: Arc<Intake>,
    tap: Arc<Tap>,
    /// Whole blocks that are still to be written.
    blocks: Vec<u8>,
    interfaces: HashMap<Origin, Known>,
    /// Packets among what was, or is to be, written.
    packets: u64,
    seen: u64,
    /// When the dump ends, and then: what was captured before this is still taken.
    deadline: Instant,
    last: Option<(Ending, u64)>,
}

impl Writer {
    pub fn new(
        shown: Arc<Shown>,
        output: Output,
        filter: Option<Filter>,
        intake: Arc<Intake>,
        tap: Arc<Tap>,
    ) -> Self {
        let deadline = Instant::now() + shown.spec.duration;
        Self {
            shown,
            output,
            filter,
            intake,
            tap,
            blocks: Vec::with_capacity(AT_A_TIME),
            interfaces: HashMap::new(),
            packets: 0,
            seen: 0,
            deadline,
            last: None,
        }
    }

    /// Writes to the end.
    pub fn run(mut self, pieces: &Receiver<Piece>) {
        // Whatever happens here, engines are to offer nothing more, and whoever waits is to know.
        let guard = Guard { shown: Arc::clone(&self.shown), tap: Arc::clone(&self.tap) };
        let (reason, text) = self.write_all(pieces);
        let (reason, text) = match self.conclude(reason) {
            Ok(()) => (reason, text),
            Err(ending) => ending,
        };
        self.show();
        self.tap.close();
        self.shown.finish(reason, text);
        drop(guard);
    }

    fn write_all(&mut self, pieces: &Receiver<Piece>) -> Ending {
        let mut flush_due = Instant::now() + TICK;
        loop {
            let now = Instant::now();
            if self.last.is_none() {
                let stopped = self.shown.stop.load(Ordering::Relaxed);
                if stopped || now >= self.deadline {
                    let reason = if stopped { Reason::Stopped } else { Reason::Duration };
                    self.last = Some(((reason, String::new()), wall_clock()));
                    self.deadline = now + LINGER;
                }
            } else if now >= self.deadline {
                return self.last.take().map_or((Reason::Stopped, String::new()), |last| last.0);
            }
            let wait = self.deadline.saturating_duration_since(now).min(TICK);
            let taken = match pieces.recv_timeout(wait) {
                Ok(piece) => {
                    let taken = self.take(&piece);
                    self.intake.release(&piece);
                    taken
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
            };
            if let Err(ending) = taken {
                return ending;
            }
            if self.blocks.len() >= AT_A_TIME || Instant::now() >= flush_due {
                if let Err(ending) = self.flush() {
                    return ending;
                }
                flush_due = Instant::now() + TICK;
            }
        }
    }

    fn take(&mut self, piece: &Piece) -> Result<(), Ending> {
        for (packet, bytes) in piece.packets.iter() {
            let late = self.last.as_ref().is_some_and(|(_, last)| packet.timestamp > *last);
            if late || !piece.sender.has(packet.timestamp) {
                continue;
            }
            let origin = piece.sender.origin(packet);
            let number = self.interface(origin, &piece.sender)?;
            self.seen += 1;
            self.count(origin, |counted| counted.seen += 1);
            if let Some(filter) = &mut self.filter {
                let accepted = filter.accepts(packet.link, bytes, packet.length);
                if !accepted.map_err(|error| (Reason::Failed, error.what))? {
                    continue;
                }
            }
            let kept = match self.shown.spec.snap_length {
                0 => bytes,
                most => bytes.get(..most as usize).unwrap_or(bytes),
            };
            self.room(blocks::PACKET_FRAME + kept.len())?;
            let stamp = Stamp { interface: number, time: packet.timestamp, length: packet.length };
            blocks::packet(&mut self.blocks, stamp, kept);
            self.count(origin, |counted| {
                counted.accepted += 1;
                counted.written += 1;
            });
            self.packets += 1;
            if self.packets == self.shown.spec.packets {
                return Err((Reason::Packets, String::new()));
            }
            if self.blocks.len() >= AT_A_TIME {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn count(&mut self, origin: Origin, add: impl FnOnce(&mut Statistics)) {
        if let Some(known) = self.interfaces.get_mut(&origin) {
            add(&mut known.counted);
        }
    }

    /// The number of an interface in the file, which is written there when it is new.
    fn interface(&mut self, origin: Origin, sender: &Sender) -> Result<u32, Ending> {
        if let Some(known) = self.interfaces.get(&origin) {
            return Ok(known.number);
        }
        if self.interfaces.len() >= MOST_INTERFACES {
            let text = format!("packets come from more than {MOST_INTERFACES} interfaces");
            return Err((Reason::Failed, text));
        }
        let name = name_of(origin.source, sender);
        let spec = &self.shown.spec;
        let mut block = Vec::new();
        blocks::interface(&mut block, origin.link, spec.snap_length, name.as_deref(), &spec.filter);
        self.room(block.len() + STATISTICS as usize)?;
        self.blocks.append(&mut block);
        let number = self.interfaces.len() as u32;
        self.interfaces.insert(origin, Known { number, counted: Statistics::default() });
        Ok(number)
    }

    /// Whether so many octets more leave the file as small as it is to be, with what comes at its end.
    fn room(&self, more: usize) -> Result<(), Ending> {
        let at_end = STATISTICS * self.interfaces.len() as u64;
        let all = self.output.octets + (self.blocks.len() + more) as u64 + at_end;
        if all > self.shown.spec.octets { Err((Reason::Octets, String::new())) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Ending> {
        let written = self.output.write(&self.blocks);
        self.blocks.clear();
        self.show();
        written.map_err(|error| {
            let full = matches!(
                error.kind(),
                std::io::ErrorKind::StorageFull
                    | std::io::ErrorKind::QuotaExceeded
                    | std::io::ErrorKind::FileTooLarge
            );
            (if full { Reason::DiskFull } else { Reason::Failed }, system_text(&error))
        })
    }

    fn show(&self) {
        let shown = &self.shown;
        shown.seen.store(self.seen, Ordering::Relaxed);
        shown.packets.store(self.output.packets, Ordering::Relaxed);
        shown.octets.store(self.output.octets, Ordering::Relaxed);
        shown.dropped.store(self.intake.dropped(), Ordering::Relaxed);
    }

    /// Writes what is left, and what was counted; on a full disk the file stays as it is.
    fn conclude(&mut self, reason: Reason) -> Result<(), Ending> {
        if reason == Reason::DiskFull {
            return Ok(());
        }
        self.flush()?;
        let span = (self.shown.begun, wall_clock());
        let missed = self.intake.missed();
        let mut known: Vec<_> = self.interfaces.iter().collect();
        known.sort_by_key(|(_, known)| known.number);
        for (origin, known) in known {
            let dropped = missed.get(origin).copied().unwrap_or(0);
            let seen = known.counted.seen + dropped;
            let counted = Statistics { seen, dropped, ..known.counted };
            blocks::statistics(&mut self.blocks, known.number, span, &counted);
        }
        self.flush()
    }
}

/// The interface's name; a source shows a new one a moment after its first packets.
fn name_of(source: u16, sender: &Sender) -> Option<String> {
    let deadline = Instant::now() + NAME_PATIENCE;
    loop {
        let name = sender.name(source);
        if name.is_some() || !sender.is_live() || Instant::now() >= deadline {
            return name;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sees to the end of a dump whose thread has a defect.
struct Guard {
    shown: Arc<Shown>,
    tap: Arc<Tap>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.shown.end().is_none() {
            self.tap.close();
            self.shown.finish(Reason::Failed, "the dump has a defect; see the log".into());
        }
    }
}

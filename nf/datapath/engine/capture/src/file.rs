//! One capture file, pipe or standard input.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::block::Batch;
use crate::bpf::Filter;
use crate::error::{CaptureError, ErrorKind};
use crate::feed::{Feed, Sizes, Supply};
use crate::format::{Detected, Format, Sink, Step};
use crate::input::{Compression, Input, MAGIC_LENGTH};
use crate::source::{EarlyEnd, Fill, Progress, Source, SourceStats, Status, Why};

/// Work done in one call, so that a caller gets its turn when no record gives a packet: records,
/// with a long one counting as several.
const WORK_PER_CALL: usize = 65_536;

/// How a file is read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) follow: bool,
    pub(crate) filter: Option<Filter>,
    pub(crate) sizes: Sizes,
    /// Longest wait in one call.
    pub(crate) wait: Duration,
}

/// A capture file being read.
pub(crate) struct FileSource {
    name: String,
    number: u16,
    input: Input,
    stage: Stage,
    reading: Reading,
    clock: Option<u64>,
    stats: SourceStats,
    status: Status,
    /// To be returned once the packets before it have been.
    failure: Option<CaptureError>,
}

enum Stage {
    /// The first bytes are still awaited.
    Waiting { magic: Vec<u8> },
    /// The format is still to be told.
    Detecting { feed: Feed },
    /// Records are read. `last`: the content ends with what is in view.
    Walking { feed: Feed, format: Format, last: bool },
    /// Nothing more comes. `done`: bytes of the file that were read.
    Ended { done: u64 },
}

impl FileSource {
    /// Opens the file at `path` (`-` is standard input), the `number`th of those asked for. A
    /// file that is all there is found out to be a capture now, any other when its bytes come.
    pub(crate) fn open(path: &Path, number: u16, reading: Reading) -> Result<Self, CaptureError> {
        let input = Input::open(path, reading.follow)?;
        let name = match path.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => path.display().to_string(),
        };
        let mut source = Self {
            name,
            number,
            input,
            stage: Stage::Waiting { magic: Vec::new() },
            reading,
            clock: None,
            stats: SourceStats::default(),
            status: Status::Reading,
            failure: None,
        };
        if source.input.is_whole_file() {
            source.begin_whole_file()?;
            source.detect()?;
        }
        Ok(source)
    }

    /// Whether the file can be closed and opened again to be read from its beginning.
    pub(crate) fn can_be_reopened(&self, path: &Path) -> bool {
        self.input.is_whole_file() && !crate::input::is_stdin(path)
    }

    /// Whether more may come however long nothing does.
    pub(crate) fn is_followed(&self) -> bool {
        self.input.is_followed()
    }

    /// Like [`Source::fill`], but never waits.
    pub(crate) fn fill_now(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        let before = batch.len();
        let outcome = self.advance(batch);
        let gained = batch.len() > before;
        match outcome {
            Ok(Fill::Idle | Fill::End) if gained => Ok(Fill::Packets),
            Ok(fill) => Ok(fill),
            Err(error) => {
                self.finish(Some(Why::Error));
                if gained {
                    self.failure = Some(error);
                    return Ok(Fill::Packets);
                }
                Err(error)
            }
        }
    }

    fn advance(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let ready = self.await_magic()? && self.detect()?;
        if ready { Ok(self.walk(batch)?) } else { Ok(Fill::Idle) }
    }

    /// Begins to read a file that is all there.
    fn begin_whole_file(&mut self) -> Result<(), CaptureError> {
        let magic =
            self.input.magic().map_err(|error| CaptureError::from_io(&error, &self.name))?;
        let feed = match Compression::of(&magic) {
            Compression::None => Feed::mapped(&self.input, self.reading.sizes),
            compression => self.reader(Vec::new(), compression)?,
        };
        self.stage = Stage::Detecting { feed };
        Ok(())
    }

    /// A feed of what is read, after the bytes in `prefix`.
    fn reader(&self, prefix: Vec<u8>, compression: Compression) -> Result<Feed, CaptureError> {
        let reader = self
            .input
            .content(prefix, compression)
            .map_err(|error| CaptureError::from_io(&error, &self.name))?;
        Ok(Feed::read(&self.input, reader, compression, self.reading.sizes))
    }

    /// Waits for the bytes that tell the compression. `false`: they are not there yet.
    fn await_magic(&mut self) -> Result<bool, CaptureError> {
        let Stage::Waiting { magic } = &mut self.stage else { return Ok(true) };
        let mut raw = self.input.raw();
        while magic.len() < MAGIC_LENGTH {
            let mut room = [0; MAGIC_LENGTH];
            let room = room.get_mut(magic.len()..).unwrap_or_default();
            match std::io::Read::read(&mut raw, room) {
                Ok(0) => break,
                Ok(count) => magic.extend(room.iter().take(count)),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(CaptureError::from_io(&error, &self.name)),
            }
        }
        let magic = std::mem::take(magic);
        let compression = Compression::of(&magic);
        let feed = self.reader(magic, compression)?;
        self.stage = Stage::Detecting { feed };
        Ok(true)
    }

    /// Waits for the header that tells the format. `false`: it is not there yet.
    fn detect(&mut self) -> Result<bool, CaptureError> {
        let Stage::Detecting { feed } = &mut self.stage else { return Ok(true) };
        let (format, header) = loop {
            match Format::detect(feed.bytes(), &self.name)? {
                Detected::Format(format, header) => break (format, header),
                Detected::Need(count) => match feed.ensure(count) {
                    Supply::Ready => {}
                    Supply::Pending => return Ok(false),
                    Supply::End(why) => return Err(no_header(&self.name, feed, why)),
                },
            }
        };
        if let (Some(filter), Some(link)) = (&mut self.reading.filter, format.link()) {
            filter.program(link)?;
        }
        feed.move_to(feed.at() + header);
        let stage = std::mem::replace(&mut self.stage, Stage::Ended { done: 0 });
        if let Stage::Detecting { feed } = stage {
            self.stage = Stage::Walking { feed, format, last: false };
        }
        Ok(true)
    }

    /// Reads records until the batch is full or nothing is at hand.
    fn walk(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        let mut budget = WORK_PER_CALL;
        loop {
            let Stage::Walking { feed, format, last } = &mut self.stage else {
                return Ok(Fill::End);
            };
            if batch.space() == 0 || budget == 0 {
                return Ok(Fill::Packets);
            }
            let (packets, blocks) = (batch.len(), batch.blocks().len());
            let Some(number) = batch.add_block(feed.block()) else { return Ok(Fill::Packets) };
            let mut failure = None;
            let mut sink = Sink {
                batch,
                stats: &mut self.stats,
                filter: self.reading.filter.as_mut(),
                clock: &mut self.clock,
                failure: &mut failure,
                budget: &mut budget,
                block: number,
                source: self.number,
            };
            let mut at = feed.at();
            let mut step = format.walk(feed.block().bytes(), &mut at, *last, &mut sink);
            if feed.block().is_torn() {
                step = Step::Stop(Why::Shrank);
            }
            feed.move_to(at);
            if batch.len() == packets {
                // A block without packets is not to be kept from being used again.
                batch.forget_blocks(blocks);
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
            let end = match step {
                Step::Full => continue,
                Step::Stop(why) => Some(why),
                Step::Need(count) => match feed.ensure(count) {
                    Supply::Ready => continue,
                    Supply::Pending => return Ok(Fill::Idle),
                    Supply::End(why) if feed.bytes().is_empty() => why,
                    Supply::End(_) if !*last => {
                        // What is left may be whole records after all, when the walk asked for
                        // more than one to look ahead.
                        *last = true;
                        continue;
                    }
                    Supply::End(why) => Some(why.unwrap_or(Why::Truncated)),
                },
            };
            self.finish(end);
            return Ok(Fill::End);
        }
    }

    /// Ends the reading, early if there is a reason.
    fn finish(&mut self, why: Option<Why>) {
        let offset = match &self.stage {
            Stage::Walking { feed, .. } | Stage::Detecting { feed } => feed.offset(),
            Stage::Waiting { .. } | Stage::Ended { .. } => 0,
        };
        let done = self.done();
        self.stage = Stage::Ended { done };
        self.status = match why {
            None => Status::Complete,
            Some(why) => {
                Status::EndedEarly(vec![EarlyEnd { path: self.name.clone(), why, offset }])
            }
        };
    }

    /// Bytes of the file that were read.
    fn done(&self) -> u64 {
        match &self.stage {
            Stage::Ended { done } => *done,
            Stage::Walking { feed, .. } | Stage::Detecting { feed } if feed.is_mapped() => {
                feed.offset()
            }
            _ => self.input.done(),
        }
    }
}

/// The error for content that ends before its format can be told.
fn no_header(name: &str, feed: &Feed, why: Option<Why>) -> CaptureError {
    let what = match (why, feed.bytes().len()) {
        (Some(why), _) => {
            return CaptureError::new(
                ErrorKind::NotACapture,
                why.to_string(),
                name,
                "check that the file was copied whole",
            );
        }
        (None, 0) => "the file is empty".to_owned(),
        (None, count) => format!("the file ends inside its header, after {count} bytes"),
    };
    let hint = "check that it was written; '--follow' waits for a file that is yet to grow";
    CaptureError::new(ErrorKind::Empty, what, name, hint)
}

impl Source for FileSource {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        let began = Instant::now();
        loop {
            let fill = self.fill_now(batch)?;
            let left = self.reading.wait.saturating_sub(began.elapsed());
            if fill != Fill::Idle || left.is_zero() {
                return Ok(fill);
            }
            self.input.wait(left);
        }
    }

    fn stats(&self) -> SourceStats {
        self.stats
    }

    fn progress(&self) -> Progress {
        Progress { done: self.done(), total: self.input.length() }
    }

    fn status(&self) -> &Status {
        &self.status
    }
}

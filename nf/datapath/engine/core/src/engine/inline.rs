//! Reading and processing by whoever polls.

use nf_capture::Batch;

use super::reader::Reader;
use super::station::{Chunk, Station};

/// How a round went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// There may be more at once.
    On,
    /// The source waits for more.
    Idle,
    /// Nothing more will come.
    Over,
}

/// See the module.
pub(super) struct Inline {
    reader: Reader,
    station: Station,
    batch: Batch,
    ended: bool,
}

impl Inline {
    pub fn new(reader: Reader, station: Station) -> Self {
        Self { reader, station, batch: Batch::default(), ended: false }
    }

    /// Answers the question on the desk; of a long answer, the next piece.
    pub fn respond(&mut self) -> [Option<Chunk>; 2] {
        self.station.respond()
    }

    /// Reads and processes until there is something to pass on.
    pub fn round(&mut self) -> (Went, Vec<Chunk>) {
        if self.ended {
            let (more, chunks) = self.station.finish();
            return (if more { Went::On } else { Went::Over }, chunks);
        }
        loop {
            let load = self.reader.read(std::mem::take(&mut self.batch));
            let chunks = self.station.process(&load);
            self.ended = load.end.is_some();
            self.batch = load.batch;
            if !chunks.is_empty() {
                return (if load.idle { Went::Idle } else { Went::On }, chunks);
            }
        }
    }
}

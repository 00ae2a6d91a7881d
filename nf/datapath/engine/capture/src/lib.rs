//! Packet sources, one file each.
//!
//! A [`Source`] fills a [`Batch`] with references to packets; the packets themselves stay where
//! they are: in a mapped window of a file, or in a block they were read into. [`open`] gives
//! a source of capture files: pcap and pcapng, plain or compressed with gzip or zstd, one or
//! several in the order of time, standard input, and files that still grow; [`live::open`] one of
//! network interfaces.
//!
//! Files are hostile. Whatever is in them, everything before the first record that cannot be
//! read is handed over, memory stays bounded, and [`Source::status`] tells where and why the
//! reading ended early. A file that shrinks while it is read ends early too.
//!
//! ```no_run
//! # fn main() -> Result<(), nf_capture::CaptureError> {
//! use nf_capture::{Batch, Fill, OpenSpec, open};
//!
//! let mut source = open(&OpenSpec::new(["some.pcap"]))?;
//! let mut batch = Batch::default();
//! while source.fill(&mut batch)? != Fill::End {
//!     for (packet, bytes) in batch.iter() {
//!         println!("{} ns: {} of {} bytes", packet.timestamp, bytes.len(), packet.length);
//!     }
//!     batch.clear();
//! }
//! # Ok(())
//! # }
//! ```

pub mod bpf;

#[cfg(target_os = "linux")]
mod af_packet;
mod block;
#[cfg(target_os = "linux")]
pub mod dump;
mod error;
mod feed;
mod file;
mod format;
mod input;
mod libpcap;
#[cfg(target_os = "linux")]
pub mod live;
mod mapping;
mod merge;
mod open;
mod pace;
mod source;

pub use block::{Batch, Block, DEFAULT_CAPACITY, PacketRef};
pub use error::{CaptureError, ErrorKind};
pub use open::{OpenSpec, open};
pub use pace::Paced;
pub use source::{EarlyEnd, Fill, Progress, Source, SourceStats, Status, Why};

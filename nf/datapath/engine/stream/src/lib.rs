//! Ordered octets from TCP segments, whole messages from SCTP chunks, within bounds.
//!
//! A [`Half`] follows one direction of a connection. It says of every segment whether its octets
//! are new, old or early; early ones are held while somebody reads the stream, and what never
//! comes is told as a gap. Full reassembly policies build on this seam. [`Messages`] does for SCTP what its messages need.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod half;
mod messages;
mod pool;

pub use half::{Half, Place, Ready};
pub use messages::{Chunk, Message, Messages};
pub use pool::Pool;

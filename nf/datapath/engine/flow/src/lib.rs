//! Session keys, their hash, the table that holds sessions, the wheel that ends them, and the
//! clock that drives the wheel. Nothing here knows what a session contains.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod clock;
mod hash;
mod key;
mod table;
mod wheel;

pub use clock::{Clock, ClockFaults};
pub use hash::KeyHasher;
pub use key::{KeyOptions, SessionKey};
pub use table::{Handle, Table};
pub use wheel::{TICK_NS, Wheel};

//! What an open way into an interface does, however packets come.

use std::os::fd::BorrowedFd;

use super::names::Shape;
use crate::af_packet::{Failure, Taken, Term};
use crate::bpf::Filter;
use crate::error::CaptureError;

/// An open way into an interface; closed when dropped.
pub(crate) trait Tap: Send {
    /// Number of the interface; 0 for all.
    fn interface(&self) -> i32;

    /// Shape of its packets.
    fn shape(&self) -> Shape;

    /// Filters by another program from now on.
    fn set_filter(&mut self, filter: Option<Filter>) -> Result<(), Failure>;

    /// When the next packet was stamped, if there is one.
    fn head(&mut self) -> Option<u64>;

    /// Puts the next packet into `room`, which has space for the snap length and what may be added
    /// to it.
    fn take(&mut self, room: &mut [u8], term: Term) -> Result<Option<Taken>, CaptureError>;

    /// Asks the kernel for its counters.
    fn count(&mut self);

    /// Packets that the kernel had no room for, as of the last `count`.
    fn drops(&self) -> u64;

    /// Whether every packet stamped until `time` has been walked over, as of the last `count`; it is
    /// `now`.
    fn has_passed(&self, time: u64, now: u64) -> bool;

    /// Records that contradicted themselves.
    fn malformed(&self) -> u64;

    /// Octets of memory that packets wait in.
    fn ring_bytes(&self) -> usize;

    /// Packets that each of its sockets has given.
    fn shares(&self) -> Vec<u64>;

    /// What to wait for packets at.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>>;

    /// Takes note of errors that sockets have: the interface went down, or away.
    fn hear_errors(&mut self);

    /// Why nothing will come of it any more, though the interface may be there.
    fn trouble(&self) -> Option<&str> {
        None
    }
}

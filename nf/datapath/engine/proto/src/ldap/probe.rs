//! Whether octets begin with a message of LDAP: pure.
//!
//! A whole message is evidence enough anywhere: two tags, a number and three lengths that agree,
//! and what the operation must hold. Of one that is not whole, what there is of it must agree.

use nf_wire::Transport;

use super::message::{Envelope, begins, envelope, parse};
use crate::{Probe, Segment};

/// The registered port, and the global catalogue of directories.
pub(super) const PORTS: &[u16] = &[389, 3268];
/// Octets of a message that is not whole after which no more are awaited.
const ENOUGH: usize = 1024;
/// What may follow an operation: controls.
const CONTROLS: usize = 8;

/// Answers for a stream, or a datagram, that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let stream = seg.flow.transport == Transport::Tcp;
    match envelope(seg.data) {
        Envelope::Whole(whole) => {
            let octets = seg.data.get(..whole).unwrap_or_default();
            match (parse(octets), begins(octets)) {
                (Some(_), Some(Some((_, _, behind)))) if behind == 0 || behind >= CONTROLS => {
                    Probe::Certain
                }
                _ => Probe::No,
            }
        }
        Envelope::Partial(_) | Envelope::TooLong(_) if stream => match begins(seg.data) {
            None => Probe::No,
            Some(Some((_, 0x60..=0x79, ..))) if seg.data.len() >= ENOUGH => Probe::Certain,
            Some(_) => Probe::Unsure,
        },
        _ => Probe::No,
    }
}

//! Whether datagrams are a stream's: pure.
//!
//! An RTP header has hardly any fixed bit. Only several packets of one sender that agree on the
//! stream and whose sequence numbers and timestamps advance say enough.

use super::packet::{Packet, is_rtcp, static_codec};
use crate::{Earlier, Probe, Segment};

/// Packets of one direction that must follow each other.
const FOLLOWING: u8 = 3;
/// Most a sequence number may advance between them.
const MAX_STEP: u16 = 16;
/// Most a timestamp may advance between them: ten seconds of the fastest clock.
const MAX_ADVANCE: u32 = 900_000;

/// A packet as a stream's could be.
fn plausible(data: &[u8], whole: bool) -> Option<Packet<'_>> {
    let packet = Packet::parse(data, whole)?;
    let type_in_use =
        static_codec(packet.payload_type).is_some() || (96..=127).contains(&packet.payload_type);
    let fits = type_in_use
        && !is_rtcp(data)
        && packet.ssrc != 0
        && !packet.bad_padding
        && !(packet.payload.is_empty() && whole && !packet.padding);
    fits.then_some(packet)
}

fn follows(packet: &Packet<'_>, before: &Packet<'_>) -> bool {
    let step = packet.sequence.wrapping_sub(before.sequence);
    let advance = packet.timestamp.wrapping_sub(before.timestamp);
    packet.ssrc == before.ssrc && (1..=MAX_STEP).contains(&step) && advance <= MAX_ADVANCE
}

/// What one datagram alone says.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    match plausible(seg.data, !seg.cut) {
        Some(_) => Probe::Unsure,
        None => Probe::No,
    }
}

/// What it says with those before it.
pub(super) fn probe_again(seg: &Segment<'_>, earlier: &Earlier<'_>) -> Probe {
    let Some(packet) = plausible(seg.data, !seg.cut) else {
        return Probe::No;
    };
    let mut last: Option<Packet<'_>> = None;
    let mut following = 0u8;
    let others = earlier.datagrams(seg.dir).filter(|data| !is_rtcp(data));
    for packet in others.map(|data| plausible(data, true)).chain([Some(packet)]) {
        let goes_on = packet.zip(last).is_some_and(|(packet, last)| follows(&packet, &last));
        following = if goes_on { following.saturating_add(1) } else { 1 };
        last = packet;
    }
    if following >= FOLLOWING { Probe::Certain } else { Probe::Unsure }
}

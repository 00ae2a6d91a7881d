//! Server Message Block (MS-CIFS, MS-SMB, MS-SMB2): versions 1, 2 and 3 on TCP, framed as RFC 1002
//! §4.3 (port 139) and MS-SMB2 §2.1 (port 445) say. One transaction per request with its response;
//! reads and writes that succeed are summed up and told when their file is closed or the session
//! ends, as is what is encrypted. Calls of DCE/RPC through pipes are read.
//!
//! Bounds: 16 KiB of a message are read (4 KiB where it carries data), the rest is counted; 256
//! requests without response, 256 open files, 64 shares.

mod message;
mod old;
mod record;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod words;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
    within,
};
pub use record::{SmbMessage, SmbTransaction};
use state::State;

/// The port of SMB alone, and of SMB over NetBIOS.
const PORTS: &[u16] = &[445, 139];
/// Octets of the header of a frame.
const FRAME: usize = 4;
/// Octets of a message that are read.
const WINDOW: usize = 16 * 1024;
/// Octets of a read or write that are read.
const DATA_WINDOW: usize = 4 * 1024;
/// Longest message of NetBIOS' session service itself.
const MAX_SERVICE: usize = 1024;
/// MMT's number.
pub(crate) const ID: ProtoId = ProtoId(322);

crate::anomalies! {
    /// What can be wrong with SMB.
    pub enum Anomaly {
        /// Octets where a frame should begin are none.
        FrameInvalid = "frame_invalid",
        /// A message that is of no version.
        HeaderInvalid = "header_invalid",
        /// The body of a message contradicts its header.
        BodyInvalid = "body_invalid",
        /// A message of a chain leads out of its frame.
        ChainInvalid = "chain_invalid",
        /// A response to no request that was seen.
        UnaskedResponse = "unasked_response",
        /// Too many requests without response: the oldest was given up.
        TooManyPending = "too_many_pending",
        /// Too many open files or shares: one was given up.
        TooManyOpen = "too_many_open",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// Where one direction is.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// Octets of the frame that belong to no message begun yet.
    frame: u64,
    /// Octets of the message yet to come, of which nothing is read.
    skip: u64,
    /// A frame is being looked for.
    lost: bool,
}

/// The state of one session.
#[derive(Default)]
pub struct Smb {
    lanes: [Lane; 2],
    state: State,
}

impl Protocol for Smb {
    const INFO: Info = Info {
        name: "smb",
        id: ID,
        aliases: &["cifs", "smb2", "smb3"],
        title: "Server Message Block, versions 1 to 3",
        spec: "MS-CIFS, MS-SMB, MS-SMB2, RFC 1002",
        over: &[tcp(PORTS), within("netbios")],
        patterns: &[
            Pattern::at(4, b"\xfeSMB"),
            Pattern::at(4, b"\xffSMB"),
            Pattern::at(4, b"\xfdSMB"),
        ],
        weight: 30,
        timeout: TimeoutClass::Long,
        max_pending: 2 * WINDOW,
        message: SmbMessage::fields,
        transaction: SmbTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some((frame, message)) = seg.data.split_first_chunk::<FRAME>() else {
            return if seg.data.first() == Some(&0) { Probe::Unsure } else { Probe::No };
        };
        let [0, high, middle, low] = *frame else {
            return Probe::No;
        };
        let length = u32::from_be_bytes([0, high, middle, low]);
        if length < 32 {
            return Probe::No;
        }
        let short = |needed: usize| message.len() < needed;
        match message {
            [0xfe, b'S', b'M', b'B', ..] if short(message::HEADER) => Probe::Unsure,
            [0xff, b'S', b'M', b'B', ..] if short(old::HEADER) => Probe::Unsure,
            [0xfd, b'S', b'M', b'B', ..] if short(message::TRANSFORM) => Probe::Unsure,
            [0xfe, ..] if message::head(message).is_some() => Probe::Certain,
            [0xff, ..] if old::head(message).is_some() => Probe::Certain,
            // The length in clear is what is left of the frame.
            [0xfd, ..] => match message::transform(message) {
                Some((_, clear)) if clear.checked_add(52) == Some(length) => Probe::Certain,
                _ => Probe::No,
            },
            _ if message.len() < 4 && may_begin(message) => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let now = lane.skip.min(seg.data.len() as u64);
            lane.skip = lane.skip.saturating_sub(now);
            return Step::used(usize::try_from(now).unwrap_or(usize::MAX));
        }
        if lane.lost {
            let step = self.find(seg);
            if step.consumed > 0 || self.lane(seg.dir).lost {
                return step;
            }
        }
        if self.lane(seg.dir).frame == 0 { self.frame(seg, out) } else { self.message(seg, out) }
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.state.lose();
        let lane = self.lane(dir);
        // While octets are skipped none are held back: the place is known.
        let rest = lane.skip.saturating_add(lane.frame);
        if lane.skip >= lost {
            lane.skip = lane.skip.saturating_sub(lost);
        } else if lane.skip > 0 && rest >= lost {
            *lane = Lane { skip: rest.saturating_sub(lost), ..Lane::default() };
        } else {
            *lane = Lane { lost: true, ..Lane::default() };
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.state.end(out);
    }
}

fn may_begin(message: &[u8]) -> bool {
    match message.split_first() {
        Some((first, rest)) => matches!(first, 0xfd..=0xff) && b"SMB".starts_with(rest),
        None => true,
    }
}

impl Smb {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// The header of a frame.
    fn frame(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let Some((&[kind, a, b, c], _)) = seg.data.split_first_chunk::<FRAME>() else {
            return Step::need(0, FRAME);
        };
        let length = u32::from_be_bytes([0, a, b, c]);
        match kind {
            0 => {
                self.lane(seg.dir).frame = length.into();
                Step::used(FRAME)
            }
            // Set-up of NetBIOS sessions, and what keeps them alive.
            0x81..=0x85 if length as usize <= MAX_SERVICE => {
                self.lane(seg.dir).skip = length.into();
                Step::used(FRAME)
            }
            _ => {
                out.anomaly(Anomaly::FrameInvalid);
                self.lane(seg.dir).lost = true;
                Step::used(1)
            }
        }
    }

    /// Looks for a frame with a message in it.
    fn find(&mut self, seg: &Segment<'_>) -> Step {
        let mut from = 0usize;
        while let Some(at) = seg.data.get(from..).and_then(|d| memchr::memmem::find(d, b"SMB")) {
            let at = from.saturating_add(at);
            let frame = at.checked_sub(5).and_then(|start| seg.data.get(start..at));
            if let (Some(&[0, _, _, _, 0xfd..=0xff]), Some(start)) = (frame, at.checked_sub(5)) {
                self.lane(seg.dir).lost = false;
                return Step::used(start);
            }
            from = at.saturating_add(3);
        }
        // What remains may be the beginning of a frame.
        Step::used(seg.data.len().saturating_sub(7))
    }

    /// One message of a frame.
    fn message(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let frame = self.lane(seg.dir).frame;
        let whole = usize::try_from(frame).unwrap_or(usize::MAX);
        let head_length = whole.min(message::HEADER);
        let Some(front) = seg.data.get(..head_length) else {
            return Step::need(0, head_length);
        };
        let head = message::head(front);
        let length = match &head {
            Some(head) if u64::from(head.next) > frame => {
                out.anomaly(Anomaly::ChainInvalid);
                whole
            }
            Some(head) if head.next > 0 => head.next as usize,
            _ => whole,
        };
        let carries = match front {
            [0xfe, ..] => head.is_some_and(|h| matches!(h.command, message::READ | message::WRITE)),
            [0xff, _, _, _, command, ..] => matches!(*command, old::READ | old::WRITE),
            // Nothing but the header can be read.
            _ => true,
        };
        let window = length.min(if carries { DATA_WINDOW } else { WINDOW });
        let window = if front.first() == Some(&0xfd) { head_length } else { window };
        let Some(octets) = seg.data.get(..window) else {
            return Step::need(0, window);
        };
        let chained = length < whole;
        match (front, head) {
            (_, Some(head)) => self.state.message(&head, octets, length, chained, seg, out),
            ([0xff, ..], None) => match old::head(front) {
                Some(head) => self.state.old_message(&head, octets, length, seg, out),
                None => out.anomaly(Anomaly::HeaderInvalid),
            },
            ([0xfd, b'S', b'M', b'B', ..], None) => {
                self.state.encrypted(octets, length as u64, seg.time, out);
            }
            ([0xfc, b'S', b'M', b'B', ..], None) => self.state.compressed(out),
            _ => out.anomaly(Anomaly::HeaderInvalid),
        }
        let lane = self.lane(seg.dir);
        lane.frame = frame.saturating_sub(length as u64);
        lane.skip = length.saturating_sub(window) as u64;
        Step::used(window)
    }
}

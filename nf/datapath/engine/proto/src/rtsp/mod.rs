//! RTSP over TCP (RFC 2326, RFC 7826) with session descriptions (RFC 8866) in its bodies.
//!
//! One transaction per request with its response. Media that go by datagrams are announced to the
//! engine; those that go between the messages on this connection are read here and reported as
//! `rtp` and `rtcp`, with the encodings that the description named.
//!
//! Bounds: heads of 16 KiB and bodies of 48 KiB (longer ones are passed over), 64 unanswered
//! requests, 1 KiB of any text kept.

mod message;
mod record;
mod session;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
};
pub use record::{RtspMessage, RtspTransaction};
pub use session::Rtsp;

/// RTSP's number.
pub const ID: ProtoId = ProtoId(299);
/// Longest head.
const MAX_HEAD: usize = 16 * 1024;
/// Longest body that is read.
const MAX_BODY: usize = 48 * 1024;
/// Longest frame with its header.
const MAX_FRAME: usize = 65_535 + 4;
/// Longest first line a probe waits for.
const MAX_FIRST: usize = 2048;

crate::anomalies! {
    /// What can be wrong with RTSP.
    pub enum Anomaly {
        /// Octets that begin neither a request nor a response nor a frame.
        MalformedStart = "malformed_start",
        /// A header line that is none, or one whose value cannot be read.
        MalformedHeader = "malformed_header",
        /// A message without the number that ties responses to requests.
        SequenceMissing = "sequence_missing",
        /// A head longer than any program sends.
        HeadTooLong = "head_too_long",
        /// A session description that cannot be read.
        MalformedDescription = "malformed_description",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
        /// A response to no request that was seen.
        UnaskedAnswer = "unasked_answer",
        /// A frame between the messages that is no packet of media.
        ForeignFrame = "foreign_frame",
        /// A password that only looks encrypted.
        ClearTextPassword = "clear_text_password",
    }
}

impl Protocol for Rtsp {
    const INFO: Info = Info {
        name: "rtsp",
        id: ID,
        title: "Real Time Streaming Protocol",
        spec: "RFC 2326, RFC 7826",
        over: &[tcp(&[554, 8554])],
        patterns: &[
            Pattern::start(b"RTSP/"),
            Pattern::start(b"ANNOUNCE "),
            Pattern::start(b"DESCRIBE "),
            Pattern::start(b"GET_PARAMETER "),
            Pattern::start(b"OPTIONS "),
            Pattern::start(b"PAUSE "),
            Pattern::start(b"PLAY "),
            Pattern::start(b"RECORD "),
            Pattern::start(b"REDIRECT "),
            Pattern::start(b"SETUP "),
            Pattern::start(b"SET_PARAMETER "),
            Pattern::start(b"TEARDOWN "),
        ],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: if MAX_FRAME > MAX_HEAD + MAX_BODY { MAX_FRAME } else { MAX_HEAD + MAX_BODY },
        message: RtspMessage::fields,
        transaction: RtspTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[crate::rtp::ID, crate::rtcp::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let data = seg.data;
        match memchr::memchr(b'\n', data.get(..MAX_FIRST).unwrap_or(data)) {
            Some(end) => {
                let line = data.get(..end).unwrap_or_default().trim_ascii_end();
                if message::is_certain(line) { Probe::Certain } else { Probe::No }
            }
            None if data.len() >= MAX_FIRST => Probe::No,
            None if may_begin(data) => Probe::Unsure,
            None => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.take(seg, out)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lose(dir, lost);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.conclude(out);
    }
}

/// Whether an unfinished first line may become RTSP's.
fn may_begin(data: &[u8]) -> bool {
    let word = data.split(|&b| b == b' ').next().unwrap_or_default();
    let whole = word.len() < data.len();
    let versions: [&[u8]; 2] = [b"RTSP/1.0", b"RTSP/2.0"];
    message::METHODS.iter().chain(&versions).any(|known| match whole {
        true => *known == word,
        false => known.starts_with(word),
    })
}

//! SIP over UDP and TCP (RFC 3261, 3262, 3311, 3428, 3903, 6665) with session descriptions
//! (RFC 8866) in its bodies, whose media are announced to the engine.
//!
//! One transaction per request with its final response, and one per call (of `kind` call) from
//! the invitation to its end, with the times until it rang and until it was answered. Passwords
//! and their digests are never kept, nor are keys of media.
//!
//! Bounds: heads of 16 KiB and bodies of 48 KiB (longer ones are passed over), 256 header lines,
//! 64 unanswered requests, 64 calls, 64 answered requests remembered, 1 KiB of any text kept.

mod call;
pub(crate) mod head;
mod message;
mod record;
mod session;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
    udp,
};
pub(crate) use message::quoted;
pub use record::{SipMessage, SipTransaction};
pub use session::Sip;

/// SIP's number.
pub const ID: ProtoId = ProtoId(314);
/// Longest head.
const MAX_HEAD: usize = 16 * 1024;
/// Longest body that is read.
const MAX_BODY: usize = 48 * 1024;
/// Longest first line a probe waits for.
const MAX_FIRST: usize = 2048;
const PORTS: &[u16] = &[5060, 5080];

crate::anomalies! {
    /// What can be wrong with SIP.
    pub enum Anomaly {
        /// A start line that is neither request nor response.
        MalformedStart = "malformed_start",
        /// A header line that is none, or one whose value cannot be read.
        MalformedHeader = "malformed_header",
        /// A message without one of the headers that all must have.
        HeaderMissing = "header_missing",
        /// A body that is shorter than the head says.
        BodyShort = "body_short",
        /// A head longer than any program sends.
        HeadTooLong = "head_too_long",
        /// A session description that cannot be read.
        MalformedDescription = "malformed_description",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
        /// More calls than are kept; the oldest is given up.
        TooManyCalls = "too_many_calls",
        /// A password that only looks encrypted.
        ClearTextPassword = "clear_text_password",
    }
}

impl Protocol for Sip {
    const INFO: Info = Info {
        name: "sip",
        id: ID,
        title: "Session Initiation Protocol",
        spec: "RFC 3261, RFC 8866",
        over: &[udp(PORTS), tcp(PORTS)],
        patterns: &[
            Pattern::start(b"SIP/2.0 "),
            Pattern::start(b"ACK "),
            Pattern::start(b"BYE "),
            Pattern::start(b"CANCEL "),
            Pattern::start(b"INFO "),
            Pattern::start(b"INVITE "),
            Pattern::start(b"MESSAGE "),
            Pattern::start(b"NOTIFY "),
            Pattern::start(b"OPTIONS "),
            Pattern::start(b"PRACK "),
            Pattern::start(b"PUBLISH "),
            Pattern::start(b"REFER "),
            Pattern::start(b"REGISTER "),
            Pattern::start(b"SUBSCRIBE "),
            Pattern::start(b"UPDATE "),
            Pattern::within(128, b" SIP/2.0\r\n"),
        ],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: MAX_HEAD + MAX_BODY,
        message: SipMessage::fields,
        transaction: SipTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let data = skip_blank(seg.data);
        match memchr::memchr(b'\n', data.get(..MAX_FIRST).unwrap_or(data)) {
            Some(end) => {
                let line = data.get(..end).unwrap_or_default().trim_ascii_end();
                if message::is_certain(line) { Probe::Certain } else { Probe::No }
            }
            None if seg.flow.transport != Transport::Tcp || data.len() >= MAX_FIRST => Probe::No,
            None if may_begin(data) => Probe::Unsure,
            None => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport == Transport::Tcp {
            return self.stream(seg, out);
        }
        self.datagram(seg, out);
        Step::all(seg)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lose(dir, lost);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.conclude(out);
    }
}

/// Without the line ends that keep a way open (RFC 5626 §4.4.1).
fn skip_blank(mut data: &[u8]) -> &[u8] {
    while let [b'\r' | b'\n', rest @ ..] = data {
        data = rest;
    }
    data
}

/// Whether an unfinished first line may become SIP's.
fn may_begin(data: &[u8]) -> bool {
    let word = data.split(|&b| b == b' ').next().unwrap_or_default();
    let whole = word.len() < data.len();
    message::METHODS.iter().chain([&&b"SIP/2.0"[..]]).any(|known| match whole {
        true => *known == word,
        false => known.starts_with(word),
    })
}

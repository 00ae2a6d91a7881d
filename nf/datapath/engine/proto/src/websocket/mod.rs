//! WebSocket (RFC 6455) behind an upgrade from HTTP, or from the middle of a connection. One
//! transaction per message with all its fragments, per ping with its pong, and per close with its
//! answer. Messages compressed by permessage-deflate (RFC 7692) are noted as such.
//!
//! Bounds: 1,024 octets of a message are kept; of pings, one per direction waits for its pong.
//! Payload is passed on as it comes.
//!
//! Settled: with the first frame of a message, which may show MQTT inside.

mod frame;
mod record;
mod session;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, within,
};
use frame::Likeness;
pub use record::{WebsocketMessage, WebsocketTransaction};
use session::{Control, Message};

const OVER: &[Over] = &[within("http"), tcp(&[])];
/// Letters of text by which a connection is recognised that began earlier.
const ENOUGH: usize = 12;

anomalies! {
    /// What can be wrong with it.
    pub enum WebsocketAnomaly {
        /// A reserved bit that no extension in use gives a meaning.
        ReservedBits = "reserved_bits",
        /// An opcode without meaning.
        ReservedOpcode = "reserved_opcode",
        /// A control frame in pieces.
        ControlFragmented = "control_fragmented",
        /// A control frame of more than 125 octets.
        ControlTooLong = "control_too_long",
        /// A continuation of nothing.
        ContinuationUnexpected = "continuation_unexpected",
        /// A new message within another one.
        ContinuationMissing = "continuation_missing",
        /// A client's frame without mask.
        MaskMissing = "mask_missing",
        /// A server's frame with a mask.
        MaskUnexpected = "mask_unexpected",
        /// A length written in more octets than it needs, or one beyond 63 bits.
        LengthInvalid = "length_invalid",
        /// A close whose payload is one octet, or whose code may not be sent.
        CloseInvalid = "close_invalid",
        /// A text or a reason that is not UTF-8.
        TextInvalid = "text_invalid",
        /// A frame behind the close of its direction.
        DataAfterClose = "data_after_close",
    }
}

/// What a direction is in the middle of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Between frames.
    #[default]
    Header,
    /// In the payload of a data frame: octets left, and those taken.
    Payload { left: u64, taken: u64 },
    /// Out of step: looking for frames at the beginning of segments.
    Lost,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    stage: Stage,
    /// Header of the frame whose payload is being read.
    header: frame::Header,
    /// The message that is being read.
    message: Option<Message>,
    /// A ping that waits for its pong.
    ping: Option<Control>,
    /// A close frame was seen.
    closed: bool,
}

/// A connection.
#[derive(Default)]
pub struct Websocket {
    lanes: [Lane; 2],
    /// The direction that masks.
    client: Option<Direction>,
    /// The first close, while its answer is awaited.
    close: Option<Control>,
    /// What is inside was looked for.
    looked: bool,
}

impl Protocol for Websocket {
    const INFO: Info = Info {
        name: "websocket",
        id: ProtoId(1240),
        aliases: &["ws"],
        title: "WebSocket",
        spec: "RFC 6455, RFC 7692",
        over: OVER,
        patterns: &[
            Pattern::start(b"\x81"),
            Pattern::start(b"\x82"),
            Pattern::start(b"\x89"),
            Pattern::start(b"\x8a"),
        ],
        weight: 80,
        timeout: TimeoutClass::Long,
        max_pending: 1024,
        message: WebsocketMessage::fields,
        transaction: WebsocketTransaction::fields,
        speaks: &[],
        anomalies: WebsocketAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match frame::likeness(seg.data) {
            Likeness::Frames { letters } if letters >= ENOUGH => Probe::Certain,
            Likeness::Frames { .. } | Likeness::Perhaps => Probe::Unsure,
            Likeness::Nothing => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        match self.lane(seg.dir).stage {
            Stage::Payload { left: 0, .. } => {
                self.lane(seg.dir).stage = Stage::Header;
                self.header(seg, out)
            }
            Stage::Payload { left, taken } => self.payload(seg, left, taken, out),
            Stage::Header => self.header(seg, out),
            Stage::Lost if matches!(frame::likeness(seg.data), Likeness::Frames { .. }) => {
                self.lane(seg.dir).stage = Stage::Header;
                self.header(seg, out)
            }
            Stage::Lost => Step::all(seg),
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        if let Some(message) = &mut lane.message {
            message.broken = true;
        }
        match lane.stage {
            Stage::Payload { left, taken } if lost <= left => {
                let (left, taken) = (left.saturating_sub(lost), taken.saturating_add(lost));
                lane.stage = Stage::Payload { left, taken };
                if left == 0 {
                    self.finish_frame(dir, out);
                }
            }
            _ => {
                lane.stage = Stage::Lost;
                if let Some(message) = lane.message.take() {
                    message.report(dir, out);
                }
            }
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for dir in [Direction::Up, Direction::Down] {
            let lane = self.lane(dir);
            if let Some(mut message) = lane.message.take() {
                message.broken = true;
                message.report(dir, out);
            }
            if let Some(ping) = self.lane(dir).ping.take() {
                ping.report(None, out);
            }
        }
        if let Some(close) = self.close.take() {
            close.report(None, out);
        }
    }
}

impl Websocket {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }
}

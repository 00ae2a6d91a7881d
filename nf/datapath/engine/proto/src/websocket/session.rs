//! Frames in order, and what they mean for their messages.

use nf_fields::{Binary, BinaryRef, Text, TextRef};

use super::frame::{Header, MAX_CONTROL, is_close_code, opcode, unmask, word};
use super::record::{WebsocketMessage, WebsocketTransaction};
use super::{Stage, Websocket, WebsocketAnomaly};
use crate::{Direction, Probe, Protocol, Segment, Sink, Step};

/// Most octets of a message that are kept.
const MAX_KEPT: usize = 1024;
/// Most octets of a binary payload that a record has.
const MAX_BINARY: usize = 64;

/// A data message, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Message {
    start: u64,
    opcode: u8,
    mask: bool,
    compressed: bool,
    frames: u32,
    length: u64,
    kept: Vec<u8>,
    pub(super) broken: bool,
}

impl Message {
    pub(super) fn report(self, dir: Direction, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        let shown = !self.compressed;
        let text = shown && self.opcode == opcode::TEXT;
        let binary = shown && self.opcode == opcode::BINARY;
        let record = WebsocketTransaction {
            opcode: word(self.opcode),
            from_initiator: dir == Direction::Up,
            mask: self.mask,
            compressed: self.compressed,
            frames: self.frames,
            length: self.length,
            text: text.then(|| Text::bounded(&self.kept, MAX_KEPT)),
            payload: binary.then(|| Binary::bounded(&self.kept, MAX_BINARY)),
            complete: !self.broken,
            ..WebsocketTransaction::default()
        };
        out.transaction(self.start, record);
    }
}

/// A control frame that waits for its answer.
#[derive(Debug)]
pub(super) struct Control {
    start: u64,
    pub(super) dir: Direction,
    payload: Vec<u8>,
    record: WebsocketTransaction,
}

impl Control {
    fn of(header: &Header, payload: Vec<u8>, seg: &Segment<'_>) -> Self {
        let mut record = WebsocketTransaction {
            opcode: word(header.opcode),
            from_initiator: seg.dir == Direction::Up,
            mask: header.mask.is_some(),
            frames: 1,
            length: header.length,
            ..WebsocketTransaction::default()
        };
        if header.opcode == opcode::CLOSE {
            let (code, reason) = close(&payload);
            record.close_code = code;
            record.close_reason = (!reason.is_empty()).then(|| Text::from(reason));
        } else if !payload.is_empty() {
            record.payload = Some(Binary::bounded(&payload, MAX_BINARY));
        }
        Self { start: seg.time, dir: seg.dir, payload, record }
    }

    /// Reports it with its answer, if there was one: when that came, and its close code.
    pub(super) fn report(mut self, answer: Option<(u64, Option<u16>)>, out: &mut Sink<'_>) {
        if let Some((time, code)) = answer {
            self.record.response_us = Some(time.saturating_sub(self.start) / 1000);
            self.record.answer_code = code;
        }
        self.record.complete = answer.is_some() || self.record.opcode == "pong";
        out.transaction(self.start, self.record);
    }
}

/// Code and reason of a close frame's payload.
fn close(payload: &[u8]) -> (Option<u16>, &[u8]) {
    match payload.split_first_chunk() {
        Some((code, reason)) => (Some(u16::from_be_bytes(*code)), reason),
        None => (None, &[]),
    }
}

impl Websocket {
    /// A frame's header, with the payload if it is a control frame.
    pub(super) fn header(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let Some(header) = Header::read(seg.data) else {
            return Step::used(0);
        };
        if header.length >> 63 != 0 || (header.is_control() && header.length > MAX_CONTROL) {
            out.anomaly(match header.is_control() {
                true => WebsocketAnomaly::ControlTooLong,
                false => WebsocketAnomaly::LengthInvalid,
            });
            self.lane(seg.dir).stage = Stage::Lost;
            return Step::all(seg);
        }
        if header.is_control() {
            let length = usize::try_from(header.length).unwrap_or(0);
            let end = header.size.saturating_add(length);
            let Some(payload) = seg.data.get(header.size..end) else {
                return Step::need(0, end);
            };
            self.judge(&header, seg.dir, out);
            self.control(&header, payload, seg, out);
            return Step::used(end);
        }
        self.judge(&header, seg.dir, out);
        self.begin_frame(&header, seg, out);
        Step::used(header.size)
    }

    /// Counts what is wrong with a header.
    fn judge(&mut self, header: &Header, dir: Direction, out: &mut Sink<'_>) {
        let client = *self.client.get_or_insert(match header.mask {
            Some(_) => dir,
            None => dir.reverse(),
        });
        let reserved = header.reserved != 0 && !(header.reserved == 4 && header.is_compressed());
        let found = [
            (reserved, WebsocketAnomaly::ReservedBits),
            (!header.is_known(), WebsocketAnomaly::ReservedOpcode),
            (header.is_control() && !header.fin, WebsocketAnomaly::ControlFragmented),
            (client == dir && header.mask.is_none(), WebsocketAnomaly::MaskMissing),
            (client != dir && header.mask.is_some(), WebsocketAnomaly::MaskUnexpected),
            (header.wide, WebsocketAnomaly::LengthInvalid),
            (self.lane(dir).closed, WebsocketAnomaly::DataAfterClose),
        ];
        for (_, anomaly) in found.into_iter().filter(|(wrong, _)| *wrong) {
            out.anomaly(anomaly);
        }
    }

    fn begin_frame(&mut self, header: &Header, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let lane = self.lane(seg.dir);
        lane.header = *header;
        lane.stage = Stage::Payload { left: header.length, taken: 0 };
        let continues = header.opcode == opcode::CONTINUATION;
        let earlier = match lane.message.take() {
            Some(message) if continues => Some(message),
            Some(mut message) => {
                out.anomaly(WebsocketAnomaly::ContinuationMissing);
                message.broken = true;
                message.report(seg.dir, out);
                None
            }
            None => {
                if continues {
                    out.anomaly(WebsocketAnomaly::ContinuationUnexpected);
                }
                None
            }
        };
        let mut message = earlier.unwrap_or_else(|| Message {
            start: seg.time,
            opcode: header.opcode,
            mask: header.mask.is_some(),
            compressed: header.is_compressed(),
            broken: continues,
            ..Message::default()
        });
        message.frames = message.frames.saturating_add(1);
        self.lane(seg.dir).message = Some(message);
        if header.length == 0 {
            self.tell(header, &[], 0, out);
            self.finish_frame(seg.dir, out);
        }
    }

    /// Payload of a data frame.
    pub(super) fn payload(
        &mut self,
        seg: &Segment<'_>,
        left: u64,
        taken: u64,
        out: &mut Sink<'_>,
    ) -> Step {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(seg.data.len());
        let piece = seg.data.get(..length).unwrap_or(seg.data);
        let lane = self.lane(seg.dir);
        let header = lane.header;
        lane.stage = Stage::Payload {
            left: left.saturating_sub(length as u64),
            taken: taken.saturating_add(length as u64),
        };
        if let Some(message) = &mut lane.message {
            message.length = message.length.saturating_add(length as u64);
            let room = MAX_KEPT.saturating_sub(message.kept.len()).min(length);
            let kept = piece.get(..room).unwrap_or(piece);
            message.kept.extend(unmask(kept, header.mask, taken));
        }
        if out.wants_messages() {
            self.tell(&header, &unmask(piece, header.mask, taken), taken, out);
        }
        self.look_inside(seg, left == length as u64, out);
        if left == length as u64 {
            self.finish_frame(seg.dir, out);
        }
        Step::used(length)
    }

    fn tell(&self, header: &Header, payload: &[u8], taken: u64, out: &mut Sink<'_>) {
        if !out.wants_messages() {
            return;
        }
        let said = match taken {
            0 => frame_message(header),
            _ => WebsocketMessage::default(),
        };
        out.message(&WebsocketMessage { payload: Some(BinaryRef(payload)), ..said });
    }

    /// MQTT is often carried so (MQTT 5.0 §6); the first message shows it.
    fn look_inside(&mut self, seg: &Segment<'_>, whole: bool, out: &mut Sink<'_>) {
        if self.looked {
            return;
        }
        let [up, down] = &self.lanes;
        let lane = if seg.dir == Direction::Up { up } else { down };
        let Some(message) = &lane.message else {
            return;
        };
        let inside = Segment { data: &message.kept, ..*seg };
        match crate::mqtt::Mqtt::probe(&inside) {
            Probe::Certain if message.opcode == opcode::BINARY && !message.compressed => {
                out.inside(crate::mqtt::Mqtt::INFO.id);
            }
            Probe::Unsure if !whole => return,
            _ => {}
        }
        self.looked = true;
        out.settled();
    }

    /// The frame that a direction reads has ended.
    pub(super) fn finish_frame(&mut self, dir: Direction, out: &mut Sink<'_>) {
        let lane = self.lane(dir);
        lane.stage = Stage::Header;
        if !lane.header.fin {
            return;
        }
        let Some(message) = lane.message.take() else {
            return;
        };
        let readable = message.opcode == opcode::TEXT && !message.compressed && !message.broken;
        if readable && !is_utf8(&message.kept, message.length) {
            out.anomaly(WebsocketAnomaly::TextInvalid);
        }
        message.report(dir, out);
    }

    fn control(&mut self, header: &Header, payload: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let payload = unmask(payload, header.mask, 0);
        let mut said = frame_message(header);
        let (code, reason) = close(&payload);
        if header.opcode == opcode::CLOSE {
            let valid = code.map_or(payload.is_empty(), is_close_code);
            if !valid {
                out.anomaly(WebsocketAnomaly::CloseInvalid);
            }
            if std::str::from_utf8(reason).is_err() {
                out.anomaly(WebsocketAnomaly::TextInvalid);
            }
            said.close_code = code;
            said.close_reason = (!reason.is_empty()).then_some(TextRef(reason));
        } else {
            said.payload = Some(BinaryRef(&payload));
        }
        if out.wants_messages() {
            out.message(&said);
        }
        match header.opcode {
            opcode::CLOSE => {
                out.settled();
                self.lane(seg.dir).closed = true;
                match self.close.take() {
                    Some(close) if close.dir != seg.dir => {
                        close.report(Some((seg.time, code)), out);
                    }
                    Some(close) => self.close = Some(close),
                    None => self.close = Some(Control::of(header, payload, seg)),
                }
            }
            opcode::PING => {
                let ping = Control::of(header, payload, seg);
                if let Some(unanswered) = self.lane(seg.dir).ping.replace(ping) {
                    unanswered.report(None, out);
                }
            }
            opcode::PONG => match self.lane(seg.dir.reverse()).ping.take() {
                Some(ping) if ping.payload == payload => ping.report(Some((seg.time, None)), out),
                other => {
                    self.lane(seg.dir.reverse()).ping = other;
                    Control::of(header, payload, seg).report(None, out);
                }
            },
            _ => {}
        }
    }
}

fn frame_message(header: &Header) -> WebsocketMessage<'static> {
    WebsocketMessage {
        opcode: Some(word(header.opcode)),
        fin: Some(header.fin),
        mask: Some(header.mask.is_some()),
        compressed: Some(header.is_compressed()),
        length: Some(header.length),
        ..WebsocketMessage::default()
    }
}

/// Whether what was kept of a text of `length` octets is UTF-8; its end may be cut.
fn is_utf8(kept: &[u8], length: u64) -> bool {
    match std::str::from_utf8(kept) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && (kept.len() as u64) < length,
    }
}

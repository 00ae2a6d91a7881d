//! Modbus over TCP and UDP (MODBUS Application Protocol V1.1b3; Messaging on TCP/IP V1.0b). One
//! transaction per request with its response.
//!
//! Bounds: frames of 260 octets as the specification has them, 32 requests without response (then
//! the oldest is reported as it is). After a loss, the next frame with a known function is found.

mod message;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
    udp,
};
use message::{Frame, Head, Unit};
pub use record::{ModbusMessage, ModbusTransaction};

/// Port of the registry.
const PORT: u16 = 502;
/// Most requests that wait for their responses.
const MAX_PENDING: usize = 32;

crate::anomalies! {
    /// What can be wrong with Modbus.
    pub enum Anomaly {
        /// Another protocol number than 0, or an impossible length.
        InvalidHeader = "invalid_header",
        /// A function that is not defined.
        InvalidFunction = "invalid_function",
        /// A unit that has not the shape of its function.
        MalformedUnit = "malformed_unit",
        /// A quantity that the function does not allow.
        InvalidQuantity = "invalid_quantity",
        /// An exception without a code that is defined.
        InvalidException = "invalid_exception",
        /// A response to no request that was seen.
        UnsolicitedResponse = "unsolicited_response",
        /// A response of another function than its request's.
        FunctionMismatch = "function_mismatch",
        /// A response that repeats other values than were asked for.
        ValueMismatch = "value_mismatch",
        /// Too many requests without response: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

struct Request {
    time: u64,
    record: ModbusTransaction,
}

/// A session.
pub struct Modbus {
    pending: Waiting<(u16, u8), Request>,
    client: Direction,
    /// Per direction: where the next frame begins is to be found.
    lost: [bool; 2],
    /// Requests may have been missed.
    is_blind: bool,
}

impl Protocol for Modbus {
    const INFO: Info = Info {
        name: "modbus",
        id: ProtoId(1320),
        aliases: &["modbus_tcp", "mbap"],
        title: "Modbus over TCP",
        spec: "MODBUS Application Protocol V1.1b3, Messaging on TCP/IP V1.0b",
        over: &[tcp(&[PORT]), udp(&[PORT])],
        patterns: &[Pattern::at(2, &[0, 0])],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: message::MAX_FRAME,
        message: ModbusMessage::fields,
        transaction: ModbusTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let is_reversed = flow.initiator_port == PORT && flow.responder_port != PORT;
        Self {
            pending: Waiting::new(MAX_PENDING),
            client: if is_reversed { Direction::Down } else { Direction::Up },
            lost: [false; 2],
            is_blind: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match message::head(seg.data) {
            Head::Partial(_) if seg.flow.transport == Transport::Tcp => Probe::Unsure,
            Head::Frame(frame, length) if is_likely(seg, &frame, length) => Probe::Certain,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let rest = seg.data.get(used..).unwrap_or_default();
            if self.is_lost(seg.dir) {
                let Some(at) = message::next_frame(rest) else {
                    return Step::used(seg.data.len());
                };
                self.set_lost(seg.dir, false);
                used = used.saturating_add(at);
                continue;
            }
            if rest.is_empty() {
                return Step::used(used);
            }
            match message::head(rest) {
                Head::Frame(frame, length) => {
                    self.frame(&frame, seg, out);
                    used = used.saturating_add(length);
                    out.settled();
                }
                Head::Partial(need) => return Step::need(used, need),
                Head::Bad => {
                    out.anomaly(Anomaly::InvalidHeader);
                    self.set_lost(seg.dir, true);
                    self.is_blind = true;
                    used = used.saturating_add(1);
                }
            }
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.set_lost(dir, true);
        self.is_blind = true;
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop() {
            out.transaction(request.time, request.record);
        }
    }
}

/// Whether a frame is a Modbus one: on its port a known function will do, elsewhere the whole
/// segment must be a request of a shape that other octets do not have.
fn is_likely(seg: &Segment<'_>, frame: &Frame<'_>, length: usize) -> bool {
    let is_request = seg.dir == Direction::Up && seg.flow.initiator_port != PORT;
    if seg.on_port(PORT) {
        return message::function_word(frame.function) != "unknown";
    }
    // Functions without arguments are too short to tell anything.
    let is_told = frame.body.len() >= 3;
    is_request
        && !frame.is_exception
        && is_told
        && message::fits(frame, true)
        && seg.data.len() == length
}

impl Modbus {
    fn is_lost(&self, dir: Direction) -> bool {
        self.lost.get(dir.index()).copied().unwrap_or(false)
    }

    fn set_lost(&mut self, dir: Direction, lost: bool) {
        if let Some(flag) = self.lost.get_mut(dir.index()) {
            *flag = lost;
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let is_request = seg.dir == self.client;
        let unit = self.unit(frame, is_request, out);
        if out.wants_messages() {
            out.message(&record::message(frame, &unit, is_request));
        }
        if !out.wants_transactions() {
            return;
        }
        let key = (frame.transaction, frame.unit);
        if is_request {
            let mut record = ModbusTransaction::of(frame);
            record.asked(&unit);
            let request = Request { time: seg.time, record };
            if let Some(oldest) = self.pending.put(key, request) {
                out.anomaly(Anomaly::TooManyPending);
                out.transaction(oldest.time, oldest.record);
            }
            return;
        }
        let Some(mut request) = self.pending.take(&key) else {
            if !self.is_blind {
                out.anomaly(Anomaly::UnsolicitedResponse);
            }
            let mut record = ModbusTransaction::of(frame);
            record.told(frame, &unit);
            out.transaction(seg.time, record);
            return;
        };
        if request.record.function_code != frame.function {
            out.anomaly(Anomaly::FunctionMismatch);
        } else if differs(&request.record, &unit) {
            out.anomaly(Anomaly::ValueMismatch);
        }
        request.record.told(frame, &unit);
        request.record.response_us = Some(seg.time.saturating_sub(request.time) / 1000);
        out.transaction(request.time, request.record);
    }

    /// What a frame says; what is wrong with it is counted.
    fn unit<'a>(&self, frame: &Frame<'a>, is_request: bool, out: &mut Sink<'_>) -> Unit<'a> {
        if frame.is_exception {
            let code = frame.body.first().copied().unwrap_or(0);
            if is_request || message::exception_word(code) == "unknown" {
                out.anomaly(Anomaly::InvalidException);
            }
            return Unit::default();
        }
        let word = message::function_word(frame.function);
        if !message::is_known(frame.function) {
            if word == "unknown" {
                out.anomaly(Anomaly::InvalidFunction);
            }
            return Unit::default();
        }
        let unit = if is_request { message::request(frame) } else { message::response(frame) };
        let Some(unit) = unit else {
            out.anomaly(Anomaly::MalformedUnit);
            return Unit::default();
        };
        if !message::fits(frame, is_request) {
            out.anomaly(Anomaly::InvalidQuantity);
        }
        unit
    }
}

/// Whether a response repeats something else than its request said, or reads another amount.
fn differs(asked: &ModbusTransaction, told: &Unit<'_>) -> bool {
    let other = |a: Option<u16>, b: Option<u16>| a.zip(b).is_some_and(|(a, b)| a != b);
    let amount = match (asked.function_code, asked.quantity) {
        (1 | 2, Some(q)) => !told.bits.is_empty() && told.bits.len() != usize::from(q.div_ceil(8)),
        (3 | 4 | 23, Some(q)) => !told.values.is_empty() && told.values.len() != usize::from(q),
        _ => false,
    };
    other(asked.address, told.address)
        || asked.function_code != 24 && other(asked.quantity, told.quantity)
        || amount
}

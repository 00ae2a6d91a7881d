//! Calls of one signalling connection, and requests to a gatekeeper that wait for their answers.

use std::collections::VecDeque;

use nf_fields::{Binary, ProtoId, Text};

use super::per::Aliases;
use super::q931::Message;
use super::ras::{Ras, Role};
use super::record::H323Transaction;
use super::{Anomaly, MAX_TEXT};
use crate::waiting::Waiting;
use crate::{Direction, Expectation, Segment, Sink};

/// Most calls of a connection at a time.
const MAX_CALLS: usize = 64;
/// Most requests that wait.
const MAX_PENDING: usize = 64;
/// Media control, which has its own connection.
const H245: ProtoId = ProtoId(1581);
/// Bits per second of a unit of bandwidth.
const BANDWIDTH_UNIT: u64 = 100;

/// A call that goes on.
struct Call {
    /// Who began it, and its number there.
    key: (Direction, u16),
    /// When what is known of it began.
    start: u64,
    /// Its set-up was seen.
    is_whole: bool,
    answered: Option<u64>,
    record: H323Transaction,
}

/// Calls that go on.
#[derive(Default)]
pub(super) struct Calls {
    calls: VecDeque<Call>,
}

fn since(start: u64, time: u64) -> u64 {
    time.saturating_sub(start) / 1000
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

fn fill(slot: &mut Option<Text>, found: Option<&[u8]>) {
    if slot.is_none() {
        *slot = found.map(text);
    }
}

impl Calls {
    pub(super) fn take(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let caller = if message.from_callee { seg.dir.reverse() } else { seg.dir };
        if let Some((address, port)) = message.user.h245 {
            out.expect(Expectation { address, port, proto: H245 });
        }
        // Number 0 is for messages about no call or all calls.
        if !out.wants_transactions() || message.reference == 0 {
            return;
        }
        let key = (caller, message.reference);
        let is_setup = message.kind == "setup";
        let known = self.calls.iter().position(|call| call.key == key);
        let at = match known {
            // The number is used again: the end of the call before was not seen.
            Some(at) if is_setup && self.calls.get(at).is_some_and(|call| call.is_whole) => {
                if let Some(call) = self.calls.remove(at) {
                    report(call, out);
                }
                self.begin(key, seg.time, out)
            }
            Some(at) => at,
            None => self.begin(key, seg.time, out),
        };
        let Some(call) = self.calls.get_mut(at) else { return };
        call.is_whole |= is_setup;
        call.learn(message, seg.time);
        if message.kind == "release_complete" {
            call.release(message, seg.time);
            if let Some(call) = self.calls.remove(at) {
                report(call, out);
            }
        }
    }

    /// A new call; its place.
    fn begin(&mut self, key: (Direction, u16), start: u64, out: &mut Sink<'_>) -> usize {
        if self.calls.len() >= MAX_CALLS
            && let Some(oldest) = self.calls.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            report(oldest, out);
        }
        let record = H323Transaction {
            kind: "call",
            reference: Some(key.1),
            ended: Some("open"),
            ..H323Transaction::default()
        };
        self.calls.push_back(Call { key, start, is_whole: false, answered: None, record });
        self.calls.len().saturating_sub(1)
    }

    pub(super) fn end(&mut self, out: &mut Sink<'_>) {
        self.calls.drain(..).for_each(|call| report(call, out));
    }
}

fn report(call: Call, out: &mut Sink<'_>) {
    out.transaction(call.start, call.record);
}

impl Call {
    fn learn(&mut self, message: &Message<'_>, time: u64) {
        let (record, user) = (&mut self.record, &message.user);
        fill(&mut record.caller_number, message.calling);
        fill(&mut record.callee_number, message.called);
        fill_aliases(&mut record.caller_number, &mut record.caller_name, &user.source);
        fill_aliases(&mut record.callee_number, &mut record.callee_name, &user.destination);
        if record.call_id.is_none() {
            record.call_id = user.call_id.map(|id| Binary::bounded(id, 16));
        }
        if message.from_callee {
            fill(&mut record.callee_product, user.product);
        } else {
            fill(&mut record.caller_product, user.product);
            fill(&mut record.display, message.display);
        }
        if let Some((address, port)) = user.h245 {
            (record.control_ip, record.control_port) = (Some(address), Some(port));
        }
        if !self.is_whole {
            return;
        }
        match message.kind {
            "alerting" if record.ring_us.is_none() => {
                record.ring_us = Some(since(self.start, time));
            }
            "connect" if self.answered.is_none() => {
                self.answered = Some(time);
                record.setup_us = Some(since(self.start, time));
            }
            _ => {}
        }
    }

    fn release(&mut self, message: &Message<'_>, time: u64) {
        let record = &mut self.record;
        record.cause = message.cause;
        record.reason = message.user.reason;
        record.talk_us = self.answered.map(|answered| since(answered, time));
        // Without its set-up nobody knows whether it was answered.
        let answered = self.answered.is_some() || !self.is_whole;
        record.ended = Some(match (answered, message.from_callee) {
            (true, false) => "caller_hung_up",
            (true, true) => "callee_hung_up",
            (false, false) => "cancelled",
            (false, true) => "refused",
        });
    }
}

fn fill_aliases(number: &mut Option<Text>, name: &mut Option<Text>, found: &Aliases) {
    fill(number, found.number.as_deref().map(str::as_bytes));
    fill(name, found.name.as_deref().map(str::as_bytes));
}

/// Requests to a gatekeeper that wait.
pub(super) struct Requests {
    waiting: Waiting<(Direction, u16, &'static str), (u64, H323Transaction)>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { waiting: Waiting::new(MAX_PENDING) }
    }
}

impl Requests {
    pub(super) fn take(&mut self, ras: &Ras<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        match ras.role {
            Role::Request => {
                let mut record =
                    H323Transaction { kind: ras.service, ..H323Transaction::default() };
                learn(&mut record, ras);
                let key = (seg.dir, ras.sequence, ras.service);
                // It is asked again: the answer is to both.
                let first = self.waiting.take(&key).map_or(seg.time, |(time, _)| time);
                if let Some((time, oldest)) = self.waiting.put(key, (first, record)) {
                    out.anomaly(Anomaly::TooManyPending);
                    out.transaction(time, oldest);
                }
            }
            Role::Confirm | Role::Reject => {
                let key = (seg.dir.reverse(), ras.sequence, ras.service);
                let Some((time, mut record)) = self.waiting.take(&key) else {
                    out.anomaly(Anomaly::UnaskedAnswer);
                    return;
                };
                learn(&mut record, ras);
                record.confirmed = Some(ras.role == Role::Confirm);
                record.response_us = Some(since(time, seg.time));
                out.transaction(time, record);
            }
            Role::Notice => {}
        }
    }

    pub(super) fn end(&mut self, out: &mut Sink<'_>) {
        while let Some((time, record)) = self.waiting.pop() {
            out.transaction(time, record);
        }
    }
}

/// What a request or its answer says; the answer counts where both say something.
fn learn(record: &mut H323Transaction, ras: &Ras<'_>) {
    fill_aliases(&mut record.caller_number, &mut record.caller_name, &ras.source);
    fill_aliases(&mut record.callee_number, &mut record.callee_name, &ras.destination);
    fill(&mut record.gatekeeper, ras.gatekeeper.as_deref().map(str::as_bytes));
    fill(&mut record.endpoint, ras.endpoint.as_deref().map(str::as_bytes));
    fill(&mut record.caller_product, ras.product);
    record.reference = record.reference.or(ras.reference);
    record.reason = ras.reason.or(record.reason);
    let bandwidth = ras.bandwidth.map(|units| u64::from(units).saturating_mul(BANDWIDTH_UNIT));
    record.bandwidth_bps = bandwidth.or(record.bandwidth_bps);
    if let Some((address, port)) = ras.signalling {
        (record.signalling_ip, record.signalling_port) = (Some(address), Some(port));
    }
}

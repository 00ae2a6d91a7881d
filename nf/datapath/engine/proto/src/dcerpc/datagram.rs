//! Calls in datagrams (version 4): one activity has one call at a time.

use std::collections::VecDeque;

use nf_fields::{Text, TextRef};

use super::association::{name, version};
use super::message::{self, DATAGRAM_HEADER, Datagram};
use super::record::{DcerpcMessage, DcerpcTransaction};
use super::{Anomaly, interfaces};
use crate::{Segment, Sink};

/// Most calls kept while they wait for their answers.
const MAX_PENDING: usize = 32;
/// More of this call follows.
const FRAGMENT: u8 = 0x04;
/// The last of several datagrams.
const LAST_FRAGMENT: u8 = 0x02;

/// Whether a datagram is one: its lengths must agree.
pub(super) fn is(data: &[u8], cut: bool) -> bool {
    let Some(head) = message::datagram(data) else {
        return false;
    };
    let body = data.len().saturating_sub(DATAGRAM_HEADER);
    let announced = usize::from(head.length);
    // A trailer of authentication may follow the body.
    let fits =
        if cut { body <= announced } else { body.checked_sub(announced).is_some_and(|n| n <= 64) };
    fits && data.len() >= DATAGRAM_HEADER && head.flags & 0x81 == 0 && head.operation < 0x400
}

struct Call {
    activity: [u8; 16],
    sequence: u32,
    time: u64,
    record: DcerpcTransaction,
}

/// Calls that wait for their answers, oldest first.
#[derive(Default)]
pub(super) struct Activities(VecDeque<Call>);

impl Activities {
    pub(super) fn hear(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(head) = message::datagram(seg.data) else {
            out.anomaly(Anomaly::HeaderInvalid);
            return;
        };
        let body = seg.data.len().saturating_sub(DATAGRAM_HEADER);
        if body < usize::from(head.length) && !seg.cut {
            out.anomaly(Anomaly::BodyInvalid);
        }
        if out.wants_messages() {
            tell(&head, out);
        }
        let at =
            self.0.iter().position(|c| c.activity == head.activity && c.sequence == head.sequence);
        match (head.kind, at.and_then(|at| self.0.get_mut(at))) {
            (message::REQUEST, Some(call)) => {
                call.record.request_fragments = call.record.request_fragments.saturating_add(1);
                call.record.request_length =
                    call.record.request_length.saturating_add(head.length.into());
            }
            (message::REQUEST, None) => self.request(&head, seg.time, out),
            (message::RESPONSE, Some(call)) => {
                call.record.response_fragments = call.record.response_fragments.saturating_add(1);
                call.record.response_length =
                    call.record.response_length.saturating_add(head.length.into());
                if head.flags & FRAGMENT == 0 || head.flags & LAST_FRAGMENT != 0 {
                    self.answer(at, &head, None, seg.time, out);
                }
            }
            (message::FAULT | 6, Some(_)) => {
                let body = seg.data.get(DATAGRAM_HEADER..).unwrap_or_default();
                let status = message::Reader::new(body, head.little).u32();
                self.answer(at, &head, status, seg.time, out);
            }
            (message::RESPONSE, None) => out.anomaly(Anomaly::UnaskedAnswer),
            _ => {}
        }
    }

    fn request(&mut self, head: &Datagram, time: u64, out: &mut Sink<'_>) {
        if self.0.len() >= MAX_PENDING
            && let Some(oldest) = self.0.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        let mut record = DcerpcTransaction {
            request: "request".into(),
            call_id: head.sequence,
            rpc_version: "4.0".into(),
            opnum: Some(head.operation),
            request_fragments: 1,
            request_length: head.length.into(),
            ..DcerpcTransaction::default()
        };
        let known = interfaces::name(head.interface.as_bytes());
        name(&mut record, known, &head.interface, &version(head.version), head.operation);
        let (activity, sequence) = (head.activity, head.sequence);
        self.0.push_back(Call { activity, sequence, time, record });
    }

    fn answer(
        &mut self,
        at: Option<usize>,
        head: &Datagram,
        status: Option<u32>,
        time: u64,
        out: &mut Sink<'_>,
    ) {
        if let Some(mut call) = at.and_then(|at| self.0.remove(at)) {
            call.record.response = message::kind_name(head.kind).map(Text::from);
            call.record.fault_status = status;
            call.record.response_us = Some(time.saturating_sub(call.time) / 1000);
            out.transaction(call.time, call.record);
        }
    }

    pub(super) fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(call) = self.0.pop_front() {
            out.transaction(call.time, call.record);
        }
    }
}

fn tell(head: &Datagram, out: &mut Sink<'_>) {
    out.message(&DcerpcMessage {
        version: 4,
        kind: message::kind_name(head.kind),
        packet_type: head.kind,
        flags: head.flags,
        length: u32::from(head.length).saturating_add(DATAGRAM_HEADER as u32),
        call_id: head.sequence,
        opnum: Some(head.operation),
        interface_uuid: Some(TextRef(head.interface.as_bytes())),
        stub_length: Some(head.length.into()),
        ..DcerpcMessage::default()
    });
}

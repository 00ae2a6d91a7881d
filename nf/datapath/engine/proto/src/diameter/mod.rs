//! Diameter over TCP and SCTP (RFC 6733, 8506; 3GPP TS 29.272 and others by name).
//!
//! One transaction per request with its answer, matched by their hop-by-hop identifier. After a
//! loss a message that begins with a segment is found again.
//!
//! Bounds: 64 unanswered requests per session, messages of 64 KiB, 512 attributes of a message,
//! 255 octets of any text.

mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text, TextRef};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, sctp, tcp,
};
use message::{Attribute, HEADER, Header, avp};

/// Most requests kept while they wait for their answers.
/// Diameter's number.
pub(crate) const ID: ProtoId = ProtoId(901);
const MAX_PENDING: usize = 64;
/// Most octets kept of a text.
const MAX_TEXT: usize = 255;
const PORTS: &[u16] = &[3868];
const OVER: &[Over] = &[tcp(PORTS), sctp(PORTS)];

anomalies! {
    /// What can be wrong with it.
    pub enum DiameterAnomaly {
        /// Octets that begin no message.
        MalformedHeader = "malformed_header",
        /// Attributes that do not fill their message.
        MalformedAttribute = "malformed_attribute",
        /// An answer to a request nobody made.
        UnaskedAnswer = "unasked_answer",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct DiameterMessage<'a> {
    /// Version: 1.
    #[field(id = 1)]
    pub version: u8,
    /// Octets of the message.
    #[field(id = 2)]
    pub message_length: u32,
    /// It is a request.
    #[field(id = 3)]
    pub flag_r: u8,
    /// It may be passed on.
    #[field(id = 4)]
    pub flag_p: u8,
    /// It tells an error of the protocol.
    #[field(id = 5)]
    pub flag_e: u8,
    /// It may have been sent before.
    #[field(id = 6)]
    pub flag_t: u8,
    /// What it asks or answers.
    #[field(id = 7)]
    pub command_code: u32,
    /// For which application.
    #[field(id = 8)]
    pub application_id: u32,
    /// Number that ties an answer to its request on this connection.
    #[field(id = 9)]
    pub hop_to_hop_id: u32,
    /// Number that tells whether a request was sent twice.
    #[field(id = 10)]
    pub end_to_end_id: u32,
    /// Session the message is of.
    pub session_id: Option<TextRef<'a>>,
    /// Who sent it first.
    pub origin_host: Option<TextRef<'a>>,
    /// Realm of that.
    pub origin_realm: Option<TextRef<'a>>,
    /// For whom it is.
    pub destination_host: Option<TextRef<'a>>,
    /// Realm of that.
    pub destination_realm: Option<TextRef<'a>>,
    /// User it is about.
    pub user_name: Option<TextRef<'a>>,
    /// Result, by the protocol's or an application's own list.
    pub result_code: Option<u32>,
}

/// A request and its answer.
#[derive(Debug, Default, Fields)]
pub struct DiameterTransaction {
    /// What is asked, such as credit_control; other where the code says more.
    pub command: &'static str,
    /// Its number.
    pub command_code: u32,
    /// For which application, such as s6a.
    pub application: &'static str,
    /// Its number.
    pub application_id: u32,
    /// Session the request is of.
    pub session_id: Option<Text>,
    /// Who asks.
    pub origin_host: Option<Text>,
    /// Realm of that.
    pub origin_realm: Option<Text>,
    /// Who is asked.
    pub destination_host: Option<Text>,
    /// Realm of that.
    pub destination_realm: Option<Text>,
    /// User it is about.
    pub user_name: Option<Text>,
    /// Software that asks.
    pub product_name: Option<Text>,
    /// Credit control: 1 initial, 2 update, 3 termination, 4 event.
    pub request_type: Option<u32>,
    /// Credit control: number of the request in its session.
    pub request_number: Option<u32>,
    /// The request may have been sent before.
    pub retransmitted: bool,
    /// Who answers.
    pub answer_host: Option<Text>,
    /// Realm of that.
    pub answer_realm: Option<Text>,
    /// Result by the protocol's list.
    pub result_code: Option<u32>,
    /// Result by an application's own list.
    pub experimental_result: Option<u32>,
    /// Class of the result.
    pub result: Option<&'static str>,
    /// The answer tells an error of the protocol.
    pub error: Option<bool>,
    /// Words for the error.
    pub error_message: Option<Text>,
    /// Octets of the request.
    pub request_length: Option<u32>,
    /// Octets of the answer.
    pub response_length: Option<u32>,
    /// Time from request to answer.
    pub response_us: Option<u64>,
}

/// Attributes of a message that are reported.
#[derive(Clone, Copy, Debug, Default)]
struct Found<'a> {
    session_id: Option<&'a [u8]>,
    origin_host: Option<&'a [u8]>,
    origin_realm: Option<&'a [u8]>,
    destination_host: Option<&'a [u8]>,
    destination_realm: Option<&'a [u8]>,
    user_name: Option<&'a [u8]>,
    product_name: Option<&'a [u8]>,
    error_message: Option<&'a [u8]>,
    result: Option<u32>,
    experimental: Option<u32>,
    request_type: Option<u32>,
    request_number: Option<u32>,
    flawed: bool,
}

impl<'a> Found<'a> {
    fn of(body: &'a [u8]) -> Self {
        let mut found = Self::default();
        let whole = message::attributes(body, |a| found.add(a));
        found.flawed |= !whole;
        found
    }

    fn add(&mut self, a: Attribute<'a>) {
        if a.vendor.is_some_and(|v| v != 0) {
            return;
        }
        let number = |into: &mut Option<u32>| {
            *into = message::number(a.value);
            into.is_some()
        };
        let sound = match a.code {
            avp::RESULT_CODE => number(&mut self.result),
            avp::REQUEST_TYPE => number(&mut self.request_type),
            avp::REQUEST_NUMBER => number(&mut self.request_number),
            avp::EXPERIMENTAL_RESULT => message::attributes(a.value, |inner| {
                if inner.code == avp::EXPERIMENTAL_CODE {
                    self.experimental = message::number(inner.value);
                }
            }),
            _ => true,
        };
        self.flawed |= !sound;
        let place = match a.code {
            avp::SESSION_ID => &mut self.session_id,
            avp::ORIGIN_HOST => &mut self.origin_host,
            avp::ORIGIN_REALM => &mut self.origin_realm,
            avp::DESTINATION_HOST => &mut self.destination_host,
            avp::DESTINATION_REALM => &mut self.destination_realm,
            avp::USER_NAME => &mut self.user_name,
            avp::PRODUCT_NAME => &mut self.product_name,
            avp::ERROR_MESSAGE => &mut self.error_message,
            _ => return,
        };
        *place = Some(a.value);
    }
}

fn kept(text: Option<&[u8]>) -> Option<Text> {
    text.map(|t| Text::bounded(t, MAX_TEXT))
}

struct Pending {
    hop_by_hop: u32,
    dir: Direction,
    time: u64,
    record: DiameterTransaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Diameter {
    /// Unanswered requests, oldest first.
    pending: VecDeque<Pending>,
    /// Per direction: octets were lost, and the next message must be found.
    lost: [bool; 2],
}

impl Protocol for Diameter {
    const INFO: Info = Info {
        name: "diameter",
        id: ID,
        title: "Diameter",
        spec: "RFC 6733",
        over: OVER,
        ppids: &[46],
        patterns: &[Pattern::start(b"\x01\x00")],
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: message::MAX_MESSAGE,
        message: DiameterMessage::fields,
        transaction: DiameterTransaction::fields,
        anomalies: DiameterAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let stream = seg.flow.transport == Transport::Tcp;
        match message::header(seg.data) {
            Ok(Some(header)) => {
                let length = usize::try_from(header.length).unwrap_or(usize::MAX);
                match seg.data.get(HEADER..length) {
                    // Every message says where it is from.
                    Some(body) => {
                        let found = Found::of(body);
                        let named = found.origin_host.is_some_and(|h| !h.is_empty());
                        if named && !found.flawed { Probe::Certain } else { Probe::No }
                    }
                    None if stream || seg.cut => {
                        let first = seg.data.get(HEADER..).unwrap_or_default();
                        let begins = matches!(first, [0, 0, 1, 7 | 8, 0x40, 0, ..]);
                        match (begins, stream) {
                            (true, _) if seg.cut => Probe::Certain,
                            (true, true) => Probe::Unsure,
                            (false, true) if first.len() < 6 => Probe::Unsure,
                            _ => Probe::No,
                        }
                    }
                    None => Probe::No,
                }
            }
            Ok(None) if stream => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        let stream = seg.flow.transport == Transport::Tcp;
        if let Some(lost) = self.lost.get_mut(seg.dir.index())
            && *lost
        {
            // Only a message that begins with this segment is found again.
            if !matches!(message::header(seg.data), Ok(Some(_))) {
                return Step::all(seg);
            }
            *lost = false;
        }
        match message::header(seg.data) {
            Ok(Some(header)) => {
                let length = usize::try_from(header.length).unwrap_or(usize::MAX);
                match seg.data.get(HEADER..length) {
                    Some(body) => self.message(&header, body, seg, out),
                    None if stream => return Step::need(0, length),
                    None if seg.cut => {}
                    None => out.anomaly(DiameterAnomaly::MalformedHeader),
                }
                Step::used(length)
            }
            Ok(None) if stream => Step::need(0, HEADER),
            Ok(None) if seg.cut => Step::all(seg),
            _ => {
                out.anomaly(DiameterAnomaly::MalformedHeader);
                if let Some(lost) = self.lost.get_mut(seg.dir.index()) {
                    *lost = stream;
                }
                Step::all(seg)
            }
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        if let Some(lost) = self.lost.get_mut(dir.index()) {
            *lost = true;
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop_front() {
            out.transaction(pending.time, pending.record);
        }
    }
}

impl Diameter {
    fn message(&mut self, h: &Header, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !out.wants_messages() && !out.wants_transactions() {
            return;
        }
        let found = Found::of(body);
        if found.flawed {
            out.anomaly(DiameterAnomaly::MalformedAttribute);
        }
        out.message(&seen(h, &found));
        if !out.wants_transactions() {
            return;
        }
        if h.is_request() {
            if self.pending.len() >= MAX_PENDING
                && let Some(oldest) = self.pending.pop_front()
            {
                out.anomaly(DiameterAnomaly::TooManyPending);
                out.transaction(oldest.time, oldest.record);
            }
            let (hop_by_hop, dir, time) = (h.hop_by_hop, seg.dir, seg.time);
            self.pending.push_back(Pending { hop_by_hop, dir, time, record: asked(h, &found) });
            return;
        }
        let asked_by = |p: &Pending| {
            p.hop_by_hop == h.hop_by_hop && p.dir != seg.dir && p.record.command_code == h.command
        };
        let waiting = self.pending.iter().position(asked_by);
        let (time, mut record) = match waiting.and_then(|at| self.pending.remove(at)) {
            Some(mut pending) => {
                pending.record.response_us = Some(seg.time.saturating_sub(pending.time) / 1000);
                (pending.time, pending.record)
            }
            None => {
                out.anomaly(DiameterAnomaly::UnaskedAnswer);
                (seg.time, named(h, &found))
            }
        };
        record.answer_host = kept(found.origin_host);
        record.answer_realm = kept(found.origin_realm);
        record.result_code = found.result;
        record.experimental_result = found.experimental;
        record.result = found.result.or(found.experimental).map(message::result);
        record.error = Some(h.flags & 0x20 != 0);
        record.error_message = kept(found.error_message);
        record.response_length = Some(h.length);
        out.transaction(time, record);
    }
}

fn seen<'a>(h: &Header, found: &Found<'a>) -> DiameterMessage<'a> {
    let bit = |mask: u8| u8::from(h.flags & mask != 0);
    DiameterMessage {
        version: 1,
        message_length: h.length,
        flag_r: bit(0x80),
        flag_p: bit(0x40),
        flag_e: bit(0x20),
        flag_t: bit(0x10),
        command_code: h.command,
        application_id: h.application,
        hop_to_hop_id: h.hop_by_hop,
        end_to_end_id: h.end_to_end,
        session_id: found.session_id.map(TextRef),
        origin_host: found.origin_host.map(TextRef),
        origin_realm: found.origin_realm.map(TextRef),
        destination_host: found.destination_host.map(TextRef),
        destination_realm: found.destination_realm.map(TextRef),
        user_name: found.user_name.map(TextRef),
        result_code: found.result.or(found.experimental),
    }
}

/// What request and answer alike name.
fn named(h: &Header, found: &Found<'_>) -> DiameterTransaction {
    DiameterTransaction {
        command: message::command(h.command),
        command_code: h.command,
        application: message::application(h.application),
        application_id: h.application,
        session_id: kept(found.session_id),
        user_name: kept(found.user_name),
        request_type: found.request_type,
        request_number: found.request_number,
        ..DiameterTransaction::default()
    }
}

fn asked(h: &Header, found: &Found<'_>) -> DiameterTransaction {
    DiameterTransaction {
        origin_host: kept(found.origin_host),
        origin_realm: kept(found.origin_realm),
        destination_host: kept(found.destination_host),
        destination_realm: kept(found.destination_realm),
        product_name: kept(found.product_name),
        retransmitted: h.flags & 0x10 != 0,
        request_length: Some(h.length),
        ..named(h, found)
    }
}

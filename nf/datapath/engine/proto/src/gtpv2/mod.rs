//! GTP control plane of version 2 over UDP (3GPP TS 29.274).
//!
//! One transaction per request with its response, matched by their sequence number. The names of
//! subscribers, access points and tunnels are those of the request, or of the response where only
//! that has them.
//!
//! Bounds: 64 unanswered requests per session, 256 elements of a message, 11 bearers, 100 octets
//! of a text, two messages of a datagram.

mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;

use nf_fields::{Fields, ProtoId, Text};

use crate::{
    Direction, Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, udp,
};
use message::{Elements, Header};

/// Most requests kept while they wait for their responses.
const MAX_PENDING: usize = 64;
/// Most octets kept of a text.
const MAX_TEXT: usize = 100;
const PORT: u16 = 2123;
const OVER: &[Over] = &[udp(&[PORT])];

anomalies! {
    /// What can be wrong with it.
    pub enum Gtpv2Anomaly {
        /// A datagram that is no message, or two of them.
        MalformedMessage = "malformed_message",
        /// Information elements that do not fill their message.
        MalformedElement = "malformed_element",
        /// A response to a request nobody made.
        UnaskedResponse = "unasked_response",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct Gtpv2Message {
    /// Version: 2.
    #[field(id = 1)]
    pub version: u8,
    /// The header has the identifier of a tunnel.
    #[field(id = 2)]
    pub flag_type: u8,
    /// Another message follows in the same datagram.
    #[field(id = 3)]
    pub flag_p: u8,
    /// Kind of the message.
    #[field(id = 4)]
    pub message_type: u8,
    /// Octets behind the first four.
    #[field(id = 5)]
    pub message_length: u16,
    /// Identifier of the receiver's end of the tunnel.
    #[field(id = 6)]
    pub teid: Option<u32>,
    /// Number that ties a response to its request.
    #[field(id = 7)]
    pub sequence_number: u32,
    /// What the kind is called; request and response share the word.
    pub kind: &'static str,
    /// Subscriber it is about.
    pub imsi: Option<Text>,
    /// Access point it is about.
    pub apn: Option<Text>,
    /// Cause, by its number.
    pub cause: Option<u8>,
}

/// A request and its response.
#[derive(Debug, Default, Fields)]
pub struct Gtpv2Transaction {
    /// What is asked, such as create_session.
    pub kind: &'static str,
    /// Number of the request's kind.
    pub message_type: u8,
    /// Number that ties the response to the request.
    pub sequence_number: u32,
    /// Tunnel to which the request was sent.
    pub teid: Option<u32>,
    /// Subscriber.
    pub imsi: Option<Text>,
    /// Telephone number of the subscriber.
    pub msisdn: Option<Text>,
    /// Equipment of the subscriber.
    pub mei: Option<Text>,
    /// Access point.
    pub apn: Option<Text>,
    /// Radio access, such as eutran.
    pub rat: Option<&'static str>,
    /// Country and network that serves the subscriber.
    pub serving_network: Option<Text>,
    /// Kind of address that is asked for or given: 1 IPv4, 2 IPv6, 3 both, 4 none.
    pub pdn_type: Option<u8>,
    /// Address given to the subscriber.
    pub address: Option<IpAddr>,
    /// Bearers it is about.
    pub bearers: Option<Vec<u8>>,
    /// The requester's end of the tunnel for control.
    pub control_teid: Option<u32>,
    /// Its address.
    pub control_address: Option<IpAddr>,
    /// The responder's end of the tunnel for control.
    pub peer_control_teid: Option<u32>,
    /// Its address.
    pub peer_control_address: Option<IpAddr>,
    /// What came of it.
    pub cause: Option<&'static str>,
    /// Number of that.
    pub cause_code: Option<u8>,
    /// Octets of the request.
    pub request_length: Option<u32>,
    /// Octets of the response.
    pub response_length: Option<u32>,
    /// Time from request to response.
    pub response_us: Option<u64>,
}

struct Pending {
    kind: u8,
    sequence: u32,
    dir: Direction,
    time: u64,
    record: Gtpv2Transaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Gtpv2 {
    /// Unanswered requests, oldest first.
    pending: VecDeque<Pending>,
}

impl Protocol for Gtpv2 {
    const INFO: Info = Info {
        name: "gtpv2",
        id: ProtoId(902),
        aliases: &["gtpv2_c"],
        title: "GTP control plane, version 2",
        spec: "3GPP TS 29.274",
        over: OVER,
        patterns: &[
            Pattern::start(b"\x40"),
            Pattern::start(b"\x48"),
            Pattern::start(b"\x4c"),
            Pattern::start(b"\x58"),
            Pattern::start(b"\x5c"),
        ],
        weight: 50,
        timeout: TimeoutClass::Long,
        message: Gtpv2Message::fields,
        transaction: Gtpv2Transaction::fields,
        anomalies: Gtpv2Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let own_port = seg.on_port(PORT);
        let Some((header, at)) = message::header(seg.data) else {
            return Probe::No;
        };
        if seg.cut {
            return if own_port { Probe::Certain } else { Probe::No };
        }
        let Some(body) = seg.data.get(at..header.whole()) else {
            return Probe::No;
        };
        let behind = seg.data.get(header.whole()..).unwrap_or_default();
        let exact = behind.is_empty() || (header.piggybacks() && message::header(behind).is_some());
        let known = message::kind(header.kind) != "other";
        let found = message::elements(body);
        // Elsewhere there must be something in it that can be wrong.
        let filled = own_port || (found.count > 0 && body.len() >= 5);
        if exact && known && filled && !found.flawed { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if !out.wants_messages() && !out.wants_transactions() {
            return Step::all(seg);
        }
        let mut rest = seg.data;
        // One message may ride on another.
        for _ in 0..2 {
            let Some((header, at)) = message::header(rest) else {
                if !seg.cut {
                    out.anomaly(Gtpv2Anomaly::MalformedMessage);
                }
                break;
            };
            let body = rest.get(at..header.whole());
            if body.is_none() && !seg.cut {
                out.anomaly(Gtpv2Anomaly::MalformedMessage);
            }
            let body = body.or_else(|| rest.get(at..)).unwrap_or_default();
            self.message(&header, body, seg, out);
            rest = rest.get(header.whole()..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop_front() {
            out.transaction(pending.time, pending.record);
        }
    }
}

/// Packed digits as text, unless there are none.
fn number(octets: Option<&[u8]>) -> Option<Text> {
    octets.map(message::digits).filter(|d| !d.is_empty()).map(Text::from)
}

fn apn(found: &Elements<'_>) -> Option<Text> {
    let name = found.apn.and_then(message::name)?;
    Some(Text::bounded(&name, MAX_TEXT))
}

impl Gtpv2 {
    fn message(&mut self, h: &Header, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let found = message::elements(body);
        if found.flawed && !seg.cut {
            out.anomaly(Gtpv2Anomaly::MalformedElement);
        }
        out.message(&Gtpv2Message {
            version: 2,
            flag_type: u8::from(h.teid.is_some()),
            flag_p: u8::from(h.piggybacks()),
            message_type: h.kind,
            message_length: h.length,
            teid: h.teid,
            sequence_number: h.sequence,
            kind: message::kind(h.kind),
            imsi: number(found.imsi),
            apn: apn(&found),
            cause: found.cause,
        });
        if !out.wants_transactions() {
            return;
        }
        let length = u32::try_from(h.whole()).ok();
        let Some(asked) = message::answers(h.kind) else {
            self.ask(h, &found, length, seg, out);
            return;
        };
        let asks = |p: &Pending| p.kind == asked && p.sequence == h.sequence && p.dir != seg.dir;
        let waiting = self.pending.iter().position(asks);
        let (time, mut record) = match waiting.and_then(|at| self.pending.remove(at)) {
            Some(mut pending) => {
                pending.record.response_us = Some(seg.time.saturating_sub(pending.time) / 1000);
                (pending.time, pending.record)
            }
            None => {
                out.anomaly(Gtpv2Anomaly::UnaskedResponse);
                (seg.time, begun(asked, h))
            }
        };
        record.merge(&found);
        record.peer_control_teid = found.control.map(|t| t.teid);
        record.peer_control_address = found.control.and_then(|t| t.address);
        record.cause_code = found.cause;
        record.cause = found.cause.map(message::cause);
        record.response_length = length;
        out.transaction(time, record);
    }

    fn ask(
        &mut self,
        h: &Header,
        found: &Elements<'_>,
        length: Option<u32>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut record = begun(h.kind, h);
        record.merge(found);
        record.teid = h.teid;
        record.control_teid = found.control.map(|t| t.teid);
        record.control_address = found.control.and_then(|t| t.address);
        record.request_length = length;
        let again = |p: &Pending| p.kind == h.kind && p.sequence == h.sequence && p.dir == seg.dir;
        if self.pending.iter().any(again) {
            // The same request, sent again because no response came in time.
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(Gtpv2Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        let (kind, sequence, dir, time) = (h.kind, h.sequence, seg.dir, seg.time);
        self.pending.push_back(Pending { kind, sequence, dir, time, record });
    }
}

fn begun(kind: u8, h: &Header) -> Gtpv2Transaction {
    Gtpv2Transaction {
        kind: message::kind(kind),
        message_type: kind,
        sequence_number: h.sequence,
        ..Gtpv2Transaction::default()
    }
}

impl Gtpv2Transaction {
    /// Adds what either message may name.
    fn merge(&mut self, found: &Elements<'_>) {
        self.imsi = self.imsi.take().or(number(found.imsi));
        // The number of a subscriber is plain digits, country first.
        self.msisdn = self.msisdn.take().or(number(found.msisdn));
        self.mei = self.mei.take().or(number(found.mei));
        self.apn = self.apn.take().or(apn(found));
        self.rat = self.rat.or(found.rat.map(message::access));
        let network = found.network.map(|n| Text::from(message::network(n)));
        self.serving_network = self.serving_network.take().or(network);
        self.pdn_type = found.pdn_type.or(self.pdn_type);
        self.address = found.address.or(self.address);
        if !found.bearers.is_empty() {
            self.bearers = Some(found.bearers.clone());
        }
    }
}

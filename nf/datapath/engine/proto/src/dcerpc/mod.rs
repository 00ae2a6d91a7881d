//! DCE/RPC 1.1 (C706, MS-RPCE): connections (version 5) on TCP, datagrams (version 4) on UDP, and,
//! read by SMB, the same PDUs in its pipes. One transaction per bind and per call with its answer;
//! ports that the endpoint mapper gives out are announced to the engine.
//!
//! Bounds: 8 KiB of a fragment are read and the rest is counted; 64 calls without answer, 64 bound
//! contexts, 32 contexts of one bind.

mod association;
mod datagram;
mod interfaces;
mod message;
mod record;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Fields, ProtoId, TextRef};
use nf_wire::Transport;

use crate::{
    Direction, Expectation, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, tcp, udp, within,
};
pub(crate) use association::Association;
pub(crate) use message::{HEADER, Head, head};
pub use record::{DcerpcInterface, DcerpcMessage, DcerpcTransaction};

/// The endpoint mapper's port.
const PORT: u16 = 135;
/// Octets of a fragment that are read.
const WINDOW: usize = 8 * 1024;
/// MMT's number.
const ID: ProtoId = ProtoId(78);

crate::anomalies! {
    /// What can be wrong with DCE/RPC.
    pub enum Anomaly {
        /// Octets where a PDU should begin are none.
        HeaderInvalid = "header_invalid",
        /// The body of a PDU contradicts its header.
        BodyInvalid = "body_invalid",
        /// An answer to no call that was seen.
        UnaskedAnswer = "unasked_answer",
        /// Too many calls without answer: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// The state of one session.
pub struct Dcerpc {
    association: Association,
    datagrams: datagram::Activities,
    /// Octets of the current fragment yet to come.
    skip: [u64; 2],
    /// Octets were lost: the next header is looked for.
    lost: [bool; 2],
    /// Answers to calls before the first octet seen are to be expected.
    unasked: bool,
}

impl Protocol for Dcerpc {
    const INFO: Info = Info {
        name: "dcerpc",
        id: ID,
        aliases: &["dce_rpc", "msrpc"],
        title: "Distributed Computing Environment, remote procedure calls",
        spec: "C706 (DCE 1.1: Remote Procedure Call), MS-RPCE",
        over: &[tcp(&[PORT]), udp(&[PORT]), within("smb")],
        patterns: &[
            Pattern::start(b"\x05\x00"),
            Pattern::start(b"\x05\x01"),
            Pattern::start(b"\x04"),
        ],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 2 * WINDOW,
        message: DcerpcMessage::fields,
        transaction: DcerpcTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            association: Association::default(),
            datagrams: datagram::Activities::default(),
            skip: [0; 2],
            lost: [false; 2],
            unasked: true,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if seg.flow.transport != Transport::Tcp {
            return if datagram::is(seg.data, seg.cut) { Probe::Certain } else { Probe::No };
        }
        if seg.data.len() < HEADER {
            return if may_begin(seg.data) { Probe::Unsure } else { Probe::No };
        }
        let Some(head) = head(seg.data) else {
            return Probe::No;
        };
        let whole = seg.data.len() >= usize::from(head.length);
        let body = seg.data.get(HEADER..).unwrap_or_default();
        match head.kind {
            message::BIND | message::ALTER => match message::contexts(&head, body) {
                Some(found) if found.iter().any(|c| c.known_syntax) => Probe::Certain,
                // Only the port tells a bind with syntaxes of its own.
                Some(_) if seg.on_port(PORT) => Probe::Certain,
                None if !whole => Probe::Unsure,
                _ => Probe::No,
            },
            // What goes by in the middle of a connection: the label of the data alone is four
            // octets that must be right.
            _ if usize::from(head.length) < HEADER + 8 || head.flags & 0x08 != 0 => Probe::No,
            _ => Probe::Certain,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport != Transport::Tcp {
            self.datagrams.hear(seg, out);
            out.settled();
            return Step::all(seg);
        }
        let skipped = self.skipped(seg);
        let data = seg.data.get(skipped..).unwrap_or_default();
        if data.len() < HEADER {
            return Step::need(skipped, HEADER);
        }
        let Some(head) = head(data) else {
            return self.find(seg, skipped, data, out);
        };
        self.set_lost(seg.dir, false);
        let length = usize::from(head.length);
        let window = length.min(WINDOW);
        let Some(pdu) = data.get(..window) else {
            return Step::need(skipped, window);
        };
        self.pdu(&head, pdu, seg, out);
        self.set_skip(seg.dir, length.saturating_sub(window) as u64);
        Step::used(skipped.saturating_add(window))
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.unasked = true;
        match self.skip.get_mut(dir.index()) {
            Some(skip) if *skip >= lost => *skip = skip.saturating_sub(lost),
            Some(skip) => {
                *skip = 0;
                self.set_lost(dir, true);
            }
            None => {}
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for (start, record) in self.association.give_up() {
            out.transaction(start, record);
        }
        self.datagrams.end(out);
    }
}

fn may_begin(data: &[u8]) -> bool {
    let [first, rest @ ..] = data else {
        return true;
    };
    let minor = rest.first().is_none_or(|&m| m <= 1);
    let kind = rest.get(1).is_none_or(|&k| k <= 19);
    *first == 5 && minor && kind
}

impl Dcerpc {
    /// Octets at the front that belong to a fragment already read.
    fn skipped(&mut self, seg: &Segment<'_>) -> usize {
        let Some(skip) = self.skip.get_mut(seg.dir.index()) else {
            return 0;
        };
        let now = (seg.data.len() as u64).min(*skip);
        *skip = skip.saturating_sub(now);
        usize::try_from(now).unwrap_or(usize::MAX)
    }

    fn set_skip(&mut self, dir: Direction, skip: u64) {
        if let Some(place) = self.skip.get_mut(dir.index()) {
            *place = skip;
        }
    }

    fn set_lost(&mut self, dir: Direction, lost: bool) {
        if let Some(place) = self.lost.get_mut(dir.index()) {
            *place = lost;
        }
    }

    /// Looks for the next PDU where there is none: its first octet is a 5.
    fn find(&mut self, seg: &Segment<'_>, skipped: usize, data: &[u8], out: &mut Sink<'_>) -> Step {
        if !self.lost.get(seg.dir.index()).copied().unwrap_or(true) {
            out.anomaly(Anomaly::HeaderInvalid);
            self.set_lost(seg.dir, true);
        }
        let ahead = data.get(1..).unwrap_or_default();
        let next = memchr::memchr(5, ahead).map_or(data.len(), |at| at.saturating_add(1));
        Step::used(skipped.saturating_add(next))
    }

    fn pdu(&mut self, head: &Head, pdu: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        if out.wants_messages() {
            tell(head, pdu, out);
        }
        let said = self.association.hear(head, pdu, seg.time);
        if !self.association.maps_endpoints() {
            out.settled();
        }
        if said.malformed {
            out.anomaly(Anomaly::BodyInvalid);
        }
        if said.overflow {
            out.anomaly(Anomaly::TooManyPending);
        }
        if said.unasked && !std::mem::replace(&mut self.unasked, true) {
            out.anomaly(Anomaly::UnaskedAnswer);
        }
        if !said.finished.is_empty() {
            self.unasked = false;
        }
        for (address, port) in said.endpoints {
            // An address that says nothing means the server itself.
            let address = match address {
                [0, 0, 0, 0] => seg.flow.responder,
                [a, b, c, d] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            };
            if port != 0 {
                out.expect(Expectation { address, port, proto: ID });
            }
        }
        for (start, record) in said.finished {
            out.transaction(start, record);
        }
    }
}

fn tell(head: &Head, pdu: &[u8], out: &mut Sink<'_>) {
    let (body, _) = message::split(head, pdu);
    let mut told = DcerpcMessage {
        version: 5,
        minor_version: Some(head.minor),
        kind: message::kind_name(head.kind),
        packet_type: head.kind,
        flags: head.flags,
        length: head.length.into(),
        call_id: head.call,
        ..DcerpcMessage::default()
    };
    let length = |stub: &[u8]| u32::try_from(stub.len()).ok();
    let mut uuid = None;
    match head.kind {
        message::REQUEST => {
            if let Some((context, operation, stub)) = message::request(head, body) {
                told.context_id = Some(context);
                told.opnum = Some(operation);
                told.stub_length = length(stub);
            }
        }
        message::RESPONSE => {
            if let Some((context, stub)) = message::response(head, body) {
                told.context_id = Some(context);
                told.stub_length = length(stub);
            }
        }
        message::FAULT => told.fault_status = message::fault(head, body),
        message::BIND | message::ALTER => {
            uuid = message::contexts(head, body).and_then(|c| c.into_iter().next());
        }
        _ => {}
    }
    told.interface_uuid = uuid.as_ref().map(|c| TextRef(c.uuid.as_bytes()));
    out.message(&told);
}

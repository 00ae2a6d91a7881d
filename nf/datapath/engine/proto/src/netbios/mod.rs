//! NetBIOS over TCP and UDP (RFC 1001, RFC 1002): names on port 137, datagrams on 138, and the
//! set-up of sessions on 139, which are then handed to SMB. One transaction per question with its
//! answer, per datagram, and per session set up; browser announcements are read.
//!
//! Bounds: 16 questions without answer, 16 records of a message, 64 names of a status.

mod message;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;

use nf_fields::{Fields, ProtoId, Text, TextRef};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, smb, tcp, udp,
};
use message::{Datagram, NameMessage};
pub use record::{NetbiosMessage, NetbiosName, NetbiosTransaction};

const NAME_PORT: u16 = 137;
const DATAGRAM_PORT: u16 = 138;
const SESSION_PORT: u16 = 139;
/// Most questions kept while they wait for their answers.
const MAX_PENDING: usize = 16;
/// Octets of a session's header.
const HEADER: usize = 4;
/// Longest content of a message that sets a session up.
const MAX_SET_UP: usize = 1024;

crate::anomalies! {
    /// What can be wrong with NetBIOS.
    pub enum Anomaly {
        /// Octets that are no message where one should be.
        MessageInvalid = "message_invalid",
        /// An answer that refuses a name: somebody else has it.
        NameConflict = "name_conflict",
        /// Too many questions without answer: the oldest was given up.
        TooManyPending = "too_many_pending",
        /// A session was refused.
        SessionRefused = "session_refused",
    }
}

struct Question {
    time: u64,
    record: NetbiosTransaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Netbios {
    pending: VecDeque<Question>,
}

impl Protocol for Netbios {
    const INFO: Info = Info {
        name: "netbios",
        id: ProtoId(241),
        aliases: &["nbns", "nbdgm", "nbss"],
        title: "NetBIOS over TCP and UDP: names, datagrams, sessions",
        spec: "RFC 1001, RFC 1002",
        over: &[udp(&[NAME_PORT, DATAGRAM_PORT]), tcp(&[SESSION_PORT])],
        // A name of 32 letters stands at these offsets; of a question, a datagram, a session.
        patterns: PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Default,
        max_pending: 2 * MAX_SET_UP,
        message: NetbiosMessage::fields,
        transaction: NetbiosTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if seg.flow.transport == Transport::Tcp {
            return set_up(seg.data);
        }
        let found = message::name_message(seg.data).is_some()
            || message::datagram(seg.data, seg.cut).is_some_and(|d| {
                // An error names nobody: only the port tells it.
                d.target.is_some() || seg.on_port(DATAGRAM_PORT)
            });
        if found { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport == Transport::Tcp {
            return self.session(seg, out);
        }
        if (seg.on_port(DATAGRAM_PORT) || !seg.on_port(NAME_PORT))
            && let Some(datagram) = message::datagram(seg.data, seg.cut)
        {
            datagram_seen(&datagram, seg, out);
            out.settled();
            return Step::all(seg);
        }
        match message::name_message(seg.data) {
            Some(message) => self.names(&message, seg, out),
            None if seg.cut => {}
            None => out.anomaly(Anomaly::MessageInvalid),
        }
        out.settled();
        Step::all(seg)
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        Gap::GiveUp
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(question) = self.pending.pop_front() {
            out.transaction(question.time, question.record);
        }
    }
}

const PATTERNS: &[crate::Pattern] = &[
    crate::Pattern::at(12, b"\x20"),
    crate::Pattern::at(14, b"\x20"),
    crate::Pattern::at(10, b"\x20"),
    crate::Pattern::start(b"\x13"),
    crate::Pattern::start(b"\x81\x00"),
];

/// Whether a stream begins with a request for a session: two names of 32 letters.
fn set_up(data: &[u8]) -> Probe {
    let Some((&[kind, flags, high, low], content)) = data.split_first_chunk::<HEADER>() else {
        return if b"\x81\0\0".starts_with(data) { Probe::Unsure } else { Probe::No };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if kind != 0x81 || flags != 0 || !(68..=MAX_SET_UP).contains(&length) {
        return Probe::No;
    }
    match content.get(..length) {
        Some(content) if message::session_request(content).is_some() => Probe::Certain,
        None if content.first().is_none_or(|&o| o == 32) => Probe::Unsure,
        _ => Probe::No,
    }
}

fn operation(message: &NameMessage) -> &'static str {
    match message.opcode {
        0 if message.kind == 0x21 => "status",
        0 => "query",
        5 => "registration",
        6 => "release",
        7 => "wack",
        15 => "multi_homed_registration",
        _ => "refresh",
    }
}

impl Netbios {
    fn names(&mut self, message: &NameMessage, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let operation = operation(message);
        if out.wants_messages() {
            out.message(&NetbiosMessage {
                service: "name",
                operation,
                is_response: message.response,
                transaction_id: Some(message.id),
                name: Some(TextRef(message.name.name.as_bytes())),
                code: message.response.then_some(message.code),
                ..NetbiosMessage::default()
            });
        }
        // An answer by which a name is refused, or given up to somebody else.
        if message.response && matches!(message.code, 6 | 7) {
            out.anomaly(Anomaly::NameConflict);
        }
        if !out.wants_transactions() {
            return;
        }
        if message.response {
            self.answer(message, operation, seg, out);
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        // What is registered, refreshed or released carries its addresses with it.
        let mut record = record(message, operation);
        if !message.addresses.is_empty() {
            record.addresses = Some(message.addresses.clone());
            record.group = Some(message.group);
            record.lifetime_s = message.lifetime;
        }
        self.pending.push_back(Question { time: seg.time, record });
    }

    fn answer(
        &mut self,
        message: &NameMessage,
        operation: &'static str,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let id = Some(message.id);
        let at = self.pending.iter().position(|q| q.record.transaction_id == id);
        let (start, mut record) = match at.and_then(|at| self.pending.remove(at)) {
            Some(question) => (question.time, question.record),
            // Questions to all are answered in a session of their own.
            None => (seg.time, record(message, operation)),
        };
        record.code = Some(message.code);
        if !message.addresses.is_empty() {
            record.addresses = Some(message.addresses.clone());
            record.group = Some(message.group);
        }
        record.lifetime_s = message.lifetime;
        record.mac = message.mac.and_then(message::mac);
        if !message.status.is_empty() {
            let names = message.status.iter().map(|listed| NetbiosName {
                name: listed.name.name.clone(),
                suffix: listed.name.suffix,
                service: message::service(listed.name.suffix, listed.group),
                group: listed.group,
            });
            record.names = Some(names.collect());
        }
        if at.is_some() {
            record.response_us = Some(seg.time.saturating_sub(start) / 1000);
        }
        out.transaction(start, record);
    }

    /// The set-up of a session, after which it is SMB's.
    fn session(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let Some((&[kind, flags, high, low], content)) = seg.data.split_first_chunk::<HEADER>()
        else {
            return Step::need(0, HEADER);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // A message proper: what was asked for was given, even where that was not seen.
        if kind == 0 {
            self.end(out);
            return Step::handover(0, Some(smb::ID));
        }
        if !(0x81..=0x85).contains(&kind) || flags != 0 || length > MAX_SET_UP {
            out.anomaly(Anomaly::MessageInvalid);
            return Step::done();
        }
        let whole = length.saturating_add(HEADER);
        let Some(content) = content.get(..length) else {
            return Step::need(0, whole);
        };
        match kind {
            0x81 => self.request(content, seg, out),
            0x82 => {
                self.answered(None, seg.time, out);
                return Step::handover(whole, Some(smb::ID));
            }
            0x83 => {
                out.anomaly(Anomaly::SessionRefused);
                self.answered(content.first().copied(), seg.time, out);
            }
            // Elsewhere the session is to be had, or it is kept alive.
            _ => {}
        }
        Step::used(whole)
    }

    fn request(&mut self, content: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some((called, calling)) = message::session_request(content) else {
            out.anomaly(Anomaly::MessageInvalid);
            return;
        };
        out.message(&NetbiosMessage {
            service: "session",
            operation: "session_request",
            name: Some(TextRef(called.name.as_bytes())),
            source_name: Some(TextRef(calling.name.as_bytes())),
            ..NetbiosMessage::default()
        });
        let generic = called.name.as_bytes() == b"*SMBSERVER";
        if !generic && !called.name.is_empty() {
            out.server_name(crate::NameSource::Host, called.name.as_bytes());
        }
        if self.pending.len() < MAX_PENDING {
            let record = NetbiosTransaction {
                service: "session",
                operation: "session_request",
                name_service: Some(message::service(called.suffix, false)),
                name: Some(called.name),
                suffix: Some(called.suffix),
                source_name: Some(calling.name),
                ..NetbiosTransaction::default()
            };
            self.pending.push_back(Question { time: seg.time, record });
        }
    }

    fn answered(&mut self, refusal: Option<u8>, time: u64, out: &mut Sink<'_>) {
        if let Some(mut question) = self.pending.pop_front() {
            question.record.accepted = Some(refusal.is_none());
            question.record.code = refusal;
            question.record.response_us = Some(time.saturating_sub(question.time) / 1000);
            out.transaction(question.time, question.record);
        }
    }
}

fn record(message: &NameMessage, operation: &'static str) -> NetbiosTransaction {
    NetbiosTransaction {
        service: "name",
        operation,
        transaction_id: Some(message.id),
        name: Some(message.name.name.clone()),
        suffix: Some(message.name.suffix),
        name_service: Some(message::service(message.name.suffix, message.group)),
        broadcast: Some(message.broadcast),
        ..NetbiosTransaction::default()
    }
}

fn datagram_seen(datagram: &Datagram<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
    let operation = match datagram.kind {
        0x10 => "unique",
        0x11 => "group",
        0x12 => "broadcast",
        0x13 => "error",
        0x14 => "query_request",
        0x15 => "positive_query_response",
        _ => "negative_query_response",
    };
    let target = datagram.target.as_ref();
    if out.wants_messages() {
        out.message(&NetbiosMessage {
            service: "datagram",
            operation,
            transaction_id: Some(datagram.id),
            name: target.map(|n| TextRef(n.name.as_bytes())),
            source_name: datagram.source.as_ref().map(|n| TextRef(n.name.as_bytes())),
            code: datagram.error,
            ..NetbiosMessage::default()
        });
    }
    if datagram.content.starts_with(b"\xffSMB") {
        out.inside(smb::ID);
    }
    if !out.wants_transactions() {
        return;
    }
    let slot = message::mailslot(datagram.content);
    let browser = slot
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"\\MAILSLOT\\BROWSE"))
        .and_then(|(_, data)| message::browser(data));
    let mut record = NetbiosTransaction {
        service: "datagram",
        operation,
        transaction_id: Some(datagram.id),
        name: target.map(|n| n.name.clone()),
        suffix: target.map(|n| n.suffix),
        name_service: target.map(|n| message::service(n.suffix, datagram.kind != 0x10)),
        source_name: datagram.source.as_ref().map(|n| n.name.clone()),
        code: datagram.error,
        mailslot: slot.map(|(name, _)| Text::bounded(name, 256)),
        length: u32::try_from(datagram.content.len()).ok(),
        ..NetbiosTransaction::default()
    };
    if let IpAddr::V4(address) = seg.flow.responder {
        // Mostly it goes to all of the sender's network. Its mask is not told, but in a network of
        // 256 and more addresses no host ends in 255, and what is for one host goes to its own.
        let directed = address.octets().last() == Some(&255) && datagram.kind != 0x10;
        let limited = address.is_broadcast() || datagram.kind == 0x12;
        record.broadcast = Some(limited || directed);
    }
    if let Some(browser) = browser {
        record.browser_command = Some(browser.command);
        record.announced = browser.server;
        record.announced_version = browser.version;
        record.announced_roles = browser.roles;
        record.remark = browser.remark.filter(|r| !r.is_empty());
    }
    out.transaction(seg.time, record);
}

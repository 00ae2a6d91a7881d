//! EtherNet/IP encapsulation (CIP Networks Library, volume 2) over TCP and UDP, and the explicit
//! messages of CIP inside. One transaction per command with its answer, and in CIP's name one per
//! request of that with its response; the path is `enip.cip`.
//!
//! Bounds: messages of 64 KiB, 32 commands and 32 requests without answer. What is no header ends
//! the session; after a loss it is looked for anew.

mod message;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use nf_fields::{Fields, ProtoId, Text};
use nf_wire::Transport;

use crate::cip::{self, CipTransaction};
use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
    udp,
};
use message::{Header, command};

/// Port of the registry.
const PORT: u16 = 44_818;
/// Most commands, and requests inside, that wait for their answers.
const MAX_PENDING: usize = 32;
/// Most octets of a name kept.
const MAX_NAME: usize = 64;

crate::anomalies! {
    /// What can be wrong with EtherNet/IP.
    pub enum Anomaly {
        /// Octets that are no header; the next one is looked for.
        InvalidHeader = "invalid_header",
        /// Items that do not fill their message.
        MalformedItems = "malformed_items",
        /// An answer that tells an error.
        CommandFailed = "command_failed",
        /// Too many commands without answer: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct EnipMessage {
    /// Command.
    pub command_code: u16,
    /// Name of the command.
    pub command: &'static str,
    /// Octets that follow the header.
    pub length: u16,
    /// Session.
    pub session_handle: u32,
    /// Status.
    pub status_code: u32,
    /// Whether the client sent it.
    pub request: bool,
}

/// A command and its answer; either may be missing.
#[derive(Debug, Default, Fields)]
pub struct EnipTransaction {
    /// Command.
    pub command_code: u16,
    /// Name of the command.
    pub command: &'static str,
    /// Session: the answer's, or the command's where there is none.
    pub session_handle: u32,
    /// Status of the answer.
    pub status_code: Option<u32>,
    /// Name of that.
    pub status: Option<&'static str>,
    /// The target's own address.
    pub device_address: Option<Ipv4Addr>,
    /// Number of its maker.
    pub vendor_id: Option<u16>,
    /// Kind of device.
    pub device_type: Option<u16>,
    /// Number of the product.
    pub product_code: Option<u16>,
    /// Revision.
    pub revision: Option<Text>,
    /// Serial number.
    pub serial_number: Option<u32>,
    /// Name of the product.
    pub product_name: Option<Text>,
    /// State of the device.
    pub device_state: Option<u8>,
    /// Octets of the command behind its header.
    pub request_length: Option<u16>,
    /// Octets of the answer behind its header.
    pub response_length: Option<u16>,
    /// Time from command to answer.
    pub response_us: Option<u64>,
}

/// What an answer is found by.
type Key = (u16, [u8; 8], Option<u16>);

struct Asked<R> {
    time: u64,
    record: R,
}

/// A session.
pub struct Enip {
    commands: Waiting<Key, Asked<EnipTransaction>>,
    requests: Waiting<Key, Asked<CipTransaction>>,
    client: Direction,
    lost: [bool; 2],
}

impl Protocol for Enip {
    const INFO: Info = Info {
        name: "enip",
        id: ProtoId(1324),
        aliases: &["ethernet_ip", "ethernetip"],
        title: "EtherNet/IP",
        spec: "CIP Networks Library, volume 2",
        over: &[tcp(&[PORT]), udp(&[PORT])],
        patterns: &[
            Pattern::start(&[0x04, 0]),
            Pattern::start(&[0x63, 0]),
            Pattern::start(&[0x64, 0]),
            Pattern::start(&[0x65, 0]),
            Pattern::start(&[0x6f, 0]),
            Pattern::start(&[0x70, 0]),
        ],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 66 * 1024,
        message: EnipMessage::fields,
        transaction: EnipTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[cip::ID],
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let is_reversed = flow.initiator_port == PORT && flow.responder_port != PORT;
        Self {
            commands: Waiting::new(MAX_PENDING),
            requests: Waiting::new(MAX_PENDING),
            client: if is_reversed { Direction::Down } else { Direction::Up },
            lost: [false; 2],
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let is_stream = seg.flow.transport == Transport::Tcp;
        let Some(header) = message::header(seg.data) else {
            return if is_stream { Probe::Unsure } else { Probe::No };
        };
        let is_known = message::command_word(header.command) != "unknown"
            && message::status_word(header.status) != "unknown"
            && header.options == 0;
        if !is_known || (!is_stream && seg.data.len() != header.whole()) {
            return Probe::No;
        }
        let Some(body) = seg.data.get(message::HEADER..header.whole()) else {
            return if header.length < 2048 { Probe::Unsure } else { Probe::No };
        };
        let fits = match header.command {
            command::REGISTER_SESSION => body == [1, 0, 0, 0],
            command::LIST_IDENTITY => body.is_empty() || message::identity(body).is_some(),
            command::LIST_SERVICES | command::LIST_INTERFACES => {
                // What follows an answer is a number of items, each with kind and length.
                body.is_empty() && header.status == 0 || seg.on_port(PORT)
            }
            command::SEND_RR_DATA | command::SEND_UNIT_DATA => {
                body.starts_with(&[0; 4]) && message::items(body).is_some()
            }
            _ => false,
        };
        if fits { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let rest = seg.data.get(used..).unwrap_or_default();
            if rest.is_empty() {
                return Step::used(used);
            }
            if self.is_lost(seg.dir) {
                let Some(at) = next_header(rest) else { return Step::used(seg.data.len()) };
                self.set_lost(seg.dir, false);
                used = used.saturating_add(at);
                continue;
            }
            let Some(header) = message::header(rest) else {
                return Step::need(used, message::HEADER);
            };
            if message::command_word(header.command) == "unknown" || header.options != 0 {
                out.anomaly(Anomaly::InvalidHeader);
                self.set_lost(seg.dir, true);
                used = used.saturating_add(1);
                continue;
            }
            let Some(body) = rest.get(message::HEADER..header.whole()) else {
                return Step::need(used, header.whole());
            };
            self.message(&header, body, seg, out);
            used = used.saturating_add(header.whole());
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.set_lost(dir, true);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(asked) = self.commands.pop() {
            out.transaction(asked.time, asked.record);
        }
        let mut out = out.of(cip::ID);
        while let Some(asked) = self.requests.pop() {
            out.transaction(asked.time, asked.record);
        }
    }
}

/// The place of the first octets that are a header with a known command.
fn next_header(data: &[u8]) -> Option<usize> {
    (0..data.len()).find(|&at| {
        let header = message::header(data.get(at..).unwrap_or_default());
        header.is_some_and(|h| {
            h.command != 0
                && message::command_word(h.command) != "unknown"
                && message::status_word(h.status) != "unknown"
                && h.options == 0
        })
    })
}

impl Enip {
    fn is_lost(&self, dir: Direction) -> bool {
        self.lost.get(dir.index()).copied().unwrap_or(false)
    }

    fn set_lost(&mut self, dir: Direction, lost: bool) {
        if let Some(flag) = self.lost.get_mut(dir.index()) {
            *flag = lost;
        }
    }

    fn message(&mut self, header: &Header, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let is_request = self.is_request(header, seg);
        if out.wants_messages() {
            out.message(&EnipMessage {
                command_code: header.command,
                command: message::command_word(header.command),
                length: header.length,
                session_handle: header.session,
                status_code: header.status,
                request: is_request,
            });
        }
        let mut sequence = None;
        if matches!(header.command, command::SEND_RR_DATA | command::SEND_UNIT_DATA) {
            match message::items(body) {
                Some(items) => {
                    sequence = items.sequence;
                    if let Some(octets) = items.message {
                        out.inside(cip::ID);
                        let key = (header.command, header.context, sequence);
                        self.explicit(octets, key, items.connection, seg, out);
                        out.settled();
                    }
                }
                None if header.status == 0 => out.anomaly(Anomaly::MalformedItems),
                None => {}
            }
        } else if header.command != command::REGISTER_SESSION {
            out.settled();
        }
        if !is_request && header.status != 0 {
            out.anomaly(Anomaly::CommandFailed);
        }
        if out.wants_transactions() {
            self.command(header, body, is_request, sequence, seg, out);
        }
    }

    fn is_request(&self, header: &Header, seg: &Segment<'_>) -> bool {
        match header.command {
            command::LIST_IDENTITY | command::LIST_INTERFACES | command::LIST_SERVICES => {
                header.length == 0 && header.status == 0
            }
            _ => seg.dir == self.client,
        }
    }

    fn command(
        &mut self,
        header: &Header,
        body: &[u8],
        is_request: bool,
        sequence: Option<u16>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let key = (header.command, header.context, sequence);
        let mut record = EnipTransaction {
            command_code: header.command,
            command: message::command_word(header.command),
            session_handle: header.session,
            ..EnipTransaction::default()
        };
        if is_request {
            record.request_length = Some(header.length);
            let asked = Asked { time: seg.time, record };
            // These are never answered.
            if matches!(header.command, 0 | command::UNREGISTER_SESSION) {
                out.transaction(asked.time, asked.record);
            } else if let Some(oldest) = self.commands.put(key, asked) {
                out.anomaly(Anomaly::TooManyPending);
                out.transaction(oldest.time, oldest.record);
            }
            return;
        }
        let mut time = seg.time;
        if let Some(asked) = self.commands.take(&key) {
            record.request_length = asked.record.request_length;
            record.response_us = Some(seg.time.saturating_sub(asked.time) / 1000);
            time = asked.time;
        }
        record.response_length = Some(header.length);
        record.status_code = Some(header.status);
        record.status = Some(message::status_word(header.status));
        if header.command == command::LIST_IDENTITY
            && let Some(who) = message::identity(body)
        {
            let [major, minor] = who.revision;
            record.device_address = Some(who.address);
            record.vendor_id = Some(who.vendor);
            record.device_type = Some(who.device_type);
            record.product_code = Some(who.product_code);
            record.revision = Some(Text::from(format!("{major}.{minor}")));
            record.serial_number = Some(who.serial);
            record.product_name = Some(Text::bounded(who.name, MAX_NAME));
            record.device_state = who.state;
        }
        out.transaction(time, record);
    }

    /// A message of CIP.
    fn explicit(
        &mut self,
        octets: &[u8],
        key: Key,
        connection: Option<u32>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut out = out.of(cip::ID);
        let Some(message) = cip::message::parse(octets) else {
            out.anomaly(cip::Anomaly::MalformedMessage);
            return;
        };
        if out.wants_messages() {
            out.message(&cip::seen(&message, connection));
        }
        if !out.wants_transactions() {
            return;
        }
        if !message.is_response {
            let record = CipTransaction::of(&message, connection);
            if let Some(oldest) = self.requests.put(key, Asked { time: seg.time, record }) {
                out.transaction(oldest.time, oldest.record);
            }
            return;
        }
        let asked = self.requests.take(&key);
        let is_answered = asked.is_some();
        let mut asked = asked.unwrap_or_else(|| Asked {
            time: seg.time,
            record: CipTransaction::of(&message, connection),
        });
        asked.record.told(&message);
        if is_answered {
            asked.record.response_us = Some(seg.time.saturating_sub(asked.time) / 1000);
        }
        out.transaction(asked.time, asked.record);
    }
}

//! Trivial File Transfer Protocol (RFC 1350, options of RFC 2347 to 2349 and 7440). The server
//! answers from a port of its own, so that request and transfer are two sessions: the first
//! announces the second. One transaction per request and per transfer.
//!
//! Bounds: 16 options, 512 octets of a name, nothing else grows.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::{
    Direction, Expectation, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, udp,
};
use message::{Options, Packet};

/// The registered port.
const PORT: u16 = 69;
/// MMT's number.
const ID: ProtoId = ProtoId(358);
/// Longest text kept.
const MAX_TEXT: usize = 512;
/// Octets of a block where nothing else is agreed upon.
const BLOCK: u32 = 512;

crate::anomalies! {
    /// What can be wrong with TFTP.
    pub enum Anomaly {
        /// A datagram that is no packet.
        PacketInvalid = "packet_invalid",
        /// The name of the file leads out of its folder.
        PathTraversal = "path_traversal",
        /// A block longer than agreed upon.
        BlockTooLong = "block_too_long",
        /// A transfer ended with an error.
        TransferFailed = "transfer_failed",
    }
}

/// A packet, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct TftpMessage<'a> {
    /// Number of its kind.
    pub opcode: u16,
    /// read, write, data, ack, error or oack.
    pub packet: &'static str,
    /// File asked for.
    pub file: Option<TextRef<'a>>,
    /// Mode of the transfer: octet or netascii.
    pub mode: Option<TextRef<'a>>,
    /// Number of the block.
    pub block: Option<u16>,
    /// Octets of the block.
    pub length: Option<u32>,
    /// Number of an error.
    pub error_code: Option<u16>,
    /// Text of an error.
    pub error_text: Option<TextRef<'a>>,
}

/// A request, a transfer, or both where one session has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct TftpTransaction {
    /// read or write; absent where the request was in another session.
    pub packet: Option<&'static str>,
    /// File asked for.
    pub file: Option<Text>,
    /// Mode of the transfer: octet or netascii.
    pub mode: Option<Text>,
    /// Size of a block: asked for, or agreed upon.
    pub block_size: Option<u32>,
    /// Size of the file, as stated.
    pub transfer_size: Option<u64>,
    /// Seconds before a packet is sent again.
    pub timeout_s: Option<u32>,
    /// Blocks sent before one is acknowledged.
    pub window_size: Option<u32>,
    /// Blocks that went by, repeated ones left out.
    pub blocks: Option<u64>,
    /// Blocks that were sent again.
    pub repeated_blocks: Option<u64>,
    /// Octets of these blocks.
    pub bytes: Option<u64>,
    /// The last block was acknowledged.
    pub complete: Option<bool>,
    /// Number of the error that ended it.
    pub error_code: Option<u16>,
    /// Name of that error.
    pub error_msg: Option<Text>,
    /// Text of that error.
    pub error_text: Option<Text>,
    /// Time from the first packet to the last.
    pub duration_us: Option<u64>,
}

/// The state of one session.
#[derive(Default)]
pub struct Tftp {
    record: Option<TftpTransaction>,
    start: u64,
    latest: u64,
    /// Number of the newest block, its repetitions told apart from it.
    newest: Option<u16>,
    /// The last block went by.
    last: bool,
}

impl Protocol for Tftp {
    const INFO: Info = Info {
        name: "tftp",
        id: ID,
        title: "Trivial File Transfer Protocol",
        spec: "RFC 1350, RFC 2347, RFC 2348, RFC 2349, RFC 7440",
        over: &[udp(&[PORT])],
        patterns: &[Pattern::start(b"\0\x01"), Pattern::start(b"\0\x02")],
        weight: 40,
        timeout: TimeoutClass::Default,
        message: TftpMessage::fields,
        transaction: TftpTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    /// By requests alone: they name one of three modes behind the name of a file.
    fn probe(seg: &Segment<'_>) -> Probe {
        match message::parse(seg.data) {
            Some(Packet::Request { file, .. }) if file.iter().all(|&o| o >= 0x20) => Probe::Certain,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let Some(packet) = message::parse(seg.data) else {
            out.anomaly(Anomaly::PacketInvalid);
            return Step::all(seg);
        };
        if out.wants_messages() {
            out.message(&told(seg.data, &packet));
        }
        self.packet(&packet, seg, out);
        out.settled();
        Step::all(seg)
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.finish(out);
    }
}

impl Tftp {
    fn finish(&mut self, out: &mut Sink<'_>) {
        if let Some(mut record) = self.record.take() {
            record.duration_us = Some(self.latest.saturating_sub(self.start) / 1000);
            out.transaction(self.start, record);
        }
        (self.newest, self.last) = (None, false);
    }

    fn record(&mut self, time: u64) -> &mut TftpTransaction {
        if self.record.is_none() {
            self.start = time;
        }
        self.latest = time;
        self.record.get_or_insert_default()
    }

    fn packet(&mut self, packet: &Packet<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        match *packet {
            Packet::Request { write, file, mode, options } => {
                self.finish(out);
                if file.windows(2).any(|pair| pair == b"..") {
                    out.anomaly(Anomaly::PathTraversal);
                }
                let (address, port) = match seg.dir {
                    Direction::Up => (seg.flow.initiator, seg.flow.initiator_port),
                    Direction::Down => (seg.flow.responder, seg.flow.responder_port),
                };
                out.expect(Expectation { address, port, proto: ID });
                let record = self.record(seg.time);
                record.packet = Some(if write { "write" } else { "read" });
                record.file = Some(Text::bounded(file, MAX_TEXT));
                record.mode = Some(Text::bounded(&mode.to_ascii_lowercase(), MAX_TEXT));
                agree(record, &options);
            }
            Packet::Accept { options } => agree(self.record(seg.time), &options),
            Packet::Data { block, length } => self.data(block, length, seg, out),
            Packet::Acknowledge { block } => {
                let last = self.last && self.newest == Some(block);
                let record = self.record(seg.time);
                if last {
                    record.complete = Some(true);
                    self.finish(out);
                }
            }
            Packet::Error { code, text } => {
                out.anomaly(Anomaly::TransferFailed);
                let record = self.record(seg.time);
                record.error_code = Some(code);
                record.error_msg = message::error_name(code).map(Text::from);
                record.error_text = Some(Text::bounded(text, MAX_TEXT));
                self.finish(out);
            }
        }
    }

    fn data(&mut self, block: u16, length: usize, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let newest = self.newest;
        let size = self.record.as_ref().and_then(|r| r.block_size).unwrap_or(BLOCK);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if length > size {
            out.anomaly(Anomaly::BlockTooLong);
        }
        // Numbers wrap; what lies behind the newest was sent before.
        let ahead = newest.map_or(1, |newest| block.wrapping_sub(newest));
        let record = self.record(seg.time);
        if ahead == 0 || ahead >= 0x8000 {
            record.repeated_blocks = Some(record.repeated_blocks.unwrap_or(0).saturating_add(1));
            return;
        }
        record.blocks = Some(record.blocks.unwrap_or(0).saturating_add(1));
        record.bytes = Some(record.bytes.unwrap_or(0).saturating_add(length.into()));
        record.complete = Some(false);
        self.newest = Some(block);
        self.last = length < size && !seg.cut;
    }
}

fn agree(record: &mut TftpTransaction, options: &Options) {
    record.block_size = options.block_size.or(record.block_size);
    record.transfer_size = options.transfer_size.or(record.transfer_size);
    record.timeout_s = options.timeout_s.or(record.timeout_s);
    record.window_size = options.window_size.or(record.window_size);
}

fn told<'a>(data: &[u8], packet: &Packet<'a>) -> TftpMessage<'a> {
    let opcode = data.first_chunk::<2>().copied().map_or(0, u16::from_be_bytes);
    let mut told = TftpMessage { opcode, ..TftpMessage::default() };
    match *packet {
        Packet::Request { write, file, mode, .. } => {
            told.packet = if write { "write" } else { "read" };
            (told.file, told.mode) = (Some(TextRef(file)), Some(TextRef(mode)));
        }
        Packet::Data { block, length } => {
            told.packet = "data";
            (told.block, told.length) = (Some(block), u32::try_from(length).ok());
        }
        Packet::Acknowledge { block } => (told.packet, told.block) = ("ack", Some(block)),
        Packet::Error { code, text } => {
            told.packet = "error";
            (told.error_code, told.error_text) = (Some(code), Some(TextRef(text)));
        }
        Packet::Accept { .. } => told.packet = "oack",
    }
    told
}

//! OPC Unified Architecture over TCP, binary encoding (OPC 10000-4, 10000-6). One transaction for
//! the greeting, and one per service with its response. Services of an encrypted channel are told
//! as such. A password is never kept: that one went by unencrypted is.
//!
//! Bounds: chunks of 256 KiB (the rest of a longer one is skipped), 64 requests without response.
//! After a loss, the next header is found.

mod binary;
mod message;
mod record;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use nf_fields::{Fields, ProtoId, TextRef};

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Gap, Info, NameSource, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, tcp,
};
use message::{Header, Kind, Service};
use record::text;
pub use record::{OpcuaMessage, OpcuaTransaction};

/// Port of the registry.
const PORT: u16 = 4840;
/// Longest chunk that is read whole.
const MAX_CHUNK: usize = 256 * 1024;
/// Most requests that wait for their responses.
const MAX_PENDING: usize = 64;

crate::anomalies! {
    /// What can be wrong with OPC UA.
    pub enum Anomaly {
        /// Octets that are no header; the next one is looked for.
        InvalidHeader = "invalid_header",
        /// A chunk that cannot be read.
        MalformedChunk = "malformed_chunk",
        /// A chunk longer than is read whole; its rest is skipped.
        ChunkTooLong = "chunk_too_long",
        /// The other side refuses.
        ConnectionError = "connection_error",
        /// A response to no request that was seen.
        UnsolicitedResponse = "unsolicited_response",
        /// Too many requests without response: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Hello,
    Request(u32, Direction),
}

struct Request {
    time: u64,
    record: OpcuaTransaction,
}

/// A session.
pub struct Opcua {
    pending: Waiting<Key, Request>,
    /// Octets of a long chunk that are still to be skipped, per direction.
    skip: [usize; 2],
    lost: [bool; 2],
    /// The channel's chunks cannot be read.
    is_encrypted: bool,
    is_blind: bool,
}

impl Protocol for Opcua {
    const INFO: Info = Info {
        name: "opcua",
        id: ProtoId(1327),
        aliases: &["opc_ua", "opc_tcp"],
        title: "OPC Unified Architecture",
        spec: "OPC 10000-4, OPC 10000-6",
        over: &[tcp(&[PORT])],
        patterns: &[
            Pattern::start(b"HELF"),
            Pattern::start(b"ACKF"),
            Pattern::start(b"RHEF"),
            Pattern::start(b"OPNF"),
            Pattern::start(b"MSGF"),
        ],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: MAX_CHUNK,
        message: OpcuaMessage::fields,
        transaction: OpcuaTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            pending: Waiting::new(MAX_PENDING),
            skip: [0; 2],
            lost: [false; 2],
            is_encrypted: false,
            is_blind: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(header) = message::header(seg.data) else {
            let is_short = seg.data.len() < message::HEADER && message::may_be(seg.data);
            return if is_short { Probe::Unsure } else { Probe::No };
        };
        if header.size > 8192 {
            return Probe::No;
        }
        let Some(body) = seg.data.get(message::HEADER..header.size) else {
            return Probe::Unsure;
        };
        let is_likely = match header.kind {
            Kind::Hello => message::limits(body, true).is_some_and(|l| l.version < 0x100),
            Kind::Acknowledge => message::limits(body, false).is_some_and(|l| l.version < 0x100),
            Kind::Open => message::chunk(body, true).is_some(),
            Kind::Message => {
                message::chunk(body, false).is_some_and(|c| message::service(c.body).is_some())
            }
            Kind::ReverseHello => memchr::memmem::find(body, b"opc.tcp://").is_some(),
            Kind::Error | Kind::Close => false,
        };
        if is_likely { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = self.skipped(seg);
        loop {
            let rest = seg.data.get(used..).unwrap_or_default();
            if rest.is_empty() {
                return Step::used(used);
            }
            if self.is_lost(seg.dir) {
                let found = (0..rest.len())
                    .find(|&at| rest.get(at..).is_some_and(|r| message::header(r).is_some()));
                let Some(at) = found else {
                    // A header may have begun.
                    let kept = rest.len().min(message::HEADER.saturating_sub(1));
                    return Step::used(seg.data.len().saturating_sub(kept));
                };
                self.set_lost(seg.dir, false);
                used = used.saturating_add(at);
                continue;
            }
            let Some(header) = message::header(rest) else {
                if rest.len() < message::HEADER && message::may_be(rest) {
                    return Step::need(used, message::HEADER);
                }
                out.anomaly(Anomaly::InvalidHeader);
                self.lose(seg.dir);
                used = used.saturating_add(1);
                continue;
            };
            if header.size > MAX_CHUNK {
                out.anomaly(Anomaly::ChunkTooLong);
                self.is_blind = true;
                if let Some(skip) = self.skip.get_mut(seg.dir.index()) {
                    *skip = header.size;
                }
                let rest = Segment { data: rest, ..*seg };
                used = used.saturating_add(self.skipped(&rest));
                continue;
            }
            let Some(body) = rest.get(message::HEADER..header.size) else {
                return Step::need(used, header.size);
            };
            self.chunk(&header, body, seg, out);
            used = used.saturating_add(header.size);
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lost = usize::try_from(lost).unwrap_or(usize::MAX);
        let mut is_inside = false;
        if let Some(skip) = self.skip.get_mut(dir.index()) {
            // A loss within what is skipped anyway does no harm.
            is_inside = *skip >= lost && *skip > 0;
            *skip = if is_inside { skip.saturating_sub(lost) } else { 0 };
        }
        if !is_inside {
            self.lose(dir);
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop() {
            out.transaction(request.time, request.record);
        }
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Hello => "hello",
        Kind::Acknowledge => "acknowledge",
        Kind::Error => "error",
        Kind::ReverseHello => "reverse_hello",
        Kind::Open => "open",
        Kind::Message => "message",
        Kind::Close => "close",
    }
}

/// The host of an address, unless it is a number.
fn host(url: &[u8]) -> Option<&[u8]> {
    let rest = url.strip_prefix(b"opc.tcp://")?;
    let end = rest.iter().position(|&b| matches!(b, b':' | b'/')).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    let is_name = !host.is_empty()
        && host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && std::str::from_utf8(host).ok()?.parse::<IpAddr>().is_err();
    is_name.then_some(host)
}

impl Opcua {
    fn is_lost(&self, dir: Direction) -> bool {
        self.lost.get(dir.index()).copied().unwrap_or(false)
    }

    fn set_lost(&mut self, dir: Direction, lost: bool) {
        if let Some(flag) = self.lost.get_mut(dir.index()) {
            *flag = lost;
        }
    }

    fn lose(&mut self, dir: Direction) {
        self.set_lost(dir, true);
        self.is_blind = true;
    }

    /// Octets in front that belong to a chunk that is skipped.
    fn skipped(&mut self, seg: &Segment<'_>) -> usize {
        let Some(skip) = self.skip.get_mut(seg.dir.index()) else { return 0 };
        let here = (*skip).min(seg.data.len());
        *skip = skip.saturating_sub(here);
        here
    }

    fn chunk(&mut self, header: &Header, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let mut seen = OpcuaMessage {
            kind: kind_word(header.kind),
            size: u32::try_from(header.size).unwrap_or(u32::MAX),
            last: header.place != b'C',
            ..OpcuaMessage::default()
        };
        let is_read = match header.kind {
            Kind::Hello | Kind::Acknowledge => self.greeting(header, body, &mut seen, seg, out),
            Kind::Error => self.error(body, &mut seen, seg, out),
            Kind::ReverseHello => true,
            Kind::Open | Kind::Message | Kind::Close => {
                self.service(header, body, &mut seen, seg, out)
            }
        };
        if !is_read {
            out.anomaly(Anomaly::MalformedChunk);
        }
        out.message(&seen);
    }

    fn greeting<'a>(
        &mut self,
        header: &Header,
        body: &'a [u8],
        seen: &mut OpcuaMessage<'a>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> bool {
        let is_hello = header.kind == Kind::Hello;
        let Some(limits) = message::limits(body, is_hello) else { return false };
        seen.endpoint_url = limits.url.map(TextRef);
        if let Some(name) = limits.url.and_then(host) {
            out.server_name(NameSource::Host, name);
        }
        let length = u64::try_from(header.size).unwrap_or(u64::MAX);
        if is_hello {
            let record = OpcuaTransaction {
                service: "hello",
                endpoint_url: limits.url.and_then(text),
                protocol_version: Some(limits.version),
                request_chunks: 1,
                request_length: length,
                ..OpcuaTransaction::default()
            };
            self.wait(Key::Hello, Request { time: seg.time, record }, out);
        } else if let Some(mut hello) = self.pending.take(&Key::Hello) {
            hello.record.protocol_version = Some(limits.version);
            hello.record.receive_buffer = Some(limits.receive);
            hello.record.send_buffer = Some(limits.send);
            hello.record.max_message = Some(limits.message).filter(|&most| most > 0);
            hello.record.max_chunks = Some(limits.chunks).filter(|&most| most > 0);
            hello.record.told(length, seg.time.saturating_sub(hello.time));
            out.transaction(hello.time, hello.record);
        }
        true
    }

    fn error(
        &mut self,
        body: &[u8],
        seen: &mut OpcuaMessage<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> bool {
        let Some((code, reason)) = message::error(body) else { return false };
        seen.status = Some(code);
        out.anomaly(Anomaly::ConnectionError);
        if let Some(mut oldest) = self.pending.pop() {
            oldest.record.status = Some(code);
            oldest.record.reason = text(reason);
            oldest.record.response_us = Some(seg.time.saturating_sub(oldest.time) / 1000);
            out.transaction(oldest.time, oldest.record);
        }
        true
    }

    fn service<'a>(
        &mut self,
        header: &Header,
        body: &'a [u8],
        seen: &mut OpcuaMessage<'a>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> bool {
        let is_open = header.kind == Kind::Open;
        let Some(chunk) = message::chunk(body, is_open) else { return false };
        seen.channel_id = Some(chunk.channel);
        seen.security_policy = chunk.policy.map(TextRef);
        let service = message::service(chunk.body);
        if let Some(policy) = chunk.policy {
            self.is_encrypted = policy != b"None" && service.is_none();
        } else if service.is_some() {
            self.is_encrypted = false;
        }
        out.settled();
        if let Some(service) = &service {
            seen.service = message::service_word(service.number).map(|(word, _)| word);
            seen.status = service.status;
        }
        // Numbers of an encrypted chunk cannot be read.
        if self.is_encrypted {
            if is_open && out.wants_transactions() {
                let record = OpcuaTransaction {
                    service: "open_secure_channel",
                    channel_id: Some(chunk.channel),
                    security_policy: chunk.policy.and_then(text),
                    certificate: Some(chunk.has_certificate),
                    request_chunks: 1,
                    request_length: u64::try_from(header.size).unwrap_or(u64::MAX),
                    ..OpcuaTransaction::default()
                };
                self.encrypted_open(record, seg, out);
            }
            return true;
        }
        seen.request_id = Some(chunk.request);
        if out.wants_transactions() {
            let length = u64::try_from(header.size).unwrap_or(u64::MAX);
            self.part(&chunk, service.as_ref(), header.place, length, seg, out);
        }
        true
    }

    /// The request of an encrypted opening is the first of two, its response the second.
    fn encrypted_open(&mut self, record: OpcuaTransaction, seg: &Segment<'_>, out: &mut Sink<'_>) {
        match self.pending.take(&Key::Request(0, seg.dir.reverse())) {
            Some(mut request) => {
                request.record.channel_id = record.channel_id;
                request.record.told(record.request_length, seg.time.saturating_sub(request.time));
                out.transaction(request.time, request.record);
            }
            None => {
                let request = Request { time: seg.time, record };
                self.wait(Key::Request(0, seg.dir), request, out);
            }
        }
    }

    /// Adds a chunk to its request or response.
    fn part(
        &mut self,
        chunk: &message::Chunk<'_>,
        service: Option<&Service<'_>>,
        place: u8,
        length: u64,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let asked = Key::Request(chunk.request, seg.dir.reverse());
        if let Some(mut request) = self.pending.take(&asked) {
            if let Some(service) = service.filter(|s| s.is_response) {
                request.record.respond(service);
            }
            request.record.told(length, seg.time.saturating_sub(request.time));
            if place == b'C' {
                self.wait(asked, request, out);
            } else {
                out.transaction(request.time, request.record);
            }
            return;
        }
        let key = Key::Request(chunk.request, seg.dir);
        if let Some(mut request) = self.pending.take(&key) {
            request.record.request_chunks = request.record.request_chunks.saturating_add(1);
            request.record.request_length = request.record.request_length.saturating_add(length);
            self.wait(key, request, out);
            return;
        }
        match service {
            Some(service) if !service.is_response => {
                let mut record = OpcuaTransaction::of(chunk, service);
                record.request_chunks = 1;
                record.request_length = length;
                let request = Request { time: seg.time, record };
                // The end of a channel is not answered.
                if service.number == 452 {
                    out.transaction(request.time, request.record);
                } else {
                    self.wait(key, request, out);
                }
            }
            Some(_) if !self.is_blind => out.anomaly(Anomaly::UnsolicitedResponse),
            _ => {}
        }
    }

    fn wait(&mut self, key: Key, request: Request, out: &mut Sink<'_>) {
        if let Some(oldest) = self.pending.put(key, request) {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
    }
}

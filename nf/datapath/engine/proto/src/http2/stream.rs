//! The streams of a connection (RFC 9113 §5), bounded, and the record of each.

use nf_fields::Text;

use super::grpc::{Messages, called};
use super::record::Http2Transaction;
use super::section::{Kind, Section};
use crate::Sink;
use crate::http::content::Content;
use crate::http::value::{auth_scheme, decimal, host_and_port, media_type};

/// Most streams that are open at a time.
const MAX_STREAMS: usize = 256;
/// Most octets of text kept for them.
const MAX_KEPT: usize = 256 * 1024;

/// One direction of a stream.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) begun: bool,
    pub(super) ended: bool,
    pub(super) broken: bool,
    pub(super) fields: u32,
    pub(super) length: u64,
    /// Kept only if somebody listens.
    pub(super) content: Option<Box<Content>>,
    /// Messages of gRPC in the content.
    messages: Messages,
}

impl Side {
    /// Octets of it were lost.
    pub(super) fn lose(&mut self) {
        self.broken = true;
        if let Some(content) = &mut self.content {
            content.lose();
        }
    }

    fn is_whole(&self) -> bool {
        self.begun && self.ended && !self.broken
    }
}

/// A stream, as far as seen.
#[derive(Debug, Default)]
pub(super) struct Stream {
    id: u32,
    start: u64,
    request_end: u64,
    response_start: u64,
    pub(super) request: Side,
    pub(super) response: Side,
    pub(super) record: Box<Http2Transaction>,
    kept: usize,
}

fn mime(value: Option<&Text>) -> Option<Text> {
    media_type(value?.as_bytes())
}

fn octets(text: &Option<Text>) -> usize {
    text.as_ref().map_or(0, |text| text.as_bytes().len())
}

impl Stream {
    /// The side that asks, or the one that answers.
    pub(super) fn side(&mut self, request: bool) -> &mut Side {
        if request { &mut self.request } else { &mut self.response }
    }

    /// Takes what a header block said; returns the octets of text that it added.
    pub(super) fn take(&mut self, request: bool, section: Section, time: u64) -> usize {
        let interim = section.status.is_some_and(|status| (100..200).contains(&status));
        if interim {
            return 0;
        }
        let side = if request { &mut self.request } else { &mut self.response };
        if !side.begun && !request {
            self.response_start = time;
        }
        side.begun = true;
        if section.kind != Kind::Neither && section.is_listened() {
            side.content = Some(Content::of(section.head.content_type.as_ref()));
        }
        side.fields = side.fields.saturating_add(section.fields);
        self.record.grpc |= section.grpc;
        let added = match section.kind {
            Kind::Neither => self.record.trail(section),
            _ if request => self.record.ask(section),
            _ => self.record.answer(section),
        };
        self.kept = self.kept.saturating_add(added);
        added
    }

    /// Counts the messages in a piece of a side's content if it is gRPC's; false when that is none.
    pub(super) fn count_messages(&mut self, request: bool, octets: &[u8]) -> bool {
        let known = self.record.grpc;
        let side = self.side(request);
        if !known || side.broken {
            return true;
        }
        let sound = side.messages.take(octets);
        side.broken |= !sound;
        sound
    }

    /// One side has ended.
    pub(super) fn end_side(&mut self, request: bool, time: u64) {
        self.side(request).ended = true;
        if request {
            self.request_end = time;
        }
    }

    fn report(mut self, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        let timed = self.request.is_whole()
            && self.response.begun
            && self.response_start >= self.request_end;
        let response_us = self.response_start.wrapping_sub(self.request_end) / 1000;
        let (request, response) = (&self.request, &self.response);
        let record = &mut *self.record;
        record.stream_id = self.id;
        record.version = "2";
        record.request_length = request.begun.then_some(request.length);
        record.response_length = response.begun.then_some(response.length);
        record.request_headers = request.begun.then_some(request.fields);
        record.response_headers = response.begun.then_some(response.fields);
        record.response_us = timed.then_some(response_us);
        record.request_content = request.content.as_ref().and_then(|content| content.kind());
        record.response_content = response.content.as_ref().and_then(|content| content.kind());
        record.complete = request.is_whole() && response.is_whole();
        if record.grpc {
            let called = record.uri.as_ref().and_then(|path| called(path.as_bytes()));
            (record.grpc_service, record.grpc_method) = called.unzip();
            record.grpc_request_messages = Some(request.messages.count);
            record.grpc_response_messages = Some(response.messages.count);
        }
        out.transaction(self.start, std::mem::take(record));
    }
}

impl Http2Transaction {
    fn ask(&mut self, mut section: Section) -> usize {
        self.cookie = section.take_cookie();
        let head = section.head;
        if let Some(named) = section.authority.as_ref().or(section.host.as_ref()) {
            let (host, port) = host_and_port(named.as_bytes());
            self.host = (!host.is_empty()).then(|| Text::from(host));
            self.host_port = port;
        }
        self.request_mime = mime(head.content_type.as_ref());
        self.auth = head.authorization.and_then(|value| auth_scheme(value.as_bytes()));
        self.method = head.method;
        self.uri = head.uri;
        self.scheme = section.scheme;
        self.protocol = section.protocol;
        self.user_agent = head.user_agent;
        self.referer = head.referer;
        self.x_forwarded_for = head.x_forwarded_for;
        [
            &self.host,
            &self.method,
            &self.uri,
            &self.scheme,
            &self.protocol,
            &self.user_agent,
            &self.referer,
            &self.x_forwarded_for,
            &self.cookie,
            &self.request_mime,
        ]
        .into_iter()
        .map(octets)
        .fold(0, usize::saturating_add)
    }

    fn answer(&mut self, section: Section) -> usize {
        let head = section.head;
        self.status = section.status;
        self.mime = mime(head.content_type.as_ref());
        self.content_length = head.content_length.and_then(|value| decimal(value.as_bytes()));
        self.server = head.server;
        self.location = head.location;
        self.content_encoding = head.content_encoding;
        self.grpc_status = section.grpc_status;
        self.grpc_message = section.grpc_message;
        [&self.mime, &self.server, &self.location, &self.content_encoding, &self.grpc_message]
            .into_iter()
            .map(octets)
            .fold(0, usize::saturating_add)
    }

    fn trail(&mut self, section: Section) -> usize {
        self.grpc_status = section.grpc_status.or(self.grpc_status);
        let added = octets(&section.grpc_message);
        self.grpc_message = section.grpc_message.or(self.grpc_message.take());
        added
    }
}

/// The streams that are open, in the order of their identifiers.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: Vec<Stream>,
    kept: usize,
    /// Highest identifiers seen, of even and odd streams.
    highest: [u32; 2],
    /// Whether stream 1 was opened: after an upgrade from HTTP/1 its request came before the first
    /// frame, and its response may follow requests on higher streams (RFC 7540 section 3.2).
    first: bool,
}

impl Streams {
    /// Opens the stream with this identifier, unless it is open or was closed.
    pub(super) fn open(&mut self, id: u32, time: u64) {
        let Err(position) = self.open.binary_search_by_key(&id, |stream| stream.id) else {
            return;
        };
        let [even, odd] = &mut self.highest;
        let highest = if id & 1 == 0 { even } else { odd };
        if id > *highest || (id == 1 && !self.first) {
            *highest = id.max(*highest);
            self.first |= id == 1;
            self.open.insert(position, Stream { id, start: time, ..Stream::default() });
        }
    }

    /// The stream with this identifier, if it is open.
    pub(super) fn find(&mut self, id: u32) -> Option<&mut Stream> {
        let position = self.open.binary_search_by_key(&id, |stream| stream.id).ok()?;
        self.open.get_mut(position)
    }

    /// Counts texts that were added to a stream.
    pub(super) fn keep(&mut self, octets: usize) {
        self.kept = self.kept.saturating_add(octets);
    }

    /// Whether the oldest must go to make room.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() > MAX_STREAMS || (self.kept > MAX_KEPT && self.open.len() > 1)
    }

    /// Reports the stream if both its sides have ended.
    pub(super) fn report_ended(&mut self, id: u32, out: &mut Sink<'_>) {
        let Ok(position) = self.open.binary_search_by_key(&id, |stream| stream.id) else {
            return;
        };
        if self.open.get(position).is_some_and(|s| s.request.ended && s.response.ended) {
            self.report_at(position, out);
        }
    }

    /// Reports a stream as it is.
    pub(super) fn report(&mut self, id: u32, out: &mut Sink<'_>) {
        if let Ok(position) = self.open.binary_search_by_key(&id, |stream| stream.id) {
            self.report_at(position, out);
        }
    }

    /// Reports the oldest stream as it is; false when there is none.
    pub(super) fn report_oldest(&mut self, out: &mut Sink<'_>) -> bool {
        let some = !self.open.is_empty();
        if some {
            self.report_at(0, out);
        }
        some
    }

    fn report_at(&mut self, position: usize, out: &mut Sink<'_>) {
        let stream = self.open.remove(position);
        self.kept = self.kept.saturating_sub(stream.kept);
        stream.report(out);
    }

    /// Octets of one direction were lost: no open stream's side is whole any more.
    pub(super) fn break_all(&mut self, request: bool) {
        for stream in &mut self.open {
            stream.side(request).lose();
        }
    }
}

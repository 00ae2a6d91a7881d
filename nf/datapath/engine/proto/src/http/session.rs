//! From the start line of a message to its end: what it means for the exchange.

use super::body::Body;
use super::content::Content;
use super::exchange::{Exchange, Half, Method};
use super::head::{Extent, Head};
use super::line::{
    LineFinder, RequestLine, StatusLine, chomp, header_line, request_line, status_line, unfold,
};
use super::reading::Reading;
use super::record::HttpMessage;
use super::value::{authority_of, host_and_port, is_host};
use super::{Advance, Anomaly, Http, MAX_LINE, Stage};
use crate::{Direction, NameSource, Segment, Sink};

impl Http {
    /// The half of the exchange that a direction is reading.
    pub(super) fn half(&mut self, dir: Direction) -> Option<&mut Half> {
        let reading = self.lane(dir).reading.as_ref()?;
        let (number, request) = (reading.exchange, reading.request);
        Some(self.exchanges.get(number)?.half(request))
    }

    /// Counts an anomaly once per message.
    pub(super) fn note(&mut self, dir: Direction, anomaly: Anomaly, out: &mut Sink<'_>) {
        match &mut self.lane(dir).reading {
            Some(reading) => reading.note(anomaly, out),
            None => out.anomaly(anomaly),
        }
    }

    /// At the start of a message, or between two.
    pub(super) fn start(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let (dir, data) = (seg.dir, seg.data);
        let client = self.client;
        if client != Some(dir) && self.answers_simply(data) {
            if data.len() < 5 && b"HTTP/".starts_with(data) {
                return Advance::Wait;
            }
            if !data.starts_with(b"HTTP/") {
                return self.begin_simple_response(seg, out);
            }
        }
        let lane = self.lane(dir);
        match data {
            [b'\n', ..] => return Advance::Took(1),
            [b'\r', b'\n', ..] => return Advance::Took(2),
            [b'\r'] => return Advance::Wait,
            _ => {}
        }
        let first = *lane.first.get_or_insert(seg.time);
        let alphabetic = data.first().is_some_and(u8::is_ascii_alphabetic);
        let (length, whole) = match lane.finder.line(data) {
            _ if !alphabetic => (0, false),
            Some(length) if length <= MAX_LINE => (length, true),
            None if data.len() <= MAX_LINE => return Advance::Wait,
            _ => (MAX_LINE, false),
        };
        // What follows a request to leave HTTP waits for the answer.
        if !whole && client == Some(dir) && self.exchanges.switch_pending() {
            return Advance::Wait;
        }
        let (line, bare) = chomp(data.get(..length).unwrap_or_default());
        let status = (client != Some(dir)).then(|| status_line(line)).flatten();
        let request = (client != Some(dir.reverse())).then(|| request_line(line)).flatten();
        match (status, request) {
            (Some(status), _) => self.begin_response(dir, first, &status, out),
            (None, Some(request)) => self.begin_request(dir, first, &request, whole, out),
            (None, None) if client == Some(dir) && self.exchanges.switch_pending() => {
                return Advance::Wait;
            }
            (None, None) => {
                self.lane(dir).finder.reset();
                out.anomaly(Anomaly::Garbage);
                self.lose(dir, out);
                return Advance::Took(0);
            }
        }
        let lane = self.lane(dir);
        lane.first = None;
        lane.finder.reset();
        lane.skipping = !whole;
        if !whole {
            self.note(dir, Anomaly::LineTooLong, out);
        }
        if bare {
            self.note(dir, Anomaly::BareLf, out);
        }
        Advance::Took(length)
    }

    fn answers_simply(&mut self, data: &[u8]) -> bool {
        let next = self.exchanges.unanswered();
        !data.is_empty()
            && next.is_some_and(|n| self.exchanges.get(n).is_some_and(|exchange| exchange.simple))
    }

    fn begin(&mut self, dir: Direction, reading: Reading, stage: Stage, out: &mut Sink<'_>) {
        self.messages = self.messages.wrapping_add(1);
        let reading = Reading { ordinal: self.messages, ..reading };
        if out.wants_messages() {
            reading.tell_start(out);
        }
        let lane = self.lane(dir);
        lane.reading = Some(reading);
        lane.stage = stage;
    }

    fn begin_request(
        &mut self,
        dir: Direction,
        first: u64,
        line: &RequestLine<'_>,
        whole: bool,
        out: &mut Sink<'_>,
    ) {
        self.client = Some(dir);
        let method = Method::of(line.method);
        let simple = line.version.is_none() && whole;
        let exchange = self.exchanges.push(Exchange {
            start: first,
            request_end: first,
            method,
            simple,
            switch: method == Method::Connect,
            request: Half { version: line.version, begun: true, ended: simple, ..Half::default() },
            ..Exchange::default()
        });
        let authority = match method {
            Method::Connect => Some(line.target),
            _ => authority_of(line.target),
        };
        let listened = out.wants_transactions() || out.wants_messages();
        let reading = Reading {
            request: true,
            exchange,
            version: line.version,
            head: listened.then(|| Head::request(line.method, line.target)),
            authority: authority.map(Box::from),
            ..Reading::default()
        };
        let stage = if simple { Stage::Simple } else { Stage::Headers };
        self.begin(dir, reading, stage, out);
        if simple {
            // Whole already, unless header lines follow after all.
            let head = self.lane(dir).reading.as_mut().and_then(|reading| {
                reading.tell_head(out);
                reading.head.take()
            });
            self.exchanges.attach(exchange, true, head);
        }
        if line.untidy {
            self.note(dir, Anomaly::RequestLineSpacing, out);
        }
        if line.version.is_some_and(|version| !version.is_known()) {
            self.note(dir, Anomaly::VersionUnknown, out);
        }
        while self.exchanges.is_full() {
            out.anomaly(Anomaly::PipelineOverflow);
            self.exchanges.report_oldest(out);
        }
    }

    /// The exchange that a response which begins now belongs to.
    fn asked(&mut self, first: u64, out: &mut Sink<'_>) -> u64 {
        let number = self.exchanges.unanswered().unwrap_or_else(|| {
            out.anomaly(Anomaly::ResponseWithoutRequest);
            self.exchanges.push(Exchange {
                start: first,
                request: Half { ended: true, ..Half::default() },
                ..Exchange::default()
            })
        });
        if let Some(exchange) = self.exchanges.get(number) {
            exchange.response.begun = true;
            exchange.response_start = first;
        }
        number
    }

    fn begin_response(
        &mut self,
        dir: Direction,
        first: u64,
        line: &StatusLine<'_>,
        out: &mut Sink<'_>,
    ) {
        self.client = Some(dir.reverse());
        let exchange = self.asked(first, out);
        if let Some(exchange) = self.exchanges.get(exchange) {
            exchange.status = Some(line.status);
            exchange.response.version = Some(line.version);
        }
        let listened = out.wants_transactions() || out.wants_messages();
        let reading = Reading {
            exchange,
            version: Some(line.version),
            status: line.status,
            head: listened.then(|| Head::response(line)),
            ..Reading::default()
        };
        self.begin(dir, reading, Stage::Headers, out);
        if !line.version.is_known() {
            self.note(dir, Anomaly::VersionUnknown, out);
        }
    }

    /// HTTP/0.9 answers without status line and header.
    fn begin_simple_response(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let exchange = self.asked(seg.time, out);
        let reading = Reading { exchange, ..Reading::default() };
        self.begin(seg.dir, reading, Stage::Body(Body::UntilClose), out);
        out.settled();
        Advance::Took(0)
    }

    /// Behind a request line without version: header lines after all, or the next request.
    pub(super) fn after_simple(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let lane = self.lane(seg.dir);
        let Some(length) = lane.finder.line(seg.data) else {
            if seg.data.len() <= MAX_LINE {
                return Advance::Wait;
            }
            lane.finder.reset();
            lane.skipping = true;
            self.note(seg.dir, Anomaly::DataAfterSimpleRequest, out);
            return Advance::Took(0);
        };
        let (line, _) = chomp(seg.data.get(..length).unwrap_or_default());
        if line.is_empty() || header_line(line).is_some_and(|line| line.token) {
            lane.stage = Stage::Headers;
            self.note(seg.dir, Anomaly::VersionMissing, out);
            self.resume_simple(seg.dir);
            return Advance::Took(0);
        }
        if request_line(line).is_some() {
            self.finish_message(seg.dir, Some(seg), out);
            return Advance::Took(0);
        }
        self.note(seg.dir, Anomaly::DataAfterSimpleRequest, out);
        Advance::Took(length)
    }

    /// A request that was taken for HTTP/0.9 goes on with header lines.
    fn resume_simple(&mut self, dir: Direction) {
        let Some(number) = self.lane(dir).reading.as_ref().map(|reading| reading.exchange) else {
            return;
        };
        let head = self.exchanges.detach(number, true);
        if let Some(reading) = &mut self.lane(dir).reading {
            reading.head = head;
        }
        if let Some(exchange) = self.exchanges.get(number) {
            exchange.simple = false;
            exchange.request.ended = false;
        }
    }

    /// In a header section: a line, or the end.
    pub(super) fn header(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let (dir, data) = (seg.dir, seg.data);
        let lane = self.lane(dir);
        let (length, whole) = match lane.finder.folded(data) {
            Some(length) if length <= MAX_LINE => (length, true),
            None if data.len() <= MAX_LINE => return Advance::Wait,
            _ => (MAX_LINE, false),
        };
        let (line, bare) = chomp(data.get(..length).unwrap_or_default());
        lane.skipping = !whole;
        if !whole {
            lane.finder = LineFinder::default();
            self.note(dir, Anomaly::LineTooLong, out);
        }
        if bare {
            self.note(dir, Anomaly::BareLf, out);
        }
        if line.is_empty() && whole {
            return self.finish_head(seg, length, out);
        }
        if let Some(reading) = &mut self.lane(dir).reading {
            reading.field(line, out);
        }
        Advance::Took(length)
    }

    /// A trailer line: shown as a header, kept nowhere.
    pub(super) fn trailer(&mut self, dir: Direction, line: &[u8], out: &mut Sink<'_>) {
        let (line, _) = chomp(line);
        let Some(reading) = &mut self.lane(dir).reading else {
            return;
        };
        match header_line(line) {
            Some(line) if out.wants_messages() => {
                reading.tell_header(line.name, &unfold(line.value), out);
            }
            Some(_) => {}
            None => reading.note(Anomaly::HeaderWithoutColon, out),
        }
    }

    /// The header section has ended; `length` octets of its last line are taken.
    fn finish_head(&mut self, seg: &Segment<'_>, length: usize, out: &mut Sink<'_>) -> Advance {
        let Some(reading) = &mut self.lane(seg.dir).reading else {
            return Advance::Took(length);
        };
        reading.judge_framing(out);
        if out.wants_messages() {
            reading.tell_head(out);
        }
        let (number, request) = (reading.exchange, reading.request);
        let (headers, head) = (reading.headers, reading.head.take());
        self.exchanges.attach(number, request, head);
        if let Some(exchange) = self.exchanges.get(number) {
            let half = exchange.half(request);
            half.headers = headers;
            if let Some(head) = &half.head {
                half.content = Some(Content::of(head.content_type.as_ref()));
                if let Some(target) = &head.uri {
                    self.dns.target(target.as_bytes(), seg, out);
                }
            }
        }
        if request {
            self.request_head(seg, length, out)
        } else {
            self.response_head(seg, length, out)
        }
    }

    fn request_head(&mut self, seg: &Segment<'_>, length: usize, out: &mut Sink<'_>) -> Advance {
        let Some(reading) = &mut self.lane(seg.dir).reading else {
            return Advance::Took(length);
        };
        let modern = reading.version.is_some_and(|v| (v.major, v.minor) == (1, 1));
        if modern && !reading.host {
            reading.note(Anomaly::HostMissing, out);
        }
        let extent = reading.framing.of_request();
        let (number, asks) = (reading.exchange, reading.upgrade.is_some());
        if let Some(authority) = reading.authority.take() {
            self.name_server(&authority, out);
        }
        let switch = self.exchanges.get(number).is_some_and(|exchange| {
            exchange.switch |= asks;
            exchange.switch
        });
        if !switch {
            out.settled();
        }
        // CONNECT has no content: what follows is the tunnel's (RFC 9110 §9.3.6).
        let connect =
            self.exchanges.get(number).is_some_and(|exchange| exchange.method == Method::Connect);
        self.read_body(seg, if connect { Extent::Length(0) } else { extent }, out);
        Advance::Took(length)
    }

    fn name_server(&mut self, authority: &[u8], out: &mut Sink<'_>) {
        let (host, _) = host_and_port(authority);
        let host = host.strip_suffix(b".").unwrap_or(host);
        if !is_host(host) {
            if !host.is_empty() {
                out.anomaly(Anomaly::HostInvalid);
            }
            return;
        }
        if self.named.as_deref() != Some(host) {
            self.named = Some(host.into());
            out.server_name(NameSource::Host, host);
        }
    }

    fn response_head(&mut self, seg: &Segment<'_>, length: usize, out: &mut Sink<'_>) -> Advance {
        let Some(reading) = &self.lane(seg.dir).reading else {
            return Advance::Took(length);
        };
        let (number, status) = (reading.exchange, reading.status);
        let (framing, upgrade) = (reading.framing, reading.upgrade);
        let (method, asked, switch) = match self.exchanges.get(number) {
            Some(exchange) => (exchange.method, exchange.request.begun, exchange.switch),
            None => (Method::Other, false, false),
        };
        if status == 101 || (method == Method::Connect && (200..300).contains(&status)) {
            let proto = upgrade.filter(|_| status == 101).flatten();
            self.finish_message(seg.dir, Some(seg), out);
            return Advance::Leave(length, proto);
        }
        if (100..200).contains(&status) {
            self.forget_interim(seg.dir);
            return Advance::Took(length);
        }
        if !asked {
            self.unasked = self.unasked.saturating_add(1);
        }
        // A refused CONNECT is usually repeated with credentials.
        if (switch && method != Method::Connect) || self.unasked > 1 {
            out.settled();
        }
        let extent = match status {
            204 | 304 => Extent::Length(0),
            _ if method == Method::Head => Extent::Length(0),
            _ => framing.of_response(),
        };
        self.read_body(seg, extent, out);
        Advance::Took(length)
    }

    /// An interim response says nothing of the exchange; the final one is still to come.
    fn forget_interim(&mut self, dir: Direction) {
        let lane = self.lane(dir);
        lane.stage = Stage::Start;
        let Some(reading) = lane.reading.take() else {
            return;
        };
        drop(self.exchanges.detach(reading.exchange, false));
        if let Some(exchange) = self.exchanges.get(reading.exchange) {
            exchange.response = Half::default();
            exchange.status = None;
        }
    }

    fn read_body(&mut self, seg: &Segment<'_>, extent: Extent, out: &mut Sink<'_>) {
        match Body::start(extent) {
            Some(body) => self.lane(seg.dir).stage = Stage::Body(body),
            None => self.finish_message(seg.dir, Some(seg), out),
        }
    }

    /// The message that a direction reads has ended (without a segment: with the connection).
    pub(super) fn finish_message(
        &mut self,
        dir: Direction,
        seg: Option<&Segment<'_>>,
        out: &mut Sink<'_>,
    ) {
        let lane = self.lane(dir);
        lane.stage = Stage::Start;
        lane.finder.reset();
        let Some(reading) = lane.reading.take() else {
            return;
        };
        let Some(exchange) = self.exchanges.get(reading.exchange) else {
            return;
        };
        if reading.request
            && let Some(seg) = seg
        {
            exchange.request_end = seg.time;
        }
        let half = exchange.half(reading.request);
        half.ended = true;
        let carried = half.content.as_mut().and_then(|content| content.take_dns());
        let octets = u32::try_from(half.length).unwrap_or(u32::MAX);
        if out.wants_messages() {
            out.message(&HttpMessage { msg_end: Some(octets), ..reading.message() });
        }
        if let (Some(message), Some(seg)) = (carried, seg) {
            self.dns.message(&message, seg, out);
        }
        self.exchanges.report_ended(out);
    }

    /// A direction is out of step: what it was reading stays incomplete.
    pub(super) fn lose(&mut self, dir: Direction, out: &mut Sink<'_>) {
        let lane = self.lane(dir);
        lane.first = None;
        lane.skipping = false;
        lane.finder.reset();
        let unfinished = lane.stage == Stage::Headers;
        lane.stage = Stage::Lost;
        let Some(reading) = lane.reading.take() else { return };
        if unfinished && out.wants_messages() {
            reading.tell_head(out);
        }
        if let Some(exchange) = self.exchanges.get(reading.exchange) {
            let half = exchange.half(reading.request);
            half.ended = true;
            half.broken = true;
            half.headers = reading.headers;
        }
        self.exchanges.attach(reading.exchange, reading.request, reading.head);
        self.exchanges.report_ended(out);
    }
}

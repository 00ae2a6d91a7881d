//! Requests waiting for their responses, in order (RFC 9112 §9.3.2), and the record of each.

use std::collections::VecDeque;

use nf_fields::Text;

use super::content::Content;
use super::head::Head;
use super::line::Version;
use super::record::HttpTransaction;
use super::value::{auth_scheme, authority_of, decimal, host_and_port, media_type};
use crate::Sink;
use crate::ntlm::Ntlm;

/// Most requests without a response.
const MAX_PENDING: usize = 64;
/// Most octets of text kept for them.
const MAX_KEPT: usize = 128 * 1024;

/// What of a method decides how a response is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Method {
    Head,
    Connect,
    #[default]
    Other,
}

impl Method {
    pub(super) fn of(word: &[u8]) -> Self {
        match word {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            _ => Method::Other,
        }
    }
}

/// One direction's part of an exchange.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) version: Option<Version>,
    pub(super) head: Option<Box<Head>>,
    pub(super) headers: u32,
    pub(super) length: u64,
    pub(super) begun: bool,
    /// Its end was seen, or will not be.
    pub(super) ended: bool,
    /// Octets of it were lost or not understood.
    pub(super) broken: bool,
    /// Kept only if somebody listens.
    pub(super) content: Option<Box<Content>>,
}

/// A request and its response, as far as seen.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) start: u64,
    pub(super) request_end: u64,
    pub(super) response_start: u64,
    pub(super) method: Method,
    pub(super) status: Option<u16>,
    /// HTTP/0.9: a line, then octets until close.
    pub(super) simple: bool,
    /// Asks to leave HTTP: CONNECT, or an Upgrade header.
    pub(super) switch: bool,
    pub(super) request: Half,
    pub(super) response: Half,
}

impl Exchange {
    /// The request's or the response's half.
    pub(super) fn half(&mut self, request: bool) -> &mut Half {
        if request { &mut self.request } else { &mut self.response }
    }

    fn octets(&self) -> usize {
        let of = |half: &Half| half.head.as_ref().map_or(0, |head| head.octets());
        of(&self.request).saturating_add(of(&self.response))
    }

    fn record(self) -> HttpTransaction {
        let whole = |half: &Half| half.begun && half.ended && !half.broken;
        let complete = whole(&self.request) && whole(&self.response);
        let timed =
            whole(&self.request) && self.response.begun && self.response_start >= self.request_end;
        let response_us = timed.then(|| {
            let nanoseconds = self.response_start.wrapping_sub(self.request_end);
            nanoseconds / 1000
        });
        let (request, response) = (self.request, self.response);
        let version = request.version.or(response.version);
        let simple = self.simple.then_some("0.9");
        let mut record = HttpTransaction {
            version: version.map(Version::word).or(simple),
            status: self.status,
            request_length: request.begun.then_some(request.length),
            response_length: response.begun.then_some(response.length),
            request_headers: request.begun.then_some(request.headers),
            response_headers: response.begun.then_some(response.headers),
            response_us,
            complete,
            request_content: request.content.as_ref().and_then(|content| content.kind()),
            response_content: response.content.as_ref().and_then(|content| content.kind()),
            ..HttpTransaction::default()
        };
        if let Some(head) = request.head {
            record.ask(*head, self.method);
        }
        if let Some(head) = response.head {
            record.answer(*head);
        }
        record
    }
}

fn mime(value: Option<&Text>) -> Option<Text> {
    media_type(value?.as_bytes())
}

impl HttpTransaction {
    /// Adds what an authentication by NTLM says.
    fn learn(&mut self, value: Option<&Text>) {
        let Some(value) = value else { return };
        let mut ntlm = self.ntlm.take().unwrap_or_default();
        let known = ntlm.learn_header(value.as_bytes()).is_some() || ntlm != Ntlm::default();
        self.ntlm = known.then_some(ntlm);
    }

    fn ask(&mut self, head: Head, method: Method) {
        let target = head.uri.as_ref().map_or(&[][..], Text::as_bytes);
        let authority = match method {
            Method::Connect => Some(target),
            _ => authority_of(target),
        };
        let named = authority.or_else(|| head.host.as_ref().map(Text::as_bytes));
        if let Some(named) = named {
            let (host, port) = host_and_port(named);
            self.host = (!host.is_empty()).then(|| Text::from(host));
            self.host_port = port;
        }
        self.request_mime = mime(head.content_type.as_ref());
        self.learn(head.authorization.as_ref());
        self.auth = head.authorization.as_ref().and_then(|value| auth_scheme(value.as_bytes()));
        self.method = head.method;
        self.uri = head.uri;
        self.user_agent = head.user_agent;
        self.referer = head.referer;
        self.x_forwarded_for = head.x_forwarded_for;
        self.cookie = head.cookie;
        self.upgrade = head.upgrade;
    }

    fn answer(&mut self, head: Head) {
        self.learn(head.www_authenticate.as_ref());
        self.mime = mime(head.content_type.as_ref());
        self.content_length =
            head.content_length.as_ref().and_then(|value| decimal(value.as_bytes()));
        self.reason = head.reason;
        self.server = head.server;
        self.location = head.location;
        self.transfer_encoding = head.transfer_encoding;
        self.content_encoding = head.content_encoding;
        self.upgrade = head.upgrade.or(self.upgrade.take());
    }
}

/// The exchanges of a session that are not reported yet, oldest first. Each has a number.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    queue: VecDeque<Exchange>,
    /// Number of the oldest.
    oldest: u64,
    kept: usize,
}

impl Exchanges {
    /// Adds an exchange and says its number.
    pub(super) fn push(&mut self, exchange: Exchange) -> u64 {
        let number = self.oldest.wrapping_add(self.queue.len() as u64);
        self.queue.push_back(exchange);
        number
    }

    /// The exchange of that number, unless it was reported.
    pub(super) fn get(&mut self, number: u64) -> Option<&mut Exchange> {
        let position = number.checked_sub(self.oldest)?;
        self.queue.get_mut(usize::try_from(position).ok()?)
    }

    /// Number of the first exchange whose response has not begun.
    pub(super) fn unanswered(&self) -> Option<u64> {
        let position = self.queue.iter().position(|e| !e.response.begun)?;
        Some(self.oldest.wrapping_add(position as u64))
    }

    /// Whether some request without an answer asks to leave HTTP.
    pub(super) fn switch_pending(&self) -> bool {
        self.queue.iter().any(|e| e.switch && !e.response.ended)
    }

    /// Gives a half its texts, unless it has some.
    pub(super) fn attach(&mut self, number: u64, request: bool, head: Option<Box<Head>>) {
        let Some(head) = head else { return };
        let octets = head.octets();
        if let Some(exchange) = self.get(number)
            && exchange.half(request).head.is_none()
        {
            exchange.half(request).head = Some(head);
            self.kept = self.kept.saturating_add(octets);
        }
    }

    /// Takes a half's texts back.
    pub(super) fn detach(&mut self, number: u64, request: bool) -> Option<Box<Head>> {
        let head = self.get(number)?.half(request).head.take()?;
        self.kept = self.kept.saturating_sub(head.octets());
        Some(head)
    }

    /// Whether the oldest must go to make room.
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() > MAX_PENDING || (self.kept > MAX_KEPT && self.queue.len() > 1)
    }

    /// Reports what is complete at the front.
    pub(super) fn report_ended(&mut self, out: &mut Sink<'_>) {
        while let Some(front) = self.queue.front()
            && front.request.ended
            && front.response.ended
        {
            self.report_oldest(out);
        }
    }

    /// Reports the oldest as it is.
    pub(super) fn report_oldest(&mut self, out: &mut Sink<'_>) -> bool {
        let Some(exchange) = self.queue.pop_front() else {
            return false;
        };
        self.oldest = self.oldest.wrapping_add(1);
        self.kept = self.kept.saturating_sub(exchange.octets());
        if out.wants_transactions() {
            out.transaction(exchange.start, exchange.record());
        }
        true
    }
}

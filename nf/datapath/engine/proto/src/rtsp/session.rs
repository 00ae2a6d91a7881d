//! The state of a connection: messages and frames off the octets, requests that wait.

use std::collections::VecDeque;

use nf_fields::{Text, TextRef};

use super::message::{self, Headers, Way};
use super::record::{RtspMessage, RtspTransaction};
use super::{Anomaly, MAX_BODY, MAX_HEAD};
use crate::rtp::bundle::{Bundle, Kind};
use crate::sdp::{Description, starts_without_case};
use crate::sip::head::{Finder, Head, Start};
use crate::{Direction, Expectation, Segment, Sink, Step};

/// Most requests kept while they wait for their responses.
const MAX_PENDING: usize = 64;
/// Longest text kept.
const MAX_TEXT: usize = 1024;

struct Pending {
    dir: Direction,
    time: u64,
    record: RtspTransaction,
}

/// One direction.
#[derive(Default)]
struct Lane {
    finder: Finder,
    /// Octets still to come of a body that is passed over.
    skip: usize,
    /// Octets were lost: the next begin is to be found.
    lost: bool,
}

/// The state of one session.
#[derive(Default)]
pub struct Rtsp {
    lanes: [Lane; 2],
    pending: VecDeque<Pending>,
    media: Bundle,
}

fn text(bytes: &[u8]) -> Text {
    Text::bounded(bytes, MAX_TEXT)
}

fn count(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

impl Rtsp {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    pub(super) fn lose(&mut self, dir: Direction, lost: u64) {
        let lane = self.lane(dir);
        lane.finder.reset();
        let lost = usize::try_from(lost).unwrap_or(usize::MAX);
        match lane.skip.checked_sub(lost) {
            Some(left) if lane.skip > 0 => lane.skip = left,
            _ => {
                lane.skip = 0;
                lane.lost = true;
            }
        }
    }

    pub(super) fn conclude(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop_front() {
            out.transaction(pending.time, pending.record);
        }
        self.media.end(out);
    }

    /// Takes the first message or frame off the stream, or what there is before it.
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let n = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(n);
            return Step::used(n);
        }
        if lane.lost {
            match self.find_begin(seg) {
                Some(step) => return step,
                None => self.lane(seg.dir).lost = false,
            }
        }
        match seg.data {
            [b'\r' | b'\n', ..] => {
                self.lane(seg.dir).finder.reset();
                return Step::used(1);
            }
            [b'$', ..] => return self.frame(seg, out),
            _ => {}
        }
        let Some(head) = self.lane(seg.dir).finder.head(seg.data) else {
            if seg.data.len() > MAX_HEAD {
                out.anomaly(Anomaly::HeadTooLong);
                let lane = self.lane(seg.dir);
                lane.finder.reset();
                lane.lost = true;
                return Step::all(seg);
            }
            return Step::default();
        };
        let Some(start) = Start::parse(head.first, b"RTSP") else {
            out.anomaly(Anomaly::MalformedStart);
            self.lane(seg.dir).lost = true;
            return Step::used(1);
        };
        let length = Headers::read(&head).content_length.unwrap_or(0);
        if length > MAX_BODY {
            self.lane(seg.dir).skip = length;
            self.message(&start, &head, &[], seg, out);
            return Step::used(head.total);
        }
        let end = head.total.saturating_add(length);
        let Some(body) = seg.data.get(head.total..end) else {
            return Step::need(0, end);
        };
        self.message(&start, &head, body, seg, out);
        Step::used(end)
    }

    /// After a loss: drops octets until a message or a frame begins; `None` when one begins here.
    fn find_begin(&mut self, seg: &Segment<'_>) -> Option<Step> {
        // Frames begin where segments do, mostly.
        if let Some((channel, length)) = message::frame(seg.data) {
            let media = matches!(seg.data.get(4), Some(0x80..=0xbf));
            if channel < 32 && length >= 8 && media {
                return None;
            }
        }
        let mut at = 0usize;
        for line in seg.data.split_inclusive(|&b| b == b'\n') {
            if !line.ends_with(b"\n") {
                let long = line.len() > MAX_HEAD;
                return Some(Step::used(if long { seg.data.len() } else { at }));
            }
            if message::is_certain(line.trim_ascii_end()) {
                return (at > 0).then(|| Step::used(at));
            }
            at = at.saturating_add(line.len());
        }
        Some(Step::used(at))
    }

    /// A frame of media between the messages.
    fn frame(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let Some((_, length)) = message::frame(seg.data) else {
            return Step::need(0, 4);
        };
        let end = length.saturating_add(4);
        let Some(data) = seg.data.get(4..end) else {
            return Step::need(0, end);
        };
        let kind = Kind::of(data);
        let inner = Segment { data, ..*seg };
        let is_media = matches!(kind, Kind::Rtp | Kind::Rtcp);
        if !(is_media && self.media.take(kind, &inner, out)) {
            out.anomaly(Anomaly::ForeignFrame);
        }
        if self.media.is_closed() {
            out.settled();
        }
        Step::used(end)
    }

    fn message(
        &mut self,
        start: &Start<'_>,
        head: &Head<'_>,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let headers = Headers::read(head);
        if headers.malformed {
            out.anomaly(Anomaly::MalformedHeader);
        }
        if headers.seq.is_none() {
            out.anomaly(Anomaly::SequenceMissing);
        }
        if headers.basic {
            out.anomaly(Anomaly::ClearTextPassword);
        }
        let length = headers.content_length.unwrap_or(0);
        let media = self.describe(body, &headers, seg, out);
        if out.wants_messages() {
            out.message(&message_of(start, &headers, length, media.clone()));
        }
        match *start {
            Start::Request { method, uri, version } => {
                let mut record = request_of(method, uri, version, &headers, length);
                record.media = media;
                self.ask(record, seg, out);
            }
            Start::Response { status, reason, .. } => {
                let way = headers.transport.map(Way::parse);
                if let Some(way) = way.filter(|way| way.is_rtp && status < 300) {
                    announce(&way, seg, out);
                }
                self.answer(status, reason, &headers, media, length, seg, out);
            }
        }
    }

    fn describe(
        &mut self,
        body: &[u8],
        headers: &Headers<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Vec<Text> {
        let content_type = headers.content_type.unwrap_or_default();
        if body.is_empty() || !starts_without_case(content_type, b"application/sdp") {
            return Vec::new();
        }
        let Some(described) = Description::parse(body).filter(|described| !described.malformed)
        else {
            out.anomaly(Anomaly::MalformedDescription);
            return Vec::new();
        };
        for codec in described.media.iter().flat_map(|media| &media.codecs) {
            self.media.announce(codec, seg.flow);
        }
        described.summary()
    }

    fn ask(&mut self, record: RtspTransaction, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(Pending { dir: seg.dir, time: seg.time, record });
    }

    #[expect(clippy::too_many_arguments, reason = "what a response says, once")]
    fn answer(
        &mut self,
        status: u16,
        reason: &[u8],
        headers: &Headers<'_>,
        media: Vec<Text>,
        length: usize,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if !out.wants_transactions() {
            return;
        }
        let asked = |p: &Pending| p.dir != seg.dir && p.record.seq == headers.seq;
        let pending = self.pending.iter().position(asked).and_then(|at| self.pending.remove(at));
        let (time, mut record) = match pending {
            Some(mut pending) => {
                let since = seg.time.saturating_sub(pending.time) / 1000;
                pending.record.response_us = Some(since);
                (pending.time, pending.record)
            }
            None => {
                out.anomaly(Anomaly::UnaskedAnswer);
                (seg.time, RtspTransaction { seq: headers.seq, ..RtspTransaction::default() })
            }
        };
        record.status = Some(status);
        record.reason = Some(text(reason)).filter(|reason| !reason.is_empty());
        record.server = headers.server.map(text);
        record.session = headers.session.map(text).or(record.session);
        record.range = headers.range.map(text).or(record.range);
        record.mime = headers.content_type.map(text);
        record.response_length = count(length);
        if !media.is_empty() {
            record.media = media;
        }
        if let Some(transport) = headers.transport {
            record.go(transport);
        }
        out.transaction(time, record);
    }
}

impl RtspTransaction {
    fn go(&mut self, transport: &[u8]) {
        let way = Way::parse(transport);
        self.transport = Some(text(transport));
        self.client_port = way.client_port.or(self.client_port);
        self.server_port = way.server_port.or(self.server_port);
        self.channel = way.channel.or(self.channel);
    }
}

/// Announces both ends of the media: either may send first.
fn announce(way: &Way, seg: &Segment<'_>, out: &mut Sink<'_>) {
    // The response comes from the server.
    let (server, client) = match seg.dir {
        Direction::Up => (seg.flow.initiator, seg.flow.responder),
        Direction::Down => (seg.flow.responder, seg.flow.initiator),
    };
    let client = way.destination.unwrap_or(client);
    let server = way.source.unwrap_or(server);
    let (rtp, rtcp) = (crate::rtp::ID, crate::rtcp::ID);
    let ends = [
        (client, way.client_port, rtp),
        (client, way.client_control, rtcp),
        (server, way.server_port, rtp),
        (server, way.server_control, rtcp),
    ];
    for (address, port, proto) in ends {
        if let Some(port) = port {
            out.expect(Expectation { address, port, proto });
        }
    }
}

fn request_of(
    method: &[u8],
    uri: &[u8],
    version: &[u8],
    headers: &Headers<'_>,
    length: usize,
) -> RtspTransaction {
    let mut record = RtspTransaction {
        method: Some(text(method)),
        uri: Some(text(uri)),
        version: Some(text(version)),
        seq: headers.seq,
        session: headers.session.map(text),
        user_agent: headers.user_agent.map(text),
        authenticated: headers.auth_user.is_some(),
        auth_user: headers.auth_user.filter(|user| !user.is_empty()).map(text),
        clear_text: headers.basic,
        range: headers.range.map(text),
        request_mime: headers.content_type.map(text),
        request_length: count(length),
        ..RtspTransaction::default()
    };
    if let Some(transport) = headers.transport {
        record.go(transport);
    }
    record
}

fn message_of<'a>(
    start: &Start<'a>,
    headers: &Headers<'a>,
    length: usize,
    media: Vec<Text>,
) -> RtspMessage<'a> {
    let mut message = RtspMessage {
        seq: headers.seq,
        session: headers.session.map(TextRef),
        transport: headers.transport.map(TextRef),
        user_agent: headers.user_agent.map(TextRef),
        server: headers.server.map(TextRef),
        content_type: headers.content_type.map(TextRef),
        body_length: count(length),
        media,
        ..RtspMessage::default()
    };
    match *start {
        Start::Request { method, uri, version } => {
            message.request = true;
            message.method = Some(TextRef(method));
            message.uri = Some(TextRef(uri));
            message.version = Some(TextRef(version));
        }
        Start::Response { version, status, reason } => {
            message.version = Some(TextRef(version));
            message.status = Some(status);
            message.reason = Some(TextRef(reason));
        }
    }
    message
}

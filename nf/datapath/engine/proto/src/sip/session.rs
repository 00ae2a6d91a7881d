//! The state of a session: messages off the octets, requests that wait, calls that last.

use std::collections::VecDeque;

use nf_fields::{Text, TextRef};

use super::call::Call;
use super::head::{self, Finder, Head, Start};
use super::message::{self, Headers};
use super::record::{SipMessage, SipTransaction};
use super::{Anomaly, MAX_BODY, MAX_HEAD, skip_blank};
use crate::sdp::Description;
use crate::{Direction, Segment, Sink, Step};

/// Most requests kept while they wait for their final responses.
const MAX_PENDING: usize = 64;
/// Most calls.
const MAX_CALLS: usize = 64;
/// Most answered requests remembered: responses come repeatedly.
const MAX_DONE: usize = 64;
/// Longest text kept.
const MAX_TEXT: usize = 1024;
/// Most octets of what ties responses to requests.
const MAX_KEY: usize = 256;

/// What ties a response to its request.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    /// The branch, or the call where a program of old times set none.
    branch: Text,
    seq: u32,
    method: Text,
}

struct Pending {
    key: Key,
    dir: Direction,
    time: u64,
    record: SipTransaction,
}

/// One direction of a stream.
#[derive(Default)]
struct Lane {
    finder: Finder,
    /// Octets still to come of a body that is passed over.
    skip: usize,
    /// Octets were lost: the next start line is to be found.
    lost: bool,
}

/// The state of one session.
#[derive(Default)]
pub struct Sip {
    lanes: [Lane; 2],
    pending: VecDeque<Pending>,
    done: VecDeque<Key>,
    calls: VecDeque<Call>,
}

fn text(bytes: &[u8]) -> Text {
    Text::bounded(bytes, MAX_TEXT)
}

fn count(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

impl Sip {
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
        while let Some(call) = self.calls.pop_front() {
            out.transaction(call.start, call.into_record());
        }
    }

    /// Takes a datagram: one message, or line ends that keep the way open.
    pub(super) fn datagram(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let data = skip_blank(seg.data);
        // Some keep it open by zeros, or by a word of four letters.
        if data.len() <= 4 {
            return;
        }
        let Some(head) = head::of_datagram(data) else {
            return;
        };
        let body = data.get(head.total..).unwrap_or_default();
        self.message(&head, body, seg, out);
    }

    /// Takes the first message off a stream, or what there is before it.
    pub(super) fn stream(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let lane = self.lane(seg.dir);
        if lane.skip > 0 {
            let n = lane.skip.min(seg.data.len());
            lane.skip = lane.skip.saturating_sub(n);
            return Step::used(n);
        }
        if lane.lost
            && let Some(step) = self.find_start(seg)
        {
            return step;
        }
        let lane = self.lane(seg.dir);
        let blank = seg.data.len().saturating_sub(skip_blank(seg.data).len());
        if blank > 0 {
            lane.finder.reset();
            return Step::used(blank);
        }
        let Some(head) = lane.finder.head(seg.data) else {
            if seg.data.len() > MAX_HEAD {
                out.anomaly(Anomaly::HeadTooLong);
                lane.finder.reset();
                lane.lost = true;
                return Step::all(seg);
            }
            return Step::default();
        };
        let length = Headers::read(&head).content_length.unwrap_or(0);
        if length > MAX_BODY {
            lane.skip = length;
            self.message(&head, &[], seg, out);
            return Step::used(head.total);
        }
        let end = head.total.saturating_add(length);
        let Some(body) = seg.data.get(head.total..end) else {
            return Step::need(0, end);
        };
        if self.message(&head, body, seg, out) {
            return Step::used(end);
        }
        // Not a message: the next line that begins one.
        self.lane(seg.dir).lost = true;
        Step::used(1)
    }

    /// After a loss: drops lines until one begins a message; `None` when the first one does.
    fn find_start(&mut self, seg: &Segment<'_>) -> Option<Step> {
        let mut at = 0usize;
        for line in seg.data.split_inclusive(|&b| b == b'\n') {
            if !line.ends_with(b"\n") {
                // The rest of a line may be the begin of one.
                let long = line.len() > MAX_HEAD;
                return Some(Step::used(if long { seg.data.len() } else { at }));
            }
            if message::is_certain(line.trim_ascii_end()) {
                self.lane(seg.dir).lost = false;
                return (at > 0).then(|| Step::used(at));
            }
            at = at.saturating_add(line.len());
        }
        Some(Step::used(at))
    }

    /// Takes a message; false when its first line is none of SIP's.
    fn message(
        &mut self,
        head: &Head<'_>,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> bool {
        let Some(start) = Start::parse(head.first, b"SIP") else {
            if !seg.cut {
                out.anomaly(Anomaly::MalformedStart);
            }
            return false;
        };
        let headers = Headers::read(head);
        if headers.malformed && !seg.cut {
            out.anomaly(Anomaly::MalformedHeader);
        }
        if !headers.is_complete() && !seg.cut {
            out.anomaly(Anomaly::HeaderMissing);
        }
        let length = headers.content_length.unwrap_or(body.len());
        if length > body.len() && length <= MAX_BODY && !seg.cut {
            out.anomaly(Anomaly::BodyShort);
        }
        let body = body.get(..length).unwrap_or(body);
        let described = self.describe(body, &headers, seg, out);
        let media = described.as_ref().map(Description::summary).unwrap_or_default();
        if headers.basic {
            out.anomaly(Anomaly::ClearTextPassword);
        }
        if out.wants_messages() {
            out.message(&message_of(&start, &headers, length, media.clone()));
        }
        if !out.wants_transactions() {
            return true;
        }
        let keys = described.is_some_and(|d| d.media.iter().any(|media| media.has_keys));
        match start {
            Start::Request { method, uri, .. } => {
                let mut record = request_of(method, uri, &headers, length);
                record.media = media;
                record.media_keys_seen = keys;
                self.ask(record, &headers, seg, out);
            }
            Start::Response { status, reason, .. } => {
                let answer = Answer { status, reason: text(reason), length, media, keys };
                self.answer(&answer, &headers, seg, out);
            }
        }
        true
    }

    fn describe(
        &self,
        body: &[u8],
        headers: &Headers<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<Description> {
        let content_type = headers.content_type?;
        let described = Description::find(body, content_type);
        let is_description = crate::sdp::starts_without_case(content_type, b"application/sdp");
        let broken = match &described {
            Some(described) => described.malformed,
            None => is_description && !body.is_empty(),
        };
        if broken && !seg.cut {
            out.anomaly(Anomaly::MalformedDescription);
        }
        if let Some(described) = &described {
            described.announce(out);
        }
        described
    }

    fn ask(
        &mut self,
        record: SipTransaction,
        headers: &Headers<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let method = record.method.as_ref().map_or(&[][..], Text::as_bytes);
        self.follow(method, &record, headers, seg, out);
        // An acknowledgement has no answer.
        if method == b"ACK" {
            return;
        }
        let key = key_of(headers);
        let again = self.pending.iter_mut().find(|p| p.key == key && p.dir == seg.dir);
        if let Some(pending) = again {
            pending.record.retransmissions = pending.record.retransmissions.saturating_add(1);
            return;
        }
        if self.done.contains(&key) {
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(Pending { key, dir: seg.dir, time: seg.time, record });
    }

    /// What a request means for the call it belongs to.
    fn follow(
        &mut self,
        method: &[u8],
        record: &SipTransaction,
        headers: &Headers<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(id) = record.call_id.as_ref() else {
            return;
        };
        let position = self.calls.iter().position(|call| call.id == *id);
        let known = position.and_then(|at| self.calls.get_mut(at));
        match (method, known) {
            (b"INVITE", Some(call)) if !headers.is_within_dialog() => call.invite(record),
            (b"INVITE", None) if !headers.is_within_dialog() => {
                if self.calls.len() >= MAX_CALLS
                    && let Some(oldest) = self.calls.pop_front()
                {
                    out.anomaly(Anomaly::TooManyCalls);
                    out.transaction(oldest.start, oldest.into_record());
                }
                self.calls.push_back(Call::new(id.clone(), seg.time, seg.dir, record));
            }
            (b"CANCEL", Some(call)) => call.cancel(),
            (b"BYE", Some(call)) => {
                call.hang_up(seg.dir, seg.time);
                if let Some(call) = position.and_then(|at| self.calls.remove(at)) {
                    out.transaction(call.start, call.into_record());
                }
            }
            (_, Some(call)) => call.describe(&record.media, record.media_keys_seen),
            _ => {}
        }
    }

    fn answer(
        &mut self,
        answer: &Answer,
        headers: &Headers<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let key = key_of(headers);
        self.answer_call(answer, headers, seg, out);
        let asked = |p: &Pending| p.key == key && p.dir != seg.dir;
        let position = self.pending.iter().position(asked);
        let Some(pending) = position.and_then(|at| self.pending.get_mut(at)) else {
            if answer.status >= 200 && !self.done.contains(&key) {
                let mut record = SipTransaction { kind: "request", ..SipTransaction::default() };
                name(&mut record, headers);
                record.method = headers.seq.map(|(_, method)| text(method));
                record.fill(answer, headers);
                out.transaction(seg.time, record);
                self.remember(key);
            }
            return;
        };
        let since = seg.time.saturating_sub(pending.time) / 1000;
        pending.record.response_us = pending.record.response_us.or(Some(since));
        if !answer.media.is_empty() {
            pending.record.media.clone_from(&answer.media);
        }
        pending.record.media_keys_seen |= answer.keys;
        if answer.status < 200 {
            return;
        }
        pending.record.duration_us = Some(since);
        pending.record.fill(answer, headers);
        if let Some(pending) = position.and_then(|at| self.pending.remove(at)) {
            out.transaction(pending.time, pending.record);
        }
        self.remember(key);
    }

    fn answer_call(
        &mut self,
        answer: &Answer,
        headers: &Headers<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let invited = headers.seq.is_some_and(|(_, method)| method == b"INVITE");
        let id = headers.call_id.map(text).filter(|_| invited);
        let position = id.and_then(|id| self.calls.iter().position(|call| call.id == id));
        let Some(call) = position.and_then(|at| self.calls.get_mut(at)) else {
            return;
        };
        if headers.seq.map(|(seq, _)| seq) != call.record.seq {
            // Of a later invitation within the call: the media change, the call is the same.
            call.describe(&answer.media, answer.keys);
            return;
        }
        call.describe(&answer.media, answer.keys);
        if let Some(server) = headers.server.or(headers.user_agent) {
            call.record.server = Some(text(server));
        }
        if call.answer(answer.status, &answer.reason, seg.time)
            && let Some(call) = position.and_then(|at| self.calls.remove(at))
        {
            out.transaction(call.start, call.into_record());
        }
    }

    fn remember(&mut self, key: Key) {
        if self.done.len() >= MAX_DONE {
            self.done.pop_front();
        }
        self.done.push_back(key);
    }
}

/// What a response says.
struct Answer {
    status: u16,
    reason: Text,
    length: usize,
    media: Vec<Text>,
    keys: bool,
}

impl SipTransaction {
    fn fill(&mut self, answer: &Answer, headers: &Headers<'_>) {
        self.status = Some(answer.status);
        self.reason = Some(answer.reason.clone()).filter(|reason| !reason.is_empty());
        self.server = headers.server.or(headers.user_agent).map(text);
        self.mime = headers.content_type.map(text);
        self.response_length = count(answer.length);
    }
}

fn key_of(headers: &Headers<'_>) -> Key {
    let (seq, method) = headers.seq.unwrap_or_default();
    let branch = headers.branch.or(headers.call_id).unwrap_or_default();
    Key { branch: Text::bounded(branch, MAX_KEY), seq, method: Text::bounded(method, MAX_KEY) }
}

fn name(record: &mut SipTransaction, headers: &Headers<'_>) {
    record.from = headers.from.map(|from| text(message::address(from)));
    record.to = headers.to.map(|to| text(message::address(to)));
    record.call_id = headers.call_id.map(text);
    record.seq = headers.seq.map(|(seq, _)| seq);
}

fn request_of(method: &[u8], uri: &[u8], headers: &Headers<'_>, length: usize) -> SipTransaction {
    let mut record = SipTransaction {
        kind: "request",
        method: Some(text(method)),
        uri: Some(text(uri)),
        contact: headers.contact.map(|contact| text(message::address(contact))),
        subject: headers.subject.map(text),
        user_agent: headers.user_agent.map(text),
        expires_s: headers.expires,
        authenticated: headers.auth_user.is_some(),
        auth_user: headers.auth_user.filter(|user| !user.is_empty()).map(text),
        clear_text: headers.basic,
        request_mime: headers.content_type.map(text),
        request_length: count(length),
        ..SipTransaction::default()
    };
    name(&mut record, headers);
    record
}

fn message_of<'a>(
    start: &Start<'a>,
    headers: &Headers<'a>,
    length: usize,
    media: Vec<Text>,
) -> SipMessage<'a> {
    let mut message = SipMessage {
        from: headers.from.map(TextRef),
        to: headers.to.map(TextRef),
        call_id: headers.call_id.map(TextRef),
        seq: headers.seq.map(|(seq, _)| seq),
        seq_method: headers.seq.map(|(_, method)| TextRef(method)),
        branch: headers.branch.map(TextRef),
        hops: headers.hops,
        contact: headers.contact.map(TextRef),
        user_agent: headers.user_agent.map(TextRef),
        server: headers.server.map(TextRef),
        content_type: headers.content_type.map(TextRef),
        body_length: count(length),
        media,
        ..SipMessage::default()
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

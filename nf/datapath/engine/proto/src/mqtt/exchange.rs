//! Requests waiting for their answers, and what each packet means for them.

use std::collections::VecDeque;

use nf_fields::{BinaryRef, Text, TextRef};

use super::message::{self, Header, VERSION_5, is_text, kind};
use super::property::Properties;
use super::record::{self, MAX_TEXT, MAX_TOPICS, MqttMessage, MqttTransaction};
use super::{Mqtt, MqttAnomaly};
use crate::{Direction, Segment, Sink};

/// Most requests that wait.
const MAX_PENDING: usize = 64;
/// Most octets of text that requests keep while they wait: one with long topics is as good as many.
const MAX_WAITING: usize = 64 * 1024;
/// Most topic aliases of a direction.
const MAX_ALIASES: usize = 64;

/// Topics that numbers stand for (MQTT 5.0 §3.3.2.3.4), one per direction.
#[derive(Debug, Default)]
pub(super) struct Aliases(Vec<(u16, Box<[u8]>)>);

impl Aliases {
    fn set(&mut self, alias: u16, topic: &[u8]) {
        let topic = topic.get(..MAX_TEXT).unwrap_or(topic).into();
        if let Some((_, old)) = self.0.iter_mut().find(|(known, _)| *known == alias) {
            *old = topic;
        } else if self.0.len() < MAX_ALIASES {
            self.0.push((alias, topic));
        }
    }

    fn get(&self, alias: u16) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == alias).map(|(_, topic)| &**topic)
    }
}

#[derive(Debug)]
struct Request {
    kind: u8,
    dir: Direction,
    id: u16,
    start: u64,
    record: MqttTransaction,
}

/// Requests without their last answer, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending(VecDeque<Request>);

impl Pending {
    fn push(&mut self, request: Request, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        let room = MAX_WAITING.saturating_sub(request.record.text_octets());
        while !self.0.is_empty() && (self.0.len() >= MAX_PENDING || self.text_octets() > room) {
            out.anomaly(MqttAnomaly::TooManyPending);
            self.give_up(out);
        }
        self.0.push_back(request);
    }

    fn text_octets(&self) -> usize {
        self.0.iter().map(|request| request.record.text_octets()).sum()
    }

    /// The request that an answer coming in direction `dir` belongs to.
    fn find(&mut self, kind: u8, id: u16, dir: Direction) -> Option<usize> {
        self.0.iter().position(|r| r.kind == kind && r.id == id && r.dir == dir.reverse())
    }

    /// Reports the oldest as it is; false when there is none.
    pub(super) fn give_up(&mut self, out: &mut Sink<'_>) -> bool {
        match self.0.pop_front() {
            Some(request) => {
                out.transaction(request.start, request.record);
                true
            }
            None => false,
        }
    }
}

/// The request that a kind of answer belongs to, and whether it is the last one.
fn asked(answer: u8) -> u8 {
    match answer {
        kind::CONNACK => kind::CONNECT,
        kind::SUBACK => kind::SUBSCRIBE,
        kind::UNSUBACK => kind::UNSUBSCRIBE,
        _ => kind::PUBLISH,
    }
}

impl Mqtt {
    /// Reads a packet; `None` when its parts do not fit together.
    pub(super) fn read(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        match header.kind {
            kind::CONNECT => self.connect(header, body, seg, out),
            kind::CONNACK => {
                let (present, code, properties) = message::connack(body, self.version)?;
                tell(header, MqttMessage { reason_code: Some(code), ..Default::default() }, out);
                self.answer(header, 0, Some(code), properties, seg, out, |record| {
                    record.session_present = Some(present);
                });
                Some(())
            }
            kind::PUBLISH => self.publish(header, body, seg, out),
            kind::SUBSCRIBE | kind::UNSUBSCRIBE => self.subscribe(header, body, seg, out),
            kind::SUBACK | kind::UNSUBACK => {
                let (id, properties, codes) = message::granted(body, self.version)?;
                tell(header, MqttMessage { message_id: Some(id), ..Default::default() }, out);
                let codes = codes.iter().copied().take(MAX_TOPICS).collect::<Vec<_>>();
                self.answer(header, id, None, properties, seg, out, |record| {
                    record.reason_codes = (!codes.is_empty()).then_some(codes);
                });
                Some(())
            }
            kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP => {
                let (id, code, properties) = message::acknowledgement(body, self.version)?;
                let said =
                    MqttMessage { message_id: Some(id), reason_code: code, ..Default::default() };
                tell(header, said, out);
                // The publisher's own release of the message answers nothing.
                if header.kind != kind::PUBREL {
                    self.answer(header, id, code, properties, seg, out, |_| {});
                }
                Some(())
            }
            kind::DISCONNECT | kind::AUTH => {
                // A session whose beginning was not seen may be of any version.
                let version = if self.connected { self.version } else { VERSION_5 };
                let (code, properties) = message::reason(body, version)?;
                tell(header, MqttMessage { reason_code: code, ..Default::default() }, out);
                let mut record = MqttTransaction::of(header, seg.dir == Direction::Up);
                record.code(code.filter(|_| self.connected || !body.is_empty()), version);
                record.properties = properties.keep();
                record.complete = true;
                out.transaction(seg.time, record);
                Some(())
            }
            _ => {
                tell(header, MqttMessage::default(), out);
                body.is_empty().then_some(())
            }
        }
    }

    fn connect(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        if std::mem::replace(&mut self.connected, true) {
            out.anomaly(MqttAnomaly::RepeatedConnect);
        }
        let packet = message::connect(body)?;
        self.version = packet.version;
        let texts = [Some(packet.client_id), packet.username, packet.will.map(|will| will.topic)];
        if !texts.into_iter().flatten().all(is_text) {
            out.anomaly(MqttAnomaly::InvalidText);
        }
        let said = MqttMessage {
            protocol_version: Some(packet.version),
            client_id: Some(TextRef(packet.client_id)),
            username: packet.username.map(TextRef),
            ..Default::default()
        };
        tell(header, said, out);
        if out.wants_transactions() {
            let mut record = MqttTransaction::of(header, seg.dir == Direction::Up);
            record.connect(&packet);
            self.wait(kind::CONNECT, 0, seg, record, out);
        }
        Some(())
    }

    fn publish(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        let packet = message::publish(body, header.qos(), self.version)?;
        if !is_text(packet.topic) || packet.topic.iter().any(|b| matches!(b, b'#' | b'+')) {
            out.anomaly(MqttAnomaly::InvalidText);
        }
        let aliases = &mut self.lane(seg.dir).aliases;
        let alias = packet.properties.topic_alias();
        let topic = match alias {
            Some(alias) if packet.topic.is_empty() => aliases.get(alias),
            Some(alias) => {
                aliases.set(alias, packet.topic);
                Some(packet.topic)
            }
            None => Some(packet.topic),
        };
        if topic.is_none() {
            out.anomaly(MqttAnomaly::UnknownAlias);
        }
        let said = MqttMessage {
            message_id: packet.message_id,
            topic: topic.map(TextRef),
            message: Some(BinaryRef(packet.message)),
            ..Default::default()
        };
        tell(header, said, out);
        if !out.wants_transactions() {
            return Some(());
        }
        let mut record = MqttTransaction::of(header, seg.dir == Direction::Up);
        record.publish(&packet, topic, header.length);
        match packet.message_id {
            Some(id) => {
                let again = self.pending.find(kind::PUBLISH, id, seg.dir.reverse());
                match again.and_then(|at| self.pending.0.get_mut(at)) {
                    Some(request) if header.dup() => request.record.dup = true,
                    _ => self.wait(kind::PUBLISH, id, seg, record, out),
                }
            }
            None => {
                record.complete = true;
                out.transaction(seg.time, record);
            }
        }
        Some(())
    }

    fn subscribe(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        let (id, properties, mut filters) = message::filters(body, self.version)?;
        let subscribes = header.kind == kind::SUBSCRIBE;
        let (mut topics, mut qualities) = (Vec::new(), Vec::new());
        let mut texts = true;
        // What is longer than is read is cut in the middle of a filter.
        let whole = body.len() as u64 == u64::from(header.length);
        while !filters.is_empty() {
            let filter = filters.prefixed_u16();
            let options = if subscribes { filters.u8() } else { Some(0) };
            let (Some(filter), Some(options)) = (filter, options) else {
                if whole {
                    return None;
                }
                break;
            };
            texts &= is_text(filter);
            if topics.len() < MAX_TOPICS {
                topics.push(Text::bounded(filter, MAX_TEXT));
                qualities.push(options & 3);
            }
        }
        if topics.is_empty() {
            out.anomaly(MqttAnomaly::NoTopics);
        }
        if !texts {
            out.anomaly(MqttAnomaly::InvalidText);
        }
        if qualities.contains(&3) {
            out.anomaly(MqttAnomaly::InvalidQos);
        }
        tell(header, MqttMessage { message_id: Some(id), ..Default::default() }, out);
        if out.wants_transactions() {
            let mut record = MqttTransaction::of(header, seg.dir == Direction::Up);
            record.message_id = Some(id);
            record.topics = Some(topics);
            record.topics_qos = subscribes.then_some(qualities);
            record.properties = properties.keep();
            self.wait(header.kind, id, seg, record, out);
        }
        Some(())
    }

    fn wait(
        &mut self,
        kind: u8,
        id: u16,
        seg: &Segment<'_>,
        record: MqttTransaction,
        out: &mut Sink<'_>,
    ) {
        let request = Request { kind, dir: seg.dir, id, start: seg.time, record };
        self.pending.push(request, out);
    }

    /// An answer with its code; the request is reported unless more answers will follow.
    #[allow(clippy::too_many_arguments, reason = "the parts of an answer")]
    fn answer(
        &mut self,
        header: &Header,
        id: u16,
        code: Option<u8>,
        properties: Properties<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
        add: impl FnOnce(&mut MqttTransaction),
    ) {
        let found = self.pending.find(asked(header.kind), id, seg.dir);
        let Some(request) = found.and_then(|at| self.pending.0.get_mut(at)) else {
            // Without a listener no request is remembered, so that none can be missed.
            if out.wants_transactions() {
                out.anomaly(MqttAnomaly::UnaskedAnswer);
            }
            return;
        };
        let record = &mut request.record;
        record.code(code, self.version);
        record.response_properties = properties.keep().or(record.response_properties.take());
        record.response_us = Some(seg.time.saturating_sub(request.start) / 1000);
        add(record);
        let refused = code.is_some_and(|code| code >= 0x80);
        if header.kind == kind::PUBREC && !refused {
            return;
        }
        record.complete = true;
        if let Some(request) = found.and_then(|at| self.pending.0.remove(at)) {
            out.transaction(request.start, request.record);
        }
    }
}

/// Reports a packet to who listens.
fn tell(header: &Header, said: MqttMessage<'_>, out: &mut Sink<'_>) {
    if out.wants_messages() {
        let shown = record::message(header);
        out.message(&MqttMessage {
            kind: shown.kind,
            message_type: shown.message_type,
            dup: shown.dup,
            qos: shown.qos,
            retain: shown.retain,
            length: shown.length,
            ..said
        });
    }
}

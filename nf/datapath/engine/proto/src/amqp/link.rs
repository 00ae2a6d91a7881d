//! Frames of 1.0 in order: the login, the opening, links and what goes over them.

use super::AmqpAnomaly;
use super::newer::{Header, Value, code, performative, word};
use super::record::{AmqpMessage, AmqpTransaction, text};
use crate::{Direction, NameSource, Segment, Sink};
use nf_fields::Text;

/// Most links that are remembered.
const MAX_LINKS: usize = 64;
const VERSION: &str = "1.0";

#[derive(Debug)]
struct Begun {
    dir: Direction,
    start: u64,
    record: AmqpTransaction,
}

#[derive(Debug)]
struct Link {
    dir: Direction,
    channel: u16,
    handle: u64,
    name: Option<Text>,
    address: Option<Text>,
}

/// What is under way in a session of 1.0.
#[derive(Debug, Default)]
pub(super) struct Links {
    pending: Vec<Begun>,
    known: Vec<Link>,
    /// Something was lost.
    pub(super) torn: bool,
}

fn at<'a>(items: &[Value<'a>], index: usize) -> Value<'a> {
    items.get(index).copied().unwrap_or(Value::Null)
}

impl Links {
    /// Takes a frame.
    pub(super) fn take(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        // An empty frame keeps a connection alive.
        if body.is_empty() {
            return;
        }
        let Some((number, items, rest)) = performative(body) else {
            out.anomaly(AmqpAnomaly::MalformedMethod);
            return;
        };
        let Some(name) = word(number) else {
            out.anomaly(AmqpAnomaly::UnknownMethod);
            return;
        };
        if out.wants_messages() {
            out.message(&AmqpMessage {
                method: name,
                channel: header.channel,
                length: u32::try_from(header.length.saturating_sub(header.offset)).unwrap_or(0),
                ..AmqpMessage::default()
            });
        }
        let mut record = AmqpTransaction {
            method: name,
            from_initiator: seg.dir == Direction::Up,
            version: VERSION,
            channel: header.channel,
            ..AmqpTransaction::default()
        };
        match (number, header.sasl) {
            (code::SASL_INIT, true) => {
                record.method = "sasl";
                let proof = at(&items, 1).text().unwrap_or_default();
                record.login(at(&items, 0).text().unwrap_or_default(), proof);
                record.vhost = at(&items, 2).text().map(text);
                self.begin(record, seg, out);
            }
            (code::SASL_OUTCOME, true) => {
                let refused = at(&items, 0).number().and_then(|code| u16::try_from(code).ok());
                self.finish("sasl", None, seg, out, |record| record.reply_code = refused);
            }
            (code::OPEN, false) => self.open(record, &items, seg, out),
            (code::ATTACH, false) => self.attach(record, &items, seg, out),
            (code::TRANSFER, false) => {
                self.describe(&mut record, at(&items, 0), seg);
                let beyond = header.length.saturating_sub(header.offset).saturating_sub(body.len());
                record.length = Some(rest.len().saturating_add(beyond) as u64);
                record.complete = at(&items, 5) != Value::Bool(true);
                out.transaction(seg.time, record);
            }
            (code::DETACH, false) => {
                self.describe(&mut record, at(&items, 0), seg);
                self.close(record, at(&items, 2), seg, out);
            }
            (code::END | code::CLOSE, false) => self.close(record, at(&items, 0), seg, out),
            _ => {}
        }
    }

    fn begin(&mut self, record: AmqpTransaction, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        if self.pending.len() >= MAX_LINKS {
            out.anomaly(AmqpAnomaly::TooManyPending);
            let oldest = self.pending.remove(0);
            out.transaction(oldest.start, oldest.record);
        }
        self.pending.push(Begun { dir: seg.dir, start: seg.time, record });
    }

    /// The other side's part of what one side began; false when nobody did.
    fn finish(
        &mut self,
        method: &str,
        link: Option<&Text>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
        add: impl FnOnce(&mut AmqpTransaction),
    ) -> bool {
        let of = |b: &Begun| {
            let same = b.record.method == method && b.dir != seg.dir;
            same && b.record.link.as_ref() == link
        };
        let Some(found) = self.pending.iter().position(of) else {
            return false;
        };
        let mut begun = self.pending.remove(found);
        add(&mut begun.record);
        begun.record.complete = true;
        begun.record.response_us = Some(seg.time.saturating_sub(begun.start) / 1000);
        out.transaction(begun.start, begun.record);
        true
    }

    fn open(
        &mut self,
        mut record: AmqpTransaction,
        items: &[Value<'_>],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let container = at(items, 0).text().map(text);
        let host = at(items, 1).text();
        let answer = container.clone();
        if self.finish("open", None, seg, out, |record| record.peer_container_id = answer) {
            return;
        }
        if let Some(host) = host.filter(|host| !host.is_empty()) {
            out.server_name(NameSource::Host, host);
        }
        record.container_id = container;
        record.vhost = host.map(text);
        self.begin(record, seg, out);
    }

    fn attach(
        &mut self,
        mut record: AmqpTransaction,
        items: &[Value<'_>],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let name = at(items, 0).text().map(text);
        let handle = at(items, 1).number().unwrap_or(0);
        let receives = at(items, 2) == Value::Bool(true);
        let end = |index: usize| at(items, index).items().first().and_then(|a| a.text()).map(text);
        // Where a sender sends to, and where a receiver takes from.
        let address = if receives { end(5).or(end(6)) } else { end(6).or(end(5)) };
        if self.known.len() >= MAX_LINKS {
            self.known.remove(0);
        }
        self.known.push(Link {
            dir: seg.dir,
            channel: record.channel,
            handle,
            name: name.clone(),
            address: address.clone(),
        });
        if self.finish("attach", name.as_ref(), seg, out, |record| {
            record.address = record.address.take().or(address.clone());
        }) {
            return;
        }
        record.link = name;
        record.address = address;
        record.role = Some(if receives { "receiver" } else { "sender" });
        self.begin(record, seg, out);
    }

    /// Which link a handle of that direction stands for.
    fn describe(&self, record: &mut AmqpTransaction, handle: Value<'_>, seg: &Segment<'_>) {
        let handle = handle.number().unwrap_or(0);
        let of = |l: &&Link| l.dir == seg.dir && l.channel == record.channel && l.handle == handle;
        if let Some(link) = self.known.iter().rev().find(of) {
            record.link = link.name.clone();
            record.address = link.address.clone();
        }
    }

    /// One side ends something, perhaps with a reason; the other side's answer says no more.
    fn close(
        &mut self,
        mut record: AmqpTransaction,
        error: Value<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        record.error = error.items().first().and_then(|condition| condition.text()).map(text);
        let (method, link) = (record.method, record.link.clone());
        if !self.finish(method, link.as_ref(), seg, out, |_| {}) {
            self.begin(record, seg, out);
        }
    }

    /// Reports what waits as it is.
    pub(super) fn give_up_all(&mut self, out: &mut Sink<'_>) {
        for begun in self.pending.drain(..) {
            out.transaction(begun.start, begun.record);
        }
    }
}

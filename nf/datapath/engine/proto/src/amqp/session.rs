//! Frames of 0-9-1 in order: the login, calls and their answers, messages and their content.

use std::collections::VecDeque;

use nf_fields::TextRef;

use super::AmqpAnomaly;
use super::message::{self, Header, arguments, content, frame, long, short, table_text};
use super::record::{AmqpMessage, AmqpTransaction, text};
use crate::{Cursor, Direction, Segment, Sink};

/// Most calls that wait, and most messages under way.
const MAX_PENDING: usize = 64;
const VERSION: &str = "0-9-1";

#[derive(Debug)]
struct Call {
    dir: Direction,
    start: u64,
    record: AmqpTransaction,
}

/// A message whose content is still to come.
#[derive(Debug)]
struct Message {
    dir: Direction,
    start: u64,
    left: Option<u64>,
    record: AmqpTransaction,
}

/// What is under way in a session of 0-9-1.
#[derive(Debug, Default)]
pub(super) struct Calls {
    login: Option<Box<Call>>,
    pending: VecDeque<Call>,
    messages: VecDeque<Message>,
    /// Something was lost: answers may belong to calls that were not seen.
    pub(super) torn: bool,
}

/// The call that a method answers.
fn answered(name: &str) -> Option<&str> {
    if name == "basic.get-empty" {
        return Some("basic.get");
    }
    name.strip_suffix("-ok")
}

/// Whether a method waits for an answer.
fn is_call(name: &str) -> bool {
    matches!(
        name,
        "channel.open"
            | "channel.flow"
            | "channel.close"
            | "connection.close"
            | "exchange.declare"
            | "exchange.delete"
            | "exchange.bind"
            | "exchange.unbind"
            | "queue.declare"
            | "queue.bind"
            | "queue.purge"
            | "queue.delete"
            | "queue.unbind"
            | "basic.qos"
            | "basic.consume"
            | "basic.cancel"
            | "basic.get"
            | "basic.recover"
            | "confirm.select"
            | "tx.select"
            | "tx.commit"
            | "tx.rollback"
    )
}

/// Whether content follows a method.
fn has_content(name: &str) -> bool {
    matches!(name, "basic.publish" | "basic.deliver" | "basic.return" | "basic.get-ok")
}

impl Calls {
    /// Takes a frame.
    pub(super) fn take(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        match header.kind {
            frame::METHOD => {
                let read = self.method(header, body, seg, out);
                if read.is_none() {
                    out.anomaly(AmqpAnomaly::MalformedMethod);
                }
            }
            frame::HEADER => match content(body) {
                Some((length, kind)) => {
                    let Some(message) = self.message_of(header.channel, seg.dir) else {
                        return self.stray(out);
                    };
                    message.record.length = Some(length);
                    message.record.content_type = kind.map(text);
                    message.left = Some(length);
                    self.finish_message(header.channel, seg.dir, out);
                }
                None => out.anomaly(AmqpAnomaly::MalformedMethod),
            },
            frame::BODY => {
                let Some(message) = self.message_of(header.channel, seg.dir) else {
                    return self.stray(out);
                };
                let taken = header.length as u64;
                message.left = message.left.map(|left| left.saturating_sub(taken));
                self.finish_message(header.channel, seg.dir, out);
            }
            _ => {}
        }
    }

    /// Content of no message.
    fn stray(&self, out: &mut Sink<'_>) {
        if !self.torn && out.wants_transactions() {
            out.anomaly(AmqpAnomaly::Unasked);
        }
    }

    fn message_of(&mut self, channel: u16, dir: Direction) -> Option<&mut Message> {
        self.messages.iter_mut().find(|m| m.record.channel == channel && m.dir == dir)
    }

    fn finish_message(&mut self, channel: u16, dir: Direction, out: &mut Sink<'_>) {
        let of = |m: &Message| m.record.channel == channel && m.dir == dir && m.left == Some(0);
        let found = self.messages.iter().position(of);
        if let Some(mut message) = found.and_then(|at| self.messages.remove(at)) {
            message.record.complete = true;
            out.transaction(message.start, message.record);
        }
    }

    fn method(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        let mut c = Cursor::new(body);
        let Some(name) = message::method(c.u16()?, c.u16()?) else {
            out.anomaly(AmqpAnomaly::UnknownMethod);
            return Some(());
        };
        let said = arguments(name, c.rest())?;
        if out.wants_messages() {
            out.message(&AmqpMessage {
                method: name,
                channel: header.channel,
                length: u32::try_from(header.length).unwrap_or(u32::MAX),
                exchange: said.exchange.map(TextRef),
                queue: said.queue.map(TextRef),
                routing_key: said.routing_key.map(TextRef),
            });
        }
        if !out.wants_transactions() {
            return Some(());
        }
        if name.starts_with("connection.") && self.log_in(name, c.rest(), &said, seg, out)? {
            return Some(());
        }
        let up = seg.dir == Direction::Up;
        let mut record = AmqpTransaction {
            method: name,
            from_initiator: up,
            version: VERSION,
            channel: header.channel,
            ..AmqpTransaction::default()
        };
        record.add(&said);
        if let Some(call) = answered(name) {
            self.answer(call, header.channel, &said, seg, out);
        }
        if has_content(name) {
            if self.messages.len() >= MAX_PENDING
                && let Some(oldest) = self.messages.pop_front()
            {
                out.anomaly(AmqpAnomaly::TooManyPending);
                out.transaction(oldest.start, oldest.record);
            }
            self.messages.push_back(Message { dir: seg.dir, start: seg.time, left: None, record });
        } else if is_call(name) && !said.no_wait {
            if self.pending.len() >= MAX_PENDING
                && let Some(oldest) = self.pending.pop_front()
            {
                out.anomaly(AmqpAnomaly::TooManyPending);
                out.transaction(oldest.start, oldest.record);
            }
            self.pending.push_back(Call { dir: seg.dir, start: seg.time, record });
        } else if is_call(name) || name == "connection.blocked" {
            record.complete = true;
            out.transaction(seg.time, record);
        }
        Some(())
    }

    fn answer(
        &mut self,
        call: &str,
        channel: u16,
        said: &message::Said<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let of =
            |c: &Call| c.record.method == call && c.record.channel == channel && c.dir != seg.dir;
        let found = self.pending.iter().position(of);
        let Some(mut call) = found.and_then(|at| self.pending.remove(at)) else {
            return self.stray(out);
        };
        call.record.add(said);
        call.record.complete = true;
        call.record.response_us = Some(seg.time.saturating_sub(call.start) / 1000);
        out.transaction(call.start, call.record);
    }

    /// A method of the login; false for those of a connection that is open.
    fn log_in(
        &mut self,
        name: &str,
        rest: &[u8],
        said: &message::Said<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<bool> {
        let mut c = Cursor::new(rest);
        if name == "connection.start" {
            c.skip(2)?;
            let table = long(&mut c)?;
            let record = AmqpTransaction {
                method: "connection",
                // The client begins, though the server speaks first.
                from_initiator: seg.dir == Direction::Down,
                version: VERSION,
                server_product: table_text(table, b"product").map(text),
                server_version: table_text(table, b"version").map(text),
                ..AmqpTransaction::default()
            };
            self.login = Some(Box::new(Call { dir: seg.dir, start: seg.time, record }));
            return Some(true);
        }
        let Some(login) = &mut self.login else {
            return Some(!matches!(
                name,
                "connection.close" | "connection.close-ok" | "connection.blocked"
            ));
        };
        match name {
            "connection.start-ok" => {
                let table = long(&mut c)?;
                login.record.client_product = table_text(table, b"product").map(text);
                login.record.client_version = table_text(table, b"version").map(text);
                let (mechanism, proof) = (short(&mut c)?, long(&mut c)?);
                login.record.login(mechanism, proof);
            }
            "connection.open" => login.record.add(said),
            "connection.open-ok" | "connection.close" => {
                login.record.add(said);
                login.record.complete = name == "connection.open-ok";
                login.record.response_us = Some(seg.time.saturating_sub(login.start) / 1000);
                if let Some(login) = self.login.take() {
                    out.transaction(login.start, login.record);
                }
                return Some(name == "connection.open-ok");
            }
            _ => {}
        }
        Some(true)
    }

    /// Reports what waits as it is.
    pub(super) fn give_up_all(&mut self, out: &mut Sink<'_>) {
        if let Some(login) = self.login.take() {
            out.transaction(login.start, login.record);
        }
        while let Some(call) = self.pending.pop_front() {
            out.transaction(call.start, call.record);
        }
        while let Some(message) = self.messages.pop_front() {
            out.transaction(message.start, message.record);
        }
    }
}

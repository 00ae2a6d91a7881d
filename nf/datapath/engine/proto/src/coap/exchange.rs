//! Requests waiting for their responses, and what each message means for them.

use std::collections::VecDeque;

use nf_fields::Text;

use super::CoapAnomaly;
use super::message::{EMPTY, Message, is_request, is_response, kind};
use super::record::{CoapTransaction, Said};
use crate::{Direction, NameSource, Segment, Sink};

/// Most requests that wait.
const MAX_PENDING: usize = 64;
/// Most observations.
const MAX_OBSERVED: usize = 32;
/// Most answered messages that are remembered, for those that are sent again.
const MAX_ANSWERED: usize = 16;
/// Signals (RFC 8323 §5).
const PING: u8 = 0xe2;
const PONG: u8 = 0xe3;

type Token = Box<[u8]>;

#[derive(Debug)]
struct Request {
    dir: Direction,
    token: Token,
    id: Option<u16>,
    start: u64,
    /// An acknowledgement without response has come.
    acknowledged: bool,
    record: CoapTransaction,
}

#[derive(Debug)]
struct Observation {
    /// Direction of the request.
    dir: Direction,
    token: Token,
    path: Option<Text>,
}

/// What is under way in a session.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pending: VecDeque<Request>,
    observed: VecDeque<Observation>,
    /// Direction and identifier of messages that have been answered, or that answered.
    answered: VecDeque<(Direction, u16)>,
    /// The server's name as reported last.
    named: Option<Box<[u8]>>,
}

impl Exchange {
    /// Reports the oldest as it is; false when there is none.
    pub(super) fn give_up(&mut self, out: &mut Sink<'_>) -> bool {
        match self.pending.pop_front() {
            Some(request) => {
                out.transaction(request.start, request.record);
                true
            }
            None => false,
        }
    }

    /// Takes a message.
    pub(super) fn take(
        &mut self,
        message: &Message<'_>,
        said: &Said<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if is_request(message.code) {
            self.name_server(said, out);
        }
        if !out.wants_transactions() {
            return;
        }
        match (message.datagram, message.code) {
            (_, code) if is_request(code) => self.ask("request", message, said, seg, out),
            (_, code) if is_response(code) => self.respond(message, said, seg, out),
            (Some((kind::CONFIRMABLE, _)), EMPTY) => self.ask("ping", message, said, seg, out),
            (Some((kind, id)), EMPTY) => self.acknowledge(kind, id, seg, out),
            (None, PING) => self.ask("ping", message, said, seg, out),
            (None, PONG) => self.pong(message, seg, out),
            (None, EMPTY) => {}
            _ => {
                let up = seg.dir == Direction::Up;
                let mut record = CoapTransaction::of("signal", message, up);
                record.complete = true;
                out.transaction(seg.time, record);
            }
        }
    }

    fn name_server(&mut self, said: &Said<'_>, out: &mut Sink<'_>) {
        if let Some(host) = said.host.filter(|host| !host.is_empty())
            && self.named.as_deref() != Some(host)
        {
            self.named = Some(host.into());
            out.server_name(NameSource::Host, host);
        }
    }

    fn ask(
        &mut self,
        kind: &'static str,
        message: &Message<'_>,
        said: &Said<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let id = message.datagram.map(|(_, id)| id);
        // The same message again: its answer was lost, or is late.
        if let Some(id) = id {
            if self.answered.contains(&(seg.dir, id)) {
                return;
            }
            let same = |r: &&mut Request| r.dir == seg.dir && r.id == Some(id);
            if let Some(request) = self.pending.iter_mut().find(same) {
                let times = &mut request.record.retransmissions;
                *times = times.saturating_add(1);
                return;
            }
        }
        if self.pending.len() >= MAX_PENDING {
            out.anomaly(CoapAnomaly::TooManyPending);
            self.give_up(out);
        }
        let mut record = CoapTransaction::of(kind, message, seg.dir == Direction::Up);
        if kind == "request" {
            record.ask(said);
        }
        self.pending.push_back(Request {
            dir: seg.dir,
            token: message.token.into(),
            id,
            start: seg.time,
            acknowledged: false,
            record,
        });
    }

    fn remember(&mut self, dir: Direction, id: Option<u16>) {
        if let Some(id) = id {
            if self.answered.len() >= MAX_ANSWERED {
                self.answered.pop_front();
            }
            self.answered.push_back((dir, id));
        }
    }

    fn respond(
        &mut self,
        message: &Message<'_>,
        said: &Said<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let id = message.datagram.map(|(_, id)| id);
        let asked = |r: &Request| {
            let waits = r.record.kind == "request" && r.dir == seg.dir.reverse();
            waits && *r.token == *message.token
        };
        let found = self.pending.iter().position(asked);
        let Some(mut request) = found.and_then(|at| self.pending.remove(at)) else {
            // Sent again, or one of many.
            if id.is_some_and(|id| self.answered.contains(&(seg.dir, id))) {
                return;
            }
            self.remember(seg.dir, id);
            self.notify(message, said, seg, out);
            return;
        };
        let piggybacked = matches!(message.datagram, Some((kind::ACKNOWLEDGEMENT, _)));
        self.remember(request.dir, request.id);
        self.remember(seg.dir, id);
        let record = &mut request.record;
        let begins = record.observe == Some(0) && said.observe.is_some();
        record.answer(message.code, said);
        record.separate = message.datagram.map(|_| !piggybacked || request.acknowledged);
        record.response_us = Some(seg.time.saturating_sub(request.start) / 1000);
        record.complete = true;
        if begins {
            if self.observed.len() >= MAX_OBSERVED {
                self.observed.pop_front();
            }
            let path = record.uri_path.clone();
            self.observed.push_back(Observation { dir: request.dir, token: request.token, path });
        }
        out.transaction(request.start, request.record);
    }

    /// A response to no request that waits: of an observation, or of nothing.
    fn notify(
        &mut self,
        message: &Message<'_>,
        said: &Said<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let of = |o: &&Observation| o.dir == seg.dir.reverse() && *o.token == *message.token;
        let observation = self.observed.iter().find(of);
        if observation.is_none() {
            out.anomaly(CoapAnomaly::Unasked);
        }
        let path = observation.and_then(|observation| observation.path.clone());
        let up = seg.dir == Direction::Up;
        let mut record = CoapTransaction::of("notification", message, up);
        record.uri_path = path;
        record.answer(message.code, said);
        record.complete = true;
        out.transaction(seg.time, record);
    }

    /// An acknowledgement without response, or a reset.
    fn acknowledge(&mut self, kind: u8, id: u16, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let of = |r: &Request| r.dir == seg.dir.reverse() && r.id == Some(id);
        let found = self.pending.iter().position(of);
        if kind == kind::ACKNOWLEDGEMENT {
            // A notification may be acknowledged, too.
            let known = self.answered.contains(&(seg.dir.reverse(), id));
            match found.and_then(|at| self.pending.get_mut(at)) {
                Some(request) => request.acknowledged = true,
                None if known => {}
                None => out.anomaly(CoapAnomaly::Unasked),
            }
            return;
        }
        // Who does not know a notification ends the observation by this.
        let Some(mut request) = found.and_then(|at| self.pending.remove(at)) else {
            return;
        };
        self.remember(request.dir, request.id);
        request.record.reset = Some(true);
        request.record.complete = request.record.kind == "ping";
        request.record.response_us = Some(seg.time.saturating_sub(request.start) / 1000);
        out.transaction(request.start, request.record);
    }

    /// The answer to a ping over TCP.
    fn pong(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let of = |r: &Request| {
            let waits = r.record.kind == "ping" && r.dir == seg.dir.reverse();
            waits && *r.token == *message.token
        };
        let found = self.pending.iter().position(of);
        let Some(mut request) = found.and_then(|at| self.pending.remove(at)) else {
            out.anomaly(CoapAnomaly::Unasked);
            return;
        };
        request.record.complete = true;
        request.record.response_us = Some(seg.time.saturating_sub(request.start) / 1000);
        out.transaction(request.start, request.record);
    }
}

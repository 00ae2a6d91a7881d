//! Requests, their results, and what a session learns from them.

use nf_fields::{ProtoId, Text, TextRef};
use nf_wire::Transport;

use super::message::{Auth, Envelope, Message, Op, Outcome, begins, envelope, parse, result_word};
use super::record::{LdapMessage, LdapTransaction};
use super::{Anomaly, Lane, Ldap, MAX_PENDING, MAX_TEXT, Request};
use crate::{Direction, Segment, Sink, Step};

/// What follows StartTLS.
const TLS: ProtoId = ProtoId(341);
/// The operation that begins TLS.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

fn some(octets: &[u8]) -> Option<Text> {
    (!octets.is_empty()).then(|| Text::bounded(octets, MAX_TEXT))
}

fn since(start: u64, end: u64) -> u64 {
    end.saturating_sub(start) / 1000
}

impl Ldap {
    pub(super) fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes what there is of messages.
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let stream = seg.flow.transport == Transport::Tcp;
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            if data.is_empty() {
                return Step::used(used);
            }
            let lane = self.lane(seg.dir);
            if lane.skip > 0 {
                let here = lane.skip.min(data.len());
                lane.skip = lane.skip.saturating_sub(here);
                used = used.saturating_add(here);
                continue;
            }
            let lost = lane.lost;
            if self.starting_tls && matches!(data, [0x16, 3, ..]) {
                return Step::handover(used, Some(TLS));
            }
            match envelope(data) {
                Envelope::Whole(whole) => {
                    let octets = data.get(..whole).unwrap_or_default();
                    let Some(message) = parse(octets) else {
                        if !lost && !seg.cut {
                            out.anomaly(Anomaly::MalformedMessage);
                        }
                        if lost {
                            return Step::all(seg);
                        }
                        // Its length was good: the next message is where it ends.
                        used = used.saturating_add(whole);
                        continue;
                    };
                    self.lane(seg.dir).lost = false;
                    used = used.saturating_add(whole);
                    if self.message(seg, &message, out) {
                        return Step::handover(used, Some(TLS));
                    }
                }
                _ if lost => return Step::all(seg),
                Envelope::Partial(whole) if stream => return Step::need(used, whole),
                Envelope::TooLong(whole) if stream => {
                    // Its head must be there to count it.
                    let Some(Some((id, op, ..))) = begins(data) else {
                        if data.len() < 32 {
                            return Step::used(used);
                        }
                        return self.malformed(seg, out);
                    };
                    out.anomaly(Anomaly::MessageTooLong);
                    if op == 0x64 {
                        self.found(id, seg.time, true);
                    }
                    self.lane(seg.dir).skip = whole;
                }
                Envelope::Partial(_) | Envelope::TooLong(_) if seg.cut => return Step::all(seg),
                _ => return self.malformed(seg, out),
            }
        }
    }

    fn malformed(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if self.protected && seg.flow.transport == Transport::Tcp {
            return Step::done();
        }
        out.anomaly(Anomaly::MalformedMessage);
        self.lossy = true;
        if seg.flow.transport == Transport::Tcp {
            self.lane(seg.dir).lost = true;
        }
        Step::all(seg)
    }

    /// Takes a message; true when what follows is TLS.
    fn message(&mut self, seg: &Segment<'_>, message: &Message<'_>, out: &mut Sink<'_>) -> bool {
        if out.wants_messages() {
            out.message(&message_of(message));
        }
        if message.op.is_request() {
            self.request(seg, message, out);
            return false;
        }
        match &message.op {
            Op::Entry { .. } => self.found(message.id, seg.time, true),
            Op::Reference => self.found(message.id, seg.time, false),
            Op::Result { outcome, name, .. } => {
                return self.result(seg, message.id, outcome, name, out);
            }
            _ => {}
        }
        false
    }

    fn found(&mut self, id: u32, time: u64, entry: bool) {
        if let Some(request) = self.pending.iter_mut().find(|r| r.record.message_id == id) {
            request.answered.get_or_insert(time);
            let count = match entry {
                true => &mut request.record.entries,
                false => &mut request.record.references,
            };
            *count = count.saturating_add(1);
        }
    }

    fn request(&mut self, seg: &Segment<'_>, message: &Message<'_>, out: &mut Sink<'_>) {
        let mut record = record_of(message);
        if std::mem::take(&mut self.starting_tls) {
            out.anomaly(Anomaly::RequestAfterStartTls);
        }
        match &message.op {
            Op::Extended { name } => self.starting_tls = *name == START_TLS,
            Op::Bind { auth, .. } => {
                if let Auth::Sasl { credentials, .. } = auth
                    && self.ntlm.learn_anew(credentials).is_some()
                {
                    record.ntlm = Some(self.ntlm.clone());
                }
                self.mechanism = record.auth_mechanism.clone();
                record.clear_text |= self
                    .mechanism
                    .as_ref()
                    .is_some_and(|m| matches!(m.as_bytes(), b"PLAIN" | b"LOGIN" | b"OAUTHBEARER"));
            }
            _ => {}
        }
        let answered = !matches!(message.op, Op::Unbind | Op::Abandon { .. });
        let request = Request { time: seg.time, answered: None, record };
        if !answered {
            report(request, out);
            return;
        }
        self.pending.push_back(request);
        if self.pending.len() > MAX_PENDING {
            out.anomaly(Anomaly::TooManyPending);
            if let Some(oldest) = self.pending.pop_front() {
                report(oldest, out);
            }
        }
    }

    fn result(
        &mut self,
        seg: &Segment<'_>,
        id: u32,
        outcome: &Outcome<'_>,
        name: &[u8],
        out: &mut Sink<'_>,
    ) -> bool {
        let position = self.pending.iter().position(|r| r.record.message_id == id);
        let Some(mut request) = position.and_then(|at| self.pending.remove(at)) else {
            if id == 0 {
                // The server says something of its own accord.
                let record = LdapTransaction {
                    operation: "unsolicited_notification",
                    oid: some(name),
                    ..LdapTransaction::default()
                };
                let mut request = Request { time: seg.time, answered: None, record };
                fill(&mut request, outcome, None);
                report(request, out);
            } else if !self.lossy {
                out.anomaly(Anomaly::UnaskedResult);
            }
            return false;
        };
        fill(&mut request, outcome, Some(seg.time));
        if request.record.ntlm.is_some() && self.ntlm.learn_anew(outcome.credentials).is_some() {
            request.record.ntlm = Some(self.ntlm.clone());
        }
        let mut secured = false;
        match request.record.operation {
            "bind_request" => match outcome.code {
                0 => {
                    // No other protocol can begin any more, and no name be told.
                    out.settled();
                    self.protected |= self.mechanism.is_some();
                }
                14 => {}
                _ => out.anomaly(Anomaly::LoginFailed),
            },
            "extended_request" => {
                let begins = request.record.oid.as_ref().is_some_and(|o| o.as_bytes() == START_TLS);
                secured = begins && outcome.code == 0;
                self.starting_tls &= !begins;
            }
            "search_request" if seg.flow.transport != Transport::Tcp => out.settled(),
            _ => {}
        }
        report(request, out);
        secured
    }
}

fn fill(request: &mut Request, outcome: &Outcome<'_>, time: Option<u64>) {
    request.record.result_code = Some(outcome.code);
    request.record.result = result_word(outcome.code);
    request.record.matched = some(outcome.matched);
    request.record.diagnostic = some(outcome.diagnostic);
    if let Some(time) = time {
        request.answered.get_or_insert(time);
        request.record.duration_us = Some(since(request.time, time));
    }
}

/// Reports a request as far as it was answered.
pub(super) fn report(request: Request, out: &mut Sink<'_>) {
    let Request { time, answered, mut record } = request;
    record.response_us = answered.map(|answered| since(time, answered));
    out.transaction(time, record);
}

fn record_of(message: &Message<'_>) -> LdapTransaction {
    let mut record = LdapTransaction {
        message_id: message.id,
        operation: message.op.word(),
        controls: message.controls.iter().map(|oid| Text::bounded(oid, MAX_TEXT)).collect(),
        ..LdapTransaction::default()
    };
    match &message.op {
        Op::Bind { version, name, auth } => {
            record.version = Some(*version);
            record.object = some(name);
            record.auth = match auth {
                Auth::Simple { empty: true } => Some("anonymous"),
                Auth::Simple { empty: false } => Some("simple"),
                Auth::Sasl { .. } => Some("sasl"),
                Auth::Other => None,
            };
            record.clear_text = matches!(auth, Auth::Simple { empty: false });
            if let Auth::Sasl { mechanism, .. } = auth {
                record.auth_mechanism = some(mechanism);
            }
        }
        Op::Search(search) => {
            record.object = some(search.base);
            record.scope = ["base", "one", "sub", "children"].get(search.scope as usize).copied();
            let whens = ["never", "searching", "finding", "always"];
            record.deref_aliases = whens.get(search.aliases as usize).copied();
            record.size_limit = Some(search.size_limit);
            record.time_limit = Some(search.time_limit);
            record.types_only = Some(search.types_only);
            record.filter = some(&search.filter);
            record.attributes = search.attributes.iter().map(|a| Text::bounded(a, 128)).collect();
        }
        Op::Modify { entry, changes } | Op::Add { entry, attributes: changes } => {
            record.object = some(entry);
            record.changes = Some(*changes);
        }
        Op::Delete { entry } => record.object = some(entry),
        Op::Rename { entry, to, superior } => {
            record.object = some(entry);
            record.new_name = some(to);
            record.new_superior = superior.and_then(some);
        }
        Op::Compare { entry, attribute } => {
            record.object = some(entry);
            record.attributes = vec![Text::bounded(attribute, 128)];
        }
        Op::Abandon { id } => record.abandoned_id = Some(*id),
        Op::Extended { name } => record.oid = some(name),
        _ => {}
    }
    record
}

fn message_of<'a>(message: &'a Message<'a>) -> LdapMessage<'a> {
    let lent = |octets: &'a [u8]| (!octets.is_empty()).then_some(TextRef(octets));
    let mut said = LdapMessage {
        message_id: message.id,
        operation: message.op.word(),
        ..LdapMessage::default()
    };
    match &message.op {
        Op::Bind { version, name, .. } => {
            said.version = Some(*version);
            said.object = lent(name);
        }
        Op::Search(search) => {
            said.object = lent(search.base);
            said.filter = lent(&search.filter);
        }
        Op::Modify { entry, .. }
        | Op::Add { entry, .. }
        | Op::Delete { entry }
        | Op::Rename { entry, .. }
        | Op::Compare { entry, .. }
        | Op::Entry { entry, .. } => said.object = lent(entry),
        Op::Extended { name } | Op::Intermediate { name } => said.oid = lent(name),
        Op::Result { outcome, name, .. } => {
            said.result_code = Some(outcome.code);
            said.object = lent(outcome.matched);
            said.diagnostic = lent(outcome.diagnostic);
            said.oid = lent(name);
        }
        Op::Unbind | Op::Abandon { .. } | Op::Reference => {}
    }
    said
}

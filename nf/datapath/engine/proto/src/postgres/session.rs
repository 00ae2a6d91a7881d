//! Messages in order, and what they mean for the requests.

use nf_fields::{Text, TextRef};

use super::exchange::{OFFER, Request, STARTUP};
use super::message::{
    self, CANCEL_REQUEST, GSS_REQUEST, Header, SSL_REQUEST, client_word, complaint, server_word,
    string,
};
use super::record::{PostgresMessage, PostgresTransaction, text};
use super::{Postgres, PostgresAnomaly, Stage, statement};
use crate::{Cursor, Segment, Sink};

impl Postgres {
    /// The client's first message, which has no type.
    pub(super) fn start(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut c = Cursor::new(body);
        let code = c.u32().unwrap_or(0);
        let kind = match code {
            SSL_REQUEST => "ssl",
            GSS_REQUEST => "gss",
            CANCEL_REQUEST => "cancel",
            _ => "startup",
        };
        tell(kind, true, header, PostgresMessage::default(), out);
        let mut record = PostgresTransaction { kind, ..PostgresTransaction::default() };
        match code {
            SSL_REQUEST | GSS_REQUEST => {
                self.lane(seg.dir.reverse()).stage = Stage::Offer;
                self.exchange.ask(Request { kind: OFFER, start: seg.time, record }, out);
                return;
            }
            CANCEL_REQUEST => {
                record.process_id = c.u32();
                record.complete = true;
                out.transaction(seg.time, record);
            }
            _ => {
                if !record.startup(code, c.rest()) {
                    out.anomaly(PostgresAnomaly::MalformedStartup);
                }
                self.exchange.ask(Request { kind: STARTUP, start: seg.time, record }, out);
            }
        }
        out.settled();
        self.lane(seg.dir).stage = Stage::Messages;
    }

    /// A message with a type.
    pub(super) fn message(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let from_client = seg.dir == self.client;
        let word = if from_client { client_word(header.kind) } else { server_word(header.kind) };
        let Some(word) = word else {
            out.anomaly(PostgresAnomaly::UnknownMessage);
            return;
        };
        if out.wants_messages() {
            tell(word, from_client, header, shown(header.kind, from_client, body), out);
        }
        if !out.wants_transactions() {
            return;
        }
        if from_client {
            self.request(header, word, body, seg.time, out);
        } else {
            self.answer(header, body, seg.time, out);
        }
    }

    fn request(
        &mut self,
        header: &Header,
        kind: &'static str,
        body: &[u8],
        time: u64,
        out: &mut Sink<'_>,
    ) {
        let mut c = Cursor::new(body);
        let mut record = PostgresTransaction { kind, ..PostgresTransaction::default() };
        match header.kind {
            b'Q' => record.statement(string(&mut c)),
            b'P' => {
                let (name, query) = (string(&mut c), string(&mut c));
                self.exchange.prepare(name, query);
                record.statement(query);
                record.statement = (!name.is_empty()).then(|| text(name));
            }
            b'B' => {
                let (portal, name) = (string(&mut c), string(&mut c));
                self.exchange.bind(portal, name);
                record.statement = (!name.is_empty()).then(|| text(name));
            }
            b'E' => {
                if let Some((name, query)) = self.exchange.portal(string(&mut c)) {
                    record.statement = (!name.is_empty()).then(|| text(name));
                    if let Some(query) = query {
                        record.statement(query);
                    }
                }
            }
            b'D' | b'C' | b'F' | b'S' => {}
            b'p' => return self.proof(body),
            b'd' => {
                if let Some(request) = self.exchange.front() {
                    request.record.data(header.length, false);
                }
                return;
            }
            _ => return,
        }
        self.exchange.ask(Request { kind: header.kind, start: time, record }, out);
    }

    /// What the client proves itself by: of it only the mechanism's name is looked at.
    fn proof(&mut self, body: &[u8]) {
        let Some(startup) = self.exchange.startup() else {
            return;
        };
        match startup.auth_method {
            Some("password") => startup.password_seen = true,
            Some("sasl") if startup.auth_mechanism.is_none() => {
                let name = string(&mut Cursor::new(body));
                let plain = name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
                startup.auth_mechanism = (plain && name.len() < 32).then(|| text(name));
            }
            _ => {}
        }
    }

    fn answer(&mut self, header: &Header, body: &[u8], time: u64, out: &mut Sink<'_>) {
        let mut c = Cursor::new(body);
        match header.kind {
            b'R' => {
                let kind = c.u32().unwrap_or(u32::MAX);
                if let Some(startup) = self.exchange.startup() {
                    match kind {
                        0 => {
                            startup.authenticated = Some(true);
                            startup.auth_method.get_or_insert("none");
                        }
                        _ => {
                            startup.auth_method.get_or_insert(message::method(kind));
                        }
                    }
                }
            }
            b'S' => {
                let (name, value) = (string(&mut c), string(&mut c));
                if let Some(startup) = self.exchange.startup()
                    && name == b"server_version"
                {
                    startup.server_version = Some(text(value));
                }
            }
            b'K' => {
                if let Some(startup) = self.exchange.startup() {
                    startup.process_id = c.u32();
                }
            }
            b'E' => {
                if let Some(startup) = self.exchange.startup() {
                    startup.authenticated.get_or_insert(false);
                }
                self.exchange.failed(&complaint(body), time, out);
            }
            b'Z' => self.exchange.ready(status(body), time, out),
            b'1' => self.exchange.step_done(b'P'),
            b'2' => self.exchange.step_done(b'B'),
            b'3' => self.exchange.step_done(b'C'),
            b'n' => self.exchange.step_done(b'D'),
            b'T' => {
                let columns = c.u16();
                match self.exchange.front() {
                    Some(request) if request.kind == b'D' => self.exchange.step_done(b'D'),
                    Some(request) => {
                        request.record.columns = columns;
                        request.record.rows.get_or_insert(0);
                    }
                    None => {}
                }
            }
            b'D' | b'd' => {
                if let Some(request) = self.exchange.front() {
                    request.record.data(header.length, header.kind == b'D');
                }
            }
            b'C' | b'I' | b's' => {
                if let Some(request) = self.exchange.front() {
                    let record = &mut request.record;
                    record.command_tag = match header.kind {
                        b'C' => Some(text(string(&mut c))),
                        b's' => Some(Text::from("suspended")),
                        _ => record.command_tag.take(),
                    };
                    let statements = record.statements.get_or_insert(0);
                    *statements = statements.saturating_add(1);
                }
                self.exchange.executed(time, out);
            }
            _ => {}
        }
    }
}

fn status(body: &[u8]) -> &'static str {
    match body.first() {
        Some(b'I') => "idle",
        Some(b'T') => "in_transaction",
        Some(b'E') => "failed",
        _ => "unknown",
    }
}

/// What a message shows to who listens.
fn shown(kind: u8, from_client: bool, body: &[u8]) -> PostgresMessage<'_> {
    let mut c = Cursor::new(body);
    let mut said = PostgresMessage::default();
    let query = match (from_client, kind) {
        (true, b'Q') => string(&mut c),
        (true, b'P') => {
            string(&mut c);
            string(&mut c)
        }
        (false, b'C') => {
            said.command_tag = Some(TextRef(string(&mut c)));
            &[]
        }
        (false, b'E' | b'N') => {
            let complaint = complaint(body);
            said.sqlstate = Some(TextRef(complaint.code));
            said.error = Some(TextRef(complaint.message));
            &[]
        }
        _ => &[],
    };
    if !query.is_empty() && !statement::kept(query).1 {
        said.query = Some(TextRef(query));
    }
    said
}

fn tell(
    kind: &'static str,
    from_client: bool,
    header: &Header,
    said: PostgresMessage<'_>,
    out: &mut Sink<'_>,
) {
    if out.wants_messages() {
        let length = u32::try_from(header.length.saturating_add(header.size)).unwrap_or(u32::MAX);
        out.message(&PostgresMessage { kind, from_client, length, ..said });
    }
}

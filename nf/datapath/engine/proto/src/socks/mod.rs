//! SOCKS 4, 4a and 5 over TCP, and datagrams relayed by UDP (RFC 1928, 1929, 1961).
//!
//! One transaction per connection: how the client logged in, what it asked for, what the proxy
//! answered. What is tunnelled then is handed to whichever protocol recognises it; an association
//! for datagrams is announced to the engine. A relayed datagram is a message. That a password
//! went in clear is said, not which.
//!
//! Bounds: 255 methods and octets of a name, as the formats have them; nothing else is kept.

mod message;
mod probe;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text, TextRef};
use nf_wire::Transport;

use crate::{
    Cursor, Direction, Expectation, Flow, Info, NameSource, Over, Pattern, Probe, Protocol,
    Segment, Sink, Step, TimeoutClass, anomalies, tcp, udp,
};
use message::{Read, Reply, Request};
pub use record::{SocksMessage, SocksTransaction};

const PORT: u16 = 1080;
const OVER: &[Over] = &[tcp(&[PORT]), udp(&[PORT])];
const ID: ProtoId = ProtoId(1290);

anomalies! {
    /// What can be wrong with it.
    pub enum SocksAnomaly {
        /// A client's message that the protocol does not have at its place.
        MalformedRequest = "malformed_request",
        /// A server's message that the protocol does not have at its place.
        MalformedReply = "malformed_reply",
        /// A relayed datagram without a target that can be read.
        MalformedDatagram = "malformed_datagram",
        /// The server refused user and password.
        LoginFailed = "login_failed",
    }
}

/// What a side says next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    #[default]
    First,
    /// The server accepts or refuses user and password.
    Login,
    Request,
    /// The server says who connected to what it bound.
    Second,
    /// The client has said everything.
    Silent,
}

/// The state of one session.
#[derive(Default)]
pub struct Socks {
    client: Option<Direction>,
    client_turn: Turn,
    server_turn: Turn,
    command: u8,
    /// When the client began, and when it asked.
    start: u64,
    asked: Option<u64>,
    record: Option<SocksTransaction>,
}

impl Protocol for Socks {
    const INFO: Info = Info {
        name: "socks",
        id: ID,
        aliases: &["socks4", "socks5"],
        title: "SOCKS proxy",
        spec: "RFC 1928, RFC 1929",
        over: OVER,
        patterns: &[Pattern::start(b"\x05"), Pattern::start(b"\x04"), Pattern::start(b"\0\0\0")],
        weight: 50,
        timeout: TimeoutClass::Long,
        max_pending: 4096,
        message: SocksMessage::fields,
        transaction: SocksTransaction::fields,
        speaks: &[],
        anomalies: SocksAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport != Transport::Tcp {
            datagram(seg, out);
            return Step::all(seg);
        }
        let client = *self.client.get_or_insert(seg.dir);
        if self.record.is_none() {
            self.start = seg.time;
            self.record = Some(SocksTransaction::default());
        }
        if seg.dir == client { self.client(seg, out) } else { self.server(seg, out) }
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        if let Some(record) = self.record.take()
            && record.version != 0
        {
            out.transaction(self.start, record);
        }
    }
}

impl Socks {
    fn record(&mut self) -> &mut SocksTransaction {
        self.record.get_or_insert_default()
    }

    fn client(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let outcome = match (self.client_turn, seg.data.first()) {
            (Turn::Silent, _) => Read::More,
            (Turn::First, Some(4)) => match message::request4(seg.data) {
                Read::Whole(request, used) => {
                    self.ask(&request, seg, out);
                    Read::Whole((), used)
                }
                Read::More => Read::More,
                Read::Bad => Read::Bad,
            },
            (Turn::First, _) => match message::greeting(seg.data) {
                Read::Whole(methods, used) => {
                    let record = self.record();
                    record.version = 5;
                    record.methods = Some(methods.iter().map(|&m| message::method(m)).collect());
                    self.client_turn = Turn::Request;
                    Read::Whole((), used)
                }
                Read::More => Read::More,
                Read::Bad => Read::Bad,
            },
            (_, Some(1)) => match message::login(seg.data) {
                Read::Whole((user, password), used) => {
                    let record = self.record();
                    record.user = Some(Text::from(user));
                    record.password_seen = Some(password);
                    Read::Whole((), used)
                }
                Read::More => Read::More,
                Read::Bad => Read::Bad,
            },
            _ => match message::request5(seg.data) {
                Read::Whole(request, used) => {
                    self.ask(&request, seg, out);
                    Read::Whole((), used)
                }
                Read::More => Read::More,
                Read::Bad => Read::Bad,
            },
        };
        match outcome {
            Read::Whole((), used) => Step::used(used),
            Read::More => Step::used(0),
            Read::Bad => {
                out.anomaly(SocksAnomaly::MalformedRequest);
                Step::done()
            }
        }
    }

    fn ask(&mut self, request: &Request<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        self.client_turn = Turn::Silent;
        self.command = request.command;
        self.asked = Some(seg.time);
        self.record().asked(request);
        if let Some(host) = request.target.host {
            out.server_name(NameSource::Host, host);
        }
        if out.wants_messages() {
            out.message(&SocksMessage {
                kind: "request",
                version: request.version,
                command: Some(message::command(request.command)),
                address: request.target.address,
                host: request.target.host.map(TextRef),
                port: request.target.port,
                ..SocksMessage::default()
            });
        }
    }

    fn server(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let version = self.record().version;
        let step = match (version, self.server_turn) {
            (5, Turn::First) => match message::choice(seg.data, 5) {
                Read::Whole(method, used) => {
                    self.record().method = Some(message::method(method));
                    match method {
                        0 => self.server_turn = Turn::Request,
                        2 => self.server_turn = Turn::Login,
                        // Nothing that follows can be read, or nothing does.
                        _ => return Step::done(),
                    }
                    Some(Step::used(used))
                }
                Read::More => Some(Step::used(0)),
                Read::Bad => None,
            },
            (5, Turn::Login) => match message::choice(seg.data, 1) {
                Read::Whole(refused, used) => {
                    self.record().login_ok = Some(refused == 0);
                    self.server_turn = Turn::Request;
                    if refused != 0 {
                        out.anomaly(SocksAnomaly::LoginFailed);
                        return Step::done();
                    }
                    Some(Step::used(used))
                }
                Read::More => Some(Step::used(0)),
                Read::Bad => None,
            },
            (version, _) => {
                let read = if version == 4 {
                    message::reply4(seg.data)
                } else {
                    message::reply5(seg.data)
                };
                match read {
                    Read::Whole(reply, used) => Some(self.reply(&reply, used, seg, out)),
                    Read::More => Some(Step::used(0)),
                    Read::Bad => None,
                }
            }
        };
        step.unwrap_or_else(|| {
            out.anomaly(SocksAnomaly::MalformedReply);
            Step::done()
        })
    }

    fn reply(
        &mut self,
        reply: &Reply<'_>,
        used: usize,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        let version = self.record().version;
        let status = message::status(version, reply.code);
        if out.wants_messages() {
            out.message(&SocksMessage {
                kind: "reply",
                version,
                status: Some(status),
                address: reply.bound.address,
                host: reply.bound.host.map(TextRef),
                port: reply.bound.port,
                ..SocksMessage::default()
            });
        }
        if self.server_turn == Turn::Second {
            let record = self.record();
            record.peer_address = reply.bound.address;
            record.peer_port = Some(reply.bound.port);
        } else {
            let response = self.asked.map(|t| seg.time.saturating_sub(t) / 1000);
            let record = self.record();
            record.answered(reply);
            record.response_us = response;
        }
        match (status, self.command, self.server_turn) {
            ("succeeded", 2, turn) if turn != Turn::Second => {
                self.server_turn = Turn::Second;
                Step::used(used)
            }
            ("succeeded", 3, _) => {
                let bound = reply.bound;
                // A proxy that does not say where it waits waits where it was reached.
                let address = bound.address.filter(|a| !a.is_unspecified());
                let address = address.or(bound.host.is_none().then(|| self.proxy(seg.flow)));
                if let Some(address) = address {
                    out.expect(Expectation { address, port: bound.port, proto: ID });
                }
                // The connection stays open without a word.
                Step { consumed: used, ..Step::done() }
            }
            ("succeeded", _, _) => Step::handover(used, None),
            _ => Step { consumed: used, ..Step::done() },
        }
    }

    fn proxy(&self, flow: &Flow) -> std::net::IpAddr {
        match self.client {
            Some(Direction::Down) => flow.initiator,
            _ => flow.responder,
        }
    }
}

fn datagram(seg: &Segment<'_>, out: &mut Sink<'_>) {
    let mut c = Cursor::new(seg.data);
    let fragment = c.array::<3>().map(|[_, _, f]| f);
    match (fragment, message::endpoint(&mut c)) {
        (Some(fragment), Some(Some(target))) => out.message(&SocksMessage {
            kind: "datagram",
            version: 5,
            address: target.address,
            host: target.host.map(TextRef),
            port: target.port,
            fragment: Some(fragment),
            ..SocksMessage::default()
        }),
        _ if seg.cut => {}
        _ => out.anomaly(SocksAnomaly::MalformedDatagram),
    }
    out.settled();
}

//! Internet Key Exchange, versions 1 and 2, over UDP (RFC 2408, 2409, 7296, 3947, 3948).
//!
//! One transaction per exchange: what was proposed and chosen, who announced which extensions,
//! what was notified in clear. On port 4500 four zero octets mark IKE; the rest is ESP or a sign
//! of life, and is counted as messages only.
//!
//! Bounds: 16 exchanges at a time, 64 payloads and transforms of a message, 16 proposals, vendors
//! and notifications of an exchange, 255 octets of any of them.

mod message;
mod proposal;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, TimeoutClass, anomalies, udp,
};
use message::{HEADER, Header};
pub use record::{IsakmpMessage, IsakmpTransaction};

/// Most exchanges that are open at a time.
const MAX_EXCHANGES: usize = 16;
const PORT: u16 = 500;
/// Port on which encrypted packets go past translators of addresses (RFC 3948).
const PORT_NAT: u16 = 4500;
const OVER: &[Over] = &[udp(&[PORT, PORT_NAT])];

anomalies! {
    /// What can be wrong with it.
    pub enum IsakmpAnomaly {
        /// A datagram that is no message.
        MalformedMessage = "malformed_message",
        /// Payloads that do not fill their message.
        MalformedPayload = "malformed_payload",
        /// A response to a request nobody made.
        UnaskedResponse = "unasked_response",
        /// More exchanges than are kept; the oldest is given up.
        TooManyExchanges = "too_many_exchanges",
    }
}

/// An exchange that goes on.
struct Open {
    exchange: u8,
    id: u32,
    /// Who began it.
    dir: Direction,
    time: u64,
    record: IsakmpTransaction,
}

/// The state of one session.
#[derive(Default)]
pub struct Isakmp {
    /// Oldest first.
    open: Vec<Open>,
}

/// What a datagram is.
enum Datagram<'a> {
    /// A message, and whether the marker stood before it.
    Message(&'a [u8], bool),
    /// One octet that keeps a translator's memory fresh.
    Alive,
    /// An encrypted packet.
    Esp,
}

fn unwrap<'a>(seg: &Segment<'a>) -> Datagram<'a> {
    let marked = seg.data.strip_prefix(&[0; 4]);
    match (seg.data, marked) {
        ([0xff], _) => Datagram::Alive,
        (_, Some(rest)) => Datagram::Message(rest, true),
        _ if seg.on_port(PORT_NAT) && message::header(seg.data).is_none() => Datagram::Esp,
        _ => Datagram::Message(seg.data, false),
    }
}

impl Protocol for Isakmp {
    const INFO: Info = Info {
        name: "isakmp",
        id: ProtoId(1291),
        aliases: &["ike", "ipsec_ike"],
        title: "Internet Key Exchange",
        spec: "RFC 7296, RFC 2409, RFC 3948",
        over: OVER,
        weight: 55,
        timeout: TimeoutClass::Long,
        message: IsakmpMessage::fields,
        transaction: IsakmpTransaction::fields,
        anomalies: IsakmpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let own_port = seg.on_port(PORT) || seg.on_port(PORT_NAT);
        match unwrap(seg) {
            Datagram::Message(data, _) => match message::header(data) {
                Some(h) if is_message(&h, data, seg.cut, own_port) => Probe::Certain,
                _ => Probe::No,
            },
            // Neither tells more than that the keys may be exchanged later.
            Datagram::Alive | Datagram::Esp if seg.on_port(PORT_NAT) => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        match unwrap(seg) {
            Datagram::Message(data, marked) => match message::header(data) {
                Some(h) => self.message(&h, data, marked, seg, out),
                None if seg.cut => {}
                None => out.anomaly(IsakmpAnomaly::MalformedMessage),
            },
            Datagram::Alive => out.message(&IsakmpMessage::carried("keepalive")),
            Datagram::Esp => out.message(&IsakmpMessage::carried("esp")),
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for open in std::mem::take(&mut self.open) {
            out.transaction(open.time, open.record);
        }
    }
}

/// Whether length, payloads and beginning agree.
fn is_message(h: &Header, data: &[u8], cut: bool, own_port: bool) -> bool {
    let exact = usize::try_from(h.length).is_ok_and(|l| l == data.len());
    if !exact {
        return cut && own_port;
    }
    if h.encrypted() {
        // What is encrypted has an identifier of the responder, and is some octets at least.
        let body = data.get(HEADER..).unwrap_or_default();
        let chained = h.major == 1 || message::payloads(h, body, |_| {});
        return chained && h.responder != [0; 8] && body.len() >= 8;
    }
    // In clear there is something to read, and it fills the message.
    let body = data.get(HEADER..).unwrap_or_default();
    h.next != 0 && message::payloads(h, body, |_| {})
}

impl Isakmp {
    fn message(
        &mut self,
        h: &Header,
        data: &[u8],
        marked: bool,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if !out.wants_messages() && !out.wants_transactions() {
            return;
        }
        let length = usize::try_from(h.length).unwrap_or(usize::MAX);
        let body = data.get(HEADER..length);
        if body.is_none() && !seg.cut {
            out.anomaly(IsakmpAnomaly::MalformedMessage);
        }
        let body = body.or_else(|| data.get(HEADER..)).unwrap_or_default();
        out.message(&IsakmpMessage::of(h, marked));
        if !out.wants_transactions() {
            return;
        }
        let at = self.open.iter().position(|o| o.exchange == h.exchange && o.id == h.id);
        let at = match at {
            Some(at) => at,
            None => {
                if h.is_response() {
                    out.anomaly(IsakmpAnomaly::UnaskedResponse);
                }
                if self.open.len() >= MAX_EXCHANGES {
                    out.anomaly(IsakmpAnomaly::TooManyExchanges);
                    let oldest = self.open.remove(0);
                    out.transaction(oldest.time, oldest.record);
                }
                let (exchange, id, dir, time) = (h.exchange, h.id, seg.dir, seg.time);
                let record = IsakmpTransaction::begun(h);
                self.open.push(Open { exchange, id, dir, time, record });
                self.open.len().saturating_sub(1)
            }
        };
        let Some(open) = self.open.get_mut(at) else { return };
        let answers = h.is_response() || (h.major == 1 && seg.dir != open.dir);
        let record = &mut open.record;
        record.count(h, answers, marked);
        if answers && record.response_us.is_none() && record.requests > 0 {
            record.response_us = Some(seg.time.saturating_sub(open.time) / 1000);
        }
        let hidden = h.major == 1 && h.encrypted();
        if !hidden && !record.read(h, body, answers) && !seg.cut {
            out.anomaly(IsakmpAnomaly::MalformedPayload);
        }
        // Version 2 asks and answers; version 1 has as many messages as the exchange needs, and
        // what follows them has another number.
        let messages = record.requests.saturating_add(record.responses);
        let complete = match (h.major, h.exchange) {
            (2, _) => h.is_response(),
            (1, 2) => messages >= 6,
            (1, 4 | 32) => messages >= 3,
            (1, 5) => true,
            _ => messages >= 2,
        };
        if complete {
            let open = self.open.remove(at);
            out.transaction(open.time, open.record);
        }
    }
}

//! WireGuard over UDP (its white paper, §5.4).
//!
//! One transaction per handshake: an initiation with the response or the cookie that answers it.
//! Data without any handshake are one transaction; what is inside them is encrypted.
//!
//! Bounds: 8 unanswered initiations per session; nothing else is kept.

mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, udp,
};
use message::Message;

/// Most initiations kept while they wait for their answers.
const MAX_PENDING: usize = 8;
const PORT: u16 = 51820;
const OVER: &[Over] = &[udp(&[PORT])];

anomalies! {
    /// What can be wrong with it.
    pub enum WireguardAnomaly {
        /// A datagram that is no message.
        MalformedMessage = "malformed_message",
        /// A response or cookie for a handshake nobody began.
        UnaskedResponse = "unasked_response",
        /// More unanswered initiations than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct WireguardMessage {
    /// What it is: initiation, response, cookie or data.
    pub kind: &'static str,
    /// Number by which its sender is to be addressed.
    pub sender: Option<u32>,
    /// Number by which its receiver asked to be addressed.
    pub receiver: Option<u32>,
    /// Data: number of the message.
    pub counter: Option<u64>,
    /// Data: octets inside, padding included; 0 keeps the tunnel alive.
    pub length: Option<u32>,
}

/// A handshake, or data whose handshake was not seen.
#[derive(Debug, Default, Fields)]
pub struct WireguardTransaction {
    /// What came of it: established, cookie (the responder is under load) or unanswered; data
    /// where no handshake was seen.
    pub outcome: &'static str,
    /// Number by which the initiator is to be addressed.
    pub initiator_index: Option<u32>,
    /// Number by which the responder is to be addressed.
    pub responder_index: Option<u32>,
    /// The initiator returns a cookie, to prove its address.
    pub cookie_used: Option<bool>,
    /// Time from initiation to answer.
    pub response_us: Option<u64>,
}

struct Pending {
    sender: u32,
    dir: Direction,
    time: u64,
    cookie: bool,
}

/// The state of one session.
pub struct Wireguard {
    /// Unanswered initiations, oldest first.
    pending: VecDeque<Pending>,
    /// When the first data came.
    orphan: Option<u64>,
    handshakes: bool,
}

impl Protocol for Wireguard {
    const INFO: Info = Info {
        name: "wireguard",
        id: ProtoId(1292),
        aliases: &["wg"],
        title: "WireGuard tunnel",
        spec: "https://www.wireguard.com/papers/wireguard.pdf",
        over: OVER,
        patterns: &[
            Pattern::start(b"\x01\0\0\0"),
            Pattern::start(b"\x02\0\0\0"),
            Pattern::start(b"\x03\0\0\0"),
            Pattern::start(b"\x04\0\0\0"),
        ],
        weight: 45,
        timeout: TimeoutClass::Long,
        message: WireguardMessage::fields,
        transaction: WireguardTransaction::fields,
        anomalies: WireguardAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: VecDeque::new(), orphan: None, handshakes: false }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match message::parse(seg.data) {
            Some(Message::Initiation { sender, .. }) if sender != 0 => Probe::Certain,
            Some(Message::Response { sender, receiver, .. }) if sender != receiver => {
                Probe::Certain
            }
            // A message of another protocol may well begin so; on the port it does not.
            Some(Message::Cookie { .. }) if seg.on_port(PORT) => Probe::Certain,
            Some(Message::Data { counter, .. }) if seg.on_port(PORT) && counter < 1 << 48 => {
                Probe::Certain
            }
            // Keys are renewed every two minutes: a handshake will come.
            Some(Message::Data { receiver, counter, .. })
                if receiver > 0xffff && counter < 1 << 48 =>
            {
                Probe::Unsure
            }
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        match message::parse(seg.data) {
            Some(message) => self.message(message, seg, out),
            None if seg.cut => {}
            None => out.anomaly(WireguardAnomaly::MalformedMessage),
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop_front() {
            give_up(&pending, out);
        }
        if let Some(time) = self.orphan.take().filter(|_| !self.handshakes) {
            let record = WireguardTransaction { outcome: "data", ..Default::default() };
            out.transaction(time, record);
        }
    }
}

fn give_up(pending: &Pending, out: &mut Sink<'_>) {
    let record = WireguardTransaction {
        outcome: "unanswered",
        initiator_index: Some(pending.sender),
        cookie_used: Some(pending.cookie),
        ..Default::default()
    };
    out.transaction(pending.time, record);
}

impl Wireguard {
    fn message(&mut self, message: Message, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let mut seen = WireguardMessage { kind: message.kind(), ..Default::default() };
        match message {
            Message::Initiation { sender, cookie } => {
                seen.sender = Some(sender);
                self.handshakes = true;
                if self.pending.len() >= MAX_PENDING
                    && let Some(oldest) = self.pending.pop_front()
                {
                    out.anomaly(WireguardAnomaly::TooManyPending);
                    give_up(&oldest, out);
                }
                self.pending.push_back(Pending { sender, dir: seg.dir, time: seg.time, cookie });
            }
            Message::Response { sender, receiver, .. } => {
                (seen.sender, seen.receiver) = (Some(sender), Some(receiver));
                self.answer(receiver, Some(sender), seg, out);
            }
            Message::Cookie { receiver } => {
                seen.receiver = Some(receiver);
                self.answer(receiver, None, seg, out);
            }
            Message::Data { receiver, counter, length } => {
                seen.receiver = Some(receiver);
                seen.counter = Some(counter);
                seen.length = u32::try_from(length).ok();
                self.orphan.get_or_insert(seg.time);
            }
        }
        out.message(&seen);
    }

    fn answer(&mut self, to: u32, from: Option<u32>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        self.handshakes = true;
        let waiting = self.pending.iter().position(|p| p.sender == to && p.dir != seg.dir);
        let asked = waiting.and_then(|at| self.pending.remove(at));
        if asked.is_none() {
            out.anomaly(WireguardAnomaly::UnaskedResponse);
        }
        let record = WireguardTransaction {
            outcome: if from.is_some() { "established" } else { "cookie" },
            initiator_index: Some(to),
            responder_index: from,
            cookie_used: asked.as_ref().map(|a| a.cookie),
            response_us: asked.as_ref().map(|a| seg.time.saturating_sub(a.time) / 1000),
        };
        out.transaction(asked.map_or(seg.time, |a| a.time), record);
    }
}

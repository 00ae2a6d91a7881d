//! STUN over UDP and TCP (RFC 8489, 5389, 3489; ICE RFC 8445, its framing over TCP RFC 4571) and
//! TURN (RFC 8656).
//!
//! One transaction per request and its answer; where an allocation on a relay is granted, `turn`
//! is named inside and reports one transaction per allocation. What goes through the relay, in
//! channels or indications, and what shares the ports (DTLS, RTP, RTCP: RFC 7983) is given to the
//! parsers of those and reported in their names.
//!
//! Bounds: 32 unanswered requests, 64 attributes per message, one allocation per session with 64
//! channels and 64 peers told apart, one relayed message within another.

mod message;
mod probe;
mod record;
mod relay;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::rtp::bundle::{Bundle, Kind};
use crate::{
    Direction, Earlier, Flow, Gap, Info, NameSource, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, tcp, udp,
};
use message::{COOKIE_OCTETS, Class, HEADER_LEN, Message};
pub use record::{StunMessage, StunTransaction, TurnTransaction};
use relay::Allocation;
pub use relay::Turn;

/// STUN's number.
pub const ID: ProtoId = ProtoId(347);
/// TURN's number.
pub const TURN: ProtoId = ProtoId(1222);
/// STUN and TURN, and both over TLS or DTLS.
const PORTS: &[u16] = &[3478, 3479];
/// Most requests kept while they wait for their answers, and most answered ones remembered.
const MAX_PENDING: usize = 32;
/// Datagrams after which the session is not watched for what else shares its ports, unless
/// somebody listens.
const WATCHED: u32 = 64;
/// Longest frame over TCP: the length has 16 bits.
const MAX_FRAME: usize = 65_536 + HEADER_LEN;

crate::anomalies! {
    /// What can be wrong with STUN.
    pub enum Anomaly {
        /// Attributes overrun the message or contradict themselves.
        MalformedMessage = "malformed_message",
        /// The checksum is wrong.
        BadFingerprint = "bad_fingerprint",
        /// An answer to no request that was seen.
        UnaskedAnswer = "unasked_answer",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
        /// A datagram that is no packet of any protocol of this port.
        ForeignDatagram = "foreign_datagram",
        /// Data in a channel that is shorter than it says.
        MalformedChannelData = "malformed_channel_data",
        /// A password in clear (RFC 3489's shared secret).
        ClearTextPassword = "clear_text_password",
    }
}

struct Pending {
    id: [u8; 16],
    dir: Direction,
    time: u64,
    record: StunTransaction,
}

/// How messages follow each other in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Framing {
    #[default]
    Unknown,
    /// By their own lengths.
    Own,
    /// Each behind a length of two octets.
    Prefixed,
}

/// The state of one session.
pub struct Stun {
    /// Unanswered requests, oldest first.
    pending: VecDeque<Pending>,
    /// Answered requests, oldest first.
    done: VecDeque<[u8; 16]>,
    allocation: Option<Box<Allocation>>,
    others: Bundle,
    framing: Framing,
    lost: [bool; 2],
    seen: u32,
}

impl Protocol for Stun {
    const INFO: Info = Info {
        name: "stun",
        id: ID,
        title: "Session Traversal Utilities for NAT",
        spec: "RFC 8489, RFC 5389, RFC 3489, RFC 8656, RFC 8445",
        over: &[udp(PORTS), tcp(PORTS)],
        patterns: &[
            Pattern::at(4, &COOKIE_OCTETS),
            Pattern::at(6, &COOKIE_OCTETS),
            Pattern::start(&[0, 1]),
            Pattern::start(&[1, 1]),
            Pattern::start(&[1, 0x11]),
        ],
        weight: 25,
        timeout: TimeoutClass::Default,
        max_pending: MAX_FRAME,
        message: StunMessage::fields,
        transaction: StunTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[TURN, crate::dtls::ID, crate::rtp::ID, crate::rtcp::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            pending: VecDeque::new(),
            done: VecDeque::new(),
            allocation: None,
            others: Bundle::default(),
            framing: Framing::Unknown,
            lost: [false; 2],
            seen: 0,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn probe_again(seg: &Segment<'_>, earlier: &Earlier<'_>) -> Probe {
        probe::probe_again(seg, earlier)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if seg.flow.transport == Transport::Tcp {
            return self.stream(seg, out);
        }
        self.datagram(seg, out);
        self.settle(out);
        Step::all(seg)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        if let Some(lost) = self.lost.get_mut(dir.index()) {
            *lost = true;
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop_front() {
            out.transaction(pending.time, pending.record);
        }
        if let Some(allocation) = self.allocation.take() {
            allocation.report(&mut out.of(TURN));
        }
        self.others.end(out);
    }
}

/// Whether a realm could be a domain.
fn is_domain(realm: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    realm.contains(&b'.') && realm.iter().all(plain) && realm.iter().any(u8::is_ascii_alphabetic)
}

impl Stun {
    /// What else shares the ports comes right behind the first exchange, or not at all.
    fn settle(&mut self, out: &mut Sink<'_>) {
        self.seen = self.seen.saturating_add(1);
        if self.others.is_closed() || self.seen >= WATCHED {
            self.others.close();
            out.settled();
        }
    }

    fn datagram(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let taken = match Kind::of(seg.data) {
            Kind::Stun => self.message(seg, out),
            Kind::Channel => self.channel(seg, out),
            kind => self.others.take(kind, seg, out),
        };
        // One octet or a line end keeps a way open.
        if !taken && !seg.cut && seg.data.len() > 4 {
            out.anomaly(Anomaly::ForeignDatagram);
        }
    }

    /// Takes frames off a stream.
    fn stream(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if self.framing == Framing::Unknown {
            self.framing = match seg.data.get(4..8) {
                None => return Step::need(0, 8),
                Some(octets) if octets == COOKIE_OCTETS => Framing::Own,
                Some(_) => Framing::Prefixed,
            };
        }
        let Some(frame) = self.frame(seg.data) else {
            return Step::need(0, 4);
        };
        if self.lost.get(seg.dir.index()) == Some(&true) {
            // Frames begin where segments do, mostly: the next that looks like one.
            if !frame.is_likely(seg.data) {
                return Step::all(seg);
            }
            self.lost = self.lost.map(|_| false);
        }
        if seg.data.len() < frame.total && !seg.cut {
            return Step::need(0, frame.total);
        }
        let end = frame.end.min(seg.data.len());
        let data = seg.data.get(frame.start..end).unwrap_or_default();
        if !data.is_empty() {
            self.datagram(&Segment { data, ..*seg }, out);
        }
        self.settle(out);
        Step::used(frame.total.min(seg.data.len()))
    }

    /// Where the first frame lies; `None` when more octets must tell.
    fn frame(&self, data: &[u8]) -> Option<Frame> {
        let &[a, b, c, d] = data.first_chunk()?;
        let (first, second) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        if self.framing == Framing::Prefixed {
            let end = usize::from(first).saturating_add(2);
            return Some(Frame { start: 2, end, total: end });
        }
        let length = usize::from(second);
        Some(if a & 0xc0 == 0x40 {
            let end = length.saturating_add(4);
            // Over streams, channel data is padded to four octets (RFC 8656 §12.5).
            Frame { start: 0, end, total: end.next_multiple_of(4) }
        } else {
            let end = length.saturating_add(HEADER_LEN);
            Frame { start: 0, end, total: end }
        })
    }

    /// Takes a message; false when it is none.
    pub(crate) fn message(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        self.take(seg, false, out)
    }

    /// Takes a message, `relayed` within another one or not.
    fn take(&mut self, seg: &Segment<'_>, relayed: bool, out: &mut Sink<'_>) -> bool {
        let message = Message::parse(seg.data, !seg.cut);
        let Some(message) = message.filter(|m| seg.cut || m.fits(seg.data.len())) else {
            return false;
        };
        if message.malformed && !seg.cut {
            out.anomaly(Anomaly::MalformedMessage);
        }
        if message.fingerprint == Some(false) {
            out.anomaly(Anomaly::BadFingerprint);
        }
        if message.has_password {
            out.anomaly(Anomaly::ClearTextPassword);
        }
        if out.wants_messages() {
            out.message(&StunMessage::of(&message, relayed));
        }
        // A realm is any text; those of relays mostly are their domains (RFC 8489 §14.9).
        if let Some(realm) = message.realm.filter(|realm| is_domain(realm)) {
            out.server_name(NameSource::Host, realm);
        }
        match message.class() {
            Class::Request => self.ask(&message, relayed, seg, out),
            Class::Success | Class::Error => self.answer(&message, relayed, seg, out),
            Class::Indication => {
                if let Some(data) = message.data.filter(|_| !relayed) {
                    self.relay(data, seg, out);
                }
            }
        }
        true
    }

    fn ask(&mut self, m: &Message<'_>, relayed: bool, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let again = self.pending.iter_mut().find(|p| p.id == m.transaction_id && p.dir == seg.dir);
        if let Some(pending) = again {
            pending.record.retransmissions = pending.record.retransmissions.saturating_add(1);
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(Pending {
            id: m.transaction_id,
            dir: seg.dir,
            time: seg.time,
            record: StunTransaction::asked(m, relayed),
        });
    }

    fn answer(&mut self, m: &Message<'_>, relayed: bool, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let asked = |p: &Pending| p.id == m.transaction_id && p.dir != seg.dir;
        let pending = self.pending.iter().position(asked).and_then(|at| self.pending.remove(at));
        let Some(mut pending) = pending else {
            // Answers to a repeated request come repeatedly.
            if !self.done.contains(&m.transaction_id) {
                out.anomaly(Anomaly::UnaskedAnswer);
                self.granted(m, None, seg, out);
            }
            return;
        };
        if self.done.len() >= MAX_PENDING {
            self.done.pop_front();
        }
        self.done.push_back(m.transaction_id);
        pending.record.answered(m);
        pending.record.response_us = Some(seg.time.saturating_sub(pending.time) / 1000);
        if !relayed {
            self.granted(m, Some(&pending.record), seg, out);
        }
        out.transaction(pending.time, pending.record);
    }
}

/// Where a frame lies in a stream: its datagram, and all of it.
struct Frame {
    start: usize,
    end: usize,
    total: usize,
}

impl Frame {
    fn is_likely(&self, data: &[u8]) -> bool {
        let at = self.start.saturating_add(4);
        let cookie = data.get(at..at.saturating_add(4));
        cookie == Some(&COOKIE_OCTETS) || self.total == data.len()
    }
}

//! Allocations on a relay, and what goes through them (RFC 8656).

use std::net::IpAddr;

use nf_fields::{Fields, Text};

use super::message::{self, Class, Message, Place, method};
use super::record::{StunTransaction, TurnTransaction};
use super::{Anomaly, Stun, StunMessage, TURN};
use crate::rtp::bundle::Kind;
use crate::{Direction, Flow, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, within};

/// TURN, named inside of STUN where an allocation was granted. It has no octets of its own: its
/// messages are STUN's.
pub struct Turn;

impl Protocol for Turn {
    const INFO: Info = Info {
        name: "turn",
        id: TURN,
        title: "Traversal Using Relays around NAT",
        spec: "RFC 8656, RFC 5766",
        over: &[within("stun")],
        weight: 90,
        timeout: TimeoutClass::Default,
        transaction: TurnTransaction::fields,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        Step::done()
    }
}

/// An allocation.
pub(super) struct Allocation {
    start: u64,
    last: u64,
    client: Direction,
    channels: Vec<u16>,
    permitted: Vec<IpAddr>,
    record: TurnTransaction,
}

/// Most channels and most peers that are told apart.
const MAX_PEERS: usize = 64;

/// Adds what is not there yet; the number of all.
fn note<T: PartialEq>(list: &mut Vec<T>, value: Option<T>) -> u32 {
    if let Some(value) = value.filter(|value| !list.contains(value))
        && list.len() < MAX_PEERS
    {
        list.push(value);
    }
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

impl Allocation {
    pub(super) fn report(self, out: &mut Sink<'_>) {
        let mut record = self.record;
        record.duration_us = self.last.saturating_sub(self.start) / 1000;
        out.transaction(self.start, record);
    }

    fn relayed(&mut self, octets: usize, seg: &Segment<'_>) {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let record = &mut self.record;
        let (packets, sum) = match seg.dir == self.client {
            true => (&mut record.packets_up, &mut record.octets_up),
            false => (&mut record.packets_down, &mut record.octets_down),
        };
        *packets = packets.saturating_add(1);
        *sum = sum.saturating_add(octets);
        self.last = seg.time;
    }

    fn meet(&mut self, peer: Option<Place>) {
        if let Some((address, port)) = peer.filter(|_| self.record.peer_address.is_none()) {
            self.record.peer_address = Some(address);
            self.record.peer_port = Some(port);
        }
    }
}

impl Stun {
    /// What an answer grants; the request may not have been seen.
    pub(super) fn granted(
        &mut self,
        m: &Message<'_>,
        request: Option<&StunTransaction>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if m.class() != Class::Success {
            return;
        }
        if m.method() == method::ALLOCATE && m.relayed.is_some() {
            self.name_turn(out);
            if self.allocation.is_none() && out.of(TURN).wants_transactions() {
                self.allocation = Some(Box::new(allocation(m, request, seg)));
            }
            return;
        }
        let Some(allocation) = &mut self.allocation else {
            return;
        };
        let record = &mut allocation.record;
        let peer = request.and_then(|r| r.peer_address.zip(r.peer_port));
        match m.method() {
            method::REFRESH if m.lifetime == Some(0) => {
                record.released = true;
                allocation.last = seg.time;
                if let Some(allocation) = self.allocation.take() {
                    allocation.report(&mut out.of(TURN));
                }
                return;
            }
            method::REFRESH => record.lifetime_s = m.lifetime.or(record.lifetime_s),
            method::CHANNEL_BIND => {
                let channel = request.and_then(|r| r.channel);
                record.channels = note(&mut allocation.channels, channel);
            }
            method::CREATE_PERMISSION => {
                record.permissions = note(&mut allocation.permitted, peer.map(|p| p.0));
            }
            _ => return,
        }
        allocation.meet(peer);
        allocation.last = seg.time;
    }

    fn name_turn(&self, out: &mut Sink<'_>) {
        if !self.others.is_closed() {
            out.inside(TURN);
        }
    }

    /// Takes data in a channel; false when it is none.
    pub(super) fn channel(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        let Some((channel, data)) = message::channel_data(seg.data) else {
            if !seg.cut {
                out.anomaly(Anomaly::MalformedChannelData);
            }
            return true;
        };
        // Also where the capture began after the grant.
        self.name_turn(out);
        if out.wants_messages() {
            out.message(&StunMessage {
                method: "channel_data".into(),
                class: Class::Indication.word(),
                length: u16::try_from(data.len()).unwrap_or(u16::MAX),
                channel: Some(channel),
                ..StunMessage::default()
            });
        }
        self.relay(data, seg, out);
        true
    }

    /// Data of or for a peer: whatever shares the port may be in it.
    pub(super) fn relay(&mut self, data: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        if let Some(allocation) = &mut self.allocation {
            allocation.relayed(data.len(), seg);
        }
        let inner = Segment { data, ..*seg };
        match Kind::of(data) {
            Kind::Stun => {
                self.take(&inner, true, out);
            }
            kind => {
                self.others.take(kind, &inner, out);
            }
        }
    }
}

fn allocation(m: &Message<'_>, request: Option<&StunTransaction>, seg: &Segment<'_>) -> Allocation {
    let known = |text: &Option<Text>| text.clone();
    Allocation {
        start: seg.time,
        last: seg.time,
        client: seg.dir.reverse(),
        channels: Vec::new(),
        permitted: Vec::new(),
        record: TurnTransaction {
            relayed_address: m.relayed.map(|p| p.0),
            relayed_port: m.relayed.map(|p| p.1),
            mapped_address: m.mapped.map(|p| p.0),
            mapped_port: m.mapped.map(|p| p.1),
            username: request.and_then(|r| known(&r.username)),
            realm: request.and_then(|r| known(&r.realm)),
            lifetime_s: m.lifetime,
            ..TurnTransaction::default()
        },
    }
}

//! DHCP and BOOTP over UDP (RFC 951, 2131, 2132, 3046, 3396, 3397, 3442, 4361, 4702).
//!
//! One transaction per client and identifier, from the first message to the server's
//! acknowledgement or refusal. Requests that are broadcast and replies that are not lie in
//! sessions of their own: each session then reports its part, at its end if no reply completes
//! it.
//!
//! Bounds: 64 unfinished exchanges per session, 128 options per message, 64 items per list, 256
//! octets per text.

mod message;
mod options;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId};

use crate::{
    Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, anomalies, udp,
};
use message::{BOOTP, COOKIE, FIXED, Message};
pub use record::{DhcpMessage, DhcpTransaction, OptionRecord, RelayAgent};

/// Most exchanges of a session kept until they are complete.
const MAX_PENDING: usize = 64;

/// Server, client, and the port for boot services (RFC 2131; PXE).
const PORTS: [u16; 3] = [67, 68, 4011];
const OVER: &[Over] = &[udp(&PORTS)];

anomalies! {
    /// What can be wrong with it.
    pub enum DhcpAnomaly {
        /// Shorter than the fixed part of a message.
        MalformedMessage = "malformed_message",
        /// An option that leads beyond the end.
        MalformedOption = "malformed_option",
        /// No option marks the end.
        NoEndOption = "no_end_option",
        /// An option of which the value does not fit its type.
        MalformedValue = "malformed_value",
        /// A message type that no standard defines.
        UnknownType = "unknown_type",
        /// More unfinished exchanges than are kept; the oldest is reported as it is.
        TooManyPending = "too_many_pending",
    }
}

struct Pending {
    record: DhcpTransaction,
    hardware: [u8; 16],
    time: u64,
    /// When the first request came.
    asked: Option<u64>,
}

/// The state of one session.
pub struct Dhcp {
    /// Unfinished exchanges, oldest first.
    pending: VecDeque<Pending>,
}

impl Protocol for Dhcp {
    const INFO: Info = Info {
        name: "dhcp",
        id: ProtoId(81),
        aliases: &["bootp"],
        title: "Dynamic Host Configuration Protocol",
        spec: "RFC 2131, RFC 2132, RFC 951",
        over: OVER,
        patterns: &[
            Pattern::at(236, &COOKIE),
            // Plain BOOTP, or little captured: Ethernet, no relay yet.
            Pattern::start(b"\x01\x01\x06"),
            Pattern::start(b"\x02\x01\x06"),
        ],
        weight: 20,
        timeout: TimeoutClass::Short,
        message: DhcpMessage::fields,
        transaction: DhcpTransaction::fields,
        anomalies: DhcpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: VecDeque::new() }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let &[op @ 1..=2, hardware, length @ 0..=16, hops, ..] = seg.data else {
            return Probe::No;
        };
        let own_port = PORTS.iter().any(|&port| seg.on_port(port));
        let (_, behind) = seg.data.split_at_checked(FIXED).unwrap_or((seg.data, &[]));
        if let Some(options) = behind.strip_prefix(&COOKIE) {
            // Elsewhere the first option must be there too, of a sound length.
            let plausible = match options {
                [0 | 255, ..] => true,
                [_, length, rest @ ..] => rest.len() >= usize::from(*length),
                _ => false,
            };
            return if own_port || plausible { Probe::Certain } else { Probe::No };
        }
        let ethernet = hardware == 1 && length == 6 && hops <= 16 && matches!(op, 1 | 2);
        let enough = seg.data.len() >= BOOTP || (seg.cut && behind.is_empty());
        if own_port && ethernet && enough { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if out.wants_messages() || out.wants_transactions() {
            match message::parse(seg.data) {
                Some(message) => self.message(&message, seg, out),
                None if seg.cut => {}
                None => out.anomaly(DhcpAnomaly::MalformedMessage),
            }
        }
        // What the session is was clear from its first octets.
        out.settled();
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(p) = self.pending.pop_front() {
            out.transaction(p.time, p.record);
        }
    }
}

impl Dhcp {
    fn message(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if !seg.cut {
            if message.options.broken {
                out.anomaly(DhcpAnomaly::MalformedOption);
            } else if message.has_options && !message.options.ended {
                out.anomaly(DhcpAnomaly::NoEndOption);
            }
        }
        if message.kind().is_some_and(|kind| message::kind_word(kind).is_none()) {
            out.anomaly(DhcpAnomaly::UnknownType);
        }
        if out.wants_messages() {
            out.message(&record::message(message));
        }
        if out.wants_transactions() {
            self.exchange(message, seg, out);
        }
    }

    fn exchange(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let same =
            |p: &Pending| p.record.id == message.xid && p.hardware == message.client_hardware;
        let position = self.pending.iter().position(same);
        let mut pending = match position.and_then(|at| self.pending.remove(at)) {
            Some(earlier) => earlier,
            None => Pending {
                record: DhcpTransaction::default(),
                hardware: message.client_hardware,
                time: seg.time,
                asked: None,
            },
        };
        if !pending.record.add(message) && !seg.cut {
            out.anomaly(DhcpAnomaly::MalformedValue);
        }
        if message.op == 1 {
            pending.asked.get_or_insert(seg.time);
        } else if let Some(asked) = pending.asked
            && pending.record.response_us.is_none()
        {
            pending.record.response_us = Some(seg.time.saturating_sub(asked) / 1000);
        }
        // An acknowledgement or a refusal ends it; a release or a decline has no answer.
        let complete = match message.kind() {
            Some(kind) => matches!(kind, 4..=7 | 11..=13 | 15),
            None => message.op == 2,
        };
        if complete {
            out.transaction(pending.time, pending.record);
            return;
        }
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(DhcpAnomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
        self.pending.push_back(pending);
    }
}

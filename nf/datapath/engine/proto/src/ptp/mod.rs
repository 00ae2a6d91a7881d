//! Precision time protocol, version 2 (IEEE 1588-2019), over UDP. One transaction per clock that
//! speaks in a session: whose time it tells, and how many messages of each kind it sent. Events and
//! general messages go to two ports, and so are two sessions.
//!
//! Bounds: 16 clocks of a session.

#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text};

use crate::{Cursor, Flow, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, udp};

/// Ports of events and of general messages.
const PORTS: &[u16] = &[319, 320];
/// Most clocks of a session.
const MAX_CLOCKS: usize = 16;

crate::anomalies! {
    /// What can be wrong with PTP.
    pub enum Anomaly {
        /// A message that is shorter than it says, or than its kind is.
        MalformedMessage = "malformed_message",
        /// A kind of message that is not defined.
        UnknownMessage = "unknown_message",
        /// A clock that leaves numbers out or goes back.
        SequenceGap = "sequence_gap",
        /// Clocks of one domain that follow different grandmasters.
        SeveralGrandmasters = "several_grandmasters",
        /// More clocks than are kept.
        TooManyClocks = "too_many_clocks",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct PtpMessage {
    /// Version.
    pub version: u8,
    /// Kind of message.
    pub message_type: u8,
    /// Name of the kind.
    pub message: &'static str,
    /// Domain.
    pub domain: u8,
    /// Number of the message.
    pub sequence: u16,
    /// Clock that sends it.
    pub clock_identity: u64,
    /// Its port.
    pub clock_port: u16,
    /// Correction by the clocks on the way, in nanoseconds.
    pub correction_ns: i64,
    /// Time that it tells: seconds.
    pub timestamp_s: Option<u64>,
    /// Time that it tells: nanoseconds of the second.
    pub timestamp_ns: Option<u32>,
    /// Clock whose time is told.
    pub grandmaster_identity: Option<u64>,
}

/// A clock of a session.
#[derive(Debug, Default, Fields)]
pub struct PtpTransaction {
    /// Version.
    pub version: u8,
    /// Domain.
    pub domain: u8,
    /// Clock, as hexadecimal digits.
    pub clock_identity: Text,
    /// Its port.
    pub clock_port: u16,
    /// Whether a follow-up tells the time of a sync.
    pub two_step: Option<bool>,
    /// Clock whose time it tells, as hexadecimal digits.
    pub grandmaster_identity: Option<Text>,
    /// First priority of that.
    pub priority1: Option<u8>,
    /// Second priority of that.
    pub priority2: Option<u8>,
    /// Class of that.
    pub clock_class: Option<u8>,
    /// Accuracy of that.
    pub clock_accuracy: Option<u8>,
    /// Where that has its time from: 16 atomic, 32 satellites, 64 PTP, 80 NTP, 160 itself.
    pub time_source: Option<u8>,
    /// Clocks on the way.
    pub steps_removed: Option<u16>,
    /// Seconds that the time is ahead of UTC.
    pub utc_offset_s: Option<i64>,
    /// Announcements.
    pub announces: u32,
    /// Syncs.
    pub syncs: u32,
    /// Follow-ups.
    pub follow_ups: u32,
    /// Requests for the delay, of both kinds.
    pub delay_requests: u32,
    /// Responses to these.
    pub delay_responses: u32,
    /// Management and signalling.
    pub others: u32,
}

/// A message taken apart.
#[derive(Clone, Copy, Debug, Default)]
struct Message {
    kind: u8,
    version: u8,
    length: usize,
    domain: u8,
    flags: u16,
    correction: i64,
    clock: u64,
    port: u16,
    sequence: u16,
    control: u8,
    time: Option<(u64, u32)>,
    announce: Option<Announce>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Announce {
    utc_offset: i16,
    priority1: u8,
    class: u8,
    accuracy: u8,
    priority2: u8,
    grandmaster: u64,
    steps: u16,
    source: u8,
}

const ANNOUNCE: u8 = 11;

fn parse(data: &[u8]) -> Option<Message> {
    let mut c = Cursor::new(data);
    let kind = c.u8()? & 0x0f;
    let version = c.u8()? & 0x0f;
    let length = usize::from(c.u16()?);
    let domain = c.u8()?;
    c.skip(1)?;
    let mut message = Message {
        kind,
        version,
        length,
        domain,
        flags: c.u16()?,
        correction: i64::from_be_bytes(c.array()?),
        ..Message::default()
    };
    c.skip(4)?;
    message.clock = c.u64()?;
    message.port = c.u16()?;
    message.sequence = c.u16()?;
    message.control = c.u8()?;
    c.skip(1)?;
    (version == 2 && length >= least(kind)? && length <= data.len()).then_some(())?;
    if kind < 12 {
        let seconds = u64::from(c.u16()?) << 32 | u64::from(c.u32()?);
        message.time = Some((seconds, c.u32()?));
    }
    if kind == ANNOUNCE {
        let utc_offset = i16::from_be_bytes(c.array()?);
        c.skip(1)?;
        let [priority1, class, accuracy] = c.array()?;
        c.skip(2)?;
        message.announce = Some(Announce {
            utc_offset,
            priority1,
            class,
            accuracy,
            priority2: c.u8()?,
            grandmaster: c.u64()?,
            steps: c.u16()?,
            source: c.u8()?,
        });
    }
    Some(message)
}

/// Octets that a kind has at least.
fn least(kind: u8) -> Option<usize> {
    match kind {
        0 | 1 | 8 | 12 => Some(44),
        2 | 3 | 9 | 10 => Some(54),
        ANNOUNCE => Some(64),
        13 => Some(48),
        _ => None,
    }
}

/// What earlier versions told the kind by; it must still be filled in.
fn control_of(kind: u8) -> u8 {
    match kind {
        0 => 0,
        1 => 1,
        8 => 2,
        9 => 3,
        13 => 4,
        _ => 5,
    }
}

fn word(kind: u8) -> &'static str {
    match kind {
        0 => "sync",
        1 => "delay_request",
        2 => "peer_delay_request",
        3 => "peer_delay_response",
        8 => "follow_up",
        9 => "delay_response",
        10 => "peer_delay_response_follow_up",
        ANNOUNCE => "announce",
        12 => "signalling",
        13 => "management",
        _ => "unknown",
    }
}

struct Clock {
    identity: u64,
    start: u64,
    /// Last number of each kind.
    last: [Option<u16>; 16],
    grandmaster: Option<u64>,
    record: PtpTransaction,
}

/// A session.
pub struct Ptp {
    clocks: Vec<Clock>,
    is_full: bool,
}

impl Protocol for Ptp {
    const INFO: Info = Info {
        name: "ptp",
        id: ProtoId(508),
        aliases: &["ieee1588", "ptpv2"],
        title: "Precision time protocol",
        spec: "IEEE 1588-2019",
        over: &[udp(PORTS)],
        patterns: &[Pattern::at(1, &[0x02]), Pattern::at(1, &[0x12])],
        weight: 40,
        timeout: TimeoutClass::Default,
        message: PtpMessage::fields,
        transaction: PtpTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { clocks: Vec::new(), is_full: false }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(message) = parse(seg.data) else { return Probe::No };
        let on_port = PORTS.iter().any(|&port| seg.on_port(port));
        let is_likely = on_port
            || message.length == seg.data.len()
                && message.control == control_of(message.kind)
                && message.domain < 128
                && message.time.is_none_or(|(_, ns)| ns < 1_000_000_000);
        if is_likely { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        match parse(seg.data) {
            Some(message) => self.message(&message, seg, out),
            None if seg.cut => {}
            None => {
                let is_known = seg.data.first().is_some_and(|first| least(first & 0x0f).is_some());
                let anomaly =
                    if is_known { Anomaly::MalformedMessage } else { Anomaly::UnknownMessage };
                out.anomaly(anomaly);
            }
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for clock in std::mem::take(&mut self.clocks) {
            out.transaction(clock.start, clock.record);
        }
    }
}

impl Ptp {
    fn message(&mut self, message: &Message, seg: &Segment<'_>, out: &mut Sink<'_>) {
        out.message(&PtpMessage {
            version: message.version,
            message_type: message.kind,
            message: word(message.kind),
            domain: message.domain,
            sequence: message.sequence,
            clock_identity: message.clock,
            clock_port: message.port,
            correction_ns: message.correction >> 16,
            timestamp_s: message.time.map(|(s, _)| s),
            timestamp_ns: message.time.map(|(_, ns)| ns),
            grandmaster_identity: message.announce.map(|a| a.grandmaster),
        });
        if let Some(announce) = message.announce {
            let is_other = |clock: &Clock| {
                clock.record.domain == message.domain
                    && clock.identity != message.clock
                    && clock.grandmaster.is_some_and(|g| g != announce.grandmaster)
            };
            if self.clocks.iter().any(is_other) {
                out.anomaly(Anomaly::SeveralGrandmasters);
            }
        }
        if let Some(clock) = self.clock(message, seg, out) {
            clock.add(message, out);
        }
    }

    fn clock(
        &mut self,
        message: &Message,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<&mut Clock> {
        let is_this = |clock: &Clock| {
            clock.identity == message.clock
                && clock.record.clock_port == message.port
                && clock.record.domain == message.domain
        };
        let known = self.clocks.iter().position(is_this);
        if known.is_none() {
            if self.clocks.len() >= MAX_CLOCKS {
                if !self.is_full {
                    out.anomaly(Anomaly::TooManyClocks);
                }
                self.is_full = true;
                return None;
            }
            self.clocks.push(Clock {
                identity: message.clock,
                start: seg.time,
                last: [None; 16],
                grandmaster: None,
                record: PtpTransaction {
                    version: message.version,
                    domain: message.domain,
                    clock_identity: Text::from(format!("{:016x}", message.clock)),
                    clock_port: message.port,
                    ..PtpTransaction::default()
                },
            });
        }
        let at = known.unwrap_or(self.clocks.len().saturating_sub(1));
        self.clocks.get_mut(at)
    }
}

impl Clock {
    fn add(&mut self, message: &Message, out: &mut Sink<'_>) {
        if let Some(last) = self.last.get_mut(usize::from(message.kind)) {
            // Responses take the numbers of their requests.
            let is_own = matches!(message.kind, 0..=2 | ANNOUNCE);
            if is_own && last.is_some_and(|n| message.sequence != n.wrapping_add(1)) {
                out.anomaly(Anomaly::SequenceGap);
            }
            *last = Some(message.sequence);
        }
        let record = &mut self.record;
        let count = match message.kind {
            0 => &mut record.syncs,
            1 | 2 => &mut record.delay_requests,
            3 | 9 => &mut record.delay_responses,
            8 | 10 => &mut record.follow_ups,
            ANNOUNCE => &mut record.announces,
            _ => &mut record.others,
        };
        *count = count.saturating_add(1);
        if message.kind == 0 {
            record.two_step = Some(message.flags & 0x0200 != 0);
        }
        if let Some(announce) = message.announce {
            self.grandmaster = Some(announce.grandmaster);
            record.grandmaster_identity =
                Some(Text::from(format!("{:016x}", announce.grandmaster)));
            record.priority1 = Some(announce.priority1);
            record.priority2 = Some(announce.priority2);
            record.clock_class = Some(announce.class);
            record.clock_accuracy = Some(announce.accuracy);
            record.time_source = Some(announce.source);
            record.steps_removed = Some(announce.steps);
            record.utc_offset_s = Some(announce.utc_offset.into());
        }
    }
}

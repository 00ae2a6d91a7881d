//! RTCP (RFC 3550 §6; feedback RFC 4585; extended reports RFC 3611; beside RTP on one port
//! RFC 5761; encrypted RFC 3711).
//!
//! One transaction per reporter and stream it reports on when the session ends: loss, jitter and
//! round trip as the ends saw them, and the quality they measured. The round trip is that between
//! the point of capture and the reporter: a report says when the sender report came that it
//! answers, and that went by here.
//!
//! Bounds: 32 reporters and streams per session, 16 sender reports remembered, 64 packets per
//! compound.

mod packet;
mod record;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::rtp::bundle::{Bundle, Kind};
use crate::rtp::packet::is_rtcp;
use crate::rtp::quality::ratio;
use crate::{
    Cursor, Direction, Earlier, Flow, Info, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, udp, within,
};
use packet::{Block, Packet, SenderInfo, Voice, kind};
pub use record::{RtcpMessage, RtcpTransaction};

/// RTCP's number.
pub const ID: ProtoId = ProtoId(1220);
/// Most reporters and streams of a session.
const MAX_PAIRS: usize = 32;
/// Most sender reports remembered.
const MAX_REPORTS: usize = 16;
/// Most packets read of a compound.
const MAX_PACKETS: usize = 64;
/// Datagrams after which the session is not watched for media, unless somebody listens.
const WATCHED: u32 = 64;
/// Longest text kept.
const MAX_TEXT: usize = 255;
/// Octets of an encrypted report that are in clear.
const CLEAR: usize = 8;

crate::anomalies! {
    /// What can be wrong with RTCP.
    pub enum Anomaly {
        /// A control packet that is shorter than what it counts, or a compound that ends in one.
        MalformedPacket = "malformed_packet",
        /// A datagram that is no packet of any protocol of this port.
        ForeignDatagram = "foreign_datagram",
        /// More reporters and streams than are kept.
        TooManyReporters = "too_many_reporters",
    }
}

/// A sender report that went by.
#[derive(Clone, Copy)]
struct Sent {
    ssrc: u32,
    ntp_middle: u32,
    time: u64,
    dir: Direction,
}

/// What a reporter said, of one stream or of none.
struct Pair {
    start: u64,
    record: RtcpTransaction,
}

/// The state of one session.
pub struct Rtcp {
    pairs: Vec<Pair>,
    sent: VecDeque<Sent>,
    others: Bundle,
    /// Keys were agreed by DTLS: only the front of a compound can be read.
    pub(crate) encrypted: bool,
    confirmed: bool,
    seen: u32,
}

impl Protocol for Rtcp {
    const INFO: Info = Info {
        name: "rtcp",
        id: ID,
        aliases: &["srtcp"],
        title: "RTP Control Protocol",
        spec: "RFC 3550, RFC 4585, RFC 3611, RFC 5761",
        over: &[udp(&[]), within("rtp"), within("rtsp"), within("stun"), within("dtls")],
        patterns: &[
            Pattern::at(1, &[kind::SENDER_REPORT]),
            Pattern::at(1, &[kind::RECEIVER_REPORT]),
        ],
        weight: 75,
        timeout: TimeoutClass::Live,
        message: RtcpMessage::fields,
        transaction: RtcpTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[crate::rtp::ID, crate::stun::ID, crate::stun::TURN, crate::dtls::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            pairs: Vec::new(),
            sent: VecDeque::new(),
            others: Bundle::default(),
            encrypted: false,
            confirmed: false,
            seen: 0,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match evidence(seg.data) {
            Evidence::Whole => Probe::Certain,
            Evidence::Front => Probe::Unsure,
            Evidence::None => Probe::No,
        }
    }

    fn probe_again(seg: &Segment<'_>, earlier: &Earlier<'_>) -> Probe {
        let evidence = evidence(seg.data);
        if evidence != Evidence::Front {
            return Self::probe(seg);
        }
        // Encrypted or odd: the same reporter once more.
        let ssrc = seg.data.get(4..CLEAR);
        let again = earlier
            .datagrams(seg.dir)
            .any(|data| self::evidence(data) == Evidence::Front && data.get(4..CLEAR) == ssrc);
        if again { Probe::Certain } else { Probe::Unsure }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let kind = Kind::of(seg.data);
        let taken = match kind {
            Kind::Rtcp => self.compound(seg, out),
            kind => self.others.take(kind, seg, out),
        };
        self.encrypted |= kind == Kind::Dtls && taken;
        if !taken && !seg.cut {
            out.anomaly(Anomaly::ForeignDatagram);
        }
        self.seen = self.seen.saturating_add(1);
        // The streams that are reported on may share the ports.
        if self.others.is_closed() || self.seen >= WATCHED {
            self.others.close();
            out.settled();
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for pair in std::mem::take(&mut self.pairs) {
            out.transaction(pair.start, pair.record);
        }
        self.others.end(out);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// The whole datagram is made of control packets that add up.
    Whole,
    /// Its front is a report's; the rest is not in clear, or not there.
    Front,
    None,
}

/// What a datagram says of itself.
fn evidence(data: &[u8]) -> Evidence {
    let first = match Packet::parse(data) {
        Some(first) if first.ssrc().is_some_and(|ssrc| ssrc != 0) => first,
        _ => return Evidence::None,
    };
    if !matches!(first.kind, kind::SENDER_REPORT | kind::RECEIVER_REPORT) || !first.adds_up() {
        return Evidence::None;
    }
    let mut at = first.total;
    let mut packets = 1usize;
    while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
        match Packet::parse(rest) {
            Some(packet) if packet.adds_up() && packets < MAX_PACKETS => {
                at = at.saturating_add(packet.total);
                packets = packets.saturating_add(1);
            }
            _ => return Evidence::Front,
        }
    }
    // A report alone must be exactly as long as its blocks are.
    let blocks = usize::from(first.count).saturating_mul(24);
    let own = if first.kind == kind::SENDER_REPORT { 28 } else { CLEAR };
    let exact = first.total == own.saturating_add(blocks);
    if packets > 1 || (exact && first.total > CLEAR) { Evidence::Whole } else { Evidence::Front }
}

impl Rtcp {
    /// Whether a compound was read to its end.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Takes a datagram of control packets; false when it is none.
    pub(crate) fn compound(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        if !is_rtcp(seg.data) {
            return false;
        }
        if self.encrypted || evidence(seg.data) == Evidence::Front {
            return self.front(seg, out);
        }
        let mut at = 0usize;
        for _ in 0..MAX_PACKETS {
            let rest = seg.data.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let read = Packet::parse(rest).and_then(|packet| {
                self.packet(&packet, seg, out)?;
                Some(packet.total)
            });
            match read {
                Some(total) => at = at.saturating_add(total),
                None => {
                    if !seg.cut {
                        out.anomaly(Anomaly::MalformedPacket);
                    }
                    return at > 0 || seg.cut;
                }
            }
        }
        self.confirmed = true;
        true
    }

    /// The part in clear of an encrypted compound.
    fn front(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        let mut c = Cursor::new(seg.data);
        let (Some(first), Some(packet_type), Some(_), Some(ssrc)) =
            (c.u8(), c.u8(), c.u16(), c.u32())
        else {
            return false;
        };
        let known = self.pairs.iter().any(|pair| pair.record.ssrc == ssrc);
        self.confirmed |= known || self.encrypted;
        if let Some(record) = self.pair(ssrc, None, seg.time, out) {
            record.encrypted = true;
            record.reports = record.reports.saturating_add(1);
        }
        if out.wants_messages() {
            out.message(&RtcpMessage {
                packet_type,
                kind: kind::word(packet_type),
                count: first & 0x1f,
                length: u32::try_from(seg.data.len()).unwrap_or(u32::MAX),
                ssrc: Some(ssrc),
                ..RtcpMessage::default()
            });
        }
        true
    }

    /// One packet; `None` when it is malformed.
    fn packet(&mut self, packet: &Packet<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) -> Option<()> {
        if !packet.adds_up() {
            return None;
        }
        let mut message = RtcpMessage {
            packet_type: packet.kind,
            kind: kind::word(packet.kind),
            count: packet.count,
            length: u32::try_from(packet.total).unwrap_or(u32::MAX),
            ssrc: packet.ssrc(),
            ..RtcpMessage::default()
        };
        match packet.kind {
            kind::SENDER_REPORT | kind::RECEIVER_REPORT => {
                self.report(packet, seg, &mut message, out)?;
            }
            kind::SOURCE_DESCRIPTION if packet.count > 0 => {
                let (ssrc, name) = packet::canonical_name(packet.body)?;
                message.cname = name.map(TextRef);
                if let Some(name) = name {
                    self.each(ssrc, |record| record.cname = Some(Text::bounded(name, MAX_TEXT)));
                }
            }
            kind::BYE if packet.count > 0 => {
                let reason = packet::reason(packet.body, packet.count);
                message.reason = reason.map(TextRef);
                self.each(packet.ssrc()?, |record| {
                    record.bye = true;
                    record.reason = reason.map(|text| Text::bounded(text, MAX_TEXT));
                });
            }
            kind::EXTENDED_REPORT => {
                let ssrc = packet.ssrc()?;
                if let Some(voice) = packet::voice(packet.body)?
                    && let Some(record) = self.pair(ssrc, Some(voice.source), seg.time, out)
                {
                    measure(record, &voice);
                }
            }
            _ => {}
        }
        out.message(&message);
        Some(())
    }

    fn report(
        &mut self,
        packet: &Packet<'_>,
        seg: &Segment<'_>,
        message: &mut RtcpMessage<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        let mut c = Cursor::new(packet.body);
        let ssrc = c.u32()?;
        let mut info = None;
        if packet.kind == kind::SENDER_REPORT {
            let sender = packet::sender_info(&mut c)?;
            self.remember(ssrc, sender.ntp_middle, seg);
            message.packets_sent = Some(sender.packets);
            message.octets_sent = Some(sender.octets);
            info = Some(sender);
        }
        if packet.count == 0 {
            self.tell(ssrc, None, info, seg, out);
        }
        for index in 0..packet.count {
            let block = packet::block(&mut c)?;
            let rtt = self.tell(ssrc, Some(&block), info, seg, out);
            if index == 0 {
                message.source = Some(block.source);
                message.loss_percent = Some(percent(block.fraction_lost));
                message.lost = Some(block.lost.into());
                message.jitter = Some(block.jitter);
                message.rtt_us = rtt;
            }
        }
        Some(())
    }

    fn remember(&mut self, ssrc: u32, ntp_middle: u32, seg: &Segment<'_>) {
        if self.sent.len() >= MAX_REPORTS {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { ssrc, ntp_middle, time: seg.time, dir: seg.dir });
    }

    /// Writes down what a report says; returns the round trip.
    fn tell(
        &mut self,
        ssrc: u32,
        block: Option<&Block>,
        info: Option<SenderInfo>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<u64> {
        let rtt = block.and_then(|block| self.round_trip(block, seg));
        let source = block.map(|block| block.source);
        let record = self.pair(ssrc, source, seg.time, out)?;
        record.reports = record.reports.saturating_add(1);
        if let Some(info) = info {
            record.packets_sent = Some(info.packets);
            record.octets_sent = Some(info.octets);
        }
        if let Some(block) = block {
            let loss = percent(block.fraction_lost);
            record.lost = Some(block.lost.into());
            record.loss_percent = Some(loss);
            record.loss_percent_max = Some(record.loss_percent_max.unwrap_or(0.0).max(loss));
            record.jitter = Some(block.jitter);
            record.jitter_max = record.jitter_max.max(Some(block.jitter));
        }
        if rtt.is_some() {
            record.rtt_us = rtt;
            record.rtt_max_us = record.rtt_max_us.max(rtt);
        }
        rtt
    }

    /// From the sender report that a block answers to now, without the time the reporter held it.
    fn round_trip(&self, block: &Block, seg: &Segment<'_>) -> Option<u64> {
        let sent = self.sent.iter().rev().find(|sent| {
            sent.ssrc == block.source
                && sent.ntp_middle == block.last_report
                && sent.dir != seg.dir
                && block.last_report != 0
        })?;
        let held_us = u64::from(block.delay).saturating_mul(1_000_000) >> 16;
        (seg.time.saturating_sub(sent.time) / 1000).checked_sub(held_us)
    }

    /// What `ssrc` said of `source`; `None` where nobody listens or no more are kept.
    fn pair(
        &mut self,
        ssrc: u32,
        source: Option<u32>,
        time: u64,
        out: &mut Sink<'_>,
    ) -> Option<&mut RtcpTransaction> {
        // A reporter that had nothing to report on yet is the same one.
        let same = |pair: &Pair| {
            let record = &pair.record;
            record.ssrc == ssrc
                && (record.source == source || record.source.is_none() || source.is_none())
        };
        let position = self.pairs.iter().position(same);
        let at = match position {
            Some(at) => at,
            None if self.pairs.len() >= MAX_PAIRS => {
                out.anomaly(Anomaly::TooManyReporters);
                return None;
            }
            None => {
                let known = self.pairs.iter().find(|pair| pair.record.ssrc == ssrc);
                let cname = known.and_then(|pair| pair.record.cname.clone());
                let record = RtcpTransaction { ssrc, cname, ..RtcpTransaction::default() };
                self.pairs.push(Pair { start: time, record });
                self.pairs.len().saturating_sub(1)
            }
        };
        let record = self.pairs.get_mut(at).map(|pair| &mut pair.record)?;
        record.source = record.source.or(source);
        Some(record)
    }

    fn each(&mut self, ssrc: u32, change: impl Fn(&mut RtcpTransaction)) {
        self.pairs.iter_mut().filter(|p| p.record.ssrc == ssrc).for_each(|p| change(&mut p.record));
    }
}

/// Writes the metrics that are known; 127 stands for not known.
fn measure(record: &mut RtcpTransaction, voice: &Voice) {
    let known = |value: u8| (value != 127).then_some(value);
    let score = |tenths: u8| known(tenths).map(|tenths| f64::from(tenths) / 10.0);
    record.r_factor = known(voice.r_factor).or(record.r_factor);
    record.mos_lq = score(voice.mos_lq).or(record.mos_lq);
    record.mos_cq = score(voice.mos_cq).or(record.mos_cq);
}

/// 256ths as percent, to two digits.
fn percent(fraction: u8) -> f64 {
    (ratio(fraction.into(), 256) * 10_000.0).round() / 100.0
}

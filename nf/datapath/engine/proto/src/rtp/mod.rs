//! RTP over UDP (RFC 3550, 3551; beside STUN, DTLS and RTCP on one port: RFC 5761, 7983).
//!
//! One transaction per stream (SSRC and direction) when the session ends: packets, loss with its
//! bursts, order, jitter, and an estimate of what a listener makes of it (see [`quality`]). RTP
//! inside RTSP, TURN and WebRTC's bundles is read by the same code and reported as `rtp`.
//!
//! Bounds: 16 streams per session (then the one that was silent longest is reported), 16 announced
//! payload types, 128 sequence numbers remembered per stream.

pub mod bundle;
pub mod packet;
mod probe;
pub mod quality;
mod record;
mod stream;
#[cfg(test)]
pub(crate) mod tests;

use nf_fields::{BinaryRef, Fields, ProtoId, TextRef};

use crate::sdp::Codec;
use crate::{
    Direction, Earlier, Flow, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    udp, within,
};
use bundle::{Bundle, Kind};
use packet::{Packet, static_codec};
pub use record::{RtpMessage, RtpTransaction};
use stream::{Place, Stream, whole};

/// RTP's number.
pub const ID: ProtoId = ProtoId(298);
/// Most streams of a session.
const MAX_STREAMS: usize = 16;
/// Most payload types that an announcement gives a meaning.
const MAX_CODECS: usize = 16;
/// Datagrams up to this length keep a way open and mean nothing (RFC 6263).
const KEEPALIVE: usize = 4;

/// Version 2 with any number of contributing sources: the first octets a packet can have.
const FIRST: [[u8; 1]; 64] = {
    let mut all = [[0x80]; 64];
    let mut n = 0u8;
    while n < 64 {
        #[expect(clippy::indexing_slicing, reason = "below 64")]
        {
            all[n as usize] = [0x80 + n];
            n += 1;
        }
    }
    all
};
const PATTERNS: [Pattern; 64] = {
    let mut all = [Pattern::start(&[0x80]); 64];
    let mut n = 0;
    while n < 64 {
        #[expect(clippy::indexing_slicing, reason = "below 64")]
        {
            all[n] = Pattern::start(&FIRST[n]);
            n += 1;
        }
    }
    all
};

crate::anomalies! {
    /// What can be wrong with RTP.
    pub enum Anomaly {
        /// A datagram that is no packet of any protocol of this port.
        ForeignDatagram = "foreign_datagram",
        /// Padding that is longer than the packet.
        PaddingInvalid = "padding_invalid",
        /// A stream goes on at another sequence number.
        SequenceJump = "sequence_jump",
        /// More streams than are kept; the one that was silent longest is given up.
        TooManyStreams = "too_many_streams",
    }
}

struct Known {
    ssrc: u32,
    dir: Direction,
    stream: Stream,
}

/// The state of one session.
pub struct Rtp {
    streams: Vec<Known>,
    announced: Vec<Codec>,
    others: Bundle,
    /// Keys were agreed by DTLS.
    pub(crate) encrypted: bool,
    confirmed: bool,
}

impl Protocol for Rtp {
    const INFO: Info = Info {
        name: "rtp",
        id: ID,
        aliases: &["srtp"],
        title: "Real-time Transport Protocol",
        spec: "RFC 3550, RFC 3551, RFC 5761, RFC 7983",
        over: &[udp(&[]), within("rtsp"), within("stun"), within("turn"), within("dtls")],
        patterns: &PATTERNS,
        weight: 80,
        timeout: TimeoutClass::Live,
        message: RtpMessage::fields,
        transaction: RtpTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[crate::rtcp::ID, crate::stun::ID, crate::stun::TURN, crate::dtls::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            streams: Vec::new(),
            announced: Vec::new(),
            others: Bundle::default(),
            encrypted: false,
            confirmed: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn probe_again(seg: &Segment<'_>, earlier: &Earlier<'_>) -> Probe {
        probe::probe_again(seg, earlier)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // A stream is what the session is, whatever else comes.
        self.others.close();
        let taken = match Kind::of(seg.data) {
            Kind::Rtp => self.packet(seg, out),
            kind => self.others.take(kind, seg, out),
        };
        self.encrypted |= Kind::of(seg.data) == Kind::Dtls && taken;
        if !taken && seg.data.len() > KEEPALIVE && !seg.cut {
            out.anomaly(Anomaly::ForeignDatagram);
        }
        out.settled();
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for known in std::mem::take(&mut self.streams) {
            self.report(known, out);
        }
        self.others.end(out);
    }
}

impl Rtp {
    /// Says what a payload type stands for, as an announcement has it.
    pub(crate) fn announce(&mut self, codec: &Codec) {
        let room = self.announced.len() < MAX_CODECS;
        match self.announced.iter_mut().find(|a| a.payload_type == codec.payload_type) {
            Some(known) => *known = codec.clone(),
            None if room => self.announced.push(codec.clone()),
            None => {}
        }
    }

    /// Whether packets have followed each other.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Name and clock of an encoding: an announcement outweighs the fixed meaning.
    fn codec(&self, payload_type: u8) -> Option<(&[u8], u32)> {
        let announced = self.announced.iter().find(|a| a.payload_type == payload_type);
        if let Some(announced) = announced {
            return Some((announced.name.as_bytes(), announced.clock));
        }
        static_codec(payload_type).map(|codec| (codec.name.as_bytes(), codec.clock))
    }

    /// Takes a datagram that can be a packet; false when it is none.
    pub(crate) fn packet(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        let Some(packet) = Packet::parse(seg.data, !seg.cut) else {
            return false;
        };
        // Padding of an encrypted packet is encrypted too.
        if packet.bad_padding && !self.encrypted {
            out.anomaly(Anomaly::PaddingInvalid);
        }
        let clock = self.codec(packet.payload_type).map(|(_, clock)| clock);
        let position = self.streams.iter().position(|k| k.ssrc == packet.ssrc && k.dir == seg.dir);
        let place = match position.and_then(|at| self.streams.get_mut(at)) {
            Some(known) => {
                let place = known.stream.take(&packet, seg.time, clock);
                self.confirmed |= known.stream.is_confirmed();
                place
            }
            None => {
                self.make_room(out);
                let stream = Stream::new(&packet, seg.time, clock);
                self.streams.push(Known { ssrc: packet.ssrc, dir: seg.dir, stream });
                Place::default()
            }
        };
        if place.restart {
            out.anomaly(Anomaly::SequenceJump);
        }
        if out.wants_messages() {
            self.tell(&packet, place, seg.dir, out);
        }
        true
    }

    fn make_room(&mut self, out: &mut Sink<'_>) {
        if self.streams.len() < MAX_STREAMS {
            return;
        }
        let silent = self.streams.iter().enumerate().min_by_key(|(_, known)| known.stream.last);
        if let Some((at, _)) = silent {
            out.anomaly(Anomaly::TooManyStreams);
            let known = self.streams.swap_remove(at);
            self.report(known, out);
        }
    }

    fn tell(&self, packet: &Packet<'_>, place: Place, dir: Direction, out: &mut Sink<'_>) {
        let known = self.streams.iter().find(|k| k.ssrc == packet.ssrc && k.dir == dir);
        let codec = self.codec(packet.payload_type).map(|(codec, _)| codec);
        let rating = known
            .zip(codec)
            .and_then(|(known, codec)| quality::rating(codec, &known.stream.seen()));
        out.message(&RtpMessage {
            version: 2,
            padding: packet.padding.into(),
            extension: packet.extension.into(),
            csrc_count: packet.csrc_count,
            marker: packet.marker.into(),
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            csrc: (!packet.csrc.is_empty()).then_some(BinaryRef(packet.csrc)),
            quality: rating.map(|rating| whole(rating).into()),
            jitter: known.map_or(0, |known| whole(known.stream.jitter())),
            inter_jitter: place.inter_jitter,
            inter_delay: place.inter_delay_us,
            loss: place.loss,
            burst_loss: if place.loss > 1 { place.loss } else { 0 },
            unorder: place.unorder.into(),
            duplicate: place.duplicate.into(),
            order_err: place.order_err,
            codec: codec.map(TextRef),
            payload_length: u16::try_from(packet.payload.len()).unwrap_or(u16::MAX),
        });
    }

    /// Reports a stream, unless it is one packet that may have been anything.
    fn report(&self, known: Known, out: &mut Sink<'_>) {
        let Known { ssrc, dir, mut stream } = known;
        if !out.wants_transactions() || !stream.is_confirmed() {
            return;
        }
        stream.finish();
        let codec = self.codec(stream.payload_type).map(|(codec, _)| codec);
        let rating = codec.and_then(|codec| quality::rating(codec, &stream.seen()));
        let us = |units: f64| stream.us(units).map(whole);
        let percent = quality::ratio(stream.lost(), stream.expected().max(1)) * 100.0;
        let record = RtpTransaction {
            ssrc,
            direction: if dir == Direction::Up { "up" } else { "down" }.into(),
            payload_type: stream.payload_type,
            codec: codec.map(Into::into),
            clock_rate: stream.clock,
            packets: stream.packets,
            octets: stream.octets,
            expected: stream.expected(),
            lost: stream.lost(),
            loss_percent: two_digits(percent),
            bursts: stream.bursts,
            longest_burst: stream.longest_burst,
            unordered: stream.unordered,
            duplicates: stream.duplicates,
            restarts: stream.restarts,
            first_sequence: stream.first_sequence,
            jitter_us: us(stream.jitter()),
            jitter_max_us: us(stream.jitter_max),
            longest_gap_us: stream.longest_gap_us,
            r_factor: rating.map(two_digits),
            mos: rating.map(quality::opinion),
            encrypted: self.encrypted,
            duration_us: stream.last.saturating_sub(stream.start) / 1000,
        };
        out.transaction(stream.start, record);
    }
}

fn two_digits(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

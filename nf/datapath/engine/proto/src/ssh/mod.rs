//! SSH over TCP (RFC 4251, 4253, 4419, 5656): everything before encryption sets in.
//!
//! One transaction per session: identifications, offers with their HASSH and HASSHServer
//! fingerprints, what was agreed on, and the server's host key. It is reported when both sides go
//! on encrypted, or at the end of the session as far as it was seen. A session of which the
//! identifications are missing is not recognised.
//!
//! Bounds: 255 octets per line, 64 lines before the identification, 40,000 octets per packet, 128
//! names compared per list.

mod message;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Direction, Flow, Gap, Info, Next, Over, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, anomalies, tcp,
};
use message::{Front, KEX_GROUP_REPLY, KEX_REPLY, KEXINIT, MAX_LINE, MAX_PACKET, NEWKEYS};
use record::KeptOffer;
pub use record::{SshMessage, SshTransaction};

const PORT: u16 = 22;
const OVER: &[Over] = &[tcp(&[PORT])];
/// Where a server's identification must begin for the session to be recognised by it.
const PREAMBLE: u16 = 400;
/// Most lines a server may send before its identification.
const MAX_LINES: u8 = 64;

anomalies! {
    /// What can be wrong with it.
    pub enum SshAnomaly {
        /// An identification that lacks a part, or that does not come.
        MalformedBanner = "malformed_banner",
        /// A packet of an impossible length; nothing is read behind it.
        MalformedPacket = "malformed_packet",
        /// An offer that ends before its lists do.
        MalformedOffer = "malformed_offer",
        /// Offers that have no key exchange or no cipher in common.
        NothingInCommon = "nothing_in_common",
    }
}

/// How far one direction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The identification is awaited.
    #[default]
    Banner,
    /// Packets in clear.
    Packets,
    /// Encrypted, or of version 1.
    Encrypted,
    /// Something was lost or malformed.
    Lost,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    stage: Stage,
    /// Lines seen before the identification.
    lines: u8,
    offer: Option<KeptOffer>,
}

impl Side {
    /// Whether it is read.
    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Banner | Stage::Packets)
    }
}

/// The state of one session.
pub struct Ssh {
    up: Side,
    down: Side,
    /// The session was first seen from its server.
    reversed: bool,
    /// When the first banner came.
    start: Option<u64>,
    record: Option<Box<SshTransaction>>,
}

impl Protocol for Ssh {
    const INFO: Info = Info {
        name: "ssh",
        id: ProtoId(340),
        title: "Secure Shell",
        spec: "RFC 4253, RFC 4251",
        over: OVER,
        patterns: &[Pattern::start(b"SSH-"), Pattern::within(PREAMBLE, b"\nSSH-")],
        weight: 20,
        timeout: TimeoutClass::Long,
        max_pending: MAX_PACKET + 4,
        message: SshMessage::fields,
        transaction: SshTransaction::fields,
        anomalies: SshAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        Self {
            up: Side::default(),
            down: Side::default(),
            reversed: flow.initiator_port == PORT && flow.responder_port != PORT,
            start: None,
            record: Some(Box::default()),
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        // A server, and only a server, may send other lines first.
        let behind = match seg.dir {
            Direction::Down => message::behind_preamble(seg.data, PREAMBLE.into()),
            Direction::Up => None,
        };
        match message::may_be_banner(behind.unwrap_or(seg.data)) {
            Some(true) => Probe::Certain,
            Some(false) => Probe::Unsure,
            None => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // What the session is was clear from its first octets.
        out.settled();
        self.start.get_or_insert(seg.time);
        match self.side(seg.dir).stage {
            Stage::Banner => self.line(seg, out),
            Stage::Packets => self.packet(seg, out),
            Stage::Encrypted | Stage::Lost => Step::all(seg),
        }
    }

    /// What is lost in clear ends one direction; the other may go on.
    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        let side = self.side(dir);
        if side.is_open() {
            side.stage = Stage::Lost;
        }
        if self.is_over() { Gap::GiveUp } else { Gap::Resume }
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        let known = |r: &SshTransaction| r.client_version.is_some() || r.server_version.is_some();
        if let (Some(record), Some(start)) = (self.record.take(), self.start)
            && known(&record)
        {
            out.transaction(start, *record);
        }
    }
}

impl Ssh {
    fn side(&mut self, dir: Direction) -> &mut Side {
        match dir {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }

    fn is_client(&self, dir: Direction) -> bool {
        (dir == Direction::Up) != self.reversed
    }

    /// Takes an identification line, or one of those a server may send before it.
    fn line(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let Some(end) = memchr::memchr(b'\n', seg.data) else {
            if seg.data.len() < MAX_LINE {
                return Step::used(0);
            }
            return self.lose(SshAnomaly::MalformedBanner, seg, out);
        };
        let line = seg.data.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let consumed = end.saturating_add(1);
        if !line.starts_with(b"SSH-") {
            let side = self.side(seg.dir);
            side.lines = side.lines.saturating_add(1);
            if side.lines > MAX_LINES {
                return self.lose(SshAnomaly::MalformedBanner, seg, out);
            }
            return Step::used(consumed);
        }
        let Some(banner) = message::banner(line) else {
            return self.lose(SshAnomaly::MalformedBanner, seg, out);
        };
        let from_client = self.is_client(seg.dir);
        if out.wants_messages() {
            out.message(&record::banner_message(&banner, from_client));
        }
        if let Some(record) = &mut self.record {
            record.banner(&banner, from_client);
        }
        // The packets of version 1 have another shape.
        let old = banner.version.starts_with(b"1.") && banner.version != b"1.99";
        self.side(seg.dir).stage = if old { Stage::Encrypted } else { Stage::Packets };
        self.next(consumed)
    }

    fn packet(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        match message::packet(seg.data) {
            Front::Partial(length) => Step::need(0, length),
            Front::Malformed => {
                // Some servers refuse in words.
                let refusal = message::words(seg.data);
                if let (Some(words), Some(record)) = (refusal, &mut self.record) {
                    record.refusal(words);
                    self.side(seg.dir).stage = Stage::Lost;
                    return self.next(seg.data.len());
                }
                self.lose(SshAnomaly::MalformedPacket, seg, out)
            }
            Front::Packet(packet) => {
                if let Some((&number, body)) = packet.payload.split_first() {
                    self.message(number, body, seg, out);
                }
                self.next(packet.length)
            }
        }
    }

    fn message(&mut self, number: u8, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let from_client = self.is_client(seg.dir);
        let offer = if number == KEXINIT { message::offer(body) } else { None };
        if number == KEXINIT && offer.is_none() {
            out.anomaly(SshAnomaly::MalformedOffer);
        }
        if out.wants_messages() {
            out.message(&record::packet_message(number, offer.as_ref(), from_client));
        }
        if let Some(offer) = &offer {
            self.side(seg.dir).offer = Some(KeptOffer::of(offer));
            if out.wants_transactions()
                && let Some(record) = &mut self.record
            {
                record.offer(offer, from_client);
            }
            self.agree(out);
        }
        let start = self.start.unwrap_or(seg.time);
        if let Some(record) = &mut self.record {
            record.handshake_us = Some(seg.time.saturating_sub(start) / 1000);
            let exchanged = record.kex.as_ref().map(|k| k.as_bytes());
            let by_group = exchanged.is_some_and(|k| k.starts_with(b"diffie-hellman-group-exch"));
            let reply = if by_group { KEX_GROUP_REPLY } else { KEX_REPLY };
            if number == reply && !from_client && out.wants_transactions() {
                record.host_key(body);
            }
        }
        if number == NEWKEYS {
            self.side(seg.dir).stage = Stage::Encrypted;
            if let Some(record) = &mut self.record {
                record.encrypted =
                    [self.up.stage, self.down.stage].iter().all(|s| *s == Stage::Encrypted);
            }
        }
    }

    /// Once both offers are there, what they have in common is known.
    fn agree(&mut self, out: &mut Sink<'_>) {
        let (client, server) =
            if self.reversed { (&self.down, &self.up) } else { (&self.up, &self.down) };
        let (Some(client), Some(server), Some(record)) =
            (&client.offer, &server.offer, &mut self.record)
        else {
            return;
        };
        if !record.agree(client, server) {
            out.anomaly(SshAnomaly::NothingInCommon);
        }
        self.up.offer = None;
        self.down.offer = None;
    }

    /// Counts what is wrong with one direction and reads no more of it.
    fn lose(&mut self, anomaly: SshAnomaly, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.anomaly(anomaly);
        self.side(seg.dir).stage = Stage::Lost;
        self.next(seg.data.len())
    }

    fn is_over(&self) -> bool {
        !self.up.is_open() && !self.down.is_open()
    }

    /// Goes on behind `consumed` octets, unless there is nothing left to read.
    fn next(&self, consumed: usize) -> Step {
        let next = if self.is_over() { Next::Nobody } else { Next::Same };
        Step { next, ..Step::used(consumed) }
    }
}

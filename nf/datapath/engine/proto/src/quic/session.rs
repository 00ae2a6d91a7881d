//! A QUIC connection's state: who is who, the keys, and what the handshake has told so far.

mod hello;

use nf_fields::BinaryRef;

use super::crypto::{InitialKeys, Opened};
use super::frame::{Frame, Frames};
use super::packet::{Kind, Long};
use super::stream::CryptoStream;
use super::{Anomaly, QuicMessage, QuicTransaction, probe, version};
use crate::{Direction, Segment, Sink, Step};

/// Most packets of one datagram that are looked at.
const MAX_COALESCED: usize = 8;
/// Most derivations of keys in a session.
const MAX_DERIVATIONS: u8 = 8;

/// State of one QUIC connection.
#[derive(Default)]
pub struct Quic {
    /// Who sends the first Initial.
    client: Option<Direction>,
    /// Those in use, and those of the version before or after (RFC 9368): at most two.
    keys: Vec<KeySet>,
    /// Connection id that all keys in use follow from.
    first_id: Vec<u8>,
    derivations: u8,
    sides: [Side; 2],
    /// Some packet was authenticated, or a version negotiation seen.
    is_trusted: bool,
    /// The client's hello was read, or never will be.
    is_settled: bool,
    is_established: bool,
    transcript: Option<Box<Transcript>>,
}

#[derive(Default)]
struct Side {
    /// Until the hello is read.
    crypto: CryptoStream,
    /// Octets of a HelloRetryRequest in front of the hello.
    retried: usize,
    has_hello: bool,
    largest: Option<u64>,
    /// Octets of the connection ids this side chose for itself.
    id_len: Option<usize>,
    spin: Option<u8>,
    spin_edge: Option<u64>,
}

/// Keys and the version they are for.
struct KeySet {
    version: u32,
    keys: Box<InitialKeys>,
}

/// The transaction in the making.
struct Transcript {
    start: u64,
    record: QuicTransaction,
}

/// What is to become of the session after a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    GoOn,
    NotMine,
}

impl Quic {
    fn side(&mut self, dir: Direction) -> &mut Side {
        let [up, down] = &mut self.sides;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// See [`crate::Protocol::parse`].
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut rest = seg.data;
        for index in 0..MAX_COALESCED {
            let Some(first) = rest.first() else {
                break;
            };
            if first & 0x80 == 0 {
                // Behind other packets zeros may pad the datagram.
                if index == 0 || first & 0x40 != 0 {
                    self.short_packet(rest, seg, out);
                }
                break;
            }
            let long = Long::parse(rest).filter(|l| l.total <= rest.len() || seg.cut);
            let Some(long) = long else {
                if !self.is_trusted && self.derivations == 0 && index == 0 {
                    return Step::not_mine();
                }
                out.anomaly(Anomaly::MalformedPacket);
                break;
            };
            if self.long_packet(&long, rest, seg, out) == Verdict::NotMine {
                self.transcript = None;
                return Step::not_mine();
            }
            rest = rest.get(long.total..).unwrap_or_default();
        }
        if self.is_settled {
            out.settled();
        }
        if self.is_established && !out.wants_messages() {
            return Step::done();
        }
        Step::all(seg)
    }

    /// Reports the handshake, unless that has been done.
    pub(super) fn conclude(&mut self, out: &mut Sink<'_>) {
        if let Some(transcript) = self.transcript.take() {
            out.transaction(transcript.start, transcript.record);
        }
    }

    fn record(&mut self, time: u64, out: &Sink<'_>) -> Option<&mut QuicTransaction> {
        if !out.wants_transactions() || self.is_established {
            return None;
        }
        let transcript = self.transcript.get_or_insert_with(|| {
            Box::new(Transcript { start: time, record: QuicTransaction::default() })
        });
        Some(&mut transcript.record)
    }

    fn long_packet(
        &mut self,
        long: &Long<'_>,
        data: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Verdict {
        self.side(seg.dir).id_len = Some(long.scid.len());
        if let Some(record) = self.record(seg.time, out)
            && record.dcid.is_none()
        {
            record.version = Some(version::name(long.version)).filter(|_| long.version != 0);
            record.dcid = Some(long.dcid.into());
            record.scid = Some(long.scid.into());
        }
        let mut number = None;
        let mut verdict = Verdict::GoOn;
        match long.kind {
            Kind::Initial => (verdict, number) = self.initial(long, data, seg, out),
            Kind::ZeroRtt => {
                if let Some(record) = self.record(seg.time, out) {
                    record.early_data = true;
                }
            }
            Kind::Retry => {
                self.is_trusted = true;
                if let Some(record) = self.record(seg.time, out) {
                    record.retry = true;
                }
            }
            Kind::VersionNegotiation => self.is_trusted = true,
            Kind::Handshake => {}
            Kind::Unknown => {
                let initial = version::is_reserved(long.version)
                    .then(|| Long::parse_as_initial(data))
                    .flatten();
                if let Some(initial) = initial {
                    (verdict, number) = self.initial(&initial, data, seg, out);
                }
            }
        }
        if out.wants_messages() && verdict == Verdict::GoOn {
            let narrow = |n: usize| u16::try_from(n).ok();
            let has_token = matches!(long.kind, Kind::Initial | Kind::Retry);
            let (number_len, number): (Option<u8>, Option<u64>) = number.unzip();
            out.message(&QuicMessage {
                header_form: 1,
                long_packet_type: long.kind.number(),
                version: Some(long.version),
                dst_conn_id_len: narrow(long.dcid.len()),
                dst_conn_id: Some(BinaryRef(long.dcid)),
                src_conn_id_len: narrow(long.scid.len()),
                src_conn_id: Some(BinaryRef(long.scid)),
                length: long.length.and_then(|l| u32::try_from(l).ok()),
                packet_number_len: number_len,
                packet_number: number.and_then(|n| u32::try_from(n).ok()),
                token_len: narrow(long.token.len()).filter(|_| has_token),
                token: Some(BinaryRef(long.token)).filter(|_| has_token),
                ..QuicMessage::default()
            });
        }
        verdict
    }

    /// Opens an Initial packet and reads it; returns length and value of its packet number.
    fn initial(
        &mut self,
        long: &Long<'_>,
        data: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> (Verdict, Option<(u8, u64)>) {
        let Some(packet) = data.get(..long.total) else {
            // The capture has not all of it: nothing can be authenticated.
            self.is_settled = true;
            return (Verdict::GoOn, None);
        };
        let Some(opened) = self.open(long, packet, seg.dir) else {
            if version::is_reserved(long.version) {
                return (Verdict::GoOn, None);
            }
            if !self.is_trusted && !probe::is_on_port(seg) {
                return (Verdict::NotMine, None);
            }
            out.anomaly(Anomaly::UndecryptableInitial);
            self.is_settled |= self.derivations >= MAX_DERIVATIONS;
            return (Verdict::GoOn, None);
        };
        self.is_trusted = true;
        let is_client = self.client == Some(seg.dir);
        let side = self.side(seg.dir);
        side.largest = side.largest.max(Some(opened.number));
        if !opened.is_reserved_zero {
            out.anomaly(Anomaly::ReservedBits);
        }
        let is_short = is_client && seg.data.len() < probe::LEAST_INITIAL;
        if is_short && version::is_final(long.version) {
            out.anomaly(Anomaly::ShortInitialDatagram);
        }
        if let Some(record) = self.record(seg.time, out) {
            record.version = Some(version::name(long.version));
        }
        self.frames(long.version, &opened.payload, seg, out);
        (Verdict::GoOn, Some((opened.number_len, opened.number)))
    }

    /// Tries the keys at hand, then those that follow from the packet itself.
    fn open(&mut self, long: &Long<'_>, packet: &[u8], dir: Direction) -> Option<Opened> {
        let largest = self.side(dir).largest;
        let is_client = self.client == Some(dir);
        // The version's own first; some clients change the version field before the keys.
        let is_own = |set: &&KeySet| set.version == long.version;
        let has_version = self.keys.iter().any(|set| is_own(&set));
        let others = self.keys.iter().filter(|set| !is_own(set));
        let opened = self.keys.iter().filter(is_own).chain(others).find_map(|set| {
            let keys = if is_client { &set.keys.client } else { &set.keys.server };
            keys.open(packet, long.number_at, largest)
        });
        if opened.is_some() {
            return opened;
        }
        // The server may go on in another version, and the client after it, with keys from the
        // same connection id.
        if !self.keys.is_empty() && !has_version {
            let first_id = self.first_id.clone();
            let protection = version::protection(long.version)?;
            let keys = self.derive(&protection, &first_id)?;
            let own = if is_client { &keys.client } else { &keys.server };
            if let Some(opened) = own.open(packet, long.number_at, largest) {
                self.keys.truncate(1);
                self.keys.push(KeySet { version: long.version, keys });
                return Some(opened);
            }
        }
        // A first packet, or the first after a Retry or a version negotiation.
        if !self.keys.is_empty() && (!is_client || (has_version && self.first_id == long.dcid)) {
            return None;
        }
        for protection in version::protections(long.version) {
            let keys = self.derive(&protection, long.dcid)?;
            let Some(opened) = keys.client.open(packet, long.number_at, largest) else {
                continue;
            };
            self.keys = vec![KeySet { version: long.version, keys }];
            self.first_id = long.dcid.to_vec();
            self.client = Some(dir);
            // The handshake starts again.
            for side in &mut self.sides {
                side.crypto = CryptoStream::default();
                side.retried = 0;
                side.largest = None;
            }
            return Some(opened);
        }
        None
    }

    fn derive(
        &mut self,
        protection: &version::Protection,
        dcid: &[u8],
    ) -> Option<Box<InitialKeys>> {
        if self.derivations >= MAX_DERIVATIONS {
            return None;
        }
        self.derivations = self.derivations.saturating_add(1);
        Some(Box::new(InitialKeys::derive(protection, dcid)))
    }

    fn frames(&mut self, version: u32, payload: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        for frame in Frames::new(payload, version::is_google(version)) {
            match frame {
                Some(Frame::Idle) => {}
                Some(Frame::Crypto { offset, data }) => {
                    self.crypto(version, offset, data, seg, out);
                }
                Some(Frame::Close { code }) => {
                    self.is_settled = true;
                    if let Some(record) = self.record(seg.time, out) {
                        record.error_code.get_or_insert(code);
                    }
                }
                Some(Frame::Misplaced) => out.anomaly(Anomaly::MisplacedFrame),
                None => out.anomaly(Anomaly::MalformedFrame),
            }
        }
    }

    /// Everything behind a short header is encrypted; that the client sends one tells that the
    /// handshake is complete on its side.
    fn short_packet(&mut self, data: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let is_client = self.client == Some(seg.dir);
        let has_hello = self.client.is_some_and(|client| self.side(client).has_hello);
        let first = data.first().copied().unwrap_or(0);
        self.is_settled = true;
        if out.wants_messages() {
            let spin = first >> 5 & 1;
            let rtt_us = self.side(seg.dir).turn(spin, seg.time);
            let id_len = self.side(seg.dir.reverse()).id_len;
            let dcid = id_len.and_then(|n| data.get(1..)?.get(..n));
            out.message(&QuicMessage {
                header_form: 0,
                spin_bit: Some(spin),
                dst_conn_id_len: dcid.and_then(|id| u16::try_from(id.len()).ok()),
                dst_conn_id: dcid.map(BinaryRef),
                rtt_us,
                ..QuicMessage::default()
            });
        }
        if is_client && has_hello && !self.is_established {
            if let Some(transcript) = &mut self.transcript {
                transcript.record.established = true;
                let elapsed = seg.time.saturating_sub(transcript.start) / 1000;
                transcript.record.handshake_us = Some(elapsed);
            }
            self.is_established = true;
            self.conclude(out);
        }
    }
}

impl Side {
    /// Follows the spin bit (RFC 9000 §17.4); returns the time between two of its edges.
    fn turn(&mut self, spin: u8, time: u64) -> Option<u64> {
        let before = self.spin.replace(spin)?;
        if before == spin {
            return None;
        }
        let edge = self.spin_edge.replace(time)?;
        Some(time.saturating_sub(edge) / 1000)
    }
}

//! OpenVPN over UDP and TCP (the project's protocol description; openvpn-rfc draft).
//!
//! One transaction per session: who reset whom, how control packets are protected, and
//! whether data flowed. What is inside is encrypted.
//!
//! Bounds: nothing is kept but numbers; packets of a stream are below 64 KiB.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, udp,
};
use message::{CLIENT_RESET, CLIENT_RESET_V3, DATA_V1, DATA_V2, Packet, SERVER_RESET, Wrap};

const PORT: u16 = 1194;
const OVER: &[Over] = &[udp(&[PORT]), tcp(&[PORT])];

anomalies! {
    /// What can be wrong with it.
    pub enum OpenvpnAnomaly {
        /// A packet that cannot be read.
        MalformedPacket = "malformed_packet",
        /// An answer that acknowledges another session than the client's.
        ForeignSession = "foreign_session",
    }
}

/// One packet, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct OpenvpnMessage {
    /// What it is, such as hard_reset_client_v2 or data_v2.
    pub kind: &'static str,
    /// Its number for that.
    pub opcode: u8,
    /// Key that protects it.
    pub key_id: u8,
    /// Control: session of the sender.
    pub session_id: Option<u64>,
    /// Control: session of the receiver.
    pub remote_session_id: Option<u64>,
    /// Control: how many packets it acknowledges.
    pub acks: Option<u8>,
    /// Control: number of the packet.
    pub packet_id: Option<u32>,
    /// Data: number of the client.
    pub peer_id: Option<u32>,
    /// Octets of the packet.
    pub length: u32,
}

/// A session.
#[derive(Debug, Default, Fields)]
pub struct OpenvpnTransaction {
    /// Kind of the first reset, as the client sent it.
    pub reset: Option<&'static str>,
    /// Session of the client.
    pub client_session_id: Option<u64>,
    /// Session of the server.
    pub server_session_id: Option<u64>,
    /// What protects control packets: none, tls_auth or tls_crypt.
    pub control_protection: Option<&'static str>,
    /// The server answered the reset.
    pub answered: bool,
    /// Data flowed.
    pub established: bool,
    /// Number of the client in the server's data.
    pub peer_id: Option<u32>,
    /// How often keys were agreed on anew.
    pub renewals: u32,
    /// Control packets of both sides.
    pub control_packets: u64,
    /// Data packets of both sides.
    pub data_packets: u64,
    /// Time from reset to answer.
    pub response_us: Option<u64>,
    /// Time from reset to the first data.
    pub handshake_us: Option<u64>,
}

/// The state of one session.
#[derive(Default)]
pub struct Openvpn {
    wrap: Option<Wrap>,
    start: Option<u64>,
    /// The side that reset first.
    client: Option<Direction>,
    record: OpenvpnTransaction,
}

impl Protocol for Openvpn {
    const INFO: Info = Info {
        name: "openvpn",
        id: ProtoId(1293),
        title: "OpenVPN tunnel",
        spec: "https://openvpn.github.io/openvpn-rfc/openvpn-wire-protocol.html",
        over: OVER,
        patterns: &[
            Pattern::start(&[CLIENT_RESET << 3]),
            Pattern::start(&[SERVER_RESET << 3]),
            Pattern::start(&[CLIENT_RESET_V3 << 3]),
            Pattern::at(2, &[CLIENT_RESET << 3]),
            Pattern::at(2, &[SERVER_RESET << 3]),
            Pattern::at(2, &[CLIENT_RESET_V3 << 3]),
        ],
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: 66 * 1024,
        message: OpenvpnMessage::fields,
        transaction: OpenvpnTransaction::fields,
        anomalies: OpenvpnAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if seg.flow.transport != Transport::Tcp {
            return judge(seg.data);
        }
        let Some((prefix, rest)) = seg.data.split_first_chunk::<2>() else {
            return Probe::Unsure;
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        if !(14..=1500).contains(&length) {
            return Probe::No;
        }
        match (rest.get(..length), rest.first()) {
            (Some(packet), _) => judge(packet),
            (None, Some(octet)) if is_reset(*octet) => Probe::Unsure,
            (None, None) => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if seg.flow.transport != Transport::Tcp {
            self.packet(seg.data, seg, out);
            return Step::all(seg);
        }
        let Some((prefix, rest)) = seg.data.split_first_chunk::<2>() else {
            return Step::need(0, 2);
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        let Some(packet) = rest.get(..length) else {
            return Step::need(0, length.saturating_add(2));
        };
        if packet.is_empty() {
            out.anomaly(OpenvpnAnomaly::MalformedPacket);
            return Step::done();
        }
        self.packet(packet, seg, out);
        Step::used(length.saturating_add(2))
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        // Nothing in encrypted packets tells where one begins.
        Gap::GiveUp
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        if let Some(start) = self.start.take() {
            out.transaction(start, std::mem::take(&mut self.record));
        }
    }
}

fn is_reset(octet: u8) -> bool {
    message::first(octet).is_some_and(|(opcode, key)| {
        key == 0 && matches!(opcode, CLIENT_RESET | SERVER_RESET | CLIENT_RESET_V3)
    })
}

/// A reset has a fixed size, and zeros where the packet's number and acknowledgements are.
fn judge(packet: &[u8]) -> Probe {
    if message::wrap_of(packet).is_some() { Probe::Certain } else { Probe::No }
}

impl Openvpn {
    fn packet(&mut self, data: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        self.start.get_or_insert(seg.time);
        if self.wrap.is_none() {
            self.wrap = message::wrap_of(data);
            self.record.control_protection = self.wrap.map(Wrap::word);
        }
        // A wrapped client's key says nothing of how the server answers: that is crypt, too.
        let Some(packet) = message::parse(data, self.wrap.unwrap_or(Wrap::Clear)) else {
            if !seg.cut {
                out.anomaly(OpenvpnAnomaly::MalformedPacket);
            }
            return;
        };
        self.count(&packet, seg, out);
        if out.wants_messages() {
            let control = packet.session.is_some() && self.wrap != Some(Wrap::Crypt);
            out.message(&OpenvpnMessage {
                kind: message::kind(packet.opcode),
                opcode: packet.opcode,
                key_id: packet.key_id,
                session_id: packet.session,
                remote_session_id: packet.remote,
                acks: control.then_some(packet.acks),
                packet_id: packet.number,
                peer_id: packet.peer,
                length: u32::try_from(data.len()).unwrap_or(u32::MAX),
            });
        }
    }

    fn count(&mut self, packet: &Packet<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let since = seg.time.saturating_sub(self.start.unwrap_or(seg.time)) / 1000;
        let record = &mut self.record;
        match packet.opcode {
            DATA_V1 | DATA_V2 => {
                if !record.established {
                    record.handshake_us = record.reset.map(|_| since);
                }
                record.established = true;
                record.data_packets = record.data_packets.saturating_add(1);
                // Only the server's number is the client's.
                record.peer_id = record.peer_id.or(packet.peer.filter(|&p| p != 0xff_ffff));
                return;
            }
            1 | CLIENT_RESET | CLIENT_RESET_V3 => {
                self.client = Some(seg.dir);
                record.reset.get_or_insert(message::kind(packet.opcode));
                record.client_session_id = packet.session;
            }
            2 | SERVER_RESET => {
                if !record.answered && record.reset.is_some() {
                    record.response_us = Some(since);
                }
                record.answered = true;
                record.server_session_id = packet.session;
                let known = record.client_session_id;
                if packet.remote.is_some() && known.is_some() && packet.remote != known {
                    out.anomaly(OpenvpnAnomaly::ForeignSession);
                }
            }
            message::SOFT_RESET if self.client.is_none_or(|c| c == seg.dir) => {
                record.renewals = record.renewals.saturating_add(1);
            }
            _ => {}
        }
        record.control_packets = record.control_packets.saturating_add(1);
    }
}

//! TCP, UDP and SCTP: ports, payload bounds, and the tunnels that UDP ports announce.

use nf_fields::ProtoId;

use super::tunnel::GtpPort;
use super::{Next, Walk};
use crate::int::{self, Original};
use crate::read::{be16, octet};
use crate::{Fault, IpLayer, Transport, geneve, gtp, id, sctp, tcp, tzsp, udp, vxlan};

/// UDP port of L2TP.
const PORT_L2TP: u16 = 1701;

/// Which tunnel a UDP port announces. Its header still has to validate.
#[inline]
pub(super) fn tunnel_of_port(port: u16) -> Next {
    match port {
        gtp::PORT_USER => Next::Gtp(GtpPort::User),
        gtp::PORT_CONTROL => Next::Gtp(GtpPort::Control),
        gtp::PORT_PRIME => Next::Gtp(GtpPort::Prime),
        vxlan::PORT | vxlan::PORT_LINUX => Next::Vxlan,
        geneve::PORT => Next::Geneve,
        PORT_L2TP => Next::L2tp,
        tzsp::PORT => Next::Tzsp,
        _ => Next::Stop,
    }
}

/// Which tunnel one of two UDP ports announces, the receiver's first.
#[inline]
pub(super) fn tunnel_of_ports(dst: u16, src: u16) -> Next {
    match tunnel_of_port(dst) {
        Next::Stop => tunnel_of_port(src),
        tunnel => tunnel,
    }
}

/// Whether a look for in-band telemetry is worth its time: the IP header's code point is set, or
/// the payload of UDP begins like a shim that keeps a port or a protocol.
#[inline]
pub(super) fn may_be_telemetry(dscp: u8, transport: Transport, payload: Option<&u8>) -> bool {
    dscp != 0 || (transport == Transport::Udp && matches!(payload, Some(0x14 | 0x18 | 0x34 | 0x38)))
}

impl Walk<'_, '_> {
    #[inline]
    pub(super) fn tcp(&mut self) -> Next {
        let header_len = match tcp::Header::new_checked(self.rest()) {
            Ok(header) if header.header_len() <= self.wire_rest() => header.header_len(),
            Ok(_) => return self.bad_transport(Fault::Malformed),
            Err(fault) => return self.bad_transport(fault),
        };
        // Options that the capture cut do not hide the ports, the flags and the sequence number.
        if header_len > self.rest().len() {
            self.out.fault = Fault::Truncated;
        }
        self.set_transport(Transport::Tcp);
        let entered = self.enter(id::TCP, header_len);
        self.set_payload();
        if entered && self.may_have_telemetry() { Next::Telemetry } else { Next::Stop }
    }

    #[inline]
    pub(super) fn udp(&mut self, follow: bool) -> Next {
        let available = self.wire_rest();
        let header = match udp::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.bad_transport(fault),
        };
        match usize::from(header.length()) {
            // It stands where the length does not fit into the field, and nowhere else.
            0 if available <= usize::from(u16::MAX) => {
                return self.bad_transport(Fault::Malformed);
            }
            0 => {}
            length if length < available => self.bound(length),
            _ => {}
        }
        self.set_transport(Transport::Udp);
        let entered = self.enter(id::UDP, udp::HEADER_LEN);
        self.set_payload();
        if !entered || !follow {
            return Next::Stop;
        }
        if self.may_have_telemetry() {
            return Next::Telemetry;
        }
        tunnel_of_ports(header.dst_port(), header.src_port())
    }

    pub(super) fn sctp(&mut self) -> Next {
        let header = match sctp::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.bad_transport(fault),
        };
        self.set_transport(Transport::Sctp);
        let entered = self.enter(id::SCTP, sctp::HEADER_LEN);
        self.set_payload();
        if !entered {
            return Next::Stop;
        }
        // One layer per kind of chunk in a row; user data is the last, its protocol may follow.
        let mut last = ProtoId::UNKNOWN;
        for (offset, chunk) in header.chunks() {
            let proto = chunk.proto();
            if proto == last || proto == ProtoId::UNKNOWN {
                continue;
            }
            if !self.push(proto, self.at.saturating_add(offset)) || proto == id::SCTP_DATA {
                break;
            }
            last = proto;
        }
        Next::Stop
    }

    #[inline]
    fn may_have_telemetry(&mut self) -> bool {
        let dscp = self.dscp();
        let begin = self.frame.get(self.at..self.end).and_then(|rest| rest.first());
        let Some(ip) = self.current_ip() else { return false };
        ip.fragment.is_none() && may_be_telemetry(dscp, ip.transport, begin)
    }

    /// The code point of the IP header around; 0 without one.
    #[inline]
    fn dscp(&mut self) -> u8 {
        let Some(&mut IpLayer { version, offset, .. }) = self.current_ip() else { return 0 };
        let head = self.frame.get(usize::from(offset)..).and_then(|ip| ip.first_chunk::<2>());
        let Some(head) = head else { return 0 };
        let class = if version == 4 { octet(head, 1) } else { (be16(head, 0..2) >> 4) as u8 };
        class >> 2
    }

    /// Telemetry between a transport and its payload. Without it, what the ports announce.
    pub(super) fn telemetry(&mut self) -> Next {
        let header = int::Header::new_checked(self.rest());
        let is_udp = self.current_ip().is_some_and(|ip| ip.transport == Transport::Udp);
        let is_marked = |header: &int::Header<'_>| match header.original() {
            Original::Dscp(_) => self.dscp() != 0,
            Original::Port(_) | Original::Protocol(_) => is_udp,
        };
        let Some(header) = header.ok().filter(is_marked) else { return self.announced() };
        if header.header_len() > self.wire_rest() {
            return self.announced();
        }
        if !self.enter(id::INT, header.header_len()) {
            return Next::Stop;
        }
        match (header.original(), self.current_ip()) {
            (Original::Protocol(protocol), _) => return self.upper(protocol, None),
            // The session is the one that it is outside the telemetry's domain.
            (Original::Port(port), Some(ip)) => ip.dst_port = port,
            _ => {}
        }
        self.set_payload();
        self.announced()
    }

    /// What the ports of UDP announce.
    fn announced(&mut self) -> Next {
        match self.current_ip() {
            Some(ip) if ip.transport == Transport::Udp => tunnel_of_ports(ip.dst_port, ip.src_port),
            _ => Next::Stop,
        }
    }

    /// Says which transport this is, and the ports where at least they are there.
    #[inline]
    pub(super) fn set_transport(&mut self, transport: Transport) {
        let ports = self.rest().first_chunk::<4>();
        let ports = ports.map(|ports| (be16(ports, 0..2), be16(ports, 2..4)));
        if let Some(ip) = self.current_ip() {
            ip.transport = transport;
            (ip.src_port, ip.dst_port) = ports.unwrap_or((0, 0));
        }
    }

    /// Keeps an IP layer whose transport header is not usable, and ends the walk.
    fn bad_transport(&mut self, fault: Fault) -> Next {
        self.set_transport(Transport::Other);
        self.set_payload();
        self.fail(fault)
    }
}

//! TCP, UDP and SCTP: ports, payload bounds, and the tunnels that UDP ports announce.

use nf_fields::ProtoId;

use super::tunnel::GtpPort;
use super::{Next, Walk};
use crate::read::be16;
use crate::{Fault, Transport, geneve, gtp, id, sctp, tcp, tzsp, udp, vxlan};

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
        self.enter(id::TCP, header_len);
        self.set_payload();
        Next::Stop
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
        match tunnel_of_port(header.dst_port()) {
            Next::Stop => tunnel_of_port(header.src_port()),
            tunnel => tunnel,
        }
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

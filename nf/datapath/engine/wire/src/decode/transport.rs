//! TCP, UDP and SCTP: ports, payload bounds, and the tunnels that UDP ports announce.

use nf_fields::ProtoId;

use super::tunnel::GtpPort;
use super::{Next, Walk};
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

impl Walk<'_, '_> {
    pub(super) fn tcp(&mut self, ip: &mut IpLayer) -> Next {
        self.read_ports(ip);
        let header_len = match tcp::Header::new_checked(self.rest()) {
            Ok(header) if header.header_len() <= self.wire_rest() => header.header_len(),
            Ok(_) => return self.bad_transport(ip, Fault::Malformed),
            Err(fault) => return self.bad_transport(ip, fault),
        };
        // Options that the capture cut do not hide the ports, the flags and the sequence number.
        if header_len > self.rest().len() {
            self.out.fault = Fault::Truncated;
        }
        ip.transport = Transport::Tcp;
        self.enter(id::TCP, header_len);
        self.set_payload(ip);
        self.keep_ip(ip);
        Next::Stop
    }

    pub(super) fn udp(&mut self, ip: &mut IpLayer, follow: bool) -> Next {
        self.read_ports(ip);
        let available = self.wire_rest();
        let length = match udp::Header::new_checked(self.rest()) {
            // 0 stands where the length does not fit into the field.
            Ok(header) if header.length() == 0 && available <= usize::from(u16::MAX) => {
                return self.bad_transport(ip, Fault::Malformed);
            }
            Ok(header) if header.length() == 0 => available,
            Ok(header) => usize::from(header.length()),
            Err(fault) => return self.bad_transport(ip, fault),
        };
        ip.transport = Transport::Udp;
        if length < available {
            self.bound(length);
        }
        let entered = self.enter(id::UDP, udp::HEADER_LEN);
        self.set_payload(ip);
        if ip.version != 0 {
            self.keep_ip(ip);
        }
        if !entered || !follow {
            return Next::Stop;
        }
        match tunnel_of_port(ip.dst_port) {
            Next::Stop => tunnel_of_port(ip.src_port),
            tunnel => tunnel,
        }
    }

    pub(super) fn sctp(&mut self, ip: &mut IpLayer) -> Next {
        self.read_ports(ip);
        let header = match sctp::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.bad_transport(ip, fault),
        };
        ip.transport = Transport::Sctp;
        let entered = self.enter(id::SCTP, sctp::HEADER_LEN);
        self.set_payload(ip);
        self.keep_ip(ip);
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

    /// Keeps an IP layer whose transport header is not usable, and ends the walk.
    fn bad_transport(&mut self, ip: &mut IpLayer, fault: Fault) -> Next {
        self.set_payload(ip);
        if ip.version != 0 {
            self.keep_ip(ip);
        }
        self.fail(fault)
    }
}

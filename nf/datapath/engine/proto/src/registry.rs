//! Every protocol with a parser, one line each.

use crate::{Earlier, Flow, Info, Parser, Probe, Protocol, Segment};
use nf_fields::ProtoId;

/// A registered protocol.
#[derive(Debug)]
pub struct Entry {
    /// Its descriptor.
    pub info: Info,
    /// See [`Protocol::probe`].
    pub probe: fn(&Segment<'_>) -> Probe,
    /// See [`Protocol::probe_again`].
    pub probe_again: fn(&Segment<'_>, &Earlier<'_>) -> Probe,
    /// See [`Protocol::new`].
    pub create: fn(&Flow) -> Box<dyn Parser>,
}

impl Entry {
    /// The entry of protocol `P`.
    pub const fn of<P: Protocol>() -> Self {
        Self {
            info: P::INFO,
            probe: P::probe,
            probe_again: P::probe_again,
            create: |flow| Box::new(P::new(flow)),
        }
    }
}

macro_rules! protocols {
    ($( $protocol:path ),* $(,)?) => {
        /// Every protocol with a parser.
        pub static PROTOCOLS: &[Entry] = &[ $( Entry::of::<$protocol>() ),* ];
    };
}

protocols! {
    // Alphabetical; `make new-protocol` adds its line here.
    crate::amqp::Amqp,
    crate::bacnet::Bacnet,
    crate::bgp::Bgp,
    crate::bittorrent::Bittorrent,
    crate::cdp::Cdp,
    crate::cip::Cip,
    crate::coap::Coap,
    crate::cotp::Cotp,
    crate::cotp::IsoMms,
    crate::dcerpc::Dcerpc,
    crate::dhcp::Dhcp,
    crate::diameter::Diameter,
    crate::dicom::Dicom,
    crate::dnp3::Dnp3,
    crate::dns::Dns,
    crate::dtls::Dtls,
    crate::eigrp::Eigrp,
    crate::enip::Enip,
    crate::ftp::Ftp,
    crate::ftp::FtpData,
    crate::gquic::Gquic,
    crate::gtpv2::Gtpv2,
    crate::h323::H323,
    crate::hsrp::Hsrp,
    crate::http::Http,
    crate::http2::Grpc,
    crate::http2::Http2,
    crate::http3::Http3,
    crate::iec104::Iec104,
    crate::imap::Imap,
    crate::int_report::IntReport,
    crate::irc::Irc,
    crate::isakmp::Isakmp,
    crate::jabber::Jabber,
    crate::kafka::Kafka,
    crate::kerberos::Kerberos,
    crate::l2tp::L2tp,
    crate::ldap::Ldap,
    crate::lldp::Lldp,
    crate::llmnr::Llmnr,
    crate::mdns::Mdns,
    crate::mgcp::Mgcp,
    crate::modbus::Modbus,
    crate::mongodb::Mongodb,
    crate::mqtt::Mqtt,
    crate::mysql::Mysql,
    crate::nas_5g::Nas5g,
    crate::netbios::Netbios,
    crate::netflow::Netflow,
    crate::nfs::Nfs,
    crate::ngap::Ngap,
    crate::ntp::Ntp,
    crate::opcua::Opcua,
    crate::openvpn::Openvpn,
    crate::ospf::Ospf,
    crate::pim::Pim,
    crate::pop::Pop,
    crate::postgres::Postgres,
    crate::ppp::Ppp,
    crate::pppoe::Pppoe,
    crate::pptp::Pptp,
    crate::ptp::Ptp,
    crate::quic::Quic,
    crate::radius::Radius,
    crate::rdp::Rdp,
    crate::redis::Redis,
    crate::rip::Rip,
    crate::rpc::Rpc,
    crate::rtcp::Rtcp,
    crate::rtp::Rtp,
    crate::rtsp::Rtsp,
    crate::s1ap::S1ap,
    crate::s7comm::S7comm,
    crate::s7comm::S7commPlus,
    crate::sflow::Sflow,
    crate::sip::Sip,
    crate::smb::Smb,
    crate::smtp::Smtp,
    crate::snmp::Snmp,
    crate::socks::Socks,
    crate::ssdp::Ssdp,
    crate::ssh::Ssh,
    crate::stp::Stp,
    crate::stun::Stun,
    crate::stun::Turn,
    crate::syslog::Syslog,
    crate::tds::Tds,
    crate::telnet::Telnet,
    crate::tftp::Tftp,
    crate::tls::Tls,
    crate::tpkt::Tpkt,
    crate::vnc::Vnc,
    crate::vrrp::Vrrp,
    crate::websocket::Websocket,
    crate::wireguard::Wireguard,
}

/// The entry that answers to `name`.
pub fn by_name(name: &str) -> Option<&'static Entry> {
    PROTOCOLS.iter().find(|e| e.info.answers_to(name))
}

/// The entry with `id`.
pub fn by_id(id: ProtoId) -> Option<&'static Entry> {
    PROTOCOLS.iter().find(|e| e.info.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_ids_are_taken_once() {
        let mut names = HashSet::new();
        let mut ids = HashSet::new();
        for info in PROTOCOLS.iter().map(|e| &e.info) {
            assert!(ids.insert(info.id), "{} shares id {}", info.name, info.id.0);
            for name in info.aliases.iter().chain([&info.name]) {
                assert!(names.insert(*name), "{name} names two protocols");
            }
        }
    }

    #[test]
    fn every_protocol_says_what_it_is() {
        for info in PROTOCOLS.iter().map(|e| &e.info) {
            let said = !info.title.is_empty() && !info.spec.is_empty() && !info.over.is_empty();
            assert!(said && info.id.0 > 0, "{}", info.name);
            assert!(info.max_pending > 0, "{}", info.name);
        }
    }
}

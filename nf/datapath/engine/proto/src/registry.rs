//! Every protocol with a parser, one line each.

use crate::{Flow, Info, Parser, Probe, Protocol, Segment};
use nf_fields::ProtoId;

/// A registered protocol.
#[derive(Debug)]
pub struct Entry {
    /// Its descriptor.
    pub info: Info,
    /// See [`Protocol::probe`].
    pub probe: fn(&Segment<'_>) -> Probe,
    /// See [`Protocol::new`].
    pub create: fn(&Flow) -> Box<dyn Parser>,
}

impl Entry {
    /// The entry of protocol `P`.
    pub const fn of<P: Protocol>() -> Self {
        Self { info: P::INFO, probe: P::probe, create: |flow| Box::new(P::new(flow)) }
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
    crate::bgp::Bgp,
    crate::bittorrent::Bittorrent,
    crate::dhcp::Dhcp,
    crate::diameter::Diameter,
    crate::dns::Dns,
    crate::ftp::Ftp,
    crate::ftp::FtpData,
    crate::gquic::Gquic,
    crate::gtpv2::Gtpv2,
    crate::http2::Http2,
    crate::http3::Http3,
    crate::http::Http,
    crate::isakmp::Isakmp,
    crate::llmnr::Llmnr,
    crate::mdns::Mdns,
    crate::ntp::Ntp,
    crate::openvpn::Openvpn,
    crate::quic::Quic,
    crate::snmp::Snmp,
    crate::socks::Socks,
    crate::ssdp::Ssdp,
    crate::ssh::Ssh,
    crate::tls::Tls,
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

//! IP layers, their extension headers, and the dispatch on the protocol number.

use nf_fields::ProtoId;

use super::{Next, Walk};
use crate::ipv6_ext::{Chain, number};
use crate::name::ip_protocol;
use crate::read::octet;
use crate::{
    Fault, Fragment, IpLayer, Transport, ah, arp, esp, icmp, icmpv6, id, igmp, ipv4, ipv6, ospf,
};

/// IP protocol numbers the walk follows.
mod protocol {
    pub(super) const ICMP: u8 = 1;
    pub(super) const IGMP: u8 = 2;
    pub(super) const IPV4: u8 = 4;
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
    pub(super) const DCCP: u8 = 33;
    pub(super) const IPV6: u8 = 41;
    pub(super) const GRE: u8 = 47;
    pub(super) const ESP: u8 = 50;
    pub(super) const AH: u8 = 51;
    pub(super) const ICMPV6: u8 = 58;
    pub(super) const OSPF: u8 = 89;
    pub(super) const IPIP: u8 = 94;
    pub(super) const ETHERIP: u8 = 97;
    pub(super) const L2TP: u8 = 115;
    pub(super) const SCTP: u8 = 132;
    pub(super) const UDP_LITE: u8 = 136;
    pub(super) const MPLS: u8 = 137;
}

impl Walk<'_, '_> {
    /// Either IP, told by the version.
    pub(super) fn ip(&mut self) -> Next {
        match self.rest().first().map(|first| first >> 4) {
            Some(4) => Next::Ipv4,
            Some(6) => Next::Ipv6,
            Some(_) => self.fail(Fault::Malformed),
            None => self.fail(Fault::Truncated),
        }
    }

    pub(super) fn arp(&mut self) -> Next {
        match arp::Header::new_checked(self.rest()) {
            Ok(_) => self.named(id::ARP),
            Err(fault) => self.fail(fault),
        }
    }

    pub(super) fn ipv4(&mut self) -> Next {
        let header = match ipv4::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        let total = match usize::from(header.total_len()) {
            // Left to segmentation offload.
            0 => self.wire_rest(),
            total => total,
        };
        if !self.begin_ip(id::IP, 4, total) {
            return Next::Stop;
        }
        self.skip(header.header_len());
        let fragment = header.fragment();
        let mut protocol = header.protocol();
        while protocol == protocol::AH && fragment.is_none_or(|fragment| fragment.offset == 0) {
            let header = match ah::Header::new_checked(self.rest()) {
                Ok(header) => header,
                Err(fault) => return self.end_ip(protocol, fragment, fault),
            };
            if !self.enter(id::AH, header.header_len()) {
                return self.end_ip(protocol, fragment, Fault::TooDeep);
            }
            protocol = header.next_header();
        }
        self.upper(protocol, fragment)
    }

    pub(super) fn ipv6(&mut self) -> Next {
        let header = match ipv6::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        let total = match usize::from(header.payload_len()) {
            0 if header.next_header() != number::NO_NEXT => {
                let jumbo = header.extensions().next().and_then(|first| first.jumbo_len());
                match jumbo.and_then(|length| usize::try_from(length).ok()) {
                    Some(length) => length.saturating_add(ipv6::HEADER_LEN),
                    // Left to segmentation offload.
                    None => self.wire_rest(),
                }
            }
            length => length.saturating_add(ipv6::HEADER_LEN),
        };
        if !self.begin_ip(id::IPV6, 6, total) {
            return Next::Stop;
        }
        self.skip(ipv6::HEADER_LEN);
        let mut chain = Chain::new(header.next_header(), self.rest());
        let mut fault = Fault::None;
        let mut fragment = None;
        let start = self.at;
        for extension in chain.by_ref() {
            if extension.number == number::AH {
                if ah::Header::new_checked(extension.bytes).is_err() {
                    fault = Fault::Malformed;
                    break;
                }
                if !self.push(id::AH, start.saturating_add(extension.offset)) {
                    fault = Fault::TooDeep;
                    break;
                }
            }
            fragment = extension.fragment().or(fragment);
        }
        self.skip(chain.offset());
        match (fault, chain.fault()) {
            (Fault::None, Fault::None) => self.upper(chain.protocol(), fragment),
            (Fault::None, fault) | (fault, _) => self.end_ip(chain.protocol(), fragment, fault),
        }
    }

    /// Adds the layer and its summary and bounds the level to the datagram; false when there are
    /// too many.
    #[inline]
    fn begin_ip(&mut self, proto: ProtoId, version: u8, total: usize) -> bool {
        let layer = self.out.layer_count;
        // The summary is filled in where it lies: copying it would wait for the parts just written.
        let slot = self.out.ips.get_mut(usize::from(self.out.ip_count));
        let (Some(slot), Ok(offset)) = (slot, u16::try_from(self.at)) else {
            self.fail(Fault::TooDeep);
            return false;
        };
        *slot = IpLayer {
            layer,
            version,
            offset,
            total_len: u32::try_from(total).unwrap_or(u32::MAX),
            vlan: std::mem::take(&mut self.vlan),
            tunnel_id: std::mem::take(&mut self.tunnel_id),
            ..IpLayer::default()
        };
        if !self.push(proto, self.at) {
            return false;
        }
        self.out.ip_count = self.out.ip_count.wrapping_add(1);
        self.bound(total);
        true
    }

    /// The IP layer the walk is in; `None` when a transport is the root.
    #[inline]
    pub(super) fn current_ip(&mut self) -> Option<&mut IpLayer> {
        self.out.ips.get_mut(usize::from(self.out.ip_count).wrapping_sub(1))
    }

    /// Keeps an IP layer whose payload cannot be told, and ends the walk.
    fn end_ip(&mut self, protocol: u8, fragment: Option<Fragment>, fault: Fault) -> Next {
        if let Some(ip) = self.current_ip() {
            ip.protocol = protocol;
            ip.fragment = fragment;
        }
        self.set_payload();
        self.fail(fault)
    }

    /// The session's payload is the rest of this level.
    #[inline]
    pub(super) fn set_payload(&mut self) {
        // An offset beyond the end can come from a header the capture cut.
        let at = self.at.min(self.end);
        let captured = self.end.saturating_sub(at);
        let on_the_wire = self.wire_rest();
        if let Some(ip) = self.current_ip() {
            ip.payload = u32::try_from(at).unwrap_or(u32::MAX);
            ip.payload_captured = u32::try_from(captured).unwrap_or(u32::MAX);
            ip.payload_len = u32::try_from(on_the_wire).unwrap_or(u32::MAX);
        }
    }

    /// What stands on IP. The tunnels inside a fragmented datagram are not followed.
    #[inline]
    pub(super) fn upper(&mut self, protocol: u8, fragment: Option<Fragment>) -> Next {
        if let Some(ip) = self.current_ip() {
            ip.protocol = protocol;
            ip.fragment = fragment;
        }
        let follow = fragment.is_none();
        if fragment.is_some_and(|fragment| fragment.offset > 0) {
            self.set_payload();
            return Next::Stop;
        }
        match protocol {
            protocol::TCP => self.tcp(),
            protocol::UDP => self.udp(follow),
            protocol::SCTP => self.sctp(),
            other => self.other_upper(other, follow),
        }
    }

    /// What stands on IP and is none of the transports.
    fn other_upper(&mut self, protocol: u8, follow: bool) -> Next {
        self.set_payload();
        if matches!(protocol, protocol::UDP_LITE | protocol::DCCP) {
            self.set_transport(Transport::Other);
        }
        let rest = self.rest();
        let checked = match protocol {
            protocol::ICMP => icmp::Header::new_checked(rest).map(drop),
            protocol::ICMPV6 => icmpv6::Header::new_checked(rest).map(drop),
            protocol::IGMP => igmp::Header::new_checked(rest).map(drop),
            protocol::OSPF => ospf::Header::new_checked(rest).map(drop),
            protocol::ESP => esp::Header::new_checked(rest).map(drop),
            protocol::IPV4 | protocol::IPIP if follow => return Next::Ipv4,
            protocol::IPV6 if follow => return Next::Ipv6,
            protocol::GRE if follow => return Next::Gre,
            protocol::ETHERIP if follow => return Next::EtherIp,
            protocol::L2TP if follow => return Next::L2tpIp,
            protocol::MPLS if follow => return Next::Mpls,
            _ => Ok(()),
        };
        match (checked, ip_protocol(protocol)) {
            (Err(fault), _) => self.fail(fault),
            (Ok(()), ProtoId::UNKNOWN) => Next::Stop,
            (Ok(()), proto) => self.named(proto),
        }
    }

    /// IPv4 or IPv6 behind a header that does not say which.
    pub(super) fn ip_by_version(&self) -> Next {
        match octet(self.rest(), 0) >> 4 {
            4 => Next::Ipv4,
            6 => Next::Ipv6,
            _ => Next::Stop,
        }
    }
}

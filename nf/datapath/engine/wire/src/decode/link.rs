//! Link layers: from the first octet of a frame to the network layer.

use nf_fields::ProtoId;

use super::{Next, Walk};
use crate::read::{be16, octet};
use crate::{
    ethernet, fabric_path, hdlc, id, llc, loopback, mpls, pbb, ppp, pppoe, sll, sll2, vlan,
};

/// Ethertypes the walk follows.
pub(super) mod ethertype {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const ARP: u16 = 0x0806;
    pub(crate) const BRIDGED_ETHERNET: u16 = 0x6558;
    pub(crate) const RARP: u16 = 0x8035;
    pub(crate) const VLAN: u16 = 0x8100;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const PPP: u16 = 0x880b;
    pub(crate) const MPLS: u16 = 0x8847;
    pub(crate) const MPLS_MULTICAST: u16 = 0x8848;
    pub(crate) const PPPOE_DISCOVERY: u16 = 0x8863;
    pub(crate) const PPPOE_SESSION: u16 = 0x8864;
    pub(crate) const SERVICE_VLAN: u16 = 0x88a8;
    pub(crate) const BACKBONE: u16 = 0x88e7;
    pub(crate) const FABRIC_PATH: u16 = 0x8903;
    pub(crate) const NSH: u16 = 0x894f;
}

/// What an ethertype that is not followed is called.
fn ethertype_name(ethertype: u16) -> ProtoId {
    match ethertype {
        0x0600 => id::XNS_IDP,
        0x0842 => id::WAKE_ON_LAN,
        0x0bad => id::VINES,
        0x4305 => id::BATMAN,
        0x809b => id::DDP,
        0x80f3 => id::AARP,
        0x8137 | 0x8138 => id::IPX,
        0x8809 => id::SLOW,
        0x888e => id::EAPOL,
        0x8892 => id::PROFINET,
        0x88a4 => id::ETHERCAT,
        0x88b8 => id::GOOSE,
        0x88ba => id::SAMPLED_VALUES,
        0x88cc => id::LLDP,
        0x88e5 => id::MACSEC,
        0x88f7 => id::PTP,
        0x8902 => id::CFM,
        0x8906 => id::FCOE,
        0x9000 => id::CTP,
        _ => ProtoId::UNKNOWN,
    }
}

/// What an LLC frame carries.
mod sap {
    pub(super) const IP: u8 = 0x06;
    pub(super) const SPANNING_TREE: u8 = 0x42;
    pub(super) const NOVELL: u8 = 0xe0;
    pub(super) const OSI: u8 = 0xfe;
    pub(super) const GLOBAL: u8 = 0xff;
}

/// SNAP organisations.
mod organisation {
    pub(super) const ENCAPSULATED_ETHERNET: u32 = 0x00_00_00;
    pub(super) const CISCO: u32 = 0x00_00_0c;
    pub(super) const BRIDGE_TUNNEL: u32 = 0x00_00_f8;
    pub(super) const APPLE: u32 = 0x08_00_07;
}

impl Walk<'_, '_> {
    pub(super) fn ethernet(&mut self) -> Next {
        let header = match ethernet::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::ETHERNET, ethernet::HEADER_LEN) {
            return Next::Stop;
        }
        Next::EtherType(header.ethertype())
    }

    pub(super) fn ethertype(&mut self, value: u16) -> Next {
        match value {
            ethertype::IPV4 => Next::Ipv4,
            ethertype::IPV6 => Next::Ipv6,
            value if vlan::TPIDS.contains(&value) => self.vlan(value),
            ethertype::ARP | ethertype::RARP => Next::Arp,
            ethertype::MPLS | ethertype::MPLS_MULTICAST => Next::Mpls,
            ethertype::PPPOE_DISCOVERY => Next::Pppoe { discovery: true },
            ethertype::PPPOE_SESSION => Next::Pppoe { discovery: false },
            ethertype::BRIDGED_ETHERNET => Next::Ethernet,
            ethertype::PPP => Next::Ppp,
            ethertype::BACKBONE => Next::Pbb,
            ethertype::FABRIC_PATH => Next::FabricPath,
            ethertype::NSH => Next::Nsh,
            // An IEEE 802.3 length; what is behind it is padding.
            length @ ..=ethernet::MAX_LENGTH => {
                self.bound(length.into());
                Next::Llc
            }
            other => match ethertype_name(other) {
                ProtoId::UNKNOWN => Next::Stop,
                proto => Next::Named(proto),
            },
        }
    }

    /// The tag's identifier is the ethertype before it, so the layer starts two octets back.
    fn vlan(&mut self, tpid: u16) -> Next {
        let start = self.at.saturating_sub(2);
        let tag = self.frame.get(start..self.end).unwrap_or(&[]);
        let header = match vlan::Header::new_checked(tag) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        let proto = if tpid == ethertype::VLAN { id::DOT1Q } else { id::DOT1AD };
        if !self.push(proto, start) {
            return Next::Stop;
        }
        let vlan = header.vid().wrapping_add(1);
        if self.vlan == 0 {
            self.vlan = vlan;
        }
        if self.out.vlan == 0 && self.out.ip_count == 0 {
            self.out.vlan = vlan;
        }
        self.at = start.saturating_add(vlan::HEADER_LEN);
        Next::EtherType(header.ethertype())
    }

    pub(super) fn pbb(&mut self) -> Next {
        match pbb::Header::new_checked(self.rest()) {
            Ok(_) if self.enter(id::DOT1AH, pbb::HEADER_LEN) => Next::Ethernet,
            Ok(_) => Next::Stop,
            Err(fault) => self.fail(fault),
        }
    }

    pub(super) fn fabric_path(&mut self) -> Next {
        match fabric_path::Header::new_checked(self.rest()) {
            Ok(_) if self.enter(id::FABRIC_PATH, fabric_path::HEADER_LEN) => Next::Ethernet,
            Ok(_) => Next::Stop,
            Err(fault) => self.fail(fault),
        }
    }

    pub(super) fn llc(&mut self) -> Next {
        let header = match llc::Header::new_checked(self.rest()) {
            Ok(header) => header,
            // Novell's raw IEEE 802.3 has its own all-ones checksum where LLC would be.
            Err(fault) => return self.fail(fault),
        };
        if (header.dsap(), header.ssap()) == (sap::GLOBAL, sap::GLOBAL) {
            return self.named(id::IPX);
        }
        if !self.enter(id::LLC, header.header_len()) {
            return Next::Stop;
        }
        if let (Some(oui), Some(pid)) = (header.oui(), header.pid()) {
            return snap(oui, pid);
        }
        // Exchange identification, with the poll bit or without.
        if header.control_field() & 0xef == 0xaf {
            return Next::Named(id::XID);
        }
        match header.dsap() {
            sap::IP => Next::Ip,
            sap::SPANNING_TREE => Next::Named(id::STP),
            sap::NOVELL => Next::Named(id::IPX),
            sap::OSI => osi(self.rest()),
            _ => Next::Stop,
        }
    }

    pub(super) fn mpls(&mut self) -> Next {
        let header = match mpls::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::MPLS, header.header_len()) {
            return Next::Stop;
        }
        let payload = self.rest();
        // The label alone does not say what it leads to, except the explicit nulls.
        match (header.bottom_label(), octet(payload, 0) >> 4) {
            (0, _) => Next::Ipv4,
            (2, _) => Next::Ipv6,
            (_, 4) if looks_like_ipv4(payload, self.wire_rest()) => Next::Ipv4,
            (_, 6) if !looks_like_ethernet(payload) => Next::Ipv6,
            // A pseudowire control word before the frame, or none.
            (_, 0) if looks_like_ethernet(payload.get(4..).unwrap_or(&[])) => {
                self.skip(4);
                Next::Ethernet
            }
            _ if looks_like_ethernet(payload) => Next::Ethernet,
            _ => Next::Stop,
        }
    }

    pub(super) fn pppoe(&mut self, discovery: bool) -> Next {
        let header = match pppoe::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::PPPOE, pppoe::HEADER_LEN) || discovery || header.code() != 0 {
            return Next::Stop;
        }
        self.bound(header.length().into());
        Next::Ppp
    }

    pub(super) fn ppp(&mut self) -> Next {
        let header = match ppp::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::PPP, header.header_len()) {
            return Next::Stop;
        }
        match header.protocol() {
            0x0021 => Next::Ipv4,
            0x0057 => Next::Ipv6,
            0x0281 | 0x0283 => Next::Mpls,
            _ => Next::Stop,
        }
    }

    /// A serial line may have PPP or Cisco's framing.
    pub(super) fn serial_ppp(&mut self) -> Next {
        match self.rest() {
            [address, 0, ..] if hdlc::ADDRESSES.contains(address) => Next::CiscoHdlc,
            _ => Next::Ppp,
        }
    }

    pub(super) fn cisco_hdlc(&mut self) -> Next {
        const SERIAL_LINE_CONTROL: u16 = 0x8035;
        const CDP: u16 = 0x2000;
        const OSI: u16 = 0xfefe;
        let header = match hdlc::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::HDLC, hdlc::HEADER_LEN) {
            return Next::Stop;
        }
        match header.protocol() {
            SERIAL_LINE_CONTROL => Next::Stop,
            CDP => Next::Named(id::CDP),
            OSI => osi(self.rest().get(1..).unwrap_or(&[])),
            value if value >= ethernet::MIN_ETHERTYPE => Next::EtherType(value),
            _ => Next::Stop,
        }
    }

    pub(super) fn loopback(&mut self) -> Next {
        let header = match loopback::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::LOOPBACK, loopback::HEADER_LEN) {
            return Next::Stop;
        }
        match header.ip_version() {
            Some(4) => Next::Ipv4,
            Some(6) => Next::Ipv6,
            _ => Next::Stop,
        }
    }

    pub(super) fn sll(&mut self) -> Next {
        match sll::Header::new_checked(self.rest()) {
            Ok(header) if self.enter(id::SLL, sll::HEADER_LEN) => {
                cooked(header.hardware_type(), header.protocol())
            }
            Ok(_) => Next::Stop,
            Err(fault) => self.fail(fault),
        }
    }

    pub(super) fn sll2(&mut self) -> Next {
        match sll2::Header::new_checked(self.rest()) {
            Ok(header) if self.enter(id::SLL2, sll2::HEADER_LEN) => {
                cooked(header.hardware_type(), header.protocol())
            }
            Ok(_) => Next::Stop,
            Err(fault) => self.fail(fault),
        }
    }
}

fn snap(oui: u32, pid: u16) -> Next {
    match (oui, pid) {
        (organisation::ENCAPSULATED_ETHERNET | organisation::BRIDGE_TUNNEL, pid)
            if pid >= ethernet::MIN_ETHERTYPE =>
        {
            Next::EtherType(pid)
        }
        (organisation::APPLE, 0x809b) => Next::Named(id::DDP),
        (organisation::CISCO, 0x0104) => Next::Named(id::PAGP),
        (organisation::CISCO, 0x010b) => Next::Named(id::STP),
        (organisation::CISCO, 0x0111) => Next::Named(id::UDLD),
        (organisation::CISCO, 0x2000) => Next::Named(id::CDP),
        (organisation::CISCO, 0x2003) => Next::Named(id::VTP),
        (organisation::CISCO, 0x2004) => Next::Named(id::DTP),
        _ => Next::Stop,
    }
}

/// OSI network layer: the first octet names the protocol.
pub(super) fn osi(payload: &[u8]) -> Next {
    const IS_IS: u8 = 0x83;
    if payload.first() == Some(&IS_IS) { Next::Named(id::IS_IS) } else { Next::Stop }
}

/// Linux tells the device's hardware and, mostly, an ethertype.
fn cooked(hardware: u16, protocol: u16) -> Next {
    const NETLINK: u16 = 824;
    const IEEE80211: u16 = 801;
    const RADIOTAP: u16 = 803;
    const IEEE_802_2: u16 = 4;
    match (hardware, protocol) {
        (NETLINK, _) => Next::Stop,
        (IEEE80211, _) => Next::Ieee80211 { fcs: false, padded: false },
        (RADIOTAP, _) => Next::Radiotap,
        (_, IEEE_802_2) => Next::Llc,
        (_, value) if value >= ethernet::MIN_ETHERTYPE => Next::EtherType(value),
        _ => Next::Stop,
    }
}

/// Whether a header length and a total length fit; for payloads that nothing announces.
fn looks_like_ipv4(bytes: &[u8], wire_len: usize) -> bool {
    let total = usize::from(be16(bytes, 2..4));
    octet(bytes, 0) & 0x0f >= 5 && total >= 20 && total <= wire_len
}

/// Whether there is a MAC header with a type that is likely; for payloads nothing announces.
pub(super) fn looks_like_ethernet(bytes: &[u8]) -> bool {
    let Ok(header) = ethernet::Header::new_checked(bytes) else { return false };
    match header.ethertype() {
        ethertype::IPV4 => octet(bytes, ethernet::HEADER_LEN) >> 4 == 4,
        ethertype::IPV6 => octet(bytes, ethernet::HEADER_LEN) >> 4 == 6,
        ethertype::ARP
        | ethertype::MPLS
        | ethertype::PPPOE_DISCOVERY
        | ethertype::PPPOE_SESSION
        | ethertype::SERVICE_VLAN
        | ethertype::VLAN => true,
        length @ 3..=ethernet::MAX_LENGTH => {
            usize::from(length) <= bytes.len().saturating_sub(ethernet::HEADER_LEN)
                && matches!(
                    octet(bytes, ethernet::HEADER_LEN),
                    0xaa | sap::SPANNING_TREE | sap::OSI
                )
        }
        other => ethertype_name(other) != ProtoId::UNKNOWN,
    }
}

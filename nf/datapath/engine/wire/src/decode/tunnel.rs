//! Tunnels: headers that carry a packet of a lower or the same layer.
//!
//! What a UDP port announces is followed only if it validates; otherwise it was no tunnel, and
//! the outer session keeps its payload. What an ethertype or a protocol number announces is at
//! fault when it does not validate.

use super::link::{ethertype, looks_like_ethernet, osi};
use super::{Next, Walk};
use crate::read::{after, octet};
use crate::{
    Fault, erspan, etherip, ethernet, geneve, gre, gtp, id, l2tp, l2tpv3, nsh, tzsp, vxlan,
};

/// Which of GTP's ports the payload came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GtpPort {
    User,
    Control,
    Prime,
    Any,
}

/// GRE payloads that are no ethertypes elsewhere.
mod gre_payload {
    pub(super) const OSI: u16 = 0x00fe;
    pub(super) const ERSPAN_III: u16 = 0x22eb;
    pub(super) const WCCP: u16 = 0x883e;
    pub(super) const ERSPAN_II: u16 = 0x88be;
}

impl Walk<'_, '_> {
    pub(super) fn gre(&mut self) -> Next {
        let header = match gre::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::GRE, header.header_len()) {
            return Next::Stop;
        }
        if !header.is_valid() {
            return self.fail(Fault::Malformed);
        }
        self.tunnel_id = match header.call_id() {
            Some(call) => call.into(),
            None => header.key().unwrap_or(0),
        };
        if let Some(length) = header.payload_len() {
            self.bound(length.into());
        }
        // A keep-alive or an acknowledgement carries nothing.
        if self.wire_rest() == 0 {
            return Next::Stop;
        }
        match header.protocol() {
            gre_payload::ERSPAN_III => Next::Erspan,
            // Type I, which has no sequence number, has no header of its own either.
            gre_payload::ERSPAN_II if header.sequence().is_some() => Next::Erspan,
            gre_payload::ERSPAN_II => Next::Ethernet,
            gre_payload::WCCP => {
                // Version 2 puts four octets before the packet.
                if octet(self.rest(), 0) >> 4 != 4 {
                    self.skip(4);
                }
                self.ip_by_version()
            }
            gre_payload::OSI => osi(self.rest()),
            value if value >= ethernet::MIN_ETHERTYPE => Next::EtherType(value),
            _ => Next::Stop,
        }
    }

    pub(super) fn erspan(&mut self) -> Next {
        let header = match erspan::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::ERSPAN, header.header_len()) {
            return Next::Stop;
        }
        self.tunnel_id = header.session_id().into();
        if header.carries_ethernet() { Next::Ethernet } else { self.ip_by_version() }
    }

    pub(super) fn etherip(&mut self) -> Next {
        match etherip::Header::new_checked(self.rest()) {
            Ok(_) if self.enter(id::ETHERIP, etherip::HEADER_LEN) => Next::Ethernet,
            Ok(_) => Next::Stop,
            Err(fault) => self.fail(fault),
        }
    }

    pub(super) fn nsh(&mut self) -> Next {
        let header = match nsh::Header::new_checked(self.rest()) {
            Ok(header) => header,
            Err(fault) => return self.fail(fault),
        };
        if !self.enter(id::NSH, header.header_len()) {
            return Next::Stop;
        }
        match header.next() {
            1 => Next::Ipv4,
            2 => Next::Ipv6,
            3 => Next::Ethernet,
            4 => Next::Nsh,
            5 => Next::Mpls,
            _ => Next::Stop,
        }
    }

    /// Version 3 over IP: control messages have a session of 0 before the header that UDP has.
    pub(super) fn l2tp_over_ip(&mut self) -> Next {
        match l2tpv3::Header::new_checked(self.rest()) {
            Ok(_) => self.named(id::L2TPV3),
            Err(Fault::Malformed) => {
                self.skip(l2tpv3::HEADER_LEN);
                match l2tp::Header::new_checked(self.rest()) {
                    Ok(_) => self.named(id::L2TP),
                    Err(fault) => self.fail(fault),
                }
            }
            Err(fault) => self.fail(fault),
        }
    }

    pub(super) fn l2tp(&mut self) -> Next {
        let Ok(header) = l2tp::Header::new_checked(self.rest()) else { return Next::Stop };
        let length = header.length().map(usize::from);
        if length.is_some_and(|length| length > self.wire_rest()) {
            return Next::Stop;
        }
        let start = self.at;
        if !self.push(id::L2TP, start) {
            return Next::Stop;
        }
        let Some(payload) = header.payload_at() else { return Next::Stop };
        if let Some(length) = length {
            self.bound(length);
        }
        self.at = start.saturating_add(payload);
        let tunnel = u32::from(header.tunnel_id().unwrap_or(0));
        self.tunnel_id = tunnel << 16 | header.session_id() & 0xffff;
        Next::Ppp
    }

    pub(super) fn gtp(&mut self, port: GtpPort) -> Next {
        let Ok(header) = gtp::Header::new_checked(self.rest()) else { return Next::Stop };
        let (end, available) = (header.message_end(), self.wire_rest());
        let user = header.protocol_type() == 1 && is_user_plane(header.message_type());
        let valid = match port {
            GtpPort::User => user && end <= available && header.flags() & 0x08 == 0,
            GtpPort::Control => header.protocol_type() == 1 && end == available,
            GtpPort::Prime => header.protocol_type() == 0 && end == available,
            GtpPort::Any => end <= available,
        };
        if !valid {
            return Next::Stop;
        }
        let start = self.at;
        if !self.push(id::GTP, start) || header.message_type() != gtp::T_PDU || !user {
            return Next::Stop;
        }
        self.bound(end);
        self.at = start.saturating_add(header.header_len());
        self.tunnel_id = header.teid().unwrap_or(0);
        self.ip_by_version()
    }

    pub(super) fn vxlan(&mut self) -> Next {
        let rest = self.rest();
        let Ok(header) = vxlan::Header::new_checked(rest) else { return Next::Stop };
        if !header.is_clean() && !looks_like_ethernet(after(rest, vxlan::HEADER_LEN)) {
            return Next::Stop;
        }
        if !self.enter(id::VXLAN, vxlan::HEADER_LEN) {
            return Next::Stop;
        }
        self.tunnel_id = header.vni();
        Next::Ethernet
    }

    pub(super) fn geneve(&mut self) -> Next {
        let Ok(header) = geneve::Header::new_checked(self.rest()) else { return Next::Stop };
        let protocol = header.protocol();
        let known = protocol == ethertype::BRIDGED_ETHERNET
            || matches!(protocol, ethertype::IPV4 | ethertype::IPV6 | ethertype::MPLS)
            || matches!(protocol, ethertype::ARP | ethertype::VLAN | ethertype::NSH);
        // A control packet may carry options only.
        if !(known || header.is_control()) || !self.enter(id::GENEVE, header.header_len()) {
            return Next::Stop;
        }
        if header.is_control() && self.wire_rest() == 0 {
            return Next::Stop;
        }
        self.tunnel_id = header.vni();
        if known { Next::EtherType(protocol) } else { Next::Stop }
    }

    pub(super) fn tzsp(&mut self) -> Next {
        const ETHERNET: u16 = 1;
        const IEEE80211: u16 = 18;
        let Ok(header) = tzsp::Header::new_checked(self.rest()) else { return Next::Stop };
        if !self.enter(id::TZSP, header.header_len()) || !header.carries_frame() {
            return Next::Stop;
        }
        match header.protocol() {
            ETHERNET => Next::Ethernet,
            IEEE80211 => Next::Ieee80211 { fcs: false, padded: false },
            _ => Next::Stop,
        }
    }
}

/// Message types of the user plane: echo, error indication, supported extensions, tunnel status,
/// end marker, packet.
fn is_user_plane(message_type: u8) -> bool {
    matches!(message_type, 1 | 2 | 26 | 31 | 253 | 254 | gtp::T_PDU)
}

//! Header views from layer 2 to layer 4 and tunnels, and the walk over them.
//!
//! No allocation and no panic on any input: a view checks its length once in `new_checked`, then
//! reads named field ranges. Each file has the same order: module doc with the standard, view,
//! `mod field` with the ranges, checked constructor, getters, [`nf_fields::fields!`], tests.
//! Adding a header is one file, one line in [`header::HEADERS`] and one arm of the walk.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod ah;
pub mod arp;
pub mod checksum;
mod decode;
pub mod erspan;
pub mod esp;
pub mod etherip;
pub mod ethernet;
pub mod fabric_path;
pub mod geneve;
pub mod gre;
pub mod gtp;
pub mod hdlc;
pub mod header;
pub mod icmp;
pub mod icmpv6;
pub mod id;
pub mod ieee80211;
pub mod ieee802154;
pub mod igmp;
pub mod int;
pub mod int_stack;
pub mod ipv4;
pub mod ipv6;
pub mod ipv6_ext;
pub mod l2tp;
pub mod l2tpv3;
pub mod llc;
pub mod loopback;
pub mod mpls;
pub mod name;
pub mod nsh;
pub mod ospf;
pub mod pbb;
pub mod ppi;
pub mod ppp;
pub mod pppoe;
pub mod radiotap;
mod read;
pub mod sctp;
pub mod sctp_chunk;
pub mod sll;
pub mod sll2;
pub mod tcp;
pub mod tzsp;
pub mod udp;
pub mod vlan;
pub mod vxlan;

pub use decode::{LinkType, decode, decode_inside, may_be_inside};

use nf_fields::ProtoId;

/// Most layers one packet can have (MMT's path length); deeper ones are counted, not followed.
pub const MAX_LAYERS: usize = 16;
/// Most IP layers (and so nested sessions) of one packet.
pub const MAX_IP_LAYERS: usize = 4;

/// One protocol header found in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Which protocol.
    pub proto: ProtoId,
    /// Where its header starts, from the first octet of the frame.
    pub offset: u16,
}

/// What carries a session's payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Transport {
    /// No port-bearing transport (ICMP, ESP, a fragment without header…).
    #[default]
    Other,
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 9260.
    Sctp,
}

/// A fragment's place in its datagram (RFC 791, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// Identification of the datagram.
    pub id: u32,
    /// Octets before this fragment.
    pub offset: u16,
    /// Whether more follow.
    pub more: bool,
}

/// What a session needs of one IP layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpLayer {
    /// Position of the IP header in [`Packet::layers`].
    pub layer: u8,
    /// 4 or 6.
    pub version: u8,
    /// Protocol number of what follows the IP header and its extension headers, authentication
    /// included; of a later IPv6 fragment, what its fragment header says.
    pub protocol: u8,
    /// The transport, when its header is there and holds; TCP's options may be cut.
    pub transport: Transport,
    /// Offset of the IP header in the frame.
    pub offset: u16,
    /// Ports of TCP, UDP, SCTP, UDP-Lite and DCCP, or 0 where there are none. ICMP echo: 0 too.
    pub src_port: u16,
    /// See `src_port`.
    pub dst_port: u16,
    /// Octets from the IP header up, as the IP header says (on the wire, not as captured).
    pub total_len: u32,
    /// Set when this is a fragment (either kind; `offset == 0 && more` is a first one).
    pub fragment: Option<Fragment>,
    /// First VLAN identifier + 1 between this layer and the one around it; 0 without a tag.
    pub vlan: u16,
    /// Tunnel identifier that led to this layer: TEID, VNI, GRE key or PPTP call, ERSPAN session,
    /// L2TP tunnel << 16 | session; 0 outside tunnels.
    pub tunnel_id: u32,
    /// Where the transport payload starts in the frame (after TCP/UDP/SCTP-common header), or,
    /// for others, what follows the IP header. Always within the captured octets.
    pub payload: u32,
    /// Captured octets of that payload; link padding and trailers excluded.
    pub payload_captured: u32,
    /// Octets of that payload on the wire, by the headers.
    pub payload_len: u32,
}

/// Why a frame could not be taken apart to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// All well.
    #[default]
    None,
    /// Captured octets end inside a header.
    Truncated,
    /// A header contradicts itself (version, header length, total length, …).
    Malformed,
    /// More than [`MAX_LAYERS`] or [`MAX_IP_LAYERS`].
    TooDeep,
    /// The link type is not known.
    UnknownLink,
}

/// A frame taken apart: layers, and a summary of every IP layer.
///
/// Reused from packet to packet; [`decode()`] overwrites it.
#[derive(Clone, Copy, Default)]
pub struct Packet {
    layers: [Layer; MAX_LAYERS],
    ips: [IpLayer; MAX_IP_LAYERS],
    layer_count: u8,
    ip_count: u8,
    /// First (outermost) VLAN identifier + 1; 0 when untagged.
    pub vlan: u16,
    /// Where and why the walk stopped early. A fault after an IP layer leaves that layer usable.
    pub fault: Fault,
}

impl Packet {
    /// The layers found, outermost first.
    #[inline]
    pub fn layers(&self) -> &[Layer] {
        self.layers.get(..usize::from(self.layer_count)).unwrap_or(&[])
    }

    /// The IP layers found, outermost first.
    #[inline]
    pub fn ips(&self) -> &[IpLayer] {
        self.ips.get(..usize::from(self.ip_count)).unwrap_or(&[])
    }

    /// For the capture side: fills in the ports of a later fragment once its first one is known.
    #[inline]
    pub fn ips_mut(&mut self) -> &mut [IpLayer] {
        self.ips.get_mut(..usize::from(self.ip_count)).unwrap_or(&mut [])
    }

    /// VLAN identifier + 1 of a layer: the tag next around it within its tunnel, or else the
    /// frame's; 0 without any.
    #[inline]
    pub fn vlan_of(&self, ip: &IpLayer) -> u16 {
        if ip.vlan == 0 { self.vlan } else { ip.vlan }
    }

    /// The first IP layer that is a fragment of a datagram, if any is.
    #[inline]
    pub fn fragment(&self) -> Option<&IpLayer> {
        self.ips().iter().find(|ip| ip.fragment.is_some())
    }

    /// Whether a part of this packet is an IP fragment; so its session may have to wait for the
    /// datagram's ports.
    #[inline]
    pub fn is_ip_fragment(&self) -> bool {
        self.fragment().is_some()
    }
}

// What a longer packet left behind in the arrays is no part of this one.
impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        (self.layers(), self.ips(), self.vlan, self.fault)
            == (other.layers(), other.ips(), other.vlan, other.fault)
    }
}

impl Eq for Packet {}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packet")
            .field("layers", &self.layers())
            .field("ips", &self.ips())
            .field("vlan", &self.vlan)
            .field("fault", &self.fault)
            .finish()
    }
}

//! The walk over the headers of a frame: one loop, a bounded number of steps, no recursion.
//!
//! Each step looks at one header, adds its layer and says which header comes next. Link layers
//! are in `link`, IP and what stands on it in `network` and `transport`, tunnels in `tunnel`;
//! `fast` is a straight line for the commonest frames, with the same result.

mod fast;
mod link;
mod link_type;
mod network;
mod transport;
mod tunnel;
mod wireless;

use nf_fields::ProtoId;

pub use link_type::LinkType;

use crate::{Fault, Layer, Packet, id};

/// How far a wire length may exceed the octets captured, where a length of 0 in an IP header
/// makes it count: segmentation offload hands over less than this at once.
const MAX_OFFLOAD: usize = 1 << 20;

/// More steps than this cannot happen, as nearly every one adds a layer; the loop need not
/// depend on it.
const MAX_STEPS: usize = 64;

/// Takes `frame` apart into `out`, which is overwritten. `wire_len` is the frame's length before
/// the capture cut it; it only counts where an IP header leaves its length to offloading.
#[inline]
pub fn decode(link: LinkType, frame: &[u8], wire_len: u32, out: &mut Packet) {
    out.layer_count = 0;
    out.ip_count = 0;
    out.vlan = 0;
    out.fault = Fault::None;
    let started = if link == LinkType::Ethernet { fast::ethernet(frame, out) } else { None };
    match started {
        Some(Next::Stop) => {}
        Some(tunnel) => follow(tunnel, frame, out),
        None => walk(link, frame, wire_len, out),
    }
}

/// Walks on where the straight line saw a tunnel: in the payload of the first IP layer.
fn follow(tunnel: Next, frame: &[u8], out: &mut Packet) {
    let [ip, ..] = out.ips;
    let at = ip.payload as usize;
    let walk = Walk {
        frame,
        at,
        end: at.saturating_add(ip.payload_captured as usize),
        wire_end: at.saturating_add(ip.payload_len as usize),
        bounded: true,
        vlan: 0,
        tunnel_id: 0,
        out,
    };
    walk.run(tunnel);
}

/// Whether [`decode_inside`] can begin with this header: those that lead to an IP layer.
pub fn may_be_inside(header: ProtoId) -> bool {
    use id::{DOT1AD, DOT1Q, ETHERNET, IP, IPV6, LLC, MPLS, PPP};
    matches!(header, ETHERNET | DOT1Q | DOT1AD | LLC | MPLS | PPP | IP | IPV6)
}

/// Walks on inside a tunnel that the walk does not know by itself: `around` are the headers that
/// were found behind the last one of `out`, and at `at` begins a `header` that
/// [`may_be_inside`]. False, and `out` as it was, when no IP layer is found there.
pub fn decode_inside(
    frame: &[u8],
    around: &[Layer],
    header: ProtoId,
    at: usize,
    out: &mut Packet,
) -> bool {
    if !may_be_inside(header) {
        return false;
    }
    let before = *out;
    let (end, wire_end) = match before.ips().last() {
        Some(ip) => {
            let start = ip.payload as usize;
            let end = start.saturating_add(ip.payload_captured as usize);
            (end, start.saturating_add(ip.payload_len as usize))
        }
        None => (frame.len(), frame.len()),
    };
    let bounded = !before.ips().is_empty();
    let mut walk = Walk { frame, at, end, wire_end, bounded, vlan: 0, tunnel_id: 0, out };
    let entered = around.iter().all(|layer| walk.push(layer.proto, layer.offset.into()));
    if entered {
        let next = root(header);
        if matches!(next, Next::EtherType(_)) {
            walk.skip(2);
        }
        walk.run(next);
    }
    if !entered || out.ip_count == before.ip_count {
        *out = before;
        return false;
    }
    true
}

fn walk(link: LinkType, frame: &[u8], wire_len: u32, out: &mut Packet) {
    let frame = frame.get(..u32::MAX as usize).unwrap_or(frame);
    let wire_end = usize::try_from(wire_len).unwrap_or(usize::MAX);
    let mut walk = Walk {
        frame,
        at: 0,
        end: frame.len(),
        wire_end: wire_end.min(frame.len().saturating_add(MAX_OFFLOAD)).max(frame.len()),
        bounded: false,
        vlan: 0,
        tunnel_id: 0,
        out,
    };
    let next = walk.start(link);
    walk.run(next);
}

/// Which header comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Stop,
    Ethernet,
    EtherType(u16),
    Llc,
    Pbb,
    FabricPath,
    Mpls,
    Nsh,
    Pppoe {
        discovery: bool,
    },
    Ppp,
    SerialPpp,
    CiscoHdlc,
    Loopback,
    Sll,
    Sll2,
    Ppi,
    Radiotap,
    Ieee80211 {
        fcs: bool,
        padded: bool,
    },
    Ieee802154 {
        fcs: bool,
    },
    Ip,
    Ipv4,
    Ipv6,
    Arp,
    Udp,
    Gre,
    Erspan,
    EtherIp,
    L2tpIp,
    L2tp,
    Gtp(tunnel::GtpPort),
    Vxlan,
    Geneve,
    Tzsp,
    /// In-band telemetry, where the payload bears it out; else what UDP's ports announce.
    Telemetry,
    /// Recognised, and not taken apart.
    Named(ProtoId),
}

/// Where the walk is.
struct Walk<'a, 'p> {
    frame: &'a [u8],
    /// Where the next header starts.
    at: usize,
    /// Where the captured octets of this level end.
    end: usize,
    /// Where they would end had the capture kept all.
    wire_end: usize,
    /// Whether `wire_end` is what a header says, so that a header beyond it contradicts it.
    bounded: bool,
    /// First VLAN identifier + 1 since the last IP layer.
    vlan: u16,
    /// Of the tunnel that leads to the next IP layer.
    tunnel_id: u32,
    out: &'p mut Packet,
}

impl<'a> Walk<'a, '_> {
    fn start(&mut self, link: LinkType) -> Next {
        match link {
            LinkType::Ethernet => Next::Ethernet,
            LinkType::RawIp => Next::Ip,
            LinkType::Ipv4 => Next::Ipv4,
            LinkType::Ipv6 => Next::Ipv6,
            LinkType::Sll => Next::Sll,
            LinkType::Sll2 => Next::Sll2,
            LinkType::Loopback => Next::Loopback,
            LinkType::Ppp => Next::SerialPpp,
            LinkType::PppWithDirection => {
                self.skip(1);
                Next::SerialPpp
            }
            LinkType::Pppoe => Next::Pppoe { discovery: false },
            LinkType::CiscoHdlc => Next::CiscoHdlc,
            LinkType::Ieee80211 => Next::Ieee80211 { fcs: false, padded: false },
            LinkType::Radiotap => Next::Radiotap,
            LinkType::Ppi => Next::Ppi,
            LinkType::Ieee802154 => Next::Ieee802154 { fcs: true },
            LinkType::Ieee802154NoFcs => Next::Ieee802154 { fcs: false },
            LinkType::Llc => Next::Llc,
            LinkType::Mpls => Next::Mpls,
            LinkType::Protocol { proto: ProtoId::UNKNOWN, .. } | LinkType::Unknown(_) => {
                self.fail(Fault::UnknownLink)
            }
            LinkType::Protocol { proto, offset } => {
                self.skip(usize::try_from(offset).unwrap_or(usize::MAX));
                if self.rest().is_empty() {
                    return self.fail(Fault::Truncated);
                }
                let next = root(proto);
                if matches!(next, Next::EtherType(_)) {
                    // A tag begins with the ethertype that announces it.
                    self.skip(2);
                }
                next
            }
        }
    }

    /// The loop.
    fn run(mut self, mut next: Next) {
        for _ in 0..MAX_STEPS {
            if next == Next::Stop {
                self.end();
                return;
            }
            next = self.step(next);
        }
        self.fail(Fault::TooDeep);
    }

    #[inline]
    fn step(&mut self, next: Next) -> Next {
        match next {
            Next::Stop => Next::Stop,
            Next::Ethernet => self.ethernet(),
            Next::EtherType(ethertype) => self.ethertype(ethertype),
            Next::Llc => self.llc(),
            Next::Pbb => self.pbb(),
            Next::FabricPath => self.fabric_path(),
            Next::Mpls => self.mpls(),
            Next::Nsh => self.nsh(),
            Next::Pppoe { discovery } => self.pppoe(discovery),
            Next::Ppp => self.ppp(),
            Next::SerialPpp => self.serial_ppp(),
            Next::CiscoHdlc => self.cisco_hdlc(),
            Next::Loopback => self.loopback(),
            Next::Sll => self.sll(),
            Next::Sll2 => self.sll2(),
            Next::Ppi => self.ppi(),
            Next::Radiotap => self.radiotap(),
            Next::Ieee80211 { fcs, padded } => self.ieee80211(fcs, padded),
            Next::Ieee802154 { fcs } => self.ieee802154(fcs),
            Next::Ip => self.ip(),
            Next::Ipv4 => self.ipv4(),
            Next::Ipv6 => self.ipv6(),
            Next::Arp => self.arp(),
            Next::Udp => self.udp(true),
            Next::Gre => self.gre(),
            Next::Erspan => self.erspan(),
            Next::EtherIp => self.etherip(),
            Next::L2tpIp => self.l2tp_over_ip(),
            Next::L2tp => self.l2tp(),
            Next::Gtp(port) => self.gtp(port),
            Next::Vxlan => self.vxlan(),
            Next::Geneve => self.geneve(),
            Next::Tzsp => self.tzsp(),
            Next::Telemetry => self.telemetry(),
            Next::Named(proto) => self.named(proto),
        }
    }

    /// The captured octets of this level that are not walked yet.
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.frame.get(self.at..self.end).unwrap_or(&[])
    }

    /// Octets of this level that are not walked yet, captured or not.
    fn wire_rest(&self) -> usize {
        self.wire_end.saturating_sub(self.at)
    }

    #[inline]
    fn skip(&mut self, octets: usize) {
        self.at = self.at.saturating_add(octets);
    }

    /// This level ends `octets` from here, says a header.
    #[inline]
    fn bound(&mut self, octets: usize) {
        self.wire_end = self.at.saturating_add(octets);
        self.end = self.end.min(self.wire_end);
        self.bounded = true;
    }

    /// Adds a layer that starts `at`; false when there are too many.
    #[inline]
    fn push(&mut self, proto: ProtoId, at: usize) -> bool {
        let slot = self.out.layers.get_mut(usize::from(self.out.layer_count));
        match (slot, u16::try_from(at)) {
            (Some(slot), Ok(offset)) => {
                *slot = Layer { proto, offset };
                self.out.layer_count = self.out.layer_count.wrapping_add(1);
                true
            }
            _ => {
                self.out.fault = Fault::TooDeep;
                false
            }
        }
    }

    /// Adds a layer here and moves behind its header.
    #[inline]
    fn enter(&mut self, proto: ProtoId, header_len: usize) -> bool {
        let entered = self.push(proto, self.at);
        self.skip(header_len);
        entered
    }

    /// Adds a layer here that ends the walk.
    fn named(&mut self, proto: ProtoId) -> Next {
        if self.at > self.end {
            return self.fail(Fault::Truncated);
        }
        self.push(proto, self.at);
        Next::Stop
    }

    /// A tunnel as root that does not validate has nothing outside it to fall back to.
    fn end(&mut self) {
        if self.out.layer_count == 0 && self.out.fault == Fault::None {
            self.out.fault = Fault::Malformed;
        }
    }

    /// Ends the walk. A header that does not fit although all octets are there contradicts the
    /// header that said how many there are.
    fn fail(&mut self, fault: Fault) -> Next {
        let contradiction = self.bounded && self.end == self.wire_end;
        self.out.fault = match fault {
            Fault::Truncated if contradiction => Fault::Malformed,
            fault => fault,
        };
        Next::Stop
    }
}

/// How the walk begins with a protocol as root.
fn root(proto: ProtoId) -> Next {
    match proto {
        id::ETHERNET => Next::Ethernet,
        id::DOT1AH => Next::Pbb,
        id::FABRIC_PATH => Next::FabricPath,
        id::MPLS => Next::Mpls,
        id::NSH => Next::Nsh,
        id::PPPOE => Next::Pppoe { discovery: false },
        id::PPP => Next::Ppp,
        id::HDLC => Next::CiscoHdlc,
        id::LLC => Next::Llc,
        id::LOOPBACK => Next::Loopback,
        id::SLL => Next::Sll,
        id::SLL2 => Next::Sll2,
        id::PPI => Next::Ppi,
        id::RADIOTAP => Next::Radiotap,
        id::IEEE80211 => Next::Ieee80211 { fcs: false, padded: false },
        id::IEEE802154 => Next::Ieee802154 { fcs: false },
        id::ARP => Next::Arp,
        id::IP => Next::Ipv4,
        id::IPV6 => Next::Ipv6,
        id::UDP => Next::Udp,
        id::GRE => Next::Gre,
        id::ERSPAN => Next::Erspan,
        id::ETHERIP => Next::EtherIp,
        id::L2TP => Next::L2tp,
        id::GTP => Next::Gtp(tunnel::GtpPort::Any),
        id::VXLAN => Next::Vxlan,
        id::GENEVE => Next::Geneve,
        id::TZSP => Next::Tzsp,
        id::DOT1Q => Next::EtherType(0x8100),
        id::DOT1AD => Next::EtherType(0x88a8),
        other => Next::Named(other),
    }
}

//! Packets inside the users' protocols: a table of what comes next leads to a header that the walk
//! over a frame knows, and the walk goes on there.
//!
//! It is decided packet by packet, without a memory, so that everybody who sees a packet decides
//! alike: the claim fits this very datagram (or frame), which is not a fragment, and its headers lead
//! to a packet that holds. Streams have no packets of their own, so that nothing is looked for there.

use nf_fields::ProtoId;
use nf_wire::{Layer, MAX_IP_LAYERS, Packet, Transport, id};

use super::claim::{Carried, Claim};
use super::link::payload_of;
use super::program::{Leap, Target};
use super::{Users, is_users};

/// Most protocols of users around one packet.
const DEEPEST: usize = 4;

/// A user's protocol around a packet: the IP layer, or else the frame, that carries it.
struct Carrier {
    number: ProtoId,
    start: usize,
    end: usize,
}

impl Users {
    /// Whether packets may lie within any of these.
    pub fn has_tunnels(&self) -> bool {
        self.has_tunnels
    }

    /// Walks on inside what these protocols carry.
    pub fn enter(&self, frame: &[u8], packet: &mut Packet) {
        for _ in 0..MAX_IP_LAYERS {
            let carrier = self.carrier(frame, packet);
            if !carrier.is_some_and(|carrier| self.enter_one(frame, packet, &carrier)) {
                return;
            }
        }
    }

    /// Who claims what the innermost header carries.
    fn carrier(&self, frame: &[u8], packet: &Packet) -> Option<Carrier> {
        let last = packet.layers().last()?;
        let Some(ip) = packet.ips().last() else {
            let (ethertype, start) = payload_of(last.proto, frame, last.offset.into())?;
            let number = self.claims.of_frame(ethertype, frame.get(start..)?)?;
            return Some(Carrier { number, start, end: frame.len() });
        };
        let numbers = match ip.transport {
            Transport::Udp if last.proto == id::UDP => [ip.dst_port, ip.src_port],
            Transport::Other => [u16::from(ip.protocol); 2],
            _ => return None,
        };
        if ip.fragment.is_some() {
            return None;
        }
        let start = usize::try_from(ip.payload).ok()?;
        let end = start.checked_add(usize::try_from(ip.payload_captured).ok()?)?;
        let by = Carried { transport: ip.transport, numbers };
        match self.claims.claim(by, frame.get(start..end)?) {
            Claim::Mine(number, _) => Some(Carrier { number, start, end }),
            Claim::Short | Claim::Nobody => None,
        }
    }

    fn enter_one(&self, frame: &[u8], packet: &mut Packet, carrier: &Carrier) -> bool {
        let mut layers = [Layer::default(); DEEPEST];
        let (mut number, mut at) = (carrier.number, carrier.start);
        for depth in 0..DEEPEST {
            let Some(program) = self.program(number) else { return false };
            let Some(data) = frame.get(at..carrier.end) else { return false };
            let (Some(slot), Ok(offset)) = (layers.get_mut(depth), u16::try_from(at)) else {
                return false;
            };
            *slot = Layer { proto: number, offset };
            if data.len() < program.header {
                return false;
            }
            let leap = program.next.as_ref().and_then(|next| next.leap(data));
            let Some(Leap { target, offset }) = leap else { return false };
            at = at.saturating_add(offset);
            match target {
                Target::User(next) => number = next,
                Target::Header(header) => {
                    let around = layers.get(..=depth).unwrap_or_default();
                    return nf_wire::decode_inside(frame, around, header, at, packet);
                }
                Target::Entry(..) | Target::Name(_) => return false,
            }
        }
        false
    }
}

/// The user's protocol that stands first among `layers`, and its place there.
pub fn tunnel_in(layers: &[Layer]) -> Option<(usize, ProtoId)> {
    layers.iter().position(|l| is_users(l.proto)).and_then(|at| Some((at, layers.get(at)?.proto)))
}

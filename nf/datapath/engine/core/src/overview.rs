//! What only those who see all packets can tell: counts over all sessions, and the sequence
//! numbers of tunnels whose inner sessions are of several workers.
//!
//! Every dispatcher sees all packets in one order, so each can say what held as of any of them.
//! Counted only while somebody asks.

use foldhash::HashMap;

use nf_fields::{Field, Scope, Type};
use nf_wire::{IpLayer, gre, id, ipv4};

use crate::parcel::Item;
use crate::plan::scene::Scene;
use crate::row::Owned;

/// Tunnels followed at most; those that come later have no numbers.
const MAX_TUNNELS: usize = 4096;
/// A number so far away from the one before means that the sender began anew.
const RESTARTED: u32 = 4096;

/// As of one packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overview {
    /// IPv4, then IPv6.
    ip: [Counts; 2],
    gre: Option<Numbers>,
}

/// Over all packets so far; octets from the IP header up.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    fragments: [u64; 2],
    unfragmented: [u64; 2],
}

/// Sequence numbers of a GRE tunnel (RFC 2890 §2.2).
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    /// The latest of the initiator, and of the responder.
    latest: [Option<u32>; 2],
    /// Numbers between this packet's and the one before it in its direction.
    gap: u32,
    /// Numbers that have not come so far, both directions.
    missing: u32,
    initiator_is_high: bool,
}

/// Counts as packets pass.
#[derive(Default)]
pub(crate) struct Overseer {
    ip: [Counts; 2],
    tunnels: HashMap<u64, Numbers>,
}

impl Overseer {
    /// Counts a packet, and notes on it how things stand.
    pub fn note(&mut self, item: &mut Item, frame: &[u8]) {
        for ip in item.packet.ips() {
            let Some(counts) = self.ip.get_mut(usize::from(ip.version == 6)) else { continue };
            if ip.fragment.is_some() {
                add(&mut counts.fragments, ip);
            } else if may_not_be_fragmented(ip, frame) {
                add(&mut counts.unfragmented, ip);
            }
        }
        item.overview = Overview { ip: self.ip, gre: self.tunnel(item, frame) };
    }

    fn tunnel(&mut self, item: &Item, frame: &[u8]) -> Option<Numbers> {
        let layers = item.packet.layers();
        let at = layers.iter().position(|l| l.proto == id::GRE)?;
        let header = frame.get(usize::from(layers.get(at)?.offset)..)?;
        let number = gre::Header::new_checked(header).ok()?.sequence()?;
        let around = item.packet.ips().iter().rposition(|ip| usize::from(ip.layer) < at)?;
        let owner = item.owners.get(around)?;
        if self.tunnels.len() >= MAX_TUNNELS && !self.tunnels.contains_key(&owner.hash) {
            return None;
        }
        let numbers = self
            .tunnels
            .entry(owner.hash)
            .or_insert_with(|| Numbers { initiator_is_high: owner.swapped, ..Numbers::default() });
        numbers.take(number, usize::from(owner.swapped != numbers.initiator_is_high));
        Some(*numbers)
    }
}

impl Numbers {
    fn take(&mut self, number: u32, way: usize) {
        let latest = &mut self.latest[way];
        let step = latest.map_or(1, |before| number.wrapping_sub(before));
        self.gap = 0;
        if step == 0 || step > u32::MAX - RESTARTED {
            // Late, or again: one that was missing has come.
            self.missing = self.missing.saturating_sub(u32::from(step != 0));
            return;
        }
        if step <= RESTARTED {
            self.gap = step - 1;
            self.missing = self.missing.saturating_add(self.gap);
        }
        *latest = Some(number);
    }
}

fn add(counts: &mut [u64; 2], ip: &IpLayer) {
    let [packets, octets] = counts;
    *packets += 1;
    *octets += u64::from(ip.total_len);
}

/// IPv4 says so; with IPv6 only the sender may, and here did not.
fn may_not_be_fragmented(ip: &IpLayer, frame: &[u8]) -> bool {
    let header = || frame.get(usize::from(ip.offset)..);
    ip.version == 6
        || header()
            .and_then(|h| ipv4::Header::new_checked(h).ok())
            .is_some_and(|h| h.dont_fragment())
}

/// Reads a value.
pub type Read = fn(&Scene<'_>) -> Owned;

macro_rules! attributes {
    ($( $protocol:literal $id:literal $name:literal: $scope:ident = |$o:ident| $value:expr, $doc:literal; )*) => {
        /// Attributes with MMT-DPI's names and ids.
        pub static ATTRIBUTES: &[(&str, Field, Read)] = &[ $( (
            $protocol,
            Field {
                name: $name,
                id: $id,
                ty: Type::Uint(64),
                scope: Scope::$scope,
                aliases: &[],
                doc: $doc,
            },
            |scene| {
                let $o = &scene.item.overview;
                let value: Option<u64> = $value;
                value.map_or(Owned::None, Owned::Uint)
            },
        ) ),* ];
    };
}

fn number(o: &Overview, way: usize) -> Option<u64> {
    o.gre.as_ref().and_then(|n| n.latest[way]).map(u64::from)
}

attributes! {
    "ip" 23 "ip_frag_packets_count": Packet = |o| Some(o.ip[0].fragments[0]), "Fragments so far, of all sessions.";
    "ip" 24 "ip_frag_data_volume": Packet = |o| Some(o.ip[0].fragments[1]), "Octets of those fragments, from the IP header up.";
    "ip" 25 "ip_df_packets_count": Packet = |o| Some(o.ip[0].unfragmented[0]), "Packets so far that must not be fragmented, of all sessions.";
    "ip" 26 "ip_df_data_volume": Packet = |o| Some(o.ip[0].unfragmented[1]), "Octets of those packets, from the IP header up.";
    "ipv6" 15 "ip6_frag_packets_count": Packet = |o| Some(o.ip[1].fragments[0]), "Fragments so far, of all sessions.";
    "ipv6" 20 "ip_frag_data_volume": Packet = |o| Some(o.ip[1].fragments[1]), "Octets of those fragments, from the IP header up.";
    "ipv6" 21 "ip6_df_packets_count": Packet = |o| Some(o.ip[1].unfragmented[0]), "Packets so far that are no fragments, of all sessions.";
    "ipv6" 22 "ip_df_data_volume": Packet = |o| Some(o.ip[1].unfragmented[1]), "Octets of those packets, from the IP header up.";
    "gre" 10 "seq_out": SessionChanging = |o| number(o, 0), "Latest sequence number of the tunnel's initiator.";
    "gre" 11 "seq_in": SessionChanging = |o| number(o, 1), "Latest sequence number of the tunnel's responder.";
    "gre" 12 "seq_gap": SessionChanging = |o| o.gre.as_ref().map(|n| n.gap.into()), "Sequence numbers missing right before this packet.";
    "gre" 13 "loss": SessionChanging = |o| o.gre.as_ref().map(|n| n.missing.into()), "Sequence numbers of the tunnel that have not come so far, both directions.";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: &[(u32, usize)]) -> Numbers {
        let mut numbers = Numbers::default();
        steps.iter().for_each(|&(number, way)| numbers.take(number, way));
        numbers
    }

    #[test]
    fn missing_numbers_are_counted_until_they_come() {
        let lost = after(&[(5, 0), (8, 0), (1, 1)]);
        assert_eq!((lost.latest, lost.gap, lost.missing), ([Some(8), Some(1)], 0, 2));
        let late = after(&[(5, 0), (8, 0), (7, 0)]);
        assert_eq!((late.latest[0], late.gap, late.missing), (Some(8), 0, 1));
    }

    #[test]
    fn numbers_wrap_and_a_leap_is_a_new_beginning() {
        assert_eq!(after(&[(u32::MAX, 0), (1, 0)]).missing, 1);
        let restarted = after(&[(70_000, 0), (3, 0), (4, 0)]);
        assert_eq!((restarted.latest[0], restarted.missing), (Some(4), 0));
    }
}

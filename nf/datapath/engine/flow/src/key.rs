//! The canonical key of a session: the same for both directions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nf_wire::{IpLayer, Transport};

/// What besides addresses, ports and protocol tells sessions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOptions {
    /// The outermost VLAN identifier.
    pub vlan: bool,
    /// The identifier of the tunnel the layer came out of. Off by default: the two directions of
    /// a GTP-U tunnel have identifiers of their own.
    pub tunnel: bool,
}

impl Default for KeyOptions {
    fn default() -> Self {
        Self { vlan: true, tunnel: false }
    }
}

/// Addresses and ports in ascending order, and what else tells sessions apart.
///
/// IPv4 addresses stand in the first four octets. 48 octets, six words for the hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct SessionKey {
    low: [u8; 16],
    high: [u8; 16],
    low_port: u16,
    high_port: u16,
    vlan: u16,
    protocol: u8,
    version: u8,
    tunnel: u32,
    /// Fills the last word, so that all octets are compared and hashed.
    reserved: u32,
}

impl SessionKey {
    /// The key of an IP layer, and whether its source is the higher end. `None` when the header
    /// is not in the frame.
    #[inline]
    pub fn new(
        frame: &[u8],
        ip: &IpLayer,
        vlan: u16,
        options: KeyOptions,
    ) -> Option<(SessionKey, bool)> {
        let header = frame.get(usize::from(ip.offset)..)?;
        let mut source = [0u8; 16];
        let mut target = [0u8; 16];
        if ip.version == 4 {
            let addresses: &[u8; 8] = header.get(12..20)?.first_chunk()?;
            let (s, t) = addresses.split_first_chunk::<4>()?;
            *source.first_chunk_mut::<4>()? = *s;
            *target.first_chunk_mut::<4>()? = *t.first_chunk::<4>()?;
        } else {
            let addresses: &[u8; 32] = header.get(8..40)?.first_chunk()?;
            let (s, t) = addresses.split_first_chunk::<16>()?;
            source = *s;
            target = *t.first_chunk::<16>()?;
        }
        let swapped = (source, ip.src_port) > (target, ip.dst_port);
        let (low, low_port, high, high_port) = if swapped {
            (target, ip.dst_port, source, ip.src_port)
        } else {
            (source, ip.src_port, target, ip.dst_port)
        };
        let key = SessionKey {
            low,
            high,
            low_port,
            high_port,
            vlan: if options.vlan { vlan } else { 0 },
            protocol: ip.protocol,
            version: ip.version,
            tunnel: if options.tunnel { ip.tunnel_id } else { 0 },
            reserved: 0,
        };
        Some((key, swapped))
    }

    /// The key with both ports 0, and whether the source is its higher end then. `swapped` says
    /// so for this key. Fragments of a datagram share it.
    pub fn without_ports(mut self, swapped: bool) -> (SessionKey, bool) {
        self.low_port = 0;
        self.high_port = 0;
        // Equal addresses are ordered by port alone: with none left, the source is the lower.
        let swapped = swapped && self.low != self.high;
        (self, swapped)
    }

    /// The key with the source's and the target's port, and whether the source is its higher end
    /// then. `swapped` says so for this key.
    pub fn with_ports(mut self, swapped: bool, source: u16, target: u16) -> (SessionKey, bool) {
        let swapped = if self.low == self.high { source > target } else { swapped };
        let (low, high) = if swapped { (target, source) } else { (source, target) };
        self.low_port = low;
        self.high_port = high;
        (self, swapped)
    }

    /// The ends: `(address, port)` of the lower and of the higher one.
    pub fn ends(&self) -> [(IpAddr, u16); 2] {
        let address = |octets: &[u8; 16]| {
            if self.version == 4 {
                let [a, b, c, d, ..] = *octets;
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            } else {
                IpAddr::V6(Ipv6Addr::from(*octets))
            }
        };
        [(address(&self.low), self.low_port), (address(&self.high), self.high_port)]
    }

    /// IP protocol number.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// 4 or 6.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// VLAN identifier + 1, 0 for none (or when keys leave it out).
    pub fn vlan(&self) -> u16 {
        self.vlan
    }

    /// The transport by protocol number.
    pub fn transport(&self) -> Transport {
        match self.protocol {
            6 => Transport::Tcp,
            17 => Transport::Udp,
            132 => Transport::Sctp,
            _ => Transport::Other,
        }
    }

    /// The key as words, for hashing.
    #[inline]
    pub(crate) fn words(&self) -> [u64; 6] {
        let word = |bytes: &[u8; 16]| {
            let whole = u128::from_ne_bytes(*bytes);
            (whole as u64, (whole >> 64) as u64)
        };
        let (a, b) = word(&self.low);
        let (c, d) = word(&self.high);
        let ports = u64::from(self.low_port) << 48
            | u64::from(self.high_port) << 32
            | u64::from(self.vlan) << 16
            | u64::from(self.protocol) << 8
            | u64::from(self.version);
        [a, b, c, d, ports, self.tunnel.into()]
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may overflow and fail")]
mod tests {
    use super::*;

    fn frame(source: [u8; 4], target: [u8; 4]) -> Vec<u8> {
        let mut frame = vec![0u8; 20];
        frame[12..16].copy_from_slice(&source);
        frame[16..20].copy_from_slice(&target);
        frame
    }

    fn layer(src_port: u16, dst_port: u16) -> IpLayer {
        IpLayer { version: 4, protocol: 6, src_port, dst_port, ..IpLayer::default() }
    }

    #[test]
    fn both_directions_have_one_key() {
        let there = frame([10, 0, 0, 1], [10, 0, 0, 2]);
        let back = frame([10, 0, 0, 2], [10, 0, 0, 1]);

        let (a, up) = SessionKey::new(&there, &layer(1000, 80), 0, KeyOptions::default()).unwrap();
        let (b, down) = SessionKey::new(&back, &layer(80, 1000), 0, KeyOptions::default()).unwrap();

        assert_eq!(a, b);
        assert_ne!(up, down);
    }

    #[test]
    fn equal_addresses_are_told_apart_by_port() {
        let local = frame([127, 0, 0, 1], [127, 0, 0, 1]);

        let (a, up) = SessionKey::new(&local, &layer(9, 7), 0, KeyOptions::default()).unwrap();
        let (b, down) = SessionKey::new(&local, &layer(7, 9), 0, KeyOptions::default()).unwrap();

        assert_eq!(a, b);
        assert!(up && !down);
    }

    #[test]
    fn a_frame_cut_before_the_addresses_has_no_key() {
        let short = [0u8; 15];
        assert!(SessionKey::new(&short, &layer(1, 2), 0, KeyOptions::default()).is_none());
    }
}

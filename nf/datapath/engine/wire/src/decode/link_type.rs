//! What a frame can start with.

use nf_fields::ProtoId;

/// What a frame starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkType {
    /// Ethernet.
    Ethernet,
    /// IPv4 or IPv6, told by the version.
    RawIp,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Linux cooked capture, version 1.
    Sll,
    /// Linux cooked capture, version 2.
    Sll2,
    /// BSD null or loopback.
    Loopback,
    /// PPP, with or without HDLC framing, or Cisco's framing.
    Ppp,
    /// PPP behind an octet that tells the direction.
    PppWithDirection,
    /// PPP over Ethernet, session stage, without Ethernet.
    Pppoe,
    /// Cisco HDLC.
    CiscoHdlc,
    /// IEEE 802.11.
    Ieee80211,
    /// IEEE 802.11 behind radiotap.
    Radiotap,
    /// Per-packet information, which names the link type itself.
    Ppi,
    /// IEEE 802.15.4, check sequence kept.
    Ieee802154,
    /// IEEE 802.15.4, check sequence removed.
    Ieee802154NoFcs,
    /// IEEE 802.2 LLC, as on classical IP over ATM.
    Llc,
    /// MPLS.
    Mpls,
    /// Any protocol as the root, at an offset from the start of the frame.
    Protocol {
        /// The root; one that the walk does not know is the only layer.
        proto: ProtoId,
        /// Where it starts.
        offset: u32,
    },
    /// A link type that is not known; the number is LINKTYPE_ of pcap.
    Unknown(u32),
}

impl LinkType {
    /// The link type of a LINKTYPE_ number in a capture file.
    pub fn from_dlt(number: u32) -> LinkType {
        match number {
            0 | 108 => LinkType::Loopback,
            1 => LinkType::Ethernet,
            9 | 50 => LinkType::Ppp,
            12 | 14 | 101 => LinkType::RawIp,
            51 => LinkType::Pppoe,
            100 => LinkType::Llc,
            104 => LinkType::CiscoHdlc,
            105 => LinkType::Ieee80211,
            113 => LinkType::Sll,
            127 => LinkType::Radiotap,
            166 | 204 => LinkType::PppWithDirection,
            192 => LinkType::Ppi,
            195 => LinkType::Ieee802154,
            219 => LinkType::Mpls,
            228 => LinkType::Ipv4,
            229 => LinkType::Ipv6,
            230 => LinkType::Ieee802154NoFcs,
            276 => LinkType::Sll2,
            other => LinkType::Unknown(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_capture_files_are_known() {
        assert_eq!(LinkType::from_dlt(1), LinkType::Ethernet);
        assert_eq!(LinkType::from_dlt(0), LinkType::from_dlt(108));
        for number in [12, 14, 101] {
            assert_eq!(LinkType::from_dlt(number), LinkType::RawIp);
        }
        assert_eq!(LinkType::from_dlt(147), LinkType::Unknown(147));
    }
}

//! A block of a TPACKET_V3 ring as bytes: its head, and the packets in it one after the other.
//!
//! The layout is that of `linux/if_packet.h`. Nothing is believed of what stands there: an offset
//! or a length that leads out of the block ends the walk of it.

/// Octets of a block's head that are read here.
const BLOCK_HEAD: usize = 48;
/// Octets of a packet's head, and of the `sockaddr_ll` that follows it.
const PACKET_HEAD: usize = 48;
const ADDRESS: usize = 20;

/// The packet was sent by this host.
pub(crate) const OUTGOING: u8 = 4;

const VLAN_VALID: u32 = 1 << 4;
const VLAN_TPID_VALID: u32 = 1 << 6;
/// Tag protocol where the kernel does not name one (IEEE 802.1Q).
const TPID: u16 = 0x8100;

/// Where the walk of a block stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Packets not yet walked over.
    pub left: u32,
    /// Where the next of them begins in the block.
    at: usize,
}

/// A packet in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Nanoseconds since the epoch.
    pub timestamp: u64,
    /// Octets captured, link header first.
    pub bytes: &'a [u8],
    /// Octets on the wire.
    pub length: u32,
    /// Tag protocol and tag that the network interface, or the kernel, took out.
    pub vlan: Option<(u16, u16)>,
    /// What way it went (`PACKET_HOST`, …).
    pub way: u8,
    /// EtherType, as the kernel understood it.
    pub protocol: u16,
    /// Kind of the interface (`ARPHRD_…`).
    pub kind: u16,
    /// Number of the interface.
    pub interface: i32,
    /// Address of the sender on the link.
    pub sender: &'a [u8],
    next: usize,
}

/// Why a block cannot be walked further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Astray;

impl Cursor {
    /// At the first packet of a block.
    pub fn start(block: &[u8]) -> Result<Self, Astray> {
        let left = word(block, 12).ok_or(Astray)?;
        let at = word(block, 16).ok_or(Astray)? as usize;
        if left > 0 && at < BLOCK_HEAD {
            return Err(Astray);
        }
        Ok(Self { left, at })
    }

    /// The packet it stands at.
    pub fn frame<'a>(&self, block: &'a [u8]) -> Result<Frame<'a>, Astray> {
        let rest = block.get(self.at..).ok_or(Astray)?;
        let (head, address) = match (rest.get(..PACKET_HEAD), rest.get(PACKET_HEAD..)) {
            (Some(head), Some(more)) => (head, more.get(..ADDRESS).ok_or(Astray)?),
            _ => return Err(Astray),
        };
        let number = |at| word(head, at).ok_or(Astray);
        let start = usize::from(half(head, 24).ok_or(Astray)?);
        let captured = number(12)? as usize;
        let bytes = rest.get(start..start.saturating_add(captured)).ok_or(Astray)?;
        if start < PACKET_HEAD + ADDRESS {
            return Err(Astray);
        }
        let next = number(0)? as usize;
        if self.left > 1 && next < PACKET_HEAD {
            // It would never come further.
            return Err(Astray);
        }
        let status = number(20)?;
        let vlan = (status & VLAN_VALID != 0)
            .then(|| {
                let tpid = half(head, 36).filter(|_| status & VLAN_TPID_VALID != 0);
                Some((tpid.unwrap_or(TPID), number(32).ok()? as u16))
            })
            .flatten();
        let addressed = usize::from(address.get(11).copied().unwrap_or(0)).min(8);
        Ok(Frame {
            timestamp: u64::from(number(4)?)
                .saturating_mul(1_000_000_000)
                .saturating_add(number(8)?.into()),
            bytes,
            length: number(16)?.max(captured as u32),
            vlan,
            way: address.get(10).copied().unwrap_or(0),
            protocol: address.get(2..4).map_or(0, |be| u16::from_be_bytes([be[0], be[1]])),
            kind: half(address, 8).unwrap_or(0),
            interface: word(address, 4).unwrap_or(0).cast_signed(),
            sender: address.get(12..12 + addressed).unwrap_or_default(),
            next,
        })
    }

    /// Steps over `frame`, at which it stands.
    pub fn step(&mut self, frame_next: usize) {
        self.left = self.left.saturating_sub(1);
        self.at = self.at.saturating_add(frame_next);
    }
}

impl Frame<'_> {
    /// Distance to the packet after this one.
    pub fn next(&self) -> usize {
        self.next
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|&four| u32::from_ne_bytes(four))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|&two| u16::from_ne_bytes(two))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A block with these packets, as the kernel lays them out.
    pub(crate) fn block(packets: &[&[u8]]) -> Vec<u8> {
        let mut block = vec![0; BLOCK_HEAD];
        put(&mut block, 8, 1);
        put(&mut block, 12, packets.len() as u32);
        put(&mut block, 16, BLOCK_HEAD as u32);
        for (n, packet) in packets.iter().enumerate() {
            let at = block.len();
            let start = PACKET_HEAD + ADDRESS + 12;
            let room = (start + packet.len()).next_multiple_of(16);
            block.resize(at + room, 0);
            let last = n + 1 == packets.len();
            put(&mut block, at, if last { 0 } else { room as u32 });
            put(&mut block, at + 4, 1_700_000_000);
            put(&mut block, at + 8, n as u32);
            put(&mut block, at + 12, packet.len() as u32);
            put(&mut block, at + 16, packet.len() as u32 + 4);
            block[at + 24..at + 26].copy_from_slice(&(start as u16).to_ne_bytes());
            block[at + start..at + start + packet.len()].copy_from_slice(packet);
        }
        block
    }

    pub(crate) fn put(block: &mut [u8], at: usize, value: u32) {
        block[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    fn walked(block: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let mut packets = Vec::new();
        let Ok(mut cursor) = Cursor::start(block) else { return (packets, true) };
        while cursor.left > 0 {
            match cursor.frame(block) {
                Ok(frame) => {
                    packets.push(frame.bytes.to_vec());
                    cursor.step(frame.next());
                }
                Err(Astray) => return (packets, true),
            }
        }
        (packets, false)
    }

    #[test]
    fn every_packet_of_a_block_is_found_with_its_time_and_lengths() {
        let block = block(&[b"first packet", b"", b"a third, longer packet"]);
        let cursor = Cursor::start(&block).unwrap();

        let frame = cursor.frame(&block).unwrap();

        assert_eq!((frame.timestamp, frame.length), (1_700_000_000_000_000_000, 16));
        let expected: Vec<Vec<u8>> =
            [&b"first packet"[..], b"", b"a third, longer packet"].map(Vec::from).into();
        assert_eq!(walked(&block), (expected, false));
    }

    #[test]
    fn a_tag_without_a_protocol_of_its_own_is_of_802_1q() {
        let mut one = block(&[b"x"]);
        put(&mut one, BLOCK_HEAD + 20, VLAN_VALID);
        put(&mut one, BLOCK_HEAD + 32, 0x2064);

        let frame = Cursor::start(&one).unwrap().frame(&one).unwrap().vlan;

        assert_eq!(frame, Some((0x8100, 0x2064)));
    }

    #[test]
    fn a_step_that_leads_nowhere_or_out_of_the_block_ends_the_walk() {
        for step in [0, 8, 47, 0x7fff_ffff, u32::MAX] {
            let mut forged = block(&[b"one", b"two"]);
            put(&mut forged, BLOCK_HEAD, step);
            let (packets, astray) = walked(&forged);
            assert!(astray && packets.len() <= 1, "{step}");
        }
    }

    #[test]
    fn a_length_beyond_the_block_ends_the_walk() {
        for length in [1_000, u32::MAX] {
            let mut forged = block(&[b"one", b"two"]);
            put(&mut forged, BLOCK_HEAD + 12, length);
            assert_eq!(walked(&forged), (vec![], true));
        }
    }

    #[test]
    fn a_first_packet_inside_the_head_of_its_block_is_refused() {
        let mut forged = block(&[b"one"]);
        put(&mut forged, 16, 8);
        assert_eq!(Cursor::start(&forged), Err(Astray));
    }

    proptest! {
        #[test]
        fn no_block_can_lead_the_walk_astray_for_ever(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            count in any::<u32>(),
            first in 0..80_u32,
        ) {
            let mut bytes = bytes;
            if bytes.len() > 20 {
                put(&mut bytes, 12, count);
                put(&mut bytes, 16, first);
            }
            let (packets, _) = walked(&bytes);
            // Every step is at least as long as a packet's head.
            prop_assert!(packets.len() <= bytes.len() / PACKET_HEAD + 1);
        }

        #[test]
        fn flipping_any_octet_of_a_block_cannot_make_the_walk_fail(
            at in 0..300_usize, to in any::<u8>()
        ) {
            let mut forged = block(&[b"first packet", b"second", b"third"]);
            if let Some(octet) = forged.get_mut(at) {
                *octet = to;
            }
            prop_assert!(walked(&forged).0.len() <= forged.len() / PACKET_HEAD + 1);
        }
    }
}

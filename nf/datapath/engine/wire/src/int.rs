//! In-band network telemetry between a transport header and its payload (P4.org, "In-band Network
//! Telemetry Dataplane Specification", 1.0 §4.6 to §4.7 and 2.1 §5.6 to §5.8): a shim, a header with
//! instructions, and what each hop pushed onto a stack, the latest hop first.
//!
//! Nobody assigned a port or a code point to it, so its own structure has to bear it out: the length
//! of a hop's part must be that of the instructions, and the stack a multiple of it.

use std::net::Ipv4Addr;

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::int_stack::{Column, Item, Layout, Stack};
use crate::read::{be16, octet};
use crate::{Fault, id};

/// Octets of the shim.
const SHIM_LEN: usize = 4;

/// Octets that every version has: the shim and two words.
const LEAST: usize = 12;

mod field {
    use std::ops::Range;
    pub(super) const TYPE: usize = 0;
    pub(super) const RESERVED: usize = 1;
    /// Version 1: octets of everything; version 2: octets behind the shim; both in words.
    pub(super) const LENGTH_1: usize = 2;
    pub(super) const LENGTH_2: usize = 1;
    pub(super) const ORIGINAL: Range<usize> = 2..4;
    pub(super) const VERSION: usize = 4;
    pub(super) const FLAGS: Range<usize> = 4..6;
    pub(super) const HOP_WORDS: usize = 6;
    pub(super) const REMAINING: usize = 7;
    pub(super) const INSTRUCTIONS: Range<usize> = 8..10;
    pub(super) const DOMAIN: Range<usize> = 10..12;
}

/// What the shim says of the packet before telemetry was put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    /// The IP header's code point tells that there is telemetry; it was this before.
    Dscp(u8),
    /// The destination port tells; it was this before.
    Port(u16),
    /// A UDP header was put before the transport's, whose number is this.
    Protocol(u8),
}

/// A telemetry header with its stack.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; LEAST],
    version: u8,
    header_len: usize,
    stack: Stack<'a>,
}

impl<'a> Header<'a> {
    /// Checks that version, lengths and instructions agree. The stack may be cut by the capture.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head: &[u8; LEAST] = bytes.first_chunk().ok_or(Fault::Truncated)?;
        match octet(head, field::VERSION) >> 4 {
            1 => Self::version_1(head, bytes),
            2 => Self::version_2(head, bytes),
            _ => Err(Fault::Malformed),
        }
    }

    fn version_1(head: &'a [u8; LEAST], bytes: &'a [u8]) -> Result<Self, Fault> {
        let clean = octet(head, field::RESERVED) == 0
            && be16(head, field::FLAGS) & 0x007f == 0
            && octet(head, field::HOP_WORDS) & 0xe0 == 0
            && be16(head, field::DOMAIN) == 0;
        // Hop by hop is type 1; some switches leave it at 0.
        if !clean || octet(head, field::TYPE) > 1 {
            return Err(Fault::Malformed);
        }
        let header_len = usize::from(octet(head, field::LENGTH_1)) << 2;
        let layout = Layout::of_version_1(instructions(head), hop_words(head));
        Self::with_stack(head, 1, header_len, LEAST, layout, bytes)
    }

    fn version_2(head: &'a [u8; LEAST], bytes: &'a [u8]) -> Result<Self, Fault> {
        let (kind, next) = (octet(head, field::TYPE) >> 4, octet(head, field::TYPE) & 0x0f);
        // Next protocol 3 and the bits behind are reserved.
        if next & 3 != 0 || next == 0x0c {
            return Err(Fault::Malformed);
        }
        let unclean = match next {
            0 => be16(head, field::ORIGINAL) & 0xff03,
            8 => be16(head, field::ORIGINAL) & 0xff00,
            _ => 0,
        };
        let header_len = (usize::from(octet(head, field::LENGTH_2)) << 2).saturating_add(SHIM_LEN);
        let fixed = LEAST.saturating_add(4);
        let flags = be16(head, field::FLAGS);
        let has_domain = be16(head, field::DOMAIN) != 0;
        let layout = match kind {
            1 if flags & 0x01ff == 0 && octet(head, field::HOP_WORDS) & 0xe0 == 0 => {
                Layout::of_version_2(instructions(head), hop_words(head), has_domain)
            }
            // Instructions only: every hop sends what it has elsewhere.
            3 if flags & 0x0fff == 0 && be16(head, 6..8) == 0 && instructions(head) != 0 => {
                (has_domain || header_len == fixed).then(Layout::without_hops)
            }
            _ => None,
        };
        if unclean != 0 {
            return Err(Fault::Malformed);
        }
        Self::with_stack(head, 2, header_len, fixed, layout, bytes)
    }

    fn with_stack(
        head: &'a [u8; LEAST],
        version: u8,
        header_len: usize,
        fixed: usize,
        layout: Option<Layout>,
        bytes: &'a [u8],
    ) -> Result<Self, Fault> {
        let layout = layout.ok_or(Fault::Malformed)?;
        let octets = header_len.checked_sub(fixed).ok_or(Fault::Malformed)?;
        if !layout.fills(octets) {
            return Err(Fault::Malformed);
        }
        let end = header_len.min(bytes.len());
        let captured = bytes.get(fixed..end).unwrap_or(&[]);
        let stack = Stack::new(captured, octets, layout, instructions(head));
        Ok(Self { head, version, header_len, stack })
    }

    /// Octets of shim, header and stack on the wire.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// Version of the header, 1 or 2.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// `md` where hops push their data, `mx` where only instructions travel.
    pub fn mode(&self) -> &'static str {
        if self.carries_data() { "md" } else { "mx" }
    }

    fn carries_data(&self) -> bool {
        self.version == 1 || octet(self.head, field::TYPE) >> 4 == 1
    }

    /// What the packet was before.
    pub fn original(&self) -> Original {
        let last = octet(self.head, 3);
        if self.version == 1 {
            return Original::Dscp(last >> 2);
        }
        match octet(self.head, field::TYPE) >> 2 & 3 {
            1 => Original::Port(be16(self.head, field::ORIGINAL)),
            2 => Original::Protocol(last),
            _ => Original::Dscp(last >> 2),
        }
    }

    /// One bit for each kind of data, as the specification numbers them from the left.
    pub fn instructions(&self) -> u16 {
        instructions(self.head)
    }

    /// Hops whose data is on the stack.
    pub fn hops(&self) -> u8 {
        self.stack.hops()
    }

    /// What each hop says of `item`, the latest hop first; `None` without that instruction.
    pub fn column(&self, item: Item) -> Option<&Column<'a, 32>> {
        self.stack.column(item)
    }

    /// When the packet came to each hop, in the hop's own unit.
    pub fn ingress_times(&self) -> Option<&Column<'a, 64>> {
        self.stack.ingress_times()
    }

    /// When it left.
    pub fn egress_times(&self) -> Option<&Column<'a, 64>> {
        self.stack.egress_times()
    }

    /// Latencies of all hops together.
    pub fn latency(&self) -> Option<u32> {
        let each = self.column(Item::Latency)?;
        Some(each.numbers().fold(0u32, |sum, n| sum.saturating_add(n as u32)))
    }

    fn has(&self, bit: u16) -> u8 {
        u8::from(self.instructions() & (0x8000 >> bit) != 0)
    }

    fn flag(&self, version_1: u16, version_2: u16) -> bool {
        let mask = if self.version == 1 { version_1 } else { version_2 };
        be16(self.head, field::FLAGS) & mask != 0
    }

    /// Of data-carrying headers: hops that may still add theirs.
    fn remaining(&self) -> Option<u8> {
        self.carries_data().then(|| octet(self.head, field::REMAINING))
    }

    fn domain(&self) -> Option<u16> {
        (self.version == 2).then(|| be16(self.head, field::DOMAIN))
    }

    fn original_dscp(&self) -> Option<u8> {
        match self.original() {
            Original::Dscp(dscp) => Some(dscp),
            _ => None,
        }
    }

    fn original_port(&self) -> Option<u16> {
        match self.original() {
            Original::Port(port) => Some(port),
            _ => None,
        }
    }

    fn original_protocol(&self) -> Option<u8> {
        match self.original() {
            Original::Protocol(protocol) => Some(protocol),
            _ => None,
        }
    }
}

fn instructions(head: &[u8; LEAST]) -> u16 {
    be16(head, field::INSTRUCTIONS)
}

fn hop_words(head: &[u8; LEAST]) -> usize {
    usize::from(octet(head, field::HOP_WORDS) & 0x1f)
}

/// A mean that nobody can take over no packets.
fn mean(sum: u32, count: u32) -> Option<u32> {
    sum.checked_div(count)
}

fields! { Header {
    1 "instruction_bits": u16 = |h| h.instructions(), "Which data hops are asked for, by bit.";
    2 "num_hop": u8 = |h| h.hops(), "Hops whose data is there.";
    3 "latency": Option<u32> = |h| h.latency(), "Latencies of all hops together, in their unit.";
    4 "hop_switch_ids": Option<&Column<'_, 32>> = |h| h.column(Item::Switch), "Switches, the latest first, as all lists of hops.";
    5 "hop_ingress_port_ids": Option<&Column<'_, 32>> = |h| h.column(Item::IngressPort), "Ports by which the packet came.";
    6 "hop_egress_port_ids": Option<&Column<'_, 32>> = |h| h.column(Item::EgressPort), "Ports by which it left.";
    7 "hop_latencies": Option<&Column<'_, 32>> = |h| h.column(Item::Latency), "Latency of each hop, in its unit.";
    8 "hop_queue_ids": Option<&Column<'_, 32>> = |h| h.column(Item::Queue), "Queues.";
    9 "hop_queue_occups": Option<&Column<'_, 32>> = |h| h.column(Item::QueueOccupancy), "How full the queues were, in the hop's unit.";
    10 "hop_ingress_times": Option<&Column<'_, 64>> = |h| h.ingress_times(), "When the packet came, by the hop's clock and unit.";
    11 "hop_egress_times": Option<&Column<'_, 64>> = |h| h.egress_times(), "When it left, by the hop's clock and unit.";
    12 "hop_lv2_ingress_port_ids": Option<&Column<'_, 32>> = |h| h.column(Item::LogicalIngressPort), "Logical ports by which it came.";
    13 "hop_lv2_egress_port_ids": Option<&Column<'_, 32>> = |h| h.column(Item::LogicalEgressPort), "Logical ports by which it left.";
    14 "hop_tx_utilizes": Option<&Column<'_, 32>> = |h| h.column(Item::Utilization), "How busy the egress ports were, in the hop's unit.";
    15 "hop_l4s_mark": Option<&Column<'_, 32>> = |h| h.column(Item::L4sMarked), "Packets that an L4S queue marked.";
    16 "hop_l4s_drop": Option<&Column<'_, 32>> = |h| h.column(Item::L4sDropped), "Packets that an L4S queue dropped.";
    17 "hop_l4s_mark_probability": Option<&Column<'_, 32>> = |h| h.column(Item::L4sProbability), "How probably an L4S queue marks.";
    18 "is_switch_id": u8 = |h| h.has(0), "Whether switches are asked for.";
    19 "is_in_egress_port_id": u8 = |h| h.has(1), "Whether ports are.";
    20 "is_hop_latency": u8 = |h| h.has(2), "Whether latencies are.";
    21 "is_queue_id_occup": u8 = |h| h.has(3), "Whether queues are.";
    22 "is_ingress_time": u8 = |h| h.has(4), "Whether times of arrival are.";
    23 "is_egress_time": u8 = |h| h.has(5), "Whether times of departure are.";
    24 "is_lv2_in_egress_port_id": u8 = |h| h.has(6), "Whether logical ports are.";
    25 "is_tx_utilize": u8 = |h| h.has(7), "Whether use of egress ports is.";
    26 "is_l4s_mark_drop": u8 = |h| u8::from(h.stack.has_l4s()), "Whether marks and drops of L4S queues are.";
    27 "is_cloud_gaming": u8 = |h| u8::from(h.stack.has_gaming()), "Whether what tells cloud gaming is.";
    28 "cg_ip_src": Option<Ipv4Addr> = |h| h.stack.gaming().map(|g| g.first), "One end of a flow looked at for cloud gaming.";
    29 "cg_ip_dst": Option<Ipv4Addr> = |h| h.stack.gaming().map(|g| g.second), "Its other end.";
    30 "cg_nb_pkt_down": Option<u32> = |h| h.stack.gaming().map(|g| g.down.packets), "Packets down in its last window.";
    31 "cg_mean_pkt_size_down": Option<u32> = |h| h.stack.gaming().and_then(|g| mean(g.down.octets, g.down.packets)), "Their mean size, octets.";
    32 "cg_mean_iat_down": Option<u32> = |h| h.stack.gaming().and_then(|g| mean(g.down.gaps_us, g.down.packets)), "Their mean distance, µs.";
    33 "cg_sum_pkt_size_down": Option<u32> = |h| h.stack.gaming().map(|g| g.down.octets), "Their octets.";
    34 "cg_nb_pkt_up": Option<u32> = |h| h.stack.gaming().map(|g| g.up.packets), "Packets up in its last window.";
    35 "cg_mean_pkt_size_up": Option<u32> = |h| h.stack.gaming().and_then(|g| mean(g.up.octets, g.up.packets)), "Their mean size, octets.";
    36 "cg_mean_iat_up": Option<u32> = |h| h.stack.gaming().and_then(|g| mean(g.up.gaps_us, g.up.packets)), "Their mean distance, µs.";
    37 "cg_sum_ptk_size_up" | "cg_sum_pkt_size_up": Option<u32> = |h| h.stack.gaming().map(|g| g.up.octets), "Their octets.";
    0 "version": u8 = |h| h.version(), "Version of the header.";
    0 "mode": &'static str = |h| h.mode(), "md: hops write their data into the packet; mx: only instructions.";
    0 "remaining_hops": Option<u8> = |h| h.remaining(), "Hops that may still add their data.";
    0 "copy": bool = |h| h.flag(0x0200, 0x0800), "Whether the packet is a copy that the sink throws away.";
    0 "hops_exceeded": bool = |h| h.flag(0x0100, 0x0400), "Whether a hop had to leave out its data as there were too many.";
    0 "mtu_exceeded": bool = |h| h.flag(0x0080, 0x0200), "Whether a hop had to leave out its data as the packet was too long.";
    0 "domain_id": Option<u16> = |h| h.domain(), "Domain whose own instructions may follow.";
    0 "hop_buffer_ids": Option<&Column<'_, 32>> = |h| h.column(Item::Buffer), "Buffers.";
    0 "hop_buffer_occups": Option<&Column<'_, 32>> = |h| h.column(Item::BufferOccupancy), "How full the buffers were, in the hop's unit.";
    0 "original_dscp": Option<u8> = |h| h.original_dscp(), "Code point before telemetry.";
    0 "original_port": Option<u16> = |h| h.original_port(), "Destination port before telemetry.";
    0 "original_protocol": Option<u8> = |h| h.original_protocol(), "Protocol of IP before telemetry.";
} }

/// Registry entry.
pub const INFO: HeaderInfo = header!(
    Header,
    id::INT,
    "int",
    "P4.org INT 1.0, INT 2.1",
    "In-band network telemetry between a transport and its payload."
);

#[cfg(test)]
mod tests {
    use super::*;
    use nf_fields::{Fields, Value};

    fn words(list: &[u32]) -> Vec<u8> {
        list.iter().flat_map(|w| w.to_be_bytes()).collect()
    }

    fn get(header: &Header<'_>, name: &str) -> String {
        let at = Header::fields().iter().position(|f| f.name == name).unwrap();
        format!("{:?}", header.get(at))
    }

    /// Version 1 with switch, queue and two hops.
    fn first() -> Vec<u8> {
        words(&[0x0100_0700, 0x1000_0206, 0x9000_0000, 7, 0x0500_0102, 6, 0x0100_0003])
    }

    #[test]
    fn hops_of_version_1_are_lists() {
        let octets = first();
        let h = Header::new_checked(&octets).unwrap();

        assert_eq!((h.version(), h.mode(), h.hops(), h.header_len()), (1, "md", 2, 28));
        assert_eq!(get(&h, "hop_switch_ids"), "[7, 6]");
        assert_eq!(get(&h, "hop_queue_ids"), "[5, 1]");
        assert_eq!(get(&h, "hop_queue_occups"), "[258, 3]");
        assert_eq!(get(&h, "hop_latencies"), "None");
        assert_eq!(get(&h, "remaining_hops"), "6");
        assert_eq!(h.original(), Original::Dscp(0));
    }

    #[test]
    fn times_and_logical_ports_are_as_long_as_the_hop_says() {
        // Latency, both times in 32 bits, logical ports in 32 bits each.
        let short = words(&[0x0100_0800, 0x1000_0500, 0x2e00_0000, 9, 1, 2, 3, 4]);
        let h = Header::new_checked(&short).unwrap();
        assert_eq!(get(&h, "hop_ingress_times"), "[1]");
        assert_eq!(get(&h, "hop_lv2_egress_port_ids"), "[4]");
        // Times in 64 bits, logical ports in 16.
        let long = words(&[0x0100_0900, 0x1000_0600, 0x2e00_0000, 9, 1, 2, 1, 3, 0x0004_0005]);
        let h = Header::new_checked(&long).unwrap();
        assert_eq!(get(&h, "hop_ingress_times"), "[4294967298]");
        assert_eq!(get(&h, "hop_egress_times"), "[4294967299]");
        assert_eq!(get(&h, "hop_lv2_ingress_port_ids"), "[4]");
        assert_eq!(get(&h, "hop_lv2_egress_port_ids"), "[5]");
        assert_eq!(get(&h, "latency"), "9");
    }

    #[test]
    fn marks_of_l4s_and_signs_of_gaming_are_read() {
        let gaming = [0xc000_0201, 0xc000_0202, 0x0002_0000, 300, 0, 10, 0];
        let octets = words(
            &[&[0x0100_0c00, 0x1000_0900, 0x0180_0000 >> 1], &[0x0003_0001, 50][..], &gaming]
                .concat(),
        );
        let h = Header::new_checked(&octets).unwrap();

        assert_eq!(get(&h, "hop_l4s_mark"), "[3]");
        assert_eq!(get(&h, "hop_l4s_drop"), "[1]");
        assert_eq!(get(&h, "hop_l4s_mark_probability"), "[50]");
        assert_eq!(get(&h, "cg_ip_dst"), "192.0.2.2");
        assert_eq!(get(&h, "cg_mean_pkt_size_up"), "150");
        assert_eq!(get(&h, "cg_mean_iat_up"), "320");
        assert_eq!(get(&h, "cg_mean_pkt_size_down"), "None");
    }

    #[test]
    fn version_2_tells_what_the_packet_was_before() {
        let with = |shim: u32| words(&[shim, 0x2000_0107, 0x8000_0000, 0, 42]);
        let port = with(0x1404_0035);
        let h = Header::new_checked(&port).unwrap();
        assert_eq!((h.version(), h.hops(), h.header_len()), (2, 1, 20));
        assert_eq!(h.original(), Original::Port(53));
        let protocol = with(0x1804_0006);
        assert_eq!(Header::new_checked(&protocol).unwrap().original(), Original::Protocol(6));
        let dscp = with(0x1004_00b8);
        assert_eq!(Header::new_checked(&dscp).unwrap().original(), Original::Dscp(46));
    }

    #[test]
    fn instructions_alone_have_no_hops() {
        let octets = words(&[0x3003_0000, 0x2000_0000, 0xa000_0000, 0]);
        let h = Header::new_checked(&octets).unwrap();

        assert_eq!((h.mode(), h.hops(), h.header_len()), ("mx", 0, 16));
        assert_eq!(get(&h, "remaining_hops"), "None");
    }

    #[test]
    fn data_of_a_domain_follows_that_of_the_instructions() {
        // One word of the standard, one of domain 5, and one more that the source put below.
        let octets = words(&[0x1006_0000, 0x2000_0201, 0x8000_0005, 0x8000_0000, 42, 1, 2]);
        let h = Header::new_checked(&octets).unwrap();

        assert_eq!(get(&h, "hop_switch_ids"), "[42]");
        assert_eq!(get(&h, "domain_id"), "5");
        let mut without = octets;
        without[11] = 0;
        assert!(Header::new_checked(&without).is_err());
    }

    #[test]
    fn what_does_not_agree_is_no_telemetry() {
        for (at, value) in [(0, 2), (1, 1), (2, 6), (2, 2), (4, 0x30), (6, 3), (8, 0xb0), (11, 1)] {
            let mut octets = first();
            octets[at] = value;
            assert!(Header::new_checked(&octets).is_err(), "{at} {value}");
        }
        assert_eq!(Header::new_checked(&first()[..11]).err(), Some(Fault::Truncated));
    }

    #[test]
    fn a_stack_that_the_capture_cut_has_the_hops_that_are_there() {
        let octets = first();
        let h = Header::new_checked(&octets[..25]).unwrap();

        assert_eq!((h.hops(), h.header_len()), (2, 28));
        assert_eq!(get(&h, "hop_switch_ids"), "[7]");
        assert!(matches!(h.get(1), Value::Uint(2)));
    }
}

//! The program by which the kernel chooses the socket of a packet, where several share an interface.
//!
//! It runs for every packet before any socket has it (`PACKET_FANOUT_CBPF`), and the kernel takes what
//! it returns modulo the number of sockets. Both directions of a session give the same number, as do
//! all fragments of a datagram and the sessions they belong to: what may come in fragments is chosen
//! by its addresses alone, and only TCP and SCTP, which cut their data themselves, by their ports, too.
//! Tags, labels of MPLS and PPPoE are passed over; of tunnels the outer addresses count.
//!
//! What is no IP packet, or ends early, goes to the first socket. The numbers depend on a seed that
//! nobody outside knows, so that nobody can send packets that all go to one socket of their choice.

use super::frame::OUTGOING;
use crate::bpf::Instruction;
use crate::bpf::assembler::{
    ADD, ADD_X, AND, GO_IF_ANY_BIT, GO_IF_EQUAL, LOAD_BYTE_AT_X, LOAD_CONSTANT, LOAD_HALF,
    LOAD_HALF_AT_X, LOAD_SCRATCH, LOAD_WORD, LOAD_WORD_AT_X, LOAD_X_CONSTANT, LOAD_X_SCRATCH,
    MULTIPLY, RETURN, RETURN_A, SHIFT_LEFT, STORE, STORE_X, TO_X, Writer, XOR, XOR_X,
};

/// Ancillary data of the kernel (`linux/filter.h`), as places in the packet.
const PROTOCOL: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PROTOCOL).cast_unsigned();
pub(super) const WAY: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE).cast_unsigned();
/// Where the network header begins, wherever the packet does.
const NETWORK: u32 = libc::SKF_NET_OFF.cast_unsigned();

/// Scratch words.
const BASE: u32 = 0;
const SOURCE: u32 = 1;
const TARGET: u32 = 2;
const SOURCE_PORT: u32 = 3;
const TARGET_PORT: u32 = 4;
const FOLDED: u32 = 5;

/// Tags and labels passed over at most.
const MOST_TAGS: usize = 2;
const MOST_LABELS: usize = 6;

const TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// Protocols with ports that cut their data themselves: TCP and SCTP.
const UNFRAGMENTED: [u32; 2] = [6, 132];

/// Odd numbers that spread bits well (the finalizer of MurmurHash3, and the golden ratio).
const SPREAD: [u32; 3] = [0x85eb_ca6b, 0xc2b2_ae35, 0x9e37_79b1];

/// Places that instructions go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Inside,
    Known,
    V4,
    V6,
    Ppp,
    Labels,
    AfterLabels,
    V4Ports,
    V6Ports,
    NoPorts,
    Choose,
    First,
}

/// The program for packets of this link type (`LINKTYPE_…`).
pub(super) fn program(link: u16, seed: u32) -> Vec<Instruction> {
    let mut writer = Writer::new();
    // What comes in begins with its network header; what goes out, with the link's.
    writer.put(LOAD_WORD, WAY);
    if link == 1 {
        writer.test(GO_IF_EQUAL, OUTGOING.into(), 0, 3);
        writer.put(LOAD_HALF, 12);
        writer.put(LOAD_X_CONSTANT, 14);
        writer.go(Label::Inside);
        writer.put(LOAD_X_CONSTANT, 0);
    } else {
        writer.put(LOAD_X_CONSTANT, NETWORK);
        writer.test(GO_IF_EQUAL, OUTGOING.into(), 1, 0);
        writer.put(LOAD_X_CONSTANT, 0);
    }
    writer.put(LOAD_WORD, PROTOCOL);
    writer.at(Label::Inside);
    choose(writer, seed)
}

/// Goes on with the protocol in A and the place of its header in X.
fn choose(mut writer: Writer<Label>, seed: u32) -> Vec<Instruction> {
    link_layers(&mut writer);
    version_4(&mut writer);
    version_6(&mut writer);
    writer.at(Label::NoPorts);
    writer.put(LOAD_CONSTANT, 0);
    writer.put(STORE, SOURCE_PORT);
    writer.put(STORE, TARGET_PORT);
    writer.at(Label::Choose);
    mix(&mut writer, seed);
    writer.at(Label::First);
    writer.put(RETURN, 0);
    writer.finish()
}

fn link_layers(writer: &mut Writer<Label>) {
    for _ in 0..MOST_TAGS {
        for (n, tag) in TAGS.into_iter().enumerate() {
            // Past the tests that are left and the jump behind them.
            writer.test(GO_IF_EQUAL, tag, (TAGS.len() - n) as u8, 0);
        }
        writer.go(Label::Known);
        writer.put(LOAD_HALF_AT_X, 2);
        writer.put(STORE, FOLDED);
        writer.pass_over(4);
        writer.put(LOAD_SCRATCH, FOLDED);
    }
    writer.at(Label::Known);
    writer.go_if(GO_IF_EQUAL, 0x0800, Label::V4);
    writer.go_if(GO_IF_EQUAL, 0x86dd, Label::V6);
    writer.go_if(GO_IF_EQUAL, 0x8864, Label::Ppp);
    writer.go_if(GO_IF_EQUAL, 0x8847, Label::Labels);
    writer.go_if(GO_IF_EQUAL, 0x8848, Label::Labels);
    writer.go(Label::First);

    writer.at(Label::Ppp);
    writer.put(LOAD_HALF_AT_X, 6);
    writer.put(STORE, FOLDED);
    writer.pass_over(8);
    writer.put(LOAD_SCRATCH, FOLDED);
    writer.go_if(GO_IF_EQUAL, 0x0021, Label::V4);
    writer.go_if(GO_IF_EQUAL, 0x0057, Label::V6);
    writer.go(Label::First);

    writer.at(Label::Labels);
    for _ in 0..MOST_LABELS {
        writer.put(LOAD_BYTE_AT_X, 2);
        writer.put(STORE, FOLDED);
        writer.pass_over(4);
        writer.put(LOAD_SCRATCH, FOLDED);
        writer.go_if(GO_IF_ANY_BIT, 1, Label::AfterLabels); // the bottom of the stack
    }
    writer.go(Label::First);
    writer.at(Label::AfterLabels);
    writer.put(LOAD_BYTE_AT_X, 0);
    writer.put(AND, 0xf0);
    writer.go_if(GO_IF_EQUAL, 0x40, Label::V4);
    writer.go_if(GO_IF_EQUAL, 0x60, Label::V6);
    writer.go(Label::First);
}

fn version_4(writer: &mut Writer<Label>) {
    writer.at(Label::V4);
    for (place, word) in [(12, SOURCE), (16, TARGET)] {
        writer.put(LOAD_WORD_AT_X, place);
        writer.put(STORE, word);
    }
    writer.put(LOAD_HALF_AT_X, 6);
    writer.go_if(GO_IF_ANY_BIT, 0x3fff, Label::NoPorts); // a fragment
    writer.put(LOAD_BYTE_AT_X, 9);
    for protocol in UNFRAGMENTED {
        writer.go_if(GO_IF_EQUAL, protocol, Label::V4Ports);
    }
    writer.go(Label::NoPorts);
    writer.at(Label::V4Ports);
    writer.put(LOAD_BYTE_AT_X, 0);
    writer.put(AND, 0x0f);
    writer.put(SHIFT_LEFT, 2);
    writer.put(ADD_X, 0);
    writer.put(TO_X, 0);
    ports(writer, 0);
}

fn version_6(writer: &mut Writer<Label>) {
    writer.at(Label::V6);
    writer.put(STORE_X, BASE);
    for (begin, word) in [(8, SOURCE), (24, TARGET)] {
        writer.put(LOAD_WORD_AT_X, begin);
        for place in [begin + 4, begin + 8, begin + 12] {
            writer.put(MULTIPLY, SPREAD[2]);
            writer.put(STORE, word);
            writer.put(LOAD_WORD_AT_X, place);
            writer.put(LOAD_X_SCRATCH, word);
            writer.put(ADD_X, 0);
            writer.put(LOAD_X_SCRATCH, BASE);
        }
        writer.put(STORE, word);
    }
    writer.put(LOAD_BYTE_AT_X, 6);
    for protocol in UNFRAGMENTED {
        writer.go_if(GO_IF_EQUAL, protocol, Label::V6Ports);
    }
    writer.go(Label::NoPorts);
    writer.at(Label::V6Ports);
    ports(writer, 40);
}

fn ports(writer: &mut Writer<Label>, place: u32) {
    writer.put(LOAD_HALF_AT_X, place);
    writer.put(STORE, SOURCE_PORT);
    writer.put(LOAD_HALF_AT_X, place + 2);
    writer.put(STORE, TARGET_PORT);
    writer.go(Label::Choose);
}

/// Each side is mixed alike, and their sum does not tell which is which.
fn mix(writer: &mut Writer<Label>, seed: u32) {
    for (port, address) in [(SOURCE_PORT, SOURCE), (TARGET_PORT, TARGET)] {
        writer.put(LOAD_SCRATCH, port);
        writer.put(MULTIPLY, SPREAD[2]);
        writer.put(LOAD_X_SCRATCH, address);
        writer.put(XOR_X, 0);
        writer.put(XOR, seed);
        writer.put(MULTIPLY, SPREAD[0]);
        writer.fold(15);
        writer.put(MULTIPLY, SPREAD[1]);
        writer.put(STORE, address);
    }
    writer.put(LOAD_X_SCRATCH, SOURCE);
    writer.put(ADD_X, 0);
    writer.put(ADD, seed.rotate_left(16));
    for (bits, factor) in [(16, SPREAD[0]), (13, SPREAD[1])] {
        writer.fold(bits);
        writer.put(MULTIPLY, factor);
    }
    writer.fold(16);
    writer.put(RETURN_A, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::Program;

    /// What the program returns of a packet that begins with the header of `protocol`.
    fn chosen(protocol: u32, packet: &[u8]) -> u32 {
        let mut writer = Writer::new();
        writer.put(LOAD_X_CONSTANT, 0);
        writer.put(LOAD_CONSTANT, protocol);
        let program = Program::new(choose(writer, 0x1234_5678)).unwrap();
        program.run(packet, packet.len() as u32).unwrap_or(0)
    }

    fn v4(from: [u8; 4], to: [u8; 4], protocol: u8, fragment: u16, ports: [u16; 2]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 40, 0, 1];
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol, 0, 0]);
        packet.extend(from.into_iter().chain(to));
        packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        packet.extend([0; 16]);
        packet
    }

    fn v6(from: [u8; 16], to: [u8; 16], next: u8, ports: [u16; 2]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 20, next, 64];
        packet.extend(from.into_iter().chain(to));
        packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        packet.extend([0; 16]);
        packet
    }

    const A: [u8; 4] = [10, 0, 0, 1];
    const B: [u8; 4] = [192, 0, 2, 99];

    #[test]
    fn both_directions_of_a_session_are_chosen_alike() {
        for protocol in [1, 6, 17, 132] {
            let there = chosen(0x0800, &v4(A, B, protocol, 0x4000, [1000, 80]));
            let back = chosen(0x0800, &v4(B, A, protocol, 0, [80, 1000]));
            assert_eq!(there, back, "{protocol}");
            assert_ne!(there, 0);
        }
        let (one, two) = ([0x20; 16], [0x30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        let there = chosen(0x86dd, &v6(one, two, 6, [1000, 80]));
        assert_eq!(there, chosen(0x86dd, &v6(two, one, 6, [80, 1000])));
        assert_ne!(there, chosen(0x86dd, &v6(two, one, 6, [80, 1001])));
    }

    #[test]
    fn what_may_come_in_fragments_is_chosen_by_addresses_alone() {
        let whole = chosen(0x0800, &v4(A, B, 17, 0, [1000, 53]));
        for fragment in [0x2000, 0x2001, 0x0001, 0x1fff] {
            assert_eq!(chosen(0x0800, &v4(A, B, 17, fragment, [7, 9])), whole);
        }
        let first = chosen(0x0800, &v4(A, B, 6, 0x2000, [1000, 80]));
        assert_eq!(chosen(0x0800, &v4(A, B, 6, 0x0001, [3, 4])), first);
    }

    #[test]
    fn ports_of_tcp_spread_the_sessions_of_two_hosts_evenly() {
        let mut counts = [0; 8];
        for port in 0..8000 {
            let session = v4(A, B, 6, 0, [port + 1024, 443]);
            counts[(chosen(0x0800, &session) % 8) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn addresses_that_follow_each_other_are_spread_evenly() {
        let (mut few, mut many) = ([0; 3], [0; 8]);
        for n in 0..8000_u16 {
            let [high, low] = n.to_be_bytes();
            let of_one = v4([10, 1, high, low], B, 17, 0, [1, 2]);
            few[(chosen(0x0800, &of_one) % 3) as usize] += 1;
            let mut from = [0x20; 16];
            from[14..].copy_from_slice(&n.to_be_bytes());
            many[(chosen(0x86dd, &v6(from, [9; 16], 17, [1, 2])) % 8) as usize] += 1;
        }
        assert!(few.iter().all(|count| (2400..2950).contains(count)), "{few:?}");
        assert!(many.iter().all(|count| (850..1150).contains(count)), "{many:?}");
    }

    #[test]
    fn tags_labels_and_pppoe_do_not_matter() {
        let bare = v4(A, B, 6, 0, [1000, 80]);
        let expected = chosen(0x0800, &bare);
        let behind = |head: &[u8]| [head, &bare].concat();
        assert_eq!(chosen(0x8100, &behind(&[0, 5, 8, 0])), expected);
        assert_eq!(chosen(0x88a8, &behind(&[0, 5, 0x81, 0, 0, 6, 8, 0])), expected);
        assert_eq!(chosen(0x8847, &behind(&[0, 1, 0, 64, 0, 2, 1, 64])), expected);
        assert_eq!(chosen(0x8864, &behind(&[0x11, 0, 0, 1, 0, 42, 0, 0x21])), expected);
    }

    #[test]
    fn what_is_no_ip_or_ends_early_goes_to_the_first_socket() {
        let whole = v4(A, B, 6, 0, [1000, 80]);
        assert_eq!(chosen(0x0806, &whole), 0);
        assert_eq!(chosen(0x8847, &[0; 100]), 0);
        for length in 0..24 {
            assert_eq!(chosen(0x0800, &whole[..length]), 0, "{length}");
        }
    }

    #[test]
    fn the_kernels_programs_are_short_and_every_jump_lands() {
        for link in [1, 101, 113] {
            let program = program(link, 7);
            assert!(program.len() < 300, "{}", program.len());
            Program::new(program).unwrap();
        }
    }
}

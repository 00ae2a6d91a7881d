//! What must hold of any octets: no panic, and a result within its bounds.

use nf_wire::{Fault, LinkType, MAX_IP_LAYERS, MAX_LAYERS, Packet, Transport, decode, header, id};
use proptest::prelude::*;

use crate::case::cases;
use crate::walk;

/// Every link type there is a number for, and some that have none.
fn links() -> impl Strategy<Value = LinkType> {
    prop_oneof![
        4 => Just(LinkType::Ethernet),
        4 => (0u32..300).prop_map(LinkType::from_dlt),
        2 => (0..header::HEADERS.len(), 0u32..40).prop_map(|(index, offset)| {
            LinkType::Protocol { proto: header::HEADERS[index].id, offset }
        }),
    ]
}

fn hold(frame: &[u8], packet: &Packet) {
    let end = frame.len();
    assert!(packet.layers().len() <= MAX_LAYERS);
    assert!(packet.ips().len() <= MAX_IP_LAYERS);
    assert!(packet.layers().is_sorted_by_key(|layer| layer.offset), "{packet:?}");
    for layer in packet.layers() {
        assert!(usize::from(layer.offset) <= end, "{packet:?}");
    }
    for ip in packet.ips() {
        let layer = packet.layers()[usize::from(ip.layer)];
        let expected = if ip.version == 4 { id::IP } else { id::IPV6 };
        assert_eq!((layer.proto, layer.offset), (expected, ip.offset), "{packet:?}");
        let payload_end = ip.payload as usize + ip.payload_captured as usize;
        assert!(payload_end <= end, "{packet:?}");
        assert!(u32::from(ip.offset) < ip.payload, "{packet:?}");
        assert!(ip.payload_captured <= ip.payload_len, "{packet:?}");
        assert!(ip.payload_len <= ip.total_len, "{packet:?}");
        if ip.fragment.is_some_and(|fragment| fragment.offset > 0) {
            assert_eq!((ip.transport, ip.src_port, ip.dst_port), (Transport::Other, 0, 0));
        }
    }
    assert!(!packet.layers().is_empty() || packet.fault != Fault::None, "{packet:?}");
}

/// Takes a frame apart, checks the bounds, and reads every field of every layer.
fn examine(link: LinkType, frame: &[u8], wire_len: u32) {
    let mut packet = Packet::default();
    decode(link, frame, wire_len, &mut packet);
    hold(frame, &packet);
    for layer in packet.layers() {
        let Some(info) = header::by_id(layer.proto) else { continue };
        let bytes = frame.get(usize::from(layer.offset)..).unwrap();
        for position in 0..=(info.fields)().len() {
            let mut asked = 0;
            (info.visit)(bytes, position, &mut |_| asked += 1);
            assert_eq!(asked, 1, "{}", info.name);
        }
    }
    if link == LinkType::Ethernet {
        let slow = LinkType::Protocol { proto: id::ETHERNET, offset: 0 };
        let mut walked = Packet::default();
        decode(slow, frame, wire_len, &mut walked);
        assert_eq!(packet, walked, "the straight line differs from the walk");
    }
}

#[test]
fn every_truncation_is_survived() {
    for case in cases() {
        for len in 0..=case.frame.len() {
            let cut = &case.frame[..len];
            examine(case.link, cut, case.frame.len() as u32);
            examine(case.link, cut, 0);
        }
    }
}

#[test]
fn every_single_octet_may_be_forged() {
    for case in cases() {
        let mut frame = case.frame.clone();
        for at in 0..frame.len() {
            let original = frame[at];
            for value in 0..=255 {
                frame[at] = value;
                examine(case.link, &frame, frame.len() as u32);
            }
            frame[at] = original;
        }
    }
}

#[test]
fn views_survive_every_truncation_of_every_layer() {
    for case in cases() {
        for layer in walk(case.link, &case.frame).layers() {
            let info = header::by_id(layer.proto).unwrap();
            let bytes = &case.frame[usize::from(layer.offset)..];
            for len in 0..bytes.len() {
                for position in 0..(info.fields)().len() {
                    (info.visit)(&bytes[..len], position, &mut |_| {});
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_octets_are_survived(
        link in links(),
        frame in prop::collection::vec(any::<u8>(), 0..300),
        wire_len in any::<u32>(),
    ) {
        examine(link, &frame, wire_len);
    }

    #[test]
    fn several_forged_octets_are_survived(
        index in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let cases = cases();
        let case = index.get(&cases);
        let mut frame = case.frame.clone();
        for (at, value) in changes {
            let at = at.index(frame.len());
            frame[at] = value;
        }
        examine(case.link, &frame, frame.len() as u32);
        frame.truncate(cut.index(frame.len()));
        examine(case.link, &frame, case.frame.len() as u32);
    }

    #[test]
    fn views_survive_random_octets(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        for info in header::HEADERS {
            for position in 0..=(info.fields)().len() {
                (info.visit)(&bytes, position, &mut |_| {});
            }
        }
    }

    #[test]
    fn the_straight_line_agrees_with_the_walk(
        protocol in prop_oneof![Just(6u8), Just(17u8)],
        ports in (any::<u16>(), any::<u16>()),
        total in 0u16..120,
        flags in prop_oneof![3 => Just(0u16), 1 => any::<u16>()],
        fifth in any::<u8>(),
        sixth in any::<u8>(),
        tos in prop_oneof![Just(0u8), any::<u8>()],
        telemetry in 0u8..4,
        payload in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let payload = match telemetry {
            0 => crate::build::telemetry_1(&payload),
            1 => crate::build::telemetry_2(sixth % 3, ports.0, &payload),
            _ => payload,
        };
        let transport = if protocol == 6 {
            let mut segment = crate::build::tcp(ports.0, ports.1, &payload);
            segment[12] = fifth;
            segment
        } else {
            let mut datagram = crate::build::udp(ports.0, ports.1, &payload);
            datagram[5] = sixth;
            datagram
        };
        let mut ip = crate::build::ipv4_fragment(protocol, flags, &transport);
        ip[1] = tos;
        ip[2..4].copy_from_slice(&total.to_be_bytes());
        let frame = crate::build::ethernet(0x0800, &ip);
        examine(LinkType::Ethernet, &frame, frame.len() as u32);
    }
}

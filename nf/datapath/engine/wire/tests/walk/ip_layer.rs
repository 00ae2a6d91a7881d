//! What a session gets to know of each IP layer.

use nf_fields::ProtoId;
use nf_wire::{
    Fault, Fragment, IpLayer, LinkType, MAX_IP_LAYERS, MAX_LAYERS, Packet, Transport, decode, id,
};

use crate::build::*;
use crate::{path, walk};

fn only_ip(frame: &[u8]) -> (IpLayer, Fault) {
    let packet = walk(LinkType::Ethernet, frame);
    assert_eq!(packet.ips().len(), 1, "{packet:?}");
    (packet.ips()[0], packet.fault)
}

fn eth4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(protocol, payload))
}

#[test]
fn tcp_gives_ports_and_bounds_without_padding() {
    let mut frame = eth4(6, &tcp(1000, 80, b"hello"));
    let end = frame.len() as u32;
    frame.extend([0; 9]);

    let (ip, fault) = only_ip(&frame);

    assert_eq!(fault, Fault::None);
    let expected = IpLayer {
        layer: 1,
        version: 4,
        protocol: 6,
        transport: Transport::Tcp,
        offset: 14,
        src_port: 1000,
        dst_port: 80,
        total_len: 57,
        fragment: None,
        vlan: 0,
        tunnel_id: 0,
        payload: end - 5,
        payload_captured: 5,
        payload_len: 5,
    };
    assert_eq!(ip, expected);
}

#[test]
fn a_cut_capture_keeps_lengths_of_the_wire() {
    let whole = eth4(6, &tcp(1000, 80, &[7; 1000]));
    let mut packet = Packet::default();
    decode(LinkType::Ethernet, &whole[..80], whole.len() as u32, &mut packet);
    let ip = packet.ips()[0];
    assert_eq!((ip.payload, ip.payload_captured, ip.payload_len), (66, 14, 1000));
    assert_eq!((ip.total_len, packet.fault), (1052, Fault::None));
}

#[test]
fn cut_tcp_options_do_not_hide_the_transport() {
    let whole = eth4(6, &tcp(1000, 80, &[7; 100]));
    let mut packet = Packet::default();
    decode(LinkType::Ethernet, &whole[..60], whole.len() as u32, &mut packet);
    let ip = packet.ips()[0];
    assert_eq!((ip.transport, ip.dst_port), (Transport::Tcp, 80));
    assert_eq!((ip.payload_captured, ip.payload_len), (0, 100));
    assert_eq!((packet.fault, path(&packet).as_str()), (Fault::Truncated, "ethernet.ip.tcp"));
}

#[test]
fn bad_transport_headers_keep_the_ip_layer() {
    let short = only_ip(&eth4(6, &[0, 1, 0, 2, 0]));
    assert_eq!(
        (short.0.transport, short.0.src_port, short.1),
        (Transport::Other, 1, Fault::Malformed)
    );
    let none = only_ip(&eth4(17, &[0, 1, 0]));
    assert_eq!((none.0.src_port, none.0.payload_captured, none.1), (0, 3, Fault::Malformed));
    let mut segment = tcp(1, 2, b"x");
    segment[12] = 0x40;
    let (ip, fault) = only_ip(&eth4(6, &segment));
    assert_eq!((ip.transport, ip.dst_port, fault), (Transport::Other, 2, Fault::Malformed));
    segment[12] = 0xf0;
    let (ip, fault) = only_ip(&eth4(6, &segment));
    assert_eq!(
        (ip.transport, ip.payload_captured, fault),
        (Transport::Other, 33, Fault::Malformed)
    );
    let mut datagram = udp(1, 2, b"x");
    datagram[5] = 7;
    assert_eq!(only_ip(&eth4(17, &datagram)).1, Fault::Malformed);
    datagram[5] = 0;
    assert_eq!(only_ip(&eth4(17, &datagram)).1, Fault::Malformed);
}

#[test]
fn udp_length_bounds_the_payload_when_it_is_shorter() {
    let mut datagram = udp(1, 2, b"payload and more");
    datagram[5] = 8 + 7;
    let (ip, fault) = only_ip(&eth4(17, &datagram));
    assert_eq!((ip.payload_captured, ip.payload_len, fault), (7, 7, Fault::None));
    datagram[5] = 200;
    let (ip, fault) = only_ip(&eth4(17, &datagram));
    assert_eq!((ip.payload_captured, ip.payload_len, fault), (16, 16, Fault::None));
}

#[test]
fn invalid_ip_headers_give_no_layer() {
    let datagram = ipv4(6, &tcp(1, 2, b"x"));
    let broken = |at: usize, value: u8| {
        let mut bytes = datagram.clone();
        bytes[at] = value;
        let packet = walk(LinkType::Ethernet, &ethernet(0x0800, &bytes));
        (packet.ips().len(), packet.fault)
    };
    assert_eq!(broken(0, 0x65), (0, Fault::Malformed));
    assert_eq!(broken(0, 0x44), (0, Fault::Malformed));
    assert_eq!(broken(3, 19), (0, Fault::Malformed));
    let cut = walk(LinkType::Ethernet, &ethernet(0x0800, &datagram[..19]));
    assert_eq!((cut.ips().len(), cut.fault), (0, Fault::Truncated));
}

#[test]
fn lengths_left_to_offloading_come_from_the_frame() {
    let mut datagram = ipv4(6, &tcp(1, 2, &[7; 100]));
    datagram[2..4].fill(0);
    let frame = ethernet(0x0800, &datagram);
    let mut packet = Packet::default();
    decode(LinkType::Ethernet, &frame, 30_014, &mut packet);
    let ip = packet.ips()[0];
    assert_eq!((ip.total_len, ip.payload_captured), (30_000, 100));
    decode(LinkType::Ethernet, &frame, u32::MAX, &mut packet);
    assert!(packet.ips()[0].total_len < 2 << 20, "a forged wire length is bounded");

    let mut datagram = ipv6(6, &tcp(1, 2, &[7; 100]));
    datagram[4..6].fill(0);
    let (ip, _) = only_ip(&ethernet(0x86dd, &datagram));
    assert_eq!((ip.total_len, ip.payload_captured), (172, 100));
}

#[test]
fn a_jumbogram_says_its_length_in_an_option() {
    let hop_by_hop = cat(&[&[17, 0, 0xc2, 4], &70_000u32.to_be_bytes()]);
    let mut datagram = ipv6(0, &cat(&[&hop_by_hop, &[0, 1, 0, 2, 0, 0, 0, 0], &[7; 50]]));
    datagram[4..6].fill(0);
    let (ip, fault) = only_ip(&ethernet(0x86dd, &datagram));
    assert_eq!((ip.total_len, ip.payload_captured, fault), (70_040, 50, Fault::None));
    assert_eq!((ip.transport, ip.payload_len), (Transport::Udp, 69_984));
}

#[test]
fn fragments_say_where_they_belong() {
    let first = only_ip(&ethernet(0x0800, &ipv4_fragment(17, 0x2000, &udp(5, 6, &[0; 40])))).0;
    assert_eq!(first.fragment, Some(Fragment { id: 0x1234, offset: 0, more: true }));
    assert_eq!((first.transport, first.src_port, first.dst_port), (Transport::Udp, 5, 6));

    let later = only_ip(&ethernet(0x0800, &ipv4_fragment(17, 0x0006, &[0; 40]))).0;
    assert_eq!(later.fragment, Some(Fragment { id: 0x1234, offset: 48, more: false }));
    assert_eq!((later.transport, later.src_port, later.protocol), (Transport::Other, 0, 17));
    assert_eq!((later.payload, later.payload_captured), (34, 40));

    let rest = cat(&[&[6, 0, 0, 9, 0, 0, 0, 5], &[0; 16]]);
    let packet = walk(LinkType::Ethernet, &ethernet(0x86dd, &ipv6(44, &rest)));
    assert!(packet.is_ip_fragment());
    let later = packet.ips()[0];
    assert_eq!(later.fragment, Some(Fragment { id: 5, offset: 8, more: true }));
    assert_eq!((later.protocol, later.payload, later.transport), (6, 62, Transport::Other));

    let atomic = cat(&[&[6, 0, 0, 0, 0, 0, 0, 5], &tcp(1, 2, b"")]);
    let atomic = walk(LinkType::Ethernet, &ethernet(0x86dd, &ipv6(44, &atomic)));
    assert_eq!((atomic.ips()[0].transport, atomic.is_ip_fragment()), (Transport::Tcp, false));
}

#[test]
fn tunnels_hand_their_identifier_to_the_inner_layer() {
    let inner = || ipv4(6, &tcp(1, 2, b"x"));
    let frame = || ethernet(0x0800, &inner());
    let over_udp = |port: u16, payload: &[u8]| eth4(17, &udp(port, 40_000, payload));
    let ppp = cat(&[&[0, 0x21], &inner()]);
    let erspan = cat(&[&[0x10, 1, 0, 9, 0, 0, 0, 0], &frame()]);
    for (frame, tunnel_id) in [
        (over_udp(2152, &gtp(255, 0x0102_0304, &inner())), 0x0102_0304),
        (over_udp(4789, &vxlan(77, &frame())), 77),
        (over_udp(6081, &geneve(0x0800, 78, &inner())), 78),
        (over_udp(1701, &l2tp(3, 4, &ppp)), 3 << 16 | 4),
        (eth4(47, &gre(0x2000, 0x0800, &[99], &inner())), 99),
        (eth4(47, &gre(0x2001, 0x880b, &[(ppp.len() as u32) << 16 | 12], &ppp)), 12),
        (eth4(47, &gre(0x1000, 0x88be, &[0], &erspan)), 9),
        (eth4(4, &inner()), 0),
    ] {
        let packet = walk(LinkType::Ethernet, &frame);
        let ips = packet.ips();
        assert_eq!((ips.len(), ips[0].tunnel_id, ips[1].tunnel_id), (2, 0, tunnel_id));
        assert_eq!((ips[1].transport, packet.fault), (Transport::Tcp, Fault::None));
    }
}

#[test]
fn an_inner_fault_leaves_the_outer_layer_usable() {
    let packet = walk(LinkType::Ethernet, &eth4(17, &udp(1, 2152, &gtp(255, 1, &[0x45, 0, 0]))));
    assert_eq!((packet.ips().len(), packet.fault), (1, Fault::Malformed));
    assert_eq!((packet.ips()[0].dst_port, path(&packet).as_str()), (2152, "ethernet.ip.udp.gtp"));
}

#[test]
fn what_does_not_validate_is_no_tunnel_and_no_fault() {
    let mut too_long = gtp(255, 1, &ipv4(6, &tcp(1, 2, b"x")));
    too_long[3] = 255;
    let packet = walk(LinkType::Ethernet, &eth4(17, &udp(1, 2152, &too_long)));
    assert_eq!((path(&packet).as_str(), packet.fault), ("ethernet.ip.udp", Fault::None));
    assert_eq!(packet.ips()[0].payload_captured, too_long.len() as u32);
}

#[test]
fn telemetry_is_no_payload_and_hides_no_session() {
    let segment = tcp(40000, 80, &telemetry_1(b"GET"));
    let packet = walk(LinkType::Ethernet, &ethernet(0x0800, &marked(ipv4(6, &segment))));
    let ip = packet.ips()[0];
    assert_eq!((ip.payload_captured, ip.payload_len, ip.dst_port), (3, 3, 80));

    let by_port = udp(40000, 9000, &telemetry_2(1, 53, b"query"));
    let ip = walk(LinkType::Ethernet, &eth4(17, &by_port)).ips()[0];
    assert_eq!((ip.payload_len, ip.dst_port, ip.transport), (5, 53, Transport::Udp));

    let around = udp(40000, 9000, &telemetry_2(2, 6, &tcp(41000, 80, b"GET")));
    let ip = walk(LinkType::Ethernet, &eth4(17, &around)).ips()[0];
    assert_eq!((ip.src_port, ip.dst_port, ip.protocol), (41000, 80, 6));
    assert_eq!((ip.payload_len, ip.transport), (3, Transport::Tcp));
}

#[test]
fn a_stack_longer_than_its_datagram_is_no_telemetry() {
    let mut octets = telemetry_1(b"");
    octets[2] = 6;
    let packet = walk(LinkType::Ethernet, &ethernet(0x0800, &marked(ipv4(6, &tcp(1, 2, &octets)))));
    assert_eq!((path(&packet).as_str(), packet.fault), ("ethernet.ip.tcp", Fault::None));
}

#[test]
fn the_outermost_tag_is_kept() {
    let ip = ipv4(6, &tcp(1, 2, b"x"));
    let frame = ethernet(0x88a8, &tag(0xe005, 0x8100, &tag(6, 0x0800, &ip)));
    assert_eq!(walk(LinkType::Ethernet, &frame).vlan, 6);
    let inside = ethernet(0x8100, &tag(6, 0x0800, &ip));
    let tunnel = eth4(17, &udp(1, 4789, &vxlan(1, &inside)));
    assert_eq!(walk(LinkType::Ethernet, &tunnel).vlan, 0);
}

#[test]
fn depth_is_bounded_and_told() {
    let mut ip = ipv4(6, &tcp(1, 2, b"x"));
    for _ in 0..10 {
        ip = ipv4(4, &ip);
    }
    let packet = walk(LinkType::Ethernet, &ethernet(0x0800, &ip));
    assert_eq!((packet.ips().len(), packet.fault), (MAX_IP_LAYERS, Fault::TooDeep));

    let mut tags = tag(1, 0x0800, &ip);
    for _ in 0..40 {
        tags = tag(1, 0x8100, &tags);
    }
    let packet = walk(LinkType::Ethernet, &ethernet(0x8100, &tags));
    assert_eq!((packet.layers().len(), packet.fault), (MAX_LAYERS, Fault::TooDeep));
    assert_eq!(packet.ips().len(), 0);
}

#[test]
fn a_layer_never_starts_behind_the_frame() {
    // Numbered LLC whose second control octet is cut off.
    let packet = walk(LinkType::from_dlt(113), &sll(4, &[0x42, 0x42, 0x01]));
    assert_eq!((path(&packet).as_str(), packet.fault), ("sll", Fault::Truncated));
}

#[test]
fn unknown_links_are_told() {
    assert_eq!(walk(LinkType::from_dlt(147), &[0; 60]).fault, Fault::UnknownLink);
    let none = LinkType::Protocol { proto: ProtoId::UNKNOWN, offset: 0 };
    assert_eq!(walk(none, &[0; 60]).fault, Fault::UnknownLink);
    let beyond = LinkType::Protocol { proto: id::IP, offset: 100 };
    assert_eq!(walk(beyond, &[0; 60]).fault, Fault::Truncated);
}

#[test]
fn a_root_the_walk_does_not_know_is_the_only_layer() {
    let link = LinkType::Protocol { proto: ProtoId(700), offset: 2 };
    let packet = walk(link, &[0; 60]);
    assert_eq!((packet.layers().len(), packet.fault), (1, Fault::None));
    assert_eq!((packet.layers()[0].proto.0, packet.layers()[0].offset), (700, 2));
}

#[test]
fn a_reused_packet_keeps_nothing_of_the_one_before() {
    let deep = eth4(17, &udp(1, 2152, &gtp(255, 1, &ipv4_fragment(6, 0x2000, &tcp(1, 2, b"x")))));
    let flat = ethernet(0x0806, &arp());
    let mut reused = walk(LinkType::Ethernet, &deep);
    decode(LinkType::Ethernet, &flat, flat.len() as u32, &mut reused);
    assert_eq!(reused, walk(LinkType::Ethernet, &flat));
}

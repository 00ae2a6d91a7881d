//! Filters in libpcap's language.

mod build;

use build::*;
use nf_capture::bpf::Filter;
use nf_capture::{ErrorKind, OpenSpec, Status, open};

const ETHERNET: u16 = 1;
const RAW_IP: u16 = 101;

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2.
fn ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0];
    packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(payload);
    packet
}

fn ports(source: u16, destination: u16) -> Vec<u8> {
    let mut header = source.to_be_bytes().to_vec();
    header.extend(destination.to_be_bytes());
    header.resize(20, 0);
    header
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

fn frames() -> [Vec<u8>; 5] {
    [
        ethernet(0x0800, &ip(6, &ports(40_000, 80))),
        ethernet(0x0800, &ip(17, &ports(40_000, 53))),
        ethernet(0x8100, &[&[0, 7, 8, 0][..], &ip(17, &ports(53, 40_000))].concat()),
        ethernet(0x0806, &[0; 28]),
        ethernet(0x0800, &ip(6, b"cut")),
    ]
}

fn accepted(expression: &str) -> Vec<usize> {
    let mut filter = Filter::new(expression);
    let frames = frames();
    let frames = frames.iter().enumerate();
    frames
        .filter(|(_, f)| filter.accepts(ETHERNET, f, f.len() as u32).unwrap())
        .map(|(n, _)| n)
        .collect()
}

#[test]
fn expressions_mean_what_they_do_to_tcpdump() {
    for (expression, expected) in [
        ("", &[0, 1, 2, 3, 4][..]),
        ("tcp", &[0, 4]),
        ("tcp port 80", &[0]),
        ("udp port 53", &[1]),
        ("vlan 7 and udp port 53", &[2]),
        ("arp or (tcp and dst port 80)", &[0, 3]),
        ("not ip", &[2, 3]),
        ("host 10.0.0.2 and greater 50", &[0, 1]),
        ("ip[8] = 64 and ip[2:2] & 0xff > 30 and tcp[2:2] / 2 = 40", &[0]),
        ("ether src 02:00:00:00:00:01 and ether proto 0x0806", &[3]),
        ("portrange 50-90", &[0, 1]),
        ("net 10.0.0.0/8 and ip proto \\udp", &[1]),
        ("less 41", &[4]),
        ("ip6", &[]),
        ("ip protochain 17", &[1]), // jumps back
    ] {
        let expected = match expression {
            "less 41" => (0..5).filter(|&n| frames()[n].len() <= 41).collect(),
            _ => expected.to_vec(),
        };
        assert_eq!(accepted(expression), expected, "{expression}");
    }
}

#[test]
fn the_length_in_a_filter_is_that_on_the_wire() {
    let mut filter = Filter::new("len > 1000");

    assert!(filter.accepts(ETHERNET, &[0; 60], 1500).unwrap());
    assert!(!filter.accepts(ETHERNET, &[0; 60], 60).unwrap());
}

#[test]
fn a_packet_the_filter_does_not_accept_is_counted_and_not_given() {
    let scratch = Scratch::new();
    let file = frames()
        .iter()
        .fold(Pcap::new(Order::Little, MICROSECONDS), |file, frame| file.packet(1, 0, frame));
    let path = scratch.file("file", &file.bytes);
    let spec = OpenSpec { bpf: Some("udp".into()), ..OpenSpec::new([&path]) };

    let read = read(&spec).unwrap();

    assert_eq!(read.packets.len(), 1);
    assert_eq!((read.stats.seen, read.stats.filtered, read.stats.packets), (5, 4, 1));
    assert_eq!(read.stats.bytes, read.packets[0].bytes.len() as u64);
}

#[test]
fn a_filter_is_compiled_for_each_link_type() {
    let packet = ip(17, &ports(1, 53));
    let file = Pcapng::new(Order::Little)
        .interface(ETHERNET, 0, &[])
        .interface(RAW_IP, 0, &[])
        .packet(0, 1, &ethernet(0x0800, &packet))
        .packet(1, 2, &packet)
        .packet(0, 3, &packet)
        .packet(1, 4, &ethernet(0x0800, &packet));
    let scratch = Scratch::new();
    let path = scratch.file("file", &file.bytes);

    let read =
        read(&OpenSpec { bpf: Some("dst port 53".into()), ..OpenSpec::new([&path]) }).unwrap();

    assert_eq!(read.times(), [1000, 2000]);
}

#[test]
fn a_filter_that_is_no_filter_is_refused_in_the_words_of_libpcap() {
    let scratch = Scratch::new();
    let path = scratch.file("file", &pcap_of(Order::Little, MICROSECONDS, 1));
    for expression in ["tcp port port", "nonsense here", "ip[", "host 10.0.0.", "a\0b"] {
        let spec = OpenSpec { bpf: Some(expression.into()), ..OpenSpec::new([&path]) };

        let error = open(&spec).err().unwrap();

        assert_eq!(error.kind, ErrorKind::Filter);
        assert!(error.what.contains("link type 1: "), "{error}");
        assert!(error.place.contains(expression));
    }
    let endless = "ip or ".repeat(20_000) + "ip";
    let error = open(&OpenSpec { bpf: Some(endless), ..OpenSpec::new([&path]) }).err().unwrap();
    assert!(error.what.contains("longer than"), "{error}");
}

#[test]
fn a_filter_that_fails_on_a_later_link_type_is_an_error_after_the_packets_before() {
    let file = Pcapng::new(Order::Little)
        .interface(ETHERNET, 0, &[])
        .interface(RAW_IP, 0, &[])
        .packet(0, 1, &frames()[0])
        .packet(0, 2, &frames()[0])
        .packet(1, 3, &ip(6, b""));
    let scratch = Scratch::new();
    let path = scratch.file("file", &file.bytes);
    let filter = Some("ether host 02:00:00:00:00:01".into());
    let spec = OpenSpec { bpf: filter, ..OpenSpec::new([&path, &path]) };
    let alone = OpenSpec { paths: vec![path], ..spec.clone() };
    for (spec, count) in [(alone, 2), (spec, 3)] {
        let mut source = open(&spec).unwrap();
        let mut batch = nf_capture::Batch::default();
        let mut packets = Vec::new();
        let error = loop {
            match source.fill(&mut batch) {
                Ok(fill) => assert_ne!(fill, nf_capture::Fill::End),
                Err(error) => break error,
            }
            take(&batch, &mut packets);
            batch.clear();
        };

        assert_eq!(packets.len(), count);
        assert_eq!(error.kind, ErrorKind::Filter);
        assert!(error.what.contains("link type 101: "), "{error}");
        assert_eq!(source.fill(&mut batch).unwrap(), nf_capture::Fill::End);
        assert!(matches!(source.status(), Status::EndedEarly(_)));
    }
}

//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use super::ID;
use crate::Probe;
use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};

/// The endpoint mapper's interface, version 3.0, and the usual syntax.
const MAPPER: [u8; 20] = [
    0x08, 0x83, 0xaf, 0xe1, 0x1f, 0x5d, 0xc9, 0x11, 0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa,
    3, 0, 0, 0,
];
const NDR: [u8; 20] = [
    0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60,
    2, 0, 0, 0,
];

fn pdu(kind: u8, flags: u8, call: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(16 + body.len()).unwrap().to_le_bytes();
    let mut out = vec![5, 0, kind, flags, 0x10, 0, 0, 0, length[0], length[1], 0, 0, call, 0, 0, 0];
    out.extend(body);
    out
}

fn bind() -> Vec<u8> {
    let head = [0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
    pdu(11, 3, 1, &[&head[..], &MAPPER, &NDR].concat())
}

fn bind_ack() -> Vec<u8> {
    let head = [0xb8, 0x10, 0xb8, 0x10, 1, 0, 0, 0, 4, 0, b'1', b'3', b'5', 0, 0, 0];
    pdu(12, 3, 1, &[&head[..], &[1, 0, 0, 0, 0, 0, 0, 0], &NDR].concat())
}

fn request(call: u8, flags: u8, operation: u8, stub: &[u8]) -> Vec<u8> {
    pdu(0, flags, call, &[&[4, 0, 0, 0, 0, 0, operation, 0][..], stub].concat())
}

fn response(call: u8, flags: u8, stub: &[u8]) -> Vec<u8> {
    pdu(2, flags, call, &[&[4, 0, 0, 0, 0, 0, 0, 0][..], stub].concat())
}

/// What the endpoint mapper answers: one tower of five floors.
fn tower() -> Vec<u8> {
    let mut floors = vec![5, 0];
    for (left, right) in [
        (&[0x0d, 1][..], &[0, 0][..]),
        (&[0x0d, 2], &[0, 0]),
        (&[0x0b], &[0, 0]),
        (&[0x07], &[0xc0, 0x05]),
        (&[0x09], &[192, 0, 2, 2]),
    ] {
        for part in [left, right] {
            floors.extend(u16::try_from(part.len()).unwrap().to_le_bytes());
            floors.extend(part);
        }
    }
    let length = u32::try_from(floors.len()).unwrap().to_le_bytes();
    let mut stub = vec![0; 20];
    for number in [1u32, 4, 0, 1, 3] {
        stub.extend(number.to_le_bytes());
    }
    stub.extend(length);
    stub.extend(length);
    stub.extend(floors);
    stub.extend([0; 8]);
    stub
}

fn exchange() -> [Vec<u8>; 4] {
    [bind(), bind_ack(), request(2, 3, 3, &[1, 2, 3, 4]), response(2, 3, &tower())]
}

fn in_turn(octets: &[Vec<u8>]) -> Vec<Event<'_>> {
    let event = |(n, o)| if n % 2 == 0 { Event::Up(o) } else { Event::Down(o) };
    octets.iter().map(Vec::as_slice).enumerate().map(event).collect()
}

fn heard(events: &[Event<'_>]) -> Heard {
    play(&testing::flow(Transport::Tcp, 135), events)
}

#[test]
fn a_bind_is_told_with_its_interfaces_and_a_call_with_its_operation() {
    let octets = exchange();
    let heard = heard(&in_turn(&octets));

    assert_eq!(heard.path, ["dcerpc"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let said: Vec<_> = heard.transactions.iter().map(|(_, t)| t.as_str()).collect();
    assert!(
        said[0]
            .contains(r#""request":"bind","response":"bind_ack","call_id":1,"rpc_version":"5.0""#)
    );
    assert!(said[0].contains(
        r#""name":"epmapper","uuid":"e1af8308-5d1f-11c9-91a4-08002b14a0fa","version":"3.0","ack_result":0"#
    ));
    assert!(said[0].contains(r#""endpoint":"135""#));
    assert!(said[1].contains(r#""interface":"epmapper""#));
    assert!(said[1].contains(r#""opnum":3,"operation":"ept_map""#));
    assert!(said[1].contains(r#""request_fragments":1,"request_length":4,"response_fragments":1"#));
}

#[test]
fn the_endpoint_mapper_announces_where_a_service_waits() {
    let octets = exchange();
    let heard = heard(&in_turn(&octets));

    let expected = heard.expectations.first().unwrap();
    assert_eq!((expected.port, expected.proto), (0xc005, ID));
    assert_eq!(expected.address.to_string(), "192.0.2.2");
}

#[test]
fn fragments_are_summed_up() {
    let octets = [
        bind(),
        bind_ack(),
        [request(2, 1, 2, &[0; 40]), request(2, 2, 2, &[0; 8])].concat(),
        [response(2, 1, &[0; 30]), response(2, 0, &[0; 30]), response(2, 2, &[0; 4])].concat(),
    ];
    let heard = heard(&in_turn(&octets));

    let said = &heard.transactions[1].1;
    let sums =
        r#""request_fragments":2,"request_length":48,"response_fragments":3,"response_length":64"#;
    assert!(said.contains(sums), "{said}");
}

#[test]
fn a_fault_is_told_with_its_status() {
    let fault = pdu(3, 3, 2, &[0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
    let octets = [bind(), bind_ack(), request(2, 3, 9, &[]), fault];
    let heard = heard(&in_turn(&octets));

    assert!(heard.transactions[1].1.contains(r#""response":"fault""#));
    assert!(heard.transactions[1].1.contains(r#""fault_status":5"#));
}

#[test]
fn calls_go_in_datagrams_too() {
    let datagram = |kind: u8| {
        let mut out = vec![4, kind, 0, 0, 0x10, 0, 0, 0];
        out.extend([0; 16]);
        out.extend(&MAPPER[..16]);
        out.extend([9; 16]);
        out.extend([0; 4]);
        out.extend([3, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0xff, 0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0]);
        out.extend([1, 2, 3, 4]);
        out
    };
    let (asked, told) = (datagram(0), datagram(2));
    let flow = testing::flow(Transport::Udp, 1024);

    let heard = play(&flow, &[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.path, ["dcerpc"]);
    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""call_id":7,"rpc_version":"4.0","interface":"epmapper""#), "{said}");
    assert!(said.contains(r#""opnum":2,"operation":"ept_lookup""#));
    torture(&flow, &[Event::Up(&asked), Event::Down(&told)]).unwrap();
}

#[test]
fn what_is_no_pdu_is_counted_and_left_behind() {
    let octets = exchange();
    let mut events = in_turn(&octets);
    events.insert(2, Event::Up(b"\x07garbage!garbage!garbage!"));

    let heard = heard(&events);

    assert_eq!(heard.anomalies, ["dcerpc.header_invalid"]);
    assert_eq!(heard.transactions.len(), 2);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let octets = exchange();
    torture(&testing::flow(Transport::Tcp, 135), &in_turn(&octets)).unwrap();
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = by_name("dcerpc").unwrap();
    let mut strange = bind();
    strange[60] = 0;
    let flow = testing::flow(Transport::Tcp, 40_001);
    for octets in [&b"\x05\x01\x00"[..], b"\x05\x00\x63\x03\x10\0\0\0\x20\0\0\0\0\0\0\0", &strange]
    {
        assert_ne!(testing::probe(entry, &flow, octets), Probe::Certain);
    }
    for transport in [Transport::Tcp, Transport::Udp] {
        let flow = testing::flow(transport, 135);
        let mut random = testing::Random::new(1);
        for _ in 0..2000 {
            assert_ne!(testing::probe(entry, &flow, &random.octets(300)), Probe::Certain);
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(
        input in prop::collection::vec(any::<u8>(), 0..300),
        kind in 0u8..20,
        flags in any::<u8>(),
    ) {
        let octets = pdu(kind, flags, 1, &input);
        let first = bind();
        heard(&[Event::Up(&first), Event::Up(&octets), Event::Down(&octets)]);
        fuzz_one(by_name("dcerpc").unwrap(), Transport::Tcp, 135, &input);
        fuzz_one(by_name("dcerpc").unwrap(), Transport::Udp, 135, &input);
    }
}

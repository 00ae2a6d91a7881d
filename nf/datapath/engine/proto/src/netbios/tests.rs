//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};
use crate::{NameSource, Probe};

fn name(text: &str, suffix: u8) -> Vec<u8> {
    let mut octets = text.as_bytes().to_vec();
    octets.resize(15, b' ');
    octets.push(suffix);
    let letters = octets.iter().flat_map(|o| [b'A' + (o >> 4), b'A' + (o & 15)]);
    [32].into_iter().chain(letters).chain([0]).collect()
}

fn query(id: u8, kind: u8) -> Vec<u8> {
    let head = [0, id, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0];
    [&head[..], &name("HERON", 0x20), &[0, kind, 0, 1]].concat()
}

fn answer(id: u8, flags: [u8; 2]) -> Vec<u8> {
    let head = [0, id, flags[0], flags[1], 0, 0, 0, 1, 0, 0, 0, 0];
    let content = [0, 0x20, 0, 1, 0, 0, 1, 0x2c, 0, 6, 0x60, 0, 192, 0, 2, 9];
    [&head[..], &name("HERON", 0x20), &content].concat()
}

fn heard(port: u16, events: &[Event<'_>]) -> Heard {
    play(&testing::flow(Transport::Udp, port), events)
}

fn set_up() -> Vec<u8> {
    [&[0x81, 0, 0, 68][..], &name("QUAY", 0x20), &name("HERON", 0)].concat()
}

#[test]
fn a_question_is_told_with_its_answer() {
    let (asked, told) = (query(1, 0x20), answer(1, [0x85, 0]));
    let heard = heard(137, &[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.path, ["netbios"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"service":"name","operation":"query","transaction_id":1,"name":"HERON","suffix":32,"#,
            r#""name_service":"file_server","broadcast":true,"code":0,"addresses":["192.0.2.9"],"#,
            r#""group":false,"lifetime_s":300,"response_us":1000}"#
        )
    );
}

#[test]
fn a_registration_that_is_refused_is_an_anomaly() {
    let told = answer(1, [0xad, 0x86]);
    let heard = heard(137, &[Event::Down(&told)]);

    assert_eq!(heard.anomalies, ["netbios.name_conflict"]);
    assert!(heard.transactions[0].1.contains(r#""operation":"registration""#));
}

#[test]
fn a_status_lists_names_and_hardware_address() {
    let asked = query(3, 0x21);
    let mut told = vec![0, 3, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    told.extend(name("HERON", 0x20));
    told.extend([0, 0x21, 0, 1, 0, 0, 0, 0, 0, 43, 2]);
    told.extend(b"HERON          \x00\x04\x00HARBOUR        \x00\x84\x00");
    told.extend([2, 0, 0, 0, 0, 9]);
    let heard = heard(137, &[Event::Up(&asked), Event::Down(&told)]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""operation":"status""#));
    assert!(
        said.contains(r#"{"name":"HARBOUR","suffix":0,"service":"domain","group":true}"#),
        "{said}"
    );
    assert!(said.contains(r#""mac":"02:00:00:00:00:09""#));
}

#[test]
fn a_datagram_names_both_ends() {
    let names = [name("HERON", 0), name("HARBOUR", 0x1d), b"anything".to_vec()].concat();
    let length = u8::try_from(names.len()).unwrap();
    let head = [0x11, 2, 0, 7, 192, 0, 2, 1, 0, 138, 0, length, 0, 0];
    let octets = [&head[..], &names].concat();
    let heard = heard(138, &[Event::Up(&octets)]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(
        r#""service":"datagram","operation":"group","transaction_id":7,"name":"HARBOUR""#
    ));
    assert!(said.contains(r#""source_name":"HERON""#) && said.contains(r#""length":8"#), "{said}");
}

#[test]
fn a_datagram_to_all_of_a_network_is_broadcast_and_an_error_names_nobody() {
    let names = [name("HERON", 0), name("HARBOUR", 0x1d)].concat();
    let head = [0x11, 2, 0, 7, 192, 0, 2, 1, 0, 138, 0, names.len() as u8, 0, 0];
    let octets = [&head[..], &names].concat();
    let error = [0x13, 2, 0, 7, 192, 0, 2, 1, 0, 138, 0x82];
    let to = |last| {
        let responder = std::net::Ipv4Addr::new(192, 0, 2, last).into();
        let flow = crate::Flow { responder, ..testing::flow(Transport::Udp, 138) };
        let heard = play(&flow, &[Event::Up(&octets), Event::Up(&error)]);
        heard.transactions.into_iter().map(|(_, json)| json).collect::<Vec<_>>()
    };

    assert!(to(255)[0].contains(r#""broadcast":true"#));
    assert!(to(9)[0].contains(r#""broadcast":false"#));
    assert!(to(9)[1].contains(r#""operation":"error","transaction_id":7,"broadcast""#));
}

#[test]
fn a_session_is_handed_to_smb_once_accepted() {
    let asked = set_up();
    let flow = testing::flow(Transport::Tcp, 139);
    let heard = play(&flow, &[Event::Up(&asked), Event::Down(b"\x82\0\0\0")]);

    assert_eq!(heard.path, ["netbios", "smb"]);
    assert_eq!(heard.names, [(NameSource::Host, "QUAY".to_string())]);
    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""operation":"session_request","name":"QUAY","suffix":32"#));
    assert!(said.contains(r#""source_name":"HERON","accepted":true,"response_us":1000"#), "{said}");
    torture(&flow, &[Event::Up(&asked), Event::Down(b"\x83\0\0\x01\x82")]).unwrap();
}

#[test]
fn a_session_refused_is_an_anomaly() {
    let asked = set_up();
    let flow = testing::flow(Transport::Tcp, 139);
    let heard = play(&flow, &[Event::Up(&asked), Event::Down(b"\x83\0\0\x01\x82")]);

    assert_eq!(heard.anomalies, ["netbios.session_refused"]);
    assert!(heard.transactions[0].1.contains(r#""code":130,"accepted":false"#));
}

#[test]
fn a_pointer_that_leads_nowhere_is_no_name() {
    let mut told = vec![0, 3, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xc0, 0x0c];
    told.extend([0, 0x20, 0, 1, 0, 0, 1, 0x2c, 0, 6, 0x60, 0, 192, 0, 2, 9]);
    let first = query(1, 0x20);
    let heard = heard(137, &[Event::Up(&first), Event::Down(&told)]);

    assert_eq!(heard.anomalies, ["netbios.message_invalid"]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = by_name("netbios").unwrap();
    for (transport, port) in [(Transport::Udp, 137), (Transport::Udp, 138), (Transport::Tcp, 139)] {
        let flow = testing::flow(transport, port);
        let mut random = testing::Random::new(u64::from(port));
        for _ in 0..2000 {
            assert_ne!(testing::probe(entry, &flow, &random.octets(300)), Probe::Certain);
        }
    }
    let flow = testing::flow(Transport::Udp, 53);
    let question = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    assert_eq!(testing::probe(entry, &flow, question), Probe::No);
}

#[test]
fn a_cut_datagram_does_no_harm() {
    let (asked, told) = (query(1, 0x20), answer(1, [0x85, 0]));
    let flow = testing::flow(Transport::Udp, 137);
    torture(&flow, &[Event::Up(&asked), Event::Down(&told)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        for (transport, port) in [(Transport::Udp, 137), (Transport::Udp, 138), (Transport::Tcp, 139)] {
            fuzz_one(by_name("netbios").unwrap(), transport, port, &input);
        }
    }
}

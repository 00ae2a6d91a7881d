//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::Probe;
use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};

const TLS_ASKED: &[u8] =
    b"\x03\0\0\x2c\x27\xe0\0\0\0\0\0Cookie: mstshash=keeper\r\n\x01\0\x08\0\x0b\0\0\0";

fn unit(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[3, 0][..], &length, body].concat()
}

fn confirm(kind: u8, value: u8) -> Vec<u8> {
    unit(&[14, 0xd0, 0, 0, 0x12, 0x34, 0, kind, 0, 8, 0, value, 0, 0, 0])
}

fn block(kind: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 4).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), content].concat()
}

fn wide(text: &str, length: usize) -> Vec<u8> {
    let mut octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    octets.resize(length, 0);
    octets
}

fn conference(tag: u8, key: &[u8], blocks: &[Vec<u8>]) -> Vec<u8> {
    let data = blocks.concat();
    let mut body = vec![2, 0xf0, 0x80, 0x7f, tag, 0x82, 1, 0x90, 4, 1, 1];
    body.extend(b"\x00\x05\x00\x14\x7c\x00\x01\x81\x2a\x00\x08\x00\x10\x00\x01\xc0\x00");
    body.extend(key);
    body.extend(u16::try_from(0x8000 | data.len()).unwrap().to_be_bytes());
    body.extend(data);
    unit(&body)
}

fn connect() -> Vec<u8> {
    let mut core = 0x0008_0004u32.to_le_bytes().to_vec();
    for number in [1280u16, 864, 0xca01, 0xaa03] {
        core.extend(number.to_le_bytes());
    }
    for number in [0x0409u32, 2600] {
        core.extend(number.to_le_bytes());
    }
    core.extend(wide("HERON", 32));
    for number in [4u32, 0, 12] {
        core.extend(number.to_le_bytes());
    }
    core.extend([0; 64]);
    core.extend([1, 0xca, 1, 0, 0, 0, 0, 0, 16, 0, 7, 0, 1, 0]);
    core.extend(wide("55274-640-1", 64));
    let mut channels = 2u32.to_le_bytes().to_vec();
    channels.extend(b"rdpdr\0\0\0\0\0\x80\x80cliprdr\0\0\0\xa0\xc0");
    let blocks =
        [block(0xc001, &core), block(0xc002, &[3, 0, 0, 0, 0, 0, 0, 0]), block(0xc003, &channels)];
    conference(0x65, b"Duca", &blocks)
}

fn heard(events: &[Event<'_>]) -> Heard {
    play(&testing::flow(Transport::Tcp, 3389), events)
}

#[test]
fn a_connection_turns_to_the_tls_it_negotiates() {
    let told = confirm(2, 2);
    let heard = heard(&[Event::Up(TLS_ASKED), Event::Down(&told)]);

    assert_eq!(heard.path, ["rdp", "tls"]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"cookie":"keeper","requested_protocols":["tls","credssp","credssp_ex"],"#,
            r#""selected_protocol":"credssp","result":"encrypted","response_us":1000}"#
        )
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn what_a_client_says_of_itself_is_told() {
    let asked = unit(&[6, 0xe0, 0, 0, 0, 0, 0]);
    let told = unit(&[6, 0xd0, 0, 0, 0x12, 0x34, 0]);
    let connect = connect();
    let security = block(0x0c02, &[2, 0, 0, 0, 2, 0, 0, 0]);
    let connected = conference(0x66, b"McDn", &[block(0x0c01, &[4, 0, 8, 0]), security]);
    let heard = heard(&[
        Event::Up(&asked),
        Event::Down(&told),
        Event::Up(&connect),
        Event::Down(&connected),
    ]);

    assert_eq!(heard.path, ["rdp"]);
    let said = &heard.transactions[0].1;
    for part in [
        r#""selected_protocol":"rdp","result":"success","client_version":"v5","client_build":2600"#,
        r#""client_name":"HERON","client_dig_product_id":"55274-640-1","keyboard_layout":1033"#,
        r#""desktop_width":1280,"desktop_height":864,"requested_color_depth":16"#,
        r#""client_channels":["rdpdr","cliprdr"],"client_encryption_methods":3"#,
        r#""encryption_method":2,"encryption_level":2"#,
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let told = confirm(3, 5);
    let heard = heard(&[Event::Up(TLS_ASKED), Event::Down(&told)]);

    assert_eq!(heard.anomalies, ["rdp.negotiation_failed"]);
    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""failure":"hybrid_required_by_server","result":"failed""#), "{said}");
}

#[test]
fn a_token_leads_to_a_server() {
    let line = b"\0\0\0\0\0Cookie: msts=3640205228.15629.0000\r\n";
    let length = u8::try_from(line.len() + 1).unwrap();
    let asked = unit(&[&[length, 0xe0][..], line].concat());
    let heard = heard(&[Event::Up(&asked)]);

    assert!(heard.transactions[0].1.contains(r#""routing_token":"3640205228.15629.0000""#));
}

#[test]
fn an_answer_nobody_asked_for_is_an_anomaly() {
    let asked = unit(&[14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0]);
    let told = confirm(2, 2);
    let heard = heard(&[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.anomalies, ["rdp.protocol_not_requested"]);
}

#[test]
fn tls_is_known_by_its_first_octets_where_the_answer_is_missing() {
    let heard = heard(&[Event::Up(TLS_ASKED), Event::Up(b"\x16\x03\x01\0\x05\x01\0\0\x01\0")]);

    assert_eq!(heard.path, ["rdp", "tls"]);
    assert!(heard.transactions[0].1.contains(r#""result":"encrypted""#));
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let asked = unit(&[14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0]);
    let told = confirm(2, 0);
    let connect = connect();
    let events = [Event::Up(&asked), Event::Down(&told), Event::Up(&connect)];

    torture(&testing::flow(Transport::Tcp, 3389), &events).unwrap();
}

#[test]
fn connections_of_other_protocols_are_left_to_them() {
    let entry = by_name("rdp").unwrap();
    // With addresses of service access points, as industrial protocols ask.
    let industrial = unit(&[17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2]);
    let bare = unit(&[6, 0xe0, 0, 0, 0, 0, 0]);
    let mut data = bare.clone();
    data.extend(unit(&[2, 0xf0, 0x80, 0x32, 1, 0, 0]));
    for flow in [testing::flow(Transport::Tcp, 102), testing::flow(Transport::Tcp, 3389)] {
        assert_eq!(testing::probe(entry, &flow, &industrial), Probe::No);
        assert_eq!(testing::probe(entry, &flow, &bare), Probe::Unsure);
        assert_eq!(testing::probe(entry, &flow, &data), Probe::No);
        let mut random = testing::Random::new(1);
        for _ in 0..2000 {
            assert_ne!(testing::probe(entry, &flow, &random.octets(300)), Probe::Certain);
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let octets = conference(0x65, b"Duca", std::slice::from_ref(&input));
        heard(&[Event::Up(TLS_ASKED), Event::Up(&octets), Event::Down(&octets)]);
        fuzz_one(by_name("rdp").unwrap(), Transport::Tcp, 3389, &input);
    }
}

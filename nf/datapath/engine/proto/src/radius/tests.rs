//! Sessions as the engine plays them.

use std::fs;
use std::path::Path;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;
use proptest::prelude::*;

use super::RadiusMessage;
use crate::testing::{self, Event, Event::Down, Event::Up, Heard};
use crate::{Flow, Probe, registry};

fn packet(code: u8, id: u8, attributes: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = vec![code, id, 0, 0];
    out.extend_from_slice(&[code; 16]);
    for (kind, value) in attributes {
        out.extend_from_slice(&[*kind, u8::try_from(value.len()).unwrap().saturating_add(2)]);
        out.extend_from_slice(value);
    }
    let length = (out.len() as u16).to_be_bytes();
    out[2..4].copy_from_slice(&length);
    out
}

fn login(id: u8) -> Vec<u8> {
    packet(1, id, &[(1, b"ada"), (2, &[7; 16]), (4, &[192, 0, 2, 9]), (5, &[0, 0, 0, 3])])
}

fn flow(transport: Transport) -> Flow {
    testing::flow(transport, 1812)
}

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&flow(Transport::Udp), events)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[track_caller]
fn assert_has(json: &str, parts: &[&str]) {
    for part in parts {
        assert!(json.contains(part), "{part} in {json}");
    }
}

#[test]
fn a_login_is_a_transaction_with_its_answer() {
    let heard = play(&[
        Up(&login(1)),
        Up(&login(1)),
        Down(&packet(2, 1, &[(8, &[10, 0, 0, 5]), (18, b"hello"), (27, &[0, 0, 14, 16])])),
    ]);

    assert_eq!(heard.path, ["radius"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        records(&heard),
        [concat!(
            r#"{"id":1,"request":"access_request","response":"access_accept","user_name":"ada","#,
            r#""auth":"pap","nas_ip_address":"192.0.2.9","nas_port":3,"#,
            r#""framed_ip_address":"10.0.0.5","reply_msg":"hello","session_timeout_s":3600,"#,
            r#""retransmissions":1,"response_us":2000}"#
        )]
    );
}

#[test]
fn accounting_counts_beyond_four_gigabytes() {
    let imsi: &[u8] = &[0, 0, 0x28, 0xaf, 1, 5, b'0', b'0', b'1'];
    let ask = packet(
        4,
        9,
        &[
            (1, b"ada"),
            (40, &[0, 0, 0, 2]),
            (44, b"S1"),
            (42, &[0, 0, 0, 5]),
            (52, &[0, 0, 0, 1]),
            (49, &[0, 0, 0, 1]),
            (26, imsi),
        ],
    );
    let heard = play(&[Up(&ask), Down(&packet(5, 9, &[]))]);

    assert_has(
        records(&heard)[0],
        &[
            r#""request":"accounting_request","response":"accounting_response""#,
            r#""acct_status_type":"stop","acct_session_id":"S1""#,
            r#""acct_input_bytes":4294967301"#,
            r#""imsi":"001""#,
        ],
    );
}

#[test]
fn messages_have_every_attribute_by_name_and_by_number() {
    let heard = play(&[Up(&login(1))]);

    assert_has(
        &heard.messages[0].1,
        &[
            r#"{"code":1,"id":1,"len":55,"authenticator":"01010101"#,
            r#""user_name":"ada","user_password":"0707"#,
            r#""nas_ip_address":"192.0.2.9","nas_port":3,"avp1":"616461""#,
            r#""avp5":"00000003""#,
        ],
    );
}

/// The list of MMT's attributes, where the reference files are there.
#[test]
fn ids_and_names_are_those_of_the_list() {
    let fields = RadiusMessage::fields();
    assert_eq!(fields.len(), 187);
    for (at, field) in fields.iter().enumerate() {
        assert_eq!(usize::from(field.id), at + 1, "{}", field.name);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../../shared/spec");
    let Ok(list) = fs::read_to_string(root.join("dpi-attributes.csv")) else { return };
    for line in list.lines().filter(|line| line.starts_with("288,")) {
        let columns: Vec<_> = line.split(',').collect();
        let field = fields.iter().find(|field| field.id.to_string() == columns[2]).unwrap();
        assert!(field.answers_to(columns[3]), "{line}");
    }
}

#[test]
fn an_unanswered_request_is_reported_at_the_end() {
    let heard = play(&[Up(&login(1))]);

    assert_eq!(records(&heard).len(), 1);
    assert!(!records(&heard)[0].contains("response"));
}

#[test]
fn refusals_and_responses_to_nothing_are_anomalies() {
    let heard = play(&[
        Up(&login(1)),
        Down(&packet(3, 1, &[(18, b"no")])),
        Down(&packet(5, 1, &[])),
        Up(b"\x01\x02"),
        Up(&packet(1, 2, &[(1, b"ada"), (5, b"xy")])),
        Up(&[packet(1, 3, &[(1, b"ada")]), vec![0]].concat()[..24]),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "radius.login_failed",
            "radius.unasked_response",
            "radius.malformed_packet",
            "radius.attribute_length",
            "radius.malformed_packet",
        ]
    );
}

#[test]
fn attributes_that_do_not_fill_a_packet_are_an_anomaly() {
    let mut octets = login(1);
    octets[21] = 200;
    let heard = play(&[Up(&login(7)), Up(&octets)]);

    assert_eq!(heard.anomalies, ["radius.malformed_attributes"]);
}

#[test]
fn too_many_requests_are_bounded() {
    let mut asked: Vec<Vec<u8>> = (0..=255).map(login).collect();
    let mut other = login(0);
    other[4] = 99;
    asked.push(other);
    let events: Vec<_> = asked.iter().map(|octets| Up(octets)).collect();

    let heard = play(&events);

    assert_eq!(heard.anomalies, ["radius.too_many_pending"]);
    assert_eq!(records(&heard).len(), 257);
}

#[test]
fn packets_follow_each_other_on_a_stream() {
    let (first, second) = (login(1), login(2));
    let both = [first.as_slice(), &second].concat();
    let answer = [packet(2, 2, &[(18, b"b")]), packet(2, 1, &[(18, b"a")])].concat();
    let events = [Up(&both), Down(&answer)];
    let heard = testing::play(&flow(Transport::Tcp), &events);

    assert_eq!(heard.path, ["radius"]);
    assert_has(records(&heard)[0], &[r#""id":2"#, r#""reply_msg":"b""#]);
    testing::torture(&flow(Transport::Tcp), &events).unwrap();
}

#[test]
fn nothing_depends_on_how_a_datagram_is_cut() {
    let (ask, answer) = (login(1), packet(2, 1, &[(18, b"hello")]));
    testing::torture(&flow(Transport::Udp), &[Up(&ask), Down(&answer)]).unwrap();
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(288)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Udp, port), data)
}

#[test]
fn the_probe_asks_more_of_packets_on_other_ports() {
    assert_eq!(probe(&login(1), 9999), Probe::Certain);
    assert_eq!(probe(&packet(5, 1, &[]), 1813), Probe::Certain);
    assert_eq!(probe(&packet(5, 1, &[]), 9999), Probe::No);
    assert_eq!(probe(&packet(2, 1, &[(18, b"x")]), 9999), Probe::No);
    assert_eq!(probe(&[login(1), vec![0]].concat(), 1812), Probe::No);
    assert_eq!(probe(&packet(1, 1, &[(1, b"a"), (5, b"no")]), 1812), Probe::No);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n\r\n", 1812), Probe::No);
}

#[test]
fn random_octets_are_not_radius() {
    let mut random = testing::Random::new(288);
    for _ in 0..20_000 {
        let mut octets = random.octets(100);
        assert_ne!(probe(&octets, 1812), Probe::Certain);
        // Even with a head that is right.
        if octets.len() > 21 {
            let length = (octets.len() as u16).to_be_bytes();
            octets[0] = 1;
            octets[2..4].copy_from_slice(&length);
            assert_ne!(probe(&octets, 9999), Probe::Certain);
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(288)).unwrap(), Transport::Udp, 1812, &input);
        testing::fuzz_one(registry::by_id(ProtoId(288)).unwrap(), Transport::Tcp, 1812, &input);
    }

    #[test]
    fn no_damaged_packet_makes_it_panic(at in 0usize..60, value: u8) {
        let mut octets = login(1);
        if let Some(octet) = octets.get_mut(at) {
            *octet = value;
        }
        play(&[Up(&octets), Down(&octets)]);
    }
}

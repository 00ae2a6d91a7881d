//! Kafka as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built messages are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn framed(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

fn request(key: u16, version: u16, correlation: u32, body: &[u8]) -> Vec<u8> {
    let numbers = [key.to_be_bytes(), version.to_be_bytes()].concat();
    framed(&[&numbers[..], &correlation.to_be_bytes(), b"\0\x06ledger", body].concat())
}

fn response(correlation: u32, body: &[u8]) -> Vec<u8> {
    framed(&[&correlation.to_be_bytes()[..], body].concat())
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 9092)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

/// ApiVersions of version 3: tags, software and its version, tags.
fn versions() -> Vec<u8> {
    request(18, 3, 1, b"\0\x04lib\x042.1\0")
}

#[test]
fn a_request_and_its_response_make_a_transaction_on_any_port() {
    let heard = play(
        &flow(Transport::Tcp, 9),
        &[Event::Up(&versions()), Event::Down(&response(1, b"\0\0\x01\0\0\0\0\0"))],
    );

    assert_eq!(heard.path, ["kafka"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"api_key":18,"api":"ApiVersions","api_version":3,"correlation_id":1,"#,
            r#""client_id":"ledger","client_software":"lib","client_version":"2.1","#,
            r#""password_seen":false,"error_code":0,"error":"NONE","request_length":26,"#,
            r#""response_length":12,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn topics_and_groups_are_told() {
    let produce = b"\xff\xff\0\x01\0\0\x75\x30\0\0\0\x01\0\x04tide\0\0\0\x01\0\0\0\0\0\0\0\0";
    let failed = b"\0\0\0\x01\0\x04tide\0\0\0\x01\0\0\0\0\0\x06";
    let heard = play(
        &on_port(),
        &[
            Event::Up(&[request(0, 7, 5, produce), request(11, 5, 6, b"\0\x05crews\0\0")].concat()),
            Event::Down(&response(6, b"\0\0\0\0\0\x4f")),
            Event::Down(&response(5, failed)),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""group_id":"crews""#));
    assert!(said[0].contains(r#""error_code":79,"error":"MEMBER_ID_REQUIRED""#));
    assert!(said[1].contains(r#""topics":["tide"],"acks":1"#));
    assert!(said[1].contains(r#""error_code":6,"error":"NOT_LEADER_OR_FOLLOWER""#));
}

#[test]
fn what_asks_for_no_answer_is_reported_at_once() {
    let produce = b"\xff\xff\0\0\0\0\x75\x30\0\0\0\x01\0\x04tide\0\0\0\0";
    let heard = play(&on_port(), &[Event::Up(&request(0, 7, 5, produce))]);

    assert!(transactions(&heard)[0].contains(r#""acks":0"#));
}

#[test]
fn logins_in_clear_are_noted_and_not_kept() {
    let proof = b"\0\0\0\x0f\0keeper\0lantern";
    let heard = play(
        &on_port(),
        &[
            Event::Up(&request(17, 1, 2, b"\0\x05PLAIN")),
            Event::Down(&response(2, b"\0\0\0\0\0\0")),
            Event::Up(&request(36, 0, 3, proof)),
            Event::Down(&response(3, b"\0\x3a\xff\xff\0\0\0\0")),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""auth_mechanism":"PLAIN","password_seen":false"#));
    assert!(said[1].contains(r#""password_seen":true,"error_code":58"#));
    assert!(!format!("{heard:?}").contains("lantern"));

    let old = play(
        &on_port(),
        &[Event::Up(&request(17, 0, 2, b"\0\x05PLAIN")), Event::Up(&framed(b"\0keeper\0lantern"))],
    );
    assert!(transactions(&old)[0].contains(r#""password_seen":true"#));
    assert_eq!(old.anomalies, [""; 0]);
}

#[test]
fn what_is_wrong_is_counted() {
    let first = versions();
    let strange = request(300, 0, 9, b"");
    let stray = response(99, b"\0\0");
    let many: Vec<u8> = (0..65).flat_map(|n| request(3, 1, n, b"\0\0\0\0")).collect();
    for (event, anomaly) in [
        (Event::Up(&[0xff; 8]), "malformed_length"),
        (Event::Up(b"\0\0\0\x05\0\x03\0\0\0"), "malformed_request"),
        (Event::Up(&strange), "unknown_request"),
        (Event::Down(&stray), "unasked_response"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&first), event]);
        assert_eq!(heard.anomalies, [format!("kafka.{anomaly}")]);
    }
    assert_eq!(play(&on_port(), &[Event::Up(&many)]).anomalies, ["kafka.too_many_pending"]);
}

#[test]
fn long_messages_are_passed_over_and_losses_overcome() {
    let produce =
        [&b"\xff\xff\xff\xff\0\0\x75\x30\0\0\0\x01\0\x04tide\0\0\0\x01"[..], &[7; 50_000]].concat();
    let (long, next) = (request(0, 7, 5, &produce), request(3, 1, 6, b"\0\0\0\0"));
    let mut events: Vec<_> = long.chunks(1400).take(20).map(Event::Up).collect();
    events.push(Event::LostUp((long.len() - 20 * 1400) as u64));
    let answer = response(5, b"\0\0\0\0");
    events.extend([Event::Down(&answer), Event::LostUp(9), Event::Up(b"middle"), Event::Up(&next)]);
    let heard = play(&on_port(), &events);
    let said = transactions(&heard);

    assert!(said[0].contains(r#""topics":["tide"]"#) && said[0].contains("response_us"));
    assert!(said[1].contains(r#""api":"Metadata""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    torture(
        &on_port(),
        &[
            Event::Up(&[versions(), request(3, 1, 2, b"\0\0\0\x01\0\x04tide")].concat()),
            Event::Down(&[response(1, b"\0\0\x01"), response(2, b"\0\0\0\0")].concat()),
        ],
    )
    .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_at_once() {
    let heard = play_wanting(&on_port(), &[Event::Up(&versions())], Wants::default());

    assert_eq!(heard.path, ["kafka"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("kafka").unwrap();
    for data in [&b"\0\0\0\x08\0\x03\0\0"[..], b"\0\0\0\x08\x04\xd2\x16\x2f", b"GET / HTTP/1.1\r\n"]
    {
        assert_ne!(testing::probe(entry, &on_port(), data), Probe::Certain, "{data:?}");
    }
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = [random.octets(60), random.octets(60)].concat();
        if data.len() < 16 {
            continue;
        }
        // Those that come to the probe, with a length that fits.
        let length = u8::try_from(data.len() - 4).unwrap();
        data[..4].copy_from_slice(&[0, 0, 0, length]);
        data[4..6].copy_from_slice(&[0, [0, 1, 3, 18][n as usize % 4]]);
        let said = testing::probe(entry, &flow(Transport::Tcp, 9), &data);
        assert_ne!(said, Probe::Certain, "{data:x?}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("kafka").unwrap(), Transport::Tcp, 9092, &input);
    }
}

//! IKE as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Flow, Probe, registry};

const INITIATOR: [u8; 8] = [0xa1; 8];
const RESPONDER: [u8; 8] = [0xb2; 8];

/// A message; payloads are their number and octets.
fn message(
    responder: [u8; 8],
    version: u8,
    exchange: u8,
    flags: u8,
    id: u32,
    payloads: &[(u8, Vec<u8>)],
) -> Vec<u8> {
    let mut body = Vec::new();
    for (at, (_, octets)) in payloads.iter().enumerate() {
        let next = payloads.get(at.saturating_add(1)).map_or(0, |p| p.0);
        body.extend_from_slice(&[next, 0]);
        body.extend_from_slice(&(octets.len().saturating_add(4) as u16).to_be_bytes());
        body.extend_from_slice(octets);
    }
    let length = body.len().saturating_add(28) as u32;
    [
        &INITIATOR[..],
        &responder,
        &[payloads.first().map_or(0, |p| p.0), version, exchange, flags],
        &id.to_be_bytes(),
        &length.to_be_bytes(),
        &body,
    ]
    .concat()
}

/// A proposal of version 2: AES-CBC 256, SHA-256 twice, the group given.
fn association2(group: u8) -> Vec<u8> {
    let transforms: [&[u8]; 4] = [
        &[3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0],
        &[3, 0, 0, 8, 2, 0, 0, 5],
        &[3, 0, 0, 8, 3, 0, 0, 12],
        &[0, 0, 0, 8, 4, 0, 0, group],
    ];
    [&[0, 0, 0, 44, 1, 1, 0, 4][..], &transforms.concat()].concat()
}

fn initiation() -> Vec<u8> {
    let notify = vec![0, 0, 0x40, 0x04, 1, 2, 3, 4];
    let vendor = vec![
        0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2,
        0xd3,
    ];
    let payloads =
        [(33, association2(14)), (34, vec![0; 20]), (41, notify), (43, vendor), (43, vec![0xab])];
    message([0; 8], 0x20, 34, 8, 0, &payloads)
}

fn response() -> Vec<u8> {
    message(RESPONDER, 0x20, 34, 0x20, 0, &[(33, association2(14)), (34, vec![0; 20])])
}

fn on_port() -> Flow {
    flow(Transport::Udp, 500)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn an_exchange_of_version_two_tells_what_was_agreed() {
    let (ask, answer) = (initiation(), response());
    let events = [Event::Up(&ask), Event::Down(&answer)];
    for port in [500, 9500] {
        let heard = play(&flow(Transport::Udp, port), &events);

        assert_eq!(heard.path, ["isakmp"]);
        assert_eq!(
            transactions(&heard),
            [concat!(
                r#"{"version":2,"exchange":"ike_sa_init","initiator_spi":"a1a1a1a1a1a1a1a1","#,
                r#""responder_spi":"b2b2b2b2b2b2b2b2","message_id":0,"#,
                r#""offered":["aes_cbc_256/hmac_sha2_256_128/prf_hmac_sha2_256/modp2048"],"#,
                r#""alg_enc":"aes_cbc_256","alg_auth":"hmac_sha2_256_128","#,
                r#""alg_prf":"prf_hmac_sha2_256","alg_dh":"modp2048","#,
                r#""vendors":["fragmentation","ab"],"#,
                r#""notifications":["nat_detection_source_ip"],"encrypted":false,"#,
                r#""nat_traversal":false,"requests":1,"responses":1,"response_us":1000}"#
            )]
        );
        assert_eq!(heard.anomalies, [""; 0]);
    }
    torture(&on_port(), &events).unwrap();
}

#[test]
fn past_a_translator_messages_have_a_marker() {
    let ask = message(RESPONDER, 0x20, 35, 8, 1, &[(46, vec![0x77; 40])]);
    let answer = message(RESPONDER, 0x20, 35, 0x20, 1, &[(46, vec![0x77; 40])]);
    let marked = |m: &[u8]| [&[0; 4][..], m].concat();
    let (ask, answer) = (marked(&ask), marked(&answer));
    let esp = [0x11; 60];
    let events = [Event::Up(&[0xff]), Event::Up(&ask), Event::Down(&answer), Event::Up(&esp)];
    let heard = play(&flow(Transport::Udp, 4500), &events);

    assert_eq!(heard.path, ["isakmp"]);
    let [record] = transactions(&heard)[..] else { panic!("{heard:?}") };
    assert!(record.contains(r#""exchange":"ike_auth""#));
    assert!(record.contains(r#""encrypted":true,"nat_traversal":true"#));
    assert_eq!(heard.messages[0].1, r#"{"kind":"keepalive"}"#);
    assert_eq!(heard.messages[3].1, r#"{"kind":"esp"}"#);
}

#[test]
fn version_one_has_six_messages() {
    // One transform: AES-CBC 128, SHA-1, shared key, group 2.
    let transform = [0, 0, 0, 28, 1, 1, 0, 0].to_vec();
    let attributes = [0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 2];
    let inner = [transform, attributes.to_vec()].concat();
    let proposal = [&[0, 0, 0, 36, 1, 1, 0, 1][..], &inner].concat();
    let association = [&[0, 0, 0, 1, 0, 0, 0, 1][..], &proposal].concat();
    let first = message([0; 8], 0x10, 2, 0, 0, &[(1, association.clone())]);
    let second = message(RESPONDER, 0x10, 2, 0, 0, &[(1, association)]);
    let third = message(RESPONDER, 0x10, 2, 0, 0, &[(4, vec![1; 16]), (10, vec![2; 16])]);
    let mut last = message(RESPONDER, 0x10, 2, 1, 0, &[(5, vec![0x99; 32])]);
    last.truncate(28 + 32);
    last[27] = 60;
    let events = [
        Event::Up(&first),
        Event::Down(&second),
        Event::Up(&third),
        Event::Down(&third),
        Event::Up(&last),
        Event::Down(&last),
    ];
    let heard = play(&on_port(), &events);

    let [record] = transactions(&heard)[..] else { panic!("{heard:?}") };
    assert!(record.contains(r#""exchange":"identity_protection""#));
    assert!(record.contains(r#""offered":["aes_cbc_128/sha1/modp1024"]"#), "{record}");
    assert!(record.contains(r#""alg_dh":"modp1024""#));
    assert!(record.contains(r#""encrypted":true"#));
    assert!(record.contains(r#""requests":3,"responses":3"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn flaws_are_counted() {
    let mut broken = initiation();
    broken[31] = 200;
    for (bytes, anomaly) in [
        (broken, "malformed_payload"),
        (vec![7; 40], "malformed_message"),
        (message(RESPONDER, 0x20, 37, 0x20, 9, &[(46, vec![0; 9])]), "unasked_response"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&initiation()), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("isakmp.{anomaly}")]);
    }
}

#[test]
fn only_so_many_exchanges_go_on() {
    let asked: Vec<_> =
        (1..=20).map(|n| message(RESPONDER, 0x20, 37, 8, n, &[(46, vec![0; 9])])).collect();
    let events: Vec<_> = asked.iter().map(|a| Event::Up(a)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["isakmp.too_many_exchanges"; 4]);
    assert_eq!(heard.transactions.len(), 20);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("ike").unwrap();
    let mut random = Random::new(11);
    for port in [500, 4500, 9999] {
        for _ in 0..20_000 {
            let mut data = random.octets(90);
            if data.len() > 18 {
                data[17] = 0x20;
                data[18] = 34;
            }
            let said = testing::probe(entry, &flow(Transport::Udp, port), &data);
            assert_ne!(said, Probe::Certain, "{data:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("ike").unwrap(), Transport::Udp, 500, &input);
    }

    #[test]
    fn no_associations_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for (version, kind, exchange) in [(0x20, 33, 34), (0x10, 1, 2)] {
            let ask = message([0; 8], version, exchange, 0, 0, &[(kind, body.clone())]);
            play(&on_port(), &[Event::Up(&ask), Event::Down(&ask)]);
        }
    }
}

//! CoAP as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built messages are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, NameSource, Probe, Wants, registry};

/// A confirmable GET of /harbour/tide.
const GET: &[u8] = b"\x42\x01\x12\x34ab\xb7harbour\x04tide";
/// Its content, with the acknowledgement.
const CONTENT: &[u8] = b"\x62\x45\x12\x34ab\xc0\xfflow";

fn on_port() -> Flow {
    flow(Transport::Udp, 5683)
}

fn over_tcp() -> Flow {
    flow(Transport::Tcp, 5683)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_request_and_its_response_make_a_transaction() {
    let heard = play(&on_port(), &[Event::Up(GET), Event::Down(CONTENT)]);

    assert_eq!(heard.path, ["coap"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"kind":"request","from_initiator":true,"type":"con","method":"GET","#,
            r#""message_id":4660,"token":"6162","uri_path":"/harbour/tide","code":"2.05","#,
            r#""content_format":0,"request_length":0,"response_length":3,"retransmissions":0,"#,
            r#""separate":false,"response_us":1000,"complete":true}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn host_query_and_format_are_told() {
    let post = b"\x40\x02\0\x01\x39a.example\x84path\x11\x28\x33u=m\x04v=kn\x21\x32\xff{}";
    let made = b"\x60\x41\0\x01\x83new\x011";
    let heard = play(&on_port(), &[Event::Up(post), Event::Down(made)]);
    let said = transactions(&heard);

    assert!(
        said[0].contains(r#""uri_host":"a.example","uri_path":"/path","uri_query":"u=m&v=kn""#)
    );
    assert!(said[0].contains(r#""accept":50,"request_format":40,"code":"2.01""#), "{}", said[0]);
    assert!(said[0].contains(r#""location_path":"/new/1""#));
    assert_eq!(heard.names, [(NameSource::Host, "a.example".into())]);
}

#[test]
fn a_response_may_come_behind_its_acknowledgement() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(GET),
            Event::Up(GET),
            Event::Down(b"\x60\x00\x12\x34"),
            Event::Down(b"\x42\x45\x56\x78ab\xfflow"),
            Event::Down(b"\x42\x45\x56\x78ab\xfflow"),
            Event::Up(b"\x60\x00\x56\x78"),
        ],
    );

    assert_eq!(heard.transactions.len(), 1);
    assert!(transactions(&heard)[0].contains(r#""retransmissions":1,"separate":true"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn an_observation_brings_notifications() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(b"\x42\x01\x12\x34ab\x60\x57harbour\x04tide"),
            Event::Down(b"\x62\x45\x12\x34ab\x61\x05\xfflow"),
            Event::Down(b"\x52\x45\0\x09ab\x61\x06\xffhigh"),
            Event::Down(b"\x42\x45\0\x0aab\x61\x07\xffhigh"),
            Event::Up(b"\x60\0\0\x0a"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""observe":5"#));
    assert!(said[1].contains(r#""kind":"notification","from_initiator":false,"type":"non""#));
    assert!(said[1].contains(r#""uri_path":"/harbour/tide","observe":6"#));
    assert!(said[2].contains(r#""observe":7"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn blocks_are_exchanges_of_their_own() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(b"\x40\x01\0\x01\xb6ledger\xc1\x16"),
            Event::Down(b"\x60\x45\0\x01\xd1\x0a\x1e\xffxxxx"),
        ],
    );
    assert!(
        transactions(&heard)[0].contains(r#""block2":{"number":1,"more":true,"size":1024}"#),
        "{heard:?}"
    );
}

#[test]
fn pings_and_resets_are_told() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(b"\x40\0\0\x07"),
            Event::Down(b"\x70\0\0\x07"),
            Event::Up(GET),
            Event::Down(b"\x70\0\x12\x34"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""kind":"ping""#) && said[0].contains(r#""complete":true"#));
    assert!(said[1].contains(r#""reset":true"#) && said[1].contains(r#""complete":false"#));
}

#[test]
fn streams_begin_with_their_capabilities() {
    let heard = play(
        &over_tcp(),
        &[
            Event::Up(b"\x30\xe1\x22\x04\x80\xd2\x00\x01ab\xb7harbour\x04tid"),
            Event::Up(b"e"),
            Event::Down(b"\x30\xe1\x22\x04\x80\x42\x45ab\xfflow"),
            Event::Up(b"\x01\xe2x"),
            Event::Down(b"\x01\xe3x"),
            Event::Up(b"\x00\xe4"),
        ],
    );
    let said = transactions(&heard);

    assert_eq!(heard.path, ["coap"]);
    assert!(said[0].contains(r#""kind":"signal","from_initiator":true,"method":"CSM""#));
    assert!(said[2].contains(r#""uri_path":"/harbour/tide","code":"2.05""#), "{said:?}");
    assert!(said[3].contains(r#""kind":"ping""#) && said[3].contains(r#""complete":true"#));
    assert!(said[4].contains(r#""method":"Release""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn each_message_is_told() {
    let heard = play(&on_port(), &[Event::Up(GET), Event::Down(CONTENT)]);

    assert_eq!(
        heard.messages[0].1,
        concat!(
            r#"{"type":"con","code":"0.01","method":"GET","message_id":4660,"token":"6162","#,
            r#""uri_path":"/harbour/tide","payload_length":0}"#
        )
    );
}

#[test]
fn what_is_wrong_is_counted() {
    for (octets, anomaly) in [
        (Event::Down(b"\x80\0\0\0"), "malformed"),
        (Event::Down(b"\x60\x45\0\x01\xff"), "malformed_options"),
        (Event::Up(b"\x40\x1f\0\x01"), "unknown_code"),
        (Event::Down(b"\x60\x45\0\x09\xffx"), "unasked"),
        (Event::Down(b"\x60\0\0\x09"), "unasked"),
    ] {
        let heard = play(&on_port(), &[Event::Up(GET), octets]);
        assert_eq!(heard.anomalies, [format!("coap.{anomaly}")]);
    }
    let many: Vec<_> = (0..66u16)
        .map(|n| {
            [&[0x42, 1][..], &n.to_be_bytes(), &n.to_be_bytes(), b"\xb7harbour\x04tide"].concat()
        })
        .collect();
    let events: Vec<_> = many.iter().map(|m| Event::Up(m)).collect();
    assert_eq!(play(&on_port(), &events).anomalies, ["coap.too_many_pending"; 2]);
}

#[test]
fn a_long_path_is_known_on_any_port() {
    let get = b"\x41\x01\x12\x34a\xb7sensors\x0btemperature\x06inside";
    assert_eq!(play(&flow(Transport::Udp, 9), &[Event::Up(get)]).path, ["coap"]);
}

#[test]
fn streams_go_on_after_a_loss() {
    let heard = play(
        &over_tcp(),
        &[
            Event::Up(b"\x30\xe1\x22\x04\x80\xd2\x00\x01ab\xb7harbour\x04tide"),
            Event::LostUp(50),
            Event::Up(b"middle of a payload"),
            Event::Up(b"\xd2\x00\x01cd\xb7harbour\x04tide"),
            Event::Down(b"\x42\x45cd\xfflow"),
        ],
    );

    assert!(transactions(&heard)[1].contains(r#""token":"6364""#), "{heard:?}");
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_a_stream_was_cut() {
    torture(
        &over_tcp(),
        &[
            Event::Up(b"\x30\xe1\x22\x04\x80\xd2\x00\x01ab\xb7harbour\x04tide"),
            Event::Down(b"\x30\xe1\x22\x04\x80\x42\x45ab\xfflow"),
        ],
    )
    .unwrap();
    torture(&on_port(), &[Event::Up(GET), Event::Down(CONTENT)]).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_at_once() {
    let heard = play_wanting(&on_port(), &[Event::Up(GET), Event::Down(CONTENT)], Wants::default());

    assert_eq!(heard.path, ["coap"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("coap").unwrap();
    for data in
        [&b"\x40\x01\0\x01"[..], b"GET / HTTP/1.1\r\n", b"\x49\x01\0\0", b"\x60\x01\0\x01\xb4tide"]
    {
        assert_ne!(testing::probe(entry, &flow(Transport::Udp, 9), data), Probe::Certain);
    }
    let mut random = Random::new(1);
    let mut certain = 0;
    for n in 0..200_000u32 {
        let mut data = random.octets(100);
        data[0] = [0x40, 0x42, 0x52, 0x64, 0x68, 0x70][n as usize % 6];
        for port in [5683, 9] {
            let said = testing::probe(entry, &flow(Transport::Udp, port), &data);
            certain += u32::from(said == Probe::Certain);
        }
        let said = testing::probe(entry, &over_tcp(), &data);
        certain += u32::from(said == Probe::Certain);
    }
    // One in 40 random datagrams begins so: this is one in two millions of them, on the port.
    assert!(certain <= 4, "{certain}");
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("coap").unwrap(), Transport::Udp, 5683, &input);
        fuzz_one(registry::by_name("coap").unwrap(), Transport::Tcp, 5683, &input);
    }
}

//! WebSocket as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built frames are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

const ASK: &[u8] = b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n";
const ACCEPT: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
    Upgrade: WebSocket\r\n\r\n";
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

fn server(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => out.push(short),
        _ => {
            out.push(126);
            out.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out
}

fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = server(first, payload);
    let head = out.len() - payload.len();
    out[1] |= 0x80;
    let masked: Vec<_> = payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b).collect();
    out.truncate(head);
    out.extend_from_slice(&MASK);
    out.extend_from_slice(&masked);
    out
}

fn web() -> Flow {
    flow(Transport::Tcp, 8080)
}

/// What is said behind the upgrade.
fn talk(events: &[Event<'_>]) -> Heard {
    let begin = [Event::Up(ASK), Event::Down(ACCEPT)];
    play(&web(), &begin.into_iter().chain(events.iter().cloned()).collect::<Vec<_>>())
}

/// The records of WebSocket.
fn transactions(heard: &Heard) -> Vec<&str> {
    let own = heard.transactions.iter().filter(|(name, _)| name == "websocket");
    own.map(|(_, t)| t.as_str()).collect()
}

#[test]
fn http_hands_over_and_messages_are_reported() {
    let heard =
        talk(&[Event::Up(&client(0x81, b"ship ahoy")), Event::Down(&server(0x82, &[1, 2]))]);

    assert_eq!(heard.path, ["http", "websocket"]);
    assert_eq!(
        transactions(&heard),
        [
            concat!(
                r#"{"opcode":"text","from_initiator":true,"mask":true,"compressed":false,"#,
                r#""frames":1,"length":9,"text":"ship ahoy","complete":true}"#
            ),
            concat!(
                r#"{"opcode":"binary","from_initiator":false,"mask":false,"compressed":false,"#,
                r#""frames":1,"length":2,"payload":"0102","complete":true}"#
            ),
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn fragments_make_one_message_and_control_frames_may_stand_between() {
    let heard = talk(&[
        Event::Up(&client(0x01, b"one ")),
        Event::Up(&client(0x89, b"p")),
        Event::Down(&server(0x8a, b"p")),
        Event::Up(&client(0x00, b"two ")),
        Event::Up(&client(0x80, b"three")),
    ]);
    let said = transactions(&heard);

    assert!(said[0].contains(r#""opcode":"ping""#) && said[0].contains(r#""response_us":1000"#));
    assert!(said[1].contains(r#""frames":3,"length":13,"text":"one two three""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_close_is_reported_with_its_answer() {
    let heard = talk(&[
        Event::Down(&server(0x88, b"\x03\xe9going")),
        Event::Up(&client(0x88, b"\x03\xe9")),
    ]);
    assert!(transactions(&heard)[0].contains(
        r#""close_code":1001,"close_reason":"going","answer_code":1001,"response_us":1000"#
    ));

    let alone = talk(&[Event::Up(&client(0x88, b""))]);
    assert!(transactions(&alone)[0].contains(r#""complete":false"#));
}

#[test]
fn a_pong_nobody_asked_for_and_a_ping_without_pong_are_reported() {
    let heard = talk(&[Event::Up(&client(0x8a, b"")), Event::Up(&client(0x89, b"x"))]);
    let said = transactions(&heard);

    assert!(said[0].contains(r#""opcode":"pong""#) && said[0].contains(r#""complete":true"#));
    assert!(said[1].contains(r#""opcode":"ping""#) && said[1].contains(r#""complete":false"#));
}

#[test]
fn compressed_messages_are_noted_and_not_shown() {
    let heard = talk(&[Event::Up(&client(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\0"))]);

    let said = transactions(&heard);
    assert!(said[0].contains(r#""compressed":true,"frames":1,"length":7,"complete":true"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_long_message_is_counted_and_its_beginning_kept() {
    let long = server(0x81, &vec![b'x'; 60_000]);
    let pieces: Vec<_> = long.chunks(1400).map(Event::Down).collect();
    let heard = talk(&pieces);

    let said = transactions(&heard);
    assert!(said[0].contains(r#""length":60000"#) && said[0].len() < 1300);
}

#[test]
fn mqtt_inside_is_named() {
    let connect = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01a";
    let heard = talk(&[Event::Up(&client(0x82, connect))]);

    assert_eq!(heard.path, ["http", "websocket", "mqtt"]);
}

#[test]
fn what_is_wrong_is_counted() {
    let up = |first, payload: &[u8]| Event::Up(client(first, payload).leak());
    let down = |first, payload: &[u8]| Event::Down(server(first, payload).leak());
    let cases = [
        (vec![up(0xa1, b"x")], "reserved_bits"),
        (vec![up(0xc9, b"x")], "reserved_bits"),
        (vec![up(0x83, b"x")], "reserved_opcode"),
        (vec![up(0x09, b"x")], "control_fragmented"),
        (vec![up(0x89, &[0; 126])], "control_too_long"),
        (vec![up(0x80, b"x")], "continuation_unexpected"),
        (vec![up(0x01, b"x"), up(0x81, b"y")], "continuation_missing"),
        (vec![up(0x81, b"x"), Event::Up(b"\x81\x01x")], "mask_missing"),
        (vec![up(0x81, b"x"), Event::Down(b"\x81\x81\0\0\0\0x")], "mask_unexpected"),
        (vec![Event::Down(b"\x81\x7e\0\x01x")], "length_invalid"),
        (vec![Event::Down(b"\x82\x7f\xff\0\0\0\0\0\0\0")], "length_invalid"),
        (vec![down(0x88, b"\x03")], "close_invalid"),
        (vec![down(0x88, b"\x03\xed")], "close_invalid"),
        (vec![down(0x81, b"\xff")], "text_invalid"),
        (vec![down(0x88, b""), down(0x81, b"x")], "data_after_close"),
    ];
    for (events, anomaly) in cases {
        assert_eq!(talk(&events).anomalies, [format!("websocket.{anomaly}")], "{events:?}");
    }
}

#[test]
fn loss_within_a_message_leaves_the_next_one_whole() {
    let long = server(0x82, &[7; 100]);
    let heard = talk(&[
        Event::Down(&long[..30]),
        Event::LostDown(40),
        Event::Down(&long[70..]),
        Event::Down(&server(0x81, b"after")),
        Event::LostDown(999),
        Event::Down(b"middle of a frame"),
        Event::Down(&server(0x81, b"again")),
    ]);
    let said = transactions(&heard);

    assert!(said[0].contains(r#""complete":false"#));
    assert!(said[1].contains(r#""text":"after","complete":true"#));
    assert!(said[2].contains(r#""text":"again","complete":true"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_connection_that_began_earlier_is_known_by_its_text() {
    for events in [
        [Event::Up(&client(0x81, b"{\"tide\": \"low\"}"))],
        [Event::Down(&server(0x81, b"{\"tide\": \"low\"}"))],
    ] {
        assert_eq!(play(&web(), &events).path, ["websocket"]);
    }
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let one = [client(0x01, b"one "), client(0x89, b"p"), client(0x80, b"two")].concat();
    let two = [server(0x8a, b"p"), server(0x81, &[b'x'; 130]), server(0x88, b"\x03\xe8")].concat();
    let close = client(0x88, b"\x03\xe8");
    let events = [
        Event::Up(ASK),
        Event::Down(ACCEPT),
        Event::Up(&one),
        Event::Down(&two),
        Event::Up(&close),
    ];
    torture(&web(), &events).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_message() {
    let text = client(0x81, b"ship ahoy");
    let events = [Event::Up(ASK), Event::Down(ACCEPT), Event::Up(&text)];
    let heard = play_wanting(&web(), &events, Wants::default());

    assert_eq!(heard.path, ["http", "websocket"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("websocket").unwrap();
    let session_request = b"\x81\0\0\x44 CKFDENECFDEFFCFGEFFCCACACACACACA\0 CACACACACACACACA\0";
    assert_eq!(testing::probe(entry, &web(), session_request), Probe::No);
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = random.octets(120);
        data[0] = [0x81, 0x82, 0x89, 0x8a][n as usize % 4];
        assert_ne!(testing::probe(entry, &web(), &data), Probe::Certain, "{data:x?}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("websocket").unwrap(), Transport::Tcp, 8080, &input);
    }
}

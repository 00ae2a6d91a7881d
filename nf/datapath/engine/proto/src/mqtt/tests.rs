//! MQTT as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut length = body.len();
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        out.push(u8::try_from(length & 0x7f).unwrap() | more);
        length >>= 7;
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(body);
    out
}

fn text(octets: &[u8]) -> Vec<u8> {
    [&u16::try_from(octets.len()).unwrap().to_be_bytes(), octets].concat()
}

fn connect(version: u8) -> Vec<u8> {
    let properties: &[u8] = if version == 5 { b"\x03\x21\0\x14" } else { b"" };
    let body = [
        &text(b"MQTT"),
        &[version, 0xc2, 0, 60][..],
        properties,
        &text(b"gauge"),
        &text(b"keeper"),
        &text(b"lantern"),
    ];
    packet(0x10, &body.concat())
}

fn publish(qos: u8, id: u16, topic: &[u8], rest: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let id: &[u8] = if qos > 0 { &id } else { b"" };
    packet(0x30 | qos << 1, &[&text(topic), id, rest].concat())
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 1883)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_connection_is_reported_without_its_password() {
    let heard = play(
        &flow(Transport::Tcp, 9),
        &[Event::Up(&connect(4)), Event::Down(b"\x20\x02\x01\x00"), Event::Up(b"\xe0\x00")],
    );

    assert_eq!(heard.path, ["mqtt"]);
    assert_eq!(
        transactions(&heard),
        [
            concat!(
                r#"{"kind":"connect","from_initiator":true,"dup":false,"qos":0,"retain":false,"#,
                r#""protocol_string":"MQTT","protocol_version":4,"client_id":"gauge","#,
                r#""username":"keeper","password_seen":true,"clean_session":true,"#,
                r#""keep_alive_s":60,"session_present":true,"reason_code":0,"reason":"success","#,
                r#""response_us":1000,"complete":true}"#
            ),
            concat!(
                r#"{"kind":"disconnect","from_initiator":true,"dup":false,"qos":0,"#,
                r#""retain":false,"complete":true}"#
            ),
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn each_quality_ends_with_its_own_acknowledgement() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&connect(4)),
            Event::Down(b"\x20\x02\x00\x00"),
            Event::Up(&publish(0, 0, b"a/b", b"zero")),
            Event::Up(&publish(1, 7, b"a/b", b"one")),
            Event::Down(b"\x40\x02\x00\x07"),
            Event::Up(&publish(2, 8, b"a/b", b"two")),
            Event::Down(b"\x50\x02\x00\x08"),
            Event::Up(b"\x62\x02\x00\x08"),
            Event::Down(b"\x70\x02\x00\x08"),
        ],
    );
    let said = transactions(&heard);

    assert_eq!(said.len(), 4);
    assert!(
        said[1].contains(r#""topic":"a/b","message":"zero","message_length":4,"complete":true"#)
    );
    assert!(said[2].contains(r#""message_id":7"#) && said[2].contains(r#""response_us":1000"#));
    assert!(said[3].contains(r#""message_id":8"#) && said[3].contains(r#""response_us":3000"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn subscriptions_are_reported_with_what_was_granted() {
    let filters = [&[0, 9][..], &text(b"a/#"), &[1], &text(b"b/+"), &[2]].concat();
    let ends = [&[0, 10][..], &text(b"a/#")].concat();
    let heard = play(
        &on_port(),
        &[
            Event::Up(&connect(4)),
            Event::Up(&packet(0x82, &filters)),
            Event::Down(b"\x90\x04\x00\x09\x01\x80"),
            Event::Up(&packet(0xa2, &ends)),
            Event::Down(b"\xb0\x02\x00\x0a"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(
        r#""message_id":9,"topics":["a/#","b/+"],"topics_qos":[1,2],"reason_codes":[1,128]"#
    ));
    assert!(said[1].contains(r#""kind":"unsubscribe""#) && said[1].contains(r#""topics":["a/#"]"#));
    // The CONNECT was never answered.
    assert!(said[2].contains(r#""kind":"connect""#) && said[2].contains(r#""complete":false"#));
}

#[test]
fn properties_and_topic_aliases_of_version_five_are_read() {
    let named = publish(0, 0, b"tide", b"\x0b\x23\0\x01\x26\0\x01k\0\x02vvlow");
    let heard = play(
        &on_port(),
        &[
            Event::Up(&connect(5)),
            Event::Down(b"\x20\x06\x00\x00\x03\x22\x00\x0a"),
            Event::Up(&named),
            Event::Up(&publish(0, 0, b"", b"\x03\x23\0\x01high")),
            Event::Up(&publish(0, 0, b"", b"\x03\x23\0\x02lost")),
            Event::Down(b"\xe0\x02\x8e\x00"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""properties":[{"name":"receive_maximum","value":"20"}]"#));
    assert!(
        said[0].contains(r#""response_properties":[{"name":"topic_alias_maximum","value":"10"}]"#)
    );
    assert!(said[1].contains(r#"{"name":"k","value":"vv"}"#), "{}", said[1]);
    assert!(said[2].contains(r#""topic":"tide","message":"high","message_length":4"#));
    assert!(said[4].contains(r#""reason_code":142,"reason":"session_taken_over""#));
    assert_eq!(heard.anomalies, ["mqtt.unknown_alias"]);
}

#[test]
fn each_packet_is_a_message() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&connect(4)),
            Event::Up(b"\xc0\x00"),
            Event::Down(b"\xd0\x00"),
            Event::Up(&publish(1, 3, b"a", b"hi")),
        ],
    );
    let messages: Vec<_> = heard.messages.iter().map(|(_, m)| m.as_str()).collect();

    assert!(
        messages[0].contains(r#""protocol_version":4,"client_id":"gauge","username":"keeper""#)
    );
    assert!(messages[1].contains(r#""kind":"pingreq","message_type":12"#));
    assert!(messages[2].contains(r#""kind":"pingresp""#));
    assert!(
        messages[3].contains(r#""qos":1,"retain":false,"length":7,"message_id":3,"topic":"a""#)
    );
}

#[test]
fn the_rest_of_a_long_message_is_counted_and_not_kept() {
    let long = publish(0, 0, b"big", &vec![b'x'; 100_000]);
    let mut events = vec![];
    let first = connect(4);
    events.push(Event::Up(&first));
    events.extend(long.chunks(1400).map(Event::Up));
    events.push(Event::Up(b"\xe0\x00"));

    let heard = play(&on_port(), &events);

    let said = transactions(&heard);
    assert!(said[0].contains(r#""message_length":100000"#) && said[0].len() < 2000);
    assert!(said[1].contains(r#""kind":"disconnect""#));
    assert!(heard.faults.is_empty());
}

#[test]
fn what_is_wrong_is_counted_and_the_session_goes_on() {
    let cases: [(&[u8], &str); 9] = [
        (b"\x36\x07\0\x01a\0\x01hi", "mqtt.invalid_qos"),
        (b"\x80\x06\0\x01\0\x01a\0", "mqtt.invalid_flags"),
        (b"\x00\x00", "mqtt.reserved_type"),
        (b"\xf0\x00", "mqtt.reserved_type"),
        (b"\x30\x03\0\x05a", "mqtt.malformed_packet"),
        (b"\x82\x02\0\x01", "mqtt.no_topics"),
        (b"\x30\x05\0\x03a/#", "mqtt.invalid_text"),
        (b"\x40\x02\0\x63", "mqtt.unasked_answer"),
        (b"\xff\xff\xff\xff\xff", "mqtt.malformed_length"),
    ];
    for (octets, anomaly) in cases {
        let heard = play(
            &on_port(),
            &[
                Event::Up(&connect(4)),
                Event::Up(octets),
                Event::Up(&publish(0, 0, b"harbour/tide", b"low")),
            ],
        );
        assert_eq!(heard.anomalies, [anomaly], "{octets:x?}");
        assert!(transactions(&heard).iter().any(|t| t.contains("low")), "{octets:x?}");
    }
    let twice = play(&on_port(), &[Event::Up(&connect(4)), Event::Up(&connect(4))]);
    assert_eq!(twice.anomalies, ["mqtt.repeated_connect"]);
}

#[test]
fn the_oldest_request_is_given_up_when_too_many_wait() {
    let first = connect(4);
    let packets: Vec<_> = (1..=65).map(|id| publish(1, id, b"t", b"")).collect();
    let mut events = vec![Event::Up(&first), Event::Down(b"\x20\x02\x00\x00")];
    events.extend(packets.iter().map(|p| Event::Up(p)));

    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["mqtt.too_many_pending"]);
    assert_eq!(heard.transactions.len(), 66);
}

#[test]
fn texts_of_requests_that_wait_are_bounded() {
    let topics: Vec<u8> = (0..60).flat_map(|_| [text(&[b't'; 400]), vec![0]].concat()).collect();
    let asked: Vec<_> =
        (1..=5u8).map(|id| packet(0x82, &[&[0, id][..], &topics].concat())).collect();
    let first = connect(4);
    let mut events = vec![Event::Up(&first), Event::Down(b"\x20\x02\x00\x00")];
    events.extend(asked.iter().map(|octets| Event::Up(octets)));

    let heard = play(&on_port(), &events);

    // Two of 24,000 octets fit.
    assert_eq!(heard.anomalies, ["mqtt.too_many_pending"; 3]);
    assert_eq!(heard.transactions.len(), 6);
}

#[test]
fn a_session_that_began_earlier_is_known_on_its_port() {
    let heard = play(
        &on_port(),
        &[Event::Down(&publish(0, 0, b"harbour/gauge/tide", b"low")), Event::Down(b"\xd0\x00")],
    );
    assert_eq!(heard.path, ["mqtt"]);
    assert_eq!(heard.anomalies, ["mqtt.unintroduced"]);
    assert_eq!(heard.transactions.len(), 1);

    let other = flow(Transport::Tcp, 9);
    let heard = play(&other, &[Event::Down(&publish(0, 0, b"harbour/gauge/tide", b"low"))]);
    assert!(heard.path.is_empty());
}

#[test]
fn parsing_resumes_at_the_packet_after_a_gap() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&connect(4)),
            Event::Down(b"\x20\x02\x00\x00"),
            Event::LostUp(100),
            Event::Up(b"the end of a message"),
            Event::Up(&publish(0, 0, b"harbour/tide", b"high")),
        ],
    );

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(transactions(&heard)[1].contains(r#""message":"high""#));
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let filters = [&[0, 9][..], b"\0", &text(b"a/#"), &[1]].concat();
    let both = [connect(5), packet(0x82, &filters)].concat();
    torture(
        &on_port(),
        &[
            Event::Up(&both),
            Event::Down(b"\x20\x06\x00\x00\x03\x22\x00\x0a\x90\x04\x00\x09\x00\x01"),
            Event::Down(&publish(1, 5, b"a/b", b"\0hello")),
            Event::Up(b"\x40\x02\x00\x05"),
            Event::Up(b"\xe0\x00"),
        ],
    )
    .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_at_once() {
    let heard = play_wanting(&on_port(), &[Event::Up(&connect(4))], Wants::default());

    assert_eq!(heard.path, ["mqtt"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("mqtt").unwrap();
    for data in [
        &b"\x10\x0e\0\x04MQTX\x04\x02\0\x3c\0\0"[..],
        b"\x10\x0e\0\x04MQTT\x04\x03\0\x3c\0\0",
        b"\x10\x0e\0\x04MQTT\x04\x42\0\x3c\0\0",
        b"\x10\x02\0\x04MQTT",
        b"GET / HTTP/1.1\r\n",
    ] {
        assert_eq!(testing::probe(entry, &flow(Transport::Tcp, 9), data), Probe::No, "{data:?}");
    }
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = random.octets(300);
        // Those that come to the probe at all.
        data[0] = [0x10, 0x30, 0x20, 0x40, 0xc0][n as usize % 5];
        for port in [1883, 9] {
            let said = testing::probe(entry, &flow(Transport::Tcp, port), &data);
            assert_ne!(said, Probe::Certain, "{data:x?}");
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("mqtt").unwrap(), Transport::Tcp, 1883, &input);
    }
}

//! Connections as the engine plays them.

#![allow(clippy::arithmetic_side_effects)]

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use super::frame::{PREFACE, flag, kind};
use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::LostUp, Event::Up, Heard};
use crate::{NameSource, Probe, Wants, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 50_051), events)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// Literals without indexing; names and values short.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.extend_from_slice(&[0, u8::try_from(name.len()).unwrap()]);
        out.extend_from_slice(name.as_bytes());
        out.push(u8::try_from(value.len()).unwrap());
        out.extend_from_slice(value.as_bytes());
    }
    out
}

fn headers(flags: u8, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(kind::HEADERS, flags | flag::END_HEADERS, stream, &block(fields))
}

fn opening() -> Vec<u8> {
    [PREFACE, &frame(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])].concat()
}

const GET: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "http"), (":path", "/x"), (":authority", "a.test:81")];
const OK: &[(&str, &str)] = &[(":status", "200"), ("content-type", "text/HTML; x=y")];

#[test]
fn a_stream_is_a_transaction() {
    let request = headers(
        0,
        1,
        &[
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/x?y"),
            (":authority", "a.test:81"),
            ("user-agent", "probe/1"),
            ("content-type", "application/json"),
            ("cookie", "a=b"),
            ("cookie", "c=d"),
            ("authorization", "Bearer secret"),
        ],
    );
    let body = frame(kind::DATA, flag::END_STREAM | flag::PADDED, 1, b"\x02abc\0\0");
    let response = headers(
        0,
        1,
        &[
            (":status", "201"),
            ("server", "s"),
            ("content-length", "4"),
            ("content-type", "text/HTML; x=y"),
        ],
    );
    let heard = play(&[
        Up(&[opening(), request].concat()),
        Up(&body),
        Down(&[frame(kind::SETTINGS, 0, 0, &[]), headers(0, 1, &[(":status", "100")])].concat()),
        Down(&[response, frame(kind::DATA, 0, 1, b"four"), frame(kind::DATA, 1, 1, b"")].concat()),
    ]);

    assert_eq!(heard.path, ["http2"]);
    assert_eq!(heard.names, [(NameSource::Host, "a.test".into())]);
    assert_eq!(
        records(&heard),
        [concat!(
            r#"{"stream_id":1,"method":"POST","host":"a.test","host_port":81,"uri":"/x?y","#,
            r#""scheme":"http","version":"2","user_agent":"probe/1","status":201,"#,
            r#""mime":"text/html","request_mime":"application/json","#,
            r#""response_content":"text","request_content":"text","server":"s","#,
            r#""cookie":"a=b; c=d","auth":"Bearer","content_length":4,"request_length":3,"#,
            r#""response_length":4,"response_us":2000,"complete":true,"request_headers":9,"#,
            r#""response_headers":4,"grpc":false,"pushed":false}"#
        )]
    );
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn dns_in_bodies_and_targets_is_reported_as_such() {
    let query = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x05heron\x04test\0\0\x01\0\x01";
    let answer = b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0\x05heron\x04test\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\0\x80\0\x04\xc0\0\x02\x07";
    let dns = ("content-type", "application/dns-message");
    let ask = |method, path| {
        [(":method", method), (":scheme", "https"), (":path", path), (":authority", "a.test"), dns]
    };
    let post = headers(0, 1, &ask("POST", "/dns-query"));
    let get = headers(1, 3, &ask("GET", "/dns-query?dns=AAABAAABAAAAAAAABWhlcm9uBHRlc3QAAAEAAQ"));
    let ok = |stream| headers(0, stream, &[(":status", "200"), dns]);
    let (front, rest) = query.split_at(7);
    let heard = play(&[
        Up(&[opening(), post, frame(kind::DATA, 0, 1, front)].concat()),
        Up(&frame(kind::DATA, flag::END_STREAM, 1, rest)),
        Down(&[ok(1), frame(kind::DATA, flag::END_STREAM, 1, answer)].concat()),
        Up(&get),
        Down(&[ok(3), frame(kind::DATA, flag::END_STREAM, 3, answer)].concat()),
    ]);

    assert_eq!(heard.path, ["http2", "dns"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let kinds: Vec<_> = heard.transactions.iter().map(|(proto, _)| proto.as_str()).collect();
    assert_eq!(kinds, ["dns", "http2", "dns", "http2"]);
    for (_, told) in heard.transactions.iter().filter(|(proto, _)| proto == "dns") {
        assert!(told.contains("heron.test") && told.contains("192.0.2.7"), "{told}");
    }
}

#[test]
fn frames_are_messages() {
    let heard = play(&[
        Up(&[opening(), headers(1, 1, GET), frame(kind::PING, 0, 0, &[0; 8])].concat()),
        Down(&[headers(0, 1, OK), frame(kind::DATA, 0, 1, b"ab")].concat()),
        Down(&frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0])),
    ]);
    let messages: Vec<_> = heard.messages.iter().map(|(_, json)| json.as_str()).collect();

    assert_eq!(
        messages[0],
        r#"{"type":4,"flags":0,"stream_id":0,"length":6,"settings":[{"id":3,"value":100}]}"#
    );
    assert_eq!(
        messages[1],
        r#"{"stream_id":1,"header":":method: GET","header_name":":method","header_value":"GET"}"#
    );
    assert!(messages[5].starts_with(
        r#"{"type":1,"flags":5,"stream_id":1,"length":59,"header_method":0,"header_length":59,"header_stream_id":1,"method":"GET","authority":"a.test:81","path":"/x","headers_end":4"#
    ), "{}", messages[5]);
    assert!(messages.contains(
        &r#"{"type":0,"flags":0,"stream_id":1,"length":2,"payload_stream_id":1,"payload_length":2,"payload_data":"6162"}"#
    ));
    assert!(messages.last().unwrap().contains(r#""window_increment":256"#));
}

#[test]
fn blocks_may_continue_over_frames() {
    let whole = block(GET);
    let (a, rest) = whole.split_at(5);
    let (b, c) = rest.split_at(9);
    let heard = play(&[
        Up(&opening()),
        Up(&[frame(kind::HEADERS, 1, 1, a), frame(kind::CONTINUATION, 0, 1, b)].concat()),
        Up(&frame(kind::CONTINUATION, flag::END_HEADERS, 1, c)),
        Down(&headers(1, 1, OK)),
    ]);

    assert!(records(&heard)[0].contains(r#""uri":"/x""#));
    assert!(records(&heard)[0].contains(r#""complete":true"#));
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn grpc_is_seen_by_its_content_type_and_status() {
    let ask = [GET, &[("content-type", "application/grpc+proto")]].concat();
    let heard = play(&[
        Up(&[opening(), headers(0, 1, &ask), frame(kind::DATA, 1, 1, b"\0\0\0\0\x01x")].concat()),
        Down(&headers(0, 1, &[(":status", "200"), ("content-type", "application/grpc")])),
        Down(&headers(1, 1, &[("grpc-status", "5"), ("grpc-message", "none such")])),
    ]);

    assert!(
        records(&heard)[0].contains(concat!(
            r#""grpc":true,"grpc_request_messages":1,"grpc_response_messages":0,"grpc_status":5,"#,
            r#""grpc_message":"none such""#
        )),
        "{heard:?}"
    );
    assert!(records(&heard)[0].contains(r#""complete":true"#));
}

#[test]
fn calls_of_grpc_are_named_and_their_messages_counted() {
    let ask = headers(
        0,
        1,
        &[
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/harbour.Tides/Watch"),
            (":authority", "a.test"),
            ("content-type", "application/grpc"),
        ],
    );
    let content = frame(kind::DATA, 0, 1, b"\0\0\0\0\x03one\0\0\0\0\x03t");
    let heard = play(&[
        Up(&[opening(), ask, frame(kind::DATA, 1, 1, b"\0\0\0\0\0")].concat()),
        Down(&headers(0, 1, &[(":status", "200"), ("content-type", "application/grpc")])),
        Down(&[content, frame(kind::DATA, 0, 1, b"wo")].concat()),
        Down(&headers(1, 1, &[("grpc-status", "0")])),
    ]);

    assert_eq!(heard.path, ["http2", "grpc"]);
    assert!(
        records(&heard)[0].contains(concat!(
            r#""grpc":true,"grpc_service":"harbour.Tides","grpc_method":"Watch","#,
            r#""grpc_request_messages":1,"grpc_response_messages":2,"grpc_status":0"#
        )),
        "{heard:?}"
    );

    let wrong = play(&[
        Up(&[opening(), headers(0, 1, GET)].concat()),
        Down(&headers(0, 1, &[(":status", "200"), ("content-type", "application/grpc")])),
        Down(&frame(kind::DATA, 1, 1, b"{\"no\": \"message\"}")),
    ]);
    assert_eq!(wrong.anomalies, ["http2.grpc_invalid"]);
}

#[test]
fn streams_may_be_reset_or_pushed() {
    let push = [&7u32.wrapping_sub(5).to_be_bytes()[..], &block(GET)].concat();
    let heard = play(&[
        Up(&[opening(), headers(1, 1, GET)].concat()),
        Down(&frame(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &push)),
        Down(&frame(kind::RST_STREAM, 0, 1, &8u32.to_be_bytes())),
        Down(&headers(1, 2, OK)),
        Down(&frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 11])),
    ]);

    assert!(records(&heard)[0].contains(r#""error":"CANCEL""#));
    assert!(records(&heard)[0].contains(r#""complete":false"#));
    assert!(records(&heard)[1].contains(r#""pushed":true"#));
    assert!(records(&heard)[1].contains(r#""complete":true"#));
    assert_eq!(heard.anomalies, ["http2.connection_error"]);
}

#[test]
fn what_is_wrong_is_counted() {
    let big = vec![0u8; 17_000];
    let host = [GET, &[("host", "b.test")]].concat();
    let many = frame(kind::HEADERS, 0x5, 3, &[0x82; 1100]);
    let padded = frame(kind::HEADERS, 0xd, 3, &[9, 0x82]);
    let long = [
        frame(kind::HEADERS, 1, 3, &[0x82; 16_000]),
        frame(kind::CONTINUATION, 0, 3, &[0x82; 16_000]).repeat(4),
    ]
    .concat();
    let cases: &[(Vec<u8>, &[&str])] = &[
        (frame(kind::DATA, 0, 1, &big), &["frame_too_large"]),
        (frame(kind::PING, 0, 0, &[0; 60_000]), &["frame_too_large"]),
        (frame(kind::PING, 0, 0, &[0; 7]), &["frame_size_invalid"]),
        (frame(kind::SETTINGS, 0, 3, &[]), &["stream_invalid"]),
        (frame(kind::DATA, flag::PADDED, 1, &[4, 0]), &["padding_invalid"]),
        (padded, &["padding_invalid"]),
        (
            [frame(kind::HEADERS, 0, 3, &[]), frame(kind::PING, 0, 0, &[0; 8])].concat(),
            &["continuation_missing"],
        ),
        (frame(kind::CONTINUATION, 4, 3, &[]), &["continuation_unexpected"]),
        (long, &["header_block_too_large"]),
        (frame(kind::HEADERS, 4, 3, &[0xff]), &["hpack_invalid"]),
        (many, &["too_many_fields", "pseudo_header_invalid"]),
        (headers(0, 3, &[("a", "b"), (":path", "/")]), &["pseudo_header_invalid"]),
        (headers(0, 3, &[("Abc", "b")]), &["field_name_invalid"]),
        (headers(0, 3, &[("a", "b\r\nc")]), &["field_value_invalid"]),
        (headers(0, 3, &[("connection", "close")]), &["connection_field"]),
        (headers(0, 3, &host), &["authority_mismatch"]),
        (frame(kind::SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1]), &["setting_invalid"]),
    ];
    for (octets, expected) in cases {
        let next = headers(1, 101, GET);
        let heard = play(&[Up(&[opening(), headers(1, 1, GET)].concat()), Up(octets), Up(&next)]);
        let mut expected: Vec<_> = expected.iter().map(|word| format!("http2.{word}")).collect();
        let mut counted = heard.anomalies.clone();
        counted.dedup();
        expected.dedup();
        assert_eq!(counted, expected);
        assert!(heard.faults.is_empty() && heard.transactions.len() >= 2, "{expected:?}");
    }
    let heard = play(&[Up(&opening()), Down(b"PRI * HTTP/2.1\r\n\r\n")]);
    assert_eq!(heard.anomalies, ["http2.preface_invalid"]);
}

#[test]
fn open_streams_are_bounded() {
    let flood: Vec<u8> = (0..300u32).flat_map(|n| headers(1, n * 2 + 1, GET)).collect();
    let heard = play(&[Up(&opening()), Up(&flood)]);

    assert_eq!(heard.transactions.len(), 300);
    assert_eq!(heard.anomalies, vec!["http2.too_many_streams"; 44]);
}

#[test]
fn it_follows_an_upgrade_from_http1() {
    let heard = play(&[
        Up(b"GET /one HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\n\
             Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
        Down(
            &[
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
                &frame(kind::SETTINGS, 0, 0, &[])[..],
            ]
            .concat(),
        ),
        Up(&opening()),
        Down(&headers(1, 1, OK)),
    ]);

    assert_eq!(heard.path, ["http", "http2"]);
    assert_eq!(heard.transactions[0].0, "http");
    assert!(heard.transactions[1].1.contains(r#""stream_id":1,"version":"2","status":200"#));
}

#[test]
fn the_answer_to_an_upgrade_may_follow_other_requests_and_comes_once() {
    let heard = play(&[
        Down(&frame(kind::SETTINGS, 0, 0, &[])),
        Up(&[opening(), headers(1, 13, GET)].concat()),
        Down(&[headers(1, 1, OK), headers(1, 13, OK), headers(1, 1, OK)].concat()),
    ]);

    let streams: Vec<bool> =
        records(&heard).iter().map(|r| r.contains(r#""stream_id":1,"#)).collect();
    assert_eq!(streams.len(), 2);
    assert_eq!(streams.iter().filter(|&&first| first).count(), 1);
}

#[test]
fn a_connection_seen_from_its_middle_is_read_as_far_as_known() {
    let unknown = frame(kind::HEADERS, 5, 9, &[0xbe, 0x82]);
    let known = headers(1, 11, GET);
    let heard = play(&[
        Up(&[frame(kind::WINDOW_UPDATE, 0, 7, &[0, 0, 0, 9]), unknown, known].concat()),
        Down(&[headers(1, 9, OK), headers(1, 11, OK)].concat()),
    ]);

    assert_eq!(heard.path, ["http2"]);
    assert_eq!(records(&heard).len(), 2);
    assert!(records(&heard)[0].contains(r#""method":"GET""#));
    assert!(records(&heard)[1].contains(r#""host":"a.test""#));
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn lost_octets_within_content_do_not_matter_and_others_are_survived() {
    let data = frame(kind::DATA, flag::END_STREAM, 1, &[b'x'; 100]);
    let within = play(&[
        Up(&[opening(), headers(1, 1, GET)].concat()),
        Down(&[headers(0, 1, OK), data[..19].to_vec()].concat()),
        LostDown(80),
        Down(&[&data[99..], &headers(1, 3, OK)[..]].concat()),
    ]);
    assert!(records(&within)[0].contains(r#""response_length":20"#));
    assert!(records(&within)[0].contains(r#""complete":false"#));
    assert_eq!(records(&within).len(), 2);

    let across = play(&[
        Up(&[opening(), headers(1, 1, GET)].concat()),
        LostUp(70),
        Up(b"the rest of something"),
        Up(&[headers(1, 5, GET), frame(kind::PING, 0, 0, &[0; 8])].concat()),
    ]);
    assert_eq!(records(&across).len(), 2);
    assert_eq!(across.faults, []);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    let ask = [opening(), headers(0, 1, GET), frame(kind::DATA, 9, 1, b"\x01ab\0")].concat();
    let answer = [
        frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]),
        headers(0, 1, OK),
        frame(kind::DATA, 1, 1, b"body"),
        frame(kind::PING, 1, 0, &[0; 8]),
    ]
    .concat();
    let events = [Up(&ask), Down(&answer), Up(b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01")];
    testing::torture(&testing::flow(Transport::Tcp, 80), &events).unwrap();
}

#[test]
fn the_parser_ends_with_the_servers_name_where_nobody_listens() {
    let flow = testing::flow(Transport::Tcp, 80);
    let events = [Up(&[opening(), headers(1, 1, GET)].concat()), Up(&[0xff; 99])];
    let nobody = Wants::NOTHING;

    let heard = testing::play_wanting(&flow, &events, nobody);

    assert_eq!(heard.names, [(NameSource::Host, "a.test".into())]);
    assert!(heard.anomalies.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8]) -> Probe {
    let entry = registry::by_id(ProtoId(700)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, 80), data)
}

#[test]
fn the_probe_knows_http2() {
    assert_eq!(probe(PREFACE), Probe::Certain);
    assert_eq!(probe(b"PRI * HTTP"), Probe::Unsure);
    assert_eq!(probe(b"PRI * HTTP/1.1"), Probe::No);
    assert_eq!(probe(&frame(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9])), Probe::Certain);
    for other in [
        &b"\0\0\0\x55\xffSMB\x72\0\0\0\0\0"[..],
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0; 64],
    ] {
        assert_ne!(probe(other), Probe::Certain, "{other:x?}");
    }
    let mut random = testing::Random::new(700);
    for _ in 0..50_000 {
        let mut octets = random.octets(120);
        octets[0] = 0;
        assert_ne!(probe(&octets), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(700)).unwrap(), Transport::Tcp, 80, &input);
    }

    #[test]
    fn no_frames_make_it_panic(
        frames in prop::collection::vec(
            (0u8..11, any::<u8>(), 0u32..8, prop::collection::vec(any::<u8>(), 0..60), 0u8..4), 0..30
        )
    ) {
        let mut input = Vec::new();
        for (kind, flags, stream, payload, control) in frames {
            let octets = frame(kind, flags, stream, &payload);
            let control = if octets.len().is_multiple_of(7) { control } else { control & 1 };
            input.extend_from_slice(&[control, octets.len() as u8]);
            input.extend_from_slice(&octets);
        }
        testing::fuzz_one(registry::by_id(ProtoId(700)).unwrap(), Transport::Tcp, 80, &input);
    }
}

//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use super::message::COOKIE_OCTETS;
use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, torture};
use crate::{Flow, Probe, Wants};

fn entry() -> &'static Entry {
    registry::by_name("stun").expect("registered")
}

fn own() -> Flow {
    flow(Transport::Udp, 3478)
}

fn elsewhere() -> Flow {
    flow(Transport::Udp, 50_000)
}

fn attribute(code: u16, value: &[u8]) -> Vec<u8> {
    let mut out = [&code.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat();
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn with_cookie(kind: u16, id: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
    let body = attributes.concat();
    let mut out = [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes()].concat();
    out.extend(COOKIE_OCTETS);
    out.extend([id; 12]);
    out.extend(body);
    out
}

/// 192.0.2.1:40000, combined with the cookie.
fn mapped() -> Vec<u8> {
    attribute(0x0020, &[0, 1, 0x9c ^ 0x21, 0x40 ^ 0x12, 192 ^ 0x21, 0x12, 2 ^ 0xa4, 1 ^ 0x42])
}

pub(crate) fn binding() -> (Vec<u8>, Vec<u8>) {
    let request = with_cookie(0x0001, 1, &[attribute(0x0006, b"a:b"), attribute(0x802a, &[0; 8])]);
    (request, with_cookie(0x0101, 1, &[mapped(), attribute(0x8022, b"srv")]))
}

fn allocation() -> [Vec<u8>; 6] {
    let refused = [attribute(0x0009, b"\0\0\x04\x01Unauthorized"), attribute(0x0014, b"example")];
    let relayed = attribute(0x0016, &[0, 1, 0x21, 0x12, 192 ^ 0x21, 0x12, 2 ^ 0xa4, 9 ^ 0x42]);
    let peer = attribute(0x0012, &[0, 1, 0x21, 0x12, 192 ^ 0x21, 0x12, 2 ^ 0xa4, 7 ^ 0x42]);
    let lifetime = attribute(0x000d, &[0, 0, 2, 88]);
    [
        with_cookie(0x0003, 1, &[attribute(0x0019, &[17, 0, 0, 0])]),
        with_cookie(0x0113, 1, &refused),
        with_cookie(0x0003, 2, &[attribute(0x0006, b"ann"), attribute(0x0008, &[1; 20])]),
        with_cookie(0x0103, 2, &[relayed, mapped(), lifetime]),
        with_cookie(0x0009, 3, &[attribute(0x000c, &[0x40, 1, 0, 0]), peer]),
        with_cookie(0x0109, 3, &[]),
    ]
}

fn channel(data: &[u8]) -> Vec<u8> {
    [&[0x40, 1][..], &(data.len() as u16).to_be_bytes(), data].concat()
}

fn in_turn(datagrams: &[Vec<u8>]) -> Vec<Event<'_>> {
    let both = |(n, data): (usize, _)| {
        if n % 2 == 0 { Event::Up(data) } else { Event::Down(data) }
    };
    datagrams.iter().map(Vec::as_slice).enumerate().map(both).collect()
}

fn of<'a>(heard: &'a Heard, proto: &str) -> Vec<&'a str> {
    heard.transactions.iter().filter(|(p, _)| p == proto).map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_request_is_reported_with_its_answer() {
    let (request, answer) = binding();
    let heard = play(&elsewhere(), &[Event::Up(&request), Event::Down(&answer)]);

    assert_eq!(heard.path, ["stun"]);
    assert_eq!(
        of(&heard, "stun"),
        [
            r#"{"method":"binding","result":"success","transaction_id":"010101010101010101010101","classic":false,"username":"a:b","server_software":"srv","mapped_address":"192.0.2.1","mapped_port":40000,"ice_role":"controlling","use_candidate":false,"integrity":false,"password_seen":false,"relayed":false,"retransmissions":0,"response_us":1000}"#
        ]
    );
    assert_eq!(heard.messages.len(), 2);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn repeated_requests_are_one_and_unanswered_ones_are_reported_at_the_end() {
    let (request, _) = binding();
    let heard = play(&elsewhere(), &[Event::Up(&request), Event::Up(&request)]);

    assert_eq!(of(&heard, "stun").len(), 1);
    assert!(of(&heard, "stun")[0].contains(r#""retransmissions":1"#));
    assert!(!of(&heard, "stun")[0].contains("result"));
}

#[test]
fn an_allocation_is_named_and_reported_with_what_it_relayed() {
    let mut datagrams = allocation().to_vec();
    datagrams.extend([channel(b"\xffping"), channel(b"\xffpong!")]);
    let heard = play(&own(), &in_turn(&datagrams));

    assert_eq!(heard.path, ["stun", "turn"]);
    assert_eq!(of(&heard, "stun").len(), 3);
    assert!(
        of(&heard, "stun")[0].contains(r#""result":"error","error_code":401,"reason":"Unauth"#)
    );
    assert_eq!(
        of(&heard, "turn"),
        [
            r#"{"relayed_address":"192.0.2.9","relayed_port":0,"mapped_address":"192.0.2.1","mapped_port":40000,"username":"ann","lifetime_s":600,"channels":1,"permissions":0,"peer_address":"192.0.2.7","peer_port":0,"packets_up":1,"octets_up":5,"packets_down":1,"octets_down":6,"released":false,"duration_us":4000}"#
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn data_that_only_begins_like_a_message_is_none() {
    let mut datagrams = allocation().to_vec();
    datagrams.push(channel(&[&[1, 1, 0, 8][..], &[7; 60]].concat()));
    let heard = play(&own(), &in_turn(&datagrams));

    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(of(&heard, "stun").len(), 3);
}

#[test]
fn media_inside_a_channel_is_named_and_reported() {
    let mut datagrams = allocation().to_vec();
    for n in 0..4 {
        datagrams.push(channel(&crate::rtp::tests::packet(5, 0, n)));
        datagrams.push(channel(&crate::rtp::tests::packet(6, 0, n)));
    }
    let heard = play(&own(), &in_turn(&datagrams));

    assert_eq!(heard.path, ["stun", "turn", "rtp"]);
    assert_eq!(of(&heard, "rtp").len(), 2);
}

#[test]
fn what_shares_the_ports_is_named_in_the_order_of_its_coming() {
    let (request, answer) = binding();
    let hello = crate::dtls::tests::client_hello();
    let packets: Vec<_> = (0..3).map(|n| crate::rtp::tests::packet(5, 111, n)).collect();
    let mut events = vec![Event::Up(&request), Event::Down(&answer), Event::Up(&hello)];
    events.extend(packets.iter().map(|p| Event::Up(p)));
    events.extend([Event::Up(&request), Event::Down(&answer)]);

    let heard = play(&elsewhere(), &events);

    assert_eq!(heard.path, ["stun", "dtls", "rtp"]);
    assert_eq!(of(&heard, "stun").len(), 2);
    assert!(of(&heard, "rtp")[0].contains(r#""encrypted":true"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn the_path_is_the_same_whether_anybody_listens() {
    let (request, answer) = binding();
    let report = crate::rtcp::tests::sender_report();
    let packets: Vec<_> = (0..3).map(|n| crate::rtp::tests::packet(5, 111, n)).collect();
    let mut events = vec![Event::Up(&request), Event::Down(&answer)];
    events.extend(packets.iter().map(|p| Event::Up(p)));
    events.push(Event::Up(&report));

    for wants in [Wants::default(), Wants::EVERYTHING] {
        let heard = testing::play_wanting(&elsewhere(), &events, wants);
        assert_eq!(heard.path, ["stun", "rtp"]);
    }
}

#[test]
fn the_old_form_is_known_by_its_port_or_by_its_answer() {
    let old = |kind: u16, attributes: &[u8]| {
        let length = attributes.len() as u16;
        [&kind.to_be_bytes()[..], &length.to_be_bytes(), &[9; 16], attributes].concat()
    };
    let request = old(1, &[]);
    let answer = old(0x101, &attribute(1, &[0, 1, 0x9c, 0x40, 192, 0, 2, 1]));
    assert_eq!(testing::probe(entry(), &own(), &request), Probe::Certain);
    assert_eq!(testing::probe(entry(), &elsewhere(), &request), Probe::Unsure);

    let heard = play(&elsewhere(), &[Event::Up(&request), Event::Down(&answer)]);

    assert_eq!(heard.path, ["stun"]);
    assert!(of(&heard, "stun")[0].contains(r#""classic":true"#));
    assert!(of(&heard, "stun")[0].contains(r#""mapped_address":"192.0.2.1""#));
    assert_eq!(play(&elsewhere(), &[Event::Up(&request)]).path, [""; 0]);
}

#[test]
fn messages_in_a_stream_follow_each_other_by_their_lengths() {
    let mut datagrams = allocation().to_vec();
    let mut padded = channel(b"\xffping");
    padded.resize(12, 0);
    datagrams.push(padded);
    let tcp = flow(Transport::Tcp, 3478);

    let heard = play(&tcp, &in_turn(&datagrams));
    assert_eq!(heard.path, ["stun", "turn"]);
    assert!(of(&heard, "turn")[0].contains(r#""octets_up":5"#));

    torture(&tcp, &in_turn(&datagrams)).unwrap();
}

#[test]
fn messages_behind_lengths_are_read_too() {
    let (request, answer) = binding();
    let framed = |data: &[u8]| [&(data.len() as u16).to_be_bytes()[..], data].concat();
    let (request, answer) = (framed(&request), framed(&answer));
    let tcp = flow(Transport::Tcp, 50_000);
    let events = [Event::Up(&request), Event::Down(&answer)];

    assert_eq!(of(&play(&tcp, &events), "stun").len(), 1);
    torture(&tcp, &events).unwrap();
}

#[test]
fn a_stream_goes_on_after_a_loss() {
    let (request, answer) = binding();
    let tcp = flow(Transport::Tcp, 3478);
    let heard = play(
        &tcp,
        &[
            Event::Up(&request),
            Event::LostDown(30),
            Event::Down(b"the end of something"),
            Event::Down(&answer),
        ],
    );

    assert!(of(&heard, "stun")[0].contains(r#""result":"success""#));
}

#[test]
fn what_is_wrong_is_counted() {
    let (request, answer) = binding();
    let bad = with_cookie(0x0001, 2, &[attribute(0x8028, &[1, 2, 3, 4])]);
    let odd = with_cookie(0x0001, 3, &[vec![0, 6, 0, 99]]);
    let password = with_cookie(0x0102, 4, &[attribute(7, b"hunter2")]);
    let short = [0x40, 1, 0, 9, 1];
    let heard = play(
        &own(),
        &[
            Event::Up(&request),
            Event::Up(&bad),
            Event::Up(&odd),
            Event::Down(&answer),
            Event::Down(&password),
            Event::Up(&short),
            Event::Up(b"\xffnonsense"),
        ],
    );

    assert_eq!(
        heard.anomalies,
        [
            "stun.bad_fingerprint",
            "stun.malformed_message",
            "stun.clear_text_password",
            "stun.unasked_answer",
            "stun.malformed_channel_data",
            "stun.foreign_datagram",
        ]
    );
    assert!(!format!("{heard:?}").contains("hunter2"));
}

#[test]
fn unanswered_requests_are_bounded() {
    let requests: Vec<_> = (0..40).map(|n| with_cookie(1, n, &[])).collect();
    let events: Vec<_> = requests.iter().map(|r| Event::Up(r)).collect();

    let heard = play(&own(), &events);

    assert_eq!(heard.anomalies.len(), 8);
    assert_eq!(of(&heard, "stun").len(), 40);
}

#[test]
fn nothing_breaks_where_datagrams_are_cut() {
    torture(&own(), &in_turn(&allocation())).unwrap();
}

#[test]
fn other_octets_are_not_this_protocol() {
    let probe = |data: &[u8]| testing::probe(entry(), &elsewhere(), data);
    assert_eq!(probe(b"\0\x01\0\0"), Probe::No);
    assert_eq!(probe(b"\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), Probe::No);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n"), Probe::No);
    let mut random = testing::Random::new(347);
    for _ in 0..5_000 {
        let mut data = random.octets(200);
        data[0] &= 1;
        assert_ne!(probe(&data), Probe::Certain);
        let tcp = flow(Transport::Tcp, 50_000);
        assert_ne!(testing::probe(entry(), &tcp, &data), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Udp, 3478, &input);
        fuzz_one(entry(), Transport::Tcp, 3478, &input);
    }
}

//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, torture};
use crate::{Flow, Probe};

fn entry() -> &'static Entry {
    registry::by_name("mgcp").expect("registered")
}

fn ports() -> Flow {
    flow(Transport::Udp, 2427)
}

const CREATE: &[u8] = b"CRCX 1204 aaln/1@rgw.example.net MGCP 1.0\r\nC: A3C47F\r\n\
    L: p:10, a:PCMU\r\nM: recvonly\r\nN: ca@example.net:5678\r\n";
const CREATED: &[u8] =
    b"200 1204 OK\r\nI: FDE234C8\r\n\r\nv=0\r\no=- 25678 753849 IN IP4 192.0.2.2\r\n\
    s=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 3456 RTP/AVP 0\r\n";
const DELETE: &[u8] = b"DLCX 1210 aaln/1@rgw.example.net MGCP 1.0\r\nC: A3C47F\r\nI: FDE234C8\r\n";
const DELETED: &[u8] =
    b"250 1210 OK\r\nP: PS=1245, OS=62345, PR=780, OR=45123, PL=10, JI=27, LA=48\r\n";

fn hear(events: &[Event<'_>]) -> Heard {
    play(&ports(), events)
}

fn reported(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn commands_are_reported_with_their_answers() {
    let heard = hear(&[
        Event::Up(CREATE),
        Event::Down(b"100 1204 PROVISIONAL\r\n"),
        Event::Down(CREATED),
        Event::Up(DELETE),
        Event::Down(DELETED),
    ]);

    assert_eq!(heard.path, ["mgcp"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        reported(&heard),
        [
            r#"{"verb":"CRCX","transaction_id":1204,"endpoint":"aaln/1@rgw.example.net","version":"1.0","code":200,"reason":"OK","call_id":"A3C47F","connection_id":"FDE234C8","mode":"recvonly","local_options":"p:10, a:PCMU","notified_entity":"ca@example.net:5678","media":["audio 192.0.2.2:3456 RTP/AVP PCMU"],"retransmissions":0,"response_us":2000}"#,
            r#"{"verb":"DLCX","transaction_id":1210,"endpoint":"aaln/1@rgw.example.net","version":"1.0","code":250,"reason":"OK","call_id":"A3C47F","connection_id":"FDE234C8","media":[],"packets_sent":1245,"octets_sent":62345,"packets_received":780,"octets_received":45123,"lost":10,"jitter_ms":27,"latency_ms":48,"retransmissions":0,"response_us":1000}"#,
        ]
    );
    let said: Vec<_> = heard.expectations.iter().map(|e| (e.port, e.proto.0)).collect();
    assert_eq!(said, [(3456, 298), (3457, 1220)]);
    assert_eq!(heard.messages.len(), 5);
}

#[test]
fn several_messages_of_a_datagram_are_taken_apart() {
    let both = [DELETED, b".\r\n", b"RQNT 5 a@b MGCP 1.0\r\nR: L/hd(N)\r\nS: L/rg\r\n"].concat();
    let heard = hear(&[Event::Up(DELETE), Event::Down(&both), Event::Up(b"200 5 OK\r\n")]);

    assert_eq!(heard.transactions.len(), 2);
    assert!(reported(&heard)[1].contains(r#""requested_events":"L/hd(N)","signals":"L/rg""#));
}

#[test]
fn repeated_messages_are_counted_once() {
    let heard = hear(&[
        Event::Up(DELETE),
        Event::Up(DELETE),
        Event::Down(DELETED),
        Event::Up(DELETE),
        Event::Down(DELETED),
    ]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(reported(&heard)[0].contains(r#""retransmissions":1"#));
}

#[test]
fn what_is_wrong_is_counted() {
    let heard = hear(&[
        Event::Up(CREATE),
        Event::Down(b"hello\r\n"),
        Event::Down(b"500 77 Unknown\r\nodd\r\n\r\nnot a description\r\n"),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "mgcp.malformed_start",
            "mgcp.malformed_parameter",
            "mgcp.malformed_description",
            "mgcp.unasked_answer",
        ]
    );
}

#[test]
fn commands_are_bounded() {
    let commands: Vec<_> =
        (1..=70).map(|n| format!("NTFY {n} a@b MGCP 1.0\r\nO: L/hd\r\n")).collect();
    let events: Vec<_> = commands.iter().map(|c| Event::Up(c.as_bytes())).collect();

    let heard = hear(&events);

    assert_eq!(heard.anomalies.len(), 6);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn nothing_breaks_where_datagrams_are_cut() {
    torture(&ports(), &[Event::Up(CREATE), Event::Down(CREATED)]).unwrap();
}

#[test]
fn other_octets_are_not_this_protocol() {
    let elsewhere = flow(Transport::Udp, 9999);
    let of = |data: &[u8]| testing::probe(entry(), &elsewhere, data);
    assert_eq!(of(CREATE), Probe::Certain);
    assert_eq!(of(CREATED), Probe::No);
    assert_eq!(testing::probe(entry(), &ports(), CREATED), Probe::Certain);
    assert_eq!(of(b"CRCX 1 a SIP/2.0\r\n"), Probe::No);
    assert_eq!(of(b"XXXX 1 a MGCP 1.0\r\n"), Probe::No);
    let mut random = testing::Random::new(221);
    for _ in 0..2_000 {
        assert_ne!(testing::probe(entry(), &ports(), &random.octets(300)), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Udp, 2427, &input);
    }
}

//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::Probe;
use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};

const BANNER: &[u8] = b"RFB 003.008\n";
const SCREEN: &[u8] =
    b"\x04\x00\x03\x00\x20\x18\0\x01\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\0\0\0\x0eHarbour screen";

const VISIT: &[Event<'_>] = &[
    Event::Down(BANNER),
    Event::Up(BANNER),
    Event::Down(b"\x02\x02\x10"),
    Event::Up(b"\x02"),
    Event::Down(b"CHALLENGECHALLEN"),
    Event::Up(b"RESPONSERESPONSE"),
    Event::Down(b"\0\0\0\0"),
    Event::Up(b"\x01"),
    Event::Down(SCREEN),
];

fn heard(events: &[Event<'_>]) -> Heard {
    play(&testing::flow(Transport::Tcp, 5900), events)
}

#[test]
fn a_handshake_is_told_with_its_security_and_screen() {
    let heard = heard(VISIT);

    assert_eq!(heard.path, ["vnc"]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"server_version":"003.008","client_version":"003.008","security_types":[2,16],"#,
            r#""security_type":2,"authentication_method":"vnc","auth_success":true,"#,
            r#""share_flag":true,"desktop_name":"Harbour screen","width":1024,"height":768,"#,
            r#""bits_per_pixel":32,"depth":24,"duration_us":8000}"#
        )
    );
}

#[test]
fn challenges_and_responses_are_not_kept() {
    let said = format!("{:?}", heard(VISIT));

    assert!(!said.contains("CHALLENGE") && !said.contains("RESPONSE"));
}

#[test]
fn a_wrong_password_is_an_anomaly_with_its_reason() {
    let mut events = VISIT[..6].to_vec();
    events.push(Event::Down(b"\0\0\0\x01\0\0\0\x05wrong"));
    let heard = heard(&events);

    assert_eq!(heard.anomalies, ["vnc.login_failed"]);
    assert!(heard.transactions[0].1.contains(r#""auth_success":false,"failure_reason":"wrong""#));
}

#[test]
fn the_server_chooses_in_version_3_3() {
    let heard = heard(&[
        Event::Down(b"RFB 003.003\n"),
        Event::Up(b"RFB 003.003\n"),
        Event::Down(b"\0\0\0\x01"),
        Event::Up(b"\0"),
        Event::Down(SCREEN),
    ]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""authentication_method":"none","share_flag":false"#), "{said}");
}

#[test]
fn a_server_that_offers_nothing_says_why() {
    let heard =
        heard(&[Event::Down(BANNER), Event::Up(BANNER), Event::Down(b"\0\0\0\0\x08too many")]);

    assert_eq!(heard.anomalies, ["vnc.refused"]);
    assert!(heard.transactions[0].1.contains(r#""failure_reason":"too many""#));
}

#[test]
fn vencrypt_turns_to_tls() {
    let heard = heard(&[
        Event::Down(BANNER),
        Event::Up(BANNER),
        Event::Down(b"\x01\x13"),
        Event::Up(b"\x13"),
        Event::Down(b"\0\x02"),
        Event::Up(b"\0\x02"),
        Event::Down(b"\0\x01\0\0\x01\x04"),
        Event::Up(b"\0\0\x01\x04"),
        Event::Down(b"\x01"),
    ]);

    assert_eq!(heard.path, ["vnc", "tls"]);
    assert!(heard.transactions[0].1.contains(r#""security_subtype":"x509_none""#));
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    torture(&testing::flow(Transport::Tcp, 5900), VISIT).unwrap();
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = by_name("vnc").unwrap();
    let flow = testing::flow(Transport::Tcp, 5900);
    for octets in [&b"RFB 003,008\n"[..], b"RFB 009.000\n", b"RFC 003.008\n", b"RFB abc"] {
        assert_eq!(testing::probe(entry, &flow, octets), Probe::No);
    }
    assert_eq!(testing::probe(entry, &flow, b"RFB 00"), Probe::Unsure);
    let mut random = testing::Random::new(1);
    for _ in 0..2000 {
        assert_ne!(testing::probe(entry, &flow, &random.octets(100)), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        heard(&[Event::Down(BANNER), Event::Up(BANNER), Event::Down(&input), Event::Up(&input)]);
        fuzz_one(by_name("vnc").unwrap(), Transport::Tcp, 5900, &input);
    }
}

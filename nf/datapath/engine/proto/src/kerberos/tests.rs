//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::Probe;
use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        n @ 0..=127 => out.push(u8::try_from(n).unwrap()),
        n => out.extend([0x82, u8::try_from(n >> 8).unwrap(), u8::try_from(n & 255).unwrap()]),
    }
    out.extend(content);
    out
}

fn field(number: u8, content: Vec<u8>) -> Vec<u8> {
    tlv(0xa0 | number, &content)
}

fn integer(number: u8) -> Vec<u8> {
    tlv(2, &[number])
}

fn text(text: &str) -> Vec<u8> {
    tlv(0x1b, text.as_bytes())
}

fn name(parts: &[&str]) -> Vec<u8> {
    let strings: Vec<u8> = parts.iter().flat_map(|p| text(p)).collect();
    tlv(0x30, &[field(0, integer(1)), field(1, tlv(0x30, &strings))].concat())
}

fn whole(kind: u8, fields: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x60 | kind, &tlv(0x30, &fields.concat()))
}

fn encrypted(kind: u8) -> Vec<u8> {
    tlv(0x30, &[field(0, integer(kind)), field(2, tlv(4, b"SECRET-SECRET"))].concat())
}

fn request(kind: u8) -> Vec<u8> {
    let ciphers: Vec<u8> = [18, 17, 23].into_iter().flat_map(integer).collect();
    let body = tlv(
        0x30,
        &[
            field(0, tlv(3, &[0, 0x40, 0x80, 0, 0x10])),
            field(1, name(&["keeper"])),
            field(2, text("HARBOUR.EXAMPLE")),
            field(3, name(&["krbtgt", "HARBOUR.EXAMPLE"])),
            field(5, tlv(0x18, b"20240229235959Z")),
            field(7, integer(9)),
            field(8, tlv(0x30, &ciphers)),
        ]
        .concat(),
    );
    let data = tlv(0x30, &[field(1, integer(2)), field(2, tlv(4, b"x"))].concat());
    let fields =
        [field(1, integer(5)), field(2, integer(kind)), field(3, tlv(0x30, &data)), field(4, body)];
    whole(kind, &fields)
}

fn reply(kind: u8, cipher: u8) -> Vec<u8> {
    let ticket = [
        field(0, integer(5)),
        field(1, text("HARBOUR.EXAMPLE")),
        field(2, name(&["krbtgt", "HARBOUR.EXAMPLE"])),
        field(3, encrypted(18)),
    ];
    let fields = [
        field(0, integer(5)),
        field(1, integer(kind)),
        field(3, text("HARBOUR.EXAMPLE")),
        field(4, name(&["keeper"])),
        field(5, whole(1, &ticket)),
        field(6, encrypted(cipher)),
    ];
    whole(kind, &fields)
}

fn error(code: u8) -> Vec<u8> {
    let fields = [
        field(0, integer(5)),
        field(1, integer(30)),
        field(4, tlv(0x18, b"20240229235959Z")),
        field(6, integer(code)),
        field(9, text("HARBOUR.EXAMPLE")),
        field(10, name(&["krbtgt", "HARBOUR.EXAMPLE"])),
        field(11, text("NEEDED_PREAUTH")),
    ];
    whole(30, &fields)
}

fn prefixed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn heard(transport: Transport, events: &[Event<'_>]) -> Heard {
    play(&testing::flow(transport, 88), events)
}

#[test]
fn a_ticket_is_told_with_client_service_and_encryption() {
    let (asked, told) = (request(10), reply(11, 18));
    let heard = heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.path, ["kerberos"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let said = &heard.transactions[0].1;
    for part in [
        r#""request_type":"AS","msg_type":"KRB_AS_REP","client":"keeper/HARBOUR.EXAMPLE""#,
        r#""service":"krbtgt/HARBOUR.EXAMPLE","success":true"#,
        r#""forwardable":true,"renewable":true"#,
        r#""ciphers":["aes256-cts-hmac-sha1-96","aes128-cts-hmac-sha1-96","rc4-hmac"]"#,
        r#""preauth":[2]"#,
        r#""encryption":"aes256-cts-hmac-sha1-96","ticket_encryption":"aes256-cts-hmac-sha1-96""#,
        r#""weak_encryption":false,"response_us":1000"#,
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("SECRET"));
}

#[test]
fn an_error_is_told_by_name() {
    let (asked, told) = (request(10), error(25));
    let heard = heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);

    let said = &heard.transactions[0].1;
    let error = r#""success":false,"error_code":25,"error_msg":"KDC_ERR_PREAUTH_REQUIRED","error_text":"NEEDED_PREAUTH""#;
    assert!(said.contains(error), "{said}");
}

#[test]
fn a_wrong_password_is_an_anomaly() {
    let (asked, told) = (request(10), error(24));
    let heard = heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.anomalies, ["kerberos.preauth_failed"]);
}

#[test]
fn weak_encryption_is_said_to_be() {
    let (asked, told) = (request(12), reply(13, 23));
    let heard = heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""request_type":"TGS""#));
    assert!(
        said.contains(r#""encryption":"rc4-hmac""#) && said.contains(r#""weak_encryption":true"#)
    );
}

#[test]
fn a_request_without_answer_is_told_at_the_end() {
    let asked = request(10);
    let heard = heard(Transport::Udp, &[Event::Up(&asked)]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(!heard.transactions[0].1.contains("success"));
}

#[test]
fn a_stream_has_lengths_before_its_messages() {
    let (asked, told) = (prefixed(&request(10)), prefixed(&reply(11, 17)));
    let both = [asked.clone(), prefixed(&request(12))].concat();
    let events = [Event::Up(&both), Event::Down(&told)];
    let heard = heard(Transport::Tcp, &events);

    assert_eq!(heard.path, ["kerberos"]);
    assert_eq!(heard.transactions.len(), 2);
    torture(&testing::flow(Transport::Tcp, 88), &events).unwrap();
}

#[test]
fn a_stream_is_found_again_at_a_segment_after_a_loss() {
    let (asked, told) = (prefixed(&request(10)), prefixed(&reply(11, 17)));
    let heard = heard(
        Transport::Tcp,
        &[
            Event::Up(&asked),
            Event::LostDown(100),
            Event::Down(b"the end of something"),
            Event::Down(&told),
        ],
    );

    assert!(heard.transactions[0].1.contains(r#""success":true"#));
}

#[test]
fn a_message_that_lies_is_counted() {
    let mut asked = request(10);
    let at = asked.len().checked_sub(6).unwrap();
    asked[at] = 0x7f;
    let first = request(10);
    let heard = heard(Transport::Udp, &[Event::Up(&first), Event::Up(&asked)]);

    assert!(heard.anomalies.len() <= 1);
    let short = prefixed(b"\x6a\x05no");
    let stream = prefixed(&request(10));
    let heard = play(&testing::flow(Transport::Tcp, 88), &[Event::Up(&stream), Event::Up(&short)]);
    assert_eq!(heard.anomalies, ["kerberos.message_invalid"]);
}

#[test]
fn a_ticket_is_found_in_a_token_of_another_protocol() {
    let ticket = [
        field(0, integer(5)),
        field(1, text("HARBOUR.EXAMPLE")),
        field(2, name(&["cifs", "quay"])),
        field(3, encrypted(18)),
    ];
    let fields = [
        field(0, integer(5)),
        field(1, integer(14)),
        field(2, tlv(3, &[0, 0x20, 0, 0, 0])),
        field(3, whole(1, &ticket)),
        field(4, encrypted(18)),
    ];
    let token =
        [&b"\x60\x82\x01\0\x06\x06\x2b\x06\x01\x05\x05\x02"[..], &whole(14, &fields)].concat();

    let found = super::ticket(&token).unwrap();

    assert_eq!(found.realm.as_bytes(), b"HARBOUR.EXAMPLE");
    assert_eq!(found.service.as_bytes(), b"cifs/quay");
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = by_name("kerberos").unwrap();
    let mut wrong = request(10);
    wrong[8] = 4;
    for transport in [Transport::Udp, Transport::Tcp] {
        let flow = testing::flow(transport, 88);
        for octets in [&b"\x6a\x03abc"[..], b"\0\0\0\x04\x6a\x02\x30\0", &wrong] {
            assert_ne!(testing::probe(entry, &flow, octets), Probe::Certain, "{octets:?}");
        }
        let mut random = testing::Random::new(1);
        for _ in 0..2000 {
            assert_ne!(testing::probe(entry, &flow, &random.octets(300)), Probe::Certain);
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_one(by_name("kerberos").unwrap(), Transport::Udp, 88, &input);
        fuzz_one(by_name("kerberos").unwrap(), Transport::Tcp, 88, &input);
    }
}

#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use crate::Flow;
use crate::testing::{self, Event::Down, Event::Up, Heard};

pub(crate) fn frame(protocol: u16, code: u8, identifier: u8, data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16 + 4;
    let head = [&protocol.to_be_bytes()[..], &[code, identifier], &length.to_be_bytes()].concat();
    [&head, data].concat()
}

const LCP: &[u8] = &[1, 4, 5, 0xd4, 3, 5, 0xc2, 0x23, 5, 5, 6, 0, 0, 0, 10];

fn flow() -> Flow {
    testing::header_flow(super::ID)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn requests_have_their_answers_and_both_sides_their_own() {
    let (ask, ack) = (frame(0xc021, 1, 1, LCP), frame(0xc021, 2, 1, LCP));
    let reject = frame(0xc021, 4, 1, &LCP[4..9]);
    let heard = testing::play(&flow(), &[Up(&ask), Down(&ask), Down(&ack), Up(&reject)]);

    assert_eq!(heard.anomalies, [""; 0]);
    let asked = concat!(
        r#""identifier":1,"mru":1492,"auth_protocol":"chap_md5","magic_number":10,"#,
        r#""response_us":2000}"#
    );
    assert_eq!(
        records(&heard),
        [
            format!(r#"{{"protocol":"lcp","request":"configure","response":"ack",{asked}"#),
            format!(r#"{{"protocol":"lcp","request":"configure","response":"reject",{asked}"#),
        ]
    );
}

#[test]
fn logins_are_told_with_their_verdict() {
    let pap = frame(0xc023, 1, 5, b"\x06keeper\x07lantern");
    let pap_nak = frame(0xc023, 3, 5, b"\x02no");
    let challenge = frame(0xc223, 1, 6, b"\x04\x01\x02\x03\x04harbour");
    let response = frame(0xc223, 2, 6, b"\x04\x05\x06\x07\x08keeper");
    let success = frame(0xc223, 3, 6, b"welcome");
    let heard = testing::play(
        &flow(),
        &[Up(&pap), Down(&pap_nak), Down(&challenge), Up(&response), Down(&success)],
    );

    assert_eq!(heard.anomalies, ["ppp.clear_password", "ppp.login_failed"]);
    assert_eq!(
        records(&heard),
        [
            concat!(
                r#"{"protocol":"pap","request":"authenticate","response":"nak","identifier":5,"#,
                r#""user_name":"keeper","reply_msg":"no","response_us":1000}"#
            ),
            concat!(
                r#"{"protocol":"chap","request":"challenge","response":"success","identifier":6,"#,
                r#""user_name":"keeper","server_name":"harbour","reply_msg":"welcome","#,
                r#""response_us":2000}"#
            ),
        ]
    );
    assert!(!heard.transactions.iter().any(|(_, json)| json.contains("lantern")));
}

#[test]
fn eap_tells_who_proves_itself_how_and_with_what_verdict() {
    let events = [
        Down(&frame(0xc227, 1, 1, b"\x01who?")),
        Up(&frame(0xc227, 2, 1, b"\x01keeper")),
        Down(&frame(0xc227, 1, 2, b"\x04\x02ab")),
        Up(&frame(0xc227, 2, 2, b"\x03\x19")),
        Down(&frame(0xc227, 1, 3, b"\x19\x20")),
        Down(&frame(0xc227, 4, 3, b"")),
    ];
    let heard = testing::play(&flow(), &events);

    assert_eq!(heard.anomalies, ["ppp.login_failed"]);
    assert_eq!(
        records(&heard),
        [
            concat!(
                r#"{"protocol":"eap","request":"request","response":"response","identifier":1,"#,
                r#""eap_type":"identity","user_name":"keeper","response_us":1000}"#
            ),
            concat!(
                r#"{"protocol":"eap","request":"request","response":"nak","identifier":2,"#,
                r#""eap_type":"md5_challenge","eap_wanted":"peap","user_name":"keeper","#,
                r#""response_us":1000}"#
            ),
            r#"{"protocol":"eap","response":"failure","identifier":3,"user_name":"keeper"}"#,
            r#"{"protocol":"eap","request":"request","identifier":3,"eap_type":"peap"}"#,
        ]
    );
}

#[test]
fn compression_and_encryption_are_agreed_on() {
    let ask = frame(0x80fd, 1, 1, &[18, 6, 1, 0, 0, 0xe1]);
    let other = frame(0x80fd, 1, 2, &[26, 4, 0x78, 0]);
    let events = [Up(&ask), Down(&frame(0x80fd, 2, 1, &[])), Up(&other)];
    let heard = testing::play(&flow(), &events);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    assert!(told[0].contains(r#""response":"ack""#), "{}", told[0]);
    assert!(told[0].contains(r#""compression":"mppc","mppe_bits":128"#), "{}", told[0]);
    assert!(told[1].contains(r#""compression":"deflate""#), "{}", told[1]);
}

#[test]
fn addresses_are_asked_for_and_offered() {
    let ask = frame(0x8021, 1, 1, &[3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0]);
    let nak = frame(0x8021, 3, 1, &[3, 6, 192, 0, 2, 10, 129, 6, 192, 0, 2, 53]);
    let six = frame(0x8057, 1, 2, &[1, 10, 0, 0, 0, 0, 0, 0, 0, 9]);
    let heard = testing::play(&flow(), &[Up(&ask), Down(&nak), Up(&six)]);

    assert_eq!(
        records(&heard),
        [
            concat!(
                r#"{"protocol":"ipcp","request":"configure","response":"nak","identifier":1,"#,
                r#""address":"0.0.0.0","offered_address":"192.0.2.10","dns":"192.0.2.53","#,
                r#""response_us":1000}"#
            ),
            r#"{"protocol":"ipv6cp","request":"configure","identifier":2,"interface_id":9}"#,
        ]
    );
}

#[test]
fn what_does_not_fit_is_an_anomaly_and_requests_are_bounded() {
    let odd = frame(0xc021, 1, 1, &[1, 1]);
    let mut long = frame(0xc021, 1, 1, LCP);
    long[5] = 200;
    let many: Vec<_> = (0..40).map(|n| frame(0x8021, 1, n, &[])).collect();
    let events: Vec<_> = [&odd, &long].into_iter().chain(&many).map(|d| Up(d)).collect();
    let heard = testing::play(&flow(), &events);

    assert_eq!(heard.anomalies[..2], ["ppp.malformed_packet", "ppp.malformed_packet"]);
    assert_eq!(heard.anomalies[2], "ppp.too_many_pending");
    assert_eq!(records(&heard).len(), 41);
}

#[test]
fn no_octets_make_it_panic() {
    let samples = [
        frame(0xc021, 1, 1, LCP),
        frame(0xc023, 1, 5, b"\x06keeper\x07lantern"),
        frame(0xc223, 1, 6, b"\x04\x01\x02\x03\x04harbour"),
        frame(0xc223, 2, 6, b"\x04\x01\x02\x03\x04keeper"),
        frame(0x8021, 3, 1, &[3, 6, 192, 0, 2, 10]),
        frame(0x80fd, 1, 1, &[18, 6, 1, 0, 0, 0xe1]),
        frame(0xc227, 1, 1, b"\x01who?"),
        frame(0xc227, 2, 1, b"\x01keeper"),
        frame(0xc227, 3, 1, b""),
    ];
    let events: Vec<_> = samples.iter().map(|s| Up(s)).collect();
    testing::torture(&flow(), &events).unwrap();
    testing::batter(&flow(), &samples.each_ref().map(Vec::as_slice)).unwrap();
}

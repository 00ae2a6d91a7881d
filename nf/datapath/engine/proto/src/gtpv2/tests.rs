//! GTP control of version 2 as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Flow, Probe, registry};

fn element(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &(value.len() as u16).to_be_bytes(), &[0], value].concat()
}

fn message(kind: u8, teid: u32, sequence: u8, elements: &[Vec<u8>]) -> Vec<u8> {
    let body = elements.concat();
    let length = body.len().saturating_add(8) as u16;
    let numbers = [0, 0, sequence, 0];
    [&[0x48, kind][..], &length.to_be_bytes(), &teid.to_be_bytes(), &numbers, &body].concat()
}

fn create(sequence: u8) -> Vec<u8> {
    let bearer = [element(73, &[5]), element(80, &[0; 22])].concat();
    message(
        32,
        0,
        sequence,
        &[
            element(1, &[0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xf2]),
            element(76, &[0x94, 0x71, 0x21, 0x43]),
            element(71, b"\x08internet\x03mnc"),
            element(82, &[6]),
            element(83, &[0x00, 0xf1, 0x10]),
            element(87, &[0x86, 0, 0, 3, 1, 192, 0, 2, 10]),
            element(99, &[1]),
            element(79, &[1, 0, 0, 0, 0]),
            element(93, &bearer),
        ],
    )
}

fn created(sequence: u8) -> Vec<u8> {
    message(
        33,
        0x301,
        sequence,
        &[
            element(2, &[16, 0]),
            element(87, &[0x87, 0, 0, 3, 2, 192, 0, 2, 20]),
            element(79, &[1, 10, 0, 0, 7]),
            element(93, &[element(73, &[5]), element(2, &[16, 0])].concat()),
        ],
    )
}

fn on_port() -> Flow {
    flow(Transport::Udp, 2123)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_session_is_created() {
    let (ask, answer) = (create(7), created(7));
    let events = [Event::Up(&ask), Event::Up(&ask), Event::Down(&answer)];
    for port in [2123, 9123] {
        let heard = play(&flow(Transport::Udp, port), &events);

        assert_eq!(heard.path, ["gtpv2"]);
        assert_eq!(
            transactions(&heard),
            [concat!(
                r#"{"kind":"create_session","message_type":32,"sequence_number":7,"teid":0,"#,
                r#""imsi":"001010000000002","msisdn":"49171234","apn":"internet.mnc","#,
                r#""rat":"eutran","serving_network":"001-01","pdn_type":1,"address":"10.0.0.7","#,
                r#""bearers":[5],"control_teid":769,"control_address":"192.0.2.10","#,
                r#""peer_control_teid":770,"peer_control_address":"192.0.2.20","#,
                r#""cause":"accepted","cause_code":16,"request_length":123,"#,
                r#""response_length":55,"response_us":2000}"#
            )]
        );
        assert_eq!(heard.anomalies, [""; 0]);
        assert_eq!(
            heard.messages[2].1,
            concat!(
                r#"{"version":2,"flag_type":1,"flag_p":0,"message_type":33,"message_length":51,"#,
                r#""teid":769,"sequence_number":7,"kind":"create_session","cause":16}"#
            )
        );
    }
    torture(&on_port(), &events).unwrap();
}

#[test]
fn an_echo_is_outside_of_tunnels_and_one_message_may_ride_on_another() {
    let echo = [0x40, 1, 0, 9, 0, 0, 1, 0, 3, 0, 1, 0, 9];
    let mut first = created(7);
    first[0] |= 0x10;
    let two = [first, message(95, 0x301, 8, &[element(73, &[5])])].concat();
    let events = [Event::Up(&echo), Event::Up(&create(7)), Event::Down(&two)];
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.messages.len(), 4);
    assert!(heard.messages[2].1.contains(r#""flag_p":1"#));
    let all = transactions(&heard);
    assert!(all[0].contains("create_session"));
    assert!(all[1].contains(r#""kind":"echo""#));
    assert!(all[2].contains("create_bearer"));
}

#[test]
fn a_refusal_tells_its_cause() {
    let refused = message(33, 0x301, 7, &[element(2, &[92, 0])]);
    let heard = play(&on_port(), &[Event::Up(&create(7)), Event::Down(&refused)]);

    assert!(
        transactions(&heard)[0].contains(r#""cause":"user_authentication_failed","cause_code":92"#)
    );
}

#[test]
fn flaws_are_counted() {
    let mut short = create(8);
    short[14] = 200;
    for (bytes, anomaly) in [
        (short, "malformed_element"),
        (vec![0x48, 32, 0], "malformed_message"),
        (created(9), "unasked_response"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&create(7)), Event::Down(&bytes)]);
        assert_eq!(heard.anomalies, [format!("gtpv2.{anomaly}")]);
    }
}

#[test]
fn only_so_many_requests_wait() {
    let asked: Vec<_> = (0..70).map(create).collect();
    let events: Vec<_> = asked.iter().map(|a| Event::Up(a)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["gtpv2.too_many_pending"; 6]);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("gtpv2").unwrap();
    let mut random = Random::new(12);
    for port in [2123, 9999] {
        for _ in 0..20_000 {
            let mut data = random.octets(90);
            data[0] = 0x48;
            let said = testing::probe(entry, &flow(Transport::Udp, port), &data);
            assert_ne!(said, Probe::Certain, "{data:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("gtpv2").unwrap(), Transport::Udp, 2123, &input);
    }

    #[test]
    fn no_elements_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        play(&on_port(), &[Event::Up(&create(1)), Event::Up(&message(32, 1, 2, &[body]))]);
    }
}

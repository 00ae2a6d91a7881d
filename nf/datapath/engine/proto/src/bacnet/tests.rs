//! BACnet as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn on_port() -> Flow {
    flow(Transport::Udp, 47_808)
}

fn link(function: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x81, function];
    out.extend_from_slice(&(body.len() as u16).wrapping_add(4).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn unicast(apdu: &[u8]) -> Vec<u8> {
    link(10, &[&[1, 4], apdu].concat())
}

const READ: &[u8] = &[0, 5, 1, 12, 0x0c, 0, 0, 0, 3, 0x19, 85];

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_read_and_its_answer_make_a_transaction() {
    let read = unicast(READ);
    let told = unicast(&[0x30, 1, 12, 0x0c, 0, 0, 0, 3, 0x19, 85, 0x3e, 0x44, 0x42, 0, 0, 0, 0x3f]);
    let heard = play(&on_port(), &[Event::Up(&read), Event::Down(&told)]);

    assert_eq!(heard.path, ["bacnet"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"kind":"confirmed","service":"read_property","service_code":12,"invoke_id":1,"#,
            r#""link_function":"original_unicast_npdu","object_type":"analog_input","#,
            r#""object_type_id":0,"object_instance":3,"property":"present_value","#,
            r#""property_id":85,"result":"ack","response_messages":1,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn devices_find_each_other() {
    let who = link(11, &[1, 0x20, 0xff, 0xff, 0, 0xff, 0x10, 8, 0x09, 5, 0x1a, 1, 0]);
    let am = link(
        4,
        &[
            &[192, 0, 2, 9, 0xba, 0xc0, 1, 0x08, 0, 7, 1, 9, 0x10, 0][..],
            &[0xc4, 2, 0, 0, 77, 0x22, 5, 0xc4, 0x91, 3, 0x21, 15],
        ]
        .concat(),
    );
    let heard = play(&on_port(), &[Event::Up(&who), Event::Down(&am)]);

    let all = transactions(&heard);
    assert!(all[0].contains(r#""destination_network":65535,"low_limit":5,"high_limit":256"#));
    assert!(
        all[1].contains(concat!(
            r#""service":"i_am","service_code":0,"link_function":"forwarded_npdu","#,
            r#""origin_address":"192.0.2.9","source_network":7,"source_address":"09","#,
            r#""object_type":"device","object_type_id":8,"object_instance":77,"#,
            r#""max_apdu":1476,"vendor_id":15}"#
        )),
        "{heard:#?}"
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn errors_rejects_and_aborts_are_told() {
    for (answer, words) in [
        (
            &[0x50, 1, 12, 0x91, 2, 0x91, 32][..],
            r#""result":"error","error_class":2,"error_code":32"#,
        ),
        (&[0x60, 1, 9], r#""result":"reject","error_code":9"#),
        (&[0x71, 1, 4], r#""result":"abort","error_code":4"#),
        (&[0x20, 1, 15], r#""result":"ack""#),
    ] {
        let (read, answer) = (unicast(READ), unicast(answer));
        let heard = play(&on_port(), &[Event::Up(&read), Event::Down(&answer)]);
        assert!(transactions(&heard)[0].contains(words), "{heard:#?}");
    }
}

#[test]
fn an_answer_may_come_in_parts() {
    let read = unicast(&[0, 0x75, 1, 14, 0x0c, 2, 0, 0, 1, 0x1e, 0x09, 8, 0x1f]);
    let one = unicast(&[0x3c, 1, 0, 4, 14, 0x0c, 2, 0, 0, 1]);
    let ack = unicast(&[0x40, 1, 0, 4]);
    let two = unicast(&[0x38, 1, 1, 4, 14, 9, 9]);
    let heard = play(
        &on_port(),
        &[Event::Up(&read), Event::Down(&one), Event::Up(&ack), Event::Down(&two)],
    );

    assert_eq!(heard.transactions.len(), 1);
    assert!(
        transactions(&heard)[0].contains(
            r#""object_instance":1,"property":"all","property_id":8,"result":"ack","response_messages":2"#
        ),
        "{heard:#?}"
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_password_is_seen_and_not_kept() {
    let reset = unicast(&[0, 5, 2, 20, 0x09, 1, 0x1d, 7, 0, b's', b'e', b'c', b'r', b'e', b't']);
    let heard = play(&on_port(), &[Event::Up(&reset)]);

    assert!(transactions(&heard)[0].contains(r#""state":1,"password_seen":true"#), "{heard:#?}");
    assert!(!format!("{heard:?}").contains("secret"));
}

#[test]
fn the_lower_layers_are_told() {
    let register = link(5, &[0, 30]);
    let result = link(0, &[0, 0x30]);
    let router = link(11, &[1, 0x80, 0, 0, 9]);
    let heard = play(&on_port(), &[Event::Up(&register), Event::Down(&result), Event::Up(&router)]);

    let all = transactions(&heard);
    assert!(all[0].contains(r#""kind":"link","service":"register_foreign_device""#));
    assert!(all[1].contains(r#""error_code":48"#));
    assert!(all[2].contains(r#""kind":"network","service":"who_is_router_to_network""#));
}

#[test]
fn flaws_are_counted() {
    let read = unicast(READ);
    for (bytes, anomaly) in [
        (read[..9].to_vec(), "malformed_link"),
        (link(10, &[2, 0, 0x10, 8]), "malformed_network"),
        (link(10, &[1, 0, 0xf0]), "malformed_message"),
        (unicast(&[0x10, 8, 0x0d]), "malformed_arguments"),
        (unicast(&[0x10, 8, 0x1f]), "malformed_arguments"),
        (unicast(&[0x20, 9, 15]), "unsolicited_answer"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&read), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("bacnet.{anomaly}")], "{heard:#?}");
    }
}

#[test]
fn only_so_many_requests_wait() {
    let requests: Vec<_> = (0..40u8).map(|n| unicast(&[&[0, 5, n], &READ[3..]].concat())).collect();
    let events: Vec<_> = requests.iter().map(|r| Event::Up(r)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["bacnet.too_many_pending"; 8]);
    assert_eq!(heard.transactions.len(), 40);
}

#[test]
fn elsewhere_a_whole_service_is_needed() {
    let entry = registry::by_name("bacnet").unwrap();
    let probe = |port: u16, data: &[u8]| testing::probe(entry, &flow(Transport::Udp, port), data);

    for port in [47_808, 9999] {
        assert_eq!(probe(port, &unicast(READ)), Probe::Certain);
        assert_eq!(probe(port, &unicast(READ)[..8]), Probe::No);
        assert_eq!(probe(port, &link(5, &[0, 30])) == Probe::Certain, port == 47_808);
        let mut random = Random::new(47);
        for _ in 0..20_000 {
            let octets = [&[0x81, 10][..], &random.octets(120)].concat();
            assert_ne!(probe(port, &octets), Probe::Certain, "{octets:?}");
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_message() {
    let read = unicast(READ);
    let heard = play_wanting(&on_port(), &[Event::Up(&read)], Wants::default());

    assert_eq!(heard.path, ["bacnet"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn datagrams_cut_or_lost_anywhere_do_no_harm() {
    let read = unicast(READ);
    let told = unicast(&[0x30, 1, 12, 0x0c, 0, 0, 0, 3, 0x19, 85, 0x3e, 0x44, 0x42, 0, 0, 0, 0x3f]);
    torture(&on_port(), &[Event::Up(&read), Event::Down(&told)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("bacnet").unwrap(), Transport::Udp, 47_808, &input);
    }

    #[test]
    fn no_message_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
        let (one, two) = (link(10, &[&[1, 0], &input[..]].concat()), link(11, &input));
        play(&on_port(), &[Event::Up(&one), Event::Down(&two), Event::Down(&one)]);
    }
}

//! NGAP and what phones say inside, as the engine drives them.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn on_port() -> Flow {
    flow(Transport::Sctp, 38_412)
}

fn message(kind: u8, procedure: u8, elements: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = vec![0];
    body.extend_from_slice(&(elements.len() as u16).to_be_bytes());
    for (id, value) in elements {
        body.extend_from_slice(&id.to_be_bytes());
        body.push(0x40);
        body.push(value.len() as u8);
        body.extend_from_slice(value);
    }
    let mut out = vec![kind, procedure, 0];
    if body.len() < 128 {
        out.push(body.len() as u8);
    } else {
        out.extend_from_slice(&(0x8000 | body.len() as u16).to_be_bytes());
    }
    out.extend_from_slice(&body);
    out
}

const AMF: (u16, &[u8]) = (10, &[0x20, 1, 2]);
const RAN: (u16, &[u8]) = (85, &[0x00, 9]);

fn nas(octets: &[u8]) -> Vec<u8> {
    [&[octets.len() as u8][..], octets].concat()
}

fn transactions<'a>(heard: &'a Heard, proto: &str) -> Vec<&'a str> {
    let of = heard.transactions.iter().filter(|(p, _)| p == proto);
    of.map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_base_station_comes_up() {
    let ask = message(0, 21, &[(27, &[0, 0, 0xf1, 0x10, 0, 0, 1]), (82, b"\x01\x80gnb1")]);
    let tell = message(0x20, 21, &[(1, b"\x01\x00amf")]);
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&tell)]);

    assert_eq!(heard.path, ["ngap"]);
    assert_eq!(
        transactions(&heard, "ngap"),
        [concat!(
            r#"{"procedure_code":21,"procedure":"ng_setup","successful":true,"#,
            r#""plmn":"001-01","ran_node_name":"gnb1","amf_name":"amf","elements":2,"#,
            r#""response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_registration_is_told_in_both_names() {
    let register = nas(&[0x7e, 0, 0x41, 0x79, 0, 3, 1, 0, 0xf1]);
    let protected = nas(&[0x7e, 3, 1, 2, 3, 4, 5, 0x7e, 0, 0x5d, 2]);
    let session = nas(&[0x7e, 2, 1, 2, 3, 4, 6, 0x7e, 0, 0x67, 1, 0, 4, 0x2e, 5, 1, 0xc1]);
    let noise = nas(&[0x7e, 2, 1, 2, 3, 4, 7, 9, 9, 9]);
    let initial = message(0, 15, &[RAN, (38, &register)]);
    let down = message(0, 4, &[AMF, RAN, (38, &protected)]);
    let up = message(0, 46, &[AMF, RAN, (38, &session)]);
    let more = message(0, 46, &[AMF, RAN, (38, &noise)]);
    let heard = play(
        &on_port(),
        &[Event::Up(&initial), Event::Down(&down), Event::Up(&up), Event::Up(&more)],
    );

    assert_eq!(heard.path, ["ngap", "nas_5g"]);
    assert_eq!(
        transactions(&heard, "nas_5g"),
        [
            concat!(
                r#"{"message":"registration_request","message_type":65,"from_network":false,"#,
                r#""security":"plain","identity_type":1}"#
            ),
            concat!(
                r#"{"message":"security_mode_command","message_type":93,"from_network":true,"#,
                r#""security":"integrity_new_context"}"#
            ),
            concat!(
                r#"{"message":"nas_transport_up","message_type":103,"from_network":false,"#,
                r#""security":"ciphered"}"#
            ),
            concat!(
                r#"{"message":"pdu_session_establishment_request","message_type":193,"#,
                r#""from_network":false,"security":"plain","pdu_session_id":5,"#,
                r#""procedure_transaction_id":1}"#
            ),
            r#"{"message":"ciphered","from_network":false,"security":"ciphered"}"#,
        ]
    );
    assert_eq!(
        transactions(&heard, "ngap")[1],
        concat!(
            r#"{"procedure_code":4,"procedure":"downlink_nas_transport","amf_ue_id":258,"#,
            r#""ran_ue_id":9,"elements":3}"#
        )
    );
    let (_, seen) = &heard.messages[3];
    assert_eq!(
        seen,
        concat!(
            r#"{"protocol_discriminator":126,"message_type":93,"security_type":3,"#,
            r#""message_authentication_code":16909060,"sequence_number":5}"#
        )
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_failure_tells_its_cause() {
    let both = message(0, 41, &[(114, &[0x02, 1, 2, 0, 9])]);
    let done = message(0x20, 41, &[AMF, RAN]);
    let heard = play(&on_port(), &[Event::Down(&both), Event::Up(&done)]);
    assert!(
        transactions(&heard, "ngap")[0]
            .contains(r#""amf_ue_id":258,"ran_ue_id":9,"successful":true"#)
    );

    let ask = message(0, 14, &[AMF, RAN]);
    for (value, words) in [
        (&[0x02u8, 0x40][..], r#""cause_group":"radio","cause":9"#),
        (&[0x84], r#""cause_group":"misc","cause":2"#),
        (&[0x48], r#""cause_group":"nas","cause":2"#),
    ] {
        let fail = message(0x40, 14, &[AMF, RAN, (15, value)]);
        let heard = play(&on_port(), &[Event::Down(&ask), Event::Up(&fail)]);
        assert!(transactions(&heard, "ngap")[0].contains(r#""successful":false"#));
        assert!(transactions(&heard, "ngap")[0].contains(words), "{heard:#?}");
    }
}

#[test]
fn flaws_are_counted() {
    let first = message(0, 14, &[AMF, RAN]);
    for (bytes, anomaly) in [
        (first[..9].to_vec(), "ngap.malformed_message"),
        (message(0, 99, &[AMF, RAN]), "ngap.unknown_procedure"),
        (message(0, 14, &[(10, &[0xe0, 1])]), "ngap.malformed_element"),
        (message(0, 4, &[(38, &[9, 1])]), "ngap.malformed_element"),
        (message(0, 4, &[(38, &nas(&[0x7e]))]), "nas_5g.malformed_message"),
        (message(0, 4, &[(38, &nas(&[7, 7]))]), "nas_5g.malformed_message"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&first), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [anomaly], "{heard:#?}");
    }
}

#[test]
fn only_so_many_procedures_wait() {
    let ask = message(0, 14, &[AMF, RAN]);
    let heard = play(&on_port(), &vec![Event::Down(&ask); 70]);

    assert_eq!(heard.anomalies, ["ngap.too_many_pending"; 6]);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn elsewhere_its_elements_must_tell() {
    let entry = registry::by_name("ngap").unwrap();
    let probe = |port: u16, data: &[u8]| testing::probe(entry, &flow(Transport::Sctp, port), data);

    assert_eq!(probe(9999, &message(0, 14, &[AMF, RAN])), Probe::Certain);
    assert_eq!(probe(9999, &message(0, 14, &[AMF])), Probe::No);
    assert_eq!(probe(38_412, &message(0, 14, &[AMF])), Probe::Certain);
    let mut random = Random::new(38);
    for port in [38_412, 9999] {
        for _ in 0..20_000 {
            let octets = [&[0, 14, 0][..], &random.octets(90)].concat();
            assert_ne!(probe(port, &octets), Probe::Certain, "{octets:?}");
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_a_phone() {
    let down = message(0, 4, &[AMF, RAN, (38, &nas(&[0x7e, 0, 0x5d]))]);
    let heard = play_wanting(&on_port(), &[Event::Down(&down)], Wants::default());

    assert_eq!(heard.path, ["ngap", "nas_5g"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn messages_cut_or_lost_anywhere_do_no_harm() {
    let down = message(0, 4, &[AMF, RAN, (38, &nas(&[0x7e, 0, 0x5d]))]);
    torture(&on_port(), &[Event::Down(&down), Event::Up(&message(0, 14, &[AMF, RAN]))]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("ngap").unwrap(), Transport::Sctp, 38_412, &input);
    }

    #[test]
    fn no_element_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..100), id in 0usize..7) {
        let id = [1u16, 10, 15, 27, 38, 82, 85][id];
        let (one, two) = (message(0, 21, &[(id, &input)]), message(0, 4, &[(38, &nas(&input))]));
        play(&on_port(), &[Event::Up(&one), Event::Down(&two)]);
    }
}

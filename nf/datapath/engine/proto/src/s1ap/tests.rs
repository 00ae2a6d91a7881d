//! S1AP as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Direction, Flow, Probe, Wants, registry};

fn on_port() -> Flow {
    flow(Transport::Sctp, 36_412)
}

fn message(kind: u8, procedure: u8, elements: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = vec![0];
    body.extend_from_slice(&(elements.len() as u16).to_be_bytes());
    for (id, value) in elements {
        body.extend_from_slice(&id.to_be_bytes());
        body.extend_from_slice(&[0, value.len() as u8]);
        body.extend_from_slice(value);
    }
    let mut out = vec![kind, procedure, 0];
    out.extend_from_slice(&(0x8000 | body.len() as u16).to_be_bytes());
    out.extend_from_slice(&body);
    out
}

const MME_UE: (u16, &[u8]) = (0, &[0x40, 1, 2]);
const ENB_UE: (u16, &[u8]) = (8, &[0x00, 9]);
const ATTACH: &[u8] = &[12, 7, 0x41, 0x71, 8, 0x09, 0x10, 0x10, 0x10, 0x32, 0x54, 0x76, 0x98];

/// A context's bearer 5 of class 9 and priority 8, from 192.0.2.9, tunnel 258.
fn bearer(options: u8, nas: &[u8]) -> Vec<u8> {
    let item =
        [&[options | 0x05, 0, 9, 0x20, 0x0f, 0x80, 192, 0, 2, 9, 0, 0, 1, 2][..], nas].concat();
    [&[0, 0, 52, 0x40, item.len() as u8][..], &item].concat()
}

/// The other end of it: 192.0.2.8, tunnel 772.
const BEARER_DONE: &[u8] = &[0, 0, 50, 0x40, 10, 0x0a, 0x1f, 192, 0, 2, 8, 0, 0, 3, 4];

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_base_station_comes_up() {
    let ask = message(0, 17, &[(59, &[0, 0, 0xf1, 0x10, 0, 0, 0x01, 0x20]), (60, b"\x01\x80enb1")]);
    let tell = message(
        0x20,
        17,
        &[(61, b"\x01\x00mme"), (105, &[0, 0, 0, 0xf1, 0x10, 0, 0, 0x80, 1, 0, 7])],
    );
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&tell)]);

    assert_eq!(heard.path, ["s1ap"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"procedure_code":17,"procedure":"s1_setup","successful":true,"plmn":"001-01","#,
            r#""enb_id":18,"enb_name":"enb1","mme_id":8388871,"mme_name":"mme","#,
            r#""response_us":1000}"#
        )]
    );
    assert_eq!(
        heard.messages[0].1,
        concat!(
            r#"{"procedure_code":17,"pdu_present":1,"enb_id":18,"enb_name":"enb1","#,
            r#""enb_ipv4":"192.0.2.1","mme_ipv4":"192.0.2.2","procedure":"s1_setup"}"#
        )
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_subscriber_gets_a_bearer_and_an_address() {
    let initial = message(0, 12, &[ENB_UE, (26, ATTACH), (96, &[0, 0, 0, 0, 0, 5])]);
    let accept = [
        &[30, 0x27, 1, 2, 3, 4, 5, 7, 0x42, 1, 0x49, 1, 0, 0, 17][..],
        &[0x52, 1, 0xc1, 1, 9, 4, 3, b'n', b'e', b't', 5, 1, 10, 0, 0, 7, 0],
    ]
    .concat();
    let accept = [&[(accept.len() - 1) as u8][..], &accept[1..]].concat();
    let ask = message(0, 9, &[MME_UE, ENB_UE, (24, &bearer(0x40, &accept))]);
    let tell = message(0x20, 9, &[MME_UE, ENB_UE, (51, BEARER_DONE)]);
    let heard = play(&on_port(), &[Event::Up(&initial), Event::Down(&ask), Event::Up(&tell)]);

    assert_eq!(
        transactions(&heard),
        [
            concat!(
                r#"{"procedure_code":12,"procedure":"initial_ue_message","enb_ue_id":9,"#,
                r#""imsi":"001010123456789","m_tmsi":5,"nas_type":65}"#
            ),
            concat!(
                r#"{"procedure_code":9,"procedure":"initial_context_setup","mme_ue_id":258,"#,
                r#""enb_ue_id":9,"successful":true,"ue_ipv4":"10.0.0.7","nas_type":66,"#,
                r#""bearers":[{"id":5,"qci":9,"priority_level":8,"core_address":"192.0.2.9","#,
                r#""core_teid":258,"enb_address":"192.0.2.8","enb_teid":772}],"#,
                r#""response_us":1000}"#
            ),
        ]
    );
    assert!(heard.messages[1].1.contains(r#""gtp_teid":258,"qci":9,"priority_level":8"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_release_tells_its_cause() {
    let ask = message(0, 23, &[(2, &[0x02, 0x80])]);
    let heard = play(&on_port(), &[Event::Down(&ask)]);
    assert!(transactions(&heard)[0].contains(r#""cause_group":"radio","cause":20"#), "{heard:#?}");

    let both = message(0, 23, &[(99, &[0x04, 1, 2, 0, 9]), (2, &[0x02, 0x80])]);
    let done = message(0x20, 23, &[MME_UE, ENB_UE]);
    let heard = play(&on_port(), &[Event::Down(&both), Event::Up(&done)]);
    assert!(transactions(&heard)[0].contains(r#""mme_ue_id":258,"enb_ue_id":9,"successful":true"#));

    let fail = message(0x40, 9, &[MME_UE, ENB_UE, (2, &[0x24])]);
    let heard = play(&on_port(), &[Event::Up(&fail)]);
    assert!(
        transactions(&heard)[0].contains(r#""successful":false,"cause_group":"nas","cause":2"#)
    );
}

#[test]
fn flaws_are_counted() {
    let first = message(0, 9, &[MME_UE, ENB_UE]);
    for (bytes, anomaly) in [
        (first[..9].to_vec(), "malformed_message"),
        (message(0, 99, &[MME_UE]), "unknown_procedure"),
        (message(0, 9, &[(0, &[0xc0, 1])]), "malformed_element"),
        (message(0, 11, &[(26, &[9, 7])]), "malformed_element"),
        (message(0, 9, &[(24, &[3, 0, 52])]), "malformed_element"),
        (message(0x20, 9, &[(51, &BEARER_DONE[..9])]), "malformed_element"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&first), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("s1ap.{anomaly}")], "{heard:#?}");
    }
}

#[test]
fn only_so_many_procedures_wait() {
    let ask = message(0, 9, &[MME_UE, ENB_UE]);
    let heard = play(&on_port(), &vec![Event::Down(&ask); 70]);

    assert_eq!(heard.anomalies, ["s1ap.too_many_pending"; 6]);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn elsewhere_its_elements_must_tell() {
    let entry = registry::by_name("s1ap").unwrap();
    let probe = |port: u16, data: &[u8]| testing::probe(entry, &flow(Transport::Sctp, port), data);

    assert_eq!(probe(9999, &message(0, 9, &[MME_UE, ENB_UE])), Probe::Certain);
    assert_eq!(probe(9999, &message(0, 9, &[MME_UE])), Probe::No);
    assert_eq!(probe(36_412, &message(0, 9, &[MME_UE])), Probe::Certain);
    let mut random = Random::new(36);
    for port in [36_412, 9999] {
        for _ in 0..20_000 {
            let octets = [&[0, 9, 0][..], &random.octets(90)].concat();
            assert_ne!(probe(port, &octets), Probe::Certain, "{octets:?}");
        }
    }
}

#[test]
fn elsewhere_what_sctp_says_tells_it_from_its_sisters() {
    let said = message(0, 9, &[MME_UE]);
    let path = |ppid| {
        let events = [Event::Message(Direction::Up, ppid, &said)];
        play(&flow(Transport::Sctp, 9999), &events).path
    };

    assert_eq!(path(18), ["s1ap"]);
    assert_eq!(path(0), [""; 0]);
    assert_eq!(path(60), ["ngap"]);
    // Between base stations: known by name.
    assert_eq!(path(27), ["x2ap"]);
    let unlike = [Event::Message(Direction::Up, 18, b"nothing like it")];
    assert_eq!(play(&flow(Transport::Sctp, 9999), &unlike).path, [""; 0]);
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_message() {
    let ask = message(0, 9, &[MME_UE, ENB_UE]);
    let heard = play_wanting(&on_port(), &[Event::Down(&ask)], Wants::default());

    assert_eq!(heard.path, ["s1ap"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn messages_cut_or_lost_anywhere_do_no_harm() {
    let ask = message(0, 9, &[MME_UE, ENB_UE, (24, &bearer(0, b""))]);
    let tell = message(0x20, 9, &[MME_UE, ENB_UE, (51, BEARER_DONE)]);
    torture(&on_port(), &[Event::Down(&ask), Event::Up(&tell)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("s1ap").unwrap(), Transport::Sctp, 36_412, &input);
    }

    #[test]
    fn no_element_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..100), at in 0usize..11) {
        let id = [0u16, 2, 8, 16, 24, 26, 28, 51, 59, 60, 105][at];
        let (one, two) = (message(0, 17, &[(id, &input)]), message(0, 9, &[(24, &bearer(0x40, &input))]));
        play(&on_port(), &[Event::Up(&one), Event::Down(&two)]);
    }
}

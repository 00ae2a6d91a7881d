//! IEC 104 as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

const START_ACT: &[u8] = &[0x68, 4, 7, 0, 0, 0];
const START_CON: &[u8] = &[0x68, 4, 0x0b, 0, 0, 0];

fn on_port() -> Flow {
    flow(Transport::Tcp, 2404)
}

fn numbered(sent: u16, received: u16, asdu: &[u8]) -> Vec<u8> {
    let mut out = vec![0x68, (asdu.len() as u8).wrapping_add(4)];
    out.extend_from_slice(&(sent << 1).to_le_bytes());
    out.extend_from_slice(&(received << 1).to_le_bytes());
    out.extend_from_slice(asdu);
    out
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

fn started(said: &[Event<'_>]) -> Heard {
    let mut events = vec![Event::Up(START_ACT), Event::Down(START_CON)];
    events.extend_from_slice(said);
    play(&on_port(), &events)
}

#[test]
fn a_start_is_reported_with_its_confirmation() {
    let heard = started(&[]);

    assert_eq!(heard.path, ["iec104"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"kind":"control","type_name":"startdt_act","confirmed":true,"#,
            r#""response_us":1000}"#
        )]
    );
    assert_eq!(heard.messages[0].1, r#"{"kind":"u","function":"startdt_act"}"#);
    for (act, con) in [(0x13, 0x23), (0x43, 0x83)] {
        let heard =
            started(&[Event::Down(&[0x68, 4, act, 0, 0, 0]), Event::Up(&[0x68, 4, con, 0, 0, 0])]);
        assert!(transactions(&heard)[1].contains(r#""confirmed":true"#), "{heard:#?}");
    }
}

#[test]
fn a_command_is_reported_with_its_confirmation_and_end() {
    let command = |cause: u8| vec![45, 1, cause, 0, 5, 0, 0x10, 0x27, 0, 1];
    let (act, con, term) =
        (numbered(0, 0, &command(6)), numbered(0, 1, &command(7)), numbered(1, 1, &command(10)));
    let heard = started(&[Event::Up(&act), Event::Down(&con), Event::Down(&term)]);

    assert_eq!(
        transactions(&heard)[1],
        concat!(
            r#"{"kind":"command","type_name":"c_sc_na_1","type_id":45,"cause":6,"#,
            r#""cause_name":"activation","originator":0,"common_address":5,"objects":1,"#,
            r#""object":10000,"value":1,"quality":0,"confirmed":true,"terminated":true,"#,
            r#""response_us":1000,"duration_us":2000}"#
        )
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn refused_and_selecting_commands_end_with_their_confirmation() {
    for (value, cause) in [(1u8, 0x47u8), (0x81, 7), (1, 0x6e)] {
        let act = numbered(0, 0, &[45, 1, 6, 0, 5, 0, 1, 0, 0, value]);
        let con = numbered(0, 1, &[45, 1, cause, 0, 5, 0, 1, 0, 0, value]);
        let heard = started(&[Event::Up(&act), Event::Down(&con)]);
        let confirmed = format!(r#""confirmed":{}"#, cause == 7);
        assert!(transactions(&heard)[1].contains(&confirmed), "{heard:#?}");
        assert_eq!(heard.anomalies, [""; 0]);
    }
}

#[test]
fn a_command_to_all_stations_and_a_read_find_their_answers() {
    let act = numbered(0, 0, &[100, 1, 6, 0, 0xff, 0xff, 0, 0, 0, 20]);
    let con = numbered(0, 1, &[100, 1, 7, 0, 5, 0, 0, 0, 0, 20]);
    let term = numbered(1, 1, &[100, 1, 10, 0, 5, 0, 0, 0, 0, 20]);
    let read = numbered(1, 2, &[102, 1, 5, 0, 5, 0, 9, 0, 0]);
    let told = numbered(2, 2, &[1, 1, 5, 0, 5, 0, 9, 0, 0, 1]);
    let heard = started(&[
        Event::Up(&act),
        Event::Down(&con),
        Event::Down(&term),
        Event::Up(&read),
        Event::Down(&told),
    ]);

    let all = transactions(&heard);
    assert!(all[1].contains(r#""confirmed":true,"terminated":true"#), "{heard:#?}");
    assert!(
        all[2].contains(r#""type_name":"c_rd_na_1""#) && all[2].contains(r#""confirmed":true"#)
    );
    assert!(all[3].contains(r#""kind":"report""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn reports_tell_values() {
    for (asdu, words) in [
        (
            &[13u8, 1, 3, 0, 5, 0, 1, 0, 0, 0, 0, 0xc0, 0x3f, 0x80][..],
            r#""value":1.5,"quality":128"#,
        ),
        (
            &[11, 0x82, 1, 0, 5, 0, 1, 0, 0, 0xff, 0xff, 0, 2, 0, 0],
            r#""objects":2,"object":1,"value":-1"#,
        ),
        (&[9, 1, 3, 0, 5, 0, 1, 0, 0, 0, 0x40, 0], r#""value":0.5"#),
        (&[5, 1, 3, 0, 5, 0, 1, 0, 0, 0x7f, 0], r#""value":-1"#),
        (&[15, 1, 37, 0, 5, 0, 1, 0, 0, 7, 0, 0, 0, 0], r#""cause_name":"counter_interrogation""#),
        (&[70, 1, 4, 0, 5, 0, 0, 0, 0, 1], r#""type_name":"m_ei_na_1""#),
    ] {
        let report = numbered(0, 0, asdu);
        let heard = started(&[Event::Down(&report)]);
        assert!(transactions(&heard)[1].contains(words), "{words} {heard:#?}");
        assert_eq!(heard.anomalies, [""; 0], "{words}");
    }
}

#[test]
fn flaws_are_counted() {
    let report = [1u8, 1, 3, 0, 5, 0, 1, 0, 0, 1];
    let first = numbered(0, 0, &report);
    for (bytes, anomaly) in [
        (numbered(7, 0, &report), "sequence_gap"),
        (numbered(1, 0, &report[..9]), "malformed_asdu"),
        (numbered(1, 0, &[1, 1]), "malformed_asdu"),
        (numbered(1, 0, &[99, 1, 3, 0, 5, 0, 1, 0, 0]), "unknown_type"),
        (numbered(1, 0, &[1, 1, 63, 0, 5, 0, 1, 0, 0, 1]), "unknown_cause"),
        (numbered(1, 0, &[45, 1, 7, 0, 5, 0, 1, 0, 0, 1]), "unsolicited_confirmation"),
        ([&b"ab"[..], &numbered(1, 0, &report)].concat(), "invalid_header"),
    ] {
        let heard = started(&[Event::Down(&first), Event::Down(&bytes)]);
        assert_eq!(heard.anomalies, [format!("iec104.{anomaly}")], "{heard:#?}");
    }
    let heard = started(&[Event::Down(&first), Event::Up(&[0x68, 4, 1, 0, 8, 0])]);
    assert_eq!(heard.anomalies, ["iec104.acknowledges_unsent"]);
}

#[test]
fn only_so_many_commands_wait() {
    let commands: Vec<_> =
        (0..40u8).map(|n| numbered(n.into(), 0, &[45, 1, 6, 0, 5, 0, n, 0, 0, 1])).collect();
    let events: Vec<_> = commands.iter().map(|c| Event::Up(c)).collect();
    let heard = started(&events);

    assert_eq!(heard.anomalies, ["iec104.too_many_pending"; 8]);
    assert_eq!(heard.transactions.len(), 41);
}

#[test]
fn after_a_loss_numbers_begin_anew() {
    let first = numbered(0, 0, &[1, 1, 3, 0, 5, 0, 1, 0, 0, 1]);
    let tail = [&[1u8, 2][..], &numbered(9, 0, &[1, 1, 3, 0, 5, 0, 2, 0, 0, 1])].concat();
    let heard = started(&[Event::Down(&first), Event::LostDown(50), Event::Down(&tail)]);

    assert!(transactions(&heard)[2].contains(r#""object":2"#), "{heard:#?}");
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn elsewhere_only_a_start_is_certain() {
    let entry = registry::by_name("iec104").unwrap();
    let elsewhere = flow(Transport::Tcp, 12_404);
    let report = numbered(0, 0, &[1, 1, 3, 0, 5, 0, 1, 0, 0, 1]);
    let probe = |data: &[u8]| testing::probe(entry, &elsewhere, data);

    assert_eq!(probe(START_ACT), Probe::Certain);
    assert_eq!(probe(&START_ACT[..4]), Probe::Unsure);
    assert_eq!(probe(&report), Probe::No);
    assert_eq!(testing::probe(entry, &on_port(), &report), Probe::Certain);
    assert_eq!(testing::probe(entry, &on_port(), &[0x68, 4, 1, 0, 8, 0]), Probe::Unsure);
    assert_eq!(probe(&[0x68, 4, 9, 0, 0, 0]), Probe::No);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("iec104").unwrap();
    let mut random = Random::new(104);
    for port in [2404, 9999] {
        for _ in 0..20_000 {
            let octets = random.octets(120);
            let said = testing::probe(entry, &flow(Transport::Tcp, port), &octets);
            assert_ne!(said, Probe::Certain, "{octets:?}");
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_apdu() {
    let heard = play_wanting(&on_port(), &[Event::Up(START_ACT)], Wants::default());

    assert_eq!(heard.path, ["iec104"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn segments_cut_or_lost_anywhere_do_no_harm() {
    let report = [numbered(0, 0, &[1, 1, 3, 0, 5, 0, 1, 0, 0, 1]), START_ACT.to_vec()].concat();
    torture(&on_port(), &[Event::Up(START_ACT), Event::Down(START_CON), Event::Down(&report)])
        .unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("iec104").unwrap(), Transport::Tcp, 2404, &input);
    }

    #[test]
    fn no_asdu_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..240), n: u16) {
        let apdu = numbered(n & 0x7fff, n & 0x7fff, &input);
        started(&[Event::Up(&apdu), Event::Down(&apdu)]);
    }
}

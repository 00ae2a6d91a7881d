//! PTP as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn general() -> Flow {
    flow(Transport::Udp, 320)
}

fn message(kind: u8, control: u8, clock: u8, sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 2, 0, (body.len() as u8).wrapping_add(34), 5, 0, 2, 0];
    out.extend_from_slice(&[0, 0, 0, 0, 0, 7, 0, 0]);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[0, 0, 0, 0xff, 0xfe, 0, 0, clock, 0, 1, 0, sequence, control, 0]);
    out.extend_from_slice(body);
    out
}

const TIME: &[u8] = &[0, 0, 0x65, 0x53, 0xf1, 0, 0, 0, 0, 9];

fn announce(clock: u8, sequence: u8, master: u8) -> Vec<u8> {
    let rest =
        [0, 37, 0, 128, 6, 0x21, 0x4e, 0x5d, 127, 1, 2, 3, 0xff, 0xfe, 5, 6, master, 0, 1, 0x20];
    message(11, 5, clock, sequence, &[TIME, &rest].concat())
}

fn sync(sequence: u8) -> Vec<u8> {
    message(0, 0, 1, sequence, TIME)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_clock_tells_its_grandmaster() {
    let (one, two) = (announce(1, 4, 9), announce(1, 5, 9));
    let follow = message(8, 2, 1, 77, TIME);
    let heard = play(&general(), &[Event::Up(&one), Event::Up(&two), Event::Up(&follow)]);

    assert_eq!(heard.path, ["ptp"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"version":2,"domain":5,"clock_identity":"000000fffe000001","clock_port":1,"#,
            r#""grandmaster_identity":"010203fffe050609","priority1":128,"priority2":127,"#,
            r#""clock_class":6,"clock_accuracy":33,"time_source":32,"steps_removed":1,"#,
            r#""utc_offset_s":37,"announces":2,"syncs":0,"follow_ups":1,"delay_requests":0,"#,
            r#""delay_responses":0,"others":0}"#
        )]
    );
    assert_eq!(
        heard.messages[2].1,
        concat!(
            r#"{"version":2,"message_type":8,"message":"follow_up","domain":5,"sequence":77,"#,
            r#""clock_identity":1099478073345,"clock_port":1,"correction_ns":7,"#,
            r#""timestamp_s":1700000000,"timestamp_ns":9}"#
        )
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn syncs_and_delays_are_counted_per_clock() {
    let events = flow(Transport::Udp, 319);
    let ask = message(1, 1, 2, 9, TIME);
    let peer = message(2, 5, 2, 1, &[TIME, TIME].concat());
    let heard = play(
        &events,
        &[Event::Up(&sync(1)), Event::Up(&sync(2)), Event::Up(&ask), Event::Up(&peer)],
    );

    assert!(transactions(&heard)[0].contains(r#""two_step":true"#));
    assert!(transactions(&heard)[0].contains(r#""syncs":2"#));
    assert!(transactions(&heard)[1].contains(r#""delay_requests":2"#));
}

#[test]
fn flaws_are_counted() {
    let first = announce(1, 4, 9);
    for (bytes, anomaly) in [
        (first[..50].to_vec(), "malformed_message"),
        (message(7, 5, 1, 1, TIME), "unknown_message"),
        (announce(1, 9, 9), "sequence_gap"),
        (announce(2, 1, 8), "several_grandmasters"),
    ] {
        let heard = play(&general(), &[Event::Up(&first), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("ptp.{anomaly}")], "{heard:#?}");
    }
}

#[test]
fn only_so_many_clocks_are_kept() {
    let all: Vec<_> = (0..30).map(|clock| announce(clock, 1, 9)).collect();
    let events: Vec<_> = all.iter().map(|m| Event::Up(m)).collect();
    let heard = play(&general(), &events);

    assert_eq!(heard.transactions.len(), 16);
    assert_eq!(heard.anomalies, ["ptp.too_many_clocks"]);
}

#[test]
fn elsewhere_every_field_must_fit() {
    let entry = registry::by_name("ptp").unwrap();
    let probe = |port: u16, data: &[u8]| testing::probe(entry, &flow(Transport::Udp, port), data);

    assert_eq!(probe(9999, &sync(1)), Probe::Certain);
    assert_eq!(probe(9999, &message(0, 9, 1, 1, TIME)), Probe::No);
    assert_eq!(probe(319, &message(0, 9, 1, 1, TIME)), Probe::Certain);
    assert_eq!(probe(319, &sync(1)[..40]), Probe::No);
    let mut random = Random::new(319);
    for port in [319, 9999] {
        for _ in 0..20_000 {
            assert_ne!(probe(port, &random.octets(120)), Probe::Certain);
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_message() {
    let heard = play_wanting(&general(), &[Event::Up(&announce(1, 1, 1))], Wants::default());

    assert_eq!(heard.path, ["ptp"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn datagrams_cut_or_lost_anywhere_do_no_harm() {
    torture(&general(), &[Event::Up(&announce(1, 4, 9)), Event::Up(&sync(1))]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("ptp").unwrap(), Transport::Udp, 319, &input);
    }
}

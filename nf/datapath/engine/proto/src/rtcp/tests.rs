//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, torture};
use crate::{Flow, Probe};

fn entry() -> &'static Entry {
    registry::by_name("rtcp").expect("registered")
}

fn ports() -> Flow {
    flow(Transport::Udp, 16_385)
}

fn control(count: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let words = (body.len() / 4) as u16;
    [&[0x80 | count, kind][..], &words.to_be_bytes(), body].concat()
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

fn name(ssrc: u32) -> Vec<u8> {
    let body = [&ssrc.to_be_bytes()[..], b"\x01\x09a@b.local\0"].concat();
    control(1, 202, &body)
}

/// Of stream 7 at NTP time 0x11112222.33334444, with a name.
pub(crate) fn sender_report() -> Vec<u8> {
    let body = words(&[7, 0x1111_2222, 0x3333_4444, 160, 50, 8000]);
    [control(0, 200, &body), name(7)].concat()
}

/// Of reporter 9 about stream 7: a quarter lost, held for half a millisecond.
fn receiver_report() -> Vec<u8> {
    let body = words(&[9, 7, 0x4000_0003, 1000, 80, 0x2222_3333, 33]);
    [control(1, 201, &body), name(9)].concat()
}

fn hear(events: &[Event<'_>]) -> Heard {
    play(&ports(), events)
}

#[test]
fn each_reporter_is_reported_with_what_it_said() {
    let heard = hear(&[Event::Up(&sender_report()), Event::Down(&receiver_report())]);

    assert_eq!(heard.path, ["rtcp"]);
    let said: Vec<_> = heard.transactions.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(
        said,
        [
            r#"{"ssrc":7,"cname":"a@b.local","reports":1,"packets_sent":50,"octets_sent":8000,"bye":false,"encrypted":false}"#,
            r#"{"ssrc":9,"cname":"a@b.local","reports":1,"source":7,"lost":3,"loss_percent":25,"loss_percent_max":25,"jitter":80,"jitter_max":80,"rtt_us":497,"rtt_max_us":497,"bye":false,"encrypted":false}"#,
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn each_packet_of_a_compound_is_a_message() {
    let heard = hear(&[Event::Up(&sender_report())]);

    assert_eq!(heard.messages.len(), 2);
    assert_eq!(
        heard.messages[0].1,
        r#"{"packet_type":200,"kind":"sender_report","count":0,"length":28,"ssrc":7,"packets_sent":50,"octets_sent":8000}"#
    );
}

#[test]
fn goodbyes_and_measured_quality_are_kept() {
    let mut voice = words(&[9, 0x0700_0008, 7]);
    voice.extend([1, 2, 0, 0, 0, 0, 0, 0, 0, 30, 0, 40, 0, 0, 0, 16, 88, 127, 42, 41]);
    voice.extend([0; 8]);
    let extended = control(0, 207, &voice);
    let bye = control(1, 203, &[&9u32.to_be_bytes()[..], b"\x03off"].concat());
    let report = [receiver_report(), extended, bye].concat();

    let heard = hear(&[Event::Down(&report)]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""r_factor":88,"mos_lq":4.2,"mos_cq":4.1,"bye":true,"reason":"off""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn an_encrypted_report_tells_who_reports() {
    let mut sealed = control(1, 201, &words(&[9, 7, 1, 2, 3, 4, 5]));
    sealed[8..].fill(0xa7);
    sealed.extend([0x80, 0, 0, 1]);
    sealed.extend([0x3c; 10]);

    let heard = hear(&[Event::Up(&sealed), Event::Up(&sealed)]);

    assert_eq!(heard.path, ["rtcp"]);
    assert_eq!(heard.transactions[0].1, r#"{"ssrc":9,"reports":2,"bye":false,"encrypted":true}"#);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(hear(&[Event::Up(&sealed)]).path, [""; 0]);
}

#[test]
fn a_packet_shorter_than_what_it_counts_is_malformed() {
    let short = [receiver_report(), control(2, 203, &[0; 4])].concat();
    let heard = hear(&[Event::Up(&sender_report()), Event::Up(&short)]);

    assert_eq!(heard.path, ["rtcp"]);
    // What does not add up is taken for encrypted, of which only the front can be read.
    assert!(heard.transactions.iter().any(|(_, t)| t.contains(r#""encrypted":true"#)));
    let heard = hear(&[Event::Up(&sender_report()), Event::Up(&[0x81, 202, 0, 9, 0])]);
    assert_eq!(heard.anomalies, ["rtcp.malformed_packet", "rtcp.foreign_datagram"]);
}

#[test]
fn reporters_are_bounded() {
    let mut events = vec![sender_report()];
    for n in 0..40u32 {
        events.push([control(0, 201, &words(&[100 + n])), name(100 + n)].concat());
    }
    let events: Vec<_> = events.iter().map(|e| Event::Up(e)).collect();

    let heard = hear(&events);

    assert_eq!(heard.transactions.len(), 32);
    assert_eq!(heard.anomalies.len(), 9);
}

#[test]
fn nothing_breaks_where_datagrams_are_cut() {
    let events = [sender_report(), receiver_report()];
    torture(&ports(), &[Event::Up(&events[0]), Event::Down(&events[1])]).unwrap();
}

#[test]
fn other_octets_are_not_this_protocol() {
    let of = |data: &[u8]| testing::probe(entry(), &ports(), data);
    assert_eq!(of(&crate::rtp::tests::packet(7, 0, 1)), Probe::No);
    assert_eq!(of(&control(0, 201, &words(&[9]))), Probe::Unsure);
    assert_eq!(of(&control(0, 202, &words(&[9]))), Probe::No);
    let mut random = testing::Random::new(1220);
    for _ in 0..5_000 {
        let mut data = random.octets(300);
        data[0] = 0x80 | data[0] & 0x1f;
        assert_ne!(of(&data), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Udp, 16_385, &input);
    }
}

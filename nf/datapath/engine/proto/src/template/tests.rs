//! The protocol as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use super::Template;
use crate::registry::Entry;
use crate::testing::{self, Event, Heard, fuzz_one, play_with, torture_with};
use crate::{Probe, Wants};

/// A registered protocol leaves this out and calls `testing::play` and `testing::torture`.
static ENTRIES: &[Entry] = &[Entry::of::<Template>()];

const CARRIER: Transport = Transport::Tcp;
const PORT: u16 = 7001;

const EXCHANGE: &[Event<'_>] = &[
    Event::Up(b"TALLY 1 ADD apples 3\r\n"),
    Event::Down(b"TALLY 1 OK 12\r\n"),
    Event::Up(b"TALLY 2 ADD pears 1\r\nTALLY 3 ADD plums 9\r\n"),
    Event::Down(b"TALLY 3 NO none left\r\n"),
    Event::Down(b"TALLY 2 OK 1\r\n"),
];

fn play(events: &[Event<'_>]) -> Heard {
    let wants = Wants::EVERYTHING;
    play_with(ENTRIES, &testing::flow(CARRIER, PORT), events, wants)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn requests_are_reported_with_their_answers_in_the_order_of_these() {
    let heard = play(EXCHANGE);

    assert_eq!(heard.path, ["template"]);
    assert_eq!(
        transactions(&heard),
        [
            r#"{"tag":1,"name":"apples","count":3,"done":true,"total":12,"response_us":1000}"#,
            r#"{"tag":3,"name":"plums","count":9,"done":false,"reason":"none left","response_us":1000}"#,
            r#"{"tag":2,"name":"pears","count":1,"done":true,"total":1,"response_us":2000}"#,
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn each_line_is_a_message() {
    let heard = play(EXCHANGE);

    let messages: Vec<_> = heard.messages.iter().map(|(_, m)| m.as_str()).collect();
    assert_eq!(messages.len(), 6);
    assert_eq!(messages[0], r#"{"tag":1,"kind":"add","name":"apples","count":3}"#);
    assert_eq!(messages[4], r#"{"tag":3,"kind":"no","reason":"none left"}"#);
}

#[test]
fn an_unanswered_request_is_reported_at_the_end() {
    let heard = play(&EXCHANGE[..1]);

    assert_eq!(transactions(&heard), [r#"{"tag":1,"name":"apples","count":3}"#]);
}

#[test]
fn the_oldest_request_is_given_up_when_too_many_wait() {
    let lines: Vec<String> = (0..17).map(|n| format!("TALLY {n} ADD x 1\n")).collect();
    let events: Vec<_> = lines.iter().map(|l| Event::Up(l.as_bytes())).collect();

    let heard = play(&events);

    assert_eq!(heard.anomalies, ["template.too_many_pending"]);
    assert_eq!(heard.transactions.len(), 17);
    assert!(heard.transactions[0].1.contains(r#""tag":0"#));
}

#[test]
fn an_answer_nobody_asked_for_is_an_anomaly() {
    let heard = play(&[EXCHANGE[0].clone(), Event::Down(b"TALLY 9 OK 1\n")]);

    assert_eq!(heard.anomalies, ["template.unasked_answer"]);
}

#[test]
fn a_malformed_line_does_not_end_the_session() {
    let heard = play(&[EXCHANGE[0].clone(), Event::Down(b"what?\n"), EXCHANGE[1].clone()]);

    assert_eq!(heard.anomalies, ["template.malformed_line"]);
    assert!(heard.transactions[0].1.contains(r#""total":12"#));
}

#[test]
fn a_line_without_end_is_skipped() {
    let endless = [b'x'; 600];
    let heard = play(&[
        EXCHANGE[0].clone(),
        Event::Down(&endless),
        Event::Down(b"x\r\n"),
        EXCHANGE[1].clone(),
    ]);

    assert_eq!(heard.anomalies, ["template.line_too_long"]);
    assert!(heard.transactions[0].1.contains(r#""total":12"#));
}

#[test]
fn parsing_resumes_at_the_line_after_a_gap() {
    let heard = play(&[
        EXCHANGE[0].clone(),
        Event::LostDown(40),
        Event::Down(b"the end of a line\r\nTALLY 1 OK 12\r\n"),
    ]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(heard.transactions[0].1.contains(r#""total":12"#));
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    torture_with(ENTRIES, &testing::flow(CARRIER, PORT), EXCHANGE).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_line() {
    let flow = testing::flow(CARRIER, PORT);
    let heard = play_with(ENTRIES, &flow, EXCHANGE, Wants::default());

    assert_eq!(heard.path, ["template"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let flow = testing::flow(CARRIER, PORT);
    for data in
        [&b"GET / HTTP/1.1\r\n"[..], b"TALLY HO\r\n", b"TALLY 1 SUB x 1\n", b"\x16\x03\x01\x02\x00"]
    {
        assert_eq!(testing::probe(&ENTRIES[0], &flow, data), Probe::No);
    }
    let mut random = testing::Random::new(1);
    for _ in 0..2_000 {
        let data = random.octets(300);
        assert_ne!(testing::probe(&ENTRIES[0], &flow, &data), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(&ENTRIES[0], CARRIER, PORT, &input);
    }
}

//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::LostUp, Event::Up, Heard};
use crate::{Flow, Probe, registry};

fn flow(transport: Transport) -> Flow {
    testing::flow(transport, 514)
}

fn play(transport: Transport, events: &[Event<'_>]) -> Heard {
    testing::play(&flow(transport), events)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

const OLD: &[u8] = b"<34>Oct 11 22:14:15 heron su[42]: it failed";
const NEW: &[u8] = b"<165>1 2003-10-11T22:14:15.003Z heron app - ID47 [x@1 a=\"b\"] said";

#[test]
fn each_datagram_is_a_transaction() {
    let heard = play(Transport::Udp, &[Up(OLD), Up(NEW)]);

    assert_eq!(heard.path, ["syslog"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        records(&heard),
        [
            concat!(
                r#"{"priority":34,"facility":"auth","severity":"crit","#,
                r#""timestamp":"Oct 11 22:14:15","host":"heron","app_name":"su","proc_id":"42","#,
                r#""message":"it failed"}"#
            ),
            concat!(
                r#"{"priority":165,"facility":"local4","severity":"notice","version":1,"#,
                r#""timestamp":"2003-10-11T22:14:15.003Z","host":"heron","app_name":"app","#,
                r#""msg_id":"ID47","structured_data":"[x@1 a=\"b\"]","message":"said"}"#
            ),
        ]
    );
    assert_eq!(heard.messages.len(), 2);
    assert_eq!(heard.messages[0].1, records(&heard)[0]);
}

fn framed(message: &[u8]) -> Vec<u8> {
    [message.len().to_string().as_bytes(), b" ", message].concat()
}

#[test]
fn streams_count_octets_or_end_lines() {
    let counted = [framed(NEW), framed(b"<13>two\nlines")].concat();
    let heard = play(Transport::Tcp, &[Up(&counted)]);
    assert_eq!(heard.path, ["syslog"]);
    assert_eq!(records(&heard).len(), 2);
    assert!(records(&heard)[1].contains(r#""message":"two\nlines""#));

    let lines = [OLD, b"\n", NEW, b"\n"].concat();
    let heard = play(Transport::Tcp, &[Up(&lines)]);
    assert_eq!(records(&heard).len(), 2);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    let counted = [framed(NEW), framed(OLD)].concat();
    let lines = [OLD, b"\n", NEW, b"\n"].concat();
    for port in [514, 9999] {
        let flow = testing::flow(Transport::Tcp, port);
        testing::torture(&flow, &[Up(&counted)]).unwrap();
        testing::torture(&flow, &[Up(&lines)]).unwrap();
    }
    testing::torture(&flow(Transport::Udp), &[Up(OLD), Up(NEW)]).unwrap();
}

#[test]
fn what_is_too_long_is_skipped_and_a_loss_survived() {
    let long = [OLD, &[b'x'; 20_000]].concat();
    let whole = [framed(OLD), framed(&long), framed(NEW)].concat();
    let heard = play(Transport::Tcp, &[Up(&whole[..10_000]), Up(&whole[10_000..])]);
    assert_eq!(records(&heard).len(), 3);
    assert_eq!(heard.anomalies, ["syslog.message_too_long"]);

    let line = [OLD, b"\n"].concat();
    let long = [long.as_slice(), b"\n"].concat();
    let heard = play(Transport::Tcp, &[Up(&line), Up(&long), LostUp(9), Up(b"half\n"), Up(&line)]);
    assert_eq!(records(&heard).len(), 3);
    assert_eq!(heard.anomalies, ["syslog.message_too_long"]);
}

#[test]
fn odd_messages_are_anomalies() {
    let heard = play(Transport::Udp, &[Up(OLD), Up(b"no priority"), Up(b"<13>1 not new")]);

    assert_eq!(heard.anomalies, ["syslog.priority_missing", "syslog.malformed_header"]);
    assert_eq!(records(&heard).len(), 2);
}

fn probe(data: &[u8], transport: Transport, port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(349)).unwrap();
    testing::probe(entry, &testing::flow(transport, port), data)
}

#[test]
fn the_probe_asks_for_a_time_elsewhere_than_on_its_port() {
    for transport in [Transport::Udp, Transport::Tcp] {
        assert_eq!(probe(OLD, transport, 9999), Probe::Certain);
        assert_eq!(probe(NEW, transport, 9999), Probe::Certain);
        assert_eq!(probe(b"<iq type='get'/>", transport, 514), Probe::No);
        assert_eq!(probe(b"GET / HTTP/1.1", transport, 514), Probe::No);
    }
    assert_eq!(probe(b"<13>some words", Transport::Udp, 514), Probe::Certain);
    assert_eq!(probe(b"<13>some words", Transport::Udp, 9999), Probe::No);
    assert_eq!(probe(b"<13>some words", Transport::Tcp, 514), Probe::Unsure);
    assert_eq!(probe(b"<13>some words of a longer kind", Transport::Tcp, 514), Probe::No);
    // The port of a remote shell, which begins with the number of another port.
    assert_eq!(probe(b"1022\0", Transport::Tcp, 514), Probe::No);
    assert_eq!(probe(b"<1", Transport::Tcp, 9999), Probe::Unsure);
}

#[test]
fn random_octets_are_not_syslog() {
    let mut random = testing::Random::new(349);
    for _ in 0..20_000 {
        let octets = random.octets(100);
        assert_ne!(probe(&octets, Transport::Udp, 514), Probe::Certain);
        assert_ne!(probe(&octets, Transport::Tcp, 514), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        for transport in [Transport::Udp, Transport::Tcp] {
            testing::fuzz_one(registry::by_id(ProtoId(349)).unwrap(), transport, 514, &input);
        }
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(picks in prop::collection::vec(0usize..12, 0..30)) {
        const WORDS: [&[u8]; 12] = [
            b"<13>", b"1 ", b"Oct 11 22:14:15 ", b"2003-10-11T22:14:15Z ", b"- ", b"[a b=\"", b"\"]",
            b"\\", b"x: ", b"\n", b"99999 ", b"7 <1>",
        ];
        let input: Vec<u8> = picks.iter().flat_map(|&word| WORDS[word].iter().copied()).collect();
        play(Transport::Udp, &[Up(&input)]);
        play(Transport::Tcp, &[Up(OLD), Up(b"\n"), Up(&input)]);
    }
}

#![allow(clippy::arithmetic_side_effects, reason = "lengths of examples are small")]

use std::collections::HashSet;

use nf_wire::Transport;
use proptest::prelude::*;

use super::*;
use crate::registry;
use crate::testing::Event::{Down, LostUp, Up};
use crate::testing::{Event, Heard, dissector, flow, play_on};
use crate::{Dissector, Wants};

const EVERYTHING: Wants = Wants::EVERYTHING;

fn uint(name: &str, id: u16, offset: usize, length: usize) -> Attribute {
    Attribute { name: name.into(), id, kind: "uint".into(), offset, length, ..Attribute::default() }
}

fn parent(carrier: &str, numbers: &[u16]) -> Parent {
    Parent { carrier: carrier.into(), numbers: numbers.to_vec(), weight: 50 }
}

fn number(offset: usize, length: usize) -> Number {
    Number { offset, length, ..Number::default() }
}

/// A header of four octets: kind, flags, length of the whole message.
fn gauge() -> Description {
    Description {
        name: "gauge".into(),
        id: 951,
        title: "Gauge".into(),
        header: 4,
        frame: Some(Frame { number: number(2, 2), add: 0 }),
        parents: vec![parent("tcp", &[7001]), parent("udp", &[7001])],
        attributes: vec![
            uint("kind", 1, 0, 1),
            Attribute { mask: 0x70, ..uint("level", 2, 1, 1) },
            Attribute {
                name: "word".into(),
                id: 3,
                kind: "text".into(),
                offset: 4,
                ..Attribute::default()
            },
        ],
        ..Description::default()
    }
}

fn message(kind: u8, flags: u8, word: &[u8]) -> Vec<u8> {
    let mut data = vec![kind, flags, 0, 4 + word.len() as u8];
    data.extend(word);
    data
}

fn shared(descriptions: &[Description], wants: Wants) -> Dissector {
    let users = Users::compile(descriptions).unwrap();
    dissector(registry::PROTOCOLS, wants).unwrap().with_users(users, &move |_| wants)
}

fn play(
    descriptions: &[Description],
    transport: Transport,
    port: u16,
    events: &[Event<'_>],
) -> Heard {
    let shared = shared(descriptions, EVERYTHING);
    play_on(&shared, Heard::default(), &flow(transport, port), events)
}

fn mistake(description: Description) -> Mistake {
    Users::compile(&[description]).unwrap_err()
}

#[test]
fn attributes_are_read_at_their_places() {
    let heard = play(&[gauge()], Transport::Udp, 7001, &[Up(&message(3, 0x55, b"on"))]);

    assert_eq!(heard.path, ["gauge"]);
    let said = [("gauge".to_string(), r#"{"kind":3,"level":5,"word":"on"}"#.to_string())];
    assert_eq!(heard.messages, said);
    assert_eq!(heard.transactions, said);
}

#[test]
fn a_stream_says_the_same_however_it_is_cut() {
    let mut stream = message(1, 0, b"first");
    stream.extend(message(2, 0x70, b"second"));
    let whole = play(&[gauge()], Transport::Tcp, 7001, &[Up(&stream)]);

    assert_eq!(whole.transactions.len(), 2);
    for at in 1..stream.len() {
        let (head, tail) = stream.split_at(at);
        let cut = play(&[gauge()], Transport::Tcp, 7001, &[Up(head), Up(tail)]);
        assert_eq!(cut.transactions, whole.transactions, "cut at {at}");
        assert_eq!((cut.anomalies, cut.faults), (vec![], vec![]));
    }
}

#[test]
fn several_messages_of_a_datagram_are_read() {
    let mut data = message(1, 0, b"a");
    data.extend(message(2, 0, b"b"));
    data.push(9);

    let heard = play(&[gauge()], Transport::Udp, 7001, &[Down(&data)]);

    assert_eq!(heard.transactions.len(), 2);
    assert_eq!(heard.anomalies, ["gauge.0"]);
}

#[test]
fn messages_of_sctp_and_of_an_ip_protocol_are_read() {
    let parents = vec![parent("sctp", &[7001]), parent("ip", &[253])];
    let described = [Description { parents, ..gauge() }];
    for (transport, port) in [(Transport::Sctp, 7001), (Transport::Other, 0)] {
        let heard = play(&described, transport, port, &[Up(&message(3, 0, b"on"))]);

        assert_eq!(heard.path, ["gauge"], "{transport:?}");
        assert_eq!(heard.transactions.len(), 1);
    }
    assert_eq!(play(&described, Transport::Sctp, 7002, &[Up(&message(3, 0, b""))]).path, [""; 0]);
}

#[test]
fn a_length_that_cannot_be_ends_a_stream() {
    let heard =
        play(&[gauge()], Transport::Tcp, 7001, &[Up(&[1, 0, 0, 2]), Up(&message(1, 0, b"a"))]);

    assert_eq!(heard.transactions.len(), 0);
    assert_eq!(heard.anomalies, ["gauge.1"]);
}

#[test]
fn a_hole_in_a_stream_of_messages_ends_it_and_gives_memory_back() {
    let whole = message(1, 0, b"abc");
    let events = [Up(&whole), Up(&whole[..5]), LostUp(2), Up(&whole)];

    let heard = play(&[gauge()], Transport::Tcp, 7001, &events);

    assert_eq!(heard.transactions.len(), 1);
    assert_eq!(heard.faults.len(), 1);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_pattern_claims_on_any_port_and_only_with_all_its_octets() {
    let octets = |offset, value: &[u8]| Octets { offset, value: value.into(), mask: vec![] };
    let described = Description {
        parents: vec![parent("tcp", &[]), parent("udp", &[])],
        patterns: vec![vec![octets(0, b"GG"), octets(4, b"!")]],
        frame: None,
        ..gauge()
    };
    let path = |transport, events: &[Event<'_>]| {
        play(std::slice::from_ref(&described), transport, 4000, events).path
    };

    assert_eq!(path(Transport::Udp, &[Up(b"GG\0\0!x")]), ["gauge"]);
    assert_eq!(path(Transport::Udp, &[Up(b"GG\0\0?x")]), [""; 0]);
    assert_eq!(path(Transport::Udp, &[Up(b"GG\0\0")]), [""; 0]);
    assert_eq!(path(Transport::Tcp, &[Up(b"G"), Up(b"G\0\0!x")]), ["gauge"]);
    // Only where a stream starts.
    assert_eq!(path(Transport::Tcp, &[Up(b"\x91\x92\x93"), Up(b"GG\0\0!x")]), [""; 0]);
}

#[test]
fn the_user_goes_before_a_built_in_protocol_of_equal_weight_and_not_of_lower() {
    let hello = b"SSH-2.0-OpenSSH_9.9\r\n";
    let ssh = registry::by_name("ssh").unwrap().info.weight;
    let path = |weight| {
        let parents = vec![Parent { weight, ..parent("tcp", &[22]) }];
        let described = Description { parents, frame: None, ..gauge() };
        play(&[described], Transport::Tcp, 22, &[Down(hello)]).path
    };

    assert_eq!(path(ssh), ["gauge"]);
    assert_eq!(path(ssh + 1), ["ssh"]);
}

#[test]
fn what_comes_next_is_read_in_the_same_datagram() {
    let mut outer = Description {
        name: "outer".into(),
        id: 952,
        header: 2,
        frame: None,
        attributes: vec![uint("what", 1, 0, 1)],
        next: Some(Next {
            number: number(0, 1),
            cases: vec![Case { value: 1, protocol: "gauge".into(), offset: 2 }],
            otherwise: Some(Case { protocol: "dns".into(), offset: 2, ..Case::default() }),
        }),
        ..gauge()
    };
    outer.parents = vec![parent("udp", &[7002])];
    let inner = Description { parents: vec![], frame: None, ..gauge() };
    let mut first = vec![1, 0];
    first.extend(message(7, 0, b"x"));

    let heard = play(&[outer.clone(), inner.clone()], Transport::Udp, 7002, &[Up(&first)]);

    assert_eq!(heard.path, ["outer", "gauge"]);
    assert!(heard.transactions[1].1.contains(r#""kind":7"#), "{heard:?}");

    let query =
        b"\x02\x00\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
    let heard = play(&[outer, inner], Transport::Udp, 7002, &[Up(query)]);

    assert_eq!(heard.path, ["outer", "dns"]);
    assert!(heard.transactions.iter().any(|(p, t)| p == "dns" && t.contains("www.example.com")));
}

#[test]
fn a_stream_is_handed_over_behind_a_header() {
    let preface = Description {
        name: "preface".into(),
        id: 953,
        header: 4,
        frame: Some(Frame { number: number(3, 1), add: 4 }),
        parents: vec![parent("tcp", &[7003])],
        attributes: vec![uint("what", 1, 0, 1)],
        next: Some(Next {
            number: number(0, 1),
            cases: vec![Case { value: 9, protocol: "http".into(), offset: 4 }],
            otherwise: None,
        }),
        ..Description::default()
    };
    let mut stream = vec![9, 0, 0, 0];
    // The message ends with its header: what follows is in the next segment, or the same.
    stream[3] = 40;
    stream.extend(b"GET /a HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n");
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    let heard = play(&[preface], Transport::Tcp, 7003, &[Up(&stream), Down(answer)]);

    assert_eq!(heard.path, ["preface", "http"]);
    assert_eq!(heard.transactions.iter().filter(|(p, _)| p == "http").count(), 1, "{heard:?}");
}

#[test]
fn a_taken_name_or_id_switches_the_built_in_protocol_off() {
    let described = Description { name: "mydns".into(), id: 85, ..gauge() };
    let users = Users::compile(&[described]).unwrap();

    assert_eq!(users.replaced(), [registry::by_name("dns").unwrap().info.id]);
}

#[test]
fn the_same_description_again_has_the_same_number_and_fields() {
    let (a, b) = (Users::compile(&[gauge()]).unwrap(), Users::compile(&[gauge()]).unwrap());

    assert_eq!(a.programs()[0].number, b.programs()[0].number);
    assert!(std::ptr::eq(a.programs()[0].fields, b.programs()[0].fields));
    assert_eq!(public(a.programs()[0].number), 951);
    assert_eq!(name_of(a.programs()[0].number), Some("gauge"));
}

#[test]
fn of_equal_names_or_ids_the_later_description_counts() {
    let later = Description { title: "Later".into(), ..gauge() };
    let users = Users::compile(&[gauge(), later]).unwrap();

    let titles: Vec<_> = users.programs().iter().map(|p| p.title).collect();
    assert_eq!(titles, ["Later"]);
}

#[test]
fn nobody_listening_ends_the_reading_and_not_the_path() {
    let shared = shared(&[gauge()], Wants::default());
    let data = message(1, 0, b"a");
    let heard =
        play_on(&shared, Heard::default(), &flow(Transport::Udp, 7001), &[Up(&data), Up(&[1])]);

    assert_eq!(heard.path, ["gauge"]);
    // The second one is too short, and nobody looked.
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let with = |change: &dyn Fn(&mut Description)| {
        let mut described = gauge();
        change(&mut described);
        mistake(described).what
    };
    let mut seen = HashSet::new();
    for (what, part) in [
        (with(&|d| d.id = 0), "no id"),
        (with(&|d| d.id = 1000), "no id"),
        (with(&|d| d.id = 354), "header"),
        (with(&|d| d.name = "ip".into()), "header"),
        (with(&|d| d.name = "My".into()), "no name"),
        (with(&|d| d.attributes[1].id = 1), "twice"),
        (with(&|d| d.attributes[0].length = 9), "no number"),
        (with(&|d| d.attributes[0].mask = 0x100), "no number"),
        (with(&|d| d.attributes[0].offset = 70_000), "out of reach"),
        (with(&|d| d.attributes[0].kind = "point".into()), "no kind"),
        (with(&|d| d.attributes[0].kind = "mac".into()), "a mac of 1"),
        (with(&|d| d.attributes[2].mask = 1), "is no number"),
        (with(&|d| d.parents[0].carrier = "http".into()), "cannot carry"),
        (with(&|d| d.parents[0].numbers.clear()), "neither port nor pattern"),
        (with(&|d| d.parents[0] = parent("ip", &[])), "protocol number"),
        (with(&|d| d.patterns = vec![vec![]]), "without octets"),
    ] {
        assert!(what.contains(part), "{what:?} lacks {part:?}");
        seen.insert(what);
    }
    assert!(seen.len() > 10);
    let case = Case { value: 1, protocol: "nonsense".into(), offset: 0 };
    let next = Next { number: number(0, 1), cases: vec![case], otherwise: None };
    let unknown = mistake(Description { next: Some(next), place: "a.nfp:3".into(), ..gauge() });
    assert!(unknown.what.contains("nonsense"), "{unknown:?}");
    assert_eq!(unknown.place, "a.nfp:3");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_borne(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..64)), 0..8),
        transport in prop_oneof![Just(Transport::Tcp), Just(Transport::Udp)],
        framed in any::<bool>(),
    ) {
        let described = Description { frame: gauge().frame.filter(|_| framed), ..gauge() };
        let events: Vec<_> =
            pieces.iter().map(|(up, data)| if *up { Up(data) } else { Down(data) }).collect();
        let heard = play(&[described], transport, 7001, &events);
        prop_assert!(!heard.anomalies.iter().any(|a| a.starts_with("pool leak")));
    }
}

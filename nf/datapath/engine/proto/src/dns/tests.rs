//! DNS as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{NameSource, Probe, Protocol, Wants, registry};

use super::Dns;

/// A message: id, flags, counts, then what the counts promise.
fn message(id: u16, flags: u16, counts: [u16; 4], body: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [id, flags].into_iter().chain(counts) {
        out.extend_from_slice(&number.to_be_bytes());
    }
    body.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// `name` is already in labels.
fn question(name: &[u8], kind: u16) -> Vec<u8> {
    [name, &kind.to_be_bytes(), &[0, 1]].concat()
}

fn record(name: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [name, &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &length, data].concat()
}

const WWW: &[u8] = b"\x03WwW\x07example\x03com\x00";
/// The question's name, and its part after the first label.
const ASKED: &[u8] = b"\xc0\x0c";
const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";

fn query(id: u16) -> Vec<u8> {
    message(id, 0x0100, [1, 0, 0, 0], &[&question(WWW, 1)])
}

fn response(id: u16) -> Vec<u8> {
    let answer = record(ASKED, 1, 60, &[192, 0, 2, 7]);
    message(id, 0x8180, [1, 1, 0, 0], &[&question(WWW, 1), &answer])
}

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages {
        out.extend_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
        out.extend_from_slice(message);
    }
    out
}

fn over_udp(events: &[Event<'_>]) -> Heard {
    play(&flow(Transport::Udp, 53), events)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_query_and_its_response_make_a_transaction() {
    let heard = over_udp(&[Event::Up(&query(7)), Event::Down(&response(7))]);

    assert_eq!(heard.path, ["dns"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"id":7,"qname":"www.example.com","qtype":"A","qclass":"IN","opcode":"QUERY","#,
            r#""rcode":"NOERROR","aa":false,"tc":false,"rd":true,"ra":true,"ad":false,"cd":false,"#,
            r#""answers":[{"name":"www.example.com","type":"A","ttl":60,"data":"192.0.2.7"}],"#,
            r#""authorities":[],"additionals":[],"response_us":1000,"query_length":33,"#,
            r#""response_length":49}"#
        )]
    );
    assert_eq!(heard.names[0], (NameSource::Query, "www.example.com".to_string()));
    assert_eq!(heard.answers, [("www.example.com".to_string(), "192.0.2.7".parse().unwrap(), 60)]);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn messages_carry_the_header_and_the_lists() {
    let heard = over_udp(&[Event::Up(&query(7)), Event::Down(&response(7))]);

    assert_eq!(
        heard.messages[0].1,
        concat!(
            r#"{"id":7,"qr":0,"opcode":0,"aa":0,"tc":0,"rd":1,"ra":0,"z":0,"ad":0,"cd":0,"#,
            r#""rcode":0,"qdcount":1,"ancount":0,"nscount":0,"arcount":0,"#,
            r#""queries":[{"name":"www.example.com","type":"A","class":"IN"}],"#,
            r#""answers":[],"authorities":[],"additionals":[]}"#
        )
    );
    let fields = (Dns::INFO.message)();
    for (id, name) in (1..).zip([
        "tid",
        "qr",
        "opcode",
        "aa",
        "tc",
        "rd",
        "ra",
        "z",
        "ans_auth",
        "data_auth",
        "rcode",
        "qdcount",
        "ancount",
        "nscount",
        "arcount",
        "queries",
        "answers",
        "auth_records",
    ]) {
        let field = fields.iter().find(|f| f.answers_to(name)).unwrap();
        assert_eq!(field.id, id, "{name}");
    }
}

#[test]
fn addresses_behind_aliases_belong_to_the_name_asked() {
    let target = b"\x04edge\x03cdn\x04test\x00";
    let answer = message(
        9,
        0x8180,
        [1, 4, 0, 0],
        &[
            &question(WWW, 1),
            &record(ASKED, 5, 30, target),
            &record(target, 1, 300, &[192, 0, 2, 8]),
            &record(b"\xc0\x2d", 1, 20, &[192, 0, 2, 9]),
            // Nobody asked for this one.
            &record(b"\x04evil\x00", 1, 9999, &[192, 0, 2, 66]),
        ],
    );
    let heard = over_udp(&[Event::Up(&query(9)), Event::Down(&answer)]);

    let told: Vec<_> =
        heard.answers.iter().map(|(n, a, t)| (n.as_str(), a.to_string(), *t)).collect();
    assert_eq!(
        told,
        [
            ("www.example.com", "192.0.2.8".to_string(), 30),
            ("www.example.com", "192.0.2.9".to_string(), 20)
        ]
    );
}

#[test]
fn hints_of_service_bindings_are_addresses_too() {
    let binding = b"\0\x01\0\0\x04\0\x04\xc0\0\x02\x0a";
    let answer =
        message(1, 0x8180, [1, 1, 0, 0], &[&question(WWW, 65), &record(ASKED, 65, 5, binding)]);
    let heard = over_udp(&[Event::Down(&answer)]);

    assert_eq!(heard.answers[0].1.to_string(), "192.0.2.10");
}

#[test]
fn answers_are_told_even_where_nobody_listens() {
    let flow = flow(Transport::Udp, 53);
    let (q, r) = (query(7), response(7));
    let events = [Event::Up(&q), Event::Down(&r), Event::Up(&q), Event::Down(&r)];
    let heard = play_wanting(&flow, &events, Wants::default());

    assert_eq!(heard.answers.len(), 2);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn answers_out_of_order_find_their_queries() {
    let (a, b) = (query(1), query(2));
    let (to_a, to_b) = (response(1), response(2));
    let heard = over_udp(&[Event::Up(&a), Event::Up(&b), Event::Down(&to_b), Event::Down(&to_a)]);

    let ids: Vec<_> = transactions(&heard).iter().map(|t| t[..8].to_string()).collect();
    assert_eq!(ids, [r#"{"id":2,"#, r#"{"id":1,"#]);
    assert!(transactions(&heard).iter().all(|t| t.contains(r#""rcode":"NOERROR""#)));
}

#[test]
fn a_query_without_response_is_reported_at_the_end() {
    let heard = over_udp(&[Event::Up(&query(7))]);

    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"id":7,"qname":"www.example.com","qtype":"A","qclass":"IN","opcode":"QUERY","#,
            r#""rd":true,"cd":false,"query_length":33}"#
        )]
    );
}

#[test]
fn a_query_sent_again_is_one_transaction() {
    let q = query(7);
    let heard = over_udp(&[Event::Up(&q), Event::Up(&q), Event::Down(&response(7))]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(transactions(&heard)[0].contains(r#""retransmissions":1,"response_us":2000"#));
}

#[test]
fn an_identifier_used_anew_ends_the_earlier_query() {
    let other = message(7, 0x0100, [1, 0, 0, 0], &[&question(b"\x05other\x00", 28)]);
    let heard = over_udp(&[Event::Up(&query(7)), Event::Up(&other)]);

    assert_eq!(heard.transactions.len(), 2);
    assert!(transactions(&heard)[0].contains("www.example.com"));
    assert!(transactions(&heard)[1].contains(r#""qtype":"AAAA""#));
}

#[test]
fn a_response_to_another_question_does_not_answer() {
    let forged = message(7, 0x8180, [1, 0, 0, 0], &[&question(b"\x05other\x00", 1)]);
    let heard = over_udp(&[Event::Up(&query(7)), Event::Down(&forged), Event::Down(&response(7))]);

    assert_eq!(heard.anomalies, ["dns.mismatched_response"]);
    assert_eq!(heard.transactions.len(), 2);
    assert!(transactions(&heard)[0].contains(r#""qname":"other""#));
    assert!(transactions(&heard)[1].contains(r#""response_us":2000"#));
}

#[test]
fn only_so_many_queries_wait() {
    let queries: Vec<_> = (0..70).map(query).collect();
    let events: Vec<_> = queries.iter().map(|q| Event::Up(q)).collect();
    let heard = over_udp(&events);

    assert_eq!(heard.anomalies, ["dns.too_many_pending"; 6]);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn pipelined_messages_of_a_stream_are_told_apart() {
    let up = framed(&[query(1), query(2), query(3)]);
    let down = framed(&[response(3), response(1), response(2)]);
    let events = [Event::Up(&up), Event::Down(&down)];
    let heard = play(&flow(Transport::Tcp, 53), &events);

    assert_eq!(heard.path, ["dns"]);
    assert_eq!(heard.transactions.len(), 3);
    assert!(transactions(&heard).iter().all(|t| t.contains(r#""response_us":1000"#)));
    torture(&flow(Transport::Tcp, 53), &events).unwrap();
    // The protocol is recognised on any port.
    assert_eq!(play(&flow(Transport::Tcp, 10_053), &events).path, ["dns"]);
}

#[test]
fn a_stream_with_a_hole_is_taken_up_at_the_next_message() {
    let (up, down) = (framed(&[query(1), query(2)]), framed(&[response(2)]));
    let heard = play(
        &flow(Transport::Tcp, 53),
        &[
            Event::Up(&up),
            Event::LostDown(51),
            Event::Down(b"the rest of something"),
            Event::Down(&down),
        ],
    );

    assert_eq!(heard.transactions.len(), 2);
    assert!(transactions(&heard)[0].contains(r#""id":2"#));
    assert!(transactions(&heard)[0].contains(r#""rcode":"NOERROR""#));
}

#[test]
fn a_zone_transfer_is_one_transaction() {
    let soa = b"\x02ns\xc0\x0c\x01a\xc0\x0c\0\0\0\x07\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01";
    let ask = message(5, 0, [1, 0, 0, 0], &[&question(WWW, 252)]);
    let first = message(
        5,
        0x8400,
        [1, 2, 0, 0],
        &[&question(WWW, 252), &record(ASKED, 6, 1, soa), &record(ASKED, 1, 1, &[192, 0, 2, 1])],
    );
    // The messages that follow need not repeat the question (RFC 5936 §2.2).
    let name = b"\x03www\x07example\x03com\x00";
    let last_soa = [name, &soa[..]].concat();
    let last = message(5, 0x8400, [0, 1, 0, 0], &[&record(name, 6, 1, &last_soa[17..])]);
    let (up, down) = (framed(&[ask]), framed(&[first, last]));
    let heard = play(&flow(Transport::Tcp, 53), &[Event::Up(&up), Event::Down(&down)]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(transactions(&heard)[0].contains(r#""response_messages":2"#), "{heard:#?}");
    assert_eq!(transactions(&heard)[0].matches(r#""type":"SOA""#).count(), 2);
}

#[test]
fn extension_parameters_of_both_sides_are_kept() {
    let ask = message(3, 0x0100, [1, 0, 0, 1], &[&question(WWW, 1), OPT]);
    // BADVERS (16): one in the upper bits of the code.
    let refused =
        message(3, 0x8180, [1, 0, 0, 1], &[&question(WWW, 1), b"\0\0\x29\x10\0\x01\0\0\0\0\0"]);
    let heard = over_udp(&[Event::Up(&ask), Event::Down(&refused)]);

    let all = transactions(&heard)[0];
    assert!(all.contains(r#""rcode":"BADVERS""#), "{all}");
    assert!(all.contains(r#""edns":{"version":0,"udp_size":1232,"do":true,"options":[]}"#));
    assert!(all.contains(r#""additionals":[]"#));
}

#[test]
fn the_changes_of_an_update_are_its_authorities() {
    let change = record(WWW, 1, 300, &[192, 0, 2, 9]);
    let update =
        message(4, 0x2800, [1, 0, 1, 0], &[&question(b"\x07example\x03com\0", 6), &change]);
    let done = message(4, 0xa800, [0, 0, 0, 0], &[]);
    let heard = over_udp(&[Event::Up(&update), Event::Down(&done)]);

    let all = transactions(&heard)[0];
    assert!(all.contains(r#""opcode":"UPDATE","rcode":"NOERROR""#), "{all}");
    assert!(all.contains(r#""authorities":[{"name":"www.example.com","type":"A","ttl":300"#));
}

#[test]
fn what_a_notice_tells_is_kept() {
    let soa = b"\x02ns\xc0\x0c\x01a\xc0\x0c\0\0\0\x07\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01";
    let notice = message(4, 0x2400, [1, 1, 0, 0], &[&question(WWW, 6), &record(ASKED, 6, 0, soa)]);
    let taken = message(4, 0xa400, [1, 0, 0, 0], &[&question(WWW, 6)]);
    let heard = over_udp(&[Event::Up(&notice), Event::Down(&taken)]);

    let all = transactions(&heard)[0];
    assert!(all.contains(r#""opcode":"NOTIFY","rcode":"NOERROR""#), "{all}");
    assert!(all.contains("ns.www.example.com a.www.example.com 7 1 1 1 1"), "{all}");
}

#[test]
fn a_datagram_of_which_the_capture_kept_the_header_is_still_dns() {
    let heard = over_udp(&[Event::CutUp(&query(7)[..16]), Event::CutDown(&response(7)[..12])]);

    assert_eq!(heard.path, ["dns"]);
    assert!(transactions(&heard)[0].contains(r#""response_us":1000"#));
}

#[test]
fn several_questions_are_listed() {
    let ask = message(4, 0x0100, [2, 0, 0, 0], &[&question(WWW, 1), &question(ASKED, 28)]);
    let heard = over_udp(&[Event::Up(&ask)]);

    assert!(transactions(&heard)[0].contains(concat!(
        r#""queries":[{"name":"www.example.com","type":"A","class":"IN"},"#,
        r#"{"name":"www.example.com","type":"AAAA","class":"IN"}]"#
    )));
}

#[test]
fn what_the_capture_cut_off_is_no_anomaly() {
    let r = response(7);
    let heard = over_udp(&[Event::Up(&query(7)), Event::CutDown(&r[..40])]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(transactions(&heard)[0].contains(r#""answers":[]"#));
}

#[test]
fn a_response_cut_by_its_server_says_so() {
    let cut = message(7, 0x8380, [1, 1, 0, 0], &[&question(WWW, 1)]);
    let heard = over_udp(&[Event::Up(&query(7)), Event::Down(&cut)]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(transactions(&heard)[0].contains(r#""tc":true"#));
}

#[test]
fn flaws_are_counted() {
    let asked = question(WWW, 1);
    let looping = record(b"\xc0\x1d\xc0\x1d", 1, 1, &[1, 2, 3, 4]);
    for (bytes, anomaly) in [
        (message(1, 0x8180, [1, 2, 0, 0], &[&asked]), "malformed_message"),
        (
            message(1, 0x8180, [1, 1, 0, 0], &[&asked, b"\x40a\0\0\x01\0\x01\0\0\0\0\0\0"]),
            "bad_name",
        ),
        (message(1, 0x8180, [1, 1, 0, 0], &[&asked, b"\xc0\x21", &looping[4..]]), "bad_pointer"),
        (message(1, 0x8180, [1, 1, 0, 0], &[&asked, &record(ASKED, 1, 1, &[1])]), "malformed_data"),
        (message(1, 0x0100, [1, 0, 0, 0], &[&asked, b"more"]), "trailing_octets"),
        (message(1, 0x7900, [1, 0, 0, 0], &[&asked]), "unknown_opcode"),
        (message(1, 0x0140, [1, 0, 0, 0], &[&asked]), "reserved_bit"),
    ] {
        let heard = over_udp(&[Event::Up(&query(9)), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("dns.{anomaly}")]);
    }
    let odd = message(1, 0x7900, [1, 0, 0, 0], &[&asked]);
    assert_eq!(over_udp(&[Event::Up(&odd)]).anomalies, ["dns.unknown_opcode"]);
    let short = over_udp(&[Event::Up(&query(9)), Event::Up(b"\0\x01")]);
    assert_eq!(short.anomalies, ["dns.malformed_message"]);
}

#[test]
fn any_port_will_do_for_a_sound_message() {
    let elsewhere = flow(Transport::Udp, 10_053);
    let probe = |data: &[u8]| testing::probe(registry::by_name("dns").unwrap(), &elsewhere, data);

    assert_eq!(probe(&query(1)), Probe::Certain);
    assert_eq!(probe(&response(1)), Probe::Certain);
    assert_eq!(probe(&message(1, 0x0100, [1, 0, 0, 0], &[&question(WWW, 1), b"x"])), Probe::No);
    assert_eq!(probe(&message(1, 0x0100, [1, 0, 0, 0], &[&question(WWW, 9999)])), Probe::No);
    assert_eq!(probe(&message(1, 0x0140, [1, 0, 0, 0], &[&question(WWW, 1)])), Probe::No);
    let netbios = b"\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0";
    assert_eq!(probe(&message(1, 0x0110, [1, 0, 0, 0], &[&question(netbios, 33)])), Probe::No);
    assert_eq!(probe(&[0; 40]), Probe::No);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("dns").unwrap();
    let mut random = Random::new(2);
    for (transport, port) in
        [(Transport::Udp, 53), (Transport::Udp, 999), (Transport::Tcp, 53), (Transport::Tcp, 999)]
    {
        let flow = flow(transport, port);
        for data in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00",
            b"\x23\x02\x0a\xf0\0\0\0\0\0\0\0\0\x7f\x7f\x01\0\xe0\0\0\0\0\0\0\0\xe0\0\0\0\0\0\0\0",
            b"SSH-2.0-OpenSSH_9.2\r\n",
        ] {
            assert_ne!(testing::probe(entry, &flow, data), Probe::Certain, "{data:?}");
        }
        for _ in 0..20_000 {
            let data = random.octets(120);
            assert_ne!(testing::probe(entry, &flow, &data), Probe::Certain, "{data:?}");
        }
    }
}

#[test]
fn datagrams_cut_or_lost_anywhere_do_no_harm() {
    let (q, r) = (query(7), response(7));
    torture(&flow(Transport::Udp, 53), &[Event::Up(&q), Event::Down(&r)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..800), tcp: bool) {
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        fuzz_one(registry::by_name("dns").unwrap(), transport, 53, &input);
    }

    #[test]
    fn a_sound_response_with_octets_changed_does_not_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let soa = b"\x02ns\xc0\x0c\x01a\xc0\x0c\0\0\0\x07\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01";
        let mut data = message(
            7,
            0x8180,
            [1, 2, 1, 1],
            &[
                &question(WWW, 1),
                &record(ASKED, 5, 1, b"\x01a\xc0\x0c"),
                &record(b"\xc0\x2d", 65, 9, b"\0\x01\0\0\x01\0\x03\x02h2\0\x04\0\x04\xc0\0\x02\x0a"),
                &record(ASKED, 6, 9, soa),
                OPT,
            ],
        );
        for (at, octet) in changes {
            let at = at.index(data.len());
            data[at] = octet;
        }
        over_udp(&[Event::Up(&query(7)), Event::Down(&data)]);
    }
}

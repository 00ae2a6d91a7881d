//! BGP as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Flow, Probe, registry};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len().saturating_add(19) as u16;
    [&[0xff; 16][..], &length.to_be_bytes(), &[kind], body].concat()
}

/// An OPEN of AS 65001 or the like with four-octet numbers and IPv6.
fn open(last: u8) -> Vec<u8> {
    let capabilities = [1, 4, 0, 2, 0, 1, 65, 4, 0, 0, 0xfd, 0xe8 | last];
    let parameters = [&[2, capabilities.len() as u8][..], &capabilities].concat();
    let fixed = [4, 0xfd, 0xe8 | last, 0, 90, 192, 0, 2, last, parameters.len() as u8];
    message(1, &[&fixed[..], &parameters].concat())
}

fn update(withdrawn: &[u8], attributes: &[u8], announced: &[u8]) -> Vec<u8> {
    let size = |part: &[u8]| (part.len() as u16).to_be_bytes();
    message(2, &[&size(withdrawn), withdrawn, &size(attributes), attributes, announced].concat())
}

const ATTRIBUTES: &[u8] = &[
    0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe9, 0, 1, 0, 7, 0x40, 3, 4, 192, 0, 2, 1, 0x80,
    4, 4, 0, 0, 0, 50, 0xc0, 8, 4, 0xfd, 0xe9, 0, 3,
];

fn on_port() -> Flow {
    flow(Transport::Tcp, 179)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_session_opens_announces_and_closes() {
    let (one, two, alive) = (open(1), open(2), message(4, &[]));
    let told = update(&[16, 10, 1], ATTRIBUTES, &[24, 198, 51, 100, 0]);
    let closed = message(3, b"\x06\x02\x04bye!");
    let both = [alive.clone(), told].concat();
    let events = [
        Event::Up(&one),
        Event::Down(&two),
        Event::Down(&alive),
        Event::Up(&both),
        Event::Down(&closed),
    ];
    let heard = play(&flow(Transport::Tcp, 9179), &events);

    assert_eq!(heard.path, ["bgp"]);
    let all = transactions(&heard);
    assert_eq!(all.len(), 4);
    assert_eq!(
        all[0],
        concat!(
            r#"{"kind":"open","length":43,"version":4,"asn":65001,"hold_time":90,"#,
            r#""router_id":"192.0.2.1","capabilities":["multiprotocol","four_octet_as"],"#,
            r#""families":["ipv6_unicast"]}"#
        )
    );
    assert_eq!(
        all[2],
        concat!(
            r#"{"kind":"update","length":69,"family":"ipv4_unicast","announced":2,"#,
            r#""prefixes":["198.51.100.0/24","0.0.0.0/0"],"withdrawn":1,"#,
            r#""withdrawn_prefixes":["10.1.0.0/16"],"origin":"igp","as_path":"65001 65543","#,
            r#""origin_as":65543,"next_hop":"192.0.2.1","med":50,"communities":["65001:3"]}"#
        )
    );
    assert!(all[3].contains(r#""error":"administrative_shutdown","shutdown_text":"bye!""#));
    assert_eq!(heard.messages.len(), 6);
    torture(&on_port(), &events).unwrap();
}

#[test]
fn other_families_are_in_attributes() {
    let reach = [
        &[0x80, 14, 26, 0, 2, 1, 16][..],
        &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 32, 0x20, 1, 0x0d],
    ]
    .concat();
    let mut whole = reach.clone();
    whole.push(0xb8);
    let mut flawed = reach;
    flawed[2] = 25;
    let unreach = [0x80, 15, 3, 0, 2, 1];
    let events = [update(&[], &whole, &[]), update(&[], &unreach, &[]), update(&[], &flawed, &[])];
    let heard = play(&on_port(), &events.each_ref().map(|e| Event::Up(e)));

    let all = transactions(&heard);
    assert!(all[0].contains(r#""prefixes":["2001:db8::/32"]"#), "{heard:?}");
    assert!(all[0].contains(r#""next_hop":"2001:db8::1""#));
    assert!(all[1].contains(r#""family":"ipv6_unicast","end_of_rib":true"#));
    assert_eq!(heard.anomalies, ["bgp.malformed_message"]);
}

#[test]
fn without_the_opening_the_width_of_numbers_is_found() {
    let narrow = [0x40, 2, 6, 2, 2, 0xfd, 0xe9, 0, 7];
    let wide = [0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe9, 0, 1, 0, 7];
    let events = [update(&[], &narrow, &[8, 10]), update(&[], &wide, &[8, 10])];
    let heard = play(&on_port(), &events.each_ref().map(|e| Event::Up(e)));

    assert!(transactions(&heard)[0].contains(r#""as_path":"65001 7""#));
    assert!(transactions(&heard)[1].contains(r#""as_path":"65001 65543""#));
}

#[test]
fn paths_are_told_apart_where_both_sides_agreed() {
    let open_with = |mode: u8| {
        let parameters = [2, 6, 69, 4, 0, 1, 1, mode];
        message(1, &[&[4, 0, 1, 0, 90, 192, 0, 2, 1, 8][..], &parameters].concat())
    };
    let told = update(&[], &[], &[0, 0, 0, 1, 8, 10]);
    let events = [open_with(2), open_with(1), told];
    let [a, b, c] = &events;
    let heard = play(&on_port(), &[Event::Up(a), Event::Down(b), Event::Up(c)]);

    assert!(transactions(&heard)[2].contains(r#""announced":1,"prefixes":["10.0.0.0/8"]"#));
}

#[test]
fn after_a_loss_the_next_marker_is_found() {
    let (one, alive) = (open(1), message(4, &[]));
    let broken = [&[1, 2, 3, 0xff][..], &alive].concat();
    let heard = play(&on_port(), &[Event::Up(&one), Event::LostUp(9), Event::Up(&broken)]);
    assert_eq!(heard.messages.len(), 2);

    let heard = play(&on_port(), &[Event::Up(&one), Event::Up(&broken)]);
    assert_eq!(heard.messages.len(), 2);
    assert_eq!(heard.anomalies, ["bgp.malformed_header"]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("bgp").unwrap();
    let mut random = Random::new(9);
    for _ in 0..20_000 {
        let data = random.octets(60);
        let said = testing::probe(entry, &on_port(), &data);
        assert_ne!(said, Probe::Certain, "{data:?}");
    }
    assert_eq!(testing::probe(entry, &on_port(), &message(9, &[])), Probe::No);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("bgp").unwrap(), Transport::Tcp, 179, &input);
    }

    #[test]
    fn no_bodies_make_it_panic(kind in 1u8..=5, body in prop::collection::vec(any::<u8>(), 0..200)) {
        play(&on_port(), &[Event::Up(&open(1)), Event::Up(&message(kind, &body))]);
    }
}

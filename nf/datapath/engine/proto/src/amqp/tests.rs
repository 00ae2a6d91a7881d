//! AMQP as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built frames are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, NameSource, Probe, Wants, registry};

const OLD: &[u8] = b"AMQP\0\0\x09\x01";
const NEW: &[u8] = b"AMQP\0\x01\0\0";
const NEW_SASL: &[u8] = b"AMQP\x03\x01\0\0";

fn frame(kind: u8, channel: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &length, body, &[0xce]].concat()
}

fn method(channel: u16, class: u16, number: u16, rest: &[u8]) -> Vec<u8> {
    frame(1, channel, &[&class.to_be_bytes()[..], &number.to_be_bytes(), rest].concat())
}

fn long(octets: &[u8]) -> Vec<u8> {
    [&u32::try_from(octets.len()).unwrap().to_be_bytes()[..], octets].concat()
}

/// The login of 0-9-1, by turns of server and client.
fn login() -> Vec<(bool, Vec<u8>)> {
    let table = |name: &[u8]| {
        long(&[b"\x07productS", &long(name)[..], b"\x07versionS", &long(b"3.1")].concat())
    };
    let start = [&b"\0\x09"[..], &table(b"Broker"), &long(b"PLAIN"), &long(b"en_US")].concat();
    let answer =
        [&table(b"lib")[..], b"\x05PLAIN", &long(b"\0keeper\0lantern"), b"\x05en_US"].concat();
    let tune = b"\x07\xff\0\x02\0\0\0\x3c";
    vec![
        (false, method(0, 10, 10, &start)),
        (true, method(0, 10, 11, &answer)),
        (false, method(0, 10, 30, tune)),
        (true, [method(0, 10, 31, tune), method(0, 10, 40, b"\x05tides\0\0")].concat()),
        (false, method(0, 10, 41, b"\0")),
    ]
}

fn events(said: &[(bool, Vec<u8>)]) -> Vec<Event<'_>> {
    said.iter().map(|(up, data)| if *up { Event::Up(data) } else { Event::Down(data) }).collect()
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 5672)
}

/// What is said behind a login.
fn talk(more: &[Event<'_>]) -> Heard {
    let login = login();
    let begin = [Event::Up(OLD)].into_iter().chain(events(&login));
    play(&on_port(), &begin.chain(more.iter().cloned()).collect::<Vec<_>>())
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

/// A performative of 1.0 with its items.
fn performative(kind: u8, channel: u16, code: u8, items: &[&[u8]], rest: &[u8]) -> Vec<u8> {
    let list = items.concat();
    let count = u8::try_from(items.len()).unwrap();
    let size = u8::try_from(list.len() + 1).unwrap();
    let body = [&[0, 0x53, code, 0xc0, size, count][..], &list, rest].concat();
    let length = u32::try_from(8 + body.len()).unwrap().to_be_bytes();
    [&length[..], &[2, kind], &channel.to_be_bytes(), &body].concat()
}

#[test]
fn a_login_is_reported_without_its_password_on_any_port() {
    let login = login();
    let all: Vec<_> = [Event::Up(OLD)].into_iter().chain(events(&login)).collect();
    let heard = play(&flow(Transport::Tcp, 9), &all);

    assert_eq!(heard.path, ["amqp"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"method":"connection","from_initiator":true,"version":"0-9-1","channel":0,"#,
            r#""vhost":"tides","user":"keeper","auth_mechanism":"PLAIN","password_seen":true,"#,
            r#""client_product":"lib","client_version":"3.1","server_product":"Broker","#,
            r#""server_version":"3.1","response_us":4000,"complete":true}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn calls_are_reported_with_their_answers() {
    let heard = talk(&[
        Event::Up(&method(1, 20, 10, b"\0")),
        Event::Down(&method(1, 20, 11, b"\0\0\0\0")),
        Event::Up(&method(1, 50, 10, b"\0\0\0\x02\0\0\0\0")),
        Event::Down(&method(1, 50, 11, b"\x05q.one\0\0\0\x07\0\0\0\0")),
        Event::Up(&method(1, 60, 20, b"\0\0\x05q.one\0\0\0\0\0\0")),
        Event::Down(&method(1, 60, 21, b"\x03c.1")),
        Event::Up(&method(1, 50, 20, b"\0\0\x01q\x03log\x04tide\x01\0\0\0\0")),
    ]);
    let said = transactions(&heard);

    assert!(said[1].contains(r#""method":"channel.open""#));
    assert!(
        said[2].contains(r#""method":"queue.declare""#) && said[2].contains(r#""queue":"q.one""#)
    );
    assert!(said[2].contains(r#""messages":7,"response_us":1000,"complete":true"#));
    assert!(said[3].contains(r#""consumer_tag":"c.1""#));
    // It asked for no answer.
    assert!(
        said[4].contains(r#""exchange":"log","queue":"q","routing_key":"tide","complete":true"#)
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn messages_are_reported_with_their_content() {
    let publish = method(1, 60, 40, b"\0\0\x03log\x04tide\0");
    let header = frame(2, 1, b"\0\x3c\0\0\0\0\0\0\0\0\0\x05\x80\0\x0atext/plain");
    let deliver = method(1, 60, 60, b"\x01c\0\0\0\0\0\0\0\x01\0\x03log\x04tide");
    let empty = frame(2, 1, b"\0\x3c\0\0\0\0\0\0\0\0\0\0\0\0");
    let heard = talk(&[
        Event::Up(&[publish, header, frame(3, 1, b"hel"), frame(3, 1, b"lo")].concat()),
        Event::Down(&[deliver, empty].concat()),
    ]);
    let said = transactions(&heard);

    assert!(said[1].contains(
        r#""exchange":"log","routing_key":"tide","content_type":"text/plain","length":5,"complete":true"#
    ));
    assert!(said[2].contains(r#""method":"basic.deliver","from_initiator":false"#));
    assert!(said[2].contains(r#""consumer_tag":"c","length":0"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn refusals_and_closes_are_told() {
    let close = method(1, 20, 40, b"\x01\x94\x09NOT_FOUND\0\x32\0\x0a");
    let heard = talk(&[Event::Down(&close), Event::Up(&method(1, 20, 41, b""))]);
    assert!(transactions(&heard)[1].contains(r#""reply_code":404,"error":"NOT_FOUND""#));

    let login = login();
    let refused = method(0, 10, 50, b"\x01\x93\x06denied\0\0\0\0");
    let heard = play(
        &on_port(),
        &[Event::Up(OLD), Event::Down(&login[0].1), Event::Up(&login[1].1), Event::Down(&refused)],
    );
    assert!(transactions(&heard)[0].contains(r#""reply_code":403,"error":"denied""#));
    assert!(transactions(&heard)[0].contains(r#""complete":false"#));
}

#[test]
fn version_one_is_read_with_its_links() {
    let text = |octets: &[u8]| [&[0xa1, u8::try_from(octets.len()).unwrap()][..], octets].concat();
    let target = [&[0, 0x53, 0x29, 0xc0, 7, 1][..], &text(b"tide")].concat();
    let init: [&[u8]; 3] = [b"\xa3\x05PLAIN", b"\xa0\x0f\0keeper\0lantern", &text(b"a.test")];
    let open: [&[u8]; 2] = [&text(b"me"), &text(b"a.test")];
    let attach: [&[u8]; 7] = [&text(b"l1"), b"\x43", b"\x42", b"\x40", b"\x40", b"\x40", &target];
    let answer: [&[u8]; 3] = [&text(b"l1"), b"\x52\x05", b"\x41"];
    let error = [&[0, 0x53, 0x1d, 0xc0, 17, 1, 0xa3, 14][..], b"amqp:not-found"].concat();
    let heard = play(
        &on_port(),
        &[
            Event::Up(&[NEW_SASL, &performative(1, 0, 0x41, &init, b"")].concat()),
            Event::Down(&[NEW_SASL, &performative(1, 0, 0x44, &[b"\x50\0"], b"")].concat()),
            Event::Up(&[NEW, &performative(0, 0, 0x10, &open, b"")].concat()),
            Event::Down(&[NEW, &performative(0, 0, 0x10, &[&text(b"broker")], b"")].concat()),
            Event::Up(&performative(0, 0, 0x12, &attach, b"")),
            Event::Down(&performative(0, 0, 0x12, &answer, b"")),
            Event::Up(&performative(0, 0, 0x14, &[b"\x43", b"\x43"], b"\0\x53\x77\xa1\x02hi")),
            Event::Up(b"\0\0\0\x08\x02\0\0\0"),
            Event::Down(&performative(0, 0, 0x18, &[&error], b"")),
            Event::Up(&performative(0, 0, 0x18, &[], b"")),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""method":"sasl""#) && said[0].contains(r#""user":"keeper""#));
    assert!(said[0].contains(r#""password_seen":true"#) && said[0].contains(r#""reply_code":0"#));
    assert!(said[1].contains(r#""container_id":"me","peer_container_id":"broker""#));
    assert!(said[2].contains(r#""link":"l1","address":"tide","role":"sender""#));
    assert!(said[3].contains(r#""link":"l1","address":"tide","length":7,"complete":true"#));
    assert!(
        said[4].contains(r#""method":"close""#) && said[4].contains(r#""error":"amqp:not-found""#)
    );
    assert_eq!(heard.names, [(NameSource::Host, "a.test".into())]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn what_is_wrong_is_counted() {
    let mut endless = method(1, 20, 10, b"\0");
    *endless.last_mut().unwrap() = 0;
    let many: Vec<u8> = (1..=65).flat_map(|n| method(n, 20, 10, b"\0")).collect();
    for (event, anomaly) in [
        (Event::Up(b"\x09\0\0\0\0\0\0\xce"), "malformed"),
        (Event::Up(&endless), "end_missing"),
        (Event::Up(&method(1, 50, 10, b"\0\0\x09q")), "malformed_method"),
        (Event::Up(&method(1, 99, 10, b"")), "unknown_method"),
        (Event::Down(&method(1, 20, 11, b"")), "unasked"),
        (Event::Up(&frame(3, 1, b"stray")), "unasked"),
        (Event::Up(&many), "too_many_pending"),
    ] {
        assert_eq!(talk(&[event]).anomalies, [format!("amqp.{anomaly}")]);
    }
    let heard = play(&on_port(), &[Event::Up(NEW), Event::Down(OLD)]);
    assert_eq!(heard.anomalies, ["amqp.version_refused"]);
}

#[test]
fn a_session_that_began_earlier_is_known_by_a_whole_frame() {
    let heard = play(&flow(Transport::Tcp, 9), &[Event::Up(&method(1, 60, 40, b"\0\0\0\x01q\0"))]);
    assert_eq!(heard.path, ["amqp"]);
    assert!(transactions(&heard)[0].contains(r#""method":"basic.publish""#));
}

#[test]
fn long_content_is_passed_over_and_losses_overcome() {
    let publish = method(1, 60, 40, b"\0\0\x03log\x04tide\0");
    let header = frame(2, 1, b"\0\x3c\0\0\0\0\0\0\0\0\xea\x60\0\0");
    let long = [publish, header, frame(3, 1, &[7; 60_000])].concat();
    let next = method(1, 20, 20, b"\x01");
    let mut more: Vec<_> = long.chunks(1400).map(Event::Up).collect();
    more.extend([Event::LostUp(50), Event::Up(b"middle of a frame"), Event::Up(&next)]);
    let heard = talk(&more);
    let said = transactions(&heard);

    assert!(said[1].contains(r#""length":60000,"complete":true"#));
    assert!(said[2].contains(r#""method":"channel.flow""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let login = login();
    let close = method(0, 10, 50, b"\0\xc8\x03bye\0\0\0\0");
    let mut all: Vec<_> = [Event::Up(OLD)].into_iter().chain(events(&login)).collect();
    all.extend([Event::Up(&close), Event::Down(&[1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 51, 0xce])]);
    torture(&on_port(), &all).unwrap();

    let open: [&[u8]; 1] = [b"\xa1\x02me"];
    let (up, down) = (performative(0, 0, 0x10, &open, b""), performative(0, 0, 0x10, &open, b""));
    torture(&on_port(), &[Event::Up(&[NEW, &up].concat()), Event::Down(&[NEW, &down].concat())])
        .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_at_once() {
    let heard = play_wanting(&on_port(), &[Event::Up(OLD)], Wants::default());

    assert_eq!(heard.path, ["amqp"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("amqp").unwrap();
    for data in [&b"AMQP\0\x07\0\0"[..], b"AMQX", b"\x01\0\0\0\0\0\x04\0\x14\0\x63\xce"] {
        assert_eq!(testing::probe(entry, &on_port(), data), Probe::No, "{data:?}");
    }
    let mut random = Random::new(1);
    for _ in 0..20_000u32 {
        let mut data = [random.octets(60), random.octets(60)].concat();
        if data.len() < 16 {
            continue;
        }
        // Those that come to the probe, with a length that fits.
        let length = u8::try_from(data.len() - 8).unwrap();
        data[..7].copy_from_slice(&[1, 0, 1, 0, 0, 0, length]);
        let said = testing::probe(entry, &on_port(), &data);
        assert_ne!(said, Probe::Certain, "{data:x?}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("amqp").unwrap(), Transport::Tcp, 5672, &input);
    }

    #[test]
    fn no_octets_of_version_one_make_it_panic(
        input in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        let begun = [&b"\0\x08AMQP\0\x01\0\0"[..], &input].concat();
        fuzz_one(registry::by_name("amqp").unwrap(), Transport::Tcp, 5672, &begun);
    }
}

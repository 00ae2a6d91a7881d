//! TDS as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn packet(kind: u8, status: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&[kind, status][..], &length, &[0, 0, 1, 0], body].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn prelude(encryption: u8) -> Vec<u8> {
    [&b"\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x10\0\x03\xe8\0\0"[..], &[encryption]].concat()
}

fn login() -> Vec<u8> {
    let texts = ["station", "keeper", "lantern", "ledger", "store", "", "lib", "", "tides"];
    let mut places = Vec::new();
    let mut data = Vec::new();
    for text in texts {
        let offset = u16::try_from(94 + data.len()).unwrap();
        places.extend_from_slice(&offset.to_le_bytes());
        places.extend_from_slice(&u16::try_from(text.len()).unwrap().to_le_bytes());
        data.extend_from_slice(&wide(text));
    }
    places.resize(58, 0);
    let length = u32::try_from(94 + data.len()).unwrap().to_le_bytes();
    let fixed = [&length[..], &0x7400_0004_u32.to_le_bytes(), &[0; 16], &[0xe0, 0x03], &[0; 10]];
    packet(16, 1, &[fixed.concat(), places, data].concat())
}

fn token(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(body.len()).unwrap().to_le_bytes(), body].concat()
}

const DONE: [u8; 13] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn accepted() -> Vec<u8> {
    let name = wide("Server");
    let body = [&[1, 0x74, 0, 0, 4, 6][..], &name, &[16, 0, 3, 0xe8]].concat();
    packet(4, 1, &[token(0xad, &body), DONE.to_vec()].concat())
}

fn refused() -> Vec<u8> {
    let words = wide("Login failed");
    let letters = u16::try_from(words.len() / 2).unwrap().to_le_bytes();
    let body = [&18_456_u32.to_le_bytes()[..], &[1, 14], &letters, &words, &[0; 6]].concat();
    packet(4, 1, &[token(0xaa, &body), DONE.to_vec()].concat())
}

fn batch(text: &str) -> Vec<u8> {
    let headers = b"\x16\0\0\0\x12\0\0\0\x02\0\0\0\0\0\0\0\0\0\x01\0\0\0";
    packet(1, 1, &[&headers[..], &wide(text)].concat())
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 1433)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_login_is_reported_without_its_password_on_any_port() {
    let heard = play(
        &flow(Transport::Tcp, 9),
        &[
            Event::Up(&packet(18, 1, &prelude(2))),
            Event::Down(&packet(4, 1, &prelude(2))),
            Event::Up(&login()),
            Event::Down(&accepted()),
            Event::Up(&batch("select name from boats")),
            Event::Down(&packet(4, 1, &DONE)),
        ],
    );

    assert_eq!(heard.path, ["tds"]);
    assert_eq!(
        transactions(&heard),
        [
            concat!(
                r#"{"kind":"prelogin","client_version":"16.0.1000","server_version":"16.0.1000","#,
                r#""encryption":"unsupported","password_seen":false,"success":true,"#,
                r#""request_length":26,"response_length":26,"response_us":1000}"#
            ),
            concat!(
                r#"{"kind":"login","client_version":"7.4","server_version":"16.0.1000","#,
                r#""host":"station","user":"keeper","password_seen":true,"integrated":false,"#,
                r#""application_name":"ledger","server_name":"store","library":"lib","#,
                r#""database":"tides","server_product":"Server","success":true,"#,
                r#""request_length":180,"response_length":46,"response_us":1000}"#
            ),
            concat!(
                r#"{"kind":"sql_batch","password_seen":false,"query":"select name from boats","#,
                r#""success":true,"request_length":74,"response_length":21,"response_us":1000}"#
            ),
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn errors_are_told_by_number_and_words() {
    let heard = play(&on_port(), &[Event::Up(&login()), Event::Down(&refused())]);

    assert!(
        transactions(&heard)[0]
            .contains(r#""success":false,"error_code":18456,"severity":14,"error":"Login failed""#)
    );
}

#[test]
fn calls_are_told_by_name_or_number() {
    let text = wide("select @p");
    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
    let parameter = [&[0, 0, 0xe7, 0x40, 0x1f, 9, 4, 0, 0, 0][..], &length, &text].concat();
    let known = packet(3, 1, &[&[0xff, 0xff, 10, 0, 0, 0][..], &parameter].concat());
    let name = wide("dbo.tides");
    let named = packet(3, 1, &[&[9, 0][..], &name, &[0, 0]].concat());
    let heard = play(&on_port(), &[Event::Up(&known), Event::Up(&named)]);
    let said = transactions(&heard);

    assert!(said[0].contains(r#""procedure":"sp_executesql","query":"select @p""#), "{said:?}");
    assert!(said[1].contains(r#""procedure":"dbo.tides""#));
}

#[test]
fn a_session_that_began_earlier_is_known_by_its_requests() {
    let name = wide("dbo.high_water");
    let call = [&[14, 0][..], &name, &[0, 0], &[7; 100]].concat();
    for status in [1, 9, 0x11] {
        let heard = play(&flow(Transport::Tcp, 9), &[Event::Up(&packet(3, status, &call))]);
        assert_eq!(heard.path, ["tds"]);
        assert!(transactions(&heard)[0].contains(r#""procedure":"dbo.high_water""#));
    }
    // The first of several packets, of which the capture's segment holds the beginning.
    let long = packet(3, 0, &[&call[..], &[7; 4000]].concat());
    let heard =
        play(&flow(Transport::Tcp, 9), &[Event::Up(&long[..1400]), Event::Up(&long[1400..])]);
    assert_eq!(heard.path, ["tds"]);
}

#[test]
fn tls_inside_is_noted_and_what_it_hides_not_read() {
    let tls = packet(18, 1, b"\x16\x03\x03\0\x04\x01\0\0\0");
    let heard = play(
        &on_port(),
        &[
            Event::Up(&packet(18, 1, &prelude(1))),
            Event::Down(&packet(4, 1, &prelude(1))),
            Event::Up(&tls),
            Event::Down(&tls),
            Event::Up(b"\x17\x03\x03\0\x20encrypted from here on"),
        ],
    );

    assert!(transactions(&heard)[0].contains(r#""encryption":"all""#));
    assert_eq!((heard.transactions.len(), heard.anomalies.len()), (1, 0));
}

#[test]
fn messages_may_come_in_several_packets() {
    let first = packet(1, 0, &wide("select name "));
    let second = packet(1, 1, &wide("from boats"));
    let heard = play(&on_port(), &[Event::Up(&login()), Event::Up(&[first, second].concat())]);

    assert!(transactions(&heard)[1].contains(r#""query":"select name from boats""#));
}

#[test]
fn passwords_in_statements_are_not_kept() {
    let heard = play(&on_port(), &[Event::Up(&batch("create login k with password = 'lantern'"))]);

    assert!(transactions(&heard)[0].contains(r#"with password = '***'""#));
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn what_is_wrong_is_counted_and_the_session_goes_on() {
    let first = login();
    let many = batch("select 1 a").repeat(5);
    let broken = packet(18, 1, b"\x00\x00\xff\0\x06\xff");
    let short = packet(16, 1, &[0; 20]);
    for (events, anomaly) in [
        (vec![Event::Up(b"\xee\xee")], "malformed"),
        (vec![Event::Up(&broken)], "malformed_prelogin"),
        (vec![Event::Up(&short)], "malformed_login"),
        (vec![Event::Up(&many)], "too_many_pending"),
    ] {
        let all: Vec<_> = [Event::Up(&first)].into_iter().chain(events).collect();
        assert_eq!(play(&on_port(), &all).anomalies, [format!("tds.{anomaly}")]);
    }
    let answer = packet(4, 1, &DONE);
    let twice = [Event::Up(&first), Event::Down(&answer), Event::Down(&answer)];
    assert_eq!(play(&on_port(), &twice).anomalies, ["tds.unasked_answer"]);

    let next = batch("select 2 b");
    let after = [Event::Up(&first), Event::LostUp(9), Event::Up(b"\xee"), Event::Up(&next)];
    let heard = play(&on_port(), &after);
    assert!(transactions(&heard)[1].contains("select 2 b"));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    torture(
        &on_port(),
        &[
            Event::Up(&packet(18, 1, &prelude(2))),
            Event::Down(&packet(4, 1, &prelude(2))),
            Event::Up(&login()),
            Event::Down(&accepted()),
        ],
    )
    .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_at_once() {
    let heard = play_wanting(&on_port(), &[Event::Up(&login())], Wants::default());

    assert_eq!(heard.path, ["tds"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("tds").unwrap();
    // Packets of another protocol begin with 3, 0 and their length.
    let tpkt = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0";
    assert_eq!(testing::probe(entry, &on_port(), tpkt), Probe::No);
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = [random.octets(60), random.octets(60)].concat();
        if data.len() < 16 {
            continue;
        }
        let length = u8::try_from(data.len()).unwrap();
        // Those that come to the probe, with a length that fits.
        data[..8].copy_from_slice(&[[18, 16, 1, 3][n as usize % 4], 1, 0, length, 0, 0, 1, 0]);
        let said = testing::probe(entry, &on_port(), &data);
        assert_ne!(said, Probe::Certain, "{data:x?}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("tds").unwrap(), Transport::Tcp, 1433, &input);
    }
}

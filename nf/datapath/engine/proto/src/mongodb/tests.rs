//! MongoDB as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built messages are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn counted(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 4).unwrap().to_le_bytes()[..], body].concat()
}

fn document(elements: &[Vec<u8>]) -> Vec<u8> {
    counted(&[elements.concat(), vec![0]].concat())
}

fn element(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind][..], name.as_bytes(), &[0], value].concat()
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let length = u32::try_from(value.len() + 1).unwrap().to_le_bytes();
    element(2, name, &[&length[..], value.as_bytes(), &[0]].concat())
}

fn number(name: &str, value: i32) -> Vec<u8> {
    element(16, name, &value.to_le_bytes())
}

fn ok(value: f64) -> Vec<u8> {
    element(1, "ok", &value.to_le_bytes())
}

fn message(id: u32, to: u32, code: u32, body: &[u8]) -> Vec<u8> {
    let numbers = [id, to, code].map(u32::to_le_bytes).concat();
    let length = u32::try_from(16 + body.len()).unwrap().to_le_bytes();
    [&length[..], &numbers, body].concat()
}

fn msg(id: u32, to: u32, flags: u32, elements: &[Vec<u8>]) -> Vec<u8> {
    message(id, to, 2013, &[&flags.to_le_bytes()[..], &[0], &document(elements)].concat())
}

fn find(id: u32) -> Vec<u8> {
    msg(id, 0, 0, &[text("find", "boats"), text("$db", "harbour")])
}

fn found(id: u32, to: u32) -> Vec<u8> {
    let rows = document(&[element(3, "0", &document(&[])), element(3, "1", &document(&[]))]);
    let cursor = document(&[element(4, "firstBatch", &rows), text("ns", "harbour.boats")]);
    msg(id, to, 0, &[element(3, "cursor", &cursor), ok(1.0)])
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 27017)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_command_and_its_answer_make_a_transaction_on_any_port() {
    let heard = play(&flow(Transport::Tcp, 9), &[Event::Up(&find(7)), Event::Down(&found(3, 7))]);

    assert_eq!(heard.path, ["mongodb"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"operation":"msg","request_id":7,"command":"find","database":"harbour","#,
            r#""collection":"boats","password_seen":false,"documents":0,"request_length":59,"#,
            r#""response_length":106,"success":true,"returned":2,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_client_says_what_it_is() {
    let application = element(3, "application", &document(&[text("name", "ledger")]));
    let driver = element(3, "driver", &document(&[text("name", "mongo"), text("version", "4.1")]));
    let client = element(3, "client", &document(&[application, driver]));
    let hello = document(&[number("isMaster", 1), client]);
    let query = [&[0; 4][..], b"admin.$cmd\0", &[0; 4], &[0xff; 4], &hello].concat();
    let answer = document(&[element(8, "ismaster", &[1]), number("maxWireVersion", 13), ok(1.0)]);
    let reply = [&[8, 0, 0, 0][..], &[0; 12], &[1, 0, 0, 0], &answer].concat();
    let heard = play(
        &on_port(),
        &[Event::Up(&message(1, 0, 2004, &query)), Event::Down(&message(2, 1, 1, &reply))],
    );

    assert!(
        transactions(&heard)[0].contains(concat!(
            r#""operation":"query","request_id":1,"command":"isMaster","database":"admin","#,
            r#""application_name":"ledger","driver_name":"mongo","driver_version":"4.1""#
        )),
        "{heard:?}"
    );
    assert!(transactions(&heard)[0].contains(r#""success":true,"max_wire_version":13"#));
}

#[test]
fn errors_are_told_by_number_name_and_words() {
    let error = [
        ok(0.0),
        text("errmsg", "no such command"),
        number("code", 59),
        text("codeName", "NoCommand"),
    ];
    let heard = play(&on_port(), &[Event::Up(&find(7)), Event::Down(&msg(8, 7, 0, &error))]);

    assert!(transactions(&heard)[0].contains(
        r#""success":false,"error_code":59,"error_name":"NoCommand","error":"no such command""#
    ));
}

#[test]
fn documents_that_come_along_are_counted() {
    let rows = [b"documents\0".to_vec(), document(&[number("a", 1)]), document(&[])].concat();
    let body = [
        &[0; 4][..],
        &[0],
        &document(&[text("insert", "boats"), text("$db", "harbour")]),
        &[1],
        &counted(&rows),
    ];
    let answer = msg(9, 7, 0, &[number("n", 2), ok(1.0)]);
    let heard =
        play(&on_port(), &[Event::Up(&message(7, 0, 2013, &body.concat())), Event::Down(&answer)]);

    assert!(transactions(&heard)[0].contains(r#""documents":2"#));
    assert!(transactions(&heard)[0].contains(r#""affected":2"#));
}

#[test]
fn a_login_in_clear_is_noted_and_not_kept() {
    let secret = element(5, "payload", b"\x10\0\0\0\0\0keeper\0lantern\0");
    let login =
        [number("saslStart", 1), text("mechanism", "PLAIN"), secret, text("$db", "$external")];
    let heard = play(&on_port(), &[Event::Up(&msg(7, 0, 0, &login))]);

    assert!(transactions(&heard)[0].contains(r#""auth_mechanism":"PLAIN","password_seen":true"#));
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn what_is_compressed_is_noted() {
    let body = [&2013u32.to_le_bytes()[..], &[40, 0, 0, 0], &[1], b"packed"].concat();
    let heard = play(&on_port(), &[Event::Up(&message(7, 0, 2012, &body))]);

    assert!(transactions(&heard)[0].contains(r#""operation":"compressed""#));
    assert!(transactions(&heard)[0].contains(r#""compressor":"snappy""#));
}

#[test]
fn answers_may_follow_unasked_and_requests_may_want_none() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&find(7)),
            Event::Down(&msg(20, 7, 2, &[ok(1.0)])),
            Event::Down(&msg(21, 20, 0, &[ok(1.0)])),
            Event::Up(&msg(8, 0, 2, &[text("insert", "boats")])),
        ],
    );
    let said = transactions(&heard);

    assert!(said[1].contains(r#""request_id":20,"command":"find""#));
    assert!(said[2].contains(r#""command":"insert""#) && !said[2].contains("response_us"));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn who_asks_may_answer_all_ones() {
    let query = [&[0; 4][..], b"harbour.$cmd\0", &[0; 4], &[0xff; 4], &document(&[number("x", 1)])];
    let heard =
        play(&flow(Transport::Tcp, 9), &[Event::Up(&message(7, u32::MAX, 2004, &query.concat()))]);

    assert_eq!(heard.path, ["mongodb"]);
    assert!(transactions(&heard)[0].contains(r#""command":"x","database":"harbour""#));
}

#[test]
fn what_is_wrong_is_counted() {
    let stray = msg(9, 99, 0, &[ok(1.0)]);
    let broken = message(9, 0, 2013, b"\0\0\0\0\x07");
    let many: Vec<u8> = (0..65).flat_map(find).collect();
    let first = find(7);
    for (event, anomaly) in [
        (Event::Up(&[0xff; 16]), "malformed"),
        (Event::Up(&broken), "malformed_body"),
        (Event::Down(&stray), "unasked_answer"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&first), event]);
        assert_eq!(heard.anomalies, [format!("mongodb.{anomaly}")]);
    }
    assert_eq!(play(&on_port(), &[Event::Up(&many)]).anomalies, ["mongodb.too_many_pending"]);
}

#[test]
fn long_messages_are_passed_over_and_losses_overcome() {
    let long = msg(7, 0, 0, &[text("insert", "boats"), text("x", &"y".repeat(100_000))]);
    let mut events: Vec<_> = long.chunks(1400).take(60).map(Event::Up).collect();
    events.push(Event::LostUp((long.len() - 60 * 1400) as u64));
    let (answer, next) = (msg(8, 7, 0, &[ok(1.0)]), find(9));
    events.extend([Event::Down(&answer), Event::LostUp(77), Event::Up(b"tail of something")]);
    events.push(Event::Up(&next));
    let heard = play(&on_port(), &events);
    let said = transactions(&heard);

    assert!(said[0].contains(r#""command":"insert""#) && said[0].contains(r#""success":true"#));
    assert!(said[1].contains(r#""command":"find""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    torture(&on_port(), &[Event::Up(&find(7)), Event::Down(&found(3, 7)), Event::Up(&find(8))])
        .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_at_once() {
    let heard = play_wanting(&on_port(), &[Event::Up(&find(7))], Wants::default());

    assert_eq!(heard.path, ["mongodb"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("mongodb").unwrap();
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = random.octets(120);
        data.resize(data.len().max(24), 0);
        let length = u32::try_from(data.len()).unwrap();
        // Those that come to the probe, with a length that fits.
        data[..4].copy_from_slice(&length.to_le_bytes());
        let code = [1u32, 2001, 2004, 2012, 2013][n as usize % 5];
        data[12..16].copy_from_slice(&code.to_le_bytes());
        let said = testing::probe(entry, &on_port(), &data);
        assert_ne!(said, Probe::Certain, "{data:x?}");
    }
    assert_eq!(testing::probe(entry, &on_port(), b"GET / HTTP/1.1\r\n"), Probe::No);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("mongodb").unwrap(), Transport::Tcp, 27017, &input);
    }
}

//! MySQL as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let [a, b, c, _] = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[a, b, c, sequence][..], body].concat()
}

fn packets(first: u8, bodies: &[&[u8]]) -> Vec<u8> {
    (first..).zip(bodies).flat_map(|(sequence, body)| packet(sequence, body)).collect()
}

fn greeting() -> Vec<u8> {
    let body = [
        &b"\x0a8.0.36-x\0\x2a\0\0\0saltsalt\0"[..],
        // Capabilities, character set, status, capabilities, length of the challenge.
        &[0xff, 0xff, 0x21, 2, 0, 0xff, 0xdf, 21],
        &[0; 10],
        b"saltsaltsalt\0caching_sha2_password\0",
    ];
    packet(0, &body.concat())
}

fn login(capabilities: u32) -> Vec<u8> {
    let body = [
        &capabilities.to_le_bytes()[..],
        &[0, 0, 0, 1, 0x21],
        &[0; 23],
        b"keeper\0\x04\x01\x02\x03\x04harbour\0mysql_native_password\0",
        b"\x1a\x0c_client_name\x0clibmysqlclie",
    ];
    packet(1, &body.concat())
}

/// 4.1, a database, an extensible proof and attributes, ends of columns left out.
const MODERN: u32 = 0x0118_8208;
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
/// A description of a column, as far as it matters.
const COLUMN: &[u8] = b"\x03def\0\0\0\x01n\0\x0c\x3f\0\x0b\0\0\0\x03\0\0\0\0\0";

fn command(code: u8, rest: &[u8]) -> Vec<u8> {
    packet(0, &[&[code][..], rest].concat())
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 3306)
}

/// What is said behind a login.
fn talk(events: &[Event<'_>]) -> Heard {
    let (greeting, login, done) = (greeting(), login(MODERN), packet(2, OK));
    let begin = [Event::Down(&greeting), Event::Up(&login), Event::Down(&done)];
    play(&on_port(), &begin.into_iter().chain(events.iter().cloned()).collect::<Vec<_>>())
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_login_is_reported_on_any_port() {
    let heard = play(
        &flow(Transport::Tcp, 9),
        &[Event::Down(&greeting()), Event::Up(&login(MODERN)), Event::Down(&packet(2, OK))],
    );

    assert_eq!(heard.path, ["mysql"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"command":"login","protocol_version":10,"server_version":"8.0.36-x","#,
            r#""mariadb":false,"connection_id":42,"user":"keeper","database":"harbour","#,
            r#""auth_method":"mysql_native_password","password_seen":false,"encrypted":false,"#,
            r#""compressed":false,"client_name":"libmysqlclie","success":true,"response_us":2000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn rows_are_counted_with_and_without_an_end_behind_the_columns() {
    let old =
        packets(1, &[b"\x01", COLUMN, b"\xfe\0\0\x02\0", b"\x01a", b"\x01b", b"\xfe\0\0\x02\0"]);
    let new = packets(1, &[b"\x01", COLUMN, b"\x01a", b"\xfe\0\0\x02\0\0\0"]);
    let bare = packets(1, &[b"\x01\0", b"\x01a", b"\xfe\0\0\x02\0\0\0"]);
    let heard = talk(&[
        Event::Up(&command(3, b"select n from t")),
        Event::Down(&old),
        Event::Up(&command(3, b"select 2")),
        Event::Down(&new),
        Event::Up(&command(3, b"select 3")),
        Event::Down(&bare),
    ]);
    let said = transactions(&heard);

    assert_eq!(
        said[1],
        concat!(
            r#"{"command":"query","password_seen":false,"query":"select n from t","success":true,"#,
            r#""columns":1,"rows":2,"results":1,"data_length":4,"warnings":0,"response_us":1000}"#
        )
    );
    assert!(said[2].contains(r#""columns":1,"rows":1,"results":1"#));
    assert!(said[3].contains(r#""columns":1,"rows":1,"results":1"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn several_results_are_one_answer() {
    let both = packets(
        1,
        &[
            b"\x01",
            COLUMN,
            b"\xfe\0\0\x02\0",
            b"\x01a",
            b"\xfe\0\0\x0a\0",
            b"\0\x03\x07\x02\0\x01\0",
        ],
    );
    let heard = talk(&[Event::Up(&command(3, b"call x()")), Event::Down(&both)]);

    assert!(transactions(&heard)[1].contains(
        r#""affected_rows":3,"insert_id":7,"columns":1,"rows":1,"results":2,"data_length":2,"warnings":1"#
    ));
}

#[test]
fn errors_are_reported_with_number_and_state() {
    let error = packet(1, b"\xff\x7a\x04#42S02no such table");
    let heard = talk(&[Event::Up(&command(3, b"select * from nothing")), Event::Down(&error)]);

    assert!(transactions(&heard)[1].contains(
        r#""success":false,"error_code":1146,"sqlstate":"42S02","error":"no such table""#
    ));
}

#[test]
fn a_prepared_statement_is_known_when_executed() {
    let prepared = packets(
        1,
        &[b"\0\x05\0\0\0\x01\0\x01\0\0\0\0", COLUMN, b"\xfe\0\0\x02\0", COLUMN, b"\xfe\0\0\x02\0"],
    );
    let answer = packets(1, &[b"\x01", COLUMN, b"\0\0\x01a", b"\xfe\0\0\x02\0\0\0"]);
    let heard = talk(&[
        Event::Up(&command(22, b"select n from t where n = ?")),
        Event::Down(&prepared),
        Event::Up(&command(23, b"\x05\0\0\0\0\x01\0\0\0")),
        Event::Down(&answer),
        Event::Up(&command(25, b"\x05\0\0\0")),
        Event::Up(&command(14, b"")),
        Event::Down(&packet(1, OK)),
        Event::Up(&command(1, b"")),
    ]);
    let said = transactions(&heard);

    assert!(said[1].contains(r#""statement_id":5,"success":true,"columns":1,"parameters":1"#));
    assert!(said[2].contains(
        r#""command":"execute","password_seen":false,"query":"select n from t where n = ?","statement_id":5"#
    ));
    assert!(said[2].contains(r#""rows":1"#), "{}", said[2]);
    assert!(said[3].contains(r#""command":"close""#) && said[5].contains(r#""command":"quit""#));
    assert!(said[4].contains(r#""command":"ping""#) && said[4].contains(r#""success":true"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_request_for_tls_hands_over() {
    let body = [&0x0000_8a00_u32.to_le_bytes()[..], &[0, 0, 0, 1, 0x21], &[0; 23]].concat();
    let hello = b"\x16\x03\x01\x00\x05\x01\0\0\x01\0";
    let heard = play(
        &on_port(),
        &[Event::Down(&greeting()), Event::Up(&packet(1, &body)), Event::Up(hello)],
    );

    assert_eq!(heard.path, ["mysql", "tls"]);
    assert!(transactions(&heard)[0].contains(r#""encrypted":true"#));
}

#[test]
fn another_method_may_be_asked_for_and_a_password_in_clear_is_noted() {
    let heard = play(
        &on_port(),
        &[
            Event::Down(&greeting()),
            Event::Up(&login(MODERN)),
            Event::Down(&packet(2, b"\xfemysql_clear_password\0")),
            Event::Up(&packet(3, b"lantern\0")),
            Event::Down(&packet(4, b"\xff\x15\x04#28000denied")),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""auth_method":"mysql_clear_password","password_seen":true"#));
    assert!(said[0].contains(r#""success":false,"error_code":1045,"sqlstate":"28000""#));
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn passwords_in_statements_are_not_kept() {
    let heard = talk(&[Event::Up(&command(3, b"set password = 'lantern'"))]);

    assert!(
        transactions(&heard)[1].contains(r#""password_seen":true,"query":"set password = '***'""#)
    );
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn what_is_compressed_is_noted_and_not_read() {
    let heard = play(
        &on_port(),
        &[
            Event::Down(&greeting()),
            Event::Up(&login(MODERN | 0x20)),
            Event::Down(&packet(2, OK)),
            Event::Up(b"\x0a\0\0\0\0\0\0compressed"),
        ],
    );

    assert!(transactions(&heard)[0].contains(r#""compressed":true"#));
    assert_eq!((heard.transactions.len(), heard.anomalies.len()), (1, 0));
}

#[test]
fn a_refusal_instead_of_a_greeting_is_reported_on_the_port() {
    let refusal = packet(0, b"\xff\x6a\x04Host is not allowed to connect");
    let heard = play(&on_port(), &[Event::Down(&refusal)]);

    assert!(transactions(&heard)[0].contains(r#""success":false,"error_code":1130"#));
    assert!(play(&flow(Transport::Tcp, 9), &[Event::Down(&refusal)]).path.is_empty());
}

#[test]
fn a_file_that_is_asked_for_is_counted() {
    let heard = talk(&[
        Event::Up(&command(3, b"load data local infile 'x' into table t")),
        Event::Down(&packet(1, b"\xfbx")),
        Event::Up(&[packet(2, &[b'r'; 100]), packet(3, b"")].concat()),
        Event::Down(&packet(4, b"\0\x05\0\x02\0\0\0")),
    ]);

    assert!(transactions(&heard)[1].contains(r#""affected_rows":5,"results":1,"data_length":100"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_session_that_began_earlier_is_known_by_its_query_on_the_port() {
    let query = command(3, b"select 1 from t");
    let heard = play(&on_port(), &[Event::Up(&query), Event::Down(&packet(1, OK))]);

    assert_eq!(heard.path, ["mysql"]);
    assert!(transactions(&heard)[0].contains(r#""success":true"#));
    assert!(play(&flow(Transport::Tcp, 9), &[Event::Up(&query)]).path.is_empty());
}

#[test]
fn what_is_wrong_is_counted() {
    for (events, anomaly) in [
        (vec![Event::Up(b"\x01\0\0\0\x7f")], "unknown_command"),
        (vec![Event::Down(b"\x01\0\0\x01\x05")], "unasked_answer"),
        (vec![Event::Up(b"\x01\0\0\0\x0e"), Event::Down(b"\x01\0\0\x01\xfb")], "malformed_answer"),
    ] {
        assert_eq!(talk(&events).anomalies, [format!("mysql.{anomaly}")]);
    }
    let late = packet(3, OK);
    let (first, second) = (greeting(), login(MODERN));
    let heard = play(&on_port(), &[Event::Down(&first), Event::Up(&second), Event::Down(&late)]);
    assert_eq!(heard.anomalies, ["mysql.sequence_mismatch"]);
    let heard = play(&on_port(), &[Event::Down(&first), Event::Up(b"\x01\0\0\x01\x05")]);
    assert_eq!(heard.anomalies, ["mysql.malformed_login"]);
    let many = command(14, b"").repeat(65);
    assert_eq!(talk(&[Event::Up(&many)]).anomalies, ["mysql.too_many_pending"]);
}

#[test]
fn after_a_loss_new_commands_get_their_own_answers() {
    let heard = talk(&[
        Event::Up(&command(3, b"select 1")),
        Event::LostDown(500),
        Event::Down(b"end of a row"),
        Event::Up(&command(3, b"select 2")),
        Event::Down(&packet(1, OK)),
    ]);
    let said = transactions(&heard);

    assert!(said[1].contains(r#""query":"select 1"}"#));
    assert!(said[2].contains(r#""query":"select 2","success":true"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn long_packets_are_passed_over() {
    let row = [&[0xfd, 0x40, 0x0d, 0x03][..], &vec![b'x'; 200_000]].concat();
    let answer = packets(1, &[b"\x01", COLUMN, &row, b"\xfe\0\0\x02\0\0\0"]);
    let query = command(3, b"select n from t");
    let mut events = vec![Event::Up(&query)];
    events.extend(answer.chunks(1400).map(Event::Down));
    let heard = talk(&events);

    assert!(transactions(&heard)[1].contains(r#""rows":1,"results":1,"data_length":200004"#));
    assert!(heard.faults.is_empty());
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let answer = packets(1, &[b"\x01", COLUMN, b"\xfe\0\0\x02\0", b"\x01a", b"\xfe\0\0\x02\0"]);
    torture(
        &on_port(),
        &[
            Event::Down(&greeting()),
            Event::Up(&login(MODERN)),
            Event::Down(&packet(2, OK)),
            Event::Up(&command(3, b"select n from t")),
            Event::Down(&answer),
            Event::Up(&command(1, b"")),
        ],
    )
    .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_behind_the_login() {
    let heard = play_wanting(
        &on_port(),
        &[Event::Down(&greeting()), Event::Up(&login(MODERN)), Event::Down(&packet(2, OK))],
        Wants::default(),
    );

    assert_eq!(heard.path, ["mysql"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("mysql").unwrap();
    let mut wrong = greeting();
    wrong[35] = 1;
    for data in
        [&wrong[..], b"\x05\0\0\0\x0aabcd", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\0\x01"]
    {
        assert_ne!(testing::probe(entry, &on_port(), data), Probe::Certain, "{data:?}");
    }
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = [random.octets(80), random.octets(80)].concat();
        if data.len() < 40 {
            continue;
        }
        let length = u8::try_from(data.len() - 4).unwrap();
        // Those that come to the probe, with a length that fits.
        data[..3].copy_from_slice(&[length, 0, 0]);
        data[3..5].copy_from_slice(&[[0, 10], [0, 0xff], [0, 3], [1, 5]][n as usize % 4]);
        let said = testing::probe(entry, &flow(Transport::Tcp, 9), &data);
        assert_ne!(said, Probe::Certain, "{data:x?}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("mysql").unwrap(), Transport::Tcp, 3306, &input);
    }
}

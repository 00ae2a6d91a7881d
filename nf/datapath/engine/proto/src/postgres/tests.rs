//! PostgreSQL as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built messages are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn bare(code: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &code.to_be_bytes(), body].concat()
}

fn startup() -> Vec<u8> {
    bare(0x0003_0000, b"user\0keeper\0database\0tides\0application_name\0psql\0\0")
}

const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

/// What a server says once it lets a user in.
fn welcome() -> Vec<u8> {
    [
        message(b'R', &[0; 4]),
        message(b'S', b"server_version\x0015.4\0"),
        message(b'K', &[0, 0, 0, 42, 1, 2, 3, 4]),
        message(b'Z', b"I"),
    ]
    .concat()
}

/// Two rows of a column, and that they are all.
fn rows() -> Vec<u8> {
    [
        message(b'T', b"\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0"),
        message(b'D', b"\0\x01\0\0\0\x01a"),
        message(b'D', b"\0\x01\0\0\0\x01b"),
        message(b'C', b"SELECT 2\0"),
    ]
    .concat()
}

fn query(text: &str) -> Vec<u8> {
    message(b'Q', &[text.as_bytes(), b"\0"].concat())
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 5432)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_start_with_a_password_and_a_query_are_reported_on_any_port() {
    let ready = message(b'Z', b"I");
    let heard = play(
        &flow(Transport::Tcp, 9),
        &[
            Event::Up(&startup()),
            Event::Down(&message(b'R', &[0, 0, 0, 3])),
            Event::Up(&message(b'p', b"lantern\0")),
            Event::Down(&welcome()),
            Event::Up(&query("select n from t")),
            Event::Down(&[rows(), ready].concat()),
            Event::Up(&message(b'X', b"")),
        ],
    );

    assert_eq!(heard.path, ["postgres"]);
    assert_eq!(
        transactions(&heard),
        [
            concat!(
                r#"{"kind":"startup","protocol_version":"3.0","user":"keeper","database":"tides","#,
                r#""application_name":"psql","auth_method":"password","password_seen":true,"#,
                r#""authenticated":true,"server_version":"15.4","process_id":42,"#,
                r#""transaction_status":"idle","response_us":3000,"complete":true}"#
            ),
            concat!(
                r#"{"kind":"query","password_seen":false,"query":"select n from t","#,
                r#""command_tag":"SELECT 2","statements":1,"columns":1,"rows":2,"data_length":14,"#,
                r#""transaction_status":"idle","response_us":1000,"complete":true}"#
            ),
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn an_accepted_request_for_tls_hands_over() {
    let hello = b"\x16\x03\x01\x00\x05\x01\0\0\x01\0";
    let heard = play(&on_port(), &[Event::Up(SSL), Event::Down(b"S"), Event::Up(hello)]);

    assert_eq!(heard.path, ["postgres", "tls"]);
    assert_eq!(
        transactions(&heard)[0],
        r#"{"kind":"ssl","password_seen":false,"encrypted":true,"response_us":1000,"complete":true}"#
    );
}

#[test]
fn a_refused_request_for_tls_goes_on_in_clear() {
    let heard = play(
        &on_port(),
        &[Event::Up(SSL), Event::Down(b"N"), Event::Up(&startup()), Event::Down(&welcome())],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""encrypted":false"#));
    assert!(said[1].contains(r#""auth_method":"none""#));
}

#[test]
fn the_mechanism_of_sasl_is_told_and_nothing_of_the_proof() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&startup()),
            Event::Down(&message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")),
            Event::Up(&message(b'p', b"SCRAM-SHA-256\0\0\0\0\x09n,,r=nonce")),
            Event::Down(&message(b'R', b"\0\0\0\x0br=noncemore")),
            Event::Up(&message(b'p', b"c=biws,p=proof")),
            Event::Down(&message(b'E', b"SFATAL\0VFATAL\0C28P01\0Mwrong\0\0")),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(
        r#""auth_method":"sasl","auth_mechanism":"SCRAM-SHA-256","password_seen":false,"authenticated":false"#
    ));
    assert!(said[0].contains(r#""severity":"FATAL","sqlstate":"28P01","error":"wrong""#));
    assert!(!format!("{heard:?}").contains("nonce"));
}

#[test]
fn a_prepared_statement_is_reported_when_executed() {
    let ask = [
        message(b'P', b"s1\0select n from t where n = $1\0\0\0"),
        message(b'B', b"\0s1\0\0\0\0\0\0\0"),
        message(b'D', b"P\0"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'S', b""),
    ]
    .concat();
    let steps = [message(b'1', b""), message(b'2', b"")].concat();
    let heard = play(
        &on_port(),
        &[
            Event::Up(&startup()),
            Event::Down(&welcome()),
            Event::Up(&ask),
            Event::Down(&[steps, rows(), message(b'Z', b"T")].concat()),
        ],
    );
    let said = transactions(&heard);

    assert_eq!(said.len(), 2);
    assert!(said[1].contains(
        r#""kind":"execute","password_seen":false,"query":"select n from t where n = $1","statement":"s1","command_tag":"SELECT 2""#
    ), "{}", said[1]);
    assert!(said[1].contains(r#""rows":2"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn what_fails_in_preparation_is_reported_with_what_is_not_carried_out() {
    let ask = [
        message(b'P', b"\0selec 1\0\0\0"),
        message(b'B', b"\0\0\0\0\0\0\0\0"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'S', b""),
    ]
    .concat();
    let error = message(b'E', b"SERROR\0C42601\0Msyntax\0\0");
    let heard = play(
        &on_port(),
        &[
            Event::Up(&startup()),
            Event::Down(&welcome()),
            Event::Up(&ask),
            Event::Down(&[error, message(b'Z', b"I")].concat()),
        ],
    );
    let said = transactions(&heard);

    assert!(said[1].contains(r#""kind":"parse""#) && said[1].contains(r#""sqlstate":"42601""#));
    assert!(said[2].contains(r#""kind":"execute""#) && said[2].contains(r#""complete":false"#));
    assert_eq!(said.len(), 3);
}

#[test]
fn a_query_that_fails_is_reported_with_its_code() {
    let error = message(b'E', b"SERROR\0VERROR\0C42P01\0Mno such table\0\0");
    let heard = play(
        &on_port(),
        &[
            Event::Up(&query("select 1 from nothing")),
            Event::Down(&[error, message(b'Z', b"E")].concat()),
        ],
    );

    assert_eq!(heard.path, ["postgres"]);
    assert!(transactions(&heard)[0].contains(
        r#""severity":"ERROR","sqlstate":"42P01","error":"no such table","transaction_status":"failed""#
    ));
}

#[test]
fn passwords_in_statements_are_not_kept() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&startup()),
            Event::Down(&welcome()),
            Event::Up(&query("alter user keeper password 'lantern'")),
        ],
    );

    assert!(
        transactions(&heard)[1]
            .contains(r#""password_seen":true,"query":"alter user keeper password '***'""#)
    );
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn a_cancellation_names_the_process() {
    let heard = play(&on_port(), &[Event::Up(&bare(80_877_102, &[0, 0, 0, 42, 9, 9, 9, 9]))]);

    assert!(
        transactions(&heard)[0]
            .contains(r#""kind":"cancel","password_seen":false,"process_id":42"#)
    );
}

#[test]
fn copied_data_is_counted() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&startup()),
            Event::Down(&welcome()),
            Event::Up(&query("copy t from stdin")),
            Event::Down(&message(b'G', &[0, 0, 0])),
            Event::Up(&[message(b'd', &[b'x'; 50_000]), message(b'c', b"")].concat()),
            Event::Down(&[message(b'C', b"COPY 1\0"), message(b'Z', b"I")].concat()),
        ],
    );

    assert!(
        transactions(&heard)[1]
            .contains(r#""command_tag":"COPY 1","statements":1,"data_length":50000"#)
    );
    assert!(heard.faults.is_empty());
}

#[test]
fn what_is_wrong_is_counted() {
    let early = [SSL, &startup()].concat();
    let broken = bare(0x0003_0000, b"user\0keeper\0\0x");
    let start = startup();
    for (events, anomaly) in [
        (vec![Event::Up(&start), Event::Up(b"\x01\0\0\0\x04")], "unknown_message"),
        (vec![Event::Up(&start), Event::Up(b"Q\0\0\0\x01")], "malformed"),
        (vec![Event::Up(&start), Event::Down(b"Z\0\0\0\x05IZ\0\0\0\x05I")], "unasked_answer"),
        (vec![Event::Up(&early), Event::Down(b"N")], "early_data"),
        (vec![Event::Up(SSL), Event::Down(b"N"), Event::Up(&broken)], "malformed_startup"),
        (vec![Event::Up(SSL), Event::Down(b"?")], "malformed"),
    ] {
        assert_eq!(play(&on_port(), &events).anomalies, [format!("postgres.{anomaly}")]);
    }
}

#[test]
fn the_oldest_request_is_given_up_when_too_many_wait() {
    let many = query("select 1").repeat(257);
    let heard = play(&on_port(), &[Event::Up(&many)]);

    assert_eq!(heard.anomalies, ["postgres.too_many_pending"]);
    assert_eq!(heard.transactions.len(), 257);
}

#[test]
fn after_a_loss_new_queries_get_their_own_answers() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&startup()),
            Event::Down(&welcome()),
            Event::Up(&query("select 1")),
            Event::LostDown(99),
            Event::Down(b"end of a row"),
            Event::Up(&query("select 2")),
            Event::Down(&[rows(), message(b'Z', b"I")].concat()),
        ],
    );
    let said = transactions(&heard);

    assert!(said[1].contains(r#""query":"select 1","complete":false"#));
    assert!(said[2].contains(r#""query":"select 2""#) && said[2].contains(r#""rows":2"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let both = [startup(), query("select 1")].concat();
    let all = [welcome(), rows(), message(b'Z', b"I")].concat();
    torture(
        &on_port(),
        &[
            Event::Up(SSL),
            Event::Down(b"N"),
            Event::Up(&both),
            Event::Down(&all),
            Event::Up(&message(b'X', b"")),
        ],
    )
    .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_behind_the_start() {
    let heard = play_wanting(&on_port(), &[Event::Up(&startup())], Wants::default());

    assert_eq!(heard.path, ["postgres"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("postgres").unwrap();
    for data in [
        &b"\0\0\0\x0d\0\x03\0\0abc\0\0"[..],
        b"\0\0\0\x12\0\x03\0\x01user\0k\0\0\0\0",
        b"\0\0\0\x09\x04\xd2\x16\x2f\0",
        b"Q\0\0\0\x02ab",
        b"P\0\0\0\x05\0",
        b"GET / HTTP/1.1\r\n",
    ] {
        assert_ne!(testing::probe(entry, &on_port(), data), Probe::Certain, "{data:?}");
    }
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = random.octets(120);
        data.resize(data.len().max(8), 0);
        match n % 3 {
            0 => data[4..7].copy_from_slice(&[0, 3, 0]),
            1 => data[..3].copy_from_slice(&[b"QPBRTC12"[n as usize % 8], 0, 0]),
            _ => {}
        }
        let said = testing::probe(entry, &flow(Transport::Tcp, 9), &data);
        assert_ne!(said, Probe::Certain, "{data:x?}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("postgres").unwrap(), Transport::Tcp, 5432, &input);
    }
}

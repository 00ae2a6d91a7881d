//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::LostUp, Event::Up, Heard};
use crate::{Probe, Wants, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 110), events)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[track_caller]
fn assert_has(json: &str, parts: &[&str]) {
    for part in parts {
        assert!(json.contains(part), "{part} in {json}");
    }
}

const VISIT: &[Event<'_>] = &[
    Down(b"+OK POP3 ready\r\n"),
    Up(b"USER keeper\r\n"),
    Down(b"+OK\r\n"),
    Up(b"PASS lantern\r\n"),
    Down(b"+OK Logged in\r\n"),
    Up(b"LIST\r\n"),
    Down(b"+OK 1 message\r\n1 60\r\n.\r\n"),
    Up(b"RETR 1\r\n"),
    Down(b"+OK 60 octets\r\nFrom: a@x\r\nSubject: Tide\r\n\r\n..x\r\n+OK\r\n.\r\n"),
    Up(b"LIST 2\r\nQUIT\r\n"),
    Down(b"-ERR no\r\n+OK Bye\r\n"),
];

#[test]
fn each_command_is_a_transaction_with_its_reply() {
    let heard = play(VISIT);

    assert_eq!(heard.path, ["pop"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let records = records(&heard);
    assert_eq!(records.len(), 7);
    assert_has(records[0], &[r#"{"success":true,"reply":"POP3 ready""#]);
    assert_eq!(
        records[2],
        concat!(
            r#"{"command":"PASS","success":true,"reply":"Logged in","user":"keeper","#,
            r#""clear_text":true,"attachments":[],"response_us":1000,"duration_us":1000}"#
        )
    );
    assert_has(records[3], &[r#""command":"LIST""#, r#""size":6"#]);
    assert_has(records[4], &[r#""argument":"1""#, r#""size":37,"from":"a@x","subject":"Tide""#]);
    assert_has(records[5], &[r#""argument":"2","success":false,"reply":"no""#]);
}

#[test]
fn lines_are_messages_without_passwords() {
    let heard = play(VISIT);

    assert_eq!(heard.messages[1].1, r#"{"kind":"command","command":"USER","argument":"keeper"}"#);
    assert_eq!(heard.messages[3].1, r#"{"kind":"command","command":"PASS"}"#);
    assert_eq!(heard.messages[4].1, r#"{"kind":"reply","success":true,"reply":"Logged in"}"#);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn logins_by_sasl_and_apop_show_mechanism_and_user() {
    let heard = play(&[
        Down(b"+OK ready <1.2@x.example>\r\n"),
        Up(b"AUTH PLAIN\r\n"),
        Down(b"+ \r\n"),
        Up(b"AGtlZXBlcgBsYW50ZXJu\r\n"),
        Down(b"-ERR no\r\n"),
        Up(b"APOP ada c4c9334bac560ecc979e58001b3e22fb\r\n"),
        Down(b"+OK in\r\n"),
    ]);

    let records = records(&heard);
    assert_has(
        records[1],
        &[r#""argument":"PLAIN""#, r#""user":"keeper","auth_mechanism":"PLAIN","clear_text":true"#],
    );
    assert_has(
        records[2],
        &[r#""argument":"ada""#, r#""user":"ada","auth_mechanism":"APOP","clear_text":false"#],
    );
    assert_eq!(heard.anomalies, ["pop.login_failed"]);
}

/// The first octets of a client hello.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";

#[test]
fn what_follows_stls_is_tls() {
    let heard = play(&[Down(b"+OK POP3\r\n"), Up(b"STLS\r\n"), Down(b"+OK go\r\n"), Up(HELLO)]);
    assert_eq!(heard.path, ["pop", "tls"]);

    let heard =
        play(&[Down(b"+OK POP3\r\n"), Up(b"STLS\r\nNOOP\r\n"), Down(b"-ERR no\r\n+OK\r\n")]);
    assert_eq!(heard.path, ["pop"]);
    assert_eq!(heard.anomalies, ["pop.command_after_starttls"]);
}

#[test]
fn parsing_goes_on_behind_a_loss() {
    let heard = play(&[
        Down(b"+OK POP3\r\n"),
        Up(b"RETR 1\r\n"),
        Down(b"+OK\r\nSubject: x\r\n"),
        LostDown(1000),
        Down(b"half a line\r\n.\r\n"),
        LostUp(10),
        Up(b"of it\r\nNOOP\r\n"),
        LostDown(4),
        Down(b"\r\n+OK late\r\n"),
    ]);

    let records = records(&heard);
    assert_eq!(records.len(), 3);
    assert_has(records[1], &[r#""subject":"x""#, r#""size":1025"#]);
    assert_has(records[2], &[r#""command":"NOOP""#]);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn odd_lines_are_anomalies_and_the_session_goes_on() {
    let long = vec![b'x'; 9000];
    let many = b"NOOP\r\n".repeat(130);
    let heard = play(&[
        Down(b"+OK POP3\r\n"),
        Up(b"no\r\n"),
        Up(b"STAT\r\n"),
        Down(b"what\r\n+OK 0 0\r\n+OK more\r\n"),
        Up(&long),
        Up(b"\r\n"),
        Up(&many),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "pop.command_invalid",
            "pop.reply_invalid",
            "pop.reply_without_command",
            "pop.line_too_long",
            "pop.command_invalid",
            "pop.pipeline_overflow",
            "pop.pipeline_overflow",
        ]
    );
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&testing::flow(Transport::Tcp, 110), VISIT).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 11000), VISIT).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_login() {
    let nobody = Wants::NOTHING;
    let heard = testing::play_wanting(&testing::flow(Transport::Tcp, 110), VISIT, nobody);

    assert_eq!(heard.path, ["pop"]);
    assert!(heard.messages.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(272)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_tells_pop_from_its_likes() {
    for (data, answer) in [
        (&b"+OK POP3 ready\r\n"[..], Probe::Certain),
        (b"+OK <1.2@x.example>\r\n", Probe::Certain),
        (b"+OK Dovecot ready.\r\n", Probe::Unsure),
        (b"+OK\r\n", Probe::No),
        (b"+PONG\r\n", Probe::No),
        (b"+O", Probe::Unsure),
        (b"CAPA\r\n", Probe::Certain),
        (b"USER a\r\n", Probe::Unsure),
        (b"USER a\r\nPASS b\r\nSTAT\r\n", Probe::Unsure),
        (b"USER a\r\nPASS b\r\nUIDL\r\n", Probe::Certain),
        (b"USER a\r\nPASS b\r\nSYST\r\n", Probe::No),
        (b"APOP a c4c9334bac560ecc979e58001b3e22fb\r\n", Probe::Certain),
        (b"220 POP\r\n", Probe::No),
        (b"GET / HTTP/1.1\r\n", Probe::No),
    ] {
        assert_eq!(probe(data, 9999), answer, "{}", String::from_utf8_lossy(data));
    }
    assert_eq!(probe(b"+OK\r\n", 110), Probe::Certain);
    assert_eq!(probe(b"USER a\r\n", 110), Probe::Certain);
}

#[test]
fn a_session_elsewhere_is_told_from_ftp_by_what_the_client_says() {
    let flow = testing::flow(Transport::Tcp, 9999);
    let heard = testing::play(
        &flow,
        &[
            Down(b"+OK Dovecot ready.\r\n"),
            Up(b"USER a\r\n"),
            Down(b"+OK\r\n"),
            Up(b"PASS b\r\n"),
            Down(b"+OK\r\n"),
            Up(b"UIDL\r\n"),
            Down(b"+OK\r\n.\r\n"),
        ],
    );

    assert_eq!(heard.path, ["pop"]);
    assert_eq!(records(&heard).len(), 4);
}

#[test]
fn random_octets_are_not_pop() {
    let mut random = testing::Random::new(272);
    for _ in 0..20_000 {
        let octets = random.octets(100);
        assert_ne!(probe(&octets, 110), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(272)).unwrap(), Transport::Tcp, 110, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(
        picks in prop::collection::vec((0usize..12, 0u8..8), 0..60)
    ) {
        const WORDS: [&[u8]; 12] = [
            b"+OK POP3\r\n", b"-ERR\r\n", b"+ \r\n", b"USER a\r\n", b"PASS b\r\n", b"LIST\r\n",
            b"RETR 1\r\n", b".\r\n", b"Subject: x\r\n\r\n", b"AUTH LOGIN\r\n", b"YQ==\r\n",
            b"STLS\r\n",
        ];
        let mut input = Vec::new();
        for (word, control) in picks {
            let control = if control < 6 { control & 1 } else { control };
            input.extend_from_slice(&[control, WORDS[word].len() as u8]);
            input.extend_from_slice(WORDS[word]);
        }
        testing::fuzz_one(registry::by_id(ProtoId(272)).unwrap(), Transport::Tcp, 110, &input);
    }
}

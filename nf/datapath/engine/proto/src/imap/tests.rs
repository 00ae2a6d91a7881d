//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::LostUp, Event::Up, Heard};
use crate::{Probe, Wants, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 143), events)
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
    Down(b"* OK [CAPABILITY IMAP4rev1 SASL-IR] ready\r\n"),
    Up(b"a1 LOGIN keeper {7}\r\n"),
    Down(b"+ OK\r\n"),
    Up(b"lantern\r\n"),
    Down(b"a1 OK Logged in\r\n"),
    Up(b"a2 SELECT \"INBOX\"\r\n"),
    Down(b"* 3 EXISTS\r\n* 0 RECENT\r\na2 OK [READ-WRITE] Done\r\n"),
    Up(b"a3 UID FETCH 1:2 (BODY[])\r\n"),
    Down(
        b"* 1 FETCH (UID 1 BODY[] {10}\r\na4 OK no\r\n)\r\n* 2 FETCH (UID 2 BODY[] {2}\r\nab)\r\n",
    ),
    Down(b"a3 OK Done\r\n"),
    Up(b"a4 APPEND Sent {5+}\r\nhello\r\n"),
    Down(b"a4 NO [TRYCREATE] none\r\n"),
    Up(b"a5 LOGOUT\r\n"),
    Down(b"* BYE out\r\na5 OK Bye\r\n"),
];

#[test]
fn each_command_is_a_transaction_with_its_completion() {
    let heard = play(VISIT);

    assert_eq!(heard.path, ["imap"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let records = records(&heard);
    assert_eq!(records.len(), 6);
    assert_has(records[0], &[r#""status":"OK","text":"[CAPABILITY IMAP4rev1 SASL-IR] ready""#]);
    assert_eq!(
        records[1],
        concat!(
            r#"{"tag":"a1","command":"LOGIN","argument":"keeper","status":"OK","#,
            r#""text":"Logged in","user":"keeper","clear_text":true,"responses":0,"fetched":0,"#,
            r#""literal_bytes_up":7,"literal_bytes_down":0,"response_us":1000,"duration_us":1000}"#
        )
    );
    assert_has(records[2], &[r#""mailbox":"INBOX","exists":3,"responses":2"#]);
    assert_has(
        records[3],
        &[r#""command":"UID FETCH""#, r#""fetched":2"#, r#""literal_bytes_down":12"#],
    );
    assert_has(records[4], &[r#""status":"NO""#, r#""mailbox":"Sent""#, r#""literal_bytes_up":5"#]);
}

#[test]
fn lines_are_messages_without_passwords() {
    let heard = play(VISIT);

    assert_eq!(
        heard.messages[0].1,
        r#"{"kind":"untagged","response":"OK","status":"OK","text":"[CAPABILITY IMAP4rev1 SASL-IR] ready"}"#
    );
    assert_eq!(heard.messages[1].1, r#"{"kind":"continuation"}"#);
    assert_eq!(
        heard.messages[2].1,
        r#"{"kind":"command","tag":"a1","command":"LOGIN","argument":"keeper"}"#
    );
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn a_login_by_sasl_shows_mechanism_and_user() {
    let heard = play(&[
        Down(b"* OK IMAP4rev1\r\n"),
        Up(b"1 AUTHENTICATE PLAIN\r\n"),
        Down(b"+\r\n"),
        Up(b"AGtlZXBlcgBsYW50ZXJu\r\n"),
        Down(b"1 NO [AUTHENTICATIONFAILED] no\r\n"),
        Up(b"2 IDLE\r\n"),
        Down(b"+ idling\r\n"),
        Up(b"DONE\r\n"),
        Down(b"2 OK done\r\n"),
    ]);

    assert_has(
        records(&heard)[1],
        &[r#""argument":"PLAIN""#, r#""user":"keeper","auth_mechanism":"PLAIN","clear_text":true"#],
    );
    assert_eq!(heard.anomalies, ["imap.login_failed"]);
    assert_eq!(records(&heard).len(), 3);
}

/// The first octets of a client hello.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";

#[test]
fn what_follows_starttls_is_tls() {
    let heard = play(&[
        Down(b"* OK IMAP4rev1\r\n"),
        Up(b"a STARTTLS\r\n"),
        Down(b"a OK go\r\n"),
        Up(HELLO),
    ]);
    assert_eq!(heard.path, ["imap", "tls"]);

    let heard = play(&[
        Down(b"* OK IMAP4rev1\r\n"),
        Up(b"a STARTTLS\r\nb NOOP\r\n"),
        Down(b"a BAD no\r\nb OK done\r\n"),
    ]);
    assert_eq!(heard.path, ["imap"]);
    assert_eq!(heard.anomalies, ["imap.command_after_starttls"]);
}

#[test]
fn nothing_is_read_of_a_compressed_session() {
    let heard = play(&[
        Down(b"* OK IMAP4rev1\r\n"),
        Up(b"a COMPRESS DEFLATE\r\n"),
        Down(b"a OK go\r\n"),
        Up(b"\x01\x02\x03\r\n\x04"),
    ]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(records(&heard).len(), 2);
}

#[test]
fn parsing_goes_on_behind_a_loss() {
    let heard = play(&[
        Down(b"* OK IMAP4rev1\r\n"),
        Up(b"a FETCH 1 BODY[]\r\n"),
        Down(b"* 1 FETCH (BODY[] {1000}\r\nxxxx"),
        LostDown(990),
        Down(b"yyyyyy)\r\na OK Done\r\n"),
        LostUp(20),
        Up(b"of it\r\nb NOOP\r\n"),
        LostDown(2000),
        Down(b"half\r\nb OK Done\r\n"),
    ]);

    let records = records(&heard);
    assert_eq!(records.len(), 3);
    assert_has(records[1], &[r#""fetched":1"#, r#""literal_bytes_down":1000"#]);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn odd_lines_are_anomalies_and_the_session_goes_on() {
    let long = vec![b'x'; 9000];
    let many = b"a NOOP\r\n".repeat(66);
    let heard = play(&[
        Down(b"* OK IMAP4rev1\r\n"),
        Up(b"what\r\n"),
        Down(b"what\r\nz OK x\r\n"),
        Up(&long),
        Up(b"\r\n"),
        Up(&many),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "imap.command_invalid",
            "imap.response_invalid",
            "imap.unasked_completion",
            "imap.line_too_long",
            "imap.command_invalid",
            "imap.pipeline_overflow",
            "imap.pipeline_overflow",
        ]
    );
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&testing::flow(Transport::Tcp, 143), VISIT).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 14300), VISIT).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_login() {
    let nobody = Wants::NOTHING;
    let heard = testing::play_wanting(&testing::flow(Transport::Tcp, 143), VISIT, nobody);

    assert_eq!(heard.path, ["imap"]);
    assert!(heard.messages.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(169)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_tells_imap_from_its_likes() {
    for (data, answer) in [
        (&b"* OK IMAP4 ready\r\n"[..], Probe::Certain),
        (b"* OK Dovecot ready.\r\n", Probe::Unsure),
        (b"* OK Dovecot ready.\r\n* CAPABILITY IMAP4rev1\r\n", Probe::Certain),
        (b"* PREAUTH IMAP4rev1\r\n", Probe::Certain),
        (b"* items follow\r\n", Probe::No),
        (b"* ", Probe::Unsure),
        (b"a1 CAPABILITY\r\n", Probe::Certain),
        (b"A001 LOGIN keeper secret\r\n", Probe::Certain),
        (b"A001 LOGIN keeper\r\n", Probe::Unsure),
        (b"1 NOOP\r\n", Probe::Unsure),
        (b"1 ID NIL\r\n", Probe::Certain),
        (b"a AUTHENTICATE PLAIN\r\n", Probe::Certain),
        (b"GET /a HTTP/1.1\r\n", Probe::No),
        (b"NICK a\r\n", Probe::No),
        (b"+OK POP3\r\n", Probe::No),
        (b"*3\r\n$3\r\nSET\r\n", Probe::No),
    ] {
        assert_eq!(probe(data, 9999), answer, "{}", String::from_utf8_lossy(data));
    }
    assert_eq!(probe(b"* OK Dovecot ready.\r\n", 143), Probe::Certain);
}

#[test]
fn random_octets_are_not_imap() {
    let mut random = testing::Random::new(169);
    for _ in 0..20_000 {
        let octets = random.octets(100);
        assert_ne!(probe(&octets, 143), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(169)).unwrap(), Transport::Tcp, 143, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(
        picks in prop::collection::vec((0usize..14, 0u8..8), 0..60)
    ) {
        const WORDS: [&[u8]; 14] = [
            b"* OK IMAP4\r\n", b"a LOGIN b c\r\n", b"a OK x\r\n", b"a LOGIN {3}\r\n", b"+ go\r\n",
            b"abc {0}\r\n", b"a AUTHENTICATE PLAIN\r\n", b"AGEAYg==\r\n", b"* 1 FETCH ({9}\r\n",
            b")\r\n", b"a STARTTLS\r\n", b"a UID\r\n", b"\"\\", b"{99999999999999}\r\n",
        ];
        let mut input = Vec::new();
        for (word, control) in picks {
            let control = if control < 6 { control & 1 } else { control };
            input.extend_from_slice(&[control, WORDS[word].len() as u8]);
            input.extend_from_slice(WORDS[word]);
        }
        testing::fuzz_one(registry::by_id(ProtoId(169)).unwrap(), Transport::Tcp, 143, &input);
    }
}

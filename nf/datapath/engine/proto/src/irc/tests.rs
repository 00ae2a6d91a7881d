//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::Up, Heard};
use crate::{Probe, Wants, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 6667), events)
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
    Down(b":irc.example.org NOTICE * :*** Looking up\r\n"),
    Up(b"PASS lantern\r\nNICK ada\r\nUSER ada 0 * :Ada L\r\n"),
    Down(b":irc.example.org 433 * ada :Nickname is already in use\r\n"),
    Up(b"NICK ada_\r\n"),
    Down(b":irc.example.org 001 ada_ :Welcome\r\n:irc.example.org 002 ada_ :Your host\r\n"),
    Up(b"JOIN #sea key\r\n"),
    Down(b":ada_!ada@h JOIN #sea\r\n"),
    Up(b"PRIVMSG #sea :high tide\r\nPRIVMSG NickServ :IDENTIFY lantern\r\nPING x\r\n"),
    Down(b":ben!b@h PRIVMSG ada_ :\x01DCC SEND map.png 3221226017 5000 1234\x01\r\n"),
    Up(b"QUIT :off\r\n"),
    Down(b"ERROR :Closing Link\r\n"),
];

#[test]
fn logins_commands_and_offers_are_transactions() {
    let heard = play(VISIT);

    assert_eq!(heard.path, ["irc"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let records = records(&heard);
    assert_eq!(records.len(), 7);
    assert_eq!(
        records[0],
        concat!(
            r#"{"command":"LOGIN","nick":"ada","user":"ada","real_name":"Ada L","#,
            r#""server":"irc.example.org","sender":"ada","code":433,"#,
            r#""reply":"Nickname is already in use","clear_text":true,"response_us":1000}"#
        )
    );
    assert_has(records[1], &[r#""nick":"ada_""#, r#""code":1,"reply":"Welcome""#]);
    assert_has(records[2], &[r#""command":"JOIN""#, r#""target":"#, "sea\""]);
    assert_has(records[3], &[r#""command":"PRIVMSG""#, r#""text":"high tide""#]);
    assert_has(records[4], &[r#""target":"NickServ","clear_text":true"#]);
    assert_has(
        records[5],
        &[
            r#""sender":"ben","target":"ada_""#,
            r#""dcc_type":"SEND","dcc_file_name":"map.png","dcc_file_size":1234"#,
            r#""dcc_address":"192.0.2.33","dcc_port":5000"#,
        ],
    );
    assert_has(records[6], &[r#""command":"QUIT""#, r#""text":"off""#]);
    let all = format!("{heard:?}");
    assert!(!all.contains("lantern") && !all.contains("\"key"), "{all}");
}

#[test]
fn lines_are_messages() {
    let heard = play(VISIT);

    assert_eq!(heard.messages.len(), 16);
    assert_eq!(
        heard.messages[6].1,
        r#"{"from_client":false,"prefix":"irc.example.org","code":1,"target":"ada_","text":"Welcome"}"#
    );
}

#[test]
fn a_login_by_sasl_shows_mechanism_and_user() {
    let heard = play(&[
        Up(b"CAP REQ :sasl\r\nNICK ada\r\nUSER a 0 * :A\r\n"),
        Down(b":s.example CAP * ACK :sasl\r\n"),
        Up(b"AUTHENTICATE PLAIN\r\n"),
        Down(b"AUTHENTICATE +\r\n"),
        Up(b"AUTHENTICATE AGtlZXBlcgBsYW50ZXJu\r\n"),
        Down(b":s.example 904 ada :failed\r\n"),
    ]);

    assert_has(
        records(&heard)[0],
        &[r#""user":"keeper""#, r#""auth_mechanism":"PLAIN","clear_text":true"#],
    );
    assert_eq!(heard.anomalies, ["irc.login_failed"]);
    assert!(!format!("{heard:?}").contains("AGtl"));
}

#[test]
fn a_password_refused_by_an_error_alone_is_a_failed_login() {
    let login = b"PASS lantern\r\nNICK ada\r\nUSER ada 0 * :Ada L\r\n";
    let error = b"ERROR :Access denied: bad password?\r\n";

    let refused = play(&[Up(login), Down(error)]);
    assert_eq!(refused.anomalies, ["irc.login_failed"]);

    let without_one = play(&[Up(b"NICK ada\r\nUSER ada 0 * :A\r\n"), Down(error)]);
    let given_up = play(&[Up(login), Up(b"QUIT :bye\r\n"), Down(b"ERROR :Closing Link\r\n")]);
    let twice = play(&[Up(login), Down(b":s.example 464 ada :no\r\n"), Down(error)]);
    assert_eq!(without_one.anomalies, [""; 0]);
    assert_eq!(given_up.anomalies, [""; 0]);
    assert_eq!(twice.anomalies, ["irc.login_failed"]);
}

/// The first octets of a client hello.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";

#[test]
fn what_follows_starttls_is_tls() {
    let heard = play(&[
        Up(b"CAP LS 302\r\nSTARTTLS\r\n"),
        Down(b":s.example 670 * :STARTTLS successful\r\n"),
        Up(HELLO),
    ]);

    assert_eq!(heard.path, ["irc", "tls"]);
}

#[test]
fn parsing_goes_on_behind_a_loss_and_odd_lines() {
    let long = vec![b'x'; 10_000];
    let heard = play(&[
        Up(b"NICK ada\r\nUSER a 0 * :A\r\n"),
        LostDown(100),
        Down(b"of a line\r\n:s.example 001 ada :hi\r\n1 2 3\r\n"),
        Up(&long),
        Up(b"\r\nPART #a\r\n"),
    ]);

    assert_eq!(
        heard.anomalies,
        ["irc.malformed_message", "irc.line_too_long", "irc.malformed_message"]
    );
    assert_has(records(&heard)[1], &[r#""command":"PART""#]);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&testing::flow(Transport::Tcp, 6667), VISIT).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 9999), VISIT).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_login() {
    let nobody = Wants::NOTHING;
    let heard = testing::play_wanting(&testing::flow(Transport::Tcp, 6667), VISIT, nobody);

    assert_eq!(heard.path, ["irc"]);
    assert!(heard.messages.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(183)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_tells_irc_from_its_likes() {
    for (data, answer) in [
        (&b"NICK a\r\nUSER a 0 * :a\r\n"[..], Probe::Certain),
        (b"NICK a\r\n", Probe::Unsure),
        (b"CAP LS 302\r\n", Probe::Certain),
        (b"USER alice\r\n", Probe::Unsure),
        (b"NOTICE AUTH :*** Looking\r\n", Probe::Certain),
        (b":irc.example.org 001 a :hi\r\n", Probe::Certain),
        (b":irc.example", Probe::Unsure),
        (b":10 items\r\n", Probe::No),
        (b"PING :1\r\n", Probe::Unsure),
        (b"PASS x\r\n", Probe::Unsure),
        (b"STAT\r\n", Probe::No),
        (b"GET / HTTP/1.1\r\n", Probe::No),
        (b"220 x FTP\r\n", Probe::No),
    ] {
        assert_eq!(probe(data, 9999), answer, "{}", String::from_utf8_lossy(data));
    }
    assert_eq!(probe(b"NICK a\r\n", 6667), Probe::Certain);
}

#[test]
fn random_octets_are_not_irc() {
    let mut random = testing::Random::new(183);
    for _ in 0..20_000 {
        let octets = random.octets(100);
        assert_ne!(probe(&octets, 6667), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(183)).unwrap(), Transport::Tcp, 6667, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(picks in prop::collection::vec(0usize..12, 0..40)) {
        const WORDS: [&[u8]; 12] = [
            b"NICK ", b"a ", b":", b"\r\n", b"USER ", b"PRIVMSG ", b"\x01DCC ", b"SEND ", b"\"", b"1 ",
            b"AUTHENTICATE ", b"001 ",
        ];
        let input: Vec<u8> = picks.iter().flat_map(|&word| WORDS[word].iter().copied()).collect();
        play(&[Up(b"NICK a\r\n"), Up(&input), Down(&input), Up(b"\n"), Down(b"\n")]);
    }
}

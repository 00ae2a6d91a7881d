//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::Up, Heard};
use crate::{Probe, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 23), events)
}

fn record(heard: &Heard) -> &str {
    assert_eq!(heard.transactions.len(), 1);
    &heard.transactions[0].1
}

#[track_caller]
fn assert_has(json: &str, parts: &[&str]) {
    for part in parts {
        assert!(json.contains(part), "{part} in {json}");
    }
}

const VISIT: &[Event<'_>] = &[
    Up(b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20"),
    Down(b"\xff\xfd\x18\xff\xfd\x1f\xff\xfe\x20\xff\xfb\x03\xff\xfb\x01"),
    Up(b"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0"),
    Down(b"\xff\xfa\x18\x01\xff\xf0"),
    Up(b"\xff\xfa\x18\x00xterm\xff\xf0"),
    Down(b"Harbour office\r\nheron login: "),
    Up(b"adx\x7fa\r\0"),
    Down(b"ada\r\nPassword: "),
    Up(b"lantern\r\0"),
    Down(b"\r\nLast login: today\r\n$ "),
    Up(b"exit\r\0"),
    Down(b"\r\nlogout\r\n"),
];

#[test]
fn a_session_is_a_transaction() {
    let heard = play(VISIT);

    assert_eq!(heard.path, ["telnet"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        record(&heard),
        concat!(
            r#"{"banner":"Harbour office","client_options":["terminal_type","window_size"],"#,
            r#""server_options":["suppress_go_ahead","echo"],"terminal_type":"xterm","#,
            r#""window_columns":80,"window_rows":24,"user":"ada","password_seen":true,"#,
            r#""login_attempts":1,"login":"accepted","authentication":false,"clear_text":true,"#,
            r#""encrypted":false,"tls":false,"data_bytes_up":22,"data_bytes_down":77,"#,
            r#""duration_us":11000}"#
        )
    );
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn commands_are_messages() {
    let heard = play(VISIT);

    assert_eq!(heard.messages.len(), 12);
    assert_eq!(
        heard.messages[1].1,
        r#"{"from_client":true,"command":"will","option":24,"option_name":"terminal_type"}"#
    );
    assert_eq!(
        heard.messages[11].1,
        r#"{"from_client":true,"command":"negotiation","option":24,"option_name":"terminal_type","value":"xterm"}"#
    );
}

#[test]
fn a_refused_login_is_an_anomaly() {
    let heard = play(&[
        Down(b"\xff\xfb\x01login: "),
        Up(b"a"),
        Down(b"a"),
        Up(b"\r\n"),
        Down(b"\r\nPassword:"),
        Up(b"x\r\n"),
        Down(b"\r\nLogin incorrect\r\nlogin: "),
        Up(b"b\r\n"),
    ]);

    assert_eq!(heard.anomalies, ["telnet.login_failed"]);
    assert_has(record(&heard), &[r#""user":"b""#, r#""login":"rejected""#]);
}

#[test]
fn the_environment_names_the_user() {
    let heard = play(&[
        Up(b"\xff\xfb\x27\xff\xfb\x23"),
        Up(b"\xff\xfa\x27\x00\x00USER\x01ada\x03LANG\x01C\xff\xf0"),
        Up(b"\xff\xfa\x23\x00heron:0\xff\xf0\xff\xfa\x20\x009600,9600\xff\xf0"),
    ]);

    assert_has(
        record(&heard),
        &[r#""terminal_speed":"9600,9600","x_display":"heron:0","user":"ada""#],
    );
}

#[test]
fn what_follows_start_tls_is_tls_and_what_is_encrypted_is_not_read() {
    let heard = play(&[
        Down(b"\xff\xfd\x2e"),
        Up(b"\xff\xfb\x2e\xff\xfa\x2e\x01\xff\xf0"),
        Down(b"\xff\xfa\x2e\x01\xff\xf0"),
        Up(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"),
    ]);
    assert_eq!(heard.path, ["telnet", "tls"]);

    let heard = play(&[
        Up(b"\xff\xfb\x26\xff\xfa\x26\x03\x00\xff\xf0\xff\x01\x02"),
        Down(b"\xff\xfd\x26"),
        Up(b"\xff\xff\xff"),
    ]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_has(record(&heard), &[r#""encrypted":true"#]);
}

#[test]
fn odd_octets_are_anomalies_and_a_loss_is_survived() {
    let endless = [b"\xff\xfa\x18", &[b'x'; 600][..]].concat();
    let heard = play(&[
        Down(b"\xff\xfb\x01"),
        Down(b"\xff\x05\xff\xff"),
        Up(&endless),
        Up(b"\xff\xfa\x18\x00vt\xff\x01"),
        LostDown(10),
        Down(b"login: "),
        Up(b"ada\r\n"),
    ]);

    assert_eq!(heard.anomalies, ["telnet.malformed_command"; 4]);
    assert_has(record(&heard), &[r#""user":"ada""#]);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&testing::flow(Transport::Tcp, 23), VISIT).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 2323), VISIT).unwrap();
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(357)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_counts_negotiations() {
    assert_eq!(probe(b"\xff\xfd\x03\xff\xfb\x18", 9999), Probe::Certain);
    assert_eq!(probe(b"\xff\xfd\x03", 9999), Probe::Unsure);
    assert_eq!(probe(b"\xff\xfd\x03", 23), Probe::Certain);
    assert_eq!(probe(b"\xff\xfd\x03\xff\xfb\xc0", 9999), Probe::No);
    assert_eq!(probe(b"\xff\xfd\x03login:", 9999), Probe::Unsure);
    assert_eq!(probe(b"Hello\r\nLogin: ", 23), Probe::Certain);
    assert_eq!(probe(b"Hello\r\nLogin: ", 9999), Probe::No);
    assert_eq!(probe(b"Hello", 23), Probe::No);
    assert_eq!(probe(b"\xff\xd8\xff\xe0", 23), Probe::No);
}

#[test]
fn random_octets_are_not_telnet() {
    let mut random = testing::Random::new(357);
    for _ in 0..20_000 {
        let mut octets = random.octets(100);
        assert_ne!(probe(&octets, 23), Probe::Certain);
        octets[0] = 0xff;
        assert_ne!(probe(&octets, 9999), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(357)).unwrap(), Transport::Tcp, 23, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(picks in prop::collection::vec(0usize..14, 0..40)) {
        const WORDS: [&[u8]; 14] = [
            b"\xff", b"\xfa", b"\xf0", b"\xfb", b"\xfd", b"\x18", b"\x1f", b"\x27", b"\0", b"USER\x01",
            b"login: ", b"Password: ", b"\r\n", b"a\x7f\x7f",
        ];
        let input: Vec<u8> = picks.iter().flat_map(|&word| WORDS[word].iter().copied()).collect();
        play(&[Down(b"\xff\xfb\x01\xff\xfb\x03"), Up(&input), Down(&input), Up(&input)]);
    }
}

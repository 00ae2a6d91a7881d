//! Sessions as the engine plays them.

use std::net::IpAddr;

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::LostUp, Event::Up, Heard};
use crate::{Expectation, Probe, Wants, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 21), events)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

fn announced(address: &str, port: u16) -> Expectation {
    let address: IpAddr = address.parse().unwrap();
    Expectation { address, port, proto: ProtoId(1100) }
}

/// A whole download, passive.
const DOWNLOAD: &[Event<'_>] = &[
    Down(b"220-Welcome\r\n  to the test\r\n220 FTP ready\r\n"),
    Up(b"USER alice\r\n"),
    Down(b"331 Password required\r\n"),
    Up(b"PASS secret\r\n"),
    Down(b"230 Logged in\r\n"),
    Up(b"PWD\r\n"),
    Down(b"257 \"/home\" is current\r\n"),
    Up(b"CWD pub\r\n"),
    Down(b"250 OK\r\n"),
    Up(b"TYPE I\r\n"),
    Down(b"200 Binary\r\n"),
    Up(b"PASV\r\n"),
    Down(b"227 Entering Passive Mode (192,0,2,2,19,137)\r\n"),
    Up(b"RETR file.bin\r\n"),
    Down(b"150 Opening\r\n"),
    Down(b"226 Complete\r\n"),
    Up(b"QUIT\r\n"),
    Down(b"221 Bye\r\n"),
];

#[test]
fn each_command_is_a_transaction_with_its_final_reply() {
    let heard = play(DOWNLOAD);

    assert_eq!(heard.path, ["ftp"]);
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
    assert_eq!(heard.expectations, [announced("192.0.2.2", 5001)]);
    let records = records(&heard);
    assert_eq!(records.len(), 9);
    assert_eq!(records[0], r#"{"code":220,"reply":"Welcome\nto the test\nFTP ready"}"#);
    assert_eq!(
        records[2],
        r#"{"command":"PASS","code":230,"reply":"Logged in","user":"alice","response_us":1000,"duration_us":1000}"#
    );
    assert_eq!(
        records[7],
        concat!(
            r#"{"command":"RETR","argument":"file.bin","code":226,"reply":"Complete","#,
            r#""user":"alice","file":"file.bin","directory":"/home/pub","#,
            r#""data_address":"192.0.2.2","data_port":5001,"mode":"passive","#,
            r#""response_us":1000,"duration_us":2000}"#
        )
    );
}

#[test]
fn messages_carry_what_is_known_of_the_session() {
    let heard = play(DOWNLOAD);
    let messages: Vec<_> = heard.messages.iter().map(|(_, json)| json.as_str()).collect();

    assert_eq!(messages.len(), 18);
    let retrieve = messages[13];
    for part in [
        r#""server_control_addr":"192.0.2.2","server_control_port":21"#,
        r#""client_control_addr":"192.0.2.1","client_control_port":40000"#,
        r#""user":"alice","password":"secret","status":3,"last_command":"RETR""#,
        r#""directory":"/home/pub","server_data_addr":"192.0.2.2","server_data_port":5001"#,
        r#""data_type":1,"transfer_type":"I","session_mode":2,"data_direction":2"#,
        r#""file_name":"file.bin","packet_type":1,"command":"RETR","argument":"file.bin""#,
        r#""packet_payload_len":15"#,
    ] {
        assert!(retrieve.contains(part), "{part} in {retrieve}");
    }
    assert!(messages[14].contains(r#""status":4"#));
    assert!(messages[15].contains(r#""packet_type":2,"code":226,"reply":"Complete""#));
}

#[test]
fn data_connections_are_announced_in_all_forms() {
    let heard = play(&[
        Down(b"220 FTP\r\n"),
        Up(b"EPSV\r\n"),
        Down(b"229 Extended (|||4000|)\r\n"),
        Up(b"PORT 192,0,2,1,15,161\r\n"),
        Down(b"200 OK\r\n"),
        Up(b"LIST -la sub\r\n"),
        Down(b"150 Here\r\n226 Done\r\n"),
        Up(b"EPRT |1|192.0.2.1|4002|\r\n"),
        Down(b"200 OK\r\n"),
        Up(b"STOU\r\n"),
        Down(b"150 FILE: unique.1\r\n226 Done\r\n"),
        Up(b"PORT 192,0,2,9,15,163\r\n"),
        Down(b"500 No\r\n"),
    ]);

    let expected =
        [announced("192.0.2.2", 4000), announced("192.0.2.1", 4001), announced("192.0.2.1", 4002)];
    assert_eq!(heard.expectations, expected);
    let records = records(&heard);
    assert!(records[3].contains(r#""file":"sub""#), "{}", records[3]);
    assert!(records[3].contains(r#""data_port":4001,"mode":"active""#));
    assert!(records[5].contains(r#""file":"unique.1""#), "{}", records[5]);
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn facts_of_files_and_servers_are_kept() {
    let heard = play(&[
        Down(b"220 FTP\r\n"),
        Up(b"SYST\r\nFEAT\r\nSIZE a\r\nMDTM a\r\nCDUP\r\n"),
        Down(b"215 UNIX Type: L8\r\n211-Features:\r\n EPSV\r\n SIZE\r\n211 End\r\n"),
        Down(b"213 1234\r\n213 20200102030405\r\n250 OK\r\n"),
        Up(b"NOOP\r\n"),
    ]);

    let last = &heard.messages.last().unwrap().1;
    for part in [
        r#""features":"Features:\nEPSV\nSIZE\nEnd","system":"UNIX Type: L8""#,
        r#""file_size":1234,"file_last_modified":"20200102030405""#,
        r#""last_response_code":250"#,
    ] {
        assert!(last.contains(part), "{part} in {last}");
    }
    assert_eq!(heard.transactions.len(), 7);
}

#[test]
fn what_follows_auth_tls_is_handed_over() {
    let heard = play(&[
        Down(b"220 FTP\r\n"),
        Up(b"AUTH TLS\r\n"),
        Down(b"234 Proceed\r\n"),
        Up(b"\x16\x03\x01\x00\x05hello"),
        Down(b"\x16\x03\x01\x00\x05hello"),
    ]);

    assert_eq!(heard.path.first().map(String::as_str), Some("ftp"));
    assert_eq!(heard.path.len(), 2);
    assert_eq!(heard.transactions.iter().filter(|(p, _)| p == "ftp").count(), 2);
    assert!(!heard.anomalies.iter().any(|a| a.starts_with("ftp.")), "{:?}", heard.anomalies);
}

#[test]
fn what_is_wrong_is_counted() {
    let long = [&[b'x'; 6000][..], b"\r\n"].concat();
    let endless = [&b"211-x\r\n"[..], &b" y\r\n".repeat(1000)].concat();
    let cases: &[(Event<'_>, Event<'_>, &[&str])] = &[
        (Up(&long), Down(b""), &["line_too_long", "command_invalid"]),
        (Up(b"1 2 3\r\n"), Down(b""), &["command_invalid"]),
        (Up(b"NOOP\r\n"), Down(b"what\r\n"), &["reply_invalid"]),
        (Up(b"STAT\r\n"), Down(&endless), &["reply_too_long", "reply_invalid"]),
        (Up(b""), Down(b"200 OK\r\n"), &["reply_without_command"]),
        (Up(b"PASV\r\n"), Down(b"227 none\r\n"), &["data_address_invalid"]),
        (Up(b"PORT 198,51,100,1,4,1\r\n"), Down(b"200 OK\r\n"), &["port_bounce"]),
        (Up(b"PASV\r\n"), Down(b"227 (10,0,0,1,4,1)\r\n"), &["passive_address_foreign"]),
        (Up(b"PASS wrong\r\n"), Down(b"530 No\r\n"), &["login_failed"]),
    ];
    for (up, down, expected) in cases {
        let heard = play(&[
            Down(b"220 FTP\r\n"),
            Up(b"NOOP\r\n"),
            Down(b"200 OK\r\n"),
            up.clone(),
            down.clone(),
        ]);
        let expected: Vec<_> = expected.iter().map(|word| format!("ftp.{word}")).collect();
        let mut counted = heard.anomalies;
        counted.dedup();
        assert_eq!(counted, expected);
    }
    let flood = b"NOOP\r\n".repeat(70);
    let heard = play(&[Down(b"220 FTP\r\n"), Up(&flood)]);
    assert_eq!(heard.anomalies, vec!["ftp.pipeline_overflow"; 6]);
    assert_eq!(heard.transactions.len(), 71);
}

#[test]
fn a_foreign_passive_address_is_announced_with_the_servers_own() {
    let heard = play(&[Down(b"220 FTP\r\n"), Up(b"PASV\r\n"), Down(b"227 (10,0,0,1,4,1)\r\n")]);

    assert_eq!(heard.expectations, [announced("10.0.0.1", 1025), announced("192.0.2.2", 1025)]);
}

#[test]
fn a_capture_may_begin_in_the_middle_or_with_the_server() {
    let heard = play(&[
        Up(b"227 Entering Passive Mode (192,0,2,1,19,137)\r\n"),
        Down(b"RETR x\r\n"),
        Up(b"150 Go\r\n226 Done\r\n"),
    ]);

    assert_eq!(heard.path, ["ftp"]);
    assert!(records(&heard)[1].contains(r#""command":"RETR""#));
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn parsing_goes_on_behind_a_loss() {
    let heard = play(&[
        Down(b"220 FTP\r\n"),
        Up(b"USER a\r\nPASS b\r\n"),
        LostDown(20),
        Down(b"of a reply\r\n230 In\r\n"),
        LostUp(5),
        Up(b"D\r\nTYPE A\r\n"),
        Down(b"200 OK\r\n"),
    ]);

    let records = records(&heard);
    assert_eq!(records.len(), 5);
    assert!(records[4].starts_with(r#"{"command":"TYPE","argument":"A","code":200"#));
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&testing::flow(Transport::Tcp, 21), DOWNLOAD).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 2121), DOWNLOAD).unwrap();
}

#[test]
fn data_connections_are_announced_though_nobody_listens() {
    let nobody = Wants::NOTHING;
    let heard = testing::play_wanting(&testing::flow(Transport::Tcp, 21), DOWNLOAD, nobody);

    assert_eq!(heard.expectations, [announced("192.0.2.2", 5001)]);
    assert!(heard.messages.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(117)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_tells_ftp_from_its_likes() {
    for (data, answer) in [
        (&b"220 ProFTPD here\r\n"[..], Probe::Certain),
        (b"220-Hello\r\n220-FileZilla Server\r\n", Probe::Certain),
        (b"220 files.example.org\r\n", Probe::Unsure),
        (b"220 files.example.org\r\n331 Password\r\n", Probe::Certain),
        (b"220 mail.example.org ESMTP\r\n", Probe::No),
        (b"220 mail.example.org\r\n250 Hello\r\n", Probe::No),
        (b"220-mail.example.org\r\n220 SMTP\r\n", Probe::No),
        (b"22", Probe::Unsure),
        (b"FEAT\r\n", Probe::Certain),
        (b"AUTH TLS\r\n", Probe::Certain),
        (b"USER alice\r\n", Probe::Unsure),
        (b"US", Probe::Unsure),
        (b"EHLO a\r\n", Probe::No),
        (b"AUTH PLAIN\r\n", Probe::Unsure),
        (b"CAPA\r\n", Probe::No),
        (b"NICK x\r\nUSER x 0 * :x\r\n", Probe::No),
        (b"+OK POP3\r\n", Probe::No),
        (b"* OK IMAP4\r\n", Probe::No),
        (b"200 news.example.org\r\n", Probe::No),
        (b"GET / HTTP/1.1\r\n", Probe::No),
        (b"SSH-2.0-x\r\n", Probe::No),
        (b"\x16\x03\x01", Probe::No),
    ] {
        assert_eq!(probe(data, 9999), answer, "{}", String::from_utf8_lossy(data));
    }
    assert_eq!(probe(b"220 files.example.org\r\n", 21), Probe::Certain);
    assert_eq!(probe(b"USER alice\r\n", 21), Probe::Certain);
    assert_eq!(probe(b"220 mail ESMTP\r\n", 21), Probe::No);
}

#[test]
fn random_octets_are_not_ftp() {
    let mut random = testing::Random::new(117);
    for _ in 0..20_000 {
        let octets = random.octets(100);
        assert_ne!(probe(&octets, 21), Probe::Certain);
    }
    let entry = registry::by_name("ftp_data").unwrap();
    let flow = testing::flow(Transport::Tcp, 20);
    assert_eq!(testing::probe(entry, &flow, b"anything"), Probe::No);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(117)).unwrap(), Transport::Tcp, 21, &input);
        testing::fuzz_one(registry::by_id(ProtoId(1100)).unwrap(), Transport::Tcp, 20, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(
        picks in prop::collection::vec((0usize..16, 0u8..8), 0..60)
    ) {
        const WORDS: [&[u8]; 16] = [
            b"220 FTP\r\n", b"USER a\r\n", b"331 x\r\n", b"PASS b\r\n", b"230-x\r\n", b"230 x\r\n",
            b"PASV\r\n", b"227 (1,2,3,4,5,6)\r\n", b"LIST -l\r\n", b"150 x\r\n", b"226 x\r\n",
            b"CWD ../x\r\n", b"257 \"\"\"\r\n", b"\xff\xf4\xf2ABOR\r\n", b"EPRT ||||\r\n",
            b"229 (|||1|)\r\n",
        ];
        let mut input = Vec::new();
        for (word, control) in picks {
            let control = if control < 6 { control & 1 } else { control };
            input.extend_from_slice(&[control, WORDS[word].len() as u8]);
            input.extend_from_slice(WORDS[word]);
        }
        testing::fuzz_one(registry::by_id(ProtoId(117)).unwrap(), Transport::Tcp, 21, &input);
    }
}

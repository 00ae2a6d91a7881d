//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::LostUp, Event::Up, Heard};
use crate::{NameSource, Probe, Wants, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 25), events)
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

const MAIL: &[Event<'_>] = &[
    Down(b"220 mail.example.org ESMTP ready\r\n"),
    Up(b"EHLO client.example.net\r\n"),
    Down(b"250-mail.example.org\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"),
    Up(b"MAIL FROM:<ada@example.net> SIZE=70\r\n"),
    Down(b"250 Sender OK\r\n"),
    Up(b"RCPT TO:<ben@example.org>\r\n"),
    Down(b"250 OK\r\n"),
    Up(b"RCPT TO:<nobody@example.org>\r\n"),
    Down(b"550 Who?\r\n"),
    Up(b"DATA\r\n"),
    Down(b"354 Go on\r\n"),
    Up(b"From: Ada <ada@example.net>\r\nSubject: Tide\r\n\r\n..dot\r\nQUIT\r\n.\r\n"),
    Down(b"250 2.0.0 queued\r\n"),
    Up(b"QUIT\r\n"),
    Down(b"221 Bye\r\n"),
];

#[test]
fn a_mail_is_a_transaction_with_its_envelope_header_and_fate() {
    let heard = play(MAIL);

    assert_eq!(heard.path, ["smtp"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.names, [(NameSource::Host, "mail.example.org".to_string())]);
    assert_eq!(
        records(&heard),
        [concat!(
            r#"{"trans_depth":1,"server":"mail.example.org","helo":"client.example.net","#,
            r#""mail_from":"ada@example.net","#,
            r#""rcpt_to":["ben@example.org","nobody@example.org"],"recipients":2,"rejected":1,"#,
            r#""from":"Ada <ada@example.net>","subject":"Tide","attachments":[],"size":58,"#,
            r#""announced_size":70,"pipelined":false,"code":250,"reply":"2.0.0 queued","#,
            r#""status":"accepted","clear_text":false,"tls":false,"response_us":1000,"#,
            r#""duration_us":9000}"#
        )]
    );
}

#[test]
fn commands_replies_and_content_are_messages() {
    let heard = play(MAIL);
    let messages: Vec<_> = heard.messages.iter().map(|(_, json)| json.as_str()).collect();

    assert_eq!(messages.len(), 15);
    assert_eq!(
        messages[3],
        r#"{"kind":"command","command":"MAIL","argument":"FROM:<ada@example.net> SIZE=70"}"#
    );
    assert_eq!(
        messages[2],
        r#"{"kind":"reply","code":250,"reply":"mail.example.org\nPIPELINING\nSIZE 1000"}"#
    );
    assert_eq!(messages[11], r#"{"kind":"content","size":58}"#);
}

#[test]
fn commands_may_be_pipelined_over_several_mails() {
    let heard = play(&[
        Down(b"220 a.example SMTP\r\n"),
        Up(b"EHLO c\r\n"),
        Down(b"250 PIPELINING\r\n"),
        Up(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n"),
        Down(b"250 1\r\n250 2\r\n354 3\r\n"),
        Up(b"Subject: one\r\n\r\nx\r\n.\r\nRSET\r\nMAIL FROM:<c@x>\r\nRCPT TO:<d@y>\r\nDATA\r\n"),
        Down(b"250 first\r\n250 reset\r\n250 4\r\n250 5\r\n354 6\r\n"),
        Up(b"Subject: two\r\n\r\n.\r\nQUIT\r\n"),
        Down(b"554 second\r\n221 bye\r\n"),
    ]);

    let records = records(&heard);
    assert_eq!(records.len(), 2);
    assert_has(
        records[0],
        &[r#""subject":"one""#, r#""pipelined":true"#, r#""reply":"first","status":"accepted""#],
    );
    assert_has(
        records[1],
        &[r#""trans_depth":2"#, r#""mail_from":"c@x""#, r#""code":554"#, r#""status":"rejected""#],
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn chunks_carry_content_of_any_octets() {
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"EHLO c\r\n"),
        Down(b"250 CHUNKING\r\n"),
        Up(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"),
        Down(b"250 1\r\n250 2\r\n"),
        Up(b"BDAT 20\r\nSubject: chunky\r\n\r\nx"),
        Down(b"250 20 octets\r\n"),
        Up(b"BDAT 8 LAST\r\n\n.\r\nQUITQUIT\r\n"),
        Down(b"250 done\r\n221 bye\r\n"),
    ]);

    assert_has(
        records(&heard)[0],
        &[r#""subject":"chunky""#, r#""size":28"#, r#""chunks":2"#, r#""status":"accepted""#],
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_login_by_ntlm_is_told() {
    let answer = [crate::ntlm::tests::TOKEN, b"\r\n"].concat();
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"EHLO c\r\n"),
        Down(b"250 AUTH NTLM\r\n"),
        Up(b"AUTH NTLM\r\n"),
        Down(b"334 NTLM supported\r\n"),
        Up(b"TlRMTVNTUAABAAAAAAAAAAAAAAAAAAAAAAAAAA==\r\n"),
        Down(b"334 TlRMTVNTUAACAAAA\r\n"),
        Up(&answer),
        Down(b"235 Welcome\r\n"),
        Up(b"QUIT\r\n"),
        Down(b"221 Bye\r\n"),
    ]);

    assert_has(
        records(&heard)[0],
        &[
            r#""auth_mechanism":"NTLM","user":"keeper""#,
            r#""ntlm":{"user":"keeper","domain":"HARBOUR","workstation":"HERON""#,
            r#""authenticated":true,"clear_text":false"#,
        ],
    );
}

#[test]
fn a_login_shows_its_mechanism_and_user_but_no_password() {
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"EHLO c\r\n"),
        Down(b"250 AUTH PLAIN LOGIN\r\n"),
        Up(b"AUTH LOGIN\r\n"),
        Down(b"334 VXNlcm5hbWU6\r\n"),
        Up(b"a2VlcGVy\r\n"),
        Down(b"334 UGFzc3dvcmQ6\r\n"),
        Up(b"bGFudGVybg==\r\n"),
        Down(b"535 No\r\n"),
        Up(b"AUTH PLAIN AGtlZXBlcgBsYW50ZXJu\r\n"),
        Down(b"235 Welcome\r\n"),
        Up(b"QUIT\r\n"),
        Down(b"221 Bye\r\n"),
    ]);

    assert_has(
        records(&heard)[0],
        &[r#""auth_mechanism":"PLAIN","user":"keeper","authenticated":true,"clear_text":true"#],
    );
    assert_eq!(heard.anomalies, ["smtp.login_failed"]);
    for (_, message) in &heard.messages {
        assert!(!message.contains("bGFudGVybg") && !message.contains("AGtl"), "{message}");
    }
}

/// The first octets of a client hello.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";

#[test]
fn what_follows_starttls_is_tls() {
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"EHLO c\r\n"),
        Down(b"250 STARTTLS\r\n"),
        Up(b"STARTTLS\r\n"),
        Down(b"220 Go ahead\r\n"),
        Up(HELLO),
    ]);

    assert_eq!(heard.path, ["smtp", "tls"]);
    let smtp: Vec<_> = heard.transactions.iter().filter(|(name, _)| name == "smtp").collect();
    assert_eq!(smtp.len(), 1);
    assert_has(&smtp[0].1, &[r#""helo":"c""#, r#""reply":"Go ahead""#, r#""tls":true"#]);
}

#[test]
fn a_refused_starttls_changes_nothing_and_a_lost_reply_neither() {
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"STARTTLS\r\n"),
        Down(b"454 Not now\r\n"),
        Up(b"MAIL FROM:<a@x>\r\n"),
        Down(b"530 Not so\r\n"),
    ]);
    assert_eq!(heard.path, ["smtp"]);
    assert_has(records(&heard)[0], &[r#""code":530"#, r#""status":"rejected""#]);

    let heard =
        play(&[Down(b"220 a.example ESMTP\r\n"), Up(b"STARTTLS\r\n"), LostDown(12), Up(HELLO)]);
    assert_eq!(heard.path, ["smtp", "tls"]);
}

#[test]
fn commands_slipped_in_behind_starttls_are_noticed() {
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"STARTTLS\r\nMAIL FROM:<a@x>\r\n"),
        Down(b"220 Go ahead\r\n"),
    ]);

    assert_eq!(heard.anomalies, ["smtp.command_after_starttls"]);
}

#[test]
fn refused_data_and_reset_end_a_mail() {
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"HELO c\r\n"),
        Down(b"250 hi\r\n"),
        Up(b"MAIL FROM:<a@x>\r\n"),
        Down(b"250 ok\r\n"),
        Up(b"DATA\r\n"),
        Down(b"503 No recipients\r\n"),
        Up(b"MAIL FROM:<b@x>\r\n"),
        Down(b"250 ok\r\n"),
        Up(b"EHLO again\r\n"),
        Down(b"500 what\r\n"),
        Up(b"RCPT TO:<c@x>\r\n"),
        Down(b"250 ok\r\n"),
        Up(b"RSET\r\n"),
        Down(b"250 ok\r\n"),
    ]);

    let records = records(&heard);
    assert_eq!(records.len(), 2);
    assert_has(records[0], &[r#""mail_from":"a@x""#, r#""code":503"#, r#""status":"rejected""#]);
    assert_has(
        records[1],
        &[r#""helo":"c""#, r#""mail_from":"b@x","rcpt_to":["c@x"]"#, r#""status":"aborted""#],
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn odd_lines_are_anomalies_and_the_session_goes_on() {
    let long = vec![b'x'; 13 * 1024];
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"\x00\x01\r\n"),
        Up(&long),
        Up(b"\r\nMAIL FROM:<a@x\r\n"),
        Down(b"what?\r\n500 no\r\n500 no\r\n"),
        Up(b"BDAT x\r\nDATA\r\n"),
        Down(b"500 no\r\n354 go\r\n"),
        Up(b"x\r\n.\n"),
        Down(b"250 ok\r\n"),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "smtp.command_invalid",
            "smtp.line_too_long",
            "smtp.command_invalid",
            "smtp.path_invalid",
            "smtp.reply_invalid",
            "smtp.reply_without_command",
            "smtp.chunk_invalid",
            "smtp.content_without_mail",
            "smtp.bare_line_feed_end",
        ]
    );
}

#[test]
fn parsing_goes_on_behind_a_loss() {
    let heard = play(&[
        Down(b"220 a.example ESMTP\r\n"),
        Up(b"EHLO c\r\nMAIL FROM:<a@x>\r\n"),
        LostDown(30),
        Up(b"RCPT TO:<b@y>\r\nDATA\r\n"),
        Down(b"of it\r\n250 ok\r\n354 go\r\n"),
        Up(b"Subject: x\r\n"),
        LostUp(500),
        Up(b"lines\r\n.\r\n"),
        Down(b"250 ok\r\n"),
    ]);

    let records = records(&heard);
    assert_eq!(records.len(), 1);
    assert_has(records[0], &[r#""subject":"x""#, r#""size":519"#, r#""status":"accepted""#]);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_flood_of_commands_is_bounded() {
    let flood = b"NOOP\r\n".repeat(300);
    let heard = play(&[Down(b"220 a.example ESMTP\r\n"), Up(&flood)]);

    assert_eq!(heard.anomalies.len(), 300 - 256);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&testing::flow(Transport::Tcp, 25), MAIL).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 12525), MAIL).unwrap();
}

#[test]
fn where_nobody_listens_starttls_is_still_followed() {
    let nobody = Wants::NOTHING;
    let flow = testing::flow(Transport::Tcp, 25);
    let heard = testing::play_wanting(
        &flow,
        &[
            Down(b"220 a.example ESMTP\r\n"),
            Up(b"STARTTLS\r\n"),
            Down(b"220 Go ahead\r\n"),
            Up(HELLO),
        ],
        nobody,
    );

    assert_eq!(heard.path, ["smtp", "tls"]);
    assert!(testing::play_wanting(&flow, MAIL, nobody).transactions.is_empty());
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(323)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_tells_smtp_from_its_likes() {
    for (data, answer) in [
        (&b"220 a.example ESMTP\r\n"[..], Probe::Certain),
        (b"220-a.example\r\n220 SMTP ready\r\n", Probe::Certain),
        (b"220 mail.example.org\r\n", Probe::Unsure),
        (b"220 mail.example.org\r\n250-mail.example.org\r\n", Probe::Certain),
        (b"220 ProFTPD here\r\n", Probe::No),
        (b"220 files.example.org\r\n331 Password\r\n", Probe::No),
        (b"22", Probe::Unsure),
        (b"200 news.example.org\r\n", Probe::No),
        (b"EHLO a\r\n", Probe::Certain),
        (b"EH", Probe::Unsure),
        (b"MAIL FROM:<a@b>\r\n", Probe::Certain),
        (b"MAIL is nice\r\n", Probe::No),
        (b"STARTTLS\r\n", Probe::Unsure),
        (b"USER alice\r\n", Probe::No),
        (b"GET / HTTP/1.1\r\n", Probe::No),
        (b"+OK POP3\r\n", Probe::No),
        (b"\x16\x03\x01", Probe::No),
    ] {
        assert_eq!(probe(data, 9999), answer, "{}", String::from_utf8_lossy(data));
    }
    assert_eq!(probe(b"220 mail.example.org\r\n", 25), Probe::Certain);
    assert_eq!(probe(b"220 FTP server\r\n", 25), Probe::No);
}

#[test]
fn random_octets_are_not_smtp() {
    let mut random = testing::Random::new(323);
    for _ in 0..20_000 {
        let octets = random.octets(100);
        assert_ne!(probe(&octets, 25), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(323)).unwrap(), Transport::Tcp, 25, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(
        picks in prop::collection::vec((0usize..16, 0u8..8), 0..60)
    ) {
        const WORDS: [&[u8]; 16] = [
            b"220 SMTP\r\n", b"EHLO a\r\n", b"250-x\r\n", b"250 x\r\n", b"MAIL FROM:<a@b>\r\n",
            b"RCPT TO:<c@d>\r\n", b"DATA\r\n", b"354 go\r\n", b"Subject: x\r\n\r\n", b".\r\n",
            b"BDAT 9\r\n", b"BDAT 0 LAST\r\n", b"AUTH LOGIN\r\n", b"334 x\r\n", b"STARTTLS\r\n",
            b"RSET\r\n",
        ];
        let mut input = Vec::new();
        for (word, control) in picks {
            let control = if control < 6 { control & 1 } else { control };
            input.extend_from_slice(&[control, WORDS[word].len() as u8]);
            input.extend_from_slice(WORDS[word]);
        }
        testing::fuzz_one(registry::by_id(ProtoId(323)).unwrap(), Transport::Tcp, 25, &input);
    }
}

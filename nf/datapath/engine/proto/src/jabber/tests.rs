//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::Up, Heard};
use crate::{NameSource, Probe, Wants, registry};

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 5222), events)
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

const OPEN: &[u8] = b"<?xml version='1.0'?><stream:stream to='example.org' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const OPENED: &[u8] = b"<?xml version='1.0'?><stream:stream from='example.org' id='s1' \
    xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client' version='1.0'>";
const OFFER: &[u8] = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>\
    <required/></starttls><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
    <mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>";

const VISIT: &[Event<'_>] = &[
    Up(OPEN),
    Down(OPENED),
    Down(OFFER),
    Up(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGtlZXBlcgBsYW50ZXJu</auth>"),
    Down(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
    Up(OPEN),
    Down(OPENED),
    Down(b"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"),
    Up(b"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"),
    Down(b"<iq type='result' id='1'><bind><jid>keeper@example.org/desk</jid></bind></iq>"),
    Up(b"<presence/><message to='ada@example.org' type='chat'><body>a &lt; b</body></message>"),
    Down(b"<message from='ada@example.org'><body><![CDATA[<iq>]]></body></message> "),
    Up(b"</stream:stream>"),
    Down(b"</stream:stream>"),
];

#[test]
fn a_stream_is_a_transaction() {
    let heard = play(VISIT);

    assert_eq!(heard.path, ["jabber"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.names, [(NameSource::Host, "example.org".to_string())]);
    assert_eq!(
        records(&heard),
        [concat!(
            r#"{"to":"example.org","stream_id":"s1","namespace":"jabber:client","version":"1.0","#,
            r#""mechanisms":["PLAIN","SCRAM-SHA-1"],"starttls":"required","tls":false,"#,
            r#""auth_mechanism":"PLAIN","user":"keeper","authenticated":true,"clear_text":true,"#,
            r#""jid":"keeper@example.org/desk","messages_up":1,"messages_down":1,"presences":1,"#,
            r#""iqs":2,"duration_us":11000}"#
        )]
    );
}

#[test]
fn elements_are_messages_without_what_they_say() {
    let heard = play(VISIT);
    let kinds: Vec<_> =
        heard.messages.iter().map(|(_, json)| json.split('"').nth(3).unwrap()).collect();

    assert_eq!(
        kinds,
        [
            "stream", "stream", "features", "auth", "success", "stream", "stream", "features",
            "iq", "iq", "presence", "message", "message",
        ]
    );
    assert_has(
        &heard.messages[11].1,
        &[r#""from_client":true,"to":"ada@example.org","type":"chat""#],
    );
    assert!(!format!("{heard:?}").contains("a &lt; b"));
}

/// The first octets of a client hello.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";
const START_TLS: &[u8] = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

#[test]
fn what_follows_starttls_is_tls() {
    let proceed = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let heard =
        play(&[Up(OPEN), Down(OPENED), Down(OFFER), Up(START_TLS), Down(proceed), Up(HELLO)]);
    assert_eq!(heard.path, ["jabber", "tls"]);
    assert_has(records(&heard)[0], &[r#""starttls":"required","tls":true"#]);

    let heard = play(&[Up(OPEN), Up(START_TLS), Up(b"<presence/>")]);
    assert_eq!(heard.anomalies, ["jabber.command_after_starttls"]);
}

#[test]
fn logins_of_the_old_kind_show_the_user_only() {
    let heard = play(&[
        Up(OPEN),
        Down(OPENED),
        Up(b"<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>ada</username>"),
        Up(b"<password>lantern</password></query></iq>"),
    ]);

    assert_has(records(&heard)[0], &[r#""user":"ada","clear_text":true"#]);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn failures_and_errors_are_told() {
    let heard = play(&[
        Up(OPEN),
        Down(OPENED),
        Up(b"<auth mechanism='EXTERNAL'>=</auth>"),
        Down(b"<failure><not-authorized/></failure>"),
        Down(b"<stream:error><policy-violation/><text>no</text></stream:error></stream:stream>"),
    ]);

    assert_has(
        records(&heard)[0],
        &[r#""authenticated":false"#, r#""stream_error":"policy-violation""#],
    );
    assert_eq!(heard.anomalies, ["jabber.login_failed"]);
}

#[test]
fn parsing_goes_on_behind_a_loss() {
    let heard = play(&[
        Up(OPEN),
        Down(OPENED),
        LostDown(500),
        Down(b"dy></message><mess"),
        Down(b"age from='x'><body>y</body></message>"),
    ]);

    assert_has(records(&heard)[0], &[r#""messages_down":1"#]);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn odd_xml_is_an_anomaly() {
    let long = [b"<message ", &[b'x'; 9000][..]].concat();
    let deep = b"<a>".repeat(300);
    let heard = play(&[
        Up(OPEN),
        Down(OPENED),
        Up(b"</stream:stream></x>"),
        Down(&long),
        Down(b"><iq id='1'/>"),
        Down(&deep),
    ]);

    assert_eq!(
        heard.anomalies,
        ["jabber.malformed_xml", "jabber.tag_too_long", "jabber.malformed_xml"]
    );
    assert_has(records(&heard)[0], &[r#""iqs":1"#]);
}

#[test]
fn nothing_is_read_of_a_compressed_stream() {
    let heard = play(&[Up(OPEN), Down(OPENED), Down(b"<compressed/>"), Up(b"\x78\x9c<<<>")]);

    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&testing::flow(Transport::Tcp, 5222), VISIT).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 9999), &VISIT[..5]).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_login() {
    let nobody = Wants::NOTHING;
    let heard = testing::play_wanting(&testing::flow(Transport::Tcp, 5222), VISIT, nobody);

    assert_eq!(heard.path, ["jabber"]);
    assert!(heard.messages.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(186)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_asks_for_the_head_of_a_stream() {
    assert_eq!(probe(OPEN, 9999), Probe::Certain);
    assert_eq!(probe(&OPEN[..30], 9999), Probe::Unsure);
    assert_eq!(probe(b"<?xml version='1.0'?>", 9999), Probe::Unsure);
    assert_eq!(probe(b"<?xml version='1.0'?><methodCall>", 5222), Probe::No);
    assert_eq!(probe(b"<iq type='get' id='1'>", 5222), Probe::Certain);
    assert_eq!(probe(b"<iq type='get' id='1'>", 9999), Probe::No);
    assert_eq!(probe(b"<13>Oct 11 22:14:15 x", 5222), Probe::No);
    assert_eq!(probe(b"<html>", 5222), Probe::No);
}

#[test]
fn random_octets_are_not_jabber() {
    let mut random = testing::Random::new(186);
    for _ in 0..20_000 {
        let octets = random.octets(100);
        assert_ne!(probe(&octets, 5222), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(186)).unwrap(), Transport::Tcp, 5222, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(
        picks in prop::collection::vec((0usize..14, 0u8..8), 0..60)
    ) {
        const WORDS: [&[u8]; 14] = [
            b"<stream:stream xmlns='jabber:client'>", b"<iq>", b"</iq>", b"<jid>", b"x", b"'", b">",
            b"<![CDATA[", b"]]>", b"<auth mechanism='PLAIN'>", b"AGEAYg==", b"</", b"<starttls/>",
            b"<username>",
        ];
        let mut input = Vec::new();
        for (word, control) in picks {
            let control = if control < 6 { control & 1 } else { control };
            input.extend_from_slice(&[control, WORDS[word].len() as u8]);
            input.extend_from_slice(WORDS[word]);
        }
        testing::fuzz_one(registry::by_id(ProtoId(186)).unwrap(), Transport::Tcp, 5222, &input);
    }
}

//! Handshakes built field by field, as the engine sees them.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use super::record::content;
use super::{ID, Tls, TlsTransaction, extension::code, handshake::kind};
use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, play, play_wanting, torture};
use crate::{Direction, NameSource, Probe, Protocol, Segment, Sink, Wants};

const SERVER: &[u8] = include_bytes!("testdata/server.der");
const NAMELESS: &[u8] = include_bytes!("testdata/nameless.der");

fn entry() -> &'static Entry {
    registry::by_name("tls").expect("registered")
}

pub(crate) fn u16_list(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

pub(crate) fn sized16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

pub(crate) fn sized8(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8], bytes].concat()
}

fn sized24(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
}

fn record(content: u8, fragment: &[u8]) -> Vec<u8> {
    [&[content, 3, 3], sized16(fragment).as_slice()].concat()
}

pub(crate) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], sized24(body).as_slice()].concat()
}

pub(crate) fn extension(code: u16, data: &[u8]) -> Vec<u8> {
    [code.to_be_bytes().to_vec(), sized16(data)].concat()
}

pub(crate) fn server_name(name: &str) -> Vec<u8> {
    let entry = [vec![0], sized16(name.as_bytes())].concat();
    extension(code::SERVER_NAME, &sized16(&entry))
}

pub(crate) fn alpn(names: &[&str]) -> Vec<u8> {
    let list: Vec<u8> = names.iter().flat_map(|n| sized8(n.as_bytes())).collect();
    extension(code::ALPN, &sized16(&list))
}

pub(crate) fn versions(list: &[u16]) -> Vec<u8> {
    extension(code::SUPPORTED_VERSIONS, &sized8(&u16_list(list)))
}

/// What most clients send beside name and ALPN, GREASE included.
fn usual() -> Vec<u8> {
    [
        extension(0x1a1a, &[]),
        extension(code::SUPPORTED_GROUPS, &sized16(&u16_list(&[0x2a2a, 29, 23]))),
        extension(code::EC_POINT_FORMATS, &sized8(&[0])),
        extension(code::SIGNATURE_ALGORITHMS, &sized16(&u16_list(&[0x0403, 0x0804]))),
    ]
    .concat()
}

const CIPHERS: &[u16] = &[0x0a0a, 0x1301, 0xc02f, 0x009c];

fn client_hello_with(session: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let body = [
        vec![3, 3],
        vec![7; 32],
        sized8(session),
        sized16(&u16_list(CIPHERS)),
        vec![1, 0],
        sized16(&extensions.concat()),
    ];
    handshake(kind::CLIENT_HELLO, &body.concat())
}

pub(crate) fn client_hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    client_hello_with(&[], extensions)
}

fn server_hello_with(random: [u8; 32], session: &[u8], cipher: u16, ext: &[Vec<u8>]) -> Vec<u8> {
    let mut body = [vec![3, 3], random.to_vec(), sized8(session)].concat();
    body.extend(cipher.to_be_bytes());
    body.push(0);
    if !ext.is_empty() {
        body.extend(sized16(&ext.concat()));
    }
    handshake(kind::SERVER_HELLO, &body)
}

pub(crate) fn server_hello(cipher: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    server_hello_with([9; 32], &[], cipher, extensions)
}

fn certificates(list: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = list.iter().flat_map(|c| sized24(c)).collect();
    handshake(kind::CERTIFICATE, &sized24(&list))
}

fn in_clear(messages: &[Vec<u8>]) -> Vec<u8> {
    record(content::HANDSHAKE, &messages.concat())
}

fn change_and_finish() -> Vec<u8> {
    [record(content::CHANGE_CIPHER_SPEC, &[1]), record(content::HANDSHAKE, &[0xee; 40])].concat()
}

fn data(length: usize) -> Vec<u8> {
    record(content::APPLICATION_DATA, &vec![0xdd; length])
}

/// A TLS 1.2 handshake with ALPN and a certificate, its messages put into records of `size`.
fn tls12(size: usize) -> [Vec<u8>; 4] {
    let hello = client_hello(&[server_name("www.example.org"), usual(), alpn(&["h2", "http/1.1"])]);
    let answer = [
        server_hello(0xc02f, &[alpn(&["h2"])]),
        certificates(&[SERVER, NAMELESS]),
        handshake(kind::SERVER_KEY_EXCHANGE, &[5; 70]),
        handshake(kind::SERVER_HELLO_DONE, &[]),
    ]
    .concat();
    let split = |m: &[u8]| -> Vec<u8> {
        m.chunks(size).flat_map(|part| record(content::HANDSHAKE, part)).collect()
    };
    let end = [in_clear(&[handshake(16, &[6; 66])]), change_and_finish()].concat();
    [split(&hello), split(&answer), end, [change_and_finish(), data(100)].concat()]
}

fn up_down(parts: &[Vec<u8>]) -> Vec<Event<'_>> {
    let events = parts.iter().enumerate();
    events.map(|(i, part)| if i & 1 == 0 { Event::Up(part) } else { Event::Down(part) }).collect()
}

fn hear(parts: &[Vec<u8>]) -> Heard {
    play(&flow(Transport::Tcp, 443), &up_down(parts))
}

/// Name in the path of protocol `id`, whether its parser stands yet or not.
pub(crate) fn word(id: u16) -> String {
    let entry = registry::by_id(nf_fields::ProtoId(id));
    entry.map_or_else(|| id.to_string(), |e| e.info.name.to_string())
}

#[test]
fn a_tls12_handshake_is_one_transaction() {
    let heard = hear(&tls12(4096));

    assert_eq!(heard.path, ["tls".to_string(), word(700)]);
    assert_eq!(heard.names, [(NameSource::Sni, "www.example.org".to_string())]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.transactions.len(), 1);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"version":"TLS 1.2","server_name":"www.example.org","alpn":"h2","#,
            r#""client_alpns":["h2","http/1.1"],"cipher":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","#,
            r#""subject":"C=FR, O=Example, CN=www.example.org","#,
            r#""issuer":"C=FR, O=Example, CN=www.example.org","serial":"f1e2d3c4b5a697","#,
            r#""not_before":"2026-11-21T02:28:24Z","not_after":"2126-10-28T02:28:24Z","#,
            r#""san":["www.example.org","example.org","192.0.2.2","2001:db8::2"],"#,
            r#""fingerprint_sha1":"b11138c4d85d63998a23f156c0668e415a2ec045","fingerprint_sha256":"27425163aa55a2b771db27232bd56f1ca090655c37fc3b9019ab2651f1bbe2aa","#,
            r#""chain_length":2,"self_signed":true,"ja3":"9531ed8d91ed2ae3f927ee40af367f49","#,
            r#""ja3_full":"771,4865-49199-156,0-10-11-13-16,29-23,0","#,
            r#""ja3s":"896415616b22361262d7a961b6325cfd","ja4":"t12d0305h2_159d175d8039_876bcc86782c","ech":false,"resumed":false,"#,
            r#""client_version":"TLS 1.2","established":true,"alert":[],"handshake_us":3000}"#,
        )
    );
}

#[test]
fn records_and_segments_may_split_messages_anywhere() {
    let whole = hear(&tls12(4096));
    for size in [1, 3, 7, 100, 333] {
        let heard = hear(&tls12(size));

        assert_eq!(heard.transactions, whole.transactions, "records of {size}");
        assert_eq!(heard.anomalies, [""; 0]);
    }
    torture(&flow(Transport::Tcp, 443), &up_down(&tls12(90))).unwrap();
}

#[test]
fn each_record_and_each_message_in_clear_is_a_message() {
    let heard = hear(&tls12(4096));
    let messages: Vec<_> = heard.messages.iter().map(|(_, m)| m.as_str()).collect();

    assert_eq!(
        messages[0],
        concat!(
            r#"{"server_name":"www.example.org","record_number":1,"content_type":22,"#,
            r#""version":771,"length":127,"handshake_type":1,"handshake_length":123}"#
        )
    );
    let kinds = |m: &&str| m.contains("handshake_type");
    assert_eq!(messages.iter().filter(|m| kinds(m)).count(), 6);
    assert_eq!(
        messages.last().copied(),
        Some(r#"{"record_number":4,"content_type":23,"version":771,"length":100}"#)
    );
}

fn tls13(offered: &[&str], early: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let hello = client_hello_with(
        &[4; 32],
        &[&[server_name("a.example"), alpn(offered), versions(&[0x3a3a, 0x0304, 0x0303])], early]
            .concat(),
    );
    let chosen = extension(code::SUPPORTED_VERSIONS, &[3, 4]);
    let answer = server_hello_with([9; 32], &[4; 32], 0x1301, &[chosen]);
    vec![
        in_clear(&[hello]),
        [in_clear(&[answer]), record(20, &[1]), data(900)].concat(),
        [record(20, &[1]), data(53)].concat(),
    ]
}

#[test]
fn a_tls13_handshake_is_complete_with_the_clients_finished() {
    let heard = hear(&tls13(&["h2", "http/1.1"], &[]));

    assert_eq!(heard.path, ["tls"]);
    let transaction = &heard.transactions[0].1;
    assert!(transaction.contains(r#""version":"TLS 1.3","server_name":"a.example","#));
    assert!(transaction.contains(r#""cipher":"TLS_AES_128_GCM_SHA256""#));
    assert!(transaction.contains(r#""established":true"#), "{transaction}");
    assert!(transaction.contains(r#""resumed":false"#));
    assert!(transaction.contains(r#""handshake_us":2000"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn the_only_application_protocol_offered_is_inside_a_tls13_session() {
    let heard = hear(&tls13(&["h2"], &[]));

    assert_eq!(heard.path, ["tls".to_string(), word(700)]);
    assert!(!heard.transactions[0].1.contains(r#""alpn":"#));
}

#[test]
fn an_encrypted_alert_does_not_complete_a_tls13_handshake() {
    let mut parts = tls13(&["h2"], &[]);
    parts[2] = data(19);

    assert!(hear(&parts).transactions[0].1.contains(r#""established":false"#));
}

#[test]
fn a_hello_retry_does_not_make_a_second_transaction() {
    let mut parts = tls13(&["h2"], &[]);
    let mut random = [0; 32];
    random.copy_from_slice(&super::handshake::RETRY_RANDOM);
    let chosen = extension(code::SUPPORTED_VERSIONS, &[3, 4]);
    let retry = server_hello_with(random, &[4; 32], 0x1301, &[chosen]);
    let again = [record(20, &[1]), parts[0].clone()].concat();
    parts.splice(1..1, [[in_clear(&[retry]), record(20, &[1])].concat(), again]);

    let heard = hear(&parts);

    assert_eq!(heard.transactions.len(), 1);
    assert!(heard.transactions[0].1.contains(r#""handshake_us":4000"#));
    assert_eq!(heard.anomalies, [""; 0]);
    torture(&flow(Transport::Tcp, 443), &up_down(&parts)).unwrap();
}

#[test]
fn resumption_and_encrypted_hellos_are_seen() {
    let parts = tls13(
        &[],
        &[extension(code::ENCRYPTED_CLIENT_HELLO, &[0; 20]), extension(code::PRE_SHARED_KEY, &[])],
    );
    assert!(hear(&parts).transactions[0].1.contains(r#""ech":true,"resumed":false"#));

    let hello = client_hello_with(&[8; 16], &[server_name("b.example")]);
    let answer = server_hello_with([9; 32], &[8; 16], 0x009c, &[]);
    let heard = hear(&[
        in_clear(&[hello]),
        [in_clear(&[answer]), change_and_finish()].concat(),
        change_and_finish(),
    ]);
    assert!(heard.transactions[0].1.contains(r#""resumed":true"#));
    assert!(heard.transactions[0].1.contains(r#""established":true"#));
}

#[test]
fn a_certificate_names_the_server_where_the_client_did_not() {
    for (certificate, name) in [(SERVER, "www.example.org"), (NAMELESS, "alt.example.org")] {
        let answer = [server_hello(0x009c, &[]), certificates(&[certificate])];
        let heard = hear(&[in_clear(&[client_hello(&[])]), in_clear(&answer)]);

        assert_eq!(heard.names, [(NameSource::Certificate, name.to_string())]);
    }
}

#[test]
fn a_server_heard_alone_is_recognised_and_reported() {
    let answer = [server_hello(0x009c, &[]), certificates(&[SERVER])];
    let octets = [in_clear(&answer), change_and_finish(), data(50)].concat();
    let heard = play(&flow(Transport::Tcp, 4000), &[Event::Down(&octets)]);

    assert_eq!(heard.path, ["tls"]);
    assert_eq!(heard.names.len(), 1);
    assert!(heard.transactions[0].1.contains(r#""established":true"#));
    assert!(!heard.transactions[0].1.contains("handshake_us"));
}

#[test]
fn alerts_in_clear_end_the_handshake() {
    let heard = hear(&[
        in_clear(&[client_hello(&[server_name("c.example")])]),
        [record(content::ALERT, &[1, 112]), record(content::ALERT, &[2, 40])].concat(),
    ]);

    let transaction = &heard.transactions[0].1;
    assert!(transaction.contains(r#""alert":["unrecognized_name","handshake_failure"]"#));
    assert!(transaction.contains(r#""established":false"#));
    assert!(heard.messages[1].1.contains(r#""alert_level":1,"alert_description":112"#));
}

fn ssl2_hello(version: u16) -> Vec<u8> {
    let mut body = vec![1];
    body.extend(u16_list(&[version, 6, 0, 16]));
    body.extend([0x01, 0, 0x80, 0, 0, 0x2f]);
    body.extend([3; 16]);
    [vec![0x80, body.len() as u8], body].concat()
}

#[test]
fn a_hello_in_ssl2_form_begins_a_tls_session() {
    let answer = [server_hello(0x002f, &[]), certificates(&[SERVER])];
    let heard = hear(&[ssl2_hello(0x0301), in_clear(&answer)]);

    assert_eq!(heard.path, ["tls"]);
    assert_eq!(heard.names, [(NameSource::Certificate, "www.example.org".to_string())]);
    assert!(heard.transactions[0].1.contains(r#""client_version":"TLS 1.0""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn ssl2_itself_is_read_as_far_as_its_certificate() {
    let mut body = vec![4, 0, 1];
    body.extend(u16_list(&[2, SERVER.len() as u16, 3, 16]));
    body.extend(SERVER);
    body.extend([1, 0, 0x80]);
    body.extend([3; 16]);
    let length = (body.len() as u16 | 0x8000).to_be_bytes();
    let parts = [ssl2_hello(2), [&length[..], &body].concat()];
    let heard = hear(&parts);

    assert!(heard.transactions[0].1.contains(r#""version":"SSL 2.0""#));
    assert!(heard.transactions[0].1.contains("CN=www.example.org"));
    torture(&flow(Transport::Tcp, 443), &up_down(&parts)).unwrap();
}

#[test]
fn a_stream_joined_in_its_middle_needs_several_headers_or_just_one_record() {
    let octets = [data(30), data(40), data(50)].concat();
    for (port, certain) in [(443, 40), (4000, 85)] {
        let flow = flow(Transport::Tcp, port);
        for length in 0..octets.len() {
            let verdict = testing::probe(entry(), &flow, &octets[..length]);
            let expected = length >= certain || (port == 443 && length == 35);
            assert_eq!(verdict == Probe::Certain, expected, "{port}: {length}");
            assert_ne!(verdict, Probe::No);
        }
        let heard = play(&flow, &[Event::Up(&octets), Event::Down(&octets)]);
        assert_eq!(heard.path, ["tls"]);
        assert!(heard.transactions.is_empty());
    }
}

#[test]
fn what_is_lost_between_records_does_not_stop_the_parser() {
    let [hello, answer, end, rest] = tls12(4096);
    let (head, _) = answer.split_at(200);
    let heard = play(
        &flow(Transport::Tcp, 443),
        &[
            Event::Up(&hello),
            Event::Down(head),
            Event::LostDown((answer.len() - 200) as u64),
            Event::Up(&end),
            Event::Down(&rest),
        ],
    );

    assert_eq!(heard.transactions.len(), 1);
    assert!(heard.faults.is_empty());
}

/// Parses with nobody listening and says after which part the session was settled.
fn settled_after(parts: &[Vec<u8>]) -> Option<usize> {
    let flow = flow(Transport::Tcp, 443);
    let (mut heard, mut tls) = (Heard::default(), Tls::new(&flow));
    parts.iter().position(|data| {
        let dir = if data[5] == 1 { Direction::Up } else { Direction::Down };
        let mut sink = Sink::new(&mut heard, ID, Wants::default());
        tls.parse(&Segment { data, dir, time: 0, cut: false, ppid: 0, flow: &flow }, &mut sink);
        sink.is_settled()
    })
}

#[test]
fn parsing_ends_where_nobody_listens_as_soon_as_all_is_known() {
    let hello = |ext: &[Vec<u8>]| in_clear(&[client_hello(ext)]);
    let named = server_name("d.example");
    let answer = in_clear(&[server_hello(0x009c, &[])]);
    let only13 = versions(&[0x0304]);
    let many = alpn(&["h2", "http/1.1"]);

    let plain = hello(std::slice::from_ref(&named));
    assert_eq!(settled_after(&[plain, answer.clone()]), Some(0));
    let both = hello(&[named.clone(), many.clone()]);
    assert_eq!(settled_after(&[both, answer.clone()]), Some(1));
    let modern = hello(&[named.clone(), many, only13.clone()]);
    assert_eq!(settled_after(&[modern, answer.clone()]), Some(0));
    let unknown = hello(&[named.clone(), alpn(&["x-own"])]);
    assert_eq!(settled_after(&[unknown, answer.clone()]), Some(0));
    let single = hello(&[named, alpn(&["h2"]), only13]);
    assert_eq!(settled_after(&[single, answer.clone()]), Some(1));
    let certificate = in_clear(&[certificates(&[SERVER])]);
    assert_eq!(settled_after(&[hello(&[]), answer.clone(), certificate.clone()]), Some(2));
    // The certificate may tell more than a name that nobody knows.
    let strange = hello(&[server_name("unknown.example")]);
    assert_eq!(settled_after(&[strange, answer, certificate]), Some(2));
}

#[test]
fn what_may_tell_the_application_is_passed_on() {
    let clues = |name: &str| {
        let hello = client_hello(&[server_name(name), alpn(&["h2"])]);
        let parts = [server_hello(0x009c, &[alpn(&["h2"])]), certificates(&[SERVER])]
            .map(|m| in_clear(&[m]));
        let hello = in_clear(&[hello]);
        let events = [Event::Up(&hello), Event::Down(&parts[0]), Event::Down(&parts[1])];
        play(&flow(Transport::Tcp, 443), &events).clues
    };

    assert_eq!(clues("known.example"), [format!("Alpn({:?})", b"h2")]);
    let more = clues("unknown.example");
    assert_eq!(more.len(), 2);
    assert!(more[1].starts_with("Certificate(CertificateNames { holder: Some("), "{}", more[1]);
}

#[test]
fn nothing_is_collected_where_nobody_listens() {
    let heard = play_wanting(&flow(Transport::Tcp, 443), &up_down(&tls12(64)), Wants::default());

    assert_eq!(heard.path, ["tls".to_string(), word(700)]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn each_anomaly_is_counted() {
    let hello = || in_clear(&[client_hello(&[server_name("e.example")])]);
    let answer = |m: Vec<u8>| vec![hello(), in_clear(&[m])];
    let again = |bytes: Vec<u8>| vec![[hello(), bytes].concat()];
    let modern = in_clear(&[client_hello(&[versions(&[0x0304, 0x0303])])]);
    let mut downgraded = [9; 32];
    downgraded[24..].copy_from_slice(b"DOWNGRD\x01");
    let half = &certificates(&[SERVER])[..50];
    let mut huge = handshake(kind::CERTIFICATE, &[]);
    huge[1] = 1;
    let cases = [
        ("unknown_content_type", again(vec![99, 3, 3, 0, 1, 0])),
        ("bad_record_version", again(vec![22, 9, 9, 0, 1, 0])),
        ("record_too_long", again(vec![22, 3, 3, 0xff, 0xff, 0])),
        ("empty_record", again(record(content::HANDSHAKE, &[]))),
        (
            "interleaved_record",
            vec![hello(), [in_clear(&[half.to_vec()]), record(content::ALERT, &[1, 0])].concat()],
        ),
        ("handshake_too_long", answer(huge)),
        ("unknown_handshake", answer(handshake(99, &[]))),
        ("malformed_client_hello", again(in_clear(&[handshake(kind::CLIENT_HELLO, &[3; 8])]))),
        ("malformed_server_hello", answer(handshake(kind::SERVER_HELLO, &[3; 8]))),
        (
            "malformed_extension",
            vec![in_clear(&[client_hello(&[extension(code::SERVER_NAME, &[0, 9])])])],
        ),
        ("malformed_extension", vec![in_clear(&[client_hello(&[server_name("")])])]),
        ("malformed_certificate", answer(handshake(kind::CERTIFICATE, &[0, 0, 9]))),
        ("malformed_record", again(record(content::CHANGE_CIPHER_SPEC, &[1, 1]))),
        ("unexpected_hello", answer(client_hello(&[]))),
        ("cipher_not_offered", answer(server_hello(0x0005, &[]))),
        ("downgrade", vec![modern, in_clear(&[server_hello_with(downgraded, &[], 0xc02f, &[])])]),
        ("heartbeat_overread", again(record(content::HEARTBEAT, &[1, 0x40, 0, 0]))),
    ];
    let infos = super::Anomaly::INFOS;
    for (name, parts) in &cases {
        let heard = hear(parts);
        assert_eq!(heard.anomalies, [format!("tls.{name}")], "{name}");
    }
    for info in infos {
        assert!(cases.iter().any(|(name, _)| *name == info.name), "{} is untested", info.name);
    }
}

#[test]
fn the_probe_refuses_what_only_resembles_tls() {
    let flow = flow(Transport::Tcp, 443);
    let hello = in_clear(&[client_hello(&[])]);
    let mutate = |at: usize, to: u8| {
        let mut octets = hello.clone();
        octets[at] = to;
        octets
    };
    for octets in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"SSH-2.0-x\r\n".to_vec(),
        b"\x16\x03\x09\x00\x10\x01\x00\x00\x0c\x03\x03".to_vec(),
        b"\x80\x2e\x01\x00\x02\x00\x05\x00\x00\x00\x10".to_vec(),
        b"\x17\x03\x03\x00\x00\x17\x03\x03\x00\x00".to_vec(),
        b"\x17\x03\x03\x00\x02ab\x17\x03\x01\x00\x02ab".to_vec(),
        mutate(9, 5),
        mutate(43, 40),
        mutate(45, 7),
    ] {
        assert_eq!(testing::probe(entry(), &flow, &octets), Probe::No, "{octets:02x?}");
    }
    assert_eq!(testing::probe(entry(), &flow, &hello), Probe::Certain);
    for length in 0..44 {
        assert_eq!(testing::probe(entry(), &flow, &hello[..length]), Probe::Unsure, "{length}");
    }
    let mut random = testing::Random::new(341);
    for _ in 0..50_000 {
        let octets = random.octets(200);
        assert_ne!(testing::probe(entry(), &flow, &octets), Probe::Certain, "{octets:02x?}");
    }
}

#[test]
fn empty_records_do_not_hide_a_hello() {
    let empty = record(content::HANDSHAKE, &[]).repeat(40);
    let octets = [empty, in_clear(&[client_hello(&[server_name("h.example")])])].concat();
    let heard = play(&flow(Transport::Tcp, 4000), &[Event::Up(&octets)]);

    assert_eq!(heard.names, [(NameSource::Sni, "h.example".to_string())]);
    assert_eq!(heard.anomalies.len(), 40);
}

#[test]
fn a_hello_cut_by_the_snap_length_still_names_the_server() {
    let hello = in_clear(&[client_hello(&[server_name("f.example"), usual()])]);
    let heard = play(&flow(Transport::Tcp, 443), &[Event::CutUp(&hello[..90])]);

    assert_eq!(heard.path, ["tls"]);
    assert_eq!(heard.names, [(NameSource::Sni, "f.example".to_string())]);
}

#[test]
fn a_session_handed_over_that_is_not_tls_is_given_back() {
    let flow = flow(Transport::Tcp, 21);
    let (mut heard, mut tls) = (Heard::default(), Tls::new(&flow));
    let mut sink = Sink::new(&mut heard, ID, Wants::default());
    let data = b"530 Not logged in\r\n";
    let seg = Segment { data, dir: Direction::Down, time: 0, cut: false, ppid: 0, flow: &flow };

    assert_eq!(tls.parse(&seg, &mut sink).next, crate::Next::NotMine);
}

#[test]
fn every_listed_attribute_of_mmt_has_its_number() {
    use nf_fields::Fields;
    let expected = [
        ("server_name", 1),
        ("tls_number_record", 2),
        ("tls_content_type", 3),
        ("tls_version", 4),
        ("tls_length", 5),
    ];
    for (name, id) in expected {
        let field = super::TlsMessage::fields().iter().find(|f| f.answers_to(name));
        assert_eq!(field.map(|f| f.id), Some(id), "{name}");
    }
    assert!(TlsTransaction::fields().iter().all(|f| !f.doc.is_empty()));
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..800)) {
        testing::fuzz_one(entry(), Transport::Tcp, 443, &input);
    }

    #[test]
    fn no_change_of_a_handshake_makes_it_panic(
        at in 0usize..2000, to in any::<u8>(), size in 1usize..400,
    ) {
        let mut parts = tls12(size);
        let mut left = at;
        for part in &mut parts {
            if left < part.len() {
                part[left] = to;
                break;
            }
            left -= part.len();
        }
        let heard = hear(&parts);
        prop_assert!(!heard.anomalies.iter().any(|a| a.starts_with("pool leak")));
    }
}

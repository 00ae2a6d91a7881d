//! Handshakes built field by field, as the engine sees them.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, torture};
use crate::tls::extension::code;
use crate::tls::tests::{alpn, extension, server_name, sized8, sized16, u16_list, versions};
use crate::{Direction, Flow, NameSource, Probe};

const SERVER: &[u8] = include_bytes!("../tls/testdata/server.der");

fn entry() -> &'static Entry {
    registry::by_name("dtls").expect("registered")
}

fn ports() -> Flow {
    flow(Transport::Udp, 50_000)
}

fn record(content: u8, epoch: u8, fragment: &[u8]) -> Vec<u8> {
    let head = [content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1];
    [&head[..], &sized16(fragment)].concat()
}

fn u24(n: usize) -> [u8; 3] {
    let [_, rest @ ..] = (n as u32).to_be_bytes();
    rest
}

fn piece(kind: u8, number: u8, body: &[u8], from: usize, to: usize) -> Vec<u8> {
    let head = [&[kind][..], &u24(body.len()), &[0, number], &u24(from), &u24(to - from)].concat();
    record(22, 0, &[&head[..], &body[from..to]].concat())
}

fn message(kind: u8, number: u8, body: &[u8]) -> Vec<u8> {
    piece(kind, number, body, 0, body.len())
}

fn hello_body(cookie: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let usual = [
        extension(code::SUPPORTED_GROUPS, &sized16(&u16_list(&[29, 23]))),
        extension(code::EC_POINT_FORMATS, &sized8(&[0])),
        extension(code::USE_SRTP, &[0, 4, 0, 7, 0, 1, 0]),
    ];
    [
        vec![0xfe, 0xfd],
        vec![7; 32],
        sized8(&[]),
        sized8(cookie),
        sized16(&u16_list(&[0xc02b, 0xc02f])),
        vec![1, 0],
        sized16(&[&usual[..], extensions].concat().concat()),
    ]
    .concat()
}

pub(crate) fn client_hello() -> Vec<u8> {
    message(1, 0, &hello_body(&[], &[server_name("phone.example.com"), alpn(&["webrtc"])]))
}

fn server_hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    let body = [
        vec![0xfe, 0xfd],
        vec![9; 32],
        sized8(&[]),
        vec![0xc0, 0x2b, 0],
        sized16(&extensions.concat()),
    ];
    message(2, 1, &body.concat())
}

fn certificate() -> Vec<u8> {
    let list = [&u24(SERVER.len())[..], SERVER].concat();
    let body = [&u24(list.len())[..], &list].concat();
    // In two pieces, the second one first.
    let middle = body.len() / 2;
    [piece(11, 2, &body, middle, body.len()), piece(11, 2, &body, 0, middle)].concat()
}

fn finish() -> Vec<u8> {
    [record(20, 0, &[1]), record(22, 1, &[0xee; 40])].concat()
}

fn handshake() -> [(bool, Vec<u8>); 7] {
    let cookie = [vec![0xfe, 0xff], sized8(&[5; 20])].concat();
    let again = hello_body(&[5; 20], &[server_name("phone.example.com"), alpn(&["webrtc"])]);
    let answers = [extension(code::USE_SRTP, &[0, 2, 0, 7, 0])];
    [
        (true, client_hello()),
        (false, message(3, 0, &cookie)),
        (true, message(1, 1, &again)),
        (false, [server_hello(&answers), certificate()].concat()),
        (true, finish()),
        (false, finish()),
        (true, record(23, 1, &[0xdd; 30])),
    ]
}

fn events(said: &[(bool, Vec<u8>)]) -> Vec<Event<'_>> {
    said.iter().map(|(up, d)| if *up { Event::Up(d) } else { Event::Down(d) }).collect()
}

fn hear(said: &[(bool, Vec<u8>)]) -> Heard {
    play(&ports(), &events(said))
}

#[test]
fn a_handshake_is_reported_when_it_is_complete() {
    let heard = hear(&handshake());

    assert_eq!(heard.path, ["dtls"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.transactions.len(), 1);
    let said = &heard.transactions[0].1;
    for part in [
        r#""version":"DTLS 1.2","server_name":"phone.example.com","client_alpns":["webrtc"],"#,
        r#""cipher":"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256","srtp_profile":"SRTP_AEAD_AES_128_GCM","#,
        r#""client_srtp_profiles":["SRTP_AEAD_AES_128_GCM","SRTP_AES128_CM_HMAC_SHA1_80"],"#,
        r#""chain_length":1"#,
        r#""ja3_full":"65277,49195-49199,10-11-14-0-16,29-23,0""#,
        r#""ja4":"dd2d0205"#,
        r#""cookie_exchange":true,"connection_id":false,"established":true,"alert":[],"handshake_us":5000"#,
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(heard.names[0], (NameSource::Sni, "phone.example.com".to_string()));
}

#[test]
fn over_sctp_the_identifier_tells_what_is_protected() {
    let over = flow(Transport::Sctp, 50_000);
    let said = handshake();
    for (ppid, path) in [(47, vec!["dtls", "diameter"]), (66, vec!["dtls", "ngap"])] {
        let events: Vec<Event<'_>> = said
            .iter()
            .map(|(up, data)| (if *up { Direction::Up } else { Direction::Down }, data))
            .map(|(dir, data)| Event::Message(dir, ppid, data))
            .collect();
        let heard = play(&over, &events);

        assert_eq!(heard.path, path);
        assert_eq!(heard.anomalies, [""; 0]);
        assert_eq!(heard.transactions.len(), 1);
    }
    let clear = Event::Message(Direction::Up, 46, &said[0].1);
    assert!(!play(&over, &[clear]).path.contains(&"diameter".to_string()));
}

#[test]
fn records_and_fragments_are_messages() {
    let heard = hear(&handshake());

    assert_eq!(
        heard.messages[0].1,
        r#"{"content_type":22,"version":65277,"epoch":0,"sequence_number":1,"length":124,"client_hello_cipher_suite":[49195,49199],"handshake_type":1,"handshake_length":112,"message_sequence":0,"fragment_offset":0,"fragment_length":112,"server_name":"phone.example.com"}"#
    );
    assert_eq!(heard.messages.len(), 11);
    assert!(heard.messages[10].1.contains(r#""content_type":23,"version":65277,"epoch":1"#));
}

#[test]
fn a_hello_in_pieces_is_put_together_whatever_their_order() {
    let body = hello_body(&[], &[server_name("phone.example.com")]);
    let pieces = [(60, 90), (0, 30), (90, body.len()), (20, 60)];
    let said: Vec<_> = pieces.iter().map(|&(a, b)| (true, piece(1, 0, &body, a, b))).collect();

    let heard = hear(&said);

    assert_eq!(heard.names.len(), 1);
    assert!(heard.messages[3].1.contains(r#""server_name":"phone.example.com""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn the_last_version_is_complete_with_data_of_the_client() {
    let hello = hello_body(&[], &[versions(&[0xfefc])]);
    let answer = server_hello(&[extension(code::SUPPORTED_VERSIONS, &[0xfe, 0xfc])]);
    let sealed = |epoch: u8| [&[0x2c | epoch, 0, 1][..], &sized16(&[0xaa; 40])].concat();
    let heard = hear(&[
        (true, message(1, 0, &hello)),
        (false, [answer, sealed(2)].concat()),
        (true, sealed(2)),
        (true, sealed(3)),
    ]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""version":"DTLS 1.3""#) && said.contains(r#""established":true"#));
    assert!(said.contains(r#""ja4":"dd3i"#), "{said}");
    assert!(said.contains(r#""handshake_us":3000"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn connection_ids_lengthen_the_headers_of_what_follows() {
    let hello = hello_body(&[], &[extension(code::CONNECTION_ID, &[0])]);
    let answer = server_hello(&[extension(code::CONNECTION_ID, &[3, b'I', b'D', b'S'])]);
    let data = |id: &[u8]| {
        let head = [25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1];
        [&head[..], id, &sized16(&[0xdd; 24])].concat()
    };
    let heard = hear(&[
        (true, message(1, 0, &hello)),
        (false, answer),
        (true, [finish(), data(b"IDS")].concat()),
        (false, finish()),
        (false, data(b"")),
    ]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(heard.transactions[0].1.contains(r#""connection_id":true,"established":true"#));
}

#[test]
fn a_fatal_alert_ends_the_handshake() {
    let heard = hear(&[(true, client_hello()), (false, record(21, 0, &[2, 40]))]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""established":false,"alert":["handshake_failure"]"#), "{said}");
}

#[test]
fn a_client_that_starts_anew_is_reported_again() {
    let heard = hear(&[&handshake()[..], &handshake()[..]].concat());

    assert_eq!(heard.transactions.len(), 2);
    assert!(heard.transactions.iter().all(|(_, t)| t.contains(r#""established":true"#)));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn media_on_the_same_ports_is_named() {
    let mut said = handshake().to_vec();
    said.extend((0..3).map(|n| (true, crate::rtp::tests::packet(5, 111, n))));
    let (request, answer) = crate::stun::tests::binding();
    said.extend([(true, request), (false, answer)]);

    let heard = hear(&said);

    assert_eq!(heard.path, ["dtls", "rtp"]);
    assert!(heard.transactions.iter().any(|(proto, _)| proto == "stun"));
    assert_eq!(heard.anomalies, [""; 0]);
    let rtp = heard.transactions.iter().find(|(proto, _)| proto == "rtp").unwrap();
    assert!(rtp.1.contains(r#""encrypted":true"#));
}

#[test]
fn what_is_wrong_is_counted() {
    let long = [&[1][..], &u24(20_000), &[0, 9], &u24(0), &u24(4), &[0; 4]].concat();
    let broken = hello_body(&[], &[])[..40].to_vec();
    let heard = hear(&[
        (true, client_hello()),
        (false, client_hello()),
        (true, record(22, 0, &long)),
        (true, message(1, 3, &broken)),
        (true, record(22, 0, &[99; 12])),
        (true, [record(23, 1, &[1; 20]), vec![22, 3, 3]].concat()),
        (true, b"\xffnonsense".to_vec()),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "dtls.unexpected_hello",
            "dtls.handshake_too_long",
            "dtls.malformed_client_hello",
            "dtls.malformed_fragment",
            "dtls.malformed_record",
            "dtls.foreign_datagram",
        ]
    );
}

#[test]
fn nothing_breaks_where_datagrams_are_cut() {
    let said: Vec<_> = handshake().into_iter().filter(|(_, d)| d.len() < 300).collect();
    torture(&ports(), &events(&said)).unwrap();
}

#[test]
fn a_cut_hello_is_used_as_far_as_it_goes() {
    let hello = client_hello();
    let heard = play(&ports(), &[Event::CutUp(&hello[..hello.len() - 4])]);

    assert_eq!(heard.path, ["dtls"]);
    assert_eq!(heard.names.len(), 1);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let of = |data: &[u8]| testing::probe(entry(), &ports(), data);
    assert_eq!(of(&record(22, 0, &[1; 30])), Probe::No);
    assert_eq!(of(&record(23, 1, &[1; 30])), Probe::Certain);
    assert_eq!(of(&record(23, 0, &[1; 30])), Probe::No);
    assert_eq!(of(&record(23, 1, &[1; 30])[..40]), Probe::No);
    assert_eq!(of(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Probe::No);
    let mut random = testing::Random::new(660);
    for _ in 0..5_000 {
        let mut data = random.octets(200);
        data.splice(..data.len().min(3), [0x16, 0xfe, 0xfd]);
        assert_ne!(of(&data), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Udp, 4433, &input);
    }
}

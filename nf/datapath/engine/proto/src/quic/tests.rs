//! Connections built packet by packet, as the engine sees them.
#![allow(clippy::arithmetic_side_effects)]

use nf_fields::Fields;
use nf_wire::Transport;
use proptest::prelude::*;

use super::crypto::{InitialKeys, Keys};
use super::{QuicMessage, QuicTransaction, version};
use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, play_wanting, torture};
use crate::tls::extension::code;
use crate::tls::tests::{alpn, client_hello, extension, server_hello, server_name, versions};
use crate::{NameSource, Probe, Wants};

const DCID: &[u8] = &[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
const CLIENT_ID: &[u8] = &[0xc1, 0xc2, 0xc3];
const SERVER_ID: &[u8] = &[0x51, 0x52, 0x53, 0x54];
const V1: u32 = version::V1;
const DRAFT29: u32 = 0xff00_001d;

fn entry() -> &'static Entry {
    registry::by_name("quic").expect("registered")
}

fn keys(version: u32, dcid: &[u8]) -> InitialKeys {
    InitialKeys::derive(&version::protection(version).expect("known"), dcid)
}

/// Header of a long packet up to its token or length.
fn long(kind: u8, version: u32, dcid: &[u8], scid: &[u8]) -> Vec<u8> {
    let bits = if version == version::V2 { (kind + 1) & 3 } else { kind };
    let mut header = vec![0xc1 | bits << 4];
    header.extend(version.to_be_bytes());
    for id in [dcid, scid] {
        header.push(id.len() as u8);
        header.extend(id);
    }
    header
}

/// An Initial packet of `frames`, padded with zeros so that header and payload have `size` octets.
struct Initial<'a> {
    version: u32,
    dcid: &'a [u8],
    scid: &'a [u8],
    token: &'a [u8],
    number: u64,
    size: usize,
}

impl Initial<'_> {
    fn client() -> Initial<'static> {
        Initial { version: V1, dcid: DCID, scid: CLIENT_ID, token: &[], number: 0, size: 1200 }
    }

    fn server() -> Initial<'static> {
        Initial { dcid: CLIENT_ID, scid: SERVER_ID, size: 0, ..Self::client() }
    }

    fn seal(&self, keys: &Keys, frames: &[u8]) -> Vec<u8> {
        let mut header = long(0, self.version, self.dcid, self.scid);
        header.push(self.token.len() as u8);
        header.extend(self.token);
        let least = (frames.len() + 16).max(20);
        let room = self.size.saturating_sub(header.len() + 2).max(least + 2);
        header.extend((room as u16 | 0x4000).to_be_bytes());
        header.extend((self.number as u16).to_be_bytes());
        header[0] |= 1;
        let mut padded = frames.to_vec();
        padded.resize(room - 2 - 16, 0);
        keys.seal(&header, 2, self.number, &padded)
    }
}

fn crypto(offset: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend((offset | 0x4000).to_be_bytes());
    frame.extend((data.len() as u16 | 0x4000).to_be_bytes());
    frame.extend(data);
    frame
}

fn parameter(id: u16, value: &[u8]) -> Vec<u8> {
    let id = (id | 0x4000).to_be_bytes();
    [&id[..], &[value.len() as u8], value].concat()
}

fn hello(alpns: &[&str]) -> Vec<u8> {
    let parameters = [parameter(1, &[0x40, 0x64]), parameter(0x3129, b"Browser/1.0")].concat();
    client_hello(&[
        server_name("www.example.org"),
        alpn(alpns),
        versions(&[0x0304]),
        extension(code::QUIC_PARAMETERS, &parameters),
    ])
}

fn answer() -> Vec<u8> {
    server_hello(0x1301, &[extension(code::SUPPORTED_VERSIONS, &[3, 4])])
}

fn handshake_packet(version: u32, dcid: &[u8], scid: &[u8]) -> Vec<u8> {
    [long(2, version, dcid, scid), vec![0x40, 60], vec![0xaa; 60]].concat()
}

fn short(dcid: &[u8], spin: u8) -> Vec<u8> {
    [&[0x40 | spin << 5], dcid, &[0xbb; 40]].concat()
}

/// Hello, answer, and the client's first packet after the handshake.
fn connection(version: u32, alpns: &[&str]) -> Vec<Vec<u8>> {
    let keys = keys(version, DCID);
    let client = Initial { version, ..Initial::client() };
    let server = Initial { version, ..Initial::server() };
    vec![
        client.seal(&keys.client, &crypto(0, &hello(alpns))),
        [
            server.seal(&keys.server, &[vec![2, 0, 0, 0, 0], crypto(0, &answer())].concat()),
            handshake_packet(version, CLIENT_ID, SERVER_ID),
        ]
        .concat(),
        [handshake_packet(version, SERVER_ID, CLIENT_ID), short(SERVER_ID, 0)].concat(),
    ]
}

fn up_down(parts: &[Vec<u8>]) -> Vec<Event<'_>> {
    let events = parts.iter().enumerate();
    events.map(|(i, part)| if i & 1 == 0 { Event::Up(part) } else { Event::Down(part) }).collect()
}

fn hear(parts: &[Vec<u8>]) -> Heard {
    play(&flow(Transport::Udp, 443), &up_down(parts))
}

#[test]
fn a_handshake_is_one_transaction() {
    let heard = hear(&connection(V1, &["h3"]));

    assert_eq!(heard.path, ["quic", "http3"]);
    assert_eq!(heard.names, [(NameSource::Sni, "www.example.org".to_string())]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.transactions.len(), 1);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"version":"1","server_name":"www.example.org","alpn":"h3","client_alpns":["h3"],"#,
            r#""cipher":"TLS_AES_128_GCM_SHA256","ja3":"ebe58cb6d1f78eab4f547bd7508ec2ed","ja3_full":"771,4865-49199-156,0-16-43-57,,","ja3s":"cce84e7a8b742462e40afb585a3e3ccc","#,
            r#""ja4":"q13d0304h3_159d175d8039_c8abead0ac40","user_agent":"Browser/1.0","#,
            r#""dcid":"8394c8f03e515708","scid":"c1c2c3","ech":false,"resumed":false,"#,
            r#""early_data":false,"retry":false,"established":true,"handshake_us":2000}"#,
        )
    );
}

#[test]
fn versions_differ_in_keys_and_type_bits() {
    for (version, name) in [(version::V2, "2"), (DRAFT29, "draft-29"), (0xff00_001b, "draft-27")] {
        let heard = hear(&connection(version, &["h3"]));

        assert_eq!(heard.anomalies, [""; 0], "{name}");
        let expected = format!(r#"{{"version":"{name}","server_name":"www.example.org""#);
        assert!(heard.transactions[0].1.starts_with(&expected), "{:?}", heard.transactions);
        assert!(heard.transactions[0].1.contains(r#""established":true"#));
    }
}

#[test]
fn the_hello_may_come_in_pieces_in_any_order() {
    let keys = keys(V1, DCID);
    let hello = hello(&["h3", "h3-29"]);
    let piece = |from: usize, to: usize| crypto(from as u16, &hello[from..to]);
    let first = [piece(90, hello.len()), vec![1], piece(10, 40)].concat();
    let second = [piece(30, 100), piece(0, 12)].concat();
    let parts = [
        Initial::client().seal(&keys.client, &first),
        Initial { number: 1, ..Initial::client() }.seal(&keys.client, &second),
    ];
    let heard = play(&flow(Transport::Udp, 443), &[Event::Up(&parts[0]), Event::Up(&parts[1])]);

    assert_eq!(heard.path, ["quic", "http3"]);
    assert_eq!(heard.names.len(), 1);
    assert_eq!(heard.anomalies, [""; 0]);
    let coalesced = parts.concat();
    assert_eq!(hear(&[coalesced]).names.len(), 1);
}

#[test]
fn several_kinds_of_application_leave_open_what_is_inside() {
    assert_eq!(hear(&connection(V1, &["h3", "hq-interop"])).path, ["quic"]);
    assert_eq!(hear(&connection(V1, &["doq"])).path[1], crate::tls::tests::word(85));
}

fn retry() -> Vec<u8> {
    [long(3, V1, CLIENT_ID, SERVER_ID), b"token".to_vec(), vec![0xcc; 16]].concat()
}

#[test]
fn a_retry_changes_the_keys() {
    let again = keys(V1, SERVER_ID);
    let client = Initial { dcid: SERVER_ID, token: b"token", number: 1, ..Initial::client() };
    let first = Initial::client();
    let hello = hello(&["h3"]);
    let parts = [
        first.seal(&keys(V1, DCID).client, &crypto(0, &hello[..60])),
        retry(),
        client.seal(&again.client, &crypto(0, &hello)),
        Initial::server().seal(&again.server, &crypto(0, &answer())),
        short(SERVER_ID, 0),
    ];
    let heard = hear(&parts);

    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.names.len(), 1);
    let transaction = &heard.transactions[0].1;
    assert!(transaction.contains(r#""dcid":"8394c8f03e515708""#));
    assert!(transaction.contains(r#""cipher":"TLS_AES_128_GCM_SHA256""#));
    assert!(transaction.contains(r#""retry":true,"established":true,"handshake_us":4000"#));
}

#[test]
fn the_servers_hello_may_follow_a_hello_retry_request() {
    let keys = keys(V1, DCID);
    let mut retry = answer();
    retry[6..38].copy_from_slice(&crate::tls::handshake::RETRY_RANDOM);
    let hello = hello(&["h3"]);
    let number = |number| Initial { number, ..Initial::client() };
    let server = Initial::server();
    let parts = [
        number(0).seal(&keys.client, &crypto(0, &hello)),
        server.seal(&keys.server, &crypto(0, &retry)),
        number(1).seal(&keys.client, &crypto(hello.len() as u16, &hello)),
        Initial { number: 1, ..server }.seal(&keys.server, &crypto(retry.len() as u16, &answer())),
        short(SERVER_ID, 0),
    ];
    let heard = hear(&parts);

    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(heard.names.len(), 1);
    assert!(heard.transactions[0].1.contains(r#""cipher":"TLS_AES_128_GCM_SHA256""#));
}

#[test]
fn a_version_negotiation_leads_to_the_version_that_follows() {
    let unknown = [long(0, 0x1a2a_3a4a, DCID, CLIENT_ID), vec![0; 1200]].concat();
    let mut list = long(0, 0, CLIENT_ID, DCID);
    list.extend([V1, version::V2, 0x5a6a_7a8a].iter().flat_map(|v| v.to_be_bytes()));
    let mut parts = vec![unknown, list];
    parts.extend(connection(V1, &["h3"]));
    for port in [443, 9999] {
        let heard = play(&flow(Transport::Udp, port), &up_down(&parts));

        assert_eq!(heard.path, ["quic", "http3"], "{port}");
        assert!(heard.transactions[0].1.starts_with(r#"{"version":"1""#));
        assert_eq!(heard.anomalies, [""; 0]);
    }
}

#[test]
fn a_reserved_version_is_read_with_the_keys_of_a_real_one() {
    let reserved = 0x1a2a_3a4a;
    let client = Initial { version: reserved, ..Initial::client() };
    for real in [V1, DRAFT29] {
        let packet = client.seal(&keys(real, DCID).client, &crypto(0, &hello(&["h3"])));
        let heard = hear(&[packet]);

        assert_eq!(heard.path, ["quic", "http3"]);
        assert_eq!(heard.names.len(), 1);
        assert!(heard.transactions[0].1.starts_with(r#"{"version":"0x1a2a3a4a""#));
    }
}

#[test]
fn the_fixed_bit_may_vary_once_the_connection_is_known() {
    let mut parts = connection(V1, &["h3"]);
    let mut header = long(0, V1, CLIENT_ID, SERVER_ID);
    header[0] = 0x81;
    header.extend([0, 0x40, 0, 0, 0]);
    let frames = crypto(0, &answer());
    let at = header.len() - 3;
    header[at] = (frames.len() + 18) as u8;
    parts[1] = keys(V1, DCID).server.seal(&header, 2, 0, &frames);
    let heard = hear(&parts);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(heard.transactions[0].1.contains(r#""cipher":"TLS_AES_128_GCM_SHA256""#));
}

#[test]
fn a_server_may_go_on_in_another_version_and_the_client_after_it() {
    let mut parts = connection(V1, &["h3"]);
    let v2 = keys(version::V2, DCID);
    let server = Initial { version: version::V2, ..Initial::server() };
    let client = Initial { dcid: SERVER_ID, number: 1, ..Initial::client() };
    let last = parts.pop().unwrap();
    parts[1] = server.seal(&v2.server, &crypto(0, &answer()));
    parts.push(client.seal(&keys(V1, DCID).client, &[2, 0, 0, 0, 0]));
    parts.push(Initial { number: 1, ..server }.seal(&v2.server, &[1]));
    let client = Initial { version: version::V2, number: 2, ..client };
    parts.push(client.seal(&v2.client, &[2, 0, 0, 0, 0]));
    parts.push(Initial { number: 2, ..server }.seal(&v2.server, &[1]));
    let client = Initial { number: 3, ..client };
    parts.push(client.seal(&keys(V1, DCID).client, &[1]));
    parts.push(vec![]);
    parts.push(last);
    let heard = hear(&parts);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(heard.transactions[0].1.starts_with(r#"{"version":"2""#));
    assert!(heard.transactions[0].1.contains(r#""cipher":"TLS_AES_128_GCM_SHA256""#));
    assert!(heard.transactions[0].1.contains(r#""established":true"#));
}

#[test]
fn what_is_not_authentic_is_no_evidence() {
    let mut forged = connection(V1, &["h3"]).remove(0);
    *forged.last_mut().unwrap() ^= 1;

    let elsewhere = play(&flow(Transport::Udp, 9999), &[Event::Up(&forged)]);
    assert!(elsewhere.path.is_empty() && elsewhere.transactions.is_empty());
    let heard = play(&flow(Transport::Udp, 443), &[Event::Up(&forged)]);
    assert_eq!(heard.path, ["quic"]);
    assert!(heard.names.is_empty());
    assert_eq!(heard.anomalies, ["quic.undecryptable_initial"]);
}

#[test]
fn genuine_packets_are_recognised_on_any_port() {
    let heard = play(&flow(Transport::Udp, 9999), &up_down(&connection(V1, &["h3"])));

    assert_eq!(heard.path, ["quic", "http3"]);
}

#[test]
fn each_packet_is_a_message_and_the_spin_bit_tells_the_round_trip() {
    let mut parts = connection(V1, &["h3"]);
    for spin in [1, 1, 0] {
        parts.push(short(CLIENT_ID, 0));
        parts.push(short(SERVER_ID, spin));
    }
    let heard = hear(&parts);
    let messages: Vec<_> = heard.messages.iter().map(|(_, m)| m.as_str()).collect();

    assert_eq!(
        messages[0],
        concat!(
            r#"{"header_form":1,"long_packet_type":0,"version":1,"dst_conn_id_len":8,"#,
            r#""dst_conn_id":"8394c8f03e515708","src_conn_id_len":3,"src_conn_id":"c1c2c3","#,
            r#""length":1179,"packet_number_len":2,"packet_number":0,"token_len":0,"token":""}"#
        )
    );
    assert_eq!(messages.len(), 11);
    assert_eq!(
        messages[4],
        r#"{"header_form":0,"spin_bit":0,"dst_conn_id_len":4,"dst_conn_id":"51525354"}"#
    );
    assert!(messages[10].ends_with(r#""rtt_us":4000}"#), "{}", messages[10]);
}

#[test]
fn nothing_depends_on_loss() {
    let mut parts = connection(V1, &["h3"]);
    parts.insert(1, retry());
    torture(&flow(Transport::Udp, 443), &up_down(&parts)).unwrap();
}

#[test]
fn where_nobody_listens_the_first_datagram_is_enough() {
    let flow = flow(Transport::Udp, 443);
    let heard = play_wanting(&flow, &up_down(&connection(V1, &["h3"])[..1]), Wants::default());

    assert_eq!(heard.path, ["quic", "http3"]);
    assert_eq!(heard.names.len(), 1);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn each_anomaly_is_counted() {
    let keys = keys(V1, DCID);
    let good = connection(V1, &["h3"]).remove(0);
    let one = |frames: Vec<u8>| vec![Initial::client().seal(&keys.client, &frames)];
    let mut broken = good.clone();
    *broken.last_mut().unwrap() ^= 1;
    let small = Initial { size: 0, ..Initial::client() };
    let mut reserved = long(0, V1, DCID, CLIENT_ID);
    reserved[0] |= 0x08 | 1;
    reserved.push(0);
    reserved.extend([0x44, 0x9b, 0, 0]);
    let reserved = keys.client.seal(&reserved, 2, 0, &[0; 1161]);
    let bad_extension = client_hello(&[extension(code::SERVER_NAME, &[0, 9])]);
    let cases = [
        ("malformed_packet", vec![[good, long(2, V1, DCID, CLIENT_ID)].concat()]),
        ("undecryptable_initial", vec![broken]),
        ("short_initial_datagram", vec![small.seal(&keys.client, &[1])]),
        ("reserved_bits", vec![reserved]),
        ("malformed_frame", one(vec![6, 0x40, 0, 0x7f, 0xff])),
        ("misplaced_frame", one(vec![8, 1, 2])),
        ("handshake_too_long", one(crypto(0x3fff, b"ab"))),
        ("malformed_hello", one(crypto(0, &[1, 0, 0, 2, 3, 3]))),
        ("malformed_extension", one(crypto(0, &bad_extension))),
    ];
    let infos = super::Anomaly::INFOS;
    assert_eq!(infos.len(), cases.len());
    for ((name, parts), info) in cases.iter().zip(infos) {
        assert_eq!(*name, info.name);
        assert_eq!(hear(parts).anomalies, [format!("quic.{name}")], "{name}");
    }
}

#[test]
fn keys_are_derived_a_bounded_number_of_times() {
    let mut forged = connection(V1, &["h3"]).remove(0);
    *forged.last_mut().unwrap() ^= 1;
    let parts: Vec<Vec<u8>> = (0..50u8)
        .map(|n| {
            let mut packet = forged.clone();
            packet[6] = n;
            packet
        })
        .collect();
    let events: Vec<_> = parts.iter().map(|p| Event::Up(p)).collect();
    let heard = play(&flow(Transport::Udp, 443), &events);

    assert_eq!(heard.anomalies.len(), 50);
    assert_eq!(heard.transactions.len(), 1);
}

#[test]
fn the_probe_refuses_what_only_resembles_quic() {
    let flow = flow(Transport::Udp, 9999);
    let good = connection(V1, &["h3"]).remove(0);
    let with = |at: usize, to: u8| {
        let mut packet = good.clone();
        packet[at] = to;
        packet
    };
    for octets in [
        with(0, 0x41),
        with(0, 0x81),
        with(4, 9),
        with(5, 21),
        with(18, 0x7f),
        good[..1100].to_vec(),
        [&[0x80, 0, 0, 0, 0, 4], SERVER_ID, &[0, 1, 2, 3, 4]].concat(),
        b"\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40".to_vec(),
        b"\x80\x60\x00\x01\x00\x00\x00\x01\x12\x34\x56\x78".to_vec(),
    ] {
        let verdict = testing::probe(entry(), &flow, &octets);
        assert_ne!(verdict, Probe::Certain, "{:02x?}", octets.get(..24));
    }
    assert_eq!(testing::probe(entry(), &flow, &good), Probe::Certain);
    let mut random = testing::Random::new(661);
    for _ in 0..50_000 {
        let octets = random.octets(1400);
        assert_ne!(testing::probe(entry(), &flow, &octets), Probe::Certain);
    }
}

#[test]
fn every_listed_attribute_of_mmt_has_its_number() {
    let expected = [
        "header_form",
        "long_packet_type",
        "spin_bit",
        "version",
        "dst_conn_id_len",
        "dst_conn_id",
        "src_conn_id_len",
        "src_conn_id",
        "length",
        "packet_number_len",
        "packet_number",
        "token_len",
        "token",
        "rtt",
    ];
    for (index, name) in expected.into_iter().enumerate() {
        let field = QuicMessage::fields().iter().find(|f| f.answers_to(name));
        assert_eq!(field.map(|f| usize::from(f.id)), Some(index + 1), "{name}");
    }
    assert!(QuicTransaction::fields().iter().all(|f| !f.doc.is_empty()));
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..800)) {
        fuzz_one(entry(), Transport::Udp, 443, &input);
    }

    #[test]
    fn no_frames_make_it_panic(frames in prop::collection::vec(any::<u8>(), 0..400)) {
        let keys = keys(V1, DCID);
        let heard = hear(&[Initial::client().seal(&keys.client, &frames)]);
        prop_assert_eq!(&heard.path[0], "quic");
    }

    #[test]
    fn no_hello_makes_it_panic(at in 0usize..200, to in any::<u8>()) {
        let mut hello = hello(&["h3"]);
        let at = at % hello.len();
        hello[at] = to;
        let keys = keys(V1, DCID);
        hear(&[Initial::client().seal(&keys.client, &crypto(0, &hello))]);
    }
}

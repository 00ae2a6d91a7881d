//! Events: attributes of headers, messages and the engine, read when a trigger has a value.

mod traffic;

use nf_core::config::{EngineConfig, EventConfig};
use nf_core::row::{Owned, What};
use nf_core::snapshot::Snapshot;
use traffic::{Packets, run, tcp, udp};

const START: u64 = 1_700_000_000_000_000_000;

fn config(event: &str, attributes: &[&str]) -> EngineConfig {
    EngineConfig {
        reports: vec!["event".into()],
        events: vec![EventConfig {
            event: event.into(),
            attributes: attributes.iter().map(ToString::to_string).collect(),
        }],
        ..EngineConfig::default()
    }
}

fn events(packets: Packets, config: &EngineConfig) -> Vec<Vec<Owned>> {
    let (rows, stats) = run(packets, config);
    assert_eq!(stats.account.check(), Ok(()));
    let values = |what: What| match what {
        What::Event { values, .. } => Some(values.into_vec()),
        _ => None,
    };
    rows.into_iter().filter_map(|row| values(row.what)).collect()
}

fn text(words: &str) -> Owned {
    Owned::Text(words.as_bytes().into())
}

#[test]
fn a_header_attribute_triggers_on_every_packet_that_has_it() {
    let mut packets = Packets::default();
    packets.add(START, &udp(1, 1000, 9, b"abc"));
    packets.add(START + 1, &tcp(1, 1000, 80, 2, 7, b""));
    packets.add(START + 2, &udp(1, 1000, 9, b"abcd"));

    let rows = events(
        packets,
        &config(
            "udp.src_port",
            &["udp.len", "meta.packet_index", "ip.packet_count", "udp.p_payload"],
        ),
    );

    let payload = |b: &[u8]| Owned::Binary(b.into());
    assert_eq!(
        rows,
        [
            vec![Owned::Uint(11), Owned::Uint(1), Owned::Uint(1), payload(b"abc")],
            vec![Owned::Uint(12), Owned::Uint(3), Owned::Uint(2), payload(b"abcd")],
        ]
    );
}

#[test]
fn a_message_attribute_triggers_once_and_headers_are_read_with_it() {
    let mut packets = Packets::default();
    packets.add(START, &tcp(1, 1000, 80, 2, 99, b""));
    let request = b"GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n";
    packets.add(START + 1, &tcp(1, 1000, 80, 0x18, 100, request));

    let rows = events(
        packets,
        &config(
            "http.method",
            &["http.method", "http.uri", "tcp.src_port", "meta.proto_hierarchy"],
        ),
    );

    assert_eq!(
        rows,
        [vec![text("GET"), text("/a"), Owned::Uint(1000), text("ethernet.ip.tcp.http")]]
    );
}

#[test]
fn engine_attributes_trigger_when_they_happen() {
    let mut packets = Packets::default();
    packets.add(START, &tcp(1, 1000, 80, 2, 99, b""));
    packets.add(START + 1, &tcp(1, 1000, 80, 0x18, 100, b"once"));
    packets.add(START + 2, &tcp(1, 1000, 80, 0x18, 100, b"once"));

    let syn = events(packets.clone(), &config("tcp.syn_received", &["ip.client_port"]));
    let session = events(packets.clone(), &config("ip.session", &["ip.session_id"]));
    let again = events(packets, &config("tcp.retransmission", &["tcp.retransmission"]));

    assert_eq!(syn, [vec![Owned::Uint(1000)]]);
    assert_eq!(session, [vec![Owned::Uint(1)]]);
    let told: Vec<_> = again.into_iter().flatten().collect();
    assert_eq!(told, [Owned::Uint(0), Owned::Uint(0), Owned::Uint(1)]);
}

#[test]
fn an_attribute_that_does_not_exist_is_refused_with_its_place_and_a_way_out() {
    let error = Snapshot::compile(&config("http.method", &["http.verb"])).err().unwrap();

    assert_eq!(error.place, "events[0].attributes[0]");
    assert!(error.what.contains("http.verb"), "{error}");
    assert!(error.hint.contains("nf protocols http"), "{error}");
}

#[test]
fn a_session_meets_a_condition_on_transactions_if_one_of_them_does() {
    let mut packets = Packets::default();
    for (host, uri) in [(1, "/a"), (2, "/b")] {
        packets.add(START, &tcp(host, 1000, 80, 2, 99, b""));
        let request = format!("GET {uri} HTTP/1.1\r\nHost: example.org\r\n\r\n");
        packets.add(START + 1, &tcp(host, 1000, 80, 0x18, 100, request.as_bytes()));
    }
    for threads in [0, 2] {
        let config = EngineConfig {
            threads,
            filter: "http.uri == \"/b\" and packets == 2".into(),
            ..EngineConfig::default()
        };

        let (rows, _) = run(packets.clone(), &config);

        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].session.key.ends()[0].0.to_string(), "10.0.0.2");
    }
}

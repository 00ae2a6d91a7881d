//! Protocols of the user's through the whole engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod traffic;

use nf_core::catalog::Catalog;
use nf_core::config::{EngineConfig, EventConfig};
use nf_core::format::{Columns, jsonl};
use nf_core::snapshot::Snapshot;
use nf_proto::user::{Attribute, Description, Frame, Number, Parent};
use traffic::{Packets, run, tcp, udp};

const SECOND: u64 = 1_000_000_000;

fn parent(carrier: &str, number: u16) -> Parent {
    Parent { carrier: carrier.into(), numbers: vec![number], weight: 50 }
}

fn gauge() -> Description {
    let uint = |name: &str, id, offset, length| Attribute {
        name: name.into(),
        id,
        kind: "uint".into(),
        offset,
        length,
        doc: format!("The {name}."),
        ..Attribute::default()
    };
    Description {
        name: "gauge".into(),
        id: 951,
        title: "Gauge".into(),
        header: 4,
        frame: Some(Frame { number: Number { offset: 2, length: 2, ..Number::default() }, add: 0 }),
        parents: vec![parent("udp", 7001), parent("tcp", 7001), parent("ip", 253)],
        attributes: vec![uint("kind", 1, 0, 1), uint("level", 2, 1, 1)],
        ..Description::default()
    }
}

fn packets() -> Packets {
    let mut packets = Packets::default();
    let message = |kind, level| [kind, level, 0, 4];
    for host in 0..40u32 {
        let at = SECOND * u64::from(host);
        packets.add(at, &udp(host, 4000, 7001, &message(1, host as u8)));
        packets.add(at + 1, &udp(host, 4000, 7001, &message(2, 7)));
        packets.add(at + 2, &tcp(host, 4001, 7001, 0x02, 99, &[]));
        let [a, b, c, d] = message(3, 9);
        packets.add(at + 3, &tcp(host, 4001, 7001, 0x18, 100, &[a, b]));
        packets.add(at + 4, &tcp(host, 4001, 7001, 0x18, 102, &[c, d]));
        packets.add(at + 5, &traffic::ipv4(host, 253, &message(4, 1)));
    }
    packets
}

fn text(config: &EngineConfig) -> String {
    let (rows, stats) = run(packets(), config);
    assert_eq!(stats.account.check(), Ok(()));
    let snapshot = Snapshot::compile(config).unwrap();
    let mut text = Vec::new();
    for row in rows {
        let kind = match row.what {
            nf_core::row::What::Session => "session",
            nf_core::row::What::Transaction { .. } => "transaction",
            nf_core::row::What::Event { .. } => "event",
        };
        jsonl::write(&mut text, &[row], &Columns::usual(kind, &snapshot), &snapshot);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn messages_are_sessions_transactions_and_events_on_any_number_of_threads() {
    let config = |threads| EngineConfig {
        threads,
        reports: ["session", "transaction", "event"].map(String::from).to_vec(),
        events: vec![EventConfig {
            event: "gauge.kind".into(),
            attributes: vec!["gauge.level".into(), "ip.src".into()],
        }],
        plugins: vec![gauge()],
        seed: 1,
        ..EngineConfig::default()
    };
    let inline = text(&config(0));

    for (part, count) in [
        (r#""path":"ethernet.ip.udp.gauge""#, 40),
        (r#""path":"ethernet.ip.tcp.gauge""#, 40),
        (r#""gauge":{"kind":3,"level":9}"#, 40),
        (r#""gauge":{"kind":4,"level":1}"#, 40),
        (r#""event":"gauge.kind""#, 160),
    ] {
        let lines = inline.lines().filter(|line| line.contains(part));
        let lines = lines.filter(|line| !part.contains("path") || line.contains("\"session\""));
        assert_eq!(lines.count(), count, "{part}\n{inline}");
    }
    for threads in 1..=3 {
        assert_eq!(text(&config(threads)), inline, "{threads} threads");
    }
}

#[test]
fn sessions_are_filtered_by_attributes() {
    let config = EngineConfig {
        threads: 0,
        filter: "gauge.kind == 1 and gauge.level in 10..12".into(),
        plugins: vec![gauge()],
        ..EngineConfig::default()
    };

    assert_eq!(text(&config).lines().count(), 3);
}

#[test]
fn without_the_plugin_there_is_no_such_name() {
    let filter = "gauge.kind == 1".into();
    let error = Snapshot::compile(&EngineConfig { filter, ..EngineConfig::default() });
    let error = error.err().unwrap();

    assert_eq!(error.place, "filter");
    assert!(Catalog::get().by_name("gauge").is_none());
}

#[test]
fn a_plugin_with_a_built_in_id_takes_its_place() {
    let config = EngineConfig {
        plugins: vec![Description { name: "names".into(), id: 85, ..gauge() }],
        ..EngineConfig::default()
    };
    let snapshot = Snapshot::compile(&config).unwrap();

    assert!(snapshot.catalog.by_name("dns").is_none());
    let names = snapshot.catalog.by_name("names").unwrap();
    assert_eq!(names.told(), "plugin");
    assert_eq!(snapshot.catalog.attribute("names.kind").unwrap().id, 1);
    let mut lookup = Packets::default();
    let query = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
    lookup.add(SECOND, &udp(1, 4000, 53, query));
    let (rows, _) = run(lookup.clone(), &config);
    assert!(!rows[0].session.path.to_string().contains("dns"), "{}", rows[0].session.path);
    let (rows, _) = run(lookup, &EngineConfig::default());
    assert!(rows[0].session.path.to_string().ends_with("udp.dns"));
}

#[test]
fn a_mistake_names_the_plugin_and_nothing_runs() {
    let config = EngineConfig {
        plugins: vec![Description { id: 4000, place: "gauge.nfp:2:3".into(), ..gauge() }],
        ..EngineConfig::default()
    };

    let error = Snapshot::compile(&config).err().unwrap();

    assert_eq!(error.place, "gauge.nfp:2:3");
}

#[test]
fn an_event_of_the_packet_reads_what_its_messages_say() {
    let config = EngineConfig {
        threads: 0,
        reports: vec!["event".into()],
        events: vec![EventConfig {
            event: "meta.packet_index".into(),
            attributes: vec!["gauge.level".into(), "ip.proto_id".into()],
        }],
        plugins: vec![gauge()],
        seed: 1,
        ..EngineConfig::default()
    };

    let text = text(&config);

    assert_eq!(text.lines().count(), 240, "{text}");
    // Two datagrams, the second half of the segment pair, and the bare IP packet of each host.
    assert_eq!(text.lines().filter(|l| !l.contains(r#""gauge.level":null"#)).count(), 160);
    assert_eq!(
        text.lines().filter(|l| l.contains(r#""gauge.level":7,"ip.proto_id":17"#)).count(),
        41
    );
}

#[test]
fn frames_without_an_ip_layer_are_read_on_any_number_of_threads() {
    let mut described = gauge();
    described.parents = vec![parent("ethernet", 0x88b5)];
    let frame = |tagged: bool, level: u8| {
        let mut frame = vec![2; 12];
        if tagged {
            frame.extend([0x81, 0x00, 0, 5]);
        }
        frame.extend([0x88, 0xb5, 9, level, 0, 4]);
        frame
    };
    let config = |threads| EngineConfig {
        threads,
        reports: ["transaction", "event"].map(String::from).to_vec(),
        events: vec![EventConfig {
            event: "gauge.kind".into(),
            attributes: vec!["gauge.level".into(), "ethernet.src".into()],
        }],
        plugins: vec![described.clone()],
        seed: 1,
        ..EngineConfig::default()
    };
    let text = |threads| {
        let mut packets = Packets::default();
        for n in 0..50 {
            packets.add(SECOND + u64::from(n), &frame(n % 2 == 0, n));
        }
        let (rows, stats) = run(packets, &config(threads));
        assert_eq!(stats.account.check(), Ok(()));
        assert_eq!(stats.account.non_session, 50);
        let snapshot = Snapshot::compile(&config(threads)).unwrap();
        let mut text = Vec::new();
        for row in rows {
            let event = matches!(row.what, nf_core::row::What::Event { .. });
            let kind = if event { "event" } else { "transaction" };
            jsonl::write(&mut text, &[row], &Columns::usual(kind, &snapshot), &snapshot);
        }
        String::from_utf8(text).unwrap()
    };

    let inline = text(0);

    assert_eq!(inline.matches(r#""gauge":{"kind":9,"level":"#).count(), 50, "{inline}");
    assert_eq!(inline.matches(r#""ethernet.src":"02:02:02:02:02:02""#).count(), 50);
    assert_eq!(text(3), inline);
}

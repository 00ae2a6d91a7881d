//! Protocols of the user's through the whole engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod traffic;

use nf_core::catalog::Catalog;
use nf_core::config::{EngineConfig, EventConfig};
use nf_core::format::{Columns, jsonl};
use nf_core::snapshot::Snapshot;
use nf_proto::user::{Attribute, Case, Description, Frame, Next, Number, Parent};
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
    text_of(packets(), config)
}

fn text_of(packets: Packets, config: &EngineConfig) -> String {
    let (rows, stats) = run(packets, config);
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

/// A header of two octets with a packet behind: 4 says IPv4, 1 says Ethernet.
fn pipe() -> Description {
    let case = |value, protocol: &str| Case { value, protocol: protocol.into(), offset: 2 };
    Description {
        name: "pipe".into(),
        id: 953,
        header: 2,
        parents: vec![parent("udp", 7100), parent("ip", 254), parent("ethernet", 0x88b5)],
        attributes: vec![Attribute {
            name: "kind".into(),
            id: 1,
            kind: "uint".into(),
            length: 1,
            ..Attribute::default()
        }],
        next: Some(Next {
            number: Number { offset: 0, length: 1, ..Number::default() },
            cases: vec![case(4, "ip"), case(1, "ethernet")],
            otherwise: None,
        }),
        ..Description::default()
    }
}

/// The frame of [`udp`] without its Ethernet header, behind two octets.
fn in_pipe(kind: u8, packet: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], if kind == 4 { &packet[14..] } else { packet }].concat()
}

fn piped(threads: usize) -> String {
    let inner = udp(7, 5000, 53, &QUERY);
    let twice = udp(9, 4100, 7100, &in_pipe(4, &inner));
    let mut packets = Packets::default();
    packets.add(SECOND, &udp(1, 4100, 7100, &in_pipe(4, &inner)));
    packets.add(SECOND + 1, &udp(1, 4100, 7100, &in_pipe(4, &inner)));
    packets.add(SECOND + 2, &udp(2, 4100, 7100, &in_pipe(1, &inner)));
    packets.add(SECOND + 3, &traffic::ipv4(3, 254, &in_pipe(4, &inner)));
    packets.add(SECOND + 4, &udp(4, 4100, 7100, &in_pipe(4, &twice)));
    // Neither a packet inside, nor one that holds.
    packets.add(SECOND + 5, &udp(5, 4100, 7100, &[9, 9, 9]));
    packets.add(SECOND + 6, &udp(6, 4100, 7100, &[4, 0, 0x11, 0x22]));
    let mut frame = inner[..12].to_vec();
    frame.extend(b"\x88\xb5");
    frame.extend(in_pipe(4, &udp(8, 5000, 53, &QUERY)));
    packets.add(SECOND + 7, &frame);
    let config = EngineConfig {
        threads,
        seed: 1,
        reports: ["session", "transaction", "event"].map(String::from).to_vec(),
        events: vec![EventConfig { event: "pipe.kind".into(), attributes: Vec::new() }],
        plugins: vec![pipe()],
        ..EngineConfig::default()
    };
    text_of(packets, &config)
}

const QUERY: [u8; 33] = *b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";

#[test]
fn packets_in_a_users_tunnel_have_sessions_of_their_own() {
    let text = piped(0);
    let has = |part: &str| text.lines().filter(|line| line.contains(part)).count();
    let session = |path: &str| {
        let path = format!(r#""path":"{path}""#);
        let is_one = |l: &&str| l.contains(r#""type":"session""#) && l.contains(&path);
        text.lines().filter(is_one).count()
    };

    // The packet of host 7 came five times, in four pipes.
    assert_eq!(session("ethernet.ip.udp.pipe.ip.udp.dns"), 1, "{text}");
    assert_eq!(has(r#""packets_up":5,"#), 2, "{text}");
    assert_eq!(session("ethernet.pipe.ip.udp.dns"), 1, "{text}");
    assert_eq!(session("ethernet.ip.udp.pipe"), 5, "{text}");
    assert_eq!(session("ethernet.ip.pipe"), 1, "{text}");
    assert_eq!(session("ethernet.ip.udp.pipe.ip.udp.pipe"), 1, "{text}");
    assert_eq!(has(r#""event":"pipe.kind""#), 9, "{text}");
    assert_eq!(has(r#""transaction_protocol":"pipe""#) + has(r#""pipe":{"#), 9, "{text}");
}

#[test]
fn any_number_of_threads_says_the_same_of_tunnels() {
    let one = piped(0);

    assert_eq!((piped(1), piped(3)), (one.clone(), one));
}

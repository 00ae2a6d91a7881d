//! Messages of SCTP associations reach their parser once and whole.

mod traffic;

use nf_core::config::EngineConfig;
use nf_core::row::What;
use nf_core::snapshot::Snapshot;
use nf_fields::{Fields, ProtoId, Text, json};
use nf_proto::registry::Entry;
use nf_proto::{Flow, Info, Probe, Protocol, Segment, Sink, Step, sctp as over_sctp};
use traffic::{Packets, run_on, sctp};

/// Repeats every message.
struct Parrot;

#[derive(Fields)]
struct Said {
    /// The message.
    words: Text,
}

impl Protocol for Parrot {
    const INFO: Info = Info {
        name: "parrot",
        id: ProtoId(64_002),
        over: &[over_sctp(&[])],
        transaction: Said::fields,
        ..Info::DEFAULT
    };

    fn new(_: &Flow) -> Self {
        Parrot
    }

    fn probe(_: &Segment<'_>) -> Probe {
        Probe::Certain
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.transaction(seg.time, Said { words: Text::bounded(seg.data, 4096) });
        Step::all(seg)
    }
}

static ENTRIES: &[Entry] = &[Entry::of::<Parrot>()];

fn data(flags: u8, number: u32, words: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0, flags];
    chunk.extend((16 + words.len() as u16).to_be_bytes());
    chunk.extend(number.to_be_bytes());
    chunk.extend([0, 1, 0, 0, 0, 0, 0, 60]);
    chunk.extend_from_slice(words);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

fn heard(frames: &[Vec<u8>]) -> Vec<String> {
    heard_and_given_up(frames).0
}

/// What was read, and how many chunks never will be.
fn heard_and_given_up(frames: &[Vec<u8>]) -> (Vec<String>, u64) {
    let mut packets = Packets::default();
    for (n, frame) in frames.iter().enumerate() {
        packets.add(1_700_000_000_000_000_000 + n as u64, frame);
    }
    let reports = vec!["transaction".to_string()];
    let config = EngineConfig { reports, ..EngineConfig::default() };
    let (rows, stats) = run_on(packets, Snapshot::compile_with(&config, ENTRIES).unwrap());
    assert_eq!(stats.account.check(), Ok(()));
    assert_eq!(stats.workers.iter().map(|w| w.held_bytes).sum::<u64>(), 0);
    let words = rows.iter().filter_map(|row| match &row.what {
        What::Transaction { record, .. } => {
            let mut text = Vec::new();
            json::write_value(&mut text, record.get(0));
            Some(String::from_utf8(text).unwrap().trim_matches('"').to_string())
        }
        _ => None,
    });
    (words.collect(), stats.workers.iter().map(|w| w.chunks_given_up).sum())
}

#[test]
fn several_messages_of_one_packet_are_all_read() {
    let both = [data(3, 1, b"one"), data(3, 2, b"two")].concat();

    assert_eq!(heard(&[sctp(1, 5000, 38412, &both)]), ["one", "two"]);
}

#[test]
fn a_message_spread_over_packets_is_read_as_a_whole() {
    let frames = [
        sctp(1, 5000, 38412, &data(2, 7, b"be")),
        sctp(1, 5000, 38412, &[data(1, 9, b"ing"), data(3, 10, b"whole")].concat()),
        sctp(1, 5000, 38412, &data(0, 8, b"-")),
        // Never finished: its octets are given back at the end.
        sctp(1, 5000, 38412, &data(2, 11, b"lost")),
    ];

    assert_eq!(heard(&frames), ["whole", "be-ing"]);
}

#[test]
fn what_is_sent_again_is_read_once() {
    let frame = sctp(1, 5000, 38412, &data(3, 7, b"once"));

    assert_eq!(heard(&[frame.clone(), frame]), ["once"]);
}

#[test]
fn chunks_that_nobody_will_read_are_counted() {
    let late =
        [sctp(1, 5000, 38412, &data(3, 500, b"new")), sctp(1, 5000, 38412, &data(3, 7, b"old"))];
    // Beginnings without an end: each that makes room for another is lost.
    let unfinished: Vec<Vec<u8>> =
        (0..100).map(|n| sctp(1, 5000, 38412, &data(2, 2 * n, b"never"))).collect();

    assert_eq!(heard_and_given_up(&late), (vec!["new".to_string()], 1));
    assert_eq!(heard_and_given_up(&unfinished), (Vec::new(), 36));
}

//! Every capture of the repository: nothing is lost, and any number of threads says the same.

use std::path::PathBuf;
use std::time::Duration;

use nf_core::config::EngineConfig;
use nf_core::engine::{Engine, Stats};
use nf_core::format::{Columns, jsonl};
use nf_core::row::What;

fn captures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../tests/captures");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.to_string_lossy().contains(".pcap"))
        .collect();
    files.sort();
    assert!(files.len() > 20, "the captures of tests/captures are missing");
    files
}

/// Everything the engine says about files, as JSON Lines, and its counters.
fn read(files: &[PathBuf], threads: usize) -> (String, Stats) {
    let config = EngineConfig {
        threads,
        files: files.iter().map(|f| f.to_string_lossy().into_owned()).collect(),
        reports: vec!["session".into(), "transaction".into()],
        ..EngineConfig::default()
    };
    let mut engine = Engine::open(&config).unwrap();
    let mut text = Vec::new();
    loop {
        let polled = engine.poll(512, Duration::from_secs(10)).unwrap();
        let snapshot = &polled.snapshot;
        for row in &polled.rows {
            let kind = match row.what {
                What::Transaction { .. } => "transaction",
                _ => "session",
            };
            let columns = Columns::usual(kind, snapshot);
            jsonl::write(&mut text, std::slice::from_ref(row), &columns, snapshot);
        }
        if polled.over {
            break;
        }
    }
    (String::from_utf8(text).unwrap(), engine.stats())
}

#[test]
fn every_packet_of_every_capture_is_accounted_for() {
    for file in captures() {
        let (_, stats) = read(std::slice::from_ref(&file), 0);
        assert!(stats.complete, "{}", file.display());
        assert_eq!(stats.account.check(), Ok(()), "{}", file.display());
        let panics: u64 = stats.workers.iter().map(|w| w.panics).sum();
        assert_eq!(panics, 0, "{}", file.display());
        let held: u64 = stats.workers.iter().map(|w| w.held_bytes).sum();
        assert_eq!(held, 0, "{} leaves octets held", file.display());
    }
}

#[test]
fn any_number_of_threads_says_the_same_in_the_same_order() {
    for file in captures() {
        let (alone, one) = read(std::slice::from_ref(&file), 0);
        for threads in [1, 2, 3, 5] {
            let (together, many) = read(std::slice::from_ref(&file), threads);
            assert_eq!(alone, together, "{} with {threads} threads", file.display());
            assert_eq!(one.account, many.account, "{}", file.display());
            assert_eq!(one.tally, many.tally, "{}", file.display());
        }
    }
}

#[test]
fn all_captures_at_once_say_the_same_for_any_number_of_threads() {
    let files = captures();
    let (alone, one) = read(&files, 0);
    let (together, many) = read(&files, 4);

    assert_eq!(one.account, many.account);
    let different = alone.lines().zip(together.lines()).find(|(a, b)| a != b);
    assert_eq!(different, None);
    assert_eq!(alone.len(), together.len());
}

//! Packets without a session are read, in bounds, and still count as such.

mod traffic;

use nf_core::config::EngineConfig;
use nf_core::row::{Row, What};
use nf_fields::json;
use traffic::{Packets, run};

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_700_000_000 * SECOND;
const ACCESS: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// A PPPoE frame of LCP: to the access concentrator, or from it.
fn lcp(client: u32, code: u8, answers: bool) -> Vec<u8> {
    let [a, b, c, d] = client.to_be_bytes();
    let own = [2, 9, a, b, c, d];
    let (target, source) = if answers { (own, ACCESS) } else { (ACCESS, own) };
    let head = [target, source].concat();
    [&head[..], &[0x88, 0x64, 0x11, 0, 0, 7, 0, 6, 0xc0, 0x21, code, 1, 0, 4]].concat()
}

fn config() -> EngineConfig {
    EngineConfig { reports: vec!["transaction".into()], ..EngineConfig::default() }
}

fn told(rows: &[Row]) -> Vec<String> {
    let text = |row: &Row| match &row.what {
        What::Transaction { record, .. } => {
            let mut out = Vec::new();
            json::write_record(&mut out, &**record);
            Some(String::from_utf8(out).unwrap())
        }
        _ => None,
    };
    rows.iter().filter_map(text).collect()
}

#[test]
fn both_directions_are_one_conversation() {
    let mut packets = Packets::default();
    packets.add(START, &lcp(1, 5, false));
    packets.add(START + 1000, &lcp(2, 5, true));
    packets.add(START + 5000, &lcp(1, 6, true));

    let (rows, stats) = run(packets, &config());

    assert_eq!(
        told(&rows),
        [
            r#"{"protocol":"lcp","request":"terminate","response":"ack","identifier":1,"response_us":5}"#,
            r#"{"protocol":"lcp","request":"terminate","identifier":1}"#,
        ]
    );
    assert!(rows.iter().all(|row| row.session.id == 0));
    assert_eq!(rows[0].names.path.as_deref(), Some("ethernet.pppoe.ppp"));
    assert_eq!(stats.account.non_session, 3);
    assert_eq!(stats.account.check(), Ok(()));
}

#[test]
fn a_flood_of_addresses_is_bounded_and_nothing_is_left_untold() {
    let mut packets = Packets::default();
    for n in 0..3000 {
        packets.add(START + u64::from(n), &lcp(n, 5, false));
    }
    // The first was forgotten, so that its answer belongs to nothing; the last was not.
    packets.add(START + 10_000, &lcp(0, 6, true));
    packets.add(START + 11_000, &lcp(2999, 6, true));

    let (rows, stats) = run(packets, &config());

    let told = told(&rows);
    let answered = told.iter().filter(|t| t.contains("response_us")).count();
    assert_eq!((told.len(), answered), (3001, 1));
    assert_eq!(stats.account.non_session, 3002);
    assert_eq!(stats.account.check(), Ok(()));
}

#[test]
fn silence_ends_a_conversation() {
    let mut packets = Packets::default();
    packets.add(START, &lcp(1, 5, false));
    for n in 1..700 {
        packets.add(START + n * SECOND, &lcp(2, 9, false));
    }
    packets.add(START + 700 * SECOND, &lcp(1, 6, true));

    let (rows, _) = run(packets, &config());

    let told = told(&rows);
    assert_eq!(told.len(), 2);
    assert!(!told[0].contains("response") && told[1].contains(r#""response":"ack""#));
}

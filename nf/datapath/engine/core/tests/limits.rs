//! Hostile traffic: bounded memory and time, nothing lost from the account.

mod traffic;

use nf_core::config::{EngineConfig, TableFull};
use nf_core::row::EndReason;
use traffic::{Packets, run, tcp, udp};

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_700_000_000 * SECOND;
const SYN: u8 = 2;

#[test]
fn a_million_half_open_sessions_stay_within_the_table() {
    let mut packets = Packets::default();
    for n in 0..1_000_000u32 {
        packets.add(START + u64::from(n) * 1000, &tcp(n, 40_000, 80, SYN, 1, b""));
    }
    let config = EngineConfig { max_sessions: 10_000, ..EngineConfig::default() };

    let (rows, stats) = run(packets, &config);

    assert_eq!(stats.account.check(), Ok(()));
    assert_eq!(rows.len(), 1_000_000);
    assert!(stats.workers[0].table_bytes < 10_000 * 1024, "{:?}", stats.workers[0]);
    let evicted = rows.iter().filter(|r| r.session.end_reason == EndReason::Evicted).count();
    assert_eq!(evicted, 990_000);
}

#[test]
fn a_full_table_may_refuse_instead_and_counts_what_it_refused() {
    let mut packets = Packets::default();
    for n in 0..1000u32 {
        packets.add(START, &udp(n, 1000, 9, b"x"));
    }
    let config = EngineConfig {
        max_sessions: 100,
        table_full: TableFull::Refuse,
        ..EngineConfig::default()
    };

    let (rows, stats) = run(packets, &config);

    assert_eq!(rows.len(), 100);
    assert_eq!(stats.workers[0].refused, 900);
    assert_eq!(stats.account.non_session, 900);
    assert_eq!(stats.account.check(), Ok(()));
}

#[test]
fn forged_time_stamps_end_no_session_but_their_own() {
    let mut packets = Packets::default();
    for n in 0..100u64 {
        packets.add(START + n * SECOND / 10, &udp(1, 1000, 9, b"steady"));
        packets.add(if n % 2 == 0 { u64::MAX } else { 0 }, &udp(2 + n as u32, 1000, 9, b"forged"));
    }

    let (rows, stats) = run(packets, &EngineConfig::default());

    let steady: Vec<_> = rows.iter().filter(|r| r.session.packets[0] == 100).collect();
    assert_eq!(steady.len(), 1);
    assert_eq!(rows.len(), 101);
    assert!(stats.clock.suspects >= 50);
    assert_eq!(stats.account.check(), Ok(()));
}

#[test]
fn sessions_that_begin_after_hours_of_silence_are_not_cut_where_the_clock_follows() {
    let mut packets = Packets::default();
    packets.add(START, &udp(1, 1000, 9, b"before"));
    let later = START + 5 * 3600 * SECOND;
    // The clock believes the leap at the eighth packet; the second session has fallen silent by then.
    packets.add(later, &udp(2, 1000, 9, b"short"));
    for n in 1..20 {
        packets.add(later + n * SECOND / 10, &udp(3, 1000, 9, b"long"));
    }
    packets.add(later + 3 * SECOND, &udp(2, 1000, 9, b"short"));
    for n in 0..100 {
        packets.add(later + (4 + n) * SECOND, &udp(4, 1000, 9, b"clock"));
    }

    let (rows, stats) = run(packets, &EngineConfig::default());

    let told: Vec<_> = rows.iter().map(|r| (r.session.packets[0], r.session.end_reason)).collect();
    assert_eq!(
        told,
        [
            (1, EndReason::Idle),
            (19, EndReason::Idle),
            (2, EndReason::Idle),
            (100, EndReason::EndOfCapture),
        ]
    );
    assert_eq!(stats.clock.leaps, 1);
    assert_eq!(stats.account.check(), Ok(()));
}

#[test]
fn silence_ends_a_session_and_the_same_ends_begin_another() {
    let mut packets = Packets::default();
    packets.add(START, &udp(1, 1000, 9, b"a"));
    packets.add(START + 59 * SECOND, &udp(1, 1000, 9, b"b"));
    packets.add(START + 120 * SECOND, &udp(1, 1000, 9, b"c"));

    let (rows, _) = run(packets, &EngineConfig::default());

    let told: Vec<_> = rows.iter().map(|r| (r.session.packets[0], r.session.end_reason)).collect();
    assert_eq!(told, [(2, EndReason::Idle), (1, EndReason::EndOfCapture)]);
}

#[test]
fn a_new_connection_between_the_same_ends_is_another_session() {
    let mut packets = Packets::default();
    for (n, seq) in [100, 5000, 900_000].into_iter().enumerate() {
        let time = START + n as u64 * SECOND;
        packets.add(time, &tcp(1, 1000, 80, SYN, seq, b""));
        packets.add(time + 1, &tcp(1, 1000, 80, 0x10, seq + 1, b"x"));
        packets.add(time + 2, &tcp(1, 1000, 80, 0x14, seq + 2, b""));
    }

    let (rows, stats) = run(packets, &EngineConfig::default());

    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|r| r.session.end_reason == EndReason::Rst));
    assert_eq!(stats.account.check(), Ok(()));
}

#[test]
fn every_kind_of_rubbish_is_accounted_for() {
    let mut packets = Packets::default();
    let mut dice = 7u64;
    for n in 0..200_000u64 {
        let mut frame = tcp(n as u32 % 50, 1000, 80, 0x18, n as u32, b"GET / HTTP/1.1\r\n\r\n");
        for _ in 0..4 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (dice >> 33) as usize % frame.len();
            frame[at] = (dice >> 17) as u8;
        }
        frame.truncate((dice >> 40) as usize % (frame.len() + 1));
        packets.add(START + n * 1000, &frame);
    }
    for threads in [0, 3] {
        let config = EngineConfig {
            threads,
            reports: vec!["session".into(), "transaction".into()],
            ..EngineConfig::default()
        };

        let (_, stats) = run(packets.clone(), &config);

        assert!(stats.complete);
        assert_eq!(stats.account.check(), Ok(()));
        assert!(stats.decode_errors.total() > 0);
        assert_eq!(stats.workers.iter().map(|w| w.panics).sum::<u64>(), 0);
    }
}

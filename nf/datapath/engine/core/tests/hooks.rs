//! Hooks see every packet, and the strongest verdict counts.

mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nf_core::config::EngineConfig;
use nf_core::hook::Hook;
use nf_core::plan::scene::Scene;
use nf_core::snapshot::Snapshot;
use nf_proto::Action;
use traffic::{Packets, run_on, tcp, udp};

#[derive(Default)]
struct Counting {
    before: AtomicU64,
    after: AtomicU64,
    dropped: AtomicU64,
}

/// Drops what goes to port 53.
impl Hook for Counting {
    fn before(&self, scene: &Scene<'_>) -> Action {
        self.before.fetch_add(1, Ordering::Relaxed);
        let to_names = scene.item.packet.ips().iter().any(|ip| ip.dst_port == 53);
        if to_names { Action::Drop } else { Action::Skip }
    }

    fn after(&self, scene: &Scene<'_>, verdict: Action) {
        assert!(scene.session.is_some());
        self.after.fetch_add(1, Ordering::Relaxed);
        self.dropped.fetch_add(u64::from(verdict == Action::Drop), Ordering::Relaxed);
    }
}

/// Says `Continue` to everything: must not weaken what others say.
struct Indifferent;
impl Hook for Indifferent {}

const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01";

#[test]
fn a_dropped_packet_is_counted_and_says_nothing() {
    let mut packets = Packets::default();
    for n in 0..10u32 {
        packets.add(1_700_000_000_000_000_000 + u64::from(n), &udp(n, 1000, 53, QUERY));
        packets.add(
            1_700_000_000_000_000_000 + u64::from(n),
            &tcp(n, 1000, 80, 0x18, 1, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        );
    }
    let config = EngineConfig {
        reports: vec!["session".into(), "transaction".into()],
        ..EngineConfig::default()
    };
    let counting = Arc::new(Counting::default());
    let mut snapshot = Snapshot::compile(&config).unwrap();
    snapshot.hooks = vec![counting.clone(), Arc::new(Indifferent)];

    let (rows, stats) = run_on(packets, snapshot);

    assert_eq!(stats.account.check(), Ok(()));
    assert_eq!(rows.len(), 20);
    assert!(rows.iter().all(|r| r.session.server_name.is_none()));
    assert_eq!(counting.before.load(Ordering::Relaxed), 20);
    assert_eq!(counting.after.load(Ordering::Relaxed), 20);
    assert_eq!(counting.dropped.load(Ordering::Relaxed), 10);
}

//! A parser with a defect harms its session and nothing else.

mod traffic;

use nf_core::config::EngineConfig;
use nf_core::snapshot::Snapshot;
use nf_fields::ProtoId;
use nf_proto::registry::Entry;
use nf_proto::{Flow, Info, Probe, Protocol, Segment, Sink, Step, udp as over_udp};
use traffic::{Packets, run_on, udp};

/// Panics on the octet `!`.
struct Fragile;

impl Protocol for Fragile {
    const INFO: Info =
        Info { name: "fragile", id: ProtoId(64_000), over: &[over_udp(&[])], ..Info::DEFAULT };

    fn new(_: &Flow) -> Self {
        Fragile
    }

    fn probe(_: &Segment<'_>) -> Probe {
        Probe::Certain
    }

    fn parse(&mut self, seg: &Segment<'_>, _: &mut Sink<'_>) -> Step {
        assert_ne!(seg.data, b"!", "a defect, for the test");
        Step::all(seg)
    }
}

static ENTRIES: &[Entry] = &[Entry::of::<Fragile>()];

#[test]
fn a_panic_is_counted_the_session_goes_on_unparsed_and_the_others_untouched() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut packets = Packets::default();
    for n in 0..100u32 {
        let data: &[u8] = if n % 10 == 5 { b"!" } else { b"fine" };
        packets.add(1_700_000_000_000_000_000 + u64::from(n), &udp(n % 10, 1000, 9, data));
    }
    for threads in [0, 1, 3] {
        let config = EngineConfig { threads, ..EngineConfig::default() };
        let snapshot = Snapshot::compile_with(&config, ENTRIES).unwrap();

        let (rows, stats) = run_on(packets.clone(), snapshot);

        assert_eq!(stats.account.check(), Ok(()));
        assert_eq!(stats.account.processed, 100);
        assert_eq!(rows.len(), 10);
        assert!(rows.iter().all(|r| r.session.packets[0] == 10));
        // One session panics on its first packet, and is left alone from then on.
        assert_eq!(stats.workers.iter().map(|w| w.panics).sum::<u64>(), 1);
    }
}

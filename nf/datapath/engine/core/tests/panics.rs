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

/// Panics when its session ends.
struct Brittle;

impl Protocol for Brittle {
    const INFO: Info =
        Info { name: "brittle", id: ProtoId(64_001), over: &[over_udp(&[])], ..Info::DEFAULT };

    fn new(_: &Flow) -> Self {
        Brittle
    }

    fn probe(_: &Segment<'_>) -> Probe {
        Probe::Certain
    }

    fn parse(&mut self, seg: &Segment<'_>, _: &mut Sink<'_>) -> Step {
        Step::all(seg)
    }

    fn end(&mut self, _: &mut Sink<'_>) {
        panic!("a defect, for the test");
    }
}

static ENTRIES: &[Entry] = &[Entry::of::<Fragile>()];
static BRITTLE: &[Entry] = &[Entry::of::<Brittle>()];

#[test]
fn a_panic_at_the_end_of_a_session_costs_neither_its_row_nor_the_thread() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut packets = Packets::default();
    for n in 0..10u32 {
        // Half of them end by silence, half with the capture.
        let time = 1_700_000_000_000_000_000 + u64::from(n / 5) * 120_000_000_000;
        packets.add(time, &udp(n, 1000, 9, b"fine"));
    }
    for threads in [0, 1, 3] {
        let config = EngineConfig { threads, ..EngineConfig::default() };
        let snapshot = Snapshot::compile_with(&config, BRITTLE).unwrap();

        let (rows, stats) = run_on(packets.clone(), snapshot);

        assert!(stats.complete);
        assert_eq!(stats.account.check(), Ok(()));
        assert_eq!(rows.len(), 10);
        assert!(stats.workers.iter().map(|w| w.panics).sum::<u64>() > 0);
    }
}

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

//! Several files as one, in the order of time.

mod build;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use build::*;
use nf_capture::{Batch, ErrorKind, Fill, OpenSpec, Status, Why, open};
use proptest::prelude::*;

fn pcap_at(times: &[u32]) -> Vec<u8> {
    let start = Pcap::new(Order::Little, MICROSECONDS);
    times.iter().fold(start, |file, &time| file.packet(time, 0, &time.to_be_bytes())).bytes
}

fn order(read: &Outcome) -> Vec<(u64, u16)> {
    read.packets.iter().map(|p| (p.timestamp / 1_000_000_000, p.source)).collect()
}

fn paths(scratch: &Scratch, contents: &[Vec<u8>]) -> Vec<PathBuf> {
    let name = |n| format!("{n:04}.pcap");
    contents.iter().enumerate().map(|(n, content)| scratch.file(&name(n), content)).collect()
}

#[test]
fn packets_come_in_the_order_of_time_and_of_the_files_for_equal_times() {
    let scratch = Scratch::new();
    let contents = [pcap_at(&[1, 4, 4, 9]), zstd(&pcap_at(&[2, 4, 5])), gzip(&pcap_at(&[4, 10]))];

    let read = read(&OpenSpec::new(paths(&scratch, &contents))).unwrap();

    assert_eq!(
        order(&read),
        [(1, 0), (2, 1), (4, 0), (4, 0), (4, 1), (4, 2), (5, 1), (9, 0), (10, 2)]
    );
    for packet in &read.packets {
        assert_eq!(packet.bytes, ((packet.timestamp / 1_000_000_000) as u32).to_be_bytes());
    }
    assert_eq!(read.status, Status::Complete);
}

#[test]
fn a_file_keeps_its_own_order_where_its_clock_goes_back() {
    let scratch = Scratch::new();
    let contents = [pcap_at(&[5, 1, 7]), pcap_at(&[4, 6, 8])];

    let read = read(&OpenSpec::new(paths(&scratch, &contents))).unwrap();

    assert_eq!(order(&read), [(4, 1), (5, 0), (1, 0), (6, 1), (7, 0), (8, 1)]);
}

#[test]
fn formats_and_link_types_are_merged_as_they_are() {
    let scratch = Scratch::new();
    let block = Pcapng::new(Order::Big)
        .interface(1, 0, &[])
        .interface(101, 0, &[(9, &[9])])
        .packet(1, 1_500_000_000, b"raw")
        .packet(0, 2_500_000, b"ethernet");
    let cooked = Pcap::with_header(Order::Big, NANOSECONDS, (2, 4), 0, 276).packet(2, 0, b"cooked");

    let read =
        read(&OpenSpec::new(paths(&scratch, &[block.bytes, cooked.bytes, pcap_at(&[])]))).unwrap();

    let links: Vec<_> = read.packets.iter().map(|p| (p.link, p.interface, p.source)).collect();
    assert_eq!(links, [(101, 1, 0), (276, 0, 1), (1, 0, 0)]);
}

#[test]
fn hundreds_of_files_are_merged_with_few_open() {
    let scratch = Scratch::new();
    let contents: Vec<_> = (0..300_u32)
        .map(|n| {
            let plain = pcap_at(&[n * 10, n * 10 + 5, n * 10 + 12]);
            if n % 3 == 0 { gzip(&plain) } else { plain }
        })
        .collect();
    let spec = OpenSpec::new(paths(&scratch, &contents));
    let handles = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = handles();

    let mut source = open(&spec).unwrap();

    // Other tests of this binary have files open at the same time, but not that many.
    assert!(handles() < before + 150, "{} files are open", handles() - before);
    let read = drain(&mut *source).unwrap();
    assert_eq!(read.packets.len(), 900);
    assert!(read.times().is_sorted());
    assert_eq!(read.status, Status::Complete);
    let progress = source.progress();
    assert_eq!(Some(progress.done), progress.total);
}

#[test]
fn a_file_that_vanished_before_its_turn_is_told_and_the_others_are_read() {
    let scratch = Scratch::new();
    let contents: Vec<_> = (0..100).map(|n| pcap_at(&[n, n + 1])).collect();
    let paths = paths(&scratch, &contents);
    let mut source = open(&OpenSpec::new(&paths)).unwrap();

    std::fs::remove_file(&paths[60]).unwrap();

    let read = drain(&mut *source).unwrap();
    assert_eq!(read.packets.len(), 198);
    let Some((Why::Io(what), 0)) = read.early() else { panic!("{:?}", read.status) };
    assert_eq!(what, "no such file or directory");
}

#[test]
fn every_file_that_ends_early_is_told() {
    let scratch = Scratch::new();
    let whole = pcap_at(&[1, 2, 3]);
    let cut = whole[..whole.len() - 1].to_vec();
    let torn = [whole.clone(), vec![0xff; 16]].concat();

    let read = read(&OpenSpec::new(paths(&scratch, &[cut, whole, torn]))).unwrap();

    assert_eq!(read.packets.len(), 8);
    let Status::EndedEarly(ends) = read.status else { panic!("{:?}", read.status) };
    let whys: Vec<_> = ends.into_iter().map(|end| end.why).collect();
    assert_eq!(whys, [Why::Truncated, Why::AbsurdLength(u32::MAX)]);
}

#[test]
fn what_is_not_handed_over_yet_is_not_counted_yet() {
    let scratch = Scratch::new();
    let many: Vec<u32> = (0..100).collect();
    let contents = [pcap_at(&many), pcap_at(&many)];
    let mut source = open(&OpenSpec::new(paths(&scratch, &contents))).unwrap();
    let mut batch = Batch::with_capacity(10);

    for round in 1..=20 {
        assert_eq!(source.fill(&mut batch).unwrap(), Fill::Packets);
        let stats = source.stats();
        assert_eq!((stats.seen, stats.packets, stats.bytes), (round * 10, round * 10, round * 40));
        batch.clear();
    }
}

#[test]
fn a_pattern_stands_for_the_files_it_matches() {
    let scratch = Scratch::new();
    for (name, time) in [("b.pcap", 2), ("a.pcap", 2), ("c.pcapng", 1), (".hidden.pcap", 0)] {
        scratch.file(name, &pcap_at(&[time]));
    }
    std::fs::create_dir(scratch.path("directory.pcap")).unwrap();
    scratch.file("odd[1].pcap", &pcap_at(&[7]));

    let all = read(&OpenSpec::new([scratch.path("[a-c].pcap")])).unwrap();
    let odd = read(&OpenSpec::new([scratch.path("odd[1].pcap")])).unwrap();
    let none = open(&OpenSpec::new([scratch.path("*.cap")])).err().unwrap();
    let wrong = open(&OpenSpec::new([scratch.path("***")])).err().unwrap();

    assert_eq!(order(&all), [(2, 0), (2, 1)]);
    assert_eq!(order(&odd), [(7, 0)]);
    assert_eq!((none.kind, wrong.kind), (ErrorKind::NotFound, ErrorKind::Options));
    let directories = open(&OpenSpec::new([scratch.path("dir*")])).err().unwrap();
    assert_eq!(directories.kind, ErrorKind::NotFound);
}

#[test]
fn no_file_at_all_is_refused() {
    assert_eq!(open(&OpenSpec::default()).err().unwrap().kind, ErrorKind::Options);
}

#[test]
fn a_file_that_is_no_capture_is_refused_before_anything_is_read() {
    let scratch = Scratch::new();
    let contents = [pcap_at(&[1]), b"hello, world".to_vec()];

    let error = open(&OpenSpec::new(paths(&scratch, &contents))).err().unwrap();

    assert_eq!(error.kind, ErrorKind::NotACapture);
    assert!(error.place.ends_with("0001.pcap"));
}

#[test]
fn followed_files_go_on_without_one_that_is_silent() {
    let scratch = Scratch::new();
    let paths = paths(&scratch, &[pcap_at(&[1, 3]), Vec::new()]);
    let wait = Duration::from_millis(5);
    let spec = OpenSpec { follow: true, wait, ..OpenSpec::new(&paths) };
    let mut source = open(&spec).unwrap();
    let mut packets = Vec::new();

    take_until(&mut *source, &mut packets, 2);
    std::fs::File::options()
        .append(true)
        .open(&paths[1])
        .unwrap()
        .write_all(&pcap_at(&[2]))
        .unwrap();
    take_until(&mut *source, &mut packets, 3);

    let order: Vec<_> = packets.iter().map(|p| (p.timestamp / 1_000_000_000, p.source)).collect();
    assert_eq!(order, [(1, 0), (3, 0), (2, 1)]);
    assert_eq!(source.fill(&mut Batch::default()).unwrap(), Fill::Idle);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_files_merge_as_a_stable_sort_of_their_packets(
        mut files in prop::collection::vec(prop::collection::vec(0_u32..50, 0..40), 2..45),
    ) {
        let scratch = Scratch::new();
        files.iter_mut().for_each(|times| times.sort_unstable());
        let contents: Vec<_> = files.iter().map(|times| pcap_at(times)).collect();

        let read = read(&OpenSpec::new(paths(&scratch, &contents))).unwrap();

        let numbered = files.iter().enumerate();
        let mut expected: Vec<_> = numbered
            .flat_map(|(n, times)| times.iter().map(move |&time| (u64::from(time), n as u16)))
            .collect();
        expected.sort();
        prop_assert_eq!(order(&read), expected);
    }
}

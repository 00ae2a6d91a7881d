//! Files made to mislead: bounded, counted, and never fatal for what came before.

mod build;

use std::fs::File;

use build::*;
use nf_capture::{Batch, Fill, OpenSpec, Status, Why, open};
use proptest::prelude::*;

const DAY: u32 = 86_400;

#[test]
fn an_absurd_length_ends_the_reading_where_it_stands() {
    for order in ORDERS {
        let whole = Pcap::new(order, MICROSECONDS).packet(1, 0, b"good");
        let at = whole.bytes.len() as u64;
        for length in [262_145, 0x7fff_ffff, u32::MAX] {
            let file = whole.clone().record([2, 0, length, length], &[0; 64]);

            let read = read_bytes(&file.bytes).unwrap();

            assert_eq!(read.packets.len(), 1);
            assert_eq!(read.early(), Some((Why::AbsurdLength(length), at)));
            assert_eq!(read.stats.absurd_lengths, 1);
        }
    }
}

#[test]
fn the_longest_packet_is_what_the_snap_length_allows() {
    let packet = vec![1; 300_000];
    let file = |snaplen| {
        Pcap::with_header(Order::Little, MICROSECONDS, (2, 4), snaplen, 1)
            .packet(1, 0, &packet)
            .packet(2, 0, b"next")
    };

    let usual = read_bytes(&file(65_535).bytes).unwrap();
    let large = read_bytes(&file(500_000).bytes).unwrap();
    let larger_still = read_bytes(&file(u32::MAX).bytes).unwrap();

    assert_eq!(usual.early(), Some((Why::AbsurdLength(300_000), 24)));
    assert_eq!(large.packets[0].bytes, packet);
    assert_eq!(large.packets, larger_still.packets);
    assert_eq!(large.status, Status::Complete);
}

#[test]
fn a_packet_longer_than_the_snap_length_or_than_itself_is_given_and_counted() {
    let file = Pcap::with_header(Order::Big, MICROSECONDS, (2, 4), 64, 1)
        .packet(1, 0, &[1; 100])
        .record([2, 0, 8, 4], b"12345678");

    let read = read_bytes(&file.bytes).unwrap();

    assert_eq!((read.packets[0].bytes.len(), read.packets[0].length), (100, 100));
    assert_eq!((read.packets[1].bytes.len(), read.packets[1].length), (8, 8));
    assert_eq!((read.stats.over_snaplen, read.stats.short_lengths), (1, 1));
}

#[test]
fn a_clock_that_leaps_is_counted_and_never_runs_over() {
    let file = Pcap::new(Order::Little, NANOSECONDS)
        .packet(1_700_000_000, 0, b"now")
        .packet(1_700_000_000 - 20 * 365 * DAY, 0, b"twenty years back")
        .packet(u32::MAX, u32::MAX, b"as far as it goes")
        .packet(u32::MAX, u32::MAX - 1, b"a little back")
        .packet(0, 0, b"the beginning");

    let read = read_bytes(&file.bytes).unwrap();

    assert_eq!(read.packets.len(), 5);
    assert_eq!(
        read.packets[2].timestamp,
        u64::from(u32::MAX) * 1_000_000_000 + u64::from(u32::MAX)
    );
    assert_eq!((read.stats.clock_backward, read.stats.clock_jumps), (3, 3));
    assert_eq!(read.status, Status::Complete);
}

#[test]
fn a_sparse_file_of_four_gigabytes_ends_where_its_zeros_begin() {
    let scratch = Scratch::new();
    for content in [pcap_of(Order::Little, MICROSECONDS, 5), pcapng_of(Order::Little, 5)] {
        let path = scratch.file("sparse", &content);
        File::options().write(true).open(&path).unwrap().set_len(4 << 30).unwrap();

        let read = read(&OpenSpec::new([&path])).unwrap();

        assert_eq!(read.packets.len(), 5);
        assert_eq!(read.early(), Some((Why::ZeroFilled, content.len() as u64)));
    }
}

#[test]
fn zeros_without_end_that_were_compressed_end_as_early() {
    let content = [pcap_of(Order::Big, NANOSECONDS, 5), vec![0; 1 << 24]].concat();

    for packed in [gzip(&content), zstd(&content)] {
        assert_eq!(read_bytes(&packed).unwrap().packets.len(), 5);
    }
}

#[test]
fn a_few_empty_packets_at_time_zero_are_packets() {
    for (magic, header) in [(MICROSECONDS, 16), (PATCHED, 24)] {
        let zeros = |count| {
            let file = (0..count).fold(Pcap::new(Order::Little, magic), |file, _| {
                let mut file = file;
                file.bytes.extend(vec![0; header]);
                file
            });
            file.packet(1, 0, b"last")
        };
        let short_of = read_bytes(&zeros(1023).bytes).unwrap();
        let enough = read_bytes(&zeros(1024).bytes).unwrap();
        let at_the_end = read_bytes(&zeros(3).bytes[..24 + 3 * header]).unwrap();

        assert_eq!((short_of.packets.len(), &short_of.status), (1024, &Status::Complete));
        assert_eq!(enough.early(), Some((Why::ZeroFilled, 24)));
        assert!(enough.packets.is_empty());
        assert_eq!((at_the_end.packets.len(), at_the_end.status), (3, Status::Complete));
    }
}

#[test]
fn a_record_that_contradicts_its_block_is_passed_over() {
    let mut longer_than_its_block = vec![0; 12];
    longer_than_its_block.extend(9_u32.to_le_bytes());
    longer_than_its_block.extend(9_u32.to_le_bytes());
    longer_than_its_block.extend(b"only 8..");
    let file = Pcapng::new(Order::Little)
        .simple(1, b"before any interface")
        .interface(1, 0, &[])
        .block(6, &longer_than_its_block)
        .block(6, &[0; 8])
        .block(2, b"")
        .block(3, b"")
        .block(1, b"")
        .block(5, &[9; 20])
        .packet(1, 1, b"of an unknown interface")
        .packet(u32::MAX, 1, b"of another")
        .simple(100, b"longer than its block")
        .packet(0, 1, b"good");

    let read = read_bytes(&file.bytes).unwrap();

    assert_eq!(read.packets.len(), 1);
    assert_eq!(read.packets[0].bytes, b"good");
    assert_eq!(read.stats.malformed, 10);
    assert_eq!(read.status, Status::Complete);
}

#[test]
fn a_block_that_hides_where_the_next_begins_ends_the_reading() {
    let whole = Pcapng::new(Order::Little).interface(1, 0, &[]).packet(0, 1, b"good");
    let at = whole.bytes.len() as u64;
    let tail = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let cases = [
        (tail(&[6, 11, 0]), Why::Malformed("a block is shorter than its own header")),
        (tail(&[6, 0, 0]), Why::Malformed("a block is shorter than its own header")),
        (tail(&[6, u32::MAX, 0]), Why::AbsurdLength(u32::MAX)),
        (tail(&[9, 16, 1, 20]), Why::Malformed("the two lengths of a block differ")),
        (tail(&[0x0a0d_0d0a, 28, 5]), Why::Malformed("a section has no byte order")),
        (
            tail(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 7, 0, 0, 28]),
            Why::Malformed("a section has an unknown version"),
        ),
        (tail(&[9, 4096, 1]), Why::Truncated),
    ];
    for (tail, why) in cases {
        let read = read_bytes(&[&whole.bytes[..], &tail].concat()).unwrap();

        assert_eq!(read.packets.len(), 1);
        assert_eq!(read.early(), Some((why, at)));
    }
}

#[test]
fn a_large_unknown_block_is_passed_over() {
    let file = Pcapng::new(Order::Big)
        .block(0x8000_0001, &vec![1; 1 << 20])
        .interface(1, 0, &[])
        .packet(0, 1, b"good");

    for packed in [file.bytes.clone(), gzip(&file.bytes)] {
        let read = read_bytes(&packed).unwrap();
        assert_eq!((read.packets.len(), read.stats.skipped_blocks), (1, 1));
    }
}

#[test]
fn more_interfaces_than_are_kept_are_malformed() {
    let start = Pcapng::new(Order::Little);
    let many = (0..65_537).fold(start, |file, _| file.interface(1, 0, &[]));
    let file = many.packet(65_535, 1, b"last kept").packet(65_536, 1, b"beyond");

    let read = read_bytes(&file.bytes).unwrap();

    assert_eq!((read.packets.len(), read.packets[0].interface), (1, 65_535));
    assert_eq!(read.stats.malformed, 2);
}

#[test]
fn compressed_data_damaged_in_the_middle_gives_what_came_before() {
    let plain = pcap_of(Order::Little, MICROSECONDS, 400);
    let (front, back) = plain.split_at(plain.len() / 2);
    for mut members in [[gzip(front), gzip(back)], [zstd(front), zstd(back)]] {
        members[1][..4].fill(0xff);
        let after = members.concat();

        let read = read_bytes(&after).unwrap();

        assert!(read.packets.len() > 100, "{}", read.packets.len());
        assert!(matches!(read.early(), Some((Why::Compression(_), _))));
    }
}

#[test]
fn compressed_data_that_decodes_to_nothing_does_not_keep_the_caller_waiting() {
    let scratch = Scratch::new();
    let plain = pcap_of(Order::Little, MICROSECONDS, 3);
    // Frames to be skipped, of a megabyte each.
    let mut frame = vec![0x50, 0x2a, 0x4d, 0x18, 0, 0, 0x10, 0];
    frame.resize(8 + (1 << 20), 0);
    let path = scratch.file("skips", &[zstd(&plain), frame.repeat(100)].concat());

    let mut source = open(&small(&[&path])).unwrap();
    let mut batch = Batch::default();
    let mut packets = 0;
    let mut calls = 0;
    while source.fill(&mut batch).unwrap() != Fill::End {
        assert!(source.progress().done <= (calls + 2) * (65 << 20));
        packets += batch.len();
        batch.clear();
        calls += 1;
    }

    assert_eq!((packets, source.status()), (3, &Status::Complete));
}

#[test]
fn a_file_that_shrinks_while_it_is_read_ends_early() {
    let scratch = Scratch::new();
    let content = pcap_of(Order::Little, MICROSECONDS, 5000);
    let page = 4096;
    for (window, left) in [(page, 3 * page), (page, 0), (1 << 30, 3 * page), (1 << 30, 0)] {
        let path = scratch.file("shrinks", &content);
        let spec = OpenSpec { window, ..OpenSpec::new([&path]) };
        let mut source = open(&spec).unwrap();
        let mut batch = Batch::with_capacity(8);
        assert_eq!(source.fill(&mut batch).unwrap(), Fill::Packets);
        let held: Vec<_> = batch.packets().to_vec();

        File::options().write(true).open(&path).unwrap().set_len(left as u64).unwrap();

        // What the batch points at may be gone, but can be looked at.
        for packet in &held {
            assert_eq!(batch.bytes(packet).len(), packet.captured as usize);
        }
        let read = loop {
            batch.clear();
            if source.fill(&mut batch).unwrap() == Fill::End {
                break source.status().clone();
            }
        };
        let Status::EndedEarly(ends) = read else { panic!("{window} {left}: {read:?}") };
        assert!(matches!(ends[0].why, Why::Shrank | Why::Truncated), "{window} {left}: {ends:?}");
        assert!(ends[0].offset <= content.len() as u64);
    }
}

/// Reads any content, mapped and compressed; it may be refused, but must not fail in between.
fn read_anything(content: &[u8]) {
    let plain = read_bytes(content);
    let packed = read_bytes(&gzip(content));
    match (plain, packed) {
        (Ok(plain), Ok(packed)) => {
            assert_eq!(plain.packets, packed.packets);
            assert_eq!(plain.early(), packed.early());
        }
        (Err(plain), Err(packed)) => assert_eq!(plain.kind, packed.kind),
        (plain, packed) => panic!("{plain:?} but {packed:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn garbage_behind_a_header_is_survived(
        order in prop::sample::select(&ORDERS[..]),
        magic in prop::sample::select(&[MICROSECONDS, NANOSECONDS, PATCHED][..]),
        garbage in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        read_anything(&[Pcap::new(order, magic).bytes, garbage].concat());
    }

    #[test]
    fn plausible_numbers_behind_a_header_are_survived(
        order in prop::sample::select(&ORDERS[..]),
        numbers in prop::collection::vec(prop_oneof![0_u32..64, Just(0), any::<u32>()], 0..400),
    ) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|&number| order.u32(number)).collect();
        read_anything(&[Pcap::new(order, MICROSECONDS).bytes, bytes.clone()].concat());
        read_anything(&[Pcapng::new(order).interface(1, 0, &[]).bytes, bytes].concat());
    }

    #[test]
    fn blocks_of_any_content_are_survived(
        order in prop::sample::select(&ORDERS[..]),
        blocks in prop::collection::vec(
            (0_u32..8, prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..80)),
            0..20,
        ),
    ) {
        let start = Pcapng::new(order).interface(1, 0, &[]);
        let file = blocks.iter().fold(start, |file, (kind, body)| file.block(*kind, body));
        read_anything(&file.bytes);
    }

    #[test]
    fn a_good_capture_with_a_few_bytes_changed_is_survived(
        block in any::<bool>(),
        order in prop::sample::select(&ORDERS[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut content =
            if block { pcapng_of(order, 30) } else { pcap_of(order, MICROSECONDS, 30) };
        for (place, value) in changes {
            let place = place.index(content.len());
            content[place] = value;
        }
        read_anything(&content);
    }

    #[test]
    fn damaged_compressed_data_is_survived(
        gz in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let plain = pcap_of(Order::Little, NANOSECONDS, 60);
        let mut packed = if gz { gzip(&plain) } else { zstd(&plain) };
        for (place, value) in changes {
            let place = place.index(packed.len());
            packed[place] = value;
        }
        // What comes out may be anything, but comes out whole or with a reason.
        if let Err(error) = read_bytes(&packed) {
            prop_assert!(!error.hint.is_empty());
        }
    }
}

//! Every variant of every format is read as what it is.

mod build;

use build::*;
use nf_capture::{ErrorKind, Status};

#[test]
fn classic_captures_of_every_byte_order_and_resolution() {
    for order in ORDERS {
        for (magic, unit) in [(MICROSECONDS, 1000), (NANOSECONDS, 1), (PATCHED, 1000)] {
            let file = Pcap::new(order, magic)
                .packet(1_700_000_000, 999_999, b"first")
                .packet(1_700_000_001, 5, b"")
                .packet(u32::MAX, 1, &[7; 5000]);

            let read = read_bytes(&file.bytes).unwrap();

            let seconds = 1_000_000_000;
            assert_eq!(
                read.times(),
                [
                    1_700_000_000 * seconds + 999_999 * unit,
                    1_700_000_001 * seconds + 5 * unit,
                    u64::from(u32::MAX) * seconds + unit,
                ],
                "{order:?} {magic:#x}"
            );
            assert_eq!(read.packets[0].bytes, b"first");
            assert_eq!(read.packets[1].bytes, b"");
            assert_eq!(read.packets[2].bytes, [7; 5000]);
            assert_eq!(read.packets[2].length, 5000);
            assert_eq!(read.status, Status::Complete);
        }
    }
}

#[test]
fn the_link_type_of_a_classic_capture_is_the_lower_half_of_its_field() {
    let file = Pcap::with_header(Order::Big, MICROSECONDS, (2, 4), 0, 0x1400_0071);

    let read = read_bytes(&file.packet(1, 1, b"x").bytes).unwrap();

    assert_eq!(read.packets[0].link, 113);
}

#[test]
fn the_lengths_of_old_versions_are_put_in_order() {
    for (minor, numbers) in [(2, [1, 1, 60, 4]), (3, [1, 1, 60, 4]), (3, [1, 1, 4, 60])] {
        let file = Pcap::with_header(Order::Little, MICROSECONDS, (2, minor), 68, 1)
            .record(numbers, b"data")
            .record([2, 0, 1, 1], b"x");

        let read = read_bytes(&file.bytes).unwrap();

        assert_eq!((read.packets[0].bytes.as_slice(), read.packets[0].length), (&b"data"[..], 60));
        assert_eq!(read.packets[1].bytes, b"x");
    }
}

#[test]
fn a_packet_cut_to_the_snap_length_keeps_its_length_and_is_counted() {
    let file = Pcap::new(Order::Little, MICROSECONDS).record([1, 0, 3, 1500], b"abc");

    let read = read_bytes(&file.bytes).unwrap();

    assert_eq!((read.packets[0].length, read.packets[0].bytes.len()), (1500, 3));
    assert_eq!((read.stats.truncated, read.stats.bytes, read.stats.captured_bytes), (1, 1500, 3));
}

#[test]
fn block_captures_of_both_byte_orders_with_every_kind_of_packet() {
    for order in ORDERS {
        let file = Pcapng::new(order)
            .interface(1, 0, &[(2, b"eth0")])
            .interface(101, 65_535, &[(9, &[9])])
            .packet(0, 1_000_001, b"enhanced")
            .packet(1, 2_000_000_002, b"in nanoseconds")
            .old(0, 3_000_003, b"obsolete")
            .simple(6, b"simple")
            .block(0x0bad_cafe, b"unknown")
            .block(4, &[0; 4])
            .packet(0, 4_000_004, &[1; 9000]);

        let read = read_bytes(&file.bytes).unwrap();

        let seen: Vec<_> = read
            .packets
            .iter()
            .map(|p| (p.timestamp, p.link, p.interface, p.bytes.len()))
            .collect();
        assert_eq!(
            seen,
            [
                (1_000_001_000, 1, 0, 8),
                (2_000_000_002, 101, 1, 14),
                (3_000_003_000, 1, 0, 8),
                (3_000_003_000, 1, 0, 6), // has no time: that of the packet before
                (4_000_004_000, 1, 0, 9000),
            ],
            "{order:?}"
        );
        assert_eq!(read.packets[3].bytes, b"simple");
        assert_eq!(read.stats.skipped_blocks, 2);
        assert_eq!(read.status, Status::Complete);
    }
}

#[test]
fn times_of_every_resolution_and_offset() {
    // Option, ticks and offset in seconds, and the nanoseconds they mean.
    let cases: &[(u8, u64, i64, u64)] = &[
        (0, 7, 0, 7_000_000_000),
        (3, 1_234, 0, 1_234_000_000),
        (6, 1, 0, 1_000),
        (9, 123, 0, 123),
        (12, 123_456, 0, 123),
        (0x80 | 10, 1536, 0, 1_500_000_000),
        (0x80 | 32, 1 << 32, 1, 2_000_000_000),
        (9, 5, 1_700_000_000, 1_700_000_000_000_000_005),
        (6, 10_000_000, -4, 6_000_000_000),
        (6, 1_000_000, -4, 0),
        (0, u64::MAX, 0, u64::MAX),
        (6, 0, i64::MAX, u64::MAX),
        (0xff, u64::MAX, i64::MIN, 0),
    ];
    for order in ORDERS {
        for &(resolution, ticks, offset, expected) in cases {
            let offset = order.u64(offset.cast_unsigned());
            let file = Pcapng::new(order)
                .interface(1, 0, &[(9, &[resolution]), (14, &offset)])
                .packet(0, ticks, b"x");

            let read = read_bytes(&file.bytes).unwrap();

            assert_eq!(read.times(), [expected], "{resolution:#x} {ticks} {offset:?}");
        }
    }
}

#[test]
fn a_new_section_forgets_the_interfaces_and_may_change_the_byte_order() {
    let file = Pcapng::new(Order::Little)
        .interface(1, 0, &[])
        .interface(113, 0, &[])
        .packet(1, 1, b"a")
        .section(Order::Big)
        .interface(276, 0, &[(9, &[9])])
        .packet(0, 2_000, b"b")
        .packet(1, 3_000, b"no such interface any more")
        .section(Order::Little)
        .packet(0, 4, b"no interface at all")
        .interface(1, 0, &[])
        .packet(0, 5, b"c");

    let read = read_bytes(&file.bytes).unwrap();

    let seen: Vec<_> =
        read.packets.iter().map(|p| (p.timestamp, p.link, p.bytes.as_slice())).collect();
    assert_eq!(seen, [(1_000, 113, &b"a"[..]), (2_000, 276, b"b"), (5_000, 1, b"c")]);
    assert_eq!(read.stats.malformed, 2);
    assert_eq!(read.status, Status::Complete);
}

#[test]
fn a_simple_packet_is_cut_to_the_snap_length_of_its_interface() {
    let file = Pcapng::new(Order::Big).interface(1, 4, &[]).simple(1000, b"abcd");

    let read = read_bytes(&file.bytes).unwrap();

    assert_eq!((read.packets[0].bytes.as_slice(), read.packets[0].length), (&b"abcd"[..], 1000));
    assert_eq!((read.stats.truncated, read.stats.over_snaplen), (1, 0));
}

#[test]
fn losses_that_a_file_tells_of_are_counted_once() {
    let statistics = |file: Pcapng, dropped: u64| {
        let mut body = file.order.u32(0).to_vec();
        body.extend([0; 8]);
        let (interface, system) = (file.order.u64(dropped), file.order.u64(2));
        body.extend(file.options(&[(5, &interface), (7, &system), (4, &system)]));
        file.block(5, &body)
    };
    let file = Pcapng::new(Order::Little).interface(1, 0, &[]);

    let read = read_bytes(&statistics(statistics(file, 3), 8).bytes).unwrap();

    assert_eq!((read.stats.recorded_drops, read.stats.kernel_drops), (10, 0));
}

#[test]
fn a_length_without_its_padding_is_understood_as_with_it() {
    let mut file = Pcapng::new(Order::Little).interface(1, 0, &[]).bytes;
    let mut body = vec![0; 12];
    body.extend(2_u32.to_le_bytes());
    body.extend(2_u32.to_le_bytes());
    body.extend(b"ab\0\0");
    let claimed = (12 + body.len() as u32 - 2).to_le_bytes();
    file.extend(6_u32.to_le_bytes().iter().chain(&claimed).chain(&body).chain(&claimed));
    file.extend(Pcapng { order: Order::Little, bytes: Vec::new() }.packet(0, 1, b"next").bytes);

    let read = read_bytes(&file).unwrap();

    assert_eq!(read.packets[0].bytes, b"ab");
    assert_eq!(read.packets[1].bytes, b"next");
}

#[test]
fn compressed_captures_hold_what_plain_ones_do() {
    for plain in [pcap_of(Order::Little, MICROSECONDS, 300), pcapng_of(Order::Big, 300)] {
        let expected = read_bytes(&plain).unwrap();
        assert_eq!(expected.packets.len(), 300);

        let (front, back) = plain.split_at(plain.len() / 3);
        let skippable =
            [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(&plain)].concat();
        for compressed in [
            gzip(&plain),
            [gzip(front), gzip(b""), gzip(back)].concat(),
            zstd(&plain),
            [zstd(front), zstd(b""), zstd(back)].concat(),
            skippable,
        ] {
            let read = read_bytes(&compressed).unwrap();

            assert_eq!(read.packets, expected.packets);
            assert_eq!(read.status, Status::Complete);
        }
    }
}

#[test]
fn what_is_no_capture_is_refused_with_what_where_and_what_to_try() {
    let scratch = Scratch::new();
    let cases: &[(&str, &[u8], ErrorKind, &str)] = &[
        ("empty.pcap", b"", ErrorKind::Empty, "the file is empty"),
        ("short.pcap", b"\xd4\xc3\xb2\xa1\x02\0", ErrorKind::Empty, "after 6 bytes"),
        ("text.pcap", b"hello, world", ErrorKind::NotACapture, "68 65 6c 6c"),
        (
            "orderless.pcapng",
            &[10, 13, 13, 10, 28, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 0],
            ErrorKind::NotACapture,
            "no byte order",
        ),
        (
            "new.pcapng",
            &[10, 13, 13, 10, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 2, 0, 0, 0],
            ErrorKind::Unsupported,
            "version 2",
        ),
        (
            "new.pcap",
            &Pcap::with_header(Order::Big, MICROSECONDS, (3, 1), 0, 1).bytes,
            ErrorKind::Unsupported,
            "version 3.1",
        ),
        ("text.gz", &gzip(b"hello, world"), ErrorKind::NotACapture, "68 65 6c 6c"),
        ("empty.zst", &zstd(b""), ErrorKind::Empty, "the file is empty"),
        ("cut.gz", &gzip(b"hello")[..12], ErrorKind::NotACapture, "damaged"),
        (
            "twice.gz",
            &gzip(&gzip(&pcap_of(Order::Little, MICROSECONDS, 1))),
            ErrorKind::NotACapture,
            "1f 8b",
        ),
    ];
    for (name, content, kind, what) in cases {
        let path = scratch.file(name, content);

        let error = read_file(&path).unwrap_err();

        assert_eq!(error.kind, *kind, "{name}: {error}");
        assert!(error.what.contains(what), "{name}: {error}");
        assert_eq!(error.place, path.display().to_string());
        assert!(!error.hint.is_empty());
        assert_eq!(error.to_string(), format!("{} · {} · {}", error.what, error.place, error.hint));
    }
}

#[test]
fn a_missing_file_and_a_directory_are_refused() {
    let scratch = Scratch::new();

    let missing = read_file(&scratch.path("missing.pcap")).unwrap_err();
    let directory = read_file(&scratch.path("")).unwrap_err();

    assert_eq!(
        (missing.kind, missing.what.as_str()),
        (ErrorKind::NotFound, "no such file or directory")
    );
    assert_eq!(directory.kind, ErrorKind::Directory);
}

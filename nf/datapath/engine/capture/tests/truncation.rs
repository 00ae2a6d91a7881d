//! A capture cut anywhere gives the packets before the cut, and says where it was cut.

mod build;

use std::collections::BTreeSet;

use build::*;
use nf_capture::{ErrorKind, Status, Why};

/// Cuts the content of a file at every byte and compares with the whole.
fn cut_everywhere(content: &[u8], pack: fn(&[u8]) -> Vec<u8>) {
    let scratch = Scratch::new();
    let whole = read_bytes(&pack(content)).unwrap();
    assert_eq!(whole.status, Status::Complete);
    let mut counts = Vec::new();
    let (mut ends, mut starts) = (BTreeSet::new(), BTreeSet::new());
    for length in 0..content.len() {
        let path = scratch.file("cut", &pack(content.get(..length).unwrap()));

        let read = match read_file(&path) {
            Ok(read) => read,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Empty, "{length}: {error}");
                assert!(length < 24);
                continue;
            }
        };

        assert!(whole.packets.starts_with(&read.packets), "cut at {length}");
        if let Some((why, offset)) = read.early() {
            assert_eq!(why, Why::Truncated);
            assert!(offset < length as u64);
            starts.extend((offset > 0).then_some(offset));
        } else {
            ends.insert(length as u64);
        }
        counts.push(read.packets.len());
    }
    assert_eq!(ends, starts, "only a cut between two records goes unnoticed");
    assert!(counts.is_sorted());
    assert_eq!(counts.last(), Some(&(whole.packets.len() - 1)));
}

#[test]
fn classic_captures() {
    for order in ORDERS {
        for magic in [MICROSECONDS, NANOSECONDS, PATCHED] {
            cut_everywhere(&pcap_of(order, magic, 12), <[u8]>::to_vec);
        }
    }
}

#[test]
fn block_captures() {
    for order in ORDERS {
        cut_everywhere(&pcapng_of(order, 12), <[u8]>::to_vec);
    }
}

#[test]
fn captures_cut_before_they_were_compressed() {
    cut_everywhere(&pcap_of(Order::Little, MICROSECONDS, 6), gzip);
    cut_everywhere(&pcapng_of(Order::Big, 6), zstd);
}

#[test]
fn compressed_files_cut_anywhere() {
    let scratch = Scratch::new();
    let plain = pcap_of(Order::Little, NANOSECONDS, 200);
    let (front, back) = plain.split_at(plain.len() / 2);
    let whole = read_bytes(&plain).unwrap();
    for (first, second) in [(gzip(front), gzip(back)), (zstd(front), zstd(back))] {
        let (border, packed) = (first.len(), [first, second].concat());
        let mut most = None;
        for length in 0..packed.len() {
            let path = scratch.file("cut", packed.get(..length).unwrap());
            let read = match read_file(&path) {
                Ok(read) => read,
                Err(error) => {
                    assert_eq!(most, None, "cut at {length}: {error}");
                    continue;
                }
            };
            assert!(whole.packets.starts_with(&read.packets), "cut at {length}");
            assert!(Some(read.packets.len()) >= most, "cut at {length}");
            most = Some(read.packets.len());
            if length != border {
                assert!(matches!(read.status, Status::EndedEarly(_)), "cut at {length}");
            }
        }
        assert!(most > Some(80), "{most:?}");
    }
}

#[test]
fn the_offset_of_the_cut_is_that_of_the_record_it_fell_into() {
    let file = Pcap::new(Order::Little, MICROSECONDS).packet(1, 1, b"whole").bytes;
    let end = file.len() as u64;
    for cut in [&b"\x01"[..], &[1; 16]] {
        let read = read_bytes(&[&file, cut].concat()).unwrap();

        assert_eq!(read.packets.len(), 1);
        assert_eq!(read.early().unwrap().1, end);
    }
}

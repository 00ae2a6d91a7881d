//! Captures built byte by byte, and sources read to their end.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nf_capture::{Batch, CaptureError, Fill, OpenSpec, Source, SourceStats, Status, Why, open};

/// The order of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

pub const ORDERS: [Order; 2] = [Order::Little, Order::Big];

impl Order {
    pub fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    pub fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    pub fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }
}

/// A packet as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub timestamp: u64,
    pub length: u32,
    pub bytes: Vec<u8>,
    pub link: u16,
    pub interface: u16,
    pub source: u16,
}

/// A source read to its end.
#[derive(Debug)]
pub struct Outcome {
    pub packets: Vec<Seen>,
    pub stats: SourceStats,
    pub status: Status,
}

impl Outcome {
    pub fn times(&self) -> Vec<u64> {
        self.packets.iter().map(|packet| packet.timestamp).collect()
    }

    /// Why the only file that did ended early, and where.
    pub fn early(&self) -> Option<(Why, u64)> {
        match &self.status {
            Status::EndedEarly(ends) => {
                assert_eq!(ends.len(), 1, "{ends:?}");
                ends.first().map(|end| (end.why.clone(), end.offset))
            }
            _ => None,
        }
    }
}

/// A directory that goes away with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nf-capture-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        // Some file systems wait for the disk when a file is written over.
        if let Err(error) = std::fs::remove_file(&path) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// Reads a source to its end, with batches of an odd size.
pub fn drain(source: &mut dyn Source) -> Result<Outcome, CaptureError> {
    let mut packets = Vec::new();
    let mut batch = Batch::with_capacity(7);
    loop {
        let fill = source.fill(&mut batch)?;
        take(&batch, &mut packets);
        if fill == Fill::End {
            assert!(batch.is_empty(), "the end comes alone");
            assert_eq!(source.fill(&mut batch)?, Fill::End, "the end is the end");
            break;
        }
        batch.clear();
    }
    let stats = source.stats();
    assert_eq!(stats.packets, packets.len() as u64);
    assert_eq!(stats.seen, stats.packets + stats.filtered);
    assert_ne!(source.status(), &Status::Reading);
    Ok(Outcome { packets, stats, status: source.status().clone() })
}

/// Appends the packets of a batch.
pub fn take(batch: &Batch, packets: &mut Vec<Seen>) {
    for (packet, bytes) in batch.iter() {
        assert_eq!(bytes.len(), packet.captured as usize);
        packets.push(Seen {
            timestamp: packet.timestamp,
            length: packet.length,
            bytes: bytes.to_vec(),
            link: packet.link,
            interface: packet.interface,
            source: packet.source,
        });
    }
}

/// Asks a source that goes on until it has given `count` packets in all.
pub fn take_until(source: &mut dyn Source, packets: &mut Vec<Seen>, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut batch = Batch::with_capacity(7);
    while packets.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} packets came", packets.len());
        assert_ne!(source.fill(&mut batch).unwrap(), Fill::End);
        take(&batch, packets);
        batch.clear();
    }
}

/// Reads files with small windows and blocks, so that records cross their borders.
pub fn small(paths: &[&Path]) -> OpenSpec {
    OpenSpec { window: 4096, block: 4096, ..OpenSpec::new(paths) }
}

pub fn read(spec: &OpenSpec) -> Result<Outcome, CaptureError> {
    drain(&mut *open(spec)?)
}

/// Reads one file.
pub fn read_file(path: &Path) -> Result<Outcome, CaptureError> {
    read(&small(&[path]))
}

/// Reads content as a file.
pub fn read_bytes(content: &[u8]) -> Result<Outcome, CaptureError> {
    let scratch = Scratch::new();
    read_file(&scratch.file("content", content))
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 3).unwrap()
}

pub const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub const PATCHED: u32 = 0xa1b2_cd34;

/// A classic capture.
#[derive(Clone, Debug)]
pub struct Pcap {
    pub order: Order,
    pub magic: u32,
    pub bytes: Vec<u8>,
}

impl Pcap {
    pub fn new(order: Order, magic: u32) -> Self {
        Self::with_header(order, magic, (2, 4), 262_144, 1)
    }

    pub fn with_header(
        order: Order,
        magic: u32,
        (major, minor): (u16, u16),
        snaplen: u32,
        link: u32,
    ) -> Self {
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(major));
        bytes.extend(order.u16(minor));
        bytes.extend([0; 8]);
        bytes.extend(order.u32(snaplen));
        bytes.extend(order.u32(link));
        Self { order, magic, bytes }
    }

    /// The four numbers of a record header, and what follows them.
    pub fn record(mut self, numbers: [u32; 4], data: &[u8]) -> Self {
        for number in numbers {
            self.bytes.extend(self.order.u32(number));
        }
        if self.magic == PATCHED {
            self.bytes.extend([9; 8]);
        }
        self.bytes.extend(data);
        self
    }

    /// A whole packet, with a time in units of the file.
    pub fn packet(self, seconds: u32, fraction: u32, data: &[u8]) -> Self {
        let length = data.len() as u32;
        self.record([seconds, fraction, length, length], data)
    }
}

/// `count` packets, a second apart, of different lengths and contents.
pub fn pcap_of(order: Order, magic: u32, count: u32) -> Vec<u8> {
    (0..count).fold(Pcap::new(order, magic), |pcap, n| pcap.packet(n + 1, n, &payload(n))).bytes
}

/// What the `n`th packet of a made-up capture holds.
pub fn payload(n: u32) -> Vec<u8> {
    (0..n * 37 % 300).map(|i| (i + n) as u8).collect()
}

/// A block capture.
#[derive(Clone, Debug)]
pub struct Pcapng {
    pub order: Order,
    pub bytes: Vec<u8>,
}

impl Pcapng {
    pub fn new(order: Order) -> Self {
        Self { order, bytes: Vec::new() }.section(order)
    }

    /// A new section, in this order of bytes from here on.
    pub fn section(mut self, order: Order) -> Self {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = self.order.u32((12 + body.len() + padding.len()) as u32);
        let kind = self.order.u32(kind);
        for part in [&kind, &length, body, &padding, &length] {
            self.bytes.extend(part);
        }
        self
    }

    pub fn options(&self, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend(self.order.u16(*code));
            bytes.extend(self.order.u16(value.len() as u16));
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            bytes.extend([0; 4]);
        }
        bytes
    }

    pub fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = self.order.u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.order.u32(snaplen));
        body.extend(self.options(options));
        self.block(1, &body)
    }

    pub fn enhanced(self, interface: u32, ticks: u64, length: u32, data: &[u8]) -> Self {
        let mut body = self.order.u32(interface).to_vec();
        body.extend(self.order.u32((ticks >> 32) as u32));
        body.extend(self.order.u32(ticks as u32));
        body.extend(self.order.u32(data.len() as u32));
        body.extend(self.order.u32(length));
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        let comment = self.options(&[(1, b"a comment")]);
        body.extend(comment);
        self.block(6, &body)
    }

    pub fn packet(self, interface: u32, ticks: u64, data: &[u8]) -> Self {
        self.enhanced(interface, ticks, data.len() as u32, data)
    }

    pub fn old(self, interface: u16, ticks: u64, data: &[u8]) -> Self {
        let mut body = self.order.u16(interface).to_vec();
        body.extend(self.order.u16(3));
        body.extend(self.order.u32((ticks >> 32) as u32));
        body.extend(self.order.u32(ticks as u32));
        body.extend(self.order.u32(data.len() as u32));
        body.extend(self.order.u32(data.len() as u32));
        body.extend(data);
        self.block(2, &body)
    }

    pub fn simple(self, length: u32, data: &[u8]) -> Self {
        let mut body = self.order.u32(length).to_vec();
        body.extend(data);
        self.block(3, &body)
    }
}

/// `count` packets of two interfaces, a second apart.
pub fn pcapng_of(order: Order, count: u32) -> Vec<u8> {
    let start = Pcapng::new(order).interface(1, 0, &[]).interface(101, 0, &[(9, &[9])]);
    (0..count)
        .fold(start, |file, n| {
            let second = if n % 2 == 0 { 1_000_000 } else { 1_000_000_000 };
            file.packet(n % 2, u64::from(n + 1) * second, &payload(n))
        })
        .bytes
}

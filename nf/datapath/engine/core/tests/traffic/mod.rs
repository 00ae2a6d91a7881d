//! Packets made by tests, and a run over them.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use nf_capture::{
    Batch, Block, CaptureError, Fill, PacketRef, Progress, Source, SourceStats, Status,
};
use nf_core::config::EngineConfig;
use nf_core::engine::{Engine, Stats};
use nf_core::row::Row;
use nf_core::snapshot::Snapshot;

/// Ethernet frames with their times.
#[derive(Clone, Default)]
pub struct Packets {
    bytes: Vec<u8>,
    places: Vec<(u64, usize, usize)>,
}

impl Packets {
    /// Adds a frame.
    pub fn add(&mut self, timestamp: u64, frame: &[u8]) {
        self.places.push((timestamp, self.bytes.len(), frame.len()));
        self.bytes.extend_from_slice(frame);
    }

    /// A source that gives them once.
    pub fn played(self) -> Played {
        Played {
            block: Arc::new(Block::owned(self.bytes)),
            places: self.places.into_iter(),
            stats: SourceStats::default(),
        }
    }
}

/// [`Packets`] being read.
pub struct Played {
    block: Arc<Block>,
    places: std::vec::IntoIter<(u64, usize, usize)>,
    stats: SourceStats,
}

impl Source for Played {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fill, CaptureError> {
        let Some(block) = batch.add_block(&self.block) else { return Ok(Fill::Packets) };
        let before = self.stats.seen;
        while batch.space() > 0 {
            let Some((timestamp, offset, length)) = self.places.next() else { break };
            batch.push(PacketRef {
                timestamp,
                offset: offset as u64,
                captured: length as u32,
                length: length as u32,
                block,
                link: 1,
                source: 0,
                interface: 0,
            });
            self.stats.seen += 1;
            self.stats.packets += 1;
            self.stats.bytes += length as u64;
        }
        Ok(if self.stats.seen == before { Fill::End } else { Fill::Packets })
    }

    fn stats(&self) -> SourceStats {
        self.stats
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn status(&self) -> &Status {
        &Status::Complete
    }
}

/// Everything the engine says about `packets`.
pub fn run(packets: Packets, config: &EngineConfig) -> (Vec<Row>, Stats) {
    run_on(packets, Snapshot::compile(config).unwrap())
}

/// As [`run`], on a snapshot of the test's.
pub fn run_on(packets: Packets, snapshot: Snapshot) -> (Vec<Row>, Stats) {
    let mut engine = Engine::with(Box::new(packets.played()), snapshot);
    let mut rows = Vec::new();
    loop {
        let polled = engine.poll(10_000, Duration::from_secs(10)).unwrap();
        rows.extend(polled.rows);
        if polled.over {
            return (rows, engine.stats());
        }
    }
}

/// An IPv4 packet of a protocol from 10.x.x.x (by `host`) to 192.0.2.1.
pub fn ipv4(host: u32, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0u8; 12];
    frame.extend([0x08, 0x00, 0x45, 0]);
    frame.extend(((20 + payload.len()) as u16).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    frame.extend((0x0a00_0000 | host & 0xff_ffff).to_be_bytes());
    frame.extend([192, 0, 2, 1]);
    frame.extend_from_slice(payload);
    frame
}

/// A datagram from 10.x.x.x (by `host`) to 192.0.2.1.
pub fn udp(host: u32, source: u16, target: u16, data: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    payload.extend(source.to_be_bytes());
    payload.extend(target.to_be_bytes());
    payload.extend(((8 + data.len()) as u16).to_be_bytes());
    payload.extend([0, 0]);
    payload.extend_from_slice(data);
    ipv4(host, 17, &payload)
}

/// An SCTP packet with these chunks from 10.x.x.x (by `host`) to 192.0.2.1.
pub fn sctp(host: u32, source: u16, target: u16, chunks: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    payload.extend(source.to_be_bytes());
    payload.extend(target.to_be_bytes());
    payload.extend([0; 8]);
    payload.extend_from_slice(chunks);
    ipv4(host, 132, &payload)
}

/// A segment from 10.x.x.x (by `host`) to 192.0.2.1.
pub fn tcp(host: u32, source: u16, target: u16, flags: u8, seq: u32, data: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    payload.extend(source.to_be_bytes());
    payload.extend(target.to_be_bytes());
    payload.extend(seq.to_be_bytes());
    payload.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    payload.extend_from_slice(data);
    ipv4(host, 6, &payload)
}

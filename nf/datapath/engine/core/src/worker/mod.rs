//! A worker: its sessions, and what it does with a packet.

mod active;
mod frame;
mod life;
mod output;
mod stats;

use foldhash::HashMap;
use foldhash::HashMapExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use nf_fields::ProtoId;
use nf_flow::{Handle, Table, Wheel};
use nf_proto::Action;
use nf_proto::user::tunnel_in;
use nf_stream::Pool;
use nf_wire::{IpLayer, Transport, id, sctp};

use crate::account::Tally;
use crate::catalog::Catalog;
use crate::feed::{Hands, MAX_PANICS};
use crate::links::{Links, Room};
use crate::observe::{Anomalies, Heard};
use crate::parcel::{Item, Kind, Parcel};
use crate::path::{Path, PathTable};
use crate::plan::scene::Scene;
use crate::row::{Hint, Loose, Moment, Order, Row};
use crate::session::{Nested, Session};
use crate::snapshot::Snapshot;
use crate::transport::{Segmented, TcpHeader, flag};

pub(crate) use active::Scan;
pub use active::{Measure, Selection};
use output::packet_events;
pub use stats::WorkerStats;

/// Items looked up together, so that their memory is on its way before it is needed.
const STRIDE: usize = 16;

/// What a worker has produced since it was last asked.
#[derive(Default)]
pub struct Produce {
    /// Rows in order.
    pub rows: Vec<Row>,
    /// Hints in order.
    pub hints: Vec<(Order, Hint)>,
}

/// See the module.
pub struct Worker {
    snapshot: Arc<Snapshot>,
    table: Table<Session>,
    wheel: Option<Wheel<Handle>>,
    due: Vec<Handle>,
    paths: PathTable,
    pool: Pool,
    heard: Heard,
    /// What is known of packets outside sessions.
    links: Links,
    anomalies: Anomalies,
    loose: HashMap<Path, Loose>,
    produce: Produce,
    stats: WorkerStats,
    minor: u32,
    /// For samples of the table: any sequence will do, but the same in every run.
    dice: u64,
    blamed: HashMap<ProtoId, u32>,
    /// Sessions left at the end of the capture, latest first.
    rest: Option<Vec<(u64, Handle)>>,
}

impl Worker {
    /// A worker whose tables have the sizes of `snapshot`.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self {
            table: Table::new(snapshot.sessions_per_worker),
            pool: Pool::new(snapshot.held_per_worker),
            snapshot,
            wheel: None,
            due: Vec::new(),
            paths: PathTable::default(),
            heard: Heard::default(),
            links: Links::default(),
            anomalies: Anomalies::default(),
            loose: HashMap::new(),
            produce: Produce::default(),
            stats: WorkerStats::default(),
            minor: 0,
            dice: 0x9e37_79b9_7f4a_7c15,
            blamed: HashMap::new(),
            rest: None,
        }
    }

    /// Processes a parcel on the configuration it was dispatched under.
    pub fn process(&mut self, parcel: &Parcel, snapshot: &Arc<Snapshot>) {
        if !Arc::ptr_eq(snapshot, &self.snapshot) {
            self.snapshot = Arc::clone(snapshot);
        }
        let mut at = 0;
        while at < parcel.items().len() {
            let worked = catch_unwind(AssertUnwindSafe(|| {
                while at < parcel.items().len() {
                    if at % STRIDE == 0 {
                        self.prefetch(parcel, at);
                    }
                    let item = &parcel.items()[at];
                    self.item(item, parcel.bytes(item), snapshot);
                    at += 1;
                }
            }));
            if worked.is_err() {
                self.quarantine(&parcel.items()[at]);
                at += 1;
            }
        }
    }

    fn prefetch(&self, parcel: &Parcel, from: usize) {
        let items = &parcel.items()[from..parcel.items().len().min(from + STRIDE)];
        let innermost = |item: &Item| match item.packet.ips().len() {
            0 => None,
            n => Some(item.owners[n - 1].hash),
        };
        items.iter().filter_map(innermost).for_each(|hash| self.table.prefetch_slot(hash));
        items.iter().filter_map(innermost).for_each(|hash| self.table.prefetch_value(hash));
    }

    fn item(&mut self, item: &Item, frame: &[u8], snapshot: &Snapshot) {
        self.minor = 0;
        let layers = item.packet.ips().len();
        match item.kind {
            Kind::Tick => return self.tick(item, snapshot),
            Kind::Carried => {}
            Kind::Packet => {
                self.stats.processed += 1;
                if layers == 0 {
                    return self.outside(item, frame, snapshot);
                }
            }
        }
        let own = item.kind == Kind::Packet;
        if own && snapshot.dissector.users_of_tunnels().is_some() {
            self.around_first(item, frame, snapshot);
        }
        for layer in 0..layers {
            let innermost = layer + 1 == layers;
            if own && innermost {
                self.innermost(item, frame, layer, snapshot);
            } else if item.layers >> layer & 1 == 1 {
                self.carry(item, frame, layer, snapshot);
            }
        }
    }

    /// A packet of no session.
    fn outside(&mut self, item: &Item, frame: &[u8], snapshot: &Snapshot) {
        self.stats.non_session += 1;
        let mut path: Path = item.packet.layers().iter().map(|l| l.proto).collect();
        if let Some(users) = snapshot.dissector.users_of_frames()
            && let Some(last) = item.packet.layers().last()
        {
            self.read_frame((item, frame), *last, users, &mut path, snapshot);
        }
        let time = item.at.timestamp;
        let loose = self.loose.entry(path).or_insert(Loose { first: time, ..Loose::default() });
        loose.packets += 1;
        loose.bytes += u64::from(item.at.length);
        loose.last = loose.last.max(time);
        let moment = Moment::Packet(0).of(item.sequence);
        let scene = Scene { item, frame, session: None, segmented: Segmented::default() };
        let asked = asked_before(item, frame, snapshot);
        if let Some(layer) = snapshot.dissector.header_read(&item.packet)
            && asked == Action::Continue
            && !self.is_blamed(layer.proto)
        {
            if let Some(key) = self.links.crowded(item, frame, layer) {
                self.end_link(key, Moment::Before(0).of(item.sequence), snapshot);
            }
            self.with_links(snapshot, |links, room| links.read(item, frame, layer, room));
        }
        if !self.heard.is_empty() {
            self.report_outside(path, moment, time, Some(&scene));
        }
        if !snapshot.plan.on_packet.is_empty() {
            for what in packet_events(&scene, snapshot, &self.heard.said) {
                self.emit(moment, 0, Default::default(), what);
            }
        }
        self.heard.said.clear();
    }

    /// A packet of a session within the one at `layer`.
    fn carry(&mut self, item: &Item, frame: &[u8], layer: usize, snapshot: &Snapshot) {
        let Some((handle, created)) = self.find(item, layer, None, snapshot) else { return };
        let owner = &item.owners[layer];
        let ip = &item.packet.ips()[layer];
        let next = item.packet.ips().get(layer + 1).map_or(u8::MAX, |inner| inner.layer);
        let Some(session) = self.table.get_mut(handle) else { return };
        if created {
            session.initiator_is_high = owner.swapped;
            session.vlan = item.packet.vlan_of(ip);
        }
        let way = session.direction(owner.swapped);
        let dir = way.index();
        let nested = session.nested.get_or_insert_with(|| Box::new(Nested::default()));
        nested.packets[dir] += 1;
        nested.bytes[dir] += u64::from(ip.total_len);
        session.end = session.end.max(item.at.timestamp);
        session.seen = item.clock;
        let from = usize::from(ip.layer);
        let between = item.packet.layers().get(from..next.into()).unwrap_or_default();
        let users = tunnel_in(between);
        if session.paths[dir] == u32::MAX {
            // A user's protocol is the session's, like all that stands above a transport.
            let end = users.map_or(next.into(), |(at, _)| from + at);
            let layers = item.packet.layers().iter().take(end);
            session.paths[dir] = self.paths.number(layers.map(|l| l.proto).collect());
        }
        if created {
            self.watch(handle, snapshot);
        }
        if let Some((_, number)) = users {
            self.around((item, frame), handle, (layer, way), number, snapshot);
        }
    }

    /// The session of the packet's innermost IP layer.
    fn innermost(&mut self, item: &Item, frame: &[u8], layer: usize, snapshot: &Snapshot) {
        let ip = item.packet.ips()[layer];
        let header = match ip.transport {
            Transport::Tcp => tcp_header(item, &ip, frame),
            _ => None,
        };
        let Some((handle, created)) = self.find(item, layer, header.as_ref(), snapshot) else {
            self.stats.non_session += 1;
            self.stats.refused += 1;
            return;
        };
        let swapped = item.owners[layer].swapped;
        let Some(session) = self.table.get_mut(handle) else { return };
        if created {
            // A SYN with ACK is the answer: its receiver began.
            let answer = header.is_some_and(|h| h.has(flag::SYN) && h.has(flag::ACK));
            session.initiator_is_high = swapped != answer;
            session.vlan = item.packet.vlan_of(&ip);
            session.icmp = icmp_head(&ip, frame);
        }
        let dir = session.direction(swapped);
        let way = dir.index();
        session.packets[way] += 1;
        session.bytes[way] += u64::from(ip.total_len);
        session.payload[way] += u64::from(ip.payload_len);
        session.end = session.end.max(item.at.timestamp);
        session.seen = item.clock;
        if session.paths[way] == u32::MAX {
            session.paths[way] = self.paths.number(session_path(item));
        }

        let start = ip.payload as usize;
        let payload = frame.get(start..start + ip.payload_captured as usize).unwrap_or_default();
        let later_fragment = ip.fragment.is_some_and(|f| f.offset > 0);
        let known = session.dissection.path().len();
        let mut segmented = Segmented::default();
        let read = match ip.transport {
            Transport::Udp | Transport::Other if !later_fragment => {
                snapshot.dissector.header_read(&item.packet)
            }
            _ => None,
        };
        let before = asked_before(item, frame, snapshot);
        let mut hands = Hands {
            action: before,
            snapshot,
            pool: &mut self.pool,
            heard: &mut self.heard,
            anomalies: &mut self.anomalies,
            blamed: &self.blamed,
            timestamp: item.at.timestamp,
            given_up: 0,
            header: read.map(|layer| layer.proto),
        };
        if let Some(header) = header {
            segmented = hands.segment(session, &header, dir, payload, ip.payload_len as usize);
            self.stats.outside_window += u64::from(segmented.outside);
        } else if ip.transport == Transport::Sctp {
            let captured = start.saturating_add(ip.payload_captured as usize);
            let chunks = start.saturating_sub(sctp::HEADER_LEN)..captured;
            hands.messages(session, dir, frame.get(chunks).unwrap_or_default());
            self.stats.chunks_given_up += hands.given_up;
        } else if !payload.is_empty() && !later_fragment {
            session.answer.payload(dir, item.at.timestamp);
            let cut = ip.payload_captured < ip.payload_len;
            let skip = read.map_or(0, |layer| usize::from(layer.offset).saturating_sub(start));
            hands.feed(session, dir, payload.get(skip..).unwrap_or_default(), cut);
        }

        let verdict = hands.action;
        if verdict == Action::Drop {
            self.heard.transactions.clear();
            self.heard.fired.clear();
            self.heard.said.clear();
        }
        if session.closed.is_none() && segmented.closed.is_some() {
            session.closed = segmented.closed;
            self.watch(handle, snapshot);
        } else if session.dissection.path().len() != known {
            session.timeout = class_of(session.dissection.path());
            self.watch(handle, snapshot);
        } else if created {
            self.watch(handle, snapshot);
        }
        let on_packet = !snapshot.plan.on_packet.is_empty() && verdict < Action::Drop;
        if !self.heard.is_empty() || on_packet {
            self.report(item, frame, handle, (layer, dir, segmented), verdict, snapshot);
        }
        if !snapshot.hooks.is_empty()
            && let Some(session) = self.table.get(handle)
        {
            let scene = Scene { item, frame, session: Some((session, dir)), segmented };
            snapshot.hooks.iter().for_each(|hook| hook.after(&scene, verdict));
        }
    }

    /// A packet made a parser panic: its session is not parsed any more, the parser is blamed.
    fn quarantine(&mut self, item: &Item) {
        self.stats.panics += 1;
        self.heard = Heard::default();
        let Some(owner) = item.packet.ips().len().checked_sub(1).map(|n| &item.owners[n]) else {
            let snapshot = Arc::clone(&self.snapshot);
            self.blame(snapshot.dissector.header_read(&item.packet).map(|layer| layer.proto));
            return;
        };
        if let Some(handle) = self.table.find(owner.hash, |s| s.key == owner.key)
            && let Some(session) = self.table.get_mut(handle)
        {
            session.quarantined = true;
            let proto = session.dissection.path().last().copied();
            self.blame(proto);
            // The panic may have come before the wheel heard of a new session.
            let snapshot = Arc::clone(&self.snapshot);
            self.watch(handle, &snapshot);
        }
    }

    /// Runs `act` on what is known of packets outside sessions.
    fn with_links(&mut self, snapshot: &Snapshot, act: impl FnOnce(&mut Links, &mut Room<'_>)) {
        let mut room = Room {
            snapshot,
            pool: &mut self.pool,
            heard: &mut self.heard,
            anomalies: &mut self.anomalies,
        };
        act(&mut self.links, &mut room);
    }

    fn is_blamed(&self, proto: ProtoId) -> bool {
        self.blamed.get(&proto).is_some_and(|&panics| panics >= MAX_PANICS)
    }

    fn blame(&mut self, proto: Option<ProtoId>) {
        if let Some(proto) = proto {
            *self.blamed.entry(proto).or_default() += 1;
        }
    }

    /// Takes what has been produced.
    pub fn take(&mut self) -> Produce {
        std::mem::take(&mut self.produce)
    }

    /// Rows waiting to be taken.
    pub fn waiting(&self) -> usize {
        self.produce.rows.len() + self.produce.hints.len()
    }

    /// Packets outside sessions, by path.
    pub fn loose(&self) -> &HashMap<Path, Loose> {
        &self.loose
    }

    /// Counters.
    pub fn stats(&self) -> WorkerStats {
        WorkerStats {
            alive: self.table.len() as u64,
            table_bytes: self.table.memory() as u64,
            held_bytes: self.pool.used() as u64,
            ..self.stats
        }
    }

    /// Anomalies and faults, by name, added to `tally`.
    pub fn tally(&self, tally: &mut Tally) {
        self.anomalies.tally(&mut |name, count| *tally.entry(name).or_default() += count);
    }
}

/// What hooks say before the packet is taken up.
fn asked_before(item: &Item, frame: &[u8], snapshot: &Snapshot) -> Action {
    if snapshot.hooks.is_empty() {
        return Action::Continue;
    }
    let scene = Scene { item, frame, session: None, segmented: Segmented::default() };
    snapshot.hooks.iter().map(|hook| hook.before(&scene)).max().unwrap_or_default()
}

fn tcp_header(item: &Item, ip: &IpLayer, frame: &[u8]) -> Option<TcpHeader> {
    let above = item.packet.layers().get(usize::from(ip.layer) + 1..)?;
    let layer = above.iter().find(|l| l.proto == id::TCP)?;
    TcpHeader::read(frame.get(usize::from(layer.offset)..)?)
}

/// Type and code of an ICMP message; nothing of other protocols.
fn icmp_head(ip: &IpLayer, frame: &[u8]) -> Option<[u8; 2]> {
    let is_icmp = matches!((ip.version, ip.protocol), (4, 1) | (6, 58));
    let later_fragment = ip.fragment.is_some_and(|f| f.offset > 0);
    if !is_icmp || later_fragment {
        return None;
    }
    frame.get(ip.payload as usize..)?.first_chunk().copied()
}

/// The packet's path up to its transport: chunks of SCTP are the packet's, not the session's.
fn session_path(item: &Item) -> Path {
    let layers = item.packet.layers();
    let sctp = layers.iter().position(|l| l.proto == id::SCTP);
    let length = sctp.map_or(layers.len(), |n| n + 1);
    layers.iter().take(length).map(|l| l.proto).collect()
}

fn class_of(path: &[ProtoId]) -> nf_proto::TimeoutClass {
    let protocol = path.last().and_then(|&id| Catalog::get().by_id(id));
    protocol.and_then(|p| p.info).map(|i| i.timeout).unwrap_or_default()
}

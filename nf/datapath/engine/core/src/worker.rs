//! A worker: its sessions, and what it does with a packet.

use foldhash::HashMap;
use foldhash::HashMapExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arc_swap::ArcSwap;
use nf_fields::ProtoId;
use nf_flow::{Handle, Table, Wheel};
use nf_proto::{Action, Context, Direction};
use nf_stream::Pool;
use nf_wire::{IpLayer, Transport, id};

use crate::account::Tally;
use crate::catalog::Catalog;
use crate::config::TableFull;
use crate::dispatch::{Item, Kind, Owner, Parcel};
use crate::feed::Hands;
use crate::observe::{Anomalies, Heard};
use crate::path::{Path, PathTable};
use crate::plan::scene::Scene;
use crate::row::{EndReason, Hint, Loose, Moment, Order, Owned, Row, What};
use crate::session::{Nested, Session};
use crate::snapshot::Snapshot;
use crate::transport::{Segmented, TcpHeader, flag};

/// Items looked up together, so that their memory is on its way before it is needed.
const STRIDE: usize = 16;
/// Sessions looked at to find one that has been silent long.
const SAMPLES: usize = 16;
/// Sessions ended at a time once the capture is over.
const FINISH: usize = 4096;

/// What a worker has produced since it was last asked.
#[derive(Default)]
pub struct Produce {
    /// Rows in order.
    pub rows: Vec<Row>,
    /// Hints in order.
    pub hints: Vec<(Order, Hint)>,
}

/// Counters of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerStats {
    /// Packets whose innermost session (or none) was the worker's.
    pub processed: u64,
    /// Of those, packets outside sessions.
    pub non_session: u64,
    /// Of those, refused by the full table.
    pub refused: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Sessions that made room for others.
    pub evicted: u64,
    /// Packets that made something panic.
    pub panics: u64,
    /// Segments outside any window.
    pub outside_window: u64,
    /// Sessions alive now.
    pub alive: u64,
    /// Octets of table memory.
    pub table_bytes: u64,
    /// Octets held for later.
    pub held_bytes: u64,
}

impl WorkerStats {
    /// Names and values, for output.
    pub fn terms(&self) -> [(&'static str, u64); 10] {
        [
            ("processed", self.processed),
            ("non_session", self.non_session),
            ("refused", self.refused),
            ("sessions", self.sessions),
            ("evicted", self.evicted),
            ("panics", self.panics),
            ("outside_window", self.outside_window),
            ("alive", self.alive),
            ("table_bytes", self.table_bytes),
            ("held_bytes", self.held_bytes),
        ]
    }
}

/// See the module.
pub struct Worker {
    current: Arc<ArcSwap<Snapshot>>,
    snapshot: Arc<Snapshot>,
    table: Table<Session>,
    wheel: Option<Wheel<Handle>>,
    due: Vec<Handle>,
    paths: PathTable,
    pool: Pool,
    heard: Heard,
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
    /// A worker that follows `current`.
    pub fn new(current: Arc<ArcSwap<Snapshot>>) -> Self {
        let snapshot = current.load_full();
        Self {
            table: Table::new(snapshot.sessions_per_worker),
            pool: Pool::new(snapshot.held_per_worker),
            current,
            snapshot,
            wheel: None,
            due: Vec::new(),
            paths: PathTable::default(),
            heard: Heard::default(),
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

    /// Processes a parcel on the configuration that is current when it begins.
    pub fn process(&mut self, parcel: &Parcel) {
        let current = self.current.load();
        if !Arc::ptr_eq(&current, &self.snapshot) {
            self.snapshot = Arc::clone(&current);
        }
        drop(current);
        let snapshot = Arc::clone(&self.snapshot);
        let mut at = 0;
        while at < parcel.items().len() {
            let worked = catch_unwind(AssertUnwindSafe(|| {
                while at < parcel.items().len() {
                    if at % STRIDE == 0 {
                        self.prefetch(parcel, at);
                    }
                    let item = &parcel.items()[at];
                    self.item(item, parcel.bytes(item), &snapshot);
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
        for layer in 0..layers {
            let innermost = layer + 1 == layers;
            if own && innermost {
                self.innermost(item, frame, layer, snapshot);
            } else if item.layers >> layer & 1 == 1 {
                self.carry(item, layer, snapshot);
            }
        }
    }

    /// A packet of no session.
    fn outside(&mut self, item: &Item, frame: &[u8], snapshot: &Snapshot) {
        self.stats.non_session += 1;
        let path: Path = item.packet.layers().iter().map(|l| l.proto).collect();
        let time = item.at.timestamp;
        let loose = self.loose.entry(path).or_insert(Loose { first: time, ..Loose::default() });
        loose.packets += 1;
        loose.bytes += u64::from(item.at.length);
        loose.last = loose.last.max(time);
        if !snapshot.plan.on_packet.is_empty() {
            let scene = Scene { item, frame, session: None, segmented: Segmented::default() };
            let rows = packet_events(&scene, snapshot);
            let moment = Moment::Packet(0).of(item.sequence);
            for what in rows {
                self.emit(moment, 0, Default::default(), what);
            }
        }
    }

    /// A packet of a session within the one at `layer`.
    fn carry(&mut self, item: &Item, layer: usize, snapshot: &Snapshot) {
        let Some((handle, created)) = self.find(item, layer, None, snapshot) else { return };
        let owner = &item.owners[layer];
        let ip = &item.packet.ips()[layer];
        let next = item.packet.ips().get(layer + 1).map_or(u8::MAX, |inner| inner.layer);
        let Some(session) = self.table.get_mut(handle) else { return };
        if created {
            session.initiator_is_high = owner.swapped;
            session.vlan = item.packet.vlan;
        }
        let dir = session.direction(owner.swapped).index();
        let nested = session.nested.get_or_insert_with(|| Box::new(Nested::default()));
        nested.packets[dir] += 1;
        nested.bytes[dir] += u64::from(ip.total_len);
        session.end = session.end.max(item.at.timestamp);
        session.seen = item.clock;
        if session.paths[dir] == u32::MAX {
            let layers = item.packet.layers().iter().take(next.into());
            session.paths[dir] = self.paths.number(layers.map(|l| l.proto).collect());
        }
        if created {
            self.watch(handle, snapshot);
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
            session.vlan = item.packet.vlan;
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
        let before = asked_before(item, frame, snapshot);
        let mut hands = Hands {
            action: before,
            snapshot,
            pool: &mut self.pool,
            heard: &mut self.heard,
            anomalies: &mut self.anomalies,
            blamed: &self.blamed,
            timestamp: item.at.timestamp,
        };
        if let Some(header) = header {
            segmented = hands.segment(session, &header, dir, payload, ip.payload_len as usize);
            self.stats.outside_window += u64::from(segmented.outside);
        } else if ip.transport == Transport::Sctp {
            hands.messages(session, dir, frame.get(start.saturating_sub(12)..).unwrap_or_default());
        } else if !payload.is_empty() && !later_fragment {
            session.answer.payload(dir, item.at.timestamp);
            let cut = ip.payload_captured < ip.payload_len;
            hands.feed(session, dir, payload, cut);
        }

        let verdict = hands.action;
        if verdict == Action::Drop {
            self.heard.transactions.clear();
            self.heard.fired.clear();
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

    /// The session of `item` at `layer`, begun if there is none: its handle, and whether it is
    /// new. `None` when the table is full and refuses.
    fn find(
        &mut self,
        item: &Item,
        layer: usize,
        header: Option<&TcpHeader>,
        snapshot: &Snapshot,
    ) -> Option<(Handle, bool)> {
        let owner = &item.owners[layer];
        if let Some(handle) = self.table.find(owner.hash, |s| s.key == owner.key) {
            let session = self.table.get(handle)?;
            let over = self.over(session, item, owner, header, snapshot);
            match over {
                None => return Some((handle, false)),
                Some(reason) => {
                    let moment = Moment::Before(layer).of(item.sequence);
                    self.end(handle, reason, moment, snapshot);
                }
            }
        }
        if self.table.is_full() && !self.make_room(item, layer, snapshot) {
            return None;
        }
        let id = (layer as u64) << 48 | item.index;
        let begun = Session::new(owner.key, id, item.sequence, item.at.timestamp, item.clock);
        let handle = self.table.insert(owner.hash, begun).ok()?;
        self.stats.sessions += 1;
        Some((handle, true))
    }

    /// Why a session found under a packet's key is not the packet's, if so.
    #[inline]
    fn over(
        &self,
        session: &Session,
        item: &Item,
        owner: &Owner,
        header: Option<&TcpHeader>,
        snapshot: &Snapshot,
    ) -> Option<EndReason> {
        let patience = session.patience(snapshot);
        let waited = item.at.timestamp.saturating_sub(session.end) >= patience;
        // Seen while a leap of time was in doubt, a session looks older than it is.
        let aged = item.clock.saturating_sub(session.seen) >= patience
            && item.at.timestamp.abs_diff(session.end) >= patience;
        if waited || aged {
            return Some(session.closed.unwrap_or(EndReason::Idle));
        }
        let header = header?;
        let dir = session.direction(owner.swapped);
        if header.is_opening() && (session.closed.is_some() || session.tcp.is_another(header, dir))
        {
            return Some(session.closed.unwrap_or(EndReason::Evicted));
        }
        None
    }

    fn make_room(&mut self, item: &Item, layer: usize, snapshot: &Snapshot) -> bool {
        if snapshot.table_full == TableFull::Refuse {
            return false;
        }
        let mut oldest: Option<(u64, Handle)> = None;
        for _ in 0..SAMPLES {
            self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if let Some(handle) = self.table.sample(self.dice >> 16)
                && let Some(session) = self.table.get(handle)
                && oldest.is_none_or(|(seen, _)| session.seen < seen)
            {
                oldest = Some((session.seen, handle));
            }
        }
        let Some((_, handle)) = oldest else { return false };
        self.stats.evicted += 1;
        self.end(handle, EndReason::Evicted, Moment::Before(layer).of(item.sequence), snapshot);
        true
    }

    /// Has the wheel look at a session when it may be over.
    fn watch(&mut self, handle: Handle, snapshot: &Snapshot) {
        let Some(session) = self.table.get_mut(handle) else { return };
        let deadline = session.seen.saturating_add(session.patience(snapshot));
        // Later is fine: when woken, it asks to be woken again.
        if session.wake == 0 || deadline < session.wake {
            session.wake = deadline;
            let seen = session.seen;
            self.wheel.get_or_insert_with(|| Wheel::new(seen)).insert(deadline, handle);
        }
    }

    fn tick(&mut self, item: &Item, snapshot: &Snapshot) {
        let Some(wheel) = &mut self.wheel else { return };
        let mut due = std::mem::take(&mut self.due);
        wheel.advance(item.clock, &mut due);
        // By id: the order in which the wheel wakes them depends on when they were put there.
        due.retain(|&handle| self.table.get(handle).is_some_and(|s| s.wake <= item.clock));
        due.sort_by_key(|&handle| self.table.get(handle).map(|s| s.id));
        due.dedup();
        let moment = Moment::Tick.of(item.sequence);
        for handle in due.drain(..) {
            let Some(session) = self.table.get_mut(handle) else { continue };
            let patience = session.patience(snapshot);
            let quiet = item.at.timestamp.abs_diff(session.end);
            if quiet < patience {
                // Seen while a leap of time was in doubt: that was on this side of it.
                session.seen = session.seen.max(item.clock.saturating_sub(quiet));
            }
            let deadline = session.seen.saturating_add(patience);
            if deadline <= item.clock {
                let reason = session.closed.unwrap_or(EndReason::Idle);
                self.end(handle, reason, moment, snapshot);
            } else {
                session.wake = deadline;
                if let Some(wheel) = &mut self.wheel {
                    wheel.insert(deadline, handle);
                }
            }
        }
        self.due = due;
    }

    /// Ends a session: its pending transactions and then itself become rows.
    fn end(&mut self, handle: Handle, reason: EndReason, moment: u64, snapshot: &Snapshot) {
        let session = match self.rest {
            None => self.table.remove(handle),
            // The end of the capture: nobody will look for a session again.
            Some(_) => self.table.drain(handle),
        };
        let Some(mut session) = session else { return };
        self.minor = 0;
        // A defect of a parser must not take the session's row, or the thread, with it.
        if catch_unwind(AssertUnwindSafe(|| self.settle(&mut session, snapshot))).is_err() {
            self.stats.panics += 1;
            self.heard = Heard::default();
            self.blame(session.dissection.path().last().copied());
            session.tcp.halves.iter_mut().for_each(|half| half.release(&mut self.pool));
        }
        let facts = session.facts(&self.paths, snapshot, reason);
        if !self.heard.is_empty() {
            let end = session.end;
            for (proto, transaction) in std::mem::take(&mut self.heard.transactions) {
                if snapshot.plan.transactions {
                    let what = What::Transaction {
                        proto,
                        ts: transaction.start,
                        record: transaction.record,
                    };
                    self.emit(moment, facts.id, facts.clone(), what);
                }
            }
            for fired in std::mem::take(&mut self.heard.fired) {
                let values = fired.values.into_iter().map(|v| v.unwrap_or(Owned::None)).collect();
                let what = What::Event { event: fired.event, ts: end, values };
                self.emit(moment, facts.id, facts.clone(), what);
            }
            self.pass_hints(moment, facts.id);
        }
        self.emit(moment, facts.id, facts, What::Session);
    }

    /// Lets a session's protocols say what they still have to say.
    fn settle(&mut self, session: &mut Session, snapshot: &Snapshot) {
        if session.tcp.halves.iter().any(nf_stream::Half::holds) {
            let mut hands = Hands {
                action: Action::Continue,
                snapshot,
                pool: &mut self.pool,
                heard: &mut self.heard,
                anomalies: &mut self.anomalies,
                blamed: &self.blamed,
                timestamp: session.end,
            };
            for dir in [Direction::Up, Direction::Down] {
                while hands.give_up_hole(session, dir) {}
            }
        }
        session.tcp.halves.iter_mut().for_each(|half| half.release(&mut self.pool));
        if !session.quarantined {
            let anomalies = &mut self.anomalies;
            let now = session.end;
            let mut ear = self.heard.ear(&mut session.notes, anomalies, snapshot, now);
            let pool = &mut self.pool;
            let mut cx = Context { shared: &snapshot.dissector, pool, observer: &mut ear };
            session.dissection.end(&mut cx);
        }
    }

    /// What was heard while a packet was processed becomes rows.
    fn report(
        &mut self,
        item: &Item,
        frame: &[u8],
        handle: Handle,
        (layer, dir, segmented): (usize, Direction, Segmented),
        verdict: Action,
        snapshot: &Snapshot,
    ) {
        let Some(session) = self.table.get(handle) else { return };
        let id = session.id;
        let scene = Scene { item, frame, session: Some((session, dir)), segmented };
        let mut rows = Vec::new();
        for (proto, transaction) in self.heard.transactions.drain(..) {
            if snapshot.plan.transactions {
                rows.push(What::Transaction {
                    proto,
                    ts: transaction.start,
                    record: transaction.record,
                });
            }
        }
        for fired in self.heard.fired.drain(..) {
            let values = fired.values.into_iter().zip(&fired.event.attributes);
            let values = values.map(|(v, a)| v.unwrap_or_else(|| scene.read(a, None))).collect();
            rows.push(What::Event { event: fired.event, ts: item.at.timestamp, values });
        }
        if verdict < Action::Drop {
            rows.extend(packet_events(&scene, snapshot));
        }
        let moment = Moment::Packet(layer).of(item.sequence);
        if !rows.is_empty() {
            let facts = session.facts(&self.paths, snapshot, EndReason::Active);
            for what in rows {
                self.emit(moment, id, facts.clone(), what);
            }
        }
        self.pass_hints(moment, id);
    }

    fn pass_hints(&mut self, moment: u64, session: u64) {
        for hint in self.heard.hints.drain(..) {
            let order = Order { moment, session, minor: self.minor };
            self.minor += 1;
            self.produce.hints.push((order, hint));
        }
    }

    fn emit(&mut self, moment: u64, session: u64, facts: crate::row::SessionFacts, what: What) {
        let order = Order { moment, session, minor: self.minor };
        self.minor += 1;
        self.produce.rows.push(Row { order, session: facts, what });
    }

    /// A packet made a parser panic: its session is not parsed any more, the parser is blamed.
    fn quarantine(&mut self, item: &Item) {
        self.stats.panics += 1;
        self.heard = Heard::default();
        let Some(owner) = item.packet.ips().len().checked_sub(1).map(|n| &item.owners[n]) else {
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

    fn blame(&mut self, proto: Option<ProtoId>) {
        if let Some(proto) = proto {
            *self.blamed.entry(proto).or_default() += 1;
        }
    }

    /// The capture is over: ends some of the sessions that are left, in the order of their ids.
    /// False once there are none.
    pub fn finish(&mut self, last_sequence: u64) -> bool {
        let snapshot = Arc::clone(&self.snapshot);
        let rest = self.rest.get_or_insert_with(|| {
            let table = &self.table;
            let mut rest: Vec<(u64, Handle)> =
                table.handles().filter_map(|h| Some((table.get(h)?.id, h))).collect();
            rest.sort_unstable_by(|a, b| b.cmp(a));
            rest
        });
        let some = rest.split_off(rest.len().saturating_sub(FINISH));
        let moment = Moment::End.of(last_sequence);
        for (_, handle) in some.into_iter().rev() {
            let closed = self.table.get(handle).and_then(|s| s.closed);
            self.end(handle, closed.unwrap_or(EndReason::EndOfCapture), moment, &snapshot);
        }
        self.rest.as_ref().is_some_and(|rest| !rest.is_empty())
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

fn packet_events(scene: &Scene<'_>, snapshot: &Snapshot) -> Vec<What> {
    let mut rows = Vec::new();
    for event in &snapshot.plan.on_packet {
        if scene.read(&event.trigger, None) != Owned::None {
            let values = event.attributes.iter().map(|a| scene.read(a, None)).collect();
            let ts = scene.item.at.timestamp;
            rows.push(What::Event { event: Arc::clone(event), ts, values });
        }
    }
    rows
}

fn tcp_header(item: &Item, ip: &IpLayer, frame: &[u8]) -> Option<TcpHeader> {
    let above = item.packet.layers().get(usize::from(ip.layer) + 1..)?;
    let layer = above.iter().find(|l| l.proto == id::TCP)?;
    TcpHeader::read(frame.get(usize::from(layer.offset)..)?)
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

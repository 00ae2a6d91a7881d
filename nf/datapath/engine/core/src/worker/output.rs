//! What was heard becomes rows.

use std::sync::Arc;

use nf_flow::Handle;
use nf_proto::{Action, Direction};

use super::Worker;
use crate::parcel::Item;
use crate::path::Path;
use crate::plan::scene::Scene;
use crate::row::{EndReason, Moment, Names, Order, Owned, Row, SessionFacts, What};
use crate::snapshot::Snapshot;
use crate::transport::Segmented;

impl Worker {
    /// What was heard while a packet was processed becomes rows.
    pub(super) fn report(
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
            let (ts, record) = (transaction.start, transaction.record);
            rows.push(What::Transaction { proto, ts, record });
        }
        for fired in self.heard.fired.drain(..) {
            let values = fired.values.into_iter().zip(&fired.event.attributes);
            let values = values.map(|(v, a)| v.unwrap_or_else(|| scene.read(a, None))).collect();
            rows.push(What::Event { event: fired.event, ts: item.at.timestamp, values });
        }
        if verdict < Action::Drop {
            rows.extend(packet_events(&scene, snapshot, &self.heard.said));
        }
        self.heard.said.clear();
        let moment = Moment::Packet(layer).of(item.sequence);
        if !rows.is_empty() {
            let facts = session.facts(&self.paths, snapshot, EndReason::Active);
            for what in rows {
                self.emit(moment, id, facts.clone(), what);
            }
        }
        self.pass_hints(moment, id);
    }

    /// What was heard of a packet outside sessions, or when its conversation ended, becomes rows.
    pub(super) fn report_outside(
        &mut self,
        path: Path,
        moment: u64,
        now: u64,
        scene: Option<&Scene<'_>>,
    ) {
        let facts = SessionFacts { path, ..SessionFacts::default() };
        for (proto, transaction) in std::mem::take(&mut self.heard.transactions) {
            let (ts, record) = (transaction.start, transaction.record);
            self.emit(moment, 0, facts.clone(), What::Transaction { proto, ts, record });
        }
        for fired in std::mem::take(&mut self.heard.fired) {
            let of_packet = |a| scene.map_or(Owned::None, |scene| scene.read(a, None));
            let values = fired.values.into_iter().zip(&fired.event.attributes);
            let values = values.map(|(v, a)| v.unwrap_or_else(|| of_packet(a))).collect();
            let what = What::Event { event: fired.event, ts: now, values };
            self.emit(moment, 0, facts.clone(), what);
        }
        self.pass_hints(moment, 0);
    }

    pub(super) fn pass_hints(&mut self, moment: u64, session: u64) {
        for hint in self.heard.hints.drain(..) {
            let order = Order { moment, session, minor: self.minor };
            self.minor += 1;
            self.produce.hints.push((order, hint));
        }
    }

    pub(super) fn emit(&mut self, moment: u64, session: u64, facts: SessionFacts, what: What) {
        let order = Order { moment, session, minor: self.minor };
        self.minor += 1;
        self.produce.rows.push(Row { order, session: facts, what, names: Names::default() });
    }
}

/// Events of the packet; `said` is what its messages say to them.
pub(super) fn packet_events(
    scene: &Scene<'_>,
    snapshot: &Snapshot,
    said: &[(usize, usize, Owned)],
) -> Vec<What> {
    let mut rows = Vec::new();
    for (number, event) in snapshot.plan.on_packet.iter().enumerate() {
        if scene.read(&event.trigger, None) != Owned::None {
            let read = |(place, attribute)| {
                let heard = said.iter().rev().find(|(e, a, _)| (*e, *a) == (number, place));
                heard.map_or_else(|| scene.read(attribute, None), |(_, _, value)| value.clone())
            };
            let values = event.attributes.iter().enumerate().map(read).collect();
            let ts = scene.item.at.timestamp;
            rows.push(What::Event { event: Arc::clone(event), ts, values });
        }
    }
    rows
}

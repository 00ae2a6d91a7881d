//! Users' protocols in frames without an IP layer: rows of no session.

use nf_proto::user::Users;

use super::Worker;
use crate::parcel::Item;
use crate::path::Path;
use crate::plan::scene::Scene;
use crate::row::{Moment, What};
use crate::session::Notes;
use crate::snapshot::Snapshot;
use crate::transport::Segmented;

impl Worker {
    /// Lets users' protocols read a frame; what they find goes on the path and into rows.
    #[cold]
    pub(super) fn read_frame(
        &mut self,
        item: &Item,
        frame: &[u8],
        users: &Users,
        path: &mut Path,
        snapshot: &Snapshot,
    ) {
        let Some(last) = item.packet.layers().last() else { return };
        let time = item.at.timestamp;
        let mut notes = Notes::default();
        let mut ear = self.heard.ear(&mut notes, &mut self.anomalies, snapshot, time);
        let found = users.read_frame(last.proto, frame, last.offset.into(), time, &mut ear);
        found.into_iter().for_each(|id| path.push(id));
        let moment = Moment::Packet(0).of(item.sequence);
        for (proto, transaction) in std::mem::take(&mut self.heard.transactions) {
            if snapshot.plan.transactions {
                let (ts, record) = (transaction.start, transaction.record);
                let what = What::Transaction { proto, ts, record };
                self.emit(moment, 0, Default::default(), what);
            }
        }
        let scene = Scene { item, frame, session: None, segmented: Segmented::default() };
        for fired in std::mem::take(&mut self.heard.fired) {
            let values = fired.values.into_iter().zip(&fired.event.attributes);
            let values = values.map(|(v, a)| v.unwrap_or_else(|| scene.read(a, None))).collect();
            let what = What::Event { event: fired.event, ts: time, values };
            self.emit(moment, 0, Default::default(), what);
        }
        self.pass_hints(moment, 0);
    }
}

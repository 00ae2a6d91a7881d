//! Users' protocols in frames without an IP layer.

use nf_proto::user::Users;

use super::Worker;
use crate::parcel::Item;
use crate::path::Path;
use crate::snapshot::Snapshot;

impl Worker {
    /// Lets users' protocols read a frame; what they find goes on the path.
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
        let mut notes = None;
        let mut ear = self.heard.ear(&mut notes, &mut self.anomalies, snapshot, time);
        let found = users.read_frame(last.proto, frame, last.offset.into(), time, &mut ear);
        found.into_iter().for_each(|id| path.push(id));
    }
}

//! Users' protocols in frames without an IP layer, and those around packets.

use nf_fields::ProtoId;
use nf_flow::Handle;
use nf_proto::user::{Users, tunnel_in};
use nf_proto::{Action, Direction};
use nf_wire::Layer;

use super::Worker;
use crate::feed::Hands;
use crate::parcel::Item;
use crate::path::Path;
use crate::row::Moment;
use crate::snapshot::Snapshot;
use crate::transport::Segmented;

impl Worker {
    /// Lets users' protocols read what a frame carries behind `last`; what they find goes on the
    /// path.
    #[cold]
    pub(super) fn read_frame(
        &mut self,
        (item, frame): (&Item, &[u8]),
        last: Layer,
        users: &Users,
        path: &mut Path,
        snapshot: &Snapshot,
    ) {
        let time = item.at.timestamp;
        let mut notes = None;
        let mut ear = self.heard.ear(&mut notes, &mut self.anomalies, snapshot, time);
        let found = users.read_frame(last.proto, frame, last.offset.into(), time, &mut ear);
        found.into_iter().for_each(|id| path.push(id));
    }

    /// A packet in a frame of a user's: its session is the packet's, its header speaks for itself.
    #[cold]
    pub(super) fn around_first(&mut self, item: &Item, frame: &[u8], snapshot: &Snapshot) {
        let Some(first) = item.packet.ips().first() else { return };
        let layers = item.packet.layers().get(..first.layer.into()).unwrap_or_default();
        let Some((at, _)) = tunnel_in(layers) else { return };
        let outer = layers.get(..at).unwrap_or_default();
        if let (Some(last), Some(users)) = (outer.last(), snapshot.dissector.users_of_frames()) {
            let mut path: Path = outer.iter().map(|l| l.proto).collect();
            self.read_frame((item, frame), *last, users, &mut path, snapshot);
            if !self.heard.is_empty() {
                let moment = Moment::Packet(0).of(item.sequence);
                self.report_outside(path, moment, item.at.timestamp, None);
            }
            self.heard.said.clear();
        }
    }

    /// A datagram of a user's around a packet: the session of the datagram hears of its header.
    #[cold]
    pub(super) fn around(
        &mut self,
        (item, frame): (&Item, &[u8]),
        handle: Handle,
        (layer, dir): (usize, Direction),
        number: ProtoId,
        snapshot: &Snapshot,
    ) {
        let (Some(ip), Some(session)) = (item.packet.ips().get(layer), self.table.get_mut(handle))
        else {
            return;
        };
        let start = ip.payload as usize;
        let payload = frame.get(start..start + ip.payload_captured as usize).unwrap_or_default();
        let known = session.dissection.path().len();
        let mut hands = Hands {
            action: Action::Continue,
            snapshot,
            pool: &mut self.pool,
            heard: &mut self.heard,
            anomalies: &mut self.anomalies,
            blamed: &self.blamed,
            timestamp: item.at.timestamp,
            given_up: 0,
            header: None,
        };
        let cut = ip.payload_captured < ip.payload_len;
        hands.tunnel(session, dir, (payload, cut), number);
        if session.dissection.path().len() != known {
            self.watch(handle, snapshot);
        }
        if !self.heard.is_empty() {
            // Events of the packet itself belong to the session within.
            let about = (layer, dir, Segmented::default());
            self.report(item, frame, handle, about, Action::Drop, snapshot);
        }
    }
}

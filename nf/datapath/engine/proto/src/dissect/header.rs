//! The stage of sessions, and packets of none, whose parser reads what a header begins
//! ([`crate::Info::reads_header`]): the headers say what it is.

use nf_fields::ProtoId;
use nf_wire::{Layer, Packet, id};

use super::{Context, Dissection, Dissector};
use crate::{Action, Segment};

impl Dissector {
    /// Whether a parser reads headers of `id`.
    #[inline]
    pub fn reads_header(&self, id: ProtoId) -> bool {
        self.header_position(id).is_some()
    }

    /// The innermost IP layer's first header that a parser reads, or the first of a packet
    /// without IP.
    #[inline]
    pub fn header_read(&self, packet: &Packet) -> Option<Layer> {
        let from = packet.ips().last().map_or(0, |ip| usize::from(ip.layer).saturating_add(1));
        let layers = packet.layers().get(from..)?;
        layers.iter().find(|l| l.proto != id::UDP && self.reads_header(l.proto)).copied()
    }

    #[inline]
    pub(super) fn header_position(&self, id: ProtoId) -> Option<usize> {
        self.headers.iter().find(|(known, _)| *known == id).map(|&(_, position)| position)
    }
}

impl Dissection {
    /// The headers say what it is: their parser begins with this packet.
    pub(super) fn read_header(
        &mut self,
        cx: &mut Context<'_>,
        seg: &Segment<'_>,
        header: ProtoId,
    ) -> Action {
        let Some(position) = cx.shared.header_position(header) else {
            return Action::Continue;
        };
        self.finish(cx);
        self.install(cx, position, seg.flow);
        self.parse(cx, seg)
    }
}

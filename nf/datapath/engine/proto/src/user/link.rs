//! Frames without an IP layer: they belong to no session, so that each is read by itself.

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::ProtoId;
use nf_stream::Pool;
use nf_wire::{Transport, id};

use super::{Session, Users};
use crate::{Direction, Flow, Observer, Segment};

/// Octets of an Ethernet header, and of a VLAN tag with the type behind it.
const ETHERNET: usize = 14;
const TAG: usize = 6;

/// A flow that is none: frames have no ends that sessions know.
const NOBODY: Flow = Flow {
    initiator: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    responder: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    initiator_port: 0,
    responder_port: 0,
    transport: Transport::Other,
    protocol: 0,
    header: None,
    link: None,
};

impl Users {
    /// Whether any of these is carried by frames.
    pub fn has_links(&self) -> bool {
        self.claims.has_links()
    }

    /// Reads what stands behind the last header of a frame, which starts at `offset`; the
    /// protocols found, outermost first.
    pub fn read_frame(
        &self,
        last: ProtoId,
        frame: &[u8],
        offset: usize,
        time: u64,
        observer: &mut dyn Observer,
    ) -> Vec<ProtoId> {
        let Some((ethertype, at)) = payload_of(last, frame, offset) else { return Vec::new() };
        self.read_payload(ethertype, frame.get(at..).unwrap_or_default(), time, observer)
    }

    /// As [`Users::read_frame`], of the octets behind a type.
    pub(super) fn read_payload(
        &self,
        ethertype: u16,
        data: &[u8],
        time: u64,
        observer: &mut dyn Observer,
    ) -> Vec<ProtoId> {
        let Some(number) = self.claims.of_frame(ethertype, data) else { return Vec::new() };
        let segment =
            Segment { data, dir: Direction::Up, time, cut: false, ppid: 0, flow: &NOBODY };
        // Nothing is held of what is no stream.
        let mut pool = Pool::new(0);
        let mut session = Session::new(number);
        let fed = session.feed(self, &mut pool, observer, &segment);
        session.end(self, &mut pool, observer);
        [Some(number)].into_iter().chain(fed.inside).flatten().collect()
    }
}

/// The type that the frame's last header announces, and where what it carries begins.
pub(super) fn payload_of(last: ProtoId, frame: &[u8], offset: usize) -> Option<(u16, usize)> {
    let length = match last {
        id::ETHERNET => ETHERNET,
        id::DOT1Q => TAG,
        _ => return None,
    };
    let start = offset.checked_add(length)?;
    let ethertype = frame.get(start.checked_sub(2)?..start)?.first_chunk()?;
    Some((u16::from_be_bytes(*ethertype), start))
}

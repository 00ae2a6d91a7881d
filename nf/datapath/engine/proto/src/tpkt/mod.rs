//! TPKT (RFC 1006, RFC 2126): frames that carry the transport protocol COTP over TCP, and within
//! that S7comm. This parser reads all three and reports each in its own name; the path is
//! `tpkt.cotp.s7comm`. A connection request that asks for a remote desktop is left to that.
//!
//! Bounds: frames of 64 KiB, 64 KiB of an unfinished COTP message. After a loss, the next octets
//! that are a frame with a known COTP header are found.

#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::cotp::{self, Connection, Tpdu};
use crate::s7comm::{self, Conversation};
use crate::{
    Cursor, Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, tcp,
};

/// TPKT's number.
pub const ID: ProtoId = ProtoId(637);
/// Port of the registry.
const PORT: u16 = 102;
/// Octets of a frame's header.
const HEADER: usize = 4;
/// Octets of the smallest frame: a header and the smallest TPDU.
const SMALLEST: usize = 7;
/// Longest message that is put together.
const MAX_MESSAGE: usize = 64 * 1024;

crate::anomalies! {
    /// What can be wrong with TPKT.
    pub enum Anomaly {
        /// Octets that are no frame; the next one is looked for.
        InvalidHeader = "invalid_header",
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, Default, Fields)]
pub struct TpktMessage {
    /// Version: 3.
    #[field(id = 1)]
    pub version: u8,
    /// Not used.
    #[field(id = 2)]
    pub reserved: u8,
    /// Octets of the frame with this header.
    #[field(id = 3)]
    pub length: u16,
}

impl TpktMessage {
    fn read(data: &[u8]) -> Option<Self> {
        let mut c = Cursor::new(data);
        Some(Self { version: c.u8()?, reserved: c.u8()?, length: c.u16()? })
    }

    fn is_valid(self) -> bool {
        self.version == 3 && usize::from(self.length) >= SMALLEST
    }
}

/// A session.
pub struct Tpkt {
    connection: Connection,
    conversation: Conversation,
    /// Per direction: octets of a message whose end is still to come.
    parts: [Vec<u8>; 2],
    lost: [bool; 2],
}

impl Protocol for Tpkt {
    const INFO: Info = Info {
        name: "tpkt",
        id: ID,
        title: "Frames of the ISO transport service over TCP",
        spec: "RFC 1006, RFC 2126",
        over: &[tcp(&[PORT])],
        patterns: &[Pattern::start(&[3, 0])],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 66 * 1024,
        message: TpktMessage::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[cotp::ID, s7comm::ID, s7comm::PLUS, cotp::MMS],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            connection: Connection::default(),
            conversation: Conversation::default(),
            parts: Default::default(),
            lost: [false; 2],
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(header) = TpktMessage::read(seg.data) else {
            return if [3, 0].starts_with(seg.data.get(..2).unwrap_or(seg.data)) {
                Probe::Unsure
            } else {
                Probe::No
            };
        };
        if !header.is_valid() || header.reserved != 0 {
            return Probe::No;
        }
        let length = usize::from(header.length);
        let Some(octets) = seg.data.get(HEADER..length) else {
            // What a whole header says is enough to refuse it early.
            let head = seg.data.get(HEADER..).unwrap_or_default();
            return if cotp::may_be(head, length) { Probe::Unsure } else { Probe::No };
        };
        match cotp::parse(octets) {
            Some(Tpdu::Connect(connect)) if connect.is_plain(seg.on_port(PORT)) => Probe::Certain,
            Some(Tpdu::Data { user, .. }) if s7comm::is_likely(user) => Probe::Certain,
            Some(Tpdu::Data { user, .. }) if seg.on_port(PORT) && cotp::is_session(user) => {
                Probe::Certain
            }
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let rest = seg.data.get(used..).unwrap_or_default();
            if self.is_lost(seg.dir) {
                let Some(at) = next_frame(rest) else { return Step::used(seg.data.len()) };
                self.set_lost(seg.dir, false);
                used = used.saturating_add(at);
                continue;
            }
            let Some(header) = TpktMessage::read(rest) else { return Step::need(used, HEADER) };
            if !header.is_valid() {
                out.anomaly(Anomaly::InvalidHeader);
                self.lose(seg.dir);
                used = used.saturating_add(1);
                continue;
            }
            let length = usize::from(header.length);
            let Some(octets) = rest.get(HEADER..length) else { return Step::need(used, length) };
            out.message(&header);
            self.tpdu(octets, seg, out);
            used = used.saturating_add(length);
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lose(dir);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.connection.end(&mut out.of(cotp::ID));
        self.conversation.end(&mut out.of(s7comm::ID));
    }
}

/// The place of the first octets that can be a frame.
fn next_frame(data: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(data, &[3, 0]).find(|&at| {
        let rest = data.get(at..).unwrap_or_default();
        let header = TpktMessage::read(rest);
        header.is_some_and(|h| {
            let body = rest.get(HEADER..).unwrap_or_default();
            h.is_valid() && cotp::may_be(body, h.length.into())
        })
    })
}

impl Tpkt {
    fn is_lost(&self, dir: Direction) -> bool {
        self.lost.get(dir.index()).copied().unwrap_or(false)
    }

    fn set_lost(&mut self, dir: Direction, lost: bool) {
        if let Some(flag) = self.lost.get_mut(dir.index()) {
            *flag = lost;
        }
    }

    /// The place in a direction's octets is lost, and what was begun with it.
    fn lose(&mut self, dir: Direction) {
        self.set_lost(dir, true);
        self.conversation.missed();
        if let Some(parts) = self.parts.get_mut(dir.index()) {
            *parts = Vec::new();
        }
    }

    fn tpdu(&mut self, octets: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        out.inside(cotp::ID);
        let tpdu = self.connection.take(octets, seg, &mut out.of(cotp::ID));
        let Some(Tpdu::Data { user, is_last, .. }) = tpdu else { return };
        let Some(parts) = self.parts.get_mut(seg.dir.index()) else { return };
        if parts.len().saturating_add(user.len()) > MAX_MESSAGE {
            *parts = Vec::new();
            out.of(cotp::ID).anomaly(cotp::Anomaly::MessageTooLong);
            return;
        }
        if !is_last {
            parts.extend_from_slice(user);
            return;
        }
        let whole = std::mem::take(parts);
        if whole.is_empty() {
            self.message(user, seg, out);
        } else {
            self.message(&[&whole, user].concat(), seg, out);
        }
    }

    /// A whole message of what COTP carries.
    fn message(&mut self, octets: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        match octets.first() {
            Some(&s7comm::MARK) => {
                out.inside(s7comm::ID);
                self.conversation.take(octets, seg, &mut out.of(s7comm::ID));
                out.settled();
            }
            Some(&s7comm::PLUS_MARK) => {
                out.inside(s7comm::PLUS);
                s7comm::plus(octets, &mut out.of(s7comm::PLUS));
                out.settled();
            }
            _ if cotp::opens_mms(octets) => {
                out.inside(cotp::MMS);
                out.settled();
            }
            _ => {}
        }
    }
}

//! Layer Two Tunnelling Protocol over UDP: control messages of version 2 (RFC 2661) and 3
//! (RFC 3931), and, in PPP's name, what the ends inside agree on.
//!
//! One transaction per control message; keep-alives and bare acknowledgements are none.
//!
//! Bounds: 255 octets of a text, 16 sessions whose PPP is followed.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, Text};
use nf_wire::{id, l2tp};

use crate::ppp::{self, Ppp};
use crate::{Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, udp};

const MAX_TEXT: usize = 255;
/// Most sessions of a tunnel whose PPP is followed.
const MAX_LINKS: usize = 16;
const OVER: &[Over] = &[udp(&[1701])];

anomalies! {
    /// What can be wrong with it.
    pub enum L2tpAnomaly {
        /// Attributes that do not fit.
        MalformedMessage = "malformed_message",
        /// A tunnel or call ends, or is refused, with an error.
        Error = "error",
    }
}

/// One control message.
#[derive(Debug, Default, Fields)]
pub struct L2tpMessage {
    /// Version, 2 or 3.
    pub version: u8,
    /// Type: sccrq, sccrp, scccn, stopccn, hello, ocrq, ocrp, occn, icrq, icrp, iccn, cdn, wen, sli,
    /// or zlb, which only acknowledges.
    pub message_type: &'static str,
    /// Tunnel (of version 3: connection), as the receiver numbers it.
    pub tunnel_id: u32,
    /// Session, as the receiver numbers it.
    pub session_id: Option<u16>,
    /// Number of the message.
    pub ns: u16,
    /// Number of the message that is expected.
    pub nr: u16,
    /// Tunnel, as the sender numbers it.
    pub assigned_tunnel_id: Option<u32>,
    /// Session, as the sender numbers it.
    pub assigned_session_id: Option<u32>,
    /// Name of the sender.
    pub host_name: Option<Text>,
    /// Maker of the sender.
    pub vendor_name: Option<Text>,
    /// Messages that may be unacknowledged.
    pub receive_window: Option<u16>,
    /// The sender wants a proof.
    pub challenge: Option<bool>,
    /// Number that is called.
    pub called_number: Option<Text>,
    /// Number that calls.
    pub calling_number: Option<Text>,
    /// Serial number of the call.
    pub call_serial: Option<u32>,
    /// Speed of the call, bits per second.
    pub connect_speed_bps: Option<u32>,
    /// Name of a user who proved itself before.
    pub user_name: Option<Text>,
    /// Why it ends.
    pub result_code: Option<u16>,
    /// Error below that.
    pub error_code: Option<u16>,
    /// Words about it.
    pub error_text: Option<Text>,
    /// Attributes that are hidden by the shared secret.
    pub hidden_count: Option<u32>,
}

/// The state of one session.
#[derive(Default)]
pub struct L2tp {
    links: Vec<Link>,
}

/// A session of the tunnel.
#[derive(Default)]
struct Link {
    /// Numbers of the session as receivers of packets up and down know it.
    sessions: [Option<u16>; 2],
    ppp: Ppp,
}

impl Protocol for L2tp {
    const INFO: Info = Info {
        name: "l2tp",
        id: id::L2TP,
        title: "Layer Two Tunnelling Protocol",
        spec: "RFC 2661, RFC 3931",
        over: OVER,
        reads_header: true,
        message: L2tpMessage::fields,
        transaction: L2tpMessage::fields,
        anomalies: L2tpAnomaly::INFOS,
        speaks: &[ppp::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        let Ok(header) = l2tp::Header::new_checked(seg.data) else {
            return Step::all(seg);
        };
        let end = header.length().map_or(seg.data.len(), usize::from).min(seg.data.len());
        let octets = seg.data.get(..end).unwrap_or_default();
        if header.is_control() {
            self.control(&header, octets, seg, out);
        } else if header.version() == 2
            && let Some(frame) = header.payload_at().and_then(|at| octets.get(at..))
        {
            let session = u16::try_from(header.session_id()).unwrap_or(0);
            if let Some(link) = self.link(seg.dir, session) {
                link.frame(frame, seg, &mut out.of(ppp::ID));
            }
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for mut link in self.links.drain(..) {
            link.ppp.end(&mut out.of(ppp::ID));
        }
    }
}

impl L2tp {
    /// The link of a session that packets of one direction go to.
    fn link(&mut self, dir: Direction, session: u16) -> Option<&mut Ppp> {
        let way = dir.index();
        let is_its = |link: &Link| link.sessions.get(way) == Some(&Some(session));
        let is_open = |link: &Link| link.sessions.get(way) == Some(&None);
        let known = self.links.iter().position(is_its);
        // The call was not seen: what has been heard of one direction only is taken for it.
        let at = known.or_else(|| self.links.iter().position(is_open));
        let at = match at {
            Some(at) => at,
            None if self.links.len() < MAX_LINKS => {
                self.links.push(Link::default());
                self.links.len().saturating_sub(1)
            }
            None => return None,
        };
        let link = self.links.get_mut(at)?;
        if let Some(slot) = link.sessions.get_mut(way) {
            *slot = Some(session);
        }
        Some(&mut link.ppp)
    }

    /// An answer to a call has both numbers of the session.
    fn learn(&mut self, record: &L2tpMessage, dir: Direction) {
        let numbers = record.session_id.zip(record.assigned_session_id);
        let Some((theirs, own)) = numbers else { return };
        if matches!(record.message_type, "icrp" | "ocrp") && self.links.len() < MAX_LINKS {
            let own = u16::try_from(own).ok();
            let sessions = match dir {
                Direction::Up => [Some(theirs), own],
                Direction::Down => [own, Some(theirs)],
            };
            self.links.push(Link { sessions, ppp: Ppp::default() });
        }
    }

    fn control(
        &mut self,
        header: &l2tp::Header<'_>,
        octets: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut record = L2tpMessage { version: header.version(), ..L2tpMessage::default() };
        if message::parse(octets, &mut record).is_none() && !seg.cut {
            out.anomaly(L2tpAnomaly::MalformedMessage);
        }
        self.learn(&record, seg.dir);
        if record.error_code.is_some_and(|code| code != 0) {
            out.anomaly(L2tpAnomaly::Error);
        }
        out.message(&record);
        if !matches!(record.message_type, "" | "hello" | "zlb") {
            out.transaction(seg.time, record);
        }
    }
}

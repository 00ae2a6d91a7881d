//! One session as its worker keeps it.

use nf_flow::SessionKey;
use nf_proto::{Direction, Dissection, Flow, TimeoutClass};
use nf_stream::{Messages, Pool};
use nf_wire::id;

use crate::path::{Path, PathTable};
use crate::risk::Risks;
use crate::row::{AppClue, Confidence, EndReason, ServerName, SessionFacts};
use crate::snapshot::Snapshot;
use crate::transport::{Answer, Tcp};

const SECOND_NS: u64 = 1_000_000_000;

/// A session. Under 350 octets; what a parser needs is allocated when there is one.
#[repr(C)]
pub struct Session {
    // What every packet touches comes first: the table fetches the first lines ahead.
    pub(crate) key: SessionKey,
    /// The clock at the last packet: what the wheel goes by.
    pub(crate) seen: u64,
    pub(crate) end: u64,
    pub(crate) packets: [u64; 2],
    pub(crate) bytes: [u64; 2],
    pub(crate) payload: [u64; 2],
    /// Numbers of the paths up and down; the latter `u32::MAX` until the responder speaks.
    pub(crate) paths: [u32; 2],
    pub(crate) closed: Option<EndReason>,
    pub(crate) timeout: TimeoutClass,
    pub(crate) initiator_is_high: bool,
    /// A packet of it made a parser panic: nothing of it is parsed any more.
    pub(crate) quarantined: bool,
    /// The clock when it was last reported while it went on, or when it began; in seconds.
    pub(crate) reported: u32,
    pub(crate) answer: Answer,
    pub(crate) dissection: Dissection,
    pub(crate) tcp: Tcp,
    // From here on: what its beginning, its end and its protocols touch.
    pub(crate) id: u64,
    pub(crate) first: u64,
    pub(crate) start: u64,
    /// When the wheel will look at it next.
    pub(crate) wake: u64,
    /// What protocols have said; most sessions of nobody's have none.
    pub(crate) notes: Option<Box<Notes>>,
    /// Octets and packets of sessions within.
    pub(crate) nested: Option<Box<Nested>>,
    pub(crate) vlan: u16,
    /// Type and code of the message that began it.
    pub(crate) icmp: Option<[u8; 2]>,
    /// Messages of an association.
    pub(crate) sctp: Option<Box<[Messages; 2]>>,
}

/// What protocols have said about a session.
#[derive(Default)]
pub(crate) struct Notes {
    pub server_name: Option<ServerName>,
    pub clue: Option<AppClue>,
    pub anomalies: u32,
    pub met: (u32, u64),
    pub risks: Risks,
}

/// Traffic of the sessions within a tunnel.
#[derive(Default)]
pub(crate) struct Nested {
    pub packets: [u64; 2],
    pub bytes: [u64; 2],
}

impl Session {
    pub(crate) fn new(key: SessionKey, id: u64, first: u64, start: u64, clock: u64) -> Self {
        Self {
            key,
            id,
            first,
            start,
            end: start,
            seen: clock,
            wake: 0,
            reported: seconds(clock),
            packets: [0; 2],
            bytes: [0; 2],
            payload: [0; 2],
            answer: Answer::default(),
            tcp: Tcp::default(),
            dissection: Dissection::default(),
            notes: None,
            nested: None,
            paths: [u32::MAX; 2],
            timeout: TimeoutClass::Default,
            initiator_is_high: false,
            vlan: 0,
            icmp: None,
            sctp: None,
            closed: None,
            quarantined: false,
        }
    }

    /// The direction of a packet whose source is (or is not) the higher end of the key.
    #[inline]
    pub(crate) fn direction(&self, swapped: bool) -> Direction {
        if swapped == self.initiator_is_high { Direction::Up } else { Direction::Down }
    }

    /// The clock when it was last reported, or when it began.
    pub(crate) fn reported(&self) -> u64 {
        u64::from(self.reported) * SECOND_NS
    }

    /// It was reported while it went on.
    pub(crate) fn report(&mut self, clock: u64) {
        self.reported = seconds(clock);
    }

    /// Nanoseconds of silence it may keep.
    #[inline]
    pub(crate) fn patience(&self, snapshot: &Snapshot) -> u64 {
        match self.closed {
            Some(_) => snapshot.timeouts.closed,
            None => snapshot.timeouts.of(self.timeout),
        }
    }

    /// Gives back what is held for later.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        self.tcp.halves.iter_mut().for_each(|half| half.release(pool));
        let messages = self.sctp.iter_mut().flat_map(|both| both.iter_mut());
        messages.for_each(|way| way.release(pool));
    }

    /// Both ends, initiator first.
    pub(crate) fn flow(&self) -> Flow {
        let [low, high] = self.key.ends();
        let (initiator, responder) = if self.initiator_is_high { (high, low) } else { (low, high) };
        Flow {
            initiator: initiator.0,
            responder: responder.0,
            initiator_port: initiator.1,
            responder_port: responder.1,
            transport: self.key.transport(),
            header: None,
            link: None,
            protocol: self.key.protocol(),
        }
    }

    /// Its facts now.
    pub(crate) fn facts(
        &self,
        paths: &PathTable,
        snapshot: &Snapshot,
        end_reason: EndReason,
    ) -> SessionFacts {
        let mut confidence = Confidence::None;
        let mut guess = None;
        let [up, down] = self.paths;
        let headers = paths.get(if up == u32::MAX { down } else { up });
        if !self.dissection.path().is_empty() || is_told_by_headers(&headers) {
            let by_pattern = self.dissection.is_by_pattern();
            confidence = if by_pattern { Confidence::Pattern } else { Confidence::Dpi };
        } else if let Some(id) = snapshot.dissector.port_guess(&self.flow()) {
            confidence = Confidence::Port;
            guess = Some(id);
        }
        let whole = |number: u32| {
            let mut path = paths.get(number);
            self.dissection.path().iter().for_each(|id| path.push(*id));
            guess.into_iter().for_each(|id| path.push(id));
            path
        };
        let nested = self.nested.as_deref();
        let notes = self.notes.as_deref();
        SessionFacts {
            id: self.id,
            start: self.start,
            end: self.end,
            first: self.first,
            key: self.key,
            initiator_is_high: self.initiator_is_high,
            vlan: self.vlan,
            icmp: self.icmp,
            path: if up == u32::MAX { whole(down) } else { whole(up) },
            path_down: if down == u32::MAX { Default::default() } else { whole(down) },
            confidence,
            end_reason,
            server_name: notes.and_then(|n| n.server_name.clone()),
            clue: notes.and_then(|n| n.clue),
            packets: self.packets,
            bytes: self.bytes,
            payload: self.payload,
            nested_packets: nested.map_or([0; 2], |n| n.packets),
            nested_bytes: nested.map_or([0; 2], |n| n.bytes),
            retransmissions: self.tcp.retransmissions,
            rtt_us: self.tcp.timing.rtt_us(),
            handshake_us: self.tcp.timing.handshake_us(),
            app_response_us: self.answer.app_response_us(),
            anomalies: notes.map_or(0, |n| n.anomalies),
            met: notes.map_or((0, 0), |n| n.met),
            risks: notes.map_or(Risks::default(), |n| n.risks),
        }
    }
}

fn seconds(clock: u64) -> u32 {
    u32::try_from(clock / SECOND_NS).unwrap_or(u32::MAX)
}

/// Whether the headers alone say what the session is: ICMP, a tunnel…, but not bare TCP or UDP, with
/// or without telemetry.
fn is_told_by_headers(path: &Path) -> bool {
    !matches!(path.last(), None | Some(id::TCP | id::UDP | id::SCTP | id::IP | id::IPV6 | id::INT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_fits_its_budget() {
        // With its slot and wheel entry well below 1 KB, and near half of that.
        assert!(size_of::<Session>() <= 352, "{}", size_of::<Session>());
    }
}

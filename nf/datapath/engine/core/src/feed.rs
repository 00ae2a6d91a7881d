//! From transport to protocols: segments are put in order, messages of datagrams and SCTP taken
//! out, and what is ready goes to the session's dissection.

use foldhash::HashMap;
use nf_fields::ProtoId;
use nf_proto::{Action, Context, Direction, Flow, Segment};
use nf_stream::{Message, Place, Pool};
use nf_wire::{sctp, sctp_chunk};

use crate::observe::{Anomalies, Heard};
use crate::session::Session;
use crate::snapshot::Snapshot;
use crate::transport::{Segmented, TcpHeader, flag};

/// A parser that has panicked so often is not used any more.
pub(crate) const MAX_PANICS: u32 = 3;

/// What feeding a session needs besides the session.
pub(crate) struct Hands<'a> {
    /// The strongest verdict on the packet so far.
    pub action: Action,
    pub snapshot: &'a Snapshot,
    pub pool: &'a mut Pool,
    pub heard: &'a mut Heard,
    pub anomalies: &'a mut Anomalies,
    pub blamed: &'a HashMap<ProtoId, u32>,
    pub timestamp: u64,
    /// Chunks of SCTP whose content nobody will read.
    pub given_up: u64,
    /// The header that the octets begin with, where a parser reads it.
    pub header: Option<ProtoId>,
}

impl Hands<'_> {
    /// Follows a TCP segment and feeds what is in order.
    pub fn segment(
        &mut self,
        session: &mut Session,
        header: &TcpHeader,
        dir: Direction,
        payload: &[u8],
        length: usize,
    ) -> Segmented {
        let mut told = session.tcp.follow(header, dir, length, self.timestamp);
        let way = dir.index();
        let open = session.dissection.is_open() && !session.quarantined;
        if header.has(flag::ACK) && open {
            self.acknowledged(session, dir.reverse(), header.acknowledgement);
        }
        if length == 0 {
            return told;
        }
        session.answer.payload(dir, self.timestamp);
        let sequence = header.sequence.wrapping_add(header.has(flag::SYN).into());
        let half = &mut session.tcp.halves[way];
        match half.place(sequence, length) {
            Place::Next { skip } => {
                told.retransmission = skip > 0 && !half.fills(sequence, skip);
                half.advance(length - skip);
                if open {
                    let fresh = payload.get(skip..).unwrap_or_default();
                    self.feed(session, dir, fresh, payload.len() < length);
                    let lost = length.saturating_sub(skip.max(payload.len()));
                    self.gap(session, dir, lost as u64);
                    self.catch_up(session, dir);
                }
            }
            Place::Old => {
                // One octet before the next is a keep-alive (RFC 9293 §3.8.4).
                let alive = length <= 1 && sequence.wrapping_add(1) == half.next();
                told.retransmission = !alive && !half.fills(sequence, length);
            }
            Place::Ahead { .. } if !open => {
                told.out_of_order = true;
                half.follow(sequence, length);
            }
            Place::Ahead { .. } => {
                told.out_of_order = true;
                // A record cut by the snap length has a hole of its own: not worth holding.
                while !session.tcp.halves[way].hold(sequence, payload, self.pool) {
                    if !self.give_up_hole(session, dir) {
                        let half = &mut session.tcp.halves[way];
                        let missing = sequence.wrapping_sub(half.next());
                        half.follow(sequence, length);
                        self.gap(session, dir, missing.into());
                        self.feed(session, dir, payload, payload.len() < length);
                        break;
                    }
                }
                self.catch_up(session, dir);
            }
            Place::Outside => {
                told.outside = true;
                if half.is_moved() {
                    half.restart(sequence.wrapping_add(length as u32), self.pool);
                    if open {
                        self.gap(session, dir, u64::from(u32::MAX));
                        self.feed(session, dir, payload, payload.len() < length);
                    }
                }
            }
        }
        session.tcp.retransmissions[way] += u32::from(told.retransmission);
        told
    }

    /// Feeds the user messages of an SCTP packet (RFC 9260 §3.3.1, RFC 8260 §2.1), each once.
    pub fn messages(&mut self, session: &mut Session, dir: Direction, packet: &[u8]) {
        let Ok(header) = sctp::Header::new_checked(packet) else { return };
        for (at, chunk) in header.chunks() {
            let end = at + usize::from(chunk.length());
            let octets = packet.get(sctp::HEADER_LEN..).unwrap_or_default();
            let octets = octets.get(at..end.min(octets.len())).unwrap_or_default();
            match chunk.kind() {
                sctp_chunk::INIT | sctp_chunk::INIT_ACK => {
                    if let Some(both) = &mut session.sctp {
                        both[dir.index()].restart(self.pool);
                    }
                }
                _ => {
                    if let Some(data) = sctp_chunk::user_data(&chunk, octets) {
                        self.message(session, dir, &data);
                    }
                }
            }
        }
    }

    fn message(&mut self, session: &mut Session, dir: Direction, data: &sctp_chunk::UserData<'_>) {
        session.answer.payload(dir, self.timestamp);
        if !session.dissection.is_open() || session.quarantined {
            return;
        }
        let both = session.sctp.get_or_insert_default();
        let chunk = nf_stream::Chunk {
            number: data.number,
            first: data.first,
            last: data.last,
            data: data.payload,
        };
        let way = &mut both[dir.index()];
        let lost = way.lost();
        let message = way.take(chunk, self.pool);
        self.given_up += way.lost() - lost + u64::from(message == Message::Late);
        match message {
            Message::Whole(message) => {
                self.feed_as(session, dir, message, data.cut, data.protocol);
            }
            Message::Joined(message) => {
                self.feed_as(session, dir, &message, data.cut, data.protocol);
            }
            Message::Partial | Message::Again | Message::Late => {}
        }
    }

    /// Held segments whose turn has come.
    fn catch_up(&mut self, session: &mut Session, dir: Direction) {
        while session.tcp.halves[dir.index()].holds() {
            let Some(data) = session.tcp.halves[dir.index()].ready(self.pool) else { return };
            self.feed(session, dir, &data, false);
        }
    }

    /// The other side acknowledged octets that we never saw: they will not come again.
    fn acknowledged(&mut self, session: &mut Session, dir: Direction, number: u32) {
        while session.tcp.halves[dir.index()].is_hole_acknowledged(number) {
            if !self.give_up_hole(session, dir) {
                return;
            }
        }
    }

    fn give_up_hole(&mut self, session: &mut Session, dir: Direction) -> bool {
        let Some(lost) = session.tcp.halves[dir.index()].skip_hole() else { return false };
        self.gap(session, dir, lost.into());
        self.catch_up(session, dir);
        true
    }

    pub fn feed(&mut self, session: &mut Session, dir: Direction, data: &[u8], cut: bool) {
        self.feed_as(session, dir, data, cut, 0);
    }

    /// Feeds octets that their sender says to be what `ppid` stands for.
    fn feed_as(
        &mut self,
        session: &mut Session,
        dir: Direction,
        data: &[u8],
        cut: bool,
        ppid: u32,
    ) {
        let held_back = session.quarantined || self.action > Action::Continue;
        if data.is_empty() || held_back || !session.dissection.is_open() {
            return;
        }
        if !self.blamed.is_empty() && self.is_blamed(session) {
            return;
        }
        let flow = Flow { header: self.header, ..session.flow() };
        let seg = Segment { data, dir, time: self.timestamp, cut, ppid, flow: &flow };
        let mut ear = self.heard.ear(&mut session.notes, self.anomalies, self.snapshot, seg.time);
        let shared = &self.snapshot.dissector;
        let mut cx = Context { shared, pool: self.pool, observer: &mut ear };
        let action = session.dissection.feed(&mut cx, &seg);
        self.action = self.action.max(action);
    }

    /// Feeds a datagram of a user's protocol, which has a packet within.
    pub fn tunnel(
        &mut self,
        session: &mut Session,
        dir: Direction,
        (data, cut): (&[u8], bool),
        number: ProtoId,
    ) {
        if data.is_empty() || session.quarantined || !session.dissection.is_open() {
            return;
        }
        let flow = session.flow();
        let seg = Segment { data, dir, time: self.timestamp, cut, ppid: 0, flow: &flow };
        let mut ear = self.heard.ear(&mut session.notes, self.anomalies, self.snapshot, seg.time);
        let shared = &self.snapshot.dissector;
        let mut cx = Context { shared, pool: self.pool, observer: &mut ear };
        let action = session.dissection.feed_tunnel(&mut cx, &seg, number);
        self.action = self.action.max(action);
    }

    /// The session is over: its protocols say what they still have to say, and all that is held
    /// for later is given back.
    pub fn settle(&mut self, session: &mut Session) {
        if session.tcp.halves.iter().any(nf_stream::Half::holds) {
            for dir in [Direction::Up, Direction::Down] {
                while self.give_up_hole(session, dir) {}
            }
        }
        session.release(self.pool);
        if session.quarantined || !session.dissection.is_open() {
            return;
        }
        let now = self.timestamp;
        let mut ear = self.heard.ear(&mut session.notes, self.anomalies, self.snapshot, now);
        let shared = &self.snapshot.dissector;
        let mut cx = Context { shared, pool: self.pool, observer: &mut ear };
        session.dissection.end(&mut cx);
    }

    fn gap(&mut self, session: &mut Session, dir: Direction, lost: u64) {
        if lost == 0 || session.quarantined {
            return;
        }
        let now = self.timestamp;
        let mut ear = self.heard.ear(&mut session.notes, self.anomalies, self.snapshot, now);
        let shared = &self.snapshot.dissector;
        let mut cx = Context { shared, pool: self.pool, observer: &mut ear };
        session.dissection.gap(&mut cx, dir, lost);
    }

    fn is_blamed(&self, session: &Session) -> bool {
        let panics = |id| self.blamed.get(id).copied().unwrap_or(0);
        session.dissection.path().iter().any(|id| panics(id) >= MAX_PANICS)
    }
}

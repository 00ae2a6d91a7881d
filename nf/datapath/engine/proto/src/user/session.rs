//! One session of a user's protocol: messages are taken off the front and reported.

use std::sync::Arc;

use nf_fields::ProtoId;
use nf_stream::Pool;
use nf_wire::Transport;

use super::program::{Kept, Leap, Message, Program, Target};
use super::{BAD_LENGTH, SHORT_HEADER, Users};
use crate::registry::{Entry, PROTOCOLS};
use crate::{Action, Direction, Fault, Gap, Observer, Parser, Segment, Sink};

/// Most protocols in one message, the first included.
const DEEPEST: usize = 4;
/// Most octets of an unfinished message.
const MOST_PENDING: usize = 64 * 1024;

/// What comes of octets that were fed.
#[derive(Default)]
pub(crate) struct Fed {
    pub action: Action,
    /// Protocols found inside, outermost first.
    pub inside: [Option<ProtoId>; DEEPEST],
    pub then: Then,
}

/// Who gets what follows.
#[derive(Default)]
pub(crate) enum Then {
    /// This session.
    #[default]
    Same,
    /// Nobody.
    Nobody,
    /// A built-in protocol: it takes the stream over from this octet on.
    Handover(ProtoId, Vec<u8>),
}

/// See the module.
pub(crate) struct Session {
    /// The protocol. What it looks like is the configuration's, and may change under way.
    pub number: ProtoId,
    pending: [Vec<u8>; 2],
    /// The built-in parser of what the datagrams carry, and its place in the registry.
    inner: Option<(u16, Box<dyn Parser>)>,
}

impl Session {
    pub(crate) fn new(number: ProtoId) -> Self {
        Self { number, pending: Default::default(), inner: None }
    }

    /// Takes a segment or a datagram.
    pub(crate) fn feed(
        &mut self,
        users: &Users,
        pool: &mut Pool,
        observer: &mut dyn Observer,
        seg: &Segment<'_>,
    ) -> Fed {
        let mut fed = Fed::default();
        let Some(program) = users.program(self.number) else {
            // The plugin was unloaded: nobody knows any more what it is.
            fed.then = Then::Nobody;
            return fed;
        };
        let mut held =
            self.pending.get_mut(seg.dir.index()).map(std::mem::take).unwrap_or_default();
        let before = held.len();
        let data = match held.is_empty() {
            true => seg.data,
            false => {
                held.extend_from_slice(seg.data);
                held.as_slice()
            }
        };
        let taken = self.messages(users, program, observer, &Segment { data, ..*seg }, &mut fed);
        pool.give_back(before);
        let rest = data.get(taken..).unwrap_or_default();
        let named = program.next.is_none() || fed.inside.iter().any(Option::is_some);
        if taken > 0 && named && self.inner.is_none() && !users.is_heard {
            // Nothing more will be learnt of what this session is.
            fed.then = if matches!(fed.then, Then::Same) { Then::Nobody } else { fed.then };
        }
        let stream = seg.flow.transport == Transport::Tcp;
        match fed.then {
            Then::Same if stream && !rest.is_empty() => {
                let fault = match rest.len() {
                    0..=MOST_PENDING if pool.take(rest.len()) => None,
                    0..=MOST_PENDING => Some(Fault::PoolExhausted),
                    _ => Some(Fault::MessageTooLong),
                };
                match (fault, self.pending.get_mut(seg.dir.index())) {
                    (None, Some(pending)) => *pending = rest.to_vec(),
                    (fault, _) => {
                        observer.fault(self.number, fault.unwrap_or(Fault::MessageTooLong));
                        fed.then = Then::Nobody;
                    }
                }
            }
            Then::Handover(_, ref mut octets) => *octets = rest.to_vec(),
            Then::Same | Then::Nobody => {}
        }
        fed
    }

    /// Takes whole messages off the front; how many octets that were.
    fn messages(
        &mut self,
        users: &Users,
        program: &Arc<Program>,
        observer: &mut dyn Observer,
        seg: &Segment<'_>,
        fed: &mut Fed,
    ) -> usize {
        let stream = seg.flow.transport == Transport::Tcp;
        let Some(frame) = &program.frame else {
            let handed = self.message(users, program, observer, seg, fed);
            return handed.unwrap_or(seg.data.len());
        };
        let mut at = 0_usize;
        loop {
            let rest = seg.data.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return at;
            }
            let Some(length) = frame.length(rest) else {
                if !stream {
                    observer.anomaly(self.number, SHORT_HEADER);
                }
                return at;
            };
            let length = usize::try_from(length).unwrap_or(0);
            if length < program.header.max(1) || length > MOST_PENDING {
                observer.anomaly(self.number, BAD_LENGTH);
                fed.then = if stream { Then::Nobody } else { Then::Same };
                return at;
            }
            let Some(data) = rest.get(..length) else {
                if !stream {
                    observer.anomaly(self.number, SHORT_HEADER);
                }
                return at;
            };
            let whole = Segment { data, ..*seg };
            let handed = self.message(users, program, observer, &whole, fed);
            at = at.saturating_add(handed.unwrap_or(length));
            if !matches!(fed.then, Then::Same) {
                return at;
            }
        }
    }

    /// Reports a message and what it carries. When the stream is handed over, the octets that
    /// were taken until there.
    fn message(
        &mut self,
        users: &Users,
        program: &Arc<Program>,
        observer: &mut dyn Observer,
        seg: &Segment<'_>,
        fed: &mut Fed,
    ) -> Option<usize> {
        let (mut program, mut at) = (program, 0_usize);
        let mut inside = [None; DEEPEST];
        for slot in &mut inside {
            let data = seg.data.get(at..).unwrap_or_default();
            if !report(users, program, observer, seg.time, data) {
                break;
            }
            let leap = program.next.as_ref().and_then(|next| next.leap(data));
            let Some(Leap { target, offset }) = leap else { break };
            at = at.saturating_add(offset);
            let Some(rest) = seg.data.get(at..).filter(|rest| !rest.is_empty()) else { break };
            let stream = seg.flow.transport == Transport::Tcp;
            match target {
                Target::Entry(_, id) if stream => {
                    fed.inside = longer(inside, fed.inside);
                    fed.then = Then::Handover(id, Vec::new());
                    return Some(at);
                }
                Target::Entry(place, id) => {
                    *slot = Some(id);
                    let rest = Segment { data: rest, ..*seg };
                    fed.action = fed.action.max(self.pass_on(users, observer, place, &rest));
                    break;
                }
                // The session of the packet in there tells what it is; a stream has none.
                Target::Header(_) if !stream => break,
                Target::Header(id) | Target::Name(id) => {
                    *slot = Some(id);
                    break;
                }
                Target::User(number) => {
                    *slot = Some(number);
                    let Some(inner) = users.program(number) else { break };
                    program = inner;
                }
            }
        }
        fed.inside = longer(inside, fed.inside);
        None
    }

    /// Lets a built-in parser read what a datagram carries.
    fn pass_on(
        &mut self,
        users: &Users,
        observer: &mut dyn Observer,
        place: u16,
        seg: &Segment<'_>,
    ) -> Action {
        let Some(entry) = PROTOCOLS.get(usize::from(place)) else { return Action::Continue };
        if self.inner.as_ref().is_none_or(|(known, _)| *known != place) {
            self.end_inner(users, observer);
            self.inner = Some((place, (entry.create)(seg.flow)));
        }
        match &mut self.inner {
            Some((_, parser)) => parser.parse(seg, &mut sink(users, observer, entry)).action,
            None => Action::Continue,
        }
    }

    /// Tells that `lost` octets of a stream will not come.
    pub(crate) fn gap(&mut self, users: &Users, pool: &mut Pool, dir: Direction) -> Gap {
        self.release(pool, dir);
        // Where messages begin is lost with the octets, unless every segment is one.
        match users.program(self.number) {
            Some(program) if program.frame.is_none() => Gap::Resume,
            _ => Gap::GiveUp,
        }
    }

    /// The octets of an unfinished message; the caller gives them back to the pool.
    pub(crate) fn take_pending(&mut self, dir: Direction) -> Vec<u8> {
        self.pending.get_mut(dir.index()).map(std::mem::take).unwrap_or_default()
    }

    /// The session is over.
    pub(crate) fn end(&mut self, users: &Users, pool: &mut Pool, observer: &mut dyn Observer) {
        self.end_inner(users, observer);
        self.release(pool, Direction::Up);
        self.release(pool, Direction::Down);
    }

    fn end_inner(&mut self, users: &Users, observer: &mut dyn Observer) {
        if let Some((place, mut parser)) = self.inner.take()
            && let Some(entry) = PROTOCOLS.get(usize::from(place))
        {
            parser.end(&mut sink(users, observer, entry));
        }
    }

    fn release(&mut self, pool: &mut Pool, dir: Direction) {
        if let Some(pending) = self.pending.get_mut(dir.index()) {
            pool.give_back(pending.len());
            *pending = Vec::new();
        }
    }
}

fn sink<'s>(users: &'s Users, observer: &'s mut dyn Observer, entry: &Entry) -> Sink<'s> {
    let id = entry.info.id;
    Sink::speaking(observer, id, users.wants(id), &users.wants)
}

/// Reports one header, as far as anybody listens; false when it is not whole.
fn report(
    users: &Users,
    program: &Arc<Program>,
    observer: &mut dyn Observer,
    time: u64,
    data: &[u8],
) -> bool {
    if data.len() < program.header {
        observer.anomaly(program.number, SHORT_HEADER);
        return false;
    }
    let wants = users.wants(program.number);
    let mut sink = Sink::new(observer, program.number, wants);
    if wants.messages {
        sink.message(&Message { program, data });
    }
    if !wants.transactions.is_empty() {
        sink.transaction(time, Kept::of(program, data));
    }
    true
}

/// The longer of two lists of protocols inside; the first one of equal length stays.
fn longer(
    new: [Option<ProtoId>; DEEPEST],
    old: [Option<ProtoId>; DEEPEST],
) -> [Option<ProtoId>; DEEPEST] {
    let length = |list: &[Option<ProtoId>; DEEPEST]| list.iter().flatten().count();
    if length(&new) > length(&old) { new } else { old }
}

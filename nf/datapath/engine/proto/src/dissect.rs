//! One session above its transport: classification, then a parser, then perhaps another one.
//!
//! The same code runs in the engine and in the protocols' tests. Fast path: the first payload is
//! recognised and parsed where it lies; octets are copied only while a probe is unsure or a
//! message is unfinished, within [`Limits`] and the worker's [`Pool`].

mod user;

use std::sync::Arc;

use nf_fields::ProtoId;
use nf_stream::Pool;
use nf_wire::{Layer, Packet, Transport, id};

use crate::named::{Company, FIRST_DATAGRAMS, Named, Table, Told};
use crate::registry::Entry;
use crate::user::{Session as UserSession, Users};
use crate::{
    Action, Classifier, Direction, Excluded, Fault, Flow, Gap, Next, Observer, Parser, Probe,
    ProtoSet, Segment, Sink, Step, Wants,
};

use user::{Claimed, end_user};

/// Most protocols above the transport in one path.
const MAX_DEPTH: usize = 6;

/// Bounds of classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload-bearing packets of a session after which unknown stays unknown.
    pub packets: u8,
    /// Octets kept while a probe is unsure.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { packets: 16, bytes: 8 * 1024 }
    }
}

/// What all sessions share: the registry compiled, and who wants what. Immutable.
pub struct Dissector {
    entries: &'static [Entry],
    classifier: Classifier,
    named: Table,
    wants: Vec<Wants>,
    /// Per entry: the protocols it speaks for, and who listens to these.
    spoken: Vec<Vec<(ProtoId, Wants)>>,
    /// Entries by SCTP's payload protocol identifiers.
    announced: Vec<(u32, usize)>,
    /// Entries that read headers, by id.
    headers: Vec<(ProtoId, usize)>,
    /// Protocols of the users; none where nobody has any.
    users: Option<Arc<Users>>,
    /// Bounds of classification.
    pub limits: Limits,
}

impl Dissector {
    /// Compiles `entries`; `wants` says who listens to a protocol.
    ///
    /// # Errors
    /// As [`Classifier::new`].
    pub fn new(
        entries: &'static [Entry],
        limits: Limits,
        enabled: &dyn Fn(ProtoId) -> bool,
        wants: &dyn Fn(ProtoId) -> Wants,
    ) -> Result<Self, String> {
        let parsed =
            |n: &Named| entries.iter().any(|e| e.info.id == n.id || e.info.answers_to(n.name));
        Ok(Self {
            named: Table::new(&|n| enabled(n.id) && !parsed(n)),
            classifier: Classifier::new(entries, enabled)?,
            wants: entries.iter().map(|e| wants(e.info.id)).collect(),
            spoken: entries
                .iter()
                .map(|e| e.info.speaks.iter().map(|&id| (id, wants(id))).collect())
                .collect(),
            announced: entries
                .iter()
                .enumerate()
                .filter(|(_, e)| enabled(e.info.id))
                .flat_map(|(position, e)| e.info.ppids.iter().map(move |&ppid| (ppid, position)))
                .collect(),
            headers: entries
                .iter()
                .enumerate()
                .filter(|(_, e)| e.info.reads_header && enabled(e.info.id))
                .map(|(position, e)| (e.info.id, position))
                .collect(),
            users: None,
            entries,
            limits,
        })
    }

    /// The entry at `position`.
    pub fn entry(&self, position: usize) -> Option<&'static Entry> {
        self.entries.get(position)
    }

    /// The protocol that the ports of a session suggest.
    pub fn port_guess(&self, flow: &Flow) -> Option<ProtoId> {
        if let Some(guess) = self.users.as_ref().and_then(|users| users.port_guess(flow)) {
            return Some(guess);
        }
        let entry = self.classifier.port_guess(flow).and_then(|i| self.entries.get(i));
        entry.map(|e| e.info.id).or_else(|| self.named.port_guess(flow))
    }

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

    /// The entry whose messages are announced by an identifier of SCTP.
    fn announced(&self, ppid: u32) -> Option<usize> {
        if ppid == 0 {
            return None;
        }
        self.announced.iter().find(|(known, _)| *known == ppid).map(|&(_, position)| position)
    }

    #[inline]
    fn header_position(&self, id: ProtoId) -> Option<usize> {
        self.headers.iter().find(|(known, _)| *known == id).map(|&(_, position)| position)
    }

    fn sink<'s>(&'s self, observer: &'s mut dyn Observer, position: usize) -> Sink<'s> {
        let id = self.entry(position).map(|e| e.info.id).unwrap_or_default();
        let wants = self.wants.get(position).copied().unwrap_or_default();
        let spoken = self.spoken.get(position).map_or(&[][..], Vec::as_slice);
        Sink::speaking(observer, id, wants, spoken)
    }

    fn position_of(&self, id: ProtoId) -> Option<usize> {
        self.entries.iter().position(|e| e.info.id == id)
    }
}

/// The state of one session above its transport. Small while there is nothing to hold.
#[derive(Default)]
pub struct Dissection {
    path: [ProtoId; MAX_DEPTH],
    depth: u8,
    /// Payload-bearing packets spent on classification.
    tried: u8,
    /// Protocols that are out of the question.
    excluded: Excluded,
    stage: Stage,
    /// Path elements named by the parser at work, inside its own.
    named_inside: u8,
    /// What patterns without a parser say so far.
    hunch: Hunch,
}

/// What is known while only patterns speak for a protocol. Its id stands in the slot behind the
/// path, so that a session is no larger for it.
#[derive(Clone, Copy, Debug, Default)]
struct Hunch(u8);

impl Hunch {
    /// The initiator has sent payload; shifted by the direction.
    const HEARD: u8 = 1;
    /// A sign came from the initiator; shifted by the direction.
    const SEEN: u8 = 4;
    /// The evidence is complete.
    const COMPLETE: u8 = 16;
    /// It is the session's protocol.
    const TOLD: u8 = 32;

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// Whether both sides have sent payload.
    fn both_heard(self) -> bool {
        self.0 & (Self::HEARD | Self::HEARD << 1) == Self::HEARD | Self::HEARD << 1
    }

    /// Forgets what was suspected.
    fn drop_suspicion(&mut self) {
        self.0 &= Self::HEARD | Self::HEARD << 1;
    }

    /// Notes a sign.
    fn note(&mut self, company: Company, dir: Direction) {
        let seen = Self::SEEN << dir.index();
        let both = Self::SEEN | Self::SEEN << 1;
        let complete = match company {
            Company::None => true,
            Company::Twice => self.has(both),
            Company::Mutual => self.has(both & !seen),
        };
        self.0 |= seen;
        if complete {
            self.0 |= Self::COMPLETE;
        }
    }
}

#[derive(Default)]
enum Stage {
    /// Nothing tried yet, or nothing worth keeping.
    #[default]
    Fresh,
    /// Some probe is unsure: what it has seen is kept.
    Trying(Box<Trial>),
    Parsing(Box<Parsing>),
    /// A protocol of the user's.
    User(Box<UserSession>),
    /// Nothing further is of interest.
    Finished,
}

#[derive(Default)]
struct Trial {
    /// Streams from their start, while a probe is unsure.
    kept: [Vec<u8>; 2],
    /// What is kept, piece by piece in the order of arrival.
    order: Vec<Piece>,
}

/// A segment whose octets a [`Trial`] keeps.
struct Piece {
    dir: Direction,
    length: u32,
    time: u64,
    cut: bool,
    ppid: u32,
}

/// Datagrams of a session that were kept while a probe was unsure of it.
#[derive(Clone, Copy, Default)]
pub struct Earlier<'a>(Option<&'a Trial>);

impl<'a> Earlier<'a> {
    /// Those of one direction, oldest first.
    pub fn datagrams(&self, dir: Direction) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.0.map_or(&[][..], |trial| trial.kept(dir));
        let pieces = self.0.map_or(&[][..], |trial| trial.order.as_slice());
        pieces.iter().filter(move |piece| piece.dir == dir).map_while(move |piece| {
            let (data, tail) = rest.split_at_checked(piece.length as usize)?;
            rest = tail;
            Some(data)
        })
    }
}

struct Parsing {
    position: usize,
    /// The header it reads, if it does; the headers' path names it already.
    header: Option<ProtoId>,
    parser: Box<dyn Parser>,
    pending: [Vec<u8>; 2],
    need: [usize; 2],
}

/// What a session needs of its worker for the duration of a call.
pub struct Context<'a> {
    /// The compiled registry.
    pub shared: &'a Dissector,
    /// Memory for unfinished messages.
    pub pool: &'a mut Pool,
    /// Who hears what is found.
    pub observer: &'a mut dyn Observer,
}

impl Dissection {
    /// Protocols found above the transport, outermost first.
    pub fn path(&self) -> &[ProtoId] {
        self.path.get(..usize::from(self.depth)).unwrap_or(&[])
    }

    /// Whether further payload is of any interest (else it need not be put in order).
    #[inline]
    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Finished)
    }

    /// Whether the last element of the path was told by a pattern alone.
    pub fn is_by_pattern(&self) -> bool {
        self.hunch.has(Hunch::TOLD)
    }

    /// Whether nothing was recognised and nothing will be.
    pub fn is_unknown(&self) -> bool {
        self.depth == 0 && matches!(self.stage, Stage::Finished)
    }

    fn push(&mut self, proto: ProtoId) {
        self.hunch.drop_suspicion();
        if let Some(slot) = self.path.get_mut(usize::from(self.depth)) {
            *slot = proto;
            self.depth = self.depth.saturating_add(1);
        }
    }

    /// Takes the parser at work off the path, with what it named inside.
    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1).saturating_sub(self.named_inside);
        self.named_inside = 0;
    }

    /// Adds a protocol that the parser at work named inside its own: one, or as many as it reads.
    fn name_inside(&mut self, proto: ProtoId, read: usize) {
        let named = usize::from(self.named_inside);
        let outer = usize::from(self.depth).saturating_sub(named);
        let is_named = self.path().get(outer..).unwrap_or_default().contains(&proto);
        if !is_named && named < read.max(1) && usize::from(self.depth) < MAX_DEPTH {
            self.push(proto);
            self.named_inside = self.named_inside.saturating_add(1);
        }
    }

    /// Takes a segment: stream octets in order, or one datagram.
    pub fn feed(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>) -> Action {
        if seg.data.is_empty() {
            return Action::Continue;
        }
        match &mut self.stage {
            Stage::Finished => Action::Continue,
            Stage::Parsing(parsing) if parsing.header != seg.flow.header => Action::Continue,
            Stage::Parsing(_) => self.parse(cx, seg),
            Stage::User(_) => self.feed_user(cx, seg),
            Stage::Fresh | Stage::Trying(_) => match seg.flow.header {
                Some(header) => self.read_header(cx, seg, header),
                None => self.classify(cx, seg),
            },
        }
    }

    /// The headers say what it is: their parser begins with this packet.
    fn read_header(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>, header: ProtoId) -> Action {
        let Some(position) = cx.shared.header_position(header) else {
            return Action::Continue;
        };
        self.finish(cx);
        self.install(cx, position, seg.flow);
        self.parse(cx, seg)
    }

    /// Tells that `lost` octets of a stream's direction will not come.
    pub fn gap(&mut self, cx: &mut Context<'_>, dir: Direction, lost: u64) {
        match &mut self.stage {
            Stage::Parsing(parsing) => {
                let Some(entry) = cx.shared.entry(parsing.position) else {
                    return;
                };
                release(&mut parsing.pending, dir, cx.pool);
                clear(&mut parsing.need, dir);
                let mut sink = cx.shared.sink(cx.observer, parsing.position);
                if parsing.parser.gap(dir, lost, &mut sink) == Gap::GiveUp {
                    cx.observer.fault(entry.info.id, Fault::Gap);
                    self.finish(cx);
                }
            }
            // A stream with a hole in its first octets: what follows is a new beginning.
            Stage::Trying(trial) => {
                trial.drop_kept(cx.pool);
            }
            Stage::User(_) => self.gap_of_user(cx, dir),
            Stage::Fresh | Stage::Finished => {}
        }
    }

    /// The session is over: pending transactions are reported, memory is given back.
    pub fn end(&mut self, cx: &mut Context<'_>) {
        let classifying = matches!(self.stage, Stage::Fresh | Stage::Trying(_));
        if classifying && self.hunch.has(Hunch::COMPLETE) {
            self.tell(cx);
        }
        self.finish(cx);
    }

    fn finish(&mut self, cx: &mut Context<'_>) {
        match std::mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Parsing(mut parsing) => {
                parsing.parser.end(&mut cx.shared.sink(cx.observer, parsing.position));
                release(&mut parsing.pending, Direction::Up, cx.pool);
                release(&mut parsing.pending, Direction::Down, cx.pool);
            }
            Stage::Trying(mut trial) => trial.drop_kept(cx.pool),
            Stage::User(session) => end_user(*session, cx),
            Stage::Fresh | Stage::Finished => {}
        }
    }

    /// What patterns say of a payload that no parser is certain of: whether to wait for more.
    fn suspect(&mut self, table: &Table, seg: &Segment<'_>, kept: bool) -> bool {
        let heard = Hunch::HEARD << seg.dir.index();
        let early = match seg.flow.transport {
            Transport::Tcp => kept || !self.hunch.has(heard),
            _ => self.tried <= FIRST_DATAGRAMS,
        };
        self.hunch.0 |= heard;
        if !early || self.hunch.has(Hunch::COMPLETE) {
            return false;
        }
        match table.tell(seg) {
            Told::Entry(entry, company) => {
                let slot = self.path.get_mut(usize::from(self.depth));
                if let (Some(slot), Some(id)) = (slot, table.id(entry)) {
                    if *slot != id {
                        self.hunch.drop_suspicion();
                        *slot = id;
                    }
                    self.hunch.note(company, seg.dir);
                }
            }
            Told::Short => return true,
            Told::Nothing => {}
        }
        false
    }

    /// Whether classification has had its packets: half as many where only one side has spoken and
    /// `nobody` claims what it said.
    fn is_spent(&self, cx: &Context<'_>, nobody: bool) -> bool {
        let most = cx.shared.limits.packets;
        self.tried >= most || (nobody && self.tried >= most.div_ceil(2) && !self.hunch.both_heard())
    }

    /// The entry whose evidence is complete is the protocol, and nothing further is read.
    fn tell(&mut self, cx: &mut Context<'_>) {
        self.finish(cx);
        if let Some(id) = self.path.get(usize::from(self.depth)).copied() {
            self.push(id);
            self.hunch.0 |= Hunch::TOLD;
        }
    }

    fn classify(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>) -> Action {
        self.tried = self.tried.saturating_add(1);
        let stream = seg.flow.transport == Transport::Tcp;
        let mut trial = match std::mem::take(&mut self.stage) {
            Stage::Trying(trial) => Some(trial),
            _ => None,
        };
        let kept = trial.as_mut().is_some_and(|t| {
            stream && t.holds(seg.dir) && t.keep(seg, cx.shared.limits.bytes, cx.pool)
        });
        let data = match &trial {
            Some(trial) if kept => trial.kept(seg.dir),
            _ => seg.data,
        };
        let candidates = cx.shared.classifier.candidates(seg.flow.transport, data, self.excluded);
        let whole = Segment { data, ..*seg };
        let earlier = Earlier(trial.as_deref());
        let mut verdict = ask(cx.shared, &whole, &earlier, candidates, &mut self.excluded);
        if let Some(users) = &cx.shared.users {
            match self.claimed(users, cx.shared, &whole, kept, &verdict) {
                Claimed::By(number) => {
                    let position = user::position_of(number);
                    return self.adopt(cx, seg, trial, kept, position);
                }
                Claimed::Perhaps => verdict = Verdict::Unsure,
                Claimed::Not => {}
            }
        }
        if !matches!(verdict, Verdict::Certain(_)) {
            let wait = self.suspect(&cx.shared.named, &whole, kept);
            if wait {
                verdict = Verdict::Unsure;
            }
            // A parser that may still become certain goes before a pattern.
            let nobody = matches!(verdict, Verdict::Nobody);
            if self.hunch.has(Hunch::COMPLETE) && (nobody || self.is_spent(cx, nobody)) {
                self.stage = trial.map_or(Stage::Fresh, Stage::Trying);
                self.tell(cx);
                return Action::Continue;
            }
        }
        match verdict {
            Verdict::Certain(position) => {
                return self.adopt(cx, seg, trial, kept, position);
            }
            _ if self.is_spent(cx, matches!(verdict, Verdict::Nobody)) => {
                if let Some(mut trial) = trial {
                    trial.drop_kept(cx.pool);
                }
                self.stage = Stage::Finished;
                return Action::Continue;
            }
            Verdict::Unsure => {
                let trial = trial.get_or_insert_default();
                if !kept && !trial.keep(seg, cx.shared.limits.bytes, cx.pool) {
                    trial.drop_kept(cx.pool);
                }
            }
            Verdict::Nobody => {
                if let Some(mut trial) = trial.take() {
                    trial.drop_kept(cx.pool);
                }
            }
        }
        self.stage = trial.map_or(Stage::Fresh, Stage::Trying);
        Action::Continue
    }

    /// A protocol is certain: it gets everything kept so far, then this segment.
    fn adopt(
        &mut self,
        cx: &mut Context<'_>,
        seg: &Segment<'_>,
        earlier: Option<Box<Trial>>,
        was_kept: bool,
        position: usize,
    ) -> Action {
        self.start(cx, position, seg.flow);
        let mut action = Action::Continue;
        if let Some(mut trial) = earlier {
            action = self.replay(cx, seg, &trial);
            trial.drop_kept(cx.pool);
        }
        if !was_kept {
            action = action.max(self.feed(cx, seg));
        }
        action
    }

    fn replay(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>, trial: &Trial) -> Action {
        let mut action = Action::Continue;
        let [mut up, mut down] = trial.kept.each_ref().map(Vec::as_slice);
        for &Piece { dir, length, time, cut, ppid } in &trial.order {
            let rest = match dir {
                Direction::Up => &mut up,
                Direction::Down => &mut down,
            };
            let Some((data, tail)) = rest.split_at_checked(length as usize) else {
                break;
            };
            *rest = tail;
            let piece = Segment { data, dir, time, cut, ppid, ..*seg };
            action = action.max(self.feed(cx, &piece));
        }
        action
    }

    fn start(&mut self, cx: &Context<'_>, position: usize, flow: &Flow) {
        match cx.shared.entry(position) {
            Some(entry) if usize::from(self.depth) < MAX_DEPTH => {
                self.push(entry.info.id);
                self.install(cx, position, flow);
            }
            _ => self.start_user(position),
        }
    }

    fn install(&mut self, cx: &Context<'_>, position: usize, flow: &Flow) {
        if let Some(entry) = cx.shared.entry(position) {
            self.named_inside = 0;
            self.stage = Stage::Parsing(Box::new(Parsing {
                position,
                header: flow.header,
                parser: (entry.create)(flow),
                pending: Default::default(),
                need: [0; 2],
            }));
        }
    }

    fn parse(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>) -> Action {
        let Stage::Parsing(parsing) = &mut self.stage else {
            return Action::Continue;
        };
        let Some(entry) = cx.shared.entry(parsing.position) else {
            return Action::Continue;
        };
        let stream = seg.flow.transport == Transport::Tcp;
        let index = seg.dir.index();
        let (Some(pending), Some(need)) =
            (parsing.pending.get_mut(index), parsing.need.get_mut(index))
        else {
            return Action::Continue;
        };

        // Unfinished octets first, if any; the common case reads the packet in place.
        let mut held = std::mem::take(pending);
        if !held.is_empty() {
            if !cx.pool.take(seg.data.len()) {
                cx.pool.give_back(held.len());
                cx.observer.fault(entry.info.id, Fault::PoolExhausted);
                self.finish(cx);
                return Action::Continue;
            }
            held.extend_from_slice(seg.data);
            if held.len() < *need {
                *pending = held;
                return Action::Continue;
            }
        }
        let data = if held.is_empty() { seg.data } else { held.as_slice() };

        let mut sink = cx.shared.sink(cx.observer, parsing.position);
        let outcome = run(parsing.parser.as_mut(), seg, data, &mut sink);
        let inner = sink.inner();
        let is_over = sink.is_settled() && !sink.has_listener();
        let rest = data.get(outcome.consumed..).unwrap_or_default();

        for proto in inner.into_iter().flatten() {
            self.name_inside(proto, entry.info.speaks.len());
        }
        match outcome.next {
            Next::Same if is_over => {
                cx.pool.give_back(held.len());
                self.finish(cx);
            }
            Next::Same if stream => {
                if held.is_empty() {
                    if !cx.pool.take(rest.len()) {
                        cx.observer.fault(entry.info.id, Fault::PoolExhausted);
                        self.finish(cx);
                        return outcome.action;
                    }
                    held = rest.to_vec();
                } else {
                    cx.pool.give_back(outcome.consumed);
                    held.drain(..outcome.consumed.min(held.len()));
                }
                if held.len().max(outcome.need) > entry.info.max_pending {
                    cx.pool.give_back(held.len());
                    cx.observer.fault(entry.info.id, Fault::MessageTooLong);
                    self.finish(cx);
                    return outcome.action;
                }
                if let Stage::Parsing(parsing) = &mut self.stage {
                    if let Some(pending) = parsing.pending.get_mut(index) {
                        *pending = held;
                    }
                    if let Some(need) = parsing.need.get_mut(index) {
                        *need = outcome.need;
                    }
                }
            }
            Next::Same => cx.pool.give_back(held.len()),
            Next::Nobody => {
                cx.pool.give_back(held.len());
                self.finish(cx);
            }
            Next::NotMine => {
                let excluded = cx.shared.classifier.rank_of(parsing_position(&self.stage));
                cx.pool.give_back(held.len());
                self.finish(cx);
                self.pop();
                if self.tried < cx.shared.limits.packets {
                    if let Some(rank) = excluded {
                        cx.shared.classifier.exclude(rank, &mut self.excluded);
                    }
                    self.stage = Stage::Fresh;
                }
            }
            Next::Handover(proto) => {
                let rest = Segment { data: rest, ..*seg };
                let action = self.hand_over(cx, &rest, proto);
                cx.pool.give_back(held.len());
                return outcome.action.max(action);
            }
        }
        outcome.action
    }

    fn hand_over(
        &mut self,
        cx: &mut Context<'_>,
        rest: &Segment<'_>,
        proto: Option<ProtoId>,
    ) -> Action {
        // The other direction may have run ahead of the message that hands over.
        let ahead = match &mut self.stage {
            Stage::Parsing(parsing) => {
                let pending = parsing.pending.get_mut(rest.dir.reverse().index());
                pending.map(std::mem::take).unwrap_or_default()
            }
            Stage::User(session) => session.take_pending(rest.dir.reverse()),
            _ => Vec::new(),
        };
        cx.pool.give_back(ahead.len());
        self.finish(cx);
        match proto {
            Some(id) => match cx.shared.position_of(id) {
                Some(position) => self.start(cx, position, rest.flow),
                None => self.push(id),
            },
            None => {
                self.tried = 0;
                self.excluded = Excluded::default();
                self.hunch = Hunch::default();
                self.stage = Stage::Fresh;
            }
        }
        let action = self.feed(cx, &Segment { data: &ahead, dir: rest.dir.reverse(), ..*rest });
        action.max(self.feed(cx, rest))
    }
}

fn parsing_position(stage: &Stage) -> usize {
    match stage {
        Stage::Parsing(parsing) => parsing.position,
        _ => usize::MAX,
    }
}

/// Calls the parser until it stops consuming; the step says what was taken in all.
fn run(parser: &mut dyn Parser, seg: &Segment<'_>, data: &[u8], sink: &mut Sink<'_>) -> Step {
    let stream = seg.flow.transport == Transport::Tcp;
    let mut total = Step::default();
    loop {
        let rest = data.get(total.consumed..).unwrap_or_default();
        let step = parser.parse(&Segment { data: rest, ..*seg }, sink);
        let taken = step.consumed.min(rest.len());
        let left = rest.len().saturating_sub(taken);
        total = Step {
            consumed: total.consumed.saturating_add(taken),
            action: total.action.max(step.action),
            ..step
        };
        let again = stream
            && taken > 0
            && left > 0
            && step.need <= left
            && step.next == Next::Same
            && total.action == Action::Continue
            && (!sink.is_settled() || sink.has_listener());
        if !again {
            return total;
        }
    }
}

enum Verdict {
    Certain(usize),
    Unsure,
    Nobody,
}

/// Asks the candidates: those of the session's ports first, then by weight.
fn ask(
    shared: &Dissector,
    seg: &Segment<'_>,
    earlier: &Earlier<'_>,
    candidates: ProtoSet,
    excluded: &mut Excluded,
) -> Verdict {
    if candidates.is_empty() {
        return Verdict::Nobody;
    }
    let (responder, initiator) = shared.classifier.on_ports(seg.flow);
    let on_ports = responder.or(&initiator).and(&candidates);
    let announced = shared.announced(seg.ppid);
    let mut verdict = Verdict::Nobody;
    for rank in on_ports.iter().chain(candidates.without(&on_ports).iter()) {
        let Some(position) = shared.classifier.position(rank) else {
            continue;
        };
        if announced.is_some_and(|only| only != position) {
            continue;
        }
        let Some(entry) = shared.entry(position) else {
            continue;
        };
        match (entry.probe_again)(seg, earlier) {
            Probe::Certain => return Verdict::Certain(position),
            Probe::Unsure => verdict = Verdict::Unsure,
            Probe::No => shared.classifier.exclude(rank, excluded),
        }
    }
    verdict
}

impl Trial {
    fn kept_mut(&mut self, dir: Direction) -> &mut Vec<u8> {
        let [up, down] = &mut self.kept;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    fn kept(&self, dir: Direction) -> &[u8] {
        self.kept.get(dir.index()).map_or(&[], Vec::as_slice)
    }

    fn holds(&self, dir: Direction) -> bool {
        !self.kept(dir).is_empty()
    }

    /// Keeps a segment for later; false when a bound forbids it.
    fn keep(&mut self, seg: &Segment<'_>, limit: usize, pool: &mut Pool) -> bool {
        let [up, down] = &self.kept;
        let held = up.len().saturating_add(down.len());
        if held.saturating_add(seg.data.len()) > limit.max(seg.data.len()) {
            return false;
        }
        if !pool.take(seg.data.len()) {
            return false;
        }
        let length = u32::try_from(seg.data.len()).unwrap_or(u32::MAX);
        let Segment { dir, time, cut, ppid, .. } = *seg;
        self.order.push(Piece { dir, length, time, cut, ppid });
        self.kept_mut(seg.dir).extend_from_slice(seg.data);
        true
    }

    fn drop_kept(&mut self, pool: &mut Pool) {
        release(&mut self.kept, Direction::Up, pool);
        release(&mut self.kept, Direction::Down, pool);
        self.order.clear();
    }
}

fn release(buffers: &mut [Vec<u8>; 2], dir: Direction, pool: &mut Pool) {
    if let Some(buffer) = buffers.get_mut(dir.index()) {
        pool.give_back(buffer.len());
        *buffer = Vec::new();
    }
}

fn clear(need: &mut [usize; 2], dir: Direction) {
    if let Some(need) = need.get_mut(dir.index()) {
        *need = 0;
    }
}

//! One session above its transport: classification, then a parser, then perhaps another one.
//!
//! The same code runs in the engine and in the protocols' tests. Fast path: the first payload is
//! recognised and parsed where it lies; octets are copied only while a probe is unsure or a
//! message is unfinished, within [`Limits`] and the worker's [`Pool`]. Each stage that a session goes
//! through has its file.

mod classifying;
mod header;
mod hunch;
mod parsing;
mod trial;
mod user;

use std::sync::Arc;

use nf_fields::ProtoId;
use nf_stream::Pool;

use crate::named::{Named, Table};
use crate::registry::Entry;
use crate::user::{Session as UserSession, Users};
use crate::{
    Action, Classifier, Direction, Excluded, Fault, Flow, Gap, Observer, Segment, Sink, Wants,
};

use hunch::Hunch;
use parsing::Parsing;
pub use trial::Earlier;
use trial::Trial;
use user::end_user;

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

    /// The entry whose messages are announced by an identifier of SCTP.
    fn announced(&self, ppid: u32) -> Option<usize> {
        if ppid == 0 {
            return None;
        }
        self.announced.iter().find(|(known, _)| *known == ppid).map(|&(_, position)| position)
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

//! The stage of a parser at work: unfinished messages are kept for it, it goes on where it stopped, and
//! others take over from it.

use nf_fields::ProtoId;
use nf_wire::Transport;

use super::hunch::Hunch;
use super::{Context, Dissection, MAX_DEPTH, Stage};
use crate::{Action, Excluded, Fault, Flow, Next, Parser, Segment, Sink, Step};

/// A parser at work.
pub(super) struct Parsing {
    pub(super) position: usize,
    /// The header it reads, if it does; the headers' path names it already.
    pub(super) header: Option<ProtoId>,
    pub(super) parser: Box<dyn Parser>,
    pub(super) pending: [Vec<u8>; 2],
    pub(super) need: [usize; 2],
}

impl Dissection {
    pub(super) fn start(&mut self, cx: &Context<'_>, position: usize, flow: &Flow) {
        match cx.shared.entry(position) {
            Some(entry) if usize::from(self.depth) < MAX_DEPTH => {
                self.push(entry.info.id);
                self.install(cx, position, flow);
            }
            _ => self.start_user(position),
        }
    }

    pub(super) fn install(&mut self, cx: &Context<'_>, position: usize, flow: &Flow) {
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

    pub(super) fn parse(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>) -> Action {
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

    pub(super) fn hand_over(
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

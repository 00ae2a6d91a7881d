//! The stage in which nobody knows yet what a session is: probes are asked, patterns noted, and what
//! has passed is replayed to the parser once one is certain.

use nf_wire::Transport;

use super::hunch::Hunch;
use super::trial::{Earlier, Piece, Trial};
use super::user::{self, Claimed};
use super::{Context, Dissection, Dissector, Stage};
use crate::named::{FIRST_DATAGRAMS, Table, Told};
use crate::{Action, Direction, Excluded, Probe, ProtoSet, Segment};

impl Dissection {
    /// What patterns say of a payload that no parser is certain of: whether to wait for more.
    fn suspect(&mut self, table: &Table, seg: &Segment<'_>, kept: bool) -> bool {
        let heard = Hunch::HEARD << seg.dir.index();
        let early = match seg.flow.transport {
            Transport::Tcp => kept || !self.hunch.has(heard),
            _ => self.tried <= FIRST_DATAGRAMS,
        };
        self.hunch.add(heard);
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
    pub(super) fn tell(&mut self, cx: &mut Context<'_>) {
        self.finish(cx);
        if let Some(id) = self.path.get(usize::from(self.depth)).copied() {
            self.push(id);
            self.hunch.add(Hunch::TOLD);
        }
    }

    pub(super) fn classify(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>) -> Action {
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
}

/// What the probes say.
pub(super) enum Verdict {
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

//! Sessions of the users' protocols among those of the built-in ones.

use std::sync::Arc;

use nf_fields::ProtoId;
use nf_wire::Transport;

use super::classifying::Verdict;
use super::hunch::Hunch;
use super::{Context, Dissection, Dissector, MAX_DEPTH, Stage, UserSession};
use crate::user::{Claim, Then, Users, is_users};
use crate::{Action, Direction, Fault, Gap, Segment, Wants};

/// Positions from here on are numbers of users' protocols: the registry is far smaller.
const USERS: usize = 1 << 20;

/// Where a user's protocol stands among the positions of the registry.
pub(super) fn position_of(number: ProtoId) -> usize {
    USERS | usize::from(number.0)
}

/// What users' protocols say of a payload.
pub(super) enum Claimed {
    /// It is this one.
    By(ProtoId),
    /// More octets will tell.
    Perhaps,
    /// It is none.
    Not,
}

impl Dissector {
    /// With the protocols of users; `wants` says who listens to what.
    #[must_use]
    pub fn with_users(mut self, users: Users, wants: &dyn Fn(ProtoId) -> Wants) -> Self {
        self.users = (!users.is_empty()).then(|| Arc::new(users.listening(wants)));
        self
    }

    /// Protocols of users, if packets may lie within some.
    #[inline]
    pub fn users_of_tunnels(&self) -> Option<&Users> {
        self.users.as_deref().filter(|users| users.has_tunnels())
    }

    /// Protocols of users, if some are carried by frames without an IP layer.
    #[inline]
    pub fn users_of_frames(&self) -> Option<&Users> {
        self.users.as_deref().filter(|users| users.has_links())
    }
}

impl Dissection {
    /// Whether a user's protocol claims the payload, and goes before what the probes say.
    #[cold]
    pub(super) fn claimed(
        &self,
        users: &Users,
        shared: &Dissector,
        seg: &Segment<'_>,
        kept: bool,
        verdict: &Verdict,
    ) -> Claimed {
        let heard = Hunch::HEARD << seg.dir.index();
        let from_start = seg.flow.transport != Transport::Tcp || kept || !self.hunch.has(heard);
        let builtin = match verdict {
            Verdict::Certain(position) => shared.entry(*position).map(|e| e.info.weight),
            Verdict::Unsure | Verdict::Nobody => None,
        };
        match users.claim(seg) {
            _ if !from_start || usize::from(self.depth) >= MAX_DEPTH => Claimed::Not,
            Claim::Mine(number, weight) if builtin.is_none_or(|w| weight <= w) => {
                Claimed::By(number)
            }
            Claim::Short if builtin.is_none() => Claimed::Perhaps,
            Claim::Mine(..) | Claim::Short | Claim::Nobody => Claimed::Not,
        }
    }

    /// Takes a datagram of a user's protocol whose packet within has a session of its own: the
    /// headers have said what it is.
    pub fn feed_tunnel(
        &mut self,
        cx: &mut Context<'_>,
        seg: &Segment<'_>,
        number: ProtoId,
    ) -> Action {
        match &mut self.stage {
            Stage::User(_) => {}
            Stage::Fresh | Stage::Trying(_) => {
                self.finish(cx);
                self.start_user(position_of(number));
            }
            Stage::Parsing(_) | Stage::Finished => return Action::Continue,
        }
        self.feed_user(cx, seg)
    }

    /// Begins a session of the user's protocol at a position; of no other there is a parser.
    pub(super) fn start_user(&mut self, position: usize) {
        self.stage = Stage::Finished;
        let number = position.checked_sub(USERS).and_then(|n| u16::try_from(n).ok());
        if let Some(number) = number.map(ProtoId).filter(|id| is_users(*id))
            && usize::from(self.depth) < MAX_DEPTH
        {
            self.push(number);
            self.named_inside = 0;
            self.stage = Stage::User(Box::new(UserSession::new(number)));
        }
    }

    pub(super) fn feed_user(&mut self, cx: &mut Context<'_>, seg: &Segment<'_>) -> Action {
        let Stage::User(session) = &mut self.stage else { return Action::Continue };
        let none = Users::default();
        let users = cx.shared.users.as_deref().unwrap_or(&none);
        let fed = session.feed(users, cx.pool, cx.observer, seg);
        // What was found inside first stays: a path tells what a session is, not each message.
        if self.named_inside == 0 {
            for proto in fed.inside.into_iter().flatten() {
                if usize::from(self.depth) < MAX_DEPTH {
                    self.push(proto);
                    self.named_inside = self.named_inside.saturating_add(1);
                }
            }
        }
        match fed.then {
            Then::Same => fed.action,
            Then::Nobody => {
                self.finish(cx);
                fed.action
            }
            Then::Handover(id, rest) => {
                let rest = Segment { data: &rest, ..*seg };
                fed.action.max(self.hand_over(cx, &rest, Some(id)))
            }
        }
    }

    pub(super) fn gap_of_user(&mut self, cx: &mut Context<'_>, dir: Direction) {
        let Stage::User(session) = &mut self.stage else { return };
        let number = session.number;
        let none = Users::default();
        let users = cx.shared.users.as_deref().unwrap_or(&none);
        if session.gap(users, cx.pool, dir) == Gap::GiveUp {
            cx.observer.fault(number, Fault::Gap);
            self.finish(cx);
        }
    }
}

/// The session of a user's protocol is over.
pub(super) fn end_user(mut session: UserSession, cx: &mut Context<'_>) {
    let none = Users::default();
    session.end(cx.shared.users.as_deref().unwrap_or(&none), cx.pool, cx.observer);
}

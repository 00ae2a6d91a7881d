//! What patterns without a parser say of a session so far.

use crate::Direction;
use crate::named::Company;

/// What is known while only patterns speak for a protocol. Its id stands in the slot behind the
/// path, so that a session is no larger for it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hunch(u8);

impl Hunch {
    /// The initiator has sent payload; shifted by the direction.
    pub(super) const HEARD: u8 = 1;
    /// A sign came from the initiator; shifted by the direction.
    pub(super) const SEEN: u8 = 4;
    /// The evidence is complete.
    pub(super) const COMPLETE: u8 = 16;
    /// It is the session's protocol.
    pub(super) const TOLD: u8 = 32;

    pub(super) fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// Whether both sides have sent payload.
    pub(super) fn both_heard(self) -> bool {
        self.0 & (Self::HEARD | Self::HEARD << 1) == Self::HEARD | Self::HEARD << 1
    }

    /// Adds a flag.
    pub(super) fn add(&mut self, flag: u8) {
        self.0 |= flag;
    }

    /// Forgets what was suspected.
    pub(super) fn drop_suspicion(&mut self) {
        self.0 &= Self::HEARD | Self::HEARD << 1;
    }

    /// Notes a sign.
    pub(super) fn note(&mut self, company: Company, dir: Direction) {
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

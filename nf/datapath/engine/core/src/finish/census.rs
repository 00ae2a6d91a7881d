//! How many sessions there are. Only here are begins and ends of all workers in one order.

use crate::row::{Count, EndReason, Owned, SessionFacts};

/// Of one IP version.
#[derive(Clone, Copy, Default)]
struct Tally {
    begun: u64,
    ended: u64,
    idle: u64,
}

/// Counted while somebody asks.
#[derive(Default)]
pub(super) struct Census {
    ipv4: Tally,
    ipv6: Tally,
}

impl Census {
    fn of(&mut self, version: u8) -> &mut Tally {
        if version == 6 { &mut self.ipv6 } else { &mut self.ipv4 }
    }

    pub fn begun(&mut self, version: u8) {
        self.of(version).begun += 1;
    }

    pub fn ended(&mut self, session: &SessionFacts) {
        let tally = self.of(session.key.version());
        tally.ended += 1;
        tally.idle += u64::from(session.end_reason == EndReason::Idle);
    }

    /// Puts numbers where counts were asked for.
    pub fn fill_in(&mut self, values: &mut [Owned]) {
        for value in values {
            if let Owned::Count(count) = value {
                *value = Owned::Uint(self.count(*count));
            }
        }
    }

    fn count(&mut self, count: Count) -> u64 {
        match count {
            Count::Begun(version) => self.of(version).begun,
            // Some may have begun before anybody asked.
            Count::Active(version) => {
                let tally = self.of(version);
                tally.begun.saturating_sub(tally.ended)
            }
            Count::Idle(version) => self.of(version).idle,
        }
    }
}

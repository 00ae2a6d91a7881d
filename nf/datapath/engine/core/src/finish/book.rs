//! What sessions said of others: names of addresses, sessions announced. Bounded, and asked as
//! of the moment a session began, so that the answer does not depend on when it is asked.

use std::collections::VecDeque;

use foldhash::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use nf_fields::ProtoId;

use crate::row::Hint;

/// Addresses remembered at most.
const MAX_ADDRESSES: usize = 262_144;
/// Names remembered of one address at most, the latest ones.
const NAMES_PER_ADDRESS: usize = 4;
/// Announced sessions remembered at most.
const MAX_EXPECTED: usize = 16_384;
/// Clients keep using an address a little beyond its time to live.
const GRACE_NS: u64 = 60_000_000_000;

struct Name {
    /// Dispatch number of the packet that told it.
    told: u64,
    until: u64,
    name: Arc<[u8]>,
}

struct Expected {
    told: u64,
    until: u64,
    proto: ProtoId,
}

#[derive(Default)]
pub(super) struct Book {
    names: HashMap<IpAddr, VecDeque<Name>>,
    ages: VecDeque<IpAddr>,
    expected: HashMap<(IpAddr, u16), Expected>,
    expected_ages: VecDeque<(IpAddr, u16)>,
}

impl Book {
    /// Notes a hint of the packet with dispatch number `told`.
    pub fn note(&mut self, told: u64, hint: Hint) {
        match hint {
            Hint::Answer { name, address, until } => {
                if !self.names.contains_key(&address) {
                    if self.names.len() >= MAX_ADDRESSES
                        && let Some(oldest) = self.ages.pop_front()
                    {
                        self.names.remove(&oldest);
                    }
                    self.ages.push_back(address);
                }
                let names = self.names.entry(address).or_default();
                if names.len() >= NAMES_PER_ADDRESS {
                    names.pop_front();
                }
                names.push_back(Name { told, until: until.saturating_add(GRACE_NS), name });
            }
            // Not of another session.
            Hint::Begun { .. } => {}
            Hint::Expect { expectation, until } => {
                let key = (expectation.address, expectation.port);
                if self.expected.len() >= MAX_EXPECTED
                    && !self.expected.contains_key(&key)
                    && let Some(oldest) = self.expected_ages.pop_front()
                {
                    self.expected.remove(&oldest);
                }
                let proto = expectation.proto;
                if self.expected.insert(key, Expected { told, until, proto }).is_none() {
                    self.expected_ages.push_back(key);
                }
            }
        }
    }

    /// The name under which `address` was last resolved before a session whose first packet had
    /// dispatch number `first` and time stamp `start`.
    pub fn name(&self, address: IpAddr, first: u64, start: u64) -> Option<Arc<[u8]>> {
        let names = self.names.get(&address)?;
        let fits = |n: &&Name| n.told < first && n.until >= start;
        names.iter().rev().find(fits).map(|n| n.name.clone())
    }

    /// What a session towards `address` and `port` was announced to be, likewise.
    pub fn expected(&self, address: IpAddr, port: u16, first: u64, start: u64) -> Option<ProtoId> {
        let expected = self.expected.get(&(address, port))?;
        (expected.told < first && expected.until >= start).then_some(expected.proto)
    }
}

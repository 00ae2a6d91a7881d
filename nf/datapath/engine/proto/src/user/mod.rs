//! Protocols of the users: described by a plugin file or in Python, executed here.
//!
//! A [`Description`] is compiled once into a [`Program`] of fixed places, masks and a table of
//! what comes next; no code of the user's runs on packets. All of a configuration are [`Users`],
//! a part of its snapshot. What they claim ([`claim`]) goes before built-in protocols of equal or
//! higher weight; what they read is reported like any other message and transaction.

mod claim;
mod compile;
mod description;
mod examine;
mod link;
mod numbers;
mod program;
mod session;
#[cfg(test)]
mod tests;
mod tunnel;

use std::sync::Arc;

use nf_fields::ProtoId;

use crate::registry::PROTOCOLS;
use crate::{AnomalyInfo, Flow, Segment, Wants, named};

pub(crate) use claim::Claim;
use claim::{Carried, Claims};
pub use description::{Attribute, Case, Description, Frame, Next, Number, Octets, Parent};
pub use examine::{Examined, examine};
pub use numbers::{is_users, name_of, public};
pub use program::Program;
pub(crate) use session::{Session, Then};
pub use tunnel::tunnel_in;

/// Most protocols of users.
const MOST: usize = 512;

/// What can be wrong with a message of a user's protocol, by number.
pub const ANOMALIES: &[AnomalyInfo] = &[
    AnomalyInfo { name: "short_header", doc: "A message shorter than its header." },
    AnomalyInfo { name: "bad_length", doc: "A length in the stream that cannot be one." },
];
const SHORT_HEADER: u8 = 0;
const BAD_LENGTH: u8 = 1;

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What.
    pub what: String,
    /// Where it was written.
    pub place: String,
    /// What to try.
    pub hint: String,
}

/// All users' protocols of a configuration.
#[derive(Debug, Default)]
pub struct Users {
    /// By number, ascending.
    programs: Vec<Arc<Program>>,
    claims: Claims,
    /// Some lead to packets within theirs.
    has_tunnels: bool,
    replaced: Vec<ProtoId>,
    /// Who listens to these, and to the built-in protocols that may come next.
    wants: Vec<(ProtoId, Wants)>,
    /// Somebody listens to one of these.
    is_heard: bool,
}

impl Users {
    /// Compiles descriptions; of several with the same name or id the last one counts.
    ///
    /// # Errors
    /// The first mistake.
    pub fn compile(descriptions: &[Description]) -> Result<Self, Mistake> {
        let located = |it: &Description, error: Mistake| Mistake {
            place: match it.place.is_empty() {
                true => format!("plugins: {}", it.name),
                false => it.place.clone(),
            },
            ..error
        };
        let mut users = Self::default();
        let kept: Vec<&Description> = descriptions
            .iter()
            .enumerate()
            .filter(|(n, it)| {
                let later = descriptions.get(n.saturating_add(1)..).unwrap_or_default();
                !later.iter().any(|other| other.name == it.name || other.id == it.id)
            })
            .map(|(_, it)| it)
            .collect();
        let mut numbers = Vec::new();
        for it in &kept {
            compile::check_name(it).map_err(|e| located(it, e))?;
            let number = numbers::number(&it.name, it.id).filter(|_| kept.len() <= MOST);
            let number = number.ok_or_else(|| Mistake {
                what: "too many protocols of users, now or since the start".into(),
                place: format!("plugins: {}", it.name),
                hint: "load fewer plugins, or start nf again".into(),
            })?;
            numbers.push((it.name.as_str(), number));
        }
        let mut claims = Vec::new();
        for (it, (_, number)) in kept.iter().zip(&numbers) {
            let program = compile::compile(it, *number, &numbers).map_err(|e| located(it, e))?;
            claims.extend(compile::claims(it, *number).map_err(|e| located(it, e))?);
            users.has_tunnels |= program.leads_to_headers();
            users.programs.push(Arc::new(program));
            users.replaced.extend(replaced(it));
        }
        users.claims = Claims::of(claims);
        users.programs.sort_by_key(|program| program.number);
        Ok(users)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Them all.
    pub fn programs(&self) -> &[Arc<Program>] {
        &self.programs
    }

    /// Built-in protocols whose name or id one of these has taken.
    pub fn replaced(&self) -> &[ProtoId] {
        &self.replaced
    }

    pub(crate) fn listening(mut self, wants: &dyn Fn(ProtoId) -> Wants) -> Self {
        let heard = |program: &Arc<Program>| wants(program.number) != Wants::default();
        self.is_heard = self.programs.iter().any(heard);
        let entries = PROTOCOLS.iter().map(|entry| entry.info.id);
        let all = self.programs.iter().map(|program| program.number).chain(entries);
        self.wants = all.map(|id| (id, wants(id))).collect();
        self
    }

    pub(crate) fn program(&self, number: ProtoId) -> Option<&Arc<Program>> {
        let found = self.programs.binary_search_by_key(&number, |program| program.number).ok();
        found.and_then(|at| self.programs.get(at))
    }

    fn wants(&self, id: ProtoId) -> Wants {
        let found = self.wants.iter().find(|(known, _)| *known == id);
        found.map(|(_, wants)| *wants).unwrap_or_default()
    }

    /// Whether the payload is one of these.
    #[inline]
    pub(crate) fn claim(&self, seg: &Segment<'_>) -> Claim {
        self.claims.claim(Carried::of(seg.flow), seg.data)
    }

    pub(crate) fn port_guess(&self, flow: &Flow) -> Option<ProtoId> {
        self.claims.port_guess(flow)
    }
}

fn replaced(it: &Description) -> impl Iterator<Item = ProtoId> {
    let entries = PROTOCOLS.iter().map(|e| (e.info.id, e.info.answers_to(&it.name)));
    let named = named::all().iter().map(|n| (n.id, n.answers_to(&it.name)));
    entries.chain(named).filter(|(id, same)| id.0 == it.id || *same).map(|(id, _)| id)
}

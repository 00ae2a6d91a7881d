//! Risks: what a session shows by itself that somebody should look at.
//!
//! Which there are, and when each is said, stands in `risks.conf`, in the filter language as far as
//! it reaches; the rest is a function of `judge.rs`. They cost nothing unless somebody asks: the
//! plan then has the protocols of the rules report their transactions, each transaction is
//! judged where it is heard, and the session when it is reported.

mod judge;
mod rules;

use std::collections::HashMap;

use nf_fields::{Fields, List, ProtoId, Value};
use nf_filter::Filter;

use crate::catalog::{Attribute, Catalog, Source};
use crate::finish::RowView;
use crate::finish::names::{RowNames, TRANSACTION_SLOTS};
use crate::row::SessionFacts;

pub use rules::{Rule, Severity, all};

/// A set of risks: bit `n` is the `n`th rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risks(u64);

impl Risks {
    /// Most rules there may be.
    pub const CAPACITY: usize = 64;

    fn one(rule: usize) -> Self {
        Self(1u64.checked_shl(rule as u32).unwrap_or(0))
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds those of another set.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Their names.
impl List for Risks {
    fn len(&self) -> usize {
        self.0.count_ones() as usize
    }

    fn item(&self, position: usize) -> Value<'_> {
        let mut left = self.0;
        for _ in 0..position {
            left &= left.wrapping_sub(1);
        }
        let rule = rules::all().get(left.trailing_zeros() as usize);
        rule.map_or(Value::None, |rule| Value::Text(rule.name.as_bytes()))
    }
}

/// A condition on transactions, with the fields that its slots mean.
struct OnTransaction {
    risk: Risks,
    filter: Filter,
    fields: Vec<Attribute>,
}

/// All rules, compiled.
pub struct Judge {
    transactions: HashMap<ProtoId, Vec<OnTransaction>>,
    transaction_tests: HashMap<ProtoId, Vec<(Risks, judge::OfTransaction)>>,
    sessions: Vec<(Risks, Filter)>,
    session_tests: Vec<(Risks, judge::OfSession)>,
}

impl Judge {
    /// Compiles the rules.
    ///
    /// # Errors
    /// Says which condition of which rule cannot be met; a defect of `risks.conf`.
    pub fn compile() -> Result<Self, String> {
        let mut made = Self {
            transactions: HashMap::new(),
            transaction_tests: HashMap::new(),
            sessions: Vec::new(),
            session_tests: Vec::new(),
        };
        for (number, rule) in rules::all().iter().enumerate() {
            let risk = Risks::one(number);
            for condition in &rule.when {
                made.add(risk, condition).map_err(|e| format!("risk {}: {e}", rule.name))?;
            }
            for test in &rule.tests {
                let known = judge::find(test);
                match known.ok_or_else(|| format!("risk {}: no test {test}", rule.name))? {
                    judge::Test::Transaction(proto, test) => {
                        let proto = protocol(proto)?;
                        made.transaction_tests.entry(proto).or_default().push((risk, test));
                    }
                    judge::Test::Session(test) => made.session_tests.push((risk, test)),
                }
            }
        }
        Ok(made)
    }

    fn add(&mut self, risk: Risks, condition: &str) -> Result<(), String> {
        let names = RowNames::of(Catalog::get());
        let filter = Filter::parse(condition, &names).map_err(|e| e.to_string())?;
        let fields = names.transaction_fields();
        let of_session = |slot: &u32| *slot < TRANSACTION_SLOTS;
        let mixed = filter.leaves().iter().flat_map(|l| l.slots()).any(of_session);
        match fields.first() {
            None => self.sessions.push((risk, filter)),
            Some(first) => {
                let proto = first.proto;
                if mixed || fields.iter().any(|f| f.proto != proto) {
                    return Err(format!("{condition}: fields of more than one record"));
                }
                let rule = OnTransaction { risk, filter, fields };
                self.transactions.entry(proto).or_default().push(rule);
            }
        }
        Ok(())
    }

    /// Protocols whose transactions must be heard.
    pub fn hears(&self) -> impl Iterator<Item = ProtoId> + '_ {
        self.transactions.keys().chain(self.transaction_tests.keys()).copied()
    }

    /// What a transaction that began at `start` (nanoseconds) shows.
    pub fn transaction(&self, proto: ProtoId, start: u64, record: &dyn Fields) -> Risks {
        let mut found = Risks::default();
        for rule in self.transactions.get(&proto).into_iter().flatten() {
            let holds = rule.filter.matches(&mut |slot, sink| {
                let field = rule.fields.get(slot.wrapping_sub(TRANSACTION_SLOTS) as usize);
                sink(match field.map(|f| f.source) {
                    Some(Source::Transaction(position)) => record.get(position.into()),
                    _ => Value::None,
                });
            });
            if holds {
                found.add(rule.risk);
            }
        }
        for (risk, test) in self.transaction_tests.get(&proto).into_iter().flatten() {
            if test(record, start) {
                found.add(*risk);
            }
        }
        found
    }

    /// What a session shows when it is reported.
    pub fn session(&self, view: &RowView<'_>, facts: &SessionFacts) -> Risks {
        let mut found = Risks::default();
        for (risk, filter) in &self.sessions {
            if filter.matches(&mut |slot, sink| sink(view.get(slot as usize))) {
                found.add(*risk);
            }
        }
        for (risk, test) in &self.session_tests {
            if test(facts) {
                found.add(*risk);
            }
        }
        found
    }
}

fn protocol(name: &str) -> Result<ProtoId, String> {
    let known = Catalog::get().by_name(name).map(|p| p.id);
    known.ok_or_else(|| format!("no protocol {name}"))
}

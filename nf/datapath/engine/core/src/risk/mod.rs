//! Risks: what a session shows by itself that somebody should look at.
//!
//! Which there are, and when each is said, stands in `risks.conf`, in the filter language as far as
//! it reaches; the rest is a function of `judge.rs`. They cost nothing unless somebody asks: the
//! plan then has the protocols of the rules report their transactions, each transaction is
//! judged where it is heard, and the session when it is reported.

mod judge;
mod kinds;
mod names;
mod rules;

use std::cmp::Reverse;

use foldhash::{HashMap, HashMapExt as _};
use nf_fields::{FieldSet, Fields, List, ProtoId, Value};
use nf_filter::Filter;

use crate::catalog::{Attribute, Catalog, Source};
use crate::finish::RowView;
use crate::finish::names::{RowNames, TRANSACTION_SLOTS};
use crate::row::SessionFacts;

use kinds::KIND_FIELDS;
pub(crate) use kinds::{Kind, KindRisks};

pub use rules::{Mistake, Rule, Said, Severity, all, with_files};

/// A set of risks: each name has a bit, for the life of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risks(u128);

impl Risks {
    /// Most rules there may be.
    pub const CAPACITY: usize = 128;

    fn one(rule: usize) -> Self {
        Self(1u128.checked_shl(rule as u32).unwrap_or(0))
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
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
        let name = names::name(left.trailing_zeros() as usize);
        name.map_or(Value::None, |name| Value::Text(name.as_bytes()))
    }
}

/// Fields of a session that tell of risks.
pub(crate) const RISKS: [&str; 2] = ["risks", "risk_severity"];

/// A condition on transactions, with the fields that its slots mean.
struct OnTransaction {
    risk: Risks,
    filter: Filter,
    fields: Vec<Attribute>,
}

/// A function on transactions, with the positions of the fields that it reads.
struct TestOfTransaction {
    risk: Risks,
    places: Vec<usize>,
    test: judge::OfTransaction,
}

/// The rules on a protocol's transactions.
#[derive(Default)]
struct OfProtocol {
    filters: Vec<OnTransaction>,
    tests: Vec<TestOfTransaction>,
}

/// All rules, compiled.
pub struct Judge {
    transactions: HashMap<ProtoId, OfProtocol>,
    /// Conditions on nothing but what a [`Kind`] is made of.
    kinds: Vec<(Risks, Filter)>,
    /// The other conditions on sessions.
    sessions: Vec<(Risks, Filter)>,
    session_tests: Vec<(Risks, judge::OfSession)>,
    /// Greatest first.
    severities: Vec<(Severity, Risks)>,
}

impl Judge {
    /// Compiles the engine's rules and those of files (name and text each), whose conditions may
    /// use the words of `catalog`.
    ///
    /// # Errors
    /// Says where a file is wrong, or which condition cannot be met.
    pub fn compile(files: &[(&str, &str)], catalog: &Catalog) -> Result<Self, Mistake> {
        let mut made = Self {
            transactions: HashMap::new(),
            kinds: Vec::new(),
            sessions: Vec::new(),
            session_tests: Vec::new(),
            severities: Vec::new(),
        };
        for rule in rules::with_files(files)? {
            let number = names::number(rule.name.text).ok_or_else(|| {
                let what = format!("more than {} names of risks since the start", Risks::CAPACITY);
                rule.name.mistake(what, "start nf again, or keep the names".into(), 0)
            })?;
            let risk = Risks::one(number);
            made.severities.push((rule.severity, risk));
            for condition in &rule.when {
                made.add(risk, condition, catalog)?;
            }
            for test in &rule.tests {
                made.add_test(risk, test, catalog)?;
            }
        }
        made.severities.sort_by_key(|(severity, _)| Reverse(*severity));
        Ok(made)
    }

    fn add_test(
        &mut self,
        risk: Risks,
        named: &Said<'_>,
        catalog: &Catalog,
    ) -> Result<(), Mistake> {
        let Some(known) = judge::find(named.text) else {
            let what = format!("there is no test {:?}", named.text);
            return Err(named.mistake(what, format!("one of {}", judge::NAMES.join(", ")), 0));
        };
        match known {
            judge::Test::Transaction { protocol, fields, test } => {
                let of = catalog.by_name(protocol);
                let place = |field: &&str| {
                    let attributes = of.into_iter().flat_map(|p| &p.attributes);
                    attributes.filter(|a| a.field.name == *field).find_map(|a| match a.source {
                        Source::Transaction(n) => Some(usize::from(n)),
                        _ => None,
                    })
                };
                // A plugin that has taken the protocol's place has no such fields: nothing to judge.
                if let (Some(of), Some(places)) = (of, fields.iter().map(place).collect()) {
                    let rules = self.transactions.entry(of.id).or_default();
                    rules.tests.push(TestOfTransaction { risk, places, test });
                }
            }
            judge::Test::Session(test) => self.session_tests.push((risk, test)),
        }
        Ok(())
    }

    fn add(&mut self, risk: Risks, said: &Said<'_>, catalog: &Catalog) -> Result<(), Mistake> {
        let names = RowNames::of(catalog);
        let filter = Filter::parse(said.text, &names).map_err(|e| {
            let before = said.text.get(..e.position).unwrap_or_default().chars().count();
            said.mistake(e.message.clone(), e.hint.clone(), before)
        })?;
        let fields = names.transaction_fields();
        let of_session = |slot: &u32| *slot < TRANSACTION_SLOTS;
        let leaves = filter.leaves();
        let mixed = leaves.iter().flat_map(|l| l.slots()).any(of_session);
        if leaves.iter().any(|leaf| RISKS.contains(&leaf.name())) {
            let what = "a risk cannot follow from risks".into();
            return Err(said.mistake(what, "repeat the other's condition".into(), 0));
        }
        match fields.first() {
            None if leaves.iter().all(|leaf| KIND_FIELDS.contains(&leaf.name())) => {
                self.kinds.push((risk, filter));
            }
            None => self.sessions.push((risk, filter)),
            Some(first) => {
                let proto = first.proto;
                if mixed || fields.iter().any(|f| f.proto != proto) {
                    let what = "fields of more than one record in a condition".into();
                    let hint = "fields of one protocol, or of the session; a `when` for each";
                    return Err(said.mistake(what, hint.into(), 0));
                }
                let rule = OnTransaction { risk, filter, fields };
                self.transactions.entry(proto).or_default().filters.push(rule);
            }
        }
        Ok(())
    }

    /// The greatest severity among risks.
    pub fn severity(&self, risks: Risks) -> Option<Severity> {
        self.severities.iter().find(|(_, risk)| risks.has(*risk)).map(|(severity, _)| *severity)
    }

    /// Protocols whose transactions must be heard, and which fields of them are read; a protocol
    /// may come several times.
    pub fn hears(&self) -> impl Iterator<Item = (ProtoId, FieldSet)> + '_ {
        self.transactions.iter().flat_map(|(proto, rules)| {
            let fields = rules.filters.iter().flat_map(|rule| &rule.fields);
            let of_filters = fields.filter_map(|field| match field.source {
                Source::Transaction(n) => Some(usize::from(n)),
                _ => None,
            });
            let of_tests = rules.tests.iter().flat_map(|test| test.places.iter().copied());
            of_filters.chain(of_tests).map(|place| (*proto, FieldSet::one(place)))
        })
    }

    /// What a transaction that began at `start` (nanoseconds) shows.
    pub fn transaction(&self, proto: ProtoId, start: u64, record: &dyn Fields) -> Risks {
        let mut found = Risks::default();
        let Some(rules) = self.transactions.get(&proto) else {
            return found;
        };
        for rule in &rules.filters {
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
        for of in &rules.tests {
            if (of.test)(&judge::Chosen { record, places: &of.places }, start) {
                found.add(of.risk);
            }
        }
        found
    }

    /// What a session shows when it is reported; `memory` is of one finisher.
    pub(crate) fn session(
        &self,
        view: &RowView<'_>,
        facts: &SessionFacts,
        memory: &mut KindRisks,
    ) -> Risks {
        let mut found = memory.get(view.kind(), || meeting(&self.kinds, view));
        found.add(meeting(&self.sessions, view));
        for (risk, test) in &self.session_tests {
            if test(facts) {
                found.add(*risk);
            }
        }
        found
    }
}

fn meeting(rules: &[(Risks, Filter)], view: &RowView<'_>) -> Risks {
    let mut found = Risks::default();
    for (risk, filter) in rules {
        if filter.matches(&mut |slot, sink| sink(view.get(slot as usize))) {
            found.add(*risk);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Result<Judge, Mistake> {
        Judge::compile(&[("ours.conf", text)], Catalog::get())
    }

    #[test]
    fn every_condition_and_test_of_the_engine_compiles() {
        let judge = Judge::compile(&[], Catalog::get()).unwrap();

        let tests = rules::all().iter().map(|rule| rule.tests.len()).sum::<usize>();
        let of_transactions = judge.transactions.values().map(|of| of.tests.len()).sum::<usize>();
        assert_eq!(of_transactions + judge.session_tests.len(), tests);
        assert_eq!(judge.severities.len(), rules::all().len());
    }

    #[test]
    fn a_wrong_condition_is_told_with_its_column() {
        for (text, place, what) in [
            ("[a]\nwhen = dns.qname == \"x\" and dsn.id", "ours.conf:2:29", "dsn.id"),
            ("[a]\n  when = ", "ours.conf:2:9", ""),
            ("[a]\nwhen = dns.id and http.uri", "ours.conf:2:8", "more than one record"),
            ("[a]\ntest = moonshine", "ours.conf:2:8", "no test \"moonshine\""),
            ("[a]\nwhen = risks == \"b\"", "ours.conf:2:8", "cannot follow from risks"),
        ] {
            let mistake = compile(text).err().unwrap();
            assert_eq!(mistake.place, place, "{text}");
            assert!(mistake.what.contains(what), "{}", mistake.what);
            assert!(!mistake.hint.is_empty(), "{text}");
        }
    }

    #[test]
    fn the_greatest_severity_counts() {
        let judge =
            compile("[small]\nwhen = vlan == 1\n[great]\nseverity = severe\nwhen = vlan == 2")
                .unwrap();
        let risk = |name| Risks::one(names::number(name).unwrap());

        let mut both = risk("small");
        assert_eq!(judge.severity(both), Some(Severity::Low));
        both.add(risk("great"));
        assert_eq!(judge.severity(both), Some(Severity::Severe));
        assert_eq!(judge.severity(Risks::default()), None);
    }
}

//! The extraction plan: what anybody asked for, compiled to what a worker must do.
//!
//! Whoever wants values names attributes; the plan resolves them once and says per protocol
//! whether its messages or transactions must be produced at all. What nobody asked for is never
//! extracted, and a parser nobody listens to ends as soon as it has named its session.

pub mod scene;

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::HashMap;
use nf_fields::{FieldSet, ProtoId};
use nf_proto::Wants;

use crate::catalog::{Attribute, Catalog, Source};
use crate::config::EngineConfig;

/// An event: when its trigger has a value, the attributes are read.
#[derive(Clone, Debug)]
pub struct Event {
    /// `protocol.attribute` as asked for.
    pub name: String,
    /// The trigger.
    pub trigger: Attribute,
    /// Names of the attributes, as asked for.
    pub names: Vec<String>,
    /// What is read.
    pub attributes: Vec<Attribute>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Events in the order of the configuration.
    pub events: Vec<Arc<Event>>,
    /// Events that headers or the packet itself trigger.
    pub on_packet: Vec<Arc<Event>>,
    /// One of these reads what a message says.
    pub packets_read_messages: bool,
    /// Session rows are wanted.
    pub sessions: bool,
    /// Transaction rows are wanted.
    pub transactions: bool,
    /// Somebody asks for what only who sees all packets can tell.
    pub oversees: bool,
    /// Somebody asks how many sessions there are.
    pub counts_sessions: bool,
    messages_of: HashSet<ProtoId>,
    transactions_of: HashMap<ProtoId, FieldSet>,
    all_transactions: bool,
}

/// A setting that cannot be met: which, why, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong.
    pub what: String,
    /// Which setting.
    pub place: String,
    /// What to try.
    pub hint: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n  at: {}\n  try: {}", self.what, self.place, self.hint)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// A mistake in a file of applications: the place is the file and the line.
    pub fn of_applications(mistake: &nf_apps::AppsError) -> Self {
        Self {
            what: mistake.message.clone(),
            place: format!("{}:{}", mistake.file, mistake.line),
            hint: mistake.hint.clone(),
        }
    }
}

impl From<crate::risk::Mistake> for ConfigError {
    fn from(mistake: crate::risk::Mistake) -> Self {
        Self { what: mistake.what, place: mistake.place, hint: mistake.hint }
    }
}

impl From<nf_proto::user::Mistake> for ConfigError {
    fn from(mistake: nf_proto::user::Mistake) -> Self {
        Self { what: mistake.what, place: mistake.place, hint: mistake.hint }
    }
}

impl Plan {
    /// Compiles the wishes of `config`; `filter` names the transaction fields that the row filter
    /// reads.
    ///
    /// # Errors
    /// Names the event or attribute that does not exist.
    pub fn compile(
        config: &EngineConfig,
        filter: &[Attribute],
        catalog: &Catalog,
    ) -> Result<Self, ConfigError> {
        let wants = |report: &str| config.reports.iter().any(|r| r == report);
        let mut plan = Self {
            sessions: true,
            transactions: wants("transaction"),
            all_transactions: wants("transaction"),
            ..Self::default()
        };
        for (number, event) in config.events.iter().enumerate() {
            let place = format!("events[{number}].event");
            let trigger = *find(catalog, &event.event, &place)?;
            let mut attributes = Vec::new();
            for (n, name) in event.attributes.iter().enumerate() {
                let place = format!("events[{number}].attributes[{n}]");
                attributes.push(*find(catalog, name, &place)?);
            }
            for attribute in attributes.iter().chain([&trigger]) {
                plan.arm(attribute);
            }
            let event = Arc::new(Event {
                name: event.event.clone(),
                trigger,
                names: event.attributes.clone(),
                attributes,
            });
            if trigger.source.is_of_packet() {
                plan.packets_read_messages |=
                    event.attributes.iter().any(|a| !a.source.is_of_packet());
                plan.on_packet.push(Arc::clone(&event));
            }
            plan.events.push(event);
        }
        for attribute in filter {
            plan.arm(attribute);
        }
        Ok(plan)
    }

    /// Has `proto` report its transactions for the sake of `fields`, though no rows are made of
    /// them.
    pub fn hear(&mut self, proto: ProtoId, fields: FieldSet) {
        let heard = self.transactions_of.entry(proto).or_default();
        *heard = *heard | fields;
    }

    fn arm(&mut self, attribute: &Attribute) {
        match attribute.source {
            Source::Message(_) => drop(self.messages_of.insert(attribute.proto)),
            Source::Transaction(n) => self.hear(attribute.proto, FieldSet::one(n.into())),
            Source::Overview(_) => self.oversees = true,
            Source::Census(_) => self.counts_sessions = true,
            Source::Header(..) | Source::Scene(_) => {}
        }
    }

    /// Who listens to `proto`.
    pub fn wants(&self, proto: ProtoId) -> Wants {
        Wants {
            messages: self.messages_of.contains(&proto),
            transactions: match self.transactions_of.get(&proto) {
                _ if self.all_transactions => FieldSet::ALL,
                Some(fields) => *fields,
                None => FieldSet::NONE,
            },
        }
    }

    /// Events that a message (or transaction) of `proto` triggers.
    pub fn triggered_by(
        &self,
        proto: ProtoId,
        transaction: bool,
    ) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter().filter(move |event| {
            let fits = match event.trigger.source {
                Source::Message(_) => !transaction,
                Source::Transaction(_) => transaction,
                _ => false,
            };
            fits && event.trigger.proto == proto
        })
    }
}

fn find<'c>(catalog: &'c Catalog, word: &str, place: &str) -> Result<&'c Attribute, ConfigError> {
    catalog.attribute(word).ok_or_else(|| {
        let hint = match word.split_once('.') {
            None => "write it as protocol.attribute, e.g. http.method".to_string(),
            Some((protocol, _)) => match catalog.by_name(protocol) {
                None => "nf protocols lists the protocols".to_string(),
                Some(p) => format!("nf protocols {} lists its attributes", p.name),
            },
        };
        ConfigError { what: format!("no attribute {word:?}"), place: place.to_string(), hint }
    })
}

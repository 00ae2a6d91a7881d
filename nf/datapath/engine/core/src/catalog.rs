//! Every protocol and attribute that exists, by name and by id: headers, parsers, and what
//! sessions know. Filters, events, documentation and the Python registry all read this.

use foldhash::HashMap;
use foldhash::HashMapExt as _;
use std::sync::{Arc, OnceLock};

use nf_fields::{Field, ProtoId, Scope};
use nf_proto::named::{self, Named};
use nf_proto::user::{self, Users};
use nf_proto::{Info, registry};
use nf_wire::header::{HEADERS, HeaderInfo};

use crate::overview;
use crate::plan::scene;
use crate::row::Count;

/// Where an attribute's value comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// A header: position in its fields.
    Header(&'static HeaderInfo, u16),
    /// A protocol's message: position in its fields.
    Message(u16),
    /// A protocol's transaction: position in its fields.
    Transaction(u16),
    /// What the engine itself knows of packet and session.
    Scene(scene::Read),
    /// What only who sees all packets can tell.
    Overview(overview::Read),
    /// How many sessions there are, which only the finishing side knows.
    Census(Count),
}

impl Source {
    /// Whether any packet has it, and not only one with a message.
    pub fn is_of_packet(&self) -> bool {
        !matches!(self, Source::Message(_) | Source::Transaction(_))
    }
}

/// An attribute of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Whose.
    pub proto: ProtoId,
    /// Its id: MMT's, or ours from 1000 up in the order of declaration.
    pub id: u16,
    /// Name, type, scope, documentation.
    pub field: Field,
    /// Where its value comes from.
    pub source: Source,
}

/// A protocol.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Id.
    pub id: ProtoId,
    /// Path word.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// One line.
    pub title: &'static str,
    /// Standard.
    pub spec: &'static str,
    /// Its parser, if it has one.
    pub info: Option<&'static Info>,
    /// Its entry among those without a parser, if it is one.
    pub named: Option<&'static Named>,
    /// Whether a plugin describes it.
    pub plugin: bool,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// The catalog.
#[derive(Clone)]
pub struct Catalog {
    protocols: Vec<Protocol>,
    by_id: HashMap<ProtoId, usize>,
    by_name: HashMap<&'static str, usize>,
}

/// Ids of attributes that MMT does not have start here.
const OWN_ATTRIBUTES: u16 = 1000;

impl Catalog {
    /// The catalog of this build.
    pub fn get() -> &'static Arc<Catalog> {
        static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
        CATALOG.get_or_init(|| Arc::new(Catalog::build()))
    }

    /// The catalog of this build and of the users' protocols, which take the place of those whose
    /// name or id they have.
    pub fn with_users(users: &Users) -> Arc<Catalog> {
        if users.is_empty() {
            return Arc::clone(Self::get());
        }
        let mut made =
            Self { protocols: Vec::new(), by_id: HashMap::new(), by_name: HashMap::new() };
        for program in users.programs() {
            made.add(Protocol {
                id: program.number,
                name: program.name,
                aliases: &[],
                title: program.title,
                spec: "",
                info: None,
                named: None,
                plugin: true,
                attributes: Vec::new(),
            });
            made.extend(program.number, program.fields, Source::Message);
            made.extend(program.number, program.fields, Source::Transaction);
            // Its octets are not among the headers that a packet remembers.
            let of_session = |(field, _): &&(Field, scene::Read)| field.scope != Scope::Packet;
            for (field, read) in scene::GENERIC.iter().filter(of_session) {
                let field = std::slice::from_ref(field);
                made.extend(program.number, field, |_| Source::Scene(*read));
            }
        }
        let own = made.protocols.len();
        for protocol in Self::get().protocols() {
            if !users.replaced().contains(&protocol.id) {
                made.add(protocol.clone());
            }
        }
        // Those of the build come first, as everywhere.
        let count = made.protocols.len();
        made.protocols.rotate_left(own);
        let moved = |index: &mut usize| *index = (*index + count - own) % count;
        made.by_id.values_mut().for_each(moved);
        made.by_name.values_mut().for_each(moved);
        Arc::new(made)
    }

    fn build() -> Self {
        let mut made =
            Self { protocols: Vec::new(), by_id: HashMap::new(), by_name: HashMap::new() };
        for header in HEADERS {
            made.add(Protocol {
                id: header.id,
                name: header.name,
                aliases: header.aliases,
                title: header.doc,
                spec: header.spec,
                info: None,
                named: None,
                plugin: false,
                attributes: Vec::new(),
            });
            let fields = (header.fields)();
            made.extend(header.id, fields, |n| Source::Header(header, n));
        }
        for entry in registry::PROTOCOLS {
            let info = &entry.info;
            made.add(Protocol {
                id: info.id,
                name: info.name,
                aliases: info.aliases,
                title: info.title,
                spec: info.spec,
                info: Some(info),
                named: None,
                plugin: false,
                attributes: Vec::new(),
            });
            made.extend(info.id, (info.message)(), Source::Message);
            made.extend(info.id, (info.transaction)(), Source::Transaction);
        }
        made.add(Protocol {
            id: ProtoId(1),
            name: "meta",
            aliases: &[],
            title: "The packet itself: time, length, path",
            spec: "MMT-DPI",
            info: None,
            named: None,
            plugin: false,
            attributes: Vec::new(),
        });
        for named in named::all() {
            // A parser or header of that name or id is what is meant.
            if made.by_id.contains_key(&named.id) || made.by_name.contains_key(named.name) {
                continue;
            }
            made.add(Protocol {
                id: named.id,
                name: named.name,
                aliases: named.aliases,
                title: named.title,
                spec: named.spec,
                info: None,
                named: Some(named),
                plugin: false,
                attributes: Vec::new(),
            });
        }
        for (proto, field, read) in scene::ATTRIBUTES {
            if let Some(&index) = made.by_name.get(proto) {
                let id = made.protocols[index].id;
                made.extend(id, std::slice::from_ref(field), |_| Source::Scene(*read));
            }
        }
        for (proto, field, read) in overview::ATTRIBUTES {
            if let Some(&index) = made.by_name.get(proto) {
                let id = made.protocols[index].id;
                made.extend(id, std::slice::from_ref(field), |_| Source::Overview(*read));
            }
        }
        for (proto, field, count) in scene::CENSUS {
            if let Some(&index) = made.by_name.get(proto) {
                let id = made.protocols[index].id;
                made.extend(id, std::slice::from_ref(field), |_| Source::Census(*count));
            }
        }
        let every: Vec<ProtoId> = made.protocols.iter().map(|p| p.id).collect();
        for id in every {
            for (field, read) in scene::GENERIC {
                made.extend(id, std::slice::from_ref(field), |_| Source::Scene(*read));
            }
        }
        made
    }

    /// Adds a protocol; a header that a parser reads as well stays one.
    fn add(&mut self, protocol: Protocol) {
        let known = self.by_id.get(&protocol.id).copied();
        let index = known.unwrap_or(self.protocols.len());
        self.by_id.entry(protocol.id).or_insert(index);
        self.by_name.entry(protocol.name).or_insert(index);
        for alias in protocol.aliases {
            self.by_name.entry(alias).or_insert(index);
        }
        match known.and_then(|index| self.protocols.get_mut(index)) {
            Some(known) => {
                let attributes = std::mem::take(&mut known.attributes);
                *known = Protocol { attributes, ..protocol };
            }
            None => self.protocols.push(protocol),
        }
    }

    fn extend(&mut self, id: ProtoId, fields: &[Field], source: impl Fn(u16) -> Source) {
        let Some(protocol) = self.by_id.get(&id).and_then(|&i| self.protocols.get_mut(i)) else {
            return;
        };
        for (position, field) in fields.iter().enumerate() {
            let own = OWN_ATTRIBUTES + protocol.attributes.len() as u16;
            protocol.attributes.push(Attribute {
                proto: id,
                id: if field.id == 0 { own } else { field.id },
                field: *field,
                source: source(position as u16),
            });
        }
    }

    /// All protocols, headers first.
    pub fn protocols(&self) -> &[Protocol] {
        &self.protocols
    }

    /// By name or alias.
    pub fn by_name(&self, name: &str) -> Option<&Protocol> {
        self.by_name.get(name).and_then(|&i| self.protocols.get(i))
    }

    /// By id.
    pub fn by_id(&self, id: ProtoId) -> Option<&Protocol> {
        self.by_id.get(&id).and_then(|&i| self.protocols.get(i))
    }

    /// `protocol.attribute`, names or aliases. A message's field comes before a transaction's
    /// of the same name; see [`Catalog::transaction_field`] for the other one.
    pub fn attribute(&self, word: &str) -> Option<&Attribute> {
        let (protocol, name) = word.split_once('.')?;
        let attributes = &self.by_name(protocol)?.attributes;
        attributes
            .iter()
            .find(|a| a.field.name == name)
            .or_else(|| attributes.iter().find(|a| a.field.answers_to(name)))
    }

    /// `protocol.field` of the protocol's transaction record.
    pub fn transaction_field(&self, word: &str) -> Option<&Attribute> {
        let (protocol, name) = word.split_once('.')?;
        let transactions = || {
            self.by_name(protocol).into_iter().flat_map(|p| &p.attributes).filter(is_transaction)
        };
        transactions()
            .find(|a| a.field.name == name)
            .or_else(|| transactions().find(|a| a.field.answers_to(name)))
    }
}

impl Protocol {
    /// The strongest way in which it is told: `header`, `dpi`, `pattern`, `port`, `name` or
    /// `plugin`.
    pub fn told(&self) -> &'static str {
        match (self.info, self.named) {
            _ if self.plugin => "plugin",
            (Some(_), _) => "dpi",
            (None, Some(named)) => named.told(),
            (None, None) => "header",
        }
    }
}

fn is_transaction(attribute: &&Attribute) -> bool {
    matches!(attribute.source, Source::Transaction(_))
}

/// The path word of a protocol; `unknown` for what no catalog holds.
pub fn name_of(id: ProtoId) -> &'static str {
    if user::is_users(id) {
        return user::name_of(id).unwrap_or("unknown");
    }
    Catalog::get().by_id(id).map_or("unknown", |p| p.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_of_a_protocols_attributes_are_unique_within_a_source() {
        for protocol in Catalog::get().protocols() {
            let mut seen = HashSet::new();
            for a in protocol.attributes.iter().filter(|a| !is_transaction(a)) {
                assert!(
                    seen.insert(a.id),
                    "{}.{} repeats id {}",
                    protocol.name,
                    a.field.name,
                    a.id
                );
            }
        }
    }

    #[test]
    fn attributes_are_found_by_name_and_by_alias() {
        let catalog = Catalog::get();
        assert_eq!(catalog.attribute("tcp.src_port").map(|a| a.id), Some(1));
        assert_eq!(catalog.attribute("ip.session_id").map(|a| a.id), Some(4107));
        assert!(catalog.attribute("tcp.nonsense").is_none());
        assert!(catalog.attribute("tcp").is_none());
    }

    /// MMT-DPI's table: number and name.
    const MMT: &str = include_str!("mmt_protocols.csv");

    /// Its names that mean another entry of its own here: TDS is what its MSSQL speaks, and its
    /// QUIC is Google's, while the word means the standard's.
    const MOVED: [(&str, &str); 2] = [("mssql", "tds"), ("quic", "quic_ietf")];

    #[test]
    fn every_name_of_mmt_leads_to_its_id() {
        let apps = nf_apps::Apps::builtin();
        let catalog = Catalog::get();
        let mut missing = Vec::new();
        for line in MMT.lines() {
            let (id, name) = line.split_once(',').unwrap();
            let id = ProtoId(id.parse().unwrap());
            let app = apps.by_name(name).and_then(|app| apps.get(app)).map(|app| app.id);
            let protocol = catalog.by_name(name).map(|p| p.id);
            let same = |&(old, new): &(&str, &str)| {
                old == name && catalog.by_name(new).map(|p| p.id) == protocol
            };
            if protocol.is_some() && MOVED.iter().any(same) {
                continue;
            }
            // What is not known at all has the number 0 and no entry.
            if id != ProtoId::UNKNOWN && protocol != Some(id) && app != Some(id) {
                missing.push(format!("{name} {}", id.0));
            }
        }
        assert!(MMT.lines().count() == 670 && missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_protocol_with_an_applications_name_has_its_id() {
        let apps = nf_apps::Apps::builtin();
        for named in Catalog::get().protocols().iter().filter(|p| p.named.is_some()) {
            let app = apps.by_name(named.name).and_then(|app| apps.get(app));
            assert!(app.is_none_or(|app| app.id == named.id), "{}", named.name);
            let same = apps.by_id(named.id).and_then(|app| apps.get(app));
            assert!(same.is_none_or(|app| &*app.name == named.name), "{}", named.name);
        }
    }
}

//! Protocols without a parser: told by the octets of their first packets, by a port, or only
//! known by name. They are data: `protocols.conf` in this folder, which says how it is written.
//!
//! What a sign claims is weighed when the file is read: each octet, range and length is worth so
//! many bits, and a sign that random octets would bear too often is refused. They are compiled
//! into tables of anchors, which only sessions that no parser recognised ever ask.
//!
//! A parser or a header with the name or id of an entry takes its place.

mod file;
mod sign;
mod table;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use nf_fields::ProtoId;
use nf_wire::Transport;

pub(crate) use sign::Company;
pub(crate) use table::{FIRST_DATAGRAMS, Table, Told};

/// What comes with the engine.
const BUILTIN: &str = include_str!("protocols.conf");

/// A protocol of the file.
#[derive(Debug)]
pub struct Named {
    /// Its word in paths and filters.
    pub name: &'static str,
    /// MMT-DPI's id, or ours from 1350 up.
    pub id: ProtoId,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// One line for people.
    pub title: &'static str,
    /// Where it is described; empty where nobody published it.
    pub spec: &'static str,
    /// What kind of protocol it is, one word.
    pub family: &'static str,
    /// Ports of the responder.
    pub ports: Vec<(Transport, u16)>,
    /// SCTP's payload protocol identifiers.
    pub ppids: Vec<u32>,
    /// What its first packets look like.
    pub(crate) signs: Vec<sign::Sign>,
}

impl Named {
    /// The strongest way in which sessions of it are told: `pattern`, `port` or `name`.
    pub fn told(&self) -> &'static str {
        match (self.signs.is_empty() && self.ppids.is_empty(), self.ports.is_empty()) {
            (false, _) => "pattern",
            (true, false) => "port",
            (true, true) => "name",
        }
    }

    /// Whether `name` is its name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// Every protocol of the file, in its order.
///
/// # Panics
/// When the file that was built in has a mistake: nothing of it could be told, and tests read it.
#[expect(clippy::panic, reason = "a build that cannot read its own table must not go on without")]
pub fn all() -> &'static [Named] {
    static NAMED: OnceLock<Vec<Named>> = OnceLock::new();
    NAMED.get_or_init(|| {
        file::read(BUILTIN).unwrap_or_else(|mistakes| panic!("protocols.conf: {mistakes}"))
    })
}

//! A row as fields: what formats write and filters read.

use std::cell::OnceCell;
use std::net::IpAddr;

use nf_apps::App;
use nf_fields::{Field, Fields, Value};

use super::community::CommunityId;
use super::session_fields::{READ, SESSION_FIELDS};
use crate::risk::{Kind, Severity};
use crate::row::Row;
use crate::snapshot::Snapshot;

/// The values of a row's session.
pub struct RowView<'a> {
    pub(super) row: &'a Row,
    snapshot: &'a Snapshot,
    pub(crate) source: (IpAddr, u16),
    pub(crate) target: (IpAddr, u16),
    pub(super) community: OnceCell<CommunityId>,
}

impl<'a> RowView<'a> {
    /// A view of `row`, which was finished under `snapshot`.
    pub fn new(row: &'a Row, snapshot: &'a Snapshot) -> Self {
        let [low, high] = row.session.key.ends();
        let (source, target) =
            if row.session.initiator_is_high { (high, low) } else { (low, high) };
        Self { row, snapshot, source, target, community: OnceCell::new() }
    }

    /// Whether the row is about a session, and not about a packet outside any.
    #[inline]
    pub fn is_of_session(&self) -> bool {
        self.row.session.id != 0
    }

    /// The severity of its risks, as the configuration has it.
    pub(super) fn severity(&self) -> Option<Severity> {
        self.snapshot.judge.as_ref()?.severity(self.row.session.risks)
    }

    /// What it is, as far as risks may follow from that alone.
    pub(crate) fn kind(&self) -> Kind {
        let session = &self.row.session;
        Kind {
            protocol: session.path.last(),
            confidence: session.confidence,
            app: self.row.names.app,
            ip_proto: session.key.protocol(),
        }
    }

    /// Its application.
    pub(crate) fn app(&self) -> Option<&App> {
        self.row.names.app.and_then(|(app, _)| self.snapshot.apps.get(app))
    }
}

impl Fields for RowView<'_> {
    fn fields() -> &'static [Field] {
        SESSION_FIELDS
    }

    fn field_list(&self) -> &'static [Field] {
        SESSION_FIELDS
    }

    fn get(&self, position: usize) -> Value<'_> {
        // Packets outside sessions have a time, a path if a parser read them, and nothing else.
        let is_known = position == 0
            || SESSION_FIELDS.get(position).is_some_and(|field| field.name == "path")
                && self.row.names.path.is_some();
        if !self.is_of_session() && !is_known {
            return Value::None;
        }
        READ.get(position).map_or(Value::None, |read| read(self))
    }
}

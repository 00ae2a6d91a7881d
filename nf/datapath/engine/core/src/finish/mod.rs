//! The finishing side: rows in order get what only order can give them.
//!
//! Which application an address belongs to, and which session another one announced, depend on
//! what was seen before, in whatever session. Here all rows pass in one order, so the answer is
//! the same for any number of workers. Then the row filter, then the aggregates.

mod book;
pub mod names;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use nf_apps::AppRef;
use nf_flow::SessionKey;

use crate::aggregate::Aggregates;
use crate::merge::Merged;
use crate::path::{Path, PathTexts};
use crate::row::{Confidence, Loose, Row, SessionFacts, What};
use crate::snapshot::Snapshot;

use book::Book;
pub use view::{DEFAULT_SESSION_FIELDS, RowView, SESSION_FIELDS, community_id};

/// A row ready to be written.
pub struct Finished {
    /// The session.
    pub session: SessionFacts,
    /// Text of its path.
    pub path: Arc<str>,
    /// Text of the path down; empty while the responder has not spoken.
    pub path_down: Arc<str>,
    /// Its application.
    pub app: Option<AppRef>,
    /// What happened.
    pub what: What,
}

/// See the module.
pub struct Finisher {
    snapshot: Arc<Snapshot>,
    book: Book,
    texts: PathTexts,
    /// Sums over sessions.
    pub aggregates: Aggregates,
    /// Packets of sessions that have ended.
    pub in_sessions: u64,
    /// Sessions that have ended.
    pub sessions: u64,
    ready: Vec<Finished>,
    /// Rows finished under earlier snapshots.
    sealed: VecDeque<(Arc<Snapshot>, Vec<Finished>)>,
    want_sessions: bool,
}

impl Finisher {
    /// A finisher for rows made under `snapshot`.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let reports = &snapshot.config.reports;
        let has = |name: &str| reports.iter().any(|r| r == name);
        Self {
            book: Book::default(),
            texts: PathTexts::default(),
            aggregates: Aggregates::new(has("protocol"), has("app"), has("host")),
            in_sessions: 0,
            sessions: 0,
            ready: Vec::new(),
            sealed: VecDeque::new(),
            want_sessions: has("session"),
            snapshot,
        }
    }

    /// Goes on under another configuration.
    pub fn follow(&mut self, snapshot: Arc<Snapshot>) {
        if !self.ready.is_empty() {
            let rows = std::mem::take(&mut self.ready);
            self.sealed.push_back((Arc::clone(&self.snapshot), rows));
        }
        self.want_sessions = snapshot.config.reports.iter().any(|r| r == "session");
        self.snapshot = snapshot;
    }

    /// Takes the next in order.
    pub fn take(&mut self, next: Merged) {
        match next {
            Merged::Hint(order, hint) => self.book.note(order.moment >> 4, hint),
            Merged::Row(row) => self.row(row),
        }
    }

    fn row(&mut self, mut row: Row) {
        if matches!(row.what, What::Session) {
            self.in_sessions += row.session.packets.iter().sum::<u64>();
            self.sessions += 1;
        }
        let app = if row.session.id == 0 { None } else { self.identify(&mut row.session) };
        let mut finished = Finished {
            path: self.texts.text(&row.session.path),
            path_down: self.texts.text(&row.session.path_down),
            session: row.session,
            app,
            what: row.what,
        };
        if !self.passes(&mut finished) {
            return;
        }
        if matches!(finished.what, What::Session) {
            self.aggregates.session(&finished, &self.snapshot.apps);
            if !self.want_sessions {
                return;
            }
        }
        self.ready.push(finished);
    }

    /// The application; and the protocol, where another session announced this one.
    fn identify(&mut self, session: &mut SessionFacts) -> Option<AppRef> {
        let (address, port) = responder(&session.key, session.initiator_is_high);
        if session.confidence < Confidence::Dpi
            && let Some(proto) = self.book.expected(address, port, session.first, session.start)
        {
            for path in [&mut session.path, &mut session.path_down] {
                if session.confidence == Confidence::Port && !path.is_empty() {
                    path.pop();
                }
                if !path.is_empty() {
                    path.push(proto);
                }
            }
            session.confidence = Confidence::Dpi;
        }
        if let Some(server) = &session.server_name {
            return self.snapshot.apps.lookup(&server.name);
        }
        let name = self.book.name(address, session.first, session.start)?;
        let app = self.snapshot.apps.lookup(&name)?;
        if session.confidence == Confidence::None {
            session.confidence = Confidence::Address;
        }
        Some(app)
    }

    fn passes(&self, finished: &mut Finished) -> bool {
        let Some(filter) = &self.snapshot.filter else { return true };
        names::passes(filter, &self.snapshot, finished)
    }

    /// Packets outside sessions, for the aggregates.
    pub fn loose(&mut self, path: &Path, loose: &Loose) {
        if self.snapshot.filter.is_none() {
            self.aggregates.loose(path, loose);
        }
    }

    /// Rows ready.
    pub fn ready(&self) -> usize {
        self.sealed.iter().map(|(_, rows)| rows.len()).sum::<usize>() + self.ready.len()
    }

    /// Takes rows that are ready, with the snapshot they are to be read under.
    pub fn take_ready(&mut self) -> (Arc<Snapshot>, Vec<Finished>) {
        match self.sealed.pop_front() {
            Some(sealed) => sealed,
            None => (Arc::clone(&self.snapshot), std::mem::take(&mut self.ready)),
        }
    }

    /// The configuration rows are finished under.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }
}

fn responder(key: &SessionKey, initiator_is_high: bool) -> (std::net::IpAddr, u16) {
    let [low, high] = key.ends();
    if initiator_is_high { low } else { high }
}

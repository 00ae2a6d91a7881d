//! The finishing side: rows in order get what only order can give them.
//!
//! Which application an address belongs to, and which session another one announced, depend on
//! what was seen before, in whatever session. Here all rows pass in one order, so the answer is
//! the same for any number of workers. Then the row filter, then the aggregates.

mod book;
mod census;
mod community;
pub mod names;
mod session_fields;
mod view;

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use nf_apps::{AppRef, Told};
use nf_fields::ProtoId;
use nf_flow::SessionKey;
use nf_wire::id;

use crate::aggregate::Aggregates;
use crate::merge::Merged;
use crate::path::{Path, PathTexts};
use crate::risk::KindRisks;
use crate::row::{
    AppConfidence, Confidence, EndReason, Hint, Loose, Names, Order, Row, ServerName, SessionFacts,
    What,
};
use crate::snapshot::Snapshot;
use crate::worker::Produce;

use book::Book;
use census::Census;
pub use session_fields::{DEFAULT_SESSION_FIELDS, SESSION_FIELDS};
pub use view::RowView;

/// Protocols that encrypt what is within: TLS, DTLS, QUIC.
const SECURE: [ProtoId; 3] = [ProtoId(341), ProtoId(660), ProtoId(661)];
/// Protocols that any application may speak: those, HTTP, WebSocket, and media with what opens
/// the way for it.
const CARRIERS: [u16; 12] = [153, 298, 341, 347, 627, 660, 661, 700, 1112, 1220, 1222, 1240];

/// See the module.
pub struct Finisher {
    snapshot: Arc<Snapshot>,
    book: Book,
    census: Census,
    kinds: KindRisks,
    texts: PathTexts,
    /// Sums over sessions.
    pub aggregates: Aggregates,
    /// Packets of sessions that have ended.
    pub in_sessions: u64,
    /// Sessions that have ended.
    pub sessions: u64,
    ready: Vec<Row>,
    /// Rows finished under earlier snapshots.
    sealed: VecDeque<(Arc<Snapshot>, Vec<Row>)>,
    want_sessions: bool,
    /// Rows are concluded by whoever takes them.
    awaits_verdicts: bool,
    inquiry: Option<Inquiry>,
}

/// Sums that include the sessions that go on. Those may end while they are asked for one after the
/// other: each counts once, as it was when its worker told of it, or when it ended.
struct Inquiry {
    sums: Aggregates,
    told: HashSet<u64>,
}

impl Finisher {
    /// A finisher for rows made under `snapshot`.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let reports = &snapshot.config.reports;
        let has = |name: &str| reports.iter().any(|r| r == name);
        Self {
            book: Book::default(),
            census: Census::default(),
            kinds: KindRisks::default(),
            texts: PathTexts::default(),
            aggregates: Aggregates::new(has("protocol"), has("app"), has("host")),
            in_sessions: 0,
            sessions: 0,
            ready: Vec::new(),
            sealed: VecDeque::new(),
            want_sessions: has("session"),
            awaits_verdicts: false,
            inquiry: None,
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
            Merged::Hint(order, hint) => self.note(order, hint),
            Merged::Row(mut row) => {
                if self.finish(&mut row) {
                    self.ready.push(row);
                }
            }
        }
    }

    /// Takes what a single worker produced: it is in order, and is finished where it lies.
    pub fn take_all(&mut self, produce: Produce) {
        let Produce { mut rows, hints } = produce;
        let mut hints = hints.into_iter().peekable();
        rows.retain_mut(|row| {
            while let Some((order, hint)) = hints.next_if(|(order, _)| *order < row.order) {
                self.note(order, hint);
            }
            self.finish(row)
        });
        hints.for_each(|(order, hint)| self.note(order, hint));
        if self.ready.is_empty() {
            self.ready = rows;
        } else {
            self.ready.append(&mut rows);
        }
    }

    fn note(&mut self, order: Order, hint: Hint) {
        match hint {
            Hint::Begun { version } => self.census.begun(version),
            hint => self.book.note(order.moment >> 4, hint),
        }
    }

    /// Names what the row is about; whether it is to be written.
    fn finish(&mut self, row: &mut Row) -> bool {
        let is_session = matches!(row.what, What::Session);
        if is_session && row.session.end_reason != EndReason::Active {
            self.in_sessions += row.session.packets.iter().sum::<u64>();
            self.sessions += 1;
            if self.snapshot.plan.counts_sessions {
                self.census.ended(&row.session);
            }
        }
        if let What::Event { values, .. } = &mut row.what
            && self.snapshot.plan.counts_sessions
        {
            self.census.fill_in(values);
        }
        self.name(row);
        self.awaits_verdicts || self.conclude(row, &Arc::clone(&self.snapshot))
    }

    /// From now on rows come as the engine sees them. Whoever takes them may overrule that, and
    /// then has each [concluded](Self::conclude).
    pub fn await_verdicts(&mut self) {
        self.awaits_verdicts = true;
    }

    /// Judges, filters and sums up a row, now that it is certain what it is; whether it is to be
    /// written. `snapshot` is the one that it was finished under.
    pub fn conclude(&mut self, row: &mut Row, snapshot: &Snapshot) -> bool {
        if row.session.confidence == Confidence::User
            && let Some(app) = row.session.path.last().and_then(|id| snapshot.apps.by_id(id))
        {
            // A protocol that only one application speaks, says the verdict.
            row.names.app = Some((app, AppConfidence::of(true)));
        }
        judge(row, snapshot, &mut self.kinds);
        if !passes(row, snapshot) {
            return false;
        }
        let is_session = matches!(row.what, What::Session);
        if is_session && row.session.end_reason != EndReason::Active {
            self.aggregates.session(row, &snapshot.apps);
            if let Some(inquiry) = &mut self.inquiry
                && !inquiry.told.contains(&row.session.id)
            {
                inquiry.sums.session(row, &snapshot.apps);
            }
        }
        !is_session || self.want_sessions
    }

    /// Names what the row is about, as of now.
    pub(crate) fn name(&mut self, row: &mut Row) {
        let app = if row.session.id == 0 { None } else { self.identify(&mut row.session) };
        row.names = Names {
            path: self.texts.text(&row.session.path),
            path_down: self.texts.text(&row.session.path_down),
            app,
        };
    }

    /// As [`Finisher::name`], of a session that goes on and that nobody overrules.
    pub(crate) fn describe(&mut self, row: &mut Row) {
        self.name(row);
        judge(row, &self.snapshot, &mut self.kinds);
    }

    /// Begins to sum up with the sessions that go on.
    pub(crate) fn begin_inquiry(&mut self, report: &str) {
        let sums = self.aggregates.only(report);
        self.inquiry = Some(Inquiry { sums, told: HashSet::new() });
    }

    /// Takes a session that goes on.
    pub(crate) fn inquired(&mut self, mut row: Row) {
        self.describe(&mut row);
        if passes(&row, &self.snapshot)
            && let Some(inquiry) = &mut self.inquiry
            && inquiry.told.insert(row.session.id)
        {
            inquiry.sums.session(&row, &self.snapshot.apps);
        }
    }

    /// The sums, together with those of packets outside sessions that workers still have.
    pub(crate) fn end_inquiry<'l>(
        &mut self,
        loose: impl Iterator<Item = &'l (Path, Loose)>,
    ) -> Aggregates {
        let mut sums = self.inquiry.take().map(|inquiry| inquiry.sums).unwrap_or_default();
        if self.snapshot.filter.is_none() {
            loose.for_each(|(path, loose)| sums.loose(path, loose));
        }
        sums
    }

    /// The application; and the protocol, where another session announced this one.
    fn identify(&mut self, session: &mut SessionFacts) -> Option<(AppRef, AppConfidence)> {
        let (address, port) = responder(&session.key, session.initiator_is_high);
        if session.confidence < Confidence::Dpi
            && let Some(proto) = self.book.expected(address, port, session.first, session.start)
        {
            for path in [&mut session.path, &mut session.path_down] {
                let guessed = matches!(session.confidence, Confidence::Port | Confidence::Pattern);
                if guessed && !path.is_empty() {
                    path.pop();
                }
                if !path.is_empty() {
                    path.push(proto);
                }
            }
            session.confidence = Confidence::Dpi;
        }
        let found = self.told_by_session(session, port);
        if found.is_some() {
            return found;
        }
        let app = self.told_by_address(session)?;
        if session.confidence == Confidence::None {
            session.confidence = Confidence::Address;
        }
        Some((app, AppConfidence::Address))
    }

    /// The application that the session itself tells; the surest clue counts.
    fn told_by_session(
        &self,
        session: &SessionFacts,
        port: u16,
    ) -> Option<(AppRef, AppConfidence)> {
        let apps = &self.snapshot.apps;
        let named = session.server_name.as_ref().and_then(|server| apps.by_server(&server.name));
        let clue = session
            .clue
            .and_then(|clue| Some(Told { app: apps.by_id(clue.app)?, certain: clue.certain }));
        // A protocol that only one application speaks has its id.
        let spoken = session.path.last().filter(|_| session.confidence >= Confidence::Pattern);
        let spoken = spoken.and_then(|id| apps.by_id(id));
        let spoken = spoken.map(|app| Told { app, certain: true });
        let told = [named, clue, spoken];
        let certain = told.into_iter().flatten().find(|told| told.certain);
        if let Some(told) = certain.or_else(|| told.into_iter().flatten().next()) {
            return Some((told.app, AppConfidence::of(told.certain)));
        }
        let encrypted = session.path.ids().iter().any(|id| SECURE.contains(id));
        let app = apps.by_tls_port(port).filter(|_| encrypted)?;
        Some((app, AppConfidence::Port))
    }

    /// The application that the server's address tells: by a name that led to it, else because
    /// all of its kind are the application's.
    fn told_by_address(&self, session: &SessionFacts) -> Option<AppRef> {
        let apps = &self.snapshot.apps;
        let (server, port) = responder(&session.key, session.initiator_is_high);
        let (client, clients_port) = responder(&session.key, !session.initiator_is_high);
        // A server with a name is what its name says, and nobody knows this one.
        let is_named = |server: &ServerName| !is_address(&server.name);
        if session.server_name.as_ref().is_some_and(is_named) {
            return None;
        }
        let name = self.book.name(server, session.first, session.start);
        let app = name.and_then(|name| apps.lookup(&name));
        if app.is_some() || !may_be_of_an_application(session) {
            return app;
        }
        // Where a session was joined late, the server may have been heard first.
        let joined_late = clients_port < port;
        apps.by_address(server).or_else(|| apps.by_address(client).filter(|_| joined_late))
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
    pub fn take_ready(&mut self) -> (Arc<Snapshot>, Vec<Row>) {
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

fn judge(row: &mut Row, snapshot: &Snapshot, memory: &mut KindRisks) {
    if let Some(judge) = snapshot.judge.as_ref().filter(|_| row.session.id != 0) {
        let memory = memory.of_snapshot(snapshot.number);
        let risks = judge.session(&RowView::new(row, snapshot), &row.session, memory);
        row.session.risks.add(risks);
    }
}

fn passes(row: &Row, snapshot: &Snapshot) -> bool {
    snapshot.filter.as_ref().is_none_or(|filter| names::passes(filter, snapshot, row))
}

/// Whether the session's protocol is unknown, or one that applications speak with their servers.
/// ICMP, LDAP… towards an address say nothing of the application there.
fn may_be_of_an_application(session: &SessionFacts) -> bool {
    let has_ports = session.path.ids().iter().any(|id| matches!(*id, id::TCP | id::UDP));
    let known = session.confidence >= Confidence::Pattern;
    let carries = || session.path.last().is_some_and(|id| CARRIERS.contains(&id.0));
    has_ports && (!known || carries())
}

/// Whether what should be a name is an address.
fn is_address(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| name.parse::<IpAddr>().is_ok())
}

fn responder(key: &SessionKey, initiator_is_high: bool) -> (std::net::IpAddr, u16) {
    let [low, high] = key.ends();
    if initiator_is_high { low } else { high }
}

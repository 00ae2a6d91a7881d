//! Sums over finished sessions: by protocol path, by application, by host.

use foldhash::HashMap;
use foldhash::HashMapExt as _;
use std::net::IpAddr;

use nf_apps::Apps;
use nf_fields::Fields;

use crate::catalog;
use crate::path::Path;
use crate::row::{EndReason, Loose, Row};

/// Hosts kept at most; what exceeds it is summed under one row without address.
const MAX_HOSTS: usize = 1_000_000;

/// Paths kept at most; what lies deeper is summed under the path before it. Forged layers could
/// make millions.
const MAX_PATHS: usize = 65_536;

/// Sums of a set of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    packets: u64,
    bytes: u64,
    payload: u64,
    sessions: u64,
    /// Of those, sessions that go on.
    active: u64,
    first: u64,
    last: u64,
}

impl Sums {
    fn add(&mut self, row: &Row, sessions: u64) {
        let s = &row.session;
        self.packets += s.packets.iter().sum::<u64>();
        self.bytes += s.bytes.iter().sum::<u64>();
        self.payload += s.payload.iter().sum::<u64>();
        self.sessions += sessions;
        self.active += u64::from(s.end_reason == EndReason::Active) * sessions;
        self.span(s.start, s.end);
    }

    fn span(&mut self, first: u64, last: u64) {
        self.first = if self.first == 0 { first } else { self.first.min(first) };
        self.last = self.last.max(last);
    }
}

/// Traffic of a protocol path; that of longer paths is included.
#[derive(Fields, Debug)]
pub struct ProtocolRow {
    /// Protocol path.
    pub path: String,
    /// Innermost protocol of the path.
    pub protocol: String,
    /// Layers of the path.
    pub depth: u8,
    /// Packets.
    pub packets: u64,
    /// Octets: of sessions from the IP header up, of others on the wire.
    pub bytes: u64,
    /// Octets of transport payload.
    pub payload: u64,
    /// Sessions.
    pub sessions: u64,
    /// First packet, seconds since the epoch.
    pub start: nf_fields::Timestamp,
    /// Last packet, seconds since the epoch.
    pub end: nf_fields::Timestamp,
}

/// Traffic of an application.
#[derive(Fields, Debug)]
pub struct AppRow {
    /// Application.
    pub app: String,
    /// Its category.
    pub category: String,
    /// Packets.
    pub packets: u64,
    /// Octets from the IP header up.
    pub bytes: u64,
    /// Octets of transport payload.
    pub payload: u64,
    /// Sessions.
    pub sessions: u64,
    /// First packet, seconds since the epoch.
    pub start: nf_fields::Timestamp,
    /// Last packet, seconds since the epoch.
    pub end: nf_fields::Timestamp,
}

/// Traffic of a host.
#[derive(Fields, Debug)]
pub struct HostRow {
    /// Address; absent for the sum of hosts that were too many to tell apart.
    pub ip: Option<IpAddr>,
    /// Packets it sent.
    pub packets_sent: u64,
    /// Packets sent to it.
    pub packets_received: u64,
    /// Octets it sent, from the IP header up.
    pub bytes_sent: u64,
    /// Octets sent to it.
    pub bytes_received: u64,
    /// Sessions it initiated.
    pub sessions_initiated: u64,
    /// Sessions it answered.
    pub sessions_answered: u64,
    /// First packet, seconds since the epoch.
    pub start: nf_fields::Timestamp,
    /// Last packet, seconds since the epoch.
    pub end: nf_fields::Timestamp,
}

#[derive(Clone, Copy, Default)]
struct Host {
    packets: [u64; 2],
    bytes: [u64; 2],
    sessions: [u64; 2],
    span: Sums,
}

/// Sums asked for; those not asked for stay empty.
#[derive(Default)]
pub struct Aggregates {
    by_protocol: Option<HashMap<Path, Sums>>,
    by_app: Option<HashMap<(String, String), Sums>>,
    by_host: Option<HashMap<Option<IpAddr>, Host>>,
}

impl Aggregates {
    /// Sums by protocol, application and host, as asked for.
    pub fn new(protocol: bool, app: bool, host: bool) -> Self {
        Self {
            by_protocol: protocol.then(HashMap::new),
            by_app: app.then(HashMap::new),
            by_host: host.then(HashMap::new),
        }
    }

    /// A copy of the sums of one report; the others are not asked for in it.
    pub(crate) fn only(&self, report: &str) -> Self {
        let is = |name| report == name;
        Self {
            by_protocol: self.by_protocol.as_ref().filter(|_| is("protocol")).cloned(),
            by_app: self.by_app.as_ref().filter(|_| is("app")).cloned(),
            by_host: self.by_host.as_ref().filter(|_| is("host")).cloned(),
        }
    }

    /// Adds a session.
    pub fn session(&mut self, row: &Row, apps: &Apps) {
        if let Some(sums) = &mut self.by_protocol {
            let mut prefix = Path::default();
            for id in row.session.path.ids() {
                prefix.push(*id);
                if sums.len() >= MAX_PATHS && !sums.contains_key(&prefix) {
                    break;
                }
                sums.entry(prefix).or_default().add(row, 1);
            }
        }
        if let Some(sums) = &mut self.by_app {
            let (name, category) = match row.names.app.and_then(|(app, _)| apps.get(app)) {
                Some(app) => (app.name.to_string(), app.category.name().to_string()),
                None => {
                    let last = row.session.path.last();
                    (last.map_or("", catalog::name_of).to_string(), String::new())
                }
            };
            sums.entry((name, category)).or_default().add(row, 1);
        }
        if let Some(hosts) = &mut self.by_host {
            let s = &row.session;
            let [low, high] = s.key.ends();
            let (from, to) = if s.initiator_is_high { (high, low) } else { (low, high) };
            for (end, way) in [(from.0, 0), (to.0, 1)] {
                let known = hosts.len() < MAX_HOSTS || hosts.contains_key(&Some(end));
                let host = hosts.entry(known.then_some(end)).or_default();
                host.packets[0] += s.packets[way];
                host.packets[1] += s.packets[1 - way];
                host.bytes[0] += s.bytes[way];
                host.bytes[1] += s.bytes[1 - way];
                host.sessions[way] += 1;
                host.span.span(s.start, s.end);
            }
        }
    }

    /// Adds packets outside sessions.
    pub fn loose(&mut self, path: &Path, loose: &Loose) {
        if let Some(sums) = &mut self.by_protocol {
            let mut prefix = Path::default();
            for id in path.ids() {
                prefix.push(*id);
                if sums.len() >= MAX_PATHS && !sums.contains_key(&prefix) {
                    break;
                }
                let sum = sums.entry(prefix).or_default();
                sum.packets += loose.packets;
                sum.bytes += loose.bytes;
                sum.span(loose.first, loose.last);
            }
        }
    }

    /// By protocol path: a tree, each level by octets.
    pub fn protocols(&self) -> Vec<ProtocolRow> {
        self.live_protocols().into_iter().map(|(row, _)| row).collect()
    }

    /// As [`Aggregates::protocols`], each with its sessions that go on.
    pub fn live_protocols(&self) -> Vec<(ProtocolRow, u64)> {
        let Some(sums) = &self.by_protocol else { return Vec::new() };
        let mut rows = Vec::new();
        children(sums, &Path::default(), &mut rows);
        rows
    }

    /// By application, by octets.
    pub fn apps(&self) -> Vec<AppRow> {
        self.live_apps().into_iter().map(|(row, _)| row).collect()
    }

    /// As [`Aggregates::apps`], each with its sessions that go on.
    pub fn live_apps(&self) -> Vec<(AppRow, u64)> {
        let mut rows: Vec<_> = self.by_app.iter().flatten().collect();
        rows.sort_by(|(a, x), (b, y)| y.bytes.cmp(&x.bytes).then(a.cmp(b)));
        let row = |((app, category), s): (&(String, String), &Sums)| {
            let row = AppRow {
                app: app.clone(),
                category: category.clone(),
                packets: s.packets,
                bytes: s.bytes,
                payload: s.payload,
                sessions: s.sessions,
                start: nf_fields::Timestamp(s.first),
                end: nf_fields::Timestamp(s.last),
            };
            (row, s.active)
        };
        rows.into_iter().map(row).collect()
    }

    /// By host, by octets sent and received.
    pub fn hosts(&self) -> Vec<HostRow> {
        let mut rows: Vec<_> = self.by_host.iter().flatten().collect();
        let volume = |h: &Host| h.bytes[0] + h.bytes[1];
        rows.sort_by(|(a, x), (b, y)| volume(y).cmp(&volume(x)).then(a.cmp(b)));
        let row = |(ip, h): (&Option<IpAddr>, &Host)| HostRow {
            ip: *ip,
            packets_sent: h.packets[0],
            packets_received: h.packets[1],
            bytes_sent: h.bytes[0],
            bytes_received: h.bytes[1],
            sessions_initiated: h.sessions[0],
            sessions_answered: h.sessions[1],
            start: nf_fields::Timestamp(h.span.first),
            end: nf_fields::Timestamp(h.span.last),
        };
        rows.into_iter().map(row).collect()
    }
}

/// Appends the paths one longer than `parent`, each followed by its own children.
fn children(sums: &HashMap<Path, Sums>, parent: &Path, rows: &mut Vec<(ProtocolRow, u64)>) {
    let depth = parent.ids().len();
    let mut level: Vec<_> = sums
        .iter()
        .filter(|(path, _)| path.ids().len() == depth + 1 && path.ids().starts_with(parent.ids()))
        .collect();
    level.sort_by(|(a, x), (b, y)| y.bytes.cmp(&x.bytes).then(a.cmp(b)));
    for (path, s) in level {
        let text = path.to_string();
        let row = ProtocolRow {
            protocol: text.rsplit('.').next().unwrap_or_default().to_string(),
            path: text,
            depth: path.ids().len() as u8,
            packets: s.packets,
            bytes: s.bytes,
            payload: s.payload,
            sessions: s.sessions,
            start: nf_fields::Timestamp(s.first),
            end: nf_fields::Timestamp(s.last),
        };
        rows.push((row, s.active));
        children(sums, path, rows);
    }
}

//! The engine's ear: what protocols say, noted on the session or kept for rows.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use nf_apps::{CertificateNames, Told};
use nf_fields::{Fields, ProtoId};
use nf_proto::{Clue, Expectation, Fault, NameSource, Observer, Transaction};

use crate::plan::Event;
use crate::row::{AppClue, Hint, Owned, ServerName};
use crate::session::Notes;
use crate::snapshot::Snapshot;

/// Longest server name kept (RFC 1035: 253 octets of text).
const MAX_NAME: usize = 255;
/// Longest life of a DNS answer in nanoseconds (a day), whatever it claims.
const MAX_ANSWER_NS: u64 = 86_400_000_000_000;
/// How long an announced session is waited for.
const EXPECTATION_NS: u64 = 300_000_000_000;

/// An event whose trigger was part of a message or transaction: the values it had.
pub(crate) struct Fired {
    pub event: Arc<Event>,
    /// Values of the attributes that belong to the message; the others are read after it.
    pub values: Vec<Option<Owned>>,
}

/// What one packet made protocols say; reused from packet to packet.
#[derive(Default)]
pub(crate) struct Heard {
    pub transactions: Vec<(ProtoId, Transaction)>,
    pub fired: Vec<Fired>,
    pub hints: Vec<Hint>,
}

impl Heard {
    /// An ear that keeps what it hears here.
    pub fn ear<'a>(
        &'a mut self,
        notes: &'a mut Notes,
        anomalies: &'a mut Anomalies,
        snapshot: &'a Snapshot,
        now: u64,
    ) -> Ear<'a> {
        Ear { notes, heard: self, anomalies, snapshot, now }
    }

    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.fired.is_empty() && self.hints.is_empty()
    }
}

/// Anomalies and faults of a worker, by protocol and number.
#[derive(Default)]
pub(crate) struct Anomalies {
    counts: HashMap<(ProtoId, u8), u64>,
    faults: HashMap<(ProtoId, Fault), u64>,
}

impl Anomalies {
    /// By name.
    pub fn tally(&self, add: &mut dyn FnMut(String, u64)) {
        for (&(proto, index), &count) in &self.counts {
            let protocol = crate::catalog::Catalog::get().by_id(proto);
            let info = protocol.and_then(|p| p.info);
            let name = info.and_then(|i| i.anomalies.get(usize::from(index))).map(|a| a.name);
            let protocol = protocol.map_or("unknown", |p| p.name);
            match name {
                Some(name) => add(format!("{protocol}.{name}"), count),
                None => add(format!("{protocol}.anomaly_{index}"), count),
            }
        }
        for (&(proto, fault), &count) in &self.faults {
            let word = match fault {
                Fault::MessageTooLong => "message_too_long",
                Fault::PoolExhausted => "pool_exhausted",
                Fault::Gap => "lost_octets",
            };
            add(format!("{}.{word}", crate::catalog::name_of(proto)), count);
        }
    }
}

/// An [`Observer`] for the duration of one call.
pub(crate) struct Ear<'a> {
    pub notes: &'a mut Notes,
    pub heard: &'a mut Heard,
    pub anomalies: &'a mut Anomalies,
    pub snapshot: &'a Snapshot,
    pub now: u64,
}

impl Ear<'_> {
    fn fire(&mut self, proto: ProtoId, fields: &dyn Fields, transaction: bool) {
        let snapshot = self.snapshot;
        for event in snapshot.plan.triggered_by(proto, transaction) {
            let value = |attribute: &crate::catalog::Attribute| {
                if attribute.proto != proto {
                    return None;
                }
                let named = |f: &nf_fields::Field| f.name == attribute.field.name;
                let position = fields.field_list().iter().position(named)?;
                Some(Owned::of(fields.get(position)))
            };
            match value(&event.trigger) {
                None | Some(Owned::None) => {}
                Some(_) => self.heard.fired.push(Fired {
                    event: Arc::clone(event),
                    values: event.attributes.iter().map(value).collect(),
                }),
            }
        }
    }
}

impl Observer for Ear<'_> {
    fn message(&mut self, proto: ProtoId, message: &dyn Fields) {
        self.fire(proto, message, false);
    }

    fn transaction(&mut self, proto: ProtoId, transaction: Transaction) {
        self.fire(proto, &*transaction.record, true);
        if self.notes.met.0 != self.snapshot.number {
            self.notes.met = (self.snapshot.number, 0);
        }
        self.notes.met.1 |= self.snapshot.met_by(proto, &*transaction.record);
        self.heard.transactions.push((proto, transaction));
    }

    fn server_name(&mut self, source: NameSource, name: &[u8]) -> bool {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() || name.len() > MAX_NAME {
            return false;
        }
        let tells_all = self.snapshot.apps.by_server(name).is_some_and(|told| told.certain);
        if let Some(known) = &self.notes.server_name
            && (known.source > source || *known.name == *name)
        {
            return tells_all;
        }
        let name: Arc<[u8]> = name.to_ascii_lowercase().into();
        self.notes.server_name = Some(ServerName { name, source });
        tells_all
    }

    fn clue(&mut self, clue: Clue<'_>) {
        let apps = &self.snapshot.apps;
        let told = match clue {
            Clue::Alpn(value) => apps.by_alpn(value).map(|app| Told { app, certain: true }),
            Clue::Certificate(names) => apps.by_certificate(&CertificateNames {
                holder: names.holder,
                signer: names.signer,
                organisations: names.organisations,
                servers: names.servers,
            }),
        };
        let Some((told, app)) = told.and_then(|t| Some((t, apps.get(t.app)?))) else { return };
        if self.notes.clue.is_none_or(|known| told.certain && !known.certain) {
            self.notes.clue = Some(AppClue { app: app.id, certain: told.certain });
        }
    }

    fn answer(&mut self, name: &[u8], address: IpAddr, ttl: u32) {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() || name.len() > MAX_NAME {
            return;
        }
        let life = u64::from(ttl).saturating_mul(1_000_000_000).min(MAX_ANSWER_NS);
        self.heard.hints.push(Hint::Answer {
            name: name.to_ascii_lowercase().into(),
            address,
            until: self.now.saturating_add(life),
        });
    }

    fn expect(&mut self, expectation: Expectation) {
        let until = self.now.saturating_add(EXPECTATION_NS);
        self.heard.hints.push(Hint::Expect { expectation, until });
    }

    fn anomaly(&mut self, proto: ProtoId, index: u8) {
        self.notes.anomalies = self.notes.anomalies.saturating_add(1);
        *self.anomalies.counts.entry((proto, index)).or_default() += 1;
    }

    fn fault(&mut self, proto: ProtoId, fault: Fault) {
        *self.anomalies.faults.entry((proto, fault)).or_default() += 1;
    }
}

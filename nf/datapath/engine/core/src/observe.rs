//! The engine's ear: what protocols say, noted on the session or kept for rows.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::HashMap;
use nf_apps::{CertificateNames, Told};
use nf_fields::{Fields, ProtoId};
use nf_proto::{Clue, Expectation, Fault, NameSource, Observer, Transaction};

use crate::catalog::Source;
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
    /// What messages say to events of the packet: event, attribute, value; the latest counts.
    pub said: Vec<(usize, usize, Owned)>,
    pub hints: Vec<Hint>,
}

impl Heard {
    /// An ear that keeps what it hears here.
    pub fn ear<'a>(
        &'a mut self,
        notes: &'a mut Option<Box<Notes>>,
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
            let known = match nf_proto::user::is_users(proto) {
                true => nf_proto::user::ANOMALIES,
                false => {
                    let protocol = crate::catalog::Catalog::get().by_id(proto);
                    protocol.and_then(|p| p.info).map_or(&[][..], |i| i.anomalies)
                }
            };
            let name = known.get(usize::from(index)).map(|a| a.name);
            let protocol = crate::catalog::name_of(proto);
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
    pub notes: &'a mut Option<Box<Notes>>,
    pub heard: &'a mut Heard,
    pub anomalies: &'a mut Anomalies,
    pub snapshot: &'a Snapshot,
    pub now: u64,
}

impl Ear<'_> {
    fn notes(&mut self) -> &mut Notes {
        self.notes.get_or_insert_default()
    }

    /// Keeps what events of the packet ask of a message until all of the packet is known.
    #[cold]
    fn keep_for_packet(&mut self, proto: ProtoId, fields: &dyn Fields, transaction: bool) {
        for (event, asked) in self.snapshot.plan.on_packet.iter().enumerate() {
            for (place, attribute) in asked.attributes.iter().enumerate() {
                let fits = match attribute.source {
                    Source::Message(_) => !transaction,
                    Source::Transaction(_) => transaction,
                    _ => false,
                };
                let named = |f: &nf_fields::Field| f.name == attribute.field.name;
                if fits
                    && attribute.proto == proto
                    && let Some(position) = fields.field_list().iter().position(named)
                {
                    let value = Owned::of(fields.get(position));
                    self.heard.said.push((event, place, value));
                }
            }
        }
    }

    fn fire(&mut self, proto: ProtoId, fields: &dyn Fields, transaction: bool) {
        let snapshot = self.snapshot;
        if snapshot.plan.packets_read_messages {
            self.keep_for_packet(proto, fields, transaction);
        }
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

    fn transaction(&mut self, proto: ProtoId, start: u64, record: &dyn Fields) -> bool {
        self.fire(proto, record, true);
        let met = self.snapshot.met_by(proto, record);
        if let Some(judge) = &self.snapshot.judge {
            let risks = judge.transaction(proto, start, record);
            if !risks.is_empty() {
                self.notes().risks.add(risks);
            }
        }
        if met != 0 {
            let (number, notes) = (self.snapshot.number, self.notes());
            let before = if notes.met.0 == number { notes.met.1 } else { 0 };
            notes.met = (number, before | met);
        }
        self.snapshot.plan.transactions
    }

    fn keep(&mut self, proto: ProtoId, transaction: Transaction) {
        self.heard.transactions.push((proto, transaction));
    }

    fn server_name(&mut self, source: NameSource, name: &[u8]) -> bool {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() || name.len() > MAX_NAME {
            return false;
        }
        let tells_all = self.snapshot.apps.by_server(name).is_some_and(|told| told.certain);
        if let Some(known) = self.notes.as_ref().and_then(|n| n.server_name.as_ref())
            && (known.source > source || *known.name == *name)
        {
            return tells_all;
        }
        let name: Arc<[u8]> = name.to_ascii_lowercase().into();
        self.notes().server_name = Some(ServerName { name, source });
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
        let notes = self.notes();
        if notes.clue.is_none_or(|known| told.certain && !known.certain) {
            notes.clue = Some(AppClue { app: app.id, certain: told.certain });
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
        let notes = self.notes();
        notes.anomalies = notes.anomalies.saturating_add(1);
        *self.anomalies.counts.entry((proto, index)).or_default() += 1;
    }

    fn fault(&mut self, proto: ProtoId, fault: Fault) {
        *self.anomalies.faults.entry((proto, fault)).or_default() += 1;
    }
}

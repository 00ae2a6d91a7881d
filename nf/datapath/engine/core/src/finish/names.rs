//! What the words of a filter mean for rows.
//!
//! Session fields go by their names, with short words for what has two sides (`port`, `bytes`).
//! `protocol.field` is a field of a transaction: of a transaction row it means that transaction;
//! of a session it means that some transaction of the session meets the condition.

use std::cell::RefCell;

use nf_fields::{Fields, ProtoId, Type, Value};
use nf_filter::{Filter, Names, Resolved};

use crate::catalog::{Attribute, Catalog, Source};
use crate::finish::{RowView, SESSION_FIELDS};
use crate::row::{Row, What};
use crate::snapshot::Snapshot;

/// Slots from here on are transaction fields, in the order of their first mention.
pub(crate) const TRANSACTION_SLOTS: u32 = 1000;

/// Short words: what they mean, and whether sides are added up or either may fit.
const SHORT: &[(&str, &[&str], bool)] = &[
    ("src", &["src_ip"], false),
    ("dst", &["dst_ip"], false),
    ("host", &["src_ip", "dst_ip"], false),
    ("ip", &["src_ip", "dst_ip"], false),
    ("port", &["src_port", "dst_port"], false),
    ("packets", &["packets_up", "packets_down"], true),
    ("bytes", &["bytes_up", "bytes_down"], true),
    ("payload", &["payload_up", "payload_down"], true),
    ("retransmissions", &["retransmissions_up", "retransmissions_down"], true),
];

/// Resolves words while a filter is parsed and remembers the transaction fields it named.
pub struct RowNames<'c> {
    catalog: &'c Catalog,
    transaction: RefCell<Vec<Attribute>>,
}

impl<'c> RowNames<'c> {
    /// The words of a catalog.
    pub fn of(catalog: &'c Catalog) -> Self {
        Self { catalog, transaction: RefCell::default() }
    }

    /// Transaction fields named so far, by slot.
    pub fn transaction_fields(&self) -> Vec<Attribute> {
        self.transaction.borrow().clone()
    }
}

fn position(name: &str) -> Option<u32> {
    SESSION_FIELDS.iter().position(|f| f.name == name).map(|p| p as u32)
}

impl Names for RowNames<'_> {
    fn resolve(&self, name: &str) -> Option<Resolved> {
        if let Some(slot) = position(name) {
            return Some(Resolved::field(slot, &SESSION_FIELDS[slot as usize]));
        }
        if let Some((_, fields, sum)) = SHORT.iter().find(|(word, ..)| *word == name) {
            let slots: Vec<u32> = fields.iter().filter_map(|f| position(f)).collect();
            let ty = SESSION_FIELDS[*slots.first()? as usize].ty;
            return Some(if *sum { Resolved::sum(slots, ty) } else { Resolved::any(slots, ty) });
        }
        let attribute = self.catalog.transaction_field(name)?;
        let mut known = self.transaction.borrow_mut();
        let same =
            |a: &Attribute| a.proto == attribute.proto && a.field.name == attribute.field.name;
        let at = known.iter().position(same).unwrap_or_else(|| {
            known.push(*attribute);
            known.len() - 1
        });
        Some(Resolved::field(TRANSACTION_SLOTS + at as u32, &attribute.field))
    }

    fn all(&self) -> Vec<String> {
        let session = SESSION_FIELDS.iter().map(|f| f.name.to_string());
        let short = SHORT.iter().map(|(word, ..)| word.to_string());
        let transaction = self.catalog.protocols().iter().flat_map(|p| {
            let fields = p.attributes.iter().filter(|a| matches!(a.source, Source::Transaction(_)));
            fields.map(|a| format!("{}.{}", p.name, a.field.name))
        });
        session.chain(short).chain(transaction).collect()
    }
}

/// The field of `record` that `slot` means, if `record` is a transaction of its protocol.
fn transaction_value<'r>(
    snapshot: &Snapshot,
    slot: u32,
    proto: ProtoId,
    record: &'r dyn Fields,
) -> Value<'r> {
    let index = slot.wrapping_sub(TRANSACTION_SLOTS) as usize;
    match snapshot.filter_fields.get(index) {
        Some(Attribute { proto: of, source: Source::Transaction(n), .. }) if *of == proto => {
            record.get(usize::from(*n))
        }
        _ => Value::None,
    }
}

/// Bits of the leaves on transaction fields that a transaction meets: bit `n` for the `n`th such
/// leaf. [`Snapshot::compile`] refuses filters with more than 64.
pub(crate) fn met_by(
    filter: &Filter,
    snapshot: &Snapshot,
    proto: ProtoId,
    record: &dyn Fields,
) -> u64 {
    let mut bits = 0;
    for (bit, leaf) in transaction_leaves(filter).enumerate() {
        let holds = filter.leaves()[leaf].holds(&mut |slot, sink| {
            sink(transaction_value(snapshot, slot, proto, record));
        });
        bits |= u64::from(holds).checked_shl(bit as u32).unwrap_or(0);
    }
    bits
}

/// Numbers of the leaves on transaction fields.
pub(crate) fn transaction_leaves(filter: &Filter) -> impl Iterator<Item = usize> + '_ {
    let on_transaction =
        |leaf: &nf_filter::Leaf| leaf.slots().iter().any(|&slot| slot >= TRANSACTION_SLOTS);
    filter
        .leaves()
        .iter()
        .enumerate()
        .filter_map(move |(n, leaf)| on_transaction(leaf).then_some(n))
}

/// Whether a row passes.
pub(crate) fn passes(filter: &Filter, snapshot: &Snapshot, row: &Row) -> bool {
    let view = RowView::new(row, snapshot);
    filter.evaluate(&mut |leaf| {
        let bit = transaction_leaves(filter).position(|n| n == leaf);
        match (bit, &row.what) {
            (None, _) => {
                filter.leaves()[leaf].holds(&mut |slot, sink| sink(view.get(slot as usize)))
            }
            (Some(_), What::Transaction { proto, record, .. }) => {
                filter.leaves()[leaf].holds(&mut |slot, sink| {
                    sink(transaction_value(snapshot, slot, *proto, &**record));
                })
            }
            (Some(bit), _) => {
                let (number, bits) = row.session.met;
                number == snapshot.number && bits >> bit & 1 == 1
            }
        }
    })
}

/// Names and types of everything a filter can ask of a row, for completion and documentation.
pub fn words(catalog: &Catalog) -> Vec<(String, Type)> {
    let names = RowNames::of(catalog);
    let all = names.all();
    all.into_iter().filter_map(|n| names.resolve(&n).map(|r| (n, r.ty))).collect()
}

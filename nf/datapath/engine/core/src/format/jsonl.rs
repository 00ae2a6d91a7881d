//! JSON Lines: one object per row. Absent values of sessions are `null`, so that every object of
//! a kind has the same keys; a transaction is one object named after its protocol.

use nf_fields::{Fields, json};

use crate::catalog;
use crate::finish::{DEFAULT_SESSION_FIELDS, RowView};
use crate::format::{Column, Columns};
use crate::row::{Owned, Row, What};
use crate::snapshot::Snapshot;

/// Longest key that is copied as a whole, with what stands around it.
const KEY: usize = 32;

/// A column's key as it is written, `,"name":`, and the octets it has.
struct Key([u8; KEY], usize);

impl Key {
    fn of(column: &Column) -> Self {
        let mut padded = [0; KEY];
        let text = format!(",\"{}\":", column.name());
        match padded.get_mut(..text.len()) {
            Some(room) => room.copy_from_slice(text.as_bytes()),
            None => return Key(padded, 0),
        }
        Key(padded, text.len())
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, column: &Column) {
        match self {
            Key(_, 0) => key(out, column.name()),
            Key(padded, length) => json::push_short(out, padded, *length),
        }
    }
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends rows as lines.
pub fn write(out: &mut Vec<u8>, rows: &[Row], columns: &Columns, snapshot: &Snapshot) {
    let keys: Vec<Key> = columns.0.iter().map(Key::of).collect();
    for row in rows {
        let start = out.len();
        line(out, row, columns, &keys, snapshot);
        // The first key has no comma before it.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(b"}\n");
    }
}

fn line(out: &mut Vec<u8>, row: &Row, columns: &Columns, keys: &[Key], snapshot: &Snapshot) {
    let view = RowView::new(row, snapshot);
    let mut named = columns.0.iter().zip(keys);
    if columns.start_with_defaults() && view.is_of_session() {
        view.write_default(out);
        named = columns.0[DEFAULT_SESSION_FIELDS..].iter().zip(&keys[DEFAULT_SESSION_FIELDS..]);
    }
    for (column, known) in named {
        match (column, &row.what) {
            (Column::Session(position), _) => {
                known.write(out, column);
                json::write_value(out, view.get(*position));
            }
            // The object itself tells the protocol.
            (Column::TransactionProtocol { named: false }, _) => {}
            (Column::Transaction, What::Transaction { proto, record, .. }) => {
                key(out, catalog::name_of(*proto));
                json::write_record(out, &**record);
            }
            (Column::EventAttribute(name, _), What::Event { event, values, .. }) => {
                let place = event.names.iter().position(|n| n == name);
                if let Some(value) = place.and_then(|p| values.get(p)) {
                    known.write(out, column);
                    match value {
                        Owned::Json(text) => out.extend_from_slice(text),
                        value => json::write_value(out, value.value()),
                    }
                }
            }
            (Column::TransactionField(of, n, ..), What::Transaction { proto, record, .. }) => {
                known.write(out, column);
                if of == proto {
                    json::write_value(out, record.get(*n));
                } else {
                    out.extend_from_slice(b"null");
                }
            }
            (column, _) => {
                known.write(out, column);
                column.read(row, &view, &mut |value| json::write_value(out, value));
            }
        }
    }
}

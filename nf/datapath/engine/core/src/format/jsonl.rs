//! JSON Lines: one object per row. Absent values of sessions are `null`, so that every object of
//! a kind has the same keys; a transaction is one object named after its protocol.

use nf_fields::json;

use crate::catalog;
use crate::finish::{Finished, RowView};
use crate::format::{Column, Columns};
use crate::row::{Owned, What};
use crate::snapshot::Snapshot;

/// Appends rows as lines.
pub fn write(out: &mut Vec<u8>, rows: &[Finished], columns: &Columns, snapshot: &Snapshot) {
    for row in rows {
        line(out, row, columns, snapshot);
    }
}

fn line(out: &mut Vec<u8>, row: &Finished, columns: &Columns, snapshot: &Snapshot) {
    let view = RowView::new(row, snapshot);
    let mut first = true;
    let mut key = |out: &mut Vec<u8>, name: &str| {
        out.extend_from_slice(if first { b"{\"" } else { b",\"" });
        first = false;
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    };
    for column in &columns.0 {
        match (column, &row.what) {
            // The object itself tells the protocol.
            (Column::TransactionProtocol { named: false }, _) => {}
            (Column::Transaction, What::Transaction { proto, record, .. }) => {
                key(out, catalog::name_of(*proto));
                json::write_record(out, &**record);
            }
            (Column::EventAttribute(name, _), What::Event { event, values, .. }) => {
                let place = event.names.iter().position(|n| n == name);
                if let Some(value) = place.and_then(|p| values.get(p)) {
                    key(out, name);
                    match value {
                        Owned::Json(text) => out.extend_from_slice(text),
                        value => json::write_value(out, value.value()),
                    }
                }
            }
            (Column::TransactionField(of, n, _, name), What::Transaction { proto, record, .. }) => {
                key(out, name);
                if of == proto {
                    json::write_value(out, record.get(*n));
                } else {
                    out.extend_from_slice(b"null");
                }
            }
            (column, _) => {
                key(out, column.name());
                column.read(row, &view, &mut |value| json::write_value(out, value));
            }
        }
    }
    out.extend_from_slice(if first { b"{}\n" } else { b"}\n" });
}

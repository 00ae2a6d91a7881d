//! Sums by protocol, application and host in the formats of rows.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};
use nf_fields::{Field, Fields, json};

use crate::aggregate::{AppRow, HostRow, ProtocolRow};
use crate::format::{UnknownColumn, arrow, csv};

/// A row of sums.
pub type Sum = Box<dyn Fields + Send + Sync>;

/// The fields of a report's rows; none when it is no report of sums.
pub fn fields(report: &str) -> Option<&'static [Field]> {
    match report {
        "protocol" => Some(ProtocolRow::fields()),
        "app" => Some(AppRow::fields()),
        "host" => Some(HostRow::fields()),
        _ => None,
    }
}

/// Positions of the named columns among `fields`.
///
/// # Errors
/// The first name that is none.
pub fn named(names: &[String], fields: &[Field]) -> Result<Vec<usize>, UnknownColumn> {
    let one = |name: &String| {
        let found = fields.iter().position(|f| f.name == name);
        found.ok_or_else(|| UnknownColumn(name.clone()))
    };
    names.iter().map(one).collect()
}

/// Appends rows as JSON Lines.
pub fn jsonl(out: &mut Vec<u8>, rows: &[Sum], columns: &[usize]) {
    for row in rows {
        for (n, &column) in columns.iter().enumerate() {
            out.extend_from_slice(if n == 0 { b"{\"" } else { b",\"" });
            let name = row.field_list().get(column).map_or("", |f| f.name);
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            json::write_value(out, row.get(column));
        }
        out.extend_from_slice(if columns.is_empty() { b"{}\n" } else { b"}\n" });
    }
}

/// Appends the header line of CSV.
pub fn csv_header(out: &mut Vec<u8>, fields: &[Field], columns: &[usize]) {
    for (n, &column) in columns.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(fields.get(column).map_or("", |f| f.name).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends rows as lines of CSV.
pub fn csv(out: &mut Vec<u8>, rows: &[Sum], columns: &[usize]) {
    for row in rows {
        for (n, &column) in columns.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            csv::cell(out, row.get(column));
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Rows as one Arrow record batch.
///
/// # Errors
/// When Arrow refuses the columns, which would be a defect here.
pub fn batch(
    rows: &[Sum],
    fields: &'static [Field],
    columns: &[usize],
) -> Result<RecordBatch, ArrowError> {
    let chosen = || columns.iter().filter_map(|&column| Some((column, fields.get(column)?)));
    let schema: Vec<_> = chosen()
        .map(|(_, f)| arrow_schema::Field::new(f.name, arrow::data_type(f.ty), true))
        .collect();
    let mut scratch = Vec::new();
    let arrays = chosen().map(|(column, field)| {
        let mut builder = arrow::Builder::new(field.ty, rows.len());
        for row in rows {
            builder.append(row.get(column), &mut scratch);
        }
        builder.finish()
    });
    let arrays = arrays.collect();
    RecordBatch::try_new(Arc::new(Schema::new(schema)), arrays)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Sum> {
        let row = |ip: Option<&str>| HostRow {
            ip: ip.map(|ip| ip.parse().unwrap()),
            packets_sent: 1,
            packets_received: 2,
            bytes_sent: 30,
            bytes_received: 40,
            sessions_initiated: 5,
            sessions_answered: 6,
            start: nf_fields::Timestamp(1_500_000_000),
            end: nf_fields::Timestamp(2_000_000_001),
        };
        vec![Box::new(row(Some("192.0.2.1"))), Box::new(row(None))]
    }

    fn columns(names: &[&str]) -> Vec<usize> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        named(&names, HostRow::fields()).unwrap()
    }

    #[test]
    fn sums_are_written_like_rows() {
        let columns = columns(&["end", "ip"]);
        let (mut lines, mut cells) = (Vec::new(), Vec::new());

        jsonl(&mut lines, &rows(), &columns);
        csv(&mut cells, &rows(), &columns);

        let text = String::from_utf8(lines).unwrap();
        assert_eq!(
            text,
            "{\"end\":2.000000001,\"ip\":\"192.0.2.1\"}\n{\"end\":2.000000001,\"ip\":null}\n"
        );
        assert_eq!(String::from_utf8(cells).unwrap(), "2.000000001,192.0.2.1\r\n2.000000001,\r\n");
    }

    #[test]
    fn arrow_batches_of_sums_keep_types_and_absences() {
        let columns = columns(&["ip", "packets_sent", "start"]);

        let batch = batch(&rows(), HostRow::fields(), &columns).unwrap();

        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.column(0).null_count(), 1);
        assert_eq!(batch.column(1).null_count(), 0);
        assert!(matches!(
            batch.column(2).data_type(),
            arrow_schema::DataType::Timestamp(arrow_schema::TimeUnit::Nanosecond, _)
        ));
    }

    #[test]
    fn a_column_that_is_none_is_named() {
        assert_eq!(
            named(&["ip".into(), "speed".into()], HostRow::fields()),
            Err(UnknownColumn("speed".into()))
        );
        assert!(fields("session").is_none());
    }
}

//! CSV (RFC 4180): a header line, then a line per row; absent values are empty.

use std::io::Write;

use nf_fields::{Mac, Value, json};

use crate::finish::RowView;
use crate::format::{Columns, readable};
use crate::row::Row;
use crate::snapshot::Snapshot;

/// Appends the header line.
pub fn write_header(out: &mut Vec<u8>, columns: &Columns) {
    for (n, column) in columns.0.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        quote(out, column.name().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends rows as lines.
pub fn write(out: &mut Vec<u8>, rows: &[Row], columns: &Columns, snapshot: &Snapshot) {
    for row in rows {
        let view = RowView::new(row, snapshot);
        for (n, column) in columns.0.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            column.read(row, &view, &mut |value| cell(out, value));
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends a value as a cell: quoted where it must be.
pub(super) fn cell(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Text(text) => quote(out, readable(text).as_bytes()),
        Value::List(_) | Value::Record(_) => {
            let mut text = Vec::new();
            json::write_value(&mut text, value);
            quote(out, &text);
        }
        value => plain(out, value),
    }
}

/// Appends a value without quotes; nothing for an absent one.
pub(super) fn plain(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::None => {}
        Value::Text(text) => out.extend_from_slice(readable(text).as_bytes()),
        Value::Ip(ip) => json::write_ip(out, ip),
        // Writing to a Vec cannot fail.
        Value::Mac(mac) => drop(write!(out, "{}", Mac(mac))),
        Value::Binary(bytes) => bytes.iter().for_each(|b| drop(write!(out, "{b:02x}"))),
        value => json::write_value(out, value),
    }
}

pub(super) fn quote(out: &mut Vec<u8>, text: &[u8]) {
    if !text.iter().any(|b| matches!(b, b',' | b'"' | b'\r' | b'\n')) {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for &byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

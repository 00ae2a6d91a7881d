//! Arrow record batches, for the C data interface: numbers as they are, times as
//! `timestamp[ns, UTC]`, everything else as text.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampNanosecondBuilder,
    UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema, TimeUnit};
use nf_fields::{Type, Value};

use crate::finish::RowView;
use crate::format::{Columns, csv, readable};
use crate::row::Row;
use crate::snapshot::Snapshot;

/// Rows of which one column is read after the other: so few that they stay in the nearest cache.
const AT_A_TIME: usize = 64;

pub(super) enum Builder {
    Bool(BooleanBuilder),
    U8(UInt8Builder),
    U16(UInt16Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    Int(Int64Builder),
    Float(Float64Builder),
    Time(TimestampNanosecondBuilder),
    Text(StringBuilder),
}

impl Builder {
    pub(super) fn new(ty: Type, rows: usize) -> Self {
        match ty {
            Type::Bool => Builder::Bool(BooleanBuilder::with_capacity(rows)),
            Type::Uint(8) => Builder::U8(UInt8Builder::with_capacity(rows)),
            Type::Uint(16) => Builder::U16(UInt16Builder::with_capacity(rows)),
            Type::Uint(32) => Builder::U32(UInt32Builder::with_capacity(rows)),
            Type::Uint(_) => Builder::U64(UInt64Builder::with_capacity(rows)),
            Type::Int => Builder::Int(Int64Builder::with_capacity(rows)),
            Type::Float => Builder::Float(Float64Builder::with_capacity(rows)),
            Type::Time => {
                Builder::Time(TimestampNanosecondBuilder::with_capacity(rows).with_timezone("UTC"))
            }
            _ => Builder::Text(StringBuilder::with_capacity(rows, rows * 16)),
        }
    }

    pub(super) fn append(&mut self, value: Value<'_>, scratch: &mut Vec<u8>) {
        match (self, value) {
            (Builder::Bool(b), Value::Bool(v)) => b.append_value(v),
            (Builder::Bool(b), _) => b.append_null(),
            (Builder::U8(b), Value::Uint(v)) => b.append_option(u8::try_from(v).ok()),
            (Builder::U8(b), _) => b.append_null(),
            (Builder::U16(b), Value::Uint(v)) => b.append_option(u16::try_from(v).ok()),
            (Builder::U16(b), _) => b.append_null(),
            (Builder::U32(b), Value::Uint(v)) => b.append_option(u32::try_from(v).ok()),
            (Builder::U32(b), _) => b.append_null(),
            (Builder::U64(b), Value::Uint(v)) => b.append_value(v),
            (Builder::U64(b), _) => b.append_null(),
            (Builder::Int(b), Value::Int(v)) => b.append_value(v),
            (Builder::Int(b), _) => b.append_null(),
            (Builder::Float(b), Value::Float(v)) => b.append_value(v),
            (Builder::Float(b), _) => b.append_null(),
            (Builder::Time(b), Value::Time(v)) => b.append_option(i64::try_from(v).ok()),
            (Builder::Time(b), _) => b.append_null(),
            (Builder::Text(b), Value::None) => b.append_null(),
            (Builder::Text(b), Value::Text(v)) => b.append_value(readable(v)),
            (Builder::Text(b), value) => {
                scratch.clear();
                csv::plain(scratch, value);
                b.append_value(String::from_utf8_lossy(scratch));
            }
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Builder::Bool(mut b) => Arc::new(b.finish()),
            Builder::U8(mut b) => Arc::new(b.finish()),
            Builder::U16(mut b) => Arc::new(b.finish()),
            Builder::U32(mut b) => Arc::new(b.finish()),
            Builder::U64(mut b) => Arc::new(b.finish()),
            Builder::Int(mut b) => Arc::new(b.finish()),
            Builder::Float(mut b) => Arc::new(b.finish()),
            Builder::Time(mut b) => Arc::new(b.finish()),
            Builder::Text(mut b) => Arc::new(b.finish()),
        }
    }
}

/// The Arrow type of a column.
pub(super) fn data_type(ty: Type) -> DataType {
    match ty {
        Type::Bool => DataType::Boolean,
        Type::Uint(8) => DataType::UInt8,
        Type::Uint(16) => DataType::UInt16,
        Type::Uint(32) => DataType::UInt32,
        Type::Uint(_) => DataType::UInt64,
        Type::Int => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        _ => DataType::Utf8,
    }
}

/// The schema of `columns`.
pub fn schema(columns: &Columns) -> Schema {
    let field =
        |c: &crate::format::Column| arrow_schema::Field::new(c.name(), data_type(c.ty()), true);
    Schema::new(columns.0.iter().map(field).collect::<Vec<_>>())
}

/// Rows as one record batch.
///
/// # Errors
/// When Arrow refuses the columns, which would be a defect here.
pub fn batch(
    rows: &[Row],
    columns: &Columns,
    snapshot: &Snapshot,
) -> Result<RecordBatch, ArrowError> {
    let mut builders: Vec<Builder> =
        columns.0.iter().map(|c| Builder::new(c.ty(), rows.len())).collect();
    let mut scratch = Vec::new();
    for rows in rows.chunks(AT_A_TIME) {
        let views: Vec<RowView<'_>> = rows.iter().map(|r| RowView::new(r, snapshot)).collect();
        for (column, builder) in columns.0.iter().zip(&mut builders) {
            for (row, view) in rows.iter().zip(&views) {
                column.read(row, view, &mut |value| builder.append(value, &mut scratch));
            }
        }
    }
    let arrays = builders.into_iter().map(Builder::finish).collect();
    RecordBatch::try_new(Arc::new(schema(columns)), arrays)
}

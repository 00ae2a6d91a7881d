//! Rows written out: JSON Lines, CSV, Arrow. All three read the same columns.

pub mod arrow;
mod column;
pub mod csv;
pub mod jsonl;

pub use column::{Column, Columns, UnknownColumn};

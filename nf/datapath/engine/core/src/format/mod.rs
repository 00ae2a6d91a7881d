//! Rows written out: JSON Lines, CSV and Arrow, which read the same columns, and IPFIX.

use std::borrow::Cow;
use std::fmt::Write;

pub mod arrow;
mod column;
pub mod csv;
pub mod ipfix;
pub mod jsonl;
pub mod sums;

pub use column::{Column, Columns, UnknownColumn};

/// Text of the wire as valid UTF-8: each stray octet becomes `\xNN`, as in JSON.
pub fn readable(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(text) {
        return Cow::Borrowed(text);
    }
    let mut readable = String::with_capacity(text.len() + 16);
    for chunk in text.utf8_chunks() {
        readable.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(readable, "\\x{byte:02x}");
        }
    }
    Cow::Owned(readable)
}

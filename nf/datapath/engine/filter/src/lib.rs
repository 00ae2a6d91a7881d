//! The one filter language: parsed once, evaluated on any record.
//!
//! `app == "youtube" and bytes > 1M and dst in 10.0.0.0/8 and http.status >= 500` means the same
//! to `nf read --where`, to the console and, later, to SQL. The reference for users is
//! `docs/filter.md`.
//!
//! ```text
//! filter     = either
//! either     = both { ("or" | "||") both }
//! both       = negation { ("and" | "&&") negation }
//! negation   = ("not" | "!") negation | "(" either ")" | test
//! test       = field                                          present and not false, 0 or empty
//!            | field ("==" | "=" | "!=" | "<" | "<=" | ">" | ">=") value
//!            | field ["not"] "in" (item | "{" item { "," item } [","] "}")
//!            | field ["not"] ("contains" | "startswith" | "endswith") value
//!            | field ["not"] "matches" quoted-regular-expression
//! item       = value | value ".." value | address "/" length
//! value      = number | time span | text | octets | address | time | "true" | "false"
//! ```
//!
//! What a name stands for, the caller says through [`Names`]; literals are read for the type of
//! the field they stand beside, so a mistake is found before the first packet.
//!
//! A [`Filter`] is a list of leaves, each one test on one field, and an expression over them.
//! Leaves are existential: one holds when some value of the field passes. `!=` and `not in`, which
//! speak of all values, are built from leaves as "the field has a value, and none passes". So
//! whoever sees the transactions of a session one by one keeps one bit per leaf, and evaluates the
//! expression over the bits.
//!
//! Bounds: [`MAX_LENGTH`] octets of text, [`MAX_DEPTH`] nestings, [`MAX_LEAVES`] tests, of them
//! [`MAX_PATTERNS`] regular expressions, each of limited size; matching takes linear time.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod compiled;
mod error;
mod escape;
mod filter;
mod leaf;
mod lexer;
mod literal;
mod names;
mod nearest;
mod number;
mod operand;
mod parser;
mod ranges;
mod time;

pub use error::FilterError;
pub use filter::{Expr, Filter};
pub use leaf::{Comparison, Leaf, Order, Read};
pub use literal::{Item, Literal};
pub use names::{Combine, Names, Resolved, Unit};
pub use parser::{MAX_DEPTH, MAX_LEAVES, MAX_LENGTH, MAX_PATTERNS};
pub use time::read as time;

//! Notifications of gNMI, written as protobuf straight from YANG data trees: no Python, no object
//! for a leaf, no second copy of a value.
//!
//! A message of protobuf is its fields, one after the other, and a path its elements. So the walk
//! over a tree appends whole `Update`s to one buffer (a [`picture::Picture`]); two pictures are
//! compared as octets; and a notification is a header and some pieces of a picture.
//! Field numbers are those of gnmi.proto; tests read everything back with the compiled messages.
//!
//! | module | what |
//! |---|---|
//! | `schema` | what is written of a schema node, made once |
//! | `pattern` | paths with wildcards, followed as a set of positions |
//! | `value`, `json` | a leaf, and a container as a whole |
//! | `walk` | from a tree to a picture |
//! | `picture` | updates in a row, and what has changed since another |
//! | `notify` | SubscribeResponses |
//! | `feed` | what subscribers are told |
//! | `wire` | protobuf |

mod feed;
mod json;
mod notify;
mod pattern;
mod picture;
mod schema;
mod value;
mod walk;
mod wire;

pub use feed::{Feed, Told};
pub use notify::Newest;
pub use pattern::{Element, Pattern, PatternError};
pub use schema::{Kept, Schema};
pub use walk::{Encoding, Selected, Shown, WriteError};

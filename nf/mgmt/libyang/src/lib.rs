//! Typed YANG data trees over libyang: it knows YANG and nothing of the engine.
//!
//! A [`Context`] holds the modules and is read-only once loaded; a [`Tree`] owns its nodes and keeps
//! its context alive. libyang stores errors per thread, so every function reads them before it
//! returns. Nodes without a schema (libyang calls them opaque) never leave a parser of ours.
//!
//! | module | what |
//! |---|---|
//! | `context` | loading modules, yang-library |
//! | `schema`, `outline` | every schema node as plain data, and as a numbered table |
//! | `tree` | parse, validate, print, look up |
//! | `select` | subtree filters, XPath, depth, configuration only |
//! | `data`, `filling` | as plain values, and back |
//! | `view` | as it stands, for writers |
//! | `edit` | `<edit-config>` in place |
//! | `change` | the elementary changes, undone and done again |
//! | `diff` | what an edit changed, in libyang's own format |
//! | `operation` | RPCs, actions, notifications |

mod bounds;
mod change;
mod context;
mod data;
mod diff;
mod edit;
mod filling;
pub mod fuzzing;
mod instance;
mod operation;
mod outline;
mod path;
mod problem;
mod project;
mod raw;
mod schema;
mod schema_type;
mod select;
mod tree;
mod view;
mod xml;

pub use context::{Context, ModuleInfo};
pub use data::{Data, Name};
pub use diff::{Change, Diff};
pub use edit::{DefaultOperation, EditFailure, ErrorOption};
pub use operation::Operation;
pub use outline::{Outline, Row, SchemaId, Shape};
pub use problem::{Error, Problem};
pub use schema::{Must, SchemaNode, TypeInfo};
pub use tree::{Defaults, Format, Kind, Tree};
pub use view::{DataNode, DataNodes, Value};

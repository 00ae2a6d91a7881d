//! The schema as a numbered table, for writers that walk data and must not compare names.

use std::ptr;

use foldhash::{HashMap, HashMapExt};
use libyang5_sys as ffi;

use crate::context::Context;
use crate::raw;
use crate::schema::operational;

/// What a schema node can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A container; one with presence says something even when it is empty.
    Container {
        /// Whether it has presence.
        presence: bool,
    },
    /// A list.
    List,
    /// A leaf.
    Leaf,
    /// A leaf-list.
    LeafList,
    /// anydata or anyxml.
    Any,
    /// No data of a datastore: choices, cases, operations, notifications and what they carry.
    None,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// Name without module.
    pub name: String,
    /// Module that defines it.
    pub module: String,
    /// What it can hold.
    pub shape: Shape,
    /// Whether the node of data above it is of another module, or there is none.
    pub foreign: bool,
    /// Whether it is a key of its list.
    pub is_key: bool,
    /// Names of a list's keys.
    pub keys: Vec<String>,
    /// Names of extension statements, without prefix.
    pub extensions: Vec<String>,
    /// Number of the first row that is not below this one.
    pub end: u32,
}

/// A schema node as data nodes name it; good for as long as the context lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SchemaId(*const ffi::lysc_node);

// SAFETY: an address that is compared and never followed.
unsafe impl Send for SchemaId {}
// SAFETY: as above.
unsafe impl Sync for SchemaId {}

impl SchemaId {
    pub(crate) fn of(schema: *const ffi::lysc_node) -> Self {
        Self(schema)
    }
}

/// Every schema node of a context, numbered in the order of [`Context::nodes`].
pub struct Outline {
    rows: Vec<Row>,
    numbers: HashMap<SchemaId, u32>,
    /// Keeps the addresses in `numbers` from being given to somebody else.
    _context: Context,
}

impl Outline {
    /// Reads the schema once.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        let nodes = context.all_nodes();
        let mut numbers = HashMap::with_capacity(nodes.len());
        for (number, &node) in (0u32..).zip(&nodes) {
            numbers.insert(SchemaId(node), number);
        }
        // SAFETY: compiled nodes live as long as the context.
        let mut rows: Vec<Row> = nodes.iter().map(|&node| unsafe { row(node) }).collect();
        // Depth first: a node ends where the first later one begins that has another ancestor.
        for number in (0..rows.len()).rev() {
            let mut end = number + 1;
            // SAFETY: as above.
            while end < rows.len() && unsafe { (*nodes[end]).parent } == nodes[number].cast_mut() {
                end = rows[end].end as usize;
            }
            rows[number].end = u32::try_from(end).unwrap_or(u32::MAX);
        }
        Self { rows, numbers, _context: context.clone() }
    }

    /// All rows, by number.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The number of a data node's schema; `None` for one of another context.
    #[must_use]
    pub fn number(&self, schema: SchemaId) -> Option<u32> {
        self.numbers.get(&schema).copied()
    }
}

/// # Safety
/// `node` is a compiled node of a live context.
unsafe fn row(node: *const ffi::lysc_node) -> Row {
    // SAFETY: the caller's promise; the kind says which structure a node is.
    unsafe {
        let kind = raw::node_type(node);
        let shape = match kind {
            _ if operational(node) => Shape::None,
            ffi::LYS_CONTAINER => {
                Shape::Container { presence: raw::has_flag(node, ffi::LYS_PRESENCE) }
            }
            ffi::LYS_LIST => Shape::List,
            ffi::LYS_LEAF => Shape::Leaf,
            ffi::LYS_LEAFLIST => Shape::LeafList,
            ffi::LYS_ANYDATA | ffi::LYS_ANYXML => Shape::Any,
            _ => Shape::None,
        };
        let mut above = (*node).parent.cast_const();
        while !above.is_null() && raw::node_type(above) & (ffi::LYS_CHOICE | ffi::LYS_CASE) != 0 {
            above = (*above).parent;
        }
        Row {
            name: raw::text((*node).name).unwrap_or_default(),
            module: raw::text((*(*node).module).name).unwrap_or_default(),
            shape,
            foreign: above.is_null() || !ptr::eq((*above).module, (*node).module),
            is_key: shape == Shape::Leaf && raw::has_flag(node, ffi::LYS_KEY),
            keys: if shape == Shape::List {
                crate::instance::keys(node).filter_map(|key| raw::text((*key).name)).collect()
            } else {
                Vec::new()
            },
            extensions: raw::array((*node).exts)
                .iter()
                .filter_map(|one| raw::text(one.def.as_ref()?.name))
                .collect(),
            end: 0,
        }
    }
}

//! A tree as it stands, node by node, for writers: nothing is copied but what a value is made of.

use libyang5_sys as ffi;

use crate::outline::SchemaId;
use crate::problem::Error;
use crate::raw::{self, Node, Siblings};
use crate::tree::Tree;

/// A value as its type stores it; of a union, as the member that took it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'t> {
    /// An unsigned integer.
    Unsigned {
        /// The number.
        number: u64,
        /// Whether the type has 64 bits.
        wide: bool,
    },
    /// A signed integer.
    Signed {
        /// The number.
        number: i64,
        /// Whether the type has 64 bits.
        wide: bool,
    },
    /// `boolean`.
    Bool(bool),
    /// `decimal64`, canonical.
    Decimal(&'t [u8]),
    /// `binary`, in base64.
    Binary(&'t [u8]),
    /// `empty`.
    Empty,
    /// Everything else, canonical and UTF-8.
    Text(&'t [u8]),
}

/// A node of data; lives as long as nobody changes its tree.
#[derive(Clone, Copy)]
pub struct DataNode<'t> {
    node: Node,
    tree: &'t Tree,
}

/// Nodes side by side.
pub struct DataNodes<'t> {
    siblings: Siblings,
    tree: &'t Tree,
}

impl<'t> Iterator for DataNodes<'t> {
    type Item = DataNode<'t>;

    fn next(&mut self) -> Option<DataNode<'t>> {
        let tree = self.tree;
        self.siblings
            .by_ref()
            // SAFETY: siblings of a tree that is borrowed.
            .find(|&node| unsafe { !(*node).schema.is_null() })
            .map(|node| DataNode { node, tree })
    }
}

impl Tree {
    /// The top-level nodes.
    #[must_use]
    pub fn view(&self) -> DataNodes<'_> {
        DataNodes { siblings: Siblings(self.root), tree: self }
    }
}

impl<'t> DataNode<'t> {
    /// What is directly inside; nothing for a leaf.
    #[must_use]
    pub fn children(self) -> DataNodes<'t> {
        // SAFETY: a live node of the borrowed tree.
        DataNodes { siblings: Siblings(unsafe { raw::first_child(self.node) }), tree: self.tree }
    }

    /// Its schema.
    #[must_use]
    pub fn schema(self) -> SchemaId {
        // SAFETY: as above.
        SchemaId::of(unsafe { (*self.node).schema })
    }

    /// The value of a leaf or of an entry of a leaf-list, canonical; nothing of other nodes.
    #[must_use]
    pub fn canonical(self) -> &'t [u8] {
        if self.is_term() {
            // SAFETY: a live term node of a tree that is ours alone, since `Tree` is not Sync.
            unsafe { raw::canonical_octets(self.node) }
        } else {
            &[]
        }
    }

    /// The value of a leaf or of an entry of a leaf-list; `Empty` of other nodes.
    #[must_use]
    pub fn value(self) -> Value<'t> {
        if self.is_term() {
            // SAFETY: as above.
            unsafe { value(self.node) }
        } else {
            Value::Empty
        }
    }

    /// The content of anydata or anyxml as JSON text.
    ///
    /// # Errors
    /// libyang's reasons.
    pub fn any_json(self) -> Result<String, Error> {
        self.tree.any_json(self.node)
    }

    fn is_term(self) -> bool {
        // SAFETY: a live node.
        let kind = unsafe { raw::node_type((*self.node).schema) };
        kind & (ffi::LYS_LEAF | ffi::LYS_LEAFLIST) != 0
    }
}

/// # Safety
/// The node is a live term node of a tree that nobody else uses during `'t`.
pub(crate) unsafe fn value<'t>(node: Node) -> Value<'t> {
    use ffi::LY_DATA_TYPE as T;
    // SAFETY: the caller's promise; a stored value has the type it was resolved to, and each arm
    // reads the member of the union that this type's plugin writes.
    unsafe {
        let mut stored = &raw const (*node.cast::<ffi::lyd_node_term>()).value;
        if (*(*stored).realtype).basetype == T::LY_TYPE_UNION {
            // The member that took the value is in the subvalue.
            let sub = (*stored).__bindgen_anon_1.subvalue;
            if !sub.is_null() {
                stored = &raw const (*sub).value;
            }
        }
        let inside = &(*stored).__bindgen_anon_1;
        let unsigned = |number: u64, wide| Value::Unsigned { number, wide };
        let signed = |number: i64, wide| Value::Signed { number, wide };
        match (*(*stored).realtype).basetype {
            T::LY_TYPE_UINT8 => unsigned(inside.uint8.into(), false),
            T::LY_TYPE_UINT16 => unsigned(inside.uint16.into(), false),
            T::LY_TYPE_UINT32 => unsigned(inside.uint32.into(), false),
            T::LY_TYPE_UINT64 => unsigned(inside.uint64, true),
            T::LY_TYPE_INT8 => signed(inside.int8.into(), false),
            T::LY_TYPE_INT16 => signed(inside.int16.into(), false),
            T::LY_TYPE_INT32 => signed(inside.int32.into(), false),
            T::LY_TYPE_INT64 => signed(inside.int64, true),
            T::LY_TYPE_BOOL => Value::Bool(inside.boolean != 0),
            T::LY_TYPE_EMPTY => Value::Empty,
            T::LY_TYPE_DEC64 => Value::Decimal(raw::canonical_octets(node)),
            T::LY_TYPE_BINARY => Value::Binary(raw::canonical_octets(node)),
            _ => Value::Text(raw::canonical_octets(node)),
        }
    }
}

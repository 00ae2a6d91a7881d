//! Parts of a tree as a tree of their own.

use std::collections::{HashMap, HashSet};
use std::ptr;

use libyang5_sys as ffi;

use crate::problem::Error;
use crate::raw::{self, Node, Siblings};
use crate::tree::Tree;

/// How much of a node is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// The node, the keys of an entry, and whatever else is marked below.
    Shell,
    /// Everything below, too.
    Whole,
}

/// The nodes wanted, and all their ancestors.
#[derive(Default)]
pub(crate) struct Marks {
    nodes: HashMap<Node, Mark>,
    lists: HashSet<(Node, *const ffi::lysc_node)>,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Wants a node without its ancestors; the larger of two wishes counts.
    pub(crate) fn add(&mut self, node: Node, mark: Mark) {
        let known = self.nodes.entry(node).or_insert(mark);
        *known = (*known).max(mark);
    }

    /// Wants a node's shell, and its ancestors'.
    ///
    /// # Safety
    /// The node and its ancestors are live.
    pub(crate) unsafe fn shell(&mut self, mut node: Node) {
        while !node.is_null() && !self.nodes.contains_key(&node) {
            self.nodes.insert(node, Mark::Shell);
            // SAFETY: the caller's promise.
            node = unsafe { (*node).parent };
        }
    }

    /// Wants a node with everything below, and its ancestors' shells.
    ///
    /// # Safety
    /// The node and its ancestors are live.
    pub(crate) unsafe fn whole(&mut self, node: Node) {
        // SAFETY: the caller's promise.
        unsafe { self.shell((*node).parent) };
        self.add(node, Mark::Whole);
    }

    /// True the first time that a list below a parent is asked for.
    pub(crate) fn list_seen(&mut self, parent: Node, schema: *const ffi::lysc_node) -> bool {
        self.lists.insert((parent, schema))
    }
}

/// Copies what is marked, in document order.
///
/// # Errors
/// Memory runs out.
pub(crate) fn project(tree: &Tree, marks: &Marks) -> Result<Tree, Error> {
    let mut part = Tree::new(&tree.context);
    if !marks.is_empty() {
        copy_marked(&mut part, tree.root, ptr::null_mut(), &|node| {
            marks.nodes.get(&node).copied()
        })?;
    }
    Ok(part)
}

/// Copies the nodes for which `wanted` says how much of them.
///
/// # Errors
/// Memory runs out.
pub(crate) fn copy_where(
    tree: &Tree,
    wanted: &dyn Fn(Node) -> Option<Mark>,
) -> Result<Tree, Error> {
    let mut part = Tree::new(&tree.context);
    copy_marked(&mut part, tree.root, ptr::null_mut(), wanted)?;
    Ok(part)
}

/// Recursion is as deep as the schema.
fn copy_marked(
    part: &mut Tree,
    first: Node,
    parent: Node,
    wanted: &dyn Fn(Node) -> Option<Mark>,
) -> Result<(), Error> {
    for node in Siblings(first) {
        let Some(mark) = wanted(node) else { continue };
        // SAFETY: walks live nodes; the parent is a copy that belongs to `part`.
        unsafe {
            let is_key = !parent.is_null()
                && raw::node_type((*node).schema) == ffi::LYS_LEAF
                && raw::has_flag((*node).schema, ffi::LYS_KEY);
            if is_key {
                continue; // came with its entry
            }
            let mut options = ffi::LYD_DUP_WITH_FLAGS;
            if mark == Mark::Whole {
                options |= ffi::LYD_DUP_RECURSIVE;
            }
            let mut copy = ptr::null_mut();
            let code = ffi::lyd_dup_single(node, parent, options, &raw mut copy);
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(part.error(code, "copying"));
            }
            if parent.is_null() {
                if part.root.is_null() {
                    part.root = copy;
                } else {
                    ffi::lyd_insert_sibling(part.root, copy, &raw mut part.root);
                }
            }
            if mark == Mark::Shell {
                copy_marked(part, raw::first_child(node), copy, wanted)?;
            }
        }
    }
    Ok(())
}

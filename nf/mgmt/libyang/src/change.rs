//! Elementary changes of a tree: insert a node, remove a node. Each can be undone and done again
//! exactly, because a removed node is kept, not freed, until the record of it goes.

use std::ptr;

use libyang5_sys as ffi;

use crate::diff::Diff;
use crate::problem::Error;
use crate::project::{Mark, Marks, project};
use crate::raw::{self, Node, Siblings};
use crate::tree::Tree;

/// Where a new entry of a user-ordered list or leaf-list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where libyang puts it: in schema order, sorted, or last.
    Usual,
    /// Before all other entries.
    First,
    /// Before an entry.
    Before(Node),
    /// After an entry.
    After(Node),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Inserted,
    Removed,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    kind: Kind,
    node: Node,
    /// Null at the top level.
    parent: Node,
    /// The entry before it when it was inserted or removed; only where the user gives the order.
    after: Node,
}

/// What has been changed, in order. Owns the nodes that are not in the tree.
pub(crate) struct Log<'a> {
    pub(crate) tree: &'a mut Tree,
    steps: Vec<Step>,
}

impl Drop for Log<'_> {
    fn drop(&mut self) {
        let mut loose: Vec<Node> = self.steps.iter().map(|s| s.node).collect();
        loose.sort_unstable();
        loose.dedup();
        // SAFETY: every node of a step is live: nothing frees one but this. Those that are the top
        // of their own tree belong to nobody else. Collected first, then freed.
        unsafe {
            loose.retain(|&node| !self.attached(node) && (*node).parent.is_null());
            for node in loose {
                ffi::lyd_free_tree(node);
            }
        }
    }
}

impl<'a> Log<'a> {
    pub(crate) fn new(tree: &'a mut Tree) -> Self {
        Self { tree, steps: Vec::new() }
    }

    /// How many changes there are: a mark to go back to.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The children of a node, or the top-level nodes.
    pub(crate) fn children(&self, parent: Node) -> Node {
        if parent.is_null() {
            self.tree.root
        } else {
            // SAFETY: parents given to a log are live nodes of its tree.
            unsafe { raw::first_child(parent) }
        }
    }

    /// Inserts a detached node. `fresh` says that the parent itself was inserted by this log, so
    /// that undoing that is enough.
    pub(crate) fn insert(
        &mut self,
        node: Node,
        parent: Node,
        place: Place,
        fresh: bool,
    ) -> Result<(), Error> {
        self.put(node, parent, place)?;
        if !fresh {
            let after = previous_entry(node);
            self.steps.push(Step { kind: Kind::Inserted, node, parent, after });
        }
        Ok(())
    }

    /// Takes a node out of the tree; it stays alive until the log goes.
    pub(crate) fn remove(&mut self, node: Node, fresh: bool) -> Result<(), Error> {
        // SAFETY: a live node of the tree.
        let parent = unsafe { (*node).parent };
        let after = previous_entry(node);
        self.take(node)?;
        if fresh {
            // SAFETY: nothing else knows the node: it came with a subtree of this log's making.
            unsafe { ffi::lyd_free_tree(node) };
        } else {
            self.steps.push(Step { kind: Kind::Removed, node, parent, after });
        }
        Ok(())
    }

    /// Moves an entry below a parent that this log inserted; needs no record.
    pub(crate) fn shift(&mut self, node: Node, parent: Node, place: Place) -> Result<(), Error> {
        self.take(node)?;
        self.put(node, parent, place)
    }

    fn put(&mut self, node: Node, parent: Node, place: Place) -> Result<(), Error> {
        self.tree.forget_errors();
        // SAFETY: node is detached and live, parent and anchors are live nodes of this tree.
        let code = unsafe {
            match place {
                Place::Usual => self.put_as_usual(node, parent),
                Place::First => match self.entries(parent, (*node).schema).next() {
                    Some(first) => ffi::lyd_insert_before(first, node),
                    None => self.put_as_usual(node, parent),
                },
                Place::Before(anchor) => ffi::lyd_insert_before(anchor, node),
                Place::After(anchor) => ffi::lyd_insert_after(anchor, node),
            }
        };
        self.tree.settle();
        if code == ffi::LY_ERR::LY_SUCCESS {
            return Ok(());
        }
        let error = self.tree.error(code, "inserting");
        // SAFETY: a node that could not be inserted is still detached and known to nobody.
        unsafe {
            if !self.steps.iter().any(|s| s.node == node) {
                ffi::lyd_free_tree(node);
            }
        }
        Err(error)
    }

    /// # Safety
    /// As for `put`.
    unsafe fn put_as_usual(&mut self, node: Node, parent: Node) -> ffi::LY_ERR::Type {
        // SAFETY: the caller's promise.
        unsafe {
            if !parent.is_null() {
                ffi::lyd_insert_child(parent, node)
            } else if self.tree.root.is_null() {
                self.tree.root = node;
                ffi::LY_ERR::LY_SUCCESS
            } else {
                ffi::lyd_insert_sibling(self.tree.root, node, &raw mut self.tree.root)
            }
        }
    }

    fn take(&mut self, node: Node) -> Result<(), Error> {
        self.tree.forget_errors();
        // SAFETY: a live node of the tree; the root moves on before it is unlinked.
        let code = unsafe {
            if node == self.tree.root {
                self.tree.root = (*node).next;
            }
            ffi::lyd_unlink_tree(node)
        };
        self.tree.settle();
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(self.tree.error(code, "removing"));
        }
        Ok(())
    }

    /// The entries of one list or leaf-list below a parent.
    fn entries(
        &self,
        parent: Node,
        schema: *const ffi::lysc_node,
    ) -> impl Iterator<Item = Node> + use<> {
        let mut first = ptr::null_mut();
        let siblings = self.children(parent);
        if !siblings.is_null() {
            // SAFETY: live siblings and a live schema; without a value the first instance is found.
            unsafe {
                ffi::lyd_find_sibling_val(siblings, schema, ptr::null(), 0, &raw mut first);
            }
            self.tree.forget_errors();
        }
        // SAFETY: walks live siblings.
        Siblings(first).take_while(move |&node| unsafe { (*node).schema == schema })
    }

    fn put_again(&mut self, step: Step) -> Result<(), Error> {
        // SAFETY: a node of a step is live.
        let ordered = unsafe { raw::user_ordered((*step.node).schema) };
        let place = match (ordered, step.after.is_null()) {
            (false, _) => Place::Usual,
            (true, true) => Place::First,
            (true, false) => Place::After(step.after),
        };
        self.put(step.node, step.parent, place)
    }

    fn undo_all(&mut self, to: usize) -> Result<(), Error> {
        for at in (to..self.steps.len()).rev() {
            let step = self.steps[at];
            match step.kind {
                Kind::Inserted => self.take(step.node)?,
                Kind::Removed => self.put_again(step)?,
            }
        }
        Ok(())
    }

    fn redo_all(&mut self) -> Result<(), Error> {
        for at in 0..self.steps.len() {
            let step = self.steps[at];
            match step.kind {
                Kind::Inserted => self.put_again(step)?,
                Kind::Removed => self.take(step.node)?,
            }
        }
        Ok(())
    }

    /// Brings the tree back to what it was when the log had `to` changes.
    pub(crate) fn roll_back(&mut self, to: usize) -> Result<(), Error> {
        self.undo_all(to)?;
        let gone = self.steps.split_off(to);
        let kept: Vec<Node> = self.steps.iter().map(|s| s.node).collect();
        let mut loose: Vec<Node> = gone.iter().map(|s| s.node).collect();
        loose.sort_unstable();
        loose.dedup();
        // SAFETY: nodes of steps are live; a loose one that no kept step names belongs to nobody.
        unsafe {
            loose.retain(|&n| !self.attached(n) && (*n).parent.is_null() && !kept.contains(&n));
            for node in loose {
                ffi::lyd_free_tree(node);
            }
        }
        Ok(())
    }

    /// Whether a node is in the tree rather than kept aside.
    fn attached(&self, node: Node) -> bool {
        if self.tree.root.is_null() {
            return false;
        }
        // SAFETY: the node and its ancestors are live.
        unsafe {
            let mut top = node;
            while !(*top).parent.is_null() {
                top = (*top).parent;
            }
            ffi::lyd_first_sibling(top) == self.tree.root
        }
    }

    /// The part of the tree, as it is now, that the changes touch.
    fn touched(&self) -> Marks {
        let mut marks = Marks::new();
        for step in &self.steps {
            // SAFETY: nodes of steps and their ancestors are live.
            unsafe {
                if !step.parent.is_null() && self.attached(step.parent) {
                    marks.shell(step.parent);
                }
                if self.attached(step.node) {
                    marks.whole(step.node);
                }
                let schema = (*step.node).schema;
                if raw::user_ordered(schema)
                    && (step.parent.is_null() || self.attached(step.parent))
                    && marks.list_seen(step.parent, schema)
                {
                    // An entry's place is told by its neighbour, so that all are needed.
                    for entry in self.entries(step.parent, schema) {
                        marks.add(entry, Mark::Shell);
                    }
                }
            }
        }
        marks
    }

    /// What the changes come to. Only what they touched is looked at: the touched part before
    /// (all changes undone) against the touched part after.
    pub(crate) fn diff(&mut self) -> Result<Diff, Error> {
        let context = self.tree.context.clone();
        if self.steps.is_empty() {
            return Ok(Diff::empty(&context));
        }
        let after = project(self.tree, &self.touched())?;
        self.undo_all(0)?;
        let before = project(self.tree, &self.touched());
        self.redo_all()?;
        before?.diff(&after)
    }
}

/// The entry of the same list just before this one, null when there is none or order is not the
/// user's.
fn previous_entry(node: Node) -> Node {
    // SAFETY: a live node; `prev` of the first sibling is the last one, which has no `next`.
    unsafe {
        let schema = (*node).schema;
        let previous = (*node).prev;
        if raw::user_ordered(schema) && !(*previous).next.is_null() && (*previous).schema == schema
        {
            previous
        } else {
            ptr::null_mut()
        }
    }
}

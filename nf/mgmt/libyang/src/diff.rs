//! Changes from one tree to another, in libyang's own format: a tree whose nodes carry
//! `yang:operation`.

use std::fmt;
use std::ptr;

use libyang5_sys as ffi;

use crate::change::{Log, Place};
use crate::context::Context;
use crate::path;
use crate::problem::{Error, Problem};
use crate::raw::{self, Node, Siblings};
use crate::tree::{Defaults, Format, Kind, Tree};

/// A set of changes.
pub struct Diff(pub(crate) Tree);

/// One row of [`Diff::changes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `create`, `delete`, `replace` or `move`.
    pub operation: &'static str,
    /// Data path with module names and keys.
    pub path: String,
    /// Canonical value after the change; `None` for nodes without one.
    pub new: Option<String>,
    /// Canonical value before.
    pub old: Option<String>,
}

impl fmt::Debug for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.changes()).finish()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Create,
    Delete,
    Replace,
    None,
}

impl Diff {
    /// No changes.
    #[must_use]
    pub fn empty(context: &Context) -> Self {
        Self(Tree::new(context))
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes that lead back.
    ///
    /// # Errors
    /// libyang's reasons.
    pub fn reversed(&self) -> Result<Self, Error> {
        let mut root = ptr::null_mut();
        if !self.0.root.is_null() {
            self.0.forget_errors();
            // SAFETY: the root is live, the result is ours.
            let code = unsafe { ffi::lyd_diff_reverse_all(self.0.root, &raw mut root) };
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(self.0.error(code, "reversing the changes"));
            }
        }
        Ok(Self(Tree::of(&self.0.context, root)))
    }

    /// Adds changes that come after these.
    ///
    /// # Errors
    /// The later changes do not follow from these.
    pub fn merge(&mut self, later: &Self) -> Result<(), Error> {
        if later.is_empty() {
            return Ok(());
        }
        self.0.forget_errors();
        // SAFETY: both roots are null or live, and of one context.
        let code = unsafe { ffi::lyd_diff_merge_all(&raw mut self.0.root, later.0.root, 0) };
        self.0.settle();
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(self.0.error(code, "joining changes"));
        }
        Ok(())
    }

    /// Reads what [`Diff::to_xml`] has written.
    ///
    /// # Errors
    /// It is malformed, or unknown to the modules.
    pub fn parse(context: &Context, data: &[u8]) -> Result<Self, Error> {
        Tree::parse(context, data, Format::Xml, Kind::Data).map(Self)
    }

    /// As XML with libyang's metadata, and a mark at every implied value (RFC 6243): without it a
    /// default would come back as something that somebody had set.
    ///
    /// # Errors
    /// libyang's reasons.
    pub fn to_xml(&self) -> Result<Vec<u8>, Error> {
        self.0.print(Format::Xml, Defaults::ReportAllTagged, false)
    }

    /// A copy of its own.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn copy(&self) -> Result<Self, Error> {
        self.0.copy().map(Self)
    }

    /// Every changed node, depth first: leaves, leaf-list and list entries, presence containers.
    /// A created or deleted subtree has a row for each of its nodes.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let mut rows = Vec::new();
        // SAFETY: the diff's nodes are live.
        unsafe { collect(self.0.root, None, &mut rows) };
        rows
    }
}

/// # Safety
/// `first` is null or a live node of a diff that is ours alone.
unsafe fn collect(first: Node, inherited: Option<Op>, rows: &mut Vec<Change>) {
    for node in Siblings(first) {
        // SAFETY: walks live nodes.
        unsafe {
            let schema = (*node).schema;
            let kind = raw::node_type(schema);
            if kind == ffi::LYS_LEAF && raw::has_flag(schema, ffi::LYS_KEY) {
                if let Some(row) = key_row(node, inherited) {
                    rows.push(row);
                }
                continue;
            }
            let op = own_op(node).or(inherited).unwrap_or(Op::None);
            let shown = kind != ffi::LYS_CONTAINER || raw::has_flag(schema, ffi::LYS_PRESENCE);
            let value = || path::value(node);
            let at = || path::of(node);
            match op {
                Op::Create if shown => {
                    rows.push(Change { operation: "create", path: at(), new: value(), old: None })
                }
                Op::Delete if shown => {
                    rows.push(Change { operation: "delete", path: at(), new: None, old: value() })
                }
                Op::Replace if kind & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0 => {
                    rows.push(Change { operation: "move", path: at(), new: value(), old: value() });
                }
                Op::Replace => rows.push(Change {
                    operation: "replace",
                    path: at(),
                    new: value(),
                    old: if kind == ffi::LYS_LEAF { meta(node, "orig-value") } else { None },
                }),
                // A value became explicit, or became the default: the value itself stays.
                Op::None if meta(node, "orig-default").is_some() => rows.push(Change {
                    operation: "replace",
                    path: at(),
                    new: value(),
                    old: value(),
                }),
                _ => {}
            }
            let below = if op == Op::Replace { Op::None } else { op };
            collect(raw::first_child(node), Some(below), rows);
        }
    }
}

/// Keys come and go with their entry.
///
/// # Safety
/// `node` is a live key leaf.
unsafe fn key_row(node: Node, inherited: Option<Op>) -> Option<Change> {
    // SAFETY: the caller's promise.
    unsafe {
        match inherited? {
            Op::Create => Some(Change {
                operation: "create",
                path: path::of(node),
                new: path::value(node),
                old: None,
            }),
            Op::Delete => Some(Change {
                operation: "delete",
                path: path::of(node),
                new: None,
                old: path::value(node),
            }),
            Op::Replace | Op::None => None,
        }
    }
}

/// # Safety
/// `node` is live.
unsafe fn meta(node: Node, name: &str) -> Option<String> {
    // SAFETY: metadata live with their node; the annotation names its module.
    unsafe {
        let mut item = (*node).meta;
        while let Some(one) = item.as_ref() {
            let module = (*one.annotation).module;
            if raw::text(one.name).as_deref() == Some(name)
                && raw::text((*module).name).as_deref() == Some("yang")
            {
                return raw::text(ffi::lyd_value_get_canonical(
                    (*module).ctx,
                    &raw const one.value,
                ));
            }
            item = one.next;
        }
        None
    }
}

/// # Safety
/// `node` is live.
unsafe fn own_op(node: Node) -> Option<Op> {
    // SAFETY: the caller's promise.
    match unsafe { meta(node, "operation") }?.as_str() {
        "create" => Some(Op::Create),
        "delete" => Some(Op::Delete),
        "replace" => Some(Op::Replace),
        _ => Some(Op::None),
    }
}

impl Tree {
    /// Carries changes out. A default value in the way gives way, one that is missing is not
    /// missed: validation may have run in between.
    ///
    /// # Errors
    /// The changes do not fit this tree, which is then as before.
    pub fn apply(&mut self, diff: &Diff) -> Result<(), Error> {
        let mut log = Log::new(self);
        // SAFETY: the diff's nodes are live and of the same context.
        let done = unsafe { apply_level(&mut log, diff.0.root, ptr::null_mut(), None, false) };
        if let Err(error) = done {
            log.roll_back(0)?;
            return Err(error);
        }
        Ok(())
    }
}

fn unfit(node: Node, what: &str) -> Error {
    // SAFETY: a live node of the diff.
    let place = unsafe { path::of(node) };
    let tag = if what.starts_with("exists") { "data-exists" } else { "data-missing" };
    Problem::new(tag, format!("the changes do not fit: the node {what}")).at(place).into()
}

/// # Safety
/// `first` is null or a live node of a diff, `parent` null or a live node of the log's tree.
unsafe fn apply_level(
    log: &mut Log<'_>,
    first: Node,
    parent: Node,
    inherited: Option<Op>,
    fresh: bool,
) -> Result<(), Error> {
    for change in Siblings(first) {
        // SAFETY: walks live nodes; what `find` gives is live until it is removed.
        unsafe {
            let schema = (*change).schema;
            let kind = raw::node_type(schema);
            if kind == ffi::LYS_LEAF && raw::has_flag(schema, ffi::LYS_KEY) {
                continue;
            }
            let op = own_op(change).or(inherited).unwrap_or(Op::None);
            let found = find(log, change, parent);
            let inner = kind & (ffi::LYS_CONTAINER | ffi::LYS_LIST) != 0;
            let implicit = (*change).flags & ffi::LYD_DEFAULT != 0 || is_plain_container(change);
            match op {
                Op::Delete => match found {
                    Some(node) => log.remove(node, fresh)?,
                    None if implicit => {}
                    None => return Err(unfit(change, "is not there")),
                },
                Op::None => {
                    let (node, made) = match found {
                        Some(node) => (node, false),
                        None if is_plain_container(change) => {
                            (insert_copy(log, change, parent, Place::Usual, fresh)?, true)
                        }
                        None if implicit => continue,
                        None => return Err(unfit(change, "is not there")),
                    };
                    if inner {
                        let below = raw::first_child(change);
                        apply_level(log, below, node, Some(Op::None), fresh || made)?;
                    } else if (*node).flags & ffi::LYD_DEFAULT != (*change).flags & ffi::LYD_DEFAULT
                    {
                        log.remove(node, fresh)?;
                        insert_copy(log, change, parent, Place::Usual, fresh)?;
                    }
                }
                Op::Create => {
                    let place = place(log, change, parent)?;
                    let (node, made) = match found {
                        Some(node)
                            if inner
                                && ((*node).flags & ffi::LYD_DEFAULT != 0
                                    || is_plain_container(change)) =>
                        {
                            (node, false)
                        }
                        Some(node) if (*node).flags & ffi::LYD_DEFAULT != 0 => {
                            log.remove(node, fresh)?;
                            (insert_copy(log, change, parent, place, fresh)?, true)
                        }
                        Some(_) if implicit => continue,
                        Some(_) => return Err(unfit(change, "exists already")),
                        None => (insert_copy(log, change, parent, place, fresh)?, true),
                    };
                    if inner {
                        let below = raw::first_child(change);
                        apply_level(log, below, node, Some(Op::Create), fresh || made)?;
                    }
                }
                Op::Replace => {
                    let Some(node) = found else {
                        return Err(unfit(change, "is not there"));
                    };
                    if kind & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0 {
                        let place = place(log, change, parent)?;
                        relocate(log, node, parent, place, fresh)?;
                        let below = raw::first_child(change);
                        apply_level(log, below, node, Some(Op::None), fresh)?;
                    } else {
                        log.remove(node, fresh)?;
                        insert_copy(log, change, parent, Place::Usual, fresh)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// # Safety
/// `node` is live.
unsafe fn is_plain_container(node: Node) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        raw::node_type((*node).schema) == ffi::LYS_CONTAINER
            && !raw::has_flag((*node).schema, ffi::LYS_PRESENCE)
    }
}

/// Moves an entry; staying where it is is no change.
///
/// # Safety
/// `node` is a live node of the log's tree below `parent`.
pub(crate) unsafe fn relocate(
    log: &mut Log<'_>,
    node: Node,
    parent: Node,
    place: Place,
    fresh: bool,
) -> Result<(), Error> {
    if place == Place::After(node) || place == Place::Before(node) {
        return Ok(());
    }
    if fresh {
        // Unlinked and linked without a record: the subtree is this log's making.
        return log.shift(node, parent, place);
    }
    log.remove(node, false)?;
    log.insert(node, parent, place, false)
}

/// The counterpart in the tree of a node of the diff.
///
/// # Safety
/// As for `apply_level`.
unsafe fn find(log: &Log<'_>, wanted: Node, parent: Node) -> Option<Node> {
    let siblings = log.children(parent);
    if siblings.is_null() {
        return None;
    }
    let mut found = ptr::null_mut();
    // SAFETY: both are live; entries are compared by key or value, other nodes by schema.
    unsafe {
        let schema = (*wanted).schema;
        if raw::node_type(schema) & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0 {
            ffi::lyd_find_sibling_first(siblings, wanted, &raw mut found);
        } else {
            ffi::lyd_find_sibling_val(siblings, schema, ptr::null(), 0, &raw mut found);
        }
    }
    log.tree.forget_errors();
    (!found.is_null()).then_some(found)
}

/// # Safety
/// As for `apply_level`.
unsafe fn insert_copy(
    log: &mut Log<'_>,
    change: Node,
    parent: Node,
    place: Place,
    fresh: bool,
) -> Result<Node, Error> {
    let mut copy = ptr::null_mut();
    // SAFETY: the change is live; the copy is detached. Not recursive: an entry brings its keys.
    let code = unsafe {
        let options = ffi::LYD_DUP_NO_META | ffi::LYD_DUP_WITH_FLAGS | ffi::LYD_DUP_NO_LYDS;
        ffi::lyd_dup_single(change, ptr::null_mut(), options, &raw mut copy)
    };
    if code != ffi::LY_ERR::LY_SUCCESS {
        return Err(log.tree.error(code, "copying"));
    }
    log.insert(copy, parent, place, fresh)?;
    Ok(copy)
}

/// Where the diff wants a user-ordered entry.
///
/// # Safety
/// As for `apply_level`.
unsafe fn place(log: &Log<'_>, change: Node, parent: Node) -> Result<Place, Error> {
    // SAFETY: live nodes; the anchor is text in libyang's own syntax.
    unsafe {
        let schema = (*change).schema;
        if !raw::user_ordered(schema) {
            return Ok(Place::Usual);
        }
        let name = if raw::node_type(schema) == ffi::LYS_LIST { "key" } else { "value" };
        let Some(anchor) = meta(change, name) else { return Ok(Place::Usual) };
        if anchor.is_empty() {
            return Ok(Place::First);
        }
        let text = raw::c_string(&anchor)?;
        let siblings = log.children(parent);
        let mut found = ptr::null_mut();
        if !siblings.is_null() {
            ffi::lyd_find_sibling_val(siblings, schema, text.as_ptr(), 0, &raw mut found);
            log.tree.forget_errors();
        }
        if found.is_null() {
            return Err(unfit(change, &format!("has no neighbour {anchor} in the tree")));
        }
        Ok(Place::After(found))
    }
}

//! One data tree: parse, validate, print, look up.

use std::ptr;

use libyang5_sys as ffi;

use crate::bounds;
use crate::context::Context;
use crate::diff::Diff;
use crate::path;
use crate::problem::{self, Error, Problem};
use crate::raw::{self, Node, Siblings};

/// How data is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 7950 XML, siblings without an element around them.
    Xml,
    /// RFC 7951 JSON.
    Json,
}

/// What a tree may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Configuration only.
    Config,
    /// Configuration and state.
    Data,
}

/// Which default values are written (RFC 6243).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// What was set, even to its default.
    Explicit,
    /// Nothing that equals its default.
    Trim,
    /// All of them.
    ReportAll,
    /// All of them, those marked that nobody has set (RFC 6243 §3.4, for servers whose basic mode is
    /// `explicit`).
    ReportAllTagged,
}

impl Format {
    pub(crate) fn raw(self) -> ffi::LYD_FORMAT::Type {
        match self {
            Self::Xml => ffi::LYD_FORMAT::LYD_XML,
            Self::Json => ffi::LYD_FORMAT::LYD_JSON,
        }
    }

    /// Refuses what is too long or nested too deep, and what no C string can hold.
    pub(crate) fn checked(self, data: &[u8]) -> Result<std::ffi::CString, Error> {
        match self {
            Self::Xml => bounds::check_xml(data)?,
            Self::Json => bounds::check_json(data)?,
        }
        let text = std::str::from_utf8(data).map_err(|e| {
            let what = format!("the input is not UTF-8 from octet {} on", e.valid_up_to());
            Error::from(Problem::new("malformed-message", what))
        })?;
        std::ffi::CString::new(text).map_err(|e| {
            let what = format!("the input has a NUL character at octet {}", e.nul_position());
            Problem::new("malformed-message", what).into()
        })
    }
}

/// A data tree: the top-level nodes of any number of modules.
pub struct Tree {
    pub(crate) context: Context,
    /// The first top-level node, null when empty.
    pub(crate) root: Node,
}

// SAFETY: a tree owns its nodes and is used by one thread at a time, since libyang fills in
// canonical values while reading: the type is not Sync. The context may be shared.
unsafe impl Send for Tree {}

impl Drop for Tree {
    fn drop(&mut self) {
        // SAFETY: the nodes are ours; the context lives until after this.
        unsafe { ffi::lyd_free_all(self.root) };
    }
}

impl Tree {
    /// An empty tree.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        Self::of(context, ptr::null_mut())
    }

    /// Takes over nodes.
    pub(crate) fn of(context: &Context, node: Node) -> Self {
        let mut tree = Self { context: context.clone(), root: node };
        tree.settle();
        tree
    }

    /// The modules it belongs to.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn ctx(&self) -> *const ffi::ly_ctx {
        self.context.raw()
    }

    /// Makes `root` the first sibling again, after nodes came before it.
    pub(crate) fn settle(&mut self) {
        // SAFETY: the root is null or a live node of ours; libyang takes null.
        self.root = unsafe { ffi::lyd_first_sibling(self.root) };
    }

    /// The errors of this thread's last call.
    pub(crate) fn error(&self, code: ffi::LY_ERR::Type, doing: &str) -> Error {
        // SAFETY: the context is live.
        unsafe { problem::taken(self.ctx(), code, doing) }
    }

    pub(crate) fn forget_errors(&self) {
        // SAFETY: the context is live.
        unsafe { problem::forget(self.ctx()) };
    }

    /// Reads data. Values are checked against their types, nothing else is.
    ///
    /// # Errors
    /// Input that is malformed, unknown, too big, or state where only configuration is wanted.
    pub fn parse(
        context: &Context,
        data: &[u8],
        format: Format,
        kind: Kind,
    ) -> Result<Self, Error> {
        let mut tree = Self::new(context);
        if data.iter().all(u8::is_ascii_whitespace) {
            return Ok(tree);
        }
        let text = format.checked(data)?;
        let mut options = ffi::LYD_PARSE_ONLY | ffi::LYD_PARSE_STRICT;
        if kind == Kind::Config {
            options |= ffi::LYD_PARSE_NO_STATE;
        }
        tree.forget_errors();
        // SAFETY: the text is NUL-terminated and outlives the call; on failure libyang leaves null.
        let code = unsafe {
            ffi::lyd_parse_data_mem(
                tree.ctx(),
                text.as_ptr(),
                format.raw(),
                options,
                0,
                &raw mut tree.root,
            )
        };
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(tree.error(code, "parsing"));
        }
        tree.settle();
        Ok(tree)
    }

    /// A tree of its own with the same content.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn copy(&self) -> Result<Self, Error> {
        let mut root = ptr::null_mut();
        if !self.root.is_null() {
            self.forget_errors();
            let options = ffi::LYD_DUP_RECURSIVE | ffi::LYD_DUP_WITH_FLAGS;
            // SAFETY: the root is live, the result is ours.
            let code = unsafe {
                ffi::lyd_dup_siblings(self.root, ptr::null_mut(), options, &raw mut root)
            };
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(self.error(code, "copying"));
            }
        }
        Ok(Self::of(&self.context, root))
    }

    /// Checks everything the modules say and adds default values; `state` also wants state data
    /// complete. Says what validation itself changed: defaults that came or went, nodes whose
    /// `when` is no longer true.
    ///
    /// # Errors
    /// Every constraint that is not met. Nothing that was set is lost then, but default values may
    /// have been added.
    pub fn validate(&mut self, state: bool) -> Result<Diff, Error> {
        let mut options = ffi::LYD_VALIDATE_MULTI_ERROR;
        if !state {
            options |= ffi::LYD_VALIDATE_NO_STATE;
        }
        self.forget_errors();
        let kept = self.conditional_nodes()?;
        let mut diff = ptr::null_mut();
        // SAFETY: the root is ours and null or live; libyang updates it.
        let code = unsafe {
            ffi::lyd_validate_all(&raw mut self.root, self.ctx(), options, &raw mut diff)
        };
        self.settle();
        let diff = Diff(Self::of(&self.context, diff));
        if code != ffi::LY_ERR::LY_SUCCESS {
            let mut error = self.error(code, "validating");
            self.name_broken_musts(&mut error)?;
            self.put_back(kept)?;
            return Err(error);
        }
        self.forget_errors();
        Ok(diff)
    }

    /// A `must` with an error-message or app-tag of its own looks like a wrong value otherwise
    /// (RFC 7950, section 15.4: operation-failed).
    fn name_broken_musts(&self, error: &mut Error) -> Result<(), Error> {
        for problem in error.problems.iter_mut().filter(|p| p.tag == "invalid-value") {
            let Some(path) = &problem.path else { continue };
            let Some(node) = self.node_at(path)? else { continue };
            // SAFETY: a live node; its schema's statements live as long as the context.
            let broken = unsafe {
                raw::array(ffi::lysc_node_musts((*node).schema)).iter().any(|must| {
                    raw::text(must.emsg).as_deref() == Some(&problem.message)
                        || must.emsg.is_null()
                            && raw::text(must.eapptag)
                                .is_some_and(|tag| problem.app_tag.as_ref() == Some(&tag))
                })
            };
            if broken {
                problem.tag = "operation-failed";
            }
        }
        Ok(())
    }

    /// Copies of the topmost nodes that validation may delete by itself, because their `when` held
    /// before: a validation that fails must not lose them.
    fn conditional_nodes(&self) -> Result<Vec<(String, Tree)>, Error> {
        const WHEN_WAS_TRUE: u32 = 2; // LYD_WHEN_TRUE, an enumerator that the bindings lack
        let mut kept = Vec::new();
        let mut walk = vec![Siblings(self.root)];
        while let Some(level) = walk.last_mut() {
            let Some(node) = level.next() else {
                walk.pop();
                continue;
            };
            // SAFETY: walks live nodes of this tree.
            unsafe {
                let flags = (*node).flags;
                if flags & WHEN_WAS_TRUE != 0 && flags & ffi::LYD_DEFAULT == 0 {
                    kept.push((path::of(node), self.copied(node)?));
                } else {
                    walk.push(Siblings(raw::first_child(node)));
                }
            }
        }
        Ok(kept)
    }

    /// A node with its subtree and its parents as a tree of its own.
    fn copied(&self, node: Node) -> Result<Self, Error> {
        let options = ffi::LYD_DUP_RECURSIVE | ffi::LYD_DUP_WITH_FLAGS | ffi::LYD_DUP_WITH_PARENTS;
        let mut copy = ptr::null_mut();
        // SAFETY: the node is live; the copy is ours, its topmost parent the root.
        unsafe {
            let code = ffi::lyd_dup_single(node, ptr::null_mut(), options, &raw mut copy);
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(self.error(code, "copying"));
            }
            while !(*copy).parent.is_null() {
                copy = (*copy).parent;
            }
        }
        Ok(Self::of(&self.context, copy))
    }

    fn put_back(&mut self, kept: Vec<(String, Tree)>) -> Result<(), Error> {
        for (path, copy) in kept {
            if self.node_at(&path)?.is_none() {
                self.merge(&copy)?;
            }
        }
        Ok(())
    }

    /// Writes all top-level nodes.
    ///
    /// # Errors
    /// libyang's reasons.
    pub fn print(&self, format: Format, mode: Defaults, indent: bool) -> Result<Vec<u8>, Error> {
        let mut options = ffi::LYD_PRINT_SIBLINGS;
        if !indent {
            options |= ffi::LYD_PRINT_SHRINK;
        }
        options |= match mode {
            Defaults::Explicit => ffi::LYD_PRINT_WD_EXPLICIT,
            Defaults::Trim => ffi::LYD_PRINT_WD_TRIM,
            Defaults::ReportAll => ffi::LYD_PRINT_WD_ALL,
            Defaults::ReportAllTagged => ffi::LYD_PRINT_WD_IMPL_TAG,
        };
        if self.root.is_null() {
            return Ok(if format == Format::Json { b"{}".to_vec() } else { Vec::new() });
        }
        let mut out = ptr::null_mut();
        self.forget_errors();
        // SAFETY: the root is live; the text is taken over.
        unsafe {
            let code = ffi::lyd_print_mem(&raw mut out, self.root, format.raw(), options);
            if code != ffi::LY_ERR::LY_SUCCESS {
                ffi::free(out.cast());
                return Err(self.error(code, "printing"));
            }
            Ok(raw::owned_text(out).unwrap_or_default().into_bytes())
        }
    }

    /// What makes this tree into the other, found by comparing them.
    ///
    /// # Errors
    /// libyang's reasons.
    pub fn diff(&self, other: &Self) -> Result<Diff, Error> {
        let mut diff = ptr::null_mut();
        self.forget_errors();
        if !(self.root.is_null() && other.root.is_null()) {
            let options = ffi::LYD_DIFF_DEFAULTS as u16;
            // SAFETY: both roots are null or live, and of one context.
            let code =
                unsafe { ffi::lyd_diff_siblings(self.root, other.root, options, &raw mut diff) };
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(self.error(code, "comparing"));
            }
        }
        Ok(Diff(Self::of(&self.context, diff)))
    }

    /// Takes over every node of the other tree; its values win.
    ///
    /// # Errors
    /// libyang's reasons.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if other.root.is_null() {
            return Ok(());
        }
        self.forget_errors();
        let options = ffi::LYD_MERGE_WITH_FLAGS as u16;
        // SAFETY: both roots are null or live, and of one context.
        let code = unsafe { ffi::lyd_merge_siblings(&raw mut self.root, other.root, options) };
        self.settle();
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(self.error(code, "merging"));
        }
        Ok(())
    }

    /// The same with a tree that nobody needs afterwards: its nodes move.
    pub(crate) fn absorb(&mut self, mut other: Self) -> Result<(), Error> {
        let root = std::mem::replace(&mut other.root, ptr::null_mut());
        if root.is_null() {
            return Ok(());
        }
        self.forget_errors();
        let options = (ffi::LYD_MERGE_WITH_FLAGS | ffi::LYD_MERGE_DESTRUCT) as u16;
        // SAFETY: as above; libyang frees what it does not take.
        let code = unsafe { ffi::lyd_merge_siblings(&raw mut self.root, root, options) };
        self.settle();
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(self.error(code, "merging"));
        }
        Ok(())
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        fn count(first: Node) -> usize {
            // SAFETY: walks live nodes of the tree.
            Siblings(first).map(|node| 1 + count(unsafe { raw::first_child(node) })).sum()
        }
        count(self.root)
    }

    /// Whether there is no node at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_null()
    }

    /// Writes the origin (RFC 8342) on top-level nodes: an identity such as
    /// `ietf-origin:intended`; without a module it is one of ietf-origin.
    ///
    /// # Errors
    /// ietf-origin is not loaded, or knows no such identity.
    pub fn annotate_origin(&mut self, origin: &str) -> Result<(), Error> {
        let value = if origin.contains(':') {
            raw::c_string(origin)?
        } else {
            raw::c_string(&format!("ietf-origin:{origin}"))?
        };
        self.forget_errors();
        for node in Siblings(self.root) {
            // SAFETY: the node is live; libyang copies the strings.
            let code = unsafe {
                let mut meta = (*node).meta;
                while !meta.is_null() {
                    let next = (*meta).next;
                    if raw::text((*meta).name).as_deref() == Some("origin") {
                        ffi::lyd_free_meta_single(meta);
                    }
                    meta = next;
                }
                ffi::lyd_new_meta(
                    ptr::null(),
                    node,
                    ptr::null(),
                    c"ietf-origin:origin".as_ptr(),
                    value.as_ptr(),
                    0,
                    ptr::null_mut(),
                )
            };
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(self.error(code, "annotating the origin"));
            }
        }
        Ok(())
    }
}

//! Nodes by path and by XPath.

use std::ptr;

use libyang5_sys as ffi;

use crate::bounds;
use crate::problem::{Error, Problem};
use crate::raw::{self, Node};
use crate::tree::Tree;

/// The data path of a node, with module names and keys.
///
/// # Safety
/// The node is live.
pub(crate) unsafe fn of(node: Node) -> String {
    let path_type = ffi::LYD_PATH_TYPE::LYD_PATH_STD;
    // SAFETY: the caller's promise; without a buffer libyang allocates one, which is freed.
    unsafe { raw::owned_text(ffi::lyd_path(node, path_type, ptr::null_mut(), 0)) }
        .unwrap_or_default()
}

impl Tree {
    /// Looks one node up by its data path.
    ///
    /// # Errors
    /// The path is malformed or names nodes that no module has.
    pub(crate) fn node_at(&self, path: &str) -> Result<Option<Node>, Error> {
        bounds::check_expression(path)?;
        self.check_path(path)?;
        let c_path = raw::c_string(path)?;
        self.forget_errors();
        if self.root.is_null() {
            // There is nothing to find, but a wrong path must be refused all the same.
            // SAFETY: the context is live, the path NUL-terminated.
            let known = unsafe {
                !ffi::lys_find_path(self.ctx(), ptr::null(), c_path.as_ptr(), 0).is_null()
            };
            return if known {
                self.forget_errors();
                Ok(None)
            } else {
                Err(self.error(ffi::LY_ERR::LY_EVALID, &format!("looking up {path}")))
            };
        }
        let mut found = ptr::null_mut();
        // SAFETY: the root is live; the path is absolute, so that it only gives the tree.
        let code = unsafe { ffi::lyd_find_path(self.root, c_path.as_ptr(), 0, &raw mut found) };
        match code {
            ffi::LY_ERR::LY_SUCCESS => Ok(Some(found)),
            ffi::LY_ERR::LY_ENOTFOUND | ffi::LY_ERR::LY_EINCOMPLETE => {
                self.forget_errors();
                Ok(None)
            }
            _ => Err(self.error(code, &format!("looking up {path}"))),
        }
    }

    /// An empty tree has nothing to begin at, but a wrong expression must be refused there, too: a
    /// node that no schema knows stands in, which no expression selects.
    fn stand_in(&self) -> Result<Option<Self>, Error> {
        if !self.root.is_null() {
            return Ok(None);
        }
        let mut node = ptr::null_mut();
        self.forget_errors();
        // SAFETY: the context is live, the strings are constants; the node becomes the tree's.
        let code = unsafe {
            ffi::lyd_new_opaq(
                ptr::null_mut(),
                self.ctx(),
                c"nothing".as_ptr(),
                c"".as_ptr(),
                ptr::null(),
                c"nothing".as_ptr(),
                &raw mut node,
            )
        };
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(self.error(code, "preparing to look up"));
        }
        Ok(Some(Self::of(&self.context, node)))
    }

    fn check_path(&self, path: &str) -> Result<(), Error> {
        if path.starts_with('/') {
            return Ok(());
        }
        let what = format!("{path} is no absolute data path; it begins with /module:name");
        Err(Problem::new("invalid-value", what).into())
    }

    /// The nodes that an XPath 1.0 expression selects, in document order; names without a prefix
    /// take their parent's module.
    ///
    /// # Errors
    /// The expression is malformed, or selects no nodes but computes a value.
    pub(crate) fn nodes(&self, xpath: &str) -> Result<Vec<Node>, Error> {
        bounds::check_expression(xpath)?;
        let c_xpath = raw::c_string(xpath)?;
        let stand_in = self.stand_in()?;
        let start = stand_in.as_ref().map_or(self.root, |tree| tree.root);
        let mut set = ptr::null_mut();
        self.forget_errors();
        // SAFETY: the start is live; JSON prefixes are module names and need no table; the
        // set is freed, its nodes stay the tree's.
        unsafe {
            let code = ffi::lyd_find_xpath3(
                ptr::null(),
                start,
                c_xpath.as_ptr(),
                ffi::LY_VALUE_FORMAT::LY_VALUE_JSON,
                ptr::null_mut(),
                ptr::null(),
                &raw mut set,
            );
            if code != ffi::LY_ERR::LY_SUCCESS {
                let mut error = self.error(code, &format!("evaluating {xpath}"));
                for problem in &mut error.problems {
                    problem.tag = "invalid-value";
                }
                return Err(error);
            }
            let found = if set.is_null() || (*set).count == 0 {
                Vec::new()
            } else {
                let count = (*set).count as usize;
                std::slice::from_raw_parts((*set).__bindgen_anon_1.dnodes, count)
                    .iter()
                    .copied()
                    .filter(|node| !node.is_null() && !(**node).schema.is_null())
                    .collect()
            };
            ffi::ly_set_free(set, None);
            self.forget_errors();
            Ok(found)
        }
    }

    /// Sets a leaf, or creates an entry or container, with its parents.
    ///
    /// # Errors
    /// The path or the value is wrong; nothing has changed then.
    pub fn set(&mut self, path: &str, value: Option<&str>) -> Result<(), Error> {
        bounds::check_expression(path)?;
        self.check_path(path)?;
        let c_path = raw::c_string(path)?;
        let c_value = value.map(raw::c_string).transpose()?;
        let (mut top, mut made) = (ptr::null_mut(), ptr::null_mut());
        self.forget_errors();
        // SAFETY: the root is null or live; an absolute path inserts beside it, and new top-level
        // nodes of an empty tree become ours.
        unsafe {
            let code = ffi::lyd_new_path2(
                self.root,
                self.ctx(),
                c_path.as_ptr(),
                c_value.as_ref().map_or(ptr::null(), |v| v.as_ptr().cast()),
                0,
                0,
                ffi::LYD_NEW_PATH_UPDATE,
                &raw mut top,
                &raw mut made,
            );
            if code != ffi::LY_ERR::LY_SUCCESS && code != ffi::LY_ERR::LY_EEXIST {
                return Err(self.error(code, &format!("setting {path}")));
            }
            if self.root.is_null() {
                self.root = top;
            }
        }
        self.settle();
        self.forget_errors();
        Ok(())
    }

    /// Removes what an XPath expression selects; says how many nodes were selected and went.
    ///
    /// # Errors
    /// The expression is malformed, or selects the key of an entry that stays.
    pub fn remove(&mut self, xpath: &str) -> Result<usize, Error> {
        let found = self.nodes(xpath)?;
        let selected: std::collections::HashSet<Node> = found.iter().copied().collect();
        // SAFETY: the nodes are live until freed; only topmost ones are freed, so none twice.
        unsafe {
            let mut topmost = Vec::new();
            for &node in &found {
                let mut parent = (*node).parent;
                while !parent.is_null() && !selected.contains(&parent) {
                    parent = (*parent).parent;
                }
                if parent.is_null() {
                    if raw::has_flag((*node).schema, ffi::LYS_KEY)
                        && raw::node_type((*node).schema) == ffi::LYS_LEAF
                    {
                        let what = "the key of a list entry cannot go without the entry";
                        return Err(Problem::new("invalid-value", what.to_string())
                            .at(of(node))
                            .into());
                    }
                    topmost.push(node);
                }
            }
            for node in topmost {
                if node == self.root {
                    self.root = (*node).next;
                }
                ffi::lyd_free_tree(node);
            }
        }
        self.settle();
        Ok(found.len())
    }

    /// The canonical value of a leaf, also a default one that is in the tree.
    ///
    /// # Errors
    /// The path is wrong.
    pub fn get(&self, path: &str) -> Result<Option<String>, Error> {
        // SAFETY: the node is live.
        Ok(self.node_at(path)?.and_then(|node| unsafe { value(node) }))
    }

    /// Whether there is a node at this path.
    ///
    /// # Errors
    /// The path is wrong.
    pub fn exists(&self, path: &str) -> Result<bool, Error> {
        Ok(self.node_at(path)?.is_some())
    }

    /// Paths and values of what an XPath expression selects.
    ///
    /// # Errors
    /// The expression is malformed.
    pub fn find(&self, xpath: &str) -> Result<Vec<(String, Option<String>)>, Error> {
        // SAFETY: the nodes are live.
        Ok(self.nodes(xpath)?.into_iter().map(|n| unsafe { (of(n), value(n)) }).collect())
    }
}

/// The canonical value of a leaf or leaf-list entry, `None` for other nodes.
///
/// # Safety
/// The node is live and its tree is ours alone.
pub(crate) unsafe fn value(node: Node) -> Option<String> {
    // SAFETY: the caller's promise; only term nodes are asked.
    unsafe {
        let kind = raw::node_type((*node).schema);
        (kind & (ffi::LYS_LEAF | ffi::LYS_LEAFLIST) != 0).then(|| raw::canonical(node))?
    }
}

//! Parts of a tree that somebody asked for: subtree filters (RFC 6241, section 6), XPath, depth,
//! configuration only. Filters are answered by walking filter and tree together.

use std::ptr;

use libyang5_sys as ffi;
use roxmltree::Node as Element;

use crate::instance::{Maker, depends_on_prefixes, keys};
use crate::problem::Error;
use crate::project::{Mark, Marks, copy_where, project};
use crate::raw::{self, Node, Siblings};
use crate::tree::Tree;
use crate::xml;

impl Tree {
    /// What an XPath expression selects, with everything below and all ancestors with their keys.
    ///
    /// # Errors
    /// The expression is malformed.
    pub fn select_xpath(&self, xpath: &str) -> Result<Self, Error> {
        let mut marks = Marks::new();
        for node in self.nodes(xpath)? {
            // SAFETY: live nodes of this tree.
            unsafe { marks.whole(node) };
        }
        project(self, &marks)
    }

    /// What a subtree filter selects. An element without a namespace matches any.
    ///
    /// # Errors
    /// The filter is not well-formed.
    pub fn select_subtree(&self, filter: &[u8]) -> Result<Self, Error> {
        let text = xml::wrapped(filter)?;
        let document = xml::parse(&text)?;
        let mut marks = Marks::new();
        for element in xml::elements(document.root_element()) {
            self.filter(element, self.root, ptr::null_mut(), &mut marks)?;
        }
        project(self, &marks)
    }

    /// Marks what one filter element selects among siblings; says whether it selected anything.
    fn filter(
        &self,
        element: Element<'_, '_>,
        siblings: Node,
        parent: Node,
        marks: &mut Marks,
    ) -> Result<bool, Error> {
        let mut any = false;
        if let Some(entry) = self.entry_by_keys(element, siblings, parent)? {
            return match entry {
                Some(node) => self.filter_node(element, node, marks),
                None => Ok(false),
            };
        }
        for node in Siblings(siblings) {
            // SAFETY: walks live nodes.
            if unsafe { matches(element, node) } {
                any |= self.filter_node(element, node, marks)?;
            }
        }
        Ok(any)
    }

    fn filter_node(
        &self,
        element: Element<'_, '_>,
        node: Node,
        marks: &mut Marks,
    ) -> Result<bool, Error> {
        // SAFETY: a live node of this tree.
        unsafe {
            let is_term = raw::node_type((*node).schema) & (ffi::LYS_LEAF | ffi::LYS_LEAFLIST) != 0;
            let mut inside = xml::elements(element).peekable();
            if inside.peek().is_none() {
                let wanted = xml::text(element);
                if wanted.trim().is_empty() || is_term && self.equals(element, node, wanted.trim())
                {
                    marks.whole(node);
                    return Ok(true);
                }
                return Ok(false);
            }
            if is_term {
                return Ok(false);
            }
            let (tests, rest): (Vec<_>, Vec<_>) = inside.partition(|e| is_content_match(*e));
            let below = raw::first_child(node);
            let mut met = Vec::new();
            for test in &tests {
                let wanted = xml::text(*test);
                let found: Vec<Node> = Siblings(below)
                    .filter(|&n| matches(*test, n) && self.equals(*test, n, wanted.trim()))
                    .collect();
                if found.is_empty() {
                    return Ok(false);
                }
                met.extend(found);
            }
            if rest.is_empty() {
                marks.whole(node);
                return Ok(true);
            }
            for one in &met {
                marks.whole(*one);
            }
            let mut any = !met.is_empty();
            for element in rest {
                any |= self.filter(element, below, node, marks)?;
            }
            Ok(any)
        }
    }

    /// When an element's content matches name all keys of a list, the entry is looked up by them:
    /// `Some(None)` when there is none, `None` when the keys are not all given.
    fn entry_by_keys(
        &self,
        element: Element<'_, '_>,
        siblings: Node,
        parent: Node,
    ) -> Result<Option<Option<Node>>, Error> {
        // SAFETY: live siblings and schema nodes.
        unsafe {
            let Some(first) = Siblings(siblings).find(|&n| matches(element, n)) else {
                return Ok(None);
            };
            let schema = (*first).schema;
            // Without a namespace several modules' lists may be meant.
            if raw::node_type(schema) != ffi::LYS_LIST
                || element.tag_name().namespace().is_none()
                || raw::has_flag(schema, ffi::LYS_KEYLESS)
            {
                return Ok(None);
            }
            let mut values = Vec::new();
            for key in keys(schema) {
                let name = raw::text((*key).name).unwrap_or_default();
                let given: Vec<_> = xml::elements(element)
                    .filter(|e| e.tag_name().name() == name && is_content_match(*e))
                    .collect();
                if given.len() != 1
                    || given[0].tag_name().namespace() != element.tag_name().namespace()
                    || depends_on_prefixes((*key.cast::<ffi::lysc_node_leaf>()).type_)
                {
                    return Ok(None);
                }
                values.push(raw::c_string(xml::text(given[0]).trim())?);
            }
            let maker = Maker::below(self, parent)?;
            let Ok(made) = maker.entry_of(self, schema, &values) else {
                return Ok(Some(None)); // no entry can have a key that its type refuses
            };
            let mut found = ptr::null_mut();
            ffi::lyd_find_sibling_first(siblings, made.node(), &raw mut found);
            self.forget_errors();
            Ok(Some((!found.is_null()).then_some(found)))
        }
    }

    /// Whether a leaf has the value of a content match.
    ///
    /// # Safety
    /// The node is a live term node of this tree, or another, which equals nothing.
    unsafe fn equals(&self, element: Element<'_, '_>, node: Node, wanted: &str) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let schema = (*node).schema;
            if raw::node_type(schema) & (ffi::LYS_LEAF | ffi::LYS_LEAFLIST) == 0 {
                return false;
            }
            let mut text = wanted.to_string();
            if depends_on_prefixes((*schema.cast::<ffi::lysc_node_leaf>()).type_) {
                // The canonical form names the module where XML has a prefix.
                let (prefix, name) = wanted
                    .split_once(':')
                    .map_or((None, wanted), |(prefix, name)| (Some(prefix), name));
                if let Some(uri) = element.lookup_namespace_uri(prefix)
                    && let Some(module) = self.context.module_of_namespace(uri)
                {
                    let module = raw::text((*module).name).unwrap_or_default();
                    text = format!("{module}:{name}");
                }
                if raw::canonical(node).as_deref() == Some(&*text) {
                    return true;
                }
                text = wanted.to_string();
            }
            if raw::canonical(node).as_deref() == Some(&*text) {
                return true;
            }
            let Ok(c_text) = raw::c_string(&text) else { return false };
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            let code = ffi::lyd_value_compare(node.cast(), c_text.as_ptr(), length);
            self.forget_errors();
            code == ffi::LY_ERR::LY_SUCCESS
        }
    }

    /// Configuration alone.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn without_state(&self) -> Result<Self, Error> {
        // SAFETY: live nodes of this tree.
        copy_where(self, &|node| unsafe {
            (!raw::has_flag((*node).schema, ffi::LYS_CONFIG_R)).then_some(Mark::Shell)
        })
    }

    /// State alone, with the containers and entries that it stands in and their keys.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn only_state(&self) -> Result<Self, Error> {
        let mut marks = Marks::new();
        self.mark_state(self.root, &mut marks);
        project(self, &marks)
    }

    /// Recursion is as deep as the schema.
    fn mark_state(&self, first: Node, marks: &mut Marks) {
        for node in Siblings(first) {
            // SAFETY: walks live nodes; a state node has only state below it.
            unsafe {
                if raw::has_flag((*node).schema, ffi::LYS_CONFIG_R) {
                    marks.whole(node);
                } else {
                    self.mark_state(raw::first_child(node), marks);
                }
            }
        }
    }

    /// The first levels only; the top level is 1 (RFC 8526, section 3.1.1). Keys stay with their
    /// entries.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn at_depth(&self, depth: u32) -> Result<Self, Error> {
        // SAFETY: live nodes of this tree.
        copy_where(self, &|node| unsafe {
            let mut level = 1;
            let mut parent = (*node).parent;
            while !parent.is_null() {
                level += 1;
                parent = (*parent).parent;
            }
            (level <= depth).then_some(Mark::Shell)
        })
    }
}

/// # Safety
/// The node is live.
unsafe fn matches(element: Element<'_, '_>, node: Node) -> bool {
    // SAFETY: names and namespaces of schema nodes live as long as the context.
    unsafe {
        let schema = (*node).schema;
        let same =
            |pointer, text: &str| std::ffi::CStr::from_ptr(pointer).to_bytes() == text.as_bytes();
        !schema.is_null()
            && same((*schema).name, element.tag_name().name())
            && element
                .tag_name()
                .namespace()
                .is_none_or(|uri| uri.is_empty() || same((*ffi::lyd_node_module(node)).ns, uri))
    }
}

/// A leaf element with text in it.
fn is_content_match(element: Element<'_, '_>) -> bool {
    xml::elements(element).next().is_none() && !xml::text(element).trim().is_empty()
}

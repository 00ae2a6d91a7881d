//! Data nodes made from XML elements: detached, so that they can be compared with what is in the
//! tree, inserted or dropped.

use std::ffi::{CStr, CString};
use std::ptr;

use libyang5_sys as ffi;

use crate::problem::{Error, Problem};
use crate::raw::{self, Node};
use crate::tree::Tree;
use crate::xml;

type Element<'a, 'i> = roxmltree::Node<'a, 'i>;

/// A node that is in no tree; freed unless it is handed on.
pub(crate) struct Detached(Node);

impl Detached {
    pub(crate) fn node(&self) -> Node {
        self.0
    }

    /// Hands the node on.
    pub(crate) fn release(self) -> Node {
        let node = self.0;
        std::mem::forget(self);
        node
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        // SAFETY: nobody else has the node.
        unsafe { ffi::lyd_free_tree(self.0) };
    }
}

/// Makes nodes below copies of one parent, never in the tree itself.
pub(crate) struct Maker {
    /// A copy of the parent alone; null at the top level.
    scratch: Node,
}

impl Drop for Maker {
    fn drop(&mut self) {
        // SAFETY: the copy is ours.
        unsafe { ffi::lyd_free_tree(self.scratch) };
    }
}

impl Maker {
    /// # Safety
    /// `parent` is null or a live node of the tree.
    pub(crate) unsafe fn below(tree: &Tree, parent: Node) -> Result<Self, Error> {
        let mut scratch = ptr::null_mut();
        if !parent.is_null() {
            // SAFETY: the caller's promise.
            let code = unsafe { ffi::lyd_dup_single(parent, ptr::null_mut(), 0, &raw mut scratch) };
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(tree.error(code, "copying"));
            }
        }
        Ok(Self { scratch })
    }

    /// A node for an element: containers and entries empty but for their keys, leaves and entries
    /// of leaf-lists with their value, anydata with its content.
    ///
    /// # Errors
    /// Values that their types refuse, keys that are missing; without a path, which only the
    /// caller knows.
    pub(crate) fn make(
        &self,
        tree: &Tree,
        element: Element<'_, '_>,
        schema: *const ffi::lysc_node,
    ) -> Result<Detached, Error> {
        // SAFETY: a schema node of the tree's live context.
        unsafe {
            match raw::node_type(schema) {
                ffi::LYS_CONTAINER => self.container(tree, schema),
                ffi::LYS_LIST => self.entry(tree, element, schema),
                ffi::LYS_LEAF | ffi::LYS_LEAFLIST => {
                    if let Some(inside) = xml::elements(element).next() {
                        let name = inside.tag_name().name();
                        let what = format!("a leaf has no element inside, but here is {name}");
                        return Err(Problem::new("bad-element", what).of(name).into());
                    }
                    let text = xml::text(element);
                    if depends_on_prefixes((*schema.cast::<ffi::lysc_node_leaf>()).type_) {
                        let (start, end) = xml::tags(element);
                        let source = format!("{start}{}{end}", xml::escaped(&text));
                        self.by_parser(tree, &source)
                    } else {
                        self.term(tree, schema, &text)
                    }
                }
                _ => {
                    let (start, end) = xml::tags(element);
                    let source = format!("{start}{}{end}", xml::inner(element));
                    self.by_parser(tree, &source)
                }
            }
        }
    }

    /// A leaf or an entry of a leaf-list, from a value whose type knows no prefixes.
    ///
    /// # Safety
    /// `schema` is a term node of the tree's context.
    pub(crate) unsafe fn term(
        &self,
        tree: &Tree,
        schema: *const ffi::lysc_node,
        value: &str,
    ) -> Result<Detached, Error> {
        let value = raw::c_string(value)?;
        let mut made = ptr::null_mut();
        tree.forget_errors();
        // SAFETY: the scratch parent is null or ours; module and name are the schema's own.
        let code = unsafe {
            let (module, name) = ((*schema).module.cast_const(), (*schema).name);
            ffi::lyd_new_term(self.scratch, module, name, value.as_ptr(), 0, &raw mut made)
        };
        detached(tree, code, made)
    }

    /// An entry of the element's leaf-list with another value, whose prefixes are the element's.
    pub(crate) fn value_in_scope(
        &self,
        tree: &Tree,
        element: Element<'_, '_>,
        value: &str,
    ) -> Result<Detached, Error> {
        let (start, end) = xml::tags(element);
        self.by_parser(tree, &format!("{start}{}{end}", xml::escaped(value)))
    }

    /// # Safety
    /// `schema` is a container of the tree's context.
    unsafe fn container(
        &self,
        tree: &Tree,
        schema: *const ffi::lysc_node,
    ) -> Result<Detached, Error> {
        let mut made = ptr::null_mut();
        tree.forget_errors();
        // SAFETY: as above.
        let code = unsafe {
            let (module, name) = ((*schema).module.cast_const(), (*schema).name);
            ffi::lyd_new_inner(self.scratch, module, name, 0, &raw mut made)
        };
        detached(tree, code, made)
    }

    /// # Safety
    /// `schema` is a list of the tree's context.
    unsafe fn entry(
        &self,
        tree: &Tree,
        element: Element<'_, '_>,
        schema: *const ffi::lysc_node,
    ) -> Result<Detached, Error> {
        let mut values: Vec<CString> = Vec::new();
        let (start, end) = xml::tags(element);
        let mut source = start;
        let mut by_source = false;
        // SAFETY: keys are the first children of their list's schema.
        for key in unsafe { keys(schema) } {
            // SAFETY: names and modules live as long as the context.
            let (name, namespace, leaf_type) = unsafe {
                let module = (*key).module.cast_const();
                (
                    CStr::from_ptr((*key).name).to_string_lossy(),
                    CStr::from_ptr((*module).ns).to_string_lossy(),
                    (*key.cast::<ffi::lysc_node_leaf>()).type_,
                )
            };
            let mut given = xml::elements(element).filter(|e| {
                e.tag_name().name() == name && e.tag_name().namespace() == Some(&*namespace)
            });
            let Some(found) = given.next() else {
                let what = format!("the list entry has no key {name}");
                return Err(Problem::new("missing-element", what).of(&name).into());
            };
            if given.next().is_some() {
                let what = format!("the list entry has the key {name} twice");
                return Err(Problem::new("bad-element", what).of(&name).into());
            }
            let text = xml::text(found);
            // SAFETY: a leaf's type lives as long as the context.
            by_source |= unsafe { depends_on_prefixes(leaf_type) };
            let (start, end) = xml::tags(found);
            source.push_str(&format!("{start}{}{end}", xml::escaped(&text)));
            values.push(raw::c_string(&text)?);
        }
        if by_source {
            source.push_str(&end);
            return self.by_parser(tree, &source);
        }
        // SAFETY: the values come in the order of the keys.
        unsafe { self.entry_of(tree, schema, &values) }
    }

    /// A list entry from the values of its keys, in the schema's order.
    ///
    /// # Safety
    /// `schema` is a list of the tree's context, with as many keys as there are values.
    pub(crate) unsafe fn entry_of(
        &self,
        tree: &Tree,
        schema: *const ffi::lysc_node,
        values: &[CString],
    ) -> Result<Detached, Error> {
        let mut pointers: Vec<*const std::ffi::c_void> =
            values.iter().map(|v| v.as_ptr().cast()).collect();
        let mut made = ptr::null_mut();
        tree.forget_errors();
        // SAFETY: the caller's promise; without sizes the values are NUL-terminated strings.
        let code = unsafe {
            let (module, name) = ((*schema).module.cast_const(), (*schema).name);
            ffi::lyd_new_list3(
                self.scratch,
                module,
                name,
                pointers.as_mut_ptr(),
                ptr::null_mut(),
                0,
                &raw mut made,
            )
        };
        detached(tree, code, made)
    }

    /// A node by libyang's own XML parser: for values whose meaning hangs on prefixes.
    fn by_parser(&self, tree: &Tree, source: &str) -> Result<Detached, Error> {
        let text = raw::c_string(source)?;
        let mut input = ptr::null_mut();
        let mut top = ptr::null_mut();
        tree.forget_errors();
        // SAFETY: the text outlives the input, which is freed here; what is parsed hangs below our
        // scratch parent, or is ours.
        unsafe {
            let code = ffi::ly_in_new_memory(text.as_ptr(), &raw mut input);
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(tree.error(code, "reading"));
            }
            let code = ffi::lyd_parse_data(
                tree.ctx(),
                self.scratch,
                input,
                ffi::LYD_FORMAT::LYD_XML,
                ffi::LYD_PARSE_ONLY | ffi::LYD_PARSE_STRICT | ffi::LYD_PARSE_NO_STATE,
                0,
                &raw mut top,
            );
            ffi::ly_in_free(input, 0);
            let made = if self.scratch.is_null() || code != ffi::LY_ERR::LY_SUCCESS {
                top
            } else {
                // The last child: keys of the scratch entry stand before it.
                let first = raw::first_child(self.scratch);
                if first.is_null() { first } else { not_a_key(first) }
            };
            detached(tree, code, made)
        }
    }
}

/// The first sibling that is not a key: the scratch parent has nothing else.
///
/// # Safety
/// `first` is live.
unsafe fn not_a_key(first: Node) -> Node {
    raw::Siblings(first)
        // SAFETY: walks live siblings.
        .find(|&node| unsafe {
            raw::node_type((*node).schema) != ffi::LYS_LEAF
                || !raw::has_flag((*node).schema, ffi::LYS_KEY)
        })
        .unwrap_or(ptr::null_mut())
}

fn detached(tree: &Tree, code: ffi::LY_ERR::Type, made: Node) -> Result<Detached, Error> {
    if code != ffi::LY_ERR::LY_SUCCESS || made.is_null() {
        return Err(tree.error(code, "making the node"));
    }
    // SAFETY: the node is new, below our scratch parent or nowhere.
    let code = unsafe { ffi::lyd_unlink_tree(made) };
    if code != ffi::LY_ERR::LY_SUCCESS {
        return Err(tree.error(code, "making the node"));
    }
    Ok(Detached(made))
}

/// The key leaves of a list, in their order.
///
/// # Safety
/// `list` is a list of a live context.
pub(crate) unsafe fn keys(
    list: *const ffi::lysc_node,
) -> impl Iterator<Item = *const ffi::lysc_node> {
    // SAFETY: schema siblings live as long as the context; keys come first.
    unsafe {
        let mut next: *const ffi::lysc_node = (*list.cast::<ffi::lysc_node_list>()).child;
        std::iter::from_fn(move || {
            let key = next;
            if key.is_null() || !raw::has_flag(key, ffi::LYS_KEY) {
                return None;
            }
            next = (*key).next;
            Some(key)
        })
    }
}

/// Whether text of this type can name modules by prefixes of the XML around it.
///
/// # Safety
/// `leaf_type` is a type of a live context.
pub(crate) unsafe fn depends_on_prefixes(leaf_type: *const ffi::lysc_type) -> bool {
    // SAFETY: the base type says which structure it is; leafrefs point at their target's type and
    // cannot go round in circles, unions hold finite lists.
    unsafe {
        match (*leaf_type).basetype {
            ffi::LY_DATA_TYPE::LY_TYPE_IDENT | ffi::LY_DATA_TYPE::LY_TYPE_INST => true,
            ffi::LY_DATA_TYPE::LY_TYPE_LEAFREF => {
                depends_on_prefixes((*leaf_type.cast::<ffi::lysc_type_leafref>()).realtype)
            }
            ffi::LY_DATA_TYPE::LY_TYPE_UNION => {
                raw::array((*leaf_type.cast::<ffi::lysc_type_union>()).types)
                    .iter()
                    .any(|&member| depends_on_prefixes(member))
            }
            // ietf-yang-types' xpath1.0, and what ietf-netconf-acm makes of it
            ffi::LY_DATA_TYPE::LY_TYPE_STRING => raw::text((*leaf_type).name).is_some_and(|name| {
                name.contains("xpath1.0") || name.contains("node-instance-identifier")
            }),
            _ => false,
        }
    }
}

//! Plain values into a tree: the way back of [`crate::data`]. Nothing is printed or parsed, because
//! this is how all operational state comes.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io::Write;
use std::ptr;
use std::rc::Rc;

use libyang5_sys as ffi;

use crate::data::Data;
use crate::instance::keys;
use crate::path;
use crate::problem::{Error, Problem};
use crate::raw::{self, Node};
use crate::tree::Tree;

impl Tree {
    /// Takes over plain values, which win over what is there: RFC 7951 with numbers for all integers.
    /// State is welcome; values are checked against their types, nothing else is. Names may leave
    /// out the module of the node above.
    ///
    /// # Errors
    /// A name that is not in the model, a value that its type refuses, an entry without its keys.
    /// Nothing has changed then.
    pub fn merge_data(&mut self, data: &Data) -> Result<(), Error> {
        let mut part = Self::new(&self.context);
        part.fill(ptr::null_mut(), data, false)?;
        self.absorb(part)
    }

    /// Puts the members of an object below a node, or at the top; `output` says that the node is an
    /// operation and the members its output.
    pub(crate) fn fill(&mut self, parent: Node, data: &Data, output: bool) -> Result<(), Error> {
        // Errors are looked for when a call fails; those of before are nobody's.
        self.forget_errors();
        let mut filling = Filling { tree: self, known: HashMap::new(), text: Vec::new() };
        filling.object(parent, data, &[], output)
    }

    /// A new node without a parent becomes a top-level one.
    fn placed(
        &mut self,
        parent: Node,
        node: Node,
        code: ffi::LY_ERR::Type,
        name: &str,
    ) -> Result<(), Error> {
        if code != ffi::LY_ERR::LY_SUCCESS {
            let mut error = self.error(code, &format!("making {name}"));
            for problem in error.problems.iter_mut().filter(|one| one.path.is_none()) {
                problem.path = Some(place(parent, name));
            }
            return Err(error);
        }
        if parent.is_null() {
            // SAFETY: the node is new and ours, the root null or live.
            let code = unsafe { ffi::lyd_insert_sibling(self.root, node, &raw mut self.root) };
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(self.error(code, &format!("placing {name}")));
            }
        }
        Ok(())
    }
}

/// Members by the schema node above them; null is the top level.
type Known = HashMap<*const ffi::lysc_node, HashMap<String, Rc<Member>>>;

/// One filling: entries of a list have the same members, which are looked up once.
struct Filling<'t> {
    tree: &'t mut Tree,
    known: Known,
    /// The value at hand, with a NUL behind it.
    text: Vec<u8>,
}

/// How libyang is told of one member.
struct Member {
    kind: u32,
    module: *const ffi::lys_module,
    name: CString,
    /// Names of a list's keys.
    keys: Vec<String>,
    /// Whether it is a leaf of an integer type, whose canonical form is how we write integers.
    is_integer: bool,
    output: u8,
}

impl Member {
    fn options(&self) -> u32 {
        if self.output == 0 { 0 } else { ffi::LYD_NEW_VAL_OUTPUT }
    }

    fn value_options(&self, value: &Data) -> u32 {
        let canonical = self.is_integer && matches!(value, Data::Int(_));
        self.options() | if canonical { ffi::LYD_NEW_VAL_CANON } else { 0 }
    }
}

impl Filling<'_> {
    /// Members of an object but those named.
    fn object(
        &mut self,
        parent: Node,
        data: &Data,
        but: &[String],
        output: bool,
    ) -> Result<(), Error> {
        let Data::Object(members) = data else {
            return Err(refused("bad-element", "an object is expected", parent, ""));
        };
        for (name, value) in members {
            if but.iter().any(|key| key == local(name)) {
                continue;
            }
            let member = self.member(parent, name, output)?;
            match (member.kind, value) {
                (ffi::LYS_LEAF, value) => self.term(parent, &member, value)?,
                (ffi::LYS_LEAFLIST, Data::List(values)) => {
                    for value in values {
                        self.term(parent, &member, value)?;
                    }
                }
                (ffi::LYS_LIST, Data::List(entries)) => {
                    for entry in entries {
                        self.entry(parent, &member, entry)?;
                    }
                }
                (ffi::LYS_CONTAINER, value) => {
                    let mut node = ptr::null_mut();
                    // SAFETY: the parent is null or live, the names live through the call.
                    let code = unsafe {
                        ffi::lyd_new_inner(
                            parent,
                            member.module,
                            member.name.as_ptr(),
                            member.output,
                            &raw mut node,
                        )
                    };
                    self.tree.placed(parent, node, code, name)?;
                    self.object(node, value, &[], false)?;
                }
                (ffi::LYS_LEAFLIST | ffi::LYS_LIST, _) => {
                    return Err(refused("bad-element", "a list is expected", parent, name));
                }
                _ => {
                    let what = "only containers, lists and leaves can be given as plain values";
                    return Err(refused("operation-not-supported", what, parent, name));
                }
            }
        }
        Ok(())
    }

    fn member(&mut self, parent: Node, name: &str, output: bool) -> Result<Rc<Member>, Error> {
        // SAFETY: the parent is null or live.
        let above = if parent.is_null() { ptr::null() } else { unsafe { (*parent).schema } };
        let known = self.known.entry(above).or_default();
        if let Some(member) = known.get(name) {
            return Ok(Rc::clone(member));
        }
        let made = Rc::new(self.tree.member(parent, above, name, output)?);
        known.insert(name.to_string(), Rc::clone(&made));
        Ok(made)
    }

    fn term(&mut self, parent: Node, member: &Member, value: &Data) -> Result<(), Error> {
        self.text.clear();
        if !put_text(&mut self.text, value) {
            let name = member.name.to_string_lossy();
            return Err(refused("invalid-value", "a single value is expected", parent, &name));
        }
        let text = terminated(&mut self.text)?;
        let mut node = ptr::null_mut();
        // SAFETY: as for a container.
        let code = unsafe {
            ffi::lyd_new_term(
                parent,
                member.module,
                member.name.as_ptr(),
                text.as_ptr(),
                member.value_options(value),
                &raw mut node,
            )
        };
        if code == ffi::LY_ERR::LY_SUCCESS && !parent.is_null() {
            return Ok(());
        }
        self.tree.placed(parent, node, code, &member.name.to_string_lossy())
    }

    fn entry(&mut self, parent: Node, member: &Member, entry: &Data) -> Result<(), Error> {
        let name = member.name.to_string_lossy();
        let Data::Object(members) = entry else {
            return Err(refused("bad-element", "an entry is an object", parent, &name));
        };
        let mut values = Vec::with_capacity(member.keys.len());
        for key in &member.keys {
            let given = members.iter().find(|(name, _)| local(name) == key);
            let mut text = Vec::new();
            if !given.is_some_and(|(_, value)| put_text(&mut text, value)) {
                let what = format!("an entry needs its key {key}");
                return Err(refused("missing-element", &what, parent, &name));
            }
            terminated(&mut text)?;
            values.push(text);
        }
        let mut pointers: Vec<*const std::ffi::c_void> =
            values.iter().map(|value| value.as_ptr().cast()).collect();
        let mut node = ptr::null_mut();
        // SAFETY: as for a container; there are as many values as keys, all NUL-terminated.
        let code = unsafe {
            ffi::lyd_new_list3(
                parent,
                member.module,
                member.name.as_ptr(),
                pointers.as_mut_ptr(),
                ptr::null_mut(),
                member.options(),
                &raw mut node,
            )
        };
        self.tree.placed(parent, node, code, &name)?;
        self.object(node, entry, &member.keys, false)
    }
}

impl Tree {
    /// Looks a member up in the schema.
    fn member(
        &self,
        parent: Node,
        above: *const ffi::lysc_node,
        name: &str,
        output: bool,
    ) -> Result<Member, Error> {
        let (module, plain) = match name.split_once(':') {
            Some((module, plain)) => (self.context.module(module), plain),
            // SAFETY: the module of a schema node lives as long as the context.
            None if !above.is_null() => (Some(unsafe { (*above).module }), name),
            None => {
                let what = "a name at the top needs its module before it";
                return Err(refused("unknown-element", what, parent, name));
            }
        };
        let unknown = || refused("unknown-element", "the model has no such node", parent, name);
        let module = module.ok_or_else(unknown)?;
        let plain = raw::c_string(plain)?;
        // SAFETY: the schema node is null or of the context, names are NUL-terminated; libyang looks
        // through choices and cases.
        let schema = unsafe {
            ffi::lys_find_child(
                self.ctx(),
                above,
                module,
                ptr::null(),
                0,
                plain.as_ptr(),
                0,
                if output { ffi::LYS_GETNEXT_OUTPUT } else { 0 },
            )
        };
        if schema.is_null() {
            return Err(unknown());
        }
        // SAFETY: a schema node of the context, whose name lives as long.
        let (kind, keys, is_integer) = unsafe {
            let kind = raw::node_type(schema);
            let names = |key: *const ffi::lysc_node| raw::text((*key).name).unwrap_or_default();
            let keys = if kind == ffi::LYS_LIST {
                keys(schema).map(|key| names(key.cast())).collect()
            } else {
                Vec::new()
            };
            let is_integer = kind & (ffi::LYS_LEAF | ffi::LYS_LEAFLIST) != 0
                && raw::is_integer((*(*schema.cast::<ffi::lysc_node_leaf>()).type_).basetype);
            (kind, keys, is_integer)
        };
        Ok(Member { kind, module, name: plain, keys, is_integer, output: u8::from(output) })
    }
}

/// Appends the text of a single value; false for lists and objects.
fn put_text(out: &mut Vec<u8>, value: &Data) -> bool {
    match value {
        Data::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Data::Int(number) => {
            let written = write!(out, "{number}");
            debug_assert!(written.is_ok(), "a vector takes everything");
        }
        Data::Text(text) => out.extend_from_slice(text.as_bytes()),
        Data::List(inside) if *inside == [Data::Null] => {}
        Data::Null | Data::List(_) | Data::Object(_) | Data::Json(_) => return false,
    }
    true
}

/// Puts a NUL behind a text.
///
/// # Errors
/// It has one already.
fn terminated(text: &mut Vec<u8>) -> Result<&CStr, Error> {
    text.push(0);
    CStr::from_bytes_with_nul(text).map_err(|_| raw::nul_inside())
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn place(parent: Node, name: &str) -> String {
    // SAFETY: the parent is null or live.
    let above = if parent.is_null() { String::new() } else { unsafe { path::of(parent) } };
    if name.is_empty() { above } else { format!("{above}/{name}") }
}

fn refused(tag: &'static str, what: &str, parent: Node, name: &str) -> Error {
    Problem::new(tag, what.to_string()).at(place(parent, name)).into()
}

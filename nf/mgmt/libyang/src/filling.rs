//! Plain values into a tree: the way back of [`crate::data`]. Nothing is printed or parsed, because
//! this is how all operational state comes.

use std::ffi::CString;
use std::ptr;

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
        self.merge(&part)
    }

    /// Puts the members of an object below a node, or at the top; `output` says that the node is an
    /// operation and the members its output.
    pub(crate) fn fill(&mut self, parent: Node, data: &Data, output: bool) -> Result<(), Error> {
        let Data::Object(members) = data else {
            return Err(refused("bad-element", "an object is expected", parent, ""));
        };
        for (name, value) in members {
            let (schema, member) = self.member(parent, name, output)?;
            // SAFETY: a schema node of the context.
            let kind = unsafe { raw::node_type(schema) };
            match (kind, value) {
                (ffi::LYS_LEAF, value) => self.term(parent, &member, value)?,
                (ffi::LYS_LEAFLIST, Data::List(values)) => {
                    for value in values {
                        self.term(parent, &member, value)?;
                    }
                }
                (ffi::LYS_LIST, Data::List(entries)) => {
                    for entry in entries {
                        self.entry(parent, schema, &member, entry)?;
                    }
                }
                (ffi::LYS_CONTAINER, value) => {
                    let mut node = ptr::null_mut();
                    self.forget_errors();
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
                    self.placed(parent, node, code, name)?;
                    self.fill(node, value, false)?;
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

    fn member(
        &self,
        parent: Node,
        name: &str,
        output: bool,
    ) -> Result<(*const ffi::lysc_node, Member), Error> {
        let (module, local) = match name.split_once(':') {
            Some((module, local)) => (self.context.module(module), local),
            // SAFETY: the parent is live; the module of a schema node lives as long as the context.
            None if !parent.is_null() => (Some(unsafe { (*(*parent).schema).module }), name),
            None => {
                let what = "a name at the top needs its module before it";
                return Err(refused("unknown-element", what, parent, name));
            }
        };
        let unknown = || refused("unknown-element", "the model has no such node", parent, name);
        let module = module.ok_or_else(unknown)?;
        let local = raw::c_string(local)?;
        // SAFETY: the parent is null or live, names are NUL-terminated; libyang looks through
        // choices and cases.
        let schema = unsafe {
            let above = if parent.is_null() { ptr::null() } else { (*parent).schema };
            ffi::lys_find_child(
                self.ctx(),
                above,
                module,
                ptr::null(),
                0,
                local.as_ptr(),
                0,
                if output { ffi::LYS_GETNEXT_OUTPUT } else { 0 },
            )
        };
        if schema.is_null() {
            return Err(unknown());
        }
        Ok((schema, Member { module, name: local, output: u8::from(output) }))
    }

    fn term(&mut self, parent: Node, member: &Member, value: &Data) -> Result<(), Error> {
        let name = member.name.to_string_lossy();
        let text = raw::c_string(&text_of(value).ok_or_else(|| {
            refused("invalid-value", "a single value is expected", parent, &name)
        })?)?;
        let mut node = ptr::null_mut();
        self.forget_errors();
        // SAFETY: as for a container.
        let code = unsafe {
            ffi::lyd_new_term(
                parent,
                member.module,
                member.name.as_ptr(),
                text.as_ptr(),
                if member.output == 0 { 0 } else { ffi::LYD_NEW_VAL_OUTPUT },
                &raw mut node,
            )
        };
        self.placed(parent, node, code, &name)
    }

    fn entry(
        &mut self,
        parent: Node,
        list: *const ffi::lysc_node,
        member: &Member,
        entry: &Data,
    ) -> Result<(), Error> {
        let name = member.name.to_string_lossy();
        let Data::Object(members) = entry else {
            return Err(refused("bad-element", "an entry is an object", parent, &name));
        };
        let mut names = Vec::new();
        let mut values = Vec::new();
        // SAFETY: a list of the context.
        for key in unsafe { keys(list) } {
            // SAFETY: a schema node's name lives as long as the context.
            let key = unsafe { raw::text((*key).name) }.unwrap_or_default();
            let given = members.iter().find(|(name, _)| local(name) == key);
            let Some(text) = given.and_then(|(_, value)| text_of(value)) else {
                let what = format!("an entry needs its key {key}");
                return Err(refused("missing-element", &what, parent, &name));
            };
            values.push(raw::c_string(&text)?);
            names.push(key);
        }
        let mut pointers: Vec<*const std::ffi::c_void> =
            values.iter().map(|value| value.as_ptr().cast()).collect();
        let mut node = ptr::null_mut();
        self.forget_errors();
        // SAFETY: as for a container; there are as many values as keys, all NUL-terminated.
        let code = unsafe {
            ffi::lyd_new_list3(
                parent,
                member.module,
                member.name.as_ptr(),
                pointers.as_mut_ptr(),
                ptr::null_mut(),
                if member.output == 0 { 0 } else { ffi::LYD_NEW_VAL_OUTPUT },
                &raw mut node,
            )
        };
        self.placed(parent, node, code, &name)?;
        let rest = members.iter().filter(|(name, _)| !names.iter().any(|key| key == local(name)));
        self.fill(node, &Data::Object(rest.cloned().collect()), false)
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

/// How libyang is told of one member.
struct Member {
    module: *const ffi::lys_module,
    name: CString,
    output: u8,
}

/// The text of a single value; `None` for lists and objects.
fn text_of(value: &Data) -> Option<String> {
    match value {
        Data::Bool(value) => Some(value.to_string()),
        Data::Int(value) => Some(value.to_string()),
        Data::Text(value) => Some(value.clone()),
        Data::List(inside) if *inside == [Data::Null] => Some(String::new()),
        Data::Null | Data::List(_) | Data::Object(_) | Data::Json(_) => None,
    }
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

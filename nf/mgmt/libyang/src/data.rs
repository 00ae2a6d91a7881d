//! A tree as plain values, without text in between: RFC 7951, but with numbers for all integers.

use std::ptr;
use std::sync::Arc;

use libyang5_sys as ffi;

use crate::problem::Error;
use crate::raw::{self, Node, Siblings};
use crate::tree::Tree;
use crate::view::{self, Value};

/// Name of a member; entries of a list share theirs.
pub type Name = Arc<str>;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// The inside of an `empty` leaf's array.
    Null,
    /// `boolean`.
    Bool(bool),
    /// Every integer type.
    Int(i128),
    /// Everything else that is a leaf, canonical.
    Text(String),
    /// A list or leaf-list.
    List(Vec<Data>),
    /// A container, a list entry, the top level.
    Object(Vec<(Name, Data)>),
    /// The content of anydata, as JSON text.
    Json(String),
}

impl Tree {
    /// The whole tree, or what is below a path: the members of a container or entry, a leaf as the
    /// only member. Names are qualified at the top and where the module changes. Without
    /// `defaults`, values that nobody set are left out.
    ///
    /// # Errors
    /// The path is wrong.
    pub fn to_data(&self, path: Option<&str>, defaults: bool) -> Result<Data, Error> {
        let Some(path) = path else {
            return Ok(Data::Object(self.members(self.root, ptr::null(), defaults)?));
        };
        let Some(node) = self.node_at(path)? else {
            return Ok(Data::Object(Vec::new()));
        };
        // SAFETY: a live node of this tree.
        unsafe {
            let schema = (*node).schema;
            if raw::node_type(schema) & (ffi::LYS_CONTAINER | ffi::LYS_LIST) != 0 {
                let first = raw::first_child(node);
                return Ok(Data::Object(self.members(first, ptr::null(), defaults)?));
            }
            let value = self.value(node, defaults)?;
            Ok(Data::Object(value.map(|v| (name(node, ptr::null()), v)).into_iter().collect()))
        }
    }

    pub(crate) fn members(
        &self,
        first: Node,
        parent_module: *const ffi::lys_module,
        defaults: bool,
    ) -> Result<Vec<(Name, Data)>, Error> {
        let mut members: Vec<(Name, Data)> = Vec::new();
        let mut last: *const ffi::lysc_node = ptr::null();
        for node in Siblings(first) {
            // SAFETY: walks live nodes.
            unsafe {
                let schema = (*node).schema;
                if schema.is_null() || !defaults && (*node).flags & ffi::LYD_DEFAULT != 0 {
                    continue;
                }
                let Some(value) = self.value(node, defaults)? else { continue };
                let several = raw::node_type(schema) & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0;
                if !several {
                    members.push((name(node, parent_module), value));
                } else if let (true, Some((_, Data::List(entries)))) =
                    (std::ptr::eq(last, schema), members.last_mut())
                {
                    entries.push(value); // entries of one list stand together
                } else {
                    members.push((name(node, parent_module), Data::List(vec![value])));
                }
                last = schema;
            }
        }
        Ok(members)
    }

    /// The content of a live node of anydata or anyxml.
    pub(crate) fn any_json(&self, node: Node) -> Result<String, Error> {
        let mut text = ptr::null_mut();
        self.forget_errors();
        // SAFETY: the caller's node is live; the text is taken over.
        let (code, text) = unsafe {
            let code = ffi::lyd_any_value_str(node, ffi::LYD_FORMAT::LYD_JSON, &raw mut text);
            (code, raw::owned_text(text))
        };
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(self.error(code, "reading anydata"));
        }
        Ok(text.unwrap_or_else(|| "{}".to_string()))
    }

    /// # Safety
    /// The node is live, of this tree.
    unsafe fn value(&self, node: Node, defaults: bool) -> Result<Option<Data>, Error> {
        // SAFETY: the caller's promise; the kind says which structure the node is.
        unsafe {
            let schema = (*node).schema;
            match raw::node_type(schema) {
                ffi::LYS_LEAF | ffi::LYS_LEAFLIST => Ok(Some(leaf(node))),
                ffi::LYS_ANYDATA | ffi::LYS_ANYXML => Ok(Some(Data::Json(self.any_json(node)?))),
                kind => {
                    let module = ffi::lyd_node_module(node);
                    let members = self.members(raw::first_child(node), module, defaults)?;
                    let implied =
                        kind == ffi::LYS_CONTAINER && !raw::has_flag(schema, ffi::LYS_PRESENCE);
                    Ok((!(implied && members.is_empty())).then_some(Data::Object(members)))
                }
            }
        }
    }
}

/// # Safety
/// The node is live.
unsafe fn name(node: Node, parent_module: *const ffi::lys_module) -> Name {
    // SAFETY: the caller's promise; names live as long as the context.
    unsafe {
        let module = ffi::lyd_node_module(node);
        let name = raw::text((*(*node).schema).name).unwrap_or_default();
        if std::ptr::eq(module, parent_module) {
            name.into()
        } else {
            format!("{}:{name}", raw::text((*module).name).unwrap_or_default()).into()
        }
    }
}

/// # Safety
/// The node is a live term node of a tree that is ours alone.
unsafe fn leaf(node: Node) -> Data {
    let text = |octets: &[u8]| Data::Text(String::from_utf8_lossy(octets).into_owned());
    // SAFETY: the caller's promise.
    match unsafe { view::value(node) } {
        Value::Bool(truth) => Data::Bool(truth),
        Value::Empty => Data::List(vec![Data::Null]),
        Value::Signed { number, .. } => Data::Int(number.into()),
        Value::Unsigned { number, .. } => Data::Int(number.into()),
        Value::Decimal(octets) | Value::Binary(octets) | Value::Text(octets) => text(octets),
    }
}

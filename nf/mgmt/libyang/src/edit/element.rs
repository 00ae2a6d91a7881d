//! What one element of an edit asks for, from its name and attributes.

use libyang5_sys as ffi;
use roxmltree::Node as Element;

use crate::problem::Problem;
use crate::raw;
use crate::tree::Tree;
use crate::xml;

/// An operation of RFC 6241, section 7.2; `None` comes from the default operation only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Merge,
    Replace,
    Create,
    Delete,
    Remove,
    None,
}

/// The `insert` attribute with its anchor's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Insert {
    First,
    Last,
    Before(String),
    After(String),
}

/// The attributes of an element.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) op: Option<Op>,
    pub(super) insert: Option<Insert>,
    /// `wd:default="true"`: the value is the schema's, and is not to be stored.
    pub(super) is_default: bool,
}

fn bad(element: Element<'_, '_>, name: &str, what: String) -> Problem {
    Problem::new("bad-attribute", what).of(name).on_line(xml::line(element))
}

impl Asked {
    /// Reads an element's attributes.
    pub(super) fn of(
        element: Element<'_, '_>,
        schema: *const ffi::lysc_node,
    ) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let (mut insert, mut anchor) = (None, None);
        for attribute in element.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            match (attribute.namespace(), name) {
                (Some(xml::NETCONF), "operation") => {
                    asked.op = Some(Op::named(value).ok_or_else(|| {
                        let what = format!(
                            "{value} is no operation; there are merge, replace, create, delete, remove"
                        );
                        bad(element, name, what)
                    })?);
                }
                (Some(xml::YANG), "insert") => insert = Some(value),
                (Some(xml::YANG), "key" | "value") => anchor = Some((name, value)),
                (Some(xml::WITH_DEFAULTS), "default") => match value.trim() {
                    "true" | "1" => asked.is_default = true,
                    "false" | "0" => {}
                    _ => return Err(bad(element, name, format!("{value} is no boolean"))),
                },
                (namespace, _) => {
                    let place = namespace.map_or("no namespace".to_string(), str::to_string);
                    let what = format!("the attribute {name} of {place} has no meaning here");
                    return Err(Problem::new("unknown-attribute", what)
                        .of(name)
                        .on_line(xml::line(element)));
                }
            }
        }
        asked.insert = Self::insertion(element, schema, insert, anchor)?;
        Ok(asked)
    }

    fn insertion(
        element: Element<'_, '_>,
        schema: *const ffi::lysc_node,
        insert: Option<&str>,
        anchor: Option<(&str, &str)>,
    ) -> Result<Option<Insert>, Problem> {
        // SAFETY: a schema node of a live context.
        let (ordered, is_list) =
            unsafe { (raw::user_ordered(schema), raw::node_type(schema) == ffi::LYS_LIST) };
        let Some(insert) = insert else {
            return match anchor {
                Some((name, _)) => {
                    let what = format!("the attribute {name} has no meaning without insert");
                    Err(bad(element, name, what))
                }
                None => Ok(None),
            };
        };
        if !ordered {
            let what = "only entries of lists ordered by the user have a place to insert";
            return Err(bad(element, "insert", what.to_string()));
        }
        let wanted = if is_list { "key" } else { "value" };
        let anchored = || match anchor {
            Some((name, value)) if name == wanted => Ok(value.to_string()),
            Some((name, _)) => {
                let what = format!("the neighbour is named by {wanted} here, not by {name}");
                Err(bad(element, name, what))
            }
            None => {
                let what = format!("insert=\"{insert}\" needs the attribute {wanted}");
                Err(Problem::new("missing-attribute", what).of(wanted).on_line(xml::line(element)))
            }
        };
        let found = match insert {
            "before" => Insert::Before(anchored()?),
            "after" => Insert::After(anchored()?),
            "first" | "last" => {
                if let Some((name, _)) = anchor {
                    let what = format!("insert=\"{insert}\" takes no {name}");
                    return Err(bad(element, name, what));
                }
                if insert == "first" { Insert::First } else { Insert::Last }
            }
            _ => {
                let what = format!("{insert} is no place; there are first, last, before, after");
                return Err(bad(element, "insert", what));
            }
        };
        Ok(Some(found))
    }
}

impl Op {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "merge" => Self::Merge,
            "replace" => Self::Replace,
            "create" => Self::Create,
            "delete" => Self::Delete,
            "remove" => Self::Remove,
            _ => return None,
        })
    }
}

/// The schema node of an element below a parent's, both by namespace and name.
///
/// # Safety
/// `parent` is null or a schema node of the tree's context.
pub(super) unsafe fn schema_of(
    tree: &Tree,
    parent: *const ffi::lysc_node,
    element: Element<'_, '_>,
) -> Result<*const ffi::lysc_node, Problem> {
    const DATA: u32 = ffi::LYS_CONTAINER
        | ffi::LYS_LEAF
        | ffi::LYS_LEAFLIST
        | ffi::LYS_LIST
        | ffi::LYS_ANYDATA
        | ffi::LYS_ANYXML;
    let name = element.tag_name().name();
    let namespace = element.tag_name().namespace().unwrap_or_default();
    let Some(module) = tree.context.module_of_namespace(namespace) else {
        let what = format!("no module has the namespace \"{namespace}\" of the element {name}");
        return Err(Problem::new("unknown-namespace", what).of(name).on_line(xml::line(element)));
    };
    let unknown = |what: String| {
        Err(Problem::new("unknown-element", what).of(name).on_line(xml::line(element)))
    };
    let Ok(c_name) = raw::c_string(name) else {
        return unknown("an element's name has a NUL character".to_string());
    };
    tree.forget_errors();
    // SAFETY: the caller's promise; the name has no length of its own and ends with NUL.
    unsafe {
        let found = ffi::lys_find_child(
            tree.ctx(),
            parent,
            module,
            std::ptr::null(),
            0,
            c_name.as_ptr(),
            0,
            0,
        );
        tree.forget_errors();
        if found.is_null() || raw::node_type(found) & DATA == 0 {
            return unknown(format!("there is no {name} here in the model"));
        }
        if raw::has_flag(found, ffi::LYS_CONFIG_R) {
            return unknown(format!("{name} is state, which cannot be edited"));
        }
        Ok(found)
    }
}

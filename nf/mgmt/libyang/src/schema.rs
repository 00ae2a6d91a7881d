//! Every schema node as plain data: for documentation, completion, coverage tests and typed
//! configuration.

use std::ptr;

use libyang5_sys as ffi;

use crate::context::Context;
use crate::problem::{Error, Problem};
use crate::raw;
use crate::schema_type::type_info;

/// A `must` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Must {
    /// The XPath expression.
    pub expr: String,
    /// error-message.
    pub error_message: Option<String>,
    /// error-app-tag.
    pub app_tag: Option<String>,
}

/// The type of a leaf or leaf-list.
#[derive(Debug, Clone, Default)]
pub struct TypeInfo {
    /// Name of the built-in type.
    pub base: String,
    /// Name of the typedef, where the leaf uses one.
    pub typedef: Option<String>,
    /// Names of an enumeration's values.
    pub enums: Vec<String>,
    /// Names of bits.
    pub bits: Vec<String>,
    /// Identities that an identityref takes, `module:name`.
    pub identities: Vec<String>,
    /// The range, as `1..10 | 20`.
    pub range: Option<String>,
    /// The length, in the same form.
    pub length: Option<String>,
    /// Patterns; one that must not match begins with `!`.
    pub patterns: Vec<String>,
    /// Path of a leafref.
    pub leafref: Option<String>,
    /// Members of a union.
    pub members: Vec<TypeInfo>,
    /// Digits after the point of a decimal64.
    pub fraction_digits: Option<u8>,
}

/// One schema node.
#[derive(Debug, Clone)]
pub struct SchemaNode {
    /// Data path without keys, as libyang writes it; choices and cases are part of it.
    pub path: String,
    /// Name without module.
    pub name: String,
    /// Name of the module that defines it.
    pub module: String,
    /// Which kind of node.
    pub kind: &'static str,
    /// Whether it is configuration; false below operations and notifications, too.
    pub config: bool,
    /// `mandatory true`, or a key.
    pub mandatory: bool,
    /// Names of a list's keys.
    pub keys: Vec<String>,
    /// Of leaves and leaf-lists.
    pub value_type: Option<TypeInfo>,
    /// Units.
    pub units: Option<String>,
    /// Default values; of a choice, its default case.
    pub defaults: Vec<String>,
    /// description.
    pub description: Option<String>,
    /// reference.
    pub reference: Option<String>,
    /// `current`, `deprecated` or `obsolete`.
    pub status: &'static str,
    /// `system` or `user`, of lists and leaf-lists.
    pub ordered_by: Option<&'static str>,
    /// min-elements of lists and leaf-lists.
    pub min_elements: Option<u32>,
    /// max-elements, where there is one.
    pub max_elements: Option<u32>,
    /// if-feature expressions.
    pub if_features: Vec<String>,
    /// must statements.
    pub musts: Vec<Must>,
    /// when expressions.
    pub whens: Vec<String>,
    /// Extension statements, `prefix:name` or `module:name` and the argument.
    pub extensions: Vec<(String, Option<String>)>,
}

impl Context {
    /// Every schema node of one module, or of all implemented ones, depth first.
    ///
    /// # Errors
    /// There is no such implemented module.
    pub fn nodes(&self, module: Option<&str>) -> Result<Vec<SchemaNode>, Error> {
        let modules = match module {
            Some(name) => vec![self.module(name).ok_or_else(|| {
                Error::from(Problem::new(
                    "invalid-value",
                    format!("there is no implemented module {name}"),
                ))
            })?],
            None => self.raw_modules(),
        };
        // SAFETY: compiled modules and all their nodes live as long as the context.
        unsafe { Ok(pointers(modules).into_iter().map(|node| describe(self, node)).collect()) }
    }

    /// Every schema node of all implemented modules, in the order of `nodes`.
    pub(crate) fn all_nodes(&self) -> Vec<*const ffi::lysc_node> {
        // SAFETY: as above.
        unsafe { pointers(self.raw_modules()) }
    }
}

/// # Safety
/// The modules are of a live context.
unsafe fn pointers(modules: Vec<*mut ffi::lys_module>) -> Vec<*const ffi::lysc_node> {
    let mut found = Vec::new();
    for module in modules {
        // SAFETY: the caller's promise.
        unsafe {
            let Some(compiled) = (*module).compiled.as_ref() else { continue };
            walk(compiled.data, &mut found);
            walk(compiled.rpcs.cast(), &mut found);
            walk(compiled.notifs.cast(), &mut found);
        }
    }
    found
}

/// # Safety
/// `first` is null or a schema node of a live context.
unsafe fn walk(first: *const ffi::lysc_node, out: &mut Vec<*const ffi::lysc_node>) {
    let mut next = first;
    // SAFETY: the caller's promise; the kind says which structure a node is.
    unsafe {
        while let Some(node) = next.as_ref() {
            out.push(next);
            match u32::from(node.nodetype) {
                ffi::LYS_CHOICE => {
                    walk((*next.cast::<ffi::lysc_node_choice>()).cases.cast(), out);
                }
                ffi::LYS_CASE => walk((*next.cast::<ffi::lysc_node_case>()).child, out),
                ffi::LYS_RPC | ffi::LYS_ACTION => {
                    let action = &*next.cast::<ffi::lysc_node_action>();
                    for half in [&raw const action.input, &raw const action.output] {
                        out.push(half.cast());
                        walk((*half).child, out);
                    }
                }
                ffi::LYS_NOTIF => walk((*next.cast::<ffi::lysc_node_notif>()).child, out),
                ffi::LYS_CONTAINER | ffi::LYS_LIST => {
                    walk(ffi::lysc_node_child(next), out);
                    walk(ffi::lysc_node_actions(next).cast(), out);
                    walk(ffi::lysc_node_notifs(next).cast(), out);
                }
                _ => {}
            }
            next = node.next;
        }
    }
}

fn kind_name(kind: u32, presence: bool) -> &'static str {
    match kind {
        ffi::LYS_CONTAINER if presence => "presence-container",
        ffi::LYS_CONTAINER => "container",
        ffi::LYS_LEAF => "leaf",
        ffi::LYS_LEAFLIST => "leaf-list",
        ffi::LYS_LIST => "list",
        ffi::LYS_CHOICE => "choice",
        ffi::LYS_CASE => "case",
        ffi::LYS_RPC => "rpc",
        ffi::LYS_ACTION => "action",
        ffi::LYS_NOTIF => "notification",
        ffi::LYS_INPUT => "input",
        ffi::LYS_OUTPUT => "output",
        ffi::LYS_ANYDATA => "anydata",
        ffi::LYS_ANYXML => "anyxml",
        _ => "unknown",
    }
}

/// # Safety
/// `node` is a schema node of the live context.
unsafe fn describe(context: &Context, node: *const ffi::lysc_node) -> SchemaNode {
    // SAFETY: the caller's promise; the kind says which structure a node is.
    unsafe {
        let this = &*node;
        let kind = u32::from(this.nodetype);
        let has = |flag| raw::has_flag(node, flag);
        let several = kind & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0;
        let path_type = ffi::LYSC_PATH_TYPE::LYSC_PATH_LOG;
        let path = raw::owned_text(ffi::lysc_path(node, path_type, ptr::null_mut(), 0));
        let is_term = kind & (ffi::LYS_LEAF | ffi::LYS_LEAFLIST) != 0;
        let (min, max) = match kind {
            ffi::LYS_LIST => {
                let list = &*node.cast::<ffi::lysc_node_list>();
                (Some(list.min), (list.max != 0 && list.max != u32::MAX).then_some(list.max))
            }
            ffi::LYS_LEAFLIST => {
                let list = &*node.cast::<ffi::lysc_node_leaflist>();
                (Some(list.min), (list.max != 0 && list.max != u32::MAX).then_some(list.max))
            }
            _ => (None, None),
        };
        let is_key = kind == ffi::LYS_LEAF && has(ffi::LYS_KEY);
        SchemaNode {
            path: path.unwrap_or_default(),
            name: raw::text(this.name).unwrap_or_default(),
            module: raw::text((*this.module).name).unwrap_or_default(),
            kind: kind_name(kind, kind == ffi::LYS_CONTAINER && has(ffi::LYS_PRESENCE)),
            config: has(ffi::LYS_CONFIG_W) && !operational(node),
            mandatory: is_key || !several && kind != ffi::LYS_CASE && has(ffi::LYS_MAND_TRUE),
            keys: if kind == ffi::LYS_LIST {
                crate::instance::keys(node).filter_map(|key| raw::text((*key).name)).collect()
            } else {
                Vec::new()
            },
            value_type: is_term.then(|| type_info((*node.cast::<ffi::lysc_node_leaf>()).type_, 0)),
            units: if is_term {
                raw::text((*node.cast::<ffi::lysc_node_leaf>()).units)
            } else {
                None
            },
            defaults: defaults(context, node, kind),
            description: raw::text(this.dsc),
            reference: raw::text(this.ref_),
            status: if has(ffi::LYS_STATUS_OBSLT) {
                "obsolete"
            } else if has(ffi::LYS_STATUS_DEPRC) {
                "deprecated"
            } else {
                "current"
            },
            ordered_by: several.then(|| if has(ffi::LYS_ORDBY_USER) { "user" } else { "system" }),
            min_elements: min,
            max_elements: max,
            if_features: if_features(node),
            musts: raw::array(ffi::lysc_node_musts(node))
                .iter()
                .map(|must| Must {
                    expr: raw::text(ffi::lyxp_get_expr(must.cond)).unwrap_or_default(),
                    error_message: raw::text(must.emsg),
                    app_tag: raw::text(must.eapptag),
                })
                .collect(),
            whens: raw::array(ffi::lysc_node_when(node))
                .iter()
                .filter_map(|&when| raw::text(ffi::lyxp_get_expr((*when).cond)))
                .collect(),
            extensions: raw::array(this.exts)
                .iter()
                .filter_map(|one| {
                    let definition = one.def.as_ref()?;
                    let prefix = raw::text((*definition.module).prefix).unwrap_or_default();
                    let name = raw::text(definition.name).unwrap_or_default();
                    Some((format!("{prefix}:{name}"), raw::text(one.argument)))
                })
                .collect(),
        }
    }
}

/// Whether a node lies in an operation or notification, where there is no configuration.
///
/// # Safety
/// `node` is a live schema node.
pub(crate) unsafe fn operational(node: *const ffi::lysc_node) -> bool {
    const OPERATIONS: u32 =
        ffi::LYS_RPC | ffi::LYS_ACTION | ffi::LYS_NOTIF | ffi::LYS_INPUT | ffi::LYS_OUTPUT;
    let mut at = node;
    // SAFETY: the caller's promise; parents live as long as the context.
    unsafe {
        while !at.is_null() {
            if raw::node_type(at) & OPERATIONS != 0 {
                return true;
            }
            at = (*at).parent;
        }
    }
    false
}

/// # Safety
/// `node` is a live schema node of the kind.
unsafe fn defaults(context: &Context, node: *const ffi::lysc_node, kind: u32) -> Vec<String> {
    // A compiled default may have the module's own prefixes; the canonical form has module names.
    let canonical = |value: &ffi::lysc_value| {
        let mut text = ptr::null();
        // SAFETY: the value belongs to the live node; the canonical string is the dictionary's,
        // and ours to give back.
        unsafe {
            let code = ffi::lyd_value_validate_dflt(
                node,
                value.str_,
                value.prefixes,
                ptr::null(),
                ptr::null_mut(),
                &raw mut text,
            );
            crate::problem::forget(context.raw());
            // A leafref's default needs data to be checked against: then as it was written.
            let ok = code == ffi::LY_ERR::LY_SUCCESS || code == ffi::LY_ERR::LY_EINCOMPLETE;
            let found = if ok { raw::text(text) } else { None };
            if !text.is_null() {
                ffi::lydict_remove(context.raw(), text);
            }
            found.or_else(|| raw::text(value.str_))
        }
    };
    // SAFETY: the kind says which structure the node is.
    unsafe {
        match kind {
            ffi::LYS_LEAF => {
                let value = &(*node.cast::<ffi::lysc_node_leaf>()).dflt;
                if value.str_.is_null() {
                    Vec::new()
                } else {
                    canonical(value).into_iter().collect()
                }
            }
            ffi::LYS_LEAFLIST => raw::array((*node.cast::<ffi::lysc_node_leaflist>()).dflts)
                .iter()
                .filter_map(canonical)
                .collect(),
            ffi::LYS_CHOICE => (*node.cast::<ffi::lysc_node_choice>())
                .dflt
                .cast::<ffi::lysc_node>()
                .as_ref()
                .and_then(|case| raw::text(case.name))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The if-feature texts of a node, which only the parsed module still has.
///
/// # Safety
/// `node` is a live schema node of a context made with LY_CTX_SET_PRIV_PARSED.
unsafe fn if_features(node: *const ffi::lysc_node) -> Vec<String> {
    // SAFETY: with that option `priv` is null or the parsed node.
    unsafe {
        let parsed = (*node).priv_.cast::<ffi::lysp_node>();
        match parsed.as_ref() {
            Some(parsed) => raw::array(parsed.iffeatures)
                .iter()
                .filter_map(|name| raw::text(name.str_))
                .collect(),
            None => Vec::new(),
        }
    }
}

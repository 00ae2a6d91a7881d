//! RPCs, actions and notifications.

use std::ptr;

use libyang5_sys as ffi;

use crate::context::Context;
use crate::data::Data;
use crate::path;
use crate::problem::{Error, Problem};
use crate::raw::{self, Node};
use crate::tree::{Format, Tree};

/// An RPC or action that somebody calls.
pub struct Operation {
    tree: Tree,
    /// The rpc or action node inside the tree.
    node: Node,
}

// SAFETY: as for a tree, whose node it points at.
unsafe impl Send for Operation {}

impl Operation {
    /// Reads the content of an `<rpc>` element: an RPC's element, or an `<action>` with the data
    /// nodes around it (RFC 7950, section 7.15.2). The input is validated by itself; references into
    /// the datastore are not followed.
    ///
    /// # Errors
    /// Input that is malformed, unknown, or against its constraints.
    pub fn parse(context: &Context, data: &[u8]) -> Result<Self, Error> {
        let text = crate::xml::wrapped(data)?;
        let document = crate::xml::parse(&text)?;
        let mut inside = crate::xml::elements(document.root_element());
        let (Some(mut element), None) = (inside.next(), inside.next()) else {
            let what = "an rpc has exactly one element inside".to_string();
            return Err(Problem::new("malformed-message", what).into());
        };
        let name = element.tag_name();
        if name.name() == "action" && name.namespace() == Some("urn:ietf:params:xml:ns:yang:1") {
            let mut inside = crate::xml::elements(element);
            let (Some(only), None) = (inside.next(), inside.next()) else {
                let what = "an action has exactly one element inside".to_string();
                return Err(Problem::new("malformed-message", what).into());
            };
            element = only;
        }
        let (start, end) = crate::xml::tags(element);
        let source = format!("{start}{}{end}", crate::xml::inner(element));
        let (tree, node) =
            parse_operation(context, &source, Format::Xml, ffi::lyd_type::LYD_TYPE_RPC_YANG)?;
        Ok(Self { tree, node })
    }

    /// Schema path, such as `/nf-probe:reset-counters`.
    #[must_use]
    pub fn path(&self) -> String {
        // SAFETY: the node is live; without a buffer libyang allocates one, which is taken over.
        unsafe {
            let path_type = ffi::LYSC_PATH_TYPE::LYSC_PATH_DATA;
            raw::owned_text(ffi::lysc_path((*self.node).schema, path_type, ptr::null_mut(), 0))
                .unwrap_or_default()
        }
    }

    /// Data path of the node that an action belongs to, empty for an RPC.
    #[must_use]
    pub fn target(&self) -> String {
        // SAFETY: the node is live.
        unsafe {
            let parent = (*self.node).parent;
            if parent.is_null() { String::new() } else { path::of(parent) }
        }
    }

    /// The input.
    ///
    /// # Errors
    /// libyang's reasons.
    pub fn input(&self) -> Result<Data, Error> {
        // SAFETY: the node is live.
        let first = unsafe { raw::first_child(self.node) };
        Ok(Data::Object(self.tree.members(first, ptr::null(), true)?))
    }

    /// The XML of a reply's content, from the output as plain values; checked against the model.
    ///
    /// # Errors
    /// Output that the model does not allow.
    pub fn reply(&self, output: &Data) -> Result<Vec<u8>, Error> {
        let context = &self.tree.context;
        let mut copy = ptr::null_mut();
        self.tree.forget_errors();
        // SAFETY: the node is live; the copy has no input, only the parents and their keys.
        unsafe {
            let code = ffi::lyd_dup_single(
                self.node,
                ptr::null_mut(),
                ffi::LYD_DUP_WITH_PARENTS,
                &raw mut copy,
            );
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(self.tree.error(code, "copying"));
            }
        }
        let mut top = copy;
        // SAFETY: the copy's parents are live and ours.
        unsafe {
            while !(*top).parent.is_null() {
                top = (*top).parent;
            }
        }
        let mut reply = Tree::of(context, top);
        reply.fill(copy, output, true)?;
        reply.forget_errors();
        // SAFETY: the copy is live, with its output below; what is printed is taken over.
        unsafe {
            let code = ffi::lyd_validate_op(
                copy,
                ptr::null(),
                ffi::lyd_type::LYD_TYPE_REPLY_YANG,
                ptr::null_mut(),
            );
            reply.settle();
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(reply.error(code, "checking the output"));
            }
            let first = raw::first_child(copy);
            if first.is_null() {
                return Ok(Vec::new());
            }
            let mut out = ptr::null_mut();
            let code = ffi::lyd_print_mem(
                &raw mut out,
                first,
                ffi::LYD_FORMAT::LYD_XML,
                ffi::LYD_PRINT_SIBLINGS | ffi::LYD_PRINT_SHRINK,
            );
            let text = raw::owned_text(out);
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(reply.error(code, "printing the output"));
            }
            Ok(text.unwrap_or_default().into_bytes())
        }
    }
}

fn parse_operation(
    context: &Context,
    source: &str,
    format: Format,
    kind: ffi::lyd_type::Type,
) -> Result<(Tree, Node), Error> {
    let text = format.checked(source.as_bytes())?;
    let tree = Tree::new(context);
    let mut input = ptr::null_mut();
    let (mut top, mut node) = (ptr::null_mut(), ptr::null_mut());
    tree.forget_errors();
    // SAFETY: the text outlives the input, which is freed here; what is parsed becomes ours.
    let code = unsafe {
        let code = ffi::ly_in_new_memory(text.as_ptr(), &raw mut input);
        if code != ffi::LY_ERR::LY_SUCCESS {
            return Err(tree.error(code, "reading"));
        }
        let code = ffi::lyd_parse_op(
            tree.ctx(),
            ptr::null_mut(),
            input,
            format.raw(),
            kind,
            ffi::LYD_PARSE_STRICT,
            &raw mut top,
            &raw mut node,
        );
        ffi::ly_in_free(input, 0);
        code
    };
    let mut parsed = Tree::of(context, top);
    if code != ffi::LY_ERR::LY_SUCCESS || node.is_null() {
        return Err(parsed.error(code, "reading the operation"));
    }
    parsed.forget_errors();
    // SAFETY: the node is live.
    let code = unsafe { ffi::lyd_validate_op(node, ptr::null(), kind, ptr::null_mut()) };
    parsed.settle();
    if code != ffi::LY_ERR::LY_SUCCESS {
        return Err(parsed.error(code, "checking the operation"));
    }
    Ok((parsed, node))
}

impl Tree {
    /// A notification, checked by itself.
    ///
    /// # Errors
    /// Input that is malformed, unknown, or against its constraints.
    pub fn notification(context: &Context, data: &[u8], format: Format) -> Result<Self, Error> {
        let source = std::str::from_utf8(data).map_err(|e| {
            let what = format!("the input is not UTF-8 from octet {} on", e.valid_up_to());
            Error::from(Problem::new("malformed-message", what))
        })?;
        if format == Format::Xml {
            crate::xml::parse(&crate::xml::wrapped(data)?)?;
        }
        parse_operation(context, source, format, ffi::lyd_type::LYD_TYPE_NOTIF_YANG)
            .map(|(tree, _)| tree)
    }
}

//! C strings, sized arrays and links of libyang as Rust values.

use std::ffi::{CStr, CString, c_char};

use libyang5_sys as ffi;

use crate::problem::{Error, Problem};

/// A node of a data tree.
pub(crate) type Node = *mut ffi::lyd_node;

/// A C string of ours.
///
/// # Errors
/// Text with a NUL octet cannot be one.
pub(crate) fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| nul_inside())
}

/// Text with a NUL octet cannot be handed to C.
pub(crate) fn nul_inside() -> Error {
    Problem::new("invalid-value", "a NUL character is in the text".to_string()).into()
}

/// Copies a C string; `None` for a null pointer.
///
/// # Safety
/// `pointer` is null or points to a NUL-terminated string that lives during the call.
pub(crate) unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// Copies a string that libyang allocated for us, and frees it.
///
/// # Safety
/// `pointer` is null or came from malloc, is NUL-terminated and is not used afterwards.
pub(crate) unsafe fn owned_text(pointer: *mut c_char) -> Option<String> {
    // SAFETY: the caller's promise; free takes null, too.
    unsafe {
        let copy = text(pointer);
        ffi::free(pointer.cast());
        copy
    }
}

/// A sized array of libyang: a 64-bit count stands before its first element.
///
/// # Safety
/// `pointer` is null or a sized array of libyang that outlives `'a`.
pub(crate) unsafe fn array<'a, T>(pointer: *const T) -> &'a [T] {
    if pointer.is_null() {
        return &[];
    }
    // SAFETY: the count precedes the elements by definition of LY_ARRAY_COUNT.
    unsafe {
        let count = pointer.cast::<u64>().sub(1).read_unaligned();
        std::slice::from_raw_parts(pointer, usize::try_from(count).unwrap_or(0))
    }
}

/// The first child of a data node, null when it has none or cannot have any.
///
/// # Safety
/// `node` is a live node.
pub(crate) unsafe fn first_child(node: Node) -> Node {
    const INNER: u32 =
        ffi::LYS_CONTAINER | ffi::LYS_LIST | ffi::LYS_RPC | ffi::LYS_ACTION | ffi::LYS_NOTIF;
    // SAFETY: the node is live; its schema says which structure it is.
    unsafe {
        let schema = (*node).schema;
        if schema.is_null() || u32::from((*schema).nodetype) & INNER == 0 {
            return std::ptr::null_mut();
        }
        (*node.cast::<ffi::lyd_node_inner>()).child
    }
}

/// Whether a built-in type is one of the eight integer types.
pub(crate) fn is_integer(base: ffi::LY_DATA_TYPE::Type) -> bool {
    use ffi::LY_DATA_TYPE as T;
    matches!(
        base,
        T::LY_TYPE_INT8
            | T::LY_TYPE_INT16
            | T::LY_TYPE_INT32
            | T::LY_TYPE_INT64
            | T::LY_TYPE_UINT8
            | T::LY_TYPE_UINT16
            | T::LY_TYPE_UINT32
            | T::LY_TYPE_UINT64
    )
}

/// A node and the siblings after it.
pub(crate) struct Siblings(pub(crate) Node);

impl Iterator for Siblings {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        let current = self.0;
        if current.is_null() {
            return None;
        }
        // SAFETY: made from live nodes only; the successor is read before the node is handed out,
        // so that it may be unlinked.
        self.0 = unsafe { (*current).next };
        Some(current)
    }
}

/// The node type of a schema node, as libyang's bit.
///
/// # Safety
/// `schema` is a schema node of a live context.
pub(crate) unsafe fn node_type(schema: *const ffi::lysc_node) -> u32 {
    // SAFETY: the caller's promise.
    u32::from(unsafe { (*schema).nodetype })
}

/// Whether a schema node carries a flag.
///
/// # Safety
/// `schema` is a schema node of a live context.
pub(crate) unsafe fn has_flag(schema: *const ffi::lysc_node, flag: u32) -> bool {
    // SAFETY: the caller's promise.
    u32::from(unsafe { (*schema).flags }) & flag != 0
}

/// Whether the schema node is a list or leaf-list whose order the user gives.
///
/// # Safety
/// `schema` is a schema node of a live context.
pub(crate) unsafe fn user_ordered(schema: *const ffi::lysc_node) -> bool {
    // SAFETY: the caller's promise. The bit has another meaning on other kinds of nodes.
    unsafe {
        node_type(schema) & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0
            && has_flag(schema, ffi::LYS_ORDBY_USER)
    }
}

/// The canonical value of a leaf or leaf-list entry.
///
/// # Safety
/// `node` is a live term node, and nobody else uses its tree: libyang stores the value's canonical
/// form when it is first asked for it.
pub(crate) unsafe fn canonical(node: Node) -> Option<String> {
    // SAFETY: the caller's promise.
    unsafe { text(canonical_pointer(node)) }
}

/// The same as octets of the tree, which are UTF-8; none where there is no value.
///
/// # Safety
/// As above, for all of `'t`.
pub(crate) unsafe fn canonical_octets<'t>(node: Node) -> &'t [u8] {
    // SAFETY: the caller's promise; the string stays in the dictionary while the node lives.
    unsafe {
        let pointer = canonical_pointer(node);
        if pointer.is_null() { &[] } else { CStr::from_ptr(pointer).to_bytes() }
    }
}

/// # Safety
/// As above.
unsafe fn canonical_pointer(node: Node) -> *const c_char {
    // SAFETY: the caller's promise; the context is that of the node's schema.
    unsafe {
        let term = node.cast::<ffi::lyd_node_term>();
        let context = (*(*(*node).schema).module).ctx;
        ffi::lyd_value_get_canonical(context, &raw const (*term).value)
    }
}

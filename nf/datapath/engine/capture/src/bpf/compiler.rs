//! libpcap's compiler.

use std::ffi::{CString, c_int};

use crate::bpf::{Instruction, Program};
use crate::error::{CaptureError, ErrorKind};
use crate::libpcap::{self, Compiled, Libpcap, link_layer};

/// Longest expression accepted; a recursive compiler is not to be fed more.
const LONGEST_EXPRESSION: usize = 64 * 1024;

/// Snap length told to the compiler; programs return it for packets they accept.
const SNAPLEN: c_int = 262_144;

/// A handle that compiles for one link type, closed when dropped.
struct Handle<'a> {
    libpcap: &'a Libpcap,
    raw: libpcap::Handle,
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by this library and is closed once.
        unsafe { (self.libpcap.close)(self.raw) };
    }
}

/// Compiles an expression for packets of a link type.
pub(super) fn compile(expression: &str, link: u16) -> Result<Program, CaptureError> {
    // Before the library is loaded: what is refused anyway does not need it.
    let _text = checked(expression, link)?;
    let place = format!("filter '{expression}'");
    let libpcap = Libpcap::get("compiles filters", &place, "leave the filter out")?;
    // SAFETY: takes two numbers.
    let raw = unsafe { (libpcap.open_dead)(link_layer(link), SNAPLEN) };
    if raw.is_null() {
        return Err(refused(expression, link, "libpcap is out of memory"));
    }
    let handle = Handle { libpcap, raw };
    let compiled = compile_for(expression, link, libpcap, handle.raw)?;
    let instructions = compiled.instructions().iter().map(|raw| Instruction {
        code: raw.code,
        jump_true: raw.jump_true,
        jump_false: raw.jump_false,
        operand: raw.operand,
    });
    Program::new(instructions.collect())
        .map_err(|invalid| refused(expression, link, &invalid.to_string()))
}

/// Compiles an expression for the packets of an open handle, which are of a link type.
pub(super) fn compile_for(
    expression: &str,
    link: u16,
    libpcap: &'static Libpcap,
    handle: libpcap::Handle,
) -> Result<Compiled, CaptureError> {
    let text = checked(expression, link)?;
    // SAFETY: whoever has a handle has it open.
    unsafe { libpcap.compile(handle, &text) }.map_err(|why| refused(expression, link, &why))
}

fn checked(expression: &str, link: u16) -> Result<CString, CaptureError> {
    if expression.len() > LONGEST_EXPRESSION {
        return Err(refused("", link, "the filter is longer than 64 KiB"));
    }
    CString::new(expression)
        .map_err(|_| refused(expression, link, "the filter contains a zero byte"))
}

/// The error for a filter that cannot be used.
pub(super) fn refused(expression: &str, link: u16, why: &str) -> CaptureError {
    CaptureError::new(
        ErrorKind::Filter,
        format!("the filter cannot be used on packets of link type {link}: {why}"),
        format!("filter '{expression}'"),
        "see pcap-filter(7) for the language",
    )
}

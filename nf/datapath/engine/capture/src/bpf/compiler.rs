//! libpcap's compiler, loaded while we run, so that building needs no libpcap.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::Library;

use crate::bpf::{Instruction, Program};
use crate::error::{CaptureError, ErrorKind};

/// Names the library goes by, the likeliest first.
const NAMES: &[&str] = &["libpcap.so.0.8", "libpcap.so.1", "libpcap.so", "libpcap.dylib"];

/// Longest expression accepted; a recursive compiler is not to be fed more.
const LONGEST_EXPRESSION: usize = 64 * 1024;

/// Snap length told to the compiler; programs return it for packets they accept.
const SNAPLEN: c_int = 262_144;

/// No network mask is known.
const NO_NETMASK: c_uint = 0xffff_ffff;

/// `struct bpf_program` of libpcap.
#[repr(C)]
struct RawProgram {
    count: c_uint,
    instructions: *mut RawInstruction,
}

/// `struct bpf_insn` of libpcap.
#[repr(C)]
struct RawInstruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    operand: u32,
}

type OpenDead = unsafe extern "C" fn(c_int, c_int) -> *mut c_void;
type Compile =
    unsafe extern "C" fn(*mut c_void, *mut RawProgram, *const c_char, c_int, c_uint) -> c_int;
type FreeCode = unsafe extern "C" fn(*mut RawProgram);
type GetError = unsafe extern "C" fn(*mut c_void) -> *mut c_char;
type Close = unsafe extern "C" fn(*mut c_void);

/// The functions of the library, and the library itself, which stays loaded.
struct Libpcap {
    open_dead: OpenDead,
    compile: Compile,
    free_code: FreeCode,
    get_error: GetError,
    close: Close,
    _library: Library,
}

impl Libpcap {
    fn load() -> Result<Self, String> {
        let mut reason = String::new();
        for name in NAMES {
            // SAFETY: loading libpcap runs no code of its own that could harm us.
            match unsafe { Library::new(*name) } {
                Ok(library) => return Self::bind(library).map_err(|error| error.to_string()),
                Err(error) if reason.is_empty() => reason = error.to_string(),
                Err(_) => {}
            }
        }
        Err(reason)
    }

    fn bind(library: Library) -> Result<Self, libloading::Error> {
        // SAFETY: the types are those of the functions in libpcap's manual, and the library
        // stays loaded as long as they can be called.
        unsafe {
            Ok(Self {
                open_dead: *library.get::<OpenDead>("pcap_open_dead")?,
                compile: *library.get::<Compile>("pcap_compile")?,
                free_code: *library.get::<FreeCode>("pcap_freecode")?,
                get_error: *library.get::<GetError>("pcap_geterr")?,
                close: *library.get::<Close>("pcap_close")?,
                _library: library,
            })
        }
    }
}

/// A handle that compiles for one link type, closed when dropped.
struct Handle<'a> {
    libpcap: &'a Libpcap,
    raw: *mut c_void,
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by this library and is closed once.
        unsafe { (self.libpcap.close)(self.raw) };
    }
}

/// Compiles an expression for packets of a link type.
pub(super) fn compile(expression: &str, link: u16) -> Result<Program, CaptureError> {
    static LIBRARY: OnceLock<Result<Libpcap, String>> = OnceLock::new();
    // Older versions of the compiler keep their state in globals.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    if expression.len() > LONGEST_EXPRESSION {
        return Err(refused("", link, "the filter is longer than 64 KiB"));
    }
    let text = CString::new(expression)
        .map_err(|_| refused(expression, link, "the filter contains a zero byte"))?;
    let libpcap = LIBRARY.get_or_init(Libpcap::load).as_ref().map_err(|reason| {
        CaptureError::new(
            ErrorKind::FilterLibrary,
            format!("libpcap, which compiles filters, is missing: {reason}"),
            format!("filter '{expression}'"),
            "install it ('apt-get install libpcap0.8'), or leave the filter out",
        )
    })?;
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    // SAFETY: takes two numbers.
    let raw = unsafe { (libpcap.open_dead)(link_layer(link), SNAPLEN) };
    if raw.is_null() {
        return Err(refused(expression, link, "libpcap is out of memory"));
    }
    let handle = Handle { libpcap, raw };
    let mut program = RawProgram { count: 0, instructions: ptr::null_mut() };
    // SAFETY: the handle is open, the program is ours to fill in, the text ends with a zero.
    let answer =
        unsafe { (libpcap.compile)(handle.raw, &mut program, text.as_ptr(), 1, NO_NETMASK) };
    if answer != 0 {
        // SAFETY: libpcap returns its own buffer, which lives as long as the handle.
        let message = unsafe { CStr::from_ptr((libpcap.get_error)(handle.raw)) };
        return Err(refused(expression, link, &message.to_string_lossy()));
    }
    let instructions = copied(&program);
    // SAFETY: the program was filled in by this library and is freed once.
    unsafe { (libpcap.free_code)(&mut program) };
    Program::new(instructions).map_err(|invalid| refused(expression, link, &invalid.to_string()))
}

fn copied(program: &RawProgram) -> Vec<Instruction> {
    if program.instructions.is_null() {
        return Vec::new();
    }
    // SAFETY: libpcap filled in `count` instructions there.
    let raw = unsafe { std::slice::from_raw_parts(program.instructions, program.count as usize) };
    raw.iter()
        .map(|raw| Instruction {
            code: raw.code,
            jump_true: raw.jump_true,
            jump_false: raw.jump_false,
            operand: raw.operand,
        })
        .collect()
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

/// The number libpcap knows a link type by while it runs, which for a few old ones differs from
/// the number in files and from one system to the next.
fn link_layer(link: u16) -> c_int {
    match link {
        100 => 11,                                // ATM, RFC 1483
        101 if cfg!(target_os = "openbsd") => 14, // IP without a link layer
        101 => 12,                                //
        102 if cfg!(target_os = "linux") => 15,   // SLIP of BSD/OS
        103 if cfg!(target_os = "linux") => 16,   // PPP of BSD/OS
        106 if cfg!(target_os = "linux") => 19,   // Classical IP over ATM
        other => c_int::from(other),
    }
}

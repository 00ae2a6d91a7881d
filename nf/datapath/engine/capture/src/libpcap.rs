//! libpcap, loaded while we run, so that neither building nor starting needs it.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::Library;

use crate::error::{CaptureError, ErrorKind};

/// Names the library goes by, the likeliest first.
const NAMES: &[&str] = &["libpcap.so.0.8", "libpcap.so.1", "libpcap.so", "libpcap.dylib"];

/// Octets of a buffer for messages (`PCAP_ERRBUF_SIZE`).
pub(crate) const ERROR_ROOM: usize = 256;

/// No network mask is known.
const NO_NETMASK: c_uint = 0xffff_ffff;

/// `pcap_t`.
pub(crate) type Handle = *mut c_void;

/// `struct bpf_program` of libpcap.
#[repr(C)]
pub(crate) struct RawProgram {
    pub count: c_uint,
    pub instructions: *mut RawInstruction,
}

/// `struct bpf_insn` of libpcap.
#[repr(C)]
pub(crate) struct RawInstruction {
    pub code: u16,
    pub jump_true: u8,
    pub jump_false: u8,
    pub operand: u32,
}

/// `struct pcap_pkthdr` of libpcap, whose time is a `struct timeval`.
#[repr(C)]
pub(crate) struct RawHeader {
    pub seconds: c_long,
    /// Micro- or nanoseconds, as was asked for.
    pub fraction: c_long,
    pub captured: c_uint,
    pub length: c_uint,
}

/// `struct pcap_stat` of libpcap.
#[repr(C)]
#[derive(Default)]
pub(crate) struct RawStats {
    pub received: c_uint,
    pub dropped: c_uint,
    pub dropped_by_interface: c_uint,
}

type SetNumber = unsafe extern "C" fn(Handle, c_int) -> c_int;
type GetNumber = unsafe extern "C" fn(Handle) -> c_int;

/// A program that libpcap has compiled, freed when dropped.
pub(crate) struct Compiled {
    libpcap: &'static Libpcap,
    raw: RawProgram,
}

impl Compiled {
    /// For libpcap's functions.
    pub fn as_mut_ptr(&mut self) -> *mut RawProgram {
        &mut self.raw
    }

    /// Its instructions.
    pub fn instructions(&self) -> &[RawInstruction] {
        if self.raw.instructions.is_null() {
            return &[];
        }
        // SAFETY: libpcap filled in `count` instructions there, which stay until they are freed.
        unsafe { std::slice::from_raw_parts(self.raw.instructions, self.raw.count as usize) }
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        // SAFETY: the program was filled in by this library and is freed once.
        unsafe { (self.libpcap.free_code)(&mut self.raw) };
    }
}

/// The functions of the library, and the library itself, which stays loaded.
pub(crate) struct Libpcap {
    pub open_dead: unsafe extern "C" fn(c_int, c_int) -> Handle,
    compile: unsafe extern "C" fn(Handle, *mut RawProgram, *const c_char, c_int, c_uint) -> c_int,
    free_code: unsafe extern "C" fn(*mut RawProgram),
    get_error: unsafe extern "C" fn(Handle) -> *mut c_char,
    pub close: unsafe extern "C" fn(Handle),
    pub create: unsafe extern "C" fn(*const c_char, *mut c_char) -> Handle,
    pub set_snap_length: SetNumber,
    pub set_promiscuous: SetNumber,
    pub set_timeout: SetNumber,
    pub set_buffer_size: SetNumber,
    pub set_precision: SetNumber,
    pub get_precision: GetNumber,
    pub activate: GetNumber,
    pub set_direction: SetNumber,
    pub set_non_blocking: unsafe extern "C" fn(Handle, c_int, *mut c_char) -> c_int,
    pub set_filter: unsafe extern "C" fn(Handle, *mut RawProgram) -> c_int,
    pub link_layer: GetNumber,
    pub descriptor: GetNumber,
    pub next: unsafe extern "C" fn(Handle, *mut *mut RawHeader, *mut *const u8) -> c_int,
    pub stats: unsafe extern "C" fn(Handle, *mut RawStats) -> c_int,
    _library: Library,
}

impl Libpcap {
    /// The library, loaded the first time. `place` is what needs it, for `what`; how to do `without`.
    pub fn get(what: &str, place: &str, without: &str) -> Result<&'static Self, CaptureError> {
        static LIBRARY: OnceLock<Result<Libpcap, String>> = OnceLock::new();
        LIBRARY.get_or_init(Self::load).as_ref().map_err(|reason| {
            CaptureError::new(
                ErrorKind::Library,
                format!("libpcap, which {what}, is missing: {reason}"),
                place,
                format!("install it ('apt-get install libpcap0.8'), or {without}"),
            )
        })
    }

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
                open_dead: *library.get(b"pcap_open_dead\0")?,
                compile: *library.get(b"pcap_compile\0")?,
                free_code: *library.get(b"pcap_freecode\0")?,
                get_error: *library.get(b"pcap_geterr\0")?,
                close: *library.get(b"pcap_close\0")?,
                create: *library.get(b"pcap_create\0")?,
                set_snap_length: *library.get(b"pcap_set_snaplen\0")?,
                set_promiscuous: *library.get(b"pcap_set_promisc\0")?,
                set_timeout: *library.get(b"pcap_set_timeout\0")?,
                set_buffer_size: *library.get(b"pcap_set_buffer_size\0")?,
                set_precision: *library.get(b"pcap_set_tstamp_precision\0")?,
                get_precision: *library.get(b"pcap_get_tstamp_precision\0")?,
                activate: *library.get(b"pcap_activate\0")?,
                set_direction: *library.get(b"pcap_setdirection\0")?,
                set_non_blocking: *library.get(b"pcap_setnonblock\0")?,
                set_filter: *library.get(b"pcap_setfilter\0")?,
                link_layer: *library.get(b"pcap_datalink\0")?,
                descriptor: *library.get(b"pcap_get_selectable_fd\0")?,
                next: *library.get(b"pcap_next_ex\0")?,
                stats: *library.get(b"pcap_stats\0")?,
                _library: library,
            })
        }
    }

    /// Compiles an expression for the packets of a handle, or says in libpcap's words why not.
    ///
    /// # Safety
    /// The handle is open.
    pub unsafe fn compile(&'static self, handle: Handle, text: &CStr) -> Result<Compiled, String> {
        // Older versions of the compiler keep their state in globals.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut raw = RawProgram { count: 0, instructions: ptr::null_mut() };
        // SAFETY: the handle is open, the program is ours to fill in, the text ends with a zero.
        let answer = unsafe { (self.compile)(handle, &mut raw, text.as_ptr(), 1, NO_NETMASK) };
        if answer != 0 {
            // SAFETY: the handle is open.
            return Err(unsafe { self.message(handle) });
        }
        Ok(Compiled { libpcap: self, raw })
    }

    /// What the library says of the latest failure of a handle.
    ///
    /// # Safety
    /// The handle is open.
    pub unsafe fn message(&self, handle: Handle) -> String {
        // SAFETY: libpcap returns its own buffer, which lives as long as the handle.
        unsafe { CStr::from_ptr((self.get_error)(handle)) }.to_string_lossy().into_owned()
    }
}

/// The number libpcap knows a link type by while it runs, which for a few old ones differs from
/// the number in files and from one system to the next.
const RENUMBERED: &[(u16, c_int)] = &[
    (100, 11),                                                // ATM, RFC 1483
    (101, if cfg!(target_os = "openbsd") { 14 } else { 12 }), // IP without a link layer
    #[cfg(target_os = "linux")]
    (102, 15),                 // SLIP of BSD/OS
    #[cfg(target_os = "linux")]
    (103, 16),                 // PPP of BSD/OS
    #[cfg(target_os = "linux")]
    (106, 19),                 // Classical IP over ATM
];

/// libpcap's number of a link type (`LINKTYPE_…`).
pub(crate) fn link_layer(link: u16) -> c_int {
    let renumbered = RENUMBERED.iter().find(|(of, _)| *of == link);
    renumbered.map_or(c_int::from(link), |(_, number)| *number)
}

/// The link type (`LINKTYPE_…`) of libpcap's number.
pub(crate) fn link_type(number: c_int) -> Option<u16> {
    let renumbered = RENUMBERED.iter().find(|(_, of)| *of == number);
    renumbered.map_or_else(|| u16::try_from(number).ok(), |(link, _)| Some(*link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_types_are_the_same_there_and_back() {
        for link in [0, 1, 100, 101, 102, 103, 105, 106, 113, 127, 276] {
            assert_eq!(link_type(link_layer(link)), Some(link));
        }
        assert_eq!(link_type(12), Some(101));
        assert_eq!(link_type(-1), None);
    }
}

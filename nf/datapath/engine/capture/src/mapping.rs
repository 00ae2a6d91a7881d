//! Windows of a file mapped into memory, safe against the file shrinking under them.
//!
//! A mapped page that lies behind the end of its file raises SIGBUS when it is touched, and a
//! file can shrink at any time, long after its length was checked and on whichever thread reads
//! a packet. So every window is entered in a table, and a handler for SIGBUS puts zeroed memory
//! under the rest of a window whose pages went away and marks the window as torn. The source
//! sees the mark and ends early. A fault outside of the table goes to whoever handled SIGBUS
//! before.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libc::{c_int, c_void, siginfo_t};
use memmap2::{Mmap, MmapOptions};

/// Windows that can be mapped at one time; beyond that files are read instead.
const SLOTS: usize = 1024;

/// Start of a slot that is taken but not filled in yet. No mapping starts here.
const TAKEN: usize = 1;

struct Slot {
    /// First address; 0 when the slot is free.
    start: AtomicUsize,
    /// Address behind the last page.
    end: AtomicUsize,
    /// Whether pages of the window went away.
    torn: AtomicBool,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot { start: AtomicUsize::new(0), end: AtomicUsize::new(0), torn: AtomicBool::new(false) }
}; SLOTS];

/// Who handled SIGBUS before us.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

/// Size of a page.
pub(crate) fn page_size() -> usize {
    static PAGE: AtomicUsize = AtomicUsize::new(0);
    match PAGE.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: sysconf takes no pointers.
            let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let size = usize::try_from(size).ok().filter(|s| s.is_power_of_two()).unwrap_or(4096);
            PAGE.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}

/// A window of a file.
#[derive(Debug)]
pub(crate) struct Mapping {
    // Dropped before `map`: an address must leave the table before it can be given to others.
    entry: Entry,
    map: Mmap,
}

impl Mapping {
    /// Maps `length` bytes (not 0) from `offset`, a multiple of the page size, and reads them
    /// in ahead of their use.
    pub(crate) fn window(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        install()?;
        // SAFETY: the memory may change when another process writes to the file. It is only
        // ever read as plain bytes, of which every value is valid, and a shrinking file is
        // caught by the handler installed above.
        let map = unsafe { MmapOptions::new().offset(offset).len(length).populate().map(file)? };
        let entry = Entry::claim(map.as_ptr() as usize, length)?;
        Ok(Self { entry, map })
    }

    /// The bytes of the window.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Whether pages of the window went away, so that some of it reads as zeros.
    pub(crate) fn is_torn(&self) -> bool {
        TABLE.get(self.entry.0).is_some_and(|slot| slot.torn.load(Ordering::Relaxed))
    }
}

/// Tells the system that the file is read from front to back.
pub(crate) fn expect_sequential(file: &File) {
    advise(file, 0, 0, libc::POSIX_FADV_SEQUENTIAL);
}

/// Asks the system to read these bytes in while we work on others.
pub(crate) fn read_ahead(file: &File, offset: u64, length: usize) {
    advise(file, offset, length, libc::POSIX_FADV_WILLNEED);
}

fn advise(file: &File, offset: u64, length: usize, advice: c_int) {
    if let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) {
        // SAFETY: the descriptor is open, and no pointers are passed. Advice that is refused
        // changes nothing, so the answer does not matter.
        unsafe { libc::posix_fadvise(file.as_raw_fd(), offset, length, advice) };
    }
}

/// Index of a slot of the table, freed when dropped.
#[derive(Debug)]
struct Entry(usize);

impl Entry {
    fn claim(start: usize, length: usize) -> io::Result<Self> {
        let page = page_size();
        let end = start.saturating_add(length).checked_next_multiple_of(page).unwrap_or(usize::MAX);
        for (index, slot) in TABLE.iter().enumerate() {
            let free =
                slot.start.compare_exchange(0, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok();
            if free {
                slot.torn.store(false, Ordering::Relaxed);
                slot.end.store(end, Ordering::Relaxed);
                slot.start.store(start, Ordering::Release);
                return Ok(Self(index));
            }
        }
        Err(io::Error::other("too many windows are mapped"))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(slot) = TABLE.get(self.0) {
            slot.start.store(0, Ordering::Release);
        }
    }
}

/// Installs the handler, once.
fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let outcome = INSTALLED.get_or_init(|| {
        page_size(); // asked for now, so that the handler finds it
        let mut previous = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: all-zero is a valid sigaction; the fields that matter are set below.
        let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
        action.sa_sigaction = on_bus_error as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: both pointers are to live structures; the handler only does what a signal
        // handler may do.
        let answer = unsafe {
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(libc::SIGBUS, &action, previous.as_mut_ptr())
        };
        if answer != 0 {
            return Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL));
        }
        // SAFETY: sigaction succeeded and filled it in.
        let _first = PREVIOUS.set(unsafe { previous.assume_init() });
        Ok(())
    });
    outcome.map_err(io::Error::from_raw_os_error)
}

/// Handles SIGBUS. Only atomics, mmap and the signal calls themselves are used here.
extern "C" fn on_bus_error(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: errno's address is valid on every thread.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the kernel passes a valid siginfo to a handler with SA_SIGINFO, and for SIGBUS
    // with this code it carries an address.
    let address =
        unsafe { ((*info).si_code == libc::BUS_ADRERR).then(|| (*info).si_addr() as usize) };
    let mended = address.is_some_and(mend);
    if !mended {
        forward(signal, info, context);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Puts zeroed memory under a window from the page of `address` to its end.
fn mend(address: usize) -> bool {
    for slot in &TABLE {
        let start = slot.start.load(Ordering::Acquire);
        let end = slot.end.load(Ordering::Relaxed);
        if start <= TAKEN || address < start || address >= end {
            continue;
        }
        let from = address & !(page_size() - 1);
        // SAFETY: from the page of the fault to the end of the window everything belongs to
        // the mapping in this slot: it is in use, since it was just touched, and a slot is
        // freed before its memory is. Pages behind the one that is gone are gone too.
        let answer = unsafe {
            libc::mmap(
                from as *mut c_void,
                end - from,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if answer == libc::MAP_FAILED {
            return false;
        }
        slot.torn.store(true, Ordering::Relaxed);
        return true;
    }
    false
}

/// Hands a fault that is not ours to whoever handled it before.
fn forward(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let previous = PREVIOUS.get();
    let handler = previous.map_or(libc::SIG_DFL, |action| action.sa_sigaction);
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        // SAFETY: takes effect when this handler returns, as the signal is blocked until then.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        return;
    }
    let takes_info = previous.is_some_and(|action| action.sa_flags & libc::SA_SIGINFO != 0);
    // SAFETY: the address is one the system took as a handler of this kind, with the arguments
    // it was installed for.
    unsafe {
        let address = ptr::with_exposed_provenance::<()>(handler);
        if takes_info {
            type WithInfo = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
            std::mem::transmute::<*const (), WithInfo>(address)(signal, info, context);
        } else {
            type Plain = extern "C" fn(c_int);
            std::mem::transmute::<*const (), Plain>(address)(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::path::PathBuf;

    fn file_of_pages(name: &str, pages: usize) -> (PathBuf, File) {
        let path = std::env::temp_dir().join(format!("nf-mapping-{}-{name}", std::process::id()));
        let mut file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        file.write_all(&vec![7; pages * page_size()]).unwrap();
        (path, file)
    }

    #[test]
    fn a_file_that_shrinks_under_its_window_reads_as_zeros_and_marks_it_torn() {
        let (path, file) = file_of_pages("shrinks", 8);
        let window = Mapping::window(&file, 0, 8 * page_size()).unwrap();
        let other = Mapping::window(&file, 0, page_size()).unwrap();

        file.set_len(page_size() as u64).unwrap();
        let sum: usize = window.bytes().iter().map(|&b| usize::from(b)).sum();

        assert_eq!(sum, 7 * page_size());
        assert!(window.is_torn());
        assert!(!other.is_torn());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_slot_is_free_again_after_its_window() {
        let (path, file) = file_of_pages("reuse", 1);

        for _ in 0..3 * SLOTS {
            let window = Mapping::window(&file, 0, page_size()).unwrap();
            assert_eq!(window.bytes().first(), Some(&7));
        }

        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_fault_in_memory_that_is_not_ours_still_ends_the_process() {
        const MARK: &str = "NF_CAPTURE_TEST_FOREIGN_FAULT";
        let name = "mapping::tests::a_fault_in_memory_that_is_not_ours_still_ends_the_process";
        let (path, file) = file_of_pages("foreign", 2);
        if std::env::var_os(MARK).is_some() {
            let _ours = Mapping::window(&file, 0, page_size()).unwrap();
            // SAFETY: the fault this provokes is what the test is about.
            let foreign = unsafe { MmapOptions::new().map(&file).unwrap() };
            file.set_len(0).unwrap();
            std::fs::remove_file(path).unwrap();
            std::process::exit(i32::from(foreign[page_size()]));
        }

        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(MARK, "1")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();

        assert_eq!(status.signal(), Some(libc::SIGBUS));
        std::fs::remove_file(path).unwrap();
    }
}

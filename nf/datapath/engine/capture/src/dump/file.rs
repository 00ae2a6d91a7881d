//! The file that a dump is written to: made by nobody else, and whole at any time.

use std::ffi::CString;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::blocks;
use crate::error::{CaptureError, ErrorKind, system_text};

/// Longest name of a file.
pub const LONGEST_NAME: usize = 100;
/// Room that a dump leaves for others, where the file system is not small: configurations are
/// written there, too.
const RESERVE: u64 = 64 << 20;
/// On a small file system: this part of it.
const RESERVED_PART: u64 = 4;

/// What can be said against a name of a file, or nothing.
pub fn fault(name: &str) -> Option<&'static str> {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'_' | b'-');
    match name.as_bytes() {
        [] => Some("it is empty"),
        long if long.len() > LONGEST_NAME => Some("it is too long"),
        [first, ..] if !first.is_ascii_alphanumeric() => Some("it begins with no letter or digit"),
        all if !all.iter().copied().all(plain) => Some("it has other characters than allowed"),
        _ => None,
    }
}

/// Makes a file of this name, which must not be there, in a folder for its owner alone.
///
/// # Errors
/// The name is none, there is such a file, or the system refuses.
fn create(folder: &Path, name: &str) -> Result<File, CaptureError> {
    if let Some(fault) = fault(name) {
        return Err(CaptureError::new(
            ErrorKind::Options,
            format!("{name:?} is no name for a dump: {fault}"),
            "file",
            format!(
                "a bare name of at most {LONGEST_NAME} letters, digits, dots, hyphens and \
                 underscores, that begins with a letter or a digit"
            ),
        ));
    }
    let place = folder.display().to_string();
    let folder = open_folder(folder).map_err(|error| {
        let hint = "make it a folder of this user with mode 0700, or move away what is there";
        CaptureError::new(ErrorKind::Io, system_text(&error), place, hint)
    })?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    open(folder.as_raw_fd(), name.as_bytes(), flags).map(File::from).map_err(|error| {
        let (what, hint) = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                (format!("there is a file {name:?} already"), "choose another name, or delete it")
            }
            _ => (system_text(&error), "see that the folder of dumps can be written to"),
        };
        CaptureError::new(ErrorKind::Options, what, "file", hint)
    })
}

/// Opens the folder, or makes it; a link or another user's folder is none.
fn open_folder(folder: &Path) -> io::Result<OwnedFd> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let opened = open(libc::AT_FDCWD, folder.as_os_str().as_bytes(), flags)?;
    let found = File::from(opened.try_clone()?).metadata()?;
    // SAFETY: it only asks for a number.
    let own = unsafe { libc::geteuid() };
    if found.uid() != own || found.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write to the folder of dumps"));
    }
    Ok(opened)
}

fn open(at: libc::c_int, name: &[u8], flags: libc::c_int) -> io::Result<OwnedFd> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a zero and lives on; the mode is for files that are made.
    let opened = unsafe { libc::openat(at, name.as_ptr(), flags, 0o600 as libc::mode_t) };
    if opened < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: nobody else has this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(opened) })
}

/// A file of whole blocks.
pub(super) struct Output {
    file: File,
    /// Octets of whole blocks in it.
    pub octets: u64,
    /// Packets in it.
    pub packets: u64,
    /// Octets that are left free on the file system.
    reserve: u64,
    /// Whether what is free is looked at before a write.
    check_room: bool,
}

impl Output {
    /// Writes to `file`, which is empty.
    pub fn new(file: File) -> Self {
        let reserve = room(&file).map_or(0, |(_, all)| RESERVE.min(all / RESERVED_PART));
        Self { file, octets: 0, packets: 0, reserve, check_room: true }
    }

    /// A file of this name in a folder, see [`create`], that begins as files of dumps do.
    ///
    /// # Errors
    /// As [`create`], and where there is no room; then there is no file.
    pub fn begun(folder: &Path, name: &str) -> Result<Self, CaptureError> {
        let mut output = Self::new(create(folder, name)?);
        let mut section = Vec::new();
        blocks::section(&mut section, concat!("nf ", env!("CARGO_PKG_VERSION")));
        output.write(&section).map_err(|error| {
            // Nobody has seen it; what could be said of this is said by the error at hand.
            drop(std::fs::remove_file(folder.join(name)));
            let hint = "free some room, or keep the state of the probe on another disk";
            CaptureError::new(ErrorKind::Options, system_text(&error), "file", hint)
        })?;
        Ok(output)
    }

    /// Writes whole blocks. When not all find room, the file ends with the last one that does.
    ///
    /// # Errors
    /// Why not all are written.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.check_room
            && let Ok((free, _)) = room(&self.file)
            && free < self.reserve.saturating_add(bytes.len() as u64)
        {
            let text = format!("fewer than {} octets would be left on the disk", self.reserve);
            return Err(io::Error::new(io::ErrorKind::StorageFull, text));
        }
        let mut left = bytes;
        let mut failure = None;
        while !left.is_empty() && failure.is_none() {
            match self.file.write(left) {
                Ok(0) => failure = Some(io::ErrorKind::WriteZero.into()),
                Ok(done) => left = left.get(done..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failure = Some(error),
            }
        }
        let written = bytes.get(..bytes.len() - left.len()).unwrap_or_default();
        let (octets, packets) = blocks::whole(written);
        self.octets += octets as u64;
        self.packets += packets;
        let Some(failure) = failure else { return Ok(()) };
        self.file.set_len(self.octets)?;
        Err(failure)
    }
}

/// Octets that this user may still write on the file system, and octets of all of it.
fn room(file: &File) -> io::Result<(u64, u64)> {
    // SAFETY: all zeros are a value of this structure, which the system fills.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and the pointer is to a live structure.
    if unsafe { libc::fstatvfs(file.as_raw_fd(), &mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let unit = found.f_frsize as u64;
    Ok((unit.saturating_mul(found.f_bavail as u64), unit.saturating_mul(found.f_blocks as u64)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;
    use crate::dump::blocks::{Stamp, packet};

    /// A file system of so many octets; `None` where none can be mounted.
    struct Disk(PathBuf);

    impl Disk {
        fn mounted(size: &str) -> Option<Self> {
            let path = std::env::temp_dir().join(format!("nf-dump-disk-{}", std::process::id()));
            std::fs::create_dir(&path).unwrap();
            let disk = Self(path);
            let options = format!("size={size}");
            let words = ["-t", "tmpfs", "-o", &options, "nf-test"];
            let mounted = Command::new("mount").args(words).arg(&disk.0).output();
            mounted.is_ok_and(|one| one.status.success()).then_some(disk)
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            // It is no file system where mounting failed.
            drop(Command::new("umount").arg("--lazy").arg(&self.0).output());
            std::fs::remove_dir(&self.0).unwrap();
        }
    }

    #[test]
    fn what_finds_no_room_in_the_middle_of_a_write_is_cut_to_whole_blocks() {
        let Some(disk) = Disk::mounted("64k") else {
            eprintln!("SKIPPED: no file system can be mounted here");
            return;
        };
        let path = disk.0.join("dump");
        let mut output = Output::new(File::create(&path).unwrap());
        let mut bytes = Vec::new();
        for time in 0..100 {
            packet(&mut bytes, Stamp { interface: 0, time, length: 999 }, &[7; 999]);
        }
        let one = bytes.len() / 100;
        // As if somebody else had taken the room between the look at it and the write.
        output.write(&bytes[..10 * one]).unwrap();
        output.check_room = false;

        let failure = output.write(&bytes[10 * one..]).unwrap_err();

        assert_eq!(failure.kind(), io::ErrorKind::StorageFull);
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size > 40 << 10 && size.is_multiple_of(one as u64), "{size}");
        assert_eq!((output.octets, output.packets), (size, size / one as u64));
    }
}

//! What can stop a source from being opened or from going on.

use std::fmt;
use std::io;

/// Which kind of failure a [`CaptureError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A path or a pattern matches no file.
    NotFound,
    /// The system refuses to open or read the file.
    Io,
    /// The system does not let this user do it.
    Permission,
    /// The path is a directory.
    Directory,
    /// The file has no bytes, or ends inside its own header.
    Empty,
    /// The file is not a capture.
    NotACapture,
    /// A capture in a version or variant that is not read.
    Unsupported,
    /// The options contradict each other or pass a limit.
    Options,
    /// The filter does not compile.
    Filter,
    /// A library that is loaded when it is needed, libpcap, is missing.
    Library,
}

/// A failure told in three parts: what, where, and what to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureError {
    /// Which kind of failure.
    pub kind: ErrorKind,
    /// What went wrong.
    pub what: String,
    /// The file, the pattern or the filter it went wrong with.
    pub place: String,
    /// What to try.
    pub hint: String,
}

impl CaptureError {
    /// An error from its three parts.
    pub fn new(
        kind: ErrorKind,
        what: impl Into<String>,
        place: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { kind, what: what.into(), place: place.into(), hint: hint.into() }
    }

    /// What the system said about `place`.
    pub(crate) fn from_io(error: &io::Error, place: &str) -> Self {
        let (kind, hint) = match error.kind() {
            io::ErrorKind::NotFound => (ErrorKind::NotFound, "check the path"),
            io::ErrorKind::PermissionDenied => {
                (ErrorKind::Io, "run as a user who may read the file")
            }
            io::ErrorKind::IsADirectory => {
                (ErrorKind::Directory, "name the files in it, for example with '*.pcap'")
            }
            _ => (ErrorKind::Io, "check that the file can be read to its end"),
        };
        Self::new(kind, system_text(error), place, hint)
    }
}

/// What the system says, without its number and without the capital letter of a sentence.
pub(crate) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {} · {}", self.what, self.place, self.hint)
    }
}

impl std::error::Error for CaptureError {}

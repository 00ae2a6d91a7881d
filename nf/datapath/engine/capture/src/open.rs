//! From what a user names to a source.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::MatchOptions;

use crate::bpf::Filter;
use crate::error::{CaptureError, ErrorKind};
use crate::feed::Sizes;
use crate::file::{FileSource, Reading};
use crate::input::is_stdin;
use crate::merge::Merge;
use crate::source::Source;

/// Files that can be read together: their numbers have 16 bits.
const MOST_FILES: usize = 65_536;

/// Smallest window and block that can be asked for.
const SMALLEST: usize = 4096;

/// What to read, and how.
#[derive(Clone, Debug)]
pub struct OpenSpec {
    /// Files, patterns with `*`, `?` and `[…]`, and `-` for standard input.
    pub paths: Vec<PathBuf>,
    /// Whether the end of a file is waited at for more, until the caller stops asking.
    pub follow: bool,
    /// Filter in libpcap's language.
    pub bpf: Option<String>,
    /// Bytes of an uncompressed file mapped at a time.
    pub window: usize,
    /// Bytes read at a time where a file is not mapped.
    pub block: usize,
    /// Longest wait in one call of [`Source::fill`].
    pub wait: Duration,
}

impl Default for OpenSpec {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            follow: false,
            bpf: None,
            window: 8 * 1024 * 1024,
            block: 1024 * 1024,
            wait: Duration::from_millis(200),
        }
    }
}

impl OpenSpec {
    /// Everything in these files, once.
    pub fn new<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self { paths: paths.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// Opens files as one source, in the order of their packets' times.
pub fn open(spec: &OpenSpec) -> Result<Box<dyn Source>, CaptureError> {
    let paths = expand(&spec.paths)?;
    let reading = Reading {
        follow: spec.follow,
        filter: spec.bpf.as_ref().map(Filter::new),
        sizes: Sizes { window: spec.window.max(SMALLEST), block: spec.block.max(SMALLEST) },
        wait: spec.wait,
    };
    match paths.as_slice() {
        [] => Err(CaptureError::new(
            ErrorKind::Options,
            "no file to read",
            "the list of files is empty",
            "name a capture file, or '-' for standard input",
        )),
        [path] => Ok(Box::new(FileSource::open(path, 0, reading)?)),
        _ => Ok(Box::new(Merge::open(paths, reading)?)),
    }
}

/// Puts the files that patterns match in place of the patterns.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CaptureError> {
    let mut files = Vec::new();
    for path in paths {
        match pattern_of(path) {
            Some(pattern) => files.extend(matches(pattern)?),
            None => files.push(path.clone()),
        }
        if files.len() > MOST_FILES {
            return Err(CaptureError::new(
                ErrorKind::Options,
                format!("more than {MOST_FILES} files at once"),
                path.display().to_string(),
                "read them in several runs",
            ));
        }
    }
    if files.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(CaptureError::new(
            ErrorKind::Options,
            "standard input can be read only once",
            "'-' is named twice",
            "name '-' once",
        ));
    }
    Ok(files)
}

/// The pattern in a path, unless a file has that very name.
fn pattern_of(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let special = text.contains(['*', '?', '[']);
    (special && path.symlink_metadata().is_err()).then_some(text)
}

/// The files that match a pattern, by name.
fn matches(pattern: &str) -> Result<Vec<PathBuf>, CaptureError> {
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let paths = glob::glob_with(pattern, options).map_err(|error| {
        CaptureError::new(
            ErrorKind::Options,
            format!("not a pattern: {}", error.msg),
            pattern,
            "write '[[]' for a '[' that is part of a name",
        )
    })?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            CaptureError::from_io(error.error(), &error.path().display().to_string())
        })?;
        if !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(CaptureError::new(
            ErrorKind::NotFound,
            "no file matches the pattern",
            pattern,
            "check the path, and quote the pattern if the shell is not to expand it",
        ));
    }
    files.sort_by(|a, b| OsStr::cmp(a.as_os_str(), b.as_os_str()));
    Ok(files)
}

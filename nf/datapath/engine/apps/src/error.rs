//! What is wrong with a file of applications, where, and what to try.

use std::fmt;

/// A mistake in a file of applications. `Display` gives three lines: what is wrong, file and line
/// with their text, and what to try. There is no line break after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppsError {
    /// The file's name, as given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to try.
    pub hint: String,
    /// The line's text.
    source: String,
}

impl AppsError {
    pub(crate) fn new(file: &str, text: &str, line: usize, mistake: Mistake) -> Self {
        let source = text.lines().nth(line.saturating_sub(1)).unwrap_or("").trim();
        Self {
            file: file.into(),
            line,
            message: mistake.message,
            hint: mistake.hint,
            source: shown(source),
        }
    }
}

impl fmt::Display for AppsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.message)?;
        writeln!(f, "{}:{}: {}", self.file, self.line, self.source)?;
        write!(f, "try: {}", self.hint)
    }
}

impl std::error::Error for AppsError {}

/// A mistake before its place is known.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// A piece of a file for use in a message: printable, cut short when it is long.
pub(crate) fn shown(piece: &str) -> String {
    const MOST: usize = 80;
    let printable = |c: char| if c.is_control() { '·' } else { c };
    let mut out: String = piece.chars().take(MOST).map(printable).collect();
    if piece.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}

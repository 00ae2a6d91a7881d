//! What libyang refuses, with NETCONF's words for it.

use std::fmt;

use libyang5_sys as ffi;

use crate::raw;

/// More problems than this of one call are counted, not listed.
const MOST_LISTED: usize = 1000;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// NETCONF error-tag (RFC 6241, appendix A).
    pub tag: &'static str,
    /// What is wrong; the model's own error-message where it has one.
    pub message: String,
    /// Data path with module names and keys.
    pub path: Option<String>,
    /// The model's error-app-tag, or the one of RFC 7950, section 15.
    pub app_tag: Option<String>,
    /// Line of the input.
    pub line: Option<u32>,
    /// The element or attribute that is wrong, where known.
    pub element: Option<String>,
}

impl Problem {
    /// A problem with a tag and a message.
    #[must_use]
    pub fn new(tag: &'static str, message: String) -> Self {
        Self { tag, message, path: None, app_tag: None, line: None, element: None }
    }

    pub(crate) fn at(mut self, path: String) -> Self {
        self.path = Some(path);
        self
    }

    pub(crate) fn on_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    pub(crate) fn of(mut self, element: &str) -> Self {
        self.element = Some(element.to_string());
        self
    }

    pub(crate) fn app_tag(mut self, tag: &str) -> Self {
        self.app_tag = Some(tag.to_string());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(path) = &self.path {
            write!(f, " at {path}")?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with one call; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// In the order found.
    pub problems: Vec<Problem>,
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Drops what this thread's earlier calls left in libyang's list.
///
/// # Safety
/// `context` is live.
pub(crate) unsafe fn forget(context: *const ffi::ly_ctx) {
    // SAFETY: the caller's promise; a null item means all of them.
    unsafe { ffi::ly_err_clean(context, std::ptr::null_mut()) };
}

/// Takes the errors that this thread's last call left. `code` and `doing` speak where libyang left
/// none.
///
/// # Safety
/// `context` is live.
pub(crate) unsafe fn taken(
    context: *const ffi::ly_ctx,
    code: ffi::LY_ERR::Type,
    doing: &str,
) -> Error {
    let mut problems = Vec::new();
    let mut left_out = 0_usize;
    // SAFETY: the list is this thread's own, and nothing of this thread changes it meanwhile.
    unsafe {
        let mut item = ffi::ly_err_first(context);
        while !item.is_null() {
            if (*item).level == ffi::LY_LOG_LEVEL::LY_LLERR {
                if problems.len() < MOST_LISTED {
                    problems.push(read(&*item));
                } else {
                    left_out += 1;
                }
            }
            item = (*item).next;
        }
        forget(context);
    }
    if left_out > 0 {
        problems.push(Problem::new("operation-failed", format!("and {left_out} more problems")));
    }
    if problems.is_empty() {
        problems.push(Problem::new("operation-failed", format!("{doing} failed (libyang {code})")));
    }
    Error { problems }
}

/// # Safety
/// The item's strings are live.
unsafe fn read(item: &ffi::ly_err_item) -> Problem {
    // SAFETY: the caller's promise.
    let (message, path, app_tag) = unsafe {
        (
            raw::text(item.msg).unwrap_or_else(|| "no message".to_string()),
            raw::text(item.data_path).or_else(|| raw::text(item.schema_path)),
            raw::text(item.apptag),
        )
    };
    let tag = tag(&message, app_tag.as_deref(), item.vecode);
    Problem {
        tag,
        element: quoted(&message).filter(|_| matches!(tag, "unknown-element" | "missing-element")),
        message,
        path,
        app_tag,
        line: u32::try_from(item.line).ok().filter(|&line| line > 0),
    }
}

/// NETCONF's tag for a message. libyang has no code for what went wrong finer than "data", so its
/// fixed wording has to tell; a model's own message comes with the app-tag instead.
fn tag(message: &str, app_tag: Option<&str>, code: ffi::LY_VECODE::Type) -> &'static str {
    match app_tag {
        Some("instance-required" | "missing-choice") => return "data-missing",
        Some("must-violation" | "data-not-unique" | "too-few-elements" | "too-many-elements") => {
            return "operation-failed";
        }
        _ => {}
    }
    let begins = |words: &str| message.starts_with(words);
    if begins("Mandatory ") {
        "data-missing"
    } else if begins("List instance is missing its key") {
        "missing-element"
    } else if begins("Unexpected data ")
        || begins("Node \"") && message.contains("not found")
        || begins("Unknown element")
    {
        "unknown-element"
    } else if begins("No module with namespace") || begins("Unknown XML prefix") {
        "unknown-namespace"
    } else if begins("Must condition")
        || begins("Unique data")
        || begins("Too ")
        || begins("Duplicate instance")
        || begins("Data for both cases")
    {
        "operation-failed"
    } else if begins("When condition") {
        "unknown-element"
    } else if begins("Unknown (or not implemented) YANG module") || begins("No module named") {
        "unknown-namespace"
    } else if begins("Annotation definition") || begins("Missing mandatory prefix for XML metadata")
    {
        "unknown-attribute"
    } else {
        match code {
            ffi::LY_VECODE::LYVE_SYNTAX
            | ffi::LY_VECODE::LYVE_SYNTAX_XML
            | ffi::LY_VECODE::LYVE_SYNTAX_JSON => "malformed-message",
            ffi::LY_VECODE::LYVE_DATA
            | ffi::LY_VECODE::LYVE_XPATH
            | ffi::LY_VECODE::LYVE_REFERENCE => "invalid-value",
            _ if app_tag.is_some() => "invalid-value",
            _ => "operation-failed",
        }
    }
}

/// The first quoted word of a message.
fn quoted(message: &str) -> Option<String> {
    let mut parts = message.split('"');
    parts.next();
    parts.next().map(str::to_string)
}

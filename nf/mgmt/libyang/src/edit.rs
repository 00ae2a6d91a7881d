//! The content of an `<edit-config>` (RFC 6241, section 7.2; RFC 7950, sections 7.5.8 to 7.9.4)
//! carried out on a tree in place.

mod element;
mod walk;

use crate::change::Log;
use crate::diff::Diff;
use crate::problem::{Error, Problem};
use crate::tree::Tree;
use crate::xml;

/// What happens to elements that say nothing (RFC 6241, section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultOperation {
    /// They are merged.
    Merge,
    /// The content replaces the whole configuration.
    Replace,
    /// They only lead to others.
    None,
}

/// What happens when something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorOption {
    /// What was done before stays.
    StopOnError,
    /// Everything that can be done is.
    ContinueOnError,
    /// Nothing stays.
    RollbackOnError,
}

/// An edit that was refused, and what of it has been done all the same.
#[derive(Debug)]
pub struct EditFailure {
    /// What is wrong.
    pub error: Error,
    /// What was done; `None` when the tree is as before.
    pub applied: Option<Diff>,
}

impl From<Error> for EditFailure {
    fn from(error: Error) -> Self {
        Self { error, applied: None }
    }
}

/// One edit under way.
pub(crate) struct Edit<'t> {
    log: Log<'t>,
    option: ErrorOption,
    problems: Vec<Problem>,
}

/// The edit ends here: a problem was found and the option says not to go on.
pub(crate) struct Stop;

impl Tree {
    /// Carries out the content of a `<config>` element, with or without the element itself; does
    /// not validate.
    ///
    /// # Errors
    /// Everything that is wrong; with `RollbackOnError` the tree is as before.
    pub fn edit(
        &mut self,
        config: &[u8],
        default: DefaultOperation,
        option: ErrorOption,
    ) -> Result<Diff, EditFailure> {
        let text = xml::wrapped(config)?;
        let document = xml::parse(&text)?;
        let mut content = document.root_element();
        let mut tops = xml::elements(content);
        if let (Some(only), None) = (tops.next(), tops.next())
            && only.tag_name().name() == "config"
            && only.tag_name().namespace().is_none_or(|uri| uri == xml::NETCONF)
        {
            content = only;
        }
        let mut edit = Edit { log: Log::new(self), option, problems: Vec::new() };
        let stopped = edit.run(content, default).is_err();
        debug_assert!(!stopped || !edit.problems.is_empty(), "a stop has its reason");
        if edit.problems.is_empty() {
            return Ok(edit.log.diff()?);
        }
        let problems = std::mem::take(&mut edit.problems);
        let applied = if option == ErrorOption::RollbackOnError {
            edit.log.roll_back(0)?;
            None
        } else {
            Some(edit.log.diff()?)
        };
        Err(EditFailure { error: Error { problems }, applied })
    }
}

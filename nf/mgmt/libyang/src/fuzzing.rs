//! What hostile octets may do to a tree: be refused, or be taken and taken back; never more.
//!
//! Called by the fuzz target and by the tests, so that both hold the binding to the same.

use crate::{
    Context, DefaultOperation, Defaults, Diff, Error, ErrorOption, Format, Kind, Operation, Tree,
};

/// A limit of libyang that this target found: a subtree created or deleted whole, with entries
/// ordered by the user in it, has no place noted for them, and its difference is refused when it
/// is reversed. An error, no crash; transactions go back by whole trees and do not meet it.
const NOT_REVERSED: &str = "Failed to find metadata";

/// Gives the octets to everything that reads from outside; how much of it took them.
///
/// # Errors
///
/// Something is not as it has to be; says what.
pub fn hostile(context: &Context, base: &Tree, octets: &[u8]) -> Result<usize, String> {
    let mut taken = usize::from(edit(base, octets)?);
    taken += usize::from(diff(context, base, octets)?);
    for format in [Format::Xml, Format::Json] {
        if let Ok(mut tree) = Tree::parse(context, octets, format, Kind::Data) {
            taken += 1;
            tree.validate(true).map(drop).unwrap_or_default();
            tree.print(Format::Json, Defaults::ReportAll, true).map_err(says("print"))?;
            tree.to_data(None, true).map_err(says("to_data"))?;
        }
        taken += usize::from(Tree::notification(context, octets, format).is_ok());
    }
    taken += usize::from(Operation::parse(context, octets).is_ok());
    taken += usize::from(base.select_subtree(octets).is_ok());
    if let Ok(path) = std::str::from_utf8(octets) {
        taken += usize::from(base.select_xpath(path).is_ok());
        base.get(path).map(drop).unwrap_or_default();
        base.copy().map_err(says("copy"))?.set(path, Some("1")).unwrap_or_default();
    }
    Ok(taken)
}

/// An edit changes nothing, or what its difference takes back.
fn edit(base: &Tree, octets: &[u8]) -> Result<bool, String> {
    let before = text(base)?;
    let mut tree = base.copy().map_err(says("copy"))?;
    let edited = tree.edit(octets, DefaultOperation::Merge, ErrorOption::RollbackOnError);
    if let Ok(diff) = &edited {
        match diff.reversed() {
            Ok(back) => tree.apply(&back).map_err(says("apply"))?,
            Err(error) if error.to_string().contains(NOT_REVERSED) => return Ok(true),
            Err(error) => return Err(says("reversed")(error)),
        }
    }
    if text(&tree)? != before {
        return Err("an edit left something behind".to_string());
    }
    Ok(edited.is_ok())
}

/// A difference from outside may lie about the tree; whether it fits or not, the tree stays whole.
fn diff(context: &Context, base: &Tree, octets: &[u8]) -> Result<bool, String> {
    let Ok(diff) = Diff::parse(context, octets) else { return Ok(false) };
    drop(diff.changes());
    diff.to_xml().map(drop).unwrap_or_default();
    let mut tree = base.copy().map_err(says("copy"))?;
    tree.apply(&diff).unwrap_or_default();
    text(&tree)?;
    if let Ok(back) = diff.reversed() {
        tree.apply(&back).unwrap_or_default();
        text(&tree)?;
    }
    let mut twice = diff.copy().map_err(says("copy"))?;
    twice.merge(&diff).unwrap_or_default();
    tree.validate(false).map(drop).unwrap_or_default();
    Ok(true)
}

fn text(tree: &Tree) -> Result<Vec<u8>, String> {
    tree.print(Format::Xml, Defaults::Explicit, false).map_err(says("print"))
}

fn says(what: &str) -> impl Fn(Error) -> String {
    move |error| format!("{what}: {error}")
}

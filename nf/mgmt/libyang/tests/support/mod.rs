//! What the tests of this crate share.
#![allow(dead_code, missing_docs, reason = "each test file uses its part")]

use nf_libyang::{
    Context, DefaultOperation, Defaults, Diff, EditFailure, Error, ErrorOption, Format, Kind, Tree,
};

/// The zoo's modules with the feature `night`.
pub fn zoo() -> Context {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yang").to_string();
    let modules =
        [("zoo-types".to_string(), vec![]), ("zoo".to_string(), vec!["night".to_string()])];
    Context::load(&[folder], &modules).expect("the test modules load")
}

pub fn config(context: &Context, inside: &str) -> Tree {
    let text = format!("<zoo xmlns='urn:example:zoo'>{inside}</zoo>");
    Tree::parse(context, text.as_bytes(), Format::Xml, Kind::Config).expect("the test data parse")
}

pub fn xml(tree: &Tree) -> String {
    let bytes = tree.print(Format::Xml, Defaults::Explicit, false).expect("prints");
    String::from_utf8(bytes).expect("XML is UTF-8")
}

/// An edit of what is inside the zoo, with `nc:` and `yang:` declared.
pub fn wrap(inside: &str) -> String {
    format!(
        "<config xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0' \
         xmlns:yang='urn:ietf:params:xml:ns:yang:1' xmlns:zt='urn:example:zoo-types'>\
         <zoo xmlns='urn:example:zoo'>{inside}</zoo></config>"
    )
}

pub fn edit(tree: &mut Tree, inside: &str) -> Result<Diff, Error> {
    edit_with(tree, inside, DefaultOperation::Merge, ErrorOption::RollbackOnError)
        .map_err(|failure| failure.error)
}

pub fn edit_with(
    tree: &mut Tree,
    inside: &str,
    default: DefaultOperation,
    option: ErrorOption,
) -> Result<Diff, EditFailure> {
    tree.edit(wrap(inside).as_bytes(), default, option)
}

/// An object with one number in it, as an operation's output.
pub fn number(name: &str, value: i128) -> nf_libyang::Data {
    nf_libyang::Data::Object(vec![(name.into(), nf_libyang::Data::Int(value))])
}

//! Nodes that a module adds below those of another are in its namespace, and all works on them.

mod support;

use nf_libyang::{Context, Data, DefaultOperation, ErrorOption, Format, Kind, Operation, Tree};
use support::xml;

const GARDEN: &str = "<zoo xmlns='urn:example:zoo'><name>A</name>\
    <garden xmlns='urn:example:zoo-garden'><gardener>x</gardener>\
    <bed><name>a</name><size>3</size></bed></garden></zoo>";

fn context() -> Context {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yang").to_string();
    let modules = ["zoo-types", "zoo", "zoo-garden"].map(|name| (name.to_string(), vec![]));
    Context::load(&[folder], &modules).expect("the test modules load")
}

fn tree(context: &Context, text: &str) -> Tree {
    Tree::parse(context, text.as_bytes(), Format::Xml, Kind::Config).expect("parses")
}

fn names(data: &Data) -> Vec<&str> {
    let Data::Object(members) = data else { panic!("no object") };
    members.iter().map(|(name, _)| &**name).collect()
}

fn member<'a>(data: &'a Data, name: &str) -> &'a Data {
    let Data::Object(members) = data else { panic!("no object") };
    &members.iter().find(|(n, _)| &**n == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// An edit of the zoo; what it makes, after its diff was replayed and taken back.
fn after(context: &Context, before: &str, change: &str) -> String {
    let mut tree = tree(context, before);
    let original = xml(&tree);
    let mut replayed = tree.copy().expect("copies");
    let edit = format!(
        "<config xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0' \
         xmlns:yang='urn:ietf:params:xml:ns:yang:1'>\
         <zoo xmlns='urn:example:zoo' xmlns:g='urn:example:zoo-garden'>{change}</zoo></config>"
    );
    let diff = tree
        .edit(edit.as_bytes(), DefaultOperation::Merge, ErrorOption::RollbackOnError)
        .unwrap_or_else(|failure| panic!("{change}: {}", failure.error));
    let result = xml(&tree);
    replayed.apply(&diff).expect("applies");
    assert_eq!(xml(&replayed), result, "the diff leads to the same tree");
    tree.apply(&diff.reversed().expect("reverses")).expect("applies reversed");
    assert_eq!(xml(&tree), original, "the reversed diff leads back");
    result
}

#[test]
fn names_in_data_are_qualified_where_the_module_changes() {
    let context = context();
    let data = tree(&context, GARDEN).to_data(None, true).expect("converts");

    assert_eq!(names(&data), ["zoo:zoo"]);
    let zoo = member(&data, "zoo:zoo");
    assert_eq!(names(zoo), ["name", "zoo-garden:garden"]);
    let garden = member(zoo, "zoo-garden:garden");
    assert_eq!(names(garden), ["gardener", "bed"]);
    let Data::List(beds) = member(garden, "bed") else { panic!("no list") };
    assert_eq!(names(&beds[0]), ["name", "size"]);

    let below = tree(&context, GARDEN);
    let below = below.to_data(Some("/zoo:zoo/zoo-garden:garden"), true).expect("converts");
    assert_eq!(names(&below), ["zoo-garden:gardener", "zoo-garden:bed"]);
}

#[test]
fn a_subtree_filter_selects_by_the_namespace_of_the_augmenting_module() {
    let context = context();
    let tree = tree(&context, GARDEN);
    let select = |inside: &str| {
        let filter = format!("<zoo xmlns='urn:example:zoo'>{inside}</zoo>");
        xml(&tree.select_subtree(filter.as_bytes()).expect("selects"))
    };

    let found = select("<garden xmlns='urn:example:zoo-garden'><gardener/></garden>");
    assert!(found.contains("<gardener>x</gardener>") && !found.contains("bed"), "{found}");
    assert_eq!(select("<garden/>"), "", "the namespace is another's");
}

#[test]
fn every_kind_of_node_is_created_changed_and_deleted() {
    let context = context();
    let garden = |inside: &str| format!("<g:garden>{inside}</g:garden>");
    let empty = "<zoo xmlns='urn:example:zoo'><name>A</name></zoo>";

    let made = after(
        &context,
        empty,
        &garden(
            "<g:open>false</g:open><g:gardener>y</g:gardener><g:bed><g:name>b</g:name></g:bed>",
        ),
    );
    for part in ["<open>false</open>", "<gardener>y</gardener>", "<bed><name>b</name></bed>"] {
        assert!(made.contains(part), "{made}");
    }
    let first = "<g:gardener yang:insert='first'>z</g:gardener>";
    assert!(after(&context, GARDEN, &garden(first)).contains("z</gardener><gardener>x"));
    let size = "<g:bed><g:name>a</g:name><g:size>4</g:size></g:bed>";
    assert!(after(&context, GARDEN, &garden(size)).contains("<size>4</size>"));
    let gone = "<g:bed nc:operation='delete'><g:name>a</g:name></g:bed>";
    assert!(!after(&context, GARDEN, &garden(gone)).contains("bed"));
    let beds = "<zoo xmlns='urn:example:zoo'><garden xmlns='urn:example:zoo-garden'>\
        <bed><name>a</name></bed></garden></zoo>";
    assert_eq!(after(&context, beds, "<g:garden nc:operation='remove'/>"), "");
}

#[test]
fn what_is_missing_is_named_with_its_module() {
    let context = context();
    let mut tree = tree(&context, GARDEN);
    let edit = "<config xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0'>\
        <zoo xmlns='urn:example:zoo'><garden xmlns='urn:example:zoo-garden'>\
        <bed nc:operation='delete'><name>q</name></bed></garden></zoo></config>";

    let failure = tree
        .edit(edit.as_bytes(), DefaultOperation::Merge, ErrorOption::RollbackOnError)
        .expect_err("there is no such bed");

    let path = failure.error.problems[0].path.as_deref();
    assert_eq!(path, Some("/zoo:zoo/zoo-garden:garden/bed[name='q']"));
}

#[test]
fn an_action_of_the_augmenting_module_is_called_and_answered() {
    let context = context();
    let call = b"<action xmlns='urn:ietf:params:xml:ns:yang:1'><zoo xmlns='urn:example:zoo'>\
        <garden xmlns='urn:example:zoo-garden'><bed><name>a</name><water/></bed></garden>\
        </zoo></action>";

    let water = Operation::parse(&context, call).expect("parses");

    assert_eq!(water.target(), "/zoo:zoo/zoo-garden:garden/bed[name='a']");
    let reply = water.reply(&support::number("zoo-garden:litres", 2)).expect("replies");
    let reply = String::from_utf8_lossy(&reply);
    assert_eq!(reply, "<litres xmlns=\"urn:example:zoo-garden\">2</litres>");
}

//! Plain values into trees, and state alone out of them.

mod support;

use nf_libyang::{Data, Tree};
use support::{config, number, xml, zoo};

fn object(members: &[(&str, Data)]) -> Data {
    Data::Object(members.iter().map(|(name, data)| ((*name).into(), data.clone())).collect())
}

fn text(value: &str) -> Data {
    Data::Text(value.to_string())
}

fn in_zoo(members: &[(&str, Data)]) -> Data {
    object(&[("zoo:zoo", object(members))])
}

#[test]
fn values_of_all_kinds_come_where_they_belong() {
    let context = zoo();
    let mut tree =
        config(&context, "<name>A</name><enclosure><name>a</name><size>3</size></enclosure>");
    let animal =
        object(&[("species", text("zoo-types:lion")), ("nr", Data::Int(1)), ("nick", text("x"))]);
    let data = in_zoo(&[
        ("open", Data::Bool(true)),
        ("flag", Data::List(vec![Data::Null])),
        ("big", Data::Int(i128::from(i64::MAX))),
        ("tag", Data::List(vec![text("p"), text("q")])),
        (
            "enclosure",
            Data::List(vec![object(&[
                ("name", text("a")),
                ("visitors", Data::Int(7)),
                ("animal", Data::List(vec![animal])),
            ])]),
        ),
        ("state", object(&[("uptime", Data::Int(42))])),
    ]);

    tree.merge_data(&data).expect("fits");

    let read = tree.to_data(None, false).expect("converts");
    let Data::Object(top) = read else { panic!("an object") };
    let printed = format!("{top:?}");
    for expected in ["visitors", "Int(42)", "\"size\"", "Bool(true)", "9223372036854775807"] {
        assert!(printed.contains(expected), "{expected} is not in {printed}");
    }
}

#[test]
fn state_alone_keeps_the_entries_that_it_stands_in() {
    let context = zoo();
    let mut tree =
        config(&context, "<name>A</name><enclosure><name>a</name><size>3</size></enclosure>");
    let entry = object(&[("name", text("a")), ("visitors", Data::Int(7))]);
    tree.merge_data(&in_zoo(&[("enclosure", Data::List(vec![entry]))])).expect("fits");

    let state = tree.only_state().expect("copies");

    assert_eq!(
        xml(&state),
        "<zoo xmlns=\"urn:example:zoo\"><enclosure><name>a</name><visitors>7</visitors></enclosure></zoo>"
    );
}

#[test]
fn what_the_model_does_not_know_is_refused_with_its_place_and_changes_nothing() {
    let context = zoo();
    let mut tree = config(&context, "<name>A</name>");
    let before = xml(&tree);
    let entry = |members: &[(&str, Data)]| Data::List(vec![object(members)]);
    for (wrong, tag, path) in [
        (number("zoo", 1), "unknown-element", "/zoo"),
        (number("nowhere:zoo", 1), "unknown-element", "/nowhere:zoo"),
        (in_zoo(&[("none", Data::Int(1))]), "unknown-element", "/zoo:zoo/none"),
        (in_zoo(&[("open", text("perhaps"))]), "invalid-value", "/zoo:zoo/open"),
        (in_zoo(&[("open", object(&[]))]), "invalid-value", "/zoo:zoo/open"),
        (in_zoo(&[("tag", text("p"))]), "bad-element", "/zoo:zoo/tag"),
        (in_zoo(&[("enclosure", Data::Int(1))]), "bad-element", "/zoo:zoo/enclosure"),
        (
            in_zoo(&[("enclosure", entry(&[("size", Data::Int(1))]))]),
            "missing-element",
            "/zoo:zoo/enclosure",
        ),
        (in_zoo(&[("notes", object(&[]))]), "operation-not-supported", "/zoo:zoo/notes"),
        (Data::List(Vec::new()), "bad-element", ""),
    ] {
        let error = tree.merge_data(&wrong).expect_err("is refused");

        assert_eq!(error.problems[0].tag, tag, "{error}");
        assert_eq!(error.problems[0].path.as_deref(), Some(path), "{error}");
        assert_eq!(xml(&tree), before);
    }
}

#[test]
fn an_empty_tree_is_filled_from_the_top() {
    let context = zoo();
    let mut tree = Tree::new(&context);

    tree.merge_data(&in_zoo(&[("name", text("A"))])).expect("fits");
    tree.merge_data(&object(&[])).expect("nothing is fine");

    assert_eq!(xml(&tree), "<zoo xmlns=\"urn:example:zoo\"><name>A</name></zoo>");
}

//! The edit engine, one behaviour of RFC 6241 or RFC 7950 each.

mod support;

use nf_libyang::{Context, DefaultOperation, ErrorOption, Tree};
use support::{config, edit, edit_with, wrap, xml, zoo};

/// An edit of a copy; its result, and that the recorded diff and its reverse say the same.
fn after(context: &Context, before: &str, change: &str) -> String {
    let mut tree = config(context, before);
    let original = xml(&tree);
    let copy = tree.copy().expect("copies");
    let diff = edit(&mut tree, change).unwrap_or_else(|e| panic!("{change}: {e}"));
    let result = xml(&tree);
    let mut replayed = copy;
    replayed.apply(&diff).unwrap_or_else(|e| panic!("{change}: applying: {e}"));
    assert_eq!(xml(&replayed), result, "the diff leads to the same tree");
    tree.apply(&diff.reversed().expect("reverses"))
        .unwrap_or_else(|e| panic!("{change}: reversing: {e}"));
    assert_eq!(xml(&tree), original, "the reversed diff leads back");
    inside(&result)
}

fn inside(text: &str) -> String {
    text.strip_prefix("<zoo xmlns=\"urn:example:zoo\">")
        .and_then(|t| t.strip_suffix("</zoo>"))
        .unwrap_or(text)
        .to_string()
}

/// Tag and path of a refused edit, after which the tree is as before.
fn refused(context: &Context, before: &str, change: &str) -> (String, String) {
    let mut tree = config(context, before);
    let original = xml(&tree);
    let error = edit(&mut tree, change).expect_err(change);
    assert_eq!(xml(&tree), original, "a refused edit changes nothing");
    assert_eq!(error.problems.len(), 1, "{error}");
    let problem = &error.problems[0];
    (problem.tag.to_string(), problem.path.clone().unwrap_or_default())
}

#[test]
fn merge_sets_and_keeps() {
    let zoo = zoo();
    assert_eq!(
        after(&zoo, "<name>A</name><limit>3</limit>", "<limit>4</limit><open>true</open>"),
        "<name>A</name><limit>4</limit><open>true</open>"
    );
    assert_eq!(after(&zoo, "", "<name>B</name>"), "<name>B</name>");
    assert_eq!(
        after(
            &zoo,
            "<enclosure><name>a</name><number>1</number></enclosure>",
            "<enclosure><name>a</name><size>4</size></enclosure><enclosure><name>b</name></enclosure>"
        ),
        "<enclosure><name>a</name><number>1</number><size>4</size></enclosure>\
         <enclosure><name>b</name></enclosure>"
    );
}

#[test]
fn setting_what_is_there_changes_nothing() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<name>A</name><tag>x</tag><queue>q</queue>");
    let diff = edit(&mut tree, "<name>A</name><tag>x</tag><queue>q</queue>").expect("edits");
    assert!(diff.is_empty(), "{:?}", diff.changes());
}

#[test]
fn an_empty_element_deletes_a_leaf_of_every_type() {
    let zoo = zoo();
    let leaves = [
        "<name>A</name>",
        "<limit>3</limit>",
        "<share>7</share>",
        "<star xmlns:t='urn:example:zoo-types'>t:lion</star>",
        "<open>true</open>",
        "<flag/>",
        "<big>-5</big>",
        "<price>1.5</price>",
        "<days>mon tue</days>",
        "<colour>red</colour>",
        "<mixed>7</mixed>",
        "<blob>AAAA</blob>",
        "<favourite>x</favourite>",
        "<where xmlns:z='urn:example:zoo'>/z:zoo/z:name</where>",
        "<hours>3</hours>",
        "<shop/>",
        "<tag>t</tag>",
        "<queue>q</queue>",
        "<kind xmlns:t='urn:example:zoo-types'>t:cat</kind>",
        "<enclosure><name>e</name></enclosure>",
        "<notes><a xmlns='urn:x'/></notes>",
    ];
    for leaf in leaves {
        let name: String = leaf[1..].chars().take_while(|c| c.is_alphanumeric()).collect();
        for operation in ["delete", "remove"] {
            let change = format!("<{name} nc:operation='{operation}'/>");
            assert_eq!(after(&zoo, leaf, &change), "", "{change} of {leaf}");
        }
        assert_eq!(
            after(&zoo, "<guarded>g</guarded>", &format!("<{name} nc:operation='remove'/>")),
            "<guarded>g</guarded>"
        );
        let (tag, path) = refused(&zoo, "", &format!("<{name} nc:operation='delete'/>"));
        assert_eq!((tag.as_str(), path.as_str()), ("data-missing", &*format!("/zoo:zoo/{name}")));
    }
}

#[test]
fn entries_are_deleted_by_key_and_by_value() {
    let zoo = zoo();
    assert_eq!(
        after(
            &zoo,
            "<tag>a</tag><tag>b</tag><enclosure><name>a</name></enclosure><enclosure><name>b</name></enclosure>",
            "<tag nc:operation='delete'>a</tag><enclosure nc:operation='delete'><name>b</name></enclosure>"
        ),
        "<tag>b</tag><enclosure><name>a</name></enclosure>"
    );
    let animal = "<enclosure><name>a</name><animal><species xmlns:p='urn:example:zoo-types'>p:lion\
                  </species><nr>1</nr></animal></enclosure>";
    assert_eq!(
        after(
            &zoo,
            animal,
            "<enclosure><name>a</name><animal nc:operation='delete'><species>zt:lion</species>\
             <nr>1</nr></animal></enclosure>"
        ),
        "<enclosure><name>a</name></enclosure>"
    );
    let (tag, path) = refused(
        &zoo,
        "<enclosure><name>a</name></enclosure>",
        "<enclosure nc:operation='delete'><name>it's</name></enclosure>",
    );
    assert_eq!((&*tag, &*path), ("data-missing", "/zoo:zoo/enclosure[name=\"it's\"]"));
}

#[test]
fn create_refuses_what_exists() {
    let zoo = zoo();
    assert_eq!(after(&zoo, "", "<name nc:operation='create'>A</name>"), "<name>A</name>");
    let (tag, path) =
        refused(&zoo, "<name>A</name>", "<limit>2</limit><name nc:operation='create'>B</name>");
    assert_eq!((&*tag, &*path), ("data-exists", "/zoo:zoo/name"));
    let (tag, path) = refused(&zoo, "<tag>x</tag>", "<tag nc:operation='create'>x</tag>");
    assert_eq!((&*tag, &*path), ("data-exists", "/zoo:zoo/tag[.='x']"));
    let (tag, _) = refused(&zoo, "<shop/>", "<shop nc:operation='create'/>");
    assert_eq!(tag, "data-exists");
}

#[test]
fn a_default_value_does_not_count_as_existing() {
    let zoo = zoo();
    let mut tree = config(&zoo, "");
    tree.validate(false).expect("valid");
    assert_eq!(tree.get("/zoo:zoo/share").expect("path"), Some("50".to_string()));
    edit(&mut tree, "<share nc:operation='create'>50</share>").expect("a default may be created");
    assert_eq!(inside(&xml(&tree)), "<share>50</share>");
    edit(&mut tree, "<share nc:operation='delete'/>").expect("was set");
    let error = edit(&mut tree, "<name nc:operation='delete'/>").expect_err("only a default");
    assert_eq!(error.problems[0].tag, "data-missing");
}

#[test]
fn changes_lead_back_even_when_validation_added_defaults_meanwhile() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<share>7</share><rules><depth>9</depth></rules>");
    tree.validate(false).expect("valid");
    let original = xml(&tree);
    let change = "<share nc:operation='delete'/><rules nc:operation='delete'/>\
                  <enclosure><name>n</name></enclosure>";
    let diff = edit(&mut tree, change).expect("edits");
    tree.validate(false).expect("still valid");
    assert_eq!(tree.get("/zoo:zoo/share").expect("path"), Some("50".to_string()));
    tree.apply(&diff.reversed().expect("reverses")).expect("fits");
    tree.validate(false).expect("still valid");
    assert_eq!(xml(&tree), original);
}

#[test]
fn replace_takes_the_place_of_everything_below() {
    let zoo = zoo();
    assert_eq!(
        after(
            &zoo,
            "<enclosure><name>a</name><number>1</number><size>3</size></enclosure>",
            "<enclosure nc:operation='replace'><name>a</name><size>4</size></enclosure>"
        ),
        "<enclosure><name>a</name><size>4</size></enclosure>"
    );
    assert_eq!(
        after(
            &zoo,
            "<rules><depth>1</depth></rules><name>A</name>",
            "<rules nc:operation='replace'/>"
        ),
        "<name>A</name>"
    );
    let rules = "<rules><rule><id>a</id><action>x</action></rule><rule><id>b</id></rule></rules>";
    assert_eq!(
        after(&zoo, rules, "<rules><rule nc:operation='replace'><id>a</id></rule></rules>"),
        "<rules><rule><id>a</id></rule><rule><id>b</id></rule></rules>",
        "an entry that is replaced keeps its place"
    );
}

#[test]
fn the_default_operation_replace_replaces_everything() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<name>A</name><limit>3</limit>");
    let option = ErrorOption::RollbackOnError;
    let diff = edit_with(&mut tree, "<limit>3</limit>", DefaultOperation::Replace, option)
        .map_err(|f| f.error)
        .expect("edits");
    assert_eq!(inside(&xml(&tree)), "<limit>3</limit>");
    let changes = diff.changes();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((changes[0].operation, &*changes[0].path), ("delete", "/zoo:zoo/name"));
}

#[test]
fn the_default_operation_none_only_leads_to_others() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<enclosure><name>a</name></enclosure>");
    let none = DefaultOperation::None;
    let option = ErrorOption::RollbackOnError;
    let mut run = |change: &str| {
        edit_with(&mut tree, change, none, option)
            .map(|_| xml(&tree))
            .map_err(|f| f.error.problems[0].clone())
    };
    let done = run("<enclosure><name>a</name><size nc:operation='merge'>3</size></enclosure>");
    assert_eq!(
        inside(&done.expect("edits")),
        "<enclosure><name>a</name><size>3</size></enclosure>"
    );
    let problem = run("<enclosure><name>b</name><size nc:operation='merge'>3</size></enclosure>")
        .expect_err("no such level");
    assert_eq!(problem.tag, "data-missing");
    assert_eq!(problem.path.as_deref(), Some("/zoo:zoo/enclosure[name='b']"));
    let done = run("<rules><depth nc:operation='create'>4</depth></rules>").expect("always there");
    assert!(done.contains("<depth>4</depth>"));
}

#[test]
fn user_ordered_entries_go_where_they_are_wanted() {
    let zoo = zoo();
    let before = "<queue>a</queue><queue>b</queue><queue>c</queue>";
    let order =
        |change: &str| after(&zoo, before, change).replace("<queue>", "").replace("</queue>", "");
    assert_eq!(order("<queue>d</queue>"), "abcd");
    assert_eq!(order("<queue yang:insert='first'>d</queue>"), "dabc");
    assert_eq!(order("<queue yang:insert='before' yang:value='b'>d</queue>"), "adbc");
    assert_eq!(order("<queue yang:insert='after' yang:value='a'>d</queue>"), "adbc");
    assert_eq!(order("<queue yang:insert='first'>c</queue>"), "cab");
    assert_eq!(order("<queue yang:insert='last'>a</queue>"), "bca");
    assert_eq!(order("<queue yang:insert='after' yang:value='c'>a</queue>"), "bca");
    assert_eq!(order("<queue yang:insert='before' yang:value='a'>c</queue>"), "cab");
    assert_eq!(
        order(
            "<queue nc:operation='delete'>b</queue><queue yang:insert='first'>c</queue><queue>x</queue>"
        ),
        "cax"
    );
    let rules = "<rules><rule><id>a</id></rule><rule><id>b</id></rule></rules>";
    let order = |change: &str| {
        after(&zoo, rules, &format!("<rules>{change}</rules>"))
            .replace("<rule><id>", "")
            .replace("</id></rule>", "")
            .replace("<rules>", "")
            .replace("</rules>", "")
    };
    assert_eq!(
        order("<rule yang:insert='before' yang:key=\"[z:id='b']\"><id>n</id></rule>"),
        "anb"
    );
    assert_eq!(order("<rule yang:insert='first'><id>b</id></rule>"), "ba");
    let kinds = "<kind xmlns:t='urn:example:zoo-types'>t:cat</kind>";
    assert_eq!(
        after(&zoo, kinds, "<kind yang:insert='before' yang:value='zt:cat'>zt:lion</kind>")
            .matches("lion")
            .count(),
        1
    );
}

#[test]
fn a_neighbour_that_is_missing_is_a_bad_attribute() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<queue>a</queue>");
    let error =
        edit(&mut tree, "<queue yang:insert='after' yang:value='x'>d</queue>").expect_err("none");
    assert_eq!(error.problems[0].tag, "bad-attribute");
    assert_eq!(error.problems[0].app_tag.as_deref(), Some("missing-instance"));
    for (change, tag) in [
        ("<queue yang:insert='after'>d</queue>", "missing-attribute"),
        ("<queue yang:insert='nowhere'>d</queue>", "bad-attribute"),
        ("<tag yang:insert='first'>d</tag>", "bad-attribute"),
        ("<queue yang:value='a'>d</queue>", "bad-attribute"),
        ("<queue foo='a'>d</queue>", "unknown-attribute"),
        ("<queue nc:operation='destroy'>d</queue>", "bad-attribute"),
        (
            "<rules><rule yang:insert='before' yang:key='b'><id>n</id></rule></rules>",
            "bad-attribute",
        ),
    ] {
        assert_eq!(refused(&zoo, "<queue>a</queue>", change).0, tag, "{change}");
    }
}

#[test]
fn one_case_drives_out_the_others() {
    let zoo = zoo();
    let meat = "<meat-kg>3</meat-kg><butcher>B</butcher>";
    assert_eq!(after(&zoo, meat, "<carrots>1</carrots>"), "<carrots>1</carrots>");
    assert_eq!(
        after(&zoo, "<hay><bales>2</bales></hay><carrots>1</carrots>", "<apples>2</apples>"),
        "<hay><bales>2</bales></hay><apples>2</apples>"
    );
    assert_eq!(
        after(&zoo, "<hay><bales>2</bales></hay><carrots>1</carrots>", "<butcher>X</butcher>"),
        "<butcher>X</butcher>"
    );
}

#[test]
fn values_are_checked_and_their_meaning_is_kept() {
    let zoo = zoo();
    let mut tree = config(&zoo, "");
    let error = edit(&mut tree, "<share>101</share>").expect_err("too much");
    let problem = &error.problems[0];
    assert_eq!(problem.tag, "invalid-value");
    assert_eq!(problem.app_tag.as_deref(), Some("not-a-percentage"));
    assert_eq!(problem.message, "a percentage is at most 100");
    assert_eq!(problem.path.as_deref(), Some("/zoo:zoo/share"));
    let change = "<star xmlns:q='urn:example:zoo-types'>q:lion</star>\
                  <mixed xmlns:q='urn:example:zoo-types'>q:cat</mixed>\
                  <where xmlns:q='urn:example:zoo'>/q:zoo/q:name</where>\
                  <notes><x xmlns='urn:other'><y>text</y></x></notes>";
    edit(&mut tree, change).expect("edits");
    assert_eq!(tree.get("/zoo:zoo/star").expect("path"), Some("zoo-types:lion".to_string()));
    assert_eq!(tree.get("/zoo:zoo/mixed").expect("path"), Some("zoo-types:cat".to_string()));
    assert_eq!(tree.get("/zoo:zoo/where").expect("path"), Some("/zoo:zoo/name".to_string()));
    assert!(xml(&tree).contains("urn:other"), "{}", xml(&tree));
    let before = xml(&tree);
    assert_eq!(refused(&zoo, "", "<star>tiger</star>").0, "invalid-value");
    assert_eq!(xml(&tree), before);
}

#[test]
fn what_the_model_does_not_have_is_refused_with_its_path() {
    let zoo = zoo();
    for (change, tag, path) in [
        ("<elephant/>", "unknown-element", "/zoo:zoo/elephant"),
        ("<x xmlns='urn:nowhere'/>", "unknown-namespace", "/zoo:zoo/x"),
        ("<state><uptime>1</uptime></state>", "unknown-element", "/zoo:zoo/state"),
        ("<unseen>1</unseen>", "unknown-element", "/zoo:zoo/unseen"),
        ("<enclosure><size>1</size></enclosure>", "missing-element", "/zoo:zoo/enclosure"),
        ("<name><b/></name>", "bad-element", "/zoo:zoo/name"),
        ("text", "bad-element", "/zoo:zoo"),
    ] {
        let found = refused(&zoo, "", change);
        assert_eq!((&*found.0, &*found.1), (tag, path), "{change}");
    }
}

#[test]
fn other_error_options_keep_what_was_done_and_say_what() {
    let zoo = zoo();
    let change = "<limit>1</limit><open>maybe</open><name>B</name><share>200</share>";
    let merge = DefaultOperation::Merge;
    let mut tree = config(&zoo, "");
    let Err(failure) = edit_with(&mut tree, change, merge, ErrorOption::StopOnError) else {
        panic!("is refused");
    };
    assert_eq!(inside(&xml(&tree)), "<limit>1</limit>");
    assert_eq!(failure.error.problems.len(), 1);
    assert_eq!(failure.applied.expect("says what").changes().len(), 1);

    let mut tree = config(&zoo, "");
    let Err(failure) = edit_with(&mut tree, change, merge, ErrorOption::ContinueOnError) else {
        panic!("is refused");
    };
    assert_eq!(inside(&xml(&tree)), "<name>B</name><limit>1</limit>");
    assert_eq!(failure.error.problems.len(), 2);
    let mut empty = config(&zoo, "");
    empty.apply(&failure.applied.expect("says what")).expect("fits");
    assert_eq!(xml(&empty), xml(&tree));
}

#[test]
fn a_marked_default_is_not_stored() {
    let zoo = zoo();
    let marked = |value: &str| {
        format!(
            "<share xmlns:wd='urn:ietf:params:xml:ns:netconf:default:1.0' wd:default='true'>{value}</share>"
        )
    };
    assert_eq!(after(&zoo, "<share>7</share>", &marked("50")), "");
    assert_eq!(refused(&zoo, "<share>7</share>", &marked("51")).0, "invalid-value");
}

#[test]
fn a_leaf_changed_and_its_entry_deleted_in_one_edit_is_one_deletion() {
    let zoo = zoo();
    let before = "<enclosure><name>a</name><size>1</size></enclosure>";
    let change = "<enclosure><name>a</name><size>2</size></enclosure>\
                  <enclosure nc:operation='delete'><name>a</name></enclosure>";
    assert_eq!(after(&zoo, before, change), "");
    let change = format!("{change}<enclosure><name>a</name><size>1</size></enclosure>");
    let mut tree = config(&zoo, before);
    let diff = edit(&mut tree, &change).expect("edits");
    assert!(diff.is_empty(), "there and back is no change: {:?}", diff.changes());
}

#[test]
fn changes_are_listed_one_row_for_each_node() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<name>A</name><queue>x</queue><queue>y</queue>");
    let change = "<name>B</name><shop><till>2</till></shop><queue yang:insert='first'>y</queue>\
                  <enclosure><name>e</name><size>3</size></enclosure>";
    let diff = edit(&mut tree, change).expect("edits");
    let rows: Vec<String> = diff
        .changes()
        .iter()
        .map(|c| format!("{} {} {:?} {:?}", c.operation, c.path, c.old, c.new))
        .collect();
    for row in [
        "replace /zoo:zoo/name Some(\"A\") Some(\"B\")",
        "create /zoo:zoo/shop None None",
        "create /zoo:zoo/shop/till None Some(\"2\")",
        "create /zoo:zoo/enclosure[name='e'] None None",
        "create /zoo:zoo/enclosure[name='e']/name None Some(\"e\")",
        "create /zoo:zoo/enclosure[name='e']/size None Some(\"3\")",
    ] {
        assert!(rows.iter().any(|r| r == row), "{row} in {rows:#?}");
    }
    assert!(rows.iter().any(|r| r.starts_with("move /zoo:zoo/queue")), "{rows:#?}");
    assert_eq!(rows.len(), 7, "{rows:#?}");
}

#[test]
fn an_edit_needs_no_config_element_around_it() {
    let zoo = zoo();
    let mut tree = Tree::new(&zoo);
    let merge = DefaultOperation::Merge;
    let bare = b"<?xml version='1.0'?><zoo xmlns='urn:example:zoo'><name>A</name></zoo>";
    assert!(tree.edit(bare, merge, ErrorOption::RollbackOnError).is_ok());
    assert_eq!(inside(&xml(&tree)), "<name>A</name>");
    for hostile in [
        &b"<zoo"[..],
        b"</siblings><siblings>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><zoo xmlns='urn:example:zoo'/>",
        b"\xff\xfe",
        b"<zoo xmlns='urn:example:zoo'><name>&nope;</name></zoo>",
        &"<a>".repeat(100_000).into_bytes(),
    ] {
        assert!(tree.edit(hostile, merge, ErrorOption::RollbackOnError).is_err());
    }
    assert!(wrap("").contains("config"));
}

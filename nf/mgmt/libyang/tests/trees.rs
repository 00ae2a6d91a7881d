//! Parsing, validation, printing, selection, schema.

mod support;

use nf_libyang::{Context, Data, Defaults, Format, Kind, Operation, Tree};
use support::{config, xml, zoo};

#[test]
fn validation_reports_every_problem_with_path_and_app_tag() {
    let zoo = zoo();
    let mut tree = config(
        &zoo,
        "<limit>1</limit><favourite>gone</favourite>\
         <enclosure><name>a</name><number>1</number></enclosure>\
         <enclosure><name>b</name><number>1</number></enclosure>",
    );
    let error = tree.validate(false).expect_err("is wrong");
    let found: Vec<_> = error
        .problems
        .iter()
        .map(|p| (p.tag, p.app_tag.as_deref().unwrap_or(""), p.path.as_deref().unwrap_or("")))
        .collect();
    assert!(found.contains(&("operation-failed", "too-many-enclosures", "/zoo:zoo")), "{error:#?}");
    assert!(
        found.contains(&("data-missing", "instance-required", "/zoo:zoo/favourite")),
        "{error:#?}"
    );
    assert!(
        found.iter().any(|f| f.0 == "operation-failed" && f.1 == "data-not-unique"),
        "{error:#?}"
    );
    assert_eq!(found.len(), 3);
    let must = error.problems.iter().find(|p| p.path.as_deref() == Some("/zoo:zoo"));
    assert_eq!(must.expect("the must").message, "there are more enclosures than the limit");
}

#[test]
fn a_failed_validation_loses_no_node_whose_condition_went() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<open>true</open><guarded>g</guarded>");
    tree.validate(false).expect("valid");
    let mut failing = tree.copy().expect("copies");
    support::edit(&mut failing, "<open>false</open><favourite>gone</favourite>").expect("edits");
    let before = xml(&failing);
    assert!(failing.validate(false).is_err());
    assert_eq!(xml(&failing), before);
    support::edit(&mut tree, "<open>false</open>").expect("edits");
    let gone = tree.validate(false).expect("valid").changes();
    assert!(
        gone.iter().any(|c| c.operation == "delete" && c.path == "/zoo:zoo/guarded"),
        "{gone:?}"
    );
    assert!(!tree.exists("/zoo:zoo/guarded").expect("path"));
}

#[test]
fn parsing_refuses_what_is_wrong_and_says_where() {
    let zoo = zoo();
    let parse = |text: &str| {
        Tree::parse(&zoo, text.as_bytes(), Format::Xml, Kind::Config)
            .err()
            .unwrap_or_else(|| panic!("{text} is wrong"))
            .problems
            .remove(0)
    };
    let problem = parse("<zoo xmlns='urn:example:zoo'>\n<name>lower</name></zoo>");
    assert_eq!(problem.app_tag.as_deref(), Some("no-capital"));
    assert_eq!(problem.tag, "invalid-value");
    assert_eq!(problem.path.as_deref(), Some("/zoo:zoo/name"));
    assert_eq!(problem.line, Some(2));
    assert_eq!(parse("<zoo xmlns='urn:example:zoo'><x/></zoo>").tag, "unknown-element");
    assert_eq!(parse("<zoo xmlns='urn:nothing'/>").tag, "unknown-namespace");
    assert_eq!(parse("<zoo xmlns='urn:example:zoo'><state/></zoo>").tag, "unknown-element");
    assert_eq!(parse("<zoo xmlns='urn:example:zoo'>").tag, "malformed-message");
    assert_eq!(parse("<zoo xmlns='urn:example:zoo'><enclosure/></zoo>").tag, "missing-element");
    assert!(
        Tree::parse(&zoo, b"{\"zoo:zoo\":{\"limit\":\"x\"}}", Format::Json, Kind::Config).is_err()
    );
}

#[test]
fn defaults_are_printed_as_the_mode_says() {
    let zoo = zoo();
    let mut tree = config(&zoo, "<share>50</share><limit>3</limit>");
    tree.validate(false).expect("valid");
    let print = |mode| {
        String::from_utf8(tree.print(Format::Xml, mode, false).expect("prints")).expect("UTF-8")
    };
    assert!(print(Defaults::Explicit).contains("<share>50</share>"));
    assert!(!print(Defaults::Explicit).contains("<name>"));
    assert!(!print(Defaults::Trim).contains("<share>"));
    assert!(print(Defaults::ReportAll).contains("<name>Zoo</name>"));
}

#[test]
fn values_come_as_numbers_and_names_are_qualified_where_the_module_changes() {
    let zoo = zoo();
    let tree = config(
        &zoo,
        "<big>-9007199254740993</big><open>true</open><flag/><price>1.50</price><mixed>7</mixed>\
         <tag>b</tag><tag>a</tag><star xmlns:t='urn:example:zoo-types'>t:lion</star>",
    );
    let Data::Object(top) = tree.to_data(None, true).expect("converts") else { panic!("object") };
    assert_eq!(&*top[0].0, "zoo:zoo");
    let Data::Object(members) = &top[0].1 else { panic!("object") };
    let member = |name: &str| &members.iter().find(|m| &*m.0 == name).expect(name).1;
    assert_eq!(*member("big"), Data::Int(-9_007_199_254_740_993));
    assert_eq!(*member("open"), Data::Bool(true));
    assert_eq!(*member("flag"), Data::List(vec![Data::Null]));
    assert_eq!(*member("price"), Data::Text("1.5".to_string()));
    assert_eq!(*member("mixed"), Data::Int(7));
    assert_eq!(*member("star"), Data::Text("zoo-types:lion".to_string()));
    let tags = [Data::Text("a".to_string()), Data::Text("b".to_string())];
    assert_eq!(*member("tag"), Data::List(tags.to_vec()));
}

#[test]
fn subtree_filters_select_as_the_rfc_says() {
    let zoo = zoo();
    let tree = config(
        &zoo,
        "<name>A</name><star xmlns:t='urn:example:zoo-types'>t:lion</star>\
         <enclosure><name>a</name><number>1</number><size>3</size></enclosure>\
         <enclosure><name>b</name><number>2</number></enclosure>",
    );
    let select = |filter: &str| {
        let text = format!("<zoo xmlns='urn:example:zoo'>{filter}</zoo>");
        xml(&tree.select_subtree(text.as_bytes()).expect("selects"))
            .replace("<zoo xmlns=\"urn:example:zoo\">", "")
            .replace("</zoo>", "")
    };
    assert_eq!(select("<name/>"), "<name>A</name>");
    assert_eq!(select("<limit/>"), "");
    assert_eq!(select("<name>B</name>"), "");
    assert_eq!(
        select("<enclosure><name>a</name><size/></enclosure>"),
        "<enclosure><name>a</name><size>3</size></enclosure>"
    );
    assert_eq!(
        select("<enclosure><name> b </name></enclosure>"),
        "<enclosure><name>b</name><number>2</number></enclosure>"
    );
    assert_eq!(
        select("<enclosure><number>01</number><name/></enclosure>"),
        "<enclosure><name>a</name><number>1</number></enclosure>"
    );
    assert_eq!(select("<enclosure><name>zz</name></enclosure>"), "");
    assert_eq!(
        select("<enclosure><size/></enclosure>"),
        "<enclosure><name>a</name><size>3</size></enclosure>"
    );
    assert!(select("<star xmlns:q='urn:example:zoo-types'>q:lion</star>").contains("lion"));
    assert_eq!(select("<star xmlns:q='urn:example:zoo-types'>q:cat</star>"), "");
    assert_eq!(
        select(
            "<name/><enclosure><name>a</name><size/></enclosure><enclosure><name>b</name><number/></enclosure>"
        ),
        "<name>A</name><enclosure><name>a</name><size>3</size></enclosure>\
         <enclosure><name>b</name><number>2</number></enclosure>"
    );
    assert!(tree.select_subtree(b"").expect("nothing").is_empty());
    assert_eq!(xml(&tree.select_subtree(b"<zoo/>").expect("any namespace")), xml(&tree));
}

#[test]
fn xpath_selects_with_ancestors_and_keys() {
    let zoo = zoo();
    let tree = config(
        &zoo,
        "<name>A</name><enclosure><name>a</name><size>3</size></enclosure><enclosure><name>b</name></enclosure>",
    );
    let selected = tree.select_xpath("/zoo:zoo/enclosure[name='a']/size").expect("selects");
    assert_eq!(
        xml(&selected),
        "<zoo xmlns=\"urn:example:zoo\"><enclosure><name>a</name><size>3</size></enclosure></zoo>"
    );
    assert_eq!(tree.find("//enclosure/name").expect("finds").len(), 2);
    let error = tree.select_xpath("/zoo:zoo[").err().expect("malformed");
    assert_eq!(error.problems[0].tag, "invalid-value");
    assert!(tree.select_xpath("count(/zoo:zoo)").is_err());
    assert!(tree.select_xpath(&"(".repeat(50_000)).is_err());
}

#[test]
fn state_and_depth_can_be_left_out() {
    let zoo = zoo();
    let text = b"<zoo xmlns='urn:example:zoo'><enclosure><name>a</name><size>1</size><visitors>5</visitors></enclosure><state><uptime>1</uptime></state></zoo>";
    let tree = Tree::parse(&zoo, text, Format::Xml, Kind::Data).expect("parses");
    let config = xml(&tree.without_state().expect("copies"));
    assert!(!config.contains("visitors") && !config.contains("uptime") && config.contains("size"));
    let shallow = tree.at_depth(2).expect("copies");
    assert_eq!(shallow.len(), 4, "zoo, enclosure with its key, state");
}

#[test]
fn paths_set_get_and_remove() {
    let zoo = zoo();
    let mut tree = Tree::new(&zoo);
    tree.set("/zoo:zoo/enclosure[name='x']/size", Some("7")).expect("sets");
    tree.set("/zoo:zoo/name", Some("N")).expect("sets");
    tree.set("/zoo:zoo/name", Some("M")).expect("sets again");
    assert_eq!(tree.get("/zoo:zoo/name").expect("path"), Some("M".to_string()));
    assert_eq!(tree.get("/zoo:zoo/enclosure[name='y']/size").expect("path"), None);
    assert!(tree.set("/zoo:zoo/nothing", Some("1")).is_err());
    assert!(tree.set("name", Some("1")).is_err());
    let error = tree.set("/zoo:zoo/share", Some("101")).expect_err("too much");
    assert_eq!(error.problems[0].app_tag.as_deref(), Some("not-a-percentage"), "{error:?}");
    assert!(tree.get("/zoo:zoo/nothing").is_err());
    assert!(tree.remove("/zoo:zoo/enclosure/name").is_err(), "a key stays");
    assert_eq!(tree.remove("/zoo:zoo/enclosure").expect("removes"), 1);
    assert_eq!(tree.remove("/zoo:zoo").expect("removes"), 1);
    assert!(tree.is_empty());
    assert_eq!(tree.remove("/zoo:zoo").expect("nothing left"), 0);
    assert!(tree.remove("/zoo:zoo[").is_err(), "an empty tree refuses a wrong expression, too");
    assert!(tree.get("/zoo:nothing").is_err());
    assert_eq!(tree.get("/zoo:zoo/name").expect("path"), None);
}

#[test]
fn operations_are_parsed_and_answered() {
    let zoo = zoo();
    let close =
        Operation::parse(&zoo, b"<close xmlns='urn:example:zoo'><reason>late</reason></close>")
            .expect("parses");
    assert_eq!((close.path().as_str(), close.target().as_str()), ("/zoo:close", ""));
    let reason = ("zoo:reason".into(), Data::Text("late".to_string()));
    assert_eq!(close.input().expect("input"), Data::Object(vec![reason]));
    let reply = close.reply(&support::number("visitors", 7)).expect("replies");
    assert_eq!(String::from_utf8_lossy(&reply), "<visitors xmlns=\"urn:example:zoo\">7</visitors>");
    assert_eq!(close.reply(&Data::Object(Vec::new())).expect("replies"), b"");
    assert!(close.reply(&support::number("visitors", -7)).is_err());
    assert!(close.reply(&support::number("other", 1)).is_err());

    let action = b"<action xmlns='urn:ietf:params:xml:ns:yang:1'><z:zoo xmlns:z='urn:example:zoo'>\
        <z:enclosure><z:name>a</z:name><z:feed><z:amount>3</z:amount></z:feed></z:enclosure></z:zoo></action>";
    let feed = Operation::parse(&zoo, action).expect("parses");
    assert_eq!(feed.target(), "/zoo:zoo/enclosure[name='a']");
    assert_eq!(feed.path(), "/zoo:zoo/enclosure/feed");
    let reply = feed.reply(&support::number("zoo:left", 2)).expect("replies");
    assert_eq!(String::from_utf8_lossy(&reply), "<left xmlns=\"urn:example:zoo\">2</left>");

    for wrong in [
        &b"<close xmlns='urn:example:zoo'><reason>far too long for the model</reason></close>"[..],
        b"<open xmlns='urn:example:zoo'/>",
        b"<zoo xmlns='urn:example:zoo'/>",
        b"",
        b"<a/><b/>",
        b"<action xmlns='urn:ietf:params:xml:ns:yang:1'/>",
    ] {
        assert!(Operation::parse(&zoo, wrong).is_err(), "{}", String::from_utf8_lossy(wrong));
    }
    let good = br#"{"zoo:escaped":{"species":"zoo-types:lion"}}"#;
    assert!(Tree::notification(&zoo, good, Format::Json).is_ok());
    assert!(Tree::notification(&zoo, br#"{"zoo:escaped":{}}"#, Format::Json).is_err());
}

#[test]
fn the_schema_is_told_in_full() {
    let zoo = zoo();
    let nodes = zoo.nodes(Some("zoo")).expect("lists");
    let node = |path: &str| {
        nodes.iter().find(|n| n.path == path).unwrap_or_else(|| {
            panic!("{path} in {:#?}", nodes.iter().map(|n| &n.path).collect::<Vec<_>>())
        })
    };
    let share = node("/zoo:zoo/share");
    let kind = share.value_type.as_ref().expect("a leaf");
    assert_eq!((kind.base.as_str(), kind.typedef.as_deref()), ("uint8", Some("percent")));
    assert_eq!(kind.range.as_deref(), Some("0..100"));
    assert_eq!(share.units.as_deref(), Some("percent"));
    assert_eq!(share.defaults, ["50"]);
    assert_eq!(share.extensions, [("zt:reset".to_string(), Some("flows".to_string()))]);
    assert_eq!(node("/zoo:zoo").musts[0].app_tag.as_deref(), Some("too-many-enclosures"));
    assert_eq!(node("/zoo:zoo/guarded").whens, ["../open = 'true'"]);
    assert_eq!(node("/zoo:zoo/hours").if_features, ["night"]);
    assert_eq!(node("/zoo:zoo/enclosure/animal").keys, ["species", "nr"]);
    let star = node("/zoo:zoo/star").value_type.as_ref().expect("a leaf");
    assert_eq!(star.identities, ["zoo-types:cat", "zoo-types:lion"]);
    assert_eq!(node("/zoo:zoo/shop").kind, "presence-container");
    assert_eq!(node("/zoo:zoo/queue").ordered_by, Some("user"));
    assert!(!node("/zoo:zoo/state/uptime").config);
    assert!(nodes.iter().any(|n| n.kind == "action" && n.name == "feed"));
    assert!(nodes.iter().all(|n| n.name != "unseen"), "its feature is off");
    let module = zoo.modules().into_iter().find(|m| m.name == "zoo").expect("is loaded");
    assert_eq!(module.features, ["night"]);
    assert_eq!(module.all_features, ["night", "never"]);
    assert!(zoo.yang_text("zoo", Some("2026-11-01")).expect("prints").contains("leaf share"));
    assert!(zoo.yang_text("zoo", Some("1999-01-01")).is_err());
    assert!(zoo.tree_text("zoo").expect("prints").contains("+--rw zoo"));
    assert!(zoo.nodes(Some("none")).is_err());
}

#[test]
fn the_library_of_modules_is_data_like_any_other() {
    let zoo = zoo();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yang").to_string();
    let library = zoo.yang_library(&["ietf-datastores:running".to_string()]).expect("lists");
    let text = xml(&library);
    assert!(text.contains("<name>zoo</name>") && text.contains(&zoo.content_id()), "{text}");
    let other = Context::load(&[folder], &[("zoo".to_string(), vec![])]).expect("loads");
    assert_ne!(other.content_id(), zoo.content_id(), "features change it");
}

#[test]
fn a_module_that_is_missing_or_wrong_is_refused_by_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yang").to_string();
    let load = |folder: &str, module: &str| {
        Context::load(&[folder.to_string()], &[(module.to_string(), vec![])]).err().expect("wrong")
    };
    assert!(load(&folder, "nowhere").to_string().contains("nowhere"));
    assert!(load("/does/not/exist", "zoo").to_string().contains("/does/not/exist"));
}

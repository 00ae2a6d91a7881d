//! Users' files: what they add, extend, replace and move, and where they are wrong.

use nf_apps::{Apps, AppsError, Category};
use nf_fields::ProtoId;

use crate::of;

fn with(text: &str) -> Apps {
    Apps::with_files(&[("my.conf", text)]).unwrap_or_else(|e| panic!("{e}"))
}

fn error(text: &str) -> AppsError {
    Apps::with_files(&[("my.conf", text)]).expect_err(text)
}

#[test]
fn a_new_application() {
    let apps = with(
        "\u{feff}# ours\r\n\r\n[intranet]\r\n  category = business # work\r\n  suffixes = corp.example, \
         Intra.Example.\r\n    third.example\r\n  hosts = one.example\r\n  aliases = home\r\n",
    );
    for host in
        ["corp.example", "www.corp.example", "intra.example", "third.example", "one.example"]
    {
        assert_eq!(of(&apps, host), Some("intranet"), "{host}");
    }
    assert_eq!(of(&apps, "www.one.example"), None);
    let app = apps.get(apps.by_name("home").unwrap()).unwrap();
    assert_eq!((&*app.name, app.category, app.ambiguous), ("intranet", Category::Business, false));
    assert_eq!(app.id, ProtoId(50_000));
    assert_eq!(
        &*app.suffixes,
        &["corp.example".into(), "intra.example".into(), "third.example".into()]
    );
    assert_eq!(&*app.hosts, &["one.example".into()]);
    assert_eq!(apps.len(), Apps::builtin().len() + 1);
}

#[test]
fn ids_are_chosen_or_given_in_order() {
    let apps = Apps::with_files(&[
        ("a", "[one]\ncategory = web\nsuffixes = one.example\n[two]\ncategory = web\nid = 30000\n"),
        ("b", "[three]\ncategory = web\n"),
    ])
    .unwrap();
    let id = |name| apps.get(apps.by_name(name).unwrap()).unwrap().id.0;
    assert_eq!((id("one"), id("two"), id("three")), (50_000, 30_000, 50_001));
}

#[test]
fn a_known_application_is_extended() {
    let apps = with("[youtube]\nsuffixes = tube.example\ncategory = education\nambiguous = true");
    assert_eq!(of(&apps, "www.tube.example"), Some("youtube"));
    assert_eq!(of(&apps, "www.youtube.com"), Some("youtube"));
    let app = apps.get(apps.by_name("youtube").unwrap()).unwrap();
    assert_eq!((app.category, app.ambiguous, app.id), (Category::Education, true, ProtoId(427)));
    // By an alias as well.
    assert_eq!(of(&with("[onedrive]\nsuffixes = d.example"), "d.example"), Some("skydrive"));
}

#[test]
fn a_known_application_is_replaced() {
    let apps = with("[aws]\nreplace = true\nsuffixes = cloud.example");
    assert_eq!(of(&apps, "cloud.example"), Some("aws"));
    assert_eq!(of(&apps, "s3.amazonaws.com"), None);
    // What was under a wider suffix of another falls back to it.
    assert_eq!(of(&apps, "aws.amazon.com"), Some("amazon"));
    let app = apps.get(apps.by_name("aws").unwrap()).unwrap();
    assert_eq!((app.category, app.ambiguous, app.id), (Category::Cloud, false, ProtoId(35)));
    assert_eq!(&*app.suffixes, &["cloud.example".into()]);
    assert_eq!(with("[winupdate]\nreplace = true").by_name("windows_update"), None);
    assert!(with("[aws]\nreplace = false").lookup(b"s3.amazonaws.com").is_some());
}

#[test]
fn a_name_is_moved_by_a_later_file() {
    let mine = "[mine]\ncategory = web\nsuffixes = youtube.com moved.example";
    let apps = Apps::with_files(&[
        ("a", mine),
        ("b", "[yours]\ncategory = web\nsuffixes = moved.example\nhosts = www.youtube.com"),
    ])
    .unwrap();
    assert_eq!(of(&apps, "m.youtube.com"), Some("mine"));
    assert_eq!(of(&apps, "www.youtube.com"), Some("yours"));
    assert_eq!(of(&apps, "x.moved.example"), Some("yours"));
    assert_eq!(of(&apps, "i.ytimg.com"), Some("youtube"));
    let youtube = apps.get(apps.by_name("youtube").unwrap()).unwrap();
    assert!(!youtube.suffixes.contains(&"youtube.com".into()));
}

#[test]
fn an_empty_file_changes_nothing() {
    assert_eq!(with("\n# nothing\n").len(), Apps::builtin().len());
}

#[test]
fn mistakes_tell_their_line() {
    // Text, line, part of the message, part of what to try.
    for (text, line, message, hint) in [
        ("suffixes = a.example", 1, "before the first [name]", "[name]"),
        ("[a", 1, "] after the name", "[name]"),
        ("[My App]", 1, "is no name", "my_app"),
        ("[a__b]", 1, "is no name", "a_b"),
        ("[]", 1, "is no name", "my_shop"),
        ("\n\n[a]\n", 3, "has no category", "category = web"),
        ("[a]\ncategory = shop", 2, "no category \"shop\"", "shopping"),
        ("[a]\ncategory = web\ncategory = web", 3, "stands in line 2", "one of the two"),
        ("[a]\ncolour = red", 2, "no key \"colour\"", "suffixes"),
        ("[a]\nwww.example", 2, "belongs to no list", "key = value"),
        ("[a]\ncategory = web\nwww.example", 3, "belongs to no list", "key = value"),
        ("[a]\ncategory = web\nid = x", 3, "is no id", "1 to 65535"),
        ("[a]\ncategory = web\nid = 0", 3, "is no id", "1 to 65535"),
        ("[a]\ncategory = web\nid = 65536", 3, "is no id", "1 to 65535"),
        ("[a]\ncategory = web\nid = 427", 3, "id of youtube", "another number"),
        ("[a]\ncategory = web\nid = 1500", 3, "not among the ids", "30000 to 49999"),
        ("[youtube]\nid = 30001", 2, "has the id 427", "without this line"),
        ("[a]\ncategory = web\nambiguous = yes", 3, "neither true nor false", "true or false"),
        ("[a]\ncategory = web\nreplace = true", 3, "to replace", "without this line"),
        ("[a]\ncategory = web\naliases = youtube", 3, "stands for youtube", "another alias"),
        ("[a]\ncategory = web\naliases = Yt", 3, "is no name", "yt"),
        ("[a]\ncategory = web\n[b]\ncategory = web\n[a]\n", 5, "block in line 1", "one block"),
        (
            "[a]\ncategory = web\nsuffixes = x.example\n  y.example x.example",
            4,
            "stands in line 3",
            "one of",
        ),
        (
            "[a]\ncategory = web\nsuffixes = x.example\n[b]\ncategory = web\nsuffixes = X.example.",
            6,
            "line 3 already, for a",
            "one of",
        ),
        ("[youtube]\nsuffixes = https://a.example/x", 2, "address of a page", "try: a.example"),
        ("[youtube]\nsuffixes = a.example:443", 2, "more than a name", "try: a.example"),
        ("[youtube]\nsuffixes = *.a.example", 2, "no *", "try: a.example"),
        ("[youtube]\nsuffixes = .a.example", 2, "no *", "try: a.example"),
        ("[youtube]\nsuffixes = \"a.example\"", 2, "without quotes", "try: a.example"),
        ("[youtube]\nsuffixes = bücher.example", 2, "on the wire", "xn--"),
        ("[youtube]\nsuffixes = a..example", 2, "no name of a server", "labels"),
        ("[youtube]\nsuffixes = a!b.example", 2, "no name of a server", "labels"),
        ("[youtube]\nhosts = .", 2, "no *", "try: a name"),
        ("[youtube]\nhosts = https://", 2, "address of a page", "try: a name"),
    ] {
        let error = error(text);
        assert_eq!((&*error.file, error.line), ("my.conf", line), "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
        assert_eq!(error.to_string().lines().count(), 3, "{error}");
    }
}

#[test]
fn labels_and_names_have_their_lengths() {
    let label = "x".repeat(64);
    assert!(error(&format!("[youtube]\nsuffixes = {label}.example")).message.contains("no name"));
    let long = ["x".repeat(63), "x".repeat(63), "x".repeat(63), "x".repeat(61)].join(".");
    assert_eq!(long.len(), 253);
    assert!(with(&format!("[youtube]\nsuffixes = {long}")).lookup(long.as_bytes()).is_some());
    error(&format!("[youtube]\nsuffixes = {long}x"));
}

#[test]
fn the_file_named_is_the_one_with_the_mistake() {
    let e = Apps::with_files(&[("good.conf", "[youtube]"), ("bad.conf", "\noops")]).unwrap_err();
    assert_eq!(
        e.to_string(),
        "this stands before the first [name]\nbad.conf:2: oops\ntry: [name] in a line above"
    );
}

//! Look-ups of every kind of name, hostile ones too.

use std::sync::LazyLock;

use nf_apps::{AppRef, Apps};
use proptest::prelude::*;

use crate::of;

fn sample() -> Apps {
    Apps::with_files(&[(
        "sample",
        "[wide]\ncategory = web\nsuffixes = example s.example.net\n\
         [narrow]\ncategory = web\nsuffixes = shop.example a.b.c.d.example\nhosts = pay.shop.example\n\
         [deep]\ncategory = web\nsuffixes = x.pay.shop.example\nhosts = example",
    )])
    .unwrap()
}

#[test]
fn the_longest_suffix_counts() {
    let apps = sample();
    for (host, app) in [
        ("a.example", Some("wide")),
        ("example", Some("deep")),
        ("shop.example", Some("narrow")),
        ("a.shop.example", Some("narrow")),
        ("pay.shop.example", Some("narrow")),
        ("y.pay.shop.example", Some("narrow")),
        ("x.pay.shop.example", Some("deep")),
        ("a.x.pay.shop.example", Some("deep")),
        ("b.c.d.example", Some("wide")),
        ("a.b.c.d.example", Some("narrow")),
        ("z.b.c.d.example", Some("wide")),
        ("example.net", None),
        ("s.example.net", Some("wide")),
        ("t.s.example.net", Some("wide")),
    ] {
        assert_eq!(of(&apps, host), app, "{host}");
    }
}

#[test]
fn labels_are_matched_whole() {
    let apps = sample();
    assert_eq!(of(&apps, "myexample"), None);
    assert_eq!(of(&apps, "workshop.example"), Some("wide"));
    assert_eq!(of(&apps, "xample"), None);
    assert_eq!(of(&apps, "shop.example.org"), None);
}

#[test]
fn capitals_and_the_root_s_dot_make_no_difference() {
    let apps = sample();
    assert_eq!(of(&apps, "A.ShOp.EXAMPLE."), Some("narrow"));
    assert_eq!(of(&apps, "a.shop.example.."), None);
}

#[test]
fn hostile_names_are_harmless() {
    let apps = Apps::builtin();
    for name in [
        &b""[..],
        b".",
        b"..",
        b"....................",
        b"\0",
        b"\xff\xfe",
        b"com",
        b".com",
        b" youtube.com ",
        b"youtube.com:443",
        b"www.youtube.com/",
        b"youtube\0.com",
        b"[::1]",
        b"192.0.2.1",
        b"\xc3\xa9.fr",
        b"youtube.\xe3\x80\x82com",
        b"xn--",
        b"-",
        b"_",
    ] {
        assert_eq!(apps.lookup(name), None, "{name:?}");
    }
    assert_eq!(apps.lookup(&[b'a'; 100_000]), None);
    assert_eq!(apps.lookup(&[b'.'; 100_000]), None);
    assert_eq!(apps.lookup("a.".repeat(126).as_bytes()), None);
    // What stands before the suffix is not looked at, however odd.
    assert!(apps.lookup(b"\xff\x00..youtube.com").is_some());
    // 253 octets are a name, 254 are not.
    let label = |n: usize| format!("{}.youtube.com", "a".repeat(n));
    assert!(apps.lookup(label(241).as_bytes()).is_some());
    assert!(apps.lookup(format!("{}.", label(241)).as_bytes()).is_some());
    assert!(apps.lookup(label(242).as_bytes()).is_none());
}

/// The rule, word for word: the longest suffix that ends the name at a dot, or the very host.
fn by_rule(apps: &Apps, name: &str) -> Option<AppRef> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let mut best: Option<(usize, AppRef)> = None;
    for (at, app) in apps.iter() {
        if app.hosts.iter().any(|host| **host == name) {
            return Some(at);
        }
        for suffix in &app.suffixes {
            let fits = name == **suffix || name.ends_with(&format!(".{suffix}"));
            if fits && best.is_none_or(|(length, _)| suffix.len() > length) {
                best = Some((suffix.len(), at));
            }
        }
    }
    best.map(|(_, at)| at)
}

static SAMPLE: LazyLock<Apps> = LazyLock::new(sample);
static BUILTIN: LazyLock<Apps> = LazyLock::new(Apps::builtin);

proptest! {
    #[test]
    fn the_table_follows_the_rule(
        labels in proptest::collection::vec("(a|b|c|d|s|x|pay|shop|Example|net|com|google|youtube|)", 1..8),
        dot: bool,
    ) {
        let name = labels.join(".") + if dot { "." } else { "" };
        for apps in [&*SAMPLE, &*BUILTIN] {
            prop_assert_eq!(apps.lookup(name.as_bytes()), by_rule(apps, &name), "{}", name);
        }
    }

    #[test]
    fn any_octets_are_looked_up(name: Vec<u8>) {
        let apps = &*SAMPLE;
        let mut under = name.clone();
        under.extend_from_slice(b".shop.example");
        let narrow = apps.by_name("narrow");
        if under.len() <= 253 && !under.eq_ignore_ascii_case(b"x.pay.shop.example") {
            prop_assert!(apps.lookup(&under) == narrow || name.ends_with(b"x.pay"));
        }
        apps.lookup(&name);
    }
}

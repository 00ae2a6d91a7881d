//! The table that comes with the engine.

use std::collections::{BTreeMap, BTreeSet};

use nf_apps::{Apps, Category};
use nf_fields::ProtoId;

use crate::of;

#[test]
fn well_known_servers_are_told_apart() {
    let apps = Apps::builtin();
    for (host, app) in [
        ("www.youtube.com", "youtube"),
        ("rr3---sn-25ge7nsl.googlevideo.com", "youtube"),
        ("i.ytimg.com", "youtube"),
        ("youtubei.googleapis.com", "youtube"),
        ("www.googleapis.com", "google"),
        ("www.google.co.uk", "google"),
        ("mail.google.com", "gmail"),
        ("maps.google.com", "google_maps"),
        ("lh3.googleusercontent.com", "google_user_content"),
        ("dns.google", "google_doh"),
        ("meet.google.com", "google_meet"),
        ("scontent-cdg4-2.xx.fbcdn.net", "facebook"),
        ("scontent.cdninstagram.com", "instagram"),
        ("mmg.whatsapp.net", "whatsapp"),
        ("pbs.twimg.com", "twitter"),
        ("ipv4-c001-par001-ix.1.oca.nflxvideo.net", "netflix"),
        ("s3.eu-west-3.amazonaws.com", "aws"),
        ("aws.amazon.com", "aws"),
        ("www.amazon.de", "amazon"),
        ("d1a2b3c4.cloudfront.net", "cloudfront"),
        ("teams.microsoft.com", "teams"),
        ("outlook.office365.com", "outlook"),
        ("contoso.sharepoint.com", "office365"),
        ("ctldl.windowsupdate.com", "winupdate"),
        ("fe3.delivery.mp.microsoft.com", "winupdate"),
        ("www.microsoft.com", "microsoft"),
        ("swcdn.apple.com", "apple_update"),
        ("gateway.icloud.com", "icloud"),
        ("raw.githubusercontent.com", "github"),
        ("files.pythonhosted.org", "pypi"),
        ("fr.wikipedia.org", "wikipedia"),
        ("deb.debian.org", "debian"),
        ("chatgpt.com", "openai"),
        ("cloudflare-dns.com", "cloudflare_doh"),
        ("v.qq.com", "qqlive"),
        ("news.qq.com", "qq"),
        ("stats.g.doubleclick.net", "doubleclick"),
        ("www.google-analytics.com", "google_analytics"),
        ("www.bbc.co.uk", "bbc_online"),
    ] {
        assert_eq!(of(&apps, host), Some(app), "{host}");
    }
    for host in
        ["example.com", "notyoutube.com", "youtube.com.example", "com", "co.uk", "localhost"]
    {
        assert_eq!(of(&apps, host), None, "{host}");
    }
}

#[test]
fn names_are_snake_case_and_ids_are_unique() {
    let apps = Apps::builtin();
    let mut words = BTreeSet::new();
    let mut ids = BTreeMap::new();
    for (at, app) in apps.iter() {
        for word in [&app.name].into_iter().chain(&app.aliases) {
            let plain = word.split('_').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            });
            assert!(plain, "{word}");
            assert!(words.insert(word.clone()), "{word} twice");
            assert_eq!(apps.by_name(word), Some(at), "{word}");
        }
        assert_eq!(ids.insert(app.id, &app.name), None, "{}", app.name);
        assert_eq!(apps.by_id(app.id), Some(at));
        assert_eq!(apps.get(at), Some(app));
        // MMT-DPI's own, or ours; never those of our protocols or of users.
        assert!(
            (1..1000).contains(&app.id.0) || (2000..30_000).contains(&app.id.0),
            "{}",
            app.name
        );
    }
    assert_eq!(apps.len(), ids.len());
    assert_eq!(apps.by_id(ProtoId::UNKNOWN), None);
}

#[test]
fn ids_of_mmt_are_kept() {
    let apps = Apps::builtin();
    for (name, id) in [
        ("youtube", 427),
        ("google", 134),
        ("facebook", 103),
        ("gmail", 128),
        ("google_maps", 130),
        ("netflix", 242),
        ("whatsapp", 397),
        ("twitter", 373),
        ("amazon", 21),
        ("aws", 35),
        ("winupdate", 406),
        ("apple_itunes", 185),
        ("icloud", 162),
        ("stack_overflow", 342),
        ("bbc_online", 45),
        ("akamai", 599),
        ("cloudfront", 593),
        ("fastly", 608),
        ("skydrive", 591),
        ("wechat", 595),
        ("twitch", 623),
        ("fbmsg", 622),
        ("teamviewer", 356),
        ("webex", 393),
        ("skype", 317),
        ("spotify", 337),
        ("dropbox", 90),
        ("github", 125),
        ("wikipedia", 401),
        ("vk", 386),
        ("yahoomail", 422),
        ("mega", 569),
        ("box", 590),
        ("deezer", 578),
    ] {
        let app = apps.by_name(name).and_then(|app| apps.get(app)).unwrap();
        assert_eq!((&*app.name, app.id), (name, ProtoId(id)));
    }
}

#[test]
fn every_name_leads_to_its_application() {
    let apps = Apps::builtin();
    let mut names = 0;
    for (at, app) in apps.iter() {
        assert!(!app.suffixes.is_empty() || !app.hosts.is_empty(), "{} has no names", app.name);
        for suffix in &app.suffixes {
            names += 1;
            assert_eq!(apps.lookup(suffix.as_bytes()), Some(at), "{suffix}");
            assert_eq!(apps.lookup(format!("a-1.b_2.{suffix}.").as_bytes()), Some(at), "{suffix}");
            assert_eq!(apps.lookup(suffix.to_uppercase().as_bytes()), Some(at), "{suffix}");
        }
        for host in &app.hosts {
            assert_eq!(apps.lookup(host.as_bytes()), Some(at), "{host}");
        }
    }
    assert!(apps.len() >= 100 && names >= apps.len());
}

#[test]
fn no_name_is_one_s_own_suffix_twice() {
    let apps = Apps::builtin();
    for (_, app) in apps.iter() {
        for suffix in &app.suffixes {
            let covered = app.suffixes.iter().any(|s| suffix.ends_with(&format!(".{s}")));
            let nearest = suffix.split_once('.').and_then(|(_, rest)| of(&apps, rest));
            // A longer suffix of the same application only makes sense where another's is between.
            assert!(!covered || nearest != Some(&app.name), "{suffix}");
        }
    }
}

#[test]
fn many_categories_are_used_and_delivery_networks_are_ambiguous() {
    let apps = Apps::builtin();
    let used: BTreeSet<Category> = apps.iter().map(|(_, app)| app.category).collect();
    assert!(used.len() >= 15, "{used:?}");
    for (_, app) in apps.iter() {
        if app.category == Category::Cdn {
            assert!(app.ambiguous, "{}", app.name);
        }
    }
    let ambiguous = |name| apps.by_name(name).and_then(|app| apps.get(app)).unwrap().ambiguous;
    assert!(ambiguous("aws") && ambiguous("google_user_content"));
    assert!(!ambiguous("youtube") && !ambiguous("netflix"));
}

#[test]
fn categories_are_words_that_read_back() {
    let mut words = BTreeSet::new();
    for category in Category::ALL {
        assert!(words.insert(category.name()));
        assert_eq!(Category::from_name(category.name()), Some(*category));
        assert_eq!(category.to_string(), category.name());
    }
    assert_eq!(Category::from_name("Web"), None);
}

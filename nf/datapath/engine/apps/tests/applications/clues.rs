//! What tells an application besides its own names, and how surely.

use nf_apps::{Apps, CertificateNames, Clue, Told};

const TEXT: &str = "\
[cdn]
category = cdn
ambiguous = true
suffixes = cdn.example

[shop]
category = shopping
suffixes = shop.example
shared = shops.example
words = shop boutique
addresses = 192.0.2.0/24 2001:db8::/32

[resolver]
category = dns
labels = lookup
alpn = dot doq
tls_ports = 853

[maker]
category = iot
certificates = Maker, Ltd
    Maker Root CA
addresses = 192.0.2.128/25
";

fn apps() -> Apps {
    Apps::with_files(&[("my.conf", TEXT)]).unwrap_or_else(|e| panic!("{e}"))
}

fn name(apps: &Apps, told: Option<Told>) -> Option<(&str, bool)> {
    told.and_then(|told| Some((&*apps.get(told.app)?.name, told.certain)))
}

#[test]
fn names_that_are_shared_tell_less() {
    let apps = apps();
    for (host, app) in [
        ("www.shop.example", Some(("shop", true))),
        ("pay.shops.example", Some(("shop", false))),
        ("x1.cdn.example", Some(("cdn", false))),
        // A word of another's counts below shared names, with the number behind it.
        ("shop-images2.cdn.example", Some(("shop", false))),
        ("a.BOUTIQUE-7.cdn.example", Some(("shop", false))),
        ("a.boutique-7.cdn.example", Some(("shop", false))),
        // And not below names that nobody knows, nor as a part of a word.
        ("shop.other.test", None),
        ("shopping.cdn.example", Some(("cdn", false))),
    ] {
        assert_eq!(name(&apps, apps.by_server(host.as_bytes())), app, "{host}");
    }
}

#[test]
fn a_label_tells_below_names_that_nobody_knows() {
    let apps = apps();
    for (host, app) in [
        ("lookup.other.test", Some(("resolver", false))),
        ("lookup-2.other.test.", Some(("resolver", false))),
        ("eu.lookup12.dns.other.test", Some(("resolver", false))),
        ("lookup.cdn.example", Some(("resolver", false))),
        // The last two are the domain's.
        ("lookup.test", None),
        ("www.lookup.test", None),
        ("lookups.other.test", None),
        ("lookup.shop.example", Some(("shop", true))),
        ("", None),
        ("-", None),
        ("7.7.other.test", None),
    ] {
        assert_eq!(name(&apps, apps.by_server(host.as_bytes())), app, "{host}");
    }
}

#[test]
fn certificates_tell_by_their_parties_then_by_their_servers() {
    let apps = apps();
    let told = |names: CertificateNames<'_>| name(&apps, apps.by_certificate(&names));
    let none = CertificateNames::default();
    assert_eq!(told(none), None);
    let organisations: &[&[u8]] = &[b"Another", b"MAKER, Ltd"];
    assert_eq!(told(CertificateNames { organisations, ..none }), Some(("maker", true)));
    assert_eq!(
        told(CertificateNames { signer: Some(b"Maker Root CA"), ..none }),
        Some(("maker", true))
    );
    assert_eq!(told(CertificateNames { holder: Some(b"Maker"), ..none }), None);
    // Of several names one that is the application's own counts.
    let servers: &[&[u8]] = &[b"x.cdn.example", b"unknown.test", b"*.shop.example"];
    assert_eq!(told(CertificateNames { servers, ..none }), Some(("shop", true)));
    let servers = servers.get(..2).unwrap();
    assert_eq!(told(CertificateNames { servers, ..none }), Some(("cdn", false)));
}

#[test]
fn relays_of_tor_have_invented_names() {
    let apps = Apps::builtin();
    let told = |holder: &[u8], signer: &[u8], organisations: &[&[u8]]| {
        let names = CertificateNames {
            holder: Some(holder),
            signer: Some(signer),
            organisations,
            servers: &[],
        };
        name(&apps, apps.by_certificate(&names))
    };
    let tor = Some(("tor_project", true));
    assert_eq!(told(b"www.abcdefgh234567.net", b"www.zyxwvuts765432ab.com", &[]), tor);
    assert_eq!(told(b"www.abcdefgh234567.net", b"www.zyxwvuts765432ab.com", &[b"O"]), None);
    assert_eq!(told(b"www.abcdefgh234567.com", b"www.zyxwvuts765432ab.com", &[]), None);
    assert_eq!(told(b"www.abcdefg.net", b"www.zyxwvuts765432ab.com", &[]), None);
    assert_eq!(told(b"www.example1.net", b"www.zyxwvuts765432ab.com", &[]), None);
}

#[test]
fn alpn_ports_and_addresses_tell() {
    let apps = apps();
    let of = |app| apps.get(app).map(|app| &*app.name);
    assert_eq!(apps.by_alpn(b"dot").and_then(of), Some("resolver"));
    assert_eq!(apps.by_alpn(b"DOT").and_then(of), None);
    assert_eq!(apps.by_tls_port(853).and_then(of), Some("resolver"));
    assert_eq!(apps.by_tls_port(443).and_then(of), None);
    for (address, app) in [
        ("192.0.2.1", Some("shop")),
        ("192.0.2.129", Some("maker")),
        ("192.0.3.1", None),
        ("2001:db8:1::", Some("shop")),
    ] {
        assert_eq!(apps.by_address(address.parse().unwrap()).and_then(of), app, "{address}");
    }
}

#[test]
fn what_is_told_of_an_application_is_listed() {
    let apps = apps();
    let maker = apps.get(apps.by_name("maker").unwrap()).unwrap();
    let clues: Vec<(&str, &str)> = maker.clues.iter().map(|(k, t)| (k.key(), &**t)).collect();
    assert_eq!(
        clues,
        [
            ("certificates", "maker root ca"),
            ("certificates", "maker, ltd"),
            ("addresses", "192.0.2.128/25")
        ]
    );
    let shop = apps.get(apps.by_name("shop").unwrap()).unwrap();
    assert_eq!((&*shop.shared, shop.clues.len()), (&["shops.example".into()][..], 4));
    assert!(shop.clues.iter().all(|(kind, _)| matches!(kind, Clue::Word | Clue::Address)));
}

#[test]
fn a_later_file_takes_clues_and_may_forget_them() {
    let moved = "[resolver]\nreplace = true\n[other]\ncategory = dns\nalpn = dot\n";
    let apps = Apps::with_files(&[("a", TEXT), ("b", moved)]).unwrap();
    let of = |app| apps.get(app).map(|app| &*app.name);
    assert_eq!(apps.by_alpn(b"dot").and_then(of), Some("other"));
    // Forgotten, and not the built-in's again.
    assert_eq!(apps.by_alpn(b"doq").and_then(of), None);
    assert_eq!(apps.by_tls_port(853).and_then(of), None);
}

#[test]
fn clues_that_cannot_be_are_refused() {
    for (clue, why) in [
        ("addresses = 192.0.2.1/24", "goes on"),
        ("addresses = here", "no address"),
        ("tls_ports = 0", "no port"),
        ("tls_ports = 65536", "no port"),
        ("labels = doh2", "no word"),
        ("words = Shop", "no word"),
        ("alpn = caf\u{e9}", "no ALPN"),
        ("alpn = dot dot", "stands in line 3 already"),
    ] {
        let text = format!("[a]\ncategory = web\n{clue}\n");
        let error = Apps::with_files(&[("my.conf", &text)]).expect_err(clue);
        assert!(error.message.contains(why), "{clue}: {}", error.message);
        assert_eq!(error.line, 3);
    }
    let long = format!("[a]\ncategory = web\ncertificates = {}\n", "x".repeat(129));
    assert!(Apps::with_files(&[("my.conf", &long)]).is_err());
}

#[test]
fn resolvers_and_programs_of_the_built_in_table() {
    let apps = Apps::builtin();
    let of = |app| apps.get(app).map(|app| &*app.name);
    assert_eq!(apps.by_alpn(b"doq").and_then(of), Some("encrypted_dns"));
    assert_eq!(name(&apps, apps.by_server(b"doh.other.test")), Some(("encrypted_dns", false)));
    assert_eq!(name(&apps, apps.by_server(b"dns.google")), Some(("google_doh", true)));
    assert!(!name(&apps, apps.by_server(b"d111.cloudfront.net")).unwrap().1);
    for (address, app) in [
        ("149.154.167.1", "telegram"),
        ("157.240.1.1", "facebook"),
        ("162.159.192.1", "cloudflare_warp"),
        ("162.158.0.1", "cloudflare"),
        ("8.8.8.8", "google_doh"),
        ("2606:4700:d0::1", "cloudflare_warp"),
        ("2606:4700::1", "cloudflare"),
    ] {
        assert_eq!(apps.by_address(address.parse().unwrap()).and_then(of), Some(app), "{address}");
    }
    for address in ["192.0.2.1", "10.0.0.1", "127.0.0.1", "224.0.0.1", "2001:db8::1", "fe80::1"] {
        assert_eq!(apps.by_address(address.parse().unwrap()), None, "{address}");
    }
    let used: std::collections::BTreeSet<_> = apps.iter().map(|(_, app)| app.category).collect();
    assert!(used.len() >= 30, "{}", used.len());
}

//! Every operator on every type: which there are, and what they answer.

use std::net::IpAddr;

use nf_fields::{Binary, Mac, Text, Timestamp};
use proptest::prelude::*;

use crate::record::{Inner, Record, parse};

/// A field of each type with a value written for it.
const TYPES: [(&str, &str); 11] = [
    ("flag", "true"),
    ("small", "7"),
    ("offset", "-7"),
    ("ratio", "0.5"),
    ("http.host", "'a'"),
    ("payload", "0xff"),
    ("eth.src", "00:11:22:33:44:55"),
    ("src_ip", "192.0.2.1"),
    ("start", "2024-05-01"),
    ("dns.names", "'a'"),
    ("ports", "80"),
];

/// The types an operator is for; `inner`, a record, has none.
const OPERATORS: [(&str, &[&str]); 5] = [
    (
        "==",
        &[
            "flag",
            "small",
            "offset",
            "ratio",
            "http.host",
            "payload",
            "eth.src",
            "src_ip",
            "start",
            "dns.names",
            "ports",
        ],
    ),
    ("<", &["small", "offset", "ratio", "http.host", "start", "dns.names", "ports"]),
    (
        "in",
        &[
            "small",
            "offset",
            "ratio",
            "http.host",
            "payload",
            "eth.src",
            "src_ip",
            "start",
            "dns.names",
            "ports",
        ],
    ),
    ("contains", &["http.host", "payload", "dns.names"]),
    ("matches", &["http.host", "payload", "dns.names"]),
];

#[test]
fn operators_are_for_the_types_they_have_a_meaning_for() {
    for (operator, allowed) in OPERATORS {
        let spellings: &[&str] = match operator {
            "==" => &["==", "=", "!="],
            "<" => &["<", "<=", ">", ">="],
            "in" => &["in", "not in"],
            "contains" => &["contains", "startswith", "endswith", "not contains", "not endswith"],
            _ => &["matches", "not matches"],
        };
        for spelling in spellings {
            for (field, value) in TYPES {
                let value = if operator == "matches" { "'a'" } else { value };
                let text = format!("{field} {spelling} {value}");
                let parsed = parse(&text);
                assert_eq!(parsed.is_ok(), allowed.contains(&field), "{text}: {parsed:?}");
                if let Err(error) = parsed {
                    let at = text.find(spelling.rsplit(' ').next().unwrap()).unwrap();
                    assert_eq!(error.position, at, "{error}");
                }
            }
            assert!(parse(&format!("inner {spelling} 1")).is_err());
        }
    }
    for (field, _) in TYPES.into_iter().chain([("inner", "")]) {
        assert!(parse(field).is_ok() && parse(&format!("not {field}")).is_ok(), "{field}");
    }
}

#[test]
fn values_of_another_type_are_refused_where_they_stand() {
    for (field, own) in TYPES {
        for (other, value) in TYPES {
            // Numbers pass for one another within range, texts for octets, seconds for times.
            let number = |f: &str| matches!(f, "small" | "offset" | "ratio" | "ports");
            let octets = |f: &str| matches!(f, "http.host" | "payload" | "dns.names");
            if number(field) && number(other)
                || octets(field) && octets(other)
                || field == "start" && number(other)
                || own == value
            {
                continue;
            }
            let text = format!("{field} == {value}");
            let error = match parse(&text) {
                Err(error) => error,
                Ok(_) if number(field) && value == "0xff" => continue,
                Ok(_) => panic!("{text} was accepted"),
            };
            assert_eq!((error.position, error.length), (field.len() + 4, value.len()), "{error}");
        }
    }
}

#[test]
fn an_absent_field_passes_nothing_but_not() {
    let nothing = Record::default();
    for (field, value) in TYPES {
        assert!(!nothing.passes(field), "{field}");
        assert!(!nothing.passes(&format!("{field} == {value}")), "{field}");
        assert!(!nothing.passes(&format!("{field} != {value}")), "{field}");
        assert!(nothing.passes(&format!("not {field} == {value}")), "{field}");
        assert!(nothing.passes(&format!("not {field} != {value}")), "{field}");
    }
    assert!(!nothing.passes("small not in {1, 2}"));
    assert!(nothing.passes("not small in {1, 2}"));
    assert!(!nothing.passes("bytes < 10"));
    assert!(!nothing.passes("port != 80"));
}

#[test]
fn a_field_alone_is_there_and_not_empty() {
    let empty = Record {
        flag: Some(false),
        small: Some(0),
        offset: Some(0),
        ratio: Some(-0.0),
        host: Some(Text::from("")),
        payload: Some(Binary::from("")),
        start: Some(Timestamp(0)),
        names: Some(Vec::new()),
        bytes_up: Some(0),
        ..Record::default()
    };
    for field in
        ["flag", "small", "offset", "ratio", "http.host", "payload", "start", "dns.names", "bytes"]
    {
        assert!(!empty.passes(field), "{field}");
    }
    let full = Record {
        flag: Some(true),
        small: Some(1),
        offset: Some(-1),
        ratio: Some(0.1),
        host: Some(Text::from("h")),
        payload: Some(Binary::from("\0")),
        start: Some(Timestamp(1)),
        names: Some(vec![Text::from("")]),
        bytes_down: Some(1),
        mac: Some(Mac([0; 6])),
        src_ip: Some("0.0.0.0".parse().unwrap()),
        inner: Some(Inner { depth: 0 }),
        ..Record::default()
    };
    for field in [
        "flag",
        "small",
        "offset",
        "ratio",
        "http.host",
        "payload",
        "start",
        "dns.names",
        "bytes",
        "eth.src",
        "src_ip",
        "inner",
        "host_ip",
    ] {
        assert!(full.passes(field), "{field}");
    }
}

#[test]
fn texts() {
    let r = Record { host: Some(Text::from("www.example.com")), ..Record::default() };
    assert!(r.passes(r#"http.host == "www.example.com""#));
    assert!(!r.passes(r#"http.host == "WWW.example.com""#));
    assert!(r.passes(r#"http.host != "example.com""#));
    assert!(r.passes(r#"http.host contains "example""#));
    assert!(r.passes(r#"http.host contains """#));
    assert!(!r.passes(r#"http.host contains "EXAMPLE""#));
    assert!(r.passes(r#"http.host startswith "www.""#));
    assert!(!r.passes(r#"http.host startswith "example""#));
    assert!(r.passes(r#"http.host endswith ".com""#));
    assert!(r.passes(r#"http.host not endswith ".org""#));
    assert!(r.passes(r#"http.host in {"a", "www.example.com", "b"}"#));
    assert!(r.passes(r#"http.host not in {"a", "b"}"#));
    assert!(r.passes(r#"http.host < "www.f" and http.host > "www.e""#));
    assert!(r.passes(r#"http.host <= "www.example.com" and http.host >= "www.example.com""#));
    let odd = Record { host: Some(Text::from(&b"a\xff\0b"[..])), ..Record::default() };
    assert!(odd.passes(r#"http.host contains "\xff\0""#));
}

#[test]
fn regular_expressions() {
    let r = Record {
        host: Some(Text::from(&b"r3---sn-25ge7n.example.com\xff"[..])),
        ..Record::default()
    };
    assert!(r.passes(r#"http.host matches "^r\d+---sn-""#));
    assert!(r.passes(r#"http.host matches "sn-""#));
    assert!(!r.passes(r#"http.host matches "SN-""#));
    assert!(r.passes(r#"http.host matches "(?i)SN-""#));
    assert!(r.passes(r#"http.host matches "\.example\.com\xff$""#));
    assert!(!r.passes(r#"http.host matches "^sn""#));
    assert!(r.passes(r#"http.host not matches "^sn""#));
    let quotes = Record { host: Some(Text::from("a\"b'c\\")), ..Record::default() };
    assert!(quotes.passes(r#"http.host matches "a\"b'c\\$""#));
}

#[test]
fn expressions_that_would_backtrack_take_linear_time() {
    let r = Record { host: Some(Text::from("a".repeat(50_000))), ..Record::default() };
    assert!(!r.passes(r#"http.host matches "^(a+)+$b""#));
    assert!(!r.passes(r#"http.host matches "(a*)*(a*)*(a*)*c""#));
}

#[test]
fn octets() {
    let r = Record { payload: Some(Binary::from(vec![0xc0, 0xff, 0xee])), ..Record::default() };
    assert!(r.passes("payload == 0xC0FFEE"));
    assert!(r.passes("payload contains 0xff"));
    assert!(r.passes("payload startswith 0xc0 and payload endswith 0xee"));
    assert!(r.passes(r#"payload matches "\xff.$""#));
    assert!(r.passes("payload in {0x00, 0xc0ffee}"));
    assert!(r.passes(r#"payload != "text""#));
}

#[test]
fn addresses() {
    let r = Record {
        src_ip: Some("10.1.2.3".parse().unwrap()),
        dst_ip: Some("2001:db8::5".parse().unwrap()),
        ..Record::default()
    };
    assert!(r.passes("src_ip == 10.1.2.3"));
    assert!(r.passes("src_ip in 10.0.0.0/8"));
    assert!(r.passes("src_ip in 10.9.9.9/8"));
    assert!(!r.passes("src_ip in 11.0.0.0/8"));
    assert!(r.passes("src_ip in 0.0.0.0/0 and not src_ip in ::/0"));
    assert!(r.passes("dst_ip in ::/0 and not dst_ip in 0.0.0.0/0"));
    assert!(r.passes("dst_ip in 2001:db8::/32"));
    assert!(r.passes("dst_ip in 2001:db8::1..2001:db8::9"));
    assert!(r.passes("src_ip in {192.0.2.0/24, 10.1.2.3, ::1}"));
    assert!(r.passes("src_ip != 10.1.2.4"));
    assert!(r.passes("src_ip != ::1"));
    assert!(r.passes("host_ip in 2001:db8::/32 and host_ip in 10.0.0.0/8"));
    // A mapped address is an IPv6 one.
    let mapped = Record { src_ip: Some("::ffff:10.1.2.3".parse().unwrap()), ..Record::default() };
    assert!(!mapped.passes("src_ip in 10.0.0.0/8"));
}

#[test]
fn hardware_addresses() {
    let r = Record { mac: Some(Mac([0, 0x11, 0x22, 0x33, 0x44, 0x55])), ..Record::default() };
    assert!(r.passes("eth.src == 00:11:22:33:44:55"));
    assert!(r.passes("eth.src == 00-11-22-33-44-55"));
    assert!(r.passes("eth.src in 00:11:22:00:00:00/24"));
    assert!(!r.passes("eth.src in 00:11:23:00:00:00/24"));
    assert!(r.passes("eth.src in {02:00:00:00:00:00, 00:11:22:33:44:00..00:11:22:33:44:ff}"));
}

#[test]
fn times_and_time_spans() {
    let r = Record {
        start: Some(Timestamp(1_714_564_800_000_000_000)),
        rtt_us: Some(1_500),
        delay_ms: Some(1.5),
        ..Record::default()
    };
    assert!(r.passes("start == 2024-05-01T12:00:00Z"));
    assert!(r.passes("start == 1714564800"));
    assert!(r.passes("start >= 2024-05-01 and start < 2024-05-02"));
    assert!(r.passes("start in 2024-05-01T11:59:59.5Z..2024-05-01T14:00:00+02:00"));
    assert!(r.passes("rtt_us == 1.5ms and rtt_us < 1s and rtt_us > 1400"));
    assert!(r.passes("rtt == 1500us"));
    assert!(r.passes("rtt in {1ms..2ms, 1h}"));
    assert!(r.passes("delay_ms == 1500us and delay_ms > 1ms"));
}

#[test]
fn sums_and_either_end() {
    let r = Record {
        src_port: Some(50_000),
        dst_port: Some(443),
        bytes_up: Some(600_000),
        bytes_down: Some(500_000),
        offset: Some(-5),
        offset_back: Some(3),
        ratio: Some(0.25),
        ratio_back: Some(0.5),
        ..Record::default()
    };
    assert!(r.passes("bytes > 1M and not bytes_up > 1M and bytes == 1.1M"));
    assert!(r.passes("offsets == -2 and ratios == 0.75"));
    assert!(r.passes("port == 443 and port == 50000"));
    assert!(!r.passes("port != 443"));
    assert!(r.passes("port != 80"));
    assert!(r.passes("port not in {80, 8080}") && !r.passes("port not in {80, 443}"));
    let half = Record { bytes_down: Some(7), ..Record::default() };
    assert!(half.passes("bytes == 7"));
    let most = Record { bytes_up: Some(u64::MAX), bytes_down: Some(1), ..Record::default() };
    assert!(most.passes("bytes == 18446744073709551615"));
}

#[test]
fn lists_pass_when_an_item_does() {
    let r = Record {
        names: Some(vec![Text::from("a.example"), Text::from("b.example")]),
        ports: Some(vec![80, 443]),
        ..Record::default()
    };
    assert!(r.passes("dns.names == 'b.example' and dns.names startswith 'a'"));
    assert!(r.passes("ports == 80 and ports > 400 and ports in 440..450"));
    assert!(!r.passes("ports != 80"));
    assert!(r.passes("ports != 81"));
    assert!(r.passes("dns.names not contains 'org'"));
    assert!(!r.passes("dns.names not contains 'b.'"));
}

#[test]
fn names_with_digits_first() {
    let r = Record { vid: Some(7), ..Record::default() };
    assert!(r.passes("8021q.vid == 7"));
}

#[test]
fn the_issue_s_own_example() {
    let r = Record {
        host: Some(Text::from("youtube")),
        bytes_up: Some(900_000),
        bytes_down: Some(900_000),
        dst_ip: Some("10.1.1.1".parse().unwrap()),
        src_port: Some(503),
        ..Record::default()
    };
    let text = r#"http.host == "youtube" and bytes > 1M and dst_ip in 10.0.0.0/8 and port >= 500"#;
    assert!(r.passes(text));
}

proptest! {
    #[test]
    fn numbers_compare_as_numbers(value in 0u64..20, other in 0u64..20) {
        let r = Record { bytes_up: Some(value), offset: Some(value as i64 - 10), ratio: Some(value as f64 / 4.0), ..Record::default() };
        for (operator, expected) in [
            ("==", value == other), ("!=", value != other), ("<", value < other),
            ("<=", value <= other), (">", value > other), (">=", value >= other),
        ] {
            prop_assert_eq!(r.passes(&format!("bytes_up {operator} {other}")), expected);
            prop_assert_eq!(r.passes(&format!("offset {operator} {}", other as i64 - 10)), expected);
            prop_assert_eq!(r.passes(&format!("ratio {operator} {}", other as f64 / 4.0)), expected);
        }
    }

    #[test]
    fn addresses_are_in_the_networks_that_share_their_bits(a: u128, b: u128, bits in 0u32..=128) {
        let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
        for network in [b, a, a ^ 1, a ^ (1 << 100)] {
            let r = Record { src_ip: Some(IpAddr::V6(a.into())), ..Record::default() };
            let text = format!("src_ip in {}/{bits}", IpAddr::V6(network.into()));
            prop_assert_eq!(r.passes(&text), a & mask == network & mask);
        }
        let (a, b, bits) = (a as u32, b as u32, bits % 33);
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        for network in [b, a, a ^ 1, a ^ (1 << 20)] {
            let r = Record { src_ip: Some(IpAddr::V4(a.into())), ..Record::default() };
            let text = format!("src_ip in {}/{bits}", IpAddr::V4(network.into()));
            prop_assert_eq!(r.passes(&text), a & mask == network & mask);
        }
    }
}

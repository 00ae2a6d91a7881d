//! Whatever the text: an answer or a mistake within it, never a panic.

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Mac, Text, Timestamp};
use nf_filter::MAX_LEAVES;
use proptest::prelude::*;

use crate::record::{Inner, Record, parse};

/// A record with everything in it.
fn full() -> Record {
    Record {
        flag: Some(true),
        small: Some(1),
        src_port: Some(2),
        dst_port: Some(3),
        bytes_up: Some(4),
        bytes_down: Some(u64::MAX),
        offset: Some(i64::MIN),
        offset_back: Some(i64::MIN),
        ratio: Some(f64::NAN),
        ratio_back: Some(f64::INFINITY),
        rtt_us: Some(5),
        delay_ms: Some(0.0),
        host: Some(Text::from(&b"h\xffst"[..])),
        payload: Some(Vec::new().into()),
        mac: Some(Mac([255; 6])),
        src_ip: Some(IpAddr::V4(Ipv4Addr::BROADCAST)),
        dst_ip: Some(IpAddr::V6(u128::MAX.into())),
        start: Some(Timestamp(u64::MAX)),
        names: Some(vec![Text::from("")]),
        ports: Some(vec![0, 65_535]),
        inner: Some(Inner { depth: 1 }),
        vid: None,
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(filter) => {
            prop_assert!(!filter.leaves().is_empty() && filter.leaves().len() <= MAX_LEAVES);
            let record = full();
            let answer = filter.matches(&mut |slot, found| found(record.slot(slot)));
            // Evaluating leaf by leaf gives the same answer.
            let by_leaf = filter.evaluate(&mut |index| {
                filter.leaves()[index].holds(&mut |slot, found| found(record.slot(slot)))
            });
            prop_assert_eq!(answer, by_leaf);
            for leaf in filter.leaves() {
                prop_assert!(text.get(leaf.span()).is_some_and(|t| t.starts_with(leaf.name())));
            }
        }
        Err(error) => {
            prop_assert!(error.position + error.length <= text.len());
            prop_assert!(text.get(error.position..error.position + error.length).is_some());
            prop_assert!(!error.message.is_empty() && !error.hint.is_empty());
            let shown = error.to_string();
            let lines: Vec<&str> = shown.split('\n').collect();
            prop_assert_eq!(lines.len(), 3, "{}", shown);
            prop_assert!(lines[1].trim_start().starts_with('^'));
        }
    }
    Ok(())
}

/// Pieces that filters are made of, so that many of the texts put together are filters.
const PIECES: &[&str] = &[
    "flag",
    "small",
    "port",
    "bytes",
    "offset",
    "ratio",
    "rtt_us",
    "http.host",
    "payload",
    "eth.src",
    "src_ip",
    "start",
    "dns.names",
    "ports",
    "inner",
    "8021q.vid",
    "nonsense",
    "==",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not",
    "and",
    "or",
    "contains",
    "startswith",
    "endswith",
    "matches",
    "&&",
    "||",
    "!",
    "(",
    ")",
    "{",
    "}",
    ",",
    "..",
    "true",
    "false",
    "80",
    "1.5M",
    "0x1f",
    "-3",
    "1e400",
    "0.5",
    "5s",
    "200ms",
    "10.0.0.1",
    "10.0.0.0/8",
    "::1",
    "::/0",
    "00:11:22:33:44:55",
    "2024-05-01",
    "2024-05-01T12:00:00Z",
    "\"text\"",
    "'a.*b'",
    "'['",
    "\"\\x\"",
    "\"\"",
    "\"",
    "é",
    "\n",
    "\0",
    "..",
    "~",
    "[",
    "9999999999999999999999",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_characters(text in proptest::collection::vec(any::<char>(), 0..60)) {
        check(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_pieces(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..24),
        blanks: bool,
    ) {
        check(&pieces.join(if blanks { " " } else { "" }))?;
    }

    #[test]
    fn any_filter_with_one_slip(at in 0usize..120, what in any::<char>(), how in 0u8..3) {
        const TEXT: &str = "http.host == \"a\\x41é\" and not (bytes > 1.5M or src_ip in \
            {10.0.0.0/8, ::1..::9}) and rtt_us not in 1ms..5s or start < 2024-05-01";
        let mut chars: Vec<char> = TEXT.chars().collect();
        let at = at.min(chars.len() - 1);
        match how {
            0 => chars[at] = what,
            1 => chars.insert(at, what),
            _ => { chars.remove(at); }
        }
        check(&chars.into_iter().collect::<String>())?;
    }
}

#[test]
fn large_texts_take_their_time_once() {
    for text in [
        "flag or ".repeat(8_000) + "flag",
        "(".repeat(65_000),
        "\"".repeat(65_000),
        "\\".repeat(65_000),
        format!("http.host == \"{}\"", "\\x41".repeat(16_000)),
        format!("http.host matches \"{}\"", "(a|b)*".repeat(10_000)),
        format!("http.host matches \"{}\"", "(".repeat(65_000)),
        format!("small == {}", "9".repeat(65_000)),
        format!("small == 1.{}", "9".repeat(65_000)),
        format!("small == 1e{}", "9".repeat(65_000)),
        "x".repeat(65_000),
        "a.".repeat(32_000),
        "é".repeat(32_000),
        "http.host matches '(a{99}){99}' or ".repeat(1_800) + "flag",
    ] {
        check(&text).unwrap();
    }
}

#[test]
fn a_line_break_quoted_in_a_message_does_not_break_the_message() {
    let error = parse("http.host == \"a\\\n\"").unwrap_err();

    assert_eq!(error.to_string().split('\n').count(), 3, "{error}");
}

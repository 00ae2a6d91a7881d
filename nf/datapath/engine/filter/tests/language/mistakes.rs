//! Mistakes: where they are said to be, what is said, what is suggested.

use crate::record::mistake;

/// Text with the mistake between brackets, part of the message, part of the hint.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("[]", "the filter is empty", "field name"),
    ("   []", "the filter is empty", "field name"),
    ("flag and []", "missing before the end", "field name"),
    ("flag [)]", "there is no (", "without it"),
    ("[(]flag", "not closed", ")"),
    ("(flag [http.host])", "`and` or `or` is missing before `http.host`", "and"),
    ("flag [small] == 3", "`and` or `or` is missing", "and"),
    ("flag and [or] small", "missing before `or`", "field name"),
    ("[http.staus] == 3", "there is no field `http.staus`", "nf protocols"),
    ("flag and [http.hots] == 'x'", "there is no field", "http.host"),
    ("[host]", "there is no field `host`", "http.host"),
    ("[src_prt] == 3", "there is no field", "nf protocols"),
    ("[tcp.src-port] == 3", "there is no field", "tcp.src_port"),
    ("[nowhere]", "there is no field", ""),
    ("[wrong_sum] == 'x'", "cannot be summed", ""),
    ("[80] == port", "starts with a field", "field == value"),
    ("['x'] == http.host", "starts with a field", "field == value"),
    ("[true]", "starts with a field", "field == value"),
    ("small == []", "a value is missing before the end", "small == 80"),
    ("small == [and] flag", "a value is missing before `and`", "small == 80"),
    ("small == [==] 3", "a value is missing", ""),
    ("small == [{]3}", "only follows `in`", "small in"),
    ("bytes_up > [bytes_down]", "is a field", "bytes_up > 80"),
    ("[1] < small", "starts with a field", ""),
    ("small < 5 [<] 7", "one operator", "in 1..5"),
    ("small == [\"80\"]", "is a number (u8), \"80\" is text", "80 without quotes"),
    ("small == [\"x\"]", "is text", "80"),
    ("small == [300]", "out of its range", "0 to 255"),
    ("small == [-1]", "out of its range", "0 to 255"),
    ("small == [1.5]", "whole", "whole"),
    ("small == [5s]", "does not count time", "without a unit"),
    ("small == [5m]", "neither M", ""),
    ("small == [10.0.0.1]", "is an address", "80"),
    ("small == [10.0.0.0/8]", "is a network", "80"),
    ("rtt_us == [5ns]", "whole microseconds", "whole"),
    ("rtt_us == ['5s']", "is text", "5s without quotes"),
    ("http.host == [youtube]", "stands in quotes", "\"youtube\""),
    ("http.host == [80]", "stands in quotes", "\"80\""),
    ("http.host == \"a[\\q]\"", "no escape", "\\\\ for a backslash"),
    ("http.host == [\"abc]", "does not end", "closing \""),
    ("http.host matches \"a[(]b\"", "unclosed group", ""),
    ("http.host matches \"é[)]\"", "unopened group", ""),
    ("http.host matches [abc]", "in quotes", "\"abc\""),
    ("http.host matches [\"a{1000}{1000}\"]", "too large", "smaller"),
    ("http.host matches \"[\\p{Greek}]\"", "regular expression", ""),
    ("http.host in 'a'[..]'b'", "no ranges", "startswith"),
    ("http.host [~] 'x'", "no meaning", "matches"),
    ("flag [&] small", "no meaning", "&&"),
    ("flag [|] small", "no meaning", "||"),
    ("http.host == [“]x”", "no meaning", "straight quotes"),
    ("flag [<] true", "does not apply", "flag == true"),
    ("flag == [1]", "true or false", "true or false"),
    ("src_ip [<] 10.0.0.1", "does not apply", "in"),
    ("src_ip == [10.0.0.0/8]", "not one address", "src_ip in 10.0.0.0/8"),
    ("src_ip in [10.0.0.0/33]", "0 to 32 bits", "/32"),
    ("src_ip in [10.0.0.256]", "`10.0.0.256` is not", "192.0.2.1"),
    ("src_ip in [10.0.0.9..10.0.0.1]", "before it starts", "10.0.0.1..10.0.0.9"),
    ("src_ip in [10.0.0.1..::1]", "different address families", ""),
    ("src_ip [contains] '10.'", "does not apply", "in 192.0.2.0/24"),
    ("port in [(]80, 443)", "braces", "{80, 443}"),
    ("port in {80 [443]}", "comma", "{80, 443"),
    ("port in {[}]", "a value is missing", "in {80}"),
    ("port in {80,[,] 443}", "a value is missing", ""),
    ("port in [{]80, 443", "not closed", "}"),
    ("port in 80..[]", "a value is missing", "both ends"),
    ("port in [..]80", "a value is missing", ""),
    ("port in 80..[x]", "`x` is not", "80"),
    ("port == 80[..]90", "not one value", "port in 80..…"),
    ("port not [80]", "is missing before `80`", "not in"),
    ("start > [2024-13-01]", "no time between", "2024-05-01"),
    ("start > [5s]", "is a time span", "2024"),
    ("eth.src == [00:11]", "`00:11` is not", "00:11:22:33:44:55"),
    ("payload == [0xabc]", "octets", "two hexadecimal digits"),
    ("inner [==] 3", "does not apply", "it is there"),
    ("ports [contains] 80", "does not apply", "any item"),
    ("[é]", "no meaning", ""),
];

#[test]
fn mistakes_are_pointed_at() {
    for (marked, message, hint) in MISTAKES {
        let start = marked.find('[').unwrap();
        let end = marked.find(']').unwrap();
        let text: String = marked.replacen('[', "", 1).replacen(']', "", 1);
        let error = mistake(&text);
        let place = (error.position, error.length);
        assert_eq!(place, (start, end - start - 1), "{marked}\n{error}");
        assert!(error.message.contains(message), "{marked}\n{error}");
        assert!(error.hint.contains(hint), "{marked}\n{error}");
        assert!(!error.hint.is_empty(), "{marked}");
    }
}

#[test]
fn the_first_mistake_is_the_one_told() {
    assert_eq!(mistake("nonsense == \"abc").position, 0);
    assert_eq!(mistake("flag and small == 'x' and nonsense").position, 18);
}

#[test]
fn a_mistake_is_three_lines() {
    assert_eq!(
        mistake("flag and http.hots == 'x'").to_string(),
        "flag and http.hots == 'x'\n         ^^^^^^^^^ there is no field `http.hots`\ntry: http.host"
    );
}

//! How tests are put together: precedence, spelling, nesting.

use nf_filter::{Comparison, Expr, Literal, MAX_DEPTH, MAX_LEAVES, MAX_PATTERNS, Order};

use crate::record::{Record, mistake, parse};

fn shape(text: &str) -> String {
    fn write(expr: &Expr, out: &mut String) {
        match expr {
            Expr::Leaf(index) => out.push(char::from(b'a' + u8::try_from(*index).unwrap())),
            Expr::Not(inner) => {
                out.push('!');
                write(inner, out);
            }
            Expr::All(parts) | Expr::Any(parts) => {
                let mark = if matches!(expr, Expr::All(_)) { "&" } else { "|" };
                out.push('(');
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        out.push_str(mark);
                    }
                    write(part, out);
                }
                out.push(')');
            }
        }
    }
    let mut out = String::new();
    write(parse(text).unwrap_or_else(|e| panic!("{e}")).expr(), &mut out);
    out
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    assert_eq!(shape("flag or small and ratio"), "(a|(b&c))");
    assert_eq!(shape("flag and small or ratio"), "((a&b)|c)");
    assert_eq!(shape("not flag and small"), "(!a&b)");
    assert_eq!(shape("not (flag and small)"), "!(a&b)");
    assert_eq!(shape("not not flag"), "!!a");
    assert_eq!(shape("flag or small or ratio"), "(a|b|c)");
    assert_eq!(shape("(flag or small) and ratio"), "((a|b)&c)");
    assert_eq!(shape("not small == 3 or flag"), "(!a|b)");
    assert_eq!(shape("((flag))"), "a");
}

#[test]
fn signs_and_words_mean_the_same() {
    assert_eq!(shape("!flag&&small||ratio"), shape("not flag and small or ratio"));
    assert_eq!(shape("NOT flag AND small Or ratio"), shape("not flag and small or ratio"));
    let equal = Comparison::Order(Order::Equal, Literal::Uint(3));
    for text in ["small == 3", "small = 3", "small==3", "small\n==\t3", "small == 0x3"] {
        assert_eq!(*parse(text).unwrap().leaves()[0].comparison(), equal, "{text}");
    }
}

#[test]
fn unequal_means_there_and_not_equal() {
    assert_eq!(shape("small != 3"), "(b&!a)");
    assert_eq!(shape("small not in {3, 4}"), "(b&!a)");
    assert_eq!(shape("http.host not contains 'x'"), "(b&!a)");
    assert_eq!(*parse("small != 3").unwrap().leaves()[1].comparison(), Comparison::Present);
}

#[test]
fn equal_tests_are_made_once() {
    assert_eq!(shape("small == 3 or small = 0x3 or small == 3.0"), "(a|a|a)");
    assert_eq!(shape("rtt == 1ms or rtt_us == 1000"), "(a|a)");
    assert_eq!(shape("small != 1 and small != 2"), "((b&!a)&(b&!c))");
}

#[test]
fn leaves_tell_where_they_stand() {
    let text = "flag and  tcp.src_port in {80, 443}  or not http.host matches '^a'";
    let filter = parse(text).unwrap();
    let stand: Vec<_> = filter.leaves().iter().map(|leaf| &text[leaf.span()]).collect();
    assert_eq!(stand, ["flag", "tcp.src_port in {80, 443}", "http.host matches '^a'"]);
    assert_eq!(filter.leaves()[1].name(), "tcp.src_port");
    assert_eq!(filter.text(), text);
}

#[test]
fn only_leaves_that_matter_are_asked() {
    let asked = |text: &str, answer: bool| {
        let mut asked = Vec::new();
        parse(text).unwrap().evaluate(&mut |leaf| {
            asked.push(leaf);
            answer
        });
        asked
    };
    assert_eq!(asked("flag or small or ratio", true), [0]);
    assert_eq!(asked("flag or small or ratio", false), [0, 1, 2]);
    assert_eq!(asked("flag and small and ratio", false), [0]);
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}flag{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(mistake(&nested(MAX_DEPTH + 1)).position, MAX_DEPTH);
    assert!(parse(&format!("{}flag", "!".repeat(MAX_DEPTH))).is_ok());
    assert_eq!(mistake(&format!("{}flag", "!".repeat(60_000))).position, MAX_DEPTH);
    assert_eq!(mistake(&"not (".repeat(12_000)).position, MAX_DEPTH / 2 * 5);
    // Side by side is not nested.
    let flat = vec!["(not flag)"; 4_000].join(" and ");
    assert!(parse(&flat).is_ok());
}

#[test]
fn tests_are_bounded() {
    let tests =
        |n: usize| (0..n).map(|i| format!("bytes_up == {i}")).collect::<Vec<_>>().join(" or ");
    assert_eq!(parse(&tests(MAX_LEAVES)).unwrap().leaves().len(), MAX_LEAVES);
    let error = mistake(&tests(MAX_LEAVES + 1));
    assert_eq!(error.position, tests(MAX_LEAVES).len() + " or ".len());
    let patterns = |n: usize| {
        (0..n).map(|i| format!("http.host matches 'x{i}'")).collect::<Vec<_>>().join(" or ")
    };
    assert!(parse(&patterns(MAX_PATTERNS)).is_ok());
    assert!(mistake(&patterns(MAX_PATTERNS + 1)).message.contains("regular expressions"));
}

#[test]
fn long_lists_are_one_test() {
    let list: Vec<String> = (0..9_000u32).map(|i| (i * 3).to_string()).collect();
    let text = format!("bytes_up in {{{}}}", list.join(","));
    let record = |bytes| Record { bytes_up: Some(bytes), ..Record::default() };
    assert!(record(2_997).passes(&text));
    assert!(!record(2_998).passes(&text));
    assert!(!record(27_000).passes(&text));
}

#[test]
fn the_text_is_bounded() {
    let error = mistake(&format!("flag{}", " ".repeat(65_533)));
    assert_eq!((error.position, error.length), (65_536, 0));
    assert!(parse(&format!("flag{}", " ".repeat(65_532))).is_ok());
}

#[test]
fn filters_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    shared(&parse("flag").unwrap());
}

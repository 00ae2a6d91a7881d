//! Lines of IMAP to commands and responses (RFC 3501, RFC 9051): pure.

use crate::lines::{number, split_word};

/// Longest tag that is believed.
const MAX_TAG: usize = 32;

/// Commands of the registry, upper case.
pub(super) const COMMANDS: &[&str] = &[
    "APPEND",
    "AUTHENTICATE",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COMPRESS",
    "COPY",
    "CREATE",
    "DELETE",
    "DELETEACL",
    "ENABLE",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GETACL",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "ID",
    "IDLE",
    "LIST",
    "LISTRIGHTS",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOOP",
    "RENAME",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETMETADATA",
    "SETQUOTA",
    "SORT",
    "STARTTLS",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UID",
    "UNAUTHENTICATE",
    "UNSELECT",
    "UNSUBSCRIBE",
    "XLIST",
];

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    pub(super) tag: &'a [u8],
    /// Upper case; of `UID` with what it applies to.
    pub(super) verb: String,
    pub(super) argument: &'a [u8],
}

/// A server's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response<'a> {
    /// `* …`: a word, a number before it perhaps, and the rest.
    Untagged { number: Option<u64>, word: &'a [u8], rest: &'a [u8] },
    /// `+ …`.
    Continue,
    /// The end of a command.
    Tagged { tag: &'a [u8], status: &'static str, text: &'a [u8] },
}

fn is_tag(word: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_graphic() && !b"(){%*\"\\+".contains(b);
    (1..=MAX_TAG).contains(&word.len()) && word.iter().all(allowed)
}

/// Takes a client's line apart; `None` when it is no command.
pub(super) fn command(line: &[u8]) -> Option<Command<'_>> {
    let (tag, rest) = split_word(line);
    let (verb, argument) = split_word(rest);
    let plausible =
        is_tag(tag) && (2..=16).contains(&verb.len()) && verb.iter().all(u8::is_ascii_alphabetic);
    let verb = String::from_utf8(verb.to_ascii_uppercase()).ok().filter(|_| plausible)?;
    if verb == "UID" {
        let (inner, argument) = split_word(argument);
        let inner = inner.get(..16).unwrap_or(inner);
        let inner = std::str::from_utf8(inner).ok()?.to_ascii_uppercase();
        return Some(Command { tag, verb: format!("UID {inner}"), argument });
    }
    Some(Command { tag, verb, argument })
}

/// The status word of a response.
pub(super) fn status(word: &[u8]) -> Option<&'static str> {
    ["OK", "NO", "BAD", "PREAUTH", "BYE"]
        .into_iter()
        .find(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Takes a server's line apart; `None` when it is no response.
pub(super) fn response(line: &[u8]) -> Option<Response<'_>> {
    if line == b"+" || line.starts_with(b"+ ") {
        return Some(Response::Continue);
    }
    let (tag, rest) = split_word(line);
    let (word, text) = split_word(rest);
    if tag == b"*" {
        if word.is_empty() {
            return None;
        }
        let counted = number(word);
        let (word, rest) = if counted.is_some() { split_word(text) } else { (word, text) };
        return Some(Response::Untagged { number: counted, word, rest });
    }
    let status = status(word).filter(|status| matches!(*status, "OK" | "NO" | "BAD"))?;
    is_tag(tag).then_some(Response::Tagged { tag, status, text })
}

/// The length of the literal that a line announces at its end, with the line before it.
pub(super) fn literal(line: &[u8]) -> Option<(&[u8], u64)> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&b| b == b'{')?;
    let (before, length) = inner.split_at_checked(open)?;
    let digits = length.strip_prefix(b"{").unwrap_or(length);
    let digits = digits.strip_suffix(b"+").or_else(|| digits.strip_suffix(b"-")).unwrap_or(digits);
    // A literal of BINARY (RFC 3516) has a tilde in front.
    let before = before.strip_suffix(b"~").unwrap_or(before);
    Some((before, number(digits)?))
}

/// The first string of an argument: an atom or between quotes; and what follows.
pub(super) fn string(argument: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = argument.strip_prefix(b"\"") else {
        let (word, rest) = split_word(argument);
        return (word.to_vec(), rest);
    };
    let mut value = Vec::new();
    let mut rest = quoted;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match b {
            b'"' => break,
            b'\\' => {
                if let Some((&escaped, tail)) = rest.split_first() {
                    value.push(escaped);
                    rest = tail;
                }
            }
            _ => value.push(b),
        }
    }
    (value, rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_a_tag_and_a_verb() {
        let line = command(b"a1 login \"ada l\" x").unwrap();
        assert_eq!((line.tag, line.verb.as_str()), (&b"a1"[..], "LOGIN"));
        assert_eq!(string(line.argument).0, b"ada l");
        assert_eq!(command(b"2 UID fetch 1:* (FLAGS)").unwrap().verb, "UID FETCH");
        assert_eq!(command(b"DONE"), None);
        assert_eq!(command(b"* OK x"), None);
    }

    #[test]
    fn responses_are_of_three_kinds() {
        assert_eq!(
            response(b"* 3 EXISTS"),
            Some(Response::Untagged { number: Some(3), word: b"EXISTS", rest: b"" })
        );
        assert_eq!(
            response(b"a1 ok [X] Done"),
            Some(Response::Tagged { tag: b"a1", status: "OK", text: b"[X] Done" })
        );
        assert_eq!(response(b"+ idling"), Some(Response::Continue));
        assert_eq!(response(b"a1 PREAUTH x"), None);
        assert_eq!(response(b"hello"), None);
    }

    #[test]
    fn literals_are_announced_at_the_end_of_a_line() {
        assert_eq!(literal(b"a APPEND x {310}"), Some((&b"a APPEND x "[..], 310)));
        assert_eq!(literal(b"a APPEND x ~{5+}"), Some((&b"a APPEND x "[..], 5)));
        assert_eq!(literal(b"a {x}"), None);
        assert_eq!(literal(b"a {99999999999999999999}"), None);
        assert_eq!(literal(b"a {3} b"), None);
    }
}

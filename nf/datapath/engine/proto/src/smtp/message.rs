//! Lines of SMTP to commands, replies and paths (RFC 5321 §4, RFC 3030): pure.

use crate::lines::{number, split_word};

/// Longest verb; those of the registry have at most eight letters.
const MAX_VERB: usize = 12;

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// Upper case.
    pub(super) verb: String,
    pub(super) argument: &'a [u8],
}

/// A reply line: the code, whether more lines follow, and the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplyLine<'a> {
    pub(super) code: u16,
    pub(super) more: bool,
    pub(super) text: &'a [u8],
}

/// Takes a client's line apart; `None` when it is no command.
pub(super) fn command(line: &[u8]) -> Option<Command<'_>> {
    let (verb, argument) = split_word(line.trim_ascii());
    let plausible =
        (3..=MAX_VERB).contains(&verb.len()) && verb.iter().all(u8::is_ascii_alphabetic);
    let verb = String::from_utf8(verb.to_ascii_uppercase()).ok().filter(|_| plausible)?;
    Some(Command { verb, argument })
}

/// Takes a server's line apart; `None` when it does not begin with a reply code.
pub(super) fn reply(line: &[u8]) -> Option<ReplyLine<'_>> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = u16::try_from(number(digits)?).ok().filter(|code| (200..600).contains(code))?;
    match rest {
        [] => Some(ReplyLine { code, more: false, text: &[] }),
        [b' ', text @ ..] => Some(ReplyLine { code, more: false, text: text.trim_ascii() }),
        [b'-', text @ ..] => Some(ReplyLine { code, more: true, text: text.trim_ascii() }),
        _ => None,
    }
}

/// The path of MAIL or RCPT without its brackets, and the parameters behind it; `keyword` is
/// `FROM` or `TO`.
pub(super) fn path<'a>(argument: &'a [u8], keyword: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (word, rest) = argument.split_at_checked(keyword.len())?;
    if !word.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    match rest.strip_prefix(b"<") {
        Some(inner) => {
            let end = closing(inner)?;
            let (path, tail) = inner.split_at_checked(end)?;
            Some((path, tail.strip_prefix(b">").unwrap_or(tail).trim_ascii()))
        }
        // Some clients leave the brackets out.
        None => Some(split_word(rest)).filter(|(path, _)| !path.is_empty()),
    }
}

/// Where the bracket is that ends a path; one between quotes does not.
fn closing(path: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    path.iter().position(|&b| {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'>' => return !quoted,
            _ => {}
        }
        false
    })
}

/// The value of parameter `name` of MAIL or RCPT.
pub(super) fn parameter<'a>(parameters: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    parameters.split(|&b| b == b' ').find_map(|parameter| {
        let (key, value) = parameter.split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The size of a chunk, and whether it is the last one.
pub(super) fn chunk(argument: &[u8]) -> Option<(u64, bool)> {
    let (size, rest) = split_word(argument);
    let size = number(size)?;
    match rest {
        [] => Some((size, false)),
        word if word.eq_ignore_ascii_case(b"LAST") => Some((size, true)),
        _ => None,
    }
}

/// Whether a word could be the name of a host: labels of letters, digits and hyphens.
pub(super) fn is_host(word: &[u8]) -> bool {
    word.len() <= 253
        && word.contains(&b'.')
        && word.iter().any(u8::is_ascii_alphabetic)
        && word.split(|&b| b == b'.').all(|label| {
            (1..=63).contains(&label.len())
                && label.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_a_verb_and_perhaps_an_argument() {
        let line = command(b"mail  FROM:<a@b> ").unwrap();
        assert_eq!((line.verb.as_str(), line.argument), ("MAIL", &b"FROM:<a@b>"[..]));
        assert_eq!(command(b"250 ok"), None);
        assert_eq!(command(b"no"), None);
    }

    #[test]
    fn replies_have_a_code() {
        let said = reply(b"250-PIPELINING").unwrap();
        assert_eq!((said.code, said.more, said.text), (250, true, &b"PIPELINING"[..]));
        assert_eq!(reply(b"354").unwrap().text, b"");
        assert_eq!(reply(b"150 x"), None);
        assert_eq!(reply(b"2500 x"), None);
        assert_eq!(reply(b"25x y"), None);
    }

    #[test]
    fn paths_lose_their_brackets() {
        let said = path(b"FROM:<a@b.example> SIZE=10 BODY=8BITMIME", b"FROM").unwrap();
        assert_eq!(said, (&b"a@b.example"[..], &b"SIZE=10 BODY=8BITMIME"[..]));
        assert_eq!(path(b"from: <>", b"FROM").unwrap().0, b"");
        assert_eq!(path(b"TO:<\"odd>one\"@b>", b"TO").unwrap().0, b"\"odd>one\"@b");
        assert_eq!(path(b"TO:a@b NOTIFY=NEVER", b"TO").unwrap().1, b"NOTIFY=NEVER");
        assert_eq!(path(b"FROM:<a@b", b"FROM"), None);
        assert_eq!(path(b"TO:", b"TO"), None);
        assert_eq!(parameter(b"BODY=8BITMIME size=10", b"SIZE"), Some(&b"10"[..]));
    }

    #[test]
    fn chunks_have_a_size() {
        assert_eq!(chunk(b"86"), Some((86, false)));
        assert_eq!(chunk(b"0 last"), Some((0, true)));
        assert_eq!(chunk(b"86 FIRST"), None);
        assert_eq!(chunk(b"-1"), None);
    }

    #[test]
    fn hosts_have_labels() {
        assert!(is_host(b"mail.example.org"));
        assert!(!is_host(b"mail") && !is_host(b"192.0.2.1") && !is_host(b"a..b"));
    }
}

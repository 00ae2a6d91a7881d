//! Lines of POP3 to commands and replies (RFC 1939, RFC 2449): pure.

use crate::lines::split_word;

/// Commands of the registry, upper case.
pub(super) const COMMANDS: &[&str] = &[
    "APOP", "AUTH", "CAPA", "DELE", "LANG", "LAST", "LIST", "NOOP", "PASS", "QUIT", "RETR", "RSET",
    "STAT", "STLS", "TOP", "UIDL", "USER", "UTF8", "XTND",
];

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// Upper case.
    pub(super) verb: String,
    pub(super) argument: &'a [u8],
}

/// A server's line that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    /// `+OK` or `-ERR`.
    Status { good: bool, text: &'a [u8] },
    /// `+`: a login goes on.
    Continue,
}

/// Takes a client's line apart; `None` when it is no command.
pub(super) fn command(line: &[u8]) -> Option<Command<'_>> {
    let (verb, argument) = split_word(line.trim_ascii());
    let plausible = (3..=8).contains(&verb.len())
        && verb.iter().all(u8::is_ascii_alphanumeric)
        && verb.first().is_some_and(u8::is_ascii_alphabetic);
    let verb = String::from_utf8(verb.to_ascii_uppercase()).ok().filter(|_| plausible)?;
    Some(Command { verb, argument })
}

/// Takes a server's line apart; `None` when it is no reply.
pub(super) fn reply(line: &[u8]) -> Option<Reply<'_>> {
    let (word, text) = split_word(line);
    match word {
        b"+OK" => Some(Reply::Status { good: true, text: text.trim_ascii_end() }),
        b"-ERR" => Some(Reply::Status { good: false, text: text.trim_ascii_end() }),
        b"+" => Some(Reply::Continue),
        _ => None,
    }
}

/// Whether lines follow a good reply to a command, up to one with a dot.
pub(super) fn has_lines(verb: &str, argument: &[u8]) -> bool {
    match verb {
        "CAPA" | "RETR" | "TOP" | "XTND" => true,
        "LIST" | "UIDL" | "LANG" | "AUTH" => argument.is_empty(),
        _ => false,
    }
}

/// Whether a greeting has the time stamp that APOP needs: `<…@…>`.
pub(super) fn has_stamp(text: &[u8]) -> bool {
    let Some(open) = text.iter().position(|&b| b == b'<') else { return false };
    let inner = text.get(open.saturating_add(1)..).unwrap_or_default();
    let Some(close) = inner.iter().position(|&b| b == b'>') else { return false };
    let inner = inner.get(..close).unwrap_or_default();
    inner.contains(&b'@') && inner.iter().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_replies_are_taken_apart() {
        let line = command(b"top 1 10").unwrap();
        assert_eq!((line.verb.as_str(), line.argument), ("TOP", &b"1 10"[..]));
        assert_eq!(reply(b"+OK 2 320"), Some(Reply::Status { good: true, text: b"2 320" }));
        assert_eq!(reply(b"-ERR"), Some(Reply::Status { good: false, text: b"" }));
        assert_eq!(reply(b"+ "), Some(Reply::Continue));
        assert_eq!(reply(b"+OKAY"), None);
        assert!(has_lines("LIST", b"") && !has_lines("LIST", b"1"));
    }

    #[test]
    fn a_time_stamp_is_between_brackets() {
        assert!(has_stamp(b"ready <1896.697170952@dbc.example>"));
        assert!(!has_stamp(b"ready <now>") && !has_stamp(b"ready >a@b<"));
    }
}

//! Lines of IRC to messages (RFC 1459, RFC 2812, IRCv3 tags): pure.

use crate::lines::{number, split_word};

/// Most parameters, as the RFC has it.
const MAX_PARAMETERS: usize = 15;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Who sends it.
    pub(super) prefix: Option<&'a [u8]>,
    /// A word in upper case, or three digits.
    pub(super) command: String,
    pub(super) parameters: Vec<&'a [u8]>,
    /// The last parameter had a colon.
    pub(super) trailing: bool,
}

impl<'a> Message<'a> {
    /// Parameter `at`.
    pub(super) fn parameter(&self, at: usize) -> Option<&'a [u8]> {
        self.parameters.get(at).copied()
    }

    /// The last parameter.
    pub(super) fn last(&self) -> Option<&'a [u8]> {
        self.parameters.last().copied()
    }

    /// The number of a reply.
    pub(super) fn code(&self) -> Option<u16> {
        number(self.command.as_bytes()).and_then(|n| u16::try_from(n).ok())
    }

    /// The nickname in the prefix.
    pub(super) fn nick(&self) -> Option<&'a [u8]> {
        self.prefix?.split(|&b| b == b'!').next()
    }
}

/// Takes a line apart; `None` when it is no message.
pub(super) fn parse(line: &[u8]) -> Option<Message<'_>> {
    let mut rest = line;
    if rest.starts_with(b"@") {
        rest = split_word(rest).1;
    }
    let mut found = Message::default();
    if let Some(prefixed) = rest.strip_prefix(b":") {
        let (prefix, tail) = split_word(prefixed);
        found.prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
        found.prefix?;
        rest = tail;
    }
    let (command, mut rest) = split_word(rest);
    let word = (2..=20).contains(&command.len()) && command.iter().all(u8::is_ascii_alphabetic);
    let digits = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
    if !word && !digits {
        return None;
    }
    found.command = String::from_utf8(command.to_ascii_uppercase()).ok()?;
    while !rest.is_empty() {
        if let Some(trailing) = rest.strip_prefix(b":") {
            found.parameters.push(trailing);
            found.trailing = true;
            break;
        }
        if found.parameters.len() >= MAX_PARAMETERS {
            found.parameters.push(rest);
            break;
        }
        let (parameter, tail) = split_word(rest);
        found.parameters.push(parameter);
        rest = tail;
    }
    Some(found)
}

/// A file or a chat that is offered directly, inside `\x01DCC …\x01`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    pub(super) kind: &'a [u8],
    pub(super) file: &'a [u8],
    pub(super) address: Option<std::net::IpAddr>,
    pub(super) port: Option<u16>,
    pub(super) size: Option<u64>,
}

/// The offer in the text of a message.
pub(super) fn offer(text: &[u8]) -> Option<Offer<'_>> {
    let inner = text.strip_prefix(b"\x01DCC ")?;
    let inner = inner.strip_suffix(b"\x01").unwrap_or(inner);
    let (kind, rest) = split_word(inner);
    let (file, rest) = match rest.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = quoted.iter().position(|&b| b == b'"')?;
            let (file, rest) = quoted.split_at_checked(end)?;
            (file, rest.strip_prefix(b"\"").unwrap_or(rest).trim_ascii_start())
        }
        None => split_word(rest),
    };
    let (address, rest) = split_word(rest);
    let (port, rest) = split_word(rest);
    let number4 = number(address).and_then(|n| u32::try_from(n).ok());
    let address = match number4 {
        Some(value) => Some(std::net::IpAddr::from(value.to_be_bytes())),
        None => std::str::from_utf8(address).ok().and_then(|text| text.parse().ok()),
    };
    Some(Offer {
        kind,
        file,
        address,
        port: number(port).and_then(|n| u16::try_from(n).ok()),
        size: number(split_word(rest).0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_prefix_command_and_parameters() {
        let found = parse(b"@time=1 :ada!a@h PRIVMSG #sea :the tide is high").unwrap();
        assert_eq!((found.nick(), found.command.as_str()), (Some(&b"ada"[..]), "PRIVMSG"));
        assert_eq!(found.parameters, [&b"#sea"[..], b"the tide is high"]);
        assert_eq!(parse(b":srv 001 ada :Welcome").unwrap().code(), Some(1));
        assert_eq!(parse(b"join #a").unwrap().command, "JOIN");
        for wrong in [&b""[..], b":", b":x", b"1 x", b"12 x", b"PRIV@ x"] {
            assert_eq!(parse(wrong), None);
        }
        let many = b"MODE ".iter().copied().chain(b"a ".repeat(40)).collect::<Vec<_>>();
        assert_eq!(parse(&many).unwrap().parameters.len(), 16);
    }

    #[test]
    fn offers_name_a_file_and_a_place() {
        let found = offer(b"\x01DCC SEND \"a b.txt\" 3221226017 5000 1234\x01").unwrap();
        assert_eq!((found.kind, found.file), (&b"SEND"[..], &b"a b.txt"[..]));
        assert_eq!(found.address.unwrap().to_string(), "192.0.2.33");
        assert_eq!((found.port, found.size), (Some(5000), Some(1234)));
        assert_eq!(offer(b"\x01VERSION\x01"), None);
    }
}

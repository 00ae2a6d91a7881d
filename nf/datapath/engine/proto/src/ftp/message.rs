//! Lines of the control connection to commands, replies and addresses (RFC 959 §4 and §5,
//! RFC 2428, RFC 3659): pure.

use std::net::{IpAddr, Ipv4Addr};

/// Longest verb; those of the registry have three or four letters.
const MAX_VERB: usize = 8;

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine<'a> {
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

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Without Telnet commands in front: an interrupted transfer sends some before ABOR.
fn without_telnet(mut line: &[u8]) -> &[u8] {
    while let [0xff, 0xf0..=0xff, rest @ ..] | [0xf2, rest @ ..] = line {
        line = rest;
    }
    line
}

/// Takes a client's line apart; `None` when it is no command.
pub(super) fn command(line: &[u8]) -> Option<CommandLine<'_>> {
    let line = trim(without_telnet(line));
    let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
    let (verb, argument) = line.split_at_checked(end)?;
    let plausible =
        (3..=MAX_VERB).contains(&verb.len()) && verb.iter().all(u8::is_ascii_alphabetic);
    let verb = String::from_utf8(verb.to_ascii_uppercase()).ok().filter(|_| plausible)?;
    Some(CommandLine { verb, argument: trim(argument) })
}

/// Takes a server's line apart; `None` when it does not begin with a reply code.
pub(super) fn reply(line: &[u8]) -> Option<ReplyLine<'_>> {
    let (digits, rest) = line.split_at_checked(3)?;
    let [a @ b'1'..=b'6', b, c] = *digits else { return None };
    if !b.is_ascii_digit() || !c.is_ascii_digit() {
        return None;
    }
    let digit = |b: u8| u16::from(b & 0xf);
    let code =
        digit(a).wrapping_mul(100).wrapping_add(digit(b).wrapping_mul(10)).wrapping_add(digit(c));
    match rest {
        [] | [b'\r', ..] => Some(ReplyLine { code, more: false, text: &[] }),
        [b' ', text @ ..] => Some(ReplyLine { code, more: false, text: trim(text) }),
        [b'-', text @ ..] => Some(ReplyLine { code, more: true, text: trim(text) }),
        _ => None,
    }
}

/// A decimal number.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b & 0xf))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// `h1,h2,h3,h4,p1,p2` as the argument of PORT, or anywhere in the text of a 227 reply.
pub(super) fn host_port(text: &[u8]) -> Option<(IpAddr, u16)> {
    let is_part = |b: &u8| b.is_ascii_digit() || *b == b',';
    // The first run of digits and commas with six numbers.
    for run in text.split(|b| !is_part(b)) {
        let mut octets = [0u8; 6];
        let mut parts = run.split(|&b| b == b',');
        let whole = octets.iter_mut().all(|octet| {
            let part = parts.next().and_then(number).and_then(|n| u8::try_from(n).ok());
            part.map(|part| *octet = part).is_some()
        });
        if whole && parts.next().is_none() {
            let [a, b, c, d, high, low] = octets;
            let address = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
            return Some((address, u16::from_be_bytes([high, low])));
        }
    }
    None
}

/// `|1|192.0.2.1|5000|` as the argument of EPRT.
pub(super) fn extended_port(text: &[u8]) -> Option<(IpAddr, u16)> {
    let (&mark, rest) = text.split_first()?;
    let mut parts = rest.split(|&b| b == mark);
    let family = parts.next()?;
    let address: IpAddr = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let port = number(parts.next()?).and_then(|n| u16::try_from(n).ok())?;
    let agrees = matches!((family, address), (b"1", IpAddr::V4(_)) | (b"2", IpAddr::V6(_)));
    agrees.then_some((address, port))
}

/// `(|||5000|)` in the text of a 229 reply.
pub(super) fn extended_passive(text: &[u8]) -> Option<u16> {
    let open = text.iter().position(|&b| b == b'(')?;
    let inner = text.get(open.saturating_add(1)..)?;
    let (&mark, _) = inner.split_first()?;
    let rest = inner.strip_prefix(&[mark; 3])?;
    let digits = rest.split(|&b| b == mark).next()?;
    number(digits).and_then(|n| u16::try_from(n).ok())
}

/// The name between quotes of a 257 reply; a doubled quote stands for one.
pub(super) fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let open = text.iter().position(|&b| b == b'"')?;
    let mut rest = text.get(open.saturating_add(1)..)?.iter().peekable();
    let mut name = Vec::new();
    while let Some(&b) = rest.next() {
        if b != b'"' {
            name.push(b);
        } else if rest.peek() == Some(&&b'"') {
            rest.next();
            name.push(b'"');
        } else {
            return Some(name);
        }
    }
    None
}

/// Where `path` leads from `directory`, at most `most` octets.
pub(super) fn resolve(directory: &[u8], path: &[u8], most: usize) -> Vec<u8> {
    let base = if path.starts_with(b"/") { &[][..] } else { directory };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in base.split(|&b| b == b'/').chain(path.split(|&b| b == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let mut whole = Vec::new();
    for part in parts {
        whole.push(b'/');
        whole.extend_from_slice(part);
    }
    if whole.is_empty() {
        whole.push(b'/');
    }
    whole.truncate(most);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_a_verb_and_perhaps_an_argument() {
        let line = command(b"retr  some file.txt \r\n").unwrap();
        assert_eq!((line.verb.as_str(), line.argument), ("RETR", &b"some file.txt"[..]));
        assert_eq!(command(b"\xff\xf4\xff\xf2ABOR\r\n").unwrap().verb, "ABOR");
        assert_eq!(command(b"\xff\xf4\xf2ABOR\r\n").unwrap().verb, "ABOR");
        assert_eq!(command(b"no\r\n"), None);
        assert_eq!(command(b"12345\r\n"), None);
    }

    #[test]
    fn replies_have_a_code() {
        assert_eq!(
            reply(b"226 Done.\r\n"),
            Some(ReplyLine { code: 226, more: false, text: b"Done." })
        );
        assert!(reply(b"211-Features:").unwrap().more);
        assert_eq!(reply(b"200").unwrap().text, b"");
        assert_eq!(reply(b"2000 x"), None);
        assert_eq!(reply(b"920 x"), None);
    }

    #[test]
    fn addresses_are_found_in_their_four_forms() {
        let v4: IpAddr = "192.0.2.7".parse().unwrap();
        let v6: IpAddr = "2001:db8::7".parse().unwrap();
        assert_eq!(host_port(b"192,0,2,7,19,137"), Some((v4, 5001)));
        assert_eq!(host_port(b"Entering Passive Mode (192,0,2,7,19,137)."), Some((v4, 5001)));
        assert_eq!(host_port(b"192,0,2,7,19"), None);
        assert_eq!(host_port(b"192,0,2,256,19,137"), None);
        assert_eq!(extended_port(b"|1|192.0.2.7|5001|"), Some((v4, 5001)));
        assert_eq!(extended_port(b"|2|2001:db8::7|5001|"), Some((v6, 5001)));
        assert_eq!(extended_port(b"|2|192.0.2.7|5001|"), None);
        assert_eq!(extended_passive(b"Entering Extended Passive Mode (|||5001|)"), Some(5001));
        assert_eq!(extended_passive(b"(|||99999|)"), None);
    }

    #[test]
    fn directories_are_followed() {
        assert_eq!(quoted(b"\"/a \"\"b\"\"\" is it").unwrap(), b"/a \"b\"");
        assert_eq!(quoted(b"\"/never ends"), None);
        assert_eq!(resolve(b"/a/b", b"../c/./d", 99), b"/a/c/d");
        assert_eq!(resolve(b"/a", b"/x", 99), b"/x");
        assert_eq!(resolve(b"/", b"..", 99), b"/");
    }
}

//! Octets to syslog messages, in the old form and in the new one (RFC 3164, RFC 5424): pure.

use crate::lines::{number, split_word};

/// A message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Facility and severity in one.
    pub(super) priority: u8,
    /// 1 for the new form.
    pub(super) version: Option<u8>,
    pub(super) timestamp: Option<&'a [u8]>,
    pub(super) host: Option<&'a [u8]>,
    pub(super) app: Option<&'a [u8]>,
    pub(super) process: Option<&'a [u8]>,
    pub(super) id: Option<&'a [u8]>,
    pub(super) data: Option<&'a [u8]>,
    pub(super) text: &'a [u8],
}

/// `<0>` to `<191>`, and what follows.
pub(super) fn priority(octets: &[u8]) -> Option<(u8, &[u8])> {
    let rest = octets.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|&b| b == b'>')?;
    let (digits, rest) = rest.split_at_checked(end)?;
    let value = number(digits).and_then(|n| u8::try_from(n).ok()).filter(|&n| n < 192)?;
    // No zeros in front.
    let shortest = digits.len() == 1 || !digits.starts_with(b"0");
    Some((value, rest.strip_prefix(b">")?)).filter(|_| shortest)
}

/// The time stamp of the old form, `Mmm dd hh:mm:ss`, and what follows; a year or a fraction may
/// be added.
pub(super) fn old_timestamp(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    const MONTHS: &[&[u8; 3]] = &[
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let (month, rest) = octets.split_first_chunk::<3>()?;
    if !MONTHS.contains(&month) {
        return None;
    }
    let [b' ', b' ' | b'0'..=b'3', b'0'..=b'9', b' ', rest @ ..] = rest else { return None };
    // Some name the year before the time.
    let rest = match rest {
        [b'1' | b'2', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b' ', rest @ ..] => rest,
        _ => rest,
    };
    let [
        b'0'..=b'2',
        b'0'..=b'9',
        b':',
        b'0'..=b'5',
        b'0'..=b'9',
        b':',
        b'0'..=b'6',
        b'0'..=b'9',
        rest @ ..,
    ] = rest
    else {
        return None;
    };
    let fraction = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let rest = if rest.starts_with(b".") { rest.get(fraction..)? } else { rest };
    let taken = octets.len().saturating_sub(rest.len());
    Some((octets.get(..taken)?, rest))
}

/// The time stamp of the new form, `2024-01-01T00:00:00.0Z`.
pub(super) fn is_new_timestamp(word: &[u8]) -> bool {
    let (Some(date), Some(time)) = (word.get(..10), word.get(10..19)) else { return false };
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let parts = |part: &[u8], mark: u8| part.split(|&b| b == mark).all(digits);
    parts(date, b'-')
        && date.iter().filter(|&&b| b == b'-').count() == 2
        && time.strip_prefix(b"T").is_some_and(|time| {
            parts(time, b':') && time.iter().filter(|&&b| b == b':').count() == 2
        })
}

/// Takes a message apart; `None` when it has no priority.
pub(super) fn parse(octets: &[u8]) -> Option<Message<'_>> {
    let (priority, rest) = priority(octets)?;
    let found = match rest.strip_prefix(b"1 ").and_then(new_form) {
        Some(found) => found,
        None => old_form(rest),
    };
    Some(Message { priority, ..found })
}

/// Everything behind the version of the new form.
pub(super) fn new_form(octets: &[u8]) -> Option<Message<'_>> {
    let mut rest = octets;
    let mut word = || {
        let end = rest.iter().position(|&b| b == b' ')?;
        let (word, tail) = rest.split_at_checked(end)?;
        rest = tail.strip_prefix(b" ")?;
        (!word.is_empty()).then_some(Some(word).filter(|word| *word != b"-"))
    };
    let timestamp = word()?;
    if !timestamp.is_none_or(is_new_timestamp) {
        return None;
    }
    let (host, app, process, id) = (word()?, word()?, word()?, word()?);
    let end = structured(rest)?;
    let (data, text) = rest.split_at_checked(end)?;
    let text = text.strip_prefix(b" ").unwrap_or(text);
    Some(Message {
        version: Some(1),
        timestamp,
        host,
        app,
        process,
        id,
        data: Some(data).filter(|data| *data != b"-"),
        text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text),
        ..Message::default()
    })
}

/// Octets of the structured data in front.
fn structured(octets: &[u8]) -> Option<usize> {
    if octets.starts_with(b"-") {
        return matches!(octets.get(1), None | Some(b' ')).then_some(1);
    }
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for (at, &b) in octets.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if inside => quoted = !quoted,
            b'[' if !inside => inside = true,
            b']' if inside && !quoted => inside = false,
            _ if inside => {}
            b' ' if at > 0 => return Some(at),
            _ => return None,
        }
    }
    (!inside && !octets.is_empty()).then_some(octets.len())
}

/// Everything behind the priority of the old form; what is not there is left out.
fn old_form(octets: &[u8]) -> Message<'_> {
    let (timestamp, rest) = match old_timestamp(octets) {
        Some((timestamp, rest)) => (Some(timestamp), rest),
        None => {
            let (word, rest) = split_word(octets);
            // Some write the time as the new form does.
            if is_new_timestamp(word) { (Some(word), rest) } else { (None, octets) }
        }
    };
    let mut found = Message { timestamp, text: rest, ..Message::default() };
    if timestamp.is_none() {
        if let Some((app, process, text)) = tag(octets) {
            found = Message { app: Some(app), process, text, ..found };
        }
        return found;
    }
    let rest = rest.strip_prefix(b":").unwrap_or(rest).trim_ascii_start();
    found.text = rest;
    // A program that writes to its own machine leaves the host out.
    let (word, behind) = split_word(rest);
    let body = if tag(rest).is_some() || word.is_empty() || !word.iter().all(u8::is_ascii_graphic) {
        rest
    } else {
        found.host = Some(word);
        behind
    };
    found.text = body;
    if let Some((app, process, text)) = tag(body) {
        found = Message { app: Some(app), process, text, ..found };
    }
    found
}

/// A program, its process, and what it says.
type Tagged<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

/// `name:` or `name[process]:` in front, and what follows.
fn tag(octets: &[u8]) -> Option<Tagged<'_>> {
    const MAX_TAG: usize = 48;
    let is_part = |b: &u8| b.is_ascii_graphic() && !matches!(b, b':' | b'[' | b'%');
    let end = octets.iter().take(MAX_TAG).position(|b| !is_part(b))?;
    let (name, rest) = octets.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    if let Some(rest) = rest.strip_prefix(b":") {
        return Some((name, None, rest.trim_ascii_start()));
    }
    let rest = rest.strip_prefix(b"[")?;
    let close = rest.iter().take(MAX_TAG).position(|&b| b == b']')?;
    let (process, rest) = rest.split_at_checked(close)?;
    let rest = rest.strip_prefix(b"]")?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    Some((name, Some(process), rest.trim_ascii_start()))
}

/// The word of a facility.
pub(super) fn facility(priority: u8) -> &'static str {
    const WORDS: &[&str] = &[
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2",
        "local3", "local4", "local5", "local6", "local7",
    ];
    WORDS.get(usize::from(priority >> 3)).copied().unwrap_or("unknown")
}

/// The word of a severity.
pub(super) fn severity(priority: u8) -> &'static str {
    const WORDS: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    WORDS.get(usize::from(priority & 7)).copied().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_go_up_to_191() {
        assert_eq!(priority(b"<34>x"), Some((34, &b"x"[..])));
        assert_eq!(priority(b"<191>"), Some((191, &b""[..])));
        for wrong in [&b"<192>x"[..], b"<034>x", b"<>x", b"<1234>", b"34>", b"<3"] {
            assert_eq!(priority(wrong), None);
        }
        assert_eq!((facility(165), severity(165)), ("local4", "notice"));
    }

    #[test]
    fn the_new_form_has_seven_parts() {
        let found = parse(
            b"<165>1 2003-10-11T22:14:15.003Z host app 7 ID47 [a b=\"c\\\"] d\"][e] \xef\xbb\xbfsaid",
        )
        .unwrap();
        assert_eq!(found.version, Some(1));
        assert_eq!(found.host, Some(&b"host"[..]));
        assert_eq!(found.process, Some(&b"7"[..]));
        assert_eq!(found.data, Some(&b"[a b=\"c\\\"] d\"][e]"[..]));
        assert_eq!(found.text, b"said");
        let bare = parse(b"<0>1 - - - - - -").unwrap();
        assert_eq!(
            (bare.version, bare.host, bare.data, bare.text),
            (Some(1), None, None, &b""[..])
        );
        assert_eq!(parse(b"<0>1 - - - - - x").unwrap().version, None);
        assert_eq!(parse(b"<0>1 today - - - - -").unwrap().version, None);
    }

    #[test]
    fn the_old_form_may_lack_any_part() {
        let found = parse(b"<34>Oct 11 22:14:15 mymachine su[42]: 'su root' failed").unwrap();
        assert_eq!(found.timestamp, Some(&b"Oct 11 22:14:15"[..]));
        assert_eq!((found.host, found.app), (Some(&b"mymachine"[..]), Some(&b"su"[..])));
        assert_eq!((found.process, found.text), (Some(&b"42"[..]), &b"'su root' failed"[..]));
        let local = parse(b"<13>Feb  5 17:32:18 cron: done").unwrap();
        assert_eq!((local.host, local.app), (None, Some(&b"cron"[..])));
        let year = parse(b"<13>Feb  5 2024 17:32:18.123: host x: y").unwrap();
        assert_eq!(year.timestamp, Some(&b"Feb  5 2024 17:32:18.123"[..]));
        assert_eq!(year.host, Some(&b"host"[..]));
        let mixed = parse(b"<13>2024-01-01T00:00:00+00:00 host app: text").unwrap();
        assert_eq!((mixed.host, mixed.text), (Some(&b"host"[..]), &b"text"[..]));
        assert_eq!(parse(b"<13>just words").unwrap().text, b"just words");
    }
}

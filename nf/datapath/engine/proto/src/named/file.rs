//! The text of the file to its entries.

use nf_fields::ProtoId;
use nf_wire::Transport;

use super::Named;
use super::sign::{Company, Sign, Test};
use crate::Direction;

/// Reads a whole file; every mistake is told, a line each, after the number of its own.
pub(super) fn read(text: &'static str) -> Result<Vec<Named>, String> {
    let mut entries: Vec<Named> = Vec::new();
    let mut mistakes = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Err(mistake) = take(line, &mut entries) {
            mistakes.push(format!("{}: {mistake}", index.saturating_add(1)));
        }
    }
    match mistakes.is_empty() {
        true => Ok(entries),
        false => Err(mistakes.join("\n")),
    }
}

fn take(line: &'static str, entries: &mut Vec<Named>) -> Result<(), String> {
    if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
        entries.push(Named {
            name,
            id: ProtoId::UNKNOWN,
            aliases: &[],
            title: "",
            spec: "",
            family: "",
            ports: Vec::new(),
            ppids: Vec::new(),
            signs: Vec::new(),
        });
        return Ok(());
    }
    let entry = entries.last_mut().ok_or("this stands before the first [name]")?;
    let (key, value) = line.split_once('=').ok_or("key = value is expected")?;
    let value = value.trim();
    match key.trim() {
        "id" => entry.id = ProtoId(value.parse().map_err(|_| "an id is a number")?),
        "title" => entry.title = value,
        "spec" => entry.spec = value,
        "family" => entry.family = value,
        // Read once for the whole run.
        "aliases" => entry.aliases = value.split_whitespace().collect::<Vec<_>>().leak(),
        "ports" => {
            for word in value.split_whitespace() {
                entry.ports.push(port(word).ok_or("a port is tcp/1 or udp/1 or sctp/1")?);
            }
        }
        "ppid" => {
            for word in value.split_whitespace() {
                let ppid = word.parse().ok().filter(|&ppid: &u32| ppid > 0);
                entry.ppids.push(ppid.ok_or("a payload protocol identifier is a number above 0")?);
            }
        }
        "sign" => {
            let sign = sign(value)?;
            sign.check(!entry.ports.is_empty())?;
            entry.signs.push(sign);
        }
        key => return Err(format!("there is no key {key:?}")),
    }
    Ok(())
}

fn port(word: &str) -> Option<(Transport, u16)> {
    let (carrier, port) = word.split_once('/')?;
    Some((transport(carrier)?, port.parse().ok()?))
}

fn transport(word: &str) -> Option<Transport> {
    match word {
        "tcp" => Some(Transport::Tcp),
        "udp" => Some(Transport::Udp),
        "sctp" => Some(Transport::Sctp),
        _ => None,
    }
}

fn sign(line: &str) -> Result<Sign, String> {
    let mut words = words(line)?.into_iter();
    let carrier = words.next().unwrap_or_default();
    let carrier = transport(&carrier).ok_or("a sign starts with tcp, udp or sctp")?;
    let dir = match words.next().as_deref() {
        Some("up") => Some(Direction::Up),
        Some("down") => Some(Direction::Down),
        Some("any") => None,
        _ => return Err("up, down or any follows the carrier".into()),
    };
    let mut port = false;
    let mut company = Company::None;
    let mut tests = Vec::new();
    for word in words {
        match word.as_str() {
            "port" => port = true,
            "twice" => company = Company::Twice,
            "mutual" => company = Company::Mutual,
            _ => tests.push(test(&word).ok_or_else(|| format!("{word:?} is no test"))?),
        }
    }
    Ok(Sign::new(carrier, dir, port, company, tests))
}

/// Parts at blanks outside quotation marks.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        if c.is_whitespace() && !quoted {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        word.push(c);
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    if quoted {
        return Err("the closing \" is missing".into());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn test(word: &str) -> Option<Test> {
    if let Some(range) = word.strip_prefix("len:") {
        return length(range);
    }
    if let Some(text) = word.strip_prefix("has:") {
        return Some(Test::Has(quoted(text)?));
    }
    let Some((at, octets)) = word.split_once(':') else {
        let (place, sum) = word.split_once('=')?;
        return counts(place, sum);
    };
    if octets.starts_with('"') {
        let value = quoted(octets)?;
        let mask = vec![0xff; value.len()];
        return octets_at(at, value, mask);
    }
    if let Some((low, high)) = octets.split_once('-') {
        let (low, high) = (u8::from_str_radix(low, 16).ok()?, u8::from_str_radix(high, 16).ok()?);
        return (low <= high).then_some(Test::Range { at: at.parse().ok()?, low, high });
    }
    let (value, mask) = hex(octets)?;
    octets_at(at, value, mask)
}

fn octets_at(at: &str, value: Vec<u8>, mask: Vec<u8>) -> Option<Test> {
    if value.is_empty() {
        return None;
    }
    Some(match at.strip_prefix('-') {
        Some(back) => Test::Tail { back: back.parse().ok()?, value },
        None => Test::Octets { at: at.parse().ok()?, value, mask },
    })
}

fn length(range: &str) -> Option<Test> {
    let (low, high) = match range.split_once("..") {
        None => (range.parse().ok()?, range.parse().ok()?),
        Some((low, "")) => (low.parse().ok()?, usize::MAX),
        Some((low, high)) => (low.parse().ok()?, high.parse().ok()?),
    };
    Some(Test::Length { low, high })
}

/// `be16@2` and `len-4`: the number there is the payload's length less 4.
fn counts(place: &str, sum: &str) -> Option<Test> {
    let (kind, at) = place.split_once('@')?;
    let (width, big) = match kind {
        "u8" => (1, true),
        "be16" => (2, true),
        "be24" => (3, true),
        "be32" => (4, true),
        "le16" => (2, false),
        "le24" => (3, false),
        "le32" => (4, false),
        _ => return None,
    };
    let rest = sum.strip_prefix("len")?;
    let add: i64 = if rest.is_empty() { 0 } else { rest.parse().ok()? };
    Some(Test::Counts { at: at.parse().ok()?, width, big, add })
}

/// Hexadecimal octets; a `?` stands for any nibble.
fn hex(text: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut value = Vec::new();
    let mut mask = Vec::new();
    let nibble = |c: u8| match c {
        b'?' => Some((0, 0)),
        _ => char::from(c).to_digit(16).and_then(|d| Some((u8::try_from(d).ok()?, 0xf))),
    };
    let mut digits = text.bytes();
    while let Some(first) = digits.next() {
        let (high, high_mask) = nibble(first)?;
        let (low, low_mask) = nibble(digits.next()?)?;
        value.push(high << 4 | low);
        mask.push(high_mask << 4 | low_mask);
    }
    Some((value, mask))
}

fn quoted(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = Vec::new();
    let mut octets = inner.bytes();
    while let Some(octet) = octets.next() {
        if octet != b'\\' {
            value.push(octet);
            continue;
        }
        value.push(match octets.next()? {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            other => other,
        });
    }
    (!value.is_empty()).then_some(value)
}

//! Whether a stream begins as a control connection does: pure.
//!
//! SMTP, POP3, NNTP and others speak alike, so that a greeting alone says nothing: it takes a
//! word in it, a command that only FTP has, a reply that only FTP gives, or the port.

use super::message::{command, host_port, reply};
use crate::{Probe, Segment};

/// The registered port.
pub(super) const PORT: u16 = 21;
/// Octets looked at.
const WINDOW: usize = 4096;

/// Verbs of FTP, some of which others have too.
const VERBS: &[&[u8]] = &[
    b"ABOR", b"ACCT", b"ADAT", b"ALLO", b"APPE", b"AUTH", b"CCC", b"CDUP", b"CLNT", b"CSID",
    b"CWD", b"DELE", b"EPRT", b"EPSV", b"FEAT", b"HASH", b"HELP", b"HOST", b"LANG", b"LIST",
    b"MDTM", b"MFMT", b"MKD", b"MLSD", b"MLST", b"MODE", b"NLST", b"NOOP", b"OPTS", b"PASS",
    b"PASV", b"PBSZ", b"PORT", b"PROT", b"PWD", b"QUIT", b"REIN", b"REST", b"RETR", b"RMD",
    b"RNFR", b"RNTO", b"SITE", b"SIZE", b"SMNT", b"STAT", b"STOR", b"STOU", b"STRU", b"SYST",
    b"TYPE", b"USER", b"XCUP", b"XCWD", b"XMKD", b"XPWD", b"XRMD",
];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let data = seg.data.get(..WINDOW).unwrap_or(seg.data);
    match data.first() {
        Some(b'1'..=b'5') => replies(data, seg.on_port(PORT)),
        Some(b'a'..=b'z' | b'A'..=b'Z') => commands(data, seg.on_port(PORT)),
        _ => Probe::No,
    }
}

/// The lines of `data`, and whether the last one has its end.
fn lines(data: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    data.split_inclusive(|&b| b == b'\n').map(|line| (line, line.ends_with(b"\n")))
}

fn has_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

fn replies(data: &[u8], on_port: bool) -> Probe {
    let mut greeted = false;
    let mut within = None;
    for (line, whole) in lines(data) {
        let Some(found) = reply(line) else {
            let digits = line.iter().take(3).all(u8::is_ascii_digit);
            // Lines of a longer reply are free text.
            return match (within, whole) {
                (Some(_), _) if has_word(line, b"SMTP") => Probe::No,
                (Some(_), _) if has_ftp(line) => Probe::Certain,
                (Some(_), true) => continue,
                (Some(_), false) => Probe::Unsure,
                (None, false) if digits && line.len() < 4 => Probe::Unsure,
                (None, _) => Probe::No,
            };
        };
        if has_word(found.text, b"SMTP") {
            return Probe::No;
        }
        if !whole {
            return Probe::Unsure;
        }
        within = found.more.then_some(found.code);
        if !greeted {
            match found.code {
                120 | 220 if on_port || has_ftp(found.text) => return Probe::Certain,
                120 | 220 | 421 => greeted = true,
                // A stream that begins in its middle.
                227 if host_port(found.text).is_some() => return Probe::Certain,
                229 if has_word(found.text, b"(|||") => return Probe::Certain,
                331 | 332 if on_port => return Probe::Certain,
                200..=399 | 425 | 426 | 450 | 500..=553 if on_port => greeted = true,
                _ => return Probe::No,
            }
        } else if found.code == 220 && has_ftp(found.text) {
            return Probe::Certain;
        } else if !found.more {
            match found.code {
                150 | 215 | 225..=227 | 229..=232 | 257 | 331 | 332 | 350 => {
                    return Probe::Certain;
                }
                // What SMTP answers to its own commands.
                250 | 251 | 354 | 334 | 235 | 503 if !on_port => return Probe::No,
                _ => {}
            }
        }
    }
    Probe::Unsure
}

/// Words by which servers of FTP name themselves.
fn has_ftp(text: &[u8]) -> bool {
    has_word(text, b"FTP") || has_word(text, b"FileZilla")
}

fn commands(data: &[u8], on_port: bool) -> Probe {
    for (line, whole) in lines(data) {
        if !whole {
            return unfinished(line);
        }
        let Some(found) = command(line) else {
            return Probe::No;
        };
        if !VERBS.contains(&found.verb.as_bytes()) {
            return Probe::No;
        }
        if says_enough(&found.verb, found.argument) || on_port {
            return Probe::Certain;
        }
    }
    Probe::Unsure
}

/// Whether a command is one that no protocol beside FTP has.
fn says_enough(verb: &str, argument: &[u8]) -> bool {
    match verb {
        "FEAT" | "SYST" | "PASV" | "EPSV" | "CDUP" | "XPWD" | "PWD" => argument.is_empty(),
        "AUTH" => [&b"TLS"[..], b"SSL", b"TLS-C", b"TLS-P"]
            .iter()
            .any(|word| argument.eq_ignore_ascii_case(word)),
        "OPTS" => argument.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"UTF8")),
        "TYPE" => matches!(argument, b"A" | b"I" | b"A N" | b"E" | b"L 8" | b"a" | b"i"),
        "PORT" => host_port(argument).is_some(),
        "EPRT" => argument.starts_with(b"|"),
        "STOR" | "APPE" | "CWD" | "MDTM" | "PBSZ" | "PROT" | "MLSD" | "MLST" | "NLST" => {
            !argument.is_empty()
        }
        _ => false,
    }
}

/// A command line without its end yet.
fn unfinished(line: &[u8]) -> Probe {
    let end = line.iter().position(|&b| matches!(b, b' ' | b'\r'));
    let (word, ended) = match end.and_then(|end| line.get(..end)) {
        Some(word) => (word, true),
        None => (line, false),
    };
    let word = word.to_ascii_uppercase();
    let possible = VERBS.iter().any(|verb| match ended {
        true => *verb == word.as_slice(),
        false => verb.starts_with(&word),
    });
    if possible && line.len() <= 512 { Probe::Unsure } else { Probe::No }
}

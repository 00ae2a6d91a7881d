//! Whether a stream begins as Telnet does: pure.
//!
//! Negotiations of options tell it anywhere, two of them at least; on its port one is enough, and
//! so is a prompt.

use super::message::{Piece, option_name, piece};
use crate::{Pattern, Probe, Segment};

/// The registered port.
pub(super) const PORT: u16 = 23;
/// Octets looked at.
const WINDOW: usize = 512;

/// The first negotiation, and prompts.
pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::start(b"\xff\xfb"),
    Pattern::start(b"\xff\xfc"),
    Pattern::start(b"\xff\xfd"),
    Pattern::start(b"\xff\xfe"),
    Pattern::start(b"\xff\xfa"),
    Pattern::within(480, b"ogin:"),
    Pattern::within(480, b"sername:"),
    Pattern::within(480, b"assword:"),
];

/// Answers for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let data = seg.data.get(..WINDOW).unwrap_or(seg.data);
    let on_port = seg.on_port(PORT);
    let mut found = 0u32;
    let mut framed = false;
    let mut rest = data;
    while !rest.is_empty() {
        let Some((part, taken)) = piece(rest, WINDOW) else { break };
        framed |= matches!(part, Piece::Negotiation { .. });
        match part {
            Piece::Option { option, .. } | Piece::Negotiation { option, .. }
                if option_name(option).is_some() =>
            {
                found = found.saturating_add(1);
            }
            Piece::Data(text) if found == 0 => {
                // Text first: only on its port, and with a prompt at the end.
                return if on_port && is_prompt(text) { Probe::Certain } else { Probe::No };
            }
            // What follows a few options only must be text, unless a value was agreed on, too.
            Piece::Data(text) if found > 3 || text.is_ascii() && is_text(text) => break,
            Piece::Command(_) if found > 0 => {}
            _ if found > 3 || (framed && found > 1) => break,
            _ => return Probe::No,
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    match found {
        2.. => Probe::Certain,
        1 if on_port => Probe::Certain,
        _ => Probe::Unsure,
    }
}

/// Whether octets are what a terminal shows.
fn is_text(text: &[u8]) -> bool {
    text.iter()
        .all(|b| matches!(b, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0 | 0x1b | 7 | 0x80..=0xfe))
}

fn is_prompt(text: &[u8]) -> bool {
    let end = text.trim_ascii_end();
    let words: [&[u8]; 3] = [b"ogin:", b"sername:", b"assword:"];
    is_text(text) && words.iter().any(|word| end.ends_with(word))
}

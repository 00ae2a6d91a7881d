//! Octets of Telnet to data and commands (RFC 854, RFC 855), and the names of both: pure.

/// Interpret as command.
pub(super) const IAC: u8 = 0xff;
pub(super) const DONT: u8 = 0xfe;
pub(super) const DO: u8 = 0xfd;
pub(super) const WONT: u8 = 0xfc;
pub(super) const WILL: u8 = 0xfb;
/// Begin and end of a negotiation.
pub(super) const SB: u8 = 0xfa;
pub(super) const SE: u8 = 0xf0;
/// The lowest command: end of file.
const LOWEST: u8 = 0xec;

/// Options whose negotiation is read.
pub(super) mod option {
    pub(crate) const TERMINAL_TYPE: u8 = 24;
    pub(crate) const WINDOW_SIZE: u8 = 31;
    pub(crate) const TERMINAL_SPEED: u8 = 32;
    pub(crate) const X_DISPLAY: u8 = 35;
    pub(crate) const AUTHENTICATION: u8 = 37;
    pub(crate) const ENCRYPT: u8 = 38;
    pub(crate) const NEW_ENVIRON: u8 = 39;
    pub(crate) const START_TLS: u8 = 46;
}

/// What stands at the front of the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Data(&'a [u8]),
    /// An octet of data that looks like a command's first.
    Escaped,
    /// WILL, WONT, DO or DONT with an option.
    Option {
        verb: u8,
        option: u8,
    },
    /// What is between SB and SE, doubled octets still doubled.
    Negotiation {
        option: u8,
        value: &'a [u8],
    },
    Command(u8),
    /// An octet behind IAC that is no command.
    Malformed,
}

/// The piece at the front with its octets; `None` when it is not whole. A negotiation may have at
/// most `most` octets; a longer one is malformed.
pub(super) fn piece(data: &[u8], most: usize) -> Option<(Piece<'_>, usize)> {
    let Some(at) = memchr::memchr(IAC, data) else {
        return (!data.is_empty()).then_some((Piece::Data(data), data.len()));
    };
    if at > 0 {
        return Some((Piece::Data(data.get(..at)?), at));
    }
    match *data {
        [_, IAC, ..] => Some((Piece::Escaped, 2)),
        [_, verb @ WILL..=DONT, option, ..] => Some((Piece::Option { verb, option }, 3)),
        [_, WILL..=DONT] | [_] => None,
        [_, SB, option, ref value @ ..] => {
            let mut from = 0usize;
            while let Some(rest) = value.get(from..)
                && let Some(at) = memchr::memchr(IAC, rest)
            {
                let end = from.saturating_add(at);
                match value.get(end.saturating_add(1)) {
                    None => break,
                    Some(&IAC) => from = end.saturating_add(2),
                    // The end, or a command that forgets it.
                    Some(&SE) => {
                        let value = value.get(..end)?;
                        return Some((Piece::Negotiation { option, value }, end.saturating_add(5)));
                    }
                    Some(_) => return Some((Piece::Malformed, end.saturating_add(3))),
                }
            }
            (value.len() >= most).then_some((Piece::Malformed, data.len()))
        }
        [_, SB] => None,
        [_, command @ LOWEST..=0xf9, ..] => Some((Piece::Command(command), 2)),
        _ => Some((Piece::Malformed, 2)),
    }
}

/// A value with its doubled octets made single.
pub(super) fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&b, tail)) = rest.split_first() {
        out.push(b);
        rest = match tail {
            [IAC, tail @ ..] if b == IAC => tail,
            _ => tail,
        };
    }
    out
}

/// The name of an option (RFC 855 and the registry).
pub(super) fn option_name(option: u8) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "binary",
        "echo",
        "reconnection",
        "suppress_go_ahead",
        "message_size",
        "status",
        "timing_mark",
        "remote_echo",
        "line_width",
        "page_size",
        "carriage_return",
        "tab_stops",
        "tabs",
        "form_feed",
        "vertical_tab_stops",
        "vertical_tabs",
        "line_feed",
        "extended_ascii",
        "logout",
        "byte_macro",
        "data_entry_terminal",
        "supdup",
        "supdup_output",
        "send_location",
        "terminal_type",
        "end_of_record",
        "tacacs_user",
        "output_marking",
        "terminal_location",
        "3270_regime",
        "x3_pad",
        "window_size",
        "terminal_speed",
        "flow_control",
        "line_mode",
        "x_display",
        "environ",
        "authentication",
        "encrypt",
        "new_environ",
        "tn3270e",
        "xauth",
        "charset",
        "serial_port",
        "com_port",
        "local_echo",
        "start_tls",
        "kermit",
        "send_url",
        "forward_x",
    ];
    match option {
        255 => Some("extended"),
        // Games: their server data, status, compression, sound and protocol.
        69 => Some("msdp"),
        70 => Some("mssp"),
        85 | 86 => Some("compress"),
        90 => Some("msp"),
        91 => Some("mxp"),
        201 => Some("gmcp"),
        _ => NAMES.get(usize::from(option)).copied(),
    }
}

/// The name of a command.
pub(super) fn command_name(command: u8) -> &'static str {
    match command {
        0xec => "end_of_file",
        0xed => "suspend",
        0xee => "abort",
        0xef => "end_of_record",
        SE => "end_of_negotiation",
        0xf1 => "no_operation",
        0xf2 => "data_mark",
        0xf3 => "break",
        0xf4 => "interrupt",
        0xf5 => "abort_output",
        0xf6 => "are_you_there",
        0xf7 => "erase_character",
        0xf8 => "erase_line",
        0xf9 => "go_ahead",
        SB => "negotiation",
        WILL => "will",
        WONT => "wont",
        DO => "do",
        DONT => "dont",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_commands_follow_each_other() {
        assert_eq!(piece(b"ab\xff", 9), Some((Piece::Data(b"ab"), 2)));
        assert_eq!(piece(b"\xff\xff", 9), Some((Piece::Escaped, 2)));
        let verb = Piece::Option { verb: WILL, option: 1 };
        assert_eq!(piece(b"\xff\xfb\x01x", 9), Some((verb, 3)));
        let value = Piece::Negotiation { option: 24, value: b"\0vt\xff\xff" };
        assert_eq!(piece(b"\xff\xfa\x18\0vt\xff\xff\xff\xf0x", 9), Some((value, 10)));
        assert_eq!(piece(b"\xff\xf9", 9), Some((Piece::Command(0xf9), 2)));
        assert_eq!(piece(b"\xff\x01", 9), Some((Piece::Malformed, 2)));
        assert_eq!(unescaped(b"a\xff\xffb"), b"a\xffb");
    }

    #[test]
    fn what_is_not_whole_waits_within_a_bound() {
        for part in
            [&b""[..], b"\xff", b"\xff\xfb", b"\xff\xfa", b"\xff\xfa\x18\0", b"\xff\xfa\x18\xff"]
        {
            assert_eq!(piece(part, 9), None);
        }
        assert_eq!(piece(b"\xff\xfa\x18123456789", 9), Some((Piece::Malformed, 12)));
    }
}

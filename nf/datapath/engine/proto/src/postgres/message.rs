//! Octets → messages of the frontend/backend protocol, version 3.

use crate::Cursor;

/// Asks for TLS.
pub(super) const SSL_REQUEST: u32 = 80_877_103;
/// Asks for encryption by GSSAPI.
pub(super) const GSS_REQUEST: u32 = 80_877_104;
/// Asks to cancel a query of another connection.
pub(super) const CANCEL_REQUEST: u32 = 80_877_102;
/// Longest message without type.
pub(super) const MAX_STARTUP: usize = 10_000;

/// A message at the front of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its type; 0 for those that begin a session, which have none.
    pub(super) kind: u8,
    /// Octets behind the header.
    pub(super) length: usize,
    /// Octets of the header.
    pub(super) size: usize,
}

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Header(Header),
    /// More octets are needed.
    Partial,
    Malformed,
}

/// The header at the front of `data`; `typed`: messages begin with their type.
pub(super) fn front(data: &[u8], typed: bool) -> Front {
    let mut c = Cursor::new(data);
    let kind = if typed { c.u8() } else { Some(0) };
    let (Some(kind), Some(length)) = (kind, c.u32()) else {
        return Front::Partial;
    };
    // The length counts itself.
    let length = usize::try_from(length).unwrap_or(usize::MAX).checked_sub(4);
    match length {
        Some(length) if length < 1 << 30 && (typed || (4..MAX_STARTUP).contains(&length)) => {
            Front::Header(Header { kind, length, size: c.position() })
        }
        _ => Front::Malformed,
    }
}

/// Octets up to a NUL, or to the end where that was cut off.
pub(super) fn string<'a>(c: &mut Cursor<'a>) -> &'a [u8] {
    let rest = c.rest();
    match memchr::memchr(0, rest) {
        Some(end) => {
            let text = c.take(end).unwrap_or_default();
            let _ = c.skip(1);
            text
        }
        None => c.take(rest.len()).unwrap_or_default(),
    }
}

/// What a client says of itself: names with their values.
pub(super) fn parameters(body: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut c = Cursor::new(body);
    let mut found = Vec::new();
    loop {
        let name = string(&mut c);
        if name.is_empty() {
            return c.is_empty().then_some(found);
        }
        let value = string(&mut c);
        if found.len() >= 64 || c.is_empty() {
            return None;
        }
        found.push((name, value));
    }
}

/// What an error or notice says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint<'a> {
    pub(super) severity: &'a [u8],
    pub(super) code: &'a [u8],
    pub(super) message: &'a [u8],
}

/// Reads the fields of an error or notice.
pub(super) fn complaint(body: &[u8]) -> Complaint<'_> {
    let mut c = Cursor::new(body);
    let mut found = Complaint::default();
    while let Some(kind) = c.u8().filter(|&kind| kind != 0) {
        let text = string(&mut c);
        match kind {
            b'S' if found.severity.is_empty() => found.severity = text,
            // The same in English.
            b'V' => found.severity = text,
            b'C' => found.code = text,
            b'M' => found.message = text,
            _ => {}
        }
    }
    found
}

/// The word for a message of the client.
pub(super) fn client_word(kind: u8) -> Option<&'static str> {
    Some(match kind {
        b'Q' => "query",
        b'P' => "parse",
        b'B' => "bind",
        b'D' => "describe",
        b'E' => "execute",
        b'S' => "sync",
        b'C' => "close",
        b'F' => "function_call",
        b'H' => "flush",
        b'X' => "terminate",
        b'd' => "copy_data",
        b'c' => "copy_done",
        b'f' => "copy_fail",
        b'p' => "password",
        _ => return None,
    })
}

/// The word for a message of the server.
pub(super) fn server_word(kind: u8) -> Option<&'static str> {
    Some(match kind {
        b'R' => "authentication",
        b'K' => "backend_key_data",
        b'S' => "parameter_status",
        b'Z' => "ready_for_query",
        b'T' => "row_description",
        b'D' => "data_row",
        b'C' => "command_complete",
        b'E' => "error",
        b'N' => "notice",
        b'A' => "notification",
        b'1' => "parse_complete",
        b'2' => "bind_complete",
        b'3' => "close_complete",
        b'I' => "empty_query",
        b'n' => "no_data",
        b's' => "portal_suspended",
        b't' => "parameter_description",
        b'G' => "copy_in",
        b'H' => "copy_out",
        b'W' => "copy_both",
        b'd' => "copy_data",
        b'c' => "copy_done",
        b'v' => "negotiate_version",
        b'V' => "function_result",
        _ => return None,
    })
}

/// The word for what a server asks a client to prove itself by.
pub(super) fn method(kind: u32) -> &'static str {
    match kind {
        2 => "kerberos",
        3 => "password",
        5 => "md5",
        6 => "scm",
        7 | 8 => "gss",
        9 => "sspi",
        10..=12 => "sasl",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_itself() {
        assert_eq!(
            front(b"Q\0\0\0\x0dselect 1\0", true),
            Front::Header(Header { kind: b'Q', length: 9, size: 5 })
        );
        assert_eq!(front(b"Q\0\0\0\x03", true), Front::Malformed);
        assert_eq!(front(b"Q\0\0\0", true), Front::Partial);
        assert_eq!(front(b"\0\0\0\x07\0\0\0", false), Front::Malformed);
    }

    #[test]
    fn parameters_end_with_an_empty_name() {
        let read = parameters(b"user\0keeper\0database\0tides\0\0").unwrap();
        assert_eq!(read, [(&b"user"[..], &b"keeper"[..]), (b"database", b"tides")]);
        assert_eq!(parameters(b"user\0keeper\0"), None);
        assert_eq!(parameters(b"user\0keeper\0\0x"), None);
    }

    #[test]
    fn complaints_are_taken_apart() {
        let read = complaint(b"SFEHLER\0VERROR\0C42P01\0Mno such table\0\0");
        assert_eq!((read.severity, read.code), (&b"ERROR"[..], &b"42P01"[..]));
        assert_eq!(complaint(b"Mcut of").message, b"cut of");
    }
}

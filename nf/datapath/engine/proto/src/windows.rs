//! Forms of value that protocols of Windows share: UTF-16 text, GUIDs, and times.

use nf_fields::{Text, Timestamp};

/// From 1601 to 1970 in units of 100 ns.
const EPOCH: u64 = 116_444_736_000_000_000;

/// UTF-16 text, low octet first, as UTF-8 of at most `max` octets; it ends at a zero.
pub(crate) fn utf16(octets: &[u8], max: usize) -> Text {
    let units = octets.chunks_exact(2).map(|pair| match *pair {
        [low, high] => u16::from_le_bytes([low, high]),
        _ => 0,
    });
    let mut out = String::new();
    for unit in char::decode_utf16(units.take_while(|&u| u != 0)) {
        let letter = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
        if out.len().saturating_add(letter.len_utf8()) > max {
            break;
        }
        out.push(letter);
    }
    Text::from(out)
}

/// A GUID as its usual text: the first three parts have their low octet first.
pub(crate) fn guid(octets: [u8; 16]) -> Text {
    let [a, b, c, d, e, f, g, h, rest @ ..] = octets;
    let head = format!(
        "{:08x}-{:04x}-{:04x}-",
        u32::from_le_bytes([a, b, c, d]),
        u16::from_le_bytes([e, f]),
        u16::from_le_bytes([g, h])
    );
    let [i, j, tail @ ..] = rest;
    let tail: String = tail.iter().map(|o| format!("{o:02x}")).collect();
    Text::from(format!("{head}{i:02x}{j:02x}-{tail}"))
}

/// A FILETIME; `None` where it says nothing (zero, before 1970, all ones).
pub(crate) fn time(filetime: u64) -> Option<Timestamp> {
    let since = filetime.checked_sub(EPOCH)?;
    since.checked_mul(100).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_a_zero_or_at_the_bound() {
        assert_eq!(utf16(b"a\0\xe9\0\0\0b\0", 9), Text::from("aé"));
        assert_eq!(utf16(b"a\0\xe9\0", 2), Text::from("a"));
        assert_eq!(utf16(b"\x00\xd8a", 9), Text::from("\u{fffd}"));
    }

    #[test]
    fn a_guid_is_written_as_windows_writes_it() {
        let octets = [
            0x78, 0x57, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab, 0xef, 0, 1, 0x23, 0x45, 0x67, 0x89,
            0xac,
        ];
        assert_eq!(guid(octets), Text::from("12345778-1234-abcd-ef00-0123456789ac"));
    }

    #[test]
    fn times_count_from_1601() {
        assert_eq!(time(EPOCH.saturating_add(10)), Some(Timestamp(1000)));
        assert_eq!(time(0), None);
        assert_eq!(time(u64::MAX), None);
    }
}

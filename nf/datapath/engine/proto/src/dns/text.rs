//! Pieces of zone-file text: numbers, dates, encodings, quoted strings, locations.

use std::fmt::Display;
use std::io::Write;

use crate::Cursor;

use super::name::write_octet;

/// Where text is appended.
pub type Out<'o> = &'o mut Vec<u8>;

/// Appends a number in decimal.
pub fn number(value: u32, out: Out<'_>) {
    nf_fields::json::write_uint(out, value.into());
}

/// Appends what `value` displays as.
pub fn display(value: impl Display, out: Out<'_>) {
    // Writing to a Vec cannot fail.
    drop(write!(out, "{value}"));
}

/// Appends octets in hexadecimal, capital as zone files have it.
pub fn hex(octets: &[u8], out: Out<'_>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for octet in octets {
        for nibble in [octet >> 4, octet & 0xf] {
            out.extend(DIGITS.get(usize::from(nibble)));
        }
    }
}

/// Appends `\# LENGTH HEX`.
pub fn unknown(octets: &[u8], out: Out<'_>) {
    display(format_args!("\\# {}", octets.len()), out);
    if !octets.is_empty() {
        out.push(b' ');
        hex(octets, out);
    }
}

/// Appends a string between quotes.
pub fn quoted(octets: &[u8], out: Out<'_>) {
    out.push(b'"');
    for &octet in octets {
        // A space needs no escape between quotes.
        match octet {
            b' ' => out.push(octet),
            _ => write_octet(octet, b"\\\"", out),
        }
    }
    out.push(b'"');
}

/// Appends `octets` as digits of `bits` bits each; the last digit is filled with zero bits.
fn digits(octets: &[u8], bits: u32, alphabet: &[u8], out: Out<'_>) -> usize {
    let mut held = 0u32;
    let mut count = 0u32;
    let mut written = 0usize;
    let mask = (1u32 << bits).wrapping_sub(1);
    let mut push = |value: u32, out: &mut Vec<u8>| {
        out.extend(alphabet.get((value & mask) as usize));
        written = written.wrapping_add(1);
    };
    for &octet in octets {
        held = held << 8 | u32::from(octet);
        count = count.wrapping_add(8);
        while count >= bits {
            count = count.wrapping_sub(bits);
            push(held.wrapping_shr(count), out);
        }
        held &= 0xff;
    }
    if count > 0 {
        push(held << bits.wrapping_sub(count), out);
    }
    written
}

/// Appends octets in base 64 (RFC 4648 §4).
pub fn base64(octets: &[u8], out: Out<'_>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let written = digits(octets, 6, ALPHABET, out);
    out.extend(std::iter::repeat_n(b'=', written.wrapping_neg() & 3));
}

/// Appends octets in base 32 with the extended hexadecimal alphabet, unpadded (RFC 5155 §3.3).
pub fn base32hex(octets: &[u8], out: Out<'_>) {
    digits(octets, 5, b"0123456789ABCDEFGHIJKLMNOPQRSTUV", out);
}

/// Appends seconds since 1970 as `YYYYMMDDHHMMSS` (RFC 4034 §3.2).
pub fn date(seconds: u32, out: Out<'_>) {
    let (days, within) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (within / 3600, within / 60 % 60, within % 60);
    display(format_args!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}"), out);
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: u32) -> (u32, u32, u32) {
    // Counted from 0000-03-01, so that leap days end their years.
    let days = days.wrapping_add(719_468);
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = of_era
        .wrapping_sub(of_era / 1460)
        .wrapping_add(of_era / 36_524)
        .wrapping_sub(of_era / 146_096)
        / 365;
    let before = year.wrapping_mul(365).wrapping_add(year / 4).wrapping_sub(year / 100);
    let of_year = of_era.wrapping_sub(before);
    let shifted = of_year.wrapping_mul(5).wrapping_add(2) / 153;
    let month_start = shifted.wrapping_mul(153).wrapping_add(2) / 5;
    let day = of_year.wrapping_sub(month_start).wrapping_add(1);
    let month = if shifted < 10 { shifted.wrapping_add(3) } else { shifted.wrapping_sub(9) };
    let year = year.wrapping_add(era.wrapping_mul(400)).wrapping_add(u32::from(month <= 2));
    (year, month, day)
}

/// Appends a location (RFC 1876 §2): latitude, longitude, altitude, size and precisions.
pub fn location(data: &[u8], out: Out<'_>) -> Option<()> {
    let mut c = Cursor::new(data);
    let (version, sizes) = (c.u8()?, c.array::<3>()?);
    let (latitude, longitude, altitude) = (c.u32()?, c.u32()?, c.u32()?);
    if version != 0 || !c.is_empty() {
        return None;
    }
    for (value, positive, negative) in [(latitude, 'N', 'S'), (longitude, 'E', 'W')] {
        let from_middle = i64::from(value).wrapping_sub(1 << 31);
        let thousandths = from_middle.unsigned_abs();
        let (degrees, minutes) = (thousandths / 3_600_000, thousandths / 60_000 % 60);
        let (seconds, fraction) = (thousandths / 1000 % 60, thousandths % 1000);
        let side = if from_middle < 0 { negative } else { positive };
        display(format_args!("{degrees} {minutes} {seconds}.{fraction:03} {side} "), out);
    }
    let centimetres = i64::from(altitude).wrapping_sub(10_000_000);
    let sign = if centimetres < 0 { "-" } else { "" };
    let (metres, rest) = (centimetres.unsigned_abs() / 100, centimetres.unsigned_abs() % 100);
    display(format_args!("{sign}{metres}.{rest:02}m"), out);
    for size in sizes {
        let (mantissa, exponent) = (size >> 4, size & 0xf);
        if mantissa > 9 || exponent > 9 {
            return None;
        }
        let value = u64::from(mantissa).wrapping_mul(10u64.wrapping_pow(exponent.into()));
        display(format_args!(" {}.{:02}m", value / 100, value % 100), out);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn encodings_follow_their_standard() {
        // RFC 4648 §10.
        for (plain, base) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(made(|out| base64(plain.as_bytes(), out)), base);
        }
        for (plain, base) in [("f", "CO"), ("foo", "CPNMU"), ("foobar", "CPNMUOJ1E8")] {
            assert_eq!(made(|out| base32hex(plain.as_bytes(), out)), base);
        }
    }

    #[test]
    fn dates_are_civil() {
        for (seconds, text) in [
            (0, "19700101000000"),
            (951_782_399, "20000228235959"),
            (951_782_400, "20000229000000"),
            (951_868_800, "20000301000000"),
            (1_709_164_800, "20240229000000"),
            (u32::MAX, "21060207062815"),
        ] {
            assert_eq!(made(|out| date(seconds, out)), text);
        }
    }

    #[test]
    fn locations_follow_their_standard() {
        // RFC 1876's host 42 21 54 N 71 06 18 W -24m 30m, with the other sizes by default.
        let data = b"\x00\x33\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\x00\x98\x8d\x20";
        assert_eq!(
            made(|out| location(data, out).unwrap()),
            "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"
        );
    }
}

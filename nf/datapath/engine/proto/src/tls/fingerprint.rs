//! Fingerprints of hellos as their authors define them: JA3 and JA3S (Salesforce), JA4 (FoxIO).

use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::Sha256;

use super::extension::{Extensions, code};
use super::handshake::{ClientHello, ServerHello, is_grease};

/// How the handshake was carried: JA4's first letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// TLS over TCP.
    Tcp,
    /// QUIC.
    Quic,
    /// DTLS.
    Datagram,
}

/// Octets as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        push(&mut out, format_args!("{byte:02x}"));
    }
    out
}

/// Lower-case hexadecimal MD5 of `text`: what JA3 and JA3S are known by.
pub fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

// Writing into a String cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn push_list(out: &mut String, numbers: impl Iterator<Item = u16>) {
    for (index, number) in numbers.enumerate() {
        let dash = if index == 0 { "" } else { "-" };
        push(out, format_args!("{dash}{number}"));
    }
}

fn codes(extensions: Extensions<'_>) -> impl Iterator<Item = u16> {
    extensions.walk().map(|(code, _)| code)
}

/// JA3 before hashing: version, ciphers, extensions, groups and point formats, without GREASE.
pub fn ja3(hello: &ClientHello<'_>) -> String {
    let mut out = hello.version.to_string();
    out.push(',');
    push_list(&mut out, hello.cipher_suites.meaningful());
    out.push(',');
    push_list(&mut out, codes(hello.extensions).filter(|&c| !is_grease(c)));
    out.push(',');
    push_list(&mut out, hello.groups.meaningful());
    out.push(',');
    push_list(&mut out, hello.point_formats.iter().map(|&f| f.into()));
    out
}

/// JA3S before hashing: version, cipher and extensions of the server's hello.
pub fn ja3s(hello: &ServerHello<'_>) -> String {
    let mut out = format!("{},{},", hello.version, hello.cipher_suite);
    push_list(&mut out, codes(hello.extensions));
    out
}

/// JA4 of a client's hello.
pub fn ja4(hello: &ClientHello<'_>, carried: Carried) -> String {
    let mut ciphers: Vec<u16> = hello.cipher_suites.meaningful().collect();
    let mut extensions: Vec<u16> = codes(hello.extensions).filter(|&c| !is_grease(c)).collect();
    let letter = match carried {
        Carried::Tcp => 't',
        Carried::Quic => 'q',
        Carried::Datagram => 'd',
    };
    let destination = if hello.has_server_name { 'd' } else { 'i' };
    let (first, last) = alpn_ends(hello.alpn.iter().next());
    let version = match carried {
        Carried::Datagram => hello.best_version(),
        // By definition the highest number, also where that is a draft's and no word stands for it.
        Carried::Tcp | Carried::Quic => {
            hello.supported_versions.meaningful().max().unwrap_or(hello.version)
        }
    };
    let mut out = format!(
        "{letter}{}{destination}{:02}{:02}{first}{last}_",
        version_word(version),
        ciphers.len().min(99),
        extensions.len().min(99),
    );

    ciphers.sort_unstable();
    out.push_str(&short_hash(&hex_list(&ciphers)));
    out.push('_');

    extensions.retain(|&c| c != code::SERVER_NAME && c != code::ALPN);
    extensions.sort_unstable();
    let mut rest = hex_list(&extensions);
    let algorithms: Vec<u16> = hello.signature_algorithms.meaningful().collect();
    if !algorithms.is_empty() && !rest.is_empty() {
        rest.push('_');
        rest.push_str(&hex_list(&algorithms));
    }
    out.push_str(&short_hash(&rest));
    out
}

fn version_word(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of the first ALPN name, or of its hexadecimal form.
fn alpn_ends(name: Option<&[u8]>) -> (char, char) {
    let Some((&first, &last)) = name.and_then(|n| n.first().zip(n.last())) else {
        return ('0', '0');
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return (first.into(), last.into());
    }
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    (digit(first >> 4), digit(last & 0xf))
}

fn hex_list(numbers: &[u16]) -> String {
    let mut out = String::with_capacity(numbers.len().saturating_mul(5));
    for (index, number) in numbers.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        push(&mut out, format_args!("{comma}{number:04x}"));
    }
    out
}

/// First twelve digits of the SHA-256; zeros stand for nothing.
fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_string();
    }
    let digest = Sha256::digest(text.as_bytes());
    hex(digest.first_chunk::<6>().map_or(&[][..], |d| d))
}

#[cfg(test)]
mod tests {
    use super::super::handshake::Numbers;
    use super::*;

    #[test]
    fn ja4_takes_the_highest_version_number_even_if_it_is_a_drafts() {
        let offering = |versions| ClientHello {
            version: 0x0303,
            supported_versions: Numbers(versions),
            ..ClientHello::default()
        };
        let word = |hello: &ClientHello<'_>| ja4(hello, Carried::Tcp)[..3].to_string();

        assert_eq!(word(&offering(&[3, 3, 3, 4])), "t13");
        assert_eq!(word(&offering(&[3, 3])), "t12");
        assert_eq!(word(&offering(&[])), "t12");
        assert_eq!(word(&offering(&[0xfa, 0xfa, 3, 4])), "t13");
        assert_eq!(word(&offering(&[0xfb, 0x1a, 3, 4])), "t00");
    }
}

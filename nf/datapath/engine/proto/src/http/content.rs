//! What is kept of a body: its first octets, which tell what it is whatever its media type says,
//! and a message of DNS (RFC 8484) as a whole.

use nf_fields::Text;

/// Octets of a body that are looked at.
const FRONT: usize = 64;
/// Most octets of a message of DNS.
const MAX_DNS: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Content {
    front: Vec<u8>,
    /// It is a message of DNS.
    dns: bool,
    /// Octets are missing.
    broken: bool,
}

impl Content {
    /// Of a body with this Content-Type.
    pub(crate) fn of(content_type: Option<&Text>) -> Box<Self> {
        let media = content_type.and_then(|value| super::value::media_type(value.as_bytes()));
        let dns = media.is_some_and(|media| media.as_bytes() == b"application/dns-message");
        Box::new(Self { dns, ..Self::default() })
    }

    /// Takes the next octets.
    pub(crate) fn take(&mut self, octets: &[u8]) {
        let most = if self.dns { MAX_DNS } else { FRONT };
        let room = most.saturating_sub(self.front.len());
        self.broken |= self.dns && octets.len() > room;
        self.front.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    /// Octets were lost: what comes is not the front any more.
    pub(crate) fn lose(&mut self) {
        self.broken = true;
    }

    /// The message of DNS, once the body has ended.
    pub(crate) fn take_dns(&mut self) -> Option<Vec<u8>> {
        let whole = self.dns && !self.broken && !self.front.is_empty();
        whole.then(|| std::mem::take(&mut self.front))
    }

    /// What the first octets are.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match self.broken && self.front.len() < FRONT {
            true => None,
            false => kind_of(&self.front),
        }
    }
}

/// Signatures at the start, and what they tell.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x7fELF", "executable"),
    (b"\xfe\xed\xfa\xce", "executable"),
    (b"\xfe\xed\xfa\xcf", "executable"),
    (b"\xce\xfa\xed\xfe", "executable"),
    (b"\xcf\xfa\xed\xfe", "executable"),
    (b"\xca\xfe\xba\xbe", "executable"),
    (b"dex\n03", "executable"),
    (b"\0asm", "executable"),
    (b"#!/", "script"),
    (b"#! /", "script"),
    (b"%PDF-", "document"),
    (b"{\\rtf", "document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"),
    (b"PK\x03\x04", "archive"),
    (b"PK\x05\x06", "archive"),
    (b"\x1f\x8b\x08", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\0", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"MSCF\0\0\0\0", "archive"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"\0\0\x01\0", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"OggS", "media"),
    (b"ID3", "media"),
    (b"fLaC", "media"),
    (b"\x1a\x45\xdf\xa3", "media"),
    (b"FLV\x01", "media"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"OTTO\0", "font"),
];

/// What the first octets of a body are: executable, script, document, archive, image, media, font,
/// text, or else binary; `None` without octets.
pub(crate) fn kind_of(front: &[u8]) -> Option<&'static str> {
    if front.is_empty() {
        return None;
    }
    let known = SIGNATURES.iter().find(|(sign, _)| front.starts_with(sign)).map(|&(_, kind)| kind);
    known.or_else(|| framed(front)).or_else(|| Some(if is_text(front) { "text" } else { "binary" }))
}

/// Containers whose name stands behind a length, and programs of DOS and Windows, whose two
/// letters alone may begin a text.
fn framed(front: &[u8]) -> Option<&'static str> {
    match front {
        [b'M', b'Z', rest @ ..] if !is_text(rest) => Some("executable"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image"),
        [b'R', b'I', b'F', b'F', _, _, _, _, ..] => Some("media"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v' | b'o', b'i', ..] => Some("image"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', b'i', ..] => Some("image"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("media"),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some("image"),
        _ => None,
    }
}

/// Whether octets can be text: of UTF-16 with its mark, or without control octets; the end may
/// have cut a character of UTF-8, and other sets use the octets above 127.
fn is_text(octets: &[u8]) -> bool {
    if octets.starts_with(b"\xff\xfe") || octets.starts_with(b"\xfe\xff") {
        return true;
    }
    octets.iter().all(|&b| matches!(b, b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | 0x1b) || b >= b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_octets_tell_what_a_body_is() {
        for (front, kind) in [
            (&b"MZ\x90\0\x03\0\0\0"[..], "executable"),
            (b"MZ is a short story", "text"),
            (b"\x7fELF\x02\x01", "executable"),
            (b"#!/bin/sh\n", "script"),
            (b"%PDF-1.7\n", "document"),
            (b"PK\x03\x04\x14\0", "archive"),
            (b"\x89PNG\r\n\x1a\n\0", "image"),
            (b"RIFF\x24\x08\0\0WEBPVP8 ", "image"),
            (b"RIFF\x24\x08\0\0WAVEfmt ", "media"),
            (b"\0\0\0\x20ftypisom", "media"),
            (b"\0\0\0\x20ftypavif", "image"),
            (b"<!DOCTYPE html>\r\n", "text"),
            ("{\"größe\": 7}".as_bytes(), "text"),
            (b"\xff\xfeh\0i\0", "text"),
            (b"\x01\x02\x03", "binary"),
        ] {
            assert_eq!(kind_of(front), Some(kind), "{front:?}");
        }
        assert_eq!(kind_of(b""), None);
    }

    #[test]
    fn a_body_without_its_front_is_not_judged() {
        let mut content = Content::of(None);
        content.take(b"abc");
        content.lose();
        content.take(b"\x01");

        assert_eq!(content.kind(), None);
    }

    #[test]
    fn only_so_much_of_a_body_is_kept() {
        let mut text = Content::of(Some(&Text::from(&b"text/html"[..])));
        let mut dns = Content::of(Some(&Text::from(&b"application/DNS-message"[..])));
        for _ in 0..40 {
            text.take(&[b'a'; 2000]);
            dns.take(&[b'a'; 2000]);
        }

        assert_eq!((text.front.len(), dns.front.len()), (FRONT, MAX_DNS));
        assert_eq!((text.take_dns(), dns.take_dns()), (None, None));
    }
}

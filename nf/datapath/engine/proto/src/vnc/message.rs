//! Octets → parts of the handshake: pure, no state, no panic.

use crate::Cursor;

/// Octets of a version.
pub(super) const BANNER: usize = 12;

/// Major and minor version of `RFB 003.008` and its line feed.
pub(super) fn banner(data: &[u8]) -> Option<(u16, u16)> {
    let line = data.get(..BANNER)?;
    let number = |digits: &[u8]| {
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| std::str::from_utf8(digits).ok()?.parse::<u16>().ok())?
    };
    let known = line.starts_with(b"RFB ") && line.get(7) == Some(&b'.') && line.ends_with(b"\n");
    known.then(|| Some((number(line.get(4..7)?)?, number(line.get(8..11)?)?)))?
}

/// Whether the octets may become a version.
pub(super) fn may_be_banner(data: &[u8]) -> bool {
    let start: &[u8] = b"RFB ";
    data.len() < BANNER
        && (start.starts_with(data) || data.starts_with(start))
        && data.iter().skip(4).all(|o| o.is_ascii_digit() || *o == b'.')
}

/// What a kind of security is called.
pub(super) fn security_name(number: u8) -> &'static str {
    match number {
        0 => "invalid",
        1 => "none",
        2 => "vnc",
        5 => "ra2",
        6 => "ra2ne",
        7 => "sspi",
        8 => "sspine",
        16 => "tight",
        17 => "ultra",
        18 => "tls",
        19 => "vencrypt",
        20 => "sasl",
        21 => "md5",
        22 => "xvp",
        30 | 33 | 35 | 36 => "apple",
        129 => "ra256",
        130 => "ra2ne256",
        _ => "other",
    }
}

/// What a kind of VeNCrypt is called.
pub(super) fn subtype_name(number: u32) -> &'static str {
    match number {
        256 => "plain",
        257 => "tls_none",
        258 => "tls_vnc",
        259 => "tls_plain",
        260 => "x509_none",
        261 => "x509_vnc",
        262 => "x509_plain",
        263 => "tls_sasl",
        264 => "x509_sasl",
        _ => "other",
    }
}

/// The screen of a server: width, height, bits and depth of a pixel, and the length of its name.
pub(super) struct Screen {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) bits_per_pixel: u8,
    pub(super) depth: u8,
    pub(super) name_length: usize,
}

/// Octets of the screen's description without the name.
pub(super) const SCREEN: usize = 24;

/// The description of the screen at the front.
pub(super) fn screen(data: &[u8]) -> Option<Screen> {
    let mut c = Cursor::new(data);
    let (width, height) = (c.u16()?, c.u16()?);
    let (bits_per_pixel, depth) = (c.u8()?, c.u8()?);
    c.skip(14)?;
    let name_length = usize::try_from(c.u32()?).ok()?;
    Some(Screen { width, height, bits_per_pixel, depth, name_length })
}

//! QUIC versions: names, and how each protects its Initial packets (RFC 9001 §5.2, RFC 9369 §3).

use nf_fields::Text;

/// QUIC version 1.
pub const V1: u32 = 1;
/// QUIC version 2.
pub const V2: u32 = 0x6b33_43cf;
/// Google's last version with its own handshake, and its two with TLS.
const Q050: u32 = u32::from_be_bytes(*b"Q050");
const T050: u32 = u32::from_be_bytes(*b"T050");
const T051: u32 = u32::from_be_bytes(*b"T051");

/// What a version's Initial packets are protected with.
#[derive(Clone, Copy, Debug)]
pub struct Protection {
    /// Salt of the first secret.
    pub salt: &'static [u8; 20],
    /// Labels of key, IV and header protection key.
    pub labels: &'static [&'static [u8]; 3],
}

const LABELS: &[&[u8]; 3] = &[b"quic key", b"quic iv", b"quic hp"];
const LABELS_V2: &[&[u8]; 3] = &[b"quicv2 key", b"quicv2 iv", b"quicv2 hp"];

const SALT_22: &[u8; 20] =
    b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a";
const SALT_23: &[u8; 20] =
    b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02";
const SALT_29: &[u8; 20] =
    b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
const SALT_V1: &[u8; 20] =
    b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const SALT_V2: &[u8; 20] =
    b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
const SALT_Q050: &[u8; 20] =
    b"\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45";
const SALT_T050: &[u8; 20] =
    b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10";
const SALT_T051: &[u8; 20] =
    b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d";

/// The IETF draft that `version` is or is made after.
fn draft(version: u32) -> Option<u8> {
    match version {
        0xff00_0016..=0xff00_0022 => u8::try_from(version & 0xff).ok(),
        0xface_b001 => Some(22),
        0xface_b002 | 0xface_b00e => Some(27),
        _ => None,
    }
}

/// How Initial packets of `version` are protected; `None` when that is not known.
pub fn protection(version: u32) -> Option<Protection> {
    let salt = match version {
        V1 => SALT_V1,
        V2 => return Some(Protection { salt: SALT_V2, labels: LABELS_V2 }),
        Q050 => SALT_Q050,
        T050 => SALT_T050,
        T051 => SALT_T051,
        _ => match draft(version)? {
            22 => SALT_22,
            23..=28 => SALT_23,
            29..=32 => SALT_29,
            _ => SALT_V1,
        },
    };
    Some(Protection { salt, labels: LABELS })
}

/// All that Initial packets of `version` may be protected with. A reserved version has no
/// protection of its own: those who send it use that of the version they would speak.
pub fn protections(version: u32) -> impl Iterator<Item = Protection> {
    let guesses: &[&[u8; 20]] = if is_reserved(version) { &[SALT_V1, SALT_29] } else { &[] };
    let guesses = guesses.iter().map(|salt| Protection { salt, labels: LABELS });
    protection(version).into_iter().chain(guesses)
}

/// Whether `version` is one whose packets can be read.
#[inline]
pub fn is_known(version: u32) -> bool {
    protection(version).is_some()
}

/// Whether `version` only provokes a version negotiation (RFC 9000 §15).
#[inline]
pub fn is_reserved(version: u32) -> bool {
    version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// Whether `version` is an RFC's, not a draft's.
#[inline]
pub fn is_final(version: u32) -> bool {
    matches!(version, V1 | V2)
}

/// Whether packets hold Google's frames instead of the IETF's.
#[inline]
pub fn is_google(version: u32) -> bool {
    matches!(version, Q050 | T050 | T051)
}

/// Whether the handshake is Google's own instead of TLS.
#[inline]
pub fn has_google_handshake(version: u32) -> bool {
    version == Q050
}

/// Whether transport parameters have lengths of two octets (drafts before 27).
#[inline]
pub fn has_early_parameters(version: u32) -> bool {
    draft(version).is_some_and(|n| n < 27)
}

/// The version as people write it.
pub fn name(version: u32) -> Text {
    match version {
        V1 => "1".into(),
        V2 => "2".into(),
        Q050 | T050 | T051 => version.to_be_bytes().as_slice().into(),
        _ => match draft(version) {
            Some(n) if version >> 24 == 0xff => format!("draft-{n}").into(),
            Some(n) => format!("mvfst-{n}").into(),
            None => format!("0x{version:08x}").into(),
        },
    }
}

//! Words for numbers: versions, alerts, and what an ALPN name stands for.

use nf_fields::{ProtoId, Text};

use super::handshake::Names;

/// A protocol version as people write it; hexadecimal when nobody named it.
pub fn version_name(version: u16) -> Text {
    match version {
        0x0002 => "SSL 2.0".into(),
        0x0300 => "SSL 3.0".into(),
        0x0301 => "TLS 1.0".into(),
        0x0302 => "TLS 1.1".into(),
        0x0303 => "TLS 1.2".into(),
        0x0304 => "TLS 1.3".into(),
        0xfeff => "DTLS 1.0".into(),
        0xfefd => "DTLS 1.2".into(),
        0xfefc => "DTLS 1.3".into(),
        _ if version >> 8 == 0x7f => format!("TLS 1.3 draft {}", version & 0xff).into(),
        _ => format!("0x{version:04x}").into(),
    }
}

/// An alert's name (RFC 8446 §6 and its predecessors).
pub fn alert_name(description: u8) -> Text {
    let name = match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        other => return other.to_string().into(),
    };
    name.into()
}

/// The protocol that an ALPN name stands for, where it has a name in the registry of protocols.
pub fn alpn_protocol(name: &[u8]) -> Option<ProtoId> {
    let id = match name {
        b"h2" => 700,
        b"http/0.9" | b"http/1.0" | b"http/1.1" => 153,
        b"dot" | b"doq" => 85,
        b"ftp" => 117,
        b"imap" => 169,
        b"pop3" => 272,
        b"irc" => 183,
        b"mqtt" => 657,
        b"coap" | b"co" => 1241,
        b"xmpp-client" | b"xmpp-server" => 186,
        b"stun.turn" | b"stun.nat-discovery" => 347,
        b"postgresql" => 276,
        b"sip/2" => 314,
        b"tds/8.0" => 355,
        _ if name == b"h3" || name.starts_with(b"h3-") => crate::http3::ID.0,
        _ => return None,
    };
    Some(ProtoId(id))
}

/// The protocol that all of `offered` are names of; GREASE aside, which is two equal octets of the
/// reserved pattern here too.
pub fn only_protocol(offered: Names<'_>) -> Option<ProtoId> {
    let mut real =
        offered.iter().filter(|name| !matches!(**name, [a, b] if a == b && a & 0xf == 0xa));
    let only = alpn_protocol(real.next()?)?;
    real.all(|name| alpn_protocol(name) == Some(only)).then_some(only)
}

//! Octets → IKE messages: header and chain of payloads, versions 1 and 2. Pure, bounded.

use crate::Cursor;

/// Octets of the header.
pub const HEADER: usize = 28;
/// Most payloads of a message that are looked at.
const MAX_PAYLOADS: usize = 64;

/// Payloads that are looked into, by what both versions call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Association,
    KeyExchange,
    Notify,
    Delete,
    Vendor,
    Identity,
    Encrypted,
    Other,
}

/// The header (RFC 2408 §3.1, RFC 7296 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub initiator: [u8; 8],
    pub responder: [u8; 8],
    pub next: u8,
    pub major: u8,
    pub minor: u8,
    pub exchange: u8,
    pub flags: u8,
    pub id: u32,
    pub length: u32,
}

impl Header {
    /// Everything behind the header is encrypted (version 1) or may be (version 2).
    pub fn encrypted(&self) -> bool {
        if self.major == 1 { self.flags & 1 != 0 } else { matches!(self.next, 46 | 53) }
    }

    /// Version 2 says who answers; version 1 does not.
    pub fn is_response(&self) -> bool {
        self.major == 2 && self.flags & 0x20 != 0
    }
}

/// Reads a header whose parts agree; `None` when they do not.
pub fn header(data: &[u8]) -> Option<Header> {
    let mut c = Cursor::new(data);
    let (initiator, responder, next) = (c.array()?, c.array()?, c.u8()?);
    let [version, exchange, flags] = c.array()?;
    let (major, minor) = (version >> 4, version & 15);
    let header = Header {
        initiator,
        responder,
        next,
        major,
        minor,
        exchange,
        flags,
        id: c.u32()?,
        length: c.u32()?,
    };
    let known = match major {
        1 => {
            minor == 0
                && matches!(exchange, 1..=6 | 32..=34)
                && flags & 0xf8 == 0
                && (next <= 21 || matches!(next, 128..=132))
        }
        2 => {
            minor == 0
                && matches!(exchange, 34..=44)
                && flags & 0xc7 == 0
                && matches!(next, 0 | 33..=55 | 128..)
        }
        _ => false,
    };
    let fits = usize::try_from(header.length).is_ok_and(|l| l >= HEADER);
    (known && fits && initiator != [0; 8]).then_some(header)
}

/// A payload and its octets, without its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    pub number: u8,
    pub kind: Kind,
    pub body: &'a [u8],
}

/// Calls `each` for the payloads in clear; false when they do not fill `body`.
pub fn payloads<'a>(h: &Header, body: &'a [u8], mut each: impl FnMut(Payload<'a>)) -> bool {
    let mut c = Cursor::new(body);
    let mut next = h.next;
    for _ in 0..MAX_PAYLOADS {
        if next == 0 {
            return c.is_empty();
        }
        let Some([following, _]) = c.array() else { return false };
        let Some(length) = c.u16().and_then(|l| usize::from(l).checked_sub(4)) else {
            return false;
        };
        let Some(inside) = c.take(length) else { return false };
        let kind = kind_of(h.major, next);
        each(Payload { number: next, kind, body: inside });
        // What is encrypted is the last, and its next is the first inside.
        if kind == Kind::Encrypted {
            return c.is_empty();
        }
        next = following;
    }
    true
}

fn kind_of(major: u8, number: u8) -> Kind {
    match (major, number) {
        (1, 1) | (2, 33) => Kind::Association,
        (1, 4) | (2, 34) => Kind::KeyExchange,
        (1, 11) | (2, 41) => Kind::Notify,
        (1, 12) | (2, 42) => Kind::Delete,
        (1, 13) | (2, 43) => Kind::Vendor,
        (1, 5) | (2, 35 | 36) => Kind::Identity,
        (2, 46 | 53) => Kind::Encrypted,
        _ => Kind::Other,
    }
}

/// The word for an exchange.
pub fn exchange(major: u8, number: u8) -> &'static str {
    match (major, number) {
        (1, 1) => "base",
        (1, 2) => "identity_protection",
        (1, 3) => "authentication_only",
        (1, 4) => "aggressive",
        (1, 5) => "informational",
        (1, 6) => "transaction",
        (1, 32) => "quick",
        (1, 33) => "new_group",
        (1, 34) => "acknowledged_informational",
        (2, 34) => "ike_sa_init",
        (2, 35) => "ike_auth",
        (2, 36) => "create_child_sa",
        (2, 37) => "informational",
        (2, 38) => "ike_session_resume",
        (2, 39) => "gsa_auth",
        (2, 40) => "gsa_registration",
        (2, 41) => "gsa_rekey",
        (2, 43) => "ike_intermediate",
        (2, 44) => "ike_followup_ke",
        _ => "other",
    }
}

/// The word for a notification.
pub fn notification(major: u8, number: u16) -> &'static str {
    match (major, number) {
        (_, 1) => "unsupported_critical_payload",
        (_, 4) => "invalid_ike_spi",
        (_, 5) => "invalid_major_version",
        (_, 7) => "invalid_syntax",
        (_, 9) => "invalid_message_id",
        (_, 11) => "invalid_spi",
        (_, 14) => "no_proposal_chosen",
        (_, 17) => "invalid_ke_payload",
        (_, 24) => "authentication_failed",
        (1, 18) => "invalid_id_information",
        (1, 16) => "payload_malformed",
        (1, 24576) => "responder_lifetime",
        (1, 24577) => "replay_status",
        (1, 24578) => "initial_contact",
        (1, 36136) => "dpd_request",
        (1, 36137) => "dpd_acknowledgement",
        (2, 34) => "single_pair_required",
        (2, 16388) => "nat_detection_source_ip",
        (2, 16389) => "nat_detection_destination_ip",
        (2, 16390) => "cookie",
        (2, 16393) => "rekey_sa",
        (2, 16404) => "multiple_auth_supported",
        (2, 16406) => "redirect_supported",
        (2, 16407) => "redirect",
        (2, 16418) => "childless_ikev2_supported",
        (2, 16430) => "fragmentation_supported",
        (2, 16431) => "signature_hash_algorithms",
        (2, 16438) => "intermediate_exchange_supported",
        _ => "other",
    }
}

/// What stands for a product or an extension, by the octets that announce it.
pub fn vendor(octets: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (&[0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12], "xauth"),
        (&[0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc], "dpd"),
        (
            &[
                0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95,
                0x45, 0x2f,
            ],
            "nat_traversal",
        ),
        (
            &[
                0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6,
                0xc2, 0xd3,
            ],
            "fragmentation",
        ),
        (
            &[
                0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70, 0x2d, 0x9f, 0xe2, 0x74, 0xcc,
                0x01, 0x00,
            ],
            "cisco_unity",
        ),
    ];
    KNOWN.iter().find(|(begin, _)| octets.starts_with(begin)).map(|(_, word)| *word)
}

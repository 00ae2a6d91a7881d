//! A row as fields: what formats write and filters read.

use std::cell::OnceCell;
use std::net::IpAddr;

use nf_fields::{Field, Fields, Scope, Type, Value};
use sha1::{Digest, Sha1};

use crate::catalog;
use crate::row::{Row, What};
use crate::snapshot::Snapshot;

const fn field(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, id: 0, ty, scope: Scope::Session, aliases: &[], doc }
}

const U16: Type = Type::Uint(16);
const U32: Type = Type::Uint(32);
const U64: Type = Type::Uint(64);

/// The fields of a session, in the order of columns. What comes after `community_id` is written
/// on request only.
pub static SESSION_FIELDS: &[Field] = &[
    field("type", Type::Text, "Kind of the row: session, transaction or event."),
    field(
        "session_id",
        U64,
        "Number of the session's first packet in the capture; sessions within tunnels add 2^48 per IP layer.",
    ),
    field("start", Type::Time, "Time of the first packet, seconds since the epoch."),
    field("end", Type::Time, "Time of the last packet, seconds since the epoch."),
    field("src_ip", Type::Ip, "Address of the initiator."),
    field("src_port", U16, "Port of the initiator; 0 where there are no ports."),
    field("dst_ip", Type::Ip, "Address of the responder."),
    field("dst_port", U16, "Port of the responder; 0 where there are no ports."),
    field("ip_proto", Type::Uint(8), "IP protocol number."),
    field("vlan", U16, "Outermost VLAN identifier."),
    field("path", Type::Text, "Protocol path seen from the initiator."),
    field("protocol", Type::Text, "Innermost protocol of the path."),
    field("app", Type::Text, "Application."),
    field("category", Type::Text, "Category of the application."),
    field(
        "confidence",
        Type::Text,
        "How the protocol was found: dpi, pattern, port, address, none.",
    ),
    field("server_name", Type::Text, "Name of the server (SNI, Host, certificate or query)."),
    field("packets_up", U64, "Packets from the initiator."),
    field("packets_down", U64, "Packets from the responder."),
    field("bytes_up", U64, "Octets from the initiator, from the IP header up."),
    field("bytes_down", U64, "Octets from the responder, from the IP header up."),
    field("payload_up", U64, "Octets of transport payload from the initiator."),
    field("payload_down", U64, "Octets of transport payload from the responder."),
    field("retransmissions_up", U32, "TCP segments the initiator sent again."),
    field("retransmissions_down", U32, "TCP segments the responder sent again."),
    field("rtt_us", U32, "Smallest round trip between probe and responder, microseconds."),
    field(
        "handshake_us",
        U32,
        "TCP handshake, from SYN to its last acknowledgement, microseconds.",
    ),
    field(
        "app_response_us",
        U32,
        "From the first request to the first octet of its answer, microseconds.",
    ),
    field(
        "end_reason",
        Type::Text,
        "Why it ended: fin, rst, idle, evicted, end_of_capture; active while it has not.",
    ),
    field("community_id", Type::Text, "Community ID, version 1, seed 0."),
    field("path_down", Type::Text, "Protocol path seen from the responder."),
    field("tunnel_packets_up", U64, "Packets of sessions within this tunnel, from the initiator."),
    field(
        "tunnel_packets_down",
        U64,
        "Packets of sessions within this tunnel, from the responder.",
    ),
    field("tunnel_bytes_up", U64, "Octets of those packets, from this session's IP header up."),
    field("tunnel_bytes_down", U64, "Octets of those packets, from this session's IP header up."),
    field("anomalies", U32, "Anomalies counted on the session."),
    field("app_id", U16, "Number of the application."),
    field("protocol_id", U16, "Number of the protocol."),
];

/// How many of [`SESSION_FIELDS`] are written unless asked otherwise.
pub const DEFAULT_SESSION_FIELDS: usize = 29;

/// The values of a row's session.
pub struct RowView<'a> {
    row: &'a Row,
    snapshot: &'a Snapshot,
    source: (IpAddr, u16),
    target: (IpAddr, u16),
    community: OnceCell<CommunityId>,
}

impl<'a> RowView<'a> {
    /// A view of `row`, which was finished under `snapshot`.
    pub fn new(row: &'a Row, snapshot: &'a Snapshot) -> Self {
        let [low, high] = row.session.key.ends();
        let (source, target) =
            if row.session.initiator_is_high { (high, low) } else { (low, high) };
        Self { row, snapshot, source, target, community: OnceCell::new() }
    }
}

fn text(words: &str) -> Value<'_> {
    if words.is_empty() { Value::None } else { Value::Text(words.as_bytes()) }
}

fn maybe(value: Option<u32>) -> Value<'static> {
    value.map_or(Value::None, |v| Value::Uint(v.into()))
}

impl Fields for RowView<'_> {
    fn fields() -> &'static [Field] {
        SESSION_FIELDS
    }

    fn field_list(&self) -> &'static [Field] {
        SESSION_FIELDS
    }

    fn get(&self, position: usize) -> Value<'_> {
        let s = &self.row.session;
        // Packets outside sessions have a time and nothing else.
        if s.id == 0 && position > 0 {
            return Value::None;
        }
        let (source, target) = (self.source, self.target);
        let app = || self.row.names.app.and_then(|app| self.snapshot.apps.get(app));
        match position {
            0 => text(match self.row.what {
                What::Session => "session",
                What::Transaction { .. } => "transaction",
                What::Event { .. } => "event",
            }),
            1 => Value::Uint(s.id),
            2 => Value::Time(s.start),
            3 => Value::Time(s.end),
            4 => Value::Ip(source.0),
            5 => Value::Uint(source.1.into()),
            6 => Value::Ip(target.0),
            7 => Value::Uint(target.1.into()),
            8 => Value::Uint(s.key.protocol().into()),
            9 => match s.vlan {
                0 => Value::None,
                tag => Value::Uint(u64::from(tag) - 1),
            },
            10 => text(self.row.names.path.as_deref().unwrap_or_default()),
            11 => s.path.last().map_or(Value::None, |id| text(catalog::name_of(id))),
            12 => app().map_or(Value::None, |app| text(&app.name)),
            13 => app().map_or(Value::None, |app| text(app.category.name())),
            14 => text(s.confidence.name()),
            15 => s.server_name.as_ref().map_or(Value::None, |n| Value::Text(&n.name)),
            16 => Value::Uint(s.packets[0]),
            17 => Value::Uint(s.packets[1]),
            18 => Value::Uint(s.bytes[0]),
            19 => Value::Uint(s.bytes[1]),
            20 => Value::Uint(s.payload[0]),
            21 => Value::Uint(s.payload[1]),
            22 => Value::Uint(s.retransmissions[0].into()),
            23 => Value::Uint(s.retransmissions[1].into()),
            24 => maybe(s.rtt_us),
            25 => maybe(s.handshake_us),
            26 => maybe(s.app_response_us),
            27 => text(s.end_reason.name()),
            28 => {
                let id = || community_id(source, target, s.key.protocol());
                Value::Text(self.community.get_or_init(id))
            }
            29 => text(self.row.names.path_down.as_deref().unwrap_or_default()),
            30 => Value::Uint(s.nested_packets[0]),
            31 => Value::Uint(s.nested_packets[1]),
            32 => Value::Uint(s.nested_bytes[0]),
            33 => Value::Uint(s.nested_bytes[1]),
            34 => Value::Uint(s.anomalies.into()),
            35 => app().map_or(Value::None, |app| Value::Uint(app.id.0.into())),
            36 => s.path.last().map_or(Value::None, |id| Value::Uint(id.0.into())),
            _ => Value::None,
        }
    }
}

/// Text of a Community ID.
pub type CommunityId = [u8; 30];

/// Community ID version 1 with seed 0: a digest of the ends, the same in every tool.
/// ICMP echo and its like would need type and code in place of ports; sessions here have none.
pub fn community_id(a: (IpAddr, u16), b: (IpAddr, u16), protocol: u8) -> CommunityId {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for end in [first, second] {
        match end.0 {
            IpAddr::V4(v4) => hash.update(v4.octets()),
            IpAddr::V6(v6) => hash.update(v6.octets()),
        }
    }
    hash.update([protocol, 0]);
    // Only protocols with ports have them in the digest.
    if matches!(protocol, 6 | 17 | 132) {
        hash.update(first.1.to_be_bytes());
        hash.update(second.1.to_be_bytes());
    }
    let mut text = *b"1:                           =";
    base64(&hash.finalize().into(), &mut text);
    text
}

/// Base64 (RFC 4648) of a digest behind the version.
fn base64(digest: &[u8; 20], text: &mut CommunityId) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (octets, room) in digest.chunks(3).zip(text[2..].chunks_mut(4)) {
        let octet = |n: usize| octets.get(n).copied().map_or(0, u32::from);
        let word = octet(0) << 16 | octet(1) << 8 | octet(2);
        for (n, digit) in room.iter_mut().enumerate().take(octets.len() + 1) {
            *digit = DIGITS[(word >> (18 - 6 * n) & 63) as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn community_ids_are_those_of_the_specification() {
        let id = |a: &str, ap, b: &str, bp, protocol| {
            let id = community_id((a.parse().unwrap(), ap), (b.parse().unwrap(), bp), protocol);
            String::from_utf8(id.to_vec()).unwrap()
        };
        // The baseline examples of the Community ID specification.
        assert_eq!(
            id("128.232.110.120", 34855, "66.35.250.204", 80, 6),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
        );
        assert_eq!(
            id("66.35.250.204", 80, "128.232.110.120", 34855, 6),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
        );
        assert_eq!(id("192.168.1.52", 54585, "8.8.8.8", 53, 17), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }

    #[test]
    fn the_default_columns_end_with_the_community_id() {
        assert_eq!(SESSION_FIELDS[DEFAULT_SESSION_FIELDS - 1].name, "community_id");
    }
}

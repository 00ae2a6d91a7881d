//! A row as fields: what formats write and filters read.

use std::cell::OnceCell;
use std::net::IpAddr;

use nf_apps::App;
use nf_fields::{Field, Fields, Value};
use sha1::{Digest, Sha1};

use super::session_fields::{READ, SESSION_FIELDS};
use crate::row::Row;
use crate::snapshot::Snapshot;

/// The values of a row's session.
pub struct RowView<'a> {
    pub(super) row: &'a Row,
    snapshot: &'a Snapshot,
    pub(super) source: (IpAddr, u16),
    pub(super) target: (IpAddr, u16),
    pub(super) community: OnceCell<CommunityId>,
}

impl<'a> RowView<'a> {
    /// A view of `row`, which was finished under `snapshot`.
    pub fn new(row: &'a Row, snapshot: &'a Snapshot) -> Self {
        let [low, high] = row.session.key.ends();
        let (source, target) =
            if row.session.initiator_is_high { (high, low) } else { (low, high) };
        Self { row, snapshot, source, target, community: OnceCell::new() }
    }

    /// Whether the row is about a session, and not about a packet outside any.
    #[inline]
    pub fn is_of_session(&self) -> bool {
        self.row.session.id != 0
    }

    /// Its application.
    pub(super) fn app(&self) -> Option<&App> {
        self.row.names.app.and_then(|app| self.snapshot.apps.get(app))
    }
}

impl Fields for RowView<'_> {
    fn fields() -> &'static [Field] {
        SESSION_FIELDS
    }

    fn field_list(&self) -> &'static [Field] {
        SESSION_FIELDS
    }

    fn get(&self, position: usize) -> Value<'_> {
        // Packets outside sessions have a time and nothing else.
        if !self.is_of_session() && position > 0 {
            return Value::None;
        }
        READ.get(position).map_or(Value::None, |read| read(self))
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
}

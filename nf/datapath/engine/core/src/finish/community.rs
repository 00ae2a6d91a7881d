//! Community ID, version 1 with seed 0: a digest of a session's ends, the same in every tool.

use std::net::IpAddr;

use sha1::{Digest, Sha1};

/// Its text.
pub type CommunityId = [u8; 30];

/// An address and a port.
type End = (IpAddr, u16);

/// The id of a session between `initiator` and `responder`. Of ICMP, type and code of the first
/// message stand in place of ports.
pub fn community_id(
    initiator: End,
    responder: End,
    protocol: u8,
    icmp: Option<[u8; 2]>,
) -> CommunityId {
    let (mut first, mut second) = (initiator, responder);
    let mut ordered = false;
    if let Some([kind, code]) = icmp {
        let answer = if protocol == 1 { icmp_answer(kind) } else { icmpv6_answer(kind) };
        first.1 = kind.into();
        second.1 = answer.unwrap_or(code).into();
        // What is not answered has a direction, and is left as it was seen.
        ordered = answer.is_none();
    }
    if !ordered && first > second {
        std::mem::swap(&mut first, &mut second);
    }
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for end in [first, second] {
        match end.0 {
            IpAddr::V4(v4) => hash.update(v4.octets()),
            IpAddr::V6(v6) => hash.update(v6.octets()),
        }
    }
    hash.update([protocol, 0]);
    // Only protocols with ports, or what stands for them, have them in the digest.
    if matches!(protocol, 6 | 17 | 132) || icmp.is_some() {
        hash.update(first.1.to_be_bytes());
        hash.update(second.1.to_be_bytes());
    }
    let mut text = *b"1:                           =";
    base64(&hash.finalize().into(), &mut text);
    text
}

/// The message that answers an ICMP message (RFC 792, RFC 950, RFC 1256), or is answered by it.
fn icmp_answer(kind: u8) -> Option<u8> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// The same for ICMPv6 (RFC 4443, RFC 2710, RFC 4861, RFC 4620, RFC 6275): pairs of neighbours.
fn icmpv6_answer(kind: u8) -> Option<u8> {
    match kind {
        128..=131 | 144 | 145 => Some(kind ^ 1),
        133 | 135 | 139 => Some(kind + 1),
        134 | 136 | 140 => Some(kind - 1),
        _ => None,
    }
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
            let ends = [(a.parse().unwrap(), ap), (b.parse().unwrap(), bp)];
            String::from_utf8(community_id(ends[0], ends[1], protocol, None).to_vec()).unwrap()
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
    fn icmp_is_told_by_type_and_code_and_both_directions_share_an_id_where_one_answers() {
        let id = |a: &str, b: &str, protocol, kind, code| {
            let ends = [(a.parse().unwrap(), 0), (b.parse().unwrap(), 0)];
            let id = community_id(ends[0], ends[1], protocol, Some([kind, code]));
            String::from_utf8(id.to_vec()).unwrap()
        };
        let (host, router) = ("192.168.0.89", "192.168.0.1");
        // Computed with the reference implementation.
        assert_eq!(id(host, router, 1, 8, 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        assert_eq!(id(router, host, 1, 0, 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        assert_eq!(id(host, router, 1, 5, 1), "1:bgekcoPzxdl++b8eoKZ3uwfuh38=");
        assert_eq!(id(router, host, 1, 3, 1), "1:o3zT92uTgnRWv/YrDVeXcWumpC4=");
        assert_eq!(id("fe80::1", "ff02::2", 58, 133, 0), "1:MaUmRHJIkfEZchZb0caydNb6bcQ=");
        assert_eq!(id("fe80::2", "fe80::1", 58, 136, 0), "1:7IIPGNVAHI2udmsuJVpA3RMOAqc=");
        let reported = id("2001:db8::9", "2001:db8::1", 58, 1, 4);
        assert_eq!(reported, "1:ASui7IJLN62GLqSkUY/QjGQPoxA=");
    }
}

//! The Internet checksum (RFC 1071). The walk never verifies it, since offloading leaves it
//! unfinished in most captures; views offer it to those who ask.

use std::net::IpAddr;

/// One's complement sum of the 16-bit words of `bytes`, not folded.
fn sum(bytes: &[u8]) -> u64 {
    bytes.chunks(2).fold(0u64, |total, word| {
        let word = match word {
            [a, b] => u16::from_be_bytes([*a, *b]),
            [a] => u16::from_be_bytes([*a, 0]),
            _ => 0,
        };
        total.wrapping_add(u64::from(word))
    })
}

/// Whether a total that includes the checksum field comes out as "all ones".
fn verifies(mut total: u64) -> bool {
    while total > 0xffff {
        total = (total & 0xffff).wrapping_add(total >> 16);
    }
    total == 0xffff
}

/// Whether `bytes`, checksum field included, sum to a valid Internet checksum.
pub fn verify(bytes: &[u8]) -> bool {
    verifies(sum(bytes))
}

/// The same for a transport segment under the pseudo-header of RFC 9293 and RFC 8200 §8.1.
pub fn verify_transport(src: IpAddr, dst: IpAddr, protocol: u8, segment: &[u8]) -> bool {
    let address = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => sum(&v4.octets()),
        IpAddr::V6(v6) => sum(&v6.octets()),
    };
    let length = u64::try_from(segment.len()).unwrap_or(u64::MAX);
    let total = [address(src), address(dst), u64::from(protocol), length & 0xffff, length >> 16]
        .into_iter()
        .fold(sum(segment), u64::wrapping_add);
    verifies(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_odd_lengths_and_wraps_carries() {
        assert!(verify(&[0xff, 0xff]));
        assert!(verify(&[0xff, 0x00, 0x00, 0xff]));
        assert!(verify(&[0xff, 0xfe, 0x00, 0x01]));
        assert!(verify(&[0x01, 0x00, 0xfe, 0xfe, 0x00, 0x01]));
        assert!(!verify(&[0x12, 0x34]));
        assert!(!verify(&[]));
    }

    #[test]
    fn transport_sum_covers_the_pseudo_header() {
        let (src, dst) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        // UDP 1 -> 2, 8 octets: 0a00+0001+0a00+0002+0011+0008+0001+0002+0008 = 1427 -> ebd8.
        let segment = [0, 1, 0, 2, 0, 8, 0xeb, 0xd8];
        assert!(verify_transport(src, dst, 17, &segment));
        assert!(!verify_transport(src, dst, 6, &segment));
    }
}

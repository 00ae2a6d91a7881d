//! Addresses and names of bits, as several protocols write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that 4 or 16 octets are.
pub(crate) fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Some(IpAddr::V4(Ipv4Addr::from(four)));
    }
    <[u8; 16]>::try_from(octets).ok().map(|six| IpAddr::V6(Ipv6Addr::from(six)))
}

/// The address that begins with `octets` and has zeros behind them: prefixes are written without
/// these. What exceeds an address is left out.
pub(crate) fn widened(octets: &[u8], is_ipv6: bool) -> IpAddr {
    let mut whole = [0; 16];
    whole.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    match whole {
        [a, b, c, d, ..] if !is_ipv6 => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        _ => IpAddr::V6(Ipv6Addr::from(whole)),
    }
}

/// The names of the bits that are set, from the lowest; bits without a name have none.
pub(crate) fn set_bits(bits: u32, names: &[&'static str]) -> Vec<&'static str> {
    let set = names.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    set.map(|(_, &name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_filled_up() {
        assert_eq!(widened(&[10, 1], false).to_string(), "10.1.0.0");
        assert_eq!(widened(&[0x20, 1, 0x0d, 0xb8], true).to_string(), "2001:db8::");
        assert_eq!(widened(&[7; 20], false).to_string(), "7.7.7.7");
    }

    #[test]
    fn only_four_or_sixteen_octets_are_an_address() {
        assert_eq!(address(&[192, 0, 2, 1]), Some([192, 0, 2, 1].into()));
        assert_eq!(address(&[0; 16]), Some(Ipv6Addr::UNSPECIFIED.into()));
        assert_eq!(address(&[0; 5]), None);
    }

    #[test]
    fn bits_have_names_from_the_lowest() {
        assert_eq!(set_bits(0b1101, &["a", "b", "c"]), ["a", "c"]);
    }
}

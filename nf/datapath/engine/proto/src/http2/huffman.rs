//! The Huffman code of HPACK (RFC 7541 Appendix B): pure.
//!
//! The code is canonical: codes of one length follow each other in the order of their symbols,
//! and longer ones continue where shorter ones end. The lengths say it all.

const END: usize = 256;

/// Bits of each symbol's code; the last is the end of string.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Codes of one length.
#[derive(Clone, Copy)]
struct Group {
    bits: u32,
    /// Behind the last code, as the leading bits of 32.
    limit: u64,
    /// First code, as the leading bits of 32.
    first: u64,
    /// Position of the first code's symbol in [`SYMBOLS`].
    offset: usize,
}

const SHORTEST: usize = 5;
const GROUPS: usize = 26;

/// Symbols by length of code, then by value.
static SYMBOLS: [u16; 257] = symbols();
static CODES: [Group; GROUPS] = groups();

// Evaluated by the compiler: what went out of range would not compile.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
const fn symbols() -> [u16; 257] {
    let mut found = [0u16; 257];
    let (mut next, mut bits) = (0, SHORTEST);
    while bits < SHORTEST + GROUPS {
        let mut symbol = 0;
        while symbol <= END {
            if LENGTHS[symbol] as usize == bits {
                found[next] = symbol as u16;
                next += 1;
            }
            symbol += 1;
        }
        bits += 1;
    }
    found
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
const fn groups() -> [Group; GROUPS] {
    let mut found = [Group { bits: 0, limit: 0, first: 0, offset: 0 }; GROUPS];
    let (mut first, mut offset, mut at) = (0u64, 0, 0);
    while at < GROUPS {
        let bits = SHORTEST + at;
        let (mut count, mut symbol) = (0, 0);
        while symbol <= END {
            if LENGTHS[symbol] as usize == bits {
                count += 1;
            }
            symbol += 1;
        }
        let limit = first + ((count as u64) << (32 - bits));
        found[at] = Group { bits: bits as u32, limit, first, offset };
        first = limit;
        offset += count;
        at += 1;
    }
    found
}

/// The octets that `coded` stands for; `None` when it is no code.
pub(super) fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(coded.len().saturating_mul(3) / 2);
    let mut octets = coded.iter();
    // Bits not used yet, at the top of 64.
    let (mut window, mut held) = (0u64, 0u32);
    loop {
        while held <= 56
            && let Some(&octet) = octets.next()
        {
            window |= u64::from(octet).wrapping_shl(56u32.wrapping_sub(held));
            held = held.wrapping_add(8);
        }
        if held == 0 {
            return Some(out);
        }
        let front = window.wrapping_shr(32);
        let group = CODES.iter().find(|group| front < group.limit);
        let Some(group) = group.filter(|group| group.bits <= held) else {
            // Padding: fewer than eight bits, all set.
            let padding = u64::MAX.checked_shl(64u32.wrapping_sub(held))?;
            return (held < 8 && window == padding).then_some(out);
        };
        let within = front.wrapping_sub(group.first).wrapping_shr(32u32.wrapping_sub(group.bits));
        let position = group.offset.wrapping_add(usize::try_from(within).ok()?);
        out.push(u8::try_from(*SYMBOLS.get(position)?).ok()?);
        window = window.wrapping_shl(group.bits);
        held = held.wrapping_sub(group.bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|h| u8::from_str_radix(h, 16).unwrap()).collect()
    }

    #[test]
    fn the_examples_of_the_rfc_decode() {
        for (coded, plain) in [
            ("f1 e3 c2 e5 f2 3a 6b a0 ab 90 f4 ff", "www.example.com"),
            ("a8 eb 10 64 9c bf", "no-cache"),
            ("25 a8 49 e9 5b a9 7d 7f", "custom-key"),
            ("25 a8 49 e9 5b b8 e8 b4 bf", "custom-value"),
            ("64 02", "302"),
            ("ae c3 77 1a 4b", "private"),
            (
                "d0 7a be 94 10 54 d4 44 a8 20 05 95 04 0b 81 66 e0 82 a6 2d 1b ff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
            ("", ""),
        ] {
            assert_eq!(decode(&octets(coded)).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn every_symbol_has_the_code_that_its_length_gives() {
        for (at, group) in CODES.iter().enumerate() {
            let next = CODES.get(at.wrapping_add(1));
            let end = next.map_or(SYMBOLS.len(), |next| next.offset);
            for (nth, symbol) in SYMBOLS[group.offset..end].iter().enumerate() {
                let step = 1u64 << (32 - group.bits);
                let code = (group.first.wrapping_add(step.wrapping_mul(nth as u64))) as u32;
                // The code, then ones up to the octet.
                let padded = code | (u32::MAX >> group.bits);
                let length = group.bits.div_ceil(8) as usize;
                let plain = decode(&padded.to_be_bytes()[..length]);
                match u8::try_from(*symbol) {
                    Ok(octet) => assert_eq!(plain, Some(vec![octet])),
                    Err(_) => assert_eq!(plain, None),
                }
            }
        }
        assert_eq!(CODES.last().unwrap().limit, 1 << 32);
    }

    #[test]
    fn padding_must_be_ones_and_short() {
        assert_eq!(decode(&[0b0001_1000]), None);
        assert_eq!(decode(&[0b0001_1111]), Some(b"a".to_vec()));
        assert_eq!(decode(&[0b0001_1111, 0xff]), None);
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xff]), None);
    }
}

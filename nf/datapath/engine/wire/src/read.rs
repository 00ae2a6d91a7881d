//! Reading numbers out of a header: total functions, 0 where the octets are not there.
//!
//! A view has checked its length before it reads, so the "not there" branch folds away; it exists
//! so that a mistake in a view gives a wrong number and never a panic.

use std::ops::Range;

/// The octet at `at`.
#[inline(always)]
pub(crate) fn octet(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The `N` octets of `range`, which must be `N` long.
#[inline(always)]
pub(crate) fn octets<const N: usize>(bytes: &[u8], range: Range<usize>) -> [u8; N] {
    bytes.get(range).and_then(|b| b.try_into().ok()).unwrap_or([0; N])
}

/// Big-endian 16 bits.
#[inline(always)]
pub(crate) fn be16(bytes: &[u8], range: Range<usize>) -> u16 {
    u16::from_be_bytes(octets(bytes, range))
}

/// Big-endian 24 bits, as virtual network identifiers are.
#[inline(always)]
pub(crate) fn be24(bytes: &[u8], range: Range<usize>) -> u32 {
    let [a, b, c] = octets(bytes, range);
    u32::from_be_bytes([0, a, b, c])
}

/// Big-endian 32 bits.
#[inline(always)]
pub(crate) fn be32(bytes: &[u8], range: Range<usize>) -> u32 {
    u32::from_be_bytes(octets(bytes, range))
}

/// Big-endian 64 bits.
#[inline(always)]
pub(crate) fn be64(bytes: &[u8], range: Range<usize>) -> u64 {
    u64::from_be_bytes(octets(bytes, range))
}

/// Little-endian 16 bits (IEEE 802.11 and 802.15.4).
#[inline(always)]
pub(crate) fn le16(bytes: &[u8], range: Range<usize>) -> u16 {
    u16::from_le_bytes(octets(bytes, range))
}

/// Little-endian 32 bits.
#[inline(always)]
pub(crate) fn le32(bytes: &[u8], range: Range<usize>) -> u32 {
    u32::from_le_bytes(octets(bytes, range))
}

/// What follows the first `n` octets; empty when there are fewer.
#[inline(always)]
pub(crate) fn after(bytes: &[u8], n: usize) -> &[u8] {
    bytes.get(n..).unwrap_or(&[])
}

/// The first `n` octets, or as many as there are.
#[inline(always)]
pub(crate) fn first(bytes: &[u8], n: usize) -> &[u8] {
    bytes.get(..n).unwrap_or(bytes)
}

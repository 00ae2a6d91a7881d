//! Protobuf: variable-length integers and fields with a length.

/// Appends an integer; a negative one is given as its 64-bit two's complement.
pub(crate) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many octets an integer takes.
pub(crate) fn varint_size(number: u64) -> usize {
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// Appends a field with a length.
pub(crate) fn sized(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    head(out, tag, content.len());
    out.extend_from_slice(content);
}

/// Appends what stands before so many octets of a field's content.
pub(crate) fn head(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    varint(out, length as u64);
}

/// How many octets a field with a length takes.
pub(crate) fn sized_size(length: usize) -> usize {
    1 + varint_size(length as u64) + length
}

/// Appends a field whose content is written by a function: the length is put before it afterwards,
/// and the content moves only where one octet is not enough for it.
pub(crate) fn wrapped(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[tag, 0]);
    let begin = out.len();
    write(out);
    let length = out.len() - begin;
    let mut octets = varint_size(length as u64);
    if octets > 1 {
        let end = out.len();
        out.resize(end + octets - 1, 0);
        out.copy_within(begin..end, begin + octets - 1);
    }
    let (mut at, mut rest) = (begin - 1, length);
    while octets > 1 {
        out[at] = rest as u8 | 0x80;
        rest >>= 7;
        at += 1;
        octets -= 1;
    }
    out[at] = rest as u8;
}

/// The first field of a message of fields with lengths: its octets with tag and length, and the rest.
/// `None` at the end, or where there is no such field.
pub(crate) fn first_field(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 1;
    let (mut length, mut shift) = (0usize, 0);
    loop {
        let octet = *message.get(at)?;
        at += 1;
        length |= usize::from(octet & 0x7F).checked_shl(shift)?;
        if octet & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    let end = at.checked_add(length)?;
    (end <= message.len()).then(|| message.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        varint(&mut out, number);
        out
    }

    #[test]
    fn integers_have_the_octets_of_the_specification() {
        assert_eq!(written(0), [0]);
        assert_eq!(written(150), [0x96, 0x01]);
        assert_eq!(written(u64::MAX), [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]);
    }

    #[test]
    fn sizes_are_those_of_what_is_written() {
        for bits in 0..64 {
            for number in [1u64 << bits, (1u64 << bits) - 1, (1u64 << bits) + 1] {
                assert_eq!(varint_size(number), written(number).len(), "{number}");
            }
        }
        assert_eq!(varint_size(u64::MAX), 10);
    }

    #[test]
    fn a_wrapped_field_is_a_sized_one() {
        for length in [0, 1, 127, 128, 16_383, 16_384] {
            let content = vec![7; length];
            let (mut one, mut other) = (vec![1], vec![1]);
            sized(&mut one, 0x0A, &content);
            wrapped(&mut other, 0x0A, |out| out.extend_from_slice(&content));
            assert_eq!(one, other);
            assert_eq!(one.len(), 1 + sized_size(length));
            assert_eq!(first_field(&one[1..]), Some((&one[1..], &[][..])));
        }
    }

    #[test]
    fn a_field_that_is_cut_off_is_none() {
        for cut in [&[][..], &[0x0A], &[0x0A, 2, 0], &[0x0A, 0xFF, 0xFF, 0xFF]] {
            assert_eq!(first_field(cut), None);
        }
    }
}

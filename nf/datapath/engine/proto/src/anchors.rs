//! Which of many patterns may fit a payload, told by single octets of it.
//!
//! Each pattern demands one octet at one place. The places are few, so that a payload is looked at
//! in a few places only, and what nearly always happens (no pattern has that octet there) is one
//! bit of a small set.

/// Patterns by an octet that each demands; a pattern is a number of the caller's.
#[derive(Default)]
pub(crate) struct Anchors {
    places: Vec<Place>,
}

/// Patterns that demand an octet at one offset.
struct Place {
    at: usize,
    /// Octets that some pattern demands here.
    demanded: [u64; 4],
    /// Where in `numbers` the patterns of an octet begin; they end where the next one's begin.
    starts: Vec<u16>,
    numbers: Vec<u16>,
}

impl Anchors {
    /// From the offset and value of an octet that each pattern demands, and its number.
    pub fn new(mut demands: Vec<(usize, u8, u16)>) -> Self {
        demands.sort_unstable();
        let same_place = |a: &(usize, u8, u16), b: &(usize, u8, u16)| a.0 == b.0;
        Self { places: demands.chunk_by(same_place).map(Place::new).collect() }
    }

    /// Patterns of which `data` has the demanded octet, place by place.
    #[inline]
    pub fn of<'a>(&'a self, data: &'a [u8]) -> impl Iterator<Item = u16> + 'a {
        self.places.iter().filter_map(|place| place.of(*data.get(place.at)?)).flatten().copied()
    }
}

impl Place {
    /// From demands at one offset, by octet.
    fn new(demands: &[(usize, u8, u16)]) -> Self {
        let mut demanded = [0; 4];
        for (_, octet, _) in demands {
            if let Some(word) = demanded.get_mut(usize::from(octet >> 6)) {
                *word |= 1 << (octet & 63);
            }
        }
        let before = |octet: u16| demands.partition_point(|d| u16::from(d.1) < octet);
        Self {
            at: demands.first().map_or(0, |d| d.0),
            demanded,
            starts: (0..=256)
                .map(|octet| u16::try_from(before(octet)).unwrap_or(u16::MAX))
                .collect(),
            numbers: demands.iter().map(|d| d.2).collect(),
        }
    }

    #[inline]
    fn of(&self, octet: u8) -> Option<&[u16]> {
        let word = self.demanded.get(usize::from(octet >> 6))?;
        if word >> (octet & 63) & 1 == 0 {
            return None;
        }
        let [from, to] = *self.starts.get(usize::from(octet)..)?.first_chunk()?;
        self.numbers.get(usize::from(from)..usize::from(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(anchors: &Anchors, data: &[u8]) -> Vec<u16> {
        anchors.of(data).collect()
    }

    #[test]
    fn only_patterns_with_the_octet_at_its_place_are_named() {
        let anchors = Anchors::new(vec![(4, 0xff, 7), (0, b'a', 1), (4, 0, 3), (0, b'a', 2)]);

        assert_eq!(of(&anchors, b"a\0\0\0\0"), [1, 2, 3]);
        assert_eq!(of(&anchors, b"b\0\0\0\xff"), [7]);
        assert_eq!(of(&anchors, b"a\0\0\0"), [1, 2]);
        assert_eq!(of(&anchors, b"b"), []);
        assert_eq!(of(&anchors, b""), []);
    }

    #[test]
    fn every_octet_has_its_own() {
        let demands = (0..=255).flat_map(|octet| [(9, octet, octet.into()), (1, octet, 1000)]);
        let anchors = Anchors::new(demands.collect());

        for octet in 0..=255 {
            assert_eq!(of(&anchors, &[octet; 10]), [1000, octet.into()]);
        }
    }
}

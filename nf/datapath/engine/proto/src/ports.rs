//! What belongs to a port: numbers of the caller's. Nearly all ports have none, which one bit tells.

/// Words of a set with a bit for each port.
const WORDS: usize = 1 << 10;

/// Numbers by port.
#[derive(Default)]
pub(crate) struct Ports {
    /// Ports that have numbers; empty while none has.
    known: Vec<u64>,
    /// Port and number, by port, then as they were added.
    numbers: Vec<(u16, u16)>,
}

impl Ports {
    /// From pairs of a port and a number; those of one port keep their order.
    pub fn new(mut numbers: Vec<(u16, u16)>) -> Self {
        numbers.sort_by_key(|(port, _)| *port);
        let mut known = if numbers.is_empty() { Vec::new() } else { vec![0; WORDS] };
        for (port, _) in &numbers {
            if let Some(word) = known.get_mut(usize::from(port >> 6)) {
                *word |= 1 << (port & 63);
            }
        }
        Self { known, numbers }
    }

    /// The numbers of `port`.
    #[inline]
    pub fn of(&self, port: u16) -> impl Iterator<Item = u16> + '_ {
        let word = self.known.get(usize::from(port >> 6)).copied().unwrap_or(0);
        let entries = if word >> (port & 63) & 1 == 0 { &[][..] } else { self.entries(port) };
        entries.iter().map(|(_, number)| *number)
    }

    fn entries(&self, port: u16) -> &[(u16, u16)] {
        let from = self.numbers.partition_point(|(p, _)| *p < port);
        let rest = self.numbers.get(from..).unwrap_or_default();
        rest.get(..rest.partition_point(|(p, _)| *p == port)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_its_numbers_in_their_order() {
        let ports = Ports::new(vec![(65535, 9), (80, 3), (443, 1), (80, 2), (0, 4)]);
        let of = |port| ports.of(port).collect::<Vec<_>>();

        assert_eq!(of(80), [3, 2]);
        assert_eq!(of(443), [1]);
        assert_eq!(of(0), [4]);
        assert_eq!(of(65535), [9]);
        assert!((1..80).chain(81..443).chain(444..65535).all(|port| of(port).is_empty()));
        assert_eq!(Ports::default().of(80).count(), 0);
    }
}

//! Sets of values as ranges: every comparison of numbers, addresses and times becomes one.

use crate::leaf::Order;

/// A type whose values have an order, an end on either side and neighbours.
pub(crate) trait Point: Copy + PartialOrd {
    const LOWEST: Self;
    const HIGHEST: Self;
    /// The next lower value.
    fn below(self) -> Option<Self>;
    /// The next higher value.
    fn above(self) -> Option<Self>;
}

macro_rules! whole {
    ($($t:ty),*) => { $(
        impl Point for $t {
            const LOWEST: Self = <$t>::MIN;
            const HIGHEST: Self = <$t>::MAX;
            fn below(self) -> Option<Self> { self.checked_sub(1) }
            fn above(self) -> Option<Self> { self.checked_add(1) }
        }
    )* };
}
whole!(u32, u64, i64, u128);

impl Point for f64 {
    const LOWEST: Self = f64::NEG_INFINITY;
    const HIGHEST: Self = f64::INFINITY;
    fn below(self) -> Option<Self> {
        Some(self.next_down())
    }
    fn above(self) -> Option<Self> {
        Some(self.next_up())
    }
}

/// Ranges with both ends included, in order, none touching another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranges<T>(Box<[(T, T)]>);

impl<T: Point> Ranges<T> {
    /// The union of `ranges`; those that end before they start hold nothing.
    pub(crate) fn new(mut ranges: Vec<(T, T)>) -> Self {
        ranges.retain(|(low, high)| low <= high);
        ranges.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
        let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1.above().unwrap_or(last.1) => {
                    if high > last.1 {
                        last.1 = high;
                    }
                }
                _ => merged.push((low, high)),
            }
        }
        Self(merged.into())
    }

    /// The values that stand in `order` to `value`.
    pub(crate) fn ordered(order: Order, value: T) -> Self {
        let range = match order {
            Order::Equal => Some((value, value)),
            Order::Less => value.below().map(|below| (T::LOWEST, below)),
            Order::LessOrEqual => Some((T::LOWEST, value)),
            Order::Greater => value.above().map(|above| (above, T::HIGHEST)),
            Order::GreaterOrEqual => Some((value, T::HIGHEST)),
        };
        Self::new(range.into_iter().collect())
    }

    #[inline]
    pub(crate) fn contains(&self, value: T) -> bool {
        if let [(low, high)] = &*self.0 {
            return *low <= value && value <= *high;
        }
        let after = self.0.partition_point(|(low, _)| *low <= value);
        let candidate = after.checked_sub(1).and_then(|at| self.0.get(at));
        candidate.is_some_and(|(_, high)| value <= *high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_and_overlaps_become_one() {
        let r = Ranges::<u32>::new(vec![(5, 7), (1, 2), (3, 3), (6, 9), (20, 10), (11, 11)]);
        assert_eq!(&*r.0, &[(1, 3), (5, 9), (11, 11)]);
    }

    #[test]
    fn the_ends_of_a_type_have_no_neighbours() {
        assert!(!Ranges::ordered(Order::Greater, u64::MAX).contains(u64::MAX));
        assert!(!Ranges::ordered(Order::Less, 0u64).contains(0));
        let all = Ranges::new(vec![(0, u64::MAX), (u64::MAX, u64::MAX)]);
        assert!(all.contains(u64::MAX) && all.contains(0));
    }

    #[test]
    fn doubles_are_compared_as_ieee_says() {
        assert!(Ranges::ordered(Order::Equal, 0.0).contains(-0.0));
        assert!(!Ranges::ordered(Order::Greater, 0.0).contains(-0.0));
        for order in Order::ALL {
            assert!(!Ranges::ordered(order, 1.5).contains(f64::NAN), "{order:?}");
        }
        assert!(Ranges::ordered(Order::Greater, 1.5).contains(f64::INFINITY));
        assert!(Ranges::ordered(Order::Less, 1.5).contains(1.5f64.next_down()));
        assert!(!Ranges::ordered(Order::Less, 1.5).contains(1.5));
    }

    proptest! {
        #[test]
        fn a_union_holds_what_its_parts_hold(parts: Vec<(i64, i64)>, probes: Vec<i64>) {
            let union = Ranges::new(parts.clone());
            for probe in probes.iter().chain(parts.iter().flat_map(|(a, b)| [a, b])) {
                let held = parts.iter().any(|(low, high)| low <= probe && probe <= high);
                prop_assert_eq!(union.contains(*probe), held);
            }
        }

        #[test]
        fn orders_agree_with_the_operators(a: i64, b in -3i64..3) {
            for (value, other) in [(a, b), (b, a), (a, a), (b, b.wrapping_add(1))] {
                prop_assert_eq!(Ranges::ordered(Order::Less, other).contains(value), value < other);
                prop_assert_eq!(Ranges::ordered(Order::LessOrEqual, other).contains(value), value <= other);
                prop_assert_eq!(Ranges::ordered(Order::Greater, other).contains(value), value > other);
                prop_assert_eq!(Ranges::ordered(Order::GreaterOrEqual, other).contains(value), value >= other);
                prop_assert_eq!(Ranges::ordered(Order::Equal, other).contains(value), value == other);
            }
        }
    }
}

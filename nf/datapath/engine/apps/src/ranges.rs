//! Ranges of addresses and the longest that holds an address: prefixes are laid out as intervals
//! that do not overlap, so that a look-up is one search in an array.

use std::net::IpAddr;

use crate::AppRef;
use crate::error::{Mistake, shown};

/// Addresses with the same leading bits. IPv4 stands where IPv6 maps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    first: u128,
    last: u128,
}

impl Prefix {
    /// Reads `192.0.2.0/24`, `2001:db8::/32` or a single address.
    pub(crate) fn read(text: &str) -> Result<Self, Mistake> {
        let wrong =
            |why: &str, hint: String| Err(Mistake::new(format!("\"{}\" {why}", shown(text)), hint));
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return wrong("is no address", "192.0.2.0/24 or 2001:db8::/32".into());
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length.map(str::parse::<u32>) {
            None => most,
            Some(Ok(length)) if (1..=most).contains(&length) => length,
            Some(_) => return wrong("has no length of a prefix", format!("/1 to /{most}")),
        };
        let number = number_of(address);
        let rest = u128::MAX.checked_shr(128_u32.saturating_sub(most.saturating_sub(length)));
        let rest = rest.unwrap_or(0);
        if number & rest != 0 {
            return wrong(
                "goes on behind its prefix",
                "zeros in the bits that are left free".into(),
            );
        }
        Ok(Self { first: number, last: number | rest })
    }
}

fn number_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Intervals: each reaches to the start of the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    starts: Box<[u128]>,
    apps: Box<[Option<AppRef>]>,
}

impl Ranges {
    /// Lays the prefixes out; of those that hold an address the longest counts.
    pub(crate) fn new(mut prefixes: Vec<(Prefix, AppRef)>) -> Self {
        // A prefix comes before those within it.
        prefixes.sort_by_key(|(prefix, app)| (prefix.first, std::cmp::Reverse(prefix.last), *app));
        let mut edges: Vec<(u128, Option<AppRef>)> = Vec::new();
        let mut open: Vec<(Prefix, AppRef)> = Vec::new();
        for (prefix, app) in prefixes {
            close(&mut open, &mut edges, Some(prefix.first));
            edges.push((prefix.first, Some(app)));
            open.push((prefix, app));
        }
        close(&mut open, &mut edges, None);
        // Of several edges at one place the last one counts.
        edges.reverse();
        edges.dedup_by_key(|(start, _)| *start);
        edges.reverse();
        let (starts, apps): (Vec<_>, Vec<_>) = edges.into_iter().unzip();
        Self { starts: starts.into(), apps: apps.into() }
    }

    /// The application that `address` belongs to.
    pub(crate) fn lookup(&self, address: IpAddr) -> Option<AppRef> {
        let number = number_of(address);
        let after = self.starts.partition_point(|start| *start <= number);
        self.apps.get(after.checked_sub(1)?).copied().flatten()
    }
}

/// Ends the prefixes that end before `next`; what they lie within goes on behind them.
fn close(
    open: &mut Vec<(Prefix, AppRef)>,
    edges: &mut Vec<(u128, Option<AppRef>)>,
    next: Option<u128>,
) {
    while let Some((prefix, _)) = open.last().copied() {
        if next.is_some_and(|next| next <= prefix.last) {
            return;
        }
        open.pop();
        if let Some(behind) = prefix.last.checked_add(1) {
            edges.push((behind, open.last().map(|(_, app)| *app)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(number: usize) -> AppRef {
        AppRef::new(number).unwrap()
    }

    #[test]
    fn the_longest_prefix_counts_and_ends_where_it_ends() {
        let of = |text, number| (Prefix::read(text).unwrap(), app(number));
        let ranges = Ranges::new(vec![
            of("10.0.0.0/8", 1),
            of("10.1.0.0/16", 2),
            of("10.1.255.0/24", 3),
            of("10.2.0.0/16", 4),
            of("2001:db8::/32", 5),
            of("255.255.255.255", 6),
        ]);
        for (address, number) in [
            ("9.255.255.255", None),
            ("10.0.0.0", Some(1)),
            ("10.1.0.0", Some(2)),
            ("10.1.255.7", Some(3)),
            ("10.2.0.0", Some(4)),
            ("10.3.0.0", Some(1)),
            ("11.0.0.0", None),
            ("255.255.255.255", Some(6)),
            ("::1", None),
            ("::ffff:10.1.0.9", Some(2)),
            ("2001:db8:ffff::1", Some(5)),
            ("2001:db9::", None),
        ] {
            assert_eq!(ranges.lookup(address.parse().unwrap()), number.map(app), "{address}");
        }
        assert_eq!(Ranges::default().lookup("10.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for (text, why) in [
            ("10.0.0.0/33", "no length"),
            ("10.0.0.0/0", "no length"),
            ("10.0.0.1/8", "goes on"),
            ("10.0.0", "no address"),
            ("2001:db8::/129", "no length"),
            ("2001:db8::1/64", "goes on"),
        ] {
            let mistake = Prefix::read(text).unwrap_err();
            assert!(mistake.message.contains(why), "{text}: {}", mistake.message);
        }
        assert_eq!(Prefix::read("::/1").unwrap().last, u128::MAX >> 1);
    }
}

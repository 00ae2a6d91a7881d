//! One shape of a first packet, and what it is worth.

use memchr::memmem;
use nf_wire::Transport;

use crate::Direction;

/// Texts that may stand anywhere are looked for in so many leading octets.
const WINDOW: usize = 512;
/// Least bits of evidence without the port: with [`super::table::FIRST_DATAGRAMS`] datagrams,
/// random octets bear such a sign in fewer than one of a million sessions.
pub(super) const LEAST: f64 = 26.0;
/// Least bits of evidence with the port.
pub(super) const LEAST_ON_PORT: f64 = 14.0;

/// Whether one packet is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// It is.
    None,
    /// Two packets must bear a sign of the entry.
    Twice,
    /// Each direction must send one that bears a sign of the entry.
    Mutual,
}

/// What must hold of a payload.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// These octets are there, where the mask says.
    Octets { at: usize, value: Vec<u8>, mask: Vec<u8> },
    /// The octet there is within the range.
    Range { at: usize, low: u8, high: u8 },
    /// The octets stand `back` octets before the end.
    Tail { back: usize, value: Vec<u8> },
    /// The octets are somewhere near the front.
    Has(Vec<u8>),
    /// The payload is so long.
    Length { low: usize, high: usize },
    /// A number there is the payload's length plus `add`.
    Counts { at: usize, width: usize, big: bool, add: i64 },
}

/// How a payload compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// All tests hold.
    Yes,
    /// The stream ends before it differs.
    Short,
    /// One does not hold.
    No,
}

/// A shape.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(super) carrier: Transport,
    pub(super) dir: Option<Direction>,
    pub(super) port: bool,
    pub(super) company: Company,
    pub(super) tests: Vec<Test>,
    /// Evidence of one packet.
    pub(super) bits: f64,
}

impl Sign {
    pub(super) fn new(
        carrier: Transport,
        dir: Option<Direction>,
        port: bool,
        company: Company,
        tests: Vec<Test>,
    ) -> Self {
        let bits = tests.iter().map(Test::bits).sum();
        Self { carrier, dir, port, company, tests, bits }
    }

    /// Refuses what chance would bear too often.
    pub(super) fn check(&self, has_ports: bool) -> Result<(), String> {
        if self.port && !has_ports {
            return Err("the sign needs a port and the entry has none above it".into());
        }
        if self.anchor().is_none() && !self.port {
            return Err("a sign without a whole octet at a place needs the port".into());
        }
        let packets = if self.company == Company::None { 1.0 } else { 2.0 };
        let least = if self.port { LEAST_ON_PORT } else { LEAST };
        let bits = self.bits * packets;
        if bits < least {
            return Err(format!("{bits:.1} bits of evidence; at least {least} are needed"));
        }
        Ok(())
    }

    /// The place and value of an octet that must be there, the rarest at hand.
    pub(super) fn anchor(&self) -> Option<(usize, u8)> {
        let mut found = None;
        for test in &self.tests {
            let Test::Octets { at, value, mask } = test else { continue };
            for ((place, octet), mask) in (*at..).zip(value).zip(mask) {
                if *mask != 0xff {
                    continue;
                }
                if !matches!(octet, 0 | 1 | 0xff) {
                    return Some((place, *octet));
                }
                found = found.or(Some((place, *octet)));
            }
        }
        found
    }

    #[inline]
    pub(super) fn fit(&self, data: &[u8], stream: bool) -> Fit {
        let mut short = false;
        for test in &self.tests {
            match test.fit(data) {
                Fit::No => return Fit::No,
                Fit::Short => short = true,
                Fit::Yes => {}
            }
        }
        match short {
            false => Fit::Yes,
            // The first octets have to agree before it is worth waiting for the others.
            true if stream && data.len() >= 2 && self.anchor().is_some_and(|a| a.0 < 2) => {
                Fit::Short
            }
            true => Fit::No,
        }
    }
}

impl Test {
    /// How many bits of a random payload it fixes.
    fn bits(&self) -> f64 {
        match self {
            Test::Octets { mask, .. } => mask.iter().map(|m| f64::from(m.count_ones())).sum(),
            Test::Range { low, high, .. } => {
                8.0 - (f64::from(*high) - f64::from(*low) + 1.0).log2()
            }
            Test::Tail { value, .. } => octets(value.len()),
            Test::Has(value) => (octets(value.len()) - 9.0).max(0.0),
            // Whoever hides chooses the length.
            Test::Length { .. } => 0.0,
            Test::Counts { width, .. } => octets(*width),
        }
    }

    fn fit(&self, data: &[u8]) -> Fit {
        let holds = |yes: bool| if yes { Fit::Yes } else { Fit::No };
        match self {
            Test::Octets { at, value, mask } => {
                let there = data.get(*at..).unwrap_or_default();
                let same = |((d, v), m): ((&u8, &u8), &u8)| d & m == v & m;
                match there.iter().zip(value).zip(mask).all(same) {
                    true if there.len() < value.len() => Fit::Short,
                    agree => holds(agree),
                }
            }
            Test::Range { at, low, high } => match data.get(*at) {
                Some(octet) => holds((low..=high).contains(&octet)),
                None => Fit::Short,
            },
            Test::Tail { back, value } => {
                let start = data.len().checked_sub(*back);
                holds(start.and_then(|s| data.get(s..)).is_some_and(|t| t.starts_with(value)))
            }
            Test::Has(value) => {
                holds(memmem::find(data.get(..WINDOW).unwrap_or(data), value).is_some())
            }
            Test::Length { low, .. } if data.len() < *low => Fit::Short,
            Test::Length { high, .. } => holds(data.len() <= *high),
            Test::Counts { at, width, big, add } => {
                let Some(number) = at.checked_add(*width).and_then(|end| data.get(*at..end)) else {
                    return Fit::Short;
                };
                let join = |sum: i64, octet: &u8| sum << 8 | i64::from(*octet);
                let number = match big {
                    true => number.iter().fold(0, join),
                    false => number.iter().rev().fold(0, join),
                };
                let length = i64::try_from(data.len()).unwrap_or(i64::MAX);
                holds(number == length.saturating_add(*add))
            }
        }
    }
}

fn octets(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, |count| 8.0 * f64::from(count))
}

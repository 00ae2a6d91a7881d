//! The suffix table: every suffix, and every name on the way to one, in one hash table.
//!
//! A look-up reads the name from its end, hashing as it goes. At each dot the suffix so far is
//! looked up; where it is not in the table no longer one can be, so the rest is not read.

use std::collections::HashMap;

use crate::AppRef;
use crate::name::LONGEST_HOST;

/// What the table knows of one suffix.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The application of the suffix and all names below it.
    below: Option<AppRef>,
    /// The application of this very name.
    exact: Option<AppRef>,
    /// Others are served below it, too.
    shared: bool,
    /// And under this very name.
    exact_shared: bool,
    /// There are longer suffixes that end in this one.
    longer: bool,
}

impl Node {
    fn of_those_below(&self) -> Option<(AppRef, bool)> {
        self.below.map(|app| (app, self.shared))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u64,
    /// Where the suffix starts in the table's text.
    start: u32,
    /// Its length; 0 where the slot is empty.
    length: u8,
    node: Node,
}

/// Suffixes on their way into a table.
#[derive(Default)]
pub(crate) struct Builder {
    nodes: HashMap<Box<str>, Node>,
}

impl Builder {
    /// Adds a name in small letters, without a final dot, of at most 253 octets.
    pub(crate) fn insert(&mut self, host: &str, exact: bool, app: AppRef, shared: bool) {
        let node = self.nodes.entry(host.into()).or_default();
        if exact {
            (node.exact, node.exact_shared) = (Some(app), shared);
        } else {
            (node.below, node.shared) = (Some(app), shared);
        }
        let mut rest = host;
        while let Some((_, shorter)) = rest.split_once('.') {
            self.nodes.entry(shorter.into()).or_default().longer = true;
            rest = shorter;
        }
    }

    pub(crate) fn build(self) -> Table {
        let capacity = self.nodes.len().saturating_mul(2).next_power_of_two().max(2);
        let mut table =
            Table { slots: vec![Slot::default(); capacity].into(), text: Box::default() };
        let mut text = Vec::new();
        // In order, so that equal files give equal tables.
        let mut nodes: Vec<_> = self.nodes.into_iter().collect();
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        for (host, node) in nodes {
            let hash = host.bytes().rev().fold(SEED, mix);
            let (Ok(start), Ok(length)) = (u32::try_from(text.len()), u8::try_from(host.len()))
            else {
                continue;
            };
            let at =
                table.probe(hash).find(|at| table.slots.get(*at).is_some_and(|s| s.length == 0));
            if let Some(slot) = at.and_then(|at| table.slots.get_mut(at)) {
                *slot = Slot { hash, start, length, node };
                text.extend_from_slice(host.as_bytes());
            }
        }
        table.text = text.into();
        table
    }
}

/// A finished table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// A power of two of them, at most half of them used.
    slots: Box<[Slot]>,
    text: Box<[u8]>,
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

#[inline]
fn mix(hash: u64, octet: u8) -> u64 {
    (hash ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Table {
    /// The application of the longest suffix of `name`, and whether others share it.
    #[inline]
    pub(crate) fn lookup(&self, name: &[u8]) -> Option<(AppRef, bool)> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.len() > LONGEST_HOST {
            return None;
        }
        let mut hash = SEED;
        let mut found = None;
        for (at, octet) in name.iter().enumerate().rev() {
            if *octet == b'.' {
                let (_, suffix) = name.split_at_checked(at.wrapping_add(1))?;
                let Some(node) = self.node(hash, suffix) else { return found };
                found = node.of_those_below().or(found);
                if !node.longer {
                    return found;
                }
            }
            hash = mix(hash, *octet);
        }
        match self.node(hash, name) {
            Some(node) => {
                let exact = node.exact.map(|app| (app, node.exact_shared));
                exact.or(node.of_those_below()).or(found)
            }
            None => found,
        }
    }

    #[inline]
    fn node(&self, hash: u64, suffix: &[u8]) -> Option<&Node> {
        for at in self.probe(hash) {
            let slot = self.slots.get(at)?;
            if slot.length == 0 {
                return None;
            }
            if slot.hash == hash {
                let start = usize::try_from(slot.start).ok()?;
                let end = start.checked_add(usize::from(slot.length))?;
                if self.text.get(start..end)?.eq_ignore_ascii_case(suffix) {
                    return Some(&slot.node);
                }
            }
        }
        None
    }

    /// Every slot once, from the one `hash` points at.
    #[inline]
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len().wrapping_sub(1);
        // The upper half of the product depends on every octet.
        let first = usize::try_from(hash >> 32).unwrap_or(0);
        (0..=mask).map(move |step| first.wrapping_add(step) & mask)
    }
}

//! Which protocols are worth asking about a payload, in which order.
//!
//! Compiled once from the registry: per carrier, the protocols by weight; ports point at theirs;
//! anchored and floating patterns go through one table of first octets and one automaton. The
//! answer is a set, so that asking costs in proportion to what matched, not to what exists.

use aho_corasick::{AhoCorasick, MatchKind};
use nf_fields::ProtoId;
use nf_wire::Transport;

use crate::registry::Entry;
use crate::{Carrier, Flow};

/// Floating patterns are looked for in this many leading octets.
const PATTERN_WINDOW: usize = 512;

/// A set of registry positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProtoSet([u64; 4]);

impl ProtoSet {
    /// Most protocols a set can hold.
    pub const CAPACITY: usize = 256;

    /// Adds `position`; out of range is ignored.
    #[inline]
    pub fn insert(&mut self, position: usize) {
        if let Some(word) = self.0.get_mut(position >> 6) {
            *word |= 1 << (position & 63);
        }
    }

    /// Whether `position` is in the set.
    #[inline]
    pub fn contains(&self, position: usize) -> bool {
        self.0.get(position >> 6).is_some_and(|word| word >> (position & 63) & 1 == 1)
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Members of both.
    #[inline]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= b);
        self
    }

    /// Members of either.
    #[inline]
    pub fn or(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
        self
    }

    /// Members of `self` that are not in `other`.
    #[inline]
    pub fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= !b);
        self
    }

    /// Members in ascending order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = usize> {
        self.0
            .into_iter()
            .enumerate()
            .flat_map(|(index, word)| Bits { word, base: index.wrapping_mul(64) })
    }
}

struct Bits {
    word: u64,
    base: usize,
}

impl Iterator for Bits {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.word == 0 {
            return None;
        }
        let bit = self.word.trailing_zeros() as usize;
        self.word &= self.word.wrapping_sub(1);
        Some(self.base.wrapping_add(bit))
    }
}

#[derive(Clone, Copy)]
struct Anchored {
    proto: usize,
    from: usize,
    to: usize,
    bytes: &'static [u8],
}

impl Anchored {
    /// Whether the octets at its place are the pattern's, or the stream ends before they differ.
    #[inline]
    fn may_match(&self, data: &[u8], stream: bool) -> bool {
        match data.get(self.from..) {
            // Nearly all differ in the first octet, which needs no call.
            Some([first, ..]) if Some(first) != self.bytes.first() => false,
            Some(at) => at.starts_with(self.bytes) || (stream && self.bytes.starts_with(at)),
            None => stream,
        }
    }
}

/// Patterns that may start at several offsets.
#[derive(Default)]
struct Floating {
    automaton: Option<AhoCorasick>,
    patterns: Vec<Anchored>,
}

/// Compiled candidates: see the module.
pub struct Classifier {
    /// Registry positions in the order in which they are asked: `order[rank] = position`.
    order: Vec<usize>,
    /// Ranks carried by TCP, UDP, SCTP.
    carried: [ProtoSet; 3],
    /// Ranks without patterns: always asked.
    always: ProtoSet,
    /// Patterns at offset 0, by first octet.
    by_first: Vec<Vec<Anchored>>,
    /// Patterns at another fixed offset, by carrier.
    by_offset: [Vec<Anchored>; 3],
    /// Patterns without one, by carrier.
    floating: [Floating; 3],
    /// (transport, port) → ranks.
    ports: [Vec<(u16, ProtoSet)>; 3],
}

/// Where the tables of a carrier stand.
#[inline]
pub(crate) fn carrier_index(transport: Transport) -> Option<usize> {
    match transport {
        Transport::Tcp => Some(0),
        Transport::Udp => Some(1),
        Transport::Sctp => Some(2),
        Transport::Other => None,
    }
}

impl Classifier {
    /// Compiles `entries`; those not in `enabled` are never candidates.
    ///
    /// # Errors
    /// When there are more protocols or patterns than the tables can hold.
    pub fn new(entries: &[Entry], enabled: &dyn Fn(ProtoId) -> bool) -> Result<Self, String> {
        if entries.len() > ProtoSet::CAPACITY {
            return Err(format!("{} protocols; at most {}", entries.len(), ProtoSet::CAPACITY));
        }
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by_key(|&i| entries.get(i).map(|e| (e.info.weight, e.info.id)));
        let mut made = Self {
            order,
            carried: Default::default(),
            always: ProtoSet::default(),
            by_first: (0..256).map(|_| Vec::new()).collect(),
            by_offset: Default::default(),
            floating: Default::default(),
            ports: Default::default(),
        };
        for rank in 0..made.order.len() {
            let entry = made.order.get(rank).and_then(|&i| entries.get(i));
            if let Some(entry) = entry.filter(|e| enabled(e.info.id)) {
                made.add(rank, entry);
            }
        }
        for table in &mut made.ports {
            table.sort_by_key(|(port, _)| *port);
        }
        for floating in made.floating.iter_mut().filter(|f| !f.patterns.is_empty()) {
            let automaton = AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(floating.patterns.iter().map(|p| p.bytes))
                .map_err(|e| format!("patterns: {e}"))?;
            floating.automaton = Some(automaton);
        }
        Ok(made)
    }

    fn add(&mut self, rank: usize, entry: &Entry) {
        for over in entry.info.over {
            let index = match over.carrier {
                Carrier::Tcp => 0,
                Carrier::Udp => 1,
                Carrier::Sctp => 2,
                Carrier::Within(_) => continue,
            };
            if let Some(set) = self.carried.get_mut(index) {
                set.insert(rank);
            }
            if let Some(table) = self.ports.get_mut(index) {
                for &port in over.ports {
                    match table.iter_mut().find(|(p, _)| *p == port) {
                        Some((_, set)) => set.insert(rank),
                        None => {
                            let mut set = ProtoSet::default();
                            set.insert(rank);
                            table.push((port, set));
                        }
                    }
                }
            }
        }
        if entry.info.patterns.is_empty() {
            self.always.insert(rank);
        }
        for pattern in entry.info.patterns {
            let anchored = Anchored {
                proto: rank,
                from: pattern.from.into(),
                to: pattern.to.into(),
                bytes: pattern.bytes,
            };
            match pattern.bytes.first() {
                Some(&first) if pattern.to == 0 => {
                    if let Some(list) = self.by_first.get_mut(usize::from(first)) {
                        list.push(anchored);
                    }
                }
                Some(_) => {
                    let carried = self.carried.iter().map(|set| set.contains(rank));
                    let fixed = pattern.from == pattern.to;
                    let tables = self.by_offset.iter_mut().zip(&mut self.floating);
                    for ((by_offset, floating), _) in tables.zip(carried).filter(|(_, on)| *on) {
                        let list = if fixed { &mut *by_offset } else { &mut floating.patterns };
                        list.push(anchored);
                    }
                }
                None => self.always.insert(rank),
            }
        }
    }

    /// Ranks worth asking about `data`: those without patterns that are not yet `excluded`, and
    /// those of which a pattern matched. Ask them in ascending order. A stream that is still too
    /// short to tell a pattern from its absence counts as a match.
    #[inline]
    pub fn candidates(&self, transport: Transport, data: &[u8], excluded: &ProtoSet) -> ProtoSet {
        let index = carrier_index(transport);
        let Some(carried) = index.and_then(|i| self.carried.get(i)) else {
            return ProtoSet::default();
        };
        let stream = transport == Transport::Tcp;
        let mut matched = ProtoSet::default();
        if let Some(list) = data.first().and_then(|&b| self.by_first.get(usize::from(b))) {
            for pattern in list {
                if pattern.may_match(data, stream) {
                    matched.insert(pattern.proto);
                }
            }
        }
        for pattern in index.and_then(|i| self.by_offset.get(i)).into_iter().flatten() {
            if pattern.may_match(data, stream) {
                matched.insert(pattern.proto);
            }
        }
        if let Some(floating) = index.and_then(|i| self.floating.get(i))
            && let Some(automaton) = &floating.automaton
        {
            let window = data.get(..PATTERN_WINDOW).unwrap_or(data);
            for hit in automaton.find_overlapping_iter(window) {
                if let Some(pattern) = floating.patterns.get(hit.pattern().as_usize())
                    && (pattern.from..=pattern.to).contains(&hit.start())
                {
                    matched.insert(pattern.proto);
                }
            }
            if stream {
                for pattern in &floating.patterns {
                    if data.len() < pattern.from.saturating_add(pattern.bytes.len()) {
                        matched.insert(pattern.proto);
                    }
                }
            }
        }
        self.always.without(excluded).or(&matched).and(carried)
    }

    /// Ranks whose ports include one of the flow's, responder's port first.
    #[inline]
    pub fn on_ports(&self, flow: &Flow) -> (ProtoSet, ProtoSet) {
        let Some(table) = carrier_index(flow.transport).and_then(|i| self.ports.get(i)) else {
            return Default::default();
        };
        let of = |port: u16| {
            let found = table.binary_search_by_key(&port, |(p, _)| *p).ok();
            found.and_then(|i| table.get(i)).map(|(_, set)| *set).unwrap_or_default()
        };
        (of(flow.responder_port), of(flow.initiator_port))
    }

    /// The protocol the ports suggest; the responder's port counts first.
    pub fn port_guess(&self, flow: &Flow) -> Option<usize> {
        let (responder, initiator) = self.on_ports(flow);
        let rank = responder.iter().next().or_else(|| initiator.iter().next())?;
        self.position(rank)
    }

    /// The rank of the registry position.
    pub fn rank_of(&self, position: usize) -> Option<usize> {
        self.order.iter().position(|&p| p == position)
    }

    /// The registry position of `rank`.
    #[inline]
    pub fn position(&self, rank: usize) -> Option<usize> {
        self.order.get(rank).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: Anchored = Anchored { proto: 0, from: 2, to: 2, bytes: b"ab" };

    #[test]
    fn a_stream_too_short_to_differ_from_a_pattern_may_match() {
        for short in [&b""[..], b"x", b"xx", b"xxa", b"xxab", b"xxabz"] {
            assert!(MAGIC.may_match(short, true), "{short:?}");
        }
        assert!(!MAGIC.may_match(b"xxb", true));
        assert!(!MAGIC.may_match(b"xxaz", true));
    }

    #[test]
    fn a_datagram_has_the_pattern_or_has_not() {
        assert!(MAGIC.may_match(b"xxab", false));
        assert!(!MAGIC.may_match(b"xxa", false));
        assert!(!MAGIC.may_match(b"", false));
    }
}

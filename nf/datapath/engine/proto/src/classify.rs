//! Which protocols are worth asking about a payload, in which order.
//!
//! Compiled once from the registry, per carrier: ports point at their protocols, patterns at one
//! offset go through a table of the octets they begin with, floating ones through an automaton. The
//! answer is a set in the order of weights, so that asking costs in proportion to what matched, not
//! to what exists.

use aho_corasick::{AhoCorasick, MatchKind};
use nf_fields::ProtoId;
use nf_wire::Transport;

use crate::anchors::Anchors;
use crate::ports::Ports;
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

/// Protocols without patterns that have said no: their places among [`Classifier`]'s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excluded(u16);

#[derive(Clone, Copy)]
struct Pattern {
    rank: usize,
    from: usize,
    to: usize,
    bytes: &'static [u8],
}

impl Pattern {
    /// Whether the octets at its place are the pattern's, or the stream ends before they differ.
    #[inline]
    fn may_match(&self, data: &[u8], stream: bool) -> bool {
        match data.get(self.from..) {
            Some(at) => at.starts_with(self.bytes) || (stream && self.bytes.starts_with(at)),
            None => stream,
        }
    }

    /// So many octets are needed to tell it from its absence.
    fn reach(&self) -> usize {
        self.from.saturating_add(self.bytes.len())
    }
}

/// What is known of one transport.
#[derive(Default)]
struct Carried {
    /// Ranks of its protocols.
    ranks: ProtoSet,
    /// Those without patterns, asked until they say no: place in the set of the excluded, rank.
    always: Vec<(u16, usize)>,
    /// Patterns at one offset.
    fixed: Vec<Pattern>,
    /// Where their first octets stand.
    anchors: Anchors,
    /// The farthest offset of those.
    farthest: usize,
    /// Patterns that may start at several offsets.
    floating: Vec<Pattern>,
    automaton: Option<AhoCorasick>,
    /// So many octets tell each of those from its absence at its first offset.
    reach: usize,
    /// Port and rank, until they are compiled.
    at_ports: Vec<(u16, u16)>,
    /// Ranks by port.
    ports: Ports,
}

/// Compiled candidates: see the module.
pub struct Classifier {
    /// Registry positions in the order in which they are asked: `order[rank] = position`.
    order: Vec<usize>,
    /// Ranks without patterns, in the order of their places among the excluded.
    always: Vec<usize>,
    /// TCP, UDP, SCTP.
    carriers: [Carried; 3],
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
        let mut made = Self { order, always: Vec::new(), carriers: Default::default() };
        for rank in 0..made.order.len() {
            let entry = made.order.get(rank).and_then(|&i| entries.get(i));
            if let Some(entry) = entry.filter(|e| enabled(e.info.id)) {
                made.add(rank, entry);
            }
        }
        if made.always.len() > u16::BITS as usize {
            return Err(format!("{} protocols without patterns; at most 16", made.always.len()));
        }
        for carried in &mut made.carriers {
            carried.compile()?;
        }
        Ok(made)
    }

    fn add(&mut self, rank: usize, entry: &Entry) {
        let patterns = || entry.info.patterns.iter().filter(|p| !p.bytes.is_empty());
        let is_carried = entry.info.over.iter().any(|o| !matches!(o.carrier, Carrier::Within(_)));
        let is_bare = patterns().count() == 0 || patterns().count() < entry.info.patterns.len();
        let place = (is_carried && is_bare).then(|| {
            self.always.push(rank);
            u16::try_from(self.always.len().saturating_sub(1)).unwrap_or(u16::MAX)
        });
        for over in entry.info.over {
            let index = match over.carrier {
                Carrier::Tcp => 0,
                Carrier::Udp => 1,
                Carrier::Sctp => 2,
                Carrier::Within(_) => continue,
            };
            let Some(carried) = self.carriers.get_mut(index) else { continue };
            let number = u16::try_from(rank).unwrap_or(u16::MAX);
            carried.at_ports.extend(over.ports.iter().map(|&port| (port, number)));
            if carried.ranks.contains(rank) {
                continue;
            }
            carried.ranks.insert(rank);
            carried.always.extend(place.map(|place| (place, rank)));
            for pattern in patterns() {
                let (from, to) = (pattern.from.into(), pattern.to.into());
                let list = if from == to { &mut carried.fixed } else { &mut carried.floating };
                list.push(Pattern { rank, from, to, bytes: pattern.bytes });
            }
        }
    }

    /// Ranks worth asking about `data`: those without patterns that are not yet `excluded`, and
    /// those of which a pattern matched. Ask them in ascending order. A stream that is still too
    /// short to tell a pattern from its absence counts as a match.
    #[inline]
    pub fn candidates(&self, transport: Transport, data: &[u8], excluded: Excluded) -> ProtoSet {
        let carried = carrier_index(transport).and_then(|i| self.carriers.get(i));
        let Some(carried) = carried else { return ProtoSet::default() };
        let mut found = ProtoSet::default();
        for (place, rank) in &carried.always {
            if excluded.0 >> place & 1 == 0 {
                found.insert(*rank);
            }
        }
        carried.look(data, transport == Transport::Tcp, &mut found);
        found
    }

    /// The protocol of `rank` has said no. One with patterns is asked whenever they match again.
    #[inline]
    pub fn exclude(&self, rank: usize, excluded: &mut Excluded) {
        if let Some(place) = self.always.iter().position(|&r| r == rank) {
            excluded.0 |= 1 << place;
        }
    }

    /// Ranks whose ports include one of the flow's, responder's port first.
    #[inline]
    pub fn on_ports(&self, flow: &Flow) -> (ProtoSet, ProtoSet) {
        let carried = carrier_index(flow.transport).and_then(|i| self.carriers.get(i));
        let Some(carried) = carried else { return Default::default() };
        let of = |port: u16| {
            let mut set = ProtoSet::default();
            carried.ports.of(port).for_each(|rank| set.insert(rank.into()));
            set
        };
        (of(flow.responder_port), of(flow.initiator_port))
    }

    /// The protocol the ports suggest; the responder's port counts first.
    pub fn port_guess(&self, flow: &Flow) -> Option<usize> {
        let carried = carrier_index(flow.transport).and_then(|i| self.carriers.get(i))?;
        let least = |port| carried.ports.of(port).min();
        let rank = least(flow.responder_port).or_else(|| least(flow.initiator_port))?;
        self.position(rank.into())
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

impl Carried {
    /// Once all protocols are in.
    fn compile(&mut self) -> Result<(), String> {
        self.ports = Ports::new(std::mem::take(&mut self.at_ports));
        self.farthest = self.fixed.iter().map(|p| p.from).max().unwrap_or(0);
        self.reach = self.floating.iter().map(Pattern::reach).max().unwrap_or(0);
        let mut demands = Vec::with_capacity(self.fixed.len());
        for (number, pattern) in self.fixed.iter().enumerate() {
            let number = u16::try_from(number).map_err(|_| "too many patterns".to_owned())?;
            demands.extend(pattern.bytes.first().map(|&octet| (pattern.from, octet, number)));
        }
        self.anchors = Anchors::new(demands);
        if !self.floating.is_empty() {
            let automaton = AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(self.floating.iter().map(|p| p.bytes))
                .map_err(|e| format!("patterns: {e}"))?;
            self.automaton = Some(automaton);
        }
        Ok(())
    }

    /// Adds the ranks of which a pattern matches.
    #[inline]
    fn look(&self, data: &[u8], stream: bool, found: &mut ProtoSet) {
        for number in self.anchors.of(data) {
            if let Some(pattern) = self.fixed.get(usize::from(number))
                && pattern.may_match(data, stream)
            {
                found.insert(pattern.rank);
            }
        }
        if stream && data.len() <= self.farthest {
            let beyond = self.fixed.iter().filter(|p| p.from >= data.len());
            beyond.for_each(|p| found.insert(p.rank));
        }
        if let Some(automaton) = self.automaton.as_ref().filter(|_| begins_as_text(data)) {
            let window = data.get(..PATTERN_WINDOW).unwrap_or(data);
            for hit in automaton.find_overlapping_iter(window) {
                if let Some(pattern) = self.floating.get(hit.pattern().as_usize())
                    && (pattern.from..=pattern.to).contains(&hit.start())
                {
                    found.insert(pattern.rank);
                }
            }
        }
        if stream && data.len() < self.reach {
            let short = self.floating.iter().filter(|p| data.len() < p.reach());
            short.for_each(|p| found.insert(p.rank));
        }
    }
}

/// Whether `data` begins with characters of ASCII, or as Telnet negotiates (RFC 854): only there
/// it is worth looking for floating patterns, which are text.
#[inline]
fn begins_as_text(data: &[u8]) -> bool {
    const TELNET_COMMAND: u8 = 0xff;
    let front = data.first_chunk::<8>().map_or(data, |front| front);
    let is_text = |octet: &u8| matches!(octet, 0x20..=0x7e | 0x07..=0x0d | 0x1b);
    front.first() == Some(&TELNET_COMMAND) || front.iter().all(is_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: Pattern = Pattern { rank: 0, from: 2, to: 2, bytes: b"ab" };

    #[test]
    fn a_stream_too_short_to_differ_from_a_pattern_may_match() {
        for short in [&b""[..], b"x", b"xx", b"xxa", b"xxab", b"xxabz"] {
            assert!(MAGIC.may_match(short, true), "{short:?}");
        }
        assert!(!MAGIC.may_match(b"xxb", true));
        assert!(!MAGIC.may_match(b"xxaz", true));
    }

    #[test]
    fn floating_patterns_are_looked_for_in_text() {
        for text in
            [&b""[..], b"x", b"a1 LOGIN ", b"\r\nlogin:", b"\xff\xfb\x01 login:", b"\x1b[2J....\0"]
        {
            assert!(begins_as_text(text), "{text:?}");
        }
        for other in [&b"\0"[..], b"abc\x80", b"\x17\x03\x03 login: "] {
            assert!(!begins_as_text(other), "{other:?}");
        }
    }

    #[test]
    fn a_datagram_has_the_pattern_or_has_not() {
        assert!(MAGIC.may_match(b"xxab", false));
        assert!(!MAGIC.may_match(b"xxa", false));
        assert!(!MAGIC.may_match(b"", false));
    }
}

//! The stack of in-band network telemetry: what each hop wrote, read as one list per kind of data.

use std::net::Ipv4Addr;

use nf_fields::{AsValue, List, Type, Value};

use crate::read::{be16, be32, be64, first};

/// Bits of the instructions, counted from the left.
mod bit {
    pub(super) const SWITCH: u16 = 0;
    pub(super) const PORTS: u16 = 1;
    pub(super) const LATENCY: u16 = 2;
    pub(super) const QUEUE: u16 = 3;
    pub(super) const INGRESS_TIME: u16 = 4;
    pub(super) const EGRESS_TIME: u16 = 5;
    pub(super) const LOGICAL_PORTS: u16 = 6;
    pub(super) const UTILIZATION: u16 = 7;
    pub(super) const BUFFER: u16 = 8;
    pub(super) const GAMING: u16 = 9;
}

/// Octets of what tells cloud gaming.
const GAMING_LEN: usize = 28;

/// How long the data is whose length specifications and switches disagree about, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    times: usize,
    logical_ports: usize,
    /// Bits 8 and 9 are marks of L4S queues and signs of cloud gaming, and not a buffer.
    is_l4s: bool,
    /// Words of a hop; 0 where hops write nothing.
    hop_words: usize,
    /// The domain's own words may lie below the hops.
    has_domain: bool,
}

impl Layout {
    const fn new(times: usize, logical_ports: usize, is_l4s: bool) -> Self {
        Self { times, logical_ports, is_l4s, hop_words: 0, has_domain: false }
    }

    /// Of version 1: as it is specified, as GÉANT's switches write it, and as those do that MMT
    /// knows. The length of a hop tells.
    pub(crate) fn of_version_1(instructions: u16, hop_words: usize) -> Option<Self> {
        const KNOWN: [Layout; 6] = [
            Layout::new(1, 2, false),
            Layout::new(2, 2, false),
            Layout::new(2, 1, false),
            Layout::new(2, 2, true),
            Layout::new(2, 1, true),
            Layout::new(1, 2, true),
        ];
        let fits = |layout: &&Layout| layout.words(instructions) == hop_words;
        let found = KNOWN.iter().find(fits)?;
        (hop_words > 0).then_some(Self { hop_words, ..*found })
    }

    /// Of version 2, where a domain may have data of its own behind what is specified.
    pub(crate) fn of_version_2(
        instructions: u16,
        hop_words: usize,
        has_domain: bool,
    ) -> Option<Self> {
        let layout = Self { hop_words, has_domain, ..Self::new(2, 2, false) };
        let words = layout.words(instructions);
        (hop_words > 0 && (words == hop_words || has_domain && words < hop_words)).then_some(layout)
    }

    /// Of a header that hops add nothing to.
    pub(crate) fn without_hops() -> Self {
        Self { has_domain: true, ..Self::new(2, 2, false) }
    }

    /// Whether a stack of `octets` is made of whole hops.
    pub(crate) fn fills(&self, octets: usize) -> bool {
        let hop = self.hop_words.saturating_mul(4);
        self.has_domain || octets.checked_rem(hop).is_none_or(|rest| rest == 0)
    }

    /// Words of a hop that is asked for this.
    fn words(&self, instructions: u16) -> usize {
        asked(instructions).map(|bit| self.words_of(bit)).sum()
    }

    fn words_of(&self, bit: u16) -> usize {
        match bit {
            bit::INGRESS_TIME | bit::EGRESS_TIME => self.times,
            bit::LOGICAL_PORTS => self.logical_ports,
            bit::BUFFER if self.is_l4s => 2,
            bit::GAMING if self.is_l4s => GAMING_LEN / 4,
            _ => 1,
        }
    }
}

/// The bits that are set, from the left.
fn asked(instructions: u16) -> impl Iterator<Item = u16> {
    (0..16).filter(move |bit| instructions & (0x8000 >> bit) != 0)
}

/// Data of hops that fits into 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Item {
    /// The switch.
    Switch,
    /// Port by which the packet came.
    IngressPort,
    /// Port by which it left.
    EgressPort,
    /// How long it took.
    Latency,
    /// The queue it waited in.
    Queue,
    /// How full that was.
    QueueOccupancy,
    /// Logical port by which it came.
    LogicalIngressPort,
    /// Logical port by which it left.
    LogicalEgressPort,
    /// How busy the egress port was.
    Utilization,
    /// The buffer it lay in.
    Buffer,
    /// How full that was.
    BufferOccupancy,
    /// Packets marked.
    L4sMarked,
    /// Packets dropped.
    L4sDropped,
    /// How probably packets are marked.
    L4sProbability,
}

/// How many items there are.
const ITEMS: usize = 14;

/// Which bits of the octets a number has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Word,
    DoubleWord,
    High16,
    Low16,
    High8,
    Low24,
}

/// One kind of data of all hops, as a list of numbers of `BITS` bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Column<'a, const BITS: u8> {
    stack: &'a [u8],
    /// Octets of a hop.
    hop: usize,
    /// Where in a hop the number is.
    at: usize,
    part: Part,
}

impl<const BITS: u8> Column<'_, BITS> {
    /// The numbers, the latest hop's first.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.stack.chunks_exact(self.hop.max(1)).map(|hop| self.number(hop))
    }

    fn number(&self, hop: &[u8]) -> u64 {
        let word = be32(hop, self.at..self.at.saturating_add(4));
        match self.part {
            Part::Word => word.into(),
            Part::DoubleWord => be64(hop, self.at..self.at.saturating_add(8)),
            Part::High16 => (word >> 16).into(),
            Part::Low16 => (word & 0xffff).into(),
            Part::High8 => (word >> 24).into(),
            Part::Low24 => (word & 0x00ff_ffff).into(),
        }
    }
}

impl<const BITS: u8> List for Column<'_, BITS> {
    fn len(&self) -> usize {
        self.stack.len().checked_div(self.hop).unwrap_or(0)
    }

    fn item(&self, index: usize) -> Value<'_> {
        self.numbers().nth(index).map_or(Value::None, Value::Uint)
    }
}

impl<const BITS: u8> AsValue for &Column<'_, BITS> {
    const TYPE: Type = Type::List(&Type::Uint(BITS));

    fn value(&self) -> Value<'_> {
        Value::List(*self)
    }

    fn into_value<'v>(self) -> Value<'v>
    where
        Self: 'v,
    {
        Value::List(self)
    }
}

/// One direction of a flow looked at for cloud gaming, in its last window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Packets.
    pub(crate) packets: u32,
    /// Their octets.
    pub(crate) octets: u32,
    /// The times between them together, µs.
    pub(crate) gaps_us: u32,
}

/// What tells cloud gaming, as the latest hop says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gaming {
    /// One end.
    pub(crate) first: Ipv4Addr,
    /// The other.
    pub(crate) second: Ipv4Addr,
    /// From the one end.
    pub(crate) up: Window,
    /// To it.
    pub(crate) down: Window,
}

impl Gaming {
    fn read(b: &[u8]) -> Self {
        /// Unit in which switches count times.
        const UNIT_US: u32 = 64;
        let window = |packets: usize, octets: usize, gaps: usize| Window {
            packets: be16(b, packets..packets.saturating_add(2)).into(),
            octets: be32(b, octets..octets.saturating_add(4)),
            gaps_us: be32(b, gaps..gaps.saturating_add(4)).saturating_mul(UNIT_US),
        };
        Self {
            first: Ipv4Addr::from(be32(b, 0..4)),
            second: Ipv4Addr::from(be32(b, 4..8)),
            up: window(8, 12, 20),
            down: window(10, 16, 24),
        }
    }
}

/// What all hops wrote.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stack<'a> {
    hops: u8,
    columns: [Option<Column<'a, 32>>; ITEMS],
    times: [Option<Column<'a, 64>>; 2],
    has_l4s: bool,
    gaming: Option<&'a [u8]>,
}

impl<'a> Stack<'a> {
    /// Of `captured`, which are `octets` on the wire.
    pub(crate) fn new(captured: &'a [u8], octets: usize, layout: Layout, asked_for: u16) -> Self {
        let hop = layout.hop_words.saturating_mul(4);
        let hops = octets.checked_div(hop).unwrap_or(0);
        let whole = captured.len().checked_div(hop).unwrap_or(0).saturating_mul(hop);
        let mut made = Self {
            hops: u8::try_from(hops).unwrap_or(u8::MAX),
            columns: [None; ITEMS],
            times: [None; 2],
            has_l4s: false,
            gaming: None,
        };
        let mut place = Place { stack: first(captured, whole), hop, at: 0 };
        if hop > 0 {
            for bit in asked(asked_for) {
                made.find(bit, place, layout);
                place.at = place.at.saturating_add(layout.words_of(bit).saturating_mul(4));
            }
        }
        made
    }

    /// What a bit of the instructions asks for, which is at a place of each hop.
    fn find(&mut self, bit: u16, place: Place<'a>, layout: Layout) {
        match bit {
            bit::SWITCH => self.set(Item::Switch, place, Part::Word),
            bit::PORTS => self.set_halves(Item::IngressPort, Item::EgressPort, place),
            bit::LATENCY => self.set(Item::Latency, place, Part::Word),
            bit::QUEUE => self.set_filled(Item::Queue, Item::QueueOccupancy, place),
            bit::INGRESS_TIME | bit::EGRESS_TIME => {
                let part = if layout.times == 2 { Part::DoubleWord } else { Part::Word };
                let [ingress, egress] = &mut self.times;
                let slot = if bit == bit::INGRESS_TIME { ingress } else { egress };
                *slot = Some(place.column(part));
            }
            bit::LOGICAL_PORTS => {
                let (ingress, egress) = (Item::LogicalIngressPort, Item::LogicalEgressPort);
                if layout.logical_ports == 1 {
                    return self.set_halves(ingress, egress, place);
                }
                self.set(ingress, place, Part::Word);
                self.set(egress, place.after(4), Part::Word);
            }
            bit::UTILIZATION => self.set(Item::Utilization, place, Part::Word),
            bit::BUFFER if layout.is_l4s => {
                self.has_l4s = true;
                self.set_halves(Item::L4sMarked, Item::L4sDropped, place);
                self.set(Item::L4sProbability, place.after(4), Part::Word);
            }
            bit::BUFFER => self.set_filled(Item::Buffer, Item::BufferOccupancy, place),
            bit::GAMING if layout.is_l4s => {
                let end = place.at.saturating_add(GAMING_LEN);
                self.gaming = Some(place.stack.get(place.at..end).unwrap_or(&[]));
            }
            _ => {}
        }
    }

    fn set(&mut self, item: Item, place: Place<'a>, part: Part) {
        if let Some(slot) = self.columns.get_mut(item as usize) {
            *slot = Some(place.column(part));
        }
    }

    fn set_halves(&mut self, high: Item, low: Item, place: Place<'a>) {
        self.set(high, place, Part::High16);
        self.set(low, place, Part::Low16);
    }

    /// A number of 8 bits, and how full it is in 24.
    fn set_filled(&mut self, which: Item, occupancy: Item, place: Place<'a>) {
        self.set(which, place, Part::High8);
        self.set(occupancy, place, Part::Low24);
    }

    pub(crate) fn hops(&self) -> u8 {
        self.hops
    }

    pub(crate) fn column(&self, item: Item) -> Option<&Column<'a, 32>> {
        self.columns.get(item as usize)?.as_ref()
    }

    pub(crate) fn ingress_times(&self) -> Option<&Column<'a, 64>> {
        let [ingress, _] = &self.times;
        ingress.as_ref()
    }

    pub(crate) fn egress_times(&self) -> Option<&Column<'a, 64>> {
        let [_, egress] = &self.times;
        egress.as_ref()
    }

    pub(crate) fn has_l4s(&self) -> bool {
        self.has_l4s
    }

    pub(crate) fn has_gaming(&self) -> bool {
        self.gaming.is_some()
    }

    /// Where it is asked for and a hop has written it.
    pub(crate) fn gaming(&self) -> Option<Gaming> {
        self.gaming.filter(|octets| octets.len() == GAMING_LEN).map(Gaming::read)
    }
}

/// What one hop writes by itself, in a report instead of the packet: in the order of the stack's
/// instructions, whose last bit stands for another word here.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'a> {
    stack: Stack<'a>,
    last: Option<[u8; 4]>,
}

impl<'a> Hop<'a> {
    /// Of `octets`, behind which nothing but a domain's own data may follow.
    pub fn new(octets: &'a [u8], instructions: u16, has_domain: bool) -> Option<Self> {
        let words = octets.len() / 4;
        if words == 0 {
            return (instructions == 0).then_some(Self {
                stack: Stack::new(&[], 0, Layout::without_hops(), 0),
                last: None,
            });
        }
        let layout = Layout::of_version_2(instructions, words, has_domain)?;
        let before = layout.words(instructions & !1).saturating_mul(4);
        let last = octets.get(before..).and_then(|rest| rest.first_chunk()).copied();
        let last = last.filter(|_| instructions & 1 != 0);
        Some(Self { stack: Stack::new(octets, octets.len(), layout, instructions), last })
    }

    /// What it says of `item`.
    pub fn number(&self, item: Item) -> Option<u32> {
        self.stack.column(item)?.numbers().next().map(|n| n as u32)
    }

    /// When the packet came and when it left, in the hop's unit.
    pub fn times(&self) -> [Option<u64>; 2] {
        let first = |column: Option<&Column<'_, 64>>| column.and_then(|c| c.numbers().next());
        [first(self.stack.ingress_times()), first(self.stack.egress_times())]
    }

    /// The word that the last bit stands for.
    pub fn last(&self) -> Option<[u8; 4]> {
        self.last
    }
}

/// A place in every hop of a stack.
#[derive(Clone, Copy)]
struct Place<'a> {
    stack: &'a [u8],
    hop: usize,
    at: usize,
}

impl<'a> Place<'a> {
    fn after(self, octets: usize) -> Self {
        Self { at: self.at.saturating_add(octets), ..self }
    }

    fn column<const BITS: u8>(self, part: Part) -> Column<'a, BITS> {
        Column { stack: self.stack, hop: self.hop, at: self.at, part }
    }
}

//! Which sessions the users' protocols claim: by port, by the octets of a message, or by both.

use std::collections::HashMap;

use nf_fields::ProtoId;
use nf_wire::Transport;

use crate::Flow;

/// Octets with their place and mask.
type Part = (usize, Vec<u8>, Vec<u8>);

/// What a first message looks like: any one of these, of which all parts must be there. None at
/// all: it may look like anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape(pub Vec<Vec<Part>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Yes,
    Short,
    No,
}

impl Shape {
    /// The octets that a payload of this shape may begin with; none when any may.
    fn first_octets(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let mut all = [false; 256];
        for parts in &self.0 {
            let (_, value, mask) = parts.iter().find(|(offset, ..)| *offset == 0)?;
            let (want, mask) = (value.first()?, mask.first().copied().unwrap_or(0xff));
            for (octet, may) in (0..=u8::MAX).zip(&mut all) {
                *may |= octet & mask == want & mask;
            }
        }
        Some((0..=u8::MAX).zip(all).filter_map(|(octet, may)| may.then_some(octet)).collect())
    }

    fn fit(&self, data: &[u8], stream: bool) -> Fit {
        let mut best = if self.0.is_empty() { Fit::Yes } else { Fit::No };
        for parts in &self.0 {
            match fit_all(parts, data, stream) {
                Fit::Yes => return Fit::Yes,
                Fit::Short => best = Fit::Short,
                Fit::No => {}
            }
        }
        best
    }
}

fn fit_all(parts: &[Part], data: &[u8], stream: bool) -> Fit {
    let mut short = false;
    for (offset, value, mask) in parts {
        let there = data.get(*offset..).unwrap_or_default();
        let differs = there.iter().zip(value).enumerate().any(|(n, (have, want))| {
            let mask = mask.get(n).copied().unwrap_or(0xff);
            have & mask != want & mask
        });
        if differs {
            return Fit::No;
        }
        short |= there.len() < value.len();
    }
    match (short, stream) {
        (false, _) => Fit::Yes,
        (true, true) => Fit::Short,
        (true, false) => Fit::No,
    }
}

#[derive(Clone, Debug)]
struct Rule {
    number: ProtoId,
    weight: u8,
    shape: Shape,
}

/// What is said of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is this protocol, and this is its weight.
    Mine(ProtoId, u8),
    /// A stream that is too short to tell.
    Short,
    /// No.
    Nobody,
}

/// What carries a payload, as far as claims go by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried {
    pub transport: Transport,
    /// Ports of both ends; of IP itself its protocol number, twice.
    pub numbers: [u16; 2],
}

impl Carried {
    pub(crate) fn of(flow: &Flow) -> Self {
        let numbers = match flow.transport {
            Transport::Other => [u16::from(flow.protocol); 2],
            _ => [flow.responder_port, flow.initiator_port],
        };
        Self { transport: flow.transport, numbers }
    }
}

/// Places of rules in the list of all, ascending: lower weights first.
type Places = Vec<u32>;

/// The rules of one carrier, found by what a payload shows at once.
#[derive(Clone, Debug, Default)]
struct Index {
    /// Rules that want a number, by each of theirs.
    on_number: HashMap<u16, Places>,
    /// Rules on any number whose patterns all say how a payload begins, by its first octet.
    begins: HashMap<u8, Places>,
    /// Those that must be asked about everything.
    anywhere: Places,
}

impl Index {
    fn add(&mut self, place: u32, numbers: &[u16], shape: &Shape) {
        if !numbers.is_empty() {
            for number in numbers {
                let places = self.on_number.entry(*number).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
            return;
        }
        match shape.first_octets() {
            Some(octets) => {
                for octet in octets {
                    self.begins.entry(octet).or_default().push(place);
                }
            }
            None => self.anywhere.push(place),
        }
    }

    fn on(&self, number: u16) -> &[u32] {
        self.on_number.get(&number).map_or(&[], Vec::as_slice)
    }

    /// Places of the rules that a payload may meet, ascending, each once.
    fn candidates(&self, numbers: [u16; 2], data: &[u8]) -> impl Iterator<Item = u32> + '_ {
        let begins = data.first().and_then(|octet| self.begins.get(octet));
        let [here, there] = numbers;
        let mut lists = [
            self.on(here),
            if here == there { &[] } else { self.on(there) },
            begins.map_or(&[][..], Vec::as_slice),
            self.anywhere.as_slice(),
        ];
        std::iter::from_fn(move || {
            let next = lists.iter().filter_map(|list| list.first()).min().copied()?;
            for list in &mut lists {
                if let [first, rest @ ..] = list
                    && *first == next
                {
                    *list = rest;
                }
            }
            Some(next)
        })
    }
}

/// All rules, lower weights first.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    rules: Vec<Rule>,
    /// By carrier.
    carriers: [Index; 4],
    /// Of frames without an IP layer, by their type.
    types: Index,
}

/// A rule as it was described.
pub(super) struct Described<'a> {
    pub number: ProtoId,
    /// None: frames of Ethernet.
    pub carrier: Option<Transport>,
    /// Ports, IP protocol numbers or types; none: any.
    pub numbers: &'a [u16],
    pub weight: u8,
    pub shape: Shape,
}

impl Claims {
    /// Of equal weights the protocol that was loaded first is asked first.
    pub(super) fn of(mut described: Vec<Described<'_>>) -> Self {
        described.sort_by_key(|it| it.weight);
        let mut claims = Self::default();
        for it in described {
            let place = u32::try_from(claims.rules.len()).unwrap_or(u32::MAX);
            let index = match it.carrier {
                Some(carrier) => claims.carriers.get_mut(carrier as usize),
                None => Some(&mut claims.types),
            };
            if let Some(index) = index {
                index.add(place, it.numbers, &it.shape);
            }
            let Described { number, weight, shape, .. } = it;
            claims.rules.push(Rule { number, weight, shape });
        }
        claims
    }

    fn rule(&self, place: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(place).ok()?)
    }

    /// The protocol of what an Ethernet frame of this type carries.
    pub(super) fn of_frame(&self, ethertype: u16, data: &[u8]) -> Option<ProtoId> {
        let rules = self.types.on(ethertype).iter().filter_map(|place| self.rule(*place));
        let mut fitting = rules.filter(|rule| rule.shape.fit(data, false) == Fit::Yes);
        fitting.next().map(|rule| rule.number)
    }

    pub(super) fn has_links(&self) -> bool {
        !self.types.on_number.is_empty()
    }

    pub(super) fn claim(&self, by: Carried, data: &[u8]) -> Claim {
        let Some(index) = self.carriers.get(by.transport as usize) else { return Claim::Nobody };
        let stream = by.transport == Transport::Tcp;
        for rule in index.candidates(by.numbers, data).filter_map(|place| self.rule(place)) {
            match rule.shape.fit(data, stream) {
                Fit::Yes => return Claim::Mine(rule.number, rule.weight),
                Fit::Short => return Claim::Short,
                Fit::No => {}
            }
        }
        Claim::Nobody
    }

    /// The protocol that the ports suggest.
    pub(super) fn port_guess(&self, flow: &Flow) -> Option<ProtoId> {
        let by = Carried::of(flow);
        let index = self.carriers.get(by.transport as usize)?;
        let first = by.numbers.iter().filter_map(|number| index.on(*number).first()).min()?;
        self.rule(*first).map(|rule| rule.number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "numbers of examples are small")]

    use proptest::prelude::*;

    use super::*;

    type Said = (Vec<u16>, u8, Vec<Vec<Part>>);

    fn part() -> impl Strategy<Value = Part> {
        let octets = prop::collection::vec(0_u8..4, 1..3);
        (0_usize..3, octets, prop::bool::ANY).prop_map(|(offset, value, masked)| {
            let mask = if masked { vec![0x01; value.len()] } else { Vec::new() };
            (offset, value, mask)
        })
    }

    fn rule() -> impl Strategy<Value = Said> {
        let patterns = prop::collection::vec(prop::collection::vec(part(), 1..3), 0..3);
        (prop::collection::vec(1_u16..4, 0..3), 0_u8..3, patterns)
    }

    fn asked_one_by_one(rules: &[Said], by: Carried, data: &[u8]) -> Claim {
        let mut order: Vec<usize> = (0..rules.len()).collect();
        order.sort_by_key(|n| rules[*n].1);
        for n in order {
            let (numbers, weight, shape) = &rules[n];
            if !numbers.is_empty() && !numbers.iter().any(|n| by.numbers.contains(n)) {
                continue;
            }
            match Shape(shape.clone()).fit(data, by.transport == Transport::Tcp) {
                Fit::Yes => return Claim::Mine(ProtoId(n as u16), *weight),
                Fit::Short => return Claim::Short,
                Fit::No => {}
            }
        }
        Claim::Nobody
    }

    proptest! {
        #[test]
        fn the_index_says_what_asking_one_rule_after_the_other_does(
            rules in prop::collection::vec(rule(), 0..8),
            numbers in [1_u16..5, 1_u16..5],
            data in prop::collection::vec(0_u8..4, 1..5),
            stream in prop::bool::ANY,
        ) {
            let transport = if stream { Transport::Tcp } else { Transport::Udp };
            let described = rules.iter().enumerate().map(|(n, (numbers, weight, shape))| Described {
                number: ProtoId(n as u16),
                carrier: Some(transport),
                numbers,
                weight: *weight,
                shape: Shape(shape.clone()),
            });
            let by = Carried { transport, numbers };
            let claims = Claims::of(described.collect());

            prop_assert_eq!(claims.claim(by, &data), asked_one_by_one(&rules, by, &data));
        }
    }

    #[test]
    fn rules_for_other_ports_and_other_beginnings_are_not_looked_at() {
        let shape = |first: u8| Shape(vec![vec![(0, vec![first], Vec::new())]]);
        let ports: Vec<u16> = (1..=400).collect();
        let on_ports = ports.iter().map(|port| Described {
            number: ProtoId(*port),
            carrier: Some(Transport::Udp),
            numbers: std::slice::from_ref(port),
            weight: 50,
            shape: Shape::default(),
        });
        let by_octets = (0..100_u8).map(|first| Described {
            number: ProtoId(1000),
            carrier: Some(Transport::Udp),
            numbers: &[],
            weight: 50,
            shape: shape(first),
        });
        let claims = Claims::of(on_ports.chain(by_octets).collect());
        let index = &claims.carriers[Transport::Udp as usize];

        assert_eq!(index.candidates([7, 9], b"\x05").count(), 3);
        assert_eq!(index.candidates([1000, 1001], b"\xff").count(), 0);
    }
}

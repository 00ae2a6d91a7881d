//! Which sessions the users' protocols claim: by port, by the octets of a message, or by both.

use nf_fields::ProtoId;
use nf_wire::Transport;

use crate::{Flow, Segment};

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
    carrier: Transport,
    /// Ports or IP protocol numbers, ascending; none: any.
    numbers: Vec<u16>,
    weight: u8,
    shape: Shape,
}

impl Rule {
    fn is_on(&self, flow: &Flow) -> bool {
        let has = |number: u16| self.numbers.binary_search(&number).is_ok();
        self.carrier == flow.transport
            && match flow.transport {
                Transport::Other => has(flow.protocol.into()),
                _ => {
                    self.numbers.is_empty() || has(flow.responder_port) || has(flow.initiator_port)
                }
            }
    }
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

/// A rule on frames without an IP layer: types, weight and shape.
#[derive(Clone, Debug)]
struct LinkRule {
    number: ProtoId,
    types: Vec<u16>,
    weight: u8,
    shape: Shape,
}

/// All rules, lower weights first.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(Vec<Rule>, Vec<LinkRule>);

impl Claims {
    pub(super) fn add(
        &mut self,
        number: ProtoId,
        carrier: Transport,
        numbers: &[u16],
        weight: u8,
        shape: &Shape,
    ) {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        self.0.push(Rule { number, carrier, numbers, weight, shape: shape.clone() });
        // Stable: of equal weights the protocol that was loaded first is asked first.
        self.0.sort_by_key(|rule| rule.weight);
    }

    pub(super) fn add_link(&mut self, number: ProtoId, types: &[u16], weight: u8, shape: &Shape) {
        self.1.push(LinkRule { number, types: types.to_vec(), weight, shape: shape.clone() });
        self.1.sort_by_key(|rule| rule.weight);
    }

    /// The protocol of what an Ethernet frame of this type carries.
    pub(super) fn of_frame(&self, ethertype: u16, data: &[u8]) -> Option<ProtoId> {
        let fits = |rule: &&LinkRule| {
            rule.types.contains(&ethertype) && rule.shape.fit(data, false) == Fit::Yes
        };
        self.1.iter().find(fits).map(|rule| rule.number)
    }

    pub(super) fn has_links(&self) -> bool {
        !self.1.is_empty()
    }

    pub(super) fn claim(&self, seg: &Segment<'_>) -> Claim {
        let stream = seg.flow.transport == Transport::Tcp;
        for rule in self.0.iter().filter(|rule| rule.is_on(seg.flow)) {
            match rule.shape.fit(seg.data, stream) {
                Fit::Yes => return Claim::Mine(rule.number, rule.weight),
                Fit::Short => return Claim::Short,
                Fit::No => {}
            }
        }
        Claim::Nobody
    }

    /// The protocol that the ports suggest.
    pub(super) fn port_guess(&self, flow: &Flow) -> Option<ProtoId> {
        let on_port = |rule: &&Rule| !rule.numbers.is_empty() && rule.is_on(flow);
        self.0.iter().find(on_port).map(|rule| rule.number)
    }
}

//! Entries compiled: which signs may fit a payload is told by a few of its octets.

use nf_fields::ProtoId;
use nf_wire::Transport;

use super::sign::{Company, Fit, Sign};
use super::{Named, all};
use crate::anchors::Anchors;
use crate::classify::carrier_index;
use crate::ports::Ports;
use crate::{Flow, Segment};

/// A session's datagrams after these are not looked at: what has a shape shows it early.
pub(crate) const FIRST_DATAGRAMS: u8 = 6;

/// What a payload tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A sign of the entry fits.
    Entry(u16, Company),
    /// The stream is too short to tell.
    Short,
    /// Nothing.
    Nothing,
}

/// See the module.
pub(crate) struct Table {
    ids: Vec<ProtoId>,
    signs: Vec<(u16, &'static Sign)>,
    carriers: [Carried; 3],
    /// Entries by SCTP's payload protocol identifiers.
    announced: Vec<(u32, u16)>,
}

/// What is known of one transport.
struct Carried {
    /// Signs, by an octet they demand.
    anchors: Anchors,
    /// Signs without such an octet, by the port they demand.
    on_port: Ports,
    /// Entries by port.
    ports: Ports,
}

/// The same before it is compiled.
#[derive(Default)]
struct Draft {
    anchors: Vec<(usize, u8, u16)>,
    on_port: Vec<(u16, u16)>,
    ports: Vec<(u16, u16)>,
}

impl Table {
    /// Compiles the entries of the file that `wanted` accepts.
    pub(crate) fn new(wanted: &dyn Fn(&Named) -> bool) -> Self {
        let mut drafts: [Draft; 3] = Default::default();
        let mut ids = Vec::new();
        let mut signs = Vec::new();
        let mut announced = Vec::new();
        for named in all().iter().filter(|n| wanted(n)) {
            let Ok(entry) = u16::try_from(ids.len()) else { break };
            ids.push(named.id);
            announced.extend(named.ppids.iter().map(|&ppid| (ppid, entry)));
            for (carrier, port) in &named.ports {
                if let Some(draft) = carrier_index(*carrier).and_then(|i| drafts.get_mut(i)) {
                    draft.ports.push((*port, entry));
                }
            }
            for sign in &named.signs {
                let Ok(number) = u16::try_from(signs.len()) else { break };
                signs.push((entry, sign));
                if let Some(draft) = carrier_index(sign.carrier).and_then(|i| drafts.get_mut(i)) {
                    draft.add(named, sign, number);
                }
            }
        }
        Self { ids, signs, carriers: drafts.map(Draft::compile), announced }
    }

    /// The id of an entry.
    pub(crate) fn id(&self, entry: u16) -> Option<ProtoId> {
        self.ids.get(usize::from(entry)).copied()
    }

    /// What a payload tells. Of several signs that fit the one with most evidence counts.
    pub(crate) fn tell(&self, seg: &Segment<'_>) -> Told {
        let Segment { data, dir, flow, ppid, .. } = *seg;
        if ppid != 0
            && let Some((_, entry)) = self.announced.iter().find(|(known, _)| *known == ppid)
        {
            return Told::Entry(*entry, Company::None);
        }
        let carried = carrier_index(flow.transport).and_then(|i| self.carriers.get(i));
        let Some(carried) = carried else { return Told::Nothing };
        let stream = flow.transport == Transport::Tcp;
        let mut best: Option<(u16, &Sign)> = None;
        let mut short = false;
        let mut consider = |number: u16| {
            let Some((entry, sign)) = self.signs.get(usize::from(number)).copied() else { return };
            if sign.dir.is_some_and(|d| d != dir) || sign.port && !carried.on_ports(entry, flow) {
                return;
            }
            match sign.fit(data, stream) {
                Fit::Yes if best.is_none_or(|(_, b)| b.bits < sign.bits) => {
                    best = Some((entry, sign));
                }
                Fit::Short => short = true,
                Fit::Yes | Fit::No => {}
            }
        };
        carried.anchors.of(data).for_each(&mut consider);
        for port in [flow.responder_port, flow.initiator_port] {
            carried.on_port.of(port).for_each(&mut consider);
        }
        match best {
            Some((entry, sign)) => Told::Entry(entry, sign.company),
            None if short => Told::Short,
            None => Told::Nothing,
        }
    }

    /// The protocol that the ports suggest; the responder's port counts first, and of several
    /// entries the first of the file.
    pub(crate) fn port_guess(&self, flow: &Flow) -> Option<ProtoId> {
        let ports = &self.carriers.get(carrier_index(flow.transport)?)?.ports;
        let of = |port| ports.of(port).next();
        self.id(of(flow.responder_port).or_else(|| of(flow.initiator_port))?)
    }
}

impl Carried {
    fn on_ports(&self, entry: u16, flow: &Flow) -> bool {
        let has = |port| self.ports.of(port).any(|e| e == entry);
        has(flow.responder_port) || has(flow.initiator_port)
    }
}

impl Draft {
    fn add(&mut self, named: &Named, sign: &Sign, number: u16) {
        match sign.anchor() {
            Some((at, octet)) => self.anchors.push((at, octet, number)),
            None => {
                let ports = named.ports.iter().filter(|p| p.0 == sign.carrier);
                self.on_port.extend(ports.map(|(_, port)| (*port, number)));
            }
        }
    }

    fn compile(self) -> Carried {
        Carried {
            anchors: Anchors::new(self.anchors),
            on_port: Ports::new(self.on_port),
            ports: Ports::new(self.ports),
        }
    }
}

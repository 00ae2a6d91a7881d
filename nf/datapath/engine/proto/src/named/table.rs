//! Entries compiled: which signs may fit a payload is told by a few of its octets.

use nf_fields::ProtoId;
use nf_wire::Transport;

use super::sign::{Company, Fit, Sign};
use super::{Named, all};
use crate::anchors::Anchors;
use crate::classify::carrier_index;
use crate::{Direction, Flow};

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
    anchors: [Anchors; 3],
    /// Signs without an anchor, by the port they demand.
    on_port: [Vec<(u16, u16)>; 3],
    ports: [Vec<(u16, u16)>; 3],
}

impl Table {
    /// Compiles the entries of the file that `wanted` accepts.
    pub(crate) fn new(wanted: &dyn Fn(&Named) -> bool) -> Self {
        let mut table = Self {
            ids: Vec::new(),
            signs: Vec::new(),
            anchors: Default::default(),
            on_port: Default::default(),
            ports: Default::default(),
        };
        let mut demands: [Vec<_>; 3] = Default::default();
        for named in all().iter().filter(|n| wanted(n)) {
            table.add(named, &mut demands);
        }
        table.anchors = demands.map(Anchors::new);
        for ports in table.ports.iter_mut().chain(&mut table.on_port) {
            // Stable: of several entries with a port the first of the file is the guess.
            ports.sort_by_key(|(port, _)| *port);
        }
        table
    }

    fn add(&mut self, named: &'static Named, demands: &mut [Vec<(usize, u8, u16)>; 3]) {
        let Ok(entry) = u16::try_from(self.ids.len()) else { return };
        self.ids.push(named.id);
        for (carrier, port) in &named.ports {
            if let Some(ports) = carrier_index(*carrier).and_then(|i| self.ports.get_mut(i)) {
                ports.push((*port, entry));
            }
        }
        for sign in &named.signs {
            let Ok(number) = u16::try_from(self.signs.len()) else { return };
            self.signs.push((entry, sign));
            let Some(index) = carrier_index(sign.carrier) else { continue };
            match sign.anchor() {
                Some((at, octet)) => {
                    if let Some(demands) = demands.get_mut(index) {
                        demands.push((at, octet, number));
                    }
                }
                None => {
                    let ports = named.ports.iter().filter(|p| p.0 == sign.carrier);
                    if let Some(table) = self.on_port.get_mut(index) {
                        table.extend(ports.map(|(_, port)| (*port, number)));
                    }
                }
            }
        }
    }

    /// The id of an entry.
    pub(crate) fn id(&self, entry: u16) -> Option<ProtoId> {
        self.ids.get(usize::from(entry)).copied()
    }

    /// What a payload tells. Of several signs that fit the one with most evidence counts.
    pub(crate) fn tell(&self, data: &[u8], dir: Direction, flow: &Flow) -> Told {
        let Some(index) = carrier_index(flow.transport) else { return Told::Nothing };
        let stream = flow.transport == Transport::Tcp;
        let mut best: Option<(u16, &Sign)> = None;
        let mut short = false;
        let mut consider = |number: u16| {
            let Some((entry, sign)) = self.signs.get(usize::from(number)).copied() else { return };
            if sign.dir.is_some_and(|d| d != dir) || sign.port && !self.on_ports(entry, flow) {
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
        if let Some(anchors) = self.anchors.get(index) {
            anchors.of(data).for_each(&mut consider);
        }
        if let Some(table) = self.on_port.get(index) {
            for port in [flow.responder_port, flow.initiator_port] {
                of_port(table, port).for_each(&mut consider);
            }
        }
        match best {
            Some((entry, sign)) => Told::Entry(entry, sign.company),
            None if short => Told::Short,
            None => Told::Nothing,
        }
    }

    fn on_ports(&self, entry: u16, flow: &Flow) -> bool {
        let Some(table) = carrier_index(flow.transport).and_then(|i| self.ports.get(i)) else {
            return false;
        };
        let has = |port| of_port(table, port).any(|e| e == entry);
        has(flow.responder_port) || has(flow.initiator_port)
    }

    /// The protocol that the ports suggest; the responder's port counts first.
    pub(crate) fn port_guess(&self, flow: &Flow) -> Option<ProtoId> {
        let table = self.ports.get(carrier_index(flow.transport)?)?;
        let of = |port| of_port(table, port).next();
        self.id(of(flow.responder_port).or_else(|| of(flow.initiator_port))?)
    }
}

/// What stands in a sorted table under `port`.
fn of_port(table: &[(u16, u16)], port: u16) -> impl Iterator<Item = u16> + '_ {
    let start = table.partition_point(|(p, _)| *p < port);
    let rest = table.get(start..).unwrap_or_default();
    rest.iter().take_while(move |(p, _)| *p == port).map(|(_, what)| *what)
}

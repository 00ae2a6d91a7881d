//! Brings fragments to their datagram's session.
//!
//! Only the first fragment (RFC 791, RFC 8200 §4.5) carries the ports. Its datagram's later
//! fragments get them from here; those that arrive before it wait, within bounds, and go out
//! without ports when it does not come. The reassembly of their octets is the stream room's.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use nf_capture::Block;
use nf_flow::{KeyHasher, SessionKey};

use crate::parcel::{Item, Owner};

/// How long a datagram is remembered (RFC 8200 §4.5 gives 60 s to reassemble; Linux takes 30).
const LIFETIME_NS: u64 = 30_000_000_000;
/// Datagrams remembered at most.
const MAX_DATAGRAMS: usize = 16_384;
/// Fragments waiting for their first at most, over all datagrams.
const MAX_WAITING: usize = 1_024;

/// Addresses, protocol and VLAN (as a port-less session key, with direction) and identification.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Datagram {
    hash: u64,
    swapped: bool,
    id: u32,
}

struct Known {
    key: SessionKey,
    ports: Option<(u16, u16)>,
    waiting: Vec<(Item, Arc<Block>)>,
}

/// Whether an item can go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Placed,
    Waits,
}

#[derive(Default)]
pub(crate) struct Fragments {
    known: HashMap<Datagram, Known>,
    /// In the order of arrival, with the time at which each is forgotten.
    ages: VecDeque<(u64, Datagram)>,
    waiting: usize,
    orphans: u64,
}

impl Fragments {
    /// Looks at the innermost IP layer of `item`, a fragment. Fragments that waited for this one
    /// are appended to `released`.
    pub(crate) fn place(
        &mut self,
        item: &mut Item,
        block: &Arc<Block>,
        hasher: &KeyHasher,
        released: &mut Vec<(Item, Arc<Block>)>,
    ) -> Verdict {
        let last = item.packet.ips().len() - 1;
        let ip = item.packet.ips()[last];
        let Some(fragment) = ip.fragment else { return Verdict::Placed };
        let owner = item.owners[last];
        let (bare, swapped) = owner.key.without_ports(owner.swapped);
        let datagram = Datagram { hash: hasher.hash(&bare), swapped, id: fragment.id };
        let first = fragment.offset == 0;
        if self.known.len() >= MAX_DATAGRAMS {
            self.forget_oldest(released);
        }
        let ages = &mut self.ages;
        let known = self.known.entry(datagram).or_insert_with(|| {
            ages.push_back((item.clock.saturating_add(LIFETIME_NS), datagram));
            Known { key: bare, ports: None, waiting: Vec::new() }
        });
        if known.key != bare {
            // Two datagrams under one hash: as good as unknown.
            self.orphans += 1;
            return Verdict::Placed;
        }
        if first {
            known.ports = Some((ip.src_port, ip.dst_port));
            self.waiting -= known.waiting.len();
            for (mut waited, block) in known.waiting.drain(..) {
                give_ports(&mut waited, (ip.src_port, ip.dst_port), hasher);
                released.push((waited, block));
            }
            return Verdict::Placed;
        }
        match known.ports {
            Some(ports) => {
                give_ports(item, ports, hasher);
                Verdict::Placed
            }
            None if self.waiting < MAX_WAITING => {
                self.waiting += 1;
                let block = on_its_own(item, block);
                known.waiting.push((*item, block));
                Verdict::Waits
            }
            None => {
                self.orphans += 1;
                Verdict::Placed
            }
        }
    }

    /// Forgets what is older than `clock`; what still waited goes out as it is.
    pub(crate) fn expire(&mut self, clock: u64, released: &mut Vec<(Item, Arc<Block>)>) {
        while self.ages.front().is_some_and(|(until, _)| *until <= clock) {
            self.forget_oldest(released);
        }
    }

    fn forget_oldest(&mut self, released: &mut Vec<(Item, Arc<Block>)>) {
        let Some((_, datagram)) = self.ages.pop_front() else { return };
        if let Some(known) = self.known.remove(&datagram) {
            self.waiting -= known.waiting.len();
            self.orphans += known.waiting.len() as u64;
            released.extend(known.waiting);
        }
    }

    pub(crate) fn orphans(&self) -> u64 {
        self.orphans
    }
}

/// A block to keep an item by. Memory of a live source is a large piece for each batch: who waits
/// there for long must not hold all of it.
fn on_its_own(item: &mut Item, block: &Arc<Block>) -> Arc<Block> {
    let (start, captured) = (item.at.offset as usize, item.at.captured as usize);
    if block.capacity() <= captured.saturating_mul(2) {
        return Arc::clone(block);
    }
    let bytes = block.bytes().get(start..start.saturating_add(captured)).unwrap_or_default();
    item.at.offset = 0;
    Arc::new(Block::owned(bytes))
}

fn give_ports(item: &mut Item, (source, target): (u16, u16), hasher: &KeyHasher) {
    let last = item.packet.ips().len() - 1;
    let ip = &mut item.packet.ips_mut()[last];
    ip.src_port = source;
    ip.dst_port = target;
    let owner = &mut item.owners[last];
    let (key, swapped) = owner.key.with_ports(owner.swapped, source, target);
    *owner = Owner { key, swapped, hash: hasher.hash(&key) };
}

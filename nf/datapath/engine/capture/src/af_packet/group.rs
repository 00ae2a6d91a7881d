//! The packet sockets of an interface: one, or several that share its packets by session.
//!
//! Several sockets have a ring each, so that processors that receive packets do not wait for each
//! other to put them there. They are read as one, the oldest packet at hand first; packets of a
//! session come from one ring, in their order (docs/decisions/0016).

use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd, BorrowedFd};

use super::{AfPacket, Failure, Taken, Term, fanout};
use crate::bpf::Filter;
use crate::error::CaptureError;
use crate::live::names::Shape;
use crate::live::spec::Interface;
use crate::live::tap::Tap;

/// Packets taken until rings that had nothing are looked at again.
const LOOK_AFTER: u32 = 16;

/// See the module.
pub(crate) struct Group {
    members: Vec<AfPacket>,
    /// When the next packet of each member was stamped, as far as it was looked at.
    heads: Vec<Option<u64>>,
    /// The member with the oldest packet.
    oldest: usize,
    /// Packets that may be taken until all members are looked at.
    left: u32,
}

impl Group {
    /// Opens the sockets; packets come from now on.
    pub fn open(
        interface: i32,
        shape: Shape,
        loopback: Option<i32>,
        settings: &Interface,
        filter: Option<Filter>,
    ) -> Result<Self, Failure> {
        let count = usize::from(settings.sockets.max(1));
        let mut members = Vec::with_capacity(count);
        if count == 1 {
            members.push(AfPacket::open(interface, shape, loopback, settings, filter)?);
        } else {
            for _ in 0..count {
                members.push(AfPacket::open_silent(interface, shape, loopback, settings)?);
            }
            share(&members, shape)?;
            // Each of them would have had every packet before they were joined.
            for member in &mut members {
                member.listen(filter.clone())?;
            }
        }
        Ok(Self { heads: vec![None; members.len()], members, oldest: 0, left: 0 })
    }

    /// Finds the oldest packet at hand.
    fn find(&mut self) -> Option<u64> {
        if self.left == 0 {
            self.left = LOOK_AFTER;
            for (head, member) in self.heads.iter_mut().zip(&mut self.members) {
                if head.is_none() {
                    *head = member.head();
                }
            }
        }
        let heads = self.heads.iter().enumerate();
        let found = heads.filter_map(|(n, head)| Some(((*head)?, n))).min();
        let Some((time, oldest)) = found else {
            self.left = 0;
            return None;
        };
        self.oldest = oldest;
        Some(time)
    }
}

/// Joins sockets that are bound to one interface: each packet goes to one of them.
fn share(members: &[AfPacket], shape: Shape) -> Result<(), Failure> {
    let system = |error| Failure::System("share the interface among sockets", error);
    let mut group = None;
    for member in members {
        group = Some(match group {
            None => {
                let seed = RandomState::new().hash_one("the seed of a group") as u32;
                let made = member.socket.found_group().map_err(system)?;
                let program = fanout::program(shape.link, seed);
                member.socket.choose_by(&program).map_err(system)?;
                made
            }
            Some(made) => {
                member.socket.join_group(made).map_err(system)?;
                made
            }
        });
    }
    Ok(())
}

impl Tap for Group {
    fn interface(&self) -> i32 {
        self.members.first().map_or(0, |member| member.interface)
    }

    fn shape(&self) -> Shape {
        self.members.first().map_or(Shape::COOKED, |member| member.shape)
    }

    fn set_filter(&mut self, filter: Option<Filter>) -> Result<(), Failure> {
        self.members.iter_mut().try_for_each(|member| member.set_filter(filter.clone()))
    }

    fn head(&mut self) -> Option<u64> {
        match self.members.as_mut_slice() {
            [only] => only.head(),
            _ => self.find().or_else(|| self.find()),
        }
    }

    fn take(&mut self, room: &mut [u8], term: Term) -> Result<Option<Taken>, CaptureError> {
        if let [only] = self.members.as_mut_slice() {
            return only.take(room, term);
        }
        if self.head().is_none() {
            return Ok(None);
        }
        let (Some(member), Some(head)) =
            (self.members.get_mut(self.oldest), self.heads.get_mut(self.oldest))
        else {
            return Ok(None);
        };
        let taken = member.take(room, term)?;
        *head = member.head();
        self.left = self.left.saturating_sub(1);
        Ok(taken)
    }

    fn count(&mut self) {
        self.members.iter_mut().for_each(AfPacket::count);
    }

    fn drops(&self) -> u64 {
        self.members.iter().map(AfPacket::drops).sum()
    }

    fn has_passed(&self, time: u64, now: u64) -> bool {
        let passed =
            |member: &AfPacket| member.latest() > time || now > time && member.waiting() == 0;
        self.members.iter().all(passed)
    }

    fn malformed(&self) -> u64 {
        self.members.iter().map(AfPacket::malformed).sum()
    }

    fn ring_bytes(&self) -> usize {
        self.members.iter().map(AfPacket::ring_bytes).sum()
    }

    fn shares(&self) -> Vec<u64> {
        self.members.iter().map(AfPacket::walked).collect()
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.members.iter().map(AsFd::as_fd).collect()
    }

    fn hear_errors(&mut self) {
        for member in &self.members {
            // Only that it is told matters: the state of the interface is looked at anyway.
            let _told = member.error();
        }
    }
}

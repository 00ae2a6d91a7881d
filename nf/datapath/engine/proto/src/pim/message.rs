//! Octets → messages of PIM (RFC 7761 §4.9). Pure, bounded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nf_fields::Text;

use super::{MAX_LISTED, PimMessage};
use crate::Cursor;

/// Fills `record` in as far as the octets go; `None` where they do not fit.
pub fn parse(data: &[u8], record: &mut PimMessage) -> Option<()> {
    let mut c = Cursor::new(data);
    let first = c.u8()?;
    if first >> 4 != 2 {
        return None;
    }
    c.skip(3)?;
    record.version = 2;
    record.kind = match first & 0x0f {
        0 => "hello",
        1 => "register",
        2 => "register_stop",
        3 => "join_prune",
        4 => "bootstrap",
        5 => "assert",
        6 => "graft",
        7 => "graft_ack",
        8 => "candidate_rp",
        9 => "state_refresh",
        _ => "unknown",
    };
    match record.kind {
        "hello" => hello(&mut c, record),
        "register" => register(&mut c, record),
        "register_stop" => {
            record.group = Some(group(&mut c)?);
            record.source = Some(unicast(&mut c)?);
            Some(())
        }
        "join_prune" | "graft" | "graft_ack" => join_prune(&mut c, record),
        "bootstrap" => {
            c.skip(3)?;
            record.bsr_priority = Some(c.u8()?);
            record.bsr = Some(unicast(&mut c)?);
            Some(())
        }
        "assert" => {
            record.group = Some(group(&mut c)?);
            record.source = Some(unicast(&mut c)?);
            record.metric_preference = Some(c.u32()? & 0x7fff_ffff);
            record.metric = Some(c.u32()?);
            Some(())
        }
        "candidate_rp" => {
            c.skip(2)?;
            record.hold_time_s = Some(c.u16()?);
            record.rp = Some(unicast(&mut c)?);
            Some(())
        }
        _ => Some(()),
    }
}

/// RFC 7761 §4.9.2.
fn hello(c: &mut Cursor<'_>, record: &mut PimMessage) -> Option<()> {
    while !c.is_empty() {
        let kind = c.u16()?;
        let mut value = Cursor::new(c.prefixed_u16()?);
        match kind {
            1 => record.hold_time_s = Some(value.u16()?),
            2 => {
                record.propagation_delay_ms = Some(value.u16()? & 0x7fff);
                record.override_interval_ms = Some(value.u16()?);
            }
            19 => record.dr_priority = Some(value.u32()?),
            20 => record.generation_id = Some(value.u32()?),
            24 => {
                let addresses = record.addresses.get_or_insert_default();
                while !value.is_empty() {
                    let address = unicast(&mut value)?;
                    if addresses.len() < MAX_LISTED {
                        addresses.push(address);
                    }
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// Flags, then the packet that is registered (§4.9.3).
fn register(c: &mut Cursor<'_>, record: &mut PimMessage) -> Option<()> {
    record.null_register = Some(c.u32()? >> 30 & 1 == 1);
    let packet = c.rest();
    let (source, target) = match packet.first()? >> 4 {
        4 => {
            let at = |n: usize| Some(IpAddr::V4(Ipv4Addr::from(*packet.get(n..)?.first_chunk()?)));
            (at(12)?, at(16)?)
        }
        6 => {
            let at =
                |n: usize| Some(IpAddr::V6(Ipv6Addr::from(*packet.get(n..)?.first_chunk::<16>()?)));
            (at(8)?, at(24)?)
        }
        _ => return None,
    };
    record.source = Some(source);
    record.group = Some(target.to_string().into());
    Some(())
}

/// RFC 7761 §4.9.5.
fn join_prune(c: &mut Cursor<'_>, record: &mut PimMessage) -> Option<()> {
    record.upstream = Some(unicast(c)?);
    c.skip(1)?;
    let groups = c.u8()?;
    record.hold_time_s = Some(c.u16()?);
    let (mut joins, mut prunes) = (List::default(), List::default());
    let mut sound = Some(());
    for _ in 0..groups {
        sound = one_group(c, &mut joins, &mut prunes);
        if sound.is_none() {
            break;
        }
    }
    (record.join_count, record.joins) = joins.told();
    (record.prune_count, record.prunes) = prunes.told();
    sound
}

fn one_group(c: &mut Cursor<'_>, joins: &mut List, prunes: &mut List) -> Option<()> {
    let group = group(c)?;
    let counts = [c.u16()?, c.u16()?];
    for (list, count) in [joins, prunes].into_iter().zip(counts) {
        for _ in 0..count {
            list.add(&source(c)?, &group);
        }
    }
    Some(())
}

/// Trees, of which the first are kept.
#[derive(Default)]
struct List {
    count: u32,
    first: Vec<Text>,
}

impl List {
    fn add(&mut self, source: &str, group: &Text) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < MAX_LISTED {
            let group = String::from_utf8_lossy(group.as_bytes());
            self.first.push(format!("{source} {group}").into());
        }
    }

    fn told(self) -> (Option<u32>, Option<Vec<Text>>) {
        (Some(self.count), (!self.first.is_empty()).then_some(self.first))
    }
}

/// An address behind its family and the kind of its encoding (§4.9.1).
fn address(c: &mut Cursor<'_>, family: u8) -> Option<IpAddr> {
    Some(match family {
        1 => c.ipv4()?,
        2 => c.ipv6()?,
        _ => return None,
    })
}

fn unicast(c: &mut Cursor<'_>) -> Option<IpAddr> {
    let family = c.u8()?;
    c.skip(1)?;
    address(c, family)
}

/// A group, with the length of its mask where that is not the whole address.
fn group(c: &mut Cursor<'_>) -> Option<Text> {
    let (family, _, _, mask) = (c.u8()?, c.u8()?, c.u8()?, c.u8()?);
    let address = address(c, family)?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let text = if mask == whole { address.to_string() } else { format!("{address}/{mask}") };
    Some(text.into())
}

/// A source: a star is a tree of any source, rooted at the address, which is left out (§4.9.1).
fn source(c: &mut Cursor<'_>) -> Option<String> {
    const WILDCARD: u8 = 2;
    let (family, _, flags, _) = (c.u8()?, c.u8()?, c.u8()?, c.u8()?);
    let address = address(c, family)?;
    Some(if flags & WILDCARD != 0 { "*".into() } else { address.to_string() })
}

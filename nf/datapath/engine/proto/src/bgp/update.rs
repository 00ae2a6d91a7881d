//! Octets → what an UPDATE announces and withdraws (RFC 4271 §4.3, RFC 4760, RFC 7911).

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{MAX_LISTED, MAX_PATH};
use crate::Cursor;
use crate::addresses::widened;

/// How the sender of a message writes, by what both sides said.
#[derive(Clone, Copy)]
pub struct Dialect<'a> {
    /// Numbers of autonomous systems have four octets; `None`: not known.
    pub four_octets: Option<bool>,
    /// Families whose prefixes have the number of a path before them.
    pub numbered: &'a [(u16, u8)],
}

/// Prefixes: how many, and the first.
#[derive(Debug, Default)]
pub struct Prefixes {
    pub count: u32,
    pub first: Vec<String>,
}

/// An UPDATE taken apart.
#[derive(Debug, Default)]
pub struct Update {
    pub announced: Prefixes,
    pub withdrawn: Prefixes,
    pub family: Option<(u16, u8)>,
    pub origin: Option<&'static str>,
    pub path: Option<String>,
    pub origin_as: Option<u32>,
    pub next_hop: Option<IpAddr>,
    pub med: Option<u32>,
    pub local_pref: Option<u32>,
    pub communities: Vec<String>,
    /// It says that all has been told.
    pub end_of_rib: bool,
    /// Some part is malformed; those before it are read.
    pub flawed: bool,
}

/// Takes an UPDATE apart, behind the header.
pub fn parse(body: &[u8], dialect: Dialect<'_>) -> Update {
    let mut update = Update::default();
    update.flawed = parts(body, dialect, &mut update).is_none();
    update
}

fn parts(body: &[u8], dialect: Dialect<'_>, update: &mut Update) -> Option<()> {
    let mut c = Cursor::new(body);
    let withdrawn = c.prefixed_u16()?;
    let attributes = c.prefixed_u16()?;
    let announced = c.rest();
    update.end_of_rib = withdrawn.is_empty() && attributes.is_empty() && announced.is_empty();
    prefixes(withdrawn, (1, 1), dialect, &mut update.withdrawn)?;
    let mut list = Cursor::new(attributes);
    while !list.is_empty() {
        let [flags, kind] = list.array()?;
        let value = if flags & 0x10 != 0 { list.prefixed_u16()? } else { list.prefixed_u8()? };
        attribute(kind, value, dialect, update)?;
    }
    // An empty one ends what is told of IPv4 (RFC 4724 §2).
    if update.end_of_rib || !announced.is_empty() || !withdrawn.is_empty() {
        update.family.get_or_insert((1, 1));
    }
    prefixes(announced, (1, 1), dialect, &mut update.announced)
}

fn attribute(kind: u8, value: &[u8], dialect: Dialect<'_>, update: &mut Update) -> Option<()> {
    let mut c = Cursor::new(value);
    match kind {
        1 => {
            update.origin = Some(match c.u8()? {
                0 => "igp",
                1 => "egp",
                2 => "incomplete",
                _ => return None,
            });
        }
        2 => {
            let wide = dialect.four_octets.unwrap_or_else(|| segments_fit(value, 4));
            path(value, if wide { 4 } else { 2 }, update)?;
        }
        3 => update.next_hop = Some(c.ipv4()?),
        4 => update.med = Some(c.u32()?),
        5 => update.local_pref = Some(c.u32()?),
        8 => {
            while let Some([high, low]) = c.u16().zip(c.u16()).map(|(a, b)| [a, b]) {
                if update.communities.len() < MAX_LISTED {
                    update.communities.push(format!("{high}:{low}"));
                }
            }
            c.is_empty().then_some(())?;
        }
        14 => {
            let family = (c.u16()?, c.u8()?);
            update.family = Some(family);
            let hop = c.prefixed_u8()?;
            c.skip(1)?;
            update.next_hop = match *hop {
                [a, b, d, e] => Some(IpAddr::V4(Ipv4Addr::new(a, b, d, e))),
                // A link-local address may follow the global one.
                _ if matches!(hop.len(), 16 | 32) => {
                    hop.first_chunk::<16>().map(|octets| IpAddr::V6(Ipv6Addr::from(*octets)))
                }
                _ => None,
            };
            prefixes(c.rest(), family, dialect, &mut update.announced)?;
        }
        15 => {
            let family = (c.u16()?, c.u8()?);
            update.family = Some(family);
            update.end_of_rib |= c.is_empty();
            prefixes(c.rest(), family, dialect, &mut update.withdrawn)?;
        }
        // What an old speaker passed on without understanding.
        17 => path(value, 4, update)?,
        _ => {}
    }
    Some(())
}

/// Whether a path's segments end where the attribute does, with numbers of `width` octets.
fn segments_fit(value: &[u8], width: usize) -> bool {
    let mut c = Cursor::new(value);
    while !c.is_empty() {
        let Some([kind @ 1..=4, count]) = c.array() else {
            return false;
        };
        let _: u8 = kind;
        if c.skip(usize::from(count).saturating_mul(width)).is_none() {
            return false;
        }
    }
    true
}

fn path(value: &[u8], width: usize, update: &mut Update) -> Option<()> {
    let mut c = Cursor::new(value);
    let mut text = String::new();
    let mut written = 0usize;
    while !c.is_empty() {
        let [kind, count] = c.array()?;
        (1..=4).contains(&kind).then_some(())?;
        // Sets have braces, parts of a confederation parentheses.
        let [before, after] = match kind {
            1 => ["{", "}"],
            2 => ["", ""],
            3 => ["(", ")"],
            _ => ["[", "]"],
        };
        for at in 0..count {
            let number = if width == 4 { c.u32()? } else { c.u16()?.into() };
            if kind == 2 {
                update.origin_as = Some(number);
            }
            if written >= MAX_PATH {
                continue;
            }
            written = written.saturating_add(1);
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(if at == 0 { before } else { "" });
            write!(text, "{number}").ok()?;
            text.push_str(if at.saturating_add(1) == count { after } else { "" });
        }
    }
    update.path = Some(text);
    Some(())
}

/// Reads prefixes of a family whose form is known; others are not counted.
fn prefixes(
    octets: &[u8],
    family: (u16, u8),
    dialect: Dialect<'_>,
    into: &mut Prefixes,
) -> Option<()> {
    let most = match family {
        (1, 1 | 2) => 32u8,
        (2, 1 | 2) => 128,
        _ => return Some(()),
    };
    let numbered = dialect.numbered.contains(&family);
    let mut c = Cursor::new(octets);
    while !c.is_empty() {
        if numbered {
            c.skip(4)?;
        }
        let bits = c.u8()?;
        let part = c.take(usize::from(bits.div_ceil(8)))?;
        (bits <= most).then_some(())?;
        into.count = into.count.saturating_add(1);
        if into.first.len() < MAX_LISTED {
            into.first.push(format!("{}/{bits}", widened(part, most == 128)));
        }
    }
    Some(())
}

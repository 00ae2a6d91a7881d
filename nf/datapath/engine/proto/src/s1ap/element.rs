//! Values of S1AP's elements in the aligned packed encoding (3GPP TS 36.413 §9.3, ITU-T X.691):
//! pure, no state, no panic.

use std::net::IpAddr;

use crate::Cursor;
use crate::aper;

/// Numbers of elements.
pub mod id {
    /// The core's number of a phone.
    pub const MME_UE: u16 = 0;
    /// Why.
    pub const CAUSE: u16 = 2;
    /// The base station's number of a phone.
    pub const ENB_UE: u16 = 8;
    /// Bearers to set up, by a procedure of their own.
    pub const BEARERS: u16 = 16;
    /// Bearers to set up with a phone's context.
    pub const CONTEXT_BEARERS: u16 = 24;
    /// A phone's message.
    pub const NAS: u16 = 26;
    /// Bearers that were set up, by a procedure of their own.
    pub const BEARERS_DONE: u16 = 28;
    /// Bearers that were set up with a phone's context.
    pub const CONTEXT_BEARERS_DONE: u16 = 51;
    /// A base station's number.
    pub const GLOBAL_ENB: u16 = 59;
    /// Its name.
    pub const ENB_NAME: u16 = 60;
    /// Name of the core's node.
    pub const MME_NAME: u16 = 61;
    /// A phone's temporary number.
    pub const S_TMSI: u16 = 96;
    /// Both numbers of a phone.
    pub const UE_IDS: u16 = 99;
    /// Numbers of the core's node.
    pub const SERVED_GUMMEIS: u16 = 105;
}

/// A bearer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bearer<'a> {
    /// Number.
    pub id: u8,
    /// Class of quality, where it is to be set up.
    pub qci: Option<u8>,
    /// Priority, 1 is highest, where it is to be set up.
    pub priority: Option<u8>,
    /// Address of the tunnel's end.
    pub address: Option<IpAddr>,
    /// Number of the tunnel.
    pub teid: Option<u32>,
    /// A phone's message with it.
    pub nas: Option<&'a [u8]>,
}

/// The bearers of a list that is to be set up.
pub fn bearers(value: &[u8]) -> Option<Vec<Bearer<'_>>> {
    items(value)?.into_iter().map(|(number, item)| bearer(number, item)).collect()
}

fn bearer(number: u16, item: &[u8]) -> Option<Bearer<'_>> {
    const CONTEXT_ITEM: u16 = 52;
    let mut c = Cursor::new(item);
    let (first, second) = (c.u8()?, c.u8()?);
    let (qci, priority) = (c.u8()?, c.u8()? >> 2 & 0x0f);
    // Extension, options (an item of a context has one more), then the number's extension and four
    // bits, the quality's extension and options.
    let is_context = number == CONTEXT_ITEM;
    let bits = u16::from_be_bytes([first, second]);
    let bits = if is_context { bits } else { bits >> 1 };
    let mut bearer = Bearer {
        id: u8::try_from(bits >> 8 & 0x0f).unwrap_or(0),
        qci: Some(qci),
        priority: Some(priority),
        ..Bearer::default()
    };
    // Rates of guaranteed bearers stand in between; behind them nothing is read.
    if bits & 0x40 == 0 {
        let (high, low) = (c.u8()?, c.u8()?);
        let length = usize::from(high << 1 | low >> 7).saturating_add(1);
        bearer.address = address(&mut c, length)?;
        bearer.teid = Some(c.u32()?);
        let has_nas = !is_context || first & 0x40 != 0;
        if has_nas && !c.is_empty() {
            bearer.nas = aper::octets(&mut c);
        }
    }
    Some(bearer)
}

/// The bearers of a list that were set up.
pub fn bearers_done(value: &[u8]) -> Option<Vec<Bearer<'_>>> {
    let mut bearers = Vec::new();
    for (_, item) in items(value)? {
        let mut c = Cursor::new(item);
        let first = c.u8()?;
        let length = usize::from(c.u8()?).saturating_add(1);
        bearers.push(Bearer {
            id: first >> 1 & 0x0f,
            address: address(&mut c, length)?,
            teid: Some(c.u32()?),
            ..Bearer::default()
        });
    }
    Some(bearers)
}

/// Items of a list: number and value of each.
fn items(value: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut c = Cursor::new(value);
    let count = u16::from(c.u8()?).saturating_add(1);
    let mut items = Vec::new();
    for _ in 0..count {
        let number = c.u16()?;
        c.skip(1)?;
        items.push((number, aper::octets(&mut c)?));
    }
    c.is_empty().then_some(items)
}

/// An address of so many bits; one of both families begins with the older one.
fn address(c: &mut Cursor<'_>, bits: usize) -> Option<Option<IpAddr>> {
    let octets = c.take(bits.div_ceil(8))?;
    Some(match octets.len() {
        4 | 20 => octets.first_chunk::<4>().map(|b| IpAddr::from(*b)),
        16 => octets.first_chunk::<16>().map(|b| IpAddr::from(*b)),
        _ => None,
    })
}

/// Network and number of a base station.
pub fn global_enb(value: &[u8]) -> Option<([u8; 3], u32)> {
    let mut c = Cursor::new(value);
    c.skip(1)?;
    let network = c.array()?;
    let choice = c.u8()?;
    let number = match choice {
        // One of twenty bits, or one at home of twenty-eight.
        0x00 => c.u24()? >> 4,
        0x40 => c.u32()? >> 4,
        _ => return None,
    };
    Some((network, number))
}

/// The first group and code of the core's node, as one number.
pub fn mme(value: &[u8]) -> Option<u32> {
    let mut c = Cursor::new(value);
    let (first, second) = (c.u8()?, c.u8()?);
    let networks = usize::from((first & 7) << 2 | second >> 6).saturating_add(1);
    c.skip(networks.checked_mul(3)?)?;
    let groups = usize::from(c.u16()?).saturating_add(1);
    let group = c.u16()?;
    c.skip(groups.saturating_sub(1).checked_mul(2)?)?;
    c.skip(1)?;
    Some(u32::from(group) << 8 | u32::from(c.u8()?))
}

/// A phone's temporary number.
pub fn m_tmsi(value: &[u8]) -> Option<u32> {
    let mut c = Cursor::new(value);
    c.skip(2)?;
    c.u32()
}

/// Group and number of a cause: one bit of extension, three of choice, one of extension, and as
/// many as the group needs.
pub fn cause(value: &[u8]) -> Option<(&'static str, u8)> {
    let first = *value.first()?;
    let bits = u16::from_be_bytes([first, value.get(1).copied().unwrap_or(0)]);
    let (group, width) = match first >> 4 {
        0 => ("radio", 6u32),
        1 => ("transport", 1),
        2 => ("nas", 2),
        3 => ("protocol", 3),
        4 => ("misc", 3),
        _ => return None,
    };
    (first & 0x08 == 0).then_some(())?;
    let number = (bits << 5).checked_shr(16u32.checked_sub(width)?)?;
    Some((group, u8::try_from(number).ok()?))
}

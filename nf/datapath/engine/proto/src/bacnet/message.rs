//! Octets → BACnet messages (ANSI/ASHRAE 135 annex J, §6, §20): pure, no state, no panic.

use std::net::Ipv4Addr;

use crate::Cursor;

/// First octet of a message over IPv4.
pub const MARK: u8 = 0x81;
/// Most tags that are looked at.
const MAX_TAGS: usize = 64;

/// Functions of the virtual link that carry a network message.
mod function {
    pub(super) const FORWARDED: u8 = 4;
    pub(super) const DISTRIBUTE: u8 = 9;
    pub(super) const UNICAST: u8 = 10;
    pub(super) const BROADCAST: u8 = 11;
}

/// Services that are read further.
pub mod service {
    /// Confirmed: subscribe to changes.
    pub const SUBSCRIBE_COV: u8 = 5;
    /// Confirmed: read a property.
    pub const READ_PROPERTY: u8 = 12;
    /// Confirmed: read several.
    pub const READ_PROPERTY_MULTIPLE: u8 = 14;
    /// Confirmed: write a property.
    pub const WRITE_PROPERTY: u8 = 15;
    /// Confirmed: write several.
    pub const WRITE_PROPERTY_MULTIPLE: u8 = 16;
    /// Confirmed: be silent, or speak again.
    pub const DEVICE_CONTROL: u8 = 17;
    /// Confirmed: start again.
    pub const REINITIALIZE: u8 = 20;
    /// Unconfirmed: a device names itself.
    pub const I_AM: u8 = 0;
    /// Unconfirmed: a device names an object.
    pub const I_HAVE: u8 = 1;
    /// Unconfirmed: a value has changed; confirmed: 1.
    pub const COV_NOTIFICATION: u8 = 2;
    /// Unconfirmed: asks for an object.
    pub const WHO_HAS: u8 = 7;
    /// Unconfirmed: asks for devices.
    pub const WHO_IS: u8 = 8;
}

/// A virtual link's message.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Function.
    pub function: u8,
    /// Where a forwarded one came from.
    pub origin: Option<(Ipv4Addr, u16)>,
    /// Code of a result, or the time to live of a registration.
    pub code: Option<u16>,
    /// The network message.
    pub network: Option<&'a [u8]>,
}

/// Reads the virtual link; `None` when it is none, or its length is wrong.
pub fn link(data: &[u8]) -> Option<Link<'_>> {
    let mut c = Cursor::new(data);
    (c.u8()? == MARK).then_some(())?;
    let function = c.u8()?;
    (function <= 12 && usize::from(c.u16()?) == data.len()).then_some(())?;
    let mut link = Link { function, origin: None, code: None, network: None };
    match function {
        0 | 5 => link.code = Some(c.u16()?),
        function::FORWARDED => {
            link.origin = Some((Ipv4Addr::from(c.u32()?), c.u16()?));
            link.network = Some(c.rest());
        }
        function::DISTRIBUTE | function::UNICAST | function::BROADCAST => {
            link.network = Some(c.rest());
        }
        _ => {}
    }
    Some(link)
}

/// A network layer's message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network<'a> {
    /// Network it is for.
    pub destination: Option<u16>,
    /// Network it is from.
    pub source: Option<u16>,
    /// Address in that.
    pub source_address: &'a [u8],
    /// Priority: 3 is life safety.
    pub priority: u8,
    /// Kind of a message between routers.
    pub kind: Option<u8>,
    /// The application's message.
    pub apdu: &'a [u8],
}

/// Reads the network layer; `None` when it is malformed.
pub fn network(octets: &[u8]) -> Option<Network<'_>> {
    let mut c = Cursor::new(octets);
    (c.u8()? == 1).then_some(())?;
    let control = c.u8()?;
    // Two bits are reserved.
    (control & 0x50 == 0).then_some(())?;
    let mut network = Network { priority: control & 3, ..Network::default() };
    if control & 0x20 != 0 {
        network.destination = Some(c.u16()?);
        c.prefixed_u8()?;
    }
    if control & 0x08 != 0 {
        network.source = Some(c.u16()?);
        network.source_address = c.prefixed_u8()?;
    }
    if control & 0x20 != 0 {
        c.skip(1)?;
    }
    if control & 0x80 != 0 {
        network.kind = Some(c.u8()?);
    } else {
        network.apdu = c.rest();
        (!network.apdu.is_empty()).then_some(())?;
    }
    Some(network)
}

/// What an application's message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that is answered.
    Confirmed,
    /// One that is not.
    Unconfirmed,
    /// An answer without data.
    SimpleAck,
    /// One with data.
    ComplexAck,
    /// Asks for more parts.
    SegmentAck,
    /// An error.
    Error,
    /// A request that cannot be read.
    Reject,
    /// The end of a transaction.
    Abort,
}

/// An application's message.
#[derive(Clone, Copy, Debug)]
pub struct Apdu<'a> {
    /// What it is.
    pub kind: Kind,
    /// Ties an answer to its request.
    pub invoke: Option<u8>,
    /// Service.
    pub service: Option<u8>,
    /// Place of a part, when it is one.
    pub part: Option<u8>,
    /// More parts follow.
    pub has_more: bool,
    /// Reason of a reject or abort.
    pub reason: Option<u8>,
    /// What follows.
    pub body: &'a [u8],
}

/// Reads an application's message; `None` when it is malformed.
pub fn apdu(octets: &[u8]) -> Option<Apdu<'_>> {
    let mut c = Cursor::new(octets);
    let first = c.u8()?;
    let kind = match first >> 4 {
        0 => Kind::Confirmed,
        1 => Kind::Unconfirmed,
        2 => Kind::SimpleAck,
        3 => Kind::ComplexAck,
        4 => Kind::SegmentAck,
        5 => Kind::Error,
        6 => Kind::Reject,
        7 => Kind::Abort,
        _ => return None,
    };
    let mut apdu = Apdu {
        kind,
        invoke: None,
        service: None,
        part: None,
        has_more: false,
        reason: None,
        body: &[],
    };
    if kind == Kind::Confirmed {
        c.skip(1)?;
    }
    if kind != Kind::Unconfirmed {
        apdu.invoke = Some(c.u8()?);
    }
    match kind {
        Kind::Confirmed | Kind::ComplexAck if first & 8 != 0 => {
            apdu.has_more = first & 4 != 0;
            apdu.part = Some(c.u8()?);
            c.skip(1)?;
        }
        Kind::Reject | Kind::Abort => apdu.reason = Some(c.u8()?),
        Kind::SegmentAck => {
            apdu.part = Some(c.u8()?);
            c.skip(1)?;
        }
        _ => {}
    }
    if !matches!(kind, Kind::SegmentAck | Kind::Reject | Kind::Abort) {
        apdu.service = Some(c.u8()?);
    }
    apdu.body = c.rest();
    Some(apdu)
}

/// A tag and what it holds.
#[derive(Clone, Copy, Debug)]
struct Tag<'a> {
    number: u8,
    is_context: bool,
    holds: Holds<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Holds<'a> {
    Value(&'a [u8]),
    Opening,
    Closing,
}

fn tag<'a>(c: &mut Cursor<'a>) -> Option<Tag<'a>> {
    let first = c.u8()?;
    let is_context = first & 8 != 0;
    let number = if first >> 4 == 15 { c.u8()? } else { first >> 4 };
    let holds = match first & 7 {
        6 if is_context => Holds::Opening,
        7 if is_context => Holds::Closing,
        // The length of a truth value is its value.
        _ if !is_context && number == 1 => Holds::Value(&[]),
        5 => {
            let length = match c.u8()? {
                254 => usize::from(c.u16()?),
                255 => usize::try_from(c.u32()?).ok()?,
                short => short.into(),
            };
            Holds::Value(c.take(length)?)
        }
        length @ 0..=4 => Holds::Value(c.take(length.into())?),
        _ => return None,
    };
    Some(Tag { number, is_context, holds })
}

fn number(octets: &[u8]) -> Option<u32> {
    (octets.len() <= 4).then(|| octets.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)))
}

/// Kind and instance of an object.
fn object(octets: &[u8]) -> Option<(u16, u32)> {
    let value = u32::from_be_bytes(octets.try_into().ok()?);
    Some((u16::try_from(value >> 22).ok()?, value & 0x003f_ffff))
}

/// What a service's arguments say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// Object: kind and instance.
    pub object: Option<(u16, u32)>,
    /// Property.
    pub property: Option<u32>,
    /// Place in an array.
    pub index: Option<u32>,
    /// Priority of a write.
    pub priority: Option<u32>,
    /// Range of a who-is.
    pub limits: Option<(u32, u32)>,
    /// Longest message a device takes.
    pub max_apdu: Option<u32>,
    /// Maker of a device.
    pub vendor: Option<u32>,
    /// Name of an object.
    pub name: Option<&'a [u8]>,
    /// Class and code of an error.
    pub error: Option<(u32, u32)>,
    /// State that is asked for: of a device that is to be silent or to start again.
    pub state: Option<u32>,
    /// A password was given.
    pub has_password: bool,
    /// Tags that cannot be read.
    pub is_malformed: bool,
}

/// Reads what the arguments of a service say.
pub fn arguments<'a>(apdu: &Apdu<'a>) -> Said<'a> {
    let mut said = Said::default();
    if apdu.part.is_some_and(|part| part > 0) {
        return said;
    }
    let mut c = Cursor::new(apdu.body);
    let mut depth = 0usize;
    let mut nth = 0usize;
    for _ in 0..MAX_TAGS {
        if c.is_empty() {
            break;
        }
        let Some(tag) = tag(&mut c) else {
            said.is_malformed = true;
            break;
        };
        match tag.holds {
            Holds::Opening => depth = depth.saturating_add(1),
            Holds::Closing => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => said.is_malformed = true,
            },
            Holds::Value(octets) => {
                take(&mut said, apdu, &tag, octets, depth, nth);
                nth = nth.saturating_add(1);
            }
        }
    }
    said.is_malformed |= depth > 0 && c.is_empty() && apdu.part.is_none();
    said
}

fn take<'a>(
    said: &mut Said<'a>,
    apdu: &Apdu<'a>,
    tag: &Tag<'a>,
    octets: &'a [u8],
    depth: usize,
    nth: usize,
) {
    let context = tag.is_context.then_some(tag.number);
    let value = number(octets);
    match (apdu.kind, apdu.service, context, depth) {
        (Kind::Error, ..) => match (nth, value) {
            (0, Some(class)) => said.error = Some((class, 0)),
            (1, Some(code)) => said.error = said.error.map(|(class, _)| (class, code)),
            _ => {}
        },
        (Kind::Unconfirmed, Some(service::I_AM), None, 0) => match nth {
            0 => said.object = object(octets),
            1 => said.max_apdu = value,
            3 => said.vendor = value,
            _ => {}
        },
        (Kind::Unconfirmed, Some(service::WHO_IS), Some(limit @ 0..=1), 0) => {
            let (low, high) = said.limits.unwrap_or_default();
            let value = value.unwrap_or(0);
            said.limits = Some(if limit == 0 { (value, high) } else { (low, value) });
        }
        (Kind::Unconfirmed, Some(service::WHO_HAS), Some(place), 0) => match place {
            2 => said.object = object(octets),
            3 => said.name = octets.get(1..),
            _ => {}
        },
        (Kind::Unconfirmed, Some(service::I_HAVE), None, 0) => match nth {
            1 => said.object = object(octets),
            2 => said.name = octets.get(1..),
            _ => {}
        },
        (Kind::Unconfirmed, Some(service::COV_NOTIFICATION), Some(2), 0)
        | (Kind::Confirmed, Some(1), Some(2), 0)
        | (Kind::Confirmed, Some(service::SUBSCRIBE_COV), Some(1), 0) => {
            said.object = object(octets);
        }
        (
            Kind::Confirmed | Kind::ComplexAck,
            Some(service::READ_PROPERTY | service::WRITE_PROPERTY),
            Some(place),
            0,
        ) => match place {
            0 => said.object = object(octets),
            1 => said.property = value,
            2 => said.index = value,
            4 => said.priority = value,
            _ => {}
        },
        (
            Kind::Confirmed,
            Some(service::READ_PROPERTY_MULTIPLE | service::WRITE_PROPERTY_MULTIPLE),
            Some(0),
            depth,
        ) => {
            // The first object, and its first property.
            if depth == 0 {
                said.object = said.object.or_else(|| object(octets));
            } else if depth == 1 {
                said.property = said.property.or(value);
            }
        }
        (Kind::Confirmed, Some(service::DEVICE_CONTROL), Some(place), 0) => match place {
            1 => said.state = value,
            2 => said.has_password = true,
            _ => {}
        },
        (Kind::Confirmed, Some(service::REINITIALIZE), Some(place), 0) => match place {
            0 => said.state = value,
            1 => said.has_password = true,
            _ => {}
        },
        _ => {}
    }
}

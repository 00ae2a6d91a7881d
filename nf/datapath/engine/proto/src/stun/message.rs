//! STUN messages and their attributes (RFC 8489 §5, §14; RFC 8656 §18; RFC 8445 §16; RFC 3489
//! §11): pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Cursor;

/// Octets of a header.
pub const HEADER_LEN: usize = 20;
/// What makes a message one of RFC 5389 or later.
pub const COOKIE: u32 = 0x2112_a442;
/// The same as octets.
pub const COOKIE_OCTETS: [u8; 4] = COOKIE.to_be_bytes();
/// Most attributes read of a message.
const MAX_ATTRIBUTES: usize = 64;
/// What the checksum of FINGERPRINT is combined with.
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// The answer.
    Success,
    /// The answer that something is wrong.
    Error,
}

impl Class {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Class::Request => "request",
            Class::Indication => "indication",
            Class::Success => "success",
            Class::Error => "error",
        }
    }
}

/// Methods.
pub mod method {
    #![allow(missing_docs)]
    pub const BINDING: u16 = 1;
    pub const ALLOCATE: u16 = 3;
    pub const REFRESH: u16 = 4;
    pub const SEND: u16 = 6;
    pub const DATA: u16 = 7;
    pub const CREATE_PERMISSION: u16 = 8;
    pub const CHANNEL_BIND: u16 = 9;

    /// The word for a method, where one is registered.
    pub fn word(method: u16) -> Option<&'static str> {
        Some(match method {
            BINDING => "binding",
            2 => "shared_secret",
            ALLOCATE => "allocate",
            REFRESH => "refresh",
            SEND => "send",
            DATA => "data",
            CREATE_PERMISSION => "create_permission",
            CHANNEL_BIND => "channel_bind",
            10 => "connect",
            11 => "connection_bind",
            12 => "connection_attempt",
            0x80 => "google_ping",
            _ => return None,
        })
    }
}

/// An address with its port.
pub type Place = (IpAddr, u16);

/// A message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Message<'a> {
    /// Class and method.
    pub kind: u16,
    /// Octets of attributes.
    pub length: usize,
    /// Has the cookie of RFC 5389.
    pub has_cookie: bool,
    /// Ties an answer to its request; with what stands in the cookie's place before RFC 5389.
    pub transaction_id: [u8; 16],
    /// Attributes that were read.
    pub attributes: u16,
    /// Attributes that the standards name among them.
    pub known: u16,
    /// Attributes overrun the message or contradict themselves.
    pub malformed: bool,
    /// Where the server saw the client.
    pub mapped: Option<Place>,
    /// Where the relay listens for the client.
    pub relayed: Option<Place>,
    /// Whom the relay is to talk to.
    pub peer: Option<Place>,
    /// Another server to ask.
    pub alternate: Option<Place>,
    /// Who asks.
    pub username: Option<&'a [u8]>,
    /// Where that name holds.
    pub realm: Option<&'a [u8]>,
    /// The program.
    pub software: Option<&'a [u8]>,
    /// Error code and its text.
    pub error: Option<(u16, &'a [u8])>,
    /// Seconds an allocation lasts.
    pub lifetime: Option<u32>,
    /// Channel.
    pub channel: Option<u16>,
    /// Transport protocol asked of a relay.
    pub transport: Option<u8>,
    /// Data for or from a peer.
    pub data: Option<&'a [u8]>,
    /// ICE: priority of the candidate.
    pub priority: Option<u32>,
    /// ICE: the pair is nominated.
    pub use_candidate: bool,
    /// ICE: the sender decides; or the other end does.
    pub controlling: Option<bool>,
    /// Integrity is protected by a password.
    pub has_integrity: bool,
    /// A password in clear (RFC 3489's shared secret).
    pub has_password: bool,
    /// The checksum is there, and right.
    pub fingerprint: Option<bool>,
}

impl<'a> Message<'a> {
    /// Reads the message at the front of `data`; `whole` is false when its end is missing.
    pub fn parse(data: &'a [u8], whole: bool) -> Option<Self> {
        let mut c = Cursor::new(data);
        let kind = c.u16()?;
        let length = usize::from(c.u16()?);
        if kind & 0xc000 != 0 || length & 3 != 0 {
            return None;
        }
        let transaction_id: [u8; 16] = c.array()?;
        let mut message = Self {
            kind,
            length,
            has_cookie: transaction_id.starts_with(&COOKIE_OCTETS),
            transaction_id,
            ..Self::default()
        };
        let rest = c.rest();
        if rest.len() < length && whole {
            return None;
        }
        message.read(data, rest.get(..length).unwrap_or(rest), whole);
        Some(message)
    }

    /// Whether a datagram of `length` octets can be this message: without the cookie it must be
    /// one of RFC 3489's, and nothing else.
    pub fn fits(&self, length: usize) -> bool {
        let classic = matches!(self.kind, 0x0001 | 0x0101 | 0x0111 | 0x0002 | 0x0102 | 0x0112);
        self.has_cookie || (classic && self.total() == length && !self.malformed)
    }

    /// Octets of header and attributes.
    pub fn total(&self) -> usize {
        self.length.saturating_add(HEADER_LEN)
    }

    /// Request, indication or answer.
    pub fn class(&self) -> Class {
        match (self.kind & 0x100 != 0, self.kind & 0x10 != 0) {
            (false, false) => Class::Request,
            (false, true) => Class::Indication,
            (true, false) => Class::Success,
            (true, true) => Class::Error,
        }
    }

    /// What is asked.
    pub fn method(&self) -> u16 {
        self.kind & 0xf | (self.kind & 0xe0) >> 1 | (self.kind & 0x3e00) >> 2
    }

    fn read(&mut self, data: &'a [u8], attributes: &'a [u8], whole: bool) {
        let mut c = Cursor::new(attributes);
        let mut seen = 0usize;
        while !c.is_empty() && seen < MAX_ATTRIBUTES {
            let at = c.position();
            let (Some(code), Some(length)) = (c.u16(), c.u16()) else {
                self.malformed |= whole;
                return;
            };
            let length = usize::from(length);
            let Some(value) = c.take(length) else {
                self.malformed |= whole;
                return;
            };
            // The last one may come without its padding.
            let _ = c.skip(length.wrapping_neg() & 3);
            seen = seen.saturating_add(1);
            self.attributes = self.attributes.saturating_add(1);
            let front = data.get(..HEADER_LEN.saturating_add(at)).unwrap_or_default();
            match self.attribute(code, value, front) {
                Some(true) => self.known = self.known.saturating_add(1),
                Some(false) => {}
                None => self.malformed = true,
            }
        }
    }

    /// Reads an attribute: whether it is a known one; `None` when it is malformed.
    fn attribute(&mut self, code: u16, value: &'a [u8], front: &[u8]) -> Option<bool> {
        let mut c = Cursor::new(value);
        match code {
            0x0001 => self.mapped = self.mapped.or(Some(plain_address(value)?)),
            0x0020 | 0x8020 => self.mapped = Some(self.xor_address(value)?),
            0x0012 => self.peer = Some(self.xor_address(value)?),
            0x0016 => self.relayed = Some(self.xor_address(value)?),
            0x8023 => self.alternate = Some(plain_address(value)?),
            0x0006 => self.username = Some(value),
            0x0014 => self.realm = Some(value),
            0x8022 => self.software = Some(value),
            0x0009 => {
                c.skip(2)?;
                let (class, number) = (c.u8()? & 7, c.u8()?);
                let code = u16::from(class).saturating_mul(100).saturating_add(number.into());
                self.error = Some((code, c.rest()));
            }
            0x000c => self.channel = Some(c.u16()?),
            0x000d => self.lifetime = Some(c.u32()?),
            0x0013 => self.data = Some(value),
            0x0019 => self.transport = Some(c.u8()?),
            0x0024 => self.priority = Some(c.u32()?),
            0x0025 => self.use_candidate = true,
            0x8029 => self.controlling = c.u64().map(|_| false),
            0x802a => self.controlling = c.u64().map(|_| true),
            0x0008 | 0x001c => self.has_integrity = true,
            0x0007 => self.has_password = true,
            0x8028 => {
                let said = c.u32()?;
                self.fingerprint = Some(crc32(front) ^ FINGERPRINT_XOR == said);
            }
            // Read by nobody here, but standing in the registry.
            0x0002..=0x0005 | 0x000a | 0x000b | 0x0015 | 0x0017 | 0x0018 | 0x001a => {}
            0x001d | 0x001e | 0x0022 | 0x0026 | 0x0027 | 0x002a => {}
            0x8000..=0x8004 | 0x8025 | 0x8027 | 0x802b..=0x8030 | 0xc000..=0xc060 => {}
            _ => return Some(false),
        }
        Some(true)
    }

    /// An address that is combined with cookie and transaction id, so that no translator finds it.
    fn xor_address(&self, value: &[u8]) -> Option<Place> {
        let (address, port) = plain_address(value)?;
        let [a, b, ..] = self.transaction_id;
        let port = port ^ u16::from_be_bytes([a, b]);
        let address = match address {
            IpAddr::V4(v4) => {
                let key = self.transaction_id.first_chunk::<4>()?;
                IpAddr::V4(Ipv4Addr::from(u32::from(v4) ^ u32::from_be_bytes(*key)))
            }
            IpAddr::V6(v6) => {
                let key = u128::from_be_bytes(self.transaction_id);
                IpAddr::V6(Ipv6Addr::from(u128::from(v6) ^ key))
            }
        };
        Some((address, port))
    }
}

fn plain_address(value: &[u8]) -> Option<Place> {
    let mut c = Cursor::new(value);
    c.skip(1)?;
    let family = c.u8()?;
    let port = c.u16()?;
    let address = match family {
        1 => c.ipv4()?,
        2 => c.ipv6()?,
        _ => return None,
    };
    Some((address, port))
}

/// Data in a channel: its number and the data (RFC 8656 §12.4, with the numbers of RFC 5766 too).
/// Padding is left out.
pub fn channel_data(data: &[u8]) -> Option<(u16, &[u8])> {
    let mut c = Cursor::new(data);
    let channel = c.u16().filter(|channel| (0x4000..=0x7fff).contains(channel))?;
    Some((channel, c.prefixed_u16()?))
}

/// CRC-32 as Ethernet has it.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let feedback = if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            crc = crc >> 1 ^ feedback;
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_and_method_are_interleaved() {
        let of = |kind| {
            let message = Message { kind, ..Message::default() };
            (message.class(), message.method())
        };

        assert_eq!(of(0x0001), (Class::Request, method::BINDING));
        assert_eq!(of(0x0113), (Class::Error, method::ALLOCATE));
        assert_eq!(of(0x0017), (Class::Indication, method::DATA));
        assert_eq!(of(0x0109), (Class::Success, method::CHANNEL_BIND));
        assert_eq!(of(0x0200), (Class::Request, 0x80));
    }

    #[test]
    fn the_checksum_is_that_of_ethernet() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn attributes_that_overrun_are_malformed() {
        let mut data = [0, 1, 0, 8].to_vec();
        data.extend(COOKIE_OCTETS);
        data.extend([7; 12]);
        data.extend([0, 6, 0, 9, b'a', b'b', b'c', b'd']);

        assert!(Message::parse(&data, true).unwrap().malformed);
        assert!(!Message::parse(&data[..26], false).unwrap().malformed);
        assert_eq!(Message::parse(&data[..26], true), None);
    }
}

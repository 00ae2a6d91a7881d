//! Octets → messages of SOCKS: pure.

use std::net::{IpAddr, Ipv4Addr};

use crate::Cursor;

/// Longest user name or host of version 4.
const MAX_TEXT: usize = 255;

/// What became of a reading: a message and its octets, more octets wanted, or nonsense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<T> {
    Whole(T, usize),
    More,
    Bad,
}

/// An end of what is tunnelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint<'a> {
    pub address: Option<IpAddr>,
    pub host: Option<&'a [u8]>,
    pub port: u16,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub version: u8,
    pub command: u8,
    pub target: Endpoint<'a>,
    /// Version 4: whom the client says it works for.
    pub user: Option<&'a [u8]>,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    pub code: u8,
    pub bound: Endpoint<'a>,
}

/// Turns the outcome of reading off a cursor into what is to be done.
fn whole<T>(read: Option<Option<T>>, c: &Cursor<'_>) -> Read<T> {
    match read {
        Some(Some(value)) => Read::Whole(value, c.position()),
        Some(None) => Read::Bad,
        None => Read::More,
    }
}

/// The methods a client of version 5 offers.
pub fn greeting(data: &[u8]) -> Read<&[u8]> {
    let mut c = Cursor::new(data);
    let read = (|| {
        if c.u8()? != 5 {
            return Some(None);
        }
        let methods = c.prefixed_u8()?;
        Some((!methods.is_empty()).then_some(methods))
    })();
    // A number of methods that can only be wrong need not be waited for.
    match data {
        [5, 0, ..] => Read::Bad,
        _ => whole(read, &c),
    }
}

/// User name, and whether there is a password (RFC 1929).
pub fn login(data: &[u8]) -> Read<(&[u8], bool)> {
    let mut c = Cursor::new(data);
    let read = (|| {
        if c.u8()? != 1 {
            return Some(None);
        }
        let user = c.prefixed_u8()?;
        let password = c.prefixed_u8()?;
        Some(Some((user, !password.is_empty())))
    })();
    whole(read, &c)
}

/// Two octets of a server: version and choice.
pub fn choice(data: &[u8], version: u8) -> Read<u8> {
    match *data {
        [first, ..] if first != version => Read::Bad,
        [_, second, ..] => Read::Whole(second, 2),
        _ => Read::More,
    }
}

/// A request of version 5.
pub fn request5(data: &[u8]) -> Read<Request<'_>> {
    let mut c = Cursor::new(data);
    let read = (|| {
        let [version, command, reserved] = c.array()?;
        if version != 5 || !(1..=3).contains(&command) || reserved != 0 {
            return Some(None);
        }
        let request = |target| Request { version: 5, command, target, user: None };
        Some(endpoint(&mut c)?.map(request))
    })();
    whole(read, &c)
}

/// A reply of version 5.
pub fn reply5(data: &[u8]) -> Read<Reply<'_>> {
    let mut c = Cursor::new(data);
    let read = (|| {
        let [version, code, reserved] = c.array()?;
        if version != 5 || reserved != 0 {
            return Some(None);
        }
        Some(endpoint(&mut c)?.map(|bound| Reply { code, bound }))
    })();
    whole(read, &c)
}

/// Kind of address, address and port; `None`: more must come.
pub fn endpoint<'a>(c: &mut Cursor<'a>) -> Option<Option<Endpoint<'a>>> {
    let mut found = Endpoint::default();
    match c.u8()? {
        1 => found.address = Some(c.ipv4()?),
        3 => found.host = Some(c.prefixed_u8()?),
        4 => found.address = Some(c.ipv6()?),
        _ => return Some(None),
    }
    found.port = c.u16()?;
    Some((found.host != Some(b"")).then_some(found))
}

/// A request of version 4 or 4a.
pub fn request4(data: &[u8]) -> Read<Request<'_>> {
    let mut c = Cursor::new(data);
    let read = (|| {
        let [version, command] = c.array()?;
        if version != 4 || !(1..=2).contains(&command) {
            return Some(None);
        }
        let port = c.u16()?;
        let address = c.array::<4>()?;
        let Some(user) = terminated(&mut c)? else {
            return Some(None);
        };
        let mut target = Endpoint { address: None, host: None, port };
        match address {
            // What no host has says that a name follows.
            [0, 0, 0, last] if last != 0 => match terminated(&mut c)? {
                Some(host) if !host.is_empty() => target.host = Some(host),
                _ => return Some(None),
            },
            _ => target.address = Some(IpAddr::V4(Ipv4Addr::from(address))),
        }
        let user = (!user.is_empty()).then_some(user);
        Some(Some(Request { version: 4, command, target, user }))
    })();
    whole(read, &c)
}

/// Text up to a zero; `Some(None)` when it is too long or cannot be text.
fn terminated<'a>(c: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    let rest = c.rest();
    let window = rest.get(..MAX_TEXT.saturating_add(1)).unwrap_or(rest);
    let end = memchr::memchr(0, window);
    let text = window.get(..end.unwrap_or(window.len())).unwrap_or_default();
    if text.iter().any(|&b| b < b' ' || b == 0x7f) {
        return Some(None);
    }
    match end {
        Some(end) => {
            c.skip(end.saturating_add(1))?;
            Some(Some(text))
        }
        None if window.len() > MAX_TEXT => Some(None),
        None => None,
    }
}

/// A reply of version 4.
pub fn reply4(data: &[u8]) -> Read<Reply<'_>> {
    let mut c = Cursor::new(data);
    let read = (|| {
        let [zero, code] = c.array()?;
        if zero != 0 || !(90..=93).contains(&code) {
            return Some(None);
        }
        let port = c.u16()?;
        let address = Some(c.ipv4()?);
        Some(Some(Reply { code, bound: Endpoint { address, host: None, port } }))
    })();
    whole(read, &c)
}

/// The word for what a client asks for.
pub fn command(number: u8) -> &'static str {
    match number {
        1 => "connect",
        2 => "bind",
        _ => "udp_associate",
    }
}

/// The word for a way to log in.
pub fn method(number: u8) -> &'static str {
    match number {
        0 => "none",
        1 => "gssapi",
        2 => "password",
        3 => "chap",
        5 => "challenge_response",
        6 => "tls",
        0xff => "unacceptable",
        0x80..=0xfe => "private",
        _ => "other",
    }
}

/// The word for a server's answer.
pub fn status(version: u8, code: u8) -> &'static str {
    match (version, code) {
        (5, 0) | (4, 90) => "succeeded",
        (5, 1) => "failure",
        (5, 2) => "not_allowed",
        (5, 3) => "network_unreachable",
        (5, 4) => "host_unreachable",
        (5, 5) => "connection_refused",
        (5, 6) => "ttl_expired",
        (5, 7) => "command_unsupported",
        (5, 8) => "address_unsupported",
        (4, 91) => "failure",
        (4, 92) => "no_identd",
        (4, 93) => "identd_differs",
        _ => "unknown",
    }
}

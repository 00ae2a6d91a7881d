//! Parameters of service bindings: SVCB and HTTPS records (RFC 9460).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Cursor;

use super::text::{self, Out};
use super::words::service_key;

mod key {
    pub const MANDATORY: u16 = 0;
    pub const ALPN: u16 = 1;
    pub const NO_DEFAULT_ALPN: u16 = 2;
    pub const PORT: u16 = 3;
    pub const IPV4HINT: u16 = 4;
    pub const ECH: u16 = 5;
    pub const IPV6HINT: u16 = 6;
}

/// Takes one parameter off the front: its key and value.
fn next<'d>(c: &mut Cursor<'d>) -> Option<(u16, &'d [u8])> {
    let key = c.u16()?;
    Some((key, c.prefixed_u16()?))
}

/// Addresses the parameters hint at; `data` starts behind the target's name.
pub fn hints(data: &[u8], found: &mut dyn FnMut(IpAddr)) {
    let mut c = Cursor::new(data);
    while let Some((key, value)) = next(&mut c) {
        let mut value = Cursor::new(value);
        match key {
            key::IPV4HINT => {
                while let Some(octets) = value.array::<4>() {
                    found(Ipv4Addr::from(octets).into());
                }
            }
            key::IPV6HINT => {
                while let Some(octets) = value.array::<16>() {
                    found(Ipv6Addr::from(octets).into());
                }
            }
            _ => {}
        }
    }
}

/// Appends every parameter as ` key=value`.
pub fn write_parameters(data: &[u8], out: Out<'_>) -> Option<()> {
    let mut c = Cursor::new(data);
    while !c.is_empty() {
        let (key, value) = next(&mut c)?;
        out.push(b' ');
        write_key(key, out);
        write_value(key, value, out)?;
    }
    Some(())
}

fn write_key(key: u16, out: Out<'_>) {
    match service_key(key) {
        Some(word) => out.extend_from_slice(word.as_bytes()),
        None => text::display(format_args!("key{key}"), out),
    }
}

fn write_value(key: u16, value: &[u8], out: Out<'_>) -> Option<()> {
    if value.is_empty() {
        return (key == key::NO_DEFAULT_ALPN || key > key::IPV6HINT).then_some(());
    }
    out.push(b'=');
    let mut c = Cursor::new(value);
    match key {
        key::MANDATORY => separated(&mut c, out, |c, out| {
            write_key(c.u16()?, out);
            Some(())
        }),
        key::ALPN => {
            let mut list = Vec::new();
            separated(&mut c, &mut list, |c, out| {
                for &octet in c.prefixed_u8()? {
                    // A comma within an identifier is no separator.
                    match octet {
                        b',' | b'\\' => out.extend_from_slice(&[b'\\', octet]),
                        _ => out.push(octet),
                    }
                }
                Some(())
            })?;
            text::quoted(&list, out);
            Some(())
        }
        key::NO_DEFAULT_ALPN => None,
        key::PORT => {
            text::number(c.u16()?.into(), out);
            c.is_empty().then_some(())
        }
        key::IPV4HINT => separated(&mut c, out, |c, out| {
            text::display(Ipv4Addr::from(c.array::<4>()?), out);
            Some(())
        }),
        key::IPV6HINT => separated(&mut c, out, |c, out| {
            text::display(Ipv6Addr::from(c.array::<16>()?), out);
            Some(())
        }),
        key::ECH => {
            text::base64(value, out);
            Some(())
        }
        _ => {
            text::quoted(value, out);
            Some(())
        }
    }
}

fn separated(
    c: &mut Cursor<'_>,
    out: Out<'_>,
    mut item: impl FnMut(&mut Cursor<'_>, Out<'_>) -> Option<()>,
) -> Option<()> {
    let mut first = true;
    while !c.is_empty() {
        if !first {
            out.push(b',');
        }
        first = false;
        item(c, out)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(data: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        write_parameters(data, &mut out)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn vectors_of_the_standard() {
        // RFC 9460 appendix D.2, what follows the target's name.
        assert_eq!(shown(b"\0\x03\0\x02\0\x35").unwrap(), " port=53");
        assert_eq!(shown(b"\x02\x9b\0\x05hello").unwrap(), " key667=\"hello\"");
        assert_eq!(
            shown(b"\0\x00\0\x04\0\x01\0\x04\0\x01\0\x09\x02h2\x05h3-19\0\x04\0\x04\xc0\0\x02\x01")
                .unwrap(),
            " mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1"
        );
    }

    #[test]
    fn what_contradicts_its_key_is_refused() {
        assert_eq!(shown(b"\0\x03\0\x03\0\x35\0"), None);
        assert_eq!(shown(b"\0\x04\0\x03\xc0\0\x02"), None);
        assert_eq!(shown(b"\0\x02\0\x01x"), None);
        assert_eq!(shown(b"\0\x01\0\x03\x05h2"), None);
        assert_eq!(shown(b"\0\x01\0"), None);
        assert_eq!(shown(b"\0\x02\0\0").unwrap(), " no-default-alpn");
    }

    #[test]
    fn hints_are_found() {
        let mut found = Vec::new();
        hints(b"\0\x01\0\x03\x02h2\0\x04\0\x08\xc0\0\x02\x01\xc0\0\x02\x02", &mut |a| {
            found.push(a)
        });
        assert_eq!(found, ["192.0.2.1".parse::<IpAddr>().unwrap(), "192.0.2.2".parse().unwrap()]);
    }
}

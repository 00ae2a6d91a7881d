//! The extension mechanism (RFC 6891): what an OPT record says.

use std::net::{Ipv4Addr, Ipv6Addr};

use nf_fields::{Binary, Fields, Text};

use crate::Cursor;

use super::message::RawRecord;
use super::record::option_octets;

/// Most options of one record that are looked at.
const MAX_OPTIONS: usize = 32;
/// Most octets kept of an error's text.
const MAX_ERROR_TEXT: usize = 256;

mod option {
    pub const NSID: u16 = 3;
    pub const CLIENT_SUBNET: u16 = 8;
    pub const COOKIE: u16 = 10;
    pub const EXTENDED_ERROR: u16 = 15;
}

/// The extension mechanism's parameters.
#[derive(Clone, Debug, Default, Fields)]
pub struct Edns {
    /// Version, 0 in practice.
    pub version: u8,
    /// Largest datagram the sender of the query takes.
    pub udp_size: u16,
    /// Records of DNSSEC are welcome.
    #[field(name = "do")]
    pub dnssec_ok: bool,
    /// Network of the client on whose behalf is asked (RFC 7871).
    pub client_subnet: Option<Text>,
    /// Cookie (RFC 7873).
    pub cookie: Option<Binary>,
    /// Which server answered (RFC 5001).
    pub nsid: Option<Binary>,
    /// Code that explains a failure (RFC 8914).
    pub extended_error: Option<u16>,
    /// Text that explains a failure.
    pub extended_error_text: Option<Text>,
    /// Numbers of all options, in order.
    pub options: Vec<u16>,
}

/// Upper eight bits of the response code.
pub fn extended_rcode(record: &RawRecord) -> u16 {
    let [high, ..] = record.ttl.to_be_bytes();
    high.into()
}

/// What an OPT record says; options after a malformed one are left out (false).
pub fn read(message: &[u8], record: &RawRecord) -> (Edns, bool) {
    let [_, version, flags, _] = record.ttl.to_be_bytes();
    let mut edns =
        Edns { version, udp_size: record.class, dnssec_ok: flags & 0x80 != 0, ..Edns::default() };
    let mut c = Cursor::new(record.octets(message));
    while !c.is_empty() && edns.options.len() < MAX_OPTIONS {
        let (Some(code), Some(value)) = (c.u16(), c.prefixed_u16()) else {
            return (edns, false);
        };
        edns.options.push(code);
        match code {
            option::NSID if !value.is_empty() => edns.nsid = Some(option_octets(value)),
            option::COOKIE => edns.cookie = Some(option_octets(value)),
            option::CLIENT_SUBNET => match client_subnet(value) {
                Some(subnet) => edns.client_subnet = Some(subnet),
                None => return (edns, false),
            },
            option::EXTENDED_ERROR => {
                let mut value = Cursor::new(value);
                edns.extended_error = value.u16();
                if !value.is_empty() {
                    edns.extended_error_text = Some(Text::bounded(value.rest(), MAX_ERROR_TEXT));
                }
            }
            _ => {}
        }
    }
    (edns, true)
}

/// `ADDRESS/LENGTH`: family, length of the source's prefix, of the answer's scope, address.
fn client_subnet(value: &[u8]) -> Option<Text> {
    let mut c = Cursor::new(value);
    let (family, length, _scope) = (c.u16()?, c.u8()?, c.u8()?);
    let mut octets = [0u8; 16];
    let size = match family {
        1 => 4,
        2 => 16,
        _ => return None,
    };
    octets.get_mut(..size)?.get_mut(..c.remaining())?.copy_from_slice(c.rest());
    let text = match octets.first_chunk::<4>() {
        Some(four) if family == 1 => format!("{}/{length}", Ipv4Addr::from(*four)),
        _ => format!("{}/{length}", Ipv6Addr::from(octets)),
    };
    (usize::from(length) <= size.wrapping_mul(8)).then(|| Text::from(text))
}

impl Edns {
    /// Adds what only the response says to what the query said.
    pub fn answered_by(&mut self, response: Edns) {
        self.cookie = response.cookie.or(self.cookie.take());
        self.nsid = response.nsid.or(self.nsid.take());
        self.client_subnet = self.client_subnet.take().or(response.client_subnet);
        self.extended_error = response.extended_error;
        self.extended_error_text = response.extended_error_text;
        for code in response.options {
            if self.options.len() < MAX_OPTIONS && !self.options.contains(&code) {
                self.options.push(code);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opt(data: &[u8]) -> (Edns, bool) {
        let record =
            RawRecord { name: 0, kind: 41, class: 1232, ttl: 0x8000, data: 0, length: data.len() };
        read(data, &record)
    }

    #[test]
    fn options_are_read() {
        let (edns, sound) =
            opt(b"\0\x03\0\x02ns\0\x08\0\x07\0\x01\x18\0\xc0\0\x02\0\x0a\0\x08abcdefgh\
              \0\x0f\0\x06\0\x06oops\0\x0c\0\x00");

        assert!(sound && edns.dnssec_ok);
        assert_eq!((edns.version, edns.udp_size), (0, 1232));
        assert_eq!(edns.client_subnet.unwrap().as_bytes(), b"192.0.2.0/24");
        assert_eq!(edns.cookie.unwrap().as_bytes(), b"abcdefgh");
        assert_eq!(edns.nsid.unwrap().as_bytes(), b"ns");
        assert_eq!(edns.extended_error, Some(6));
        assert_eq!(edns.extended_error_text.unwrap().as_bytes(), b"oops");
        assert_eq!(edns.options, [3, 8, 10, 15, 12]);
    }

    #[test]
    fn malformed_options_end_the_list() {
        assert!(!opt(b"\0\x03\0\x09ns").1);
        assert!(!opt(b"\0\x08\0\x04\0\x03\x18\0").1);
        assert!(!opt(b"\0\x08\0\x09\0\x01\x18\0\x01\x02\x03\x04\x05").1);
        assert!(!opt(b"\0\x08\0\x04\0\x01\x21\0").1);
    }
}

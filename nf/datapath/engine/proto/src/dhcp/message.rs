//! Octets → the fixed part of a BOOTP message (RFC 951 §3, RFC 2131 §2) and its options.

use std::net::Ipv4Addr;

use crate::Cursor;

use super::options::{Options, code};

/// Octets before the options' mark.
pub const FIXED: usize = 236;
/// The mark in front of the options (RFC 2131 §3).
pub const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// Octets of the least message BOOTP allows: the fixed part and a vendor's area.
pub const BOOTP: usize = FIXED + 64;

/// A message.
pub struct Message<'a> {
    /// 1 request, 2 reply.
    pub op: u8,
    /// Kind of hardware, 1 for Ethernet.
    pub hardware: u8,
    /// Octets of a hardware address.
    pub hardware_length: u8,
    /// Relays that passed it on.
    pub hops: u8,
    /// Ties replies to requests.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// The client wants replies broadcast.
    pub broadcast: bool,
    /// Address the client has.
    pub client_ip: Ipv4Addr,
    /// Address the client gets.
    pub your_ip: Ipv4Addr,
    /// Server for the next step.
    pub next_server: Ipv4Addr,
    /// Relay.
    pub relay_ip: Ipv4Addr,
    /// Field for the client's hardware address.
    pub client_hardware: [u8; 16],
    /// Name of the server, where that field is not overloaded.
    pub server_name: &'a [u8],
    /// File to start from, where that field is not overloaded.
    pub file: &'a [u8],
    /// The options; none in plain BOOTP.
    pub options: Options<'a>,
    /// The mark in front of options is there.
    pub has_options: bool,
}

/// Takes a message apart; `None` when the fixed part is not whole.
pub fn parse(data: &[u8]) -> Option<Message<'_>> {
    let mut c = Cursor::new(data);
    let [op, hardware, hardware_length, hops] = c.array()?;
    let xid = c.u32()?;
    let (secs, flags) = (c.u16()?, c.u16()?);
    let mut address = || c.array::<4>().map(Ipv4Addr::from);
    let (client_ip, your_ip, next_server, relay_ip) =
        (address()?, address()?, address()?, address()?);
    let client_hardware = c.array()?;
    let (server_name, file) = (c.take(64)?, c.take(128)?);
    let mut message = Message {
        op,
        hardware,
        hardware_length,
        hops,
        xid,
        secs,
        broadcast: flags & 0x8000 != 0,
        client_ip,
        your_ip,
        next_server,
        relay_ip,
        client_hardware,
        server_name: until_zero(server_name),
        file: until_zero(file),
        options: Options::default(),
        has_options: c.rest().starts_with(&COOKIE),
    };
    if message.has_options {
        c.skip(COOKIE.len())?;
        message.options.read(c.rest());
        let ended = message.options.ended;
        let overload = message.options.get(code::OVERLOAD).and_then(|v| v.first().copied());
        let overload = overload.unwrap_or(0);
        if overload & 1 != 0 {
            message.file = &[];
            message.options.read(file);
        }
        if overload & 2 != 0 {
            message.server_name = &[];
            message.options.read(server_name);
        }
        message.options.ended &= ended;
    }
    Some(message)
}

fn until_zero(field: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    field.get(..end).unwrap_or(field)
}

impl Message<'_> {
    /// The hardware address of the client, as long as it says.
    pub fn hardware_address(&self) -> &[u8] {
        let length = usize::from(self.hardware_length);
        self.client_hardware.get(..length).unwrap_or(&self.client_hardware)
    }

    /// The message type of DHCP.
    pub fn kind(&self) -> Option<u8> {
        match self.options.get(code::MESSAGE_TYPE)? {
            [kind] => Some(*kind),
            _ => None,
        }
    }
}

/// Words for the message types from 1 up (RFC 2131, 3203, 4388, 6926, 7724).
const KINDS: [&str; 18] = [
    "discover",
    "offer",
    "request",
    "decline",
    "ack",
    "nak",
    "release",
    "inform",
    "force_renew",
    "lease_query",
    "lease_unassigned",
    "lease_unknown",
    "lease_active",
    "bulk_lease_query",
    "lease_query_done",
    "active_lease_query",
    "lease_query_status",
    "tls",
];

/// The word for a message type, if it is defined.
pub fn kind_word(kind: u8) -> Option<&'static str> {
    KINDS.get(usize::from(kind).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_at_their_numbers() {
        assert_eq!(kind_word(0), None);
        assert_eq!(kind_word(1), Some("discover"));
        assert_eq!(kind_word(8), Some("inform"));
        assert_eq!(kind_word(13), Some("lease_active"));
        assert_eq!(kind_word(19), None);
    }

    #[test]
    fn fields_may_be_overloaded_with_options() {
        let mut data = vec![0u8; FIXED];
        data[0] = 2;
        data[44..49].copy_from_slice(b"\x0c\x02ab\xff");
        data[108..113].copy_from_slice(b"\x0c\x01c\xff\0");
        data.extend_from_slice(&COOKIE);
        data.extend_from_slice(b"\x34\x01\x03\x35\x01\x02\xff");
        let message = parse(&data).unwrap();

        // The file's field comes before the server's name (RFC 2131 §4.1).
        assert_eq!(message.options.get(12), Some(&b"cab"[..]));
        assert_eq!(message.kind(), Some(2));
        assert!(message.server_name.is_empty() && message.file.is_empty());
        assert!(message.options.ended);
        assert!(parse(&data[..235]).is_none());
    }
}

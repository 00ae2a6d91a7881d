//! Octets → packets and options of PPP's control protocols. Pure, bounded.

use std::net::Ipv4Addr;

use super::PppTransaction;
use crate::Cursor;

/// Numbers of protocols (IANA).
pub mod protocol {
    pub const IPCP: u16 = 0x8021;
    pub const IPV6CP: u16 = 0x8057;
    pub const CCP: u16 = 0x80fd;
    pub const LCP: u16 = 0xc021;
    pub const PAP: u16 = 0xc023;
    pub const CHAP: u16 = 0xc223;
    pub const EAP: u16 = 0xc227;
}

/// Codes of configuration (RFC 1661 §5).
pub mod code {
    pub const CONFIGURE_REQUEST: u8 = 1;
    pub const CONFIGURE_ACK: u8 = 2;
    pub const CONFIGURE_NAK: u8 = 3;
    pub const CONFIGURE_REJECT: u8 = 4;
    pub const TERMINATE_REQUEST: u8 = 5;
    pub const TERMINATE_ACK: u8 = 6;
}

/// A packet of a control protocol.
pub struct Packet<'a> {
    pub code: u8,
    pub identifier: u8,
    pub data: &'a [u8],
}

/// The protocols that are read.
pub fn protocol_word(number: u16) -> Option<&'static str> {
    Some(match number {
        protocol::LCP => "lcp",
        protocol::PAP => "pap",
        protocol::CHAP => "chap",
        protocol::EAP => "eap",
        protocol::IPCP => "ipcp",
        protocol::IPV6CP => "ipv6cp",
        protocol::CCP => "ccp",
        _ => return None,
    })
}

/// Code, identifier, a length that counts these four octets (RFC 1661 §5).
pub fn packet(data: &[u8]) -> Option<Packet<'_>> {
    let mut c = Cursor::new(data);
    let (code, identifier, length) = (c.u8()?, c.u8()?, c.u16()?);
    Some(Packet { code, identifier, data: c.take(usize::from(length).checked_sub(4)?)? })
}

/// Octets behind their count.
pub fn counted(data: &[u8]) -> Option<&[u8]> {
    Cursor::new(data).prefixed_u8()
}

/// Reads the options of a request or its refusal (RFC 1661 §6, RFC 1332 §3, RFC 1877 §1, RFC 5072
/// §4, RFC 1962 §4).
pub fn options(number: u16, data: &[u8], record: &mut PppTransaction) -> Option<()> {
    let mut c = Cursor::new(data);
    while !c.is_empty() {
        let (kind, length) = (c.u8()?, c.u8()?);
        let mut value = Cursor::new(c.take(usize::from(length).checked_sub(2)?)?);
        let address = |value: &mut Cursor<'_>| value.array::<4>().map(Ipv4Addr::from);
        match (number, kind) {
            (protocol::LCP, 1) => record.mru = Some(value.u16()?),
            (protocol::LCP, 3) => record.auth_protocol = Some(authentication(&mut value)?),
            (protocol::LCP, 5) => record.magic_number = Some(value.u32()?),
            (protocol::IPCP, 3) => record.address = Some(address(&mut value)?),
            (protocol::IPCP, 129) => record.dns = Some(address(&mut value)?),
            (protocol::IPV6CP, 1) => record.interface_id = Some(value.u64()?),
            (protocol::CCP, kind) => {
                record.compression = Some(compression(kind));
                if kind == MPPC {
                    record.mppe_bits = encryption(value.u32()?);
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// The option that stands for Microsoft's compression and encryption.
const MPPC: u8 = 18;

/// Options of CCP (IANA).
fn compression(kind: u8) -> &'static str {
    match kind {
        0 => "vendor",
        1 | 2 => "predictor",
        17 => "stac",
        MPPC => "mppc",
        20 => "v42bis",
        21 => "bsd",
        23 => "lzs_dcp",
        26 => "deflate",
        27 => "v44",
        _ => "other",
    }
}

/// The strongest key among the supported bits (RFC 3078 §2.1).
fn encryption(supported: u32) -> Option<u8> {
    match supported {
        bits if bits & 0x40 != 0 => Some(128),
        bits if bits & 0x80 != 0 => Some(56),
        bits if bits & 0x20 != 0 => Some(40),
        _ => None,
    }
}

fn authentication(value: &mut Cursor<'_>) -> Option<&'static str> {
    Some(match (value.u16()?, value.u8()) {
        (protocol::PAP, _) => "pap",
        (protocol::CHAP, Some(5)) => "chap_md5",
        (protocol::CHAP, Some(0x80)) => "mschap",
        (protocol::CHAP, Some(0x81)) => "mschapv2",
        (protocol::CHAP, _) => "chap",
        (protocol::EAP, _) => "eap",
        _ => "unknown",
    })
}

//! The data of a resource record as text, in the form zone files use.
//!
//! Types without a form here, and data that does not fit its type, become `\# LENGTH HEX`
//! (RFC 3597 §5).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::Cursor;

use super::message::RawRecord;
use super::name::{self, write_octet};
use super::service;
use super::text::{self, Out};
use super::words::{kind, type_word};

/// Most octets of text kept of one record's data.
pub const MAX_TEXT: usize = 1024;

/// Reads the data of one record; names may point into the whole message.
struct Data<'m> {
    message: &'m [u8],
    /// What is left of the data.
    rest: Cursor<'m>,
    /// Where the data ends in the message.
    end: usize,
}

/// Whether the data of `record` fits its type; `scratch` is of no meaning afterwards.
pub fn fits(message: &[u8], record: &RawRecord, scratch: &mut Vec<u8>) -> bool {
    match (record.kind, record.octets(message).len()) {
        // Most records are these, and their text is long to make.
        (kind::A, length) => matches!(length, 0 | 4),
        (kind::AAAA, length) => matches!(length, 0 | 16),
        _ => {
            scratch.clear();
            write(message, record, scratch)
        }
    }
}

/// Appends the data of `record`. False when it does not fit its type.
pub fn write(message: &[u8], record: &RawRecord, out: &mut Vec<u8>) -> bool {
    let octets = record.octets(message);
    let start = out.len();
    let mut data =
        Data { message, rest: Cursor::new(octets), end: record.data.saturating_add(octets.len()) };
    // Empty data is how updates name sets of records (RFC 2136 §2.4).
    let fits = octets.is_empty() || data.write(record.kind, out).is_some();
    if !fits {
        out.truncate(start);
        text::unknown(octets, out);
    }
    out.truncate(start.saturating_add(MAX_TEXT));
    fits
}

impl Data<'_> {
    fn write(&mut self, kind: u16, out: Out<'_>) -> Option<()> {
        match kind {
            kind::A => self.address4(out),
            kind::AAAA => self.address6(out),
            kind::NS
            | kind::MD
            | kind::MF
            | kind::CNAME
            | kind::MB
            | kind::MG
            | kind::MR
            | kind::PTR
            | kind::DNAME => self.name(out),
            kind::SOA => self.soa(out),
            kind::MX | kind::AFSDB | kind::RT | kind::KX | kind::LP => {
                self.number16(out)?;
                self.space_name(out)
            }
            kind::PX => {
                self.number16(out)?;
                self.space_name(out)?;
                self.space_name(out)
            }
            kind::MINFO | kind::RP => {
                self.name(out)?;
                self.space_name(out)
            }
            kind::TXT
            | kind::SPF
            | kind::AVC
            | kind::NINFO
            | kind::HINFO
            | kind::X25
            | kind::ISDN
            | kind::WALLET => self.strings(out),
            kind::SRV => {
                for _ in 0..3 {
                    self.number16(out)?;
                    out.push(b' ');
                }
                self.name(out)
            }
            kind::NAPTR => self.naptr(out),
            kind::URI => {
                self.number16(out)?;
                out.push(b' ');
                self.number16(out)?;
                out.push(b' ');
                self.quoted_rest(out)
            }
            kind::CAA => self.caa(out),
            kind::SVCB | kind::HTTPS => {
                self.number16(out)?;
                self.space_name(out)?;
                service::write_parameters(self.take_rest(), out)
            }
            kind::DS | kind::CDS | kind::DLV | kind::TA => self.numbers_and_hex(out, &[2, 1, 1]),
            kind::ZONEMD => self.numbers_and_hex(out, &[4, 1, 1]),
            kind::TLSA | kind::SMIMEA => self.numbers_and_hex(out, &[1, 1, 1]),
            kind::SSHFP => self.numbers_and_hex(out, &[1, 1]),
            kind::DNSKEY | kind::CDNSKEY | kind::KEY => self.numbers_and_base64(out, &[2, 1, 1]),
            kind::CERT => self.numbers_and_base64(out, &[2, 2, 1]),
            kind::DHCID | kind::OPENPGPKEY => self.numbers_and_base64(out, &[]),
            kind::RRSIG | kind::SIG => self.signature(out),
            kind::NSEC => {
                self.name(out)?;
                self.type_bitmap(out)
            }
            kind::NSEC3 => {
                self.nsec3(out)?;
                out.push(b' ');
                text::base32hex(self.rest.prefixed_u8()?, out);
                self.type_bitmap(out)
            }
            kind::NSEC3PARAM => self.nsec3(out),
            kind::CSYNC => {
                text::number(self.rest.u32()?, out);
                out.push(b' ');
                self.number16(out)?;
                self.type_bitmap(out)
            }
            kind::NID | kind::L64 => self.locator(out, 4),
            kind::L32 => {
                self.number16(out)?;
                out.push(b' ');
                self.address4(out)
            }
            kind::EUI48 => self.eui(out, 6),
            kind::EUI64 => self.eui(out, 8),
            kind::LOC => text::location(self.take_rest(), out),
            kind::TSIG => self.transaction_signature(out),
            _ => {
                text::unknown(self.take_rest(), out);
                Some(())
            }
        }?;
        // What is left over contradicts the type.
        self.rest.is_empty().then_some(())
    }

    fn take_rest(&mut self) -> &[u8] {
        self.rest.take(self.rest.remaining()).unwrap_or(&[])
    }

    fn address4(&mut self, out: Out<'_>) -> Option<()> {
        text::display(Ipv4Addr::from(self.rest.array::<4>()?), out);
        Some(())
    }

    fn address6(&mut self, out: Out<'_>) -> Option<()> {
        text::display(Ipv6Addr::from(self.rest.array::<16>()?), out);
        Some(())
    }

    fn number16(&mut self, out: Out<'_>) -> Option<()> {
        text::number(self.rest.u16()?.into(), out);
        Some(())
    }

    fn number(&mut self, octets: usize, out: Out<'_>) -> Option<()> {
        let value = self.rest.take(octets)?.iter().fold(0u32, |v, b| v << 8 | u32::from(*b));
        text::number(value, out);
        Some(())
    }

    /// A name that lies within the data; it may point at earlier ones.
    fn name(&mut self, out: Out<'_>) -> Option<()> {
        let at = self.end.saturating_sub(self.rest.remaining());
        let (name, end) = name::read(self.message, at).ok()?;
        self.rest.skip(end.saturating_sub(at))?;
        name.write(out);
        Some(())
    }

    fn space_name(&mut self, out: Out<'_>) -> Option<()> {
        out.push(b' ');
        self.name(out)
    }

    fn soa(&mut self, out: Out<'_>) -> Option<()> {
        self.name(out)?;
        self.space_name(out)?;
        for _ in 0..5 {
            out.push(b' ');
            self.number(4, out)?;
        }
        Some(())
    }

    fn string(&mut self, out: Out<'_>) -> Option<()> {
        text::quoted(self.rest.prefixed_u8()?, out);
        Some(())
    }

    fn strings(&mut self, out: Out<'_>) -> Option<()> {
        self.string(out)?;
        while !self.rest.is_empty() {
            out.push(b' ');
            self.string(out)?;
        }
        Some(())
    }

    fn quoted_rest(&mut self, out: Out<'_>) -> Option<()> {
        text::quoted(self.take_rest(), out);
        Some(())
    }

    fn naptr(&mut self, out: Out<'_>) -> Option<()> {
        self.number16(out)?;
        out.push(b' ');
        self.number16(out)?;
        for _ in 0..3 {
            out.push(b' ');
            self.string(out)?;
        }
        self.space_name(out)
    }

    fn caa(&mut self, out: Out<'_>) -> Option<()> {
        self.number(1, out)?;
        out.push(b' ');
        let tag = self.rest.prefixed_u8()?;
        tag.iter().for_each(|&octet| write_octet(octet, b"\\", out));
        out.push(b' ');
        self.quoted_rest(out)
    }

    fn numbers(&mut self, widths: &[usize], out: Out<'_>) -> Option<()> {
        for &width in widths {
            self.number(width, out)?;
            out.push(b' ');
        }
        Some(())
    }

    fn numbers_and_hex(&mut self, out: Out<'_>, widths: &[usize]) -> Option<()> {
        self.numbers(widths, out)?;
        text::hex(self.take_rest(), out);
        Some(())
    }

    fn numbers_and_base64(&mut self, out: Out<'_>, widths: &[usize]) -> Option<()> {
        self.numbers(widths, out)?;
        text::base64(self.take_rest(), out);
        Some(())
    }

    fn signature(&mut self, out: Out<'_>) -> Option<()> {
        out.extend_from_slice(type_word(self.rest.u16()?).as_bytes());
        for width in [1, 1, 4] {
            out.push(b' ');
            self.number(width, out)?;
        }
        for _ in 0..2 {
            out.push(b' ');
            text::date(self.rest.u32()?, out);
        }
        out.push(b' ');
        self.number16(out)?;
        self.space_name(out)?;
        out.push(b' ');
        self.numbers_and_base64(out, &[])
    }

    fn nsec3(&mut self, out: Out<'_>) -> Option<()> {
        self.numbers(&[1, 1, 2], out)?;
        match self.rest.prefixed_u8()? {
            [] => out.push(b'-'),
            salt => text::hex(salt, out),
        }
        Some(())
    }

    /// RFC 4034 §4.1.2: windows of 256 types.
    fn type_bitmap(&mut self, out: Out<'_>) -> Option<()> {
        while !self.rest.is_empty() {
            let window = self.rest.u8()?;
            let bits = self.rest.prefixed_u8()?;
            if bits.is_empty() || bits.len() > 32 {
                return None;
            }
            for (index, byte) in (0u16..).zip(bits) {
                for bit in (0..8u16).filter(|bit| byte << bit & 0x80 != 0) {
                    let low = index.wrapping_mul(8).wrapping_add(bit);
                    out.push(b' ');
                    let number = u16::from(window) << 8 | low;
                    out.extend_from_slice(type_word(number).as_bytes());
                }
            }
        }
        Some(())
    }

    fn locator(&mut self, out: Out<'_>, groups: usize) -> Option<()> {
        self.number16(out)?;
        for index in 0..groups {
            out.push(if index == 0 { b' ' } else { b':' });
            text::hex(&self.rest.array::<2>()?, out);
        }
        Some(())
    }

    fn eui(&mut self, out: Out<'_>, octets: usize) -> Option<()> {
        for (index, octet) in self.rest.take(octets)?.iter().enumerate() {
            if index > 0 {
                out.push(b'-');
            }
            text::hex(&[*octet], out);
        }
        Some(())
    }

    /// RFC 8945 §4.2: algorithm, time, fudge, code, original id, error, other data.
    fn transaction_signature(&mut self, out: Out<'_>) -> Option<()> {
        self.name(out)?;
        let time = self.rest.array::<6>()?.iter().fold(0u64, |v, b| v << 8 | u64::from(*b));
        out.push(b' ');
        text::display(time, out);
        out.push(b' ');
        self.number16(out)?;
        out.push(b' ');
        text::base64(self.rest.prefixed_u16()?, out);
        out.push(b' ');
        self.number16(out)?;
        out.push(b' ');
        self.number16(out)?;
        out.push(b' ');
        text::base64(self.rest.prefixed_u16()?, out);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: u16, data: &[u8]) -> (String, bool) {
        let message = [&b"\x07example\x03com\x00"[..], data].concat();
        let record = RawRecord { name: 0, kind, class: 1, ttl: 0, data: 13, length: data.len() };
        let mut out = Vec::new();
        let fits = write(&message, &record, &mut out);
        (String::from_utf8(out).unwrap(), fits)
    }

    fn text(kind: u16, data: &[u8]) -> String {
        let (text, fits) = shown(kind, data);
        assert!(fits, "{text}");
        text
    }

    #[test]
    fn addresses_and_names() {
        assert_eq!(text(kind::A, &[192, 0, 2, 1]), "192.0.2.1");
        assert_eq!(
            text(kind::AAAA, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            "2001:db8::1"
        );
        assert_eq!(text(kind::CNAME, b"\x03www\xc0\x00"), "www.example.com");
        assert_eq!(text(kind::MX, b"\0\x0a\x04mail\xc0\x00"), "10 mail.example.com");
        assert_eq!(
            text(kind::SRV, b"\0\x01\0\x02\x13\xc4\x03sip\xc0\x00"),
            "1 2 5060 sip.example.com"
        );
        assert_eq!(
            text(
                kind::SOA,
                b"\x02ns\xc0\x00\x05admin\xc0\x00\x78\xb4\x1b\x01\0\0\x0e\x10\0\0\x03\x84\
                  \0\x09\x3a\x80\0\0\x01\x2c"
            ),
            "ns.example.com admin.example.com 2025069313 3600 900 604800 300"
        );
    }

    #[test]
    fn strings_are_quoted() {
        assert_eq!(text(kind::TXT, b"\x06v=spf1\x03a\"b"), r#""v=spf1" "a\"b""#);
        assert_eq!(
            text(kind::NAPTR, b"\0\x64\0\x0a\x01u\x07E2U+sip\x03!^!\x00"),
            r#"100 10 "u" "E2U+sip" "!^!" ."#
        );
        assert_eq!(text(kind::CAA, b"\x00\x05issueca.test"), r#"0 issue "ca.test""#);
        assert_eq!(text(kind::URI, b"\0\x0a\0\x01ftp://x/"), r#"10 1 "ftp://x/""#);
    }

    #[test]
    fn records_of_dnssec() {
        assert_eq!(text(kind::DS, b"\xec\x45\x05\x01\x2b\xb1"), "60485 5 1 2BB1");
        assert_eq!(text(kind::DNSKEY, b"\x01\x00\x03\x05\x01\x02\x03\x04"), "256 3 5 AQIDBA==");
        assert_eq!(
            text(
                kind::RRSIG,
                b"\0\x01\x05\x03\0\x01\x51\x80\x3e\x7c\x9d\xd7\x3e\x55\x10\xd7\x0a\x52\xc0\x00ab"
            ),
            "A 5 3 86400 20030322173103 20030220173103 2642 example.com YWI="
        );
        // RFC 4034 §4.3: A MX RRSIG NSEC TYPE1234.
        let mut bitmap = b"\x04host\xc0\x00\x00\x06\x40\x01\0\0\0\x03\x04\x1b".to_vec();
        bitmap.extend_from_slice(&[0; 26]);
        bitmap.push(0x20);
        assert_eq!(text(kind::NSEC, &bitmap), "host.example.com A MX RRSIG NSEC TYPE1234");
        // RFC 5155 appendix A.
        assert_eq!(
            text(
                kind::NSEC3,
                b"\x01\x01\x00\x0c\x04\xaa\xbb\xcc\xdd\x14\x17\x4e\xb2\x40\x9f\xe2\x8b\xcb\x48\
                  \x87\xa1\x83\x6f\x95\x7f\x0a\x84\x25\xe2\x7b\x00\x01\x40"
            ),
            "1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"
        );
        assert_eq!(text(kind::NSEC3PARAM, b"\x01\0\0\0\0"), "1 0 0 -");
        assert_eq!(text(kind::TLSA, b"\x03\x01\x01\xab\xcd"), "3 1 1 ABCD");
        assert_eq!(text(kind::SSHFP, b"\x02\x01\x12\x34"), "2 1 1234");
    }

    #[test]
    fn service_bindings() {
        assert_eq!(
            text(
                kind::HTTPS,
                b"\0\x01\x00\0\x01\0\x06\x02h2\x02h3\0\x03\0\x02\x20\xfb\0\x04\0\x04\xc0\0\x02\x01"
            ),
            r#"1 . alpn="h2,h3" port=8443 ipv4hint=192.0.2.1"#
        );
    }

    #[test]
    fn other_types_and_data_that_does_not_fit_are_shown_in_hexadecimal() {
        assert_eq!(shown(65_280, b"\x0a\0\0\x01"), (r"\# 4 0A000001".into(), true));
        assert_eq!(shown(kind::A, b"\x0a\0\x01"), (r"\# 3 0A0001".into(), false));
        assert_eq!(shown(kind::A, b"\x0a\0\x01\x02\x03"), (r"\# 5 0A00010203".into(), false));
        assert_eq!(shown(kind::TXT, b"\x05ab"), (r"\# 3 056162".into(), false));
        assert_eq!(shown(kind::CNAME, b"\xc0\x0d"), (r"\# 2 C00D".into(), false));
        assert_eq!(shown(kind::A, b""), (String::new(), true));
    }

    #[test]
    fn text_is_bounded() {
        let long = [&[255u8][..], &[b'x'; 255]].concat().repeat(8);
        let (text, fits) = shown(kind::TXT, &long);
        assert_eq!((text.len(), fits), (MAX_TEXT, true));
    }
}

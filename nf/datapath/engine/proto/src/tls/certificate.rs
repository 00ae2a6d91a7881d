//! Certificate chains in clear (TLS up to 1.2, SSLv2) and what an analyst asks of the first one.

use std::cell::OnceCell;
use std::net::{Ipv4Addr, Ipv6Addr};

use nf_fields::{FieldSet, Text};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use x509_parser::nom::Parser;
use x509_parser::objects::oid_registry;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::{
    ASN1Time, FromDer, GeneralName, SubjectAlternativeName, X509Certificate, X509CertificateParser,
    X509Name,
};

use super::TlsTransaction;
use super::fingerprint::hex;
use crate::{CertificateNames, Clue, Cursor, Sink};

/// Longest distinguished name kept.
const MAX_NAME: usize = 512;
/// Longest alternative name kept.
const MAX_ALTERNATIVE: usize = 255;
/// Most alternative names kept.
const MAX_ALTERNATIVES: usize = 64;
/// Longest serial number kept (RFC 5280 §4.1.2.2 allows 20 octets).
const MAX_SERIAL: usize = 32;
/// Most certificates counted.
const MAX_CHAIN: usize = 64;

/// The first certificate of a Certificate message's body and how many there are; `None` when
/// lengths contradict each other.
pub fn chain(body: &[u8]) -> Option<(Option<&[u8]>, usize)> {
    let mut c = Cursor::new(body);
    let length = c.u24()? as usize;
    let mut list = Cursor::new(c.take(length)?);
    let (mut first, mut count) = (None, 0usize);
    while !list.is_empty() && count < MAX_CHAIN {
        let length = list.u24()? as usize;
        let certificate = list.take(length)?;
        first = first.or(Some(certificate));
        count = count.saturating_add(1);
    }
    Some((first, count))
}

/// A DER certificate, read when somebody first asks: reading takes longer than all else of a
/// handshake, and a session whose name is known needs none of it.
pub struct Certificate<'a> {
    der: &'a [u8],
    parsed: OnceCell<Option<X509Certificate<'a>>>,
}

impl<'a> Certificate<'a> {
    /// Of these octets, which may be none.
    pub fn new(der: &'a [u8]) -> Self {
        Self { der, parsed: OnceCell::new() }
    }

    fn parsed(&self) -> Option<&X509Certificate<'a>> {
        // Of the extensions only one is of interest, and that one not always.
        let parse = || {
            let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
            parser.parse(self.der).ok().map(|(_, parsed)| parsed)
        };
        self.parsed.get_or_init(parse).as_ref()
    }

    /// Other names of the holder (RFC 5280 §4.2.1.6).
    fn alternatives(&self) -> impl Iterator<Item = GeneralName<'a>> + use<'a> {
        let find = |parsed: &X509Certificate<'a>| {
            let found = parsed.get_extension_unique(&OID_X509_EXT_SUBJECT_ALT_NAME).ok()??;
            SubjectAlternativeName::from_der(found.value).ok()
        };
        let names = self.parsed().and_then(find).map(|(_, names)| names.general_names);
        names.into_iter().flatten()
    }

    /// Fills in what a server's certificate says, as far as it is `wanted`; whether it could be
    /// read.
    pub fn describe(&self, wanted: FieldSet, record: &mut TlsTransaction) -> bool {
        type Of = TlsTransaction;
        if wanted.has_any(Of::FINGERPRINT_SHA1) {
            record.fingerprint_sha1 = Some(hex(&Sha1::digest(self.der)).into());
        }
        if wanted.has_any(Of::FINGERPRINT_SHA256) {
            record.fingerprint_sha256 = Some(hex(&Sha256::digest(self.der)).into());
        }
        let Some(parsed) = self.parsed() else {
            return false;
        };
        let [holder, signer] = [parsed.subject(), parsed.issuer()];
        record.self_signed = Some(holder.as_raw() == signer.as_raw());
        if wanted.has_any(Of::SUBJECT | Of::ISSUER) {
            record.subject = Some(distinguished_name(holder));
            record.issuer = Some(distinguished_name(signer));
        }
        if wanted.has_any(Of::SERIAL) {
            record.serial = Some(serial(parsed));
        }
        if wanted.has_any(Of::NOT_BEFORE | Of::NOT_AFTER) {
            record.not_before = Some(iso8601(parsed.validity().not_before));
            record.not_after = Some(iso8601(parsed.validity().not_after));
        }
        if wanted.has_any(Of::SAN) {
            record.san = self
                .alternatives()
                .filter_map(|name| text_of(&name))
                .take(MAX_ALTERNATIVES)
                .collect();
        }
        true
    }

    /// Its holder.
    pub fn holder(&self) -> Option<Text> {
        Some(distinguished_name(self.parsed()?.subject()))
    }

    /// The host it was made for: its common name if that looks like one, else the first
    /// alternative name.
    pub fn host_name(&self) -> Option<&[u8]> {
        let parsed = self.parsed()?;
        let common = common_name(parsed.subject());
        if let Some(name) = common.filter(|name| is_host_name(name)) {
            return Some(name);
        }
        self.alternatives().filter_map(|name| dns_name(&name)).find(|name| is_host_name(name))
    }

    /// Passes on what it says of its holder and signer.
    pub fn tell(&self, is_client: bool, out: &mut Sink<'_>) {
        let Some(parsed) = self.parsed() else {
            return;
        };
        let names = [parsed.subject(), parsed.issuer()];
        let [holder, signer] = names.map(common_name);
        let organisations = names.into_iter().flat_map(X509Name::iter_organization);
        let organisations: Vec<&[u8]> = organisations.map(|o| o.as_slice()).collect();
        let mut servers: Vec<&[u8]> = Vec::new();
        if !is_client {
            servers.extend(holder.filter(|name| is_host_name(name)));
            let names = self.alternatives().filter_map(|name| dns_name(&name));
            servers.extend(names.take(MAX_ALTERNATIVES));
        }
        let names =
            CertificateNames { holder, signer, organisations: &organisations, servers: &servers };
        out.clue(Clue::Certificate(&names));
    }
}

/// Serial number in hexadecimal.
fn serial(certificate: &X509Certificate<'_>) -> Text {
    // DER puts a zero in front where the first bit would make the number negative.
    let serial = match certificate.raw_serial() {
        [0, rest @ ..] if !rest.is_empty() => rest,
        whole => whole,
    };
    hex(serial.get(..MAX_SERIAL).unwrap_or(serial)).into()
}

fn common_name<'a>(name: &'a X509Name<'a>) -> Option<&'a [u8]> {
    name.iter_common_name().next().map(|n| n.as_slice())
}

/// Whether `name` could be a host name, wildcards allowed: labels with a dot between them.
fn is_host_name(name: &[u8]) -> bool {
    name.len() <= MAX_ALTERNATIVE
        && name.contains(&b'.')
        && name.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'*'))
}

fn distinguished_name(name: &X509Name<'_>) -> Text {
    let text = name.to_string_with_registry(oid_registry()).unwrap_or_else(|_| lossy_name(name));
    Text::bounded(text.as_bytes(), MAX_NAME)
}

/// For names with strings that the parser does not print (T.61 and the like).
fn lossy_name(name: &X509Name<'_>) -> String {
    let parts: Vec<String> = name
        .iter_attributes()
        .map(|attribute| {
            let value = String::from_utf8_lossy(attribute.as_slice());
            let oid = attribute.attr_type();
            let word = oid_registry().get(oid).map(|entry| entry.sn().to_string());
            format!("{}={value}", word.unwrap_or_else(|| oid.to_id_string()))
        })
        .collect();
    parts.join(", ")
}

fn iso8601(time: ASN1Time) -> Text {
    let t = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
    .into()
}

fn dns_name<'a>(name: &GeneralName<'a>) -> Option<&'a [u8]> {
    match name {
        GeneralName::DNSName(name) => Some(name.as_bytes()),
        _ => None,
    }
}

fn text_of(name: &GeneralName<'_>) -> Option<Text> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some(Text::bounded(text.as_bytes(), MAX_ALTERNATIVE))
        }
        GeneralName::IPAddress(octets) => address(octets),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<Text> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).to_string().into());
    }
    let v6 = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(v6).to_string().into())
}

//! Handshake messages as TLS, DTLS and QUIC carry them (RFC 8446 §4, RFC 5246 §7.4, RFC 9001 §4).
//!
//! Pure: octets in, borrowed views out. How the octets were put together (records, CRYPTO frames,
//! DTLS fragments) is the caller's.

use super::extension::{self, Extensions};
use crate::Cursor;

/// Octets in front of a message: its kind and a 24-bit length.
pub const HEADER_LEN: usize = 4;

/// Message kinds (RFC 8446 §B.3 and the registry).
pub mod kind {
    #![allow(missing_docs)]
    pub const HELLO_REQUEST: u8 = 0;
    pub const CLIENT_HELLO: u8 = 1;
    pub const SERVER_HELLO: u8 = 2;
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    pub const NEW_SESSION_TICKET: u8 = 4;
    pub const HELLO_RETRY_REQUEST: u8 = 6;
    pub const CERTIFICATE: u8 = 11;
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    pub const CERTIFICATE_REQUEST: u8 = 13;
    pub const SERVER_HELLO_DONE: u8 = 14;
    pub const CERTIFICATE_STATUS: u8 = 22;
    pub const NEXT_PROTOCOL: u8 = 67;

    /// Whether the registry knows `kind`.
    pub fn is_known(kind: u8) -> bool {
        matches!(kind, 0..=6 | 8..=18 | 20..=26 | 67 | 254)
    }
}

/// A message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// See [`kind`].
    pub kind: u8,
    /// Octets of the body.
    pub length: usize,
}

impl Header {
    /// Reads the four octets at the front of `data`.
    #[inline]
    pub fn read(data: &[u8]) -> Option<Self> {
        let &[kind, a, b, c] = data.first_chunk()?;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        Some(Self { kind, length })
    }

    /// Octets of header and body.
    #[inline]
    pub fn total(self) -> usize {
        self.length.saturating_add(HEADER_LEN)
    }
}

/// Which variant of the protocol a hello belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// TLS and QUIC.
    #[default]
    Stream,
    /// DTLS: a ClientHello has a cookie.
    Datagram,
}

/// Whether `value` is one of the reserved values of RFC 8701 that mean nothing.
#[inline]
pub fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// A list of 16-bit numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers<'a>(pub &'a [u8]);

impl<'a> Numbers<'a> {
    /// The numbers in order; an odd last octet is left out.
    pub fn iter(self) -> impl Iterator<Item = u16> + 'a {
        self.0.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair))
    }

    /// The numbers without GREASE.
    pub fn meaningful(self) -> impl Iterator<Item = u16> + 'a {
        self.iter().filter(|&n| !is_grease(n))
    }
}

/// A list of octet strings behind one-octet lengths (ALPN).
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a>(pub &'a [u8]);

impl<'a> Names<'a> {
    /// The names in order, until one does not fit.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut cursor = Cursor::new(self.0);
        std::iter::from_fn(move || cursor.prefixed_u8())
    }
}

/// ClientHello.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientHello<'a> {
    /// `legacy_version`.
    pub version: u16,
    /// Session id: resumption before TLS 1.3, compatibility since.
    pub session_id: &'a [u8],
    /// DTLS cookie.
    pub cookie: &'a [u8],
    /// What the client offers.
    pub cipher_suites: Numbers<'a>,
    /// Compression methods.
    pub compression: &'a [u8],
    /// All extensions, in order.
    pub extensions: Extensions<'a>,
    /// server_name: the host name.
    pub server_name: Option<&'a [u8]>,
    /// The server_name extension is there, with or without a name.
    pub has_server_name: bool,
    /// application_layer_protocol_negotiation.
    pub alpn: Names<'a>,
    /// supported_versions; empty when absent.
    pub supported_versions: Numbers<'a>,
    /// supported_groups.
    pub groups: Numbers<'a>,
    /// ec_point_formats.
    pub point_formats: &'a [u8],
    /// signature_algorithms.
    pub signature_algorithms: Numbers<'a>,
    /// A non-empty session ticket.
    pub has_ticket: bool,
    /// pre_shared_key.
    pub has_psk: bool,
    /// early_data.
    pub has_early_data: bool,
    /// encrypted_client_hello (an outer hello, or GREASE: the two cannot be told apart), or one
    /// of its predecessors encrypted_server_name.
    pub has_ech: bool,
    /// quic_transport_parameters.
    pub quic_parameters: Option<&'a [u8]>,
    /// Some extension's length or content contradicts the standard.
    pub has_bad_extension: bool,
}

impl<'a> ClientHello<'a> {
    /// Reads a message body. `whole` is false when its end was not captured; then what is there
    /// of the extensions is used.
    pub fn parse(body: &'a [u8], form: Form, whole: bool) -> Option<Self> {
        let mut c = Cursor::new(body);
        let mut hello = Self { version: c.u16()?, ..Self::default() };
        c.skip(32)?;
        hello.session_id = c.prefixed_u8().filter(|id| id.len() <= 32)?;
        if form == Form::Datagram {
            hello.cookie = c.prefixed_u8()?;
        }
        hello.cipher_suites = Numbers(c.prefixed_u16().filter(|l| l.len() >= 2)?);
        hello.compression = c.prefixed_u8().filter(|l| !l.is_empty())?;
        if c.is_empty() {
            return Some(hello);
        }
        let block = extension::block(&mut c, whole)?;
        hello.has_bad_extension = (whole && !c.is_empty()) || hello.cipher_suites.0.len() & 1 == 1;
        hello.extensions = Extensions(block);
        let covered = hello.read_extensions();
        hello.has_bad_extension |= whole && covered != block.len();
        Some(hello)
    }

    /// Returns how many octets well-formed extensions cover.
    fn read_extensions(&mut self) -> usize {
        let mut list = self.extensions.walk();
        for (code, data) in list.by_ref() {
            if self.read_extension(code, data).is_none() {
                self.has_bad_extension = true;
            }
        }
        list.position()
    }

    fn read_extension(&mut self, code: u16, data: &'a [u8]) -> Option<()> {
        use extension::code;
        let mut c = Cursor::new(data);
        match code {
            code::SERVER_NAME => {
                self.has_server_name = true;
                let mut list = Cursor::new(c.prefixed_u16()?);
                while !list.is_empty() {
                    let kind = list.u8()?;
                    let name = list.prefixed_u16()?;
                    if kind == 0 && self.server_name.is_none() {
                        self.server_name = Some(name).filter(|n| !n.is_empty());
                        self.server_name?;
                    }
                }
            }
            code::ALPN => self.alpn = Names(c.prefixed_u16()?),
            code::SUPPORTED_VERSIONS => self.supported_versions = Numbers(c.prefixed_u8()?),
            code::SUPPORTED_GROUPS => self.groups = Numbers(c.prefixed_u16()?),
            code::EC_POINT_FORMATS => self.point_formats = c.prefixed_u8()?,
            code::SIGNATURE_ALGORITHMS => self.signature_algorithms = Numbers(c.prefixed_u16()?),
            code::SESSION_TICKET => self.has_ticket = !data.is_empty(),
            code::PRE_SHARED_KEY => self.has_psk = true,
            code::EARLY_DATA => self.has_early_data = true,
            code::ENCRYPTED_CLIENT_HELLO | code::ENCRYPTED_SERVER_NAME => self.has_ech = true,
            code::QUIC_PARAMETERS | code::QUIC_PARAMETERS_DRAFT => {
                self.quic_parameters = Some(data);
            }
            _ => {}
        }
        Some(())
    }

    /// The highest version offered, GREASE aside; the legacy field when nothing else says.
    pub fn best_version(&self) -> u16 {
        let offered = self.supported_versions.meaningful().max_by_key(|&v| {
            // Drafts of 1.3 rank below 1.3; DTLS counts downwards.
            match v >> 8 {
                0xfe => (1, u16::MAX.wrapping_sub(v)),
                0x03 => (1, v),
                _ => (0, v),
            }
        });
        offered.unwrap_or(self.version)
    }

    /// Whether no version below TLS 1.3 is offered.
    pub fn is_tls13_only(&self) -> bool {
        !self.supported_versions.0.is_empty() && self.supported_versions.meaningful().all(is_tls13)
    }
}

/// Whether `version` is TLS 1.3, DTLS 1.3 or a draft of the former.
#[inline]
pub fn is_tls13(version: u16) -> bool {
    version == 0x0304 || version == 0xfefc || matches!(version >> 8, 0x7f | 0xfb)
}

/// ServerHello or HelloRetryRequest.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerHello<'a> {
    /// `legacy_version`.
    pub version: u16,
    /// The random's last eight octets: RFC 8446 §4.1.3 writes downgrades there.
    pub random_tail: [u8; 8],
    /// Echoed or new session id.
    pub session_id: &'a [u8],
    /// The chosen cipher suite.
    pub cipher_suite: u16,
    /// All extensions, in order.
    pub extensions: Extensions<'a>,
    /// supported_versions' choice.
    pub selected_version: Option<u16>,
    /// The chosen application protocol, where it is in clear.
    pub alpn: Option<&'a [u8]>,
    /// pre_shared_key: the session is resumed.
    pub has_psk: bool,
    /// A request to say hello again.
    pub is_retry: bool,
    /// Some extension's length or content contradicts the standard.
    pub has_bad_extension: bool,
}

/// The random that makes a ServerHello a HelloRetryRequest (RFC 8446 §4.1.3).
pub(crate) const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl<'a> ServerHello<'a> {
    /// Reads a message body; `whole` as for [`ClientHello::parse`].
    pub fn parse(body: &'a [u8], whole: bool) -> Option<Self> {
        let mut c = Cursor::new(body);
        let mut hello = Self { version: c.u16()?, ..Self::default() };
        let random: [u8; 32] = c.array()?;
        hello.is_retry = random == RETRY_RANDOM;
        hello.random_tail = random.last_chunk().copied().unwrap_or_default();
        // Drafts up to 21 of TLS 1.3 had neither session id nor compression here.
        let is_short = hello.version >> 8 == 0x7f;
        if !is_short {
            hello.session_id = c.prefixed_u8().filter(|id| id.len() <= 32)?;
        }
        hello.cipher_suite = c.u16()?;
        if !is_short {
            c.skip(1)?;
        }
        if c.is_empty() {
            return Some(hello);
        }
        let block = extension::block(&mut c, whole)?;
        hello.has_bad_extension = whole && !c.is_empty();
        hello.extensions = Extensions(block);
        let mut list = hello.extensions.walk();
        for (code, data) in list.by_ref() {
            if hello.read_extension(code, data).is_none() {
                hello.has_bad_extension = true;
            }
        }
        hello.has_bad_extension |= whole && list.position() != block.len();
        Some(hello)
    }

    fn read_extension(&mut self, code: u16, data: &'a [u8]) -> Option<()> {
        use extension::code;
        let mut c = Cursor::new(data);
        match code {
            code::ALPN => self.alpn = Some(Names(c.prefixed_u16()?).iter().next()?),
            code::SUPPORTED_VERSIONS => self.selected_version = Some(c.u16()?),
            code::PRE_SHARED_KEY => self.has_psk = true,
            _ => {}
        }
        Some(())
    }

    /// The version in force.
    pub fn negotiated_version(&self) -> u16 {
        self.selected_version.unwrap_or(self.version)
    }
}

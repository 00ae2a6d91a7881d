//! One decoded header block: what its fields say (RFC 9113 §8).

use nf_fields::Text;

use super::hpack::Field;
use crate::http::head::{Head, Name};
use crate::http::value::decimal;

/// Most fields of a block that are looked at.
pub(super) const MAX_FIELDS: u32 = 1024;
const MAX_VALUE: usize = 1024;

/// What can be wrong with the fields of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// More than [`MAX_FIELDS`].
    pub(super) too_many: bool,
    /// A pseudo-header field that is unknown, repeated, or behind an ordinary field.
    pub(super) pseudo: bool,
    /// A name with upper case or other octets that it may not have.
    pub(super) name: bool,
    /// A value with NUL, CR or LF.
    pub(super) value: bool,
    /// A field that belongs to HTTP/1 connections.
    pub(super) connection: bool,
}

/// Whether a block asks or answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Trailers, or not known.
    #[default]
    Neither,
    Request,
    Response,
}

/// See the module. Texts are kept only for those who listen; the host always.
#[derive(Debug, Default)]
pub(super) struct Section {
    listened: bool,
    pub(super) kind: Kind,
    pub(super) fields: u32,
    pub(super) head: Head,
    pub(super) authority: Option<Text>,
    pub(super) host: Option<Text>,
    pub(super) scheme: Option<Text>,
    pub(super) protocol: Option<Text>,
    pub(super) status: Option<u16>,
    pub(super) grpc: bool,
    pub(super) grpc_status: Option<u32>,
    pub(super) grpc_message: Option<Text>,
    pub(super) faults: Faults,
    cookie: Vec<u8>,
    ordinary: bool,
}

impl Section {
    pub(super) fn new(listened: bool) -> Self {
        Self { listened, ..Self::default() }
    }

    /// Whether texts are kept.
    pub(super) fn is_listened(&self) -> bool {
        self.listened
    }

    /// Takes a field; false when it is not looked at any more.
    pub(super) fn take(&mut self, field: Field<'_>) -> bool {
        self.fields = self.fields.saturating_add(1);
        if self.fields > MAX_FIELDS {
            self.faults.too_many = true;
            return false;
        }
        let (Some(name), Some(value)) = (field.name, field.value) else {
            return false;
        };
        if value.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
            self.faults.value = true;
        }
        match name.strip_prefix(b":") {
            Some(pseudo) => self.pseudo(pseudo, value),
            None => self.ordinary(name, value),
        }
        true
    }

    fn pseudo(&mut self, name: &[u8], value: &[u8]) {
        let response = name == b"status";
        let known = response
            || matches!(name, b"method" | b"path" | b"authority" | b"scheme" | b"protocol");
        let kind = if response { Kind::Response } else { Kind::Request };
        if !known || self.ordinary || (self.kind != Kind::Neither && self.kind != kind) {
            self.faults.pseudo = true;
        }
        if !known {
            return;
        }
        self.kind = kind;
        if response {
            self.status = decimal(value).and_then(|status| u16::try_from(status).ok());
            self.faults.pseudo |= !self.status.is_some_and(|s| (100..=999).contains(&s));
            return;
        }
        let (slot, most) = match name {
            b"authority" => (&mut self.authority, MAX_VALUE),
            _ if !self.listened => return,
            b"method" => (&mut self.head.method, MAX_VALUE),
            b"path" => (&mut self.head.uri, 4096),
            b"scheme" => (&mut self.scheme, MAX_VALUE),
            _ => (&mut self.protocol, MAX_VALUE),
        };
        self.faults.pseudo |= slot.is_some();
        slot.get_or_insert_with(|| Text::bounded(value, most));
    }

    fn ordinary(&mut self, name: &[u8], value: &[u8]) {
        self.ordinary = true;
        let plain = name.iter().all(|&b| crate::http::line::is_tchar(b) && !b.is_ascii_uppercase());
        self.faults.name |= name.is_empty() || !plain;
        let known = Name::of(name);
        match known {
            Name::Connection | Name::TransferEncoding | Name::Upgrade => {
                self.faults.connection = true;
            }
            Name::Host => {
                self.host.get_or_insert_with(|| Text::bounded(value, MAX_VALUE));
            }
            Name::ContentType => self.grpc |= value.starts_with(b"application/grpc"),
            Name::Other => self.grpc_field(name, value),
            _ => {}
        }
        if !self.listened {
            return;
        }
        if known == Name::Cookie {
            // RFC 9113 §8.2.3: crumbs of one cookie.
            if self.cookie.len() < MAX_VALUE {
                if !self.cookie.is_empty() {
                    self.cookie.extend_from_slice(b"; ");
                }
                let room = MAX_VALUE.saturating_sub(self.cookie.len());
                self.cookie.extend_from_slice(value.get(..room).unwrap_or(value));
            }
            return;
        }
        self.head.keep(known, value);
    }

    fn grpc_field(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"grpc-status" => {
                self.grpc = true;
                self.grpc_status = decimal(value).and_then(|code| u32::try_from(code).ok());
            }
            b"grpc-message" if self.listened => {
                self.grpc_message = Some(Text::bounded(value, MAX_VALUE));
            }
            _ => {}
        }
    }

    /// The cookie, its crumbs joined.
    pub(super) fn take_cookie(&mut self) -> Option<Text> {
        (!self.cookie.is_empty()).then(|| Text::from(std::mem::take(&mut self.cookie)))
    }
}

//! Hello extensions (RFC 8446 §4.2, RFC 6066): their list, and the codes that are looked at.

use crate::Cursor;

/// Extension codes.
pub mod code {
    #![allow(missing_docs)]
    pub const SERVER_NAME: u16 = 0;
    pub const SUPPORTED_GROUPS: u16 = 10;
    pub const EC_POINT_FORMATS: u16 = 11;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const USE_SRTP: u16 = 14;
    pub const ALPN: u16 = 16;
    pub const SESSION_TICKET: u16 = 35;
    pub const PRE_SHARED_KEY: u16 = 41;
    pub const EARLY_DATA: u16 = 42;
    pub const SUPPORTED_VERSIONS: u16 = 43;
    pub const CONNECTION_ID: u16 = 54;
    pub const QUIC_PARAMETERS: u16 = 57;
    pub const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
    pub const ENCRYPTED_SERVER_NAME: u16 = 0xffce;
    pub const QUIC_PARAMETERS_DRAFT: u16 = 0xffa5;
}

/// An extension block without its length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extensions<'a>(pub &'a [u8]);

impl<'a> Extensions<'a> {
    /// The content of the first extension with `code`.
    pub fn find(self, code: u16) -> Option<&'a [u8]> {
        self.walk().find(|(found, _)| *found == code).map(|(_, data)| data)
    }

    /// Code and content of each, until one does not fit.
    pub fn walk(self) -> Walk<'a> {
        Walk(Cursor::new(self.0))
    }
}

/// See [`Extensions::walk`].
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a>(Cursor<'a>);

impl Walk<'_> {
    /// Octets covered so far.
    pub fn position(&self) -> usize {
        self.0.position()
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let mut ahead = self.0;
        let code = ahead.u16()?;
        let data = ahead.prefixed_u16()?;
        self.0 = ahead;
        Some((code, data))
    }
}

/// Takes the extension block off `c`; of one that is not `whole`, what is there.
pub(super) fn block<'a>(c: &mut Cursor<'a>, whole: bool) -> Option<&'a [u8]> {
    if whole {
        return c.prefixed_u16();
    }
    let length = usize::from(c.u16()?);
    c.take(length.min(c.remaining()))
}

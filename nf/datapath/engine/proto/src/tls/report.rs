//! What TLS reports: a message per record or handshake message, a transaction per handshake.

use nf_fields::{Fields, Text, TextRef};

/// A record, or one of the handshake messages in clear that a record holds.
#[derive(Fields)]
pub struct TlsMessage<'a> {
    /// Name the client asks for (ClientHello only).
    #[field(id = 1, scope = "session-changing")]
    pub server_name: Option<TextRef<'a>>,
    /// Position of the record among those of its direction, from 1.
    #[field(id = 2, alias = "tls_number_record")]
    pub record_number: u16,
    /// Content type of the record.
    #[field(id = 3, alias = "tls_content_type")]
    pub content_type: u8,
    /// Version of the record layer.
    #[field(id = 4, alias = "tls_version")]
    pub version: u16,
    /// Octets of the record's fragment.
    #[field(id = 5, alias = "tls_length")]
    pub length: u16,
    /// Kind of the handshake message.
    pub handshake_type: Option<u8>,
    /// Octets of the handshake message.
    pub handshake_length: Option<u32>,
    /// Level of an alert in clear: 1 warning, 2 fatal.
    pub alert_level: Option<u8>,
    /// Description of an alert in clear.
    pub alert_description: Option<u8>,
}

/// A handshake.
#[derive(Debug, Default, Fields)]
pub struct TlsTransaction {
    /// Version in force ("TLS 1.3").
    pub version: Option<Text>,
    /// Name the client asked for.
    pub server_name: Option<Text>,
    /// Application protocol the server chose, where that is in clear (up to TLS 1.2).
    pub alpn: Option<Text>,
    /// Application protocols the client offered.
    pub client_alpns: Vec<Text>,
    /// Cipher suite the server chose.
    pub cipher: Option<Text>,
    /// Holder of the server's certificate.
    pub subject: Option<Text>,
    /// Who signed the server's certificate.
    pub issuer: Option<Text>,
    /// Its serial number, hexadecimal.
    pub serial: Option<Text>,
    /// Begin of its validity.
    pub not_before: Option<Text>,
    /// End of its validity.
    pub not_after: Option<Text>,
    /// Alternative names in it.
    pub san: Vec<Text>,
    /// SHA-1 of the server's certificate.
    pub fingerprint_sha1: Option<Text>,
    /// SHA-256 of the server's certificate.
    pub fingerprint_sha256: Option<Text>,
    /// Certificates the server sent.
    pub chain_length: Option<u8>,
    /// Issuer and subject of the server's certificate are the same.
    pub self_signed: Option<bool>,
    /// Holder of the client's certificate.
    pub client_subject: Option<Text>,
    /// JA3 of the client's hello.
    pub ja3: Option<Text>,
    /// JA3 before hashing.
    pub ja3_full: Option<Text>,
    /// JA3S of the server's hello.
    pub ja3s: Option<Text>,
    /// JA4 of the client's hello.
    pub ja4: Option<Text>,
    /// The client's hello has an encrypted hello within, or GREASE that looks like one.
    pub ech: bool,
    /// An earlier session was resumed.
    pub resumed: bool,
    /// Highest version the client offered.
    pub client_version: Option<Text>,
    /// The handshake was completed.
    pub established: bool,
    /// Alerts in clear.
    pub alert: Vec<Text>,
    /// From the client's hello to the end of the handshake.
    pub handshake_us: Option<u64>,
}

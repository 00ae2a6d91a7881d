//! What DTLS reports: a message per record or handshake message, a transaction per handshake.

use nf_fields::{Fields, Text, TextRef};

use crate::tls::TlsTransaction;

/// A record, or one of the handshake messages in clear that it holds.
#[derive(Default, Fields)]
pub struct DtlsMessage<'a> {
    /// Content type of the record.
    #[field(id = 1, alias = "content_length")]
    pub content_type: u8,
    /// Version of the record layer.
    #[field(id = 2)]
    pub version: u16,
    /// Counts changes of keys.
    #[field(id = 3)]
    pub epoch: u16,
    /// Number of the record within its epoch.
    #[field(id = 4)]
    pub sequence_number: u64,
    /// Octets of the record's fragment.
    #[field(id = 5)]
    pub length: u16,
    /// Cipher suites that a ClientHello offers.
    #[field(id = 6)]
    pub client_hello_cipher_suite: Option<Vec<u16>>,
    /// Kind of the handshake message.
    pub handshake_type: Option<u8>,
    /// Octets of the handshake message.
    pub handshake_length: Option<u32>,
    /// Number of the handshake message.
    pub message_sequence: Option<u16>,
    /// Where in the handshake message the fragment begins.
    pub fragment_offset: Option<u32>,
    /// Octets of the fragment.
    pub fragment_length: Option<u32>,
    /// Name the client asks for (ClientHello only).
    pub server_name: Option<TextRef<'a>>,
    /// Level of an alert in clear: 1 warning, 2 fatal.
    pub alert_level: Option<u8>,
    /// Description of an alert in clear.
    pub alert_description: Option<u8>,
}

/// A handshake.
#[derive(Debug, Default, Fields)]
pub struct DtlsTransaction {
    /// Version in force ("DTLS 1.2").
    pub version: Option<Text>,
    /// Name the client asked for.
    pub server_name: Option<Text>,
    /// Application protocol the server chose, where that is in clear (up to DTLS 1.2).
    pub alpn: Option<Text>,
    /// Application protocols the client offered.
    pub client_alpns: Vec<Text>,
    /// Cipher suite the server chose.
    pub cipher: Option<Text>,
    /// Protection of media that both agreed on (RFC 5764), where that is in clear.
    pub srtp_profile: Option<Text>,
    /// Protections of media the client offered.
    pub client_srtp_profiles: Vec<Text>,
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
    /// SHA-256 of the server's certificate: what SDP's fingerprint says.
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
    /// The server had the client repeat its hello with a cookie.
    pub cookie_exchange: bool,
    /// Records have connection ids (RFC 9146), so that the addresses may change.
    pub connection_id: bool,
    /// The handshake was completed.
    pub established: bool,
    /// Alerts in clear.
    pub alert: Vec<Text>,
    /// From the client's hello to the end of the handshake.
    pub handshake_us: Option<u64>,
}

impl From<TlsTransaction> for DtlsTransaction {
    fn from(tls: TlsTransaction) -> Self {
        Self {
            version: tls.version,
            server_name: tls.server_name,
            alpn: tls.alpn,
            client_alpns: tls.client_alpns,
            cipher: tls.cipher,
            srtp_profile: None,
            client_srtp_profiles: Vec::new(),
            subject: tls.subject,
            issuer: tls.issuer,
            serial: tls.serial,
            not_before: tls.not_before,
            not_after: tls.not_after,
            san: tls.san,
            fingerprint_sha1: tls.fingerprint_sha1,
            fingerprint_sha256: tls.fingerprint_sha256,
            chain_length: tls.chain_length,
            self_signed: tls.self_signed,
            client_subject: tls.client_subject,
            ja3: tls.ja3,
            ja3_full: tls.ja3_full,
            ja3s: tls.ja3s,
            ja4: tls.ja4,
            ech: tls.ech,
            resumed: tls.resumed,
            client_version: tls.client_version,
            cookie_exchange: false,
            connection_id: false,
            established: tls.established,
            alert: tls.alert,
            handshake_us: tls.handshake_us,
        }
    }
}

/// A protection profile's name in the registry, or its number.
pub(super) fn profile_text(profile: u16) -> Text {
    match profile {
        0x0001 => "SRTP_AES128_CM_HMAC_SHA1_80".into(),
        0x0002 => "SRTP_AES128_CM_HMAC_SHA1_32".into(),
        0x0005 => "SRTP_NULL_HMAC_SHA1_80".into(),
        0x0006 => "SRTP_NULL_HMAC_SHA1_32".into(),
        0x0007 => "SRTP_AEAD_AES_128_GCM".into(),
        0x0008 => "SRTP_AEAD_AES_256_GCM".into(),
        0x0009 => "DOUBLE_AEAD_AES_128_GCM_AEAD_AES_128_GCM".into(),
        0x000a => "DOUBLE_AEAD_AES_256_GCM_AEAD_AES_256_GCM".into(),
        0x000b => "SRTP_ARIA_128_CTR_HMAC_SHA1_80".into(),
        other => format!("0x{other:04x}").into(),
    }
}

//! TLS over TCP (RFC 8446, 5246, 4346, 2246; SSL 3.0 RFC 6101; SSLv2 hellos RFC 5246 §E.2).
//!
//! One transaction per handshake: hellos, certificates (in clear up to TLS 1.2), alerts in clear,
//! JA3, JA3S and JA4, and whether it was completed. The server is named by SNI, else by its
//! certificate.
//!
//! What is inside is named when the handshake says so in clear: up to TLS 1.2 the server's choice
//! of application protocol; in TLS 1.3 that choice is encrypted, so it is named only if the client
//! offered names of one protocol only and the server went on. (A server may then leave ALPN unanswered, which
//! cannot be seen; RFC 7301 has it speak the only protocol offered or break off.)
//!
//! Bounds: handshake messages of more than 48 KiB are passed over; 64 certificates are counted,
//! one is read; 64 alternative names, 32 application protocols and 16 alerts are kept.

pub mod certificate;
pub mod cipher;
pub mod extension;
pub mod fingerprint;
pub mod handshake;
pub mod names;
mod probe;
mod record;
mod report;
mod session;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod transcript;

use nf_fields::{Fields, ProtoId};

pub use report::{TlsMessage, TlsTransaction};
pub use session::Tls;
pub use transcript::{alpn_texts, cipher_text};

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
};

/// TLS's number (MMT's `ssl`).
pub const ID: ProtoId = ProtoId(341);

crate::anomalies! {
    /// What can be wrong with TLS.
    pub enum Anomaly {
        /// A record announces a content type that does not exist.
        UnknownContentType = "unknown_content_type",
        /// A record has a version that no TLS has.
        BadRecordVersion = "bad_record_version",
        /// A record is longer than 2^14 octets and what encryption may add.
        RecordTooLong = "record_too_long",
        /// A handshake or alert record without content.
        EmptyRecord = "empty_record",
        /// Another record between the parts of a handshake message.
        InterleavedRecord = "interleaved_record",
        /// A handshake message longer than is read.
        HandshakeTooLong = "handshake_too_long",
        /// A handshake message of a kind that does not exist.
        UnknownHandshake = "unknown_handshake",
        /// A ClientHello whose lengths contradict each other.
        MalformedClientHello = "malformed_client_hello",
        /// A ServerHello whose lengths contradict each other.
        MalformedServerHello = "malformed_server_hello",
        /// An extension whose length or content contradicts the standard.
        MalformedExtension = "malformed_extension",
        /// A Certificate message that cannot be read.
        MalformedCertificate = "malformed_certificate",
        /// An alert or ChangeCipherSpec record of a wrong form.
        MalformedRecord = "malformed_record",
        /// A hello from the side that already said the other hello.
        UnexpectedHello = "unexpected_hello",
        /// The server chose a cipher suite that was not offered.
        CipherNotOffered = "cipher_not_offered",
        /// The server's random says that a better version could have been had (RFC 8446 §4.1.3).
        Downgrade = "downgrade",
        /// A heartbeat that claims more payload than it has (CVE-2014-0160).
        HeartbeatOverread = "heartbeat_overread",
    }
}

impl Protocol for Tls {
    const INFO: Info = Info {
        name: "tls",
        id: ID,
        aliases: &["ssl"],
        title: "Transport Layer Security",
        spec: "RFC 8446, RFC 5246, RFC 4346, RFC 2246, RFC 6101",
        over: &[tcp(probe::PORTS)],
        patterns: &[
            Pattern::start(&[0x16, 3]),
            Pattern::start(&[0x17, 3]),
            Pattern::start(&[0x15, 3]),
            Pattern::start(&[0x14, 3]),
            Pattern::at(2, &[1, 3]),
            Pattern::at(2, &[1, 0, 2]),
        ],
        weight: 20,
        timeout: TimeoutClass::Long,
        max_pending: session::MAX_PENDING,
        message: TlsMessage::fields,
        transaction: TlsTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.take(seg, out)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lose(dir, lost);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.conclude(out);
    }
}

//! DTLS 1.0 to 1.3 over UDP (RFC 4347, 6347, 9147; connection ids RFC 9146; SRTP keys RFC 5764).
//!
//! One transaction per handshake, with what TLS's has (the messages are the same and are read by
//! the same code) and what the datagrams add: cookies, connection ids, protection of media. Where
//! media shares the ports (WebRTC), its packets are given to their parsers. Over SCTP (RFC 6083) the
//! payload protocol identifier tells what is protected: Diameter (RFC 6733 §2.1) and NGAP (3GPP TS
//! 38.412) are named; nobody can read them.
//!
//! Bounds: handshake messages of up to 16 KiB in up to 16 pieces, two in the making per direction;
//! 16 protection profiles are kept.

mod assembly;
mod probe;
mod record;
mod report;
mod session;
#[cfg(test)]
pub(crate) mod tests;

use nf_fields::{Fields, ProtoId};

use crate::{
    Flow, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, sctp, udp, within,
};
pub use report::{DtlsMessage, DtlsTransaction};
pub use session::Dtls;

/// DTLS's number.
pub const ID: ProtoId = ProtoId(660);

/// Payload protocol identifiers of SCTP (IANA) that announce DTLS, and what is protected.
const PROTECTED: [(u32, ProtoId); 2] = [(47, crate::diameter::ID), (66, crate::ngap::ID)];

crate::anomalies! {
    /// What can be wrong with DTLS.
    pub enum Anomaly {
        /// A datagram, or its rest, that is no record.
        MalformedRecord = "malformed_record",
        /// A handshake record in clear that holds no fragment.
        MalformedFragment = "malformed_fragment",
        /// Fragments of a message that contradict each other, or too many pieces.
        FragmentsInconsistent = "fragments_inconsistent",
        /// A handshake message longer than is read.
        HandshakeTooLong = "handshake_too_long",
        /// A ClientHello whose lengths contradict each other.
        MalformedClientHello = "malformed_client_hello",
        /// A ServerHello whose lengths contradict each other.
        MalformedServerHello = "malformed_server_hello",
        /// An extension whose length or content contradicts the standard.
        MalformedExtension = "malformed_extension",
        /// A Certificate message that cannot be read.
        MalformedCertificate = "malformed_certificate",
        /// A hello from the side that already said the other hello.
        UnexpectedHello = "unexpected_hello",
        /// The server chose a cipher suite that was not offered.
        CipherNotOffered = "cipher_not_offered",
        /// A datagram that is no packet of any protocol of this port.
        ForeignDatagram = "foreign_datagram",
    }
}

impl Protocol for Dtls {
    const INFO: Info = Info {
        name: "dtls",
        id: ID,
        title: "Datagram Transport Layer Security",
        spec: "RFC 9147, RFC 6347, RFC 4347, RFC 5764, RFC 9146, RFC 6083",
        over: &[
            udp(&[443, 853, 2083, 4433, 4755, 5349, 5684, 8443, 10161]),
            sctp(&[5868]),
            within("stun"),
        ],
        ppids: &[47, 66],
        patterns: &[
            Pattern::start(&[0x16, 0xfe]),
            Pattern::start(&[0x17, 0xfe]),
            Pattern::start(&[0x15, 0xfe]),
            Pattern::start(&[0x14, 0xfe]),
            Pattern::start(&[0x16, 1, 0]),
            Pattern::start(&[0x17, 1, 0]),
            Pattern::start(&[0x15, 1, 0]),
            Pattern::start(&[0x14, 1, 0]),
        ],
        weight: 25,
        timeout: TimeoutClass::Long,
        message: DtlsMessage::fields,
        transaction: DtlsTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[crate::stun::ID, crate::stun::TURN, crate::rtp::ID, crate::rtcp::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.datagram(seg, out);
        if let Some((_, inner)) = PROTECTED.iter().find(|(ppid, _)| *ppid == seg.ppid) {
            out.inside(*inner);
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.conclude(out);
        self.end_others(out);
    }
}

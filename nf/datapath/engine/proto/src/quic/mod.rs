//! QUIC over UDP (RFC 9000, RFC 9001; version 2 RFC 9369; drafts 22 to 34; Facebook's and Google's
//! last variants Q050, T050, T051).
//!
//! Initial packets of both directions are authenticated and decrypted, their CRYPTO frames put in
//! order, and the TLS hellos in them read. One transaction per handshake. The server is named by
//! SNI. What is inside is named as soon as the client's hello is read, if all the application
//! protocols it offers are names of one: QUIC makes ALPN mandatory (RFC 9001 §8.1), so that the
//! connection cannot go on with another.
//!
//! The version field decides how Initials are protected; their keys follow from the client's first
//! destination connection id. A Retry, a version negotiation or a compatible change of version
//! (RFC 9368) makes new keys necessary; they are derived at most eight times for a session.
//!
//! Bounds: 16 KiB of handshake per direction in at most 64 pieces; 8 packets per datagram.

mod crypto;
mod frame;
mod packet;
mod parameters;
mod probe;
mod report;
mod session;
mod stream;
#[cfg(test)]
mod tests;
mod version;

use nf_fields::{Fields, ProtoId};

pub use report::{QuicMessage, QuicTransaction};
pub use session::Quic;

use crate::{Flow, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, udp};

/// QUIC's number (MMT's `quic_ietf`).
pub const ID: ProtoId = ProtoId(661);

crate::anomalies! {
    /// What can be wrong with QUIC.
    pub enum Anomaly {
        /// A packet whose header or length does not fit its datagram.
        MalformedPacket = "malformed_packet",
        /// An Initial packet that is forged, damaged, or of a connection whose begin was not seen.
        UndecryptableInitial = "undecryptable_initial",
        /// A client's Initial in a datagram of less than 1200 octets (RFC 9000 §14.1).
        ShortInitialDatagram = "short_initial_datagram",
        /// Reserved bits that must be zero are not.
        ReservedBits = "reserved_bits",
        /// A frame that does not fit its packet.
        MalformedFrame = "malformed_frame",
        /// A frame that must not be in an Initial packet.
        MisplacedFrame = "misplaced_frame",
        /// Handshake octets beyond what is kept, or in too many pieces.
        HandshakeTooLong = "handshake_too_long",
        /// A hello whose lengths contradict each other.
        MalformedHello = "malformed_hello",
        /// An extension of a hello whose length or content contradicts the standard.
        MalformedExtension = "malformed_extension",
    }
}

impl Protocol for Quic {
    const INFO: Info = Info {
        name: "quic",
        id: ID,
        aliases: &["quic_ietf"],
        title: "QUIC",
        spec: "RFC 9000, RFC 9001, RFC 9369",
        over: &[udp(probe::PORTS)],
        weight: 30,
        timeout: TimeoutClass::Default,
        message: QuicMessage::fields,
        transaction: QuicTransaction::fields,
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

    fn end(&mut self, out: &mut Sink<'_>) {
        self.conclude(out);
    }
}

//! Non-access stratum of 5G (3GPP TS 24.501): what a phone and the network say to each other. One
//! transaction per message, as far as it is not ciphered.
//!
//! It has no session of its own: the parser of NGAP reads it and reports in its name.

use nf_fields::{Fields, ProtoId};

use crate::{Cursor, Flow, Info, Probe, Protocol, Segment, Sink, Step, within};

/// Its number.
pub const ID: ProtoId = ProtoId(904);

const MOBILITY: u8 = 0x7e;
const SESSION: u8 = 0x2e;

crate::anomalies! {
    /// What can be wrong with it.
    pub enum Anomaly {
        /// A message that ends within its header, or is neither of mobility nor of sessions.
        MalformedMessage = "malformed_message",
    }
}

/// One message, as filters and events see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Fields)]
pub struct Nas5gMessage {
    /// 126 for mobility, 46 for sessions.
    #[field(id = 1)]
    pub protocol_discriminator: u8,
    /// Kind of message.
    #[field(id = 2)]
    pub message_type: Option<u8>,
    /// 0 plain, 1 with integrity, 2 ciphered, 3 and 4 as these with a new context.
    #[field(id = 3)]
    pub security_type: Option<u8>,
    /// Ties messages of a session's procedure together.
    #[field(id = 4)]
    pub procedure_transaction_id: Option<u8>,
    /// Code that protects the message.
    #[field(id = 5)]
    pub message_authentication_code: Option<u32>,
    /// Number of a protected message.
    #[field(id = 6)]
    pub sequence_number: Option<u8>,
}

/// A message.
#[derive(Debug, Default, Fields)]
pub struct Nas5gTransaction {
    /// Kind of message by name; ciphered where it cannot be read.
    pub message: &'static str,
    /// Number of the kind.
    pub message_type: Option<u8>,
    /// Whether the network sends it.
    pub from_network: bool,
    /// How it is protected: plain, integrity, ciphered, and both with a new context.
    pub security: &'static str,
    /// Kind of identity a registration tells: 1 concealed, 2 temporary, 3 of the equipment.
    pub identity_type: Option<u8>,
    /// Why something is refused.
    pub cause: Option<u8>,
    /// Session that a message is about.
    pub pdu_session_id: Option<u8>,
    /// Ties messages of a session's procedure together.
    pub procedure_transaction_id: Option<u8>,
}

fn security_word(security: u8) -> &'static str {
    match security {
        0 => "plain",
        1 => "integrity",
        2 => "ciphered",
        3 => "integrity_new_context",
        4 => "ciphered_new_context",
        _ => "unknown",
    }
}

fn message_word(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0x41 => "registration_request",
        0x42 => "registration_accept",
        0x43 => "registration_complete",
        0x44 => "registration_reject",
        0x45 => "deregistration_request_up",
        0x46 => "deregistration_accept_up",
        0x47 => "deregistration_request_down",
        0x48 => "deregistration_accept_down",
        0x4c => "service_request",
        0x4d => "service_reject",
        0x4e => "service_accept",
        0x4f => "control_plane_service_request",
        0x54 => "configuration_update_command",
        0x55 => "configuration_update_complete",
        0x56 => "authentication_request",
        0x57 => "authentication_response",
        0x58 => "authentication_reject",
        0x59 => "authentication_failure",
        0x5a => "authentication_result",
        0x5b => "identity_request",
        0x5c => "identity_response",
        0x5d => "security_mode_command",
        0x5e => "security_mode_complete",
        0x5f => "security_mode_reject",
        0x64 => "mobility_status",
        0x65 => "notification",
        0x66 => "notification_response",
        0x67 => "nas_transport_up",
        0x68 => "nas_transport_down",
        0xc1 => "pdu_session_establishment_request",
        0xc2 => "pdu_session_establishment_accept",
        0xc3 => "pdu_session_establishment_reject",
        0xc5 => "pdu_session_authentication_command",
        0xc6 => "pdu_session_authentication_complete",
        0xc7 => "pdu_session_authentication_result",
        0xc9 => "pdu_session_modification_request",
        0xca => "pdu_session_modification_reject",
        0xcb => "pdu_session_modification_command",
        0xcc => "pdu_session_modification_complete",
        0xcd => "pdu_session_modification_command_reject",
        0xd1 => "pdu_session_release_request",
        0xd2 => "pdu_session_release_reject",
        0xd3 => "pdu_session_release_command",
        0xd4 => "pdu_session_release_complete",
        0xd6 => "session_status",
        _ => return None,
    })
}

/// Takes a message, and the one it transports.
pub fn take(octets: &[u8], from_network: bool, time: u64, out: &mut Sink<'_>) {
    if read(octets, from_network, time, out).is_none() {
        out.anomaly(Anomaly::MalformedMessage);
    }
}

fn read(octets: &[u8], from_network: bool, time: u64, out: &mut Sink<'_>) -> Option<()> {
    let mut c = Cursor::new(octets);
    let mut seen = Nas5gMessage { protocol_discriminator: c.u8()?, ..Nas5gMessage::default() };
    let mut told = Nas5gTransaction { from_network, ..Nas5gTransaction::default() };
    match seen.protocol_discriminator {
        MOBILITY => {}
        SESSION => return session(&mut c, seen, told, time, out),
        _ => return None,
    }
    let security = c.u8()? & 0x0f;
    seen.security_type = Some(security);
    told.security = security_word(security);
    if security != 0 {
        seen.message_authentication_code = Some(c.u32()?);
        seen.sequence_number = Some(c.u8()?);
        // Ciphered or not: with the null cipher the plain message stands there.
        let is_plain = c.rest().starts_with(&[MOBILITY, 0])
            && c.rest().get(2).is_some_and(|&kind| message_word(kind).is_some());
        if !is_plain {
            told.message = "ciphered";
            out.message(&seen);
            out.transaction(time, told);
            return Some(());
        }
        c.skip(2)?;
    }
    let kind = c.u8()?;
    seen.message_type = Some(kind);
    told.message_type = Some(kind);
    told.message = message_word(kind).unwrap_or("unknown");
    let mut inner = None;
    match kind {
        // Kind of registration and key set; then the identity behind its length.
        0x41 => told.identity_type = c.skip(3).and_then(|()| c.u8()).map(|first| first & 7),
        0x44 | 0x4d | 0x5f | 0x59 => told.cause = c.u8(),
        0x67 | 0x68 => {
            let is_session = c.u8()? & 0x0f == 1;
            let container = c.prefixed_u16()?;
            inner = is_session.then_some(container);
        }
        _ => {}
    }
    out.message(&seen);
    out.transaction(time, told);
    match inner {
        Some(octets) => {
            let mut c = Cursor::new(octets);
            let seen = Nas5gMessage { protocol_discriminator: c.u8()?, ..Nas5gMessage::default() };
            let told = Nas5gTransaction { from_network, ..Nas5gTransaction::default() };
            (seen.protocol_discriminator == SESSION).then_some(())?;
            session(&mut c, seen, told, time, out)
        }
        None => Some(()),
    }
}

/// A message of a session, behind its discriminator.
fn session(
    c: &mut Cursor<'_>,
    mut seen: Nas5gMessage,
    mut told: Nas5gTransaction,
    time: u64,
    out: &mut Sink<'_>,
) -> Option<()> {
    told.pdu_session_id = Some(c.u8()?);
    let transaction = c.u8()?;
    let kind = c.u8()?;
    seen.procedure_transaction_id = Some(transaction);
    seen.message_type = Some(kind);
    told.procedure_transaction_id = Some(transaction);
    told.message_type = Some(kind);
    told.message = message_word(kind).unwrap_or("unknown");
    told.security = security_word(0);
    if matches!(kind, 0xc3 | 0xca | 0xcd | 0xd2 | 0xd3 | 0xd6) {
        told.cause = c.u8();
    }
    out.message(&seen);
    out.transaction(time, told);
    Some(())
}

/// See the module.
pub struct Nas5g;

impl Protocol for Nas5g {
    const INFO: Info = Info {
        name: "nas_5g",
        id: ID,
        aliases: &["nas5g", "nas_5gs"],
        title: "Non-access stratum of 5G",
        spec: "3GPP TS 24.501",
        over: &[within("ngap")],
        message: Nas5gMessage::fields,
        transaction: Nas5gTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, _out: &mut Sink<'_>) -> Step {
        Step::done()
    }
}

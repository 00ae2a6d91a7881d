//! What IEC 104 reports.

use nf_fields::Fields;

use super::message::{self, Apci, Asdu};

/// One APDU, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct Iec104Message {
    /// Kind: i, s or u.
    pub kind: &'static str,
    /// Number of the APDU.
    pub send_sequence: Option<u16>,
    /// Number of the one that is expected next.
    pub receive_sequence: Option<u16>,
    /// What an unnumbered one does.
    pub function: Option<&'static str>,
    /// Type of the ASDU.
    pub type_id: Option<u8>,
    /// Name of the type.
    pub type_name: Option<&'static str>,
    /// Objects.
    pub objects: Option<u8>,
    /// Why it is sent.
    pub cause: Option<u8>,
    /// Name of that.
    pub cause_name: Option<&'static str>,
    /// A confirmation that refuses.
    pub negative: Option<bool>,
    /// Not for real.
    pub test: Option<bool>,
    /// Whose command it is.
    pub originator: Option<u8>,
    /// Station.
    pub common_address: Option<u16>,
    /// First object.
    pub object: Option<u32>,
    /// Value of the first object.
    pub value: Option<f64>,
}

/// A command with its confirmation, a report, or a start, stop or test.
#[derive(Debug, Default, Fields)]
pub struct Iec104Transaction {
    /// What it is: command, report or control.
    pub kind: &'static str,
    /// Type of the ASDU; for a control what it does.
    pub type_name: &'static str,
    /// Type of the ASDU.
    pub type_id: Option<u8>,
    /// Why it is sent.
    pub cause: Option<u8>,
    /// Name of that.
    pub cause_name: Option<&'static str>,
    /// Whose command it is.
    pub originator: Option<u8>,
    /// Station.
    pub common_address: Option<u16>,
    /// Objects.
    pub objects: Option<u8>,
    /// First object.
    pub object: Option<u32>,
    /// Value of the first object, for the types that have one number.
    pub value: Option<f64>,
    /// Quality of the value, or the qualifier of a command.
    pub quality: Option<u8>,
    /// Not for real.
    pub test: Option<bool>,
    /// Whether it was confirmed (true) or refused (false).
    pub confirmed: Option<bool>,
    /// Whether the station said that it is done.
    pub terminated: Option<bool>,
    /// Time until the confirmation.
    pub response_us: Option<u64>,
    /// Time until the end.
    pub duration_us: Option<u64>,
}

/// Begins with an ASDU.
pub fn record(kind: &'static str, asdu: &Asdu) -> Iec104Transaction {
    Iec104Transaction {
        kind,
        type_name: message::kind_word(asdu.kind),
        type_id: Some(asdu.kind),
        cause: Some(asdu.cause),
        cause_name: Some(message::cause_word(asdu.cause)),
        originator: Some(asdu.originator),
        common_address: Some(asdu.common_address),
        objects: Some(asdu.count),
        object: asdu.object,
        value: asdu.value,
        quality: asdu.quality,
        test: asdu.is_test.then_some(true),
        ..Iec104Transaction::default()
    }
}

/// An APDU for who listens to messages.
pub fn seen(apci: Apci, asdu: Option<&Asdu>) -> Iec104Message {
    let mut message = match apci {
        Apci::Information { sent, received } => Iec104Message {
            kind: "i",
            send_sequence: Some(sent),
            receive_sequence: Some(received),
            ..Iec104Message::default()
        },
        Apci::Supervisory { received } => Iec104Message {
            kind: "s",
            receive_sequence: Some(received),
            ..Iec104Message::default()
        },
        Apci::Unnumbered { function } => Iec104Message {
            kind: "u",
            function: Some(message::function_word(function)),
            ..Iec104Message::default()
        },
    };
    if let Some(asdu) = asdu {
        message.type_id = Some(asdu.kind);
        message.type_name = Some(message::kind_word(asdu.kind));
        message.objects = Some(asdu.count);
        message.cause = Some(asdu.cause);
        message.cause_name = Some(message::cause_word(asdu.cause));
        message.negative = Some(asdu.is_negative);
        message.test = Some(asdu.is_test);
        message.originator = Some(asdu.originator);
        message.common_address = Some(asdu.common_address);
        message.object = asdu.object;
        message.value = asdu.value;
    }
    message
}

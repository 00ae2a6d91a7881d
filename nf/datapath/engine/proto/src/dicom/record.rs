//! What DICOM reports.

use nf_fields::{Fields, Text, TextRef};

use super::message::{self, Associate, Command, Header};

/// Most octets of a text kept.
const MAX_TEXT: usize = 128;
/// Most octets of a title kept: one that runs over its place is kept longer.
const MAX_TITLE: usize = 512;
/// Most contexts kept.
const MAX_CONTEXTS: usize = 64;

/// A PDU, or a fragment of data in one.
#[derive(Debug, Default, Fields)]
pub struct DicomMessage<'a> {
    /// Kind: 1 associate request, 2 accept, 3 reject, 4 data, 5 and 6 release, 7 abort.
    #[field(id = 1)]
    pub pdu_type: u8,
    /// Octets of the PDU behind its header.
    #[field(id = 2)]
    pub pdu_len: u32,
    /// Version of the protocol.
    #[field(id = 3)]
    pub proto_version: Option<u16>,
    /// Title of the called application; longer than 16 when it runs over its place.
    #[field(id = 4)]
    pub called_ae_title: Option<TextRef<'a>>,
    /// Title of the calling application.
    #[field(id = 5)]
    pub calling_ae_title: Option<TextRef<'a>>,
    /// Name of the application context.
    #[field(id = 6)]
    pub application_context: Option<TextRef<'a>>,
    /// Abstract syntax of the first presentation context.
    #[field(id = 7)]
    pub presentation_context: Option<TextRef<'a>>,
    /// Longest PDU that is received.
    #[field(id = 8)]
    pub max_pdu_length: Option<u32>,
    /// Implementation.
    #[field(id = 9)]
    pub implementation_class_uid: Option<TextRef<'a>>,
    /// Octets of the fragment with its context and flags.
    #[field(id = 10)]
    pub pdv_length: Option<u32>,
    /// Presentation context of the fragment.
    #[field(id = 11)]
    pub pdv_context: Option<u8>,
    /// Bit 0: of a command, bit 1: the last one.
    #[field(id = 12)]
    pub pdv_flags: Option<u8>,
    /// Octets of the command set.
    #[field(id = 13)]
    pub command_group_length: Option<u32>,
    /// Command.
    #[field(id = 14)]
    pub command_field: Option<u16>,
    /// Name of the patient.
    #[field(id = 15)]
    pub patient_name: Option<TextRef<'a>>,
    /// How it went.
    #[field(id = 16)]
    pub status: Option<u16>,
    /// Kind of object.
    #[field(id = 17)]
    pub affected_sop_class_uid: Option<TextRef<'a>>,
    /// Number of the message.
    #[field(id = 18)]
    pub message_id: Option<u16>,
    /// Abstract syntax of the first presentation context.
    #[field(id = 19)]
    pub abstract_syntax: Option<TextRef<'a>>,
    /// First transfer syntax of the first presentation context.
    #[field(id = 20)]
    pub transfer_syntax: Option<TextRef<'a>>,
    /// Whether data follow: 257 for none.
    #[field(id = 21)]
    pub data_set_type: Option<u16>,
}

/// A presentation context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct DicomContext {
    /// Number.
    pub id: u8,
    /// What is to be done.
    pub abstract_syntax: Text,
    /// How data are encoded: what was accepted, or asked for first.
    pub transfer_syntax: Option<Text>,
    /// Answer: 0 is acceptance.
    pub result: Option<u8>,
}

/// An association with its answer, a command with its response, or the end.
#[derive(Debug, Default, Fields)]
pub struct DicomTransaction {
    /// What it is: association, command, release or abort.
    pub kind: &'static str,
    /// Title of the called application.
    pub called_ae_title: Option<Text>,
    /// Title of the calling application.
    pub calling_ae_title: Option<Text>,
    /// Whether the association was accepted; absent when there was no answer.
    pub accepted: Option<bool>,
    /// Result, source and reason of a rejection; source and reason of an abort.
    pub reason: Option<Vec<u8>>,
    /// Presentation contexts.
    pub contexts: Option<Vec<DicomContext>>,
    /// Longest PDU that the client receives.
    pub client_max_pdu_length: Option<u32>,
    /// Longest PDU that the server receives.
    pub server_max_pdu_length: Option<u32>,
    /// Implementation of the client.
    pub client_implementation: Option<Text>,
    /// Its version.
    pub client_version: Option<Text>,
    /// Implementation of the server.
    pub server_implementation: Option<Text>,
    /// Its version.
    pub server_version: Option<Text>,
    /// How the user identifies: 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JWT.
    pub identity_type: Option<u8>,
    /// Name of the user.
    pub user: Option<Text>,
    /// A passcode went by in clear.
    pub password_seen: Option<bool>,
    /// Command.
    pub command: Option<&'static str>,
    /// Its number.
    pub command_field: Option<u16>,
    /// Number of the message.
    pub message_id: Option<u16>,
    /// Presentation context.
    pub context_id: Option<u8>,
    /// Kind of object.
    pub sop_class_uid: Option<Text>,
    /// Which object.
    pub sop_instance_uid: Option<Text>,
    /// Where objects are to be moved.
    pub move_destination: Option<Text>,
    /// How it went: 0 is success.
    pub status: Option<u16>,
    /// Words of an error.
    pub error_comment: Option<Text>,
    /// Responses, pending ones and the last.
    pub responses: Option<u32>,
    /// Objects that were moved.
    pub completed: Option<u16>,
    /// Objects that could not be.
    pub failed: Option<u16>,
    /// Octets of data sets with the request.
    pub request_data: Option<u64>,
    /// Octets of data sets with the responses.
    pub response_data: Option<u64>,
    /// Time from request to the first response.
    pub response_us: Option<u64>,
    /// Time from request to the last response.
    pub duration_us: Option<u64>,
}

fn text(octets: &[u8]) -> Option<Text> {
    (!octets.is_empty()).then(|| Text::bounded(octets, MAX_TEXT))
}

fn seen(octets: &[u8]) -> Option<TextRef<'_>> {
    (!octets.is_empty()).then_some(TextRef(octets))
}

/// A PDU's header for who listens to messages.
pub fn pdu(header: &Header) -> DicomMessage<'static> {
    DicomMessage { pdu_type: header.kind, pdu_len: header.length, ..DicomMessage::default() }
}

impl<'a> DicomMessage<'a> {
    /// Adds an association's items.
    pub fn associate(self, made: &Associate<'a>) -> Self {
        let first = made.contexts.first();
        let name = first.map(|c| c.abstract_syntax).and_then(seen);
        Self {
            proto_version: Some(made.version),
            called_ae_title: seen(made.called),
            calling_ae_title: seen(made.calling),
            application_context: seen(made.application),
            presentation_context: name,
            max_pdu_length: made.max_length,
            implementation_class_uid: seen(made.class_uid),
            abstract_syntax: name,
            transfer_syntax: first
                .and_then(|c| c.transfer_syntaxes.first())
                .and_then(|name| seen(name)),
            ..self
        }
    }

    /// Adds a command.
    pub fn command(self, made: &Command<'a>) -> Self {
        Self {
            command_group_length: made.group_length,
            command_field: made.field,
            status: made.status,
            affected_sop_class_uid: seen(made.sop_class),
            message_id: made.message_id,
            data_set_type: made.data_set_type,
            ..self
        }
    }
}

impl DicomTransaction {
    /// Begins with a request for an association.
    pub fn asked(made: &Associate<'_>) -> Self {
        let contexts: Vec<_> = made
            .contexts
            .iter()
            .take(MAX_CONTEXTS)
            .map(|c| DicomContext {
                id: c.id,
                abstract_syntax: Text::bounded(c.abstract_syntax, MAX_TEXT),
                transfer_syntax: c.transfer_syntaxes.first().and_then(|name| text(name)),
                result: None,
            })
            .collect();
        // Passcodes, and names for the other kinds, are secrets.
        let is_named = matches!(made.identity, Some(1 | 2));
        Self {
            kind: "association",
            called_ae_title: Some(Text::bounded(made.called, MAX_TITLE)),
            calling_ae_title: Some(Text::bounded(made.calling, MAX_TITLE)),
            contexts: (!contexts.is_empty()).then_some(contexts),
            client_max_pdu_length: made.max_length,
            client_implementation: text(made.class_uid),
            client_version: text(made.version_name),
            identity_type: made.identity,
            user: text(made.user).filter(|_| is_named),
            password_seen: (made.identity == Some(2)).then_some(true),
            ..Self::default()
        }
    }

    /// Adds its acceptance.
    pub fn accept(&mut self, made: &Associate<'_>) {
        self.accepted = Some(true);
        self.server_max_pdu_length = made.max_length;
        self.server_implementation = text(made.class_uid);
        self.server_version = text(made.version_name);
        for context in self.contexts.iter_mut().flatten() {
            if let Some(answer) = made.contexts.iter().find(|c| c.id == context.id) {
                context.result = answer.result;
                if answer.result == Some(0) {
                    let name = answer.transfer_syntaxes.first().and_then(|name| text(name));
                    context.transfer_syntax = name.or(context.transfer_syntax.take());
                }
            }
        }
    }

    /// Begins with a command.
    pub fn command(made: &Command<'_>, context: u8) -> Self {
        let field = made.field.unwrap_or(0);
        Self {
            kind: "command",
            command: Some(message::command_word(field)),
            command_field: Some(field),
            message_id: made.message_id.or(made.responded_id),
            context_id: Some(context),
            sop_class_uid: text(made.sop_class),
            sop_instance_uid: text(made.sop_instance),
            move_destination: text(made.destination),
            ..Self::default()
        }
    }

    /// Adds a response.
    pub fn respond(&mut self, made: &Command<'_>) {
        let [_, completed, failed] = made.suboperations;
        self.status = made.status;
        self.error_comment = text(made.comment);
        self.completed = completed.or(self.completed);
        self.failed = failed.or(self.failed);
        self.responses = Some(self.responses.unwrap_or(0).saturating_add(1));
        self.sop_instance_uid = self.sop_instance_uid.take().or_else(|| text(made.sop_instance));
    }
}

//! What TDS reports: messages as they go by, and one record per prelude, login or request.

use nf_fields::{Fields, Text};

use super::message::{Answer, Login, Prelude, encryption, wide};
use crate::postgres::statement;

/// Most letters of a name or text that a record keeps.
const MAX_TEXT: usize = 256;

/// One packet.
#[derive(Debug, Default, Fields)]
pub struct TdsMessage {
    /// What the packet is: prelogin, login, sql_batch, rpc, response and so on.
    pub kind: &'static str,
    /// The client sent it.
    pub from_client: bool,
    /// It is the last of its message.
    pub last: bool,
    /// Octets of it.
    pub length: u32,
    /// Number of the packet in its message.
    pub number: u8,
}

/// A prelude, a login, or a request with its answer.
#[derive(Debug, Default, Fields)]
pub struct TdsTransaction {
    /// What it is: prelogin, login, sql_batch, rpc, bulk_load, transaction or attention.
    pub kind: &'static str,
    /// Version of the client's library (of a prelude), or of the protocol (of a login).
    pub client_version: Option<Text>,
    /// Version of the server.
    pub server_version: Option<Text>,
    /// What the server decides on encryption: login (that alone), all, unsupported, required.
    pub encryption: Option<&'static str>,
    /// Several requests may be under way at a time.
    pub mars: Option<bool>,
    /// TLS was seen inside.
    pub encrypted: Option<bool>,
    /// Host that the client runs on.
    pub host: Option<Text>,
    /// User that logs in.
    pub user: Option<Text>,
    /// A password was sent almost in clear; it is not kept.
    pub password_seen: bool,
    /// The user is known to the system already.
    pub integrated: Option<bool>,
    /// Program of the client.
    pub application_name: Option<Text>,
    /// Name of the server that is asked for.
    pub server_name: Option<Text>,
    /// Library of the client.
    pub library: Option<Text>,
    /// Database that is asked for, or used from now on.
    pub database: Option<Text>,
    /// Product that the server says it is.
    pub server_product: Option<Text>,
    /// Procedure that is called.
    pub procedure: Option<Text>,
    /// Text of the statement, at most 1,024 octets.
    pub query: Option<Text>,
    /// Whether the server did it; absent when it did not answer in clear.
    pub success: Option<bool>,
    /// Number of the error.
    pub error_code: Option<u32>,
    /// Severity of it.
    pub severity: Option<u8>,
    /// Words for it.
    pub error: Option<Text>,
    /// Octets of the request.
    pub request_length: u32,
    /// Octets of the answer.
    pub response_length: Option<u32>,
    /// Time from the request to the last of the answer.
    pub response_us: Option<u64>,
}

fn text(octets: &[u8]) -> Option<Text> {
    (!octets.is_empty()).then(|| Text::from(wide(octets, MAX_TEXT)))
}

fn version((major, minor, build): (u8, u8, u16)) -> Text {
    Text::from(format!("{major}.{minor}.{build}"))
}

impl TdsTransaction {
    /// Adds a client's prelude.
    pub(super) fn prelude(&mut self, said: &Prelude) {
        self.client_version = said.version.map(version);
    }

    /// Adds the server's answer to it.
    pub(super) fn answered_prelude(&mut self, said: &Prelude) {
        self.server_version = said.version.map(version);
        self.encryption = said.encryption.map(encryption);
        self.mars = said.mars;
        self.success = Some(true);
    }

    /// Adds a login.
    pub(super) fn login(&mut self, said: &Login<'_>) {
        // 7.0 to 7.4 stand in half octets, 8.0 does not.
        let [number, ..] = said.version.to_be_bytes();
        let (major, minor) = if number == 8 { (8, 0) } else { (number >> 4, number & 15) };
        self.client_version = Some(Text::from(format!("{major}.{minor}")));
        self.host = text(said.host);
        self.user = text(said.user);
        self.password_seen = said.password;
        self.integrated = Some(said.integrated);
        self.application_name = text(said.application);
        self.server_name = text(said.server);
        self.library = text(said.library);
        self.database = text(said.database);
    }

    /// Adds the text of a statement, of two octets a letter.
    pub(super) fn statement(&mut self, query: &[u8]) {
        let (kept, secret) = statement::kept(&wide(query, statement::MAX_STATEMENT));
        self.query = Some(kept);
        self.password_seen |= secret;
    }

    /// Adds the name of a procedure, of two octets a letter.
    pub(super) fn procedure(&mut self, name: &[u8]) {
        self.procedure = text(name);
    }

    /// Adds what an answer of so many octets says at its beginning.
    pub(super) fn answer(&mut self, said: &Answer<'_>, length: usize) {
        self.response_length = u32::try_from(length).ok();
        if let Some((product, [major, minor, high, low])) = said.accepted {
            self.server_product = text(product);
            let build = u16::from_be_bytes([high, low]);
            self.server_version = Some(version((major, minor, build)));
        }
        self.database = said.database.and_then(text).or(self.database.take());
        self.success = Some(said.error.is_none());
        if let Some((number, _, severity, words)) = said.error {
            self.error_code = Some(number);
            self.severity = Some(severity);
            self.error = text(words);
        }
    }
}

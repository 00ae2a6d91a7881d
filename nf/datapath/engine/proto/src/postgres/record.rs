//! What PostgreSQL reports: messages as they go by, and one record per start, statement or request.

use nf_fields::{Fields, Text, TextRef};

use super::message::{Complaint, parameters};
use super::statement;

/// Most octets of a name or text that a record keeps.
const MAX_TEXT: usize = 256;

/// One message.
#[derive(Debug, Default, Fields)]
pub struct PostgresMessage<'a> {
    /// What the message is: startup, query, parse, data_row, error and so on.
    pub kind: &'static str,
    /// The client sent it.
    pub from_client: bool,
    /// Octets of it.
    pub length: u32,
    /// Text of a query or of a statement that is prepared; not shown where it holds a password.
    pub query: Option<TextRef<'a>>,
    /// What the server did.
    pub command_tag: Option<TextRef<'a>>,
    /// Code of an error or notice.
    pub sqlstate: Option<TextRef<'a>>,
    /// Words of an error or notice.
    pub error: Option<TextRef<'a>>,
}

/// The start of a session, a statement, or another request of the client.
#[derive(Debug, Default, Fields)]
pub struct PostgresTransaction {
    /// What it is: startup, ssl, gss, cancel, query (simple), execute (prepared), parse, bind,
    /// describe, close (of these only what failed) or function_call.
    pub kind: &'static str,
    /// Protocol version that the client begins with.
    pub protocol_version: Option<Text>,
    /// User that logs in.
    pub user: Option<Text>,
    /// Database.
    pub database: Option<Text>,
    /// What the client calls itself.
    pub application_name: Option<Text>,
    /// Connection for replication, as asked for.
    pub replication: Option<Text>,
    /// How the server asks the user to prove who they are: none, password, md5, sasl, gss, sspi.
    pub auth_method: Option<&'static str>,
    /// Mechanism of SASL that the client chose.
    pub auth_mechanism: Option<Text>,
    /// A password was sent in clear, or stands in the statement; it is not kept.
    pub password_seen: bool,
    /// The server let the user in.
    pub authenticated: Option<bool>,
    /// Version of the server.
    pub server_version: Option<Text>,
    /// Process of the server that a connection has, or that is to be cancelled.
    pub process_id: Option<u32>,
    /// The server takes up the encryption that was asked for.
    pub encrypted: Option<bool>,
    /// Text of the statement, at most 1,024 octets.
    pub query: Option<Text>,
    /// Name of the prepared statement.
    pub statement: Option<Text>,
    /// What the server did, in its words; of the last of several statements.
    pub command_tag: Option<Text>,
    /// Statements that were carried out.
    pub statements: Option<u32>,
    /// Columns of the rows.
    pub columns: Option<u16>,
    /// Rows that were returned.
    pub rows: Option<u64>,
    /// Octets of these, or of what was copied.
    pub data_length: Option<u64>,
    /// Severity of what went wrong.
    pub severity: Option<Text>,
    /// Code of it.
    pub sqlstate: Option<Text>,
    /// Words for it.
    pub error: Option<Text>,
    /// After it the session is idle, in a transaction, or in one that failed.
    pub transaction_status: Option<&'static str>,
    /// Time from the request to the last of its answer.
    pub response_us: Option<u64>,
    /// Its answer was seen.
    pub complete: bool,
}

pub(super) fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

impl PostgresTransaction {
    /// Adds what a client says of itself; false when it is malformed.
    pub(super) fn startup(&mut self, version: u32, body: &[u8]) -> bool {
        self.protocol_version = Some(Text::from(format!("{}.{}", version >> 16, version & 0xffff)));
        let Some(found) = parameters(body) else {
            return false;
        };
        for (name, value) in found {
            let slot = match name {
                b"user" => &mut self.user,
                b"database" => &mut self.database,
                b"application_name" => &mut self.application_name,
                b"replication" => &mut self.replication,
                _ => continue,
            };
            *slot = Some(text(value));
        }
        true
    }

    /// Adds the text of a statement.
    pub(super) fn statement(&mut self, query: &[u8]) {
        let (kept, secret) = statement::kept(query);
        self.query = Some(kept);
        self.password_seen |= secret;
    }

    /// Adds what went wrong.
    pub(super) fn complain(&mut self, said: &Complaint<'_>) {
        self.severity = Some(text(said.severity));
        self.sqlstate = Some(text(said.code));
        self.error = Some(text(said.message));
    }

    /// Counts octets of data, and a row if they are one.
    pub(super) fn data(&mut self, octets: usize, row: bool) {
        let length = self.data_length.get_or_insert(0);
        *length = length.saturating_add(octets as u64);
        if row {
            let rows = self.rows.get_or_insert(0);
            *rows = rows.saturating_add(1);
        }
    }
}

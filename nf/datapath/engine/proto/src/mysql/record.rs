//! What MySQL reports: packets that say something, and one record per login or command.

use nf_fields::{Fields, Text, TextRef};

use super::message::{Done, Greeting, Login, capability};
use crate::postgres::statement;

/// Most octets of a name or text that a record keeps.
const MAX_TEXT: usize = 256;

/// A greeting, a login, a command, or the end of an answer.
#[derive(Debug, Default, Fields)]
pub struct MysqlMessage<'a> {
    /// What the packet is: greeting, tls_request, login, command, ok, end or error.
    pub kind: &'static str,
    /// Number of the packet in its exchange.
    pub sequence: u8,
    /// Octets of the packet behind its header.
    pub length: u32,
    /// Command, in words.
    pub command: Option<&'static str>,
    /// Text of a statement; not shown where it holds a password.
    pub query: Option<TextRef<'a>>,
    /// Version of the server.
    pub server_version: Option<TextRef<'a>>,
    /// User that logs in.
    pub user: Option<TextRef<'a>>,
    /// Number of an error.
    pub error_code: Option<u16>,
    /// Words of an error.
    pub error: Option<TextRef<'a>>,
}

/// A login, or a command and its answer.
#[derive(Debug, Default, Fields)]
pub struct MysqlTransaction {
    /// What it is: login, or the command: query, prepare, execute, init_db, ping and so on.
    pub command: &'static str,
    /// Protocol version of the server's greeting.
    pub protocol_version: Option<u8>,
    /// Version of the server.
    pub server_version: Option<Text>,
    /// The server is a MariaDB.
    pub mariadb: Option<bool>,
    /// Number the server gives the connection.
    pub connection_id: Option<u32>,
    /// User that logs in.
    pub user: Option<Text>,
    /// Database that is asked for.
    pub database: Option<Text>,
    /// How the user proves who they are.
    pub auth_method: Option<Text>,
    /// A password was sent in clear, or stands in the statement; it is not kept.
    pub password_seen: bool,
    /// The client turns to TLS.
    pub encrypted: Option<bool>,
    /// What follows the login is compressed, and not read.
    pub compressed: Option<bool>,
    /// Library of the client.
    pub client_name: Option<Text>,
    /// Version of it.
    pub client_version: Option<Text>,
    /// Program that uses it.
    pub program_name: Option<Text>,
    /// Text of the statement, at most 1,024 octets.
    pub query: Option<Text>,
    /// Number of the prepared statement.
    pub statement_id: Option<u32>,
    /// Whether the server did it; absent when it did not answer.
    pub success: Option<bool>,
    /// Number of the error.
    pub error_code: Option<u16>,
    /// State of it.
    pub sqlstate: Option<Text>,
    /// Words for it.
    pub error: Option<Text>,
    /// Rows that were changed.
    pub affected_rows: Option<u64>,
    /// Number given to the first row that was added.
    pub insert_id: Option<u64>,
    /// Columns of the last set of rows.
    pub columns: Option<u64>,
    /// Parameters of a statement that is prepared.
    pub parameters: Option<u16>,
    /// Rows that were returned.
    pub rows: Option<u64>,
    /// Sets of rows, or answers without rows.
    pub results: Option<u32>,
    /// Octets of the rows.
    pub data_length: Option<u64>,
    /// Warnings.
    pub warnings: Option<u16>,
    /// Time from the command, or the greeting, to the last of the answer.
    pub response_us: Option<u64>,
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

impl MysqlTransaction {
    /// Adds the server's greeting.
    pub(super) fn greeting(&mut self, said: &Greeting<'_>) {
        self.protocol_version = Some(said.protocol);
        self.server_version = Some(text(said.version));
        let named = memchr::memmem::find(said.version, b"MariaDB").is_some();
        // A server that is no MySQL leaves its bit out.
        let other = said.protocol == 10 && said.capabilities & capability::MYSQL == 0;
        self.mariadb = Some(named || other);
        self.connection_id = Some(said.connection);
        self.auth_method = said.plugin.map(text);
    }

    /// Adds the client's answer to it.
    pub(super) fn login(&mut self, said: &Login<'_>) {
        if said.asks_tls {
            self.encrypted = Some(true);
            return;
        }
        self.encrypted.get_or_insert(false);
        self.user = Some(text(said.user));
        self.database = said.database.map(text);
        if let Some(plugin) = said.plugin {
            self.auth_method = Some(text(plugin));
        }
        let packs = said.capabilities & (capability::COMPRESS | capability::ZSTD) != 0;
        self.compressed = Some(packs);
        for (name, value) in &said.attributes {
            match *name {
                b"_client_name" => self.client_name = Some(text(value)),
                b"_client_version" => self.client_version = Some(text(value)),
                b"program_name" => self.program_name = Some(text(value)),
                _ => {}
            }
        }
    }

    /// Adds the method that the server asks for instead.
    pub(super) fn method(&mut self, plugin: &[u8]) {
        self.auth_method = Some(text(plugin));
    }

    /// Whether the client's next packet is its password in clear.
    pub(super) fn asks_password(&self) -> bool {
        self.auth_method.as_ref().is_some_and(|m| m.as_bytes() == b"mysql_clear_password")
    }

    /// Adds the text of a statement.
    pub(super) fn statement(&mut self, query: &[u8]) {
        let (kept, secret) = statement::kept(query);
        self.query = Some(kept);
        self.password_seen |= secret;
    }

    /// Adds the name of a database.
    pub(super) fn name(&mut self, database: &[u8]) {
        self.database = Some(text(database));
    }

    /// Adds what ends an answer well.
    pub(super) fn done(&mut self, done: &Done) {
        self.success = Some(true);
        self.affected_rows = done.affected.or(self.affected_rows);
        self.insert_id = done.insert_id.filter(|&id| id != 0).or(self.insert_id);
        self.warnings = Some(done.warnings);
        let results = self.results.get_or_insert(0);
        *results = results.saturating_add(1);
    }

    /// Adds what went wrong.
    pub(super) fn failed(&mut self, code: u16, state: Option<&[u8]>, words: &[u8]) {
        self.success = Some(false);
        self.error_code = Some(code);
        self.sqlstate = state.map(text);
        self.error = Some(text(words));
    }

    /// Counts a row.
    pub(super) fn row(&mut self, octets: usize) {
        let rows = self.rows.get_or_insert(0);
        *rows = rows.saturating_add(1);
        let length = self.data_length.get_or_insert(0);
        *length = length.saturating_add(octets as u64);
    }
}

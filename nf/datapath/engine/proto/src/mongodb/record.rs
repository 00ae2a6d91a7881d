//! What MongoDB reports: messages as they go by, and one record per operation with its answer.

use nf_fields::{Fields, Text, TextRef};

use super::bson::{self, Elements, Value};
use super::message::{Said, command};

/// Most octets of a text that a record keeps.
const MAX_TEXT: usize = 256;

/// One message.
#[derive(Debug, Default, Fields)]
pub struct MongodbMessage<'a> {
    /// Operation: msg, query, reply, compressed and so on.
    pub operation: &'static str,
    /// Octets of the message.
    pub length: u32,
    /// Number of the message.
    pub request_id: u32,
    /// Number of the message that it answers.
    pub response_to: u32,
    /// Command.
    pub command: Option<TextRef<'a>>,
    /// Database and collection, as old operations have them.
    pub collection: Option<TextRef<'a>>,
}

/// An operation and its answer.
#[derive(Debug, Default, Fields)]
pub struct MongodbTransaction {
    /// Operation of the request: msg, query, insert and so on.
    pub operation: &'static str,
    /// Number of the request.
    pub request_id: u32,
    /// Command.
    pub command: Option<Text>,
    /// Database.
    pub database: Option<Text>,
    /// Collection.
    pub collection: Option<Text>,
    /// Program of the client, as it names itself.
    pub application_name: Option<Text>,
    /// Driver of the client.
    pub driver_name: Option<Text>,
    /// Version of it.
    pub driver_version: Option<Text>,
    /// How a user logs in.
    pub auth_mechanism: Option<Text>,
    /// A password was sent in clear; it is not kept.
    pub password_seen: bool,
    /// How the request is compressed; it is not read then.
    pub compressor: Option<&'static str>,
    /// Documents that came with the request.
    pub documents: u64,
    /// Octets of the request.
    pub request_length: u32,
    /// Octets of the answer.
    pub response_length: Option<u32>,
    /// Whether the server did it; absent when it did not say.
    pub success: Option<bool>,
    /// Number of the error.
    pub error_code: Option<u32>,
    /// Name of the error.
    pub error_name: Option<Text>,
    /// Words for it.
    pub error: Option<Text>,
    /// Documents that were changed or counted.
    pub affected: Option<u64>,
    /// Documents that were returned.
    pub returned: Option<u64>,
    /// Version of the server.
    pub server_version: Option<Text>,
    /// Version of the protocol that the server speaks.
    pub max_wire_version: Option<u32>,
    /// Time from request to answer.
    pub response_us: Option<u64>,
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

fn compressor(id: u8) -> &'static str {
    match id {
        0 => "noop",
        1 => "snappy",
        2 => "zlib",
        3 => "zstd",
        _ => "unknown",
    }
}

fn nested<'a>(document: &'a [u8], name: &[u8]) -> Option<Value<'a>> {
    Elements::of(document).find(|(known, _)| *known == name).map(|(_, value)| value)
}

impl MongodbTransaction {
    /// Adds what a request says.
    pub(super) fn ask(&mut self, said: &Said<'_>) {
        self.documents = said.documents;
        self.compressor = said.compressor.map(compressor);
        if let Some(full) = said.collection {
            let dot = memchr::memchr(b'.', full).unwrap_or(full.len());
            self.database = full.get(..dot).map(text);
            let name = full.get(dot.saturating_add(1)..).unwrap_or_default();
            self.collection = (name != b"$cmd" && !name.is_empty()).then(|| text(name));
            if name != b"$cmd" {
                return;
            }
        }
        let Some((name, about)) = command(said.document) else {
            return;
        };
        self.command = Some(text(name));
        self.collection = about.map(text).or(self.collection.take());
        for (name, value) in Elements::of(said.document) {
            match (name, value) {
                (b"$db", Value::Text(name)) => self.database = Some(text(name)),
                (b"collection", Value::Text(name)) => self.collection = Some(text(name)),
                (b"mechanism", Value::Text(name)) => {
                    self.password_seen |= name == b"PLAIN";
                    self.auth_mechanism = Some(text(name));
                }
                (b"pwd", Value::Text(_)) => self.password_seen = true,
                (b"client", Value::Document(client)) => self.client(client),
                (b"documents" | b"updates" | b"deletes", Value::Document(rows)) => {
                    self.documents = bson::count(rows).unwrap_or(self.documents);
                }
                _ => {}
            }
        }
    }

    fn client(&mut self, client: &[u8]) {
        let part = |name: &[u8], inner: &[u8]| {
            let part = nested(client, name)?.document()?;
            nested(part, inner)?.text().map(text)
        };
        self.application_name = part(b"application", b"name");
        self.driver_name = part(b"driver", b"name");
        self.driver_version = part(b"driver", b"version");
    }

    /// Adds what an answer says.
    pub(super) fn answer(&mut self, said: &Said<'_>, length: usize) {
        self.response_length = u32::try_from(length).ok();
        for (name, value) in Elements::of(said.document) {
            match (name, value) {
                (b"ok", Value::Number(ok)) => self.success = Some(ok != 0.0),
                (b"code", value) => {
                    self.error_code = value.count().and_then(|code| u32::try_from(code).ok());
                }
                (b"codeName", Value::Text(name)) => self.error_name = Some(text(name)),
                (b"errmsg" | b"$err", Value::Text(words)) => {
                    self.error = Some(text(words));
                    self.success.get_or_insert(false);
                }
                (b"n", value) => self.affected = value.count(),
                (b"version", Value::Text(version)) => self.server_version = Some(text(version)),
                (b"maxWireVersion", value) => {
                    self.max_wire_version = value.count().and_then(|v| u32::try_from(v).ok());
                }
                (b"cursor", Value::Document(cursor)) => {
                    let batch = nested(cursor, b"firstBatch").or(nested(cursor, b"nextBatch"));
                    self.returned = batch.and_then(Value::document).and_then(bson::count);
                }
                (b"writeErrors", Value::Document(errors)) => {
                    let first = nested(errors, b"0").and_then(Value::document).unwrap_or_default();
                    self.error = nested(first, b"errmsg").and_then(Value::text).map(text);
                    let code = nested(first, b"code").and_then(Value::count);
                    self.error_code = code.and_then(|code| u32::try_from(code).ok());
                }
                _ => {}
            }
        }
        // An answer to a query of old has no such mark.
        if self.operation == "query" && self.command.is_none() {
            self.returned = Some(said.documents);
            self.success.get_or_insert(true);
        }
    }
}

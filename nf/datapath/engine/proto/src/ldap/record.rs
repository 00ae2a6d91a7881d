//! What LDAP reports: messages as they go by, and one record per request.

use nf_fields::{Fields, Text, TextRef};

use crate::ntlm::Ntlm;

/// One message.
#[derive(Debug, Default, Fields)]
pub struct LdapMessage<'a> {
    /// Number that ties answers to their request.
    pub message_id: u32,
    /// What it is, as the standard's word: `bind_request`, `search_result_entry`…
    pub operation: &'static str,
    /// Entry it is about: base of a search, name of a login, entry of a result.
    pub object: Option<TextRef<'a>>,
    /// Version of the protocol that a login asks for.
    pub version: Option<u32>,
    /// Filter of a search, as RFC 4515 writes it.
    pub filter: Option<TextRef<'a>>,
    /// Object identifier of an extended operation.
    pub oid: Option<TextRef<'a>>,
    /// Result code.
    pub result_code: Option<u32>,
    /// What the server says of the result.
    pub diagnostic: Option<TextRef<'a>>,
}

/// A request with its result.
#[derive(Debug, Default, Fields)]
pub struct LdapTransaction {
    /// Number that ties answers to their request.
    pub message_id: u32,
    /// What was asked, as the standard's word: `bind_request`, `search_request`…
    pub operation: &'static str,
    /// Entry it is about: base of a search, name of a login.
    pub object: Option<Text>,
    /// Version of the protocol that a login asks for.
    pub version: Option<u32>,
    /// How a login is made: `anonymous`, `simple` or `sasl`.
    pub auth: Option<&'static str>,
    /// Mechanism of SASL.
    pub auth_mechanism: Option<Text>,
    /// A login by NTLM, as far as it went.
    pub ntlm: Option<Ntlm>,
    /// A password, or a token that can be used again, was sent without encryption.
    pub clear_text: bool,
    /// Scope of a search: `base`, `one`, `sub` or `children`.
    pub scope: Option<&'static str>,
    /// When a search follows aliases: `never`, `searching`, `finding` or `always`.
    pub deref_aliases: Option<&'static str>,
    /// Most entries that a search wants; 0 for any number.
    pub size_limit: Option<u32>,
    /// Most seconds that a search may take; 0 for any number.
    pub time_limit: Option<u32>,
    /// A search wants no values.
    pub types_only: Option<bool>,
    /// Filter of a search, as RFC 4515 writes it.
    pub filter: Option<Text>,
    /// Attributes that a search wants, or the one that is compared; the first 32.
    pub attributes: Vec<Text>,
    /// Number of changes, or of attributes that are added.
    pub changes: Option<u32>,
    /// New name of an entry that is renamed.
    pub new_name: Option<Text>,
    /// New place of an entry that is moved.
    pub new_superior: Option<Text>,
    /// Request that is abandoned.
    pub abandoned_id: Option<u32>,
    /// Object identifier of an extended operation.
    pub oid: Option<Text>,
    /// Object identifiers of controls, the first 32.
    pub controls: Vec<Text>,
    /// Result code; absent when there was no answer.
    pub result_code: Option<u32>,
    /// Its word, where the standard has one.
    pub result: Option<&'static str>,
    /// What of the name the server knows.
    pub matched: Option<Text>,
    /// What the server says of the result.
    pub diagnostic: Option<Text>,
    /// Entries found.
    pub entries: u32,
    /// References to other servers.
    pub references: u32,
    /// Microseconds from the request to the first answer.
    pub response_us: Option<u64>,
    /// Microseconds from the request to its result.
    pub duration_us: Option<u64>,
}

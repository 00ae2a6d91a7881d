//! What Kerberos reports: messages as they go by, and one record per request with its answer.

use nf_fields::{Fields, Text, TextRef, Timestamp};

/// A message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct KerberosMessage<'a> {
    /// Kind of message: KRB_AS_REQ…
    pub msg_type: Option<&'static str>,
    /// Its number.
    pub msg_type_id: u8,
    /// Name of the client.
    pub cname: Option<TextRef<'a>>,
    /// Realm.
    pub realm: Option<TextRef<'a>>,
    /// Name of the service.
    pub sname: Option<TextRef<'a>>,
    /// Error.
    pub error_code: Option<u32>,
    /// Encryption of the part for the client.
    pub encryption: Option<&'static str>,
}

/// A request with its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct KerberosTransaction {
    /// AS, TGS or AP.
    pub request_type: Option<&'static str>,
    /// Kind of the answer: KRB_AS_REP, KRB_TGS_REP, KRB_AP_REP or KRB_ERROR; absent when there was
    /// none.
    pub msg_type: Option<&'static str>,
    /// Client with its realm: `user/REALM`.
    pub client: Option<Text>,
    /// Name of the client.
    pub cname: Option<Text>,
    /// Realm asked.
    pub realm: Option<Text>,
    /// Service the ticket is for.
    pub service: Option<Text>,
    /// The ticket was given; absent when there was no answer.
    pub success: Option<bool>,
    /// Number of the error.
    pub error_code: Option<u32>,
    /// Name of the error.
    pub error_msg: Option<Text>,
    /// What the server says of it.
    pub error_text: Option<Text>,
    /// Begin of validity asked for.
    pub from: Option<Timestamp>,
    /// End of validity asked for.
    pub till: Option<Timestamp>,
    /// The ticket may be forwarded, as asked.
    pub forwardable: Option<bool>,
    /// The ticket may be renewed, as asked.
    pub renewable: Option<bool>,
    /// Encryption types the client offers, best first.
    pub ciphers: Option<Vec<Text>>,
    /// Kinds of pre-authentication of the request: 2 an encrypted time, 16 a certificate.
    pub preauth: Option<Vec<u32>>,
    /// Encryption of the answer's part for the client.
    pub encryption: Option<Text>,
    /// Encryption of the ticket.
    pub ticket_encryption: Option<Text>,
    /// One of these is held to be broken.
    pub weak_encryption: Option<bool>,
    /// Time from request to answer.
    pub response_us: Option<u64>,
}

//! What is reported: messages, and transactions made of a query and its response.

use nf_fields::{Binary, Fields, Text};

use super::edns::Edns;

/// A question.
#[derive(Clone, Debug, Fields)]
pub struct QuestionRecord {
    /// Name asked for, small letters.
    pub name: Text,
    /// Type asked for, such as A.
    #[field(name = "type")]
    pub kind: Text,
    /// Class asked for, mostly IN.
    pub class: Text,
    /// mDNS: the asker wants the answer sent to itself only.
    pub unicast: Option<bool>,
}

/// A resource record.
#[derive(Clone, Debug, Fields)]
pub struct ResourceRecord {
    /// Owner, small letters.
    pub name: Text,
    /// Type, such as A.
    #[field(name = "type")]
    pub kind: Text,
    /// Class where it is not IN.
    pub class: Option<Text>,
    /// For how many seconds it may be remembered.
    pub ttl: u32,
    /// Its data as a zone file has it.
    pub data: Text,
    /// mDNS: it replaces what was remembered of the name.
    pub cache_flush: Option<bool>,
}

/// One message, as filters and events see it: the header's bits as numbers, as MMT has them.
#[derive(Debug, Fields)]
pub struct DnsMessage {
    /// Ties a response to its query.
    #[field(id = 1, alias = "tid")]
    pub id: u16,
    /// 0 in a query, 1 in a response.
    #[field(id = 2)]
    pub qr: u16,
    /// Operation: 0 query, 4 notify, 5 update.
    #[field(id = 3)]
    pub opcode: u16,
    /// Answered by an authority of the zone (LLMNR: conflict).
    #[field(id = 4)]
    pub aa: u16,
    /// Cut to fit its datagram.
    #[field(id = 5)]
    pub tc: u16,
    /// Recursion is desired (LLMNR: tentative).
    #[field(id = 6)]
    pub rd: u16,
    /// Recursion is available.
    #[field(id = 7)]
    pub ra: u16,
    /// Reserved; zero in sound messages.
    #[field(id = 8)]
    pub z: u16,
    /// The data is authentic, says the server.
    #[field(id = 9, alias = "ans_auth")]
    pub ad: u16,
    /// Checking is disabled: data need not be authentic.
    #[field(id = 10, alias = "data_auth")]
    pub cd: u16,
    /// Response code, the header's four bits.
    #[field(id = 11)]
    pub rcode: u16,
    /// Questions, by the header.
    #[field(id = 12)]
    pub qdcount: u16,
    /// Answers, by the header.
    #[field(id = 13)]
    pub ancount: u16,
    /// Authority records, by the header.
    #[field(id = 14)]
    pub nscount: u16,
    /// Additional records, by the header.
    #[field(id = 15)]
    pub arcount: u16,
    /// The questions.
    #[field(id = 16)]
    pub queries: Vec<QuestionRecord>,
    /// The answers.
    #[field(id = 17)]
    pub answers: Vec<ResourceRecord>,
    /// The authority records.
    #[field(id = 18, alias = "auth_records")]
    pub authorities: Vec<ResourceRecord>,
    /// The additional records, without EDNS's own.
    pub additionals: Vec<ResourceRecord>,
    /// The extension mechanism's parameters.
    pub edns: Option<Edns>,
}

/// A query and its response; either may be missing.
#[derive(Debug, Default, Fields)]
pub struct DnsTransaction {
    /// Ties the response to its query.
    pub id: u16,
    /// Name asked for, small letters (UPDATE: the zone).
    pub qname: Option<Text>,
    /// Type asked for, such as A.
    pub qtype: Option<Text>,
    /// Class asked for, mostly IN.
    pub qclass: Option<Text>,
    /// All questions where there are several.
    pub queries: Option<Vec<QuestionRecord>>,
    /// Operation, mostly QUERY.
    pub opcode: Text,
    /// Response code, such as NOERROR; absent when there was no response.
    pub rcode: Option<Text>,
    /// Answered by an authority of the zone.
    pub aa: Option<bool>,
    /// The response was cut to fit its datagram.
    pub tc: Option<bool>,
    /// Recursion is desired.
    pub rd: Option<bool>,
    /// Recursion is available.
    pub ra: Option<bool>,
    /// The data is authentic, says the server.
    pub ad: Option<bool>,
    /// Checking is disabled: data need not be authentic.
    pub cd: Option<bool>,
    /// LLMNR: several hosts claim the name.
    pub conflict: Option<bool>,
    /// LLMNR: the responder is not yet sure that the name is its own.
    pub tentative: Option<bool>,
    /// Answers of the response; of a NOTIFY query: what is new.
    pub answers: Option<Vec<ResourceRecord>>,
    /// Authority records of the response; of an UPDATE query: the changes.
    pub authorities: Option<Vec<ResourceRecord>>,
    /// Additional records of the response, without EDNS's own.
    pub additionals: Option<Vec<ResourceRecord>>,
    /// The query's extension parameters, with the response's beside them.
    pub edns: Option<Edns>,
    /// How often the query was sent again before its response.
    pub retransmissions: Option<u32>,
    /// Messages of the response where there are several (zone transfers).
    pub response_messages: Option<u32>,
    /// Time from query to response.
    pub response_us: Option<u64>,
    /// Octets of the query.
    pub query_length: Option<u32>,
    /// Octets of the response; of all its messages in a zone transfer.
    pub response_length: Option<u32>,
}

/// Most octets kept of an option's value.
pub const MAX_OPTION: usize = 64;

/// Octets of an option, bounded.
pub fn option_octets(value: &[u8]) -> Binary {
    Binary::bounded(value, MAX_OPTION)
}

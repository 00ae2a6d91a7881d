//! What NetBIOS reports: messages as they go by, and one record per question, datagram and session.

use std::net::IpAddr;

use nf_fields::{Fields, Mac, Text, TextRef};

/// A message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct NetbiosMessage<'a> {
    /// Which service: name, datagram or session.
    pub service: &'static str,
    /// What it does: query, registration, release, wack, refresh, direct_group, request…
    pub operation: &'static str,
    /// It is a response.
    pub is_response: bool,
    /// Number that ties an answer to its question.
    pub transaction_id: Option<u16>,
    /// Name it is about; of a datagram or session, whom it is for.
    pub name: Option<TextRef<'a>>,
    /// Who sends a datagram or begins a session.
    pub source_name: Option<TextRef<'a>>,
    /// Code of a refusal.
    pub code: Option<u8>,
}

/// A name in a host's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct NetbiosName {
    /// The name.
    pub name: Text,
    /// Its last octet.
    pub suffix: u8,
    /// What that stands for.
    pub service: &'static str,
    /// It is the name of a group.
    pub group: bool,
}

/// A question with its answer, a datagram, or the set-up of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct NetbiosTransaction {
    /// Which service: name, datagram or session.
    pub service: &'static str,
    /// What is asked: query, status, registration, release, refresh, unique, group, broadcast,
    /// session_request…
    pub operation: &'static str,
    /// Number that ties an answer to its question.
    pub transaction_id: Option<u16>,
    /// Name it is about; of a datagram or session, whom it is for.
    pub name: Option<Text>,
    /// Last octet of the name.
    pub suffix: Option<u8>,
    /// What that stands for.
    pub name_service: Option<&'static str>,
    /// Who sends a datagram or begins a session.
    pub source_name: Option<Text>,
    /// It was sent to all.
    pub broadcast: Option<bool>,
    /// Code of the answer: 0 is success; of a session refused, 0x80 to 0x8f.
    pub code: Option<u8>,
    /// Addresses of the name.
    pub addresses: Option<Vec<IpAddr>>,
    /// The name is a group's.
    pub group: Option<bool>,
    /// Seconds for which the answer holds.
    pub lifetime_s: Option<u32>,
    /// Names of a host's status.
    pub names: Option<Vec<NetbiosName>>,
    /// Hardware address of a host's status.
    pub mac: Option<Mac>,
    /// Mailslot of a datagram.
    pub mailslot: Option<Text>,
    /// What a datagram to the browser says.
    pub browser_command: Option<&'static str>,
    /// Host or domain that announces itself.
    pub announced: Option<Text>,
    /// Version of its system.
    pub announced_version: Option<Text>,
    /// Its roles, as a mask.
    pub announced_roles: Option<u32>,
    /// Its remark.
    pub remark: Option<Text>,
    /// The session was accepted; absent when there was no answer.
    pub accepted: Option<bool>,
    /// Octets of a datagram's content.
    pub length: Option<u32>,
    /// Time from question to answer.
    pub response_us: Option<u64>,
}

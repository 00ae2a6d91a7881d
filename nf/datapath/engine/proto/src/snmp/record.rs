//! What is reported: each message, and a request with its response.

use std::net::Ipv4Addr;

use nf_fields::{Binary, BinaryRef, Fields, Text, TextRef};

use super::ber;
use super::message::{self, Message, Pdu};

/// Most octets kept of a name or an engine's identifier.
const MAX_TEXT: usize = 255;

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct SnmpMessage<'a> {
    /// Version: 1, 2 (for 2c) or 3.
    pub version: u8,
    /// A community, the password of versions 1 and 2c, goes in clear; it is not kept.
    pub community_seen: bool,
    /// What it asks or tells, such as get_request or trap_v2; absent when encrypted.
    pub pdu_type: Option<&'static str>,
    /// Number that ties a response to its request.
    pub request_id: Option<i64>,
    /// Error status of a response.
    pub error_status: Option<i64>,
    /// Which variable the error is about, from 1.
    pub error_index: Option<i64>,
    /// How many variables it has.
    pub variables: Option<u32>,
    /// Names of the first variables.
    pub oids: Option<Vec<Text>>,
    /// Version 3: number of the message.
    pub message_id: Option<i64>,
    /// Version 3: the longest message its sender can receive.
    pub max_size: Option<i64>,
    /// Version 3: security model; 3 is the user-based one.
    pub security_model: Option<i64>,
    /// Version 3: it is authenticated.
    pub authenticated: Option<bool>,
    /// Version 3: what it asks or tells is encrypted.
    pub encrypted: Option<bool>,
    /// Version 3: user in whose name it is sent.
    pub user: Option<TextRef<'a>>,
    /// Version 3: engine that knows time and keys.
    pub engine_id: Option<BinaryRef<'a>>,
    /// Version 3: how often that engine was started.
    pub engine_boots: Option<i64>,
    /// Version 3: seconds since it was started.
    pub engine_time: Option<i64>,
    /// Version 3: context of the variables.
    pub context_name: Option<TextRef<'a>>,
}

/// A request with its response, or a notification.
#[derive(Debug, Default, Fields)]
pub struct SnmpTransaction {
    /// Version: 1, 2 (for 2c) or 3.
    pub version: u8,
    /// What is asked or told, such as get_request or trap_v2; absent when encrypted.
    pub pdu_type: Option<&'static str>,
    /// Number that ties the response to the request.
    pub request_id: Option<i64>,
    /// A community, the password of versions 1 and 2c, goes in clear; it is not kept.
    pub community_seen: bool,
    /// Version 3: user in whose name it is sent.
    pub usm: Option<Text>,
    /// Version 3: it is authenticated.
    pub authenticated: Option<bool>,
    /// Version 3: what is asked or told is encrypted.
    pub encrypted: Option<bool>,
    /// Version 3: engine that knows time and keys, of the response where there is one.
    pub engine_id: Option<Binary>,
    /// Version 3: context of the variables.
    pub context_name: Option<Text>,
    /// How many variables it has.
    pub variables: Option<u32>,
    /// Names of its first variables.
    pub vars: Option<Vec<Text>>,
    /// Bulk request: how many variables are asked for once only.
    pub non_repeaters: Option<i64>,
    /// Bulk request: how often the others are asked for.
    pub max_repetitions: Option<i64>,
    /// Trap of version 1: what happened.
    pub trap_type: Option<&'static str>,
    /// Trap of version 1: the sender's own number for it.
    pub trap_specific: Option<i64>,
    /// Notification: what happened, or who says so (version 1).
    pub trap_oid: Option<Text>,
    /// Trap of version 1: address of the agent.
    pub trap_address: Option<Ipv4Addr>,
    /// What answers: response or report.
    pub response_type: Option<&'static str>,
    /// Error of the response.
    pub error: Option<&'static str>,
    /// Which variable the error is about, from 1.
    pub error_index: Option<i64>,
    /// How many variables the response has.
    pub response_variables: Option<u32>,
    /// Names of the response's first variables.
    pub response_vars: Option<Vec<Text>>,
    /// Octets of the request.
    pub request_length: Option<u32>,
    /// Octets of the response.
    pub response_length: Option<u32>,
    /// Time from request to response.
    pub response_us: Option<u64>,
}

fn names(pdu: &Pdu<'_>) -> Option<Vec<Text>> {
    (!pdu.names.is_empty()).then(|| pdu.names.iter().map(|name| oid(name)).collect())
}

/// An object identifier in dots, or nothing where its octets are not one.
fn oid(octets: &[u8]) -> Text {
    Text::from(ber::dotted(octets).unwrap_or_default())
}

fn length(message: &Message<'_>) -> Option<u32> {
    u32::try_from(message.length).ok()
}

impl<'a> SnmpMessage<'a> {
    /// The message as filters see it.
    pub fn of(m: &Message<'a>) -> Self {
        let mut seen = Self { version: m.version, community_seen: m.community, ..Self::default() };
        if let Some(pdu) = &m.pdu {
            seen.pdu_type = Some(message::kind(pdu.tag));
            seen.variables = Some(pdu.variables);
            seen.oids = names(pdu);
            if pdu.trap.is_none() {
                seen.request_id = Some(pdu.request);
            }
            if matches!(pdu.tag, message::RESPONSE | message::REPORT) {
                seen.error_status = Some(pdu.status);
                seen.error_index = Some(pdu.index);
            }
        }
        if let Some(s) = &m.security {
            seen.message_id = Some(s.id);
            seen.max_size = Some(s.max_size);
            seen.security_model = Some(s.model);
            seen.authenticated = Some(s.authenticated());
            seen.encrypted = Some(s.encrypted());
            seen.user = Some(TextRef(s.user));
            seen.engine_id = Some(BinaryRef(s.engine));
            seen.engine_boots = s.boots;
            seen.engine_time = s.time;
            seen.context_name = (!s.encrypted()).then_some(TextRef(s.context));
        }
        seen
    }
}

impl SnmpTransaction {
    /// A request or notification.
    pub fn asked(m: &Message<'_>) -> Self {
        let mut record = Self {
            version: m.version,
            community_seen: m.community,
            request_length: length(m),
            ..Self::default()
        };
        record.secure(m);
        if let Some(pdu) = &m.pdu {
            record.pdu_type = Some(message::kind(pdu.tag));
            record.variables = Some(pdu.variables);
            record.vars = names(pdu);
            record.trap_oid = pdu.notification.map(oid);
            if pdu.tag == 0xa5 {
                record.non_repeaters = Some(pdu.status);
                record.max_repetitions = Some(pdu.index);
            }
            match pdu.trap {
                Some(trap) => {
                    record.trap_type = Some(message::generic_trap(trap.generic));
                    record.trap_specific = (trap.generic == 6).then_some(trap.specific);
                    record.trap_oid = Some(oid(trap.enterprise));
                    record.trap_address = trap.agent;
                }
                None => record.request_id = Some(pdu.request),
            }
        }
        record
    }

    /// Adds the response.
    pub fn answered(&mut self, m: &Message<'_>) {
        self.secure(m);
        self.response_length = length(m);
        if let Some(pdu) = &m.pdu {
            self.response_type = Some(message::kind(pdu.tag));
            self.error = Some(message::error(pdu.status));
            self.error_index = (pdu.index != 0).then_some(pdu.index);
            self.response_variables = Some(pdu.variables);
            self.response_vars = names(pdu);
        }
    }

    /// A response without its request.
    pub fn unasked(m: &Message<'_>) -> Self {
        let mut record =
            Self { version: m.version, community_seen: m.community, ..Self::default() };
        record.request_id = m.pdu.as_ref().map(|p| p.request);
        record.answered(m);
        record
    }

    fn secure(&mut self, m: &Message<'_>) {
        let Some(s) = &m.security else { return };
        let kept = |octets: &[u8]| (!octets.is_empty()).then(|| Text::bounded(octets, MAX_TEXT));
        self.usm = kept(s.user).or(self.usm.take());
        self.authenticated = Some(s.authenticated());
        self.encrypted = Some(s.encrypted());
        if !s.engine.is_empty() {
            self.engine_id = Some(Binary::bounded(s.engine, MAX_TEXT));
        }
        self.context_name = kept(s.context).or(self.context_name.take());
    }
}

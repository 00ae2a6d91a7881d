//! Octets to LDAP messages (RFC 4511 §4): pure.

use super::ber::{Front, element, expect, head, tag, unsigned};
use super::filter;
use super::{MAX_ATTRIBUTES, MAX_MESSAGE, MAX_TEXT};
use crate::Cursor;

/// A message: its number and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message<'a> {
    pub(super) id: u32,
    pub(super) op: Op<'a>,
    /// Object identifiers of its controls.
    pub(super) controls: Vec<&'a [u8]>,
}

/// A login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth<'a> {
    /// By password, which is empty perhaps.
    Simple {
        empty: bool,
    },
    Sasl {
        mechanism: &'a [u8],
        credentials: &'a [u8],
    },
    /// Of no standard.
    Other,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome<'a> {
    pub(super) code: u32,
    pub(super) matched: &'a [u8],
    pub(super) diagnostic: &'a [u8],
    /// What SASL says back.
    pub(super) credentials: &'a [u8],
}

/// What a search asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Search<'a> {
    pub(super) base: &'a [u8],
    pub(super) scope: u32,
    pub(super) aliases: u32,
    pub(super) size_limit: u32,
    pub(super) time_limit: u32,
    pub(super) types_only: bool,
    pub(super) filter: Vec<u8>,
    pub(super) attributes: Vec<&'a [u8]>,
}

/// Operations.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Op<'a> {
    Bind {
        version: u32,
        name: &'a [u8],
        auth: Auth<'a>,
    },
    Unbind,
    Search(Search<'a>),
    Modify {
        entry: &'a [u8],
        changes: u32,
    },
    Add {
        entry: &'a [u8],
        attributes: u32,
    },
    Delete {
        entry: &'a [u8],
    },
    Rename {
        entry: &'a [u8],
        to: &'a [u8],
        superior: Option<&'a [u8]>,
    },
    Compare {
        entry: &'a [u8],
        attribute: &'a [u8],
    },
    Abandon {
        id: u32,
    },
    Extended {
        name: &'a [u8],
    },
    Entry {
        entry: &'a [u8],
        attributes: u32,
    },
    Reference,
    Intermediate {
        name: &'a [u8],
    },
    /// The answer to a request; its word, and the name of an extended one.
    Result {
        kind: &'static str,
        outcome: Outcome<'a>,
        name: &'a [u8],
    },
}

impl Op<'_> {
    /// Its word, as the RFC has it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Op::Bind { .. } => "bind_request",
            Op::Unbind => "unbind_request",
            Op::Search(_) => "search_request",
            Op::Modify { .. } => "modify_request",
            Op::Add { .. } => "add_request",
            Op::Delete { .. } => "del_request",
            Op::Rename { .. } => "mod_dn_request",
            Op::Compare { .. } => "compare_request",
            Op::Abandon { .. } => "abandon_request",
            Op::Extended { .. } => "extended_request",
            Op::Entry { .. } => "search_result_entry",
            Op::Reference => "search_result_reference",
            Op::Intermediate { .. } => "intermediate_response",
            Op::Result { kind, .. } => kind,
        }
    }

    /// Whether a client sends it.
    pub(super) fn is_request(&self) -> bool {
        self.word().ends_with("_request")
    }
}

/// Tags of operations.
fn is_op(tag: u8) -> bool {
    matches!(
        tag,
        0x60..=0x61 | 0x42 | 0x63..=0x69 | 0x4a | 0x6b..=0x6f | 0x50 | 0x73 | 0x77..=0x79
    )
}

/// What stands at the front of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// A whole message of so many octets.
    Whole(usize),
    /// A message of so many octets is not whole.
    Partial(usize),
    /// A message of so many octets is longer than any that is read.
    TooLong(usize),
    Malformed,
}

/// Finds the message at the front.
pub(super) fn envelope(data: &[u8]) -> Envelope {
    match head(data) {
        Front::Head(head) if head.tag == tag::SEQUENCE => {
            let whole = head.size.saturating_add(head.length);
            match whole {
                _ if whole > MAX_MESSAGE => Envelope::TooLong(whole),
                _ if data.len() < whole => Envelope::Partial(whole),
                _ => Envelope::Whole(whole),
            }
        }
        Front::Partial if data.first().is_none_or(|&b| b == tag::SEQUENCE) => Envelope::Partial(0),
        _ => Envelope::Malformed,
    }
}

/// The number, the operation's tag, and the octets behind the operation, of a message that may be
/// incomplete; `None` when it is none of LDAP's. For probes.
pub(super) fn begins(data: &[u8]) -> Option<Option<(u32, u8, usize)>> {
    let Front::Head(outer) = head(data) else {
        return matches!(head(data), Front::Partial).then_some(None);
    };
    let mut cursor = Cursor::new(data);
    cursor.skip(outer.size)?;
    if cursor.is_empty() {
        return Some(None);
    }
    let start = cursor.remaining();
    match cursor.rest() {
        [tag::INTEGER] => return Some(None),
        [tag::INTEGER, 1..=5, rest @ ..]
            if rest.len() < 5 && element(&mut cursor.clone()).is_none() =>
        {
            return Some(None);
        }
        _ => {}
    }
    let id = unsigned(expect(&mut cursor, tag::INTEGER)?)?;
    match head(cursor.rest()) {
        Front::Head(inner) => {
            cursor.skip(inner.size)?;
            let used = start.saturating_sub(cursor.remaining()).saturating_add(inner.length);
            // The operation fills the message, up to the controls.
            if !is_op(inner.tag) || used > outer.length {
                return None;
            }
            Some(Some((id, inner.tag, outer.length.saturating_sub(used))))
        }
        Front::Partial if cursor.rest().first().is_none_or(|&b| is_op(b)) => Some(None),
        _ => None,
    }
}

/// Takes a whole message apart.
pub(super) fn parse(data: &[u8]) -> Option<Message<'_>> {
    let octets = expect(&mut Cursor::new(data), tag::SEQUENCE)?;
    let mut cursor = Cursor::new(octets);
    let id = unsigned(expect(&mut cursor, tag::INTEGER)?)?;
    let (kind, body) = element(&mut cursor)?;
    let op = operation(kind, body)?;
    let mut controls = Vec::new();
    if let Some(list) = expect(&mut cursor, 0xa0) {
        let mut list = Cursor::new(list);
        while controls.len() < MAX_ATTRIBUTES
            && let Some(control) = expect(&mut list, tag::SEQUENCE)
        {
            controls.extend(expect(&mut Cursor::new(control), tag::OCTETS));
        }
    }
    Some(Message { id, op, controls })
}

fn operation(kind: u8, body: &[u8]) -> Option<Op<'_>> {
    let mut cursor = Cursor::new(body);
    let cursor = &mut cursor;
    let op = match kind {
        0x60 => {
            let version = unsigned(expect(cursor, tag::INTEGER)?)?;
            let name = expect(cursor, tag::OCTETS)?;
            let auth = match element(cursor)? {
                (0x80, password) => Auth::Simple { empty: password.is_empty() },
                (0xa3, octets) => {
                    let mut sasl = Cursor::new(octets);
                    let mechanism = expect(&mut sasl, tag::OCTETS)?;
                    let credentials = expect(&mut sasl, tag::OCTETS).unwrap_or_default();
                    Auth::Sasl { mechanism, credentials }
                }
                _ => Auth::Other,
            };
            Op::Bind { version, name, auth }
        }
        0x42 => Op::Unbind,
        0x63 => Op::Search(search(cursor)?),
        0x66 => {
            let entry = expect(cursor, tag::OCTETS)?;
            Op::Modify { entry, changes: count(expect(cursor, tag::SEQUENCE)?) }
        }
        0x68 => {
            let entry = expect(cursor, tag::OCTETS)?;
            Op::Add { entry, attributes: count(expect(cursor, tag::SEQUENCE)?) }
        }
        0x4a => Op::Delete { entry: body },
        0x6c => {
            let entry = expect(cursor, tag::OCTETS)?;
            let to = expect(cursor, tag::OCTETS)?;
            expect(cursor, tag::BOOLEAN)?;
            Op::Rename { entry, to, superior: expect(cursor, 0x80) }
        }
        0x6e => {
            let entry = expect(cursor, tag::OCTETS)?;
            let mut assertion = Cursor::new(expect(cursor, tag::SEQUENCE)?);
            Op::Compare { entry, attribute: expect(&mut assertion, tag::OCTETS)? }
        }
        0x50 => Op::Abandon { id: unsigned(body)? },
        0x77 => Op::Extended { name: expect(cursor, 0x80)? },
        0x64 => {
            let entry = expect(cursor, tag::OCTETS)?;
            Op::Entry { entry, attributes: count(expect(cursor, tag::SEQUENCE)?) }
        }
        0x73 => {
            expect(cursor, tag::OCTETS)?;
            Op::Reference
        }
        0x79 => Op::Intermediate { name: expect(cursor, 0x80).unwrap_or_default() },
        _ => {
            let kind = match kind {
                0x61 => "bind_response",
                0x65 => "search_result_done",
                0x67 => "modify_response",
                0x69 => "add_response",
                0x6b => "del_response",
                0x6d => "mod_dn_response",
                0x6f => "compare_response",
                0x78 => "extended_response",
                _ => return None,
            };
            let mut outcome = Outcome {
                code: unsigned(expect(cursor, tag::ENUMERATED)?)?,
                matched: expect(cursor, tag::OCTETS)?,
                diagnostic: expect(cursor, tag::OCTETS)?,
                credentials: &[],
            };
            expect(cursor, 0xa3);
            outcome.credentials = expect(cursor, 0x87).unwrap_or_default();
            Op::Result { kind, outcome, name: expect(cursor, 0x8a).unwrap_or_default() }
        }
    };
    Some(op)
}

fn search<'a>(cursor: &mut Cursor<'a>) -> Option<Search<'a>> {
    let base = expect(cursor, tag::OCTETS)?;
    let scope = unsigned(expect(cursor, tag::ENUMERATED)?)?;
    let aliases = unsigned(expect(cursor, tag::ENUMERATED)?)?;
    let size_limit = unsigned(expect(cursor, tag::INTEGER)?)?;
    let time_limit = unsigned(expect(cursor, tag::INTEGER)?)?;
    let types_only = expect(cursor, tag::BOOLEAN)?.iter().any(|&b| b != 0);
    let (kind, octets) = element(cursor)?;
    let filter = filter::write(kind, octets, MAX_TEXT)?;
    let mut list = Cursor::new(expect(cursor, tag::SEQUENCE)?);
    let mut attributes = Vec::new();
    while attributes.len() < MAX_ATTRIBUTES
        && let Some(attribute) = expect(&mut list, tag::OCTETS)
    {
        attributes.push(attribute);
    }
    Some(Search { base, scope, aliases, size_limit, time_limit, types_only, filter, attributes })
}

/// Number of elements.
fn count(octets: &[u8]) -> u32 {
    let mut cursor = Cursor::new(octets);
    let mut found = 0u32;
    while element(&mut cursor).is_some() {
        found = found.saturating_add(1);
    }
    found
}

/// The word of a result code (RFC 4511 §4.1.9), where the standard has one.
pub(super) fn result_word(code: u32) -> Option<&'static str> {
    Some(match code {
        0 => "success",
        1 => "operations_error",
        2 => "protocol_error",
        3 => "time_limit_exceeded",
        4 => "size_limit_exceeded",
        5 => "compare_false",
        6 => "compare_true",
        7 => "auth_method_not_supported",
        8 => "stronger_auth_required",
        10 => "referral",
        11 => "admin_limit_exceeded",
        12 => "unavailable_critical_extension",
        13 => "confidentiality_required",
        14 => "sasl_bind_in_progress",
        16 => "no_such_attribute",
        17 => "undefined_attribute_type",
        18 => "inappropriate_matching",
        19 => "constraint_violation",
        20 => "attribute_or_value_exists",
        21 => "invalid_attribute_syntax",
        32 => "no_such_object",
        33 => "alias_problem",
        34 => "invalid_dn_syntax",
        36 => "alias_dereferencing_problem",
        48 => "inappropriate_authentication",
        49 => "invalid_credentials",
        50 => "insufficient_access_rights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwilling_to_perform",
        54 => "loop_detect",
        64 => "naming_violation",
        65 => "object_class_violation",
        66 => "not_allowed_on_non_leaf",
        67 => "not_allowed_on_rdn",
        68 => "entry_already_exists",
        69 => "object_class_mods_prohibited",
        71 => "affects_multiple_dsas",
        80 => "other",
        118 => "canceled",
        119 => "no_such_operation",
        120 => "too_late",
        121 => "cannot_cancel",
        122 => "assertion_failed",
        123 => "authorization_denied",
        _ => return None,
    })
}

//! Octets → messages of versions 1, 2c and 3: pure, bounded.

use std::net::Ipv4Addr;

use super::ber;
use crate::Cursor;

/// Most variables of a message that are named; all are counted.
const MAX_NAMED: usize = 16;

pub const TRAP_V1: u8 = 0xa4;
pub const RESPONSE: u8 = 0xa2;
pub const REPORT: u8 = 0xa8;
pub const SNMP_TRAP_OID: &[u8] = &[0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0];

/// A message taken apart.
#[derive(Debug, Default)]
pub struct Message<'a> {
    /// 1, 2 (for 2c) or 3.
    pub version: u8,
    /// It carries a community, and that is not empty.
    pub community: bool,
    /// What version 3 adds.
    pub security: Option<Security<'a>>,
    /// What is asked or told; absent when encrypted.
    pub pdu: Option<Pdu<'a>>,
    /// Octets of the whole message.
    pub length: usize,
}

/// Header and security parameters of version 3 (RFC 3412 §6, RFC 3414 §2.4).
#[derive(Clone, Copy, Debug, Default)]
pub struct Security<'a> {
    pub id: i64,
    pub max_size: i64,
    pub flags: u8,
    pub model: i64,
    /// Of the user-based model only, as the next four.
    pub engine: &'a [u8],
    pub boots: Option<i64>,
    pub time: Option<i64>,
    pub user: &'a [u8],
    /// Of what is not encrypted.
    pub context: &'a [u8],
}

impl Security<'_> {
    pub fn authenticated(&self) -> bool {
        self.flags & 1 != 0
    }
    pub fn encrypted(&self) -> bool {
        self.flags & 2 != 0
    }
    /// An answer is asked for, if only a report.
    pub fn reportable(&self) -> bool {
        self.flags & 4 != 0
    }
}

/// What is asked or told.
#[derive(Debug, Default)]
pub struct Pdu<'a> {
    pub tag: u8,
    pub request: i64,
    /// Error status; of a bulk request, how many variables are asked for once.
    pub status: i64,
    /// Error index; of a bulk request, how often the others are.
    pub index: i64,
    pub trap: Option<Trap<'a>>,
    /// Names of the first variables.
    pub names: Vec<&'a [u8]>,
    /// Name of the notification of version 2, which is a variable.
    pub notification: Option<&'a [u8]>,
    pub variables: u32,
    /// Some variable is malformed; those before it are read.
    pub flawed: bool,
}

/// What a trap of version 1 has instead of a request's number.
#[derive(Clone, Copy, Debug)]
pub struct Trap<'a> {
    pub enterprise: &'a [u8],
    pub agent: Option<Ipv4Addr>,
    pub generic: i64,
    pub specific: i64,
}

/// The octets of the first message of a stream; `Ok(None)`: more must come; `Err`: not one.
pub fn length(data: &[u8]) -> Result<Option<usize>, ()> {
    match data.first() {
        None => return Ok(None),
        Some(&ber::SEQUENCE) => {}
        Some(_) => return Err(()),
    }
    Ok(ber::header(data)?.map(|h| h.length.saturating_add(h.body)))
}

/// Takes the message at the front of `data` apart; `None` when it is none, or not whole.
pub fn parse(data: &[u8]) -> Option<Message<'_>> {
    let mut outer = Cursor::new(data);
    let mut c = Cursor::new(ber::tagged(&mut outer, ber::SEQUENCE)?);
    let version = ber::integer(&mut c)?;
    let mut message = Message { length: outer.position(), ..Message::default() };
    match version {
        0 | 1 => {
            message.version = if version == 0 { 1 } else { 2 };
            message.community = !ber::tagged(&mut c, ber::OCTETS)?.is_empty();
            message.pdu = Some(pdu(&mut c)?);
        }
        3 => {
            message.version = 3;
            let mut security = security(&mut c)?;
            if !security.encrypted() {
                let mut scoped = Cursor::new(ber::tagged(&mut c, ber::SEQUENCE)?);
                ber::tagged(&mut scoped, ber::OCTETS)?;
                security.context = ber::tagged(&mut scoped, ber::OCTETS)?;
                message.pdu = Some(pdu(&mut scoped)?);
                scoped.is_empty().then_some(())?;
            } else {
                ber::tagged(&mut c, ber::OCTETS)?;
            }
            message.security = Some(security);
        }
        _ => return None,
    }
    c.is_empty().then_some(message)
}

fn security<'a>(c: &mut Cursor<'a>) -> Option<Security<'a>> {
    let mut header = Cursor::new(ber::tagged(c, ber::SEQUENCE)?);
    let (id, max_size) = (ber::integer(&mut header)?, ber::integer(&mut header)?);
    let [flags] = *ber::tagged(&mut header, ber::OCTETS)? else {
        return None;
    };
    let model = ber::integer(&mut header)?;
    let plausible = (0..=i64::from(i32::MAX)).contains(&id) && max_size >= 484 && model >= 1;
    (plausible && header.is_empty()).then_some(())?;
    let mut security = Security { id, max_size, flags, model, ..Security::default() };
    let parameters = ber::tagged(c, ber::OCTETS)?;
    if model == 3 {
        let mut outer = Cursor::new(parameters);
        let mut usm = Cursor::new(ber::tagged(&mut outer, ber::SEQUENCE)?);
        security.engine = ber::tagged(&mut usm, ber::OCTETS)?;
        security.boots = Some(ber::integer(&mut usm)?);
        security.time = Some(ber::integer(&mut usm)?);
        security.user = ber::tagged(&mut usm, ber::OCTETS)?;
    }
    Some(security)
}

fn pdu<'a>(c: &mut Cursor<'a>) -> Option<Pdu<'a>> {
    let (tag, body) = ber::value(c)?;
    let mut c = Cursor::new(body);
    let mut pdu = Pdu { tag, ..Pdu::default() };
    match tag {
        TRAP_V1 => {
            let enterprise = ber::tagged(&mut c, ber::OBJECT)?;
            // The address is an application type; some agents leave it empty.
            let agent = ber::tagged(&mut c, 0x40)?;
            let agent = agent.first_chunk::<4>().map(|a| Ipv4Addr::from(*a));
            let (generic, specific) = (ber::integer(&mut c)?, ber::integer(&mut c)?);
            ber::tagged(&mut c, 0x43)?;
            pdu.trap = Some(Trap { enterprise, agent, generic, specific });
        }
        0xa0..=0xa8 => {
            pdu.request = ber::integer(&mut c)?;
            pdu.status = ber::integer(&mut c)?;
            pdu.index = ber::integer(&mut c)?;
        }
        _ => return None,
    }
    let mut list = Cursor::new(ber::tagged(&mut c, ber::SEQUENCE)?);
    c.is_empty().then_some(())?;
    while !list.is_empty() {
        let Some((name, value)) = variable(&mut list) else {
            pdu.flawed = true;
            break;
        };
        pdu.variables = pdu.variables.saturating_add(1);
        if name == SNMP_TRAP_OID {
            pdu.notification = value;
        }
        if pdu.names.len() < MAX_NAMED {
            pdu.names.push(name);
        }
    }
    Some(pdu)
}

/// A variable's name, and its value where that is an object identifier.
fn variable<'a>(c: &mut Cursor<'a>) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let mut pair = Cursor::new(ber::tagged(c, ber::SEQUENCE)?);
    let name = ber::tagged(&mut pair, ber::OBJECT)?;
    let (tag, value) = ber::value(&mut pair)?;
    pair.is_empty().then_some((name, (tag == ber::OBJECT).then_some(value)))
}

/// The word for a kind of message.
pub fn kind(tag: u8) -> &'static str {
    match tag {
        0xa0 => "get_request",
        0xa1 => "get_next_request",
        RESPONSE => "response",
        0xa3 => "set_request",
        TRAP_V1 => "trap_v1",
        0xa5 => "get_bulk_request",
        0xa6 => "inform_request",
        0xa7 => "trap_v2",
        _ => "report",
    }
}

/// The word for an error (RFC 3416 §3).
pub fn error(status: i64) -> &'static str {
    const WORDS: [&str; 19] = [
        "no_error",
        "too_big",
        "no_such_name",
        "bad_value",
        "read_only",
        "gen_err",
        "no_access",
        "wrong_type",
        "wrong_length",
        "wrong_encoding",
        "wrong_value",
        "no_creation",
        "inconsistent_value",
        "resource_unavailable",
        "commit_failed",
        "undo_failed",
        "authorization_error",
        "not_writable",
        "inconsistent_name",
    ];
    usize::try_from(status).ok().and_then(|at| WORDS.get(at).copied()).unwrap_or("unknown")
}

/// The word for a trap of version 1 (RFC 1157 §4.1.6).
pub fn generic_trap(number: i64) -> &'static str {
    match number {
        0 => "cold_start",
        1 => "warm_start",
        2 => "link_down",
        3 => "link_up",
        4 => "authentication_failure",
        5 => "egp_neighbor_loss",
        6 => "enterprise_specific",
        _ => "unknown",
    }
}

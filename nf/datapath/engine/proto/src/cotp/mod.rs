//! COTP, the connection-oriented transport protocol (ISO 8073, ITU-T X.224), as TPKT carries it.
//! One transaction per connection: who calls whom, what is agreed or why it is refused.
//!
//! It has no octets of its own on the wire: the parser of TPKT reads it and reports in its name.

use nf_fields::{Binary, BinaryRef, Fields, ProtoId};

use crate::{Cursor, Direction, Flow, Info, Probe, Protocol, Segment, Sink, Step, within};

/// COTP's number.
pub const ID: ProtoId = ProtoId(638);
/// Most octets of a selector kept.
const MAX_SELECTOR: usize = 32;

const REQUEST: u8 = 0xe0;
const CONFIRM: u8 = 0xd0;
const DISCONNECT: u8 = 0x80;
const DATA: u8 = 0xf0;

crate::anomalies! {
    /// What can be wrong with COTP.
    pub enum Anomaly {
        /// A header that is not as its kind has it.
        MalformedHeader = "malformed_header",
        /// A message of more parts than are put together.
        MessageTooLong = "message_too_long",
        /// A connection that was refused.
        ConnectionRefused = "connection_refused",
    }
}

/// One TPDU, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct CotpMessage<'a> {
    /// Octets of the header behind this one.
    #[field(id = 1)]
    pub length: u8,
    /// Kind: 224 connection request, 208 confirm, 128 disconnect request, 240 data.
    #[field(id = 2)]
    pub pdu_type: u8,
    /// Reference that the receiver chose.
    pub destination_reference: Option<u16>,
    /// Reference that the sender chose.
    pub source_reference: Option<u16>,
    /// Selector of the caller.
    pub calling_tsap: Option<BinaryRef<'a>>,
    /// Selector of the called one.
    pub called_tsap: Option<BinaryRef<'a>>,
    /// Largest TPDU.
    pub tpdu_size: Option<u16>,
    /// Why it disconnects.
    pub reason: Option<u8>,
}

/// A connection.
#[derive(Debug, Default, Fields)]
pub struct CotpTransaction {
    /// Reference of the caller.
    pub source_reference: u16,
    /// Reference of the called one.
    pub destination_reference: Option<u16>,
    /// Selector of the caller.
    pub calling_tsap: Option<Binary>,
    /// Selector of the called one.
    pub called_tsap: Option<Binary>,
    /// Largest TPDU: what was agreed, or asked for where there is no answer.
    pub tpdu_size: Option<u16>,
    /// Class of the transport.
    pub class: u8,
    /// Whether the connection was confirmed; absent when there was no answer.
    pub accepted: Option<bool>,
    /// Why it was refused.
    pub reason: Option<u8>,
    /// Time from request to answer.
    pub response_us: Option<u64>,
}

/// A connection request or confirm.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connect<'a> {
    /// It confirms.
    pub is_confirm: bool,
    /// Reference that the receiver chose; 0 in a request.
    pub destination: u16,
    /// Reference that the sender chose.
    pub source: u16,
    /// Class.
    pub class: u8,
    /// Selector of the caller.
    pub calling: Option<&'a [u8]>,
    /// Selector of the called one.
    pub called: Option<&'a [u8]>,
    /// Largest TPDU.
    pub size: Option<u16>,
    /// What follows the header, or parameters that are none of the standard's.
    pub odd: &'a [u8],
}

impl Connect<'_> {
    /// Whether it is a connection of the ISO transport service: a cookie or a negotiation behind
    /// the header belongs to a remote desktop, and so may a request without selectors.
    pub fn is_plain(&self, on_port: bool) -> bool {
        let has_selectors = self.calling.is_some() || self.called.is_some();
        self.odd.is_empty()
            && (on_port || has_selectors)
            && (self.is_confirm || self.destination == 0)
    }
}

/// A TPDU.
#[derive(Debug)]
pub enum Tpdu<'a> {
    /// Connection request or confirm.
    Connect(Connect<'a>),
    /// Disconnect request.
    Disconnect {
        /// Reference that the receiver chose.
        destination: u16,
        /// Reference that the sender chose.
        source: u16,
        /// Why.
        reason: u8,
    },
    /// Data.
    Data {
        /// User data.
        user: &'a [u8],
        /// They end a message.
        is_last: bool,
    },
    /// Another kind.
    Other,
}

/// Takes a TPDU apart; `None` when its header is not as its kind has it.
pub fn parse(octets: &[u8]) -> Option<Tpdu<'_>> {
    let mut whole = Cursor::new(octets);
    let mut c = Cursor::new(whole.prefixed_u8()?);
    let code = c.u8()?;
    Some(match code & 0xf0 {
        REQUEST | CONFIRM => Tpdu::Connect(connect(&mut c, code & 0xf0 == CONFIRM, whole.rest())?),
        DISCONNECT => Tpdu::Disconnect { destination: c.u16()?, source: c.u16()?, reason: c.u8()? },
        DATA => {
            // Classes 0 and 1 have no reference in front of the number.
            if c.remaining() > 1 {
                c.skip(2)?;
            }
            let is_last = c.u8()? & 0x80 != 0;
            Tpdu::Data { user: whole.rest(), is_last }
        }
        0x10 | 0x20 | 0x50 | 0x60 | 0x70 | 0xc0 => Tpdu::Other,
        _ => return None,
    })
}

fn connect<'a>(c: &mut Cursor<'a>, is_confirm: bool, user: &'a [u8]) -> Option<Connect<'a>> {
    let mut connect = Connect {
        is_confirm,
        destination: c.u16()?,
        source: c.u16()?,
        class: c.u8()? >> 4,
        odd: user,
        ..Connect::default()
    };
    while !c.is_empty() {
        let before = c.rest();
        let (Some(code), Some(value)) = (c.u8(), c.prefixed_u8()) else {
            connect.odd = before;
            break;
        };
        match (code, value) {
            (0xc0, &[power @ 7..=13]) => connect.size = Some(1 << power),
            (0xc1, selector) => connect.calling = Some(selector),
            (0xc2, selector) => connect.called = Some(selector),
            (0x85..=0x8c | 0xc3..=0xc7 | 0xf0 | 0xf2, _) => {}
            _ => {
                connect.odd = before;
                break;
            }
        }
    }
    Some(connect)
}

/// Whether `head` can be the beginning of a TPDU in a frame of `length` octets.
pub fn may_be(head: &[u8], length: usize) -> bool {
    let mut c = Cursor::new(head);
    let Some(indicator) = c.u8() else { return true };
    let fits = indicator >= 2 && length > usize::from(indicator).saturating_add(4);
    let Some(code) = c.u8() else { return fits };
    fits && match code & 0xf0 {
        REQUEST | CONFIRM => {
            indicator >= 6 && c.u16().is_none_or(|d| code & 0xf0 == CONFIRM || d == 0)
        }
        DATA => indicator == 2,
        DISCONNECT => indicator >= 6,
        _ => false,
    }
}

/// Whether user data begin as the ISO session protocol does, with which MMS and others begin.
pub fn is_session(user: &[u8]) -> bool {
    match *user {
        // Connect, accept: a length, and the connect item or user requirements behind it.
        [0x0d | 0x0e, length, 0x05 | 0x14, ..] => {
            usize::from(length).saturating_add(2) == user.len()
        }
        // Give tokens, data transfer, and a presentation layer's sequence.
        [0x01, 0x00, 0x01, 0x00, 0x61 | 0x30, ..] => true,
        _ => false,
    }
}

fn kind(octets: &[u8]) -> (u8, u8) {
    match *octets {
        [length, code, ..] => (length, code),
        _ => (0, 0),
    }
}

/// What is known of a connection.
#[derive(Default)]
pub struct Connection {
    request: Option<(u64, Direction, CotpTransaction)>,
}

impl Connection {
    /// Takes a TPDU.
    pub fn take<'a>(
        &mut self,
        octets: &'a [u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<Tpdu<'a>> {
        let tpdu = parse(octets);
        if out.wants_messages() {
            out.message(&message(octets, tpdu.as_ref()));
        }
        match &tpdu {
            None => out.anomaly(Anomaly::MalformedHeader),
            Some(Tpdu::Connect(connect)) if !connect.is_confirm => {
                self.end(out);
                let kept = |s: &[u8]| Binary::bounded(s, MAX_SELECTOR);
                let record = CotpTransaction {
                    source_reference: connect.source,
                    calling_tsap: connect.calling.map(kept),
                    called_tsap: connect.called.map(kept),
                    tpdu_size: connect.size,
                    class: connect.class,
                    ..CotpTransaction::default()
                };
                self.request = Some((seg.time, seg.dir, record));
            }
            Some(Tpdu::Connect(connect)) => self.answer(seg, out, |record| {
                record.accepted = Some(true);
                record.destination_reference = Some(connect.source);
                record.tpdu_size = connect.size.or(record.tpdu_size);
                record.class = connect.class;
            }),
            Some(Tpdu::Disconnect { reason, .. }) => {
                let is_refused = self.request.as_ref().is_some_and(|(_, dir, _)| *dir != seg.dir);
                if is_refused {
                    out.anomaly(Anomaly::ConnectionRefused);
                }
                self.answer(seg, out, |record| {
                    record.accepted = Some(false);
                    record.reason = Some(*reason);
                });
            }
            Some(_) => {}
        }
        tpdu
    }

    fn answer(
        &mut self,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
        add: impl FnOnce(&mut CotpTransaction),
    ) {
        if let Some((time, _, mut record)) = self.request.take_if(|(_, dir, _)| *dir != seg.dir) {
            add(&mut record);
            record.response_us = Some(seg.time.saturating_sub(time) / 1000);
            out.transaction(time, record);
        }
    }

    /// Reports a request without answer.
    pub fn end(&mut self, out: &mut Sink<'_>) {
        if let Some((time, _, record)) = self.request.take() {
            out.transaction(time, record);
        }
    }
}

fn message<'a>(octets: &[u8], tpdu: Option<&Tpdu<'a>>) -> CotpMessage<'a> {
    let (length, pdu_type) = kind(octets);
    let mut message = CotpMessage { length, pdu_type, ..CotpMessage::default() };
    match tpdu {
        Some(Tpdu::Connect(connect)) => {
            message.destination_reference = Some(connect.destination);
            message.source_reference = Some(connect.source);
            message.calling_tsap = connect.calling.map(BinaryRef);
            message.called_tsap = connect.called.map(BinaryRef);
            message.tpdu_size = connect.size;
        }
        Some(&Tpdu::Disconnect { destination, source, reason }) => {
            message.destination_reference = Some(destination);
            message.source_reference = Some(source);
            message.reason = Some(reason);
        }
        _ => {}
    }
    message
}

/// See the module.
pub struct Cotp;

/// MMS (ISO 9506), which substations speak over COTP by way of session and presentation layers:
/// only its name is known here.
pub struct IsoMms;

/// MMS's number.
pub const MMS: ProtoId = ProtoId(1328);

/// Whether user data open an association of MMS: they name its abstract syntax, 1.0.9506.2.1.
pub fn opens_mms(user: &[u8]) -> bool {
    const SYNTAX: &[u8] = &[0x06, 0x05, 0x28, 0xca, 0x22, 0x02, 0x01];
    matches!(user.first(), Some(0x0d | 0x0e)) && memchr::memmem::find(user, SYNTAX).is_some()
}

impl Protocol for IsoMms {
    const INFO: Info = Info {
        name: "iso_mms",
        id: MMS,
        aliases: &["iso9506"],
        title: "Manufacturing message specification",
        spec: "ISO 9506, IEC 61850-8-1",
        over: &[within("cotp")],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, _out: &mut Sink<'_>) -> Step {
        Step::done()
    }
}

impl Protocol for Cotp {
    const INFO: Info = Info {
        name: "cotp",
        id: ID,
        aliases: &["x224"],
        title: "Connection-oriented transport protocol",
        spec: "ISO 8073, ITU-T X.224",
        over: &[within("tpkt")],
        message: CotpMessage::fields,
        transaction: CotpTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, _out: &mut Sink<'_>) -> Step {
        Step::done()
    }
}

//! PPP over Ethernet (RFC 2516, RFC 4638): how a client finds an access concentrator, and, in PPP's
//! name, what both agree on. It has no session: see `Info::reads_header`.
//!
//! One transaction per packet of the discovery.
//!
//! Bounds: 255 octets of a text, 64 of what tells a client's requests apart.

#[cfg(test)]
mod tests;

use nf_fields::{Binary, Fields, Mac, Text};
use nf_wire::{id, pppoe};

use crate::ppp::{self, Ppp};
use crate::{Cursor, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, within};

const MAX_TEXT: usize = 255;
const MAX_UNIQUE: usize = 64;
const OVER: &[Over] = &[within("ethernet")];

/// Tags (RFC 2516 §A, RFC 4638 §2).
mod tag {
    pub(super) const END: u16 = 0x0000;
    pub(super) const SERVICE_NAME: u16 = 0x0101;
    pub(super) const AC_NAME: u16 = 0x0102;
    pub(super) const HOST_UNIQ: u16 = 0x0103;
    pub(super) const MAX_PAYLOAD: u16 = 0x0120;
    pub(super) const SERVICE_NAME_ERROR: u16 = 0x0201;
    pub(super) const AC_SYSTEM_ERROR: u16 = 0x0202;
    pub(super) const GENERIC_ERROR: u16 = 0x0203;
}

anomalies! {
    /// What can be wrong with it.
    pub enum PppoeAnomaly {
        /// Tags that do not fit, or an unknown code.
        MalformedMessage = "malformed_message",
        /// One side tells of an error.
        Error = "error",
    }
}

/// One packet of the discovery.
#[derive(Debug, Default, Fields)]
pub struct PppoeTransaction {
    /// Hardware address it was sent from.
    pub src_mac: Option<Mac>,
    /// What it is: padi asks for concentrators, pado offers one, padr asks it for a session, pads
    /// confirms, padt ends.
    pub packet: &'static str,
    /// Session.
    pub session_id: u16,
    /// Service that is asked for or offered; empty is any.
    pub service_name: Option<Text>,
    /// Name of the concentrator.
    pub ac_name: Option<Text>,
    /// What the client tells its requests apart by.
    pub host_uniq: Option<Binary>,
    /// Largest PPP packet, where it is beyond 1492.
    pub max_payload: Option<u16>,
    /// Kind of an error: service_name, ac_system or generic.
    pub error: Option<&'static str>,
    /// Words about it.
    pub error_text: Option<Text>,
}

/// What two hardware addresses say to each other.
#[derive(Default)]
pub struct Pppoe {
    link: Ppp,
}

impl Protocol for Pppoe {
    const INFO: Info = Info {
        name: "pppoe",
        id: id::PPPOE,
        title: "PPP over Ethernet",
        spec: "RFC 2516",
        over: OVER,
        reads_header: true,
        transaction: PppoeTransaction::fields,
        anomalies: PppoeAnomaly::INFOS,
        speaks: &[ppp::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        let Ok(header) = pppoe::Header::new_checked(seg.data) else {
            return Step::all(seg);
        };
        let end = pppoe::HEADER_LEN.saturating_add(header.length().into());
        let whole = seg.data.get(pppoe::HEADER_LEN..end);
        let body = whole.or_else(|| seg.data.get(pppoe::HEADER_LEN..)).unwrap_or_default();
        if header.code() == 0 {
            self.link.frame(body, seg, &mut out.of(ppp::ID));
        } else if out.wants_transactions() {
            let mut record = PppoeTransaction {
                src_mac: seg.sender(),
                session_id: header.session_id(),
                ..PppoeTransaction::default()
            };
            let sound = discovery(header.code(), body, &mut record);
            if whole.and(sound).is_none() && !seg.cut {
                out.anomaly(PppoeAnomaly::MalformedMessage);
            }
            if record.error.is_some() {
                out.anomaly(PppoeAnomaly::Error);
            }
            if !record.packet.is_empty() {
                out.transaction(seg.time, record);
            }
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.link.end(&mut out.of(ppp::ID));
    }
}

fn discovery(code: u8, body: &[u8], record: &mut PppoeTransaction) -> Option<()> {
    record.packet = match code {
        0x09 => "padi",
        0x07 => "pado",
        0x19 => "padr",
        0x65 => "pads",
        0xa7 => "padt",
        _ => return None,
    };
    let mut c = Cursor::new(body);
    while !c.is_empty() {
        let kind = c.u16()?;
        let value = c.prefixed_u16()?;
        let text = || Some(Text::bounded(value, MAX_TEXT));
        let error = match kind {
            tag::END => return Some(()),
            tag::SERVICE_NAME => {
                // An offer lists every service; the first stands for them.
                if record.service_name.is_none() {
                    record.service_name = text();
                }
                continue;
            }
            tag::AC_NAME => {
                record.ac_name = text();
                continue;
            }
            tag::HOST_UNIQ => {
                record.host_uniq = Some(Binary::bounded(value, MAX_UNIQUE));
                continue;
            }
            tag::MAX_PAYLOAD => {
                record.max_payload = Some(Cursor::new(value).u16()?);
                continue;
            }
            tag::SERVICE_NAME_ERROR => "service_name",
            tag::AC_SYSTEM_ERROR => "ac_system",
            tag::GENERIC_ERROR => "generic",
            _ => continue,
        };
        record.error = Some(error);
        record.error_text = text().filter(|words| !words.is_empty());
    }
    Some(())
}

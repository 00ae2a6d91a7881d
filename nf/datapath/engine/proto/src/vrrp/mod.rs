//! Virtual Router Redundancy Protocol, on IP itself: version 2 (RFC 3768) and 3 (RFC 9568).
//!
//! One transaction per advertisement that differs from the last one of its virtual router: who is
//! in charge, and with which priority.
//!
//! Bounds: 16 addresses of an advertisement are listed.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use nf_fields::Fields;
use nf_wire::id;

use crate::news::News;
use crate::{Cursor, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, within};

/// Most addresses that are listed.
const MAX_LISTED: usize = 16;
const OVER: &[Over] = &[within("ip"), within("ipv6")];

anomalies! {
    /// What can be wrong with it.
    pub enum VrrpAnomaly {
        /// Of an unknown version, or shorter than it counts.
        MalformedMessage = "malformed_message",
        /// The router in charge gives up (priority 0).
        Resignation = "resignation",
        /// The password of the routers is sent in clear (version 2).
        ClearPassword = "clear_password",
    }
}

/// One advertisement.
#[derive(Debug, Fields)]
pub struct VrrpMessage {
    /// Version, 2 or 3.
    pub version: u8,
    /// Type: 1 is an advertisement, the only one there is.
    #[field(name = "type")]
    pub kind: u8,
    /// Virtual router.
    pub vrid: u8,
    /// Priority of the sender: 255 owns the addresses, 0 gives up.
    pub priority: u8,
    /// Milliseconds between advertisements.
    pub interval_ms: u32,
    /// Version 2: how the sender proves itself: none, password or header.
    pub auth_type: Option<&'static str>,
    /// How many addresses the virtual router has.
    pub address_count: u8,
    /// The first of them.
    pub addresses: Vec<IpAddr>,
}

/// The state of one session.
#[derive(Default)]
pub struct Vrrp {
    /// By virtual router.
    told: News<u8>,
}

impl Protocol for Vrrp {
    const INFO: Info = Info {
        name: "vrrp",
        id: id::VRRP,
        title: "Virtual Router Redundancy Protocol",
        spec: "RFC 9568, RFC 3768",
        over: OVER,
        reads_header: true,
        message: VrrpMessage::fields,
        transaction: VrrpMessage::fields,
        anomalies: VrrpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if out.wants_messages() || out.wants_transactions() {
            match message(seg.data, seg.flow.initiator.is_ipv6()) {
                Some(record) => self.report(record, seg, out),
                None if seg.cut => {}
                None => out.anomaly(VrrpAnomaly::MalformedMessage),
            }
        }
        out.settled();
        Step::all(seg)
    }
}

impl Vrrp {
    fn report(&mut self, record: VrrpMessage, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if record.priority == 0 {
            out.anomaly(VrrpAnomaly::Resignation);
        }
        if record.auth_type == Some("password") {
            out.anomaly(VrrpAnomaly::ClearPassword);
        }
        out.message(&record);
        if self.told.is_new(record.vrid, &record) {
            out.transaction(seg.time, record);
        }
    }
}

/// An advertisement (RFC 3768 §5.1, RFC 9568 §5.1).
fn message(data: &[u8], ipv6: bool) -> Option<VrrpMessage> {
    let mut c = Cursor::new(data);
    let first = c.u8()?;
    let (version, kind) = (first >> 4, first & 0x0f);
    if !matches!(version, 2 | 3) || kind != 1 {
        return None;
    }
    let (vrid, priority, count) = (c.u8()?, c.u8()?, c.u8()?);
    let [high, low] = c.array()?;
    let (auth_type, interval_ms) = if version == 2 {
        let auth = match high {
            0 => "none",
            1 => "password",
            2 => "header",
            _ => return None,
        };
        (Some(auth), u32::from(low).saturating_mul(1000))
    } else {
        (None, u32::from(u16::from_be_bytes([high & 0x0f, low])).saturating_mul(10))
    };
    c.skip(2)?;
    let mut addresses = Vec::new();
    for _ in 0..count {
        let address = match ipv6 {
            true => c.ipv6()?,
            false => c.ipv4()?,
        };
        if addresses.len() < MAX_LISTED {
            addresses.push(address);
        }
    }
    Some(VrrpMessage {
        version,
        kind,
        vrid,
        priority,
        interval_ms,
        auth_type,
        address_count: count,
        addresses,
    })
}

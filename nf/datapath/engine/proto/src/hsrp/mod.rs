//! Cisco's Hot Standby Router Protocol over UDP: version 1 (RFC 2281), and version 2 as Cisco's
//! routers speak it, a row of type, length, value.
//!
//! One transaction per message that differs from the last one of its group: which router is
//! active, which stands by, and with which priority.
//!
//! Bounds: 64 groups of a session are compared.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nf_fields::{Fields, Mac, ProtoId, Text};

use crate::news::News;
use crate::{
    Cursor, Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, udp,
};

const PORT: u16 = 1985;
const PORT_IPV6: u16 = 2029;
const OVER: &[Over] = &[udp(&[PORT, PORT_IPV6])];
/// Octets of a message of version 1.
const FIRST: usize = 20;

/// Parts of a message of version 2.
mod part {
    pub(super) const GROUP_STATE: u8 = 1;
    pub(super) const INTERFACE_STATE: u8 = 2;
    pub(super) const PASSWORD: u8 = 3;
    pub(super) const DIGEST: u8 = 4;
}

anomalies! {
    /// What can be wrong with it.
    pub enum HsrpAnomaly {
        /// Of an unknown operation or state, or shorter than it says.
        MalformedMessage = "malformed_message",
        /// A router takes over from the active one.
        Coup = "coup",
        /// The active router gives up.
        Resignation = "resignation",
    }
}

/// One message.
#[derive(Debug, Default, Fields)]
pub struct HsrpMessage {
    /// Version, 1 or 2.
    pub version: u8,
    /// Operation: hello, coup, resign or advertise.
    pub opcode: &'static str,
    /// State of the sender: initial, learn, listen, speak, standby or active.
    pub state: Option<&'static str>,
    /// Group of routers.
    pub group: Option<u16>,
    /// Priority of the sender.
    pub priority: Option<u32>,
    /// Milliseconds between hellos.
    pub hello_ms: Option<u32>,
    /// Milliseconds for which a hello is good.
    pub hold_ms: Option<u32>,
    /// Address that the group shares.
    pub virtual_ip: Option<IpAddr>,
    /// Version 2: hardware address that tells the sender.
    pub identifier: Option<Mac>,
    /// How the sender proves itself: text or md5.
    pub auth_type: Option<&'static str>,
    /// The text, which is no secret: mostly "cisco".
    pub auth_data: Option<Text>,
    /// Advertise: groups of the interface that are active.
    pub active_groups: Option<u16>,
    /// Advertise: groups of the interface that are passive.
    pub passive_groups: Option<u16>,
}

/// The state of one session.
#[derive(Default)]
pub struct Hsrp {
    /// By sender and group.
    told: News<(Direction, Option<u16>)>,
}

impl Protocol for Hsrp {
    const INFO: Info = Info {
        name: "hsrp",
        id: ProtoId(1341),
        title: "Hot Standby Router Protocol",
        spec: "RFC 2281",
        over: OVER,
        weight: 60,
        message: HsrpMessage::fields,
        transaction: HsrpMessage::fields,
        anomalies: HsrpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let own = seg.on_port(PORT) || seg.on_port(PORT_IPV6);
        let sound = message(seg.data).is_some() && is_plausible(seg.data);
        if own && sound { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if !out.wants_messages() && !out.wants_transactions() {
            return Step::all(seg);
        }
        match message(seg.data) {
            Some(record) => {
                match record.opcode {
                    "coup" => out.anomaly(HsrpAnomaly::Coup),
                    "resign" => out.anomaly(HsrpAnomaly::Resignation),
                    _ => {}
                }
                out.message(&record);
                if self.told.is_new((seg.dir, record.group), &record) {
                    out.transaction(seg.time, record);
                }
            }
            None if seg.cut => {}
            None => out.anomaly(HsrpAnomaly::MalformedMessage),
        }
        Step::all(seg)
    }
}

fn message(data: &[u8]) -> Option<HsrpMessage> {
    match data {
        [0, 3, ..] => advertisement(data),
        [0, ..] => first_version(data),
        _ => second_version(data),
    }
}

/// Whether what the first version says fits together: the port alone is weak evidence, and most of
/// its octets are zeros. Nothing is held for less time than between two greetings, the reserved octet
/// is zero, and what authenticates is text that zeros fill up (RFC 2281 §5.1).
fn is_plausible(data: &[u8]) -> bool {
    let [0, 0..=2, _, hello, hold, _, _, reserved, rest @ ..] = data else { return true };
    let auth = rest.get(..8).unwrap_or(rest);
    let text = auth.iter().take_while(|octet| octet.is_ascii_graphic()).count();
    let filled = auth.iter().skip(text).all(|&octet| octet == 0);
    hold >= hello && *reserved == 0 && text > 0 && filled
}

fn opcode(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "hello",
        1 => "coup",
        2 => "resign",
        3 => "advertise",
        _ => return None,
    })
}

/// RFC 2281 §5.1.
fn first_version(data: &[u8]) -> Option<HsrpMessage> {
    let mut c = Cursor::new(data.get(..FIRST)?);
    c.skip(1)?;
    let opcode = opcode(c.u8()?)?;
    let state = match c.u8()? {
        0 => "initial",
        1 => "learn",
        2 => "listen",
        4 => "speak",
        8 => "standby",
        16 => "active",
        _ => return None,
    };
    let [hello, hold, priority, group, _] = c.array()?;
    let auth = trimmed(c.take(8)?);
    let address = Ipv4Addr::from(c.array::<4>()?);
    Some(HsrpMessage {
        version: 1,
        opcode,
        state: Some(state),
        group: Some(group.into()),
        priority: Some(priority.into()),
        hello_ms: Some(u32::from(hello).saturating_mul(1000)),
        hold_ms: Some(u32::from(hold).saturating_mul(1000)),
        virtual_ip: Some(IpAddr::V4(address)),
        auth_type: Some("text"),
        auth_data: Some(auth),
        ..HsrpMessage::default()
    })
}

/// How many groups an interface has, to those who need no hello: type and length, state of the
/// interface, then two counts.
fn advertisement(data: &[u8]) -> Option<HsrpMessage> {
    let mut c = Cursor::new(data);
    c.skip(2)?;
    let (kind, length) = (c.u16()?, c.u16()?);
    if kind != 1 || length < 10 {
        return None;
    }
    c.skip(2)?;
    let (active, passive) = (c.u16()?, c.u16()?);
    Some(HsrpMessage {
        version: 1,
        opcode: "advertise",
        active_groups: Some(active),
        passive_groups: Some(passive),
        ..HsrpMessage::default()
    })
}

fn second_version(data: &[u8]) -> Option<HsrpMessage> {
    let mut record = HsrpMessage { version: 2, ..HsrpMessage::default() };
    let mut c = Cursor::new(data);
    while !c.is_empty() {
        let kind = c.u8()?;
        let mut value = Cursor::new(c.prefixed_u8()?);
        match kind {
            part::GROUP_STATE => group_state(&mut value, &mut record)?,
            part::INTERFACE_STATE => {
                record.active_groups = Some(value.u16()?);
                record.passive_groups = Some(value.u16()?);
                if record.opcode.is_empty() {
                    record.opcode = "advertise";
                }
            }
            part::PASSWORD => {
                record.auth_type = Some("text");
                record.auth_data = Some(trimmed(value.take(8)?));
            }
            part::DIGEST => record.auth_type = Some("md5"),
            _ => {}
        }
    }
    (!record.opcode.is_empty()).then_some(record)
}

fn group_state(c: &mut Cursor<'_>, record: &mut HsrpMessage) -> Option<()> {
    if c.u8()? != 2 {
        return None;
    }
    record.opcode = opcode(c.u8()?)?;
    record.state = Some(match c.u8()? {
        0 => "disabled",
        1 => "initial",
        2 => "learn",
        3 => "listen",
        4 => "speak",
        5 => "standby",
        6 => "active",
        _ => return None,
    });
    let version = c.u8()?;
    record.group = Some(c.u16()?);
    record.identifier = Some(Mac(c.array()?));
    record.priority = Some(c.u32()?);
    record.hello_ms = Some(c.u32()?);
    record.hold_ms = Some(c.u32()?);
    let octets = c.array::<16>()?;
    record.virtual_ip = Some(match version {
        4 => IpAddr::V4(Ipv4Addr::from(*octets.first_chunk::<4>()?)),
        6 => IpAddr::V6(Ipv6Addr::from(octets)),
        _ => return None,
    });
    Some(())
}

/// Text that zeros fill up.
fn trimmed(octets: &[u8]) -> Text {
    let end = octets.iter().position(|&b| b == 0).unwrap_or(octets.len());
    Text::bounded(octets, end)
}
